//! Making a bundle.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use tidewaiter_record::{Detail, Hash, Record, Registry, body::Context, parse};
use tidewaiter_words::Language;

use crate::{
    manifest::{FileEntry, Manifest, VERSION},
    nodes::{self, NodeRecord},
    report,
};

/// Records in one bundle at most: a week of a busy lane.
pub const MAX_RECORDS: usize = 100_000;
/// Bytes in one bundle at most.
pub const MAX_BYTES: u64 = 1 << 30;

/// Why a bundle cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// Nothing was asked for, or nothing was found.
    #[error("a bundle needs at least one record; ask for record numbers or inspection ids that are stored here")]
    Empty,
    /// Too many records.
    #[error("{0} records are more than a bundle takes ({MAX_RECORDS}); ask for records closer together")]
    Records(usize),
    /// Too large.
    #[error("{0} bytes are more than a bundle takes ({MAX_BYTES}); ask for less at once")]
    Bytes(u64),
    /// A record asked for is not among those given.
    #[error("record {0} is not among the records of this case")]
    NotThere(u64),
    /// The bytes given are no run of records of one chain.
    #[error("record {seq}: {why}")]
    Record {
        /// Its place in what was given.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// The archive cannot be written.
    #[error("the bundle cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// What goes into a bundle.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// UTC milliseconds.
    pub made_at_ms: i64,
    /// Program and version that makes it.
    pub made_by: String,
    /// Records asked for, by number.
    pub asked: Vec<u64>,
    /// A run of records of one chain without gaps, as signed.
    pub records: Vec<Vec<u8>>,
    /// The agent's enrolment statement.
    pub statement: Option<Vec<u8>>,
    /// Receipts over them.
    pub receipts: Vec<Vec<u8>>,
    /// Signed heads of the centre's log.
    pub heads: Vec<Vec<u8>>,
    /// Inclusion proofs, by record.
    pub proofs: BTreeMap<u64, Vec<u8>>,
    /// What the centre found by the seals of instrument nodes, by record.
    pub nodes: Vec<NodeRecord>,
    /// Contents at hand, by hash: evidence, tables, plans. What no record names is left out.
    pub contents: BTreeMap<Hash, Vec<u8>>,
}

/// Hashes of contents that records name, by the folder they go to.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) evidence: BTreeSet<Hash>,
    pub(crate) tables: BTreeSet<Hash>,
    pub(crate) plans: BTreeSet<Hash>,
}

impl Named {
    pub(crate) fn add(&mut self, record: &Record) {
        match &record.body.detail {
            Detail::Inspection(it) => {
                self.tables.extend(it.tables.iter().map(|table| Hash(table.sha256)));
                let plan = it.judging.as_ref().and_then(|judging| judging.plan.as_ref());
                self.plans.extend(plan.map(|plan| Hash(plan.sha256)));
            }
            Detail::LimitsActivated(it) => self.tables.extend(it.tables.iter().map(|table| Hash(table.sha256))),
            Detail::Evidence(it) if it.content.is_none() => {
                self.evidence.insert(it.hash);
            }
            _ => {}
        }
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, Hash)> {
        let folder = |name: &'static str, ending: &'static str, set: &BTreeSet<Hash>| {
            set.iter().map(move |hash| (name, ending, *hash)).collect::<Vec<_>>()
        };
        [
            folder("evidence/", "", &self.evidence),
            folder("tables/", ".toml", &self.tables),
            folder("plans/", ".toml", &self.plans),
        ]
        .into_iter()
        .flatten()
    }
}

/// The ids that a record stands for: its own, and that of the inspection it was recorded about later.
pub fn about(record: &Record) -> Vec<&str> {
    match &record.body.detail {
        Detail::Inspection(it) => vec![&it.id],
        Detail::FollowUp(it) => vec![&it.id, &it.follows.id],
        Detail::Warning(it) => vec![&it.id],
        Detail::Evidence(it) => it.inspection.as_deref().into_iter().collect(),
        _ => Vec::new(),
    }
}

fn context(record: &Record) -> Option<&Context> {
    match &record.body.detail {
        Detail::Inspection(it) => Some(&it.context),
        Detail::Interval(it) => Some(&it.context),
        Detail::FollowUp(it) => Some(&it.context),
        Detail::Warning(it) => Some(&it.context),
        Detail::Reading(it) => Some(&it.context),
        Detail::Evidence(it) => Some(&it.context),
        Detail::InstrumentIdentity(it) => Some(&it.context),
        _ => None,
    }
}

impl Case {
    /// Hashes that the records name and whose content a bundle takes: evidence beside the chain, tables, plans.
    ///
    /// # Errors
    ///
    /// When a record cannot be read.
    pub fn wanted(&self) -> Result<BTreeSet<Hash>, CaseError> {
        let mut named = Named::default();
        for record in self.parsed()? {
            named.add(&record);
        }
        Ok(named.all().map(|(_, _, hash)| hash).collect())
    }

