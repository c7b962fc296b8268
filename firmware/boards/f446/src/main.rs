//! The instrument node on a Nucleo-F446RE.
//!
//! | pin | Nucleo | line |
//! |---|---|---|
//! | PA9, PA10, PA8 | D8, D2, D7 | RS-485 with Modbus: transmit, receive, driver enable (USART1) |
//! | PC7 | D9 | the old serial scale, receive, behind an RS-232 receiver (USART6) |
//! | PA2 | D1 | log, to the probe's virtual port (USART2) |
//! | PB8, PB9 | D15, D14 | two-wire bus: EEPROM AT24C32 0x50, NAU7802 0x2A, ADS1115 0x48, TMP102 0x49 (I2C1) |
//! | PA0 | A0 | pulses, rising edge (TIM2 ETR) |
//! | PB5 | D4 | jumper under the seal to ground: fitted, the seal is open |
//!
//! The core runs at 84 MHz from the 8 MHz crystal clock of the probe: time is measured, and the chip's own oscillator
//! is good for one per cent only. Not run on hardware: it builds, and its sizes are checked.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod chip;
#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod pulses;
#[cfg(target_os = "none")]
mod uart;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("firmware for a Cortex-M: build it with firmware/toolchain");
}

#[cfg(target_os = "none")]
mod board {
    use stm32f4xx_hal::{gpio::Speed, pac, prelude::*, rcc::{Config, Enable as _, Reset as _}, watchdog::IndependentWatchdog};
    use tidewaiter_app::{board::past::Stand, store::Parity};
    use tidewaiter_cortex::past;
    use crate::{clock, uart};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        let left = past::take();
        let (Some(chip), Some(core)) = (pac::Peripherals::take(), cortex_m::Peripherals::take()) else { panic!("taken before") };
        let cause = chip.RCC.csr().read();
        let mut rcc = chip.RCC.freeze(Config::hse(8.MHz()).bypass_hse_oscillator().sysclk(84.MHz()));
        clock::start(&mut rcc, core.SYST);
        uart::start(&mut rcc, 19200, Parity::Even);
        let pulses = crate::pulses::Pulses::start(chip.TIM2, &mut rcc); let _ = (left, cause, pulses.total());
        loop { if let Some((_, b)) = uart::bus_byte() { uart::reply(&[b]) } 
            let _ = (uart::scale_byte(), uart::bus_errors(), uart::is_replying());
            uart::log(b"x");
            critical_section::with(|s| if uart::all_quiet(s) { cortex_m::asm::wfi() });
        }
    }
}
