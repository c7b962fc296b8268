//! A plan as loaded and checked.

use std::time::Duration;

use jiff::civil::Date;
use tidewaiter_drivers::Decimal;

use super::{Matrix, Notice};
use crate::{limits::Hazard, site::Judge};

/// One version of a monitoring plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Id.
    pub id: String,
    /// Version; only rises.
    pub version: u32,
    /// Title, as issued.
    pub title: String,
    /// Who issued it, as they call themselves.
    pub issuer: String,
    /// First day in force.
    pub effective_from: Date,
    /// Last day in force, if it ends.
    pub effective_to: Option<Date>,
    /// The monitoring point it is for.
    pub point: String,
    /// Level of the point.
    pub level: PointLevel,
    /// Whose data the results are.
    pub origin: Origin,
    /// What is watched.
    pub items: Vec<Item>,
    /// What must be reported, and within what time.
    pub deadlines: Vec<Deadline>,
    /// How a level is proposed; `None` proposes none.
    pub matrix: Option<Matrix>,
    /// Which notice suits which finding, the first that fits.
    pub notices: Vec<Notice>,
    /// How results in a row are looked at; `None` looks at none.
    pub trend: Option<Trend>,
    /// Whose laboratory results count.
    pub acceptance: Vec<AcceptedBody>,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
}

/// One thing a plan watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Id, unique within the plan.
    pub id: String,
    /// Procedures it is for; empty: any.
    pub procedures: Vec<String>,
    /// Lanes and rigs it is for; empty: any.
    pub places: Vec<String>,
    /// HS codes it is for, as their first 2 to 10 digits; empty: any goods.
    pub hs: Vec<String>,
    /// What it is judged by.
    pub judge: Vec<Judge>,
    /// How its candidates are drawn; `None` draws none.
    pub sampling: Option<Sampling>,
    /// Whether a result is presumptive.
    pub result_class: ResultClass,
}

/// How candidates of an item are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Rate by class A, B, C, in per cent, 0 to 100 with at most [`RATE_PLACES`] places.
    pub rates: [Decimal; 3],
    /// Class of a candidate for which none is declared.
    pub default: RiskClass,
    /// How long one committed seed serves.
    pub period: Duration,
}

/// Most places of a sampling rate: with them, rate and hash are still compared exactly in 128 bits.
pub const RATE_PLACES: u8 = 6;

/// A report or an answer that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Id, unique within the plan.
    pub id: String,
    /// What is due.
    pub kind: DeadlineKind,
    /// Time from detection.
    pub within: Duration,
    /// Time before the end at which it is called at risk.
    pub at_risk: Duration,
    /// What starts it.
    pub on: Selector,
}

/// Which findings a rule is about: every list that is not empty must hold one that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Dispositions, in words of records.
    pub dispositions: Vec<String>,
    /// Verdicts, in words of records.
    pub verdicts: Vec<String>,
    /// Proposed levels.
    pub levels: Vec<Level>,
    /// Hazards of the rows that were not kept.
    pub hazards: Vec<Hazard>,
    /// Parameters of the rows that were not kept, and kinds of alarm.
    pub parameters: Vec<String>,
    /// Tables of the rows that were not kept.
    pub tables: Vec<String>,
    /// Legal force of the rows that were not kept.
    pub legal_force: Vec<String>,
    /// At least so many rows were not kept.
    pub rows_at_least: u32,
    /// At least so many results of this commodity and origin were not kept within the window of the trend, this one
    /// included.
    pub repeats_at_least: u32,
    /// So many consignees or origins are hit that the trend calls it systemic.
    pub systemic: Option<bool>,
}

/// How results in a row are looked at, by commodity and origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trend {
    /// So many results in a row that do not conform are told.
    pub consecutive: u32,
    /// After so many results in a row that conform, lifting is proposed.
    pub lift_after: u32,
    /// How far back results count.
    pub window: Duration,
    /// Quantile of the Wilson interval, `"1.96"` for 95 %.
    pub z: Decimal,
    /// Rate of results that do not conform, in per cent, above which the whole interval must lie to be told.
    pub rate: Decimal,
    /// So many results are needed before a rate is told: of one result in one, the interval says little that helps.
    pub least_results: u32,
    /// From so many different consignees or origins on it is called systemic.
    pub systemic: u32,
}

