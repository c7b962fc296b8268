//! Where time enters: one trait, read at the rim and passed on as values.
//!
//! ```text
//! CLOCK_BOOTTIME, CLOCK_REALTIME ─► Moment ─┐
//! adjtimex: synchronised? how far off? ─► Kernel ─► ClockWatch ─► quality, error, source of every record
//!   └► clock service ─► unix socket ──────┤            │            (in a sandbox that forbids adjtimex)
//! receipts of the centre ───────────────────┘            └─► time-step, time-repair
//! ```
//!
//! [`ClockWatch`] is the judgement and reads nothing itself. It never corrects a clock and never re-stamps a record: that
//! is the host's time service's work, or nobody's.

mod calendar;
mod memory;
mod runtime;
mod served;
pub mod service;
mod system;
mod watch;
mod word;

use std::fmt::Debug;

use tidewaiter_drivers::reading::Moment;

pub use calendar::ClaimedDate;
pub use memory::Memory;
pub(crate) use memory::NOTE;
pub use runtime::{RuntimeClock, SetClock};
pub use served::{SOCKET, ServedClock, Source, Unanswered};
pub use system::SystemClock;
pub use watch::{Claim, ClockWatch, Policy, WALL_FLOOR_MS};
pub use word::{Word, WordError};

/// The two clocks of a machine, and what the machine says of them.
pub trait Clock: Send + Sync + Debug {
    /// Both clocks, read together.
    fn now(&self) -> Moment;

    /// How the kernel's wall clock is kept right now. By default nobody keeps it.
    fn kernel(&self) -> Kernel {
        Kernel::default()
    }

    /// What stays the same until the machine starts again. By default nothing is known.
    fn host(&self) -> Host {
        Host::default()
    }
}

/// How the kernel's wall clock is kept, as `adjtimex(2)` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// A time service keeps it within this many milliseconds; `None` when none does.
    pub synchronised: Option<u64>,
    /// A leap second is announced, under way or just over.
    pub leap: bool,
    /// The clock is being corrected faster than any crystal drifts: how much is left to correct is not known.
    pub slewing: bool,
    /// Milliseconds the host has slept since it started: `CLOCK_BOOTTIME` less `CLOCK_MONOTONIC`.
    pub asleep_ms: u64,
}

/// One uptime of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Tells one start of the machine from the next (`/proc/sys/kernel/random/boot_id`); `None` when it cannot be told.
    pub start: Option<String>,
    /// The wall clock was set from a battery-backed one when the machine started.
    pub rtc: bool,
}
