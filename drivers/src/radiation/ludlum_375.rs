//! Ludlum 375 area monitors: the status dump every two seconds, and the line for a printer.
//!
//! ```text
//! 0642.11110010          reading (6), audio, high alarm, low alarm, over range, monitor, error code
//! 0642.1   04/21/95 16:56:24 ALARM      reading, date (month first), time, ALARM or FAIL
//! ```
//!
//! Each line ends with CR LF. Neither has a check or states its unit: the unit is the one the
//! monitor's display is set to and stands in the configuration. Lengths and places are fixed, so a line
//! is held to them; a digit that became another digit cannot be seen.
//!
//! A monitor that is over range, in error or not monitoring gives no value, whatever its digits say.
//! What the error codes mean is not documented; a code other than `0` is passed on by its character.
//!
//! Source: Ludlum Measurements, *Models 375 (including Series One), 375/1, 375/2 & 375/4*, May 2017,
//! pp. 4-3 and 5-6. The printer's date and clock are the monitor's own and trusted for nothing.

use core::fmt::Write;

use crate::{
    Decimal, Unit,
    reading::{Channels, Indication, Missing, Outcome, Quality},
    wire::{
        Decode, Event, Refusal,
        line::{Cut, Lines},
    },
};

/// Longest line accepted, in bytes; the printer line has 32.
pub const MAX_LINE_BYTES: usize = 40;

/// Bytes of the reading.
const READING_BYTES: usize = 6;

/// Bytes of a dump.
const DUMP_BYTES: usize = 12;

/// Error code of a monitor without an error.
pub const NO_ERROR: u8 = b'0';

/// One status dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a light on the panel and a byte in the dump")]
pub struct Dump {
    /// Digits of the display.
    pub reading: Decimal,
    /// The sounder is on.
    pub audio: bool,
    /// High alarm.
    pub high_alarm: bool,
    /// Low alarm.
    pub low_alarm: bool,
    /// Beyond the range of the display.
    pub over_range: bool,
    /// The monitor works; its green light.
    pub monitoring: bool,
    /// Error code, [`NO_ERROR`] for none.
    pub error: u8,
}

/// Why a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// An alarm.
    Alarm,
    /// A failure of the instrument.
    Fail,
}

/// One printer line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Digits of the display.
    pub reading: Decimal,
    /// Month, day and year without its century.
    pub date: [u8; 3],
    /// Hour, minute and second.
    pub time: [u8; 3],
    /// Why it was printed.
    pub occasion: Occasion,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Status dump.
    Dump(Dump),
    /// Printer line.
    Printed(Printed),
}

/// A line and the unit of its reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What the line says.
    pub line: Line,
    /// Unit of the display.
    pub unit: Unit,
}

impl Channels for Shown {
    /// `dose-rate`, `high-alarm` and, of a dump, `low-alarm`; alarms as 0 and 1.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let shown = |value| Ok(Indication { value, unit: self.unit, quality: Quality::Good });
        let flag =
            |on: bool| Ok(Indication { value: Decimal::whole(on.into()), unit: Unit::One, quality: Quality::Good });
        match self.line {
            Line::Dump(dump) => {
                tell("dose-rate", dump.missing().map_or_else(|| shown(dump.reading), Err));
                tell("high-alarm", flag(dump.high_alarm));
                tell("low-alarm", flag(dump.low_alarm));
            }
            Line::Printed(printed) => match printed.occasion {
                Occasion::Alarm => {
                    tell("dose-rate", shown(printed.reading));
                    tell("high-alarm", flag(true));
                }
                Occasion::Fail => tell("dose-rate", Err(Missing::InstrumentFault(0))),
            },
        }
    }
}

impl Dump {
    /// Why the reading is none.
    pub const fn missing(&self) -> Option<Missing> {
        if self.error != NO_ERROR {
            Some(Missing::InstrumentFault(self.error as u16))
        } else if !self.monitoring {
            Some(Missing::InstrumentFault(0))
        } else if self.over_range {
            Some(Missing::Overrange)
        } else {
            None
        }
    }
}

/// The decoder; a frame is one line of either kind.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: Lines<MAX_LINE_BYTES>,
    unit: Unit,
}

impl Decoder {
    /// A decoder for a monitor whose display is set to `unit`.
    pub const fn new(unit: Unit) -> Self {
        Self { lines: Lines::at_line_start(), unit }
    }
}

