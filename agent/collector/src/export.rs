//! Stored records for other programs: the evidence itself, or a copy that is easier to read.
//!
//! | format | content | for |
//! |---|---|---|
//! | `cborseq` | the stored bytes, a CBOR sequence (RFC 8742), chain by chain in sequence order | verifying, archiving |
//! | `jsonl` | one [`StoredView`] per line, in order of arrival | programs |
//! | `csv` | one row per record, in order of arrival | spreadsheets (RFC 4180) |
//!
//! `lake` writes them as Parquet tables. Beside them, [`export_evidence`] writes the content of evidence, one file per content.
//!
//! Every record is hashed again on its way out and compared with the hash under which it came in: a disk
//! that rots must not pass for an agent that forged.

use std::{collections::BTreeSet, fs, io::Write, path::Path};

use sha2::{Digest as _, Sha256};
use tidewaiter_record::{ChainId, Detail, Hash, ParseError, Record, parse};

use crate::{
    store::{Store, StoreError, StoredRecord, Walk as _},
    view::{StoredView, utc},
};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The stored bytes, a CBOR sequence.
    Cborseq,
    /// One JSON object per line.
    Jsonl,
    /// One row per record.
    Csv,
}

/// Which records. `cborseq` heeds the chain alone: a chain with holes proves less than it seems to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of this chain only.
    pub chain: Option<ChainId>,
    /// Those that arrived after this arrival number.
    pub after: u64,
    /// Those whose time, as the agent claims it, is no earlier than this, UTC milliseconds.
    pub from_ms: Option<i64>,
    /// And no later than this.
    pub to_ms: Option<i64>,
    /// Of these kinds; of all where there is none.
    pub kinds: BTreeSet<&'static str>,
}

/// The words of all kinds, to choose from.
pub const KINDS: [&str; 23] = Detail::WORDS;

