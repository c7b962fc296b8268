//! The steps of a judgement, in words and in JSON; and what judgements add up to, in words.

use serde_json::{Value, json};
use tidewaiter_config::limits::{LimitTable, Row};
use tidewaiter_screening::{Finding, Part, Step, statistics::Rate};
use tidewaiter_words::{Arg, Language, knows, quantity, say, terms};

/// One step as a sentence.
pub(crate) fn sentence(language: Language, step: &Step) -> String {
    let parts = step.parts();
    let spoken: Vec<(&str, String)> = parts
        .iter()
        .map(|(name, part)| {
            let words = match (step, part) {
                // Some causes bring a code.
                (Step::NoValue { missing }, _) => terms::missing(language, missing.word(), missing.code()),
                (_, Part::Text(text)) => text.clone(),
                (_, Part::Quantity(text)) => quantity::limit(language, text),
                (_, Part::Word { kind: "unit", word }) => unit(language, word),
                (_, Part::Word { kind, word }) => named(language, kind, word),
            };
            (*name, words)
        })
        .collect();
    let args: Vec<(&str, Arg<'_>)> = spoken.iter().map(|(name, words)| (*name, words.into())).collect();
    say(language, &format!("step-{}", step.word()), &args)
}

/// A word of a kind; one the catalogue does not know, such as a table's own fact, stands for itself.
pub(crate) fn named(language: Language, kind: &str, word: &str) -> String {
    let id = format!("{kind}-{word}");
    if knows(language, &id) { say(language, &id, &[]) } else { word.to_owned() }
}

/// A unit alone; one that is silent beside a number is named by its code.
pub(crate) fn unit(language: Language, code: &str) -> String {
    let sign = quantity::unit(language, code);
    if sign.is_empty() { code.to_owned() } else { sign }
}

/// A percentage with both its numbers and what they are.
pub(crate) fn share(language: Language, rate: &Rate) -> String {
    let percent = rate.percent.map_or_else(|| "–".to_owned(), |it| format!("{it} %"));
    let of = say(language, &format!("stats-{}", rate.of), &[]);
    let parts = [
        ("percent", (&percent).into()),
        ("numerator", rate.numerator.into()),
        ("denominator", rate.denominator.into()),
        ("of", (&of).into()),
    ];
    say(language, "stats-share", &parts)
}

/// All that is said about one finding, line by line, its heading first.
pub(crate) fn lines(language: Language, finding: &Finding, steps: &[Step], table: Option<&LimitTable>) -> Vec<String> {
    let parameter = terms::parameter(language, &finding.parameter);
    let mut lines = vec![if finding.row == "*" { parameter } else { format!("{parameter} [{}]", finding.row) }];
    lines.extend(steps.iter().map(|step| sentence(language, step)));
    if !finding.limit.is_empty() {
        let limit = quantity::limit(language, &finding.limit);
        lines.push(say(language, "screen-limit", &[("limit", (&limit).into())]));
    }
    let verdict = terms::verdict(language, finding.verdict.word());
    lines.push(match finding.verdict.reason() {
        Some(reason) => {
            let why = terms::reason(language, reason.word());
            say(language, "screen-verdict-why", &[("verdict", (&verdict).into()), ("why", (&why).into())])
        }
        None => say(language, "screen-verdict", &[("verdict", (&verdict).into())]),
    });
    if let Some((table, row)) = row_of(finding, table) {
        let source = row.source.as_ref().unwrap_or(&table.source);
        let about = [("source", source.into()), ("confidence", (&row.confidence).into())];
        lines.push(say(language, "screen-source", &about));
        lines.extend(row.method.iter().map(|it| say(language, "screen-method", &[("method", it.into())])));
        lines.extend(row.note.iter().map(|it| say(language, "screen-note", &[("note", it.into())])));
    }
    lines
}

/// A finding with its steps, as JSON.
pub(crate) fn json(language: Language, finding: &Finding, steps: &[Step], table: Option<&LimitTable>) -> Value {
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| {
            let parts: serde_json::Map<String, Value> =
                step.parts().into_iter().map(|(name, part)| (name.to_owned(), part.plain().into())).collect();
            json!({ "step": step.word(), "parts": parts, "text": sentence(language, step) })
        })
        .collect();
    let row = row_of(finding, table);
    json!({
        "table": finding.table,
        "edition": finding.edition,
        "row": finding.row,
        "parameter": finding.parameter,
        "verdict": finding.verdict.word(),
        "reason": finding.verdict.reason().map(tidewaiter_screening::Reason::word),
        "value": finding.value,
        "limit": finding.limit,
        "rule": finding.rule,
        "probability": finding.probability.map(|it| it.to_string()),
        "hazards": finding.hazards.iter().map(|it| it.word()).collect::<Vec<_>>(),
        "legal_force": finding.legal_force,
        "source": row.map(|(table, row)| row.source.clone().unwrap_or_else(|| table.source.clone())),
        "confidence": row.map(|(_, row)| row.confidence.clone()),
        "method": row.and_then(|(_, row)| row.method.clone()),
        "note": row.and_then(|(_, row)| row.note.clone()),
        "steps": steps,
    })
}

