//! States on disk, one an epoch.
//!
//! A snapshot is a version byte, the digest of the rest, the header of the block, and the encoded state. It is written to
//! a new file, synced and renamed; the two newest are kept. A node starts from the newest one that is whole and replays
//! the blocks after it. Where files are there but none is whole, nothing is guessed: the error says which and why.

use crate::folder::{self, Folder, FolderError};
use commonware_codec::{DecodeExt, Encode, FixedSize};
use ledger::hash::{Domain, tagged};
use ledger::{ChainId, Header, Height, State};
use std::fs;
use std::path::{Path, PathBuf};

/// Format of a snapshot file, its first byte.
pub const VERSION: u8 = 1;

/// Where a node keeps its snapshots, and what it could not follow.
pub trait Vault: Send + Sync {
    /// The newest whole snapshot of a chain; `None` where there is none.
    fn load(&self, chain: ChainId) -> Result<Option<Snapshot>, SnapshotError>;
    /// Keeps a snapshot; a crash leaves the one before.
    fn save(&self, snapshot: &Snapshot) -> Result<(), SnapshotError>;
    /// Keeps bytes under a name.
    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), SnapshotError>;
}

impl Vault for Folder {
    fn load(&self, chain: ChainId) -> Result<Option<Snapshot>, SnapshotError> {
        Snapshot::load(self, chain)
    }

    fn save(&self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        snapshot.save(self)
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), SnapshotError> {
        Ok(folder::replace(&self.path().join(name), bytes)?)
    }
}

/// A final state with its header.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Header of the block.
    pub header: Header,
    /// State after it.
    pub state: State,
}

/// Why there is no state to start from.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk refuses.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Written by a newer program.
    #[error("{path} has format {found}, but this program knows {VERSION} at most: use a newer program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u8,
    },
    /// The bytes are not those that were written.
    #[error("{path} is damaged ({what}): start with an empty folder (a copy may sign twice)")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A whole state, but of another chain.
    #[error("{path} belongs to chain {found}, not to {wanted}")]
    WrongChain {
        /// The file.
        path: PathBuf,
        /// Its chain.
        found: ChainId,
        /// The chain of the node.
        wanted: ChainId,
    },
}

impl Snapshot {
    /// Writes it into the folder and removes all but the two newest.
    pub fn save(&self, folder: &Folder) -> Result<(), SnapshotError> {
        let content = [&self.header.encode()[..], &self.state.encode()[..]].concat();
        let digest = tagged(Domain::Snapshot, [&content, &[], &[]]);
        let bytes = [&[VERSION][..], &digest[..], &content[..]].concat();
        let name = format!("state-{:020}.snapshot", self.header.height.get());
        folder::replace(&folder.path().join(name), &bytes)?;
        for (_, old) in list(folder)?.into_iter().skip(KEPT) {
            fs::remove_file(&old).map_err(folder::disk(&old))?;
        }
        Ok(())
    }

