//! The uplink seam: what the sender asks of a connection.

use std::{fmt::Debug, path::PathBuf, sync::Arc, time::Duration};

use tidewaiter_config::site::{self, Site};
use tidewaiter_mqtt::{Backoff, Calendar, Event, Message, PublishError, Publisher, Qos, Settings, SettingsError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{StateMessage, Topics, identity};
use crate::{app::SOFTWARE, life::rim};

/// Publishes without a PUBACK at most. The un-receipted window is the outer bound; this one keeps a
/// slow broker from holding megabytes.
const WINDOW: u16 = 32;
/// How long the oldest publish may wait for its PUBACK before the connection is given up.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// A broker that hears nothing for one and a half of these publishes the last will.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Waits between connections, with jitter.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), ceiling: Duration::from_secs(300) };
/// Largest message taken in where no orders are: a receipt needs 300 bytes.
const MAX_INCOMING_BYTES: u32 = 64 * 1024;
/// Largest message taken in with signed orders: a limit table or a plan, its topic and its header.
const MAX_ORDER_BYTES: u32 = 264 * 1024;

/// Why the link could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A TLS file cannot be read.
    #[error("{path}: {source}")]
    Tls {
        /// File.
        path: PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// The settings cannot work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// Whether the TLS files of an uplink can be read and belong together.
///
/// # Errors
///
/// Says which cannot, and why.
pub fn usable(uplink: &site::Uplink) -> Result<(), LinkError> {
    if let Some(files) = &uplink.tls {
        tidewaiter_mqtt::client_config(&identity::read(files)?, None)?;
    }
    Ok(())
}

/// A connection to a broker, or its stand-in in a test world.
pub trait Link: Send + Debug {
    /// Takes a message if there is room; its fate comes back as an event with `token`.
    ///
    /// # Errors
    ///
    /// When offline, when the window is full, or when it is larger than the broker takes.
    fn publish(&self, message: Message, token: u64) -> Result<(), PublishError>;

    /// The next event; `None` when the link has ended.
    fn event(&mut self) -> impl Future<Output = Option<Event>> + Send;
}

/// MQTT by [`tidewaiter_mqtt`].
#[derive(Debug)]
pub struct MqttLink {
    publisher: Publisher,
    events: mpsc::Receiver<Event>,
}

impl MqttLink {
    /// Starts the connection to the site's broker; it keeps itself up until `stop`. The broker's certificate is judged by
    /// the system's clock.
    ///
    /// # Errors
    ///
    /// As [`Self::connect_dated`].
    pub fn connect(site: &Site, uplink: &site::Uplink, stop: &CancellationToken) -> Result<Self, LinkError> {
        Self::connect_dated(site, uplink, None, stop)
    }

    /// As [`Self::connect`], with the broker's certificate judged by `calendar`, for a clock that may be wrong.
    ///
    /// # Errors
    ///
    /// When TLS files cannot be read or used. A broker that cannot be reached is no error: it is tried again.
    pub fn connect_dated(
        site: &Site,
        uplink: &site::Uplink,
        calendar: Option<Arc<dyn Calendar>>,
        stop: &CancellationToken,
    ) -> Result<Self, LinkError> {
        // Before reading: a change in between is then seen at the first look.
        let seen = uplink.tls.as_ref().map(identity::stamp);
        let tls = uplink.tls.as_ref().map(identity::read).transpose()?;
        let topics = Topics::new(&site.id, &site.agent);
        let will =
            StateMessage::offline(&site.agent, SOFTWARE, rim::executable().map(|it| it.to_string()), &site.digest);
        let mut subscribe = vec![topics.receipt(), topics.beacon(), topics.resend()];
        if site.authority.is_some() {
            subscribe.extend(topics.orders());
        }
        let settings = Settings {
            host: uplink.host.clone(),
            port: uplink.port,
            client_id: site.agent.clone(),
            tls,
            keep_alive: KEEP_ALIVE,
            subscribe,
            will: Some(Message { topic: topics.state(), payload: will.to_json(), qos: Qos::AtLeastOnce, retain: true }),
            window: WINDOW,
            ack_timeout: ACK_TIMEOUT,
            backoff: BACKOFF,
            max_incoming_bytes: if site.authority.is_some() { MAX_ORDER_BYTES } else { MAX_INCOMING_BYTES },
        };
        let (publisher, events, _task) = tidewaiter_mqtt::start_dated(settings, calendar, stop.clone())?;
        if let (Some(files), Some(seen)) = (uplink.tls.clone(), seen) {
            tokio::spawn(identity::follow(files, seen, publisher.clone(), stop.clone()));
        }
        Ok(Self { publisher, events })
    }
}

impl Link for MqttLink {
    fn publish(&self, message: Message, token: u64) -> Result<(), PublishError> {
        self.publisher.try_publish(message, token)
    }

    async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}
