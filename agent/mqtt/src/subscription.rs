//! Subscriptions, anew on every connection: as few SUBSCRIBE packets as the broker's packet size
//! allows, one after the other.

use rumqttc::v5::mqttbytes::{
    QoS,
    v5::{SubAck, SubscribeReasonCode},
};
use tokio::time::Instant;

/// Size of a SUBSCRIBE packet without its filters: type, length of up to four bytes, packet id,
/// no properties.
const SUBSCRIBE_FRAME_BYTES: usize = 1 + 4 + 2 + 1;

/// How far the subscriptions are.
#[derive(Debug)]
pub(crate) enum Subscription {
    /// These packets are still to be sent, the first of them next.
    Due(Vec<Vec<String>>),
    /// Sent under this id; these are still to be sent.
    Sent {
        id: u16,
        filters: Vec<String>,
        since: Instant,
        rest: Vec<Vec<String>>,
    },
    Done,
}

/// Distributes the filters over as few SUBSCRIBE packets as the broker's packet size allows.
pub(crate) fn subscribe_packets(filters: &[String], max_packet_bytes: Option<u32>) -> Vec<Vec<String>> {
    let limit = max_packet_bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    let mut packets: Vec<Vec<String>> = Vec::new();
    let mut size = usize::MAX;
    for filter in filters {
        let entry = 2 + filter.len() + 1;
        match packets.last_mut() {
            Some(packet) if size.saturating_add(entry) <= limit => {
                size += entry;
                packet.push(filter.clone());
            }
            _ => {
                size = SUBSCRIBE_FRAME_BYTES + entry;
                packets.push(vec![filter.clone()]);
            }
        }
    }
    packets
}

/// Whether every filter was granted; at QoS 0 is a warning.
pub(crate) fn check_granted(filters: &[String], suback: &SubAck) -> Result<(), String> {
    for (at, filter) in filters.iter().enumerate() {
        match suback.return_codes.get(at) {
            Some(SubscribeReasonCode::Success(QoS::AtMostOnce)) => {
                tracing::warn!(filter, "subscription granted at QoS 0 only: messages may be lost");
            }
            Some(SubscribeReasonCode::Success(_)) => {}
            other => {
                let why = other.map_or_else(|| "no reason given".to_owned(), |code| format!("{code:?}"));
                return Err(format!(
                    "the broker refused the subscription to {filter:?}: {why}; check its access list for this client"
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_split_at_the_packet_size() {
        let filters: Vec<String> = ["aaaa", "bbbb", "cccc"].map(str::to_owned).to_vec();
        assert_eq!(subscribe_packets(&filters, None).len(), 1);
        assert_eq!(subscribe_packets(&[], Some(256)).len(), 0);
        // Each entry is 7 bytes behind a frame of 8.
        let sizes = |limit| -> Vec<usize> { subscribe_packets(&filters, Some(limit)).iter().map(Vec::len).collect() };
        assert_eq!(sizes(29), [3]);
        assert_eq!(sizes(28), [2, 1]);
        assert_eq!(sizes(22), [2, 1]);
        assert_eq!(sizes(21), [1, 1, 1]);
        assert_eq!(sizes(1), [1, 1, 1], "what cannot fit is still tried, and the error is the broker's");
    }
}
