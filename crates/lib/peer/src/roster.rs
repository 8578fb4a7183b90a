//! Who is asked: the gate's slots by hot key, who is masked for how long, and how long to wait.
//!
//! A neighbour that sends nonsense is masked for a number of steps that doubles each time; one that is silent is masked
//! for a shorter while. Both come back by themselves. A hostile peer could change its key to be forgiven: a new key has no
//! score and costs a registration.

use std::collections::HashMap;

use crate::Neighbour;

/// A neighbour that may be asked in this step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) slot: usize,
    pub(crate) neighbour: Neighbour,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    key: String,
    /// Step in which the neighbour was last listed.
    seen: u64,
}

#[derive(Clone, Debug, Default)]
struct Record {
    strikes: u32,
    until: u64,
    /// Smoothed milliseconds to an answer.
    latency: Option<f64>,
}

/// What is known of neighbours, over steps.
#[derive(Debug)]
pub(crate) struct Roster {
    slots: Vec<Option<Slot>>,
    records: HashMap<String, Record>,
}

/// Steps a neighbour is masked for the first time: after silence, and after nonsense.
const SILENT: u64 = 4;
const NONSENSE: u64 = 32;
/// Doublings of that.
const DOUBLINGS: u32 = 7;
/// Wait for an answer, ms: of a neighbour not yet measured, at least, at most.
const FIRST_MS: f64 = 3_000.0;
const LEAST_MS: f64 = 300.0;
const MOST_MS: f64 = 8_000.0;
/// Keys remembered beyond those in slots.
const RECORDS: usize = 256;

impl Roster {
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots: vec![None; slots], records: HashMap::new() }
    }

    /// Gives every listed neighbour a slot, as far as they go, and returns those that are not masked in `step`.
    ///
    /// A newcomer takes a free slot, else that of the neighbour not listed for longest; one that is listed keeps its own.
    pub(crate) fn candidates(&mut self, neighbours: &[Neighbour], step: u64) -> Vec<Candidate> {
        for neighbour in neighbours {
            if let Some(slot) = self.slots.iter_mut().flatten().find(|slot| slot.key == neighbour.key) {
                slot.seen = step;
            }
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for neighbour in neighbours {
            let Some(slot) = self.slot(&neighbour.key, step) else { continue };
            let masked = self.records.get(&neighbour.key).is_some_and(|record| record.until > step);
            if !masked && !candidates.iter().any(|other| other.slot == slot) {
                candidates.push(Candidate { slot, neighbour: neighbour.clone() });
            }
        }
        candidates
    }

    /// Longest wait for an answer of these, ms.
    pub(crate) fn deadline<'a>(&self, keys: impl Iterator<Item = &'a str>) -> u32 {
        let wait = |key: &str| {
            let latency = self.records.get(key).and_then(|record| record.latency);
            latency.map_or(FIRST_MS, |latency| (3.0 * latency + 100.0).clamp(LEAST_MS, MOST_MS))
        };
        keys.map(wait).fold(LEAST_MS, f64::max) as u32
    }

    /// An answer that could be used came after `millis`.
    pub(crate) fn answered(&mut self, key: &str, millis: f64) {
        let record = self.record(key);
        record.strikes = 0;
        record.latency = Some(record.latency.map_or(millis, |latency| latency + 0.2 * (millis - latency)));
    }

    /// No answer came, or a refusal; waits longer next time, so that a slow neighbour is heard in the end. Masks grow
    /// faster than waits: one that stays silent costs less and less.
    pub(crate) fn missed(&mut self, key: &str, step: u64) {
        let record = self.record(key);
        record.latency = Some((1.5 * record.latency.unwrap_or(FIRST_MS / 3.0)).min(MOST_MS));
        record.mask(step, SILENT);
    }

    /// The answer was nonsense.
    pub(crate) fn blamed(&mut self, key: &str, step: u64) {
        self.record(key).mask(step, NONSENSE);
    }

    fn record(&mut self, key: &str) -> &mut Record {
        if self.records.len() >= RECORDS && !self.records.contains_key(key) {
            let free = self.records.iter().min_by_key(|(key, record)| (record.until, (*key).clone()));
            if let Some(free) = free.map(|(key, _)| key.clone()) {
                self.records.remove(&free);
            }
        }
        self.records.entry(key.to_owned()).or_default()
    }

    fn slot(&mut self, key: &str, step: u64) -> Option<usize> {
        let held = self.slots.iter().position(|slot| slot.as_ref().is_some_and(|slot| slot.key == key));
        let slot = held.or_else(|| self.slots.iter().position(Option::is_none)).or_else(|| {
            let age = |slot: &Option<Slot>| slot.as_ref().map_or(0, |slot| slot.seen);
            let oldest = self.slots.iter().enumerate().min_by_key(|(_, slot)| age(slot))?;
            (age(oldest.1) < step).then_some(oldest.0)
        })?;
        self.slots[slot] = Some(Slot { key: key.to_owned(), seen: step });
        Some(slot)
    }
}

