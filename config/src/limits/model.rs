//! A limit table as loaded: one edition of one document, its rows in order.

use jiff::civil::Date;
use tidewaiter_drivers::{Decimal, Unit};

/// One edition of a limit table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitTable {
    /// Id, e.g. `gb18401-2010-t1`; several editions may share it.
    pub id: String,
    /// Edition as cited, e.g. `2010`.
    pub edition: String,
    /// Title, zh-CN and en.
    pub title: Title,
    /// First day in force.
    pub effective_from: Date,
    /// Last day in force, if it has been replaced.
    pub effective_to: Option<Date>,
    /// Where the numbers come from.
    pub source: String,
    /// `mandatory`, `recommended`, `voluntary`, `guide` or `site`.
    pub legal_force: String,
    /// Rows in the order of the document.
    pub rows: Vec<Row>,
    /// SHA-256 of the file it was loaded from.
    pub digest: [u8; 32],
}

/// A title in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title {
    /// zh-CN.
    pub zh: String,
    /// en.
    pub en: String,
}

/// One row: a parameter, its limit and how to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Id, unique within the table.
    pub id: String,
    /// Parameter of the inspection it judges.
    pub parameter: String,
    /// The limit.
    pub limit: Limit,
    /// Unit the limit is written in.
    pub unit: Unit,
    /// Basis the limit is stated on, where the document states one.
    pub basis: Option<Basis>,
    /// What kinds of hazard a breach is.
    pub hazards: Vec<Hazard>,
    /// Conditions on declared facts, all of which must hold.
    pub when: Vec<Condition>,
    /// How measured and limit are compared.
    pub compare: Compare,
    /// How uncertainty enters.
    pub decision: DecisionRule,
    /// A `Fail` here alarms instead of referring.
    pub alarms: bool,
    /// Test method, where the document names one.
    pub method: Option<String>,
    /// `C2` or `C1`: in how many independent public sources the number was seen; `site` for a rule of the site's own.
    pub confidence: String,
}

/// The limit itself. Numbers keep the decimals of the document.
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
    /// Between both, both included.
    Range {
        /// Least value allowed.
        low: Decimal,
        /// Greatest value allowed.
        high: Decimal,
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
    /// |measured − declared| at most the smaller of both: `percent` of the declared value, and `absolute`.
    /// The declared value is the declared fact named here.
    Deviation {
        /// Name of the declared fact, written in the unit of the row.
        declared: String,
        /// Share of the declared value, in per cent.
        percent: Decimal,
        /// Difference in the unit of the row.
        absolute: Decimal,
    },
}

/// A condition on one declared fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Name of the declared fact, e.g. `category`, `axles`.
    pub fact: String,
    /// Must equal one of these; compared as text, numbers by value.
    pub one_of: Vec<String>,
}

/// What a mass fraction is referred to (ISO 1213-2, GB/T 483: ar, d).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// As received: with all the moisture the sample came with.
    AsReceived,
    /// Dry: free of moisture.
    Dry,
}

/// Kinds of hazard that risk monitoring looks for, port to market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hazard {
    /// To health in general.
    Health,
    /// Physical: radiation, mass, mechanics, fire.
    Physical,
    /// Chemical.
    Chemical,
    /// Biological.
    Biological,
    /// To the environment.
    Environmental,
}

impl Basis {
    /// All bases.
    pub const ALL: [Self; 2] = [Self::AsReceived, Self::Dry];

    /// The stable spelling used in tables, records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AsReceived => "as-received",
            Self::Dry => "dry",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

impl Hazard {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Health, Self::Physical, Self::Chemical, Self::Biological, Self::Environmental];

    /// The stable spelling used in tables, records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Physical => "physical",
            Self::Chemical => "chemical",
            Self::Biological => "biological",
            Self::Environmental => "environmental",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// GB/T 8170-2008 clause 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// All digits of the measured value count.
    Full,
    /// The measured value is rounded once to the decimals of the limit first.
    Rounded,
}

/// How uncertainty enters the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionRule {
    /// Simple acceptance: no guard band.
    Simple,
    /// Guard band of the expanded uncertainty: pass or fail only.
    Guarded,
    /// ILAC-G8:09/2019 non-binary: conditional verdicts inside the guard band.
    NonBinary,
}

/// A step programme for a bench: what each stage must hold, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    /// Id, e.g. `demo`. A shortened programme never bears a standard's name.
    pub id: String,
    /// Edition.
    pub edition: String,
    /// Title in both languages.
    pub title: Title,
    /// Where the numbers come from.
    pub source: String,
    /// Stages in order, numbered from 1.
    pub stages: Vec<Stage>,
    /// SHA-256 of the file it was loaded from.
    pub digest: [u8; 32],
}

/// One stage of a programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Least duration in seconds, by the bench's own elapsed time.
    pub duration_s: u32,
    /// Tolerance limits that every reading of the stage must keep.
    pub hold: Vec<Hold>,
}

/// One quantity held within limits during a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Channel of the bench, e.g. `speed`, `load`, `pressure`, `ambient`.
    pub channel: String,
    /// Unit of both limits.
    pub unit: Unit,
    /// Least value allowed.
    pub low: Decimal,
    /// Greatest value allowed.
    pub high: Decimal,
}
