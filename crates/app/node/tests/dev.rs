//! The program as a person runs it: what it says when something is wrong, and a network that lives, is killed, and goes
//! on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A place with a site, a text and no data yet.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.at("site")).unwrap();
        fs::write(place.at("site/index.html"), "<!doctype html><title>Peerage</title>").unwrap();
        fs::write(place.at("text.txt"), "To be, or not to be, that is the question. ".repeat(200)).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `peerage dev` here, on free ports, and with these arguments.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peerage"));
        command.args(["dev", "--port", "0", "--data"]).arg(self.at("data"));
        command.arg("--site").arg(self.at("site")).args(arguments).stdin(Stdio::null());
        command.env("RUST_BACKTRACE", "1").env_remove("PEERAGE_LOG");
        command
    }

    /// Runs it to its end and checks that it says one sentence with `words` in it and nothing else.
    fn fails_with(&self, arguments: &[&str], words: &[&str]) {
        let Output { status, stderr, .. } = self.command(arguments).output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.starts_with("peerage: ") && !said.contains("panicked"), "{said}");
        for word in words {
            assert!(said.contains(word), "{said:?} does not say {word:?}");
        }
    }

    fn text(&self) -> String {
        self.at("text.txt").display().to_string()
    }
}

#[test]
fn a_text_that_is_missing_empty_or_none_is_one_sentence() {
    let place = Place::new();
    let path = place.at("other.txt");
    let other = path.display().to_string();
    place.fails_with(&["--corpus", &other], &["the corpus", &other, "is not there", "--corpus"]);
    fs::write(&path, "").unwrap();
    place.fails_with(&["--corpus", &other], &["is empty"]);
    fs::write(&path, [&[b'a'; 2_000][..], &[0xff, b'b']].concat()).unwrap();
    place.fails_with(&["--corpus", &other], &["not UTF-8 text", "offset 2000", "0xff"]);
    assert!(!place.at("data").exists(), "nothing was begun");
}

#[test]
fn a_missing_site_says_how_to_build_it() {
    let place = Place::new();
    fs::remove_file(place.at("site/index.html")).unwrap();
    place.fails_with(&[], &["the site is not built", "cargo xtask build"]);
}

