//! Speed of training alone on a device, for `cargo xtask bench`. Launches are counted by the caller, with a hook on
//! `GPUComputePassEncoder.prototype.dispatchWorkgroups`.

use std::collections::VecDeque;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use js_sys::{Array, Float32Array, Uint8Array};
use model::{Batch, Chosen, Dataset, Error, Learner, Losses, Preset, Random};
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
    /// The fastest step after the first, ms.
    pub fastest_step_ms: f64,
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
    let (dataset, mut random) = data(&preset)?;
    let mut learner = Learner::new(preset.clone(), 1, &chosen.device);
    let mut loss = 0.0;
    let mut durations = Vec::new();
    for _ in 0..=steps {
        let started = Instant::now();
        let batch = dataset.batch(preset.batch, &mut random);
        loss = step_once(&mut learner, &batch).await?.alone;
        breathe().await;
        durations.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let first_step_ms = durations.remove(0);
    let fastest_step_ms = durations.iter().copied().fold(f64::INFINITY, f64::min);
    let steps_per_second = 1e3 * f64::from(steps) / durations.iter().sum::<f64>();
    let device = format!("{}: {}", chosen.kind.label(), chosen.name);
    Ok(Bench {
        device,
        steps_per_second,
        tokens_per_second: steps_per_second * tokens,
        fastest_step_ms,
        first_step_ms,
        loss,
    })
}

/// Training alone that a script drives step by step, so that another program can take the same steps in turns with it.
#[wasm_bindgen]
pub struct Session {
    learner: Learner,
    dataset: Dataset,
    random: Random,
    drawn: VecDeque<Batch>,
    device: String,
}

#[wasm_bindgen]
impl Session {
    /// A fresh model of preset S on "cpu" or "gpu"; its weights and its batches are the same every time.
    ///
    /// # Errors
    /// What failed, in words.
    pub async fn open(device: String) -> Result<Session, JsValue> {
        let chosen = match device.as_str() {
            "cpu" => model::cpu(),
            "gpu" => model::webgpu().await.map_err(words)?,
            other => return Err(format!("no device {other:?}: cpu or gpu").into()),
        };
        let preset = Preset::small();
        let (dataset, random) = data(&preset).map_err(words)?;
        let device = format!("{}: {}", chosen.kind.label(), chosen.name);
        let learner = Learner::new(preset, 1, &chosen.device);
        Ok(Self { learner, dataset, random, drawn: VecDeque::new(), device })
    }

    /// Device, for a person.
    #[must_use]
    pub fn device(&self) -> String {
        self.device.clone()
    }

    /// Every weight: an array of `[name, shape, values]`, with names such as `blocks.0.mix`.
    ///
    /// # Errors
    /// What failed, in words.
    pub async fn weights(&self) -> Result<Array, JsValue> {
        let mut collect = Collect::default();
        self.learner.network().visit(&mut collect);
        let all = Array::new();
        for (name, shape, tensor) in collect.found {
            let data = tensor.inner().into_data_async().await.map_err(|error| JsValue::from(error.to_string()))?;
            let values = data.try_into_vec::<f32>().map_err(|error| JsValue::from(format!("{error:?}")))?;
            let shape: Array = shape.iter().map(|size| JsValue::from(*size as u32)).collect();
            all.push(&Array::of3(&name.into(), &shape, &Float32Array::from(values.as_slice())));
        }
        Ok(all)
    }

    /// Draws the batch of a later [`Self::step`]: `[inputs, targets]`, each `[batch · seq]` bytes.
    pub fn draw(&mut self) -> Array {
        let batch = self.dataset.batch(self.learner.preset().batch, &mut self.random);
        let pair = Array::of2(&Uint8Array::from(&batch.inputs[..]), &Uint8Array::from(&batch.targets[..]));
        self.drawn.push_back(batch);
        pair
    }

    /// One step on the batch that was drawn first. Gives the losses alone and of the student, nats a byte.
    ///
    /// # Errors
    /// What failed, in words.
    pub async fn step(&mut self) -> Result<Array, JsValue> {
        let batch = self.drawn.pop_front().ok_or("no batch was drawn for this step")?;
        let losses = step_once(&mut self.learner, &batch).await.map_err(words)?;
        Ok(Array::of2(&losses.alone.into(), &losses.student.into()))
    }
}

/// The weights of a network and what they are called.
#[derive(Default)]
struct Collect {
    path: Vec<String>,
    found: Vec<(String, Vec<usize>, Tensor<1>)>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        self.found.push((self.path.join("."), shape, tensor.reshape([-1])));
    }
}

/// What is learned: the same batches every time.
fn data(preset: &Preset) -> Result<(Dataset, Random), Error> {
    let text: Vec<u8> = TEXT.bytes().cycle().take(1 << 16).collect();
    Ok((Dataset::shard(&text, "bench", preset)?, Random::new(1, 3)))
}

async fn step_once(learner: &mut Learner, batch: &Batch) -> Result<Losses, Error> {
    let begun = learner.begin(batch, None)?;
    let outcome = learner.finish(begun, Vec::new())?.read().await?;
    let losses = outcome.losses;
    learner.apply(outcome)?;
    Ok(losses)
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn words(error: Error) -> JsValue {
    error.to_string().into()
}

const TEXT: &str = "A peer learns from its neighbours and says what each of them was worth. ";
