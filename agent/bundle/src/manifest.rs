//! `manifest.json`.

use serde::{Deserialize, Serialize};
use tidewaiter_record::Hash;

/// The only version so far.
pub const VERSION: u32 = 1;

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Name within the bundle.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

impl FileEntry {
    /// The entry of a file.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), size: bytes.len() as u64, sha256: Hash::of(bytes).to_string() }
    }
}

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u32,
    /// UTC milliseconds, by the clock of whoever made it.
    pub made_at_ms: i64,
    /// Program and version that made it.
    pub made_by: String,
    /// Agent.
    pub agent: String,
    /// Chain, hex.
    pub chain: String,
    /// The records asked for.
    pub asked: Vec<u64>,
    /// First record in `records.cborseq`. Its link to the one before it is not checked unless it is 0.
    pub first_seq: u64,
    /// Last one.
    pub last_seq: u64,
    /// SHA-256 of the configuration that the newest record asked for names, hex.
    pub config: Option<String>,
    /// Program and version that the newest record asked for names.
    pub software: Option<String>,
    /// Hashes that records name and whose content is not in here: evidence, tables, plans.
    pub absent: Vec<String>,
    /// Every file but this one, in the order of the archive.
    pub files: Vec<FileEntry>,
}
