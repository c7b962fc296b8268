//! The task that lets no minute pass without a record.

use std::{sync::Arc, time::Duration};

use tidewaiter_config::site::Site;
use tidewaiter_record::body::{Detail, SoftwareId};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Sources, heartbeat, own, rim};
use crate::{acquire::Counters, clock::Clock, inspector::Live, outbox::Outbox, uplink::Telemetry};

/// What the heartbeat is made of, and when it is due.
#[derive(Debug)]
pub struct Pulse {
    /// The site in force: how often, by which configuration, whether simulated.
    pub site: watch::Receiver<Arc<Site>>,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// Where it is sealed.
    pub outbox: Outbox,
    /// Counters of the ports.
    pub counters: Arc<Counters>,
    /// State of the uplink.
    pub telemetry: watch::Receiver<Telemetry>,
    /// What is in force.
    pub live: Arc<Live>,
    /// The software that runs.
    pub software: SoftwareId,
}

impl Pulse {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut status = self.outbox.status();
        let mut head = status.borrow_and_update().head;
        let mut last = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                changed = status.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = status.borrow_and_update().head;
                    if now != head {
                        head = now;
                        last = Instant::now();
                    }
                }
                () = sleep_until(last + self.period()) => {
                    self.beat().await;
                    last = Instant::now();
                }
            }
        }
    }

    fn period(&self) -> Duration {
        self.site.borrow().record.heartbeat
    }

    async fn beat(&self) {
        let status = Arc::clone(&self.outbox.status().borrow());
        // A full store would only count refusals; with room again, the first heartbeat lets recording go on.
        if status.stopped_since_ms.is_some() && !status.has_room() {
            return;
        }
        let telemetry = self.telemetry.borrow().clone();
        let instruments = self.counters.snapshot();
        let temperatures = tokio::task::spawn_blocking(rim::temperatures).await.unwrap_or_default();
        let sources = Sources { instruments: &instruments, status: &status, telemetry: &telemetry, temperatures };
        let now = self.clock.now();
        let site = Arc::clone(&self.site.borrow());
        let simulated = !site.instruments.is_empty() && site.instruments.iter().all(|it| it.simulated);
        let software = SoftwareId { config: site.digest, ..self.software.clone() };
        let beat = heartbeat(sources, software, self.live.in_force(), simulated, now);
        if let Err(refusal) = self.outbox.seal(own(Detail::Heartbeat(Box::new(beat)))).await {
            warn!(%refusal, "heartbeat not recorded");
        }
    }
}
