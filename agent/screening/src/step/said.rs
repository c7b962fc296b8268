//! Each step said twice: as the variables of a message, and as the rule text of a finding.

use super::{Part, Step, TableLack};
use crate::conversion::Conversion;

/// The word of a step and the variables of its message.
pub(super) type Described = (&'static str, Vec<(&'static str, Part)>);

impl Step {
    pub(super) fn describe(&self) -> Described {
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

impl TableLack {
    pub(super) fn describe(&self) -> Described {
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
