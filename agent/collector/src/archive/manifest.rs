//! `manifest.json` of archives and backups.

use serde::{Deserialize, Serialize};

/// The only version so far.
pub const VERSION: u32 = 1;

/// What the signature says it is over.
pub const TYP: &str = "application/vnd.tidewaiter.archive+json; v=1";

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Segments, evidence, heads.
    Archive,
    /// A copy of the store.
    Backup,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Name within the folder.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainEntry {
    /// The chain, hex.
    pub chain: String,
    /// Its agent.
    pub agent: String,
    /// Site its newest record came from.
    pub site: String,
    /// First record in here.
    pub first_seq: u64,
    /// Last one.
    pub last_seq: u64,
    /// How many.
    pub records: u64,
}

/// What a folder says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u32,
    /// What it is.
    pub kind: Kind,
    /// UTC milliseconds.
    pub made_at_ms: i64,
    /// Program and version.
    pub made_by: String,
    /// Received no later than this, UTC milliseconds.
    pub upto_ms: Option<i64>,
    /// Leaves of the log in here.
    pub leaves: u64,
    /// Merkle root over them, hex.
    pub root: String,
    /// The chains.
    pub chains: Vec<ChainEntry>,
    /// SHA-256 of contents that are named and not here.
    pub absent: Vec<String>,
    /// Every file but the manifest and its signature.
    pub files: Vec<FileEntry>,
}
