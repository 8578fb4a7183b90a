//! One key on one chain: a [`Participant`] behind the words of the port. Time and randomness are arguments.
//!
//! What the page hands in is checked here once: `/bootstrap.json` comes from the party under audit, so its genesis must
//! hash to the chain it names and its checkpoint must be young; a kept seed must be 32 bytes of hex. Replies come from
//! strangers: they are bounded and parsed before the light client judges them. So is gossip, by the light client itself.

use crate::port::words;
use crate::settings::{Settings, StartError, parse_key};
use crate::store::{Kept, Store};
use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use commonware_formatting::hex;
use ledger::{ChainId, Reply, query::MAX_REPLY_BYTES};
use light::{Participant, Step};
use protocol::limits::RECORD_LIFETIME_MS;
use protocol::port::auditor::{Command, Event, Judgement, Topic};
use protocol::record::{Record, RecordError};
use serde_bytes::ByteBuf;

/// A participant, its key and the record that binds a peer id to it.
#[derive(Debug)]
pub struct Session {
    participant: Participant,
    key: PrivateKey,
    seed: [u8; 32],
    chain: ChainId,
    peer: Vec<u8>,
    record_until: u64,
    events: Vec<Event>,
    now: u64,
}

impl Session {
    /// Starts with what is on the shelves of `store`, which it verifies again.
    ///
    /// # Errors
    /// [`StartError`]: the checkpoint is refused, or the record cannot be made.
    pub fn start(settings: Settings, store: Store, kept: Vec<Kept>, now: u64) -> Result<Self, StartError> {
        let Settings { genesis, checkpoint, chain, key, seed, cold: _, peer } = settings;
        let participant = Participant::new(genesis, checkpoint, key.clone(), now)?;
        let mut session = Self { participant, key, seed, chain, peer, record_until: 0, events: Vec::new(), now };
        drop((store, kept));
        session.renew_record()?;
        Ok(session)
    }

    /// Takes a command; `Start` is no command to a session that runs.
    pub fn take(&mut self, command: Command, now: u64) {
        self.now = now;
        match command {
            Command::Start { .. } => {
                let message = "already started: reload the page to start again".into();
                self.events.push(Event::Alarm { message, fatal: false, stale: false });
            }
            Command::Join => self.participant.join(),
            Command::Leave => self.participant.leave(),
            Command::Hint => self.participant.hint(),
            Command::Gossip { id, topic, bytes } => {
                let judgement = match topic {
                    Topic::Heads => self.participant.handle_gossiped_head(&bytes, now),
                    Topic::Transactions => self.participant.handle_gossiped_transaction(&bytes, now),
                };
                self.events.push(Event::Judged { id, judgement: judged(judgement) });
            }
            Command::Reply { id, bytes } => self.reply(id, &bytes, now),
            Command::Failed { id, reason: _ } => self.participant.handle_failed(id, now),
            Command::Scores { scores } => {
                let parsed = scores.into_iter().filter_map(|(key, score)| Some((parse_key(&key)?, score)));
                self.participant.scores(parsed.collect());
            }
            _ => {}
        }
    }

    /// Does what is due: queues queries as events, and works one slice of proof of work where one is asked for.
    ///
    /// `clock` tells the time after the slice. Gives the time at which to call again, ms since 1970.
    pub fn drive(&mut self, now: u64, clock: impl Fn() -> u64) -> Option<u64> {
        self.now = now;
        if self.record_until.saturating_sub(RECORD_LIFETIME_MS / 4) <= now
            && let Err(error) = self.renew_record()
        {
            self.events.push(Event::Alarm { message: StartError::from(error).to_string(), fatal: false, stale: false });
        }
        while let Some(step) = self.participant.poll(self.now) {
            match step {
                Step::Query { id, query } => {
                    self.events.push(Event::Query {
                        id,
                        source: String::new(),
                        bytes: ByteBuf::from(query.encode().to_vec()),
                    });
                }
                Step::Publish { transaction } => {
                    self.events.push(Event::Publish { bytes: ByteBuf::from(transaction.encode().to_vec()) });
                }
                Step::Search { puzzle, start, count } => {
                    let found = puzzle.search(start, count);
                    self.now = clock();
                    self.participant.handle_search(found, count, self.now);
                    break;
                }
            }
        }
        while let Some(seen) = self.participant.next_event() {
            self.events.push(words(seen));
        }
        self.participant.deadline()
    }

    /// What there is to post, oldest first.
    pub fn events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    fn reply(&mut self, id: u32, bytes: &[u8], now: u64) {
        if bytes.len() > MAX_REPLY_BYTES {
            let too_long = commonware_codec::Error::InvalidLength(bytes.len());
            self.participant.handle_malformed(id, &too_long, bytes.len(), now);
            return;
        }
        match Reply::decode(Copying(bytes)) {
            Ok(reply) => self.participant.handle_reply(id, reply, now),
            Err(error) => self.participant.handle_malformed(id, &error, bytes.len(), now),
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

/// A judgement in the port's words.
const fn judged(judgement: light::gossip::Judgement) -> Judgement {
    match judgement {
        light::gossip::Judgement::Accept => Judgement::Accept,
        light::gossip::Judgement::Ignore => Judgement::Ignore,
        light::gossip::Judgement::Reject => Judgement::Reject,
    }
}
