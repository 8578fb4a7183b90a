//! What the programs that measure nodes share: a chain, nodes on threads, updates of rows, numbers of the command line.

use commonware_cryptography::Signer;
use ledger::genesis::Seat;
use ledger::{Action, Amount, Founder, Genesis, Height, Nonce, Parameters, PrivateKey, Row, Score, Transaction, Uid};
use peerage_consensus::{Config, Folder, Follower, LedgerHandle, Place, Runner, Validator};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

/// A number after its name on the command line.
pub fn option(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().map_or(default, |value| value.parse().expect("a number"))
}

/// The key of a founder.
pub fn key(seed: u64) -> PrivateKey {
    PrivateKey::from_seed(seed)
}

/// The consensus key of a founder.
fn validator(seed: u64) -> PrivateKey {
    key(1 << 32 | seed)
}

/// A chain whose peers are all founders and may update their rows in every block; the first of them validate.
pub fn genesis(validators: u64, peers: u64, parameters: &Parameters) -> Genesis {
    let parameters = Parameters {
        interval: 1,
        epsilon: 2.0,
        max_neurons: u32::try_from(peers.max(4_096)).unwrap(),
        seat: Amount(1),
        ..parameters.clone()
    };
    let funds = Amount::tokens(1).unwrap();
    Genesis {
        name: "measured".into(),
        time: 1,
        parameters,
        accounts: (0..peers).map(|seed| (key(seed).public_key(), funds)).collect(),
        neurons: (0..peers).map(|seed| Founder { key: key(seed).public_key(), modality: 0, stake: funds }).collect(),
        validators: (0..validators)
            .map(|seed| Seat {
                key: validator(seed).public_key(),
                founder: Uid(u32::try_from(seed).unwrap()),
                address: TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(),
            })
            .collect(),
    }
}

/// Where a validator of [`genesis`] stands.
pub fn place(seed: u64, listen: Option<SocketAddr>) -> Place {
    Place { key: validator(seed), listen, address: None, peers: Vec::new() }
}

/// Starts a validator, or a follower where it has no place, on a thread of its own, which ends with the process.
pub fn start(
    path: PathBuf,
    config: impl FnOnce(Folder) -> Config + Send + 'static,
    place: Option<Place>,
) -> LedgerHandle {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let folder = Folder::open(path).unwrap();
        let config = config(folder.clone());
        folder.runner().start(async |context| {
            let ledger = match place {
                Some(place) => Validator::start(context, config, place).await.unwrap(),
                None => Follower::start(context, config).await.unwrap(),
            };
            sender.send(ledger).unwrap();
            futures::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

/// Signs updates of rows, one peer after the other.
pub struct Updates {
    genesis: Genesis,
    rows: Vec<Row>,
    number: u64,
}

impl Updates {
    /// Updates by all peers of a chain, of rows of so many entries.
    pub fn new(genesis: &Genesis, entries: u64) -> Self {
        let peers = genesis.neurons.len() as u64;
        Self { genesis: genesis.clone(), rows: (0..peers).map(|uid| row(uid, peers, entries)).collect(), number: 0 }
    }

    /// Those that were signed.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The next, for a block after `height`.
    pub fn next(&mut self, height: Height) -> Transaction {
        let peers = self.rows.len() as u64;
        let (uid, nonce) = (self.number % peers, self.number / peers);
        self.number += 1;
        let row = self.rows[usize::try_from(uid).unwrap()].clone();
        let action = Action::SetWeights { uid: Uid(u32::try_from(uid).unwrap()), row, seen: height };
        Transaction::sign(&key(uid), self.genesis.chain(), Nonce(nonce), height.after(50), action)
    }
}

/// A row of so many equal entries, the own one among them.
fn row(uid: u64, peers: u64, entries: u64) -> Row {
    let entries = entries.min(peers);
    let each = 65_535 / entries;
    let mut all: Vec<(Uid, Score)> = (0..entries)
        .map(|step| {
            (Uid(u32::try_from((uid + step * (peers / entries)) % peers).unwrap()), Score(u16::try_from(each).unwrap()))
        })
        .collect();
    all.sort();
    all[0].1 = Score(u16::try_from(65_535 - each * (entries - 1)).unwrap());
    Row::new(all).unwrap()
}
