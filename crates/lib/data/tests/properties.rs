//! What holds for datasets of every sort: whatever the bytes, nothing panics; batches are as the spec says; the same
//! seed gives the same batches; nothing that is validated on is trained on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail")]

use peerage_data::{Batch, Dataset, Options, Picture, Random, glyphs, read::Reader};
use proptest::prelude::*;
use protocol::exchange::{Inputs, Values};
use std::collections::HashSet;

const NAMES: [&str; 6] = ["a", "a.txt", "a.csv", "a.tsv", "a.wav", "a.png"];

/// A recording of noise that changes, 16 bit.
fn recording(samples: usize) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data".to_vec();
    bytes.extend(u32::try_from(2 * samples).unwrap().to_le_bytes());
    let length = u32::try_from(bytes.len() - 8 + 2 * samples).unwrap();
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    let mut random = Random::new(1, 0);
    for at in 0..samples {
        let loud = 0.1 + (at / 400 % 7) as f32 / 10.0;
        bytes.extend(
            ((random.unit() - 0.5) * loud * 30_000.0).round().to_string().parse::<i16>().unwrap().to_le_bytes(),
        );
    }
    bytes
}

fn table(rows: usize) -> String {
    let row = |i: usize| format!("{},{},{}", i, (i * 7919) % 1009, ["rose", "lily", "oak"][i % 3]);
    format!("length,width,species\n{}", (0..rows).map(row).collect::<Vec<_>>().join("\n"))
}

fn photographs() -> Vec<(String, Picture)> {
    let mut random = Random::new(3, 0);
    let mut picture = || Picture::new(9, 12, 3, (0..324).map(|_| random.next() as u8).collect()).unwrap();
    (0..40).map(|i| (format!("{}-{i}.png", ["cat", "dog"][i % 2]), picture())).collect()
}

/// One of each sort.
fn datasets() -> Vec<Dataset> {
    let options = Options { seq: 16, ..Options::default() };
    let mut random = Random::new(2, 0);
    let text: Vec<u8> = (0..100_000).map(|_| random.next() as u8).collect();
    let drawings = Dataset::glyphs(&glyphs::bundled(), glyphs::PATCH).unwrap();
    let photographs = Dataset::images(&photographs(), &options).unwrap();
    vec![
        Dataset::text(&text, None, 32).unwrap(),
        Dataset::text(&text, Some("key"), 32).unwrap(),
        Dataset::read("a.csv", table(200).as_bytes(), &options).unwrap(),
        Dataset::read("a.wav", &recording(100_000), &options).unwrap(),
        Dataset::images(&self::photographs(), &Options { colour: true, ..options.clone() }).unwrap(),
        Dataset::captions(&drawings, None, 20).unwrap(),
        Dataset::captions(&photographs, Some(&text), 20).unwrap(),
        drawings.restrict(&[1, 2, 3]).unwrap(),
        photographs,
        drawings,
    ]
}

/// The bits of each example of some inputs.
fn examples(inputs: &Inputs) -> Vec<Vec<u32>> {
    let bits: Vec<u32> = match inputs.values() {
        Values::Bytes(bytes) => bytes.iter().map(|byte| u32::from(*byte)).collect(),
        Values::Reals(reals) => reals.iter().map(|real| real.to_bits()).collect(),
    };
    bits.chunks(inputs.shape().seq() as usize * inputs.width()).map(<[u32]>::to_vec).collect()
}

/// The last part tells examples apart: it is the picture of a caption, and elsewhere the only one.
fn known(batch: &Batch) -> Vec<Vec<u32>> {
    examples(batch.parts.last().unwrap())
}

fn fits(dataset: &Dataset, batch: &Batch, n: usize) {
    let spec = dataset.spec();
    assert_eq!(batch.batch(), n);
    assert_eq!(batch.parts.len(), spec.parts.len());
    for (inputs, part) in batch.parts.iter().zip(&spec.parts) {
        assert_eq!(inputs.modality(), part.modality);
        assert_eq!((inputs.shape().batch() as usize, inputs.shape().seq() as usize), (n, part.seq));
        assert_eq!(inputs.item().map(|side| side as usize), part.item);
    }
    assert_eq!(batch.targets.len(), n * spec.targets());
    assert!(batch.targets.iter().all(|target| usize::from(*target) < spec.classes));
}

