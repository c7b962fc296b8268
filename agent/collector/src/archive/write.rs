//! Writing an archive.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use tidewaiter_console::Progress;
use tidewaiter_record::{
    ChainId, Hash, Receipt, Registry, Signer, issue,
    log::{Frontier, empty_root},
    sign_detached,
};

use super::{
    ArchiveError, ChainEntry, Kind, Manifest, TYP, VERSION,
    files::{MANIFEST, SIGNATURE, Writing, empty_folder, failed, sync_folder, write_whole},
};
use crate::{
    export,
    store::{Leaf, Store, StoredRecord, Walk as _},
};

/// Program and version.
pub(crate) const PROGRAM: &str = concat!("tidewaiter-collector ", env!("CARGO_PKG_VERSION"));
/// A segment is ended by the record that brings it to this size: small enough for any medium and any tool.
pub(super) const SEGMENT_BYTES: u64 = 64 << 20;

/// Where an archive comes from.
pub struct Source<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The centre's key.
    pub signer: &'a dyn Signer,
    /// The registry in force.
    pub registry: &'a Registry,
    /// UTC milliseconds.
    pub made_at_ms: i64,
    /// Only what was received no later than this, UTC milliseconds.
    pub upto_ms: Option<i64>,
    /// Bytes after which a segment ends; [`None`] for 64 MiB.
    pub segment_bytes: Option<u64>,
}

