//! Whether a row applies to what is declared about the subject.
//!
//! Three answers, not two. A fact that is missing, or whose value no row of the table names, is not
//! "does not apply": a mistyped category must not let goods through unjudged.

use std::collections::BTreeMap;

use tidewaiter_config::limits::{Condition, LimitTable, MeasuredCondition, Row};
use tidewaiter_drivers::Decimal;

use crate::{
    exact::Exact,
    finding::Reason,
    inspection::{Declaration, Inspection},
    peer,
    row::Case,
    step::Step,
    text,
};

/// Declared facts by name; blank ones are absent.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a>(Option<&'a BTreeMap<String, String>>);

/// Whether a row is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Applies {
    /// All its conditions hold.
    Yes,
    /// One of them does not; says which.
    No(Step),
    /// Cannot be known; says why.
    Unknown(Reason, Step),
}

impl<'a> Facts<'a> {
    /// The facts of an inspection's declaration.
    pub(crate) const fn of(inspection: &'a Inspection) -> Self {
        match &inspection.subject.declaration {
            Declaration::None => Self(None),
            Declaration::Found(facts) => Self(Some(facts)),
        }
    }

    /// A fact's text without surrounding blanks; `None` when it is not declared or left blank.
    pub(crate) fn get(self, fact: &str) -> Option<&'a str> {
        self.0?.get(fact).map(|text| text.trim()).filter(|text| !text.is_empty())
    }
}

/// Whether `row` of `table` applies to what is declared and measured.
///
/// A condition that fails settles it, whatever else is unknown.
pub(crate) fn applies(row: &Row, table: &LimitTable, case: Case<'_>) -> Applies {
    let mut unknown = None;
    for condition in &row.when {
        let fact = condition.fact.clone();
        let Some(declared) = case.facts.get(&condition.fact) else {
            unknown.get_or_insert(Applies::Unknown(Reason::NoDeclaration, Step::NotDeclared { fact }));
            continue;
        };
        if holds(condition, declared) {
            continue;
        }
        let declared = declared.to_owned();
        if named(table, &condition.fact, &declared) {
            return Applies::No(Step::OtherCase { fact, declared, wanted: condition.one_of.join(", ") });
        }
        unknown.get_or_insert(Applies::Unknown(Reason::NotCovered, Step::NotNamed { fact, declared }));
    }
    for condition in &row.when_measured {
        match measured(condition, case) {
            Ok(None) => {}
            Ok(Some(other)) => return Applies::No(other),
            Err((reason, why)) => {
                unknown.get_or_insert(Applies::Unknown(reason, why));
            }
        }
    }
    unknown.unwrap_or(Applies::Yes)
}

/// The conditions on declared facts that hold, as steps.
pub(crate) fn applied(row: &Row, facts: Facts<'_>) -> Vec<Step> {
    let declared = |fact: &String| Some((fact.clone(), facts.get(fact)?.to_owned()));
    let held = row.when.iter().filter_map(|condition| declared(&condition.fact));
    held.map(|(fact, declared)| Step::Applies { fact, declared }).collect()
}

/// Whether a measured quantity stands as the condition asks: `Some` says how it stands otherwise.
fn measured(condition: &MeasuredCondition, case: Case<'_>) -> Result<Option<Step>, (Reason, Step)> {
    let MeasuredCondition { parameter, relation, limit, unit } = condition;
    let mut steps = Vec::new();
    let mut value = || {
        let Some(measured) = peer::find(case.inspection, parameter, None, &mut steps)? else {
            steps.push(Step::NotMeasured { parameter: parameter.clone() });
            return Err(Reason::NotMeasured);
        };
        let value = peer::value(measured, *unit, &mut steps)?.value;
        let limit = Exact::of(*limit).ok_or(Reason::Arithmetic)?;
        Ok((value, relation.holds(value.exact().compare(limit))))
    };
    match value() {
        Ok((_, true)) => Ok(None),
        Ok((value, false)) => Ok(Some(Step::OtherValue {
            parameter: parameter.clone(),
            value: text::with_unit(&value.to_string(), *unit),
            relation: *relation,
            limit: text::value(*limit, *unit),
        })),
        Err(reason) => {
            let why = steps.pop().unwrap_or(Step::NotMeasured { parameter: parameter.clone() });
            Err((reason, why))
        }
    }
}

/// Whether what is declared falls between `rows`, the rows of one parameter: each value alone is named by
/// one of them, but no row takes all together.
///
/// Meant for when none applies. A value that only rows of other parameters name is different: there the
/// document knows the value and asks nothing for this parameter.
pub(crate) fn falls_between(rows: &[&Row], facts: Facts<'_>) -> bool {
    let mut conditions = rows.iter().flat_map(|row| &row.when).peekable();
    conditions.peek().is_some()
        && conditions.all(|condition| {
            facts.get(&condition.fact).is_some_and(|declared| {
                rows.iter().flat_map(|row| &row.when).any(|it| it.fact == condition.fact && holds(it, declared))
            })
        })
}

fn holds(condition: &Condition, declared: &str) -> bool {
    condition.one_of.iter().any(|value| same(value, declared))
}

/// Whether some row of the table names this value, or the fact is a yes-or-no one and the value is either.
fn named(table: &LimitTable, fact: &str, declared: &str) -> bool {
    let values = || {
        table.rows.iter().flat_map(|row| &row.when).filter(|it| it.fact == fact).flat_map(|condition| &condition.one_of)
    };
    values().any(|value| same(value, declared))
        || (truth(declared).is_some() && values().all(|value| truth(value).is_some()))
}

/// Equal as text, as yes-or-no words, or as numbers by value.
fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim(), b.trim());
    if a == b {
        return true;
    }
    if let (Some(a), Some(b)) = (truth(a), truth(b)) {
        return a == b;
    }
    matches!((a.parse::<Decimal>(), b.parse::<Decimal>()), (Ok(a), Ok(b)) if a.cmp_value(b).is_eq())
}

/// Yes-or-no words as declarations and spreadsheets spell them.
fn truth(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["yes", "true", "是"]) {
        Some(true)
    } else if is(["no", "false", "否"]) {
        Some(false)
    } else {
        None
    }
}
