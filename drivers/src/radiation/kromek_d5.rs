//! Kromek D5 identifiers: dose, gamma and neutron counts and a spectrum, in SLIP frames.
//!
//! ```text
//! C0   length (2)  mode 00  component  report  payload  CRC (2)   C0
//! ```
//!
//! Numbers are least significant byte first; the length counts the whole message without the frame
//! bytes. Inside, C0 is sent as DB DC and DB as DB DD. A question is a message without payload and
//! with a CRC of 0000; the answer repeats component and report.
//!
//! The answer to the question for radiometrics, version 1:
//!
//! ```text
//!  0 status u32     12 dose µSv f32           24 neutron live time ms u32   38 gamma live time ms u32   52 bits u8
//!  4 real time ms   16 dose rate µSv/h f32    28 neutron counts u32         42 gamma counts u32         53 reserved
//!  8 sequence u32   20 user dose µSv f32      32 temperature 0.01 °C i16    46 temperature 0.01 °C i16  54 spectrum
//!                                             34 reserved f32               48 reserved f32                4096 × u16
//! ```
//!
//! Written from the public `OpenSensorHub` driver, the only open description. That driver names the CRC
//! (polynomial 1021, initial value FFFF, nothing reflected) and never computes it, so which bytes it
//! covers is taken from the length field's example: all before it. [`Crc`] says what to do when an
//! instrument disagrees. Not here: the status bits, which nothing explains.

mod encode;
mod radiometrics;

use heapless::Vec;

pub use encode::{MAX_REQUEST_BYTES, encode_acknowledgement, encode_radiometrics, encode_request};
pub use radiometrics::Radiometrics;

use crate::{
    reading::{Channels, Outcome},
    wire::{Decode, Event, GARBAGE_REPORT_BYTES, Refusal},
};

const FRAME: u8 = 0xC0;
const ESCAPE: u8 = 0xDB;
const ESCAPED_FRAME: u8 = 0xDC;
const ESCAPED_ESCAPE: u8 = 0xDD;

/// Length, mode, component and report before the payload.
const HEAD_BYTES: usize = 5;

/// CRC behind the payload.
const CRC_BYTES: usize = 2;

/// The only mode there is.
const MODE: u8 = 0x00;

/// Payload before the spectrum.
const FIXED_BYTES: usize = 54;

/// Channels of a spectrum.
pub const CHANNELS: usize = 4096;

/// Longest message, unescaped: radiometrics.
pub const MAX_MESSAGE_BYTES: usize = HEAD_BYTES + FIXED_BYTES + 2 * CHANNELS + CRC_BYTES;

/// Longest message with every byte escaped.
pub const MAX_ESCAPED_BYTES: usize = 2 * MAX_MESSAGE_BYTES;

/// The board that answers for the whole instrument.
pub const INTERFACE_BOARD: u8 = 0x07;

/// Report: radiometrics, version 1.
pub const RADIOMETRICS: u8 = 0xC2;

/// Report: carried out.
pub const ACKNOWLEDGED: u8 = 0xFE;

/// Report: refused.
pub const REFUSED: u8 = 0xFF;

/// Whether the CRC of answers is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crc {
    /// CRC-16 over everything before it; an answer without the right one is refused.
    Checked,
    /// Not looked at: length and escapes are all that guards an answer.
    Ignored,
}

/// What a message says. A spectrum stays in the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A message without payload: a question.
    Request {
        /// Who is asked.
        component: u8,
        /// For what.
        report: u8,
    },
    /// Radiometrics; the spectrum is behind [`Decoder::spectrum`].
    Radiometrics(Radiometrics),
    /// Carried out.
    Acknowledged,
    /// Refused.
    Refused,
    /// Another report; its payload is behind [`Decoder::payload`].
    Other {
        /// Who answers.
        component: u8,
        /// What.
        report: u8,
    },
}

impl Channels for Message {
    /// Those of [`Radiometrics`]; other messages have none.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        if let Self::Radiometrics(radiometrics) = self {
            radiometrics.each(tell);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for a frame byte.
    Hunting { dropped: u16 },
    /// Behind a frame byte.
    Inside,
    /// The buffer holds what was just reported; the frame byte that ended it may start the next.
    Reported,
}

/// The decoder; a frame is one message, its raw bytes are those between the frame bytes.
///
/// A frame byte ends a message and starts the next, so a lost one costs no more than what it belonged
/// to.
#[derive(Clone, Debug)]
pub struct Decoder {
    escaped: Vec<u8, MAX_ESCAPED_BYTES>,
    state: State,
    crc: Crc,
}

impl Decoder {
    /// A decoder that waits for the first frame byte.
    pub const fn new(crc: Crc) -> Self {
        Self { escaped: Vec::new(), state: State::Hunting { dropped: 0 }, crc }
    }

    /// The payload of the message just reported.
    pub fn payload(&self) -> impl Iterator<Item = u8> {
        let payload = unescaped_length(&self.escaped).saturating_sub(HEAD_BYTES + CRC_BYTES);
        unescape(&self.escaped).map_while(Result::ok).skip(HEAD_BYTES).take(payload)
    }

