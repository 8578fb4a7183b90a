//! Transactions that wait to be included.
//!
//! **Entering.** A transaction is checked on top of the newest final state and of what the same signer has waiting before
//! it; what does not fit is refused at once. Its signature is verified here, once: who builds or verifies a block takes the
//! [`Checked`] transaction ([`Mempool::offers`], [`Mempool::checked`]). What other signers have waiting does not count, so
//! nobody's transaction falls with another's: who is about to be paid waits until that is final.
//!
//! **Order.** A block is offered the classes ([`Class`]) one after the other: what keeps the chain alive, what pays, what is
//! free; in a class the oldest first. One signer's transactions keep the order of their nonces, so none of them counts as
//! of a better class than those before it.
//!
//! **Replacing.** A transaction of a signer and a nonce that wait already takes the place of the one there, at most
//! [`REPLACEMENTS`] times a nonce; what waits behind it is tried again. So one that stays behind can be corrected.
//!
//! **Bounds.** At most [`PER_SIGNER`] wait of one signer, [`CAPACITY`] of all, and [`CAPACITY_BYTES`] in bytes. When all
//! places are taken, a newcomer puts out the newest of the worst class, if that is worse than its own; else it is refused.
//! Only one accusation of a key waits: two votes can be told in many ways, and each is free.
//!
//! **Leaving.** With each final block, what it includes waits no longer. The signers it touched are tried again, and beside
//! them the next [`SWEEP`] in turn, so that a long queue does not make every block dear. What no longer fits is dropped, and
//! the reason is remembered.

mod ends;
mod queue;
#[cfg(test)]
mod tests;

pub use queue::Class;

use commonware_codec::EncodeSize;
use ends::Ends;
use ledger::state::Draft;
use ledger::transaction::Checked;
use ledger::{At, Digest, Header, Height, PublicKey, Refusal, State, Transaction, TransactionStatus};
use queue::{Place, Waiting, accused};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

/// Most transactions that wait: four of the fullest blocks.
pub const CAPACITY: usize = 16_384;

/// Most bytes of those that wait. A row of 64 weights takes some 550.
pub const CAPACITY_BYTES: usize = 16 << 20;

/// Most transactions of one key that wait.
pub const PER_SIGNER: usize = 16;

/// Most times that a transaction is replaced by another of its nonce.
pub const REPLACEMENTS: u8 = 4;

/// Transactions whose signers are tried again with each final block, beside those that it touched.
pub const SWEEP: usize = 1_024;

/// The queue.
#[derive(Debug)]
pub struct Mempool {
    /// The next block on top of the newest final state, with nothing in it.
    draft: Draft,
    /// Height of that state.
    height: Height,
    /// What waits, in the order in which it is offered.
    order: BTreeMap<Place, Waiting>,
    places: HashMap<Digest, Place>,
    /// The places of each signer, in order of nonces.
    signers: HashMap<PublicKey, Vec<Place>>,
    /// Of whom an accusation waits.
    accused: HashSet<PublicKey>,
    /// Encoded size of all that wait.
    bytes: usize,
    arrivals: u64,
    /// Where the last sweep ended.
    swept: Place,
    ends: Ends,
    limits: Limits,
}

/// What the queue holds at most.
#[derive(Clone, Copy, Debug)]
struct Limits {
    count: usize,
    bytes: usize,
}

impl Mempool {
    /// An empty queue on top of a final state.
    pub fn new(header: &Header, state: &State) -> Option<Self> {
        Some(Self {
            draft: next_draft(header, state)?,
            height: header.height,
            order: BTreeMap::new(),
            places: HashMap::new(),
            signers: HashMap::new(),
            accused: HashSet::new(),
            bytes: 0,
            arrivals: 0,
            swept: Place::BEGIN,
            ends: Ends::default(),
            limits: Limits { count: CAPACITY, bytes: CAPACITY_BYTES },
        })
    }

