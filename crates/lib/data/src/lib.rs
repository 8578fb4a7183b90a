//! What a peer learns from: its dataset D_i (paper, "Running the Network", step 1), of whatever sort, as batches of one
//! shape.
//!
//! A [`Dataset`] comes from bytes, samples or pictures; its [`Spec`] says what a model must have to learn from it, and
//! its batches are the [`protocol::exchange::Inputs`] that neighbours are asked about, with the targets that they are
//! not told. A part of every dataset is held out of training, the same for everyone who has the same file.
//!
//! Everything is a function of bytes and seeds: there are no files, clocks or threads here. The bytes are of strangers:
//! a reader refuses what it cannot use with an error that says what to do about it, and takes no more memory than
//! [`limits`] allow.

mod batch;
mod captions;
mod dataset;
mod error;
pub mod glyphs;
mod images;
mod labelled;
pub mod limits;
mod mixed;
mod options;
mod picture;
mod random;
pub mod read;
mod spec;
mod speech;
mod split;
mod table;
mod text;

pub use batch::Batch;
pub use dataset::Dataset;
pub use error::Error;
pub use options::Options;
pub use picture::Picture;
pub use random::Random;
pub use spec::{Part, Spec};
