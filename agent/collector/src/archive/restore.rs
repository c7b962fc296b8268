//! Taking a backup or an archive up again, and taking in what was saved from a dead board.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;
use tidewaiter_console::Progress;
use tidewaiter_recompute::Tables;
use tidewaiter_record::{
    ChainId, ContentType, Detail, Hash, Piece, Registry, Signer, open_head, parse, split_sequence,
};

use super::{
    ArchiveError, Kind, Manifest,
    backup::{REGISTRY, STORE},
    check::{LeafLine, each_item, each_leaf, sequences, signed_manifest},
    files::{compare, failed, read_manifest, sync_folder},
};
use crate::{
    core::{Action, Core, Incoming},
    nodes::Nodes,
    store::{LogHead, Place, SqliteStore, Store},
};

/// Records in one commit.
const BATCH: usize = 256;

/// What was taken up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Records that were not here before.
    pub records: u64,
    /// Records that were.
    pub duplicates: u64,
    /// Records and pieces that were refused, with the first reasons.
    pub refused: u64,
    /// The first of those reasons.
    pub reasons: Vec<String>,
    /// Contents of evidence handed in.
    pub contents: u64,
    /// Heads of the log.
    pub heads: u64,
}

/// Most reasons told.
const REASONS: usize = 20;

impl Restored {
    fn take(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::Announce(it) if it.duplicate => self.duplicates += 1,
                Action::Announce(it) if it.stored => self.records += 1,
                Action::Announce(it) => {
                    self.refuse(it.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
                }
                Action::Refused(it) => self.refuse(it.finding.to_string()),
                _ => {}
            }
        }
    }

    fn refuse(&mut self, why: String) {
        self.refused += 1;
        if self.reasons.len() < REASONS {
            self.reasons.push(why);
        }
    }
}

/// Copies a backup to where the configuration has its store, and its registry where there is none.
///
/// # Errors
///
/// When a file is there already, the backup is damaged, or the copy cannot be written.
pub fn restore_backup(folder: &Path, store: &Path, registry: &Path) -> Result<Manifest, ArchiveError> {
    let (manifest, _) = read_manifest(folder)?;
    if manifest.kind != Kind::Backup {
        return Err(ArchiveError::Manifest { path: folder.to_owned(), why: "it is an archive, no backup".to_owned() });
    }
    damage(folder, &manifest)?;
    absent(store)?;
    copy(&folder.join(STORE), store)?;
    if !registry.exists() {
        copy(&folder.join(REGISTRY), registry)?;
    }
    // Opening it checks what it is.
    SqliteStore::open_read_only(store)?;
    Ok(manifest)
}

fn damage(folder: &Path, manifest: &Manifest) -> Result<(), ArchiveError> {
    match compare(folder, manifest).into_iter().next() {
        None => Ok(()),
        Some((name, what)) => Err(ArchiveError::Damaged { path: folder.join(name), what }),
    }
}

fn absent(store: &Path) -> Result<(), ArchiveError> {
    for ending in ["", "-wal", "-shm"] {
        let mut name = store.as_os_str().to_owned();
        name.push(ending);
        let path = PathBuf::from(name);
        if path.exists() {
            return Err(ArchiveError::Exists(path));
        }
    }
    Ok(())
}

/// The whole file or none, under its name only once it is on the disk.
fn copy(from: &Path, to: &Path) -> Result<(), ArchiveError> {
    let folder = to.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed(folder, "written"))?;
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    fs::copy(from, &part).map_err(failed(&part, "written"))?;
    File::open(&part).and_then(|it| it.sync_all()).map_err(failed(&part, "written"))?;
    fs::rename(&part, to).map_err(failed(to, "written"))?;
    sync_folder(folder)
}

