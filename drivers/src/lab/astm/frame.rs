//! One frame as bytes.

use heapless::Vec;

use super::{ETB, MAX_SENT_TEXT_BYTES};
use crate::wire::envelope::{ETX, STX};

/// Bytes of a frame besides its text: STX, number, ETB or ETX, two check characters, CR, LF.
const OVERHEAD: usize = 7;

/// Longest frame sent.
pub(super) const MAX_SENT_FRAME_BYTES: usize = MAX_SENT_TEXT_BYTES + OVERHEAD;

/// A frame to be sent.
pub(super) type SentFrame = Vec<u8, MAX_SENT_FRAME_BYTES>;

/// The sum of the bytes from the frame number to ETB or ETX, both included, modulo 256.
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, &byte| sum.wrapping_add(byte))
}

/// Writes one frame.
///
/// `None` when the number is above 7, or the text is longer than [`MAX_SENT_TEXT_BYTES`] or has characters of the
/// link in it.
pub fn encode_frame(number: u8, text: &[u8], last: bool) -> Option<SentFrame> {
    if number > 7 || text.iter().any(|&byte| is_link_character(byte)) {
        return None;
    }
    let mut out = SentFrame::new();
    out.push(STX).ok()?;
    out.push(b'0' + number).ok()?;
    out.extend_from_slice(text).ok()?;
    out.push(if last { ETX } else { ETB }).ok()?;
    let check = checksum(out.get(1..)?);
    for digit in [check >> 4, check & 0xF] {
        out.push(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }).ok()?;
    }
    out.extend_from_slice(b"\r\n").ok()?;
    Some(out)
}

/// Characters that a text must not contain (ASTM E1381-95, 6.3.1.3): the link takes them for its own.
pub(super) const fn is_link_character(byte: u8) -> bool {
    matches!(byte, 0x01..=0x06 | 0x0A | 0x10..=0x17)
}
