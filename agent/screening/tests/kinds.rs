//! Rows that rest on more than one number: shares, sums, classes, ages, scale errors, bases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use fixture::*;
use tidewaiter_config::limits::{
    Basis, Class, Compare, DecisionRule, Excludes, Limit, MeasuredCondition, MpeStep, Relation, Row, Tolerance, Wanted,
};
use tidewaiter_drivers::{
    Unit,
    reading::{Doubt, Flaw, Missing, Quality},
};
use tidewaiter_screening::{Finding, Inspection, Part, Reason, Step, Verdict, explain, inspection::Measured, screen};

const PASS: Verdict = Verdict::Pass;
const FAIL: Verdict = Verdict::Fail;

const fn undecided(reason: Reason) -> Verdict {
    Verdict::Inconclusive(reason)
}

fn find(row: Row, inspection: &Inspection) -> Finding {
    let table = table("t", vec![row]);
    let judge = judge_all(&table);
    let mut screening = screen(inspection, std::slice::from_ref(&table), &judge, day(), None);
    assert_eq!(screening.findings.len(), 1, "{:?}", screening.findings);
    screening.findings.remove(0)
}

fn percent(parameter: &str, value: &str, basis: Option<Basis>) -> Measured {
    Measured { basis, ..measured(parameter, value, Unit::Percent) }
}

fn uncertain(measured: Measured, uncertainty: &str) -> Measured {
    Measured { uncertainty: Some(d(uncertainty)), ..measured }
}

#[test]
fn an_end_may_be_outside_its_own_range() {
    let check = |value: &str, excludes, full, rounded| {
        for (compare, expected) in [(Compare::Full, full), (Compare::Rounded, rounded)] {
            let limit = Limit::Range { low: d("9.9"), high: d("10.1"), excludes };
            let row = Row { compare, ..row("r", "p", limit, Unit::Percent) };
            assert_eq!(find(row, &inspection(vec![measured("p", value, Unit::Percent)])).verdict, expected, "{value}");
        }
    };
    // 10.0 ± 0.1 without +0.1: 10.06 becomes 10.1 by rounding and fails, and passes by all its digits.
    check("10.06", Excludes::High, PASS, FAIL);
    check("10.1", Excludes::High, FAIL, FAIL);
    check("9.9", Excludes::High, PASS, PASS);
    check("9.9", Excludes::Low, FAIL, FAIL);
    check("9.94", Excludes::Both, PASS, FAIL);
    check("10.1", Excludes::None, PASS, PASS);
    let limit = Limit::Range { low: d("9.9"), high: d("10.1"), excludes: Excludes::Low };
    let finding = find(row("r", "p", limit, Unit::Percent), &inspection(vec![measured("p", "10", Unit::Percent)]));
    assert_eq!(finding.limit, "9.9 < x <= 10.1 %");
}

/// GB/T 8170-2008 3.4: the row's own interval, in halves and fifths, and hundreds.
#[test]
fn a_row_may_name_its_rounding_interval() {
    let check = |limit: Limit, round_to: &str, value: &str, shown: &str, expected| {
        let row = Row { compare: Compare::Rounded, round_to: Some(d(round_to)), ..row("r", "p", limit, Unit::One) };
        let finding = find(row, &inspection(vec![measured("p", value, Unit::One)]));
        assert_eq!(finding.verdict, expected, "{value} to {round_to}");
        assert!(finding.rule.ends_with(&format!("{value} rounded to {shown}")), "{}", finding.rule);
    };
    check(min("1400"), "100", "1351", "1400", PASS);
    check(min("1400"), "100", "1349", "1300", FAIL);
    check(max("60"), "0.5", "60.25", "60.0", PASS);
    check(max("60"), "0.5", "60.38", "60.5", FAIL);
    check(max("-60.5"), "0.5", "-60.75", "-61.0", PASS);
    check(max("840"), "20", "830", "840", PASS);
    check(max("840"), "20", "842", "840", PASS);
    check(max("840"), "20", "851", "860", FAIL);
    check(max("-920"), "20", "-930", "-920", PASS);
}

