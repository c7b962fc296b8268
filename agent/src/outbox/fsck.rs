//! Looking a store over for damage, without changing it.
//!
//! What comes in: a data directory, and whatever is known from outside: a registry, receipts of the centre. What goes out:
//! what was found, each with its class. Four things happen to files at rest, and they look different:
//!
//! | class | what it looks like |
//! |---|---|
//! | torn tail | the file ends early, or the newest records are gone while the cursor or a clean end still speaks of them |
//! | corruption | bytes that do not hash, sign, link or agree with each other |
//! | rollback | all in order, and older than what the centre has signed for, or than the store says of itself |
//! | fork | the centre has signed for other bytes than these |
//!
//! An older copy of the whole store is in order by itself: only a receipt tells it apart. Not judged here is what records
//! say (`verify` does), and what the agent keeps for its own use: notes, and the state of open inspections.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, types::ValueRef};
use sha2::{Digest, Sha256};
use tidewaiter_record::{
    ChainId, Detail, Hash, Record, Registry, RegistryClass, Statement, Verifier, parse, verify::Code,
};

use super::{
    SHUTDOWN_DRAFT, SqliteStore, StoreError,
    sqlite::{TABLES, check_layout},
};
use crate::keys::STATEMENT_FILE;

/// Findings kept; of more there is only the count.
pub const MAX_FOUND: usize = 1000;

/// Folder of evidence in the data directory: files named by their SHA-256.
pub const EVIDENCE: &str = "evidence";

/// What has happened to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The end is missing.
    TornTail,
    /// Bytes have changed.
    Corruption,
    /// An older state.
    Rollback,
    /// Another history.
    Fork,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::TornTail, Self::Corruption, Self::Rollback, Self::Fork];

    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TornTail => "torn-tail",
            Self::Corruption => "corruption",
            Self::Rollback => "rollback",
            Self::Fork => "fork",
        }
    }
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Of which class.
    pub class: Class,
    /// At which record, where that is known.
    pub seq: Option<u64>,
    /// What, with its values.
    pub what: String,
}

/// What a store was found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Records read.
    pub records: u64,
    /// Number of the oldest.
    pub first: Option<u64>,
    /// Number of the newest.
    pub last: Option<u64>,
    /// What the centre has signed for, by the store's own cursor.
    pub receipted: Option<u64>,
    /// Files of evidence whose content was hashed.
    pub evidence: u64,
    /// What was found, at most [`MAX_FOUND`].
    pub damage: Vec<Damage>,
    /// How much more there was.
    pub left_out: u64,
}

impl Checked {
    fn add(&mut self, class: Class, seq: Option<u64>, what: impl Into<String>) {
        if self.damage.len() < MAX_FOUND {
            self.damage.push(Damage { class, seq, what: what.into() });
        } else {
            self.left_out += 1;
        }
    }
}

/// Looks over the store in `dir`.
///
/// `registry` replaces the one that follows from the enrolment statement beside the store; it is needed where a centre's
/// key is to check `receipts`, and where keys were changed in records that are no longer stored.
///
/// # Errors
///
/// When there is no store, or it cannot be read at all for reasons outside of it.
pub fn check(dir: &Path, registry: Option<&Registry>, receipts: &[Vec<u8>]) -> Result<Checked, StoreError> {
    check_watched(dir, registry, receipts, &mut |_, _| {})
}

