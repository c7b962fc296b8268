//! The file of nodes and their keys: for its owner only, read whole or not at all.
//!
//! ```toml
//! version = 1
//!
//! [[nodes]]
//! site = "yantian"
//! agent = "gate-07"
//! instrument = "scale-1"
//! serial = "TWN00001"                 # up to 8 characters, or 16 hexadecimal digits
//! key = "…"                           # 64 hexadecimal digits
//! from = "2026-11-29T00:00:00Z"       # a reading before it is not this node's
//! to = "2027-03-01T12:00:00Z"         # only once it was revoked or moved
//! channels = { gross = "mass" }       # only where the profile names a field of the block otherwise
//! ```

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidewaiter_config::profile::Field;
use tidewaiter_node::block::{KEY_BYTES, NodeKey};

use super::{Node, Nodes, SERIAL_BYTES};
use crate::files::{self, FileError};

/// Largest file read: some ten thousand nodes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Why nodes cannot be read or changed. None of these shows a key.
#[derive(Debug, thiserror::Error)]
pub enum NodesError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is none where the configuration says.
    #[error("{}: there is no such file; `tidewaiter-collector nodes add` makes it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is not for its owner only.
    #[error("{}: mode {mode:04o}; keys are for their owner only: chmod 600", path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// What it has.
        mode: u32,
    },
    /// Its text.
    #[error("{}: {why}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// Place and reason, without the line itself, which may hold a key.
        why: String,
    },
    /// An entry.
    #[error("{}: node {number}: {why}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// Which entry, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing that could be revoked.
    #[error("no key of {instrument:?} at {agent:?} is in force; `nodes list` shows what is")]
    NotInForce {
        /// The agent.
        agent: String,
        /// Its instrument.
        instrument: String,
    },
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: u32,
    #[serde(default)]
    nodes: Vec<RawNode>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawNode {
    site: String,
    agent: String,
    instrument: String,
    serial: String,
    key: String,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    channels: BTreeMap<String, String>,
}

/// What tells two states of a file apart.
type Stamp = (i64, i64, u64, u64);

/// A file of nodes and which state of it was read last.
#[derive(Debug)]
pub struct NodesFile {
    path: PathBuf,
    seen: Stamp,
}

impl NodesFile {
    /// Reads the file and remembers its state.
    ///
    /// # Errors
    ///
    /// A [`NodesError`].
    pub fn open(path: &Path) -> Result<(Self, Nodes), NodesError> {
        // Taken before reading: a change in between is then seen the next time.
        let seen = stamp(path)?;
        Ok((Self { path: path.to_owned(), seen }, load(path)?))
    }

    /// The nodes, if the file has changed since it was read last.
    ///
    /// # Errors
    ///
    /// A [`NodesError`], once per state of the file.
    pub fn changed(&mut self) -> Result<Option<Nodes>, NodesError> {
        let now = stamp(&self.path)?;
        if now == self.seen {
            return Ok(None);
        }
        self.seen = now;
        load(&self.path).map(Some)
    }
}

fn stamp(path: &Path) -> Result<Stamp, NodesError> {
    let it = fs::metadata(path).map_err(unread(path))?;
    Ok((it.mtime(), it.mtime_nsec(), it.len(), it.ino()))
}

fn unread(path: &Path) -> impl FnOnce(io::Error) -> NodesError {
    |why| match why.kind() {
        io::ErrorKind::NotFound => NodesError::Missing { path: path.to_owned() },
        _ => FileError::of(path, "read")(why).into(),
    }
}

/// Reads and checks a file of nodes.
///
/// # Errors
///
/// A [`NodesError`]: one fault, and nothing of it is used.
pub fn load(path: &Path) -> Result<Nodes, NodesError> {
    let raw = read(path)?;
    let mut nodes: Vec<Node> = Vec::with_capacity(raw.nodes.len());
    for (number, entry) in (1..).zip(&raw.nodes) {
        let wrong = |why: String| NodesError::Entry { path: path.to_owned(), number, why };
        let node = node_of(entry).map_err(wrong)?;
        if let Some(other) = nodes.iter().position(|it| overlaps(it, &node)) {
            let why = format!(
                "it is in force at the same time as node {} for the same instrument; give that one a `to`",
                other + 1
            );
            return Err(wrong(why));
        }
        if let Some(other) = nodes.iter().find(|it| it.serial == node.serial && !same_key(it, &node)) {
            let why = format!("{} has another key elsewhere ({}/{})", entry.serial, other.agent, other.instrument);
            return Err(wrong(why));
        }
        nodes.push(node);
    }
    Ok(Nodes(nodes))
}

