//! Pictures with their names in words, for a bridge between TEXT and IMAGE: the next byte is to be told from a window
//! of text and from the picture that its end names.
//!
//! A window holds bytes of a text, a line break, the caption and another line break: TEXT neighbours help with the
//! text, IMAGE neighbours with the caption, and without a picture the caption cannot be known.

use crate::{
    Error, Part, Random, Spec,
    batch::Examples,
    dataset::{Dataset, Source},
    glyphs,
};
use protocol::exchange::Modality;
use std::sync::Arc;

/// Labelled pictures and the text that stands before their captions.
#[derive(Clone, Debug)]
pub(crate) struct Captions {
    spec: Spec,
    pictures: Arc<dyn Source>,
    captions: Vec<String>,
    /// What is trained on, then what is held out; none where captions stand alone.
    text: Arc<Vec<u8>>,
    /// Where the held-out text starts.
    train: usize,
}

impl Captions {
    /// Windows of `seq` bytes that end in the captions of `pictures`, with `text` before them, or line breaks without
    /// one.
    pub fn new(pictures: &Dataset, text: Option<&[u8]>, seq: usize) -> Result<Self, Error> {
        let pictures = pictures.source();
        let image = match pictures.spec().parts.as_slice() {
            [part] if part.modality == Modality::Image && !pictures.labels().is_empty() => *part,
            _ => return Err(Error::NotPictures),
        };
        let captions: Vec<String> = pictures.labels().iter().map(|label| glyphs::words(label)).collect();
        let longest = captions.iter().max_by_key(|caption| caption.len()).cloned().unwrap_or_default();
        // A line break before it, which is no target, and one after it.
        let least = longest.len() + 1;
        if seq < least {
            return Err(Error::Caption { caption: longest, least, seq });
        }
        let text = text.unwrap_or_default();
        let needed = 20 * (seq + 1);
        if !text.is_empty() && text.len() < needed {
            return Err(Error::TooShort { bytes: text.len(), least: needed });
        }
        let own = Part { modality: Modality::Text, seq, item: [1; 3] };
        let spec = Spec { parts: vec![own, image], classes: 256, each: true };
        Ok(Self { spec, pictures, captions, text: Arc::new(text.to_vec()), train: text.len() - text.len() / 10 })
    }

    /// A window that ends in `caption`.
    fn window(&self, caption: &str, held: bool, random: &mut Random) -> Vec<u8> {
        let ending = [b"\n", caption.as_bytes(), b"\n"].concat();
        let before = (self.spec.targets() + 1).saturating_sub(ending.len());
        let text = if held { &self.text[self.train..] } else { &self.text[..self.train] };
        let context = if text.is_empty() {
            vec![b'\n'; before]
        } else {
            let start = random.below(text.len() - before + 1);
            text[start..start + before].to_vec()
        };
        [context, ending].concat()
    }
}

/// The number of an example: what chooses its text, the number of its picture, and whether it is held out.
impl Source for Captions {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn pick(&self, random: &mut Random) -> u64 {
        (random.next() >> PICTURE_BITS << PICTURE_BITS) | (self.pictures.pick(random) << 1)
    }

    fn held_out(&self) -> usize {
        self.pictures.held_out()
    }

    fn held(&self, index: usize) -> u64 {
        (self.pictures.held(index) << 1) | 1
    }

    fn write(&self, example: u64, into: &mut Examples) {
        let mut picture = Examples::new(self.pictures.spec(), 1);
        self.pictures.write((example & ((1 << PICTURE_BITS) - 1)) >> 1, &mut picture);
        let (pixels, label) = picture.taken();
        let caption = self.captions.get(usize::from(label)).map_or("", String::as_str);
        let window = self.window(caption, example & 1 == 1, &mut Random::new(example, PURPOSE));
        into.bytes(0, window[..window.len() - 1].iter().copied());
        into.bytes(1, pixels);
        into.targets(window[1..].iter().map(|byte| u16::from(*byte)));
    }

    fn describe(&self) -> String {
        let text = if self.text.is_empty() { String::new() } else { format!(", after {} bytes of text", self.train) };
        format!("captions of pictures{text}: {}", self.pictures.describe())
    }

    fn bytes(&self) -> usize {
        self.pictures.bytes() + self.train
    }

    fn labels(&self) -> &[String] {
        self.pictures.labels()
    }

    fn restrict(&self, labels: &[u16]) -> Result<Arc<dyn Source>, Error> {
        Ok(Arc::new(Self { pictures: self.pictures.restrict(labels)?, ..self.clone() }))
    }
}

/// Bits of the number that name the picture and whether it is held out: pictures are numbered below 2^40.
const PICTURE_BITS: u32 = 44;
/// Of the streams that choose the text before a caption.
const PURPOSE: u64 = 0x0063_6170_7469_6F6E;

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::exchange::Values;

    fn windows(text: Option<&[u8]>, validation: bool) -> Vec<String> {
        let pictures = Dataset::glyphs(&glyphs::bundled(), glyphs::PATCH).unwrap();
        let dataset = Dataset::captions(&pictures, text, 32).unwrap();
        let batch = if validation { dataset.validation(16, 0) } else { dataset.batch(16, &mut Random::new(1, 0)) };
        assert_eq!(batch.parts.len(), 2);
        assert_eq!((batch.parts[1].shape().batch(), batch.parts[1].item()), (16, [1, 7, 7]));
        let Values::Bytes(bytes) = batch.parts[0].values() else { panic!("TEXT has bytes") };
        let rows = bytes.chunks(32).zip(batch.targets.chunks(32));
        rows.map(|(inputs, targets)| {
            let targets: Vec<u8> = targets.iter().map(|target| u8::try_from(*target).unwrap()).collect();
            assert_eq!(inputs[1..], targets[..31]);
            String::from_utf8([&inputs[..1], &targets].concat()).unwrap()
        })
        .collect()
    }

    #[test]
    fn a_window_ends_in_the_name_of_the_picture() {
        for window in windows(None, false) {
            let caption = window.trim_matches('\n');
            assert!(caption.starts_with("digit ") || caption.starts_with("letter "), "{window:?}");
            assert!(window.ends_with(&format!("\n{caption}\n")));
        }
    }

    #[test]
    fn held_out_captions_stand_after_held_out_text() {
        let text: Vec<u8> = (0..2000).map(|i| if i < 1800 { b'a' } else { b'b' }).collect();
        assert!(windows(Some(&text), false).iter().all(|window| window.starts_with('a')));
        assert!(windows(Some(&text), true).iter().all(|window| window.starts_with('b')));
    }

    #[test]
    fn captions_need_labelled_pictures_and_room() {
        let text = Dataset::text(&[b'a'; 2000], None, 32).unwrap();
        assert_eq!(Dataset::captions(&text, None, 32).unwrap_err(), Error::NotPictures);
        let pictures = Dataset::glyphs(&glyphs::bundled(), glyphs::PATCH).unwrap();
        let refused = Dataset::captions(&pictures, None, 11).unwrap_err();
        assert!(matches!(refused, Error::Caption { least: 12, seq: 11, .. }), "{refused:?}");
        assert!(Dataset::captions(&pictures, None, 12).is_ok());
    }
}
