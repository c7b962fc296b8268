//! A bench pH meter that streams what it shows and prints a report at the end.
//!
//! ```text
//! 4.54pH 24.7°C ATC        about once a second; the degree sign is the one byte F8 (code page 437)
//!
//! 20-Feb-2023              the report: date, time, result, temperature, words
//! 11:16
//! 4.77pH
//! 24.7°C ATC
//! Auto EP Standard
//! Blank
//! ```
//!
//! Only a line of the stream is a reading. The report repeats a result already streamed, and taking it
//! again would count it twice; its lines pass without an event. The meter's bytes are known from a
//! capture (a textile mill, February 2023), its manual is not.

use heapless::Vec;

use crate::{
    Decimal, Unit,
    reading::{Channels, Indication, Outcome, Quality},
    wire::{
        Decode, Event, Refusal,
        line::{Cut, Lines},
    },
};

/// Longest line accepted, in bytes; the longest captured has 18.
pub const MAX_LINE_BYTES: usize = 48;

/// Longest line [`encode`] writes, line end included.
pub const MAX_ENCODED_BYTES: usize = 32;

/// Lines after the date that may belong to a report. The one captured has six; beyond this it is not
/// a report but a stream that cannot be read.
pub const MAX_REPORT_LINES: u8 = 12;

/// The degree sign in code page 437, as the captured meter sends it.
const DEGREE_CP437: u8 = 0xF8;

/// What the meter showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhLine {
    /// Acidity.
    pub ph: Decimal,
    /// Temperature of the sample in degrees Celsius, when the line has one.
    pub celsius: Option<Decimal>,
    /// The meter compensates for temperature by its probe (`ATC`).
    pub compensated: bool,
}

impl Channels for PhLine {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let shown = |value, unit| Ok(Indication { value, unit, quality: Quality::Good });
        tell("ph", shown(self.ph, Unit::PH));
        if let Some(celsius) = self.celsius {
            tell("temperature", shown(celsius, Unit::Celsius));
        }
    }
}

/// The decoder; a frame is one line of the stream.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: Lines<MAX_LINE_BYTES>,
    report_lines_left: u8,
}

impl Decoder {
    /// A decoder for a stream joined at an unknown place: it waits for the first line end.
    pub const fn new() -> Self {
        Self { lines: Lines::in_mid_line(), report_lines_left: 0 }
    }

    /// A decoder for a stream that starts at the start of a line, as a file does.
    pub const fn at_line_start() -> Self {
        Self { lines: Lines::at_line_start(), report_lines_left: 0 }
    }

    fn line(&mut self) -> Option<Event<PhLine>> {
        let text = self.lines.line().trim_ascii();
        if text.is_empty() {
            return None;
        }
        if is_date(text) {
            self.report_lines_left = MAX_REPORT_LINES;
            return None;
        }
        let read = decode(text);
        let in_report = self.report_lines_left > 0;
        // A line with both numbers is the stream again. Inside a report the result stands alone.
        let streams = matches!(read, Ok(PhLine { celsius: Some(_), .. }));
        if in_report && !streams {
            self.report_lines_left -= 1;
            return None;
        }
        self.report_lines_left = 0;
        Some(match read {
            Ok(line) => Event::Frame(line),
            Err(refusal) => Event::Refused(refusal),
        })
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Decoder {
    type Item = PhLine;

    fn push(&mut self, byte: u8) -> Option<Event<PhLine>> {
        match self.lines.push(byte)? {
            Cut::Line => self.line(),
            Cut::TooLong => Some(Event::Refused(Refusal::TooLong)),
            Cut::Garbage(bytes) => Some(Event::Garbage(bytes)),
        }
    }

    fn raw(&self) -> &[u8] {
        self.lines.line()
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

/// Reads one line of the stream.
fn decode(text: &[u8]) -> Result<PhLine, Refusal> {
    let at = text.windows(2).position(|pair| pair == b"pH").ok_or(Refusal::Shape)?;
    let (number, tail) = text.split_at_checked(at).ok_or(Refusal::Shape)?;
    let ph = shown(number, 2)?;
    let Some(tail) = tail.strip_prefix(b"pH") else {
        return Err(Refusal::Shape);
    };
    if tail.is_empty() {
        return Ok(PhLine { ph, celsius: None, compensated: false });
    }
    let Some(tail) = tail.strip_prefix(b" ") else {
        return Err(Refusal::Shape);
    };
    let (temperature, compensated) = match tail.strip_suffix(b" ATC") {
        Some(temperature) => (temperature, true),
        None => (tail, false),
    };
    let Some(degrees) = temperature.strip_suffix(b"C") else {
        return Err(Refusal::Unit);
    };
    // Code page 437, Latin-1 and UTF-8 spell the degree sign differently; some printers drop it.
    let signs: [&[u8]; 3] = [&[DEGREE_CP437], &[0xC2, 0xB0], &[0xB0]];
    let degrees = signs.iter().find_map(|sign| degrees.strip_suffix(*sign)).unwrap_or(degrees);
    Ok(PhLine { ph, celsius: Some(shown(degrees, 3)?), compensated })
}

/// A number as the display shows it: a sign or none, up to `whole_digits`, a point, one to three decimals.
fn shown(text: &[u8], whole_digits: usize) -> Result<Decimal, Refusal> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let point = unsigned.iter().position(|&byte| byte == b'.').ok_or(Refusal::Number)?;
    let decimals = unsigned.len() - point - 1;
    if !(1..=whole_digits).contains(&point) || !(1..=3).contains(&decimals) {
        return Err(Refusal::Number);
    }
    Decimal::from_ascii(text).map_err(|_| Refusal::Number)
}

/// `20-Feb-2023`.
fn is_date(text: &[u8]) -> bool {
    let &[d1, d2, b'-', m1, m2, m3, b'-', y1, y2, y3, y4] = text else {
        return false;
    };
    [d1, d2, y1, y2, y3, y4].iter().all(u8::is_ascii_digit) && [m1, m2, m3].iter().all(u8::is_ascii_alphabetic)
}

/// Writes the line the meter streams, with its CR LF.
///
/// `None` when its display could not show the numbers: two digits before the point (three for the
/// temperature), one to three behind it.
pub fn encode(line: &PhLine) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let mut out = Vec::new();
    put_number(&mut out, line.ph, 2)?;
    out.extend_from_slice(b"pH").ok()?;
    if let Some(celsius) = line.celsius {
        out.push(b' ').ok()?;
        put_number(&mut out, celsius, 3)?;
        out.extend_from_slice(&[DEGREE_CP437, b'C']).ok()?;
        if line.compensated {
            out.extend_from_slice(b" ATC").ok()?;
        }
    }
    out.extend_from_slice(b"\r\n").ok()?;
    Some(out)
}

fn put_number(out: &mut Vec<u8, MAX_ENCODED_BYTES>, value: Decimal, whole_digits: usize) -> Option<()> {
    use core::fmt::Write;

    let mut text = heapless::String::<24>::new();
    write!(text, "{value}").ok()?;
    shown(text.as_bytes(), whole_digits).ok()?;
    out.extend_from_slice(text.as_bytes()).ok()
}
