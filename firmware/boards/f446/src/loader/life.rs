//! From the reset to the image, at the 16 MHz that the chip starts with.

use embedded_hal::delay::DelayNs;
use stm32f4xx_hal::{gpio::PinState, i2c::I2c1, pac, prelude::*};
use tidewaiter_app::{
    device::at24::At24,
    store,
    update::boot::{self, Boot},
};
use tidewaiter_cortex::{past, start};

use crate::flash::{ACTIVE, IMAGES, STATE};

/// Bytes of the EEPROM.
const EEPROM: u16 = 4096;
/// Bytes copied at a time.
const BUFFER: usize = 512;
/// Counts of the watchdog, of 2 ms each: eight seconds. The longest without food is the hash of a whole partition, one
/// second; the image sets its own.
const UNFED: u16 = 4095;
/// Cycles of 10 µs: half a clock of a slow two-wire bus.
const HALF_CLOCK: u32 = 160;
/// Cycles between two changes of the light.
const BLINK: u32 = 4_000_000;

/// Waits by counting; nothing here is to the microsecond.
struct Wait;

impl DelayNs for Wait {
    fn delay_ns(&mut self, ns: u32) {
        cortex_m::asm::delay(ns / 62 + 1);
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let Some(chip) = pac::Peripherals::take() else { past::restart() };
    let watchdog = chip.IWDG;
    watchdog.kr().write(|w| w.key().unlock());
    // Of the 32 kHz of its own oscillator.
    watchdog.pr().write(|w| w.pr().divide_by64());
    watchdog.rlr().write(|w| w.rl().set(UNFED));
    watchdog.kr().write(|w| w.key().feed());
    watchdog.kr().write(|w| w.key().start());
    let mut rcc = chip.RCC.constrain();
    let (a, b) = (chip.GPIOA.split(&mut rcc), chip.GPIOB.split(&mut rcc));
    let mut light = a.pa5.into_push_pull_output();

    // A memory left in the middle of a byte by a reset of this side alone holds the bus; it lets go within nine clocks.
    let mut clock = b.pb8.into_open_drain_output_in_state(PinState::High);
    let mut data = b.pb9.into_open_drain_output_in_state(PinState::High);
    for beat in 0..10 {
        clock.set_low();
        // The last one ends in a stop.
        data.set_state(if beat == 9 { PinState::Low } else { PinState::High });
        cortex_m::asm::delay(HALF_CLOCK);
        clock.set_high();
        cortex_m::asm::delay(HALF_CLOCK);
    }
    data.set_high();
    let bus = I2c1::new(chip.I2C1, (clock, data), 100.kHz(), &mut rcc);
    let mut memory = At24::new(bus, Wait, At24::<I2c1, Wait>::ADDRESS, EEPROM);

    let floor = store::security_counter(&mut memory);
    match boot::prepare(ACTIVE, IMAGES, STATE, floor, &mut [0; BUFFER]) {
        Ok(Boot::Run(image)) => start::image(ACTIVE.base + image.entry),
        // There is nothing that may be started: the light blinks, and the watchdog is fed, for a reset would find the same.
        Ok(Boot::Halt) => loop {
            light.toggle();
            watchdog.kr().write(|w| w.key().feed());
            cortex_m::asm::delay(BLINK);
        },
        Err(_) => past::restart(),
    }
}
