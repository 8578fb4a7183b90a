//! Training in a browser, on both devices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![cfg(target_arch = "wasm32")]
#![recursion_limit = "256"]

use std::rc::Rc;

use async_trait::async_trait;
use burn::tensor::{Device, Int, Tensor, TensorData};
use data::{Dataset, Random};
use futures::channel::mpsc;
use model::{Chosen, Error, Extra, Kind, Learner, Losses, Preset, cpu, kernels};
use peer::{Control, Manners, Mesh, Neighbour, Peer, Setup, Unanswered};
use peerage_trainer::{Choice, Intake, breathe, choose, drawings, measure, parse, plain};
use protocol::exchange::{Answer, Ask, Gradient, Want};
use protocol::port::trainer::{Command, Content, DeviceChoice, Event, Score, Source, Step};
use serde_bytes::ByteBuf;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const TEXT: &[u8] = include_bytes!("../../../../ARCHITECTURE.md");

fn text() -> Dataset {
    Dataset::text(TEXT, Some("key"), Preset::small().seq).unwrap()
}

/// Trains with one answering neighbour; first and last loss alone.
async fn train(chosen: &Chosen, steps: u32) -> (f64, f64) {
    let (preset, dataset) = (Preset::small(), text());
    let mut learner = Learner::new(preset.clone(), dataset.spec(), 1, &chosen.device);
    let other = Learner::new(preset.clone(), dataset.spec(), 2, &chosen.device);
    let mut random = Random::new(1, 3);
    let (mut first, mut last) = (None, 0.0);
    for _ in 0..steps {
        let batch = dataset.batch(preset.batch, &mut random);
        let scores = learner.scores(&batch).unwrap().read().await.unwrap();
        let routing = learner.route(&scores, &[0], &mut random);
        let inputs = routing.inputs(0, &batch).unwrap();
        let values = other.answer(&inputs, Want::Joined).unwrap().read().await.unwrap();
        let pending = learner.start(&batch, &routing, vec![Some(values)], Extra::default()).unwrap();
        let outcome = pending.read().await.unwrap();
        assert!(outcome.gradients[0].as_ref().is_some_and(|gradient| gradient.iter().all(|value| value.is_finite())));
        assert!(outcome.fisher[0] > 0.0 && outcome.own > 0.0);
        last = outcome.losses.alone;
        first.get_or_insert(last);
        learner.apply(outcome).unwrap();
    }
    (first.unwrap(), last)
}

#[wasm_bindgen_test]
async fn one_step_on_the_cpu_and_the_loss_falls() {
    let Choice { chosen, why, .. } = choose(DeviceChoice::Cpu, &text()).await.unwrap();
    assert_eq!((chosen.kind, why.as_str()), (Kind::Cpu, "chosen by hand"));
    let (first, last) = train(&chosen, 8).await;
    assert!((first - 256f64.ln()).abs() < 0.2, "{first}");
    assert!(last < first - 0.2, "{first} {last}");
    let bench = measure(&chosen, 10).await.unwrap();
    console_log!("{bench:?}");
    assert!(bench.steps_per_second > 0.0 && bench.loss.is_finite());
}

/// One test for all that needs the adapter: it can be had once in a page.
#[wasm_bindgen_test]
async fn one_step_on_webgpu_and_the_loss_falls_until_the_device_is_lost() {
    let (adapter, lose) = model::adapter().await.unwrap();
    kernels_agree(&adapter.device).await;
    let (first, last) = train(&adapter, 3).await;
    assert!((first - 256f64.ln()).abs() < 0.2, "{first}");
    assert!(last < first - 0.02, "{first} {last}");
    // The CPU starts from the same weights and sees the same batches.
    let (cpu_first, cpu_last) = train(&cpu(), 3).await;
    assert!(
        (cpu_first - first).abs() < 1e-2 && (cpu_last - last).abs() < 5e-2,
        "{cpu_first} {cpu_last} {first} {last}"
    );

    curves_agree(&adapter.device).await;
    count_launches();
    let bench = measure(&adapter, 1).await.unwrap();
    let each = launches() / 2.0;
    console_log!("{bench:?}, {each} launches a step");
    assert!(each <= 150.0, "{each} launches a step");

    let again = choose(DeviceChoice::Gpu, &text()).await;
    assert!(matches!(again, Err(Error::NoDevice(_))), "one device a worker");
    let Choice { chosen, why, .. } = choose(DeviceChoice::Auto, &text()).await.unwrap();
    assert_eq!(chosen.kind, Kind::Cpu, "{why}");

    goes_on_when_the_device_is_lost(adapter, lose).await;
}