pub(super) fn text(manifest: &Manifest) -> Result<Vec<u8>, ArchiveError> {
    let mut text = serde_json::to_vec_pretty(manifest).map_err(|why| ArchiveError::Sign(why.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

/// Writes an archive into an empty folder.
///
/// # Errors
///
/// When the folder is not empty, the store cannot be read, a stored record has rotted, or a file cannot be written.
pub fn write(source: &Source<'_>, out: &Path) -> Result<Manifest, ArchiveError> {
    empty_folder(out)?;
    let store = source.store;
    let mut files = Vec::new();
    let (leaves, root) = covered(source)?;
    let mut upto: BTreeMap<ChainId, u64> = BTreeMap::new();
    for leaf in &leaves {
        upto.insert(leaf.chain, leaf.seq);
    }
    let mut received: BTreeMap<(ChainId, u64), i64> = BTreeMap::new();
    let chains = segments(source, &upto, &mut received, out, &mut files)?;

    let mut receipts = Writing::create(out, "receipts.cborseq")?;
    for (chain, entry) in &chains {
        // A receipt says that the evidence is here too.
        let upto_seq = match store.first_missing(*chain)? {
            Some(missing) if missing <= entry.last_seq => missing.checked_sub(1),
            _ => Some(entry.last_seq),
        };
        let Some(upto_seq) = upto_seq else { continue };
        let Some(link) = store.link(*chain, upto_seq)? else { continue };
        let receipt = Receipt {
            agent: entry.agent.clone(),
            chain: *chain,
            upto_seq,
            hash: link.hash,
            received_at_ms: link.received_ms,
            log: None,
        };
        receipts.write(&issue(&receipt, source.signer).map_err(|why| ArchiveError::Sign(why.to_string()))?)?;
    }
    files.push(receipts.finish()?);

    let mut heads = Writing::create(out, "heads.cborseq")?;
    store.walk_heads(|head| if head.size <= leaves.len() as u64 { heads.write(&head.bytes) } else { Ok(()) })?;
    files.push(heads.finish()?);

    let mut table = Writing::create(out, "leaves.csv")?;
    table.write(b"position,chain,seq,sha256,received_ms\n")?;
    for leaf in &leaves {
        let at = received.get(&(leaf.chain, leaf.seq)).copied().unwrap_or_default();
        let line = format!("{},{},{},{},{at}\n", leaf.position, leaf.chain, leaf.seq, leaf.hash);
        table.write(line.as_bytes())?;
    }
    files.push(table.finish()?);
    files.push(write_whole(out, "registry.json", source.registry.to_json().as_bytes())?);
    let absent = evidence(source, &upto, out, &mut files)?;

    let manifest = Manifest {
        version: VERSION,
        kind: Kind::Archive,
        made_at_ms: source.made_at_ms,
        made_by: PROGRAM.to_owned(),
        upto_ms: source.upto_ms,
        leaves: leaves.len() as u64,
        root: root.to_string(),
        chains: chains.into_values().collect(),
        absent,
        files,
    };
    let bytes = text(&manifest)?;
    let signature = sign_detached(TYP, &bytes, source.signer).map_err(|why| ArchiveError::Sign(why.to_string()))?;
    sync_folder(out)?;
    write_whole(out, SIGNATURE, &signature)?;
    write_whole(out, MANIFEST, &bytes)?;
    sync_folder(out)?;
    Ok(manifest)
}

/// The leaves before the first one that was received too late, and the root over them.
fn covered(source: &Source<'_>) -> Result<(Vec<Leaf>, Hash), ArchiveError> {
    let mut leaves = Vec::new();
    let mut log = Frontier::default();
    let mut ended = false;
    source.store.walk_leaves(|leaf| -> Result<(), ArchiveError> {
        if !ended && let Some(limit) = source.upto_ms {
            let link = source.store.link(leaf.chain, leaf.seq)?;
            ended = link.is_none_or(|link| link.received_ms > limit);
        }
        if !ended {
            log.push(&leaf.hash.0);
            leaves.push(leaf);
        }
        Ok(())
    })?;
    let root = if leaves.is_empty() { empty_root() } else { log.root() };
    Ok((leaves, root))
}

fn segments(
    source: &Source<'_>,
    upto: &BTreeMap<ChainId, u64>,
    received: &mut BTreeMap<(ChainId, u64), i64>,
    out: &Path,
    files: &mut Vec<super::FileEntry>,
) -> Result<BTreeMap<ChainId, ChainEntry>, ArchiveError> {
    let most = source.segment_bytes.unwrap_or(SEGMENT_BYTES);
    let mut chains: BTreeMap<ChainId, ChainEntry> = BTreeMap::new();
    let mut number = 1;
    let mut segment = Writing::create(out, &name(number))?;
    let progress = Progress::records(source.store.log_size().ok());
    for head in source.store.heads()? {
        let Some(last) = upto.get(&head.chain).copied() else { continue };
        source.store.walk_chain(head.chain, 0, |stored: StoredRecord| -> Result<(), ArchiveError> {
            if stored.seq > last {
                return Ok(());
            }
            progress.add(1);
            export::check(&stored)?;
            if segment.size() > 0 && segment.size() + stored.bytes.len() as u64 > most {
                number += 1;
                let full = std::mem::replace(&mut segment, Writing::create(out, &name(number))?);
                files.push(full.finish()?);
            }
            segment.write(&stored.bytes)?;
            received.insert((stored.chain, stored.seq), stored.received_ms);
            let chain = chains.entry(head.chain).or_insert_with(|| ChainEntry {
                chain: head.chain.to_string(),
                agent: head.agent.clone(),
                site: head.site.clone(),
                first_seq: stored.seq,
                last_seq: stored.seq,
                records: 0,
            });
            chain.last_seq = stored.seq;
            chain.records += 1;
            Ok(())
        })?;
    }
    files.push(segment.finish()?);
    Ok(chains)
}

fn name(number: u32) -> String {
    format!("records-{number:04}.cborseq")
}

/// Writes the contents that records in the archive name; gives those that are not here.
fn evidence(
    source: &Source<'_>,
    upto: &BTreeMap<ChainId, u64>,
    out: &Path,
    files: &mut Vec<super::FileEntry>,
) -> Result<Vec<String>, ArchiveError> {
    let within = |named: &crate::store::Named| upto.get(&named.chain).is_some_and(|last| named.seq <= *last);
    let hashes = |missing| -> Result<BTreeSet<Hash>, ArchiveError> {
        Ok(source.store.named(None, missing)?.iter().filter(|it| within(it)).map(|it| it.hash).collect())
    };
    let (here, missing) = (hashes(false)?, hashes(true)?);
    if !here.is_empty() {
        let folder = out.join("evidence");
        std::fs::create_dir(&folder).map_err(failed(&folder, "written"))?;
        for hash in &here {
            let mut file = Writing::create(out, &format!("evidence/{hash}"))?;
            source.store.walk_content(*hash, |piece| file.write(piece))?;
            let entry = file.finish()?;
            if entry.sha256 != hash.to_string() {
                let what = "the stored content has another SHA-256 than its name".to_owned();
                return Err(ArchiveError::Damaged { path: out.join(entry.name), what });
            }
            files.push(entry);
        }
        sync_folder(&folder)?;
    }
    Ok(missing.iter().map(Hash::to_string).collect())
}
