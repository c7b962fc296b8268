//! XML as this crate needs it: a bounded tree in, well-formed text out.

mod out;
mod position;
mod sink;
mod source;
mod tree;

pub(crate) use out::Out;
pub(crate) use position::Positions;
pub(crate) use sink::Sink;
pub(crate) use source::decode;
pub(crate) use tree::{Element, Space, parse};

/// The namespace of N42.42-2011.
pub(crate) const NAMESPACE: &str = "http://physics.nist.gov/N42/2011/N42";

/// Whether XML 1.0 allows a character (production `Char`).
pub(crate) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{1_0000}'..='\u{10_FFFF}')
}
