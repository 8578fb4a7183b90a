//! What was asked lately, so that a gradient that comes back finds its inputs, and the gradients that wait for a step.
//!
//! A hostile peer could ask much to fill the memory, or send gradients for answers it never got: the memory holds a few
//! asks a peer and a bounded number in all, each takes one gradient, and what is not remembered is dropped. Many peers
//! together could fill the places where gradients wait: the heaviest sender's goes first, and a heavier one takes the place
//! of the lightest.

use std::collections::VecDeque;

use model::Foreign;
use protocol::exchange::{Inputs, Want};

/// An ask that was answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remembered {
    pub(crate) peer: String,
    pub(crate) id: u64,
    pub(crate) want: Want,
    pub(crate) inputs: Inputs,
}

/// Asks answered and gradients that wait, both bounded.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    asks: VecDeque<Remembered>,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    peer: String,
    weight: f64,
    foreign: Foreign,
}

impl Memory {
    /// Most asks remembered, and most of one peer: those of the steps that a peer may be ahead, and one more.
    pub(crate) const ASKS: usize = 64;
    pub(crate) const ASKS_PER_PEER: usize = 6;
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

    /// Whether one more gradient of `peer`, of this weight, may wait.
    pub(crate) fn has_room(&self, peer: &str, weight: f64) -> bool {
        let own = self.waiting.iter().filter(|waiting| waiting.peer == peer).count();
        let lightest = self.waiting.iter().map(|waiting| waiting.weight).fold(f64::INFINITY, f64::min);
        own < Self::WAITING_PER_PEER && (self.waiting.len() < Self::WAITING || weight > lightest)
    }

    /// Lets a gradient wait for a step; callers ask [`Self::has_room`] first. The lightest makes room.
    pub(crate) fn wait(&mut self, peer: String, weight: f64, foreign: Foreign) {
        // The heaviest last, of equal ones the oldest.
        let at = self.waiting.partition_point(|waiting| waiting.weight < weight);
        self.waiting.insert(at, Waiting { peer, weight, foreign });
        if self.waiting.len() > Self::WAITING {
            self.waiting.remove(0);
        }
    }

    /// The gradient of the heaviest sender, of equal ones that which has waited longest.
    pub(crate) fn next(&mut self) -> Option<Foreign> {
        self.waiting.pop().map(|waiting| waiting.foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::exchange::Shape;

    fn inputs() -> Inputs {
        Inputs::text(Shape::new(1, 4).unwrap(), vec![0; 4]).unwrap()
    }

    fn ask(peer: &str, id: u64) -> Remembered {
        Remembered { peer: peer.into(), id, want: Want::Joined, inputs: inputs() }
    }

    #[test]
    fn one_peer_keeps_its_newest_few() {
        let mut memory = Memory::default();
        memory.remember(ask("b", 0));
        for id in 0..10 {
            memory.remember(ask("a", id));
        }
        assert_eq!(memory.recall("a", 3), None);
        assert!(memory.recall("a", 4).is_some());
        assert_eq!(memory.recall("a", 4), None, "one gradient an ask");
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
    fn one_gradient_a_peer_waits_and_the_heaviest_goes_first() {
        let mut memory = Memory::default();
        let foreign = || model::Budget::default().admit(inputs(), Want::Joined, 1, vec![0.0; 4], 1.0).unwrap();
        assert!(memory.has_room("a", 0.0));
        memory.wait("a".into(), 0.0, foreign());
        assert!(!memory.has_room("a", 1.0));
        for i in 0..7 {
            assert!(memory.has_room(&format!("p{i}"), 0.0));
            memory.wait(format!("p{i}"), 0.0, foreign());
        }
        assert!(!memory.has_room("z", 0.0));
        assert!(memory.has_room("z", 0.1));
        memory.wait("z".into(), 0.1, foreign());
        let order: Vec<_> = memory.waiting.iter().rev().map(|waiting| waiting.peer.as_str()).collect();
        assert_eq!(order, ["z", "a", "p0", "p1", "p2", "p3", "p4", "p5"], "the youngest of the lightest made room");
        assert!(memory.next().is_some());
        assert!(memory.has_room("z", 0.0));
    }
}
