//! A session against a chain in memory, in virtual time: sources that answer, lie or are silent.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by several test binaries"
)]

use crate::chain::Chain;
use commonware_codec::{DecodeExt as _, Encode as _};
use ledger::Query;
use peerage_auditor::{Kept, Session, Settings, StartError, Store, plain};
use protocol::bootstrap::{self, Bootstrap, Corpus};
use protocol::port::auditor::{Command, Event, TransactionState};
use serde_bytes::ByteBuf;

/// A libp2p peer id, as text.
pub const PEER: &str = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";

/// An honest source.
pub const NODE: &str = "node";

/// What a node says of the chain at its first visit.
pub fn bootstrap_of(chain: &Chain) -> Bootstrap {
    Bootstrap {
        version: bootstrap::VERSION,
        name: "test".into(),
        chain: chain.id().0,
        genesis: chain.genesis.encode().to_vec(),
        checkpoint: bootstrap::Checkpoint { height: 0, digest: chain.headers[0].digest(), time: chain.headers[0].time },
        validators: chain.genesis.validator_keys(),
        node: vec![],
        residents: vec![],
        corpus: Corpus { url: "corpus".into(), bytes: 1, name: "text".into() },
        ice_servers: vec![],
    }
}

/// What a session starts with.
pub fn settings(text: &str, seed: Option<&str>, peer: &str, cold: Option<&str>) -> Result<Settings, StartError> {
    Settings::parse(text, seed, peer, cold, || [7; 32])
}

/// A session on what is kept.
pub fn session_on(chain: &Chain, cold: Option<&str>, (store, kept): (Store, Vec<Kept>)) -> Session {
    let text = bootstrap_of(chain).to_text().unwrap();
    let settings = settings(&text, None, PEER, cold).unwrap();
    Session::start(settings, store, &kept, js_sys::Date::now, chain.time()).unwrap()
}

/// A session that keeps nothing, with an honest source.
pub fn session(chain: &Chain, cold: Option<&str>) -> Session {
    let mut session = session_on(chain, cold, (Store::nowhere(&Session::SHELVES), vec![]));
    session.take(Command::Source { name: NODE.into(), up: true }, chain.time());
    session
}

/// The hot key that the events tell.
pub fn key(events: &[Event]) -> String {
    events
        .iter()
        .find_map(|event| if let Event::Identity { key, .. } = event { Some(key.clone()) } else { None })
        .unwrap()
}

/// An encoded reply of an honest source.
pub fn reply(chain: &mut Chain, query: &[u8]) -> Vec<u8> {
    let query = Query::decode(query.to_vec()).unwrap();
    chain.reply(&query).encode().to_vec()
}

/// Answers as a source: `None`, it fails.
pub type Answer<'a> = &'a mut dyn FnMut(&mut Chain, &Event) -> Option<Command>;

/// An answer of an honest source to any query.
pub fn honest(chain: &mut Chain, event: &Event) -> Option<Command> {
    let Event::Query { id, bytes, .. } = event else { return None };
    Some(Command::Reply { id: *id, bytes: ByteBuf::from(reply(chain, bytes)) })
}

/// Drives a session at the time of the newest block until nothing is due, handing in what `answer` makes of each event.
pub fn settle(session: &mut Session, chain: &mut Chain, answer: Answer<'_>) -> Vec<Event> {
    let (mut seen, mut now) = (Vec::new(), chain.time());
    for _ in 0..60 {
        let next = session.drive(now, || now);
        let events = session.events();
        for event in &events {
            // Everything crosses the port as it would to the page.
            assert!(plain(event).unwrap().is_object());
            if let Some(command) = answer(chain, event) {
                session.take(command, now);
            }
        }
        let quiet = events.is_empty();
        seen.extend(events);
        if quiet && next.is_none_or(|next| next > now) {
            now += 20;
        }
    }
    seen
}

/// Drives a session with honest sources until `done` or `blocks` blocks.
pub fn live(session: &mut Session, chain: &mut Chain, blocks: usize, done: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    for _ in 0..blocks {
        seen.extend(settle(session, chain, &mut honest));
        if done(&seen) {
            return seen;
        }
        chain.step();
    }
    panic!("not done after {blocks} blocks: {seen:#?}");
}

/// How many transactions of this kind came into a block.
pub fn included(events: &[Event], deed: &str) -> usize {
    let of = |event: &&Event| matches!(event, Event::Transaction { action, state: TransactionState::Included { .. }, .. } if action == deed);
    events.iter().filter(of).count()
}

/// Whether an epoch was found sound.
pub fn audited(events: &[Event]) -> bool {
    use protocol::port::auditor::Outcome;
    events.iter().any(|event| matches!(event, Event::Audit { outcome: Outcome::Sound { .. }, .. }))
}
