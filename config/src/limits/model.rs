//! A limit table as loaded: one edition of one document, its rows in order.

use std::collections::BTreeMap;

use jiff::civil::Date;
use tidewaiter_drivers::{Decimal, Unit};

use super::Limit;

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
    /// The edition it takes the place of, where that one still names a last day after this one's first.
    pub replaces: Option<String>,
    /// Where the numbers come from.
    pub source: String,
    /// `mandatory`, `recommended`, `voluntary`, `guide` or `site`.
    pub legal_force: String,
    /// Declared facts that only this table knows, each with what it means.
    pub facts: BTreeMap<String, String>,
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
    /// Conditions on measured quantities, all of which must hold.
    pub when_measured: Vec<MeasuredCondition>,
    /// How measured and limit are compared.
    pub compare: Compare,
    /// Rounding interval of [`Compare::Rounded`], 1, 2 or 5 times a power of ten; the last place of the limit
    /// where none is stated.
    pub round_to: Option<Decimal>,
    /// How uncertainty enters.
    pub decision: DecisionRule,
    /// Guard band in standard uncertainties; the expanded uncertainty (k = 2) where none is stated.
    pub guard_z: Option<Decimal>,
    /// A `Fail` here alarms instead of referring.
    pub alarms: bool,
    /// Test method, where the document names one.
    pub method: Option<String>,
    /// What a reader of the row should know.
    pub note: Option<String>,
    /// Where this row's number comes from, where that is not the table's source.
    pub source: Option<String>,
    /// `C2` or `C1`: in how many independent public sources the number was seen; `site` for a rule of the site's own.
    pub confidence: String,
}

impl Row {
    /// A row of the site's own that always applies, compares all digits and refers.
    pub fn new(id: &str, parameter: &str, limit: Limit, unit: Unit) -> Self {
        Self {
            id: id.to_owned(),
            parameter: parameter.to_owned(),
            limit,
            unit,
            basis: None,
            hazards: Vec::new(),
            when: Vec::new(),
            when_measured: Vec::new(),
            compare: Compare::Full,
            round_to: None,
            decision: DecisionRule::Simple,
            guard_z: None,
            alarms: false,
            method: None,
            note: None,
            source: None,
            confidence: "site".to_owned(),
        }
    }
}

/// A condition on one declared fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Name of the declared fact, e.g. `category`, `axles`.
    pub fact: String,
    /// Must equal one of these; compared as text, numbers by value.
    pub one_of: Vec<String>,
}

/// A condition on one measured quantity of the same inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredCondition {
    /// Parameter it looks at.
    pub parameter: String,
    /// How the value must stand to the number.
    pub relation: Relation,
    /// The number.
    pub limit: Decimal,
    /// Its unit.
    pub unit: Unit,
}

/// How a value stands to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Less than.
    LessThan,
    /// At most.
    AtMost,
    /// At least.
    AtLeast,
    /// More than.
    MoreThan,
}

impl Relation {
    /// As formulas write it, in ASCII.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::LessThan => "<",
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
            Self::MoreThan => ">",
        }
    }

    /// Whether a value that stands so to the number satisfies it.
    pub const fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::LessThan => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::AtLeast => ordering.is_ge(),
            Self::MoreThan => ordering.is_gt(),
        }
    }
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
    /// The measured value is rounded once first, to the decimals of the limit or to the row's own interval.
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
    /// JJF 1094-2002, 5.3.1: plain while U is at most a third of the permissible error, else undecided within U of it.
    Jjf1094,
}

impl DecisionRule {
    /// The spelling used in tables and findings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Guarded => "guarded",
            Self::NonBinary => "non-binary",
            Self::Jjf1094 => "jjf-1094",
        }
    }
}

impl Compare {
    /// The spelling used in tables and findings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Rounded => "rounded",
        }
    }
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
