//! The fixed-width output of older HVI testers: texts in quotation marks, numbers between blanks.
//!
//! ```text
//! "test Identifier               " "899874   " "54    " 0 02.5  074 1.06 80.8 … "54-2"        20.4 68.9 CR LF
//! ```
//!
//! Source: Uster HVI 900 instruction manual V4.0, appendix, page 14-20, which prints this record with a line that
//! counts its columns. The page that names the columns was not seen. So the texts and numbers are read and keep
//! their order, and their channels are numbers for names with no unit claimed; a site that knows its tester's
//! columns names them. There is no check on this output.

use heapless::Vec;

use crate::{
    Decimal, Unit,
    reading::{Channels, Name, Outcome},
    wire::{
        Refusal, field,
        statement::{Statement, Statements},
    },
};

/// Longest line accepted, in bytes. The printed record has 153.
pub const MAX_LINE_BYTES: usize = 256;

/// Longest text in quotation marks; the longest printed has 30 columns.
pub const MAX_TEXT_BYTES: usize = 40;

/// Most texts in a record; the printed one has 4.
pub const MAX_TEXTS: usize = 6;

/// Most numbers in a record; the printed one has 15.
pub const MAX_NUMBERS: usize = 24;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotedRecord {
    /// The texts in order, without padding: identifier of the lot, sample, two codes.
    pub texts: Vec<Vec<u8, MAX_TEXT_BYTES>, MAX_TEXTS>,
    /// The numbers in order.
    pub numbers: Vec<Decimal, MAX_NUMBERS>,
}

/// The decoder; a frame is one record.
pub type Decoder = Statements<QuotedRecord, MAX_LINE_BYTES>;

impl Statement for QuotedRecord {
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal> {
        let mut record = Self { texts: Vec::new(), numbers: Vec::new() };
        let mut rest = line.trim_ascii();
        if !rest.starts_with(b"\"") {
            return Err(Refusal::Shape);
        }
        while let Some(&first) = rest.first() {
            if first == b'"' {
                let mut parts = rest.splitn(3, |&byte| byte == b'"');
                let (Some(_), Some(text), Some(behind)) = (parts.next(), parts.next(), parts.next()) else {
                    return Err(Refusal::Shape);
                };
                record.texts.push(field::text(text)?).map_err(|_| Refusal::TooLong)?;
                rest = behind;
            } else {
                let end = rest.iter().position(|byte| matches!(byte, b' ' | b'"')).unwrap_or(rest.len());
                let (number, behind) = rest.split_at_checked(end).ok_or(Refusal::Shape)?;
                record.numbers.push(field::number(number)?).map_err(|_| Refusal::TooLong)?;
                rest = behind;
            }
            // A blank stands between any two columns.
            if !(rest.is_empty() || rest.starts_with(b" ")) {
                return Err(Refusal::Shape);
            }
            rest = rest.trim_ascii_start();
        }
        if record.texts.len() < 2 || record.numbers.is_empty() {
            return Err(Refusal::Shape);
        }
        Ok(Some(record))
    }
}

impl Channels for QuotedRecord {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        use core::fmt::Write;

        for (place, &number) in self.numbers.iter().enumerate() {
            let mut name = Name::new();
            // Cannot overflow: two digits at most behind the word.
            let _ = write!(name, "number-{}", place + 1);
            tell(&name, super::super::good(number, Unit::One));
        }
    }
}
