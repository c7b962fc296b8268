//! Waiting longer after each failure, never in step with anyone else.

use std::time::Duration;

/// Doubling delays between a first and a greatest one, each shortened at random by up to half.
///
/// The random half keeps many gateways that lost the same serial server from returning at the same
/// instant.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// The next delay, between half and all of `first × 2^failures`, at most `most`.
    pub(super) fn next_delay(&mut self) -> Duration {
        let full = self.first.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.most);
        self.failures = self.failures.saturating_add(1);
        let half = full / 2;
        // Without a random source the full delay is still right, only not spread.
        let spread = getrandom::u32().unwrap_or(u32::MAX);
        half + half.mul_f64(f64::from(spread) / f64::from(u32::MAX))
    }

    /// Starts over after a success.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_greatest_delay_and_starts_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(900));
        for full in [100, 200, 400, 800, 900, 900, 900] {
            let delay = backoff.next_delay();
            let full = Duration::from_millis(full);
            assert!(delay >= full / 2 && delay <= full, "{delay:?} of {full:?}");
        }
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(100));
        backoff.failures = u32::MAX;
        assert!(backoff.next_delay() <= Duration::from_millis(900));
    }
}
