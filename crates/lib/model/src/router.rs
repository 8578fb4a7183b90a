//! The gate on the device: scores of the slots, the weights among an example's peers, and the two balance terms
//! (Shazeer et al. 2017, "Outrageously Large Neural Networks"; Lample et al. 2019, "Large Memory Layers with Product
//! Keys"; docs/adr/0021-gate-by-example.md).
//!
//! The query looks at what the stem makes of an example and not at its encoding: so the next batch can be scored with this
//! one's step, and its asks be out while this one computes.

use burn::module::{Module, Param, ParamId};
use burn::prelude::*;
use burn::tensor::activation::{relu, softmax};

use crate::Preset;
use crate::network::{Draw, wide, with_row};

/// How the gate knows its slots apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// A key a slot.
    Flat,
    /// Two sets of √n half keys; slot (i, j) has the key [a_i, b_j].
    Product,
}

impl Gate {
    /// Half keys on a side of a product gate of `slots`.
    #[must_use]
    pub fn side(slots: usize) -> usize {
        let root = slots.isqrt();
        if root * root < slots { root + 1 } else { root }
    }

    /// Scores of an example, which are dot products: one a slot, or 2 √slots.
    #[must_use]
    pub fn width(self, slots: usize) -> usize {
        match self {
            Self::Flat => slots,
            Self::Product => 2 * Self::side(slots),
        }
    }
}

/// The gate's query and keys.
#[derive(Module, Debug)]
pub struct Router {
    /// [dim, dim]
    query: Param<Tensor<2>>,
    /// Flat: [slots, dim]. Product: [2 · side, dim / 2].
    keys: Param<Tensor<2>>,
    slots: usize,
    product: bool,
}

impl Router {
    /// Fresh keys.
    pub(crate) fn new(preset: &Preset, draw: &mut Draw<'_>) -> Self {
        let Preset { dim, slots, gate, .. } = *preset;
        let width = match gate {
            Gate::Flat => dim,
            Gate::Product => dim / 2,
        };
        Self {
            query: draw.matrix(dim, dim, wide(dim)),
            keys: draw.matrix(gate.width(slots), width, 1.0),
            slots,
            product: gate == Gate::Product,
        }
    }

    /// Scores of each example, as they are read back.
    ///
    /// # Shapes
    /// - seen: `[batch, seq, dim]`
    /// - output: `[batch, Gate::width(slots)]`
    pub fn scores(&self, seen: Tensor<3>) -> Tensor<2> {
        let [batch, seq, dim] = seen.dims();
        let features = relu(seen.reshape([batch * seq, dim]).matmul(self.query.val()));
        let query = features.reshape([batch, seq, dim]).mean_dim(1).reshape([batch, dim]);
        let keys = self.keys.val();
        let [width, part] = keys.dims();
        let scores = if self.product {
            let halves = query.reshape([batch, 2, part]).swap_dims(0, 1);
            let keys = keys.reshape([2, width / 2, part]).swap_dims(1, 2);
            halves.matmul(keys).swap_dims(0, 1).reshape([batch, width])
        } else {
            query.matmul(keys.transpose())
        };
        scores * (1.0 / (dim as f64).sqrt())
    }

    /// Scores of these slots.
    ///
    /// # Shapes
    /// - scores: `[batch, Gate::width(slots)]`
    /// - output: `[batch, n]` for n slots
    pub fn of(&self, scores: &Tensor<2>, slots: &[usize]) -> Tensor<2> {
        let pick = |columns: Vec<i32>| scores.clone().select(1, integers(columns, [slots.len()], &scores.device()));
        if !self.product {
            return pick(slots.iter().map(|slot| *slot as i32).collect());
        }
        let side = Gate::side(self.slots);
        let first = pick(slots.iter().map(|slot| (slot / side) as i32).collect());
        first + pick(slots.iter().map(|slot| (side + slot % side) as i32).collect())
    }

