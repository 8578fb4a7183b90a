//! Several validators on real sockets, and those who follow them: the set changes with the stake, one that comes later begins in
//! the middle, and all agree.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]

use commonware_cryptography::Signer;
use futures::FutureExt;
use futures::future::BoxFuture;
use ledger::genesis::Seat;
use ledger::query::TransactionStatus;
use ledger::{
    Action, Amount, Founder, Genesis, Header, Height, Nonce, Parameters, PrivateKey, Query, Reply, Transaction, Uid,
};
use peerage_consensus::{Config, Folder, Follower, LedgerHandle, Place, Runner, Source, Validator};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

/// Keys of owners, who are founders; validators have keys of their own.
fn owner(index: u64) -> PrivateKey {
    PrivateKey::from_seed(index)
}

fn validator(index: u64) -> PrivateKey {
    PrivateKey::from_seed(100 + index)
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Five founders, of whom the first four validate; the fifth has the least stake, and funds.
fn genesis(addresses: &[SocketAddr]) -> Genesis {
    let tokens = |tokens| Amount::tokens(tokens).unwrap();
    let parameters =
        Parameters { block_time: 100, tempo: 10, seats: 6, seat: tokens(10), fee: Amount(1), ..Parameters::dev() };
    Genesis {
        name: "many".into(),
        time: 1_700_000_000_000,
        parameters: Parameters { unbonding: 90_000, ..parameters },
        accounts: (0..5).map(|index| (owner(index).public_key(), tokens(500))).collect(),
        neurons: (0..5)
            .map(|index| Founder { key: owner(index).public_key(), modality: 0, stake: tokens(100 - 10 * index) })
            .collect(),
        validators: (0..4)
            .zip(addresses)
            .map(|(index, address)| Seat {
                key: validator(index).public_key(),
                founder: Uid(u32::try_from(index).unwrap()),
                address: *address,
            })
            .collect(),
    }
}

/// Starts a node on a thread that ends with the test.
fn start(path: PathBuf, config: impl FnOnce(Folder) -> Config + Send + 'static, place: Option<Place>) -> LedgerHandle {
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

/// A node of this process, asked as one of another machine would be.
struct Near(LedgerHandle);

impl Source for Near {
    fn ask(&self, query: Query) -> BoxFuture<'_, Option<Reply>> {
        self.0.query(query).map(Some).boxed()
    }
}

async fn head_at(ledger: &LedgerHandle, height: u64) -> Header {
    let mut heads = ledger.heads();
    let reached = heads.wait_for(|head| head.as_ref().is_some_and(|head| head.header.height >= Height(height))).await;
    reached.unwrap().clone().unwrap().header
}

async fn header(ledger: &LedgerHandle, height: Height) -> Header {
    let Reply::Headers { headers, .. } = ledger.query(Query::Headers { from: height, limit: 1 }).await else {
        panic!("no header")
    };
    headers[0].clone()
}

async fn include(ledger: &LedgerHandle, key: &PrivateKey, nonce: u64, action: Action) -> Height {
    let head = head_at(ledger, 1).await;
    let chain = ledger.state().unwrap().chain();
    let transaction = Transaction::sign(key, chain, Nonce(nonce), head.height.after(50), action);
    let digest = ledger.submit(transaction).unwrap();
    let mut heads = ledger.heads();
    loop {
        match ledger.query(Query::Status { digest }).await {
            Reply::Status(TransactionStatus::Included { height }) => return height,
            Reply::Status(TransactionStatus::Pending) => heads.changed().await.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_set_follows_the_stake_and_late_comers_begin_in_the_middle() {
    let temporary = tempfile::tempdir().unwrap();
    let addresses: Vec<SocketAddr> = (0..5).map(|_| free()).collect();
    let genesis = genesis(&addresses);
    let place = |index: u64| Place {
        key: validator(index),
        listen: Some(addresses[usize::try_from(index).unwrap()]),
        address: None,
        peers: Vec::new(),
    };
    let mut ledgers = Vec::new();
    for index in 0..4 {
        let genesis = genesis.clone();
        let path = temporary.path().join(index.to_string());
        ledgers.push(start(path, |folder| Config::new(folder, genesis), Some(place(index))));
    }
    head_at(&ledgers[0], 12).await;

    // A fifth comes when an epoch is over: it has only the genesis, and begins at the end of that epoch.
    let source: Arc<dyn Source> = Arc::new(Near(ledgers[0].clone()));
    let late = {
        let (genesis, source) = (genesis.clone(), Arc::clone(&source));
        let config = move |folder| Config { source: Some(source), ..Config::new(folder, genesis) };
        start(temporary.path().join("4"), config, Some(place(4)))
    };
    assert!(late.state().unwrap().height() >= Height(10));
    assert!(matches!(late.query(Query::Blocks { from: Height(1), limit: 1 }).await, Reply::Unavailable { .. }));

    // A follower has no place among the validators, and hands on what it accepts.
    let follower = {
        let (genesis, source) = (genesis.clone(), Arc::clone(&source));
        let config = move |folder| Config { source: Some(source), ..Config::new(folder, genesis) };
        start(temporary.path().join("follower"), config, None)
    };
    let key = validator(4).public_key();
    // With the most stake of all its owner has a claim to three of the six seats, and the one of least stake to none.
    let stake = Action::Stake { uid: Uid(4), amount: Amount::tokens(200).unwrap() };
    let height = include(&ledgers[1], &owner(4), 0, stake).await;
    head_at(&follower, height.get()).await;
    let named = Action::Candidate { uid: Uid(4), key: key.clone(), address: addresses[4] };
    include(&follower, &owner(4), 1, named).await;
    let mut heads = ledgers[0].heads();
    let elected = loop {
        heads.changed().await.unwrap();
        let state = ledgers[0].state().unwrap();
        if state.validators().contains(&key) {
            break state;
        }
        assert!(state.height() < Height(150), "never elected");
    };
    let mut expected: Vec<_> = [0, 1, 2, 4].map(|index| validator(index).public_key()).to_vec();
    expected.sort();
    assert_eq!(elected.validators(), expected);

    // The new set goes on, and everyone sees the same.
    let height = elected.height().after(25);
    head_at(&ledgers[0], height.get()).await;
    let wanted = header(&ledgers[0], height).await;
    for ledger in ledgers.iter().chain([&late, &follower]) {
        head_at(ledger, height.get() + 1).await;
        assert_eq!(header(ledger, height).await, wanted);
        let Reply::Epochs { links } = ledger.query(Query::Epochs { from: 1, limit: 100 }).await else {
            panic!("no links")
        };
        assert!(links.len() as u64 >= height.get() / 10);
        assert!(links.iter().any(|link| link.validators == expected));
    }
}
