//! libp2p `/webrtc` from browser to browser.
//!
#![doc = include_str!("../README.md")]

mod address;
mod behaviour;
mod config;
mod delimited;
mod error;
mod handler;
mod rtc;
pub mod signaling;
pub mod stream;
mod surplus;
mod transport;

pub use address::is_webrtc;
pub use behaviour::{Behaviour, Event};
pub use config::{Config, IceServer};
pub use error::Error;
pub use rtc::{Connection, Stream, is_available};
pub use surplus::{Initiator, surplus};
pub use transport::{Transport, new};
