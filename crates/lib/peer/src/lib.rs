//! The seven steps of a peer, over any mesh and any device (paper, "Running the Network").
//!
//! [`Peer::run`] draws batches, asks the neighbours that the gate chose for each example while earlier batches compute, joins
//! what came in time, learns, sends the gradients back to those that answered, and keeps a score for each. While it waits it
//! answers others, so that two peers that ask each other do not wait for ever. [`Buyer`] asks without training. The same code
//! runs in a tab and natively; nothing here needs threads.
//!
//! Who the neighbours are, how bytes reach them and what a score is good for are the caller's matters.

mod buyer;
mod desk;
mod event;
mod flight;
mod kept;
mod memory;
mod mesh;
mod peer;
mod roster;
mod shortlist;
mod tally;

pub use buyer::{Bought, Buyer, BuyerError, PayError, Purse, Terms};
pub use desk::Inbound;
pub use event::{Blame, Control, Event, Scored, Validation};
pub use kept::KeptError;
pub use mesh::{Mesh, Neighbour, Unanswered};
pub use peer::{AHEAD, ANSWERS, Error, GRADIENTS, Manners, Peer, Setup};
pub use roster::{Candidate, Roster};
pub use shortlist::{EXPLORE, Listed, Places, shortlist};
pub use tally::{Found, Tally};
