//! Judging at the edge against judging at the centre: the same inspection through a record's bytes must come to the
//! same verdict, whatever was measured.

mod boundaries;
mod every_limit;
mod week;

use jiff::civil::Date;
use tidewaiter_agent::{inspector::sampling_date, seal};
use tidewaiter_config::{limits::Programme, site::Judge};
use tidewaiter_recompute::{Recomputed, Tables, recompute_inspection};
use tidewaiter_record::{Body, Context, Detail, Plan, Table, TimeBlock, TimeQuality, TimeSource};
use tidewaiter_screening::{Inspection, Screening, screen};

/// What an agent of a site with a plan puts beside every result.
fn standing() -> seal::Standing {
    seal::Standing {
        context: Context { software: "tidewaiter test".to_owned(), config: [7; 32] },
        plan: Some(Plan { id: "test-plan".to_owned(), version: 1, sha256: [8; 32] }),
        origin: Some("regulator".to_owned()),
    }
}

/// Judges an inspection as the agent does, carries it through the bytes of a record body, and judges it again as the
/// centre does, from the record and the table files alone.
fn both_ways(
    inspection: &Inspection,
    tables: &Tables,
    judge: &[Judge],
    programme: Option<&Programme>,
) -> (Screening, Recomputed) {
    let at: Date = sampling_date(inspection.opened);
    let screening = screen(inspection, &tables.limits, judge, at, programme);
    let mut used: Vec<Table> = Vec::new();
    for finding in &screening.findings {
        let digest = tables
            .limits
            .iter()
            .map(|it| (&it.id, &it.edition, it.digest))
            .chain(tables.programmes.iter().map(|it| (&it.id, &it.edition, it.digest)))
            .find(|(id, edition, _)| **id == finding.table && **edition == finding.edition)
            .map(|(.., digest)| digest);
        if let Some(sha256) = digest
            && !used.iter().any(|it| it.id == finding.table && it.edition == finding.edition)
        {
            used.push(Table { id: finding.table.clone(), edition: finding.edition.clone(), sha256 });
        }
    }
    let draft = seal::inspection(inspection, &screening, judge, used, &standing());
    let time = TimeBlock {
        wall_ms: inspection.closed.wall_ms,
        mono_ms: inspection.closed.mono_ms,
        boot: 1,
        quality: TimeQuality::S,
        err_ms: 5,
        src: TimeSource::Ntp,
        age_s: 1,
    };
    let bytes = Body { time, detail: draft.detail }.encode();
    let Detail::Inspection(detail) = Body::decode(&bytes).unwrap().detail else { panic!("no inspection came back") };
    let recomputed = recompute_inspection(&detail, tables);
    (screening, recomputed)
}
