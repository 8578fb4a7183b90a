//! The gate on the host: which peers each example goes to, from scores that were read back (Shazeer et al. 2017, noisy
//! top-k; docs/adr/0021-gate-by-example.md).
//!
//! Every example goes to the same number k of peers, whoever they are: what enters the device is `[batch, k, seq, dim]` in
//! every step, so that kernels are compiled once, while each peer gets its own share of the batch.

use data::{Batch, Random};
use protocol::exchange::Inputs;

use crate::{Error, Gate, product};

/// Which examples of a batch go to which slots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routing {
    /// The chosen slots, those of most examples first.
    pub slots: Vec<usize>,
    /// The examples of each chosen slot, ascending.
    pub routed: Vec<Vec<usize>>,
    /// Which part of an example each chosen slot is asked about: 0, the own modality, unless the caller says otherwise.
    pub parts: Vec<usize>,
    /// Examples.
    pub(crate) batch: usize,
    /// Peers an example.
    pub(crate) k: usize,
    /// [batch, k]: the slots of each example, best first.
    pub(crate) picks: Vec<usize>,
    /// Slots that share in the balance, ascending: all that are known, or those near the choice where there are many.
    pub(crate) listed: Vec<usize>,
    /// [batch, listed]: whose score each has to beat. Empty where every known slot is chosen anyway.
    pub(crate) rivals: Vec<usize>,
    /// Slots that could have been chosen.
    pub(crate) known: usize,
    /// [batch, width]: what was added to the scores.
    pub(crate) noise: Vec<f32>,
}

impl Routing {
    /// Known slots up to which all of them share in the balance.
    const LISTED: usize = 64;

    /// Nobody is asked.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// What to ask the `chosen`-th slot: its examples of `batch`, in the modality of its part.
    ///
    /// # Errors
    /// [`Error::Unfit`] where the batch is not the one that was routed.
    pub fn inputs(&self, chosen: usize, batch: &Batch) -> Result<Inputs, Error> {
        let inputs = self.parts.get(chosen).and_then(|part| batch.parts.get(*part));
        let rows = inputs.zip(self.routed.get(chosen)).and_then(|(inputs, rows)| inputs.rows(rows));
        rows.ok_or_else(|| Error::Unfit(format!("slot {chosen} of a routing of {}", self.slots.len())))
    }

    /// Examples sent, counted once for each peer, as a share of what asking every known peer about all would be: k / n.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.known == 0 { 0.0 } else { self.k as f64 / self.known as f64 }
    }

    /// Place of each pick among the answers: chosen slot and row.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.picks.iter().enumerate().map(|(i, slot)| {
            let chosen = self.slots.iter().position(|chosen| chosen == slot).unwrap_or(0);
            let row = self.routed.get(chosen).and_then(|rows| rows.binary_search(&(i / self.k)).ok());
            (chosen, row.unwrap_or(0))
        })
    }
}

/// Sends each example to the `k` best of its `known` slots, by its scores with normal noise of deviation `noise`.
///
/// `scores` is `[batch, Gate::width(slots)]`, row by row. Slots that do not exist are passed over, and so is a second
/// mention. The noise of a product gate is drawn for its half scores, so that a slot's has the same deviation.
#[must_use]
pub fn route(
    gate: Gate,
    scores: &[f32],
    slots: usize,
    known: &[usize],
    k: usize,
    noise: f32,
    random: &mut Random,
) -> Routing {
    let width = gate.width(slots).max(1);
    let mut known: Vec<usize> = known.iter().copied().filter(|slot| *slot < slots).collect();
    known.sort_unstable();
    known.dedup();
    let (batch, k) = (scores.len() / width, k.min(known.len()));
    if batch == 0 || k == 0 {
        return Routing::nobody();
    }
    let deviation = match gate {
        Gate::Flat => noise,
        Gate::Product => noise * std::f32::consts::FRAC_1_SQRT_2,
    };
    let noise: Vec<f32> = (0..batch * width).map(|_| deviation * random.normal()).collect();
    // The k best of each example and the next one, which is what the k have to beat.
    let best: Vec<Vec<usize>> = scores
        .chunks_exact(width)
        .zip(noise.chunks_exact(width))
        .map(|(scores, noise)| {
            let noisy: Vec<f32> = scores.iter().zip(noise).map(|(score, noise)| score + noise).collect();
            match gate {
                Gate::Flat => {
                    let scores: Vec<f32> = known.iter().map(|slot| noisy[*slot]).collect();
                    product::order(&scores).into_iter().take(k + 1).map(|place| known[place]).collect()
                }
                Gate::Product => {
                    let (first, second) = noisy.split_at(width / 2);
                    product::best(first, second, k + 1, |slot| known.binary_search(&slot).is_ok()).0
                }
            }
        })
        .collect();
    let mut slots: Vec<usize> = best.iter().flat_map(|best| best[..k].iter().copied()).collect();
    let picks = slots.clone();
    slots.sort_unstable();
    slots.dedup();
    let mut chosen: Vec<(usize, Vec<usize>)> =
        slots.into_iter().map(|slot| (slot, (0..batch).filter(|x| best[*x][..k].contains(&slot)).collect())).collect();
    chosen.sort_by_key(|(slot, rows): &(usize, Vec<usize>)| (std::cmp::Reverse(rows.len()), *slot));
    let count = known.len();
    let listed = if count <= Routing::LISTED {
        known
    } else {
        let mut near: Vec<usize> = best.iter().flatten().copied().collect();
        near.sort_unstable();
        near.dedup();
        near
    };
    let rivals = if count == k { Vec::new() } else { rivals(&best, &listed, k) };
    let (slots, routed): (Vec<usize>, Vec<Vec<usize>>) = chosen.into_iter().unzip();
    Routing { parts: vec![0; slots.len()], slots, routed, batch, k, picks, listed, rivals, known: count, noise }
}

/// For each example and each listed slot, the slot whose noisy score it has to beat: the k-th best of the others.
fn rivals(best: &[Vec<usize>], listed: &[usize], k: usize) -> Vec<usize> {
    let rival = |best: &[usize], slot: &usize| if best[..k].contains(slot) { best[k] } else { best[k - 1] };
    best.iter().flat_map(|best| listed.iter().map(|slot| rival(best, slot))).collect()
}
