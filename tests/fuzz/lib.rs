//! The functions that the targets call: those of `tests/src/fuzz`, compiled without the rest of the harness.
//!
//! The harness brings a broker and a database along, which would be instrumented and linked into every target.

#[path = "../src/fuzz/mod.rs"]
pub mod fuzz;
