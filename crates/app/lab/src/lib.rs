//! The lab for a page: the WebAssembly module behind `<peerage-lab>` (`www/lab`).
//!
//! [`scenarios`] says what can be run and set, [`Run`] runs one and gives its numbers, figures and formulas. It is the crate
//! `lab` behind functions of words and plain objects: what comes out is, number by number, what `peerage lab` prints.
//!
//! It draws nothing on a page and asks nobody for anything: no network, no clock, no storage. A run may take seconds, so
//! it belongs into a worker. What comes in are settings from addresses and fields; they are read and bounded by `lab`, and
//! refused with a sentence. A run may still be long or its tables large: who starts it may end the worker.

mod shape;

use lab::{Report, Scenario, Settings, all, draw, find};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use shape::{DrawingShape, Outline, ScenarioShape};
use std::collections::BTreeMap;
use wasm_bindgen::prelude::*;

/// All scenarios, in the order of a lesson, with what can be set.
///
/// # Errors
/// None that a caller could make.
#[wasm_bindgen(unchecked_return_type = "Scenario[]")]
pub fn scenarios() -> Result<JsValue, JsError> {
    given(&all().iter().map(|scenario| ScenarioShape::of(scenario)).collect::<Vec<_>>())
}

/// One run of one scenario.
#[wasm_bindgen]
pub struct Run {
    scenario: &'static Scenario,
    settings: Settings,
    report: Report,
}

#[wasm_bindgen]
impl Run {
    /// Runs `scenario` with a seed and those settings that are not to be the default, both as text.
    ///
    /// # Errors
    /// A sentence that says what is wrong with a name or a setting, or why the scenario did not end well.
    #[wasm_bindgen(constructor)]
    pub fn new(
        scenario: &str,
        seed: &str,
        #[wasm_bindgen(unchecked_param_type = "Record<string, string>")] settings: JsValue,
    ) -> Result<Self, JsError> {
        let scenario = find(scenario)?;
        let seed: u64 =
            seed.parse().map_err(|_| JsError::new(&format!("the seed is {seed}, but must be a whole number")))?;
        let settings: BTreeMap<String, String> = serde_wasm_bindgen::from_value(settings)?;
        let given = settings.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let settings = scenario.settings(seed, given)?;
        let report = scenario.report(&settings)?;
        Ok(Self { scenario, settings, report })
    }

    /// The numbers with their names and units, and which figures there are.
    ///
    /// # Errors
    /// None that a caller could make.
    #[wasm_bindgen(unchecked_return_type = "Outline")]
    pub fn outline(&self) -> Result<JsValue, JsError> {
        given(&Outline::of(&self.report))
    }

    /// A figure by its place, for a page of this width in pixels.
    ///
    /// # Errors
    /// Where there is no such figure.
    #[wasm_bindgen(unchecked_return_type = "Drawing")]
    pub fn figure(&self, index: usize, width: f64) -> Result<JsValue, JsError> {
        given(&DrawingShape::of(draw::figure(&self.report, index, width)?))
    }

    /// The formulas with their numbers at one step, the first being 0.
    ///
    /// # Errors
    /// Where a mechanism refuses the world of this step.
    #[wasm_bindgen(unchecked_return_type = "Formula[]")]
    pub fn formulas(&self, step: usize) -> Result<JsValue, JsError> {
        let formulas = self.scenario.formulas(&self.settings, &self.report, step)?;
        given(&formulas.iter().map(lab::formula::Formula::shown).collect::<Vec<_>>())
    }

    /// The whole report, as `peerage lab … --json` prints it.
    ///
    /// # Errors
    /// None that a caller could make.
    pub fn json(&self) -> Result<String, JsError> {
        Ok(serde_json::to_string_pretty(&self.report)? + "\n")
    }

    /// All tables, as `peerage lab … --csv` prints them.
    pub fn csv(&self) -> String {
        self.report.csv()
    }

    /// All figures one below the other, as `peerage lab … --svg` draws them.
    ///
    /// # Errors
    /// None that a caller could make.
    pub fn svg(&self) -> Result<String, JsError> {
        Ok(draw::svg(&self.report)?)
    }
}

/// A value as a page sees it: objects, arrays, numbers.
fn given(value: &impl Serialize) -> Result<JsValue, JsError> {
    Ok(value.serialize(&Serializer::json_compatible())?)
}
