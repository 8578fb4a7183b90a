//! A resident's side of the ledger: drives the light client's [`Participant`] over the swarm, as a tab does.
//!
//! The participant believes no source; this loop only carries bytes to and from the node, gossip to and from everyone,
//! does the proof of work on the blocking threads of the runtime, and keeps the roll of stakes and of what asks weigh.
//! Gossip waits in the words of the resident: as many messages as the network lets wait for a judgement.

use super::{mesh::Roll, now};
use crate::node::verdict;
use ::data::Random;
use commonware_codec::{Copying, DecodeExt, Encode};
use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    future::BoxFuture,
    stream::FuturesUnordered,
};
use ledger::{Amount, Key, PublicKey, Reply, query::MAX_REPLY_BYTES};
use light::{Alarm, Event, Participant, Signer, Source, Step, TransactionState};
use network::{GossipId, Network, PeerId, Topic};
use peer::{Control, EXPLORE, Listed, Places, shortlist};
use protocol::{
    exchange::{Claim, Modality, Unpaid},
    limits,
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};
use tokio::sync::watch;

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
    /// Somebody shows a purchase.
    Claim {
        /// Who.
        peer: PeerId,
        /// What it shows.
        claim: Box<Claim>,
        /// Positions that were paid for.
        respond: oneshot::Sender<Result<u64, Unpaid>>,
    },
    /// Answers are wanted.
    Buy(Buy),
    /// What each neighbour was worth lately, and the standard error of that.
    Scores(Vec<(PublicKey, f64, f64)>),
}

/// Answers of a peer that are to be paid for.
#[derive(Debug)]
pub struct Buy {
    /// Hot key of the peer.
    pub seller: PublicKey,
    /// How much.
    pub amount: Amount,
    /// Of the order; nobody can guess it.
    pub nonce: [u8; 32],
    /// What to show the seller once it is final, or why nothing was paid.
    pub respond: oneshot::Sender<Result<Claim, String>>,
}

/// Who lives by this loop.
#[derive(Debug)]
pub struct Part {
    /// What to call it.
    pub name: String,
    /// What it does on the ledger.
    pub role: Standing,
    /// Told whether purchases can be claimed here.
    pub sells: watch::Sender<bool>,
    /// The model that is told of masks, where there is one.
    pub control: Option<mpsc::UnboundedSender<Control>>,
}

/// What somebody does on the ledger.
#[derive(Clone, Copy, Debug)]
pub enum Standing {
    /// Registers, sets rows and sells answers.
    Joins {
        /// What it takes for 1,024 positions, base units.
        price: u64,
        /// Its own modality.
        modality: Modality,
        /// Fixes whom it tries.
        seed: u64,
    },
    /// Buys answers only.
    Buys,
}

enum Done {
    Nothing,
    Replied(u32, Result<Vec<u8>, String>),
    Searched(Option<u64>, u64),
}

/// Takes part until the network or the words end, or the chain cannot be believed any more.
pub async fn take_part(
    part: Part,
    mut participant: Participant,
    network: Network,
    mut words: mpsc::UnboundedReceiver<Word>,
    roll: Roll,
) {
    let mut open: FuturesUnordered<BoxFuture<'static, Done>> = FuturesUnordered::new();
    let Part { name, role, sells, control } = part;
    let mut purse = Purse { own: network.peer().to_bytes(), wanted: VecDeque::new(), paid: Vec::new() };
    let (price, mut circle) = match role {
        Standing::Joins { price, modality, seed } => {
            let (stakes, scores) = (Vec::new(), HashMap::new());
            participant.modality(modality);
            participant.join();
            (price, Some(Circle { modality, stakes, scores, random: Random::new(seed, CIRCLE) }))
        }
        Standing::Buys => (0, None),
    };
    participant.add_source(Source::new("node"));
    loop {
        purse.pay(&mut participant);
        while let Some(step) = participant.poll(now()) {
            open.push(begin(step, &network));
        }
        while let Some(event) = participant.next_event() {
            if let (Event::Neurons(neurons), Some(circle)) = (&event, &mut circle) {
                circle.stakes = neurons.iter().map(|(_, key, stake)| (*key, stake.0)).collect();
                if network.prefer(circle.wanted()).await.is_err() {
                    return;
                }
            }
            let Some(event) = purse.hear(event) else { continue };
            if !hear(&name, event, &roll, control.as_ref()) {
                return;
            }
        }
        let open_to_claims = participant.follower().sells();
        sells.send_if_modified(|known| core::mem::replace(known, open_to_claims) != open_to_claims);
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
                Some(Word::Claim { peer, claim, respond }) => {
                    // Who showed it may be gone.
                    let _ = respond.send(participant.claim(&claim, &peer.to_bytes(), price, now()));
                }
                Some(Word::Scores(scores)) => {
                    participant.scores(scores.iter().map(|(key, score, _)| (key.clone(), *score)).collect());
                    if let Some(circle) = &mut circle {
                        circle.scores =
                            scores.into_iter().map(|(key, score, error)| (key.into(), (score, error))).collect();
                    }
                }
                Some(Word::Buy(buy)) => purse.wanted.push_back(buy),
                None => return,
            },
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Purchases of this peer.
struct Purse {
    /// Bytes of the own peer id.
    own: Vec<u8>,
    /// Those that wait for the tables.
    wanted: VecDeque<Buy>,
    /// Those that wait for their block: (seller, who asked).
    paid: Vec<(PublicKey, oneshot::Sender<Result<Claim, String>>)>,
}

impl Purse {
    /// Signs what is wanted, once the tables are verified.
    fn pay(&mut self, participant: &mut Participant) {
        if participant.tables().is_none() {
            return;
        }
        while let Some(Buy { seller, amount, nonce, respond }) = self.wanted.pop_front() {
            match participant.purchase(Signer::Hot, &seller, amount, &self.own, nonce) {
                Ok(()) => self.paid.push((seller, respond)),
                // Who asked may be gone.
                Err(reason) => drop(respond.send(Err(reason))),
            }
        }
    }

    /// Hands claims out; gives back what is not about a purchase.
    fn hear(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Bought { seller, claim, .. } => {
                if let Some(at) = self.paid.iter().position(|(paid, _)| *paid == seller) {
                    let _ = self.paid.remove(at).1.send(Ok(*claim));
                }
                None
            }
            Event::Transaction { action, state: TransactionState::Refused(reason), .. }
                if action.to_string() == "purchase" && !self.paid.is_empty() =>
            {
                // A key has one transaction under way at a time, in the order in which they were wanted.
                let _ = self.paid.remove(0).1.send(Err(reason));
                None
            }
            other => Some(other),
        }
    }
}