/// A hundred steps with two neighbours, gate, students, gradients of others and Adam: the losses of a GPU are those of the CPU.
/// Rounding differs and grows with the steps; the bound is a hundredth of what is learned in them.
async fn curves_agree(gpu: &Device) {
    let (gpu, cpu) = (curve(gpu).await, curve(&cpu().device).await);
    let largest = |of: fn(&[f64; 3]) -> f64| {
        let off = gpu.iter().zip(&cpu).map(|(gpu, cpu)| (of(gpu) - of(cpu)).abs());
        off.fold(0.0, f64::max)
    };
    let off = [largest(|losses| losses[0]), largest(|losses| losses[1]), largest(|losses| losses[2])];
    let learned = cpu[0][1] - cpu[CURVE - 1][1];
    console_log!("{CURVE} steps: at most {off:?} nats apart, {learned:.3} learned");
    assert!(learned > 1.0, "{learned}");
    assert!(off.iter().all(|off| *off < 0.01 * learned), "{off:?} of {learned}");
}

const CURVE: usize = 100;

/// Losses with peers, alone and of the student, of every step.
async fn curve(device: &Device) -> Vec<[f64; 3]> {
    let preset = Preset { seq: 16, batch: 4, ..Preset::small() };
    let dataset = Dataset::text(TEXT, Some("key"), preset.seq).unwrap();
    let mut learner = Learner::new(preset.clone(), dataset.spec(), 1, device);
    let mut random = Random::new(1, 3);
    let mut losses = Vec::new();
    for step in 0..CURVE {
        let batch = dataset.batch(preset.batch, &mut random);
        let scores = vec![0.0; preset.batch * preset.slots];
        let routing = learner.route(&scores, &[0, 1], &mut random);
        let mut say = || (0..preset.batch * preset.seq * preset.dim).map(|_| random.normal()).collect::<Vec<f32>>();
        let (one, other, gradient) = (say(), say(), say());
        let inputs = batch.parts[0].clone();
        let foreign = learner.budget().admit(inputs, Want::Encoding, preset.dim, gradient, 1.0).unwrap();
        // One of them is away now and then, so that its student stands in.
        let answers = vec![Some(one), (step % 4 != 3).then_some(other)];
        let extra = Extra { foreign: Some(&foreign), ..Extra::default() };
        let outcome = learner.start(&batch, &routing, answers, extra).unwrap().read().await.unwrap();
        let Losses { with_peers, alone, student, .. } = outcome.losses;
        losses.push([with_peers.unwrap(), alone, student.unwrap()]);
        learner.apply(outcome).unwrap();
    }
    losses
}

