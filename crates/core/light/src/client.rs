//! The light client: follows the heads of one chain from a pinned checkpoint, by finalizations only.
//!
//! Bytes and the time go in, verdicts come out; no clock, no network, no trust in whoever hands it bytes. It starts
//! at a checkpoint no older than the trust period, knows the validators of one epoch, and moves to any higher block of that
//! epoch that more than two thirds of them finalized. Blocks between two heads may be skipped, or given as a chain of
//! headers.
//!
//! Validators change with the last block of an epoch. Its header commits to the next set and is certified by the one
//! before: a [`Link`] is that header, its certificate and the keys. From epoch to epoch the client goes by links alone, one
//! after the other, or by such a header alone where the set stays. Whoever validated before and does so no longer cannot
//! move it; what the set of the epoch before signed of its own blocks is still compared, so that a second history
//! around the change is found.
//!
//! It does not execute blocks and does not know whether their economics are right.
//!
//! A hostile source could try: another chain, forged or short certificates, an old head as the newest (refused as
//! not rising; holding heads back shows as a stalled chain, which is the caller's to notice), a head or a link of validators
//! who have left or who were never elected, links with keys of its own, links left out, a second history. Two
//! finalized blocks at one height, or two that should be parent and child and are not, are kept as [`Evidence`] and
//! stop the client for good: more than a third of the validators must have signed both.

use crate::{Committee, Error, Verdict, epochs};
use bytes::Bytes;
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use ledger::{
    ChainId, Genesis, Header, Height,
    header::validators_digest,
    query::{Link, MAX_HEADERS, MAX_LINKS},
};
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
    /// Who validates the next block, any order.
    pub validators: Vec<PublicKey>,
}

/// A header that a certificate was checked for. Only a [`Client`] makes one.
#[derive(Clone, Debug)]
pub struct Verified {
    header: Header,
    digest: Digest,
    verdict: Verdict,
}

