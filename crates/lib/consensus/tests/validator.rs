//! An embedded validator in a real folder: transactions become final, light clients accept what it serves, and its state
//! survives an end without warning.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]

use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer;
use commonware_runtime::Metrics as _;
use ledger::header::validators_digest;
use ledger::query::TransactionStatus;
use ledger::table::{Tree, leaf_count, root_of, verify_leaf};
use ledger::work::RECENT;
use ledger::{
    AccountLeaf, Action, Amount, At, Genesis, Header, Height, Nonce, Parameters, PrivateKey, Puzzle, Query, Refusal,
    Reply, Row, Score, State, Table, Transaction, Uid, WeightsLeaf,
};
use light::audit::Outcome;
use light::{Accepted, Checkpoint, Client, Error, Event, Participant, Source, Step};
use peerage_consensus::{Config, Folder, LedgerHandle, OpenError, Place, Runner, StartError, Supervisor, Validator};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

/// Where the child of [`a_killed_validator_goes_on_where_it_was`] finds its folder.
const CHILD_FOLDER: &str = "PEERAGE_TEST_CHILD_FOLDER";

fn key(seed: u64) -> PrivateKey {
    PrivateKey::from_seed(seed)
}

/// The example chain with blocks fast enough for a test.
fn genesis() -> Genesis {
    let parameters = Parameters { block_time: 40, difficulty: 16, interval: 1, unbonding: 90_000, ..Parameters::dev() };
    Genesis { parameters, ..Genesis::example() }
}

fn config(folder: &Folder) -> Config {
    Config::new(folder.clone(), genesis())
}

/// The only validator.
fn alone() -> Place {
    Place { key: key(0), listen: None, address: None, peers: Vec::new() }
}

fn run<T>(path: &Path, body: impl AsyncFnOnce(LedgerHandle) -> T) -> T {
    let folder = Folder::open(path).unwrap();
    folder
        .runner()
        .start(async |context| body(Validator::start(context, config(&folder), alone()).await.unwrap()).await)
}

fn refused_start(folder: &Folder, config: Config, place: Place) -> StartError {
    let start = async |context| Validator::start(context, config, place).await.err().expect("it does not start");
    folder.runner().start(start)
}

async fn head_at(ledger: &LedgerHandle, height: u64) -> Header {
    let mut heads = ledger.heads();
    let reached = heads.wait_for(|head| head.as_ref().is_some_and(|head| head.header.height >= Height(height))).await;
    reached.unwrap().clone().unwrap().header
}

fn sign(header: &Header, seed: u64, nonce: u64, action: Action) -> Transaction {
    Transaction::sign(&key(seed), genesis().chain(), Nonce(nonce), header.height.after(50), action)
}

