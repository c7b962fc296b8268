//! A bundle at the centre: records of one chain with a receipt over them, proofs that they are in the log, and the contents
//! they name.

use std::collections::{BTreeMap, BTreeSet};

use tidewaiter_bundle::{Case, CaseError, NodeFinding, NodeName, NodeRecord, about};
use tidewaiter_config::limits::builtin_texts;
use tidewaiter_record::{ChainId, Hash, Receipt, Signer, issue, parse};

use crate::{
    archive::ArchiveError,
    nodes::{Due, Nodes, text_of},
    proving::{ProveError, inclusion},
    store::{Store, StoreError, StoredRecord, Walk as _},
};

/// Records taken before the first one asked for, where the chain's beginning is further away.
const BEFORE: u64 = 4096;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bundle.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The centre's key.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Nothing stored is meant.
    #[error("{0:?} is no inspection in the store; ask by record number and --chain, see `tidewaiter-collector status`")]
    NotFound(String),
    /// A number alone names no chain.
    #[error("record {0} of which chain? there are several; add --chain, see `tidewaiter-collector status`")]
    WhichChain(u64),
    /// One bundle, one chain.
    #[error("what is asked for stands in several chains; make a bundle for each with --chain")]
    Chains,
}

/// Gathers the records asked for, by number or by inspection id. `files` are limit tables at hand beside the built-in ones.
///
/// # Errors
///
/// A [`BundleError`].
pub fn gather(
    store: &dyn Store,
    signer: &dyn Signer,
    asked: &[String],
    chain: Option<ChainId>,
    files: &[Vec<u8>],
    made_at_ms: i64,
) -> Result<Case, BundleError> {
    let (chain, asked) = find(store, asked, chain)?;
    let (first, last) = (asked.first().copied().unwrap_or(0), asked.last().copied().unwrap_or(0));
    let begin = first.saturating_sub(BEFORE);
    let mut records = Vec::new();
    store.walk_chain(chain, begin, |stored: StoredRecord| -> Result<(), StoreError> {
        if stored.seq <= last {
            records.push(stored.bytes);
        }
        Ok(())
    })?;
    let mut case = Case {
        made_at_ms,
        made_by: crate::archive::PROGRAM.to_owned(),
        asked: asked.iter().copied().collect(),
        records,
        ..Case::default()
    };
    case.receipts.extend(receipt(store, signer, chain, last)?);
    for seq in asked {
        match inclusion(store, chain, seq) {
            Ok(proof) => drop(case.proofs.insert(seq, proof.write())),
            Err(ProveError::Store(why)) => return Err(why.into()),
            // Not in the log yet, or under no head: the bundle is whole without.
            Err(_) => {}
        }
    }
    case.heads.extend(store.newest_head()?.map(|head| head.bytes));
    let wanted = case.wanted()?;
    case.contents = contents(store, &wanted, files)?;
    Ok(case)
}

/// What the seals of nodes say of the records of a case: what was found when they came in or by a later check, and what
/// these nodes' keys say now. A record without readings of a node is not in it.
///
/// # Errors
///
/// When the store cannot be read.
pub fn of_nodes(store: &dyn Store, nodes: &Nodes, case: &Case) -> Result<Vec<NodeRecord>, BundleError> {
    let mut all = Vec::new();
    for bytes in &case.records {
        // The case itself says of a record that cannot be read.
        let Ok(record) = parse(bytes) else { continue };
        let seq = record.header.seq;
        let finding = |reason: &str, detail: &str| NodeFinding { reason: reason.to_owned(), detail: detail.to_owned() };
        let stored = store.node_findings_of(record.header.chain, seq, seq)?;
        let mut findings: Vec<NodeFinding> =
            stored.iter().map(|it| finding(it.finding.bad.word(), &it.finding.detail)).collect();
        let mut held = Vec::new();
        if let Some(due) = Due::of(store, nodes, &record)? {
            for it in due.findings(store, &record)? {
                if findings.iter().all(|known| known.reason != it.bad.word()) {
                    findings.push(finding(it.bad.word(), &it.detail));
                }
            }
            let named = |(instrument, serial): &(String, _)| NodeName {
                instrument: instrument.clone(),
                serial: text_of(*serial),
            };
            held = due.judged.held.iter().map(named).collect();
        }
        if !held.is_empty() || !findings.is_empty() {
            all.push(NodeRecord { seq, nodes: held, findings });
        }
    }
    Ok(all)
}

