//! Where files are read from: the disk, or a copy of what was read there before.
//!
//! Whoever reads a configuration as a whole has to know which bytes it was: a file may be saved again while the next
//! one is read. So everything read passes here and is remembered, and the same reader can read it again later from what
//! was remembered alone.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use crate::report::{Finding, Report, Severity};

/// Files and folders as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Content by path, as the path was written or joined.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// The `*.toml` files of each folder that was listed.
    pub folders: BTreeMap<PathBuf, Vec<PathBuf>>,
}

/// A source of files that remembers what it gave.
#[derive(Debug, Default)]
pub struct Files {
    kept: Option<Snapshot>,
    seen: RefCell<Snapshot>,
}

impl Files {
    /// The disk.
    pub fn disk() -> Self {
        Self::default()
    }

    /// What was read before, and nothing else.
    pub fn kept(snapshot: Snapshot) -> Self {
        Self { kept: Some(snapshot), seen: RefCell::default() }
    }

    /// Everything read so far.
    pub fn seen(&self) -> Snapshot {
        self.seen.borrow().clone()
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Says why it cannot be read, as a finding.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, Report> {
        let content = match &self.kept {
            Some(kept) => kept.files.get(path).cloned().ok_or_else(not_kept),
            None => std::fs::read(path),
        };
        let content = content.map_err(|error| {
            let way_out = "the path of an existing file that this user may read";
            unreadable(path, format!("cannot read the file: {error}"), way_out)
        })?;
        self.seen.borrow_mut().files.insert(path.to_owned(), content.clone());
        Ok(content)
    }

    /// The `*.toml` files of a folder, by name.
    ///
    /// # Errors
    ///
    /// Says why it cannot be read, as a finding.
    pub fn toml_files(&self, dir: &Path) -> Result<Vec<PathBuf>, Report> {
        let listed = match &self.kept {
            Some(kept) => kept.folders.get(dir).cloned().ok_or_else(not_kept),
            None => list(dir),
        };
        let listed = listed.map_err(|error| {
            let way_out = "the path of an existing folder, relative to the site file";
            unreadable(dir, format!("cannot read the folder: {error}"), way_out)
        })?;
        self.seen.borrow_mut().folders.insert(dir.to_owned(), listed.clone());
        Ok(listed)
    }

    /// Whether there is such a folder.
    pub(crate) fn is_dir(&self, dir: &Path) -> bool {
        self.kept.as_ref().map_or_else(|| dir.is_dir(), |kept| kept.folders.contains_key(dir))
    }
}

fn not_kept() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "it is not among what was kept")
}

fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path, what: String, way_out: &str) -> Report {
    let file = path.display().to_string();
    let (severity, way_out) = (Severity::Error, way_out.to_owned());
    let finding = Finding { severity, file: file.clone(), line: 0, column: 0, span: 0..0, what, way_out };
    Report::new(file, "", vec![finding])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_was_read_is_read_again_without_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let (file, folder) = (dir.path().join("a.toml"), dir.path().to_owned());
        std::fs::write(&file, "one").unwrap();
        let disk = Files::disk();
        assert_eq!(disk.toml_files(&folder).unwrap(), std::slice::from_ref(&file));
        assert_eq!(disk.read(&file).unwrap(), b"one");
        std::fs::write(&file, "two").unwrap();
        let kept = Files::kept(disk.seen());
        assert_eq!(kept.read(&file).unwrap(), b"one");
        assert!(kept.is_dir(&folder) && !kept.is_dir(Path::new("/")));
        assert_eq!(kept.toml_files(&folder).unwrap(), [file]);
        assert!(kept.read(&dir.path().join("b.toml")).unwrap_err().to_string().contains("not among what was kept"));
        assert_eq!(kept.seen(), disk.seen());
    }
}
