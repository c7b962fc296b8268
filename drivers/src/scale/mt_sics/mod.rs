//! MT-SICS, the Mettler-Toledo Standard Interface Command Set, levels 0 and 1: a balance that is asked.
//!
//! ```text
//! ID ␠ status ␠ mass, right-aligned ␠ unit CR LF          S S     100.00 g
//! ID ␠ status CR LF                                       Z A
//! ID ␠ status ␠ "text" CR LF                              I4 A "0123456789"
//! ES | ET | EL CR LF                                      unknown · spoiled on the line · cannot be done
//! ```
//!
//! Upper case, no check. One answer per command, except I0, I1 with several lines (`B` but the last, `A`)
//! and SIR and SR, which stream until any other command. Answers to SI, SIR and SR carry the ID `S`. A
//! balance can be switched to another unit by hand, so the unit is the one in the answer, never the
//! configured one. Columns differ between terminals; fields are told apart by spaces.
//!
//! After `@` a late `S` line may still come: wait for the I4 answer. A balance in standby answers EL.
//! XON and XOFF of a line with software handshake are taken out.
//!
//! Source: *Reference Manual MT-SICS* 11780711 and the excerpts of it in the manuals of the AT, JS and
//! AL-IC balances. How I0 and I1 list, and `L` in answers to TI, were not seen in an original.

mod command;

use core::fmt::Write as _;

use heapless::{String, Vec};

pub use command::{Command, Id, Requests, encode_request};

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, LineDecoder},
    unit_text,
};
use crate::{
    Unit,
    reading::{Channels, Missing, Outcome},
    wire::{Decode, Event, Refusal},
};

/// Longest line in bytes, either way: the longest text and what stands before it.
pub const MAX_LINE_BYTES: usize = 128;

/// Longest text kept, in bytes: the answer of an I2 has about 40.
pub const MAX_TEXT_BYTES: usize = 80;

/// Width of the field of the mass in answers written here.
const MASS_WIDTH: usize = 10;

/// Longest text of a decimal.
const MAX_NUMBER_CHARS: usize = 24;

const XON: u8 = 0x11;
const XOFF: u8 = 0x13;

/// A text of an answer, without its outermost quotation marks.
pub type Text = String<MAX_TEXT_BYTES>;

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A mass: displayed for `S`, tare for T, TI and TA.
    Mass {
        /// What is answered; one of those four.
        id: Id,
        /// The mass. Its motion is unstated in answers to TA.
        display: Display,
    },
    /// `S S Error 10b`: the weigh module has a fault with this number and letter.
    Fault {
        /// What is answered.
        id: Id,
        /// The digits behind `Error`.
        code: u16,
        /// The letter behind them: `b` for boot, `t` for a fault that may pass.
        letter: Option<u8>,
    },
    /// A: done. S, D: done, at rest or in motion.
    Done {
        /// What is answered.
        id: Id,
        /// At rest, moving, or just done.
        motion: Motion,
    },
    /// I: not now; another command runs, or the load did not come to rest in time.
    NotNow(Id),
    /// +: above the upper limit of the range.
    Over(Id),
    /// -: below the lower limit of the range.
    Under(Id),
    /// L: a parameter is wrong.
    BadParameter(Id),
    /// Texts, as identification gives them.
    Text {
        /// What is answered.
        id: Id,
        /// This is the last line.
        last: bool,
        /// The parameters as sent: quoted texts and numbers, separated by spaces.
        text: Text,
    },
    /// ES: the command is unknown.
    SyntaxError,
    /// ET: the command was spoiled on the line.
    TransmissionError,
    /// EL: the command is known and cannot be carried out.
    LogicalError,
}

impl Answer {
    /// The serial number in an answer to I4 or `@`.
    pub fn serial_number(&self) -> Option<&str> {
        match self {
            Self::Text { id: Id::I(4), text, .. } => text.strip_prefix('"')?.strip_suffix('"'),
            _ => None,
        }
    }

    /// Why a question for a mass has no value now; `None` for an answer with a mass or of another kind.
    ///
    /// An error line does not say what it answers; whoever asked knows.
    pub const fn missing(&self) -> Option<Missing> {
        Some(match self {
            Self::Fault { code, .. } => Missing::InstrumentFault(*code),
            Self::NotNow(_) | Self::LogicalError => Missing::NotPresent,
            Self::Over(_) => Missing::Overrange,
            Self::Under(_) => Missing::Underrange,
            Self::BadParameter(_) | Self::SyntaxError => Missing::Refused,
            Self::TransmissionError => Missing::CrcError,
            Self::Mass { .. } | Self::Done { .. } | Self::Text { .. } => return None,
        })
    }

