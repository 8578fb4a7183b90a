//! What a node writes down beside blocks and states, for those who ask later: by epoch the link that light clients follow and
//! the table of standings, and by transaction the block that holds it.
//!
//! Links are kept for ever, some hundred bytes an epoch: without them nobody could follow from an old checkpoint. Standings and
//! transactions are pruned. What is written becomes durable with [`Records::sync`], which comes before a snapshot; what a crash
//! takes is written again when the blocks after the snapshot are followed again.

use crate::engine::{Disk, Runtime};
use crate::service::Past;
use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, CodecShared, EncodeSize, Error as CodecError, FixedSize, RangeCfg, Read, ReadExt, Write};
use commonware_storage::archive::{Archive as _, Error, Identifier, MultiArchive, prunable};
use commonware_storage::translator::EightCap;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::lock::Mutex;
use ledger::query::Link;
use ledger::{Body, Digest, Height, State, Table};
use std::sync::Arc;

/// Most leaves of a table of standings.
const MOST_LEAVES: usize = 1 << 21;

/// Most bytes of one of its leaves.
const MOST_BYTES: usize = 1 << 10;

/// The records of one chain. Clones share them.
pub struct Records<E: Runtime>(Arc<Inner<E>>);

impl<E: Runtime> Clone for Records<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Inner<E: Runtime> {
    links: Mutex<Archive<E, Link>>,
    standings: Mutex<Archive<E, Leaves>>,
    transactions: Mutex<Archive<E, Place>>,
}

/// An archive; gone after the disk refused.
type Archive<E, V> = Option<prunable::Archive<EightCap, E, Digest, V>>;

/// What is kept of the past, in epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Epochs whose standings can be asked for.
    pub standings: u64,
    /// Epochs whose blocks and transactions can be asked for.
    pub blocks: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { standings: 10_000, blocks: 1_000 }
    }
}

impl<E: Runtime> Records<E> {
    /// Opens them.
    pub async fn open(context: &E, disk: &Disk) -> Result<Self, Error> {
        let links = prunable::Archive::init(context.child("links"), disk.archive(EightCap, "links", 64, ())).await?;
        let leaves = disk.archive(EightCap, "standings", 16, ());
        let standings = prunable::Archive::init(context.child("standings"), leaves).await?;
        let index = disk.archive(EightCap, "transactions", 1_024, ());
        let transactions = prunable::Archive::init(context.child("transactions"), index).await?;
        Ok(Self(Arc::new(Inner {
            links: Mutex::new(Some(links)),
            standings: Mutex::new(Some(standings)),
            transactions: Mutex::new(Some(transactions)),
        })))
    }

    /// Writes down which transactions a block holds.
    pub async fn index(&self, height: Height, body: &Body) -> Result<(), Error> {
        let mut slot = self.0.transactions.lock().await;
        for (place, transaction) in (0..).zip(&body.transactions) {
            put(&mut slot, height.get(), transaction.digest(), &Place { height, place }).await?;
        }
        Ok(())
    }

    /// Writes down the end of an epoch: `number` is the ledger's, from 1.
    pub async fn close(&self, number: u64, link: Link, state: &State) -> Result<(), Error> {
        let digest = link.header.digest();
        put(&mut *self.0.standings.lock().await, number, digest, &Leaves(state.leaves(Table::Epoch))).await?;
        put(&mut *self.0.links.lock().await, number, digest, &link).await
    }

    /// Writes down a link alone, which was had from others.
    pub async fn remember(&self, number: u64, link: Link) -> Result<(), Error> {
        put(&mut *self.0.links.lock().await, number, link.header.digest(), &link).await
    }

    /// Makes everything durable.
    pub async fn sync(&self) -> Result<(), Error> {
        sync(&mut *self.0.links.lock().await).await?;
        sync(&mut *self.0.standings.lock().await).await?;
        sync(&mut *self.0.transactions.lock().await).await
    }

    /// Forgets standings before one epoch and transactions before one height.
    pub async fn prune(&self, epoch: u64, height: Height) -> Result<(), Error> {
        prune(&mut *self.0.standings.lock().await, epoch).await?;
        prune(&mut *self.0.transactions.lock().await, height.get()).await
    }

    /// The link of an epoch of the ledger.
    pub async fn link(&self, number: u64) -> Option<Link> {
        get(&*self.0.links.lock().await, Identifier::Index(number)).await
    }

    /// The epoch table at the end of an epoch, encoded leaves in order.
    pub async fn standings(&self, number: u64) -> Option<Vec<Bytes>> {
        get(&*self.0.standings.lock().await, Identifier::Index(number)).await.map(|Leaves(leaves)| leaves)
    }

    /// Where a transaction stands: height of its block, and its place in it.
    pub async fn place(&self, transaction: &Digest) -> Option<(Height, u32)> {
        get(&*self.0.transactions.lock().await, Identifier::Key(transaction))
            .await
            .map(|Place { height, place }| (height, place))
    }
}

impl<E: Runtime> Past for Records<E> {
    fn link(&self, number: u64) -> BoxFuture<'_, Option<Link>> {
        Self::link(self, number).boxed()
    }

    fn standings(&self, number: u64) -> BoxFuture<'_, Option<Vec<Bytes>>> {
        Self::standings(self, number).boxed()
    }

    fn place<'a>(&'a self, transaction: &'a Digest) -> BoxFuture<'a, Option<(Height, u32)>> {
        Self::place(self, transaction).boxed()
    }
}

async fn put<E: Runtime, V: CodecShared>(
    slot: &mut Archive<E, V>,
    index: u64,
    key: Digest,
    value: &V,
) -> Result<(), Error> {
    let archive = slot.take().ok_or(Error::RecordCorrupted)?;
    // After a crash the same is written again.
    if archive.has_at(index, &key).await? {
        *slot = Some(archive);
    } else {
        *slot = Some(archive.put_multi(index, key, value).await?);
    }
    Ok(())
}

async fn sync<E: Runtime, V: CodecShared>(slot: &mut Archive<E, V>) -> Result<(), Error> {
    *slot = Some(slot.take().ok_or(Error::RecordCorrupted)?.sync().await?);
    Ok(())
}

async fn prune<E: Runtime, V: CodecShared>(slot: &mut Archive<E, V>, least: u64) -> Result<(), Error> {
    *slot = Some(slot.take().ok_or(Error::RecordCorrupted)?.prune(least).await?);
    Ok(())
}

async fn get<E: Runtime, V: CodecShared>(slot: &Archive<E, V>, identifier: Identifier<'_, Digest>) -> Option<V> {
    match slot.as_ref()?.get(identifier).await {
        Ok(value) => value,
        Err(error) => {
            tracing::error!(%error, "a record cannot be read");
            None
        }
    }
}

/// Place of a transaction.
#[derive(Clone, Copy)]
struct Place {
    height: Height,
    place: u32,
}

impl Write for Place {
    fn write(&self, buf: &mut impl BufMut) {
        self.height.write(buf);
        self.place.write(buf);
    }
}

impl FixedSize for Place {
    const SIZE: usize = 12;
}

impl Read for Place {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self { height: Height::read(buf)?, place: u32::read(buf)? })
    }
}

/// Leaves of a table, in order.
struct Leaves(Vec<Bytes>);

impl Write for Leaves {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl EncodeSize for Leaves {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl Read for Leaves {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let count = RangeCfg::new(..=MOST_LEAVES);
        Ok(Self(Vec::read_cfg(buf, &(count, RangeCfg::new(..=MOST_BYTES)))?))
    }
}
