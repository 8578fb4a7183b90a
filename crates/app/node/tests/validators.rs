//! Four validators as processes: their set changes in ten epochs, one is killed again and again while transactions flow, and in the
//! end nothing that was final is missing and no unit is lost.
//!
//! `PEERAGE_KILLS=100` kills more often than the everyday run does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]

use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer;
use ledger::query::TransactionStatus;
use ledger::table::root_of;
use ledger::{
    AccountLeaf, Action, Amount, CandidateLeaf, Digest, EpochLeaf, Genesis, Header, Height, NeuronLeaf, Nonce,
    PrivateKey, PublicKey, Query, Reply, Table, Totals, Transaction, Uid, text,
};
use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const VALIDATORS: usize = 4;
const EPOCHS: usize = 10;

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// One validator: a process, its key, and where its API is.
struct Node {
    folder: PathBuf,
    key: PrivateKey,
    listen: SocketAddr,
    api: SocketAddr,
    process: Option<Child>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Node {
    fn new(folder: PathBuf) -> Self {
        let data = folder.to_str().unwrap();
        peerage(&["keys", "new", "--data", data, "--name", "validator"]);
        let key = text::decode(fs::read_to_string(folder.join("validator.key")).unwrap().trim()).unwrap();
        Self { folder, key, listen: free(), api: free(), process: None }
    }

    fn public(&self) -> PublicKey {
        self.key.public_key()
    }

    fn start(&mut self, genesis: &Path) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peerage"));
        command.args(["validator", "--data"]).arg(&self.folder).arg("--genesis").arg(genesis);
        command.args(["--listen", &self.listen.to_string(), "--api", &self.api.to_string()]);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap();
        self.process = Some(process);
    }

