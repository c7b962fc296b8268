//! Records of ASTM E1394: a letter, then fields, repeats and components.
//!
//! ```text
//! H|\^&|||HVI1000|||||||P|1|20260115083012
//! R|1|^^^MIC|4.32||3.5 to 4.9|N||F
//! ```
//!
//! The header names its own separators: field, repeat, component, escape. They hold until the next header. Levels:
//! `H` header, `P` patient, `O` order, `R` result, `C` comment, `Q` request, `M` and `S` of the maker, `L` terminator.
//! Escapes `&F&`, `&S&`, `&R&`, `&E&` stand for the separators themselves.

use heapless::Vec;

use crate::{
    Unit,
    reading::{Doubt, Indication, Missing, Name, Outcome, Quality},
    wire::field,
};

/// The four characters a header declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separators {
    /// Between fields.
    pub field: u8,
    /// Between repetitions in a field.
    pub repeat: u8,
    /// Between components.
    pub component: u8,
    /// Around an escaped character.
    pub escape: u8,
}

impl Separators {
    /// `|\^&`, which the standard recommends and nearly all use.
    pub const USUAL: Self = Self { field: b'|', repeat: b'\\', component: b'^', escape: b'&' };

    /// The separators that a header declares: its second to fifth characters.
    ///
    /// `None` when they are not four different characters, printable and neither letters nor digits.
    pub fn of_header(text: &[u8]) -> Option<Self> {
        let &[b'H', field, repeat, component, escape, ref rest @ ..] = text else {
            return None;
        };
        let all = [field, repeat, component, escape];
        let distinct = all.iter().enumerate().all(|(at, one)| !all.iter().skip(at + 1).any(|other| other == one));
        let fit = all.iter().all(|it| it.is_ascii_graphic() && !it.is_ascii_alphanumeric());
        let closed = rest.first().is_none_or(|&next| next == field);
        (distinct && fit && closed).then_some(Self { field, repeat, component, escape })
    }
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// `H`.
    Header,
    /// `P`. Patients of a hospital; samples and lots of a laboratory like ours.
    Patient,
    /// `O`: which tests of which specimen.
    Order,
    /// `R`: one result.
    Result,
    /// `C`: comment on what stands before it.
    Comment,
    /// `Q`: request for information.
    Request,
    /// `M` or `S`: of the maker, or scientific.
    Other,
    /// `L`: the last.
    Terminator,
}

/// One record, split on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'t> {
    text: &'t [u8],
    separators: Separators,
    level: Level,
}

impl<'t> Record<'t> {
    /// What it is.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The bytes, without CR.
    pub const fn text(&self) -> &'t [u8] {
        self.text
    }

    /// The separators that hold for it.
    pub const fn separators(&self) -> Separators {
        self.separators
    }

    /// Field `number`, counted as the standard does: 1 is the record's letter. Empty when there is none.
    ///
    /// In a header the separators themselves are field 2.
    pub fn field(&self, number: usize) -> &'t [u8] {
        let at = number.checked_sub(1);
        at.and_then(|at| self.text.split(|&byte| byte == self.separators.field).nth(at)).unwrap_or_default()
    }

    /// Component `component`, counted from 1, of the first repetition of a field. Empty when there is none.
    pub fn component(&self, number: usize, component: usize) -> &'t [u8] {
        let first = self.field(number).split(|&byte| byte == self.separators.repeat).next().unwrap_or_default();
        let at = component.checked_sub(1);
        at.and_then(|at| first.split(|&byte| byte == self.separators.component).nth(at)).unwrap_or_default()
    }

    /// A text with its escapes resolved.
    ///
    /// `None` for an escape other than of a separator, and beyond `N` bytes.
    pub fn unescaped<const N: usize>(&self, text: &[u8]) -> Option<Vec<u8, N>> {
        let Separators { field, repeat, component, escape } = self.separators;
        let mut out = Vec::new();
        let mut rest = text;
        while let [first, behind @ ..] = rest {
            rest = behind;
            let byte = match (*first == escape, rest) {
                (false, _) => *first,
                (true, [letter, close, behind @ ..]) if *close == escape => {
                    rest = behind;
                    match letter {
                        b'F' => field,
                        b'S' => component,
                        b'R' => repeat,
                        b'E' => escape,
                        _ => return None,
                    }
                }
                (true, _) => return None,
            };
            out.push(byte).ok()?;
        }
        Some(out)
    }
}

