//! A tab's gate: the parameters of the model's (`query`, `keys`), narrower, and its learning by the same rule. Slots are
//! chosen by the model's own [`route()`]; what the gate learns from is not the loss of a text but the worth that the simulated
//! neighbours have for the example: loss = −Σ_x Σ_j g_j(x) v_j(x) / batch + the model's two balance terms. Adam as in the model.
//!
//! Scaled: the width is 8 instead of 64, an example is one vector and not 64. Gradients are written out by hand, since Burn
//! takes a thousand times as long for matrices of this size; a test holds them against Burn's.

use data::Random;
use model::{Gate as Kind, Preset, Routing, route};

/// Width of the query, and subjects that an example can be about.
pub const WIDTH: usize = 8;

/// The gate of one tab.
#[derive(Clone, Debug)]
pub struct Gate {
    /// [width, width], then [slots, width].
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
    slots: usize,
    noise: f32,
    chosen: usize,
    balance: f32,
    rate: f64,
    warmup: u64,
}

/// Examples of a batch, as a gate sees them.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// [batch, width].
    pub inputs: Vec<f32>,
    /// What each is about.
    pub subjects: Vec<usize>,
}

/// What neighbours were worth in a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weighed {
    /// Σ_x g_j(x) v_j(x) / batch of each chosen slot that answered.
    pub gain: Vec<f64>,
    /// Σ_x g_j(x) / batch.
    pub mass: Vec<f64>,
}

impl Gate {
    /// A fresh one.
    #[must_use]
    pub fn new(preset: &Preset, random: &mut Random) -> Self {
        let Preset { slots, noise, chosen, balance, rate, warmup, .. } = *preset;
        let wide = 1.0 / (WIDTH as f32).sqrt();
        let count = WIDTH * (WIDTH + slots);
        let weights =
            (0..count).map(|index| random.normal() * if index < WIDTH * WIDTH { wide } else { 1.0 }).collect();
        let (first, second) = (vec![0.0; count], vec![0.0; count]);
        Self { weights, first, second, steps: 0, slots, noise, chosen, balance: balance as f32, rate, warmup }
    }

    /// relu(x·query), [batch, width].
    fn features(&self, inputs: &[f32]) -> Vec<f32> {
        let mut features = Vec::with_capacity(inputs.len());
        for x in inputs.chunks_exact(WIDTH) {
            let mut sums = [0.0f32; WIDTH];
            for (value, row) in x.iter().zip(self.weights.chunks_exact(WIDTH)) {
                sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
            }
            features.extend(sums.map(|sum| sum.max(0.0)));
        }
        features
    }

    /// [batch, slots].
    fn scores(&self, features: &[f32]) -> Vec<f32> {
        let scale = 1.0 / (WIDTH as f32).sqrt();
        let keys = &self.weights[WIDTH * WIDTH..];
        let mut scores = Vec::with_capacity(features.len() / WIDTH * self.slots);
        for feature in features.chunks_exact(WIDTH) {
            scores.extend(keys.chunks_exact(WIDTH).map(|key| scale * dot(feature, key)));
        }
        scores
    }

    /// Where the examples go, of the slots that are known.
    pub fn route(&self, seen: &Seen, known: &[usize], random: &mut Random) -> Routing {
        let scores = self.scores(&self.features(&seen.inputs));
        route(Kind::Flat, &scores, self.slots, known, self.chosen, self.noise, random)
    }

    /// Forgets the peer of `slot`.
    pub fn reset(&mut self, slot: usize) {
        let at = WIDTH * (WIDTH + slot);
        for values in [&mut self.weights, &mut self.first, &mut self.second] {
            values[at..at + WIDTH].fill(0.0);
        }
    }

