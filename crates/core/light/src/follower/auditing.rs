//! Fetches what an audit needs, makes it, and says what came of it.
//!
//! For the end of epoch h: the headers from h − 32 to h, which lead by their parents to the verified digest of h; how many peers there
//! are, by a proof, which decides whether the chain is small enough; the validators of the epoch; the body of h; and every table at
//! h − 1. All is checked as it comes, and asked elsewhere where it does not meet its hash. A table comes in pieces from one source, so
//! that it is known who lied.
//!
//! Where the tables computed are not those of the chain, the chain's own table is fetched to name what differs; where nobody gives it,
//! the roots say that it does.

use super::queries::{Need, Purpose, Queries};
use super::{Follower, Step};
use crate::audit::{self, Audit, Before, Difference, Fault, Outcome, Recomputed};
use crate::client::chained;
use crate::tables::{self, Assembly};
use crate::{Alarm, Error, Seen, Shelf, Source, Tables, epochs, shelf};
use commonware_cryptography::sha256::Digest;
use ledger::header::validators_digest;
use ledger::{
    Body, Genesis, Header, Height, PublicKey, Query, Reply, State, Table,
    table::{Tree, leaf_count},
    work::RECENT,
};

/// An audit under way.
#[derive(Debug)]
pub(super) struct Auditing {
    /// Height and digest of the last block of the epoch.
    end: Height,
    digest: Digest,
    headers: Option<Vec<Header>>,
    validators: Option<Vec<PublicKey>>,
    sized: bool,
    body: Option<Body>,
    tables: Vec<(Table, Part)>,
    /// What was computed, and the table that differs.
    found: Option<(Box<Recomputed>, Table, Part)>,
}

/// A table on its way, and where from.
#[derive(Debug)]
struct Part {
    coming: Assembly,
    from: Option<Source>,
    /// How often the next piece was asked for in vain.
    failures: u32,
    whole: Option<Tree>,
}

impl Part {
    const fn new(table: Table) -> Self {
        Self { coming: Assembly::new(table), from: None, failures: 0, whole: None }
    }
}

/// The newest end of an epoch whose tables are known, with what they were computed from.
#[derive(Debug)]
pub(super) struct Base {
    pub end: Header,
    pub before: Option<State>,
    pub body: Option<Body>,
    /// Up to the end; empty where they were not needed.
    pub headers: Vec<Header>,
    tables: Tables,
}

impl Base {
    /// Tables from the store, or of genesis.
    pub const fn kept(end: Header, tables: Tables) -> Self {
        Self { end, before: None, body: None, headers: Vec::new(), tables }
    }

    pub const fn tables(&self) -> &Tables {
        &self.tables
    }
}

impl Auditing {
    fn new(end: Height, digest: Digest) -> Self {
        Self {
            end,
            digest,
            headers: None,
            validators: None,
            sized: false,
            body: None,
            tables: Table::ALL.map(|table| (table, Part::new(table))).into(),
            found: None,
        }
    }

    /// The tables before the first block are those of genesis.
    fn follows_genesis(&mut self, genesis: &Genesis) {
        let Ok(state) = genesis.state() else { return };
        self.sized = true;
        for (table, part) in &mut self.tables {
            part.whole = Some(state.tree(*table));
        }
    }

    /// Whether no source has something that it needs.
    pub fn in_vain(&self, queries: &Queries) -> bool {
        self.needs().into_iter().any(|need| queries.in_vain(&Purpose::Audit(need)))
    }

    /// The header of the last block of the epoch, and of the one before.
    fn both(&self) -> Option<(&Header, &Header)> {
        match self.headers.as_deref() {
            Some([.., before, end]) => Some((before, end)),
            _ => None,
        }
    }

    /// What is missing, in the order in which it is asked for.
    fn needs(&self) -> Vec<Need> {
        if let Some((_, table, _)) = &self.found {
            return vec![Need::Differing(*table)];
        }
        if self.headers.is_none() {
            return vec![Need::Headers];
        }
        let mut needs = Vec::new();
        if !self.sized {
            needs.push(Need::Size);
        }
        if self.validators.is_none() {
            needs.push(Need::Validators);
        }
        if self.body.is_none() {
            needs.push(Need::Body);
        }
        if self.sized {
            let missing = self.tables.iter().filter(|(_, part)| part.whole.is_none());
            needs.extend(missing.map(|(table, _)| Need::Piece(*table)));
        }
        needs
    }

    fn part(&mut self, need: Need) -> Option<&mut Part> {
        match need {
            Need::Piece(table) => self.tables.iter_mut().find(|(one, _)| *one == table).map(|(_, part)| part),
            Need::Differing(_) => self.found.as_mut().map(|(_, _, part)| part),
            _ => None,
        }
    }
}

