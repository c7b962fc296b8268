//! Number plates as a camera's text output: one plate per line, perhaps with a confidence.
//!
//! ```text
//! 粤B12345,97 CR LF        plate , confidence in per cent
//! 粤B12345 CR LF
//! ```
//!
//! Cameras send UTF-8 or GBK. This module keeps the bytes of the plate as they came and leaves a GBK
//! table to the reader: neither encoding uses the byte of a comma or of a line end inside a character.
//! A plate is an identity, not a measurement: what it looks like is never corrected here.

use heapless::Vec;

use crate::{
    reading::{Channels, Outcome},
    wire::{
        Decode, Event, Refusal,
        line::{Cut, Lines},
    },
};

/// Longest plate kept, in bytes of the camera's encoding. The longest Chinese plate has 10 in UTF-8.
pub const MAX_PLATE_BYTES: usize = 32;

/// Longest line accepted, in bytes.
pub const MAX_LINE_BYTES: usize = 64;

/// Longest line [`encode`] writes, line end included.
pub const MAX_ENCODED_BYTES: usize = MAX_PLATE_BYTES + 6;

/// A plate as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plate {
    /// The plate in the camera's encoding, without surrounding spaces; never empty.
    pub bytes: Vec<u8, MAX_PLATE_BYTES>,
    /// How sure the camera is, per cent, `0..=100`.
    pub confidence: Option<u8>,
}

impl Plate {
    /// A plate in UTF-8; `None` when it is empty, too long, has a comma or control characters, or
    /// `confidence` exceeds 100.
    pub fn new(text: &str, confidence: Option<u8>) -> Option<Self> {
        let bytes = plate_bytes(text.as_bytes()).ok()?;
        let possible = !text.contains(',') && confidence.is_none_or(|it| it <= 100);
        possible.then_some(Self { bytes, confidence })
    }

    /// The text, when the camera sends UTF-8.
    pub fn text(&self) -> Option<&str> {
        core::str::from_utf8(&self.bytes).ok()
    }
}

impl Channels for Plate {
    /// A plate is an identity and no quantity: there is nothing to tell.
    fn each(&self, _tell: &mut dyn FnMut(&str, Outcome)) {}
}

/// The decoder; a frame is one plate.
///
/// A fresh decoder believes its first line, because a camera is silent between vehicles and the first
/// line after connecting is a whole one nearly always. After [`Decode::reset`] it waits for a line end.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: Lines<MAX_LINE_BYTES>,
}

impl Decoder {
    /// A decoder for a fresh connection.
    pub const fn new() -> Self {
        Self { lines: Lines::at_line_start() }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Decoder {
    type Item = Plate;

    fn push(&mut self, byte: u8) -> Option<Event<Plate>> {
        Some(match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Line => match decode(self.lines.line()) {
                Ok(plate) => Event::Frame(plate),
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

fn decode(line: &[u8]) -> Result<Plate, Refusal> {
    let mut parts = line.splitn(2, |&byte| byte == b',');
    let plate = parts.next().unwrap_or_default();
    let confidence = parts.next().map(percent).transpose()?;
    Ok(Plate { bytes: plate_bytes(plate)?, confidence })
}

fn plate_bytes(text: &[u8]) -> Result<Vec<u8, MAX_PLATE_BYTES>, Refusal> {
    let text = text.trim_ascii();
    if text.is_empty() || !is_plausible(text) {
        return Err(Refusal::Shape);
    }
    Vec::from_slice(text).map_err(|_| Refusal::TooLong)
}

/// Letters, digits, blanks and the marks that stand between them. A line carries no check, so anything else is
/// noise. Characters beyond ASCII pass as they are: the second byte of a GBK pair may look like ASCII.
fn is_plausible(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte >= 0x80 {
            bytes.next();
        } else if !byte.is_ascii_alphanumeric() && !matches!(byte, b' ' | b'-' | b'.') {
            return false;
        }
    }
    true
}

fn percent(text: &[u8]) -> Result<u8, Refusal> {
    let text = text.trim_ascii();
    if !(1..=3).contains(&text.len()) || !text.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Number);
    }
    let value = text.iter().fold(0, |sum, &digit| sum * 10 + u16::from(digit - b'0'));
    u8::try_from(value).ok().filter(|&it| it <= 100).ok_or(Refusal::Number)
}

/// Writes the line a camera sends, with its CR LF, in the encoding of the plate's bytes.
pub fn encode(plate: &Plate) -> Vec<u8, MAX_ENCODED_BYTES> {
    let mut out = Vec::new();
    // Cannot overflow: a plate, a comma, three digits and the line end are what the bound adds up.
    let _ = out.extend_from_slice(&plate.bytes);
    if let Some(confidence) = plate.confidence {
        let _ = out.push(b',');
        for (divisor, from) in [(100, 100), (10, 10), (1, 0)] {
            if confidence >= from {
                let _ = out.push(b'0' + confidence / divisor % 10);
            }
        }
    }
    let _ = out.extend_from_slice(b"\r\n");
    out
}

/// The character a mainland plate starts with: one for each province-level division.
const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

/// Characters that may stand in the last place instead of a letter or digit: trailer, driving school,
/// police, Hong Kong and Macao vehicles.
const LAST: &str = "挂学警港澳";

/// Whether a text has the form of a mainland Chinese plate (GA 36): a province, a letter, then five
/// characters or, for new-energy vehicles, six. Letters I and O are not used behind the second place.
///
/// A `false` is no reason to drop a plate: foreign and military plates look different.
pub fn looks_chinese(text: &str) -> bool {
    let mut characters = text.chars();
    let (Some(province), Some(office)) = (characters.next(), characters.next()) else {
        return false;
    };
    let serial = characters.as_str();
    let length = serial.chars().count();
    let plain = |it: char| it.is_ascii_digit() || (it.is_ascii_uppercase() && it != 'I' && it != 'O');
    PROVINCES.contains(province)
        && office.is_ascii_uppercase()
        && (length == 5 || length == 6)
        && serial.chars().enumerate().all(|(at, it)| plain(it) || (length == 5 && at == 4 && LAST.contains(it)))
}
