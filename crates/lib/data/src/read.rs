//! Files as a person drops them: what they are, by their first bytes and their name, and what to do with those that
//! cannot be read.
//!
//! The bytes and the name may be anything. What they are is decided by the bytes; the name decides between a table and
//! a text, and an end that promises something else is told rather than guessed around.

use crate::{Dataset, Error, Options, Picture, limits, speech::wav};

/// What is read, for a person.
pub use crate::error::ACCEPTED;

/// Something that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    Table,
    Recording,
    Picture,
}

/// A file that arrives in pieces.
#[derive(Debug)]
pub struct Reader {
    name: String,
    of: usize,
    bytes: Vec<u8>,
    looked: bool,
}

impl Reader {
    /// The file `name` of `of` bytes, of which none has arrived.
    ///
    /// # Errors
    /// [`Error::TooLarge`] and [`Error::Empty`], before anything is read.
    pub fn new(name: &str, of: usize) -> Result<Self, Error> {
        sized(of).map_err(|error| error.of(name))?;
        Ok(Self { name: name.to_owned(), of, bytes: Vec::with_capacity(of), looked: false })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`Error::Changed`] where there is more than was said, and [`Error::Unsupported`] or [`Error::Misnamed`] as soon
    /// as enough has arrived to see it.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Error> {
        let got = self.bytes.len() + piece.len();
        if got > self.of {
            return Err(Error::Changed { expected: self.of, got }.of(&self.name));
        }
        self.bytes.extend_from_slice(piece);
        if !self.looked && self.bytes.len() >= HEAD {
            self.looked = true;
            sort(&self.name, &self.bytes).map_err(|error| error.of(&self.name))?;
        }
        Ok(())
    }

    /// Bytes that have arrived, and how many there will be.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.bytes.len(), self.of)
    }

    /// The dataset of the whole file.
    ///
    /// # Errors
    /// [`Error::Changed`] where something is missing, else those of [`Dataset::read`].
    pub fn finish(self, options: &Options) -> Result<Dataset, Error> {
        let name = self.name.clone();
        Dataset::read(&name, &self.into_bytes()?, options)
    }

    /// The whole file, for who puts several together.
    ///
    /// # Errors
    /// [`Error::Changed`] where something is missing.
    pub fn into_bytes(self) -> Result<Vec<u8>, Error> {
        if self.bytes.len() != self.of {
            return Err(Error::Changed { expected: self.of, got: self.bytes.len() }.of(&self.name));
        }
        Ok(self.bytes)
    }
}

impl Dataset {
    /// The dataset in one file: a recording, a table where the name ends in .csv or .tsv, else a text.
    ///
    /// # Errors
    /// [`Error::File`], naming the file, what is wrong with it and what to do.
    pub fn read(name: &str, bytes: &[u8], options: &Options) -> Result<Self, Error> {
        one(name, bytes, options).map_err(|error| error.of(name))
    }

    /// The dataset in several files: texts are put together, pictures (with the feature `png`) take their labels from
    /// their names. One file is [`Self::read`].
    ///
    /// # Errors
    /// [`Error::Several`] for files that do not go together, else those of [`Self::read`] and [`Self::images`].
    pub fn files(files: &[(String, Vec<u8>)], options: &Options) -> Result<Self, Error> {
        let (name, bytes) = match files {
            [] => return Err(Error::Empty),
            [(name, bytes)] => return Self::read(name, bytes, options),
            [first, ..] => first,
        };
        let total = files.iter().map(|(_, bytes)| bytes.len()).fold(0, usize::saturating_add);
        sized(total)?;
        let first = sort(name, bytes).map_err(|error| error.of(name))?;
        for (name, bytes) in files {
            if sort(name, bytes).map_err(|error| error.of(name))? != first {
                return Err(Error::Several { files: files.len() });
            }
        }
        match first {
            Sort::Text => {
                let texts: Vec<&[u8]> = files.iter().map(|(_, bytes)| bytes.as_slice()).collect();
                Self::text(&texts.join(b"\n".as_slice()), options.shard.as_deref(), options.seq)
            }
            Sort::Picture => Self::images(&pictures(files, options)?, options),
            Sort::Table | Sort::Recording => Err(Error::Several { files: files.len() }),
        }
    }
}

