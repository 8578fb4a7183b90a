//! The asking side of a tab: its steps, in the order of the real loop. Roster (slots, deadlines, masks), tally and routing are
//! the real ones.

use model::Routing;
use peer::Found;

use super::bounds::{FOREIGN, OPEN, OUTGOING, TURN};
use super::clock::{MILLI, Time};
use super::gate::WIDTH;
use super::tab::{Flight, Phase, State, Tab, Ticket, Who};
use super::world::{Event, Letter, World, millis};

impl World {
    /// Sends the asks of the batches to come, and waits for those of the next.
    pub(crate) fn begin(&mut self, at: usize) {
        let now = self.clock.now();
        if self.closing || !matches!(self.tabs[at].phase, Phase::Idle) {
            return;
        }
        self.depart(at, now);
        let tab = &mut self.tabs[at];
        tab.began = now;
        let Some(flight) = tab.coming.pop_front() else { return };
        let until = flight.tickets.iter().flatten().filter(|ticket| !ticket.landed(now) && tab.awaits(ticket));
        let until = until.map(|ticket| ticket.until).max();
        tab.phase = Phase::Waiting(flight);
        if let Some(until) = until {
            self.clock.at(until, Event::Late(tab.who, tab.steps));
        }
        self.attend(at);
    }

    /// A tab that waits goes on if it can, or answers others meanwhile.
    pub(crate) fn attend(&mut self, at: usize) {
        let now = self.clock.now();
        let tab = &self.tabs[at];
        let Phase::Waiting(flight) = &tab.phase else { return };
        if tab.busy > now {
            return;
        }
        if flight.tickets.iter().flatten().all(|ticket| ticket.landed(now) || !tab.awaits(ticket)) {
            self.compute(at);
        } else if let Some(done) = self.answer_next(at, now) {
            let tab = &mut self.tabs[at];
            tab.busy = done;
            self.clock.at(done, Event::Free(tab.who));
        }
    }

    fn depart(&mut self, at: usize, now: Time) {
        let batch = self.preset.batch;
        let taught_from = self.preset.taught;
        let mut sends = Vec::new();
        let tab = &mut self.tabs[at];
        tab.look_ahead();
        let step = tab.steps;
        for slot in tab.roster.seat(&tab.listed, step) {
            tab.gate.reset(slot);
            tab.taught[slot] = 0;
        }
        let candidates = tab.roster.candidates(&tab.listed, step);
        let mut known: Vec<usize> = candidates.iter().map(|candidate| candidate.slot).collect();
        let taught = (0..tab.taught.len()).filter(|slot| tab.taught[*slot] >= taught_from);
        known.extend(taught.filter(|slot| tab.roster.key(*slot).is_some()));
        while tab.coming.len() <= tab.ahead {
            let seen = tab.draw(batch);
            let routing =
                if known.is_empty() { Routing::nobody() } else { tab.gate.route(&seen, &known, &mut tab.random) };
            let mut tickets = Vec::with_capacity(routing.slots.len());
            for (slot, rows) in routing.slots.iter().zip(&routing.routed) {
                let candidate = candidates.iter().find(|candidate| candidate.slot == *slot);
                let who = candidate.and_then(|candidate| who(&candidate.neighbour.peer));
                let (Some(candidate), Some(who)) = (candidate, who) else {
                    tickets.push(None);
                    continue;
                };
                let key = candidate.neighbour.key.clone();
                let wait = tab.roster.deadline(&key);
                tab.asks += 1;
                let (id, rows) = (tab.asks, rows.len());
                let until = now + Time::from(wait) * MILLI;
                let mut ticket = Ticket { id, who, key, slot: *slot, rows, sent: now, until, state: State::Out };
                match tab.link(who.at) {
                    Some(link) if link.asks + link.gradients < OPEN => {
                        link.asks += 1;
                        link.used = now;
                        sends.push((who, link.relayed, Letter::Ask { id, rows: rows as u8, wait }));
                    }
                    // Too many are open, which the own network refuses.
                    _ => ticket.state = State::Refused(now),
                }
                self.ends.sent += 1;
                tickets.push(Some(ticket));
            }
            tab.coming.push_back(Flight { seen, routing, asked: step, tickets });
        }
        for (who, relayed, letter) in sends {
            self.send(now, at, who, relayed, letter);
        }
    }

    /// Something came of an ask.
    pub(crate) fn landed(&mut self, at: usize, from: Who, id: u64, state: State) {
        let tab = &mut self.tabs[at];
        if let Some(link) = tab.link(from.at) {
            link.asks = link.asks.saturating_sub(1);
        }
        if let Some(ticket) = tab.tickets().find(|ticket| ticket.id == id && ticket.who == from) {
            ticket.state = state;
        }
        self.attend(at);
    }

