//! One type over all sorts of data: training batches from a seeded stream, validation batches by number.

use crate::{
    Batch, Error, Options, Picture, Random, Spec, batch::Examples, captions::Captions, glyphs::Glyphs, images,
    speech::Speech, table, text::Text,
};
use protocol::limits;
use std::{fmt, sync::Arc};

/// What one peer learns from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dataset {
    source: Arc<dyn Source>,
    /// Examples that fit one message.
    most: usize,
}

/// One sort of data. An example is known by a number that means nothing outside its source.
pub(crate) trait Source: fmt::Debug + Send + Sync {
    /// What its examples are.
    fn spec(&self) -> &Spec;

    /// A training example.
    fn pick(&self, random: &mut Random) -> u64;

    /// How many examples are held out.
    fn held_out(&self) -> usize;

    /// The held-out example `index`, below [`Self::held_out`].
    fn held(&self, index: usize) -> u64;

    /// Writes `example` after those that `into` already has.
    fn write(&self, example: u64, into: &mut Examples);

    /// What it is, for a person.
    fn describe(&self) -> String;

    /// Size of what is trained on, bytes.
    fn bytes(&self) -> usize;

    /// Where the own shard starts in a shared text.
    fn offset(&self) -> usize {
        0
    }

    /// Names of the classes; none where targets are bytes or codes.
    fn labels(&self) -> &[String] {
        &[]
    }

    /// The examples of these classes alone, in training and validation.
    ///
    /// # Errors
    /// [`Error::NoLabels`] where examples have none, [`Error::Restricted`] where too few are left.
    fn restrict(&self, labels: &[u16]) -> Result<Arc<dyn Source>, Error> {
        let _ = labels;
        Err(Error::NoLabels)
    }
}

impl Dataset {
    /// Any source whose examples fit a message between peers.
    pub(crate) fn new(source: impl Source + 'static) -> Result<Self, Error> {
        Self::over(Arc::new(source))
    }

    fn over(source: Arc<dyn Source>) -> Result<Self, Error> {
        let mut first = Examples::new(source.spec(), 1);
        source.write(source.held(0), &mut first);
        first.finish(1)?;
        let most = (1..=limits::BATCH as usize).rev().find(|batch| fits(source.spec(), *batch)).unwrap_or(1);
        Ok(Self { source, most })
    }

    /// A text: the window of `seq` bytes is the input, each next byte the target.
    ///
    /// With `shard`, the text is shared, and this is the part of it that the key `shard` chooses: a quarter, but at
    /// least [`crate::limits::SHARD_LEAST`] where there is as much, and at most [`crate::limits::SHARD_MOST`]. The last
    /// tenth of the whole text is in nobody's shard and is everyone's validation.
    ///
    /// # Errors
    /// [`Error::TooShort`], and [`Error::Shape`] for a window longer than a message between peers may have.
    pub fn text(bytes: &[u8], shard: Option<&str>, seq: usize) -> Result<Self, Error> {
        Self::new(Text::new(bytes, shard, seq)?)
    }

    /// A table of comma-separated values (or semicolons, or tabs) under a line of names: TENSOR [1, features] of its
    /// columns of numbers, brought to mean 0 and deviation 1 over the training part, with the label column's values as
    /// classes; more distinct numbers than that become 16 classes of about equal size. IMAGE where [`Options::square`]
    /// says so.
    ///
    /// # Errors
    /// What is wrong with the table, by line and column.
    pub fn table(csv: &[u8], options: &Options) -> Result<Self, Error> {
        Self::new(table::read(csv, options)?)
    }

    /// Pictures with the names of their files, which tell their labels: `cat/01.png` or `cat-01.png`. IMAGE of patches.
    /// Whoever decodes large ones brings each to its size at once ([`Picture::resized`]), so that not all are in
    /// memory.
    ///
    /// # Errors
    /// [`Error::NoName`], [`Error::OneClass`], [`Error::OneEach`], [`Error::Patch`] and others, with the reason.
    pub fn images(pictures: &[(String, Picture)], options: &Options) -> Result<Self, Error> {
        Self::new(images::read(pictures, options)?)
    }

