//! Yaohua XK3190 continuous output, `tF = 0`: twelve bytes per display update, unasked.
//!
//! ```text
//! byte  1     2        3 … 8        9              10, 11                  12
//!       02    + or -   six digits   decimals 0…4   XOR of 2…9, in hex      03
//! ```
//!
//! The value is what the display shows, gross or net, whichever is selected. The frame carries no
//! unit and no motion flag: the unit stands in the configuration, and [`super::settle`] finds out
//! whether the load rests. What an overloaded indicator sends is not documented; a frame with
//! anything but digits is refused, so that it can never become a mass.
//!
//! The XOR does not see two digits changing places (1560 and 1650 have the same), which is one more
//! reason to believe only several equal frames in a row.
//!
//! Source: the manuals XK3190-A9+ p. 11 and XK3190-DS1/DS3 p. 8.

use heapless::Vec;

use super::digits;
use crate::{
    Decimal,
    wire::{Decode, Event, GARBAGE_REPORT_BYTES, Refusal},
};

/// Length of a frame in bytes.
pub const FRAME_BYTES: usize = 12;

/// Most decimals byte 9 can announce.
pub const MAX_DECIMALS: u8 = 4;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const MAX_DIGITS: u64 = 999_999;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for STX.
    Hunting { dropped: u16 },
    /// Between STX and the end.
    Inside,
    /// The buffer holds the frame just reported.
    Reported,
}

/// The decoder; a frame is the number displayed.
///
/// STX cannot occur inside a frame, so it always starts one: a frame cut short costs itself and
/// never its successor.
#[derive(Clone, Debug)]
pub struct Decoder {
    frame: Vec<u8, FRAME_BYTES>,
    state: State,
}

impl Decoder {
    /// A decoder that waits for the first STX.
    pub const fn new() -> Self {
        Self { frame: Vec::new(), state: State::Hunting { dropped: 0 } }
    }

    fn hunt(&mut self, dropped: u16) -> Option<Event<Decimal>> {
        let report = dropped == GARBAGE_REPORT_BYTES;
        self.state = State::Hunting { dropped: if report { 0 } else { dropped } };
        report.then_some(Event::Garbage(dropped))
    }

    fn start(&mut self) -> Option<Event<Decimal>> {
        let dropped = match self.state {
            State::Hunting { dropped } => dropped,
            State::Inside => u16::try_from(self.frame.len()).unwrap_or(u16::MAX),
            State::Reported => 0,
        };
        self.frame.clear();
        self.state = State::Inside;
        self.collect(STX);
        (dropped > 0).then_some(Event::Garbage(dropped))
    }

    fn collect(&mut self, byte: u8) {
        // Never full here: a frame is judged, and the buffer given up, at its twelfth byte.
        let _ = self.frame.push(byte);
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Decoder {
    type Item = Decimal;

    fn push(&mut self, byte: u8) -> Option<Event<Decimal>> {
        if byte == STX {
            return self.start();
        }
        match self.state {
            State::Hunting { dropped } => self.hunt(dropped + 1),
            State::Reported => self.hunt(1),
            State::Inside => {
                self.collect(byte);
                if byte != ETX && !self.frame.is_full() {
                    return None;
                }
                self.state = State::Reported;
                Some(match judge(&self.frame) {
                    Ok(value) => Event::Frame(value),
                    Err(refusal) => Event::Refused(refusal),
                })
            }
        }
    }

    fn raw(&self) -> &[u8] {
        &self.frame
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

/// Reads one frame from STX to ETX.
///
/// # Errors
///
/// Refuses a frame of another length or shape, with a wrong XOR, or with anything but digits in the
/// places of the number.
fn judge(frame: &[u8]) -> Result<Decimal, Refusal> {
    let Ok(&[STX, ref body @ .., high, low, ETX]) = <&[u8; FRAME_BYTES]>::try_from(frame) else {
        return Err(Refusal::Shape);
    };
    if check_characters(body) != [high, low] {
        return Err(Refusal::Checksum);
    }
    let &[sign, ref number @ .., decimals] = body;
    let negative = match sign {
        b'+' => false,
        b'-' => true,
        _ => return Err(Refusal::Shape),
    };
    if !number.iter().all(u8::is_ascii_digit) || !(b'0'..=b'0' + MAX_DECIMALS).contains(&decimals) {
        return Err(Refusal::Number);
    }
    let magnitude = number.iter().fold(0_i64, |sum, &digit| sum * 10 + i64::from(digit - b'0'));
    let digits = if negative { -magnitude } else { magnitude };
    Decimal::new(digits, decimals - b'0').ok_or(Refusal::Number)
}

/// The XOR of the bytes between STX and the check, as two hexadecimal characters.
fn check_characters(body: &[u8]) -> [u8; 2] {
    digits::hex(digits::xor(body))
}

/// Writes the frame an indicator sends when it displays `shown`.
///
/// `None` when six digits or four decimals do not hold it.
pub fn encode(shown: Decimal) -> Option<[u8; FRAME_BYTES]> {
    let magnitude = shown.digits().unsigned_abs();
    if magnitude > MAX_DIGITS || shown.places() > MAX_DECIMALS {
        return None;
    }
    let mut frame = [0; FRAME_BYTES];
    let [stx, body @ .., high, low, etx] = &mut frame;
    let [sign, number @ .., decimals] = body;
    *sign = if shown.digits() < 0 { b'-' } else { b'+' };
    let mut rest = magnitude;
    for digit in number.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).ok()?;
        rest /= 10;
    }
    *decimals = b'0' + shown.places();
    [*high, *low] = check_characters(body);
    (*stx, *etx) = (STX, ETX);
    Some(frame)
}
