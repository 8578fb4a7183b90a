//! Who is trusted, and what the chain does while nobody is.

use super::cell;
use crate::formula::Formula;
use crate::report::Report;
use crate::scenario::{LabError, Settings};
use crate::scenarios::loose_stake;
use crate::statistics::real;
use mechanism::arithmetic::logistic;
use mechanism::trust::Parameters;

/// Of `loose-stake`: the loss, its gradient for a loner, and the step.
///
/// # Errors
/// A [`LabError`] of the mechanism.
pub fn loose_stake(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |who| cell(report, "scaling", who, line);
    let scaling = [at("first group"), at("second group"), at("loners")];
    let slopes = loose_stake::slopes(settings, scaling)?;
    let (rate, beta) = (settings.number("rate")?, settings.number("beta")?);
    let (loner, loss) = (scaling[2], cell(report, "loss", "true gradient", line));
    let step = if loss < 0.0 {
        Formula::new("The loss is below 0: the descent has ended, and the scaling of a loner stays", "a_i").gives(loner)
    } else {
        Formula::new("The chain moves each scaling downhill, and keeps it between 0 and 1", "a_i ← a_i − η ∂L/∂a_i")
            .with("a_i", "scaling of a loner", loner)
            .with("η", "length of a step", rate)
            .with("∂L/∂a_i", "slope for a loner", slopes.right)
            .gives((loner - rate * slopes.right).clamp(0.0, 1.0))
    };
    Ok(vec![
        Formula::new("The loss: below 0 a majority is trusted, and stake is minted", "L = −∑_k R_k (T_k − ½)")
            .gives(loss),
        Formula::new("Trust, from how much of the stake reaches a peer", "T_k = σ(β t_k)")
            .with("β", "slope of trust", beta)
            .with("t_k", "trust of the first group before the curve", slopes.connected)
            .gives(logistic(beta * slopes.connected)),
        Formula::new(
            "How the loss changes with the scaling of a loner; q is rank times trust times what trust lacks to 1",
            "∂L/∂a_i = −s_i/z [∑_k w_ik (T_k − ½) + L + β ∑_k c_ik q_k − β ∑_k q_k t_k]",
        )
        .gives(slopes.right)
        .printed(
            "−∂L/∂a_i = ∑_k (c_ik R_k e^(t_k) σ(t_k)^2 + w_ik (σ(t_k) − ½))",
            Some(slopes.printed),
            "Equation 6 has eᵗ where the derivative of σ has e⁻ᵗ, and lacks the stake, the slope β and the sum of all stake.",
        ),
        step,
    ])
}

/// Of `stake-splitting`: what splitting leaves alone, and the threshold.
///
/// # Errors
/// As [`loose_stake()`].
pub fn stake_splitting(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "divided", column, line);
    let k = at("identities");
    let rank = cell(report, "divided", "rank under trust", 0);
    // As many peers as there are with one identity: 32 may be the holder's.
    let peers = u32::try_from(settings.whole("peers")?).unwrap_or(u32::MAX).saturating_sub(31);
    let parameters = Parameters::for_peers(peers);
    Ok(vec![
        Formula::new("Ranks are sums, so that k parts of a rank are the rank", "∑_m R_m = k R/k")
            .with("k", "identities", k)
            .with("R", "rank with one identity", rank)
            .gives(at("rank under trust")),
        Formula::new("A peer counts as connected when walkers come by more often than this", "κ = d/(2 n)")
            .with("d", "steps of a walk", f64::from(parameters.depth))
            .with("n", "peers", f64::from(peers))
            .gives(parameters.kappa),
        Formula::new("Mean trust in the identities under Trust: each part has a k-th of the score", "T")
            .gives(at("trust under trust")),
        Formula::new("What all of them are paid under Trust, as a share of all", "p").gives(at("share under trust")),
    ])
}

/// Of `trust-sources`: by the number of sources.
///
/// # Errors
/// As [`loose_stake()`].
pub fn trust_sources(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "by sources", column, line);
    let peers = settings.whole("peers")?;
    let parameters = Parameters::for_peers(u32::try_from(peers).unwrap_or(u32::MAX));
    let (depth, units) = (f64::from(parameters.depth), settings.number("kappa")?);
    Ok(vec![
        Formula::new("How often a walker must come by to count as a connection", "κ = k d/n")
            .with("k", "the setting kappa", units)
            .with("d", "steps of a walk", depth)
            .with("n", "peers", real(peers))
            .gives(units * depth / real(peers)),
        Formula::new(
            "Trust in peer k, from the voices v of the sources that reach it",
            "T_k = σ(β (∑_i v_i c_ik)/(∑_i v_i))",
        ),
        Formula::new("Mean trust in honest peers, even stake", "T").gives(at("honest, even")),
        Formula::new("The loss; below 0 honest peers are paid", "L = −∑_k R_k (T_k − ½)").gives(at("loss, even")),
    ])
}

/// Of `direct-trust`: by the number of peers.
///
/// # Errors
/// As [`loose_stake()`].
pub fn direct_trust(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let peers = cell(report, "by peers", "peers", line);
    let weights = real(settings.whole("weights")?);
    let direct = (weights / peers).min(1.0);
    Ok(vec![
        Formula::new("The part of all peers that score one of them, when each scores w others", "t = min(w/n, 1)")
            .with("w", "entries of a short row", weights)
            .with("n", "peers", peers)
            .gives(direct),
        Formula::new("The consensus on a peer with that much direct trust", "C = σ(ρ (t − ½))")
            .with("ρ", "slope of the consensus", 10.0)
            .with("t", "direct trust", direct)
            .gives(logistic(10.0 * (direct - 0.5))),
        Formula::new("The loss with short rows; below 0 a majority is trusted", "L = −∑_k R_k (C_k − ½)").gives(cell(
            report,
            "by peers",
            "short rows",
            line,
        )),
    ])
}
