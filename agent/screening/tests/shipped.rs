//! The limit tables that come with the program, at the boundary of each row kind they use.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use fixture::*;
use tidewaiter_config::site::Judge;
use tidewaiter_drivers::{Decimal, Unit, reading::Indication};
use tidewaiter_screening::{Reason, Verdict, inspection::Measured, screen};

const NO: Verdict = Verdict::NotApplicable;

#[test]
fn shipped_tables_give_the_verdicts_their_documents_do() {
    let tables = tidewaiter_config::limits::builtin();
    let check = |table: &str, parameter: &str, value: Measured, facts: &[(&str, &str)], verdict| {
        let judge = [Judge { table: table.to_owned(), parameters: vec![parameter.to_owned()], advisory: false }];
        let screening = screen(&declare(inspection(vec![value.clone()]), facts), &tables, &judge, day(), None);
        assert_eq!(screening.verdict, verdict, "{table} {value:?} {facts:?} {screening:#?}");
    };
    let (pass, fail) = (Verdict::Pass, Verdict::Fail);

    // GB 18401-2010, Table 1.
    let textile = "gb18401-2010-t1";
    for (category, least, greatest, beyond) in
        [("A", "4.0", "7.5", "7.6"), ("B", "4.0", "8.5", "8.6"), ("C", "4.0", "9.0", "9.1")]
    {
        let ph = |value| measured("ph", value, Unit::PH);
        check(textile, "ph", ph("3.9"), &[("category", category)], fail);
        check(textile, "ph", ph(least), &[("category", category)], pass);
        check(textile, "ph", ph(greatest), &[("category", category)], pass);
        check(textile, "ph", ph(beyond), &[("category", category)], fail);
    }
    for (category, limit, beyond) in [("A", "20", "21"), ("B", "75", "76"), ("C", "300", "301")] {
        let formaldehyde = |value| measured("formaldehyde", value, Unit::MilligramPerKilogram);
        check(textile, "formaldehyde", formaldehyde(limit), &[("category", category)], pass);
        check(textile, "formaldehyde", formaldehyde(beyond), &[("category", category)], fail);
    }
    for (parameter, category, least, below) in [
        ("fastness-water", "A", "3.5", "3"),
        ("fastness-water", "B", "3", "2.5"),
        ("fastness-acid-perspiration", "A", "3.5", "3"),
        ("fastness-alkaline-perspiration", "C", "3", "2.5"),
        ("fastness-dry-rubbing", "A", "4", "3.5"),
        ("fastness-dry-rubbing", "B", "3", "2.5"),
        ("fastness-saliva", "A", "4", "3.5"),
    ] {
        let grade = |value| measured(parameter, value, Unit::FastnessGrade);
        check(textile, parameter, grade(least), &[("category", category)], pass);
        check(textile, parameter, grade(below), &[("category", category)], fail);
    }
    check(textile, "fastness-saliva", measured("fastness-saliva", "1", Unit::FastnessGrade), &[("category", "B")], NO);

    // Regulation on over-limit vehicles, article 3.
    let mass = |value: i64| Measured {
        outcome: measured("gross-mass", "0", Unit::Kilogram)
            .outcome
            .map(|it| Indication { value: Decimal::whole(value), ..it }),
        ..measured("gross-mass", "0", Unit::Kilogram)
    };
    let cases: [(&[(&str, &str)], i64); 8] = [
        (&[("axles", "2")], 18_000),
        (&[("axles", "3"), ("vehicle", "truck")], 25_000),
        (&[("axles", "3"), ("vehicle", "combination")], 27_000),
        (&[("axles", "4"), ("vehicle", "truck")], 31_000),
        (&[("axles", "4"), ("vehicle", "combination")], 36_000),
        (&[("axles", "5")], 43_000),
        (&[("axles", "6"), ("drive-axle", "double")], 49_000),
        (&[("axles", "7"), ("drive-axle", "single")], 46_000),
    ];
    for (facts, limit) in cases {
        check("gross-mass-cn-2016", "gross-mass", mass(limit), facts, pass);
        check("gross-mass-cn-2016", "gross-mass", mass(limit + 1), facts, fail);
    }
    let undeclared = Verdict::Inconclusive(Reason::NoDeclaration);
    check("gross-mass-cn-2016", "gross-mass", mass(10_000), &[("axles", "3")], undeclared);
    check("gross-mass-cn-2016", "gross-mass", mass(10_000), &[("axles", "6")], undeclared);
    check("gross-mass-cn-2016", "gross-mass", mass(10_000), &[], undeclared);
    check(
        "gross-mass-cn-2016",
        "gross-mass",
        mass(10_000),
        &[("axles", "1")],
        Verdict::Inconclusive(Reason::NotCovered),
    );
    check("vgm-cn", "gross-mass", mass(21_000), &[("mass", "20000")], pass);
    check("vgm-cn", "gross-mass", mass(21_001), &[("mass", "20000")], fail);

    // GB 16487 series: background + 0.25 uGy/h.
    let dose = |value| Measured { background: Some(d("0.10")), ..measured("dose-rate", value, Unit::MicrograyPerHour) };
    check("scrap-radiation", "dose-rate", dose("0.35"), &[], pass);
    check("scrap-radiation", "dose-rate", dose("0.36"), &[], fail);
    // 1203 counts over 934 are 8.80 sigma, 1147 are 6.97.
    let counts = |value| Measured { background: Some(d("934")), ..measured("gamma-counts", value, Unit::Count) };
    check("portal-sigma", "gamma-counts", counts("1147"), &[], pass);
    check("portal-sigma", "gamma-counts", counts("1203"), &[], fail);
}
