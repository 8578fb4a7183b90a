//! Which of the many peers of a directory are worth one of the few connections and slots.
//!
//! Those that were asked before stand by what they were worth: the smoothed score and its standard error on top, so that
//! one that is uncertain is looked at again. A share of the places is for those never asked: drawn without replacement with
//! odds by rank times stake, as the ledger has them (Efraimidis and Spirakis, "Weighted random sampling with a reservoir",
//! 2006), so that a newcomer without stake is tried now and then too, and two tabs do not all try the same one.
//!
//! A hostile peer could register many keys to be drawn: together they weigh what their stake and rank weigh, and a floor
//! each. One pass over the records, nothing is sorted but the places.

use data::Random;
use protocol::exchange::{Modalities, Modality};

/// A peer of the directory, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// What it represents.
    pub modalities: Modalities,
    /// Its stake as a share of all stake, 0 to 1.
    pub stake: f64,
    /// Its rank by the ledger as a share of all ranks, 0 to 1.
    pub rank: f64,
    /// Own smoothed score of it and its standard error; `None` where it was never asked.
    pub score: Option<(f64, f64)>,
    /// Whether it is masked for now.
    pub masked: bool,
}

/// What the places are for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places {
    /// How many there are.
    pub most: usize,
    /// What a peer must represent.
    pub modality: Modality,
    /// Share of the places for peers never asked, 0 to 1.
    pub explore: f64,
}

/// Share of the places for those never asked.
pub const EXPLORE: f64 = 0.25;
/// Odds of a peer without rank or stake, beside the whole network's 1: a thousand of them weigh as much as it.
const FLOOR: f64 = 1e-3;

/// Indices into `listed` of those worth a place, best first; at most `places.most`.
///
/// Places that one half cannot fill go to the other. A score that is no number counts as 0.
#[must_use]
pub fn shortlist(listed: &[Listed], places: Places, random: &mut Random) -> Vec<usize> {
    let mut known: Vec<(f64, usize)> = Vec::new();
    let mut fresh: Vec<(f64, usize)> = Vec::new();
    for (index, peer) in listed.iter().enumerate() {
        if peer.masked || !peer.modalities.contains(places.modality) {
            continue;
        }
        match peer.score {
            Some((score, error)) => known.push((finite(score) + finite(error), index)),
            None => {
                let odds = FLOOR + finite(peer.rank).max(0.0) * finite(peer.stake).max(0.0);
                // ln(u)/w orders like u^(1/w).
                fresh.push((f64::from(1.0 - random.unit()).ln() / odds, index));
            }
        }
    }
    let explore = (places.explore.clamp(0.0, 1.0) * places.most as f64).round() as usize;
    let tried = explore.min(fresh.len());
    let kept = (places.most - tried.min(places.most)).min(known.len());
    let tried = (places.most - kept).min(fresh.len());
    let mut chosen = best(known, kept);
    chosen.extend(best(fresh, tried));
    chosen
}

/// Indices of the `most` largest, largest first; ties by index.
fn best(mut valued: Vec<(f64, usize)>, most: usize) -> Vec<usize> {
    let order = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if most < valued.len() {
        valued.select_nth_unstable_by(most, order);
        valued.truncate(most);
    }
    valued.sort_unstable_by(order);
    valued.into_iter().map(|(_, index)| index).collect()
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(score: Option<(f64, f64)>) -> Listed {
        Listed { modalities: Modality::Text.into(), stake: 0.0, rank: 0.0, score, masked: false }
    }

    const PLACES: Places = Places { most: 16, modality: Modality::Text, explore: EXPLORE };

    fn directory() -> Vec<Listed> {
        (0..10_000)
            .map(|i| Listed {
                score: (i % 3 == 0).then_some(((i % 997) as f64, 0.5)),
                modalities: if i % 5 == 4 { Modality::Image.into() } else { Modality::Text.into() },
                stake: (i % 11) as f64 / 55_000.0,
                rank: (i % 7) as f64 / 30_000.0,
                masked: i % 13 == 0,
            })
            .collect()
    }

    #[test]
    fn of_ten_thousand_the_best_and_some_new_ones_get_a_place() {
        let listed = directory();
        let chosen = shortlist(&listed, PLACES, &mut Random::new(1, 1));
        assert_eq!(chosen.len(), 16);
        assert!(chosen.iter().all(|i| listed[*i].modalities.contains(Modality::Text) && !listed[*i].masked));
        let (known, fresh): (Vec<usize>, Vec<usize>) = chosen.iter().partition(|i| listed[**i].score.is_some());
        assert_eq!((known.len(), fresh.len()), (12, 4));
        // Against a plain sort.
        let mut all: Vec<usize> = (0..listed.len())
            .filter(|i| {
                let peer = &listed[*i];
                peer.score.is_some() && !peer.masked && peer.modalities.contains(Modality::Text)
            })
            .collect();
        all.sort_by(|a, b| listed[*b].score.unwrap().0.total_cmp(&listed[*a].score.unwrap().0).then(a.cmp(b)));
        assert_eq!(known, all[..12]);
        assert_eq!(chosen, shortlist(&listed, PLACES, &mut Random::new(1, 1)), "the same seed, the same list");
        assert_ne!(chosen, shortlist(&listed, PLACES, &mut Random::new(2, 1)));
    }

    #[test]
    fn who_has_rank_and_stake_is_tried_sooner_and_nobody_never() {
        let mut listed: Vec<Listed> = (0..4).map(|_| peer(None)).collect();
        (listed[0].rank, listed[0].stake) = (0.5, 0.5);
        (listed[1].rank, listed[1].stake) = (0.1, 0.1);
        let (mut seen, mut random) = ([0; 4], Random::new(3, 3));
        for _ in 0..20_000 {
            seen[shortlist(&listed, Places { most: 1, ..PLACES }, &mut random)[0]] += 1;
        }
        // Odds 251 : 11 : 1 : 1.
        assert!((18_600..19_300).contains(&seen[0]), "{seen:?}");
        assert!((650..1_050).contains(&seen[1]), "{seen:?}");
        assert!(seen[2] > 20 && seen[3] > 20, "{seen:?}");
    }

    #[test]
    fn an_uncertain_peer_is_looked_at_again() {
        let listed = [peer(Some((1.0, 0.0))), peer(Some((0.8, 0.5))), peer(Some((f64::NAN, 0.1)))];
        assert_eq!(shortlist(&listed, Places { most: 2, ..PLACES }, &mut Random::new(0, 0)), [1, 0]);
    }

    #[test]
    fn places_that_one_half_cannot_fill_go_to_the_other() {
        let new: Vec<Listed> = (0..20).map(|_| peer(None)).collect();
        assert_eq!(shortlist(&new, PLACES, &mut Random::new(0, 0)).len(), 16);
        let known: Vec<Listed> = (0..20).map(|_| peer(Some((1.0, 0.0)))).collect();
        assert_eq!(shortlist(&known, PLACES, &mut Random::new(0, 0)).len(), 16);
        assert!(shortlist(&[], PLACES, &mut Random::new(0, 0)).is_empty());
        assert!(shortlist(&new, Places { most: 0, ..PLACES }, &mut Random::new(0, 0)).is_empty());
    }
}
