//! What was asked lately, so that a gradient that comes back finds its inputs, and the gradients that wait for a step.
//!
//! A hostile peer could ask much to fill the memory, or send gradients for answers it never got: the memory holds a few
//! asks a peer and a bounded number in all, each takes one gradient, and what is not remembered is dropped.

use std::collections::VecDeque;

use model::Foreign;

/// An ask that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) peer: String,
    pub(crate) id: u64,
    pub(crate) inputs: Vec<u8>,
    pub(crate) shape: [usize; 2],
}

/// Asks answered and gradients that wait, both bounded.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    asks: VecDeque<Remembered>,
    waiting: VecDeque<(String, Foreign)>,
}

impl Memory {
    /// Most asks remembered, and most of one peer.
    pub(crate) const ASKS: usize = 64;
    pub(crate) const ASKS_PER_PEER: usize = 4;
    /// Most gradients that wait, and most of one peer.
    pub(crate) const WAITING: usize = 8;
    pub(crate) const WAITING_PER_PEER: usize = 1;

    /// Remembers an ask; the oldest of the same peer, or of all, makes room.
    pub(crate) fn remember(&mut self, ask: Remembered) {
        self.asks.retain(|other| other.peer != ask.peer || other.id != ask.id);
        if self.asks.iter().filter(|other| other.peer == ask.peer).count() >= Self::ASKS_PER_PEER
            && let Some(oldest) = self.asks.iter().position(|other| other.peer == ask.peer)
        {
            self.asks.remove(oldest);
        }
        if self.asks.len() >= Self::ASKS {
            self.asks.pop_front();
        }
        self.asks.push_back(ask);
    }

    /// Takes the ask that a gradient belongs to; it is gone then.
    pub(crate) fn recall(&mut self, peer: &str, id: u64) -> Option<Remembered> {
        let at = self.asks.iter().position(|ask| ask.peer == peer && ask.id == id)?;
        self.asks.remove(at)
    }

    /// Whether one more gradient of `peer` may wait.
    pub(crate) fn has_room(&self, peer: &str) -> bool {
        let own = self.waiting.iter().filter(|(other, _)| other == peer).count();
        own < Self::WAITING_PER_PEER && self.waiting.len() < Self::WAITING
    }

    /// Lets a gradient wait for a step; callers ask [`Self::has_room`] first.
    pub(crate) fn wait(&mut self, peer: String, foreign: Foreign) {
        self.waiting.push_back((peer, foreign));
    }

    /// The gradient that has waited longest.
    pub(crate) fn next(&mut self) -> Option<Foreign> {
        self.waiting.pop_front().map(|(_, foreign)| foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(peer: &str, id: u64) -> Remembered {
        Remembered { peer: peer.into(), id, inputs: vec![0; 4], shape: [1, 4] }
    }

    #[test]
    fn one_peer_keeps_its_newest_few() {
        let mut memory = Memory::default();
        memory.remember(ask("b", 0));
        for id in 0..10 {
            memory.remember(ask("a", id));
        }
        assert_eq!(memory.recall("a", 5), None);
        assert!(memory.recall("a", 6).is_some());
        assert_eq!(memory.recall("a", 6), None, "one gradient an ask");
        assert!(memory.recall("b", 0).is_some());
    }

    #[test]
    fn all_peers_together_stay_bounded() {
        let mut memory = Memory::default();
        for id in 0..1000 {
            memory.remember(ask(&id.to_string(), id));
        }
        assert_eq!(memory.asks.len(), Memory::ASKS);
    }

    #[test]
    fn one_gradient_a_peer_waits() {
        let mut memory = Memory::default();
        let foreign = || model::Budget::default().admit(vec![0], [1, 1, 1], vec![0.0]).unwrap();
        assert!(memory.has_room("a"));
        memory.wait("a".into(), foreign());
        assert!(!memory.has_room("a"));
        for i in 0..7 {
            assert!(memory.has_room(&format!("p{i}")));
            memory.wait(format!("p{i}"), foreign());
        }
        assert!(!memory.has_room("z"));
        assert!(memory.next().is_some());
        assert!(memory.has_room("a"));
    }
}
