//! Rules between the parts of a document.
//!
//! The schema of the standard accepts a spectrum that names a calibration which is not there, a time without offset,
//! or results about nothing. Those rules are stated in the standard's text and in the Schematron that comes with the
//! schema; they are kept here, with those of the schema's own that a typed document could still break. Reading does
//! not enforce them: an instrument's document is evidence, with its faults. Writing does.

mod measured;
mod parts;
mod survey;
mod table;

use jiff::Timestamp;

use crate::{Document, bounds::MAX_BREACHES};

/// A broken rule: where, and which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{element} {id}: {rule}")]
pub struct Breach {
    /// The element.
    pub element: &'static str,
    /// Its identifier, or that of the nearest element around it that has one; `-` without.
    pub id: String,
    /// The rule.
    pub rule: Rule,
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// Text that is no identifier.
    #[error("`{0}` is no identifier; it begins with a letter or _ and goes on with letters, digits, _ - and .")]
    Id(String),
    /// An identifier that stands twice.
    #[error("identifier `{0}` stands more than once")]
    Duplicate(String),
    /// A reference to nothing.
    #[error("{attribute} names `{id}`, which is not in the document")]
    Dangling {
        /// The attribute.
        attribute: &'static str,
        /// What it names.
        id: String,
    },
    /// A reference to something else than it must be.
    #[error("{attribute} names `{id}`, which is a {found}")]
    Target {
        /// The attribute.
        attribute: &'static str,
        /// What it names.
        id: String,
        /// What that is.
        found: &'static str,
    },
    /// A list that must have one entry at least.
    #[error("has no {0}")]
    Missing(&'static str),
    /// A name against the schema's pattern.
    #[error("`{0}` has punctuation in more than one word, which the schema refuses; use Name::fitted")]
    Name(String),
    /// A document number of another form.
    #[error("`{0}` is not of the form 8-4-4-4-12 hexadecimal digits")]
    Uuid(String),
    /// A time that cannot be placed.
    #[error("{0} has no offset from UTC; append Z or +08:00")]
    Offset(String),
    /// A time after now.
    #[error("{0} is in the future")]
    Future(String),
    /// A value out of its range.
    #[error("{value} is out of range, {range}")]
    Range {
        /// The value.
        value: String,
        /// What it must be.
        range: &'static str,
    },
    /// A list out of order.
    #[error("values do not ascend")]
    Order,
    /// Lists that go together and are not equally long.
    #[error("{left} has {first} values and {right} {second}")]
    Lengths {
        /// A list.
        left: &'static str,
        /// How long it is.
        first: usize,
        /// Another.
        right: &'static str,
        /// How long that is.
        second: usize,
    },
    /// Deviations without energies or energies without deviations.
    #[error("{0} stands without {1}")]
    Alone(&'static str, &'static str),
    /// An energy window that ends before it begins.
    #[error("a window does not end above its start")]
    Window,
    /// Boundaries that do not fit a spectrum's channels.
    #[error("{boundaries} energy boundaries for {channels} channels; one more than channels is needed")]
    Boundaries {
        /// How many boundaries.
        boundaries: usize,
        /// How many channels.
        channels: usize,
    },
    /// Another number of gross counts than windows.
    #[error("{found} counts, {expected} expected")]
    Counts {
        /// How many there are.
        found: usize,
        /// How many energy windows there are, 1 without.
        expected: usize,
    },
    /// Results that do not say of what, or say it twice.
    #[error("must name exactly one of measurements, groups and derived data, and names {0}")]
    Subject(usize),
    /// `Other` without a description.
    #[error("code Other needs a description")]
    Other,
    /// A nuclide without confidence.
    #[error("a nuclide states a confidence as value, uncertainty or description")]
    Confidence,
    /// Two values of one detector in one measurement.
    #[error("detector `{0}` has more than one {1} in one measurement")]
    SameDetector(String, &'static str),
    /// References to raw data outside derived data.
    #[error("names raw data outside DerivedData")]
    Raw,
    /// An origin without a description of its exact point.
    #[error("an origin reference needs an OriginDescription")]
    Origin,
    /// Something located relative to itself.
    #[error("is located relative to itself")]
    Circle,
    /// A group said to be within limits with a member that is not.
    #[error("the group is said to be within limits and a member is not")]
    GroupLimits,
    /// Live time longer than real time.
    #[error("live time {live} s is longer than real time {real} s")]
    LiveTime {
        /// Live time.
        live: String,
        /// Real time.
        real: String,
    },
}

impl Rule {
    /// Whether a document that breaks it can still be valid: clocks differ, and instruments round their times.
    pub const fn is_advice(&self) -> bool {
        matches!(self, Self::Future(_) | Self::LiveTime { .. })
    }
}

/// Checks a document, giving at most [`MAX_BREACHES`].
///
/// `now` is the caller's clock; without it, times in the future are not found.
pub fn check(document: &Document, now: Option<Timestamp>) -> Vec<Breach> {
    let mut breaches = Breaches::default();
    survey::check(document, now, &mut breaches);
    parts::check(document, &mut breaches);
    measured::check(document, &mut breaches);
    breaches.0
}

/// The breaches found so far.
#[derive(Default)]
struct Breaches(Vec<Breach>);

impl Breaches {
    fn tell(&mut self, element: &'static str, id: Option<&str>, rule: Rule) {
        if self.0.len() < MAX_BREACHES {
            self.0.push(Breach { element, id: id.unwrap_or("-").to_owned(), rule });
        }
    }
}