impl Follower {
    /// Begins the audit of the newest end of an epoch, where it was not made.
    pub(super) fn plan_audit(&mut self) {
        let Some((end, digest)) = self.client.end() else { return };
        if self.audit_again.is_some_and(|at| at <= self.now) && self.has_source() {
            // What nobody had a while ago somebody may have now.
            self.audit_again = None;
            if self.auditing.is_none() && self.audit.as_ref().is_some_and(|audit| audit.height == end) {
                self.queries.forget(|purpose| matches!(purpose, Purpose::Audit(_)));
                self.auditing = Some(Auditing::new(end, digest));
            }
        }
        // One that takes longer than an epoch is finished all the same; sources keep what it needs for two.
        let tempo = self.parameters().tempo;
        let known = self.base.as_ref().is_some_and(|base| base.end.height == end)
            || self.audit.as_ref().is_some_and(|audit| audit.height == end)
            || self.auditing.as_ref().is_some_and(|auditing| end.since(auditing.end) <= tempo);
        if known || self.options.whole == 0 {
            return;
        }
        if end == Height::new(0) {
            if let (Ok(state), Ok(header)) = (self.genesis.state(), self.genesis.header()) {
                self.base = Some(Base::kept(header, Tables::new(state)));
            }
            return;
        }
        if let Some(old) = self.auditing.take() {
            let reason = "what it takes did not come before the next one ended".into();
            self.report(old.end, Outcome::NotAudited(reason));
        }
        for open in self.queries.forget(|purpose| matches!(purpose, Purpose::Audit(_))) {
            self.sources.done(&open.source, true);
        }
        let mut auditing = Auditing::new(end, digest);
        if end == Height::new(1) {
            auditing.follows_genesis(&self.genesis);
        }
        self.auditing = Some(auditing);
    }

    pub(super) fn next_of_audit(&mut self) -> Option<Step> {
        self.find_validators();
        let auditing = self.auditing.as_ref()?;
        let (end, before) = (auditing.end, Height::new(auditing.end.get().saturating_sub(1)));
        auditing.needs().into_iter().find_map(|need| {
            let query = match need {
                Need::Headers => {
                    let from = first_header(end);
                    let limit = u32::try_from(end.since(from)).unwrap_or(u32::MAX).saturating_add(1);
                    Query::Headers { from, limit }
                }
                Need::Validators => Query::Epochs { from: epochs::of(end, self.parameters().tempo), limit: 1 },
                Need::Size => Query::Leaf { height: before, table: Table::Epoch, index: 0 },
                Need::Body => Query::Body { height: end },
                Need::Piece(table) => return self.next_piece(need, before, table),
                Need::Differing(table) => return self.next_piece(need, end, table),
            };
            self.ask(Purpose::Audit(need), query, None)
        })
    }

    /// Asks for the next piece of a table, of the source that gave those before.
    fn next_piece(&mut self, need: Need, height: Height, table: Table) -> Option<Step> {
        let (now, purpose) = (self.now, Purpose::Audit(need));
        if !self.queries.free(&purpose, now) {
            return None;
        }
        let part = self.auditing.as_mut()?.part(need)?;
        let again = part.from.clone().filter(|_| part.coming.next() > 0);
        let source = match again {
            Some(source) if self.sources.pick_this(&source, now) => source,
            _ => {
                part.coming = Assembly::new(table);
                self.sources.pick(&self.queries.tried(&purpose), now)?
            }
        };
        part.from = Some(source.clone());
        let from = part.coming.next();
        let id = self.queries.open(purpose, source.clone(), None, now);
        Some(Step::Query { id, source, query: Query::Table { height, table, from } })
    }

    /// The validators of the epoch, where they are known without asking.
    fn find_validators(&mut self) {
        let tempo = self.parameters().tempo;
        let Some(auditing) = self.auditing.as_ref().filter(|auditing| auditing.validators.is_none()) else { return };
        let Some((before, _)) = auditing.both() else { return };
        let epoch = epochs::of(auditing.end, tempo);
        let known = if epoch == 0 { Some(self.genesis.validator_keys()) } else { self.client.validators(epoch) };
        let known = known.filter(|keys| validators_digest(keys) == before.validators);
        if let Some(auditing) = self.auditing.as_mut() {
            auditing.validators = known;
        }
    }

    /// Whether a reply to what an audit needs says no more than that its source has not got there yet.
    pub(super) fn is_behind(&self, need: Need, reply: &Reply) -> bool {
        let Some(auditing) = &self.auditing else { return false };
        match (need, reply) {
            (Need::Headers, Reply::Headers { headers, .. }) => {
                headers.last().is_none_or(|last| last.height < auditing.end)
            }
            (Need::Validators, Reply::Epochs { links }) => links.is_empty(),
            _ => false,
        }
    }

