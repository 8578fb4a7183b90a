//! Speed of training alone on a device: for the choice of one, and for `cargo xtask bench`. Launches are counted by the
//! caller, with a hook on `GPUComputePassEncoder.prototype.dispatchWorkgroups`.

use data::{Dataset, Random};
use model::{Chosen, Error, Extra, Learner, Preset, Routing};
use protocol::port::trainer::DeviceChoice;
use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_time::Instant;

use crate::mesh::breathe;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Bench {
    /// Device, for a person.
    pub device: String,
    /// Steps after the first, each second.
    pub steps_per_second: f64,
    /// Bytes of text learned from, each second.
    pub tokens_per_second: f64,
    /// The first step, with all that is compiled and uploaded for it, ms.
    pub first_step_ms: f64,
    /// Loss of the last step, nats a byte.
    pub loss: f64,
}

/// How fast a device is at some data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Steps after the first, each second.
    pub steps_per_second: f64,
    /// The first step, ms.
    pub first_step_ms: f64,
    /// Loss of the last step, nats a target.
    pub loss: f64,
}

/// Trains for `steps` steps after a first one, on "cpu", "gpu" or "auto". Gives an object with the fields of [`Bench`].
///
/// # Errors
/// What failed, in words.
#[wasm_bindgen]
pub async fn bench(device: String, steps: u32) -> Result<JsValue, JsValue> {
    let choice = match device.as_str() {
        "cpu" => DeviceChoice::Cpu,
        "gpu" => DeviceChoice::Gpu,
        "auto" => DeviceChoice::Auto,
        other => return Err(format!("no device {other:?}: cpu, gpu or auto").into()),
    };
    let words = |error: Error| JsValue::from(error.to_string());
    let crate::Choice { chosen, .. } = crate::choose(choice, &text().map_err(words)?).await.map_err(words)?;
    let bench = measure(&chosen, steps).await.map_err(words)?;
    Ok(serde_wasm_bindgen::to_value(&bench)?)
}

/// Trains S on text for `steps` steps after a first one on `chosen`.
///
/// # Errors
/// [`Error`] of the device or the loss.
pub async fn measure(chosen: &Chosen, steps: u32) -> Result<Bench, Error> {
    let preset = Preset::small();
    let Pace { steps_per_second, first_step_ms, loss } = pace(chosen, &preset, &text()?, steps, f64::INFINITY).await?;
    let tokens_per_second = steps_per_second * preset.tokens() as f64;
    let device = format!("{}: {}", chosen.kind.label(), chosen.name);
    Ok(Bench { device, steps_per_second, tokens_per_second, first_step_ms, loss })
}

/// Trains on `dataset` for `steps` steps after a first one on `chosen`, or as many as are done in `most_ms`.
///
/// # Errors
/// [`Error`] of the device or the loss.
pub async fn pace(
    chosen: &Chosen,
    preset: &Preset,
    dataset: &Dataset,
    steps: u32,
    most_ms: f64,
) -> Result<Pace, Error> {
    let mut random = Random::new(1, 3);
    let mut learner = Learner::new(preset.clone(), dataset.spec(), 1, &chosen.device);
    let mut pace = Pace { steps_per_second: 0.0, first_step_ms: 0.0, loss: 0.0 };
    let mut started = Instant::now();
    for step in 0..=steps {
        let batch = dataset.batch(preset.batch, &mut random);
        let pending = learner.start(&batch, &Routing::nobody(), Vec::new(), Extra::default())?;
        let outcome = pending.read().await?;
        pace.loss = outcome.losses.alone;
        learner.apply(outcome)?;
        breathe().await;
        let millis = started.elapsed().as_secs_f64() * 1e3;
        if step == 0 {
            pace.first_step_ms = millis;
            started = Instant::now();
        } else {
            pace.steps_per_second = f64::from(step) / millis * 1e3;
            if millis > most_ms {
                break;
            }
        }
    }
    Ok(pace)
}

fn text() -> Result<Dataset, Error> {
    let text: Vec<u8> = TEXT.bytes().cycle().take(1 << 16).collect();
    Dataset::text(&text, None, Preset::small().seq).map_err(|error| Error::Unfit(error.to_string()))
}

const TEXT: &str = "A peer learns from its neighbours and says what each of them was worth. ";
