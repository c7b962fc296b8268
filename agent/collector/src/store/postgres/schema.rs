//! The layout of the store in a database of `PostgreSQL`. A change is a new version, never an edit.
//!
//! It says the same as the layout of the file, version for version, and begins at its version 2. What only this one has:
//!
//! - `writer` has one row. Whoever begins a transaction counts its `turn` up, and so holds the row until the end: one
//!   collector writes at a time, and the order of leaves, arrivals and heads is the order of commits. `keys_turn` is the
//!   turn in which a learned key was last written.
//! - `collector` says for each handle that writes which turn was its last: after a connection was lost in mid-commit it
//!   tells whether the commit took place.

/// Version of the layout below.
pub(super) const VERSION: i64 = 3;

/// Name of the schema: the tables stand apart from whatever else is in the database.
pub(super) const SCHEMA: &str = "tidewaiter";

/// What brings a database from nothing to version 2.
pub(super) const TABLES_2: &str = r#"
CREATE SCHEMA tidewaiter;
SET LOCAL search_path = tidewaiter, pg_temp;
CREATE TABLE layout (version bigint NOT NULL);
CREATE TABLE writer (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    turn      bigint NOT NULL,
    keys_turn bigint NOT NULL
) WITH (fillfactor = 10);
CREATE TABLE collector (
    id    text COLLATE "C" PRIMARY KEY,
    turn  bigint NOT NULL,
    began timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
CREATE SEQUENCE chain_moved;
CREATE TABLE chain (
    chain            bytea PRIMARY KEY CHECK (length(chain) = 16),
    agent            text COLLATE "C" NOT NULL,
    site             text COLLATE "C" NOT NULL,
    next_seq         bigint NOT NULL CHECK (next_seq >= 0),
    head             bytea CHECK (head IS NULL OR length(head) = 32),
    head_received_ms bigint NOT NULL,
    moved            bigint NOT NULL,
    CHECK ((next_seq = 0) = (head IS NULL))
) WITH (fillfactor = 50);
CREATE TABLE record (
    arrival     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain       bytea NOT NULL,
    seq         bigint NOT NULL CHECK (seq >= 0),
    hash        bytea NOT NULL CHECK (length(hash) = 32),
    prev        bytea NOT NULL CHECK (length(prev) = 32),
    received_ms bigint NOT NULL,
    bytes       bytea NOT NULL,
    UNIQUE (chain, seq)
);
CREATE TABLE evidence (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain       bytea NOT NULL,
    seq         bigint NOT NULL,
    hash        bytea NOT NULL,
    prev        bytea NOT NULL,
    reason      text COLLATE "C" NOT NULL,
    received_ms bigint NOT NULL,
    bytes       bytea NOT NULL,
    UNIQUE (chain, seq, hash)
);
CREATE TABLE refused (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       text NOT NULL,
    reason      text NOT NULL,
    detail      text NOT NULL,
    received_ms bigint NOT NULL,
    bytes       bytea NOT NULL
);
CREATE TABLE state (
    agent       text COLLATE "C" PRIMARY KEY,
    site        text COLLATE "C" NOT NULL,
    state       text NOT NULL,
    received_ms bigint NOT NULL
);
CREATE TABLE counter (
    name text COLLATE "C" PRIMARY KEY,
    n    bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE log_leaf (
    position bigint PRIMARY KEY CHECK (position >= 0),
    chain    bytea NOT NULL,
    seq      bigint NOT NULL,
    hash     bytea NOT NULL CHECK (length(hash) = 32),
    UNIQUE (chain, seq)
);
CREATE TABLE log_node (
    level    bigint NOT NULL CHECK (level >= 1),
    position bigint NOT NULL CHECK (position >= 0),
    hash     bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, position)
);
CREATE TABLE log_head (
    number bigint PRIMARY KEY CHECK (number >= 0),
    size   bigint NOT NULL CHECK (size >= 0),
    root   bytea NOT NULL CHECK (length(root) = 32),
    at_ms  bigint NOT NULL,
    bytes  bytea NOT NULL
);
CREATE TABLE rotation (
    chain     bytea NOT NULL,
    seq       bigint NOT NULL,
    old       bytea NOT NULL CHECK (length(old) = 8),
    algorithm bigint NOT NULL,
    public    bytea NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE TABLE named (
    chain   bytea NOT NULL,
    seq     bigint NOT NULL,
    agent   text COLLATE "C" NOT NULL,
    sha256  bytea NOT NULL CHECK (length(sha256) = 32),
    size    bigint NOT NULL,
    missing boolean NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX named_missing ON named (chain, seq) WHERE missing;
CREATE INDEX named_content ON named (sha256);
CREATE TABLE content (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    sha256   bytea PRIMARY KEY CHECK (length(sha256) = 32),
    agent    text COLLATE "C" NOT NULL,
    size     bigint NOT NULL,
    received bigint NOT NULL,
    complete boolean NOT NULL,
    began_ms bigint NOT NULL
);
CREATE INDEX content_incomplete ON content (agent) WHERE NOT complete;
CREATE TABLE content_piece (
    sha256 bytea NOT NULL,
    start  bigint NOT NULL,
    bytes  bytea NOT NULL,
    PRIMARY KEY (sha256, start)
);
CREATE TABLE gap (
    chain     bytea PRIMARY KEY,
    from_seq  bigint NOT NULL,
    upto_seq  bigint NOT NULL,
    opened_ms bigint NOT NULL,
    asked     bigint NOT NULL,
    asked_ms  bigint NOT NULL,
    reported  boolean NOT NULL
);
INSERT INTO writer (turn, keys_turn) VALUES (0, 0);
INSERT INTO layout (version) VALUES (2);
"#;

/// What version 3 adds, as in the file.
pub(super) const TABLES_3: &str = "
SET LOCAL search_path = tidewaiter, pg_temp;
CREATE TABLE node_block (
    serial    bytea NOT NULL CHECK (length(serial) = 8),
    sequence  bigint NOT NULL CHECK (sequence > 0),
    mac       bytea NOT NULL CHECK (length(mac) = 16),
    starts    bigint NOT NULL,
    events    bigint NOT NULL,
    uptime_ms bigint NOT NULL,
    chain     bytea NOT NULL,
    seq       bigint NOT NULL,
    boot      bigint,
    mono_ms   bigint NOT NULL,
    wall_ms   bigint NOT NULL,
    PRIMARY KEY (serial, sequence)
);
CREATE INDEX node_block_record ON node_block (chain, seq);
CREATE TABLE node_finding (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain       bytea NOT NULL,
    seq         bigint NOT NULL,
    agent       text COLLATE \"C\" NOT NULL,
    reason      text COLLATE \"C\" NOT NULL,
    detail      text NOT NULL,
    received_ms bigint NOT NULL,
    UNIQUE (chain, seq, reason)
);
INSERT INTO layout (version) VALUES (3);
";

/// The steps of the layout, oldest first: each brings a database of the version before it to its own.
pub(super) const STEPS: [(i64, &str); 2] = [(2, TABLES_2), (VERSION, TABLES_3)];

/// What a database administrator runs: the tables, and what the two roles may do with them.
///
/// A collector as `writer` can add to the log and never change it: the log, its heads and the records of a prefix have no
/// `UPDATE`, and `DELETE` only where a record may still turn out not to belong.
///
/// # Errors
///
/// When a name is none that could stand in SQL without care.
///
/// With `since`, what a database of that version lacks, and the rights again.
pub fn schema(writer: &str, reader: &str, since: Option<i64>) -> Result<String, String> {
    for name in [writer, reader] {
        let is_plain = name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
        if name.is_empty() || !is_plain || name.starts_with(|it: char| it.is_ascii_digit()) {
            return Err(format!("role {name:?}; write lower-case letters, digits and _"));
        }
    }
    if let Some(since) = since.filter(|it| !STEPS.iter().any(|(version, _)| version == it)) {
        return Err(format!("there is no layout {since}; write {} to {VERSION}", STEPS[0].0));
    }
    let tables: String =
        STEPS.iter().filter(|(version, _)| since.is_none_or(|it| it < *version)).map(|(_, sql)| *sql).collect();
    Ok(format!(
        "-- The store of tidewaiter-collector, layout {VERSION}. Run it in its database, as the role that shall own the tables.
BEGIN;{tables}
GRANT USAGE ON SCHEMA {SCHEMA} TO {writer}, {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {writer}, {reader};
GRANT INSERT ON chain, record, evidence, refused, state, counter, log_leaf, log_node, log_head, rotation, named, content,
    content_piece, gap, collector, node_block, node_finding TO {writer};
GRANT UPDATE ON writer, collector, chain, state, counter, rotation, named, content, gap TO {writer};
GRANT DELETE ON collector, record, evidence, refused, rotation, named, content, content_piece, gap, node_block,
    node_finding TO {writer};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {writer};
COMMIT;
"
    ))
}
