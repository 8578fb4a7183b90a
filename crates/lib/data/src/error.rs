//! Why bytes are no dataset, told to the person whose bytes they are: what was found, where, and what to do.

use crate::limits;
use protocol::exchange::ShapeError;

/// Why there is no dataset.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// In the file of this name.
    #[error("{name}: {error}")]
    File {
        /// Name of the file.
        name: String,
        /// What is wrong with it.
        error: Box<Self>,
    },
    /// A text shorter than a few windows.
    #[error("the text has {bytes} bytes; at least {least} are needed: add text")]
    TooShort {
        /// Bytes given.
        bytes: usize,
        /// Fewest bytes.
        least: usize,
    },
    /// One example is larger than what peers send each other.
    #[error("an example does not fit a message between peers: {0}; choose a shorter window or smaller pictures")]
    Shape(#[from] ShapeError),
    /// Nothing at all.
    #[error("the file is empty; accepted are {ACCEPTED}")]
    Empty,
    /// More than is read.
    #[error("{got} {unit}, at most {most} are read: take a part of it")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// How many there are.
        got: usize,
        /// How many are read.
        most: usize,
    },
    /// Something else than what is accepted.
    #[error("this is {what}, which cannot be read: {advice}")]
    Unsupported {
        /// What it looks like.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The name promises something else than the bytes hold.
    #[error("the name ends in .{extension}, but this is {what}: rename it or choose the right file")]
    Misnamed {
        /// The end of the name.
        extension: String,
        /// What it looks like.
        what: &'static str,
    },
    /// The file grew or shrank while it was read.
    #[error("{got} bytes arrived where {expected} were announced: the file changed while it was read, choose it again")]
    Changed {
        /// Bytes announced.
        expected: usize,
        /// Bytes that arrived.
        got: usize,
    },
    /// Files that do not make one dataset.
    #[error(
        "{files} files that do not go together: choose several texts, several pictures, one table or one recording"
    )]
    Several {
        /// Files.
        files: usize,
    },
    /// A table or a text in another encoding.
    #[error("line {line} is not UTF-8 text: save the file as UTF-8")]
    NotUtf8 {
        /// Line of the file, from 1.
        line: u64,
    },
    /// A row with another number of values than the header.
    #[error(
        "line {line} has {got} values where the header has {expected}: complete the line or quote values with commas"
    )]
    Ragged {
        /// Line of the file, from 1.
        line: u64,
        /// Columns of the header.
        expected: u64,
        /// Values of the row.
        got: u64,
    },
    /// The first row holds numbers.
    #[error("line 1 holds numbers alone, where the names of the columns are expected: put a line of names above it")]
    NoHeader,
    /// The table has one column, or none.
    #[error(
        "line 1 names {columns} column(s); a table needs a label and at least one number: separate values by commas"
    )]
    Columns {
        /// Columns found.
        columns: usize,
    },
    /// The label asked for does not exist.
    #[error("line 1 has no column '{asked}'; it has {found}")]
    NoColumn {
        /// Name asked for.
        asked: String,
        /// Names there are.
        found: String,
    },
    /// No column has numbers.
    #[error("no column beside the label '{label}' holds numbers: replace words by numbers")]
    NoNumbers {
        /// Name of the label column.
        label: String,
    },
    /// One value of a column of numbers is none.
    #[error(
        "line {line}, column '{column}': '{value}' is not a number: correct it, or leave it empty if it is missing"
    )]
    NotANumber {
        /// Line of the file, from 1.
        line: u64,
        /// Name of the column.
        column: String,
        /// What is there.
        value: String,
    },
    /// A row without a label.
    #[error("line {line} has no label in column '{column}': fill it in or delete the line")]
    NoLabel {
        /// Line of the file, from 1.
        line: u64,
        /// Name of the label column.
        column: String,
    },
    /// There is nothing to tell apart.
    #[error(
        "all {examples} examples have the label '{label}': at least two labels are needed to learn to tell them apart"
    )]
    OneClass {
        /// The label.
        label: String,
        /// Examples.
        examples: usize,
    },
    /// Labels that hardly ever come twice.
    #[error(
        "{classes} labels for {examples} examples, most of them used once: there is nothing to learn from one example; \
         name the label column, or sort pictures into folders by what they show"
    )]
    OneEach {
        /// Labels.
        classes: usize,
        /// Examples.
        examples: usize,
    },
    /// More labels than classes are told apart.
    #[error(
        "{classes} different labels, at most {} are told apart: merge some, or name another label column",
        limits::CLASSES
    )]
    Classes {
        /// Labels.
        classes: usize,
    },
    /// Fewer examples than are split into training and validation.
    #[error("{examples} examples, at least {} are needed: add some", limits::EXAMPLES_LEAST)]
    TooFew {
        /// Examples.
        examples: usize,
    },
    /// Nothing can be held out, since all is the same.
    #[error("all {examples} examples are the same: add different ones")]
    Alike {
        /// Examples.
        examples: usize,
    },
    /// A side of a picture that patches do not fill.
    #[error("{side} pixels a side cannot be cut into patches of {patch}: choose a patch that divides the side")]
    Patch {
        /// Side of the picture.
        side: usize,
        /// Side of a patch.
        patch: usize,
    },
    /// Features that are no square picture.
    #[error("{features} features are not the pixels of a square picture: read it as a table of numbers")]
    NotSquare {
        /// Number of features.
        features: usize,
    },
    /// A picture without pixels, or with more or fewer than its sides say.
    #[error(
        "a picture of {rows} by {columns} with {channels} channels and {pixels} bytes of pixels; \
             sides are 1 to {}, channels 1 to 4, and bytes their product",
        limits::PICTURE_SIDE
    )]
    Picture {
        /// Height.
        rows: usize,
        /// Width.
        columns: usize,
        /// Channels.
        channels: usize,
        /// Bytes of pixels.
        pixels: usize,
    },
    /// Pictures without a label.
    #[error("'{name}' names no class: put pictures into folders by what they show, or name them as in cat-01.png")]
    NoName {
        /// Name of the picture's file.
        name: String,
    },
    /// One picture is one example.
    #[error(
        "one picture is one example: choose several, in folders or with names that say what they show, as in cat-01.png"
    )]
    OnePicture,
    /// A picture that does not decode.
    #[error("the picture cannot be decoded: {0}; save it again as PNG")]
    Png(String),
    /// A recording that does not decode.
    #[error("the recording cannot be decoded: {0}; export it again as WAV, 16 bit PCM")]
    Wav(String),
    /// A recording in a rate that nobody speaks in.
    #[error("{rate} samples a second, where {:?} are read: export it at 16000", limits::RATES)]
    Rate {
        /// Samples a second.
        rate: u32,
    },
    /// A recording shorter than a few windows.
    #[error("the recording has {frames} frames of 10 ms; at least {least} are needed: record longer")]
    Brief {
        /// Frames in the recording.
        frames: usize,
        /// Fewest frames.
        least: usize,
    },
    /// A recording of nothing.
    #[error("the recording is silent (its loudest sample is {peak} of 1): check the microphone and record again")]
    Silent {
        /// Largest magnitude of a sample.
        peak: f32,
    },
    /// A sample that is no number.
    #[error("sample {index} is not a finite number: export the recording again")]
    NotFinite {
        /// Which.
        index: usize,
    },
    /// Examples without classes cannot be chosen by class, nor described by one.
    #[error("the examples have no labels to choose by")]
    NoLabels,
    /// Captions need pictures.
    #[error("captions are learned for pictures with labels, and these are none")]
    NotPictures,
    /// A caption that a window does not hold.
    #[error("the caption '{caption}' needs a window of {least} bytes, and it has {seq}: choose a longer window")]
    Caption {
        /// The longest caption.
        caption: String,
        /// Shortest window that holds it.
        least: usize,
        /// Window asked for.
        seq: usize,
    },
    /// Too few examples have the labels asked for.
    #[error("{training} training and {validation} held-out examples have the labels asked for; name others")]
    Restricted {
        /// For training.
        training: usize,
        /// Held out.
        validation: usize,
    },
    /// Two datasets that one model cannot learn.
    #[error("these two do not fit together; take two that hold the same sort of examples with the same labels")]
    Mixed,
}

/// What is read, for a person.
pub const ACCEPTED: &str =
    "text (.txt, .md), tables with a line of names (.csv, .tsv), recordings (.wav) and pictures (.png)";

impl Error {
    /// The same, naming the file.
    #[must_use]
    pub fn of(self, name: &str) -> Self {
        match self {
            Self::File { .. } => self,
            error => Self::File { name: name.to_owned(), error: Box::new(error) },
        }
    }
}
