//! A free-running count of pulses to counts of an interval, corrected for dead time.
//!
//! The counter wraps at 2^32 and is looked at now and then; an interval is the time between two looks that are at least
//! as far apart as the parameters say, and its true length goes with the counts. What the counter did between two looks that are more
//! than 2^32 pulses apart cannot be known.
//!
//! *Dead time.* A Geiger–Müller tube that has counted is blind for τ, and what comes then does not prolong it
//! (non-paralysable model): of n counted in t there were n / (1 − n τ/t) = n t / (t − n τ). Where n τ reaches t the tube
//! is saturated: over range, no value.

use tidewaiter_node::block::{Sample, State};

use super::{
    aged,
    exact::{nearest, times},
};

/// The last whole interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Pulses as counted.
    pub pulses: u32,
    /// True length, µs; 0 before the first.
    pub interval_us: u32,
}

/// A pulse counter.
#[derive(Clone, Copy, Debug)]
pub struct Pulses {
    interval_us: u64,
    dead_time_ns: u32,
    /// When the interval began, and the count then.
    began: Option<(u64, u32)>,
    last: u64,
    counted: Counted,
    shown: Sample,
}

impl Pulses {
    /// A counter nobody has looked at.
    pub fn new(interval_ms: u16, dead_time_ns: u32) -> Self {
        Self {
            interval_us: u64::from(interval_ms).saturating_mul(1000),
            dead_time_ns,
            began: None,
            last: 0,
            counted: Counted::default(),
            shown: Sample::missing(State::WarmingUp),
        }
    }

    /// Takes the count; says whether an interval has ended with it.
    pub fn push(&mut self, at: u64, total: u32) -> bool {
        self.last = at;
        let Some((since, count)) = self.began else {
            self.began = Some((at, total));
            return false;
        };
        let length = at.saturating_sub(since);
        if length < self.interval_us {
            return false;
        }
        self.began = Some((at, total));
        // After more than an hour without a look nobody knows how often the counter has wrapped.
        let Ok(interval_us) = u32::try_from(length) else {
            self.shown = Sample::missing(State::Fault);
            return true;
        };
        let pulses = total.wrapping_sub(count);
        self.counted = Counted { pulses, interval_us };
        self.shown = match corrected(pulses, interval_us, self.dead_time_ns) {
            Some(value) => Sample { state: State::Good, value },
            None => Sample::missing(State::Overrange),
        };
        true
    }

    /// The counts now.
    pub fn sample(&self, now: u64) -> Sample {
        if self.began.is_some() { aged(self.shown, self.last, now) } else { Sample::missing(State::NotPresent) }
    }

    /// The last whole interval.
    pub fn counted(&self) -> Counted {
        self.counted
    }
}

/// Counts without dead time, to the nearest; `None` in saturation and beyond an `i32`.
pub fn corrected(pulses: u32, interval_us: u32, dead_time_ns: u32) -> Option<i32> {
    // Interval in ns below 2^42, pulses times either below 2^75.
    let interval_ns = i64::from(interval_us).wrapping_mul(1000);
    let blind_ns = times(i128::from(pulses), i64::from(dead_time_ns));
    let counts = nearest(times(i128::from(pulses), interval_ns), i128::from(interval_ns).wrapping_sub(blind_ns))?;
    i32::try_from(counts).ok()
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;
    use crate::input::{BROKEN_US, STALE_US};

    const S: u64 = 1_000_000;

    #[test]
    fn dead_time_is_corrected_by_hand_calculation() {
        // n, t in µs, τ in ns, corrected: 1000/s at 100 µs lose a tenth; half blind doubles; saturated has no value
        let rows = [
            (0, 1_000_000, 100_000, Some(0)),
            (1000, 1_000_000, 0, Some(1000)),
            (1000, 1_000_000, 100_000, Some(1111)),
            (5000, 1_000_000, 100_000, Some(10_000)),
            (9999, 1_000_000, 100_000, Some(99_990_000)),
            (10_000, 1_000_000, 100_000, None),
            (u32::MAX, 1_000_000, 100_000, None),
            (u32::MAX, 1_000_000, 0, None),
            (3, 2, 1, Some(3)),
        ];
        for (pulses, interval_us, dead_time_ns, expected) in rows {
            assert_eq!(corrected(pulses, interval_us, dead_time_ns), expected, "{pulses} in {interval_us} µs");
        }
    }

    #[test]
    fn an_interval_has_its_true_length_and_the_counter_wraps() {
        let mut pulses = Pulses::new(1000, 0);
        assert_eq!(pulses.sample(0), Sample::missing(State::NotPresent));
        assert!(!pulses.push(S, u32::MAX - 9));
        assert_eq!(pulses.sample(S), Sample::missing(State::WarmingUp));
        assert!(!pulses.push(S + 999_999, 7));
        assert!(pulses.push(2 * S + 13, 20));
        assert_eq!(pulses.counted(), Counted { pulses: 30, interval_us: 1_000_013 });
        assert_eq!(pulses.sample(2 * S + 13), Sample { state: State::Good, value: 30 });
    }

    #[test]
    fn no_pulses_are_a_value_and_no_looks_are_not() {
        let mut pulses = Pulses::new(1000, 0);
        pulses.push(0, 5);
        pulses.push(S, 5);
        assert_eq!(pulses.sample(S), Sample { state: State::Good, value: 0 });
        assert_eq!(pulses.sample(S + STALE_US), Sample { state: State::Stale, value: 0 });
        assert_eq!(pulses.sample(S + BROKEN_US), Sample::missing(State::Fault));
        // Looked at again after longer than an interval can say
        pulses.push(S + (1 << 32), 5);
        assert_eq!(pulses.sample(S + (1 << 32)), Sample::missing(State::Fault));
        pulses.push(2 * S + (1 << 32), 6);
        assert_eq!(pulses.sample(2 * S + (1 << 32)), Sample { state: State::Good, value: 1 });
    }

    proptest! {
        #[test]
        fn correction_is_that_of_big_numbers(pulses: u32, interval_us: u32, dead_time_ns: u32, scale in 0..32_u32) {
            let (pulses, dead_time_ns) = (pulses >> scale, dead_time_ns >> (31 - scale));
            let interval = BigInt::from(interval_us) * 1000;
            let live = &interval - BigInt::from(pulses) * dead_time_ns;
            let expected = (live > BigInt::ZERO)
                .then(|| (BigInt::from(2) * pulses * &interval + &live) / (BigInt::from(2) * &live))
                .and_then(|it| i32::try_from(it).ok());
            prop_assert_eq!(corrected(pulses, interval_us, dead_time_ns), expected);
        }
    }
}
