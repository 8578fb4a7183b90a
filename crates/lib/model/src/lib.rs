//! The model of a peer on Burn: encoder, gate, join, student, scores, one training step.
//!
//! The step follows the paper's "Running the Network": the own encoding f_i(x) and the answers f_j(x) of the peers that
//! the gate chose join to h = f_i(x) + Σ_j g_j(x) P f_j(x), a trunk and a head make logits of it, and the loss goes back
//! through all of it, out to the answers as well. [`Learner`] holds the weights and cuts a step into parts, so that a
//! caller can talk to peers and serve them in between; nothing here waits, sends or reads a clock.
//!
//! Reading back from a device is asynchronous only, because a browser allows no other way.

#![recursion_limit = "256"]

mod checkpoint;
#[cfg(all(feature = "webgpu", target_arch = "wasm32"))]
mod constructors;
mod data;
mod device;
mod error;
mod fisher;
mod foreign;
mod gate;
pub mod kernels;
mod learner;
mod loss;
mod network;
mod preset;
mod random;
mod reading;

pub use checkpoint::Checkpoint;
pub use data::{Batch, Dataset};
pub use device::{Chosen, Kind, cpu};
#[cfg(feature = "webgpu")]
pub use device::{adapter, webgpu};
pub use error::Error;
pub use fisher::{Scores, fisher};
pub use foreign::{Budget, Foreign};
pub use gate::{choose, gates, join, top_gates};
pub use learner::{Answered, Begun, Learner, largest};
pub use loss::{kl, nats};
pub use network::Network;
pub use preset::Preset;
pub use random::Random;
pub use reading::{Losses, Outcome, Pending, Served};