#[test]
fn a_guard_band_may_be_another_multiple_of_the_uncertainty() {
    let check = |value: &str, z: &str, guarded, non_binary| {
        for (decision, expected) in [(DecisionRule::Guarded, guarded), (DecisionRule::NonBinary, non_binary)] {
            let row = Row { decision, guard_z: Some(d(z)), ..row("r", "p", max("75"), Unit::Percent) };
            let finding = find(row, &inspection(vec![uncertain(measured("p", value, Unit::Percent), "8")]));
            assert_eq!(finding.verdict, expected, "{value} {z} {decision:?}");
        }
    };
    // u = 4: w = 1.6449 u = 6.5796, and w = 2 u is the expanded uncertainty.
    check("68.4204", "1.6449", PASS, PASS);
    check("68.4205", "1.6449", FAIL, Verdict::ConditionalPass);
    check("81.5796", "1.6449", FAIL, Verdict::ConditionalFail);
    check("81.5797", "1.6449", FAIL, FAIL);
    check("67", "2", PASS, PASS);
    check("67.1", "2", FAIL, Verdict::ConditionalPass);
}

/// JJF 1094-2002, 5.3.1.4 to 5.3.1.6, at a permissible error of 3.
#[test]
fn errors_are_judged_against_what_is_permitted() {
    let check = |error: &str, uncertainty: Option<&str>, expected| {
        let limit = Limit::Deviation { declared: "mass".to_owned(), tolerance: Tolerance::Absolute(d("3")) };
        let row = Row { decision: DecisionRule::Jjf1094, ..row("r", "p", limit, Unit::Gram) };
        let value = d("100").checked_add(d(error)).unwrap().to_string();
        let measured = Measured { uncertainty: uncertainty.map(d), ..measured("p", &value, Unit::Gram) };
        let finding = find(row, &declare(inspection(vec![measured]), &[("mass", "100")]));
        assert_eq!(finding.verdict, expected, "{error} with {uncertainty:?}");
    };
    let pending = undecided(Reason::Uncertainty);
    // At most a third: the plain rule.
    check("3", Some("1"), PASS);
    check("-3", Some("1"), PASS);
    check("3.01", Some("1"), FAIL);
    check("-3.01", Some("1"), FAIL);
    // More than a third: undecided within U of the permissible error.
    check("1.5", Some("1.5"), PASS);
    check("1.51", Some("1.5"), pending);
    check("-4.49", Some("1.5"), pending);
    check("-4.5", Some("1.5"), FAIL);
    check("0", Some("3.5"), pending);
    check("0", None, pending);
}

#[test]
fn probability_of_conformity_stands_beside_the_verdict() {
    let check = |value: &str, uncertainty: Option<&str>, decision, expected: Option<&str>| {
        let row = Row { decision, ..row("r", "p", max("75"), Unit::MilligramPerKilogram) };
        let measured = Measured { uncertainty: uncertainty.map(d), ..measured("p", value, Unit::MilligramPerKilogram) };
        let finding = find(row, &inspection(vec![measured]));
        assert_eq!(finding.probability.map(|it| it.to_string()).as_deref(), expected, "{value}");
    };
    for decision in [DecisionRule::Simple, DecisionRule::Guarded, DecisionRule::NonBinary] {
        for (value, expected) in
            [("67", "0.9772"), ("70", "0.8944"), ("75", "0.5000"), ("78", "0.2266"), ("83", "0.0228"), ("84", "0.0122")]
        {
            check(value, Some("8"), decision, Some(expected));
        }
    }
    check("70", None, DecisionRule::Simple, None);
    check("70", Some("0"), DecisionRule::Simple, None);
    check("70", Some("-8"), DecisionRule::Simple, None);
    let row = row("r", "p", range("12.5", "16.3"), Unit::Percent);
    let finding = find(row, &inspection(vec![uncertain(measured("p", "13.6", Unit::Percent), "3.6")]));
    assert_eq!(finding.probability, Some(d("0.6626")));
}

