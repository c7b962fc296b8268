//! The whole inspection: conditions, editions, alarms, faults, verdict and disposition.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use fixture::*;
use tidewaiter_config::{
    limits::{Limit, LimitTable, Row},
    site::Judge,
};
use tidewaiter_drivers::{Unit, reading::Missing};
use tidewaiter_screening::{
    Disposition, Inspection, Reason, Screening, Verdict,
    inspection::{Alarm, Completion, IncompleteReason, Measured, ScanFault},
    screen,
};

fn run(table: &LimitTable, inspection: &Inspection) -> Screening {
    screen(inspection, std::slice::from_ref(table), &judge_all(table), day(), None)
}

/// Row and verdict of each finding.
fn verdicts(screening: &Screening) -> Vec<(&str, Verdict)> {
    screening.findings.iter().map(|it| (it.row.as_str(), it.verdict)).collect()
}

/// pH by category as in GB 18401-2010 Table 1, and a row that only category A has.
fn textile() -> LimitTable {
    let ph = |id, low, high, category| when(row(id, "ph", range(low, high), Unit::PH), "category", &[category]);
    let saliva = row("saliva-a", "saliva", Limit::GradeAtLeast { half_steps: 8 }, Unit::FastnessGrade);
    table(
        "textile",
        vec![
            ph("ph-a", "4.0", "7.5", "A"),
            ph("ph-b", "4.0", "8.5", "B"),
            ph("ph-c", "4.0", "9.0", "C"),
            when(saliva, "category", &["A"]),
        ],
    )
}

fn ph(value: &str) -> Inspection {
    inspection(vec![measured("ph", value, Unit::PH), measured("saliva", "4", Unit::FastnessGrade)])
}

const NO: Verdict = Verdict::NotApplicable;

#[test]
fn the_declared_category_chooses_the_row() {
    let b = run(&textile(), &declare(ph("8.1"), &[("category", "B")]));
    assert_eq!(verdicts(&b), [("ph-a", NO), ("ph-b", Verdict::Pass), ("ph-c", NO), ("saliva-a", NO)]);
    assert_eq!((b.verdict, b.disposition), (Verdict::Pass, Disposition::Clear));

    let a = run(&textile(), &declare(ph("8.1"), &[("category", "A")]));
    assert_eq!(verdicts(&a), [("ph-a", Verdict::Fail), ("ph-b", NO), ("ph-c", NO), ("saliva-a", Verdict::Pass)]);
    assert_eq!((a.verdict, a.disposition), (Verdict::Fail, Disposition::Refer));
    let finding = &a.findings[0];
    assert_eq!(
        (finding.table.as_str(), finding.edition.as_str(), finding.value.as_deref(), finding.limit.as_str()),
        ("textile", "2010", Some("8.1 [pH]"), "4.0..7.5 [pH]")
    );
    assert_eq!(a.findings[1].rule, "simple, full; category = A, row is for B");
}

#[test]
fn nothing_declared_refers() {
    for inspection in [ph("5.5"), declare(ph("5.5"), &[("goods", "cotton")]), declare(ph("5.5"), &[("category", " ")])]
    {
        let screening = run(&textile(), &inspection);
        let undecided = Verdict::Inconclusive(Reason::NoDeclaration);
        assert!(screening.findings.iter().all(|it| it.verdict == undecided), "{screening:?}");
        assert_eq!(screening.findings[0].value.as_deref(), Some("5.5 [pH]"), "the value is shown all the same");
        assert_eq!(screening.findings[0].rule, "simple, full; category is not declared");
        assert_eq!((screening.verdict, screening.disposition), (undecided, Disposition::Refer));
    }
}

#[test]
fn a_value_no_row_names_is_never_clear() {
    for category in ["D", "a", "A,B", "Ａ"] {
        let screening = run(&textile(), &declare(ph("5.5"), &[("category", category)]));
        assert_eq!(screening.verdict, Verdict::Inconclusive(Reason::NotCovered), "{category}");
        assert_eq!(screening.disposition, Disposition::Refer);
    }
}

