//! What this machine believes of keys: its own entry, and the registry of its centre.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tidewaiter_record::{Registry, RegistryClass};

use super::REGISTRY_FILE;

/// Why a registry file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BelievedError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no registry.
    #[error("{}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Reads one registry file.
///
/// # Errors
///
/// When it cannot be read, or is none.
pub fn registry_file(path: &Path) -> Result<Registry, BelievedError> {
    let text = fs::read_to_string(path).map_err(|source| BelievedError::File { path: path.to_owned(), source })?;
    Registry::from_json(&text).map_err(|why| BelievedError::Content { path: path.to_owned(), why: why.to_string() })
}

/// The agent's own entry in the data directory `dir`, and what `centre` holds; a file that is not there says nothing.
///
/// # Errors
///
/// When a file that is there cannot be used.
pub fn believed(dir: &Path, centre: Option<&Path>) -> Result<Registry, BelievedError> {
    let own = dir.join(REGISTRY_FILE);
    let own = if own.exists() { registry_file(&own)? } else { Registry::new(RegistryClass::Production) };
    let Some(path) = centre.filter(|it| it.exists()) else { return Ok(own) };
    let theirs = registry_file(path)?;
    let mut merged = theirs.clone();
    // An entry of the centre for our key counts more than our own about ourselves.
    Ok(if merged.merge(&own).is_ok() { merged } else { theirs })
}
