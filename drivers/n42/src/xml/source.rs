//! Bytes to text: byte order marks, UTF-16, and characters that do not belong.

use std::borrow::Cow;

use crate::{
    bounds::MAX_DOCUMENT_BYTES,
    error::{Fault, ReadError},
};

/// Decodes a document: UTF-8 with or without a byte order mark, or UTF-16 with one.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    let whole = |fault| ReadError { line: 1, column: 1, element: "document".to_owned(), fault };
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(whole(Fault::Large(bytes.len())));
    }
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes).ok_or_else(|| whole(Fault::NotUtf8)),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes).ok_or_else(|| whole(Fault::NotUtf8)),
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => match std::str::from_utf8(rest) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(error) => {
                let before = rest.get(..error.valid_up_to()).unwrap_or_default();
                let readable = String::from_utf8_lossy(before);
                Err(super::Positions::new(&readable).error(readable.len(), "document", Fault::NotUtf8))
            }
        },
    }
}

/// UTF-16 after its byte order mark; `None` for half a unit or a lone surrogate.
fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Cow<'static, str>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    char::decode_utf16(pairs.iter().map(|&pair| unit(pair))).collect::<Result<String, _>>().ok().map(Cow::Owned)
}
