//! The bytes of a record, both ways.

use core::fmt::Write;

use heapless::{String, Vec};

use super::{Content, Flag, MAX_RECORD_BYTES, MAX_VALUES, Module, Observation, Record, Stamp, Statistic, Value};
use crate::wire::{Refusal, field, statement::Statement};

const SEPARATOR: u8 = b'@';

const MONTHS: [&[u8; 3]; 12] =
    [b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"];

impl Statement for Record {
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal> {
        // Spaces before the record are those of a terminal; behind the last separator nothing stands.
        let line = line.trim_ascii_start();
        if !line.starts_with(b"HVI@") {
            return Err(Refusal::Shape);
        }
        let body = checked(line)?;
        let mut fields = body.split(|&byte| byte == SEPARATOR);
        let mut next = || fields.next().ok_or(Refusal::Shape);
        next()?;
        let (module, code, instrument, time, date) = (next()?, next()?, next()?, next()?, next()?);
        let &[tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = code else {
            return Err(Refusal::Shape);
        };
        let code = 10 * (tens - b'0') + ones - b'0';
        let instrument = field::text(instrument)?;
        let stamp = stamp(time, date)?;
        let content = if module.is_empty() {
            Content::DataSet { code, remark: remark(body)? }
        } else {
            Content::Observation(observation(module, code, &mut fields)?)
        };
        Ok(Some(Self { instrument, stamp, content }))
    }
}

/// What stands before the check, without its last separator.
fn checked(line: &[u8]) -> Result<&[u8], Refusal> {
    let rest = line.strip_suffix(&[SEPARATOR]).ok_or(Refusal::Shape)?;
    let at = rest.iter().rposition(|&byte| byte == SEPARATOR).ok_or(Refusal::Shape)?;
    let (body, check) = rest.split_at_checked(at).ok_or(Refusal::Shape)?;
    let check = check.strip_prefix(&[SEPARATOR]).ok_or(Refusal::Shape)?;
    if !(1..=3).contains(&check.len()) {
        return Err(Refusal::Shape);
    }
    let found = field::whole(check, u32::from(u8::MAX)).map_err(|_| Refusal::Shape)?;
    if found == u32::from(xor(body)) { Ok(body) } else { Err(Refusal::Checksum) }
}

/// XOR of the bytes and the separator behind them.
fn xor(body: &[u8]) -> u8 {
    body.iter().fold(SEPARATOR, |xor, byte| xor ^ byte)
}

fn stamp(time: &[u8], date: &[u8]) -> Result<Stamp, Refusal> {
    let two = |digits: Option<&[u8]>, least: u32, most: u32| {
        let digits = digits.filter(|it| it.len() == 2).ok_or(Refusal::Shape)?;
        let value = field::whole(digits, most)?;
        u8::try_from(value).ok().filter(|_| value >= least).ok_or(Refusal::Number)
    };
    let mut time = time.split(|&byte| byte == b':');
    let (hour, minute) = (two(time.next(), 0, 23)?, two(time.next(), 0, 59)?);
    let mut date = date.split(|&byte| byte == b'-');
    let day = two(date.next(), 1, 31)?;
    let month = date.next().and_then(|text| MONTHS.iter().position(|it| text.eq_ignore_ascii_case(*it)));
    let month = month.and_then(|it| u8::try_from(it + 1).ok()).ok_or(Refusal::Number)?;
    let year = two(date.next(), 0, 99)?;
    if time.next().is_some() || date.next().is_some() {
        return Err(Refusal::Shape);
    }
    Ok(Stamp { hour, minute, day, month, year })
}

/// The fields behind the date, as they came.
fn remark<const N: usize>(body: &[u8]) -> Result<Vec<u8, N>, Refusal> {
    // Six fields stand before them: instrument type, module, record type, instrument, time, date.
    let rest = body.splitn(7, |&byte| byte == SEPARATOR).nth(6).unwrap_or_default();
    field::text(rest)
}

fn observation<'l>(
    module: &[u8],
    code: u8,
    fields: &mut impl Iterator<Item = &'l [u8]>,
) -> Result<Observation, Refusal> {
    let module = Module::ALL.into_iter().find(|it| it.code().as_bytes() == module).ok_or(Refusal::Shape)?;
    let statistic = Statistic::ALL.into_iter().find(|it| it.code() == code).ok_or(Refusal::Shape)?;
    let mut next = || fields.next().ok_or(Refusal::Shape);
    let (identifier, sample) = (field::text(next()?)?, field::text(next()?)?);
    let repetition = match statistic {
        Statistic::Individual => {
            let count = |field| Ok(u8::try_from(field::whole(field, 99)?).unwrap_or(u8::MAX));
            Some((count(next()?)?, count(next()?)?))
        }
        _ => None,
    };
    let mut values: Vec<Value, MAX_VALUES> = Vec::new();
    for field in fields {
        match (flag(field), values.last_mut()) {
            (Some(flag), Some(value)) => value.flags.push(flag).map_err(|_| Refusal::Shape)?,
            _ => {
                let value = Value { number: field::number(field)?, flags: Vec::new() };
                values.push(value).map_err(|_| Refusal::TooLong)?;
            }
        }
    }
    if values.is_empty() || module.count().is_some_and(|count| count != values.len()) {
        return Err(Refusal::Shape);
    }
    // Two decimals are millimetres and three are inches; with any other the unit would be a guess.
    let length = values.first().filter(|_| module == Module::LengthStrength && statistic != Statistic::Variation);
    if length.is_some_and(|value| !matches!(value.number.places(), 2 | 3)) {
        return Err(Refusal::Unit);
    }
    Ok(Observation { module, statistic, identifier, sample, repetition, values })
}

fn flag(field: &[u8]) -> Option<Flag> {
    match field.trim_ascii() {
        b"R" => Some(Flag::Retest),
        b"L" => Some(Flag::LotLimit),
        b"n" => Some(Flag::Clear),
        b"" => Some(Flag::Blank),
        _ => None,
    }
}

/// Writes a record with its check and its CR.
///
/// `None` when the record cannot be read back the same: a separator, a control character or outer spaces in a
/// text, a number of values that the module does not have.
pub fn encode(record: &Record) -> Option<Vec<u8, MAX_RECORD_BYTES>> {
    let mut out = Vec::new();
    let Stamp { hour, minute, day, month, year } = record.stamp;
    let month = core::str::from_utf8(MONTHS.get(usize::from(month).checked_sub(1)?)?.as_slice()).ok()?;
    let (module, code) = match &record.content {
        Content::Observation(it) => (it.module.code(), it.statistic.code()),
        Content::DataSet { code, .. } => ("", *code),
    };
    put(&mut out, format_args!("HVI@{module}@{code:02}@"))?;
    out.extend_from_slice(&record.instrument).ok()?;
    put(&mut out, format_args!("@{hour:02}:{minute:02}@{day:02}-{month}-{year:02}@"))?;
    match &record.content {
        Content::Observation(it) => {
            for text in [it.identifier.as_slice(), &it.sample] {
                out.extend_from_slice(text).ok()?;
                out.push(SEPARATOR).ok()?;
            }
            if let Some((number, of)) = it.repetition {
                put(&mut out, format_args!("{number:2}@{of:2}@"))?;
            }
            for value in &it.values {
                put(&mut out, format_args!("{}@", value.number))?;
                for flag in &value.flags {
                    let flag = match flag {
                        Flag::Retest => "R",
                        Flag::LotLimit => "L",
                        Flag::Clear => "n",
                        Flag::Blank => "",
                    };
                    put(&mut out, format_args!("{flag}@"))?;
                }
            }
        }
        Content::DataSet { remark, .. } => {
            out.extend_from_slice(remark).ok()?;
            out.push(SEPARATOR).ok()?;
        }
    }
    let check = out.iter().fold(0, |xor, byte| xor ^ byte);
    put(&mut out, format_args!("{check}@"))?;
    if Record::read(&out).ok().flatten().as_ref() != Some(record) {
        return None;
    }
    out.push(b'\r').ok()?;
    Some(out)
}

fn put(out: &mut Vec<u8, MAX_RECORD_BYTES>, text: core::fmt::Arguments<'_>) -> Option<()> {
    let mut written = String::<64>::new();
    written.write_fmt(text).ok()?;
    out.extend_from_slice(written.as_bytes()).ok()
}
