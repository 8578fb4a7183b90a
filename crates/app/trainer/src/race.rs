//! Training alone that a script drives step by step, so that another program can take the same steps in turns with it
//! (tests/learning).

use std::collections::VecDeque;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use data::{Batch, Dataset, Random};
use js_sys::{Array, Float32Array, Uint8Array};
use model::{Error, Learner, Preset};
use protocol::exchange::Values;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bench::{step, text};

/// A model of preset S on text; its weights and its batches are the same every time.
#[wasm_bindgen]
pub struct Race {
    learner: Learner,
    dataset: Dataset,
    random: Random,
    drawn: VecDeque<Batch>,
    device: String,
}

#[wasm_bindgen]
impl Race {
    /// A fresh model on "cpu" or "gpu".
    ///
    /// # Errors
    /// What failed, in words.
    pub async fn open(device: String) -> Result<Race, JsValue> {
        let chosen = match device.as_str() {
            "cpu" => model::cpu(),
            "gpu" => model::webgpu().await.map_err(words)?,
            other => return Err(format!("no device {other:?}: cpu or gpu").into()),
        };
        let dataset = text().map_err(words)?;
        let device = format!("{}: {}", chosen.kind.label(), chosen.name);
        let learner = Learner::new(Preset::small(), dataset.spec(), 1, &chosen.device);
        Ok(Self { learner, dataset, random: Random::new(1, 3), drawn: VecDeque::new(), device })
    }

    /// Device, for a person.
    #[must_use]
    pub fn device(&self) -> String {
        self.device.clone()
    }

    /// Every weight: an array of `[name, shape, values]`, with names such as `encoders.0.stem`.
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
        let inputs = batch.parts.first().and_then(|part| match part.values() {
            Values::Bytes(bytes) => Some(Uint8Array::from(&bytes[..])),
            Values::Reals(_) => None,
        });
        let targets: Vec<u8> = batch.targets.iter().map(|target| *target as u8).collect();
        self.drawn.push_back(batch);
        Array::of2(&inputs.unwrap_or_default(), &Uint8Array::from(&targets[..]))
    }

    /// One step on the batch that was drawn first. Gives the loss, nats a byte.
    ///
    /// # Errors
    /// What failed, in words.
    pub async fn step(&mut self) -> Result<f64, JsValue> {
        let batch = self.drawn.pop_front().ok_or("no batch was drawn for this step")?;
        step(&mut self.learner, &batch).await.map_err(words)
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

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn words(error: Error) -> JsValue {
    error.to_string().into()
}
