//! The centre's log: every record of a prefix is a leaf, heads only rise, and nobody can rewrite it unseen.

use tidewaiter_collector::{
    Core, SqliteStore, StoreError,
    audit::audit,
    core::CoreError,
    proving,
    store::{LogStore as _, Place, Walk as _},
};
use tidewaiter_record::{Hash, RegistryClass, log, open_head, open_receipt};

use crate::{
    home::{Home, both},
    writer::{NOW, Writer, core_on, registry, sort},
};

/// The layout as version 1 made it, for files that are years old.
const TABLES_1: &str = "
CREATE TABLE chain (
    chain            BLOB NOT NULL PRIMARY KEY CHECK (length(chain) = 16),
    agent            TEXT NOT NULL,
    site             TEXT NOT NULL,
    next_seq         INTEGER NOT NULL CHECK (next_seq >= 0),
    head             BLOB CHECK (head IS NULL OR length(head) = 32),
    head_received_ms INTEGER NOT NULL,
    moved            INTEGER NOT NULL,
    CHECK ((next_seq = 0) = (head IS NULL))
) STRICT;
CREATE INDEX chain_moved ON chain (moved);
CREATE TABLE record (
    arrival     INTEGER PRIMARY KEY AUTOINCREMENT,
    chain       BLOB NOT NULL,
    seq         INTEGER NOT NULL CHECK (seq >= 0),
    hash        BLOB NOT NULL CHECK (length(hash) = 32),
    prev        BLOB NOT NULL CHECK (length(prev) = 32),
    received_ms INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    UNIQUE (chain, seq)
) STRICT;
CREATE TABLE evidence (
    chain       BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    prev        BLOB NOT NULL,
    reason      TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    UNIQUE (chain, seq, hash)
) STRICT;
CREATE TABLE refused (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    topic       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    bytes       BLOB NOT NULL
) STRICT;
CREATE TABLE state (
    agent       TEXT NOT NULL PRIMARY KEY,
    site        TEXT NOT NULL,
    state       TEXT NOT NULL,
    received_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    n    INTEGER NOT NULL
) STRICT;
PRAGMA application_id = 0x5457636c;
PRAGMA user_version = 1;
";

fn clean(place: &Place, agents: &[&Writer]) -> (u64, u64, u64) {
    let store = place.read().unwrap();
    let audit = audit(store.as_ref(), Some(&registry(RegistryClass::Test, agents))).unwrap();
    assert_eq!(audit.findings, Vec::<String>::new());
    (audit.leaves, audit.heads, audit.anchors)
}

both!(leaves_are_the_prefixes_in_the_order_in_which_they_grew);

