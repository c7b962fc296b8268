//! One line of text to one [`Line`].
#![allow(clippy::similar_names, reason = "LLD and ULD are the words of the set-up lines")]

use heapless::Vec;

use super::{
    Counts, GammaTag, Line, NeutronTag, TimeOfDay,
    setup::{Algorithm, Gamma1, Gamma2, Gamma3, MAX_INTERVALS, Neutron1, Neutron2, Setup, Text},
};
use crate::{Decimal, wire::Refusal};

/// Most fields of a line: a tag, six of `SG1`, and a time.
const MAX_FIELDS: usize = 12;

/// Digits of a field of a count line.
const COUNT_DIGITS: usize = 6;

type Fields<'a> = [&'a [u8]];

/// Reads one line without its end, and the time of day a daily file puts behind it.
///
/// # Errors
///
/// Refuses a line without a tag, and a line with a known tag whose fields are not all there.
pub(super) fn line(text: &[u8]) -> Result<(Line, Option<TimeOfDay>), Refusal> {
    let mut fields = Vec::<&[u8], MAX_FIELDS>::new();
    for field in text.split(|&byte| byte == b',') {
        fields.push(field).map_err(|_| Refusal::Shape)?;
    }
    let time = fields.last().and_then(|&field| time_of_day(field));
    if time.is_some() {
        fields.pop();
    }
    let Some((&tag, rest)) = fields.split_first() else {
        return Err(Refusal::Shape);
    };
    if !is_tag(tag) {
        return Err(Refusal::Shape);
    }
    Ok((tagged(tag, rest)?, time))
}

fn tagged(tag: &[u8], rest: &Fields<'_>) -> Result<Line, Refusal> {
    if let Some(tag) = GammaTag::ALL.into_iter().find(|it| it.text().as_bytes() == tag) {
        return Ok(Line::Gamma { tag, counts: counts(rest)? });
    }
    if let Some(tag) = NeutronTag::ALL.into_iter().find(|it| it.text().as_bytes() == tag) {
        return Ok(Line::Neutron { tag, counts: counts(rest)? });
    }
    Ok(match tag {
        b"SP" => speed(rest)?,
        b"GX" => {
            let [counter, neutron_background, ..] = counts(rest)?;
            let neutron_background = Decimal::new(i64::from(neutron_background), 3).ok_or(Refusal::Number)?;
            Line::End { counter, neutron_background }
        }
        b"TT" => counts(rest).map(|_| Line::Tamper(true))?,
        b"TC" => counts(rest).map(|_| Line::Tamper(false))?,
        b"SG1" => Line::Setup(Setup::Gamma1(gamma1(rest)?)),
        b"SG2" => Line::Setup(Setup::Gamma2(gamma2(rest)?)),
        b"SG3" => Line::Setup(Setup::Gamma3(gamma3(rest)?)),
        b"SN1" => Line::Setup(Setup::Neutron1(neutron1(rest)?)),
        b"SN2" => Line::Setup(Setup::Neutron2(neutron2(rest)?)),
        _ => Line::Unknown,
    })
}