/// Each is brought to its size at once, so that only one is in memory as it comes.
#[cfg(feature = "png")]
fn pictures(files: &[(String, Vec<u8>)], options: &Options) -> Result<Vec<(String, Picture)>, Error> {
    let picture = |bytes: &[u8]| Picture::png(bytes)?.coloured(options.colour).resized(options.side);
    let one = |(name, bytes): &(String, Vec<u8>)| Ok((name.clone(), picture(bytes).map_err(|error| error.of(name))?));
    files.iter().map(one).collect()
}

#[cfg(not(feature = "png"))]
fn pictures(_: &[(String, Vec<u8>)], _: &Options) -> Result<Vec<(String, Picture)>, Error> {
    Err(Error::Unsupported { what: "pictures as files", advice: "give their pixels" })
}

fn one(name: &str, bytes: &[u8], options: &Options) -> Result<Dataset, Error> {
    sized(bytes.len())?;
    match sort(name, bytes)? {
        Sort::Text => Dataset::text(bytes, options.shard.as_deref(), options.seq),
        Sort::Table => Dataset::table(bytes, options),
        Sort::Recording => {
            let (samples, rate) = wav::read(bytes)?;
            Dataset::speech(&samples, rate, options.seq)
        }
        Sort::Picture => Err(Error::OnePicture),
    }
}

fn sized(bytes: usize) -> Result<(), Error> {
    match bytes {
        0 => Err(Error::Empty),
        got if got > limits::FILE_BYTES => Err(Error::TooLarge { unit: "bytes", got, most: limits::FILE_BYTES }),
        _ => Ok(()),
    }
}

/// What a file is.
fn sort(name: &str, bytes: &[u8]) -> Result<Sort, Error> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let (sort, what) = if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE") {
        (Sort::Recording, "a WAV recording")
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        (Sort::Picture, "a PNG picture")
    } else {
        let known = KNOWN.iter().find(|(at, first, ..)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(first)));
        if let Some((_, _, what, advice)) = known {
            return Err(Error::Unsupported { what, advice });
        }
        if !legible(&bytes[..bytes.len().min(HEAD)]) {
            return Err(Error::Unsupported { what: "binary data of an unknown kind", advice: ACCEPTED_ADVICE });
        }
        let table = matches!(extension.as_str(), "csv" | "tsv");
        (if table { Sort::Table } else { Sort::Text }, "text")
    };
    let promised = match extension.as_str() {
        "csv" | "tsv" => Sort::Table,
        "txt" | "md" => Sort::Text,
        "wav" | "wave" => Sort::Recording,
        "png" => Sort::Picture,
        _ => sort,
    };
    if promised == sort { Ok(sort) } else { Err(Error::Misnamed { extension, what }) }
}

/// Whether it can be text: no zeros, and hardly any control characters.
fn legible(head: &[u8]) -> bool {
    let control = |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    !head.contains(&0) && head.iter().filter(control).count() * 100 <= head.len()
}

/// Bytes that show what a file is.
const HEAD: usize = 4_096;

const ACCEPTED_ADVICE: &str =
    "accepted are text (.txt, .md), tables (.csv, .tsv), recordings (.wav) and pictures (.png)";
const AS_TEXT: &str = "copy its text into a .txt file";
const AS_CSV: &str = "export the table as CSV with a line of names, in UTF-8";
const AS_WAV: &str = "convert it to WAV, 16 bit PCM";
const AS_PNG: &str = "convert it to PNG";
const UNPACK: &str = "unpack it and choose the files inside";
const AS_UTF8: &str = "save it as UTF-8";

