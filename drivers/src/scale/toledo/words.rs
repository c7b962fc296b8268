//! The status words and the numbers beside them, both ways.

use heapless::Vec;

use super::{CR, CR_AT, DummyZeros, Frame, MAX_FRAME_BYTES, STX, Settings, Step};
use crate::{
    Decimal, Unit,
    reading::Missing,
    scale::{
        digits,
        display::{Display, Kind, Motion},
    },
    wire::Refusal,
};

const MAX_DIGITS: i64 = 999_999;
/// The code of the point without decimals; those above have one more each.
const NO_DECIMALS: u8 = 2;

/// The sum of the low seven bits, modulo 128.
fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(byte & 0x7F)) & 0x7F
}

/// `digits` with the point where the code puts it.
pub(super) fn place(number: i64, point_code: u8, dummy_zeros: DummyZeros) -> Option<Decimal> {
    if point_code >= NO_DECIMALS {
        return Decimal::new(number, point_code - NO_DECIMALS);
    }
    // Six digits, or a step: 31 bits by two digits fit.
    let number = i64::from(i32::try_from(number).ok()?);
    let factor = match (dummy_zeros, point_code) {
        (DummyZeros::Apply, 0) => 100,
        (DummyZeros::Apply, _) => 10,
        (DummyZeros::Ignore, _) => 1,
    };
    Some(Decimal::whole(number.wrapping_mul(factor)))
}

/// The digits that [`place`] makes this value of.
fn displace(value: Decimal, point_code: u8, dummy_zeros: DummyZeros) -> Option<i64> {
    let factor = match (point_code, dummy_zeros) {
        (0, DummyZeros::Apply) => 100,
        (1, DummyZeros::Apply) => 10,
        _ => 1,
    };
    let places = point_code.saturating_sub(NO_DECIMALS);
    let whole = if value.places() == places { value.digits() } else { return None };
    (whole % factor == 0).then_some(whole / factor)
}

/// Reads one frame, with its check where the settings say so.
///
/// # Errors
///
/// Refuses a check that does not hold, words that are none, unknown units, and anything but digits.
pub(super) fn read(settings: Settings, raw: &[u8]) -> Result<Frame, Refusal> {
    if settings.check && sum(raw) != 0 {
        return Err(Refusal::Checksum);
    }
    let mut frame = [0; CR_AT + 1];
    for (to, from) in frame.iter_mut().zip(raw) {
        *to = from & 0x7F;
    }
    let [_, swa, swb, swc, numbers @ .., _] = frame;
    let (shown, tare) = numbers.split_at(6);
    // Bit 6 of the third word is the keyboard tare of one maker.
    if swa & 0x60 != 0x20 || swb & 0x20 == 0 || swc & 0x20 == 0 {
        return Err(Refusal::Shape);
    }
    let bit = |word: u8, bit: u8| word >> bit & 1 == 1;
    let unit = match swc & 0x07 {
        0 if bit(swb, 4) => Unit::Kilogram,
        0 => Unit::Pound,
        1 => Unit::Gram,
        2 => Unit::Tonne,
        3 => Unit::Ounce,
        6 => Unit::ShortTon,
        _ => return Err(Refusal::Unit),
    };
    let point_code = swa & 0x07;
    let expanded = bit(swc, 4);
    let value = |field: &[u8], negative: bool| -> Result<Result<Decimal, Missing>, Refusal> {
        let field = field.trim_ascii_start();
        if field.is_empty() {
            return Ok(Err(Missing::NotPresent));
        }
        let number = digits::read_unsigned(field)?;
        if !field.iter().all(u8::is_ascii_digit) {
            return Err(Refusal::Number);
        }
        let signed = if negative { -number.digits() } else { number.digits() };
        let placed = place(signed, point_code, settings.dummy_zeros).ok_or(Refusal::Number)?;
        Ok(if expanded { Err(Missing::Refused) } else { Ok(placed) })
    };
    let negative = bit(swb, 1);
    let shown = match (bit(swb, 2), negative) {
        (true, true) => Err(Missing::Underrange),
        (true, false) => Err(Missing::Overrange),
        (false, _) => value(shown, negative)?,
    };
    let kind = if bit(swb, 0) { Kind::Net } else { Kind::Gross };
    let motion = if bit(swb, 3) { Motion::Moving } else { Motion::Stable };
    Ok(Frame {
        display: Display { kind, shown, unit: Some(unit), motion },
        tare: Display { kind: Kind::Tare, shown: value(tare, false)?, unit: Some(unit), motion: Motion::Stable },
        point_code,
        step: Step::from_code(swa >> 3 & 0x03),
        not_zeroed: bit(swb, 6),
        print_request: bit(swc, 3),
        expanded,
        keyboard_tare: bit(swc, 6),
    })
}

