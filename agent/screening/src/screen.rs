//! The whole inspection: every row required, one verdict, one disposition.

use jiff::civil::Date;
use tidewaiter_config::{
    limits::{LimitTable, Programme, Row},
    site::Judge,
};

use crate::{
    applicability::{self, Applies, Facts},
    edition,
    finding::{Disposition, Finding, Reason, Screening, Verdict},
    inspection::{Alarm, Completion, Inspection, Measured},
    programme::explain_programme,
    row::{self, Case, Judged, each},
    special,
    step::{Step, TableLack, rule_text},
};

/// Kinds of alarm that are recomputed from raw counts, so that silence of either side is a statement.
const RECOMPUTED: [&str; 2] = ["gamma", "neutron"];

/// Judges an inspection.
///
/// `judge` says which parameters of which table are required; of each table the edition in force on `at`,
/// the sampling date, is taken from `tables`. `programme` is the step programme of a bench run.
///
/// Never fails: no table, no value and no declaration are findings too. The order of
/// `inspection.measured` and of `tables` plays no part.
///
/// The verdict is that of the strictest finding that is not advisory, at least `Inconclusive(Incomplete)` for an incomplete
/// inspection and `Fail` when an alarm was asserted by the device or by our own recomputation. The
/// disposition is the strictest of these:
///
/// | cause | disposition |
/// |---|---|
/// | an alarm asserted by either side, or `Fail` on a row that alarms and is not advisory | [`Disposition::Alarm`] |
/// | a scan fault | [`Disposition::NotValid`] |
/// | any other verdict than `Pass` and `NotApplicable` | [`Disposition::Refer`] |
/// | everything required is `Pass` or `NotApplicable` | [`Disposition::Clear`] |
pub fn screen(
    inspection: &Inspection,
    tables: &[LimitTable],
    judge: &[Judge],
    at: Date,
    programme: Option<&Programme>,
) -> Screening {
    explain(inspection, tables, judge, at, programme).0
}

/// [`screen`], with what was done for each finding, in the order of the findings.
pub fn explain(
    inspection: &Inspection,
    tables: &[LimitTable],
    judge: &[Judge],
    at: Date,
    programme: Option<&Programme>,
) -> (Screening, Vec<Vec<Step>>) {
    let mut findings = Vec::new();
    for required in judge {
        match edition::in_force(tables, &required.table, at) {
            Ok(table) => judge_table(inspection, table, required, at, &mut findings),
            Err(lack) => findings.extend(
                required
                    .parameters
                    .iter()
                    .map(|parameter| about_table(required, "", parameter, Reason::NoEdition, lack.clone())),
            ),
        }
    }
    if let Some(programme) = programme {
        findings.extend(explain_programme(inspection, programme));
    }
    let (findings, steps): (Vec<Finding>, Vec<Vec<Step>>) = findings.into_iter().unzip();
    let alarmed = inspection.alarms.iter().any(|it| it.by_device || it.recomputed);
    let verdict = overall(inspection, &findings, alarmed);
    let screening = Screening {
        disposition: dispose(inspection, &findings, verdict, alarmed),
        verdict,
        alarm_mismatch: inspection.alarms.iter().any(mismatch),
        findings,
    };
    (screening, steps)
}

/// A finding with what was done for it.
type Explained = (Finding, Vec<Step>);

