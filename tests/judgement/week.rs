//! Ten thousand inspections of a simulated week: edge and centre must come to one result on every one of them.

use std::collections::BTreeMap;

use super::{Recomputed, Tables, both_ways};
use jiff::civil::Date;
use tidewaiter_config::{limits::Basis, site::Judge};
use tidewaiter_drivers::reading::{Indication, Missing, Moment, Quality};
use tidewaiter_screening::{
    Inspection,
    inspection::{
        Alarm, Completion, Declaration, Identity, IncompleteReason, Measured, ScanFault, Subject, SubjectKind,
    },
};
use tidewaiter_simulator::{Described, DescribedValue, week};

/// Inspections of the week.
const INSPECTIONS: u64 = 10_000;

fn measured(it: &DescribedValue) -> Measured {
    let decimal = |text: &String| text.parse().unwrap();
    let outcome = match &it.value {
        Ok(text) => Ok(Indication {
            value: decimal(text),
            unit: it.unit.parse().unwrap(),
            quality: Quality::from_word(&it.quality).unwrap(),
        }),
        Err(word) => Err(Missing::from_word(word, None).unwrap()),
    };
    Measured {
        background: it.background.as_ref().map(decimal),
        uncertainty: it.uncertainty.as_ref().map(decimal),
        background_uncertainty: it.background_uncertainty.as_ref().map(decimal),
        basis: it.basis.as_deref().map(|word| Basis::from_word(word).unwrap()),
        ..Measured::new(&it.parameter, &it.instrument, outcome, "one value")
    }
}

fn inspection(it: &Described) -> Inspection {
    let date: Date = it.sampled.parse().unwrap();
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond();
    let opened = Moment { mono_ms: u64::try_from(it.at_ms).unwrap(), wall_ms: midnight + it.at_ms % 80_000_000 };
    let conveyance = it.procedure == "lorry-gate";
    let identity = |text: &String| Identity {
        kind: if conveyance { "plate" } else { "sample" }.to_owned(),
        text: text.clone(),
        source: "read".to_owned(),
        confidence: None,
    };
    let incomplete = it.incomplete.as_deref().map(|word| IncompleteReason::from_word(word).unwrap());
    Inspection {
        id: format!("{}-1-{}", it.place, it.number),
        procedure: it.procedure.clone(),
        place: it.place.clone(),
        subject: Subject {
            kind: if conveyance { SubjectKind::Conveyance } else { SubjectKind::Sample },
            identities: it.subject.iter().map(identity).collect(),
            declaration: it.facts.clone().map_or(Declaration::None, Declaration::Found),
        },
        opened,
        closed: Moment { mono_ms: opened.mono_ms + 20_000, wall_ms: opened.wall_ms + 20_000 },
        completion: incomplete.map_or(Completion::Complete, Completion::Incomplete),
        simulated: true,
        drill: it.drill,
        operator: it.operator.clone(),
        measured: it.values.iter().map(measured).collect(),
        alarms: it
            .alarms
            .iter()
            .map(|it| Alarm {
                instrument: it.instrument.clone(),
                kind: it.kind.clone(),
                by_device: it.by_device,
                recomputed: it.recomputed,
            })
            .collect(),
        faults: it
            .faults
            .iter()
            .map(|kind| ScanFault { instrument: "portal-1".to_owned(), kind: kind.clone() })
            .collect(),
        readings: Vec::new(),
        whole: Vec::new(),
    }
}

#[test]
fn edge_and_centre_agree_on_every_inspection_of_a_week() {
    let tables = Tables::builtin();
    let (mut verdicts, mut dispositions) = (BTreeMap::<String, u64>::new(), BTreeMap::<&str, u64>::new());
    let (mut same, mut without_edition) = (0, 0);
    for it in week(20_260_601, INSPECTIONS) {
        let inspection = inspection(&it);
        let judge: Vec<Judge> = it
            .judge
            .iter()
            .map(|(table, parameters)| Judge { table: table.clone(), parameters: parameters.clone(), advisory: false })
            .collect();
        let (screening, recomputed) = both_ways(&inspection, &tables, &judge, None);
        assert_eq!(recomputed, Recomputed::Same, "{it:#?}\n{screening:#?}");
        same += 1;
        // Beside the days of an edition there is nothing to judge by, and the centre finds the same.
        without_edition += u64::from(screening.findings.iter().any(|it| it.edition.is_empty()));
        let reason = match screening.verdict {
            tidewaiter_screening::Verdict::Inconclusive(reason) => format!("({})", reason.word()),
            _ => String::new(),
        };
        *verdicts.entry(format!("{}{reason}", screening.verdict.word())).or_default() += 1;
        *dispositions.entry(screening.disposition.word()).or_default() += 1;
    }
    println!(
        "{same} of {INSPECTIONS} agree, {without_edition} of them on days without an edition: {verdicts:?}, {dispositions:?}"
    );
    assert_eq!(same, INSPECTIONS);
    assert!(without_edition * 10 < INSPECTIONS, "{without_edition} without an edition");
    let reasons =
        ["incomplete", "no-value", "quality", "no-declaration", "not-covered", "no-background", "unit", "not-measured"];
    let words = reasons.iter().map(|it| format!("Inconclusive({it})")).chain(["Pass".to_owned(), "Fail".to_owned()]);
    for word in words {
        assert!(verdicts.get(&word).is_some_and(|it| *it >= 5), "{word} among {verdicts:?}");
    }
    for word in ["clear", "refer", "not-valid", "alarm"] {
        assert!(dispositions.get(word).is_some_and(|it| *it >= 100), "{word} among {dispositions:?}");
    }
}
