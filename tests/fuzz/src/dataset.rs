//! A file that somebody drops on the page: it is refused with its name, or gives batches of its spec.

use data::{Dataset, Options, Random, read::Reader};

/// By the first byte.
const NAMES: [&str; 5] = ["a", "a.csv", "a.tsv", "a.wav", "a.png"];

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let square = (*first & 0x80 != 0).then_some(1);
    let options = Options { seq: 4, square, ..Options::default() };
    if let Ok(mut reader) = Reader::new(name, bytes.len()) {
        let _ = bytes.chunks(100).try_for_each(|piece| reader.push(piece));
    }
    let dataset = match Dataset::read(name, bytes, &options) {
        Ok(dataset) => dataset,
        Err(error) => return assert!(error.to_string().starts_with(name)),
    };
    for batch in [dataset.batch(3, &mut Random::new(1, 0)), dataset.validation(3, 0)] {
        assert_eq!(batch.parts.len(), dataset.spec().parts.len());
        assert_eq!(batch.targets.len(), batch.batch() * dataset.spec().targets());
        assert!(batch.targets.iter().all(|target| usize::from(*target) < dataset.spec().classes));
    }
}
