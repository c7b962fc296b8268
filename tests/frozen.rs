//! Formats that others rely on, version 1: topic names, the state message, the layout of the outbox.
//!
//! If a test here fails, the change is wrong, not the test: a format is changed by adding a version. The record has
//! its own frozen vectors in `agent/record/vectors/v1`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use rusqlite::Connection;
use tidewaiter_agent::{
    outbox::SqliteStore,
    uplink::{StateMessage, Topics},
};
use tidewaiter_collector::topic::{self, Stream};
use tidewaiter_record::ChainId;

#[test]
fn topics_v1() {
    let topics = Topics::new("yantian", "gate-07");
    assert_eq!(topics.record(), "tw/1/yantian/gate-07/record");
    assert_eq!(topics.alert(), "tw/1/yantian/gate-07/alert");
    assert_eq!(topics.state(), "tw/1/yantian/gate-07/state");
    assert_eq!(topics.view("scale-1"), "tw/1/yantian/gate-07/view/scale-1");
    assert_eq!(topics.receipt(), "tw/1/yantian/gate-07/down/receipt");
    assert_eq!(topics.beacon(), "tw/1/yantian/gate-07/down/beacon");
    assert_eq!(topics.evidence("00ff"), "tw/1/yantian/gate-07/evidence/00ff");
    // Both ends mean the same by them.
    for (name, stream) in
        [(topics.record(), Stream::Record), (topics.alert(), Stream::Alert), (topics.state(), Stream::State)]
    {
        let uplink = topic::parse(&name).unwrap();
        assert_eq!((uplink.site, uplink.agent, uplink.stream), ("yantian", "gate-07", stream));
    }
}

#[test]
fn state_message_v1() {
    let message = StateMessage {
        version: 1,
        state: "online".into(),
        agent: "gate-07".into(),
        software: "tidewaiter 0.1.0".into(),
        config: "00".into(),
        head: Some(412),
        receipted: None,
        backlog: 2,
        stopped_since_ms: None,
        clock: "I".into(),
        software_hash: Some("0a".into()),
    };
    assert_eq!(
        serde_json::to_string(&message).unwrap(),
        r#"{"version":1,"state":"online","agent":"gate-07","software":"tidewaiter 0.1.0","config":"00","head":412,"receipted":null,"backlog":2,"stopped_since_ms":null,"clock":"I","software_hash":"0a"}"#
    );
    // What an agent of the first build said, who had no hash of itself, is read and written as it was.
    let first = r#"{"version":1,"state":"online","agent":"gate-07","software":"tidewaiter 0.1.0","config":"00","head":412,"receipted":null,"backlog":2,"stopped_since_ms":null,"clock":"I"}"#;
    let read: StateMessage = serde_json::from_str(first).unwrap();
    assert_eq!(read.software_hash, None);
    assert_eq!(serde_json::to_string(&read).unwrap(), first);
}

#[test]
fn outbox_v1() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path(), ChainId([1; 16]), 1 << 20).unwrap());
    let connection = Connection::open(dir.path().join("outbox.sqlite")).unwrap();
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(pragma("application_id"), 0x5457_4f42);
    assert_eq!(pragma("user_version"), 1);
    let mut statement = connection
        .prepare("SELECT m.name, group_concat(c.name || ' ' || c.type, ', ') FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' GROUP BY m.name ORDER BY m.name")
        .unwrap();
    let tables: Vec<String> = statement
        .query_map([], |row| Ok(format!("{}({})", row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        tables,
        [
            "cursor(one INTEGER, upto_seq INTEGER, hash BLOB, received_ms INTEGER)",
            "entry(seq INTEGER, record BLOB, hash BLOB, alert INTEGER, sealed_ms INTEGER, place TEXT, draft TEXT)",
            "meta(key TEXT, number INTEGER, bytes BLOB)",
            "open_inspection(place TEXT, state BLOB)",
        ]
    );
}
