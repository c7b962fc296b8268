//! Data directories of earlier versions, agent's and centre's, in the hands of today's programs: what they hold is kept
//! byte for byte, the chain goes on and verifies; and a program that is older than the data leaves it alone and says so.
//!
//! `frozen/data-1` was written by version 0.1.0 (`cargo demo`), stores as SQL text so that a change shows. If a test here
//! fails, the change is wrong, not the test: another layout is another folder beside it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection;
use tidewaiter_collector::{Core, SqliteStore, Tables, keys::load_signer};
use tidewaiter_record::{Hash, Registry, parse};
use tidewaiter_tests::process::{Program, alone, own, run, run_own};

const WITHIN: Duration = Duration::from_secs(60);

fn frozen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("frozen/data-1").join(name)
}

/// A folder with the data directory of an agent, `data`, and of a centre, `centre`, as they were.
fn laid_out() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for part in ["agent", "centre"] {
        let to = dir.path().join(part);
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(frozen(part)).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            match name.strip_suffix(".sql") {
                Some(store) => {
                    let connection = Connection::open(to.join(store)).unwrap();
                    connection.execute_batch(&fs::read_to_string(entry.path()).unwrap()).unwrap();
                }
                None => {
                    fs::copy(entry.path(), to.join(&name)).unwrap();
                }
            }
            #[cfg(unix)]
            fs::set_permissions(
                to.join(name.trim_end_matches(".sql")),
                std::os::unix::fs::PermissionsExt::from_mode(0o600),
            )
            .unwrap();
        }
    }
    let site = "version = 1\n[site]\nid = \"yantian\"\nagent = \"gate-07\"\nname = \"gate\"\n[store]\ndir = \"agent\"\n\
                [local]\nlisten = \"127.0.0.1:0\"\n[record]\nheartbeat = \"5 s\"\n";
    fs::write(dir.path().join("site.toml"), site).unwrap();
    dir
}

/// Every record of an agent's store, in order.
fn records(dir: &Path) -> Vec<Vec<u8>> {
    let connection = Connection::open(dir.join("agent/outbox.sqlite")).unwrap();
    let mut statement = connection.prepare("SELECT record FROM entry ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn agent(dir: &Path) -> Program {
    let mut command = own("tidewaiter").unwrap();
    command.args(["run", "--drain", "0", "--config"]).arg(dir.join("site.toml"));
    Program::start(&mut command, &dir.join("agent.log")).unwrap()
}

/// Lets an agent of today run on the folder, and gives the records before and after.
fn lived_on(dir: &Path) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let before = records(dir);
    let mut agent = agent(dir);
    agent.line("local interface", WITHIN).unwrap();
    assert!(agent.terminate(WITHIN).unwrap().success());
    (before, records(dir))
}

fn verify(dir: &Path) -> String {
    let out = dir.join("records.cborseq");
    let export = ["export", "--format", "cborseq", "--data-dir"];
    let ended = run(own("tidewaiter").unwrap().args(export).arg(dir.join("agent")).arg("--out").arg(&out)).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let registry = dir.join("centre/registry.json");
    let ended = run(own("tidewaiter").unwrap().arg("verify").arg(&out).arg("--registry").arg(registry)).unwrap();
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    ended.stdout
}

#[test]
fn an_agent_of_today_goes_on_with_the_data_of_version_1() {
    let _alone = alone();
    let dir = laid_out();
    let (before, after) = lived_on(dir.path());
    assert!(before.len() >= 10 && after.len() > before.len(), "{} then {}", before.len(), after.len());
    assert!(after[..before.len()] == before, "what was there is there, byte for byte");
    let (old, new) = (parse(before.last().unwrap()).unwrap(), parse(&after[before.len()]).unwrap());
    assert_eq!((new.header.seq, new.header.prev), (old.header.seq + 1, Hash::of(before.last().unwrap())));
    verify(dir.path());
    // Once more, now that today's version has written there.
    let (before, after) = lived_on(dir.path());
    assert!(after.len() > before.len());
    verify(dir.path());
    let fsck = run_own("tidewaiter", ["fsck".as_ref(), dir.path().join("agent").as_os_str()]).unwrap();
    assert_eq!(fsck.code, 0, "{}{}", fsck.stdout, fsck.stderr);
}