/// First bytes of what people have and is not read: where they stand, what they are, what to do.
const KNOWN: &[(usize, &[u8], &str, &str)] = &[
    (0, b"%PDF", "a PDF document", AS_TEXT),
    (
        0,
        b"PK\x03\x04",
        "a ZIP archive or an office document",
        "unpack it, or export its text as .txt, its table as CSV",
    ),
    (0, b"\xD0\xCF\x11\xE0", "an old office document", "export its text as .txt or its table as CSV"),
    (0, b"{\\rtf", "a rich text document", AS_TEXT),
    (0, b"PAR1", "a Parquet table", AS_CSV),
    (0, b"SQLite format 3\0", "an SQLite database", AS_CSV),
    (0, b"\x89HDF", "an HDF5 file", AS_CSV),
    (0, b"\x93NUMPY", "a NumPy array", AS_CSV),
    (0, b"\xFF\xD8\xFF", "a JPEG picture", AS_PNG),
    (0, b"GIF8", "a GIF picture", AS_PNG),
    (8, b"WEBP", "a WebP picture", AS_PNG),
    (0, b"II*\0", "a TIFF picture", AS_PNG),
    (0, b"MM\0*", "a TIFF picture", AS_PNG),
    (0, b"ID3", "an MP3 recording", AS_WAV),
    (0, b"\xFF\xFB", "an MP3 recording", AS_WAV),
    (0, b"OggS", "an Ogg recording", AS_WAV),
    (0, b"fLaC", "a FLAC recording", AS_WAV),
    (0, b"RF64", "a WAV recording of a 64-bit kind", AS_WAV),
    (4, b"ftyp", "an MP4 recording or film", AS_WAV),
    (0, b"\x1A\x45\xDF\xA3", "a WebM recording or film", AS_WAV),
    (0, b"\x1F\x8B", "a gzip archive", UNPACK),
    (0, b"7z\xBC\xAF", "a 7z archive", UNPACK),
    (0, b"Rar!", "a RAR archive", UNPACK),
    (0, b"\xFD7zXZ", "an xz archive", UNPACK),
    (0, b"\x28\xB5\x2F\xFD", "a Zstandard archive", UNPACK),
    (0, b"\xFF\xFE", "text in UTF-16", AS_UTF8),
    (0, b"\xFE\xFF", "text in UTF-16", AS_UTF8),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::{tests::song, wav::tests::file};

    fn read(name: &str, bytes: &[u8]) -> Result<Dataset, Error> {
        Dataset::read(name, bytes, &Options { seq: 16, ..Options::default() })
    }

    fn told(name: &str, bytes: &[u8]) -> String {
        read(name, bytes).unwrap_err().to_string()
    }

    fn csv() -> Vec<u8> {
        let rows: Vec<String> = (0..30).map(|i| format!("{i},{}", i % 2)).collect();
        format!("a,label\n{}", rows.join("\n")).into_bytes()
    }

    #[test]
    fn content_and_name_decide_what_a_file_is() {
        let text = b"a text of some length, ".repeat(100);
        assert!(read("a.txt", &text).unwrap().spec().each);
        assert!(read("notes", &text).unwrap().spec().each);
        assert_eq!(read("a.CSV", &csv()).unwrap().spec().classes, 2);
        let wav = file(&song(64_000, 16_000), 16_000, 2, 16, false);
        assert_eq!(read("a.wav", &wav).unwrap().spec().parts[0].item, [40, 1, 1]);
        assert_eq!(read("recording", &wav).unwrap().spec().parts[0].item, [40, 1, 1]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_to_do() {
        assert!(told("a.txt", b"").starts_with("a.txt: the file is empty; accepted are text"));
        let pdf = "a.pdf: this is a PDF document, which cannot be read: copy its text into a .txt file";
        assert_eq!(told("a.pdf", b"%PDF-1.7 and more"), pdf);
        assert!(told("a.bin", &[0, 1, 2, 3]).contains("binary data of an unknown kind"));
        assert!(told("a.csv", b"\xFF\xFEa\0,\0").contains("text in UTF-16, which cannot be read: save it as UTF-8"));
        let wav = file(&song(1_000, 16_000), 16_000, 1, 16, false);
        let misnamed = "a.csv: the name ends in .csv, but this is a WAV recording: rename it or choose the right file";
        assert_eq!(told("a.csv", &wav), misnamed);
        assert!(told("a.png", b"words").contains("this is text"));
        assert!(told("a.png", b"\x89PNG\r\n\x1a\n").contains("one picture is one example"));
        assert!(told("a.jpg", b"\xFF\xD8\xFF\xE0").contains("a JPEG picture, which cannot be read: convert it to PNG"));
    }

    #[test]
    fn a_file_arrives_in_pieces_and_tells_how_far_it_is() {
        let bytes = csv();
        let mut reader = Reader::new("a.csv", bytes.len()).unwrap();
        reader.push(&bytes[..50]).unwrap();
        assert_eq!(reader.progress(), (50, bytes.len()));
        reader.push(&bytes[50..]).unwrap();
        let more = Error::Changed { expected: bytes.len(), got: bytes.len() + 1 };
        assert_eq!(reader.push(b"x").unwrap_err(), more.of("a.csv"));
        assert_eq!(reader.finish(&Options::default()).unwrap().spec().classes, 2);
        let fewer = Reader::new("a.csv", 9).unwrap().finish(&Options::default());
        assert_eq!(fewer.unwrap_err(), Error::Changed { expected: 9, got: 0 }.of("a.csv"));
    }

    #[test]
    fn too_large_a_file_is_refused_before_it_is_read_and_junk_as_soon_as_it_shows() {
        let got = limits::FILE_BYTES + 1;
        let refused = Error::TooLarge { unit: "bytes", got, most: limits::FILE_BYTES };
        assert_eq!(Reader::new("a.csv", got).unwrap_err(), refused.of("a.csv"));
        let mut reader = Reader::new("a.csv", 1 << 20).unwrap();
        assert!(reader.push(&[0; 5_000]).is_err());
    }

    #[test]
    fn several_texts_are_one_and_other_mixtures_are_refused() {
        let options = Options { seq: 16, ..Options::default() };
        let text = |name: &str, byte: u8| (name.to_owned(), vec![byte; 800]);
        let dataset = Dataset::files(&[text("a.txt", b'a'), text("b.txt", b'b')], &options).unwrap();
        assert_eq!(dataset.bytes(), 1601 - 160);
        let mixed = Dataset::files(&[text("a.txt", b'a'), ("t.csv".into(), csv())], &options).unwrap_err();
        assert_eq!(mixed, Error::Several { files: 2 });
    }

    #[cfg(feature = "png")]
    mod pictures {
        use super::*;

        fn png(value: u8) -> Vec<u8> {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
            encoder.set_color(png::ColorType::Rgb);
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(&[value; 48]).unwrap();
            writer.finish().unwrap();
            bytes
        }

        #[test]
        fn png_files_become_pictures_with_labels() {
            let files: Vec<_> = (0..30).map(|i| (format!("{}/{i}.png", ["cat", "dog"][i % 2]), png(i as u8))).collect();
            let dataset = Dataset::files(&files, &Options::default()).unwrap();
            assert_eq!(dataset.labels(), ["cat", "dog"]);
            assert_eq!(Picture::png(&files[5].1).unwrap().pixels(), [5; 48]);
        }

        #[test]
        fn a_broken_png_is_told_with_its_name() {
            let mut files: Vec<_> = (0..30).map(|i| (format!("cat-{i}.png"), png(i))).collect();
            let bytes = &mut files[3].1;
            bytes.truncate(bytes.len() / 2);
            let error = Dataset::files(&files, &Options::default()).unwrap_err().to_string();
            assert!(error.starts_with("cat-3.png: the picture cannot be decoded"), "{error}");
        }
    }
}
