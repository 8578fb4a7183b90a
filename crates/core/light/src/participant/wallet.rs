//! Own transactions: for each key one at a time, signed with its proven nonce, handed in until a proof shows what became of it.
//!
//! The same bytes are handed in again after a while, so a lost reply costs nothing and a transaction cannot count twice. They are kept
//! before they are handed in first, and a reload goes on with them. What a source says of a transaction is its word: "accepted" is no
//! inclusion, and "refused" counts only once a proven account of a later block has the nonce still.
//!
//! It is [`TransactionState::Included`] once its effect was proven (a row, a registration) or its place in a block, and
//! [`TransactionState::Final`] once its place in a block that a quorum signed is proven.
//!
//! What no source takes, or what one takes and does not bring onto the ledger, is published to the neighbours, any of
//! whom may carry it to a node.

use super::Participant;
use crate::{Deed, Event, Inclusion, Shelf, Signer, Step, Subject, TransactionState, Verified, shelf};
use commonware_cryptography::{
    ed25519::{PublicKey, Signature},
    sha256::Digest,
};
use ledger::{Action, Amount, Height, Refusal, Transaction, Uid, Unsigned, work::RECENT};
use std::collections::VecDeque;

/// What a person may ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Register by paying the subscription in place of work.
    Subscribe,
    /// Give another key what its subscription costs.
    Sponsor {
        /// Whose.
        key: PublicKey,
    },
    /// Set the own row towards these shares.
    Weights {
        /// (uid, share), at any scale.
        row: Vec<(Uid, f64)>,
    },
    /// Move balance.
    Transfer {
        /// Of which own key.
        from: Signer,
        /// To whom.
        to: PublicKey,
        /// How much.
        amount: Amount,
    },
    /// Make balance stake of a peer that is owned.
    Stake {
        /// The peer.
        uid: Uid,
        /// How much.
        amount: Amount,
    },
    /// Take stake of a peer that is owned out again.
    Unstake {
        /// The peer.
        uid: Uid,
        /// How much.
        amount: Amount,
    },
    /// Give up the place of a peer that is owned.
    Leave {
        /// The peer.
        uid: Uid,
    },
    /// Have another key sign the rows of a peer that is owned.
    Rekey {
        /// The peer.
        uid: Uid,
        /// The new hot key.
        hot: PublicKey,
    },
}

/// The transactions of both keys.
#[derive(Debug, Default)]
pub(super) struct Wallet {
    hot: Lane,
    cold: Lane,
    /// Kept by other keys of this person, which are not here now.
    others: Vec<Transaction>,
    /// Included, and looked for in the blocks: until this height.
    sought: Vec<(Digest, Deed, Signer, Height)>,
    /// The block at which these were looked for.
    looked: Option<Height>,
    last: u32,
}

/// The transactions of one key.
#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Action>,
    /// Waits for its signature.
    asked: Option<Asked>,
    pending: Option<Pending>,
    /// Where the end of the last transaction was seen: what is known from before that is old.
    settled: Height,
    pause: Pause,
}

#[derive(Debug)]
struct Asked {
    id: u32,
    unsigned: Unsigned,
    told: bool,
}

/// A transaction that is signed and not settled yet.
#[derive(Debug)]
struct Pending {
    transaction: Transaction,
    digest: Digest,
    /// When to hand it in (again).
    submit_at: u64,
    handed_in: bool,
    /// Whether the neighbours are to be told.
    publish: bool,
    /// Last block at which it was looked for.
    probed: Height,
    /// What a source said against it, and the head then.
    refused: Option<(String, Height)>,
    /// Since when its nonce is used up, by a proof.
    overtaken: Option<Height>,
}

/// Pause in signing after a refusal.
#[derive(Debug, Default)]
struct Pause {
    until: u64,
    length: u64,
}

impl Pending {
    fn new(transaction: Transaction, now: u64, probed: Height) -> Self {
        let digest = transaction.digest();
        Self {
            transaction,
            digest,
            submit_at: now,
            handed_in: false,
            publish: false,
            probed,
            refused: None,
            overtaken: None,
        }
    }

    const fn deed(&self) -> Deed {
        Deed::of(&self.transaction.action)
    }
}

impl Wallet {
    const fn lane(&self, signer: Signer) -> &Lane {
        match signer {
            Signer::Hot => &self.hot,
            Signer::Cold => &self.cold,
        }
    }

