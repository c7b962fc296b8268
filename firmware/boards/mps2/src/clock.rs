//! Time: CMSDK timer 0 counts freely, timer 1 wakes the loop (Arm DDI 0479, APB timer; 25 MHz).

use core::cell::RefCell;

use critical_section::Mutex;
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

/// Nobody may have looked for as long as a wrap takes; here somebody does.
pub(crate) extern "C" fn counter_wrapped() {
    COUNTER.clear.write(1);
    now();
}

pub(crate) extern "C" fn alarm_rang() {
    ALARM.clear.write(1);
}