    /// A recording of one channel, samples from −1 to 1: SPEECH windows of `seq` log-mel frames, with the code of each
    /// next frame as targets.
    ///
    /// # Errors
    /// [`Error::Brief`], [`Error::Silent`], [`Error::Rate`], [`Error::NotFinite`], [`Error::TooLarge`].
    pub fn speech(samples: &[f32], rate: u32, seq: usize) -> Result<Self, Error> {
        Self::new(Speech::new(samples, rate, seq)?)
    }

    /// Drawings (bright ink on dark ground, all brought to the size of the first, a square) with their names, such as
    /// [`crate::glyphs::bundled`]: IMAGE patches of side `patch` of copies that are distorted anew for every example.
    ///
    /// # Errors
    /// [`Error::OneClass`], [`Error::Classes`], [`Error::Patch`].
    pub fn glyphs(drawings: &[(String, Picture)], patch: usize) -> Result<Self, Error> {
        Self::new(Glyphs::new(drawings, patch)?)
    }

    /// For a bridge: windows of `seq` bytes (TEXT, the first part) that end in the label of a picture of `pictures`
    /// (IMAGE, the second part) in words, after a piece of `text` where there is one. Each next byte is the target.
    ///
    /// # Errors
    /// [`Error::NotPictures`], [`Error::Caption`], [`Error::TooShort`].
    pub fn captions(pictures: &Self, text: Option<&[u8]>, seq: usize) -> Result<Self, Error> {
        Self::new(Captions::new(pictures, text, seq)?)
    }

    /// What a model must have to learn from it.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        self.source.spec()
    }

    /// `n` training examples that `random` chooses; as many as fit a message between peers where that is fewer, and one
    /// at least.
    pub fn batch(&self, n: usize, random: &mut Random) -> Batch {
        let examples: Vec<u64> = (0..self.size(n)).map(|_| self.source.pick(random)).collect();
        self.gather(&examples)
    }

    /// The `index`-th batch of `n` held-out examples, always the same. The last one is shorter where they do not come
    /// out even; after it the first comes again.
    #[must_use]
    pub fn validation(&self, n: usize, index: usize) -> Batch {
        let n = self.size(n);
        let first = index % self.validation_batches(n) * n;
        let end = (first + n).min(self.source.held_out());
        let examples: Vec<u64> = (first..end).map(|index| self.source.held(index)).collect();
        self.gather(&examples)
    }

    /// Batches of `n` that hold all held-out examples once.
    #[must_use]
    pub fn validation_batches(&self, n: usize) -> usize {
        self.source.held_out().div_ceil(self.size(n)).max(1)
    }

    /// What it is, for a person: a sentence or two in English.
    #[must_use]
    pub fn describe(&self) -> String {
        self.source.describe()
    }

    /// Size of what is trained on, bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.source.bytes()
    }

    /// Where the own shard starts in a shared text, bytes; 0 for everything else.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.source.offset()
    }

    /// Names of the classes, by number; none where targets are bytes or codes.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        self.source.labels()
    }

    /// The examples of these classes alone, in training and validation; the classes keep their numbers, so that the
    /// same model fits.
    ///
    /// # Errors
    /// [`Error::NoLabels`] where examples have none, [`Error::Restricted`] where too few are left.
    pub fn restrict(&self, labels: &[u16]) -> Result<Self, Error> {
        Self::over(self.source.restrict(labels)?)
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.source)
    }

    fn size(&self, n: usize) -> usize {
        n.clamp(1, self.most)
    }

    #[expect(clippy::expect_used, reason = "one example was built when the source was taken, and `most` of them fit")]
    fn gather(&self, examples: &[u64]) -> Batch {
        let mut into = Examples::new(self.source.spec(), examples.len());
        for example in examples {
            self.source.write(*example, &mut into);
        }
        into.finish(examples.len()).expect("examples of the spec")
    }
}

/// Whether `batch` examples fit a message between peers, with room for its framing.
fn fits(spec: &Spec, batch: usize) -> bool {
    spec.parts.iter().all(|part| batch * part.values() * part.value_bytes() <= limits::INPUT_BYTES)
}
