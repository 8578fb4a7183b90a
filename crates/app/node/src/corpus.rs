//! The text that peers learn: read from a file or a folder, checked, and held in memory.
//!
//! A folder stands for its `.txt` and `.md` files, taken in the order of their paths and joined by an empty line; other
//! files, hidden ones and links are left out. What is no UTF-8 text, or holds a zero byte, is refused with the place.

use bytes::Bytes;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// A text to learn from.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// What to call it: the name of the file or folder.
    pub name: String,
    /// UTF-8 text of [`SHORTEST`] to [`LONGEST`] bytes.
    pub text: Bytes,
}

impl Corpus {
    /// The project's own documentation, for who has no other text.
    pub fn bundled() -> Self {
        let text = include_str!(concat!(env!("OUT_DIR"), "/corpus.txt"));
        Self { name: "the documentation of Peerage".into(), text: Bytes::from_static(text.as_bytes()) }
    }

    /// Reads the file or folder at `path`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let kind = fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Missing { path: path.into() },
            _ => Error::Unreadable { path: path.into(), source },
        })?;
        let mut text = Vec::new();
        if kind.is_dir() {
            let mut files = Vec::new();
            list(path, 0, &mut files)?;
            if files.is_empty() {
                return Err(Error::NoFiles { path: path.into() });
            }
            for file in files {
                if !text.is_empty() {
                    text.extend_from_slice(b"\n\n");
                }
                append(&file, path, &mut text)?;
            }
        } else {
            append(path, path, &mut text)?;
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::Empty { path: path.into() });
        }
        if text.len() < SHORTEST {
            return Err(Error::Short { path: path.into(), bytes: text.len() });
        }
        let name = path.canonicalize().ok().and_then(|whole| Some(whole.file_name()?.to_string_lossy().into_owned()));
        Ok(Self { name: name.unwrap_or_else(|| path.display().to_string()), text: text.into() })
    }
}

/// Why a text cannot be learned from.
#[derive(Debug, Error)]
pub enum Error {
    /// Nothing is there.
    #[error("the corpus {} is not there: check the path given to --corpus", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The system refuses to read it.
    #[error("the corpus {} cannot be read: {source}", path.display())]
    Unreadable {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder without a text file.
    #[error("the corpus folder {} holds no .txt or .md file: put the text there, or name a file", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing but space.
    #[error("the corpus {} is empty: give --corpus a file with text in it", path.display())]
    Empty {
        /// File or folder.
        path: PathBuf,
    },
    /// Too little to learn from.
    #[error("the corpus {} holds {bytes} bytes: at least {SHORTEST} are needed", path.display())]
    Short {
        /// File or folder.
        path: PathBuf,
        /// What it holds.
        bytes: usize,
    },
    /// Too much for every tab to load.
    #[error("the corpus {} holds more than {} MB, which every tab would have to load: choose less", path.display(), LONGEST >> 20)]
    Long {
        /// File or folder.
        path: PathBuf,
    },
    /// Bytes that are no text.
    #[error("the corpus file {} is not UTF-8 text: see the byte at offset {offset} (0x{byte:02x})", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Offset of the first wrong byte in it.
        offset: usize,
        /// That byte.
        byte: u8,
    },
}

/// Fewer bytes do not fill one batch of training.
pub const SHORTEST: usize = 1_024;

/// Every tab holds the whole text in memory.
pub const LONGEST: usize = 64 << 20;

/// How deep folders may nest.
const DEPTH: usize = 16;

/// Lists the text files below `folder`, sorted by path.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |source| Error::Unreadable { path: folder.into(), source };
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(unreadable)?;
    let mut entries = entries.into_iter().map(|entry| (entry.path(), entry.file_type())).collect::<Vec<_>>();
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    for (path, kind) in entries {
        let kind = kind.map_err(unreadable)?;
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let text =
            path.extension().is_some_and(|end| end.eq_ignore_ascii_case("txt") || end.eq_ignore_ascii_case("md"));
        if kind.is_dir() && !hidden && depth < DEPTH {
            list(&path, depth + 1, files)?;
        } else if kind.is_file() && !hidden && text {
            files.push(path);
        }
    }
    Ok(())
}

