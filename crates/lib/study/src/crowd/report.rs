//! Runs of a crowd: figures of one seed, means over seeds with their intervals, and how they grow with the number of tabs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::clock::SECOND;
use super::figures::{Ends, Figures, KINDS, NodeLoad, Rates, Spread, gini, seconds};
use super::letters::LettersError;
use super::world::{Crowd, Directory, World};
use crate::Interval;

impl Crowd {
    /// One run: its figures, and how all of its asks ended from the first to the last.
    ///
    /// # Errors
    /// [`LettersError`], where a message of the model cannot be written.
    pub fn run(&self, seed: u64) -> Result<(Figures, Ends), LettersError> {
        let mut world = World::new(self.clone(), seed)?;
        world.run();
        let figures = world.figures();
        world.close();
        Ok((figures, world.ends))
    }

    /// A row of the table: a run for each seed from 1 on.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn row(&self, seeds: u64) -> Result<Row, LettersError> {
        let runs = (1..=seeds).map(|seed| Ok(self.run(seed)?.0)).collect::<Result<Vec<_>, LettersError>>()?;
        Ok(self.row_of(&runs))
    }

    /// The row of runs that were made already.
    #[must_use]
    pub fn row_of(&self, runs: &[Figures]) -> Row {
        let of = |figure: &dyn Fn(&Figures) -> f64| Interval::of(&runs.iter().map(figure).collect::<Vec<_>>());
        let figures = FIGURES.iter().map(|(name, figure)| ((*name).to_owned(), of(figure))).collect();
        Row {
            tabs: self.tabs,
            directory: self.directory,
            nodes: runs.first().map_or(0, |run| (self.tabs as f64 / run.node.tabs.max(1.0)).round() as usize),
            seeds: runs.len() as u64,
            warm: self.warm,
            counted: self.counted,
            figures,
        }
    }
}

impl Figures {
    /// What a row says, of this run alone.
    #[must_use]
    pub fn named(&self) -> BTreeMap<String, f64> {
        FIGURES.iter().map(|(name, figure)| ((*name).to_owned(), figure(self))).collect()
    }
}

/// Means over seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Tabs.
    pub tabs: usize,
    /// Who hears of whom.
    pub directory: Directory,
    /// Nodes.
    pub nodes: usize,
    /// Seeds.
    pub seeds: u64,
    /// Virtual seconds before counting, and counted.
    pub warm: u64,
    /// See `warm`.
    pub counted: u64,
    /// By name.
    pub figures: BTreeMap<String, Interval>,
}

/// How a figure grows: the exponent e of tabs^e that fits its means best.
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    /// Who hears of whom.
    pub directory: Directory,
    /// By name.
    pub exponents: BTreeMap<String, f64>,
}

impl Growth {
    /// Of rows of one directory; figures that are 0 somewhere have none.
    #[must_use]
    pub fn of(directory: Directory, rows: &[Row]) -> Self {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.directory == directory).collect();
        let fit = |name: &str| {
            let points: Option<Vec<(f64, f64)>> = rows
                .iter()
                .map(|row| {
                    let mean = row.figures.get(name)?.mean;
                    (mean > 0.0).then(|| ((row.tabs as f64).ln(), mean.ln()))
                })
                .collect();
            slope(&points?)
        };
        let exponents = FIGURES.iter().filter_map(|(name, _)| Some(((*name).to_owned(), fit(name)?))).collect();
        Self { directory, exponents }
    }
}

/// Of the line through points that fits best.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let (cross, square) = points.iter().fold((0.0, 0.0), |(cross, square), point| {
        (cross + (point.0 - x) * (point.1 - y), square + (point.0 - x).powi(2))
    });
    (square > 0.0).then(|| cross / square)
}

type Figure = (&'static str, &'static (dyn Fn(&Figures) -> f64 + Sync));