/// Every kernel of the GPU gives what the CPU gives, forward and back, for operands that suit it and for others.
async fn kernels_agree(gpu: &Device) {
    let mut random = Random::new(4, 4);
    let mut draw = |n: usize| (0..n).map(|_| random.normal()).collect::<Vec<f32>>();
    for (batch, m, k, n) in [(1, 64, 64, 64), (3, 4, 8, 12), (2, 5, 3, 7), (1, 512, 64, 192), (1, 8, 1024, 4)] {
        let (a, b) = (draw(batch * m * k), draw(batch * k * n));
        for turned in [false, true] {
            agree(gpu, &[(a.clone(), [batch, m, k]), (b.clone(), [batch, k, n])], |leaves| {
                let turn = |x: Tensor<3>, to: [usize; 3]| if turned { x.reshape(to).swap_dims(1, 2) } else { x };
                let (a, b) = (leaves[0].clone(), leaves[1].clone());
                kernels::product(turn(a, [batch, k, m]), turn(b, [batch, n, k]))
            })
            .await;
        }
    }
    for (seq, heads, width) in [(64, 4, 16), (5, 1, 4), (7, 2, 3)] {
        let mixed = draw(2 * seq * 3 * heads * width);
        for causal in [false, true] {
            let shape = [2, seq, 3 * heads * width];
            agree(gpu, &[(mixed.clone(), shape)], |leaves| kernels::attend(leaves[0].clone(), heads, causal)).await;
        }
    }
    for classes in [4, 10, 256] {
        let targets: Vec<i32> = (0..9).map(|i| i * 31 % classes).collect();
        agree(gpu, &[(draw(9 * classes as usize), [1, 9, classes as usize])], |leaves| {
            let device = leaves[0].device();
            let targets = Tensor::<2, Int>::from_data(TensorData::new(targets.clone(), [9, 1]), &device);
            kernels::nats(leaves[0].clone().reshape([9, classes as usize]) * 20.0, targets).reshape([1, 9, 1])
        })
        .await;
    }
}

/// The output of `f` and the gradients of its operands are the same on both devices.
async fn agree(gpu: &Device, operands: &[(Vec<f32>, [usize; 3])], f: impl Fn(&[Tensor<3>]) -> Tensor<3>) {
    let mut found = Vec::new();
    for device in [&cpu().device, gpu] {
        let leaves = operands.iter().map(|(values, shape)| {
            Tensor::<3>::from_data(TensorData::new(values.clone(), *shape), device).require_grad()
        });
        let leaves: Vec<Tensor<3>> = leaves.collect();
        let out = f(&leaves);
        let gradients = out.clone().square().sum().backward();
        let slopes = leaves.iter().map(|leaf| leaf.grad(&gradients).unwrap());
        let mut all = Vec::new();
        for tensor in std::iter::once(out.inner()).chain(slopes) {
            all.extend(tensor.into_data_async().await.unwrap().try_into_vec::<f32>().unwrap());
        }
        found.push(all);
    }
    let largest = found[0].iter().fold(1.0f32, |most, x| most.max(x.abs()));
    assert_eq!(found[0].len(), found[1].len());
    for (a, b) in found[0].iter().zip(&found[1]) {
        assert!((a - b).abs() < 1e-4 * largest, "{a} {b}, largest {largest}, shapes {:?}", operands[0].1);
    }
}

/// A peer whose device is lost after its first step restarts from its last copy of the weights on the CPU.
async fn goes_on_when_the_device_is_lost(adapter: Chosen, lose: impl FnOnce()) {
    let (_inbound, inbound) = mpsc::channel(1);
    let (control, controls) = mpsc::unbounded();
    let peer = Peer::new(Setup {
        preset: Preset::small(),
        device: adapter,
        dataset: text(),
        key: "key".into(),
        seed: 1,
        mesh: Rc::new(Nobody),
        inbound,
        kept: None,
        manners: Manners::default(),
    });
    let (mut lose, mut moved, mut trouble, mut after) = (Some(lose), None, None, 0);
    let ended = peer
        .run(controls, |event| match event {
            peer::Event::Step(_) if moved.is_none() => {
                if let Some(lose) = lose.take() {
                    lose();
                }
            }
            peer::Event::Step(_) => {
                after += 1;
                if after == 2 {
                    control.unbounded_send(Control::Stop).unwrap();
                }
            }
            peer::Event::Moved(chosen) => moved = Some(chosen.kind),
            peer::Event::Trouble(message) => trouble = Some(message),
            _ => {}
        })
        .await;
    assert_eq!(ended.unwrap().step(), 2);
    assert_eq!(moved, Some(Kind::Cpu));
    assert!(trouble.unwrap().contains("going on with the CPU from step 0"));
}

