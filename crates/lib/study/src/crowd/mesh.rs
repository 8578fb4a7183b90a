//! Whom a tab is connected with: the directory of its node, dials, the real shortlist, and parting with those of little use. The
//! laws are those of the network's `mesh` and `choice`; what is scaled is the driver's turn, a second instead of a tenth.

use std::collections::VecDeque;

use data::Random;
use peer::{EXPLORE, Listed, Neighbour, Places, shortlist};
use protocol::exchange::Modality;
use protocol::limits;

use super::bounds::{
    ANNOUNCE, ANNOUNCE_ALONE, ASIDE, CIRCUITS, CIRCUITS_PER_PEER, DIRECT, ENTRIES, FIRST_PAUSE, FORGOTTEN, IDLE, KEPT,
    KNOWN, LIFETIME, LONGEST_PAUSE, MOST_CONNECTIONS, REPLACEABLE, REPLACING,
};
use super::clock::{MILLI, SECOND, Time};
use super::figures::Kind;
use super::learn::who as named;
use super::place::{Lines, Place, wire};
use super::tab::{Known, Link, Who};
use super::world::{Crowd, Directory, Event, World};

/// A node, as tabs see it.
pub(crate) struct Node {
    pub(crate) place: Place,
    /// Who announced itself, newest first.
    listed: VecDeque<(Time, Who)>,
    pub(crate) circuits: usize,
    line: Time,
    pub(crate) head: u32,
    pub(crate) relayed: u64,
    pub(crate) sent: u64,
    pub(crate) queries: u64,
    /// Bytes on its line, relayed ones too.
    pub(crate) wire: f64,
}

impl Node {
    pub(crate) fn new(number: usize, crowd: &Crowd) -> Self {
        let place = Place::node(crowd.lines, number);
        let listed = VecDeque::new();
        Self { place, listed, circuits: 0, line: 0, head: 0, relayed: 0, sent: 0, queries: 0, wire: 0.0 }
    }

    pub(crate) fn count(&mut self) {
        (self.relayed, self.sent, self.queries, self.wire) = (0, 0, 0, 0.0);
    }

    /// Sends over its own line; gives the time when the last byte is out.
    pub(crate) fn send(&mut self, now: Time, bytes: u64, bounded: bool) -> Time {
        self.wire += wire(bytes);
        if !bounded {
            return now;
        }
        self.line = self.line.max(now) + (wire(bytes) / self.place.up * 1e6) as Time;
        self.line
    }

    /// The newest of those that announced themselves, or some of them at random, without `asker`.
    fn list(&mut self, asker: Who, now: Time, sample: Option<&mut Random>) -> Vec<Who> {
        self.listed.truncate(4 * ENTRIES);
        let mut entries: Vec<Who> = Vec::with_capacity(limits::DIRECTORY_ENTRIES);
        if let Some(random) = sample {
            let fresh = self.listed.partition_point(|(at, _)| at + LIFETIME > now);
            for _ in 0..4 * limits::DIRECTORY_ENTRIES {
                let Some((_, who)) = self.listed.get(random.below(fresh)).filter(|_| fresh > 0) else { break };
                if *who != asker && entries.len() < limits::DIRECTORY_ENTRIES && !entries.contains(who) {
                    entries.push(*who);
                }
            }
            return entries;
        }
        for (at, who) in self.listed.iter().take(ENTRIES) {
            if entries.len() >= limits::DIRECTORY_ENTRIES || at + LIFETIME <= now {
                break;
            }
            if *who != asker && !entries.contains(who) {
                entries.push(*who);
            }
        }
        entries
    }
}

