//! Horiba LAQUA and F-7x meters: the measurement record `RMD`.
//!
//! ```text
//! RMD,0001,01,1,0,1, ,2026,11,21,09,30,40,   7.02,0,0,0,  25.1,  -1.2,0 CR LF
//!     |    |  | | | | date and time       |       | | |     |      +- 0 no alarm, 1 lower, 2 upper
//!     |    |  | | | +- ion type           |       | | |     +- potential in millivolt
//!     |    |  | | |                       |       | | +- ATC 0 or MTC 1, then the temperature
//!     |    |  | | |                       |       | +- unit
//!     |    |  | | |                       |       +- prefix of the unit: 0 none, 1 micro, 2 milli …
//!     |    |  | | |                       +- displayed value
//!     |    |  | | +- 0 instantaneous, 1 held, 2 following
//!     |    |  | +- 0 measurement, 1 calibration
//!     |    |  +- channel, with the mode before it: 1 pH, 2 potential, 3 relative potential, 5 ion …
//!     +- sample
//! ```
//!
//! 2400 Bd, 8 data bits, no parity, 1 stop bit. `Or` and `Ur` in place of a number are over and under range. Source:
//! Horiba F-7x/LAQUA command reference, page 20, read from a copy whose text lost its order; the order above is the
//! one in which its columns add up. No example is printed there.

use core::fmt::Write;

use heapless::{String, Vec};

use crate::{
    Decimal, Unit,
    reading::{Channels, Doubt, Indication, Missing, Outcome, Quality},
    wire::{
        Refusal, field,
        statement::{Statement, Statements},
    },
};

/// Longest line accepted, in bytes; the record has about 75.
pub const MAX_LINE_BYTES: usize = 128;

/// A measurement record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Sample id, at most four characters.
    pub sample: Vec<u8, 4>,
    /// What is measured.
    pub mode: Mode,
    /// Channel, 1 or 2.
    pub channel: u8,
    /// How far the value has settled.
    pub state: State,
    /// Year, month, day, hour, minute, second of the meter's clock.
    pub time: [u16; 6],
    /// The displayed value.
    pub value: Shown,
    /// Compensated by the temperature probe.
    pub automatic: bool,
    /// Temperature in degrees Celsius.
    pub celsius: Shown,
    /// Potential in millivolt.
    pub millivolt: Shown,
    /// The alarm of the meter's own limits: 0 none, 1 lower, 2 upper.
    pub alarm: u8,
}

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A number.
    Number(Decimal),
    /// `Or`.
    Over,
    /// `Ur`.
    Under,
}

/// What is measured. Other modes of the meters are refused: their units need the whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// pH.
    Ph,
    /// Potential in millivolt.
    Potential,
    /// Relative potential in millivolt.
    RelativePotential,
}

/// How far a value has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Whatever the display shows at the moment.
    Instantaneous,
    /// Held by the meter's stability test.
    Held,
    /// Following the potential.
    Following,
}

/// The decoder; a frame is one record.
pub type Decoder = Statements<Record, MAX_LINE_BYTES>;

impl Mode {
    const ALL: [Self; 3] = [Self::Ph, Self::Potential, Self::RelativePotential];

    const fn code(self) -> u8 {
        self as u8 + 1
    }
}

impl State {
    const ALL: [Self; 3] = [Self::Instantaneous, Self::Held, Self::Following];
}

