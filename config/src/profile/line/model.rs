//! A line profile as loaded: how an instrument that sends text is read.

use std::time::Duration;

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Missing, Quality},
};

/// Longest frame a profile may describe, in bytes; it bounds the buffer of its decoder.
pub const MAX_FRAME_BYTES: usize = 512;
/// Most kinds of lines in one profile.
pub const MAX_LINES: usize = 16;
/// Most channels on one line.
pub const MAX_LINE_CHANNELS: usize = 32;

/// How one model of instrument writes what it shows, with proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProfile {
    /// Id, e.g. `moisture-balance-columns`.
    pub id: String,
    /// Maker and model in words.
    pub title: String,
    /// Document and revision it was written from; `computed only` where none is public.
    pub source: String,
    /// Where a frame begins and ends.
    pub framing: Framing,
    /// Check characters, where the instrument sends them.
    pub check: Option<Check>,
    /// What the instrument must be asked; `None` for one that speaks by itself.
    pub request: Option<Request>,
    /// It speaks only when somebody presses a key, so that its silence means nothing.
    pub on_event: bool,
    /// Frames that say nothing.
    pub ignore: Vec<Glob>,
    /// The kinds of lines, tried in order.
    pub lines: Vec<Line>,
    /// Raw bytes → displayed values, checked at load.
    pub vectors: Vec<LineVector>,
    /// SHA-256 of the file it was loaded from.
    pub digest: [u8; 32],
}

/// Where a frame begins and ends in the stream of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Bytes in front of every frame; empty when there are none. Where they stand in a frame, they begin another.
    pub start: Vec<u8>,
    /// What follows every frame.
    pub end: End,
    /// Bytes between start and end, when always the same number.
    pub length: Option<usize>,
    /// Most bytes between start and end, `1..=`[`MAX_FRAME_BYTES`].
    pub longest: usize,
    /// The eighth bit is parity and is taken off.
    pub seven_bits: bool,
}

/// What follows a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing: the length says where it ends.
    Absent,
    /// `CR LF`, `CR`, `LF` or `LF CR`; an empty line is no frame.
    AnyLineEnd,
    /// These bytes.
    Bytes(Vec<u8>),
}

/// Check characters near the end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// How they are computed.
    pub kind: CheckKind,
    /// How they are written.
    pub spelling: Spelling,
    /// Bytes they take; `None` for decimal digits without leading zeros.
    pub width: Option<usize>,
    /// Bytes between the check and the end of the frame.
    pub tail: usize,
    /// First bytes of the frame that are not summed.
    pub skip: usize,
    /// Last bytes before the check that are not summed.
    pub gap: usize,
    /// The framing's start bytes are summed as well.
    pub with_start: bool,
    /// Bytes and result count by their low seven bits.
    pub seven_bits: bool,
}

/// How check characters are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// Exclusive or of the bytes.
    Xor,
    /// Sum of the bytes.
    Sum,
    /// Two's complement of the sum (longitudinal redundancy check).
    Lrc,
}

/// How check characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Hexadecimal digits of either case.
    Hex,
    /// Decimal digits.
    Decimal,
    /// One byte.
    Byte,
}

/// What an instrument is asked, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The bytes sent.
    pub send: Vec<u8>,
    /// Time from one request to the next.
    pub poll: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// The request comes back before the answer.
    pub echo: bool,
    /// Lines with a value that one answer has.
    pub statements: u8,
}

/// A text with wildcards, `*` for any bytes or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(pub Vec<Wild>);

/// One piece of a [`Glob`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wild {
    /// This byte.
    Byte(u8),
    /// Any bytes, or none.
    Any,
}

/// One kind of line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Only lines that fit this are tried.
    pub when: Option<Glob>,
    /// How the line is cut.
    pub pattern: Pattern,
    /// What stands in it.
    pub channels: Vec<LineChannel>,
    /// Texts that say how far its values can be trusted.
    pub statuses: Vec<Status>,
    /// Where the instrument names itself.
    pub serial: Option<Place>,
    /// Where the sample is named.
    pub sample: Option<Place>,
}

/// How a line is cut into texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// At these bytes; `None` cuts at runs of blanks and tabs.
    Split {
        /// The bytes between two fields.
        by: Option<Vec<u8>>,
        /// How many fields there are, when always the same number.
        fields: Option<usize>,
    },
    /// At fixed columns of a line of this many bytes.
    Columns(usize),
    /// Along a text with named places.
    Template(Vec<Part>),
}

/// One piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Text(Vec<u8>),
    /// One blank or more.
    Blanks,
    /// A named place: up to what the next part says.
    Slot(String),
    /// A place nobody reads.
    Skip,
}

/// Where a text stands in a cut line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The field of this number, from 1.
    Field(usize),
    /// From the first to the last column, both from 1.
    Columns(usize, usize),
    /// The place of this name in the template.
    Slot(String),
}

/// One channel of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChannel {
    /// Channel name.
    pub name: String,
    /// Where the number stands.
    pub at: Place,
    /// Its unit.
    pub unit: UnitRule,
    /// Power of ten applied to the digits: tenths without a point have `-1`.
    pub scale: i8,
    /// Where a digit says how many decimals the number has.
    pub places_at: Option<Place>,
    /// Where the sign stands, when not with the number.
    pub sign: Option<Sign>,
    /// The decimal mark is a comma.
    pub comma: bool,
    /// Texts in place of the number, and what they mean.
    pub sentinels: Vec<(Vec<u8>, Missing)>,
    /// Least and greatest plausible value; outside is `Implausible`.
    pub plausible: Option<(Decimal, Decimal)>,
}

/// How the unit of a channel is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitRule {
    /// It never changes.
    Fixed(Unit),
    /// The line states it; a text that is not listed is refused.
    Stated {
        /// Where.
        at: Place,
        /// The instrument's spelling of each.
        spellings: Vec<(Vec<u8>, Unit)>,
    },
}

/// A sign that stands apart from the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// Where.
    pub at: Place,
    /// Texts that mean below zero; nothing and `+` mean above; anything else is refused.
    pub negative: Vec<Vec<u8>>,
}

/// A text that says how far the values of a line can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where.
    pub at: Place,
    /// What each text means; one that is not listed is refused.
    pub words: Vec<(Vec<u8>, Meaning)>,
    /// The channels it speaks of; none listed means all of the line.
    pub channels: Vec<String>,
}

/// What a status text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// There is a value, of this quality.
    Value(Quality),
    /// There is none.
    Missing(Missing),
}

/// One test vector of a line profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineVector {
    /// Bytes as on the wire, with everything the framing asks for.
    pub raw: Vec<u8>,
    /// What they must come to.
    pub expect: Expectation,
}

/// What a vector must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Channels with what they show, in the order of the line.
    Statement {
        /// Channel name and `value unit [quality]`, or the reason's word.
        channels: Vec<(String, String)>,
        /// What the instrument calls itself.
        serial: Option<String>,
        /// What it calls the sample.
        sample: Option<String>,
    },
    /// A frame that says nothing.
    Ignored,
    /// A frame that must not be believed.
    Refused,
}

impl LineProfile {
    /// Names of all channels, each once, in the order of the file.
    pub fn channel_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for channel in self.lines.iter().flat_map(|line| &line.channels) {
            if !names.contains(&channel.name.as_str()) {
                names.push(&channel.name);
            }
        }
        names
    }
}
