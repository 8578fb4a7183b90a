//! Invariants of the Trust mechanism on random worlds, and the sparse computation against a dense one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the dense oracle takes the platform's functions, to be independent")]

mod markets;

use markets::{Market, markets, near};
use ndarray::Array1;
use peerage_mechanism::rows::Rows;
use peerage_mechanism::stake;
use peerage_mechanism::trust::{Outcome, Parameters, evaluate, step_scaling};
use peerage_mechanism::world::World;
use proptest::prelude::*;

fn parameters() -> impl Strategy<Value = Parameters> {
    (0.5..20.0f64, 0.05..1.0f64, 1u32..5, 0.05..1.0f64).prop_map(|(beta, kappa, depth, temperature)| Parameters {
        beta,
        kappa,
        depth,
        temperature,
        sources: 256,
        seed: 0,
    })
}

/// (rank, t, T, I, L) by dense algebra, straight from the definitions, where v_i = `gain`_i · sc_i.
fn dense(
    market: &Market,
    parameters: &Parameters,
    gain: &Array1<f64>,
) -> (Array1<f64>, Array1<f64>, Array1<f64>, Array1<f64>, f64) {
    let scaled = Array1::from(market.stake.clone()) * Array1::from(market.scaling.clone());
    let z = scaled.sum();
    let mut visits = market.matrix.clone();
    let mut power = market.matrix.clone();
    for _ in 1..parameters.depth {
        power = power.dot(&market.matrix);
        visits += &power;
    }
    let connected = visits.mapv(|visits| ((visits - parameters.kappa) / parameters.temperature).tanh());
    let rank = market.matrix.t().dot(&scaled) / z;
    let voices = &scaled * gain;
    let trust = connected.t().dot(&voices) / voices.sum();
    let trusted = trust.mapv(|t| 1.0 / (1.0 + (-parameters.beta * t).exp()));
    let incentive = &rank * &trusted;
    let loss = -rank.dot(&(&trusted - 0.5));
    (rank, trust, trusted, incentive, loss)
}

/// v_i/sc_i of every peer; 1 where both are 0.
fn gains(market: &Market, outcome: &Outcome) -> Array1<f64> {
    let scaled = Array1::from(market.stake.clone()) * Array1::from(market.scaling.clone());
    let mut voices = Array1::zeros(scaled.len());
    outcome.sources.iter().zip(&outcome.voices).for_each(|(&source, &voice)| voices[source as usize] = voice);
    ndarray::Zip::from(&voices).and(&scaled).map_collect(|v: &f64, sc: &f64| if v == sc { 1.0 } else { v / sc })
}

fn evaluated(market: &Market, parameters: &Parameters) -> Outcome {
    market.with(|world| evaluate(world, parameters).unwrap())
}

/// Central differences of `loss` in every a_i.
fn differences(market: &Market, loss: impl Fn(&Market) -> f64) -> Vec<f64> {
    let step = 1e-6;
    let moved = |i: usize, by: f64| {
        let mut moved = market.clone();
        moved.scaling[i] += by;
        loss(&moved)
    };
    (0..market.stake.len()).map(|i| (moved(i, step) - moved(i, -step)) / (2.0 * step)).collect()
}

