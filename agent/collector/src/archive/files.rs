//! Files that are hashed while they are written or read, and folders that hold nothing but what is listed.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{ArchiveError, FileEntry, Manifest, VERSION};

/// Longest manifest read.
const MAX_MANIFEST: u64 = 64 << 20;
/// Name of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";
/// Name of its signature.
pub(super) const SIGNATURE: &str = "manifest.cose";

pub(super) fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |source| ArchiveError::File { path, doing, source }
}

/// A new folder, or an empty one.
pub(super) fn empty_folder(path: &Path) -> Result<(), ArchiveError> {
    fs::create_dir_all(path).map_err(failed(path, "written"))?;
    if fs::read_dir(path).map_err(failed(path, "read"))?.next().is_some() {
        return Err(ArchiveError::Exists(path.to_owned()));
    }
    Ok(())
}

/// A file on its way to the disk.
pub(super) struct Writing {
    name: String,
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl Writing {
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self, ArchiveError> {
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed(&path, "written"))?;
        Ok(Self { name: name.to_owned(), path, file: BufWriter::new(file), hash: Sha256::new(), size: 0 })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.file.write_all(bytes).map_err(failed(&self.path, "written"))?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Flushes it to the disk.
    pub(super) fn finish(mut self) -> Result<FileEntry, ArchiveError> {
        self.file.flush().map_err(failed(&self.path, "written"))?;
        self.file.get_ref().sync_all().map_err(failed(&self.path, "written"))?;
        Ok(FileEntry { name: self.name, size: self.size, sha256: hex::encode(self.hash.finalize()) })
    }
}

pub(super) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<FileEntry, ArchiveError> {
    let mut file = Writing::create(folder, name)?;
    file.write(bytes)?;
    file.finish()
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), ArchiveError> {
    File::open(folder).and_then(|it| it.sync_all()).map_err(failed(folder, "written"))
}

pub(super) fn entry_of(folder: &Path, name: &str) -> Result<FileEntry, ArchiveError> {
    let path = folder.join(name);
    let mut file = File::open(&path).map_err(failed(&path, "read"))?;
    let (mut hash, mut size, mut piece) = (Sha256::new(), 0_u64, vec![0; 256 * 1024]);
    loop {
        let read = file.read(&mut piece).map_err(failed(&path, "read"))?;
        if read == 0 {
            break;
        }
        hash.update(piece.get(..read).unwrap_or_default());
        size += read as u64;
    }
    Ok(FileEntry { name: name.to_owned(), size, sha256: hex::encode(hash.finalize()) })
}

/// Reads a manifest and gives its bytes too: the signature is over them.
pub(super) fn read_manifest(folder: &Path) -> Result<(Manifest, Vec<u8>), ArchiveError> {
    let path = folder.join(MANIFEST);
    let wrong = |why: String| ArchiveError::Manifest { path: path.clone(), why };
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(MAX_MANIFEST).read_to_end(&mut bytes))
        .map_err(|why| wrong(why.to_string()))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|why| wrong(why.to_string()))?;
    if manifest.version != VERSION {
        return Err(wrong(format!("version {} is not known, this program reads {VERSION}", manifest.version)));
    }
    Ok((manifest, bytes))
}

/// What of the files listed does not hold, and what is there beside them.
pub(super) fn compare(folder: &Path, manifest: &Manifest) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    for listed in &manifest.files {
        // A name leads nowhere but into the folder.
        if listed.name.starts_with('/') || listed.name.split('/').any(|part| part == "..") {
            wrong.push((listed.name.clone(), "its name leads out of the folder".to_owned()));
            continue;
        }
        match entry_of(folder, &listed.name) {
            Ok(found) if found == *listed => {}
            Ok(_) => wrong.push((listed.name.clone(), "size or SHA-256 differs from the manifest".to_owned())),
            Err(why) => wrong.push((listed.name.clone(), format!("the manifest lists it: {why}"))),
        }
    }
    let listed: BTreeSet<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
    for below in ["", "evidence/"] {
        let dir = folder.join(below);
        for file in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let name = format!("{below}{}", file.file_name().to_string_lossy());
            if file.path().is_dir() && name == "evidence" || name == MANIFEST || name == SIGNATURE {
                continue;
            }
            if !listed.contains(name.as_str()) {
                wrong.push((name, "the manifest does not list it".to_owned()));
            }
        }
    }
    wrong
}
