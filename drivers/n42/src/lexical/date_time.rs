//! Points in time as instruments state them.

use jiff::{Timestamp, civil, tz::Offset};

use super::Lexical;
use crate::error::Fault;

/// A date and time with its offset from UTC, as stated; `xs:dateTime` in documents.
///
/// The clock is the instrument's. Without an offset nobody can say when it was: such a time is read, reported by
/// [`check`](crate::check()), has no [`timestamp`](Self::timestamp) and is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    local: civil::DateTime,
    offset_minutes: Option<i16>,
}

/// An offset reaches 14 hours either way.
const MAX_OFFSET_MINUTES: i16 = 14 * 60;

const EXPECTED: &str = "a time such as 2026-01-15T08:30:05+08:00, with at most nine decimals";

impl DateTime {
    /// The time of a clock that shows `local` at an offset from UTC of `-840 ..= 840` minutes; `None` beyond that.
    pub fn new(local: civil::DateTime, offset_minutes: i16) -> Option<Self> {
        let fits = (-MAX_OFFSET_MINUTES..=MAX_OFFSET_MINUTES).contains(&offset_minutes) && local.year() >= 1;
        let time = Self { local, offset_minutes: Some(offset_minutes) };
        (fits && time.timestamp().is_some()).then_some(time)
    }

    /// A time in UTC; `None` outside the years 1 to 9999.
    pub fn utc(at: Timestamp) -> Option<Self> {
        Self::new(Offset::UTC.to_datetime(at), 0)
    }

    /// Milliseconds since 1970 in UTC, as records count them; `None` outside the years 1 to 9999.
    pub fn from_unix_ms(milliseconds: i64) -> Option<Self> {
        Timestamp::from_millisecond(milliseconds).ok().and_then(Self::utc)
    }

    /// What the instrument's clock showed.
    pub const fn local(self) -> civil::DateTime {
        self.local
    }

    /// Its offset from UTC in minutes, where it stated one.
    pub const fn offset_minutes(self) -> Option<i16> {
        self.offset_minutes
    }

    /// The point in time; `None` without an offset.
    pub fn timestamp(self) -> Option<Timestamp> {
        let offset = Offset::from_seconds(i32::from(self.offset_minutes?) * 60).ok()?;
        offset.to_timestamp(self.local).ok()
    }

    /// Milliseconds since 1970 in UTC; `None` without an offset.
    pub fn unix_ms(self) -> Option<i64> {
        self.timestamp().map(Timestamp::as_millisecond)
    }
}

impl Lexical for DateTime {
    fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        parse(text).ok_or_else(|| Fault::value(text, EXPECTED))
    }

    fn print(&self) -> String {
        // The form is ISO 8601 with as many decimals as the fraction has.
        let local = self.local.to_string();
        match self.offset_minutes {
            None => local,
            Some(0) => local + "Z",
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let magnitude = offset.unsigned_abs();
                format!("{local}{sign}{:02}:{:02}", magnitude / 60, magnitude % 60)
            }
        }
    }
}

fn parse(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-');
    let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    let at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(at)?;
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, nanoseconds(fraction)?),
        None => (clock, 0),
    };
    let mut parts = clock.split(':');
    let (hour, minute, second) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() || date.next().is_some() || year == 0 {
        return None;
    }
    let offset_minutes = match zone {
        "" => None,
        "Z" => Some(0),
        _ => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
            let magnitude = hours * 60 + minutes;
            if minutes > 59 || magnitude > MAX_OFFSET_MINUTES {
                return None;
            }
            Some(if zone.starts_with('-') { -magnitude } else { magnitude })
        }
    };
    // The schema writes midnight at the end of a day as 24:00:00.
    let (hour, next_day) =
        if hour == 24 && minute == 0 && second == 0 && fraction == 0 { (0, true) } else { (hour, false) };
    let small = |value: i16| i8::try_from(value).ok();
    let date = civil::Date::new(year, small(month)?, small(day)?).ok()?;
    let date = if next_day { date.tomorrow().ok()? } else { date };
    let local = date.to_datetime(civil::Time::new(small(hour)?, small(minute)?, small(second)?, fraction).ok()?);
    match offset_minutes {
        Some(offset) => DateTime::new(local, offset),
        None => Some(DateTime { local, offset_minutes: None }),
    }
}

/// Exactly `length` digits.
fn digits(text: &str, length: usize) -> Option<i16> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    let trimmed = fraction.trim_end_matches('0');
    let plain = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()) && trimmed.len() <= 9;
    if !plain {
        return None;
    }
    format!("{trimmed:0<9}").parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_instruments_write() {
        for (text, utc) in [
            ("2003-11-22T23:45:19-07:00", "2003-11-23T06:45:19Z"),
            ("2026-01-15T08:30:10.000+08:00", "2026-01-15T00:30:10Z"),
            ("2010-01-27T13:02:18.4Z", "2010-01-27T13:02:18.4Z"),
            ("2026-01-15T08:30:10.1234567+08:00", "2026-01-15T00:30:10.1234567Z"),
            ("2026-12-31T24:00:00Z", "2027-01-01T00:00:00Z"),
            ("2024-02-29T00:00:00+14:00", "2024-02-28T10:00:00Z"),
        ] {
            assert_eq!(DateTime::parse(text).unwrap().timestamp().unwrap().to_string(), utc, "{text}");
        }
        let local = DateTime::parse("2026-01-15T08:30:05").unwrap();
        assert_eq!((local.timestamp(), local.offset_minutes()), (None, None));
        assert_eq!(DateTime::from_unix_ms(1_000).unwrap().print(), "1970-01-01T00:00:01Z");
        assert_eq!(DateTime::parse("2026-01-15T08:30:05+08:00").unwrap().unix_ms(), Some(1_768_437_005_000));
    }

    #[test]
    fn refuses() {
        for text in [
            "",
            "2026-01-15",
            "2026-1-15T08:30:05Z",
            "2026-02-29T00:00:00Z",
            "2026-01-15 08:30:05Z",
            "2026-01-15T08:30Z",
            "2026-01-15T08:30:60Z",
            "2026-01-15T25:00:00Z",
            "2026-01-15T24:00:01Z",
            "2026-01-15T08:30:05+8:00",
            "2026-01-15T08:30:05+15:00",
            "2026-01-15T08:30:05.Z",
            "2026-01-15T08:30:05.1234567891Z",
            "-2026-01-15T08:30:05Z",
            "0000-01-15T08:30:05Z",
        ] {
            assert!(DateTime::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_back(ms in -62_000_000_000_000_i64..250_000_000_000_000, ns in 0_i32..1_000_000, offset in -840_i16..=840) {
            let utc = Timestamp::from_millisecond(ms).unwrap().checked_add(jiff::SignedDuration::new(0, ns)).unwrap();
            let local = Offset::from_seconds(i32::from(offset) * 60).unwrap().to_datetime(utc);
            let time = DateTime::new(local, offset).unwrap();
            prop_assert_eq!(DateTime::parse(&time.print()).unwrap(), time);
            prop_assert_eq!(time.timestamp().unwrap(), utc);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9T:Z+\\-. ]{0,30}") {
            let _ = DateTime::parse(&text);
        }
    }
}
