//! A bench run against its step programme.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use fixture::*;
use tidewaiter_config::limits::{Hold, Programme, Stage, Title};
use tidewaiter_drivers::{Unit, reading::Missing};
use tidewaiter_screening::{
    Disposition, Inspection, Reason, STAGE_DURATION, Verdict, inspection::Measured, screen, screen_programme,
};

fn programme() -> Programme {
    let stage = |duration_s, low, high| Stage {
        duration_s,
        hold: vec![Hold { channel: "speed".to_owned(), unit: Unit::KilometrePerHour, low: d(low), high: d(high) }],
    };
    Programme {
        id: "demo".to_owned(),
        edition: "1".to_owned(),
        title: Title { zh: "演示".to_owned(), en: "Demo".to_owned() },
        source: "own".to_owned(),
        stages: vec![stage(3, "78", "82"), stage(4, "118", "122")],
        digest: [7; 32],
    }
}

fn staged(parameter: &str, derivation: &str, value: &str, unit: Unit, stage: u16) -> Measured {
    Measured { stage: Some(stage), derivation: derivation.to_owned(), ..measured(parameter, value, unit) }
}

fn bench_run(second_max: &str, second_duration: &str) -> Inspection {
    let speed = |derivation, value, stage| staged("speed", derivation, value, Unit::KilometrePerHour, stage);
    inspection(vec![
        staged(STAGE_DURATION, "bench-elapsed", "3", Unit::Second, 1),
        speed("min", "79.8", 1),
        speed("max", "80.2", 1),
        staged(STAGE_DURATION, "bench-elapsed", second_duration, Unit::Second, 2),
        speed("min", "118.0", 2),
        speed("max", second_max, 2),
    ])
}

#[test]
fn every_stage_holds_and_lasts() {
    let check = |inspection: Inspection, verdict, disposition| {
        let screening = screen(&inspection, &[], &[], day(), Some(&programme()));
        assert_eq!((screening.verdict, screening.disposition), (verdict, disposition), "{screening:?}");
        screening
    };
    let good = check(bench_run("122.0", "4"), Verdict::Pass, Disposition::Clear);
    let shape = good.findings.iter().map(|it| (it.row.as_str(), it.stage)).collect::<Vec<_>>();
    let expected = [
        ("stage-1/stage-duration", Some(1)),
        ("stage-1/speed", Some(1)),
        ("stage-1/speed", Some(1)),
        ("stage-2/stage-duration", Some(2)),
        ("stage-2/speed", Some(2)),
        ("stage-2/speed", Some(2)),
    ];
    assert_eq!(shape, expected);
    assert_eq!(good.findings[4].rule, "simple, full; max of instrument-1");
    assert_eq!((good.findings[0].table.as_str(), good.findings[0].edition.as_str()), ("demo", "1"));

    check(bench_run("122.1", "4"), Verdict::Fail, Disposition::Refer);
    check(bench_run("122.0", "3.9"), Verdict::Fail, Disposition::Refer);
}

#[test]
fn a_stage_that_did_not_run_is_not_measured() {
    let mut cut_short = bench_run("122.0", "4");
    cut_short.measured.retain(|it| it.stage == Some(1));
    let findings = screen_programme(&cut_short, &programme());
    let second = findings.iter().filter(|it| it.stage == Some(2)).collect::<Vec<_>>();
    assert_eq!(second.len(), 2);
    assert!(second.iter().all(|it| it.verdict == Verdict::Inconclusive(Reason::NotMeasured)));
    let never_ran = screen(&inspection(Vec::new()), &[], &[], day(), Some(&programme()));
    assert_eq!(never_ran.verdict, Verdict::Inconclusive(Reason::NotMeasured));
    // A reading that stayed away during a stage is a value that stayed away.
    let mut silent = bench_run("122.0", "4");
    silent.measured[1].outcome = Err(Missing::TimedOut);
    assert_eq!(screen(&silent, &[], &[], day(), Some(&programme())).verdict, Verdict::Inconclusive(Reason::NoValue));
}

#[test]
fn tables_and_programme_are_judged_side_by_side() {
    let table = table("t", vec![row("pressure", "pressure", min("180"), Unit::Kilopascal)]);
    let mut run = bench_run("122.0", "4");
    run.measured.push(measured("pressure", "179", Unit::Kilopascal));
    let screening = screen(&run, std::slice::from_ref(&table), &judge_all(&table), day(), Some(&programme()));
    assert_eq!(screening.findings.len(), 7);
    assert_eq!(screening.findings[0].row, "pressure");
    assert_eq!(screening.verdict, Verdict::Fail);
}
