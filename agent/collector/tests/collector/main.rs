//! The collector from outside: its core on real `SQLite` files, its process, and a broker.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc, missing_docs)]

mod archive;
mod authority;
mod command;
mod convergence;
mod drift;
mod evidence;
mod export;
mod faults;
mod figures;
mod gaps;
mod home;
mod judgement;
mod kill;
#[cfg(feature = "parquet")]
mod lake;
mod log;
mod nodes;
mod pace;
mod postgres;
mod printing;
mod recheck;
mod rot;
mod rotation;
mod service;
mod share;
mod writer;
