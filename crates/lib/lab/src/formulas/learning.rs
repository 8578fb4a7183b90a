//! Learning from others: whom to ask, and what stays of it.

use super::cell;
use crate::formula::Formula;
use crate::report::Report;
use crate::scenario::{LabError, Settings};
use crate::scenarios::gating::{ANSWER, BATCH};
use crate::statistics::real;

/// Of `gating`: after one batch.
///
/// # Errors
/// [`LabError::Settings`] where a setting is missing.
pub fn gating(settings: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "course", column, line);
    let (asked, neighbours) = (real(settings.whole("asked")?), real(settings.whole("neighbours")?));
    let answer = real(ANSWER);
    Ok(vec![
        Formula::new(
            "The gate of each neighbour that is asked, from its number s_j for examples of this kind",
            "g_j = e^(s_j)/(∑_k e^(s_k))",
        ),
        Formula::new("How wrong the joined answers are, on average over the last batches", "L = ½ (∑_j g_j a_j − y)^2")
            .gives(at("learned gate")),
        Formula::new("What asking k of n costs, beside asking everyone", "b = k/n")
            .with("k", "neighbours asked for an example", asked)
            .with("n", "neighbours", neighbours)
            .gives(asked / neighbours),
        Formula::new("Bytes that come back for a batch", "B = k m c")
            .with("k", "neighbours asked for an example", asked)
            .with("m", "examples in a batch", real(BATCH))
            .with("c", "bytes of an answer", answer)
            .gives(asked * real(BATCH) * answer),
        Formula::new("The share of asks at neighbours that know the kind", "h").gives(at("asks that hit")),
    ])
}

/// Of `distillation`: after one step.
///
/// # Errors
/// As [`gating`].
pub fn distillation(_: &Settings, report: &Report, line: usize) -> Result<Vec<Formula>, LabError> {
    let at = |column| cell(report, "course", column, line);
    let (peers, student, alone) = (at("with peers"), at("with the student since the cut"), at("always alone"));
    let mut formulas = vec![
        Formula::new("The student’s own loss: how far it is from what the neighbours say", "D = ½ (s − f)^2")
            .gives(at("student’s distance")),
        Formula::new("The loss with the neighbours’ answers joined", "L_p = ½ (θ · x + β f − y)^2").gives(peers),
        Formula::new("The loss with the student in their place, since the cut", "L_s = ½ (θ · x + β s − y)^2")
            .gives(student),
    ];
    if alone > peers {
        formulas.push(
            Formula::new("What of the neighbours’ worth is kept", "q = (L_a − L_s)/(L_a − L_p)")
                .with("L_a", "loss of one that was always alone", alone)
                .with("L_s", "loss with the student since the cut", student)
                .with("L_p", "loss with the neighbours", peers)
                .gives((alone - student) / (alone - peers)),
        );
    }
    Ok(formulas)
}
