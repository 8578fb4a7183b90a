//! Moments in milliseconds since the Unix epoch, and as TOML writes them: `2026-01-31T12:00:00.250Z` (RFC 3339).
//!
//! Days are counted in the proleptic Gregorian calendar; leap seconds do not exist in either form.

use toml::value::{Date, Datetime, Offset, Time};

/// Why a TOML date is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Date, time of day or time zone is missing.
    #[error("a date, a time of day and a time zone are wanted, such as 2026-01-31T12:00:00Z")]
    Incomplete,
    /// Finer than milliseconds.
    #[error("at most three digits of a second are kept")]
    TooFine,
    /// Not in 1970 or later, or a leap second.
    #[error("a moment from 1970 on, and no leap second, is wanted")]
    OutOfRange,
}

/// The moment of a TOML date, ms since the Unix epoch.
///
/// # Errors
/// [`TimeError`]
pub fn parse(datetime: &Datetime) -> Result<u64, TimeError> {
    let Datetime { date: Some(date), time: Some(time), offset: Some(offset) } = datetime else {
        return Err(TimeError::Incomplete);
    };
    let nanoseconds = time.nanosecond.unwrap_or(0);
    if nanoseconds % 1_000_000 != 0 {
        return Err(TimeError::TooFine);
    }
    let east = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(*minutes),
    };
    let second = i64::from(time.second.unwrap_or(0));
    if second > 59 {
        return Err(TimeError::OutOfRange);
    }
    let minutes = (day_of(date) * 24 + i64::from(time.hour)) * 60 + i64::from(time.minute) - east;
    let milliseconds = (minutes * 60 + second) * 1_000 + i64::from(nanoseconds / 1_000_000);
    u64::try_from(milliseconds).map_err(|_| TimeError::OutOfRange)
}

/// A moment as TOML: RFC 3339 up to the year 9999, beyond it the number itself.
pub fn text(milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    let Some(date) = date_of(seconds / DAY) else { return milliseconds.to_string() };
    let seconds = seconds % DAY;
    #[expect(clippy::cast_possible_truncation, reason = "below 60 and below 1,000,000,000")]
    let (hour, minute, second, nanosecond) =
        ((seconds / 3_600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8, rest as u32 * 1_000_000);
    let nanosecond = (nanosecond > 0).then_some(nanosecond);
    let time = Time { hour, minute, second: Some(second), nanosecond };
    Datetime { date: Some(date), time: Some(time), offset: Some(Offset::Z) }.to_string()
}

/// Days from 1970-01-01 to a date. The year begins in March here, so that the leap day ends it.
fn day_of(date: &Date) -> i64 {
    let (month, early) = (i64::from(date.month), i64::from(date.month <= 2));
    let year = i64::from(date.year) - early;
    let month = month + 12 * early - 3;
    let in_year = (153 * month + 2) / 5 + i64::from(date.day) - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year - EPOCH
}

/// The date so many days after 1970-01-01; `None` beyond the year 9999.
fn date_of(days: u64) -> Option<Date> {
    let last = i64::try_from(days).ok().filter(|day| *day <= day_of(&Date { year: 9_999, month: 12, day: 31 }))?;
    // The year is guessed from its mean length and off by one at most.
    let guess = 1_970 + last * 400 / CYCLE;
    let first_of = |year: i64, month: u8| Some(Date { year: u16::try_from(year).ok()?, month, day: 1 });
    let begins = |year: i64| first_of(year, 1).is_some_and(|date| day_of(&date) <= last);
    let year = if begins(guess + 1) {
        guess + 1
    } else if begins(guess) {
        guess
    } else {
        guess - 1
    };
    let months = (1..=12).filter_map(|month| first_of(year, month));
    let first = months.take_while(|first| day_of(first) <= last).last()?;
    Some(Date { day: u8::try_from(last - day_of(&first) + 1).ok()?, ..first })
}

/// Seconds of a day.
const DAY: u64 = 24 * 3_600;

/// Days of four hundred years.
const CYCLE: i64 = 146_097;

/// Days from the first of March of the year 0 to 1970-01-01.
const EPOCH: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<u64, TimeError> {
        parse(&text.parse().unwrap())
    }

    #[test]
    fn moments_that_others_know() {
        for (milliseconds, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20Z"),
            (1_700_000_000_250, "2023-11-14T22:13:20.25Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(text(milliseconds), written);
            assert_eq!(read(written), Ok(milliseconds));
        }
        assert_eq!(text(253_402_300_800_000), "253402300800000");
        assert_eq!(read("1970-01-01T01:30:00+01:30"), Ok(0));
        assert_eq!(read("1969-12-31T22:00:00.001-02:00"), Ok(1));
    }

    #[test]
    fn each_wrong_date_is_named() {
        for incomplete in ["2026-01-01", "2026-01-01T00:00:00", "12:00:00"] {
            assert_eq!(read(incomplete), Err(TimeError::Incomplete), "{incomplete}");
        }
        assert_eq!(read("2026-01-01T00:00:00.0001Z"), Err(TimeError::TooFine));
        assert_eq!(read("1969-12-31T23:59:59Z"), Err(TimeError::OutOfRange));
        assert_eq!(read("2016-12-31T23:59:60Z"), Err(TimeError::OutOfRange));
    }

    proptest! {
        #[test]
        fn each_moment_is_read_as_it_is_written(milliseconds in 0u64..253_402_300_800_000) {
            prop_assert_eq!(read(&text(milliseconds)), Ok(milliseconds));
        }
    }
}