    const fn lane_mut(&mut self, signer: Signer) -> &mut Lane {
        match signer {
            Signer::Hot => &mut self.hot,
            Signer::Cold => &mut self.cold,
        }
    }

    /// Where the end of the last transaction of a key was seen.
    pub const fn settled(&self, signer: Signer) -> Height {
        self.lane(signer).settled
    }

    /// Whether a key has nothing under way, and nothing that waits.
    pub fn is_idle(&self, signer: Signer, now: u64) -> bool {
        let Lane { queue, asked, pending, pause, .. } = self.lane(signer);
        queue.is_empty() && asked.is_none() && pending.is_none() && pause.until <= now
    }

    /// When something is due.
    pub fn deadline(&self, now: u64) -> Option<u64> {
        let lane = |lane: &Lane| {
            let submit = lane.pending.as_ref().map(|pending| pending.submit_at).filter(|at| *at > now);
            let pause = Some(lane.pause.until).filter(|until| *until > now);
            submit.into_iter().chain(pause).min()
        };
        lane(&self.hot).into_iter().chain(lane(&self.cold)).min()
    }
}

impl Participant {
    /// Asks for something to be signed. What cannot be is told as [`Event::Unsigned`].
    pub fn ask(&mut self, intent: Intent) {
        if let Err(reason) = self.enqueue(intent) {
            self.events.push_back(Event::Unsigned(reason));
        }
    }

    fn enqueue(&mut self, intent: Intent) -> Result<(), String> {
        let owner = self.owner().clone();
        let (signer, action) = match intent {
            Intent::Weights { row } => return self.set_by_hand(&row),
            Intent::Subscribe => (Signer::Hot, Action::Subscribe { cold: owner, modality: self.modality.number() }),
            Intent::Sponsor { key } => {
                let amount = self.parameters().subscription;
                (self.paying(), Action::Transfer { to: key, amount })
            }
            Intent::Transfer { from, to, amount } => (self.signing(from), Action::Transfer { to, amount }),
            Intent::Stake { uid, amount } => (self.owning(uid)?, Action::Stake { uid, amount }),
            Intent::Unstake { uid, amount } => (self.owning(uid)?, Action::Unstake { uid, amount }),
            Intent::Leave { uid } => (self.owning(uid)?, Action::Leave { uid }),
            Intent::Rekey { uid, hot } => (self.owning(uid)?, Action::Rekey { uid, hot }),
        };
        self.queue(signer, action)
    }

    /// Lets an action wait for its signature.
    pub(super) fn queue(&mut self, signer: Signer, action: Action) -> Result<(), String> {
        if let Some(difference) = self.follower.refuted() {
            return Err(format!("nothing is signed on a chain with wrong figures: {difference}"));
        }
        let lane = self.wallet.lane_mut(signer);
        if lane.queue.len() >= WAITING {
            return Err(format!("{WAITING} transactions wait already: let them settle first"));
        }
        lane.queue.push_back(action);
        Ok(())
    }

    /// The cold key where there is one.
    pub(super) const fn paying(&self) -> Signer {
        if self.cold.is_some() { Signer::Cold } else { Signer::Hot }
    }

    const fn signing(&self, signer: Signer) -> Signer {
        if self.cold.is_some() { signer } else { Signer::Hot }
    }

    /// Which own key owns this peer: one that registered before there was a cold key is owned by its hot key.
    fn owning(&self, uid: Uid) -> Result<Signer, String> {
        let by_proof =
            self.mine.neuron().and_then(|(_, neuron)| neuron).filter(|(own, _)| *own == uid).map(|(_, neuron)| neuron);
        let neuron = by_proof.or_else(|| self.follower.tables().and_then(|tables| tables.neuron(uid)));
        let cold = &neuron.ok_or_else(|| format!("no peer has uid {uid}"))?.cold;
        if *cold == self.me {
            Ok(Signer::Hot)
        } else if self.cold.as_ref().is_some_and(|key| key == cold) {
            Ok(Signer::Cold)
        } else {
            Err(format!("peer {uid} belongs to another key: {cold}"))
        }
    }