    /// Counts per channel of the radiometrics just reported, channel 0 first; empty when it is another
    /// message.
    pub fn spectrum(&self) -> impl Iterator<Item = u16> {
        let is_radiometrics = unescaped_length(&self.escaped) == MAX_MESSAGE_BYTES;
        let mut bytes = self.payload().skip(FIXED_BYTES);
        let mut left = if is_radiometrics { CHANNELS } else { 0 };
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            Some(u16::from_le_bytes([bytes.next()?, bytes.next()?]))
        })
    }
}

impl Decode for Decoder {
    type Item = Message;

    fn push(&mut self, byte: u8) -> Option<Event<Message>> {
        match (self.state, byte) {
            (State::Hunting { dropped }, FRAME) => {
                self.start();
                (dropped > 0).then_some(Event::Garbage(dropped))
            }
            (State::Hunting { dropped }, _) => {
                let dropped = dropped + 1;
                let report = dropped == GARBAGE_REPORT_BYTES;
                self.state = State::Hunting { dropped: if report { 0 } else { dropped } };
                report.then_some(Event::Garbage(dropped))
            }
            (State::Inside, FRAME) if self.escaped.is_empty() => None,
            (State::Inside, FRAME) => {
                self.state = State::Reported;
                Some(judge(&self.escaped, self.crc).map_or_else(Event::Refused, Event::Frame))
            }
            (State::Reported, FRAME) => {
                self.start();
                None
            }
            (state, byte) => {
                if state == State::Reported {
                    self.start();
                }
                if self.escaped.push(byte).is_err() {
                    self.state = State::Hunting { dropped: 1 };
                    return Some(Event::Refused(Refusal::TooLong));
                }
                None
            }
        }
    }

    fn raw(&self) -> &[u8] {
        &self.escaped
    }

    fn reset(&mut self) {
        self.escaped.clear();
        self.state = State::Hunting { dropped: 0 };
    }
}

impl Decoder {
    fn start(&mut self) {
        self.escaped.clear();
        self.state = State::Inside;
    }
}

/// The bytes behind the escapes; one refusal where an escape is none.
fn unescape(escaped: &[u8]) -> impl Iterator<Item = Result<u8, Refusal>> {
    let mut bytes = escaped.iter().copied();
    core::iter::from_fn(move || {
        Some(match bytes.next()? {
            ESCAPE => match bytes.next() {
                Some(ESCAPED_FRAME) => Ok(FRAME),
                Some(ESCAPED_ESCAPE) => Ok(ESCAPE),
                _ => Err(Refusal::Shape),
            },
            byte => Ok(byte),
        })
    })
}

fn unescaped_length(escaped: &[u8]) -> usize {
    unescape(escaped).count()
}

fn judge(escaped: &[u8], crc: Crc) -> Result<Message, Refusal> {
    let mut head = [0; HEAD_BYTES];
    let mut fixed = [0; FIXED_BYTES];
    let mut tail = [0; CRC_BYTES];
    let length = unescape(escaped).try_fold(0_usize, |count, byte| byte.map(|_| count + 1))?;
    let payload_bytes = length.checked_sub(HEAD_BYTES + CRC_BYTES).ok_or(Refusal::Shape)?;
    let mut computed = CRC_START;
    for (at, byte) in unescape(escaped).map_while(Result::ok).enumerate() {
        if at < length - CRC_BYTES {
            computed = crc_step(computed, byte);
        }
        let place = if at < HEAD_BYTES {
            head.get_mut(at)
        } else if at < length - CRC_BYTES {
            fixed.get_mut(at - HEAD_BYTES)
        } else {
            tail.get_mut(at + CRC_BYTES - length)
        };
        if let Some(place) = place {
            *place = byte;
        }
    }
    let [low, high, mode, component, report] = head;
    if usize::from(u16::from_le_bytes([low, high])) != length || mode != MODE {
        return Err(Refusal::Shape);
    }
    let found = u16::from_le_bytes(tail);
    let is_request = payload_bytes == 0 && !matches!(report, ACKNOWLEDGED | REFUSED);
    if crc == Crc::Checked && found != computed && !(is_request && found == 0) {
        return Err(Refusal::Checksum);
    }
    Ok(match (report, payload_bytes) {
        (ACKNOWLEDGED, _) => Message::Acknowledged,
        (REFUSED, _) => Message::Refused,
        (_, 0) => Message::Request { component, report },
        (RADIOMETRICS, _) if component == INTERFACE_BOARD => {
            if length != MAX_MESSAGE_BYTES {
                return Err(Refusal::Shape);
            }
            Message::Radiometrics(Radiometrics::from_bytes(&fixed))
        }
        _ => Message::Other { component, report },
    })
}

const CRC_START: u16 = 0xFFFF;

/// One byte into the CRC: polynomial 1021, most significant bit first.
fn crc_step(crc: u16, byte: u8) -> u16 {
    (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value every catalogue of CRCs gives for this one (CRC-16/IBM-3740).
    #[test]
    fn crc_of_the_check_string() {
        assert_eq!(b"123456789".iter().fold(CRC_START, |crc, &byte| crc_step(crc, byte)), 0x29B1);
    }
}
