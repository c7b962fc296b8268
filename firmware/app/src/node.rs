//! The whole node: what a board calls, and what it gets back.
//!
//! A board calls [`Node::bus_byte`] and the inputs with what its peripherals bring and when, [`Node::bus_poll`] in its
//! main loop as often as it can, and [`Node::tick`] at least ten times a second. It calls no two of them at once:
//! interrupts fill queues, the main loop empties them.

use embedded_storage::Storage;
use tidewaiter_node::{block::NodeKey, map};

pub use tidewaiter_node::map::Reset;

use crate::{
    input::Inputs,
    instant::since,
    line::{Line, Lost, Timing},
    self_test,
    served::Served,
    server::{Address, Counts, Server},
    store::{Bus, Fault, Store},
    update::{NoUpdates, Updates},
};

/// Patience with a frame that stalls on its way through an emulator, µs; gaps of 45 ms have been seen on a busy host.
const PATIENCE_US: u32 = 150_000;
/// From a command to the restart, µs: the reply is on its way at 1200 Bd for 73 ms.
const RESTART_AFTER_US: u64 = 250_000;
/// Longest time without a call of any input, µs. A board calls with `None` where a sensor is silent, so this long
/// without a call is a main loop that has lost its way.
const INPUT_WITHIN_US: u32 = 5_000_000;

/// How long an image on trial has to answer its first request, µs.
const TRIAL_US: u64 = 600_000_000;

/// What the board knows when it starts.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Boot {
    /// Why it started.
    pub reset: Reset,
    /// What went wrong before, where that has survived; `start` is filled in here.
    pub fault: Option<Fault>,
    /// Software identification, at most 32 bytes.
    pub software: &'static str,
    /// SHA-256 of the software that runs.
    pub hash: [u8; 32],
    /// The physical inputs are simulated, and bytes come through an emulator.
    pub simulated: bool,
    /// The seal is open.
    pub seal_open: bool,
    /// A new image runs on trial.
    pub on_trial: bool,
}

/// Why the node wants to start anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Someone asked.
    Command,
    /// Into a new image, or back from one that did not prove itself.
    Update,
}

/// What the board is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Feed the watchdog: every part has run since the last tick.
    pub feed_watchdog: bool,
    /// Start anew.
    pub restart: Option<Restart>,
}

/// An instrument node.
pub struct Node<S: Storage, U: Updates = NoUpdates> {
    line: Line,
    server: Server,
    served: Served<S, U>,
    /// The settings in force: those the store held at the start.
    bus: Bus,
    /// When the silence before the reply just given ended.
    silence_ended: u64,
    polled: bool,
    input_at: u64,
    /// Starvation has been put on record.
    starving: bool,
}

impl<S: Storage> Node<S> {
    /// Starts a node that takes no updates, see [`Self::start_with`].
    pub fn start(storage: S, boot: Boot, now: u64) -> Self {
        Self::start_with(storage, boot, now, |_| NoUpdates)
    }
}

impl<S: Storage, U: Updates> Node<S, U> {
    /// Starts: tries itself, loads what the store has, reserves sequence numbers. `updates` is given the store, as
    /// [`crate::update::Update::open`] wants it.
    ///
    /// It always comes up; what failed shows in status and fault record.
    // The stack it takes is given back before the first request.
    #[inline(never)]
    pub fn start_with(storage: S, boot: Boot, now: u64, updates: impl FnOnce(&mut Store<S>) -> U) -> Self {
        let mut failed = self_test::run();
        let (mut store, loaded) = Store::open(storage);
        let updates = updates(&mut store);
        let identity = loaded.identity.map(|it| (NodeKey::new(it.key), it.serial));
        if store.has_failed() {
            failed |= map::self_test::STORE;
        }
        let mut fault = loaded.fault.filter(|fault| fault.kind != map::fault::NONE);
        let start = store.starts();
        let of_last_start = fault_of_last_start(&boot, fault, start);
        let of_this = (failed != 0).then_some(Fault { kind: map::fault::SELF_TEST, code: failed, uptime_s: 0, start });
        for kept in of_last_start.into_iter().chain(of_this) {
            // A store that refuses it shows in the status; the registers have it either way.
            let _ = store.record_fault(kept);
            fault = Some(kept);
        }
        let timing = Timing::standard(u32::from(loaded.bus.speed).saturating_mul(100));
        let timing = if boot.simulated { timing.patient(PATIENCE_US) } else { timing };
        let mut inputs = Inputs::new();
        if let Some(sealed) = &loaded.config {
            inputs.configure(&sealed.parameters, now);
        }
        // Made where it stays, as the last thing: two of it would not fit onto the stack.
        Self {
            line: Line::new(timing),
            server: Server::new(),
            served: Served {
                seal_open: boot.seal_open,
                boot,
                store,
                updates,
                identity,
                sealed: loaded.config,
                mended: loaded.mended,
                self_test: failed,
                inputs,
                bus: loaded.bus,
                fault,
                started: now,
                now,
                restart: None,
                counts: Counts::default(),
                lost: Lost::default(),
                turnaround_us: 0,
                clear_counters: false,
            },
            bus: loaded.bus,
            silence_ended: now,
            polled: false,
            input_at: now,
            starving: false,
        }
    }

    /// The bus settings in force.
    pub fn bus(&self) -> Bus {
        self.bus
    }

    /// Whether the self-test at the start passed: a new image on trial confirms itself with it.
    pub fn self_test_passed(&self) -> bool {
        self.served.self_test == 0
    }