#[test]
fn batches_are_as_the_spec_says() {
    for dataset in datasets() {
        for n in [1, 2, 7, 64] {
            fits(&dataset, &dataset.batch(n, &mut Random::new(1, 0)), n);
        }
        assert_eq!(dataset.batch(0, &mut Random::new(1, 0)).batch(), 1);
        assert_eq!(dataset.batch(10_000, &mut Random::new(1, 0)).batch(), 64);
        assert!(dataset.bytes() > 0 && !dataset.describe().is_empty());
    }
}

#[test]
fn the_same_seed_gives_the_same_batches_and_another_one_others() {
    for (one, two) in datasets().iter().zip(datasets()) {
        let three = |dataset: &Dataset, seed| {
            let mut random = Random::new(seed, 0);
            [(); 3].map(|()| dataset.batch(8, &mut random))
        };
        assert_eq!(three(one, 1), three(&two, 1));
        assert_ne!(three(one, 1), three(one, 2), "{}", one.describe());
    }
}

#[test]
fn validation_holds_every_held_out_example_once_and_repeats() {
    for dataset in datasets() {
        let all = |n| -> Vec<Vec<u32>> {
            (0..dataset.validation_batches(n)).flat_map(|index| known(&dataset.validation(n, index))).collect()
        };
        let whole = all(1);
        assert!(whole.len() > 1, "{}", dataset.describe());
        assert_eq!(whole, all(7));
        assert_eq!(whole.iter().collect::<HashSet<_>>().len(), whole.len(), "{}", dataset.describe());
        let batches = dataset.validation_batches(7);
        assert_eq!(dataset.validation(7, 0), dataset.validation(7, batches));
        for index in 0..batches {
            let batch = dataset.validation(7, index);
            fits(&dataset, &batch, batch.batch());
        }
    }
}

#[test]
fn nothing_that_is_validated_on_is_trained_on() {
    for dataset in datasets() {
        let held: HashSet<Vec<u32>> =
            (0..dataset.validation_batches(64)).flat_map(|index| known(&dataset.validation(64, index))).collect();
        let mut random = Random::new(9, 0);
        for _ in 0..100 {
            let trained = known(&dataset.batch(64, &mut random));
            assert!(trained.iter().all(|example| !held.contains(example)), "{}", dataset.describe());
        }
    }
}

#[test]
fn rows_of_a_batch_keep_their_targets() {
    for dataset in datasets() {
        let batch = dataset.batch(5, &mut Random::new(1, 0));
        let rows = batch.rows(&[4, 0, 4]).unwrap();
        fits(&dataset, &rows, 3);
        let each = dataset.spec().targets();
        assert_eq!(rows.targets[..each], batch.targets[4 * each..]);
        assert_eq!(known(&rows)[1], known(&batch)[0]);
        assert!(batch.rows(&[5]).is_none() && batch.rows(&[]).is_none());
    }
}

#[test]
fn a_table_in_another_order_has_the_same_validation() {
    let options = Options::default();
    let one = table(200);
    let mut lines: Vec<&str> = one.lines().collect();
    lines[1..].reverse();
    let rows = |csv: &str| -> HashSet<u16> {
        let dataset = Dataset::table(csv.as_bytes(), &options).unwrap();
        let held = (0..dataset.validation_batches(64)).flat_map(|index| known(&dataset.validation(64, index)));
        held.map(|bits| (f32::from_bits(bits[0]) * 1_000.0).round() as i32 as u16).collect()
    };
    assert_eq!(rows(&one), rows(&lines.join("\n")));
}

