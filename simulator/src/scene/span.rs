//! A length of time as scenes write it: `"400 ms"`, `"4.5 s"`, `"2 min"`, `"40 h"`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};

/// Milliseconds of scene time, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

/// A text that is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a length of time: write a number and ms, s, min or h, such as \"4.5 s\"")]
pub struct SpanError(String);

impl Span {
    /// Makes a span of whole milliseconds; negative ones become zero.
    pub const fn from_ms(ms: i64) -> Self {
        Self(if ms < 0 { 0 } else { ms })
    }

    /// Milliseconds.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Seconds.
    pub fn seconds(self) -> f64 {
        crate::world::rounding::real(self.0) / 1000.0
    }

    /// The same as a standard duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let wrong = || SpanError(text.to_owned());
        let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let factor: i64 = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let number: tidewaiter_drivers::Decimal = number.parse().map_err(|_| wrong())?;
        let scale = 10_i64.checked_pow(u32::from(number.places())).ok_or_else(wrong)?;
        let ms = number.digits().checked_mul(factor).ok_or_else(wrong)? / scale;
        if ms < 0 { Err(wrong()) } else { Ok(Self(ms)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 1000 == 0 { write!(f, "{} s", self.0 / 1000) } else { write!(f, "{} ms", self.0) }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn reads_number_and_unit_and_prints_what_reads_back() {
        for (text, ms) in [("400 ms", 400), ("4.5 s", 4_500), ("2 min", 120_000), ("0 s", 0), ("40 h", 144_000_000)] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.ms(), ms, "{text}");
            assert_eq!(span.to_string().parse(), Ok(span));
        }
        for text in ["", "5", "5s", "-1 s", "5 days", "1e3 s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
