//! What each neighbour was worth lately: Fisher score with its standard error, loss change when it was left out, share of the
//! gate (mechanism.md, "Value of a neighbour"), by hot key.
//!
//! A neighbour that was not routed to in a step cost nothing to lose there: its score of that step is 0, also where it has
//! no slot any more. The Fisher score is
//! a mean of squares and does not see whether a neighbour helps or harms (measured: one that answers noise has 1.5 times the
//! score of an honest one, a poisoner 10 times). So its sign comes from what is there in every step, too: a_j = E_x[h_j · f_j], which the
//! loss falls by without its answers, to first order, and the price of a share of the gate, a_j over gate mass. A
//! neighbour for which that price is above twice the median of all, weighted by gate mass, by two standard errors, harms and is worth
//! nothing, unless looks at the loss without it found that it rises; so is one without which the loss was found to fall, by
//! two standard errors of four looks. Half of the gate's mass is needed to move the median.
//!
//! A hostile peer could come under many keys to push others out of the list: the list is bounded, and those worth least make room.

use std::collections::BTreeMap;

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt, Write};

use model::Removal;

use crate::event::Scored;
use crate::kept;

/// The newest figures of all neighbours, and of the own encoding.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    own: Smoothed,
    worth: BTreeMap<String, Worth>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Worth {
    fisher: Smoothed,
    /// Of the steps in which it answered.
    along: Smoothed,
    masked: Smoothed,
    renormalised: Smoothed,
    mass: Smoothed,
    /// Step in which it was last left out.
    looked: u64,
}

/// What a step found about one neighbour; all is 0 where it was not routed to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) fisher: f64,
    /// E_x[h_j · f_j], where it answered.
    pub(crate) along: Option<f64>,
    pub(crate) mass: f64,
    /// Where it was left out.
    pub(crate) removal: Option<Removal>,
}

/// What is kept of one neighbour, or of the own encoding where the key is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Kept {
    key: String,
    worth: Worth,
}

/// A moving mean and variance: of all values while they are few, of the newest ones then.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Smoothed {
    count: u64,
    mean: f64,
    variance: f64,
}

impl Tally {
    /// Most neighbours remembered.
    const MOST: usize = 256;

    /// The own encoding's Fisher score of a step.
    pub(crate) fn own(&mut self, fisher: f64) {
        self.own.take(fisher);
    }

    /// What a step found about `key`.
    pub(crate) fn take(&mut self, key: &str, found: Found, step: u64) {
        if self.worth.len() >= Self::MOST && !self.worth.contains_key(key) {
            let least = self.worth.iter().min_by(|a, b| a.1.fisher.mean.total_cmp(&b.1.fisher.mean));
            if let Some(least) = least.map(|(key, _)| key.clone()) {
                self.worth.remove(&least);
            }
        }
        let worth = self.worth.entry(key.to_owned()).or_default();
        worth.fisher.take(found.fisher);
        worth.mass.take(found.mass);
        if let Some(along) = found.along {
            worth.along.take(along);
        }
        if let Some(removal) = found.removal {
            worth.masked.take(removal.masked);
            worth.renormalised.take(removal.renormalised);
            worth.looked = step + 1;
        }
    }

    /// A step in which those without a slot (`seated` says who has one) were worth nothing.
    pub(crate) fn fade(&mut self, seated: impl Fn(&str) -> bool) {
        for (_, worth) in self.worth.iter_mut().filter(|(key, _)| !seated(key)) {
            worth.fisher.take(0.0);
            worth.mass.take(0.0);
        }
    }

    /// Step after which `key` was last left out; 0 for never.
    pub(crate) fn looked(&self, key: &str) -> u64 {
        self.worth.get(key).map_or(0, |worth| worth.looked)
    }

    /// All of them, the own encoding as `own`.
    pub(crate) fn list(&self, own: &str) -> Vec<Scored> {
        let most = 2.0 * self.price().max(0.0);
        let of = |key: &str, worth: &Worth| Scored {
            key: key.to_owned(),
            score: if worth.harms(most) { 0.0 } else { worth.fisher.mean },
            fisher: worth.fisher.mean,
            error: worth.fisher.error(),
            exact: (worth.masked.count > 0)
                .then_some(Removal { masked: worth.masked.mean, renormalised: worth.renormalised.mean }),
            mass: worth.mass.mean,
        };
        let first = of(own, &Worth { fisher: self.own, ..Worth::default() });
        std::iter::once(first).chain(self.worth.iter().map(|(key, worth)| of(key, worth))).collect()
    }

