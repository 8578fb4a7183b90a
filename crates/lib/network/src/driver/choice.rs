//! Which neighbours a tab parts with. Pure: standings in, peers out.
//!
//! A neighbour is worth what its owner says of its hot key: what the gate makes of it and its stake·weight. One that was not asked and
//! did not ask for a while is idle. A few are kept whatever they do, for gossip to come through. A peer never met is given the mean of
//! the neighbours until it can be measured, so that newcomers get a turn, but only in the place of someone idle.

use libp2p::PeerId;
use std::{cmp::Ordering, time::Duration};

/// A neighbour as it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standing {
    pub(super) peer: PeerId,
    /// What it is worth, at least zero.
    pub(super) worth: f64,
    /// Since it last asked or was asked.
    pub(super) idle: Duration,
}

/// What a candidate is worth; none where it was never measured.
pub(super) type Worth = Option<f64>;

/// The neighbours to part with now: those above `most`, one idle one that the best of the `candidates` is worth more than, and those
/// that have been idle for long.
pub(super) fn parting(mut neighbours: Vec<Standing>, candidates: &[Worth], most: usize) -> Vec<PeerId> {
    neighbours.sort_by(better);
    let mut parting: Vec<PeerId> = neighbours.drain(most.min(neighbours.len())..).map(|left| left.peer).collect();
    let mean = neighbours.iter().map(|neighbour| neighbour.worth).sum::<f64>() / neighbours.len().max(1) as f64;
    let best = candidates.iter().map(|worth| worth.unwrap_or(mean)).max_by(f64::total_cmp);
    if let Some(best) = best.filter(|_| neighbours.len() == most) {
        let replaceable = |neighbour: &Standing| neighbour.idle >= REPLACEABLE && neighbour.worth < best;
        if let Some(at) = neighbours.iter().rposition(replaceable) {
            parting.push(neighbours.remove(at).peer);
        }
    }
    let idle = neighbours.iter().skip(KEPT).filter(|neighbour| neighbour.idle >= IDLE);
    parting.extend(idle.map(|neighbour| neighbour.peer));
    parting
}

/// The worthier first, then who was used last; the peer id decides between equals, so that the choice does not waver.
fn better(a: &Standing, b: &Standing) -> Ordering {
    b.worth.total_cmp(&a.worth).then(a.idle.cmp(&b.idle)).then(a.peer.cmp(&b.peer))
}

/// Neighbours that are kept though they are idle: gossip reaches everyone from four on average.
pub(super) const KEPT: usize = 6;
/// After this an idle neighbour may make room for a better one.
const REPLACEABLE: Duration = Duration::from_secs(30);
/// After this it is parted with.
pub(super) const IDLE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing(worth: f64, idle: u64) -> Standing {
        Standing { peer: PeerId::random(), worth, idle: Duration::from_secs(idle) }
    }

    #[test]
    fn an_idle_one_makes_room_for_a_better_one_and_a_busy_one_does_not() {
        let neighbours = vec![standing(3.0, 0), standing(1.0, 40), standing(2.0, 40), standing(0.5, 5)];
        assert_eq!(parting(neighbours.clone(), &[Some(1.5)], 4), [neighbours[1].peer]);
        assert!(parting(neighbours.clone(), &[Some(0.9)], 4).is_empty(), "the worst is busy, the next is worth more");
        assert!(parting(neighbours.clone(), &[Some(9.0)], 5).is_empty(), "there is room");
        // Never measured: worth the mean, 1.625.
        assert_eq!(parting(neighbours.clone(), &[None], 4), [neighbours[1].peer]);
        assert!(parting(vec![standing(0.0, 999); 4], &[None], 4).is_empty(), "nobody is worth more than anyone");
    }

    #[test]
    fn a_few_are_kept_however_idle() {
        let neighbours: Vec<Standing> = (0..10).map(|at| standing(f64::from(at), 500)).collect();
        let mut parted = parting(neighbours.clone(), &[], 16);
        parted.sort();
        let mut worst: Vec<PeerId> = neighbours[..10 - KEPT].iter().map(|neighbour| neighbour.peer).collect();
        worst.sort();
        assert_eq!(parted, worst);
    }

    proptest! {
        #[test]
        fn the_number_is_kept_and_the_best_stay(
            standings in prop::collection::vec((0.0..4.0f64, 0..300u64), 0..40),
            candidates in prop::collection::vec(prop::option::of(0.0..5.0f64), 0..3),
            most in 1..20usize,
        ) {
            let neighbours: Vec<Standing> = standings.into_iter().map(|(worth, idle)| standing(worth, idle)).collect();
            let parted = parting(neighbours.clone(), &candidates, most);
            let left: Vec<_> = neighbours.iter().filter(|neighbour| !parted.contains(&neighbour.peer)).collect();
            prop_assert!(left.len() <= most);
            prop_assert!(left.len() >= neighbours.len().min(most.saturating_sub(1)).min(KEPT.min(most) - usize::from(most <= KEPT)));
            let best = neighbours.iter().filter(|neighbour| neighbour.idle < REPLACEABLE).max_by(|a, b| better(b, a));
            if let Some(best) = best.filter(|best| neighbours.iter().all(|other| other.worth <= best.worth)) {
                prop_assert!(left.iter().any(|neighbour| neighbour.peer == best.peer));
            }
        }
    }
}