/// `U_net² = U_gross² + U_background²`: 0.03 and 0.04 make 0.05.
#[test]
fn the_background_brings_its_own_uncertainty() {
    let check = |value: &str, background_uncertainty: Option<&str>, expected, shown: &str| {
        let limit = Limit::AboveBackground { margin: d("0.25") };
        let row = Row { decision: DecisionRule::NonBinary, ..row("r", "dose-rate", limit, Unit::MicrograyPerHour) };
        let measured = Measured {
            background: Some(d("0.10")),
            uncertainty: Some(d("0.03")),
            background_uncertainty: background_uncertainty.map(d),
            ..measured("dose-rate", value, Unit::MicrograyPerHour)
        };
        let finding = find(row, &inspection(vec![measured]));
        assert_eq!(finding.verdict, expected, "{value}");
        assert!(finding.rule.contains(&format!("U = {shown} (k = 2)")), "{}", finding.rule);
    };
    check("0.30", Some("0.04"), PASS, "0.0500");
    check("0.3001", Some("0.04"), Verdict::ConditionalPass, "0.050000");
    check("0.40", Some("0.04"), Verdict::ConditionalFail, "0.0500");
    check("0.4001", Some("0.04"), FAIL, "0.050000");
    check("0.32", None, PASS, "0.03");
    check("0.32", Some("0"), PASS, "0.03");
    // √(0.03² + 0.03²) = 0.04243, shown rounded up.
    check("0.30", Some("0.03"), PASS, "0.0425");
    check("0.31", Some("0.03"), Verdict::ConditionalPass, "0.0425");
}

/// `x_ar = x_d (100 − M)/100`, exactly, whichever side is dry.
#[test]
fn values_are_brought_to_the_basis_of_the_limit() {
    let (dry, received) = (Some(Basis::Dry), Some(Basis::AsReceived));
    let moisture = |value: &str| percent("moisture", value, received);
    let check = |limit_basis, value: &str, value_basis, others: Vec<Measured>, expected| {
        let row = Row { basis: limit_basis, ..row("r", "As", max("0.5"), Unit::Percent) };
        let mut measured = vec![percent("As", value, value_basis)];
        measured.extend(others);
        let finding = find(row, &inspection(measured));
        assert_eq!(finding.verdict, expected, "{value} {value_basis:?} for {limit_basis:?}: {}", finding.rule);
        finding
    };
    // 0.45 as received with 10 % moisture is exactly 0.5 dry.
    let finding = check(dry, "0.45", received, vec![moisture("10")], PASS);
    assert_eq!(finding.value.as_deref(), Some("0.5 %"));
    assert_eq!(finding.rule, "simple, full; dry from as-received at moisture 10 %: 0.5 %");
    check(dry, "0.4501", received, vec![moisture("10")], FAIL);
    // 0.5 x 92.7/100 = 0.4635 is the last digit that passes; its dry value never ends otherwise.
    check(dry, "0.4635", received, vec![moisture("7.3")], PASS);
    check(dry, "0.4636", received, vec![moisture("7.3")], FAIL);
    let finding = check(dry, "0.4634", received, vec![moisture("7.3")], PASS);
    assert_eq!(finding.value.as_deref(), Some("~0.4999 %"));
    check(received, "0.6", dry, vec![moisture("20")], PASS);
    check(received, "0.625", dry, vec![moisture("20")], PASS);
    check(received, "0.6251", dry, vec![moisture("20")], FAIL);
    check(dry, "0.5", dry, vec![], PASS);
    check(None, "0.5", dry, vec![], PASS);
    let lack = undecided(Reason::Basis);
    check(dry, "0.1", None, vec![moisture("10")], lack);
    check(dry, "0.1", received, vec![], lack);
    check(dry, "0.1", received, vec![moisture("100")], lack);
    check(dry, "0.1", received, vec![moisture("-1")], lack);
    check(dry, "0.1", received, vec![percent("moisture", "10", dry)], lack);
    check(dry, "0.1", received, vec![percent("moisture", "10", None)], lack);
    check(dry, "0.1", received, vec![missing("moisture", Missing::TimedOut)], lack);
    check(dry, "0.1", received, vec![moisture("10"), moisture("11")], undecided(Reason::Quality));
    check(dry, "0.45", received, vec![moisture("10"), moisture("10")], PASS);

    // Rounded once, from the exact ratio: 0.4185 / 0.93 = 0.45, and 0.5115 / 0.93 = 0.55 is even at 0.6.
    let rounded = |value: &str, expected| {
        let row = Row { basis: dry, compare: Compare::Rounded, ..row("r", "As", max("0.5"), Unit::Percent) };
        let measured = vec![percent("As", value, received), moisture("7")];
        assert_eq!(find(row, &inspection(measured)).verdict, expected, "{value}");
    };
    rounded("0.5114", PASS);
    rounded("0.5115", FAIL);
    // The uncertainty goes with the value: 0.09 as received is 0.1 dry.
    let guarded = |value: &str, expected| {
        let row = Row { basis: dry, decision: DecisionRule::Guarded, ..row("r", "As", max("0.5"), Unit::Percent) };
        let measured = vec![uncertain(percent("As", value, received), "0.09"), moisture("10")];
        assert_eq!(find(row, &inspection(measured)).verdict, expected, "{value}");
    };
    guarded("0.36", PASS);
    guarded("0.361", FAIL);
    // The heat of a fuel changes by more than the mass of its water.
    let heat = |basis| {
        let row = Row { basis: dry, ..row("r", "heat", min("20"), Unit::MegajoulePerKilogram) };
        let value = Measured { basis, ..measured("heat", "25", Unit::MegajoulePerKilogram) };
        find(row, &inspection(vec![value, moisture("10")])).verdict
    };
    assert_eq!(heat(dry), PASS);
    assert_eq!(heat(received), lack);
}

