//! Speed of training alone on a device, for `cargo xtask bench`. Launches are counted by the caller, with a hook on
//! `GPUComputePassEncoder.prototype.dispatchWorkgroups`.

use model::{Chosen, Dataset, Error, Learner, Preset, Random};
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
    let crate::Choice { chosen, .. } = crate::choose(choice).await.map_err(words)?;
    let bench = measure(&chosen, steps).await.map_err(words)?;
    Ok(serde_wasm_bindgen::to_value(&bench)?)
}

/// Trains for `steps` steps after a first one on `chosen`.
///
/// # Errors
/// [`Error`] of the device or the loss.
pub async fn measure(chosen: &Chosen, steps: u32) -> Result<Bench, Error> {
    let preset = Preset::small();
    let tokens = preset.tokens() as f64;
    let text: Vec<u8> = TEXT.bytes().cycle().take(1 << 16).collect();
    let dataset = Dataset::shard(&text, "bench", &preset)?;
    let mut random = Random::new(1, 3);
    let mut learner = Learner::new(preset.clone(), 1, &chosen.device);
    let mut loss = 0.0;
    let mut first_step_ms = 0.0;
    let mut started = Instant::now();
    for step in 0..=steps {
        let batch = dataset.batch(preset.batch, &mut random);
        let begun = learner.begin(&batch, None)?;
        let outcome = learner.finish(begun, Vec::new())?.read().await?;
        loss = outcome.losses.alone;
        learner.apply(outcome)?;
        breathe().await;
        if step == 0 {
            first_step_ms = started.elapsed().as_secs_f64() * 1e3;
            started = Instant::now();
        }
    }
    let steps_per_second = f64::from(steps) / started.elapsed().as_secs_f64();
    let device = format!("{}: {}", chosen.kind.label(), chosen.name);
    Ok(Bench { device, steps_per_second, tokens_per_second: steps_per_second * tokens, first_step_ms, loss })
}

const TEXT: &str = "A peer learns from its neighbours and says what each of them was worth. ";