    /// Lets a transaction wait, or refuses it. One that waits already is accepted again.
    pub fn submit(&mut self, transaction: Transaction) -> Result<Digest, Refusal> {
        let digest = transaction.digest();
        if self.places.contains_key(&digest) {
            return Ok(digest);
        }
        if accused(&transaction).is_some_and(|key| self.accused.contains(key)) {
            return Err(Refusal::Queued { open: 1 });
        }
        let mine = self.mine(&transaction.signer);
        let before = mine.iter().take_while(|(_, waiting)| waiting.transaction().nonce < transaction.nonce).count();
        let replaced = mine.get(before).filter(|(_, waiting)| waiting.transaction().nonce == transaction.nonce);
        let used_up = match replaced {
            // An accusation stays: else the accused could put its own before that of others, and take it away again.
            Some((_, waiting)) => waiting.replaced >= REPLACEMENTS || waiting.accused().is_some(),
            None => mine.len() >= PER_SIGNER,
        };
        if used_up {
            return Err(Refusal::Queued { open: count(mine.len()) });
        }
        let checked = Arc::new(Checked::new(transaction)?);
        let transaction = checked.transaction();
        let mut draft = Cow::Borrowed(&self.draft);
        for (_, waiting) in mine.iter().take(before) {
            draft.to_mut().offer_checked(&waiting.checked)?;
        }
        let class = Class::of(transaction, draft.admits(transaction)?);
        let class = mine.iter().take(before).fold(class, |worst, (place, _)| worst.max(place.class));
        let bytes = transaction.encode_size();
        let replaced = replaced.map(|(place, waiting)| (*place, waiting.replaced + 1));
        let out = match replaced {
            Some((place, _)) => self.fits_instead(place, bytes).map(|()| Vec::new())?,
            None => self.room(class, bytes)?,
        };
        let new = Waiting { digest, checked, bytes, replaced: 0, tried: self.height };
        match replaced {
            Some((place, replaced)) => self.replace(place, Waiting { replaced, ..new }),
            None => {
                let refusal = Refusal::Busy { open: count(self.order.len()) };
                for place in out {
                    self.drop(place, &refusal);
                }
                self.arrivals += 1;
                self.insert(Place { class, arrival: self.arrivals }, new);
            }
        }
        Ok(digest)
    }

    /// All that wait, in the order in which a block is to be offered them.
    pub fn offers(&self) -> Vec<Arc<Checked>> {
        self.order.values().map(|waiting| Arc::clone(&waiting.checked)).collect()
    }

    /// A waiting transaction, whose signature was verified when it came.
    pub fn checked(&self, digest: &Digest) -> Option<Arc<Checked>> {
        self.order.get(self.places.get(digest)?).map(|waiting| Arc::clone(&waiting.checked))
    }

    /// The class in which a transaction waits.
    pub fn class(&self, digest: &Digest) -> Option<Class> {
        self.places.get(digest).map(|place| place.class)
    }

    /// Number of transactions that wait.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Encoded size of all that wait, bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// A block is final: what it includes waits no longer, the signers it touched and some others are tried again.
    pub fn settle(&mut self, header: &Header, state: &State, included: &[Transaction]) {
        let mut touched = HashSet::new();
        for transaction in included {
            let digest = transaction.digest();
            if let Some(place) = self.places.get(&digest) {
                self.remove(*place);
            }
            self.ends.insert(digest, TransactionStatus::Included { height: header.height });
            if self.signers.contains_key(&transaction.signer) {
                touched.insert(&transaction.signer);
            }
        }
        let Some(draft) = next_draft(header, state) else { return };
        self.draft = draft;
        self.height = header.height;
        for signer in touched {
            self.retry(signer);
        }
        self.sweep();
    }

    /// Where a transaction stands, as far as is remembered.
    pub fn status(&self, digest: &Digest) -> TransactionStatus {
        if self.places.contains_key(digest) {
            return TransactionStatus::Pending;
        }
        self.ends.get(digest).cloned().unwrap_or(TransactionStatus::Unknown)
    }

    /// What waits of a signer, in order of nonces and tried on top of the newest final state.
    fn mine(&mut self, signer: &PublicKey) -> Vec<(Place, Waiting)> {
        let stale = |place| self.order.get(place).is_some_and(|waiting| waiting.tried < self.height);
        if self.signers.get(signer).is_some_and(|places| places.iter().any(stale)) {
            self.retry(signer);
        }
        let places = self.signers.get(signer).into_iter().flatten();
        places.filter_map(|place| Some((*place, self.order.get(place)?.clone()))).collect()
    }

    /// Those whom a newcomer puts out. None of them leaves another behind that depends on it: where one signer has several,
    /// the last stands behind the others, and so goes first.
    fn room(&self, class: Class, bytes: usize) -> Result<Vec<Place>, Refusal> {
        let (mut open, mut total, mut out) = (self.order.len() + 1, self.bytes + bytes, Vec::new());
        let mut worst = self.order.iter().rev().take_while(|(place, _)| place.class > class);
        while open > self.limits.count || total > self.limits.bytes {
            let (place, waiting) = worst.next().ok_or(Refusal::Busy { open: count(self.order.len()) })?;
            out.push(*place);
            open -= 1;
            total -= waiting.bytes;
        }
        Ok(out)
    }

