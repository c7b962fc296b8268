//! Records that the centre asks for a second time.
//!
//! A request names numbers that did not arrive though later ones did. Those that have been sent are sent again, beside the
//! stream of new ones, which does not turn back for it; those that have not are on their way anyhow. What was asked for
//! is bounded by what was sent, and requests count at most once a second, so that nobody can make an agent
//! talk without end.

use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two requests that count.
const SPACING: Duration = Duration::from_secs(1);

/// What is to be sent again.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// First and last number, both included; the first one moves up as records leave.
    range: Option<(u64, u64)>,
    taken_at: Option<Instant>,
}

impl Again {
    /// Takes a request for `from` to `upto`, where numbers below `next` have been sent; says whether it counts.
    pub(super) fn take(&mut self, from: u64, upto: u64, next: u64, now: Instant) -> bool {
        let too_soon = self.taken_at.is_some_and(|at| now.duration_since(at) < SPACING);
        let Some(last) = next.checked_sub(1).map(|it| it.min(upto)).filter(|it| *it >= from) else { return false };
        if too_soon {
            return false;
        }
        self.taken_at = Some(now);
        self.range = Some((from, last));
        true
    }

    /// The numbers that are still to be sent.
    pub(super) const fn range(&self) -> Option<(u64, u64)> {
        self.range
    }

    /// Record `seq` has left, and so has everything before it that there is.
    pub(super) fn sent(&mut self, seq: u64) {
        self.range = self.range.and_then(|(_, last)| (seq < last).then_some((seq + 1, last)));
    }

    /// Everything begins again at the last receipt anyhow, or there is nothing of the range.
    pub(super) fn forget(&mut self) {
        self.range = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_sent_again_once_a_second() {
        let start = Instant::now();
        let second = |it| start + Duration::from_secs(it);
        let mut again = Again::default();
        let check = |again: &mut Again, (from, upto): (u64, u64), next, at, expected: Option<(u64, u64)>| {
            let counts = again.take(from, upto, next, second(at));
            assert_eq!(counts.then(|| again.range()).flatten(), expected, "{from} to {upto} below {next}");
        };
        check(&mut again, (5, 9), 0, 0, None);
        check(&mut again, (5, 9), 5, 0, None);
        check(&mut again, (5, 9), 6, 0, Some((5, 5)));
        check(&mut again, (0, u64::MAX), 100, 0, None);
        check(&mut again, (5, 9), 100, 1, Some((5, 9)));
        again.sent(5);
        assert_eq!(again.range(), Some((6, 9)));
        again.sent(8);
        again.sent(9);
        assert_eq!(again.range(), None);
        check(&mut again, (7, 7), 100, 9, Some((7, 7)));
        again.forget();
        assert_eq!(again.range(), None);
    }
}
