//! The words that no start clears, in the section that the start-up code leaves alone, and who writes them at the end.

use core::{
    panic::PanicInfo,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};
use tidewaiter_app::{
    board::past::{Past, Stand, WORDS},
    input::quotient,
};

use crate::image;

#[allow(unsafe_code, reason = "the section's name is what keeps the words")]
#[unsafe(link_section = ".uninit.past")]
static LEFT: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];
/// Seconds of this run, as the loop saw them last. A handler cannot ask the clock: it may have interrupted it.
static SECONDS: AtomicU32 = AtomicU32::new(0);

/// What the run before has left; `None` after a power-on. From here on this run stands as running.
pub fn take() -> Option<Past> {
    let mut words = [0; WORDS];
    words.iter_mut().zip(&LEFT).for_each(|(word, left)| *word = left.load(Relaxed));
    put(Past::RUNS);
    Past::read(&words)
}

/// Keeps the time of this run for what it may have to leave; `now` in µs.
pub fn keep(now: u64) {
    SECONDS.store(u32::try_from(quotient(quotient(now, 1000), 1000)).unwrap_or(u32::MAX), Relaxed);
}

/// Leaves a word to the next run. `place` and `caller` as in [`Past`].
pub fn leave(stand: Stand, place: u32, caller: u32) {
    put(Past { stand, place, caller, uptime_s: SECONDS.load(Relaxed) });
}

/// Leaves that the restart is meant, and restarts.
pub fn restart() -> ! {
    cortex_m::interrupt::disable();
    leave(Stand::Restarts, 0, 0);
    SCB::sys_reset()
}

fn put(past: Past) {
    LEFT.iter().zip(past.words()).for_each(|(left, word)| left.store(word, Relaxed));
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    let [place, caller] = image::callers();
    leave(Stand::Panic, place, caller);
    SCB::sys_reset()
}

#[allow(unsafe_code, reason = "the core calls this with its own frame; nothing unsafe is done with it")]
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    leave(Stand::CoreFault, frame.pc(), 0);
    SCB::sys_reset()
}
