//! Anton Paar DMA 4100/4500/5000 M density meters: commands and answers in text.
//!
//! Commands and answers end with CR; fields are parted by `;`, and the characters are those of code page 850.
//!
//! ```text
//! getdatahead → Density;Specific Gravity;Density Temperature;Density Condition
//! getdataunit → g/cm³;-;°C;-
//! getdata     → 0.000892;0.000894;20.001;valid          once for each measurement
//!             → no new data available
//! finished    → Measurement not started | Measurement not finished | Measurement finished
//! ```
//!
//! The columns are what the user put on the result page, so a line of data means nothing without head and units:
//! the decoder keeps those it saw and refuses data before them. Source: Anton Paar DMA 4100/4500/5000 M instruction
//! manual C76IB003EN-E, pages 110 to 112.

mod request;

use core::fmt::Write;

use heapless::{String, Vec};

use crate::{
    Decimal, Unit,
    reading::{Channels, Flaw, Indication, Missing, Name, Outcome, Quality},
    wire::{
        Decode, Event, Refusal, field,
        line::{Cut, Lines},
    },
};

pub use request::{MAX_REQUEST_BYTES, Request};

/// Longest line accepted, in bytes; the printed head has 62, and a user may add columns.
pub const MAX_LINE_BYTES: usize = 256;

/// Most columns of a result page that are kept.
pub const MAX_COLUMNS: usize = 8;

/// Longest text of a field kept.
pub const MAX_FIELD_BYTES: usize = 32;

/// A field as it came.
pub type Field = Vec<u8, MAX_FIELD_BYTES>;

/// What the meter answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to put a measurement on")]
pub enum Answer {
    /// Names of the columns.
    Head(Vec<Field, MAX_COLUMNS>),
    /// Units of the columns.
    Units(Vec<ColumnUnit, MAX_COLUMNS>),
    /// A finished measurement.
    Data(Vec<Cell, MAX_COLUMNS>),
    /// How things stand.
    Status(Status),
    /// A line about the meter: serial number, model and firmware, protocol version, method.
    About(Field),
}

/// The unit of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnUnit {
    /// `-`: a pure number or a word.
    None,
    /// A unit of this crate.
    Known(Unit),
    /// Another one; values of such a column are not told.
    Other,
}

/// One field of a measurement with what is known of its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Name of the column, as the head has it.
    pub name: Field,
    /// Unit of the column.
    pub unit: ColumnUnit,
    /// What stands there.
    pub content: CellContent,
}

/// What stands in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellContent {
    /// A number.
    Number(Decimal),
    /// A word, such as `valid`.
    Word(Field),
}

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// How things stand, in the words of the manual.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Status { $($(#[$doc])* $name,)* }

        impl Status {
            /// All answers of this kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text of the answer.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

statuses! {
    /// The measurement was fetched before, or none has ended since.
    NoNewData = "no new data available",
    /// No measurement has ended yet.
    NoData = "no data available",
    /// Answer to `start`.
    Started = "measurement started",
    /// Answer to `start` while one runs.
    AlreadyStarted = "measurement already started",
    /// Answer to `start` with a method that does not exist.
    InvalidMethod = "invalid method",
    /// Results are full: nothing more is measured until somebody clears them.
    StorageFull = "sample storage full",
    /// The heating attachment is not ready.
    Heating = "heating",
    /// Answer to `abort`.
    Aborted = "measurement aborted",
    /// Answer to `abort` with nothing to abort, and to `finished`.
    NotStarted = "measurement not started",
    /// Answer to a second `abort`.
    AlreadyAborting = "already aborting",
    /// Answer to `finished`.
    NotFinished = "measurement not finished",
    /// Answer to `finished`.
    Finished = "measurement finished",
    /// Answer to `set temperature`.
    Accepted = "accepted",
    /// Answer to `set temperature` out of range.
    WrongParameter = "wrong parameter value",
}

/// The decoder; a frame is one line.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: Lines<MAX_LINE_BYTES>,
    head: Vec<Field, MAX_COLUMNS>,
    units: Vec<ColumnUnit, MAX_COLUMNS>,
}

impl Decoder {
    /// A decoder for a stream joined at an unknown place; head and units are not known yet.
    pub const fn new() -> Self {
        Self { lines: Lines::in_mid_line(), head: Vec::new(), units: Vec::new() }
    }

