//! Commands to the trainer and events from it: learning.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::auditor::Place;

/// From the page to the trainer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// Own hot key (hex), the chain's id (hex: names the folder of what is kept; `None`: nothing is kept, since another tab of
    /// this browser has the identity), the seed of every random choice, and the device wanted. Training begins when there is
    /// something to learn from too.
    Start { key: String, chain: Option<String>, seed: u64, device: DeviceChoice },
    /// What to learn from next; its content follows as [`Command::Give`]. The trainer goes on as it is until that has ended
    /// well. `private`: nobody is asked, so that no input leaves the tab.
    Learn { source: Source, private: bool },
    /// The next piece of what the newest `Learn` named. Dropped where there is none.
    Give { content: Content },
    /// Whether nobody is asked, from the next step on.
    Private { private: bool },
    /// These neighbours can be asked, best first. Replaces what was said before.
    Neighbours { neighbours: Vec<Near> },
    /// Reply to [`Event::Ask`] `id`: an encoded [`crate::exchange::Response`].
    Reply { id: u32, bytes: ByteBuf },
    /// The ask or gradient `id` got no reply, and why.
    Failed { id: u32, reason: String },
    /// A neighbour asks or sends a gradient: an encoded [`crate::exchange::Request`], answered by [`Event::Served`]. Its
    /// weight is that of [`super::auditor::Event::Askers`], 0 where there is none.
    Serve { id: u32, peer: String, weight: f64, bytes: ByteBuf },
    /// The light client found that `peer` paid for so many positions in a finalized block.
    Credit { peer: String, positions: u64 },
    /// What 1,024 positions of logits cost those without stake from now on, base units; 0: nothing.
    Price { price: u64 },
    /// Multiply the answers of others with these, by hot key: [`super::auditor::Event::Masks`].
    Masks { masks: Vec<(String, f64)> },
    /// Hold before the next step, or go on.
    Pause { paused: bool },
    /// Compute the loss of the held-out part with peers, alone, and by the student only; [`Event::Validation`] follows.
    Validate,
    /// Keep the model now; [`Event::ModelKept`] follows.
    Keep,
    /// Delete what is kept of the model of this source, and begin anew.
    Forget,
    /// Give the model as a safetensors file; [`Event::Exported`] follows.
    Export,
    /// Go on with the model of this safetensors file, if it has the shapes of the present one.
    Import { bytes: ByteBuf },
    /// Finish the step, keep the model and end.
    Stop,
}

/// What is learned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Source {
    /// A text, of which this peer takes its own part.
    Text,
    /// Letters and digits that the trainer draws with the fonts of this device. No content but its end.
    Glyphs,
    /// The same, each with its name as text: a bridge between two modalities. A text that stands before the names may come as
    /// a file.
    Captions,
    /// Files: text, CSV with a header, WAV; or pictures.
    Files,
    /// Sound of a microphone: pieces of mono samples, f32 little endian, at so many a second.
    Microphone { rate: u32 },
}

/// Content of a source, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Content {
    /// A file begins; its pieces follow, `size` bytes in all.
    File { name: String, size: u64 },
    /// The next bytes of the file, or of the microphone.
    Piece { bytes: ByteBuf },
    /// A whole picture: rows × columns × 4 bytes, red green blue opacity. Its label is in its name.
    Picture { name: String, rows: u32, columns: u32, bytes: ByteBuf },
    /// That was all.
    End,
}

/// A neighbour that can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Near {
    /// Name of the connection: a libp2p peer id as text.
    pub peer: String,
    /// Its hot key, lower-case hex.
    pub key: String,
    /// What it answers about, as [`crate::exchange::Modalities`] in a byte.
    pub modalities: u8,
    /// What it takes for 1,024 positions, base units; 0 where it does not sell.
    pub price: u64,
}