    fn parsed(&self) -> Result<Vec<Record>, CaseError> {
        let mut parsed: Vec<Record> = Vec::with_capacity(self.records.len());
        for (place, bytes) in self.records.iter().enumerate() {
            let seq = parsed.first().map_or(0, |first| first.header.seq) + place as u64;
            let refused = |why: String| CaseError::Record { seq, why };
            let record = parse(bytes).map_err(|why| refused(why.to_string()))?;
            if let Some(first) = parsed.first()
                && (record.header.chain != first.header.chain || record.header.seq != seq)
            {
                return Err(refused(format!(
                    "the records are no run of one chain: found record {} of chain {}",
                    record.header.seq, record.header.chain
                )));
            }
            parsed.push(record);
        }
        Ok(parsed)
    }

    /// Writes the bundle. `registry` is what the maker believes: for the report, and for the excerpt inside.
    ///
    /// # Errors
    ///
    /// A [`CaseError`].
    pub fn write(&self, registry: &Registry, out: impl Write) -> Result<Manifest, CaseError> {
        if self.records.len() > MAX_RECORDS {
            return Err(CaseError::Records(self.records.len()));
        }
        let parsed = self.parsed()?;
        let (Some(first), Some(last)) = (parsed.first(), parsed.last()) else { return Err(CaseError::Empty) };
        let asked = self.asked_for(&parsed)?;
        let Some(newest) = asked.last() else { return Err(CaseError::Empty) };
        let mut named = Named::default();
        for record in &parsed {
            named.add(record);
        }

        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        let mut put = |name: &str, bytes: Vec<u8>| files.push((name.to_owned(), bytes));
        put("README.txt", report::readme().into_bytes());
        if let Some(statement) = &self.statement {
            put("statement.cbor", statement.clone());
        }
        put("records.cborseq", self.records.concat());
        if !self.receipts.is_empty() {
            put("receipts.cborseq", self.receipts.concat());
        }
        if !self.heads.is_empty() {
            put("heads.cborseq", self.heads.concat());
        }
        for (seq, proof) in &self.proofs {
            put(&format!("proofs/{seq}.cbor"), proof.clone());
        }
        if !self.nodes.is_empty() {
            put(nodes::FILE, nodes::write(&self.nodes).map_err(io::Error::from)?);
        }
        let mut absent = Vec::new();
        for (folder, ending, hash) in named.all() {
            match self.contents.get(&hash) {
                Some(content) => put(&format!("{folder}{hash}{ending}"), content.clone()),
                None => absent.push(hash.to_string()),
            }
        }
        let excerpt = report::excerpt(registry, first.header.chain);
        put("registry.json", excerpt.to_json().into_bytes());
        let verified = self.verified(registry, first.header.seq);
        for language in [Language::ZhCn, Language::En] {
            let text = report::text(language, self, &asked, &verified, &absent);
            put(&format!("report.{}.txt", report::tag(language)), text.into_bytes());
        }
        let manifest = Manifest {
            version: VERSION,
            made_at_ms: self.made_at_ms,
            made_by: self.made_by.clone(),
            agent: first.header.agent.clone(),
            chain: first.header.chain.to_string(),
            asked: asked.iter().map(|record| record.header.seq).collect(),
            first_seq: first.header.seq,
            last_seq: last.header.seq,
            config: context(newest).map(|it| hex::encode(it.config)),
            software: context(newest).map(|it| it.software.clone()),
            absent,
            files: files.iter().map(|(name, bytes)| FileEntry::of(name, bytes)).collect(),
        };
        let total = manifest.files.iter().map(|file| file.size).sum();
        if total > MAX_BYTES {
            return Err(CaseError::Bytes(total));
        }
        self.pack(&manifest, &files, out)?;
        Ok(manifest)
    }

    fn asked_for<'p>(&self, parsed: &'p [Record]) -> Result<Vec<&'p Record>, CaseError> {
        let asked: BTreeSet<u64> = self.asked.iter().copied().collect();
        asked
            .into_iter()
            .map(|seq| parsed.iter().find(|record| record.header.seq == seq).ok_or(CaseError::NotThere(seq)))
            .collect()
    }

    fn verified(&self, registry: &Registry, first: u64) -> tidewaiter_record::Report {
        let mut verifier = tidewaiter_record::Verifier::new(registry).from_seq(first);
        for (hash, content) in &self.contents {
            verifier.evidence_present(*hash, content.len() as u64);
        }
        for item in self.statement.iter().filter(|_| first == 0).chain(&self.records).chain(&self.receipts) {
            verifier.push(item);
        }
        verifier.finish()
    }

    fn pack(&self, manifest: &Manifest, files: &[(String, Vec<u8>)], out: impl Write) -> Result<(), CaseError> {
        let mut archive = tar::Builder::new(out);
        let mut text = serde_json::to_vec_pretty(manifest).map_err(io::Error::from)?;
        text.push(b'\n');
        let seconds = u64::try_from(self.made_at_ms / 1000).unwrap_or(0);
        let manifest = [("manifest.json", text.as_slice())];
        for (name, bytes) in
            manifest.into_iter().chain(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
        {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(seconds);
            header.set_entry_type(tar::EntryType::Regular);
            archive.append_data(&mut header, name, bytes)?;
        }
        archive.into_inner()?.flush()?;
        Ok(())
    }
}