/// Whom of all peers of the ledger to be connected with.
struct Circle {
    modality: Modality,
    stakes: Vec<(Key, u64)>,
    scores: HashMap<Key, (f64, f64)>,
    random: Random,
}

impl Circle {
    /// Those worth a connection, the best with the largest number. The ledger does not say what a peer represents: that
    /// comes with its hello.
    fn wanted(&mut self) -> BTreeMap<PublicKey, f64> {
        let total: f64 = self.stakes.iter().map(|(_, stake)| *stake as f64).sum();
        let listed: Vec<Listed> = self
            .stakes
            .iter()
            .map(|(key, stake)| Listed {
                modalities: self.modality.into(),
                stake: if total > 0.0 { *stake as f64 / total } else { 0.0 },
                rank: 1.0,
                score: self.scores.get(key).copied(),
                masked: false,
            })
            .collect();
        let places = Places { most: limits::CONNECTIONS, modality: self.modality, explore: EXPLORE };
        let chosen = shortlist(&listed, places, &mut self.random);
        let count = chosen.len();
        let worth = |(place, at): (usize, usize)| Some((self.stakes.get(at)?.0.public()?, (count - place) as f64));
        chosen.into_iter().enumerate().filter_map(worth).collect()
    }
}

/// What the stream of random numbers is for.
const CIRCLE: u64 = 6;

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
fn hear(name: &str, event: Event, roll: &Roll, control: Option<&mpsc::UnboundedSender<Control>>) -> bool {
    match event {
        Event::Neurons(neurons) => roll.stakes(neurons.into_iter().map(|(_, key, stake)| (key, stake))),
        Event::Askers(askers) => roll.askers(askers),
        Event::Masks(masks) => {
            let masks = masks.into_iter().map(|(key, mask)| (key.to_string(), mask)).collect();
            if let Some(control) = control {
                // A model that has ended multiplies nothing.
                drop(control.unbounded_send(Control::Masks(masks)));
            }
        }
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
        // The purse hears it first.
        Event::Bought { .. }
        | Event::Head { .. }
        | Event::Working { .. }
        | Event::Transaction { .. }
        | Event::Proposal { .. }
        | Event::Restored { .. } => {}
    }
    true
}

/// Longest time between two looks.
const IDLE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::Signer;

    #[test]
    fn those_that_were_worth_most_are_preferred_and_some_are_tried() {
        let key = |seed| ledger::PrivateKey::from_seed(seed).public_key();
        let stakes = (0..100).map(|seed| (Key::from(key(seed)), seed)).collect();
        let scores = (0..20).map(|seed| (Key::from(key(seed)), (seed as f64, 0.0))).collect();
        let mut circle = Circle { modality: Modality::Text, stakes, scores, random: Random::new(1, CIRCLE) };
        let wanted = circle.wanted();
        assert_eq!(wanted.len(), limits::CONNECTIONS);
        let best = wanted.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(key, _)| key.clone());
        assert_eq!(best, Some(key(19)));
        assert_eq!((0..20).filter(|seed| wanted.contains_key(&key(*seed))).count(), 12);
    }
}
