//! The own leaves by proof: accounts of both keys, the own place, the own row. They are asked for anew after each audit and each own
//! transaction, and say what nonce comes next.

use super::Participant;
use crate::{Error, Leaf, Signer, Source, Subject, Tables};
use ledger::{AccountLeaf, Height, NeuronLeaf, Nonce, Uid, WeightsLeaf};

/// What is known of oneself.
#[derive(Debug, Default)]
pub(super) struct Mine {
    hot: Item<Option<AccountLeaf>>,
    cold: Item<Option<AccountLeaf>>,
    neuron: Item<Option<(Uid, NeuronLeaf)>>,
    row: Item<Option<WeightsLeaf>>,
}

/// A leaf, the height it was proven at, and whether a newer one is wanted.
#[derive(Debug)]
struct Item<T> {
    known: Option<(Height, T)>,
    wanted: bool,
}

impl<T> Default for Item<T> {
    fn default() -> Self {
        Self { known: None, wanted: true }
    }
}

impl<T> Item<T> {
    fn set(&mut self, at: Height, value: T) {
        if self.known.as_ref().is_none_or(|(known, _)| *known <= at) {
            self.known = Some((at, value));
        }
        self.wanted = false;
    }

    /// Whether it is of that height or later, and no newer one is waited for.
    fn is_since(&self, height: Height) -> bool {
        self.known.as_ref().is_some_and(|(at, _)| *at >= height)
    }
}

impl Mine {
    /// Everything may have changed.
    pub fn renew(&mut self) {
        self.hot.wanted = true;
        self.cold.wanted = true;
        self.neuron.wanted = true;
        self.row.wanted = true;
    }

    /// The account of a key may have changed.
    pub const fn want(&mut self, signer: Signer) {
        match signer {
            Signer::Hot => self.hot.wanted = true,
            Signer::Cold => self.cold.wanted = true,
        }
    }

    fn of(&self, signer: Signer) -> &Item<Option<AccountLeaf>> {
        match signer {
            Signer::Hot => &self.hot,
            Signer::Cold => &self.cold,
        }
    }

    /// The account of a key, where there is one.
    pub fn account(&self, signer: Signer) -> Option<&AccountLeaf> {
        self.of(signer).known.as_ref()?.1.as_ref()
    }

    /// The nonce that comes next for a key, and the height at which that was proven.
    pub fn nonce(&self, signer: Signer) -> Option<(Height, Nonce)> {
        let (at, account) = self.of(signer).known.as_ref()?;
        Some((*at, account.as_ref().map_or(Nonce::new(0), |account| account.nonce)))
    }

    /// The own place, and the height at which that was proven.
    pub fn neuron(&self) -> Option<(Height, Option<&(Uid, NeuronLeaf)>)> {
        self.neuron.known.as_ref().map(|(at, neuron)| (*at, neuron.as_ref()))
    }

    /// The own row.
    pub fn row(&self) -> Option<&WeightsLeaf> {
        self.row.known.as_ref()?.1.as_ref()
    }

    /// The own row, and the height at which that was proven.
    pub fn row_at(&self) -> Option<(Height, &WeightsLeaf)> {
        let (at, row) = self.row.known.as_ref()?;
        Some((*at, row.as_ref()?))
    }

    /// Whether nothing newer is wanted.
    pub fn is_complete(&self) -> bool {
        !(self.hot.wanted || self.cold.wanted || self.neuron.wanted || self.row.wanted)
    }
}

impl Participant {
    /// Asks for the own leaves that are wanted.
    pub(super) fn plan_mine(&mut self) {
        for subject in self.subjects() {
            self.follower.prove(subject);
        }
    }

