//! The market game, and what a neighbour is worth.

use super::cell;
use crate::formula::Formula;
use crate::market::law::{PEERS, TEMPERATURE};
use crate::market::terms;
use crate::report::Report;
use crate::scenario::{LabError, Settings};
use crate::statistics::real;

/// Of `market-game`: at one ratio α/τ.
///
/// # Errors
/// [`LabError::Settings`] where a setting is missing.
pub fn market_game(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "ratios", column, line);
    let worth = terms(at("α/τ"), settings.number(TEMPERATURE.name)?);
    Ok(vec![
        payoff(worth.alpha, worth.tau),
        rank(),
        diagonal(at("share of the diagonal"), real(settings.whole(PEERS.name)?)),
        Formula::new("How far the order of ranks agrees with that of the coordinated ones: from −1 to 1", "r")
            .gives(at("Spearman(R*, R)")),
    ])
}

/// Of `market-play`: after one step.
///
/// # Errors
/// As [`market_game`].
pub fn market_play(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "course", column, line);
    let worth = terms(settings.number("ratio")?, settings.number(TEMPERATURE.name)?);
    Ok(vec![
        payoff(worth.alpha, worth.tau),
        Formula::new("The mean payoff after this step", "P").gives(at("mean payoff")),
        rank(),
        diagonal(at("share of the diagonal"), real(settings.whole(PEERS.name)?)),
    ])
}

/// Of `adaptive-inflation`: one block.
///
/// # Errors
/// As [`market_game`].
pub fn adaptive_inflation(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "course", column, line);
    let (tau, rise, target) = (at("τ"), settings.number("rise")?, settings.number("target")?);
    let ratio = at("diagonal over the rest");
    let next = if ratio < target { tau + rise } else { tau };
    Ok(vec![
        Formula::new(
            "Weight that peers keep for themselves, over the weight that they give",
            "q = (∑_i w_ii)/(∑_(i ≠ j) w_ij)",
        )
        .gives(ratio),
        Formula::new("While that is below the target, inflation rises by a step", "τ′ = τ + δ")
            .with("τ", "inflation before this block", tau)
            .with("δ", "the step; 0 once the target is reached", next - tau)
            .gives(next),
        payoff(settings.number("alpha")?, tau),
    ])
}

/// Of `self-vote`: what a peer gains by its own weight.
///
/// # Errors
/// As [`market_game`].
pub fn self_vote(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let peers = real(settings.whole(PEERS.name)?);
    let worth = terms(settings.number("enough")?, settings.number(TEMPERATURE.name)?);
    Ok(vec![
        payoff(worth.alpha, worth.tau),
        Formula::new("Without masks only the own rank answers to the own weight", "∂P_i/∂w_ii = τ s_i/n")
            .with("τ", "worth of the rank", worth.tau)
            .with("s_i", "stake", 1.0)
            .with("n", "peers", peers)
            .gives(worth.tau / peers),
        Formula::new(
            "With masks every weight lets the peer see more of a neighbour",
            "∂P_i/∂w_ij = −α ∂L_i/∂m_ij m_ij (1 − m_ij) s_i (1 − 1/n)/T",
        ),
        Formula::new("Weight on oneself without masks after this step", "D").gives(cell(
            report,
            "shares",
            "without masks",
            line,
        )),
    ])
}

/// Of `zero-regret`: steps of one length.
///
/// # Errors
/// As [`market_game`].
pub fn zero_regret(_: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "norms", column, line);
    Ok(vec![
        Formula::new(
            "What a short step can gain: at most its length times the slope",
            "P(w + δ d) − P(w) ≤ δ ‖g‖ + O(δ^2)",
        )
        .with("δ", "length of the step", at("norm")),
        Formula::new("What the gradient’s own direction gained, in parts of δ ‖g‖", "G").gives(at("gradient")),
        Formula::new("How much more the best other direction gained; once steps are short enough, nothing", "E")
            .gives(at("excess of the best other")),
    ])
}

/// Of `score-forms`: one neighbour.
///
/// # Errors
/// As [`market_game`].
pub fn score_forms(_: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "scores", column, line);
    Ok(vec![
        Formula::new("What the neighbour is really worth: by how much the loss rises without it", "L(\"without j\") − L")
            .gives(at("exact removal")),
        Formula::new("Half of a square, which needs no second run", "w_j = ½ ΔF_j^⊤ H ΔF_j")
            .gives(at("half of Hessian"))
            .printed(
                "w_j = ΔF_j^⊤ H ΔF_j",
                Some(at("Hessian")),
                "The score is introduced as the change of the loss, and lacks the half. For ranking neighbours that makes no difference; beside nats it does.",
            ),
        Formula::new("The same from the gradient that training computes anyway; peers use this one", "w_j = E[(h_j f_j)^2]")
            .gives(at("Fisher")),
        Formula::new("How much the gate listens to it, which says less", "g_j").gives(at("gate mass")),
    ])
}

fn payoff(alpha: f64, tau: f64) -> Formula {
    Formula::new("A peer wants a small loss and a high rank", "P_i = −α L_i + τ R_i")
        .with("α", "worth of the loss", alpha)
        .with("τ", "worth of the rank", tau)
        .printed("P_i = α L_i + τ R_i", None, "As printed a peer would want its loss to be as large as possible.")
}

fn rank() -> Formula {
    Formula::new("A rank is the score received, counted by stake", "R = 1/n W^⊤ S").printed(
        "R = 1/n (W ∘ S)",
        None,
        "As printed a row sums to its own peer’s stake, so that everyone would earn its own stake whatever it did for others.",
    )
}

fn diagonal(share: f64, peers: f64) -> Formula {
    Formula::new("The part of all weight that peers give to themselves", "D = 1/n ∑_i w_ii")
        .with("n", "peers", peers)
        .gives(share)
}
