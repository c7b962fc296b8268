//! The text configuration: `NAME=VALUE;` after `NAME=VALUE;`, no white space.

use core::fmt::Write;

use super::{EncodeError, MAX_REQUEST_DATA_BYTES};
use crate::wire::Refusal;

/// Characters of a name.
const NAME_BYTES: usize = 4;

/// Longest value.
pub const MAX_VALUE_BYTES: usize = 10;

/// One setting of a read-back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    /// Four capital letters or digits, such as `PRET` or `AUO1`.
    pub name: &'a str,
    /// As the device prints it, `None` where it says `??`: it does not know or not keep the setting.
    pub value: Option<&'a str>,
}

/// The settings of a text, one by one.
///
/// A piece that is not `NAME=VALUE;` is a refusal of its own; the others are still read.
pub fn settings(text: &str) -> impl Iterator<Item = Result<Setting<'_>, Refusal>> {
    text.split_terminator(';').map(|piece| {
        let (name, value) = piece.split_once('=').ok_or(Refusal::Shape)?;
        // `RESC=?` is what a reset answers, `CMDA=??` what an unknown name does.
        let known = !value.is_empty() && !value.bytes().all(|byte| byte == b'?');
        if is_name(name) { Ok(Setting { name, value: known.then_some(value) }) } else { Err(Refusal::Shape) }
    })
}

/// Writes settings as a request carries them; a pair without a value asks for it.
///
/// # Errors
///
/// Refuses names and values the device would misread, and more than 512 bytes: a request holds whole
/// commands only, so a longer list is split by the caller.
pub fn command_text(pairs: &[(&str, Option<&str>)]) -> Result<heapless::String<MAX_REQUEST_DATA_BYTES>, EncodeError> {
    let mut out = heapless::String::new();
    let mut found = 0;
    for (at, &(name, value)) in pairs.iter().enumerate() {
        if !is_name(name) {
            return Err(EncodeError::Name(at));
        }
        let written = match value {
            None => write!(out, "{name};"),
            Some(value) if is_value(value) => write!(out, "{name}={value};"),
            Some(_) => return Err(EncodeError::Value(at)),
        };
        found += name.len() + value.map_or(0, |it| it.len() + 1) + 1;
        written.map_err(|_| EncodeError::TooLong { found, most: MAX_REQUEST_DATA_BYTES })?;
    }
    Ok(out)
}

fn is_name(name: &str) -> bool {
    name.len() == NAME_BYTES && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_value(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b';' && byte != b'=';
    (1..=MAX_VALUE_BYTES).contains(&value.len()) && value.bytes().all(plain)
}