    /// One step. `there` says of each chosen slot whether it answered or a student stands in, `worth` what an answer of it is
    /// worth for a subject: nats.
    pub fn learn(
        &mut self,
        seen: &Seen,
        routing: &Routing,
        there: &[bool],
        worth: impl Fn(usize, usize) -> f32,
    ) -> Weighed {
        let features = self.features(&seen.inputs);
        let scores = self.scores(&features);
        let (weighed, by_score) = self.by_score(&scores, seen, routing, there, worth);
        let mut by_weight = vec![0.0f32; self.weights.len()];
        let scale = 1.0 / (WIDTH as f32).sqrt();
        let keys = &self.weights[WIDTH * WIDTH..];
        for ((x, feature), by_score) in
            seen.inputs.chunks_exact(WIDTH).zip(features.chunks_exact(WIDTH)).zip(by_score.chunks_exact(self.slots))
        {
            let mut by_feature = [0.0f32; WIDTH];
            for (slot, slope) in by_score.iter().enumerate().filter(|(_, slope)| **slope != 0.0) {
                let key = &keys[slot * WIDTH..(slot + 1) * WIDTH];
                let at = WIDTH * (WIDTH + slot);
                for d in 0..WIDTH {
                    by_feature[d] += scale * slope * key[d];
                    by_weight[at + d] += scale * slope * feature[d];
                }
            }
            for d in (0..WIDTH).filter(|d| feature[*d] > 0.0) {
                for (row, value) in x.iter().enumerate() {
                    by_weight[row * WIDTH + d] += value * by_feature[d];
                }
            }
        }
        self.adam(&by_weight);
        weighed
    }

    /// What was worth what, and ∂loss/∂score: [batch, slots].
    fn by_score(
        &self,
        scores: &[f32],
        seen: &Seen,
        routing: &Routing,
        there: &[bool],
        worth: impl Fn(usize, usize) -> f32,
    ) -> (Weighed, Vec<f32>) {
        let (batch, slots) = (seen.subjects.len(), self.slots);
        let mut slopes = vec![0.0f32; batch * slots];
        let mut weighed = Weighed { gain: vec![0.0; routing.slots.len()], mass: vec![0.0; routing.slots.len()] };
        let k = routing.picks().len() / batch.max(1);
        if k == 0 {
            return (weighed, slopes);
        }
        let noisy = |x: usize, slot: usize| scores[x * slots + slot] + routing.noise()[x * slots + slot];
        let place = |slot: usize| routing.slots.iter().position(|chosen| *chosen == slot).unwrap_or(0);
        let listed = routing.listed();
        let mut importance = vec![0.0f32; slots];
        let mut all = Vec::with_capacity(batch * k);
        for x in 0..batch {
            let picks = &routing.picks()[x * k..(x + 1) * k];
            let exps: Vec<f32> = softmax(&picks.iter().map(|slot| noisy(x, *slot)).collect::<Vec<_>>());
            picks.iter().zip(&exps).for_each(|(slot, gate)| importance[*slot] += gate);
            // Among those that are there.
            let present: Vec<f32> = picks.iter().map(|slot| f32::from(u8::from(there[place(*slot)]))).collect();
            let total: f32 = exps.iter().zip(&present).map(|(gate, present)| gate * present).sum();
            if total > 0.0 {
                let gates: Vec<f32> = exps.iter().zip(&present).map(|(gate, there)| gate * there / total).collect();
                let values: Vec<f32> = picks.iter().map(|slot| worth(*slot, seen.subjects[x])).collect();
                let mean = dot(&gates, &values);
                for ((slot, gate), value) in picks.iter().zip(&gates).zip(&values) {
                    slopes[x * slots + slot] -= gate * (value - mean) / batch as f32;
                    let place = place(*slot);
                    weighed.gain[place] += f64::from(gate * value) / batch as f64;
                    weighed.mass[place] += f64::from(*gate) / batch as f64;
                }
            }
            all.extend(exps);
        }
        // CV² = n Σv²/(Σv)² − 1; of the importance Σv is the batch and does not move.
        let count = listed.len() as f32;
        for x in 0..batch {
            let picks = &routing.picks()[x * k..(x + 1) * k];
            let gates = &all[x * k..(x + 1) * k];
            let by_gate = |slot: usize| 2.0 * count * importance[slot] / (batch * batch) as f32;
            let mean: f32 = picks.iter().zip(gates).map(|(slot, gate)| gate * by_gate(*slot)).sum();
            for (slot, gate) in picks.iter().zip(gates) {
                slopes[x * slots + slot] += self.balance * gate * (by_gate(*slot) - mean);
            }
        }
        if !routing.rivals().is_empty() && self.noise > 0.0 {
            self.by_load(scores, routing, &noisy, &mut slopes);
        }
        (weighed, slopes)
    }

