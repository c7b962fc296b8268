//! Number plates from `AxxonSoft` Auto-Intellect: text frames on TCP port 55555.
//!
//! ```text
//! 02 20260115083012 01 B12345 03       STX, local time, camera, plate, ETX
//! ```
//!
//! A plate that was not recognised is the words `Not defined`. Source: `AxxonSoft` documentation, Auto-Intellect 5.5 and
//! 5.6, transfer of recognised numbers. The encoding of the plate is the server's; its bytes are kept.

use core::fmt::Write;

use heapless::Vec;

use crate::{
    reading::{Channels, Outcome},
    wire::{
        Decode, Event, Refusal,
        envelope::{Cut, ETX, Envelopes, STX},
        field,
    },
};

/// Longest plate kept, in bytes.
pub const MAX_PLATE_BYTES: usize = 32;

/// Longest frame between STX and ETX.
pub const MAX_TEXT_BYTES: usize = MAX_PLATE_BYTES + 16;

const UNRECOGNISED: &[u8] = b"Not defined";

/// A vehicle seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Year, month, day, hour, minute, second of the server's clock, local time: a claim.
    pub time: [u16; 6],
    /// Camera, `0..=99`.
    pub camera: u8,
    /// The plate; `None` when a vehicle was seen and its plate was not recognised.
    pub plate: Option<Vec<u8, MAX_PLATE_BYTES>>,
}

impl Channels for Sighting {
    /// A plate is an identity and no quantity: there is nothing to tell.
    fn each(&self, _tell: &mut dyn FnMut(&str, Outcome)) {}
}

/// The decoder; a frame is one sighting.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    envelopes: Envelopes<MAX_TEXT_BYTES>,
}

impl Decoder {
    /// A decoder that waits for the first STX.
    pub const fn new() -> Self {
        Self { envelopes: Envelopes::new() }
    }
}

impl Decode for Decoder {
    type Item = Sighting;

    fn push(&mut self, byte: u8) -> Option<Event<Sighting>> {
        Some(match self.envelopes.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Frame => match decode(self.envelopes.text()) {
                Ok(sighting) => Event::Frame(sighting),
                Err(refusal) => Event::Refused(refusal),
            },
        })
    }

    fn raw(&self) -> &[u8] {
        self.envelopes.text()
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

fn decode(text: &[u8]) -> Result<Sighting, Refusal> {
    let mut rest = text;
    let mut take = |count: usize, least: u32, most: u32| {
        let (digits, behind) = rest.split_at_checked(count).ok_or(Refusal::Shape)?;
        rest = behind;
        // Every place is a digit: a blank would shift the columns.
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(Refusal::Number);
        }
        let value = field::whole(digits, most)?;
        u16::try_from(value).ok().filter(|_| value >= least).ok_or(Refusal::Number)
    };
    let time = [take(4, 0, 9999)?, take(2, 1, 12)?, take(2, 1, 31)?, take(2, 0, 23)?, take(2, 0, 59)?, take(2, 0, 59)?];
    let camera = u8::try_from(take(2, 0, 99)?).map_err(|_| Refusal::Number)?;
    let plate = field::text::<MAX_PLATE_BYTES>(rest)?;
    if plate.is_empty() {
        return Err(Refusal::Shape);
    }
    Ok(Sighting { time, camera, plate: (plate != UNRECOGNISED).then_some(plate) })
}

/// Writes the frame; `None` when it would not be read back the same.
pub fn encode(sighting: &Sighting) -> Option<Vec<u8, { MAX_TEXT_BYTES + 2 }>> {
    let [year, month, day, hour, minute, second] = sighting.time;
    let mut head = heapless::String::<24>::new();
    write!(head, "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}{:02}", sighting.camera).ok()?;
    let mut out = Vec::new();
    out.push(STX).ok()?;
    out.extend_from_slice(head.as_bytes()).ok()?;
    out.extend_from_slice(sighting.plate.as_deref().unwrap_or(UNRECOGNISED)).ok()?;
    if decode(out.get(1..)?).as_ref() != Ok(sighting) {
        return None;
    }
    out.push(ETX).ok()?;
    Some(out)
}
