//! Follows one chain from several sources: its heads and validators, what its epochs came to, leaves and transactions with their proofs.
//!
//! A state machine without I/O and without a key. The owner names sources, polls for [`Step`]s, hands in what sources reply, and reads
//! [`Seen`]. Nothing that a source says counts before its certificate, its proof or its root was checked; what is a source's
//! word only says so.
//!
//! - Heads come from any source and from gossip; links from epoch to epoch where validators change ([`crate::Client`]).
//! - At the end of each epoch the last one is computed again ([`crate::audit`]), and its tables are those that everything
//!   else is computed from ([`Follower::tables`]). A chain of more peers than [`Options::whole`] is followed by proofs alone.
//! - What a past epoch came to is fetched on request and checked against its verified end ([`Follower::market`]).
//! - Purchases that others say paid the own peer are verified and credited once ([`Follower::claim`]).
//! - What was verified is kept ([`Shelf`]) and given to whoever asks ([`Follower::answer`]), so that sources need not be nodes.
//!
//! A hostile source could try: lies (named, and the source is not asked any more), silence (others are asked; a chain that stands still
//! is told), to hold heads back (gossip brings them; alone with hostile sources a follower only sees that nothing
//! comes), to say that there is no such account (told as its word), to hold back the tables of an audit (told as not audited).

mod auditing;
mod heads;
mod keeping;
mod past;
mod proofs;
mod queries;
mod sales;
mod serving;
mod sources;

use crate::audit::{Audit, Difference};
use crate::tables;
use crate::{Alarm, Checkpoint, Client, Error, Evidence, Seen, Shelf, Source, Step, Tables, Verified};
use auditing::{Auditing, Base};
use bytes::Bytes;
use heads::Heads;
use ledger::query::Link;
use ledger::{ChainId, Genesis, Header, Parameters, Query, Reply};
use past::Past;
use proofs::Proofs;
use queries::{Open, Purpose, Queries};
use sales::Till;
use sources::Sources;
use std::collections::VecDeque;

pub use proofs::{Inclusion, Leaf, Subject};
pub use sales::{CLAIM_MS, Goods, SKEW_MS};

/// How a chain is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most peers up to which whole tables are fetched and epochs are audited; 0: never.
    pub whole: u32,
}

impl Default for Options {
    /// Up to 16,384 peers: some 10 MB an epoch.
    fn default() -> Self {
        Self { whole: 16_384 }
    }
}

/// One chain, followed.
#[derive(Debug)]
pub struct Follower {
    genesis: Genesis,
    chain: ChainId,
    options: Options,
    client: Client,
    sources: Sources,
    queries: Queries,
    heads: Heads,
    proofs: Proofs,
    /// The audit under way.
    auditing: Option<Auditing>,
    /// How the last one ended.
    audit: Option<Audit>,
    /// What it was made from, and what it gave.
    base: Option<Base>,
    refuted: Option<Difference>,
    /// When an audit that was not to be had is tried again.
    audit_again: Option<u64>,
    /// The newest links, to serve.
    links: VecDeque<Link>,
    /// The ends of past epochs, and what is wanted of them.
    past: Past,
    /// Purchases that were credited.
    till: Till,
    /// What the bootstrap named, to be compared when the chain gets there.
    claims: Vec<Checkpoint>,
    /// The head of the last visit, until the links to it are restored.
    kept: Option<(Header, Bytes)>,
    /// Whether what was kept begins too long ago.
    stale: bool,
    /// Steps that come before any other.
    first: VecDeque<Step>,
    events: VecDeque<Seen>,
    now: u64,
    stopped: bool,
}

impl Follower {
    /// Follows the chain of `genesis` from `checkpoint`, at `now` (ms since 1970).
    ///
    /// # Errors
    /// [`Error::StaleCheckpoint`], [`Error::BadValidators`].
    pub fn new(genesis: Genesis, checkpoint: Checkpoint, options: Options, now: u64) -> Result<Self, Error> {
        Ok(Self {
            client: Client::new(&genesis, checkpoint, now)?,
            chain: genesis.chain(),
            genesis,
            options,
            sources: Sources::default(),
            queries: Queries::default(),
            heads: Heads::new(now),
            proofs: Proofs::default(),
            auditing: None,
            audit: None,
            base: None,
            refuted: None,
            audit_again: None,
            links: VecDeque::new(),
            past: Past::default(),
            till: Till::new(now),
            claims: Vec::new(),
            kept: None,
            stale: false,
            first: VecDeque::new(),
            events: VecDeque::new(),
            now,
            stopped: false,
        })
    }

