//! Table files by their hash, in the data directory.
//!
//! A file is complete or not there: it is written beside its name, made durable, renamed, and the folder made durable. What is
//! read is hashed again, so a file that a disk has damaged counts as not there and is fetched anew.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tidewaiter_record::{Hash, mandate::MAX_TABLE_BYTES};

/// Folder in the data directory.
pub const TABLES_DIR: &str = "tables";

/// The folder of table files.
#[derive(Clone, Debug)]
pub(super) struct Vault {
    folder: PathBuf,
}

impl Vault {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(TABLES_DIR) }
    }

    fn path(&self, hash: Hash) -> PathBuf {
        self.folder.join(hash.to_string())
    }

    /// Keeps a file. When this returns it survives a power cut.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let hash = Hash::of(bytes);
        if self.get(hash).is_some() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let beside = self.folder.join(format!("{hash}.part"));
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, self.path(hash))?;
        File::open(&self.folder)?.sync_all()?;
        // The folder itself may be new.
        self.folder.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }

    /// The file of this hash, if it is there and whole.
    pub(super) fn get(&self, hash: Hash) -> Option<Vec<u8>> {
        let path = self.path(hash);
        let sound = fs::metadata(&path).is_ok_and(|it| it.len() <= MAX_TABLE_BYTES as u64);
        fs::read(path).ok().filter(|bytes| sound && Hash::of(bytes) == hash)
    }

    /// Deletes every file but these: what is neither in force nor assigned.
    pub(super) fn keep_only(&self, wanted: &[Hash]) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let wanted = wanted.iter().any(|hash| name.to_str() == Some(hash.to_string().as_str()));
            if !wanted {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_whole_or_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::new(dir.path());
        let (one, two) = (b"one".as_slice(), b"two".as_slice());
        assert_eq!(vault.get(Hash::of(one)), None);
        vault.put(one).unwrap();
        vault.put(two).unwrap();
        assert_eq!(vault.get(Hash::of(one)).as_deref(), Some(one));
        // What a power cut or a worn disk leaves.
        for damage in [b"on".as_slice(), b"", b"onf"] {
            fs::write(vault.path(Hash::of(one)), damage).unwrap();
            assert_eq!(vault.get(Hash::of(one)), None, "{damage:?}");
        }
        fs::write(vault.folder.join("half.part"), b"x").unwrap();
        vault.put(one).unwrap();
        assert_eq!(vault.get(Hash::of(one)).as_deref(), Some(one), "written anew");
        vault.keep_only(&[Hash::of(two)]);
        assert_eq!(fs::read_dir(&vault.folder).unwrap().count(), 1);
        assert_eq!(vault.get(Hash::of(two)).as_deref(), Some(two));
    }
}
