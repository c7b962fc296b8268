//! Who is asked next on a shared line: earliest deadline first. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// When each instrument of one port is due.
///
/// A poll's deadline is the moment the next one falls due. Polls keep their phase; one that could
/// not be made before its deadline is skipped, not made up for, since two values of the same
/// moment say no more than one.
#[derive(Debug)]
pub(super) struct Schedule {
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    due: Instant,
    period: Duration,
}

/// Shortest poll period: at less, one instrument would keep its task spinning.
const LEAST_PERIOD: Duration = Duration::from_millis(5);

impl Schedule {
    /// Spreads first polls over their periods, so that equal periods do not collide for ever.
    pub(super) fn new(now: Instant, periods: &[Duration]) -> Self {
        let count = u32::try_from(periods.len()).unwrap_or(u32::MAX).max(1);
        let slots = periods
            .iter()
            .zip(0..)
            .map(|(&period, index)| {
                let period = period.max(LEAST_PERIOD);
                Slot { due: now + period / count * index, period }
            })
            .collect();
        Self { slots }
    }

    /// The due instrument with the earliest deadline.
    pub(super) fn ready(&self, now: Instant) -> Option<usize> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.due <= now)
            .min_by_key(|(_, slot)| slot.due + slot.period)
            .map(|(index, _)| index)
    }

    /// When the next instrument falls due; `None` without instruments.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.slots.iter().map(|slot| slot.due).min()
    }

    /// Ends the poll of an instrument: its next one is the first of its grid after `now`.
    pub(super) fn done(&mut self, index: usize, now: Instant) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let late = now.saturating_duration_since(slot.due);
        let periods = late.as_nanos() / slot.period.as_nanos() + 1;
        slot.due += slot.period.saturating_mul(u32::try_from(periods).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_deadline_goes_first() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, &[ms(1000), ms(100)]);
        assert_eq!(schedule.ready(start), Some(0), "the second starts half its period later");
        // At 60 ms both are due: deadlines 1000 and 150.
        assert_eq!(schedule.ready(start + ms(60)), Some(1));
        schedule.done(1, start + ms(60));
        assert_eq!(schedule.ready(start + ms(60)), Some(0));
        schedule.done(0, start + ms(70));
        assert_eq!(schedule.ready(start + ms(70)), None);
        assert_eq!(schedule.next_due(), Some(start + ms(150)));
    }

    #[tokio::test(start_paused = true)]
    async fn late_polls_are_skipped_and_keep_their_phase() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, &[ms(100)]);
        schedule.done(0, start + ms(730));
        assert_eq!(schedule.next_due(), Some(start + ms(800)));
        schedule.done(0, start + ms(800));
        assert_eq!(schedule.next_due(), Some(start + ms(900)));
    }
}
