//! Leaves with their proofs, and transactions: handed in, and found again in a block that a quorum signed.
//!
//! A leaf is asked for at the newest head. What a source says of a transaction that is handed in is its word; that it is in a block is
//! proven by its place under the root in a header, and the header by the certificate of its block or of one that follows from it.
//! That there is no such account or peer cannot be proven by a leaf, and is told as a word.

use super::queries::Purpose;
use super::{Follower, Step};
use crate::{Error, Seen, Source, Verified, tables};
use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _, Read};
use commonware_cryptography::sha256::Digest;
use ledger::block::verify_inclusion;
use ledger::{
    AccountLeaf, EpochLeaf, Header, Height, NeuronLeaf, PublicKey, Query, Refusal, Reply, Standing, Table, Totals,
    Transaction, Uid, WeightsLeaf,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a leaf is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The account of a key.
    Account(PublicKey),
    /// The peer with this hot key.
    Neuron(PublicKey),
    /// The row of a peer.
    Row(Uid),
    /// What the last epoch found about a peer.
    Standing(Uid),
    /// Figures of the whole chain.
    Totals,
}

/// A proven leaf.
#[derive(Clone, Debug, PartialEq)]
pub enum Leaf {
    /// An account.
    Account(AccountLeaf),
    /// A peer, with its uid.
    Neuron(Uid, NeuronLeaf),
    /// A row.
    Row(WeightsLeaf),
    /// What the last epoch found about a peer.
    Standing(Standing),
    /// Figures of the whole chain.
    Totals(Totals),
}

/// The proof that a transaction is in a block that is final.
#[derive(Clone, Debug)]
pub struct Inclusion {
    /// Height of the block.
    pub height: Height,
    /// Its place in the block.
    pub index: u32,
    /// The proof of that place under the root in the header.
    pub proof: Bytes,
    /// The header, and those that follow up to one with a certificate.
    pub headers: Vec<Header>,
    /// The certificate of the last one.
    pub finalization: Bytes,
}

/// What is wanted and under way.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    subjects: BTreeSet<Subject>,
    submissions: VecDeque<Transaction>,
    /// Those that a source was asked to take.
    submitting: BTreeMap<Digest, Transaction>,
    finds: BTreeMap<Digest, Option<Place>>,
    /// Whether a find is to be asked again at once.
    due: BTreeSet<Digest>,
}

/// Where a source says that a transaction is.
#[derive(Clone, Debug)]
struct Place {
    source: Source,
    height: Height,
    index: u32,
    proof: Bytes,
}

impl Follower {
    /// Asks for a leaf at the newest head, with its proof: [`Seen::Proven`], sooner or later.
    pub fn prove(&mut self, subject: Subject) {
        self.proofs.subjects.insert(subject);
    }

    /// Hands in a transaction once: [`Seen::Submitted`], or [`Seen::NotSubmitted`] where no source takes it.
    pub fn submit(&mut self, transaction: Transaction) {
        let digest = transaction.digest();
        if !self.has_source() {
            return self.events.push_back(Seen::NotSubmitted { digest });
        }
        self.proofs.submissions.retain(|waiting| waiting.digest() != digest);
        self.proofs.submissions.push_back(transaction);
    }

    /// Looks for a transaction in the blocks, once: [`Seen::Included`] where it is found.
    pub fn find(&mut self, digest: Digest) {
        self.proofs.finds.entry(digest).or_insert(None);
        self.proofs.due.insert(digest);
    }

    /// Whether leaves of this have not come for a while.
    pub fn proves_in_vain(&self, subject: &Subject) -> bool {
        !self.has_source() || self.queries.in_vain(&Purpose::Prove(subject.clone()))
    }

    pub(super) fn next_submission(&mut self) -> Option<Step> {
        let transaction = self.proofs.submissions.front()?.clone();
        let digest = transaction.digest();
        let step = self.ask(Purpose::Submit(digest), Query::Submit { transaction: transaction.clone() }, None)?;
        self.proofs.submissions.pop_front();
        self.proofs.submitting.insert(digest, transaction);
        Some(step)
    }

