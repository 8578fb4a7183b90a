//! The wiring of commonware's Simplex: blocks that are agreed on, kept in order and served, epoch by epoch.
//!
//! - [`epochs`]: which heights an epoch covers.
//! - [`committees`]: who signs in it.
//! - [`blocks`]: archives, and what brings final blocks into order, from other validators or from a source.
//! - [`voting`]: the engine of the epoch, where this node is in its set; started and ended with the epoch.
//!
//! Generic in runtime and network, so that the same wiring runs on a machine and in a simulation.

pub mod blocks;
pub mod committees;
pub mod epochs;
pub mod voting;

use crate::block::Block;
use commonware_consensus::marshal::core::Mailbox;
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Metrics, Spawner, Storage};
use commonware_storage::archive::prunable;
use commonware_storage::translator::Translator;
use commonware_utils::{NZU16, NZUsize};
use rand_core::CryptoRng;
use std::num::{NonZeroU64, NonZeroUsize};

/// What the engine needs of a machine.
pub trait Runtime: Clock + CryptoRng + Spawner + Storage + Metrics {}

impl<T: Clock + CryptoRng + Spawner + Storage + Metrics> Runtime for T {}

/// The part that keeps and orders final blocks.
pub type Marshal = Mailbox<Scheme, Standard<Block>>;

/// Bytes of a read or write buffer.
pub(crate) const BUFFER: NonZeroUsize = NZUsize!(1 << 20);

/// Where a node's files are in the storage of its runtime.
#[derive(Clone)]
pub struct Disk {
    /// Before every name: nothing on a machine; in a simulation, whose nodes share a storage, the node.
    pub node: String,
    /// Pages of files.
    pub cache: CacheRef,
}

impl Disk {
    /// The files of a node of this name.
    pub fn new(node: impl Into<String>) -> Self {
        Self { node: node.into(), cache: CacheRef::new(NZU16!(4096), NZUsize!(1024)) }
    }

    /// The name of a partition.
    pub fn partition(&self, name: &str) -> String {
        format!("{}{name}", self.node)
    }

    /// An archive of `items` indices a section.
    pub(crate) fn archive<T: Translator, C>(
        &self,
        translator: T,
        name: &str,
        items: u64,
        codec_config: C,
    ) -> prunable::Config<T, C> {
        prunable::Config {
            translator,
            metadata_partition: self.partition(&format!("{name}-meta")),
            key_partition: self.partition(&format!("{name}-key")),
            key_page_cache: self.cache.clone(),
            value_partition: self.partition(&format!("{name}-value")),
            compression: None,
            codec_config,
            items_per_section: NonZeroU64::new(items).unwrap_or(NonZeroU64::MIN),
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            replay_buffer: BUFFER,
        }
    }
}

/// Messages that wait for one part of the engine.
const MAILBOX: NonZeroUsize = NZUsize!(1024);
