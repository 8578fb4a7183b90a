//! A model as bytes: to go on after a reload or on another device ([`Learner::save`]), and for other programs
//! ([`Learner::safetensors`]).
//!
//! Kept bytes are `peerage\0`, a format number, a CRC-32 and the length of what follows, and a safetensors file of the
//! weights by name, Adam's moments as `adam.first.…` and `adam.second.…`, and the rest as JSON in its metadata. A file that
//! was cut off or changed is refused; the checksum is no seal against someone who wants to deceive, and need not be: a
//! hostile file can at worst be a bad model of the right shape. An export has the weights alone.
//!
//! Burn's own records read a device synchronously, which a browser does not allow; these do not.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::prelude::*;
use data::Spec;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::adam::Moments;
use crate::reading::Readings;
use crate::{Error, Learner, Network, Preset};

const MAGIC: &[u8; 8] = b"peerage\0";
/// Format number, checksum, length.
const HEADER: usize = MAGIC.len() + 4 + 4 + 8;

/// Most steps that a kept model has done: Adam's rule counts them as `i32`.
const MOST: u64 = 1 << 30;

/// What is kept beside tensors.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    spec: String,
    step: u64,
    taught: Vec<u64>,
    /// The budget's smoothed norm.
    own: Option<f64>,
    /// Adam's steps by weight.
    times: BTreeMap<String, usize>,
    /// What the caller keeps along.
    note: String,
}

/// A weight where it stands.
struct Weight {
    name: String,
    id: ParamId,
    tensor: Tensor<2>,
}

/// Values of a weight on the host.
#[derive(Clone, Debug)]
struct Kept {
    shape: [usize; 2],
    values: Vec<f32>,
}

impl Learner {
    /// The format that [`Self::save`] writes.
    pub const FORMAT: u32 = 1;