impl Selection {
    fn takes(&self, record: &Record) -> bool {
        let body = &record.body;
        self.from_ms.is_none_or(|it| it <= body.time.wall_ms)
            && self.to_ms.is_none_or(|it| body.time.wall_ms <= it)
            && (self.kinds.is_empty() || self.kinds.contains(body.detail.word()))
    }
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored record is not what came in.
    #[error(
        "record {seq} of chain {chain}: the stored bytes have hash {found}, they came in as {expected}; restore the store from a backup"
    )]
    Rotten {
        /// Its chain.
        chain: ChainId,
        /// Its number.
        seq: u64,
        /// Hash now.
        found: Hash,
        /// Hash then.
        expected: Hash,
    },
    /// A stored record is no record for this build.
    #[error("record {seq} of chain {chain}: {source}; use the version that stored it")]
    Unreadable {
        /// Its chain.
        chain: ChainId,
        /// Its number.
        seq: u64,
        /// What is wrong.
        #[source]
        source: ParseError,
    },
    /// Stored content is not what came in.
    #[error("content {expected} has hash {found} now; restore the store from a backup")]
    RottenContent {
        /// Hash now.
        found: Hash,
        /// Hash then.
        expected: Hash,
    },
    /// A table cannot be written.
    #[cfg(feature = "parquet")]
    #[error("output: cannot be written")]
    Table(#[from] parquet::errors::ParquetError),
    /// The output cannot be written.
    #[error("output: cannot be written")]
    Output(#[from] std::io::Error),
    /// A row cannot be written.
    #[error("output: cannot be written")]
    Row(#[from] csv::Error),
    /// A line cannot be written.
    #[error("output: cannot be written")]
    Line(#[from] serde_json::Error),
}

/// The columns of `csv`, in order.
pub const COLUMNS: [&str; 22] = [
    "arrival",
    "received",
    "agent",
    "chain",
    "seq",
    "hash",
    "time",
    "clock",
    "kind",
    "simulated",
    "drill",
    "place",
    "procedure",
    "id",
    "subject",
    "identities",
    "verdict",
    "reason",
    "disposition",
    "incomplete",
    "finding",
    "watch_received",
];

/// Writes the selected records; gives how many.
///
/// # Errors
///
/// When the store cannot be read, when a record is not what came in, or when the output fails.
pub fn export(store: &dyn Store, format: Format, which: &Selection, out: &mut dyn Write) -> Result<u64, ExportError> {
    let written = match format {
        Format::Cborseq => cborseq(store, which, out)?,
        Format::Jsonl => jsonl(store, which, out)?,
        Format::Csv => rows(store, which, out)?,
    };
    out.flush()?;
    Ok(written)
}

/// Writes the content that records name and that is here, into files named by their SHA-256; gives how many.
///
/// A file that exists with the right length is left alone: its name says what it holds.
///
/// # Errors
///
/// When the store cannot be read, when content is not what came in, or when the folder cannot be written to.
pub fn export_evidence(store: &dyn Store, chain: Option<ChainId>, folder: &Path) -> Result<u64, ExportError> {
    fs::create_dir_all(folder)?;
    let mut written = 0;
    for named in store.named(chain, false)? {
        let path = folder.join(named.hash.to_string());
        if fs::metadata(&path).is_ok_and(|it| it.len() == named.size) {
            continue;
        }
        let new = path.with_extension("new");
        let mut file = fs::File::create(&new)?;
        let mut digest = Sha256::new();
        store.walk_content(named.hash, |bytes| -> Result<(), ExportError> {
            digest.update(bytes);
            Ok(file.write_all(bytes)?)
        })?;
        let found = Hash(digest.finalize().into());
        if found != named.hash {
            fs::remove_file(&new)?;
            return Err(ExportError::RottenContent { found, expected: named.hash });
        }
        file.sync_all()?;
        fs::rename(&new, &path)?;
        written += 1;
    }
    fs::File::open(folder)?.sync_all()?;
    Ok(written)
}

fn cborseq(store: &dyn Store, which: &Selection, out: &mut dyn Write) -> Result<u64, ExportError> {
    let mut written = 0;
    for chain in store.outline()?.iter().map(|it| it.chain).filter(|it| which.chain.is_none_or(|only| only == *it)) {
        store.walk_chain(chain, 0, |stored| -> Result<(), ExportError> {
            check(&stored)?;
            out.write_all(&stored.bytes)?;
            written += 1;
            Ok(())
        })?;
    }
    Ok(written)
}

fn jsonl(store: &dyn Store, which: &Selection, out: &mut dyn Write) -> Result<u64, ExportError> {
    each(store, which, |stored, record| {
        serde_json::to_writer(&mut *out, &StoredView::of(record, stored.received_ms))?;
        out.write_all(b"\n")?;
        Ok(())
    })
}

fn rows(store: &dyn Store, which: &Selection, out: &mut dyn Write) -> Result<u64, ExportError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    writer.write_record(COLUMNS)?;
    let written = each(store, which, |stored, record| Ok(writer.write_record(row(stored, record))?))?;
    writer.flush()?;
    Ok(written)
}

fn row(stored: &StoredRecord, record: &Record) -> [String; COLUMNS.len()] {
    let (header, body) = (&record.header, &record.body);
    let flags = body.detail.flags();
    let mut row = [const { String::new() }; COLUMNS.len()];
    let head = [
        stored.arrival.to_string(),
        utc(stored.received_ms),
        header.agent.clone(),
        header.chain.to_string(),
        header.seq.to_string(),
        stored.hash.to_string(),
        utc(body.time.wall_ms),
        body.time.quality.word().to_owned(),
        body.detail.word().to_owned(),
        flags.simulated.to_string(),
        flags.drill.to_string(),
    ];
    let tail = match &body.detail {
        Detail::Inspection(it) => vec![
            it.place.clone(),
            it.procedure.clone(),
            it.id.clone(),
            it.subject.kind.clone(),
            it.subject.identities.iter().map(|it| format!("{}={}", it.kind, it.text)).collect::<Vec<_>>().join(" "),
            it.verdict.clone(),
            it.reason.clone().unwrap_or_default(),
            it.disposition.clone(),
            it.incomplete.clone().unwrap_or_default(),
            it.findings
                .iter()
                .map(|it| {
                    format!(
                        "{} {} {}: {} {}",
                        it.table,
                        it.edition,
                        it.row,
                        it.value.as_deref().unwrap_or("-"),
                        it.verdict
                    )
                })
                .collect::<Vec<_>>()
                .join("; "),
            String::new(),
        ],
        Detail::Interval(it) => {
            let mut tail = vec![String::new(); 10];
            if let Some(place) = tail.first_mut() {
                place.clone_from(&it.watch);
            }
            tail.push(format!("{}/{}", it.received, it.slots_expected));
            tail
        }
        _ => Vec::new(),
    };
    for (cell, text) in row.iter_mut().zip(head.into_iter().chain(tail)) {
        *cell = guard(text);
    }
    row
}

/// Keeps a spreadsheet from running a text as a formula: identities come from cameras and keyboards.
///
/// A leading `=`, `+`, `-` or `@` gets an apostrophe, as OWASP's "CSV Injection" advises.
fn guard(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

/// Hands every selected record to `write`, in order of arrival; gives how many.
pub(crate) fn each(
    store: &dyn Store,
    which: &Selection,
    mut write: impl FnMut(&StoredRecord, &Record) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let mut written = 0;
    store.walk_arrivals(which.after, |stored| -> Result<(), ExportError> {
        if which.chain.is_some_and(|only| only != stored.chain) {
            return Ok(());
        }
        check(&stored)?;
        let (chain, seq) = (stored.chain, stored.seq);
        let record = parse(&stored.bytes).map_err(|source| ExportError::Unreadable { chain, seq, source })?;
        if !which.takes(&record) {
            return Ok(());
        }
        write(&stored, &record)?;
        written += 1;
        Ok(())
    })?;
    Ok(written)
}

pub(crate) fn check(stored: &StoredRecord) -> Result<(), ExportError> {
    let found = Hash::of(&stored.bytes);
    if found == stored.hash {
        return Ok(());
    }
    Err(ExportError::Rotten { chain: stored.chain, seq: stored.seq, found, expected: stored.hash })
}
