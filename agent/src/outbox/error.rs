//! What can go wrong between a draft and a durable record.

use std::path::PathBuf;

/// A failure of the store itself.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `SQLite` refused or failed.
    #[error("store {path}: {source}")]
    Sqlite {
        /// Database file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: rusqlite::Error,
    },
    /// It cannot be opened, because there is no room around it.
    #[error("store {path}: {why} ({source}); make room where it lies, or move store.dir, and start again")]
    NoRoom {
        /// Database file.
        path: PathBuf,
        /// What is used up.
        why: &'static str,
        /// What `SQLite` says.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is a database of another program or another version.
    #[error(
        "store {path} has layout {found}, this program reads {expected}; keep the file and use the program version that wrote it"
    )]
    Layout {
        /// Database file.
        path: PathBuf,
        /// Version found.
        found: i64,
        /// Version expected.
        expected: i64,
    },
    /// The stored bytes do not hash to the stored hash.
    #[error(
        "store {path}: record {seq} does not match its stored hash; stop, keep the file and run `tidewaiter verify`"
    )]
    Rotten {
        /// Database file.
        path: PathBuf,
        /// Sequence number.
        seq: u64,
    },
    /// The lock file cannot be made.
    #[error("{path}: {source}; the data directory must exist and be writable")]
    Lock {
        /// Lock file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// Another agent holds the data directory.
    #[error(
        "{path} is locked: another agent runs on this data directory, and two of them would fork its chain; stop it first"
    )]
    Locked {
        /// Lock file.
        path: PathBuf,
    },
    /// The key at hand is not the one that the store says signs now.
    #[error(
        "store: its chain is signed with key {expected} now, and the key at hand is {found}; start again, so that the right one is loaded"
    )]
    Key {
        /// Key at hand.
        found: String,
        /// Key in the note of the store.
        expected: String,
    },
    /// The first records of a start could not be signed.
    #[error("the chain cannot be opened: {0}")]
    Unsigned(String),
    /// The store holds another chain than the key was enrolled for.
    #[error(
        "store {path} holds chain {found}, the enrolment statement names {expected}; use the data directory that belongs to this key"
    )]
    Chain {
        /// Database file.
        path: PathBuf,
        /// Chain in the store.
        found: String,
        /// Chain in the statement.
        expected: String,
    },
}

impl StoreError {
    /// Whether `SQLite` found no room. It has one word for a budget that is used up and for a disk that is; which of the
    /// two it was says [`Store::stop_cause`](super::Store::stop_cause).
    pub fn is_full(&self) -> bool {
        matches!(
            self,
            Self::Sqlite { source: rusqlite::Error::SqliteFailure(failure, _), .. }
                if failure.code == rusqlite::ErrorCode::DiskFull
        )
    }
}

/// Why a draft was not sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The budget is used up; the refusal has been counted.
    #[error("not recorded: the store's budget is used up; restore the uplink or raise store.budget")]
    Full,
    /// The disk is used up, by whomever; the refusal has been counted.
    #[error(
        "not recorded: the disk that holds the store is full, whatever its budget says; make room on it, or move store.dir to another"
    )]
    DiskFull,
    /// The file system takes no more files; the refusal has been counted.
    #[error(
        "not recorded: the file system that holds the store takes no more files (its inodes are used up); delete files there, or move store.dir to another"
    )]
    NoInodes,
    /// The disk failed and reopening did not help; the refusal has been counted.
    #[error("not recorded: {0}")]
    Store(String),
    /// The record could not be built.
    #[error("not recorded: {0}")]
    Seal(String),
    /// The key does not sign; the refusal has been counted.
    #[error("not recorded: {0}; recording goes on by itself when the key is back")]
    Key(String),
    /// The agent is stopping.
    #[error("not recorded: the agent is stopping")]
    Stopping,
}