    /// Moves both lanes on.
    pub(super) fn plan_wallet(&mut self) {
        let Some(head) = self.follower.head().map(Verified::height) else { return };
        for signer in [Signer::Hot, Signer::Cold] {
            self.begin_next(signer, head);
            self.hand_in(signer, head);
        }
        if self.wallet.looked != Some(head) {
            self.wallet.looked = Some(head);
            self.wallet.sought.retain(|(_, _, _, until)| *until > head);
            for (digest, ..) in &self.wallet.sought {
                self.follower.find(*digest);
            }
        }
    }

    /// Signs what waits longest, where the last transaction of the key is settled and its nonce is known.
    fn begin_next(&mut self, signer: Signer, head: Height) {
        let lane = self.wallet.lane(signer);
        let free = lane.asked.is_none() && lane.pending.is_none() && lane.pause.until <= self.now;
        if !free || lane.queue.is_empty() || !self.is_current(signer, lane.settled) || self.follower.refuted().is_some()
        {
            return;
        }
        let Some((_, nonce)) = self.mine.nonce(signer) else { return };
        let Some(action) = self.wallet.lane_mut(signer).queue.pop_front() else { return };
        let expiry = self.parameters().expiry;
        let expiry = if matches!(action, Action::Register { .. }) { expiry.min(RECENT) } else { expiry };
        let (chain, expires) = (self.follower.chain(), head.after(expiry));
        match signer {
            Signer::Hot => {
                let transaction = Transaction::sign(&self.key, chain, nonce, expires, action);
                self.signed(Signer::Hot, transaction, head);
            }
            Signer::Cold => {
                let unsigned = Unsigned { chain, signer: self.owner().clone(), nonce, expires, action };
                self.wallet.last = self.wallet.last.wrapping_add(1);
                let id = self.wallet.last;
                self.wallet.cold.asked = Some(Asked { id, unsigned, told: false });
            }
        }
    }

    fn signed(&mut self, signer: Signer, transaction: Transaction, head: Height) {
        self.wallet.lane_mut(signer).pending = Some(Pending::new(transaction, self.now, head));
        self.keep_own();
    }

    /// Has the cold key sign.
    pub(super) fn next_signature(&mut self) -> Option<Step> {
        if self.follower.refuted().is_some() {
            return None;
        }
        let asked = self.wallet.cold.asked.as_mut().filter(|asked| !asked.told)?;
        asked.told = true;
        let (id, message, deed) = (asked.id, asked.unsigned.message(), Deed::of(&asked.unsigned.action));
        Some(Step::Sign { id, message, deed })
    }

    /// The cold key signed what [`Step::Sign`] `id` asked for.
    pub fn handle_signature(&mut self, id: u32, signature: Signature, now: u64) {
        self.now = now;
        let Some(asked) = self.wallet.cold.asked.take_if(|asked| asked.id == id) else { return };
        if let Some(difference) = self.follower.refuted() {
            let reason = format!("nothing is signed on a chain with wrong figures: {difference}");
            return self.events.push_back(Event::Unsigned(reason));
        }
        let Some(head) = self.follower.head().map(Verified::height) else { return };
        match asked.unsigned.signed(signature) {
            Ok(checked) => self.signed(Signer::Cold, checked.into_transaction(), head),
            Err(_) => self.events.push_back(Event::Unsigned("the signature is not that of the cold key".into())),
        }
    }

    /// The cold key did not sign what [`Step::Sign`] `id` asked for.
    pub fn handle_unsigned(&mut self, id: u32, reason: &str, now: u64) {
        self.now = now;
        if self.wallet.cold.asked.take_if(|asked| asked.id == id).is_some() {
            self.events.push_back(Event::Unsigned(format!("the cold key did not sign: {reason}")));
        }
    }

