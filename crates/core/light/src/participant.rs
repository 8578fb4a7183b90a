//! One peer's life on the ledger, as a state machine without I/O: follow the heads and the validators, register by proof of
//! work, know the own standing, sign a row each epoch, see it included.
//!
//! The owner polls for [`Step`]s (queries to put to any source, slices of proof of work, transactions to publish), hands
//! results and gossip in, and reads [`Event`]s. Time is an argument everywhere. Sources are not trusted: a reply counts only after its certificate, its
//! proof or its table's root was checked; a reply that is lost, late, out of order or false costs time only.
//!
//! A source can withhold: the participant reports a stalled chain and goes on asking, and takes heads from gossip all the
//! while. What no source takes, or none brings onto the ledger, it gives to its neighbours. A source's refusal of a
//! transaction is its word; it counts once a verified table of a later block shows that the transaction took no
//! effect. The nonce comes from the verified account, and a key that stands in the verified neuron table is never
//! registered again, so a reload with the same key goes on where it was.
//!
//! It holds the tables of one block at a time and does not persist anything.

mod gossip;
mod links;
mod queries;
mod signing;
mod survey;
mod work;

use crate::{Accepted, Alarm, Checkpoint, Client, Error, Event, Evidence, Tables, Verified, epochs};
use bytes::Bytes;
use commonware_cryptography::{
    Signer as _,
    ed25519::{PrivateKey, PublicKey},
};
use gossip::Passed;
use ledger::{AccountLeaf, ChainId, Genesis, Header, Height, Parameters, Puzzle, Query, Reply, Totals, Transaction};
use queries::{Purpose, Queries};
use signing::Pending;
use std::collections::VecDeque;
use survey::Survey;
use work::Search;

/// What the owner is to do for the participant.
#[derive(Clone, Debug)]
pub enum Step {
    /// Put a query to any source; then [`Participant::handle_reply`] or [`Participant::handle_failed`] with its id.
    Query {
        /// Id, never used twice.
        id: u32,
        /// The query.
        query: Query,
    },
    /// Try proofs of work `start..start + count` of `puzzle`; then [`Participant::handle_search`].
    Search {
        /// The puzzle.
        puzzle: Puzzle,
        /// First to try.
        start: u64,
        /// Number to try: sized so that a slice takes about 25 ms.
        count: u64,
    },
    /// Tell the neighbours of an own transaction; nothing comes back.
    Publish {
        /// The transaction.
        transaction: Transaction,
    },
}

/// One peer on one chain.
#[derive(Debug)]
pub struct Participant {
    key: PrivateKey,
    me: PublicKey,
    chain: ChainId,
    parameters: Parameters,
    client: Client,
    queries: Queries,
    events: VecDeque<Event>,
    now: u64,
    joined: bool,
    scores: Vec<(PublicKey, f64)>,
    follow: Follow,
    survey: Option<Survey>,
    survey_wanted: bool,
    known: Option<Known>,
    pending: Option<Pending>,
    /// Where the end of the last own transaction was seen: what is known from before that is old.
    settled: Height,
    passed: Passed,
    search: Option<Search>,
    sign_pause: SignPause,
    stopped: bool,
}

/// When to ask for heads and links, and since when there was no head.
#[derive(Debug)]
struct Follow {
    next: u64,
    asked: u64,
    hinted: bool,
    last_new: u64,
    stalled: bool,
    /// The newest epoch that a head was heard of, by the word of whoever passed it on.
    heard: u64,
}

/// What the last survey found.
#[derive(Debug)]
struct Known {
    tables: Tables,
    account: Option<AccountLeaf>,
    totals: Totals,
}

/// Pause in signing after a refusal.
#[derive(Debug, Default)]
struct SignPause {
    until: u64,
    length: u64,
}

impl Participant {
    /// The holder of `key` on the chain of `genesis`, from `checkpoint`, at `now` (ms since 1970).
    ///
    /// # Errors
    /// [`Error::StaleCheckpoint`], [`Error::BadValidators`].
    pub fn new(genesis: Genesis, checkpoint: Checkpoint, key: PrivateKey, now: u64) -> Result<Self, Error> {
        Ok(Self {
            client: Client::new(&genesis, checkpoint, now)?,
            me: key.public_key(),
            key,
            chain: genesis.chain(),
            parameters: genesis.parameters,
            queries: Queries::default(),
            events: VecDeque::new(),
            now,
            joined: false,
            scores: Vec::new(),
            follow: Follow { next: now, asked: 0, hinted: false, last_new: now, stalled: false, heard: 0 },
            survey: None,
            survey_wanted: true,
            known: None,
            pending: None,
            settled: Height::new(0),
            passed: Passed::default(),
            search: None,
            sign_pause: SignPause::default(),
            stopped: false,
        })
    }

