//! What outlives the collector: backups to go on from, archives to check in ten years. Layout: `ARCHIVE.md`.
//!
//! In: a store, the centre's key, a folder. Out: files, each flushed before the manifest that lists it is written; the manifest
//! last, so that a folder without one is one that was not finished.

mod backup;
mod check;
mod files;
mod manifest;
mod restore;
mod write;

pub use backup::backup;
pub use check::{ArchiveReport, check};
pub use manifest::{ChainEntry, FileEntry, Kind, Manifest, TYP, VERSION};
pub use restore::{Restored, import, restore_archive, restore_backup};
pub(crate) use write::PROGRAM;
pub use write::{Source, write};

use std::path::{Path, PathBuf};

use tidewaiter_record::DetachedError;

use crate::{core::CoreError, export::ExportError, keys::KeyError, store::StoreError};

/// What the folder holds, by its manifest.
///
/// # Errors
///
/// When it has none that can be read.
pub fn kind(folder: &Path) -> Result<Kind, ArchiveError> {
    files::read_manifest(folder).map(|(manifest, _)| manifest.kind)
}

/// Why an archive or a backup could not be written, checked or taken up.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file cannot be read or written.
    #[error("{}: cannot be {doing}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The folder is not empty, or the file exists: nothing is overwritten.
    #[error("{} exists; choose another place, nothing is overwritten", .0.display())]
    Exists(PathBuf),
    /// The folder has no manifest that can be read.
    #[error("{}: {why}; a folder without a whole manifest.json is an archive that was not finished", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The manifest's signature does not hold.
    #[error("{}: {source}", path.display())]
    Signature {
        /// The signature.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: DetachedError,
    },
    /// What was read contradicts the manifest or itself.
    #[error("{}: {what}; take another copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The core.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A stored record is not what came in.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A key or registry.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The centre's key does not sign.
    #[error("the centre's key does not sign: {0}")]
    Sign(String),
}

impl ArchiveError {
    /// Whether it speaks against the data, rather than the machine.
    pub const fn is_finding(&self) -> bool {
        matches!(self, Self::Manifest { .. } | Self::Signature { .. } | Self::Damaged { .. })
    }
}