/// Reads it whole and in pieces; what is accepted gives batches.
fn survive(name: &str, bytes: &[u8], options: &Options) {
    let read = Dataset::read(name, bytes, options);
    if let Ok(mut reader) = Reader::new(name, bytes.len()) {
        let pushed: Result<Vec<()>, _> = bytes.chunks(1_000).map(|piece| reader.push(piece)).collect();
        if pushed.is_ok() {
            assert_eq!(reader.finish(options).map(|other| other.describe()), read.clone().map(|one| one.describe()));
        }
    }
    match read {
        Ok(dataset) => {
            let batch = dataset.batch(3, &mut Random::new(1, 0));
            fits(&dataset, &batch, batch.batch());
            let held = dataset.validation(3, 0);
            fits(&dataset, &held, held.batch());
        }
        Err(error) => assert!(error.to_string().starts_with(name), "{error}"),
    }
}

fn options() -> impl Strategy<Value = Options> {
    let square = prop_oneof![3 => Just(None), 1 => (0..4usize).prop_map(Some)];
    (0..40usize, prop::option::of("[a-c]{0,2}"), prop::option::of("[a-c]{1}"), square)
        .prop_map(|(seq, shard, label, square)| Options { seq, shard, label, square, ..Options::default() })
}

proptest! {
    #[test]
    fn any_bytes_are_a_dataset_or_refused(
        name in prop::sample::select(NAMES.as_slice()),
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3_000),
            prop::collection::vec(prop_oneof![32..127u8, Just(b'\n')], 0..3_000),
        ],
        options in options(),
    ) {
        survive(name, &bytes, &options);
    }

    #[test]
    fn any_table_is_a_dataset_or_refused(csv in "[a-c0-3\".,;\t\n-]{0,600}", options in options()) {
        survive("a.csv", csv.as_bytes(), &options);
    }

    #[test]
    fn any_even_table_is_a_dataset_or_refused(
        rows in prop::collection::vec(
            ("[0-9]{0,3}|1e3[0-9]|-?inf|nan|-?[0-9]{1,2}", "-?[0-9]\\.[0-9]", "[a-d]"),
            10..60,
        ),
        label in prop_oneof![Just("[a-d]"), Just("[0-9]"), Just("[0-9]{1,2}|x|")].prop_flat_map(|label| {
            prop::collection::vec(label, 60)
        }),
        options in options(),
    ) {
        let row = |((a, b, c), d): (&(String, String, String), &String)| format!("{a},{b},{c},{d}");
        let rows: Vec<String> = rows.iter().zip(&label).map(row).collect();
        survive("a.csv", format!("a,b,c,d\n{}", rows.join("\n")).as_bytes(), &options);
    }

    #[test]
    fn a_recording_with_any_header_is_a_dataset_or_refused(
        changes in prop::collection::vec((0..44usize, any::<u8>()), 0..3),
        cut in prop_oneof![Just(usize::MAX), 0..16_044usize],
        seq in 0..4usize,
    ) {
        let options = Options { seq, ..Options::default() };
        let mut bytes = recording(8_000);
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        survive("a.wav", &bytes, &options);
    }

    #[test]
    fn any_samples_are_a_dataset_or_refused(
        samples in prop::collection::vec(any::<f32>(), 0..3_000),
        scale in prop_oneof![Just(1.0f32), Just(1e-38), Just(0.0)],
        rate in prop_oneof![any::<u32>(), 3_000..200_000u32],
    ) {
        let samples: Vec<f32> = samples.iter().map(|sample| sample * scale).collect();
        if let Ok(dataset) = Dataset::speech(&samples, rate, 1) {
            fits(&dataset, &dataset.batch(2, &mut Random::new(1, 0)), 2);
        }
    }

    #[test]
    fn any_picture_is_resized_or_refused(
        sides in (0..40usize, 0..40usize, 0..6usize), less in 0..2usize, side in 0..50usize, colour in any::<bool>(),
    ) {
        let (rows, columns, channels) = sides;
        let pixels = vec![200; (rows * columns * channels).saturating_sub(less)];
        if let Ok(picture) = Picture::new(rows, columns, channels, pixels) {
            let copy = glyphs::distort(&picture, &mut Random::new(1, 0));
            prop_assert_eq!((copy.rows(), copy.columns(), copy.channels()), (rows, columns, 1));
            if let Ok(resized) = picture.coloured(colour).resized(side) {
                prop_assert_eq!(resized.pixels().len(), side * side * if colour { 3 } else { 1 });
            }
        }
    }
}
