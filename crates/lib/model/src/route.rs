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

    /// The slots of each example, best first: [batch, k].
    #[must_use]
    pub fn picks(&self) -> &[usize] {
        &self.picks
    }

    /// Slots that share in the balance, ascending.
    #[must_use]
    pub fn listed(&self) -> &[usize] {
        &self.listed
    }

    /// The slot whose noisy score each of [`Self::listed`] has to beat: [batch, listed]; empty where nothing is to choose.
    #[must_use]
    pub fn rivals(&self) -> &[usize] {
        &self.rivals
    }

    /// What was added to the scores: [batch, width].
    #[must_use]
    pub fn noise(&self) -> &[f32] {
        &self.noise
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What a step relies on, for both gates and any scores.
        #[test]
        fn every_example_goes_to_k_of_the_known_slots(
            seed in any::<u64>(), product in any::<bool>(), batch in 1..6usize, k in 1..4usize, count in 0..9usize,
        ) {
            let gate = if product { Gate::Product } else { Gate::Flat };
            let (slots, mut random) = (12, Random::new(seed, 0));
            let known: Vec<usize> = (0..count).map(|_| random.below(14)).collect();
            let mut scores: Vec<f32> = (0..batch * gate.width(slots)).map(|_| random.normal()).collect();
            if seed % 3 == 0 {
                scores[0] = f32::NAN;
            }
            let routing = route(gate, &scores, slots, &known, k, 1.0, &mut random);
            let mut distinct: Vec<usize> = known.iter().copied().filter(|slot| *slot < slots).collect();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(routing.k, k.min(distinct.len()));
            prop_assert_eq!(routing.picks.len(), if routing.k == 0 { 0 } else { batch * routing.k });
            prop_assert_eq!(routing.routed.iter().map(Vec::len).sum::<usize>(), routing.picks.len());
            for (place, (chosen, row)) in routing.places().enumerate() {
                prop_assert_eq!(routing.slots[chosen], routing.picks[place]);
                prop_assert_eq!(routing.routed[chosen][row], place / routing.k);
            }
            for picks in routing.picks.chunks(routing.k.max(1)) {
                let mut picks = picks.to_vec();
                prop_assert!(picks.iter().all(|slot| distinct.contains(slot)));
                picks.sort_unstable();
                picks.dedup();
                prop_assert_eq!(picks.len(), routing.k);
            }
            if routing.k > 0 {
                prop_assert_eq!(&routing.listed, &distinct);
                prop_assert_eq!(routing.rivals.len(), if routing.k < distinct.len() { batch * distinct.len() } else { 0 });
            }
        }
    }

    #[test]
    fn each_example_has_its_own_best_and_rivals() {
        let scores = [5.0, 1.0, 3.0, 0.0, 4.0, 2.0];
        let routing = route(Gate::Flat, &scores, 3, &[0, 1, 2], 1, 0.0, &mut Random::new(0, 0));
        assert_eq!((routing.slots.clone(), routing.routed.clone()), (vec![0, 1], vec![vec![0], vec![1]]));
        assert_eq!(routing.rivals, [2, 0, 0, 1, 2, 1]);
        assert!((routing.share() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn noise_tries_every_known_slot_the_better_ones_more_often() {
        let scores = [5.0, 0.0, -5.0, 0.0];
        let (mut random, mut seen) = (Random::new(1, 1), [0; 4]);
        for _ in 0..400 {
            for slot in route(Gate::Flat, &scores, 4, &[0, 1, 2, 9], 2, 3.0, &mut random).slots {
                seen[slot] += 1;
            }
        }
        assert!(seen[0] > seen[1] && seen[1] > seen[2] && seen[2] > 0, "{seen:?}");
        assert_eq!(seen[3], 0);
    }

    #[test]
    fn nobody_known_is_nobody_asked() {
        assert_eq!(route(Gate::Flat, &[1.0; 4], 4, &[], 2, 1.0, &mut Random::new(0, 0)), Routing::nobody());
        assert_eq!(route(Gate::Flat, &[], 0, &[0], 2, 1.0, &mut Random::new(0, 0)), Routing::nobody());
    }

    #[test]
    fn many_known_slots_share_in_the_balance_by_those_near_the_choice() {
        let (slots, mut random) = (10_000, Random::new(5, 0));
        let scores: Vec<f32> = (0..4 * 200).map(|_| random.normal()).collect();
        let known: Vec<usize> = (0..slots).collect();
        let routing = route(Gate::Product, &scores, slots, &known, 2, 0.5, &mut random);
        assert_eq!((routing.known, routing.picks.len()), (slots, 8));
        assert!(routing.listed.len() <= 12 && routing.listed.is_sorted());
        assert!(routing.picks.iter().chain(&routing.rivals).all(|slot| routing.listed.binary_search(slot).is_ok()));
    }
}