impl Decode for Decoder {
    type Item = Shown;

    fn push(&mut self, byte: u8) -> Option<Event<Shown>> {
        Some(match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Line => match read(self.lines.line()) {
                Ok(line) => Event::Frame(Shown { line, unit: self.unit }),
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

fn read(line: &[u8]) -> Result<Line, Refusal> {
    if let Ok(&[ref digits @ .., audio, high, low, over, monitor, error]) = <&[u8; DUMP_BYTES]>::try_from(line) {
        if !error.is_ascii_graphic() {
            return Err(Refusal::Shape);
        }
        return Ok(Line::Dump(Dump {
            reading: reading(digits)?,
            audio: flag(audio)?,
            high_alarm: flag(high)?,
            low_alarm: flag(low)?,
            over_range: flag(over)?,
            monitoring: flag(monitor)?,
            error,
        }));
    }
    // Manuals and printers disagree on the number of spaces between the fields.
    let mut fields = line.split(|&byte| byte == b' ').filter(|field| !field.is_empty());
    let mut next = || fields.next().ok_or(Refusal::Shape);
    let (digits, date, time, occasion) = (next()?, next()?, next()?, next()?);
    let occasion = match occasion {
        b"ALARM" => Occasion::Alarm,
        b"FAIL" => Occasion::Fail,
        _ => return Err(Refusal::Shape),
    };
    let (date, time) = (three(date, b'/')?, three(time, b':')?);
    let [month, day, _] = date;
    let [hour, minute, second] = time;
    if fields.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(Refusal::Shape);
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Refusal::Shape);
    }
    Ok(Line::Printed(Printed { reading: reading(digits)?, date, time, occasion }))
}

/// Five digits and a point before the last of them.
fn reading(digits: &[u8]) -> Result<Decimal, Refusal> {
    let Ok(&[ref whole @ .., b'.', tenth]) = <&[u8; READING_BYTES]>::try_from(digits) else {
        return Err(Refusal::Shape);
    };
    if !whole.iter().all(u8::is_ascii_digit) || !tenth.is_ascii_digit() {
        return Err(Refusal::Number);
    }
    Decimal::from_ascii(digits).map_err(|_| Refusal::Number)
}

fn flag(byte: u8) -> Result<bool, Refusal> {
    match byte {
        b'0' => Ok(false),
        b'1' => Ok(true),
        _ => Err(Refusal::Shape),
    }
}

/// Three pairs of digits.
fn three(text: &[u8], between: u8) -> Result<[u8; 3], Refusal> {
    let pair = |part: Option<&[u8]>| match part {
        Some(&[tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => Ok((tens - b'0') * 10 + (ones - b'0')),
        _ => Err(Refusal::Shape),
    };
    let mut parts = text.split(|&byte| byte == between);
    let three = [pair(parts.next())?, pair(parts.next())?, pair(parts.next())?];
    if parts.next().is_some() { Err(Refusal::Shape) } else { Ok(three) }
}

/// Writes a line with its CR LF; `None` when five digits with one place do not hold the reading, or the
/// error code is not printable, or date and time are none.
pub fn encode(line: &Line) -> Option<heapless::String<MAX_LINE_BYTES>> {
    let mut out = heapless::String::new();
    let (Line::Dump(Dump { reading, .. }) | Line::Printed(Printed { reading, .. })) = *line;
    let tenths = reading.at_places(1).map(Decimal::digits).filter(|it| (0..=99_999).contains(it))?;
    write!(out, "{:04}.{}", tenths / 10, tenths % 10).ok()?;
    match *line {
        Line::Dump(dump) => {
            for flag in [dump.audio, dump.high_alarm, dump.low_alarm, dump.over_range, dump.monitoring] {
                out.push(if flag { '1' } else { '0' }).ok()?;
            }
            out.push(char::from(dump.error)).ok()?;
        }
        Line::Printed(printed) => {
            let ([month, day, year], [hour, minute, second]) = (printed.date, printed.time);
            let occasion = match printed.occasion {
                Occasion::Alarm => "ALARM",
                Occasion::Fail => " FAIL",
            };
            write!(out, "   {month:02}/{day:02}/{year:02} {hour:02}:{minute:02}:{second:02} {occasion}").ok()?;
        }
    }
    // What would not be read back is not written.
    read(out.as_bytes()).ok()?;
    out.push_str("\r\n").ok()?;
    Some(out)
}