impl Statement for Record {
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal> {
        let mut fields = line.trim_ascii().split(|&byte| byte == b',');
        let mut next = || fields.next().ok_or(Refusal::Shape);
        if next()? != b"RMD" {
            return Err(Refusal::Shape);
        }
        let sample = field::text(next()?)?;
        let code = |field: &[u8], most| field::whole(field, most).map(|it| u8::try_from(it).unwrap_or(u8::MAX));
        let mode = code(next()?, 99)?;
        let mode = Mode::ALL.into_iter().find(|it| it.code() == mode).ok_or(Refusal::Unit)?;
        let channel = code(next()?, 2)?;
        // A calibration is no measurement of the sample.
        if next()?.trim_ascii() != b"0" {
            return Err(Refusal::Shape);
        }
        let state = State::ALL.get(usize::from(code(next()?, 2)?)).copied().ok_or(Refusal::Shape)?;
        next()?;
        let mut time = [0; 6];
        for (place, most) in time.iter_mut().zip([9999, 12, 31, 23, 59, 59]) {
            *place = u16::try_from(field::whole(next()?, most)?).map_err(|_| Refusal::Number)?;
        }
        let value = shown(next()?)?;
        if (code(next()?, 4)?, code(next()?, 9)?) != (0, 0) {
            return Err(Refusal::Unit);
        }
        let automatic = code(next()?, 1)? == 0;
        let (celsius, millivolt) = (shown(next()?)?, shown(next()?)?);
        let alarm = code(next()?, 2)?;
        if fields.next().is_some() || channel == 0 {
            return Err(Refusal::Shape);
        }
        Ok(Some(Self { sample, mode, channel, state, time, value, automatic, celsius, millivolt, alarm }))
    }
}

fn shown(text: &[u8]) -> Result<Shown, Refusal> {
    match text.trim_ascii() {
        b"Or" => Ok(Shown::Over),
        b"Ur" => Ok(Shown::Under),
        number => field::number(number).map(Shown::Number),
    }
}

impl Channels for Record {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let quality = match self.state {
            State::Held => Quality::Good,
            State::Instantaneous | State::Following => Quality::Uncertain(Doubt::Unstable),
        };
        let outcome = |shown, unit| match shown {
            Shown::Number(value) => Ok(Indication { value, unit, quality }),
            Shown::Over => Err(Missing::Overrange),
            Shown::Under => Err(Missing::Underrange),
        };
        match self.mode {
            Mode::Ph => {
                tell("ph", outcome(self.value, Unit::PH));
                tell("potential", outcome(self.millivolt, Unit::Millivolt));
            }
            Mode::Potential => tell("potential", outcome(self.value, Unit::Millivolt)),
            Mode::RelativePotential => {
                tell("relative-potential", outcome(self.value, Unit::Millivolt));
                tell("potential", outcome(self.millivolt, Unit::Millivolt));
            }
        }
        tell("temperature", outcome(self.celsius, Unit::Celsius));
    }
}

/// Writes a record with its CR LF; `None` when it cannot be read back the same.
pub fn encode(record: &Record) -> Option<String<MAX_LINE_BYTES>> {
    let it = record;
    let sample = core::str::from_utf8(&it.sample).ok()?;
    let [year, month, day, hour, minute, second] = it.time;
    let mut out = String::new();
    write!(out, "RMD,{sample:4},{:02},{},0,{}, ,", it.mode.code(), it.channel, it.state as u8).ok()?;
    write!(out, "{year:04},{month:02},{day:02},{hour:02},{minute:02},{second:02},").ok()?;
    column(&mut out, it.value, 7)?;
    write!(out, "0,0,{},", u8::from(!it.automatic)).ok()?;
    column(&mut out, it.celsius, 6)?;
    column(&mut out, it.millivolt, 7)?;
    write!(out, "{}", it.alarm).ok()?;
    if Record::read(out.as_bytes()).ok().flatten().as_ref() != Some(it) {
        return None;
    }
    out.push_str("\r\n").ok()?;
    Some(out)
}

/// A value at the right end of its columns, and the comma.
fn column(out: &mut String<MAX_LINE_BYTES>, shown: Shown, width: usize) -> Option<()> {
    let mut text = String::<24>::new();
    match shown {
        Shown::Number(value) => write!(text, "{value}").ok()?,
        Shown::Over => text.push_str("Or").ok()?,
        Shown::Under => text.push_str("Ur").ok()?,
    }
    write!(out, "{text:>width$},").ok()
}
