//! One peer's life on the ledger: a [`Follower`] with keys. It registers, knows its own standing, signs a row each epoch once the
//! epoch before was audited, and whatever else it is asked to, and sees it on the ledger.
//!
//! The owner polls for [`Step`]s, hands results and gossip in, and reads [`Event`]s. Time is an argument everywhere.
//!
//! Two keys: the hot key signs rows and registers; the cold key, which may be held elsewhere ([`Step::Sign`]), owns the stake. Without a
//! cold key the hot key does both. Each signs one transaction at a time, with the nonce of its proven account, and keeps
//! it ([`Shelf::Own`]) before it is handed in: a reload hands in the same bytes, and nothing is signed twice.
//!
//! A source can withhold: the participant goes on asking others, takes heads from gossip all the
//! while, and gives what no source takes, or none brings onto the ledger, to its neighbours. A source's refusal of a
//! transaction is its word; it counts once a proven account of a later block shows that the transaction took no
//! effect. A key that stands in the verified neuron table is never registered again.
//!
//! Where the validators signed wrong figures nothing more is signed.

mod gossip;
mod mine;
mod purchases;
mod rows;
mod wallet;
mod work;

use crate::audit::Outcome;
use crate::gossip::Judgement;
use crate::standing::Known;
use crate::{
    Alarm, Checkpoint, Error, Event, Evidence, Follower, Options, Policy, Seen, Shelf, Source, Step, Tables, Verified,
};
use commonware_cryptography::{
    Signer as _,
    ed25519::{PrivateKey, PublicKey},
};
use gossip::Passed;
use ledger::{Genesis, Height, Parameters, Query, Reply};
use mine::Mine;
use protocol::exchange::Modality;
use purchases::Orders;
use std::collections::VecDeque;
use wallet::Wallet;
use work::Search;

pub use wallet::Intent;

/// One peer on one chain.
#[derive(Debug)]
pub struct Participant {
    follower: Follower,
    key: PrivateKey,
    me: PublicKey,
    cold: Option<PublicKey>,
    modality: Modality,
    events: VecDeque<Event>,
    now: u64,
    joined: bool,
    scores: Vec<(PublicKey, f64)>,
    policy: Policy,
    /// Height of the tables that the own standing was told of.
    told: Option<Height>,
    mine: Mine,
    wallet: Wallet,
    orders: Orders,
    passed: Passed,
    search: Option<Search>,
    holds_work: bool,
    /// The last epoch in which a row was set or need not be.
    row_of: Option<Height>,
}

impl Participant {
    /// The holder of `key` on the chain of `genesis`, from `checkpoint`, at `now` (ms since 1970).
    ///
    /// # Errors
    /// [`Error::StaleCheckpoint`], [`Error::BadValidators`].
    pub fn new(genesis: Genesis, checkpoint: Checkpoint, key: PrivateKey, now: u64) -> Result<Self, Error> {
        Ok(Self {
            follower: Follower::new(genesis, checkpoint, Options::default(), now)?,
            me: key.public_key(),
            key,
            cold: None,
            modality: Modality::Text,
            events: VecDeque::new(),
            now,
            joined: false,
            scores: Vec::new(),
            policy: Policy::default(),
            told: None,
            mine: Mine::default(),
            wallet: Wallet::default(),
            orders: Orders::default(),
            passed: Passed::default(),
            search: None,
            holds_work: false,
            row_of: None,
        })
    }

    /// The hot key.
    pub const fn key(&self) -> &PublicKey {
        &self.me
    }

    /// The key that owns the stake.
    pub fn owner(&self) -> &PublicKey {
        self.cold.as_ref().unwrap_or(&self.me)
    }

    /// The key that owns the stake, where it is not the hot key. To be called before [`Self::restore`].
    pub fn cold(&mut self, key: PublicKey) {
        self.cold = Some(key).filter(|key| *key != self.me);
        self.mine = Mine::default();
    }

