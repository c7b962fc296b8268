//! A copy of the store to go on from.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tidewaiter_record::log::empty_root;

use super::{
    ArchiveError, Kind, Manifest, VERSION,
    files::{MANIFEST, empty_folder, entry_of, failed, sync_folder, write_whole},
};
use crate::store::StoreError;

/// Name of the copy.
pub(super) const STORE: &str = "collector.db";
/// Name of the registry's copy.
pub(super) const REGISTRY: &str = "registry.json";

/// Copies the store at `store`, in use or not, and the registry, into an empty folder.
///
/// # Errors
///
/// When the folder is not empty, the store cannot be read or the copy cannot be written.
pub fn backup(store: &Path, registry: &Path, out: &Path, made_at_ms: i64) -> Result<Manifest, ArchiveError> {
    std::fs::metadata(store).map_err(failed(store, "read"))?;
    empty_folder(out)?;
    let copy = out.join(STORE);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(store, flags).map_err(StoreError::database("opening the file"))?;
    connection.busy_timeout(std::time::Duration::from_secs(30)).map_err(StoreError::database("opening the file"))?;
    // One read transaction: a consistent state, while the collector goes on writing.
    connection
        .execute("VACUUM INTO ?1", [copy.to_string_lossy()])
        .map_err(StoreError::database("copying the store"))?;
    std::fs::File::open(&copy).and_then(|it| it.sync_all()).map_err(failed(&copy, "written"))?;
    let text = std::fs::read(registry).map_err(failed(registry, "read"))?;
    let files = vec![entry_of(out, STORE)?, write_whole(out, REGISTRY, &text)?];
    let manifest = Manifest {
        version: VERSION,
        kind: Kind::Backup,
        made_at_ms,
        made_by: super::write::PROGRAM.to_owned(),
        upto_ms: None,
        leaves: 0,
        root: empty_root().to_string(),
        chains: Vec::new(),
        absent: Vec::new(),
        files,
    };
    let bytes = super::write::text(&manifest)?;
    sync_folder(out)?;
    write_whole(out, MANIFEST, &bytes)?;
    sync_folder(out)?;
    Ok(manifest)
}
