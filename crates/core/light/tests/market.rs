//! What following the own payoff brings: alone it rises until the row rests, on chains with masks and without; and without masks it
//! leads to voting for oneself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

extern crate peerage_light as light;

mod founders;

use founders::{Founders, Random, rules};
use ledger::{Kind, Parameters, PublicKey, Uid};
use light::own::Position;
use light::policy::Policy;

const PEERS: usize = 9;

fn uid(index: usize) -> Uid {
    Uid::new(index as u32)
}

/// The own row follows the payoff in every block until it rests, all others stand still; gives what `value` was after each.
fn climbs(
    founders: &mut Founders,
    own: usize,
    alpha: f64,
    scores: &[(PublicKey, f64)],
    mut value: impl FnMut(&Position<'_>) -> f64,
) -> Vec<f64> {
    let mut values = Vec::new();
    for _ in 0..400 {
        let position = Position::new(&founders.state, uid(own)).unwrap();
        values.push(value(&position));
        let proposal = position.propose(Policy::Payoff { alpha }, scores, None, None).unwrap();
        if proposal.length == 0.0 {
            return values;
        }
        founders.block(&[founders.set(own, proposal.row)]);
    }
    panic!("does not rest: {:?}", &values[values.len() - 5..]);
}

#[test]
fn on_a_chain_with_masks_the_own_payoff_rises_until_the_row_rests() {
    for seed in 0..6 {
        let mut founders =
            Founders::drawn(Parameters { tempo: 1_000, epsilon: 0.1, ..rules(Kind::Competitive) }, PEERS, seed);
        let mut random = Random(seed);
        let scores: Vec<_> = (0..PEERS).map(|peer| (founders.key(peer), random.share())).collect();
        for (own, alpha) in [(0, 0.1), (3, 1.0), (5, 10.0)] {
            let values =
                climbs(&mut founders, own, alpha, &scores, |position| position.payoff(&scores, alpha).unwrap().value);
            println!(
                "masks, seed {seed}, α {alpha}: {} steps from {:.5} to {:.5}",
                values.len() - 1,
                values[0],
                values[values.len() - 1]
            );
            assert!(values.len() > 2 && values.windows(2).all(|pair| pair[1] > pair[0]), "{values:?}");
        }
    }
}

#[test]
fn without_masks_it_ascends_what_is_paid_and_under_trust_ends_with_itself() {
    for kind in [Kind::Trust, Kind::Connectivity] {
        for seed in 0..4 {
            let mut founders = Founders::drawn(Parameters { tempo: 1_000, epsilon: 0.1, ..rules(kind) }, PEERS, seed);
            let mut market = Founders::drawn(Parameters { tempo: 1_000, epsilon: 0.1, ..rules(kind) }, PEERS, seed);
            let values = climbs(&mut founders, 2, 1.0, &[], |position| {
                market.state = position.state().clone();
                let incentive = market.epoch(&market.matrix(), &market.scaling()).incentive;
                incentive[2] / incentive.iter().sum::<f64>()
            });
            let own = founders.state.weights()[2].row.share(uid(2));
            let (first, last) = (values[0], values[values.len() - 1]);
            println!(
                "{kind:?}, seed {seed}: {} steps from {first:.5} to {last:.5}, self-loop {own:.3}",
                values.len() - 1
            );
            assert!(values.len() > 2 && values.windows(2).all(|pair| pair[1] > pair[0]), "{values:?}");
            assert!(kind != Kind::Trust || own > 0.99);
        }
    }
}
