//! Tables of comma-separated values (RFC 4180; also semicolons and tabs) with a line of names.
//!
//! One column is the label; every other column of numbers is a feature, brought to mean 0 and deviation 1 over the
//! training part. Missing values take the mean. Columns of words and columns without a name (row numbers, mostly) are
//! left out, and the person is told.
//!
//! The file is read twice, first to see what its columns hold, then for the values, so that a large one is never held
//! as text in pieces. Whoever made it could name a million columns or labels, or write no table at all: the first are
//! bounded, the last is told by line.

mod columns;
mod label;

use crate::{
    Error, Options, Part,
    labelled::{Labelled, Values},
    limits, picture,
    split::{Split, hash},
};
use columns::Columns;
use csv::{Reader, ReaderBuilder, StringRecord};
use protocol::exchange::Modality;

/// Deviations from the mean at which a value is cut: one far off would outweigh all else.
const FARTHEST: f32 = 10.0;

/// The examples of a table.
pub(crate) fn read(csv: &[u8], options: &Options) -> Result<Labelled, Error> {
    let (columns, hashes) = look(csv, options.label.as_deref())?;
    let examples = hashes.len();
    let features = columns.features.len();
    if features > limits::FEATURES {
        return Err(Error::TooLarge { unit: "columns of numbers", got: features, most: limits::FEATURES });
    }
    if examples.saturating_mul(features) > limits::CELLS {
        return Err(Error::TooLarge { unit: "numbers", got: examples.saturating_mul(features), most: limits::CELLS });
    }
    let split = Split::new(&hashes)?;
    let mut values = values(csv, &columns, examples)?;
    let label = label::classes(&columns, &split)?;
    let (part, values) = match options.square {
        None => {
            standardise(&mut values, features, &split);
            (Part { modality: Modality::Tensor, seq: 1, item: [features, 1, 1] }, Values::Reals(values))
        }
        Some(patch) => {
            let side = features.isqrt();
            if side * side != features {
                return Err(Error::NotSquare { features });
            }
            (picture::part(side, patch, 1)?, Values::Bytes(pixels(&values, side, patch, &split)?))
        }
    };
    let what = match options.square {
        None => format!("{features} numbers"),
        Some(_) => format!("{features} pixels"),
    };
    let story = format!("{examples} rows of {what}; {}{}", label.story, columns.story());
    Labelled::new(part, values, label.targets, label.names, split, story)
}

/// What the columns hold, and a hash of each row.
fn look(csv: &[u8], label: Option<&str>) -> Result<(Columns, Vec<u64>), Error> {
    let columns = widest(csv);
    if columns > limits::COLUMNS {
        return Err(Error::TooLarge { unit: "columns", got: columns, most: limits::COLUMNS });
    }
    let mut reader = reader(csv);
    let header = reader.headers().map_err(|error| told(&error))?;
    let mut columns = Columns::new(header, label)?;
    let mut hashes = Vec::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| told(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        if hashes.len() == limits::ROWS {
            return Err(Error::TooLarge { unit: "rows or more", got: limits::ROWS + 1, most: limits::ROWS });
        }
        columns.see(&record, line)?;
        hashes.push(hash(record.iter().map(str::as_bytes)));
    }
    if hashes.is_empty() {
        return Err(Error::TooFew { examples: 0 });
    }
    columns.choose()?;
    Ok((columns, hashes))
}

/// [rows, features]; not-a-number where a value is missing.
fn values(csv: &[u8], columns: &Columns, examples: usize) -> Result<Vec<f32>, Error> {
    let mut reader = reader(csv);
    let mut values = Vec::with_capacity(examples * columns.features.len());
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| told(&error))? {
        for column in &columns.features {
            let value = record.get(*column).and_then(columns::number);
            values.push(value.map_or(f32::NAN, |value| value as f32));
        }
    }
    Ok(values)
}

fn reader(csv: &[u8]) -> Reader<&[u8]> {
    ReaderBuilder::new().delimiter(delimiter(csv)).trim(csv::Trim::All).from_reader(csv)
}

/// What separates values: of comma, semicolon and tab, the one that the first line has most of.
fn delimiter(csv: &[u8]) -> u8 {
    let first = lines(csv).next().unwrap_or_default();
    let count = |byte: &u8| first.iter().filter(|other| *other == byte).count();
    let most = [b'\t', b';', b','].into_iter().max_by_key(|byte| count(byte));
    most.unwrap_or(b',')
}

/// Values of the line that has most of them, counting those that a quoted value seems to have.
fn widest(csv: &[u8]) -> usize {
    let delimiter = delimiter(csv);
    let values = |line: &[u8]| line.iter().filter(|byte| **byte == delimiter).count() + 1;
    lines(csv).map(values).max().unwrap_or(0)
}

fn lines(csv: &[u8]) -> impl Iterator<Item = &[u8]> {
    csv.split(|byte| matches!(byte, b'\n' | b'\r'))
}

fn told(error: &csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Error::Ragged { line, expected: *expected_len, got: *len }
        }
        _ => Error::NotUtf8 { line },
    }
}

