//! Which device to train on, and why.

use data::Dataset;
use js_sys::{Function, Promise, Reflect};
use model::{Chosen, Error, Preset};
use protocol::port::trainer::DeviceChoice;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::bench::{Pace, pace};

/// A device, the sizes that suit it, and why it is this one.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The device.
    pub chosen: Chosen,
    /// Sizes of the model and its batch.
    pub preset: Preset,
    /// Why, in words for a person.
    pub why: String,
    /// Steps a second of the CPU, where it was measured.
    pub cpu: Option<f64>,
    /// Steps a second of WebGPU, where it was measured.
    pub gpu: Option<f64>,
}

/// The device wanted, where there is one. `Auto` takes the faster of the two at learning `dataset`, as a short measurement of
/// both shows; an adapter that is software is not tried. At most one WebGPU device a worker.
///
/// # Errors
/// [`Error::NoDevice`] where WebGPU was insisted on and there is no adapter.
pub async fn choose(wanted: DeviceChoice, dataset: &Dataset) -> Result<Choice, Error> {
    let cpu = |why| Choice { chosen: model::cpu(), preset: Preset::small(), why, cpu: None, gpu: None };
    if wanted == DeviceChoice::Cpu {
        return Ok(cpu("chosen by hand".into()));
    }
    let by_hand = wanted == DeviceChoice::Gpu;
    let adapter = match look().await {
        // Measured with SwiftShader on two cores: the CPU does some fifty steps in the time of one.
        Ok(Adapter { software: true, name }) if !by_hand => {
            return Ok(cpu(format!("the only adapter, {name}, is software and slower than this")));
        }
        Ok(adapter) => adapter,
        Err(reason) if by_hand => return Err(Error::NoDevice(reason)),
        Err(reason) => return Ok(cpu(Error::NoDevice(reason).to_string())),
    };
    let Adapter { name, software } = adapter;
    let chosen = match model::webgpu().await {
        Ok(chosen) => Chosen { name, ..chosen },
        Err(error) if by_hand => return Err(error),
        Err(error) => return Ok(cpu(error.to_string())),
    };
    let preset = if software { Preset::sparing() } else { Preset::small() };
    if by_hand {
        return Ok(Choice { chosen, preset, why: "chosen by hand".into(), cpu: None, gpu: None });
    }
    faster(chosen, preset, dataset).await
}

/// The faster of `gpu` and the CPU.
async fn faster(gpu: Chosen, preset: Preset, dataset: &Dataset) -> Result<Choice, Error> {
    let cpu = model::cpu();
    let by_cpu = pace(&cpu, &preset, dataset, STEPS, MOST_MS).await?.steps_per_second;
    match pace(&gpu, &preset, dataset, STEPS, MOST_MS).await {
        Ok(Pace { steps_per_second: by_gpu, .. }) => {
            let (chosen, other) = if by_gpu > by_cpu { (gpu, "processor") } else { (cpu, "graphics chip") };
            let (more, less) = (by_gpu.max(by_cpu), by_gpu.min(by_cpu));
            let why = format!("it is the faster here: {more:.1} steps a second, the {other} {less:.1}");
            Ok(Choice { chosen, preset, why, cpu: Some(by_cpu), gpu: Some(by_gpu) })
        }
        // It is there, but cannot train.
        Err(error) => {
            let why = format!("the graphics chip failed at the first steps: {error}");
            Ok(Choice { chosen: cpu, preset, why, cpu: Some(by_cpu), gpu: None })
        }
    }
}

/// Steps of a measurement after the first, and its longest time, ms: the first step compiles, and is not counted.
const STEPS: u32 = 10;
const MOST_MS: f64 = 1_500.0;

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
