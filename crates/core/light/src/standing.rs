//! A peer's own standing: what the tables of the last epoch say of it, with its own leaves as they are now.
//!
//! Figures and gradients are those of [`crate::own`] on the tables; balance, stake that unbonds and the version of the row come by
//! proof from a later block. Nothing here is a source's word but the absence of an account.

use crate::Tables;
use crate::own::{Figures, Gradients, Position, Reason};
use commonware_cryptography::ed25519::PublicKey;
use ledger::table::Unbonding;
use ledger::{AccountLeaf, Amount, Height, Row, Uid, WeightsLeaf};

/// Own standing.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// Own uid in the tables; `None` while not registered.
    pub uid: Option<Uid>,
    /// Height of the tables this was computed from.
    pub height: Height,
    /// Stake.
    pub stake: Amount,
    /// Balance of the key that owns the stake.
    pub balance: Amount,
    /// Its stake on the way back to that balance, soonest first.
    pub unbonding: Vec<Unbonding>,
    /// Place by stake, 1 is the largest, ties by uid; 0 while not registered.
    pub place: u32,
    /// Number of peers.
    pub peers: u32,
    /// Scaling a_i.
    pub scaling: f64,
    /// Rank, trust, clipped stake, loss and what is paid.
    pub figures: Result<Figures, Reason>,
    /// The own gradients.
    pub gradients: Result<Gradients, Reason>,
    /// Own row; `None` while not registered. Version 0 is the self-loop that a new uid starts with.
    pub row: Option<Row>,
    /// Own updates of the row so far.
    pub version: u64,
}

/// What else there is to say of oneself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// The account of the key that owns the stake.
    pub account: Option<&'a AccountLeaf>,
    /// The own row as it is now.
    pub row: Option<&'a WeightsLeaf>,
    /// What each neighbour was worth lately.
    pub scores: &'a [(PublicKey, f64)],
    /// α of the payoff.
    pub alpha: f64,
}

impl Tables {
    /// The standing of the hot key `key`.
    pub(crate) fn own(&self, key: &PublicKey, known: Known<'_>) -> Own {
        let uid = self.uid(key);
        let neuron = uid.and_then(|uid| self.neuron(uid));
        let row = known.row.or_else(|| uid.and_then(|uid| self.row(uid))).filter(|_| uid.is_some());
        let none = Reason::NotRegistered;
        let position = uid.ok_or(none).and_then(|uid| Position::new(self.state(), uid));
        Own {
            uid,
            height: self.height(),
            stake: neuron.map_or(Amount::ZERO, |neuron| neuron.stake),
            balance: known.account.map_or(Amount::ZERO, |account| account.balance),
            unbonding: known.account.map(|account| account.unbonding.clone()).unwrap_or_default(),
            place: uid.map_or(0, |uid| self.place(uid)),
            peers: u32::try_from(ledger::economy::present(self.neurons())).unwrap_or(u32::MAX),
            scaling: neuron.map_or(1.0, |neuron| neuron.scaling),
            figures: position.as_ref().map(Position::figures).map_err(Clone::clone),
            gradients: position
                .as_ref()
                .map(|position| position.gradients(known.scores, known.alpha))
                .map_err(Clone::clone),
            row: row.map(|weights| weights.row.clone()),
            version: row.map_or(0, |weights| weights.version),
        }
    }

    /// 1 + the number of peers with more stake, or as much and a lower uid.
    fn place(&self, uid: Uid) -> u32 {
        let stake = self.neuron(uid).map(|neuron| neuron.stake);
        let above = |(other, neuron): &(u32, &ledger::NeuronLeaf)| {
            let more = Some(neuron.stake) > stake || Some(neuron.stake) == stake && Uid::new(*other) < uid;
            more && !neuron.vacant
        };
        u32::try_from((0u32..).zip(self.neurons()).filter(above).count()).unwrap_or(u32::MAX).saturating_add(1)
    }
}