impl World {
    /// A second of a tab's network: announcing, dialling, parting, and a beat of gossip.
    pub(crate) fn tick(&mut self, who: Who) {
        let (at, now) = (who.at as usize, self.clock.now());
        if self.closing {
            return;
        }
        if self.tabs[at].announce_at <= now {
            self.announce(at, now);
        }
        let tab = &mut self.tabs[at];
        tab.known.retain(|other, known| {
            known.seen + FORGOTTEN > now || known.dialling || tab.links.iter().any(|link| link.who.at == *other)
        });
        let mut wanted: Vec<(f64, Option<f64>, Time, u32)> = Vec::new();
        for (other, known) in &tab.known {
            let free = !known.dialling && known.retry_at <= now && known.alone_until <= now;
            // Whom it should dial comes last, since it needs to look at the other.
            if free && !tab.links.iter().any(|link| link.who.at == *other) {
                let worth = tab.worth.iter().find(|(at, _)| at == other).map(|(_, worth)| *worth);
                wanted.push((worth.unwrap_or(0.0), worth, known.seen, *other));
            }
        }
        let id = tab.id;
        wanted.retain(|(.., other)| id < self.tabs[*other as usize].id);
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.2.cmp(&a.2)).then(a.3.cmp(&b.3)));
        if self.tabs[at].replaced + REPLACING <= now {
            self.tabs[at].replaced = now;
            self.shortlist(at);
            let candidates: Vec<Option<f64>> = wanted.iter().map(|(_, worth, ..)| *worth).collect();
            self.part_with_some(at, &candidates, now);
        }
        let tab = &self.tabs[at];
        let room = limits::CONNECTIONS.saturating_sub(tab.links.len() + tab.dialling);
        for (.., other) in wanted.into_iter().take(room) {
            self.dial(at, other, now);
        }
        self.beat(at);
        // A turn is a little late now and then; else all would announce in the same order for ever.
        let tab = &mut self.tabs[at];
        let late = if matches!(self.crowd.lines, Lines::Ideal(_)) { 0 } else { tab.random.below(LATE) as Time };
        self.clock.at(now + SECOND + late, Event::Tick(who));
    }

    fn announce(&mut self, at: usize, now: Time) {
        let tab = &mut self.tabs[at];
        let pause = if tab.links.is_empty() { ANNOUNCE_ALONE } else { ANNOUNCE };
        tab.announce_at = now + pause;
        let (who, bounded) = (tab.who, self.crowd.directory.bounded());
        let node = &mut self.nodes[tab.node];
        let sample = (self.crowd.directory == Directory::Sampled).then_some(&mut self.random);
        let entries = node.list(who, now, sample);
        node.listed.push_front((now, who));
        let reply = self.letters.listing.get(entries.len()).copied().unwrap_or(0);
        node.send(now, reply, bounded);
        node.sent += reply;
        node.queries += 1;
        tab.count.up[Kind::Keeping as usize] += self.letters.announce;
        tab.count.down[Kind::Keeping as usize] += reply;
        for other in entries {
            if tab.known.len() >= KNOWN && !tab.known.contains_key(&other.at) {
                continue;
            }
            let known = tab.known.entry(other.at).or_insert_with(|| Known::of(other.life));
            if known.life != other.life {
                *known = Known::of(other.life);
            }
            known.seen = now;
        }
    }

    /// Ranks everyone that the tab has heard of by the real shortlist.
    fn shortlist(&mut self, at: usize) {
        let tab = &mut self.tabs[at];
        let scored = tab.tally.list("");
        let score = |at: u32| {
            let mut of = scored.iter().skip(1).filter(|scored| named(&scored.key).is_some_and(|who| who.at == at));
            of.next().map(|scored| (scored.score, scored.error))
        };
        let others: Vec<u32> = tab.known.keys().copied().collect();
        let steps = tab.steps;
        let listed: Vec<Listed> = others
            .iter()
            .map(|other| Listed {
                modalities: Modality::Text.into(),
                stake: 0.0,
                rank: 1.0,
                score: score(*other),
                masked: false,
            })
            .collect();
        let mut random = tab.random.clone();
        let masked: Vec<bool> = others
            .iter()
            .map(|other| {
                let key = tab.links.iter().position(|link| link.who.at == *other).map(|place| &tab.listed[place].key);
                key.is_some_and(|key| tab.roster.is_masked(key, steps))
            })
            .collect();
        let listed: Vec<Listed> = listed
            .into_iter()
            .zip(others.iter().zip(masked))
            .map(|(listed, (other, masked))| Listed {
                stake: self.tabs[*other as usize].stake / self.stakes,
                masked,
                ..listed
            })
            .collect();
        let places = Places { most: limits::CONNECTIONS, modality: Modality::Text, explore: EXPLORE };
        let chosen = shortlist(&listed, places, &mut random);
        let count = chosen.len();
        let tab = &mut self.tabs[at];
        tab.random = random;
        tab.worth =
            chosen.into_iter().enumerate().map(|(place, index)| (others[index], (count - place) as f64)).collect();
    }

    fn part_with_some(&mut self, at: usize, candidates: &[Option<f64>], now: Time) {
        let tab = &self.tabs[at];
        let standing = |link: &Link| {
            let worth = tab.worth.iter().find(|(other, _)| *other == link.who.at).map_or(0.0, |(_, worth)| *worth);
            (worth, now.saturating_sub(link.used), link.who)
        };
        let parted = parting(tab.links.iter().map(standing).collect(), candidates, limits::CONNECTIONS);
        for other in parted {
            let way = self.tabs[at].place.way(&self.tabs[other.at as usize].place, self.crowd.lines);
            let who = self.tabs[at].who;
            self.clock.at(now + way, Event::Apart { of: other, with: who });
            self.apart(at, other);
            if let Some(known) = self.tabs[at].known.get_mut(&other.at) {
                known.alone_until = now + ASIDE;
            }
        }
    }

    fn dial(&mut self, at: usize, other: u32, now: Time) {
        let lines = self.crowd.lines;
        let tab = &mut self.tabs[at];
        let Some(known) = tab.known.get_mut(&other) else { return };
        known.dialling = true;
        tab.dialling += 1;
        let (a, b) = (tab.who, Who { at: other, life: known.life });
        let tab = &self.tabs[at];
        let (theirs, node) = (&self.tabs[other as usize], &self.nodes[tab.node].place);
        let through = tab.place.way(node, lines) + node.way(&theirs.place, lines);
        let direct = tab.place.way(&theirs.place, lines);
        let relayed = tab.place.needs_relay(&theirs.place, (tab.id, theirs.id));
        let made = match (lines, relayed) {
            (Lines::Ideal(_), _) => 0,
            // The circuit, offer and answer, checks of the ways, hello.
            (_, false) => 4 * through + 4 * direct + 50 * MILLI,
            (_, true) => 2 * through + DIRECT + 2 * through,
        };
        self.clock.at(now + made, Event::Meet { a, b, relayed });
    }

    pub(crate) fn meet(&mut self, a: Who, b: Who, relayed: bool) {
        let now = self.clock.now();
        if !self.is(a) {
            return;
        }
        let tab = &mut self.tabs[a.at as usize];
        tab.dialling = tab.dialling.saturating_sub(1);
        if let Some(known) = tab.known.get_mut(&b.at) {
            known.dialling = false;
        }
        let node = tab.node;
        let circuits = |world: &Self, who: Who| world.tabs[who.at as usize].links.iter().filter(|l| l.relayed).count();
        let there = self.is(b)
            && [a, b].iter().all(|who| self.tabs[who.at as usize].links.len() < MOST_CONNECTIONS)
            && !self.tabs[a.at as usize].links.iter().any(|link| link.who.at == b.at);
        let bounded = self.crowd.directory.bounded();
        let full = bounded
            && relayed
            && (self.nodes[node].circuits >= CIRCUITS
                || [a, b].iter().any(|who| circuits(self, *who) >= CIRCUITS_PER_PEER));
        if !there || full {
            if let Some(known) = self.tabs[a.at as usize].known.get_mut(&b.at) {
                known.failed(now);
            }
            return;
        }
        self.nodes[node].circuits += usize::from(relayed);
        for (own, other) in [(a, b), (b, a)] {
            let name = format!("{}.{}", other.at, other.life);
            let hello = self.letters.hello;
            let tab = &mut self.tabs[own.at as usize];
            tab.count.up[Kind::Keeping as usize] += hello;
            tab.count.down[Kind::Keeping as usize] += hello;
            tab.links.push(Link { who: other, since: now, used: now, relayed, asks: 0, gradients: 0 });
            tab.listed.push(Neighbour::new(name.clone(), name));
        }
    }

    /// The connection with `other` has ended.
    pub(crate) fn apart(&mut self, at: usize, other: Who) {
        let now = self.clock.now();
        let tab = &mut self.tabs[at];
        let Some(place) = tab.links.iter().position(|link| link.who == other) else { return };
        let link = tab.links.remove(place);
        tab.listed.remove(place);
        tab.mesh.retain(|mesh| *mesh != other.at);
        tab.outgoing = tab.outgoing.saturating_sub(link.gradients);
        let enough = tab.links.len() >= KEPT;
        for ticket in tab.tickets().filter(|ticket| ticket.who == other && !ticket.landed(now)) {
            ticket.state = super::tab::State::Lost(now);
        }
        let (used, lasted) = (now - link.used < IDLE, now - link.since >= 60 * SECOND);
        if let Some(known) = tab.known.get_mut(&other.at) {
            if lasted {
                known.failures = 0;
            }
            match (used, lasted, enough) {
                (true, true, _) => {}
                (false, true, true) => known.retry_at = known.retry_at.max(now + ASIDE),
                _ => known.failed(now),
            }
        }
        // Both ends notice; the circuit ends with the first.
        let node = tab.node;
        let gone = self.is(other) && self.tabs[other.at as usize].links.iter().any(|link| link.who.at == at as u32);
        if link.relayed && gone {
            self.nodes[node].circuits = self.nodes[node].circuits.saturating_sub(1);
        }
        self.attend(at);
    }
}