    /// The newest whole snapshot of a chain; `None` where there is no file.
    pub fn load(folder: &Folder, chain: ChainId) -> Result<Option<Self>, SnapshotError> {
        let mut first_error = None;
        for (_, path) in list(folder)? {
            match Self::read(&path, chain) {
                Ok(snapshot) => return Ok(Some(snapshot)),
                Err(error @ SnapshotError::Damaged { .. }) => {
                    tracing::warn!(%error, "trying the snapshot before");
                    first_error.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        first_error.map_or(Ok(None), Err)
    }

    fn read(path: &Path, chain: ChainId) -> Result<Self, SnapshotError> {
        let damaged = |what| SnapshotError::Damaged { path: path.to_path_buf(), what };
        let bytes = folder::read(path)?.ok_or_else(|| damaged("gone"))?;
        let (version, rest) = bytes.split_first().ok_or_else(|| damaged("empty"))?;
        if *version > VERSION {
            return Err(SnapshotError::Newer { path: path.to_path_buf(), found: *version });
        }
        let (digest, content) = rest.split_at_checked(32).ok_or_else(|| damaged("truncated"))?;
        if tagged(Domain::Snapshot, [content, &[], &[]])[..] != *digest {
            return Err(damaged("its checksum differs"));
        }
        let (header, state) = content.split_at_checked(Header::SIZE).ok_or_else(|| damaged("truncated"))?;
        let header = Header::decode(header.to_vec()).map_err(|_| damaged("no header"))?;
        let state = State::decode(state.to_vec()).map_err(|_| damaged("no state"))?;
        if state.chain() != chain {
            return Err(SnapshotError::WrongChain { path: path.to_path_buf(), found: state.chain(), wanted: chain });
        }
        let roots = state.roots();
        let same = (header.roots, header.height) == (roots, state.height());
        if same { Ok(Self { header, state }) } else { Err(damaged("header and state differ")) }
    }
}

/// Snapshot files that stay.
const KEPT: usize = 2;

/// Snapshot files, newest first.
fn list(folder: &Folder) -> Result<Vec<(Height, PathBuf)>, FolderError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.path()).map_err(folder::disk(folder.path()))? {
        let path = entry.map_err(folder::disk(folder.path()))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let height = name.strip_prefix("state-").and_then(|rest| rest.strip_suffix(".snapshot"));
        if let Some(height) = height.and_then(|digits| digits.parse().ok()) {
            found.push((Height(height), path));
        }
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.0));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{At, Digest, Genesis};

    fn snapshots(count: u64) -> Vec<Snapshot> {
        let genesis = Genesis::example();
        let (mut header, mut state) = (genesis.header().unwrap(), genesis.state().unwrap());
        let mut all = Vec::new();
        for height in 1..=count {
            let at = At { height: Height(height), time: state.time() + 1, parent: header.digest() };
            (state, _) = state.apply(&at, &[]).unwrap();
            let roots = state.roots();
            header = Header { parent: at.parent, height: at.height, time: at.time, roots, ..header };
            all.push(Snapshot { header: header.clone(), state: state.clone() });
        }
        all
    }

    #[test]
    fn the_newest_whole_snapshot_is_loaded() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path().join("data")).unwrap();
        let chain = Genesis::example().chain();
        assert_eq!(Snapshot::load(&folder, chain).unwrap(), None);
        let all = snapshots(3);
        for snapshot in &all {
            snapshot.save(&folder).unwrap();
        }
        let files = list(&folder).unwrap();
        assert_eq!(files.iter().map(|(height, _)| height.get()).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(Snapshot::load(&folder, chain).unwrap().as_ref(), all.last());
        let mut bytes = fs::read(&files[0].1).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&files[0].1, &bytes).unwrap();
        assert_eq!(Snapshot::load(&folder, chain).unwrap().as_ref(), Some(&all[1]));
        fs::write(&files[1].1, &bytes[..20]).unwrap();
        let error = Snapshot::load(&folder, chain).unwrap_err();
        assert!(
            matches!(&error, SnapshotError::Damaged { path, what: "its checksum differs" } if *path == files[0].1),
            "{error}"
        );
    }

    #[test]
    fn newer_foreign_and_mismatched_snapshots_are_named() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path().join("data")).unwrap();
        let chain = Genesis::example().chain();
        let all = snapshots(2);
        all[0].save(&folder).unwrap();
        let path = list(&folder).unwrap().remove(0).1;
        let other = ChainId(Digest::from([1; 32]));
        assert!(
            matches!(Snapshot::load(&folder, other), Err(SnapshotError::WrongChain { wanted, .. }) if wanted == other)
        );
        let mut bytes = fs::read(&path).unwrap();
        bytes[0] = VERSION + 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(Snapshot::load(&folder, chain), Err(SnapshotError::Newer { found: 2, .. })));
        Snapshot { header: all[0].header.clone(), state: all[1].state.clone() }.save(&folder).unwrap();
        assert!(matches!(
            Snapshot::load(&folder, chain),
            Err(SnapshotError::Damaged { what: "header and state differ", .. })
        ));
        fs::write(&path, b"").unwrap();
        assert!(matches!(Snapshot::load(&folder, chain), Err(SnapshotError::Damaged { what: "empty", .. })));
    }
}
