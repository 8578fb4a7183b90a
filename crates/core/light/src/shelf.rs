//! What is kept between visits, as bytes: four shelves of a store that somebody else keeps.
//!
//! A store is believed no more than a source: what comes back from it is checked as if a stranger had sent it, signatures and
//! roots and all. Only the checkpoint on the shelf [`Shelf::Head`] is taken on trust, as the one that came with the page
//! was; a hash over it tells damage. What was changed by somebody who can write to the store is not told.

use crate::audit::Difference;
use crate::{Checkpoint, Error};
use bytes::{Bytes, BytesMut};
use commonware_codec::{Copying, DecodeExt as _, Encode as _, EncodeSize, RangeCfg, Read, ReadExt as _, Write};
use commonware_cryptography::{Hasher as _, Sha256, sha256::Digest};
use ledger::genesis::MAX_VALIDATORS;
use ledger::query::Link;
use ledger::{Header, Height, PublicKey, State, Table, Transaction, Uid};

/// One shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shelf {
    /// The checkpoint that verification begins from, and the newest head.
    Head,
    /// The links since that checkpoint, one after the other; the only shelf that is appended to.
    Links,
    /// The state after the last epoch that was recomputed.
    Epoch,
    /// Own transactions that are signed and not on the ledger yet.
    Own,
}

impl Shelf {
    /// All of them, in the order in which they are restored.
    pub const ALL: [Self; 4] = [Self::Head, Self::Links, Self::Epoch, Self::Own];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Links => "links",
            Self::Epoch => "epoch",
            Self::Own => "own",
        }
    }
}

impl core::fmt::Display for Shelf {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// What the shelf [`Shelf::Head`] holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    pub checkpoint: Checkpoint,
    pub head: Option<(Header, Bytes)>,
    /// Where the chain was found to be wrong.
    pub refuted: Option<Difference>,
}

impl Begin {
    pub fn to_bytes(&self) -> Bytes {
        sealed(&(self.checkpoint.clone(), self.head.clone(), self.refuted.clone()).encode())
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let what = "kept head";
        let inside = unsealed(what, bytes)?;
        let mut rest = Copying(inside);
        let read = |rest: &mut Copying<'_>| {
            let checkpoint = Checkpoint::read(rest)?;
            let head = if bool::read(rest)? {
                Some((Header::read(rest)?, Bytes::read_cfg(rest, &RangeCfg::from(0..=MAX_CERTIFICATE))?))
            } else {
                None
            };
            let refuted = Option::<Difference>::read(rest)?;
            Ok(Self { checkpoint, head, refuted })
        };
        let begin =
            read(&mut rest).map_err(|error: commonware_codec::Error| Error::codec(what, bytes.len(), &error))?;
        whole(what, &rest)?;
        Ok(begin)
    }
}

impl Write for Difference {
    fn write(&self, buf: &mut impl bytes::BufMut) {
        self.height.write(buf);
        self.table.write(buf);
        self.uid.write(buf);
        for text in [&self.figure, &self.chain, &self.own] {
            text.as_bytes().to_vec().write(buf);
        }
    }
}

impl EncodeSize for Difference {
    fn encode_size(&self) -> usize {
        let texts = [&self.figure, &self.chain, &self.own].map(|text| text.as_bytes().to_vec().encode_size());
        self.height.encode_size() + self.table.encode_size() + self.uid.encode_size() + texts.into_iter().sum::<usize>()
    }
}

impl Read for Difference {
    type Cfg = ();

    fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
        let (height, table, uid) = (Height::read(buf)?, Option::<Table>::read(buf)?, Option::<Uid>::read(buf)?);
        let mut text = || {
            let bytes = Vec::<u8>::read_cfg(buf, &(RangeCfg::from(0..=MAX_TEXT), ()))?;
            String::from_utf8(bytes)
                .map_err(|_| commonware_codec::Error::Invalid("difference", "its words are no text"))
        };
        Ok(Self { height, table, uid, figure: text()?, chain: text()?, own: text()? })
    }
}

