//! The model of a peer on Burn: encoders, gate, join, student, scores, one training step.
//!
//! The step follows the paper's "Running the Network": the own encoding f_i(x) and the answers f_j(x) of the peers that
//! the gate chose for each example join to h = f_i(x) + Σ_j g_j(x) f_j(x) P, a trunk and a head make logits of it, and the
//! loss goes back through all of it, out to the answers as well. [`Learner`] holds the weights and cuts a step into parts,
//! so that a caller can talk to peers and serve them in between; nothing here waits, sends or reads a clock.
//!
//! Reading back from a device is asynchronous only, because a browser allows no other way.

#![recursion_limit = "256"]

mod adam;
#[cfg(all(feature = "webgpu", target_arch = "wasm32"))]
mod constructors;
mod device;
#[cfg(test)]
mod difference;
mod encoder;
mod error;
mod examples;
mod filled;
mod foreign;
mod join;
mod keep;
pub mod kernels;
mod learner;
mod loss;
mod network;
mod preset;
pub mod product;
mod reading;
mod route;
mod router;
mod scores;
mod serve;
mod step;
mod student;

pub use data::{Batch, Dataset, Part, Random, Spec};
#[cfg(feature = "vulkan")]
pub use device::vulkan;
pub use device::{Chosen, Kind, cpu};
#[cfg(feature = "webgpu")]
pub use device::{adapter, webgpu};
pub use error::Error;
pub use foreign::{Budget, Foreign};
pub use join::Join;
pub use learner::{Learner, largest};
pub use loss::{bits, kl, nats};
pub use network::Network;
pub use preset::Preset;
pub use reading::{Losses, Outcome, Pending, Removal, Served};
pub use route::{Routing, route};
pub use router::{Gate, gates, importance, load, variation};
pub use scores::fisher;
pub use serve::{Answers, Measured, Measuring};
pub use step::{Extra, ScoresPending};