fn same_key(one: &Node, other: &Node) -> bool {
    let (a, b) = (one.key.mac(b"", &[]), other.key.mac(b"", &[]));
    a == b
}

fn overlaps(one: &Node, other: &Node) -> bool {
    let same = one.agent == other.agent && one.instrument == other.instrument;
    same && one.to.is_none_or(|to| other.from <= to) && other.to.is_none_or(|to| one.from <= to)
}

fn read(path: &Path) -> Result<Raw, NodesError> {
    let file = fs::File::open(path).map_err(unread(path))?;
    let about = file.metadata().map_err(unread(path))?;
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NodesError::Mode { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(unread(path))?;
    let raw: Raw = toml::from_str(&text).map_err(|error: toml::de::Error| {
        // The library's own text quotes the line, and the line may hold a key.
        let line =
            error.span().and_then(|it| text.get(..it.start)).map_or(0, |before| before.matches('\n').count() + 1);
        NodesError::Text { path: path.to_owned(), why: format!("line {line} is none of a file of nodes") }
    })?;
    if raw.version != 1 {
        let why = format!("version {} is not known; this program reads version 1", raw.version);
        return Err(NodesError::Text { path: path.to_owned(), why });
    }
    Ok(raw)
}

fn node_of(raw: &RawNode) -> Result<Node, String> {
    let time =
        |text: &str| text.parse::<Timestamp>().map_err(|_| format!("{text:?} is no time; write 2026-11-29T00:00:00Z"));
    for (key, field) in &raw.channels {
        if Field::from_word(field).is_none() {
            return Err(format!("channel {key:?}: {field:?} is no field of a block"));
        }
    }
    for (name, text) in [("site", &raw.site), ("agent", &raw.agent), ("instrument", &raw.instrument)] {
        if text.is_empty() || text.len() > 64 {
            return Err(format!("{name} is {text:?}; write 1 to 64 characters"));
        }
    }
    let (from, to) = (time(&raw.from)?, raw.to.as_deref().map(time).transpose()?);
    if to.is_some_and(|to| to < from) {
        return Err("`to` lies before `from`".to_owned());
    }
    Ok(Node {
        site: raw.site.clone(),
        agent: raw.agent.clone(),
        instrument: raw.instrument.clone(),
        serial: serial_of(&raw.serial)?,
        from,
        to,
        channels: raw.channels.clone(),
        key: Arc::new(NodeKey::new(key_of(&raw.key)?)),
    })
}

fn key_of(text: &str) -> Result<[u8; KEY_BYTES], String> {
    let wrong = || format!("the key has {} characters; a key is 64 hexadecimal digits", text.trim().len());
    let bytes: [u8; KEY_BYTES] = hex::decode(text.trim()).ok().and_then(|it| it.try_into().ok()).ok_or_else(wrong)?;
    // Blank memory, as a node that was never given a key has it.
    if bytes == [0; KEY_BYTES] || bytes == [0xFF; KEY_BYTES] {
        return Err("the key is blank; draw one with `nodes add --new-key`".to_owned());
    }
    Ok(bytes)
}

/// Reads a serial number as people write it: up to 8 characters, or 16 hexadecimal digits.
///
/// # Errors
///
/// What to write instead.
pub fn serial_of(text: &str) -> Result<[u8; SERIAL_BYTES], String> {
    let mut serial = [0; SERIAL_BYTES];
    if text.len() == 2 * SERIAL_BYTES && hex::decode_to_slice(text, &mut serial).is_ok() {
        return Ok(serial);
    }
    if text.is_empty() || text.len() > SERIAL_BYTES || !text.bytes().all(|it| it.is_ascii_graphic()) {
        return Err(format!("serial {text:?}; write up to 8 characters, or 16 hexadecimal digits"));
    }
    serial.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    Ok(serial)
}

/// A serial number as people write it.
pub fn text_of(serial: [u8; SERIAL_BYTES]) -> String {
    let end = serial.iter().position(|it| *it == 0).unwrap_or(SERIAL_BYTES);
    match serial.split_at_checked(end) {
        Some((text, rest)) if end > 0 && text.iter().all(u8::is_ascii_graphic) && rest.iter().all(|it| *it == 0) => {
            text.iter().map(|it| char::from(*it)).collect()
        }
        _ => hex::encode(serial),
    }
}

/// Reads a key from a file of its own: 64 hexadecimal digits, for its owner only.
///
/// # Errors
///
/// A [`NodesError`].
pub fn read_key(path: &Path) -> Result<[u8; KEY_BYTES], NodesError> {
    let failed = || FileError::of(path, "read");
    let file = fs::File::open(path).map_err(failed())?;
    let mode = file.metadata().map_err(failed())?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NodesError::Mode { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(1024).read_to_string(&mut text).map_err(failed())?;
    key_of(&text).map_err(|why| NodesError::Text { path: path.to_owned(), why })
}

/// Draws a key from the system's random numbers and writes it into a new file for its owner only.
///
/// # Errors
///
/// When there are no random numbers, or there is such a file already.
pub fn fresh_key(path: &Path) -> Result<[u8; KEY_BYTES], NodesError> {
    if path.exists() {
        return Err(NodesError::Text { path: path.to_owned(), why: "there is a file already".to_owned() });
    }
    let mut key = [0; KEY_BYTES];
    fs::File::open("/dev/urandom")
        .and_then(|mut it| it.read_exact(&mut key))
        .map_err(FileError::of(path, "written"))?;
    files::replace(path, format!("{}\n", hex::encode(key)).as_bytes(), 0o600)?;
    Ok(key)
}

/// Adds a node; the file is made where there is none.
///
/// # Errors
///
/// A [`NodesError`]; the file is unchanged then.
pub fn add(
    path: &Path,
    (site, agent, instrument): (&str, &str, &str),
    serial: &str,
    key: &[u8; KEY_BYTES],
    from: Timestamp,
    channels: BTreeMap<String, String>,
) -> Result<(), NodesError> {
    let entry = RawNode {
        site: site.to_owned(),
        agent: agent.to_owned(),
        instrument: instrument.to_owned(),
        serial: serial.to_owned(),
        key: hex::encode(key),
        from: from.to_string(),
        to: None,
        channels,
    };
    change(path, |raw| {
        raw.nodes.push(entry);
        Ok(())
    })
}

/// Ends what is in force of an instrument, at a moment.
///
/// # Errors
///
/// A [`NodesError`]; the file is unchanged then.
pub fn revoke(path: &Path, agent: &str, instrument: &str, to: Timestamp) -> Result<(), NodesError> {
    change(path, |raw| {
        let entry = raw.nodes.iter_mut().find(|it| it.agent == agent && it.instrument == instrument && it.to.is_none());
        let not = || NodesError::NotInForce { agent: agent.to_owned(), instrument: instrument.to_owned() };
        entry.ok_or_else(not)?.to = Some(to.to_string());
        Ok(())
    })
}

fn change(path: &Path, edit: impl FnOnce(&mut Raw) -> Result<(), NodesError>) -> Result<(), NodesError> {
    let _lock = files::lock(path)?;
    let mut raw = if path.exists() { read(path)? } else { Raw { version: 1, nodes: Vec::new() } };
    edit(&mut raw)?;
    let text = toml::to_string(&raw)
        .map_err(|_| NodesError::Text { path: path.to_owned(), why: "it cannot be written as TOML".to_owned() })?;
    // Tried before it takes the place of the old one: what is written can be read.
    let trial = path.with_extension("trial");
    files::replace(&trial, text.as_bytes(), 0o600)?;
    let sound = load(&trial);
    let _ = fs::remove_file(&trial);
    sound.map_err(|error| match error {
        NodesError::Entry { number, why, .. } => NodesError::Entry { path: path.to_owned(), number, why },
        other => other,
    })?;
    Ok(files::replace(path, text.as_bytes(), 0o600)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn nodes_are_added_revoked_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key_path) = (dir.path().join("nodes.toml"), dir.path().join("n.key"));
        let key = fresh_key(&key_path).unwrap();
        assert!(fresh_key(&key_path).is_err(), "a key is never written over");
        assert_eq!(read_key(&key_path).unwrap(), key);
        let place = ("yantian", "gate-07", "scale-1");
        let from = at("2026-11-01T00:00:00Z");
        add(&path, place, "TWN00001", &key, from, BTreeMap::new()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let (mut file, nodes) = NodesFile::open(&path).unwrap();
        assert!(nodes.knows("gate-07", "scale-1") && !nodes.knows("gate-07", "scale-2"));
        assert!(file.changed().unwrap().is_none());
        let other = fresh_key(&dir.path().join("o.key")).unwrap();
        let error = add(&path, place, "TWN00002", &other, from, BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("node 2: it is in force at the same time as node 1"), "{error}");
        revoke(&path, "gate-07", "scale-1", at("2026-12-01T00:00:00Z")).unwrap();
        assert!(matches!(revoke(&path, "gate-07", "scale-1", from), Err(NodesError::NotInForce { .. })));
        add(&path, place, "TWN00002", &other, at("2026-12-02T00:00:00Z"), BTreeMap::new()).unwrap();
        let nodes = file.changed().unwrap().unwrap();
        let serial_at =
            |text: &str| nodes.at("gate-07", "scale-1", at(text).as_millisecond()).map(|it| text_of(it.serial));
        assert_eq!(serial_at("2026-10-31T00:00:00Z"), None);
        assert_eq!(serial_at("2026-11-15T00:00:00Z").as_deref(), Some("TWN00001"));
        assert_eq!(serial_at("2026-12-01T12:00:00Z"), None);
        assert_eq!(serial_at("2027-01-01T00:00:00Z").as_deref(), Some("TWN00002"));
        let shown = format!("{nodes:?}");
        assert!(!shown.contains(&hex::encode(key)) && !shown.contains(&hex::encode(other)));
    }

    /// One change of a sound file, and what is said about it: never with a key in it.
    #[test]
    fn one_fault_and_nothing_is_used() {
        let good = format!(
            "version = 1\n[[nodes]]\nsite = \"s\"\nagent = \"a\"\ninstrument = \"i\"\nserial = \"TWN00001\"\nkey = \"{KEY}\"\nfrom = \"2026-11-29T00:00:00Z\"\n"
        );
        let again = good.replacen("version = 1\n", "", 1).replace("\"i\"", "\"j\"").replace("1e1f", "1e1e");
        let rows = [
            ("version = 1", "version = 2".to_owned(), "version 2 is not known"),
            ("agent = \"a\"", "agnet = \"a\"".to_owned(), "line 4 is none of a file of nodes"),
            ("1e1f", "1e".to_owned(), "the key has 62 characters"),
            (KEY, "0".repeat(64), "the key is blank"),
            (KEY, "F".repeat(64), "the key is blank"),
            (KEY, format!("{KEY}\" x \""), "line 7"),
            ("TWN00001", "TWN000001".to_owned(), "serial \"TWN000001\""),
            ("agent = \"a\"", "agent = \"\"".to_owned(), "agent is \"\""),
            ("2026-11-29T00:00:00Z", "tomorrow".to_owned(), "\"tomorrow\" is no time"),
            ("from =", "to = \"2026-01-01T00:00:00Z\"\nfrom =".to_owned(), "`to` lies before `from`"),
            ("from =", "channels = { gross = \"weight\" }\nfrom =".to_owned(), "\"weight\" is no field"),
            ("version = 1\n", format!("version = 1\n{again}"), "has another key elsewhere"),
        ];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nodes.toml");
        for (from, to, what) in rows {
            assert!(good.contains(from));
            files::replace(&path, good.replacen(from, &to, 1).as_bytes(), 0o600).unwrap();
            let error = load(&path).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
            assert!(!error.contains("0c0d0e0f"), "{error}");
        }
        files::replace(&path, good.as_bytes(), 0o600).unwrap();
        assert_eq!(load(&path).unwrap().all().len(), 1);
        files::replace(&path, good.as_bytes(), 0o640).unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("mode 0640"));
        let none = dir.path().join("none");
        assert!(matches!(load(&none), Err(NodesError::Missing { path }) if path == none));
        assert!(matches!(NodesFile::open(&none), Err(NodesError::Missing { .. })));
        assert_eq!(text_of(serial_of("0000000000000007").unwrap()), "0000000000000007");
    }
}
