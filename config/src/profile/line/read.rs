//! Reads one frame of a line profile: check characters, pattern, status, unit, number, in this order.
//!
//! Places are cut along fixed columns, fixed delimiters or a template that is walked once from left to
//! right. There is no pattern language that goes back and tries again, so no line can hold up a port.

use tidewaiter_drivers::{
    Decimal,
    reading::{Channels, Doubt, Flaw, Indication, Missing, Name, Outcome, Quality},
    wire::Refusal,
};

use super::{
    model::{
        Check, CheckKind, Glob, Line, LineChannel, LineProfile, Meaning, Part, Pattern, Place, Spelling, UnitRule, Wild,
    },
    number::{number, number_length},
};

/// What one frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Channels with what they show, in the order of the line.
    pub channels: Vec<(Name, Outcome)>,
    /// What the instrument calls itself, where the line says so.
    pub serial: Option<String>,
    /// What it calls the sample.
    pub sample: Option<String>,
}

impl Channels for Statement {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        for (channel, outcome) in &self.channels {
            tell(channel, *outcome);
        }
    }
}

/// Reads what stands between start and end of a frame; `None` for a frame that says nothing.
pub(super) fn read(profile: &LineProfile, content: &[u8]) -> Result<Option<Statement>, Refusal> {
    let text = match &profile.check {
        Some(check) => checked(check, &profile.framing.start, content)?,
        None => content,
    };
    if profile.ignore.iter().any(|glob| fits(glob, text)) {
        return Ok(None);
    }
    // The line that got furthest says best what is wrong.
    let mut nearest = Refusal::Shape;
    for line in &profile.lines {
        match statement(line, text) {
            Ok(statement) => return Ok(Some(statement)),
            Err(Refusal::Shape) => {}
            Err(refusal) => nearest = refusal,
        }
    }
    Err(nearest)
}

/// The text in front of the check characters, if they hold.
fn checked<'f>(check: &Check, start: &[u8], content: &'f [u8]) -> Result<&'f [u8], Refusal> {
    let body_and_check = content.get(..content.len().checked_sub(check.tail).ok_or(Refusal::Shape)?);
    let body_and_check = body_and_check.ok_or(Refusal::Shape)?;
    let width = check.width.unwrap_or_else(|| body_and_check.iter().rev().take_while(|it| it.is_ascii_digit()).count());
    let at = body_and_check.len().checked_sub(width).ok_or(Refusal::Shape)?;
    let (body, found) = body_and_check.split_at(at);
    let summed = body.get(check.skip..body.len().saturating_sub(check.gap)).ok_or(Refusal::Shape)?;
    let start = if check.with_start { start } else { &[] };
    let bytes = start.iter().chain(summed).map(|&byte| if check.seven_bits { byte & 0x7F } else { byte });
    let computed: u16 = match check.kind {
        CheckKind::Xor => bytes.fold(0, |all, byte| all ^ u16::from(byte)),
        CheckKind::Sum => bytes.fold(0, |all: u16, byte| all.wrapping_add(u16::from(byte))),
        CheckKind::Lrc => bytes.fold(0, |all: u16, byte| all.wrapping_sub(u16::from(byte))),
    };
    let mask = match (check.seven_bits, check.spelling, width) {
        (true, _, _) => 0x7F,
        (false, Spelling::Hex, 4) => 0xFFFF,
        (false, _, _) => 0xFF,
    };
    let stated = match check.spelling {
        Spelling::Byte => found.first().map(|&byte| u16::from(if check.seven_bits { byte & 0x7F } else { byte })),
        Spelling::Hex => digits(found, 16),
        Spelling::Decimal => digits(found, 10),
    };
    if stated == Some(computed & mask) { Ok(body) } else { Err(Refusal::Checksum) }
}

fn digits(text: &[u8], radix: u32) -> Option<u16> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u16, |value, &byte| {
        let digit = u16::try_from(char::from(byte).to_digit(radix)?).ok()?;
        value.checked_mul(u16::try_from(radix).ok()?)?.checked_add(digit)
    })
}

/// Whether a text fits a pattern with wildcards.
///
/// After a mismatch only the last `*` takes one more byte, so the time is at most the product of both
/// lengths, which the frame and the profile bound.
pub(super) fn fits(glob: &Glob, text: &[u8]) -> bool {
    let (mut at, mut wild) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(at) {
        match glob.0.get(wild) {
            Some(Wild::Any) => {
                last_star = Some((wild, at));
                wild += 1;
            }
            Some(Wild::Byte(expected)) if expected == byte => {
                at += 1;
                wild += 1;
            }
            _ => {
                let Some((star, taken)) = last_star else { return false };
                last_star = Some((star, taken + 1));
                at = taken + 1;
                wild = star + 1;
            }
        }
    }
    glob.0.iter().skip(wild).all(|it| *it == Wild::Any)
}

