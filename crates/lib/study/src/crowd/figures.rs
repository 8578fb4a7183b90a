//! What is counted in a run, and what is said of it.

use serde::Serialize;

use super::clock::{SECOND, Time};

/// What bytes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks, and their refusals.
    Asks,
    /// Answers.
    Answers,
    /// Gradients, and their receipts.
    Gradients,
    /// Heads by gossip, and what gossip says beside them.
    Gossip,
    /// Directory, hello, pings.
    Keeping,
    /// Queries of the ledger.
    Ledger,
}

/// All of them.
pub const KINDS: [Kind; 6] = [Kind::Asks, Kind::Answers, Kind::Gradients, Kind::Gossip, Kind::Keeping, Kind::Ledger];

/// What one tab did since counting began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count {
    pub(crate) up: [u64; 6],
    pub(crate) down: [u64; 6],
    /// When counting began for it.
    pub(crate) since: Time,
    pub(crate) steps: u64,
    pub(crate) waited: Time,
    /// Positions answered for others.
    pub(crate) answered: u64,
    /// Asks of others that found no room here, and all that came.
    pub(crate) refused: u64,
    pub(crate) came: u64,
}

/// How asks ended, over a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ends {
    /// Asks sent.
    pub sent: u64,
    /// Answered in time.
    pub answered: u64,
    /// Refused by a full queue.
    pub refused: u64,
    /// Not answered within the deadline, or not waited for any more.
    pub late: u64,
    /// The connection ended first, or the asker.
    pub lost: u64,
}

impl Ends {
    /// Those that have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.answered + self.refused + self.late + self.lost
    }

    pub(crate) fn less(&self, before: &Self) -> Self {
        Self {
            sent: self.sent - before.sent,
            answered: self.answered - before.answered,
            refused: self.refused - before.refused,
            late: self.late - before.late,
            lost: self.lost - before.lost,
        }
    }
}

/// Median, 95th percentile (or the 5th, where less is worse) and the largest (or smallest).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 5th percentile.
    pub p5: f64,
    /// Largest.
    pub max: f64,
    /// Mean.
    pub mean: f64,
}

impl Spread {
    /// Of `values`; zeros where there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (share * values.len().saturating_sub(1) as f64).round() as usize;
            values.get(index).copied().unwrap_or(0.0)
        };
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        Self { median: at(0.5), p95: at(0.95), p5: at(0.05), max: at(1.0), mean }
    }
}

/// Bytes a second of a tab, means over the tabs, by [`KINDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    /// Asks and refusals.
    pub asks: f64,
    /// Answers.
    pub answers: f64,
    /// Gradients and receipts.
    pub gradients: f64,
    /// Gossip.
    pub gossip: f64,
    /// Directory, hello, pings.
    pub keeping: f64,
    /// Ledger.
    pub ledger: f64,
    /// All of them.
    pub total: f64,
}

impl Rates {
    pub(crate) fn of(rates: [f64; 6]) -> Self {
        let [asks, answers, gradients, gossip, keeping, ledger] = rates;
        Self { asks, answers, gradients, gossip, keeping, ledger, total: rates.iter().sum() }
    }
}

/// The load of a node, means over the nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct NodeLoad {
    /// Tabs.
    pub tabs: f64,
    /// Circuits at the end.
    pub circuits: f64,
    /// Bytes a second that it relays.
    pub relayed: f64,
    /// Announcements and queries a second.
    pub queries: f64,
    /// Bytes a second that it sends for directory, ledger and heads.
    pub sent: f64,
    /// Share of its line that is taken.
    pub line: f64,
}

/// Figures of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Connections a tab.
    pub connections: Spread,
    /// Share of connections through circuits.
    pub relayed: f64,
    /// Peers a tab has heard of.
    pub known: Spread,
    /// Bytes a second, sent.
    pub up: Rates,
    /// Bytes a second, received.
    pub down: Rates,
    /// Bytes a step, sent and received, of asks, answers and gradients.
    pub bytes_a_step: f64,
    /// Bytes a second sent by a tab.
    pub up_spread: Spread,
    /// Share of uplinks that are taken for more than nine tenths.
    pub full_lines: f64,
    /// Steps a second as a share of those alone.
    pub speed: Spread,
    /// Share of the time that a tab waits for answers.
    pub waiting: f64,
    /// How asks ended since counting began.
    pub ends: Ends,
    /// The same as shares of those that ended: answered, refused, late, lost.
    pub shares: [f64; 4],
    /// Places of a routing where a student stood in, of all.
    pub stood_in: f64,
    /// Places where nobody did and the others' weight was renormalised, of all.
    pub empty: f64,
    /// Asks a step.
    pub asks_a_step: f64,
    /// Smoothed time to an answer, ms.
    pub answer_ms: Spread,
    /// Gradients of others that were used, of those that came.
    pub gradients_used: f64,
    /// Gini coefficient of positions answered.
    pub gini: f64,
    /// Share of all positions that the most asked hundredth of tabs answers.
    pub most_asked: f64,
    /// Asks refused at the most asked hundredth, of those that came there.
    pub refused_there: f64,
    /// From the first node's publication until a tab knows a head, ms.
    pub head_ms: Spread,
    /// Hops of a head, nodes counted as the first.
    pub head_hops: Spread,
    /// Copies of a head that a tab receives.
    pub head_copies: f64,
    /// The same where one tab alone publishes and no node passes on, ms.
    pub orphan_ms: Spread,
    /// Hops of that.
    pub orphan_hops: Spread,
    /// Share of the tabs that it reaches.
    pub orphan_reached: f64,
    /// A node.
    pub node: NodeLoad,
    /// Tabs that left while counting, of all.
    pub left: f64,
    /// Events of the run.
    pub events: u64,
    /// What every bit of the run went into: two runs alike have the same.
    pub digest: u64,
}

/// Gini coefficient: 0 where all have the same, 1 where one has all.
#[must_use]
pub fn gini(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (n, total) = (values.len() as f64, values.iter().sum::<f64>());
    if total <= 0.0 {
        return 0.0;
    }
    let ranked: f64 = values.iter().zip(1u32..).map(|(value, rank)| f64::from(rank) * value).sum();
    2.0 * ranked / (n * total) - (n + 1.0) / n
}

/// Seconds.
pub(crate) fn seconds(time: Time) -> f64 {
    time as f64 / SECOND as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_and_concentration_are_those_of_the_values() {
        let spread = Spread::of((0..=100).rev().map(f64::from).collect());
        assert_eq!((spread.median, spread.p95, spread.p5, spread.max, spread.mean), (50.0, 95.0, 5.0, 100.0, 50.0));
        assert_eq!(gini(vec![3.0; 7]), 0.0);
        assert!((gini(vec![0.0, 0.0, 0.0, 4.0]) - 0.75).abs() < 1e-12);
        assert!((gini(vec![1.0, 3.0]) - 0.25).abs() < 1e-12);
    }
}
