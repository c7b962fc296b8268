//! Durations: live time, real time.

use tidewaiter_drivers::Decimal;

use super::{Lexical, number};
use crate::error::Fault;

/// A length of time in seconds, exact, 0 or more; `xs:duration` in documents.
///
/// `PT60.25S` is 60.25 s. Days, hours and minutes are read and written as seconds; years and months are refused
/// because they have no fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Duration(Decimal);

impl Duration {
    /// Makes a duration; `None` when negative.
    pub const fn seconds(seconds: Decimal) -> Option<Self> {
        if seconds.digits() < 0 { None } else { Some(Self(seconds)) }
    }

    /// Makes a duration of milliseconds, shown with three places.
    pub fn milliseconds(milliseconds: u32) -> Self {
        // Three places are within the eighteen a decimal has.
        Self(Decimal::new(i64::from(milliseconds), 3).unwrap_or(Decimal::ZERO))
    }

    /// Its seconds.
    pub const fn as_seconds(self) -> Decimal {
        self.0
    }

    /// Its seconds for analysis.
    pub fn as_f64(self) -> f64 {
        crate::analysis::approximate(self.0)
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0.digits() == 0
    }
}

impl Lexical for Duration {
    fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        seconds(text)
            .and_then(Self::seconds)
            .ok_or_else(|| Fault::value(text, "a duration of days to seconds, such as PT60.25S"))
    }

    fn print(&self) -> String {
        format!("PT{}S", self.0)
    }
}

/// `P[nY][nM][nD][T[nH][nM][n[.n]S]]`, each part at most once and in this order.
fn seconds(text: &str) -> Option<Decimal> {
    let text = text.strip_prefix('P')?;
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let mut total = Decimal::ZERO;
    let mut rest = date;
    for (letter, length) in [('Y', None), ('M', None), ('D', Some(86_400))] {
        if let Some((number, after)) = rest.split_once(letter) {
            let number = whole(number)?;
            match length {
                Some(length) => total = total.checked_add(number.checked_mul(Decimal::whole(length))?)?,
                None if number.digits() == 0 => {}
                None => return None,
            }
            rest = after;
        }
    }
    if !rest.is_empty() {
        return None;
    }
    let mut rest = time;
    for (letter, length) in [('H', 3_600), ('M', 60)] {
        if let Some((number, after)) = rest.split_once(letter) {
            total = total.checked_add(whole(number)?.checked_mul(Decimal::whole(length))?)?;
            rest = after;
        }
    }
    if let Some(number) = rest.strip_suffix('S') {
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && number.starts_with(|first: char| first.is_ascii_digit())
            && !number.ends_with('.');
        let seconds = if plain { number::exact(number)? } else { return None };
        // Only the seconds part shows a resolution, so it alone decides how many places the sum has.
        total = if total.digits() == 0 { seconds } else { total.checked_add(seconds)? };
        rest = "";
    }
    rest.is_empty().then_some(total)
}

fn whole(digits: &str) -> Option<Decimal> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok().map(Decimal::whole) } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_are_exact() {
        for (text, expected) in [
            ("PT60S", "60"),
            ("PT60.25S", "60.25"),
            ("PT298.212262S", "298.212262"),
            ("PT300.0S", "300.0"),
            (" PT0S\n", "0"),
            ("PT1M", "60"),
            ("PT1H2M3.5S", "3723.5"),
            ("P1D", "86400"),
            ("P1DT1S", "86401"),
            ("P0Y0M0DT0H0M0S", "0"),
        ] {
            assert_eq!(Duration::parse(text).unwrap().as_seconds().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn refuses() {
        for text in [
            "60", "", "P", "PT", "P1DT", "-PT1S", "PT-1S", "P1Y", "P1M", "PT1S1M", "PT.5S", "PT5.S", "PT1e3S", "P1",
            "PTS", "PT1", "T1S",
        ] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
        assert_eq!(Duration::seconds(Decimal::whole(-1)), None);
    }

    proptest! {
        #[test]
        fn reads_back(digits in 0..i64::MAX, places in 0_u8..=18) {
            let duration = Duration::seconds(Decimal::new(digits, places).unwrap()).unwrap();
            prop_assert_eq!(Duration::parse(&duration.print()).unwrap(), duration);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "P?[0-9YMDTHS.\\-]{0,20}") {
            let _ = Duration::parse(&text);
        }
    }
}