/// Mean 0 and deviation 1 over the training part, 0 where a value is missing.
fn standardise(values: &mut [f32], features: usize, split: &Split) {
    for feature in 0..features {
        let known =
            || split.training.iter().map(|row| f64::from(values[row * features + feature])).filter(|v| !v.is_nan());
        let count = known().count().max(1) as f64;
        let mean = known().sum::<f64>() / count;
        let deviation = (known().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let scale = if deviation > 1e-12 * mean.abs() && deviation.is_normal() { deviation.recip() } else { 0.0 };
        for row in values.chunks_exact_mut(features) {
            let value = ((f64::from(row[feature]) - mean) * scale) as f32;
            row[feature] = if value.is_finite() { value.clamp(-FARTHEST, FARTHEST) } else { 0.0 };
        }
    }
}

/// Features as patches of gray pixels: 0 for the smallest value of the training part, 255 for its largest, 0 where
/// missing.
fn pixels(values: &[f32], side: usize, patch: usize, split: &Split) -> Result<Vec<u8>, Error> {
    let features = side * side;
    let training = || split.training.iter().flat_map(|row| &values[row * features..(row + 1) * features]);
    let least = training().copied().fold(f32::INFINITY, f32::min);
    let most = training().copied().fold(f32::NEG_INFINITY, f32::max);
    let scale = if most > least { 255.0 / (most - least) } else { 0.0 };
    let mut pixels = Vec::with_capacity(values.len());
    for row in values.chunks_exact(features) {
        let row = row.iter().map(|value| picture::byte((value - least) * scale)).collect();
        pixels.extend(crate::Picture::new(side, side, 1, row)?.patches(patch));
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Random};
    use protocol::exchange::Values as Given;

    /// Thirty rows of two numbers and a label.
    fn table(names: &str, row: impl Fn(usize) -> String) -> String {
        let rows: Vec<String> = (0..30).map(row).collect();
        format!("{names}\n{}\n", rows.join("\n"))
    }

    fn flowers() -> String {
        table("length,width,species", |i| format!("{},{},{}", i, 100 + 3 * i, if i % 2 == 0 { "rose" } else { "lily" }))
    }

    fn read(csv: &str) -> Result<Dataset, Error> {
        Dataset::table(csv.as_bytes(), &Options::default())
    }

    #[test]
    fn numbers_are_standardised_and_the_last_column_is_the_label() {
        let dataset = read(&flowers()).unwrap();
        assert_eq!(dataset.labels(), ["lily", "rose"]);
        assert_eq!(dataset.spec().parts, [Part { modality: Modality::Tensor, seq: 1, item: [2, 1, 1] }]);
        let mut rows = Vec::new();
        let batch = dataset.batch(64, &mut Random::new(1, 0));
        let Given::Reals(values) = batch.parts[0].values() else { panic!("TENSOR has reals") };
        for (row, target) in values.chunks(2).zip(&batch.targets) {
            assert!((row[0] - row[1]).abs() < 1e-4 && row[0].abs() < 2.0, "{row:?}");
            rows.push((row[0].to_bits(), *target));
        }
        rows.sort_unstable();
        rows.dedup();
        assert!(rows.len() > 15);
        let story =
            "30 rows of 2 numbers; label 'species' of 2 classes (lily, rose); 27 for training, 3 for validation";
        assert_eq!(dataset.describe(), story);
    }

    #[test]
    fn a_column_of_a_known_name_is_the_label() {
        for name in ["label", "Class", "target", "y"] {
            let csv = table(&format!("{name},a,b"), |i| format!("{},{i},{}", i % 3, i * i));
            assert_eq!(read(&csv).unwrap().labels(), ["0", "1", "2"], "{name}");
        }
        let named = Options { label: Some("A".into()), ..Options::default() };
        let csv = table("a,b,label", |i| format!("{},{i},{}", i % 5, i % 2));
        assert_eq!(Dataset::table(csv.as_bytes(), &named).unwrap().spec().classes, 5);
        let missing = Options { label: Some("z".into()), ..Options::default() };
        let error = Dataset::table(csv.as_bytes(), &missing).unwrap_err();
        assert_eq!(error.to_string(), "line 1 has no column 'z'; it has a, b, label");
    }

    #[test]
    fn semicolons_and_tabs_separate_too() {
        for by in [";", "\t"] {
            assert_eq!(read(&flowers().replace(',', by)).unwrap().spec().classes, 2);
        }
    }

    #[test]
    fn many_distinct_numbers_become_sixteen_classes() {
        let rows: Vec<String> = (0..800).map(|i| format!("{i},{}", i as f64 * 0.5)).collect();
        let dataset = read(&format!("a,price\n{}", rows.join("\n"))).unwrap();
        assert_eq!(dataset.spec().classes, 16);
        assert!(
            dataset.describe().contains("label 'price' of 800 numbers in 16 classes of about equal size"),
            "{}",
            dataset.describe()
        );
        let mut counts = [0; 16];
        let mut random = Random::new(1, 0);
        for _ in 0..100 {
            dataset.batch(32, &mut random).targets.iter().for_each(|target| counts[usize::from(*target)] += 1);
        }
        assert!(counts.iter().all(|count| (130..280).contains(count)), "{counts:?}");
    }

    #[test]
    fn missing_values_take_the_mean_and_are_told() {
        let csv = table("a,b,label", |i| format!("{},{i},{}", if i == 4 { "NA".into() } else { i.to_string() }, i % 2));
        let dataset = read(&csv).unwrap();
        assert!(dataset.describe().contains("1 missing value replaced by the mean"), "{}", dataset.describe());
    }

    #[test]
    fn columns_of_words_and_without_a_name_are_left_out_and_told() {
        let csv = table(",name,a,label", |i| format!("{i},Ann{i},{i},{}", i % 2));
        let dataset = read(&csv).unwrap();
        assert_eq!(dataset.spec().parts[0].item, [1, 1, 1]);
        assert!(dataset.describe().contains("left out: column 1 (no name), 'name' (words)"), "{}", dataset.describe());
    }

    #[test]
    fn a_table_of_pixels_may_be_pictures() {
        let names: Vec<String> = (0..64).map(|i| format!("p{i}")).collect();
        let pixels = |i: usize| (0..64).map(|p| format!("{}", (p + i) % 17)).collect::<Vec<_>>().join(",");
        let csv = table(&format!("{},digit", names.join(",")), |i| format!("{},{}", pixels(i), i % 10));
        for (patch, seq) in [(2, 16), (8, 1)] {
            let options = Options { square: Some(patch), ..Options::default() };
            let dataset = Dataset::table(csv.as_bytes(), &options).unwrap();
            assert_eq!(dataset.spec().parts, [Part { modality: Modality::Image, seq, item: [1, patch, patch] }]);
        }
        let refused = Dataset::table(flowers().as_bytes(), &Options { square: Some(1), ..Options::default() });
        assert_eq!(refused.unwrap_err(), Error::NotSquare { features: 2 });
    }

    #[test]
    fn a_table_beyond_the_bounds_is_refused_before_it_is_held() {
        let wide = format!("{}\n1,2\n", "a,".repeat(limits::COLUMNS));
        let refused = Error::TooLarge { unit: "columns", got: limits::COLUMNS + 1, most: limits::COLUMNS };
        assert_eq!(read(&wide).unwrap_err(), refused);
        let long = format!("a,b\n{}", "1,2\n".repeat(limits::ROWS + 1));
        assert!(matches!(read(&long), Err(Error::TooLarge { unit: "rows or more", .. })));
        let names: Vec<String> = (0..=limits::FEATURES + 1).map(|i| format!("n{i}")).collect();
        let row = |i: usize| format!("{}{}", "1,".repeat(limits::FEATURES + 1), i % 2);
        let refused = Error::TooLarge { unit: "columns of numbers", got: limits::FEATURES + 1, most: limits::FEATURES };
        assert_eq!(read(&table(&names.join(","), row)).unwrap_err(), refused);
    }

    #[test]
    fn what_is_wrong_is_told_by_line() {
        let told = |csv: &str| read(csv).unwrap_err().to_string();
        assert!(told(&table("1,2", |i| format!("{i},{i}"))).starts_with("line 1 holds numbers alone"));
        assert!(told(&flowers().replace("\n5,", "\n5,7,")).starts_with("line 7 has 4 values where the header has 3"));
        assert!(
            told(&flowers().replace("\n5,", "\nfive,")).starts_with("line 7, column 'length': 'five' is not a number")
        );
        assert!(
            told(&flowers().replace("\n4,112,rose", "\n4,112,")).starts_with("line 6 has no label in column 'species'")
        );
        assert!(told(&flowers().replace("lily", "rose")).starts_with("all 30 examples have the label 'rose'"));
        assert!(told("a,label\n1,2\n3,4\n").starts_with("2 examples, at least 20"));
        assert!(told("a,label\n").starts_with("0 examples, at least 20"));
        assert!(told("words\nmore\n").starts_with("line 1 names 1 column(s)"));
        assert!(
            told(&table("a,label", |i| format!("w{i},{}", i % 2))).starts_with("no column beside the label 'label'")
        );
        assert!(told(&table("a,name", |i| format!("{i},w{i}"))).starts_with("30 labels for 30 examples"));
        assert!(
            told(&table("a,label", |i| format!("1,{}", i % 2)).replace(",1\n", ",0\n")).starts_with("all 30 examples")
        );
        let latin = flowers().replace("\n5,115,lily", "\n5,115,l?ly").replace('?', "\u{1}").into_bytes();
        let latin: Vec<u8> = latin.into_iter().map(|byte| if byte == 1 { 0xEF } else { byte }).collect();
        let error = Dataset::table(&latin, &Options::default()).unwrap_err();
        assert_eq!(error, Error::NotUtf8 { line: 7 });
    }
}
