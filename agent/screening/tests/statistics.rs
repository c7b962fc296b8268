//! Statistics against counts made by hand.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use proptest::prelude::*;
use tidewaiter_screening::{
    Reason, Verdict,
    inspection::{Completion, IncompleteReason, SubjectKind},
    statistics::{By, Examination, Found, Period, Tally, report},
};

const HOUR: i64 = 3_600_000;

/// An examination of a lorry with this plate, opened at this hour of the first of June.
fn lorry(hour: i64, plate: &str, verdict: Verdict) -> Examination {
    let date = jiff::civil::date(2026, 6, 1).saturating_add(jiff::Span::new().days(hour.div_euclid(24)));
    Examination {
        agent: "gate-07".into(),
        seq: u64::try_from(hour * 100).unwrap(),
        date,
        opened_ms: hour * HOUR,
        closed_ms: hour * HOUR + 60_000,
        place: "lane-7".into(),
        procedure: "lorry-gate".into(),
        kind: SubjectKind::Conveyance,
        identity: (!plate.is_empty()).then(|| ("plate".into(), plate.into())),
        verdict,
        completion: Completion::Complete,
        void: false,
        simulated: false,
        drill: false,
        origin: None,
        findings: Vec::new(),
    }
}

fn sample(hour: i64, number: &str, verdict: Verdict) -> Examination {
    Examination {
        place: "bench-a".into(),
        procedure: "textile-ph".into(),
        kind: SubjectKind::Sample,
        identity: Some(("sample".into(), number.into())),
        ..lorry(hour, "", verdict)
    }
}

fn incomplete(examination: Examination, reason: IncompleteReason) -> Examination {
    let verdict = Verdict::Inconclusive(Reason::Incomplete);
    Examination { completion: Completion::Incomplete(reason), verdict, ..examination }
}

fn found(table: &str, hazards: &[&str], verdict: Verdict) -> Found {
    let hazards = hazards.iter().map(|it| (*it).to_owned()).collect();
    Found { table: table.into(), hazards, verdict, advisory: false }
}

/// A day at a gate and a bench.
fn a_day() -> Vec<Examination> {
    let no_value = Verdict::Inconclusive(Reason::NoValue);
    let no_declaration = Verdict::Inconclusive(Reason::NoDeclaration);
    vec![
        // A 1: void, then passed after an hour: one lot, one re-test, pass.
        Examination { void: true, ..lorry(1, "A1", Verdict::NotApplicable) },
        lorry(2, "A1", Verdict::Pass),
        // A 1 again in the evening: another load.
        lorry(20, "A1", Verdict::Pass),
        // B 2: failed, and failed when it came back.
        Examination { findings: vec![found("mass", &["physical"], Verdict::Fail)], ..lorry(3, "B2", Verdict::Fail) },
        Examination { findings: vec![found("mass", &["physical"], Verdict::Fail)], ..lorry(4, "B2", Verdict::Fail) },
        // C 3 was not declared; it came back too late to be the same.
        lorry(5, "C3", no_declaration),
        lorry(5 + 25, "C3", Verdict::Pass),
        // Two lorries nobody could name.
        lorry(6, "", Verdict::Pass),
        lorry(7, "", no_value),
        // D 4 drove off and did not return; E 5 was void.
        incomplete(lorry(8, "D4", Verdict::Pass), IncompleteReason::DroveOff),
        Examination { void: true, ..lorry(9, "E5", no_value) },
        // S 1: passed, and failed when it was repeated a day later; S 2 is the other way round.
        sample(10, "S1", Verdict::Pass),
        sample(34, "S1", Verdict::ConditionalFail),
        sample(11, "S2", Verdict::Fail),
        sample(12, "S2", Verdict::ConditionalPass),
        // S 3: the repetition was stopped, so the first result stands.
        sample(13, "S3", Verdict::Fail),
        incomplete(sample(14, "S3", Verdict::Pass), IncompleteReason::Stopped),
        // S 4: nothing was required of it.
        Examination { simulated: true, ..sample(15, "S4", Verdict::NotApplicable) },
        // An exercise, and three function checks.
        Examination { drill: true, ..lorry(16, "F6", Verdict::Fail) },
        Examination {
            kind: SubjectKind::Instrument,
            procedure: "scale-zero-check".into(),
            ..lorry(0, "", Verdict::Pass)
        },
        Examination {
            kind: SubjectKind::Instrument,
            procedure: "scale-zero-check".into(),
            ..lorry(17, "", Verdict::Fail)
        },
        incomplete(
            Examination { kind: SubjectKind::Instrument, ..lorry(18, "", Verdict::Pass) },
            IncompleteReason::TimedOut,
        ),
    ]
}

