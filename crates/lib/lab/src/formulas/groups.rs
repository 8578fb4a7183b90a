//! Groups that score only among themselves.

use super::{before, cell};
use crate::formula::Formula;
use crate::report::Report;
use crate::scenario::{LabError, Settings};
use mechanism::arithmetic::logistic;

/// Of `cabal-decay`: a block of two groups.
///
/// # Errors
/// [`LabError::Settings`] where a setting is missing.
pub fn cabal_decay(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let (share, tau) = (settings.number("share")?, settings.number("tau")?);
    let (slope, rho) = (settings.number("temperature")?, settings.number("rho")?);
    let name = settings.choice("mechanism")?;
    let column = if matches!(name, "trust" | "connectivity") { "cabal" } else { "cabal by the mechanism" };
    let s = before(report, "decay", column, line, share);
    let next = cell(report, "decay", column, line);
    Ok(match name {
        "connectivity" => vec![
            Formula::new("A group is ranked by its stake, and by its stake once more for each unit that it reaches", "r = ρ s + (ρ s)^2")
                .with("ρ", "sum of the stake", rho)
                .with("s", "the cabal’s share before this block", s)
                .gives(rho * s + rho * rho * s * s),
            stake_by_rank()
                .with("τ", "stake minted a block", tau)
                .with("s", "the cabal’s share before this block", s)
                .with("r", "rank of the cabal", rho * s + rho * rho * s * s)
                .with("q", "rank of the honest group", rho * (1.0 - s) + rho * rho * (1.0 - s) * (1.0 - s))
                .gives(next),
        ],
        "competitive" => vec![
            Formula::new("A rank is the score received, counted by stake; there is no trust", "R = 1/n W^⊤ S").printed(
                "R = 1/n (W ∘ S)",
                None,
                "As printed a row sums to its own peer’s stake, so that everyone would earn its own stake whatever it did for others.",
            ),
            Formula::new("Who scores itself alone earns by its own stake, and keeps its share", "s′ = (s + τ s)/(1 + τ)")
                .with("τ", "stake minted a block", tau)
                .with("s", "the cabal’s share before this block", s)
                .gives(next),
        ],
        _ => two_groups(s, tau, slope, next, name == "consensus"),
    })
}

/// Of `cabal-share`: the first block from one share.
///
/// # Errors
/// As [`cabal_decay`].
pub fn cabal_share(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let (tau, slope) = (settings.number("tau")?, settings.number("temperature")?);
    let s = cell(report, "sweep", "at first", line);
    let (own, other) = (logistic((s - 0.5) * slope), logistic((0.5 - s) * slope));
    let after = (s + tau * (s * own) / (s * own + (1.0 - s) * other)) / (1.0 + tau);
    let mut formulas = two_groups(s, tau, slope, after, false);
    let end = cell(report, "sweep", "at the end", line);
    formulas.push(Formula::new("The same block again and again: the share after all of them", "s_N").gives(end));
    Ok(formulas)
}

fn two_groups(s: f64, tau: f64, slope: f64, next: f64, bonds: bool) -> Vec<Formula> {
    let (own, other) = (logistic((s - 0.5) * slope), logistic((0.5 - s) * slope));
    let trust = Formula::new(
        "Trust in the cabal: near 0 below half of the stake, near 1 above, ½ at one half",
        "T = σ(θ (s − ½))",
    )
    .with("θ", "slope of trust", slope)
    .with("s", "the cabal’s share before this block", s)
    .gives(own);
    let trust = if bonds {
        trust
    } else {
        trust.printed(
            "T = σ(10 (2 s − 1))",
            Some(logistic(10.0 * (2.0 * s - 1.0))),
            "The paper’s text says β = 10 for a trust from −1 to 1. Its table is computed with half of that, θ = 10 for a share from 0 to 1.",
        )
    };
    let stake = Formula::new(
        "New stake goes by rank times trust; U is the trust in the honest group",
        "s′ = (s + τ (s T)/(s T + (1 − s) U))/(1 + τ)",
    )
    .with("τ", "stake minted a block", tau)
    .with("s", "the cabal’s share before this block", s)
    .with("T", "trust in the cabal", own)
    .with("U", "trust in the honest group", other)
    .gives(next);
    let stake = if bonds {
        stake.printed(
            "ΔS = ½ B^⊤ I + ½ I",
            None,
            "Half of what is paid goes to those who hold bonds. As printed, with the transposed bonds, a part of it is lost; right is B I.",
        )
    } else {
        stake
    };
    vec![trust, stake]
}

const fn stake_by_rank() -> Formula {
    Formula::new("New stake goes by rank", "s′ = (s + τ r/(r + q))/(1 + τ)")
}

/// Of `simulation`: what is measured, and what is minted.
///
/// # Errors
/// As [`cabal_decay`].
pub fn simulation(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "cabal", column, line);
    Ok(vec![
        Formula::new(
            "The cabal’s share of the stake: its peers come after the honest ones",
            "c = (∑_(k > honest) S_k)/(∑_k S_k)",
        )
        .gives(at("corrected"))
        .printed(
            "c = (∑_(k > cabal) S_k)/(∑_(k ≤ honest) S_k + ∑_(k > cabal) S_k)",
            Some(at("as printed")),
            "The printed program cuts the list at the number of dishonest peers, and so looks at the last few of them alone.",
        ),
        Formula::new("What is minted grows with the stake, so that τ keeps its meaning", "S′ = S + τ ‖S‖ I/‖I‖")
            .with("τ", "stake minted a block", settings.number("tau")?)
            .printed(
                "S′ = S + τ I/‖I‖",
                None,
                "Without ‖S‖ the same small amount is minted however large the stake has grown.",
            ),
        Formula::new("The cabal’s share when stake is a share of the whole again after each block", "c")
            .gives(at("corrected and normalised")),
    ])
}

/// Of `three-thirds`: the largest of three groups, the rest in two equal ones.
///
/// # Errors
/// As [`cabal_decay`].
pub fn three_thirds(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let rho = settings.number("rho")?;
    let x = cell(report, "by largest", "largest", line);
    let y = 0.5 * (1.0 - x);
    let clipped = x * (2.0 * x).min(1.0);
    Ok(vec![
        Formula::new("What all are ranked together: each group reaches itself alone", "‖R‖ = ρ + ρ^2 (x^2 + 2 y^2)")
            .with("ρ", "sum of the stake", rho)
            .with("x", "share of the largest group", x)
            .with("y", "share of each of the other two", y)
            .gives(rho + rho * rho * (x * x + 2.0 * y * y)),
        Formula::new("The level above which a connected majority exists", "‖R‖ > ρ + ρ^2/2")
            .with("ρ", "sum of the stake", rho)
            .gives(rho + 0.5 * rho * rho)
            .printed(
                "‖R‖ > ρ + ρ^2",
                Some(rho + rho * rho),
                "The draft prints the most that ‖R‖ can be, which nobody exceeds.",
            ),
        Formula::new(
            "Stake counts as far as it reaches half of all stake: the largest group, clipped",
            "x^∗ = x min(2 x, 1)",
        )
        .with("x", "share of the largest group", x)
        .gives(clipped),
        Formula::new("Above 0 resistance holds, here with clipping", "(‖R‖ − \"level\")/ρ^2").gives(cell(
            report,
            "by largest",
            "with clipping",
            line,
        )),
    ])
}
