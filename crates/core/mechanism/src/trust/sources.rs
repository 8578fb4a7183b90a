//! Which peers' rows make trust, and the voice of each.
//!
//! Where at most M peers hold stake, all of them are sources, each with its scaled stake as its voice. Beyond, the scaled
//! stake is laid out in descending order, ties by lower index, and cut into M slots of z/M; one point is drawn in each
//! slot, and belongs to the peer whose stake lies there. A peer that m points belong to has the voice v = m·z/M, so that
//! voices sum to z.
//!
//! The expected voice of any set of peers is its scaled stake, however it is divided. Peers that stand next to each other
//! have it within two slots, one at each end of their run: that holds for one large peer, and for any number of equal
//! ones. Of a set that stands scattered, the voice exceeds the share by x with a probability of at most e^(−2Mx²)
//! (Hoeffding), since the points are drawn apart. One common offset for all slots would not do: a set whose stake returns
//! in step with the slots would have all of them at some offsets.
//!
//! Points follow from the seed alone. Who knows it before stakes stand still can arrange stakes for it: a ledger takes
//! another one for every epoch.

use super::Parameters;

/// The sources of one world.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sources {
    /// The peers, ascending.
    pub(super) peers: Vec<u32>,
    /// v, the voice of each.
    pub(super) voices: Vec<f64>,
}

impl Sources {
    /// Chooses the sources; `scaled` sums to `z` > 0.
    pub(super) fn new(stake: &[f64], scaled: &[f64], z: f64, parameters: &Parameters) -> Self {
        let voice = |peer: u32| scaled[peer as usize];
        let mut peers: Vec<u32> = (0u32..).zip(stake).filter(|&(_, &s)| s > 0.0).map(|(i, _)| i).collect();
        if peers.len() > parameters.sources {
            peers.retain(|&peer| voice(peer) > 0.0);
        }
        if peers.len() <= parameters.sources {
            let voices = peers.iter().map(|&peer| voice(peer)).collect();
            return Self { peers, voices };
        }
        tiny_sort::stable::sort_by(&mut peers, |&a, &b| voice(b).total_cmp(&voice(a)).then(a.cmp(&b)));
        let mut drawn = points(&peers, scaled, z, parameters);
        drawn.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "there are more peers than slots, and fewer than 2^32 peers")]
        let part = |points: usize| points as f64 / parameters.sources as f64 * z;
        Self { peers: drawn.iter().map(|&(peer, _)| peer).collect(), voices: drawn.iter().map(|d| part(d.1)).collect() }
    }
}

/// (peer, how many points belong to it) in the order of `peers`, for those that any belongs to.
fn points(peers: &[u32], scaled: &[f64], z: f64, parameters: &Parameters) -> Vec<(u32, usize)> {
    let slots = parameters.sources;
    #[expect(clippy::cast_precision_loss, reason = "there are more peers than slots, and fewer than 2^32 peers")]
    let point = |slot: usize| slot as f64 + draw(parameters.seed, slot as u64);
    let mut drawn = Vec::new();
    let (mut slot, mut end) = (0, 0.0);
    for &peer in peers {
        // In slots, not in stake: so no stake is too small or too large for it.
        #[expect(clippy::cast_precision_loss, reason = "there are more peers than slots, and fewer than 2^32 peers")]
        {
            end += scaled[peer as usize] / z * slots as f64;
        }
        let first = slot;
        while slot < slots && point(slot) < end {
            slot += 1;
        }
        if slot > first {
            drawn.push((peer, slot - first));
        }
    }
    // Where rounding ends the stake before the last point, the point belongs to the last peer.
    if let Some(&last) = peers.last().filter(|_| slot < slots) {
        match drawn.last_mut().filter(|(peer, _)| *peer == last) {
            Some((_, points)) => *points += slots - slot,
            None => drawn.push((last, slots - slot)),
        }
    }
    drawn
}

