//! Hand-held and fixed code readers: one code per line, with what the reader puts around it.
//!
//! ```text
//! ]C0 CSQU3054383 CR LF
//!  |   +- the code
//!  +- AIM identifier: a bracket, the kind of code, a modifier (ISO/IEC 15424)
//! ```
//!
//! Readers are set up to send a prefix, a suffix, the AIM identifier or none of them, and CR, CR LF, TAB or ETX at the
//! end; [`Settings`] says what to expect. With a prefix set, a line without it is refused: it came from somewhere
//! else, or its start was lost. What the code means is not decided here, except that [`Scan::meaning`] tells numbers
//! of a known form.

use heapless::Vec;

use super::{declaration::DeclarationNumber, iso6346::ContainerNumber};
use crate::{
    reading::{Channels, Outcome},
    wire::{
        Decode, Event, Refusal,
        line::{Cut, Lines},
    },
};

/// Longest code kept. Bale labels and QR codes on waybills stay below it; a longer code is a document.
pub const MAX_CODE_BYTES: usize = 160;

/// Longest prefix or suffix.
pub const MAX_AFFIX_BYTES: usize = 8;

/// Longest line accepted: code, both affixes, AIM identifier.
pub const MAX_LINE_BYTES: usize = MAX_CODE_BYTES + 2 * MAX_AFFIX_BYTES + 3;

/// Separator of fields inside GS1 codes; the one control character a code may hold.
const GROUP_SEPARATOR: u8 = 0x1D;

/// What a reader puts around a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Before the code and its AIM identifier.
    pub prefix: Vec<u8, MAX_AFFIX_BYTES>,
    /// Behind the code, before the line end.
    pub suffix: Vec<u8, MAX_AFFIX_BYTES>,
    /// A byte that ends the line besides CR and LF, such as TAB or ETX.
    pub end: Option<u8>,
}

/// An AIM identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aim {
    /// The letter for the kind of code: `A` Code 39, `C` Code 128, `E` EAN and UPC, `I` interleaved 2 of 5,
    /// `L` PDF417, `Q` QR, `d` Data Matrix, `e` GS1 `DataBar`, `z` Aztec, `X` others.
    pub kind: u8,
    /// The modifier, a letter or digit.
    pub modifier: u8,
}

/// A code as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The AIM identifier, where the reader sends one.
    pub aim: Option<Aim>,
    /// The code; never empty.
    pub code: Vec<u8, MAX_CODE_BYTES>,
}

/// What a code is by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A container number whose check digit holds.
    Container(ContainerNumber),
    /// A customs declaration number.
    Declaration(DeclarationNumber),
    /// Anything else: a sample, a lot, a seal, a waybill.
    Opaque,
}

impl Scan {
    /// What the code is by its form.
    pub fn meaning(&self) -> Meaning {
        let Ok(text) = core::str::from_utf8(&self.code) else {
            return Meaning::Opaque;
        };
        if let Ok(number) = ContainerNumber::parse(text) {
            return Meaning::Container(number);
        }
        DeclarationNumber::parse(text).map_or(Meaning::Opaque, Meaning::Declaration)
    }
}

impl Channels for Scan {
    /// A code is an identity and no quantity: there is nothing to tell.
    fn each(&self, _tell: &mut dyn FnMut(&str, Outcome)) {}
}

/// The decoder; a frame is one code.
///
/// A fresh decoder believes its first line, because a reader is silent between codes. After [`Decode::reset`] it
/// waits for a line end.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: Lines<MAX_LINE_BYTES>,
    settings: Settings,
}

impl Decoder {
    /// A decoder for a fresh connection.
    pub const fn new(settings: Settings) -> Self {
        Self { lines: Lines::at_line_start(), settings }
    }
}

impl Decode for Decoder {
    type Item = Scan;

    fn push(&mut self, byte: u8) -> Option<Event<Scan>> {
        let byte = if self.settings.end == Some(byte) { b'\n' } else { byte };
        Some(match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Line => match decode(self.lines.line(), &self.settings) {
                Ok(scan) => Event::Frame(scan),
                Err(refusal) => Event::Refused(refusal),
            },
        })
    }

    fn raw(&self) -> &[u8] {
        self.lines.line()
    }

    fn reset(&mut self) {
        self.lines = Lines::in_mid_line();
    }
}

fn decode(line: &[u8], settings: &Settings) -> Result<Scan, Refusal> {
    let inner = line.strip_prefix(settings.prefix.as_slice()).ok_or(Refusal::Shape)?;
    let inner = inner.strip_suffix(settings.suffix.as_slice()).ok_or(Refusal::Shape)?;
    let (aim, code) = match *inner {
        [b']', kind, modifier, ref code @ ..] if kind.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() => {
            (Some(Aim { kind, modifier }), code)
        }
        _ => (None, inner),
    };
    if code.is_empty() || code.iter().any(|&byte| byte.is_ascii_control() && byte != GROUP_SEPARATOR) {
        return Err(Refusal::Shape);
    }
    Ok(Scan { aim, code: Vec::from_slice(code).map_err(|_| Refusal::TooLong)? })
}

/// Longest line written, CR LF included.
pub const MAX_ENCODED_BYTES: usize = MAX_LINE_BYTES + 2;

/// Writes the line a reader with these settings sends; it ends with the settings' own end, or CR LF.
///
/// `None` when it would not be read back the same.
pub fn encode(scan: &Scan, settings: &Settings) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let mut out = Vec::new();
    out.extend_from_slice(&settings.prefix).ok()?;
    if let Some(Aim { kind, modifier }) = scan.aim {
        out.extend_from_slice(&[b']', kind, modifier]).ok()?;
    }
    out.extend_from_slice(&scan.code).ok()?;
    out.extend_from_slice(&settings.suffix).ok()?;
    let cut_short = |&byte: &u8| matches!(byte, b'\r' | b'\n') || settings.end == Some(byte);
    if out.iter().any(cut_short) || decode(&out, settings).as_ref() != Ok(scan) {
        return None;
    }
    match settings.end {
        Some(end) => out.push(end).ok()?,
        None => out.extend_from_slice(b"\r\n").ok()?,
    }
    Some(out)
}
