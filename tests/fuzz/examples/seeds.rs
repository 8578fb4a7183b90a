//! Writes what honest senders send into `corpus/`, for the targets to begin with: `cargo run --example seeds`.

#[path = "../../../crates/core/light/tests/chain/mod.rs"]
mod chain;

use bytes::Bytes;
use chain::Chain;
use commonware_codec::Encode;
use commonware_cryptography::Signer;
use ledger::query::Certified;
use ledger::{
    Action, Amount, Body, ChainId, Digest, Evidence, Genesis, Height, Nonce, PrivateKey, Proposal, Query, Reply, Row,
    Table, Transaction, Uid, Vote,
};
use std::{fs, io};

/// The chain of the evidence.
const CHAIN: ChainId = ChainId(Digest([7; 32]));

fn main() -> io::Result<()> {
    let mut chain = Chain::rotating(4);
    chain.steps(9);
    let (header, finalization) = chain.head();
    let transactions: Vec<Transaction> =
        (0..).zip(actions()).map(|(nonce, action)| sign(&chain, nonce, action)).collect();
    keep("transaction", transactions.iter().map(Encode::encode))?;
    keep("block", [Body { transactions: transactions.clone() }.encode()])?;
    keep("header", [header.encode()])?;
    keep("evidence", [evidence().encode()])?;
    keep("genesis", [Genesis::example().encode(), chain.genesis.encode()])?;
    keep("snapshot", [chain.states[0].encode(), chain.state().encode()])?;
    let mut one = Chain::new(4);
    one.step();
    keep(
        "certificate",
        [&[0, 1, 2, 3][..], &[0, 1, 2], &[1, 2]].map(|signers| one.certify_by(&one.head().0, signers)),
    )?;
    let height = header.height;
    let digest = header.digest();
    let queries = [
        Query::Head,
        Query::Headers { from: height, limit: 4 },
        Query::Leaf { height, table: Table::Weights, index: 0 },
        Query::Account { height, key: PrivateKey::from_seed(1).public_key() },
        Query::Submit { transaction: transactions[0].clone() },
        Query::Status { digest },
        Query::Epochs { from: 1, limit: 2 },
        Query::Blocks { from: height, limit: 64 },
    ];
    let mut messages: Vec<Bytes> = queries.iter().map(Encode::encode).collect();
    messages.extend(queries.iter().map(|query| chain.reply(query).encode()));
    let blocks = vec![Certified { block: header.encode(), finalization }; 2];
    messages.push(Reply::Blocks { blocks }.encode());
    messages.push(Reply::Inclusion { height, index: 1, proof: Bytes::from_static(b"proof") }.encode());
    keep("query", messages)
}

fn keep(target: &str, seeds: impl IntoIterator<Item = Bytes>) -> io::Result<()> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    (0..).zip(seeds).try_for_each(|(number, seed)| fs::write(folder.join(format!("seed-{number}")), seed))
}

fn sign(chain: &Chain, nonce: u64, action: Action) -> Transaction {
    Transaction::sign(&PrivateKey::from_seed(1), chain.id(), Nonce(nonce), Height(20), action)
}

/// One of each kind.
fn actions() -> Vec<Action> {
    let key = PrivateKey::from_seed(2).public_key();
    let (uid, amount, address) = (Uid(0), Amount(5), ([127, 0, 0, 1], 9).into());
    vec![
        Action::Register { cold: key.clone(), modality: 0, recent: Height(3), work: 9 },
        Action::SetWeights { uid, row: Row::own(uid), seen: Height(3) },
        Action::Subscribe { cold: key.clone(), modality: 1 },
        Action::Stake { uid, amount },
        Action::Unstake { uid, amount },
        Action::Leave { uid },
        Action::Transfer { to: key.clone(), amount },
        Action::Candidate { uid, key: key.clone(), address },
        Action::Ready { address },
        Action::Resign { key: key.clone() },
        Action::Evidence { evidence: Box::new(evidence()) },
        Action::Purchase { uid, generation: 0, amount, order: Digest([1; 32]) },
        Action::Rekey { uid, hot: key },
    ]
}

/// Two blocks of one round, as the engine encodes what it signs.
fn evidence() -> Evidence {
    let key = PrivateKey::from_seed(1);
    let vote = |payload: u8| {
        let proposal = Proposal { epoch: 3, view: 9, parent: 8, payload: Digest([payload; 32]) };
        let bytes = [&[3, 9, 8][..], &[payload; 32]].concat();
        let namespace = [&ledger::namespace(&CHAIN)[..], b"_NOTARIZE"].concat();
        Vote::Notarize { proposal, signature: key.sign(&namespace, &bytes) }
    };
    Evidence { key: key.public_key(), first: vote(1), second: vote(2) }
}
