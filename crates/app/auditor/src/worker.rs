//! The worker's thread of control: commands in, events out, one session; timers between slices of proof of work.
//!
//! Commands come from the own page. A slice takes about 25 ms, so a message waits no longer than that.

use crate::{Session, Settings, StartError, Store, parse, plain};
use futures::StreamExt as _;
use futures::channel::mpsc;
use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Reflect, Uint8Array};
use protocol::port::auditor::{Command, Event};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// Runs when the module has loaded. Outside a dedicated worker it does nothing.
#[wasm_bindgen(start)]
pub fn start() {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    let last_words = scope.clone();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        post(&last_words, &alarm(format!("the auditor broke: {info}"), true));
    }));
    let (commands, inbox) = mpsc::unbounded();
    let page = scope.clone();
    let on_message =
        Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| match parse(message.data()) {
            // The receiver lives as long as the worker.
            Ok(command) => drop(commands.unbounded_send(command)),
            Err(reason) => post(&page, &alarm(format!("a command that cannot be read: {reason}"), false)),
        });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(&scope, &Event::Loaded);
    spawn_local(run(scope, inbox));
}

async fn run(scope: DedicatedWorkerGlobalScope, mut inbox: mpsc::UnboundedReceiver<Command>) {
    let mut session: Option<Session> = None;
    loop {
        let mut wait = None;
        if let Some(session) = &mut session {
            wait = session.drive(now(), now).map(|at| at.saturating_sub(now()));
            for event in session.events() {
                post(&scope, &event);
            }
        }
        let timer = match wait {
            Some(ms) => Either::Left(TimeoutFuture::new(u32::try_from(ms).unwrap_or(u32::MAX).min(LONGEST_WAIT_MS))),
            None => Either::Right(futures::future::pending()),
        };
        let command = match select(inbox.next(), timer).await {
            Either::Left((Some(command), _)) => command,
            Either::Left((None, _)) => return,
            Either::Right(_) => continue,
        };
        match (&mut session, command) {
            (None, Command::Start { bootstrap, seed, peer, cold }) => {
                let settings = Settings::parse(&bootstrap, seed.as_deref(), &peer, cold.as_deref(), random);
                match begin(settings).await {
                    Ok(started) => session = Some(started),
                    Err(error) => {
                        let (message, stale) = (error.to_string(), error.stale());
                        post(&scope, &Event::Alarm { message, fatal: true, stale });
                    }
                }
            }
            // Nothing has started, and why was said.
            (None, _) => {}
            (Some(session), command) => session.take(command, now()),
        }
    }
}

/// A session with what is kept of its chain.
async fn begin(settings: Result<Settings, StartError>) -> Result<Session, StartError> {
    let settings = settings?;
    let (store, kept) = Store::open(&settings.chain(), &Session::SHELVES).await;
    Session::start(settings, store, &kept, stopwatch, now())
}

/// Posts `event` to the page, its bytes transferred.
fn post(scope: &DedicatedWorkerGlobalScope, event: &Event) {
    let Ok(object) = plain(event) else { return };
    let transfer = Array::new();
    for field in ["bytes", "record", "message"] {
        if let Ok(bytes) = Reflect::get(&object, &field.into())
            && let Some(bytes) = bytes.dyn_ref::<Uint8Array>()
        {
            transfer.push(&bytes.buffer());
        }
    }
    // The page is gone where this fails, and this worker with it.
    drop(scope.post_message_with_transfer(&object, &transfer));
}

const fn alarm(message: String, fatal: bool) -> Event {
    Event::Alarm { message, fatal, stale: false }
}

/// Milliseconds since 1970.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, positive, below 2^53")]
fn now() -> u64 {
    js_sys::Date::now() as u64
}

/// Milliseconds since the worker began, with their fractions; 0 where no clock tells them.
fn stopwatch() -> f64 {
    let scope = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>().ok();
    scope.and_then(|scope| scope.performance()).map_or(0.0, |performance| performance.now())
}

/// 32 bytes of WebCrypto's randomness.
#[expect(
    clippy::expect_used,
    reason = "every browser that runs this module has WebCrypto; a key must not be guessable"
)]
fn random() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom_04::fill(&mut seed).expect("WebCrypto gives randomness");
    seed
}

/// Longest timer, ms: a clock that was set back does not stop the worker.
const LONGEST_WAIT_MS: u32 = 5_000;