    /// Adds ∂(balance · CV² of the load)/∂score.
    fn by_load(&self, scores: &[f32], routing: &Routing, noisy: &impl Fn(usize, usize) -> f32, slopes: &mut [f32]) {
        let (slots, listed) = (self.slots, routing.listed());
        let batch = scores.len() / slots;
        let margin = |x: usize, at: usize| {
            let rival = routing.rivals()[x * listed.len() + at];
            (rival, (scores[x * slots + listed[at]] - noisy(x, rival)) / self.noise)
        };
        let mut loads = vec![0.0f32; listed.len()];
        for x in 0..batch {
            for (at, load) in loads.iter_mut().enumerate() {
                *load += normal(margin(x, at).1);
            }
        }
        let (sum, squares) = (loads.iter().sum::<f32>(), loads.iter().map(|load| load * load).sum::<f32>());
        let count = listed.len() as f32;
        for x in 0..batch {
            for at in 0..listed.len() {
                let (rival, margin) = margin(x, at);
                let by_load = 2.0 * count * (loads[at] / (sum * sum) - squares / (sum * sum * sum));
                let slope = self.balance * by_load * (-0.5 * margin * margin).exp() * DENSITY / self.noise;
                slopes[x * slots + listed[at]] += slope;
                slopes[x * slots + rival] -= slope;
            }
        }
    }