    /// Whether so many bytes fit where one stands that goes.
    fn fits_instead(&self, place: Place, bytes: usize) -> Result<(), Refusal> {
        let freed = self.order.get(&place).map_or(0, |waiting| waiting.bytes);
        let fits = self.bytes - freed + bytes <= self.limits.bytes;
        if fits { Ok(()) } else { Err(Refusal::Busy { open: count(self.order.len()) }) }
    }

    /// Puts a transaction in the place of another of its nonce, and tries what waits behind it again.
    fn replace(&mut self, place: Place, new: Waiting) {
        let (signer, nonce) = (new.transaction().signer.clone(), new.transaction().nonce);
        self.drop(place, &Refusal::Replayed { given: nonce, next: nonce.next() });
        self.insert(place, new);
        self.retry(&signer);
    }

    /// Tries what waits of a signer again, one after the other; what no longer fits is dropped.
    fn retry(&mut self, signer: &PublicKey) {
        let places = self.signers.get(signer).cloned().unwrap_or_default();
        let waiting: Vec<(Place, Waiting)> =
            places.into_iter().filter_map(|place| Some((place, self.remove(place)?))).collect();
        let last = waiting.len().saturating_sub(1);
        let (mut worst, mut kept) = (Class::Vital, Vec::new());
        let mut draft = Cow::Borrowed(&self.draft);
        for (index, (Place { arrival, .. }, waiting)) in waiting.into_iter().enumerate() {
            let admitted = draft.admits(waiting.transaction()).and_then(|pays| {
                // The last need not be carried out: nobody stands behind it.
                if index < last { draft.to_mut().offer_checked(&waiting.checked).map(|()| pays) } else { Ok(pays) }
            });
            match admitted {
                Ok(pays) => {
                    worst = worst.max(Class::of(waiting.transaction(), pays));
                    kept.push((Place { class: worst, arrival }, Waiting { tried: self.height, ..waiting }));
                }
                Err(refusal) => self.ends.insert(waiting.digest, TransactionStatus::Refused { refusal }),
            }
        }
        for (place, waiting) in kept {
            self.insert(place, waiting);
        }
    }

    /// Tries the signers of the next [`SWEEP`] transactions again.
    fn sweep(&mut self) {
        let after = (Bound::Excluded(self.swept), Bound::Unbounded);
        let next: Vec<(Place, Arc<Checked>)> = self
            .order
            .range(after)
            .filter(|(_, waiting)| waiting.tried < self.height)
            .take(SWEEP)
            .map(|(place, waiting)| (*place, Arc::clone(&waiting.checked)))
            .collect();
        self.swept = next.get(SWEEP - 1).map_or(Place::BEGIN, |(place, _)| *place);
        for (place, checked) in next {
            // It may be gone, or tried with another of its signer.
            if self.order.get(&place).is_some_and(|waiting| waiting.tried < self.height) {
                self.retry(&checked.transaction().signer);
            }
        }
    }

    /// Lets a transaction wait, behind all others of its signer that are there.
    fn insert(&mut self, place: Place, waiting: Waiting) {
        self.bytes += waiting.bytes;
        self.places.insert(waiting.digest, place);
        self.accused.extend(waiting.accused().cloned());
        let places = self.signers.entry(waiting.transaction().signer.clone()).or_default();
        let behind = places.partition_point(|other| *other < place);
        places.insert(behind, place);
        self.order.insert(place, waiting);
    }

    /// Takes a transaction out.
    fn remove(&mut self, place: Place) -> Option<Waiting> {
        let waiting = self.order.remove(&place)?;
        self.bytes -= waiting.bytes;
        self.places.remove(&waiting.digest);
        if let Some(key) = waiting.accused() {
            self.accused.remove(key);
        }
        let signer = &waiting.transaction().signer;
        if let Some(places) = self.signers.get_mut(signer) {
            places.retain(|other| *other != place);
            if places.is_empty() {
                self.signers.remove(signer);
            }
        }
        Some(waiting)
    }

    /// Takes a transaction out and remembers why.
    fn drop(&mut self, place: Place, refusal: &Refusal) {
        if let Some(waiting) = self.remove(place) {
            self.ends.insert(waiting.digest, TransactionStatus::Refused { refusal: refusal.clone() });
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The block after `header`, at the earliest time.
fn next_draft(header: &Header, state: &State) -> Option<Draft> {
    let time = state.time().saturating_add(state.parameters().block_time);
    state.draft(At { height: Height(header.height.get()).next(), time, parent: header.digest() }).ok()
}
