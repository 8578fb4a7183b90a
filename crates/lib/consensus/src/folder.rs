//! The data folder: one node's memory of one chain.
//!
//! | file | what |
//! |---|---|
//! | `version` | format of the folder, a number in text |
//! | `lock` | held while a node uses the folder |
//! | `genesis` | the encoded genesis of the chain |
//! | `*.key` | private keys, hex, readable by the owner only |
//! | `state-*.snapshot` | states, see [`crate::snapshot`] |
//! | `evidence-*` | final blocks that could not be followed, with their certificates |
//! | `engine/` | blocks, certificates and votes of the engine, and records, see [`crate::records`] |
//!
//! Files are replaced by writing a new one, syncing and renaming, so a crash leaves the old or the new. Whoever can write
//! the folder controls the node; it is not protected against its owner. Others get no way in: a new folder is its owner's
//! alone, and a key that others can read is not used, since nobody knows who has it by now. What is read of a key is
//! overwritten when it is dropped.

use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_runtime::tokio::{Config, Runner};
use ledger::{ChainId, Genesis, PrivateKey, text};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Format of the folder. 1 had one validator for ever; 1 and 2 had chains of older protocols.
pub const VERSION: u32 = 3;

/// A data folder in use by this process.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// Released when the last clone is gone, by the system also after a crash.
    _lock: Arc<File>,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The disk refuses.
    #[error("{path}: {source}")]
    Disk {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process uses it.
    #[error("{path} is in use by another node: stop it or choose another folder")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("{path} has format {found}, but this program knows {known} at most: use a newer program or another folder")]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Newest format known.
        known: u32,
    },
    /// Written by an older program, whose chains this one does not run.
    #[error(
        "{path} has format {found} of an older program, whose chains this one does not run: run it with that program, or begin a \
         new chain in another folder"
    )]
    Older {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A file is there, but holds something else.
    #[error("{path} is damaged ({what}): restore it from a copy or choose another folder")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A private key that others than its owner can read.
    #[error("{path} can be read by others than its owner: `chmod 600` it if nobody has, else make another key")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// Not a data folder, and not empty.
    #[error("{path} is not empty and no data folder: choose another one")]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// It belongs to another chain.
    #[error("{path} belongs to chain {found}, not to {wanted}: choose another folder")]
    WrongGenesis {
        /// The folder.
        path: PathBuf,
        /// Its chain.
        found: ChainId,
        /// The chain asked for.
        wanted: ChainId,
    },
}

impl Folder {
    /// Opens the folder, or makes it where there is none.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let path = path.into();
        make(&path).map_err(disk(&path))?;
        let version = path.join("version");
        match read(&version)? {
            Some(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let damaged = FolderError::Damaged { path: version.clone(), what: "no number" };
                let found: u32 = text.trim().parse().map_err(|_| damaged)?;
                if found > VERSION {
                    return Err(FolderError::Newer { path, found, known: VERSION });
                }
                if found < VERSION {
                    return Err(FolderError::Older { path, found });
                }
            }
            None if fs::read_dir(&path).map_err(disk(&path))?.next().is_some() => {
                return Err(FolderError::Foreign { path });
            }
            None => replace(&version, format!("{VERSION}\n").as_bytes())?,
        }
        let lock_path = path.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(disk(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: Arc::new(lock) }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(FolderError::Disk { path: lock_path, source }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The private key of this name, made of the system's randomness the first time.
    pub fn key(&self, name: &str) -> Result<PrivateKey, FolderError> {
        let path = self.path.join(format!("{name}.key"));
        if let Some(key) = read_key(&path)? {
            return Ok(key);
        }
        let mut seed = Zeroizing::new([0u8; 32]);
        let source = Path::new("/dev/urandom");
        File::open(source).and_then(|mut file| file.read_exact(&mut *seed)).map_err(disk(source))?;
        let damaged = FolderError::Damaged { path: path.clone(), what: "no private key" };
        let key = PrivateKey::decode(Copying(&seed[..])).map_err(|_| damaged)?;
        replace(&path, Zeroizing::new(format!("{}\n", text::hex(&*seed))).as_bytes())?;
        Ok(key)
    }

    /// The genesis kept here; the first time the one that `make` gives, which is kept from then on.
    pub fn genesis(&self, make: impl FnOnce() -> Genesis) -> Result<Genesis, FolderError> {
        if let Some(genesis) = self.kept_genesis()? {
            return Ok(genesis);
        }
        let genesis = make();
        replace(&self.genesis_path(), &genesis.encode())?;
        Ok(genesis)
    }

    /// Refuses a genesis other than the one kept here; keeps it where there is none yet.
    pub fn bind(&self, genesis: &Genesis) -> Result<(), FolderError> {
        let (found, wanted) = (self.genesis(|| genesis.clone())?.chain(), genesis.chain());
        if found == wanted { Ok(()) } else { Err(FolderError::WrongGenesis { path: self.path.clone(), found, wanted }) }
    }

    /// The runtime whose storage is this folder: run [`crate::Validator::start`] in it.
    pub fn runner(&self) -> Runner {
        Runner::new(Config::new().with_storage_directory(self.path.join("engine")))
    }

    fn kept_genesis(&self) -> Result<Option<Genesis>, FolderError> {
        let path = self.genesis_path();
        let Some(bytes) = read(&path)? else { return Ok(None) };
        Genesis::decode(bytes).map(Some).map_err(|_| FolderError::Damaged { path, what: "no genesis" })
    }

    fn genesis_path(&self) -> PathBuf {
        self.path.join("genesis")
    }
}

/// The private key that a file holds; `None` where there is no file.
///
/// # Errors
/// [`FolderError::Exposed`] and [`FolderError::Damaged`], which quote nothing of it.
pub fn read_key(path: &Path) -> Result<Option<PrivateKey>, FolderError> {
    let Some(bytes) = read(path)?.map(Zeroizing::new) else { return Ok(None) };
    if is_exposed(path) {
        return Err(FolderError::Exposed { path: path.into() });
    }
    let damaged = |what| FolderError::Damaged { path: path.into(), what };
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged("no text"))?;
    text::decode(text.trim()).map(Some).map_err(|_| damaged("no private key in hexadecimal"))
}

/// Whether others than its owner can read a file.
#[cfg(unix)]
pub fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0)
}