    pub(super) fn on_audit(&mut self, need: Need, source: &Source, reply: Reply) -> Result<(), Error> {
        let Some(auditing) = self.auditing.as_mut() else { return Ok(()) };
        let end = auditing.end;
        match (need, reply) {
            (Need::Headers, Reply::Headers { headers, .. }) => {
                let headers = leading(headers, end, auditing.digest)?;
                let genesis = self.genesis.header().ok().filter(|_| end == Height::new(1));
                auditing.headers = Some(genesis.into_iter().chain(headers).collect());
            }
            (Need::Validators, Reply::Epochs { links }) => {
                let Some((before, _)) = auditing.both() else { return Ok(()) };
                let Some(link) = links.into_iter().next() else { return Err(Error::WrongReply) };
                let got = validators_digest(&link.validators);
                if got != before.validators {
                    return Err(Error::WrongKeys { height: before.height, elected: before.validators, got });
                }
                auditing.validators = Some(link.validators);
            }
            (Need::Size, Reply::Leaf { index, leaf, proof }) => {
                let Some((before, _)) = auditing.both() else { return Ok(()) };
                tables::leaf(before, Table::Epoch, 0, index, &leaf, &proof)?;
                let peers = leaf_count(&proof).unwrap_or(1).saturating_sub(1);
                auditing.sized = true;
                if !self.options.takes(peers) {
                    let reason = format!(
                        "the chain has {peers} peers, and this client fetches whole tables up to {}",
                        self.options.whole
                    );
                    self.auditing = None;
                    self.report(end, Outcome::NotAudited(reason));
                }
            }
            (Need::Body, Reply::Body { body }) => {
                let Some((_, header)) = auditing.both() else { return Ok(()) };
                if body.root() != header.transactions {
                    return Err(Error::WrongBody { height: end });
                }
                auditing.body = Some(body);
            }
            (Need::Piece(_) | Need::Differing(_), Reply::Table { total, from, leaves }) => {
                let Some((before, last)) = auditing.both() else { return Ok(()) };
                let header = if matches!(need, Need::Piece(_)) { before.clone() } else { last.clone() };
                let Some(part) = auditing.part(need) else { return Ok(()) };
                if part.from.as_ref() == Some(source) {
                    let added = part.coming.add(&header, total, from, leaves);
                    part.failures = if added.is_ok() { 0 } else { PATIENCE };
                    part.whole = added?;
                }
            }
            _ => return Err(Error::WrongReply),
        }
        self.compute();
        Ok(())
    }

    /// A source has not got what the audit needs, or what it gave was wrong.
    pub(super) fn on_audit_failed(&mut self, need: Need) {
        let Some(auditing) = self.auditing.as_mut() else { return };
        if let (Some(part), Need::Piece(table) | Need::Differing(table)) = (auditing.part(need), need) {
            part.failures += 1;
            if part.failures >= PATIENCE {
                *part = Part::new(table);
            }
        }
        if !self.queries.in_vain(&Purpose::Audit(need)) {
            return;
        }
        let Some(auditing) = self.auditing.take() else { return };
        let outcome = match (&auditing.found, auditing.both()) {
            (Some((recomputed, table, _)), Some((_, end))) => {
                Outcome::Wrong(audit::withheld(end, &recomputed.after, *table))
            }
            _ => {
                self.audit_again = Some(self.now.saturating_add(AGAIN_MS));
                Outcome::NotAudited(format!("no source has {}", what(need)))
            }
        };
        self.report(auditing.end, outcome);
    }

    /// Computes once everything is there.
    fn compute(&mut self) {
        let Some(auditing) = self.auditing.as_mut() else { return };
        if let (Some((recomputed, table, Part { whole: Some(tree), .. })), Some((_, end))) =
            (&auditing.found, auditing.both())
        {
            let outcome = Outcome::Wrong(audit::difference(end, &recomputed.after, *table, tree.leaves()));
            let end = auditing.end;
            self.auditing = None;
            return self.report(end, outcome);
        }
        if !auditing.needs().is_empty() {
            return;
        }
        let Some(mut auditing) = self.auditing.take() else { return };
        match self.recomputed(&mut auditing) {
            Ok((recomputed, None)) => self.sound(auditing, recomputed),
            Ok((recomputed, Some(table))) => {
                auditing.found = Some((Box::new(recomputed), table, Part::new(table)));
                self.auditing = Some(auditing);
            }
            Err(difference) => self.report(auditing.end, Outcome::Wrong(difference)),
        }
    }

