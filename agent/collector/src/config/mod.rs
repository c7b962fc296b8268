//! `collector.toml`: what it says, checked as a whole before anything starts.
//!
//! ```toml
//! version = 1
//!
//! [broker]
//! url = "mqtts://broker.example:8883"   # plain mqtt:// only to loopback
//! client_id = "centre"                  # default: the file name of the key, without its ending
//! share = "centre"                      # only where several collectors on one PostgreSQL store share what comes in
//! [broker.tls]                          # required with mqtts
//! ca = "ca.pem"
//! certificate = "centre.pem"
//! key = "centre-tls.key"
//!
//! [store]
//! path = "collector.db"                 # one file, or a database of a PostgreSQL server:
//! # url = "postgres://centre@db.example/tidewaiter"   # never with a password in it
//! # password_file = "store.password"    # mode 0600; or systemd's credential `store-password`, or PGPASSFILE
//! commit_records = 64                   # a commit holds at most this many messages …
//! commit_time = "20 ms"                 # … and waits at most this long for them
//!
//! [store.tls]                           # required when the server is not on this machine
//! ca = "db-ca.pem"                      # certificate and host name are always checked
//! certificate = "centre-db.pem"         # both only where the server asks for one
//! key = "centre-db.key"
//!
//! [centre]
//! key = "centre.key"                    # PKCS#8 PEM, made by `tidewaiter-collector keys init`
//! registry = "registry.json"            # keys of agents and centre; read again when it changes
//! receipt_interval = "50 ms"            # at most one receipt per chain in this time
//! head_interval = "60 s"                # a signed head of the log this often, 10 s to 10 min
//!
//! [keys]                                # only when the key is in a PKCS#11 token; then [centre] has no `key`
//! kind = "pkcs11"                       # or "file", the same as no table
//! module = "/usr/lib/softhsm/libsofthsm2.so"
//! token = "centre"                      # label of the token
//! kid = "496bd8afadf307e5"              # printed by `keys init`
//! pin_file = "token.pin"                # the PIN in its first line; mode 0600
//!
//! [limits]
//! dir = "limits"                        # tables beside the built-in ones, to recompute verdicts
//!
//! [orders]
//! dir = "orders"                        # signed orders for agents, see `authority publish`; tables recompute too
//!
//! [enrol]                               # only where agents are to be enrolled over the network
//! listen = "0.0.0.0:8443"
//! certificate = "centre-https.pem"      # of the private authority: `tidewaiter-collector ca issue --server NAME`
//! key = "centre-https.key"
//! ca = "ca"                             # folder of `tidewaiter-collector ca init`
//! dir = "enrol"                         # tokens and requests
//! broker = "mqtts://broker.example"     # what agents are told; default: the url above
//! days = 60                             # of a transport certificate, 1 to 90
//!
//! [listen]                              # figures for Prometheus at /metrics, and /healthz; without the table nobody listens
//! address = "127.0.0.1:8480"            # the default
//! beyond_loopback = true                # needed for any address but loopback: whoever reaches it reads names of agents
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
use tidewaiter_record::Kid;
use tidewaiter_words::Language;

use crate::store::Place;

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
    /// Folder of signed orders.
    pub orders: Option<PathBuf>,
    /// Enrolment, where it is done.
    pub enrol: Option<Enrol>,
    /// Where figures can be asked for, if anywhere.
    pub listen: Option<Listen>,
    /// What is printed.
    pub output: Output,
}

/// Where figures can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// On loopback, unless the file says in so many words that it may be elsewhere.
    pub address: std::net::SocketAddr,
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
    /// Name under which several collectors share what comes in; `None` where this one takes everything.
    pub share: Option<String>,
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
    /// The `SQLite` file, or the database of a `PostgreSQL` server.
    pub place: Place,
    /// Most messages in one commit: bounds what a crash makes the agents offer again.
    pub commit_records: usize,
    /// Longest wait for a commit to fill: bounds what grouping adds to the age of a receipt.
    pub commit_time: Duration,
}

/// Where the centre's key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CentreKey {
    /// PKCS#8 PEM, for its owner only.
    File(PathBuf),
    /// Inside a PKCS#11 token.
    Token {
        /// The token.
        place: TokenPlace,
        /// Which of its keys.
        kid: Kid,
    },
}

impl From<PathBuf> for CentreKey {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

/// A PKCS#11 token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlace {
    /// The library that speaks with it.
    pub module: PathBuf,
    /// Its label.
    pub token: String,
    /// File with the user's PIN in its first line.
    pub pin_file: PathBuf,
}

/// The centre's own key and what it knows of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Centre {
    /// The receipt key.
    pub key: CentreKey,
    /// The registry.
    pub registry: PathBuf,
    /// Shortest time between two receipts of one chain.
    pub receipt_interval: Duration,
    /// Time between two heads of the log: what signed orders expire by.
    pub head_interval: Duration,
}

/// Enrolment over the network, and the files it works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrol {
    /// Where agents come to.
    pub listen: std::net::SocketAddr,
    /// PEM of the centre's certificate for them, with its intermediate.
    pub certificate: PathBuf,
    /// PEM of its key.
    pub key: PathBuf,
    /// Folder of the transport authority.
    pub ca: PathBuf,
    /// Folder of tokens and requests.
    pub dir: PathBuf,
    /// Address of the broker, as agents are told.
    pub broker: String,
    /// Days of a transport certificate.
    pub days: u32,
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
