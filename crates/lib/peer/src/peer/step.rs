//! Steps 1 to 5 of the seven, with the asks of later steps under way.
//!
//! Batch t is routed by the gate scores that came back with an earlier step, asked about while the steps before it compute,
//! and learned from with what has come by then. An answer is awaited until its own deadline at most; in the place of one
//! that is late, gone or wrong stands its student, or nothing. Without neighbours the same path is taken, and nothing waits.

use futures::FutureExt;
use model::{Extra, Outcome, Routing};
use protocol::exchange::{Carry, Gradient, Representation, Want};
use protocol::port::trainer::Step;

use super::{COPY, Coming, Error, NOISE, Peer};
use crate::event::Event;
use crate::flight::{self, Flight, Heard, Landed, Missing, Ticket, Wish};
use crate::roster::Candidate;
use crate::tally::Found;

/// Steps between two lists of scores.
const TELL: u64 = 4;
/// Steps between two gradients of others: the rate they are held to.
const FOREIGN: u64 = 2;

/// What the asks of a batch came to.
#[derive(Default)]
pub(super) struct Arrived {
    /// One a chosen slot.
    pub(super) answers: Vec<Option<Vec<f32>>>,
    /// The asks that were answered, by their place among the chosen.
    pub(super) answered: Vec<(usize, Ticket)>,
    missed: Vec<String>,
    sent: u64,
    received: u64,
    /// Milliseconds waited.
    waited: f64,
}

impl Peer {
    pub(super) async fn step(&mut self, events: &mut impl FnMut(Event)) -> Result<(), Error> {
        let started = self.mesh.now();
        if self.device.kind != model::Kind::Cpu && (self.changed || self.learner.step().is_multiple_of(COPY)) {
            let saving = self.learner.save();
            self.copy = Some(self.desk.attend(&self.learner, saving).await?);
            self.changed = false;
        }
        self.depart()?;
        let Some(Coming { batch, flight, asked, .. }) = self.coming.pop_front() else { return Ok(()) };
        self.position = self.position.wrapping_add(1);
        let flight = flight.unwrap_or_else(Flight::alone);
        let arrived = self.arrive(&flight, events).await;
        self.breathe().await;

        let launched = self.mesh.now();
        let foreign = self.learner.step().is_multiple_of(FOREIGN).then(|| self.desk.memory.next()).flatten();
        // What a stranger sent must not end the step.
        let foreign = foreign.filter(|foreign| self.learner.fits(foreign).is_ok());
        let applied = u32::from(foreign.is_some());
        let unscored = self.coming.iter().position(|coming| coming.scores.is_none() && coming.flight.is_none());
        let exact = self.exact(&arrived);
        let extra = Extra {
            foreign: foreign.as_ref(),
            // Where all can be asked, nothing has to be chosen.
            ahead: unscored
                .filter(|_| self.must_choose())
                .and_then(|at| self.coming.get(at))
                .map(|coming| &coming.batch),
            exact,
        };
        let pending = self.learner.start(&batch, &flight.routing, arrived.answers, extra)?;
        let launch = self.since(launched);
        self.breathe().await;

        let reading = self.mesh.now();
        let mut outcome = self.desk.attend(&self.learner, pending.read()).await?;
        let read = self.since(reading);
        if let (Some(scores), Some(coming)) = (outcome.ahead.take(), unscored.and_then(|at| self.coming.get_mut(at))) {
            coming.scores = Some(scores);
        }
        if !outcome.is_finite() {
            return Err(model::Error::NotFinite.into());
        }
        self.tally(&outcome, &flight.routing, exact);
        let sent = self.send_gradients(&mut outcome, &arrived.answered);
        let losses = outcome.losses;
        let updating = self.mesh.now();
        self.learner.apply(outcome)?;
        let update = self.since(updating);
        self.breathe().await;

        let step = self.learner.step();
        let millis = self.since(started);
        self.keep_pace(millis - arrived.waited);
        let answered: Vec<_> =
            arrived.answered.into_iter().map(|(_, ticket)| ticket.candidate.neighbour.peer).collect();
        events(Event::Step(Step {
            step,
            with_peers: losses.with_peers,
            alone: losses.alone,
            student: losses.student.unwrap_or(losses.alone),
            distillation: losses.distillation,
            tokens: batch.targets.len() as u32,
            millis,
            waited: arrived.waited,
            launch,
            read,
            update,
            stood_in: (flight.routing.slots.len() - answered.len()) as u32,
            share: flight.routing.share(),
            answered,
            missed: arrived.missed,
            ahead: step.saturating_sub(asked + 1) as u32,
            sent: arrived.sent + sent,
            received: arrived.received,
            applied,
            served: std::mem::take(&mut self.desk.served),
            sold: std::mem::take(&mut self.desk.sold),
        }));
        if step.is_multiple_of(TELL) {
            events(Event::Scores(self.tally.list(&self.key)));
        }
        if self.manners.keep > 0 && step.is_multiple_of(self.manners.keep) {
            events(Event::Kept(self.keep().await?));
        }
        Ok(())
    }

