//! Files that more than one command changes: locked while they are changed, replaced in one step.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Why a file could not be changed.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be {doing}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// `read`, `written` or `locked`.
    pub doing: &'static str,
    /// What the operating system says.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// For `map_err`.
    pub fn of(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { path, doing, source }
    }
}

/// Held while a file is read, changed and replaced; released when dropped, also by a crash.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held for its lock")] fs::File);

/// Waits for the lock of `path`, which is a file of its own beside it: the locked file itself is replaced.
///
/// # Errors
///
/// When the lock file cannot be made.
pub fn lock(path: &Path) -> Result<Lock, FileError> {
    let path = beside(path, ".lock");
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(FileError::of(&path, "locked"))?;
    file.lock().map_err(FileError::of(&path, "locked"))?;
    Ok(Lock(file))
}

/// Puts a file in place of another in one step: whoever reads it meets the old or the new one, whole.
///
/// # Errors
///
/// When the disk or the folder does not take it; the old file is still there then.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let new = beside(path, ".new");
    let write = || -> io::Result<()> {
        // One that a crash left behind may have another mode.
        let _ = fs::remove_file(&new);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        // The rename is durable only with its folder.
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(FileError::of(path, "written"))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.key");
        fs::write(dir.path().join("x.key.new"), "left by a crash").unwrap();
        for (text, mode) in [("one", 0o600), ("two", 0o640)] {
            let _lock = lock(&path).unwrap();
            replace(&path, text.as_bytes(), mode).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        let error = replace(&dir.path().join("none/x"), b"", 0o644).unwrap_err().to_string();
        assert!(error.ends_with("none/x: cannot be written"), "{error}");
    }

    #[test]
    fn changes_wait_for_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("n");
        fs::write(&path, "0").unwrap();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..10 {
                        let _lock = lock(&path).unwrap();
                        let n: u32 = fs::read_to_string(&path).unwrap().parse().unwrap();
                        replace(&path, (n + 1).to_string().as_bytes(), 0o644).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "40");
    }
}