fn row_of<'a>(finding: &Finding, table: Option<&'a LimitTable>) -> Option<(&'a LimitTable, &'a Row)> {
    let table = table.filter(|it| it.id == finding.table && it.edition == finding.edition)?;
    Some((table, table.rows.iter().find(|row| row.id == finding.row)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tidewaiter_config::limits::{Basis, Compare, DecisionRule, Relation};
    use tidewaiter_drivers::{
        Unit,
        reading::{Flaw, Missing, Quality},
    };
    use tidewaiter_screening::{Lack, TableLack, conversion::Conversion};

    use super::*;

    /// One of each step.
    fn every_step() -> Vec<Step> {
        let text = || "x".to_owned();
        let conversion = Conversion::between(Unit::Tonne, Unit::Kilogram).unwrap();
        let number = "1.5".parse().unwrap();
        let quality = Quality::Bad(Flaw::OutOfVerification);
        let day = jiff::civil::date(2026, 5, 4);
        let mut steps = vec![
            Step::Method { decision: DecisionRule::NonBinary, compare: Compare::Rounded },
            Step::Counting,
            Step::Absence,
            Step::Ordinal,
            Step::Classing,
            Step::Age,
            Step::Applies { fact: "category".to_owned(), declared: text() },
            Step::OtherCase { fact: text(), declared: text(), wanted: text() },
            Step::NotDeclared { fact: text() },
            Step::NotNamed { fact: text(), declared: text() },
            Step::OtherValue { parameter: text(), value: text(), relation: Relation::AtMost, limit: text() },
            Step::NotMeasured { parameter: text() },
            Step::Ambiguous { parameter: text() },
            Step::NoValue { missing: Missing::Exception(2) },
            Step::Value { value: "7.6 [pH]".to_owned(), instrument: text() },
            Step::NotDecisive { quality },
            Step::Noted { quality },
            Step::ForeignUnit { found: Unit::PH, wanted: Unit::Kilogram },
            Step::Converted(conversion),
            Step::DeclaredConverted(conversion),
            Step::BadDeclaration { fact: text(), declared: text(), wanted: "a count" },
            Step::ForeignDeclaration { fact: text(), declared: text(), wanted: Unit::Kilogram },
            Step::Basis { from: Basis::AsReceived, to: Basis::Dry, moisture: text(), value: text() },
            Step::Net { net: text() },
            Step::Deviation { deviation: text() },
            Step::Sum { terms: vec![text()], lacking: vec![] },
            Step::Sum { terms: vec![text()], lacking: vec![text()] },
            Step::Load { load: text(), intervals: text(), interval: text() },
            Step::Beyond { what: text() },
            Step::Rounded { from: text(), to: number },
            Step::Uncertainty { uncertainty: text() },
            Step::NoUncertainty,
            Step::Guard { z: number, width: text() },
            Step::Probability { probability: number, uncertainty: text() },
            Step::NoGrade { value: number },
            Step::Class { found: text() },
            Step::Poisson { k: number },
            Step::Days { fact: text(), date: text(), days: 3 },
            Step::Derived { derivation: text(), instrument: text() },
            Step::Table(TableLack::NotLoaded { table: text() }),
            Step::Table(TableLack::NotInForce { table: text(), at: day }),
            Step::Table(TableLack::TwoEditions { table: text(), day }),
            Step::Table(TableLack::NoRow { parameter: text() }),
            Step::Table(TableLack::Between),
        ];
        steps.extend(Lack::ALL.map(|lack| Step::NoBasis { wanted: Basis::Dry, lack }));
        steps
    }

    #[test]
    fn every_step_is_said_in_both_languages() {
        for language in Language::ALL {
            for step in every_step() {
                let said = sentence(language, &step);
                assert!(!said.contains(['{', '}']) && !said.starts_with("step-"), "{said}");
                for (_, part) in step.parts() {
                    if let Part::Word { kind: "decision" | "compare" | "basis" | "lack", word } = part {
                        assert!(!said.contains(&word) || language == Language::En, "{word} in {said}");
                    }
                }
            }
        }
    }

    #[test]
    fn facts_and_forces_have_names() {
        for language in Language::ALL {
            for fact in tidewaiter_config::limits::FACTS {
                assert!(knows(language, &format!("fact-{fact}")), "{fact}");
            }
            for force in ["mandatory", "recommended", "voluntary", "guide", "site"] {
                assert!(knows(language, &format!("force-{force}")), "{force}");
            }
        }
    }
}
