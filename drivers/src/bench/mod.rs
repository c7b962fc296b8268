//! Laboratory and test benches.

pub mod ph;
pub mod tyre;
