//! What a peer's own row does under the `Trust` mechanism: to its part of what is paid, P_i = I_i/‖I‖, and to its trust t_i.
//!
//! R_j moves with w_ij at once, by sc_i/z. Trust moves along paths: with C_d = Σ_{k=1..d} W^k, an entry w_ij lies on every
//! path m → i → j → k, so ∂(C_d)_mk/∂w_ij = Σ_{p+q<d} (W^p)_mi (W^q)_jk. With g_mk, what is asked says of the connectivity of
//! source m to k, the slope is Σ_r W^r Σ_{p<d−r} G_p, G_p = Σ_m (W^p)_mi g_m: sources are summed before anything is carried
//! back along the rows.
//!
//! The own row moves the own trust only along ways that lead back to the own peer: where nobody who is weighed weighs
//! back, that part is near 0. A row changes no stake, and so
//! neither sources nor voices.

use super::connectivity::Connectivity;
use super::{Outcome, Parameters, evaluate};
use crate::arithmetic::sum;
use crate::fault::NotDefined;
use crate::world::World;

/// ∂P_i/∂w_ij of peer i = `own` for every j; entries are moved one by one.
///
/// # Errors
/// [`NotDefined::World`], [`NotDefined::Peer`], [`NotDefined::Hard`] at T_c = 0, or [`NotDefined::Nothing`] where ‖I‖ = 0.
pub fn own_gradient(world: &World<'_>, parameters: &Parameters, own: usize) -> Result<Vec<f64>, NotDefined> {
    let outcome = soft(world, parameters, own)?;
    let norm = sum(&outcome.incentive);
    if norm <= 0.0 {
        return Err(NotDefined::Nothing);
    }
    let share = outcome.incentive[own] / norm;
    let by_incentive = |k: usize| (f64::from(u8::from(k == own)) - share) / norm;
    let by_trust = |k: usize| {
        let t = outcome.trusted[k];
        by_incentive(k) * outcome.rank[k] * parameters.beta * t * (1.0 - t)
    };
    let by_trust: Vec<f64> = (0..world.peers()).map(by_trust).collect();
    let by_rank = world.scaling[own] * world.stake[own] / outcome.scaled;
    let mut gradient = along(world, parameters, own, &outcome, &by_trust);
    for (j, (slope, t)) in gradient.iter_mut().zip(&outcome.trusted).enumerate() {
        *slope += by_rank * by_incentive(j) * t;
    }
    Ok(gradient)
}

/// ∂t_i/∂w_ij of peer i = `own` for every j; entries are moved one by one.
///
/// # Errors
/// [`NotDefined::World`], [`NotDefined::Peer`], [`NotDefined::Hard`] at T_c = 0, or [`NotDefined::Nothing`] where nobody
/// holds scaled stake.
pub fn own_trust_gradient(world: &World<'_>, parameters: &Parameters, own: usize) -> Result<Vec<f64>, NotDefined> {
    let outcome = soft(world, parameters, own)?;
    if outcome.scaled <= 0.0 {
        return Err(NotDefined::Nothing);
    }
    let mut by_trust = vec![0.0; world.peers()];
    by_trust[own] = 1.0;
    Ok(along(world, parameters, own, &outcome, &by_trust))
}

fn soft(world: &World<'_>, parameters: &Parameters, own: usize) -> Result<Outcome, NotDefined> {
    let peers = world.peers();
    if own >= peers {
        return Err(NotDefined::Peer { peer: own, peers });
    }
    let outcome = evaluate(world, parameters)?;
    if parameters.temperature == 0.0 { Err(NotDefined::Hard) } else { Ok(outcome) }
}

/// Σ_k `by_trust`_k ∂t_k/∂w_ij of peer i = `own` for every j; somebody holds scaled stake.
fn along(world: &World<'_>, parameters: &Parameters, own: usize, outcome: &Outcome, by_trust: &[f64]) -> Vec<f64> {
    let n = world.peers();
    let depth = parameters.depth as usize;
    // (W^p)_mi for p = 0 to d − 1 and every m.
    let mut start = vec![0.0; n];
    start[own] = 1.0;
    let mut to_own = vec![start];
    for p in 1..depth {
        to_own.push(world.weights.times(&to_own[p - 1]));
    }
    let mut connectivity = Connectivity::new(world, &world.scaled(), outcome.scaled, parameters);
    let total = sum(&outcome.voices);
    let moved: Vec<Vec<f64>> = to_own
        .iter()
        .map(|to_own| {
            let voices = outcome.sources.iter().zip(&outcome.voices);
            let heard: Vec<f64> = voices.map(|(&source, voice)| voice * to_own[source as usize] / total).collect();
            let slopes = connectivity.slopes(&heard);
            slopes.iter().zip(by_trust).map(|(slope, by_trust)| slope * by_trust).collect()
        })
        .collect();
    let mut back = vec![0.0; n];
    for r in (0..depth).rev() {
        back = world.weights.times(&back);
        for moved in &moved[..depth - r] {
            back.iter_mut().zip(moved).for_each(|(back, moved)| *back += moved);
        }
    }
    back
}
