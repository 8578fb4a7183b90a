//! A peer's weights, their optimiser, its budget and masks, and where they live. `step` moves them, `serve` answers with
//! them, `keep` writes them down.

use burn::module::Module;
use burn::prelude::*;
use data::{Batch, Random, Spec};

use crate::adam::Adam;
use crate::encoder::norm;
use crate::examples::{Examples, examples};
use crate::network::Encoded;
use crate::router::{best, integers};
use crate::{Budget, Error, Network, Outcome, Preset, Routing, route};

/// The weights of a peer, their optimiser, and where they live.
#[derive(Debug)]
pub struct Learner {
    pub(crate) preset: Preset,
    pub(crate) spec: Spec,
    pub(crate) device: Device,
    pub(crate) network: Network,
    /// The same weights without gradients, for answering.
    pub(crate) serving: Network,
    pub(crate) adam: Adam,
    pub(crate) budget: Budget,
    pub(crate) step: u64,
    /// By slot: steps in which the student learned from its peer.
    pub(crate) taught: Vec<u64>,
    /// By slot: what its answers are multiplied by.
    masks: Option<Vec<f32>>,
}

/// Largest magnitude in an honest representation of width `dim`: a vector of root mean square 1 has none above √dim.
#[must_use]
pub fn largest(dim: usize) -> f32 {
    1.01 * (dim as f32).sqrt()
}

impl Learner {
    /// A fresh model of what `spec` describes; the same `seed` gives the same weights on every device.
    #[must_use]
    pub fn new(preset: Preset, spec: &Spec, seed: u64, device: &Device) -> Self {
        let network = Network::new(&preset, spec, &mut Random::new(seed, 2), device);
        Self {
            serving: network.valid(),
            adam: Adam::new(),
            device: device.clone(),
            network,
            spec: spec.clone(),
            budget: Budget::default(),
            step: 0,
            taught: vec![0; preset.slots],
            masks: None,
            preset,
        }
    }

    /// Sizes and rates.
    #[must_use]
    pub fn preset(&self) -> &Preset {
        &self.preset
    }