/// Whether others than its owner can read a file, which is not known here.
#[cfg(not(unix))]
pub fn is_exposed(_: &Path) -> bool {
    false
}

/// Makes a folder for its owner alone, where there is none.
fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Reads a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FolderError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(disk(path)(error)),
    }
}

/// Replaces a file so that a crash leaves the old one or the new one, readable by the owner only.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new).map_err(disk(&new))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(disk(&new))?;
    fs::rename(&new, path).map_err(disk(path))?;
    let parent = path.parent().unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(disk(parent))
}

pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    move |source| FolderError::Disk { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::Signer;

    #[test]
    fn keys_and_genesis_are_kept() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        let folder = Folder::open(&path).unwrap();
        let key = folder.key("validator").unwrap().public_key();
        assert_ne!(folder.key("faucet").unwrap().public_key(), key);
        folder.genesis(Genesis::example).unwrap();
        drop(folder);
        let folder = Folder::open(&path).unwrap();
        assert_eq!(folder.key("validator").unwrap().public_key(), key);
        assert_eq!(folder.genesis(|| unreachable!("it is kept")).unwrap(), Genesis::example());
        folder.bind(&Genesis::example()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join("validator.key"))), (0o700, 0o600));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_not_used_and_not_quoted() {
        use std::os::unix::fs::PermissionsExt;
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path().join("data")).unwrap();
        folder.key("validator").unwrap();
        let path = folder.path().join("validator.key");
        let secret = fs::read_to_string(&path).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = folder.key("validator").unwrap_err();
            assert!(matches!(error, FolderError::Exposed { .. }), "{mode:o}: {error}");
            assert!(error.to_string().contains("chmod 600") && !format!("{error:?}{error}").contains(secret.trim()));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let key = folder.key("validator").unwrap();
        let said = format!("{key:?} {key}");
        assert!(!said.contains(&secret.trim()[..16]), "{said}");
    }

    #[test]
    fn each_unusable_folder_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        let folder = Folder::open(&path).unwrap();
        folder.genesis(Genesis::example).unwrap();
        assert!(matches!(Folder::open(&path), Err(FolderError::InUse { .. })));
        let other = Genesis { name: "other".into(), ..Genesis::example() };
        assert!(matches!(folder.bind(&other), Err(FolderError::WrongGenesis { .. })));
        fs::write(path.join("genesis"), b"?").unwrap();
        assert!(matches!(folder.bind(&other), Err(FolderError::Damaged { what: "no genesis", .. })));
        folder.key("validator").unwrap();
        fs::write(path.join("validator.key"), b"?").unwrap();
        assert!(matches!(folder.key("validator"), Err(FolderError::Damaged { .. })));
        drop(folder);
        fs::write(path.join("version"), b"4\n").unwrap();
        assert!(matches!(Folder::open(&path), Err(FolderError::Newer { found: 4, known: VERSION, .. })));
        fs::write(path.join("version"), b"1\n").unwrap();
        assert!(matches!(Folder::open(&path), Err(FolderError::Older { found: 1, .. })));
        fs::write(path.join("version"), b"?").unwrap();
        assert!(matches!(Folder::open(&path), Err(FolderError::Damaged { what: "no number", .. })));
        fs::remove_file(path.join("version")).unwrap();
        assert!(matches!(Folder::open(&path), Err(FolderError::Foreign { .. })));
        assert!(matches!(Folder::open(path.join("lock")), Err(FolderError::Disk { .. })));
    }
}
