//! What is declared about subjects: watched files and facts posted through the local interface.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tidewaiter_config::declarations::{self, Declarations};
use tidewaiter_screening::inspection::{Declaration, Identity};
use tracing::{info, warn};

/// Facts posted through the local interface, at most; a gate passes fewer lorries in a month.
const POSTED: usize = 20_000;

/// Declarations from all sources; a posted fact wins over a file.
#[derive(Debug, Default)]
pub struct DeclarationBook {
    files: Vec<Watched>,
    subjects: Subjects,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    stamp: Option<(SystemTime, u64)>,
    loaded: Declarations,
}

impl DeclarationBook {
    /// Reads `files` and the facts posted earlier.
    pub fn new(files: &[PathBuf], subjects: Subjects) -> Self {
        let files = files
            .iter()
            .map(|path| Watched { path: path.clone(), stamp: None, loaded: Declarations::default() })
            .collect();
        let mut book = Self { files, subjects };
        book.refresh();
        book
    }

    /// Watches these files from here on; one that was watched before keeps what was read of it.
    pub fn watch(&mut self, files: &[PathBuf]) {
        let mut old = std::mem::take(&mut self.files);
        for path in files {
            let known = old.iter().position(|it| it.path == *path).map(|at| old.swap_remove(at));
            let fresh = || Watched { path: path.clone(), stamp: None, loaded: Declarations::default() };
            self.files.push(known.unwrap_or_else(fresh));
        }
        self.refresh();
    }

    /// Reads files that have changed. A file that cannot be read keeps its last good content, and says so.
    pub fn refresh(&mut self) {
        for file in &mut self.files {
            let stamp = fs::metadata(&file.path).ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
            if stamp.is_none() || stamp == file.stamp {
                continue;
            }
            file.stamp = stamp;
            match declarations::load(&file.path) {
                Ok((loaded, warnings)) => {
                    for warning in warnings {
                        warn!(%warning, "declarations");
                    }
                    info!(file = %file.path.display(), subjects = loaded.len(), "declarations read");
                    file.loaded = loaded;
                }
                Err(report) => {
                    warn!(file = %file.path.display(), "declarations refused, the last good ones stay in force:\n{report}");
                }
            }
        }
    }

    /// Adds facts about a subject.
    ///
    /// # Errors
    ///
    /// When they cannot be kept on disk.
    pub fn post(&mut self, subject: &str, facts: BTreeMap<String, String>) -> std::io::Result<()> {
        self.subjects.post(subject, facts)
    }

    /// What is declared under any of these identities. An ambiguous one counts for nothing: with no declaration
    /// a person decides, with the neighbour's a subject might pass.
    pub fn find(&self, identities: &[Identity]) -> Declaration {
        let identities = || identities.iter().filter(|identity| identity.source != "ambiguous");
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let mut any = false;
        for identity in identities() {
            for file in &self.files {
                if let Some(facts) = file.loaded.find(&identity.text) {
                    any = true;
                    found.extend(facts.clone());
                }
            }
        }
        for identity in identities() {
            if let Some(facts) = self.subjects.find(&identity.text) {
                any = true;
                found.extend(facts.clone());
            }
        }
        if any { Declaration::Found(found) } else { Declaration::None }
    }
}

/// Facts posted through the local interface, one JSON line each, kept beside the store.
#[derive(Debug, Default)]
pub struct Subjects {
    path: Option<PathBuf>,
    known: BTreeMap<String, BTreeMap<String, String>>,
    /// The file ends in the middle of a line: the power went while it was written.
    torn: bool,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Line {
    subject: String,
    facts: BTreeMap<String, String>,
}

impl Subjects {
    /// File name inside the data directory.
    pub const FILE: &'static str = "subjects.jsonl";

    /// Reads what was posted before; a damaged line is skipped and said.
    pub fn open(dir: &Path) -> Self {
        let path = dir.join(Self::FILE);
        let mut known = BTreeMap::new();
        let posted = fs::read_to_string(&path).unwrap_or_default();
        let torn = !posted.is_empty() && !posted.ends_with('\n');
        for (number, text) in posted.lines().enumerate() {
            match serde_json::from_str::<Line>(text) {
                Ok(line) => {
                    known.insert(declarations::normalise(&line.subject), line.facts);
                }
                Err(why) => warn!(file = %path.display(), line = number + 1, %why, "posted subject skipped"),
            }
        }
        Self { path: Some(path), known, torn }
    }

    fn post(&mut self, subject: &str, facts: BTreeMap<String, String>) -> std::io::Result<()> {
        let key = declarations::normalise(subject);
        if self.known.len() >= POSTED && !self.known.contains_key(&key) {
            return Err(std::io::Error::other(format!(
                "{POSTED} subjects are posted already; use a declarations file"
            )));
        }
        if let Some(path) = &self.path {
            let line = serde_json::to_string(&Line { subject: subject.to_owned(), facts: facts.clone() })?;
            let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
            // On a line of its own, or a torn one would swallow it.
            let start = if self.torn { "\n" } else { "" };
            file.write_all(format!("{start}{line}\n").as_bytes())?;
            file.sync_data()?;
            self.torn = false;
        }
        self.known.insert(key, facts);
        Ok(())
    }

    fn find(&self, identity: &str) -> Option<&BTreeMap<String, String>> {
        self.known.get(&declarations::normalise(identity))
    }
}

#[cfg(test)]
mod tests;
