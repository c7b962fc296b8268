//! What the owner is told.

use std::fmt;

use rumqttc::v5::mqttbytes::v5::PubAckReason;

use crate::message::Incoming;

/// Reason code "Topic Name invalid".
pub(crate) const TOPIC_NAME_INVALID: u8 = 0x90;

/// Reason code "Retain not supported".
pub(crate) const RETAIN_NOT_SUPPORTED: u8 = 0x9A;

/// One thing that happened on the link, in the order in which it happened.
///
/// Every token that [`crate::Publisher::try_publish`] accepted is answered exactly once: by
/// [`Event::Acked`], by [`Event::NotTaken`], or by the next [`Event::Disconnected`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The broker accepted the connection; publishes are accepted from now on.
    Connected {
        /// How many unanswered publishes this connection allows.
        window: u16,
        /// Largest packet the broker takes, in bytes; `None` when it named no limit.
        max_packet_bytes: Option<u32>,
    },
    /// Every filter of the settings is subscribed. Not sent when there are none.
    ///
    /// Retained messages may arrive before it (MQTT 5.0, 3.8.4).
    Subscribed,
    /// The connection, or an attempt at one, is over.
    ///
    /// Every token without an answer is void: it may or may not have arrived. The owner offers it
    /// again after the next [`Event::Connected`].
    Disconnected {
        /// What happened and what to look at, for a person.
        why: String,
    },
    /// The broker took the publish (PUBACK 0x00), or a QoS 0 publish was written.
    ///
    /// It is flow control and no more: a broker may still lose what it acknowledged.
    Acked {
        /// As given to [`crate::Publisher::try_publish`].
        token: u64,
    },
    /// The publish was answered, and it is not with the reader it was meant for.
    NotTaken {
        /// As given to [`crate::Publisher::try_publish`].
        token: u64,
        /// Why not.
        reason: NotTaken,
    },
    /// A message came in.
    Message(Incoming),
}

/// Why a publish has not been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotTaken {
    /// PUBACK 0x10: the broker accepted it and nobody is subscribed, so it is gone.
    NoSubscriber,
    /// The reason code, 0x80 and above, of the broker's PUBACK (MQTT 5.0, 3.4.2.1), or of what the
    /// broker would have answered: 0x90 for a topic name that is none, 0x9A for a retained message
    /// when the CONNACK says that none are kept.
    Refused(u8),
    /// The broker ended the connection for a packet larger than it takes, without having named a
    /// limit; this was the largest in flight.
    TooLarge {
        /// Size of the packet.
        bytes: usize,
        /// What the broker takes is at most this.
        limit: usize,
    },
}

/// One sentence on what happened, and where to look.
impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what) = match self {
            Self::NoSubscriber => return f.write_str("nobody is subscribed"),
            Self::TooLarge { bytes, limit } => {
                return write!(f, "{bytes} bytes, the broker takes at most {limit}; raise its packet limit");
            }
            // MQTT 5.0, table 3-4.
            Self::Refused(code @ 0x87) => (code, "not authorised; check the broker's access list for this client"),
            Self::Refused(code @ 0x90) => (code, "topic name invalid; check site and agent id"),
            Self::Refused(code @ 0x97) => (code, "quota exceeded; raise it at the broker"),
            Self::Refused(code @ 0x99) => (code, "payload format invalid; turn the broker's check of it off"),
            Self::Refused(code @ 0x9A) => (code, "no retained messages here; allow them at the broker"),
            Self::Refused(code) => (code, "see the broker's log"),
        };
        write!(f, "refused with reason {code:#04x}: {what}")
    }
}

impl NotTaken {
    /// What a PUBACK's reason means (MQTT 5.0, table 3-4); nothing if it is success.
    ///
    /// The 0x10 that the standard counts among the successes is none here.
    pub(crate) fn from_puback(reason: PubAckReason) -> Option<Self> {
        let code = match reason {
            PubAckReason::Success => return None,
            PubAckReason::NoMatchingSubscribers => return Some(Self::NoSubscriber),
            PubAckReason::UnspecifiedError => 0x80,
            PubAckReason::ImplementationSpecificError => 0x83,
            PubAckReason::NotAuthorized => 0x87,
            PubAckReason::TopicNameInvalid => TOPIC_NAME_INVALID,
            PubAckReason::PacketIdentifierInUse => 0x91,
            PubAckReason::QuotaExceeded => 0x97,
            PubAckReason::PayloadFormatInvalid => 0x99,
        };
        Some(Self::Refused(code))
    }
}
