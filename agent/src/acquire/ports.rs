//! The ports of a running agent: any of them can be closed and opened again while the others go on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tidewaiter_config::site::{Instrument, Protocol, Site};
use tidewaiter_drivers::reading::Missing;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Arrival, Content, Counters, LinkState, Opener, bus,
    orders::Inbox,
    outlet::{Closed, Outlet},
};
use crate::{clock::Clock, life::Beats};

/// Changes that may wait; there is one at a time.
const CHANGES: usize = 4;
/// A task that has been told to end and is in the middle of a poll ends with it; one that does not is left behind.
const END: Duration = Duration::from_secs(5);

/// The way to the ports.
#[derive(Clone, Debug)]
pub struct Ports {
    changes: mpsc::Sender<Change>,
}

#[derive(Debug)]
enum Change {
    Close(BTreeSet<String>, oneshot::Sender<()>),
    Open(Arc<Site>, BTreeSet<String>, oneshot::Sender<()>),
}

impl Ports {
    /// Closes these ports. Nothing of them arrives any more once this returns.
    pub async fn close(&self, ports: BTreeSet<String>) {
        let (reply, done) = oneshot::channel();
        if self.changes.send(Change::Close(ports, reply)).await.is_ok() {
            let _ = done.await;
        }
    }

    /// Opens these ports as `site` has them. Does not wait until they are open.
    pub async fn open(&self, site: Arc<Site>, ports: BTreeSet<String>) {
        let (reply, done) = oneshot::channel();
        if self.changes.send(Change::Open(site, ports, reply)).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// The tasks behind it, before they run.
pub struct Crew {
    outlet: Outlet,
    opener: Arc<dyn Opener>,
    beats: Beats,
    /// Orders of outputs, by the port they share.
    inboxes: BTreeMap<String, Inbox>,
    /// Ports that are not opened: each aborted the process again and again.
    held_off: BTreeSet<String>,
    stop: CancellationToken,
    running: BTreeMap<String, (CancellationToken, JoinHandle<()>)>,
    changes: mpsc::Receiver<Change>,
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew").field("running", &self.running.keys()).finish_non_exhaustive()
    }
}

impl Crew {
    /// The ports of a site, to be opened by [`Self::run`].
    pub fn new(
        clock: Arc<dyn Clock>,
        opener: Arc<dyn Opener>,
        out: mpsc::Sender<Arrival>,
        counters: Arc<Counters>,
        beats: Beats,
        stop: CancellationToken,
    ) -> (Self, Ports) {
        let (sender, changes) = mpsc::channel(CHANGES);
        let outlet = Outlet::new(out, clock, counters);
        let (inboxes, held_off, running) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        (Self { outlet, opener, beats, inboxes, held_off, stop, running, changes }, Ports { changes: sender })
    }

    /// The same, with the orders of the outputs that hang on these ports.
    #[must_use]
    pub fn with_orders(mut self, inboxes: BTreeMap<String, Inbox>) -> Self {
        self.inboxes = inboxes;
        self
    }

    /// The same, with ports that stay closed and whose instruments say so.
    #[must_use]
    pub fn holding_off(mut self, ports: BTreeSet<String>) -> Self {
        self.held_off = ports;
        self
    }

    /// Opens every port of `site`, and closes and opens what it is told to, until `stop`.
    pub async fn run(mut self, site: Arc<Site>) {
        for port in site.ports.iter().map(|it| it.id.clone()) {
            self.open(&site, &port);
        }
        let stop = self.stop.clone();
        loop {
            let change = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                change = self.changes.recv() => change,
            };
            match change {
                Some(Change::Close(ports, done)) => {
                    for port in ports {
                        self.close(&port).await;
                        // What is written differently gets another try.
                        self.held_off.remove(&port);
                    }
                    let _ = done.send(());
                }
                Some(Change::Open(site, ports, done)) => {
                    for port in &ports {
                        self.open(&site, port);
                    }
                    let _ = done.send(());
                }
                None => stop.cancelled().await,
            }
        }
        for (_, task) in self.running.into_values() {
            let _ = task.await;
        }
    }

    fn open(&mut self, site: &Site, id: &str) {
        let Some(port) = site.port(id) else { return };
        let stop = self.stop.child_token();
        let name = format!("port {id}");
        let task = if self.held_off.contains(id) {
            let instruments: Vec<Instrument> = site.instruments.iter().filter(|it| it.port == id).cloned().collect();
            let silent = instruments.into_iter().map(|it| silent(it, self.outlet.clone()));
            let silent = futures_util::future::join_all(silent);
            tokio::spawn(stop.clone().run_until_cancelled_owned(async { drop(silent.await) }))
        } else {
            let Some(bus) = bus(site, port, &self.opener, &self.outlet, self.inboxes.get(id).cloned()) else { return };
            let bus = self.beats.port(&name, id, bus);
            tokio::spawn(stop.clone().run_until_cancelled_owned(bus))
        };
        let task = tokio::spawn(async move { drop(task.await) });
        self.running.insert(id.to_owned(), (stop, task));
    }

    async fn close(&mut self, id: &str) {
        let Some((stop, task)) = self.running.remove(id) else { return };
        stop.cancel();
        if timeout(END, task).await.is_err() {
            tracing::error!(port = id, "the port's task does not end; it is left behind");
        }
    }
}

/// Says of an instrument on a port that is held off that there is no value, as often as values would come.
async fn silent(instrument: Instrument, outlet: Outlet) -> Result<std::convert::Infallible, Closed> {
    let id: Arc<str> = Arc::from(instrument.id.as_str());
    let period = match instrument.protocol {
        Protocol::Registers { poll, .. } => poll,
        _ => instrument.silence,
    };
    outlet.send(&id, outlet.now(), Bytes::new(), Content::Link(LinkState::Down)).await?;
    let mut due = interval(period.max(Duration::from_millis(100)));
    due.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        due.tick().await;
        outlet.missing(&id, Missing::LineDown, Bytes::new()).await?;
    }
}