    /// One conversion of the load cell's 24-bit converter.
    pub fn load_cell(&mut self, at: u64, code: i32) {
        self.input_at = at;
        self.served.inputs.load_cell(at, code);
    }

    /// The wrapping count of the pulse counter.
    pub fn pulses(&mut self, at: u64, total: u32) {
        self.input_at = at;
        self.served.inputs.pulses(at, total);
    }

    /// A code of the loop's converter; `None`: the converter is silent.
    pub fn loop_current(&mut self, at: u64, code: Option<i16>) {
        self.input_at = at;
        self.served.inputs.loop_current(at, code);
    }

    /// A temperature in 1/16 °C; `None`: the sensor is silent.
    pub fn temperature(&mut self, at: u64, sixteenths: Option<i16>) {
        self.input_at = at;
        self.served.inputs.temperature(at, sixteenths);
    }

    /// A byte from the serial scale.
    pub fn scale_byte(&mut self, at: u64, byte: u8) {
        self.input_at = at;
        self.served.inputs.scale_byte(at, byte);
    }

    /// The switch under the seal.
    pub fn seal_switch(&mut self, open: bool) {
        self.served.seal_open = open;
    }

    /// A byte from the bus.
    pub fn bus_byte(&mut self, at: u64, byte: u8) {
        self.line.push(at, byte);
    }

    /// The UART of the bus saw a framing or parity error, or lost a byte.
    pub fn bus_error(&mut self) {
        self.line.break_off();
    }

    /// Whether the bus holds no byte: nothing is due there before the next one and the silence after it.
    pub fn bus_is_idle(&self) -> bool {
        self.line.is_idle()
    }

    /// When a reply may be due; none where [`Self::bus_is_idle`].
    pub fn bus_due(&self) -> Option<u64> {
        self.line.due()
    }

    /// The reply to put on the line now, if a request has ended.
    pub fn bus_poll(&mut self, now: u64) -> Option<&[u8]> {
        self.polled = true;
        let ended = self.line.poll(now)?;
        self.served.now = now;
        self.served.counts = self.server.counts;
        self.served.lost = self.line.lost;
        let address = Address { unit: self.bus.unit, broadcast: self.bus.broadcast };
        let replies = self.server.take(self.line.frame(), address, &mut self.served);
        self.line.clear();
        if core::mem::take(&mut self.served.clear_counters) {
            self.server.counts = Counts::default();
            self.line.lost = Lost::default();
            self.served.turnaround_us = 0;
        }
        self.silence_ended = ended;
        replies.then_some(self.server.reply())
    }

    /// The first byte of the reply has gone out: measures the turnaround, and gives it, µs. Calling it is up to the board.
    pub fn bus_answered(&mut self, at: u64) -> u32 {
        let took = since(at, self.silence_ended);
        self.served.turnaround_us = self.served.turnaround_us.max(took);
        took
    }

    /// Looks whether every part has run, and says what the board is to do.
    pub fn tick(&mut self, now: u64) -> Orders {
        self.served.now = now;
        let sampled = since(now, self.input_at) < INPUT_WITHIN_US;
        let polled = core::mem::take(&mut self.polled);
        let fed = polled && sampled;
        if fed {
            self.starving = false;
        } else if !sampled && !self.starving {
            // On record before the watchdog bites; one tick without a poll is no starvation yet.
            self.starving = true;
            self.record(map::fault::WATCHDOG, u32::from(!polled) | 2, self.served.uptime_s());
        }
        self.served.step_update();
        self.served.store.tend();
        if self.served.on_trial() {
            self.try_image(now);
        }
        let due = |&(_, asked): &(Restart, u64)| u64::from(since(now, asked)) >= RESTART_AFTER_US;
        Orders { feed_watchdog: fed, restart: self.served.restart.filter(due).map(|(why, _)| why) }
    }

    /// An image on trial is kept once it has passed its self-test and answered somebody; one that has not by then
    /// is given up, and the loader brings the old one back.
    fn try_image(&mut self, now: u64) {
        if self.self_test_passed() && self.server.counts.replies > 0 {
            self.served.confirm();
        } else if u64::from(since(now, self.served.started)) >= TRIAL_US && self.served.restart.is_none() {
            self.served.restart = Some((Restart::Update, now));
        }
    }

    /// Gives the storage back.
    pub fn stop(self) -> S {
        self.served.store.close()
    }

    fn record(&mut self, kind: u16, code: u32, uptime_s: u32) {
        self.keep(Fault { kind, code, uptime_s, start: self.served.store.starts() });
    }

    fn keep(&mut self, fault: Fault) {
        // A store that refuses it shows in the status; the registers have it either way.
        let _ = self.served.store.record_fault(fault);
        self.served.fault = Some(fault);
    }
}

/// What is to be kept of why the last start ended, beside what is on record.
fn fault_of_last_start(boot: &Boot, on_record: Option<Fault>, start: u32) -> Option<Fault> {
    let before = start.saturating_sub(1);
    match (boot.fault, boot.reset) {
        (Some(fault), _) => Some(Fault { start: before, ..fault }),
        // The watchdog bit a node that had no time to say why.
        (None, Reset::Watchdog) if on_record.is_none_or(|fault| fault.start != before) => {
            Some(Fault { kind: map::fault::WATCHDOG, code: 0, uptime_s: u32::MAX, start: before })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
