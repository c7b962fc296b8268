//! `nodes.json`: what the centre found by the seals of instrument nodes.
//!
//! ```json
//! {
//!   "version": 1,
//!   "records": [
//!     {
//!       "seq": 412,
//!       "nodes": [{ "instrument": "scale-1", "serial": "TWN00001" }],
//!       "findings": [{ "reason": "node-value", "detail": "scale-1: mass is …" }]
//!     }
//!   ]
//! }
//! ```
//!
//! A record stands in it when readings of it were held against the key of a node, or when something was found; a record with
//! nodes and without findings was held against them and nothing spoke against it. `serial` says whose key, and no key is in
//! here: only the centre and the node have it, so whoever reads this cannot do the check again. It is the centre's word, and
//! not signed. Later versions add keys and take none away; a reader passes over what it does not know.

use serde::{Deserialize, Serialize};

/// Name in the archive.
pub(crate) const FILE: &str = "nodes.json";
/// The only version so far.
const VERSION: u32 = 1;

/// A node whose key readings were held against.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeName {
    /// The instrument, as the agent names it.
    pub instrument: String,
    /// Serial number of the node.
    pub serial: String,
}

/// Something that speaks against a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFinding {
    /// `node-mac`, `node-serial`, `node-sequence`, `node-value` or `node-block-missing`.
    pub reason: String,
    /// In technical English: found and expected.
    pub detail: String,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its number.
    pub seq: u64,
    /// Nodes whose keys its readings were held against.
    pub nodes: Vec<NodeName>,
    /// What was found.
    pub findings: Vec<NodeFinding>,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    records: Vec<NodeRecord>,
}

/// The file.
pub(crate) fn write(records: &[NodeRecord]) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(&File { version: VERSION, records: records.to_vec() })?;
    text.push(b'\n');
    Ok(text)
}

/// What is in the file, or why that cannot be told.
pub(crate) fn read(text: &[u8]) -> Result<Vec<NodeRecord>, String> {
    let file: File = serde_json::from_slice(text).map_err(|why| format!("it cannot be read: {why}"))?;
    if file.version != VERSION {
        return Err(format!("it has version {}, this program reads {VERSION}; use a newer one", file.version));
    }
    Ok(file.records)
}