/// Makes a new store at `place` from an archive.
///
/// # Errors
///
/// When there is a store, the archive is damaged or not signed by a centre of `registry`, or a record in it is refused.
pub fn restore_archive(
    folder: &Path,
    place: &Place,
    registry: &Registry,
    signer: &Arc<dyn Signer>,
    tables: &Tables,
    nodes: &Nodes,
) -> Result<Restored, ArchiveError> {
    let (manifest, _) = signed_manifest(folder, registry)?;
    damage(folder, &manifest)?;
    match place {
        Place::File(path) => absent(path)?,
        Place::Server(_) => {
            if place.read_if_any()?.is_some_and(|it| it.log_size().is_ok_and(|size| size > 0)) {
                return Err(ArchiveError::Exists(place.to_string().into()));
            }
        }
    }
    let sites: BTreeMap<&str, &str> = manifest.chains.iter().map(|it| (it.chain.as_str(), it.site.as_str())).collect();
    let mut places = Places::of(folder, &manifest)?;
    let core = |store: Box<dyn Store>| {
        Core::new(registry.clone(), Arc::clone(signer), store, tables.clone()).map(|mut core| {
            core.set_nodes(nodes.clone());
            core
        })
    };
    let mut centre = core(place.open()?)?;
    let mut restored = Restored::default();
    let mut named: BTreeMap<Hash, BTreeSet<(String, String)>> = BTreeMap::new();
    let mut batch: Vec<Incoming> = Vec::with_capacity(BATCH);
    let progress = Progress::records(Some(manifest.leaves));
    // In the order of the leaves: the new log is then the old one, and what agents have seen of it holds on.
    each_leaf(folder, |leaf| {
        progress.add(1);
        let bytes = places.read(&leaf)?;
        let record = parse(&bytes).map_err(|why| places.damaged(&leaf, &why.to_string()))?;
        let site = sites.get(leaf.chain.to_string().as_str()).copied().unwrap_or("archive").to_owned();
        let agent = record.header.agent;
        if let Detail::Evidence(it) = &record.body.detail
            && it.content.is_none()
        {
            named.entry(it.hash).or_default().insert((site.clone(), agent.clone()));
        }
        batch.push(Incoming { topic: format!("tw/1/{site}/{agent}/record"), bytes, received_ms: leaf.received_ms });
        if batch.len() == BATCH {
            restored.take(&centre.accept_batch(&batch)?);
            batch.clear();
        }
        Ok(())
    })?;
    restored.take(&centre.accept_batch(&batch)?);
    for (hash, from) in &named {
        let file = folder.join("evidence").join(hash.to_string());
        // What the centre never had is listed as absent; the agent will send it.
        if let Ok(content) = fs::read(&file) {
            for (site, agent) in from {
                hand_in(&mut centre, site, agent, *hash, &content, manifest.made_at_ms, &mut restored)?;
            }
            restored.contents += 1;
        }
    }
    if let Some(why) = restored.reasons.first() {
        return Err(ArchiveError::Damaged { path: folder.to_owned(), what: format!("the centre refuses: {why}") });
    }
    drop(centre);
    restored.heads = heads(folder, place, registry)?;
    // Holds the log against its newest head.
    core(place.open()?)?;
    Ok(restored)
}

fn heads(folder: &Path, place: &Place, registry: &Registry) -> Result<u64, ArchiveError> {
    let file = folder.join("heads.cborseq");
    let bytes = fs::read(&file).map_err(failed(&file, "read"))?;
    let damaged = |what: String| ArchiveError::Damaged { path: file.clone(), what };
    let mut store = place.open()?;
    store.begin()?;
    let mut count = 0;
    for item in split_sequence(&bytes) {
        let item = item.map_err(|why| damaged(why.to_string()))?;
        let head = open_head(item, registry).map_err(|why| damaged(why.to_string()))?;
        store.put_log_head(&LogHead {
            number: head.number,
            size: head.size,
            root: head.root,
            at_ms: head.at_ms,
            bytes: item.to_vec(),
        })?;
        count += 1;
    }
    store.commit()?;
    Ok(count)
}

fn hand_in(
    core: &mut Core,
    site: &str,
    agent: &str,
    hash: Hash,
    content: &[u8],
    now_ms: i64,
    restored: &mut Restored,
) -> Result<(), ArchiveError> {
    let topic = format!("tw/1/{site}/{agent}/evidence/{hash}");
    let pieces: Vec<Incoming> = Piece::cut(content)
        .map(|piece| Incoming { topic: topic.clone(), bytes: piece.write(), received_ms: now_ms })
        .collect();
    for pieces in pieces.chunks(BATCH) {
        restored.take(&core.accept_batch(pieces)?);
    }
    Ok(())
}