/// Two axles are named, combinations are named, a combination of two axles is not.
#[test]
fn what_falls_between_the_rows_is_never_clear() {
    let axles = |id, limit, axles, kind| {
        when(when(row(id, "gross-mass", max(limit), Unit::Kilogram), "axles", &[axles]), "vehicle", &[kind])
    };
    let table = table(
        "mass",
        vec![
            axles("2", "18000", "2", "truck"),
            axles("3", "25000", "3", "truck"),
            axles("3c", "27000", "3", "combination"),
        ],
    );
    let check = |facts: &[(&str, &str)], verdict, disposition| {
        let lorry = declare(inspection(vec![measured("gross-mass", "17000", Unit::Kilogram)]), facts);
        let screening = run(&table, &lorry);
        assert_eq!((screening.verdict, screening.disposition), (verdict, disposition), "{facts:?} {screening:?}");
        screening
    };
    check(&[("axles", "2"), ("vehicle", "truck")], Verdict::Pass, Disposition::Clear);
    // Numbers compare by value: a spreadsheet may write 2.0.
    check(&[("axles", "2.0"), ("vehicle", "truck")], Verdict::Pass, Disposition::Clear);
    check(&[("axles", "7"), ("vehicle", "truck")], Verdict::Inconclusive(Reason::NotCovered), Disposition::Refer);
    let between = check(
        &[("axles", "2"), ("vehicle", "combination")],
        Verdict::Inconclusive(Reason::NotCovered),
        Disposition::Refer,
    );
    assert_eq!(between.findings.last().unwrap().row, "*");
    // Two axles rule out the rows for three, whatever the vehicle is; the row for two still needs it.
    let unknown = check(&[("axles", "2")], Verdict::Inconclusive(Reason::NoDeclaration), Disposition::Refer);
    assert_eq!(verdicts(&unknown), [("2", Verdict::Inconclusive(Reason::NoDeclaration)), ("3", NO), ("3c", NO)]);
}

#[test]
fn yes_or_no_facts_need_not_name_both() {
    let scrap = when(row("dose", "dose-rate", max("0.46"), Unit::MicrosievertPerHour), "scrap", &["yes"]);
    let table = table("scrap", vec![scrap]);
    let check = |declared, value, verdict| {
        let load =
            declare(inspection(vec![measured("dose-rate", value, Unit::MicrosievertPerHour)]), &[("scrap", declared)]);
        assert_eq!(run(&table, &load).verdict, verdict, "{declared}");
    };
    check("yes", "0.47", Verdict::Fail);
    check("TRUE", "0.47", Verdict::Fail);
    check("是", "0.46", Verdict::Pass);
    check("no", "0.47", NO);
    check("否", "0.47", NO);
    check("maybe", "0.1", Verdict::Inconclusive(Reason::NotCovered));
}

#[test]
fn the_edition_in_force_on_the_sampling_date_judges() {
    let edition = |name: &str, from: &str, to: Option<&str>, limit: &str| LimitTable {
        edition: name.to_owned(),
        effective_from: date(from),
        effective_to: to.map(date),
        digest: [name.as_bytes()[0]; 32],
        ..table("tyres", vec![row("twi", "tread", min(limit), Unit::Millimetre)])
    };
    let tables = [
        edition("2015", "2015-02-01", Some("2025-04-30"), "1.6"),
        edition("2024", "2025-05-01", None, "2.0"),
        edition("draft", "2027-01-01", None, "3.0"),
    ];
    let judge = [Judge { table: "tyres".to_owned(), parameters: vec!["tread".to_owned()], advisory: false }];
    let tyre = inspection(vec![measured("tread", "1.8", Unit::Millimetre)]);
    let check = |at: &str, edition: &str, verdict| {
        for tables in [tables.to_vec(), tables.iter().rev().cloned().collect::<Vec<_>>()] {
            let screening = screen(&tyre, &tables, &judge, date(at), None);
            assert_eq!(screening.findings.len(), 1);
            assert_eq!((screening.findings[0].edition.as_str(), screening.verdict), (edition, verdict), "{at}");
        }
    };
    let none = Verdict::Inconclusive(Reason::NoEdition);
    check("2015-01-31", "", none);
    check("2015-02-01", "2015", Verdict::Pass);
    check("2025-04-30", "2015", Verdict::Pass);
    check("2025-05-01", "2024", Verdict::Fail);
    check("2026-12-31", "2024", Verdict::Fail);
    check("2027-01-01", "draft", Verdict::Fail);

    // During a transition both are in force: the newer one judges.
    let overlap = [edition("2015", "2015-02-01", Some("2026-12-31"), "1.6"), tables[1].clone()];
    assert_eq!(screen(&tyre, &overlap, &judge, day(), None).findings[0].edition, "2024");
    // The same file loaded twice is one edition; two files for one day are no choice.
    let twice = [tables[1].clone(), tables[1].clone()];
    assert_eq!(screen(&tyre, &twice, &judge, day(), None).verdict, Verdict::Fail);
    let rivals = [tables[1].clone(), edition("local", "2025-05-01", None, "1.0")];
    assert_eq!(screen(&tyre, &rivals, &judge, day(), None).verdict, none);
}

