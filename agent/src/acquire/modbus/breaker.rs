//! Keeps a unit that does not answer from eating the line time of those that do.

use std::time::Duration;

use tidewaiter_drivers::reading::Missing;
use tokio::time::Instant;

use crate::acquire::backoff::Backoff;

/// First pause of a unit that stopped answering: long enough to spare the line, short enough that
/// a rebooting instrument is back within a few seconds.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause: a unit that comes back after hours is noticed within half a minute.
const MOST_PAUSE: Duration = Duration::from_secs(30);

/// The state of one unit on one bus. One bus never shares it with another: the same unit id on two
/// lines is two instruments.
#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    failures: u32,
    backoff: Backoff,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    until: Instant,
    reason: Missing,
}

impl Breaker {
    /// Opens after `threshold` failures in a row, at least one.
    pub(super) fn new(threshold: u8) -> Self {
        Self {
            threshold: u32::from(threshold).max(1),
            failures: 0,
            backoff: Backoff::new(FIRST_PAUSE, MOST_PAUSE),
            open: None,
        }
    }

    /// `None` when the unit may be asked, else why it is being left alone.
    pub(super) fn spared(&self, now: Instant) -> Option<Missing> {
        self.open.filter(|open| now < open.until).map(|open| open.reason)
    }

    /// The unit answered, if only with an exception of its own.
    pub(super) const fn answered(&mut self) {
        self.failures = 0;
        self.backoff.reset();
        self.open = None;
    }

    /// The unit did not answer.
    pub(super) fn failed(&mut self, now: Instant, reason: Missing) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.threshold {
            self.open = Some(Open { until: now + self.backoff.next_delay(), reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn opens_after_the_threshold_and_closes_on_an_answer() {
        let mut breaker = Breaker::new(2);
        let now = Instant::now();
        breaker.failed(now, Missing::TimedOut);
        assert_eq!(breaker.spared(now), None);
        breaker.failed(now, Missing::TimedOut);
        assert_eq!(breaker.spared(now), Some(Missing::TimedOut));
        assert_eq!(breaker.spared(now + FIRST_PAUSE), None, "one probe per pause");
        breaker.failed(now + FIRST_PAUSE, Missing::Exception(11));
        assert_eq!(breaker.spared(now + FIRST_PAUSE + FIRST_PAUSE / 2), Some(Missing::Exception(11)));
        breaker.answered();
        assert_eq!(breaker.spared(now), None);
    }
}
