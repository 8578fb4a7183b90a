//! Runs the fuzz targets of tests/fuzz for a while and says what came of it.
//!
//! The targets are compiled by the toolchain that compiles everything else, with the flags that make LLVM count edges, and
//! linked with libFuzzer, which `libfuzzer-sys` brings and a C++ compiler compiles: nothing else has to be installed. There is
//! no address sanitizer, which needs a nightly Rust and would watch code that is all safe; what overflows or is out of bounds
//! panics.
//!
//! Each target begins with honest messages, with the inputs that the checkout keeps (tests/fuzz/corpus) and with what earlier
//! runs on this machine found.

use crate::setup;
use crate::shell::{Shell, duration, read, run as run_it, say, words};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// How long, and what.
#[derive(Debug)]
pub struct Order<'a> {
    /// In all, however many targets there are.
    pub minutes: f64,
    /// Whether the checkout's corpus is written anew from what is known now.
    pub keep: bool,
    /// None: all.
    pub targets: &'a [String],
}

/// Builds and runs them, several at a time; an error where an input broke a target, with the command that shows it again.
pub fn run(order: &Order<'_>) -> Result<()> {
    if !order.minutes.is_finite() || order.minutes < 0.0 {
        bail!("--minutes {} is no time", order.minutes);
    }
    let (shell, compiler) = setup::fuzz()?;
    let targets = chosen(&shell, order.targets)?;
    let built = build(&shell, &compiler)?;
    let folder = shell.workspace.target.join("fuzz");
    let workers = thread::available_parallelism().map_or(1, usize::from).min(targets.len());
    let each = Duration::from_secs_f64(order.minutes * 60.0 * workers as f64 / targets.len() as f64);
    say(format!("Fuzzing {} targets, {} each, {workers} at a time:", targets.len(), duration(each)));
    say(format!("  {HEADINGS}"));
    let fuzzer = Fuzzer { shell: &shell, built: &built, folder: &folder, each };
    let found = each_of(&targets, workers, |target| {
        let ran = fuzzer.run(target).with_context(|| format!("the target {target} did not run"));
        if let Ok(ran) = &ran {
            say(format!("  {}", ran.line(target)));
        }
        ran
    });
    let found = found.into_iter().collect::<Result<Vec<Ran>>>()?;
    say(format!("  {}", total(&found).line("total")));
    if order.keep {
        let kept = each_of(&targets, workers, |target| fuzzer.keep(target));
        let bytes: u64 = kept.into_iter().sum::<Result<u64>>()?;
        say(format!("Kept {} KiB in tests/fuzz/corpus.", bytes / 1024));
    }
    let crashes: Vec<&PathBuf> = found.iter().flat_map(|ran| &ran.crashes).collect();
    if !crashes.is_empty() {
        for input in &crashes {
            let target = input.parent().and_then(Path::file_name).unwrap_or_default();
            say(format!(
                "\n{} breaks a target. To see it again:\n  {} {}",
                input.display(),
                built.join(target).display(),
                input.display()
            ));
        }
        bail!("{} inputs broke a target", crashes.len());
    }
    Ok(())
}

/// What happened to one target.
#[derive(Debug, Default)]
struct Ran {
    executions: u64,
    seconds: f64,
    edges: u64,
    corpus: u64,
    crashes: Vec<PathBuf>,
}

impl Ran {
    fn line(&self, target: &str) -> String {
        let Self { executions, seconds, edges, corpus, crashes } = self;
        let speed = *executions as f64 / seconds.max(1.0);
        format!("{target:<12} {executions:>12} {speed:>9.0} {edges:>7} {corpus:>7} {:>8}", crashes.len())
    }
}

/// Of all; coverage of different programs does not add up, but says how much there is.
fn total(all: &[Ran]) -> Ran {
    Ran {
        executions: all.iter().map(|ran| ran.executions).sum(),
        seconds: all.iter().map(|ran| ran.seconds).sum(),
        edges: all.iter().map(|ran| ran.edges).sum(),
        corpus: all.iter().map(|ran| ran.corpus).sum(),
        crashes: all.iter().flat_map(|ran| ran.crashes.clone()).collect(),
    }
}

/// Where things lie.
struct Fuzzer<'a> {
    shell: &'a Shell,
    built: &'a Path,
    folder: &'a Path,
    each: Duration,
}

