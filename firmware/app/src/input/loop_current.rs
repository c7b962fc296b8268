//! The 4–20 mA loop: codes of a 16-bit converter to µA.
//!
//! Two codes calibrate it, at 4 and at 20 mA; between and beyond them it is a straight line. NAMUR NE 43 says what a
//! current outside 3.8 to 20.5 mA means: below 3.6 mA the loop is broken, above 21 mA the transmitter reports a
//! failure or the loop is shorted. What lies between is a transmitter at the end of its range, and a value.

use tidewaiter_node::block::{Sample, State};

use super::{aged_since, exact::nearest_small};

/// Below this the loop is broken, µA.
pub const BROKEN_BELOW_UA: i32 = 3_600;
/// Above this there is a failure, µA.
pub const FAILURE_ABOVE_UA: i32 = 21_000;

const ZERO_UA: i32 = 4_000;
const SPAN_UA: i32 = 16_000;

/// How the loop's converter is calibrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopScale {
    /// Code at 4 mA.
    pub at_4_ma: i16,
    /// Code at 20 mA; above the other.
    pub at_20_ma: i16,
}

impl LoopScale {
    /// The current of a code, µA to the nearest; `None` for a calibration that is none.
    pub fn current(self, code: i16) -> Option<i32> {
        // 17 bits times 14: below 2^30.
        let span = i32::from(self.at_20_ma).wrapping_sub(i32::from(self.at_4_ma));
        let above = i32::from(code).wrapping_sub(i32::from(self.at_4_ma));
        nearest_small(above.wrapping_mul(SPAN_UA), span)?.checked_add(ZERO_UA)
    }
}

/// A loop and what it said last.
#[derive(Clone, Copy, Debug)]
pub struct LoopCurrent {
    scale: Option<LoopScale>,
    last: Option<u64>,
    shown: Sample,
}

impl LoopCurrent {
    /// A loop that has said nothing and is not calibrated.
    pub fn new() -> Self {
        Self { scale: None, last: None, shown: Sample::missing(State::NotPresent) }
    }

    /// Takes a calibration.
    pub fn configure(&mut self, scale: Option<LoopScale>) {
        self.scale = scale;
    }

    /// Takes a conversion; `None`: the converter does not answer.
    pub fn push(&mut self, at: u64, code: Option<i16>) {
        let Some(scale) = self.scale else { return };
        self.last = Some(at);
        self.shown = match code.map(|code| scale.current(code)) {
            None | Some(None) => Sample::missing(State::Fault),
            Some(Some(..BROKEN_BELOW_UA)) => Sample::missing(State::Underrange),
            Some(Some(current)) if current > FAILURE_ABOVE_UA => Sample::missing(State::Overrange),
            Some(Some(value)) => Sample { state: State::Good, value },
        };
    }

    /// The current now.
    pub fn sample(&self, now: u64) -> Sample {
        if self.scale.is_none() { Sample::missing(State::NotPresent) } else { aged_since(self.shown, self.last, now) }
    }
}

impl Default for LoopCurrent {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // 250 Ω at ±6.144 V full scale of 2^15: 4 mA are 1 V or 5333 codes, 20 mA 5 V or 26 667.
    const SCALE: LoopScale = LoopScale { at_4_ma: 5333, at_20_ma: 26_667 };

    #[test]
    fn limits_are_those_of_ne_43() {
        let state = |code| {
            let mut current = LoopCurrent::new();
            current.configure(Some(SCALE));
            current.push(0, code);
            current.sample(0)
        };
        let good = |value| Sample { state: State::Good, value };
        assert_eq!(state(Some(5333)), good(4000));
        assert_eq!(state(Some(26_667)), good(20_000));
        assert_eq!(state(Some(16_000)), good(12_000));
        assert_eq!(state(Some(4800)), good(3600));
        assert_eq!(state(Some(4798)), Sample::missing(State::Underrange));
        assert_eq!(state(Some(0)), Sample::missing(State::Underrange));
        assert_eq!(state(Some(28_000)), good(21_000));
        assert_eq!(state(Some(28_002)), Sample::missing(State::Overrange));
        assert_eq!(state(Some(i16::MAX)), Sample::missing(State::Overrange));
        assert_eq!(state(None), Sample::missing(State::Fault));
    }

    #[test]
    fn a_loop_without_calibration_is_not_there() {
        let mut current = LoopCurrent::new();
        current.push(0, Some(7));
        assert_eq!(current.sample(0), Sample::missing(State::NotPresent));
        assert_eq!(LoopScale { at_4_ma: 5, at_20_ma: 5 }.current(5), None);
    }

    proptest! {
        #[test]
        fn a_current_is_the_nearest_of_the_line(low: i16, above in 1..=u16::MAX, code: i16) {
            let Ok(high) = i16::try_from(i32::from(low) + i32::from(above)) else { return Ok(()) };
            let exact = (i64::from(code) - i64::from(low)) * 16_000;
            let got = i64::from(LoopScale { at_4_ma: low, at_20_ma: high }.current(code).unwrap()) - 4_000;
            prop_assert!((got * i64::from(above) - exact).abs() * 2 <= i64::from(above));
        }
    }
}
