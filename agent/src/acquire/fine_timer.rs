//! A timer that keeps the silences of a serial line.
//!
//! The runtime counts in milliseconds and rounds up twice, so that a silence of 2 ms takes 3 to 4. On a
//! busy line at 19 200 Bd that is several per cent of its time. The kernel's own timer is late by some
//! ten microseconds, and no processor spins meanwhile.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::{io::unix::AsyncFd, time::Instant};

/// A timer of the kernel (`timerfd_create(2)`), for one wait at a time.
#[derive(Debug)]
pub struct FineTimer(AsyncFd<OwnedFd>);

impl FineTimer {
    /// A timer at rest. Must be called inside a tokio runtime with IO enabled.
    ///
    /// # Errors
    ///
    /// When the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // Its successor is unsafe, since a type could change its descriptor while it is registered. An
        // `OwnedFd` cannot.
        #[allow(deprecated, reason = "sound for an `OwnedFd`")]
        AsyncFd::new(timer).map(Self)
    }

    /// Waits until an instant, and not much longer. A wait given up leaves nothing behind.
    pub async fn sleep_until(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        // A value of zero would stop the timer instead of letting it ring.
        let (Ok(tv_sec), false) = (i64::try_from(left.as_secs()), left.is_zero()) else { return };
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec { tv_sec, tv_nsec: left.subsec_nanos().into() },
        };
        if timerfd_settime(self.0.as_fd(), TimerfdTimerFlags::empty(), &once).is_err() || self.ring().await.is_err() {
            tokio::time::sleep_until(until).await;
        }
    }

    async fn ring(&self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            let rang = ready.try_io(|timer| {
                // How often it rang: once.
                let mut times = [0; 8];
                rustix::io::read(timer.get_ref(), &mut times).map_err(io::Error::from)
            });
            // What was set aside by an earlier wait is no ringing of this one.
            if let Ok(rang) = rang {
                return rang.map(|_| ());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_rings_early_and_can_be_given_up() {
        let timer = FineTimer::new().unwrap();
        for micros in [1, 300, 2005, 4010, 1750] {
            // A wait that is given up must not end the one after it.
            let far = Instant::now() + Duration::from_micros(50);
            let _ = tokio::time::timeout(Duration::ZERO, timer.sleep_until(far)).await;
            let until = Instant::now() + Duration::from_micros(micros);
            timer.sleep_until(until).await;
            assert!(Instant::now() >= until, "{micros} µs");
        }
        timer.sleep_until(Instant::now()).await;
    }
}
