//! What screening gives: findings, one verdict, one disposition.

use tidewaiter_config::limits::Hazard;
use tidewaiter_drivers::Decimal;

/// The outcome of judging one row, or of the whole inspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The row does not apply to this subject, or nothing was asked for.
    NotApplicable,
    /// Within limits, by the row's decision rule.
    Pass,
    /// Within the limit, inside the guard band.
    ConditionalPass,
    /// Beyond the limit, inside the guard band.
    ConditionalFail,
    /// Beyond the limit.
    Fail,
    /// Cannot be decided, for this reason.
    Inconclusive(Reason),
}

/// Why a verdict cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is no value.
    NoValue,
    /// The quantity was not measured at all.
    NotMeasured,
    /// The row needs a declared fact and none is known.
    NoDeclaration,
    /// What is declared is covered by no row.
    NotCovered,
    /// No background to compare with.
    NoBackground,
    /// The value is bad or not decisive (out of verification, identity mismatch, unstable …).
    Quality,
    /// The decision rule needs an uncertainty and none is stated, or it is too large for the limits.
    Uncertainty,
    /// The unit cannot be converted to the row's.
    Unit,
    /// No edition of the table is in force at the sampling date.
    NoEdition,
    /// The inspection is incomplete.
    Incomplete,
    /// The basis of the value (dry, as received) is not that of the limit and cannot be brought to it.
    Basis,
    /// The numbers do not fit exact arithmetic.
    Arithmetic,
}

/// What the lane does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// Everything required passed.
    Clear,
    /// A person decides.
    Refer,
    /// The passage is void: scan again.
    NotValid,
    /// Stop.
    Alarm,
}

/// One judged row, with all that is needed to recompute it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Limit table id.
    pub table: String,
    /// Edition of the table.
    pub edition: String,
    /// Row id within the table; `*` when the finding is about the table and no single row of it.
    pub row: String,
    /// Parameter judged.
    pub parameter: String,
    /// Result.
    pub verdict: Verdict,
    /// Whether a `Fail` on this row refers or alarms.
    pub alarms: bool,
    /// The value as judged, in the row's unit, with its UCUM code: `7.6 [pH]`.
    pub value: Option<String>,
    /// The limit as applied: `4.0..7.5 [pH]`, `<= 0.12 + 0.25 uGy/h`, `<= 934 + 7 sqrt(934) {count}`.
    pub limit: String,
    /// Decision rule and comparison applied, with any conversion, rounding or reason, parted by `; `:
    /// `simple, full`, `guarded, rounded; kg from t x1000; U = 40`.
    pub rule: String,
    /// Stage of a step programme, from 1.
    pub stage: Option<u16>,
    /// What kinds of hazard a breach of the row is.
    pub hazards: Vec<Hazard>,
    /// Legal force of the table: `mandatory`, `recommended`, `voluntary`, `guide` or `site`.
    pub legal_force: String,
    /// Probability of conformity, 0 to 1 with four places, where an uncertainty is stated (JCGM 106:2012, 7).
    pub probability: Option<Decimal>,
    /// It is listed beside the others and leaves verdict and disposition alone.
    pub advisory: bool,
}

/// The judged inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screening {
    /// One finding for each row that was required, in table order.
    pub findings: Vec<Finding>,
    /// The strictest.
    pub verdict: Verdict,
    /// What the lane does.
    pub disposition: Disposition,
    /// Device and recomputation disagreed about an alarm; the stricter one was used.
    pub alarm_mismatch: bool,
}

impl Reason {
    /// All reasons, the most telling first: of several, the verdict of an inspection gives the first.
    ///
    /// An inspection that broke off explains the values it lacks, and a missing value matters more
    /// than a table that could not be applied to it.
    pub const ALL: [Self; 12] = [
        Self::Incomplete,
        Self::NotMeasured,
        Self::NoValue,
        Self::Quality,
        Self::NoBackground,
        Self::NoDeclaration,
        Self::NotCovered,
        Self::Uncertainty,
        Self::Unit,
        Self::Basis,
        Self::NoEdition,
        Self::Arithmetic,
    ];

    /// The stable spelling used in records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoValue => "no-value",
            Self::NotMeasured => "not-measured",
            Self::NoDeclaration => "no-declaration",
            Self::NotCovered => "not-covered",
            Self::NoBackground => "no-background",
            Self::Quality => "quality",
            Self::Uncertainty => "uncertainty",
            Self::Unit => "unit",
            Self::NoEdition => "no-edition",
            Self::Incomplete => "incomplete",
            Self::Basis => "basis",
            Self::Arithmetic => "arithmetic",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

impl Verdict {
    /// Strictness: `Fail` above `ConditionalFail` above `Inconclusive` above `ConditionalPass` above
    /// `Pass` above `NotApplicable`; among inconclusive ones the more telling reason is the stricter.
    pub(crate) fn rank(self) -> (u8, usize) {
        match self {
            Self::NotApplicable => (0, 0),
            Self::Pass => (1, 0),
            Self::ConditionalPass => (2, 0),
            Self::Inconclusive(reason) => (3, Reason::ALL.iter().rev().position(|&it| it == reason).unwrap_or(0)),
            Self::ConditionalFail => (4, 0),
            Self::Fail => (5, 0),
        }
    }

    /// The stricter of two verdicts.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    /// The stable spelling used in records and JSON; the reason travels beside it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "NotApplicable",
            Self::Pass => "Pass",
            Self::ConditionalPass => "ConditionalPass",
            Self::ConditionalFail => "ConditionalFail",
            Self::Fail => "Fail",
            Self::Inconclusive(_) => "Inconclusive",
        }
    }

    /// The reason of an inconclusive verdict.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Inconclusive(reason) => Some(reason),
            _ => None,
        }
    }

    /// Reads [`Self::word`] and [`Self::reason`] back.
    pub fn from_word(word: &str, reason: Option<Reason>) -> Option<Self> {
        Some(match (word, reason) {
            ("NotApplicable", None) => Self::NotApplicable,
            ("Pass", None) => Self::Pass,
            ("ConditionalPass", None) => Self::ConditionalPass,
            ("ConditionalFail", None) => Self::ConditionalFail,
            ("Fail", None) => Self::Fail,
            ("Inconclusive", Some(reason)) => Self::Inconclusive(reason),
            _ => return None,
        })
    }
}

impl Disposition {
    /// All dispositions, mildest first.
    pub const ALL: [Self; 4] = [Self::Clear, Self::Refer, Self::NotValid, Self::Alarm];

    /// The stable spelling used in records and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Refer => "refer",
            Self::NotValid => "not-valid",
            Self::Alarm => "alarm",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}