#[test]
fn sums_add_what_was_measured() {
    let names = ["BaP", "BeP", "BaA"];
    let limit = || Limit::Sum { of: names.map(str::to_owned).to_vec(), max: d("10") };
    let sum = || row("pah", "PAH-3", limit(), Unit::MilligramPerKilogram);
    let part = |name: &str, value: &str| measured(name, value, Unit::MilligramPerKilogram);
    let check = |parts: Vec<Measured>, expected| {
        let finding = find(sum(), &inspection(parts));
        assert_eq!(finding.verdict, expected, "{}", finding.rule);
        finding
    };
    let finding = check(vec![part("BaP", "1.0"), part("BeP", "4.5"), part("BaA", "4.5")], PASS);
    assert_eq!(finding.value.as_deref(), Some("10.0 mg/kg"));
    assert_eq!((finding.limit.as_str(), finding.parameter.as_str()), ("<= 10 mg/kg", "PAH-3"));
    assert_eq!(finding.rule, "simple, full; sum of BaP 1.0 + BeP 4.5 + BaA 4.5");
    check(vec![part("BaA", "4.6"), part("BaP", "1.0"), part("BeP", "4.5")], FAIL);
    // Other units of the same quantity.
    check(vec![measured("BaP", "0.0002", Unit::Percent), part("BeP", "4.0"), part("BaA", "4.0")], PASS);
    check(vec![measured("BaP", "2.1", Unit::MicrogramPerGram), part("BeP", "4.0"), part("BaA", "4.0")], FAIL);
    // What is lacking can only add.
    let lacking = check(vec![part("BaP", "1.0"), part("BeP", "4.5")], undecided(Reason::NotMeasured));
    assert_eq!(lacking.rule, "simple, full; sum of BaP 1.0 + BeP 4.5 without BaA");
    check(vec![part("BaP", "6.0"), part("BeP", "4.5")], FAIL);
    check(vec![part("BaP", "6"), missing("BeP", Missing::Overrange), part("BaA", "1")], undecided(Reason::NoValue));
    let bad = with_quality(part("BeP", "1"), Quality::Bad(Flaw::OutOfVerification));
    check(vec![part("BaP", "6"), bad, part("BaA", "1")], undecided(Reason::Quality));
    check(vec![part("BaP", "6"), measured("BeP", "1", Unit::PH), part("BaA", "1")], undecided(Reason::Unit));
    check(vec![], undecided(Reason::NotMeasured));
    // Two values of one term that differ leave nothing to choose by.
    let twice = vec![part("BaP", "1"), part("BaP", "2"), part("BeP", "1"), part("BaA", "1")];
    check(twice, undecided(Reason::Quality));
    // A sum that was measured as such is taken.
    check(vec![part("PAH-3", "10"), part("BaP", "99")], PASS);
    check(vec![part("PAH-3", "10.1")], FAIL);
}

