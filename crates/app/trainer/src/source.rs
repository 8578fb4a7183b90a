//! What is learned from, as it arrives from the page in pieces, until it is a dataset.
//!
//! Files are a person's own, but any program may have written them: the data crate bounds and refuses them. Each refusal is
//! a sentence for a person.

use commonware_cryptography::{Hasher, Sha256};
use data::{Dataset, Options, Picture, read::Reader};
use protocol::exchange::Encoding;
use protocol::port::trainer::{Content, Learned, Source};

use crate::fonts;

/// A source whose content is on its way.
#[derive(Debug)]
pub struct Intake {
    source: Source,
    private: bool,
    files: Vec<(String, Reader)>,
    pictures: Vec<(String, Picture)>,
    /// Mono samples of the microphone.
    samples: Vec<f32>,
    done: u64,
    of: u64,
}

/// Something to learn from.
#[derive(Clone, Debug)]
pub struct Ready {
    /// What it was made from.
    pub source: Source,
    /// Whether nobody is asked.
    pub private: bool,
    /// What it is.
    pub dataset: Dataset,
    /// Names a person's own files: their digest and that of what was made of them.
    digest: String,
}

impl Intake {
    /// Nothing of `source` has come yet.
    #[must_use]
    pub fn new(source: Source, private: bool) -> Self {
        Self { source, private, files: Vec::new(), pictures: Vec::new(), samples: Vec::new(), done: 0, of: 0 }
    }

    /// What it will be made from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether anybody is to be asked, from now on.
    pub fn set_private(&mut self, private: bool) {
        self.private = private;
    }

    /// Takes a piece; bytes taken, and of how many.
    ///
    /// # Errors
    /// Why it cannot be used, for a person.
    pub fn take(&mut self, content: Content) -> Result<(u64, u64), String> {
        match content {
            Content::File { name, size } => {
                let bytes = usize::try_from(size).map_err(|_| format!("“{name}” is too large"))?;
                self.of += size;
                self.files.push((name.clone(), Reader::new(&name, bytes).map_err(|error| error.to_string())?));
            }
            Content::Piece { bytes } => {
                self.done += bytes.len() as u64;
                match (&self.source, self.files.last_mut()) {
                    (Source::Microphone { .. }, _) => self.hear(&bytes)?,
                    (_, Some((_, file))) => file.push(&bytes).map_err(|error| error.to_string())?,
                    (_, None) => return Err("a piece of no file came".into()),
                }
            }
            Content::Picture { name, rows, columns, bytes } => {
                self.done += bytes.len() as u64;
                let picture = Picture::new(rows as usize, columns as usize, 4, bytes.into_vec());
                self.pictures.push((name.clone(), picture.map_err(|error| format!("“{name}”: {error}"))?));
            }
            Content::End => {}
        }
        Ok((self.done, self.of.max(self.done)))
    }

    /// All of it has come. `key` chooses the own part of a shared text; models have a window of `seq`.
    ///
    /// # Errors
    /// Why it cannot be learned from, for a person.
    pub fn finish(self, key: &str, seq: usize) -> Result<Ready, String> {
        let Self { source, private, files, pictures, samples, .. } = self;
        let options = Options { seq, ..Options::default() };
        let whole = |(name, reader): (String, Reader)| Ok((name, reader.into_bytes()?));
        let files: Result<Vec<(String, Vec<u8>)>, data::Error> = files.into_iter().map(whole).collect();
        let mut files = files.map_err(|error| error.to_string())?;
        let content = digest(&files, &pictures);
        let dataset = match &source {
            Source::Text => Dataset::text(&files.pop().unwrap_or_default().1, Some(key), seq),
            Source::Glyphs => Dataset::glyphs(&fonts::drawings(), data::glyphs::PATCH),
            Source::Captions => {
                let text = files.pop().map(|(_, text)| text);
                Dataset::glyphs(&fonts::drawings(), data::glyphs::PATCH)
                    .and_then(|glyphs| Dataset::captions(&glyphs, text.as_deref(), seq))
            }
            Source::Files if !pictures.is_empty() => Dataset::images(&pictures, &options),
            Source::Files => Dataset::files(&files, &options),
            Source::Microphone { rate } => Dataset::speech(&samples, *rate, seq),
        };
        let dataset = dataset.map_err(|error| error.to_string())?;
        let digest = Sha256::hash(&[&content, format!("{:?}", dataset.spec()).as_bytes()]);
        let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Ready { dataset, source, private, digest })
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (samples, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err("the microphone gave half a sample".into());
        }
        self.samples.extend(samples.iter().map(|sample| f32::from_le_bytes(*sample)));
        Ok(())
    }
}

impl Ready {
    /// As a person and a hello tell of it.
    #[must_use]
    pub fn learned(&self) -> Learned {
        let spec = self.dataset.spec();
        let modalities = spec.parts.iter().fold(0, |bits, part| bits | 1 << part.modality.number());
        Learned {
            source: self.source.clone(),
            words: self.dataset.describe(),
            modalities,
            classes: u32::try_from(spec.classes).unwrap_or(u32::MAX),
            each: spec.each,
            bytes: self.dataset.bytes() as u64,
            offset: self.dataset.offset() as u64,
            private: self.private,
            answers: encoding(peer::ANSWERS).into(),
            gradients: encoding(peer::GRADIENTS).into(),
        }
    }

    /// The name of what is kept of its model: one a source, and one for each choice of a person's own files, so that trying
    /// another does not lose the one before.
    #[must_use]
    pub fn name(&self) -> String {
        match self.source {
            Source::Text => "text".into(),
            Source::Glyphs => "glyphs".into(),
            Source::Captions => "captions".into(),
            Source::Files => format!("files-{}", self.digest),
            Source::Microphone { .. } => "microphone".into(),
        }
    }
}

/// SHA-256 of files and pictures with their names, each with its length before it.
fn digest(files: &[(String, Vec<u8>)], pictures: &[(String, Picture)]) -> [u8; 32] {
    let mut hasher = Sha256::default();
    let mut add = |name: &str, shape: [usize; 2], bytes: &[u8]| {
        for length in [name.len(), shape[0], shape[1], bytes.len()] {
            hasher.update(&(length as u64).to_le_bytes());
        }
        hasher.update(name.as_bytes());
        hasher.update(bytes);
    };
    files.iter().for_each(|(name, bytes)| add(name, [0, 0], bytes));
    pictures.iter().for_each(|(name, picture)| add(name, [picture.rows(), picture.columns()], picture.pixels()));
    hasher.finalize().1.0
}

/// An encoding in a word.
fn encoding(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::F32 => "f32",
        Encoding::F16 => "f16",
        Encoding::Int8 => "int8",
    }
}
