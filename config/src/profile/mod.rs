//! Instrument profiles: Modbus register maps and text lines that prove themselves.
//!
//! A register profile is data: which registers, which type, which unit, and vectors of raw registers
//! with the value they must give. A line profile ([`line`](mod@line)) says the same of an instrument that sends
//! text. Vectors run at load, through the decoder that will read the instrument, and a profile whose
//! vectors fail is refused: a wrong word order shows up on the desk and not in a record. The address
//! base and the word order are never guessed. Where an instrument seals a block of registers ([`sealed`]), all channels are fields of it. A file with a table `[framing]` is a line profile.

mod encoding;
mod identity;
pub mod line;
mod load;
mod model;
pub mod sealed;
mod shipped;
mod vectors;

pub use identity::{Fact, IdentityRegister};
pub use line::{LineProfile, builtin_lines, load_line_str, load_line_with_doubts};
pub use load::{Folder, Profile, load_any, load_dir, load_dir_from, load_str, load_with_doubts};
pub use model::*;
pub use sealed::{Field, Sealed};
pub use shipped::builtin;