    /// Without warning, as SIGKILL does.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn try_ask(&self, query: &Query) -> Option<Reply> {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().new_agent();
        let url = format!("http://{}/api/query", self.api);
        for _ in 0..20 {
            match agent.post(&url).content_type("application/octet-stream").send(&query.encode()[..]) {
                Ok(mut response) => {
                    let bytes = response.body_mut().with_config().limit(1 << 22).read_to_vec().ok()?;
                    return Reply::decode(bytes::Bytes::from(bytes)).ok();
                }
                // More at once than one client may: as a patient client does.
                Err(ureq::Error::StatusCode(429)) => std::thread::sleep(Duration::from_millis(200)),
                Err(_) => return None,
            }
        }
        None
    }

    fn ask(&self, query: &Query) -> Reply {
        within(60, &format!("{} answers", self.api), || self.try_ask(query))
    }

    fn head(&self) -> Header {
        within(60, &format!("{} has a head", self.api), || match self.try_ask(&Query::Head) {
            Some(Reply::Head { header, .. }) => Some(header),
            _ => None,
        })
    }

    fn reach(&self, height: u64) -> Header {
        within(120, &format!("{} reaches {height}", self.api), || {
            Some(self.head()).filter(|head| head.height >= Height(height))
        })
    }

    fn header(&self, height: Height) -> Header {
        let Reply::Headers { headers, .. } = self.ask(&Query::Headers { from: height, limit: 1 }) else {
            panic!("no header")
        };
        headers[0].clone()
    }

    /// A whole table that meets its root, decoded.
    fn table<T: DecodeExt<()>>(&self, header: &Header, table: Table) -> Vec<T> {
        let reply = self.ask(&Query::Table { height: header.height, table, from: 0 });
        let Reply::Table { total, leaves, .. } = reply else { panic!("no {table}: {reply:?}") };
        assert_eq!(leaves.len(), total as usize);
        assert_eq!(root_of(table, leaves.iter().map(|leaf| &leaf[..])), header.root(table));
        leaves.into_iter().map(|leaf| T::decode(leaf).unwrap_or_else(|_| panic!("a leaf of {table}"))).collect()
    }

    fn submit(&self, transaction: &Transaction) -> Option<Digest> {
        match self.try_ask(&Query::Submit { transaction: transaction.clone() })? {
            Reply::Accepted { digest } => Some(digest),
            _ => None,
        }
    }

    fn included(&self, digest: Digest) -> Option<Height> {
        match self.try_ask(&Query::Status { digest })? {
            Reply::Status(TransactionStatus::Included { height }) => Some(height),
            _ => None,
        }
    }

    /// Signs with this validator's key, which is its stake's cold key too, and waits until it is final.
    fn act(&self, through: &Self, chain: ledger::ChainId, action: &Action) {
        within(60, &format!("{} is included", action.name()), || {
            let head = through.head();
            let Reply::Leaf { leaf, .. } = through.ask(&Query::Account { height: head.height, key: self.public() })
            else {
                return None;
            };
            let account = AccountLeaf::decode(leaf).ok()?;
            let transaction = Transaction::sign(&self.key, chain, account.nonce, head.height.after(30), action.clone());
            let digest = through.submit(&transaction)?;
            let asked = Instant::now();
            while asked.elapsed() < Duration::from_secs(10) {
                if through.included(digest).is_some() {
                    return Some(());
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            None
        });
    }
}

fn peerage(arguments: &[&str]) -> String {
    run(arguments).unwrap_or_else(|said| panic!("peerage {arguments:?}: {said}"))
}

/// What the program says, or on stderr why it fails.
fn run(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_peerage")).args(arguments).output().unwrap();
    let said = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
}

/// Sends from a shell, with the key in the folder `owner`, through a node that is there and one that is not.
fn send_from_a_shell(node: &Node, owner: &Path, genesis: &Path, key: &PrivateKey) {
    fs::create_dir(owner).unwrap();
    fs::write(owner.join("cold.key"), text::encode(key)).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let (send, path) = (["send", "--data", owner.to_str().unwrap()], owner.join("cold.key"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused =
            run(&[&send[..], &["--genesis", genesis.to_str().unwrap(), "--to", "http://127.0.0.1:1", "leave", "0"]]
                .concat());
        let refused = refused.unwrap_err();
        assert!(refused.contains("can be read by others"), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let (owner, genesis) = (owner.to_str().unwrap(), genesis.to_str().unwrap());
    let (dead, alive, to) = (format!("http://{}", free()), format!("http://{}", node.api), node.public().to_string());
    let send = |amount| {
        let nodes = ["--genesis", genesis, "--to", &dead, "--to", &alive];
        run(&[&["send", "--data", owner][..], &nodes, &["transfer", &to, amount]].concat())
    };
    let said = send("0.5").unwrap();
    assert!(said.contains("Sent      Transfer") && said.contains("Final     in block"), "{said}");
    let refused = send("5000").unwrap_err();
    assert!(refused.contains("the ledger refuses it: overdrawn"), "{refused}");
}

/// What `get` gives, tried again for some seconds.
fn within<T>(seconds: u64, what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = get() {
            return value;
        }
        assert!(began.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The file of a genesis with fast blocks, the four as validators with stake, and one account with funds.
fn begin(place: &Path, nodes: &[Node], rich: &PrivateKey) -> PathBuf {
    let mut arguments: Vec<String> = ["genesis", "new", "--preset", "dev", "--name", "four"].map(String::from).into();
    for node in nodes {
        arguments.extend(["--validator".into(), format!("{}@{}:100", node.public(), node.listen)]);
        arguments.extend(["--account".into(), format!("{}:10", node.public())]);
    }
    arguments.extend(["--account".into(), format!("{}:1000", rich.public_key())]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let written = peerage(&arguments);
    let faster: String = written
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some(("block_time", _)) => "block_time = 300\n".to_owned(),
            // Stake unbonds for longer than a client trusts a checkpoint, in blocks that are shorter now.
            Some(("unbonding", _)) => "unbonding = 20000\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect();
    let file = place.join("genesis.toml");
    fs::write(&file, faster).unwrap();
    peerage(&["genesis", "check", file.to_str().unwrap()]);
    file
}

/// Balances, stake, unbonding stake and pool, added up from the tables, against genesis and emission.
fn no_unit_is_lost(node: &Node, header: &Header, begun_with: u128) {
    let accounts: Vec<AccountLeaf> = node.table(header, Table::Accounts);
    let neurons: Vec<NeuronLeaf> = node.table(header, Table::Neurons);
    let epoch: Vec<EpochLeaf> = node.table(header, Table::Epoch);
    let Some(EpochLeaf::Totals(Totals { pool, minted, .. })) = epoch.first() else { panic!("no totals") };
    let sum = |amounts: &mut dyn Iterator<Item = Amount>| amounts.map(|amount| u128::from(amount.get())).sum::<u128>();
    let held = sum(&mut accounts.iter().map(|account| account.balance))
        + sum(&mut accounts.iter().flat_map(|account| &account.unbonding).map(|one| one.amount))
        + sum(&mut neurons.iter().map(|neuron| neuron.stake))
        + u128::from(pool.get());
    assert_eq!(held, begun_with + u128::from(minted.get()));
}

#[test]
fn four_processes_rotate_and_lose_nothing_when_one_is_killed_again_and_again() {
    let kills: usize = std::env::var("PEERAGE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(8);
    let temporary = tempfile::tempdir().unwrap();
    let mut nodes: Vec<Node> =
        (0..VALIDATORS).map(|index| Node::new(temporary.path().join(index.to_string()))).collect();
    let rich = PrivateKey::from_seed(7);
    let file = begin(temporary.path(), &nodes, &rich);
    for node in &mut nodes {
        node.start(&file);
    }
    nodes[0].reach(3);
    send_from_a_shell(&nodes[0], &temporary.path().join("owner"), &file, &rich);
    let genesis = Genesis::decode(fs::read(nodes[0].folder.join("genesis")).unwrap()).unwrap();
    let chain = genesis.chain();
    let begun_with: u128 = genesis.accounts.iter().map(|(_, amount)| u128::from(amount.get())).sum::<u128>()
        + genesis.neurons.iter().map(|founder| u128::from(founder.stake.get())).sum::<u128>();
    assert_eq!(begun_with, 1_440 * 1_000_000_000);

    // In each epoch another one goes, and comes back in the next.
    let mut sets = BTreeSet::new();
    for step in 0..EPOCHS {
        let (leaves, other) = (step % VALIDATORS, (step + 1) % VALIDATORS);
        let key = nodes[leaves].public();
        nodes[leaves].act(&nodes[other], chain, &Action::Resign { key: key.clone() });
        let before = nodes[other].head();
        let last = before.height.get().next_multiple_of(genesis.parameters.tempo);
        nodes[other].reach(last + 1);
        let link = within(30, "the link of the epoch", || {
            let number = last / genesis.parameters.tempo;
            match nodes[other].try_ask(&Query::Epochs { from: number, limit: 1 }) {
                Some(Reply::Epochs { links }) => links.first().cloned(),
                _ => None,
            }
        });
        assert!(!link.validators.contains(&key), "who resigned has no seat");
        sets.insert(link.validators.clone());
        let address = nodes[leaves].listen;
        let uid = Uid(u32::try_from(leaves).unwrap());
        nodes[leaves].act(&nodes[other], chain, &Action::Candidate { uid, key, address });
    }
    assert_eq!(sets.len(), VALIDATORS, "each of them was out in turn");

    // All four have a seat again before one of them is killed.
    within(120, "all four have seats", || {
        let header = nodes[0].head();
        let Reply::Epochs { links } =
            nodes[0].try_ask(&Query::Epochs { from: header.height.get() / genesis.parameters.tempo, limit: 1 })?
        else {
            return None;
        };
        links.first().filter(|link| link.validators.len() == VALIDATORS).map(|_| ())
    });
    let mut finals: Vec<(Digest, Height)> = Vec::new();
    let mut nonce = 1u64;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for kill in 0..kills {
        let mut sent = Vec::new();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let pause = Duration::from_millis(100 + (random >> 33) % 1_500);
        let until = Instant::now() + pause;
        while sent.len() < 12 || Instant::now() < until {
            let head = nodes[0].head();
            let to = PrivateKey::from_seed(1_000 + nonce % 50).public_key();
            let action = Action::Transfer { to, amount: Amount(1_000_000 + nonce) };
            let transaction = Transaction::sign(&rich, chain, Nonce(nonce), head.height.after(50), action);
            if let Some(digest) = nodes[usize::try_from(nonce).unwrap() % 3].submit(&transaction) {
                sent.push(digest);
                nonce += 1;
            } else {
                // Sixteen of one signer may wait, and another validator has not heard of the last one yet.
                std::thread::sleep(Duration::from_millis(50));
            }
            if sent.len() == 12 && Instant::now() < until {
                std::thread::sleep(until - Instant::now());
            }
        }
        nodes[3].kill();
        for digest in sent {
            let height = within(120, &format!("a transfer is final, kill {kill}"), || nodes[0].included(digest));
            finals.push((digest, height));
        }
        nodes[3].start(&file);
        nodes[3].head();
    }

    // The tables of a height are kept for a while only, so everyone is there first.
    let newest = nodes[0].head().height;
    for node in &nodes {
        node.reach(newest.get());
    }
    let height = nodes[0].head().height.after(3);
    nodes[0].reach(height.get());
    nodes[3].reach(height.get());
    let header = nodes[0].header(height);
    for node in &nodes {
        node.reach(height.get());
        assert_eq!(node.header(height), header, "all have the same history");
        no_unit_is_lost(node, &header, begun_with);
    }
    let candidates: Vec<CandidateLeaf> = nodes[3].table(&header, Table::Candidates);
    assert!(candidates.iter().all(|leaf| !leaf.struck), "nobody who was killed signed two histories");
    // Tables of a height are kept for a while only, and this takes longer: who asks much is told to wait.
    for node in &nodes {
        for (digest, included) in &finals {
            assert_eq!(node.included(*digest), Some(*included), "what was final is final everywhere");
        }
    }
    println!("{kills} kills, {} transfers final, height {height}", finals.len());
}
