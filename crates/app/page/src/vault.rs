//! Keys that the browser holds: one entry a chain in IndexedDB, which can hold a `CryptoKey` that nobody can read.
//!
//! Another script of this address could use what lies here; none runs on the page (Content-Security-Policy).

use futures::channel::oneshot;
use js_sys::Function;
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::prelude::{Closure, JsCast, JsValue};
use web_sys::{Event, IdbDatabase, IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbTransactionMode};

/// An open database; closed when dropped.
struct Vault(IdbDatabase);

/// What is kept for `chain`; undefined where nothing is.
///
/// # Errors
/// The browser's, where it has no such storage or lends it to nobody (private windows of some).
pub(crate) async fn get(chain: &str) -> Result<JsValue, JsValue> {
    let vault = Vault::open().await?;
    let store = vault.transaction(IdbTransactionMode::Readonly)?.object_store(STORE)?;
    done(&store.get(&chain.into())?).await
}

/// Keeps `value` for `chain`, in place of what was there. It is on the disk when this returns.
///
/// # Errors
/// The browser's.
pub(crate) async fn put(chain: &str, value: &JsValue) -> Result<(), JsValue> {
    let vault = Vault::open().await?;
    let transaction = vault.transaction(IdbTransactionMode::Readwrite)?;
    // Where the request fails, so does the transaction.
    drop(transaction.object_store(STORE)?.put_with_key(value, &chain.into())?);
    first(|good, bad| {
        transaction.set_oncomplete(good);
        transaction.set_onabort(bad);
    })
    .await
}

/// Removes everything.
pub(crate) fn forget() {
    let Ok(Some(factory)) = factory() else { return };
    // It is removed once no tab has it open.
    drop(factory.delete_database(DATABASE));
}

impl Vault {
    async fn open() -> Result<Self, JsValue> {
        let factory = factory()?.ok_or(JsValue::UNDEFINED)?;
        let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, 1)?;
        let opening = request.clone();
        let made = Closure::once(move || {
            // Where it fails, so does opening.
            if let Ok(database) = opening.result() {
                drop(database.unchecked_into::<IdbDatabase>().create_object_store(STORE));
            }
        });
        request.set_onupgradeneeded(Some(made.as_ref().unchecked_ref()));
        let database = done(&request).await;
        request.set_onupgradeneeded(None);
        Ok(Self(database?.unchecked_into()))
    }

    fn transaction(&self, mode: IdbTransactionMode) -> Result<IdbTransaction, JsValue> {
        self.0.transaction_with_str_and_mode(STORE, mode)
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        // Transactions under way are finished first.
        self.0.close();
    }
}

/// The result of a request.
async fn done(request: &IdbRequest) -> Result<JsValue, JsValue> {
    first(|good, bad| {
        request.set_onsuccess(good);
        request.set_onerror(bad);
    })
    .await?;
    request.result()
}

/// Which of the two handlers is called first.
async fn first(set: impl Fn(Option<&Function>, Option<&Function>)) -> Result<(), JsValue> {
    let (sender, receiver) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let handler = |outcome: fn(Event) -> Result<(), JsValue>| {
        let sender = Rc::clone(&sender);
        Closure::<dyn FnMut(Event)>::new(move |event| {
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(outcome(event));
            }
        })
    };
    let good = handler(|_| Ok(()));
    let bad = handler(|event| Err(event.into()));
    set(Some(good.as_ref().unchecked_ref()), Some(bad.as_ref().unchecked_ref()));
    let outcome = receiver.await.unwrap_or(Err(JsValue::UNDEFINED));
    set(None, None);
    outcome
}

fn factory() -> Result<Option<web_sys::IdbFactory>, JsValue> {
    web_sys::window().map_or(Ok(None), |window| window.indexed_db())
}

/// Name of the database.
const DATABASE: &str = "peerage";
/// Name of its only store.
const STORE: &str = "cold";