/// The first builds kept fewer notes beside the records.
#[test]
fn an_agent_of_today_goes_on_without_the_notes_that_came_later() {
    let _alone = alone();
    let dir = laid_out();
    let connection = Connection::open(dir.path().join("agent/outbox.sqlite")).unwrap();
    let gone = connection.execute("DELETE FROM meta WHERE key LIKE 'note:%'", []).unwrap();
    drop(connection);
    assert!(gone > 0);
    let (before, after) = lived_on(dir.path());
    assert!(after[..before.len()] == before);
    verify(dir.path());
}

#[test]
fn an_agent_leaves_the_data_of_a_later_version_alone_and_says_so() {
    let _alone = alone();
    let dir = laid_out();
    let store = dir.path().join("agent/outbox.sqlite");
    Connection::open(&store).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let bytes = fs::read(&store).unwrap();
    let mut command = own("tidewaiter").unwrap();
    let ended = run(command.args(["run", "--config"]).arg(dir.path().join("site.toml"))).unwrap();
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    for said in ["layout 2", "reads 1", "use the program version that wrote it"] {
        assert!(ended.stderr.contains(said), "{said} in {}", ended.stderr);
    }
    assert!(fs::read(&store).unwrap() == bytes, "it was touched");
}

/// The store of a centre as the layout `version` had it.
fn centre(dir: &Path, version: i64) -> PathBuf {
    let path = dir.join("centre/collector.db");
    let connection = Connection::open(&path).unwrap();
    if version == 1 {
        let later = ["log_leaf", "log_node", "log_head", "rotation", "named", "content", "content_piece", "gap"];
        for table in later {
            connection.execute_batch(&format!("DROP TABLE {table}")).unwrap();
        }
    }
    connection.pragma_update(None, "user_version", version).unwrap();
    path
}

#[test]
fn a_centre_of_today_goes_on_with_the_stores_of_versions_1_and_2() {
    let _alone = alone();
    let dir = laid_out();
    let (_, after) = lived_on(dir.path());
    for version in [1, 2] {
        let dir = laid_out();
        let path = centre(dir.path(), version);
        let registry = fs::read_to_string(dir.path().join("centre/registry.json")).unwrap();
        let registry = Registry::from_json(&registry).unwrap();
        let open = || {
            let signer = load_signer(&dir.path().join("centre/centre.key")).unwrap();
            Core::new(registry.clone(), Arc::new(signer), SqliteStore::open(&path).unwrap(), Tables::builtin()).unwrap()
        };
        let before = open().summary().unwrap();
        assert!(before.records >= 10, "{before:?}");
        let mut core = open();
        let from = usize::try_from(before.records).unwrap();
        for bytes in &after[from..] {
            core.accept("tw/1/yantian/gate-07/record", bytes, 1).unwrap();
        }
        core.issue_head(0, 1).unwrap();
        drop(core);
        let summary = open().summary().unwrap();
        assert_eq!((summary.records, summary.gaps, summary.bad_total()), (after.len() as u64, 0, 0), "{summary:?}");
        assert_eq!(summary.receipted, summary.records);
    }
}

#[test]
fn a_centre_leaves_the_store_of_a_later_version_alone_and_says_so() {
    let dir = laid_out();
    let path = centre(dir.path(), 99);
    let bytes = fs::read(&path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err().to_string();
    assert!(error.contains("/99") && error.contains("use the program that wrote it"), "{error}");
    assert!(fs::read(&path).unwrap() == bytes, "it was touched");
}