fn shown(tally: &Tally) -> String {
    let figures: Vec<String> = tally.figures().iter().map(|(name, count)| format!("{name} {count}")).collect();
    figures.join(", ")
}

#[test]
fn a_day_counted_by_hand() {
    let report = report(&a_day(), Period::default(), None);
    assert_eq!(
        shown(&report.total),
        "examinations 18, retests 5, presented 13, invalid 2, tested 11, judged 8, pass 4, conditional-pass 1, \
         conditional-fail 1, fail 2, inconclusive 2, not-applicable 1, simulated 1"
    );
    assert_eq!(report.total.void, 1);
    assert_eq!(report.total.incomplete.into_iter().collect::<Vec<_>>(), [("drove-off", 1)]);
    assert_eq!(report.total.inconclusive.into_iter().collect::<Vec<_>>(), [("no-declaration", 1), ("no-value", 1)]);
    assert_eq!(report.total.failed_by_hazard.into_iter().collect::<Vec<_>>(), [("physical".to_owned(), 1)]);
    assert_eq!(report.drills, 1);
    let checks = report.function_checks;
    assert_eq!((checks.done, checks.passed, checks.failed, checks.unfinished), (3, 1, 1, 1));
}

#[test]
fn rates_state_their_denominators() {
    let report = report(&a_day(), Period::default(), None);
    let rates: Vec<String> = report
        .total
        .rates()
        .iter()
        .map(|it| {
            let percent = it.percent.map_or_else(|| "-".to_owned(), |it| it.to_string());
            format!("{} {}/{} {} {percent}", it.name, it.numerator, it.denominator, it.of)
        })
        .collect();
    assert_eq!(
        rates,
        [
            "coverage 11/13 presented 84.62",
            "pass-rate 5/8 judged 62.50",
            "fail-rate 3/8 judged 37.50",
            "inconclusive-rate 2/11 tested 18.18",
            "invalid-rate 2/13 presented 15.38",
        ]
    );
    assert!(Tally::default().rates().iter().all(|it| it.percent.is_none()));
}

#[test]
fn the_order_of_the_records_plays_no_part() {
    let mut reversed = a_day();
    reversed.reverse();
    assert_eq!(report(&reversed, Period::default(), Some(By::Day)), report(&a_day(), Period::default(), Some(By::Day)));
}

#[test]
fn a_lot_stands_in_the_period_it_was_first_presented_in() {
    let by = |by| {
        let report = report(&a_day(), Period::default(), Some(by));
        assert!(report.exclusive);
        report.groups.into_iter().map(|(key, tally)| (key, tally.presented, tally.judged())).collect::<Vec<_>>()
    };
    // Only the late C 3 is of the second day; the repetition of S 1 belongs to the first.
    assert_eq!(by(By::Day), [("2026-06-01".to_owned(), 12, 7), ("2026-06-02".to_owned(), 1, 1)]);
    assert_eq!(by(By::Week), [("2026-W23".to_owned(), 13, 8)]);
    assert_eq!(by(By::Month), [("2026-06".to_owned(), 13, 8)]);
    assert_eq!(by(By::Place), [("bench-a".to_owned(), 4, 3), ("lane-7".to_owned(), 9, 5)]);
    assert_eq!(by(By::Procedure), [("lorry-gate".to_owned(), 9, 5), ("textile-ph".to_owned(), 4, 3)]);
    assert_eq!(by(By::Origin), [(String::new(), 13, 8)]);
    let first = Period { from: None, to: Some("2026-06-01".parse().unwrap()) };
    let report = report(&a_day(), first, None);
    // Within the first day S 1 has only passed.
    assert_eq!((report.total.presented, report.total.pass, report.total.conditional_fail), (12, 4, 0));
}

