//! The commands of levels 0 and 1, and the IDs that answers carry.

use core::fmt::Write as _;

use heapless::{String, Vec};

use super::{MAX_LINE_BYTES, MAX_NUMBER_CHARS, Text, cut_word, put_unit, words};
use crate::{
    Decimal, Unit,
    scale::{digits, display::Kind, form::Form, unit_text},
    wire::Refusal,
};

/// What an answer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// S, and the answers to SI, SIR and SR.
    S,
    /// T.
    T,
    /// TI.
    Ti,
    /// TA.
    Ta,
    /// TAC.
    Tac,
    /// Z.
    Z,
    /// ZI.
    Zi,
    /// I with its number, 0 … 99.
    I(u8),
    /// D.
    D,
    /// DW.
    Dw,
    /// K.
    K,
}

impl Id {
    /// Texts filled up with zeros.
    const NAMED: [([u8; 3], Self); 10] = [
        (*b"S\0\0", Self::S),
        (*b"T\0\0", Self::T),
        (*b"TI\0", Self::Ti),
        (*b"TA\0", Self::Ta),
        (*b"TAC", Self::Tac),
        (*b"Z\0\0", Self::Z),
        (*b"ZI\0", Self::Zi),
        (*b"D\0\0", Self::D),
        (*b"DW\0", Self::Dw),
        (*b"K\0\0", Self::K),
    ];

    /// The kind of mass in an answer with this ID.
    pub const fn mass(self) -> Option<Kind> {
        match self {
            Self::S => Some(Kind::Displayed),
            Self::T | Self::Ti | Self::Ta => Some(Kind::Tare),
            _ => None,
        }
    }

    pub(super) fn read(word: &[u8]) -> Option<Self> {
        if let Some((_, id)) = Self::NAMED.iter().find(|(text, _)| unit_text::cut(text) == word) {
            return Some(*id);
        }
        match word {
            // Some balances answer with the command's own name.
            b"SI" | b"SIR" | b"SR" => Some(Self::S),
            [b'I', digit] if digit.is_ascii_digit() => Some(Self::I(digit - b'0')),
            [b'I', tens @ b'1'..=b'9', ones] if ones.is_ascii_digit() => {
                Some(Self::I((tens - b'0') * 10 + (ones - b'0')))
            }
            _ => None,
        }
    }

    pub(super) fn text(self) -> Vec<u8, 3> {
        let mut text = Vec::new();
        // Three bytes hold every ID.
        let _ = match self {
            Self::I(number @ 0..=9) => text.extend_from_slice(&[b'I', b'0' + number]),
            Self::I(number) => text.extend_from_slice(&[b'I', b'0' + number / 10 % 10, b'0' + number % 10]),
            named => {
                let known = Self::NAMED.iter().find(|(_, id)| *id == named);
                text.extend_from_slice(known.map_or(&[], |(text, _)| unit_text::cut(text)))
            }
        };
        text
    }
}

/// A command.
///
/// Zeroing and taring change what a verified scale shows; they are sent only where the site says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `@`: cancel everything. Answered like I4.
    Cancel,
    /// I0 … I4 and further: list, levels, balance, software, serial number.
    Inquire(u8),
    /// S: the mass once it rests.
    Stable,
    /// SI: the mass now.
    Immediate,
    /// SIR: the mass now and on, until another command.
    Repeat,
    /// SR: the mass once it rests, and again after each change by as much as stated, or by the balance's own
    /// rule.
    OnChange(Option<(Decimal, Unit)>),
    /// Z: zero once it rests.
    Zero,
    /// ZI: zero now.
    ZeroNow,
    /// T: tare once it rests.
    Tare,
    /// TI: tare now.
    TareNow,
    /// TA: the tare; with a mass, set it.
    TareMemory(Option<(Decimal, Unit)>),
    /// TAC: clear the tare.
    TareClear,
    /// D: show a text.
    Show(Text),
    /// DW: show the mass again.
    ShowMass,
    /// K: how keys are locked and reported.
    Keys(u8),
}

