//! From the reset to the image.

use embedded_hal::delay::DelayNs;
use tidewaiter_app::{
    device::at24::At24,
    store,
    update::boot::{self, Boot},
};
use tidewaiter_cortex::{past, start};

use crate::{
    flash::{ACTIVE, IMAGES, STATE},
    mmio::Register,
    sbcon::Sbcon,
    watchdog,
};

/// Bytes of the EEPROM.
const EEPROM: u16 = 4096;
/// Bytes copied at a time.
const BUFFER: usize = 256;
/// UART 3, the log (Arm DDI 0479, APB UART): byte, state, control, divisor.
const LOG: [Register; 4] = {
    const BASE: usize = 0x4000_7000;
    [Register::at(BASE, 0), Register::at(BASE, 4), Register::at(BASE, 8), Register::at(BASE, 0x10)]
};
const SEND_FULL: u32 = 1;
const SEND: u32 = 1;
/// LEDs of the board (Arm DAI 0385, FPGA IO).
const LEDS: Register = Register::at(0x4002_8000, 0);

/// Waits by counting; nothing here is to the microsecond.
struct Wait;

impl DelayNs for Wait {
    fn delay_ns(&mut self, ns: u32) {
        cortex_m::asm::delay(ns / 40 + 1);
    }
}

fn log(text: &[u8]) {
    let [byte, state, control, divisor] = &LOG;
    divisor.write(25_000_000 / 9_600);
    control.write(SEND);
    for letter in text {
        while state.read() & SEND_FULL != 0 {}
        byte.write(u32::from(*letter));
    }
}

/// There is nothing that may be started: a light that blinks, a word in the log, and a watchdog that is fed, for a reset
/// would find the same.
fn halt() -> ! {
    log(b"loader: no image that may be started\n");
    for light in [1, 0].into_iter().cycle() {
        LEDS.write(light);
        watchdog::feed();
        cortex_m::asm::delay(2_500_000);
    }
    past::restart()
}

#[cortex_m_rt::entry]
fn main() -> ! {
    watchdog::start();
    let mut memory = At24::new(Sbcon::new(), Wait, At24::<Sbcon, Wait>::ADDRESS, EEPROM);
    let floor = store::security_counter(&mut memory);
    match boot::prepare(ACTIVE, IMAGES, STATE, floor, &mut [0; BUFFER]) {
        Ok(Boot::Run(image)) => start::image(ACTIVE.base + image.entry),
        Ok(Boot::Halt) => halt(),
        Err(_) => {
            log(b"loader: the flash refuses\n");
            past::restart()
        }
    }
}

/// The table of interrupts, of which the loader has none; the start-up code asks for an entry.
#[allow(unsafe_code, reason = "the start-up code finds the table by section and name")]
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [usize; 1] = [0];