/// The records of a text, in order. A record that begins with no known letter is left out.
#[derive(Clone, Debug)]
pub struct Records<'t> {
    rest: &'t [u8],
    separators: Separators,
}

impl<'t> Records<'t> {
    /// The records of this text. Where it has no header, as when each record is a message of its own, the usual
    /// separators hold.
    pub const fn new(text: &'t [u8]) -> Self {
        Self { rest: text, separators: Separators::USUAL }
    }

    /// The same with the separators of a header seen before.
    #[must_use]
    pub const fn with(self, separators: Separators) -> Self {
        Self { separators, ..self }
    }
}

impl<'t> Iterator for Records<'t> {
    type Item = Record<'t>;

    fn next(&mut self) -> Option<Record<'t>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let end = self.rest.iter().position(|&byte| byte == b'\r').unwrap_or(self.rest.len());
            let (text, behind) = self.rest.split_at_checked(end)?;
            self.rest = behind.strip_prefix(b"\r").unwrap_or(behind);
            if let Some(separators) = Separators::of_header(text) {
                self.separators = separators;
            }
            let Some(level) = level(text, self.separators.field) else {
                continue;
            };
            return Some(Record { text, separators: self.separators, level });
        }
    }
}

fn level(text: &[u8], separator: u8) -> Option<Level> {
    let (&letter, rest) = text.split_first()?;
    if rest.first().is_some_and(|&next| next != separator) {
        return None;
    }
    Some(match letter.to_ascii_uppercase() {
        b'H' => Level::Header,
        b'P' => Level::Patient,
        b'O' => Level::Order,
        b'R' => Level::Result,
        b'C' => Level::Comment,
        b'Q' => Level::Request,
        b'M' | b'S' => Level::Other,
        b'L' => Level::Terminator,
        _ => return None,
    })
}

/// A result record as a channel: the manufacturer's test code (component 4 of field 3, or the first that is there),
/// in lower case, and its value in its unit.
///
/// `None` for other records and for a result without a usable test code. A value that is no number, and a unit
/// this crate does not know, are [`Missing::Refused`]: the text stays in the raw bytes.
pub fn result_outcome(record: &Record<'_>) -> Option<(Name, Outcome)> {
    /// Units as laboratory instruments write them, besides UCUM codes.
    const SPELLINGS: [(&[u8], Unit); 6] = [
        (b"", Unit::One),
        (b"mg/l", Unit::MilligramPerLitre),
        (b"ppm", Unit::MilligramPerKilogram),
        (b"pH", Unit::PH),
        (b"C", Unit::Celsius),
        (b"g/tex", Unit::GramForcePerTex),
    ];
    if record.level() != Level::Result {
        return None;
    }
    let code = [4, 1, 2, 3].into_iter().map(|it| record.component(3, it)).find(|it| !it.is_empty())?;
    let mut name = Name::new();
    for &byte in code {
        let letter = if byte.is_ascii_alphanumeric() { char::from(byte.to_ascii_lowercase()) } else { '-' };
        name.push(letter).ok()?;
    }
    let unit = record.component(5, 1);
    let unit = SPELLINGS
        .into_iter()
        .find(|(text, _)| *text == unit)
        .map(|(_, unit)| unit)
        .or_else(|| core::str::from_utf8(unit).ok()?.parse().ok());
    // Result status (field 9): F final, P preliminary, C corrected; X and I have no result.
    let quality = match record.field(9) {
        b"" | b"F" | b"C" | b"R" => Some(Quality::Good),
        b"P" => Some(Quality::Uncertain(Doubt::Unstable)),
        _ => None,
    };
    let outcome = match (quality, unit, field::number(record.component(4, 1))) {
        (None, ..) => Err(Missing::NotPresent),
        (_, None, _) | (_, _, Err(_)) => Err(Missing::Refused),
        (Some(quality), Some(unit), Ok(value)) => Ok(Indication { value, unit, quality }),
    };
    Some((name, outcome))
}
