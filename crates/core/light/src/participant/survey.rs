//! A survey: the neuron and weight tables whole, the chain's totals and the own account by proof, all at one verified
//! block. It is made once an epoch and after each own transaction, and is where everything about oneself comes from.

use super::queries::{Piece, Purpose};
use super::{Known, Participant, Step};
use crate::tables::{self, Assembly};
use crate::{Error, Event, Tables, Verified, epochs};
use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _};
use ledger::{AccountLeaf, EpochLeaf, Height, Query, Reply, Table, Totals};

/// One survey while it goes on.
#[derive(Debug)]
pub(super) struct Survey {
    at: Verified,
    neurons: Part,
    weights: Part,
    totals: Option<Totals>,
    account: Option<Option<AccountLeaf>>,
}

/// A table on its way.
#[derive(Debug)]
enum Part {
    Coming(Assembly),
    Whole(Vec<Bytes>),
}

impl Survey {
    fn new(at: Verified) -> Self {
        Self {
            at,
            neurons: Part::Coming(Assembly::new(Table::Neurons)),
            weights: Part::Coming(Assembly::new(Table::Weights)),
            totals: None,
            account: None,
        }
    }

    const fn part(&self, piece: Piece) -> &Part {
        match piece {
            Piece::Neurons => &self.neurons,
            Piece::Weights => &self.weights,
        }
    }

    const fn part_mut(&mut self, piece: Piece) -> &mut Part {
        match piece {
            Piece::Neurons => &mut self.neurons,
            Piece::Weights => &mut self.weights,
        }
    }
}

impl Participant {
    /// Whether a survey goes on or is called for: what is known may be old.
    pub(super) const fn surveying(&self) -> bool {
        self.survey.is_some() || self.survey_wanted
    }

    /// Whether no source has answered a survey's questions for a while.
    pub(super) fn survey_in_vain(&self) -> bool {
        OF_SURVEY.into_iter().any(|purpose| self.queries.in_vain(purpose))
    }

    /// Begins a survey at `head` where one is called for; begins anew where the block of one under way grew old.
    pub(super) fn plan_survey(&mut self, head: &Verified) {
        let tempo = self.parameters.tempo;
        let due = match (&self.survey, &self.known) {
            (Some(survey), _) => head.height().since(survey.at.height()) > SURVEY_BLOCKS,
            (None, None) => true,
            (None, Some(known)) => {
                let then = known.tables.at().height();
                head.height() > then
                    && (self.survey_wanted || epochs::after(head.height(), tempo) > epochs::after(then, tempo))
            }
        };
        if due {
            self.begin_survey(head.clone());
        }
    }

    fn begin_survey(&mut self, at: Verified) {
        for purpose in OF_SURVEY {
            self.queries.drop_open(purpose);
        }
        self.survey_wanted = false;
        self.survey = Some(Survey::new(at));
    }

    /// A source does not have what was asked for a survey: it moves on to a newer block where there is one.
    pub(super) fn survey_lacks(&mut self, purpose: Purpose) {
        let (Purpose::Piece(_) | Purpose::Totals | Purpose::Account) = purpose else { return };
        let newer = match (&self.survey, self.client.head()) {
            (Some(survey), Some(head)) if head.height() > survey.at.height() => head.clone(),
            _ => return,
        };
        self.begin_survey(newer);
    }

    /// The next query of the survey, if any.
    pub(super) fn next_of_survey(&mut self) -> Option<Step> {
        let now = self.now;
        let survey = self.survey.as_ref()?;
        let height = survey.at.height();
        let at = survey.at.clone();
        let mut wanted = Vec::with_capacity(4);
        for piece in Piece::ALL {
            if let Part::Coming(assembly) = survey.part(piece) {
                let query = Query::Table { height, table: piece.table(), from: assembly.next() };
                wanted.push((Purpose::Piece(piece), query));
            }
        }
        if survey.totals.is_none() {
            wanted.push((Purpose::Totals, Query::Leaf { height, table: Table::Epoch, index: TOTALS }));
        }
        if survey.account.is_none() {
            wanted.push((Purpose::Account, Query::Account { height, key: self.me.clone() }));
        }
        let (purpose, query) = wanted.into_iter().find(|(purpose, _)| self.queries.free(*purpose, now))?;
        let id = self.queries.open(purpose, Some(at), None, now);
        Some(Step::Query { id, query })
    }