#[test]
fn a_taken_port_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    place.fails_with(&["--p2p-port", &port], &[&format!("port {port} of 127.0.0.1 is taken"), "--p2p-port"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerage"));
    command.args(["dev", "--port", &port, "--p2p-port", "0", "--site"]).arg(place.at("site"));
    let output = command.arg("--data").arg(place.at("data")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("is taken") && said.contains("with --port"), "{said}");
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named_with_what_to_do() {
    let place = Place::new();
    fs::create_dir(place.at("data")).unwrap();
    let version = place.at("data/version");
    fs::write(&version, "7\n").unwrap();
    place.fails_with(&[], &["the data folder cannot be used", "format 7", "another folder"]);
    fs::write(&version, "seven\n").unwrap();
    place.fails_with(&[], &["damaged", &version.display().to_string()]);
    fs::write(&version, "3\n").unwrap();
    fs::write(place.at("data/genesis"), "none").unwrap();
    place.fails_with(&[], &["damaged", &place.at("data/genesis").display().to_string()]);
    fs::remove_file(&version).unwrap();
    place.fails_with(&[], &["no data folder", "another one"]);
}

#[test]
fn a_network_lives_is_killed_and_goes_on() {
    let place = Place::new();
    let text = place.text();
    let metrics = free().to_string();
    let arguments = ["--residents", "2", "--resident-share", "1", "--corpus", &text, "--metrics", &metrics];
    let mut node = Running::start(&place, &arguments);
    let page = node.get("/");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("content-security-policy: "), "{page}");
    assert!(node.get("/corpus").ends_with("that is the question. "));
    let first = node.bootstrap();
    let begun = node.height();
    assert_eq!(first["residents"].as_array().map(Vec::len), Some(2));
    assert_eq!(first["corpus"]["bytes"], fs::metadata(place.at("text.txt")).unwrap().len());

    // The ledger is there for people and tools, and so is the node's own state.
    let json =
        |path| serde_json::from_str::<serde_json::Value>(node.get(path).split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(json("/api/head")["chain"], first["chain"]);
    assert_eq!(json("/api/neurons")["total"], 2);
    assert_eq!((json("/health")["healthy"].as_bool(), json("/ready")["ready"].as_bool()), (Some(true), Some(true)));
    for figure in [
        "peerage_height ",
        "peerage_peers{path=\"websocket\"} 2.0",
        "peerage_http_requests_total{",
        "validator_node_engine_simplex_",
    ] {
        shown(&metrics, figure);
    }
    assert!(node.get("/metrics").starts_with("HTTP/1.1 404"), "figures are for the operator alone");

    // The residents learn from each other, and what they learned is signed and final.
    node.hears("action=set weights");
    place.fails_with(&["--corpus", &text], &["in use"]);
    node.child.kill().unwrap();
    node.child.wait().unwrap();

    // With one resident more, who must earn its place by proof of work.
    let arguments = ["--residents", "3", "--corpus", &text];
    let mut node = Running::start(&place, &arguments);
    let second = node.bootstrap();
    assert_eq!(first["chain"], second["chain"]);
    assert_eq!(first["validators"], second["validators"]);
    let height = node.height();
    assert!(height > begun, "{height} after {begun}");
    let checkpoint = second["checkpoint"]["height"].as_u64().unwrap();
    assert!(checkpoint <= height && checkpoint.is_multiple_of(10), "{checkpoint} is no end of an epoch of 10 blocks");
    let peer =
        |bootstrap: &serde_json::Value| bootstrap["node"][0].as_str().unwrap().rsplit('/').next().map(str::to_owned);
    assert_eq!(peer(&first), peer(&second));
    let registered = node.hears("action=register");
    assert!(registered.contains("Resident 2"), "{registered}");
    node.ends();

    // Damage to what only the engine reads is one sentence as well.
    let partitions = fs::read_dir(place.at("data/engine")).unwrap().map(|partition| partition.unwrap().path());
    let votes: Vec<_> = partitions.filter(|path| path.to_string_lossy().contains("/simplex-")).collect();
    assert!(!votes.is_empty());
    for file in votes.iter().flat_map(|partition| fs::read_dir(partition).unwrap()) {
        fs::write(file.unwrap().path(), [0xaa; 64]).unwrap();
    }
    let engine = place.at("data/engine").display().to_string();
    place.fails_with(&[], &["the engine has ended", "damaged", &engine]);
}

#[test]
fn every_kind_of_answer_carries_the_headers_that_keep_a_browser_safe() {
    let place = Place::new();
    fs::create_dir_all(place.at("site/market")).unwrap();
    fs::create_dir_all(place.at("site/lab")).unwrap();
    for page in ["market/index.html", "lab/index.html"] {
        fs::write(place.at("site").join(page), "<!doctype html><title>Peerage</title>").unwrap();
    }
    fs::write(place.at("site/lab/lab.js"), "go()").unwrap();
    fs::write(place.at("site/page-0123456789abcdef_bg.wasm"), "wasm").unwrap();
    let (metrics, text) = (free().to_string(), place.text());
    let node = Running::start(&place, &["--residents", "0", "--corpus", &text, "--metrics", &metrics]);
    node.height();
    let kinds = [
        ("/", 200),
        ("/market/", 200),
        ("/lab/", 200),
        ("/lab/lab.js", 200),
        ("/page-0123456789abcdef_bg.wasm", 200),
        ("/bootstrap.json", 200),
        ("/corpus", 200),
        ("/api/head", 200),
        ("/api/openapi.json", 200),
        ("/api/neurons/abc", 400),
        ("/api/nothing", 404),
        ("/health", 200),
        ("/ready", 200),
        ("/nothing", 404),
        ("/%2e%2e/data/validator.key", 404),
    ];
    let kinds = kinds.map(|(path, status)| (node.address.as_str(), path, status));
    for (address, path, status) in kinds.into_iter().chain([(&*metrics, "/metrics", 200), (&*metrics, "/", 404)]) {
        let answer = get(address, path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        let head = answer.split_once("\r\n\r\n").unwrap().0.to_lowercase();
        let values = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
        };
        let one = |name: &str| {
            let values = values(name);
            assert_eq!(values.len(), 1, "{path}: {name} in {head}");
            values[0].clone()
        };
        let policy = one("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors"), "{path}: {policy}");
        assert!(policy.contains("base-uri 'none'") && !policy.contains("unsafe-inline"), "{path}: {policy}");
        assert_eq!(one("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(one("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(one("cross-origin-opener-policy"), "same-origin", "{path}");
        let others = if path.starts_with("/lab/") { "cross-origin" } else { "same-origin" };
        assert_eq!(one("cross-origin-resource-policy"), others, "{path}");
        let permissions = one("permissions-policy");
        for asked in ["microphone=(self)", "camera=()", "geolocation=()", "usb=()"] {
            assert!(permissions.contains(asked), "{path}: {permissions}");
        }
        assert!(values("set-cookie").is_empty() && values("strict-transport-security").is_empty(), "{path}: {head}");
        assert!(values("server").is_empty(), "{path} says what serves it");
    }
}

#[test]
fn a_name_that_was_rebound_to_this_machine_reaches_no_node_of_it() {
    let place = Place::new();
    let (metrics, text) = (free().to_string(), place.text());
    let node = Running::start(&place, &["--residents", "0", "--corpus", &text, "--metrics", &metrics]);
    for (address, path) in [(&*node.address, "/corpus"), (&node.address, "/api/head"), (&metrics, "/metrics")] {
        let port = address.rsplit(':').next().unwrap();
        let answer = get_as(address, &format!("rebound.example:{port}"), path);
        assert!(answer.starts_with("HTTP/1.1 421") && answer.contains("--behind-proxy"), "{path}: {answer}");
        let answer = get_as(address, &format!("localhost:{port}"), path);
        assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 503"), "{path}: {answer}");
    }
    drop(node);
    // What is in front of it asks by the name that it was asked for.
    let node = Running::start(&place, &["--residents", "0", "--corpus", &text, "--tls-name", "peers.example"]);
    assert!(get_as(&node.address, "peers.example", "/corpus").starts_with("HTTP/1.1 200"));
}

#[test]
fn who_asks_for_texts_or_figures_without_end_is_told_to_wait() {
    let place = Place::new();
    let (metrics, text) = (free().to_string(), place.text());
    let node = Running::start(&place, &["--residents", "0", "--corpus", &text, "--metrics", &metrics]);
    node.height();
    // On one connection, so that it is not connections that are counted.
    let ask = |address: &str, path: &str, times: usize| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let one = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
        let last = format!("{one}Connection: close\r\n\r\n");
        stream.write_all((format!("{one}\r\n").repeat(times - 1) + &last).as_bytes()).unwrap();
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).unwrap();
        let answers = String::from_utf8_lossy(&answers).into_owned();
        [200, 429].map(|status| answers.matches(&format!("HTTP/1.1 {status} ")).count())
    };
    // A text counts as ten files, of which there are 4,000 at once.
    let [served, refused] = ask(&node.address, "/bootstrap.json", 600);
    assert!(served >= 390 && refused >= 100 && served + refused == 600, "{served} served, {refused} refused");
    let [served, refused] = ask(&metrics, "/metrics", 60);
    assert!(served >= 20 && refused >= 20 && served + refused == 60, "{served} served, {refused} refused");
    // The API has a bucket of its own.
    assert!(node.get("/api/head").starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_comes_by_gossip_is_included_and_heads_go_out() {
    use commonware_codec::{DecodeExt, Encode};
    use commonware_cryptography::Signer;
    use futures::StreamExt;
    use ledger::{Action, ChainId, Height, Nonce, PrivateKey, Puzzle, Query, Reply, Transaction};
    use network::{Config, Event, Keypair, Role, Topic};

    let place = Place::new();
    let node = Running::start(&place, &["--residents", "0", "--corpus", &place.text()]);
    let bootstrap = protocol::bootstrap::Bootstrap::parse(&node.bootstrap().to_string()).unwrap();
    let genesis = light::genesis(ChainId(bootstrap.chain), &bootstrap.genesis).unwrap();
    let nodes = network::addresses(&bootstrap.node).unwrap();
    let config = Config { nodes, ..Config::new(Keypair::generate_ed25519(), bootstrap.chain, Role::Resident) };
    let (network, mut events, driver) = network::start(config).unwrap();
    tokio::spawn(driver.run());

    let heard = async {
        loop {
            if let Some(Event::Gossip { topic: Topic::Heads, bytes, .. }) = events.next().await {
                return bytes;
            }
        }
    };
    let head = tokio::time::timeout(LIMIT, heard).await.expect("a head comes by gossip");
    let (header, finalization) = light::gossip::head(&head).unwrap();
    let epoch = light::epochs::of(header.height, genesis.parameters.tempo);
    let committee = light::Committee::new(genesis.chain(), epoch, &bootstrap.validators).unwrap();
    committee.verify(header.digest(), &finalization).unwrap();

    // It never asks the node to take its transaction; it only tells whoever is connected.
    let key = PrivateKey::from_seed(77);
    let puzzle = Puzzle {
        chain: genesis.chain(),
        key: key.public_key(),
        recent: header.digest(),
        difficulty: genesis.parameters.difficulty,
    };
    let work = puzzle.search(0, u64::MAX).unwrap();
    let action = Action::Register { cold: key.public_key(), modality: 0, recent: header.height, work };
    let expires = Height(header.height.get() + 30);
    let transaction = Transaction::sign(&key, genesis.chain(), Nonce(0), expires, action);
    network.publish(Topic::Transactions, transaction.encode().to_vec()).await.unwrap();

    let included = async {
        loop {
            let status = Query::Status { digest: transaction.digest() };
            let reply = network.ledger(status.encode().to_vec(), None).await.unwrap();
            if let Reply::Status(ledger::TransactionStatus::Included { height }) = Reply::decode(reply).unwrap() {
                return height;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let height = tokio::time::timeout(LIMIT, included).await.expect("it is included");
    assert!(height > header.height && height <= expires);
    network.shutdown().await.unwrap();
}

/// A network that runs.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    address: String,
}

impl Running {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(arguments);
        command.env("PEERAGE_LOG", "info").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        read(child.stdout.take().unwrap(), sender.clone());
        read(child.stderr.take().unwrap(), sender);
        let mut running = Self { child, lines, address: String::new() };
        let open = running.hears("Open http://");
        running.address = open.trim_start_matches("Open http://").trim().to_owned();
        running
    }

    /// Waits for a line with `words` in it.
    fn hears(&self, words: &str) -> String {
        let end = Instant::now() + LIMIT;
        let mut heard = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line.contains(words) {
                return line;
            }
            heard.push(line);
        }
        panic!("it never said {words:?} but\n{}", heard.join("\n"));
    }

    fn get(&self, path: &str) -> String {
        get(&self.address, path)
    }

    /// Of the newest final block, once there is one.
    fn height(&self) -> u64 {
        let end = Instant::now() + LIMIT;
        loop {
            let response = self.get("/api/head");
            let head: serde_json::Value = serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap();
            match head["header"]["height"].as_u64() {
                Some(height) => return height,
                None => assert!(Instant::now() < end, "no block became final: {response}"),
            }
            // Who asks more often is told to wait.
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn bootstrap(&self) -> serde_json::Value {
        let response = self.get("/bootstrap.json");
        let text = response.split_once("\r\n\r\n").unwrap().1;
        protocol::bootstrap::Bootstrap::parse(text).unwrap();
        serde_json::from_str(text).unwrap()
    }

    /// Asks it to end and checks that it does, without complaint.
    fn ends(&mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(asked.success());
        self.hears("Stopping");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    get_as(address, address, path)
}

fn get_as(address: &str, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

/// An address of this machine that nobody listens at.
/// Waits until the figures for operators hold `figure`: residents connect when they have started.
fn shown(metrics: &str, figure: &str) {
    let end = Instant::now() + LIMIT;
    loop {
        let figures = get(metrics, "/metrics");
        if figures.contains(figure) {
            return;
        }
        assert!(Instant::now() < end, "{figure} is not in {figures}");
        thread::sleep(Duration::from_millis(200));
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn read(from: impl Read + Send + 'static, sender: mpsc::Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
}

/// How long a machine under load may take for anything here.
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn help_names_every_option() {
    let output = Command::new(env!("CARGO_BIN_EXE_peerage")).args(["dev", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for option in
        ["--port", "--p2p-port", "--host", "--data", "--corpus", "--residents", "--resident-share", "--site", "--open"]
            .into_iter()
            .chain(["--tls-cert", "--tls-key", "--tls-name", "--behind-proxy", "--metrics", "--log-format"])
    {
        assert!(help.contains(option), "{help}");
    }
}
