//! The node's part in the network: relay and directory are the swarm's own; here it answers queries of the ledger, tells
//! everyone of new final blocks, and judges what others tell.
//!
//! Whoever is connected may query. A query is parsed and bounded by the engine's service; here only how many are worked
//! on at a time is bounded, and what comes beyond that gets no reply.

mod gossip;

use crate::fault;
use anyhow::{Error, Result, anyhow};
use commonware_codec::Encode;
use consensus::LedgerHandle;
use futures::{StreamExt, channel::mpsc};
use gossip::Judge;
pub use gossip::verdict;
use ledger::Genesis;
use network::{Event, Keypair, Multiaddr, Network, Role, Sources};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Starts the node's swarm on the current tokio runtime, within what `sources` bound: its handle, and a future that resolves when it has ended.
pub fn start(
    identity: Keypair,
    genesis: &Genesis,
    listen: Multiaddr,
    ledger: &LedgerHandle,
    sources: Option<Sources>,
) -> Result<(Network, impl Future<Output = Error> + use<>)> {
    let judge = Judge(ledger.clone());
    let listen = vec![listen];
    let config = network::Config { listen, sources, ..network::Config::new(identity, genesis.chain().0, Role::Node) };
    let (network, events, driver) = network::start(config)?;
    let driver = tokio::spawn(driver.run());
    let answers = tokio::spawn(answer(events, network.clone(), ledger.clone(), judge));
    let heads = tokio::spawn(publish(ledger.clone(), network.clone()));
    let ends = async move {
        tokio::select! {
            _ = driver => anyhow!("the network has ended{}", fault::why()),
            _ = answers => anyhow!("the network has ended{}", fault::why()),
            _ = heads => anyhow!("the ledger has ended{}", fault::why()),
        }
    };
    Ok((network, ends))
}

/// Answers queries and judges gossip until the network ends.
async fn answer(mut events: mpsc::Receiver<Event>, network: Network, ledger: LedgerHandle, judge: Judge) {
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    while let Some(event) = events.next().await {
        match event {
            Event::LedgerQuery { peer, bytes, respond } => {
                let Ok(seat) = room.clone().try_acquire_owned() else {
                    tracing::debug!(%peer, "too many queries at a time");
                    continue;
                };
                let ledger = ledger.clone();
                tokio::spawn(async move {
                    let reply = ledger.answer(&bytes).await;
                    // Whoever asked may be gone.
                    let _ = respond.send(reply.to_vec());
                    drop(seat);
                });
            }
            Event::Gossip { topic, bytes, id } => {
                let verdict = judge.judge(topic, &bytes);
                if network.judge(id, verdict).await.is_err() {
                    return;
                }
            }
            Event::Refused { peer, reason } => tracing::info!(%peer, reason, "turned away"),
            _ => {}
        }
    }
}

/// Publishes each final block with its certificate, an encoded [`ledger::Reply::Head`], until ledger or network end.
async fn publish(ledger: LedgerHandle, network: Network) {
    let mut heads = ledger.heads();
    while heads.changed().await.is_ok() {
        let head = heads.borrow_and_update().clone();
        if let Some(head) = head
            && network.publish(network::Topic::Heads, head.reply().encode().to_vec()).await.is_err()
        {
            return;
        }
    }
}

/// Most queries worked on at a time.
const AT_A_TIME: usize = 64;