    pub(super) fn on_piece(&mut self, piece: Piece, at: &Verified, reply: Reply) -> Result<(), Error> {
        let Reply::Table { total, from, leaves } = reply else { return Err(Error::WrongReply) };
        let Some(survey) = self.survey.as_mut() else { return Ok(()) };
        let part = survey.part_mut(piece);
        let Part::Coming(assembly) = part else { return Ok(()) };
        match assembly.add(at, total, from, leaves) {
            Ok(None) => Ok(()),
            Ok(Some(leaves)) => {
                *part = Part::Whole(leaves);
                self.finish_survey()
            }
            Err(error) => {
                *part = Part::Coming(Assembly::new(piece.table()));
                Err(error)
            }
        }
    }

    pub(super) fn on_totals(&mut self, at: &Verified, reply: Reply) -> Result<(), Error> {
        let Reply::Leaf { index, leaf, proof } = reply else { return Err(Error::WrongReply) };
        tables::leaf(at, Table::Epoch, TOTALS, index, &leaf, &proof)?;
        let EpochLeaf::Totals(totals) = parse("totals", &leaf)? else { return Err(Error::WrongReply) };
        if let Some(survey) = self.survey.as_mut() {
            survey.totals = Some(totals);
        }
        self.finish_survey()
    }

    /// The own account: proven where there is one; that there is none is the source's word, believed only where the
    /// tables do not refute it, and it decides nothing but the nonce of a transaction, which the ledger checks.
    pub(super) fn on_account(&mut self, at: &Verified, reply: Reply) -> Result<(), Error> {
        let account = self.account_of(at, reply)?;
        if let Some(survey) = self.survey.as_mut() {
            survey.account = Some(account);
        }
        self.finish_survey()
    }

    /// The own account in a reply to [`Query::Account`].
    pub(super) fn account_of(&self, at: &Verified, reply: Reply) -> Result<Option<AccountLeaf>, Error> {
        match reply {
            Reply::NoSuch => Ok(None),
            Reply::Leaf { index, leaf, proof } => {
                tables::leaf(at, Table::Accounts, index, index, &leaf, &proof)?;
                let account: AccountLeaf = parse("account", &leaf)?;
                if account.key == self.me { Ok(Some(account)) } else { Err(Error::WrongReply) }
            }
            _ => Err(Error::WrongReply),
        }
    }

    /// Draws the conclusions once everything is there.
    fn finish_survey(&mut self) -> Result<(), Error> {
        let Some(Survey {
            at,
            neurons: Part::Whole(neurons),
            weights: Part::Whole(weights),
            totals: Some(totals),
            account: Some(account),
        }) = &self.survey
        else {
            return Ok(());
        };
        let tables = Tables::parse(at.clone(), neurons, weights);
        let (totals, account) = (totals.clone(), account.clone());
        if account.is_none() && tables.as_ref().is_ok_and(|tables| self.signed_before(tables)) {
            // Who signed has an account: the source's word that there is none is refuted by the tables.
            if let Some(survey) = self.survey.as_mut() {
                survey.account = None;
            }
            return Err(Error::WrongReply);
        }
        self.survey = None;
        let tables = tables?;
        let own = tables.own(&self.me, account.as_ref(), &self.parameters);
        let everyone = (0..)
            .zip(tables.neurons())
            .filter(|(_, peer)| !peer.vacant)
            .map(|(uid, peer)| (ledger::Uid::new(uid), peer.hot, peer.stake));
        self.events.push_back(Event::Neurons(everyone.collect()));
        self.events.push_back(Event::Askers(tables.askers(&self.me)));
        self.events.push_back(Event::Own(Box::new(own)));
        self.known = Some(Known { tables, account, totals });
        self.settle_by_survey();
        Ok(())
    }

    /// Whether the tables show that this key signed a transaction: it registered after genesis, or set a row.
    fn signed_before(&self, tables: &Tables) -> bool {
        tables.uid(&self.me).is_some_and(|uid| {
            tables.neuron(uid).is_some_and(|neuron| neuron.registered > Height::new(0))
                || tables.row(uid).is_some_and(|weights| weights.version > 0)
        })
    }
}

/// Parses a proven leaf.
pub(super) fn parse<T: commonware_codec::Read<Cfg = ()>>(what: &'static str, leaf: &[u8]) -> Result<T, Error> {
    T::decode(Copying(leaf)).map_err(|error| Error::codec(what, leaf.len(), &error))
}

/// What a survey asks for.
const OF_SURVEY: [Purpose; 4] =
    [Purpose::Piece(Piece::Neurons), Purpose::Piece(Piece::Weights), Purpose::Totals, Purpose::Account];

/// Where the totals stand in the epoch table.
const TOTALS: u32 = 0;

/// Blocks after which a survey begins anew: sources keep 64.
const SURVEY_BLOCKS: u64 = 48;