/// Uncertainties of the terms add up in squares: 3, 4 and 12 make 13.
#[test]
fn a_sum_has_the_uncertainty_of_its_terms() {
    let check = |last: &str, expected| {
        let limit = Limit::Sum { of: ["a", "b", "c"].map(str::to_owned).to_vec(), max: d("100") };
        let row = Row { decision: DecisionRule::NonBinary, ..row("r", "s", limit, Unit::One) };
        let part = |name, value, u| uncertain(measured(name, value, Unit::One), u);
        let parts = vec![part("a", "30", "3"), part("b", "40", "4"), part("c", last, "12")];
        assert_eq!(find(row, &inspection(parts)).verdict, expected, "{last}");
    };
    check("17", PASS);
    check("18", Verdict::ConditionalPass);
    check("43", Verdict::ConditionalFail);
    check("44", FAIL);
}

/// Σ A/L ≤ 1 with limits of 10 and 100 Bq/g.
#[test]
fn ratios_add_up_to_one() {
    let limit = || Limit::SumOfRatios {
        of: vec![("Cs-137".to_owned(), d("10")), ("K-40".to_owned(), d("100")), ("Co-60".to_owned(), d("3"))],
        unit: Unit::BecquerelPerGram,
        max: d("1"),
    };
    let check = |caesium: &str, potassium: &str, cobalt: &str, value: &str, expected| {
        let activity = |name, value| measured(name, value, Unit::BecquerelPerGram);
        let parts = vec![activity("Cs-137", caesium), activity("K-40", potassium), activity("Co-60", cobalt)];
        let finding = find(row("r", "nuclides", limit(), Unit::One), &inspection(parts));
        assert_eq!((finding.verdict, finding.value.as_deref()), (expected, Some(value)));
    };
    check("5", "50", "0", "1.0", PASS);
    check("5", "50", "0.0001", "~1.0000", FAIL);
    // A third and two thirds are one, not 0.9999…
    check("0", "66.7", "1", "~1.0003", FAIL);
    check("4", "60", "0", "1.0", PASS);
    check("0", "0", "3", "1", PASS);
    check("1", "10", "2.4", "1.0", PASS);
    let kilogram = measured("Cs-137", "10001", Unit::BecquerelPerKilogram);
    let finding = find(row("r", "nuclides", limit(), Unit::One), &inspection(vec![kilogram]));
    assert_eq!(finding.verdict, FAIL, "exceeds whatever the others are");
}

/// Regulation (EC) 1222/2009, C1 rolling resistance: rounded to 0.1 before classing.
#[test]
fn classes_are_found_after_rounding() {
    let class = |name: &str, min: Option<&str>, max: Option<&str>| Class {
        name: name.to_owned(),
        min: min.map(d),
        max: max.map(d),
    };
    let order = || {
        vec![
            class("A", None, Some("6.5")),
            class("B", Some("6.6"), Some("7.7")),
            class("C", Some("7.8"), Some("9.0")),
            class("E", Some("9.1"), Some("10.5")),
        ]
    };
    let check = |wanted: Wanted, facts: &[(&str, &str)], value: &str, expected, found: &str| {
        let limit = Limit::Classes { order: order(), wanted };
        let row = Row {
            compare: Compare::Rounded,
            round_to: Some(d("0.1")),
            ..row("r", "rrc", limit, Unit::KilogramPerTonne)
        };
        let finding = find(row, &declare(inspection(vec![measured("rrc", value, Unit::KilogramPerTonne)]), facts));
        assert_eq!(finding.verdict, expected, "{value} {facts:?} {}", finding.rule);
        assert!(finding.rule.contains(found), "{}", finding.rule);
    };
    let better = || Wanted::OrBetter("energy-class".to_owned());
    let exact = || Wanted::Exactly("energy-class".to_owned());
    let b = [("energy-class", "B")];
    // Between the printed classes: 6.55 is even at 6.6, 6.54 is 6.5.
    check(better(), &b, "6.54", PASS, "class A");
    check(exact(), &b, "6.54", FAIL, "class A");
    check(exact(), &b, "6.55", PASS, "class B");
    check(better(), &b, "7.74", PASS, "class B");
    check(better(), &b, "7.75", FAIL, "class C");
    check(better(), &b, "10.5", FAIL, "class E");
    check(better(), &b, "10.56", undecided(Reason::NotCovered), "does not reach");
    check(better(), &[], "7.0", undecided(Reason::NoDeclaration), "energy-class is not declared");
    check(better(), &[("energy-class", "D")], "7.0", undecided(Reason::NotCovered), "energy-class = D");
    let accepted = || Wanted::Accepted(vec!["A".to_owned(), "B".to_owned()]);
    check(accepted(), &[], "7.7", PASS, "class B");
    check(accepted(), &[], "7.8", FAIL, "class C");
}