const PLAIN: [(&[u8], Command); 12] = [
    (b"@", Command::Cancel),
    (b"S", Command::Stable),
    (b"SI", Command::Immediate),
    (b"SIR", Command::Repeat),
    (b"SR", Command::OnChange(None)),
    (b"Z", Command::Zero),
    (b"ZI", Command::ZeroNow),
    (b"T", Command::Tare),
    (b"TI", Command::TareNow),
    (b"TA", Command::TareMemory(None)),
    (b"TAC", Command::TareClear),
    (b"DW", Command::ShowMass),
];

/// The form of the commands, for a simulated balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests;

impl Form for Requests {
    type Item = Command;

    fn read(&self, line: &[u8]) -> Result<Option<Command>, Refusal> {
        read(line).map(Some)
    }
}

fn read(line: &[u8]) -> Result<Command, Refusal> {
    let (name, rest) = cut_word(line);
    match (name, rest) {
        (b"SR", [_, ..]) => return Ok(Command::OnChange(Some(mass(rest)?))),
        (b"TA", [_, ..]) => return Ok(Command::TareMemory(Some(mass(rest)?))),
        (b"D", [b'"', text @ .., b'"']) => {
            let text = str::from_utf8(text).map_err(|_| Refusal::Number)?;
            return Text::try_from(text).map(Command::Show).map_err(|_| Refusal::Number);
        }
        (b"D", _) | (b"K", []) => return Err(Refusal::Number),
        (b"K", _) => {
            let number = digits::read_unsigned(rest).ok().filter(|it| it.places() == 0);
            let number = number.and_then(|it| u8::try_from(it.digits()).ok());
            return number.map(Command::Keys).ok_or(Refusal::Number);
        }
        _ => {}
    }
    let plain = PLAIN.iter().find(|(text, _)| *text == name).map(|(_, command)| command.clone());
    let inquiry = match Id::read(name) {
        Some(Id::I(number)) => Some(Command::Inquire(number)),
        _ => None,
    };
    match plain.or(inquiry) {
        Some(command) if rest.is_empty() => Ok(command),
        Some(_) => Err(Refusal::Number),
        None => Err(Refusal::Shape),
    }
}

fn mass(text: &[u8]) -> Result<(Decimal, Unit), Refusal> {
    let mut words = words(text);
    let (Some(number), Some(unit), None) = (words.next(), words.next(), words.next()) else {
        return Err(Refusal::Number);
    };
    Ok((digits::read(number)?, unit_text::read(unit).ok_or(Refusal::Unit)?))
}

/// Writes a command with its CR LF. `None` for an inquiry beyond I99, a unit without a text, and a text to
/// show that would break the line.
pub fn encode_request(command: &Command) -> Option<Vec<u8, MAX_LINE_BYTES>> {
    let mut out = Vec::new();
    match command {
        Command::Inquire(number @ 0..=99) => out.extend_from_slice(&Id::I(*number).text()).ok()?,
        Command::Inquire(_) => return None,
        Command::OnChange(Some(mass)) => put_mass(&mut out, b"SR ", *mass)?,
        Command::TareMemory(Some(mass)) => put_mass(&mut out, b"TA ", *mass)?,
        Command::Show(text) if text.chars().any(char::is_control) => return None,
        Command::Show(text) => {
            out.extend_from_slice(b"D \"").ok()?;
            out.extend_from_slice(text.as_bytes()).ok()?;
            out.push(b'"').ok()?;
        }
        Command::Keys(number) => {
            let mut text = String::<5>::new();
            write!(text, "K {number}").ok()?;
            out.extend_from_slice(text.as_bytes()).ok()?;
        }
        plain => {
            let text = PLAIN.iter().find(|(_, known)| known == plain).map(|(text, _)| *text)?;
            out.extend_from_slice(text).ok()?;
        }
    }
    out.extend_from_slice(b"\r\n").ok()?;
    Some(out)
}

fn put_mass(out: &mut Vec<u8, MAX_LINE_BYTES>, name: &[u8], (value, unit): (Decimal, Unit)) -> Option<()> {
    let mut number = String::<MAX_NUMBER_CHARS>::new();
    write!(number, "{value}").ok()?;
    out.extend_from_slice(name).ok()?;
    out.extend_from_slice(number.as_bytes()).ok()?;
    put_unit(out, unit)
}
