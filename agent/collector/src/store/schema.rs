//! The layout of the store, version 1. A change is a new version, never an edit.

/// Marks the file as a Tidewaiter collector store: `TWcl` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x5457_636c;

/// Version of the layout below.
pub(super) const VERSION: i32 = 1;

/// The tables.
///
/// `record` keeps its rowid: it is the order of arrival, which `export --after` counts in.
pub(super) const TABLES: &str = "
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
";
