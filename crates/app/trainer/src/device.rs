//! Which device to train on, and why.

use js_sys::{Function, Promise, Reflect};
use model::{Chosen, Error, Preset};
use protocol::port::trainer::DeviceChoice;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::measure;

/// A device, the sizes that suit it, and why it is this one.
pub struct Choice {
    /// The device.
    pub chosen: Chosen,
    /// Sizes of the model and its batch.
    pub preset: Preset,
    /// Why, in words for a person.
    pub why: String,
}

/// Steps after the first of the short run that decides between devices; the fastest counts.
const TRIAL: u32 = 3;

/// The device wanted, where there is one. `Auto` takes the one on which a short run of preset S is faster. At most one
/// WebGPU device a worker.
///
/// # Errors
/// [`Error::NoDevice`] where WebGPU was insisted on and there is no adapter.
pub async fn choose(wanted: DeviceChoice) -> Result<Choice, Error> {
    let small = |chosen, why| Choice { chosen, preset: Preset::small(), why };
    if wanted == DeviceChoice::Cpu {
        return Ok(small(model::cpu(), "chosen by hand".into()));
    }
    let by_hand = wanted == DeviceChoice::Gpu;
    let adapter = match look().await {
        Ok(adapter) => adapter,
        Err(reason) if by_hand => return Err(Error::NoDevice(reason)),
        Err(reason) => return Ok(small(model::cpu(), Error::NoDevice(reason).to_string())),
    };
    let Adapter { name, software } = adapter;
    match model::webgpu().await {
        Ok(chosen) if by_hand => {
            let preset = if software { Preset::sparing() } else { Preset::small() };
            Ok(Choice { chosen: Chosen { name, ..chosen }, preset, why: "chosen by hand".into() })
        }
        Ok(chosen) => Ok(faster(Chosen { name, ..chosen }).await),
        Err(error) if by_hand => Err(error),
        Err(error) => Ok(small(model::cpu(), error.to_string())),
    }
}

/// The faster one of `gpu` and the CPU in a short run on each, with both figures.
async fn faster(gpu: Chosen) -> Choice {
    let cpu = model::cpu();
    let (here, there) = (trial(&cpu).await, trial(&gpu).await);
    let (chosen, why) = match (here, there) {
        (Ok(here), Ok(there)) => {
            let why = format!("a step took {there:.0} ms on WebGPU ({}) and {here:.0} ms on the CPU", gpu.name);
            (if there < here { gpu } else { cpu }, why)
        }
        (Err(error), Ok(_)) => (gpu, format!("the CPU could not finish a step: {error}")),
        (_, Err(error)) => (cpu, format!("WebGPU ({}) could not finish a step: {error}", gpu.name)),
    };
    Choice { chosen, preset: Preset::small(), why }
}

/// The fastest step of a short run, ms.
async fn trial(chosen: &Chosen) -> Result<f64, Error> {
    Ok(measure(chosen, TRIAL).await?.fastest_step_ms)
}

/// What the browser says of its adapter.
struct Adapter {
    name: String,
    software: bool,
}

/// The browser's adapter, or why there is none.
async fn look() -> Result<Adapter, String> {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let gpu = get(&get(&js_sys::global(), "navigator"), "gpu");
    if !gpu.is_object() {
        return Err("this browser has no WebGPU".into());
    }
    let request = get(&gpu, "requestAdapter").dyn_into::<Function>().map_err(|_| "this browser has no WebGPU")?;
    let promise = request.call0(&gpu).map_err(|error| format!("{error:?}"))?;
    let adapter = JsFuture::from(Promise::resolve(&promise)).await.map_err(|error| format!("{error:?}"))?;
    if !adapter.is_object() {
        return Err("this browser offers no WebGPU adapter".into());
    }
    let info = get(&adapter, "info");
    let parts = ["vendor", "architecture", "device", "description"].map(|name| get(&info, name).as_string());
    let mut words: Vec<String> = parts.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    words.dedup();
    let software = get(&info, "isFallbackAdapter").is_truthy() || get(&adapter, "isFallbackAdapter").is_truthy();
    let name = if words.is_empty() { "adapter without a name".into() } else { words.join(" ") };
    Ok(Adapter { name, software })
}
