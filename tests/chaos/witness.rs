//! A third party on the broker that writes down every record published and every receipt given.
//!
//! What was once said in public must be what is there at the end: a record published under a number and
//! replaced by another one is a fork, even when both ends agree afterwards.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use tidewaiter_mqtt::{Backoff, Event, Settings};
use tidewaiter_record::{Registry, open_receipt};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// What was heard: topic and payload.
type Heard = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// The witness; it hears until it is dropped.
pub(crate) struct Witness {
    heard: Heard,
    stop: CancellationToken,
}

/// Topics of receipts.
pub(crate) const RECEIPTS: &str = "tw/1/+/+/down/receipt";
/// Topics of records, in order and ahead.
pub(crate) const RECORDS: [&str; 2] = ["tw/1/+/+/record", "tw/1/+/+/alert"];

impl Witness {
    /// Subscribes to `filters` and goes on whatever happens to the broker.
    pub(crate) fn start(runtime: &Runtime, broker: SocketAddr, filters: &[&str]) -> Result<Self> {
        let settings = Settings {
            host: broker.ip().to_string(),
            port: broker.port(),
            client_id: "witness".to_owned(),
            tls: None,
            keep_alive: Duration::from_secs(15),
            subscribe: filters.iter().map(|&it| it.to_owned()).collect(),
            will: None,
            window: 1,
            ack_timeout: Duration::from_secs(20),
            backoff: Backoff { first: Duration::from_millis(50), ceiling: Duration::from_millis(200) },
            max_incoming_bytes: 64 * 1024,
        };
        let stop = CancellationToken::new();
        let _inside = runtime.enter();
        let (publisher, mut events, _task) = tidewaiter_mqtt::start(settings, stop.clone())?;
        let heard = Heard::default();
        let ear = Arc::clone(&heard);
        runtime.spawn(async move {
            let _publisher = publisher;
            while let Some(event) = events.recv().await {
                if let Event::Message(message) = event {
                    let mut heard = ear.lock().unwrap_or_else(PoisonError::into_inner);
                    heard.push((message.topic, message.payload.to_vec()));
                }
            }
        });
        Ok(Self { heard, stop })
    }

    /// Every record payload heard so far, in order of arrival.
    pub(crate) fn records(&self) -> Vec<Vec<u8>> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter(|(topic, _)| !topic.ends_with("/receipt")).map(|(_, payload)| payload.clone()).collect()
    }

    /// Every receipt heard so far: number and hash of the newest record covered.
    pub(crate) fn receipts(&self, registry: &Registry) -> Result<Vec<(u64, [u8; 32])>> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard
            .iter()
            .filter(|(topic, _)| topic.ends_with("/receipt"))
            .map(|(_, payload)| {
                let receipt = open_receipt(payload, registry)?;
                Ok((receipt.upto_seq, receipt.hash.0))
            })
            .collect()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
