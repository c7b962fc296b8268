//! The centre's store at rest, damaged in every way: what `log check`, `export` and the verifier say of it.
//!
//! Silent acceptance would be a store that gives other records or other content than it was given, and with which
//! nothing a user runs finds fault. A flip in bytes that mean nothing (free space of a page), or in what the centre
//! keeps for itself (when a record came in, counters), changes no evidence and may pass.
//!
//! `ROT_RECORDS` (every bit of so many records, 3) and `ROT_FLIPS` (random flips over the file, 300) set the size,
//! `ROT_SEED` the random numbers.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, params};
use tempfile::TempDir;
use tidewaiter_collector::{
    Core, SqliteStore, StoreError,
    audit::{Audit, audit},
    export::{Format, Selection, export, export_evidence},
    store::Walk as _,
};
use tidewaiter_record::{
    Hash, Piece, Registry, RegistryClass, Sealed, Verifier, open_head, split_sequence,
    verify::{Finding, Question},
};

use crate::writer::{NOW, Writer, core_on, named, registry, sort};

/// A store, closed in order, and what it has been in earlier times.
struct Stand {
    dir: TempDir,
    agent: Writer,
    other: Writer,
    registry: Registry,
    /// The file as it was after each step; the last one is the sound store.
    images: Vec<Vec<u8>>,
    /// The centre's receipts for the last one.
    receipts: Vec<Vec<u8>>,
    /// The next record of the first agent, which names the newest head.
    witness: Sealed,
    /// The record of the second agent that never came.
    missing: u64,
}

/// What a store gives when nothing is found wrong with it.
#[derive(PartialEq, Eq)]
struct Given {
    records: Vec<u8>,
    contents: BTreeMap<String, Vec<u8>>,
    heads: Vec<Vec<u8>>,
    audit: Audit,
}

/// Who found the damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Open,
    Check,
    Export,
    Verify,
}

fn content(seed: u8) -> Vec<u8> {
    (0..20_000_usize).map(|it| u8::try_from(it % 251).unwrap() ^ seed).collect()
}

/// In memory where that is offered: thousands of files are written, and none has to last.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl Stand {
    /// Two agents and `steps` steps: a record of each, sometimes content, a head. At the end one record waits behind
    /// a gap.
    fn new(steps: u64, word: &str) -> Self {
        let dir = folder();
        let path = dir.path().join("collector.db");
        let (mut agent, mut other) = (Writer::new("gate-07", 1), Writer::new("lab-02", 2));
        let (mut images, mut receipts, mut witness, mut missing) = (Vec::new(), Vec::new(), None, 0);
        for step in 0..steps {
            let mut core = core_on(SqliteStore::open(&path).unwrap(), &[&agent, &other]);
            let record = agent.event(&format!("{word}-{step}"));
            agent.offer(&mut core, &record, NOW);
            if step % 2 == 1 {
                let bytes = content(u8::try_from(step % 250).unwrap());
                let record = agent.seal(named(&bytes, false));
                agent.offer(&mut core, &record, NOW);
                for piece in Piece::cut(&bytes) {
                    let topic = agent.on(&format!("evidence/{}", Hash::of(&bytes)));
                    assert!(sort(core.accept(&topic, &piece.write(), NOW).unwrap(), &[&agent]).refused.is_empty());
                }
            }
            let record = other.event(&format!("{word}-{step}"));
            other.offer(&mut core, &record, NOW);
            let head = core.issue_head(0, NOW).unwrap();
            let head = open_head(&head.bytes, &registry(RegistryClass::Test, &[])).unwrap();
            let seen = agent.witness(head.size, head.root);
            if step + 1 < steps {
                agent.offer(&mut core, &seen, NOW);
            } else {
                missing = other.event("missing").seq;
                let waiting = other.event("waiting");
                other.offer(&mut core, &waiting, NOW);
                receipts = core.receipts().unwrap().into_iter().map(|it| it.bytes).collect();
                witness = Some(seen);
            }
            drop(core);
            images.push(fs::read(&path).unwrap());
        }
        let registry = registry(RegistryClass::Test, &[&agent, &other]);
        Self { dir, agent, other, registry, images, receipts, witness: witness.unwrap(), missing }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("collector.db")
    }

    fn sound(&self) -> &[u8] {
        self.images.last().unwrap()
    }

    /// Puts an image in place of what is there.
    fn put(&self, image: &[u8]) {
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{ending}", self.path().display()));
        }
        fs::write(self.path(), image).unwrap();
    }

    /// Opens it beside us, as one with write access to the disk.
    fn disk(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// What a user runs, one after the other, until one of them finds fault.
    fn ask(&self, receipts: &[Vec<u8>]) -> Result<Given, By> {
        let store = SqliteStore::open_read_only(&self.path()).map_err(|_| By::Open)?;
        let audit = audit(&store, Some(&self.registry)).map_err(|_| By::Check)?;
        if audit.bad > 0 {
            return Err(By::Check);
        }
        let mut records = Vec::new();
        export(&store, Format::Cborseq, &Selection::default(), &mut records).map_err(|_| By::Export)?;
        let folder = folder();
        export_evidence(&store, None, folder.path()).map_err(|_| By::Export)?;
        let mut verifier = Verifier::new(&self.registry);
        for item in split_sequence(&records) {
            verifier.push(item.map_err(|_| By::Verify)?);
        }
        for receipt in receipts {
            verifier.push_receipt(receipt);
        }
        let report = verifier.finish();
        let speaks = |it: &&Finding| !matches!(it.question, Question::Note | Question::Time);
        let mut findings = report.findings.iter().filter(speaks);
        // That a record is missing before the one that waits is true.
        if findings.any(|it| (it.chain, it.seq) != (Some(self.other.chain()), Some(self.missing))) {
            return Err(By::Verify);
        }
        let mut heads = Vec::new();
        store
            .walk_heads(|it| {
                heads.push(it.bytes);
                Ok::<_, StoreError>(())
            })
            .map_err(|_| By::Check)?;
        Ok(Given { records, contents: files(folder.path()), heads, audit })
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap())
        .map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap()))
        .collect()
}

