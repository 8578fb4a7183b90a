//! A peer's position in a verified state: what the epoch that comes will find for it if nothing changes until then.
//!
//! Rank, trust, loss and the share of what is paid are the chain's own ([`economy::evaluate`]), with the bonds, the number of
//! weights demanded, the inflation and the trust sources of the epoch that comes. Clipped stake is that of the soft
//! clip ([`mechanism::clipping`]), on every chain. Another own row is evaluated as a whole and exactly, not to first order.
//!
//! It knows no key and signs nothing. The state is taken as true: whoever hands one in has verified it.

use super::Reason;
use ledger::economy::{self, Economy};
use ledger::{Kind, Row, State, Uid, WeightsLeaf};
use mechanism::arithmetic::sum;
use mechanism::clipping::{Clipping, Reach};
use mechanism::epoch::{Epoch, Memory};
use mechanism::fault::NotDefined;

/// What the epoch that comes says of one peer.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Rank R_i, as the chain writes it.
    pub rank: f64,
    /// Trust before the logistic, t_i; under `Connectivity` what it reaches, as a part of half the stake.
    pub trust: Result<f64, Reason>,
    /// Clipped stake s*_i, as a share of the whole stake; only advice where [`Position::clips`] is false.
    pub clipped: Result<f64, Reason>,
    /// Loss of the chain, L.
    pub loss: Result<f64, Reason>,
    /// P_i, its share of what is paid.
    pub paid: Result<f64, Reason>,
}

/// One peer in one state, evaluated once for all that is asked of it.
#[derive(Debug)]
pub struct Position<'a> {
    pub(super) state: &'a State,
    pub(super) uid: Uid,
    pub(crate) economy: Economy,
    pub(crate) epoch: Epoch,
    pub(super) clipping: Result<Clipping, NotDefined>,
    /// The own row as it is.
    leaf: WeightsLeaf,
    memory: Memory,
}

/// The figures of the peer with this uid: [`Position::figures`], where nothing else is asked.
///
/// # Errors
/// As [`Position::new`].
pub fn figures(state: &State, uid: Uid) -> Result<Figures, Reason> {
    Ok(Position::new(state, uid)?.figures())
}

impl<'a> Position<'a> {
    /// The position of the peer with this uid.
    ///
    /// # Errors
    /// [`Reason::Unregistered`], and [`Reason::Economy`] for tables that no honest chain has.
    pub fn new(state: &'a State, uid: Uid) -> Result<Self, Reason> {
        let leaf = state.weights().get(uid.index()).ok_or(Reason::Unregistered { uid })?;
        Self::with_leaf(state, uid, leaf.clone())
    }

    /// The same with another own row than in the state.
    pub(crate) fn with_leaf(state: &'a State, uid: Uid, leaf: WeightsLeaf) -> Result<Self, Reason> {
        if state.neurons().get(uid.index()).is_none_or(|neuron| neuron.vacant) {
            return Err(Reason::Unregistered { uid });
        }
        let (parameters, memory) = (state.parameters(), economy::memory(state.bonds(), state.totals()));
        let (economy, epoch) = evaluate(state, uid, &leaf, &memory)?;
        let (kappa, temperature) = economy::clipping(parameters, economy::present(state.neurons()));
        let clipping = Clipping::new(&economy.world(), uid.index(), kappa, temperature);
        Ok(Self { state, uid, economy, epoch, clipping, leaf, memory })
    }

    /// The state.
    pub const fn state(&self) -> &'a State {
        self.state
    }

    /// Whose position.
    pub const fn uid(&self) -> Uid {
        self.uid
    }

    /// The own row as it is.
    pub const fn leaf(&self) -> &WeightsLeaf {
        &self.leaf
    }

    /// Whether the chain ranks clipped stake; where not, clipped stake and its gradient are advice.
    pub fn clips(&self) -> bool {
        let parameters = self.state.parameters();
        parameters.mechanism == Kind::Connectivity && parameters.clip
    }

    /// The figures as rows stand.
    pub fn figures(&self) -> Figures {
        self.of(&self.epoch, self.clipping.as_ref().map(Clipping::reach).map_err(Clone::clone))
    }

    /// The figures if the own row were `row`, which names present peers only, and all else as it is.
    ///
    /// # Errors
    /// [`Reason::Economy`] where it names others.
    pub fn figures_with(&self, row: &Row) -> Result<Figures, Reason> {
        Ok(self.foreseen(row, &self.with(row)?.1))
    }

    /// The market in which the own row is `row`, and what the epoch that comes would say of it.
    pub(crate) fn with(&self, row: &Row) -> Result<(Economy, Epoch), Reason> {
        evaluate(self.state, self.uid, &WeightsLeaf { row: row.clone(), ..self.leaf.clone() }, &self.memory)
    }

    /// The figures with the own row `row`, of which the epoch that comes would say `epoch`.
    pub(crate) fn foreseen(&self, row: &Row, epoch: &Epoch) -> Figures {
        let entries: Vec<(u32, f64)> = row.entries().iter().map(|(uid, _)| (uid.get(), row.share(*uid))).collect();
        let reach = self.clipping.as_ref().map(|clipping| clipping.reach_with(&entries)).map_err(Clone::clone);
        self.of(epoch, reach.as_ref().map_err(Clone::clone))
    }

    fn of(&self, epoch: &Epoch, reach: Result<&Reach, NotDefined>) -> Figures {
        let figure = |column: &[f64]| column.get(self.uid.index()).copied().unwrap_or_default();
        let has_trust = self.state.parameters().mechanism != Kind::Competitive;
        Figures {
            rank: figure(&epoch.rank),
            trust: if has_trust { Ok(figure(&epoch.trust)) } else { Err(Reason::NoTrust) },
            clipped: reach.map(|reach| reach.clipped / self.whole()).map_err(Reason::from),
            loss: epoch.loss.ok_or_else(|| NotDefined::NoLoss.into()),
            paid: match (epoch.pays, epoch.share.iter().any(|share| *share > 0.0)) {
                (true, true) => Ok(figure(&epoch.share)),
                (true, false) => Err(NotDefined::Nothing.into()),
                (false, _) => Err(Reason::CarriedOver { loss: epoch.loss.unwrap_or_default() }),
            },
        }
    }

    /// ‖S‖ as the mechanism sees it; above 0 wherever a peer has a clipping.
    pub(super) fn whole(&self) -> f64 {
        sum(&self.economy.stake)
    }
}

/// The market in which the own row is that of `own`, and what the epoch that comes would say of it.
fn evaluate(state: &State, uid: Uid, own: &WeightsLeaf, memory: &Memory) -> Result<(Economy, Epoch), Reason> {
    let weights = state.weights().iter().enumerate().map(|(i, leaf)| if i == uid.index() { own } else { leaf });
    Ok(economy::evaluate(state.neurons(), weights, memory, state.parameters(), coming(state))?)
}

/// The number of the epoch that comes.
pub(super) const fn coming(state: &State) -> u64 {
    state.totals().number.saturating_add(1)
}
