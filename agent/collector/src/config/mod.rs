//! `collector.toml`: what it says, checked as a whole before anything starts.
//!
//! ```toml
//! version = 1
//!
//! [broker]
//! url = "mqtts://broker.example:8883"   # plain mqtt:// only to loopback
//! client_id = "centre"                  # default: the file name of the key, without its ending
//! [broker.tls]                          # required with mqtts
//! ca = "ca.pem"
//! certificate = "centre.pem"
//! key = "centre-tls.key"
//!
//! [store]
//! path = "collector.db"
//! commit_records = 64                   # a commit holds at most this many messages …
//! commit_time = "20 ms"                 # … and waits at most this long for them
//!
//! [centre]
//! key = "centre.key"                    # PKCS#8 PEM, made by `tidewaiter-collector keys init`
//! registry = "registry.json"            # keys of agents and centre; read again when it changes
//! receipt_interval = "50 ms"            # at most one receipt per chain in this time
//! head_interval = "60 s"                # a signed head of the log this often, 10 s to 10 min
//!
//! [limits]
//! dir = "limits"                        # tables beside the built-in ones, to recompute verdicts
//!
//! [output]
//! language = "zh-CN"                    # or "en"
//! json = false
//! ```
//!
//! Relative paths count from the folder of the file. A key that is not listed here is refused with its
//! place: a misspelt `registry` must not become "no registry".

mod problem;
mod raw;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub use problem::{ConfigError, Problem};
use tidewaiter_words::Language;

/// A checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The broker.
    pub broker: Broker,
    /// The store.
    pub store: StoreSettings,
    /// Key, registry and receipts.
    pub centre: Centre,
    /// Folder of limit tables beside the built-in ones.
    pub limits: Option<PathBuf>,
    /// What is printed.
    pub output: Output,
}

/// Where the broker is and who we are to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Host name or address, as checked against its certificate.
    pub host: String,
    /// Port.
    pub port: u16,
    /// MQTT client id.
    pub client_id: String,
    /// Files of the TLS identity; `None` only to loopback.
    pub tls: Option<TlsFiles>,
    /// Keep-alive interval.
    pub keep_alive: Duration,
}

/// PEM files of one TLS identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certification authority that the broker must be signed by.
    pub ca: PathBuf,
    /// Our certificate chain.
    pub certificate: PathBuf,
    /// Our private key.
    pub key: PathBuf,
}

/// Where records are kept and how commits are grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The `SQLite` file.
    pub path: PathBuf,
    /// Most messages in one commit: bounds what a crash makes the agents offer again.
    pub commit_records: usize,
    /// Longest wait for a commit to fill: bounds what grouping adds to the age of a receipt.
    pub commit_time: Duration,
}

/// The centre's own key and what it knows of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Centre {
    /// PKCS#8 PEM of the receipt key.
    pub key: PathBuf,
    /// The registry.
    pub registry: PathBuf,
    /// Shortest time between two receipts of one chain.
    pub receipt_interval: Duration,
    /// Time between two heads of the log: what signed orders expire by.
    pub head_interval: Duration,
}

/// What `run` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// Language of lines for people.
    pub language: Language,
    /// JSON lines instead.
    pub json: bool,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// Every problem found, each with its line and column.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::from_toml(&text, path)
    }

    /// Checks a text as if it stood in the file `path`.
    ///
    /// # Errors
    ///
    /// Every problem found, each with its line and column.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, ConfigError> {
        raw::check(text, path)
    }
}