/// One line of the table.
#[derive(Default)]
struct Line {
    cases: u64,
    found: BTreeMap<By, u64>,
    harmless: u64,
    silent: u64,
    witness: u64,
}

struct Table<'s> {
    stand: &'s Stand,
    sound: Given,
    lines: Vec<(String, Line)>,
}

impl<'s> Table<'s> {
    fn new(stand: &'s Stand) -> Self {
        let Ok(sound) = stand.ask(&[]) else { panic!("a sound store is flagged") };
        Self { stand, sound, lines: Vec::new() }
    }

    fn line(&mut self, name: &str) -> &mut Line {
        let at = self.lines.iter().position(|(it, _)| it == name).unwrap_or_else(|| {
            self.lines.push((name.to_owned(), Line::default()));
            self.lines.len() - 1
        });
        &mut self.lines[at].1
    }

    /// Judges the store as it stands now. `witness`: alone, nothing could know better.
    fn judge(&mut self, name: &str, what: &str, receipts: &[Vec<u8>], witness: bool) -> bool {
        let said = self.stand.ask(receipts);
        let same = said.as_ref().is_ok_and(|it| *it == self.sound);
        let line = self.line(name);
        line.cases += 1;
        match said {
            Err(by) => *line.found.entry(by).or_default() += 1,
            Ok(_) if same => line.harmless += 1,
            Ok(_) if witness => line.witness += 1,
            Ok(_) => {
                line.silent += 1;
                println!("accepted silently, {name}: {}", one_line(what));
                return false;
            }
        }
        true
    }

    /// Does `sql` to a sound store and judges it; damage that is done must also be found, not only be harmless.
    fn change(&mut self, name: &str, sql: &str) {
        self.stand.put(self.stand.sound());
        self.stand.disk().execute_batch(sql).unwrap();
        let before = self.line(name).harmless;
        self.judge(name, sql, &[], false);
        let line = self.line(name);
        if line.harmless > before {
            line.harmless -= 1;
            line.silent += 1;
            println!("accepted silently, {name}: {}", one_line(sql));
        }
    }

