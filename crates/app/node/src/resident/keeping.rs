//! What a resident keeps of its model on disk: one file, replaced as a whole, so that the old one or the new one is there
//! whatever happens. What cannot be gone on from is put aside under another name, one that is not taken, and training begins
//! anew.

use crate::say;
use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::PathBuf,
};

/// The file.
#[derive(Clone, Debug)]
pub struct Keeping {
    folder: PathBuf,
}

impl Keeping {
    /// In this folder, which is there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What was kept, if anything was.
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn read(&self) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(NAME);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Replaces what was kept.
    ///
    /// # Errors
    /// Where it cannot be written: what was there before still is.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let (path, beside) = (self.folder.join(NAME), self.folder.join(format!("{NAME}.new")));
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

    /// Puts the file aside and says why.
    pub fn put_aside(&self, why: &str) {
        let path = self.folder.join(NAME);
        let numbered = (2u32..).map(|number| format!("{NAME}.aside.{number}"));
        let free = |name: &String| fs::symlink_metadata(self.folder.join(name)).is_err();
        let Some(name) = std::iter::once(format!("{NAME}.aside")).chain(numbered).find(free) else { return };
        let aside = self.folder.join(name);
        say::line(format_args!("Model     begins anew: {why}"));
        match fs::rename(&path, &aside) {
            Ok(()) => say::line(format_args!("Model     what was kept lies in {}", aside.display())),
            Err(error) => tracing::warn!(%error, "what was kept could not be put aside"),
        }
    }
}

/// Name of the file.
const NAME: &str = "model";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_replaced_as_a_whole() {
        let place = tempfile::tempdir().unwrap();
        let keeping = Keeping::new(place.path().into());
        assert_eq!(keeping.read().unwrap(), None);
        keeping.write(b"one").unwrap();
        keeping.write(b"another").unwrap();
        assert_eq!(keeping.read().unwrap().unwrap(), b"another");
        // A torn write leaves what is there.
        fs::remove_file(place.path().join("model.new")).ok();
        fs::create_dir(place.path().join("model.new")).unwrap();
        assert!(keeping.write(b"third").unwrap_err().to_string().contains("cannot be written"));
        assert_eq!(keeping.read().unwrap().unwrap(), b"another");
    }

    #[test]
    fn what_is_no_use_is_put_aside() {
        let place = tempfile::tempdir().unwrap();
        let keeping = Keeping::new(place.path().into());
        keeping.write(b"damaged").unwrap();
        keeping.put_aside("it is damaged");
        assert_eq!(keeping.read().unwrap(), None);
        assert_eq!(fs::read(place.path().join("model.aside")).unwrap(), b"damaged");
        keeping.write(b"of other data").unwrap();
        keeping.put_aside("it is of other data");
        assert_eq!(fs::read(place.path().join("model.aside")).unwrap(), b"damaged", "it stays");
        assert_eq!(fs::read(place.path().join("model.aside.2")).unwrap(), b"of other data");
    }
}
