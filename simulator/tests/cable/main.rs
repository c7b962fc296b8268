//! The instruments from the other end of the cable.
//!
//! One program for all of them, because linking is what takes time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod benches;
mod oracle;
mod peer;
mod ports;
mod registers;
mod streams;