#[test]
fn a_lot_is_in_the_group_of_each_table_and_hazard_it_was_judged_by() {
    let both = Examination {
        findings: vec![
            found("gb18401", &["chemical", "biological"], Verdict::Fail),
            found("gb18401", &["chemical"], Verdict::Pass),
            found("oeko", &["chemical"], Verdict::Pass),
            Found { advisory: true, ..found("buyer", &["physical"], Verdict::Fail) },
        ],
        ..sample(1, "S1", Verdict::Fail)
    };
    let passed = Examination {
        findings: vec![found("gb18401", &["chemical"], Verdict::Pass)],
        ..sample(2, "S2", Verdict::Pass)
    };
    let by = |by| {
        let report = report(&[both.clone(), passed.clone()], Period::default(), Some(by));
        assert!(!report.exclusive);
        report.groups.into_iter().map(|(key, it)| format!("{key} {} {}", it.pass, it.fail)).collect::<Vec<_>>()
    };
    assert_eq!(by(By::Table), ["gb18401 1 1", "oeko 1 0"]);
    assert_eq!(by(By::Hazard), ["biological 0 1", "chemical 1 1"]);
    let total = report(&[both, passed], Period::default(), None).total;
    assert_eq!(
        total.failed_by_hazard.into_iter().collect::<Vec<_>>(),
        [("biological".to_owned(), 1), ("chemical".to_owned(), 1)]
    );
}

#[test]
fn two_agents_and_two_procedures_never_share_a_lot() {
    let here = sample(1, "S1", Verdict::Pass);
    let there = Examination { agent: "gate-08".into(), ..sample(2, "S1", Verdict::Pass) };
    let coal = Examination { procedure: "coal".into(), ..sample(3, "S1", Verdict::Pass) };
    let total = report(&[here, there, coal], Period::default(), None).total;
    assert_eq!((total.presented, total.retests), (3, 0));
}

fn any_examination() -> impl Strategy<Value = Examination> {
    let verdict = prop_oneof![
        Just(Verdict::Pass),
        Just(Verdict::ConditionalPass),
        Just(Verdict::ConditionalFail),
        Just(Verdict::Fail),
        Just(Verdict::NotApplicable),
        Just(Verdict::Inconclusive(Reason::NoValue)),
        Just(Verdict::Inconclusive(Reason::Quality)),
    ];
    let kind = prop_oneof![Just(SubjectKind::Conveyance), Just(SubjectKind::Sample), Just(SubjectKind::Instrument)];
    let completion = prop_oneof![
        4 => Just(Completion::Complete),
        1 => Just(Completion::Incomplete(IncompleteReason::TimedOut)),
        1 => Just(Completion::Incomplete(IncompleteReason::Stopped)),
    ];
    (0_i64..100, 0_u8..6, kind, verdict, completion, any::<(bool, bool)>()).prop_map(
        |(hour, name, kind, verdict, completion, (void, drill))| {
            let identity = (name > 0).then(|| ("plate".to_owned(), format!("P{name}")));
            Examination { kind, identity, completion, void, drill, ..lorry(hour, "", verdict) }
        },
    )
}

proptest! {
    #[test]
    fn counts_add_up_to_their_denominators(examinations in proptest::collection::vec(any_examination(), 0..60)) {
        for by in By::ALL {
            let report = report(&examinations, Period::default(), Some(by));
            let lots = report.total.clone();
            let apart = report.drills + report.function_checks.done;
            prop_assert_eq!(lots.examinations + apart, examinations.len() as u64);
            let checks = report.function_checks;
            prop_assert_eq!(checks.done, checks.passed + checks.failed + checks.unfinished);
            for tally in report.groups.values().chain([&lots]) {
                prop_assert_eq!(tally.examinations, tally.presented + tally.retests);
                prop_assert_eq!(tally.presented, tally.tested + tally.invalid());
                prop_assert_eq!(tally.tested, tally.judged() + tally.undecided() + tally.not_applicable);
                for rate in tally.rates() {
                    prop_assert!(rate.numerator <= rate.denominator, "{:?}", rate);
                    let of = tally.figures().into_iter().find(|(name, _)| *name == rate.of);
                    prop_assert_eq!(of.map(|(_, count)| count), Some(rate.denominator));
                }
            }
            if report.exclusive {
                for (at, (name, count)) in lots.figures().into_iter().enumerate() {
                    let sum: u64 = report.groups.values().map(|it| it.figures()[at].1).sum();
                    prop_assert_eq!(sum, count, "{} by {}", name, by.word());
                }
            }
        }
    }
}
