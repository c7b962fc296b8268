//! Tools for the hour in which an unknown instrument is wired: they look and listen, and never write.
//!
//! What comes in: bytes of a port or of a capture. What goes out: which protocols fit them, how well, and the values
//! they carry, with the raw bytes beside each. A tool that is not sure says so and shows all that fit; it never
//! picks one in silence.

pub mod candidates;
pub mod listen;
pub mod probe;
pub mod target;

pub use candidates::{Candidate, Ear, Heard};
pub use listen::{Fit, Listener, Observation};
pub use target::{Target, TargetError};
