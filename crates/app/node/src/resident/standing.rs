//! A resident's side of the ledger: drives the light client's [`Participant`] over the swarm, as a tab does.
//!
//! The participant believes no source; this loop only carries bytes to and from the node, gossip to and from everyone,
//! does the proof of work on the blocking threads of the runtime, and keeps the roll of stakes and of what asks weigh.
//! Gossip waits in the words of the resident: as many messages as the network lets wait for a judgement.

use super::{mesh::Roll, now};
use crate::node::verdict;
use commonware_codec::{Copying, DecodeExt, Encode};
use futures::{FutureExt, StreamExt, channel::mpsc, future::BoxFuture, stream::FuturesUnordered};
use ledger::{PublicKey, Reply, query::MAX_REPLY_BYTES};
use light::{Alarm, Event, Participant, Source, Step, TransactionState};
use network::{GossipId, Network, Topic};
use std::time::Duration;

/// What the rest of the resident has to say.
#[derive(Debug)]
pub enum Word {
    /// There may be a newer head.
    Hint,
    /// Somebody passes something around.
    Gossip {
        /// What about.
        topic: Topic,
        /// As it came.
        bytes: Vec<u8>,
        /// For the verdict.
        id: GossipId,
    },
    /// What each neighbour was worth lately, and the standard error of that.
    Scores(Vec<(PublicKey, f64, f64)>),
}

enum Done {
    Nothing,
    Replied(u32, Result<Vec<u8>, String>),
    Searched(Option<u64>, u64),
}

/// Takes part until the network or the words end, or the chain cannot be believed any more.
pub async fn take_part(
    name: String,
    mut participant: Participant,
    network: Network,
    mut words: mpsc::UnboundedReceiver<Word>,
    roll: Roll,
) {
    let mut open: FuturesUnordered<BoxFuture<'static, Done>> = FuturesUnordered::new();
    participant.add_source(Source::new("node"));
    participant.join();
    loop {
        while let Some(step) = participant.poll(now()) {
            open.push(begin(step, &network));
        }
        while let Some(event) = participant.next_event() {
            if !hear(&name, event, &roll) {
                return;
            }
        }
        let wait = participant.deadline().map_or(IDLE, |at| Duration::from_millis(at.saturating_sub(now())).min(IDLE));
        tokio::select! {
            Some(done) = open.next(), if !open.is_empty() => match done {
                Done::Replied(id, Ok(bytes)) => match Reply::decode(Copying(&bytes)) {
                    Ok(reply) if bytes.len() <= MAX_REPLY_BYTES => participant.handle_reply(id, reply, now()),
                    Ok(_) => participant.handle_failed(id, now()),
                    Err(error) => participant.handle_malformed(id, &error, bytes.len(), now()),
                },
                Done::Replied(id, Err(reason)) => {
                    tracing::debug!(resident = name, reason, "a query got no reply");
                    participant.handle_failed(id, now());
                }
                Done::Searched(found, tried) => participant.handle_search(found, tried, now()),
                Done::Nothing => {}
            },
            word = words.next() => match word {
                Some(Word::Hint) => participant.hint(),
                Some(Word::Gossip { topic, bytes, id }) => {
                    let judgement = match topic {
                        Topic::Heads => participant.handle_gossiped_head(&bytes, now()),
                        Topic::Transactions => participant.handle_gossiped_transaction(&bytes, now()),
                    };
                    if network.judge(id, verdict(judgement)).await.is_err() {
                        return;
                    }
                }
                Some(Word::Scores(scores)) => participant.scores(scores.into_iter().map(|(key, score, _)| (key, score)).collect()),
                None => return,
            },
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Begins one step.
fn begin(step: Step, network: &Network) -> BoxFuture<'static, Done> {
    match step {
        // A resident lives as long as its node, which keeps the ledger itself; its hot key owns its stake.
        Step::Keep { .. } | Step::Sign { .. } => futures::future::ready(Done::Nothing).boxed(),
        Step::Query { id, query, .. } => {
            let network = network.clone();
            let bytes = query.encode().to_vec();
            async move { Done::Replied(id, network.ledger(bytes, None).await.map_err(|error| error.to_string())) }
                .boxed()
        }
        Step::Publish { transaction } => {
            let network = network.clone();
            async move {
                // A network that has stopped reaches nobody.
                let _ = network.publish(Topic::Transactions, transaction.encode().to_vec()).await;
                Done::Nothing
            }
            .boxed()
        }
        Step::Search { puzzle, start, count } => {
            let search = tokio::task::spawn_blocking(move || puzzle.search(start, count));
            async move {
                let found = search.await.ok().flatten();
                Done::Searched(found, found.map_or(count, |work| work.wrapping_sub(start).saturating_add(1)))
            }
            .boxed()
        }
    }
}

/// Hears one event; `false` when nothing more will come.
fn hear(name: &str, event: Event, roll: &Roll) -> bool {
    match event {
        Event::Neurons(neurons) => roll.stakes(neurons.into_iter().map(|(_, key, stake)| (key, stake))),
        Event::Askers(askers) => roll.askers(askers),
        Event::Transaction { action, state: TransactionState::Included(height), .. } => {
            tracing::info!(resident = name, %action, %height, "is on the ledger");
        }
        Event::Transaction { action, state: TransactionState::Refused(reason), .. } => {
            tracing::warn!(resident = name, %action, reason, "was refused");
        }
        Event::Alarm(alarm @ Alarm::Stopped(_)) => {
            tracing::error!(resident = name, %alarm, "takes no more part in the ledger");
            return false;
        }
        Event::Alarm(alarm) => tracing::warn!(resident = name, %alarm),
        Event::Own(own) => {
            tracing::debug!(resident = name, height = %own.height, stake = %own.stake, figures = ?own.figures, "stands");
        }
        Event::Unsigned(reason) => tracing::info!(resident = name, reason, "signs nothing now"),
        Event::Audit(audit) => {
            tracing::debug!(resident = name, epoch = audit.epoch, outcome = ?audit.outcome, "audited");
        }
        Event::Head { .. }
        | Event::Working { .. }
        | Event::Transaction { .. }
        | Event::Proposal { .. }
        | Event::Restored { .. } => {}
    }
    true
}

/// Longest time between two looks.
const IDLE: Duration = Duration::from_secs(5);