/// What a row says, by name.
const FIGURES: [Figure; 59] = [
    ("connections median", &|f| f.connections.median),
    ("connections p95", &|f| f.connections.p95),
    ("connections max", &|f| f.connections.max),
    ("connections relayed, share", &|f| f.relayed),
    ("peers heard of, median", &|f| f.known.median),
    ("up asks B/s", &|f| f.up.asks),
    ("up answers B/s", &|f| f.up.answers),
    ("up gradients B/s", &|f| f.up.gradients),
    ("up gossip B/s", &|f| f.up.gossip),
    ("up keeping B/s", &|f| f.up.keeping),
    ("up ledger B/s", &|f| f.up.ledger),
    ("up B/s", &|f| f.up.total),
    ("up p95 B/s", &|f| f.up_spread.p95),
    ("up max B/s", &|f| f.up_spread.max),
    ("down asks B/s", &|f| f.down.asks),
    ("down answers B/s", &|f| f.down.answers),
    ("down gradients B/s", &|f| f.down.gradients),
    ("down gossip B/s", &|f| f.down.gossip),
    ("down keeping B/s", &|f| f.down.keeping),
    ("down ledger B/s", &|f| f.down.ledger),
    ("down B/s", &|f| f.down.total),
    ("bytes a step", &|f| f.bytes_a_step),
    ("uplinks full, share", &|f| f.full_lines),
    ("speed median", &|f| f.speed.median),
    ("speed p5", &|f| f.speed.p5),
    ("speed p95", &|f| f.speed.p95),
    ("waiting, share", &|f| f.waiting),
    ("asks a step", &|f| f.asks_a_step),
    ("answered, share", &|f| f.shares[0]),
    ("refused, share", &|f| f.shares[1]),
    ("late, share", &|f| f.shares[2]),
    ("lost, share", &|f| f.shares[3]),
    ("stood in by students, share", &|f| f.stood_in),
    ("nobody there, share", &|f| f.empty),
    ("answer median ms", &|f| f.answer_ms.median),
    ("answer p95 ms", &|f| f.answer_ms.p95),
    ("gradients used, share", &|f| f.gradients_used),
    ("Gini of positions answered", &|f| f.gini),
    ("answered by the most asked hundredth", &|f| f.most_asked),
    ("refused there, share", &|f| f.refused_there),
    ("head median ms", &|f| f.head_ms.median),
    ("head p95 ms", &|f| f.head_ms.p95),
    ("head max ms", &|f| f.head_ms.max),
    ("head hops median", &|f| f.head_hops.median),
    ("head hops max", &|f| f.head_hops.max),
    ("copies of a head", &|f| f.head_copies),
    ("head without node median ms", &|f| f.orphan_ms.median),
    ("head without node p95 ms", &|f| f.orphan_ms.p95),
    ("head without node max ms", &|f| f.orphan_ms.max),
    ("head without node hops median", &|f| f.orphan_hops.median),
    ("head without node hops max", &|f| f.orphan_hops.max),
    ("head without node reaches", &|f| f.orphan_reached),
    ("node circuits", &|f| f.node.circuits),
    ("node relays B/s", &|f| f.node.relayed),
    ("node queries/s", &|f| f.node.queries),
    ("node sends B/s", &|f| f.node.sent),
    ("node line, share", &|f| f.node.line),
    ("left while counted, share", &|f| f.left),
    ("events", &|f| f.events as f64),
];

