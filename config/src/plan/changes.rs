//! A plan line by line, and what changed between two of them.

use super::{Axis, DeadlineKind, Plan, RiskClass, Selector};
use crate::reader::show_duration;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it concerns: `version`, `items.cotton.sampling.A`, `deadlines.report-2h.within` …
    pub what: String,
    /// As it was; `None` where it is new.
    pub old: Option<String>,
    /// As it is; `None` where it is gone.
    pub new: Option<String>,
}

/// All differences, in the order of the file; what only the old one has comes last.
pub fn changes(old: &Plan, new: &Plan) -> Vec<Change> {
    let (old, new) = (outline(old), outline(new));
    let find = |lines: &[(String, String)], what: &str| {
        lines.iter().find(|(known, _)| known == what).map(|(_, text)| text.clone())
    };
    let mut found = Vec::new();
    for (what, text) in &new {
        let before = find(&old, what);
        if before.as_ref() != Some(text) {
            found.push(Change { what: what.clone(), old: before, new: Some(text.clone()) });
        }
    }
    for (what, text) in old {
        if find(&new, &what).is_none() {
            found.push(Change { what, old: Some(text), new: None });
        }
    }
    found
}

/// A plan as lines: what, and how it is set. Every setting has one.
pub fn outline(plan: &Plan) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut line = |what: String, text: String| lines.push((what, text));
    line("id".to_owned(), plan.id.clone());
    line("version".to_owned(), plan.version.to_string());
    line("title".to_owned(), plan.title.clone());
    line("issuer".to_owned(), plan.issuer.clone());
    line("effective_from".to_owned(), plan.effective_from.to_string());
    if let Some(last) = plan.effective_to {
        line("effective_to".to_owned(), last.to_string());
    }
    line("point".to_owned(), plan.point.clone());
    line("level".to_owned(), plan.level.word().to_owned());
    line("origin".to_owned(), plan.origin.word().to_owned());
    for item in &plan.items {
        let of = |key: &str| format!("items.{}.{key}", item.id);
        for (key, list) in [("procedures", &item.procedures), ("places", &item.places), ("hs", &item.hs)] {
            if !list.is_empty() {
                line(of(key), list.join(", "));
            }
        }
        for judge in &item.judge {
            let advisory = if judge.advisory { " (advisory)" } else { "" };
            line(of(&format!("judge.{}", judge.table)), format!("{}{advisory}", judge.parameters.join(", ")));
        }
        if let Some(sampling) = &item.sampling {
            for class in RiskClass::ALL {
                line(of(&format!("sampling.{}", class.word())), format!("{} %", sampling.rate(class)));
            }
            line(of("sampling.default"), sampling.default.word().to_owned());
            line(of("sampling.period"), show_duration(sampling.period));
        }
        line(of("result_class"), item.result_class.word().to_owned());
    }
    for deadline in &plan.deadlines {
        let of = |key: &str| format!("deadlines.{}.{key}", deadline.id);
        line(of("kind"), DeadlineKind::word(deadline.kind).to_owned());
        line(of("within"), show_duration(deadline.within));
        line(of("at_risk"), show_duration(deadline.at_risk));
        line(of("on"), told(&deadline.on));
    }
    if let Some(matrix) = &plan.matrix {
        for (axis, rules) in Axis::ALL.iter().zip(&matrix.scores) {
            for (number, rule) in rules.iter().enumerate() {
                let what = format!("matrix.{}.{}", axis.word(), number + 1);
                line(what, format!("{} when {}", rule.score, told(&rule.when)));
            }
        }
        for step in &matrix.steps {
            line(format!("matrix.levels.{}", step.level.word()), format!("from {}", step.at_least));
        }
    }
    for (number, notice) in plan.notices.iter().enumerate() {
        let of = |key: &str| format!("notices.{}.{key}", number + 1);
        line(of("kind"), notice.kind.word().to_owned());
        line(of("when"), told(&notice.when));
        line(of("scope"), notice.scope.clone());
        line(of("matters"), notice.matters.clone());
        line(of("lift_condition"), notice.lift_condition.clone());
        line(of("legal_basis"), notice.legal_basis.clone());
    }
    if let Some(trend) = &plan.trend {
        line("trend.consecutive".to_owned(), trend.consecutive.to_string());
        line("trend.lift_after".to_owned(), trend.lift_after.to_string());
        line("trend.window".to_owned(), show_duration(trend.window));
        line("trend.z".to_owned(), trend.z.to_string());
        line("trend.rate".to_owned(), format!("{} %", trend.rate));
        line("trend.least_results".to_owned(), trend.least_results.to_string());
        line("trend.systemic".to_owned(), trend.systemic.to_string());
    }
    for body in &plan.acceptance {
        let of = |key: &str| format!("acceptance.{}.{key}", body.id);
        line(of("name"), body.name.clone());
        for (key, number) in [("cma", &body.cma), ("cnas", &body.cnas)] {
            if let Some(number) = number {
                line(of(key), number.clone());
            }
        }
        for (key, list) in [("hs", &body.hs), ("parameters", &body.parameters), ("methods", &body.methods)] {
            if !list.is_empty() {
                line(of(key), list.join(", "));
            }
        }
        line(of("valid"), format!("{} to {}", body.valid_from, body.valid_to));
        line(of("longest_report_age"), show_duration(body.longest_report_age));
    }
    lines
}

/// A selector in words.
fn told(selector: &Selector) -> String {
    let words = |key: &str, list: &[&str]| (!list.is_empty()).then(|| format!("{key} {}", list.join("|")));
    let texts = |key: &str, list: &[String]| words(key, &list.iter().map(String::as_str).collect::<Vec<_>>());
    let least = |key: &str, count: u32| (count > 0).then(|| format!("{key} {count}"));
    let levels: Vec<&str> = selector.levels.iter().map(|it| it.word()).collect();
    let hazards: Vec<&str> = selector.hazards.iter().map(|it| it.word()).collect();
    let parts: Vec<String> = [
        texts("dispositions", &selector.dispositions),
        texts("verdicts", &selector.verdicts),
        words("levels", &levels),
        words("hazards", &hazards),
        texts("parameters", &selector.parameters),
        texts("tables", &selector.tables),
        texts("legal_force", &selector.legal_force),
        least("rows_at_least", selector.rows_at_least),
        least("repeats_at_least", selector.repeats_at_least),
        selector.systemic.map(|it| format!("systemic {it}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "any finding".to_owned() } else { parts.join("; ") }
}
