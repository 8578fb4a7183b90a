//! The market after one epoch, as tables: figures of the whole, of every peer, and the rows, stakes and bonds where somebody still has
//! them.
//!
//! Every table met its root in a header that is verified, so none of it is a source's word. Whether the figures follow from the tables before
//! them is another question, which an audit answers ([`crate::audit`]): [`Market::computed`] says whether it did.

use crate::{Error, Tables};
use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _, Read};
use ledger::table::BondsLeaf;
use ledger::{EpochLeaf, Header, Height, NeuronLeaf, Standing, Totals, WeightsLeaf};

/// After one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    /// Its number, from 1; 0 is genesis.
    pub epoch: u64,
    /// Height of its last block.
    pub height: Height,
    /// Time of that block, ms since 1970.
    pub time: u64,
    /// Whether it was computed again here, and found to be so.
    pub computed: bool,
    /// Figures of the whole chain.
    pub totals: Totals,
    /// What it found about each peer, by uid.
    pub standings: Vec<Standing>,
    /// Who they are and what they think; `None`: nobody asked has it any more.
    pub peers: Option<Peers>,
}

/// The peers after one epoch, by uid.
#[derive(Clone, Debug, PartialEq)]
pub struct Peers {
    /// Keys and stake; a vacant uid has none.
    pub neurons: Vec<NeuronLeaf>,
    /// W, row by row.
    pub weights: Vec<WeightsLeaf>,
    /// B, row by row; empty where the mechanism has none.
    pub bonds: Vec<BondsLeaf>,
}

impl Market {
    /// That of whole tables at the end of `epoch`.
    pub fn of(tables: &Tables, epoch: u64, computed: bool) -> Self {
        let state = tables.state();
        Self {
            epoch,
            height: state.height(),
            time: state.time(),
            computed,
            totals: state.totals().clone(),
            standings: state.standings().iter().cloned().collect(),
            peers: Some(Peers {
                neurons: state.neurons().iter().cloned().collect(),
                weights: state.weights().iter().cloned().collect(),
                bonds: state.bonds().iter().cloned().collect(),
            }),
        }
    }

    /// That of the epoch table at `end`, the verified last header of `epoch`, without the peers.
    ///
    /// # Errors
    /// [`Error::Malformed`] where what the validators signed is no such table.
    pub(crate) fn proven(epoch: u64, end: &Header, leaves: &[Bytes]) -> Result<Self, Error> {
        let malformed = |reason: &str| Error::Malformed { what: TABLE, reason: reason.into() };
        let mut all = parsed::<EpochLeaf>(leaves)?.into_iter();
        let Some(EpochLeaf::Totals(totals)) = all.next() else { return Err(malformed("it has no totals")) };
        let standings = all.map(|leaf| match leaf {
            EpochLeaf::Standing(standing) => Ok(standing),
            EpochLeaf::Totals(_) => Err(malformed("it has totals twice")),
        });
        let standings = standings.collect::<Result<_, _>>()?;
        if totals.number != epoch {
            return Err(malformed("it is that of another epoch"));
        }
        Ok(Self { epoch, height: end.height, time: end.time, computed: false, totals, standings, peers: None })
    }
}

impl Peers {
    /// Of the leaves of three tables.
    ///
    /// # Errors
    /// [`Error::Malformed`], as with [`Market::proven`].
    pub(crate) fn proven(neurons: &[Bytes], weights: &[Bytes], bonds: &[Bytes]) -> Result<Self, Error> {
        Ok(Self { neurons: parsed(neurons)?, weights: parsed(weights)?, bonds: parsed(bonds)? })
    }
}

fn parsed<T: Read<Cfg = ()>>(leaves: &[Bytes]) -> Result<Vec<T>, Error> {
    let parse = |leaf: &Bytes| T::decode(Copying(leaf)).map_err(|error| Error::codec(TABLE, leaf.len(), &error));
    leaves.iter().map(parse).collect()
}

const TABLE: &str = "table of a past epoch";
