//! A chain three of whose four validators sign another emission: its certificates are good, its economics are not. The honest
//! validator stops with the evidence, and whoever holds the tables finds out what is wrong.

use crate::adversary::other;
use crate::dice::Dice;
use crate::scenario::Scenario;
use crate::world::{Quality, World};
use bytes::Bytes;
use commonware_codec::{Decode, DecodeExt, RangeCfg};
use commonware_cryptography::Digestible;
use commonware_runtime::Runner as _;
use commonware_runtime::deterministic::{Config, Runner};
use ledger::{Action, EpochLeaf, Nonce, Parameters, Query, Reply, Row, Standing, Table, Transaction, Uid, economy};
use light::Committee;
use mechanism::epoch::Memory;
use peerage_consensus::{Block, Halt};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The honest one.
const HONEST: usize = 3;

#[test]
fn three_of_four_that_sign_another_emission_are_found_out() {
    let mut cast = Scenario::quiet(2_001, None).cast();
    let genesis = cast.genesis.clone();
    let wrong = genesis.state().unwrap().ruled_by(other(&genesis.parameters));
    for actor in cast.actors.iter_mut().take(HONEST) {
        actor.state = Some(wrong.clone());
    }
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(genesis.time);
    let runner = Runner::new(Config::default().with_seed(2_001).with_start_time(start));
    let (halt, before, found) = runner.start(async |context| {
        let qualities = vec![vec![Quality { latency: 20, jitter: 5, loss: 0 }; 4]; 4];
        let mut world = World::raise(context, &mut cast, qualities).await;
        for index in 0..4 {
            world.start(index).await.unwrap();
        }
        let mut sent = false;
        let halt: Halt = loop {
            world.settle().await;
            world.pause(250).await;
            let ledger = world.ledger(HONEST).unwrap();
            if let Some(state) = ledger.state().filter(|_| !sent) {
                sent = true;
                let present: Vec<Uid> = (0..4).map(Uid).collect();
                for (uid, key) in (0..).map(Uid).zip(&world.cast.founders) {
                    let mut dice = Dice::new(u64::from(uid.get()));
                    let shares: Vec<(Uid, f64)> =
                        present.iter().map(|uid| (*uid, dice.between(1, 1_000) as f64)).collect();
                    let row = Row::from_shares(&shares, 16).unwrap();
                    let action = Action::SetWeights { uid, row, seen: state.height() };
                    let expires = state.height().after(15);
                    ledger.submit(Transaction::sign(key, state.chain(), Nonce(0), expires, action)).unwrap();
                }
            }
            assert!(world.height(0) < 30, "the honest validator goes on");
            if let Some(halt) = ledger.halts().borrow().clone() {
                break halt;
            }
        };
        let before = world.ledger(HONEST).unwrap().state().unwrap();
        // It still answers what it knew, and does not vote any more; the others go on without it.
        let Reply::Table { leaves, .. } =
            world.ledger(0).unwrap().query(Query::Table { height: halt.height, table: Table::Epoch, from: 0 }).await
        else {
            panic!("no table")
        };
        world.pause(20_000).await;
        assert_eq!(world.ledger(HONEST).unwrap().state().unwrap().height(), before.height());
        assert!(world.height(0) > halt.height.get() + 5);
        (halt, before, leaves)
    });

    // The evidence is a block and its certificate, by those who were to sign.
    let kept =
        Bytes::from(cast.actors[HONEST].vault.kept(&format!("evidence-{}", halt.height)).expect("evidence is kept"));
    let bytes = || RangeCfg::from(..=1 << 21);
    let (block, finalization) = <(Bytes, Bytes)>::decode_cfg(kept, &(bytes(), bytes())).unwrap();
    let block = Block::decode(block).unwrap();
    assert_eq!((block.header().height, &block.header().parent), (halt.height, &block.at().parent));
    let committee = Committee::new(genesis.chain(), before.validators()).unwrap();
    committee.verify(block.digest(), &finalization).unwrap();

    // Who holds the tables before the block finds other figures than were signed.
    assert_eq!(before.height().next(), halt.height);
    assert!(halt.height.get().is_multiple_of(genesis.parameters.tempo));
    assert!(block.body().transactions.iter().all(|one| matches!(one.action, Action::Ready { .. })));
    let leaves = found.iter().map(|leaf| &leaf[..]);
    assert_eq!(
        ledger::table::root_of(Table::Epoch, leaves),
        block.header().root(Table::Epoch),
        "they signed this table"
    );
    let signed: Vec<Standing> = found.iter().skip(1).map(standing).collect();
    let number = before.totals().number + 1;
    let memory = Memory::new(before.neurons().len());
    let evaluate = |parameters: &Parameters| {
        let epoch = economy::evaluate(before.neurons(), before.weights(), &memory, parameters, number).unwrap().1;
        epoch.rank.into_iter().zip(epoch.trust).zip(epoch.incentive).map(|((r, t), i)| (r, t, i)).collect::<Vec<_>>()
    };
    let figures: Vec<_> = signed.iter().map(|one| (one.rank, one.trust, one.incentive)).collect();
    assert_ne!(figures, evaluate(&genesis.parameters), "an audit by the rules of genesis fails");
    assert_eq!(figures, evaluate(&other(&genesis.parameters)), "and says by which rules they reckoned");
    // By the rules of genesis the same transactions lead elsewhere.
    let (honest, _) = Arc::clone(&before).apply(&block.at(), &block.body().transactions).unwrap();
    assert!(!block.leads_to(&honest));
    let by_genesis: Vec<_> = honest.standings().iter().map(|one| (one.rank, one.trust, one.incentive)).collect();
    assert_eq!(by_genesis, evaluate(&genesis.parameters));
}

fn standing(leaf: &Bytes) -> Standing {
    match EpochLeaf::decode(leaf.clone()).unwrap() {
        EpochLeaf::Standing(standing) => standing,
        EpochLeaf::Totals(_) => panic!("totals come first"),
    }
}
