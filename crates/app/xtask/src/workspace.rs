//! Where things lie: the checkout, the cache folder, the build folder.

use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::path::PathBuf;

/// Folders of one checkout.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The checkout.
    pub root: PathBuf,
    /// What is fetched or built once a machine: `PEERAGE_CACHE`, else `~/.cache/peerage`.
    pub cache: PathBuf,
    /// Cargo's build folder: `CARGO_TARGET_DIR`, else `target` of the cache, so that a second clone is warm.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the checkout this program was started in, and the folders of this user.
    pub fn find() -> Result<Self> {
        let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = here.ancestors().nth(3).context("xtask does not lie in crates/app of a checkout")?.to_owned();
        let cache = match env::var_os("PEERAGE_CACHE") {
            Some(cache) => PathBuf::from(cache),
            None => PathBuf::from(env::var_os("HOME").context("HOME is not set; set PEERAGE_CACHE to a folder")?)
                .join(".cache/peerage"),
        };
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| cache.join("target"), |target| root.join(target));
        fs::create_dir_all(&cache).with_context(|| format!("cannot make the cache folder {}", cache.display()))?;
        Ok(Self { root, cache, target })
    }

    /// Programs installed by set-up, a `cargo install` root.
    pub fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// The site that a node serves.
    pub fn site(&self) -> PathBuf {
        self.root.join("pkg/site")
    }

    /// The page that direct connections are tested with.
    pub fn probe(&self) -> PathBuf {
        self.target.join("webrtc-probe")
    }

    /// The page that times epochs.
    pub fn epochs(&self) -> PathBuf {
        self.target.join("epochs")
    }

    /// The native program.
    pub fn program(&self) -> PathBuf {
        self.target.join("debug").join(format!("peerage{}", env::consts::EXE_SUFFIX))
    }

    /// An example that was built for speed.
    pub fn example(&self, name: &str) -> PathBuf {
        self.target.join("release/examples").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// Version of `package` in Cargo.lock; the first, where there are several.
    pub fn locked(&self, package: &str) -> Result<String> {
        let lock = fs::read_to_string(self.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
        version_in(&lock, package).with_context(|| format!("Cargo.lock does not name {package}"))
    }
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    lines.find(|line| *line == name)?;
    Some(lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_follows_the_whole_name() {
        let lock = "name = \"trunk-core\"\nversion = \"9.0.0\"\n\nname = \"trunk\"\nversion = \"1.2.3\"\n";
        assert_eq!(version_in(lock, "trunk").as_deref(), Some("1.2.3"));
        assert_eq!(version_in(lock, "runk"), None);
    }
}