impl Write for Checkpoint {
    fn write(&self, buf: &mut impl bytes::BufMut) {
        self.height.write(buf);
        self.digest.write(buf);
        self.time.write(buf);
        self.validators.write(buf);
    }
}

impl EncodeSize for Checkpoint {
    fn encode_size(&self) -> usize {
        16 + self.digest.encode_size() + self.validators.encode_size()
    }
}

impl Read for Checkpoint {
    type Cfg = ();

    fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
        Ok(Self {
            height: Height::read(buf)?,
            digest: Digest::read(buf)?,
            time: u64::read(buf)?,
            validators: Vec::<PublicKey>::read_cfg(buf, &(RangeCfg::from(0..=MAX_VALIDATORS), ()))?,
        })
    }
}

/// A link as it is appended: its length, and itself.
pub(crate) fn link(link: &Link) -> Bytes {
    let bytes = link.encode();
    let mut out = BytesMut::new();
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).write(&mut out);
    out.extend_from_slice(&bytes);
    out.freeze()
}

/// The links of a shelf up to its end, or to the first that is torn, and where that begins.
pub(crate) fn links(mut bytes: &[u8]) -> (Vec<(Link, usize)>, Result<(), Error>) {
    let what = "kept links";
    let all = bytes.len();
    let mut links = Vec::new();
    while !bytes.is_empty() {
        let torn = Error::Truncated { what, bytes: all };
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return (links, Err(torn)) };
        let length = u32::from_be_bytes(*length) as usize;
        let Some((link, rest)) = rest.split_at_checked(length) else { return (links, Err(torn)) };
        match Link::decode(Copying(link)) {
            Ok(link) => links.push((link, all - rest.len())),
            Err(error) => return (links, Err(Error::codec(what, all, &error))),
        }
        bytes = rest;
    }
    (links, Ok(()))
}

/// A state as it is kept.
pub(crate) fn epoch(state: &State) -> Bytes {
    state.encode()
}

/// A kept state; its roots are for the caller to compare.
pub(crate) fn state(bytes: &[u8]) -> Result<State, Error> {
    State::decode(Copying(bytes)).map_err(|error| Error::codec("kept tables", bytes.len(), &error))
}

/// Own transactions as they are kept.
pub(crate) fn own(transactions: &[&Transaction]) -> Bytes {
    let transactions: Vec<Transaction> = transactions.iter().copied().cloned().collect();
    sealed(&transactions.encode())
}

/// Kept transactions; who signed them is for the caller to see.
pub(crate) fn transactions(bytes: &[u8]) -> Result<Vec<Transaction>, Error> {
    let what = "kept transactions";
    let inside = unsealed(what, bytes)?;
    let mut rest = Copying(inside);
    let read = Vec::<Transaction>::read_cfg(&mut rest, &(RangeCfg::from(0..=MAX_OWN), ()));
    let read = read.map_err(|error| Error::codec(what, bytes.len(), &error))?;
    whole(what, &rest)?;
    Ok(read)
}

fn whole(what: &'static str, rest: &Copying<'_>) -> Result<(), Error> {
    if rest.0.is_empty() { Ok(()) } else { Err(Error::Trailing { what, extra: rest.0.len() }) }
}

/// Content behind its hash.
fn sealed(content: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(32 + content.len());
    out.extend_from_slice(&Sha256::hash(&[content]));
    out.extend_from_slice(content);
    out.freeze()
}

fn unsealed<'a>(what: &'static str, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
    let Some((hash, content)) = bytes.split_first_chunk::<32>() else {
        return Err(Error::Truncated { what, bytes: bytes.len() });
    };
    if Sha256::hash(&[content]).as_ref() != hash {
        return Err(Error::Malformed { what, reason: "it is not what was kept".into() });
    }
    Ok(content)
}

/// Longest certificate: those of 64 validators have some 4 KiB.
const MAX_CERTIFICATE: usize = 16 * 1024;

/// Longest words of a difference, bytes.
const MAX_TEXT: usize = 16 * 1024;

/// Most own transactions under way.
const MAX_OWN: usize = 16;
