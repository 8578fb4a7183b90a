//! Experiments with peers that learn from each other: what neighbours are worth, what becomes of those that are worth
//! nothing, and what a cut network costs. Seeded, in one process, on a clock of their own; each result is a mean over
//! seeds with its interval.
//!
//! The peers are those of [`peer`], with the loop and the models that run in a tab; only the network between them is a
//! [`street`] of channels.

pub mod crowd;
pub mod digits;
pub mod hostile;
pub mod latency;
pub mod market;
pub mod probe;
pub mod statistics;
pub mod street;
pub mod text;
pub mod wire;

pub use market::{Away, Market, Outcome, Resident};
pub use probe::Probe;
pub use statistics::{Interval, spearman};

/// Runs `one` for seeds 1 to `count`, on as many threads as there are cores.
///
/// # Errors
/// That of the first seed that has one.
pub fn seeds<T: Send, E: Send>(count: u64, one: impl Fn(u64) -> Result<T, E> + Sync) -> Result<Vec<T>, E> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut results = Vec::new();
    for first in (1..=count).step_by(threads as usize) {
        let last = (first + threads - 1).min(count);
        std::thread::scope(|scope| {
            let running: Vec<_> = (first..=last)
                .map(|seed| {
                    scope.spawn({
                        let one = &one;
                        move || one(seed)
                    })
                })
                .collect();
            for run in running {
                match run.join() {
                    Ok(result) => results.push(result),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
    }
    results.into_iter().collect()
}
