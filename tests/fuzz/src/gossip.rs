//! What strangers gossip to a tab: honest heads and transactions with bytes of them changed, and any bytes, in any order. It
//! passes on only heads of the chain and signed transactions of registered keys, each transaction once, and blames nobody for
//! what is true.

use crate::chain::Chain;
use crate::{Changes, change};
use arbitrary::Arbitrary;
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer;
use ledger::{Action, Amount, Digest, Height, Nonce, PrivateKey, Reply, Row, Transaction, Uid};
use light::gossip::{Judgement, compare_head};
use light::{Participant, Source, Step};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// One message, or time that goes by.
#[derive(Arbitrary, Debug)]
enum Happening {
    Head { height: u8, changes: Changes },
    Transaction { which: u8, changes: Changes },
    Bytes { head: bool, bytes: Vec<u8> },
    After(u8),
}

/// Blocks of the chain.
const BLOCKS: u64 = 12;

/// What does not change from input to input.
struct Honest {
    /// A chain of three epochs with one validator, since signatures are what takes time.
    chain: Chain,
    /// What its founders and one stranger sign.
    signed: Vec<Vec<u8>>,
    /// Replies of the chain, which take longer to make than to look up.
    replies: BTreeMap<Bytes, Reply>,
}

thread_local! {
    static HONEST: RefCell<Honest> = RefCell::new({
        let genesis = crate::chain::genesis(1);
        let parameters = ledger::Parameters { tempo: 4, ..genesis.parameters };
        let mut chain = Chain::of(ledger::Genesis { parameters, ..genesis });
        chain.steps(BLOCKS as usize);

        let to = PrivateKey::from_seed(9).public_key();
        let mut signed = Vec::new();
        for seed in [2, 3, 77] {
            let actions = [
                Action::SetWeights { uid: Uid(seed as u32 % 2), row: Row::own(Uid(seed as u32 % 2)), seen: Height(8) },
                Action::Transfer { to: to.clone(), amount: Amount(5) },
                Action::Transfer { to: to.clone(), amount: Amount::ZERO },
                Action::Purchase { uid: Uid(0), generation: 0, amount: Amount(9), order: Digest([3; 32]) },
            ];
            for (nonce, action) in (0..).zip(actions) {
                let key = PrivateKey::from_seed(seed);
                signed.push(Transaction::sign(&key, chain.id(), Nonce(nonce), Height(20), action).encode().to_vec());
            }
        }
        Honest { chain, signed, replies: BTreeMap::new() }
    });
}

/// The first of a pair says whether a source tells the tables of the last epoch.
pub fn run(bytes: &[u8]) {
    let Some((surveyed, happenings)) = crate::input::<(bool, Vec<Happening>)>(bytes) else { return };
    HONEST.with_borrow_mut(|honest| hear(honest, surveyed, &happenings));
}

fn hear(Honest { chain, signed, replies }: &mut Honest, surveyed: bool, happenings: &[Happening]) {
    let mut now = chain.time();
    let key = PrivateKey::from_seed(42);
    let mut me = Participant::new(chain.genesis.clone(), chain.checkpoint_at(8), key, now).expect("it is new");
    if surveyed {
        me.add_source(Source::new("node"));
        while let Some(step) = me.poll(now) {
            let Step::Query { id, query, .. } = step else { continue };
            let reply = replies.entry(query.encode()).or_insert_with(|| chain.reply(&query));
            me.handle_reply(id, reply.clone(), now);
        }
    }
    let committee = chain.committee();
    let mut passed = BTreeSet::new();
    for happening in happenings.iter().take(32) {
        let (head, message) = match happening {
            Happening::After(seconds) => {
                now += u64::from(*seconds) * 1_000;
                continue;
            }
            Happening::Head { height, changes } => {
                let (header, finalization) = chain.at(1 + u64::from(*height) % BLOCKS);
                (true, change(Reply::Head { header, finalization }.encode().to_vec(), changes))
            }
            Happening::Transaction { which, changes } => {
                (false, change(signed[usize::from(*which) % signed.len()].clone(), changes))
            }
            Happening::Bytes { head, bytes } => (*head, bytes.clone()),
        };
        if head {
            let judged = me.handle_gossiped_head(&message, now);
            let compared = compare_head(&committee, 4, Some(&chain.headers[9]), &message);
            let honest = match Reply::decode(message) {
                Ok(Reply::Head { header, .. }) => {
                    chain.headers.iter().any(|one| one.height == header.height && one.digest() == header.digest())
                }
                _ => false,
            };
            assert!(honest || judged != Judgement::Accept, "a head that is not in the chain");
            assert!(honest || compared != Judgement::Accept, "a node passes on a head that is not in the chain");
        } else if me.handle_gossiped_transaction(&message, now) == Judgement::Accept {
            let transaction = Transaction::decode(message.clone()).expect("what is passed on can be read");
            assert!(transaction.verify_signature() && transaction.chain == chain.id());
            assert!(surveyed && signed[..8].contains(&message), "of a registered key");
            assert!(passed.insert(transaction.digest()), "passed on twice");
        }
        assert!(me.evidence().is_none());
    }
    assert!(me.head().is_none_or(|head| head.digest() == chain.headers[head.height().get() as usize].digest()));
}
