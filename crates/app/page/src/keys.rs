//! What this browser keeps: which chain it has joined, and one identity a chain (decisions.md, Keys).
//!
//! Two tabs must not be one peer, so the identity belongs to the tab that holds a Web Lock; another tab gets one of its
//! own that is not kept. Where there are no locks (a page not served securely) each tab keeps its own for as long as it
//! lives. A script that runs on the page could read the storage, but for a cold key that was backed up (`cold`): the
//! page runs no foreign scripts (Content-Security-Policy). A node that names another chain than before gets no tab: the
//! tab's stake is on the chain of its first visit.

use crate::{
    cold::{Cold, ColdError},
    vault,
};
use futures::channel::oneshot;
use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, IteratorNext, Object, Promise, Reflect};
use network::Keypair;
use protocol::wire::{from_hex, hex};
use std::{cell::RefCell, pin::pin, rc::Rc};
use wasm_bindgen::prelude::{Closure, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemDirectoryHandle, FileSystemRemoveOptions, Storage, StorageManager};

/// The identity of this tab on one chain.
pub(crate) struct Keys {
    chain: String,
    place: Option<Storage>,
    /// libp2p key.
    pub(crate) identity: Keypair,
    /// Seed of the hot key, if there is one from before.
    pub(crate) seed: Option<String>,
    /// The key that owns the stake; none: the hot key does.
    pub(crate) cold: Option<Cold>,
    /// Lets go of the lock; held while this is alive.
    lock: Option<Lock>,
}

/// Another chain than the one this browser has joined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OtherChain {
    known: String,
    named: String,
}

impl std::fmt::Display for OtherChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |chain: &str| chain.chars().take(8).collect::<String>();
        write!(
            f,
            "This browser has joined chain {} at this address, but its node now names another chain, {}.",
            short(&self.known),
            short(&self.named)
        )
    }
}

impl std::error::Error for OtherChain {}

/// Remembers `chain` as the one of this address, or finds that it is another.
///
/// # Errors
/// [`OtherChain`].
pub(crate) fn pin(chain: &str) -> Result<(), OtherChain> {
    let Some(storage) = local() else { return Ok(()) };
    match storage.get_item(PINNED) {
        Ok(Some(known)) if known != chain => Err(OtherChain { known, named: chain.into() }),
        _ => {
            // A full storage keeps nothing; the next visit is the first again.
            let _ = storage.set_item(PINNED, chain);
            Ok(())
        }
    }
}

/// Removes everything that any tab of ours keeps at this address, but for what auditors keep ([`forget_files`]).
pub(crate) fn forget() {
    vault::forget();
    for storage in [local(), session()].into_iter().flatten() {
        let length = storage.length().unwrap_or(0);
        let names: Vec<String> = (0..length).filter_map(|index| storage.key(index).ok().flatten()).collect();
        for name in names.iter().filter(|name| name.starts_with(PREFIX)) {
            let _ = storage.remove_item(name);
        }
    }
}

/// Removes what auditors keep, once they have let go of it. What another tab has open stays: it holds nothing secret,
/// and is verified before it is used.
pub(crate) async fn forget_files() {
    let Some(Ok(root)) = files().await else { return };
    let (names, mut folders) = (root.keys(), Vec::new());
    while let Ok(next) = names.next().map(JsFuture::from) {
        let Ok(next) = next.await.map(JsCast::unchecked_into::<IteratorNext>) else { break };
        let Some(name) = next.value().as_string().filter(|_| !next.done()) else { break };
        folders.push(name);
    }
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    for folder in folders.iter().filter(|name| name.starts_with(FOLDER)) {
        for _ in 0..TRIES {
            if JsFuture::from(root.remove_entry_with_options(folder, &options)).await.is_ok() {
                break;
            }
            TimeoutFuture::new(PAUSE_MS).await;
        }
    }
}

/// The root of the files of this address, where there are such.
async fn files() -> Option<Result<FileSystemDirectoryHandle, JsValue>> {
    let storage = Reflect::get(&web_sys::window()?.navigator(), &"storage".into()).ok()?;
    if !storage.is_object() || !Reflect::has(&storage, &"getDirectory".into()).ok()? {
        return None;
    }
    let root = JsFuture::from(storage.unchecked_into::<StorageManager>().get_directory()).await;
    Some(root.map(JsCast::unchecked_into))
}

