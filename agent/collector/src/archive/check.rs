//! Checking an archive with one's own registry.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

use serde::Serialize;
use tidewaiter_record::{
    ChainId, Hash, Record, Registry, Report, SequenceBuffer, Verifier, log::Frontier, open_detached, open_head,
    split_sequence,
};

use super::{
    ArchiveError, Kind, Manifest, TYP,
    files::{SIGNATURE, compare, failed, read_manifest},
};

/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// What was found.
#[derive(Debug, Serialize)]
pub struct ArchiveReport {
    /// What the archive says of itself.
    pub manifest: Manifest,
    /// Who signed that.
    pub signed_by: String,
    /// The four answers over all records.
    pub report: Report,
    /// Heads that hold.
    pub heads: u64,
    /// What does not hold, by file.
    pub wrong: Vec<(String, String)>,
}

impl ArchiveReport {
    /// Whether anything speaks against the archive.
    pub fn is_bad(&self) -> bool {
        self.report.is_bad() || !self.wrong.is_empty()
    }
}

/// Checks the archive in `folder`.
///
/// # Errors
///
/// When there is no manifest, its signature does not hold, or a file cannot be read. What else is wrong is in the
/// [`ArchiveReport`].
pub fn check(folder: &Path, registry: &Registry) -> Result<ArchiveReport, ArchiveError> {
    let (manifest, signed_by) = signed_manifest(folder, registry)?;
    let mut wrong = compare(folder, &manifest);
    let mut verifier = Verifier::new(registry);
    for file in &manifest.files {
        if let Some(hash) = file.name.strip_prefix("evidence/").and_then(|name| name.parse().ok()) {
            verifier.evidence_present(hash, file.size);
        }
    }
    let mut hashes: BTreeMap<(ChainId, u64), Hash> = BTreeMap::new();
    let mut counts: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for name in sequences(&manifest) {
        each_item(&folder.join(name), |item| {
            match item {
                Ok(item) => {
                    if let Some(record) = verifier.push(item) {
                        count(&mut counts, &record);
                        hashes.insert((record.header.chain, record.header.seq), record.hash());
                    }
                }
                Err(broken) => verifier.push_broken(&broken),
            }
            Ok(())
        })?;
    }
    for chain in &manifest.chains {
        let expected = (chain.first_seq, chain.last_seq, chain.records);
        let found = counts.remove(&chain.chain);
        if found != Some(expected) {
            wrong.push((
                "manifest.json".to_owned(),
                format!("chain {}: it says first, last, count {expected:?}, the segments have {found:?}", chain.chain),
            ));
        }
    }
    for chain in counts.keys() {
        wrong.push(("manifest.json".to_owned(), format!("chain {chain} is in the segments and not listed")));
    }
    let heads = log(folder, &manifest, registry, &hashes, &mut wrong)?;
    Ok(ArchiveReport { manifest, signed_by, report: verifier.finish(), heads, wrong })
}

/// Reads a manifest of an archive and checks its signature; gives the centre's name.
pub(super) fn signed_manifest(folder: &Path, registry: &Registry) -> Result<(Manifest, String), ArchiveError> {
    let (manifest, bytes) = read_manifest(folder)?;
    let path = folder.join(SIGNATURE);
    if manifest.kind != Kind::Archive {
        return Err(ArchiveError::Manifest { path: folder.to_owned(), why: "it is a backup, no archive".to_owned() });
    }
    let mut signature = Vec::new();
    File::open(&path).and_then(|it| it.take(4096).read_to_end(&mut signature)).map_err(failed(&path, "read"))?;
    let key =
        open_detached(&signature, TYP, &bytes, registry).map_err(|source| ArchiveError::Signature { path, source })?;
    Ok((manifest, key.agent.clone()))
}

/// The sequences of an archive, records first.
pub(super) fn sequences(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let segments = manifest.files.iter().map(|file| file.name.as_str()).filter(|name| name.starts_with("records-"));
    segments.chain(manifest.files.iter().map(|file| file.name.as_str()).filter(|name| *name == "receipts.cborseq"))
}