    fn print(&self) {
        println!(
            "{:<44} {:>7} {:>6} {:>6} {:>6} {:>6} {:>8} {:>7} {:>6}",
            "damage", "cases", "open", "check", "export", "verify", "harmless", "witness", "silent"
        );
        for (name, it) in &self.lines {
            let by = |by| it.found.get(&by).copied().unwrap_or(0);
            println!(
                "{name:<44} {:>7} {:>6} {:>6} {:>6} {:>6} {:>8} {:>7} {:>6}",
                it.cases,
                by(By::Open),
                by(By::Check),
                by(By::Export),
                by(By::Verify),
                it.harmless,
                it.witness,
                it.silent
            );
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sized(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}

#[test]
fn damage_at_rest_is_found() {
    let begun = Instant::now();
    let stand = Stand::new(8, "tick");
    let mut table = Table::new(&stand);
    for image in &stand.images {
        stand.put(image);
        assert!(stand.ask(&[]).is_ok(), "a store that is as it was written is flagged");
    }
    stand.put(stand.sound());
    table.judge("none", "", &stand.receipts, false);
    assert_eq!(table.line("none").harmless, 1, "a sound store is flagged");

    let records = sized("ROT_RECORDS", 3);
    for first in (0..records).step_by(6) {
        bits(&format!("tock-{first}"), (records - first).min(6), &mut table);
    }
    flips(&mut table);
    cuts(&mut table);
    rows(&mut table);
    images(&mut table);

    table.print();
    println!("{:.1} s", begun.elapsed().as_secs_f32());
    for (name, line) in &table.lines {
        assert_eq!(line.silent, 0, "{name}: accepted silently");
    }
}

/// Every bit of records and of the columns that repeat what is in them.
fn bits(word: &str, count: u64, table: &mut Table<'_>) {
    // Short chains: everything is looked over for each bit.
    let stand = Stand::new(2, word);
    let mut own = Table::new(&stand);
    own.lines = std::mem::take(&mut table.lines);
    let disk = stand.disk();
    let mut statement = disk.prepare("SELECT arrival FROM record ORDER BY arrival LIMIT ?1").unwrap();
    let arrivals: Vec<i64> =
        statement.query_map([count.cast_signed()], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for arrival in arrivals {
        for column in ["bytes", "hash", "prev"] {
            let good: Vec<u8> = disk
                .query_row(&format!("SELECT {column} FROM record WHERE arrival = ?1"), [arrival], |row| row.get(0))
                .unwrap();
            let write = format!("UPDATE record SET {column} = ?1 WHERE arrival = ?2");
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                disk.execute(&write, params![bad, arrival]).unwrap();
                let name = format!("one bit of the {column} of a record");
                let before = own.line(&name).harmless;
                own.judge(&name, &format!("bit {bit} of arrival {arrival}"), &[], false);
                let line = own.line(&name);
                line.silent += line.harmless - before;
            }
            disk.execute(&write, params![good, arrival]).unwrap();
        }
    }
    assert!(own.judge("none", "after every bit was put back", &[], false));
    table.lines = std::mem::take(&mut own.lines);
}

/// Bits and bytes anywhere in the file.
fn flips(table: &mut Table<'_>) {
    let seed = sized("ROT_SEED", 0x5eed);
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let sound = table.stand.sound().to_vec();
    for round in 0..sized("ROT_FLIPS", 300).min(100_000) {
        let mut bad = sound.clone();
        let at = random.random_range(0..bad.len());
        let name = if round % 2 == 0 { "one bit anywhere in the file" } else { "one byte anywhere in the file" };
        bad[at] ^= if round % 2 == 0 { 1 << random.random_range(0..8) } else { random.random_range(1..=255_u8) };
        table.stand.put(&bad);
        table.judge(name, &format!("byte {at} of {} to {:#04x}", bad.len(), bad[at]), &[], false);
    }
}

/// The file cut off, at pages and within them.
fn cuts(table: &mut Table<'_>) {
    let sound = table.stand.sound().to_vec();
    for page in 0..sound.len() / 4096 {
        for (name, within) in [("cut off at a page", 0), ("cut off within a page", 1 + (page * 977) % 4095)] {
            table.stand.put(&sound[..page * 4096 + within]);
            table.judge(name, &format!("{page} pages and {within} bytes"), &[], false);
        }
    }
}

/// Rows exchanged, deleted, repeated, changed.
fn rows(table: &mut Table<'_>) {
    let (agent, other) = (hex::encode(table.stand.agent.chain().0), hex::encode(table.stand.other.chain().0));
    for seq in 0..12 {
        let next = seq + 1;
        table.change("a record deleted", &format!("DELETE FROM record WHERE chain = x'{agent}' AND seq = {seq}"));
        let swap = |columns: &str| {
            let set: Vec<String> = columns
                .split(' ')
                .map(|it| {
                    format!(
                        "{it} = (SELECT {it} FROM record AS o WHERE o.chain = record.chain AND o.seq = {seq} + {next} - record.seq)"
                    )
                })
                .collect();
            format!("UPDATE record SET {} WHERE chain = x'{agent}' AND seq IN ({seq}, {next})", set.join(", "))
        };
        table.change("the bytes of two records exchanged", &swap("bytes"));
        table.change("two records exchanged", &swap("bytes hash prev"));
        let again = format!(
            "INSERT INTO record (chain, seq, hash, prev, received_ms, bytes)
             SELECT chain, seq + 1000, hash, prev, received_ms, bytes FROM record WHERE chain = x'{agent}' AND seq = {seq}"
        );
        table.change("a record repeated under another number", &again);
        let elsewhere = format!(
            "INSERT INTO record (chain, seq, hash, prev, received_ms, bytes)
             SELECT zeroblob(16), seq, hash, prev, received_ms, bytes FROM record WHERE chain = x'{agent}' AND seq = {seq}"
        );
        table.change("a record repeated in another chain", &elsewhere);
        table.change("a leaf deleted", &format!("DELETE FROM log_leaf WHERE position = {seq}"));
        table.change("a leaf changed", &format!("UPDATE log_leaf SET hash = zeroblob(32) WHERE position = {seq}"));
        let both = format!(
            "DELETE FROM log_leaf WHERE chain = x'{agent}' AND seq = {seq};
             DELETE FROM record WHERE chain = x'{agent}' AND seq = {seq}"
        );
        table.change("a record and its leaf deleted", &both);
    }
    for number in 0..7 {
        for (name, set) in [
            ("a head's root changed", "root = zeroblob(32)"),
            ("a head's size changed", "size = size + 1"),
            ("a head's time changed", "at_ms = at_ms + 1"),
            ("a head's bytes changed", "bytes = CAST(bytes || x'00' AS BLOB)"),
        ] {
            table.change(name, &format!("UPDATE log_head SET {set} WHERE number = {number}"));
        }
    }
    for node in 0..8 {
        let one = format!("(SELECT level * 1000 + position FROM log_node LIMIT 1 OFFSET {node})");
        table.change(
            "a subtree changed",
            &format!("UPDATE log_node SET hash = zeroblob(32) WHERE level * 1000 + position = {one}"),
        );
        table.change("a subtree deleted", &format!("DELETE FROM log_node WHERE level * 1000 + position = {one}"));
    }
    for piece in 0..6 {
        let one = format!("rowid = (SELECT rowid FROM content_piece LIMIT 1 OFFSET {piece})");
        let flipped = format!("UPDATE content_piece SET bytes = CAST(x'ff' || substr(bytes, 2) AS BLOB) WHERE {one}");
        table.change("a piece of content changed", &flipped);
        table.change(
            "a piece of content moved",
            &format!("UPDATE content_piece SET offset = CASE offset WHEN 0 THEN 99999 ELSE -1 END WHERE {one}"),
        );
        table.change("a piece of content deleted", &format!("DELETE FROM content_piece WHERE {one}"));
    }
    for it in 0..3 {
        let one = format!("(chain, seq) = (SELECT chain, seq FROM named LIMIT 1 OFFSET {it})");
        table.change("content no longer named", &format!("DELETE FROM named WHERE {one}"));
        table.change("content said to be missing", &format!("UPDATE named SET missing = 1 WHERE {one}"));
        table.change("other content named", &format!("UPDATE named SET sha256 = zeroblob(32) WHERE {one}"));
        table.change("content of another size", &format!("UPDATE named SET size = size + 1 WHERE {one}"));
    }
    for chain in [&agent, &other] {
        let one = format!("WHERE chain = x'{chain}'");
        table.change("a chain's head changed", &format!("UPDATE chain SET head = zeroblob(32) {one}"));
        table.change("a chain's length changed", &format!("UPDATE chain SET next_seq = next_seq - 1 {one}"));
        table.change("a chain's length changed", &format!("UPDATE chain SET next_seq = next_seq + 1 {one}"));
        table.change("a chain's agent changed", &format!("UPDATE chain SET agent = 'gate-99' {one}"));
        table.change("a chain deleted", &format!("DELETE FROM chain {one}"));
    }
}

/// Whole files of an earlier time: consistent in themselves, so somebody else has to know better.
fn images(table: &mut Table<'_>) {
    let stand = table.stand;
    let older = &stand.images[..stand.images.len() - 1];
    for (ago, image) in older.iter().enumerate() {
        let what = format!("image {ago}");
        stand.put(image);
        table.judge("an older image, alone", &what, &[], true);
        stand.put(image);
        table.judge("an older image, with the newest receipts", &what, &stand.receipts, false);
        // The agent goes on, and its next record says what it has seen.
        stand.put(image);
        let mut core: Core = core_on(SqliteStore::open(&stand.path()).unwrap(), &[&stand.agent, &stand.other]);
        let out = stand.agent.offer(&mut core, &stand.witness, NOW);
        let named = out.collected.iter().flat_map(|it| &it.findings).any(|it| it.bad.word() == "anchor");
        drop(core);
        assert!(named, "the centre does not see that an agent knows a newer log");
        table.judge("an older image, when the agent goes on", &what, &[], false);
    }
    let alone = table.line("an older image, alone");
    assert_eq!(alone.witness, alone.cases, "a store that is whole is flagged");
    // Numbers of heads may skip, so one less is not seen, and nothing but a witness of it is lost.
    stand.put(stand.sound());
    stand.disk().execute_batch("DELETE FROM log_head WHERE number = 3").unwrap();
    table.judge("a head deleted", "head 3", &[], true);
}
