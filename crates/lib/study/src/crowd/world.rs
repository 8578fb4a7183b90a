//! All tabs and nodes of a run, what happens to them, and messages on their way. One thread; a seed says all.

use std::time::Duration;

use data::Random;
use model::Preset;
use serde::Serialize;

use super::bounds::TABS_A_NODE;
use super::clock::{Clock, MILLI, SECOND, Time};
use super::effort::Effort;
use super::figures::{Ends, Kind, seconds};
use super::heads::Published;
use super::letters::{Letters, LettersError};
use super::mesh::Node;
use super::place::{JITTER, Lines, log_normal, unit, wire};
use super::tab::{Phase, State, Tab, Who};

/// Who hears of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Directory {
    /// As it is: a tab knows the node that it came to, which reserves circuits for 1,024 tabs and lists those alone.
    Islands,
    /// As it is not: the same, but a node lists 64 at random where it lists the 64 that announced themselves last.
    Sampled,
    /// As it is not: one node for all, without bounds on circuits and on its line.
    Shared,
}

impl Directory {
    /// Whether a node has the bounds that it has.
    pub(crate) fn bounded(self) -> bool {
        self != Self::Shared
    }
}

/// A run.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// Tabs at any time.
    pub tabs: usize,
    /// Who hears of whom.
    pub directory: Directory,
    /// Ways between them.
    pub lines: Lines,
    /// Time of a step alone, ms: 28 a second (docs/performance.md).
    pub step_ms: f64,
    /// Spread of that, σ of a log-normal.
    pub spread: f64,
    /// Whether they come and go.
    pub churn: bool,
    /// What takes how long.
    pub effort: Effort,
    /// Whether others answer at once, beside what they compute: as recorded answers are replayed.
    pub prompt: bool,
    /// Virtual seconds before counting.
    pub warm: u64,
    /// Virtual seconds counted.
    pub counted: u64,
}

impl Crowd {
    /// So many tabs as they are in homes.
    #[must_use]
    pub fn of(tabs: usize, directory: Directory) -> Self {
        Self {
            tabs,
            directory,
            lines: Lines::Homes,
            step_ms: 1_000.0 / 28.0,
            spread: 0.3,
            churn: true,
            effort: Effort::SMALL,
            prompt: false,
            warm: 10,
            counted: 10,
        }
    }
}

/// What goes from one to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Letter {
    Ask { id: u64, rows: u8, wait: u32 },
    Answer { id: u64, rows: u8 },
    Refuse { id: u64 },
    Gradient { id: u64, rows: u8 },
    Receipt { taken: bool },
    Head { height: u32, hops: u8 },
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A second of a tab's network.
    Tick(Who),
    /// The next step begins.
    Begin(Who),
    /// What a step computes is done.
    Part(Who),
    /// An answer is done, between two steps.
    Free(Who),
    /// Nothing of this step is waited for any longer.
    Late(Who, u64),
    /// A letter of a circuit is at the node.
    Relay { from: Who, to: Who, letter: Letter },
    /// A letter is there; `whole`: its last byte.
    Arrive { from: Who, to: Who, letter: Letter, whole: bool },
    /// A dial of `a` succeeds, or does not.
    Meet { a: Who, b: Who, relayed: bool },
    /// `of` notices that the connection with `with` has ended.
    Apart { of: Who, with: Who },
    /// A tab closes.
    Leave(Who),
    /// Another comes to its place.
    Join(u32),
    /// A block is due.
    Block(u32),
    /// A node has it.
    Final { node: u16, height: u32 },
    /// What was judged is passed on.
    Pass { who: Who, from: u32, height: u32, hops: u8 },
    /// A tab asks its node for the head.
    Poll(Who, u32),
    /// The node's reply: the newest head then.
    Told(Who, u32),
    /// Rows are set.
    Rows,
    /// Counting begins.
    Count,
}

pub(crate) struct World {
    pub(crate) crowd: Crowd,
    pub(crate) preset: Preset,
    pub(crate) letters: Letters,
    pub(crate) seed: u64,
    pub(crate) clock: Clock<Event>,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) stakes: f64,
    pub(crate) random: Random,
    pub(crate) ends: Ends,
    /// [`Self::ends`] as they were when counting began.
    pub(crate) before: Ends,
    pub(crate) counting: Time,
    pub(crate) closing: bool,
    pub(crate) totals: Totals,
    pub(crate) published: Published,
    events: u64,
    pub(crate) digest: u64,
}