    /// Sends the asks of the next batch, and of as many after it as are to be out ahead.
    fn depart(&mut self) -> Result<(), Error> {
        self.look_ahead();
        self.draw(self.ahead + 2);
        let step = self.learner.step();
        let candidates = self.candidates()?;
        for at in 0..=self.ahead {
            if self.coming.get(at).is_none_or(|coming| coming.flight.is_some()) {
                continue;
            }
            let routing = self.route(at, &candidates);
            let Some(coming) = self.coming.get_mut(at) else { continue };
            let (mesh, roster) = (&self.mesh, &self.roster);
            let wish = Wish { want: Want::Joined, encoding: self.manners.answers, dim: self.learner.preset().dim };
            let (flight, asks) =
                flight::depart(mesh, &coming.batch, routing, &candidates, roster, wish, step, &mut self.asks)?;
            (coming.flight, coming.asked) = (Some(flight), step);
            self.desk.depart(asks);
        }
        Ok(())
    }

    /// Who can be asked now. Newcomers get a slot, if they are worth one.
    pub(super) fn candidates(&mut self) -> Result<Vec<Candidate>, Error> {
        if self.manners.private {
            return Ok(Vec::new());
        }
        let mut neighbours = self.mesh.neighbours();
        let parts = &self.dataset.spec().parts;
        neighbours.retain(|neighbour| parts.iter().any(|part| neighbour.modalities.contains(part.modality)));
        let step = self.learner.step();
        let changed = self.roster.seat(&neighbours, step);
        if !changed.is_empty() {
            self.changed = true;
            for slot in changed {
                self.learner.reset(slot)?;
            }
            self.mask()?;
        }
        let keys: Vec<Option<String>> = self.roster.keys().map(|key| key.map(str::to_owned)).collect();
        self.carries.retain(|key, _| keys.iter().flatten().any(|held| held == key));
        Ok(self.roster.candidates(&neighbours, step))
    }

    /// Slots that a batch may be routed to: of those that can be asked, and of those away whose student has learned them.
    pub(super) fn known(&self, candidates: &[Candidate]) -> Vec<usize> {
        let taught = self.learner.taught().into_iter().filter(|slot| self.roster.key(*slot).is_some());
        candidates.iter().map(|candidate| candidate.slot).chain(taught).collect()
    }

    /// Whether the gate has more to choose from than it takes.
    fn must_choose(&self) -> bool {
        let held = self.roster.keys().flatten().count();
        held > self.learner.preset().chosen
    }

    /// Where the examples of the batch at `at` go. One whose scores are not known yet is routed by the noise alone.
    fn route(&mut self, at: usize, candidates: &[Candidate]) -> Routing {
        let known = self.known(candidates);
        let Some(coming) = self.coming.get_mut(at).filter(|_| !known.is_empty()) else { return Routing::nobody() };
        let (preset, examples) = (self.learner.preset(), coming.batch.batch());
        let scores = coming.scores.take().unwrap_or_else(|| vec![0.0; examples * preset.gate.width(preset.slots)]);
        let mut noise = self.stream(NOISE, self.position.wrapping_add(at as u64));
        self.learner.route(&scores, &known, &mut noise)
    }

    /// What came of the asks of a batch; waits for those that are still out until their deadlines.
    pub(super) async fn arrive(&mut self, flight: &Flight, events: &mut impl FnMut(Event)) -> Arrived {
        let started = self.mesh.now();
        let step = self.learner.step();
        let mut arrived = Arrived { answers: vec![None; flight.routing.slots.len()], ..Arrived::default() };
        // Who fell silent or spoke nonsense since then is not waited for again.
        let awaited = |ticket: &&Ticket| !self.roster.is_masked(&ticket.candidate.neighbour.key, step);
        let ids: Vec<u64> = flight.asks.iter().flatten().filter(awaited).map(|ticket| ticket.id).collect();
        let mut landed = self.desk.land(&self.learner, &ids).await;
        if !ids.is_empty() {
            arrived.waited = self.since(started);
        }
        for (place, ticket) in flight.asks.iter().enumerate().flat_map(|(place, ask)| Some((place, ask.as_ref()?))) {
            let Ticket { id, candidate, asked, bytes, .. } = ticket;
            arrived.sent += bytes;
            let (peer, key) = (&candidate.neighbour.peer, &candidate.neighbour.key);
            let at = landed.iter().position(|landed| landed.id == *id);
            let landed = at.map(|at| landed.swap_remove(at)).or_else(|| self.desk.forget(*id));
            // The slot may have gone to another peer since.
            let own = self.roster.key(candidate.slot) == Some(key);
            match landed {
                Some(Landed { millis, result: Ok(Heard { values, bytes }), .. }) => {
                    self.roster.answered(key, millis);
                    arrived.received += bytes;
                    if own {
                        arrived.answers[place] = Some(values);
                        arrived.answered.push((place, ticket.clone()));
                    }
                }
                Some(Landed { result: Err(Missing::Blamed(blame)), .. }) => {
                    arrived.missed.push(peer.clone());
                    if !self.roster.is_masked(key, step) {
                        self.roster.blamed(key, step);
                        events(Event::Blamed { peer: peer.clone(), blame });
                    }
                }
                Some(Landed { result: Err(Missing::Silent), .. }) | None => {
                    arrived.missed.push(peer.clone());
                    self.roster.missed(key, *asked, step);
                }
            }
        }
        arrived
    }

