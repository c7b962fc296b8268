//! Inspections as rows of a small table, which is what a case compares.

use std::fmt;

use tidewaiter_drivers::{Decimal, reading::Quality};
use tidewaiter_record::InspectionDetail;

/// One inspection in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub String);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The row of an inspection:
///
/// ```text
/// subject | complete, or why not | verdict | disposition | value | alarms | faults
/// ```
///
/// The value is that of `parameter`, as displayed, with `~` when it is not decisive and the reason when there is none.
pub fn row(detail: &InspectionDetail, parameter: &str) -> Row {
    let subject = if detail.subject.identities.is_empty() {
        "?".to_owned()
    } else {
        let named = detail.subject.identities.iter().map(|identity| match identity.source.as_str() {
            "read" => identity.text.clone(),
            source => format!("{} ({source})", identity.text),
        });
        named.collect::<Vec<_>>().join(" + ")
    };
    let verdict = match &detail.reason {
        Some(reason) => format!("{}({reason})", detail.verdict),
        None => detail.verdict.clone(),
    };
    let alarms = detail.alarms.iter().map(|alarm| {
        let by = match (alarm.by_device, alarm.recomputed) {
            (true, true) => "both",
            (true, false) => "device",
            _ => "own",
        };
        format!("{}:{by}", alarm.kind)
    });
    let faults = detail.faults.iter().map(|fault| fault.kind.clone());
    let list = |words: Vec<String>| if words.is_empty() { "-".to_owned() } else { words.join(",") };
    Row(format!(
        "{subject} | {} | {verdict} | {} | {} | {} | {}",
        detail.incomplete.as_deref().unwrap_or("complete"),
        detail.disposition,
        value_of(detail, parameter),
        list(alarms.collect()),
        list(faults.collect()),
    ))
}

/// A measured value as it stands in a row.
pub fn value_of(detail: &InspectionDetail, parameter: &str) -> String {
    match detail.measured.iter().find(|measured| measured.parameter == parameter).map(|measured| measured.outcome) {
        Some(Ok(indication)) if indication.quality == Quality::Good => indication.value.to_string(),
        Some(Ok(indication)) => format!("~{}", indication.value),
        Some(Err(missing)) => missing.to_string(),
        None => "-".to_owned(),
    }
}

/// The settled gross mass of an inspection.
pub fn mass_of(detail: &InspectionDetail) -> Option<Decimal> {
    let measured = detail.measured.iter().find(|measured| measured.parameter == "gross-mass")?;
    measured.outcome.ok().filter(|indication| indication.quality == Quality::Good).map(|indication| indication.value)
}
