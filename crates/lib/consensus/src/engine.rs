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
use commonware_consensus::types::ViewDelta;
use commonware_runtime::{Clock, Metrics, Spawner, Storage};
use commonware_utils::NZUsize;
use rand_core::CryptoRng;
use std::num::NonZeroUsize;

/// What the engine needs of a machine.
pub trait Runtime: Clock + CryptoRng + Spawner + Storage + Metrics {}

impl<T: Clock + CryptoRng + Spawner + Storage + Metrics> Runtime for T {}

/// The part that keeps and orders final blocks.
pub type Marshal = Mailbox<Scheme, Standard<Block>>;

/// Views whose votes are kept after they are final.
const RETENTION: ViewDelta = ViewDelta::new(256);

/// Bytes of a read or write buffer.
pub(crate) const BUFFER: NonZeroUsize = NZUsize!(1 << 20);

/// Messages that wait for one part of the engine.
const MAILBOX: NonZeroUsize = NZUsize!(1024);
