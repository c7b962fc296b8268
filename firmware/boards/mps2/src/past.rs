//! The words that no start clears, in the section that the start-up code leaves alone.

use core::{
    panic::PanicInfo,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};
use tidewaiter_app::board::past::{Past, Stand, WORDS, name};

use crate::clock;

#[allow(unsafe_code, reason = "the section's name is what keeps the words")]
#[unsafe(link_section = ".uninit.past")]
static LEFT: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];

/// What the run before has left; `None` after a power-on. From here on this run stands as running.
pub(crate) fn take() -> Option<Past> {
    let mut words = [0; WORDS];
    words.iter_mut().zip(&LEFT).for_each(|(word, left)| *word = left.load(Relaxed));
    put(Past::RUNS);
    Past::read(&words)
}

/// Leaves a word to the next run.
pub(crate) fn leave(stand: Stand, place: u32, file: u32, uptime_s: u32) {
    put(Past { stand, place, file, uptime_s });
}

fn put(past: Past) {
    LEFT.iter().zip(past.words()).for_each(|(left, word)| left.store(word, Relaxed));
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    let (place, file) = info.location().map_or((0, 0), |at| (at.line(), name(at.file())));
    leave(Stand::Panic, place, file, clock::seconds());
    SCB::sys_reset()
}

#[allow(unsafe_code, reason = "the core calls this with its own frame; nothing unsafe is done with it")]
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    leave(Stand::CoreFault, frame.pc(), 0, clock::seconds());
    SCB::sys_reset()
}
