//! What a model does without learning: it answers neighbours and consumers, and is measured on what was held out. Nothing
//! here asks anybody, so that a question never travels further than to the one who was asked.

use burn::prelude::*;
use data::Batch;
use protocol::exchange::{Inputs, Want};

use crate::examples::{examples, part_of};
use crate::reading::Readings;
use crate::router::gates;
use crate::step::picks;
use crate::{Error, Learner, Routing, Served, nats};

/// Who takes the market's place in a measurement.
#[derive(Clone, Debug)]
pub enum Answers {
    /// Nobody: the own encoding alone.
    None,
    /// The peers: one entry a chosen slot of the routing, as for [`Learner::start`].
    Given(Vec<Option<Vec<f32>>>),
    /// The student, over the gate's choice among all slots it was taught; the routing is not looked at.
    Students,
}

/// A measurement on its way from the device.
#[derive(Debug)]
pub struct Measuring(Readings<bool>);

/// How well a model does on a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Nats a target.
    pub loss: f64,
    /// Share of the targets that have the largest logit.
    pub accuracy: f64,
}

impl Learner {
    /// f(x), f(x) with the student in the market's place, or the logits of that, for a neighbour or a consumer.
    ///
    /// # Errors
    /// [`Error::WrongModality`], [`Error::WrongItem`], [`Error::TooLarge`].
    pub fn answer(&self, inputs: &Inputs, want: Want) -> Result<Served, Error> {
        let part = part_of(inputs, &self.spec)?;
        let network = &self.serving;
        let examples = examples(&[inputs], &self.spec.parts[part], &self.device.clone().inner())?;
        let encoded = network.encode(part, examples)?;
        Ok(match want {
            Want::Encoding => Served::new(encoded.own),
            Want::Joined => Served::new(self.joined(network, &encoded)),
            Want::Logits => {
                let own = encoded.own.clone();
                let joined = self.mimic(network, &encoded).map_or(own.clone(), |mimic| own + mimic);
                Served::new(network.decode(joined))
            }
        })
    }

    /// Loss and accuracy of `batch` with `answers` in the market's place. The weights stay.
    ///
    /// # Errors
    /// As [`Learner::start`].
    pub fn evaluate(&self, batch: &Batch, routing: &Routing, answers: &Answers) -> Result<Measuring, Error> {
        let (network, device) = (&self.serving, self.device.clone().inner());
        let parts = self.parts(batch, &device)?.into_iter().enumerate();
        let encoded = network.combine(parts.map(|(i, part)| network.encode(i, part)).collect::<Result<_, _>>()?)?;
        let mix = match answers {
            Answers::None => None,
            Answers::Students => self.mimic(network, &encoded),
            Answers::Given(answers) => self.fill(batch, routing, answers)?.map(|filled| {
                let ([count, seq, dim], k) = (encoded.own.dims(), routing.k);
                let tensor = |values| Tensor::<2>::from_data(TensorData::new(values, [count, k]), &device);
                let slots = picks(routing, &device);
                let scores = network.router.all(network.router.scores(encoded.seen.clone()));
                let scores = scores.gather(1, slots.clone().reshape([count, k]));
                let mut weights = gates(scores, filled.there().map(tensor));
                if let Some(masks) = self.masks(&slots, k) {
                    weights = weights * masks;
                }
                let student = network.student.forward(encoded.own.clone(), slots.clone());
                let stood = tensor(filled.stood.clone()).reshape([count, k, 1, 1]);
                let given = TensorData::new(filled.values, [count, k, seq, dim]);
                let answers = Tensor::<4>::from_data(given, &device) + student * stood;
                network.joining.forward(vec![(answers, weights)], &slots)
            }),
        };
        let joined = mix.map_or(encoded.own.clone(), |mix| encoded.own + mix);
        let logits = network.decode(joined);
        let targets = Self::targets(batch, &device);
        let right = logits.clone().argmax(1).equal(targets.clone()).float().mean();
        let mut readings = Readings::new();
        readings.add(false, nats(logits, targets).mean());
        readings.add(true, right);
        Ok(Measuring(readings))
    }
}

impl Measuring {
    /// Waits for the device.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub async fn read(self) -> Result<Measured, Error> {
        let read = self.0.read().await?;
        let value = |of| read.get(&of).and_then(|values| values.first()).map_or(f64::NAN, |value| f64::from(*value));
        Ok(Measured { loss: value(false), accuracy: value(true) })
    }
}