/// Where each record of an archive stands in its segment.
struct Places {
    segments: Vec<(PathBuf, File)>,
    at: BTreeMap<(ChainId, u64), (usize, u64, usize)>,
}

impl Places {
    fn of(folder: &Path, manifest: &Manifest) -> Result<Self, ArchiveError> {
        let mut places = Self { segments: Vec::new(), at: BTreeMap::new() };
        for name in sequences(manifest).filter(|name| name.starts_with("records-")) {
            let path = folder.join(name);
            let (segment, mut offset) = (places.segments.len(), 0_u64);
            each_item(&path, |item| {
                let damaged = |what: String| ArchiveError::Damaged { path: path.clone(), what };
                let item = item.map_err(|why| damaged(why.to_string()))?;
                let record = parse(item).map_err(|why| damaged(why.to_string()))?;
                places.at.insert((record.header.chain, record.header.seq), (segment, offset, item.len()));
                offset += item.len() as u64;
                Ok(())
            })?;
            let file = File::open(&path).map_err(failed(&path, "read"))?;
            places.segments.push((path, file));
        }
        Ok(places)
    }

    fn damaged(&self, leaf: &LeafLine, what: &str) -> ArchiveError {
        let path = self.segments.first().map(|(path, _)| path.clone()).unwrap_or_default();
        ArchiveError::Damaged { path, what: format!("record {} of chain {}: {what}", leaf.seq, leaf.chain) }
    }

    fn read(&mut self, leaf: &LeafLine) -> Result<Vec<u8>, ArchiveError> {
        let missing = self.damaged(leaf, "it is a leaf and in no segment");
        let Some((segment, offset, length)) = self.at.get(&(leaf.chain, leaf.seq)).copied() else {
            return Err(missing);
        };
        let Some((path, file)) = self.segments.get_mut(segment) else { return Err(missing) };
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(failed(path, "read"))?;
        Ok(bytes)
    }
}

/// Takes records and evidence into a core as if they had come from the broker: files of records, and a folder of contents by
/// their hash.
///
/// # Errors
///
/// When a file cannot be read or the store fails. What the centre refuses is counted.
pub fn import(
    core: &mut Core,
    site: &str,
    files: &[PathBuf],
    evidence: Option<&Path>,
    now_ms: i64,
) -> Result<Restored, ArchiveError> {
    let mut restored = Restored::default();
    let mut batch: Vec<Incoming> = Vec::with_capacity(BATCH);
    let mut named: BTreeMap<Hash, BTreeSet<String>> = BTreeMap::new();
    let sizes = files.iter().map(|path| fs::metadata(path).ok().map(|it| it.len()));
    let progress = Progress::bytes(sizes.sum());
    for path in files {
        each_item(path, |item| {
            progress.add(item.as_ref().map_or(0, |it| it.len() as u64));
            let Ok(item) = item else {
                restored.refuse(format!("{}: the stream is cut off or holds something else", path.display()));
                return Ok(());
            };
            if ContentType::of(item) != Some(ContentType::Record) {
                return Ok(());
            }
            let Ok(record) = parse(item) else {
                restored.refuse(format!("{}: an item that is no record of this version", path.display()));
                return Ok(());
            };
            let agent = record.header.agent;
            if let Detail::Evidence(it) = &record.body.detail
                && it.content.is_none()
            {
                named.entry(it.hash).or_default().insert(agent.clone());
            }
            batch.push(Incoming {
                topic: format!("tw/1/{site}/{agent}/record"),
                bytes: item.to_vec(),
                received_ms: now_ms,
            });
            if batch.len() == BATCH {
                restored.take(&core.accept_batch(&batch)?);
                batch.clear();
            }
            Ok(())
        })?;
    }
    restored.take(&core.accept_batch(&batch)?);
    let Some(folder) = evidence else { return Ok(restored) };
    for (hash, agents) in named {
        let file = folder.join(hash.to_string());
        match fs::read(&file) {
            Ok(content) if Hash::of(&content) == hash => {
                for agent in agents {
                    hand_in(core, site, &agent, hash, &content, now_ms, &mut restored)?;
                }
                restored.contents += 1;
            }
            Ok(_) => restored.refuse(format!("{}: its content has another SHA-256 than its name", file.display())),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
            Err(why) => return Err(failed(&file, "read")(why)),
        }
    }
    Ok(restored)
}
