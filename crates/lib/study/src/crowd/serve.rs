//! The answering side of a tab: what comes in, the real queue by weight, the real bounds on what is open, and gradients.

use super::bounds::STRANGER;
use super::clock::{MILLI, Time};
use super::tab::{Phase, Waiting, Who};
use super::world::{Event, Letter, World, duration};

impl World {
    /// `from` asks.
    pub(crate) fn asked(&mut self, at: usize, from: Who, id: u64, rows: usize, wait: u32) {
        let now = self.clock.now();
        let weight = self.weight(from.at as usize, at);
        let tab = &mut self.tabs[at];
        let Some(link) = tab.link(from.at).filter(|link| link.who == from) else { return };
        link.used = now;
        let relayed = link.relayed;
        tab.count.came += 1;
        if tab.open.enter(&from.at).is_err() {
            tab.count.refused += 1;
            return self.send(now, at, from, relayed, Letter::Refuse { id });
        }
        if self.crowd.prompt {
            tab.open.leave(&from.at);
            tab.remember(from.at, id);
            return self.send(now, at, from, relayed, Letter::Answer { id, rows: rows as u8 });
        }
        let waiting = Waiting { who: from, id, rows, until: now + Time::from(wait) * MILLI };
        if let Some((_, back)) = tab.queue.enter(from.at, weight, waiting, duration(now)) {
            tab.count.refused += 1;
            self.refuse(at, now, &back);
        }
        if matches!(self.tabs[at].phase, Phase::Waiting(_)) {
            self.attend(at);
        }
    }

    fn refuse(&mut self, at: usize, when: Time, waiting: &Waiting) {
        let Waiting { who, id, .. } = *waiting;
        let tab = &mut self.tabs[at];
        tab.open.leave(&who.at);
        if let Some(relayed) = tab.link(who.at).filter(|link| link.who == who).map(|link| link.relayed) {
            self.send(when, at, who, relayed, Letter::Refuse { id });
        }
    }

    /// Answers the next, beginning at `when`; gives the time when that is done, or nothing where nobody waits.
    pub(crate) fn answer_next(&mut self, at: usize, when: Time) -> Option<Time> {
        loop {
            let (_, waiting) = self.tabs[at].queue.take(duration(when))?;
            if waiting.until <= when {
                // Whoever asked has ended it already.
                self.refuse(at, when, &waiting);
                continue;
            }
            let [whatever, each] = self.crowd.effort.answer;
            let Waiting { who, id, rows, .. } = waiting;
            let positions = (rows * self.preset.seq) as u64;
            let tab = &mut self.tabs[at];
            let done = when + (tab.alone * (whatever + each * rows as f64)) as Time;
            tab.open.leave(&who.at);
            tab.remember(who.at, id);
            tab.count.answered += positions;
            if let Some(relayed) = tab.link(who.at).filter(|link| link.who == who).map(|link| link.relayed) {
                self.send(done, at, who, relayed, Letter::Answer { id, rows: rows as u8 });
            }
            return Some(done);
        }
    }

    /// Answers at most so many; gives the time when that is done.
    pub(crate) fn turn(&mut self, at: usize, mut when: Time, most: usize) -> Time {
        for _ in 0..most {
            let Some(done) = self.answer_next(at, when) else { break };
            when = done;
        }
        when
    }

    /// A gradient of `from` came.
    pub(crate) fn learned(&mut self, at: usize, from: Who, id: u64, rows: usize) {
        let (now, counts) = (self.clock.now(), self.counts());
        let weight = self.weight(from.at as usize, at).max(STRANGER);
        let tab = &mut self.tabs[at];
        let Some(relayed) = tab.link(from.at).filter(|link| link.who == from).map(|link| link.relayed) else { return };
        // Laid by at once: it takes a place among what is open for no time.
        let open = tab.open.enter(&from.at).is_ok();
        let taken = open && tab.take_gradient(from.at, id, weight, rows);
        if open {
            tab.open.leave(&from.at);
        }
        self.totals.gradients += u64::from(counts);
        self.send(now, at, from, relayed, Letter::Receipt { taken });
    }

    /// What came of an own gradient.
    pub(crate) fn received(&mut self, at: usize, from: Who, _taken: bool) {
        let tab = &mut self.tabs[at];
        if let Some(link) = tab.link(from.at).filter(|link| link.who == from && link.gradients > 0) {
            link.gradients -= 1;
            tab.outgoing = tab.outgoing.saturating_sub(1);
        }
    }

    /// Stake of `asker` times the weight that it gives to `own`, as a share of the largest such product there: as the light
    /// client says it, who has set no row gives all the same.
    pub(crate) fn weight(&self, asker: usize, own: usize) -> f64 {
        let heaviest = self.tabs[own].heaviest;
        let tab = &self.tabs[asker];
        if heaviest > 0.0 { (tab.stake * tab.share(own as u32, self.tabs.len()) / heaviest).min(1.0) } else { 1.0 }
    }

    /// Everyone's row becomes what it has found its neighbours to be worth.
    pub(crate) fn rows(&mut self) {
        for tab in &mut self.tabs {
            let scored = tab.tally.list("");
            let total: f64 = scored.iter().skip(1).map(|scored| scored.score).sum();
            if total > 0.0 {
                let share = |scored: &peer::Scored| {
                    let at = super::learn::who(&scored.key)?.at;
                    (scored.score > 0.0).then_some((at, scored.score / total))
                };
                tab.row = scored.iter().filter_map(share).collect();
            }
        }
        let count = self.tabs.len();
        let unset = self.tabs.iter().filter(|tab| tab.row.is_empty()).map(|tab| tab.stake).fold(0.0, f64::max);
        let mut heaviest = vec![unset / count as f64; count];
        for tab in &self.tabs {
            for (at, share) in &tab.row {
                let most = &mut heaviest[*at as usize];
                *most = most.max(tab.stake * share);
            }
        }
        self.tabs.iter_mut().zip(heaviest).for_each(|(tab, heaviest)| tab.heaviest = heaviest);
        self.clock.at(self.clock.now() + super::world::ROWS, Event::Rows);
    }
}

impl super::tab::Tab {
    /// The weight it gives to `other` of `count`.
    fn share(&self, other: u32, count: usize) -> f64 {
        if self.row.is_empty() {
            return 1.0 / count as f64;
        }
        self.row.iter().find(|(at, _)| *at == other).map_or(0.0, |(_, share)| *share)
    }
}
