//! Fields of text lines: numbers that stand alone between separators.

use super::Refusal;
use crate::Decimal;

/// Most digits a displayed number may have, point and sign left out. No instrument here shows more; a
/// longer run of digits is two numbers run together.
const MAX_DIGITS: usize = 15;

/// A number as a display shows it, spaces around it allowed: a sign or none, digits, perhaps a point with
/// digits on both sides.
///
/// # Errors
///
/// [`Refusal::Number`] for anything else, an exponent and a lone point included.
pub fn number(field: &[u8]) -> Result<Decimal, Refusal> {
    let text = field.trim_ascii();
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let framed = unsigned.first().is_some_and(u8::is_ascii_digit) && unsigned.last().is_some_and(u8::is_ascii_digit);
    if !framed || unsigned.len() > MAX_DIGITS + 1 {
        return Err(Refusal::Number);
    }
    Decimal::from_ascii(text).map_err(|_| Refusal::Number)
}

/// A whole number without sign, spaces around it allowed.
///
/// # Errors
///
/// [`Refusal::Number`] for anything but digits, and beyond `most`.
pub fn whole(field: &[u8], most: u32) -> Result<u32, Refusal> {
    let text = field.trim_ascii();
    if text.is_empty() || text.len() > 9 {
        return Err(Refusal::Number);
    }
    text.iter()
        .try_fold(0_u32, |sum, &byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
        .filter(|&value| value <= most)
        .ok_or(Refusal::Number)
}

/// A text kept as it came, without the spaces around it; control characters are refused.
///
/// # Errors
///
/// [`Refusal::Shape`] for control characters, [`Refusal::TooLong`] beyond `N` bytes.
pub fn text<const N: usize>(field: &[u8]) -> Result<heapless::Vec<u8, N>, Refusal> {
    let text = field.trim_ascii();
    if text.iter().any(u8::is_ascii_control) {
        return Err(Refusal::Shape);
    }
    heapless::Vec::from_slice(text).map_err(|_| Refusal::TooLong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn numbers_are_whole_statements() {
        for (field, shown) in [(b" 7.01 ".as_slice(), "7.01"), (b"-0.0082", "-0.0082"), (b"+12", "12"), (b"0", "0")] {
            assert_eq!(number(field).unwrap().to_string(), shown);
        }
        for field in [b"".as_slice(), b"-", b".5", b"7.", b"1e3", b"1 2", b"--1", b"1.2.3", b"1234567890123456789"] {
            assert_eq!(number(field), Err(Refusal::Number));
        }
    }

    #[test]
    fn whole_numbers_have_a_limit() {
        assert_eq!(whole(b" 12", 12), Ok(12));
        for field in [b"13".as_slice(), b"", b"-1", b"1.0", b"9999999999"] {
            assert_eq!(whole(field, 12), Err(Refusal::Number));
        }
    }

    #[test]
    fn texts_keep_their_bytes() {
        assert_eq!(text::<4>(b" ab ").unwrap().as_slice(), b"ab");
        assert_eq!(text::<4>(b"abcde"), Err(Refusal::TooLong));
        assert_eq!(text::<4>(b"a\x02b"), Err(Refusal::Shape));
    }
}
