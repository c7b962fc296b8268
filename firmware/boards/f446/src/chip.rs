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
