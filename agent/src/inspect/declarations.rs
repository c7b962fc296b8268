//! What is declared about subjects: watched files and facts posted through the local interface.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tidewaiter_config::declarations::{self, Declarations};
use tidewaiter_screening::inspection::{Declaration, Identity};
use tracing::{info, warn};

use crate::privacy;

/// Facts posted through the local interface, at most; a gate passes fewer lorries in a month.
const POSTED: usize = 20_000;
/// How often what was posted is looked through for what is over.
const LOOK_MS: i64 = 3_600_000;
/// What is posted names people: for the agent's own user only.
const MODE: u32 = 0o600;

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
                        warn!(warning = privacy::scrub(&warning.to_string()), "declarations");
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
    pub fn post(&mut self, subject: &str, facts: BTreeMap<String, String>, at_ms: i64) -> std::io::Result<()> {
        self.subjects.post(subject, facts, at_ms)
    }

    /// Forgets what was posted longer ago than `keep`. Looks once an hour at most.
    pub fn forget(&mut self, keep: Duration, now_ms: i64) {
        if let Err(why) = self.subjects.forget(keep, now_ms) {
            warn!(%why, "posted subjects that are over could not be taken off the disk; tried again in an hour");
        }
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
    known: BTreeMap<String, Posted>,
    /// When they were last looked through.
    looked_ms: Option<i64>,
    /// The file ends in the middle of a line: the power went while it was written.
    torn: bool,
}

#[derive(Debug)]
struct Posted {
    /// As it was written.
    subject: String,
    facts: BTreeMap<String, String>,
    /// UTC milliseconds; of what an older agent wrote, when it was first looked at.
    at_ms: Option<i64>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Line {
    subject: String,
    facts: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_ms: Option<i64>,
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
                    let Line { subject, facts, at_ms } = line;
                    known.insert(declarations::normalise(&subject), Posted { subject, facts, at_ms });
                }
                Err(why) => warn!(file = %path.display(), line = number + 1, %why, "posted subject skipped"),
            }
        }
        Self { path: Some(path), known, looked_ms: None, torn }
    }

    fn post(&mut self, subject: &str, facts: BTreeMap<String, String>, at_ms: i64) -> std::io::Result<()> {
        let key = declarations::normalise(subject);
        if self.known.len() >= POSTED && !self.known.contains_key(&key) {
            return Err(std::io::Error::other(format!(
                "{POSTED} subjects are posted already; use a declarations file"
            )));
        }
        if let Some(path) = &self.path {
            let line =
                serde_json::to_string(&Line { subject: subject.to_owned(), facts: facts.clone(), at_ms: Some(at_ms) })?;
            let mut file = fs::OpenOptions::new().append(true).create(true).mode(MODE).open(path)?;
            // On a line of its own, or a torn one would swallow it.
            let start = if self.torn { "\n" } else { "" };
            file.write_all(format!("{start}{line}\n").as_bytes())?;
            file.sync_data()?;
            self.torn = false;
        }
        self.known.insert(key, Posted { subject: subject.to_owned(), facts, at_ms: Some(at_ms) });
        Ok(())
    }

    fn forget(&mut self, keep: Duration, now_ms: i64) -> std::io::Result<()> {
        // A clock that was set back looks again at once.
        if self.looked_ms.is_some_and(|it| (0..LOOK_MS).contains(&now_ms.saturating_sub(it))) {
            return Ok(());
        }
        self.looked_ms = Some(now_ms);
        let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let before = self.known.len();
        let mut dated = false;
        self.known.retain(|_, posted| {
            dated |= posted.at_ms.is_none();
            now_ms.saturating_sub(*posted.at_ms.get_or_insert(now_ms)) < keep_ms
        });
        let gone = before - self.known.len();
        if gone == 0 && !dated {
            return Ok(());
        }
        info!(gone, left = self.known.len(), "posted subjects that are over are forgotten");
        let Some(path) = &self.path else { return Ok(()) };
        let mut lines = String::new();
        for posted in self.known.values() {
            let Posted { subject, facts, at_ms } = posted;
            lines.push_str(&serde_json::to_string(&Line {
                subject: subject.clone(),
                facts: facts.clone(),
                at_ms: *at_ms,
            })?);
            lines.push('\n');
        }
        let next = path.with_extension("new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&next)?;
        file.write_all(lines.as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        self.torn = false;
        Ok(())
    }

    fn find(&self, identity: &str) -> Option<&BTreeMap<String, String>> {
        self.known.get(&declarations::normalise(identity)).map(|it| &it.facts)
    }
}

#[cfg(test)]
mod tests;
