//! Time that goes on across restarts: by the monotonic clock within a boot, by the wall clock across boots.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use tidewaiter_drivers::reading::Moment;

/// Counts milliseconds since the first start ever.
///
/// A step of the wall clock changes nothing while the machine runs, a restart of the process included. Across a boot
/// the wall clock is all there is; one that stands before the last moment kept adds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stopwatch {
    boot: String,
    mono_ms: u64,
    wall_ms: i64,
    elapsed_ms: u64,
}

impl Stopwatch {
    pub(super) fn start(boot: &str, now: Moment) -> Self {
        Self { boot: boot.to_owned(), mono_ms: now.mono_ms, wall_ms: now.wall_ms, elapsed_ms: 0 }
    }

    /// Milliseconds shown at `now`, a moment of this boot.
    pub(super) fn at(&self, now: Moment) -> u64 {
        self.elapsed_ms.saturating_add(now.mono_ms.saturating_sub(self.mono_ms))
    }

    /// The same time, read off at `now`, to be kept.
    pub(super) fn kept(&self, now: Moment) -> Self {
        let (boot, elapsed_ms) = (self.boot.clone(), self.at(now));
        Self { boot, mono_ms: now.mono_ms, wall_ms: now.wall_ms, elapsed_ms }
    }

    /// The same time, counted on from `now`, which may be of another boot.
    pub(super) fn resumed(&self, boot: &str, now: Moment) -> Self {
        // A monotonic clock that stands lower has begun anew, whatever the boot is called.
        let gone = if !boot.is_empty() && self.boot == boot && now.mono_ms >= self.mono_ms {
            now.mono_ms - self.mono_ms
        } else {
            u64::try_from(now.wall_ms.saturating_sub(self.wall_ms)).unwrap_or(0)
        };
        let elapsed_ms = self.elapsed_ms.saturating_add(gone);
        Self { boot: boot.to_owned(), mono_ms: now.mono_ms, wall_ms: now.wall_ms, elapsed_ms }
    }
}

/// The UTC date of a moment: plans and tables come into force by it.
pub(super) fn day(wall_ms: i64) -> Date {
    Timestamp::from_millisecond(wall_ms).map_or(Date::ZERO, |at| at.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_by_the_clock_that_is_left() {
        let at = |mono_ms, wall_ms| Moment { mono_ms, wall_ms };
        let watch = Stopwatch::start("boot-1", at(1_000, 50_000));
        // Same boot: the wall clock may jump as it likes.
        assert_eq!(watch.at(at(4_000, 9_000_000)), 3_000);
        let rows = [
            ("boot-1", at(6_000, 1), 5_000),
            ("boot-1", at(6_000, 9_000_000), 5_000),
            // Another boot: the wall clock counts, and never backwards.
            ("boot-2", at(6_000, 57_000), 7_000),
            ("boot-2", at(10, 40_000), 0),
            // A monotonic clock that began anew under the same name.
            ("boot-1", at(10, 57_000), 7_000),
        ];
        for (boot, now, expected) in rows {
            assert_eq!(watch.resumed(boot, now).at(now), expected, "{boot} {now:?}");
        }
    }
}
