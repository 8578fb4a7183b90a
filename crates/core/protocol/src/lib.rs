//! Messages between peers, and between the threads of a tab. Pure: bytes and the time come in, values and verdicts go out.
//!
//! | module | between | encoding |
//! |---|---|---|
//! | [`exchange`] | two peers: hello, asks, answers, gradients | codec, version byte first |
//! | [`record`] | a peer and everyone: this peer id speaks for this key | codec, signed |
//! | [`directory`] | a peer and a node: who else is there | codec, version byte first |
//! | [`bootstrap`] | a node and a page: `/bootstrap.json` | JSON |
//! | [`port`] | the three threads of a tab | plain objects |
//!
//! Every bound on what a stranger may send is named in [`limits`]; [`wire::decode`] applies the outermost one, refuses
//! trailing bytes and gives one error type.

pub mod bootstrap;
pub mod directory;
pub mod exchange;
pub mod limits;
pub mod port;
pub mod queue;
pub mod record;
pub mod wire;
