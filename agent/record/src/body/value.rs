//! The values that details of several kinds share, as CBOR.

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Moment, Outcome, Quality},
};

use crate::cbor::{CborError, Reader, Writer};

/// What sets a record apart from evidence of the real world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// At least one instrument behind it was simulated.
    pub simulated: bool,
    /// An exercise: recorded, and kept out of statistics.
    pub drill: bool,
}

/// Which software, with which configuration, made the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Name and version, e.g. `tidewaiter 0.1.0`.
    pub software: String,
    /// SHA-256 of the configuration in force.
    pub config: [u8; 32],
}

impl Flags {
    pub(super) fn write(self, w: &mut Writer) {
        w.uint(u64::from(self.simulated) | u64::from(self.drill) << 1);
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let at = r.at();
        match r.uint()? {
            bits @ 0..=3 => Ok(Self { simulated: bits & 1 != 0, drill: bits & 2 != 0 }),
            _ => Err(CborError::Expected { at, expected: "flags 0 to 3" }),
        }
    }
}

impl Context {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.software));
            m.int(2, |w| w.bytes(&self.config));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let context = Self { software: fields.need(1, owned)?, config: fields.need(2, Reader::fixed)? };
        fields.end()?;
        Ok(context)
    }
}

pub(super) fn owned(r: &mut Reader<'_>) -> Result<String, CborError> {
    r.owned_text()
}

pub(super) fn write_moment(w: &mut Writer, moment: Moment) {
    w.array(2);
    w.uint(moment.mono_ms);
    w.int(moment.wall_ms);
}

pub(super) fn read_moment(r: &mut Reader<'_>) -> Result<Moment, CborError> {
    r.array(2)?;
    Ok(Moment { mono_ms: r.uint()?, wall_ms: r.int()? })
}

pub(super) fn write_decimal(w: &mut Writer, value: Decimal) {
    w.array(2);
    w.int(value.digits());
    w.uint(u64::from(value.places()));
}

pub(super) fn read_decimal(r: &mut Reader<'_>) -> Result<Decimal, CborError> {
    r.array(2)?;
    let digits = r.int()?;
    read_places(r, digits)
}

fn read_places(r: &mut Reader<'_>, digits: i64) -> Result<Decimal, CborError> {
    let at = r.at();
    let too_many = CborError::Expected { at, expected: "0 to 18 decimal places" };
    Decimal::new(digits, r.small()?).ok_or(too_many)
}

// An unknown word leaves a mark in the reader and a stand-in here. The stand-in never gets out: reading
// goes on only so that the shape of the rest is judged, and the detail is then content unknown.

pub(super) fn read_unit(r: &mut Reader<'_>) -> Result<Unit, CborError> {
    let unit = r.text()?.parse();
    Ok(unit.unwrap_or_else(|_| {
        r.mark_unknown();
        Unit::One
    }))
}

pub(super) fn read_quality(r: &mut Reader<'_>) -> Result<Quality, CborError> {
    let quality = Quality::from_word(r.text()?);
    Ok(quality.unwrap_or_else(|| {
        r.mark_unknown();
        Quality::Good
    }))
}

/// `[digits, places, unit, quality]`, or `[reason, code / null]`: a reader tells them by the first item.
pub(super) fn write_outcome(w: &mut Writer, outcome: Outcome) {
    match outcome {
        Ok(shown) => {
            w.array(4);
            w.int(shown.value.digits());
            w.uint(u64::from(shown.value.places()));
            w.text(shown.unit.code());
            w.text(shown.quality.word());
        }
        Err(missing) => {
            w.array(2);
            w.text(missing.word());
            match missing.code() {
                Some(code) => w.uint(u64::from(code)),
                None => w.null(),
            }
        }
    }
}

pub(super) fn read_outcome(r: &mut Reader<'_>) -> Result<Outcome, CborError> {
    let mut ahead = r.clone();
    if ahead.array(4).is_ok() {
        *r = ahead;
        let digits = r.int()?;
        let value = read_places(r, digits)?;
        let unit = read_unit(r)?;
        let quality = read_quality(r)?;
        Ok(Ok(Indication { value, unit, quality }))
    } else {
        r.array(2)?;
        let word = r.text()?;
        let code = r.nullable(Reader::small::<u16>)?;
        Ok(Err(Missing::from_word(word, code).unwrap_or_else(|| {
            r.mark_unknown();
            Missing::Refused
        })))
    }
}
