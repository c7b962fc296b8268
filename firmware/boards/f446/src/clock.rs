//! Time: TIM5 counts microseconds freely, the core's own timer wakes the loop.

use core::cell::RefCell;

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use critical_section::Mutex;
use stm32f4xx_hal::{
    pac::TIM5,
    rcc::{Enable as _, Rcc, Reset as _},
};
use tidewaiter_app::board::clock::Extended;

use crate::chip;

/// The loop comes round at least this often; while a request is held it does not sleep at all.
const WAKE_US: u32 = 250;

/// Clock of the core, of the faster peripherals and of the timers, MHz.
pub(crate) const CORE_MHZ: u32 = 84;

/// Counts of the core's clock in a microsecond, as the divider of a timer takes them.
const MICROSECOND: u16 = 84;
const _: () = assert!(MICROSECOND as u32 == CORE_MHZ);

static SO_FAR: Mutex<RefCell<Extended>> = Mutex::new(RefCell::new(Extended::new()));

/// Starts both.
pub(crate) fn start(rcc: &mut Rcc, mut core: SYST) {
    TIM5::enable(rcc);
    TIM5::reset(rcc);
    let counter = chip::counter();
    // A microsecond.
    counter.psc().write(|w| w.psc().set(MICROSECOND - 1));
    counter.arr().write(|w| w.set(u32::MAX));
    // The divider is taken over with an update.
    counter.egr().write(|w| w.ug().set_bit());
    counter.cr1().write(|w| w.cen().set_bit());

    core.set_clock_source(SystClkSource::Core);
    core.set_reload(CORE_MHZ * WAKE_US - 1);
    core.clear_current();
    core.enable_counter();
    core.enable_interrupt();
}

/// Microseconds since [`start`].
pub(crate) fn now() -> u64 {
    critical_section::with(|section| SO_FAR.borrow_ref_mut(section).counts(chip::counter().cnt().read().bits()))
}

#[exception]
fn SysTick() {}
