//! What is published and what arrives.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;

/// The largest value of the remaining length field (MQTT 5.0, 1.5.5), and so of any packet's body.
const LARGEST_REMAINING_LENGTH: usize = 268_435_455;

/// The largest packet the protocol can carry: type byte, four length bytes, body.
pub(crate) const LARGEST_PACKET: usize = 1 + 4 + LARGEST_REMAINING_LENGTH;

/// How often a message may arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qos {
    /// At most once. Its outcome is [`crate::Event::Acked`] when it was written to the connection:
    /// MQTT promises nothing beyond that.
    AtMostOnce,
    /// At least once, with a PUBACK.
    AtLeastOnce,
}

impl From<Qos> for QoS {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => Self::AtMostOnce,
            Qos::AtLeastOnce => Self::AtLeastOnce,
        }
    }
}

/// A message to be published, or left as a will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Topic name: 1 to 65 535 bytes of UTF-8 without `+`, `#` and NUL.
    pub topic: String,
    /// Content, as it is sent.
    pub payload: Bytes,
    /// How often it may arrive.
    pub qos: Qos,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
}

impl Message {
    /// Size of the PUBLISH packet, in bytes, as the CONNACK's maximum packet size counts it.
    ///
    /// MQTT 5.0, 2.1.4 and 3.3: type byte, remaining length (1 to 4 bytes), topic name with its two
    /// length bytes, packet identifier (QoS 1 only), one byte for "no properties", payload.
    pub fn packet_bytes(&self) -> usize {
        let identifier = match self.qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce => 2,
        };
        let body = 2 + self.topic.len() + identifier + 1 + self.payload.len();
        let length_field = match body {
            0..=127 => 1,
            128..=16_383 => 2,
            16_384..=2_097_151 => 3,
            _ => 4,
        };
        1 + length_field + body
    }
}

/// A message that came in through a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Topic name it was published under.
    pub topic: String,
    /// Content, as it arrived.
    pub payload: Bytes,
    /// The broker had kept it: it may be older than this connection.
    pub retained: bool,
}

/// Whether `topic` may be published to: MQTT 5.0, 4.7.1 and 4.7.3.
pub(crate) fn is_topic_name(topic: &str) -> bool {
    is_string(topic) && !topic.contains(['+', '#'])
}

/// Whether `filter` may be subscribed to: MQTT 5.0, 4.7.1.
///
/// `#` only as the whole of the last level, `+` only as the whole of a level.
pub(crate) fn is_topic_filter(filter: &str) -> bool {
    let levels = filter.split('/').count();
    is_string(filter)
        && filter.split('/').enumerate().all(|(at, level)| match level {
            "#" => at + 1 == levels,
            "+" => true,
            level => !level.contains(['+', '#']),
        })
}

fn is_string(text: &str) -> bool {
    !text.is_empty() && u16::try_from(text.len()).is_ok() && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rumqttc::v5::mqttbytes::v5::Publish;

    #[test]
    fn packet_size_agrees_with_the_encoder() {
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce] {
            for payload in [0, 1, 110, 118, 119, 120, 16_360, 16_374, 16_375, 16_376, 2_097_150] {
                let message =
                    Message { topic: "a/b".to_owned(), payload: Bytes::from(vec![7; payload]), qos, retain: false };
                let mut encoded = Publish::new(&message.topic, qos.into(), message.payload.clone(), None);
                encoded.pkid = 1;
                let mut wire = bytes::BytesMut::new();
                encoded.write(&mut wire).unwrap();
                assert_eq!(message.packet_bytes(), wire.len(), "{qos:?}, {payload} bytes");
            }
        }
    }

    #[test]
    fn topic_names_and_filters() {
        for (text, name, filter) in [
            ("tw/1/site/agent/record", true, true),
            ("/", true, true),
            ("", false, false),
            ("tw/+/record", false, true),
            ("tw/#", false, true),
            ("#", false, true),
            ("tw/#/record", false, false),
            ("tw/a+/record", false, false),
            ("tw/a#", false, false),
            ("tw\0", false, false),
            ("$share/centre/tw/1/+/+/record", false, true),
        ] {
            assert_eq!(is_topic_name(text), name, "{text:?} as a name");
            assert_eq!(is_topic_filter(text), filter, "{text:?} as a filter");
        }
        assert!(is_topic_name(&"t".repeat(65_535)));
        assert!(!is_topic_name(&"t".repeat(65_536)));
    }
}
