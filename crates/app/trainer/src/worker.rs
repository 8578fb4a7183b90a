//! The worker's thread of control: commands in, events out, one peer at a time.
//!
//! Commands come from the own page; the bytes in `Serve` come from other peers and are parsed here, with a refusal for
//! what does not parse, for what is too much, and for what comes while nothing trains.

use std::cell::RefCell;
use std::rc::Rc;

use crate::Choice;
use futures::channel::mpsc;
use model::{Chosen, Dataset, Learner, Preset};
use peer::{Control, Inbound, Peer};
use protocol::exchange::{Refuse, Request, Response};
use protocol::limits;
use protocol::port::trainer::{Command, DeviceChoice, Event};
use serde_bytes::ByteBuf;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

use crate::mesh::Page;
use crate::port::{parse, post, scope};

/// Runs when the module has loaded. Outside a dedicated worker it does nothing.
#[wasm_bindgen(start)]
pub fn start() {
    let Some(scope) = scope() else { return };
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        post(&trouble(format!("the trainer broke: {info}"), true));
    }));
    let worker = Rc::new(RefCell::new(Worker::default()));
    let on_message =
        Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| match parse(message.data()) {
            Ok(command) => worker.borrow_mut().take(command),
            Err(reason) => post(&trouble(format!("a command that cannot be read: {reason}"), false)),
        });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(&Event::Loaded);
}

#[derive(Default)]
struct Worker {
    page: Page,
    running: Option<Running>,
}

struct Running {
    inbound: mpsc::Sender<Inbound>,
    control: mpsc::UnboundedSender<Control>,
}

struct Start {
    key: String,
    corpus: Vec<u8>,
    seed: u64,
    device: DeviceChoice,
}

impl Worker {
    fn take(&mut self, command: Command) {
        match command {
            Command::Start { key, corpus, seed, device } => {
                if self.running.as_ref().is_some_and(|running| !running.control.is_closed()) {
                    post(&trouble("already started".into(), false));
                    return;
                }
                let (inbound, inbounds) = mpsc::channel(limits::OPEN);
                let (control, controls) = mpsc::unbounded();
                self.running = Some(Running { inbound, control });
                let start = Start { key, corpus: corpus.into_vec(), seed, device };
                let page = self.page.clone();
                spawn_local(async move {
                    post(&match train(start, page, inbounds, controls).await {
                        Ok(()) => Event::Stopped,
                        Err(message) => trouble(message, true),
                    });
                });
            }
            Command::Neighbours { neighbours } => self.page.set_neighbours(neighbours),
            Command::Reply { id, bytes } => self.page.resolve(id, Ok(bytes.into_vec())),
            Command::Failed { id, reason } => self.page.resolve(id, Err(reason)),
            Command::Serve { id, peer, weight, bytes } => self.serve(id, peer, weight, &bytes),
            Command::Pause { paused } => self.control(Control::Pause(paused)),
            Command::Stop => self.control(Control::Stop),
        }
    }

    fn control(&self, control: Control) {
        match &self.running {
            Some(running) if !running.control.is_closed() => drop(running.control.unbounded_send(control)),
            _ if control == Control::Stop => post(&Event::Stopped),
            _ => {}
        }
    }

    fn serve(&mut self, id: u32, peer: String, weight: f64, bytes: &[u8]) {
        let refuse = |refuse| served(id, &Response::Refuse(refuse));
        let Ok(request) = Request::from_bytes(bytes) else { return refuse(Refuse::Unreadable) };
        let Some(running) = &mut self.running else { return refuse(Refuse::NotTraining) };
        let (inbound, response) = Inbound::new(peer, weight, request);
        match running.inbound.try_send(inbound) {
            Ok(()) => spawn_local(async move {
                served(id, &response.await.unwrap_or(Response::Refuse(Refuse::NotTraining)));
            }),
            Err(error) if error.is_full() => refuse(Refuse::Busy { retry_ms: 500 }),
            Err(_) => refuse(Refuse::NotTraining),
        }
    }
}

async fn train(
    Start { key, corpus, seed, device }: Start,
    page: Page,
    inbounds: mpsc::Receiver<Inbound>,
    controls: mpsc::UnboundedReceiver<Control>,
) -> Result<(), String> {
    let dataset = Dataset::shard(&corpus, &key, &Preset::small()).map_err(|error| error.to_string())?;
    drop(corpus);
    post(&Event::Dataset { bytes: dataset.len() as u64, offset: dataset.offset() as u64 });
    let Choice { chosen, preset, why } = crate::choose(device).await.map_err(|error| error.to_string())?;
    tell(&chosen, why);
    let learner = Learner::new(preset, seed, &chosen.device);
    let peer = Peer::new(learner, chosen.kind, dataset, key, seed, page, inbounds);
    peer.run(controls, |event| match event {
        peer::Event::Step(step) => post(&Event::Step(step)),
        peer::Event::Scores(scores) => post(&Event::Scores { scores }),
        peer::Event::Blamed { peer, blame } => post(&Event::Blamed { peer, reason: blame.to_string() }),
        peer::Event::Moved(chosen) => tell(&chosen, "the GPU was lost".into()),
        peer::Event::Trouble(message) => post(&trouble(message, false)),
    })
    .await
    .map(drop)
    .map_err(|error| error.to_string())
}

fn tell(chosen: &Chosen, why: String) {
    post(&Event::Device { kind: chosen.kind.label().into(), name: chosen.name.clone(), why });
}

fn served(id: u32, response: &Response) {
    post(&Event::Served { id, bytes: ByteBuf::from(response.to_bytes()) });
}

fn trouble(message: String, fatal: bool) -> Event {
    Event::Trouble { message, fatal }
}
