//! How long to wait before the next attempt.

use std::time::Duration;

use crate::settings::Backoff;

/// A connection that lived this long, or as long as the wait before it, has held: the next wait starts
/// again from the first.
///
/// A broker that accepts and throws out at once must not be met with the first wait for ever. A line
/// that carries for twenty seconds at a time must not be met with the ceiling: measured against its own
/// wait, it is up for half of the time at least.
const HELD: Duration = Duration::from_secs(30);

/// The wait that grows from failure to failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    bounds: Backoff,
    /// Next wait before the random part is taken off.
    next: Duration,
    /// The wait before it, likewise.
    last: Duration,
}

impl Waits {
    pub(crate) fn new(bounds: Backoff) -> Self {
        Self { bounds, next: bounds.first, last: bounds.first }
    }

    /// Takes note of how long the last connection lived; zero when none came about.
    pub(crate) fn lived(&mut self, life: Duration) {
        if life >= HELD.min(self.last) {
            self.next = self.bounds.first;
        }
    }

    /// The next wait, between half and all of the doubling figure; `random` chooses where.
    pub(crate) fn next(&mut self, random: u32) -> Duration {
        let whole = self.next;
        self.last = whole;
        self.next = whole.saturating_mul(2).min(self.bounds.ceiling);
        let half = whole / 2;
        let part = half.as_nanos() * u128::from(random) / u128::from(u32::MAX);
        half + Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits() -> Waits {
        Waits::new(Backoff { first: Duration::from_secs(1), ceiling: Duration::from_secs(300) })
    }

    #[test]
    fn doubles_to_the_ceiling_and_jitters_by_half() {
        let mut longest = waits();
        let mut shortest = waits();
        for whole in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(longest.next(u32::MAX), Duration::from_secs(whole));
            assert_eq!(shortest.next(0), Duration::from_secs(whole) / 2);
        }
    }

    #[test]
    fn only_a_connection_that_held_resets() {
        let mut waits = waits();
        for _ in 0..5 {
            waits.next(0);
        }
        // The last wait was of 16 s.
        waits.lived(Duration::from_secs(15));
        assert_eq!(waits.next(u32::MAX), Duration::from_secs(32));
        waits.lived(Duration::from_secs(29));
        assert_eq!(waits.next(u32::MAX), Duration::from_secs(64));
        waits.lived(Duration::from_secs(30));
        assert_eq!(waits.next(u32::MAX), Duration::from_secs(1));
    }

    #[test]
    fn a_line_that_carries_for_a_while_keeps_short_waits() {
        let mut waits = waits();
        for life in [0, 0, 3, 3, 3] {
            waits.lived(Duration::from_secs(life));
            assert!(waits.next(u32::MAX) <= Duration::from_secs(2));
        }
        // Thrown out at once, again and again: the wait grows.
        for whole in [2, 4, 8, 16] {
            waits.lived(Duration::ZERO);
            assert_eq!(waits.next(u32::MAX), Duration::from_secs(whole));
        }
    }
}
