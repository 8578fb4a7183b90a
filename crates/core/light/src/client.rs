//! The light client: follows the heads of one chain from a pinned checkpoint, by finalizations only.
//!
//! Bytes and the time go in, verdicts come out; no clock, no network, no trust in whoever hands it bytes. It starts
//! at a checkpoint no older than the trust period, knows one validator set, and moves to any higher block that more
//! than two thirds of that set finalized. Blocks between two heads may be skipped, or given as a chain of headers.
//!
//! It does not follow changes of the validator set (this protocol version has none), does not execute blocks and
//! does not know whether their economics are right.
//!
//! A hostile source could try: another chain, forged or short certificates, an old head as the newest (refused as
//! not rising; holding heads back shows as a stalled chain, which is the caller's to notice), a second history. Two
//! finalized blocks at one height, or two that should be parent and child and are not, are kept as [`Evidence`] and
//! stop the client for good: more than a third of the validators must have signed both.

use crate::{Committee, Error, Verdict};
use bytes::Bytes;
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use ledger::{ChainId, Genesis, Header, Height, query::MAX_HEADERS};
use std::collections::BTreeMap;

/// A block that the client trusts without proof, from the page's build or the node that served the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its height; 0 is the genesis.
    pub height: Height,
    /// Digest of its header.
    pub digest: Digest,
    /// Time in its header, ms since 1970.
    pub time: u64,
    /// The validator set after it, any order.
    pub validators: Vec<PublicKey>,
}

/// A header that a certificate was checked for. Only a [`Client`] makes one.
#[derive(Clone, Debug)]
pub struct Verified {
    header: Header,
    digest: Digest,
    verdict: Verdict,
}

/// Two histories, each signed by more than two thirds of one validator set.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What was verified first: header and certificate.
    pub first: (Header, Bytes),
    /// What contradicts it.
    pub second: (Header, Bytes),
}

/// Follows one chain.
#[derive(Debug)]
pub struct Client {
    committee: Committee,
    checkpoint: Checkpoint,
    trust_ms: u64,
    head: Option<Verified>,
    recent: BTreeMap<Height, (Digest, Header, Bytes)>,
    evidence: Option<Box<Evidence>>,
}

/// What an accepted head was.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// A block above the head: it is the head now.
    New(Verified),
    /// A block that was verified before.
    Known,
}

impl Verified {
    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Its digest.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What its certificate says.
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Height of the block.
    pub const fn height(&self) -> Height {
        self.header.height
    }
}

impl Client {
    /// A client of the chain of `genesis`, from `checkpoint`, at `now` (ms since 1970).
    ///
    /// # Errors
    /// [`Error::StaleCheckpoint`], [`Error::BadValidators`].
    pub fn new(genesis: &Genesis, checkpoint: Checkpoint, now: u64) -> Result<Self, Error> {
        let client = Self {
            committee: Committee::new(genesis.chain(), &checkpoint.validators)?,
            trust_ms: genesis.parameters.trust_period,
            checkpoint,
            head: None,
            recent: BTreeMap::new(),
            evidence: None,
        };
        client.fresh(now)?;
        Ok(client)
    }

    /// The newest verified block; `None` until the first one after the checkpoint.
    pub const fn head(&self) -> Option<&Verified> {
        self.head.as_ref()
    }

    /// Height of the newest block that is trusted: the head's, else the checkpoint's.
    pub fn height(&self) -> Height {
        self.top().0
    }

    /// The digest of the block that was verified at `height`, while it is remembered.
    pub fn verified_at(&self, height: Height) -> Option<Digest> {
        let remembered = self.recent.get(&height).map(|(digest, _, _)| *digest);
        remembered.or_else(|| (height == self.checkpoint.height).then_some(self.checkpoint.digest))
    }

    /// Whether `height` is too low to be compared with anything that is remembered.
    pub fn is_past(&self, height: Height) -> bool {
        let oldest = self.recent.keys().next().filter(|_| self.recent.len() >= REMEMBERED);
        height < self.checkpoint.height || oldest.is_some_and(|oldest| height.next() < *oldest)
    }