/// Judges all rows of `table` for the parameters required, in the order of the table.
fn judge_table(inspection: &Inspection, table: &LimitTable, required: &Judge, at: Date, findings: &mut Vec<Explained>) {
    let Judge { parameters, advisory, .. } = required;
    let case = Case { inspection, facts: Facts::of(inspection) };
    for row in table.rows.iter().filter(|row| parameters.contains(&row.parameter)) {
        let measured = inspection.measured.iter().filter(|it| it.parameter == row.parameter).collect::<Vec<_>>();
        let judged = match applicability::applies(row, table, case) {
            Applies::No(why) => vec![(set_aside(row, Verdict::NotApplicable, why), None)],
            Applies::Unknown(reason, why) => {
                let verdict = Verdict::Inconclusive(reason);
                each(
                    &measured,
                    |it| row::shown(row, it, case, verdict, why.clone()),
                    || set_aside(row, verdict, why.clone()),
                )
            }
            Applies::Yes => judge_row(row, &measured, case, at),
        };
        findings.extend(judged.into_iter().map(|(judged, stage)| {
            let finding = Finding {
                table: table.id.clone(),
                edition: table.edition.clone(),
                row: row.id.clone(),
                parameter: row.parameter.clone(),
                verdict: judged.verdict,
                alarms: row.alarms,
                rule: judged.rule(),
                value: judged.value,
                limit: judged.limit,
                stage,
                hazards: row.hazards.clone(),
                legal_force: table.legal_force.clone(),
                probability: judged.probability,
                advisory: *advisory,
            };
            (finding, judged.steps)
        }));
    }
    for parameter in parameters {
        let rows = table.rows.iter().filter(|row| row.parameter == *parameter).collect::<Vec<_>>();
        let none_applies = rows.iter().all(|row| matches!(applicability::applies(row, table, case), Applies::No(_)));
        let why = if rows.is_empty() {
            TableLack::NoRow { parameter: parameter.clone() }
        } else if none_applies && applicability::falls_between(&rows, case.facts) {
            TableLack::Between
        } else {
            continue;
        };
        let (finding, steps) = about_table(required, &table.edition, parameter, Reason::NotCovered, why);
        findings.push((Finding { legal_force: table.legal_force.clone(), ..finding }, steps));
    }
}

/// Judges what was measured by a row that applies.
///
/// An age is judged by what is declared alone; a sum of what was measured only where the sum itself was not.
fn judge_row(row: &Row, measured: &[&Measured], case: Case<'_>, at: Date) -> Vec<(Judged, Option<u16>)> {
    let with_conditions = |mut judged: Judged| {
        judged.steps.splice(0..0, applicability::applied(row, case.facts));
        judged
    };
    if let Some(judged) = special::age(row, case, at) {
        return vec![(with_conditions(judged), None)];
    }
    each(
        measured,
        |it| with_conditions(row::judge(row, it, case)),
        || with_conditions(special::sum(row, case).unwrap_or_else(|| row::missing(row))),
    )
}

/// A row whose limit was not looked at, and why.
fn set_aside(row: &Row, verdict: Verdict, why: Step) -> Judged {
    let mut judged = row::described(row, verdict);
    judged.steps.push(why);
    judged
}

fn about_table(required: &Judge, edition: &str, parameter: &str, reason: Reason, lack: TableLack) -> Explained {
    let why = Step::Table(lack);
    let finding = Finding {
        table: required.table.clone(),
        edition: edition.to_owned(),
        row: "*".to_owned(),
        parameter: parameter.to_owned(),
        verdict: Verdict::Inconclusive(reason),
        // Nothing can `Fail` here, so it cannot alarm either.
        alarms: false,
        value: None,
        limit: String::new(),
        rule: rule_text(std::slice::from_ref(&why)),
        stage: None,
        hazards: Vec::new(),
        legal_force: String::new(),
        probability: None,
        advisory: required.advisory,
    };
    (finding, vec![why])
}

fn overall(inspection: &Inspection, findings: &[Finding], alarmed: bool) -> Verdict {
    let deciding = findings.iter().filter(|it| !it.advisory);
    let mut verdict = deciding.map(|it| it.verdict).fold(Verdict::NotApplicable, Verdict::stricter);
    if let Completion::Incomplete(_) = inspection.completion {
        verdict = verdict.stricter(Verdict::Inconclusive(Reason::Incomplete));
    }
    // An examination that obtained nothing must not look like one that found nothing.
    if findings.is_empty() && inspection.measured.iter().all(|it| it.outcome.is_err()) {
        verdict = verdict.stricter(Verdict::Inconclusive(Reason::NotMeasured));
    }
    if alarmed { Verdict::Fail } else { verdict }
}

fn dispose(inspection: &Inspection, findings: &[Finding], verdict: Verdict, alarmed: bool) -> Disposition {
    if alarmed || findings.iter().any(|it| it.alarms && !it.advisory && it.verdict == Verdict::Fail) {
        Disposition::Alarm
    } else if !inspection.faults.is_empty() {
        Disposition::NotValid
    } else if matches!(verdict, Verdict::Pass | Verdict::NotApplicable) {
        Disposition::Clear
    } else {
        Disposition::Refer
    }
}

/// Device and recomputation disagree, where there is a recomputation to disagree with.
fn mismatch(alarm: &Alarm) -> bool {
    RECOMPUTED.contains(&alarm.kind.as_str()) && alarm.by_device != alarm.recomputed
}
