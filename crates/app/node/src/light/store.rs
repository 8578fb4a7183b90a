//! What a light client keeps on disk: a file a shelf in one folder, which belongs to one chain and one process.
//!
//! What replaces a shelf is written beside it, flushed and renamed, so that the old one or the new one is there whatever
//! happens; what is added is flushed before anything else is done. Nothing in the folder is believed: the light client
//! verifies what it restores, finds an end that was torn off, and has a damaged shelf written anew.

use anyhow::{Context, Result, bail};
use ledger::ChainId;
use light::Shelf;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// The folder.
pub struct Store {
    folder: PathBuf,
    /// Held while this process uses the folder.
    _lock: File,
}

impl Store {
    /// Opens the folder for `chain`, or makes it.
    ///
    /// # Errors
    /// Where it cannot be used, belongs to another chain, or another process uses it.
    pub fn open(folder: &Path, chain: ChainId) -> Result<Self> {
        let name = folder.display();
        fs::create_dir_all(folder).with_context(|| format!("{name} cannot be used as --store"))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK));
        let lock = lock.with_context(|| format!("{name} cannot be used as --store"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("{name} is in use by another `peerage light`: name another folder"),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{name} cannot be used as --store"));
            }
        }
        let store = Self { folder: folder.to_owned(), _lock: lock };
        store.belongs_to(chain)?;
        Ok(store)
    }

    fn belongs_to(&self, chain: ChainId) -> Result<()> {
        let path = self.folder.join(CHAIN);
        let wanted = format!("{chain}\n");
        match fs::read_to_string(&path) {
            Ok(found) if found == wanted => Ok(()),
            Ok(found) => bail!(
                "{} belongs to chain {}, not to {chain}: name another folder, or the genesis of that chain",
                self.folder.display(),
                found.trim_end()
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => self.replace(CHAIN, wanted.as_bytes()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// What the shelf holds, if it was ever written.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(&self, shelf: Shelf) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(shelf.name());
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            other => Ok(Some(other.with_context(|| format!("{} cannot be read", path.display()))?)),
        }
    }

    /// Writes `bytes` to the shelf, behind what is there or in its place; on disk once this returns.
    ///
    /// # Errors
    /// Where it cannot be written: what was there before still is.
    pub fn keep(&self, shelf: Shelf, bytes: &[u8], append: bool) -> Result<()> {
        if !append {
            return self.replace(shelf.name(), bytes);
        }
        let path = self.folder.join(shelf.name());
        let add = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(bytes)?;
            file.sync_data()
        };
        add().with_context(|| format!("{} cannot be written", path.display()))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let beside = self.folder.join(format!("{name}.new"));
        let swap = || {
            let mut file = File::create(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            // The name is on disk once the folder is.
            #[cfg(unix)]
            File::open(&self.folder)?.sync_all()?;
            Ok::<(), std::io::Error>(())
        };
        swap().with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// The file that names the chain.
const CHAIN: &str = "chain";

/// The file whose lock says that the folder is in use.
const LOCK: &str = "lock";

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Digest;

    fn chain(byte: u8) -> ChainId {
        ChainId(Digest::from([byte; 32]))
    }

    #[test]
    fn what_was_kept_is_there_at_the_next_opening() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("deep/inside");
        let store = Store::open(&folder, chain(1)).unwrap();
        assert_eq!(store.read(Shelf::Head).unwrap(), None);
        store.keep(Shelf::Head, b"first", false).unwrap();
        store.keep(Shelf::Head, b"second", false).unwrap();
        store.keep(Shelf::Links, b"one ", true).unwrap();
        store.keep(Shelf::Links, b"two", true).unwrap();
        drop(store);
        let store = Store::open(&folder, chain(1)).unwrap();
        assert_eq!(store.read(Shelf::Head).unwrap().unwrap(), b"second");
        assert_eq!(store.read(Shelf::Links).unwrap().unwrap(), b"one two");
        store.keep(Shelf::Links, b"anew", false).unwrap();
        assert_eq!(store.read(Shelf::Links).unwrap().unwrap(), b"anew");
    }

    #[test]
    fn what_was_begun_and_not_finished_is_not_read() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(place.path(), chain(1)).unwrap();
        store.keep(Shelf::Epoch, b"whole", false).unwrap();
        fs::write(place.path().join("epoch.new"), "ha").unwrap();
        assert_eq!(store.read(Shelf::Epoch).unwrap().unwrap(), b"whole");
        // A name that cannot be written to leaves what is there.
        fs::remove_file(place.path().join("epoch.new")).unwrap();
        fs::create_dir(place.path().join("epoch.new")).unwrap();
        let error = store.keep(Shelf::Epoch, b"newer", false).unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
        assert_eq!(store.read(Shelf::Epoch).unwrap().unwrap(), b"whole");
    }

    #[test]
    fn a_folder_is_of_one_chain_and_one_process() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(place.path(), chain(1)).unwrap();
        let error = Store::open(place.path(), chain(1)).err().unwrap().to_string();
        assert!(error.contains("is in use by another"), "{error}");
        drop(store);
        let error = Store::open(place.path(), chain(2)).err().unwrap().to_string();
        assert!(error.contains("belongs to chain 0101") && error.contains("name another folder"), "{error}");
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Store::open(&file, chain(1)).err().unwrap().to_string();
        assert!(error.contains("cannot be used as --store"), "{error}");
    }
}
