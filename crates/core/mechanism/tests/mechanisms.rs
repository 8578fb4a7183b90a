//! Invariants that every mechanism keeps on random markets, asked through the one interface of ledger and lab.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod markets;

use markets::{Market, markets, near};
use ndarray::Array2;
use peerage_mechanism::competitive::Competitive;
use peerage_mechanism::connectivity::Connectivity;
use peerage_mechanism::consensus::{Bonds, Consensus};
use peerage_mechanism::emission;
use peerage_mechanism::epoch::{Epoch, Mechanism, Memory};
use peerage_mechanism::fault::NotDefined;
use peerage_mechanism::rows::Rows;
use peerage_mechanism::trust::{Parameters, Trust};
use peerage_mechanism::world::World;
use proptest::prelude::*;

/// All four for `peers` peers, with soft connectivity where there is one.
fn all(peers: usize) -> [Box<dyn Mechanism>; 4] {
    [
        Box::new(Trust { parameters: Parameters::for_peers(peers as u32), descent: 5.0, recovery: 0.01 }),
        Box::new(Connectivity::default()),
        Box::new(Consensus { direct: 0.0, ..Consensus::default() }),
        Box::new(Competitive::default()),
    ]
}

fn epoch(mechanism: &dyn Mechanism, market: &Market) -> Epoch {
    market.with(|world| mechanism.evaluate(world, &Memory::new(market.stake.len())).unwrap())
}

proptest! {
    #[test]
    fn nothing_is_lost(market in markets(20), tau in 0.0..1.0f64, pool: u64) {
        let before: f64 = market.stake.iter().sum();
        for (index, mechanism) in all(market.stake.len()).iter().enumerate() {
            let epoch = epoch(&**mechanism, &market);
            let shared: f64 = epoch.share.iter().sum();
            let whole = if epoch.pays { 1.0 } else { 0.0 };
            prop_assert!((shared - whole).abs() < 1e-12);
            let parts: u128 = emission::split(pool, &epoch.share).iter().map(|&part| u128::from(part)).sum();
            prop_assert_eq!(parts, if epoch.pays { u128::from(pool) } else { 0 });
            let after = mechanism.stake(&market.stake, &epoch, tau);
            if index == 3 {
                // Competitive: ‖S′ − S‖₂ = τ.
                let moved: f64 = after.iter().zip(&market.stake).map(|(a, b)| (a - b) * (a - b)).sum();
                prop_assert!((moved.sqrt() - tau).abs() < 1e-12);
            } else {
                let minted = if epoch.pays { tau * before } else { 0.0 };
                prop_assert!((after.iter().sum::<f64>() - before - minted).abs() < 1e-12 * (1.0 + before));
            }
        }
    }

    #[test]
    fn names_do_not_matter(
        (market, names) in markets(16).prop_flat_map(|market| {
            let names: Vec<usize> = (0..market.stake.len()).collect();
            (Just(market), Just(names).prop_shuffle())
        }),
    ) {
        let renamed = market.renamed(&names);
        for mechanism in all(market.stake.len()) {
            let (one, other) = (epoch(&*mechanism, &market), epoch(&*mechanism, &renamed));
            for (mine, theirs) in [
                (&one.rank, &other.rank),
                (&one.trust, &other.trust),
                (&one.trusted, &other.trusted),
                (&one.incentive, &other.incentive),
                (&one.dividend, &other.dividend),
                (&one.share, &other.share),
                (&one.scaling, &other.scaling),
            ] {
                let found: Vec<f64> = names.iter().map(|&name| theirs[name]).collect();
                near(&found, mine, 1e-11)?;
            }
            near(&[other.loss.unwrap_or_default()], &[one.loss.unwrap_or_default()], 1e-12)?;
        }
    }

    #[test]
    fn an_epoch_with_a_memory_goes_on(market in markets(12), blocks in 1usize..6) {
        for mechanism in all(market.stake.len()) {
            let (mut market, mut memory) = (market.clone(), Memory::new(0));
            for _ in 0..blocks {
                let epoch = market.with(|world| mechanism.evaluate(world, &memory).unwrap());
                market.stake = mechanism.stake(&market.stake, &epoch, 0.1);
                market.scaling = epoch.scaling;
                memory = epoch.memory;
                prop_assert!(market.stake.iter().all(|s| s.is_finite() && *s >= 0.0));
            }
            prop_assert!(memory.min_weights as usize <= market.stake.len().max(1));
        }
    }

    /// x and 1 − x are mirrored about one half, block after block.
    #[test]
    fn two_groups_mirror_each_other(raw in prop::collection::vec(0.1..1.0f64, 16), share in 0.02..0.98f64, tau in 0.01..0.3f64) {
        for mechanism in grouped() {
            let (mut one, mut other) = (groups(&raw, share), groups(&raw, 1.0 - share));
            for _ in 0..8 {
                let (a, b) = (block(&*mechanism, &mut one, tau), block(&*mechanism, &mut other, tau));
                prop_assert!((a + b - 1.0).abs() < 1e-10, "{} {}", a, b);
            }
        }
    }

    #[test]
    fn a_connected_cabal_below_one_half_decays_without_a_pause(
        raw in prop::collection::vec(0.1..1.0f64, 32),
        share in 0.02..0.49f64,
        tau in 0.01..0.3f64,
    ) {
        for mechanism in grouped() {
            let mut market = groups_of(&raw, share);
            let mut before = share;
            for _ in 0..12 {
                let after = block(&*mechanism, &mut market, tau);
                prop_assert!(after < before, "{} after {}", after, before);
                before = after;
            }
        }
    }
}

