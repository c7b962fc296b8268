//! What the kernel says of its wall clock, as plain data: the answer of `adjtimex(2)`, and the one line in which the clock
//! service passes it on.
//!
//! ```text
//! {"v":1,"mono_ms":5211034,"state":0,"status":8193,"maxerror_us":1500,"offset":-250000,"tick_us":10000}
//! ```
//!
//! | field | unit | from |
//! |---|---|---|
//! | `v` | 1 | this layout; a reader refuses any other, and ignores fields it does not know |
//! | `mono_ms` | ms | `CLOCK_BOOTTIME` when the kernel was asked |
//! | `state` | `TIME_OK` … `TIME_ERROR` | what `adjtimex` returned |
//! | `status` | `STA_…` bits | `timex.status` |
//! | `maxerror_us` | µs | `timex.maxerror`: the bound that the time service gave, growing since |
//! | `offset` | ns with `STA_NANO`, else µs | `timex.offset`: what is still to be corrected |
//! | `tick_us` | µs | `timex.tick` |
//!
//! It is passed on as the kernel said it; what it means is judged once, in [`Word::told`], by whoever uses it.

use rtime_clock::adjtime::Timex;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Kernel;

/// The layout of the line.
const VERSION: u8 = 1;
/// The clock is not synchronised (`<linux/timex.h>`).
const STA_UNSYNC: i32 = 0x0040;
/// A leap second is to be inserted, or left out, at the end of the day.
const STA_LEAP: i32 = 0x0010 | 0x0020;
/// `offset` counts nanoseconds, not microseconds.
const STA_NANO: i32 = 0x2000;
/// States of a clock without a fault: `TIME_OK`, and the four of a leap second. `TIME_ERROR` comes after them.
const TIME_GOOD: std::ops::RangeInclusive<i32> = 0..=4;
/// A leap second is under way, or has just been.
const TIME_LEAP: [i32; 2] = [3, 4];
/// Length of a tick at nominal speed, microseconds, and how far from it is faster than any crystal drifts (0.1 %).
const TICK_US: (i64, u64) = (10_000, 10);

/// Why a line is no word of the kernel.
#[derive(Debug, Error)]
pub enum WordError {
    /// Not such a line.
    #[error("not a line of the clock service: {0}")]
    Shape(#[source] serde_json::Error),
    /// Another layout.
    #[error("layout {0} of the clock service, {VERSION} is understood")]
    Version(u8),
}

/// The answer of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    v: u8,
    /// `CLOCK_BOOTTIME` when it was asked, milliseconds.
    pub mono_ms: u64,
    state: i32,
    status: i32,
    maxerror_us: i64,
    offset: i64,
    tick_us: i64,
}

impl Word {
    /// What `adjtimex` returned and filled in, at `mono_ms`.
    pub(super) fn new(mono_ms: u64, state: i32, timex: &Timex) -> Self {
        let timex = &timex.0;
        Self {
            v: VERSION,
            mono_ms,
            state,
            status: timex.status,
            maxerror_us: timex.maxerror,
            offset: timex.offset,
            tick_us: timex.tick,
        }
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        // Seven whole numbers always have a text; an empty line is no answer.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// Reads a line.
    ///
    /// # Errors
    ///
    /// Whatever is not one whole line in this layout.
    pub fn read(line: &[u8]) -> Result<Self, WordError> {
        let word: Self = serde_json::from_slice(line).map_err(WordError::Shape)?;
        if word.v == VERSION { Ok(word) } else { Err(WordError::Version(word.v)) }
    }

    /// What it means. How long the host has slept is not in it.
    pub fn told(&self) -> Kernel {
        let synchronised = TIME_GOOD.contains(&self.state) && self.status & STA_UNSYNC == 0;
        let offset_us = self.offset.unsigned_abs() / if self.status & STA_NANO == 0 { 1 } else { 1000 };
        let error_us = u64::try_from(self.maxerror_us).unwrap_or(u64::MAX).saturating_add(offset_us);
        Kernel {
            synchronised: synchronised.then_some(error_us.div_ceil(1000)),
            leap: self.status & STA_LEAP != 0 || TIME_LEAP.contains(&self.state),
            slewing: self.tick_us.abs_diff(TICK_US.0) >= TICK_US.1,
            asleep_ms: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_words_are_read_as_adjtimex_means_them() {
        // State, status, maxerror µs, offset, tick µs; synchronised, leap, slewing.
        let rows = [
            (5, 0x0040, 16_000_000, 0, 10_000, None, false, false),
            (0, 0x2001, 1_500, -250_000, 10_000, Some(2), false, false),
            (0, 0x0001, 1_500, 250, 10_000, Some(2), false, false),
            (1, 0x2011, 900, 0, 10_000, Some(1), true, false),
            (4, 0x2001, 900, 0, 10_000, Some(1), true, false),
            (0, 0x2001, 900, 0, 10_500, Some(1), false, true),
            (5, 0x2001, 900, 0, 9_999, None, false, false),
            // No state that the kernel has.
            (6, 0x2001, 900, 0, 10_000, None, false, false),
            (-1, 0x2001, 900, 0, 10_000, None, false, false),
        ];
        for (state, status, maxerror, offset, tick, synchronised, leap, slewing) in rows {
            let mut timex = Timex::default();
            (timex.0.status, timex.0.maxerror, timex.0.offset, timex.0.tick) = (status, maxerror, offset, tick);
            let word = Word::new(7, state, &timex);
            let kernel = Kernel { synchronised, leap, slewing, asleep_ms: 0 };
            assert_eq!(word.told(), kernel, "{state} {status:#x}");
            // Passed on, it says the same.
            assert_eq!(Word::read(word.line().as_bytes()).ok(), Some(word));
        }
    }

    #[test]
    fn a_line_is_taken_whole_in_its_own_layout_or_not_at_all() {
        let good =
            r#"{"v":1,"mono_ms":5211034,"state":0,"status":8193,"maxerror_us":1500,"offset":-250000,"tick_us":10000}"#;
        assert_eq!(Word::read(good.as_bytes()).map(|it| it.told().synchronised).ok(), Some(Some(2)));
        let more = good.replace("\"v\":1", "\"v\":1,\"freq\":12");
        assert!(Word::read(more.as_bytes()).is_ok(), "a later writer may say more");
        for bad in [
            String::new(),
            "{}".to_owned(),
            good.replace("\"v\":1", "\"v\":2"),
            good.replace(",\"tick_us\":10000", ""),
            good.replace("8193", "8193.5"),
            good.replace("5211034", "-1"),
            good.trim_end_matches('}').to_owned(),
            format!("{good}{good}"),
        ] {
            assert!(Word::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
