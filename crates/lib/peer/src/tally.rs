//! What each neighbour was worth lately: Fisher score with its standard error, loss change when it was left out, share of the
//! gate (mechanism.md, "Value of a neighbour"), by hot key.
//!
//! A neighbour that was not routed to in a step cost nothing to lose there: its figures of that step are 0, also where it has
//! no slot any more.
//!
//! The Fisher score is a mean of squares: it does not see whether a neighbour helps or harms, and of who is always right it sees
//! nothing, since nothing is left of the loss. So it says how much all those that help are worth beside the own encoding, and
//! their gain ([`model::Outcome::gain`]) how that is shared among them; who gains no more than its standard error is worth nothing (docs/adr/0024-scores.md).
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
pub struct Tally {
    own: Smoothed,
    worth: BTreeMap<String, Worth>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Worth {
    fisher: Smoothed,
    gain: Smoothed,
    masked: Smoothed,
    renormalised: Smoothed,
    mass: Smoothed,
    /// Step in which it was last left out.
    looked: u64,
}

/// What a step found about one neighbour; all is 0 where it was not routed to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Found {
    /// Its Fisher score.
    pub fisher: f64,
    /// Its part in what the loss fell by, nats.
    pub gain: f64,
    /// Its share of the gate's weight.
    pub mass: f64,
    /// Where it was left out.
    pub removal: Option<Removal>,
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
    pub fn own(&mut self, fisher: f64) {
        self.own.take(fisher);
    }

    /// What a step found about `key`.
    pub fn take(&mut self, key: &str, found: Found, step: u64) {
        if self.worth.len() >= Self::MOST && !self.worth.contains_key(key) {
            let least = self.worth.iter().min_by(|a, b| a.1.gain.mean.total_cmp(&b.1.gain.mean));
            if let Some(least) = least.map(|(key, _)| key.clone()) {
                self.worth.remove(&least);
            }
        }
        let worth = self.worth.entry(key.to_owned()).or_default();
        worth.fisher.take(found.fisher);
        worth.mass.take(found.mass);
        worth.gain.take(found.gain);
        if let Some(removal) = found.removal {
            worth.masked.take(removal.masked);
            worth.renormalised.take(removal.renormalised);
            worth.looked = step + 1;
        }
    }

    /// A step in which those without a slot (`seated` says who has one) were worth nothing.
    pub fn fade(&mut self, seated: impl Fn(&str) -> bool) {
        for (_, worth) in self.worth.iter_mut().filter(|(key, _)| !seated(key)) {
            worth.fisher.take(0.0);
            worth.gain.take(0.0);
            worth.mass.take(0.0);
        }
    }

    /// Step after which `key` was last left out; 0 for never.
    pub fn looked(&self, key: &str) -> u64 {
        self.worth.get(key).map_or(0, |worth| worth.looked)
    }

