//! Stored records as five Apache Parquet tables, for a data lake and for whoever asks questions in SQL.
//!
//! | in | out |
//! |---|---|
//! | a moment of the store, a selection | `records`, `inspections`, `findings`, `readings`, `intervals`, each a file `NAME.parquet` |
//!
//! What each column says stands in [`table`] and, for readers, in `PARQUET.md`: that is the promise, and its version is
//! [`SCHEMA_VERSION`]. A number is there twice, as the digits that the instrument displayed and as an exact decimal of
//! 18 places, so that sums are exact and the resolution is kept; there are no binary fractions.
//!
//! A row group is written as soon as one of [`Limits`] is reached, so the memory taken does not grow with the store: a row group
//! of each table, and what Parquet's footer says of the row groups before.
//!
//! These are copies to calculate with. What proves anything is the record itself (`--format cborseq`), which each row names by
//! chain, number and, in `records`, hash.

mod rows;
mod sheet;
pub mod table;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufWriter,
    path::Path,
    sync::Arc,
};

use parquet::{
    basic::Compression,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterVersion},
    },
};
use serde_json::json;
use tidewaiter_console::Progress;
use tidewaiter_record::{ChainId, Registry, verify_signature};

use self::{
    rows::Known,
    sheet::Sheet,
    table::{SCHEMA_VERSION, TABLES, Table},
};
use crate::{
    archive::PROGRAM,
    core::cause,
    export::{ExportError, Selection, each},
    store::{Moment, Outline, Store},
    view::utc,
};

/// What a row group holds at most: whichever is reached first ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows.
    pub rows: usize,
    /// Bytes of texts and numbers, before they are encoded.
    pub bytes: usize,
}

impl Default for Limits {
    /// Large enough for readers that work row group by row group, small enough for five of them in memory at once.
    fn default() -> Self {
        Self { rows: 64 * 1024, bytes: 8 << 20 }
    }
}

/// Where the tables come from.
pub struct Source<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The keys by which signatures are checked once more; without them the column `signature` is empty.
    pub registry: Option<&'a Registry>,
    /// What was asked for, as it would be typed; stands in the metadata of each file.
    pub command: &'a str,
    /// Size of a row group.
    pub limits: Limits,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Arrival number up to which the store was looked at: the next export goes on `--after` it.
    pub upto: u64,
}

/// Writes the tables into a folder, each file complete or not at all.
///
/// # Errors
///
/// When the store cannot be read, when a record is not what came in, or when a file cannot be written. Files of an earlier
/// export stay as they are then.
pub fn write(source: &Source<'_>, which: &Selection, folder: &Path) -> Result<Written, ExportError> {
    fs::create_dir_all(folder)?;
    let store = source.store;
    let moment = Moment::of(store)?;
    let upto = store.newest_arrival()?;
    let chains: BTreeMap<ChainId, Outline> = store.outline()?.into_iter().map(|it| (it.chain, it)).collect();
    let said = said(source, which, &chains, upto)?;
    let path = |table: &Table| folder.join(format!("{}.parquet.new", table.name));
    let mut sheets = TABLES
        .iter()
        .map(|table| {
            let out = BufWriter::new(File::create(path(table))?);
            Ok::<_, ExportError>(Sheet::begin(table, out, Arc::new(properties(table, said.clone())), source.limits)?)
        })
        .collect::<Result<Vec<_>, _>>()?;

    let progress = Progress::records(Some(upto.saturating_sub(which.after)));
    each(store, which, |stored, record| {
        let outline = chains.get(&stored.chain);
        let known = Known {
            stored,
            record,
            site: outline.map_or("", |it| it.site.as_str()),
            linked: outline.is_some_and(|it| stored.seq < it.next_seq),
            receipted: outline.is_some_and(|it| stored.seq < it.receipted()),
            signature: source.registry.map(|keys| match verify_signature(record, keys) {
                Ok(_) => table::SIGNATURE_VALID,
                Err(error) => cause(&error).word(),
            }),
        };
        rows::of(&known, |at, row| match sheets.get_mut(at) {
            Some(sheet) => sheet.put(row),
            None => Ok(()),
        })?;
        progress.at(stored.arrival.saturating_sub(which.after));
        Ok(())
    })?;
    drop(moment);
    progress.clear();

    let mut written = BTreeMap::new();
    for sheet in sheets {
        let (name, count) = (sheet.name(), sheet.rows());
        let file = sheet.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        written.insert(name, count);
    }
    for table in &TABLES {
        fs::rename(path(table), folder.join(format!("{}.parquet", table.name)))?;
    }
    File::open(folder)?.sync_all()?;
    Ok(Written { rows: written, upto })
}

/// What each file says of where it comes from.
fn said(
    source: &Source<'_>,
    which: &Selection,
    chains: &BTreeMap<ChainId, Outline>,
    upto: u64,
) -> Result<Vec<KeyValue>, ExportError> {
    let store = source.store;
    let heads = store.heads()?.into_iter().filter(|it| which.chain.is_none_or(|only| only == it.chain));
    let heads: Vec<_> = heads
        .map(|it| {
            let receipted = chains.get(&it.chain).and_then(|it| it.receipted().checked_sub(1));
            json!({
                "chain": it.chain, "agent": it.agent, "upto": it.newest(), "hash": it.head, "receipted_upto": receipted,
            })
        })
        .collect();
    let log = store.newest_head()?.map(|it| json!({ "head": it.number, "size": it.size, "signed": utc(it.at_ms) }));
    let said = [
        ("schema", SCHEMA_VERSION.to_string()),
        ("software", PROGRAM.to_owned()),
        ("command", source.command.to_owned()),
        ("chains", serde_json::to_string(&heads)?),
        ("log", serde_json::to_string(&log)?),
        ("arrivals", json!({ "after": which.after, "upto": upto }).to_string()),
    ];
    Ok(said.map(|(key, value)| KeyValue::new(format!("tidewaiter.{key}"), value)).into())
}

/// How a file is written.
fn properties(table: &Table, mut said: Vec<KeyValue>) -> WriterProperties {
    said.push(KeyValue::new("tidewaiter.table".to_owned(), table.name.to_owned()));
    let version = env!("CARGO_PKG_VERSION");
    let mut builder = WriterProperties::builder()
        // What every reader knows; later pages save little here.
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        // The form that the format asks for, by which readers tell writers apart.
        .set_created_by(format!("tidewaiter-collector version {version} (build {version})"))
        .set_key_value_metadata(Some(said));
    for column in table.columns().filter(|it| !it.repeats()) {
        builder = builder.set_column_dictionary_enabled(column.name.into(), false);
    }
    builder.build()
}

#[cfg(test)]
mod tests;
