//! What blocks cost, by the number of peers and of transactions.
//!
//! `cargo run --release --example apply -p peerage-ledger` fills states of 1,024, 16,384 and 65,536 peers with rows of 64
//! weights and prints, for each, the time of a block of 1, 256 and 2,048 updates of rows from its parent's state to its
//! roots, of the end of an epoch, of a snapshot, and the memory of a state and of another that differs by one block.
//! Numbers behind `--` choose other sizes, `--json` prints an object a line instead. Times are the shortest of five. One run is
//! compared with itself: the last column is the time over that of building all trees anew.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "measures time and prints it")]

use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer;
use peerage_ledger::row::SUM;
use peerage_ledger::table::root_of;
use peerage_ledger::transaction::Checked;
use peerage_ledger::types::TOKEN;
use peerage_ledger::{
    Action, Amount, At, Digest, Founder, Genesis, Height, Nonce, Parameters, PrivateKey, Row, Score, State, Table,
    Transaction, Uid,
};
use std::process::Command;
use std::time::{Duration, Instant};

/// Weights of a row.
const WEIGHTS: u32 = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, sizes): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word == "--json");
    let given: Vec<u32> = sizes.iter().map(|size| size.parse()).collect::<Result<_, _>>()?;
    if let [peers] = given.as_slice() {
        let figures = measure(*peers)?;
        println!("{}", if flags.is_empty() { figures.table() } else { figures.json() });
        return Ok(());
    }
    // A process each: what one has freed would hide what the next takes.
    for peers in if given.is_empty() { vec![1_024, 16_384, 65_536] } else { given } {
        Command::new(std::env::current_exe()?).args(&flags).arg(peers.to_string()).status()?;
    }
    Ok(())
}

/// What was found for a number of peers.
struct Figures {
    peers: u32,
    /// Building all trees anew.
    whole: Duration,
    times: Vec<(String, Duration)>,
    /// Bytes.
    sizes: Vec<(String, usize)>,
}

impl Figures {
    fn table(&self) -> String {
        let mut lines = vec![
            format!("\n{} peers, {WEIGHTS} weights each", self.peers),
            format!("  {:<34}{:>9.3} ms", "all trees anew", milliseconds(self.whole)),
        ];
        lines.extend(self.times.iter().map(|(name, time)| {
            let share = time.as_secs_f64() / self.whole.as_secs_f64();
            format!("  {name:<34}{:>9.3} ms{share:>10.4}", milliseconds(*time))
        }));
        let size = |(name, bytes): &(String, usize)| format!("  {name:<34}{:>8.2} MiB", mebibytes(*bytes));
        lines.extend(self.sizes.iter().map(size));
        lines.join("\n")
    }

    /// Times in ms, sizes in bytes, by their names.
    fn json(&self) -> String {
        let times: Vec<String> =
            self.times.iter().map(|(name, time)| format!("\"{name}\":{:.4}", milliseconds(*time))).collect();
        let sizes: Vec<String> = self.sizes.iter().map(|(name, bytes)| format!("\"{name}\":{bytes}")).collect();
        format!(
            "{{\"peers\":{},\"weights\":{WEIGHTS},\"anew\":{:.4},\"times\":{{{}}},\"sizes\":{{{}}}}}",
            self.peers,
            milliseconds(self.whole),
            times.join(","),
            sizes.join(",")
        )
    }
}

