//! One key on one chain: a [`Participant`] behind the words of the port, and the [`Store`] it is kept in. Time and
//! randomness are arguments.
//!
//! Replies and queries come from strangers: they are bounded and parsed here before the light client judges or answers
//! them. So is gossip, by the light client itself. What the store gives is a stranger's reply too.

use crate::port::{Effort, Wanted, alarm, policy, wanted, words};
use crate::settings::{Settings, StartError, parse_key};
use crate::store::{Kept, Store};
use crate::trade::Trade;
use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_cryptography::{
    Signer as _,
    ed25519::{PrivateKey, Signature},
};
use commonware_formatting::hex;
use ledger::query::{MAX_QUERY_BYTES, MAX_REPLY_BYTES};
use ledger::{ChainId, Query, Reply};
use light::{Participant, Shelf, Source, Step, epochs};
use protocol::exchange::Modality;
use protocol::limits::RECORD_LIFETIME_MS;
use protocol::port::auditor::{Command, Event, Judgement, Topic};
use protocol::record::{Record, RecordError};
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;

/// A participant, its key and the record that binds a peer id to it.
#[derive(Debug)]
pub struct Session {
    pub(crate) participant: Participant,
    store: Store,
    key: PrivateKey,
    pub(crate) seed: [u8; 32],
    chain: ChainId,
    pub(crate) peer: Vec<u8>,
    record_until: u64,
    auditing: Auditing,
    pub(crate) trade: Trade,
    pub(crate) events: Vec<Event>,
    pub(crate) now: u64,
}

/// What the audit under way has taken.
#[derive(Debug)]
struct Auditing {
    stopwatch: fn() -> f64,
    queries: BTreeSet<u32>,
    effort: Effort,
}

impl Session {
    /// The names of the shelves that a store is opened with.
    pub const SHELVES: [&'static str; 4] = {
        let [first, second, third, fourth] = Shelf::ALL;
        [first.name(), second.name(), third.name(), fourth.name()]
    };

    /// Starts with what is on the shelves of `store`, which it verifies again. `stopwatch` tells milliseconds since
    /// whenever.
    ///
    /// # Errors
    /// [`StartError`]: the checkpoint is refused, or the record cannot be made.
    pub fn start(
        settings: Settings,
        store: Store,
        kept: &[Kept],
        stopwatch: fn() -> f64,
        now: u64,
    ) -> Result<Self, StartError> {
        let Settings { genesis, checkpoint, chain, key, seed, cold, peer } = settings;
        let mut participant = Participant::new(genesis, checkpoint, key.clone(), now)?;
        if let Some(cold) = cold {
            participant.cold(cold);
        }
        let auditing = Auditing { stopwatch, queries: BTreeSet::new(), effort: Effort::default() };
        let (record_until, trade, events) = (0, Trade::default(), Vec::new());
        let mut session =
            Self { participant, store, key, seed, chain, peer, record_until, auditing, trade, events, now };
        session.renew_record()?;
        session.events.push(Event::Selling { sells: false });
        session.restore(kept);
        Ok(session)
    }

    /// Takes a command; `Start` is no command to a session that runs.
    pub fn take(&mut self, command: Command, now: u64) {
        self.now = now;
        match command {
            Command::Start { .. } => {
                self.events.push(alarm("already started: reload the page to start again".into()));
            }
            Command::Modality { modality } => match Modality::try_from(modality) {
                Ok(modality) => self.participant.modality(modality),
                Err(error) => self.events.push(alarm(error.to_string())),
            },
            Command::Join => self.participant.join(),
            Command::Leave => self.participant.leave(),
            Command::Hint => self.participant.hint(),
            Command::Source { name, up: true } => self.participant.add_source(Source::new(&name)),
            Command::Source { name, up: false } => self.participant.remove_source(&Source::new(&name)),
            Command::Gossip { id, topic, bytes } => {
                let judgement = match topic {
                    Topic::Heads => self.participant.handle_gossiped_head(&bytes, now),
                    Topic::Transactions => self.participant.handle_gossiped_transaction(&bytes, now),
                };
                self.events.push(Event::Judged { id, judgement: judged(judgement) });
            }
            Command::Reply { id, bytes } => self.reply(id, &bytes, now),
            Command::Failed { id, reason: _ } => {
                self.auditing.queries.remove(&id);
                self.participant.handle_failed(id, now);
            }
            Command::Serve { id, bytes } => {
                let bytes = ByteBuf::from(self.serve(&bytes).encode().to_vec());
                self.events.push(Event::Served { id, bytes });
            }
            Command::Scores { scores } => {
                let parsed = scores.into_iter().filter_map(|(key, score)| Some((parse_key(&key)?, score)));
                self.participant.scores(parsed.collect());
            }
            Command::Policy { policy: wanted } => self.participant.policy(policy(wanted)),
            Command::Ask { intent } => match wanted(intent) {
                Ok(Wanted::Intent(intent)) => self.participant.ask(intent),
                Ok(Wanted::Purchase { from, seller, amount }) => self.purchase(from, &seller, amount),
                Err(reason) => self.events.push(alarm(format!("not signed: {reason}"))),
            },
            Command::Claim { id, peer, price, bytes } => self.claim(id, peer, &price, &bytes),
            Command::Signed { id, signature } => match Signature::decode(Copying(&signature[..])) {
                Ok(signature) => self.participant.handle_signature(id, signature, now),
                Err(_) => {
                    let reason = format!("{} bytes are no signature", signature.len());
                    self.participant.handle_unsigned(id, &reason, now);
                }
            },
            Command::Unsigned { id, reason } => self.participant.handle_unsigned(id, &reason, now),
            Command::Work { paused } => self.participant.hold_work(paused),
        }
    }