/// Hands every item of a sequence to `each`; a broken stream ends with its error.
pub(super) fn each_item(
    path: &Path,
    mut each: impl FnMut(Result<&[u8], tidewaiter_record::ParseError>) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut file = File::open(path).map_err(failed(path, "read"))?;
    let mut sequence = SequenceBuffer::new();
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).map_err(failed(path, "read"))?;
        if read == 0 {
            return match sequence.finish() {
                Ok(()) => Ok(()),
                Err(broken) => each(Err(broken)),
            };
        }
        sequence.feed(piece.get(..read).unwrap_or_default());
        loop {
            match sequence.next_item() {
                Ok(Some(item)) => each(Ok(item))?,
                Ok(None) => break,
                Err(broken) => return each(Err(broken)),
            }
        }
    }
}

fn count(counts: &mut BTreeMap<String, (u64, u64, u64)>, record: &Record) {
    let seq = record.header.seq;
    let entry = counts.entry(record.header.chain.to_string()).or_insert((seq, seq, 0));
    *entry = (entry.0.min(seq), entry.1.max(seq), entry.2 + 1);
}

/// One line of `leaves.csv`.
pub(super) struct LeafLine {
    pub(super) chain: ChainId,
    pub(super) seq: u64,
    pub(super) hash: Hash,
    pub(super) received_ms: i64,
}

/// Reads `leaves.csv`; the positions must count from 0.
pub(super) fn each_leaf(
    folder: &Path,
    mut each: impl FnMut(LeafLine) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let path = folder.join("leaves.csv");
    let file = File::open(&path).map_err(failed(&path, "read"))?;
    for (place, line) in (0_u64..).zip(BufReader::new(file).lines().skip(1)) {
        let line = line.map_err(failed(&path, "read"))?;
        let wrong = || ArchiveError::Damaged { path: path.clone(), what: format!("line {} cannot be read", place + 2) };
        let mut cells = line.split(',');
        let mut cell = || cells.next().ok_or_else(wrong);
        let position: u64 = cell()?.parse().map_err(|_| wrong())?;
        let leaf = LeafLine {
            chain: cell()?.parse().map_err(|_| wrong())?,
            seq: cell()?.parse().map_err(|_| wrong())?,
            hash: cell()?.parse().map_err(|_| wrong())?,
            received_ms: cell()?.parse().map_err(|_| wrong())?,
        };
        if position != place || cells.next().is_some() {
            return Err(wrong());
        }
        each(leaf)?;
    }
    Ok(())
}

fn log(
    folder: &Path,
    manifest: &Manifest,
    registry: &Registry,
    hashes: &BTreeMap<(ChainId, u64), Hash>,
    wrong: &mut Vec<(String, String)>,
) -> Result<u64, ArchiveError> {
    let path = folder.join("heads.cborseq");
    let bytes = std::fs::read(&path).map_err(failed(&path, "read"))?;
    let mut heads = Vec::new();
    for item in split_sequence(&bytes) {
        match item.map_err(|why| why.to_string()).and_then(|it| open_head(it, registry).map_err(|why| why.to_string()))
        {
            Ok(head) => heads.push(head),
            Err(why) => wrong.push(("heads.cborseq".to_owned(), why)),
        }
    }
    heads.sort_by_key(|head| head.size);
    let mut due = heads.into_iter().peekable();
    let mut held = 0;
    let mut log = Frontier::new();
    let mut unknown = 0_u64;
    let mut against = |log: &Frontier, wrong: &mut Vec<(String, String)>| {
        while let Some(head) = due.next_if(|head| head.size == log.size()) {
            if head.root == log.root() {
                held += 1;
            } else {
                let what =
                    format!("head {} was signed over another root than that of its {} leaves", head.number, head.size);
                wrong.push(("heads.cborseq".to_owned(), what));
            }
        }
    };
    against(&log, wrong);
    let read = each_leaf(folder, |leaf| {
        if hashes.get(&(leaf.chain, leaf.seq)) != Some(&leaf.hash) {
            unknown += 1;
        }
        log.push(&leaf.hash.0);
        against(&log, wrong);
        Ok(())
    });
    if let Err(why) = read {
        wrong.push(("leaves.csv".to_owned(), why.to_string()));
    }
    if unknown > 0 || log.size() != hashes.len() as u64 {
        let what = format!("{unknown} leaves of {} are no record in here, which holds {}", log.size(), hashes.len());
        wrong.push(("leaves.csv".to_owned(), what));
    }
    if log.size() != manifest.leaves || log.root().to_string() != manifest.root {
        let what = format!("the log in here has {} leaves and root {}", log.size(), log.root());
        wrong.push(("leaves.csv".to_owned(), what));
    }
    Ok(held)
}
