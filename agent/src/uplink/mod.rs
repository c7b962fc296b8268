//! Sends what the outbox holds, until the centre has signed for it.
//!
//! What comes in: the outbox's durable head, receipts. What goes out: publishes on
//!
//! ```text
//! tw/1/{site}/{agent}/record   QoS 1            records in sequence order, a window of N un-receipted
//! tw/1/{site}/{agent}/alert    QoS 1            the same bytes at once for alarm dispositions
//! tw/1/{site}/{agent}/state    QoS 1 retained   JSON; the last will says offline
//! tw/1/{site}/{agent}/view/{instrument}  QoS 0  JSON live values, unsigned
//! tw/1/{site}/{agent}/evidence/{sha256}  QoS 1  pieces of evidence, after the record that names it
//! ```
//!
//! PUBACK is flow control and a counter, nothing more. On every connection, and whenever receipts
//! stand still, the cursor rewinds to the last receipt + 1. What the centre misses it asks for, and those records alone
//! are sent again. This stage never decides that a record is done.

mod again;
mod identity;
mod link;
mod pieces;
mod sender;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use link::{Link, LinkError, MqttLink, usable};
pub use sender::{MakeLink, Relink, Settings, Uplink};
pub use state::{StateMessage, Telemetry};

/// No receipt for this long while records are out: send again from the last receipt.
pub const RECEIPT_PATIENCE: Duration = Duration::from_secs(10);

/// The fixed positions of the topic tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
}

impl Topics {
    /// Topics of one agent.
    pub fn new(site: &str, agent: &str) -> Self {
        Self { prefix: format!("tw/1/{site}/{agent}") }
    }

    /// Records in order.
    pub fn record(&self) -> String {
        format!("{}/record", self.prefix)
    }

    /// Alarms at once.
    pub fn alert(&self) -> String {
        format!("{}/alert", self.prefix)
    }

    /// Retained state and last will.
    pub fn state(&self) -> String {
        format!("{}/state", self.prefix)
    }

    /// Live values of one instrument.
    pub fn view(&self, instrument: &str) -> String {
        format!("{}/view/{instrument}", self.prefix)
    }

    /// Pieces of one content, named by its SHA-256 in hex.
    pub fn evidence(&self, sha256: &str) -> String {
        format!("{}/evidence/{sha256}", self.prefix)
    }

    /// Heads of the centre's log.
    pub fn beacon(&self) -> String {
        format!("{}/down/beacon", self.prefix)
    }

    /// Receipts.
    pub fn receipt(&self) -> String {
        format!("{}/down/receipt", self.prefix)
    }

    /// Requests to send again.
    pub fn resend(&self) -> String {
        format!("{}/down/resend", self.prefix)
    }

    /// What a topic says below `down/`.
    pub fn below_down<'t>(&self, topic: &'t str) -> Option<&'t str> {
        topic.strip_prefix(self.prefix.as_str())?.strip_prefix("/down/")
    }

    /// Filters of everything that signed orders come on, beside the beacon.
    pub fn orders(&self) -> Vec<String> {
        ["root/+", "limits", "assignment", "table/+", "plan", "command"]
            .map(|rest| format!("{}/down/{rest}", self.prefix))
            .to_vec()
    }
}
