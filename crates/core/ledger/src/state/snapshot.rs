//! A state as bytes, for the disk.
//!
//! The bytes come from the own disk, not from a stranger; still nothing in them can do more than fail to decode. Whether
//! they are the state of a chain is decided by its roots against a header, by whoever loads them.

use super::trees::Trees;
use super::{State, indexes};
use crate::Digest;
use crate::codec::{Field, Item, take_version};
use crate::column::Column;
use crate::table::{AccountLeaf, BondsLeaf, CandidateLeaf, NeuronLeaf, Standing, WeightsLeaf};
use crate::work::RECENT;
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, Read, Write};
use std::collections::VecDeque;
use std::sync::Arc;

/// Version of the encoding, its first byte.
pub const SNAPSHOT_VERSION: u8 = 4;

/// Most leaves of a table.
const MOST: usize = 1 << 24;

impl Item for AccountLeaf {
    // Whoever pays for them opens them: nothing but their price bounds their number.
    const MOST: usize = u32::MAX as usize;
}
impl Item for NeuronLeaf {
    const MOST: usize = MOST;
}
impl Item for WeightsLeaf {
    const MOST: usize = MOST;
}
impl Item for BondsLeaf {
    const MOST: usize = MOST;
}
impl Item for CandidateLeaf {
    const MOST: usize = MOST;
}
impl Item for Standing {
    const MOST: usize = MOST;
}
impl Item for Digest {
    const MOST: usize = RECENT as usize;
}

impl Write for State {
    fn write(&self, buf: &mut impl BufMut) {
        SNAPSHOT_VERSION.put(buf);
        self.chain.put(buf);
        self.parameters.as_ref().put(buf);
        self.validators.as_ref().put(buf);
        self.begun_with.put(buf);
        self.height.put(buf);
        self.time.put(buf);
        self.accounts.put(buf);
        self.neurons.put(buf);
        self.weights.put(buf);
        self.bonds.put(buf);
        self.standings.put(buf);
        self.candidates.as_ref().put(buf);
        self.totals.put(buf);
        self.recent.iter().copied().collect::<Vec<_>>().put(buf);
    }
}

impl EncodeSize for State {
    fn encode_size(&self) -> usize {
        1 + self.chain.size()
            + self.parameters.as_ref().size()
            + self.validators.as_ref().size()
            + self.begun_with.size()
            + self.height.size()
            + self.time.size()
            + self.accounts.size()
            + self.neurons.size()
            + self.weights.size()
            + self.bonds.size()
            + self.standings.size()
            + self.candidates.as_ref().size()
            + self.totals.size()
            + self.recent.iter().copied().collect::<Vec<_>>().size()
    }
}

impl Read for State {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        take_version(buf, SNAPSHOT_VERSION, "state")?;
        let chain = Field::take(buf)?;
        let parameters: crate::Parameters = Field::take(buf)?;
        parameters.check().map_err(|error| CodecError::Wrapped("state", Box::new(error)))?;
        let validators: Vec<crate::PublicKey> = Field::take(buf)?;
        let begun_with = Field::take(buf)?;
        let height = Field::take(buf)?;
        let time = Field::take(buf)?;
        let accounts: Column<AccountLeaf> = Field::take(buf)?;
        let neurons: Column<NeuronLeaf> = Field::take(buf)?;
        let weights: Column<WeightsLeaf> = Field::take(buf)?;
        let bonds: Column<BondsLeaf> = Field::take(buf)?;
        let standings: Column<Standing> = Field::take(buf)?;
        let candidates: Vec<CandidateLeaf> = Field::take(buf)?;
        let totals = Field::take(buf)?;
        let recent: Vec<Digest> = Field::take(buf)?;
        let (account_of, uid_of) = indexes(&accounts, &neurons);
        let mut state = Self {
            chain,
            parameters: Arc::new(parameters),
            validators: Arc::new(validators),
            begun_with,
            height,
            time,
            accounts,
            neurons,
            weights,
            bonds,
            standings,
            candidates: Arc::new(candidates),
            totals,
            recent: VecDeque::from(recent),
            account_of,
            uid_of,
            trees: Trees::default(),
        };
        if !state.fits() {
            return Err(CodecError::Invalid("state", "tables do not fit each other"));
        }
        state.seal();
        Ok(state)
    }
}
