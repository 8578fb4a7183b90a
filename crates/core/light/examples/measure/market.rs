//! The end of an epoch of a market: peers that weigh 64 others each, and a block of updates that closes the epoch.

use crate::parts::join;
use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::header::{self, validators_digest};
use ledger::row::SUM;
use ledger::table::Tree;
use ledger::types::TOKEN;
use ledger::work::RECENT;
use ledger::{
    Action, Amount, At, Body, Digest, Founder, Genesis, Header, Height, Nonce, Parameters, PublicKey, Reply, Row,
    Score, State, Table, Transaction, Uid,
};
use light::audit::Before;

/// What an audit takes.
pub struct Epoch {
    /// But for the trees over the tables.
    pub before: Before,
    pub tables: Vec<(Table, Vec<Bytes>)>,
    pub end: Header,
    pub body: Body,
}

/// The bytes of one, of so many peers.
pub fn epoch(peers: u32) -> Vec<u8> {
    let keys: Vec<PrivateKey> = (0..u64::from(peers)).map(|seed| PrivateKey::from_seed(1_000 + seed)).collect();
    let genesis = genesis(&keys);
    let mut state = genesis.state().unwrap();
    let mut headers = vec![genesis.header().unwrap()];
    let tempo = genesis.parameters.tempo;
    for height in 1..=tempo {
        let uids: Vec<u32> = if height == tempo {
            (0..peers).step_by(peers as usize / UPDATES).collect()
        } else {
            (0..peers).skip((height as usize - 1) * FILL).take(FILL).collect()
        };
        let step = u16::from(height == tempo);
        let transactions: Vec<Transaction> = uids.into_iter().map(|uid| update(&state, &keys, uid, step)).collect();
        let parent = &headers[headers.len() - 1];
        let at = At { height: Height(height), time: parent.time + 1_000, parent: parent.digest() };
        let before = state;
        let (after, _) = before.apply(&at, &transactions).unwrap();
        let body = Body { transactions };
        let next = Header {
            version: header::VERSION,
            context: Digest::from([7; 32]),
            parent: at.parent,
            height: at.height,
            time: at.time,
            transactions: body.root(),
            roots: after.roots(),
            validators: validators_digest(after.validators()),
        };
        headers.push(next);
        if height == tempo {
            return written(&genesis, &before, &headers, &body);
        }
        state = after;
    }
    Vec::new()
}

/// Genesis, the two headers, the block, the digests before, the validators, and the tables.
fn written(genesis: &Genesis, before: &State, headers: &[Header], body: &Body) -> Vec<u8> {
    let [earlier @ .., header, end] = headers else { panic!("two blocks at least") };
    let recent: Vec<u8> =
        earlier[earlier.len().saturating_sub(RECENT as usize)..].iter().flat_map(|header| header.digest().0).collect();
    let validators: Vec<u8> = before.validators().iter().flat_map(|key| key.encode().to_vec()).collect();
    let table = |table| {
        let leaves = before.leaves(table);
        Reply::Table { total: leaves.len() as u32, from: 0, leaves }.encode()
    };
    let first = [genesis.encode(), header.encode(), end.encode(), body.encode(), recent.into(), validators.into()];
    join(first.into_iter().chain(Table::ALL.map(table)))
}

/// Reads what [`epoch`] wrote, split.
pub fn read(parts: &[Bytes]) -> Epoch {
    let [_, header, end, body, recent, validators, rest @ ..] = parts else { panic!("pieces are missing") };
    let recent = recent.chunks(32).map(|digest| Digest::from(<[u8; 32]>::try_from(digest).unwrap())).collect();
    let validators = validators.chunks(32).map(|key| PublicKey::decode(key.to_vec()).unwrap()).collect();
    let leaves = |bytes: &Bytes| match Reply::decode(bytes.clone()) {
        Ok(Reply::Table { leaves, .. }) => leaves,
        other => panic!("{other:?}"),
    };
    let tables = Table::ALL.into_iter().zip(rest.iter().map(leaves)).collect();
    let before = Before { header: Header::decode(header.clone()).unwrap(), recent, validators, trees: Vec::new() };
    Epoch { before, tables, end: Header::decode(end.clone()).unwrap(), body: Body::decode(body.clone()).unwrap() }
}

impl Epoch {
    /// What an audit takes, the trees built over the leaves as they came.
    pub fn grown(self) -> (Before, Header, Body) {
        let trees = self.tables.into_iter().map(|(table, leaves)| Tree::new(table, leaves)).collect();
        (Before { trees, ..self.before }, self.end, self.body)
    }
}

/// The certificate of a block by the one validator of genesis.
pub fn certify(genesis: &Genesis, header: &Header) -> Bytes {
    let namespace = ledger::namespace(&genesis.chain());
    crate::chain::sign(&namespace, 0, &[PrivateKey::from_seed(0)], header.digest(), &[0]).encode()
}

fn genesis(keys: &[PrivateKey]) -> Genesis {
    let founder = |key: &PrivateKey| Founder { key: key.public_key(), modality: 0, stake: Amount(100 * TOKEN) };
    let most = (keys.len() as u32).max(1_024);
    let parameters = Parameters { interval: 1, max_neurons: most, ..Parameters::dev() };
    Genesis { parameters, neurons: keys.iter().map(founder).collect(), ..Genesis::example() }
}

/// The update of one peer that weighs those after it, one score moved by `step`.
fn update(state: &State, keys: &[PrivateKey], uid: u32, step: u16) -> Transaction {
    let key = &keys[uid as usize];
    let share = (SUM / WEIGHTS) as u16;
    let mut entries: Vec<(Uid, Score)> =
        (0..WEIGHTS).map(|index| (Uid((uid + index * 37) % keys.len() as u32), Score(share))).collect();
    entries.sort_by_key(|(uid, _)| *uid);
    entries[0].1 = Score(share + (SUM % WEIGHTS) as u16 - step);
    entries[1].1 = Score(share + step);
    let nonce = state.account(&key.public_key()).map_or(Nonce(0), |(_, account)| account.nonce);
    let action = Action::SetWeights { uid: Uid(uid), row: Row::new(entries).unwrap(), seen: state.height() };
    Transaction::sign(key, state.chain(), nonce, state.height().after(30), action)
}

/// Weights of a row.
const WEIGHTS: u32 = 64;

/// Updates in a block that fills the table of rows, and in the one that closes the epoch.
const FILL: usize = 2_048;
const UPDATES: usize = 64;