/// A number in \[0, 1) for each seed and slot: 53 bits of splitmix64.
fn draw(seed: u64, slot: u64) -> f64 {
    let mixed = mix(mix(seed).wrapping_add(slot.wrapping_add(1).wrapping_mul(GOLDEN)));
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    {
        (mixed >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

/// The finalizer of splitmix64.
const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The increment of splitmix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::sum;

    fn chosen(scaled: &[f64], sources: usize, seed: u64) -> Sources {
        let parameters = Parameters { sources, seed, ..Parameters::for_peers(1) };
        Sources::new(scaled, scaled, sum(scaled), &parameters)
    }

    /// The part of the voice that peers have for which `of` holds.
    fn voice(sources: &Sources, of: impl Fn(usize) -> bool) -> f64 {
        let own = sources.peers.iter().zip(&sources.voices).filter(|&(&peer, _)| of(peer as usize));
        own.map(|(_, voice)| voice).sum::<f64>() / sum(&sources.voices)
    }

    /// 1,024 honest peers whose sizes differ, and 128 heads that hold `share` of all stake, after every eighth of them or
    /// at the end. `fit` gives heads honest sizes, so that they stand among the honest by size too.
    fn cabal(share: f64, scattered: bool, fit: bool) -> (Vec<f64>, impl Fn(usize) -> bool) {
        let honest = |i: usize| (1.0 - share) * if fit { 1.0 } else { 0.5 + draw(7, i as u64) } / 1024.0;
        let is_head = move |peer: usize| if scattered { peer % 9 == 8 } else { peer >= 1024 };
        let mut all: Vec<f64> = (0..1024).map(honest).collect();
        let rest = 1.0 - share - sum(&all);
        all.iter_mut().for_each(|stake| *stake += rest / 1024.0);
        let mut honest = all.into_iter();
        let stake = (0..1152).map(|peer| if is_head(peer) { share / 128.0 } else { honest.next().unwrap_or(0.0) });
        (stake.collect(), is_head)
    }

    #[test]
    fn a_cabal_of_equal_heads_has_the_voice_of_its_stake_wherever_they_stand() {
        for scattered in [false, true] {
            let (stake, is_head) = cabal(0.1, scattered, false);
            let mut all = 0.0;
            for seed in 0..500 {
                let held = voice(&chosen(&stake, 256, seed), &is_head);
                assert!((held - 0.1).abs() <= 2.0 / 256.0, "{held} at seed {seed}");
                all += held / 500.0;
            }
            assert!((all - 0.1).abs() < 0.5 / 256.0, "{all}");
        }
    }

    #[test]
    fn a_cabal_in_step_with_the_slots_gains_little_by_it() {
        // Heads of the honest size: ties go by index, so every ninth peer of the layout is one, 9 peers in 2 slots.
        let (stake, is_head) = cabal(1.0 / 9.0, true, true);
        let held: Vec<f64> = (0..500).map(|seed| voice(&chosen(&stake, 256, seed), &is_head)).collect();
        // Hoeffding: above a share of 1/9 + 0.125 with probability e^−8. With one common offset it would be ½ at times.
        assert!(held.iter().all(|&held| held < 1.0 / 9.0 + 0.125));
        assert!((sum(&held) / 500.0 - 1.0 / 9.0).abs() < 0.01);
    }

    #[test]
    fn voices_sum_to_z_and_follow_stake() {
        let scaled: Vec<f64> = (0..1000).map(|i| draw(3, i) * draw(4, i) * 1e6).collect();
        let z = sum(&scaled);
        let sources = chosen(&scaled, 256, 5);
        assert!((sum(&sources.voices) / z - 1.0).abs() < 1e-12);
        assert!(sources.peers.is_sorted() && sources.peers.len() <= 256);
        let slot = z / 256.0;
        for (i, &scaled) in scaled.iter().enumerate() {
            let own = voice(&sources, |peer| peer == i) * z;
            assert!((own - scaled).abs() < 2.0 * slot, "{own} of {scaled}");
        }
    }

    #[test]
    fn all_speak_with_their_stake_where_they_are_few() {
        let scaled = [0.1, 0.0, 0.3, 0.2];
        for sources in [3, 4, usize::MAX] {
            let found = chosen(&scaled, sources, 9);
            assert_eq!((found.peers, found.voices), (vec![0, 2, 3], vec![0.1, 0.3, 0.2]));
        }
        // A peer that is scaled to nothing has no voice, and stays where there is room; it is never drawn.
        let stake = [1.0, 1.0, 1.0];
        let of = |sources| {
            let parameters = Parameters { sources, ..Parameters::for_peers(3) };
            Sources::new(&stake, &[1.0, 0.0, 0.5], 1.5, &parameters)
        };
        assert_eq!(of(3), Sources { peers: vec![0, 1, 2], voices: vec![1.0, 0.0, 0.5] });
        assert_eq!(of(2), Sources { peers: vec![0, 2], voices: vec![1.0, 0.5] });
        assert_eq!(sum(&of(1).voices), 1.5);
    }

    #[test]
    fn every_point_has_an_owner_at_the_ends_of_binary64() {
        let tiny = vec![5e-324; 700];
        let large = vec![2e305; 700];
        let mut mixed = vec![1e-300; 699];
        mixed.push(1.0);
        for scaled in [tiny, large, mixed] {
            for seed in 0..50 {
                for slots in [1, 2, 255, 699] {
                    let sources = chosen(&scaled, slots, seed);
                    let parameters = Parameters { sources: slots, seed, ..Parameters::for_peers(1) };
                    let descending: Vec<u32> = (0..700).rev().collect();
                    let owners = points(&descending, &scaled, sum(&scaled), &parameters);
                    assert!(owners.iter().map(|owner| owner.1).sum::<usize>() == slots);
                    assert!(sources.voices.iter().all(|voice| voice.is_finite() && *voice > 0.0));
                }
            }
        }
    }

    #[test]
    fn draws_are_spread_over_the_slot() {
        let mut counts = [0u32; 8];
        (0..64)
            .flat_map(|seed| (0..256).map(move |slot| draw(seed, slot)))
            .for_each(|x| counts[(x * 8.0) as usize] += 1);
        assert!(counts.iter().all(|&count| (1850..2250).contains(&count)), "{counts:?}");
    }
}
