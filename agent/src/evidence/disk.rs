//! Contents as files, each written beside its name, flushed, and then given it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tidewaiter_record::Hash;

use super::EvidenceStore;

/// Evidence in a folder.
#[derive(Debug)]
pub struct DiskEvidence {
    folder: PathBuf,
    used: AtomicU64,
    /// One content is written at a time: two writers of the same one would take each other's half-written file away.
    writing: Mutex<()>,
}

impl DiskEvidence {
    /// Name of the folder inside the data directory.
    pub const FOLDER: &'static str = "evidence";

    /// Opens or makes the folder in `dir`; what a power cut left half-written is removed.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let folder = dir.join(Self::FOLDER);
        fs::create_dir_all(&folder).map_err(|why| named(&folder, &why))?;
        File::open(dir)?.sync_all()?;
        let mut used = 0;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            match name_of(&entry.file_name()) {
                Some(_) => used += entry.metadata()?.len(),
                None if entry.file_name().as_encoded_bytes().ends_with(b".part") => fs::remove_file(entry.path())?,
                None => tracing::warn!(file = %entry.path().display(), "no evidence; it is left alone"),
            }
        }
        Ok(Self { folder, used: AtomicU64::new(used), writing: Mutex::new(()) })
    }

    /// Where the content of this hash is in a data directory, agent running or not.
    pub fn path(dir: &Path, hash: Hash) -> PathBuf {
        dir.join(Self::FOLDER).join(hash.to_string())
    }

    fn file(&self, hash: Hash) -> PathBuf {
        self.folder.join(hash.to_string())
    }
}

fn name_of(name: &std::ffi::OsStr) -> Option<Hash> {
    let bytes = hex::decode(name.to_str().filter(|it| it.len() == 64)?).ok()?;
    Some(Hash(bytes.try_into().ok()?))
}

fn named(path: &Path, why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("{}: {why}", path.display()))
}

impl EvidenceStore for DiskEvidence {
    fn put(&self, hash: Hash, content: &[u8]) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.file(hash);
        if fs::metadata(&file).is_ok_and(|it| it.len() == content.len() as u64) {
            // The same bytes are there; flushing twice is harmless.
            File::open(&file)?.sync_all()?;
            return File::open(&self.folder)?.sync_all();
        }
        let part = self.folder.join(format!(".{hash}.part"));
        let written = (|| {
            let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&part)?;
            out.write_all(content)?;
            out.sync_all()?;
            fs::rename(&part, &file)?;
            // Without this the name may be gone after a power cut, and the record that trusts in it not.
            File::open(&self.folder)?.sync_all()
        })();
        if let Err(why) = written {
            let _ = fs::remove_file(&part);
            let _ = fs::remove_file(&file);
            return Err(named(&file, &why));
        }
        self.used.fetch_add(content.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn read(&self, hash: Hash, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let path = self.file(hash);
        let mut file = File::open(&path).map_err(|why| named(&path, &why))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(len as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn remove(&self, hash: Hash) -> io::Result<()> {
        let path = self.file(hash);
        let size = match fs::metadata(&path) {
            Ok(it) => it.len(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(why) => return Err(named(&path, &why)),
        };
        fs::remove_file(&path).map_err(|why| named(&path, &why))?;
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| Some(it.saturating_sub(size)));
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<Hash>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|why| named(&self.folder, &why))? {
            found.extend(name_of(&entry?.file_name()));
        }
        found.sort();
        Ok(found)
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn contents_outlive_the_process_and_half_of_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let store = DiskEvidence::open(dir.path()).unwrap();
        let content: Vec<u8> = (0..40_000_u32).map(|it| u8::try_from(it % 251).unwrap()).collect();
        let hash = Hash::of(&content);
        store.put(hash, &content).unwrap();
        store.put(hash, &content).unwrap();
        assert_eq!(store.used(), 40_000, "kept once");
        fs::write(dir.path().join("evidence/.abc.part"), b"half").unwrap();
        fs::write(dir.path().join("evidence/note.txt"), b"somebody's").unwrap();
        let store = DiskEvidence::open(dir.path()).unwrap();
        assert_eq!((store.list().unwrap(), store.used()), (vec![hash], 40_000));
        assert!(!dir.path().join("evidence/.abc.part").exists() && dir.path().join("evidence/note.txt").exists());
        for (offset, len, is) in [(0, 16, 0..16), (39_990, 100, 39_990..40_000), (40_000, 5, 40_000..40_000)] {
            assert_eq!(store.read(hash, offset, len).unwrap(), content[is]);
        }
        store.remove(hash).unwrap();
        store.remove(hash).unwrap();
        assert_eq!((store.used(), store.read(hash, 0, 1).unwrap_err().kind()), (0, io::ErrorKind::NotFound));
    }

    #[test]
    fn one_content_from_many_hands_is_kept_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = DiskEvidence::open(dir.path()).unwrap();
        let content = vec![5; 100_000];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| store.put(Hash::of(&content), &content).unwrap());
            }
        });
        assert_eq!((store.used(), store.read(Hash::of(&content), 0, 200_000).unwrap()), (100_000, content));
    }

    #[test]
    fn a_folder_that_cannot_be_written_keeps_nothing_and_says_where() {
        let dir = tempfile::tempdir().unwrap();
        let store = DiskEvidence::open(dir.path()).unwrap();
        fs::remove_dir(dir.path().join("evidence")).unwrap();
        let why = store.put(Hash::of(b"x"), b"x").unwrap_err();
        assert!(why.to_string().contains("evidence"), "{why}");
        assert_eq!(store.used(), 0);
    }
}