    /// [`Self::save_with`] nothing along.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn save(&self) -> impl Future<Output = Result<Vec<u8>, Error>> + use<> {
        self.save_with(String::new())
    }

    /// Weights, Adam's moments, what students were taught, step count and budget, once the device has handed them over, with
    /// a `note` of the caller's: whose slots these are, where in the data it was. The model may go on learning meanwhile:
    /// what is kept is the state of this moment.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn save_with(&self, note: String) -> impl Future<Output = Result<Vec<u8>, Error>> + use<> {
        let weights = weights(&self.serving);
        let mut state = State {
            spec: format!("{:?}", self.spec),
            step: self.step,
            taught: self.taught.clone(),
            own: self.budget.own,
            times: BTreeMap::new(),
            note,
        };
        let mut all = Vec::with_capacity(3 * weights.len());
        for Weight { name, id, tensor } in weights {
            if let Some(Moments { time, first, second }) = self.adam.moments(id) {
                state.times.insert(name.clone(), time);
                all.push((format!("adam.first.{name}"), first));
                all.push((format!("adam.second.{name}"), second));
            }
            all.push((name, tensor));
        }
        async move {
            let tensors = file(all, Some(&state)).await?;
            let mut bytes = Vec::with_capacity(HEADER + tensors.len());
            bytes.extend_from_slice(MAGIC);
            bytes.extend_from_slice(&Self::FORMAT.to_le_bytes());
            bytes.extend_from_slice(&crc32fast::hash(&tensors).to_le_bytes());
            bytes.extend_from_slice(&(tensors.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&tensors);
            Ok(bytes)
        }
    }

    /// Goes on where [`Self::save`] was called, on `device`.
    ///
    /// # Errors
    /// [`Error::Damaged`] for bytes that are cut off, changed or something else, [`Error::OtherVersion`],
    /// [`Error::ForeignWeights`] and [`Error::Unfit`] for a model of another preset or other data.
    pub fn load(bytes: &[u8], preset: Preset, spec: &Spec, device: &Device) -> Result<Self, Error> {
        let tensors = open(bytes)?;
        let (mut kept, state) = parse(tensors)?;
        let state = state.ok_or_else(|| missing("its state"))?;
        let own = format!("{spec:?}");
        if state.spec != own || state.taught.len() != preset.slots {
            return Err(Error::Unfit(format!("a model of {}, not of {own}", state.spec)));
        }
        let counts = state.taught.iter().copied().chain(state.times.values().map(|time| *time as u64));
        if let Some(count) = counts.chain([state.step]).find(|count| *count > state.step.min(MOST)) {
            return Err(Error::Damaged(format!("it counts {count} of {} steps, {MOST} at most", state.step)));
        }
        let mut learner = Self::new(preset, spec, 0, device);
        let weights = weights(&learner.network);
        learner.place(&kept)?;
        for Weight { name, id, tensor } in weights {
            let Some(time) = state.times.get(&name).copied() else { continue };
            let expected = tensor.dims();
            let mut moment = |which: &str| {
                let name = format!("adam.{which}.{name}");
                let Kept { shape, values } = kept.remove(&name).ok_or_else(|| missing(&name))?;
                if shape != expected {
                    let (expected, got) = (expected.to_vec(), shape.to_vec());
                    return Err(Error::ForeignWeights { name, expected, got });
                }
                if which == "second" && values.iter().any(|value| *value < 0.0) {
                    return Err(Error::Damaged(format!("{name} holds a mean of squares below 0")));
                }
                Ok::<_, Error>(Tensor::from_data(TensorData::new(values, shape), &device.clone().inner()))
            };
            let moments = Moments { time, first: moment("first")?, second: moment("second")? };
            learner.adam.resume(id, moments);
        }
        learner.step = state.step;
        learner.taught = state.taught;
        learner.budget.own = state.own.filter(|norm| norm.is_finite() && *norm >= 0.0);
        Ok(learner)
    }

    /// The note that was kept along.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn note(bytes: &[u8]) -> Result<String, Error> {
        let (_, state) = parse(open(bytes)?)?;
        Ok(state.ok_or_else(|| missing("its state"))?.note)
    }

    /// The weights as a safetensors file, by the names of the layers, f32, row by row.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn safetensors(&self) -> impl Future<Output = Result<Vec<u8>, Error>> + use<> {
        let weights = weights(&self.serving).into_iter().map(|weight| (weight.name, weight.tensor)).collect();
        file(weights, None)
    }

    /// Takes the weights of a safetensors file in place of its own; the optimiser and the students' counts start afresh.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::ForeignWeights`]; the weights stay as they were.
    pub fn import(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (kept, _) = parse(bytes)?;
        self.place(&kept)?;
        self.adam = crate::adam::Adam::new();
        self.taught.iter_mut().for_each(|steps| *steps = 0);
        Ok(())
    }

    /// Puts kept weights in the place of the own ones, if all are there and fit.
    fn place(&mut self, kept: &BTreeMap<String, Kept>) -> Result<(), Error> {
        for Weight { name, tensor, .. } in weights(&self.network) {
            let expected = tensor.dims();
            let got = kept.get(&name).map(|kept| kept.shape.to_vec()).unwrap_or_default();
            if got != expected {
                return Err(Error::ForeignWeights { name, expected: expected.to_vec(), got });
            }
        }
        self.network = self.network.clone().map(&mut Place { path: Vec::new(), kept, device: &self.device });
        self.serving = self.network.valid();
        Ok(())
    }
}

/// The weights of `network` in the order of its layers.
fn weights(network: &Network) -> Vec<Weight> {
    let mut collect = Collect::default();
    network.visit(&mut collect);
    collect.weights
}