/// Transportable moisture: less than nine tenths of the flow moisture point.
#[test]
fn a_share_of_another_quantity() {
    let check = |others: Vec<Measured>, facts: &[(&str, &str)], value: &str, inclusive, expected| {
        let limit = Limit::Share { of: "flow-moisture-point".to_owned(), share: d("0.9"), inclusive };
        let mut all = vec![measured("moisture", value, Unit::Percent)];
        all.extend(others);
        let finding = find(row("r", "moisture", limit, Unit::Percent), &declare(inspection(all), facts));
        assert_eq!(finding.verdict, expected, "{value} {}", finding.rule);
        finding.limit
    };
    let point = || vec![measured("flow-moisture-point", "9.4", Unit::Percent)];
    assert_eq!(check(point(), &[], "8.45", false, PASS), "< 0.9 x 9.4 = 8.46 %");
    check(point(), &[], "8.46", false, FAIL);
    check(point(), &[], "8.46", true, PASS);
    check(point(), &[], "8.47", true, FAIL);
    // Measured comes before declared, and declared before nothing.
    check(point(), &[("flow-moisture-point", "20")], "8.47", true, FAIL);
    check(vec![], &[("flow-moisture-point", "20")], "8.47", true, PASS);
    check(vec![], &[], "8.47", true, undecided(Reason::NotMeasured));
    check(vec![missing("flow-moisture-point", Missing::TimedOut)], &[], "1", true, undecided(Reason::NoValue));
}

/// Which of two tolerances binds: 5 % of 20 t is 1 t, and of 10 t it is 500 kg.
#[test]
fn tolerances_combine_as_the_row_says() {
    let both = |greater| {
        let (percent, absolute) = (d("5"), d("500"));
        if greater { Tolerance::Greater { percent, absolute } } else { Tolerance::Smaller { percent, absolute } }
    };
    let check = |tolerance, declared: &str, value: &str, expected, limit: &str| {
        let row = row("r", "mass", Limit::Deviation { declared: "mass".to_owned(), tolerance }, Unit::Kilogram);
        let finding =
            find(row, &declare(inspection(vec![measured("mass", value, Unit::Kilogram)]), &[("mass", declared)]));
        assert_eq!((finding.verdict, finding.limit.as_str()), (expected, limit), "{value}");
    };
    check(both(true), "8000", "8500", PASS, "|x - 8000| <= max(5 % = 400, 500) = 500 kg");
    check(both(true), "8000", "8501", FAIL, "|x - 8000| <= max(5 % = 400, 500) = 500 kg");
    check(both(true), "20000", "21000", PASS, "|x - 20000| <= max(5 % = 1000, 500) = 1000 kg");
    check(both(true), "20000", "18999", FAIL, "|x - 20000| <= max(5 % = 1000, 500) = 1000 kg");
    check(both(false), "8000", "8401", FAIL, "|x - 8000| <= min(5 % = 400, 500) = 400 kg");
    check(Tolerance::Percent(d("0.2")), "50000", "50100", PASS, "|x - 50000| <= 0.2 % = 100 kg");
    check(Tolerance::Percent(d("0.2")), "50000", "50101", FAIL, "|x - 50000| <= 0.2 % = 100 kg");
    check(Tolerance::Absolute(d("20")), "50000", "49980", PASS, "|x - 50000| <= 20 kg");
    check(Tolerance::Absolute(d("20")), "50000", "49979", FAIL, "|x - 50000| <= 20 kg");
}

