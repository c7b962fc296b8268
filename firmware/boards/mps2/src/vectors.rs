//! Interrupts of the board and where they lead.

use cortex_m::interrupt::InterruptNumber;

use crate::{clock, uart};

/// Interrupts in use, by their number (QEMU `hw/arm/mps2.c`; Arm DAI 0385, table of interrupts).
#[derive(Clone, Copy, Debug)]
#[repr(u16)]
pub(crate) enum Irq {
    Uart0Received = 0,
    Uart0Sent = 1,
    Uart1Received = 2,
    Uart2Received = 4,
    Timer0 = 8,
    Timer1 = 9,
    Uart3Sent = 19,
}

#[allow(unsafe_code, reason = "the trait asks the implementor to vouch for the numbers")]
// SAFETY: the numbers are those of the board, and the vector table below has an entry for each.
unsafe impl InterruptNumber for Irq {
    fn number(self) -> u16 {
        self as u16
    }
}

/// Lets an interrupt through.
#[allow(unsafe_code, reason = "unmasking is unsafe where code relies on masking; nothing here does")]
pub(crate) fn unmask(irq: Irq) {
    // SAFETY: what interrupts share is behind critical sections, which work on PRIMASK and not on single interrupts.
    unsafe { cortex_m::peripheral::NVIC::unmask(irq) }
}

extern "C" fn unexpected() {
    panic!("an interrupt that nobody asked for");
}

/// The table that follows the sixteen exceptions of the core.
#[allow(unsafe_code, reason = "the start-up code finds the table by section and name")]
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [extern "C" fn(); 32] = {
    let mut table: [extern "C" fn(); 32] = [unexpected; 32];
    let [received0, sent0, received1, _, received2, _, _, _, timer0, timer1, ..] = &mut table;
    *received0 = uart::bus_received;
    *sent0 = uart::bus_sent;
    *received1 = uart::plant_received;
    *received2 = uart::scale_received;
    *timer0 = clock::counter_wrapped;
    *timer1 = clock::alarm_rang;
    let [.., log, _, _, _, _, _, _, _, _, _, _, _, _] = &mut table;
    *log = uart::log_sent;
    table
};
