//! The TLS files of the uplink, followed while they change: a renewed certificate is shown at the next connection.

use std::{fs, os::unix::fs::MetadataExt as _, path::PathBuf, time::Duration};

use tidewaiter_config::site::Tls;
use tidewaiter_mqtt::{Publisher, TlsPem};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::LinkError;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What tells two states of a file apart; nothing where it is not there.
pub(super) type Stamp = [Option<(u64, i64, i64, u64)>; 3];

pub(super) fn stamp(files: &Tls) -> Stamp {
    [&files.ca, &files.certificate, &files.key]
        .map(|it| fs::metadata(it).ok().map(|it| (it.ino(), it.mtime(), it.mtime_nsec(), it.len())))
}

pub(super) fn read(files: &Tls) -> Result<TlsPem, LinkError> {
    let read = |path: &PathBuf| fs::read(path).map_err(|source| LinkError::Tls { path: path.clone(), source });
    Ok(TlsPem { ca: read(&files.ca)?, certificate: read(&files.certificate)?, key: read(&files.key)? })
}

/// Hands each new state of the files to the link. One that does not fit together is left, and looked at again when it
/// changes: somebody may be in the middle of replacing the files.
pub(super) async fn follow(files: Tls, mut seen: Stamp, publisher: Publisher, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        let now = stamp(&files);
        if now == seen {
            continue;
        }
        seen = now;
        match read(&files).and_then(|pem| Ok(publisher.renew_identity(&pem)?)) {
            Ok(()) => info!("new TLS files; the next connection uses them"),
            Err(error) => warn!(%error, "the new TLS files are not taken; the old ones stay in use"),
        }
    }
}