/// The sampling date is 2026-05-04.
#[test]
fn a_declared_date_may_be_too_old() {
    let check = |date: &str, expected, value: Option<&str>| {
        let limit = Limit::NotOlder { declared: "certificate-date".to_owned(), days: 7 };
        let inspection = declare(inspection(vec![]), &[("certificate-date", date)]);
        let finding = find(row("r", "certificate-age", limit, Unit::One), &inspection);
        assert_eq!((finding.verdict, finding.value.as_deref()), (expected, value), "{date} {}", finding.rule);
    };
    check("2026-05-04", PASS, Some("0 d"));
    check("2026-04-27", PASS, Some("7 d"));
    check("2026-04-26", FAIL, Some("8 d"));
    check("2025-05-04", FAIL, Some("365 d"));
    check("2026-05-05", undecided(Reason::NoDeclaration), Some("-1 d"));
    check("last week", undecided(Reason::NoDeclaration), None);
    check(" ", undecided(Reason::NoDeclaration), None);
}

/// OIML R 76 class III on verification, e = 0.5 kg: 0.5 e to 500 e, 1 e to 2000 e, 1.5 e to 10000 e.
#[test]
fn scale_errors_by_load() {
    let mpe = |times: &str| Limit::Mpe {
        load: "test-load".to_owned(),
        interval: "scale-interval".to_owned(),
        steps: [("500", "0.5"), ("2000", "1"), ("10000", "1.5")]
            .map(|(up_to, error)| MpeStep { up_to: d(up_to), error: d(error) })
            .to_vec(),
        times: d(times),
    };
    let check = |load: &str, error: &str, times: &str, expected, limit: &str| {
        let row = row("r", "error", mpe(times), Unit::Kilogram);
        let inspection =
            inspection(vec![measured("error", error, Unit::Kilogram), measured("test-load", load, Unit::Kilogram)]);
        let finding = find(row, &declare(inspection, &[("scale-interval", "500 g")]));
        assert_eq!(finding.verdict, expected, "{error} at {load}: {}", finding.rule);
        assert!(finding.limit.ends_with(limit), "{}", finding.limit);
    };
    check("250", "0.25", "1", PASS, "|x| <= 0.5 e = 0.25 kg");
    check("250", "-0.26", "1", FAIL, "|x| <= 0.5 e = 0.25 kg");
    check("250.1", "0.5", "1", PASS, "|x| <= 1 e = 0.5 kg");
    check("1000", "-0.5", "1", PASS, "|x| <= 1 e = 0.5 kg");
    check("1000", "0.51", "1", FAIL, "|x| <= 1 e = 0.5 kg");
    check("5000", "0.75", "1", PASS, "|x| <= 1.5 e = 0.75 kg");
    check("5000", "1.5", "2", PASS, "|x| <= 1.5 e x 2 = 1.5 kg");
    check("5000", "1.51", "2", FAIL, "|x| <= 1.5 e x 2 = 1.5 kg");
    check("5000.5", "0", "1", undecided(Reason::NotCovered), "permissible error at test-load");
    check("-1", "0", "1", undecided(Reason::NotCovered), "permissible error at test-load");
    let alone = inspection(vec![measured("error", "0", Unit::Kilogram)]);
    let verdict = |facts: &[(&str, &str)]| {
        find(row("r", "error", mpe("1"), Unit::Kilogram), &declare(alone.clone(), facts)).verdict
    };
    assert_eq!(verdict(&[("scale-interval", "0.5"), ("test-load", "1 t")]), PASS);
    assert_eq!(verdict(&[("scale-interval", "0.5")]), undecided(Reason::NotMeasured));
    assert_eq!(verdict(&[("test-load", "1 t")]), undecided(Reason::NoDeclaration));
    assert_eq!(verdict(&[("scale-interval", "0"), ("test-load", "1 t")]), undecided(Reason::NotCovered));
}