proptest! {
    #[test]
    fn sparse_meets_dense(
        market in markets(24),
        parameters in parameters(),
        sources in 1usize..30,
        seed in any::<u64>(),
    ) {
        let parameters = Parameters { sources, seed, ..parameters };
        let outcome = evaluated(&market, &parameters);
        let gain = gains(&market, &outcome);
        let (rank, trust, trusted, incentive, loss) = dense(&market, &parameters, &gain);
        near(&outcome.rank, &rank.to_vec(), 1e-12)?;
        near(&outcome.trust, &trust.to_vec(), 1e-12)?;
        near(&outcome.trusted, &trusted.to_vec(), 1e-12)?;
        near(&outcome.incentive, &incentive.to_vec(), 1e-12)?;
        near(&[outcome.loss], &[loss], 1e-12)?;
    }

    #[test]
    fn ranks_sum_to_one_and_all_stay_in_range(market in markets(24), parameters in parameters(), sources in 1usize..30) {
        let outcome = evaluated(&market, &Parameters { sources, ..parameters });
        prop_assert!((outcome.rank.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(outcome.trust.iter().all(|t| t.abs() <= 1.0 + 1e-12));
        prop_assert!(outcome.trusted.iter().all(|t| (0.0..=1.0).contains(t)));
        prop_assert!(outcome.incentive.iter().zip(&outcome.rank).all(|(i, r)| (0.0..=*r).contains(i)));
        prop_assert!(outcome.loss.abs() <= 0.5 + 1e-12);
        prop_assert!(outcome.sources.len() <= sources && outcome.sources.is_sorted());
        near(&[outcome.voices.iter().sum()], &[outcome.scaled], 1e-12)?;
        if sources >= market.stake.len() {
            prop_assert_eq!(gains(&market, &outcome), Array1::ones(market.stake.len()));
        }
    }

    #[test]
    fn mass_grows_by_tau(market in markets(24), parameters in parameters(), tau in 0.0..1.0f64) {
        let outcome = evaluated(&market, &parameters);
        let before: f64 = market.stake.iter().sum();
        let after: f64 = stake::next(&market.stake, &outcome.incentive, tau).iter().sum();
        prop_assert!((after - (1.0 + tau) * before).abs() < 1e-12 * (1.0 + before));
    }

    #[test]
    fn names_do_not_matter(
        (market, names) in markets(16).prop_flat_map(|market| {
            let names: Vec<usize> = (0..market.stake.len()).collect();
            (Just(market), Just(names).prop_shuffle())
        }),
        parameters in parameters(),
    ) {
        let outcome = evaluated(&market, &parameters);
        let renamed = evaluated(&market.renamed(&names), &parameters);
        for (i, &name) in names.iter().enumerate() {
            near(&[renamed.rank[name], renamed.trust[name]], &[outcome.rank[i], outcome.trust[i]], 1e-12)?;
            near(&[renamed.incentive[name]], &[outcome.incentive[i]], 1e-12)?;
            near(&[renamed.scaling_gradient[name]], &[outcome.scaling_gradient[i]], 1e-10)?;
        }
        near(&[renamed.loss], &[outcome.loss], 1e-12)?;
    }

    #[test]
    fn the_unit_of_stake_does_not_matter(market in markets(16), parameters in parameters(), unit in 1e-6..1e6f64) {
        let outcome = evaluated(&market, &parameters);
        let mut other = market;
        other.stake.iter_mut().for_each(|s| *s *= unit);
        let scaled = evaluated(&other, &parameters);
        near(&scaled.trust, &outcome.trust, 1e-12)?;
        near(&scaled.incentive, &outcome.incentive, 1e-12)?;
        near(&scaled.scaling_gradient, &outcome.scaling_gradient, 1e-10)?;
    }

    #[test]
    fn the_gradient_is_orthogonal_to_scaling(market in markets(24), parameters in parameters(), sources in 1usize..30) {
        let outcome = evaluated(&market, &Parameters { sources, ..parameters });
        let along: f64 = market.scaling.iter().zip(&outcome.scaling_gradient).map(|(a, g)| a * g).sum();
        prop_assert!(along.abs() < 1e-11, "{}", along);
    }

    #[test]
    fn the_gradient_meets_central_differences(market in markets(10), parameters in parameters()) {
        let outcome = evaluated(&market, &parameters);
        prop_assume!(market.scaling.iter().all(|a| *a < 1.0 - 1e-6));
        let numeric = differences(&market, |moved| evaluated(moved, &parameters).loss);
        near(&outcome.scaling_gradient, &numeric, 1e-7)?;
    }

    #[test]
    fn the_gradient_holds_the_gain_of_each_voice(
        market in markets(10),
        parameters in parameters(),
        sources in 1usize..12,
        seed in any::<u64>(),
    ) {
        // Who speaks and how much jumps with A where peers are sampled, so the dense computation holds v_i/sc_i.
        let parameters = Parameters { sources, seed, ..parameters };
        let outcome = evaluated(&market, &parameters);
        let gain = gains(&market, &outcome);
        let numeric = differences(&market, |moved| dense(moved, &parameters, &gain).4);
        // A gain above 1 magnifies the curvature too.
        let largest = gain.iter().copied().fold(1.0, f64::max);
        near(&outcome.scaling_gradient, &numeric, 1e-7 * largest * largest)?;
    }

    #[test]
    fn a_small_descent_lowers_the_loss(market in markets(16), parameters in parameters()) {
        let weights = market.rows();
        let world = World { stake: &market.stake, scaling: &market.scaling, weights: &weights };
        let outcome = evaluate(&world, &parameters).unwrap();
        let next = step_scaling(&world, &outcome, 1e-6, 0.01);
        prop_assert!(next.iter().all(|a| (0.0..=1.0).contains(a)));
        if outcome.loss >= 0.0 {
            let after = evaluate(&World { scaling: &next, ..world }, &parameters).unwrap();
            prop_assert!(after.loss <= outcome.loss + 1e-12);
        } else {
            prop_assert!(next.iter().zip(&market.scaling).all(|(next, a)| next > a || *next == 1.0));
        }
    }

    #[test]
    fn scores_survive_the_way_into_weights(raw in prop::collection::vec(prop::collection::vec(0u16..2_000, 6), 6)) {
        let scores = raw.iter().enumerate().map(|(i, row)| {
            let mut row = row.clone();
            row[i] = 0;
            row[i] = u16::MAX - row.iter().sum::<u16>();
            (0u32..).zip(row).collect::<Vec<_>>()
        });
        let rows = Rows::from_scores(6, scores.clone()).unwrap();
        for (i, row) in scores.enumerate() {
            for (j, score) in row {
                prop_assert_eq!((rows.get(i, j as usize) * 65_535.0).round(), f64::from(score));
            }
        }
    }
}
