//! Counting afterwards: the agent's store, the centre's store, and everything that was said meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tidewaiter_agent::outbox::{Archive, SqliteStore};
use tidewaiter_record::{Detail, parse};
use tidewaiter_tests::{
    process::{Collector, number, run_own},
    stand::Stand,
};

use super::{Row, row::copy_of, witness::Witness};

/// What was promised while the programs were being killed.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// Hash of every record seen durable in the agent's store.
    durable: BTreeMap<u64, [u8; 32]>,
    /// Records the log called recorded.
    logged: BTreeSet<u64>,
    /// Subjects the local interface answered as recorded.
    pub(crate) posted: Vec<String>,
}

impl Promises {
    /// Only what the local interface answered.
    pub(crate) fn of_posts(posted: Vec<String>) -> Self {
        Self { posted, ..Self::default() }
    }

    /// Looks at the agent's store as a kill has left it, without touching it: what was durable is still
    /// there and unchanged, and what the log called recorded is there.
    pub(crate) fn look(&mut self, stand: &Stand, log: &str) -> Result<()> {
        for line in log.lines().filter(|it| it.contains("\"recorded\"")) {
            let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            if line.pointer("/fields/message").and_then(Value::as_str) == Some("recorded") {
                self.logged.insert(line.pointer("/fields/seq").and_then(Value::as_u64).context("a record number")?);
            }
        }
        let store = stand.agent_dir().join(SqliteStore::FILE);
        if !store.exists() {
            ensure!(self.durable.is_empty() && self.logged.is_empty(), "the store is gone");
            return Ok(());
        }
        let (dir, _) = copy_of(&store)?;
        let Ok(archive) = Archive::open(dir.path()) else {
            // Killed before its tables were made.
            ensure!(self.durable.is_empty() && self.logged.is_empty(), "the store has lost its tables");
            return Ok(());
        };
        let newest = self.durable.last_key_value().map(|(seq, _)| *seq);
        let found: BTreeMap<u64, [u8; 32]> =
            archive.entries(newest.unwrap_or(0), usize::MAX)?.iter().map(|it| (it.seq, it.hash.0)).collect();
        if let Some(newest) = newest {
            ensure!(
                found.get(&newest) == self.durable.get(&newest),
                "record {newest} was durable and is not what it was"
            );
        }
        self.durable.extend(found);
        for seq in &self.logged {
            ensure!(
                self.durable.contains_key(seq),
                "the log said of record {seq} that it was recorded, and it is not there"
            );
        }
        Ok(())
    }
}

/// What there was at the end.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) records: u64,
    pub(crate) inspections: usize,
    pub(crate) interrupted: usize,
    pub(crate) recoveries: u32,
    pub(crate) duplicates: u64,
    pub(crate) received: u64,
    pub(crate) promised: usize,
    pub(crate) heard: usize,
    pub(crate) receipts: usize,
}