    /// Takes what came, answers a few others, and computes.
    fn compute(&mut self, at: usize) {
        let (now, counts) = (self.clock.now(), self.counts());
        let tab = &mut self.tabs[at];
        let Phase::Waiting(mut flight) = std::mem::replace(&mut tab.phase, Phase::Idle) else { return };
        let waited = now - tab.began;
        tab.waited = waited;
        tab.count.waited += waited;
        let mut there = vec![false; flight.routing.slots.len()];
        let mut answered = Vec::with_capacity(there.len());
        for (place, ticket) in flight.tickets.iter_mut().enumerate() {
            let slot = flight.routing.slots[place];
            let mut stands = tab.taught[slot] >= self.preset.taught;
            if let Some(ticket) = ticket.take() {
                let own = tab.roster.key(ticket.slot) == Some(&ticket.key);
                match ticket.state {
                    State::Answered(came) if came <= ticket.until => {
                        self.ends.answered += 1;
                        let took = millis(came - ticket.sent);
                        tab.roster.answered(&ticket.key, took);
                        // One of many is enough for a distribution.
                        if counts && ticket.id.is_multiple_of(61) {
                            self.totals.answer_ms.push(took);
                        }
                        if own {
                            there[place] = true;
                            answered.push((place, ticket));
                            continue;
                        }
                    }
                    state => {
                        match state {
                            State::Refused(came) if came <= ticket.until => self.ends.refused += 1,
                            State::Lost(came) if came <= ticket.until => self.ends.lost += 1,
                            _ => self.ends.late += 1,
                        }
                        tab.roster.missed(&ticket.key, flight.asked, tab.steps);
                    }
                }
                stands &= own;
            }
            there[place] = stands;
            self.totals.stood += u64::from(counts && stands);
            self.totals.empty += u64::from(counts && !stands);
        }
        self.totals.places += if counts { there.len() as u64 } else { 0 };
        let foreign = tab.steps.is_multiple_of(FOREIGN).then(|| tab.next_gradient()).flatten();
        let mut steps = if there.is_empty() { 1.0 } else { self.crowd.effort.with_peers };
        if let Some(rows) = foreign {
            let [whatever, each] = self.crowd.effort.foreign;
            steps += whatever + each * rows as f64;
            self.totals.used += u64::from(counts);
        }
        let done = self.turn(at, now, TURN);
        let tab = &mut self.tabs[at];
        tab.phase = Phase::Computing { flight, there, answered, began: now };
        self.clock.at(done + (tab.alone * steps) as Time, Event::Part(tab.who));
    }

    /// The step is computed: the gate learns, gradients go out, a few others are answered, and the next begins.
    pub(crate) fn part(&mut self, at: usize) {
        let now = self.clock.now();
        let Phase::Computing { flight, there, answered, began } =
            std::mem::replace(&mut self.tabs[at].phase, Phase::Idle)
        else {
            return;
        };
        for (_, ticket) in &answered {
            let mind = self.tabs[ticket.who.at as usize].mind;
            self.tabs[at].minds[ticket.slot] = mind;
            self.tabs[at].taught[ticket.slot] += 1;
        }
        let tab = &mut self.tabs[at];
        tab.found(&flight, &there, &answered);
        let mut sends = Vec::new();
        for (_, ticket) in answered {
            let free = tab.outgoing + sends.len() < OUTGOING;
            let Some(link) = tab.link(ticket.who.at).filter(|link| free && link.who == ticket.who) else { continue };
            if link.asks + link.gradients < OPEN {
                link.gradients += 1;
                let letter = Letter::Gradient { id: ticket.id, rows: ticket.rows as u8 };
                sends.push((ticket.who, link.relayed, letter));
            }
        }
        tab.outgoing += sends.len();
        for (who, relayed, letter) in sends {
            self.send(now, at, who, relayed, letter);
        }
        // Two pauses: after the gradients were read back, and after the weights were moved.
        let done = self.turn(at, now, 2 * TURN);
        let tab = &mut self.tabs[at];
        tab.steps += 1;
        tab.count.steps += 1;
        let took = (done - began) as f64 / MILLI as f64;
        tab.pace = Some(tab.pace.map_or(took, |pace| pace + 0.1 * (took - pace)));
        self.clock.at(done, Event::Begin(tab.who));
    }
}

impl Tab {
    /// Whether the answer is waited for: who fell silent since is not.
    fn awaits(&self, ticket: &Ticket) -> bool {
        !self.roster.is_masked(&ticket.key, self.steps)
    }

    /// What each neighbour was worth in a step; the gate learns from it.
    fn found(&mut self, flight: &Flight, there: &[bool], answered: &[(usize, Ticket)]) {
        let Flight { seen, routing, .. } = flight;
        if routing.slots.is_empty() {
            return;
        }
        let heard: Vec<bool> =
            (0..there.len()).map(|place| answered.iter().any(|(other, _)| *other == place)).collect();
        let worth: Vec<[f32; WIDTH]> = routing
            .slots
            .iter()
            .zip(&heard)
            .map(|(slot, heard)| self.minds[*slot].map(|nats| if *heard { nats } else { STUDENT * nats }))
            .collect();
        let place = |slot: usize| routing.slots.iter().position(|other| *other == slot).unwrap_or(0);
        let weighed = self.gate.learn(seen, routing, there, |slot, subject| worth[place(slot)][subject]);
        for slot in 0..self.taught.len() {
            let Some(key) = self.roster.key(slot) else { continue };
            let at = routing.slots.iter().position(|other| *other == slot);
            let found = at.map_or_else(Found::default, |at| Found {
                fisher: weighed.gain[at] * weighed.gain[at],
                gain: if heard[at] { weighed.gain[at] } else { 0.0 },
                mass: weighed.mass[at],
                removal: None,
            });
            self.tally.take(key, found, self.steps);
        }
    }
}

/// The one that a roster's name means.
pub(crate) fn who(name: &str) -> Option<Who> {
    let (at, life) = name.split_once('.')?;
    Some(Who { at: at.parse().ok()?, life: life.parse().ok()? })
}

/// What a student is worth beside who it learned from: assumed.
const STUDENT: f32 = 0.5;
