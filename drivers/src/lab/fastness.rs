//! Colour fastness grades: half steps of the grey scales, never a number to calculate with.
//!
//! A grade is a rank: the mean of grades 3 and 4 is not grade 3-4, and a text `3-4` is no subtraction. So it is
//! an enum, compared by rank and written in its own ways:
//!
//! ```text
//! 3-4   3/4   3.5      one grade, as reports, forms and programs write it
//! ```
//!
//! Scales: ISO 105-A02 (change of colour) and ISO 105-A03 (staining), the same nine grades. Instruments that
//! assess by colour difference give CIELAB units instead; [`Grade::from_difference`] ranks those by the table
//! of ISO 105-A02.

use heapless::String;

use crate::{
    Decimal, Unit,
    reading::{Channels, Missing, Name, Outcome},
    wire::{
        Refusal, field,
        statement::{Statement, Statements},
    },
};

/// A grade of the grey scale; a greater grade is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// 1, the greatest change.
    One,
    /// 1-2.
    OneToTwo,
    /// 2.
    Two,
    /// 2-3.
    TwoToThree,
    /// 3.
    Three,
    /// 3-4.
    ThreeToFour,
    /// 4.
    Four,
    /// 4-5.
    FourToFive,
    /// 5, no change.
    Five,
}

impl Grade {
    /// All grades, worst first.
    pub const ALL: [Self; 9] = [
        Self::One,
        Self::OneToTwo,
        Self::Two,
        Self::TwoToThree,
        Self::Three,
        Self::ThreeToFour,
        Self::Four,
        Self::FourToFive,
        Self::Five,
    ];

    /// Twice the grade, `2..=10`: the whole number it is stored and compared by.
    pub const fn half_steps(self) -> u8 {
        self as u8 + 2
    }

    /// Reads [`Self::half_steps`] back.
    pub fn from_half_steps(half_steps: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.half_steps() == half_steps)
    }

    /// As test reports write it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::OneToTwo => "1-2",
            Self::Two => "2",
            Self::TwoToThree => "2-3",
            Self::Three => "3",
            Self::ThreeToFour => "3-4",
            Self::Four => "4",
            Self::FourToFive => "4-5",
            Self::Five => "5",
        }
    }

    /// Reads a grade in any of its spellings: `3-4`, `3/4`, `3~4`, `3.5`, and `4`, `4.0`.
    ///
    /// `None` for anything else, such as `3.2`, `4-3` or `3-5`: between neighbours there is one step, and
    /// nothing is rounded to one.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidewaiter_drivers::lab::fastness::Grade;
    /// assert_eq!(Grade::parse("3/4"), Some(Grade::ThreeToFour));
    /// assert_eq!(Grade::parse("3.5"), Some(Grade::ThreeToFour));
    /// assert_eq!(Grade::parse("3.4"), None);
    /// assert!(Grade::ThreeToFour < Grade::Four);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let half_steps = match *text.trim_ascii().as_bytes() {
            [whole @ b'1'..=b'5'] | [whole @ b'1'..=b'5', b'.', b'0'] => 2 * (whole - b'0'),
            [whole @ b'1'..=b'4', b'.', b'5'] => 2 * (whole - b'0') + 1,
            [low @ b'1'..=b'4', b'-' | b'/' | b'~', high] if high == low + 1 => 2 * (low - b'0') + 1,
            _ => return None,
        };
        Self::from_half_steps(half_steps)
    }

    /// The grade as a decimal with unit `{grade}`: `3.5` for 3-4, `4` for 4. A spelling, not a quantity.
    pub fn decimal(self) -> Decimal {
        let half_steps = i64::from(self.half_steps());
        let whole = Decimal::whole(half_steps / 2);
        if half_steps % 2 == 0 { whole } else { Decimal::new(half_steps * 5, 1).unwrap_or(whole) }
    }

    /// Reads [`Self::decimal`] back.
    pub fn from_decimal(decimal: Decimal) -> Option<Self> {
        let doubled = decimal.checked_mul(Decimal::whole(2))?.at_places(0)?;
        Self::from_half_steps(u8::try_from(doubled.digits()).ok()?)
    }

    /// The grade of a colour difference in CIELAB units, by the table of ISO 105-A02.
    ///
    /// `None` below zero, and in the gaps that the tolerances of the table leave between two grades: there
    /// the table does not say, and a person looks.
    pub fn from_difference(difference: Decimal) -> Option<Self> {
        /// Grade, least and greatest difference in hundredths: nominal value and tolerance of the table. The
        /// last line is open above, since no grade is worse.
        const TABLE: [(Grade, i64, i64); 9] = [
            (Grade::Five, 0, 20),
            (Grade::FourToFive, 60, 100),
            (Grade::Four, 140, 200),
            (Grade::ThreeToFour, 215, 285),
            (Grade::Three, 300, 380),
            (Grade::TwoToThree, 430, 530),
            (Grade::Two, 620, 740),
            (Grade::OneToTwo, 890, 1_030),
            (Grade::One, 1_260, i64::MAX),
        ];
        let within = |least: i64, most: i64| {
            let bound = |hundredths| Decimal::new(hundredths, 2);
            bound(least).is_some_and(|least| difference.cmp_value(least).is_ge())
                && (most == i64::MAX || bound(most).is_some_and(|most| difference.cmp_value(most).is_le()))
        };
        TABLE.into_iter().find(|&(_, least, most)| within(least, most)).map(|(grade, ..)| grade)
    }
}

