//! What was done to come to a finding, step by step.
//!
//! A step is said twice: in short technical English inside [`Finding::rule`](crate::Finding), which
//! records carry, and by a message catalogue from [`Step::word`] and [`Step::parts`]. Steps are not
//! kept in records, because judging again gives them again.

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

impl TableLack {
    fn describe(&self) -> (&'static str, Vec<(&'static str, Part)>) {
        match self {
            Self::NotLoaded { table } => ("not-loaded", vec![("table", text(table))]),
            Self::NotInForce { table, at } => {
                ("not-in-force", vec![("table", text(table)), ("at", text(&at.to_string()))])
            }
            Self::TwoEditions { table, day } => {
                ("two-editions", vec![("table", text(table)), ("day", text(&day.to_string()))])
            }
            Self::NoRow { parameter } => ("no-row", vec![("parameter", word("parameter", parameter))]),
            Self::Between => ("between", vec![]),
        }
    }

    fn rule(&self) -> String {
        match self {
            Self::NotLoaded { table } => format!("limit table {table} is not loaded"),
            Self::NotInForce { table, at } => format!("no edition of limit table {table} is in force on {at}"),
            Self::TwoEditions { table, day } => format!("two editions of limit table {table} came into force on {day}"),
            Self::NoRow { parameter } => format!("the table has no row for {parameter}"),
            Self::Between => "no row takes all that is declared together".to_owned(),
        }
    }
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

    fn describe(&self) -> (&'static str, Vec<(&'static str, Part)>) {
        match self {
            Self::Method { decision, compare } => (
                "method",
                vec![("decision", word("decision", decision.word())), ("compare", word("compare", compare.word()))],
            ),
            Self::Counting => ("counting", vec![]),
            Self::Absence => ("absence", vec![]),
            Self::Ordinal => ("ordinal", vec![]),
            Self::Classing => ("classing", vec![]),
            Self::Age => ("age", vec![]),
            Self::Applies { fact, declared } => {
                ("applies", vec![("fact", word("fact", fact)), ("declared", text(declared))])
            }
            Self::OtherCase { fact, declared, wanted } => (
                "other-case",
                vec![("fact", word("fact", fact)), ("declared", text(declared)), ("wanted", text(wanted))],
            ),
            Self::NotDeclared { fact } => ("not-declared", vec![("fact", word("fact", fact))]),
            Self::NotNamed { fact, declared } => {
                ("not-named", vec![("fact", word("fact", fact)), ("declared", text(declared))])
            }
            Self::OtherValue { parameter, value, relation, limit } => (
                "other-value",
                vec![
                    ("parameter", word("parameter", parameter)),
                    ("value", quantity(value)),
                    ("limit", quantity(&format!("{} {limit}", relation.sign()))),
                ],
            ),
            Self::NotMeasured { parameter } => ("not-measured", vec![("parameter", word("parameter", parameter))]),
            Self::Ambiguous { parameter } => ("ambiguous", vec![("parameter", word("parameter", parameter))]),
            Self::NoValue { missing } => ("no-value", vec![("missing", word("missing", missing.word()))]),
            Self::Value { value, instrument } => {
                ("value", vec![("value", quantity(value)), ("instrument", word("instrument", instrument))])
            }
            Self::NotDecisive { quality } => ("not-decisive", vec![("quality", word("quality", quality.word()))]),
            Self::Noted { quality } => ("noted", vec![("quality", word("quality", quality.word()))]),
            Self::ForeignUnit { found, wanted } => {
                ("foreign-unit", vec![("found", word("unit", found.code())), ("wanted", word("unit", wanted.code()))])
            }
            Self::Converted(conversion) => ("converted", converted(*conversion)),
            Self::DeclaredConverted(conversion) => ("declared-converted", converted(*conversion)),
            Self::BadDeclaration { fact, declared, .. } => {
                ("bad-declaration", vec![("fact", word("fact", fact)), ("declared", text(declared))])
            }
            Self::ForeignDeclaration { fact, declared, wanted } => (
                "foreign-declaration",
                vec![
                    ("fact", word("fact", fact)),
                    ("declared", text(declared)),
                    ("wanted", word("unit", wanted.code())),
                ],
            ),
            Self::Basis { from, to, moisture, value } => (
                "basis",
                vec![
                    ("from", word("basis", from.word())),
                    ("to", word("basis", to.word())),
                    ("moisture", text(moisture)),
                    ("value", quantity(value)),
                ],
            ),
            Self::NoBasis { wanted, lack } => {
                ("no-basis", vec![("wanted", word("basis", wanted.word())), ("lack", word("lack", lack.word()))])
            }
            Self::Net { net } => ("net", vec![("net", text(net))]),
            Self::Deviation { deviation } => ("deviation", vec![("deviation", text(deviation))]),
            Self::Sum { terms, lacking } if lacking.is_empty() => ("sum", vec![("terms", text(&terms.join(" + ")))]),
            Self::Sum { terms, lacking } => {
                ("sum-lacking", vec![("terms", text(&terms.join(" + "))), ("lacking", text(&lacking.join(", ")))])
            }
            Self::Load { load, intervals, interval } => (
                "load",
                vec![("load", quantity(load)), ("intervals", text(intervals)), ("interval", quantity(interval))],
            ),
            Self::Beyond { what } => ("beyond", vec![("what", quantity(what))]),
            Self::Rounded { from, to } => ("rounded", vec![("from", text(from)), ("to", text(&to.to_string()))]),
            Self::Uncertainty { uncertainty } => ("uncertainty", vec![("uncertainty", text(uncertainty))]),
            Self::NoUncertainty => ("no-uncertainty", vec![]),
            Self::Guard { z, width } => ("guard", vec![("z", text(&z.to_string())), ("width", text(width))]),
            Self::Probability { probability, uncertainty } => (
                "probability",
                vec![("uncertainty", quantity(uncertainty)), ("probability", text(&probability.to_string()))],
            ),
            Self::NoGrade { value } => ("no-grade", vec![("value", text(&value.to_string()))]),
            Self::Class { found } => ("class", vec![("found", text(found))]),
            Self::Poisson { k } => ("poisson", vec![("k", text(&k.to_string()))]),
            Self::Days { fact, date, days } => {
                ("days", vec![("fact", word("fact", fact)), ("date", text(date)), ("days", text(&days.to_string()))])
            }
            Self::Derived { derivation, instrument } => {
                ("derived", vec![("derivation", text(derivation)), ("instrument", word("instrument", instrument))])
            }
            Self::Table(lack) => lack.describe(),
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
            Self::NoBasis { wanted, lack } => format!("limit is {}, {}", wanted.word(), lack.rule()),
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
            Self::Table(lack) => lack.rule(),
            Self::Applies { .. } | Self::Value { .. } | Self::Probability { .. } => return None,
        })
    }
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn quantity(text: &str) -> Part {
    Part::Quantity(text.to_owned())
}

fn word(kind: &'static str, word: &str) -> Part {
    Part::Word { kind, word: word.to_owned() }
}

fn converted(conversion: Conversion) -> Vec<(&'static str, Part)> {
    let (from, to) = conversion.units();
    vec![("from", word("unit", from.code())), ("to", word("unit", to.code())), ("factor", text(&conversion.factor()))]
}

/// The rule text of a finding.
pub(crate) fn rule_text(steps: &[Step]) -> String {
    steps.iter().filter_map(Step::rule).collect::<Vec<_>>().join("; ")
}
