//! Programs and parsers of other people: what ours say must mean the same to them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