/// As [`check`], telling after each record how many of how many are done.
///
/// # Errors
///
/// As [`check`].
pub fn check_watched(
    dir: &Path,
    registry: Option<&Registry>,
    receipts: &[Vec<u8>],
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Checked, StoreError> {
    let path = dir.join(SqliteStore::FILE);
    let mut checked = Checked::default();
    let mut file = File::open(&path).map_err(|source| StoreError::Lock { path: path.clone(), source })?;
    first_page(&mut file, &mut checked);
    let own = statement_registry(dir, &mut checked);
    let Some(registry) = registry.or(own.as_ref()) else { return Ok(checked) };
    let chain = own.as_ref().and_then(|it| it.keys().find_map(|key| key.chain));
    match look(&path, chain, registry, receipts, &mut checked, watch) {
        Ok(()) => {}
        Err(StoreError::Sqlite { source, .. }) if is_damage(&source) => {
            checked.add(Class::Corruption, None, source.to_string());
        }
        Err(StoreError::Layout { found, expected, .. }) => {
            checked.add(Class::Corruption, None, format!("layout {found}, this program reads {expected}"));
        }
        Err(failure) => return Err(failure),
    }
    evidence(&dir.join(EVIDENCE), &mut checked);
    Ok(checked)
}

// A database says in its first page how many pages it has (SQLite file format §1.3: size of a page at 16,
// versions and fractions from 18 on, pages at 28).
fn first_page(file: &mut File, checked: &mut Checked) {
    let mut head = [0; 100];
    let length = file.metadata().map_or(0, |it| it.len());
    if file.read_exact(&mut head).is_err() {
        return checked.add(
            Class::TornTail,
            None,
            format!("the file has {length} bytes, less than the head of a database"),
        );
    }
    let [.., p0, p1, write, read, _, max, min, leaf, _, _, _, _, n0, n1, n2, n3] =
        *head.first_chunk::<32>().unwrap_or(&[0; 32]);
    // 2 is the write-ahead log, which this store always has; the other three never differ.
    if [write, read, max, min, leaf] != [2, 2, 64, 32, 32] {
        checked.add(Class::Corruption, None, "the head of the file is not that of a store");
    }
    let page = match u64::from(u16::from_be_bytes([p0, p1])) {
        1 => 65_536,
        page => page,
    };
    let says = page * u64::from(u32::from_be_bytes([n0, n1, n2, n3]));
    if length < says {
        checked.add(Class::TornTail, None, format!("the file has {length} bytes, its first page says {says}"));
    }
}

fn statement_registry(dir: &Path, checked: &mut Checked) -> Option<Registry> {
    let path = dir.join(STATEMENT_FILE);
    let opened = fs::read(&path).map_err(|why| why.to_string()).and_then(|bytes| {
        let statement = Statement::open(&bytes).map_err(|why| why.to_string())?;
        let mut registry = Registry::new(RegistryClass::Test);
        registry.add(statement.register(Hash::of(&bytes))).map_err(|why| why.to_string())?;
        Ok(registry)
    });
    opened.map_err(|why| checked.add(Class::Corruption, None, format!("{}: {why}", path.display()))).ok()
}

// Failures that speak about the bytes of the file and not about its surroundings.
fn is_damage(failure: &rusqlite::Error) -> bool {
    match failure {
        rusqlite::Error::SqliteFailure(failure, _) => !matches!(
            failure.code,
            ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
        ),
        _ => true,
    }
}

fn look(
    path: &Path,
    chain: Option<ChainId>,
    registry: &Registry,
    receipts: &[Vec<u8>],
    checked: &mut Checked,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<(), StoreError> {
    let fail = |source| StoreError::Sqlite { path: PathBuf::from(path), source };
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(fail)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(fail)?;
    check_layout(&connection, path)?;
    schema(&connection, checked).map_err(fail)?;
    integrity(&connection, checked).map_err(fail)?;
    let told = meta(&connection, chain, checked).map_err(fail)?;
    let newest = walk(&connection, registry, receipts, checked, watch).map_err(fail)?;
    cursor(&connection, checked).map_err(fail)?;
    if let Some(newest) = newest {
        let boot = newest.body.time.boot;
        match told.boot {
            // A count that is not there was never set back: what is set back says a number.
            None => {
                let what = format!("the store does not count its starts, the newest record belongs to start {boot}");
                checked.add(Class::Corruption, checked.last, what);
            }
            Some(counted) if counted < boot => {
                let what = format!("the store counts {counted} starts, the newest record belongs to start {boot}");
                checked.add(Class::Rollback, checked.last, what);
            }
            Some(_) => {}
        }
        if told.clean && !matches!(newest.body.detail, Detail::Shutdown) {
            let what = "the store was closed in order, and its newest record is not the one that says so";
            checked.add(Class::TornTail, checked.last, what);
        }
    }
    Ok(())
}

// The tables are kept as the text that made them.
fn schema(connection: &Connection, checked: &mut Checked) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let mut found = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let mut made: Vec<&str> = TABLES.split(';').map(str::trim).filter(|it| !it.is_empty()).collect();
    found.sort();
    made.sort_unstable();
    if found != made {
        checked.add(Class::Corruption, None, "the tables are not those of this layout");
    }
    Ok(())
}

fn integrity(connection: &Connection, checked: &mut Checked) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            checked.add(Class::Corruption, None, line);
        }
    }
    Ok(())
}

