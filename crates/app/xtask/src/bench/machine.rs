//! What was measured and on what: the machine, the versions, the commit.

use crate::shell::{Shell, read};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where figures come from.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Of the processor, as the system names it.
    pub processor: String,
    /// Threads that run at once.
    pub cores: usize,
    /// Bytes; none where the system does not say.
    pub memory: Option<u64>,
    /// The operating system and its version.
    pub system: String,
    /// Programs that run at the start, on average over a minute: above `cores`, figures suffer.
    pub load: Option<f64>,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// Of the checkout, with `+` where files differ from it.
    pub commit: String,
    /// Seconds since 1970.
    pub at: u64,
    /// Of the program, the compiler, what matters most below, and what it is compared with.
    pub versions: BTreeMap<String, String>,
}

impl Machine {
    /// This one.
    pub fn here(shell: &Shell) -> Self {
        let said = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = said("/proc/cpuinfo");
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let memory = said("/proc/meminfo");
        let kibibytes = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
        Self {
            processor: model.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().into()),
            cores: thread::available_parallelism().map_or(0, usize::from),
            memory: kibibytes.and_then(|text| text.parse::<u64>().ok()).map(|kibibytes| kibibytes * 1024),
            system: read(shell.command("uname").arg("-sr")).map_or_else(|_| String::new(), |text| text.trim().into()),
            load: said("/proc/loadavg").split_whitespace().next().and_then(|text| text.parse().ok()),
        }
    }
}

impl Source {
    /// Of this checkout.
    pub fn here(shell: &Shell) -> Self {
        let git = |arguments: &[&str]| read(shell.command("git").args(arguments)).unwrap_or_default().trim().to_owned();
        let changed = !git(&["status", "--porcelain", "--untracked-files=no"]).is_empty();
        let commit = format!("{}{}", git(&["rev-parse", "--short=12", "HEAD"]), if changed { "+" } else { "" });
        let mut versions = BTreeMap::new();
        for (name, package) in CRATES {
            versions.extend(shell.workspace.locked(package).ok().map(|version| (name.to_owned(), version)));
        }
        let npm = fs::read_to_string(shell.workspace.root.join("package.json")).unwrap_or_default();
        let npm: serde_json::Value = serde_json::from_str(&npm).unwrap_or_default();
        for (name, package) in PACKAGES {
            let version = npm["devDependencies"][package].as_str();
            versions.extend(version.map(|version| (name.to_owned(), version.to_owned())));
        }
        versions.extend(
            read(shell.command("rustc").arg("--version"))
                .ok()
                .and_then(|text| Some(("Rust".to_owned(), text.split_whitespace().nth(1)?.to_owned()))),
        );
        versions.extend(
            read(shell.command("node").arg("--version"))
                .ok()
                .map(|text| ("Node.js".to_owned(), text.trim().to_owned())),
        );
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { commit, at, versions }
    }
}

/// Names of what Cargo.lock pins.
const CRATES: [(&str, &str); 5] = [
    ("Peerage", "peerage-node"),
    ("Burn", "burn"),
    ("libp2p", "libp2p"),
    ("commonware", "commonware-consensus"),
    ("wasm-bindgen", "wasm-bindgen"),
];

/// Names of what package.json pins.
const PACKAGES: [(&str, &str); 2] = [("TensorFlow.js", "@tensorflow/tfjs-core"), ("js-libp2p", "libp2p")];