/// Submits over the bytes that a network would carry, and waits until it is final.
async fn include(ledger: &LedgerHandle, transaction: Transaction) -> Height {
    let query = Query::Submit { transaction: transaction.clone() }.encode();
    let digest = transaction.digest();
    assert_eq!(Reply::decode(ledger.answer(&query).await).unwrap(), Reply::Accepted { digest });
    let mut heads = ledger.heads();
    loop {
        match ledger.query(Query::Status { digest }).await {
            Reply::Status(TransactionStatus::Included { height }) => {
                // The status is told just before the head is: wait for the head that certifies it.
                head_at(ledger, height.get()).await;
                return height;
            }
            Reply::Status(TransactionStatus::Pending) => heads.changed().await.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

async fn leaf(ledger: &LedgerHandle, header: &Header, table: Table, index: u32) -> Bytes {
    let Reply::Leaf { leaf, proof, .. } = ledger.query(Query::Leaf { height: header.height, table, index }).await
    else {
        panic!("no leaf")
    };
    verify_leaf(table, &header.root(table), index, &leaf, &proof).unwrap();
    leaf
}

/// A node with a port for validators turns away who opens connections to it without end, and goes on.
#[test]
fn who_opens_connections_to_a_validator_without_end_is_turned_away() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(temporary.path().join("data")).unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    folder.runner().start(async |context| {
        let place = Place { listen: Some(listen), ..alone() };
        let ledger = Validator::start(context.child("validator"), config(&folder), place).await.unwrap();
        let head = head_at(&ledger, 1).await;
        let mut held = Vec::new();
        let turned_away = |text: &str| {
            let found = text.lines().find(|line| !line.starts_with('#') && line.contains("handshake_ip_rate_limited"));
            found.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0)
        };
        for _ in 0..5_000 {
            held.extend(TcpStream::connect(listen));
            if turned_away(&context.encode()) >= 50.0 {
                break;
            }
        }
        assert!(turned_away(&context.encode()) >= 50.0, "{}", context.encode());
        head_at(&ledger, head.height.get() + 3).await;
    });
}

#[test]
fn transactions_become_final_and_light_clients_can_check_everything() {
    let temporary = tempfile::tempdir().unwrap();
    run(&temporary.path().join("data"), async |ledger| {
        assert!(matches!(
            ledger.query(Query::Leaf { height: Height(9), table: Table::Epoch, index: 0 }).await,
            Reply::Unavailable { .. }
        ));
        let head = head_at(&ledger, 1).await;
        let chain = genesis().chain();

        let puzzle = Puzzle { chain, key: key(7).public_key(), recent: head.digest(), difficulty: 16 };
        let work = puzzle.search(0, 10_000).unwrap();
        let register = Action::Register { cold: key(7).public_key(), modality: 0, recent: head.height, work };
        let registered = include(&ledger, sign(&head, 7, 0, register)).await;
        let row = Row::new(vec![(Uid(0), Score(65_000)), (Uid(2), Score(535))]).unwrap();
        let weights = Action::SetWeights { uid: Uid(2), row: row.clone(), seen: registered };
        include(&ledger, sign(&head, 7, 1, weights)).await;
        let transfer = sign(&head, 1, 0, Action::Transfer { to: key(7).public_key(), amount: Amount(77) });
        let height = include(&ledger, transfer.clone()).await;
        let refusal = ledger.submit(transfer).unwrap_err();
        assert_eq!(refusal, Refusal::Replayed { given: Nonce(0), next: Nonce(1) });

        let head = head_at(&ledger, height.get()).await;
        let mine = WeightsLeaf::decode(leaf(&ledger, &head, Table::Weights, 2).await).unwrap();
        assert_eq!((mine.row, mine.version), (row, 1));
        let account = Query::Account { height: head.height, key: key(7).public_key() };
        let Reply::Leaf { index, .. } = ledger.query(account).await else { panic!("no account") };
        let account = AccountLeaf::decode(leaf(&ledger, &head, Table::Accounts, index).await).unwrap();
        assert_eq!((account.balance, account.nonce), (Amount(77), Nonce(2)));
        let unknown = Query::Account { height: head.height, key: key(8).public_key() };
        assert_eq!(ledger.query(unknown).await, Reply::NoSuch);
        for table in Table::ALL {
            let Reply::Table { total, from: 0, leaves } =
                ledger.query(Query::Table { height: head.height, table, from: 0 }).await
            else {
                panic!("no table")
            };
            assert_eq!(leaves.len(), total as usize);
            assert_eq!(root_of(table, leaves.iter().map(|leaf| &leaf[..])), head.root(table));
            match ledger.query(Query::Leaf { height: head.height, table, index: 0 }).await {
                Reply::Leaf { proof, .. } => assert_eq!(leaf_count(&proof), Some(total)),
                // This chain's mechanism has no bonds.
                Reply::NoSuch => assert_eq!((table, total), (Table::Bonds, 0)),
                other => panic!("{other:?}"),
            }
        }

        let Reply::Head { header, .. } = ledger.query(Query::Head).await else { panic!("no head") };
        let Reply::Headers { headers, finalization } = ledger.query(Query::Headers { from: Height(0), limit: 3 }).await
        else {
            panic!("no headers")
        };
        assert_eq!(headers[0], genesis().header().unwrap());
        assert!(headers.windows(2).all(|pair| pair[1].parent == pair[0].digest()));
        let mut client = light_client();
        let accepted = client.accept_chain(&headers, &finalization, genesis().time).unwrap();
        assert!(matches!(accepted, Accepted::New(_)));
        let beyond = Query::Headers { from: header.height.after(1_000), limit: 3 };
        assert!(matches!(ledger.query(beyond).await, Reply::Unavailable { .. }));
        assert!(matches!(Reply::decode(ledger.answer(b"rubbish").await).unwrap(), Reply::Unavailable { .. }));
    });
}

/// From genesis on, and at that time: how old it is does not matter here.
fn light_client() -> Client {
    let header = genesis().header().unwrap();
    Client::new(&genesis(), checkpoint(&header), header.time).unwrap()
}

fn checkpoint(header: &Header) -> Checkpoint {
    let validators = genesis().validator_keys();
    Checkpoint { height: header.height, digest: header.digest(), time: header.time, validators }
}

#[test]
fn a_light_client_follows_epoch_by_epoch() {
    let temporary = tempfile::tempdir().unwrap();
    run(&temporary.path().join("data"), async |ledger| {
        let mut client = light_client();
        let now = genesis().time;
        head_at(&ledger, 35).await;
        let Reply::Head { header, finalization } = ledger.query(Query::Head).await else { panic!("no head") };
        let of_now = (header.height.get() - 1) / 10;
        let error = client.accept(header.clone(), &finalization, now).unwrap_err();
        assert_eq!(error, Error::NeedsLinks { from: 1, to: of_now });
        // In two pieces, and then what is new.
        for (from, limit) in [(1, 2), (3, 200)] {
            let Reply::Epochs { links } = ledger.query(Query::Epochs { from, limit }).await else { panic!("no links") };
            client.accept_links(&links, now).unwrap();
        }
        assert!(client.epoch() >= of_now);
        if header.height > client.height() {
            assert!(matches!(client.accept(header, &finalization, now), Ok(Accepted::New(_))));
        }

        // A participant that looks every seventh block misses the ends of most epochs.
        let begin = ledger.head().expect("it is there").header;
        let mut me = Participant::new(genesis(), checkpoint(&begin), key(9), begin.time).unwrap();
        me.add_source(Source::new("node"));
        let (mut newest, mut links) = (begin.clone(), 0);
        while me.head().is_none_or(|head| head.height() < begin.height.after(50)) {
            newest = head_at(&ledger, newest.height.get() + 7).await;
            while let Some(step) = me.poll(newest.time) {
                let Step::Query { id, query, .. } = step else { continue };
                links += u32::from(matches!(query, Query::Epochs { .. }));
                let reply = ledger.query(query).await;
                me.handle_reply(id, reply, newest.time);
            }
        }
        assert!(links > 0);
        let (mut heads, mut sound) = (0, 0);
        while let Some(event) = me.next_event() {
            assert!(!matches!(event, Event::Alarm(_)), "{event:?}");
            if let Event::Audit(audit) = &event {
                assert!(matches!(audit.outcome, Outcome::Sound { .. }), "{audit:?}");
                sound += 1;
            }
            if let Event::Head { head, .. } = event {
                heads += 1;
                let query = Query::Headers { from: head.height(), limit: 1 };
                let Reply::Headers { headers, .. } = ledger.query(query).await else { panic!("no headers") };
                assert_eq!(headers[0].digest(), head.digest());
            }
        }
        assert!(heads >= 5 && sound >= 3, "{heads} heads, {sound} audits");
    });
}

#[test]
fn the_epoch_before_the_checkpoint_can_be_audited_at_once() {
    let temporary = tempfile::tempdir().unwrap();
    run(&temporary.path().join("data"), async |ledger| {
        let head = head_at(&ledger, 25).await;
        let peerage_consensus::Checkpoint { header: end, validators } = ledger.checkpoint().unwrap();
        assert!(end.height >= Height(20) && end.height.get().is_multiple_of(10), "{} of {}", end.height, head.height);
        assert_eq!(validators_digest(&validators), end.validators);

        let before = Height(end.height.get() - 1);
        let from = Height(before.get().saturating_sub(RECENT));
        let Reply::Headers { headers, .. } = ledger.query(Query::Headers { from, limit: 64 }).await else {
            panic!("no headers")
        };
        let at = |height: Height| headers.iter().position(|header| header.height == height).unwrap();
        let recent = headers[..at(before)].iter().map(Header::digest).collect();
        let mut trees = Vec::new();
        for table in Table::ALL {
            let Reply::Table { leaves, .. } = ledger.query(Query::Table { height: before, table, from: 0 }).await
            else {
                panic!("no table before the end")
            };
            trees.push(Tree::new(table, leaves));
        }
        let header = &headers[at(before)];
        let state = State::from_trees(&genesis(), header, genesis().validator_keys(), recent, trees).unwrap();
        let Reply::Body { body } = ledger.query(Query::Body { height: end.height }).await else { panic!("no block") };
        assert_eq!(body.root(), end.transactions);
        let at = At { height: end.height, time: end.time, parent: end.parent };
        let (after, _) = state.apply(&at, &body.transactions).unwrap();
        assert_eq!((after.roots(), after.validators()), (end.roots, &validators[..]));
    });
}

#[test]
fn a_stopped_validator_goes_on_where_it_was() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("data");
    // Past one snapshot, so that the restart replays blocks on top of it.
    let before = run(&path, async |ledger| {
        let head = head_at(&ledger, 12).await;
        let transfer = Action::Transfer { to: key(9).public_key(), amount: Amount(5_000_000) };
        let height = include(&ledger, sign(&head, 1, 0, transfer)).await;
        head_at(&ledger, height.get()).await
    });
    run(&path, async |ledger| {
        let state = ledger.state().expect("the newest state is there at once");
        assert!(state.height() >= Height(10));
        let after = head_at(&ledger, before.height.get() + 12).await;
        let Reply::Headers { headers, .. } = ledger.query(Query::Headers { from: before.height, limit: 1 }).await
        else {
            panic!("no headers")
        };
        assert_eq!(headers[0], before);
        let account = Query::Account { height: after.height, key: key(9).public_key() };
        assert!(matches!(ledger.query(account).await, Reply::Leaf { .. }));
    });
}

