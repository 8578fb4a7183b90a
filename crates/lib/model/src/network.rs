//! All the weights of a peer, in the order in which an example passes them: an encoder for each of its modalities, the
//! router, the join with its student, and a trunk and a head that turn a joined representation into logits.

use burn::module::{Module, Param, ParamId};
use burn::prelude::*;
use data::{Random, Spec};

use crate::encoder::{Encoder, Perceptron, norm};
use crate::examples::Examples;
use crate::join::Joining;
use crate::kernels::product;
use crate::router::Router;
use crate::student::Student;
use crate::{Error, Preset};

/// Every weight of a peer.
#[derive(Module, Debug)]
pub struct Network {
    /// One a part; the first is the own modality's.
    pub(crate) encoders: Vec<Encoder>,
    pub(crate) router: Router,
    pub(crate) joining: Joining,
    pub(crate) student: Student,
    trunk: Perceptron,
    /// [dim, classes]: the shared decoder head.
    head: Param<Tensor<2>>,
    /// Whether every position has a target.
    each: bool,
}

/// Where fresh weights come from: the same on every device.
pub(crate) struct Draw<'a> {
    pub random: &'a mut Random,
    pub device: &'a Device,
}

/// Examples after an encoder.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    /// What the stem made of them, which is what the gate looks at: [batch, seq, dim].
    pub seen: Tensor<3>,
    /// f(x): [batch, seq, dim].
    pub own: Tensor<3>,
}

impl Encoded {
    /// Rows `from..to`.
    pub fn rows(&self, from: usize, to: usize) -> Self {
        Self { seen: self.seen.clone().slice(from..to), own: self.own.clone().slice(from..to) }
    }
}

impl Draw<'_> {
    /// `[rows, columns]`, normal.
    pub fn matrix(&mut self, rows: usize, columns: usize, deviation: f32) -> Param<Tensor<2>> {
        let values = (0..rows * columns).map(|_| self.random.normal() * deviation).collect();
        self.of(values, rows, columns)
    }

    /// `[rows, columns]` of these values.
    pub fn of(&mut self, values: Vec<f32>, rows: usize, columns: usize) -> Param<Tensor<2>> {
        Param::from_data(TensorData::new(values, [rows, columns]), self.device)
    }
}

/// Deviation of the weights of a layer of `width` inputs that keeps the size of what passes.
pub(crate) fn wide(width: usize) -> f32 {
    1.0 / (width as f32).sqrt()
}

impl Network {
    /// Weights drawn from `random`.
    pub(crate) fn new(preset: &Preset, spec: &Spec, random: &mut Random, device: &Device) -> Self {
        let mut draw = Draw { random, device };
        let causal = |index: usize| spec.each && index == 0;
        let encoders = spec.parts.iter().enumerate();
        Self {
            encoders: encoders.map(|(i, part)| Encoder::new(preset, part, causal(i), &mut draw)).collect(),
            router: Router::new(preset, &mut draw),
            joining: Joining::new(preset, &mut draw),
            student: Student::new(preset, &mut draw),
            trunk: Perceptron::new(preset.dim, preset.hidden, 0.5, &mut draw),
            head: draw.matrix(preset.dim, spec.classes, 0.02),
            each: spec.each,
        }
    }

    /// Encodes one part of an example.
    ///
    /// # Errors
    /// [`Error::Unfit`] where there is no such part or it is of another modality.
    pub(crate) fn encode(&self, part: usize, examples: Examples) -> Result<Encoded, Error> {
        let missing = || Error::Unfit(format!("part {part} of {}", self.encoders.len()));
        let encoder = self.encoders.get(part).ok_or_else(missing)?;
        let seen = encoder.see(examples)?;
        Ok(Encoded { own: encoder.encode(seen.clone()), seen })
    }

    /// f_i(x) of a whole example: the encodings of parts beyond the first enter as their mean over positions.
    ///
    /// # Errors
    /// [`Error::Unfit`] where parts are missing.
    pub(crate) fn combine(&self, parts: Vec<Encoded>) -> Result<Encoded, Error> {
        let count = parts.len();
        let mut parts = parts.into_iter();
        let Some(Encoded { seen, own }) = parts.next().filter(|_| count == self.encoders.len()) else {
            return Err(Error::Unfit(format!("{count} parts for a model of {}", self.encoders.len())));
        };
        let joined = parts.fold(own, |own, other| own + other.own.mean_dim(1));
        Ok(Encoded { seen, own: if count > 1 { norm(joined) } else { joined } })
    }

    /// The weights that have a row a slot.
    pub(crate) fn by_slot(&self) -> Vec<ParamId> {
        [self.router.by_slot(), self.joining.by_slot(), Some(self.student.outputs.id)].into_iter().flatten().collect()
    }

    /// Logits of a joined representation: of every position, or of the mean over positions where an example has one target.
    ///
    /// # Shapes
    /// - joined: `[rows, seq, dim]`
    /// - output: `[rows · seq, classes]` or `[rows, classes]`
    pub fn decode(&self, joined: Tensor<3>) -> Tensor<2> {
        let [rows, seq, dim] = joined.dims();
        let x = self.trunk.forward(joined.clone()) + joined;
        let x = if self.each { x.reshape([rows * seq, dim]) } else { x.mean_dim(1).reshape([rows, dim]) };
        product(x, self.head.val())
    }

    /// Makes slot `slot` one of a peer that nothing is known of.
    pub(crate) fn reset(mut self, slot: usize) -> Self {
        self.router = self.router.reset(slot);
        self.joining = self.joining.reset(slot);
        self.student = self.student.reset(slot);
        self
    }
}

/// Puts `values` in row `row` of a weight.
pub(crate) fn with_row(weight: Param<Tensor<2>>, row: usize, values: Vec<f32>) -> Param<Tensor<2>> {
    weight.map(|weight| {
        let [rows, columns] = weight.dims();
        if row >= rows || values.len() != columns {
            return weight;
        }
        let inner = if weight.is_autodiff() { weight.inner() } else { weight };
        let values = Tensor::from_data(TensorData::new(values, [1, columns]), &inner.device());
        Tensor::from_inner(inner.slice_assign([row..row + 1, 0..columns], values)).require_grad()
    })
}