    /// A decoder for answers after the input was emptied; head and units are not known yet.
    pub const fn at_line_start() -> Self {
        Self { lines: Lines::at_line_start(), head: Vec::new(), units: Vec::new() }
    }

    /// Whether head and units are known, so that data can be read.
    pub fn knows_columns(&self) -> bool {
        !self.head.is_empty() && self.head.len() == self.units.len()
    }

    fn decode(&mut self) -> Result<Option<Answer>, Refusal> {
        let line = self.lines.line().trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        if let Some(&status) = Status::ALL.iter().find(|it| it.text().as_bytes().eq_ignore_ascii_case(line)) {
            return Ok(Some(Answer::Status(status)));
        }
        let about: [&[u8]; 4] = [b"serial number:", b"protocol version:", b"method name:", b"DMA "];
        if about.iter().any(|it| line.starts_with(it)) {
            return field::text(line).map(|text| Some(Answer::About(text)));
        }
        let mut fields: Vec<&[u8], MAX_COLUMNS> = Vec::new();
        for part in line.split(|&byte| byte == b';') {
            fields.push(part.trim_ascii()).map_err(|_| Refusal::TooLong)?;
        }
        // One column is possible; a lone word is no answer this module knows.
        let numbers = fields.iter().filter(|it| field::number(it).is_ok()).count();
        if numbers > 0 {
            return self.data(&fields).map(|cells| Some(Answer::Data(cells)));
        }
        if fields.len() < 2 {
            return Err(Refusal::Shape);
        }
        if fields.iter().any(|it| matches!(unit(it), ColumnUnit::None | ColumnUnit::Known(_))) {
            self.units = fields.iter().map(|it| unit(it)).collect();
            return Ok(Some(Answer::Units(self.units.clone())));
        }
        let mut head = Vec::new();
        for name in &fields {
            head.push(field::text(name)?).map_err(|_| Refusal::TooLong)?;
        }
        self.head = head;
        // Other columns have other units: those known until now are of the page before.
        self.units.clear();
        Ok(Some(Answer::Head(self.head.clone())))
    }

    fn data(&self, fields: &[&[u8]]) -> Result<Vec<Cell, MAX_COLUMNS>, Refusal> {
        if !self.knows_columns() || fields.len() != self.head.len() {
            return Err(Refusal::Shape);
        }
        let mut cells = Vec::new();
        for ((text, name), &unit) in fields.iter().zip(&self.head).zip(&self.units) {
            let content = match field::number(text) {
                Ok(number) => CellContent::Number(number),
                Err(_) => CellContent::Word(field::text(text)?),
            };
            cells.push(Cell { name: name.clone(), unit, content }).map_err(|_| Refusal::TooLong)?;
        }
        Ok(cells)
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Decoder {
    type Item = Answer;

    fn push(&mut self, byte: u8) -> Option<Event<Answer>> {
        match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Some(Event::Garbage(bytes)),
            Cut::TooLong => Some(Event::Refused(Refusal::TooLong)),
            Cut::Line => match self.decode() {
                Ok(answer) => answer.map(Event::Frame),
                Err(refusal) => Some(Event::Refused(refusal)),
            },
        }
    }

    fn raw(&self) -> &[u8] {
        self.lines.line()
    }

    /// Columns stay known: the meter keeps its page when the line breaks.
    fn reset(&mut self) {
        self.lines = Lines::in_mid_line();
    }
}

/// The unit of a column. Degree sign and superscript three are F8 and FC in code page 850; Latin-1 and UTF-8
/// come from converters on the way.
fn unit(text: &[u8]) -> ColumnUnit {
    let is = |prefix: &[u8], signs: [&[u8]; 3], suffix: &[u8]| {
        let middle = text.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
        middle.is_some_and(|middle| signs.contains(&middle))
    };
    let cubed: [&[u8]; 3] = [&[0xFC], &[0xB3], &[0xC2, 0xB3]];
    let degree: [&[u8]; 3] = [&[0xF8], &[0xB0], &[0xC2, 0xB0]];
    if text == b"-" {
        ColumnUnit::None
    } else if is(b"g/cm", cubed, b"") || text == b"g/cm3" {
        ColumnUnit::Known(Unit::GramPerCubicCentimetre)
    } else if is(b"kg/m", cubed, b"") || text == b"kg/m3" {
        ColumnUnit::Known(Unit::KilogramPerCubicMetre)
    } else if is(b"", degree, b"C") {
        ColumnUnit::Known(Unit::Celsius)
    } else if text == b"%" {
        ColumnUnit::Known(Unit::Percent)
    } else {
        ColumnUnit::Other
    }
}

impl Channels for Answer {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let Self::Data(cells) = self else {
            return;
        };
        let condition = cells.iter().find(|it| it.name.ends_with(b"Condition"));
        // The meter judges its own measurement; one it does not call valid is kept and never passes.
        let quality = match condition.map(|it| &it.content) {
            None => Quality::Good,
            Some(CellContent::Word(word)) if word == b"valid" => Quality::Good,
            Some(_) => Quality::Bad(Flaw::Implausible),
        };
        for cell in cells {
            let unit = match cell.unit {
                ColumnUnit::None => Unit::One,
                ColumnUnit::Known(unit) => unit,
                ColumnUnit::Other => continue,
            };
            let outcome = match &cell.content {
                CellContent::Number(value) => Ok(Indication { value: *value, unit, quality }),
                CellContent::Word(_) if cell.unit == ColumnUnit::None => continue,
                CellContent::Word(_) => Err(Missing::NotPresent),
            };
            if let Some(name) = channel(&cell.name) {
                tell(&name, outcome);
            }
        }
    }
}