/// Longest line accepted, in bytes.
pub const MAX_LINE_BYTES: usize = 48;

/// A grade on a line of text, with the test it belongs to where the line names one.
///
/// ```text
/// 3-4                     the test is known from what is asked
/// fastness-water 3-4      words in lower case, joined by hyphens, then the grade
/// ```
///
/// There is no public protocol of assessment booths; this is the line this project proposes for keypads,
/// scripts and exports, and a scanner reading a printed grade fits it as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradeLine {
    /// The test, empty where the line names none.
    pub test: Name,
    /// The grade.
    pub grade: Grade,
}

/// The decoder; a frame is one line.
pub type Decoder = Statements<GradeLine, MAX_LINE_BYTES>;

impl Statement for GradeLine {
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        let at = line.iter().rposition(|byte| matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
        let (test, grade) = line.split_at_checked(at).ok_or(Refusal::Shape)?;
        let test = test.trim_ascii();
        if !test.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
            || test.first().is_some_and(|byte| !byte.is_ascii_lowercase())
        {
            return Err(Refusal::Shape);
        }
        let test = core::str::from_utf8(test).ok().and_then(|it| Name::try_from(it).ok()).ok_or(Refusal::TooLong)?;
        let grade = core::str::from_utf8(grade).ok().and_then(Grade::parse).ok_or(Refusal::Number)?;
        Ok(Some(Self { test, grade }))
    }
}

impl Channels for GradeLine {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let name = if self.test.is_empty() { "grade" } else { &self.test };
        tell(name, super::good(self.grade.decimal(), Unit::FastnessGrade));
    }
}

/// Writes the line with its CR LF.
///
/// `None` when the test has other characters than the line allows.
pub fn encode(line: &GradeLine) -> Option<String<MAX_LINE_BYTES>> {
    let mut out = String::new();
    if !line.test.is_empty() {
        out.push_str(&line.test).ok()?;
        out.push(' ').ok()?;
    }
    out.push_str(line.grade.text()).ok()?;
    out.push_str("\r\n").ok()?;
    (GradeLine::read(out.trim_ascii().as_bytes()) == Ok(Some(line.clone()))).then_some(out)
}

/// The outcome of a colour difference an instrument reports, as a grade: [`Missing::Refused`] where the table of
/// ISO 105-A02 gives none.
///
/// # Errors
///
/// See above; also for a field that is no number.
pub fn graded(difference: &[u8]) -> Outcome {
    let difference = field::number(difference).map_err(Missing::from)?;
    let grade = Grade::from_difference(difference).ok_or(Missing::Refused)?;
    super::good(grade.decimal(), Unit::FastnessGrade)
}