#[test]
fn a_table_or_parameter_that_is_not_there_is_a_finding() {
    let judge = |table: &str, parameter: &str| {
        [Judge { table: table.to_owned(), parameters: vec![parameter.to_owned(), "ph".to_owned()], advisory: false }]
    };
    let tables = [textile()];
    let inspection = declare(ph("5.5"), &[("category", "A")]);
    let absent = screen(&inspection, &tables, &judge("no-such", "ph"), day(), None);
    assert_eq!(absent.verdict, Verdict::Inconclusive(Reason::NoEdition));
    assert_eq!(absent.findings.len(), 2, "one for each parameter required");
    assert_eq!(absent.findings[0].rule, "limit table no-such is not loaded");
    let unknown = screen(&inspection, &tables, &judge("textile", "azo"), day(), None);
    assert_eq!(unknown.verdict, Verdict::Inconclusive(Reason::NotCovered));
    assert_eq!(unknown.disposition, Disposition::Refer);
}

fn alarm(kind: &str, by_device: bool, recomputed: bool) -> Alarm {
    Alarm { instrument: "portal-1".to_owned(), kind: kind.to_owned(), by_device, recomputed }
}

fn fault(kind: &str) -> ScanFault {
    ScanFault { instrument: "portal-1".to_owned(), kind: kind.to_owned() }
}

#[test]
fn either_side_alarms_and_disagreement_shows() {
    let check = |alarms: Vec<Alarm>, verdict, disposition, mismatch| {
        let lorry = Inspection { alarms, ..declare(ph("5.5"), &[("category", "B")]) };
        let screening = run(&textile(), &lorry);
        assert_eq!(
            (screening.verdict, screening.disposition, screening.alarm_mismatch),
            (verdict, disposition, mismatch),
            "{:?}",
            lorry.alarms
        );
    };
    let (fail, stop) = (Verdict::Fail, Disposition::Alarm);
    check(vec![], Verdict::Pass, Disposition::Clear, false);
    check(vec![alarm("gamma", false, false)], Verdict::Pass, Disposition::Clear, false);
    check(vec![alarm("gamma", true, true)], fail, stop, false);
    check(vec![alarm("gamma", true, false)], fail, stop, true);
    check(vec![alarm("gamma", false, true)], fail, stop, true);
    check(vec![alarm("neutron", true, false)], fail, stop, true);
    check(vec![alarm("gamma", true, true), alarm("neutron", false, true)], fail, stop, true);
    // A bench's own alarm has no counts to recompute it from, so there is nothing to disagree with.
    check(vec![alarm("over-temperature", true, false)], fail, stop, false);
}