/// `Density Temperature` is channel `density-temperature`.
fn channel(column: &[u8]) -> Option<Name> {
    let mut name = Name::new();
    for &byte in column {
        let letter = match byte {
            b' ' => '-',
            byte if byte.is_ascii_alphanumeric() => char::from(byte.to_ascii_lowercase()),
            _ => continue,
        };
        name.push(letter).ok()?;
    }
    (!name.is_empty()).then_some(name)
}

/// Writes an answer with its CR, in code page 850.
///
/// `None` when it cannot be read back the same by a decoder that knows the columns.
pub fn encode(answer: &Answer) -> Option<Vec<u8, MAX_LINE_BYTES>> {
    let mut out: Vec<u8, MAX_LINE_BYTES> = Vec::new();
    let mut between = false;
    let mut part = |out: &mut Vec<u8, MAX_LINE_BYTES>, text: &[u8]| {
        if between {
            out.push(b';').ok()?;
        }
        between = true;
        out.extend_from_slice(text).ok()
    };
    let mut known = Decoder::at_line_start();
    match answer {
        Answer::Head(names) => names.iter().try_for_each(|name| part(&mut out, name))?,
        Answer::Units(units) => units.iter().try_for_each(|unit| part(&mut out, unit_text(*unit)?))?,
        Answer::Data(cells) => {
            for cell in cells {
                known.head.push(cell.name.clone()).ok()?;
                known.units.push(cell.unit).ok()?;
                match &cell.content {
                    CellContent::Number(number) => {
                        let mut text = String::<24>::new();
                        write!(text, "{number}").ok()?;
                        part(&mut out, text.as_bytes())?;
                    }
                    CellContent::Word(word) => part(&mut out, word)?,
                }
            }
        }
        Answer::Status(status) => part(&mut out, status.text().as_bytes())?,
        Answer::About(text) => part(&mut out, text)?,
    }
    out.push(b'\r').ok()?;
    let read = out.iter().find_map(|&byte| known.push(byte));
    (read.as_ref() == Some(&Event::Frame(answer.clone()))).then_some(out)
}

const fn unit_text(unit: ColumnUnit) -> Option<&'static [u8]> {
    match unit {
        ColumnUnit::None => Some(b"-"),
        ColumnUnit::Known(Unit::GramPerCubicCentimetre) => Some(b"g/cm\xFC"),
        ColumnUnit::Known(Unit::KilogramPerCubicMetre) => Some(b"kg/m\xFC"),
        ColumnUnit::Known(Unit::Celsius) => Some(b"\xF8C"),
        ColumnUnit::Known(Unit::Percent) => Some(b"%"),
        ColumnUnit::Known(_) | ColumnUnit::Other => None,
    }
}