#[wasm_bindgen_test]
fn letters_are_drawn_with_several_fonts_of_this_device() {
    let drawings = drawings();
    let mut names: Vec<&str> = drawings.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    assert_eq!(names.concat(), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    assert!(drawings.len() > 3 * names.len(), "{} drawings", drawings.len());
    for (name, picture) in &drawings {
        let ink = picture.pixels().iter().filter(|pixel| **pixel > 127).count();
        assert!((8..400).contains(&ink), "{name} has {ink} bright pixels");
    }
}

/// Gives `content` to an intake of `source`, and what it then is.
fn taken(source: Source, content: Vec<Content>) -> Result<peerage_trainer::Ready, String> {
    let mut intake = Intake::new(source, true);
    for content in content {
        intake.take(content)?;
    }
    intake.finish("key", 64)
}

fn file(name: &str, bytes: &[u8]) -> Vec<Content> {
    let pieces = bytes.chunks(1000).map(|piece| Content::Piece { bytes: ByteBuf::from(piece) });
    [Content::File { name: name.into(), size: bytes.len() as u64 }].into_iter().chain(pieces).collect()
}

#[wasm_bindgen_test]
fn sources_become_datasets_of_their_modality() {
    let learned = taken(Source::Text, file("a.txt", &TEXT.repeat(4))).unwrap().learned();
    assert_eq!((learned.modalities, learned.classes, learned.each, learned.private), (1, 256, true, true));
    let learned = taken(Source::Glyphs, vec![]).unwrap().learned();
    assert_eq!((learned.modalities, learned.classes, learned.each), (2, 36, false));
    let learned = taken(Source::Captions, vec![]).unwrap().learned();
    assert_eq!((learned.modalities, learned.each), (3, true));
    let rows: String = (0..100).map(|row| format!("{row},{}\n", if row % 3 == 0 { "x" } else { "y" })).collect();
    let learned = taken(Source::Files, file("a.csv", format!("n,label\n{rows}").as_bytes())).unwrap().learned();
    assert_eq!((learned.modalities, learned.classes, learned.each), (8, 2, false));
    let tone = |at: u32| ((at as f32) * 0.05).sin() * (1.0 + ((at / 3000) as f32)) * 0.1;
    let samples = (0..112_000).flat_map(|at| tone(at).to_le_bytes()).collect::<Vec<u8>>();
    let pieces = samples.chunks(8192).map(|piece| Content::Piece { bytes: ByteBuf::from(piece) }).collect();
    let learned = taken(Source::Microphone { rate: 16_000 }, pieces).unwrap().learned();
    assert_eq!((learned.modalities, learned.each), (4, true));
}

#[wasm_bindgen_test]
fn other_files_are_another_model_and_the_same_ones_the_same() {
    let rows = |label: &str| (0..100).map(|row| format!("{row},{label}{}\n", row % 2)).collect::<String>();
    let named = |name: &str, label: &str| {
        let bytes = format!("n,label\n{}", rows(label));
        taken(Source::Files, file(name, bytes.as_bytes())).unwrap().name()
    };
    let first = named("a.csv", "x");
    assert!(first.starts_with("files-") && first.len() == 22, "{first}");
    assert_eq!(named("a.csv", "x"), first);
    assert!(named("a.csv", "y") != first && named("b.csv", "x") != first);
}

#[wasm_bindgen_test]
fn what_cannot_be_learned_from_is_said_in_a_sentence() {
    let rows: String = (0..100).map(|row| format!("{row},x\n")).collect();
    let broken = taken(Source::Files, file("a.csv", format!("n,label\n{rows}7\n").as_bytes())).unwrap_err();
    assert!(broken.contains("a.csv") && broken.contains("102"), "{broken}");
    let half = taken(Source::Microphone { rate: 16_000 }, vec![Content::Piece { bytes: ByteBuf::from(vec![1]) }]);
    assert!(half.unwrap_err().contains("half a sample"));
    let nothing = taken(Source::Files, vec![Content::Piece { bytes: ByteBuf::from(vec![1]) }]);
    assert!(nothing.unwrap_err().contains("no file"));
    let picture = Content::Picture { name: "a.png".into(), rows: 2, columns: 2, bytes: ByteBuf::from(vec![0; 15]) };
    assert!(taken(Source::Files, vec![picture]).unwrap_err().contains("a.png"));
}

/// A mesh without neighbours.
struct Nobody;

#[async_trait(?Send)]
impl Mesh for Nobody {
    fn neighbours(&self) -> Vec<Neighbour> {
        Vec::new()
    }

    async fn ask(&self, _: &str, _: Ask) -> Result<Answer, Unanswered> {
        Err(Unanswered::Gone("nobody".into()))
    }

    async fn gradient(&self, _: &str, _: Gradient) -> Result<(), Unanswered> {
        Err(Unanswered::Gone("nobody".into()))
    }

    async fn breathe(&self) {
        breathe().await;
    }
}

fn count_launches() {
    js_sys::eval(
        "globalThis.launches = 0;
         for (const name of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect']) {
             const plain = GPUComputePassEncoder.prototype[name];
             GPUComputePassEncoder.prototype[name] = function (...all) { launches++; return plain.apply(this, all); };
         }",
    )
    .unwrap();
}

fn launches() -> f64 {
    js_sys::eval("globalThis.launches").unwrap().as_f64().unwrap()
}

#[wasm_bindgen_test]
fn commands_are_read_from_plain_objects() {
    let read = |text: &str| parse(js_sys::eval(&format!("({text})")).unwrap());
    let start = read("{type: 'start', key: 'ab', chain: null, seed: 7, device: 'auto'}").unwrap();
    assert!(matches!(start, Command::Start { seed: 7, device: DeviceChoice::Auto, chain: None, .. }));
    let learn = read("{type: 'learn', source: {type: 'microphone', rate: 48000}, private: true}").unwrap();
    assert!(matches!(learn, Command::Learn { source: Source::Microphone { rate: 48_000 }, private: true }));
    let give = read("{type: 'give', content: {type: 'piece', bytes: new Uint8Array([1, 2])}}").unwrap();
    assert!(matches!(give, Command::Give { content: Content::Piece { bytes } } if *bytes == [1, 2]));
    let neighbours =
        read("{type: 'neighbours', neighbours: [{peer: 'p', key: 'k', modalities: 3, price: 9}]}").unwrap();
    assert!(matches!(neighbours, Command::Neighbours { neighbours } if neighbours[0].modalities == 3));
    let serve = read("{type: 'serve', id: 3, peer: 'p', weight: 0.5, bytes: new Uint8Array([9])}").unwrap();
    assert!(matches!(serve, Command::Serve { id: 3, weight: 0.5, bytes, .. } if *bytes == [9]));
    assert!(matches!(read("{type: 'failed', id: 1, reason: 'gone'}"), Ok(Command::Failed { id: 1, .. })));
    assert!(matches!(read("{type: 'pause', paused: true}"), Ok(Command::Pause { paused: true })));
    assert!(matches!(read("{type: 'stop'}"), Ok(Command::Stop)));
    assert!(read("{type: 'dance'}").is_err());
    assert!(parse(JsValue::NULL).is_err());
}

#[wasm_bindgen_test]
fn events_are_plain_objects() {
    let field = |event: &Event, name: &str| js_sys::Reflect::get(&plain(event).unwrap(), &name.into()).unwrap();
    let step = Event::Step(Step { step: 3, alone: 2.5, answered: vec!["p".into()], ..Step::default() });
    assert_eq!(field(&step, "type"), "step");
    assert_eq!(field(&step, "alone"), 2.5);
    assert!(field(&step, "withPeers").is_undefined());
    let served = Event::Served { id: 1, bytes: ByteBuf::from(vec![1, 2]) };
    assert_eq!(js_sys::Uint8Array::from(field(&served, "bytes")).to_vec(), [1, 2]);
    let scores = field(&Event::Scores { scores: vec![Score { mass: 0.5, ..Score::default() }] }, "scores");
    assert_eq!(js_sys::Reflect::get(&js_sys::Array::from(&scores).get(0), &"mass".into()).unwrap(), 0.5);
}
