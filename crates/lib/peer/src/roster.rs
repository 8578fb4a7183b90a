//! Who is asked: the gate's slots by hot key, who is masked for how long, and how long to wait for each.
//!
//! A slot belongs to one neighbour and keeps it while that one is away: its student stands in, and it takes its place again
//! when it comes back. Only when all slots are held does a newcomer take one, of the neighbour that has been away longest.
//!
//! The wait for an answer is learned a neighbour as TCP learns its own (RFC 6298): smoothed time and four times its
//! deviation. A neighbour that sends nonsense is masked for a number of steps that doubles each time; one that is silent is
//! masked for a shorter while. Both come back by themselves. A hostile peer could change its key to be forgiven: a new key
//! has no score and costs a registration. Many keys together could want the slots of those that are away: an absence
//! shorter than [`AWAY`] costs nobody its slot.

use std::collections::HashMap;

use crate::Neighbour;

/// A neighbour that may be asked in this step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its slot of the gate.
    pub slot: usize,
    /// Who it is.
    pub neighbour: Neighbour,
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
    /// Step of the last strike.
    struck: u64,
    /// First step in which it may be asked again.
    until: u64,
    wait: Wait,
}

/// Smoothed milliseconds to an answer and their mean deviation, once one came.
#[derive(Clone, Copy, Debug, Default)]
struct Wait {
    measured: Option<(f64, f64)>,
    /// Grows with each silence, so that a slow neighbour is heard in the end.
    stretch: f64,
}

/// What is known of neighbours, over steps.
#[derive(Debug)]
pub struct Roster {
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
const LEAST_MS: f64 = 200.0;
const MOST_MS: f64 = 8_000.0;
/// What a silence multiplies the wait by.
const STRETCH: f64 = 1.5;
/// Keys remembered beyond those in slots.
const RECORDS: usize = 256;
/// Steps that a neighbour may be away before a newcomer can take its slot.
pub(crate) const AWAY: u64 = 64;

impl Roster {
    /// With so many slots, all free.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots: vec![None; slots], records: HashMap::new() }
    }

    /// The slots as they were: a hot key each, or none. More than there are places for are left out.
    pub fn restore(&mut self, keys: impl IntoIterator<Item = Option<String>>, step: u64) {
        for (slot, key) in self.slots.iter_mut().zip(keys) {
            *slot = key.map(|key| Slot { key, seen: step });
        }
    }

    /// The hot key of each slot.
    pub fn keys(&self) -> impl Iterator<Item = Option<&str>> {
        self.slots.iter().map(|slot| slot.as_ref().map(|slot| slot.key.as_str()))
    }

    /// The hot key that holds `slot`.
    pub fn key(&self, slot: usize) -> Option<&str> {
        self.slots.get(slot)?.as_ref().map(|slot| slot.key.as_str())
    }