/// Compares everything with everything once both programs have ended.
///
/// No record lost, none altered, none doubled, no gap, no fork; what was said in public or promised is
/// there; `verify` says so of both stores.
pub(crate) fn audit(row: &Row, promises: &Promises, witness: Option<&Witness>) -> Result<Figures> {
    let stand = &row.stand;
    let mut figures = Figures::default();

    // The agent's own store: contiguous from the first record, and all of it receipted.
    let archive = Archive::open(&stand.agent_dir())?;
    let entries = archive.entries(0, usize::MAX)?;
    let summary = archive.summary()?;
    ensure!(entries.iter().map(|it| it.seq).eq(0..entries.len() as u64), "the agent's numbers are not contiguous");
    ensure!(summary.receipted == summary.head, "head {:?}, receipted {:?}", summary.head, summary.receipted);
    figures.records = entries.len() as u64;

    // Everything once: an inspection is not sealed again after a restart, a post is not doubled.
    let mut inspections = BTreeSet::new();
    let mut posts: BTreeMap<String, u32> = BTreeMap::new();
    for entry in &entries {
        match parse(&entry.bytes)?.body.detail {
            Detail::Inspection(detail) => {
                figures.interrupted += usize::from(detail.incomplete.as_deref() == Some("interrupted"));
                ensure!(inspections.insert(detail.id.clone()), "inspection {} stands twice", detail.id);
            }
            Detail::Event(event) if event.name == "subject-posted" => {
                *posts.entry(event.subject.unwrap_or_default()).or_default() += 1;
            }
            Detail::Recovery(_) => figures.recoveries += 1,
            _ => {}
        }
    }
    figures.inspections = inspections.len();
    if let Some((subject, times)) = posts.iter().find(|(_, times)| **times > 1) {
        bail!("subject {subject} was posted once and stands {times} times");
    }
    if let Some(lost) = promises.posted.iter().find(|it| !posts.contains_key(*it)) {
        bail!("the post of {lost} was answered as recorded, and there is no record of it");
    }
    for (seq, hash) in &promises.durable {
        let entry = usize::try_from(*seq)
            .ok()
            .and_then(|it| entries.get(it))
            .with_context(|| format!("record {seq} is lost"))?;
        ensure!(entry.hash.0 == *hash, "record {seq} was durable before a kill and is another one now");
    }
    figures.promised = promises.posted.len() + promises.logged.len();

    // The centre has the same bytes.
    let (own, theirs) = (stand.dir.join("agent.cborseq"), stand.dir.join("centre.cborseq"));
    let config = stand.dir.join("centre").join("collector.toml");
    export("tidewaiter", "--data-dir", &stand.agent_dir(), &own)?;
    export("tidewaiter-collector", "--config", &config, &theirs)?;
    let bytes = std::fs::read(&own)?;
    ensure!(bytes == std::fs::read(&theirs)?, "the exports of agent and centre differ");
    ensure!(bytes.len() == entries.iter().map(|it| it.bytes.len()).sum::<usize>(), "the export is not the store");
    verify_is_ok(stand, &theirs)?;

    // Nothing bad was noted at the centre.
    let status = run_own(
        "tidewaiter-collector",
        ["status".as_ref(), "--json".as_ref(), "--config".as_ref(), config.as_os_str()],
    )?;
    let status: Value = serde_json::from_str(&status.stdout).with_context(|| status.stderr.clone())?;
    for zero in [
        "/summary/gaps",
        "/summary/equivocations",
        "/summary/verdict_drift",
        "/chains/0/missing",
        "/chains/0/waiting",
        "/chains/0/evidence",
    ] {
        ensure!(number(&status, zero) == 0, "{zero} is {}: {status:#}", number(&status, zero));
    }
    ensure!(number(&status, "/summary/records") == figures.records, "{status:#}");
    ensure!(number(&status, "/summary/receipted") == figures.records, "{status:#}");
    let bad = status
        .pointer("/summary/bad")
        .and_then(Value::as_object)
        .map_or(0, |it| it.values().filter_map(Value::as_u64).sum());
    ensure!(bad == 0, "the centre has findings: {status:#}");
    figures.duplicates = number(&status, "/summary/duplicates_folded");
    figures.received = number(&status, "/summary/received");
    ensure!(figures.received == figures.records + figures.duplicates, "{status:#}");

    // What was said in public is what is there.
    if let Some(witness) = witness {
        let records = witness.records();
        for bytes in &records {
            let seq = parse(bytes)?.header.seq;
            let entry = usize::try_from(seq)
                .ok()
                .and_then(|it| entries.get(it))
                .with_context(|| format!("record {seq} was published and is lost"))?;
            ensure!(entry.bytes == *bytes, "record {seq} was published with other bytes: a fork");
        }
        let receipts = witness.receipts(&row.registry)?;
        for (upto, hash) in &receipts {
            let entry = usize::try_from(*upto)
                .ok()
                .and_then(|it| entries.get(it))
                .with_context(|| format!("record {upto} was receipted and is lost"))?;
            ensure!(entry.hash.0 == *hash, "the receipt over {upto} names another record");
        }
        (figures.heard, figures.receipts) = (records.len(), receipts.len());
    }
    Ok(figures)
}

fn export(program: &str, place: &str, path: &Path, out: &Path) -> Result<()> {
    let args = [
        "export".as_ref(),
        place.as_ref(),
        path.as_os_str(),
        "--format".as_ref(),
        "cborseq".as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ];
    let ended = run_own(program, args)?;
    ensure!(ended.code == 0, "{program} export ends with {}: {}", ended.code, ended.stderr);
    Ok(())
}

fn verify_is_ok(stand: &Stand, export: &Path) -> Result<()> {
    let registry = stand.registry_path();
    let args = ["verify".as_ref(), "--json".as_ref(), "--registry".as_ref(), registry.as_os_str(), export.as_os_str()];
    let ended = run_own("tidewaiter", args)?;
    let report: Value = serde_json::from_str(&ended.stdout).with_context(|| ended.stderr.clone())?;
    for question in ["signature", "chain", "completeness"] {
        let answer = report.pointer(&format!("/{question}/answer")).and_then(Value::as_str);
        ensure!(answer == Some("ok"), "verify says of the {question}: {report:#}");
    }
    // No clock of a test machine is vouched for, so the time is either not checked or in order.
    ensure!(
        report.pointer("/time/answer").and_then(Value::as_str) != Some("bad"),
        "verify says of the time: {report:#}"
    );
    ensure!(ended.code == 0, "verify ends with {}: {report:#}", ended.code);
    Ok(())
}

/// What a collector's store holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CentreHead {
    /// The newest record without a gap before it.
    pub(crate) upto: Option<u64>,
    /// Records stored, those beyond a gap included.
    pub(crate) stored: u64,
}

/// Looks at a killed collector's store without touching it.
pub(crate) fn centre_head(stand: &Stand) -> Result<CentreHead> {
    let store = stand.dir.join("centre").join("collector.db");
    if !store.exists() {
        return Ok(CentreHead::default());
    }
    let (_dir, copy) = copy_of(&store)?;
    // Killed before its tables were made, it cannot be opened; then nothing is stored.
    let Ok(store) = tidewaiter_collector::SqliteStore::open_read_only(&copy) else { return Ok(CentreHead::default()) };
    let outline = tidewaiter_collector::store::ReadStore::outline(&store)?;
    let head = outline.first().map(|it| CentreHead { upto: it.next_seq.checked_sub(1), stored: it.stored() });
    Ok(head.unwrap_or_default())
}

/// Ends a collector as a service manager does.
pub(crate) fn end(collector: Collector) -> Result<()> {
    let status = collector.program.terminate(std::time::Duration::from_secs(20))?;
    ensure!(status.success(), "the collector ends with {status}");
    Ok(())
}
