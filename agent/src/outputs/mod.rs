//! Stack lights, buzzers and barriers: the only things the agent switches in the field.
//!
//! What comes in: recorded results, whether records are accepted, whether an inspection is open. What goes out: lines
//! of a Modbus I/O module or of a GPIO chip, written when they change and at least every [`HEARTBEAT_MS`], read back
//! each time. Nothing flows back into an inspection: a lamp that fails costs no verdict.
//!
//! ```text
//! live, outbox ─► Machine (pure) ─► Lines ─► coils: orders to the port's own task ─► FC 05/15, 06/16, read back 01/03
//!                                        └─► gpio: the kernel's lines
//! read back ─► Faults (pure) ─► event `output-fault` / `output-restored`, and a line of the status
//! ```
//!
//! # What a lamp may say
//!
//! `clear` is shown, and the barrier permitted, after the commit that holds the result, for the configured hold counted
//! from the end of the inspection, and never while another inspection is open. Not recording overrides everything. A
//! stage that makes records and has not moved for [`STALE_MS`] counts as not recording.
//!
//! # When the agent is gone
//!
//! | what happens | what shuts the barrier and shows amber |
//! |---|---|
//! | it stops (`SIGTERM`, a stage failed) | the agent: it writes the safe state last, amber on and everything else off |
//! | it dies (panic, `kill -9`), the machine hangs, the cable is cut | the module's own watchdog, where `watchdog` or the module's settings say so: its outputs go off, and a lamp in `inverted` on the resting contact comes on |
//! | the same, with a watchdog relay on the line `pulse` | the relay falls off within its time, since the pulse no longer changes |
//! | the same, with GPIO | the kernel takes the lines back; see `gpio.rs` for what that means |
//!
//! A panic cannot write: the program aborts so that nothing half-dead goes on switching. Without a watchdog in the
//! module the last state stays, and `tidewaiter check` says so.
//!
//! Not here: who may write on a shared line (`acquire::orders`), and what a disposition is.

mod coils;
mod faults;
mod gpio;
mod machine;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tidewaiter_config::site::{Lines, Output, Site};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::machine::{Machine, Seen, Shown, Wanted, state_of};
use self::{
    coils::Coils,
    faults::{Fault, Faults, Tell},
    gpio::Gpio,
};
use crate::{
    acquire::orders::Desks,
    clock::Clock,
    inspect::Event,
    inspector::Live,
    outbox::{Outbox, Status},
    seal,
};

/// How often the machine looks: how long a lamp lags behind a commit at most, beside the line itself.
const TICK: Duration = Duration::from_millis(100);
/// Longest time from one write to the next: what a module's watchdog is set by.
pub const HEARTBEAT_MS: u64 = 800;
/// The inspector moves ten times a second; one that has not for so long hangs, on its disk most likely.
pub const STALE_MS: u64 = 10_000;
/// Pause after a first failed attempt, doubled with each further one: a dead module must not cost the instruments on
/// its line more than that.
const FIRST_PAUSE_MS: u64 = 1_000;
/// Longest pause.
const MOST_PAUSE_MS: u64 = 8_000;
/// How long the safe state may take when the agent stops.
const LAST_WORD: Duration = Duration::from_secs(3);
/// Events that may wait to be recorded; further ones are logged alone. Each output tells one a minute at most.
const TELLS: usize = 64;

/// How an output stands, for pages and programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Lane or rig.
    pub place: String,
    /// What it should show: `clear`, `refer`, `alarm`, `not-valid`, `idle`, `inspecting`, `not-recording`.
    pub state: &'static str,
    /// Lines that should be on.
    pub on: Vec<String>,
    /// Why it does not do what it is told; absent while it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Since when it is so, UTC milliseconds.
    pub since_ms: i64,
}

/// What the outputs need of a running agent.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// What goes on and what was recorded.
    pub live: Arc<Live>,
    /// Durable state.
    pub status: watch::Receiver<Arc<Status>>,
    /// Takes the events.
    pub outbox: Outbox,
}

/// Starts one task per output. They write the safe state once `stop` is cancelled, and end.
#[must_use = "dropping the set aborts its tasks"]
pub fn spawn(site: &Site, parts: &Parts, desks: &Desks, stop: &CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if site.outputs.is_empty() {
        return tasks;
    }
    let (tell, told) = mpsc::channel(TELLS);
    for output in &site.outputs {
        let coils = || {
            let desk = desks.get(&output.unit()?.port)?;
            Some(Device::Coils(Coils::new(output, desk.clone())?))
        };
        let Some(device) = Gpio::new(output).map(Device::Gpio).or_else(coils) else {
            warn!(output = output.id, "there is no way to this output; it is not switched");
            continue;
        };
        let task = Task {
            machine: Machine::new(output, parts.clock.now().mono_ms),
            output: output.clone(),
            device,
            faults: Faults::default(),
            parts: parts.clone(),
            tell: tell.clone(),
            written: None,
            next_ms: 0,
            pause_ms: FIRST_PAUSE_MS,
        };
        tasks.spawn(task.run(stop.clone()));
    }
    tasks.spawn(record(told, parts.outbox.clone()));
    tasks
}

