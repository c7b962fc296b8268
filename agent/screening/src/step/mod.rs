//! What was done to come to a finding, step by step.
//!
//! A step is said twice: in short technical English inside [`Finding::rule`](crate::Finding), which
//! records carry, and by a message catalogue from [`Step::word`] and [`Step::parts`]. Steps are not
//! kept in records, because judging again gives them again.

mod said;

use jiff::civil::Date;
use tidewaiter_config::limits::{Basis, Compare, DecisionRule, Relation};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Missing, Quality},
};

use crate::conversion::Conversion;

/// One step of judging one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Two numbers are compared, by this rule.
    Method {
        /// How uncertainty enters.
        decision: DecisionRule,
        /// Whether all digits count.
        compare: Compare,
    },
    /// Counts over background are compared.
    Counting,
    /// Nothing may be there.
    Absence,
    /// Places on a scale are compared.
    Ordinal,
    /// A class is looked up.
    Classing,
    /// A date is compared with the sampling date.
    Age,
    /// The declared fact is one the row is for.
    Applies {
        /// Name of the fact.
        fact: String,
        /// As declared.
        declared: String,
    },
    /// The declared fact is another than the row is for.
    OtherCase {
        /// Name of the fact.
        fact: String,
        /// As declared.
        declared: String,
        /// What the row is for.
        wanted: String,
    },
    /// The fact is not declared.
    NotDeclared {
        /// Name of the fact.
        fact: String,
    },
    /// No row of the table names what is declared.
    NotNamed {
        /// Name of the fact.
        fact: String,
        /// As declared.
        declared: String,
    },
    /// A measured quantity stands otherwise than the row asks.
    OtherValue {
        /// The parameter.
        parameter: String,
        /// Its value with unit.
        value: String,
        /// What the row asks for.
        relation: Relation,
        /// The number asked for, with unit.
        limit: String,
    },
    /// The quantity was not measured.
    NotMeasured {
        /// The parameter.
        parameter: String,
    },
    /// Several values of one quantity differ, and nothing tells which is meant.
    Ambiguous {
        /// The parameter.
        parameter: String,
    },
    /// There is no value.
    NoValue {
        /// Why.
        missing: Missing,
    },
    /// The value as the instrument gave it.
    Value {
        /// With unit.
        value: String,
        /// The instrument.
        instrument: String,
    },
    /// The value may not be judged.
    NotDecisive {
        /// Why.
        quality: Quality,
    },
    /// Something is to be known about the value.
    Noted {
        /// What.
        quality: Quality,
    },
    /// The unit belongs to another quantity.
    ForeignUnit {
        /// Unit of the value.
        found: Unit,
        /// Unit of the row.
        wanted: Unit,
    },
    /// The value was converted exactly.
    Converted(Conversion),
    /// The declared value was converted exactly.
    DeclaredConverted(Conversion),
    /// The declared value is not a number in a unit of the row's quantity.
    BadDeclaration {
        /// Name of the fact.
        fact: String,
        /// As declared.
        declared: String,
        /// What it should have been.
        wanted: &'static str,
    },
    /// The declared value is in a unit of another quantity.
    ForeignDeclaration {
        /// Name of the fact.
        fact: String,
        /// As declared.
        declared: String,
        /// Unit of the row.
        wanted: Unit,
    },
    /// The value was brought to the basis of the limit.
    Basis {
        /// Basis of the value.
        from: Basis,
        /// Basis of the limit.
        to: Basis,
        /// Moisture as received, in per cent.
        moisture: String,
        /// The result.
        value: String,
    },
    /// The basis of the value is not known, or cannot be changed.
    NoBasis {
        /// Basis of the limit.
        wanted: Basis,
        /// What is missing.
        lack: Lack,
    },
    /// The background was taken off.
    Net {
        /// What remains.
        net: String,
    },
    /// The difference from what is declared.
    Deviation {
        /// Value minus declared.
        deviation: String,
    },
    /// Parameters were added up.
    Sum {
        /// Each with its value.
        terms: Vec<String>,
        /// Those that could not be taken.
        lacking: Vec<String>,
    },
    /// The permissible error at a load.
    Load {
        /// The load.
        load: String,
        /// The load in scale intervals.
        intervals: String,
        /// The scale interval.
        interval: String,
    },
    /// The load or value lies outside what the row lists.
    Beyond {
        /// What.
        what: String,
    },
    /// The value was rounded once.
    Rounded {
        /// Before.
        from: String,
        /// After.
        to: Decimal,
    },
    /// The expanded uncertainty (k = 2) that entered.
    Uncertainty {
        /// The uncertainty, rounded up where it is a root.
        uncertainty: String,
    },
    /// None is stated, and the rule needs one.
    NoUncertainty,
    /// A guard band other than the expanded uncertainty.
    Guard {
        /// In standard uncertainties.
        z: Decimal,
        /// How wide.
        width: String,
    },
    /// Probability of conformity, from the value before any rounding.
    Probability {
        /// 0 to 1.
        probability: Decimal,
        /// The expanded uncertainty it rests on (k = 2), with unit.
        uncertainty: String,
    },
    /// The value is no grade of the scale.
    NoGrade {
        /// The value.
        value: Decimal,
    },
    /// The class the value falls into.
    Class {
        /// Its name.
        found: String,
    },
    /// The background is so low that counts are not normally distributed.
    Poisson {
        /// Multiples of the standard deviation that the probability stands for.
        k: Decimal,
    },
    /// The age of a date.
    Days {
        /// Name of the fact.
        fact: String,
        /// The date.
        date: String,
        /// Days before the sampling date.
        days: i32,
    },
    /// Which of several measured quantities this is.
    Derived {
        /// How it came from its readings.
        derivation: String,
        /// The instrument.
        instrument: String,
    },
    /// The table cannot be applied at all.
    Table(TableLack),
}

