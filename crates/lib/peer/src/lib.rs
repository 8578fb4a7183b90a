//! The seven steps of a peer, over any mesh and any device (paper, "Running the Network").
//!
//! [`Peer::run`] draws a batch, asks the neighbours that the gate chose, joins what came in time, learns, sends the
//! gradients back to those that answered, and keeps a score for each. While it waits it answers others, so that two peers
//! that ask each other do not wait for ever. The same loop runs in a tab and natively; nothing here needs threads.
//!
//! Who the neighbours are, how bytes reach them and what a score is good for are the caller's matters.

mod desk;
mod event;
mod memory;
mod mesh;
mod peer;
mod roster;
mod round;

pub use desk::Inbound;
pub use event::{Blame, Control, Event};
pub use mesh::{Mesh, Neighbour, Unanswered};
pub use peer::{Error, Peer};
