//! Gossip on its way between the network and the auditor: what others pass around is judged there, and only then goes on.
//!
//! The page looks into nothing. The network bounds how much of it one peer can make the auditor judge, and forgets what was
//! not judged within seconds; here at most [`WAITING`] messages wait.

use super::Session;
use network::{GossipId, Topic, Verdict};
use protocol::port::auditor;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use wasm_bindgen_futures::spawn_local;

/// Messages at the auditor.
#[derive(Debug, Default)]
pub(super) struct Gossip {
    waiting: BTreeMap<u32, GossipId>,
    last: u32,
}

impl Gossip {
    /// A number for the auditor to name the message by.
    fn wait(&mut self, id: GossipId) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.waiting.insert(self.last, id);
        while self.waiting.len() > WAITING {
            self.waiting.pop_first();
        }
        self.last
    }
}

impl Session {
    /// Somebody passes something around.
    pub(super) fn on_gossip(&mut self, topic: Topic, bytes: Vec<u8>, id: GossipId) {
        if !self.auditor.hears() {
            return self.judge(id, Verdict::Ignore);
        }
        let topic = match topic {
            Topic::Heads => auditor::Topic::Heads,
            Topic::Transactions => auditor::Topic::Transactions,
        };
        let id = self.gossip.wait(id);
        self.to_auditor(&auditor::Command::Gossip { id, topic, bytes: ByteBuf::from(bytes) });
    }

    /// The auditor judged it.
    pub(super) fn on_judged(&mut self, id: u32, judgement: auditor::Judgement) {
        let Some(id) = self.gossip.waiting.remove(&id) else { return };
        self.judge(
            id,
            match judgement {
                auditor::Judgement::Accept => Verdict::Accept,
                auditor::Judgement::Ignore => Verdict::Ignore,
                auditor::Judgement::Reject => Verdict::Reject,
            },
        );
    }

    /// The auditor has a transaction for everyone.
    pub(super) fn publish(&self, bytes: Vec<u8>) {
        let network = self.network.clone();
        spawn_local(async move {
            // A network that has stopped reaches nobody.
            let _ = network.publish(Topic::Transactions, bytes).await;
        });
    }

    fn judge(&self, id: GossipId, verdict: Verdict) {
        let network = self.network.clone();
        spawn_local(async move {
            // A network that has stopped passes nothing on.
            let _ = network.judge(id, verdict).await;
        });
    }
}

/// Messages that wait for the auditor: as many as wait in the network.
const WAITING: usize = 256;
