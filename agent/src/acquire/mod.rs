//! The ports: bytes in from instruments, readings out, each with its time and its raw bytes.
//!
//! What arrives is a [`Site`] and the way to open its ports. What leaves is a stream of [`Arrival`]s:
//! readings, portal lines, identity marks, the state of each link, and the reason whenever there is
//! nothing else to report. Nothing is judged here, and nothing defaults to a value.
//!
//! Each port belongs to one task, so a slow or dead port costs its own instruments and nobody
//! else's. A byte stream (`stream`) listens; a Modbus port (`modbus`) asks, by a poll plan
//! ([`plan`]) with the earliest deadline first. Files that open real ports: [`system`] alone; tests
//! and the in-process world bring their own [`Opener`].
//!
//! ```text
//! port ─► stream: decoder per instrument ─┐
//! port ─► modbus: plan, line, interpret  ─┴─► outlet (counts) ─► mpsc ─► inspect
//! ```
//!
//! Waits use tokio's clock, readings carry the [`Clock`]'s: under a paused runtime both move by
//! hand. [`Ports`] closes and opens ports while the others go on.

mod backoff;
pub mod channel;
pub mod counters;
mod fine_timer;
mod modbus;
pub mod orders;
mod outlet;
pub mod plan;
pub mod port;
mod ports;
mod stream;
pub mod system;
#[cfg(test)]
mod tests;
mod timing;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use tidewaiter_config::site::{Instrument, Link, Port, Protocol, Site};
use tidewaiter_drivers::{
    portal::rpm,
    reading::{Missing, Moment, Reading},
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use self::{
    counters::{Counters, Snapshot},
    fine_timer::FineTimer,
    port::{Opener, PortStream},
    ports::{Crew, Ports},
    system::SystemOpener,
};
use crate::clock::Clock;

/// One thing that came from an instrument, or the reason why nothing did.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Id of the instrument in the site file.
    pub instrument: Arc<str>,
    /// When its last byte arrived, or when it was given up.
    pub at: Moment,
    /// The bytes it was read from, verbatim; empty when none came. A frame of more than 512 bytes stands as
    /// `sha-256:` with its digest.
    pub raw: Bytes,
    /// What it says.
    pub content: Content,
}

/// What an [`Arrival`] says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Outcomes of one or more channels, taken together.
    Readings(Vec<Reading>),
    /// One line of a radiation portal.
    Portal(rpm::Line),
    /// Something that names the subject.
    Identity(Mark),
    /// The whole instrument has no value, and why.
    Missing(Missing),
    /// The port of the instrument was opened or lost.
    Link(LinkState),
    /// Something became known that is to be recorded.
    Event(Happening),
}

/// Something that became known about an instrument, such as who it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// Stable name: `identity-seen`, `identity-changed` or `identity-mismatch`; of a node that seals its blocks also
    /// `node-seen`, `node-restarted`, `node-parameters-changed`, `node-status`, `node-simulated`, `node-sequence`.
    pub name: &'static str,
    /// What was found, by key, in order.
    pub facts: Vec<(String, String)>,
}

/// Something an instrument read that names the subject under inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What was read: `plate` or `sample`.
    pub kind: &'static str,
    /// The text, in Unicode.
    pub text: String,
    /// The reader's own confidence in per cent, where it states one.
    pub confidence: Option<u8>,
}

/// State of the port an instrument hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Open.
    Up,
    /// Closed, unplugged, refused or lost.
    Down,
}

/// Starts one task per port that has an instrument, and returns the running set.
///
/// The tasks end when `stop` is cancelled or the receiver of `out` is gone. `out` bounds what may
/// wait: while it is full the port is not read, its kernel buffer takes what it can hold, and
/// Modbus polls that fall due meanwhile are skipped, not made up for.
///
/// Must be called inside a tokio runtime with time and IO enabled.
#[must_use = "dropping the set aborts its tasks"]
pub fn spawn(
    site: &Site,
    clock: Arc<dyn Clock>,
    opener: Arc<dyn Opener>,
    out: mpsc::Sender<Arrival>,
    counters: Arc<Counters>,
    stop: CancellationToken,
) -> JoinSet<()> {
    spawn_with(site, clock, opener, out, counters, BTreeMap::new(), stop)
}

/// As [`spawn`], with the orders of outputs that hang on these ports ([`orders::desks`]).
#[must_use = "dropping the set aborts its tasks"]
#[expect(clippy::needless_pass_by_value, reason = "the tasks share these for as long as they run")]
pub fn spawn_with(
    site: &Site,
    clock: Arc<dyn Clock>,
    opener: Arc<dyn Opener>,
    out: mpsc::Sender<Arrival>,
    counters: Arc<Counters>,
    mut orders: BTreeMap<String, orders::Inbox>,
    stop: CancellationToken,
) -> JoinSet<()> {
    let outlet = outlet::Outlet::new(out, clock, counters);
    let mut tasks = JoinSet::new();
    for port in &site.ports {
        if let Some(bus) = bus(site, port, &opener, &outlet, orders.remove(&port.id)) {
            let stop = stop.clone();
            tasks.spawn(async move {
                stop.run_until_cancelled_owned(bus).await;
            });
        }
    }
    tasks
}

/// The work of one port; none when neither an instrument nor an output hangs on it.
fn bus(
    site: &Site,
    port: &Port,
    opener: &Arc<dyn Opener>,
    outlet: &outlet::Outlet,
    inbox: Option<orders::Inbox>,
) -> Option<BoxFuture<'static, ()>> {
    let instruments: Vec<&Instrument> = site.instruments.iter().filter(|it| it.port == port.id).collect();
    if instruments.is_empty() && inbox.is_none() {
        return None;
    }
    for misplaced in instruments.iter().filter(|it| !fits(port, it)) {
        tracing::error!(port = %port.id, instrument = %misplaced.id, "protocol does not fit the port; the instrument is not read");
    }
    let instruments: Vec<&Instrument> = instruments.into_iter().filter(|it| fits(port, it)).collect();
    let (outlet, opener) = (outlet.clone(), Arc::clone(opener));
    Some(if is_modbus(&port.link) {
        modbus::Bus::new(port.clone(), &instruments, opener, outlet).with_orders(inbox).run().boxed()
    } else {
        stream::Stream::new(port.clone(), &instruments, opener, outlet).run().boxed()
    })
}

/// Whether a link carries Modbus rather than a byte stream.
fn is_modbus(link: &Link) -> bool {
    matches!(link, Link::ModbusTcp { .. } | Link::ModbusRtu(_) | Link::ModbusRtuTcp { .. })
}

/// Register profiles need a Modbus port, everything else a byte stream.
fn fits(port: &Port, instrument: &Instrument) -> bool {
    matches!(instrument.protocol, Protocol::Registers { .. }) == is_modbus(&port.link)
}
