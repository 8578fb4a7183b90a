//! What goes wrong: silence, too much, a foreign chain, another's record, a port in use, a peer that is not there.

use crate::world::{LIMIT, Swarm, chain, hello};
use libp2p::multiaddr::Protocol;
use peerage_network::{
    Config, Event, ExchangeError, Keypair, LedgerError, PeerId, Role, Share, Sources, StartError, Stopped, Topic,
    Verdict,
};
use protocol::{
    exchange::{Kind, Refuse, Response},
    limits,
};
use std::time::Duration;
use tokio::{io::AsyncReadExt, net::TcpSocket, time::timeout};

/// Two residents that have met, with the node that introduced them.
async fn pair() -> (Swarm, Swarm, Swarm) {
    let chain = chain("one");
    let node = Swarm::node(chain, &Keypair::generate_ed25519(), None);
    let (_, address) = node.address().await;
    let (mut a, mut b) = (Swarm::resident(chain, &address, 1), Swarm::resident(chain, &address, 2));
    let (peer_a, peer_b) = (a.peer(), b.peer());
    tokio::join!(a.meets(peer_b), b.meets(peer_a));
    (node, a, b)
}

/// What `swarm` says when it turns a peer away.
async fn refusal(swarm: &mut Swarm, peer: PeerId) -> String {
    swarm
        .until("a refusal", |event| match event {
            Event::Refused { peer: refused, reason } if refused == peer => Some(reason),
            Event::Neighbour { peer: met, .. } if met == peer => panic!("it should be no neighbour"),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_never_answers_meets_the_deadline() {
    let (_node, a, b) = pair().await;
    let error = a.network.exchange(b.peer(), vec![1, 1], Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error, ExchangeError::Deadline { ms: 200 }), "{error}");
    assert_eq!(a.network.snapshot().await.unwrap().connections.iter().filter(|peer| peer.peer == b.peer()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_opens_connections_and_says_nothing_keeps_nobody_else_out() {
    let chain = chain("one");
    let share = Share { connections: 8, of_one: 3, a_second: 1, at_once: 8, bytes: 1 << 20 };
    let sources = Sources::new(share, &[]);
    let listen = vec!["/ip4/127.0.0.1/tcp/0/ws".parse().unwrap()];
    let own = Config::new(Keypair::generate_ed25519(), chain, Role::Node);
    let node = Swarm::start(Config { listen, sources: Some(sources.clone()), ..own });
    let (bare, address) = node.address().await;
    let Some(Protocol::Tcp(port)) = bare.iter().nth(1) else { panic!("{bare} has no port") };
    let silent = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
        socket.connect(([127, 0, 0, 1], port).into()).await.unwrap()
    };
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(silent().await);
    }
    while sources.tally() != (3, [("full", 0), ("crowd", 5), ("haste", 0)]) {
        tokio::task::yield_now().await;
    }
    // Those that were let in wait for their deadline; the others are closed.
    assert_eq!(timeout(LIMIT, held[7].read(&mut [0; 1])).await.unwrap().unwrap_or(0), 0);
    Swarm::tab(chain, &address, 1).up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_asks_for_no_more_than_its_share() {
    let (_node, a, mut b) = pair().await;
    let held: Vec<_> = (0..limits::OPEN_PER_PEER)
        .map(|_| {
            let (network, peer) = (a.network.clone(), b.peer());
            tokio::spawn(async move { network.exchange(peer, vec![1, 1], Duration::from_secs(30)).await })
        })
        .collect();
    let mut responds = Vec::new();
    while responds.len() < held.len() {
        responds.push(
            b.until("a request", |event| match event {
                Event::Request { respond, .. } => Some(respond),
                _ => None,
            })
            .await,
        );
    }
    let answer = a.network.exchange(b.peer(), vec![1, 1], Duration::from_secs(5)).await.unwrap();
    assert!(matches!(Response::from_bytes(&answer).unwrap(), Response::Refuse(Refuse::Busy { .. })));
    // An owner that drops a request refuses it.
    drop(responds);
    for request in held {
        let answer = request.await.unwrap().unwrap();
        assert_eq!(Response::from_bytes(&answer).unwrap(), Response::Refuse(Refuse::NotTraining));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_long_is_refused_before_it_is_sent_and_after_it_was_received() {
    let (_node, a, mut b) = pair().await;
    let bytes = limits::MESSAGE_BYTES + 1;
    let error = a.network.exchange(b.peer(), vec![0; bytes], Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error, ExchangeError::TooLong { .. }), "{error}");
    // A response that is too long is refused by the one who would send it.
    let network = a.network.clone();
    let peer = b.peer();
    let asked = tokio::spawn(async move { network.exchange(peer, vec![1, 1], Duration::from_secs(20)).await });
    let respond = b
        .until("a request", |event| match event {
            Event::Request { respond, .. } => Some(respond),
            _ => None,
        })
        .await;
    respond.send(vec![0; bytes]).unwrap();
    let answer = asked.await.unwrap().unwrap();
    assert_eq!(Response::from_bytes(&answer).unwrap(), Response::Refuse(Refuse::NotTraining));
    let query = vec![0; limits::LEDGER_QUERY_BYTES + 1];
    assert!(matches!(a.network.ledger(query, None).await, Err(LedgerError::TooLong { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_chain_is_refused_by_both() {
    let (one, two) = (chain("one"), chain("two"));
    let node = Swarm::node(one, &Keypair::generate_ed25519(), None);
    let (_, address) = node.address().await;
    let (mut a, mut b) = (Swarm::resident(one, &address, 1), Swarm::resident(two, &address, 2));
    let (peer_a, peer_b) = (a.peer(), b.peer());
    let (by_a, by_b) = tokio::join!(refusal(&mut a, peer_b), refusal(&mut b, peer_a));
    // Whoever is greeted names both chains; the greeter hears of the other's.
    assert!(by_a.contains(&two.to_string()) || by_a.contains("refused the hello"), "{by_a}");
    assert!(by_b.contains(&one.to_string()), "{by_b}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_of_another_peer_is_refused() {
    let chain = chain("one");
    let node = Swarm::node(chain, &Keypair::generate_ed25519(), None);
    let (_, address) = node.address().await;
    let mut honest = Swarm::resident(chain, &address, 1);
    let thief = Swarm::start(Config {
        nodes: vec![address],
        listen: vec!["/ip4/127.0.0.1/tcp/0/ws".parse().unwrap()],
        hello: Some(hello(chain, Kind::Resident, &Keypair::generate_ed25519(), 9)),
        ..Config::new(Keypair::generate_ed25519(), chain, Role::Resident)
    });
    let reason = refusal(&mut honest, thief.peer()).await;
    assert_eq!(reason, "its record names another peer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_not_connected_is_not_asked() {
    let (_node, a, _b) = pair().await;
    let nobody = Keypair::generate_ed25519().public().to_peer_id();
    let error = a.network.exchange(nobody, vec![1, 1], Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error, ExchangeError::NotConnected { peer } if peer == nobody), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_named() {
    let chain = chain("one");
    let identity = Keypair::generate_ed25519();
    let node = Swarm::node(chain, &identity, None);
    let (bare, _) = node.address().await;
    let second =
        peerage_network::start(Config { listen: vec![bare.clone()], ..Config::new(identity, chain, Role::Node) });
    assert!(matches!(second, Err(StartError::Listen { address, .. }) if address == bare));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gossips_rubbish_is_not_heard_any_more() {
    let chain = chain("one");
    let mut node = Swarm::node(chain, &Keypair::generate_ed25519(), None);
    let (_, address) = node.address().await;
    let (mut liar, mut honest) = (Swarm::tab(chain, &address, 1), Swarm::tab(chain, &address, 2));
    tokio::join!(liar.up(), honest.up());
    let (rejected, mut ignored_since) = (std::cell::Cell::new(0), None);
    for number in 0..100u8 {
        liar.network.publish(Topic::Heads, vec![0, number]).await.unwrap();
        honest.network.publish(Topic::Heads, vec![1, number]).await.unwrap();
        // What the honest one says is the beat: the liar's is heard before it, or not at all.
        let network = node.network.clone();
        let before = rejected.get();
        let beat = node.until("an honest message", |event| match event {
            Event::Gossip { bytes, id, .. } => {
                let verdict = if bytes[0] == 1 { Verdict::Ignore } else { Verdict::Reject };
                rejected.set(rejected.get() + u32::from(bytes[0] == 0));
                tokio::spawn({
                    let network = network.clone();
                    async move { network.judge(id, verdict).await }
                });
                (bytes[0] == 1).then_some(())
            }
            _ => None,
        });
        let heard = timeout(Duration::from_millis(300), beat).await.is_ok();
        if heard && rejected.get() == before && rejected.get() > 4 {
            let since = *ignored_since.get_or_insert(number);
            if number - since > 10 {
                return;
            }
        } else if rejected.get() != before {
            ignored_since = None;
        }
    }
    panic!("the node still listened after {} rejected messages", rejected.get());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_ends_the_pause_before_the_next_attempt() {
    let chain = chain("one");
    let identity = Keypair::generate_ed25519();
    let node = Swarm::node(chain, &identity, None);
    let (bare, address) = node.address().await;
    let mut tab = Swarm::tab(chain, &address, 1);
    tab.up().await;
    tab.network.refresh().await.unwrap();
    node.network.shutdown().await.unwrap();
    drop(node);
    // The pauses grow to seconds.
    tab.until("a long pause", |event| match event {
        Event::NodeDown { retry_ms, .. } if retry_ms >= 4_000 => Some(()),
        Event::NodeDown { reason, .. } => {
            assert!(!reason.contains("does not answer"), "it had answered the refresh: {reason}");
            None
        }
        _ => None,
    })
    .await;
    let _node = Swarm::node(chain, &identity, Some(bare));
    let asked = std::time::Instant::now();
    tab.network.refresh().await.unwrap();
    tab.up().await;
    assert!(asked.elapsed() < Duration::from_secs(3), "it waited for the pause: {:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_end_every_call_says_so() {
    let chain = chain("one");
    let node = Swarm::node(chain, &Keypair::generate_ed25519(), None);
    node.network.shutdown().await.unwrap();
    assert_eq!(node.network.shutdown().await, Err(Stopped));
    assert!(matches!(node.network.ledger(vec![], None).await, Err(LedgerError::Stopped(_))));
}
