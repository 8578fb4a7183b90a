//! `peerage light` as a person runs it: with a network of its own, and sources that lie, are silent or are none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail")]

#[path = "../../../core/light/tests/chain/mod.rs"]
mod chain;

use chain::Chain;
use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_cryptography::Signer;
use ledger::{
    Action, Digest, Genesis, Height, Nonce, Parameters, PrivateKey, Query, Reply, Row, Score, Transaction, Uid,
    query::MAX_REPLY_BYTES,
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, SystemTime},
};

#[test]
fn a_chain_is_followed_with_a_liar_and_a_silent_one_among_the_sources() {
    let place = tempfile::tempdir().unwrap();
    let network = Network::start(place.path());
    let node = network.address.clone();
    let liar = serve(move |bytes| Some(twisted(forwarded(&node, bytes)?)));
    let silent = serve(|_| None);
    let (node, liar, silent) =
        (format!("http://{}", network.address), format!("http://{liar}"), format!("http://{silent}"));
    let genesis = place.path().join("data").display().to_string();
    let store = place.path().join("kept").display().to_string();
    let account = network.account.clone();
    let light = |sources: &[&str], more: &[&str]| {
        let sources = sources.iter().flat_map(|source| ["--source", source]);
        let all: Vec<&str> = ["--genesis", &genesis].into_iter().chain(sources).chain(more.iter().copied()).collect();
        peerage(&all)
    };

    // From genesis on: each of the three is asked, one is dropped by name, one is not waited for.
    let more = ["--checkpoint", "genesis", "--until-epoch", "2", "--store", &store, "--account", &account, "--json"];
    let output = light(&[&liar, &silent, &node], &more);
    let told = objects(&output);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let of = |kind: &str| told.iter().filter(|one| one["type"] == kind).collect::<Vec<_>>();
    assert_eq!(told[0]["type"], "begin");
    assert_eq!((told[0]["height"].as_u64(), told[0]["trusts"].is_null()), (Some(0), true));
    assert_eq!(told[0]["sources"].as_array().map(Vec::len), Some(3));
    let heights: Vec<u64> = of("head").iter().map(|head| head["height"].as_u64().unwrap()).collect();
    assert!(heights.is_sorted() && heights.last().is_some_and(|last| *last >= 20), "{heights:?}");
    assert_eq!((of("head")[0]["signers"].as_u64(), of("head")[0]["validators"].as_u64()), (Some(1), Some(1)));
    let dropped = of("dropped");
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    assert_eq!(dropped[0]["source"], *liar);
    assert!(!dropped[0]["reason"].as_str().unwrap().is_empty());
    // How far the network was when it was first asked nobody knows; the newest epoch is audited.
    let audits = of("audit");
    let sound = |audit: &&&Value| audit["epoch"].as_u64() >= Some(2) && audit["outcome"]["type"] == "sound";
    assert!(audits.iter().any(|audit| sound(&audit)), "{audits:?}");
    let accounts = of("account");
    assert!(!accounts.is_empty() && accounts.iter().all(|one| one["key"] == *account), "{accounts:?}");

    // The next start goes on from the folder, in words; whoever names no block trusts the first source and is told so.
    let output = light(&[&node], &["--until-epoch", "2", "--store", &store]);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    for expected in ["Chain     ", "Restored  ", "Head      block ", "this trusts http://"] {
        assert!(words.contains(expected), "{expected} is not in {words}");
    }

    // A block that somebody names is found by its digest, and another digest is not.
    let newest =
        of("head").last().map(|head| format!("{}:{}", head["height"], head["digest"].as_str().unwrap())).unwrap();
    let output = light(&[&silent, &node], &["--checkpoint", &newest, "--until-epoch", "2", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let other = format!("{}:{}", heights[0], "2a".repeat(32));
    fails(&light(&[&node], &["--checkpoint", &other]), &["no source has block", &node]);

    // With nobody but a liar it ends.
    fails(&light(&[&liar], &["--checkpoint", "genesis"]), &["no source is left", "--source"]);
    drop(network);
}

#[test]
fn wrong_economics_that_all_validators_signed_end_it_with_a_code_of_their_own() {
    let place = tempfile::tempdir().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
    let genesis = chain::genesis(4);
    let genesis = Genesis { time: now - 60_000, parameters: Parameters { tempo: 8, ..genesis.parameters }, ..genesis };
    fs::write(place.path().join("genesis"), genesis.encode()).unwrap();
    let rules = Parameters { beta: 9.0, ..genesis.parameters };
    let mut chain = Chain::ruled_by(genesis, rules);
    for uid in 0..2 {
        let key = PrivateKey::from_seed(u64::from(uid) + 2);
        let row = Row::new(vec![(Uid(0), Score(30_000)), (Uid(1), Score(35_535))]).unwrap();
        let action = Action::SetWeights { uid: Uid(uid), row, seen: Height(0) };
        chain.pool.push(Transaction::sign(&key, chain.id(), Nonce(0), Height(10), action));
    }
    chain.steps(9);
    assert!(chain.dropped.is_empty(), "{:?}", chain.dropped);
    let chain = Mutex::new(chain);
    let node = serve(move |bytes| {
        let query = Query::decode(Copying(bytes)).ok()?;
        Some(chain.lock().unwrap().reply(&query).encode().to_vec())
    });
    let genesis = place.path().display().to_string();
    let light = |more: &[&str]| {
        let source = format!("http://{node}");
        peerage(&[&["--genesis", &genesis, "--source", &source, "--checkpoint", "genesis"], more].concat())
    };
    let output = light(&[]);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(words.contains("epoch 1 is wrong at block 8"), "{words}");
    assert!(words.contains("signed wrong economics, and nothing after it is to be trusted: "), "{words}");
    let output = light(&["--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let audit = objects(&output).into_iter().find(|one| one["type"] == "audit").unwrap();
    assert_eq!((&audit["epoch"], &audit["outcome"]["type"]), (&1.into(), &"wrong".into()));
    assert!(audit["outcome"]["chain"] != audit["outcome"]["own"], "{audit}");
}

#[test]
fn what_cannot_be_used_is_one_sentence() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (genesis, empty) = (file("genesis.toml", &new_genesis()), file("empty.toml", ""));
    let none = serve(|_| Some(b"not a reply".to_vec()));
    let none = format!("http://{none}");
    let with = |arguments: &[&str]| peerage(&[&["--genesis", &genesis, "--source", &none][..], arguments].concat());
    fails(&peerage(&["--genesis", &empty, "--source", &none]), &["empty.toml"]);
    fails(&peerage(&["--genesis", &genesis, "--source", "node.example"]), &["is no address of a node"]);
    fails(&with(&[]), &["/bootstrap.json", &none, "cannot be read"]);
    fails(&with(&["--checkpoint", "7:aa"]), &["64 hexadecimal digits"]);
    fails(&with(&["--checkpoint", "nowhere.json"]), &["neither HEIGHT:DIGEST nor genesis nor a file", "nowhere.json"]);
    fails(&with(&["--checkpoint", &empty]), &["is no checkpoint"]);
    fails(&with(&["--checkpoint", &format!("7:{}", "2a".repeat(32))]), &["no source has block 7", "something else"]);
    fails(&with(&["--checkpoint", "genesis", "--store", &empty]), &["cannot be used as --store"]);
}

/// Runs `peerage light` to its end.
fn peerage(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerage"));
    command.arg("light").args(arguments).env_remove("PEERAGE_LOG").stdin(Stdio::null()).output().unwrap()
}

/// The text of a genesis with one validator.
fn new_genesis() -> String {
    let place = tempfile::tempdir().unwrap();
    let keys = Command::new(env!("CARGO_BIN_EXE_peerage")).args(["keys", "new", "--data"]).arg(place.path()).output();
    let key = String::from_utf8(keys.unwrap().stdout).unwrap();
    let key = key.split_whitespace().find(|word| word.len() == 64).unwrap().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerage"));
    command.args(["genesis", "new", "--validator", &format!("{key}@192.0.2.1:9000:5000")]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// That it fails with a sentence that has these words.
fn fails(output: &Output, words: &[&str]) {
    let said = said(output);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// The objects that it printed, one a line.
fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the node replies to a query.
fn forwarded(node: &str, query: &[u8]) -> Option<Reply> {
    let agent = ureq::Agent::config_builder().timeout_global(Some(LIMIT)).build().new_agent();
    let mut response = agent.post(format!("http://{node}/api/query")).send(query).ok()?;
    let bytes = response.body_mut().with_config().limit(MAX_REPLY_BYTES as u64).read_to_vec().ok()?;
    Reply::decode(Copying(&bytes)).ok()
}

/// The same with a lie in it, where it says anything that can be checked.
fn twisted(mut reply: Reply) -> Vec<u8> {
    let flip = |bytes: &mut bytes::Bytes| {
        let mut changed = bytes.to_vec();
        changed[0] ^= 1;
        *bytes = changed.into();
    };
    match &mut reply {
        Reply::Head { header, .. } => header.context = Digest::from([1; 32]),
        Reply::Headers { headers, .. } => headers.iter_mut().for_each(|header| header.context = Digest::from([1; 32])),
        Reply::Epochs { links } => links.iter_mut().for_each(|link| link.header.time += 1),
        Reply::Leaf { leaf, .. } => flip(leaf),
        Reply::Table { leaves, .. } => leaves.iter_mut().take(1).for_each(flip),
        _ => return Query::Head.encode().to_vec(),
    }
    reply.encode().to_vec()
}

/// Serves `POST`s with what `answer` makes of their bodies; where it makes nothing of one, it never answers.
fn serve(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = std::sync::Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || {
                let mut stream = stream;
                let Some(body) = request(&mut stream) else { return };
                match answer(&body) {
                    Some(reply) => {
                        let head =
                            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", reply.len());
                        let _ = stream.write_all(&[head.as_bytes(), &reply].concat());
                    }
                    // Until whoever asked gives up.
                    None => drop(stream.read(&mut [0; 1])),
                }
            });
        }
    });
    address
}

/// The body of a request.
fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        if line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// `peerage dev` without residents.
struct Network {
    child: Child,
    address: String,
    /// A key with an account.
    account: String,
}

impl Network {
    fn start(place: &Path) -> Self {
        fs::create_dir(place.join("site")).unwrap();
        fs::write(place.join("site/index.html"), "<!doctype html><title>Peerage</title>").unwrap();
        fs::write(place.join("text.txt"), "To be, or not to be, that is the question. ".repeat(200)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_peerage"));
        command.args(["dev", "--port", "0", "--residents", "0", "--data"]).arg(place.join("data"));
        command.arg("--site").arg(place.join("site")).arg("--corpus").arg(place.join("text.txt"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let out = child.stdout.take().unwrap();
        thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut network = Self { child, address: String::new(), account: String::new() };
        while network.address.is_empty() {
            let line = lines.recv_timeout(LIMIT).unwrap();
            network.address = line.strip_prefix("Open http://").unwrap_or_default().trim().into();
        }
        let agent = ureq::Agent::new_with_defaults();
        let mut response = agent.get(format!("http://{}/bootstrap.json", network.address)).call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let bootstrap = protocol::bootstrap::Bootstrap::parse(&text).unwrap();
        let genesis = Genesis::decode(bootstrap.genesis).unwrap();
        network.account = ledger::text::encode(&genesis.accounts[0].0);
        network
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long a machine under load may take for anything here.
const LIMIT: Duration = Duration::from_secs(180);
