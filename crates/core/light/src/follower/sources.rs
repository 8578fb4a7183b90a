//! The sources that a follower asks, and how it chooses between them.
//!
//! A query goes to the source with the fewest strikes that was not tried for it yet, of these to the one that has the least to do and was
//! asked longest ago. Who does not answer or cannot gets a strike, and loses them by
//! answering, or one by one while others are asked. Who lies is not asked any more; the only
//! one there is is asked again after a pause that doubles, since a damaged wire lies too.

use crate::Source;
use std::collections::{BTreeMap, BTreeSet};

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Sources {
    all: BTreeMap<Source, Entry>,
    /// Who lied, and how long it pauses where it is the only one.
    liars: BTreeMap<Source, Pause>,
    turn: u64,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    strikes: u32,
    open: u32,
    used: u64,
}

impl Entry {
    /// Its strikes, as far as they are not forgotten while others were asked.
    fn weight(&self, turn: u64) -> u64 {
        u64::from(self.strikes).saturating_sub(turn.saturating_sub(self.used) / FORGIVEN)
    }
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: u64,
    length: u64,
}

impl Sources {
    pub fn add(&mut self, source: Source) {
        self.all.entry(source).or_default();
    }

    pub fn remove(&mut self, source: &Source) {
        self.all.remove(source);
    }

    /// Whether one could be asked at `now`.
    pub fn any(&self, now: u64) -> bool {
        self.all.keys().any(|source| self.trusted(source, now))
    }

    /// When a source that is paused may be asked again, if that is what is waited for.
    pub fn deadline(&self, now: u64) -> Option<u64> {
        let paused = self.all.keys().filter_map(|source| self.liars.get(source)).map(|pause| pause.until);
        paused.filter(|until| *until > now).min()
    }

    /// The source to ask, but for those that were tried.
    pub fn pick(&mut self, tried: &BTreeSet<Source>, now: u64) -> Option<Source> {
        let turn = self.turn;
        let fits = |source: &Source| !tried.contains(source) && self.trusted(source, now);
        let best = self.all.iter().filter(|(source, _)| fits(source));
        let best = best
            .min_by_key(|(_, entry)| (entry.weight(turn), entry.open, entry.used))
            .map(|(source, _)| source.clone())?;
        self.take(&best).then_some(best)
    }

    /// Asks this very source, where it may be asked.
    pub fn pick_this(&mut self, source: &Source, now: u64) -> bool {
        self.all.contains_key(source) && self.trusted(source, now) && self.take(source)
    }

    fn take(&mut self, source: &Source) -> bool {
        self.turn += 1;
        let turn = self.turn;
        self.all.get_mut(source).is_some_and(|entry| {
            entry.open += 1;
            entry.used = turn;
            true
        })
    }

    /// A query to it is over.
    pub fn done(&mut self, source: &Source, well: bool) {
        if let Some(entry) = self.all.get_mut(source) {
            entry.open = entry.open.saturating_sub(1);
            entry.strikes = if well { 0 } else { (entry.strikes + 1).min(MOST_STRIKES) };
        }
    }

    /// It lied.
    pub fn lied(&mut self, source: &Source, now: u64) {
        let length = self.liars.get(source).map_or(FIRST_PAUSE_MS, |pause| (pause.length * 2).min(LONGEST_PAUSE_MS));
        while self.liars.len() >= MOST_LIARS {
            // Names cost nothing: who is gone is forgotten first.
            let gone =
                self.liars.keys().find(|liar| !self.all.contains_key(*liar)).or_else(|| self.liars.keys().next());
            let Some(gone) = gone.cloned() else { break };
            self.liars.remove(&gone);
        }
        self.liars.insert(source.clone(), Pause { until: now.saturating_add(length), length });
    }

    /// The clock was set back.
    pub fn rewind(&mut self, now: u64) {
        self.liars.values_mut().for_each(|pause| pause.until = pause.until.min(now.saturating_add(pause.length)));
    }

    /// Who may be asked, and who lied.
    pub fn names(&self, now: u64) -> impl Iterator<Item = (&Source, bool)> {
        self.all.keys().map(move |source| (source, self.trusted(source, now)))
    }

    /// Whether it did not lie, or is the only one there is and has paused for that.
    fn trusted(&self, source: &Source, now: u64) -> bool {
        let honest = |source: &&Source| !self.liars.contains_key(*source);
        match self.liars.get(source) {
            None => true,
            Some(pause) => pause.until <= now && !self.all.keys().any(|other| honest(&other)),
        }
    }
}

/// Queries to anybody after which a strike is forgotten, so that everyone is tried again.
const FORGIVEN: u64 = 8;

/// Strikes are forgotten by answering, so that few weigh as much as many.
const MOST_STRIKES: u32 = 8;

/// Most liars that are remembered.
const MOST_LIARS: usize = 256;

/// Pause of a liar that is the only source, ms: the first and the longest.
const FIRST_PAUSE_MS: u64 = 2_000;
const LONGEST_PAUSE_MS: u64 = 300_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(names: &[&str]) -> Sources {
        let mut sources = Sources::default();
        names.iter().for_each(|name| sources.add(Source::new(name)));
        sources
    }

    fn pick(sources: &mut Sources, now: u64) -> Option<String> {
        sources.pick(&BTreeSet::new(), now).map(|source| source.to_string())
    }

    #[test]
    fn queries_are_spread_and_who_does_not_answer_comes_last() {
        let mut all = sources(&["a", "b", "c"]);
        let picked: Vec<_> = (0..3).filter_map(|_| pick(&mut all, 0)).collect();
        assert_eq!(picked, ["a", "b", "c"]);
        all.done(&Source::new("a"), false);
        all.done(&Source::new("b"), true);
        all.done(&Source::new("c"), true);
        let picked: Vec<_> = (0..3).filter_map(|_| pick(&mut all, 0)).collect();
        assert_eq!(picked, ["b", "c", "b"]);
        let tried = [Source::new("b"), Source::new("c")].into();
        assert_eq!(all.pick(&tried, 0), Some(Source::new("a")));
        all.done(&Source::new("a"), true);
        assert_eq!(pick(&mut all, 0).as_deref(), Some("a"));
    }

    #[test]
    fn a_liar_is_not_asked_while_there_is_another() {
        let mut all = sources(&["a", "b"]);
        all.lied(&Source::new("a"), 0);
        for now in [0, 10_000, 1_000_000] {
            assert_eq!(pick(&mut all, now).as_deref(), Some("b"));
        }
        assert!(!all.pick_this(&Source::new("a"), 1_000_000));
        all.remove(&Source::new("b"));
        assert!(all.any(2_000), "it is the only one");
    }

    #[test]
    fn the_only_source_pauses_longer_each_time_it_lies() {
        let mut all = sources(&["a"]);
        let a = Source::new("a");
        let mut now = 0;
        for length in [2_000, 4_000, 8_000] {
            all.lied(&a, now);
            assert_eq!((pick(&mut all, now), all.deadline(now)), (None, Some(now + length)));
            now += length;
            assert!(pick(&mut all, now).is_some());
        }
    }
}
