//! The central end: subscribes, verifies, stores, receipts.
//!
//! Sealed records come in from a broker that is not trusted: it may lose, repeat, re-order and invent.
//! What leaves is one signed, cumulative receipt per chain, requests for what is missing, heads of a Merkle log over
//! all records, and a store in which every record stands under its one sequence number. A receipt over *n* says: every record up to *n* is here, durable, signed
//! by the registered key, and linked to the one before.
//!
//! ```text
//! broker ─► service ─► core ─► store                         (commit, then)
//!              ▲         │
//!              └─────────┴── receipts ─► broker ─► agent     announcements ─► print, JSON lines
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`topic`] | takes topic names apart |
//! | [`core`] | bytes, topic and time in; actions out; no IO |
//! | [`store`] | chains, log and evidence in one `SQLite` file |
//! | [`proving`], [`audit`] | proofs from the log; the log against everything that speaks of it |
//! | [`receipts`] | holds receipts back so that the newest wins |
//! | [`keys`] | the centre's key, and the registry that is read again when it changes |
//! | [`service`] | the way between broker and core, group commit, restart of the store |
//! | [`orders`] | signed orders on their way to the agents |
//! | [`summary`] | the counts |
//! | [`figures`] | how the centre stands, for `status`, `/metrics` and `/healthz` |
//! | [`ca`] | the authority of transport certificates |
//! | [`enrol`] | tokens, requests, the endpoint for agents |
//! | [`reset`] | a new chain in place of one that cannot go on |
//! | [`files`] | locks, and files replaced in one step |
//! | [`view`], [`mod@print`], [`export`] | records for people and for other programs |
//! | `lake` | the same as Parquet tables, where the feature `parquet` is built in |
//! | [`archive`] | backups to go on from, archives to check in ten years |
//! | [`case`] | evidence bundles |
//! | [`config`], [`cli`] | `collector.toml` and the command line |
//!
//! Not here: judging beyond the recomputation, and the whole-stream verifier, which
//! reads what [`export`] writes.

pub mod archive;
pub mod audit;
pub mod ca;
pub mod case;
pub mod cli;
pub mod config;
pub mod core;
mod door;
pub mod enrol;
pub mod export;
pub mod figures;
pub mod files;
pub mod finding;
pub mod keys;
#[cfg(feature = "parquet")]
pub mod lake;
pub mod orders;
pub mod print;
pub mod proving;
pub mod receipts;
pub mod reset;
pub mod service;
pub mod store;
pub mod summary;
pub mod topic;
pub mod view;

pub use config::Config;
pub use core::{Action, Collected, Core, Incoming};
pub use service::{RunError, run};
pub use store::{SqliteStore, Store, StoreError};
pub use summary::Summary;
pub use tidewaiter_recompute::{Recomputed, Tables};
