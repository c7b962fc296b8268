//! Commands to the meter.

use core::fmt::Write;

use heapless::String;

use crate::{Decimal, wire::field};

/// What the meter can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// `start`: measure with the current method.
    Start,
    /// `start n`: with method `n`.
    StartMethod(u8),
    /// `abort`.
    Abort,
    /// `getdatahead`.
    Head,
    /// `getdataunit`.
    Units,
    /// `getdata`.
    Data,
    /// `finished`.
    Finished,
    /// `getid`: three lines of identity.
    Identity,
    /// `getmethodname`.
    MethodName,
    /// `set temperature xx.xxx`: degrees Celsius, of the current method.
    SetTemperature(Decimal),
}

/// Longest request, CR included.
pub const MAX_REQUEST_BYTES: usize = 32;

impl Request {
    const WORDS: [(Self, &'static str); 8] = [
        (Self::Start, "start"),
        (Self::Abort, "abort"),
        (Self::Head, "getdatahead"),
        (Self::Units, "getdataunit"),
        (Self::Data, "getdata"),
        (Self::Finished, "finished"),
        (Self::Identity, "getid"),
        (Self::MethodName, "getmethodname"),
    ];

    /// Writes the request with its CR; `None` for a temperature of more than three decimals or digits.
    pub fn encode(self) -> Option<String<MAX_REQUEST_BYTES>> {
        let mut out = String::new();
        match self {
            Self::StartMethod(method) => write!(out, "start {method}").ok()?,
            Self::SetTemperature(celsius) => {
                let celsius = celsius.at_places(3).filter(|it| it.digits().unsigned_abs() < 1_000_000)?;
                write!(out, "set temperature {celsius}").ok()?;
            }
            plain => out.push_str(Self::WORDS.into_iter().find(|(it, _)| *it == plain)?.1).ok()?,
        }
        out.push('\r').ok()?;
        Some(out)
    }

    /// Reads a request without its CR, as the simulated meter does.
    pub fn decode(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        if let Some((request, _)) = Self::WORDS.into_iter().find(|(_, word)| word.as_bytes() == line) {
            return Some(request);
        }
        if let Some(method) = line.strip_prefix(b"start ") {
            return u8::try_from(field::whole(method, 255).ok()?).ok().map(Self::StartMethod);
        }
        field::number(line.strip_prefix(b"set temperature ")?).ok().map(Self::SetTemperature)
    }
}
