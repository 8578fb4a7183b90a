//! One training step, cut where a peer has to wait: scores → (route, ask, wait for answers) → loss and gradients → (read
//! back) → weights.
//!
//! Rows of the trunk are stacked along the batch, so that the losses with peers, alone and of the student cost one
//! forward: `[own + G(x); own; own + G̃(x)]`, and on a sample of steps two more without one neighbour. Every example has
//! k places for answers, filled by its peers, by the student where a peer is absent, or not at all.
//!
//! Answers come from other peers, parsed and of the right size, but of any value: what exceeds
//! [`largest`](crate::largest) is the caller's to refuse. A step whose loss is no number is dropped and leaves the weights
//! as they were.

use burn::optim::GradientsParams;
use burn::prelude::*;
use data::Batch;
use protocol::exchange::Inputs;

use crate::examples::{examples, part_of};
use crate::filled::Filled;
use crate::network::Encoded;
use crate::reading::{Of, Readings, values};
use crate::router::{gates, importance, integers, load, variation};
use crate::{Error, Foreign, Learner, Pending, Routing, kl, nats};

/// What a step takes beside its batch and the answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra<'a> {
    /// A gradient from outside, taken along in the same pass.
    pub foreign: Option<&'a Foreign>,
    /// A later batch: its scores come back with this step.
    pub ahead: Option<&'a Batch>,
    /// Index of a chosen slot: the loss without it comes back too.
    pub exact: Option<usize>,
}

/// The gate's scores of a batch on their way from the device.
#[derive(Debug)]
pub struct ScoresPending(Tensor<2>);

impl ScoresPending {
    /// Waits for `[batch, Gate::width(slots)]`, row by row.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub async fn read(self) -> Result<Vec<f32>, Error> {
        values(self.0.into_data_async().await.map_err(crate::reading::device)?)
    }
}

/// The join of a step, before the trunk.
struct Joint {
    /// Answers on the tape, [batch, k, seq, dim]: its gradient is what goes back to the peers.
    leaf: Tensor<4>,
    /// [batch, k]
    gates: Tensor<2>,
    /// Zeros on the tape, [batch, k]: how much of each answer is in the row alone. Its gradient is what the first bit of it is worth.
    none: Tensor<2>,
    /// What is added to the own encoding in the trunk's rows: with peers, alone, student, without one.
    mixes: Vec<Tensor<3>>,
    /// The student's distance to the answers, and the balance terms, weighted.
    loss: Tensor<1>,
}

impl Learner {
    /// The gate's scores of `batch`, to route it by.
    ///
    /// # Errors
    /// [`Error::Unfit`].
    pub fn scores(&self, batch: &Batch) -> Result<ScoresPending, Error> {
        self.check(batch)?;
        let (Some(inputs), Some(part)) = (batch.parts.first(), self.spec.parts.first()) else {
            return Err(Error::Unfit("no parts".into()));
        };
        let encoder = self.serving.encoders.first().ok_or_else(|| Error::Unfit("no parts".into()))?;
        let seen = encoder.see(examples(&[inputs], part, &self.device.clone().inner())?)?;
        Ok(ScoresPending(self.serving.router.scores(seen)))
    }