    /// The hot key.
    pub const fn key(&self) -> &PublicKey {
        &self.me
    }

    /// The newest verified block.
    pub const fn head(&self) -> Option<&Verified> {
        self.client.head()
    }

    /// The tables of the last survey.
    pub fn tables(&self) -> Option<&Tables> {
        self.known.as_ref().map(|known| &known.tables)
    }

    /// The proof of two histories, where that stopped the participant.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.client.evidence()
    }

    /// Take part: register where needed, sign rows.
    pub const fn join(&mut self) {
        self.joined = true;
    }

    /// Sign nothing more; verification goes on.
    pub fn leave(&mut self) {
        self.joined = false;
        self.search = None;
    }

    /// What each neighbour was worth lately: (hot key, smoothed Fisher score), the own key among them.
    pub fn scores(&mut self, mut scores: Vec<(PublicKey, f64)>) {
        scores.truncate(MAX_SCORES);
        self.scores = scores;
    }

    /// There may be a newer head: ask soon.
    pub fn hint(&mut self) {
        self.follow.hinted = true;
        self.follow.next = self.follow.next.min(self.follow.asked.saturating_add(MIN_HEAD_MS));
    }

    /// The next thing to do at `now`, if any. Call until `None`.
    pub fn poll(&mut self, now: u64) -> Option<Step> {
        self.now = now;
        if self.stopped {
            return None;
        }
        if self.queries.expire(now).iter().any(|open| open.purpose == Purpose::Submit) {
            self.publish_pending();
        }
        self.notice_stall();
        self.plan();
        self.next_publication().or_else(|| self.next_query()).or_else(|| self.next_slice())
    }

    /// When to poll again if nothing else happens, ms since 1970.
    pub fn deadline(&self) -> Option<u64> {
        if self.stopped {
            return None;
        }
        if self.search.as_ref().is_some_and(Search::ready) {
            return Some(self.now);
        }
        let head = (!self.queries.is_open(Purpose::Head)).then_some(self.follow.next);
        let submit = self.pending.as_ref().filter(|_| !self.queries.is_open(Purpose::Submit)).map(Pending::submit_at);
        let sign = Some(self.sign_pause.until).filter(|until| *until > self.now);
        let stall = (!self.follow.stalled).then_some(self.follow.last_new.saturating_add(self.patience()));
        [self.queries.deadline(self.now), head, submit, sign, stall]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(self.now.saturating_add(1)))
    }

    /// The next thing to tell the owner.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Query `id` was answered. A reply to nothing that is open is dropped.
    pub fn handle_reply(&mut self, id: u32, reply: Reply, now: u64) {
        self.now = now;
        let Some(open) = self.queries.close(id) else { return };
        if self.stopped {
            return;
        }
        if matches!(reply, Reply::Unavailable { .. }) || self.nothing_new(open.purpose, &reply) {
            self.queries.failed(open.purpose, now);
            match open.purpose {
                Purpose::Links => self.forget_heard(),
                purpose => self.survey_lacks(purpose),
            }
            return;
        }
        let at = open.at.as_ref();
        let outcome = match (open.purpose, at) {
            (Purpose::Head, _) => self.on_head(reply),
            (Purpose::Links, _) => self.on_links(reply),
            (Purpose::Piece(piece), Some(at)) => self.on_piece(piece, at, reply),
            (Purpose::Totals, Some(at)) => self.on_totals(at, reply),
            (Purpose::Account, Some(at)) => self.on_account(at, reply),
            (Purpose::Probe, Some(at)) => self.on_probe(at, open.about, reply),
            (Purpose::Submit, _) => self.on_submitted(open.about, reply),
            _ => Err(Error::WrongReply),
        };
        match outcome {
            Ok(()) => self.queries.succeeded(open.purpose),
            Err(error) => {
                self.queries.failed(open.purpose, now);
                self.refuse(error);
            }
        }
    }

    /// Query `id` got no reply.
    pub fn handle_failed(&mut self, id: u32, now: u64) {
        self.now = now;
        if let Some(open) = self.queries.close(id) {
            self.queries.failed(open.purpose, now);
            if open.purpose == Purpose::Submit {
                self.publish_pending();
            }
        }
    }

    /// A reply to query `id` could not be parsed.
    pub fn handle_malformed(&mut self, id: u32, error: &commonware_codec::Error, bytes: usize, now: u64) {
        self.now = now;
        if let Some(open) = self.queries.close(id) {
            self.queries.failed(open.purpose, now);
            self.refuse(Error::codec("reply", bytes, error));
        }
    }

    /// Reports what was refused, and stops where it is fatal.
    fn refuse(&mut self, error: Error) {
        if error.fatal() {
            self.stopped = true;
            self.search = None;
            self.events.push_back(Event::Alarm(Alarm::Stopped(error)));
        } else {
            self.events.push_back(Event::Alarm(Alarm::Reply(error)));
        }
    }

    /// Time without a new head after which the chain counts as stalled, ms.
    fn patience(&self) -> u64 {
        self.parameters.block_time.saturating_mul(STALL_BLOCKS).max(STALL_MS)
    }

    fn notice_stall(&mut self) {
        let silent_ms = self.now.saturating_sub(self.follow.last_new);
        if self.follow.stalled || silent_ms < self.patience() {
            return;
        }
        self.follow.stalled = true;
        let height = self.client.height();
        self.events.push_back(Event::Alarm(Alarm::Stalled { silent_ms, height }));
    }

    /// Starts what the state calls for: a survey, a signature, a search.
    fn plan(&mut self) {
        let Some(head) = self.client.head().cloned() else { return };
        self.plan_survey(&head);
        self.plan_signature();
    }

    fn next_query(&mut self) -> Option<Step> {
        if let Some(step) = self.next_submission().or_else(|| self.next_links()) {
            return Some(step);
        }
        let now = self.now;
        if self.follow.next <= now && self.queries.free(Purpose::Head, now) {
            self.follow.asked = now;
            self.follow.hinted = false;
            self.follow.next = now.saturating_add(self.parameters.block_time);
            let id = self.queries.open(Purpose::Head, None, None, now);
            return Some(Step::Query { id, query: Query::Head });
        }
        self.next_probe().or_else(|| self.next_of_survey())
    }

    fn on_head(&mut self, reply: Reply) -> Result<(), Error> {
        let Reply::Head { header, finalization } = reply else { return Err(Error::WrongReply) };
        match self.take_head(header, &finalization) {
            Ok(Accepted::New(_)) => {}
            // The links come first.
            Err(Error::NeedsLinks { .. }) => {}
            Ok(Accepted::Known) | Err(Error::NonMonotonicHeight { .. }) => {
                self.ask_head_at(self.now.saturating_add(self.parameters.block_time / 2));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes a head from whomever, and asks for the next when that should be there.
    fn take_head(&mut self, header: Header, finalization: &Bytes) -> Result<Accepted, Error> {
        let now = self.now;
        let epoch = epochs::of(header.height, self.parameters.tempo);
        let accepted = self.client.accept(header, finalization, now).inspect_err(|error| {
            if matches!(error, Error::NeedsLinks { .. }) {
                self.follow.heard = self.follow.heard.max(epoch);
            }
        })?;
        if let Accepted::New(head) = &accepted {
            self.on_new_head(head.clone());
        }
        Ok(accepted)
    }

    fn on_new_head(&mut self, head: Verified) {
        self.follow.last_new = self.now;
        self.follow.stalled = false;
        self.ask_head_at(head.header().time.saturating_add(self.parameters.block_time).saturating_add(FINALITY_MS));
        self.events.push_back(Event::Head { head: Box::new(head), now: self.now });
    }

    /// Asks for the next head at `time`, or sooner after a hint, but not too soon and not much later.
    fn ask_head_at(&mut self, time: u64) {
        let soonest = self.now.saturating_add(MIN_HEAD_MS);
        let latest = soonest.max(self.now.saturating_add(self.parameters.block_time));
        self.follow.next = if self.follow.hinted { soonest } else { time.clamp(soonest, latest) };
    }
}

/// Most scores kept.
const MAX_SCORES: usize = 4_096;

/// Least time between two questions for the head, ms.
const MIN_HEAD_MS: u64 = 200;

/// A block is final about this long after the time in its header, ms (one validator: 9 to 26, four: 110 to 210).
const FINALITY_MS: u64 = 150;

/// Blocks without a head, and least time, after which the chain counts as stalled.
const STALL_BLOCKS: u64 = 10;
const STALL_MS: u64 = 15_000;
