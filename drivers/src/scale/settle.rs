//! The motion test for indicators that do not say whether the load rests.
//!
//! Displayed values and their arrival times come in; "moving" or "stable at" comes out. A load is at
//! rest when at least a given number of frames in a row, over at least a given span, lie within one
//! scale interval of the first of them. The anchor does not move along, so a slow creep ends the
//! rest once it has gone further than one interval. A hole in the stream longer than the span starts
//! over: what the load did meanwhile is unknown.

use core::cmp::Ordering;

use crate::Decimal;

/// Frames in a row that make a rest, unless the site says otherwise: five, because the check of the
/// XK3190 frame lets a swap of two digits through.
pub const MIN_FRAMES: u16 = 5;

/// Whether the load rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Not yet at rest.
    Moving,
    /// At rest, showing this.
    Stable(Decimal),
}

#[derive(Clone, Copy, Debug)]
struct Run {
    anchor: Decimal,
    started_ms: u64,
    last_ms: u64,
    frames: u16,
}

/// The motion test of one scale.
#[derive(Clone, Debug)]
pub struct Settle {
    scale_interval: Decimal,
    span_ms: u64,
    min_frames: u16,
    run: Option<Run>,
}

impl Settle {
    /// A test with the scale interval `d` (in the unit displayed), the least span in milliseconds
    /// and the least number of frames, usually [`MIN_FRAMES`].
    pub const fn new(scale_interval: Decimal, span_ms: u64, min_frames: u16) -> Self {
        Self { scale_interval, span_ms, min_frames, run: None }
    }

    /// Takes the next displayed value with its arrival on the monotonic clock.
    pub fn push(&mut self, mono_ms: u64, shown: Decimal) -> Motion {
        let run = match self.run {
            Some(run) if self.continues(run, mono_ms, shown) => {
                Run { last_ms: mono_ms, frames: run.frames.saturating_add(1), ..run }
            }
            _ => Run { anchor: shown, started_ms: mono_ms, last_ms: mono_ms, frames: 1 },
        };
        self.run = Some(run);
        let rested = run.frames >= self.min_frames && mono_ms.saturating_sub(run.started_ms) >= self.span_ms;
        if rested { Motion::Stable(shown) } else { Motion::Moving }
    }

    /// Starts over, as after a refused frame or a lost connection.
    pub const fn reset(&mut self) {
        self.run = None;
    }

    fn continues(&self, run: Run, mono_ms: u64, shown: Decimal) -> bool {
        let in_time = mono_ms.checked_sub(run.last_ms).is_some_and(|gap| gap <= self.span_ms);
        let near = shown
            .checked_sub(run.anchor)
            .is_some_and(|moved| moved.abs().cmp_value(self.scale_interval.abs()) != Ordering::Greater);
        in_time && near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shown: &[(u64, i64)], expected: Motion) {
        let mut settle = Settle::new(Decimal::whole(20), 1000, MIN_FRAMES);
        let last = shown.iter().map(|&(at, value)| settle.push(at, Decimal::whole(value))).last();
        assert_eq!(last, Some(expected), "{shown:?}");
    }

    #[test]
    fn rests_after_enough_frames_over_enough_time() {
        let stable = Motion::Stable(Decimal::whole(1560));
        check(&[(0, 1560), (250, 1560), (500, 1560), (750, 1560), (1000, 1560)], stable);
        check(&[(0, 1560), (100, 1560), (200, 1560), (300, 1560), (999, 1560)], Motion::Moving);
        check(&[(0, 1560), (400, 1560), (800, 1560), (1200, 1560)], Motion::Moving);
    }

    #[test]
    fn one_interval_is_rest_and_more_is_motion() {
        check(&[(0, 1560), (250, 1580), (500, 1540), (750, 1560), (1000, 1560)], Motion::Stable(Decimal::whole(1560)));
        check(&[(0, 1560), (250, 1560), (500, 1581), (750, 1560), (1000, 1560)], Motion::Moving);
        // A creep of one interval per frame is never a rest.
        check(&[(0, 0), (300, 20), (600, 40), (900, 60), (1200, 80), (1500, 100)], Motion::Moving);
    }

    #[test]
    fn a_hole_or_a_clock_that_jumps_back_starts_over() {
        check(&[(0, 0), (100, 0), (200, 0), (300, 0), (1301, 0)], Motion::Moving);
        check(&[(5000, 0), (5250, 0), (5500, 0), (5750, 0), (5000, 0)], Motion::Moving);
    }

    #[test]
    fn a_value_too_far_for_arithmetic_is_motion() {
        let mut settle = Settle::new(Decimal::whole(1), 0, 2);
        assert_eq!(settle.push(0, Decimal::whole(i64::MAX)), Motion::Moving);
        assert_eq!(settle.push(1, Decimal::whole(-2)), Motion::Moving);
    }
}
