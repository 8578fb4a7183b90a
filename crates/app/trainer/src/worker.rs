//! The worker's thread of control: commands in, events out, one life of the model at a time.
//!
//! Commands come from the own page; the bytes in `Serve` come from other peers and are parsed here, with a refusal for
//! what does not parse, for what is too much, and for what comes while nothing trains.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures::channel::mpsc;
use model::Preset;
use peer::{Control, Inbound};
use protocol::exchange::{Refuse, Request, Response, Unpaid};
use protocol::port::trainer::{Command, Content, DeviceChoice, Event};
use serde_bytes::ByteBuf;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

use crate::Choice;
use crate::life::{Birth, Credits, Inlet, MANY, live};
use crate::mesh::Page;
use crate::port::{parse, post, scope};
use crate::source::{Intake, Ready};

/// Runs when the module has loaded. Outside a dedicated worker it does nothing.
#[wasm_bindgen(start)]
pub fn start() {
    let Some(scope) = scope() else { return };
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        post(&trouble(format!("the trainer broke: {info}"), true));
    }));
    let worker = Worker(Rc::default());
    let on_message =
        Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| match parse(message.data()) {
            Ok(command) => worker.take(command),
            Err(reason) => post(&trouble(format!("a command that cannot be read: {reason}"), false)),
        });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(&Event::Loaded);
}

/// The state, and the life that goes on beside it.
#[derive(Clone)]
struct Worker(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    page: Page,
    start: Option<Start>,
    /// A source on its way.
    intake: Option<Intake>,
    /// Whether all of it has come.
    whole: bool,
    /// What is learned from.
    ready: Option<Ready>,
    /// Control of the life that goes on.
    life: Option<mpsc::UnboundedSender<Control>>,
    inlet: Inlet,
    /// What buyers paid, whether a life goes on or not.
    credits: Credits,
    chosen: Rc<RefCell<Option<Choice>>>,
    price: u64,
    /// What answers are multiplied with, by hot key.
    masks: BTreeMap<String, f64>,
    paused: bool,
    /// Whether the next life begins anew.
    anew: bool,
    stopping: bool,
}

#[derive(Clone)]
struct Start {
    key: String,
    chain: Option<String>,
    seed: u64,
    device: DeviceChoice,
}

impl Worker {
    fn take(&self, command: Command) {
        let mut state = self.0.borrow_mut();
        match command {
            Command::Start { .. } if state.start.is_some() => post(&trouble("already started".into(), false)),
            Command::Start { key, chain, seed, device } => {
                state.start = Some(Start { key, chain, seed, device });
                state.settle();
            }
            Command::Learn { source, private } => {
                state.intake = Some(Intake::new(source, private));
                state.whole = false;
            }
            Command::Give { content } => state.give(content),
            Command::Private { private } => {
                if let Some(intake) = &mut state.intake {
                    intake.set_private(private);
                } else if let Some(ready) = &mut state.ready {
                    ready.private = private;
                }
                state.control(Control::Private(private));
            }
            Command::Neighbours { neighbours } => state.page.set_neighbours(neighbours),
            Command::Reply { id, bytes } => state.page.resolve(id, Ok(bytes.into_vec())),
            Command::Failed { id, reason } => state.page.resolve(id, Err(reason)),
            Command::Serve { id, peer, weight, bytes } => state.serve(id, peer, weight, &bytes),
            Command::Credit { peer, positions } => state.credit(&peer, positions),
            Command::Price { price } => {
                state.price = price;
                state.control(Control::Price(price));
            }
            Command::Masks { masks } => {
                state.masks = masks.into_iter().collect();
                state.control(Control::Masks(state.masks.clone()));
            }
            Command::Pause { paused } => {
                state.paused = paused;
                state.control(Control::Pause(paused));
            }
            Command::Validate => state.control(Control::Validate { batches: MANY }),
            Command::Keep => state.control(Control::Keep),
            Command::Export => state.control(Control::Export),
            Command::Import { bytes } => state.control(Control::Import(bytes.into_vec())),
            Command::Forget => {
                state.anew = true;
                state.control(Control::Stop);
            }
            Command::Stop => {
                state.stopping = true;
                state.control(Control::Keep);
                state.control(Control::Stop);
            }
        }
        drop(state);
        self.advance();
    }