#[test]
#[ignore = "the process that another test kills"]
fn child_validator() {
    let path = std::env::var(CHILD_FOLDER).expect("the parent names a folder");
    run(Path::new(&path), async |ledger| {
        let mut heads = ledger.heads();
        while heads.changed().await.is_ok() {
            let head = heads.borrow_and_update().clone().expect("heads stay");
            println!("\nhead {} {}", head.header.height, head.header.digest());
        }
    });
}

#[test]
fn a_killed_validator_goes_on_where_it_was() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("data");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_validator", "--exact", "--ignored", "--nocapture"])
        .env(CHILD_FOLDER, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut last = (0, String::new());
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((height, digest)) = line.strip_prefix("head ").and_then(|rest| rest.split_once(' ')) {
            last = (height.parse().unwrap(), digest.to_owned());
            if last.0 >= 13 {
                break;
            }
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (height, digest) = last;
    assert!(height >= 13, "the child ended at height {height}");
    run(&path, async |ledger| {
        head_at(&ledger, height + 12).await;
        let Reply::Headers { headers, .. } = ledger.query(Query::Headers { from: Height(height), limit: 1 }).await
        else {
            panic!("no headers")
        };
        assert_eq!(headers[0].digest().to_string(), digest, "a block that was final is final still");
    });
}

#[test]
fn what_does_not_belong_together_does_not_start() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("data");
    run(&path, async |ledger| head_at(&ledger, 11).await);
    let folder = Folder::open(&path).unwrap();

    let other = Genesis { name: "other".into(), ..genesis() };
    let error = refused_start(&folder, Config { genesis: other, ..config(&folder) }, alone());
    assert!(error.to_string().contains("belongs to chain"), "{error}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = Some(taken.local_addr().unwrap());
    let error = refused_start(&folder, config(&folder), Place { listen, ..alone() });
    assert!(matches!(error, StartError::Listen { .. }), "{error}");

    // Snapshots without the blocks they stand on.
    let engine = path.join("engine");
    std::fs::rename(&engine, path.join("engine.away")).unwrap();
    let error = refused_start(&folder, config(&folder), alone());
    assert!(
        matches!(&error, StartError::Open(OpenError::Unusable(unusable)) if unusable.height == Height(10)),
        "{error}"
    );
    std::fs::remove_dir_all(&engine).unwrap();
    std::fs::rename(path.join("engine.away"), &engine).unwrap();

    for entry in std::fs::read_dir(&path).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "snapshot") {
            let mut bytes = std::fs::read(&file).unwrap();
            bytes.truncate(100);
            std::fs::write(&file, bytes).unwrap();
        }
    }
    let error = refused_start(&folder, config(&folder), alone());
    assert!(
        matches!(error, StartError::Open(OpenError::Snapshot(_))) && error.to_string().contains("damaged"),
        "{error}"
    );
}
