//! Commands to the trainer and events from it: learning.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// From the page to the trainer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// First command: own hot key (hex), the text to learn from, the seed of every random choice, and the device wanted.
    Start { key: String, corpus: ByteBuf, seed: u64, device: DeviceChoice },
    /// These neighbours can be asked, best first: (peer id, hot key). Replaces what was said before.
    Neighbours { neighbours: Vec<(String, String)> },
    /// Reply to [`Event::Ask`] or [`Event::Gradient`] `id`: an encoded [`crate::exchange::Response`].
    Reply { id: u32, bytes: ByteBuf },
    /// The ask or gradient `id` got no reply, and why.
    Failed { id: u32, reason: String },
    /// A neighbour asks or sends a gradient: an encoded [`crate::exchange::Request`], answered by [`Event::Served`]. Its
    /// weight is that of [`super::auditor::Event::Askers`], 0 where there is none.
    Serve { id: u32, peer: String, weight: f64, bytes: ByteBuf },
    /// Hold before the next step, or go on.
    Pause { paused: bool },
    /// Finish the step and end.
    Stop,
}

/// Which device to train on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceChoice {
    /// WebGPU where there is an adapter, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// WebGPU or an error.
    Gpu,
}

/// From the trainer to the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// The module is loaded and waits for `Start`.
    Loaded,
    /// The device was chosen: "WebGPU" or "CPU", its name, and why this one.
    Device { kind: String, name: String, why: String },
    /// The text was cut: bytes in the own shard, and where it starts in the whole text.
    Dataset { bytes: u64, offset: u64 },
    /// An encoded [`crate::exchange::Request`] for `peer`; answered by `Reply` or `Failed` with the same id.
    Ask { id: u32, peer: String, bytes: ByteBuf },
    /// Answer to [`Command::Serve`] `id`: an encoded [`crate::exchange::Response`].
    Served { id: u32, bytes: ByteBuf },
    /// A step is done.
    Step(Step),
    /// What each neighbour was worth lately: (hot key, smoothed Fisher score ≥ 0), the own key among them.
    Scores { scores: Vec<(String, f64)> },
    /// A neighbour's answer could not be used, and why; it is masked for a while.
    Blamed { peer: String, reason: String },
    /// Something a person should know; `fatal` ends the trainer.
    Trouble { message: String, fatal: bool },
    /// The trainer has ended after `Stop`.
    Stopped,
}

/// Figures of one training step. Losses are nats a target on the batch of the step. Bytes are of inputs, answers and
/// gradients, without framing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Number of the step, from 1.
    pub step: u64,
    /// Loss with the answers of peers; `None` when nobody answered.
    pub with_peers: Option<f64>,
    /// Loss of the own model alone.
    pub alone: f64,
    /// Loss with the students in the peers' place.
    pub student: f64,
    /// KL(network ‖ student), nats; `None` when nobody answered.
    pub distillation: Option<f64>,
    /// Targets learned from in this step: bytes of text, frames of speech, pictures, rows.
    pub tokens: u32,
    /// Milliseconds of the whole step.
    pub millis: f64,
    /// Milliseconds of it spent waiting for peers.
    pub waited: f64,
    /// Milliseconds until forward and backward pass were handed to the device; on a CPU they are done then.
    pub launch: f64,
    /// Milliseconds until what they found was read back.
    pub read: f64,
    /// Milliseconds of moving the weights.
    pub update: f64,
    /// Who answered: peer ids.
    pub answered: Vec<String>,
    /// Who was asked and did not: peer ids.
    pub missed: Vec<String>,
    /// Peers in whose place their student stood, or nothing: those that missed and those that were away.
    pub stood_in: u32,
    /// Steps that these asks were out before their answers were used; 0 where they were waited for at once.
    pub ahead: u32,
    /// Bytes sent for this step: inputs to those that were asked, gradients to those that answered.
    pub sent: u64,
    /// Bytes of answers received for this step.
    pub received: u64,
    /// Gradients of others applied since the last step.
    pub applied: u32,
    /// Asks of others answered since the last step.
    pub served: u32,
    /// Positions of those that were paid for.
    pub sold: u64,
}
