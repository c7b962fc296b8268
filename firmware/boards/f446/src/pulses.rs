//! The pulse counter: TIM2 counts the falling edges at its trigger input (RM0390, 17.3.3, external clock mode 2).
//!
//! The counter has 32 bits and counts while the core does something else; none is lost to a late loop.

use stm32f4xx_hal::{
    pac::TIM2,
    rcc::{Enable as _, Rcc, Reset as _},
};

/// The counter.
pub(crate) struct Pulses(TIM2);

impl Pulses {
    /// Starts it. PA0 has its function already.
    pub(crate) fn start(counter: TIM2, rcc: &mut Rcc) -> Self {
        TIM2::enable(rcc);
        TIM2::reset(rcc);
        counter.arr().write(|w| w.set(u32::MAX));
        // Four samples of the timer's clock must agree: 48 ns, shorter than any pulse of a counting tube's electronics.
        counter.smcr().write(|w| w.ece().set_bit().etp().set_bit().etf().set(2));
        counter.cr1().write(|w| w.cen().set_bit());
        Self(counter)
    }

    /// Pulses so far, wrapping.
    pub(crate) fn total(&self) -> u32 {
        self.0.cnt().read().bits()
    }
}