    /// Hands in what is pending where that is due, and looks for it once a block.
    fn hand_in(&mut self, signer: Signer, head: Height) {
        let again = self.now.saturating_add(self.parameters().block_time.saturating_mul(RESUBMIT_BLOCKS));
        let now = self.now;
        let Some(pending) = self.wallet.lane_mut(signer).pending.as_mut() else { return };
        let due = pending.submit_at <= now;
        let probe = pending.handed_in && pending.probed < head;
        let (digest, deed, transaction) = (pending.digest, pending.deed(), pending.transaction.clone());
        let first = due && !pending.handed_in;
        if due {
            pending.submit_at = again;
            // A source that took it and did nothing with it may be hiding it.
            pending.publish |= pending.handed_in;
            pending.handed_in = true;
        }
        if probe {
            pending.probed = head;
        }
        if first {
            let state = TransactionState::Pending;
            self.events.push_back(Event::Transaction { digest, action: deed, signer, state });
        }
        if due && head <= transaction.expires {
            self.follower.submit(transaction.clone());
        }
        if probe {
            self.follower.find(digest);
            self.mine.want(signer);
            match &transaction.action {
                Action::SetWeights { uid, .. } => self.follower.prove(Subject::Row(*uid)),
                Action::Register { .. } | Action::Subscribe { .. } => {
                    self.follower.prove(Subject::Neuron(self.me.clone()));
                }
                _ => {}
            }
        }
    }

    /// Tells the neighbours of a pending transaction, where that is due and while it may still be included.
    pub(super) fn next_publication(&mut self) -> Option<Step> {
        let head = self.follower.head().map(Verified::height)?;
        let lanes = [&mut self.wallet.hot, &mut self.wallet.cold];
        let due = lanes.into_iter().filter_map(|lane| lane.pending.as_mut()).find(|pending| pending.publish)?;
        due.publish = false;
        let transaction = due.transaction.clone();
        (transaction.expires > head).then_some(Step::Publish { transaction })
    }

    fn pending(&mut self, digest: Digest) -> Option<(Signer, &mut Pending)> {
        let Wallet { hot, cold, .. } = &mut self.wallet;
        let lanes = [(Signer::Hot, hot), (Signer::Cold, cold)];
        lanes.into_iter().find_map(|(signer, lane)| {
            lane.pending.as_mut().filter(|pending| pending.digest == digest).map(|pending| (signer, pending))
        })
    }

    pub(super) fn on_submitted(&mut self, digest: Digest, outcome: Result<(), Refusal>) {
        let Some(head) = self.follower.head().map(Verified::height) else { return };
        if let (Some((_, pending)), Err(refusal)) = (self.pending(digest), outcome) {
            pending.refused = Some((refusal.to_string(), head));
        }
    }

    /// No source took it: the neighbours may know one.
    pub(super) fn on_not_submitted(&mut self, digest: Digest) {
        if let Some((_, pending)) = self.pending(digest) {
            pending.publish = true;
        }
    }

    /// It is in a block that a quorum signed.
    pub(super) fn on_included(&mut self, digest: Digest, inclusion: Inclusion) {
        let Inclusion { height, index, .. } = inclusion;
        let pending = self.pending(digest).map(|(signer, pending)| (signer, pending.transaction.clone()));
        if let Some((signer, transaction)) = pending {
            self.close(signer, TransactionState::Included(height), height);
            self.bought(&transaction, inclusion);
        }
        let at = self.wallet.sought.iter().position(|(sought, ..)| *sought == digest);
        let Some(at) = at else { return };
        let (_, action, signer, _) = self.wallet.sought.remove(at);
        let state = TransactionState::Final(height, index);
        self.events.push_back(Event::Transaction { digest, action, signer, state });
    }

    /// Settles what is pending by the own leaves, where they decide it.
    pub(super) fn settle(&mut self) {
        for signer in [Signer::Hot, Signer::Cold] {
            let nonce = self.mine.nonce(signer);
            if let (Some(pending), Some((at, nonce))) = (self.wallet.lane_mut(signer).pending.as_mut(), nonce)
                && nonce > pending.transaction.nonce
            {
                pending.overtaken.get_or_insert(at);
            }
            if let Some((state, seen)) = self.settlement(signer) {
                self.close(signer, state, seen);
            }
        }
    }