    /// The place of the neighbour without which the loss is looked at in this step, if it is time: of those that answered
    /// the one not looked at for longest.
    fn exact(&self, arrived: &Arrived) -> Option<usize> {
        let due = self.manners.exact > 0 && self.learner.step().is_multiple_of(self.manners.exact);
        let places = arrived.answered.iter().filter(|_| due);
        places.min_by_key(|(_, ticket)| self.tally.looked(&ticket.candidate.neighbour.key)).map(|(place, _)| *place)
    }

    /// Takes what the step found out about each neighbour: nothing was lost without one that was not routed to
    /// (decisions 11).
    fn tally(&mut self, outcome: &Outcome, routing: &Routing, exact: Option<usize>) {
        let step = self.learner.step();
        self.tally.own(outcome.own);
        let keys: Vec<Option<String>> = self.roster.keys().map(|key| key.map(str::to_owned)).collect();
        for (slot, key) in keys.iter().enumerate().flat_map(|(slot, key)| Some((slot, key.as_ref()?))) {
            let place = routing.slots.iter().position(|routed| *routed == slot);
            let of = |values: &[f64]| place.and_then(|place| values.get(place)).copied();
            let found = Found {
                fisher: of(&outcome.fisher).unwrap_or(0.0),
                gain: place.and_then(|place| outcome.gain.get(place).copied().flatten()).unwrap_or(0.0),
                mass: of(&outcome.mass).unwrap_or(0.0),
                removal: outcome.removal.filter(|_| exact.is_some() && exact == place),
            };
            self.tally.take(key, found, step);
        }
        self.tally.fade(|key| keys.iter().flatten().any(|held| held == key));
    }

    /// Sends ∂L/∂f_j to those that answered, without waiting for them. Gives the bytes.
    fn send_gradients(&mut self, outcome: &mut Outcome, answered: &[(usize, Ticket)]) -> u64 {
        let dim = self.learner.preset().dim;
        let mut bytes = 0;
        for (place, ticket) in answered {
            let Some(values) = outcome.gradients.get_mut(*place).and_then(Option::take) else { continue };
            let neighbour = &ticket.candidate.neighbour;
            let carry = self.carries.entry(neighbour.key.clone()).or_insert_with(|| Carry::new(dim));
            let encoding = self.manners.gradients;
            let representation = Representation::encoded(ticket.shape, dim as u32, &values, encoding, Some(carry));
            let Ok(representation) = representation else { continue };
            bytes += encoding.bytes(ticket.shape.tokens(), dim) as u64;
            let (mesh, peer, id) = (self.mesh.clone(), neighbour.peer.clone(), ticket.id);
            self.desk.send(
                async move {
                    if let Err(error) = mesh.gradient(&peer, Gradient { id, representation }).await {
                        tracing::debug!(%peer, %error, "gradient not taken");
                    }
                }
                .boxed_local(),
            );
        }
        bytes
    }

    /// Smooths the time of a step.
    fn keep_pace(&mut self, millis: f64) {
        let pace = self.pace.map_or(millis, |pace| pace + 0.1 * (millis - pace));
        self.pace = Some(pace);
    }

    /// Sets how many steps asks are out ahead: as many as the slowest of those that answer takes, one more or less at a
    /// time.
    fn look_ahead(&mut self) {
        let Some(pace) = self.pace.filter(|pace| *pace > 0.0) else { return };
        let latencies = self.roster.keys().flatten().filter_map(|key| self.roster.latency(key));
        let needed = (latencies.fold(0.0, f64::max) / pace).ceil() as usize;
        self.ahead = needed.clamp(self.ahead.saturating_sub(1), self.ahead + 1).clamp(1, self.manners.ahead.max(1));
        self.ahead = self.ahead.min(self.manners.ahead);
    }
}