/// Which device to train on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceChoice {
    /// Whichever is faster in a short measurement; the CPU where there is no adapter.
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
    /// The module is loaded and waits for commands.
    Loaded,
    /// The device was chosen: "WebGPU" or "CPU", its name, why this one, and the steps a second that each did where both
    /// were measured.
    Device { kind: String, name: String, why: String, cpu: Option<f64>, gpu: Option<f64> },
    /// So many bytes of the source’s content were taken, and of how many where that is known.
    Reading { done: u64, of: u64 },
    /// The source can be learned from.
    Dataset(Learned),
    /// The source cannot be learned from, and why, for a person; what was learned before goes on.
    Unusable { source: Source, reason: String },
    /// An encoded [`crate::exchange::Request`] for `peer`; answered by `Reply` or `Failed` with the same id.
    Ask { id: u32, peer: String, bytes: ByteBuf },
    /// Answer to [`Command::Serve`] `id`: an encoded [`crate::exchange::Response`].
    Served { id: u32, bytes: ByteBuf },
    /// A step is done.
    Step(Step),
    /// What each neighbour was worth lately, the own key among them.
    Scores { scores: Vec<Score> },
    /// A validation is done.
    Validation(Validation),
    /// A neighbour's answer could not be used, and why; it is masked for a while.
    Blamed { peer: String, reason: String },
    /// The model is kept as it is after this step: bytes, and where. `reason`: why nothing more is kept.
    ModelKept { step: u64, bytes: u64, place: Place, reason: Option<String> },
    /// The model of an earlier visit goes on from this step.
    ModelRestored { step: u64, bytes: u64 },
    /// What was kept cannot be used, and why, for a person; the model begins anew.
    ModelDamaged { reason: String },
    /// The model as a safetensors file, after this step.
    Exported { step: u64, bytes: ByteBuf },
    /// The model of the file goes on from here.
    Imported { step: u64 },
    /// Something a person should know; `fatal` ends the trainer.
    Trouble { message: String, fatal: bool },
    /// The trainer has ended after `Stop`.
    Stopped,
}

/// A source that can be learned from, as a person and a hello tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Learned {
    /// What it was made from.
    pub source: Source,
    /// One sentence: how much of what, how it was read, what was left out.
    pub words: String,
    /// Its modalities, as [`crate::exchange::Modalities`] in a byte.
    pub modalities: u8,
    /// Classes of a target; 256 where it is the next byte.
    pub classes: u32,
    /// Whether each position has a target; else each example has one, and accuracy means something.
    pub each: bool,
    /// Bytes of the own part, and where it begins in the whole.
    pub bytes: u64,
    /// See `bytes`.
    pub offset: u64,
    /// Whether nobody is asked.
    pub private: bool,
    /// How answers and gradients travel: "f32", "f16" or "int8".
    pub answers: String,
    /// See `answers`.
    pub gradients: String,
}

/// What a neighbour was worth lately.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Its hot key, lower-case hex.
    pub key: String,
    /// What it is worth, ≥ 0: of what all those that gain score by Fisher its share by gain.
    pub score: f64,
    /// Standard error of that.
    pub error: f64,
    /// Smoothed Fisher score, ≥ 0.
    pub fisher: f64,
    /// Its part in what the loss falls by with all answers, nats.
    pub gain: f64,
    /// Change of the loss when its answers are taken away and the gates renormalised, nats; `None` before it was tried.
    pub exact: Option<f64>,
    /// Its share of the gate, 0 to 1.
    pub mass: f64,
}

/// The held-out part, looked at in three ways. Losses are nats a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// After this step.
    pub step: u64,
    /// Loss with answers of peers; `None` when nobody answered or nobody is asked.
    pub with_peers: Option<f64>,
    /// Loss of the own model alone.
    pub alone: f64,
    /// Loss with the student in the peers' place.
    pub student: f64,
    /// Share of examples that are right, in the same three ways; `None` where each position has a target.
    pub accuracy: Option<[Option<f64>; 3]>,
    /// Examples looked at.
    pub examples: u32,
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
    /// Loss with the students in the peers' place; that of the own model alone while no student has learned enough.
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
    /// Examples sent, counted once a peer, as a share of asking every known peer about all of them: k / n.
    pub share: f64,
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