/// Appends one checked file of the corpus at `whole`.
fn append(file: &Path, whole: &Path, text: &mut Vec<u8>) -> Result<(), Error> {
    let unreadable = |source| Error::Unreadable { path: file.into(), source };
    let length = fs::metadata(file).map_err(unreadable)?.len();
    if text.len() as u64 + length > LONGEST as u64 {
        return Err(Error::Long { path: whole.into() });
    }
    let bytes = fs::read(file).map_err(unreadable)?;
    let valid = std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let offset = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()).min(valid);
    if let Some(byte) = bytes.get(offset) {
        return Err(Error::NotText { path: file.into(), offset, byte: *byte });
    }
    let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    text.extend(bytes.into_iter().skip(mark));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn the_bundled_text_is_long_enough() {
        let corpus = Corpus::bundled();
        assert!(corpus.text.len() > 10 * SHORTEST, "{} bytes", corpus.text.len());
        assert!(std::str::from_utf8(&corpus.text).is_ok());
    }

    #[test]
    fn a_file_is_read_as_it_is_but_for_its_byte_order_mark() {
        let place = folder();
        let path = place.path().join("plays.txt");
        let text = "To be, or not to be. ".repeat(100);
        fs::write(&path, format!("\u{feff}{text}")).unwrap();
        let corpus = Corpus::read(&path).unwrap();
        assert_eq!((corpus.name.as_str(), &corpus.text[..]), ("plays.txt", text.as_bytes()));
    }

    #[test]
    fn a_folder_is_joined_in_the_order_of_its_paths() {
        let place = folder();
        let (one, two) = ("1".repeat(600), "2".repeat(600));
        fs::create_dir(place.path().join("b")).unwrap();
        fs::write(place.path().join("b/two.TXT"), &two).unwrap();
        fs::write(place.path().join("a.md"), &one).unwrap();
        fs::write(place.path().join("picture.png"), [0xff, 0x00]).unwrap();
        fs::write(place.path().join(".hidden.txt"), [0xff, 0x00]).unwrap();
        let corpus = Corpus::read(place.path()).unwrap();
        assert_eq!(&corpus.text[..], format!("{one}\n\n{two}").as_bytes());
    }

    #[test]
    fn what_is_missing_is_named() {
        let place = folder();
        let error = Corpus::read(&place.path().join("nothing.txt")).unwrap_err();
        assert!(matches!(&error, Error::Missing { .. }) && error.to_string().contains("nothing.txt"), "{error}");
        assert!(matches!(Corpus::read(place.path()), Err(Error::NoFiles { .. })));
    }

    #[test]
    fn empty_short_and_long_texts_are_refused() {
        let place = folder();
        let path = place.path().join("text.txt");
        fs::write(&path, "\n \n").unwrap();
        assert!(matches!(Corpus::read(&path), Err(Error::Empty { .. })));
        fs::write(&path, "short").unwrap();
        assert!(matches!(Corpus::read(&path), Err(Error::Short { bytes: 5, .. })));
        fs::File::create(&path).unwrap().set_len(LONGEST as u64 + 1).unwrap();
        assert!(matches!(Corpus::read(&path), Err(Error::Long { .. })));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_place() {
        let place = folder();
        let path = place.path().join("text.txt");
        for (wrong, at) in [(0xffu8, 1_500), (0x00, 0), (0xc3, 2_000)] {
            let mut bytes = "x".repeat(2_000).into_bytes();
            bytes.insert(at, wrong);
            fs::write(&path, bytes).unwrap();
            let error = Corpus::read(&path).unwrap_err();
            assert!(matches!(error, Error::NotText { offset, byte, .. } if offset == at && byte == wrong), "{error}");
            assert!(error.to_string().contains(&at.to_string()));
        }
    }
}
