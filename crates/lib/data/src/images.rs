//! Pictures with labels from the names of their files.
//!
//! `cat/01.png` is of the class `cat`; where the folders tell nothing apart, `cat-01.png` is too. Names come from whoever
//! made the files and are shown as they are; they choose nothing but a class.

use crate::{
    Error, Options, Picture,
    labelled::{Labelled, Values},
    limits, picture,
    split::{Split, hash},
};
use std::collections::BTreeMap;

/// The pictures of these files, brought to one size and cut into patches.
pub(crate) fn read(pictures: &[(String, Picture)], options: &Options) -> Result<Labelled, Error> {
    let examples = pictures.len();
    let channels = if options.colour { 3 } else { 1 };
    let part = picture::part(options.side, options.patch, channels)?;
    let total = examples.saturating_mul(part.values());
    if total > limits::PICTURES_BYTES {
        return Err(Error::TooLarge { unit: "bytes of pictures", got: total, most: limits::PICTURES_BYTES });
    }
    if examples == 1 {
        return Err(Error::OnePicture);
    }
    let labels = labels(pictures.iter().map(|(name, _)| name.as_str()))?;
    let (targets, names) = classes(&labels)?;
    let mut values = Vec::with_capacity(total);
    for (name, picture) in pictures {
        let picture = picture.coloured(options.colour).resized(options.side).map_err(|error| error.of(name))?;
        values.extend(picture.patches(options.patch));
    }
    let hashes: Vec<u64> = values.chunks_exact(part.values()).map(|one| hash([one])).collect();
    let split = Split::new(&hashes)?;
    let colour = if options.colour { "coloured" } else { "gray" };
    let story = format!(
        "{examples} {colour} pictures of {side} by {side} pixels in {} classes ({})",
        names.len(),
        list(&names),
        side = options.side
    );
    Labelled::new(part, Values::Bytes(values), targets, names, split, story)
}

/// The label of each name: its folder where folders tell files apart, else what it begins with.
fn labels<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Result<Vec<String>, Error> {
    let folders: Vec<String> = names.clone().map(|name| folder(name).to_owned()).collect();
    if folders.iter().any(|folder| *folder != folders[0]) && folders.iter().all(|folder| !folder.is_empty()) {
        return Ok(folders);
    }
    let begun = names.map(|name| match prefix(name) {
        "" => Err(Error::NoName { name: name.to_owned() }),
        label => Ok(label.to_owned()),
    });
    begun.collect()
}

fn parts(name: &str) -> (&str, &str) {
    name.rsplit_once(['/', '\\']).unwrap_or(("", name))
}

fn folder(name: &str) -> &str {
    parts(parts(name).0).1
}

/// `cat` of `cat-01.png`, `cat_1.png`, `cat 1.png`, `cat01.png` and `cat.png`.
fn prefix(name: &str) -> &str {
    let file = parts(name).1;
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let numbered = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | ' ' | '.' | '(' | ')');
    stem.trim_end_matches(numbered).split(['-', '_', ' ']).next().unwrap_or_default()
}

/// Numbers for labels, in their order, and their names.
fn classes(labels: &[String]) -> Result<(Vec<u16>, Vec<String>), Error> {
    let mut numbers: BTreeMap<&str, u16> = labels.iter().map(|label| (label.as_str(), 0)).collect();
    let classes = numbers.len();
    if classes > limits::CLASSES {
        return Err(Error::Classes { classes });
    }
    if classes > 1 && classes > labels.len() / 2 {
        return Err(Error::OneEach { classes, examples: labels.len() });
    }
    numbers.values_mut().zip(0..).for_each(|(number, next)| *number = next);
    let names = numbers.keys().map(|name| (*name).to_owned()).collect();
    Ok((labels.iter().filter_map(|label| numbers.get(label.as_str()).copied()).collect(), names))
}

/// The first of them, for a person.
pub(crate) fn list(names: &[String]) -> String {
    const SHOWN: usize = 6;
    const LENGTH: usize = 40;
    let short = |name: &String| name.chars().take(LENGTH).collect::<String>();
    let shown = names.iter().take(SHOWN).map(short).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown}, …") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Random};

    fn pictures(names: impl Iterator<Item = String>) -> Vec<(String, Picture)> {
        names.enumerate().map(|(i, name)| (name, Picture::new(2, 2, 1, vec![i as u8; 4]).unwrap())).collect()
    }

    #[test]
    fn labels_come_from_folders_or_else_from_names() {
        let of = |names: &[&str]| labels(names.iter().copied());
        assert_eq!(of(&["a/cat/01.png", "a/dog/01.png"]).unwrap(), ["cat", "dog"]);
        assert_eq!(of(&["photos/cat-01.png", "photos/dog 2.png"]).unwrap(), ["cat", "dog"]);
        assert_eq!(of(&["cat01.png", "dog_brown_1.png", "cat (2).png"]).unwrap(), ["cat", "dog", "cat"]);
        assert_eq!(of(&["01.png"]), Err(Error::NoName { name: "01.png".into() }));
    }

    #[test]
    fn pictures_become_batches_of_patches() {
        let names = (0..40).map(|i| format!("{}-{i}.png", if i % 2 == 0 { "cat" } else { "dog" }));
        let dataset = Dataset::images(&pictures(names), &Options::default()).unwrap();
        assert_eq!(dataset.labels(), ["cat", "dog"]);
        let batch = dataset.batch(5, &mut Random::new(1, 0));
        assert_eq!((batch.batch(), batch.parts[0].shape().seq(), batch.parts[0].item()), (5, 16, [1, 7, 7]));
        let story = "40 gray pictures of 28 by 28 pixels in 2 classes (cat, dog); 36 for training, 4 for validation";
        assert_eq!(dataset.describe(), story);
    }

    #[test]
    fn pictures_without_classes_are_refused_with_the_reason() {
        let options = Options::default();
        let alone = Dataset::images(&pictures((0..30).map(|i| format!("{}.png", char::from(b'a' + i % 26)))), &options);
        assert_eq!(alone.unwrap_err(), Error::OneEach { classes: 26, examples: 30 });
        let same = Dataset::images(&pictures((0..30).map(|i| format!("cat{i}.png"))), &options);
        assert_eq!(same.unwrap_err(), Error::OneClass { label: "cat".into(), examples: 30 });
        let one = Dataset::images(&pictures(["cat.png".to_owned()].into_iter()), &options);
        assert_eq!(one.unwrap_err(), Error::OnePicture);
        let none = Dataset::images(&[], &options);
        assert_eq!(none.unwrap_err(), Error::TooFew { examples: 0 });
    }

    #[test]
    fn a_patch_divides_the_side() {
        let options = Options { patch: 5, ..Options::default() };
        assert_eq!(Dataset::images(&[], &options).unwrap_err(), Error::Patch { side: 28, patch: 5 });
    }
}
