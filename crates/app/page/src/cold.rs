//! The cold key, which owns the stake (decisions.md, Keys): an Ed25519 key of WebCrypto, one a chain, kept in
//! IndexedDB.
//!
//! It is made from a fresh seed together with the hot key, so an identity from before goes on without one. Until it is
//! backed up it can be read, once, for that; from then on the browser signs with it and gives it to nobody. Where
//! WebCrypto has no Ed25519, or IndexedDB is not to be had, there is none and the hot key owns the stake. What it signs
//! was put together by the auditor; a script never gets here.

use crate::vault;
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use network::Keypair;
use protocol::wire::{from_hex, hex};
use wasm_bindgen::prelude::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, DomException, SubtleCrypto};

/// A cold key.
#[derive(Clone, Debug)]
pub(crate) struct Cold {
    chain: String,
    key: CryptoKey,
    public: String,
    backed_up: bool,
}

/// Why there is none, or why it does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ColdError {
    /// The tab has none.
    #[error("This tab has no cold key: the hot key, which this browser keeps, owns the stake.")]
    None,
    /// It was backed up before.
    #[error("The cold key was backed up before and cannot be read any more. It is in the file that was saved then.")]
    BackedUp,
    /// No text of a backup.
    #[error("This is no backup of a cold key: a file with 64 hexadecimal digits is wanted.")]
    Text,
    /// Another tab holds the keys.
    #[error("Another tab of this browser holds the keys: import there, or close it and load this page anew.")]
    SecondTab,
    /// The browser refuses.
    #[error("This browser cannot do that with a cold key: {0}")]
    Browser(String),
}

impl From<JsValue> for ColdError {
    fn from(error: JsValue) -> Self {
        Self::Browser(
            error.dyn_ref::<DomException>().map_or_else(|| "it has no Ed25519 keys".into(), DomException::message),
        )
    }
}

impl Cold {
    /// The key kept for `chain`; where there is none and the identity is `fresh`, a new one.
    pub(crate) async fn acquire(chain: &str, fresh: bool) -> Option<Self> {
        match Self::kept(chain).await {
            Ok(Some(cold)) => Some(cold),
            Ok(None) if fresh => {
                let mut seed = [0; 32];
                getrandom_04::fill(&mut seed).ok()?;
                Self::keep(chain, seed, false).await.ok()
            }
            // A key that is not to be had now is not replaced.
            Ok(None) | Err(_) => None,
        }
    }

    /// The key of the backup `text` for `chain`, kept in place of the one there was.
    ///
    /// # Errors
    /// `Text`, `Browser`.
    pub(crate) async fn import(chain: &str, text: &str) -> Result<Self, ColdError> {
        let seed = from_hex(text.trim()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or(ColdError::Text)?;
        Self::keep(chain, seed, true).await
    }

    /// Public half, hex.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }

    /// Whether it was read for a backup, or came from one.
    pub(crate) const fn backed_up(&self) -> bool {
        self.backed_up
    }

    /// It is being backed up, and that happens once.
    pub(crate) const fn close(&mut self) {
        self.backed_up = true;
    }

    /// The text of the backup file, the seed as `peerage` keeps keys; and the key as it is from now on, which cannot be
    /// read.
    ///
    /// # Errors
    /// `BackedUp`, `Browser`.
    pub(crate) async fn backup(&self) -> Result<(String, Self), ColdError> {
        if self.backed_up {
            return Err(ColdError::BackedUp);
        }
        let exported = JsFuture::from(subtle()?.export_key(FORMAT, &self.key)?).await?;
        let exported = Uint8Array::new(&exported).to_vec();
        let seed = exported.strip_prefix(&PREFIX).and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        let seed = seed.ok_or_else(|| ColdError::Browser("it gives the key in an unknown form".into()))?;
        let sealed = Self::keep(&self.chain, seed, true).await?;
        Ok((format!("{}\n", hex(&seed)), sealed))
    }

    /// Its signature.
    ///
    /// # Errors
    /// `Browser`.
    pub(crate) async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ColdError> {
        let message = Uint8Array::from(message);
        let signed = subtle()?.sign_with_str_and_js_u8_array(ALGORITHM, &self.key, &message)?;
        Ok(Uint8Array::new(&JsFuture::from(signed).await?).to_vec())
    }

    async fn kept(chain: &str) -> Result<Option<Self>, JsValue> {
        let entry = vault::get(chain).await?;
        if !entry.is_object() {
            return Ok(None);
        }
        let field = |name: &str| Reflect::get(&entry, &name.into());
        Ok(Some(Self {
            chain: chain.into(),
            key: field("key")?.dyn_into()?,
            public: field("public")?.as_string().ok_or(JsValue::UNDEFINED)?,
            backed_up: field("backedUp")?.is_truthy(),
        }))
    }

    async fn keep(chain: &str, seed: [u8; 32], backed_up: bool) -> Result<Self, ColdError> {
        let key = import(&seed, !backed_up).await?;
        let pair = Keypair::ed25519_from_bytes(seed).ok().and_then(|pair| pair.public().try_into_ed25519().ok());
        let public = pair.map(|public| hex(&public.to_bytes())).ok_or(ColdError::Text)?;
        let entry = Object::new();
        Reflect::set(&entry, &"key".into(), &key)?;
        Reflect::set(&entry, &"public".into(), &public.as_str().into())?;
        Reflect::set(&entry, &"backedUp".into(), &backed_up.into())?;
        vault::put(chain, &entry).await?;
        Ok(Self { chain: chain.into(), key, public, backed_up })
    }
}

/// The private key of a seed as WebCrypto holds it.
async fn import(seed: &[u8; 32], extractable: bool) -> Result<CryptoKey, JsValue> {
    let bytes = Uint8Array::from(&[&PREFIX[..], seed].concat()[..]);
    let usages = Array::of1(&"sign".into());
    let imported: Promise = subtle()?.import_key_with_str(FORMAT, &bytes, ALGORITHM, extractable, &usages)?;
    JsFuture::from(imported).await?.dyn_into()
}

/// WebCrypto; not there on a page that was not served securely.
fn subtle() -> Result<SubtleCrypto, JsValue> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into())?;
    let subtle = Reflect::get(&crypto, &"subtle".into())?;
    if subtle.is_object() { Ok(subtle.unchecked_into()) } else { Err(JsValue::UNDEFINED) }
}

/// Name of the signature in WebCrypto.
const ALGORITHM: &str = "Ed25519";
/// Form of a private key that WebCrypto takes and gives (RFC 8410, 7).
const FORMAT: &str = "pkcs8";
/// What comes before the seed in it.
const PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
