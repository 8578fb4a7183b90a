//! Own transactions: one at a time, signed from verified figures, handed in until a verified table shows its effect.
//!
//! The same bytes are handed in again after a while, so a lost reply costs nothing and a transaction cannot count
//! twice. What a source says of it is its word: "accepted" is no inclusion, and "refused" counts only once a survey of
//! a later block shows no effect.
//!
//! What no source takes, or what one takes and does not bring onto the ledger, is published to the neighbours, any of
//! whom may carry it to a node. Where no source answers at all one signs from the last verified figures: nobody else
//! changes the own row and nonce. Whether it counted is then seen when a source answers again.

use super::queries::Purpose;
use super::survey::parse;
use super::{Participant, Step};
use crate::{Deed, Error, Event, TransactionState, Verified, epochs, policy, tables};
use commonware_cryptography::sha256::Digest;
use ledger::{Action, Height, Nonce, Query, Reply, Table, Transaction, Uid, WeightsLeaf, work::RECENT};

/// The own transaction that is not settled yet.
#[derive(Debug)]
pub(super) struct Pending {
    transaction: Transaction,
    digest: Digest,
    /// Uid and version of the row before it; `None` for a registration.
    row: Option<(Uid, u64)>,
    /// When to hand it in (again).
    submit_at: u64,
    handed_in: bool,
    /// Whether the neighbours are to be told.
    publish: bool,
    /// Last block at which its effect was looked for.
    probed: Height,
    /// What a source said against it, and the head then.
    refused: Option<(String, Height)>,
}

impl Pending {
    pub(super) const fn submit_at(&self) -> u64 {
        self.submit_at
    }

    const fn deed(&self) -> Deed {
        if self.row.is_some() { Deed::SetWeights } else { Deed::Register }
    }
}

impl Participant {
    /// Signs a row where one is due; starts or ends the search for a registration.
    pub(super) fn plan_signature(&mut self) {
        self.plan_search();
        if !self.may_sign() {
            return;
        }
        let (Some(head), Some(known)) = (self.client.head(), self.known.as_ref()) else { return };
        let Some(uid) = known.tables.uid(&self.me) else { return };
        let Some(weights) = known.tables.row(uid) else { return };
        let next = head.height().next();
        let first = weights.version == 0;
        let tempo = self.parameters.tempo;
        let due = next.since(weights.updated) >= self.parameters.interval
            && (first || epochs::of(next, tempo) > epochs::of(weights.updated, tempo));
        if self.scores.is_empty() || !due {
            return;
        }
        let limits = policy::Limits {
            max_weights: usize::try_from(self.parameters.max_weights).unwrap_or(usize::MAX),
            epsilon: self.parameters.epsilon,
            min_weights: usize::try_from(known.totals.min_weights).unwrap_or(usize::MAX),
            direct: self.parameters.direct,
        };
        let current = Some(&weights.row).filter(|_| !first);
        let row = policy::row(uid, current, &self.scores, known.tables.uids(), limits);
        let before = Some((uid, weights.version));
        let seen = known.tables.at().height();
        self.sign(Action::SetWeights { uid, row, seen }, before, self.parameters.expiry);
    }

    /// Whether the state allows a new registration: known to be absent, and nothing under way.
    pub(super) fn may_register(&self) -> bool {
        self.may_sign() && self.known.as_ref().is_some_and(|known| known.tables.uid(&self.me).is_none())
    }

    fn may_sign(&self) -> bool {
        self.joined && self.pending.is_none() && self.is_current() && self.sign_pause.until <= self.now
    }

    /// Whether what is known of oneself is all that can be known now: the last survey is the newest there is to be, or
    /// none can be made and no own transaction came after it.
    fn is_current(&self) -> bool {
        let holds = |known: &super::Known| known.tables.at().height() >= self.settled;
        !self.surveying() || self.survey_in_vain() && self.known.as_ref().is_some_and(holds)
    }

    pub(super) fn register(&mut self, recent: Height, work: u64) {
        let action = Action::Register { cold: self.me.clone(), modality: MODALITY_TEXT, recent, work };
        self.sign(action, None, self.parameters.expiry.min(RECENT));
    }

    fn sign(&mut self, action: Action, row: Option<(Uid, u64)>, expiry: u64) {
        let Some(head) = self.client.head().map(Verified::height) else { return };
        let account = self.known.as_ref().and_then(|known| known.account.as_ref());
        let nonce = account.map_or(Nonce::new(0), |account| account.nonce);
        let transaction = Transaction::sign(&self.key, self.chain, nonce, head.after(expiry), action);
        self.pending = Some(Pending {
            digest: transaction.digest(),
            transaction,
            row,
            submit_at: self.now,
            handed_in: false,
            publish: false,
            probed: head,
            refused: None,
        });
    }

    /// Hands the pending transaction in, where that is due.
    pub(super) fn next_submission(&mut self) -> Option<Step> {
        let now = self.now;
        let again = now.saturating_add(self.parameters.block_time.saturating_mul(RESUBMIT_BLOCKS));
        let free = self.queries.free(Purpose::Submit, now);
        let pending = self.pending.as_mut().filter(|pending| free && pending.submit_at <= now)?;
        let transaction = pending.transaction.clone();
        pending.submit_at = again;
        let first = !core::mem::replace(&mut pending.handed_in, true);
        // A source that took it and did nothing with it may be hiding it.
        pending.publish |= !first;
        let (digest, action) = (pending.digest, pending.deed());
        let id = self.queries.open(Purpose::Submit, None, Some(digest), now);
        if first {
            self.events.push_back(Event::Transaction { digest, action, state: TransactionState::Pending });
        }
        Some(Step::Query { id, query: Query::Submit { transaction } })
    }

