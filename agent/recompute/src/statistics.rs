//! Records as statistics see them, and a report as JSON.
//!
//! The counting itself is screening's and pure; this maps decoded records to it. A record whose words are younger than
//! this build is not guessed at: it is counted as not understood.

use std::collections::BTreeSet;

use jiff::{
    Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};
use serde_json::{Map, Value, json};
use tidewaiter_record::{Detail, Hash, InspectionDetail, ParseError, Record};
use tidewaiter_screening::{
    Disposition,
    statistics::{By, Examination, Found, Period, Report, Tally},
};

use crate::{inspection, screening};

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
                Ok(examination) => self.examinations.push(examination),
                Err(_) => self.not_understood += 1,
            }
        }
        Ok(())
    }
}

/// Counts each examination to the day on which it began by the clock of a zone: a night shift in Shenzhen is one night,
/// where its UTC date changes at eight in the morning.
///
/// The date in a record, by which editions of limit tables are chosen, stays as it is.
pub fn by_days_of(zone: &TimeZone, examinations: &mut [Examination]) {
    for it in examinations {
        if let Ok(at) = Timestamp::from_millisecond(it.opened_ms) {
            it.date = at.to_zoned(zone.clone()).date();
        }
    }
}

/// The examination of an inspection record.
///
/// # Errors
///
/// Names the word that this build does not know.
pub fn examination(record: &Record, detail: &InspectionDetail) -> Result<Examination, String> {
    let (inspection, screening) = (inspection(detail)?, screening(detail)?);
    let identity = inspection.subject.identities.into_iter().find(|it| it.source != "ambiguous");
    let found = |it: tidewaiter_screening::Finding| Found {
        table: it.table,
        hazards: it.hazards.iter().map(|it| it.word().to_owned()).collect(),
        verdict: it.verdict,
        advisory: it.advisory,
    };
    Ok(Examination {
        agent: record.header.chain.to_string(),
        seq: record.header.seq,
        date: sampling_date(detail.opened.wall_ms)?,
        opened_ms: inspection.opened.wall_ms,
        closed_ms: inspection.closed.wall_ms,
        place: inspection.place,
        procedure: inspection.procedure,
        kind: inspection.subject.kind,
        identity: identity.map(|it| (it.kind, it.text)),
        verdict: screening.verdict,
        completion: inspection.completion,
        void: screening.disposition == Disposition::NotValid,
        simulated: inspection.simulated,
        drill: inspection.drill,
        origin: detail.judging.as_ref().and_then(|it| it.origin.clone()),
        findings: screening.findings.into_iter().map(found).collect(),
    })
}

/// The UTC date of an opening, which is the agent's sampling date.
fn sampling_date(wall_ms: i64) -> Result<Date, String> {
    let at = Timestamp::from_millisecond(wall_ms).map_err(|_| format!("wall time {wall_ms} ms is no date"))?;
    Ok(Offset::UTC.to_datetime(at).date())
}

/// A report as one JSON object. `zone` is the name of the zone whose days were counted.
pub fn to_json(report: &Report, period: Period, by: Option<By>, not_understood: u64, zone: &str) -> Value {
    let groups: Map<String, Value> = report.groups.iter().map(|(key, it)| (key.clone(), tally(it))).collect();
    let checks = report.function_checks;
    json!({
        "version": 1,
        "from": period.from.map(|it| it.to_string()),
        "to": period.to.map(|it| it.to_string()),
        "zone": zone,
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
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use tidewaiter_screening::{Verdict, inspection::SubjectKind, statistics::report};

    use super::*;

    /// A frozen record of the record crate.
    fn frozen(name: &str) -> Vec<u8> {
        let path = format!("{}/../record/vectors/v1/{name}.hex", env!("CARGO_MANIFEST_DIR"));
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
        let json = to_json(&report(&gathered.examinations, period, Some(By::Place)), period, Some(By::Place), 0, "UTC");
        assert_eq!(json.pointer("/by").unwrap(), "place");
        assert_eq!(json.pointer("/total/rates/pass-rate/percent").unwrap(), "50.00");
        assert_eq!(json.pointer("/groups/xrf-1/conditional-pass").unwrap(), 1);
        assert_eq!(json.pointer("/zone").unwrap(), "UTC");
    }

    #[test]
    fn a_day_is_that_of_the_clock_on_the_wall() {
        let mut gathered = Gathered::default();
        gathered.take(&frozen("03-inspection")).unwrap();
        let one = gathered.examinations.pop().unwrap();
        let check = |zone: &str, opened: &str, day: &str| {
            let opened_ms = opened.parse::<Timestamp>().unwrap().as_millisecond();
            let mut all = [Examination { opened_ms, ..one.clone() }];
            by_days_of(&TimeZone::get(zone).unwrap(), &mut all);
            assert_eq!(all[0].date.to_string(), day, "{opened} in {zone}");
            let by_day = report(&all, Period::default(), Some(By::Day));
            assert_eq!(by_day.groups.keys().map(String::as_str).collect::<Vec<_>>(), [day]);
        };
        check("Asia/Shanghai", "2026-11-29T15:59:59.999Z", "2026-11-29");
        check("Asia/Shanghai", "2026-11-29T16:00:00Z", "2026-11-30");
        check("UTC", "2026-11-29T16:00:00Z", "2026-11-29");
        // The nights on which Berlin sets its clocks: the day has 25 hours, then 23.
        check("Europe/Berlin", "2026-10-24T21:59:59Z", "2026-10-24");
        check("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25");
        check("Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25");
        check("Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-26");
        check("Europe/Berlin", "2026-03-29T21:59:59Z", "2026-03-29");
        check("Europe/Berlin", "2026-03-29T22:00:00Z", "2026-03-30");
        // A whole day was left out in Samoa, and Kathmandu stands at a quarter of an hour.
        check("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29");
        check("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31");
        check("Asia/Kathmandu", "2026-11-29T18:15:00Z", "2026-11-30");
    }
}