    fn recomputed(&self, auditing: &mut Auditing) -> Result<(Recomputed, Option<Table>), Difference> {
        let trees = auditing.tables.iter_mut().filter_map(|(_, part)| part.whole.take()).collect();
        let headers = auditing.headers.as_deref().unwrap_or_default();
        let ([.., header, end], Some(body)) = (headers, auditing.body.as_ref()) else {
            return Err(nonsense(auditing.end, "they are incomplete".into()));
        };
        let recent = headers.iter().filter(|header| (1..end.height.get()).contains(&header.height.get()));
        let recent = recent.map(|header| header.parent).collect();
        let validators = auditing.validators.clone().unwrap_or_default();
        let before = Before { header: header.clone(), recent, validators, trees };
        let recomputed = audit::recompute(&self.genesis, before, end, body).map_err(|fault| match fault {
            Fault::Wrong(difference) => difference,
            Fault::Input(error) => nonsense(auditing.end, error.to_string()),
        })?;
        let previous = self.base.as_ref().map(|base| base.tables().state());
        let last = end.height.get().saturating_sub(self.parameters().tempo);
        if let Some(previous) = previous.filter(|previous| previous.height().get() == last) {
            audit::minted(previous, &recomputed.before)?;
        }
        let differs = audit::compare(end, &recomputed.after)?;
        Ok((recomputed, differs))
    }

    fn sound(&mut self, auditing: Auditing, recomputed: Recomputed) {
        let Auditing { end, headers, body, .. } = auditing;
        let Some(headers) = headers else { return };
        let Some(header) = headers.last().cloned() else { return };
        let Recomputed { before, after } = recomputed;
        let peers = u32::try_from(ledger::economy::present(after.neurons())).unwrap_or(u32::MAX);
        let transactions = body.as_ref().map_or(0, |body| body.transactions.len());
        let transactions = u32::try_from(transactions).unwrap_or(u32::MAX);
        self.keep(Shelf::Epoch, shelf::epoch(&after), false);
        self.base = Some(Base { end: header, before: Some(before), body, headers, tables: Tables::new(after) });
        self.report(end, Outcome::Sound { peers, transactions });
    }

    /// The audit of the epoch that ends here is over.
    fn report(&mut self, height: Height, outcome: Outcome) {
        let audit = Audit { epoch: epochs::after(height, self.parameters().tempo), height, outcome };
        if matches!(audit.outcome, Outcome::NotAudited(_)) && self.audit.as_ref() == Some(&audit) {
            return;
        }
        if let Outcome::Wrong(difference) = &audit.outcome {
            self.refuted.get_or_insert_with(|| difference.clone());
            self.keep_head();
            self.events.push_back(Seen::Alarm(Alarm::WrongEconomics(difference.clone())));
        }
        self.audit = Some(audit.clone());
        self.events.push_back(Seen::Audit(Box::new(audit)));
    }
}

/// The header that an audit's headers begin with: the parents of these are the newest blocks that the ledger knows.
fn first_header(end: Height) -> Height {
    Height::new(end.get().saturating_sub(RECENT).max(1))
}

/// After how long an audit that nobody could help with is tried again, ms.
const AGAIN_MS: u64 = 30_000;

/// How often one source is asked in vain for the rest of a table before another is asked for all of it.
const PATIENCE: u32 = 2;

/// The headers up to `end`, whose digest is known.
fn leading(mut headers: Vec<Header>, end: Height, digest: Digest) -> Result<Vec<Header>, Error> {
    let from = first_header(end);
    headers.truncate(usize::try_from(end.since(from)).unwrap_or(usize::MAX).saturating_add(1));
    let first = headers.first().ok_or(Error::NoHeaders)?.height;
    let last = headers.last().ok_or(Error::NoHeaders)?;
    if first != from || last.height != end {
        return Err(Error::WrongReply);
    }
    let got = last.digest();
    if got != digest {
        return Err(Error::OtherBlock { signed: digest, header: got });
    }
    chained(&headers)?;
    Ok(headers)
}

fn nonsense(height: Height, own: String) -> Difference {
    let figure = "the tables before the last block".into();
    Difference { height, table: None, uid: None, figure, chain: "those of a state".into(), own }
}

fn what(need: Need) -> String {
    match need {
        Need::Headers => "the headers of the epoch".into(),
        Need::Validators => "the validators of the epoch".into(),
        Need::Size => "the totals before the end of the epoch".into(),
        Need::Body => "the transactions of the last block".into(),
        Need::Piece(table) | Need::Differing(table) => format!("the table of {table}"),
    }
}
