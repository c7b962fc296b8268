//! Hanna bench meters: commands and answers between STX and ETX.
//!
//! ```text
//! request   10 R A S 0D                                          DLE, three letters, CR
//! answer    02 mode status ranges reading … checksum 03          "RAS": all readings of the current range
//!              01   10     RR     +007.02 +0000.3 +0025.10 6A
//! answer    02 06 03                                             done; 15 unknown, 18 damaged
//! answer    02 E r r 6 03                                        refused, with a reason
//! ```
//!
//! Mode 00, 01, 02: pH to 0.001, 0.01, 0.1, then potential and temperature. Mode 03: potential and temperature.
//! Mode 04: relative and absolute potential, then temperature. `ranges` are two letters, `R` in range, `O` over,
//! `U` under: the first for the calculated reading, the second for the potential. Status bit 0x10: a temperature
//! probe is connected.
//!
//! Sources: instruction manuals HI 2222 pages 28 and 29, HI 2214/HI 2215 page 33, HI 2400 page 20 (how a command
//! is framed). The manuals say that the check is the sum of the bytes of the answer "as 2 ASCII characters"; read
//! here as two hexadecimal digits of the sum modulo 256, which no example confirms.

use core::fmt::Write;

use heapless::{String, Vec};

use crate::{
    Decimal, Unit,
    reading::{Channels, Missing, Outcome},
    wire::{
        Decode, Event, Refusal,
        envelope::{Cut, ETX, Envelopes, STX},
        field,
    },
};

/// Longest text between STX and ETX accepted; a full answer on the pH range has 30.
pub const MAX_TEXT_BYTES: usize = 48;

/// Longest frame written.
pub const MAX_ENCODED_BYTES: usize = MAX_TEXT_BYTES + 2;

const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
const CAN: u8 = 0x18;

/// A temperature probe is connected.
const PROBE: u8 = 0x10;

/// What the meter answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All readings of the current range.
    Readings(Readings),
    /// A command without an answer of its own was carried out.
    Done,
    /// The command is unknown to the meter.
    Unknown,
    /// The command reached the meter damaged.
    Damaged,
    /// The meter refuses, with its own number (`Err6`: range not available, `Err8`: not measuring …).
    Error(u8),
}

/// All readings of the current range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readings {
    /// Which range.
    pub mode: Mode,
    /// The status byte as it came.
    pub status: u8,
    /// pH, or relative potential in millivolt; only in modes that calculate one.
    pub calculated: Option<Ranged>,
    /// Potential in millivolt.
    pub millivolt: Ranged,
    /// Temperature in degrees Celsius, two decimals.
    pub celsius: Decimal,
}

/// A reading and whether the meter's range holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranged {
    /// In range.
    In(Decimal),
    /// Over range; the digits sent with it are not kept.
    Over,
    /// Under range.
    Under,
}

/// A range of the meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// pH, resolution 0.001.
    PhThousandths,
    /// pH, resolution 0.01.
    PhHundredths,
    /// pH, resolution 0.1.
    PhTenths,
    /// Potential.
    Millivolt,
    /// Potential relative to a reference.
    RelativeMillivolt,
}

impl Mode {
    const ALL: [Self; 5] =
        [Self::PhThousandths, Self::PhHundredths, Self::PhTenths, Self::Millivolt, Self::RelativeMillivolt];

    const fn calculates(self) -> bool {
        !matches!(self, Self::Millivolt)
    }
}