impl Known {
    fn of(life: u32) -> Self {
        Self { life, seen: 0, retry_at: 0, alone_until: 0, failures: 0, dialling: false }
    }

    fn failed(&mut self, now: Time) {
        let pause = (FIRST_PAUSE << self.failures.min(8)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.retry_at = self.retry_at.max(now + pause);
    }
}

/// Neighbours to part with: the network's `choice::parting`. A neighbour is its worth, how long it is idle, and who it is.
fn parting(mut neighbours: Vec<(f64, Time, Who)>, candidates: &[Option<f64>], most: usize) -> Vec<Who> {
    neighbours.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.at.cmp(&b.2.at)));
    let mut parting: Vec<Who> = neighbours.drain(most.min(neighbours.len())..).map(|(.., who)| who).collect();
    let mean = neighbours.iter().map(|(worth, ..)| worth).sum::<f64>() / neighbours.len().max(1) as f64;
    let best = candidates.iter().map(|worth| worth.unwrap_or(mean)).max_by(f64::total_cmp);
    if let Some(best) = best.filter(|_| neighbours.len() == most)
        && let Some(at) = neighbours.iter().rposition(|(worth, idle, _)| *idle >= REPLACEABLE && *worth < best)
    {
        parting.push(neighbours.remove(at).2);
    }
    parting.extend(neighbours.iter().skip(KEPT).filter(|(_, idle, _)| *idle >= IDLE).map(|(.., who)| *who));
    parting
}

/// A turn of the real driver is a tenth of a second and begins when the one before has ended: five seconds are up to a tenth
/// longer. µs.
const LATE: usize = 20_000;