#[test]
fn a_limit_may_be_lower_by_what_is_declared() {
    let check = |count: &str, value: &str, expected| {
        let limit = Limit::Lowered { limit: d("49000"), declared: "single-tyre-axles".to_owned(), by: d("3000") };
        let lorry = declare(inspection(vec![measured("m", value, Unit::Kilogram)]), &[("single-tyre-axles", count)]);
        let finding = find(row("r", "m", limit, Unit::Kilogram), &lorry);
        assert_eq!(finding.verdict, expected, "{count} {value}");
        finding.limit
    };
    assert_eq!(check("0", "49000", PASS), "<= 49000 - 0 x 3000 = 49000 kg");
    assert_eq!(check("2", "43000", PASS), "<= 49000 - 2 x 3000 = 43000 kg");
    check("2", "43001", FAIL);
    check("2.0", "43001", FAIL);
    check("1.5", "1", undecided(Reason::NoDeclaration));
    check("-1", "1", undecided(Reason::NoDeclaration));
    check("", "1", undecided(Reason::NoDeclaration));
}

/// Boiling point decides only where the flash point is below 23 °C.
#[test]
fn rows_may_depend_on_other_values() {
    let flash = MeasuredCondition {
        parameter: "flash-point".to_owned(),
        relation: Relation::LessThan,
        limit: d("23"),
        unit: Unit::Celsius,
    };
    let boiling = || Row {
        when_measured: vec![flash.clone()],
        ..row("boiling", "boiling-point", Limit::Min { limit: d("35"), inclusive: false }, Unit::Celsius)
    };
    let check = |flash: Option<Measured>, expected, rule: &str| {
        let mut all = vec![measured("boiling-point", "34", Unit::Celsius)];
        all.extend(flash);
        let finding = find(boiling(), &inspection(all));
        assert_eq!((finding.verdict, finding.rule.as_str()), (expected, rule));
    };
    let at = |value| Some(measured("flash-point", value, Unit::Celsius));
    check(at("22.9"), FAIL, "simple, full");
    check(at("23.0"), Verdict::NotApplicable, "simple, full; flash-point is 23.0 Cel, row is for < 23 Cel");
    check(None, undecided(Reason::NotMeasured), "simple, full; flash-point was not measured");
    let doubtful = at("10").map(|it| with_quality(it, Quality::Uncertain(Doubt::Unstable)));
    check(doubtful, undecided(Reason::Quality), "simple, full; not decisive: unstable");
    check(
        Some(measured("flash-point", "10", Unit::Kelvin)),
        undecided(Reason::Unit),
        "simple, full; K is no unit of what Cel measures",
    );
}

#[test]
fn each_finding_is_explained() {
    let limit = Row {
        decision: DecisionRule::NonBinary,
        ..when(row("f-b", "formaldehyde", max("75"), Unit::MilligramPerKilogram), "category", &["B"])
    };
    let table = table("textile", vec![limit]);
    let value = uncertain(measured("formaldehyde", "0.0076", Unit::Percent), "0.0003");
    let inspection = declare(inspection(vec![value]), &[("category", "B")]);
    let (screening, steps) = explain(&inspection, std::slice::from_ref(&table), &judge_all(&table), day(), None);
    assert_eq!(screening, screen(&inspection, std::slice::from_ref(&table), &judge_all(&table), day(), None));
    assert_eq!(screening.verdict, Verdict::ConditionalFail);
    let words = steps[0].iter().map(Step::word).collect::<Vec<_>>();
    assert_eq!(words, ["applies", "method", "value", "converted", "probability", "uncertainty"]);
    assert_eq!(
        steps[0][2].parts(),
        [
            ("value", Part::Quantity("0.0076 %".to_owned())),
            ("instrument", Part::Word { kind: "instrument", word: "instrument-1".to_owned() })
        ]
    );
    // (75 − 76) / 1.5 = −0.667 standard uncertainties.
    assert_eq!(screening.findings[0].probability, Some(d("0.2525")));
    assert_eq!(screening.findings[0].rule, "non-binary, full; mg/kg from % x10000; U = 3 (k = 2)");
}