    /// All of them, the own encoding as `own`.
    pub fn list(&self, own: &str) -> Vec<Scored> {
        let helping = || self.worth.values().filter(|worth| worth.helps());
        let (fisher, gain) = helping().fold((0.0, 0.0), |(f, g), worth| (f + worth.fisher.mean, g + worth.gain.mean));
        let share = if gain > 0.0 { fisher / gain } else { 0.0 };
        let of = |key: &str, worth: &Worth| Scored {
            key: key.to_owned(),
            score: if worth.helps() { share * worth.gain.mean } else { 0.0 },
            // Of who is worth nothing, what it may be worth all the same.
            error: share
                * if worth.helps() { worth.gain.error() } else { (worth.gain.mean + worth.gain.error()).max(0.0) },
            fisher: worth.fisher.mean,
            gain: worth.gain.mean,
            exact: (worth.masked.count > 0)
                .then_some(Removal { masked: worth.masked.mean, renormalised: worth.renormalised.mean }),
            mass: worth.mass.mean,
        };
        let own = Scored {
            score: self.own.mean,
            error: self.own.error(),
            ..of(own, &Worth { fisher: self.own, ..Worth::default() })
        };
        std::iter::once(own).chain(self.worth.iter().map(|(key, worth)| of(key, worth))).collect()
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
    /// Whether the loss falls by it, by more than the standard error of that.
    fn helps(&self) -> bool {
        self.gain.mean > self.gain.error()
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
        let Worth { fisher, gain, masked, renormalised, mass, looked } = &self.worth;
        [fisher, gain, masked, renormalised, mass].into_iter().for_each(|smoothed| smoothed.write(buf));
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
        let [fisher, gain, masked, renormalised, mass] = <[Smoothed; 5]>::read(buf)?;
        Ok(Self { key, worth: Worth { fisher, gain, masked, renormalised, mass, looked: u64::read(buf)? } })
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

    fn found(fisher: f64, gain: f64, mass: f64) -> Found {
        Found { fisher, gain, mass, removal: None }
    }

    fn scored(tally: &Tally, key: &str) -> Scored {
        tally.list("own").into_iter().find(|scored| scored.key == key).unwrap()
    }

    #[test]
    fn the_list_has_the_own_score_first_and_stays_bounded() {
        let mut tally = Tally::default();
        tally.own(2.0);
        let removal = Some(Removal { masked: 0.25, renormalised: 0.125 });
        tally.take("best", Found { removal, ..found(9.0, 0.01, 0.5) }, 7);
        for i in 0..1_000 {
            tally.take(&i.to_string(), found(0.1, 0.0, 0.0), 8);
        }
        let list = tally.list("own");
        assert_eq!((list.len(), list[0].key.as_str(), list[0].score), (1 + Tally::MOST, "own", 2.0));
        let best = scored(&tally, "best");
        assert!((best.score - 9.0).abs() < 1e-12, "{best:?}");
        assert_eq!((best.exact, best.mass, best.gain), (removal, 0.5, 0.01));
        assert_eq!((tally.looked("best"), tally.looked("nobody")), (8, 0));
    }

    #[test]
    fn the_worth_of_who_lost_its_slot_fades() {
        let mut tally = Tally::default();
        for step in 0..100 {
            ["seated", "gone"].into_iter().for_each(|key| tally.take(key, found(9.0, 0.02, 0.5), step));
        }
        (0..200).for_each(|_| tally.fade(|key| key == "seated"));
        let gone = scored(&tally, "gone");
        assert!(gone.fisher < 0.02 && gone.score < 0.03 && gone.mass < 0.001, "{gone:?}");
        let seated = scored(&tally, "seated");
        assert!((seated.score - 9.0).abs() < 0.05 && seated.mass == 0.5, "{seated:?}");
    }

    /// What the helping are worth together is their Fisher scores; how it is shared, what the loss falls by through each.
    #[test]
    fn the_score_is_shared_by_gain_and_who_harms_gets_nothing() {
        let mut tally = Tally::default();
        for step in 0..40 {
            let sway = if step % 2 == 0 { 0.004 } else { -0.004 };
            tally.take("sure", found(0.5, 0.03 + sway, 0.5), step);
            tally.take("fair", found(2.5, 0.01, 0.3), step);
            tally.take("noise", found(9.0, -0.02, 0.2), step);
        }
        let score = |key: &str| scored(&tally, key).score;
        assert!((score("sure") - 2.25).abs() < 0.02 && (score("fair") - 0.75).abs() < 0.01, "{:?}", tally.list("own"));
        assert_eq!((score("noise"), scored(&tally, "noise").fisher), (0.0, 9.0));
        let error = scored(&tally, "sure").error;
        assert!((error - 75.0 * 0.004 / 63f64.sqrt()).abs() < 1e-3, "{error}");
        assert!(scored(&tally, "fair").error < 1e-9);
    }

    /// A poisoner has the largest Fisher scores: they keep it no place, neither in the list nor among those to be tried.
    #[test]
    fn what_sways_about_nothing_is_worth_nothing_and_makes_room_first() {
        let mut tally = Tally::default();
        for step in 0..41 {
            let sway = if step % 2 == 0 { 0.05 } else { -0.05 };
            tally.take("noise", found(9.0, sway, 0.5), step);
        }
        let noise = scored(&tally, "noise");
        assert!(noise.gain > 0.0 && noise.score + noise.error == 0.0, "{noise:?}");
        tally.take("help", found(0.1, 0.01, 0.5), 50);
        assert!((scored(&tally, "help").score - 0.1).abs() < 1e-12);
        tally.take("poison", found(90.0, -0.5, 0.5), 50);
        (0..1_000).for_each(|i| tally.take(&i.to_string(), found(0.1, 0.0, 0.0), 51));
        let keys: Vec<String> = tally.list("own").into_iter().map(|scored| scored.key).collect();
        assert!(keys.iter().any(|key| key == "help") && !keys.iter().any(|key| key == "poison"));
    }

    #[test]
    fn nobody_is_worth_anything_where_nobody_gains() {
        let mut tally = Tally::default();
        tally.own(1.0);
        (0..9).for_each(|step| tally.take("noise", found(9.0, -0.02, 0.2), step));
        assert_eq!((scored(&tally, "noise").score, scored(&tally, "own").score), (0.0, 1.0));
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut tally = Tally::default();
        tally.own(2.0);
        (0..40).for_each(|i| {
            let removal = (i % 3 == 0).then_some(Removal { masked: 0.1, renormalised: 0.2 });
            tally.take("a", Found { removal, ..found(f64::from(i), 0.01, 0.5) }, 4);
        });
        let bytes: Vec<Vec<u8>> = tally.keep().iter().map(wire::encode).collect();
        let mut back = Tally::default();
        back.restore(bytes.iter().map(|bytes| wire::decode(bytes, 1_000).unwrap()).collect());
        assert_eq!(back.list("own"), tally.list("own"));
    }
}