    /// Begins the next life where there is none and all for it is there.
    fn advance(&self) {
        let mut state = self.0.borrow_mut();
        if state.life.is_some() {
            return;
        }
        if state.stopping {
            return post(&Event::Stopped);
        }
        let (Some(start), Some(ready)) = (state.start.clone(), state.ready.clone()) else { return };
        let Start { key, chain, seed, device } = start;
        let (control, controls) = mpsc::unbounded();
        if !state.masks.is_empty() {
            drop(control.unbounded_send(Control::Masks(state.masks.clone())));
        }
        if state.paused {
            drop(control.unbounded_send(Control::Pause(true)));
        }
        state.life = Some(control.clone());
        let birth = Birth {
            ready,
            key,
            chain,
            seed,
            device,
            price: state.price,
            anew: std::mem::take(&mut state.anew),
            page: state.page.clone(),
            credits: state.credits.clone(),
            chosen: state.chosen.clone(),
        };
        let (inlet, worker) = (state.inlet.clone(), self.clone());
        spawn_local(async move {
            let ended = live(birth, &inlet, control, controls).await;
            let mut state = worker.0.borrow_mut();
            state.life = None;
            if let Err(message) = ended {
                state.ready = None;
                state.stopping = false;
                post(&trouble(message, true));
            }
            drop(state);
            worker.advance();
        });
    }
}

impl State {
    /// Takes a piece of the source that is on its way. One that cannot be used ends it; what was learned before goes on.
    fn give(&mut self, content: Content) {
        if self.whole {
            return;
        }
        let Some(mut intake) = self.intake.take() else { return };
        self.whole = matches!(content, Content::End);
        match intake.take(content) {
            Err(reason) => post(&Event::Unusable { source: intake.source().clone(), reason }),
            Ok((done, of)) => {
                post(&Event::Reading { done, of });
                self.intake = Some(intake);
                self.settle();
            }
        }
    }

    /// Makes a dataset of the source once all of it is there and the own key, which chooses the part of a text, is known.
    fn settle(&mut self) {
        let Some(Start { key, .. }) = self.start.as_ref().filter(|_| self.whole) else { return };
        let Some(intake) = self.intake.take() else { return };
        let source = intake.source().clone();
        match intake.finish(key, Preset::small().seq) {
            Ok(ready) => {
                self.ready = Some(ready);
                self.control(Control::Keep);
                self.control(Control::Stop);
            }
            Err(reason) => post(&Event::Unusable { source, reason }),
        }
    }

    fn control(&self, control: Control) {
        if let Some(life) = &self.life {
            // Nobody hears it where the life is ending.
            drop(life.unbounded_send(control));
        }
    }

    fn serve(&mut self, id: u32, peer: String, weight: f64, bytes: &[u8]) {
        let refuse = |refuse| served(id, &Response::Refuse(refuse));
        let Ok(request) = Request::from_bytes(bytes) else { return refuse(Refuse::Unreadable) };
        let (inbound, response) = Inbound::new(peer, weight, request);
        match self.enter(inbound) {
            Ok(()) => spawn_local(async move {
                served(id, &response.await.unwrap_or(Response::Refuse(Refuse::NotTraining)));
            }),
            Err(reason) => refuse(reason),
        }
    }

    fn credit(&self, peer: &String, positions: u64) {
        if positions > 0 && self.credits.borrow_mut().take(peer, positions) == 0 {
            let reason = Refuse::Unpaid(Unpaid::Full);
            post(&trouble(format!("{peer} paid for {positions} positions, which are not counted: {reason}"), false));
        }
    }

    fn enter(&self, inbound: Inbound) -> Result<(), Refuse> {
        let mut inlet = self.inlet.borrow_mut();
        let sent = inlet.as_mut().ok_or(Refuse::NotTraining)?.try_send(inbound);
        sent.map_err(|error| if error.is_full() { Refuse::Busy { retry_ms: 500 } } else { Refuse::NotTraining })
    }
}

fn served(id: u32, response: &Response) {
    post(&Event::Served { id, bytes: ByteBuf::from(response.to_bytes()) });
}

fn trouble(message: String, fatal: bool) -> Event {
    Event::Trouble { message, fatal }
}