    /// Forward and backward pass. `answers` has one entry a chosen slot of `routing`: `[rows routed, seq, dim]` of its part,
    /// `None` where the peer is late, gone or wrong. With [`Routing::nobody`] and no answers the step is one alone.
    ///
    /// # Errors
    /// [`Error::Unfit`], [`Error::WrongSize`] and [`Error::NoSuchSlot`] where the arguments do not belong together.
    pub fn start(
        &self,
        batch: &Batch,
        routing: &Routing,
        answers: Vec<Option<Vec<f32>>>,
        extra: Extra<'_>,
    ) -> Result<Pending, Error> {
        let count = batch.batch();
        let filled = self.fill(batch, routing, &answers)?;
        let (encoded, foreign) = self.encode(batch, extra.foreign)?;
        let own = encoded.own.clone();
        let [_, seq, dim] = own.dims();
        let exact = extra.exact.filter(|chosen| matches!(answers.get(*chosen), Some(Some(_))));
        // They are in their places; megabytes need not be held twice while the step computes.
        drop(answers);

        // A leaf of zeros at the place of the own encoding in the join: its gradient is ∂L/∂f_i there.
        let probe = Tensor::<3>::zeros([count, seq, dim], &self.device).require_grad();
        let mut joint = filled.as_ref().map(|filled| self.join(&encoded, routing, filled, exact));
        let mixes = joint.as_mut().map_or_else(Vec::new, |joint| std::mem::take(&mut joint.mixes));
        let mut rows: Vec<Tensor<3>> = mixes.into_iter().map(|mix| own.clone() + mix).collect();
        if rows.is_empty() {
            rows.push(own.clone());
        }
        let alone = rows.len().min(2) - 1;
        let mut weights = vec![0.0; rows.len()];
        weights[alone] = self.preset.alone;
        weights[0] = 1.0;
        rows[0] = rows[0].clone() + probe.clone();

        let stacked = rows.len();
        let logits = self.network.decode(Tensor::cat(rows, 0));
        let targets = Self::targets(batch, &self.device);
        let tokens = targets.dims()[0];
        let means = nats(logits.clone(), targets.repeat_dim(0, stacked)).reshape([stacked, tokens]).mean_dim(1);
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [stacked, 1]), &self.device);
        let mut loss = (means.clone() * weights).sum();
        let mut readings = Readings::new();
        readings.add(Of::Means, means);
        if filled.as_ref().is_some_and(Filled::any_given) {
            let (teacher, student) = (logits.clone().slice(0..tokens), logits.slice(2 * tokens..3 * tokens));
            let distance = kl(teacher, student, self.preset.temperature);
            readings.add(Of::Distance, distance.clone());
            loss = loss + distance * self.preset.distillation;
        }
        if let Some(joint) = &joint {
            loss = loss + joint.loss.clone();
        }
        if let Some(foreign) = foreign {
            loss = loss + foreign;
        }
        let mut gradients = loss.backward();
        if let Some(at_own) = probe.grad_remove(&mut gradients) {
            readings.add(Of::Along, (at_own.clone() * own.inner()).reshape([count, seq * dim]).sum_dim(1));
            readings.add(Of::Norm, at_own.square().sum());
        }
        if let Some(Joint { leaf, gates, none, .. }) = joint {
            readings.add(Of::Gates, gates);
            if let Some(gradient) = none.grad_remove(&mut gradients) {
                readings.add(Of::None, gradient);
            }
            if let Some(gradient) = leaf.grad_remove(&mut gradients) {
                readings.add(Of::Answers, gradient);
            }
        }
        if let Some(ahead) = extra.ahead {
            readings.add(Of::Ahead, self.scores(ahead)?.0);
        }
        let weights = GradientsParams::from_grads(gradients, &self.network);
        let exact = exact.is_some();
        let alone = f64::from(self.preset.alone);
        Ok(Pending { readings, weights, filled, alone, routing: routing.clone(), exact, batch: count })
    }

    /// Whether a gradient from outside can be taken along in a step: its inputs share a pass with a batch, so they need all
    /// the positions of their part. Gives that part.
    ///
    /// # Errors
    /// [`Error::WrongModality`], [`Error::WrongItem`], [`Error::TooLarge`] and [`Error::Unfit`] where its inputs are not of
    /// this model, [`Error::WrongSize`] where the gradient is not of an answer to them.
    pub fn fits(&self, foreign: &Foreign) -> Result<usize, Error> {
        let (index, shape) = (part_of(&foreign.inputs, &self.spec)?, foreign.inputs.shape());
        if !self.learns_from(&foreign.inputs) {
            return Err(Error::Unfit(format!("a gradient of {} positions", shape.seq())));
        }
        let (expected, got) = (shape.tokens() * self.preset.dim, foreign.gradient.len());
        if got != expected {
            return Err(Error::WrongSize { expected, got });
        }
        Ok(index)
    }

    /// Whether a gradient of an answer to `inputs` can be of use: others are answered, and nothing is learned from them.
    #[must_use]
    pub fn learns_from(&self, inputs: &Inputs) -> bool {
        let part = part_of(inputs, &self.spec).ok().and_then(|index| self.spec.parts.get(index));
        part.is_some_and(|part| part.seq == inputs.shape().seq() as usize)
    }

    /// The answers in their places.
    pub(crate) fn fill(
        &self,
        batch: &Batch,
        routing: &Routing,
        answers: &[Option<Vec<f32>>],
    ) -> Result<Option<Filled>, Error> {
        let slots = self.preset.slots;
        if let Some(slot) = routing.slots.iter().copied().find(|slot| *slot >= slots) {
            return Err(Error::NoSuchSlot { slot, slots });
        }
        if routing.k > 0 && routing.batch != batch.batch() {
            return Err(Error::Unfit(format!("a routing of {} examples for {}", routing.batch, batch.batch())));
        }
        Filled::new(routing, answers, &self.spec, self.preset.dim, |slot| self.is_taught(slot))
    }

    /// The own encoding, and a foreign gradient along the answer it belongs to: Σ f_i(x) · ∂L'/∂f_i(x).
    fn encode(&self, batch: &Batch, foreign: Option<&Foreign>) -> Result<(Encoded, Option<Tensor<1>>), Error> {
        self.check(batch)?;
        let count = batch.batch();
        let theirs = foreign.map(|foreign| Ok::<_, Error>((foreign, self.fits(foreign)?))).transpose()?;
        let mut along = None;
        let mut parts = Vec::with_capacity(batch.parts.len());
        for (index, (inputs, part)) in batch.parts.iter().zip(&self.spec.parts).enumerate() {
            let Some((foreign, _)) = theirs.filter(|(_, asked)| *asked == index) else {
                parts.push(self.network.encode(index, examples(&[inputs], part, &self.device)?)?);
                continue;
            };
            let both = self.network.encode(index, examples(&[inputs, &foreign.inputs], part, &self.device)?)?;
            let [rows, seq, dim] = both.own.dims();
            let gradient = TensorData::new(foreign.gradient.clone(), [rows - count, seq, dim]);
            let gradient = Tensor::<3>::from_data(gradient, &self.device);
            let answered = both.rows(count, rows);
            let answered = if foreign.joined { self.joined(&self.network, &answered) } else { answered.own };
            along = Some((answered * gradient).sum());
            parts.push(both.rows(0, count));
        }
        Ok((self.network.combine(parts)?, along))
    }

    /// Joins what fills the places of a batch.
    fn join(&self, encoded: &Encoded, routing: &Routing, filled: &Filled, exact: Option<usize>) -> Joint {
        let (network, device, preset) = (&self.network, &self.device, &self.preset);
        let [count, seq, dim] = encoded.own.dims();
        let k = routing.k;
        let tensor = |values: Vec<f32>, columns: usize| {
            Tensor::<2>::from_data(TensorData::new(values, [count, columns]), device)
        };
        let slots = picks(routing, device);
        let leaf = TensorData::new(filled.values.clone(), [count, k, seq, dim]);
        let leaf = Tensor::<4>::from_data(leaf, device).require_grad();

        let scores = network.router.scores(encoded.seen.clone().detach());
        let width = scores.dims()[1];
        let clean = network.router.of(&scores, &routing.listed);
        let noisy = network.router.of(&(scores + tensor(routing.noise.clone(), width)), &routing.listed);
        let chosen = noisy.clone().gather(1, routing.in_list(&routing.picks, device));
        let there = filled.there();
        let all = gates(chosen.clone(), None);
        let weights = there.clone().map_or(all.clone(), |there| gates(chosen.clone(), Some(tensor(there, k))));
        let masks = self.masks(&slots, k);
        let mask = |gates: Tensor<2>| masks.clone().map_or(gates.clone(), |masks| gates * masks);

        let student = network.student.forward(encoded.own.clone().detach(), slots.clone());
        let mut answers = leaf.clone();
        if filled.any_stood() {
            let stood = tensor(filled.stood.clone(), k).reshape([count, k, 1, 1]);
            answers = answers + student.clone().detach() * stood;
        }
        let joint = mask(weights.clone());
        let none = Tensor::<2>::zeros([count, k], device).require_grad();
        let alone = (answers.clone().detach(), joint.clone().detach() * none.clone());
        let mut sets = vec![(answers.clone(), joint.clone()), alone];
        let mut loss = self.balance(routing, all, clean, noisy);
        if filled.any_given() {
            sets.push((student.clone(), joint.clone().detach()));
            let given = filled.given.iter().sum::<f32>();
            let off = (student - leaf.clone().detach()).square().reshape([count, k, seq * dim]).sum_dim(2);
            let off = (off.reshape([count, k]) * tensor(filled.given.clone(), k)).sum();
            loss = loss + off * (preset.mimicry / (f64::from(given) * (seq * dim) as f64));
        }
        if let Some(slot) = exact.and_then(|chosen| routing.slots.get(chosen)) {
            let others: Vec<f32> = routing.picks.iter().map(|pick| if pick == slot { 0.0 } else { 1.0 }).collect();
            let left: Vec<f32> = match there {
                Some(there) => there.iter().zip(&others).map(|(there, other)| there * other).collect(),
                None => others.clone(),
            };
            let (others, left) = (tensor(others, k), tensor(left, k));
            let answers = answers.detach();
            sets.push((answers.clone(), joint.detach() * others));
            sets.push((answers, mask(gates(chosen.detach(), Some(left)))));
        }
        let rows = sets.len();
        let mixes = network.joining.forward(sets, &slots).chunk(rows, 0);
        Joint { leaf, gates: weights, none, mixes, loss }
    }

    /// The gate's balance terms: CV² of the importance and of the smooth load of the slots, weighted.
    fn balance(&self, routing: &Routing, gates: Tensor<2>, clean: Tensor<2>, noisy: Tensor<2>) -> Tensor<1> {
        let Routing { listed, known, rivals, .. } = routing;
        let picks: Vec<usize> = routing.picks.iter().map(|slot| routing.place(*slot)).collect();
        let importance = importance(gates, &picks, listed.len());
        let mut balance = variation(importance, *known);
        if !rivals.is_empty() && self.preset.noise > 0.0 {
            let rivals = noisy.gather(1, routing.in_list(rivals, &self.device));
            balance = balance + variation(load(clean, rivals, self.preset.noise), *known);
        }
        balance * self.preset.balance
    }
}

impl Routing {
    /// Place of a slot in the list of those that share in the balance.
    fn place(&self, slot: usize) -> usize {
        self.listed.binary_search(&slot).unwrap_or(0)
    }

    /// Places of `slots`, [batch, ·].
    fn in_list(&self, slots: &[usize], device: &Device) -> Tensor<2, Int> {
        let places = slots.iter().map(|slot| self.place(*slot) as i32).collect();
        integers(places, [self.batch, slots.len() / self.batch.max(1)], device)
    }
}

/// The slots of each example, `[batch · k]`.
pub(crate) fn picks(routing: &Routing, device: &Device) -> Tensor<1, Int> {
    integers(routing.picks.iter().map(|slot| *slot as i32).collect(), [routing.picks.len()], device)
}
