//! Numbers as displays print them.

use tidewaiter_drivers::Decimal;

/// Longest text taken for a number: sign, 19 digits, a point and some padding.
const MAX_NUMBER_BYTES: usize = 32;

/// Reads a number as displayed: blanks around it, a sign before or behind the digits with or without
/// blanks between, at most one decimal mark. No exponent and no grouping; all decimals are kept.
pub(super) fn number(text: &[u8], comma: bool) -> Option<Decimal> {
    let text = text.trim_ascii();
    if text.len() > MAX_NUMBER_BYTES {
        return None;
    }
    let (negative, digits) = match text {
        [sign @ (b'+' | b'-'), rest @ ..] => (*sign == b'-', rest.trim_ascii_start()),
        [rest @ .., sign @ (b'+' | b'-')] => (*sign == b'-', rest.trim_ascii_end()),
        _ => (false, text),
    };
    let mark = if comma { b',' } else { b'.' };
    let mut plain = Vec::with_capacity(digits.len() + 1);
    if negative {
        plain.push(b'-');
    }
    for &byte in digits {
        match byte {
            b'0'..=b'9' => plain.push(byte),
            _ if byte == mark => plain.push(b'.'),
            _ => return None,
        }
    }
    Decimal::from_ascii(&plain).ok()
}

/// How many of the first bytes of a text can belong to a number: for places that touch.
pub(super) fn number_length(text: &[u8]) -> usize {
    let blanks = |from: usize| text.iter().skip(from).take_while(|byte| **byte == b' ').count();
    let mut length = blanks(0);
    if matches!(text.get(length), Some(b'+' | b'-')) {
        length += 1;
        length += blanks(length);
    }
    length += text.iter().skip(length).take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')).count();
    if matches!(text.get(length), Some(b'+' | b'-')) {
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn signs_and_padding_are_read_and_digits_kept() {
        for (text, comma, shown) in [
            ("+ 0001234", false, "1234"),
            ("-  1.640", false, "-1.640"),
            ("  12.50 ", false, "12.50"),
            ("12.5-", false, "-12.5"),
            ("7,25", true, "7.25"),
            ("-0.0", false, "0.0"),
            ("6.", false, "6"),
        ] {
            assert_eq!(number(text.as_bytes(), comma).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_number() {
        for text in ["", " ", "-", "1e3", "1 2", "--1", "+1-", "1.2.3", "7,25", "OL", "0x10", "1\n2", "NaN", "."] {
            assert_eq!(number(text.as_bytes(), false), None, "{text:?}");
        }
        assert_eq!(number(&[b'0'; 33], false), None);
        assert_eq!(number(b"9999999999999999999", false), None);
    }

    #[test]
    fn a_number_ends_where_the_unit_begins() {
        for (text, length) in [("0001234kg", 7), ("+ 12.5 kg", 6), ("12.5-kg", 5), ("OLkg", 0), ("-", 1), ("", 0)] {
            assert_eq!(number_length(text.as_bytes()), length, "{text}");
        }
    }
}
