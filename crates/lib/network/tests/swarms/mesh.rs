//! What works: hello both ways, exchanges by websocket and by circuit, ledger queries, gossip, a node that comes back.

use crate::world::{LIMIT, Swarm, chain, key};
use peerage_network::{Config, Event, Keypair, LedgerError, Multiaddr, Path, Role, Topic, Verdict};
use protocol::exchange::Kind;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn residents_and_tabs_find_each_other_and_exchange() {
    let chain = chain("one");
    let identity = Keypair::generate_ed25519();
    let node = Swarm::node(chain, &identity, None);
    let (_, address) = node.address().await;
    let _node = node.echo();
    let mut residents = [Swarm::resident(chain, &address, 1), Swarm::resident(chain, &address, 2)];
    let mut tabs = [Swarm::tab(chain, &address, 3), Swarm::tab(chain, &address, 4)];

    let [first, second] = &mut residents;
    let (peer_first, peer_second) = (first.peer(), second.peer());
    let (met_second, met_first) = tokio::join!(first.meets(peer_second), second.meets(peer_first));
    assert_eq!((met_second.kind, met_second.path), (Kind::Resident, Path::Websocket));
    assert_eq!((met_second.key, met_first.key), (Some(key(2)), Some(key(1))));

    let [a, b] = &mut tabs;
    let (peer_a, peer_b) = (a.peer(), b.peer());
    let (met_b, met_a) = tokio::join!(a.meets(peer_b), b.meets(peer_a));
    assert_eq!((met_b.kind, met_b.path), (Kind::Tab, Path::Relayed));
    assert_eq!((met_a.kind, met_a.path), (Kind::Tab, Path::Relayed));
    assert_eq!((met_b.key, met_a.key), (Some(key(4)), Some(key(3))));

    // Each tab may have met the residents before the other tab: they are asked once they are connected.
    let [first, second] = residents.map(Swarm::echo);
    let [a, b] = tabs.map(Swarm::echo);
    for (asker, peer) in [(&a, &b), (&b, &a), (&first, &second)] {
        let answer = asker.exchange(peer.peer(), vec![1, 1, 2, 3], DEADLINE).await.unwrap();
        assert_eq!(answer, [3, 2, 1, 1]);
    }
    let long: Vec<u8> = (0..300_000u32).map(|value| value as u8).collect();
    let answer = a.exchange(b.peer(), long.clone(), DEADLINE).await.unwrap();
    assert!(answer.iter().eq(long.iter().rev()));
    let both = async {
        while a.snapshot().await.unwrap().connections.iter().filter(|peer| peer.kind == Some(Kind::Resident)).count()
            < 2
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, both).await.expect("the tab meets both residents");
    for resident in [&first, &second] {
        assert_eq!(a.exchange(resident.peer(), vec![1, 1, 9], DEADLINE).await.unwrap(), [9, 1, 1]);
    }

    // A tab answers queries of the ledger, a resident does not; nobody answers for another.
    assert_eq!(a.ledger(vec![4, 5], Some(b.peer())).await.unwrap(), [5, 4]);
    assert!(matches!(a.ledger(vec![4, 5], Some(first.peer())).await, Err(LedgerError::Lost { .. })));
    let nobody = Keypair::generate_ed25519().public().to_peer_id();
    assert!(
        matches!(a.ledger(vec![4, 5], Some(nobody)).await, Err(LedgerError::NotConnected { peer }) if peer == nobody)
    );

    let traffic = a.snapshot().await.unwrap().traffic;
    assert_eq!((traffic.asked.relayed.tabs, traffic.asked.websocket.residents), (2, 2));
    assert_eq!((traffic.served.relayed.tabs, traffic.failed), (1, 0));
    assert!(traffic.bytes_out > 300_000 && traffic.bytes_in > 300_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_asked_through_the_node_and_heads_are_heard() {
    let chain = chain("one");
    let identity = Keypair::generate_ed25519();
    let node = Swarm::node(chain, &identity, None);
    let (_, address) = node.address().await;
    let node = node.echo();
    // Nobody listens on port 1.
    let nowhere =
        "/ip4/127.0.0.1/tcp/1/ws".parse::<Multiaddr>().unwrap().with_p2p(identity.public().to_peer_id()).unwrap();
    let lost = Swarm::tab(chain, &nowhere, 2);
    assert!(matches!(lost.network.ledger(vec![1], None).await, Err(LedgerError::NoNode)));
    let mut tab = Swarm::tab(chain, &address, 1);
    tab.up().await;
    assert_eq!(tab.network.ledger(vec![1, 2, 3], None).await.unwrap(), [3, 2, 1]);

    // The subscription of the tab may still be on its way: a head is published until one is heard.
    let mut height = 0u8;
    let heard = loop {
        height += 1;
        node.publish(Topic::Heads, vec![height]).await.unwrap();
        let head = tab.until("a head", |event| match event {
            Event::Gossip { topic: Topic::Heads, bytes, .. } => Some(bytes),
            _ => None,
        });
        if let Ok(bytes) = tokio::time::timeout(Duration::from_millis(300), head).await {
            break bytes;
        }
        assert!(height < 100, "no head was heard");
    };
    assert!(heard[0] <= height);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossip_goes_on_only_once_it_is_accepted() {
    let chain = chain("one");
    let mut node = Swarm::node(chain, &Keypair::generate_ed25519(), None);
    let (_, address) = node.address().await;
    // A tab and another node, which know nobody but the node between them.
    let mut tab = Swarm::tab(chain, &address, 1);
    let config = Config::new(Keypair::generate_ed25519(), chain, Role::Node);
    let mut far = Swarm::start(Config { nodes: vec![address], ..config });
    tokio::join!(tab.up(), far.up());

    // The even ones are true. Subscriptions may still be on their way.
    let network = node.network.clone();
    tokio::spawn(async move {
        node.until("the end", |event| {
            if let Event::Gossip { topic: Topic::Transactions, bytes, id } = event {
                let verdict = if bytes[0].is_multiple_of(2) { Verdict::Accept } else { Verdict::Reject };
                let network = network.clone();
                tokio::spawn(async move { network.judge(id, verdict).await });
            }
            None::<()>
        })
        .await;
    });
    // Until one has arrived only true ones, since who tells false ones is not heard for long.
    let (mut heard, mut lied) = (false, false);
    for number in (0..=u8::MAX).filter(|number| number.is_multiple_of(2)) {
        if heard && !lied {
            tab.network.publish(Topic::Transactions, vec![number + 1]).await.unwrap();
            lied = true;
        }
        tab.network.publish(Topic::Transactions, vec![number]).await.unwrap();
        let next = far.until("gossip", |event| match event {
            Event::Gossip { topic: Topic::Transactions, bytes, .. } => Some(bytes),
            _ => None,
        });
        if let Ok(bytes) = tokio::time::timeout(Duration::from_millis(250), next).await {
            assert!(bytes[0].is_multiple_of(2), "a rejected message went on");
            if lied && bytes[0] == number {
                return;
            }
            heard = true;
        }
    }
    panic!("no gossip was heard");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_is_found_again() {
    let chain = chain("one");
    let identity = Keypair::generate_ed25519();
    let node = Swarm::node(chain, &identity, None);
    let (bare, address) = node.address().await;
    let mut a = Swarm::tab(chain, &address, 1);
    let mut b = Swarm::tab(chain, &address, 2);
    let (peer_a, peer_b) = (a.peer(), b.peer());
    tokio::join!(a.meets(peer_b), b.meets(peer_a));

    node.network.shutdown().await.unwrap();
    drop(node);
    let (reason, retry_ms) = a
        .until("the node is gone", |event| match event {
            Event::NodeDown { reason, retry_ms, .. } => Some((reason, retry_ms)),
            _ => None,
        })
        .await;
    // The circuit and the connection under it end in either order.
    assert!(reason.starts_with("the connection to the node ended") || reason.starts_with("the node ended"), "{reason}");
    assert_eq!(retry_ms, 500);
    // The pause grows while it is away, and the reason changes.
    let (reason, retry_ms) = a
        .until("it is still away", |event| match event {
            Event::NodeDown { reason, retry_ms, .. } => Some((reason, retry_ms)),
            _ => None,
        })
        .await;
    assert!(reason.starts_with("the node cannot be reached"), "{reason}");
    assert_eq!(retry_ms, 1_000);

    let _node = Swarm::node(chain, &identity, Some(bare));
    a.up().await;
    tokio::join!(a.meets(peer_b), b.meets(peer_a));
    let (a, b) = (a.echo(), b.echo());
    assert_eq!(a.exchange(b.peer(), vec![1, 1, 5], DEADLINE).await.unwrap(), [5, 1, 1]);
}
