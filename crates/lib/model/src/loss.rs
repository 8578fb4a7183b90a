//! Losses in nats a target: cross-entropy, and the student's distance to the network (paper, "Knowledge Extraction").

use burn::prelude::*;
use burn::tensor::activation::log_softmax;

/// Cross-entropy of each position.
///
/// # Shapes
/// - logits: `[n, classes]`
/// - targets: `[n, 1]`
/// - output: `[n, 1]`, nats
pub fn nats(logits: Tensor<2>, targets: Tensor<2, Int>) -> Tensor<2> {
    crate::kernels::nats(logits, targets)
}

/// KL(softmax(teacher / T) ‖ softmax(student / T)) · T², mean over the rows. No gradient reaches the teacher.
///
/// # Shapes
/// - teacher, student: `[n, classes]` logits
/// - output: `[1]`, nats
pub fn kl(teacher: Tensor<2>, student: Tensor<2>, temperature: f64) -> Tensor<1> {
    let rows = teacher.dims()[0] as f64;
    let teacher = log_softmax(teacher.detach() * (1.0 / temperature), 1);
    let student = log_softmax(student * (1.0 / temperature), 1);
    (teacher.clone().exp() * (teacher - student)).sum() * (temperature * temperature / rows)
}

/// Nats as bits: of a byte-level text model, bits per byte.
#[must_use]
pub fn bits(nats: f64) -> f64 {
    nats * std::f64::consts::LOG2_E
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kl` of tests/vectors/mechanism.json.
    fn vector() -> serde_json::Value {
        let text = include_str!("../../../../tests/vectors/mechanism.json");
        serde_json::from_str::<serde_json::Value>(text).unwrap()["kl"].clone()
    }

    fn row(value: &serde_json::Value) -> Vec<f32> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
    }

    #[test]
    fn kl_and_its_gradient_meet_the_vector() {
        let device = Device::flex().autodiff();
        let vector = vector();
        let tensor = |name: &str| Tensor::<2>::from_data(TensorData::new(row(&vector[name]), [1, 3]), &device);
        let value = |t: Tensor<1>| t.into_scalar::<f32>() as f64;
        let expected = |name: &str| vector[name].as_f64().unwrap();
        let (teacher, student) = (tensor("teacher"), tensor("student"));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
        close(value(kl(teacher.clone(), student.clone(), 1.0)), expected("KL_teacher_student_T1"));
        close(value(kl(student.clone(), teacher.clone(), 1.0)), expected("KL_student_teacher_T1"));
        close(value(kl(teacher.clone(), student.clone(), 2.0)), expected("T2_scaled"));

        let (teacher, student) = (teacher.require_grad(), student.require_grad());
        let gradients = kl(teacher.clone(), student.clone(), 1.0).backward();
        let got = student.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
        for (got, expected) in got.iter().zip(row(&vector["dKL_dstudent_T1"])) {
            close(f64::from(*got), f64::from(expected));
        }
        assert!(teacher.grad(&gradients).is_none());
    }

    #[test]
    fn an_even_guess_among_256_costs_ln_256() {
        let device = Device::flex();
        let targets = Tensor::<2, Int>::from_data(TensorData::new(vec![0i32, 255], [2, 1]), &device);
        let nats = nats(Tensor::zeros([2, 256], &device), targets);
        for value in nats.into_data().try_to_vec::<f32>().unwrap() {
            assert!((value - 256f32.ln()).abs() < 1e-5);
        }
    }
}