/// Counted over all tabs, once counting has begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) places: u64,
    pub(crate) stood: u64,
    pub(crate) empty: u64,
    pub(crate) gradients: u64,
    pub(crate) used: u64,
    pub(crate) left: u64,
    pub(crate) answer_ms: Vec<f64>,
}

impl World {
    pub(crate) fn new(crowd: Crowd, seed: u64) -> Result<Self, LettersError> {
        let preset = Preset::small();
        let letters = Letters::new(&preset)?;
        let nodes = match crowd.directory {
            Directory::Islands | Directory::Sampled => crowd.tabs.div_ceil(TABS_A_NODE).max(1),
            Directory::Shared => 1,
        };
        let mut world = Self {
            nodes: (0..nodes).map(|number| Node::new(number, &crowd)).collect(),
            tabs: Vec::with_capacity(crowd.tabs),
            clock: Clock::new(),
            random: Random::new(seed, WORLD),
            stakes: 0.0,
            ends: Ends::default(),
            before: Ends::default(),
            counting: Time::MAX,
            closing: false,
            totals: Totals::default(),
            published: Published::default(),
            events: 0,
            digest: 0,
            preset,
            letters,
            seed,
            crowd,
        };
        for at in 0..world.crowd.tabs {
            let tab = world.tab(at as u32, 0, 0);
            world.tabs.push(tab);
            world.open(at, true);
        }
        world.stakes = world.tabs.iter().map(|tab| tab.stake).sum();
        world.clock.at(0, Event::Block(1));
        world.rows();
        world.clock.at(world.crowd.warm * SECOND, Event::Count);
        Ok(world)
    }

    fn tab(&self, at: u32, life: u32, now: Time) -> Tab {
        let node = at as usize % self.nodes.len();
        Tab::new(Who { at, life }, node, &self.crowd, &self.preset, self.seed, now)
    }

    /// A tab begins; at the start of a run it may have been there for long.
    fn open(&mut self, at: usize, start: bool) {
        let (who, now) = (self.tabs[at].who, self.clock.now());
        // All at once would announce in step for ever.
        let spread = (unit(&mut self.random) * SECOND as f64) as Time;
        let first = if matches!(self.crowd.lines, Lines::Ideal(_)) { 0 } else { spread };
        self.clock.at(now + first, Event::Tick(who));
        self.clock.at(now + first, Event::Begin(who));
        self.clock.at(now + first, Event::Poll(who, 0));
        if self.crowd.churn {
            let session = if start {
                // A session that is met is longer than one that begins, and met anywhere in it.
                let whole = log_normal(SESSION_SPREAD, &mut self.random) * (SESSION_SPREAD * SESSION_SPREAD).exp();
                SESSION * whole * unit(&mut self.random)
            } else {
                SESSION * log_normal(SESSION_SPREAD, &mut self.random)
            };
            self.clock.at(now + (session * SECOND as f64) as Time, Event::Leave(who));
        }
    }

    pub(crate) fn is(&self, who: Who) -> bool {
        self.tabs.get(who.at as usize).is_some_and(|tab| tab.here && tab.who == who)
    }

    /// Runs until the end, and until every ask has come to one.
    pub(crate) fn run(&mut self) {
        let end = (self.crowd.warm + self.crowd.counted) * SECOND;
        self.until(end);
    }

    /// Lets every ask come to its end, and begins nothing more.
    pub(crate) fn close(&mut self) {
        self.closing = true;
        self.until(self.clock.now() + DRAIN);
        for at in 0..self.tabs.len() {
            self.give_up(at, false);
        }
    }

