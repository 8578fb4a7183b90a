//! Those who want more than they are worth: one file a sin, which says what it wants, what it does and what stops it.
//!
//! An adversary is one or more members, each with a [`Behaviour`]. [`trial`] runs them on a chain among honest peers, and
//! beside that the same peers, of the same seed, all honest: the difference is what the sin earned.

pub mod cabal;
pub mod lazy_copier;
pub mod over_bidder;
pub mod self_voter;
pub mod stake_splitter;
pub mod trial;
pub mod under_bidder;
pub mod weight_flipper;

pub use trial::{Course, Trial};

use crate::chain::{Behaviour, Honest, Truth};

/// A sin that a trial can run.
#[derive(Debug)]
pub struct Adversary {
    /// Name on command lines.
    pub name: &'static str,
    /// How its members act, each for itself, given all of them.
    pub behaviour: fn(members: &[usize]) -> Box<dyn Behaviour>,
    /// What is different before the first block, where it sins (`true`) or not.
    pub prepare: fn(truth: &mut Truth, stake: &mut [f64], members: &[usize], sins: bool),
}

/// All.
pub const ALL: &[Adversary] = &[
    Adversary { name: "self-voter", behaviour: |_| Box::new(self_voter::SelfVoter), prepare: nothing },
    Adversary {
        name: "cabal",
        behaviour: |members| Box::new(cabal::Cabal { members: members.to_vec() }),
        prepare: nothing,
    },
    Adversary { name: "lazy-copier", behaviour: |_| Box::new(lazy_copier::LazyCopier), prepare: nothing },
    Adversary {
        name: "weight-flipper",
        behaviour: |members| Box::new(weight_flipper::WeightFlipper { members: members.to_vec() }),
        prepare: nothing,
    },
    Adversary { name: "stake-splitter", behaviour: |_| Box::new(Honest), prepare: stake_splitter::set },
    Adversary { name: "over-bidder", behaviour: |_| Box::new(over_bidder::OverBidder), prepare: nothing },
    Adversary { name: "under-bidder", behaviour: |_| Box::new(under_bidder::UnderBidder), prepare: nothing },
];

/// The names of all, in their order.
pub const NAMES: &[&str] =
    &["self-voter", "cabal", "lazy-copier", "weight-flipper", "stake-splitter", "over-bidder", "under-bidder"];

/// The adversary of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Adversary> {
    ALL.iter().find(|adversary| adversary.name == name)
}

fn nothing(_: &mut Truth, _: &mut [f64], _: &[usize], _: bool) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_all() {
        assert!(ALL.iter().map(|adversary| adversary.name).eq(NAMES.iter().copied()));
        assert!(find("cabal").is_some() && find("saint").is_none());
    }
}
