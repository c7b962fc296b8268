//! The outbox at rest, damaged in every way: what `fsck`, the start of an agent and the verifier say of it.
//!
//! Silent acceptance would be a store that reads otherwise than it was written and that `fsck` calls sound. A flip in bytes
//! that mean nothing (free space of a page) changes nothing and may pass.
//!
//! `ROT_RECORDS` (every bit of so many records, 1) and `ROT_FLIPS` (random flips over the file, 2000) set the size.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use rusqlite::{Connection, params, types::Value};
use tempfile::TempDir;
use tidewaiter_agent::{
    keys::STATEMENT_FILE,
    outbox::{
        Batch, Cursor, Entry, SqliteStore, Store,
        fsck::{Checked, Class, check},
    },
};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Body, ChainHead, ChainId, Claims, Context, Detail, Ed25519Signer, Event, Flags, Genesis, Hash, InspectionDetail,
    Receipt, RegisteredKey, Registry, RegistryClass, Sealed, Statement, Subject, TimeBlock, TimeQuality, TimeSource,
    Verifier, issue, seal,
};

const CHAIN: ChainId = ChainId([3; 16]);
const WALL: i64 = 1_790_000_000_000;
/// The last record that the store's own cursor covers.
const RECEIPTED: usize = 12;

/// A sound store in its folder, closed in order.
struct Stand {
    dir: TempDir,
    centre: Ed25519Signer,
    statement: Hash,
    records: Vec<Sealed>,
}

fn body(step: u64, detail: Detail) -> Body {
    let time = TimeBlock {
        wall_ms: WALL + i64::try_from(step).unwrap() * 1000,
        mono_ms: step * 1000,
        boot: 1,
        quality: TimeQuality::I,
        err_ms: 0,
        src: TimeSource::None,
        age_s: 0,
    };
    Body { time, detail }
}

fn inspection(id: &str) -> Detail {
    let at = Moment { mono_ms: 0, wall_ms: WALL };
    Detail::Inspection(Box::new(InspectionDetail {
        flags: Flags::default(),
        id: id.to_owned(),
        procedure: "lorry-gate".to_owned(),
        place: "lane-7".to_owned(),
        subject: Subject { kind: "conveyance".to_owned(), identities: Vec::new(), declared: None },
        opened: at,
        closed: at,
        incomplete: None,
        measured: Vec::new(),
        alarms: Vec::new(),
        faults: Vec::new(),
        readings: Vec::new(),
        findings: Vec::new(),
        verdict: "Fail".to_owned(),
        reason: None,
        disposition: "alarm".to_owned(),
        alarm_mismatch: false,
        tables: Vec::new(),
        context: Context { software: "tidewaiter".to_owned(), config: [1; 32] },
        judging: None,
    }))
}

fn detail(step: u64, statement: Hash, last: u64, word: &str) -> Detail {
    match step {
        0 => Detail::Genesis(Genesis { software: "tidewaiter".to_owned(), config: [1; 32], statement }),
        it if it == last => Detail::Shutdown,
        it if it % 5 == 4 => inspection(&format!("lane-7-1-{it}")),
        it => Detail::Event(Event {
            name: word.to_owned(),
            subject: None,
            facts: [("fact".to_owned(), format!("{word} {it}"))].into(),
        }),
    }
}

fn entry(sealed: &Sealed, body: &Body, subject: &str) -> Entry {
    let (alert, draft) = match &body.detail {
        Detail::Inspection(it) => (true, Some(it.id.clone())),
        Detail::Shutdown => (false, Some("shutdown-1".to_owned())),
        _ => (false, None),
    };
    Entry {
        seq: sealed.seq,
        bytes: sealed.bytes.clone(),
        hash: sealed.hash,
        alert,
        sealed_ms: body.time.wall_ms,
        place: subject.to_owned(),
        draft,
    }
}

