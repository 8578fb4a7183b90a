//! A libp2p stream over one data channel: frames and the state of its two halves. Pure; the browser's channel is in `rtc`.

mod frame;
#[cfg(any(target_arch = "wasm32", test))]
mod ids;
mod state;

pub use frame::{Decoder, Flag, Frame, FrameError, MAX_FRAME, MAX_PAYLOAD, encode_flag, encode_payload};
#[cfg(target_arch = "wasm32")]
pub(crate) use ids::Ids;
pub use state::{Readable, State};
