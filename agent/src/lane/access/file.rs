//! The users file on the disk: for its owner only, replaced in one step, changed by one process at a time.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown},
    path::{Path, PathBuf},
    time::SystemTime,
};

use jiff::{Timestamp, tz::TimeZone};
use tidewaiter_config::users::{Role, User, to_toml, users_from_str};
use tidewaiter_record::Hash;

use super::password;

/// Largest users file read.
const MOST_BYTES: u64 = 1 << 20;
/// For its owner only.
const MODE: u32 = 0o600;

/// Why a users file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// Others may read it.
    #[error("{} may be read by others (mode {mode:04o}); chmod 0600 {}", path.display(), path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is too large to be one.
    #[error("{} has more than {MOST_BYTES} bytes", path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// Its content is faulty.
    #[error("{0}")]
    Content(String),
}

impl FileError {
    /// There is no such file.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Disk { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// What tells a file that has changed from one that has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    len: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
}

/// The stamp of a file as it lies there; `None` when there is none.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok()?;
    let changed = (meta.ctime(), meta.ctime_nsec());
    Some(Stamp { inode: meta.ino(), len: meta.len(), modified: meta.modified().ok(), changed })
}

/// Reads a users file; the hash is that of its bytes.
pub(crate) fn read(path: &Path) -> Result<(Vec<User>, Hash), FileError> {
    let failed = |source| FileError::Disk { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    // Asked of what was opened: the name may stand for another file meanwhile.
    let meta = file.metadata().map_err(failed)?;
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileError::Mode { path: path.to_owned(), mode });
    }
    if !meta.is_file() || meta.len() > MOST_BYTES {
        return Err(FileError::Large { path: path.to_owned() });
    }
    let text = io::read_to_string(file).map_err(failed)?;
    let hash = Hash::of(text.as_bytes());
    let users = users_from_str(&path.display().to_string(), &text).map_err(|report| {
        // The source lines of a report might show a secret.
        let findings: Vec<String> = report.findings().iter().map(ToString::to_string).collect();
        FileError::Content(findings.join("\n"))
    })?;
    Ok((users, hash))
}

/// Changes a users file: what `change` makes of the users there takes its place, or nothing happens.
pub(crate) fn change<T, E: From<FileError>>(
    path: &Path,
    change: impl FnOnce(&mut Vec<User>) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |source| FileError::Disk { path: path.to_owned(), source };
    let beside = |ending: &str| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        path.with_file_name(name)
    };
    let lock = fs::OpenOptions::new().create(true).append(true).mode(MODE).open(beside(".lock")).map_err(failed)?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).map_err(|it| failed(it.into()))?;
    let mut users = match read(path) {
        Ok((users, _)) => users,
        Err(absent) if absent.is_absent() => Vec::new(),
        Err(other) => return Err(other.into()),
    };
    let done = change(&mut users)?;
    let text = to_toml(&users);
    // What could not be read again would lock everybody out.
    users_from_str("users", &text).map_err(|it| FileError::Content(it.to_string()))?;
    let next = beside(".new");
    let _ = fs::remove_file(&next);
    let written = (|| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(&next)?;
        file.write_all(text.as_bytes())?;
        if let Some((uid, gid)) = owner(path) {
            chown(&next, Some(uid), Some(gid))?;
        }
        file.sync_all()?;
        fs::rename(&next, path)?;
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        let _ = fs::remove_file(&next);
    }
    written.map_err(failed)?;
    Ok(done)
}

/// Lets one more person in, as `tidewaiter users add` does; makes the file where there is none.
///
/// # Errors
///
/// When the file cannot be changed, somebody of this name is in it, or the password is not taken.
pub fn let_in(path: &Path, name: &str, display: &str, role: Role, password: &str) -> Result<(), FileError> {
    let hash = password::hash(name, password).map_err(|why| FileError::Content(why.to_string()))?;
    let since = Timestamp::now().to_zoned(TimeZone::UTC).date();
    change(path, |users| {
        users.push(User {
            name: name.to_owned(),
            display: display.to_owned(),
            role,
            since,
            password: Some(hash),
            disabled: false,
            tokens: Vec::new(),
        });
        Ok(())
    })
}

/// Whose file it is to be when root writes it: whose it was, or whose folder it is in. The agent, which is not root,
/// must be able to read it.
fn owner(path: &Path) -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let meta = fs::metadata(path).or_else(|_| fs::metadata(folder)).ok()?;
    Some((meta.uid(), meta.gid()))
}
