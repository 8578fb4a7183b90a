//! Training in a browser, on both devices.

#![cfg(target_arch = "wasm32")]
#![recursion_limit = "256"]

use model::{Answered, Chosen, Dataset, Error, Kind, Learner, Preset, Random, cpu};
use peerage_trainer::{choose, measure, parse, plain};
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
    let (chosen, why) = choose(DeviceChoice::Cpu).await.unwrap();
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
    let (first, last) = train(&adapter, 4).await;
    assert!((first - 256f64.ln()).abs() < 0.2, "{first}");
    assert!(last < first - 0.05, "{first} {last}");
    // The CPU starts from the same weights and sees the same batches.
    let (cpu_first, cpu_last) = train(&cpu(), 4).await;
    assert!(
        (cpu_first - first).abs() < 1e-2 && (cpu_last - last).abs() < 5e-2,
        "{cpu_first} {cpu_last} {first} {last}"
    );

    count_launches();
    measure(&adapter, 0).await.unwrap();
    let one = launches();
    let bench = measure(&adapter, 2).await.unwrap();
    console_log!("{bench:?}, {} launches a step", (launches() - 2.0 * one) / 2.0);

    let again = choose(DeviceChoice::Gpu).await;
    assert!(matches!(again, Err(Error::NoDevice(_))), "one device a worker");
    let (chosen, why) = choose(DeviceChoice::Auto).await.unwrap();
    assert_eq!(chosen.kind, Kind::Cpu, "{why}");

    let preset = Preset::small();
    let learner = Learner::new(preset.clone(), 1, &adapter.device);
    let checkpoint = learner.checkpoint().await.unwrap();
    lose();
    let lost = learner.checkpoint().await;
    assert!(lost.is_err_and(|error| error.blames_device()));
    let rescued = Learner::restore(preset, &checkpoint, &cpu().device).unwrap();
    assert_eq!(rescued.checkpoint().await.unwrap(), checkpoint);
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
    let serve = read("{type: 'serve', id: 3, peer: 'p', bytes: new Uint8Array([9])}").unwrap();
    assert!(matches!(serve, Command::Serve { id: 3, bytes, .. } if *bytes == [9]));
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
