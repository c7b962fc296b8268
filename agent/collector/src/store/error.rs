//! Why the store cannot go on.

use std::path::PathBuf;

/// An error of the store. Every one of them ends the use of the handle.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused; nothing of the open transaction is durable.
    #[error("store: {doing} failed; reopen the store before going on")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What `SQLite` says.
        #[source]
        source: rusqlite::Error,
    },
    /// Another collector has the store open.
    #[error("store {} is in use by another collector; stop that one or choose another path", path.display())]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The server of the database refused, or went away; nothing of the open transaction is durable.
    #[error("store {place}: {doing} failed")]
    Server {
        /// The database.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// Whether the server is away, busy or full, so that it is worth waiting for.
        is_away: bool,
        /// What the server or the connection says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server would lose what it said is committed.
    #[error(
        "store {place}: the server runs with {setting} = {found}, so a power cut could take back what is receipted; set {setting} = on in postgresql.conf"
    )]
    NotDurable {
        /// The database.
        place: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
    },
    /// The database is there, and no store in it.
    #[error(
        "store {place}: the database has no tables of a collector; start `tidewaiter-collector run` once as a user who may create them, or let a database administrator run what `tidewaiter-collector store sql` prints"
    )]
    NoTables {
        /// The database.
        place: String,
    },
    /// The address, or what belongs to it, is wrong.
    #[error("store {place}: {why}")]
    Address {
        /// The database.
        place: String,
        /// What is wrong.
        why: super::AddressError,
    },
    /// The file, its folder or its lock cannot be opened.
    #[error("store {}: cannot be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is a database of something else, or of a version to come.
    #[error("store {} has layout {found}, this program reads layout {expected}; use the program that wrote it", path.display())]
    Layout {
        /// The store.
        path: PathBuf,
        /// `application_id/user_version` found.
        found: String,
        /// The same, as written by this program.
        expected: String,
    },
    /// A store of an older layout, opened for reading.
    #[error("store {} has the older layout {found}; `tidewaiter-collector run` brings it up to date when it starts", path.display())]
    Older {
        /// The store.
        path: PathBuf,
        /// Its layout.
        found: i32,
    },
    /// A database of an older layout, which this user may not bring up.
    #[error(
        "store {place} has the older layout {found}, this program keeps {upto}; as its administrator: tidewaiter-collector store sql --since {found} | psql"
    )]
    OlderServer {
        /// The store.
        place: String,
        /// Its layout.
        found: i32,
        /// Ours.
        upto: i64,
    },
    /// What was read cannot have been written by us.
    #[error("store: {what}; restore the file from a backup and let the agents offer again")]
    Corrupt {
        /// What contradicts what.
        what: String,
    },
    /// A sequence number beyond what a row holds.
    #[error("store: sequence number {seq} is beyond 2^63 - 1")]
    Sequence {
        /// The number.
        seq: u64,
    },
}

impl StoreError {
    /// Whether the database server is away, busy or full: worth waiting for, with nothing acknowledged meanwhile.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Server { is_away: true, .. })
    }

    /// Whether the configuration is to be changed, rather than the machine looked at.
    pub const fn is_configuration(&self) -> bool {
        matches!(self, Self::Layout { .. } | Self::Address { .. } | Self::NoTables { .. } | Self::NotDurable { .. })
    }

    /// Names what was being done when `SQLite` refused.
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}