    /// Gives newcomers a slot, as far as they go: a free one, else that of the neighbour longest away. Returns the slots
    /// that changed hands, whose students know another peer.
    pub fn seat(&mut self, neighbours: &[Neighbour], step: u64) -> Vec<usize> {
        for slot in self.slots.iter_mut().flatten() {
            if neighbours.iter().any(|neighbour| neighbour.key == slot.key) {
                slot.seen = step;
            }
        }
        let mut changed = Vec::new();
        for neighbour in neighbours {
            let key = neighbour.key.as_str();
            if self.slot(key).is_some() || self.is_masked(key, step) {
                continue;
            }
            if let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(Slot { key: key.to_owned(), seen: step });
            } else if let Some((index, oldest)) = self
                .slots
                .iter_mut()
                .enumerate()
                .flat_map(|(i, slot)| Some((i, slot.as_mut()?)))
                .min_by_key(|(_, s)| s.seen)
                && oldest.seen + AWAY <= step
            {
                *oldest = Slot { key: key.to_owned(), seen: step };
                changed.push(index);
            }
        }
        changed
    }

    /// Those of the listed that hold a slot and are not masked in `step`, one a key.
    pub fn candidates(&self, neighbours: &[Neighbour], step: u64) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for neighbour in neighbours {
            let Some(slot) = self.slot(&neighbour.key) else { continue };
            if !self.is_masked(&neighbour.key, step) && !candidates.iter().any(|other| other.slot == slot) {
                candidates.push(Candidate { slot, neighbour: neighbour.clone() });
            }
        }
        candidates
    }

    /// Whether `key` is masked in `step`.
    pub fn is_masked(&self, key: &str, step: u64) -> bool {
        self.records.get(key).is_some_and(|record| record.until > step)
    }

    /// Longest wait for an answer of `key`, ms.
    pub fn deadline(&self, key: &str) -> u32 {
        self.records.get(key).map_or(Wait::default(), |record| record.wait).deadline()
    }

    /// Milliseconds in which `key` answers, once measured.
    pub fn latency(&self, key: &str) -> Option<f64> {
        self.records.get(key)?.wait.measured.map(|(mean, _)| mean)
    }

    /// An answer that could be used came after `millis`.
    pub fn answered(&mut self, key: &str, millis: f64) {
        let record = self.record(key);
        record.strikes = 0;
        record.wait.answered(millis);
    }

    /// No answer came to an ask of step `asked`, or a refusal; waits longer next time. Masks grow faster than waits: one
    /// that stays silent costs less and less. Several asks that were out together are one silence.
    pub fn missed(&mut self, key: &str, asked: u64, step: u64) {
        let record = self.record(key);
        if record.strikes == 0 || record.struck <= asked {
            record.wait.missed();
            record.mask(step, SILENT);
        }
    }

    /// The answer was nonsense.
    pub fn blamed(&mut self, key: &str, step: u64) {
        self.record(key).mask(step, NONSENSE);
    }

    fn slot(&self, key: &str) -> Option<usize> {
        self.slots.iter().position(|slot| slot.as_ref().is_some_and(|slot| slot.key == key))
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
}

impl Record {
    fn mask(&mut self, step: u64, steps: u64) {
        self.until = step + 1 + (steps << self.strikes.min(DOUBLINGS));
        self.struck = step + 1;
        self.strikes = self.strikes.saturating_add(1);
    }
}

impl Wait {
    fn deadline(self) -> u32 {
        let wait = self.measured.map_or(FIRST_MS, |(mean, deviation)| (mean + 4.0 * deviation).max(LEAST_MS));
        (wait * self.stretch.max(1.0)).min(MOST_MS) as u32
    }

    fn answered(&mut self, millis: f64) {
        self.measured = Some(match self.measured {
            None => (millis, millis / 2.0),
            Some((mean, deviation)) => {
                let error = millis - mean;
                (mean + error / 8.0, deviation + (error.abs() - deviation) / 4.0)
            }
        });
        self.stretch = 1.0;
    }

