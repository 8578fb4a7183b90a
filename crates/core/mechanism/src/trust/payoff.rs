//! What a peer's own row does to its part of what is paid, P_i = I_i/‖I‖, under the `Trust` mechanism.
//!
//! R_j moves with w_ij at once, by sc_i/z. Trust moves along paths: with C_d = Σ_{k=1..d} W^k, an entry w_ij lies on every
//! path m → i → j → k, so ∂(C_d)_mk/∂w_ij = Σ_{p+q<d} (W^p)_mi (W^q)_jk. For each source m, x^p = e_mᵀW^p is spread forward,
//! and what P says of its connectivities is carried back along the rows: λ^d = g, λ^p = g + W λ^{p+1}.
//!
//! The own row moves the own trust only along ways that lead back to the own peer: where nobody who is weighed weighs
//! back, that part is near 0. A row changes no stake, and so
//! neither sources nor voices.

use super::{Parameters, evaluate};
use crate::arithmetic::{sum, tanh};
use crate::fault::NotDefined;
use crate::world::World;

/// ∂P_i/∂w_ij of peer i = `own` for every j; entries are moved one by one.
///
/// # Errors
/// [`NotDefined::World`], [`NotDefined::Peer`], [`NotDefined::Hard`] at T_c = 0, or [`NotDefined::Nothing`] where ‖I‖ = 0.
pub fn own_gradient(world: &World<'_>, parameters: &Parameters, own: usize) -> Result<Vec<f64>, NotDefined> {
    let n = world.peers();
    if own >= n {
        return Err(NotDefined::Peer { peer: own, peers: n });
    }
    let outcome = evaluate(world, parameters)?;
    if parameters.temperature == 0.0 {
        return Err(NotDefined::Hard);
    }
    let norm = sum(&outcome.incentive);
    if norm <= 0.0 {
        return Err(NotDefined::Nothing);
    }
    let share = outcome.incentive[own] / norm;
    let by_incentive = |k: usize| (f64::from(u8::from(k == own)) - share) / norm;
    let scaled = world.scaled();
    let mut gradient: Vec<f64> =
        outcome.trusted.iter().enumerate().map(|(j, t)| scaled[own] / outcome.scaled * by_incentive(j) * t).collect();

    let total = sum(&outcome.voices);
    let by_trust: Vec<f64> = (0..n)
        .map(|k| {
            let t = outcome.trusted[k];
            by_incentive(k) * outcome.rank[k] * parameters.beta * t * (1.0 - t) / total
        })
        .collect();
    for (&source, voice) in outcome.sources.iter().zip(&outcome.voices) {
        let spread = spread(world, source as usize, parameters.depth);
        if spread.iter().all(|x| x[own] == 0.0) {
            continue;
        }
        let by_visits: Vec<f64> = (0..n)
            .map(|k| {
                let mut visits = 0.0;
                for x in &spread[1..] {
                    visits += x[k];
                }
                let c = tanh((visits - parameters.kappa) / parameters.temperature);
                voice * by_trust[k] * (1.0 - c * c) / parameters.temperature
            })
            .collect();
        let mut back = by_visits.clone();
        for (p, x) in spread.iter().enumerate().take(parameters.depth as usize).rev() {
            if p + 1 < parameters.depth as usize {
                back = world.weights.times(&back).iter().zip(&by_visits).map(|(along, g)| along + g).collect();
            }
            for (slope, back) in gradient.iter_mut().zip(&back) {
                *slope += x[own] * back;
            }
        }
    }
    Ok(gradient)
}

/// e_mᵀ W^p for p = 0 to d.
fn spread(world: &World<'_>, source: usize, depth: u32) -> Vec<Vec<f64>> {
    let mut start = vec![0.0; world.peers()];
    start[source] = 1.0;
    let mut all = vec![start];
    for p in 0..depth as usize {
        all.push(world.weights.transposed_times(&all[p]));
    }
    all
}