    fn adam(&mut self, gradient: &[f32]) {
        self.steps = self.steps.saturating_add(1);
        let warm = (f64::from(self.steps) / self.warmup.max(1) as f64).min(1.0);
        let rate = (self.rate * warm) as f32;
        let (first, second) = (1.0 - BETA.0.powi(self.steps), 1.0 - BETA.1.powi(self.steps));
        for (((weight, m), v), slope) in
            self.weights.iter_mut().zip(&mut self.first).zip(&mut self.second).zip(gradient)
        {
            *m = BETA.0 * *m + (1.0 - BETA.0) * slope;
            *v = BETA.1 * *v + (1.0 - BETA.1) * slope * slope;
            *weight -= rate * (*m / first) / ((*v / second).sqrt() + 1e-8);
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|value| value / sum).collect()
}

/// Φ, to 1.5·10⁻⁷ (Abramowitz and Stegun, 7.1.26).
fn normal(z: f32) -> f32 {
    let x = z.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = t * (0.254_829_6 + t * (-0.284_496_72 + t * (1.421_413_8 + t * (-1.453_152 + t * 1.061_405_4))));
    let tail = 0.5 * series * (-x * x).exp();
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// 1/√(2π).
const DENSITY: f32 = 0.398_942_3;
/// Adam's, as the model has them.
const BETA: (f32, f32) = (0.9, 0.99);

#[cfg(test)]
mod tests {
    use super::*;
    use burn::prelude::*;
    use model::{gates, importance, load, variation};

    fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), &model::cpu().device)
    }

    fn seen(batch: usize, random: &mut Random) -> Seen {
        Seen {
            inputs: (0..batch * WIDTH).map(|_| random.normal()).collect(),
            subjects: (0..batch).map(|x| x % WIDTH).collect(),
        }
    }

    fn worth(slot: usize, subject: usize) -> f32 {
        ((slot * 7 + subject * 3) % 11) as f32 / 10.0
    }

    /// The slopes by hand are those of the model's own gates, importance, load and variation, by Burn.
    #[test]
    fn the_gradient_is_that_of_the_models_terms() {
        let (preset, mut random) = (Preset { balance: 0.3, ..Preset::small() }, Random::new(5, 5));
        let (batch, k) = (preset.batch, preset.chosen);
        for known in [vec![0, 3, 4, 7, 9, 15], vec![2, 5], vec![6]] {
            let gate = Gate::new(&preset, &mut random);
            let seen = seen(batch, &mut random);
            let scores = gate.scores(&gate.features(&seen.inputs));
            let routing = gate.route(&seen, &known, &mut random);
            let there: Vec<bool> = (0..routing.slots.len()).map(|at| at != 1).collect();
            let k = k.min(known.len());
            let (_, slopes) = gate.by_score(&scores, &seen, &routing, &there, worth);

            let clean = tensor(scores.clone(), [batch, preset.slots]).require_grad();
            let noisy = clean.clone() + tensor(routing.noise().to_vec(), [batch, preset.slots]);
            let integers = |values: &[usize]| -> Vec<i32> { values.iter().map(|value| *value as i32).collect() };
            let device = model::cpu().device;
            let picks = Tensor::<2, Int>::from_data(TensorData::new(integers(routing.picks()), [batch, k]), &device);
            let chosen = noisy.clone().gather(1, picks);
            let at = |slot: &usize| routing.slots.iter().position(|chosen| chosen == slot).unwrap();
            let present: Vec<f32> = routing.picks().iter().map(|slot| f32::from(u8::from(there[at(slot)]))).collect();
            let weights = gates(chosen.clone(), Some(tensor(present, [batch, k])));
            let values =
                routing.picks().iter().enumerate().map(|(i, slot)| worth(*slot, seen.subjects[i / k])).collect();
            let listed = routing.listed();
            let places: Vec<usize> = routing.picks().iter().map(|slot| listed.binary_search(slot).unwrap()).collect();
            let mut balance = variation(importance(gates(chosen, None), &places, listed.len()), listed.len());
            if !routing.rivals().is_empty() {
                let rivals = TensorData::new(integers(routing.rivals()), [batch, listed.len()]);
                let rivals = noisy.gather(1, Tensor::<2, Int>::from_data(rivals, &device));
                let columns = TensorData::new(integers(listed), [listed.len()]);
                let known = clean.clone().select(1, Tensor::<1, Int>::from_data(columns, &device));
                balance = balance + variation(load(known, rivals, preset.noise), listed.len());
            }
            let loss = (weights * tensor::<2>(values, [batch, k])).sum() * (-1.0 / batch as f64);
            let gradients = (loss + balance * preset.balance).backward();
            let expected = clean.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
            for (at, (a, b)) in slopes.iter().zip(&expected).enumerate() {
                assert!((a - b).abs() < 2e-5, "{at}: {a} {b} of {known:?}");
            }
        }
    }

    #[test]
    fn the_worthier_neighbours_are_chosen_more_in_the_end() {
        let (preset, mut random) = (Preset::small(), Random::new(2, 2));
        let mut gate = Gate::new(&preset, &mut random);
        let known: Vec<usize> = (0..8).collect();
        let mut share = [0.0; 2];
        for step in 0..1_200 {
            let seen = seen(8, &mut random);
            let routing = gate.route(&seen, &known, &mut random);
            let there = vec![true; routing.slots.len()];
            gate.learn(&seen, &routing, &there, |slot, _| if slot < 2 { 0.3 } else { 0.0 });
            let good = routing.picks().iter().filter(|slot| **slot < 2).count() as f64 / 16.0;
            share[usize::from(step >= 600)] += good / 600.0;
        }
        assert!(share[1] > 0.45 && share[1] > share[0] + 0.05, "{share:?}");
    }
}
