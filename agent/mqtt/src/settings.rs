//! What a link is told before it starts, and what is refused at once.

use std::{fmt, time::Duration};

use crate::message::{Message, is_topic_filter, is_topic_name};

/// Shortest keep-alive, in seconds: rumqttc panics below it, and a radio modem's round trip may take
/// as long.
pub const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Longest keep-alive: the field in CONNECT has two bytes (MQTT 5.0, 3.1.2.10).
pub const LONGEST_KEEP_ALIVE: Duration = Duration::from_secs(65_535);

/// Largest window of unanswered publishes.
///
/// At 32 KiB a record this is 32 MiB in flight, far above the product of any link's rate and delay
/// here; it keeps a typing error from becoming a memory limit.
pub const MAX_WINDOW: u16 = 1024;

/// Events that wait for the owner before they wait inside the task.
///
/// Large enough that an owner that reads in bursts never makes the task wait, small enough to be
/// nothing beside the messages themselves.
pub const EVENT_QUEUE: usize = 64;

/// How many incoming messages may be unacknowledged: the receive maximum in CONNECT.
///
/// Together with [`Settings::max_incoming_bytes`] it bounds the memory that a broker can make us
/// hold for an owner that does not read.
pub const INCOMING_WINDOW: u16 = 64;

/// Smallest permitted [`Settings::max_incoming_bytes`]: below this not even a CONNACK with a reason
/// string is sure to fit.
pub const SMALLEST_INCOMING: u32 = 1024;

/// How long a stop waits for what is in flight, before it disconnects.
///
/// Short against the 90 s a service manager waits, long against a round trip.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Everything a link needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name or address of the broker. With TLS this is the name that its certificate must carry; an
    /// address must be in the certificate as an address.
    pub host: String,
    /// TCP port, usually 8883 with TLS and 1883 without.
    pub port: u16,
    /// Client identifier, the same at every connect; by convention the name in the certificate.
    pub client_id: String,
    /// Certificates and key, or `None` for plain TCP. Read once: to change them, stop the link and
    /// start another.
    pub tls: Option<TlsPem>,
    /// How long the line may be quiet before a ping, [`SHORTEST_KEEP_ALIVE`] to
    /// [`LONGEST_KEEP_ALIVE`]; whole seconds are used.
    pub keep_alive: Duration,
    /// Topic filters, subscribed at QoS 1 after each CONNACK.
    pub subscribe: Vec<String>,
    /// What the broker publishes when the connection ends without a DISCONNECT.
    pub will: Option<Message>,
    /// Own limit of unanswered publishes, 1 to [`MAX_WINDOW`]; a broker may lower it for a
    /// connection.
    pub window: u16,
    /// How long to wait for CONNACK, SUBACK and the PUBACK of the oldest publish in flight. It must
    /// exceed the time the largest record needs on the slowest line.
    pub ack_timeout: Duration,
    /// How long to wait before the next attempt.
    pub backoff: Backoff,
    /// Largest packet taken in, in bytes. rumqttc's own limit of 10 KiB is too small for a limit table.
    pub max_incoming_bytes: u32,
}

/// Bounds of the wait between attempts: it doubles from `first` to `ceiling`, and each time a random
/// part of up to one half is taken off, so that a thousand agents do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Wait after the first failure, above zero.
    pub first: Duration,
    /// Longest wait, at least `first`.
    pub ceiling: Duration,
}

/// Certificates and key for mutual TLS, PEM encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsPem {
    /// One or more certificates of authorities that the broker's certificate may come from. The
    /// system's own list is not used.
    pub ca: Vec<u8>,
    /// Own certificate, followed by intermediate ones if there are any.
    pub certificate: Vec<u8>,
    /// Own private key: PKCS#8, PKCS#1 or SEC1.
    pub key: Vec<u8>,
}

impl fmt::Debug for TlsPem {
    /// Says that there is a key, and nothing about it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TlsPem")
            .field("ca_bytes", &self.ca.len())
            .field("certificate_bytes", &self.certificate.len())
            .field("key", &"(not shown)")
            .finish()
    }
}

