//! The collector from outside: its core on real `SQLite` files, its process, and a broker.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc, missing_docs)]

mod archive;
mod command;
mod convergence;
mod drift;
mod export;
mod faults;
mod judgement;
mod kill;
mod printing;
mod service;
mod writer;
