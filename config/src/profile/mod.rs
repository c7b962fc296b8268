//! Instrument profiles: Modbus register maps that prove themselves.
//!
//! A profile is data: which registers, which type, which unit, and vectors of raw registers with the
//! value they must give. Vectors run at load, through the decoder that will read the instrument, and
//! a profile whose vectors fail is refused: a wrong word order shows up on the desk and not in a
//! record. The address base and the word order are never guessed.

mod encoding;
mod load;
mod model;
mod shipped;
mod vectors;

pub use load::{load_dir, load_str, load_with_doubts};
pub use model::*;
pub use shipped::builtin;