/// Why a link cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No host name.
    #[error("host is empty; give the broker's name or address")]
    NoHost,
    /// The client identifier is empty or too long.
    #[error("client id {0:?} is not usable; give 1 to 65535 bytes without NUL")]
    ClientId(String),
    /// The keep-alive is outside its bounds.
    #[error("keep alive {0:?} is out of bounds; give 5 s to 65535 s")]
    KeepAlive(Duration),
    /// The window is outside its bounds.
    #[error("window {0} is out of bounds; give 1 to {MAX_WINDOW}")]
    Window(u16),
    /// The timeout is zero.
    #[error("acknowledgement timeout is zero; give a time above the slowest round trip")]
    AckTimeout,
    /// The back-off bounds are zero or the wrong way round.
    #[error(
        "back-off from {first:?} to {ceiling:?} is not usable; the first must be above zero and not above the ceiling"
    )]
    Backoff {
        /// As given.
        first: Duration,
        /// As given.
        ceiling: Duration,
    },
    /// The limit for incoming packets is too small.
    #[error("largest incoming packet {0} bytes is too small; give at least {SMALLEST_INCOMING}")]
    MaxIncoming(u32),
    /// Not a topic filter.
    #[error("{0:?} is not a topic filter; `#` stands alone as the last level, `+` alone as a level")]
    Filter(String),
    /// The will cannot be carried in CONNECT.
    #[error(
        "will on topic {topic:?} with {bytes} bytes is not usable; the topic may have no wildcard and the payload at most 65535 bytes"
    )]
    Will {
        /// Its topic.
        topic: String,
        /// Length of its payload.
        bytes: usize,
    },
    /// A PEM text holds nothing of the kind or cannot be read.
    #[error("{what} cannot be read: {why}; give PEM text with BEGIN and END lines")]
    Pem {
        /// Which of the three.
        what: &'static str,
        /// What the reader said.
        why: String,
    },
    /// Certificate and key were read and do not do.
    #[error("TLS set-up refused: {0}; check that the key belongs to the certificate")]
    Tls(String),
    /// Called outside a tokio runtime.
    #[error("no tokio runtime here; start the link from inside one")]
    NoRuntime,
}

impl Settings {
    /// Checks everything except TLS, which is checked by being built.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.host.is_empty() {
            return Err(SettingsError::NoHost);
        }
        let id = &self.client_id;
        if id.is_empty() || u16::try_from(id.len()).is_err() || id.contains('\0') {
            return Err(SettingsError::ClientId(id.clone()));
        }
        if !(SHORTEST_KEEP_ALIVE..=LONGEST_KEEP_ALIVE).contains(&self.keep_alive) {
            return Err(SettingsError::KeepAlive(self.keep_alive));
        }
        if !(1..=MAX_WINDOW).contains(&self.window) {
            return Err(SettingsError::Window(self.window));
        }
        if self.ack_timeout.is_zero() {
            return Err(SettingsError::AckTimeout);
        }
        let Backoff { first, ceiling } = self.backoff;
        if first.is_zero() || first > ceiling {
            return Err(SettingsError::Backoff { first, ceiling });
        }
        if self.max_incoming_bytes < SMALLEST_INCOMING {
            return Err(SettingsError::MaxIncoming(self.max_incoming_bytes));
        }
        if let Some(filter) = self.subscribe.iter().find(|filter| !is_topic_filter(filter)) {
            return Err(SettingsError::Filter(filter.clone()));
        }
        if let Some(will) = &self.will
            && (!is_topic_name(&will.topic) || u16::try_from(will.payload.len()).is_err())
        {
            return Err(SettingsError::Will { topic: will.topic.clone(), bytes: will.payload.len() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::message::Qos;
    use bytes::Bytes;

    type Spoil = fn(&mut Settings);

    fn good() -> Settings {
        Settings {
            host: "broker.example".to_owned(),
            port: 8883,
            client_id: "agent-7".to_owned(),
            tls: None,
            keep_alive: Duration::from_secs(30),
            subscribe: vec!["tw/1/site/agent-7/down/#".to_owned()],
            will: None,
            window: 32,
            ack_timeout: Duration::from_secs(20),
            backoff: Backoff { first: Duration::from_secs(1), ceiling: Duration::from_secs(300) },
            max_incoming_bytes: 262_144,
        }
    }

    #[test]
    fn each_unusable_setting_is_named() {
        assert_eq!(good().check(), Ok(()));
        let rows: [(Spoil, &str); 11] = [
            (|s| s.host.clear(), "host"),
            (|s| s.client_id.clear(), "client id"),
            (|s| s.keep_alive = Duration::from_millis(4999), "keep alive"),
            (|s| s.keep_alive = Duration::from_secs(65_536), "keep alive"),
            (|s| s.window = 0, "window 0"),
            (|s| s.window = 1025, "window 1025"),
            (|s| s.ack_timeout = Duration::ZERO, "acknowledgement timeout"),
            (|s| s.backoff.ceiling = Duration::from_millis(999), "back-off"),
            (|s| s.max_incoming_bytes = 1023, "1023"),
            (|s| s.subscribe = vec!["a/#/b".to_owned()], "a/#/b"),
            (
                |s| {
                    s.will = Some(Message {
                        topic: "state/+".to_owned(),
                        payload: Bytes::new(),
                        qos: Qos::AtLeastOnce,
                        retain: true,
                    });
                },
                "state/+",
            ),
        ];
        for (spoil, named) in rows {
            let mut settings = good();
            spoil(&mut settings);
            let text = settings.check().unwrap_err().to_string();
            assert!(text.contains(named), "{text:?} should name {named:?}");
        }
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let mut settings = good();
        settings.tls =
            Some(TlsPem { ca: b"authority".to_vec(), certificate: b"certificate".to_vec(), key: b"secret".to_vec() });
        let shown = format!("{settings:?}");
        assert!(!shown.contains("secret") && !shown.contains("115, 101, 99"), "{shown}");
        assert!(shown.contains("not shown"));
    }
}