impl Fuzzer<'_> {
    fn run(&self, target: &str) -> Result<Ran> {
        let [corpus, crashes, logs] = ["corpus", "crashes", "logs"].map(|name| self.folder.join(name));
        let (corpus, crashes) = (corpus.join(target), crashes.join(target));
        for folder in [&corpus, &crashes, &logs] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        for input in unpack(&fs::read(self.archive(target)).unwrap_or_default())? {
            fs::write(corpus.join(name(&input)), input)?;
        }
        let log = logs.join(format!("{target}.log"));
        let since = Instant::now();
        let mut command = self.program(target);
        command
            .arg(&corpus)
            .env("PEERAGE_SEEDS", &corpus)
            .arg(format!("-max_total_time={}", self.each.as_secs().max(1)));
        command.arg("-print_final_stats=1").arg(format!("-artifact_prefix={}/", crashes.display())).args(LIMITS);
        let status =
            command.stdout(File::create(logs.join(format!("{target}.out")))?).stderr(File::create(&log)?).status();
        let status = status.with_context(|| format!("cannot start `{}`", words(&command)))?;
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let mut ran = heard(&said);
        ran.seconds = since.elapsed().as_secs_f64();
        if !status.success() && ran.crashes.is_empty() {
            bail!("`{}` ended with {status}; {} says why", words(&command), log.display());
        }
        Ok(ran)
    }

    /// Writes the inputs that reach all that is reached, the shortest of them, into the checkout; gives the bytes of the file.
    fn keep(&self, target: &str) -> Result<u64> {
        let least = self.folder.join("least").join(target);
        if least.exists() {
            fs::remove_dir_all(&least)?;
        }
        fs::create_dir_all(&least)?;
        let mut command = self.program(target);
        command.arg("-merge=1").args(LIMITS).arg(&least).arg(self.folder.join("corpus").join(target));
        read(&mut command)?;
        let mut inputs = BTreeSet::new();
        for file in fs::read_dir(&least)? {
            let input = fs::read(file?.path())?;
            inputs.insert((input.len(), input));
        }
        let packed = pack(inputs.into_iter().map(|(_, input)| input));
        let archive = self.archive(target);
        fs::create_dir_all(archive.parent().context("a file lies in a folder")?)?;
        fs::write(&archive, &packed).with_context(|| format!("cannot write {}", archive.display()))?;
        Ok(packed.len() as u64)
    }

    fn program(&self, target: &str) -> Command {
        self.shell.command(self.built.join(target))
    }

    fn archive(&self, target: &str) -> PathBuf {
        self.shell.workspace.root.join(FOLDER).join("corpus").join(format!("{target}.bin"))
    }
}

