//! The gate and the join (paper, "Conditional Computation"): g(x) = softmax over the k best of the noisy scores, and
//! h = f_i(x) + Σ_j g_j(x) P f_j(x).
//!
//! The peers of a step are chosen once for the batch, on the host, from scores read back: those of the largest
//! importance Σ_x g_j(x). The weights among them are each example's own and carry gradients.

use burn::prelude::*;
use burn::tensor::activation::softmax;

use crate::Random;

/// Which of the `known` slots to ask: at most `most`, the most important first.
///
/// `scores` is `[batch, slots]`; noise of deviation `noise` makes every known slot be tried at times.
/// Slots that do not exist are passed over.
#[must_use]
pub fn choose(
    scores: &[f32],
    slots: usize,
    known: &[usize],
    most: usize,
    noise: f32,
    random: &mut Random,
) -> Vec<usize> {
    let known: Vec<usize> = known.iter().copied().filter(|slot| *slot < slots).collect();
    let jitter: Vec<f32> = known.iter().map(|_| noise * random.normal()).collect();
    let mut importance = vec![0.0f32; known.len()];
    for row in scores.chunks_exact(slots.max(1)) {
        let noisy: Vec<f32> = known.iter().zip(&jitter).map(|(slot, jitter)| row[*slot] + jitter).collect();
        for (sum, gate) in importance.iter_mut().zip(top_gates(&noisy, most)) {
            *sum += gate;
        }
    }
    let mut order: Vec<usize> = (0..known.len()).collect();
    order.sort_by(|a, b| importance[*b].total_cmp(&importance[*a]).then(jitter[*b].total_cmp(&jitter[*a])));
    order.truncate(most);
    order.into_iter().map(|i| known[i]).collect()
}

/// Softmax over the `k` largest of `scores`, 0 elsewhere; ties go to the first. A score that is no number counts as the
/// smallest.
#[must_use]
pub fn top_gates(scores: &[f32], k: usize) -> Vec<f32> {
    let value = |i: usize| if scores[i].is_nan() { f32::NEG_INFINITY } else { scores[i] };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| value(*b).total_cmp(&value(*a)));
    order.truncate(k);
    let mut gates = vec![0.0; scores.len()];
    let Some(best) = order.first().map(|i| value(*i)).filter(|best| best.is_finite()) else { return gates };
    let total: f32 = order.iter().map(|i| (value(*i) - best).exp()).sum();
    for i in order {
        gates[i] = (value(i) - best).exp() / total;
    }
    gates
}

/// The weights of each example among the `chosen` slots.
///
/// # Shapes
/// - scores: `[batch, slots]`
/// - output: `[batch, chosen]`, rows sum to 1
pub fn gates(scores: Tensor<2>, chosen: &[usize]) -> Tensor<2> {
    let indices: Vec<i32> = chosen.iter().map(|slot| *slot as i32).collect();
    let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [chosen.len()]), &scores.device());
    softmax(scores.select(1, indices), 1)
}