/// The decoder; a frame is one answer.
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
    type Item = Answer;

    fn push(&mut self, byte: u8) -> Option<Event<Answer>> {
        Some(match self.envelopes.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Frame => match decode(self.envelopes.text()) {
                Ok(answer) => Event::Frame(answer),
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

fn decode(text: &[u8]) -> Result<Answer, Refusal> {
    match *text {
        [ACK] => return Ok(Answer::Done),
        [NAK] => return Ok(Answer::Unknown),
        [CAN] => return Ok(Answer::Damaged),
        [b'E', b'r', b'r', digit @ b'0'..=b'9'] => return Ok(Answer::Error(digit - b'0')),
        _ => {}
    }
    let Some((body, check)) = text.split_last_chunk::<2>() else {
        return Err(Refusal::Shape);
    };
    if hexadecimal(*check) != Some(sum(body)) {
        return Err(Refusal::Checksum);
    }
    // Whether a refusal carries a check is not said; with one it is read as well.
    if let [b'E', b'r', b'r', digit @ b'0'..=b'9'] = *body {
        return Ok(Answer::Error(digit - b'0'));
    }
    readings(body).map(Answer::Readings)
}

fn readings(body: &[u8]) -> Result<Readings, Refusal> {
    let mut rest = body;
    let mut take = |count: usize| {
        let (field, behind) = rest.split_at_checked(count).ok_or(Refusal::Shape)?;
        rest = behind;
        Ok(field)
    };
    let mode = usize::try_from(field::whole(take(2)?, 4)?).ok().and_then(|at| Mode::ALL.get(at).copied());
    let mode = mode.ok_or(Refusal::Shape)?;
    let status = <[u8; 2]>::try_from(take(2)?).ok().and_then(hexadecimal).ok_or(Refusal::Shape)?;
    let &[calculated_range, potential_range] = take(2)? else {
        return Err(Refusal::Shape);
    };
    let calculated = if mode.calculates() { Some(ranged(calculated_range, take(7)?)?) } else { None };
    let millivolt = ranged(potential_range, take(7)?)?;
    let celsius = field::number(take(8)?)?;
    if !rest.is_empty() {
        return Err(Refusal::Shape);
    }
    Ok(Readings { mode, status, calculated, millivolt, celsius })
}

fn ranged(range: u8, digits: &[u8]) -> Result<Ranged, Refusal> {
    match range {
        b'R' => field::number(digits).map(Ranged::In),
        b'O' => Ok(Ranged::Over),
        b'U' => Ok(Ranged::Under),
        _ => Err(Refusal::Shape),
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, &byte| sum.wrapping_add(byte))
}

fn hexadecimal([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    Some(16 * digit(high)? + digit(low)?)
}

impl Channels for Answer {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        match *self {
            Self::Readings(it) => {
                let outcome = |ranged, unit| match ranged {
                    Ranged::In(value) => super::good(value, unit),
                    Ranged::Over => Err(Missing::Overrange),
                    Ranged::Under => Err(Missing::Underrange),
                };
                match (it.mode, it.calculated) {
                    (Mode::RelativeMillivolt, Some(relative)) => {
                        tell("relative-potential", outcome(relative, Unit::Millivolt));
                    }
                    (_, Some(ph)) => tell("ph", outcome(ph, Unit::PH)),
                    (_, None) => {}
                }
                tell("potential", outcome(it.millivolt, Unit::Millivolt));
                let probe = it.status & PROBE != 0;
                // Without a probe the meter sends the temperature that was set by hand.
                tell(
                    "temperature",
                    if probe { super::good(it.celsius, Unit::Celsius) } else { Err(Missing::NotPresent) },
                );
            }
            Self::Error(number) => tell("ph", Err(Missing::InstrumentFault(u16::from(number)))),
            Self::Damaged => tell("ph", Err(Missing::CrcError)),
            Self::Unknown => tell("ph", Err(Missing::InstrumentFault(0))),
            Self::Done => {}
        }
    }
}

/// What the meter can be asked: three letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// `RAS`: all readings of the current range.
    Readings,
    /// `MDR`: model and firmware.
    Model,
    /// `GLP`: calibration.
    Calibration,
}

impl Request {
    const ALL: [(Self, [u8; 3]); 3] = [(Self::Readings, *b"RAS"), (Self::Model, *b"MDR"), (Self::Calibration, *b"GLP")];

    /// Writes the request: DLE, the letters, CR.
    pub fn encode(self) -> [u8; 5] {
        let [a, b, c] = match self {
            Self::Readings => *b"RAS",
            Self::Model => *b"MDR",
            Self::Calibration => *b"GLP",
        };
        [0x10, a, b, c, b'\r']
    }

    /// Reads a request, as the simulated meter does.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let &[0x10, a, b, c, b'\r'] = bytes else {
            return None;
        };
        Self::ALL.into_iter().find(|(_, letters)| *letters == [a, b, c]).map(|(request, _)| request)
    }
}

/// Writes an answer with STX, check and ETX.
///
/// `None` when a number does not fit its columns.
pub fn encode(answer: &Answer) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let mut text = String::<MAX_TEXT_BYTES>::new();
    match *answer {
        Answer::Done => text.push(char::from(ACK)).ok()?,
        Answer::Unknown => text.push(char::from(NAK)).ok()?,
        Answer::Damaged => text.push(char::from(CAN)).ok()?,
        Answer::Error(number) => write!(text, "Err{number}").ok()?,
        Answer::Readings(it) => {
            let mode = Mode::ALL.iter().position(|mode| *mode == it.mode)?;
            let letter = |ranged| match ranged {
                Ranged::In(_) => 'R',
                Ranged::Over => 'O',
                Ranged::Under => 'U',
            };
            let ranges = (it.calculated.map_or('R', letter), letter(it.millivolt));
            write!(text, "{mode:02}{:02X}{}{}", it.status, ranges.0, ranges.1).ok()?;
            for ranged in it.calculated.into_iter().chain([it.millivolt]) {
                match ranged {
                    Ranged::In(value) => signed(&mut text, value, 7)?,
                    // What stands there then is not documented; zeros take the columns.
                    Ranged::Over | Ranged::Under => text.push_str("+000000").ok()?,
                }
            }
            signed(&mut text, it.celsius, 8)?;
            let check = sum(text.as_bytes());
            write!(text, "{check:02X}").ok()?;
        }
    }
    if decode(text.as_bytes()) != Ok(*answer) {
        return None;
    }
    let mut out = Vec::new();
    out.push(STX).ok()?;
    out.extend_from_slice(text.as_bytes()).ok()?;
    out.push(ETX).ok()?;
    Some(out)
}

/// A number with its sign in exactly so many columns, zeros in front.
fn signed(text: &mut String<MAX_TEXT_BYTES>, value: Decimal, columns: usize) -> Option<()> {
    let mut digits = String::<24>::new();
    write!(digits, "{}", value.abs()).ok()?;
    let zeros = (columns - 1).checked_sub(digits.len())?;
    text.push(if value.digits() < 0 { '-' } else { '+' }).ok()?;
    for _ in 0..zeros {
        text.push('0').ok()?;
    }
    text.push_str(&digits).ok()
}
