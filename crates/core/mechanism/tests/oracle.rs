//! Each mechanism against dense n × n algebra straight from its definition, and each gradient in the own row against
//! central differences.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the dense oracle takes the platform's functions, to be independent")]

mod markets;

use markets::{Market, markets, near};
use ndarray::{Array1, Array2, Axis};
use peerage_mechanism::absorbing::Absorbing;
use peerage_mechanism::competitive::payoff::{self, Quadratic, Terms, Utility};
use peerage_mechanism::competitive::{self, Competitive, Reading};
use peerage_mechanism::connectivity::Connectivity;
use peerage_mechanism::consensus::Consensus;
use peerage_mechanism::epoch::{Mechanism as _, Memory};
use peerage_mechanism::fault::NotDefined;
use peerage_mechanism::trust;
use proptest::prelude::*;

/// (I − Q)⁻¹ = (I + Q)(I + Q²)(I + Q⁴)…, for the Q of the matrix without its diagonal.
fn visits(matrix: &Array2<f64>) -> Array2<f64> {
    let one = Array2::eye(matrix.nrows());
    let mut power = matrix - &Array2::from_diag(&matrix.diag());
    let mut product = &one + &power;
    for _ in 0..24 {
        power = power.dot(&power);
        product = product.dot(&(&one + &power));
    }
    product
}

