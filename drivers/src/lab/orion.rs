//! Thermo Orion Star A meters: the answer to `GETMEAS`.
//!
//! Commands end with CR; the meter echoes, answers and prompts with `>`:
//!
//! ```text
//! GETMEAS         CR LF CR LF CR
//! A215 pH,X51250,3.04,ABCDE,12/07/23 09:30:40,---,CH-1,pH,4.61,pH,111.2, mV,25.0,C,89.1,%,M100,#1 LF CR CR >
//! model  ,serial,soft,user,  time            ,sample,channel,mode,value,unit,potential,unit,
//!                                        temperature,unit,slope,unit,method,number in the log
//! ```
//!
//! Dashes stand for what is not there. The blank before `mV` is the meter's own. Source: the captured answer in
//! the public driver notes of an A215; the setting `SETCSV` must be on, which is how such meters are delivered.

use core::fmt::Write;

use heapless::{String, Vec};

use crate::{
    Decimal, Unit,
    reading::{Channels, Missing, Outcome},
    wire::{
        Refusal, field,
        statement::{Statement, Statements},
    },
};

/// Longest line accepted, in bytes; the captured one has 94.
pub const MAX_LINE_BYTES: usize = 192;

/// Longest text field kept; the longest captured is the time, 17.
pub const MAX_FIELD_BYTES: usize = 24;

/// Fields of an answer.
const FIELDS: usize = 18;

/// A text field as it came.
pub type Field = Vec<u8, MAX_FIELD_BYTES>;

/// A measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Model and what the channel measures, `A215 pH`.
    pub model: Field,
    /// Serial number: the identity to compare with the register of instruments.
    pub serial: Field,
    /// Software revision.
    pub software: Field,
    /// User who signed in.
    pub user: Field,
    /// The meter's own time, as it writes it.
    pub time: Field,
    /// Sample, dashes included where none was entered.
    pub sample: Field,
    /// Channel, `CH-1`.
    pub channel: Field,
    /// What the display shows.
    pub mode: Mode,
    /// The displayed value; `None` for dashes.
    pub value: Option<Decimal>,
    /// Potential of the electrode in millivolt.
    pub millivolt: Option<Decimal>,
    /// Temperature in degrees Celsius.
    pub celsius: Option<Decimal>,
    /// Slope of the calibration, per cent of the theoretical.
    pub slope: Option<Decimal>,
    /// Method, `M100`.
    pub method: Field,
    /// Number in the meter's log, `#1`.
    pub log_number: Field,
}

/// What the display shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `pH`, unit `pH`.
    Ph,
    /// `mV`, unit `mV`.
    Millivolt,
}

impl Mode {
    const fn text(self) -> &'static str {
        match self {
            Self::Ph => "pH",
            Self::Millivolt => "mV",
        }
    }
}

/// The decoder; a frame is one answer. Echoes, prompts and empty lines are nothing.
pub type Decoder = Statements<Measurement, MAX_LINE_BYTES>;

impl Statement for Measurement {
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal> {
        let line = line.trim_ascii();
        let line = line.strip_prefix(b">").unwrap_or(line).trim_ascii();
        if line.is_empty() || Request::decode(line).is_some() {
            return Ok(None);
        }
        if line.split(|&byte| byte == b',').count() != FIELDS {
            return Err(Refusal::Shape);
        }
        let mut fields = line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        let mut next = || fields.next().ok_or(Refusal::Shape);
        let measurement = Self {
            model: field::text(next()?)?,
            serial: field::text(next()?)?,
            software: field::text(next()?)?,
            user: field::text(next()?)?,
            time: field::text(next()?)?,
            sample: field::text(next()?)?,
            channel: field::text(next()?)?,
            mode: match next()? {
                b"pH" => Mode::Ph,
                b"mV" => Mode::Millivolt,
                _ => return Err(Refusal::Unit),
            },
            value: optional(next()?)?,
            // The display's unit stands with its mode; another would be another quantity.
            millivolt: {
                let unit = next()?;
                if unit != b"pH" && unit != b"mV" {
                    return Err(Refusal::Unit);
                }
                with_unit(next()?, next()?, b"mV")?
            },
            celsius: with_unit(next()?, next()?, b"C")?,
            slope: with_unit(next()?, next()?, b"%")?,
            method: field::text(next()?)?,
            log_number: field::text(next()?)?,
        };
        let shown_unit = line.split(|&byte| byte == b',').nth(9).map(<[u8]>::trim_ascii);
        if shown_unit != Some(measurement.mode.text().as_bytes()) {
            return Err(Refusal::Unit);
        }
        let model = &measurement.model;
        if model.is_empty() || !measurement.channel.starts_with(b"CH-") {
            return Err(Refusal::Shape);
        }
        Ok(Some(measurement))
    }
}

