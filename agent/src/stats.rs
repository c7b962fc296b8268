//! Records as statistics see them, and a report as JSON.
//!
//! The counting itself is screening's and pure; this maps decoded records to it. A record whose words are younger than
//! this build is not guessed at: it is counted as not understood.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tidewaiter_record::{Detail, Hash, InspectionDetail, ParseError, Record};
use tidewaiter_screening::{
    Disposition, Reason, Verdict,
    inspection::{Completion, IncompleteReason, SubjectKind},
    statistics::{By, Examination, Found, Period, Report, Tally},
};

use crate::inspector::sampling_date;

/// Examinations gathered from records, each record once.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What was understood.
    pub examinations: Vec<Examination>,
    /// Inspections that this build does not understand.
    pub not_understood: u64,
    seen: BTreeSet<Hash>,
}

impl Gathered {
    /// Takes one record as stored or exported.
    ///
    /// # Errors
    ///
    /// When the bytes are no record.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        let record = tidewaiter_record::parse(bytes)?;
        if self.seen.insert(record.hash())
            && let Detail::Inspection(detail) = &record.body.detail
        {
            match examination(&record, detail) {
                Some(examination) => self.examinations.push(examination),
                None => self.not_understood += 1,
            }
        }
        Ok(())
    }
}

/// The examination of an inspection record; `None` when a word of it is not known here.
fn examination(record: &Record, detail: &InspectionDetail) -> Option<Examination> {
    let completion = match detail.incomplete.as_deref() {
        None => Completion::Complete,
        Some(word) => Completion::Incomplete(IncompleteReason::from_word(word)?),
    };
    let identity = detail.subject.identities.iter().find(|it| it.source != "ambiguous");
    let found = |it: &tidewaiter_record::body::Finding| {
        Some(Found {
            table: it.table.clone(),
            hazards: it.hazards.clone(),
            verdict: verdict(&it.verdict, it.reason.as_deref())?,
            advisory: it.advisory,
        })
    };
    Some(Examination {
        agent: record.header.chain.to_string(),
        seq: record.header.seq,
        date: sampling_date(detail.opened),
        opened_ms: detail.opened.wall_ms,
        closed_ms: detail.closed.wall_ms,
        place: detail.place.clone(),
        procedure: detail.procedure.clone(),
        kind: SubjectKind::from_word(&detail.subject.kind)?,
        identity: identity.map(|it| (it.kind.clone(), it.text.clone())),
        verdict: verdict(&detail.verdict, detail.reason.as_deref())?,
        completion,
        void: detail.disposition == Disposition::NotValid.word(),
        simulated: detail.flags.simulated,
        drill: detail.flags.drill,
        origin: detail.judging.as_ref().and_then(|it| it.origin.clone()),
        findings: detail.findings.iter().map(found).collect::<Option<_>>()?,
    })
}

fn verdict(word: &str, reason: Option<&str>) -> Option<Verdict> {
    let reason = match reason {
        Some(word) => Some(Reason::from_word(word)?),
        None => None,
    };
    Verdict::from_word(word, reason)
}

/// A report as one JSON object.
pub fn to_json(report: &Report, period: Period, by: Option<By>, not_understood: u64) -> Value {
    let groups: Map<String, Value> = report.groups.iter().map(|(key, it)| (key.clone(), tally(it))).collect();
    let checks = report.function_checks;
    json!({
        "version": 1,
        "from": period.from.map(|it| it.to_string()),
        "to": period.to.map(|it| it.to_string()),
        "by": by.map(By::word),
        "groups_add_up": report.exclusive,
        "total": tally(&report.total),
        "groups": groups,
        "drills": report.drills,
        "function_checks": {
            "done": checks.done, "passed": checks.passed, "failed": checks.failed, "unfinished": checks.unfinished,
        },
        "not_understood": not_understood,
    })
}

fn tally(tally: &Tally) -> Value {
    let mut object: Map<String, Value> =
        tally.figures().into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    object.insert("void".to_owned(), tally.void.into());
    object.insert("incomplete".to_owned(), json!(tally.incomplete));
    object.insert("inconclusive-by-reason".to_owned(), json!(tally.inconclusive));
    object.insert("failed-by-hazard".to_owned(), json!(tally.failed_by_hazard));
    let rates = tally.rates().map(|it| {
        let percent = it.percent.map(|it| it.to_string());
        let rate = json!({ "numerator": it.numerator, "denominator": it.denominator, "of": it.of, "percent": percent });
        (it.name.to_owned(), rate)
    });
    object.insert("rates".to_owned(), Value::Object(rates.into_iter().collect()));
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tidewaiter_screening::statistics::report;

    use super::*;

    /// A frozen record of the record crate.
    fn frozen(name: &str) -> Vec<u8> {
        let path = format!("{}/record/vectors/v1/{name}.hex", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        hex::decode(text.split_whitespace().collect::<String>()).unwrap()
    }

    #[test]
    fn frozen_records_are_counted_once_each() {
        let mut gathered = Gathered::default();
        for name in ["00-genesis", "01-event", "02-interval", "03-inspection", "03-inspection", "11-judged-inspection"]
        {
            gathered.take(&frozen(name)).unwrap();
        }
        let [lorry, ore] = &gathered.examinations[..] else { panic!("{:?}", gathered.examinations) };
        assert_eq!((lorry.seq, lorry.kind, lorry.verdict), (3, SubjectKind::Conveyance, Verdict::Fail));
        assert_eq!(lorry.identity, Some(("plate".to_owned(), "沪A12345".to_owned())));
        assert_eq!(lorry.findings.len(), 2);
        assert_eq!((ore.place.as_str(), ore.verdict), ("xrf-1", Verdict::ConditionalPass));
        assert_eq!(ore.origin.as_deref(), Some("regulator"));
        assert_eq!(
            ore.findings.iter().flat_map(|it| it.hazards.clone()).collect::<Vec<_>>(),
            ["chemical", "environmental"]
        );
        assert_eq!(gathered.not_understood, 0);
        assert!(gathered.take(b"\xd2\x84 no record").is_err());
        let period = Period::default();
        let json = to_json(&report(&gathered.examinations, period, Some(By::Place)), period, Some(By::Place), 0);
        assert_eq!(json.pointer("/by").unwrap(), "place");
        assert_eq!(json.pointer("/total/rates/pass-rate/percent").unwrap(), "50.00");
        assert_eq!(json.pointer("/groups/xrf-1/conditional-pass").unwrap(), 1);
    }
}