    /// The proof that this chain's validators signed two histories, once there is one.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_deref()
    }

    /// Takes one header with its certificate.
    ///
    /// # Errors
    /// Those of [`Committee::verify`], and [`Error::StaleCheckpoint`], [`Error::UnknownValidators`],
    /// [`Error::NotTheCheckpoint`], [`Error::NonMonotonicHeight`], [`Error::NonMonotonicTime`], [`Error::Conflict`].
    pub fn accept(&mut self, header: Header, finalization: &Bytes, now: u64) -> Result<Accepted, Error> {
        self.fresh(now)?;
        self.known_validators(&header)?;
        let digest = header.digest();
        let verdict = self.committee.verify(digest, finalization)?;
        self.judge(&header, digest, finalization)?;
        let height = header.height;
        if self.recent.contains_key(&height) || height == self.checkpoint.height {
            return Ok(Accepted::Known);
        }
        self.rises(&header)?;
        self.recent.insert(height, (digest, header.clone(), finalization.clone()));
        while self.recent.len() > REMEMBERED {
            self.recent.pop_first();
        }
        let verified = Verified { header, digest, verdict };
        self.head = Some(verified.clone());
        Ok(Accepted::New(verified))
    }

    /// Takes a chain of headers, lowest first, whose last has a certificate: each names the one before as its parent.
    ///
    /// # Errors
    /// [`Error::NoHeaders`], [`Error::Oversized`], [`Error::BrokenLink`], and those of [`Self::accept`].
    pub fn accept_chain(&mut self, headers: &[Header], finalization: &Bytes, now: u64) -> Result<Accepted, Error> {
        let Some((last, before)) = headers.split_last() else { return Err(Error::NoHeaders) };
        if headers.len() > MAX_HEADERS {
            return Err(Error::Oversized { what: "headers", bytes: headers.len(), limit: MAX_HEADERS });
        }
        for pair in headers.windows(2) {
            let [parent, child] = pair else { continue };
            if child.height.get() != parent.height.get().saturating_add(1) || child.parent != parent.digest() {
                return Err(Error::BrokenLink { height: child.height });
            }
            if child.time <= parent.time {
                return Err(Error::NonMonotonicTime { head: parent.time, got: child.time });
            }
        }
        self.fresh(now)?;
        self.known_validators(last)?;
        self.committee.verify(last.digest(), finalization)?;
        for header in before {
            self.known_validators(header)?;
            self.judge(header, header.digest(), finalization)?;
        }
        self.accept(last.clone(), finalization, now)
    }

    /// Refuses to go on from a block older than the trust period.
    fn fresh(&self, now: u64) -> Result<(), Error> {
        if self.evidence.is_some() {
            return Err(Error::Conflict { height: self.top().0 });
        }
        let age_ms = now.saturating_sub(self.top().1);
        if age_ms > self.trust_ms {
            return Err(Error::StaleCheckpoint { age_ms, limit_ms: self.trust_ms });
        }
        Ok(())
    }

    fn known_validators(&self, header: &Header) -> Result<(), Error> {
        let known = self.committee.digest();
        if header.validators == known {
            Ok(())
        } else {
            Err(Error::UnknownValidators { height: header.height, known, got: header.validators })
        }
    }

    /// Compares a certified header with what was certified before, at its height and next to it.
    fn judge(&mut self, header: &Header, digest: Digest, finalization: &Bytes) -> Result<(), Error> {
        let height = header.height;
        if height == self.checkpoint.height && digest != self.checkpoint.digest {
            return Err(Error::NotTheCheckpoint { height, expected: self.checkpoint.digest, got: digest });
        }
        if height.get() == self.checkpoint.height.get().saturating_add(1) && header.parent != self.checkpoint.digest {
            let (expected, got) = (self.checkpoint.digest, header.parent);
            return Err(Error::NotTheCheckpoint { height: self.checkpoint.height, expected, got });
        }
        let near = |height: u64| self.recent.get(&Height::new(height));
        let same = near(height.get()).filter(|(known, _, _)| *known != digest);
        let parent = height.get().checked_sub(1).and_then(near).filter(|(known, _, _)| *known != header.parent);
        let child = height.get().checked_add(1).and_then(near).filter(|(_, known, _)| known.parent != digest);
        if let Some((_, known, bytes)) = same.or(parent).or(child) {
            self.evidence = Some(Box::new(Evidence {
                first: (known.clone(), bytes.clone()),
                second: (header.clone(), finalization.clone()),
            }));
            return Err(Error::Conflict { height });
        }
        Ok(())
    }

    /// Height and time must rise above the head, or above the checkpoint before there is one.
    fn rises(&self, header: &Header) -> Result<(), Error> {
        let (height, time) = self.top();
        if header.height <= height {
            return Err(Error::NonMonotonicHeight { head: height, got: header.height });
        }
        if header.time <= time {
            return Err(Error::NonMonotonicTime { head: time, got: header.time });
        }
        Ok(())
    }

    /// Height and time of the newest block that is trusted.
    fn top(&self) -> (Height, u64) {
        self.head
            .as_ref()
            .map_or((self.checkpoint.height, self.checkpoint.time), |head| (head.header.height, head.header.time))
    }
}

/// Parses the genesis of `chain`.
///
/// # Errors
/// [`Error::Oversized`], [`Error::Truncated`], [`Error::Trailing`], [`Error::Malformed`], and
/// [`Error::WrongChain`] where the bytes are the genesis of another chain.
pub fn genesis(chain: ChainId, bytes: &[u8]) -> Result<Genesis, Error> {
    use commonware_codec::{Copying, DecodeExt as _};
    let what = "genesis";
    if bytes.len() > MAX_GENESIS {
        return Err(Error::Oversized { what, bytes: bytes.len(), limit: MAX_GENESIS });
    }
    let genesis = Genesis::decode(Copying(bytes)).map_err(|error| Error::codec(what, bytes.len(), &error))?;
    let got = genesis.chain();
    if got != chain {
        return Err(Error::WrongChain { expected: chain.0, got: got.0 });
    }
    Ok(genesis)
}

/// Heads kept to notice a second history: a minute of one-second blocks.
const REMEMBERED: usize = 64;

/// Largest genesis, bytes.
pub const MAX_GENESIS: usize = 1 << 20;
