//! The serial lines: bytes with their instants in, replies out, the RS-485 driver raised no longer than needed.

use core::{
    cell::RefCell,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use critical_section::{CriticalSection, Mutex};
use stm32f4xx_hal::{
    pac::{Interrupt, USART1, USART6, interrupt},
    rcc::{Enable as _, Rcc, Reset as _},
};
use tidewaiter_app::{
    board::line::{Received, Sending},
    store::Parity,
};

use crate::{chip, clock};

/// The loop is away from the lines for a few writes of the store at most, 30 ms: 32 characters at 9600 Bd. Faster, a client
/// that does not wait for the reply to its write loses the head of its next request, and asks again.
const QUEUE: usize = 32;
/// The longest ADU of Modbus over a serial line.
const ADU: usize = 256;

type Shared<T> = Mutex<RefCell<T>>;

static BUS_IN: Shared<Received<QUEUE>> = Mutex::new(RefCell::new(Received::new()));
static BUS_OUT: Shared<Sending<ADU>> = Mutex::new(RefCell::new(Sending::new()));
static SCALE_IN: Shared<Received<QUEUE>> = Mutex::new(RefCell::new(Received::new()));
/// Framing, parity, noise and overrun errors of the bus that the loop has not heard of yet.
static BUS_ERRORS: AtomicU32 = AtomicU32::new(0);

/// Divisor of a rate with 16 samples a bit, rounded: whole part and sixteenths.
fn divisor(speed: u32) -> (u16, u8) {
    let sixteenths = u16::try_from((clock::CORE_MHZ * 1_000_000 + speed / 2) / speed.max(1)).unwrap_or(u16::MAX);
    let [fraction, _] = (sixteenths & 15).to_le_bytes();
    (sixteenths >> 4, fraction)
}

/// Opens the scale at 9600 8N1. The pins have their functions already.
pub(crate) fn start(rcc: &mut Rcc) {
    USART1::enable(rcc);
    USART1::reset(rcc);
    USART6::enable(rcc);
    USART6::reset(rcc);
    let scale = chip::scale();
    let (whole, fraction) = divisor(9_600);
    scale.brr().write(|w| w.div_mantissa().set(whole).div_fraction().set(fraction));
    scale.cr1().write(|w| w.re().set_bit().rxneie().set_bit().ue().set_bit());
    chip::unmask(Interrupt::USART6);
}

/// Opens the bus with its settings.
pub(crate) fn set_bus(speed: u32, parity: Parity) {
    let bus = chip::bus();
    let (whole, fraction) = divisor(speed);
    bus.brr().write(|w| w.div_mantissa().set(whole).div_fraction().set(fraction));
    // Without parity the standard wants a second stop bit (Modbus over serial line V1.02, 2.5.1).
    bus.cr2().write(|w| if parity == Parity::None { w.stop().stop2() } else { w.stop().stop1() });
    bus.cr1().write(|w| {
        w.m().bit(parity != Parity::None).pce().bit(parity != Parity::None).ps().bit(parity == Parity::Odd);
        w.te().set_bit().re().set_bit().rxneie().set_bit().ue().set_bit()
    });
    chip::unmask(Interrupt::USART1);
}

fn take(queue: &Shared<Received<QUEUE>>) -> Option<(u64, u8)> {
    critical_section::with(|section| queue.borrow_ref_mut(section).take(clock::now()))
}

/// The oldest byte of the bus and its instant, µs.
pub(crate) fn bus_byte() -> Option<(u64, u8)> {
    take(&BUS_IN)
}

/// The oldest byte of the scale and its instant, µs.
pub(crate) fn scale_byte() -> Option<(u64, u8)> {
    take(&SCALE_IN)
}

/// Errors of the bus since this was asked last, lost bytes among them.
pub(crate) fn bus_errors() -> u32 {
    let dropped = critical_section::with(|section| BUS_IN.borrow_ref_mut(section).dropped());
    BUS_ERRORS.swap(0, Relaxed).saturating_add(dropped)
}

/// Whether no line has anything for the loop.
pub(crate) fn all_quiet(section: CriticalSection<'_>) -> bool {
    BUS_IN.borrow_ref(section).is_empty() && SCALE_IN.borrow_ref(section).is_empty()
}

/// Puts a reply on the bus: driver on, bytes, and off after the last stop bit.
pub(crate) fn reply(bytes: &[u8]) {
    critical_section::with(|section| {
        BUS_OUT.borrow_ref_mut(section).start(bytes);
        chip::port_a().bsrr().write(|w| w.bs8().set_bit());
        chip::bus().cr1().modify(|_, w| w.txeie().set_bit().tcie().clear_bit());
    });
}

/// Whether a reply is on its way.
pub(crate) fn is_replying() -> bool {
    critical_section::with(|section| !BUS_OUT.borrow_ref(section).is_done())
}

#[interrupt]
fn USART1() {
    let bus = chip::bus();
    let status = bus.sr().read();
    let broken = status.ore().bit() || status.fe().bit() || status.pe().bit() || status.nf().bit();
    if status.rxne().bit() || broken {
        // Reading the byte clears all of it.
        let [byte, _] = bus.dr().read().dr().bits().to_le_bytes();
        if broken {
            BUS_ERRORS.fetch_add(1, Relaxed);
        }
        if status.rxne().bit() {
            // With parity in a word of nine bits the ninth is the parity, and it is not in this byte.
            critical_section::with(|section| BUS_IN.borrow_ref_mut(section).put(clock::now(), byte));
        }
    }
    critical_section::with(|section| {
        let enabled = bus.cr1().read();
        if enabled.txeie().bit() && bus.sr().read().txe().bit() {
            match BUS_OUT.borrow_ref_mut(section).next_byte() {
                Some(byte) => {
                    bus.dr().write(|w| w.dr().set(u16::from(byte)));
                }
                // The last byte has left the buffer and not yet the wire.
                None => {
                    bus.cr1().modify(|_, w| w.txeie().clear_bit().tcie().set_bit());
                }
            }
        } else if enabled.tcie().bit() && bus.sr().read().tc().bit() {
            bus.cr1().modify(|_, w| w.tcie().clear_bit());
            chip::port_a().bsrr().write(|w| w.br8().set_bit());
        }
    });
}

#[interrupt]
fn USART6() {
    let scale = chip::scale();
    let status = scale.sr().read();
    let [byte, _] = scale.dr().read().dr().bits().to_le_bytes();
    if status.rxne().bit() {
        critical_section::with(|section| SCALE_IN.borrow_ref_mut(section).put(clock::now(), byte));
    }
}
