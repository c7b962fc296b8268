//! Clocks and time: the core runs from the PLL, TIM5 counts microseconds freely, the core's own timer wakes the loop.
//!
//! The HAL finds divisors for any clock at every start, which takes 0.9 KiB of the node's 32; here stand the ones it
//! finds for this clock, written to the same registers in the same order. What the HAL derives from the clocks it does
//! not know then: the two-wire bus's rate, which is set here too.

use core::cell::RefCell;

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use critical_section::Mutex;
use stm32f4xx_hal::{
    pac::{FLASH, RCC, TIM5},
    rcc::{Enable as _, Rcc, RccExt as _, Reset as _},
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

/// Clock of the crystal, which the probe gives, MHz.
const CRYSTAL_MHZ: u32 = 8;
/// The PLL: the crystal's clock over M is 2 MHz, as its jitter wants it, times N, over P. Q gives 48 MHz to nobody.
const PLL_M: u8 = 4;
const PLL_N: u16 = 168;
const PLL_P: u32 = 4;
const PLL_Q: u8 = 7;
const _: () = assert!(CRYSTAL_MHZ / PLL_M as u32 * PLL_N as u32 / PLL_P == CORE_MHZ);
const _: () = assert!(CRYSTAL_MHZ / PLL_M as u32 == 2 && PLL_N as u32 * 2 == PLL_Q as u32 * 48);
/// Wait states of the flash: one for every 30 MHz above the first, at 2.7 V and more.
const WAIT_STATES: u8 = 2;
const _: () = assert!((CORE_MHZ - 1) / 30 == WAIT_STATES as u32);

/// Clock of the slower peripherals, the two-wire bus among them: half of the core's, 45 MHz at most.
const SLOW_MHZ: u8 = 42;
const _: () = assert!(SLOW_MHZ as u32 * 2 == CORE_MHZ);
/// Counts of it in a third of a clock of the two-wire bus, 400 kHz; low for two of them (RM0390, 24.6.8).
const WIRE_THIRD: u16 = 35;
const _: () = assert!(WIRE_THIRD as u32 * 3 * 400 == SLOW_MHZ as u32 * 1_000);
/// Counts of it in the longest rise, 300 ns, and one (RM0390, 24.6.9).
const WIRE_RISE: u8 = 13;
const _: () = assert!(WIRE_RISE as u32 == SLOW_MHZ as u32 * 300 / 1_000 + 1);

/// Lets the core run from the PLL (RM0390, 6.2 and 3.4.1).
pub(crate) fn run(rcc: RCC, flash: &FLASH) -> Rcc {
    // Slow enough for the clock to come, before it comes.
    flash.acr().modify(|_, w| w.latency().set(WAIT_STATES).prften().set_bit().icen().set_bit().dcen().set_bit());
    chip::divide(&rcc, PLL_M, PLL_N, PLL_Q);
    rcc.cr().modify(|_, w| w.hsebyp().bypassed().hseon().set_bit());
    while rcc.cr().read().hserdy().bit_is_clear() {}
    rcc.cr().modify(|_, w| w.pllon().set_bit());
    while rcc.cr().read().pllrdy().bit_is_clear() {}
    rcc.cfgr().modify(|_, w| w.ppre2().div1().ppre1().div2().hpre().div1());
    // New divisors are in force within 16 clocks.
    cortex_m::asm::delay(16);
    rcc.cfgr().modify(|_, w| w.sw().pll());
    rcc.constrain()
}

/// Sets the rate of the two-wire bus, which the HAL has opened.
pub(crate) fn set_wires() {
    chip::time_wires(SLOW_MHZ, WIRE_RISE, WIRE_THIRD);
}

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