/// Does it for each, so many at a time; results in the order of the targets.
fn each_of<T: Send>(targets: &[String], workers: usize, work: impl Fn(&str) -> T + Sync) -> Vec<T> {
    let waiting = Mutex::new(targets.iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((place, target)) = waiting.lock().ok().and_then(|mut waiting| waiting.next()) {
                    let result = work(target);
                    if let Ok(mut done) = done.lock() {
                        done.push((place, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Names of the programs in tests/fuzz, or those that were asked for.
fn chosen(shell: &Shell, asked: &[String]) -> Result<Vec<String>> {
    let manifest =
        fs::read_to_string(shell.workspace.root.join(FOLDER).join("Cargo.toml")).context("there are no targets")?;
    let all: Vec<String> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|bin| Some(bin.split_once("name = \"")?.1.split_once('"')?.0.to_owned()))
        .collect();
    if let Some(unknown) = asked.iter().find(|name| !all.contains(name)) {
        bail!("there is no target {unknown}; there are {}", all.join(", "));
    }
    Ok(if asked.is_empty() { all } else { asked.to_vec() })
}

/// Compiles them in a folder of their own, and says where they lie.
fn build(shell: &Shell, compiler: &Path) -> Result<PathBuf> {
    let version = read(shell.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not say what it is")?;
    let folder = shell.workspace.target.join("fuzz");
    // Where the target is named, build scripts and macros are compiled without the flags.
    let mut command = shell.cargo(["build", "--locked", "--package", PACKAGE, "--features", "libfuzzer", "--bins"]);
    command.args(["--profile", "fuzz", "--target", host]).env("CARGO_TARGET_DIR", &folder);
    command.env("RUSTFLAGS", FLAGS.join(" "));
    // Only where it is not what would be taken anyway: whatever is compiled from C would be compiled again for it.
    if !compiler.ends_with("c++") {
        command.env("CXX", compiler);
    }
    run_it(&mut command).context("the targets were not built")?;
    Ok(folder.join(host).join("fuzz"))
}

/// What libFuzzer said.
fn heard(said: &str) -> Ran {
    let after = |word: &str| {
        let found = said.lines().rev().find_map(|line| line.split_once(word));
        found.and_then(|(_, rest)| rest.trim_start().split([' ', '/']).next()?.parse().ok()).unwrap_or(0)
    };
    let written = |line: &str| Some(PathBuf::from(line.split_once("Test unit written to ")?.1.trim()));
    // Where an input breaks a target there is no line of statistics, but each line begins with a number.
    let number = |line: &str| line.strip_prefix('#')?.split_whitespace().next()?.parse().ok();
    Ran {
        executions: after("stat::number_of_executed_units:").max(said.lines().filter_map(number).max().unwrap_or(0)),
        seconds: 0.0,
        edges: after(" cov:"),
        corpus: after(" corp:"),
        crashes: said.lines().filter_map(written).collect(),
    }
}

/// Inputs one after the other, each behind its length, as tests/fuzz/src/corpus.rs reads them; what is too much is left out.
fn pack(inputs: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut packed = Vec::new();
    for input in inputs {
        let Ok(length) = u32::try_from(input.len()) else { break };
        if packed.len() + 4 + input.len() > MOST {
            break;
        }
        packed.extend(length.to_le_bytes());
        packed.extend(input);
    }
    packed
}

fn unpack(mut packed: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut inputs = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk() {
        let cut = rest.split_at_checked(u32::from_le_bytes(*length) as usize);
        let (input, rest) = cut.context("a file of the kept corpus ends too early")?;
        inputs.push(input.to_vec());
        packed = rest;
    }
    Ok(inputs)
}

/// A file name for an input, the same each time (FNV-1a).
fn name(input: &[u8]) -> String {
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("kept-{hash:016x}")
}

const PACKAGE: &str = "peerage-fuzz";
const FOLDER: &str = "tests/fuzz";
const HEADINGS: &str = "target         executions    exec/s   edges  corpus  crashes";

/// Bytes of a file of the kept corpus.
const MOST: usize = 64 << 10;

/// What no input may take: seconds, MiB.
const LIMITS: [&str; 2] = ["-timeout=20", "-rss_limit_mb=2048"];

/// Edges are counted, and what is compared is seen; `fuzzing` is what libraries call this.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

#[cfg(test)]
mod tests {
    use super::{MOST, heard, name, pack, unpack};
    use std::path::PathBuf;

    #[test]
    fn what_libfuzzer_says_is_understood() {
        let said = "#2\tINITED cov: 71 ft: 72 corp: 1/1b exec/s: 0 rss: 39Mb\n\
                    #512\tNEW    cov: 80 ft: 91 corp: 12/345b lim: 4 exec/s: 0 rss: 39Mb L: 3/4 MS: 1 InsertByte-\n\
                    #900\tDONE   cov: 81 ft: 92 corp: 13/349b lim: 4 exec/s: 450 rss: 39Mb\n\
                    stat::number_of_executed_units: 901\n";
        let ran = heard(said);
        assert_eq!((ran.executions, ran.edges, ran.corpus, ran.crashes.len()), (901, 81, 13, 0));
        let crashed = "#512\tNEW    cov: 80 ft: 91 corp: 12/345b lim: 4\n\
                       artifact_prefix='/a/'; Test unit written to /a/crash-01\nBase64: AA==\n";
        let ran = heard(crashed);
        assert_eq!((ran.executions, ran.edges, ran.crashes), (512, 80, vec![PathBuf::from("/a/crash-01")]));
    }

    #[test]
    fn a_packed_corpus_comes_back_as_far_as_it_fits() {
        let inputs = [vec![], vec![1, 2, 3], vec![4; 300]];
        assert_eq!(unpack(&pack(inputs.iter().cloned())).unwrap(), inputs);
        assert!(unpack(&pack(inputs.iter().cloned())[..20]).is_err());
        assert_eq!(unpack(&pack([vec![1], vec![2; MOST], vec![3]].into_iter())).unwrap(), [vec![1]]);
        assert_ne!(name(&[1]), name(&[2]));
    }
}
