//! The folder of orders: `{spool}/{site}/{agent}/{item}`, one file per order.
//!
//! | file | topic below `tw/1/{site}/{agent}/down/` | retained |
//! |---|---|---|
//! | `root-7` | `root/7` | yes |
//! | `limits`, `assignment`, `plan` | the same | yes |
//! | `table-<sha256>` | `table/<sha256>` | yes |
//! | `command-7` | `command` | no; again and again until its result came |
//! | `done-7` | none: a command with a result | |
//!
//! Other names are left alone.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use tidewaiter_record::{Hash, mandate::MAX_TABLE_BYTES};

use crate::topic;

/// Orders looked at: far more than a centre has; a folder that is full by mistake must not fill the memory.
pub const MAX_ORDERS: usize = 100_000;

/// What tells two states of a file apart.
pub type Stamp = (i64, i64, u64, u64);

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A file or folder.
    #[error("{}: cannot be {doing}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// A site or agent that is no segment of a topic.
    #[error("{0:?} is no site or agent: it would not be one segment of a topic")]
    Segment(String),
    /// Larger than any order.
    #[error("{}: {bytes} bytes, an order has at most {MAX_TABLE_BYTES}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

/// Which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A root, by its version. Roots come first: they bring the keys for the rest.
    Root(u64),
    /// Limits.
    Limits,
    /// The file of a table.
    Table(Hash),
    /// The assignment.
    Assignment,
    /// The plan.
    Plan,
    /// A command, by its number.
    Command(u64),
}

impl Item {
    /// Its file name.
    pub fn file_name(self) -> String {
        match self {
            Self::Root(version) => format!("root-{version}"),
            Self::Limits => "limits".to_owned(),
            Self::Table(hash) => format!("table-{hash}"),
            Self::Assignment => "assignment".to_owned(),
            Self::Plan => "plan".to_owned(),
            Self::Command(number) => format!("command-{number}"),
        }
    }

    /// Reads [`Self::file_name`] back.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let item = match name.split_once('-') {
            None => match name {
                "limits" => Self::Limits,
                "assignment" => Self::Assignment,
                "plan" => Self::Plan,
                _ => return None,
            },
            Some(("root", version)) => Self::Root(version.parse().ok()?),
            Some(("table", hash)) => Self::Table(hash.parse().ok()?),
            Some(("command", number)) => Self::Command(number.parse().ok()?),
            Some(_) => return None,
        };
        // One name per order.
        (item.file_name() == name).then_some(item)
    }

    /// Its topic below `down/`.
    pub fn topic(self) -> String {
        match self {
            Self::Root(version) => format!("root/{version}"),
            Self::Table(hash) => format!("table/{hash}"),
            Self::Command(_) => "command".to_owned(),
            other => other.file_name(),
        }
    }

    /// Whether the broker keeps it for agents that come later.
    pub const fn is_retained(self) -> bool {
        !matches!(self, Self::Command(_))
    }
}

/// An order of one agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Site segment.
    pub site: String,
    /// Agent segment.
    pub agent: String,
    /// Which.
    pub item: Item,
}

impl Name {
    /// The whole topic.
    pub fn topic(&self) -> String {
        format!("tw/1/{}/{}/down/{}", self.site, self.agent, self.item.topic())
    }
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Spool {
    dir: PathBuf,
}

impl Spool {
    /// The spool in this folder; it need not be there yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn folder(&self, name: &Name) -> PathBuf {
        self.dir.join(&name.site).join(&name.agent)
    }

    /// Where an order lies.
    pub fn path(&self, name: &Name) -> PathBuf {
        self.folder(name).join(name.item.file_name())
    }

