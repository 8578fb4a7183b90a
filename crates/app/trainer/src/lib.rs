//! The large worker of a tab: the model on WebGPU or CPU.
//!
//! Started in a worker, the module says `Loaded` and then follows [`protocol::port::trainer`] over `postMessage`. Outside
//! a worker it does nothing by itself; [`bench()`] works anywhere.

#![recursion_limit = "256"]

mod bench;
mod device;
mod mesh;
mod port;
mod worker;

pub use bench::{Bench, Session, bench, measure};
pub use device::{Choice, choose};
pub use mesh::breathe;
pub use port::{parse, plain};
