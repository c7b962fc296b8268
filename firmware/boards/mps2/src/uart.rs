//! CMSDK UARTs (Arm DDI 0479, APB UART): one byte of buffer each way, an interrupt for each.
//!
//! | number | line |
//! |---|---|
//! | 0 | RS-485 with Modbus |
//! | 1 | plant link: the simulated front end speaks, nobody answers |
//! | 2 | the old serial scale |
//! | 3 | log, out only |
//!
//! QEMU does not pace bytes by the rate, nor does it have parity; the divisor is set as a real board would need it.

use core::cell::RefCell;

use critical_section::Mutex;
use tidewaiter_app::board::line::{Received, Sending};

use crate::{
    clock,
    mmio::Register,
    vectors::{Irq, unmask},
};

/// Clock of the UARTs, Hz.
const CLOCK: u32 = 25_000_000;

struct Uart {
    bytes: Register,
    state: Register,
    control: Register,
    interrupts: Register,
    divisor: Register,
}

const fn uart(base: usize) -> Uart {
    Uart {
        bytes: Register::at(base, 0x00),
        state: Register::at(base, 0x04),
        control: Register::at(base, 0x08),
        interrupts: Register::at(base, 0x0C),
        divisor: Register::at(base, 0x10),
    }
}

const BUS: Uart = uart(0x4000_4000);
const PLANT: Uart = uart(0x4000_5000);
const SCALE: Uart = uart(0x4000_6000);
const LOG: Uart = uart(0x4000_7000);

/// Bits of the state register.
const SEND_FULL: u32 = 1;
const RECEIVED: u32 = 1 << 1;
const RECEIVE_OVERRUN: u32 = 1 << 3;
/// Bits of the control register.
const SEND: u32 = 1;
const RECEIVE: u32 = 1 << 1;
const SEND_INTERRUPT: u32 = 1 << 2;
const RECEIVE_INTERRUPT: u32 = 1 << 3;
/// Bits of the interrupt register.
const SENT: u32 = 1;
const ARRIVED: u32 = 1 << 1;

/// The loop is away from the lines for a few writes of the store at most, 30 ms: 32 characters at 9600 Bd. QEMU hands
/// over a byte when the one before has been taken, so a faster sender waits.
const QUEUE: usize = 32;
/// The longest ADU of Modbus over a serial line.
const ADU: usize = 256;
/// The longest piece of a line of the log and more; what finds no room is dropped.
const LOG_BYTES: usize = 96;

type Shared<T> = Mutex<RefCell<T>>;

static BUS_IN: Shared<Received<QUEUE>> = Mutex::new(RefCell::new(Received::new()));
static BUS_OUT: Shared<Sending<ADU>> = Mutex::new(RefCell::new(Sending::new()));
static PLANT_IN: Shared<Received<QUEUE>> = Mutex::new(RefCell::new(Received::new()));
static SCALE_IN: Shared<Received<QUEUE>> = Mutex::new(RefCell::new(Received::new()));
static LOG_OUT: Shared<Sending<LOG_BYTES>> = Mutex::new(RefCell::new(Sending::new()));

/// A line that the loop takes bytes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line {
    Bus,
    Plant,
    Scale,
}

impl Line {
    fn parts(self) -> (&'static Uart, &'static Shared<Received<QUEUE>>) {
        match self {
            Self::Bus => (&BUS, &BUS_IN),
            Self::Plant => (&PLANT, &PLANT_IN),
            Self::Scale => (&SCALE, &SCALE_IN),
        }
    }

    /// The oldest byte and its instant, µs.
    pub(crate) fn take(self) -> Option<(u64, u8)> {
        let (_, queue) = self.parts();
        critical_section::with(|section| queue.borrow_ref_mut(section).take(clock::now()))
    }

    /// Bytes lost since this was asked last.
    pub(crate) fn dropped(self) -> u32 {
        let (_, queue) = self.parts();
        critical_section::with(|section| queue.borrow_ref_mut(section).dropped())
    }

    fn is_empty(self, section: critical_section::CriticalSection<'_>) -> bool {
        self.parts().1.borrow_ref(section).is_empty()
    }

    fn received(self) {
        let (uart, queue) = self.parts();
        uart.interrupts.write(ARRIVED);
        if uart.state.read() & RECEIVE_OVERRUN != 0 {
            uart.state.write(RECEIVE_OVERRUN);
        }
        while uart.state.read() & RECEIVED != 0 {
            let [byte, ..] = uart.bytes.read().to_le_bytes();
            critical_section::with(|section| queue.borrow_ref_mut(section).put(clock::now(), byte));
        }
    }
}

/// Opens all lines, at 9600 Bd.
pub(crate) fn start() {
    for uart in [&BUS, &PLANT, &SCALE, &LOG] {
        uart.control.write(0);
        uart.divisor.write(CLOCK / 9_600);
    }
    BUS.control.write(SEND | RECEIVE | SEND_INTERRUPT | RECEIVE_INTERRUPT);
    PLANT.control.write(RECEIVE | RECEIVE_INTERRUPT);
    SCALE.control.write(RECEIVE | RECEIVE_INTERRUPT);
    LOG.control.write(SEND | SEND_INTERRUPT);
    for irq in [Irq::Uart0Received, Irq::Uart0Sent, Irq::Uart1Received, Irq::Uart2Received, Irq::Uart3Sent] {
        unmask(irq);
    }
}

/// Sets the speed of the bus, Bd.
pub(crate) fn set_speed(speed: u32) {
    // 16 is the least the device takes.
    BUS.divisor.write((CLOCK / speed.max(1)).max(16));
}

/// Whether no line has anything for the loop.
pub(crate) fn all_quiet(section: critical_section::CriticalSection<'_>) -> bool {
    [Line::Bus, Line::Plant, Line::Scale].iter().all(|line| line.is_empty(section))
}

fn feed<const N: usize>(uart: &Uart, queue: &Shared<Sending<N>>) {
    critical_section::with(|section| {
        let mut queue = queue.borrow_ref_mut(section);
        while uart.state.read() & SEND_FULL == 0 {
            let Some(byte) = queue.next_byte() else { break };
            uart.bytes.write(u32::from(byte));
        }
    });
}

/// Puts a reply on the bus. A board with a transceiver raises its driver here and lowers it after the last stop bit;
/// the emulated line has none.
pub(crate) fn reply(bytes: &[u8]) {
    critical_section::with(|section| BUS_OUT.borrow_ref_mut(section).start(bytes));
    feed(&BUS, &BUS_OUT);
}

/// Whether a reply is on its way.
pub(crate) fn is_replying() -> bool {
    critical_section::with(|section| !BUS_OUT.borrow_ref(section).is_done())
}

/// Adds text to the log, as far as there is room.
pub(crate) fn log(text: &[u8]) {
    critical_section::with(|section| LOG_OUT.borrow_ref_mut(section).add(text));
    feed(&LOG, &LOG_OUT);
}

pub(crate) extern "C" fn bus_received() {
    Line::Bus.received();
}

pub(crate) extern "C" fn plant_received() {
    Line::Plant.received();
}

pub(crate) extern "C" fn scale_received() {
    Line::Scale.received();
}

pub(crate) extern "C" fn bus_sent() {
    BUS.interrupts.write(SENT);
    feed(&BUS, &BUS_OUT);
}

pub(crate) extern "C" fn log_sent() {
    LOG.interrupts.write(SENT);
    feed(&LOG, &LOG_OUT);
}