impl Stand {
    /// `count` records of which the last is the clean end; from `turn` on they say `word`.
    fn new(count: u64, turn: u64, word: &str) -> Self {
        // In memory where that is offered: thousands of stores are written, and none has to last.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let (key, centre) = (Ed25519Signer::from_seed(&[1; 32]), Ed25519Signer::from_seed(&[2; 32]));
        let statement = Statement {
            agent: "gate-07".into(),
            chain: CHAIN,
            public: key.public_key(),
            created_ms: WALL,
            simulated: true,
        };
        let bytes = statement.issue(&key).unwrap();
        fs::write(dir.path().join(STATEMENT_FILE), &bytes).unwrap();
        let statement = Hash::of(&bytes);
        let mut store = SqliteStore::open(dir.path(), CHAIN, 16 << 20).unwrap();
        store.contents().unwrap();
        let (mut head, mut records) = (ChainHead::new(CHAIN, statement), Vec::new());
        for step in 0..count {
            let body = body(step, detail(step, statement, count - 1, if step < turn { "tick" } else { word }));
            let subject = if matches!(body.detail, Detail::Inspection(_)) { "lane-7" } else { "self" };
            let claims = Claims { agent: "gate-07".into(), subject: subject.to_owned() };
            let sealed = seal(&head, &claims, None, &body, &key).unwrap();
            head = head.after(&sealed);
            let cursor = (records.len() == RECEIPTED).then_some(Cursor {
                upto_seq: sealed.seq,
                hash: sealed.hash,
                received_ms: WALL,
            });
            store.commit(&Batch { entries: vec![entry(&sealed, &body, subject)], cursor, ..Batch::default() }).unwrap();
            records.push(sealed);
        }
        drop(store);
        Self { dir, centre, statement, records }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(SqliteStore::FILE)
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::new(RegistryClass::Test);
        let bytes = fs::read(self.dir.path().join(STATEMENT_FILE)).unwrap();
        assert_eq!(Hash::of(&bytes), self.statement);
        registry.add(Statement::open(&bytes).unwrap().register(self.statement)).unwrap();
        registry.add(RegisteredKey::centre("centre", self.centre.public_key())).unwrap();
        registry
    }

    fn receipt(&self, upto: usize) -> Vec<u8> {
        let Sealed { seq, hash, .. } = self.records[upto];
        let receipt =
            Receipt { agent: "gate-07".into(), chain: CHAIN, upto_seq: seq, hash, received_at_ms: WALL * 2, log: None };
        issue(&receipt, &self.centre).unwrap()
    }

