//! The I/O module beside the lane: coils that somebody else writes, and a watchdog of its own.
//!
//! The one instrument whose state is not a function of scene time: it is what was written to it, until its watchdog
//! finds that nobody writes any more.

use std::sync::{Mutex, PoisonError};

use crate::scene::IoModule;

/// Writes remembered at most, the newest ones.
const REMEMBERED: usize = 50_000;

/// One write to the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoilWrite {
    /// Scene time, milliseconds.
    pub at_ms: i64,
    /// Function code: 5, 6, 15 or 16.
    pub function: u8,
    /// Coil or register.
    pub address: u16,
    /// What it was set to.
    pub value: u16,
}

/// How the module stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lamps {
    /// Names of the coils that are on.
    pub on: Vec<String>,
    /// Times its watchdog has put everything off.
    pub trips: u32,
    /// The watchdog register, tenths of a second.
    pub watchdog: u16,
    /// What was written, oldest first.
    pub writes: Vec<CoilWrite>,
}

#[derive(Debug, Default)]
struct Held {
    coils: Vec<bool>,
    watchdog: u16,
    written_ms: Option<i64>,
    trips: u32,
    writes: Vec<CoilWrite>,
}

/// The module.
#[derive(Debug)]
pub(crate) struct Module {
    setup: IoModule,
    held: Mutex<Held>,
}

impl Module {
    pub(crate) fn new(setup: IoModule) -> Self {
        let watchdog = u16::try_from(setup.watchdog.ms() / 100).unwrap_or(u16::MAX);
        let held = Held { coils: vec![false; setup.coils.len()], watchdog, ..Held::default() };
        Self { setup, held: Mutex::new(held) }
    }

    fn with<T>(&self, now_ms: i64, look: impl FnOnce(&mut Held) -> T) -> T {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = i64::from(held.watchdog) * 100;
        if limit > 0 && held.written_ms.is_some_and(|at| now_ms - at >= limit) {
            // Like the modules of the market: everything off, until somebody writes again.
            held.written_ms = None;
            held.trips += 1;
            held.coils.fill(false);
        }
        look(&mut held)
    }

    pub(crate) fn coils(&self, address: u16, count: u16, now_ms: i64) -> Option<Vec<u16>> {
        self.with(now_ms, |held| {
            let from = usize::from(address);
            let cells = held.coils.get(from..from + usize::from(count))?;
            Some(cells.iter().map(|it| u16::from(*it)).collect())
        })
    }

    pub(crate) fn register(&self, address: u16, now_ms: i64) -> Option<u16> {
        (address == self.setup.watchdog_register).then(|| self.with(now_ms, |held| held.watchdog))
    }

    /// Writes a coil or the watchdog register; `None` where there is nothing to write.
    pub(crate) fn write(&self, function: u8, address: u16, value: u16, now_ms: i64) -> Option<()> {
        self.with(now_ms, |held| {
            if matches!(function, 5 | 15) {
                *held.coils.get_mut(usize::from(address))? = value != 0;
            } else if address == self.setup.watchdog_register {
                held.watchdog = value;
            } else {
                return None;
            }
            held.written_ms = Some(now_ms);
            if held.writes.len() >= REMEMBERED {
                held.writes.drain(..REMEMBERED / 2);
            }
            held.writes.push(CoilWrite { at_ms: now_ms, function, address, value });
            Some(())
        })
    }

    pub(crate) fn lamps(&self, now_ms: i64) -> Lamps {
        self.with(now_ms, |held| Lamps {
            on: self.setup.coils.iter().zip(&held.coils).filter(|(_, on)| **on).map(|(name, _)| name.clone()).collect(),
            trips: held.trips,
            watchdog: held.watchdog,
            writes: held.writes.clone(),
        })
    }
}