fn leaves_are_the_prefixes_in_the_order_in_which_they_grew(home: &Home) {
    let (mut first, mut second) = (Writer::new("gate-07", 1), Writer::new("lab-02", 2));
    let (of_first, of_second) = (first.events(5), second.events(2));
    let mut core = core_on(home.open(), &[&first, &second]);
    let order = [(1, 0), (2, 0), (1, 2), (1, 3), (2, 1), (1, 1), (1, 4), (1, 1)];
    for (agent, seq) in order {
        let (writer, sealed) = if agent == 1 { (&first, &of_first) } else { (&second, &of_second) };
        core.accept(&writer.topic(), &sealed[seq].bytes, NOW).unwrap();
    }
    let expected: Vec<Hash> = [(1, 0), (2, 0), (2, 1), (1, 1), (1, 2), (1, 3), (1, 4)]
        .map(|(agent, seq): (u8, usize)| if agent == 1 { of_first[seq].hash } else { of_second[seq].hash })
        .into();
    let store = home.read();
    let mut leaves = Vec::new();
    store
        .walk_leaves(|it| {
            let _: () = leaves.push(it.hash);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(leaves, expected);
    let mut frontier = log::Frontier::new();
    for it in &expected {
        frontier.push(&it.0);
    }
    let head = core.issue_head(0, NOW).unwrap();
    let signed = open_head(&head.bytes, &registry(RegistryClass::Test, &[])).unwrap();
    assert_eq!((signed.number, signed.size, signed.root), (0, 7, frontier.root()));
    assert_eq!((signed.centre.as_str(), signed.at_ms), ("centre", NOW));
    assert_eq!(clean(&home.place, &[]), (7, 1, 0));
}

both!(heads_rise_over_restarts_and_receipts_name_the_newest);

fn heads_rise_over_restarts_and_receipts_name_the_newest(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    let genesis = agent.event("genesis");
    let registry = registry(RegistryClass::Test, &[&agent]);
    let log_of = |core: &Core| open_receipt(&core.receipts().unwrap()[0].bytes, &registry).unwrap().log;
    agent.offer(&mut core, &genesis, NOW);
    assert_eq!(log_of(&core), None, "no head yet");
    assert_eq!(core.newest_head(), None);
    let mut numbers = vec![core.issue_head(0, NOW).unwrap().number];
    let (size, root) = log_of(&core).unwrap();
    assert_eq!((size, root), (1, log::leaf_hash(&genesis.hash.0)));
    // A head is issued also while nothing grows.
    numbers.push(core.issue_head(0, NOW).unwrap().number);
    drop(core);
    let mut core = core_on(home.open(), &[&agent]);
    assert_eq!(core.newest_head().unwrap().number, 1);
    numbers.push(core.issue_head(0, NOW - 5).unwrap().number);
    // After a backup was restored somebody says what was seen.
    numbers.push(core.issue_head(100, NOW).unwrap().number);
    numbers.push(core.issue_head(7, NOW).unwrap().number);
    assert_eq!(numbers, [0, 1, 2, 101, 102]);
    let next = agent.event("next");
    agent.offer(&mut core, &next, NOW);
    assert_eq!(log_of(&core), Some((1, root)), "the newest head at signing, which does not cover the record yet");
    assert_eq!(core.addressees().unwrap(), [("yantian".to_owned(), "gate-07".to_owned())]);
    assert_eq!(clean(&home.place, &[&agent]), (2, 5, 0));
}

both!(proofs_hold_without_the_store);

fn proofs_hold_without_the_store(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    let registry = registry(RegistryClass::Test, &[&agent]);
    let sealed = agent.events(37);
    core.issue_head(0, NOW).unwrap();
    for it in &sealed[..36] {
        agent.offer(&mut core, it, NOW);
        core.issue_head(0, NOW).unwrap();
    }
    agent.offer(&mut core, &sealed[36], NOW);
    let store = home.read();
    for it in &sealed[..36] {
        let proof = proving::inclusion(store.as_ref(), agent.chain(), it.seq).unwrap();
        assert_eq!(proof.hash, it.hash);
        assert_eq!(proof.check(&registry).unwrap().number, 36);
    }
    let error = |seq| proving::inclusion(store.as_ref(), agent.chain(), seq).unwrap_err().to_string();
    assert!(error(36).contains("no signed head covers it yet"), "{}", error(36));
    assert!(error(37).contains("not in the log"), "{}", error(37));
    for (earlier, later) in [(0, 36), (1, 36), (7, 8), (20, 20), (31, 33)] {
        proving::consistency(store.as_ref(), earlier, later).unwrap().check(&registry).unwrap();
    }
    assert!(
        proving::consistency(store.as_ref(), 8, 7).is_err() && proving::consistency(store.as_ref(), 1, 99).is_err()
    );
}

both!(agents_are_witnesses);

fn agents_are_witnesses(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    let first = core.issue_head(0, NOW).unwrap();
    let root = open_head(&first.bytes, &registry(RegistryClass::Test, &[])).unwrap().root;
    let seen = agent.witness(1, root);
    assert!(agent.offer(&mut core, &seen, NOW).collected[0].findings.is_empty());
    assert_eq!(clean(&home.place, &[&agent]), (2, 1, 1));
    for (number, hash, word) in [(1, Hash([9; 32]), "the root there is"), (90, root, "restored from a backup")] {
        let other = agent.witness(number, hash);
        let out = agent.offer(&mut core, &other, NOW);
        // Stored and receipted: it speaks against us as much as against the agent.
        assert_eq!(out.receipts[0].0, other.seq);
        let finding = &out.collected[0].findings[0];
        assert_eq!(finding.bad.word(), "anchor");
        assert!(finding.detail.contains(word), "{finding}");
    }
    let store = home.read();
    let audit = audit(store.as_ref(), None).unwrap();
    assert_eq!((audit.bad, audit.anchors, audit.witnesses), (2, 3, 1));
    assert!(audit.findings.iter().all(|it| it.starts_with("agent gate-07 has seen another log")));
}

#[test]
fn a_log_that_was_changed_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.db");
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(SqliteStore::open(&path).unwrap(), &[&agent]);
    for it in agent.events(9) {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    core.issue_head(0, NOW).unwrap();
    drop(core);
    let check = |change: &str, at_start: bool, finding: &str| {
        let copy = folder.path().join("copy.db");
        std::fs::copy(&path, &copy).unwrap();
        let connection = rusqlite::Connection::open(&copy).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        let store = SqliteStore::open(&copy).unwrap();
        let signer = std::sync::Arc::new(crate::writer::centre_signer());
        let keys = registry(RegistryClass::Test, &[&agent]);
        let opened = Core::new(keys.clone(), signer, store, tidewaiter_collector::Tables::builtin());
        match opened {
            Ok(_) => assert!(!at_start, "{change}"),
            Err(CoreError::Store(StoreError::Corrupt { what })) => assert!(at_start, "{change}: {what}"),
            Err(other) => panic!("{change}: {other}"),
        }
        let audit = audit(&SqliteStore::open_read_only(&copy).unwrap(), Some(&keys));
        let said = match audit {
            Ok(audit) => audit.findings.join("; "),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(finding), "{change}: {said}");
        std::fs::remove_file(&copy).unwrap();
    };
    check("UPDATE log_leaf SET hash = zeroblob(32) WHERE position = 8", true, "the log has");
    check("UPDATE log_node SET hash = zeroblob(32) WHERE level = 3", true, "subtree 0 of level 3");
    check("UPDATE log_node SET hash = zeroblob(32) WHERE level = 1 AND position = 1", false, "subtree 1 of level 1");
    check("DELETE FROM log_leaf WHERE position = 8", true, "covers 9 leaves, the log has 8");
    check("UPDATE record SET hash = zeroblob(32) WHERE seq = 4", false, "record 4 of chain");
    check("DELETE FROM record WHERE seq = 4", false, "is not here any more");
    check("UPDATE log_head SET root = zeroblob(32)", true, "root 0000");
    check("UPDATE log_head SET number = 5", false, "the signed head says number 0");
}

#[test]
fn a_store_of_version_1_is_brought_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.db");
    let (mut first, mut second) = (Writer::new("gate-07", 1), Writer::new("lab-02", 2));
    let (of_first, of_second) = (first.events(6), second.events(3));
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(TABLES_1).unwrap();
    // Both have a prefix; record 4 of the first is missing, 5 waits. 2 came before 1.
    let arrivals = [(&of_first[0], 1_u8), (&of_second[0], 2), (&of_first[2], 1), (&of_first[1], 1), (&of_second[1], 2)];
    for (sealed, chain) in arrivals.into_iter().chain([(&of_first[3], 1), (&of_first[5], 1)]) {
        let record = tidewaiter_record::parse(&sealed.bytes).unwrap();
        old.execute(
            "INSERT INTO record (chain, seq, hash, prev, received_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            rusqlite::params![
                [chain; 16],
                sealed.seq.cast_signed(),
                sealed.hash.0,
                record.header.prev.0,
                NOW,
                sealed.bytes
            ],
        )
        .unwrap();
    }
    for (chain, agent, next, head) in [(1_u8, "gate-07", 4_i64, of_first[3].hash), (2, "lab-02", 2, of_second[1].hash)]
    {
        old.execute(
            "INSERT INTO chain VALUES (?1, ?2, 'yantian', ?3, ?4, ?5, ?6)",
            rusqlite::params![[chain; 16], agent, next, head.0, NOW, chain],
        )
        .unwrap();
    }
    drop(old);
    let error = SqliteStore::open_read_only(&path).unwrap_err();
    assert!(matches!(error, StoreError::Older { found: 1, .. }), "{error}");

    let mut core = core_on(SqliteStore::open(&path).unwrap(), &[&first, &second]);
    let mut receipts: Vec<_> = core.receipts().unwrap().iter().map(|it| (it.agent.clone(), it.upto_seq)).collect();
    receipts.sort_unstable();
    assert_eq!(receipts, [("gate-07".to_owned(), 3), ("lab-02".to_owned(), 1)]);
    core.issue_head(0, NOW).unwrap();
    assert_eq!(clean(&path.as_path().into(), &[]), (6, 1, 0));
    let store = SqliteStore::open_read_only(&path).unwrap();
    let mut leaves = Vec::new();
    store
        .walk_leaves(|it| {
            let _: () = leaves.push((it.chain.0[0], it.seq));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(leaves, [(1, 0), (2, 0), (1, 2), (1, 1), (2, 1), (1, 3)]);
    // It goes on: the gap is filled, what waited follows.
    let out = sort(core.accept(&first.topic(), &of_first[4].bytes, NOW).unwrap(), &[&first, &second]);
    assert_eq!(out.receipts, [(5, of_first[5].hash)]);
    assert_eq!(clean(&path.as_path().into(), &[]), (8, 1, 0));
    assert_eq!(store.log_size().unwrap(), 8);
    // Nothing happens the second time.
    drop(core);
    SqliteStore::open(&path).unwrap();
    assert_eq!(clean(&path.as_path().into(), &[]), (8, 1, 0));
}
