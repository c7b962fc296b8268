//! Every test that needs more than one crate, in one binary, so that it links once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, as it should")]

mod cases;
mod chaos;
mod commands;
mod console;
mod corpus;
mod evidence;
mod firmware;
mod frozen;
mod guide;
mod held;
mod interop;
mod judgement;
mod mutants;
mod packaging;
mod service;
mod tidy;