fn sigma(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn scaled(market: &Market) -> Array1<f64> {
    Array1::from(market.stake.clone()) * Array1::from(market.scaling.clone())
}

fn clipping() -> impl Strategy<Value = Connectivity> {
    (0.2..3.0f64, 0.2..2.0f64, any::<bool>()).prop_map(|(kappa, temperature, clip)| Connectivity {
        kappa,
        temperature,
        clip,
        self_loop: 0.0,
    })
}

proptest! {
    #[test]
    fn expected_visits(market in markets(16)) {
        let chain = Absorbing::new(&market.rows(), 0.0).unwrap();
        let dense = visits(&market.matrix);
        for (i, row) in dense.rows().into_iter().enumerate() {
            near(&chain.row(i), &row.to_vec(), 1e-10)?;
        }
        let x: Vec<f64> = market.stake;
        near(&chain.times(x.clone()), &dense.dot(&Array1::from(x)).to_vec(), 1e-10)?;
    }

    #[test]
    fn connectivity(market in markets(14), mechanism in clipping()) {
        let outcome = market.with(|world| mechanism.outcome(world).unwrap());
        let stake = scaled(&market);
        let h = visits(&market.matrix).mapv(|visits| sigma((visits - mechanism.kappa) / mechanism.temperature));
        let fraction = h.dot(&stake) / (0.5 * stake.sum());
        let clipped = &stake * &fraction.mapv(|fraction| fraction.min(1.0));
        let counted = if mechanism.clip { clipped.clone() } else { stake };
        let c = &h * &counted.view().insert_axis(Axis(0));
        let rank = (&market.matrix + &c).t().dot(&counted);
        near(&outcome.reach, &fraction.to_vec(), 1e-11)?;
        near(&outcome.clipped, &clipped.to_vec(), 1e-11)?;
        near(&outcome.rank, &rank.to_vec(), 1e-11)?;
    }

    #[test]
    fn consensus(market in markets(16), slope in 0.5..20.0f64, kappa in 0.1..0.9f64, direct in 0.0..0.2f64, least in 0u32..4) {
        let mechanism = Consensus { slope, kappa, direct, ..Consensus::default() };
        let memory = Memory { min_weights: least, ..Memory::new(0) };
        let outcome = market.with(|world| mechanism.outcome(world, &memory).unwrap());
        let n = market.stake.len();
        let mut matrix = market.matrix.clone();
        for i in 0..n {
            if matrix.row(i).iter().filter(|w| **w > 0.0).count() < least as usize {
                matrix.row_mut(i).fill(0.0);
                matrix[[i, i]] = 1.0;
            }
        }
        let part = scaled(&market) / scaled(&market).sum();
        let trust = matrix.mapv(|w| f64::from(u8::from(w > 0.0 && w >= direct))).t().dot(&part);
        let consensus = trust.mapv(|t| sigma(slope * (t - kappa)));
        let rank = matrix.t().dot(&part);
        let incentive = &rank * &consensus;
        let share = &incentive / incentive.sum();
        let bonds = &matrix * &part.insert_axis(Axis(1));
        let columns = bonds.sum_axis(Axis(0));
        let normalised = Array2::from_shape_fn((n, n), |(i, j)| if columns[j] > 0.0 { bonds[[i, j]] / columns[j] } else { 0.0 });
        near(&outcome.trust, &trust.to_vec(), 1e-12)?;
        near(&outcome.consensus, &consensus.to_vec(), 1e-12)?;
        near(&outcome.incentive, &incentive.to_vec(), 1e-12)?;
        near(&outcome.dividend, &normalised.dot(&share).to_vec(), 1e-12)?;
        near(&outcome.bonds.literal(&outcome.share), &normalised.t().dot(&share).to_vec(), 1e-12)?;
        near(&[outcome.loss], &[-rank.dot(&(&consensus - 0.5))], 1e-12)?;
    }

    #[test]
    fn the_scaling_gradient_of_consensus(market in markets(10), slope in 0.5..20.0f64, kappa in 0.1..0.9f64) {
        let mechanism = Consensus { slope, kappa, direct: 0.0, ..Consensus::default() };
        let loss = |market: &Market| market.with(|world| mechanism.outcome(world, &Memory::new(0)).unwrap().loss);
        let gradient = market.with(|world| mechanism.outcome(world, &Memory::new(0)).unwrap().scaling_gradient);
        let along: f64 = market.scaling.iter().zip(&gradient).map(|(a, g)| a * g).sum();
        prop_assert!(along.abs() < 1e-11, "{}", along);
        for (i, slope) in gradient.iter().enumerate() {
            prop_assume!(market.scaling[i] < 1.0 - STEP);
            let moved = |by: f64| {
                let mut moved = market.clone();
                moved.scaling[i] += by;
                loss(&moved)
            };
            near(&[*slope], &[(moved(STEP) - moved(-STEP)) / (2.0 * STEP)], 1e-7)?;
        }
    }

    #[test]
    fn the_own_row_under_trust(market in markets(8), beta in 0.5..20.0f64, depth in 1u32..5, sources in 1usize..10) {
        let parameters = trust::Parameters { beta, kappa: 0.3, depth, temperature: 0.5, sources, seed: 0 };
        let share = |market: &Market| {
            let outcome = market.with(|world| trust::evaluate(world, &parameters).unwrap());
            outcome.incentive[0] / outcome.incentive.iter().sum::<f64>()
        };
        let gradient = market.with(|world| trust::own_gradient(world, &parameters, 0).unwrap());
        differences(&market, &gradient, share)?;
        let gradient = market.with(|world| trust::own_trust_gradient(world, &parameters, 0).unwrap());
        differences(&market, &gradient, |market| market.with(|world| trust::evaluate(world, &parameters).unwrap().trust[0]))?;
    }

    #[test]
    fn the_own_row_under_connectivity(market in markets(7), mechanism in clipping()) {
        let share = |market: &Market| {
            let outcome = market.with(|world| mechanism.outcome(world).unwrap());
            outcome.rank[0] / outcome.rank.iter().sum::<f64>()
        };
        let outcome = market.with(|world| mechanism.outcome(world).unwrap());
        // A difference across the clip would measure the kink.
        prop_assume!(!mechanism.clip || outcome.reach.iter().all(|reach| (reach - 1.0).abs() > 1e-3));
        let gradient = market.with(|world| mechanism.own_gradient(world, 0).unwrap());
        differences(&market, &gradient, share)?;
    }

    /// Self-loops below the least that is counted.
    #[test]
    fn the_own_row_as_it_is_counted(market in markets(7), kappa in 0.5..3.0f64, temperature in 0.3..2.0f64, clip: bool) {
        let mechanism = Connectivity { kappa, temperature, clip, self_loop: 0.9 };
        let share = |market: &Market| {
            let outcome = market.with(|world| mechanism.outcome(world).unwrap());
            outcome.rank[0] / outcome.rank.iter().sum::<f64>()
        };
        let outcome = market.with(|world| mechanism.outcome(world).unwrap());
        prop_assume!(outcome.reach.iter().all(|reach| (reach - 1.0).abs() > 1e-3));
        prop_assume!((market.matrix[[0, 0]] - 0.9).abs() > 2.0 * STEP);
        let gradient = market.with(|world| mechanism.own_gradient(world, 0).unwrap());
        differences(&market, &gradient, share)?;
    }

    #[test]
    fn the_own_row_under_competitive_ranks(market in markets(9)) {
        let gradient = market.with(|world| Competitive::default().own_gradient(world, 0).unwrap());
        let share = |market: &Market| {
            let rank = market.with(|world| competitive::ranks(world, Reading::Right));
            rank[0] / rank.iter().sum::<f64>()
        };
        prop_assume!(market.stake[0] > 0.0);
        differences(&market, &gradient, share)?;
    }

    #[test]
    fn the_payoff_of_bids(
        market in markets(8),
        raw in prop::collection::vec(-1.0..1.0f64, 64),
        alpha in 0.0..20.0f64,
        tau in 0.0..2.0f64,
        temperature in 0.05..1.0f64,
        literal: bool,
    ) {
        let n = market.stake.len();
        let factor = Array2::from_shape_vec((n, n), raw[..n * n].to_vec()).unwrap();
        let hessian = factor.dot(&factor.t());
        let reading = if literal { Reading::Literal } else { Reading::Right };
        let terms = Terms { alpha, tau, temperature, reading };
        let quadratic = Quadratic::new(hessian.iter().copied().collect(), n).unwrap();
        let utility = Utility::new(raw[..n].to_vec()).unwrap();
        let losses: [&dyn payoff::Loss; 2] = [&quadratic, &utility];
        for (index, loss) in losses.into_iter().enumerate() {
            let of = |market: &Market| market.with(|world| payoff::of(world, 0, loss, &terms).unwrap());
            let here = of(&market);
            differences(&market, &here.gradient, |market| of(market).value)?;
            // From the definitions.
            let stake = scaled(&market);
            let bids = &market.matrix * &stake.clone().insert_axis(Axis(1));
            let means = bids.mean_axis(Axis(0)).unwrap();
            let masked = (&bids.row(0) - &means).mapv(|bid| 1.0 - sigma(bid / temperature));
            let expected = if index == 0 { 0.5 * masked.dot(&hessian.dot(&masked)) } else { masked.dot(&Array1::from(raw[..n].to_vec())) };
            let rank = if literal { stake[0] / n as f64 } else { means[0] };
            let sign = if literal { 1.0 } else { -1.0 };
            near(&[here.loss, here.value], &[expected, sign * alpha * expected + tau * rank], 1e-11)?;
        }
    }

    #[test]
    fn competitive_ranks(market in markets(16)) {
        let n = market.stake.len() as f64;
        let rank = market.matrix.t().dot(&scaled(&market)) / n;
        near(&market.with(|world| competitive::ranks(world, Reading::Right)), &rank.to_vec(), 1e-12)?;
        near(&market.with(|world| competitive::ranks(world, Reading::Literal)), &(scaled(&market) / n).to_vec(), 1e-12)?;
        let (own, others) = competitive::diagonal(&market.rows());
        near(&[own, own + others], &[market.matrix.diag().sum(), n], 1e-12)?;
        prop_assume!(others > 0.0);
        let mechanism = Competitive { target: own / others, rise: 0.25 };
        let next = |target| Competitive { target, ..mechanism }.inflation(&market.rows(), 0.5);
        prop_assert_eq!((next(own / others * 0.99), next(own / others * 1.01)), (0.5, 0.75));
    }
}

/// Compares a gradient, entries moved one by one, with differences in which the self-loop of peer 0 gives way.
fn differences(market: &Market, gradient: &[f64], of: impl Fn(&Market) -> f64) -> Result<(), TestCaseError> {
    for j in 1..market.stake.len() {
        // What is 0 cannot fall.
        if market.matrix[[0, j]] > STEP && market.matrix[[0, 0]] > STEP {
            let numeric = (of(&market.moved(0, j, STEP)) - of(&market.moved(0, j, -STEP))) / (2.0 * STEP);
            near(&[gradient[j] - gradient[0]], &[numeric], 1e-6)?;
        }
    }
    Ok(())
}

/// Of central differences.
const STEP: f64 = 1e-6;

#[test]
fn where_there_is_no_slope_the_reason_is_given() {
    let market = Market {
        matrix: Array2::from_shape_vec((2, 2), vec![0.5, 0.5, 0.5, 0.5]).unwrap(),
        stake: vec![0.5, 0.5],
        scaling: vec![1.0; 2],
    };
    let hard = Connectivity { temperature: 0.0, ..Connectivity::default() };
    assert_eq!(market.with(|world| hard.own_gradient(world, 0)), Err(NotDefined::Hard));
    assert_eq!(
        market.with(|world| Connectivity::default().own_gradient(world, 2)),
        Err(NotDefined::Peer { peer: 2, peers: 2 })
    );
    let parameters = trust::Parameters { temperature: 0.0, ..trust::Parameters::for_peers(2) };
    assert_eq!(market.with(|world| trust::own_gradient(world, &parameters, 0)), Err(NotDefined::Hard));
    assert_eq!(market.with(|world| trust::own_trust_gradient(world, &parameters, 0)), Err(NotDefined::Hard));
    let poor = Market { stake: vec![0.0; 2], ..market.clone() };
    let soft = trust::Parameters::for_peers(2);
    assert_eq!(poor.with(|world| trust::own_gradient(world, &soft, 0)), Err(NotDefined::Nothing));
    assert_eq!(poor.with(|world| trust::own_trust_gradient(world, &soft, 0)), Err(NotDefined::Nothing));
    assert_eq!(poor.with(|world| Connectivity::default().own_gradient(world, 0)), Err(NotDefined::Nothing));
    assert_eq!(market.with(|world| Consensus::default().own_gradient(world, 0)), Err(NotDefined::Binary));
    assert_eq!(poor.with(|world| Competitive::default().own_gradient(world, 0)), Err(NotDefined::Nothing));
    let huge = Quadratic::new(vec![1e308; 4], 2).unwrap();
    let steep = Terms { alpha: 1e6, tau: 1.0, temperature: 1.0, reading: Reading::Right };
    let refused = market.with(|world| payoff::of(world, 0, &huge, &steep));
    assert!(matches!(refused, Err(NotDefined::World(_))), "{refused:?}");
    let terms = Terms { alpha: 1.0, tau: 1.0, temperature: 0.0, reading: Reading::Right };
    let loss = Utility::new(vec![1.0; 2]).unwrap();
    assert_eq!(market.with(|world| payoff::of(world, 0, &loss, &terms)), Err(NotDefined::Hard));
    let wrong = Utility::new(vec![1.0; 3]).unwrap();
    let refused = market.with(|world| payoff::of(world, 0, &wrong, &Terms { temperature: 1.0, ..terms }));
    assert!(matches!(refused, Err(NotDefined::World(_))));
    let epoch = market.with(|world| Competitive::default().epoch(world, &Memory::new(2)));
    assert_eq!(epoch.scaling_gradient, Err(NotDefined::NoLoss));
}