/// A line cut into its places.
enum CutLine<'l> {
    Fields(Vec<&'l [u8]>),
    Columns(&'l [u8]),
    Slots(Vec<(&'l str, &'l [u8])>),
}

impl<'l> CutLine<'l> {
    fn at(&self, place: &Place) -> Result<&'l [u8], Refusal> {
        let text = match (self, place) {
            (Self::Fields(fields), Place::Field(number)) => {
                number.checked_sub(1).and_then(|index| fields.get(index)).copied()
            }
            (Self::Columns(line), Place::Columns(first, last)) => {
                first.checked_sub(1).and_then(|from| line.get(from..*last))
            }
            (Self::Slots(slots), Place::Slot(name)) => {
                slots.iter().find(|(known, _)| known == name).map(|(_, text)| *text)
            }
            _ => None,
        };
        text.map(<[u8]>::trim_ascii).ok_or(Refusal::Shape)
    }
}

fn cut<'l>(line: &'l Line, text: &'l [u8]) -> Result<CutLine<'l>, Refusal> {
    match &line.pattern {
        Pattern::Columns(width) if text.len() == *width => Ok(CutLine::Columns(text)),
        Pattern::Columns(_) => Err(Refusal::Shape),
        Pattern::Split { by, fields } => {
            let cut: Vec<&[u8]> = match by {
                None => text.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty()).collect(),
                Some(by) => split_at(text, by),
            };
            if fields.is_some_and(|expected| cut.len() != expected) {
                Err(Refusal::Shape)
            } else {
                Ok(CutLine::Fields(cut))
            }
        }
        Pattern::Template(parts) => walk(line, parts, text.trim_ascii()).map(CutLine::Slots).ok_or(Refusal::Shape),
    }
}

fn split_at<'l>(text: &'l [u8], by: &[u8]) -> Vec<&'l [u8]> {
    let mut fields = Vec::new();
    let mut rest = text;
    while let Some(at) = find(rest, by) {
        let (field, tail) = rest.split_at(at);
        fields.push(field);
        rest = tail.get(by.len()..).unwrap_or_default();
    }
    fields.push(rest);
    fields
}

/// Where a non-empty text first stands in another.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1)).position(|window| window == wanted)
}

/// Walks a template along a line; every place ends where the next part begins.
fn walk<'l>(line: &'l Line, parts: &'l [Part], text: &'l [u8]) -> Option<Vec<(&'l str, &'l [u8])>> {
    let mut slots = Vec::new();
    let mut rest = text;
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(expected) => rest = rest.strip_prefix(expected.as_slice())?,
            Part::Blanks => {
                let trimmed = rest.trim_ascii_start();
                if trimmed.len() == rest.len() {
                    return None;
                }
                rest = trimmed;
            }
            Part::Slot(_) | Part::Skip => {
                let length = match parts.get(index + 1) {
                    None => rest.len(),
                    Some(Part::Text(next)) => find(rest, next)?,
                    Some(Part::Blanks) => rest.iter().position(u8::is_ascii_whitespace)?,
                    Some(Part::Slot(_) | Part::Skip) => match part {
                        Part::Slot(name) => touching(line, name, rest),
                        _ => 0,
                    },
                };
                let (taken, tail) = rest.split_at_checked(length)?;
                if let Part::Slot(name) = part {
                    slots.push((name.as_str(), taken));
                }
                rest = tail;
            }
        }
    }
    rest.is_empty().then_some(slots)
}

/// How much of a text a number takes that the next place touches: a sentinel of its channel, or what
/// can belong to a number.
fn touching(line: &Line, slot: &str, text: &[u8]) -> usize {
    let blanks = text.len() - text.trim_ascii_start().len();
    let sentinels = line
        .channels
        .iter()
        .filter(|channel| matches!(&channel.at, Place::Slot(name) if name == slot))
        .flat_map(|channel| &channel.sentinels);
    let sentinel = sentinels
        .map(|(sentinel, _)| sentinel)
        .filter(|sentinel| !sentinel.is_empty() && text.trim_ascii_start().starts_with(sentinel))
        .map(|sentinel| blanks + sentinel.len())
        .max();
    sentinel.unwrap_or(0).max(number_length(text))
}

