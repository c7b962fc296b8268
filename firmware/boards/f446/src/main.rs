//! The instrument node on a Nucleo-F446RE.
//!
//! | pin | Nucleo | line |
//! |---|---|---|
//! | PA9, PA10, PA8 | D8, D2, D7 | RS-485 with Modbus: transmit, receive, driver enable (USART1) |
//! | PC7 | D9 | the old serial scale, receive, behind an RS-232 receiver (USART6) |
//! | PB8, PB9 | D15, D14 | two-wire bus: EEPROM AT24C32 0x50, NAU7802 0x2A, ADS1115 0x49, TMP102 0x48 (I2C1) |
//! | PA0 | A0 | pulses, falling edge (TIM2 ETR) |
//! | PB5 | D4 | jumper under the seal to ground: fitted, the seal is open |
//!
//! It keeps no log: cause of the reset, fault record and hash are registers.
//!
//! The core runs at 84 MHz from the 8 MHz crystal clock of the probe: time is measured, and the chip's own oscillator
//! is good for one per cent only. Not run on hardware: it builds, and its sizes are checked.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod chip;
#[cfg(target_os = "none")]
mod clock;
#[cfg(all(target_os = "none", feature = "update"))]
mod flash;
#[cfg(target_os = "none")]
mod life;
#[cfg(target_os = "none")]
mod pulses;
#[cfg(target_os = "none")]
mod shared;
#[cfg(target_os = "none")]
mod uart;
#[cfg(target_os = "none")]
mod update;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("firmware for a Cortex-M: build it with firmware/toolchain");
}