impl Keys {
    /// The identity kept for `chain`, if no other tab holds it, or a new one. One whose hot key is `given` by the
    /// script has no cold key.
    pub(crate) async fn acquire(chain: &str, given: bool) -> Self {
        let (place, lock) = match Lock::request(&format!("{PREFIX}keys.{chain}")).await {
            Locked::Ours(lock) => (local(), Some(lock)),
            Locked::Taken => (None, None),
            Locked::NoLocks => (session(), None),
        };
        let read = |what: &str| place.as_ref().and_then(|place| place.get_item(&name(chain, what)).ok().flatten());
        let kept = read(IDENTITY)
            .and_then(|text| from_hex(&text))
            .and_then(|bytes| Keypair::from_protobuf_encoding(&bytes).ok());
        let seed = read(SEED);
        let cold = match &lock {
            // A browser that does not answer has no place for a key.
            Some(_) if !given => {
                let cold = pin!(Cold::acquire(chain, seed.is_none()));
                match select(cold, TimeoutFuture::new(PATIENCE_MS)).await {
                    Either::Left((cold, _)) => cold,
                    Either::Right(_) => None,
                }
            }
            _ => None,
        };
        let keys = Self {
            chain: chain.into(),
            identity: kept.unwrap_or_else(Keypair::generate_ed25519),
            seed,
            cold,
            place,
            lock,
        };
        if let Ok(bytes) = keys.identity.to_protobuf_encoding() {
            keys.write(IDENTITY, &hex(&bytes));
        }
        keys
    }

    /// Keeps the seed of the hot key for the next visit.
    pub(crate) fn keep(&self, seed: &str) {
        self.write(SEED, seed);
    }

    /// Where the cold key of a backup goes: the chain, if this tab keeps keys.
    ///
    /// # Errors
    /// [`ColdError`]: it does not.
    pub(crate) fn importing(&self) -> Result<String, ColdError> {
        match (&self.lock, &self.place) {
            (Some(_), Some(_)) => Ok(self.chain.clone()),
            _ => Err(ColdError::SecondTab),
        }
    }

    /// Keeps nothing any more.
    pub(crate) fn let_go(&mut self) {
        self.place = None;
    }

    /// Whether the identity is from an earlier visit; `None`: it is for this tab alone.
    pub(crate) fn kept(&self) -> Option<bool> {
        self.place.is_some().then_some(self.seed.is_some())
    }

    fn write(&self, what: &str, value: &str) {
        if let Some(place) = &self.place {
            // A full storage keeps nothing; the next visit gets a new identity.
            let _ = place.set_item(&name(&self.chain, what), value);
        }
    }
}

/// A Web Lock; let go when dropped.
struct Lock(Function);

enum Locked {
    Ours(Lock),
    Taken,
    NoLocks,
}

impl Lock {
    /// Takes the lock `name` if no other tab holds it.
    async fn request(name: &str) -> Locked {
        let Some(locks) = lock_manager() else { return Locked::NoLocks };
        let Ok(request) = Reflect::get(&locks, &"request".into()).and_then(|request| request.dyn_into::<Function>())
        else {
            return Locked::NoLocks;
        };
        let options = Object::new();
        let (sender, receiver) = oneshot::channel();
        let sender = Rc::new(RefCell::new(Some(sender)));
        // The lock is held until the promise that this gives is resolved.
        let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            let mut release = None;
            let held = if lock.is_null() || lock.is_undefined() {
                JsValue::UNDEFINED
            } else {
                Promise::new(&mut |resolve, _| release = Some(Lock(resolve))).into()
            };
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(release);
            }
            held
        });
        let asked = Reflect::set(&options, &"ifAvailable".into(), &true.into())
            .and_then(|_| request.call3(&locks, &name.into(), &options, &granted));
        let Ok(asked) = asked else { return Locked::NoLocks };
        // A browser that denies locks never calls back: the promise, else settled after the callback, is rejected.
        match select(receiver, JsFuture::from(Promise::resolve(&asked))).await {
            Either::Left((Ok(Some(lock)), _)) => Locked::Ours(lock),
            Either::Left((Ok(None), _)) => Locked::Taken,
            Either::Left((Err(_), _)) | Either::Right(_) => Locked::NoLocks,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Resolving a promise does not throw.
        let _ = self.0.call0(&JsValue::NULL);
    }
}

fn lock_manager() -> Option<JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    Reflect::get(&navigator, &"locks".into()).ok().filter(JsValue::is_object)
}

fn local() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn session() -> Option<Storage> {
    web_sys::window()?.session_storage().ok()?
}

fn name(chain: &str, what: &str) -> String {
    format!("{PREFIX}{chain}.{what}")
}

/// Of every name in the storage.
const PREFIX: &str = "peerage.";
/// Of the name of every folder of an auditor.
const FOLDER: &str = "peerage-";
/// The chain of the first visit.
const PINNED: &str = "peerage.chain";
/// The libp2p key.
const IDENTITY: &str = "identity";
/// The seed of the hot key.
const SEED: &str = "seed";
/// How often a folder is tried to be removed that a worker has open, which may have ended a moment ago.
const TRIES: u32 = 10;
/// Pause between two tries, ms.
const PAUSE_MS: u32 = 50;
/// Longest wait for the cold key, ms.
const PATIENCE_MS: u32 = 5_000;