    /// What the own peer represents, as its registration says; of a bridge the first. TEXT where nothing is said. Who is
    /// registered keeps what it registered with.
    pub const fn modality(&mut self, modality: Modality) {
        self.modality = modality;
    }

    /// How the chain is followed from now on.
    pub const fn options(&mut self, options: Options) {
        self.follower.options(options);
    }

    /// The newest verified block.
    pub const fn head(&self) -> Option<&Verified> {
        self.follower.head()
    }

    /// The tables of the last epoch.
    pub fn tables(&self) -> Option<&Tables> {
        self.follower.tables()
    }

    /// What follows the chain.
    pub const fn follower(&self) -> &Follower {
        &self.follower
    }

    /// The proof of two histories, where that stopped the participant.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.follower.evidence()
    }

    /// Somebody who answers queries.
    pub fn add_source(&mut self, source: Source) {
        self.follower.add_source(source);
    }

    /// It is gone.
    pub fn remove_source(&mut self, source: &Source) {
        self.follower.remove_source(source);
    }

    /// What a shelf held at the end of the last visit: [`Follower::restore`].
    pub fn restore(&mut self, shelf: Shelf, bytes: &[u8], now: u64) {
        self.now = now;
        match shelf {
            Shelf::Own => self.restore_own(bytes),
            other => self.follower.restore(other, bytes, now),
        }
    }

    /// The answer to somebody else's query: [`Follower::answer`].
    pub fn answer(&self, query: &Query) -> Reply {
        self.follower.answer(query)
    }

    /// Take part: register where needed, sign rows.
    pub const fn join(&mut self) {
        self.joined = true;
    }

    /// Sign nothing more by oneself; verification goes on.
    pub fn leave(&mut self) {
        self.joined = false;
        self.search = None;
    }

    /// What rows follow from now on.
    pub fn policy(&mut self, policy: Policy) {
        self.policy = policy;
        self.told = None;
    }

    /// What each neighbour was worth lately: (hot key, smoothed Fisher score), the own key among them.
    pub fn scores(&mut self, mut scores: Vec<(PublicKey, f64)>) {
        scores.truncate(MAX_SCORES);
        self.scores = scores;
    }

    /// There may be a newer head: ask soon.
    pub fn hint(&mut self) {
        self.follower.hint();
    }

    /// The next thing to do at `now`, if any. Call until `None`.
    pub fn poll(&mut self, now: u64) -> Option<Step> {
        self.now = now;
        self.hear();
        if !self.follower.stopped() {
            self.plan();
        }
        let step = self.follower.poll(now);
        self.hear();
        if self.follower.stopped() {
            return step;
        }
        step.or_else(|| self.next_publication()).or_else(|| self.next_signature()).or_else(|| self.next_slice())
    }

    /// When to poll again if nothing else happens, ms since 1970.
    pub fn deadline(&self) -> Option<u64> {
        if self.follower.stopped() {
            return None;
        }
        if !self.holds_work && self.search.as_ref().is_some_and(Search::ready) {
            return Some(self.now);
        }
        let own = self.wallet.deadline(self.now);
        [self.follower.deadline(), own].into_iter().flatten().min().map(|at| at.max(self.now.saturating_add(1)))
    }

    /// The next thing to tell the owner.
    pub fn next_event(&mut self) -> Option<Event> {
        self.hear();
        self.events.pop_front()
    }

    /// Query `id` was answered. A reply to nothing that is open is dropped.
    pub fn handle_reply(&mut self, id: u32, reply: Reply, now: u64) {
        self.now = now;
        self.follower.handle_reply(id, reply, now);
        self.hear();
    }

    /// Query `id` got no reply.
    pub fn handle_failed(&mut self, id: u32, now: u64) {
        self.now = now;
        self.follower.handle_failed(id, now);
        self.hear();
    }

    /// A reply to query `id` could not be parsed.
    pub fn handle_malformed(&mut self, id: u32, error: &commonware_codec::Error, bytes: usize, now: u64) {
        self.now = now;
        self.follower.handle_malformed(id, error, bytes, now);
        self.hear();
    }

    /// Somebody says that `bytes` are a newer head: takes it over where it is, and says what it is worth.
    pub fn handle_gossiped_head(&mut self, bytes: &[u8], now: u64) -> Judgement {
        self.now = now;
        let judgement = self.follower.handle_gossiped_head(bytes, now);
        self.hear();
        judgement
    }

    /// Takes over what the follower saw.
    fn hear(&mut self) {
        while let Some(seen) = self.follower.next_event() {
            match seen {
                Seen::Head { head, now } => self.events.push_back(Event::Head { head, now }),
                Seen::Audit(audit) => {
                    if let Outcome::NotAudited(reason) = &audit.outcome
                        && self.joined
                        && self.follower.tables().is_none()
                    {
                        self.events
                            .push_back(Event::Unsigned(format!("without tables nothing is signed here: {reason}")));
                    }
                    self.events.push_back(Event::Audit(audit));
                }
                Seen::Proven { subject, at, source, leaf } => self.on_proven(&subject, at, &source, leaf),
                Seen::Submitted { digest, outcome, .. } => self.on_submitted(digest, outcome),
                Seen::NotSubmitted { digest } => self.on_not_submitted(digest),
                Seen::Included { digest, inclusion } => self.on_included(digest, *inclusion),
                Seen::Restored { height, epochs, tables } => {
                    self.events.push_back(Event::Restored { height, epochs, tables });
                }
                // Past epochs are for those who only look on.
                Seen::Market(_) | Seen::NoMarket { .. } => {}
                Seen::Alarm(alarm) => {
                    if matches!(alarm, Alarm::Stopped(_)) {
                        self.search = None;
                    }
                    self.events.push_back(Event::Alarm(alarm));
                }
            }
        }
    }

    /// Starts what the state calls for: proofs of the own leaves, a row, a registration.
    fn plan(&mut self) {
        let tables = self.follower.tables().map(Tables::height);
        if tables.is_some() && tables != self.told {
            self.told = tables;
            self.tell_everyone();
            self.mine.renew();
        }
        self.plan_mine();
        self.plan_wallet();
        self.plan_row();
        self.plan_search();
    }

    /// Tells what the tables say of everyone.
    fn tell_everyone(&mut self) {
        let Some(tables) = self.follower.tables() else { return };
        let everyone = (0..).zip(tables.neurons()).filter(|(_, peer)| !peer.vacant);
        let everyone = everyone.map(|(uid, peer)| (ledger::Uid::new(uid), peer.hot, peer.stake)).collect();
        let askers = tables.askers(&self.me);
        self.events.push_back(Event::Neurons(everyone));
        self.events.push_back(Event::Askers(askers));
        if let Some(masks) = tables.masks(&self.me) {
            self.events.push_back(Event::Masks(masks));
        }
        self.tell_own();
    }

    /// Tells the own standing.
    fn tell_own(&mut self) {
        let Some(tables) = self.follower.tables() else { return };
        let alpha = if let Policy::Payoff { alpha } = self.policy { alpha } else { ALPHA };
        let account =
            self.mine.account(self.paying()).or_else(|| tables.state().account(self.owner()).map(|(_, leaf)| leaf));
        let known = Known { account, row: self.mine.row(), scores: &self.scores, alpha };
        let own = tables.own(&self.me, known);
        self.events.push_back(Event::Own(Box::new(own)));
    }

    const fn parameters(&self) -> &Parameters {
        self.follower.parameters()
    }
}

/// Most scores kept.
const MAX_SCORES: usize = 4_096;

/// α of the payoff that is shown where rows do not follow it: the loss weighs ten times what the rank does.
const ALPHA: f64 = 10.0;