/// Mechanisms that keep cabals out, hard where there is a choice: whoever is connected at all is.
fn grouped() -> [Box<dyn Mechanism>; 3] {
    let parameters = Parameters { beta: 5.0, kappa: 1e-3, depth: 3, temperature: 0.0, sources: 256, seed: 0 };
    [
        Box::new(Trust { parameters, descent: 0.0, recovery: 0.0 }),
        Box::new(Connectivity { kappa: 1e-3, temperature: 0.0, clip: false, self_loop: 0.0 }),
        Box::new(Consensus { direct: 0.0, ..Consensus::default() }),
    ]
}

/// Two groups of two with the same inner weights and inner stakes, the second with `share` of all stake.
fn groups(raw: &[f64], share: f64) -> Market {
    let same: Vec<f64> = raw[..4].iter().chain(&raw[..4]).copied().collect();
    inner(&same, &[raw[4], raw[5], raw[4], raw[5]], share)
}

/// Two groups of two with weights and stakes of their own.
fn groups_of(raw: &[f64], share: f64) -> Market {
    inner(&raw[..8], &raw[8..12], share)
}

fn inner(weights: &[f64], stakes: &[f64], share: f64) -> Market {
    let mut matrix = Array2::zeros((4, 4));
    let mut stake = vec![0.0; 4];
    for i in 0..4 {
        let first = i / 2 * 2;
        let row = [weights[2 * i], weights[2 * i + 1]];
        for (j, w) in row.iter().enumerate() {
            matrix[[i, first + j]] = w / (row[0] + row[1]);
        }
        let part = if first == 0 { 1.0 - share } else { share };
        stake[i] = part * stakes[i] / (stakes[first] + stakes[first + 1]);
    }
    Market { matrix, stake, scaling: vec![1.0; 4] }
}

/// One block; the second group's share afterwards.
fn block(mechanism: &dyn Mechanism, market: &mut Market, tau: f64) -> f64 {
    let epoch = epoch(mechanism, market);
    let next = mechanism.stake(&market.stake, &epoch, tau);
    let total: f64 = next.iter().sum();
    market.stake = next.iter().map(|s| s / total).collect();
    market.stake[2] + market.stake[3]
}

#[test]
fn an_epoch_is_total() {
    let rows = |peers: u32| Rows::new(peers as usize, (0..peers).map(|i| [(i, 1.0)])).unwrap();
    for peers in [0u32, 1, 2, 1025] {
        let (weights, n) = (rows(peers), peers as usize);
        let odd = [
            vec![0.0; n],
            vec![f64::NAN; n],
            vec![f64::MAX; n],
            vec![1e307 / (n as f64 + 1.0); n],
            vec![1e200; n],
            vec![f64::MIN_POSITIVE; n],
            vec![1.0; n + 1],
        ];
        for stake in odd {
            for scaling in [vec![0.0; n], vec![1.0; n], vec![2.0; n]] {
                for mechanism in all(n) {
                    for memory in
                        [Memory::new(n), Memory { bonds: Bonds::new(n + 1), min_weights: u32::MAX, inflation: 0.0 }]
                    {
                        let world = World { stake: &stake, scaling: &scaling, weights: &weights };
                        let epoch = mechanism.epoch(&world, &memory);
                        let parts = emission::split(1_000, &epoch.share);
                        assert_eq!(parts.len(), n);
                        assert!([0, 1_000].contains(&parts.iter().sum::<u64>()));
                        if mechanism.evaluate(&world, &memory).is_err() {
                            assert!(!epoch.pays && epoch.memory == memory);
                            assert!(matches!(epoch.scaling_gradient, Err(NotDefined::World(_))));
                        } else {
                            let all = [&epoch.rank, &epoch.trust, &epoch.trusted, &epoch.incentive, &epoch.dividend];
                            let all = all.into_iter().chain([&epoch.share, &epoch.scaling]).flatten();
                            let gradient = epoch.scaling_gradient.iter().flatten();
                            assert!(all.chain(gradient).all(|value| value.is_finite()), "{stake:?}");
                        }
                    }
                }
            }
        }
    }
}