/// Writes a frame. `None` for what its words cannot say: a number of more than six digits or other
/// decimals than its point code, a negative tare, a unit without a code, a kind other than gross or net.
pub fn encode(settings: Settings, frame: &Frame) -> Option<Vec<u8, MAX_FRAME_BYTES>> {
    let unit = frame.display.unit?;
    if frame.tare.unit != Some(unit) || frame.tare.kind != Kind::Tare || frame.point_code > 7 {
        return None;
    }
    let (unit_code, kilogram) = match unit {
        Unit::Kilogram => (0, true),
        Unit::Pound => (0, false),
        Unit::Gram => (1, true),
        Unit::Tonne => (2, true),
        Unit::Ounce => (3, false),
        Unit::ShortTon => (6, false),
        _ => return None,
    };
    let net = match frame.display.kind {
        Kind::Gross => false,
        Kind::Net => true,
        Kind::Displayed | Kind::Tare => return None,
    };
    let number = |display: &Display| -> Option<(bool, bool, [u8; 6])> {
        match display.shown {
            Ok(value) if !frame.expanded => {
                let whole = displace(value, frame.point_code, settings.dummy_zeros)?;
                Some((whole < 0, false, six(whole)?))
            }
            Err(Missing::Refused) if frame.expanded => Some((false, false, *b"000000")),
            Err(Missing::NotPresent) => Some((false, false, *b"      ")),
            Err(Missing::Overrange) => Some((false, true, *b"999999")),
            Err(Missing::Underrange) => Some((true, true, *b"999999")),
            Ok(_) | Err(_) => None,
        }
    };
    let (negative, out_of_range, shown) = number(&frame.display)?;
    let (false, false, tare) = number(&frame.tare)? else {
        return None;
    };
    let moving = match frame.display.motion {
        Motion::Stable => false,
        Motion::Moving => true,
        Motion::Unstated => return None,
    };
    let bits = |all: &[bool]| all.iter().rev().fold(0_u8, |word, &bit| word << 1 | u8::from(bit));
    let swa = 0x20 | Step::code(frame.step) << 3 | frame.point_code;
    let swb = bits(&[net, negative, out_of_range, moving, kilogram, true, frame.not_zeroed]);
    let swc = unit_code | bits(&[false, false, false, frame.print_request, frame.expanded, true, frame.keyboard_tare]);
    let mut out = Vec::new();
    out.extend_from_slice(&[STX, swa, swb, swc]).ok()?;
    out.extend_from_slice(&shown).ok()?;
    out.extend_from_slice(&tare).ok()?;
    out.push(CR).ok()?;
    if settings.check {
        let check = sum(&out).wrapping_neg() & 0x7F;
        out.push(check).ok()?;
    }
    Some(out)
}

fn six(number: i64) -> Option<[u8; 6]> {
    let magnitude = number.checked_abs().filter(|&it| it <= MAX_DIGITS)?;
    let mut out = Vec::<u8, 6>::new();
    digits::put_magnitude(&mut out, Decimal::whole(magnitude), 6, b'0')?;
    out.into_array().ok()
}
