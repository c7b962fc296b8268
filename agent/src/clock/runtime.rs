//! Clocks for test worlds: they follow tokio's clock, which a paused runtime moves by hand.

use std::sync::{Arc, Mutex, PoisonError};

use tidewaiter_drivers::reading::Moment;

use super::{Clock, Host, Kernel};

/// A clock that follows tokio's, so that a paused runtime moves it by hand. Nobody vouches for it.
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

/// A [`RuntimeClock`] whose wall clock, kernel and host a test sets. Copies share what is set.
#[derive(Clone, Debug)]
pub struct SetClock {
    runtime: RuntimeClock,
    set: Arc<Mutex<Set>>,
}

#[derive(Clone, Debug, Default)]
struct Set {
    step_ms: i64,
    kernel: Kernel,
    host: Host,
}

impl SetClock {
    /// Begins as `runtime` does.
    pub fn new(runtime: RuntimeClock) -> Self {
        Self { runtime, set: Arc::default() }
    }

    /// Steps the wall clock by so many milliseconds.
    pub fn step(&self, by_ms: i64) {
        self.with(|set| set.step_ms = set.step_ms.saturating_add(by_ms));
    }

    /// What the kernel says from now on.
    pub fn keep(&self, kernel: Kernel) {
        self.with(|set| set.kernel = kernel);
    }

    /// Which uptime of the machine this is.
    pub fn on(&self, host: Host) {
        self.with(|set| set.host = host);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Set) -> T) -> T {
        act(&mut self.set.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for SetClock {
    fn now(&self) -> Moment {
        let now = self.runtime.now();
        Moment { wall_ms: now.wall_ms.saturating_add(self.with(|set| set.step_ms)), ..now }
    }

    fn kernel(&self) -> Kernel {
        self.with(|set| set.kernel)
    }

    fn host(&self) -> Host {
        self.with(|set| set.host.clone())
    }
}