    fn until(&mut self, end: Time) {
        while self.clock.now() < end {
            let Some(event) = self.clock.advance() else { return };
            self.events += 1;
            self.happen(event);
        }
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tick(who) if self.is(who) => self.tick(who),
            Event::Begin(who) if self.is(who) => self.begin(who.at as usize),
            Event::Part(who) if self.is(who) => self.part(who.at as usize),
            Event::Free(who) if self.is(who) => self.attend(who.at as usize),
            Event::Late(who, step) if self.is(who) && self.tabs[who.at as usize].steps == step => {
                self.attend(who.at as usize);
            }
            Event::Relay { from, to, letter } => self.relay(from, to, letter),
            Event::Arrive { from, to, letter, whole } => self.arrive(from, to, letter, whole),
            Event::Meet { a, b, relayed } => self.meet(a, b, relayed),
            Event::Apart { of, with } if self.is(of) => self.apart(of.at as usize, with),
            Event::Leave(who) if self.is(who) && !self.closing => self.leave(who),
            Event::Join(at) if !self.closing => {
                let life = self.tabs[at as usize].who.life + 1;
                self.tabs[at as usize] = self.tab(at, life, self.clock.now());
                self.tabs[at as usize].count.since = self.clock.now();
                self.open(at as usize, false);
            }
            Event::Block(height) if !self.closing => self.block(height),
            Event::Final { node, height } => self.publish(node as usize, height),
            Event::Pass { who, from, height, hops } if self.is(who) => self.pass(who, from, height, hops),
            Event::Poll(who, poll) if self.is(who) && !self.closing => self.poll(who, poll),
            Event::Told(who, height) if self.is(who) => self.told(who, height),
            Event::Rows if !self.closing => self.rows(),
            Event::Count => self.count(),
            _ => {}
        }
    }

    fn count(&mut self) {
        let now = self.clock.now();
        self.counting = now;
        self.before = self.ends;
        for tab in &mut self.tabs {
            tab.count = super::figures::Count { since: now, ..Default::default() };
        }
        self.nodes.iter_mut().for_each(Node::count);
        self.published.count();
    }

    /// Whether counting has begun.
    pub(crate) fn counts(&self) -> bool {
        self.counting <= self.clock.now()
    }

    /// A tab is closed: half of them say so, the others are missed after a while.
    fn leave(&mut self, who: Who) {
        let (at, now) = (who.at as usize, self.clock.now());
        self.give_up(at, true);
        self.totals.left += u64::from(self.counts());
        let said = unit(&mut self.random) < 0.5;
        self.tabs[at].here = false;
        let links = std::mem::take(&mut self.tabs[at].links);
        self.tabs[at].listed.clear();
        for link in links {
            if link.relayed {
                let node = self.tabs[at].node;
                self.nodes[node].circuits = self.nodes[node].circuits.saturating_sub(1);
            }
            let other = link.who;
            let noticed = if said {
                self.tabs[at].place.way(&self.tabs[other.at as usize].place, self.crowd.lines)
            } else {
                7 * SECOND + (unit(&mut self.random) * 10.0 * SECOND as f64) as Time
            };
            self.clock.at(now + noticed, Event::Apart { of: other, with: who });
        }
        let pause = (unit(&mut self.random) * 2.0 * SECOND as f64) as Time;
        self.clock.at(now + pause, Event::Join(who.at));
    }

    /// Ends what a tab has asked: it left, or the run is over.
    fn give_up(&mut self, at: usize, left: bool) {
        let now = self.clock.now();
        let tab = &mut self.tabs[at];
        let waiting = std::mem::replace(&mut tab.phase, Phase::Idle);
        let coming = std::mem::take(&mut tab.coming);
        let waiting = match waiting {
            Phase::Waiting(flight) => Some(flight),
            Phase::Idle | Phase::Computing { .. } => None,
        };
        for ticket in waiting.into_iter().chain(coming).flat_map(|flight| flight.tickets).flatten() {
            match ticket.state {
                State::Answered(at) if at <= ticket.until => self.ends.answered += 1,
                State::Refused(at) if at <= ticket.until => self.ends.refused += 1,
                State::Lost(at) if at <= ticket.until => self.ends.lost += 1,
                State::Out if left && now < ticket.until => self.ends.lost += 1,
                _ => self.ends.late += 1,
            }
        }
    }

    /// Sends a letter between tabs at `when`, now or later.
    pub(crate) fn send(&mut self, when: Time, from: usize, to: Who, relayed: bool, letter: Letter) {
        let (kind, bytes) = self.letters.of(&letter);
        let lines = self.crowd.lines;
        let (other, node) = (to.at as usize, self.tabs[from].node);
        let way = if relayed {
            self.tabs[from].place.way(&self.nodes[node].place, lines)
        } else {
            self.tabs[from].place.way(&self.tabs[other].place, lines)
        };
        let tab = &mut self.tabs[from];
        tab.count.up[kind as usize] += bytes;
        let begun = tab.up_free.max(when);
        tab.up_free = begun + (wire(bytes) / tab.place.up * 1e6) as Time;
        let jitter = if way == 0 { 0 } else { (unit(&mut tab.random) * JITTER * way as f64) as Time };
        let (at, who) = (tab.up_free + way + jitter, tab.who);
        let event = if relayed {
            Event::Relay { from: who, to, letter }
        } else {
            Event::Arrive { from: who, to, letter, whole: false }
        };
        self.clock.at(at, event);
    }

    fn relay(&mut self, from: Who, to: Who, letter: Letter) {
        let (_, bytes) = self.letters.of(&letter);
        let node = self.tabs[from.at as usize].node;
        let (counts, now) = (self.counts(), self.clock.now());
        let bounded = self.crowd.directory.bounded();
        let way = self.nodes[node].place.way(&self.tabs[to.at as usize].place, self.crowd.lines);
        let node = &mut self.nodes[node];
        node.relayed += u64::from(counts) * bytes;
        let sent = node.send(now, bytes, bounded);
        self.clock.at(sent + way, Event::Arrive { from, to, letter, whole: false });
    }

    fn arrive(&mut self, from: Who, to: Who, letter: Letter, whole: bool) {
        if !self.is(to) {
            return;
        }
        let (kind, bytes) = self.letters.of(&letter);
        let now = self.clock.now();
        let tab = &mut self.tabs[to.at as usize];
        if !whole {
            tab.down_free = tab.down_free.max(now) + (wire(bytes) / tab.place.down * 1e6) as Time;
            if tab.down_free > now + 2 * MILLI {
                return self.clock.at(tab.down_free, Event::Arrive { from, to, letter, whole: true });
            }
        }
        tab.count.down[kind as usize] += bytes;
        self.digest = self.digest.rotate_left(5) ^ now ^ (u64::from(to.at) << 40) ^ bytes;
        let at = to.at as usize;
        match letter {
            Letter::Ask { id, rows, wait } => self.asked(at, from, id, rows.into(), wait),
            Letter::Answer { id, .. } => self.landed(at, from, id, State::Answered(now)),
            Letter::Refuse { id } => self.landed(at, from, id, State::Refused(now)),
            Letter::Gradient { id, rows } => self.learned(at, from, id, rows.into()),
            Letter::Receipt { taken } => self.received(at, from, taken),
            Letter::Head { height, hops } => self.head(to, from, height, hops),
        }
    }
}