    /// Puts the files of an image in place of what is there.
    fn put(&self, main: &[u8], log: Option<&[u8]>) {
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(with(&self.path(), ending));
        }
        fs::write(self.path(), main).unwrap();
        if let Some(log) = log {
            fs::write(with(&self.path(), "-wal"), log).unwrap();
        }
    }

    fn change(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

fn with(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

/// Everything that a store says as evidence, or for finding it: records with their columns, cursor, chain, starts.
fn content(path: &Path) -> rusqlite::Result<Vec<Vec<Value>>> {
    let connection = Connection::open(path)?;
    let mut found = Vec::new();
    for (sql, columns) in [
        ("SELECT seq, record, hash, alert, sealed_ms, place, draft FROM entry ORDER BY seq", 7),
        ("SELECT upto_seq, hash FROM cursor", 2),
        ("SELECT bytes, 0 FROM meta WHERE key = 'chain'", 2),
    ] {
        let mut statement = connection.prepare(sql)?;
        let rows = statement
            .query_map([], |row| (0..columns).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Value>>>())?;
        found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    Ok(found)
}

/// The first row that reads otherwise than it was written.
fn differing(sound: &[Vec<Value>], read: &[Vec<Value>]) -> String {
    let pair = sound.iter().zip(read).find(|(was, is)| was != is);
    format!("{} rows of {}, {pair:?}", read.len(), sound.len())
}

/// Whether an agent starts on it and reads all it holds.
fn starts(dir: &Path) -> bool {
    SqliteStore::open(dir, CHAIN, 16 << 20).is_ok_and(|mut store| {
        store.contents().is_ok() && store.entries(0, usize::MAX).is_ok() && store.alerts(None, usize::MAX).is_ok()
    })
}

/// What the verifier says of the records alone.
fn verifies(path: &Path, registry: &Registry, receipts: &[Vec<u8>]) -> bool {
    let read = || -> rusqlite::Result<Vec<Vec<u8>>> {
        let connection = Connection::open(path)?;
        let mut statement = connection.prepare("SELECT record FROM entry ORDER BY seq")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    let Ok(items) = read() else { return false };
    let mut verifier = Verifier::new(registry);
    for item in &items {
        verifier.push(item);
    }
    for receipt in receipts {
        verifier.push_receipt(receipt);
    }
    !verifier.finish().is_bad()
}

const STARTS_SET_BACK: &str = "UPDATE meta SET number = 0 WHERE key = 'boot'";

/// One line of the table.
#[derive(Default)]
struct Line {
    cases: u64,
    classes: BTreeMap<Class, u64>,
    harmless: u64,
    silent: u64,
    wrong: u64,
    start: u64,
    verify: u64,
}

struct Table<'s> {
    stand: &'s Stand,
    registry: Registry,
    sound: Vec<Vec<Value>>,
    lines: Vec<(String, Line)>,
}

impl<'s> Table<'s> {
    fn new(stand: &'s Stand) -> Self {
        Self { stand, registry: stand.registry(), sound: content(&stand.path()).unwrap(), lines: Vec::new() }
    }

    /// Judges the store as it stands now. `expected` are the classes that name it rightly.
    fn judge(&mut self, name: &str, receipts: &[Vec<u8>], expected: &[Class], all: bool) -> Checked {
        let checked = check(self.stand.dir.path(), Some(&self.registry), receipts).unwrap();
        let read = content(&self.stand.path());
        let at = self.lines.iter().position(|(it, _)| it == name).unwrap_or_else(|| {
            self.lines.push((name.to_owned(), Line::default()));
            self.lines.len() - 1
        });
        let line = &mut self.lines[at].1;
        line.cases += 1;
        match checked.damage.iter().map(|it| it.class).max() {
            None if read.as_ref().is_ok_and(|it| *it == self.sound) => line.harmless += 1,
            None => {
                line.silent += 1;
                if !expected.is_empty() {
                    let read = read.map_or_else(|why| why.to_string(), |it| differing(&self.sound, &it));
                    println!("accepted silently, {name}: {read}");
                }
            }
            Some(class) => {
                // Of several classes found together one has to be right, and is counted.
                let right = checked.damage.iter().map(|it| it.class).find(|it| expected.contains(it));
                *line.classes.entry(right.unwrap_or(class)).or_default() += 1;
                line.wrong += u64::from(right.is_none());
            }
        }
        if all {
            line.verify += u64::from(!verifies(&self.stand.path(), &self.registry, receipts));
            line.start += u64::from(!starts(self.stand.dir.path()));
        }
        checked
    }

    fn amiss(&self) -> u64 {
        self.lines.iter().map(|(_, line)| line.silent + line.wrong).sum()
    }

    fn print(&self) {
        println!(
            "{:<44} {:>7} {:>6} {:>6} {:>6} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6}",
            "damage", "cases", "torn", "rot", "back", "fork", "harmless", "silent", "class?", "start", "verify"
        );
        for (name, it) in &self.lines {
            let of = |class| it.classes.get(&class).copied().unwrap_or(0);
            println!(
                "{name:<44} {:>7} {:>6} {:>6} {:>6} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6}",
                it.cases,
                of(Class::TornTail),
                of(Class::Corruption),
                of(Class::Rollback),
                of(Class::Fork),
                it.harmless,
                it.silent,
                it.wrong,
                it.start,
                it.verify
            );
        }
    }
}

fn sized(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}

#[test]
fn damage_at_rest_is_found_and_named() {
    let begun = Instant::now();
    let stand = Stand::new(24, 24, "tick");
    let sound = fs::read(stand.path()).unwrap();
    let mut table = Table::new(&stand);
    let newest = stand.receipt(23);

    // Sound stores are called sound: as written, with every receipt there was, and open again.
    for upto in 0..24 {
        stand.put(&sound, None);
        let checked = table.judge("none", &[stand.receipt(upto)], &[], true);
        assert!(checked.damage.is_empty(), "{checked:?}");
        assert_eq!((checked.records, checked.last, checked.receipted), (24, Some(23), Some(RECEIPTED as u64)));
    }

    // Every bit of records, their hashes and their columns.
    let records = usize::try_from(sized("ROT_RECORDS", 1)).unwrap();
    for round in 0..records {
        // A short chain: everything is looked over for each bit. The record in its middle, whose neighbours name it.
        let (seq, count) = (if round % 2 == 0 { 4 } else { 3 }, 6);
        let stand = Stand::new(count, u64::try_from(round % 4).unwrap(), &format!("tock-{round}"));
        let sound = fs::read(stand.path()).unwrap();
        let mut own = Table::new(&stand);
        own.lines = std::mem::take(&mut table.lines);
        for column in ["record", "hash"] {
            let connection = Connection::open(stand.path()).unwrap();
            let good: Vec<u8> = connection
                .query_row(&format!("SELECT {column} FROM entry WHERE seq = ?1"), [seq], |row| row.get(0))
                .unwrap();
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                connection
                    .execute(&format!("UPDATE entry SET {column} = ?1 WHERE seq = ?2"), params![bad, seq])
                    .unwrap();
                own.judge(&format!("one bit of a {column}"), &[], &[Class::Corruption], false);
            }
        }
        for column in ["alert", "sealed_ms", "place", "draft", "seq"] {
            // Only inspections are alerts with a draft of their own.
            let seq = if matches!(column, "alert" | "draft") { 4 } else { seq };
            for bit in 0..8 {
                let sql = match column {
                    "place" | "draft" => format!(
                        "UPDATE entry SET {column} = char(unicode({column}) + {}) || substr({column}, 2) WHERE seq = {seq}",
                        bit + 1
                    ),
                    _ => format!("UPDATE entry SET {column} = {column} + {} WHERE seq = {seq}", 1_i64 << (bit + 5)),
                };
                stand.put(&sound, None);
                stand.change(&sql);
                own.judge(&format!("the column {column}"), &[], &[Class::Corruption], true);
            }
        }
        table.lines = std::mem::take(&mut own.lines);
    }

    // Bits anywhere in the file.
    let mut state = 0x5eed_u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % n
    };
    // The count of starts is signed by nobody: a rotten one and one that was set back are the same bytes.
    stand.put(&sound, None);
    stand.change(STARTS_SET_BACK);
    let set_back = fs::read(stand.path()).unwrap();
    let counts_starts = |byte: usize| sound.get(byte) != set_back.get(byte);
    let flips = sized("ROT_FLIPS", 2000);
    for round in 0..flips {
        let mut bad = sound.clone();
        let bit = below(bad.len() * 8);
        bad[bit / 8] ^= 1 << (bit % 8);
        stand.put(&bad, None);
        let before = table.amiss();
        let expected = [Class::Corruption, Class::TornTail, Class::Rollback];
        let expected = if counts_starts(bit / 8) { &expected[..] } else { &expected[..2] };
        let found = table.judge("one bit anywhere in the file", &[], expected, round % 20 == 0);
        if table.amiss() > before {
            println!("at bit {} of byte {}: {:?}", bit % 8, bit / 8, found.damage);
        }
    }

    // The file cut off: every page, and points within pages.
    for length in (0..sound.len()).step_by(if flips > 2000 { 16 } else { 512 }) {
        stand.put(&sound[..length], None);
        table.judge("the file cut off", &[], &[Class::TornTail], true);
    }

    rows(&stand, &sound, &mut table, &newest);
    images(&stand, &sound, &mut table, &newest);

    table.print();
    println!("{:.1} s", begun.elapsed().as_secs_f32());
    for (name, line) in &table.lines {
        assert!(line.silent == 0 || name.ends_with("no receipt"), "{name}: {} accepted silently", line.silent);
        assert_eq!(line.wrong, 0, "{name}: {} of another class", line.wrong);
        assert!(name != "none" || line.harmless == line.cases, "a sound store is flagged");
    }
}

/// Rows exchanged, deleted, repeated; the cursor and the agent's own numbers changed.
fn rows(stand: &Stand, sound: &[u8], table: &mut Table<'_>, newest: &[u8]) {
    let mut row = |name: &str, sql: &str, receipts: &[Vec<u8>], expected: &[Class]| {
        stand.put(sound, None);
        stand.change(sql);
        table.judge(name, receipts, expected, true);
    };
    for seq in 1..22 {
        let swap = format!(
            "UPDATE entry SET seq = 1000 WHERE seq = {seq}; UPDATE entry SET seq = {seq} WHERE seq = {0};
             UPDATE entry SET seq = {0} WHERE seq = 1000;",
            seq + 1
        );
        row("two rows exchanged", &swap, &[], &[Class::Corruption]);
    }
    for seq in 1..23 {
        row("a row deleted", &format!("DELETE FROM entry WHERE seq = {seq}"), &[], &[Class::Corruption]);
    }
    for seq in 0..23 {
        let again = format!(
            "INSERT INTO entry SELECT seq + 1000, record, hash, alert, sealed_ms, place, NULL FROM entry WHERE seq = {seq}"
        );
        row("a row repeated under another number", &again, &[], &[Class::Corruption]);
    }
    for upto in (RECEIPTED + 1)..23 {
        row(
            "the first rows deleted without a receipt",
            &format!("DELETE FROM entry WHERE seq <= {upto}"),
            &[],
            &[Class::Corruption],
        );
    }
    for from in 1..24 {
        let cut = format!("DELETE FROM entry WHERE seq >= {from}");
        row("the last rows deleted, closed in order", &cut, &[], &[Class::TornTail]);
        // As after a power cut: nothing says that there was more, but what the centre has signed for.
        let unclean = format!("{cut}; UPDATE meta SET number = 0 WHERE key = 'clean'; DELETE FROM cursor");
        row("the last rows deleted, with a receipt", &unclean, &[newest.to_vec()], &[Class::Rollback]);
        row("the last rows deleted, no receipt", &unclean, &[], &[]);
    }
    row("the cursor beyond the end", "UPDATE cursor SET upto_seq = 500", &[], &[Class::TornTail]);
    row("the cursor below zero", "UPDATE cursor SET upto_seq = -5", &[], &[Class::Corruption]);
    row("the cursor at another record", "UPDATE cursor SET upto_seq = 5", &[], &[Class::Corruption]);
    row("the cursor with another hash", "UPDATE cursor SET hash = zeroblob(32)", &[], &[Class::Corruption]);
    row(
        "another chain in the store",
        "UPDATE meta SET bytes = zeroblob(16) WHERE key = 'chain'",
        &[],
        &[Class::Corruption],
    );
    row("the count of starts set back", STARTS_SET_BACK, &[], &[Class::Rollback]);
}

/// Whole files of another time, or of another history under the same key.
fn images(stand: &Stand, sound: &[u8], table: &mut Table<'_>, newest: &[u8]) {
    for ago in 1..20 {
        let count = 24 - ago;
        let older = Stand::new(count, count, "tick");
        let image = fs::read(older.path()).unwrap();
        stand.put(&image, None);
        // Its last record, the end of that run, is another than the one that came at this number.
        table.judge("an older image, with the newest receipt", &[newest.to_vec()], &[Class::Rollback], true);
        table.judge("an older image, no receipt", &[], &[], true);
    }
    for turn in 1..24 {
        let other = Stand::new(24, turn, "tock");
        if other.records[23].hash == stand.records[23].hash {
            continue;
        }
        stand.put(&fs::read(other.path()).unwrap(), None);
        table.judge("another history, with the newest receipt", &[newest.to_vec()], &[Class::Fork], true);
        table.judge("another history, no receipt", &[], &[], true);
    }
    // The log beside the file, as after a power cut, cut off at every kind of place: what is left is a shorter chain.
    let connection = {
        stand.put(sound, None);
        let connection = Connection::open(stand.path()).unwrap();
        connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        connection.execute_batch("UPDATE cursor SET received_ms = received_ms + 1").unwrap();
        connection
    };
    let main = fs::read(stand.path()).unwrap();
    let log = fs::read(with(&stand.path(), "-wal")).unwrap();
    drop(connection);
    assert!(log.len() > 4096, "the log is empty");
    for length in (0..log.len()).step_by(256) {
        stand.put(&main, Some(&log[..length]));
        table.judge("the log beside the file cut off", &[newest.to_vec()], &[Class::TornTail], true);
    }
}
