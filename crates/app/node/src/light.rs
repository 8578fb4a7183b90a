//! `peerage light`: the light client of a tab in a terminal.
//!
//! It asks several nodes over HTTP, each by itself, and believes none: heads by their certificates, validators by their
//! links, the economics of an epoch by computing it again, leaves by their proofs ([`light::Follower`] does all of it). This
//! file carries bytes to and fro, keeps what it is told to keep, and tells.
//!
//! A source could lie, be silent, or hold blocks back. The first is named and dropped; the second costs a question, which
//! goes to another; the third is told where no other source is better. Nothing here helps against validators of whom more
//! than two thirds are against it, but that it is seen: wrong economics and two histories end the program with a code of
//! their own.

mod begin;
mod carrier;
mod store;
mod told;

use crate::{
    cli, genesis,
    remote::{Fault, Node},
    resident::now,
    say,
};
use anyhow::{Result, bail};
use begin::{Beginning, begin};
use carrier::{Answer, Carrier};
use ledger::{Genesis, Height, Reply, query::Link, text};
use light::audit::Outcome;
use light::{Alarm, Error, Follower, Leaf, Options, Seen, Shelf, Step, Subject, epochs};
use std::{process::ExitCode, time::Duration};
use store::Store;
use told::Told;

/// Follows, until told to end or as far as was asked.
pub fn run(options: &cli::Light) -> ExitCode {
    match Session::new(options).and_then(|mut session| session.run()) {
        Ok(End::Asked) => ExitCode::SUCCESS,
        Ok(End::WrongEconomics) => ExitCode::from(WRONG_ECONOMICS),
        Ok(End::TwoHistories) => ExitCode::from(TWO_HISTORIES),
        Err(error) => {
            say::trouble(&error);
            ExitCode::FAILURE
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// As asked.
    Asked,
    /// The validators signed what the rules do not give.
    WrongEconomics,
    /// The validators signed two histories.
    TwoHistories,
}

/// One run.
struct Session<'a> {
    options: &'a cli::Light,
    genesis: Genesis,
    follower: Follower,
    carrier: Carrier,
    store: Option<Store>,
    /// The last epoch after which the accounts and peers were asked for.
    proven: Option<u64>,
    /// Proofs that are still to come.
    open: usize,
    /// The newest epoch of which is known whether it is sound, or why it is not computed.
    audited: u64,
}

impl<'a> Session<'a> {
    fn new(options: &'a cli::Light) -> Result<Self> {
        let genesis = genesis::read(&options.genesis)?;
        let nodes = options.sources.iter().map(|place| Node::new(place)).collect::<Result<Vec<_>>>()?;
        let store = options.store.as_deref().map(|folder| Store::open(folder, genesis.chain())).transpose()?;
        let Beginning { checkpoint, trusts } = begin(options.checkpoint.as_ref(), &genesis, &nodes)?;
        let carrier = Carrier::new(&nodes);
        Told::Begin {
            chain: text::hex(&genesis.chain().0),
            name: genesis.name.clone(),
            height: checkpoint.height.get(),
            digest: text::hex(&checkpoint.digest),
            time: checkpoint.time,
            trusts: trusts.clone(),
            sources: carrier.sources().map(ToString::to_string).collect(),
        }
        .tell(options.json);
        if let Some(source) = trusts {
            say::aside(format_args!(
                "this trusts {source} with the block that it begins from; compare its digest with one that you know, or name it \
                 with --checkpoint"
            ));
        }
        let follower = Follower::new(genesis.clone(), checkpoint, Options::default(), now());
        let follower = follower.map_err(|error| match error {
            Error::StaleCheckpoint { .. } => anyhow::Error::new(error).context(
                "the block to begin from is too old: its validators may have left with their stake; name a newer one with \
                 --checkpoint",
            ),
            error => error.into(),
        })?;
        Ok(Self { options, genesis, follower, carrier, store, proven: None, open: 0, audited: 0 })
    }

    fn run(&mut self) -> Result<End> {
        if let Some(store) = &self.store {
            for shelf in Shelf::ALL {
                if let Some(bytes) = store.read(shelf)? {
                    self.follower.restore(shelf, &bytes, now());
                }
            }
        }
        for source in self.carrier.sources().cloned().collect::<Vec<_>>() {
            self.follower.add_source(source);
        }
        loop {
            while let Some(step) = self.follower.poll(now()) {
                self.take(step)?;
            }
            while let Some(seen) = self.follower.next_event() {
                if let Some(end) = self.see(seen)? {
                    return Ok(end);
                }
            }
            if self.is_done() {
                return Ok(End::Asked);
            }
            if self.carrier.is_empty() {
                bail!("no source is left: name others with --source");
            }
            let until = self.follower.deadline().map_or(PATIENCE, |at| Duration::from_millis(at.saturating_sub(now())));
            if let Some(answer) = self.carrier.next(until.clamp(LEAST, PATIENCE)) {
                self.hear(answer);
            }
        }
    }

    /// Does what the light client wants done.
    fn take(&self, step: Step) -> Result<()> {
        match (step, &self.store) {
            (Step::Query { id, source, query }, _) => self.carrier.ask(id, source, query),
            (Step::Keep { shelf, bytes, append }, Some(store)) => store.keep(shelf, &bytes, append),
            // Without a folder nothing is kept, and a client without a key wants nothing else.
            _ => Ok(()),
        }
    }

    /// Hands in what came.
    fn hear(&mut self, Answer { id, source, outcome }: Answer) {
        match outcome {
            Ok(reply) => {
                let links = links(&reply, &self.genesis);
                let before = self.follower.client().epoch();
                self.follower.handle_reply(id, reply, now());
                let after = self.follower.client().epoch();
                if let Some((from, to)) = links.filter(|_| after > before) {
                    let (from, to) = (from.max(before + 1), to.min(after));
                    Told::Links { from, to, source: source.to_string() }.tell(self.options.json);
                }
            }
            Err(Fault::Malformed { bytes, source: error, .. }) => {
                self.follower.handle_malformed(id, &error, bytes, now());
            }
            Err(fault) => {
                tracing::debug!("a source does not answer: {:#}", anyhow::Error::new(fault));
                self.follower.handle_failed(id, now());
            }
        }
    }

    /// Tells what was seen; how it ends, if it does.
    fn see(&mut self, seen: Seen) -> Result<Option<End>> {
        let json = self.options.json;
        match seen {
            Seen::Head { head, .. } => {
                let over = epochs::after(head.height(), self.genesis.parameters.tempo);
                Told::head(&head, over).tell(json);
                if self.proven.is_none_or(|proven| proven < over) {
                    self.proven = Some(over);
                    self.prove_all();
                }
            }
            Seen::Audit(audit) => {
                self.audited = self.audited.max(audit.epoch);
                let outcome = told::Outcome::from(&audit.outcome);
                Told::Audit { epoch: audit.epoch, height: audit.height.get(), outcome }.tell(json);
                if let Outcome::Wrong(difference) = &audit.outcome {
                    say::aside(told::wrong(difference));
                    return Ok(Some(End::WrongEconomics));
                }
            }
            Seen::Proven { subject, at, leaf, .. } => {
                self.open = self.open.saturating_sub(1);
                self.tell_proof(&subject, at, leaf);
            }
            Seen::Restored { height, epochs: links, tables } => {
                if tables {
                    // They are those of an epoch that was audited before.
                    self.audited = self.audited.max(epochs::after(height, self.genesis.parameters.tempo));
                }
                Told::Restored { height: height.get(), epochs: links, tables }.tell(json);
            }
            Seen::Alarm(alarm) => return self.alarm(alarm),
            _ => {}
        }
        Ok(None)
    }

    fn prove_all(&mut self) {
        let accounts = self.options.accounts.iter().cloned().map(Subject::Account);
        let peers = self.options.peers.iter().cloned().map(Subject::Neuron);
        for subject in accounts.chain(peers) {
            self.prove(subject);
        }
    }

    fn prove(&mut self, subject: Subject) {
        self.open += 1;
        self.follower.prove(subject);
    }

    fn tell_proof(&mut self, subject: &Subject, at: Height, leaf: Option<Leaf>) {
        let told = match (subject, leaf) {
            (Subject::Account(key), Some(Leaf::Account(leaf))) => Told::account(key, at, Some(leaf)),
            (Subject::Account(key), _) => Told::account(key, at, None),
            (Subject::Neuron(key), Some(Leaf::Neuron(uid, leaf))) => {
                self.prove(Subject::Row(uid));
                self.prove(Subject::Standing(uid));
                Told::peer(key, at, Some((uid, leaf)))
            }
            (Subject::Neuron(key), _) => Told::peer(key, at, None),
            (Subject::Row(uid), Some(Leaf::Row(leaf))) => Told::row(*uid, at, Some(leaf)),
            (Subject::Row(uid), _) => Told::row(*uid, at, None),
            (Subject::Standing(uid), Some(Leaf::Standing(leaf))) => Told::standing(*uid, at, Some(leaf)),
            (Subject::Standing(uid), _) => Told::standing(*uid, at, None),
            (Subject::Totals, _) => return,
        };
        told.tell(self.options.json);
    }

    fn alarm(&mut self, alarm: Alarm) -> Result<Option<End>> {
        let json = self.options.json;
        match alarm {
            Alarm::Lied { who, error } => {
                self.carrier.drop(&who);
                self.follower.remove_source(&who);
                Told::Dropped { source: who.to_string(), reason: error.to_string() }.tell(json);
            }
            // The audit that found it comes next.
            Alarm::WrongEconomics(_) => {}
            Alarm::Stopped(error) => {
                let Some(evidence) = self.follower.evidence() else { return Err(error.into()) };
                Told::evidence(evidence).tell(json);
                say::aside(format_args!("{error}; the two headers and their certificates prove it"));
                return Ok(Some(End::TwoHistories));
            }
            other => Told::Alarm { message: other.to_string() }.tell(json),
        }
        Ok(None)
    }

    /// Whether all is seen that was asked for.
    fn is_done(&self) -> bool {
        let Some(epoch) = self.options.until_epoch else { return false };
        self.proven.is_some_and(|over| over >= epoch) && self.audited >= epoch && self.open == 0
    }
}

/// The epochs whose validators a reply names, first and last.
fn links(reply: &Reply, genesis: &Genesis) -> Option<(u64, u64)> {
    let Reply::Epochs { links } = reply else { return None };
    let number = |link: &Link| epochs::after(link.header.height, genesis.parameters.tempo);
    Some((number(links.first()?), number(links.last()?)))
}

/// Longest that nothing is looked at, though nothing comes.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shortest wait, so that a deadline that has passed costs no processor.
const LEAST: Duration = Duration::from_millis(1);

/// Exit code where the validators signed wrong economics.
const WRONG_ECONOMICS: u8 = 3;

/// Exit code where the validators signed two histories.
const TWO_HISTORIES: u8 = 4;
