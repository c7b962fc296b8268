//! Every test that needs more than one crate, in one binary, so that it links once.

mod cases;
mod chaos;
mod interop;
mod tidy;
