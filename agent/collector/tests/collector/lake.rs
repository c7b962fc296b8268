//! Parquet tables: filters, increments, what the centre knows of a record, and what happens when something is rotten.

use std::{collections::BTreeMap, fs, path::Path};

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row},
};
use tidewaiter_collector::{
    Store,
    export::{ExportError, KINDS, Selection},
    lake::{Limits, Source, Written, table::TABLES, write},
};
use tidewaiter_record::{Body, Claims, Detail, Registry, RegistryClass, TimeBlock, TimeQuality, TimeSource, seal};

use crate::{
    command::{collector, text},
    home::{Home, both},
    writer::{NOW, SITE, Writer, core_on, event, judged, named, registry, textile},
};

fn export(store: &dyn Store, which: &Selection, registry: Option<&Registry>, folder: &Path) -> Written {
    let command = "tidewaiter-collector export --format parquet";
    write(&Source { store, registry, command, limits: Limits::default() }, which, folder).unwrap()
}

/// The rows of a table, column by column, as the library shows them.
fn rows(folder: &Path, table: &str) -> Vec<BTreeMap<String, Field>> {
    let file = fs::File::open(folder.join(format!("{table}.parquet"))).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let cells = |row: Row| row.into_columns().into_iter().collect();
    reader.get_row_iter(None).unwrap().map(|it| cells(it.unwrap())).collect()
}

fn said(folder: &Path, key: &str) -> String {
    let reader = SerializedFileReader::new(fs::File::open(folder.join("records.parquet")).unwrap()).unwrap();
    let all = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
    all.into_iter().find(|it| it.key == format!("tidewaiter.{key}")).and_then(|it| it.value).unwrap()
}

fn is(field: &Field, text: &str) -> bool {
    matches!(field, Field::Str(it) if it == text)
}

both!(tables_tell_what_the_centre_knows);

