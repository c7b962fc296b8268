//! A store that fails, and files that are not ours.

use tidewaiter_collector::{SqliteStore, StoreError, core::CoreError, store::ReadStore as _};
use tidewaiter_record::Detail;

use crate::writer::{NOW, Writer, core_on, event, sort};

#[test]
fn a_full_store_acknowledges_nothing_and_recovers_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.db");
    let mut agent = Writer::new("gate-07", 1);
    let store = SqliteStore::open(&path).unwrap();
    store.limit_pages(40).unwrap();
    let mut core = core_on(store, &[&agent]);
    let mut sealed = vec![agent.begin(&mut core)];
    let mut acknowledged = None;
    let failed = loop {
        // 8 KiB of facts: the store is full after a few.
        let mut detail = event("large");
        if let Detail::Event(it) = &mut detail {
            it.facts.insert("trace".into(), "x".repeat(8_192));
        }
        sealed.push(agent.seal(detail));
        match core.accept(&agent.topic(), &sealed.last().unwrap().bytes, NOW) {
            Ok(actions) => {
                acknowledged = sort(actions, &[&agent]).receipts.last().copied().or(acknowledged);
            }
            Err(error) => break error,
        }
        assert!(sealed.len() < 100, "never full");
    };
    assert!(matches!(failed, CoreError::Store(StoreError::Database { .. })), "{failed}");
    // The handle is spent, also for what would fit.
    assert!(matches!(core.accept(&agent.topic(), &sealed[0].bytes, NOW), Err(CoreError::Spent)));
    drop(core);

    let mut core = core_on(SqliteStore::open(&path).unwrap(), &[&agent]);
    let receipts: Vec<_> = core.receipts().unwrap().iter().map(|it| it.upto_seq).collect();
    assert_eq!(receipts, [acknowledged.unwrap().0]);
    assert_eq!(core.summary().unwrap().receipted, sealed.len() as u64 - 1);
    for it in &sealed {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    assert_eq!(core.summary().unwrap().receipted, sealed.len() as u64);
}

#[test]
fn two_collectors_do_not_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/collector.db");
    let first = SqliteStore::open(&path).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::InUse { .. })));
    // Readers may look.
    assert_eq!(SqliteStore::open_read_only(&path).unwrap().outline().unwrap(), []);
    drop(first);
    SqliteStore::open(&path).unwrap();
}

#[test]
fn a_file_of_something_else_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE mine (it INTEGER)").unwrap();
    drop(other);
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Layout { .. })));
    std::fs::write(&path, b"this is a text file, long enough to be looked at by a database").unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Database { .. })));
    assert!(matches!(SqliteStore::open_read_only(&folder.path().join("none.db")), Err(StoreError::Open { .. })));
}
