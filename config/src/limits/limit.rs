//! What a row demands: one kind of limit, with the numbers as the document writes them.

use tidewaiter_drivers::{Decimal, Unit};

/// The limit itself. Numbers keep the decimals of the document and are in the unit of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// At most (`inclusive`) or less than.
    Max {
        /// The limit.
        limit: Decimal,
        /// Whether the limit itself is allowed.
        inclusive: bool,
    },
    /// At least (`inclusive`) or more than.
    Min {
        /// The limit.
        limit: Decimal,
        /// Whether the limit itself is allowed.
        inclusive: bool,
    },
    /// At most a limit that is lower by so much for each of what is declared.
    Lowered {
        /// The limit when none is declared to be there.
        limit: Decimal,
        /// Name of the declared count.
        declared: String,
        /// How much one of them takes off the limit.
        by: Decimal,
    },
    /// Between both.
    Range {
        /// Least value allowed.
        low: Decimal,
        /// Greatest value allowed.
        high: Decimal,
        /// Which of the ends are themselves outside.
        excludes: Excludes,
    },
    /// Must not be present: the value must be zero.
    Absent,
    /// At least this grade on the ordinal half-step scale, counted in half steps from grade 1 = 2 (`3-4` = 7).
    GradeAtLeast {
        /// Half steps, `2..=10`.
        half_steps: u8,
    },
    /// At most background + margin.
    AboveBackground {
        /// What may come on top of the background.
        margin: Decimal,
    },
    /// Counts at most background + k·√background (Poisson at low counts); k in units of sigma.
    Sigma {
        /// Multiples of the standard deviation of the background.
        k: Decimal,
    },
    /// |measured − declared| at most a tolerance. The declared value is the declared fact named here.
    Deviation {
        /// Name of the declared fact, written in the unit of the row.
        declared: String,
        /// The tolerance.
        tolerance: Tolerance,
    },
    /// The sum of several measured parameters at most the limit.
    Sum {
        /// The parameters, each once.
        of: Vec<String>,
        /// The limit of the sum.
        max: Decimal,
    },
    /// The sum of measured parameters, each divided by its own limit, at most the limit.
    SumOfRatios {
        /// Parameter and what it is divided by, in `unit`.
        of: Vec<(String, Decimal)>,
        /// Unit of the divisors.
        unit: Unit,
        /// The limit of the sum, usually 1.
        max: Decimal,
    },
    /// The class a value falls into must be one that is wanted.
    Classes {
        /// Classes without gap or overlap at the row's rounding interval, the best first.
        order: Vec<Class>,
        /// Which of them satisfy the row.
        wanted: Wanted,
    },
    /// At most, or less than, a share of another quantity.
    Share {
        /// A measured parameter, or else the declared fact of that name.
        of: String,
        /// The share, 0.9 for nine tenths.
        share: Decimal,
        /// Whether the share itself is allowed.
        inclusive: bool,
    },
    /// A declared date at most so many days before the sampling date; nothing is measured.
    NotOlder {
        /// Name of the declared date.
        declared: String,
        /// Greatest age, in days.
        days: u32,
    },
    /// |error| at most the maximum permissible error at a load (OIML R 76).
    Mpe {
        /// The load the error was found at: a measured parameter, or else a declared fact.
        load: String,
        /// Name of the declared verification scale interval e.
        interval: String,
        /// The permissible error by load, both in multiples of e, loads ascending.
        steps: Vec<MpeStep>,
        /// What all errors are multiplied with: 2 in service.
        times: Decimal,
    },
}

/// Which ends of a range are outside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Excludes {
    /// Neither: both ends are allowed.
    #[default]
    None,
    /// The lower end.
    Low,
    /// The upper end.
    High,
    /// Both ends.
    Both,
}

/// How far a value may be from what is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// This share of the declared value, in per cent.
    Percent(Decimal),
    /// This difference, in the unit of the row.
    Absolute(Decimal),
    /// The smaller of both.
    Smaller {
        /// Share of the declared value, in per cent.
        percent: Decimal,
        /// Difference in the unit of the row.
        absolute: Decimal,
    },
    /// The greater of both.
    Greater {
        /// Share of the declared value, in per cent.
        percent: Decimal,
        /// Difference in the unit of the row.
        absolute: Decimal,
    },
}

/// One class: an interval of values with both ends included, open where an end is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Name as the document writes it.
    pub name: String,
    /// Least value, if it has one.
    pub min: Option<Decimal>,
    /// Greatest value, if it has one.
    pub max: Option<Decimal>,
}

/// Which classes satisfy a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The class declared under this name.
    Exactly(String),
    /// The class declared under this name, or a better one.
    OrBetter(String),
    /// One of these.
    Accepted(Vec<String>),
}

/// One step of a maximum permissible error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MpeStep {
    /// Greatest load of the step, in multiples of the interval.
    pub up_to: Decimal,
    /// The permissible error, in multiples of the interval.
    pub error: Decimal,
}

impl Excludes {
    /// Whether the lower end is allowed.
    pub const fn low_allowed(self) -> bool {
        matches!(self, Self::None | Self::High)
    }

    /// Whether the upper end is allowed.
    pub const fn high_allowed(self) -> bool {
        matches!(self, Self::None | Self::Low)
    }
}

impl Limit {
    /// The key of the row that states it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Max { inclusive: true, .. } | Self::Lowered { .. } => "max",
            Self::Max { .. } => "less_than",
            Self::Min { inclusive: true, .. } => "min",
            Self::Min { .. } => "more_than",
            Self::Range { .. } => "range",
            Self::Absent => "absent",
            Self::GradeAtLeast { .. } => "grade_at_least",
            Self::AboveBackground { .. } => "above_background",
            Self::Sigma { .. } => "sigma",
            Self::Deviation { .. } => "deviation",
            Self::Sum { .. } => "sum",
            Self::SumOfRatios { .. } => "sum_of_ratios",
            Self::Classes { .. } => "classes",
            Self::Share { .. } => "share",
            Self::NotOlder { .. } => "not_older",
            Self::Mpe { .. } => "mpe",
        }
    }

    /// Whether a number is compared with a number, so that rounding and uncertainty have a meaning.
    pub const fn compares_numbers(&self) -> bool {
        !matches!(self, Self::Absent | Self::GradeAtLeast { .. } | Self::Sigma { .. } | Self::NotOlder { .. })
    }
}
