//! One tab: who it is, what it knows, what it has asked and what it has been asked.

use std::collections::{BTreeMap, VecDeque};

use data::Random;
use model::{Preset, Routing};
use peer::{AHEAD, Neighbour, Roster, Tally};
use protocol::queue::{OpenRequests, Queue};

use super::bounds::{ASKS, ASKS_PER_PEER, WAITING};
use super::clock::{MILLI, Time};
use super::figures::Count;
use super::gate::{Gate, Seen, WIDTH};
use super::place::{Place, log_normal, unit};
use super::world::Crowd;

/// A place among the tabs, and which of those who sat there one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) at: u32,
    pub(crate) life: u32,
}

pub(crate) struct Tab {
    pub(crate) who: Who,
    pub(crate) here: bool,
    /// Its peer id: of two, the lower one dials.
    pub(crate) id: u64,
    pub(crate) place: Place,
    pub(crate) node: usize,
    /// Time of a step alone.
    pub(crate) alone: f64,
    pub(crate) stake: f64,
    /// What its answers are worth by subject, nats.
    pub(crate) mind: [f32; WIDTH],
    /// Of each subject, how much of its data is about it and those before.
    about: [f64; WIDTH],
    pub(crate) random: Random,
    pub(crate) count: Count,

    // Connections.
    pub(crate) links: Vec<Link>,
    /// The same, as the roster sees them.
    pub(crate) listed: Vec<Neighbour>,
    pub(crate) known: BTreeMap<u32, Known>,
    pub(crate) worth: Vec<(u32, f64)>,
    pub(crate) announce_at: Time,
    pub(crate) replaced: Time,
    pub(crate) dialling: usize,
    pub(crate) up_free: Time,
    pub(crate) down_free: Time,

    // The ledger.
    /// Own row: share of each of others.
    pub(crate) row: Vec<(u32, f64)>,
    /// Largest stake times weight that anyone gives to this tab.
    pub(crate) heaviest: f64,
    pub(crate) head: u32,
    pub(crate) passed: u32,
    /// When it heard the head that it passed on.
    pub(crate) heard: Time,
    pub(crate) poll: u32,
    pub(crate) mesh: Vec<u32>,

    // Learning.
    pub(crate) gate: Gate,
    pub(crate) roster: Roster,
    pub(crate) tally: Tally,
    pub(crate) taught: Vec<u64>,
    /// What who holds a slot is worth by subject, as it was when it answered last.
    pub(crate) minds: Vec<[f32; WIDTH]>,
    pub(crate) steps: u64,
    pub(crate) asks: u64,
    pub(crate) ahead: usize,
    /// Smoothed time of a step without its wait.
    pub(crate) pace: Option<f64>,
    pub(crate) began: Time,
    pub(crate) waited: Time,
    pub(crate) coming: VecDeque<Flight>,
    pub(crate) phase: Phase,
    pub(crate) outgoing: usize,

    // Answering.
    pub(crate) queue: Queue<u32, Waiting>,
    pub(crate) open: OpenRequests<u32>,
    pub(crate) busy: Time,
    remembered: VecDeque<(u32, u64)>,
    /// Gradients: whose, its weight, examples; the heaviest last.
    gradients: Vec<(u32, f64, usize)>,
}

/// What a tab is at.
pub(crate) enum Phase {
    /// Not begun, or over.
    Idle,
    /// For answers to this.
    Waiting(Flight),
    /// This.
    Computing { flight: Flight, there: Vec<bool>, answered: Vec<(usize, Ticket)>, began: Time },
}

/// A connection with another tab.
pub(crate) struct Link {
    pub(crate) who: Who,
    pub(crate) since: Time,
    /// When it was last used by either.
    pub(crate) used: Time,
    pub(crate) relayed: bool,
    /// Own asks, and own gradients, that are open.
    pub(crate) asks: usize,
    pub(crate) gradients: usize,
}

/// A peer that was heard of.
pub(crate) struct Known {
    pub(crate) life: u32,
    pub(crate) seen: Time,
    pub(crate) retry_at: Time,
    pub(crate) alone_until: Time,
    pub(crate) failures: u32,
    pub(crate) dialling: bool,
}

/// The asks of one batch.
pub(crate) struct Flight {
    pub(crate) seen: Seen,
    pub(crate) routing: Routing,
    pub(crate) asked: u64,
    /// One a chosen slot; none where nobody can be asked.
    pub(crate) tickets: Vec<Option<Ticket>>,
}

/// One ask. It is taken out of its flight when it has come to something, and cannot be copied: so it ends once.
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) who: Who,
    pub(crate) key: String,
    pub(crate) slot: usize,
    pub(crate) rows: usize,
    pub(crate) sent: Time,
    pub(crate) until: Time,
    pub(crate) state: State,
}

/// What an ask has come to so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Out,
    Answered(Time),
    Refused(Time),
    Lost(Time),
}

/// An ask of another that waits for its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) who: Who,
    pub(crate) id: u64,
    pub(crate) rows: usize,
    pub(crate) until: Time,
}

impl Ticket {
    /// Whether nobody waits for it any more.
    pub(crate) fn landed(&self, now: Time) -> bool {
        self.state != State::Out || self.until <= now
    }
}

