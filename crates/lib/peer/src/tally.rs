//! What each neighbour was worth lately: Fisher score with its standard error, loss change when it was left out, share of the
//! gate (mechanism.md, "Value of a neighbour"), by hot key.
//!
//! A neighbour that was not routed to in a step cost nothing to lose there: its score of that step is 0, also where it has
//! no slot any more. The Fisher score is
//! a mean of squares and does not see whether a neighbour helps or harms (measured: one that answers noise has 1.2 times the
//! score of an honest one, and the loss falls by .017 nats without it). So the looks at the loss without it decide: who
//! was found to harm is worth nothing, whatever its Fisher score. A hostile peer
//! could come under many keys to push others out of the list: the list is bounded, and those worth least make room.

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
    masked: Smoothed,
    renormalised: Smoothed,
    mass: Smoothed,
    /// Step in which it was last left out.
    looked: u64,
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

    /// What a step found about `key`; `removal` where it was left out in it.
    pub(crate) fn take(&mut self, key: &str, fisher: f64, mass: f64, removal: Option<Removal>, step: u64) {
        if self.worth.len() >= Self::MOST && !self.worth.contains_key(key) {
            let least = self.worth.iter().min_by(|a, b| a.1.fisher.mean.total_cmp(&b.1.fisher.mean));
            if let Some(least) = least.map(|(key, _)| key.clone()) {
                self.worth.remove(&least);
            }
        }
        let worth = self.worth.entry(key.to_owned()).or_default();
        worth.fisher.take(fisher);
        worth.mass.take(mass);
        if let Some(removal) = removal {
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
        let of = |key: &str, worth: &Worth| Scored {
            key: key.to_owned(),
            score: if worth.harms() { 0.0 } else { worth.fisher.mean },
            fisher: worth.fisher.mean,
            error: worth.fisher.error(),
            exact: (worth.masked.count > 0)
                .then_some(Removal { masked: worth.masked.mean, renormalised: worth.renormalised.mean }),
            mass: worth.mass.mean,
        };
        let first = of(own, &Worth { fisher: self.own, ..Worth::default() });
        std::iter::once(first).chain(self.worth.iter().map(|(key, worth)| of(key, worth))).collect()
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
    /// Whether the loss was lower without it, by more than the standard error of that, in two looks at least.
    fn harms(&self) -> bool {
        self.masked.count > 1 && self.masked.mean + self.masked.error() < 0.0
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
        let Worth { fisher, masked, renormalised, mass, looked } = &self.worth;
        [fisher, masked, renormalised, mass].into_iter().for_each(|smoothed| smoothed.write(buf));
        looked.write(buf);
    }
}

impl EncodeSize for Kept {
    fn encode_size(&self) -> usize {
        self.key.as_bytes().encode_size() + 4 * Smoothed::SIZE + u64::SIZE
    }
}

impl Read for Kept {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let key = kept::text(buf)?;
        let [fisher, masked, renormalised, mass] = <[Smoothed; 4]>::read(buf)?;
        Ok(Self { key, worth: Worth { fisher, masked, renormalised, mass, looked: u64::read(buf)? } })
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

    #[test]
    fn the_list_has_the_own_score_first_and_stays_bounded() {
        let mut tally = Tally::default();
        tally.own(2.0);
        let removal = Removal { masked: 0.25, renormalised: 0.125 };
        tally.take("best", 9.0, 0.5, Some(removal), 7);
        for i in 0..1_000 {
            tally.take(&i.to_string(), 0.1, 0.0, None, 8);
        }
        let list = tally.list("own");
        assert_eq!((list.len(), list[0].key.as_str(), list[0].score), (1 + Tally::MOST, "own", 2.0));
        let best = list.iter().find(|scored| scored.key == "best").unwrap();
        assert_eq!((best.score, best.exact, best.mass), (9.0, Some(removal), 0.5));
        assert_eq!((tally.looked("best"), tally.looked("nobody")), (8, 0));
    }

    #[test]
    fn the_worth_of_who_lost_its_slot_fades() {
        let mut tally = Tally::default();
        for step in 0..100 {
            ["seated", "gone"].into_iter().for_each(|key| tally.take(key, 9.0, 0.5, None, step));
        }
        (0..200).for_each(|_| tally.fade(|key| key == "seated"));
        let of = |key: &str| tally.list("own").into_iter().find(|scored| scored.key == key).unwrap();
        assert!(of("gone").score < 0.02 && of("gone").mass < 0.001, "{:?}", of("gone"));
        assert_eq!((of("seated").score, of("seated").mass), (9.0, 0.5));
    }

    #[test]
    fn who_harms_is_worth_nothing_whatever_its_fisher_score() {
        let mut tally = Tally::default();
        let mut look = |key: &str, masked: f64| {
            tally.take(key, 9.0, 0.5, Some(Removal { masked, renormalised: 0.0 }), 1);
            let scored = tally.list("own").into_iter().find(|scored| scored.key == key).unwrap();
            assert_eq!(scored.fisher, 9.0);
            scored.score
        };
        assert_eq!(look("noise", -0.02), 9.0, "one look is none");
        assert_eq!(look("noise", -0.01), 0.0);
        assert_eq!(look("noise", 0.06), 9.0, "not sure any more");
        assert_eq!((look("help", 0.01), look("help", 0.01)), (9.0, 9.0));
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut tally = Tally::default();
        tally.own(2.0);
        (0..40).for_each(|i| {
            tally.take("a", f64::from(i), 0.5, (i % 3 == 0).then_some(Removal { masked: 0.1, renormalised: 0.2 }), 4);
        });
        let bytes: Vec<Vec<u8>> = tally.keep().iter().map(wire::encode).collect();
        let mut back = Tally::default();
        back.restore(bytes.iter().map(|bytes| wire::decode(bytes, 1_000).unwrap()).collect());
        assert_eq!(back.list("own"), tally.list("own"));
    }
}
