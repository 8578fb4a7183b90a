//! What the light client verified, kept for the next visit: shelves of bytes in the origin private file system.
//!
//! A folder a chain, a file a shelf, opened once and then written synchronously, as only a worker may: when
//! [`Store::keep`] returns, the bytes are on the disk. A write is there whole or not at all (`frames`). Where the
//! browser has no such files, refuses them, or has lent them to another tab, nothing is kept, which [`Store::place`]
//! says. Nothing read here is trusted: the light client verifies it like a stranger's reply.

use opfs::{Fault as Unwritten, File, Folder, frames, frames::Held};
use protocol::port::auditor::Place;

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
pub struct Fault(#[from] Unwritten);

impl Store {
    /// Opens the shelves of these names for `chain` and reads what is on them. What cannot be opened is kept nowhere.
    pub async fn open(chain: &str, names: &[&'static str]) -> (Self, Vec<Kept>) {
        let mut store = Self::nowhere(names);
        let Ok(folder) = Folder::open(chain).await else { return (store, Vec::new()) };
        for shelf in &mut store.shelves {
            match folder.file(shelf.name).await {
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
        let Held { content, whole, damage } = match file.size() {
            0 => return Ok(None),
            size if size > LARGEST => Held::default(),
            _ => frames::read(&file.read()?),
        };
        let damage = match file.size() {
            size if size > LARGEST => Some(format!("its file has {size} bytes, at most {LARGEST} are read")),
            _ => damage.map(|damage| damage.to_string()),
        };
        if whole as u64 != file.size() {
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
        let frame = frames::frame(content).ok_or_else(|| Unwritten(format!("{} bytes are too many", content.len())))?;
        let at = if append { file.size() } else { 0 };
        let written = file.write(at, &frame);
        if written.is_err() {
            // A piece of a frame is no harm: it is cut off when it is read.
            drop(file.cut(at));
        }
        Ok(written?)
    }
}

/// Largest file that is read, bytes: the tables of 16,384 peers and their links are a fraction of it.
const LARGEST: u64 = 128 << 20;
