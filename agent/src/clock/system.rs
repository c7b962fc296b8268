//! The clocks of this machine, and what its kernel says of them.
//!
//! Every common time service (chrony, ntpd, systemd-timesyncd, ptp4l with phc2sys) tells the kernel that the clock is
//! synchronised and how far off it may be, by `adjtimex(2)`. So the kernel is asked, and none of them.

use std::fs;

use rtime_clock::adjtime::{Timex, adjtimex};
use rustix::time::{ClockId, clock_gettime};
use tidewaiter_drivers::reading::Moment;

use super::{Clock, Host, Kernel};

/// The clock is not synchronised (`<linux/timex.h>`).
const STA_UNSYNC: i32 = 0x0040;
/// A leap second is to be inserted, or left out, at the end of the day.
const STA_LEAP: i32 = 0x0010 | 0x0020;
/// `offset` counts nanoseconds, not microseconds.
const STA_NANO: i32 = 0x2000;
/// The clock has a fault, or is not synchronised.
const TIME_ERROR: i32 = 5;
/// A leap second is under way, or has just been.
const TIME_LEAP: [i32; 2] = [3, 4];
/// Length of a tick at nominal speed, microseconds, and how far from it is faster than any crystal drifts (0.1 %).
const TICK_US: (i64, u64) = (10_000, 10);

/// The clocks of this machine: `CLOCK_BOOTTIME`, which goes on through suspend, and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment { mono_ms: u64::try_from(millis(ClockId::Boottime)).unwrap_or(0), wall_ms: millis(ClockId::Realtime) }
    }

    fn kernel(&self) -> Kernel {
        let mut timex = Timex::default();
        let asleep_ms = u64::try_from(millis(ClockId::Boottime) - millis(ClockId::Monotonic)).unwrap_or(0);
        match adjtimex(&mut timex) {
            Ok(state) => Kernel { asleep_ms, ..told(state, &timex) },
            // A sandbox may forbid the question; then nobody vouches.
            Err(_) => Kernel { asleep_ms, ..Kernel::default() },
        }
    }

    fn host(&self) -> Host {
        let start = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned());
        let clocks = fs::read_dir("/sys/class/rtc").into_iter().flatten().flatten();
        let rtc = clocks
            .map(|clock| clock.path().join("hctosys"))
            .any(|set| fs::read_to_string(set).is_ok_and(|text| text.trim() == "1"));
        Host { start, rtc }
    }
}

fn millis(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

fn told(state: i32, timex: &Timex) -> Kernel {
    let timex = &timex.0;
    let synchronised = state != TIME_ERROR && timex.status & STA_UNSYNC == 0;
    let offset_us = timex.offset.unsigned_abs() / if timex.status & STA_NANO == 0 { 1 } else { 1000 };
    let error_us = u64::try_from(timex.maxerror).unwrap_or(u64::MAX).saturating_add(offset_us);
    Kernel {
        synchronised: synchronised.then_some(error_us.div_ceil(1000)),
        leap: timex.status & STA_LEAP != 0 || TIME_LEAP.contains(&state),
        slewing: timex.tick.abs_diff(TICK_US.0) >= TICK_US.1,
        asleep_ms: 0,
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
        ];
        for (state, status, maxerror, offset, tick, synchronised, leap, slewing) in rows {
            let mut timex = Timex::default();
            (timex.0.status, timex.0.maxerror, timex.0.offset, timex.0.tick) = (status, maxerror, offset, tick);
            assert_eq!(
                told(state, &timex),
                Kernel { synchronised, leap, slewing, asleep_ms: 0 },
                "{state} {status:#x}"
            );
        }
    }

    #[test]
    fn this_machine_answers() {
        let clock = SystemClock;
        let (first, second) = (clock.now(), clock.now());
        assert!(second.mono_ms >= first.mono_ms && first.wall_ms > super::super::WALL_FLOOR_MS);
        assert!(clock.host().start.is_some());
        let _ = clock.kernel();
    }
}