    /// Scores of all slots: `[batch, slots]`.
    pub fn all(&self, scores: Tensor<2>) -> Tensor<2> {
        if !self.product {
            return scores;
        }
        let ([batch, width], side) = (scores.dims(), Gate::side(self.slots));
        let first = scores.clone().slice([0..batch, 0..side]).reshape([batch, side, 1]);
        let second = scores.slice([0..batch, side..width]).reshape([batch, 1, side]);
        (first + second).reshape([batch, side * side]).slice([0..batch, 0..self.slots])
    }

    /// The weight that has a row a slot.
    pub(crate) fn by_slot(&self) -> Option<ParamId> {
        (!self.product).then_some(self.keys.id)
    }

    /// Forgets the peer of `slot`; the keys of a product gate are shared and stay.
    pub(crate) fn reset(mut self, slot: usize) -> Self {
        if !self.product {
            let columns = self.keys.val().dims()[1];
            self.keys = with_row(self.keys, slot, vec![0.0; columns]);
        }
        self
    }
}

/// The weights of each example among its k peers: softmax over those that are there, which sums to 1, or 0 where none is.
///
/// # Shapes
/// - scores: `[batch, k]`
/// - there: `[batch, k]`, 1 or 0; `None` where all are
/// - output: `[batch, k]`
pub fn gates(scores: Tensor<2>, there: Option<Tensor<2>>) -> Tensor<2> {
    match there {
        None => softmax(scores, 1),
        Some(there) => softmax(scores + (there.clone() - 1.0) * 1e4, 1) * there,
    }
}

/// The k best slots of each example by masked argmax passes, without reading back: slots `[batch · k]`, gates `[batch, k]`.
///
/// # Shapes
/// - scores: `[batch, slots]`
pub fn best(mut scores: Tensor<2>, k: usize) -> (Tensor<1, Int>, Tensor<2>) {
    let [batch, slots] = scores.dims();
    let numbers = integers((0..slots as i32).collect(), [1, slots], &scores.device()).expand([batch, slots]);
    let (mut picks, mut values) = (Vec::with_capacity(k), Vec::with_capacity(k));
    for _ in 0..k {
        let pick = scores.clone().argmax(1);
        values.push(scores.clone().gather(1, pick.clone()));
        let taken = numbers.clone().equal(pick.clone().expand([batch, slots]));
        scores = scores.mask_fill(taken, -1e9);
        picks.push(pick);
    }
    (Tensor::cat(picks, 1).reshape([batch * k]), gates(Tensor::cat(values, 1), None))
}

/// The importance of each slot: Σ_x g(x).
///
/// # Shapes
/// - gates: `[batch, k]`
/// - picks: `[batch · k]`, which of the n slots each gate is of
/// - output: `[1, n]`
pub fn importance(gates: Tensor<2>, picks: &[usize], n: usize) -> Tensor<2> {
    let mut shares = vec![0.0f32; picks.len() * n];
    picks.iter().enumerate().for_each(|(i, pick)| shares[i * n + pick] = 1.0);
    let shares = Tensor::from_data(TensorData::new(shares, [picks.len(), n]), &gates.device());
    gates.reshape([1, picks.len()]).matmul(shares)
}

/// CV², the squared coefficient of variation, of `count` loads of which all but `loads` are 0: count · Σv² / (Σv)² − 1.
///
/// # Shapes
/// - loads: `[1, n]`
/// - output: `[1]`
pub fn variation(loads: Tensor<2>, count: usize) -> Tensor<1> {
    let total = loads.clone().sum().square() + 1e-10;
    loads.square().sum() * count as f64 / total - 1.0
}

/// The smooth load of each slot: Σ_x P(slot is among the best of x when its own noise is drawn again) =
/// Σ_x Φ((score − rival) / noise).
///
/// # Shapes
/// - scores: `[batch, n]`, without noise
/// - rivals: `[batch, n]`, with noise: what a slot has to beat
/// - output: `[1, n]`
pub fn load(scores: Tensor<2>, rivals: Tensor<2>, noise: f32) -> Tensor<2> {
    let margin = (scores - rivals) * (std::f64::consts::FRAC_1_SQRT_2 / f64::from(noise));
    ((margin.erf() + 1.0) * 0.5).sum_dim(0)
}