fn measure(peers: u32) -> Result<Figures, Box<dyn std::error::Error>> {
    let keys: Vec<PrivateKey> = (0..u64::from(peers)).map(PrivateKey::from_seed).collect();
    let before = resident();
    let mut state = begin(&keys)?;
    let first: Vec<Transaction> = (0..peers).map(|uid| update(&state, &keys, uid, 0)).collect::<Result<_, _>>()?;
    for part in first.chunks(4_096) {
        state = state.apply(&next(&state), part)?.0;
    }
    drop(first);
    let held = resident().saturating_sub(before);
    let whole = best(|| Table::ALL.map(|table| anew(&state, table))).1;
    let mut times: Vec<(String, Duration)> = Vec::new();
    let mut sizes = vec![("memory of a state".to_owned(), held)];
    let mut row = |name: &str, time: Duration| times.push((name.to_owned(), time));
    for count in [1u32, 256, 2_048] {
        let count = count.min(peers);
        // Spread over all uids, as those who update are.
        let uids = (0..count).map(|index| index * (peers / count));
        let block: Vec<Transaction> = uids.map(|uid| update(&state, &keys, uid, 1)).collect::<Result<_, _>>()?;
        let (checked, signatures) = best(|| block.iter().cloned().map(Checked::new).collect::<Result<Vec<_>, _>>());
        let checked = checked?;
        let at = next(&state);
        let (after, apply) = best(|| follow(&state, &at, &checked));
        let after = after?;
        let roots = best(|| after.roots()).1;
        row(&format!("{count} updates: their signatures"), signatures);
        row(&format!("{count} updates: the rest of apply"), apply);
        row(&format!("{count} updates: roots"), roots);
        let more = resident();
        let kept: Vec<State> = (0..8).map(|_| follow(&state, &at, &checked)).collect::<Result<_, _>>()?;
        let more = resident().saturating_sub(more) / kept.len();
        sizes.push((format!("{count} updates: memory of the next"), more));
    }
    let copy = best(|| state.clone()).1;
    row("a copy", copy);
    let tempo = state.parameters().tempo;
    while !next(&state).height.get().is_multiple_of(tempo) {
        state = state.apply(&next(&state), &[])?.0;
    }
    let at = next(&state);
    let (closed, close) = best(|| state.apply(&at, &[]));
    let closed = closed?.0;
    row("end of an epoch", close);
    row("end of an epoch: roots", best(|| closed.roots()).1);
    let (bytes, encode) = best(|| closed.encode());
    row("snapshot: encode", encode);
    let (decoded, decode) = best(|| State::decode(bytes.clone()));
    row("snapshot: decode", decode);
    sizes.push(("snapshot".to_owned(), bytes.len()));
    if decoded?.roots() != closed.roots() {
        return Err("a snapshot leads to other roots".into());
    }
    Ok(Figures { peers, whole, times, sizes })
}

/// The state after a block whose signatures were verified.
fn follow(state: &State, at: &At, block: &[Checked]) -> Result<State, Box<dyn std::error::Error>> {
    let mut draft = state.draft(*at)?;
    for checked in block {
        draft.offer_checked(checked)?;
    }
    Ok(draft.finish().0)
}

/// The root of a table, from its leaves alone.
fn anew(state: &State, table: Table) -> Digest {
    root_of(table, state.leaves(table).iter().map(|leaf| &leaf[..]))
}

/// A chain on which every peer is a founder and may update its row in every block.
fn begin(keys: &[PrivateKey]) -> Result<State, Box<dyn std::error::Error>> {
    let founder = |key: &PrivateKey| Founder { key: key.public_key(), modality: 0, stake: Amount(100 * TOKEN) };
    let peers = u32::try_from(keys.len())?;
    let parameters =
        Parameters { interval: 1, tempo: 100, vigil: 300, max_neurons: peers.max(1_024), ..Parameters::dev() };
    let neurons = keys.iter().map(founder).collect();
    Ok(Genesis { parameters, neurons, ..Genesis::example() }.state()?)
}

/// The update of one peer that weighs those after it, one score moved by `step`.
fn update(state: &State, keys: &[PrivateKey], uid: u32, step: u16) -> Result<Transaction, Box<dyn std::error::Error>> {
    let key = keys.get(uid as usize).ok_or("no such peer")?;
    let peers = u32::try_from(keys.len())?;
    let share = u16::try_from(SUM / WEIGHTS)?;
    let mut entries: Vec<(Uid, Score)> =
        (0..WEIGHTS).map(|index| (Uid((uid + index * 37) % peers), Score(share))).collect();
    entries.sort_by_key(|(uid, _)| *uid);
    if let [(_, first), (_, second), ..] = entries.as_mut_slice() {
        *first = Score(share + u16::try_from(SUM % WEIGHTS)? - step);
        *second = Score(share + step);
    }
    let nonce = state.account(&key.public_key()).map_or(Nonce(0), |(_, account)| account.nonce);
    let action = Action::SetWeights { uid: Uid(uid), row: Row::new(entries)?, seen: state.height() };
    Ok(Transaction::sign(key, state.chain(), nonce, state.height().after(30), action))
}

fn next(state: &State) -> At {
    At { height: Height(state.height().get() + 1), time: state.time() + 1_000, parent: Digest::from([1; 32]) }
}

/// What the work gives, and the shortest of five times: other programs run beside this one.
fn best<T>(work: impl Fn() -> T) -> (T, Duration) {
    let once = || {
        let begin = Instant::now();
        let result = work();
        (result, begin.elapsed())
    };
    let first = once();
    (1..5).fold(first, |(result, least), _| (result, least.min(once().1)))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Memory of this process, bytes; 0 where the system does not say.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|line| line.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()));
    pages.unwrap_or_default() * 4_096
}

fn mebibytes(bytes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    mebibytes
}