impl Tab {
    pub(crate) fn new(who: Who, node: usize, crowd: &Crowd, preset: &Preset, seed: u64, now: Time) -> Self {
        let mut random = Random::new(seed, (u64::from(who.at) << 24) | u64::from(who.life) << 6 | TAB);
        let (id, place) = (random.next(), Place::draw(crowd.lines, &mut random));
        let quality = log_normal(0.5, &mut random) as f32;
        // Three subjects make most of what it learns, and it knows them.
        let mut about = [0.05; WIDTH];
        let mut mind = [0.05 * quality; WIDTH];
        for _ in 0..3 {
            let subject = random.below(WIDTH);
            about[subject] += 0.25;
            mind[subject] = 0.3 * quality;
        }
        let total: f64 = about.iter().sum();
        let mut sum = 0.0;
        about.iter_mut().for_each(|share| {
            sum += *share / total;
            *share = sum;
        });
        let slots = preset.slots;
        Self {
            who,
            here: true,
            id,
            node,
            alone: crowd.step_ms * MILLI as f64 * log_normal(crowd.spread, &mut random),
            stake: log_normal(STAKES, &mut random),
            mind,
            about,
            count: Count::default(),
            links: Vec::new(),
            listed: Vec::new(),
            known: BTreeMap::new(),
            worth: Vec::new(),
            announce_at: now,
            replaced: now,
            dialling: 0,
            up_free: now,
            down_free: now,
            row: Vec::new(),
            heaviest: 0.0,
            head: 0,
            passed: 0,
            heard: 0,
            poll: 0,
            mesh: Vec::new(),
            gate: Gate::new(preset, &mut random),
            roster: Roster::new(slots),
            tally: Tally::default(),
            taught: vec![0; slots],
            minds: vec![[0.0; WIDTH]; slots],
            steps: 0,
            asks: 0,
            ahead: 1,
            pace: None,
            began: now,
            waited: 0,
            coming: VecDeque::new(),
            phase: Phase::Idle,
            outgoing: 0,
            queue: Queue::new(),
            open: OpenRequests::new(),
            busy: now,
            remembered: VecDeque::new(),
            gradients: Vec::new(),
            place,
            random,
        }
    }

    /// A batch of what it learns: vectors that lie near the subject they are about.
    pub(crate) fn draw(&mut self, batch: usize) -> Seen {
        let mut seen = Seen { inputs: Vec::with_capacity(batch * WIDTH), subjects: Vec::with_capacity(batch) };
        for _ in 0..batch {
            let at = unit(&mut self.random);
            let subject = self.about.iter().position(|up_to| at < *up_to).unwrap_or(WIDTH - 1);
            seen.subjects.push(subject);
            for d in 0..WIDTH {
                let centre = if d == subject { 2.0 } else { 0.0 };
                seen.inputs.push(centre + 0.7 * self.random.normal());
            }
        }
        seen
    }

    pub(crate) fn link(&mut self, at: u32) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.who.at == at)
    }

    /// Every ask that has not come to its end.
    pub(crate) fn tickets(&mut self) -> impl Iterator<Item = &mut Ticket> {
        let waiting = match &mut self.phase {
            Phase::Waiting(flight) => Some(flight),
            Phase::Idle | Phase::Computing { .. } => None,
        };
        waiting.into_iter().chain(&mut self.coming).flat_map(|flight| flight.tickets.iter_mut().flatten())
    }

    /// How many steps asks are out ahead: the peer's own rule.
    pub(crate) fn look_ahead(&mut self) {
        let Some(pace) = self.pace.filter(|pace| *pace > 0.0) else { return };
        let latencies = self.roster.keys().flatten().filter_map(|key| self.roster.latency(key));
        let needed = (latencies.fold(0.0, f64::max) / pace).ceil() as usize;
        self.ahead = needed.clamp(self.ahead.saturating_sub(1), self.ahead + 1).clamp(1, AHEAD);
    }

    /// An ask was answered: a gradient for it may come. The peer's own bounds.
    pub(crate) fn remember(&mut self, from: u32, id: u64) {
        if self.remembered.iter().filter(|(other, _)| *other == from).count() >= ASKS_PER_PEER
            && let Some(oldest) = self.remembered.iter().position(|(other, _)| *other == from)
        {
            self.remembered.remove(oldest);
        }
        if self.remembered.len() >= ASKS {
            self.remembered.pop_front();
        }
        self.remembered.push_back((from, id));
    }

    /// A gradient came; whether it waits for a step. The peer's own bounds.
    pub(crate) fn take_gradient(&mut self, from: u32, id: u64, weight: f64, rows: usize) -> bool {
        let lightest = self.gradients.first().map_or(f64::INFINITY, |(_, weight, _)| *weight);
        let room = self.gradients.len() < WAITING || weight > lightest;
        if !room || self.gradients.iter().any(|(other, ..)| *other == from) {
            return false;
        }
        let Some(at) = self.remembered.iter().position(|asked| *asked == (from, id)) else { return false };
        self.remembered.remove(at);
        let at = self.gradients.partition_point(|(_, other, _)| *other < weight);
        self.gradients.insert(at, (from, weight, rows));
        if self.gradients.len() > WAITING {
            self.gradients.remove(0);
        }
        true
    }

    /// The gradient that the next step takes along: its examples.
    pub(crate) fn next_gradient(&mut self) -> Option<usize> {
        self.gradients.pop().map(|(.., rows)| rows)
    }
}

/// Spread of stakes: a thousandth of the tabs hold a hundred times the median.
const STAKES: f64 = 1.5;
const TAB: u64 = 41;