impl Record {
    fn mask(&mut self, step: u64, steps: u64) {
        self.until = step + 1 + (steps << self.strikes.min(DOUBLINGS));
        self.strikes = self.strikes.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(keys: &[&str]) -> Vec<Neighbour> {
        keys.iter().map(|key| Neighbour { peer: format!("peer-{key}"), key: (*key).into() }).collect()
    }

    fn slots(candidates: &[Candidate]) -> Vec<(usize, &str)> {
        candidates.iter().map(|candidate| (candidate.slot, candidate.neighbour.key.as_str())).collect()
    }

    #[test]
    fn a_neighbour_keeps_its_slot() {
        let mut roster = Roster::new(2);
        assert_eq!(slots(&roster.candidates(&list(&["a", "b", "c"]), 1)), [(0, "a"), (1, "b")]);
        assert_eq!(slots(&roster.candidates(&list(&["b", "a"]), 2)), [(1, "b"), (0, "a")]);
        // `a` left: its slot goes to `c`.
        assert_eq!(slots(&roster.candidates(&list(&["c", "b"]), 3)), [(0, "c"), (1, "b")]);
    }

    #[test]
    fn two_connections_of_one_key_are_one_candidate() {
        let mut roster = Roster::new(4);
        assert_eq!(roster.candidates(&list(&["a", "a"]), 1).len(), 1);
    }

    #[test]
    fn masks_grow_and_end() {
        let mut roster = Roster::new(2);
        let free = |step: u64, roster: &mut Roster| !roster.candidates(&list(&["a"]), step).is_empty();
        roster.blamed("a", 10);
        assert!(!free(11, &mut roster) && !free(10 + NONSENSE, &mut roster));
        assert!(free(11 + NONSENSE, &mut roster));
        roster.blamed("a", 100);
        assert!(!free(100 + 2 * NONSENSE, &mut roster));
        assert!(free(101 + 2 * NONSENSE, &mut roster));
        roster.answered("a", 5.0);
        roster.missed("a", 200);
        assert!(free(201 + SILENT, &mut roster));
    }

    #[test]
    fn the_wait_follows_the_answers() {
        let mut roster = Roster::new(2);
        assert_eq!(roster.deadline(["a"].into_iter()), 3_000);
        roster.answered("a", 400.0);
        assert_eq!(roster.deadline(["a"].into_iter()), 1_300);
        roster.answered("b", 1.0);
        assert_eq!(roster.deadline(["b"].into_iter()), 300);
        assert_eq!(roster.deadline(["a", "b"].into_iter()), 1_300);
        for _ in 0..20 {
            roster.missed("a", 1);
        }
        assert_eq!(roster.deadline(["a"].into_iter()), 8_000);
        roster.missed("never heard", 1);
        assert_eq!(roster.deadline(["never heard"].into_iter()), 4_600);
    }

    #[test]
    fn records_stay_bounded() {
        let mut roster = Roster::new(2);
        for i in 0..1000 {
            roster.missed(&i.to_string(), 1);
        }
        assert_eq!(roster.records.len(), RECORDS);
    }
}