    /// What it learns from.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Steps done.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// What others' gradients are held to.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// The layers.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Number of weights.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.network.num_params()
    }

    /// Slots whose student has learned long enough to stand in for its peer.
    #[must_use]
    pub fn taught(&self) -> Vec<usize> {
        (0..self.preset.slots).filter(|slot| self.is_taught(*slot)).collect()
    }

    pub(crate) fn is_taught(&self, slot: usize) -> bool {
        self.taught.get(slot).is_some_and(|steps| *steps >= self.preset.taught)
    }

    /// Routes a batch by its `scores`, with the preset's gate, number of peers and noise.
    #[must_use]
    pub fn route(&self, scores: &[f32], known: &[usize], random: &mut Random) -> Routing {
        let Preset { gate, slots, chosen, noise, .. } = self.preset;
        route(gate, scores, slots, known, chosen, noise, random)
    }

    /// The same without noise, for measuring.
    #[must_use]
    pub fn route_best(&self, scores: &[f32], known: &[usize]) -> Routing {
        let Preset { gate, slots, chosen, .. } = self.preset;
        route(gate, scores, slots, known, chosen, 0.0, &mut Random::new(0, 0))
    }

    /// Multiplies the answers of each slot by its mask in the forward pass (competitive masks, σ((s_i w_ij − μ_j)/T));
    /// `None`: as they come.
    ///
    /// # Errors
    /// [`Error::Unfit`] unless there is one finite mask a slot.
    pub fn set_masks(&mut self, masks: Option<Vec<f32>>) -> Result<(), Error> {
        if let Some(masks) = &masks
            && (masks.len() != self.preset.slots || !masks.iter().all(|mask| mask.is_finite()))
        {
            return Err(Error::Unfit(format!("{} masks for {} slots", masks.len(), self.preset.slots)));
        }
        self.masks = masks;
        Ok(())
    }

    /// Gives `slot` to another peer: its student, its key and its projection start afresh.
    ///
    /// # Errors
    /// [`Error::NoSuchSlot`].
    pub fn reset(&mut self, slot: usize) -> Result<(), Error> {
        let Some(taught) = self.taught.get_mut(slot) else {
            return Err(Error::NoSuchSlot { slot, slots: self.preset.slots });
        };
        *taught = 0;
        for id in self.network.by_slot() {
            self.adam.reset(id, slot);
        }
        self.network = self.network.clone().reset(slot);
        self.serving = self.network.valid();
        Ok(())
    }

    /// Last part of a step: moves the weights.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where the step found what is no number; the weights stay.
    pub fn apply(&mut self, outcome: Outcome) -> Result<(), Error> {
        if !outcome.is_finite() {
            return Err(Error::NotFinite);
        }
        self.budget.observe(outcome.norm);
        self.step += 1;
        for slot in outcome.heard {
            if let Some(steps) = self.taught.get_mut(slot) {
                *steps += 1;
            }
        }
        let warm = (self.step as f64 / self.preset.warmup.max(1) as f64).min(1.0);
        self.network = self.adam.step(self.preset.rate * warm, self.network.clone(), outcome.weights);
        self.serving = self.network.valid();
        Ok(())
    }

    /// The parts of `batch` on `device`.
    ///
    /// # Errors
    /// [`Error::Unfit`] where the batch has other parts or another number of targets than the model.
    pub(crate) fn parts(&self, batch: &Batch, device: &Device) -> Result<Vec<Examples>, Error> {
        self.check(batch)?;
        let parts = batch.parts.iter().zip(&self.spec.parts);
        parts.map(|(inputs, part)| examples(&[inputs], part, device)).collect()
    }

    /// Whether `batch` is one of the model's.
    pub(crate) fn check(&self, batch: &Batch) -> Result<(), Error> {
        let targets = batch.batch() * self.spec.targets();
        if batch.batch() == 0 || batch.parts.len() != self.spec.parts.len() || batch.targets.len() != targets {
            let (parts, got) = (batch.parts.len(), batch.targets.len());
            return Err(Error::Unfit(format!("{parts} parts with {got} targets where there should be {targets}")));
        }
        if let Some(target) = batch.targets.iter().find(|target| usize::from(**target) >= self.spec.classes) {
            return Err(Error::Unfit(format!("a target of {target} among {} classes", self.spec.classes)));
        }
        for (inputs, part) in batch.parts.iter().zip(&self.spec.parts) {
            let [seq, item] = [vec![inputs.shape().seq() as usize], inputs.item().map(|side| side as usize).to_vec()];
            if inputs.modality() != part.modality || seq != [part.seq] || item != part.item {
                return Err(Error::Unfit(format!("{:?} {seq:?} × {item:?} for {part:?}", inputs.modality())));
            }
            if inputs.shape().batch() as usize != batch.batch() {
                return Err(Error::Unfit("parts of different numbers of examples".into()));
            }
        }
        Ok(())
    }

    /// `[n, 1]`, n rows of logits of the batch.
    pub(crate) fn targets(batch: &Batch, device: &Device) -> Tensor<2, Int> {
        let targets = batch.targets.iter().map(|target| i32::from(*target)).collect();
        integers(targets, [batch.targets.len(), 1], device)
    }

    /// The masks of these slots, `[batch, k]`; `None` where there are none.
    pub(crate) fn masks(&self, slots: &Tensor<1, Int>, k: usize) -> Option<Tensor<2>> {
        let masks = self.masks.clone()?;
        let count = masks.len();
        let masks = Tensor::<1>::from_data(TensorData::new(masks, [count]), &slots.device());
        Some(masks.select(0, slots.clone()).reshape([slots.dims()[0] / k, k]))
    }

    /// G̃(x): the student in the place of the market, over the gate's choice among all taught slots; `None` where none is.
    /// Nothing is read back for it.
    pub(crate) fn mimic(&self, network: &Network, encoded: &Encoded) -> Option<Tensor<3>> {
        let Preset { slots, chosen, .. } = self.preset;
        let k = chosen.min(self.taught().len());
        if k == 0 {
            return None;
        }
        let closed = (0..slots).map(|slot| if self.is_taught(slot) { 0.0 } else { -1e9 }).collect();
        let closed = Tensor::<2>::from_data(TensorData::new(closed, [1, slots]), &encoded.own.device());
        let scores = network.router.all(network.router.scores(encoded.seen.clone())) + closed;
        let (picks, gates) = best(scores, k);
        let gates = match self.masks(&picks, k) {
            Some(masks) => gates * masks,
            None => gates,
        };
        let answers = network.student.forward(encoded.own.clone(), picks.clone());
        Some(network.joining.forward(vec![(answers, gates)], &picks))
    }

    /// What a neighbour gets that wants the join: f(x) with the student in the market's place, at root mean square 1.
    pub(crate) fn joined(&self, network: &Network, encoded: &Encoded) -> Tensor<3> {
        match self.mimic(network, encoded) {
            Some(mimic) => norm(encoded.own.clone() + mimic.detach()),
            None => encoded.own.clone(),
        }
    }
}
