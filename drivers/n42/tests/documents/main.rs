//! Whole documents: the standard's examples, the schema as judge, what must be refused, and random ones there and back.
//!
//! The standard's schema and examples are not part of this repository. With `TIDEWAITER_SAMPLES` naming a folder that
//! holds them under `n42/`, they are read, written and validated; without, the tests say that they did not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod any;
mod build;
mod channels;
mod examples;
mod hostile;
mod negative;
mod rules;
mod samples;
mod schema;
