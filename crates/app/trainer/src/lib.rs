//! The large worker of a tab: the model on WebGPU or CPU.
//!
//! Started in a worker, the module says `Loaded` and then follows [`protocol::port::trainer`] over `postMessage`. Outside
//! a worker it does nothing by itself; [`bench()`] works anywhere.

#![recursion_limit = "256"]

mod bench;
mod device;
mod fonts;
mod keep;
mod life;
mod mesh;
mod port;
mod source;
mod worker;

pub use bench::{Bench, Pace, bench, measure, pace};
pub use device::{Choice, choose};
pub use fonts::drawings;
pub use keep::{Found, Keep};
pub use mesh::breathe;
pub use port::{parse, plain};
pub use source::{Intake, Ready};