/// G(x) = Σ_j g_j(x) P f_j(x).
///
/// # Shapes
/// - answers: `[batch, chosen, seq, dim]`
/// - gates: `[batch, chosen]`
/// - projection: `[dim, dim]`
/// - output: `[batch, seq, dim]`
pub fn join(answers: Tensor<4>, gates: Tensor<2>, projection: Tensor<2>) -> Tensor<3> {
    let [batch, chosen, seq, dim] = answers.dims();
    let projected = answers.reshape([batch * chosen * seq, dim]).matmul(projection);
    let projected = projected.reshape([batch, chosen, seq * dim]) * gates.reshape([batch, chosen, 1]);
    projected.sum_dim(1).reshape([batch, seq, dim])
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Scores x · W of the vector's gate.
    fn scores(vector: &serde_json::Value, x: &[f32]) -> Vec<f32> {
        let weights: Vec<Vec<f32>> = vector["Wg"].as_array().unwrap().iter().map(row).collect();
        (0..weights[0].len()).map(|j| x.iter().zip(&weights).map(|(x, w)| x * w[j]).sum()).collect()
    }

    #[test]
    fn gates_and_importance_meet_the_vector() {
        let vector = vector();
        let h = scores(&vector, &row(&vector["x"]));
        close(&h, &row(&vector["h"]));
        close(&top_gates(&h, 2), &row(&vector["gates"]));
        let mut importance = vec![0.0; 4];
        let mut all = Vec::new();
        for (x, expected) in vector["batch"].as_array().unwrap().iter().zip(vector["gates_batch"].as_array().unwrap()) {
            let h = scores(&vector, &row(x));
            let gates = top_gates(&h, 2);
            close(&gates, &row(expected));
            importance.iter_mut().zip(&gates).for_each(|(sum, gate)| *sum += gate);
            all.extend(h);
        }
        close(&importance, &row(&vector["importance"]));
        // Peers 0 and 3 carry the largest importance of the vector's batch.
        assert_eq!(choose(&all, 4, &[0, 1, 2, 3], 2, 0.0, &mut Random::new(0, 0)), [0, 3]);
    }

    #[test]
    fn the_device_agrees_with_the_vector() {
        let vector = vector();
        let device = Device::flex();
        let h = scores(&vector, &row(&vector["x"]));
        let scores = Tensor::<2>::from_data(TensorData::new(h, [1, 4]), &device);
        let got = gates(scores, &[0, 2]).into_data().try_to_vec::<f32>().unwrap();
        let expected = row(&vector["gates"]);
        close(&got, &[expected[0], expected[2]]);
    }

    #[test]
    fn noise_tries_every_known_slot_and_no_other() {
        let scores = [5.0, 0.0, -5.0, 0.0];
        let mut random = Random::new(1, 1);
        let mut seen = [0; 4];
        for _ in 0..400 {
            for slot in choose(&scores, 4, &[0, 1, 2, 9], 2, 3.0, &mut random) {
                seen[slot] += 1;
            }
        }
        assert!(seen[0] > seen[1] && seen[1] > seen[2] && seen[2] > 0, "{seen:?}");
        assert_eq!(seen[3], 0);
    }

    #[test]
    fn scores_that_are_no_numbers_do_no_harm() {
        close(&top_gates(&[f32::NAN, 1.0, f32::NAN], 1), &[0.0, 1.0, 0.0]);
        close(&top_gates(&[f32::NAN, f32::NAN], 2), &[0.0, 0.0]);
        assert_eq!(choose(&[f32::NAN; 3], 3, &[0, 1], 2, 1.0, &mut Random::new(0, 0)).len(), 2);
        assert!(choose(&[], 0, &[0], 2, 1.0, &mut Random::new(0, 0)).is_empty());
    }

    /// Gradients of a loss of the gate and the join against central differences.
    #[test]
    fn gradients_of_gate_and_join_meet_central_differences() {
        let device = Device::flex().autodiff();
        let mut random = Random::new(5, 5);
        let mut draw = |n: usize| (0..n).map(|_| random.normal()).collect::<Vec<f32>>();
        let (f, s, p, y) = (draw(2 * 2 * 3 * 4), draw(2 * 5), draw(16), draw(2 * 3 * 4));
        let loss = |f: Tensor<4>, s: Tensor<2>, p: Tensor<2>| {
            let target = Tensor::<3>::from_data(TensorData::new(y.clone(), [2, 3, 4]), &device);
            (join(f, gates(s, &[3, 1]), p) - target).square().sum()
        };
        let tensors = |f: &[f32], s: &[f32], p: &[f32]| {
            (
                Tensor::<4>::from_data(TensorData::new(f.to_vec(), [2, 2, 3, 4]), &device).require_grad(),
                Tensor::<2>::from_data(TensorData::new(s.to_vec(), [2, 5]), &device).require_grad(),
                Tensor::<2>::from_data(TensorData::new(p.to_vec(), [4, 4]), &device).require_grad(),
            )
        };
        let (tf, ts, tp) = tensors(&f, &s, &p);
        let gradients = loss(tf.clone(), ts.clone(), tp.clone()).backward();
        let exact = [
            tf.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap(),
            ts.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap(),
            tp.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap(),
        ];
        let value = |v: &[Vec<f32>; 3]| {
            let (f, s, p) = tensors(&v[0], &v[1], &v[2]);
            loss(f, s, p).into_scalar::<f32>()
        };
        let step = 1e-2;
        let start = [f, s, p];
        for which in 0..3 {
            for i in 0..start[which].len() {
                let (mut up, mut down) = (start.clone(), start.clone());
                up[which][i] += step;
                down[which][i] -= step;
                let numeric = (value(&up) - value(&down)) / (2.0 * step);
                let exact = exact[which][i];
                assert!((numeric - exact).abs() < 2e-2 * (1.0 + exact.abs()), "{which} {i}: {numeric} {exact}");
            }
        }
        // Slots 0, 2 and 4 were not routed: no gradient.
        for slot in [0, 2, 4] {
            assert!(exact[1][slot].abs() < 1e-9);
        }
    }
}