fn tables_tell_what_the_centre_knows(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    let mut sealed = agent.events(3);
    sealed.push(agent.seal(Detail::Inspection(Box::new(judged(textile("7.60"))))));
    // 4: its evidence never comes, so receipts stop before it. 5: lost. 6: waits.
    sealed.push(agent.seal(named(&vec![7; 20_000], false)));
    let lost = agent.event("lost");
    let waits = agent.event("waits");
    for it in sealed.iter().chain([&waits]) {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    let folder = home.folder().join("lake");
    let keys = registry(RegistryClass::Test, &[&agent]);
    let written = export(home.read().as_ref(), &Selection::default(), Some(&keys), &folder);
    assert_eq!(
        written.rows,
        [("findings", 3), ("inspections", 1), ("intervals", 0), ("readings", 1), ("records", 6)].into()
    );
    let records = rows(&folder, "records");
    let of = |column: &str| -> Vec<String> { records.iter().map(|it| it[column].to_string()).collect() };
    assert_eq!(of("seq"), ["0", "1", "2", "3", "4", "6"]);
    assert_eq!(of("linked"), ["true", "true", "true", "true", "true", "false"]);
    assert_eq!(of("receipted"), ["true", "true", "true", "true", "false", "false"]);
    assert!(records.iter().all(|it| is(&it["signature"], "valid") && is(&it["site"], SITE)));
    assert!(
        is(&records[3]["hash"], &sealed[3].hash.to_string()) && is(&records[4]["prev"], &sealed[3].hash.to_string())
    );
    let measured = &rows(&folder, "readings")[0];
    assert!(is(&measured["value"], "7.60") && is(&measured["unit"], "[pH]") && is(&measured["role"], "measured"));
    assert_eq!(measured["value_decimal"].to_string(), "7.600000000000000000");
    assert_eq!((said(&folder, "schema"), said(&folder, "table")), ("1".to_owned(), "records".to_owned()));
    let chains: serde_json::Value = serde_json::from_str(&said(&folder, "chains")).unwrap();
    assert_eq!((&chains[0]["upto"], &chains[0]["receipted_upto"]), (&4.into(), &3.into()));
    assert_eq!(chains[0]["hash"], sealed[4].hash.to_string());

    // The next export takes up where this one ended; without keys nothing is said of signatures.
    core.accept(&agent.topic(), &lost.bytes, NOW).unwrap();
    let next = Selection { after: written.upto, ..Selection::default() };
    let written = export(home.read().as_ref(), &next, None, &folder);
    assert_eq!((written.rows["records"], written.rows["findings"]), (1, 0));
    let records = rows(&folder, "records");
    assert_eq!((&records[0]["signature"], &records[0]["linked"]), (&Field::Null, &Field::Bool(true)));
    assert!(rows(&folder, "findings").is_empty());

    // A key that was closed meanwhile signs for nothing more.
    let mut closed = Registry::new(RegistryClass::Test);
    closed.add(tidewaiter_record::RegisteredKey { to_seq: Some(2), ..agent.key.clone() }).unwrap();
    export(home.read().as_ref(), &Selection::default(), Some(&closed), &folder);
    let words: Vec<_> = rows(&folder, "records").iter().map(|it| it["signature"].to_string()).collect();
    assert_eq!(words[2..4], ["\"valid\"", "\"key-not-for\""]);
}

both!(a_selection_takes_what_it_says);

fn a_selection_takes_what_it_says(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    let mut take = |agent: &Writer, bytes: &[u8]| core.accept(&agent.topic(), bytes, NOW).unwrap();
    let genesis = agent.event("genesis");
    take(&agent, &genesis.bytes);
    // A day apart each, then times that no calendar has.
    for wall_ms in [NOW + 86_400_000, NOW + 2 * 86_400_000, i64::MAX, i64::MIN] {
        let claims = Claims { agent: agent.agent.clone(), subject: "self".into() };
        let (quality, src) = (TimeQuality::U, TimeSource::None);
        let time = TimeBlock { wall_ms, mono_ms: u64::MAX, boot: 1, quality, err_ms: u64::MAX, src, age_s: 0 };
        let sealed = seal(&agent.head, &claims, None, &Body { time, detail: event("x") }, &agent.signer).unwrap();
        agent.head = agent.head.after(&sealed);
        take(&agent, &sealed.bytes);
    }
    let folder = home.folder().join("lake");
    let count = |which: &Selection| export(home.read().as_ref(), which, None, &folder).rows["records"];
    let day = |n: i64| Some(NOW + n * 86_400_000);
    let all = Selection::default();
    assert_eq!(count(&all), 5);
    assert_eq!(count(&Selection { from_ms: day(1), ..all.clone() }), 3);
    assert_eq!(count(&Selection { from_ms: day(1), to_ms: day(2), ..all.clone() }), 2);
    assert_eq!(count(&Selection { to_ms: day(0), ..all.clone() }), 2);
    assert_eq!(count(&Selection { kinds: ["genesis"].into(), ..all.clone() }), 1);
    assert_eq!(count(&Selection { kinds: ["inspection", "interval"].into(), ..all.clone() }), 0);
    assert_eq!(count(&Selection { chain: Some(tidewaiter_record::ChainId([9; 16])), ..all.clone() }), 0);
    export(home.read().as_ref(), &all, None, &folder);
    let records = rows(&folder, "records");
    assert_eq!(records[1]["time"], Field::TimestampMillis(NOW + 86_400_000));
    for beyond in &records[3..] {
        let none = ["time", "mono_ms", "clock_err_ms"].map(|it| &beyond[it]);
        assert_eq!(none, [&Field::Null; 3], "what a reader cannot compute with is left out; detail and record have it");
    }
}

#[test]
fn every_word_of_the_format_selects() {
    let page = include_str!("../../../record/FORMAT.md");
    let table = page.split("| kind | name |").last().unwrap().split("\n\n").next().unwrap();
    let named = table.lines().flat_map(|it| it.split('|').map(str::trim));
    let mut words: Vec<_> = named
        .filter(|it| it.starts_with(|c: char| c.is_ascii_lowercase()) && !it.contains(','))
        .filter(|it| *it != "kind" && *it != "name")
        .collect();
    words.push("unknown");
    let mut known = KINDS.to_vec();
    words.sort_unstable();
    known.sort_unstable();
    assert_eq!(words, known);
}

both!(what_is_rotten_leaves_the_tables_before_it);

fn what_is_rotten_leaves_the_tables_before_it(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    for it in agent.events(3) {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    drop(core);
    let folder = home.folder().join("lake");
    export(home.read().as_ref(), &Selection::default(), None, &folder);
    home.change(
        "UPDATE record SET bytes = CAST(substr(bytes, 1, 40) || x'00' || substr(bytes, 42) AS BLOB) WHERE seq = 1",
        "UPDATE record SET bytes = set_byte(bytes, 40, 0) WHERE seq = 1",
    );
    let store = home.read();
    let source = Source { store: store.as_ref(), registry: None, command: "", limits: Limits::default() };
    let error = write(&source, &Selection::default(), &folder).unwrap_err();
    assert!(matches!(error, ExportError::Rotten { seq: 1, .. }), "{error}");
    assert_eq!(rows(&folder, "records").len(), 3);
}

#[test]
fn the_command_writes_a_folder_and_says_how_to_go_on() {
    let home = Home::file();
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    for it in agent.events(4) {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    let at = home.folder();
    let check = |line: &str, code: i32, word: &str| {
        let output = collector(at, line);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(word), "{line}: {said}");
    };
    let export = "export --store collector.db --lang en --format";
    check(&format!("{export} parquet"), 2, "--out DIR");
    check(&format!("{export} parquet --out lake --kind event --from 2026-09-21"), 0, "lake: 3 records, 0 inspections");
    assert_eq!(
        said(&at.join("lake"), "command"),
        "tidewaiter-collector export --format parquet --from 2026-09-21T00:00:00Z --kind event"
    );
    for table in &TABLES {
        assert!(at.join("lake").join(format!("{}.parquet", table.name)).is_file());
    }
    assert_eq!(fs::read_dir(at.join("lake")).unwrap().count(), TABLES.len(), "nothing half done is left");
    check(&format!("{export} parquet --out lake --after 4"), 0, "--after 4");
    check(&format!("{export} parquet --out collector.db"), 3, "output collector.db: cannot be written");
    check(&format!("{export} jsonl --to 2020-01-01"), 0, "");
    check(&format!("{export} jsonl --kind event"), 0, "event-1");
    check(&format!("{export} jsonl --kind weather"), 2, "weather");
    check(&format!("{export} jsonl --from yesterday"), 2, "2026-11-30");
    check(&format!("{export} cborseq --kind event"), 2, "prove nothing");
}