fn statement(line: &Line, text: &[u8]) -> Result<Statement, Refusal> {
    if line.when.as_ref().is_some_and(|glob| !fits(glob, text)) {
        return Err(Refusal::Shape);
    }
    let places = cut(line, text)?;
    let mut meanings = Vec::with_capacity(line.statuses.len());
    for status in &line.statuses {
        let word = places.at(&status.at)?;
        let meaning = status.words.iter().find(|(known, _)| known == word).ok_or(Refusal::Shape)?.1;
        meanings.push((status, meaning));
    }
    let mut channels = Vec::with_capacity(line.channels.len());
    for channel in &line.channels {
        let spoken = meanings
            .iter()
            .filter(|(status, _)| status.channels.is_empty() || status.channels.contains(&channel.name))
            .map(|(_, meaning)| *meaning);
        let name = Name::try_from(channel.name.as_str()).map_err(|_| Refusal::Shape)?;
        channels.push((name, outcome(channel, &places, spoken)?));
    }
    let named = |place: &Option<Place>| match place {
        None => Ok(None),
        Some(place) => {
            let text = std::str::from_utf8(places.at(place)?).map_err(|_| Refusal::Shape)?;
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
    };
    Ok(Statement { channels, serial: named(&line.serial)?, sample: named(&line.sample)? })
}

/// What a channel shows. The status is judged before the number: an overloaded display shows dashes or
/// the last digits, and neither is a value.
fn outcome(
    channel: &LineChannel,
    places: &CutLine<'_>,
    spoken: impl Iterator<Item = Meaning>,
) -> Result<Outcome, Refusal> {
    let mut quality = Quality::Good;
    for meaning in spoken {
        match meaning {
            Meaning::Missing(reason) => return Ok(Err(reason)),
            Meaning::Value(stated) => quality = worse(quality, stated),
        }
    }
    let text = places.at(&channel.at)?;
    if let Some((_, reason)) = channel.sentinels.iter().find(|(sentinel, _)| sentinel == text) {
        return Ok(Err(*reason));
    }
    let unit = match &channel.unit {
        UnitRule::Fixed(unit) => *unit,
        UnitRule::Stated { at, spellings } => {
            let stated = places.at(at)?;
            spellings.iter().find(|(spelling, _)| spelling == stated).ok_or(Refusal::Unit)?.1
        }
    };
    let value = value(channel, places, text)?;
    let implausible = channel
        .plausible
        .is_some_and(|(least, greatest)| value.cmp_value(least).is_lt() || value.cmp_value(greatest).is_gt());
    if implausible {
        quality = Quality::Bad(Flaw::Implausible);
    }
    Ok(Ok(Indication { value, unit, quality }))
}

fn value(channel: &LineChannel, places: &CutLine<'_>, text: &[u8]) -> Result<Decimal, Refusal> {
    let mut value = number(text, channel.comma).ok_or(Refusal::Number)?;
    if let Some(sign) = &channel.sign {
        let stated = places.at(&sign.at)?;
        if sign.negative.iter().any(|it| it == stated) {
            if value.digits() < 0 {
                return Err(Refusal::Number);
            }
            value = Decimal::new(-value.digits(), value.places()).ok_or(Refusal::Number)?;
        } else if !(stated.is_empty() || stated == b"+") {
            return Err(Refusal::Number);
        }
    }
    let mut power = channel.scale;
    if let Some(place) = &channel.places_at {
        let &[digit @ b'0'..=b'9'] = places.at(place)? else { return Err(Refusal::Number) };
        power -= i8::try_from(digit - b'0').unwrap_or_default();
    }
    value.scaled(power).ok_or(Refusal::Number)
}

/// The worse of two qualities: bad before uncertain before good.
fn worse(one: Quality, other: Quality) -> Quality {
    let rank = |quality: Quality| match quality {
        Quality::Good => 0,
        Quality::Uncertain(Doubt::VerificationDue) => 1,
        Quality::Uncertain(Doubt::Stale) => 2,
        Quality::Uncertain(Doubt::Unstable) => 3,
        Quality::Bad(_) => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// Reasons a line can give for having no value; the others are ours to find.
pub(super) fn reason(text: &str) -> Option<Missing> {
    let (word, code) = match text.split_once(' ') {
        Some((word, code)) => (word, Some(code.trim().parse::<u16>().ok()?)),
        None => (text, None),
    };
    match (word, code) {
        ("instrument-fault", code) => Some(Missing::InstrumentFault(code.unwrap_or(0))),
        ("not-present" | "warming-up" | "overrange" | "underrange", None) => Missing::from_word(word, None),
        _ => None,
    }
}

/// What a channel shows, as a vector spells it: `12.50 kg`, `12.50 kg unstable`, `overrange`.
pub(super) fn shown(outcome: &Outcome) -> String {
    match outcome {
        Ok(it) if it.quality == Quality::Good => format!("{} {}", it.value, it.unit),
        Ok(it) => format!("{} {} {}", it.value, it.unit, it.quality.word()),
        Err(Missing::InstrumentFault(code)) if *code != 0 => format!("instrument-fault {code}"),
        Err(reason) => reason.word().to_owned(),
    }
}
