//! A simulated network of many tabs on virtual time: what a tab sends and receives, whom it is connected with, how fast heads
//! and answers come, and how much slower it learns than alone, as the number of tabs grows.
//!
//! Real are the messages and their lengths (`protocol`), the queue by stake times weight and the bounds on what is open, the
//! routing, deadlines, masks and tally of a peer (`peer`, `model`), and the shortlist. Modelled are lines, sessions, gossip and
//! what a step takes; each law stands where it is used. [`Crowd::run`] gives one seed's [`Figures`].
//!
//! | file | its part |
//! |---|---|
//! | `clock` | virtual time |
//! | `bounds` | bounds of the network and of a peer, held against their sources |
//! | `letters` | lengths of messages, by the codec |
//! | `place` | lines, distances, routers |
//! | `effort` | what is computed, measured on the model |
//! | `gate` | the gate's parameters and its learning |
//! | `tab` | the state of one tab |
//! | `world` | events, messages on their way, coming and going |
//! | `learn`, `serve` | asking and answering |
//! | `mesh`, `heads` | connections and gossip |
//! | `figures`, `report` | what is said of it |

pub mod bounds;
pub mod clock;
pub mod effort;
pub mod figures;
pub mod gate;
mod heads;
mod learn;
pub mod letters;
mod mesh;
pub mod place;
pub mod report;
mod serve;
mod tab;
mod world;

pub use figures::{Ends, Figures};
pub use report::{Growth, Row};
pub use world::{Crowd, Directory};
