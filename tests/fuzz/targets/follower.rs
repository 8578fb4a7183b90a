//! A follower before a hostile source and a damaged store: whatever comes back from either, it never believes a block that is
//! not in the chain, and calls no epoch of it wrong.
#![no_main]

#[path = "../../../crates/core/light/tests/chain/mod.rs"]
mod chain;

use arbitrary::Arbitrary;
use chain::Chain;
use commonware_codec::{DecodeExt, Encode};
use ledger::{Height, Reply};
use libfuzzer_sys::fuzz_target;
use light::audit::Outcome;
use light::{Follower, Options, Seen, Shelf, Source, Step};
use std::cell::RefCell;

/// What the store gives back, and what is done to the replies: one after the other, a byte of some is changed.
#[derive(Arbitrary, Debug)]
struct Input {
    shelves: [Vec<u8>; 4],
    replies: Vec<(u16, u8)>,
}

thread_local! {
    /// A chain of six epochs, whose validators stay.
    static HONEST: RefCell<Chain> = RefCell::new({
        let genesis = chain::genesis(4);
        let parameters = ledger::Parameters { tempo: 4, ..genesis.parameters };
        let mut chain = Chain::of(ledger::Genesis { parameters, ..genesis });
        chain.steps(24);
        chain
    });
}

fuzz_target!(|input: Input| HONEST.with_borrow_mut(|chain| follow(chain, &input)));

fn follow(chain: &mut Chain, Input { shelves, replies }: &Input) {
    let mut now = chain.time();
    let mut follower = Follower::new(chain.genesis.clone(), chain.checkpoint_at(16), Options::default(), now)
        .expect("the checkpoint is new");
    for (shelf, bytes) in Shelf::ALL.into_iter().zip(shelves) {
        follower.restore(shelf, bytes, now);
    }
    ["first", "second"].into_iter().for_each(|name| follower.add_source(Source::new(name)));
    let mut changes = replies.iter();
    for _ in 0..20 {
        while let Some(step) = follower.poll(now) {
            let Step::Query { id, query, .. } = step else { continue };
            let mut bytes = chain.reply(&query).encode().to_vec();
            if let Some((at, by)) = changes.next() {
                let length = bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(usize::from(*at) % length) {
                    *byte ^= by;
                }
            }
            match Reply::decode(bytes.clone()) {
                Ok(reply) => follower.handle_reply(id, reply, now),
                Err(error) => follower.handle_malformed(id, &error, bytes.len(), now),
            }
        }
        while let Some(seen) = follower.next_event() {
            match seen {
                Seen::Head { head, .. } => {
                    assert_eq!(head.digest(), chain.headers[head.height().get() as usize].digest());
                }
                Seen::Audit(audit) => assert!(!matches!(audit.outcome, Outcome::Wrong(_)), "{audit:?}"),
                _ => {}
            }
        }
        now = follower.deadline().unwrap_or(now).max(now + 1);
    }
    assert!(follower.evidence().is_none() && follower.head().is_none_or(|head| head.height() <= Height(24)));
}