impl World {
    /// What was counted.
    fn figures(&mut self) -> Figures {
        let (now, ends) = (self.clock.now(), self.ends.less(&self.before));
        let (orphan_ms, orphan_hops, orphan_reached) = self.orphans();
        let counted = self.tabs.iter().filter(|tab| tab.here && tab.count.since + 5 * SECOND <= now);
        let tabs: Vec<_> = counted.collect();
        let n = tabs.len().max(1) as f64;
        let time = |tab: &super::tab::Tab| seconds(now - tab.count.since);
        let mean = |of: &dyn Fn(&super::tab::Tab) -> f64| tabs.iter().map(|tab| of(tab)).sum::<f64>() / n;
        let spread = |of: &dyn Fn(&super::tab::Tab) -> f64| Spread::of(tabs.iter().map(|tab| of(tab)).collect());
        let up = KINDS.map(|kind| mean(&|tab| tab.count.up[kind as usize] as f64 / time(tab)));
        let down = KINDS.map(|kind| mean(&|tab| tab.count.down[kind as usize] as f64 / time(tab)));
        let sent = |tab: &super::tab::Tab| tab.count.up.iter().sum::<u64>() as f64 / time(tab);
        let steps: u64 = tabs.iter().map(|tab| tab.count.steps).sum();
        let exchanged: u64 =
            tabs.iter().map(|tab| tab.count.up[..3].iter().chain(&tab.count.down[..3]).sum::<u64>()).sum();
        let answered: Vec<f64> = tabs.iter().map(|tab| tab.count.answered as f64 / time(tab)).collect();
        let mut most: Vec<_> = tabs.clone();
        most.sort_by_key(|tab| std::cmp::Reverse(tab.count.answered));
        most.truncate(tabs.len().div_ceil(100));
        let sum = |of: &dyn Fn(&super::tab::Tab) -> u64| most.iter().map(|tab| of(tab)).sum::<u64>() as f64;
        let links: usize = tabs.iter().map(|tab| tab.links.len()).sum();
        let relayed: usize = tabs.iter().flat_map(|tab| &tab.links).filter(|link| link.relayed).count();
        let ended = (ends.ended() as f64).max(1.0);
        let span = seconds(now - self.counting);
        let nodes = self.nodes.len() as f64;
        let each = |of: &dyn Fn(&super::mesh::Node) -> f64| self.nodes.iter().map(of).sum::<f64>() / nodes;
        let totals = &self.totals;
        Figures {
            connections: spread(&|tab| tab.links.len() as f64),
            relayed: relayed as f64 / links.max(1) as f64,
            known: spread(&|tab| tab.known.len() as f64),
            up: Rates::of(up),
            down: Rates::of(down),
            bytes_a_step: exchanged as f64 / steps.max(1) as f64,
            up_spread: spread(&sent),
            full_lines: mean(&|tab| f64::from(u8::from(super::place::wire(sent(tab) as u64) > 0.9 * tab.place.up))),
            speed: spread(&|tab| tab.count.steps as f64 / time(tab) * tab.alone / 1e6),
            waiting: mean(&|tab| seconds(tab.count.waited) / time(tab)),
            shares: [ends.answered, ends.refused, ends.late, ends.lost].map(|count| count as f64 / ended),
            asks_a_step: ended / steps.max(1) as f64,
            ends,
            stood_in: totals.stood as f64 / totals.places.max(1) as f64,
            empty: totals.empty as f64 / totals.places.max(1) as f64,
            answer_ms: Spread::of(totals.answer_ms.clone()),
            gradients_used: totals.used as f64 / totals.gradients.max(1) as f64,
            most_asked: sum(&|tab| tab.count.answered)
                / tabs.iter().map(|tab| tab.count.answered).sum::<u64>().max(1) as f64,
            refused_there: sum(&|tab| tab.count.refused) / sum(&|tab| tab.count.came).max(1.0),
            gini: gini(answered),
            head_ms: Spread::of(self.published.ms.clone()),
            head_hops: Spread::of(self.published.hops.clone()),
            head_copies: self.published.copies as f64 / (self.published.heads().max(1) * self.tabs.len()) as f64,
            orphan_ms,
            orphan_hops,
            orphan_reached,
            node: NodeLoad {
                tabs: self.tabs.len() as f64 / nodes,
                circuits: each(&|node| node.circuits as f64),
                relayed: each(&|node| node.relayed as f64 / span),
                queries: each(&|node| node.queries as f64 / span),
                sent: each(&|node| node.sent as f64 / span),
                line: each(&|node| node.wire / span / node.place.up),
            },
            left: totals.left as f64 / self.tabs.len() as f64,
            events: self.events(),
            digest: self.digest,
        }
    }
}
