//! Numbers as weighing displays send them, and their writing.

use core::fmt::Write as _;

use heapless::{String, Vec};

use crate::{Decimal, wire::Refusal};

/// Longest text of a decimal: 19 digits, a point and the leading zero that 18 places need.
const MAX_TEXT: usize = 24;

/// Reads a field: spaces around, at most one sign, spaces behind it, digits with at most one point.
///
/// # Errors
///
/// [`Refusal::Number`] for anything else; blanks are not zero.
pub(super) fn read(field: &[u8]) -> Result<Decimal, Refusal> {
    let field = field.trim_ascii();
    let (negative, magnitude) = match field {
        [b'-', rest @ ..] => (true, rest.trim_ascii_start()),
        [b'+', rest @ ..] => (false, rest.trim_ascii_start()),
        _ => (false, field),
    };
    read_unsigned(magnitude).and_then(|value| if negative { negated(value) } else { Ok(value) })
}

/// Reads digits with at most one point, nothing else.
///
/// # Errors
///
/// [`Refusal::Number`] for anything else.
pub(super) fn read_unsigned(field: &[u8]) -> Result<Decimal, Refusal> {
    // Decimal accepts a sign of its own, which would make `+-5` a number.
    if !field.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return Err(Refusal::Number);
    }
    Decimal::from_ascii(field).map_err(|_| Refusal::Number)
}

/// The same number below zero.
///
/// # Errors
///
/// [`Refusal::Number`] where it does not fit.
pub(super) fn negated(value: Decimal) -> Result<Decimal, Refusal> {
    value.digits().checked_neg().and_then(|digits| Decimal::new(digits, value.places())).ok_or(Refusal::Number)
}

/// Writes the number without its sign, filled up from the left; `None` when it is wider.
pub(super) fn put_magnitude<const N: usize>(
    out: &mut Vec<u8, N>,
    value: Decimal,
    width: usize,
    fill: u8,
) -> Option<()> {
    let mut text = String::<MAX_TEXT>::new();
    let magnitude = Decimal::new(value.digits().checked_abs()?, value.places())?;
    write!(text, "{magnitude}").ok()?;
    put_right(out, text.as_bytes(), width, fill)
}

/// Writes a text, filled up from the left; `None` when it is wider.
pub(super) fn put_right<const N: usize>(out: &mut Vec<u8, N>, text: &[u8], width: usize, fill: u8) -> Option<()> {
    for _ in 0..width.checked_sub(text.len())? {
        out.push(fill).ok()?;
    }
    out.extend_from_slice(text).ok()
}

/// Writes a text, filled up with spaces on the right; `None` when it is wider.
pub(super) fn put_left<const N: usize>(out: &mut Vec<u8, N>, text: &[u8], width: usize) -> Option<()> {
    let blanks = width.checked_sub(text.len())?;
    out.extend_from_slice(text).ok()?;
    for _ in 0..blanks {
        out.push(b' ').ok()?;
    }
    Some(())
}

/// Writes the number with a `-` directly before its digits, right-aligned; `None` when it is wider.
pub(super) fn put_signed<const N: usize>(out: &mut Vec<u8, N>, value: Decimal, width: usize) -> Option<()> {
    let mut text = String::<MAX_TEXT>::new();
    write!(text, "{value}").ok()?;
    put_right(out, text.as_bytes(), width, b' ')
}

/// The sign of a number in a column of its own.
pub(super) const fn sign(value: Decimal, positive: u8) -> u8 {
    if value.digits() < 0 { b'-' } else { positive }
}

/// The XOR of all bytes.
pub(super) fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |xor, byte| xor ^ byte)
}

/// A byte as two upper-case hexadecimal characters.
pub(super) const fn hex(byte: u8) -> [u8; 2] {
    const fn digit(nibble: u8) -> u8 {
        if nibble <= 9 { b'0' + nibble } else { b'A' - 10 + nibble }
    }
    [digit(byte >> 4), digit(byte & 0x0F)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn reads_what_displays_show() {
        let check = |text: &str, expected: &str| assert_eq!(read(text.as_bytes()).unwrap().to_string(), expected);
        check("   0.360", "0.360");
        check("-  1.640", "-1.640");
        check("+ 0001234", "1234");
        check(" -0.0082 ", "-0.0082");
        check("  .5", "0.5");
        check("12.", "12");
    }

    #[test]
    fn refuses_what_is_not_one_number() {
        for text in
            ["", "   ", "-", "+ ", "8 5.5", "+-5", "- -5", "1.2.3", "1,5", "1e3", "......", "99999999999999999999"]
        {
            assert_eq!(read(text.as_bytes()), Err(Refusal::Number), "{text}");
        }
    }

    #[test]
    fn writes_into_columns() {
        let put = |value: &str, width| {
            let mut out = Vec::<u8, 16>::new();
            put_signed(&mut out, value.parse().unwrap(), width).map(|()| out)
        };
        assert_eq!(put("-0.50", 8).unwrap().as_slice(), b"   -0.50");
        assert_eq!(put("123456.78", 8), None);
        assert_eq!(hex(0x3D), *b"3D");
    }
}
