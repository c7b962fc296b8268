//! Time: CMSDK timer 0 counts freely, timer 1 wakes the loop (Arm DDI 0479, APB timer; 25 MHz).

use core::cell::{Cell, RefCell};

use critical_section::{CriticalSection, Mutex};
use tidewaiter_app::{board::clock::Extended, input::quotient};

use crate::{
    mmio::Register,
    vectors::{Irq, unmask},
};

/// Counts of a microsecond.
const COUNTS_US: u16 = 25;

struct Timer {
    control: Register,
    value: Register,
    reload: Register,
    clear: Register,
}

const fn timer(base: usize) -> Timer {
    Timer {
        control: Register::at(base, 0x0),
        value: Register::at(base, 0x4),
        reload: Register::at(base, 0x8),
        clear: Register::at(base, 0xC),
    }
}

const COUNTER: Timer = timer(0x4000_0000);
const ALARM: Timer = timer(0x4000_1000);
/// Bits of the control register.
const ENABLED: u32 = 1;
const INTERRUPTS: u32 = 1 << 3;

/// When the alarm that was set last is to ring, and how late it did, µs.
static DUE: Mutex<Cell<Option<u64>>> = Mutex::new(Cell::new(None));
static LATE: Mutex<Cell<Option<u32>>> = Mutex::new(Cell::new(None));
static SO_FAR: Mutex<RefCell<Extended>> = Mutex::new(RefCell::new(Extended::new()));

/// Starts the counter at zero.
pub(crate) fn start() {
    COUNTER.reload.write(u32::MAX);
    COUNTER.value.write(u32::MAX);
    COUNTER.control.write(ENABLED | INTERRUPTS);
    unmask(Irq::Timer0);
    unmask(Irq::Timer1);
}

/// Microseconds since [`start`].
pub(crate) fn now() -> u64 {
    critical_section::with(|section| {
        // The counter counts down.
        quotient(SO_FAR.borrow_ref_mut(section).counts(!COUNTER.value.read()), COUNTS_US)
    })
}

/// Wakes the loop every `period_us` from now on.
pub(crate) fn wake_every(period_us: u32) {
    ALARM.control.write(0);
    ALARM.reload.write(period_us.saturating_mul(u32::from(COUNTS_US)));
    ALARM.value.write(period_us.saturating_mul(u32::from(COUNTS_US)));
    ALARM.control.write(ENABLED | INTERRUPTS);
}

/// Rings at an instant to come, and wakes the loop; [`rang`] then says how late that was.
pub(crate) fn wake_at(due: u64) {
    critical_section::with(|section| {
        let left = u32::try_from(due.saturating_sub(now())).unwrap_or(u32::MAX).max(1);
        wake_every(left);
        DUE.borrow(section).set(Some(due));
    });
}

/// How late the alarm of [`wake_at`] rang, once for each, µs. The next wakes the loop after `period_us`, unless one is set.
pub(crate) fn rang(period_us: u32) -> Option<u32> {
    critical_section::with(|section| {
        let late = LATE.borrow(section).take()?;
        if DUE.borrow(section).get().is_none() {
            wake_every(period_us);
        }
        Some(late)
    })
}

/// Whether it has not rung since [`rang`] was asked.
pub(crate) fn is_silent(section: CriticalSection<'_>) -> bool {
    LATE.borrow(section).get().is_none()
}

/// Nobody may have looked for as long as a wrap takes; here somebody does.
pub(crate) extern "C" fn counter_wrapped() {
    COUNTER.clear.write(1);
    now();
}

pub(crate) extern "C" fn alarm_rang() {
    ALARM.clear.write(1);
    critical_section::with(|section| {
        if let Some(due) = DUE.borrow(section).take() {
            // Once; the loop sets it anew.
            ALARM.control.write(0);
            LATE.borrow(section).set(Some(u32::try_from(now().saturating_sub(due)).unwrap_or(u32::MAX)));
        }
    });
}
