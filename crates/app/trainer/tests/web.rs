//! Training in a browser, on both devices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![cfg(target_arch = "wasm32")]
#![recursion_limit = "256"]

use async_trait::async_trait;
use burn::tensor::{Device, Int, Tensor, TensorData};
use futures::channel::mpsc;
use model::{Answered, Chosen, Dataset, Error, Kind, Learner, Preset, Random, cpu, kernels};
use peer::{Control, Mesh, Neighbour, Peer, Unanswered};
use peerage_trainer::{Choice, breathe, choose, measure, parse, plain};
use protocol::exchange::{Answer, Ask, Gradient};
use protocol::port::trainer::{Command, DeviceChoice, Event, Step};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const TEXT: &[u8] = include_bytes!("../../../../ARCHITECTURE.md");

/// Trains with one answering neighbour; first and last loss alone.
async fn train(chosen: &Chosen, steps: u32) -> (f64, f64) {
    let preset = Preset::small();
    let mut learner = Learner::new(preset.clone(), 1, &chosen.device);
    let other = Learner::new(preset.clone(), 2, &chosen.device);
    let dataset = Dataset::shard(TEXT, "key", &preset).unwrap();
    let mut random = Random::new(1, 3);
    let (mut first, mut last) = (None, 0.0);
    for _ in 0..steps {
        let batch = dataset.batch(preset.batch, &mut random);
        let begun = learner.begin(&batch, None).unwrap();
        assert_eq!(begun.scores().await.unwrap().len(), preset.batch * preset.slots);
        let values = other.answer(&batch.inputs, [batch.batch, batch.seq]).unwrap().read().await.unwrap();
        let outcome = learner.finish(begun, vec![Answered { slot: 0, values }]).unwrap().read().await.unwrap();
        assert!(outcome.is_finite());
        assert_eq!(outcome.gradients[0].len(), preset.values());
        assert!(outcome.scores[0] > 0.0 && outcome.own > 0.0);
        last = outcome.losses.alone;
        first.get_or_insert(last);
        learner.apply(outcome).unwrap();
    }
    (first.unwrap(), last)
}

#[wasm_bindgen_test]
async fn one_step_on_the_cpu_and_the_loss_falls() {
    let Choice { chosen, why, .. } = choose(DeviceChoice::Cpu).await.unwrap();
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

    count_launches();
    let bench = measure(&adapter, 1).await.unwrap();
    let each = launches() / 2.0;
    console_log!("{bench:?}, {each} launches a step");
    assert!(each <= 150.0, "{each} launches a step");

    let again = choose(DeviceChoice::Gpu).await;
    assert!(matches!(again, Err(Error::NoDevice(_))), "one device a worker");
    let Choice { chosen, why, .. } = choose(DeviceChoice::Auto).await.unwrap();
    assert_eq!(chosen.kind, Kind::Cpu, "{why}");

    goes_on_when_the_device_is_lost(adapter, lose).await;
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
    let preset = Preset::small();
    let dataset = Dataset::shard(TEXT, "key", &preset).unwrap();
    let (_inbound, inbounds) = mpsc::channel(1);
    let (control, controls) = mpsc::unbounded();
    let learner = Learner::new(preset, 1, &adapter.device);
    let peer = Peer::new(learner, adapter.kind, dataset, "key".into(), 1, Nobody, inbounds);
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
            peer::Event::Scores(_) | peer::Event::Blamed { .. } => {}
        })
        .await;
    assert_eq!(ended.unwrap().step(), 2);
    assert_eq!(moved, Some(Kind::Cpu));
    assert!(trouble.unwrap().contains("going on with the CPU from step 0"));
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
    let start = read("{type: 'start', key: 'ab', corpus: new Uint8Array([1, 2]), seed: 7, device: 'auto'}").unwrap();
    assert!(matches!(start, Command::Start { seed: 7, device: DeviceChoice::Auto, corpus, .. } if *corpus == [1, 2]));
    let neighbours = read("{type: 'neighbours', neighbours: [['p', 'k']]}").unwrap();
    assert!(matches!(neighbours, Command::Neighbours { neighbours } if neighbours == [("p".into(), "k".into())]));
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
    let served = Event::Served { id: 1, bytes: serde_bytes::ByteBuf::from(vec![1, 2]) };
    assert_eq!(js_sys::Uint8Array::from(field(&served, "bytes")).to_vec(), [1, 2]);
}