    /// What the loss falls by for a share of the gate's mass less, nats: the median of all neighbours, weighted by mass.
    fn price(&self) -> f64 {
        let mut prices: Vec<(f64, f64)> =
            self.worth.values().filter_map(|worth| Some((worth.price()?.0, worth.mass.mean))).collect();
        prices.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = prices.iter().map(|(_, mass)| mass).sum::<f64>() / 2.0;
        let mut below = 0.0;
        let median = prices.iter().find(|(_, mass)| {
            below += mass;
            below >= half
        });
        median.map_or(0.0, |(price, _)| *price)
    }

    pub(crate) fn keep(&self) -> Vec<Kept> {
        let own = Kept { key: String::new(), worth: Worth { fisher: self.own, ..Worth::default() } };
        let others = self.worth.iter().map(|(key, worth)| Kept { key: key.clone(), worth: *worth });
        std::iter::once(own).chain(others).collect()
    }

    pub(crate) fn restore(&mut self, kept: Vec<Kept>) {
        for Kept { key, worth } in kept {
            if key.is_empty() {
                self.own = worth.fisher;
            } else if self.worth.len() < Self::MOST {
                self.worth.insert(key, worth);
            }
        }
    }
}

impl Worth {
    /// Answers before which nothing is said of its sign.
    const FEW: u64 = 8;

    /// What the loss falls by for a share of its mass less, nats, with its standard error; `None` before that is known.
    fn price(&self) -> Option<(f64, f64)> {
        (self.along.count >= Self::FEW && self.mass.mean > 0.0)
            .then(|| (self.along.mean / self.mass.mean, self.along.error() / self.mass.mean))
    }

    /// Whether its price is above `most` and no look at the loss without it says otherwise, or the looks alone say it.
    fn harms(&self, most: f64) -> bool {
        let Self { masked, .. } = self;
        let helps = masked.count > 1 && masked.mean - masked.error() > 0.0;
        let seen = masked.count > 3 && masked.mean + 2.0 * masked.error() < 0.0;
        seen || !helps && self.price().is_some_and(|(price, error)| price - 2.0 * error > most)
    }
}

impl Smoothed {
    /// Values that a moving mean is over.
    const LATELY: u64 = 32;

    /// What is no number counts as 0.
    fn take(&mut self, value: f64) {
        let value = if value.is_finite() { value } else { 0.0 };
        self.count = self.count.saturating_add(1);
        let rate = 1.0 / self.count.min(Self::LATELY) as f64;
        let error = value - self.mean;
        self.mean += rate * error;
        self.variance = (1.0 - rate) * (self.variance + rate * error * error);
    }

    /// Standard error of the mean. A moving mean of rate 1/n has the variance of one over 2n − 1 values.
    fn error(&self) -> f64 {
        let values = if self.count < Self::LATELY { self.count.max(1) } else { 2 * Self::LATELY - 1 };
        (self.variance / values as f64).sqrt()
    }
}

impl Write for Smoothed {
    fn write(&self, buf: &mut impl BufMut) {
        (self.count, self.mean, self.variance).write(buf);
    }
}

impl FixedSize for Smoothed {
    const SIZE: usize = 24;
}

impl Read for Smoothed {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self { count: u64::read(buf)?, mean: f64::read(buf)?, variance: f64::read(buf)? })
    }
}

impl Write for Kept {
    fn write(&self, buf: &mut impl BufMut) {
        self.key.as_bytes().write(buf);
        let Worth { fisher, along, masked, renormalised, mass, looked } = &self.worth;
        [fisher, along, masked, renormalised, mass].into_iter().for_each(|smoothed| smoothed.write(buf));
        looked.write(buf);
    }
}

impl EncodeSize for Kept {
    fn encode_size(&self) -> usize {
        self.key.as_bytes().encode_size() + 5 * Smoothed::SIZE + u64::SIZE
    }
}