    /// No source took the pending transaction: the neighbours may know one.
    pub(super) const fn publish_pending(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.publish = true;
        }
    }

    /// Tells the neighbours of the pending transaction, where that is due and while it may still be included.
    pub(super) fn next_publication(&mut self) -> Option<Step> {
        let head = self.client.height();
        let pending = self.pending.as_mut()?;
        let due = core::mem::take(&mut pending.publish) && pending.transaction.expires > head;
        due.then(|| Step::Publish { transaction: pending.transaction.clone() })
    }

    pub(super) fn on_submitted(&mut self, digest: Option<Digest>, reply: Reply) -> Result<(), Error> {
        let head = self.client.height();
        let Some(pending) = self.pending.as_mut().filter(|pending| Some(pending.digest) == digest) else {
            return Ok(());
        };
        match reply {
            Reply::Accepted { digest } if digest == pending.digest => Ok(()),
            Reply::Refused { refusal } => {
                pending.refused = Some((refusal.to_string(), head));
                self.survey_wanted = true;
                Ok(())
            }
            _ => Err(Error::WrongReply),
        }
    }

    /// Looks for the effect of the pending transaction at the head, once a block.
    pub(super) fn next_probe(&mut self) -> Option<Step> {
        let now = self.now;
        let at = self.client.head()?.clone();
        let height = at.height();
        let free = self.queries.free(Purpose::Probe, now);
        let pending = self.pending.as_mut().filter(|pending| free && pending.handed_in && pending.probed < height)?;
        pending.probed = height;
        let query = match pending.row {
            Some((uid, _)) => Query::Leaf { height, table: Table::Weights, index: uid.get() },
            None => Query::Account { height, key: self.me.clone() },
        };
        if height > pending.transaction.expires {
            self.survey_wanted = true;
        }
        let id = self.queries.open(Purpose::Probe, Some(at), Some(pending.digest), now);
        Some(Step::Query { id, query })
    }

    pub(super) fn on_probe(&mut self, at: &Verified, digest: Option<Digest>, reply: Reply) -> Result<(), Error> {
        let Some(pending) = self.pending.as_ref().filter(|pending| Some(pending.digest) == digest) else {
            return Ok(());
        };
        let nonce = pending.transaction.nonce;
        match pending.row {
            None => {
                if self.account_of(at, reply)?.is_some_and(|account| account.nonce > nonce) {
                    self.survey_wanted = true;
                }
            }
            Some((uid, version)) => {
                let Reply::Leaf { index, leaf, proof } = reply else { return Err(Error::WrongReply) };
                tables::leaf(at, Table::Weights, uid.get(), index, &leaf, &proof)?;
                let weights: WeightsLeaf = parse("row", &leaf)?;
                if took_effect(&pending.transaction, version, &weights) {
                    self.settle(TransactionState::Included(weights.updated), at.height());
                } else if weights.version > version {
                    self.survey_wanted = true;
                }
            }
        }
        Ok(())
    }

    /// Settles the pending transaction by the tables of a survey, where they decide it.
    pub(super) fn settle_by_survey(&mut self) {
        let (Some(pending), Some(known)) = (self.pending.as_ref(), self.known.as_ref()) else { return };
        let height = known.tables.at().height();
        let included = match pending.row {
            None => known.tables.uid(&self.me).and_then(|uid| known.tables.neuron(uid)).map(|neuron| neuron.registered),
            Some((uid, version)) => known
                .tables
                .row(uid)
                .filter(|weights| took_effect(&pending.transaction, version, weights))
                .map(|weights| weights.updated),
        };
        let nonce = known.account.as_ref().map_or(Nonce::new(0), |account| account.nonce);
        let refused = match &pending.refused {
            Some((reason, when)) if height > *when => Some(reason.clone()),
            _ if nonce > pending.transaction.nonce => Some("another transaction of this key took its place".into()),
            _ if height > pending.transaction.expires => {
                Some(format!("not included by height {}: it is signed again", pending.transaction.expires))
            }
            _ => None,
        };
        match (included, refused) {
            (Some(included), _) => self.settle(TransactionState::Included(included), height),
            (None, Some(reason)) => self.settle(TransactionState::Refused(reason), height),
            (None, None) => {
                // A refusal waits for the tables of a later block.
                self.survey_wanted |= pending.refused.is_some();
                return;
            }
        }
        self.survey_wanted = false;
    }

    /// The pending transaction is over, as the tables of the block at `seen` show.
    fn settle(&mut self, state: TransactionState, seen: Height) {
        let Some(pending) = self.pending.take() else { return };
        self.settled = seen;
        match state {
            TransactionState::Refused(_) => {
                let length = (self.sign_pause.length * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
                self.sign_pause.length = length;
                self.sign_pause.until = self.now.saturating_add(length);
            }
            _ => self.sign_pause = super::SignPause::default(),
        }
        // The own figures changed, and the nonce with them: nothing is signed before a survey has seen that.
        self.survey_wanted = true;
        self.events.push_back(Event::Transaction { digest: pending.digest, action: pending.deed(), state });
    }
}

/// Whether `weights` is the effect of the `SetWeights` in `transaction`, signed when the row had `version`.
fn took_effect(transaction: &Transaction, version: u64, weights: &WeightsLeaf) -> bool {
    matches!(&transaction.action, Action::SetWeights { row, .. } if weights.version > version && weights.row == *row)
}

/// Text, the one modality of this version.
const MODALITY_TEXT: u8 = 0;

/// Blocks after which a transaction is handed in again.
const RESUBMIT_BLOCKS: u64 = 10;

/// Pause in signing after a refusal: the first, doubled each time, and the longest, ms.
const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 60_000;