/// Records what the outputs tell, apart from them: a disk that hangs must not hold a lamp. Ends with the last output.
async fn record(mut told: mpsc::Receiver<Event>, outbox: Outbox) {
    while let Some(event) = told.recv().await {
        if let Err(refusal) = outbox.seal(seal::event(&event, None)).await {
            warn!(event = event.name, %refusal, "event not recorded");
        }
    }
}

#[derive(Debug)]
enum Device {
    Coils(Coils),
    Gpio(Gpio),
}

impl Device {
    async fn set(&mut self, lines: Lines) -> Result<(), Fault> {
        match self {
            Self::Coils(coils) => coils.set(lines).await,
            Self::Gpio(gpio) => gpio.set(lines).await,
        }
    }
}

/// One output.
struct Task {
    output: Output,
    machine: Machine,
    device: Device,
    faults: Faults,
    parts: Parts,
    tell: mpsc::Sender<Event>,
    /// What was last written and read back.
    written: Option<Lines>,
    /// Not tried before this, unless something is to change.
    next_ms: u64,
    pause_ms: u64,
}

impl Task {
    async fn run(mut self, stop: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = tick.tick() => self.work().await,
            }
        }
        // The write under way has ended, in one way or the other: nothing follows this one.
        let safe = self.machine.safe();
        match timeout(LAST_WORD, self.device.set(safe)).await {
            Ok(Ok(())) => info!(output = self.output.id, "left in the safe state"),
            Ok(Err(fault)) => warn!(output = self.output.id, why = self.text(&fault), "not left in the safe state"),
            Err(_) => warn!(output = self.output.id, "not left in the safe state: no answer in time"),
        }
    }

    async fn work(&mut self) {
        let seen = self.seen();
        let wanted = self.machine.look(&seen);
        let changed = self.written.is_some_and(|written| written != wanted.lines);
        if seen.now_ms < self.next_ms && !changed {
            return;
        }
        let outcome = self.device.set(wanted.lines).await;
        let now_ms = self.parts.clock.now().mono_ms;
        match &outcome {
            Ok(()) => {
                self.written = Some(wanted.lines);
                self.pause_ms = FIRST_PAUSE_MS;
                self.next_ms = now_ms + HEARTBEAT_MS;
            }
            Err(_) => {
                // Whatever it shows now, it is not taken for what was wanted.
                self.written = None;
                self.next_ms = now_ms + self.pause_ms;
                self.pause_ms = (self.pause_ms * 2).min(MOST_PAUSE_MS);
            }
        }
        if let Some(tell) = self.faults.take(outcome.err(), now_ms) {
            self.report(&tell);
        }
        self.show(wanted);
    }

    fn seen(&self) -> Seen {
        let now_ms = self.parts.clock.now().mono_ms;
        let look = self.parts.live.look(&self.output.place);
        let alive = look.beat_ms.is_some_and(|beat| now_ms.saturating_sub(beat) < STALE_MS);
        let recording = self.parts.status.borrow().is_recording();
        let results = look.results.into_iter().map(|(seq, disposition, ended_ms)| Shown {
            seq,
            state: state_of(disposition),
            ended_ms,
        });
        Seen { now_ms, recording: recording && alive, busy: look.busy, results: results.collect() }
    }

    fn report(&self, tell: &Tell) {
        let id = &self.output.id;
        let (name, facts) = match tell {
            Tell::Fault(fault) => {
                let why = self.text(fault);
                warn!(output = id, why, "output does not do what it is told");
                ("output-fault", vec![("reason".to_owned(), fault.word().to_owned()), ("why".to_owned(), why)])
            }
            Tell::Restored => {
                info!(output = id, "output does what it is told again");
                ("output-restored", Vec::new())
            }
        };
        let event = Event { place: self.output.place.clone(), name: name.to_owned(), subject: Some(id.clone()), facts };
        if self.tell.try_send(event).is_err() {
            warn!(output = id, event = name, "event not recorded: too many wait");
        }
    }

    fn show(&self, wanted: Wanted) {
        let now = self.parts.clock.now();
        let standing = Standing {
            place: self.output.place.clone(),
            state: wanted.state.word(),
            on: self.names(wanted.lines),
            fault: self.faults.standing().map(|it| self.text(it)),
            since_ms: now.wall_ms,
        };
        self.parts.live.update(|live| {
            let shown = live.outputs.entry(self.output.id.clone()).or_default();
            let same = (&shown.state, &shown.fault) == (&standing.state, &standing.fault);
            let since_ms = if same { shown.since_ms } else { standing.since_ms };
            *shown = Standing { since_ms, ..standing };
        });
    }

    fn names(&self, lines: Lines) -> Vec<String> {
        let on = self.output.lines.iter().enumerate().filter(|(at, _)| lines.has(*at));
        on.map(|(_, line)| line.name.clone()).collect()
    }

    fn text(&self, fault: &Fault) -> String {
        let names = |lines| {
            let names = self.names(lines);
            if names.is_empty() { "none".to_owned() } else { names.join(" ") }
        };
        match fault {
            Fault::NoAnswer(missing) => missing.to_string(),
            Fault::Differs { wanted, found } => format!("on should be {}, on is {}", names(*wanted), names(*found)),
            Fault::System(why) => why.clone(),
        }
    }
}