/// Why a table says nothing at all about a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableLack {
    /// No edition of it is loaded.
    NotLoaded {
        /// Table id.
        table: String,
    },
    /// No edition of it is in force on the day.
    NotInForce {
        /// Table id.
        table: String,
        /// The sampling date.
        at: Date,
    },
    /// Two different editions came into force on one day.
    TwoEditions {
        /// Table id.
        table: String,
        /// The day.
        day: Date,
    },
    /// It has no row for the parameter.
    NoRow {
        /// The parameter.
        parameter: String,
    },
    /// What is declared falls between its rows.
    Between,
}

/// One variable of a step, and how a person's language turns it into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it is: a number, a name, what was declared.
    Text(String),
    /// A number or limit with its UCUM unit.
    Quantity(String),
    /// A stable word of this kind: `decision`, `compare`, `basis`, `quality`, `missing`, `unit`, `fact`, `parameter`,
    /// `instrument`, `lack`.
    Word {
        /// Kind of word.
        kind: &'static str,
        /// The word.
        word: String,
    },
}

impl Part {
    /// The part as records and JSON have it.
    pub fn plain(&self) -> &str {
        match self {
            Self::Text(text) | Self::Quantity(text) => text,
            Self::Word { word, .. } => word,
        }
    }
}

/// Why a basis cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The value states none.
    NoBasis,
    /// A calorific value does not change by its mass alone.
    Calorific,
    /// No moisture was measured.
    NoMoisture,
    /// The moisture is not stated as received.
    MoistureBasis,
    /// The moisture is no share of a mass.
    MoistureRange,
}

impl Lack {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::NoBasis, Self::Calorific, Self::NoMoisture, Self::MoistureBasis, Self::MoistureRange];

    /// The stable spelling.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoBasis => "no-basis",
            Self::Calorific => "calorific",
            Self::NoMoisture => "no-moisture",
            Self::MoistureBasis => "moisture-basis",
            Self::MoistureRange => "moisture-range",
        }
    }

    const fn rule(self) -> &'static str {
        match self {
            Self::NoBasis => "the value states none",
            Self::Calorific => "and a calorific value does not change by its mass alone",
            Self::NoMoisture => "moisture was not measured",
            Self::MoistureBasis => "moisture is not stated as received",
            Self::MoistureRange => "moisture is no share of a mass",
        }
    }
}

impl Step {
    /// The stable word of the step: the id of its message after `step-`.
    pub fn word(&self) -> &'static str {
        self.describe().0
    }

    /// The variables of its message, in order.
    pub fn parts(&self) -> Vec<(&'static str, Part)> {
        self.describe().1
    }
}

/// The rule text of a finding.
pub(crate) fn rule_text(steps: &[Step]) -> String {
    steps.iter().filter_map(Step::rule).collect::<Vec<_>>().join("; ")
}
