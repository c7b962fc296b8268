//! Instrument nodes that seal their readings: their keys, and what a record proves by them.
//!
//! ```text
//! record ─► readings of a node ─► raw bytes ─► block ─► serial, MAC ─► values compared ─► findings
//!                                  frame        judge                    judge              (sequence: stored, with the store)
//! ```
//!
//! A node and the centre share a key that no gateway has. The gateway stores the node's answer verbatim inside its signed
//! record; here the block is found again in those bytes, its seal checked, and what the record says is held against what the
//! node said. A record that fails is stored and receipted as any other: it is evidence, and the finding says of what.
//!
//! No key is ever printed or logged; the types that hold one have no `Debug` that shows it.

mod file;
mod frame;
pub mod image;
mod judge;
mod stored;

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::Timestamp;
use tidewaiter_node::block::NodeKey;

/// Bytes of a serial number.
pub const SERIAL_BYTES: usize = 8;

pub use self::{
    file::{NodesError, NodesFile, add, fresh_key, load, read_key, revoke, serial_of, text_of},
    frame::blocks,
    judge::{Judged, Proof, judge_inspection, judge_readings},
    stored::{Due, Rechecked, recheck},
};

/// A node at one place, while its key is in force there.
#[derive(Clone)]
pub struct Node {
    /// Site, for people: an agent's name is its own at a centre.
    pub site: String,
    /// The agent that reads it.
    pub agent: String,
    /// Its name there.
    pub instrument: String,
    /// Its serial number, as sent.
    pub serial: [u8; SERIAL_BYTES],
    /// First moment at which a reading of it counts.
    pub from: Timestamp,
    /// Last one; none while it is in use.
    pub to: Option<Timestamp>,
    /// Channels that its profile calls otherwise than the block does: channel to field.
    pub channels: BTreeMap<String, String>,
    key: Arc<NodeKey>,
}

impl Node {
    /// Its key, to check with and to authorise with.
    pub fn key(&self) -> &NodeKey {
        &self.key
    }

    /// Whether its key is in force at a moment, UTC milliseconds.
    pub fn is_in_force(&self, wall_ms: i64) -> bool {
        self.from.as_millisecond() <= wall_ms && self.to.is_none_or(|to| wall_ms <= to.as_millisecond())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("agent", &self.agent)
            .field("instrument", &self.instrument)
            .field("serial", &text_of(self.serial))
            .finish_non_exhaustive()
    }
}

/// All nodes a centre has keys of.
#[derive(Clone, Debug, Default)]
pub struct Nodes(Vec<Node>);

impl Nodes {
    /// Every entry, in the order of the file.
    pub fn all(&self) -> &[Node] {
        &self.0
    }

    /// The instruments that a node is or was at, with all that was ever there: a reading from before its time is another
    /// node's.
    #[must_use]
    pub fn with(&self, serial: [u8; SERIAL_BYTES]) -> Self {
        let had = |at: &&Node| self.of(&at.agent, &at.instrument).any(|it| it.serial == serial);
        Self(self.0.iter().filter(had).cloned().collect())
    }

    /// Whether there is none: then nothing is checked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an instrument is, or was, a node.
    pub fn knows(&self, agent: &str, instrument: &str) -> bool {
        self.of(agent, instrument).next().is_some()
    }

    /// The node that an instrument was at a moment.
    pub fn at(&self, agent: &str, instrument: &str, wall_ms: i64) -> Option<&Node> {
        self.of(agent, instrument).find(|it| it.is_in_force(wall_ms))
    }

    fn of(&self, agent: &str, instrument: &str) -> impl Iterator<Item = &Node> {
        self.0.iter().filter(move |it| it.agent == agent && it.instrument == instrument)
    }
}
