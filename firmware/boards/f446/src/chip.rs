//! Peripherals that interrupts and the loop share.
//!
//! The HAL gives a peripheral to one owner; an interrupt has none. What is done with them from here are single writes
//! and reads of registers, inside critical sections where more than one belongs together.

use stm32f4xx_hal::pac;

/// The bus, USART1 (RM0390, 25.6).
#[allow(unsafe_code, reason = "an interrupt shares the registers with the loop")]
pub(crate) fn bus() -> pac::USART1 {
    // SAFETY: nobody else configures or reads this USART, see the module.
    unsafe { pac::USART1::steal() }
}

/// The scale, USART6.
#[allow(unsafe_code, reason = "an interrupt shares the registers with the loop")]
pub(crate) fn scale() -> pac::USART6 {
    // SAFETY: as in `bus`.
    unsafe { pac::USART6::steal() }
}

/// Sets the divisors M, N and Q of the PLL, a P of 4, and the crystal before it (RM0390, 6.3.2).
#[allow(unsafe_code, reason = "not every number is a divisor; `clock` holds these to the rules")]
pub(crate) fn divide(rcc: &pac::RCC, m: u8, n: u16, q: u8) {
    // SAFETY: the numbers have the widths of their fields.
    rcc.pllcfgr().write(|w| unsafe { w.pllm().bits(m).plln().bits(n).pllp().div4().pllq().bits(q).pllsrc().hse() });
}

/// Sets the rate of the two-wire bus, I2C1, in fast mode: its clock in MHz, counts of the longest rise and of a third of
/// a bit (RM0390, 24.6).
#[allow(unsafe_code, reason = "the HAL has the bus and knows no rate; not every number is one")]
pub(crate) fn time_wires(mhz: u8, rise: u8, third: u16) {
    // SAFETY: done once, before the first transaction, and the numbers have the widths of their fields.
    unsafe {
        let wires = pac::I2C1::steal();
        wires.cr1().modify(|_, w| w.pe().clear_bit());
        wires.cr2().write(|w| w.freq().bits(mhz));
        wires.trise().write(|w| w.trise().bits(rise));
        wires.ccr().write(|w| w.f_s().set_bit().duty().clear_bit().ccr().bits(third));
        wires.cr1().modify(|_, w| w.pe().set_bit());
    }
}

/// The free counter, TIM5.
#[allow(unsafe_code, reason = "an interrupt shares the registers with the loop")]
pub(crate) fn counter() -> pac::TIM5 {
    // SAFETY: started once; read ever after.
    unsafe { pac::TIM5::steal() }
}

/// Port A, for the driver-enable pin, which the transmitter's interrupt lowers.
#[allow(unsafe_code, reason = "an interrupt shares the registers with the loop")]
pub(crate) fn port_a() -> pac::GPIOA {
    // SAFETY: BSRR alone is written, whose writes are atomic and name their pin.
    unsafe { pac::GPIOA::steal() }
}

/// Lets an interrupt through.
#[inline(never)]
#[allow(unsafe_code, reason = "unmasking is unsafe where code relies on masking; nothing here does")]
pub(crate) fn unmask(interrupt: pac::Interrupt) {
    // SAFETY: what interrupts share is behind critical sections, which work on PRIMASK and not on single interrupts.
    unsafe { cortex_m::peripheral::NVIC::unmask(interrupt) }
}
