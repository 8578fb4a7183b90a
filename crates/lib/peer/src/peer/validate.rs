//! The losses on the held-out part, three ways: with those that answer, alone, and with students in the place of all.
//!
//! Neighbours are asked about held-out examples as about others, once, without noise in the gate; who is private asks nobody.

use data::Batch;
use model::{Answers, Measured, Routing};
use protocol::exchange::Want;

use super::{Error, Peer};
use crate::event::Validation;
use crate::flight::{self, Wish};

/// Means over examples.
#[derive(Default)]
struct Mean {
    examples: usize,
    loss: f64,
    accuracy: f64,
}

impl Mean {
    fn take(&mut self, measured: Measured, examples: usize) {
        self.examples += examples;
        self.loss += measured.loss * examples as f64;
        self.accuracy += measured.accuracy * examples as f64;
    }

    fn mean(&self) -> Measured {
        let examples = self.examples.max(1) as f64;
        Measured { loss: self.loss / examples, accuracy: self.accuracy / examples }
    }
}

impl Peer {
    /// Looks at `batches` of the held-out part, at most.
    pub(super) async fn validate(&mut self, batches: usize) -> Result<Validation, Error> {
        let most = self.learner.preset().batch;
        let (mut peers, mut alone, mut student) = (Mean::default(), Mean::default(), Mean::default());
        let mut answered = false;
        for index in 0..batches.min(self.dataset.validation_batches(most)) {
            let batch = self.dataset.validation(most, index);
            let (routing, answers) = self.ask_about(&batch).await?;
            let examples = batch.batch();
            let given = answers.iter().any(Option::is_some);
            let own = self.measure(&batch, &routing, &Answers::None).await?;
            alone.take(own, examples);
            student.take(self.measure(&batch, &routing, &Answers::Students).await?, examples);
            let with = if given { self.measure(&batch, &routing, &Answers::Given(answers)).await? } else { own };
            peers.take(with, examples);
            answered |= given;
        }
        Ok(Validation {
            step: self.learner.step(),
            examples: alone.examples,
            peers: answered.then(|| peers.mean()),
            alone: alone.mean(),
            student: student.mean(),
        })
    }

    /// The own model alone on one held-out batch.
    pub(super) async fn alone(&mut self, index: usize) -> Result<Measured, Error> {
        let batch = self.dataset.validation(self.learner.preset().batch, index);
        self.measure(&batch, &Routing::nobody(), &Answers::None).await
    }

    async fn measure(&mut self, batch: &Batch, routing: &Routing, answers: &Answers) -> Result<Measured, Error> {
        let measuring = self.learner.evaluate(batch, routing, answers)?;
        Ok(self.desk.attend(&self.learner, measuring.read()).await?)
    }

    /// Asks the neighbours about a batch and waits for them, each until its deadline.
    async fn ask_about(&mut self, batch: &Batch) -> Result<(Routing, Vec<Option<Vec<f32>>>), Error> {
        let candidates = self.candidates()?;
        let known = self.known(&candidates);
        if known.is_empty() {
            return Ok((Routing::nobody(), Vec::new()));
        }
        let scoring = self.learner.scores(batch)?;
        let scores = self.desk.attend(&self.learner, scoring.read()).await?;
        let routing = self.learner.route_best(&scores, &known);
        let dim = self.learner.preset().dim;
        let (mesh, roster, step) = (&self.mesh, &self.roster, self.learner.step());
        let wish = Wish { want: Want::Joined, encoding: self.manners.answers, dim };
        let (flight, asks) = flight::depart(mesh, batch, routing, &candidates, roster, wish, step, &mut self.asks)?;
        self.desk.depart(asks);
        let arrived = self.arrive(&flight, &mut |_| {}).await;
        Ok((flight.routing, arrived.answers))
    }
}