    pub(super) fn on_submitted(&mut self, digest: Digest, source: &Source, reply: Reply) -> Result<(), Error> {
        let outcome: Result<(), Refusal> = match reply {
            Reply::Accepted { digest: accepted } if accepted == digest => Ok(()),
            Reply::Refused { refusal } => Err(refusal),
            _ => return Err(Error::WrongReply),
        };
        self.proofs.submitting.remove(&digest);
        self.events.push_back(Seen::Submitted { digest, source: source.clone(), outcome });
        Ok(())
    }

    /// A source did not take it; `left`: others are asked.
    pub(super) fn on_not_submitted(&mut self, digest: Digest, left: bool) {
        let transaction = self.proofs.submitting.remove(&digest);
        if left {
            self.proofs.submissions.extend(transaction);
        } else {
            self.queries.succeeded(&Purpose::Submit(digest));
            self.events.push_back(Seen::NotSubmitted { digest });
        }
    }

    pub(super) fn next_proof(&mut self) -> Option<Step> {
        if let Some(step) = self.next_find() {
            return Some(step);
        }
        let at = self.client.head()?.clone();
        let height = at.height();
        let wanted: Vec<Subject> = self.proofs.subjects.iter().cloned().collect();
        wanted.into_iter().find_map(|subject| {
            let leaf = |table, index| Query::Leaf { height, table, index };
            let query = match &subject {
                Subject::Account(key) => Query::Account { height, key: key.clone() },
                Subject::Neuron(key) => Query::Neuron { height, key: key.clone() },
                Subject::Row(uid) => leaf(Table::Weights, uid.get()),
                Subject::Standing(uid) => leaf(Table::Epoch, uid.get().saturating_add(1)),
                Subject::Totals => leaf(Table::Epoch, 0),
            };
            self.ask(Purpose::Prove(subject), query, Some(at.clone()))
        })
    }

    pub(super) fn on_proof(
        &mut self,
        subject: Subject,
        source: &Source,
        at: &Verified,
        reply: Reply,
    ) -> Result<(), Error> {
        let leaf = match reply {
            Reply::NoSuch if self.stands(&subject, at.height()) => return Err(Error::WrongReply),
            Reply::NoSuch => None,
            Reply::Leaf { index, leaf, proof } => Some(proven(&subject, at.header(), index, &leaf, &proof)?),
            _ => return Err(Error::WrongReply),
        };
        self.proofs.subjects.remove(&subject);
        self.events.push_back(Seen::Proven { subject, at: at.height(), source: source.clone(), leaf });
        Ok(())
    }

    /// Whether verified tables of this block or an earlier one show that there is such a leaf, which nothing takes away.
    fn stands(&self, subject: &Subject, at: Height) -> bool {
        let tables = self.tables().filter(|tables| tables.height() <= at);
        match subject {
            Subject::Totals => true,
            Subject::Account(key) => tables.is_some_and(|tables| tables.state().account(key).is_some()),
            Subject::Row(uid) | Subject::Standing(uid) => tables.is_some_and(|tables| tables.row(*uid).is_some()),
            Subject::Neuron(_) => false,
        }
    }

    /// It is in no block that a source knows of.
    pub(super) fn let_go(&mut self, digest: Digest) {
        if self.proofs.finds.get(&digest).is_some_and(Option::is_none) {
            self.proofs.finds.remove(&digest);
        }
    }

    fn next_find(&mut self) -> Option<Step> {
        let finds: Vec<(Digest, Option<Height>)> = self
            .proofs
            .finds
            .iter()
            .filter(|(digest, place)| place.is_some() || self.proofs.due.contains(*digest))
            .map(|(digest, place)| (*digest, place.as_ref().map(|place| place.height)))
            .collect();
        finds.into_iter().find_map(|(digest, height)| match height {
            None => {
                let step = self.ask(Purpose::Find(digest), Query::Inclusion { digest }, None)?;
                self.proofs.due.remove(&digest);
                Some(step)
            }
            Some(height) => self.ask(Purpose::Attest(digest, height), Query::Headers { from: height, limit: 1 }, None),
        })
    }