    const fn id(&self) -> Option<Id> {
        match self {
            Self::Mass { id, .. }
            | Self::Fault { id, .. }
            | Self::Done { id, .. }
            | Self::NotNow(id)
            | Self::Over(id)
            | Self::Under(id)
            | Self::BadParameter(id)
            | Self::Text { id, .. } => Some(*id),
            Self::SyntaxError | Self::TransmissionError | Self::LogicalError => None,
        }
    }
}

impl Channels for Answer {
    /// Answers to questions for a mass, and errors, which are taken for such answers. Zeroing, texts and the
    /// like tell nothing.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        if let Self::Mass { display, .. } = self {
            return display.each(tell);
        }
        let kind = self.id().map_or(Some(Kind::Displayed), Id::mass);
        if let (Some(kind), Some(missing)) = (kind, self.missing()) {
            tell(kind.channel(), Err(missing));
        }
    }
}

/// The form of the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers;

impl Form for Answers {
    type Item = Answer;

    fn read(&self, line: &[u8]) -> Result<Option<Answer>, Refusal> {
        read(line).map(Some)
    }
}

/// The form of the answers for one who asks for masses alone: texts of identification tell nothing.
///
/// A text is not looked at either, so that this reader has no table of UTF-8 in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masses;

impl Form for Masses {
    type Item = Answer;

    fn read(&self, line: &[u8]) -> Result<Option<Answer>, Refusal> {
        read_but_texts(line).map(Result::ok)
    }
}

/// A line decoder that leaves out XON and XOFF.
#[derive(Clone, Debug)]
pub struct HandshakeFree<F>(LineDecoder<F, MAX_LINE_BYTES>);

impl<F: Default> HandshakeFree<F> {
    /// A decoder that believes its first line.
    pub fn new() -> Self {
        Self(LineDecoder::default())
    }
}

impl<F: Default> Default for HandshakeFree<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Form> Decode for HandshakeFree<F> {
    type Item = F::Item;

    fn push(&mut self, byte: u8) -> Option<Event<F::Item>> {
        if byte == XON || byte == XOFF { None } else { self.0.push(byte) }
    }

    fn raw(&self) -> &[u8] {
        self.0.raw()
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// Reads the answers of a balance.
pub type Decoder = HandshakeFree<Answers>;

/// Reads the answers to questions for a mass.
pub type MassDecoder = HandshakeFree<Masses>;

/// Reads the commands a simulated balance gets: [`Refusal::Shape`] deserves ES, [`Refusal::Number`] and
/// [`Refusal::Unit`] deserve EL.
pub type RequestDecoder = HandshakeFree<Requests>;

/// The words of a line, divided by runs of spaces.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
}

/// The first word and the rest, spaces around it apart.
fn cut_word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii();
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (word, rest.trim_ascii())
}

fn read(line: &[u8]) -> Result<Answer, Refusal> {
    let Words { id, last, text } = match read_but_texts(line)? {
        Ok(answer) => return Ok(answer),
        Err(words) => words,
    };
    let text = str::from_utf8(text).map_err(|_| Refusal::Shape)?;
    let text = Text::try_from(text).map_err(|_| Refusal::TooLong)?;
    Ok(Answer::Text { id, last, text })
}

/// An [`Answer::Text`] whose text has not been looked at.
struct Words<'a> {
    id: Id,
    last: bool,
    text: &'a [u8],
}

fn read_but_texts(line: &[u8]) -> Result<Result<Answer, Words<'_>>, Refusal> {
    let answer = match line.trim_ascii_end() {
        b"ES" => Some(Answer::SyntaxError),
        b"ET" => Some(Answer::TransmissionError),
        b"EL" => Some(Answer::LogicalError),
        _ => None,
    };
    if let Some(answer) = answer {
        return Ok(Ok(answer));
    }
    let (id, rest) = cut_word(line);
    let id = Id::read(id).ok_or(Refusal::Shape)?;
    let (status, rest) = cut_word(rest);
    let motion = match status {
        b"S" => Motion::Stable,
        b"D" => Motion::Moving,
        b"A" | b"B" => Motion::Unstated,
        b"I" | b"+" | b"-" | b"L" if !rest.is_empty() => return Err(Refusal::Shape),
        b"I" => return Ok(Ok(Answer::NotNow(id))),
        b"+" => return Ok(Ok(Answer::Over(id))),
        b"-" => return Ok(Ok(Answer::Under(id))),
        b"L" => return Ok(Ok(Answer::BadParameter(id))),
        _ => return Err(Refusal::Shape),
    };
    match (id.mass(), status, rest) {
        (Some(kind), b"S" | b"D" | b"A", [_, ..]) => mass(id, kind, motion, rest).map(Ok),
        (None, b"S" | b"D" | b"A", []) => Ok(Ok(Answer::Done { id, motion })),
        (None, b"A" | b"B", [_, ..]) => Ok(Err(Words { id, last: status == b"A", text: rest })),
        // A tare that is set is acknowledged with its mass, a mass that is shown has one.
        _ => Err(Refusal::Shape),
    }
}