struct Told {
    boot: Option<u64>,
    clean: bool,
}

fn meta(connection: &Connection, chain: Option<ChainId>, checked: &mut Checked) -> rusqlite::Result<Told> {
    let bytes: Option<Vec<u8>> =
        connection.query_row("SELECT bytes FROM meta WHERE key = 'chain'", [], |row| row.get(0)).optional()?.flatten();
    match (bytes.and_then(|it| <[u8; 16]>::try_from(it).ok()).map(ChainId), chain) {
        (None, _) => checked.add(Class::Corruption, None, "the store does not say which chain it holds"),
        (Some(found), Some(chain)) if found != chain => {
            checked.add(
                Class::Corruption,
                None,
                format!("the store says chain {found}, the enrolment statement {chain}"),
            );
        }
        _ => {}
    }
    let number = |key: &str| -> rusqlite::Result<Option<i64>> {
        let found: Option<Option<i64>> =
            connection.query_row("SELECT number FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
        Ok(found.flatten())
    };
    let boot = number("boot")?.and_then(|it| u64::try_from(it).ok());
    Ok(Told { boot, clean: number("clean")? == Some(1) })
}

// All records in the order of their numbers, against themselves, their columns, their neighbours and the receipts.
fn walk(
    connection: &Connection,
    registry: &Registry,
    receipts: &[Vec<u8>],
    checked: &mut Checked,
    watch: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<Option<Record>> {
    let total: i64 = connection.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
    let total = u64::try_from(total).unwrap_or(0);
    let first: Option<i64> = connection.query_row("SELECT min(seq) FROM entry", [], |row| row.get(0))?;
    let first = first.map(|it| u64::try_from(it).unwrap_or(0));
    // What was trimmed is not missing; that it was receipted is held against the cursor below.
    let mut verifier = Verifier::new(registry).from_seq(first.unwrap_or(0));
    let mut statement =
        connection.prepare("SELECT seq, record, hash, alert, sealed_ms, place, draft FROM entry ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut newest = None;
    while let Some(row) = rows.next()? {
        let seq = row.get::<_, i64>(0)?;
        let Ok(seq) = u64::try_from(seq) else {
            checked.add(Class::Corruption, None, format!("a record is stored under number {seq}"));
            continue;
        };
        let ValueRef::Blob(bytes) = row.get_ref(1)? else {
            checked.add(Class::Corruption, Some(seq), "the record is no bytes");
            continue;
        };
        checked.records += 1;
        checked.last = Some(seq);
        watch(checked.records, total);
        verifier.push(bytes);
        if let Ok(record) = parse(bytes) {
            columns(seq, &record, row, checked)?;
            newest = Some(record);
        }
    }
    checked.first = first;
    for receipt in receipts {
        verifier.push_receipt(receipt);
    }
    let report = verifier.finish();
    for finding in report.findings {
        if let Some(class) = class_of(finding.code) {
            checked.add(class, finding.seq, format!("{}: {}", finding.code.word(), finding.what));
        }
    }
    checked.left_out += report.findings_left_out;
    Ok(newest)
}

// The columns beside the record repeat what it says; the agent finds its way by them.
fn columns(seq: u64, record: &Record, row: &Row<'_>, checked: &mut Checked) -> rusqlite::Result<()> {
    let mut differ = |same: bool, what: &str| {
        if !same {
            checked.add(Class::Corruption, Some(seq), format!("the column {what} does not agree with the record"));
        }
    };
    differ(record.header.seq == seq, "seq");
    differ(row.get_ref(2)? == ValueRef::Blob(&record.hash().0), "hash");
    let alert = row.get::<_, i64>(3)?;
    differ(matches!(alert, 0 | 1), "alert");
    differ(row.get::<_, i64>(4)? == record.body.time.wall_ms, "sealed_ms");
    differ(row.get_ref(5)? == ValueRef::Text(record.header.subject.as_bytes()), "place");
    let draft = match &record.body.detail {
        Detail::Inspection(detail) => {
            differ((alert == 1) == (detail.disposition == "alarm"), "alert");
            Some(detail.id.clone())
        }
        Detail::FollowUp(detail) => Some(format!("step-{}", detail.id)),
        Detail::Warning(detail) => Some(detail.id.clone()),
        Detail::Shutdown => Some(format!("{SHUTDOWN_DRAFT}{}", record.body.time.boot)),
        _ => None,
    };
    if let Some(draft) = draft {
        differ(row.get_ref(6)? == ValueRef::Text(draft.as_bytes()), "draft");
    }
    Ok(())
}

fn cursor(connection: &Connection, checked: &mut Checked) -> rusqlite::Result<()> {
    let found: Option<(i64, Vec<u8>)> = connection
        .query_row("SELECT upto_seq, hash FROM cursor", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let upto = found.as_ref().map(|(upto, _)| *upto);
    checked.receipted = upto.and_then(|it| u64::try_from(it).ok());
    if let Some(first) = checked.first.filter(|&it| it > 0)
        && checked.receipted.is_none_or(|upto| upto + 1 < first)
    {
        checked.add(Class::Corruption, Some(first), "the records before it are gone, and no receipt covered them");
    }
    let Some((upto, hash)) = found else { return Ok(()) };
    let Ok(seq) = u64::try_from(upto) else {
        checked.add(Class::Corruption, None, format!("the cursor stands at {upto}"));
        return Ok(());
    };
    let stored: Option<Vec<u8>> =
        connection.query_row("SELECT record FROM entry WHERE seq = ?1", [upto], |row| row.get(0)).optional()?;
    match stored {
        Some(bytes) if Hash::of(&bytes).0[..] != hash[..] => {
            // The agent moves its cursor only where the hashes agree, so this is no other history.
            checked.add(Class::Corruption, Some(seq), "the cursor names another hash than that of the record");
        }
        None if checked.last.is_some_and(|last| seq > last) => {
            checked.add(
                Class::TornTail,
                Some(seq),
                "the centre has signed for this record, and the store ends before it",
            );
        }
        _ => {}
    }
    Ok(())
}

const fn class_of(code: Code) -> Option<Class> {
    Some(match code {
        Code::Fork | Code::ReceiptMismatch | Code::LogMismatch => Class::Fork,
        Code::ReceiptBeyond | Code::AnchorBackwards | Code::BootBackwards => Class::Rollback,
        Code::Malformed
        | Code::UnknownKey
        | Code::WrongRole
        | Code::WrongAlgorithm
        | Code::WrongAgent
        | Code::ForeignChain
        | Code::OutsideRange
        | Code::BadSignature
        | Code::PrevMismatch
        | Code::OutOfOrder
        | Code::Genesis
        | Code::Gap => Class::Corruption,
        // What records say, not how they were kept.
        _ => return None,
    })
}

fn evidence(folder: &Path, checked: &mut Checked) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|it| it.path()).filter(|it| it.is_file()) {
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default().to_owned();
        // Files on their way to their names have another ending.
        if name.len() != 64 {
            continue;
        }
        let hashed = File::open(&path).and_then(|mut file| {
            let mut hash = Sha256::new();
            let mut piece = vec![0; 64 * 1024];
            loop {
                match file.read(&mut piece)? {
                    0 => return Ok(Hash(hash.finalize().into())),
                    read => hash.update(piece.get(..read).unwrap_or_default()),
                }
            }
        });
        checked.evidence += 1;
        match hashed {
            Ok(hash) if hash.to_string() == name => {}
            Ok(hash) => {
                checked.add(Class::Corruption, None, format!("{}: its content hashes to {hash}", path.display()));
            }
            Err(why) => checked.add(Class::Corruption, None, format!("{}: {why}", path.display())),
        }
    }
}