/// A receipt over what the chain holds up to `last`, made now: it says what the store says.
fn receipt(store: &dyn Store, signer: &dyn Signer, chain: ChainId, last: u64) -> Result<Option<Vec<u8>>, BundleError> {
    let Some(head) = store.head(chain)? else { return Ok(None) };
    let within = head.newest().is_some_and(|newest| last <= newest);
    let whole = store.first_missing(chain)?.is_none_or(|missing| last < missing);
    let Some(link) = store.link(chain, last)?.filter(|_| within && whole) else { return Ok(None) };
    let receipt = Receipt {
        agent: head.agent,
        chain,
        upto_seq: last,
        hash: link.hash,
        received_at_ms: link.received_ms,
        log: None,
    };
    Ok(Some(issue(&receipt, signer).map_err(|why| ArchiveError::Sign(why.to_string()))?))
}

fn contents(
    store: &dyn Store,
    wanted: &BTreeSet<Hash>,
    files: &[Vec<u8>],
) -> Result<BTreeMap<Hash, Vec<u8>>, StoreError> {
    let mut found = BTreeMap::new();
    for hash in wanted {
        let mut content = Vec::new();
        store.walk_content(*hash, |piece| -> Result<(), StoreError> {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        if Hash::of(&content) == *hash {
            found.insert(*hash, content);
        }
    }
    for bytes in builtin_texts().map(|it| -> &[u8] { it.as_bytes() }).chain(files.iter().map(Vec::as_slice)) {
        let hash = Hash::of(bytes);
        if wanted.contains(&hash) {
            found.insert(hash, bytes.to_vec());
        }
    }
    Ok(found)
}

/// The chain and the numbers asked for; an inspection stands for itself and for what was recorded about it later.
fn find(store: &dyn Store, asked: &[String], only: Option<ChainId>) -> Result<(ChainId, BTreeSet<u64>), BundleError> {
    let chains: Vec<ChainId> =
        store.outline()?.iter().map(|it| it.chain).filter(|it| only.is_none_or(|only| only == *it)).collect();
    let numbers: BTreeSet<u64> = asked.iter().filter_map(|text| text.parse().ok()).collect();
    let ids: BTreeSet<&str> = asked.iter().filter(|text| text.parse::<u64>().is_err()).map(String::as_str).collect();
    let mut found: BTreeMap<ChainId, BTreeSet<u64>> = BTreeMap::new();
    let mut met = BTreeSet::new();
    for chain in chains.iter().filter(|_| !ids.is_empty()) {
        store.walk_chain(*chain, 0, |stored: StoredRecord| -> Result<(), StoreError> {
            let Ok(record) = parse(&stored.bytes) else { return Ok(()) };
            for id in about(&record).into_iter().filter(|id| ids.contains(id)) {
                met.insert(id.to_owned());
                found.entry(*chain).or_default().insert(stored.seq);
            }
            Ok(())
        })?;
    }
    if let Some(id) = ids.iter().find(|id| !met.contains(**id)) {
        return Err(BundleError::NotFound((*id).to_owned()));
    }
    if let Some(number) = numbers.first() {
        let chain = match (found.keys().next(), chains.as_slice()) {
            (Some(chain), _) | (None, [chain]) => *chain,
            _ => return Err(BundleError::WhichChain(*number)),
        };
        found.entry(chain).or_default().extend(numbers);
    }
    match found.len() {
        0 => Err(CaseError::Empty.into()),
        1 => found.pop_first().ok_or(BundleError::Chains),
        _ => Err(BundleError::Chains),
    }
}