/// Two histories, each signed by more than two thirds of the validators in office.
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
    chain: ChainId,
    tempo: u64,
    /// Of the newest epoch whose validators are known.
    committee: Committee,
    /// Of the epoch before, where it was followed.
    former: Option<Committee>,
    checkpoint: Checkpoint,
    trust_ms: u64,
    head: Option<Verified>,
    recent: BTreeMap<Height, (Digest, Header, Bytes)>,
    /// The newest end of an epoch, for longer than `recent`.
    end: Option<(Digest, Header, Bytes)>,
    /// Ends of epochs that were followed and not taken yet.
    links: Vec<Link>,
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
        let (chain, tempo) = (genesis.chain(), genesis.parameters.tempo);
        let epoch = epochs::after(checkpoint.height, tempo);
        let client = Self {
            chain,
            tempo,
            committee: Committee::new(chain, epoch, &checkpoint.validators)?,
            former: None,
            trust_ms: genesis.parameters.trust_period,
            checkpoint,
            head: None,
            recent: BTreeMap::new(),
            end: None,
            links: Vec::new(),
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

    /// Where verification began.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Certificate of a block that was verified lately.
    pub fn certified(&self, height: Height) -> Option<(&Header, &Bytes)> {
        let end = self.end.as_ref().filter(|(_, header, _)| header.height == height);
        self.recent.get(&height).or(end).map(|(_, header, finalization)| (header, finalization))
    }

    /// Height and digest of the newest end of an epoch that is trusted; genesis counts as one.
    pub fn end(&self) -> Option<(Height, Digest)> {
        let begin = &self.checkpoint;
        let ends = begin.height == Height::new(0)
            || epochs::after(begin.height, self.tempo) > epochs::of(begin.height, self.tempo);
        let checkpoint = ends.then_some((begin.height, begin.digest));
        self.end.as_ref().map(|(digest, header, _)| (header.height, *digest)).or(checkpoint)
    }

    /// The keys of the validators of an epoch, where they are known.
    pub fn validators(&self, epoch: u64) -> Option<Vec<PublicKey>> {
        self.committee(epoch).map(Committee::keys)
    }

    /// The ends of epochs that were followed since this was asked last.
    pub fn take_links(&mut self) -> Vec<Link> {
        core::mem::take(&mut self.links)
    }

    /// The newest epoch whose validators are known.
    pub const fn epoch(&self) -> u64 {
        self.committee.epoch()
    }

    /// Whether the newest block that is trusted ended that epoch, and elected validators who are not known.
    pub fn awaits_link(&self) -> bool {
        epochs::after(self.height(), self.tempo) > self.epoch()
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
    /// Those of [`Committee::verify`], and [`Error::StaleCheckpoint`], [`Error::NeedsLinks`],
    /// [`Error::UnknownValidators`], [`Error::NotTheCheckpoint`], [`Error::NonMonotonicHeight`],
    /// [`Error::NonMonotonicTime`], [`Error::Conflict`].
    pub fn accept(&mut self, header: Header, finalization: &Bytes, now: u64) -> Result<Accepted, Error> {
        self.fresh(now)?;
        let digest = header.digest();
        let verdict = self.committee_of(header.height)?.verify(digest, finalization)?;
        self.judge(&header, digest, finalization)?;
        self.known_validators(&header)?;
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
        if self.awaits_link() {
            let header = &verified.header;
            self.end = Some((digest, header.clone(), finalization.clone()));
            if header.validators == self.committee.digest() {
                let (header, finalization, validators) = (header.clone(), finalization.clone(), self.committee.keys());
                self.succeed(self.committee.next(), Link { header, finalization, validators });
            }
        }
        Ok(Accepted::New(verified))
    }

    /// Takes the ends of consecutive epochs, lowest first, from link [`Self::epoch`] + 1 on; what was followed before is
    /// compared. A link above the head is the head then. Where one is refused, those before it stay followed.
    ///
    /// # Errors
    /// [`Error::Oversized`], [`Error::NoEpochEnd`], [`Error::MissingLink`], [`Error::WrongKeys`],
    /// [`Error::BadValidators`] where a quorum elected a set that cannot be, and those of [`Self::accept`].
    pub fn accept_links(&mut self, links: &[Link], now: u64) -> Result<(), Error> {
        if links.len() > MAX_LINKS {
            return Err(Error::Oversized { what: "links", bytes: links.len(), limit: MAX_LINKS });
        }
        self.fresh(now)?;
        links.iter().try_for_each(|link| self.accept_link(link, now))
    }

    fn accept_link(&mut self, Link { header, finalization, validators }: &Link, now: u64) -> Result<(), Error> {
        let height = header.height;
        let got = epochs::after(height, self.tempo);
        if got == epochs::of(height, self.tempo) {
            return Err(Error::NoEpochEnd { height, tempo: self.tempo });
        }
        let expected = self.epoch().saturating_add(1);
        if got > expected {
            return Err(Error::MissingLink { expected, got });
        }
        let keys = validators_digest(validators);
        if keys != header.validators {
            return Err(Error::WrongKeys { height, elected: header.validators, got: keys });
        }
        match self.accept(header.clone(), finalization, now) {
            // The sets of older epochs are forgotten.
            Err(Error::NonMonotonicHeight { .. }) if got < expected => Ok(()),
            Err(error) => Err(error),
            Ok(_) if self.epoch() < got => {
                let (header, finalization) = (header.clone(), finalization.clone());
                let link = Link { header, finalization, validators: validators.clone() };
                self.succeed(Committee::new(self.chain, got, validators)?, link);
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Takes a chain of headers, lowest first, whose last has a certificate: each names the one before as its parent.
    ///
    /// # Errors
    /// [`Error::NoHeaders`], [`Error::Oversized`], [`Error::BrokenLink`], and those of [`Self::accept`].
    pub fn accept_chain(&mut self, headers: &[Header], finalization: &Bytes, now: u64) -> Result<Accepted, Error> {
        self.attest(headers, finalization, now)?;
        let Some(last) = headers.last() else { return Err(Error::NoHeaders) };
        self.accept(last.clone(), finalization, now)
    }

    /// Whether these headers, lowest first, each the parent of the next, the last certified, are of this chain: of the epoch in office or the one
    /// before. The head stays where it is.
    ///
    /// # Errors
    /// As [`Self::accept_chain`].
    pub fn attest(&mut self, headers: &[Header], finalization: &Bytes, now: u64) -> Result<(), Error> {
        let Some((last, before)) = headers.split_last() else { return Err(Error::NoHeaders) };
        chained(headers)?;
        self.fresh(now)?;
        self.committee_of(last.height)?.verify(last.digest(), finalization)?;
        for header in before {
            self.judge(header, header.digest(), finalization)?;
            self.known_validators(header)?;
        }
        self.judge(last, last.digest(), finalization)
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

    /// The next epoch begins with `committee`, by this link.
    fn succeed(&mut self, committee: Committee, link: Link) {
        self.links.push(link);
        self.former = Some(core::mem::replace(&mut self.committee, committee));
    }

    /// The validators of this epoch, where they are known.
    fn committee(&self, epoch: u64) -> Option<&Committee> {
        [Some(&self.committee), self.former.as_ref()].into_iter().flatten().find(|known| known.epoch() == epoch)
    }

    /// The validators who certify the block at this height.
    fn committee_of(&self, height: Height) -> Result<&Committee, Error> {
        let (known, epoch) = (self.epoch(), epochs::of(height, self.tempo));
        if epoch > known {
            return Err(Error::NeedsLinks { from: known.saturating_add(1), to: epoch });
        }
        self.committee(epoch).ok_or_else(|| Error::NonMonotonicHeight { head: self.height(), got: height })
    }

    /// A header names the validators of the next block; whom the last of the newest epoch elects is not known here.
    fn known_validators(&self, header: &Header) -> Result<(), Error> {
        let known = self.committee(epochs::after(header.height, self.tempo)).map(Committee::digest);
        match known.filter(|known| *known != header.validators) {
            None => Ok(()),
            Some(known) => Err(Error::UnknownValidators { height: header.height, known, got: header.validators }),
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
        let near = |height: u64| {
            let end = self.end.as_ref().filter(|(_, header, _)| header.height.get() == height);
            self.recent.get(&Height::new(height)).or(end)
        };
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

/// Whether each header names the one before it as its parent, with rising heights and times.
///
/// # Errors
/// [`Error::Oversized`], [`Error::BrokenLink`], [`Error::NonMonotonicTime`].
pub(crate) fn chained(headers: &[Header]) -> Result<(), Error> {
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
    Ok(())
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
