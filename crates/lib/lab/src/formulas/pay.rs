//! What is paid, and to whom.

use super::cell;
use crate::adversary::NAMES;
use crate::formula::Formula;
use crate::report::Report;
use crate::scenario::{LabError, Settings};
use mechanism::arithmetic::exp;

/// Of `adversaries`: the gain after this block.
///
/// # Errors
/// [`LabError::Settings`] where a setting is missing.
pub fn adversaries(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "course", column, line);
    let mut formulas = vec![gain("share of the adversary", at("adversary"), at("honest twin"))];
    formulas.push(incentive(settings.choice("mechanism")?));
    Ok(formulas)
}

/// Of `adversary-table`: the self-voter under one mechanism.
///
/// # Errors
/// As [`adversaries`].
pub fn adversary_table(_: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let first = NAMES.first().copied().unwrap_or_default();
    let (gained, share) = (cell(report, "gain", first, line), cell(report, "share", first, line));
    let mechanism = report.table("gain").and_then(|table| table.column("mechanism"));
    let name = mechanism.and_then(|column| column.label(cell(report, "gain", "mechanism", line))).unwrap_or("trust");
    Ok(vec![gain("share of the self-voter", share, share / (1.0 + gained)), incentive(name)])
}

fn gain(who: &'static str, share: f64, twin: f64) -> Formula {
    Formula::new(
        "What the sin earned: its share of the stake over that of the same peers, had they been honest",
        "g = a/h − 1",
    )
    .with("a", who, share)
    .with("h", "share of its honest twin", twin)
    .gives(share / twin - 1.0)
}

/// How a mechanism pays.
fn incentive(mechanism: &str) -> Formula {
    match mechanism {
        "connectivity" => {
            Formula::new("Paid is the rank: scores by stake, and the stake that is reached", "R = (W + C)^⊤ S")
        }
        "consensus" => {
            Formula::new("Paid is rank times consensus; half of it goes to those who hold bonds", "ΔS = ½ B I + ½ I")
                .printed(
                    "ΔS = ½ B^⊤ I + ½ I",
                    None,
                    "With the transposed bonds the sums do not add up: a part of what is minted is lost.",
                )
        }
        "competitive" => Formula::new("Paid is the rank alone: scores by stake", "R = 1/n W^⊤ S").printed(
            "R = 1/n (W ∘ S)",
            None,
            "As printed everyone would be paid by its own stake, whatever it did for others.",
        ),
        _ => Formula::new("Paid is rank times trust", "I_k = R_k T_k"),
    }
}

/// Of `bonders`: a block of dividends.
///
/// # Errors
/// As [`adversaries`].
pub fn bonders(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "dividends", column, line);
    let (a, b) = (at("added up by the early"), at("added up by the late"));
    let ratio = Formula::new("The early one’s dividends so far, over those of the late one", "g = a/b")
        .with("a", "added up by the early one", a)
        .with("b", "added up by the late one", b);
    Ok(vec![
        Formula::new("A bond grows by weight times stake in every block", "Δb_ij = w_ij s_i").with(
            "w_ij",
            "what the early bonder gives the newcomer",
            settings.number("weight")?,
        ),
        Formula::new(
            "Half of what is paid goes to those who hold bonds, half to those who are scored",
            "ΔS = ½ B I + ½ I",
        )
        .printed(
            "ΔS = ½ B^⊤ I + ½ I",
            None,
            "With the transposed bonds the columns no longer sum to one, and a part of what is minted is lost.",
        ),
        Formula::new("Dividend of the early bonder in this block, as a share of what is paid", "d = ½ ∑_j b_ij I_j")
            .gives(at("dividend of the early")),
        if b > 0.0 { ratio.gives(a / b) } else { ratio },
    ])
}

/// Of `emission`: so many releases in one unit of time.
///
/// # Errors
/// As [`adversaries`].
pub fn emission(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let tau = settings.number("tau")?;
    Ok(vec![
        Formula::new("Interest on interest: the stake after one unit of time, released m times", "S′ = (1 + τ/m)^m")
            .with("τ", "emission a unit of time, as a share of the stake", tau)
            .with("m", "releases", cell(report, "compounding", "times", line))
            .gives(cell(report, "compounding", "stake", line)),
        Formula::new("The limit, if it were released at every moment", "e^τ")
            .with("τ", "emission", tau)
            .gives(exp(tau)),
        Formula::new("In a ledger’s integers, rounded down at each release", "S′").gives(cell(
            report,
            "compounding",
            "stake in integers",
            line,
        )),
    ])
}
