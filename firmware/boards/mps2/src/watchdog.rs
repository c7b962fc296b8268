//! The CMSDK watchdog (Arm DDI 0479, APB watchdog; 25 MHz): unfed once it interrupts, unfed twice it resets.

use cortex_m_rt::exception;
use tidewaiter_app::board::past::Stand;
use tidewaiter_cortex::past;

use crate::mmio::Register;

const BASE: usize = 0x4000_8000;
const LOAD: Register = Register::at(BASE, 0x000);
const CONTROL: Register = Register::at(BASE, 0x008);
const CLEAR: Register = Register::at(BASE, 0x00C);
const LOCK: Register = Register::at(BASE, 0xC00);

/// What opens the registers.
const KEY: u32 = 0x1ACC_E551;
/// Interrupt and reset.
const ARMED: u32 = 0b11;
/// Half the time after which an unfed node starts anew: half a second, in counts. The loop feeds every 10 ms.
const HALF: u32 = 25_000_000 / 2;

/// Arms it. Nothing disarms it but a reset.
pub(crate) fn start() {
    LOCK.write(KEY);
    LOAD.write(HALF);
    CONTROL.write(ARMED);
    LOCK.write(0);
}

/// Says that the loop goes round.
pub(crate) fn feed() {
    LOCK.write(KEY);
    CLEAR.write(1);
    LOCK.write(0);
}

/// The first half has passed: the board has no register that will tell the next run why it starts, so this does.
/// The interrupt stays raised, and the second half ends in the reset.
#[allow(
    unsafe_code,
    reason = "a handler that nothing masks must not touch what a critical section guards; it does not"
)]
#[exception]
unsafe fn NonMaskableInt() {
    past::leave(Stand::Watchdog, 0, 0);
    loop {
        cortex_m::asm::wfi();
    }
}