impl Read for Kept {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let key = kept::text(buf)?;
        let [fisher, along, masked, renormalised, mass] = <[Smoothed; 5]>::read(buf)?;
        Ok(Self { key, worth: Worth { fisher, along, masked, renormalised, mass, looked: u64::read(buf)? } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::wire;

    #[test]
    fn mean_and_error_are_those_of_few_values_and_follow_many() {
        let mut few = Smoothed::default();
        [1.0, 2.0, 3.0, 6.0].into_iter().for_each(|value| few.take(value));
        assert!((few.mean - 3.0).abs() < 1e-12 && (few.variance - 3.5).abs() < 1e-12, "{few:?}");
        assert!((few.error() - (3.5f64 / 4.0).sqrt()).abs() < 1e-12);
        let mut many = Smoothed::default();
        (0..500).for_each(|i| many.take(if i < 200 { 9.0 } else { f64::from(i % 2) }));
        assert!((many.mean - 0.5).abs() < 0.05 && (many.variance - 0.25).abs() < 0.02, "{many:?}");
        many.take(f64::NAN);
        assert!(many.mean.is_finite());
    }

    fn helps(fisher: f64, mass: f64) -> Found {
        Found { fisher, along: Some(-0.01), mass, removal: None }
    }

    fn scored(tally: &Tally, key: &str) -> Scored {
        tally.list("own").into_iter().find(|scored| scored.key == key).unwrap()
    }

    #[test]
    fn the_list_has_the_own_score_first_and_stays_bounded() {
        let mut tally = Tally::default();
        tally.own(2.0);
        let removal = Some(Removal { masked: 0.25, renormalised: 0.125 });
        tally.take("best", Found { removal, ..helps(9.0, 0.5) }, 7);
        for i in 0..1_000 {
            tally.take(&i.to_string(), helps(0.1, 0.0), 8);
        }
        let list = tally.list("own");
        assert_eq!((list.len(), list[0].key.as_str(), list[0].score), (1 + Tally::MOST, "own", 2.0));
        let best = scored(&tally, "best");
        assert_eq!((best.score, best.exact, best.mass), (9.0, removal, 0.5));
        assert_eq!((tally.looked("best"), tally.looked("nobody")), (8, 0));
    }

    #[test]
    fn the_worth_of_who_lost_its_slot_fades() {
        let mut tally = Tally::default();
        for step in 0..100 {
            ["seated", "gone"].into_iter().for_each(|key| tally.take(key, helps(9.0, 0.5), step));
        }
        (0..200).for_each(|_| tally.fade(|key| key == "seated"));
        let gone = scored(&tally, "gone");
        assert!(gone.score < 0.02 && gone.mass < 0.001, "{gone:?}");
        let seated = scored(&tally, "seated");
        assert_eq!((seated.score, seated.mass), (9.0, 0.5));
    }

    /// Four neighbours, of which the last has little of the gate and costs the loss: by how much its figures vary from step to step,
    /// and what looks at the loss without it found.
    fn last(along: f64, varies: f64, removal: Option<f64>) -> Scored {
        let mut tally = Tally::default();
        for step in 0..40 {
            for (key, along) in [("a", 0.004), ("b", 0.005), ("c", -0.002)] {
                tally.take(key, Found { along: Some(along), ..helps(1.0, 0.3) }, step);
            }
            let along = Some(along + if step % 2 == 0 { varies } else { -varies });
            let removal =
                removal.map(|masked| Removal { masked: masked + 1e-3 * (step % 2) as f64, renormalised: 0.0 });
            tally.take("last", Found { fisher: 9.0, along, mass: 0.1, removal }, step);
        }
        assert!(["a", "b", "c"].iter().all(|key| scored(&tally, key).score == 1.0));
        scored(&tally, "last")
    }

    #[test]
    fn who_harms_is_worth_nothing_whatever_its_fisher_score() {
        let noise = last(0.01, 0.002, None);
        assert_eq!((noise.score, noise.fisher), (0.0, 9.0), "0.1 nats a share, where the median is 0.013");
        assert_eq!(last(0.001, 0.002, None).score, 9.0, "no worse than others");
        assert_eq!(last(0.01, 0.1, None).score, 9.0, "who can tell");
        assert_eq!(last(0.01, 0.002, Some(-0.01)).score, 0.0);
        assert_eq!(last(0.01, 0.002, Some(0.01)).score, 9.0, "the loss rises without it");
    }

    #[test]
    fn one_price_is_no_news_and_few_answers_say_nothing() {
        let mut tally = Tally::default();
        for step in 0..Worth::FEW {
            assert_eq!(tally.price(), 0.0);
            tally.take("harm", Found { along: Some(0.1), ..helps(9.0, 0.5) }, step);
            assert_eq!(scored(&tally, "harm").score, 9.0);
        }
        assert_eq!(tally.price(), 0.2, "it is the median itself");
        for step in 0..4 {
            assert_eq!(scored(&tally, "harm").score, 9.0);
            let removal = Some(Removal { masked: -0.01, renormalised: 0.0 });
            tally.take("harm", Found { removal, ..helps(9.0, 0.5) }, step);
        }
        assert_eq!(scored(&tally, "harm").score, 0.0, "the loss was seen to fall without it");
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut tally = Tally::default();
        tally.own(2.0);
        (0..40).for_each(|i| {
            let removal = (i % 3 == 0).then_some(Removal { masked: 0.1, renormalised: 0.2 });
            tally.take("a", Found { removal, ..helps(f64::from(i), 0.5) }, 4);
        });
        let bytes: Vec<Vec<u8>> = tally.keep().iter().map(wire::encode).collect();
        let mut back = Tally::default();
        back.restore(bytes.iter().map(|bytes| wire::decode(bytes, 1_000).unwrap()).collect());
        assert_eq!(back.list("own"), tally.list("own"));
    }
}