    /// Does what is due: keeps what is to be kept, queues queries as events, and works one slice of proof of work where
    /// one is asked for.
    ///
    /// `clock` tells the time after the slice. Gives the time at which to call again, ms since 1970.
    pub fn drive(&mut self, now: u64, clock: impl Fn() -> u64) -> Option<u64> {
        self.now = now;
        if self.record_until.saturating_sub(RECORD_LIFETIME_MS / 4) <= now
            && let Err(error) = self.renew_record()
        {
            self.events.push(alarm(StartError::from(error).to_string()));
        }
        let mut wrote = false;
        while let Some(step) = self.participant.poll(self.now) {
            match step {
                Step::Query { id, source, query } => {
                    self.auditing.note(id, &query);
                    let bytes = ByteBuf::from(query.encode().to_vec());
                    self.events.push(Event::Query { id, source: source.to_string(), bytes });
                }
                // It is on the disk before anything that comes after it leaves here.
                Step::Keep { shelf, bytes, append } => {
                    wrote = true;
                    if let Err(fault) = self.store.keep(shelf.name(), &bytes, append) {
                        self.events.push(alarm(fault.to_string()));
                    }
                }
                Step::Publish { transaction } => {
                    self.events.push(Event::Publish { bytes: ByteBuf::from(transaction.encode().to_vec()) });
                }
                Step::Sign { id, message, deed } => {
                    let message = ByteBuf::from(message.to_vec());
                    self.events.push(Event::Sign { id, message, action: deed.to_string() });
                }
                Step::Search { puzzle, start, count } => {
                    let found = puzzle.search(start, count);
                    self.now = clock();
                    self.participant.handle_search(found, count, self.now);
                    break;
                }
            }
        }
        self.tell();
        if wrote {
            self.tell_kept();
        }
        self.participant.deadline()
    }

    /// What there is to post, oldest first.
    pub fn events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    fn tell(&mut self) {
        let sells = self.participant.follower().sells();
        if sells != self.trade.sells {
            self.trade.sells = sells;
            self.events.push(Event::Selling { sells });
        }
        while let Some(seen) = self.participant.next_event() {
            let audit = matches!(seen, light::Event::Audit(_));
            self.events.push(words(seen, self.auditing.effort));
            if audit {
                self.auditing.effort = Effort::default();
            }
        }
    }

    fn tell_kept(&mut self) {
        let follower = self.participant.follower();
        let begin = epochs::after(follower.client().checkpoint().height, follower.parameters().tempo);
        let epochs = follower.client().epoch().saturating_sub(begin);
        self.events.push(Event::Kept { bytes: self.store.bytes(), epochs, place: self.store.place() });
    }

    /// Verifies what was kept.
    fn restore(&mut self, kept: &[Kept]) {
        for Kept { shelf, damage, .. } in kept {
            if let Some(reason) = damage {
                self.events.push(Event::Damaged { shelf: (*shelf).into(), reason: reason.clone() });
            }
        }
        for shelf in Shelf::ALL {
            let found = kept.iter().find(|found| found.shelf == shelf.name());
            let content = found.map(|found| found.content.as_slice()).unwrap_or_default();
            self.participant.restore(shelf, content, self.now);
        }
        self.tell();
        self.tell_kept();
    }

    fn reply(&mut self, id: u32, bytes: &[u8], now: u64) {
        let began = (self.auditing.stopwatch)();
        if bytes.len() > MAX_REPLY_BYTES {
            let too_long = commonware_codec::Error::InvalidLength(bytes.len());
            self.participant.handle_malformed(id, &too_long, bytes.len(), now);
        } else {
            match Reply::decode(Copying(bytes)) {
                Ok(reply) => self.participant.handle_reply(id, reply, now),
                Err(error) => self.participant.handle_malformed(id, &error, bytes.len(), now),
            }
        }
        self.auditing.took(id, bytes.len(), began);
        self.tell();
    }

    fn serve(&self, bytes: &[u8]) -> Reply {
        if bytes.len() > MAX_QUERY_BYTES {
            return Reply::Unavailable { reason: format!("no query: {} bytes", bytes.len()) };
        }
        match Query::decode(Copying(bytes)) {
            Ok(query) => self.participant.answer(&query),
            Err(error) => Reply::Unavailable { reason: format!("no query: {error}") },
        }
    }

    /// Signs the record anew and tells who this is.
    fn renew_record(&mut self) -> Result<(), RecordError> {
        let until = self.now.saturating_add(RECORD_LIFETIME_MS / 2);
        let record = Record::sign(&self.key, self.chain.0, self.peer.clone(), Vec::new(), until)?;
        self.record_until = until;
        self.events.push(Event::Identity {
            seed: hex(&self.seed),
            key: self.key.public_key().to_string(),
            chain: self.chain.to_string(),
            record: ByteBuf::from(record.to_bytes()),
        });
        Ok(())
    }
}

impl Auditing {
    /// Remembers the queries that only an audit puts.
    fn note(&mut self, id: u32, query: &Query) {
        if matches!(query, Query::Table { .. } | Query::Body { .. } | Query::Headers { .. }) {
            self.queries.insert(id);
        }
    }

    /// The reply to `id`, of so many bytes, was worked on since `began`.
    fn took(&mut self, id: u32, bytes: usize, began: f64) {
        if self.queries.remove(&id) {
            self.effort.bytes += bytes as u64;
            self.effort.millis += (self.stopwatch)() - began;
        }
    }
}

/// A judgement in the port's words.
const fn judged(judgement: light::gossip::Judgement) -> Judgement {
    match judgement {
        light::gossip::Judgement::Accept => Judgement::Accept,
        light::gossip::Judgement::Ignore => Judgement::Ignore,
        light::gossip::Judgement::Reject => Judgement::Reject,
    }
}
