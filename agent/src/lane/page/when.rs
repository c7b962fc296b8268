//! Moments and spans as a page shows them: local time of the site's zone, ages in words.

use jiff::{Timestamp, tz::TimeZone};
use tidewaiter_words::{Language, say};

use crate::lane::time;

/// How moments are shown: in which zone, and as seen from which day.
#[derive(Clone, Debug)]
pub(super) struct Times {
    /// The site's zone.
    pub(super) zone: TimeZone,
    /// Now, UTC milliseconds.
    pub(super) now_ms: i64,
}

impl Times {
    /// `10:42`, and from another day `11-28 10:42`.
    pub(super) fn clock(&self, at_ms: i64) -> String {
        let zoned = |ms| Timestamp::from_millisecond(ms).ok().map(|at: Timestamp| at.to_zoned(self.zone.clone()));
        let Some(at) = zoned(at_ms) else { return "?".to_owned() };
        let today = zoned(self.now_ms).is_some_and(|now| now.date() == at.date());
        at.strftime(if today { "%H:%M" } else { "%m-%d %H:%M" }).to_string()
    }

    /// `10:42:07`, with the day and the offset: a moment in full.
    pub(super) fn full(&self, at_ms: i64) -> String {
        time::local(at_ms, &self.zone)
    }
}

/// An age in its largest unit: `42 s`, `5 min`, `3 h`, `2 d`.
pub(super) fn age(language: Language, ms: u64) -> String {
    let seconds = ms / 1000;
    let (id, count) = match seconds {
        0..120 => ("age-seconds", seconds),
        120..7200 => ("age-minutes", seconds / 60),
        7200..172_800 => ("age-hours", seconds / 3600),
        _ => ("age-days", seconds / 86_400),
    };
    say(language, id, &[("count", count.into())])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_moment_of_another_day_says_its_day() {
        let now: Timestamp = "2026-11-29T02:00:00Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::Offset::constant(8));
        let times = Times { zone, now_ms: now.as_millisecond() };
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        assert_eq!(times.clock(at("2026-11-29T01:42:07Z")), "09:42");
        assert_eq!(times.clock(at("2026-11-28T16:00:00Z")), "00:00");
        assert_eq!(times.clock(at("2026-11-28T15:59:59Z")), "11-28 23:59");
        assert_eq!(times.full(at("2026-11-29T01:42:07Z")), "2026-11-29 09:42:07 +08:00");
        assert_eq!(times.clock(i64::MAX), "?");
    }

    #[test]
    fn an_age_has_one_unit() {
        let said: Vec<_> = [0, 119_999, 120_000, 7_199_000, 7_200_000, 172_799_000, 172_800_000]
            .map(|ms| age(Language::En, ms))
            .into();
        assert_eq!(said, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]);
    }
}