/// Whole numbers as a tensor.
pub(crate) fn integers<const D: usize>(values: Vec<i32>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difference::{Variable, check};
    use crate::route;
    use data::Random;

    fn vector() -> serde_json::Value {
        let text = include_str!("../../../../tests/vectors/mechanism.json");
        serde_json::from_str::<serde_json::Value>(text).unwrap()["sgmoe"].clone()
    }

    fn row(value: &serde_json::Value) -> Vec<f32> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
    }

    fn close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }

    fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec::<f32>().unwrap()
    }

    fn tensor(values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// Gates of all slots, by the path of a step: route on the host, weigh on the device.
    fn all_gates(scores: &[f32], batch: usize) -> (Vec<f32>, Tensor<2>, Vec<usize>) {
        let routing = route(Gate::Flat, scores, 4, &[0, 1, 2, 3], 2, 0.0, &mut Random::new(0, 0));
        let picks: Vec<i32> = routing.picks.iter().map(|slot| *slot as i32).collect();
        let picks = integers(picks, [batch, 2], &Device::flex());
        let gates = gates(tensor(scores.to_vec(), [batch, 4]).gather(1, picks), None);
        let mut dense = vec![0.0; batch * 4];
        for (i, gate) in read(gates.clone()).into_iter().enumerate() {
            dense[i / 2 * 4 + routing.picks[i]] = gate;
        }
        (dense, gates, routing.picks)
    }

    #[test]
    fn every_number_of_the_vector_is_met() {
        let vector = vector();
        let weights: Vec<f32> = vector["Wg"].as_array().unwrap().iter().flat_map(row).collect();
        let score = |x: Vec<f32>| {
            let batch = x.len() / 2;
            read(tensor(x, [batch, 2]).matmul(tensor(weights.clone(), [2, 4])))
        };
        assert_eq!(vector["k"], 2);
        let h = score(row(&vector["x"]));
        close(&h, &row(&vector["h"]));
        close(&all_gates(&h, 1).0, &row(&vector["gates"]));
        let h = score(vector["batch"].as_array().unwrap().iter().flat_map(row).collect());
        let (dense, gates, picks) = all_gates(&h, 3);
        let expected: Vec<f32> = vector["gates_batch"].as_array().unwrap().iter().flat_map(row).collect();
        close(&dense, &expected);
        let importance = importance(gates, &picks, 4);
        close(&read(importance.clone()), &row(&vector["importance"]));
        close(&read(variation(importance, 4)), &[vector["cv2_population"].as_f64().unwrap() as f32]);
    }

    #[test]
    fn slots_that_are_not_listed_have_no_load() {
        let listed = read(variation(tensor(vec![1.0, 3.0], [1, 2]), 5));
        close(&listed, &read(variation(tensor(vec![0.0, 1.0, 0.0, 3.0, 0.0], [1, 5]), 5)));
        let mean = 0.8f32;
        let variance = [0.2f32, 2.2].map(|d| d * d).iter().sum::<f32>() + 3.0 * mean * mean;
        close(&listed, &[variance / 5.0 / (mean * mean)]);
    }

    /// The smooth load is the mean of how often a slot is chosen when its own noise is drawn again.
    #[test]
    fn the_load_is_the_chance_to_be_chosen() {
        let mut random = Random::new(2, 0);
        let (scores, noise) = ([0.4, -0.3, 0.1], 0.7f32);
        let noisy = scores.map(|score| score + noise * random.normal());
        // With k = 1 each slot has to beat the best of the others.
        let rivals: Vec<f32> =
            (0..3).map(|i| (0..3).filter(|j| *j != i).map(|j| noisy[j]).fold(f32::MIN, f32::max)).collect();
        let got = read(load(tensor(scores.to_vec(), [1, 3]), tensor(rivals.clone(), [1, 3]), noise));
        for i in 0..3 {
            let wins = (0..20_000).filter(|_| scores[i] + noise * random.normal() > rivals[i]).count();
            assert!((got[i] - wins as f32 / 20_000.0).abs() < 0.015, "{i}: {} {wins}", got[i]);
        }
    }

    #[test]
    fn the_balance_terms_meet_central_differences() {
        let mut random = Random::new(3, 0);
        let (batch, n, k, deviation) = (4, 5, 2, 0.6);
        let scores = Variable::draw(&mut random, [batch, n]);
        let known: Vec<usize> = (0..n).collect();
        let routing = route(Gate::Flat, &scores.values, n, &known, k, deviation, &mut random);
        assert_eq!(routing.rivals.len(), batch * n);
        let whole = |values: &[usize], columns: usize, device: &Device| {
            integers(values.iter().map(|v| *v as i32).collect(), [batch, columns], device)
        };
        check(&[scores], |tensors| {
            let device = tensors[0].device();
            let noise = Tensor::<2>::from_data(TensorData::new(routing.noise.clone(), [batch, n]), &device);
            let noisy = tensors[0].clone() + noise;
            let gates = gates(noisy.clone().gather(1, whole(&routing.picks, k, &device)), None);
            let rivals = noisy.gather(1, whole(&routing.rivals, n, &device));
            let load = load(tensors[0].clone(), rivals, deviation);
            variation(importance(gates, &routing.picks, n), n) + variation(load, n) * 3.0
        });
    }

    /// Both gates, by query, keys and what the stem saw; one example lacks a peer.
    #[test]
    fn gradients_of_the_gate_meet_central_differences() {
        for (product, slots, keys) in [(false, 5, [5, 4]), (true, 8, [6, 2])] {
            let mut random = Random::new(7, 0);
            let variables = [[6, 4], [4, 4], keys].map(|shape| Variable::draw(&mut random, shape));
            let goal = [0.2, 0.8, 0.0, 1.0];
            check(&variables, |tensors| {
                let device = tensors[0].device();
                let weight = |tensor: &Tensor<2>| Param::from_tensor(tensor.clone()).map(|_| tensor.clone());
                let router = Router { query: weight(&tensors[1]), keys: weight(&tensors[2]), slots, product };
                let scores = router.scores(tensors[0].clone().reshape([2, 3, 4])) * 3.0;
                let of = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [2, 2]), &device);
                let there = of(vec![1.0, 1.0, 0.0, 1.0]);
                let chosen = gates(router.of(&scores, &[4, 1]), Some(there)) - of(goal.to_vec());
                let all = router.all(scores);
                (chosen.square().sum() + all.square().sum() * 0.1) * 2.0
            });
        }
    }

    #[test]
    fn gates_are_renormalised_over_those_that_are_there() {
        let scores = tensor(vec![1.0, 2.0, 3.0, 0.5, 0.5, 9.0], [2, 3]);
        let there = tensor(vec![1.0, 0.0, 1.0, 0.0, 0.0, 0.0], [2, 3]);
        let share = 1.0 / (1.0 + 2f32.exp());
        close(&read(gates(scores, Some(there))), &[share, 0.0, 1.0 - share, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_best_are_found_without_reading_back() {
        let (picks, weights) = best(tensor(vec![0.5, 3.0, 3.0, -1.0, 7.0, 1.0, 2.0, 7.5], [2, 4]), 3);
        assert_eq!(picks.into_data().convert::<i64>().try_to_vec::<i64>().unwrap(), [1, 2, 0, 3, 0, 2]);
        let weights = read(weights);
        assert!((weights[0] - weights[1]).abs() < 1e-6 && weights[3] > weights[4] && weights[4] > weights[5]);
        assert!((weights.iter().sum::<f32>() - 2.0).abs() < 1e-5);
    }

    #[test]
    fn a_product_gates_slot_is_the_sum_of_its_halves() {
        let router = Router {
            query: Param::from_tensor(tensor(vec![0.0; 16], [4, 4])),
            keys: Param::from_tensor(tensor(vec![0.0; 12], [6, 2])),
            slots: 8,
            product: true,
        };
        let halves = tensor(vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0], [1, 6]);
        close(&read(router.all(halves.clone())), &[11.0, 21.0, 31.0, 12.0, 22.0, 32.0, 13.0, 23.0]);
        close(&read(router.of(&halves, &[7, 2])), &[23.0, 31.0]);
        assert_eq!([Gate::side(8), Gate::side(9), Gate::side(10), Gate::side(10_000)], [3, 3, 4, 100]);
    }
}
