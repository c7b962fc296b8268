//! Bytes written in a profile: text with `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH`.
//!
//! They stand in single quotes, where TOML leaves backslashes alone. In double quotes TOML itself
//! would turn `\xF8` into a character of two bytes, so that form is refused.

use std::fmt::Write as _;

use super::model::{Glob, Wild};
use crate::reader::Value;

/// The bytes a text stands for, or the escape that is none.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match characters.next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let hex: String = characters.by_ref().take(2).collect();
                let whole = hex.len() == 2 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
                u8::from_str_radix(&hex, 16).ok().filter(|_| whole).ok_or(format!("\\x{hex}"))?
            }
            other => return Err(format!("\\{}", other.map(String::from).unwrap_or_default())),
        });
    }
    Ok(bytes)
}

/// Bytes as a profile writes them.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7E => text.push(char::from(byte)),
            other => {
                let _ = write!(text, "\\x{other:02X}");
            }
        }
    }
    text
}

/// The bytes of a value, at most `most` of them; none unless `may_be_empty`.
pub(super) fn bytes(value: &Value<'_>, most: usize, may_be_empty: bool) -> Option<Vec<u8>> {
    let text = value.any_text()?;
    let written = value.written();
    if written.starts_with('"') && written.contains("\\x") {
        value.fault(
            "bytes written with \\x stand in single quotes; in double quotes TOML makes characters of them",
            format!("'{}'", written.trim_matches('"')),
        );
        return None;
    }
    let bytes = match unescape(text) {
        Ok(bytes) => bytes,
        Err(escape) => {
            value.fault(
                format!("{escape:?} is no byte: known are \\r \\n \\t \\0 \\\\ and \\x with two hexadecimal digits"),
                "'\\r\\n', '\\x02' or '\\\\' for a backslash",
            );
            return None;
        }
    };
    if bytes.is_empty() && !may_be_empty {
        value.fault("no bytes stand here", "at least one byte, such as '\\r'");
        return None;
    }
    if bytes.len() > most {
        value.fault(format!("{} bytes stand here, and at most {most} are taken", bytes.len()), "fewer bytes");
        return None;
    }
    Some(bytes)
}

/// Longest pattern with wildcards, in bytes: with [`super::MAX_FRAME_BYTES`] it bounds the time of one comparison.
const MAX_GLOB_BYTES: usize = 128;

/// A text with `*` for any bytes; a star itself is written `\x2A`.
pub(super) fn glob(value: &Value<'_>) -> Option<Glob> {
    bytes(value, MAX_GLOB_BYTES, true)?;
    let mut wild = Vec::new();
    // Checked above; the pieces between stars are unescaped one by one, so that `\x2A` stays a star.
    for (index, piece) in value.any_text()?.split('*').enumerate() {
        if index > 0 {
            wild.push(Wild::Any);
        }
        wild.extend(unescape(piece).ok()?.into_iter().map(Wild::Byte));
    }
    Some(Glob(wild))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn escapes_read_back() {
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&every)).unwrap(), every);
        assert_eq!(unescape("\\r\\n\\x02°").unwrap(), [13, 10, 2, 0xC2, 0xB0]);
    }

    #[test]
    fn half_an_escape_is_refused() {
        for text in ["\\", "\\x", "\\x4", "\\xG1", "\\q", "\\x+1"] {
            assert!(unescape(text).is_err(), "{text}");
        }
    }
}
