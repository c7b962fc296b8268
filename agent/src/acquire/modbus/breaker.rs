//! Keeps a unit that does not answer from eating the line time of those that do.
//!
//! After some failures in a row a unit is *in doubt*. It is then no longer asked at its polls, but
//! tried once per pause, and that while the line has nothing else to do for as long as the try may
//! take ([`Breaker::wants`]). On a line that never is idle for so long it is tried all the same
//! ([`Breaker::insists`]), much more rarely.

use std::time::Duration;

use tidewaiter_drivers::reading::Missing;
use tokio::time::Instant;

use crate::acquire::backoff::Backoff;

/// First pause of a unit that stopped answering: long enough to spare the line, short enough that
/// a rebooting instrument is back within a few seconds.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause: a unit that comes back after hours is noticed within half a minute.
const MOST_PAUSE: Duration = Duration::from_secs(30);
/// How much longer than its pause a unit waits for a line that is never idle.
const PATIENCE: Duration = Duration::from_secs(30);

/// The state of one unit on one bus. One bus never shares it with another: the same unit id on two
/// lines is two instruments.
#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    failures: u32,
    backoff: Backoff,
    doubt: Option<Doubt>,
}

#[derive(Clone, Copy, Debug)]
struct Doubt {
    until: Instant,
    reason: Missing,
}

impl Breaker {
    /// Doubts after `threshold` failures in a row, at least one.
    pub(super) fn new(threshold: u8) -> Self {
        Self {
            threshold: u32::from(threshold).max(1),
            failures: 0,
            backoff: Backoff::new(FIRST_PAUSE, MOST_PAUSE),
            doubt: None,
        }
    }

    /// Whether the unit is in doubt, and with what its polls are reported.
    pub(super) fn doubt(&self) -> Option<Missing> {
        self.doubt.map(|doubt| doubt.reason)
    }

    /// From when on a unit in doubt may be tried in an idle moment.
    pub(super) fn wants(&self) -> Option<Instant> {
        self.doubt.map(|doubt| doubt.until)
    }

    /// Whether a unit in doubt has waited for an idle moment long enough.
    pub(super) fn insists(&self, now: Instant) -> bool {
        self.doubt.is_some_and(|doubt| now >= doubt.until + PATIENCE)
    }

    /// The unit answered, if only with an exception of its own. Says whether that ended a doubt.
    pub(super) const fn answered(&mut self) -> bool {
        self.failures = 0;
        self.backoff.reset();
        self.doubt.take().is_some()
    }

    /// The unit did not answer.
    pub(super) fn failed(&mut self, now: Instant, reason: Missing) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.threshold {
            self.doubt = Some(Doubt { until: now + self.backoff.next_delay(), reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn doubts_after_the_threshold_until_an_answer() {
        let mut breaker = Breaker::new(2);
        let now = Instant::now();
        breaker.failed(now, Missing::TimedOut);
        assert_eq!(breaker.doubt(), None);
        breaker.failed(now, Missing::TimedOut);
        assert_eq!(breaker.doubt(), Some(Missing::TimedOut));
        assert!(breaker.wants().is_some_and(|at| (now + FIRST_PAUSE / 2..=now + FIRST_PAUSE).contains(&at)));
        assert!(!breaker.insists(now + FIRST_PAUSE));
        assert!(breaker.insists(now + FIRST_PAUSE + PATIENCE), "tried even on a line that is never idle");
        breaker.failed(now + FIRST_PAUSE, Missing::Exception(11));
        assert_eq!(breaker.doubt(), Some(Missing::Exception(11)));
        assert!(breaker.wants().is_some_and(|at| at >= now + 2 * FIRST_PAUSE), "pauses grow");
        assert!(breaker.answered());
        assert_eq!(breaker.doubt(), None);
        assert!(!breaker.answered());
    }
}