    fn missed(&mut self) {
        self.stretch = (self.stretch.max(1.0) * STRETCH).min(MOST_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(keys: &[&str]) -> Vec<Neighbour> {
        keys.iter().map(|key| Neighbour::new(format!("peer-{key}"), *key)).collect()
    }

    fn slots(roster: &mut Roster, keys: &[&str], step: u64) -> (Vec<(usize, String)>, Vec<usize>) {
        let changed = roster.seat(&list(keys), step);
        let candidates = roster.candidates(&list(keys), step);
        (candidates.into_iter().map(|candidate| (candidate.slot, candidate.neighbour.key)).collect(), changed)
    }

    fn seats(of: &[(usize, &str)]) -> Vec<(usize, String)> {
        of.iter().map(|(slot, key)| (*slot, (*key).to_owned())).collect()
    }

    #[test]
    fn a_neighbour_keeps_its_slot_while_it_is_away() {
        let mut roster = Roster::new(2);
        assert_eq!(slots(&mut roster, &["a", "b", "c"], 1), (seats(&[(0, "a"), (1, "b")]), vec![]));
        assert_eq!(slots(&mut roster, &["b", "a"], 2), (seats(&[(1, "b"), (0, "a")]), vec![]));
        // `a` left, `c` would like its slot.
        assert_eq!(slots(&mut roster, &["c", "b"], 1 + AWAY), (seats(&[(1, "b")]), vec![]));
        assert_eq!(slots(&mut roster, &["a", "c", "b"], 2 + AWAY), (seats(&[(0, "a"), (1, "b")]), vec![]));
    }

    #[test]
    fn a_newcomer_takes_the_slot_of_the_longest_away_and_no_other() {
        let mut roster = Roster::new(3);
        roster.seat(&list(&["a", "b", "c"]), 1);
        roster.seat(&list(&["a", "b"]), 5);
        roster.seat(&list(&["b"]), 9);
        assert_eq!(slots(&mut roster, &["b", "d"], 1 + AWAY).1, [2], "`c` has been away since step 1");
        assert_eq!(slots(&mut roster, &["b", "d", "e"], 2 + AWAY).1, [0; 0], "`a` not for long enough");
        assert_eq!(slots(&mut roster, &["b", "d", "e"], 5 + AWAY), (seats(&[(1, "b"), (2, "d"), (0, "e")]), vec![0]));
    }

    #[test]
    fn a_masked_newcomer_takes_no_slot() {
        let mut roster = Roster::new(1);
        roster.blamed("a", 1);
        assert_eq!(slots(&mut roster, &["a"], 2), (vec![], vec![]));
        assert_eq!(slots(&mut roster, &["a", "b"], 3), (seats(&[(0, "b")]), vec![]));
    }

    #[test]
    fn slots_come_back_as_they_were() {
        let mut roster = Roster::new(3);
        roster.restore([None, Some("a".into()), None, Some("too many".into())], 7);
        assert_eq!(roster.keys().collect::<Vec<_>>(), [None, Some("a"), None]);
        assert_eq!(slots(&mut roster, &["b", "a"], 8), (seats(&[(0, "b"), (1, "a")]), vec![]));
    }

    #[test]
    fn two_connections_of_one_key_are_one_candidate() {
        assert_eq!(slots(&mut Roster::new(4), &["a", "a"], 1).0.len(), 1);
    }

    #[test]
    fn masks_grow_and_end() {
        let mut roster = Roster::new(2);
        roster.seat(&list(&["a"]), 1);
        let free = |step: u64, roster: &Roster| !roster.candidates(&list(&["a"]), step).is_empty();
        roster.blamed("a", 10);
        assert!(!free(11, &roster) && !free(10 + NONSENSE, &roster));
        assert!(free(11 + NONSENSE, &roster));
        roster.blamed("a", 100);
        assert!(!free(100 + 2 * NONSENSE, &roster));
        assert!(free(101 + 2 * NONSENSE, &roster));
        roster.answered("a", 5.0);
        roster.missed("a", 200, 200);
        assert!(free(201 + SILENT, &roster));
    }

    #[test]
    fn asks_that_were_out_together_are_one_silence() {
        let mut roster = Roster::new(1);
        for asked in [8, 9, 10] {
            roster.missed("a", asked, 10);
        }
        assert!(!roster.is_masked("a", 11 + SILENT));
        roster.missed("a", 20, 20);
        assert!(roster.is_masked("a", 20 + 2 * SILENT) && !roster.is_masked("a", 21 + 2 * SILENT));
    }

    #[test]
    fn the_wait_follows_the_answers() {
        let mut roster = Roster::new(2);
        assert_eq!(roster.deadline("a"), 3_000);
        roster.answered("a", 400.0);
        assert_eq!(roster.deadline("a"), 1_200);
        for _ in 0..30 {
            roster.answered("a", 400.0);
        }
        assert_eq!(roster.deadline("a"), 400, "a steady neighbour is waited for no longer than it takes");
        roster.answered("b", 1.0);
        assert_eq!(roster.deadline("b"), 200);
        roster.missed("b", 1, 1);
        assert_eq!(roster.deadline("b"), 300);
        for step in 0..20 {
            roster.missed("a", 10 * step, 10 * step);
        }
        assert_eq!(roster.deadline("a"), 8_000);
        roster.missed("never heard", 1, 1);
        assert_eq!(roster.deadline("never heard"), 4_500);
    }

    #[test]
    fn records_stay_bounded() {
        let mut roster = Roster::new(2);
        for i in 0..1000 {
            roster.missed(&i.to_string(), 1, 1);
        }
        assert_eq!(roster.records.len(), RECORDS);
    }
}