/// A laboratory whose results count, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedBody {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// CMA number.
    pub cma: Option<String>,
    /// CNAS number.
    pub cnas: Option<String>,
    /// HS codes, as their first digits; empty: any goods.
    pub hs: Vec<String>,
    /// Parameters.
    pub parameters: Vec<String>,
    /// Test methods.
    pub methods: Vec<String>,
    /// First day.
    pub valid_from: Date,
    /// Last day.
    pub valid_to: Date,
    /// Longest age of a report.
    pub longest_report_age: Duration,
}

/// Declares a closed set of words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$each])* $variant),* }

        impl $name {
            /// All of them, in order.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];
            /// All of them with their words.
            pub(crate) const WORDS: [(&'static str, Self); [$($word),*].len()] = [$(($word, Self::$variant)),*];

            /// The stable spelling used in plans, records and interfaces.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Reads [`Self::word`] back.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|it| it.word() == word)
            }
        }
    };
}

words! {
    /// Level of a monitoring point.
    PointLevel {
        /// National.
        National = "national",
        /// Provincial.
        Provincial = "provincial",
        /// Of a port.
        Port = "port",
    }
}

words! {
    /// Whose data a result is; origins are never mixed in statistics.
    Origin {
        /// A regulator's.
        Regulator = "regulator",
        /// An accredited laboratory's.
        AccreditedLab = "accredited-lab",
        /// An enterprise's own check.
        EnterpriseSelfCheck = "enterprise-self-check",
        /// Anyone else's.
        ThirdParty = "third-party",
    }
}

words! {
    /// Whether a result stands by itself.
    ResultClass {
        /// Presumptive: a breach goes to the laboratory.
        Screening = "screening",
        /// It confirms.
        Confirmatory = "confirmatory",
    }
}

words! {
    /// Risk class of a candidate.
    RiskClass {
        /// High.
        A = "A",
        /// Middle.
        B = "B",
        /// Low.
        C = "C",
    }
}

words! {
    /// What is due.
    DeadlineKind {
        /// A report to whoever must act; also met by proof that the warning arrived.
        Report = "report",
        /// An answer to whoever asked.
        Feedback = "feedback",
    }
}

words! {
    /// Warning levels, the gravest first: I red, II orange, III yellow, IV blue.
    Level {
        /// Very serious, red.
        I = "I",
        /// Serious, orange.
        II = "II",
        /// Fairly serious, yellow.
        III = "III",
        /// General, blue.
        IV = "IV",
    }
}

words! {
    /// Kinds of notice by whom they address.
    NoticeKind {
        /// 通报: regulators must act.
        Tongbao = "tongbao",
        /// 通告: enterprises must lower a risk.
        Tonggao = "tonggao",
        /// 公告: the public must protect itself.
        Gonggao = "gonggao",
    }
}

impl Plan {
    /// Whether it is in force on a day.
    pub fn in_force(&self, day: Date) -> bool {
        self.effective_from <= day && self.effective_to.is_none_or(|last| day <= last)
    }
}

impl Item {
    /// Whether it is for inspections of this procedure at this place.
    pub fn covers(&self, procedure: &str, place: &str) -> bool {
        let fits = |list: &[String], word: &str| list.is_empty() || list.iter().any(|it| it == word);
        fits(&self.procedures, procedure) && fits(&self.places, place)
    }

    /// How many digits of `hs` the item names: 0 when it is for any goods, `None` when it is for others.
    pub fn hs_match(&self, hs: Option<&str>) -> Option<usize> {
        longest_prefix(&self.hs, hs)
    }
}

impl Sampling {
    /// The rate of a class, in per cent.
    pub const fn rate(&self, class: RiskClass) -> Decimal {
        let [a, b, c] = self.rates;
        match class {
            RiskClass::A => a,
            RiskClass::B => b,
            RiskClass::C => c,
        }
    }
}

/// Length of the longest of these prefixes that `hs` begins with; 0 when there are none, `None` when none fits.
///
/// Dots and spaces in a declared code (`5208.11`) count for nothing.
pub fn longest_prefix(prefixes: &[String], hs: Option<&str>) -> Option<usize> {
    if prefixes.is_empty() {
        return Some(0);
    }
    let digits: String = hs?.chars().filter(char::is_ascii_digit).collect();
    prefixes.iter().filter(|prefix| digits.starts_with(prefix.as_str())).map(String::len).max()
}