/// Dashes are no value.
fn optional(text: &[u8]) -> Result<Option<Decimal>, Refusal> {
    if !text.is_empty() && text.iter().all(|&byte| byte == b'-') {
        return Ok(None);
    }
    field::number(text).map(Some)
}

fn with_unit(text: &[u8], found: &[u8], expected: &[u8]) -> Result<Option<Decimal>, Refusal> {
    if found == expected { optional(text) } else { Err(Refusal::Unit) }
}

impl Channels for Measurement {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let shown = |value: Option<Decimal>, unit| value.map_or(Err(Missing::NotPresent), |it| super::good(it, unit));
        match self.mode {
            Mode::Ph => {
                tell("ph", shown(self.value, Unit::PH));
                tell("potential", shown(self.millivolt, Unit::Millivolt));
            }
            Mode::Millivolt => tell("potential", shown(self.value, Unit::Millivolt)),
        }
        tell("temperature", shown(self.celsius, Unit::Celsius));
        tell("slope", shown(self.slope, Unit::Percent));
    }
}

/// What the meter can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// `GETMEAS`: the current measurement of the active channel.
    Measure,
    /// `GETMEAS n`: of channel `n`, `1..=9`.
    MeasureChannel(u8),
    /// `GETMODE`.
    Mode,
    /// `SYSTEM`: model, serial number, software.
    System,
    /// `HELP`.
    Help,
}

/// Longest request, CR included.
pub const MAX_REQUEST_BYTES: usize = 12;

impl Request {
    /// Writes the command with its CR; `None` for a channel outside `1..=9`.
    pub fn encode(self) -> Option<String<MAX_REQUEST_BYTES>> {
        let mut out = String::new();
        match self {
            Self::Measure => out.push_str("GETMEAS").ok()?,
            Self::MeasureChannel(channel @ 1..=9) => write!(out, "GETMEAS {channel}").ok()?,
            Self::MeasureChannel(_) => return None,
            Self::Mode => out.push_str("GETMODE").ok()?,
            Self::System => out.push_str("SYSTEM").ok()?,
            Self::Help => out.push_str("HELP").ok()?,
        }
        out.push('\r').ok()?;
        Some(out)
    }

    /// Reads a command without its CR, as the simulated meter does.
    pub fn decode(line: &[u8]) -> Option<Self> {
        match line.trim_ascii() {
            b"GETMEAS" => Some(Self::Measure),
            b"GETMODE" => Some(Self::Mode),
            b"SYSTEM" => Some(Self::System),
            b"HELP" => Some(Self::Help),
            other => match *other.strip_prefix(b"GETMEAS ")? {
                [digit @ b'1'..=b'9'] => Some(Self::MeasureChannel(digit - b'0')),
                _ => None,
            },
        }
    }
}

/// Longest answer written, echo and prompt included.
pub const MAX_ENCODED_BYTES: usize = MAX_LINE_BYTES + 32;

/// Writes echo, answer and prompt, in the line ends of the capture.
///
/// `None` when the answer cannot be read back the same.
pub fn encode(measurement: &Measurement) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let it = measurement;
    let mut out: Vec<u8, MAX_ENCODED_BYTES> = Vec::new();
    for text in [&it.model, &it.serial, &it.software, &it.user, &it.time, &it.sample, &it.channel] {
        out.extend_from_slice(text).ok()?;
        out.push(b',').ok()?;
    }
    let mode = it.mode.text();
    out.extend_from_slice(mode.as_bytes()).ok()?;
    for (value, unit) in [(it.value, mode), (it.millivolt, " mV"), (it.celsius, "C"), (it.slope, "%")] {
        let mut text = String::<32>::new();
        match value {
            Some(value) => write!(text, ",{value},{unit}").ok()?,
            None => write!(text, ",---,{unit}").ok()?,
        }
        out.extend_from_slice(text.as_bytes()).ok()?;
    }
    for text in [&it.method, &it.log_number] {
        out.push(b',').ok()?;
        out.extend_from_slice(text).ok()?;
    }
    if Measurement::read(&out).ok().flatten().as_ref() != Some(it) {
        return None;
    }
    let mut framed = Vec::new();
    framed.extend_from_slice(b"GETMEAS         \r\n\r\n\r").ok()?;
    framed.extend_from_slice(&out).ok()?;
    framed.extend_from_slice(b"\n\r\r>").ok()?;
    Some(framed)
}
