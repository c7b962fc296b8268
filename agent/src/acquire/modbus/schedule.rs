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

/// What an instrument wants of its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    /// From one poll to the next.
    pub(super) period: Duration,
    /// It is not asked before this.
    pub(super) from: Instant,
    /// How long it keeps the line when it does not answer.
    pub(super) silence: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    due: Instant,
    period: Duration,
}

/// Shortest poll period: at less, one instrument would keep its task spinning.
const LEAST_PERIOD: Duration = Duration::from_millis(5);

impl Schedule {
    /// Spreads first polls over the shortest period, so that equal periods do not collide for ever, and
    /// leaves a piece at its end in which a silent unit can be waited for without keeping anyone.
    pub(super) fn new(now: Instant, wants: &[Want]) -> Self {
        let count = u32::try_from(wants.len()).unwrap_or(u32::MAX).max(1);
        let shortest = wants.iter().map(|want| want.period).min().unwrap_or_default().max(LEAST_PERIOD);
        let piece = wants.iter().map(|want| want.silence).max().unwrap_or_default();
        // Where the piece would leave the others less than half, there is none.
        let spread = shortest.checked_sub(piece).filter(|spread| *spread * 2 >= shortest).unwrap_or(shortest);
        let slots = wants
            .iter()
            .zip(0..)
            .map(|(want, index)| {
                let mut slot = Slot { due: now + spread / count * index, period: want.period.max(LEAST_PERIOD) };
                if slot.due < want.from {
                    slot.skip_to(want.from);
                }
                slot
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
        self.next_due_of(|_| true)
    }

    /// When the next of some instruments falls due.
    pub(super) fn next_due_of(&self, which: impl Fn(usize) -> bool) -> Option<Instant> {
        self.slots.iter().enumerate().filter(|(index, _)| which(*index)).map(|(_, slot)| slot.due).min()
    }

    /// Ends the poll of an instrument: its next one is the first of its grid after `now`.
    pub(super) fn done(&mut self, index: usize, now: Instant) {
        if let Some(slot) = self.slots.get_mut(index) {
            let late = now.saturating_duration_since(slot.due);
            slot.advance(late.as_nanos() / slot.period.as_nanos() + 1);
        }
    }
}

impl Slot {
    /// The first of its grid at `from` or after.
    fn skip_to(&mut self, from: Instant) {
        let ahead = from.saturating_duration_since(self.due);
        self.advance(ahead.as_nanos().div_ceil(self.period.as_nanos()));
    }

    fn advance(&mut self, periods: u128) {
        self.due += self.period.saturating_mul(u32::try_from(periods).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn want(period: u64, silence: u64) -> Want {
        Want { period: ms(period), from: Instant::now(), silence: ms(silence) }
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_deadline_goes_first() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, &[want(1000, 0), want(100, 0)]);
        assert_eq!(schedule.ready(start), Some(0), "the second starts half the shortest period later");
        // At 60 ms both are due: deadlines 1000 and 150.
        assert_eq!(schedule.ready(start + ms(60)), Some(1));
        schedule.done(1, start + ms(60));
        assert_eq!(schedule.ready(start + ms(60)), Some(0));
        schedule.done(0, start + ms(70));
        assert_eq!(schedule.ready(start + ms(70)), None);
        assert_eq!(schedule.next_due(), Some(start + ms(150)));
        assert_eq!(schedule.next_due_of(|index| index == 0), Some(start + ms(1000)));
    }

    #[tokio::test(start_paused = true)]
    async fn late_polls_are_skipped_and_keep_their_phase() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, &[want(100, 0)]);
        schedule.done(0, start + ms(730));
        assert_eq!(schedule.next_due(), Some(start + ms(800)));
        schedule.done(0, start + ms(800));
        assert_eq!(schedule.next_due(), Some(start + ms(900)));
    }

    /// Five units a second, of which one may be waited for for 400 ms: all start within the first 600.
    #[tokio::test(start_paused = true)]
    async fn a_piece_of_every_period_is_left_for_a_silent_unit() {
        let start = Instant::now();
        let dues = |wants: &[Want]| -> Vec<Duration> {
            Schedule::new(start, wants).slots.iter().map(|slot| slot.due - start).collect()
        };
        assert_eq!(dues(&[want(1000, 400); 5]), [0, 120, 240, 360, 480].map(ms));
        assert_eq!(dues(&[want(1000, 600); 5]), [0, 200, 400, 600, 800].map(ms), "no room for a piece");
        assert_eq!(dues(&[want(2000, 400), want(1000, 0)]), [0, 300].map(ms), "the shortest period counts");
        let later = Want { from: start + ms(1501), ..want(1000, 400) };
        assert_eq!(dues(&[later, later]), [2000, 2300].map(ms), "after it may be asked, on its grid");
    }
}
