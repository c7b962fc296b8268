//! Where time enters: one trait, read at the rim and passed on as values.

use std::fmt::Debug;

use rustix::time::{ClockId, clock_gettime};
use tidewaiter_drivers::reading::Moment;

/// The two clocks of a machine.
pub trait Clock: Send + Sync + Debug {
    /// Both clocks, read together.
    fn now(&self) -> Moment;
}

/// The clocks of this machine: `CLOCK_BOOTTIME`, which goes on through suspend, and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let mono = clock_gettime(ClockId::Boottime);
        let wall = clock_gettime(ClockId::Realtime);
        Moment {
            mono_ms: u64::try_from(mono.tv_sec * 1000 + mono.tv_nsec / 1_000_000).unwrap_or(0),
            wall_ms: wall.tv_sec * 1000 + wall.tv_nsec / 1_000_000,
        }
    }
}

/// A clock that follows tokio's, so that a paused runtime moves it by hand.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeClock {
    origin: tokio::time::Instant,
    wall_ms: i64,
}

impl RuntimeClock {
    /// Starts at `wall_ms` with the monotonic clock at zero. Must be called inside a runtime.
    pub fn starting_at(wall_ms: i64) -> Self {
        Self { origin: tokio::time::Instant::now(), wall_ms }
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Moment {
        let elapsed = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment { mono_ms: elapsed, wall_ms: self.wall_ms.saturating_add_unsigned(elapsed) }
    }
}
