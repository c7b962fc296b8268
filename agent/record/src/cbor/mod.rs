//! Deterministic CBOR: the few items a record is made of, written one way and read one way.
//!
//! CBOR (RFC 8949) lets one value be written in many ways; a signed and hashed format must not. This
//! module holds the *core deterministic encoding* of RFC 8949 §4.2.1 in both directions:
//!
//! - heads in their shortest form, definite lengths only;
//! - map keys ascending by their encoded bytes, no key twice;
//! - nothing after the item.
//!
//! The data model is smaller than CBOR's: integers, byte strings, text strings, arrays, maps, `false`,
//! `true` and `null`, with the one tag 18 of the envelope. Binary fractions, other tags, `undefined` and
//! other simple values are refused.

mod fields;
mod read;
mod scan;
mod write;

pub use fields::Fields;
pub use read::{CborError, Reader, check};
pub use write::{Entries, Writer};

/// How deep arrays and maps may nest. The deepest known record needs 6; the bound keeps hostile input
/// from exhausting the stack.
pub const MAX_DEPTH: usize = 16;

#[cfg(test)]
mod tests;
