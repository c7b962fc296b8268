//! The last good configuration, laid by in the data directory for a start with a broken one.
//!
//! ```text
//! config/objects/{sha256}          one file of a configuration, 0600
//! config/generation-{n}.json       which files, under which names; the newest two are kept
//! ```
//!
//! Each file is written beside its name, synced and moved into place; the generation last, so that a power cut leaves the
//! one before. Objects are checked against their names when they are read. Private keys are never among them: what is
//! kept is what the reader of the site file reads, and that names keys without reading them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidewaiter_config::Snapshot;

/// Folder in the data directory.
const FOLDER: &str = "config";
/// Generations kept: the one in force, and the one before.
const GENERATIONS: usize = 2;
/// A configuration larger than this is not kept. The largest shipped one has 200 KiB.
const MOST_BYTES: usize = 16 << 20;
const VERSION: u32 = 1;

/// The place where configurations are laid by.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generation {
    version: u32,
    /// The site file it was read from, absolute.
    site: PathBuf,
    /// SHA-256, hex, by the path it was read under.
    files: BTreeMap<PathBuf, String>,
    folders: BTreeMap<PathBuf, Vec<PathBuf>>,
}

/// A configuration laid by.
#[derive(Clone, Debug)]
pub struct Good {
    /// The path its site file was read under.
    pub path: PathBuf,
    /// Its files.
    pub files: Snapshot,
}

impl Kept {
    /// In this data directory.
    pub fn new(dir: &Path) -> Self {
        Self { folder: dir.join(FOLDER) }
    }

    /// Lays a configuration by as the newest, unless it is. `site` is the path its site file was read under.
    ///
    /// # Errors
    ///
    /// When the disk refuses, or the configuration is too large. What was kept before is still there.
    pub fn keep(&self, site: &Path, files: &Snapshot) -> io::Result<()> {
        let size: usize = files.files.values().map(Vec::len).sum();
        if size > MOST_BYTES {
            let why = format!("the configuration has {size} bytes; {MOST_BYTES} at most are kept");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        let hashes = files.files.iter().map(|(path, content)| (path.clone(), hex::encode(Sha256::digest(content))));
        let generation = Generation {
            version: VERSION,
            site: std::path::absolute(site)?,
            files: hashes.collect(),
            folders: files.folders.clone(),
        };
        let objects = self.folder.join("objects");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&objects)?;
        for (path, hash) in &generation.files {
            let Some(content) = files.files.get(path) else { continue };
            if fs::read(objects.join(hash)).ok().as_ref() != Some(content) {
                put(&objects, hash, content)?;
            }
        }
        let numbers = self.numbers();
        if numbers.last().and_then(|it| self.generation(*it)).as_ref() == Some(&generation) {
            return Ok(());
        }
        let next = numbers.last().map_or(1, |it| it + 1);
        put(&self.folder, &name(next), &serde_json::to_vec_pretty(&generation)?)?;
        self.prune();
        Ok(())
    }

    /// The newest configuration of this site file that is whole.
    pub fn newest(&self, site: &Path) -> Option<Good> {
        let site = std::path::absolute(site).ok()?;
        self.numbers().into_iter().rev().find_map(|number| {
            let generation = self.generation(number).filter(|it| it.site == site)?;
            let content = |(path, hash): (PathBuf, String)| {
                let content = fs::read(self.folder.join("objects").join(&hash)).ok()?;
                (hex::encode(Sha256::digest(&content)) == hash).then_some((path, content))
            };
            let files = generation.files.into_iter().map(content).collect::<Option<BTreeMap<_, _>>>()?;
            // It was read under the path that was given then, which may have been a relative one.
            let path = files.keys().find(|it| std::path::absolute(it).is_ok_and(|it| it == site))?.clone();
            Some(Good { path, files: Snapshot { files, folders: generation.folders } })
        })
    }

    fn generation(&self, number: u64) -> Option<Generation> {
        let bytes = fs::read(self.folder.join(name(number))).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|it: &Generation| it.version == VERSION)
    }

    /// Numbers of the generations, ascending.
    fn numbers(&self) -> Vec<u64> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let number = |entry: fs::DirEntry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix("generation-")?.strip_suffix(".json")?.parse().ok()
        };
        let mut numbers: Vec<u64> = entries.filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Removes older generations and what only they needed. What cannot be removed is tried again the next time.
    fn prune(&self) {
        let numbers = self.numbers();
        let (old, young) = numbers.split_at(numbers.len().saturating_sub(GENERATIONS));
        for number in old {
            let _ = fs::remove_file(self.folder.join(name(*number)));
        }
        let needed: BTreeSet<String> =
            young.iter().filter_map(|it| self.generation(*it)).flat_map(|it| it.files.into_values()).collect();
        for entry in fs::read_dir(self.folder.join("objects")).into_iter().flatten().flatten() {
            if !entry.file_name().to_str().is_some_and(|it| needed.contains(it)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn name(number: u64) -> String {
    format!("generation-{number}.json")
}

/// Puts a file into place whole or not at all.
fn put(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let beside = folder.join(format!(".{name}.new"));
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn files(site: &Path, text: &str) -> Snapshot {
        let table = site.parent().unwrap().join("limits/a.toml");
        let folders = [(table.parent().unwrap().to_owned(), vec![table.clone()])].into();
        Snapshot { files: [(site.to_owned(), text.into()), (table, b"table".to_vec())].into(), folders }
    }

    #[test]
    fn two_generations_are_kept_and_a_damaged_one_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site.toml");
        let kept = Kept::new(&dir.path().join("data"));
        assert!(kept.newest(&site).is_none());
        for text in ["one", "two", "two", "three"] {
            kept.keep(&site, &files(&site, text)).unwrap();
        }
        assert_eq!(kept.numbers(), [2, 3], "the same again is no generation of its own");
        let objects = dir.path().join("data/config/objects");
        assert_eq!(fs::read_dir(&objects).unwrap().count(), 3, "two site files and the table they share");
        for entry in fs::read_dir(&objects).unwrap().flatten() {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(kept.newest(&site).unwrap().files, files(&site, "three"));
        assert!(kept.newest(&dir.path().join("other.toml")).is_none(), "another site file's is not ours");
        fs::write(objects.join(hex::encode(Sha256::digest(b"three"))), "thre").unwrap();
        assert_eq!(kept.newest(&site).unwrap().files, files(&site, "two"));
        fs::write(dir.path().join("data/config/generation-2.json"), "{").unwrap();
        assert!(kept.newest(&site).is_none());
        kept.keep(&site, &files(&site, "three")).unwrap();
        assert_eq!(kept.newest(&site).unwrap().files, files(&site, "three"), "a damaged object is written again");
    }
}