fn mass(id: Id, kind: Kind, motion: Motion, rest: &[u8]) -> Result<Answer, Refusal> {
    let mut words = words(rest);
    let (number, unit) = (words.next().ok_or(Refusal::Number)?, words.next());
    if words.next().is_some() {
        return Err(Refusal::Shape);
    }
    if number == b"Error" {
        return fault(id, unit.ok_or(Refusal::Number)?);
    }
    // A unit has at most three characters; in UTF-8 the micro sign makes one of them two.
    let unit = unit.ok_or(Refusal::Unit)?;
    let value = match number {
        [b'+', ..] => return Err(Refusal::Number),
        _ => digits::read(number)?,
    };
    let unit = unit_text::read(unit).ok_or(Refusal::Unit)?;
    // Status A, of TA alone, says that this is the tare, not that anything rests.
    Ok(Answer::Mass { id, display: Display::value(kind, value, unit, motion) })
}

fn fault(id: Id, word: &[u8]) -> Result<Answer, Refusal> {
    let (code, letter) = match word {
        [code @ .., letter] if letter.is_ascii_lowercase() => (code, Some(*letter)),
        code => (code, None),
    };
    if code.is_empty() || !code.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Number);
    }
    let code = digits::read_unsigned(code)?.digits();
    Ok(Answer::Fault { id, code: u16::try_from(code).map_err(|_| Refusal::Number)?, letter })
}

/// Writes an answer with its CR LF. `None` where MT-SICS cannot say it: a mass under an ID that has none,
/// without a number or in a unit without a text, and a text that would break the line.
pub fn encode(answer: &Answer) -> Option<Vec<u8, MAX_LINE_BYTES>> {
    let mut out = Vec::new();
    match answer {
        Answer::SyntaxError => out.extend_from_slice(b"ES").ok()?,
        Answer::TransmissionError => out.extend_from_slice(b"ET").ok()?,
        Answer::LogicalError => out.extend_from_slice(b"EL").ok()?,
        Answer::NotNow(id) => put_status(&mut out, *id, b'I')?,
        Answer::Over(id) => put_status(&mut out, *id, b'+')?,
        Answer::Under(id) => put_status(&mut out, *id, b'-')?,
        Answer::BadParameter(id) => put_status(&mut out, *id, b'L')?,
        Answer::Done { id, motion } if id.mass().is_none() => put_status(&mut out, *id, status(*motion))?,
        Answer::Done { .. } => return None,
        Answer::Mass { id, display } => put_mass(&mut out, *id, display)?,
        Answer::Fault { id, code, letter } => {
            id.mass()?;
            put_status(&mut out, *id, b'S')?;
            out.extend_from_slice(b" Error ").ok()?;
            let mut digits = String::<5>::new();
            write!(digits, "{code}").ok()?;
            out.extend_from_slice(digits.as_bytes()).ok()?;
            if let Some(letter) = letter {
                out.push(*letter).ok().filter(|()| letter.is_ascii_lowercase())?;
            }
        }
        Answer::Text { id, last, text } => {
            let sound = text.trim_ascii() == text.as_str() && !text.is_empty();
            if !sound || id.mass().is_some() || text.chars().any(char::is_control) {
                return None;
            }
            put_status(&mut out, *id, if *last { b'A' } else { b'B' })?;
            out.push(b' ').ok()?;
            out.extend_from_slice(text.as_bytes()).ok()?;
        }
    }
    out.extend_from_slice(b"\r\n").ok()?;
    Some(out)
}

const fn status(motion: Motion) -> u8 {
    match motion {
        Motion::Stable => b'S',
        Motion::Moving => b'D',
        Motion::Unstated => b'A',
    }
}

fn put_status(out: &mut Vec<u8, MAX_LINE_BYTES>, id: Id, status: u8) -> Option<()> {
    out.extend_from_slice(&id.text()).ok()?;
    out.extend_from_slice(&[b' ', status]).ok()
}

fn put_mass(out: &mut Vec<u8, MAX_LINE_BYTES>, id: Id, display: &Display) -> Option<()> {
    if id.mass() != Some(display.kind) {
        return None;
    }
    put_status(out, id, status(display.motion))?;
    out.push(b' ').ok()?;
    let (value, unit) = (display.shown.ok()?, display.unit?);
    // Ten columns as the manuals print them; a wider number pushes the unit along, as terminals do.
    let mut number = String::<MAX_NUMBER_CHARS>::new();
    write!(number, "{value}").ok()?;
    digits::put_right(out, number.as_bytes(), MASS_WIDTH.max(number.len()), b' ')?;
    put_unit(out, unit)
}

fn put_unit(out: &mut Vec<u8, MAX_LINE_BYTES>, unit: Unit) -> Option<()> {
    out.push(b' ').ok()?;
    out.extend_from_slice(unit_text::write(unit)?).ok()
}
