//! The clocks of this machine, and what its kernel says of them.
//!
//! Every common time service (chrony, ntpd, systemd-timesyncd, ptp4l with phc2sys) tells the kernel that the clock is
//! synchronised and how far off it may be, by `adjtimex(2)`. So the kernel is asked, and none of them.

use std::{fs, io};

use rtime_clock::adjtime::{Timex, adjtimex};
use rustix::time::{ClockId, clock_gettime};
use tidewaiter_drivers::reading::Moment;

use super::{Clock, Host, Kernel, word::Word};

/// The clocks of this machine: `CLOCK_BOOTTIME`, which goes on through suspend, and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment { mono_ms: u64::try_from(millis(ClockId::Boottime)).unwrap_or(0), wall_ms: millis(ClockId::Realtime) }
    }

    fn kernel(&self) -> Kernel {
        // Where the question is forbidden, nobody vouches.
        let told = word().map(|word| word.told()).unwrap_or_default();
        Kernel { asleep_ms: asleep_ms(), ..told }
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

/// Asks the kernel how it keeps its wall clock.
///
/// # Errors
///
/// A sandbox may forbid the question.
pub(super) fn word() -> io::Result<Word> {
    let mut timex = Timex::default();
    let mono_ms = SystemClock.now().mono_ms;
    adjtimex(&mut timex).map(|state| Word::new(mono_ms, state, &timex))
}

/// Milliseconds the host has slept since it started.
pub(super) fn asleep_ms() -> u64 {
    u64::try_from(millis(ClockId::Boottime) - millis(ClockId::Monotonic)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_answers() {
        let clock = SystemClock;
        let (first, second) = (clock.now(), clock.now());
        assert!(second.mono_ms >= first.mono_ms && first.wall_ms > super::super::WALL_FLOOR_MS);
        assert!(clock.host().start.is_some());
        let _ = clock.kernel();
    }
}