    /// What is wanted of oneself.
    fn subjects(&mut self) -> Vec<Subject> {
        let mut subjects = Vec::new();
        let uid = self.own_uid();
        if self.cold.is_none() {
            self.mine.cold.wanted = false;
        }
        if uid.is_none() && !self.mine.neuron.wanted {
            self.mine.row.wanted = false;
        }
        if self.mine.hot.wanted {
            subjects.push(Subject::Account(self.me.clone()));
        }
        if let Some(cold) = self.cold.clone().filter(|_| self.mine.cold.wanted) {
            subjects.push(Subject::Account(cold));
        }
        if self.mine.neuron.wanted {
            subjects.push(Subject::Neuron(self.me.clone()));
        }
        if let Some(uid) = uid.filter(|_| self.mine.row.wanted) {
            subjects.push(Subject::Row(uid));
        }
        subjects
    }

    /// The own uid by what is newest.
    pub(super) fn own_uid(&self) -> Option<Uid> {
        let tables = self.follower.tables();
        let by_tables = tables.and_then(|tables| tables.uid(&self.me));
        match self.mine.neuron() {
            Some((at, neuron)) if tables.is_none_or(|tables| tables.height() <= at) => {
                neuron.map(|(uid, _)| *uid).or(by_tables)
            }
            _ => by_tables,
        }
    }

    /// Whether what is known of the account of `signer` is from `height` or later, and as new as can be had.
    pub(super) fn is_current(&self, signer: Signer, height: Height) -> bool {
        let item = self.mine.of(signer);
        let key = if signer == Signer::Hot { &self.me } else { self.owner() };
        item.is_since(height) && (!item.wanted || self.follower.proves_in_vain(&Subject::Account(key.clone())))
    }

    /// Whether the same holds for the own place and row.
    pub(super) fn is_row_current(&self, height: Height) -> bool {
        let vain = self.follower.proves_in_vain(&Subject::Neuron(self.me.clone()));
        let fits = |since: bool, wanted: bool| since && (!wanted || vain);
        fits(self.mine.neuron.is_since(height), self.mine.neuron.wanted)
            && fits(self.mine.row.is_since(height), self.mine.row.wanted)
    }

    /// A leaf that was asked for.
    pub(super) fn on_proven(&mut self, subject: &Subject, at: Height, source: &Source, leaf: Option<Leaf>) {
        match (subject, leaf) {
            (Subject::Account(key), leaf) => {
                let account = if let Some(Leaf::Account(account)) = leaf { Some(account) } else { None };
                let item = if *key == self.me { &mut self.mine.hot } else { &mut self.mine.cold };
                let proven = item.known.as_ref().is_some_and(|(known, account)| account.is_some() && *known <= at);
                if account.is_none() && (proven || *key == self.me && self.signed_before(at)) {
                    // Accounts are never closed, and who signed has one: the word that there is none is refuted.
                    self.follower.blame(source, Error::WrongReply);
                    return;
                }
                let item = if *key == self.me { &mut self.mine.hot } else { &mut self.mine.cold };
                item.set(at, account);
            }
            (Subject::Neuron(_), Some(Leaf::Neuron(uid, neuron))) => self.mine.neuron.set(at, Some((uid, neuron))),
            (Subject::Neuron(_), _) => self.mine.neuron.set(at, None),
            (Subject::Row(_), Some(Leaf::Row(row))) => self.mine.row.set(at, Some(row)),
            (Subject::Row(_), _) => self.mine.row.set(at, None),
            (Subject::Standing(_) | Subject::Totals, _) => return,
        }
        self.settle();
        if self.mine.is_complete() {
            self.tell_own();
        }
    }

    /// Whether tables of this block or an earlier one show that the hot key signed a transaction: it registered after genesis, or set a row.
    fn signed_before(&self, at: Height) -> bool {
        let shown = |tables: &Tables| {
            let uid = tables.uid(&self.me)?;
            let registered = tables.neuron(uid)?.registered > Height::new(0);
            Some(registered || tables.row(uid)?.version > 0)
        };
        self.follower.tables().filter(|tables| tables.height() <= at).and_then(shown).unwrap_or(false)
    }
}
