//! A bench run against its step programme.

use tidewaiter_config::limits::{Excludes, Limit, Programme, Row};
use tidewaiter_drivers::{Decimal, Unit};

use crate::{
    applicability::Facts,
    finding::Finding,
    inspection::Inspection,
    row::{self, Case},
    step::Step,
};

/// The parameter of a stage's duration by the bench's own elapsed time, in any unit of time.
pub const STAGE_DURATION: &str = "stage-duration";

/// Judges every stage: each held channel within its limits, and the stage long enough.
///
/// Limits bind every reading of a stage, so the inspection is expected to bring the extremes of each
/// channel (`min` and `max` derivations); every [`Measured`](crate::inspection::Measured) of the channel and stage is judged. A stage
/// or channel that brought none is `Inconclusive(NotMeasured)`: a run that was cut short never passes.
pub fn screen_programme(inspection: &Inspection, programme: &Programme) -> Vec<Finding> {
    explain_programme(inspection, programme).into_iter().map(|(finding, _)| finding).collect()
}

/// [`screen_programme`], with what was done for each finding.
pub(crate) fn explain_programme(inspection: &Inspection, programme: &Programme) -> Vec<(Finding, Vec<Step>)> {
    let case = Case { inspection, facts: Facts::of(inspection) };
    let mut findings = Vec::new();
    for (number, stage) in (1_u16..).zip(&programme.stages) {
        let duration = Limit::Min { limit: Decimal::whole(i64::from(stage.duration_s)), inclusive: true };
        let mut rows = vec![requirement(number, STAGE_DURATION, duration, Unit::Second)];
        rows.extend(stage.hold.iter().map(|hold| {
            requirement(
                number,
                &hold.channel,
                Limit::Range { low: hold.low, high: hold.high, excludes: Excludes::None },
                hold.unit,
            )
        }));
        for row in rows {
            let measured = inspection
                .measured
                .iter()
                .filter(|it| it.stage == Some(number) && it.parameter == row.parameter)
                .collect::<Vec<_>>();
            let judged = row::each(&measured, |it| row::judge(&row, it, case), || row::missing(&row));
            findings.extend(judged.into_iter().map(|(judged, _)| {
                let finding = Finding {
                    table: programme.id.clone(),
                    edition: programme.edition.clone(),
                    row: row.id.clone(),
                    parameter: row.parameter.clone(),
                    verdict: judged.verdict,
                    alarms: false,
                    rule: judged.rule(),
                    value: judged.value,
                    limit: judged.limit,
                    stage: Some(number),
                    hazards: Vec::new(),
                    legal_force: String::new(),
                    probability: judged.probability,
                    advisory: false,
                };
                (finding, judged.steps)
            }));
        }
    }
    findings
}

fn requirement(stage: u16, channel: &str, limit: Limit, unit: Unit) -> Row {
    Row::new(&format!("stage-{stage}/{channel}"), channel, limit, unit)
}
