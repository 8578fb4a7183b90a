//! A follower before a hostile source and a damaged store: whatever comes back from either, it never believes a block that is
//! not in the chain, and calls no epoch of it wrong.

use crate::chain::Chain;
use crate::{Changes, change};
use arbitrary::Arbitrary;
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use ledger::{Height, Query, Reply};
use light::audit::Outcome;
use light::{Follower, Options, Seen, Shelf, Source, Step};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What the store gives back, and what is done to the replies: one after the other, a byte of some is changed.
#[derive(Arbitrary, Debug)]
struct Input {
    shelves: [Found; 4],
    replies: Vec<(u16, u8)>,
}

/// What lies on a shelf: what a visit before left there, with changes and cut off, or anything.
#[derive(Arbitrary, Debug)]
enum Found {
    Nothing,
    Kept { changes: Changes, cut: Option<u16> },
    Bytes(Vec<u8>),
}

/// What does not change from input to input.
struct Honest {
    /// A chain of six epochs with one validator: signatures are what takes time, and how many there are others look at.
    chain: Chain,
    /// Its replies, which take longer to make than to look up.
    replies: BTreeMap<Bytes, Bytes>,
    /// What a visit to it leaves.
    shelves: BTreeMap<Shelf, Vec<u8>>,
}

thread_local! {
    static HONEST: RefCell<Honest> = RefCell::new({
        let genesis = crate::chain::genesis(1);
        let parameters = ledger::Parameters { tempo: 4, ..genesis.parameters };
        let mut chain = Chain::of(ledger::Genesis { parameters, ..genesis });
        chain.steps(24);
        let mut honest = Honest { chain, replies: BTreeMap::new(), shelves: BTreeMap::new() };
        let left = follow(&mut honest, &Input { shelves: [const { Found::Nothing }; 4], replies: Vec::new() });
        Honest { shelves: left, ..honest }
    });
}

impl Honest {
    fn reply(&mut self, query: &Query) -> Bytes {
        let chain = &mut self.chain;
        self.replies.entry(query.encode()).or_insert_with(|| chain.reply(query).encode()).clone()
    }
}

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(input) = crate::input::<Input>(bytes) else { return };
    HONEST.with_borrow_mut(|honest| drop(follow(honest, &input)));
}

/// Gives what is kept in the end.
fn follow(honest: &mut Honest, Input { shelves, replies }: &Input) -> BTreeMap<Shelf, Vec<u8>> {
    let mut now = honest.chain.time();
    let genesis = honest.chain.genesis.clone();
    let mut follower =
        Follower::new(genesis, honest.chain.checkpoint_at(16), Options::default(), now).expect("the checkpoint is new");
    for (shelf, found) in Shelf::ALL.into_iter().zip(shelves) {
        let bytes = match found {
            Found::Nothing => continue,
            Found::Bytes(bytes) => bytes.clone(),
            Found::Kept { changes, cut } => {
                let mut kept = change(honest.shelves.get(&shelf).cloned().unwrap_or_default(), changes);
                kept.truncate(cut.map_or(usize::MAX, usize::from));
                kept
            }
        };
        follower.restore(shelf, &bytes, now);
    }
    let mut left = BTreeMap::<Shelf, Vec<u8>>::new();
    ["first", "second"].into_iter().for_each(|name| follower.add_source(Source::new(name)));
    let mut changes = replies.iter();
    for _ in 0..12 {
        while let Some(step) = follower.poll(now) {
            let (id, query) = match step {
                Step::Query { id, query, .. } => (id, query),
                Step::Keep { shelf, bytes, append } => {
                    let kept = left.entry(shelf).or_default();
                    kept.truncate(if append { kept.len() } else { 0 });
                    kept.extend_from_slice(&bytes);
                    continue;
                }
                _ => continue,
            };
            let mut bytes = honest.reply(&query).to_vec();
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
                    assert_eq!(head.digest(), honest.chain.headers[head.height().get() as usize].digest());
                }
                Seen::Audit(audit) => assert!(!matches!(audit.outcome, Outcome::Wrong(_)), "{audit:?}"),
                _ => {}
            }
        }
        now = follower.deadline().unwrap_or(now).max(now + 1);
    }
    assert!(follower.evidence().is_none() && follower.head().is_none_or(|head| head.height() <= Height(24)));
    left
}