    /// How the chain is followed from now on.
    pub const fn options(&mut self, options: Options) {
        self.options = options;
    }

    /// The chain.
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// The numbers that rule it.
    pub const fn parameters(&self) -> &Parameters {
        &self.genesis.parameters
    }

    /// The newest verified block.
    pub const fn head(&self) -> Option<&Verified> {
        self.client.head()
    }

    /// What is known of its heads and validators.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The tables after the last epoch that was audited and found sound, or those of genesis.
    pub fn tables(&self) -> Option<&Tables> {
        self.base.as_ref().map(Base::tables)
    }

    /// How the last audit ended.
    pub const fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    /// Where the chain was first found to be wrong.
    pub const fn refuted(&self) -> Option<&Difference> {
        self.refuted.as_ref()
    }

    /// Whether the tables of the newest end of an epoch are still to be had, and may be.
    pub fn awaits_audit(&self) -> bool {
        self.has_source() && self.auditing.as_ref().is_some_and(|auditing| !auditing.in_vain(&self.queries))
    }

    /// The proof of two histories, where that stopped the follower.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.client.evidence()
    }

    /// Whether nothing more will come.
    pub const fn stopped(&self) -> bool {
        self.stopped
    }

    /// Somebody who answers queries.
    pub fn add_source(&mut self, source: Source) {
        self.sources.add(source);
        self.audit_again = self.audit_again.map(|_| self.now);
        self.hint();
    }

    /// It is gone; what it was asked is asked elsewhere.
    pub fn remove_source(&mut self, source: &Source) {
        self.sources.remove(source);
        for open in self.queries.abandon(source) {
            self.fail(&open.purpose, &open.source);
        }
    }

    /// The sources, and whether each is still asked.
    pub fn sources(&self) -> Vec<(Source, bool)> {
        self.sources.names(self.now).map(|(source, trusted)| (source.clone(), trusted)).collect()
    }

    /// Whether anybody can be asked.
    pub fn has_source(&self) -> bool {
        self.sources.any(self.now)
    }

    /// The next thing to do at `now`, if any. Call until `None`.
    pub fn poll(&mut self, now: u64) -> Option<Step> {
        if now < self.now {
            self.rewind(now);
        }
        self.now = now;
        if let Some(step) = self.first.pop_front() {
            return Some(step);
        }
        if self.stopped {
            return None;
        }
        for open in self.queries.expire(now) {
            self.sources.done(&open.source, false);
            self.fail(&open.purpose, &open.source);
        }
        self.notice_stall();
        self.plan_audit();
        let step = self.next_query();
        // What was found out on the way may have to be kept first.
        match self.first.pop_front() {
            Some(first) => {
                self.first.extend(step);
                Some(first)
            }
            None => step,
        }
    }

    /// When to poll again if nothing else happens, ms since 1970.
    pub fn deadline(&self) -> Option<u64> {
        if self.stopped {
            return None;
        }
        let asks = self.has_source() && self.queries.free(&Purpose::Head, self.now);
        let head = asks.then_some(self.heads.next);
        let again = self.audit_again.filter(|at| *at > self.now);
        let all = [self.queries.deadline(self.now), self.sources.deadline(self.now), head, again, self.stall_at()];
        all.into_iter().flatten().min().map(|at| at.max(self.now.saturating_add(1)))
    }

    /// The next thing that was seen.
    pub fn next_event(&mut self) -> Option<Seen> {
        self.events.pop_front()
    }

    /// Query `id` was answered. A reply to nothing that is open is dropped.
    pub fn handle_reply(&mut self, id: u32, reply: Reply, now: u64) {
        self.now = now;
        let Some(open) = self.queries.close(id) else { return };
        if self.stopped {
            return;
        }
        let Open { purpose, source, at, .. } = open;
        let new = !self.nothing_new(&purpose, &reply);
        if matches!(reply, Reply::Unavailable { .. }) || !new {
            // That a transaction is in no block yet is an answer, and that the past is not kept.
            self.sources.done(&source, !new || matches!(purpose, Purpose::Find(_) | Purpose::Past(..)));
            return self.lacks(&purpose, &source);
        }
        let outcome = match (&purpose, at) {
            (Purpose::Head, _) => self.on_head(reply),
            (Purpose::Links, _) => self.on_links(reply),
            (Purpose::Audit(need), _) => self.on_audit(*need, &source, reply),
            (Purpose::Past(epoch, table), _) => self.on_past(*epoch, *table, &source, reply),
            (Purpose::Prove(subject), Some(at)) => self.on_proof(subject.clone(), &source, &at, reply),
            (Purpose::Submit(digest), _) => self.on_submitted(*digest, &source, reply),
            (Purpose::Find(digest), _) => self.on_found(*digest, &source, reply),
            (Purpose::Attest(digest, height), _) => self.on_attested(*digest, *height, reply),
            _ => Err(Error::WrongReply),
        };
        self.sources.done(&source, outcome.is_ok());
        match outcome {
            Ok(()) => self.queries.succeeded(&purpose),
            // A table that is too long for this client may be so: others say the same, or are asked in its place.
            Err(Error::Oversized { what: tables::WHAT, .. }) => self.fail(&purpose, &source),
            Err(error) => {
                self.fail(&purpose, &source);
                self.blame(&source, error);
            }
        }
    }

    /// Query `id` got no reply.
    pub fn handle_failed(&mut self, id: u32, now: u64) {
        self.now = now;
        if let Some(Open { purpose, source, .. }) = self.queries.close(id) {
            self.sources.done(&source, false);
            self.fail(&purpose, &source);
        }
    }

    /// A reply to query `id` could not be parsed.
    pub fn handle_malformed(&mut self, id: u32, error: &commonware_codec::Error, bytes: usize, now: u64) {
        self.now = now;
        if let Some(Open { purpose, source, .. }) = self.queries.close(id) {
            self.sources.done(&source, false);
            self.fail(&purpose, &source);
            self.blame(&source, Error::codec("reply", bytes, error));
        }
    }

    /// What `source` said was refused with `error`.
    pub(crate) fn blame(&mut self, source: &Source, error: Error) {
        if error.fatal() {
            return self.stop(error);
        }
        if !error.blames_sender() {
            return self.events.push_back(Seen::Alarm(Alarm::Reply(error)));
        }
        self.sources.lied(source, self.now);
        for open in self.queries.abandon(source) {
            self.fail(&open.purpose, &open.source);
        }
        self.events.push_back(Seen::Alarm(Alarm::Lied { who: source.clone(), error }));
    }

    /// Nothing more can be believed.
    fn stop(&mut self, error: Error) {
        if !self.stopped {
            self.stopped = true;
            self.events.push_back(Seen::Alarm(Alarm::Stopped(error)));
        }
    }

    /// `source` answered that it has not got it, or has nothing new.
    fn lacks(&mut self, purpose: &Purpose, source: &Source) {
        match purpose {
            Purpose::Links => self.forget_heard(),
            // Not in a block yet, as far as it knows.
            Purpose::Find(digest) => {
                self.let_go(*digest);
                return self.queries.succeeded(purpose);
            }
            _ => {}
        }
        self.fail(purpose, source);
    }

    /// `source` was asked for `purpose` in vain: others are, and once there are none everyone is after a pause.
    fn fail(&mut self, purpose: &Purpose, source: &Source) {
        self.queries.failed(purpose.clone(), source.clone(), self.now);
        let tried = self.queries.tried(purpose);
        let left = self.sources.names(self.now).any(|(other, trusted)| trusted && !tried.contains(other));
        if !left {
            self.queries.pause(purpose.clone(), self.now);
        }
        match purpose {
            Purpose::Submit(digest) => self.on_not_submitted(*digest, left),
            Purpose::Audit(need) => self.on_audit_failed(*need),
            Purpose::Past(epoch, table) if !left => self.on_past_lacking(*epoch, *table),
            Purpose::Attest(digest, _) if !left => self.on_not_attested(*digest),
            _ => {}
        }
    }

    /// The clock was set back: nothing waits for what it said before.
    fn rewind(&mut self, now: u64) {
        self.heads.rewind(now);
        self.queries.rewind(now);
        self.sources.rewind(now);
        self.audit_again = self.audit_again.map(|_| now);
    }

    /// Opens a query for `purpose`, where somebody can be asked.
    fn ask(&mut self, purpose: Purpose, query: Query, at: Option<Verified>) -> Option<Step> {
        let now = self.now;
        if !self.queries.free(&purpose, now) {
            return None;
        }
        let source = self.sources.pick(&self.queries.tried(&purpose), now)?;
        let id = self.queries.open(purpose, source.clone(), at, now);
        Some(Step::Query { id, source, query })
    }

    fn next_query(&mut self) -> Option<Step> {
        self.next_submission()
            .or_else(|| self.next_links())
            .or_else(|| self.next_head())
            .or_else(|| self.next_proof())
            .or_else(|| self.next_of_audit())
            .or_else(|| self.next_of_past())
    }

    /// Writes `bytes` to a shelf before anything else is done.
    pub(crate) fn keep(&mut self, shelf: Shelf, bytes: Bytes, append: bool) {
        self.first.push_back(Step::Keep { shelf, bytes, append });
    }
}
