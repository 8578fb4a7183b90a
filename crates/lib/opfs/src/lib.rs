//! Files of a worker in the browser's origin private file system, written synchronously, as only a worker may: when a
//! write returns, the bytes are on the disk.
//!
//! A [`Folder`] a chain, and in it a [`File`] a purpose, which one worker has open at a time; [`frames`] say where what was
//! written whole ends. What the bytes mean is the caller's. Nothing read here is to be trusted: whoever can use this
//! browser can change the files.

pub mod frames;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Promise, Reflect};
use wasm_bindgen::prelude::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DedicatedWorkerGlobalScope, DomException, FileSystemDirectoryHandle, FileSystemFileHandle,
    FileSystemGetDirectoryOptions, FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemSyncAccessHandle,
    StorageManager,
};

/// Why a file is not to be had, or was not read or written: the browser's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// The folder of a chain.
#[derive(Clone, Debug)]
pub struct Folder(FileSystemDirectoryHandle);

impl Folder {
    /// Opens the folder of `chain`, making it if need be.
    ///
    /// # Errors
    /// [`Fault`] outside a worker, where the page was not served securely, and where the browser has no such files.
    pub async fn open(chain: &str) -> Result<Self, Fault> {
        let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into().map_err(|_| none())?;
        // Neither is there on a page that was not served securely, nor in every browser.
        let storage = Reflect::get(&scope.navigator(), &"storage".into()).map_err(|_| none())?;
        if !storage.is_object() || !Reflect::has(&storage, &"getDirectory".into()).unwrap_or(false) {
            return Err(none());
        }
        let root = settled::<FileSystemDirectoryHandle>(storage.unchecked_into::<StorageManager>().get_directory());
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
        let root = root.await.map_err(|error| fault(&error))?;
        let folder = settled(root.get_directory_handle_with_options(&format!("{PREFIX}{chain}"), &options)).await;
        folder.map(Self).map_err(|error| fault(&error))
    }

    /// Opens a file of it, making it if need be. One that another worker has open is waited for a moment.
    ///
    /// # Errors
    /// [`Fault`] where another worker keeps it, or the browser does not let it be written synchronously.
    pub async fn file(&self, name: &str) -> Result<File, Fault> {
        File::open(&self.0, name).await.map_err(|error| if error.is_undefined() { none() } else { fault(&error) })
    }
}

/// An open file; closed when dropped.
#[derive(Debug)]
pub struct File {
    handle: FileSystemSyncAccessHandle,
    size: u64,
}

impl File {
    async fn open(folder: &FileSystemDirectoryHandle, name: &str) -> Result<Self, JsValue> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(true);
        let file: FileSystemFileHandle = settled(folder.get_file_handle_with_options(name, &options)).await?;
        if !Reflect::has(&file, &"createSyncAccessHandle".into())? {
            return Err(JsValue::UNDEFINED);
        }
        let mut tries = TRIES;
        let handle: FileSystemSyncAccessHandle = loop {
            match settled(file.create_sync_access_handle()).await {
                Ok(handle) => break handle,
                Err(error) if tries > 0 && lent(&error) => {
                    tries -= 1;
                    TimeoutFuture::new(PAUSE_MS).await;
                }
                Err(error) => return Err(error),
            }
        };
        let size = handle.get_size()?;
        // Browsers in which this is still asynchronous give a promise, which is no number.
        if !(0.0..=LONGEST).contains(&size) {
            return Err(JsValue::UNDEFINED);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "looked at above")]
        let size = size as u64;
        Ok(Self { handle, size })
    }

    /// Bytes in it.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// All of it.
    ///
    /// # Errors
    /// [`Fault`] where less can be read.
    pub fn read(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; usize::try_from(self.size).unwrap_or_default()];
        let read = self.handle.read_with_u8_array_and_options(&mut bytes, &at(0)).map_err(|error| fault(&error))?;
        if read < self.size as f64 {
            return Err(Fault(format!("{read} of {} bytes were read", self.size)));
        }
        Ok(bytes)
    }

    /// Writes there and ends the file behind it.
    ///
    /// # Errors
    /// [`Fault`], of a full disk above all; what is in the file then is anything.
    pub fn write(&mut self, at_byte: u64, bytes: &[u8]) -> Result<(), Fault> {
        let written =
            self.handle.write_with_u8_array_and_options(bytes, &at(at_byte)).map_err(|error| fault(&error))?;
        if written < bytes.len() as f64 {
            return Err(Fault(format!("{written} of {} bytes were written", bytes.len())));
        }
        self.cut(at_byte + bytes.len() as u64)
    }

    /// Ends the file there, and sees it to the disk.
    ///
    /// # Errors
    /// [`Fault`] of the browser.
    pub fn cut(&mut self, size: u64) -> Result<(), Fault> {
        self.handle.truncate_with_f64(size as f64).map_err(|error| fault(&error))?;
        self.size = size;
        self.handle.flush().map_err(|error| fault(&error))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// What a promise gives.
async fn settled<T: JsCast>(promise: Promise) -> Result<T, JsValue> {
    JsFuture::from(promise).await.map(JsCast::unchecked_into)
}

/// Whether another tab has the file, or had it a moment ago.
fn lent(error: &JsValue) -> bool {
    error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "NoModificationAllowedError")
}

fn at(byte: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at_f64(byte as f64);
    options
}

fn fault(error: &JsValue) -> Fault {
    Fault(error.dyn_ref::<DomException>().map_or_else(|| format!("{error:?}"), DomException::message))
}

fn none() -> Fault {
    Fault("this browser has no files for this page".into())
}

/// Of the name of every folder.
const PREFIX: &str = "peerage-";
/// Largest size that a number of JavaScript tells exactly.
const LONGEST: f64 = 9_007_199_254_740_991.0;
/// A page that is loaded anew finds the files still lent for a moment: how often it tries again, and how long it waits,
/// ms.
const TRIES: u32 = 20;
/// See [`TRIES`].
const PAUSE_MS: u32 = 50;