    pub(super) fn on_found(&mut self, digest: Digest, source: &Source, reply: Reply) -> Result<(), Error> {
        let (height, index, proof) = match reply {
            Reply::Inclusion { height, index, proof } => (height, index, proof),
            Reply::NoSuch => return Ok(()),
            _ => return Err(Error::WrongReply),
        };
        let place = Place { source: source.clone(), height, index, proof };
        if let Some((header, finalization)) = self.client.certified(height) {
            let (headers, finalization) = (vec![header.clone()], finalization.clone());
            return self.included(digest, &place, headers, finalization);
        }
        self.proofs.finds.insert(digest, Some(place));
        Ok(())
    }

    /// The header of the block where a transaction is said to be.
    pub(super) fn on_attested(&mut self, digest: Digest, height: Height, reply: Reply) -> Result<(), Error> {
        let Reply::Headers { headers, finalization } = reply else { return Err(Error::WrongReply) };
        let Some(Some(place)) = self.proofs.finds.get(&digest).cloned() else { return Ok(()) };
        if headers.first().is_none_or(|header| header.height != height) {
            return Err(Error::WrongReply);
        }
        match self.client.attest(&headers, &finalization, self.now) {
            Ok(()) => {}
            // It is looked for again when the links are there.
            Err(Error::NeedsLinks { .. } | Error::NonMonotonicHeight { .. }) => {
                self.proofs.finds.insert(digest, None);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if let Err(error) = self.included(digest, &place, headers, finalization) {
            // It is the one who gave the place that lied, and not the one who gave the header.
            self.proofs.finds.insert(digest, None);
            self.blame(&place.source, error);
        }
        Ok(())
    }

    /// Nobody has the block where a source says that it is: another may know better.
    pub(super) fn on_not_attested(&mut self, digest: Digest) {
        self.proofs.finds.insert(digest, None);
    }

    /// Whether it is at its place under the root of the first of these verified headers.
    fn included(
        &mut self,
        digest: Digest,
        place: &Place,
        headers: Vec<Header>,
        finalization: Bytes,
    ) -> Result<(), Error> {
        let Place { height, index, .. } = *place;
        let header = headers.first().ok_or(Error::NoHeaders)?;
        verify_inclusion(&header.transactions, index, &digest, &place.proof)
            .map_err(|_| Error::NotIncluded { height, index })?;
        self.proofs.finds.remove(&digest);
        self.proofs.due.remove(&digest);
        let inclusion = Inclusion { height, index, proof: place.proof.clone(), headers, finalization };
        self.events.push_back(Seen::Included { digest, inclusion: Box::new(inclusion) });
        Ok(())
    }
}

fn proven(subject: &Subject, header: &Header, index: u32, leaf: &[u8], proof: &[u8]) -> Result<Leaf, Error> {
    let check = |table, asked| tables::leaf(header, table, asked, index, leaf, proof);
    Ok(match subject {
        Subject::Account(key) => {
            check(Table::Accounts, index)?;
            let account: AccountLeaf = parse("account", leaf)?;
            if account.key != *key {
                return Err(Error::WrongReply);
            }
            Leaf::Account(account)
        }
        Subject::Neuron(key) => {
            check(Table::Neurons, index)?;
            let neuron: NeuronLeaf = parse("neuron", leaf)?;
            if neuron.hot != *key || neuron.vacant {
                return Err(Error::WrongReply);
            }
            Leaf::Neuron(Uid::new(index), neuron)
        }
        Subject::Row(uid) => {
            check(Table::Weights, uid.get())?;
            Leaf::Row(parse("row", leaf)?)
        }
        Subject::Standing(uid) => {
            check(Table::Epoch, uid.get().saturating_add(1))?;
            match parse("standing", leaf)? {
                EpochLeaf::Standing(standing) => Leaf::Standing(standing),
                EpochLeaf::Totals(_) => return Err(Error::WrongReply),
            }
        }
        Subject::Totals => {
            check(Table::Epoch, 0)?;
            match parse("totals", leaf)? {
                EpochLeaf::Totals(totals) => Leaf::Totals(totals),
                EpochLeaf::Standing(_) => return Err(Error::WrongReply),
            }
        }
    })
}

/// Parses a proven leaf.
fn parse<T: Read<Cfg = ()>>(what: &'static str, leaf: &[u8]) -> Result<T, Error> {
    T::decode(Copying(leaf)).map_err(|error| Error::codec(what, leaf.len(), &error))
}
