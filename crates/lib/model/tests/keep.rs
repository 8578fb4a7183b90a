//! A model kept as bytes goes on as if nothing had been, and what is not a kept model is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

mod common;

use std::collections::BTreeMap;

use common::{ask, learner, noisy, run, text};
use futures::executor::block_on;
use peerage_model::{Error, Extra, Join, Learner, Preset, Random, cpu};

const PRESET: Preset = Preset { taught: 3, join: Join::Beside, ..Preset::tiny() };

/// Steps `from..to` of a run with two peers, of which one leaves: the bits of its losses.
fn steps(learner: &mut Learner, from: u64, to: u64) -> Vec<u64> {
    let others = [8, 9].map(|seed| self::learner(PRESET, seed));
    let dataset = text(&PRESET);
    let mut bits = Vec::new();
    for step in from..to {
        let mut random = Random::new(step, 4);
        let batch = dataset.batch(PRESET.batch, &mut random);
        let routing = noisy(learner, &batch, &[0, 1], &mut random);
        let there = if step < 8 { Some(&others[0]) } else { None };
        let answers = ask(&routing, &batch, &[(0, there), (1, Some(&others[1]))]);
        let outcome = run(learner, &batch, &routing, answers, Extra::default());
        bits.extend([outcome.losses.with_peers.unwrap(), outcome.losses.alone].map(f64::to_bits));
        learner.apply(outcome).unwrap();
    }
    bits
}

fn load(bytes: &[u8]) -> Result<Learner, Error> {
    let spec = learner(PRESET, 1).spec().clone();
    Learner::load(bytes, PRESET, &spec, &cpu().device)
}

#[test]
fn the_loss_curve_goes_on_bit_for_bit() {
    let mut whole = learner(PRESET, 1);
    let first = steps(&mut whole, 0, 6);
    let kept = block_on(whole.save()).unwrap();
    let rest = steps(&mut whole, 6, 14);
    let mut restored = load(&kept).unwrap();
    assert_eq!(Learner::note(&kept).unwrap(), "");
    assert_eq!(Learner::note(&block_on(whole.save_with("slots".into())).unwrap()).unwrap(), "slots");
    assert_eq!((restored.step(), restored.taught(), restored.budget()), (6, vec![0, 1], load(&kept).unwrap().budget()));
    assert_eq!(steps(&mut restored, 6, 14), rest);
    assert_ne!(first, rest[..first.len()]);
    assert_eq!(block_on(whole.save()).unwrap(), block_on(restored.save()).unwrap());
}

#[test]
fn a_file_that_is_cut_off_changed_or_foreign_is_refused() {
    let mut learner = learner(PRESET, 1);
    steps(&mut learner, 0, 2);
    let kept = block_on(learner.save()).unwrap();
    for length in [0, 7, 8, 20, 24, kept.len() / 2, kept.len() - 1] {
        let error = load(&kept[..length]).unwrap_err();
        assert!(matches!(error, Error::Damaged(_)), "{length}: {error}");
    }
    for place in [30, kept.len() / 2, kept.len() - 1] {
        let mut changed = kept.clone();
        changed[place] ^= 4;
        let error = load(&changed).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
    }
    let mut newer = kept.clone();
    newer[8] = 2;
    assert!(matches!(load(&newer), Err(Error::OtherVersion { expected: 1, got: 2 })));
    let other = Preset { hidden: 9, ..PRESET };
    let error = Learner::load(&kept, other, learner.spec(), &cpu().device).unwrap_err();
    assert!(matches!(error, Error::ForeignWeights { ref name, .. } if name.contains("perceptron")), "{error}");
    let mut spec = learner.spec().clone();
    spec.each = false;
    assert!(matches!(Learner::load(&kept, PRESET, &spec, &cpu().device), Err(Error::Unfit(_))));
}