/// Strictest wins: alarm over not-valid over refer over clear.
#[test]
fn dispositions_by_cause() {
    let table = table(
        "t",
        vec![
            row("mass", "gross-mass", max("49000"), Unit::Kilogram),
            Row { alarms: true, ..row("dose", "dose-rate", max("0.5"), Unit::MicrograyPerHour) },
        ],
    );
    let passage = |mass: &str, dose: Option<&str>| {
        let dose = dose.map_or_else(
            || missing("dose-rate", Missing::TimedOut),
            |dose| measured("dose-rate", dose, Unit::MicrograyPerHour),
        );
        inspection(vec![measured("gross-mass", mass, Unit::Kilogram), dose])
    };
    let check = |inspection: Inspection, verdict, disposition| {
        let screening = run(&table, &inspection);
        assert_eq!((screening.verdict, screening.disposition), (verdict, disposition), "{screening:?}");
    };
    let faulty = |inspection: Inspection| Inspection { faults: vec![fault("over-speed")], ..inspection };
    let broken_off = |inspection: Inspection| Inspection {
        completion: Completion::Incomplete(IncompleteReason::DroveOff),
        ..inspection
    };
    let no_value = Verdict::Inconclusive(Reason::NoValue);
    let incomplete = Verdict::Inconclusive(Reason::Incomplete);
    check(passage("40000", Some("0.1")), Verdict::Pass, Disposition::Clear);
    check(passage("49020", Some("0.1")), Verdict::Fail, Disposition::Refer);
    check(passage("40000", None), no_value, Disposition::Refer);
    check(passage("40000", Some("0.6")), Verdict::Fail, Disposition::Alarm);
    check(faulty(passage("40000", Some("0.1"))), Verdict::Pass, Disposition::NotValid);
    check(faulty(passage("49020", Some("0.1"))), Verdict::Fail, Disposition::NotValid);
    check(faulty(passage("40000", Some("0.6"))), Verdict::Fail, Disposition::Alarm);
    check(broken_off(passage("40000", Some("0.1"))), incomplete, Disposition::Refer);
    check(broken_off(passage("40000", None)), incomplete, Disposition::Refer);
    check(broken_off(passage("49020", None)), Verdict::Fail, Disposition::Refer);
    check(broken_off(faulty(passage("40000", None))), incomplete, Disposition::NotValid);
}

#[test]
fn a_verdict_inside_the_guard_band_refers() {
    let decision = tidewaiter_config::limits::DecisionRule::NonBinary;
    let table = table("t", vec![Row { decision, ..row("as", "As", max("0.50"), Unit::Percent) }]);
    let check = |value: &str, verdict, disposition| {
        let measured = Measured { uncertainty: Some(d("0.05")), ..measured("As", value, Unit::Percent) };
        let screening = run(&table, &inspection(vec![measured]));
        assert_eq!((screening.verdict, screening.disposition), (verdict, disposition), "{value}");
    };
    check("0.45", Verdict::Pass, Disposition::Clear);
    check("0.46", Verdict::ConditionalPass, Disposition::Refer);
    check("0.51", Verdict::ConditionalFail, Disposition::Refer);
    check("0.56", Verdict::Fail, Disposition::Refer);
}

#[test]
fn an_examination_that_obtained_nothing_is_not_clear() {
    let nothing = Verdict::Inconclusive(Reason::NotMeasured);
    for inspection in [inspection(Vec::new()), inspection(vec![missing("ph", Missing::LineDown)])] {
        let screening = screen(&inspection, &[], &[], day(), None);
        assert_eq!((screening.verdict, screening.disposition), (nothing, Disposition::Refer));
    }
    // Monitoring without a limit is a purpose of its own.
    let screening = screen(&ph("5.5"), &[], &[], day(), None);
    assert_eq!((screening.verdict, screening.disposition), (NO, Disposition::Clear));
}

#[test]
fn each_of_several_instruments_is_judged() {
    let table = table("t", vec![row("ph", "ph", range("4.0", "7.5"), Unit::PH)]);
    let second = Measured { instrument: "ph-2".to_owned(), ..measured("ph", "7.6", Unit::PH) };
    let screening = run(&table, &inspection(vec![second, measured("ph", "7.4", Unit::PH)]));
    assert_eq!(verdicts(&screening), [("ph", Verdict::Pass), ("ph", Verdict::Fail)]);
    assert_eq!(screening.findings[1].rule, "simple, full; last of ph-2");
    assert_eq!(screening.verdict, Verdict::Fail);
}

/// Every reason has its place in the order in which an inspection names it.
#[test]
fn the_most_telling_reason_is_named() {
    let worst = Reason::ALL.map(Verdict::Inconclusive).into_iter().fold(NO, Verdict::stricter);
    assert_eq!(worst, Verdict::Inconclusive(Reason::Incomplete));
    assert_eq!(worst.stricter(Verdict::ConditionalFail), Verdict::ConditionalFail);
    assert_eq!(
        Verdict::ConditionalPass.stricter(Verdict::Inconclusive(Reason::Arithmetic)),
        Verdict::Inconclusive(Reason::Arithmetic)
    );
    assert_eq!(Verdict::Pass.stricter(Verdict::NotApplicable), Verdict::Pass);
    for reason in Reason::ALL {
        assert_eq!(Reason::from_word(reason.word()), Some(reason));
    }
}
