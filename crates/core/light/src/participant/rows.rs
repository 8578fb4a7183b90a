//! The own row: proposed by policy once an epoch, from the tables of an audited epoch and the row as it is, and signed.

use super::Participant;
use crate::own::{Position, Reason};
use crate::{Event, Policy, Proposal, Signer, Tables, Verified, epochs};
use ledger::{Action, Height, Uid};

impl Participant {
    /// Proposes and signs a row where one is due.
    pub(super) fn plan_row(&mut self) {
        let Some(end) = self.row_due() else { return };
        let waits = match self.policy {
            Policy::Scores | Policy::Payoff { .. } => self.scores.iter().all(|(_, score)| *score <= 0.0),
            Policy::Hand | Policy::Never => true,
        };
        if waits {
            return;
        }
        match self.propose(None) {
            // There may be scores of peers with a uid later.
            Err(Reason::NoScores) => {}
            Err(reason) => {
                self.row_of = Some(end);
                self.events.push_back(Event::Unsigned(reason.to_string()));
            }
            Ok((uid, proposal)) => {
                self.row_of = Some(end);
                self.set(uid, proposal);
            }
        }
    }

    /// Signs a row towards these shares, where that can be done now.
    pub(super) fn set_by_hand(&mut self, shares: &[(Uid, f64)]) -> Result<(), String> {
        if let Some(next) = self.row_waits() {
            return Err(format!("the next row can be set at height {next}"));
        }
        let (uid, proposal) = self.propose(Some(shares)).map_err(|reason| reason.to_string())?;
        self.set(uid, proposal);
        Ok(())
    }

    fn set(&mut self, uid: Uid, proposal: Proposal) {
        let Some(seen) = self.follower.tables().map(Tables::height) else { return };
        let action = Action::SetWeights { uid, row: proposal.row.clone(), seen };
        let signed = match self.queue(Signer::Hot, action) {
            Ok(()) => true,
            Err(reason) => {
                self.events.push_back(Event::Unsigned(reason));
                false
            }
        };
        self.events.push_back(Event::Proposal { proposal: Box::new(proposal), signed });
    }

    /// The height at which the next row can be set, where that is not the next block.
    fn row_waits(&self) -> Option<Height> {
        let next = self.follower.head()?.height().next();
        let row = self.mine.row().filter(|row| row.version > 0)?;
        let due = row.updated.after(self.parameters().interval);
        (due > next).then_some(due)
    }

    /// The end of the epoch that the tables for the next row are of, where a row is due.
    fn row_due(&self) -> Option<Height> {
        let next = self.follower.head().map(Verified::height)?.next();
        let tempo = self.parameters().tempo;
        let end = Height::new(epochs::of(next, tempo).saturating_mul(tempo));
        let idle = self.wallet.is_idle(Signer::Hot, self.now);
        if !self.joined || !idle || self.row_of == Some(end) || self.follower.refuted().is_some() {
            return None;
        }
        // On a slow wire an older audit has to do.
        let tables = self.follower.tables()?;
        let waits = next.since(end) <= tempo / 2;
        if self.follower.awaits_audit() && waits || self.row_waits().is_some() {
            return None;
        }
        let settled = self.wallet.settled(Signer::Hot);
        if !self.is_current(Signer::Hot, settled) || !self.is_row_current(settled) {
            return None;
        }
        let row = self.mine.row()?;
        let due = row.version == 0 || epochs::of(next, tempo) > epochs::of(row.updated, tempo);
        tables.uid(&self.me)?;
        due.then_some(end)
    }

    fn propose(&self, by_hand: Option<&[(Uid, f64)]>) -> Result<(Uid, Proposal), Reason> {
        let none = Reason::NotRegistered;
        let tables = self.follower.tables().ok_or_else(|| none.clone())?;
        let uid = tables.uid(&self.me).ok_or(none)?;
        // Anybody may give a place of his to a key of somebody else, who is not to work for him.
        let cold = tables.neuron(uid).map(|neuron| neuron.cold).filter(|cold| cold != self.owner() && *cold != self.me);
        if let Some(cold) = cold {
            return Err(Reason::Foreign { cold });
        }
        let policy = if by_hand.is_some() { Policy::Hand } else { self.policy };
        let position = Position::new(tables.state(), uid)?;
        Ok((uid, position.propose(policy, &self.scores, by_hand, self.mine.row())?))
    }
}
