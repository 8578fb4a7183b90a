//! What the light client verified, kept for the next visit: shelves of bytes in the origin private file system.
//!
//! A folder a chain, a file a shelf, opened once and then written synchronously, as only a worker may: when
//! [`Store::keep`] returns, the bytes are on the disk. A write is there whole or not at all (`frames`). Where the
//! browser has no such files, refuses them, or has lent them to another tab, nothing is kept, which [`Store::place`]
//! says. Nothing read here is trusted: the light client verifies it like a stranger's reply.

mod frames;

use frames::Held;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Promise, Reflect};
use protocol::port::auditor::Place;
use wasm_bindgen::prelude::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DedicatedWorkerGlobalScope, DomException, FileSystemDirectoryHandle, FileSystemFileHandle,
    FileSystemGetDirectoryOptions, FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemSyncAccessHandle,
    StorageManager,
};

/// Shelves by name.
#[derive(Debug)]
pub struct Store {
    shelves: Vec<Shelf>,
    place: Place,
}

/// One shelf and its file.
#[derive(Debug)]
struct Shelf {
    name: &'static str,
    file: Option<File>,
    /// Bytes of the content.
    bytes: u64,
}

/// What a shelf held at the start.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub shelf: &'static str,
    /// What is on it.
    pub content: Vec<u8>,
    /// Why some of it is gone, in words.
    pub damage: Option<String>,
}

/// Why a shelf was not written; from then on nothing is kept.
#[derive(Debug, thiserror::Error)]
#[error("this browser keeps nothing more of what was verified: {0}")]
pub struct Fault(String);

impl Store {
    /// Opens the shelves of these names for `chain` and reads what is on them. What cannot be opened is kept nowhere.
    pub async fn open(chain: &str, names: &[&'static str]) -> (Self, Vec<Kept>) {
        let mut store = Self::nowhere(names);
        let Ok(folder) = folder(chain).await else { return (store, Vec::new()) };
        for shelf in &mut store.shelves {
            match File::open(&folder, shelf.name).await {
                Ok(file) => shelf.file = Some(file),
                // All or none: shelves fit together.
                Err(_) => return (Self::nowhere(names), Vec::new()),
            }
        }
        store.place = Place::Opfs;
        let mut kept = Vec::new();
        for shelf in &mut store.shelves {
            match shelf.read() {
                Ok(found) => kept.extend(found),
                Err(_) => return (Self::nowhere(names), Vec::new()),
            }
        }
        (store, kept)
    }

    /// Shelves that are not kept.
    pub fn nowhere(names: &[&'static str]) -> Self {
        let shelves = names.iter().map(|name| Shelf { name, file: None, bytes: 0 }).collect();
        Self { shelves, place: Place::Memory }
    }

    /// Replaces what is on a shelf, or adds to it. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`Fault`], once: a full disk is the usual cause. The shelf is empty then, or as it was before the addition.
    pub fn keep(&mut self, shelf: &str, content: &[u8], append: bool) -> Result<(), Fault> {
        let Some(shelf) = self.shelves.iter_mut().find(|other| other.name == shelf) else { return Ok(()) };
        let Err(fault) = shelf.keep(content, append) else { return Ok(()) };
        self.place = Place::Memory;
        self.shelves.iter_mut().for_each(|shelf| shelf.file = None);
        Err(fault)
    }

    /// Bytes on all shelves.
    pub fn bytes(&self) -> u64 {
        self.shelves.iter().map(|shelf| shelf.bytes).sum()
    }

    /// Where they are.
    pub const fn place(&self) -> Place {
        self.place
    }
}

impl Shelf {
    /// What is on it; what cannot be used is cut off.
    fn read(&mut self) -> Result<Option<Kept>, Fault> {
        let Some(file) = &mut self.file else { return Ok(None) };
        let Held { content, whole, damage } = match file.size {
            0 => return Ok(None),
            size if size > LARGEST => Held::default(),
            _ => frames::read(&file.read()?),
        };
        let damage = match file.size {
            size if size > LARGEST => Some(format!("its file has {size} bytes, at most {LARGEST} are read")),
            _ => damage.map(|damage| damage.to_string()),
        };
        if whole as u64 != file.size {
            file.cut(whole as u64)?;
        }
        self.bytes = content.len() as u64;
        Ok((!content.is_empty() || damage.is_some()).then_some(Kept { shelf: self.name, content, damage }))
    }

    fn keep(&mut self, content: &[u8], append: bool) -> Result<(), Fault> {
        if !append {
            self.bytes = 0;
        }
        self.bytes += content.len() as u64;
        let Some(file) = &mut self.file else { return Ok(()) };
        let frame = frames::frame(content).ok_or_else(|| Fault(format!("{} bytes are too many", content.len())))?;
        let at = if append { file.size } else { 0 };
        let written = file.write(at, &frame);
        if written.is_err() {
            // A piece of a frame is no harm: it is cut off when it is read.
            drop(file.cut(at));
        }
        written
    }
}

/// An open file; closed when dropped.
#[derive(Debug)]
struct File {
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

    fn read(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; usize::try_from(self.size).unwrap_or_default()];
        let read = self.handle.read_with_u8_array_and_options(&mut bytes, &at(0)).map_err(|error| fault(&error))?;
        if read < self.size as f64 {
            return Err(Fault(format!("{read} of {} bytes were read", self.size)));
        }
        Ok(bytes)
    }

    /// Writes there and ends the file behind it.
    fn write(&mut self, at_byte: u64, bytes: &[u8]) -> Result<(), Fault> {
        let written =
            self.handle.write_with_u8_array_and_options(bytes, &at(at_byte)).map_err(|error| fault(&error))?;
        if written < bytes.len() as f64 {
            return Err(Fault(format!("{written} of {} bytes were written", bytes.len())));
        }
        self.cut(at_byte + bytes.len() as u64)
    }

    /// Ends the file there, and sees it to the disk.
    fn cut(&mut self, size: u64) -> Result<(), Fault> {
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

/// The folder of a chain.
async fn folder(chain: &str) -> Result<FileSystemDirectoryHandle, JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
    // Neither is there on a page that was not served securely, nor in every browser.
    let storage = Reflect::get(&scope.navigator(), &"storage".into())?;
    if !storage.is_object() || !Reflect::has(&storage, &"getDirectory".into())? {
        return Err(JsValue::UNDEFINED);
    }
    let root: FileSystemDirectoryHandle = settled(storage.unchecked_into::<StorageManager>().get_directory()).await?;
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    settled(root.get_directory_handle_with_options(&format!("{PREFIX}{chain}"), &options)).await
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

/// Of the name of every folder.
const PREFIX: &str = "peerage-";
/// Largest file that is read, bytes: the tables of 16,384 peers and their links are a fraction of it.
const LARGEST: u64 = 128 << 20;
/// Largest size that a number of JavaScript tells exactly.
const LONGEST: f64 = 9_007_199_254_740_991.0;
/// A page that is loaded anew finds the files still lent for a moment: how often it tries again, and how long it waits,
/// ms.
const TRIES: u32 = 20;
/// See [`TRIES`].
const PAUSE_MS: u32 = 50;