/// Reads tensors back and writes them as a safetensors file.
async fn file(tensors: Vec<(String, Tensor<2>)>, state: Option<&State>) -> Result<Vec<u8>, Error> {
    let mut readings = Readings::new();
    let shapes: BTreeMap<String, [usize; 2]> = tensors.iter().map(|(name, t)| (name.clone(), t.dims())).collect();
    for (name, tensor) in tensors {
        readings.add(name, tensor);
    }
    let read = readings.read().await?;
    let bytes = |values: &Vec<f32>| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let bytes: Vec<(&String, Vec<u8>)> = read.iter().map(|(name, values)| (name, bytes(values))).collect();
    let damaged = |error: safetensors::SafeTensorError| Error::Damaged(error.to_string());
    let views = bytes.iter().map(|(name, bytes)| {
        let shape = shapes.get(*name).map(|shape| shape.to_vec()).unwrap_or_default();
        Ok((name.as_str(), TensorView::new(Dtype::F32, shape, bytes).map_err(damaged)?))
    });
    let views = views.collect::<Result<Vec<_>, Error>>()?;
    let state = state.map(serde_json::to_string).transpose().map_err(|error| Error::Damaged(error.to_string()))?;
    let metadata = state.map(|state| [("peerage".to_owned(), state)].into_iter().collect());
    safetensors::serialize(views, metadata).map_err(damaged)
}

/// The safetensors file within kept bytes.
fn open(bytes: &[u8]) -> Result<&[u8], Error> {
    let cut = || Error::Damaged(format!("it is cut off after {} bytes", bytes.len()));
    let number = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    if !bytes.starts_with(MAGIC) {
        return Err(Error::Damaged("it is no kept model".into()));
    }
    let (format, sum) = (number(8).ok_or_else(cut)?, number(12).ok_or_else(cut)?);
    if format != Learner::FORMAT {
        return Err(Error::OtherVersion { expected: Learner::FORMAT, got: format });
    }
    let length = bytes.get(16..HEADER).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes).ok_or_else(cut)?;
    let tensors = bytes.get(HEADER..).ok_or_else(cut)?;
    if tensors.len() as u64 != length {
        return Err(Error::Damaged(format!("it has {} of {length} bytes", tensors.len())));
    }
    if crc32fast::hash(tensors) != sum {
        return Err(Error::Damaged("its checksum does not agree".into()));
    }
    Ok(tensors)
}

/// Tensors by name, and the state if there is one.
fn parse(bytes: &[u8]) -> Result<(BTreeMap<String, Kept>, Option<State>), Error> {
    let damaged = |error: safetensors::SafeTensorError| Error::Damaged(error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let state = metadata.metadata().as_ref().and_then(|metadata| metadata.get("peerage"));
    let state = state.map(|state| serde_json::from_str(state)).transpose();
    let state = state.map_err(|error| Error::Damaged(error.to_string()))?;
    let mut kept = BTreeMap::new();
    for (name, view) in SafeTensors::deserialize(bytes).map_err(damaged)?.iter() {
        let shape: Option<[usize; 2]> = view.shape().try_into().ok();
        let Some(shape) = shape.filter(|_| view.dtype() == Dtype::F32) else {
            return Err(Error::Damaged(format!(
                "{name} is {:?} {:?}, not a matrix of F32",
                view.dtype(),
                view.shape()
            )));
        };
        let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let values: Vec<f32> = view.data().chunks_exact(4).map(number).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::Damaged(format!("{name} holds what is no number")));
        }
        kept.insert(name.to_owned(), Kept { shape, values });
    }
    Ok((kept, state))
}

fn missing(name: &str) -> Error {
    Error::Damaged(format!("it lacks {name}"))
}

#[derive(Default)]
struct Collect {
    path: Vec<String>,
    weights: Vec<Weight>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims();
        let tensor = tensor.reshape([shape[0], shape.iter().skip(1).product()]);
        self.weights.push(Weight { name: self.path.join("."), id: param.id, tensor });
    }
}

struct Place<'a> {
    path: Vec<String>,
    kept: &'a BTreeMap<String, Kept>,
    device: &'a Device,
}

impl ModuleMapper for Place<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(Kept { values, .. }) = self.kept.get(&self.path.join(".")) else { return param };
        let data = TensorData::new(values.clone(), param.val().shape());
        param.map(|_| Tensor::from_data(data, self.device).require_grad())
    }
}
