//! How the paper prints the gradient of the scaling, beside how it is right. Only laboratories call this.
//!
//! The paper's loss is not normalised: R = Wᵀsc and t = Cᵀsc, so that L changes with the unit of stake. Its equation 6
//! gives, as the direction in which A ascends −L at β = 1,
//!
//! g_i = Σ_k c_ik r_k e^{t_k} σ(t_k)² + w_ik (σ(t_k) − ½).
//!
//! But σ′(t) = e^{−t} σ(t)²: the sign of the exponent is wrong ([`Printed::literal`]; right in [`Printed::sign_fixed`]), and
//! s_i and β are missing. [`Printed::gradient`] is what eq. 6 should say of the loss as printed; what a ledger takes is the
//! gradient of the normalised loss, [`super::Outcome::scaling_gradient`].

use super::{Connectivity, Parameters};
use crate::arithmetic::{exp, logistic, sum};
use crate::fault::Fault;
use crate::scaling::{loss, sensitivity};
use crate::world::World;

/// What R and t are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing, as printed.
    One,
    /// z, held fixed.
    Scaled,
}

/// Eq. 6 and its neighbours. Vectors have n entries; peers without stake, who are no trust source, have 0 throughout.
#[derive(Clone, Debug, PartialEq)]
pub struct Printed {
    /// L.
    pub loss: f64,
    /// ∂L/∂a_i with the unit held fixed.
    pub gradient: Vec<f64>,
    /// The direction of eq. 6 as printed, at β = 1.
    pub literal: Vec<f64>,
    /// The same with e^{−t}.
    pub sign_fixed: Vec<f64>,
}

/// Reads eq. 6 in all ways. All peers must be trust sources: M ≥ n.
///
/// # Errors
/// [`Fault`] when a constant or the world is out of range, or M < n.
pub fn printed(world: &World<'_>, parameters: &Parameters, unit: Unit) -> Result<Printed, Fault> {
    parameters.check()?;
    world.check()?;
    let n = world.peers();
    if parameters.sources < n {
        return Err(Fault::Size { name: "sources", found: parameters.sources, expected: n });
    }
    let scaled = world.scaled();
    let z = sum(&scaled);
    if z <= 0.0 {
        let nought = vec![0.0; n];
        return Ok(Printed { loss: 0.0, gradient: nought.clone(), literal: nought.clone(), sign_fixed: nought });
    }
    let unit = match unit {
        Unit::One => 1.0,
        Unit::Scaled => z,
    };
    let mut connectivity = Connectivity::new(world, &scaled, z, parameters);
    let rank: Vec<f64> = world.weights.transposed_times(&scaled).iter().map(|r| r / unit).collect();
    let trust: Vec<f64> = connectivity.trust().iter().map(|t| t * z / unit).collect();
    let at = |slope: f64| -> Vec<f64> { trust.iter().map(|t| logistic(slope * t)).collect() };
    let (trusted, plain) = (at(parameters.beta), at(1.0));
    let mut row = |trusted: &[f64], q: &[f64], slope: f64| {
        let mut along = vec![0.0; n];
        let connected = connectivity.times(q);
        for (&source, connected) in connectivity.sources().iter().zip(&connected) {
            let source = source as usize;
            for (k, w) in world.weights.row(source) {
                along[source] += w * (trusted[k] - 0.5);
            }
            along[source] += slope * connected;
        }
        along
    };
    let by_sign = |sign: f64| -> Vec<f64> {
        rank.iter().zip(&trust).zip(&plain).map(|((r, t), s)| r * exp(sign * t) * s * s).collect()
    };
    let literal = row(&plain, &by_sign(1.0), 1.0);
    let sign_fixed = row(&plain, &by_sign(-1.0), 1.0);
    let bracket = row(&trusted, &sensitivity(&rank, &trusted), parameters.beta);
    let gradient = bracket.iter().zip(world.stake).map(|(bracket, s)| -(s * bracket) / unit).collect();
    Ok(Printed { loss: loss(&rank, &trusted), gradient, literal, sign_fixed })
}