    /// What became of the pending transaction of a key, and the height at which that was seen.
    fn settlement(&self, signer: Signer) -> Option<(TransactionState, Height)> {
        use TransactionState::{Included, Refused};
        let pending = self.wallet.lane(signer).pending.as_ref()?;
        let (at, nonce) = self.mine.nonce(signer)?;
        let expires = pending.transaction.expires;
        if nonce > pending.transaction.nonce {
            // Until then a source may name its place in a block.
            let late = pending.overtaken.is_some_and(|since| at.since(since) >= UNFOUND_BLOCKS);
            let replaced = || Refused("another transaction of this key took its place".into());
            return match &pending.transaction.action {
                Action::SetWeights { row, .. } => {
                    let (seen, leaf) = self.mine.row_at().filter(|(seen, _)| *seen >= at)?;
                    Some((if leaf.row == *row { Included(leaf.updated) } else { replaced() }, seen))
                }
                Action::Register { .. } | Action::Subscribe { .. } => {
                    let (seen, neuron) = self.mine.neuron().filter(|(seen, _)| *seen >= at)?;
                    match neuron {
                        Some((_, neuron)) => Some((Included(neuron.registered), seen)),
                        None => late.then(|| (replaced(), seen)),
                    }
                }
                _ => late.then(|| (replaced(), at)),
            };
        }
        let reason = match &pending.refused {
            Some((reason, when)) if at.since(*when) >= LATER => reason.clone(),
            _ if at > expires => {
                format!("not included by height {expires}: it is signed again where it is still wanted")
            }
            _ => return None,
        };
        Some((Refused(reason), at))
    }

    /// The pending transaction of a key is over, as was seen at this height.
    fn close(&mut self, signer: Signer, state: TransactionState, seen: Height) {
        let lane = self.wallet.lane_mut(signer);
        let Some(pending) = lane.pending.take() else { return };
        lane.settled = seen;
        match state {
            TransactionState::Refused(_) => {
                lane.pause.length = (lane.pause.length * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
                lane.pause.until = self.now.saturating_add(lane.pause.length);
            }
            _ => lane.pause = Pause::default(),
        }
        let (digest, action) = (pending.digest, pending.deed());
        if !matches!(state, TransactionState::Refused(_)) {
            self.wallet.sought.push((digest, action, signer, seen.after(SOUGHT_BLOCKS)));
        } else if matches!(pending.transaction.action, Action::SetWeights { .. }) {
            self.row_of = None;
        }
        // The own figures changed, and the nonce with them: nothing is signed before that was seen.
        self.mine.renew();
        self.keep_own();
        self.events.push_back(Event::Transaction { digest, action, signer, state });
    }

    /// Keeps what is signed and not settled.
    fn keep_own(&mut self) {
        let lanes = [&self.wallet.hot, &self.wallet.cold];
        let pending: Vec<&Transaction> =
            lanes.into_iter().filter_map(|lane| lane.pending.as_ref()).map(|pending| &pending.transaction).collect();
        let height = self.follower.client().height();
        let others = self.wallet.others.iter().filter(|transaction| transaction.expires > height);
        let all: Vec<&Transaction> = pending.into_iter().chain(others).collect();
        let bytes = shelf::own(&all);
        self.follower.keep(Shelf::Own, bytes, false);
    }

    /// Goes on with what was signed at the last visit.
    pub(super) fn restore_own(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let transactions = match shelf::transactions(bytes) {
            Ok(transactions) => transactions,
            Err(error) => return self.follower.damaged(Shelf::Own, error),
        };
        let height = self.follower.client().height();
        for transaction in transactions {
            let signer = match &transaction.signer {
                key if *key == self.me => Signer::Hot,
                key if Some(key) == self.cold.as_ref() => Signer::Cold,
                _ => {
                    self.wallet.others.push(transaction);
                    continue;
                }
            };
            if transaction.chain == self.follower.chain() && transaction.verify_signature() {
                self.wallet.lane_mut(signer).pending = Some(Pending::new(transaction, self.now, height));
            }
        }
    }

    /// Signs a registration.
    pub(super) fn register(&mut self, recent: Height, work: u64) {
        let action = Action::Register { cold: self.owner().clone(), modality: self.modality.number(), recent, work };
        // A chain with wrong figures has no search under way.
        let _ = self.queue(Signer::Hot, action);
    }
}

/// Blocks after which a transaction is handed in again.
const RESUBMIT_BLOCKS: u64 = 10;

/// Blocks after which a transaction whose nonce was used up, and which no source shows in a block, counts as replaced.
const UNFOUND_BLOCKS: u64 = 20;

/// Blocks after which a refusal counts: who refused may have been a block ahead, and have passed the transaction on all the same.
const LATER: u64 = 2;

/// Blocks for which the place of what is included is looked for.
const SOUGHT_BLOCKS: u64 = 64;

/// Most actions of a key that wait for their signature.
const WAITING: usize = 16;

/// Pause in signing after a refusal: the first, doubled each time, and the longest, ms.
const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 60_000;