/// Tags are a capital letter and one or two more capitals or digits.
fn is_tag(field: &[u8]) -> bool {
    let [first, rest @ ..] = field else {
        return false;
    };
    first.is_ascii_uppercase()
        && (1..=2).contains(&rest.len())
        && rest.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn counts(fields: &Fields<'_>) -> Result<Counts, Refusal> {
    let [first, second, third, fourth] = fields else {
        return Err(Refusal::Shape);
    };
    Ok([count(first)?, count(second)?, count(third)?, count(fourth)?])
}

fn count(field: &[u8]) -> Result<u32, Refusal> {
    if field.len() == COUNT_DIGITS { number(field) } else { Err(Refusal::Shape) }
}

fn speed(fields: &Fields<'_>) -> Result<Line, Refusal> {
    let [foot_time, mph, kmh, filler] = fields else {
        return Err(Refusal::Shape);
    };
    count(filler)?;
    Ok(Line::Speed { foot_time: pointed(foot_time)?, mph: pointed(mph)?, kmh: pointed(kmh)? })
}

fn gamma1(fields: &Fields<'_>) -> Result<Gamma1, Refusal> {
    // The sixth field is a placeholder.
    let [high_fault, low_fault, intervals, hold_in, n_sigma, _] = fields else {
        return Err(Refusal::Shape);
    };
    let intervals = narrow(intervals)?;
    let n_sigma = unsigned(n_sigma)?;
    if !(1..=MAX_INTERVALS).contains(&intervals) || n_sigma.digits() == 0 {
        return Err(Refusal::Number);
    }
    Ok(Gamma1 {
        high_fault: number(high_fault.trim_ascii())?,
        low_fault: number(low_fault.trim_ascii())?,
        intervals,
        hold_in: narrow(hold_in)?,
        n_sigma,
    })
}

fn gamma2(fields: &Fields<'_>) -> Result<Gamma2, Refusal> {
    let [detectors, master_lld, master_uld, relay, algorithm, software] = fields else {
        return Err(Refusal::Shape);
    };
    let algorithm = algorithm.trim_ascii();
    Ok(Gamma2 {
        detectors: text(detectors)?,
        master_lld: unsigned(master_lld)?,
        master_uld: unsigned(master_uld)?,
        relay: narrow(relay)?,
        algorithm: Algorithm::ALL
            .into_iter()
            .find(|it| it.text().as_bytes().eq_ignore_ascii_case(algorithm))
            .ok_or(Refusal::Shape)?,
        software: text(software)?,
    })
}

fn gamma3(fields: &Fields<'_>) -> Result<Gamma3, Refusal> {
    let [slave_lld, slave_uld, background_time_s, background_sigma, firmware] = fields else {
        return Err(Refusal::Shape);
    };
    Ok(Gamma3 {
        slave_lld: unsigned(slave_lld)?,
        slave_uld: unsigned(slave_uld)?,
        background_time_s: narrow(background_time_s)?,
        background_sigma: unsigned(background_sigma)?,
        firmware: text(firmware)?,
    })
}

fn neutron1(fields: &Fields<'_>) -> Result<Neutron1, Refusal> {
    let [high_fault, max_intervals, alpha, zmax, sequential_intervals, background_time_s] = fields else {
        return Err(Refusal::Shape);
    };
    Ok(Neutron1 {
        high_fault: number(high_fault.trim_ascii())?,
        max_intervals: narrow(max_intervals)?,
        alpha: unsigned(alpha)?,
        zmax: unsigned(zmax)?,
        sequential_intervals: narrow(sequential_intervals)?,
        background_time_s: narrow(background_time_s)?,
    })
}

fn neutron2(fields: &Fields<'_>) -> Result<Neutron2, Refusal> {
    let [master_lld, master_uld, slave_lld, slave_uld] = fields else {
        return Err(Refusal::Shape);
    };
    Ok(Neutron2 {
        master_lld: unsigned(master_lld)?,
        master_uld: unsigned(master_uld)?,
        slave_lld: unsigned(slave_lld)?,
        slave_uld: unsigned(slave_uld)?,
    })
}

/// A whole number of up to nine digits.
fn number(field: &[u8]) -> Result<u32, Refusal> {
    if !(1..=9).contains(&field.len()) || !field.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Number);
    }
    Ok(field.iter().fold(0, |sum, &digit| sum * 10 + u32::from(digit - b'0')))
}

fn narrow<T: TryFrom<u32>>(field: &[u8]) -> Result<T, Refusal> {
    T::try_from(number(field.trim_ascii())?).map_err(|_| Refusal::Number)
}

/// A decimal number without a sign.
fn unsigned(field: &[u8]) -> Result<Decimal, Refusal> {
    let field = field.trim_ascii();
    if !field.first().is_some_and(u8::is_ascii_digit) {
        return Err(Refusal::Number);
    }
    Decimal::from_ascii(field).map_err(|_| Refusal::Number)
}

/// A decimal number without a sign, with a point in it: what all three speeds have.
fn pointed(field: &[u8]) -> Result<Decimal, Refusal> {
    if field.contains(&b'.') { unsigned(field) } else { Err(Refusal::Number) }
}

fn text(field: &[u8]) -> Result<Text, Refusal> {
    let printable = field.iter().all(|byte| (b' '..=b'~').contains(byte));
    let text = core::str::from_utf8(field.trim_ascii()).map_err(|_| Refusal::Shape)?;
    if printable { Text::try_from(text).map_err(|_| Refusal::TooLong) } else { Err(Refusal::Shape) }
}

/// `HH-MM-SS.mmm`; digits of any count, as long as they make a time.
fn time_of_day(field: &[u8]) -> Option<TimeOfDay> {
    let mut parts = field.splitn(3, |&byte| byte == b'-');
    let (hour, minute, tail) = (parts.next()?, parts.next()?, parts.next()?);
    let mut parts = tail.splitn(2, |&byte| byte == b'.');
    let (second, milli) = (parts.next()?, parts.next()?);
    let part = |text: &[u8], limit: u32| number(text).ok().filter(|&it| it < limit);
    Some(TimeOfDay {
        hour: u8::try_from(part(hour, 24)?).ok()?,
        minute: u8::try_from(part(minute, 60)?).ok()?,
        second: u8::try_from(part(second, 60)?).ok()?,
        milli: u16::try_from(part(milli, 1000)?).ok()?,
    })
}
