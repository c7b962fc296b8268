//! The layout of the store, version 3. A change is a new version, never an edit.
//!
//! A file is made by the statements of each version in turn, and one of an older version is brought up by those it
//! lacks, in one transaction; so every file of a version is alike, however old it is.

/// Marks the file as a Tidewaiter collector store: `TWcl` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x5457_636c;

/// Version of the layout below.
pub(super) const VERSION: i32 = 3;

/// The tables of version 1.
///
/// `record` keeps its rowid: it is the order of arrival, which `export --after` counts in.
pub(super) const TABLES_1: &str = "
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

/// What version 2 adds: the log, learned keys, the content of evidence, open gaps.
///
/// - `log_node` holds complete subtrees of more than one leaf; a leaf's hash follows from `log_leaf`.
/// - `named` has a row for each stored record whose evidence travels beside it.
/// - `content.complete` is set once all pieces are here and their hash is right; until then the row may be dropped.
/// - `gap` has at most one row per chain: the first numbers missing behind its prefix.
pub(super) const TABLES_2: &str = "
CREATE TABLE log_leaf (
    position INTEGER PRIMARY KEY CHECK (position >= 0),
    chain    BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB NOT NULL CHECK (length(hash) = 32),
    UNIQUE (chain, seq)
) STRICT;
CREATE TABLE log_node (
    level    INTEGER NOT NULL CHECK (level >= 1),
    position INTEGER NOT NULL CHECK (position >= 0),
    hash     BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE log_head (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    size   INTEGER NOT NULL CHECK (size >= 0),
    root   BLOB NOT NULL CHECK (length(root) = 32),
    at_ms  INTEGER NOT NULL,
    bytes  BLOB NOT NULL
) STRICT;
CREATE TABLE rotation (
    chain     BLOB NOT NULL,
    seq       INTEGER NOT NULL,
    old       BLOB NOT NULL CHECK (length(old) = 8),
    algorithm INTEGER NOT NULL,
    public    BLOB NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE named (
    chain   BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    agent   TEXT NOT NULL,
    sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
    size    INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_missing ON named (chain, seq) WHERE missing = 1;
CREATE INDEX named_content ON named (sha256);
CREATE TABLE content (
    sha256   BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    agent    TEXT NOT NULL,
    size     INTEGER NOT NULL,
    received INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    began_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX content_incomplete ON content (agent) WHERE complete = 0;
CREATE TABLE content_piece (
    sha256 BLOB NOT NULL,
    offset INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    UNIQUE (sha256, offset)
) STRICT;
CREATE TABLE gap (
    chain     BLOB NOT NULL PRIMARY KEY,
    from_seq  INTEGER NOT NULL,
    upto_seq  INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    asked     INTEGER NOT NULL,
    asked_ms  INTEGER NOT NULL,
    reported  INTEGER NOT NULL
) STRICT;
";

/// What version 3 adds: blocks that instrument nodes sealed, and what was found by them.
///
/// - `node_block` has a row for each number of each node, where it was cited first; `boot` is null where the record does not
///   tell to which start of its agent the monotonic time belongs.
/// - `node_finding` has at most one row for each record and cause.
pub(super) const TABLES_3: &str = "
CREATE TABLE node_block (
    serial    BLOB NOT NULL CHECK (length(serial) = 8),
    sequence  INTEGER NOT NULL CHECK (sequence > 0),
    mac       BLOB NOT NULL CHECK (length(mac) = 16),
    starts    INTEGER NOT NULL,
    events    INTEGER NOT NULL,
    uptime_ms INTEGER NOT NULL,
    chain     BLOB NOT NULL,
    seq       INTEGER NOT NULL,
    boot      INTEGER,
    mono_ms   INTEGER NOT NULL,
    wall_ms   INTEGER NOT NULL,
    PRIMARY KEY (serial, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX node_block_record ON node_block (chain, seq);
CREATE TABLE node_finding (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    chain       BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    agent       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    UNIQUE (chain, seq, reason)
) STRICT;
";