    /// Every order with the state of its file.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read. One that is not there holds nothing.
    pub fn scan(&self) -> Result<Vec<(Name, Stamp)>, SpoolError> {
        let mut found = Vec::new();
        for (site, below) in children(&self.dir)? {
            for (agent, below) in children(&below)? {
                for (file, path) in children(&below)? {
                    let Some(item) = Item::from_file_name(&file) else { continue };
                    let Ok(meta) = fs::metadata(&path) else { continue };
                    if meta.is_file() && found.len() < MAX_ORDERS {
                        let stamp = (meta.mtime(), meta.mtime_nsec(), meta.len(), meta.ino());
                        found.push((Name { site: site.clone(), agent: agent.clone(), item }, stamp));
                    }
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// The bytes of an order.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or are more than any order has.
    pub fn read(&self, name: &Name) -> Result<Vec<u8>, SpoolError> {
        let path = self.path(name);
        let failed = |source| SpoolError::File { path: path.clone(), doing: "read", source };
        let bytes = fs::metadata(&path).map_err(failed)?.len();
        if bytes > MAX_TABLE_BYTES as u64 {
            return Err(SpoolError::TooLarge { path, bytes });
        }
        fs::read(&path).map_err(failed)
    }

    /// Puts an order in, in one step: a running collector meets the old or the new one, whole.
    ///
    /// # Errors
    ///
    /// When site or agent is no segment of a topic, or the file cannot be written.
    pub fn put(&self, name: &Name, bytes: &[u8]) -> Result<PathBuf, SpoolError> {
        for segment in [&name.site, &name.agent] {
            if !topic::is_segment(segment) || segment.starts_with('.') {
                return Err(SpoolError::Segment(segment.clone()));
            }
        }
        let (folder, path) = (self.folder(name), self.path(name));
        let write = || -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            let new = folder.join(format!("{}.new", name.item.file_name()));
            let mut file = fs::File::create(&new)?;
            io::Write::write_all(&mut file, bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            fs::File::open(&folder)?.sync_all()
        };
        write().map_err(|source| SpoolError::File { path: path.clone(), doing: "written", source })?;
        Ok(path)
    }

    /// A command has its result and is not published any more.
    ///
    /// # Errors
    ///
    /// When the file cannot be renamed.
    pub fn finish(&self, name: &Name) -> Result<(), SpoolError> {
        let Item::Command(number) = name.item else { return Ok(()) };
        let path = self.path(name);
        fs::rename(&path, self.folder(name).join(format!("done-{number}"))).map_err(|source| SpoolError::File {
            path,
            doing: "written",
            source,
        })
    }
}

fn children(dir: &Path) -> Result<Vec<(String, PathBuf)>, SpoolError> {
    let failed = |source| SpoolError::File { path: dir.to_owned(), doing: "read", source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(why) => return Err(failed(why)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn name(item: Item) -> Name {
        Name { site: "yantian".into(), agent: "gate-07".into(), item }
    }

    #[test]
    fn files_name_topics_and_nothing_else_does() {
        let check = |file: &str, topic: Option<&str>| {
            let item = Item::from_file_name(file);
            assert_eq!(item.map(Item::topic).as_deref(), topic, "{file}");
            assert!(item.is_none_or(|it| it.file_name() == file));
        };
        check("root-7", Some("root/7"));
        check("limits", Some("limits"));
        check("assignment", Some("assignment"));
        check("plan", Some("plan"));
        check("command-12", Some("command"));
        let hash = "ab".repeat(32);
        check(&format!("table-{hash}"), Some(&format!("table/{hash}")));
        for other in ["root-07", "root-", "done-7", "limits.new", "table-00", "command-+1", "notes.txt", "-", ""] {
            check(other, None);
        }
    }

    #[test]
    fn what_is_put_in_is_found_and_finished_commands_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(&dir.path().join("orders"));
        assert!(spool.scan().unwrap().is_empty());
        for item in [Item::Command(3), Item::Limits, Item::Root(2)] {
            spool.put(&name(item), item.file_name().as_bytes()).unwrap();
        }
        let items = |spool: &Spool| spool.scan().unwrap().into_iter().map(|(it, _)| it.item).collect::<Vec<_>>();
        assert_eq!(items(&spool), [Item::Root(2), Item::Limits, Item::Command(3)]);
        assert_eq!(spool.read(&name(Item::Root(2))).unwrap(), b"root-2");
        spool.finish(&name(Item::Command(3))).unwrap();
        assert_eq!(items(&spool), [Item::Root(2), Item::Limits]);
        for bad in ["..", "a/b", "", "a+", ".hidden"] {
            let wrong = Name { agent: bad.into(), ..name(Item::Limits) };
            assert!(matches!(spool.put(&wrong, b"x"), Err(SpoolError::Segment(_))), "{bad:?}");
        }
    }
}
