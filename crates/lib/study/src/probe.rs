//! What each neighbour is worth to a model as it is, on held-out examples: the figures of a step that does not move the
//! weights, beside the loss change when the neighbour is left out, which they are to foretell.

use data::Dataset;
use model::{Extra, Learner};
use serde::Serialize;

use crate::market::{Error, ask};
use crate::street::View;
use crate::{Market, spearman};

/// One neighbour, means over the batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Probe {
    /// Fisher score.
    pub fisher: f64,
    /// Part in what the loss falls by with all answers, nats.
    pub gain: f64,
    /// Share of the gate.
    pub mass: f64,
    /// What the loss rises by without its answers, nats; 0 where it was not asked.
    pub masked: f64,
    /// The same, its gate shared among those left.
    pub renormalised: f64,
}

/// Looks at every neighbour in each of so many held-out batches of `dataset`.
pub(crate) async fn probe(
    market: &Market,
    (dataset, batches): &(Dataset, usize),
    learner: &Learner,
    view: &View,
) -> Result<Vec<Probe>, Error> {
    let mut probes = vec![Probe::default(); market.residents.len()];
    let known: Vec<usize> = (0..probes.len()).collect();
    let part = 1.0 / (*batches).max(1) as f64;
    for index in 0..*batches {
        let batch = dataset.validation(market.preset.batch, index);
        let (routing, answers) = ask(learner, view, &batch, &known).await?;
        for (chosen, slot) in routing.slots.iter().enumerate() {
            let extra = Extra { exact: Some(chosen), ..Extra::default() };
            let outcome = learner.start(&batch, &routing, answers.clone(), extra)?.read().await?;
            let probe = &mut probes[*slot];
            probe.fisher += part * outcome.fisher[chosen];
            probe.gain += part * outcome.gain[chosen].unwrap_or(0.0);
            probe.mass += part * outcome.mass[chosen];
            let removal = outcome.removal;
            probe.masked += part * removal.map_or(0.0, |removal| removal.masked);
            probe.renormalised += part * removal.map_or(0.0, |removal| removal.renormalised);
        }
    }
    Ok(probes)
}

/// Spearman's correlation of a figure with the loss change, each as a share of the largest of its seed.
pub(crate) fn agreement(seeds: &[&[Probe]], of: fn(&Probe) -> f64) -> f64 {
    let shares = |of: fn(&Probe) -> f64| -> Vec<f64> {
        let share = |probes: &&[Probe]| {
            let largest = probes.iter().map(|probe| of(probe).abs()).fold(f64::MIN_POSITIVE, f64::max);
            probes.iter().map(|probe| of(probe) / largest).collect::<Vec<f64>>()
        };
        seeds.iter().flat_map(share).collect()
    };
    spearman(&shares(of), &shares(|probe| probe.masked))
}
