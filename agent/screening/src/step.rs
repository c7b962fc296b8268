//! What was done to come to a finding, step by step.
//!
//! A step is said twice: in short technical English inside [`Finding::rule`](crate::Finding), which
//! records carry, and by a message catalogue from [`Step::word`] and [`Step::parts`]. Steps are not
//! kept in records, because judging again gives them again.

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
        lack: &'static str,
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
    Table {
        /// Why, in English.
        why: String,
    },
}

impl Step {
    /// The stable word of the step: the id of its message after `step-`.
    pub fn word(&self) -> &'static str {
        self.describe().0
    }

    /// The variables of its message, in order. Values carry their UCUM unit.
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        self.describe().1
    }

    fn describe(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let owned = |text: &str| text.to_owned();
        let text = ToString::to_string;
        match self {
            Self::Method { decision, compare } => {
                ("method", vec![("decision", owned(decision.word())), ("compare", owned(compare.word()))])
            }
            Self::Counting => ("counting", vec![]),
            Self::Absence => ("absence", vec![]),
            Self::Ordinal => ("ordinal", vec![]),
            Self::Classing => ("classing", vec![]),
            Self::Age => ("age", vec![]),
            Self::Applies { fact, declared } => ("applies", vec![("fact", owned(fact)), ("declared", owned(declared))]),
            Self::OtherCase { fact, declared, wanted } => {
                ("other-case", vec![("fact", owned(fact)), ("declared", owned(declared)), ("wanted", owned(wanted))])
            }
            Self::NotDeclared { fact } => ("not-declared", vec![("fact", owned(fact))]),
            Self::NotNamed { fact, declared } => {
                ("not-named", vec![("fact", owned(fact)), ("declared", owned(declared))])
            }
            Self::OtherValue { parameter, value, relation, limit } => (
                "other-value",
                vec![
                    ("parameter", owned(parameter)),
                    ("value", owned(value)),
                    ("limit", format!("{} {limit}", relation.sign())),
                ],
            ),
            Self::NotMeasured { parameter } => ("not-measured", vec![("parameter", owned(parameter))]),
            Self::Ambiguous { parameter } => ("ambiguous", vec![("parameter", owned(parameter))]),
            Self::NoValue { missing } => ("no-value", vec![("missing", missing.to_string())]),
            Self::Value { value, instrument } => {
                ("value", vec![("value", owned(value)), ("instrument", owned(instrument))])
            }
            Self::NotDecisive { quality } => ("not-decisive", vec![("quality", owned(quality.word()))]),
            Self::Noted { quality } => ("noted", vec![("quality", owned(quality.word()))]),
            Self::ForeignUnit { found, wanted } => {
                ("foreign-unit", vec![("found", owned(found.code())), ("wanted", owned(wanted.code()))])
            }
            Self::Converted(conversion) => ("converted", vec![("conversion", conversion.text())]),
            Self::DeclaredConverted(conversion) => ("declared-converted", vec![("conversion", conversion.text())]),
            Self::BadDeclaration { fact, declared, .. } => {
                ("bad-declaration", vec![("fact", owned(fact)), ("declared", owned(declared))])
            }
            Self::ForeignDeclaration { fact, declared, wanted } => (
                "foreign-declaration",
                vec![("fact", owned(fact)), ("declared", owned(declared)), ("wanted", owned(wanted.code()))],
            ),
            Self::Basis { from, to, moisture, value } => (
                "basis",
                vec![
                    ("from", owned(from.word())),
                    ("to", owned(to.word())),
                    ("moisture", owned(moisture)),
                    ("value", owned(value)),
                ],
            ),
            Self::NoBasis { wanted, .. } => ("no-basis", vec![("wanted", owned(wanted.word()))]),
            Self::Net { net } => ("net", vec![("net", owned(net))]),
            Self::Deviation { deviation } => ("deviation", vec![("deviation", owned(deviation))]),
            Self::Sum { terms, lacking } if lacking.is_empty() => ("sum", vec![("terms", terms.join(" + "))]),
            Self::Sum { terms, lacking } => {
                ("sum-lacking", vec![("terms", terms.join(" + ")), ("lacking", lacking.join(", "))])
            }
            Self::Load { load, intervals, interval } => {
                ("load", vec![("load", owned(load)), ("intervals", owned(intervals)), ("interval", owned(interval))])
            }
            Self::Beyond { what } => ("beyond", vec![("what", owned(what))]),
            Self::Rounded { from, to } => ("rounded", vec![("from", owned(from)), ("to", text(to))]),
            Self::Uncertainty { uncertainty } => ("uncertainty", vec![("uncertainty", owned(uncertainty))]),
            Self::NoUncertainty => ("no-uncertainty", vec![]),
            Self::Guard { z, width } => ("guard", vec![("z", text(z)), ("width", owned(width))]),
            Self::Probability { probability, uncertainty } => {
                ("probability", vec![("uncertainty", owned(uncertainty)), ("probability", text(probability))])
            }
            Self::NoGrade { value } => ("no-grade", vec![("value", text(value))]),
            Self::Class { found } => ("class", vec![("found", owned(found))]),
            Self::Poisson { k } => ("poisson", vec![("k", text(k))]),
            Self::Days { fact, date, days } => {
                ("days", vec![("fact", owned(fact)), ("date", owned(date)), ("days", days.to_string())])
            }
            Self::Derived { derivation, instrument } => {
                ("derived", vec![("derivation", owned(derivation)), ("instrument", owned(instrument))])
            }
            Self::Table { why } => ("table", vec![("why", owned(why))]),
        }
    }

    /// The step as the rule text of a finding says it; `None` for what stands elsewhere in the finding.
    pub(crate) fn rule(&self) -> Option<String> {
        Some(match self {
            Self::Method { decision, compare } => format!("{}, {}", decision.word(), compare.word()),
            Self::Counting => "counting".to_owned(),
            Self::Absence => "absence".to_owned(),
            Self::Ordinal => "ordinal".to_owned(),
            Self::Classing => "classes".to_owned(),
            Self::Age => "age".to_owned(),
            Self::OtherCase { fact, declared, wanted } => format!("{fact} = {declared}, row is for {wanted}"),
            Self::NotDeclared { fact } => format!("{fact} is not declared"),
            Self::NotNamed { fact, declared } => format!("no row of the table names {fact} = {declared}"),
            Self::OtherValue { parameter, value, relation, limit } => {
                format!("{parameter} is {value}, row is for {} {limit}", relation.sign())
            }
            Self::NotMeasured { parameter } => format!("{parameter} was not measured"),
            Self::Ambiguous { parameter } => format!("{parameter} has several values, and they differ"),
            Self::NoValue { missing } => format!("no value: {missing}"),
            Self::NotDecisive { quality } => format!("not decisive: {}", quality.word()),
            Self::Noted { quality } => quality.word().to_owned(),
            Self::ForeignUnit { found, wanted } => format!("{found} is no unit of what {wanted} measures"),
            Self::Converted(conversion) => conversion.text(),
            Self::DeclaredConverted(conversion) => format!("declared {}", conversion.text()),
            Self::BadDeclaration { fact, declared, wanted } => format!("declared {fact} {declared:?} is not {wanted}"),
            Self::ForeignDeclaration { fact, declared, wanted } => {
                format!("declared {fact} {declared:?} is not in {wanted}")
            }
            Self::Basis { from, to, moisture, value } => {
                format!("{} from {} at moisture {moisture} %: {value}", to.word(), from.word())
            }
            Self::NoBasis { wanted, lack } => format!("limit is {}, {lack}", wanted.word()),
            Self::Net { net } => format!("net {net}"),
            Self::Deviation { deviation } => format!("deviation {deviation}"),
            Self::Sum { terms, lacking } if lacking.is_empty() => format!("sum of {}", terms.join(" + ")),
            Self::Sum { terms, lacking } => format!("sum of {} without {}", terms.join(" + "), lacking.join(", ")),
            Self::Load { load, intervals, interval } => format!("load {load} is {intervals} e, e = {interval}"),
            Self::Beyond { what } => format!("the row does not reach {what}"),
            Self::Rounded { from, to } => format!("{from} rounded to {to}"),
            Self::Uncertainty { uncertainty } => format!("U = {uncertainty} (k = 2)"),
            Self::NoUncertainty => "no usable uncertainty".to_owned(),
            Self::Guard { z, width } => format!("w = {z} u = {width}"),
            Self::NoGrade { value } => format!("{value} is no grade of the scale 1, 1-2 .. 5"),
            Self::Class { found } => format!("class {found}"),
            Self::Poisson { k } => format!("Poisson at the one-sided probability of {k} sigma"),
            Self::Days { fact, date, days } => format!("{fact} {date}, {days} d before sampling"),
            Self::Derived { derivation, instrument } => format!("{derivation} of {instrument}"),
            Self::Table { why } => why.clone(),
            Self::Applies { .. } | Self::Value { .. } | Self::Probability { .. } => return None,
        })
    }
}

/// The rule text of a finding.
pub(crate) fn rule_text(steps: &[Step]) -> String {
    steps.iter().filter_map(Step::rule).collect::<Vec<_>>().join("; ")
}
