//! The retained state message, and what the rest of the agent may know of the uplink.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Content of `…/state`: JSON, retained, replaced by the last will when the agent vanishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateMessage {
    /// Version of this message.
    pub version: u32,
    /// `online`, `stopped` (planned) or `offline` (last will).
    pub state: String,
    /// Agent id.
    pub agent: String,
    /// Program version.
    pub software: String,
    /// SHA-256 of the site file, hex.
    pub config: String,
    /// Newest record.
    pub head: Option<u64>,
    /// Newest record the centre has signed for.
    pub receipted: Option<u64>,
    /// Records without a receipt.
    pub backlog: u64,
    /// Not recording since, UTC milliseconds.
    pub stopped_since_ms: Option<i64>,
    /// Quality letter of the clock.
    pub clock: String,
    /// SHA-256 of the executable file, hex; left out where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_hash: Option<String>,
}

impl StateMessage {
    /// What the broker says of an agent that has vanished.
    pub(super) fn offline(agent: &str, software: &str, software_hash: Option<String>, config: &[u8; 32]) -> Self {
        Self {
            version: 1,
            state: "offline".to_owned(),
            agent: agent.to_owned(),
            software: software.to_owned(),
            config: hex::encode(config),
            head: None,
            receipted: None,
            backlog: 0,
            stopped_since_ms: None,
            clock: "U".to_owned(),
            software_hash,
        }
    }

    /// The payload.
    pub(super) fn to_json(&self) -> Bytes {
        // Strings and numbers only: this cannot fail, and an empty payload would delete the retained one.
        serde_json::to_vec(self).unwrap_or_else(|_| b"{}".to_vec()).into()
    }
}

/// Counters of the uplink since the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Telemetry {
    /// Connected to a broker right now.
    pub online: bool,
    /// Since when it is not, monotonic milliseconds.
    pub offline_since_mono_ms: Option<u64>,
    /// Why the last connection ended.
    pub last_failure: Option<String>,
    /// Publishes of records the broker has acknowledged, repeats included.
    pub sent: u64,
    /// Publishes of records altogether, repeats included.
    pub published: u64,
    /// Highest record the broker has acknowledged.
    pub sent_upto: Option<u64>,
    /// Times the broker had no subscriber for a record.
    pub no_subscriber: u64,
    /// Times the broker refused a record, by its reason code.
    pub refused: u64,
    /// Times receipts stood still and sending began again from the last one.
    pub rewinds: u64,
    /// Receipts that were not believed.
    pub receipts_refused: u64,
    /// Beacons that were not believed.
    pub beacons_refused: u64,
    /// Pieces of evidence the broker has acknowledged, repeats included.
    pub pieces_sent: u64,
}