impl Letters {
    /// What a letter is for, and its bytes.
    pub(crate) fn of(&self, letter: &Letter) -> (Kind, u64) {
        let sized = |sizes: &Vec<u64>, rows: u8| sizes.get(usize::from(rows)).copied().unwrap_or(0);
        match letter {
            Letter::Ask { rows, .. } => (Kind::Asks, sized(&self.ask, *rows)),
            Letter::Answer { rows, .. } => (Kind::Answers, sized(&self.answer, *rows)),
            Letter::Refuse { .. } => (Kind::Asks, self.refuse),
            Letter::Gradient { rows, .. } => (Kind::Gradients, sized(&self.gradient, *rows)),
            Letter::Receipt { .. } => (Kind::Gradients, self.applied),
            Letter::Head { .. } => (Kind::Gossip, super::heads::HEAD),
        }
    }
}

/// As the queue counts time.
pub(crate) fn duration(time: Time) -> Duration {
    Duration::from_micros(time)
}

/// Milliseconds.
pub(crate) fn millis(time: Time) -> f64 {
    seconds(time) * 1e3
}

/// Between two settings of the rows: an hour on a public chain, ten seconds on one for development, which is taken here.
pub(crate) const ROWS: Time = 10 * SECOND;
/// Longer than any ask may take.
const DRAIN: Time = 12 * SECOND;
/// Median session, s, and its spread: assumed; mean 25 minutes.
const SESSION: f64 = 720.0;
const SESSION_SPREAD: f64 = 1.2;
const WORLD: u64 = 42;
