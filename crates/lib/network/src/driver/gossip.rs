//! Gossip: what is new on the ledger, from anyone to everyone. Nothing is passed on before the owner has judged it.
//!
//! Messages carry no author: the same head from two nodes is one message, and what it is worth stands in it. A hostile peer could send
//! rubbish, each of which costs a verification: a few a second are judged for each peer that hands them on, and few wait at a time;
//! what is more is dropped. One whose messages are rejected again and again is not heard any more for some minutes.

use super::Driver;
use crate::{Event, GossipId, Topic, Verdict};
use libp2p::{
    PeerId,
    gossipsub::{self, MessageAcceptance, MessageId},
};
use std::{collections::BTreeMap, time::Duration};
use web_time::Instant;

/// Messages that wait for a verdict.
#[derive(Debug, Default)]
pub(super) struct Gossip {
    waiting: BTreeMap<GossipId, Waiting>,
    last: u64,
    /// Of each peer: since when is counted, and how many came.
    counts: BTreeMap<PeerId, (Instant, u32)>,
}

#[derive(Debug)]
struct Waiting {
    message: MessageId,
    from: PeerId,
    since: Instant,
}

impl Gossip {
    /// Whether one more of `peer` may be judged now.
    fn admits(&mut self, peer: PeerId, now: Instant) -> bool {
        self.counts.retain(|_, (since, _)| now.saturating_duration_since(*since) < SECOND);
        let (_, count) = self.counts.entry(peer).or_insert((now, 0));
        *count += 1;
        *count <= A_SECOND && self.waiting.len() < WAITING
    }

    fn wait(&mut self, message: MessageId, from: PeerId, now: Instant) -> GossipId {
        self.last += 1;
        let id = GossipId(self.last);
        self.waiting.insert(id, Waiting { message, from, since: now });
        id
    }
}

impl Driver {
    pub(super) fn on_gossip(&mut self, event: gossipsub::Event, now: Instant) {
        let gossipsub::Event::Message { propagation_source: from, message_id, message } = event else { return };
        self.traffic.bytes_in += message.data.len() as u64;
        let topic = Topic::ALL.into_iter().find(|topic| topic.of(self.config.chain).hash() == message.topic);
        let Some(topic) = topic.filter(|_| self.gossip.admits(from, now)) else {
            return self.report(&message_id, &from, MessageAcceptance::Ignore);
        };
        let id = self.gossip.wait(message_id, from, now);
        if self.events.offer(Event::Gossip { topic, bytes: message.data, id }).is_some() {
            self.judge(id, Verdict::Ignore);
        }
    }

    pub(super) fn judge(&mut self, id: GossipId, verdict: Verdict) {
        let Some(Waiting { message, from, .. }) = self.gossip.waiting.remove(&id) else { return };
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        self.report(&message, &from, acceptance);
    }

    pub(super) fn publish(&mut self, topic: Topic, bytes: Vec<u8>) {
        self.traffic.bytes_out += bytes.len() as u64;
        let topic = topic.of(self.config.chain);
        // Nobody to publish to, and something published twice, are no failures.
        if let Err(error) = self.swarm.behaviour_mut().gossip.publish(topic, bytes) {
            tracing::debug!(%error, "not published");
        }
    }

    /// Forgets messages that nobody judged in time.
    pub(super) fn drop_unjudged(&mut self, now: Instant) {
        let late = |waiting: &Waiting| now.saturating_duration_since(waiting.since) > PATIENCE;
        let late: Vec<GossipId> =
            self.gossip.waiting.iter().filter(|(_, waiting)| late(waiting)).map(|(id, _)| *id).collect();
        for id in late {
            self.judge(id, Verdict::Ignore);
        }
    }

    fn report(&mut self, message: &MessageId, from: &PeerId, acceptance: MessageAcceptance) {
        self.swarm.behaviour_mut().gossip.report_message_validation_result(message, from, acceptance);
    }
}

/// Messages of one peer that are judged in a second: a block has one head and up to a few dozen transactions, and many hand them on.
const A_SECOND: u32 = 64;
const SECOND: Duration = Duration::from_secs(1);
/// Messages that wait for a verdict.
const WAITING: usize = 256;
/// How long they do; gossipsub itself forgets them after five beats of a second.
const PATIENCE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_its_share_of_a_second_and_all_have_one_of_memory() {
        let (mut gossip, now) = (Gossip::default(), Instant::now());
        let (loud, quiet) = (PeerId::random(), PeerId::random());
        assert!((0..A_SECOND).all(|_| gossip.admits(loud, now)));
        assert!(!gossip.admits(loud, now) && gossip.admits(quiet, now));
        assert!(gossip.admits(loud, now + SECOND));
        for _ in 0..WAITING {
            gossip.wait(MessageId::from("m"), quiet, now);
        }
        assert!(!gossip.admits(PeerId::random(), now));
    }
}