/// An export is a plain safetensors file: names of layers, shapes, f32 in little-endian order, no moments.
#[test]
fn exported_weights_have_names_and_come_back() {
    let mut learner = learner(PRESET, 1);
    steps(&mut learner, 0, 3);
    let file = block_on(learner.safetensors()).unwrap();
    let parsed = safetensors::SafeTensors::deserialize(&file).unwrap();
    let shape = |name: &str| parsed.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("encoders.0.stem"), [256, 4]);
    assert_eq!(shape("student.outputs"), [16, 16]);
    assert_eq!(shape("joining.projection"), [16, 16]);
    assert_eq!(shape("head"), [4, 256]);
    let values: usize = parsed.iter().map(|(_, view)| view.data().len() / 4).sum();
    assert_eq!(values, learner.parameters());
    assert!(parsed.names().iter().all(|name| !name.contains("adam")));
    let mut other = self::learner(PRESET, 2);
    other.import(&file).unwrap();
    assert_eq!(block_on(other.safetensors()).unwrap(), file);
    assert!(other.taught().is_empty() && !learner.taught().is_empty());
    let mut large = self::learner(Preset::small(), 1);
    let before = block_on(large.safetensors()).unwrap();
    assert!(matches!(large.import(&file), Err(Error::ForeignWeights { .. })));
    assert!(matches!(large.import(&file[..100]), Err(Error::Damaged(_))));
    assert_eq!(block_on(large.safetensors()).unwrap(), before);
}

/// The file of `learner` after `change`, with a checksum that agrees.
fn forged(
    kept: &[u8],
    change: impl Fn(&mut serde_json::Value, &mut BTreeMap<String, (Vec<usize>, Vec<u8>)>),
) -> Vec<u8> {
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&kept[24..]).unwrap();
    let mut state = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["peerage"]).unwrap();
    let parsed = safetensors::SafeTensors::deserialize(&kept[24..]).unwrap();
    let mut tensors: BTreeMap<_, _> =
        parsed.iter().map(|(name, view)| (name.to_owned(), (view.shape().to_vec(), view.data().to_vec()))).collect();
    change(&mut state, &mut tensors);
    let views = tensors.iter().map(|(name, (shape, data))| {
        (name.as_str(), safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap())
    });
    let metadata = [("peerage".to_owned(), state.to_string())].into_iter().collect();
    let file = safetensors::serialize(views, Some(metadata)).unwrap();
    let (sum, length) = (crc32fast::hash(&file).to_le_bytes(), (file.len() as u64).to_le_bytes());
    [&kept[..12], &sum, &length, &file].concat()
}

#[test]
fn a_hostile_file_is_refused_before_it_can_break_a_step() {
    let mut learner = learner(PRESET, 1);
    steps(&mut learner, 0, 2);
    let kept = block_on(learner.save()).unwrap();
    let mut same = load(&forged(&kept, |_, _| {})).unwrap();
    steps(&mut same, 2, 3);
    let error =
        load(&forged(&kept, |_, tensors| drop(tensors.insert("adam.first.head".into(), (vec![1, 1], vec![0; 4])))));
    assert!(matches!(error, Err(Error::ForeignWeights { ref name, .. }) if name == "adam.first.head"), "{error:?}");
    let error = load(&forged(&kept, |_, tensors| {
        for value in tensors.get_mut("adam.second.head").unwrap().1.chunks_mut(4) {
            value.copy_from_slice(&(-1.0f32).to_le_bytes());
        }
    }));
    assert!(error.unwrap_err().to_string().contains("below 0"));
    for count in [3, u64::MAX] {
        for change in [
            |state: &mut serde_json::Value, count| state["times"]["head"] = count,
            |state: &mut serde_json::Value, count| state["taught"][0] = count,
        ] {
            let error = load(&forged(&kept, |state, _| change(state, count.into())));
            assert!(matches!(error, Err(Error::Damaged(_))), "{error:?}");
        }
    }
    assert!(matches!(load(&forged(&kept, |state, _| state["step"] = u64::MAX.into())), Err(Error::Damaged(_))));
}
