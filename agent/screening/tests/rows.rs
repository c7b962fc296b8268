//! One row, one value: every kind of row at its boundary, one digit to either side.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use fixture::*;
use tidewaiter_config::limits::{Compare, DecisionRule, Limit, Row};
use tidewaiter_drivers::{
    Unit,
    reading::{Doubt, Flaw, Missing, Quality},
};
use tidewaiter_screening::{
    Finding, Reason, Verdict,
    inspection::{Inspection, Measured},
    screen,
};

fn find(row: Row, inspection: &Inspection) -> Finding {
    let table = table("t", vec![row]);
    let screening = screen(inspection, std::slice::from_ref(&table), &judge_all(&table), day(), None);
    assert_eq!(screening.findings.len(), 1, "{:?}", screening.findings);
    screening.findings.into_iter().next().unwrap()
}

fn judge(row: Row, measured: Measured) -> Verdict {
    find(row, &inspection(vec![measured])).verdict
}

#[test]
fn upper_limits() {
    let check = |value: &str, inclusive, expected| {
        let limit = Limit::Max { limit: d("75"), inclusive };
        let row = row("formaldehyde-b", "formaldehyde", limit, Unit::MilligramPerKilogram);
        assert_eq!(judge(row, measured("formaldehyde", value, Unit::MilligramPerKilogram)), expected, "{value}");
    };
    check("74", true, Verdict::Pass);
    check("75", true, Verdict::Pass);
    check("75.000", true, Verdict::Pass);
    check("75.001", true, Verdict::Fail);
    check("76", true, Verdict::Fail);
    check("74.9", false, Verdict::Pass);
    check("75", false, Verdict::Fail);
}

#[test]
fn lower_limits() {
    let check = |value: &str, inclusive, expected| {
        let limit = Limit::Min { limit: d("1.6"), inclusive };
        assert_eq!(
            judge(row("twi", "tread", limit, Unit::Millimetre), measured("tread", value, Unit::Millimetre)),
            expected,
            "{value}"
        );
    };
    check("1.6", true, Verdict::Pass);
    check("1.5", true, Verdict::Fail);
    check("1.59999", true, Verdict::Fail);
    check("1.7", true, Verdict::Pass);
    check("1.6", false, Verdict::Fail);
    check("1.60001", false, Verdict::Pass);
}

#[test]
fn ranges_include_both_ends() {
    let check = |value: &str, expected| {
        assert_eq!(
            judge(row("ph-a", "ph", range("4.0", "7.5"), Unit::PH), measured("ph", value, Unit::PH)),
            expected,
            "{value}"
        );
    };
    check("3.9", Verdict::Fail);
    check("3.99", Verdict::Fail);
    check("4.0", Verdict::Pass);
    check("4.1", Verdict::Pass);
    check("7.4", Verdict::Pass);
    check("7.50", Verdict::Pass);
    check("7.51", Verdict::Fail);
    check("7.6", Verdict::Fail);
}

#[test]
fn absence_is_zero_and_nothing_else() {
    let check = |value: &str, expected| {
        assert_eq!(
            judge(row("odour", "odour", Limit::Absent, Unit::One), measured("odour", value, Unit::One)),
            expected,
            "{value}"
        );
    };
    check("0", Verdict::Pass);
    check("0.000", Verdict::Pass);
    check("0.001", Verdict::Fail);
    check("1", Verdict::Fail);
    check("-1", Verdict::Fail);
}

#[test]
fn grades_are_ordinal() {
    let check = |value: &str, expected| {
        let row = row("water-a", "water", Limit::GradeAtLeast { half_steps: 7 }, Unit::FastnessGrade);
        assert_eq!(judge(row, measured("water", value, Unit::FastnessGrade)), expected, "{value}");
    };
    check("3", Verdict::Fail);
    check("3.5", Verdict::Pass);
    check("4", Verdict::Pass);
    check("5.0", Verdict::Pass);
    // Between two steps there is no grade, and above 5 there is none either.
    check("3.6", Verdict::Inconclusive(Reason::Quality));
    check("5.5", Verdict::Inconclusive(Reason::Quality));
}

#[test]
fn above_background_needs_a_background() {
    let limit = || row("dose-rate", "dose-rate", Limit::AboveBackground { margin: d("0.25") }, Unit::MicrograyPerHour);
    let check = |value: &str, background: Option<&str>, expected| {
        let measured =
            Measured { background: background.map(d), ..measured("dose-rate", value, Unit::MicrograyPerHour) };
        assert_eq!(judge(limit(), measured), expected, "{value} over {background:?}");
    };
    check("0.36", Some("0.12"), Verdict::Pass);
    check("0.37", Some("0.12"), Verdict::Pass);
    check("0.3701", Some("0.12"), Verdict::Fail);
    check("0.38", Some("0.12"), Verdict::Fail);
    check("0.37", Some("0.1199"), Verdict::Fail);
    check("0.10", None, Verdict::Inconclusive(Reason::NoBackground));

    // Background converts with the value: 371 nGy/h over 121 nGy/h is exactly 0.250 uGy/h above.
    let nano = |value| Measured { background: Some(d("121")), ..measured("dose-rate", value, Unit::NanograyPerHour) };
    let finding = find(limit(), &inspection(vec![nano("371")]));
    assert_eq!(finding.verdict, Verdict::Pass);
    assert_eq!(finding.value.as_deref(), Some("0.371 uGy/h"));
    assert_eq!(finding.limit, "<= 0.121 + 0.25 uGy/h");
    assert_eq!(finding.rule, "simple, full; uGy/h from nGy/h /1000; net 0.250");
    assert_eq!(judge(limit(), nano("372")), Verdict::Fail);
    // Dose equivalent is another quantity.
    let sievert = Measured { background: Some(d("0.12")), ..measured("dose-rate", "0.2", Unit::MicrosievertPerHour) };
    assert_eq!(judge(limit(), sievert), Verdict::Inconclusive(Reason::Unit));
}

/// Thresholds B + k·√B, to two decimals: the last count within and the first beyond.
#[test]
fn sigma_thresholds() {
    let thresholds = [
        (200_u32, ["256.57", "270.71", "284.85", "298.99", "313.14"]),
        (400, ["480.00", "500.00", "520.00", "540.00", "560.00"]),
        (800, ["913.14", "941.42", "969.71", "997.99", "1026.27"]),
        (934, ["1056.25", "1086.81", "1117.37", "1147.93", "1178.49"]),
        (1000, ["1126.49", "1158.11", "1189.74", "1221.36", "1252.98"]),
    ];
    for (background, row_of) in thresholds {
        for (k, threshold) in (4_i64..).zip(row_of) {
            let within = threshold.split('.').next().unwrap().parse::<u32>().unwrap();
            let limit = Limit::Sigma { k: tidewaiter_drivers::Decimal::whole(k) };
            let verdict = |counts: u32| {
                let measured = Measured {
                    background: Some(d(&background.to_string())),
                    ..measured("gamma-counts", &counts.to_string(), Unit::Count)
                };
                judge(row("gamma", "gamma-counts", limit.clone(), Unit::Sigma), measured)
            };
            assert_eq!(verdict(within), Verdict::Pass, "{within} over {background} at {k}");
            assert_eq!(verdict(within + 1), Verdict::Fail, "{} over {background} at {k}", within + 1);
        }
    }
}

#[test]
fn sigma_takes_whole_counts_only() {
    let find_counts = |counts: &str, background: Option<&str>, unit| {
        let measured = Measured { background: background.map(d), ..measured("gamma-counts", counts, unit) };
        find(row("gamma", "gamma-counts", Limit::Sigma { k: d("7") }, Unit::Count), &inspection(vec![measured]))
    };
    let verdict = |counts, background, unit| find_counts(counts, background, unit).verdict;
    assert_eq!(verdict("1200", None, Unit::Count), Verdict::Inconclusive(Reason::NoBackground));
    assert_eq!(verdict("1200.5", Some("934"), Unit::Count), Verdict::Inconclusive(Reason::Arithmetic));
    assert_eq!(verdict("-1", Some("934"), Unit::Count), Verdict::Inconclusive(Reason::Arithmetic));
    assert_eq!(verdict("1200", Some("-934"), Unit::Count), Verdict::Inconclusive(Reason::Arithmetic));
    assert_eq!(verdict("1200", Some("934"), Unit::PerSecond), Verdict::Inconclusive(Reason::Unit));
    assert_eq!(verdict("1200", Some("934.0000001"), Unit::Count), Verdict::Inconclusive(Reason::Arithmetic));
    // A mean background keeps its fraction: 934.9 + 7 sqrt(934.9) is 1148.93.
    assert_eq!(verdict("1148", Some("934.9"), Unit::Count), Verdict::Pass);
    let finding = find_counts("1149", Some("934.9"), Unit::Count);
    assert_eq!(finding.verdict, Verdict::Fail);
    assert_eq!(finding.value.as_deref(), Some("1149 {count}"));
    assert_eq!(finding.limit, "<= 934.9 + 7 sqrt(934.9) {count}");
    assert_eq!(finding.rule, "counting");
}

/// Poisson P(X >= n) for a mean of 4 is 8.1e-3 at 10, 2.8e-3 at 11, 9.2e-4 at 12 and 2.7e-4 at 13; beyond
/// 3 sigma a Gaussian value lies with probability 1.35e-3. The normal approximation would alarm at 11.
#[test]
fn low_counts_are_judged_by_their_own_distribution() {
    let find_counts = |counts: &str, background: &str| {
        let measured = Measured { background: Some(d(background)), ..measured("neutron-counts", counts, Unit::Count) };
        find(row("neutron", "neutron-counts", Limit::Sigma { k: d("3") }, Unit::Sigma), &inspection(vec![measured]))
    };
    assert_eq!(find_counts("11", "4").verdict, Verdict::Pass);
    let beyond = find_counts("12", "4");
    assert_eq!(beyond.verdict, Verdict::Fail);
    assert_eq!(beyond.rule, "counting; Poisson at the one-sided probability of 3 sigma");
    assert_eq!(find_counts("0", "0").verdict, Verdict::Pass);
    assert_eq!(find_counts("1", "0").verdict, Verdict::Fail);
}

/// SOLAS verified gross mass as China applies it: the smaller of 5 % and 1 t, crossing at 20 t.
#[test]
fn deviation_from_what_is_declared() {
    let vgm = || {
        let limit = smaller("mass", "5", "1000");
        row("vgm", "gross-mass", limit, Unit::Kilogram)
    };
    let check = |declared: &str, value: &str, unit, expected| {
        let inspection = declare(inspection(vec![measured("gross-mass", value, unit)]), &[("mass", declared)]);
        assert_eq!(find(vgm(), &inspection).verdict, expected, "{value} {unit}, declared {declared}");
    };
    let kilogram = Unit::Kilogram;
    check("19980", "20979", kilogram, Verdict::Pass);
    check("19980", "20980", kilogram, Verdict::Fail);
    check("20000", "21000", kilogram, Verdict::Pass);
    check("20000", "21001", kilogram, Verdict::Fail);
    check("20000", "19000", kilogram, Verdict::Pass);
    check("20000", "18999", kilogram, Verdict::Fail);
    check("30000", "31000", kilogram, Verdict::Pass);
    check("30000", "31020", kilogram, Verdict::Fail);
    check("10000", "10500", kilogram, Verdict::Pass);
    check("10000", "10501", kilogram, Verdict::Fail);
    check("20 t", "21.000", Unit::Tonne, Verdict::Pass);
    check("20.00 t", "21.02", Unit::Tonne, Verdict::Fail);
    check("about 20 t", "20000", kilogram, Verdict::Inconclusive(Reason::NoDeclaration));
    check("20 h", "20000", kilogram, Verdict::Inconclusive(Reason::Unit));
    check("  ", "20000", kilogram, Verdict::Inconclusive(Reason::NoDeclaration));
    let undeclared = inspection(vec![measured("gross-mass", "20000", kilogram)]);
    assert_eq!(find(vgm(), &undeclared).verdict, Verdict::Inconclusive(Reason::NoDeclaration));

    let finding =
        find(vgm(), &declare(inspection(vec![measured("gross-mass", "18.97", Unit::Tonne)]), &[("mass", "19900")]));
    assert_eq!(finding.value.as_deref(), Some("18970 kg"));
    assert_eq!(finding.limit, "|x - 19900| <= min(5 % = 995, 1000) = 995 kg");
    assert_eq!(finding.rule, "simple, full; kg from t x1000; deviation -930");
}

/// GB/T 8170-2008, 4.3: full comparison fails on any excess, rounded comparison rounds once first.
#[test]
fn full_and_rounded_comparison() {
    let check = |limit: Limit, value: &str, full, rounded| {
        for (compare, expected) in [(Compare::Full, full), (Compare::Rounded, rounded)] {
            let row = Row { compare, ..row("r", "p", limit.clone(), Unit::Percent) };
            assert_eq!(judge(row, measured("p", value, Unit::Percent)), expected, "{value} {compare:?} {limit:?}");
        }
    };
    let (pass, fail) = (Verdict::Pass, Verdict::Fail);
    check(min("97.0"), "96.96", fail, pass);
    check(min("97.0"), "96.94", fail, fail);
    check(max("0.5"), "0.549", fail, pass);
    check(max("0.5"), "0.551", fail, fail);
    check(range("1.2", "1.6"), "1.151", fail, pass);
    check(range("1.2", "1.6"), "1.651", fail, fail);
    check(range("9.9", "10.1"), "9.89", fail, pass);
    check(range("9.9", "10.1"), "9.85", fail, fail);
    check(max("20"), "20.4", fail, pass);
    check(max("20"), "20.5", fail, pass);
    check(max("20"), "20.6", fail, fail);
    // An end that is itself outside can make rounding the stricter method.
    check(Limit::Max { limit: d("10.1"), inclusive: false }, "10.06", pass, fail);
    // The ends of a range may be written with different decimals; each rounds the value to its own.
    check(range("1", "1.60"), "0.6", fail, pass);
    check(range("1", "1.60"), "1.604", fail, pass);
    check(range("1", "1.60"), "1.606", fail, fail);
}

#[test]
fn a_finding_says_what_was_rounded() {
    let row = Row { compare: Compare::Rounded, ..row("r", "p", min("97.0"), Unit::Percent) };
    let finding = find(row, &inspection(vec![measured("p", "96.96", Unit::Percent)]));
    assert_eq!(finding.value.as_deref(), Some("96.96 %"));
    assert_eq!(finding.limit, ">= 97.0 %");
    assert_eq!(finding.rule, "simple, rounded; 96.96 rounded to 97.0");
}

/// ILAC-G8:09/2019, upper limit 75 with U = 8.
#[test]
fn decision_rules_at_their_boundaries() {
    let check = |value: &str, guarded, non_binary| {
        for (decision, expected) in [(DecisionRule::Guarded, guarded), (DecisionRule::NonBinary, non_binary)] {
            let row = Row { decision, ..row("r", "p", max("75"), Unit::MilligramPerKilogram) };
            let measured = Measured { uncertainty: Some(d("8")), ..measured("p", value, Unit::MilligramPerKilogram) };
            assert_eq!(judge(row, measured), expected, "{value} {decision:?}");
        }
    };
    let (pass, fail) = (Verdict::Pass, Verdict::Fail);
    check("67", pass, pass);
    check("67.1", fail, Verdict::ConditionalPass);
    check("70", fail, Verdict::ConditionalPass);
    check("75", fail, Verdict::ConditionalPass);
    check("75.1", fail, Verdict::ConditionalFail);
    check("78", fail, Verdict::ConditionalFail);
    check("83", fail, Verdict::ConditionalFail);
    check("83.1", fail, fail);
    check("84", fail, fail);
}

#[test]
fn a_guard_band_needs_an_uncertainty_and_room() {
    let check = |limit: Limit, value: &str, uncertainty: Option<&str>, decision, expected| {
        let row = Row { decision, ..row("r", "p", limit, Unit::Percent) };
        let measured = Measured { uncertainty: uncertainty.map(d), ..measured("p", value, Unit::Percent) };
        assert_eq!(judge(row, measured), expected, "{value} U {uncertainty:?} {decision:?}");
    };
    let undecided = Verdict::Inconclusive(Reason::Uncertainty);
    check(max("75"), "10", None, DecisionRule::Guarded, undecided);
    check(max("75"), "10", None, DecisionRule::NonBinary, undecided);
    // Whatever the guard band were, this is beyond the limit.
    check(max("75"), "76", None, DecisionRule::Guarded, Verdict::Fail);
    check(max("75"), "76", None, DecisionRule::NonBinary, undecided);
    check(max("75"), "10", Some("-1"), DecisionRule::Guarded, undecided);
    check(min("1.6"), "1.8", Some("0.2"), DecisionRule::Guarded, Verdict::Pass);
    check(min("1.6"), "1.79", Some("0.2"), DecisionRule::Guarded, Verdict::Fail);
    check(min("1.6"), "1.4", Some("0.2"), DecisionRule::NonBinary, Verdict::ConditionalFail);
    check(min("1.6"), "1.39", Some("0.2"), DecisionRule::NonBinary, Verdict::Fail);
    check(range("4.0", "7.5"), "5.0", Some("0.2"), DecisionRule::NonBinary, Verdict::Pass);
    check(range("4.0", "7.5"), "4.1", Some("0.2"), DecisionRule::NonBinary, Verdict::ConditionalPass);
    check(range("4.0", "7.5"), "7.6", Some("0.2"), DecisionRule::NonBinary, Verdict::ConditionalFail);
    // 2 U covers the whole range: inside nothing can be said, far outside it can.
    check(range("4.0", "7.5"), "5.0", Some("1.75"), DecisionRule::NonBinary, undecided);
    check(range("4.0", "7.5"), "9.3", Some("1.75"), DecisionRule::NonBinary, Verdict::Fail);
    check(range("4.0", "7.5"), "5.0", Some("1.75"), DecisionRule::Guarded, undecided);
    check(range("4.0", "7.5"), "7.6", Some("1.75"), DecisionRule::Guarded, Verdict::Fail);
}

#[test]
fn uncertainty_is_ignored_where_the_rule_is_simple() {
    let measured = Measured { uncertainty: Some(d("8")), ..measured("p", "75", Unit::Percent) };
    let finding = find(row("r", "p", max("75"), Unit::Percent), &inspection(vec![measured]));
    assert_eq!((finding.verdict, finding.rule.as_str()), (Verdict::Pass, "simple, full"));
}

#[test]
fn no_value_never_passes() {
    for reason in
        [Missing::TimedOut, Missing::Exception(2), Missing::NotPresent, Missing::Underrange, Missing::LineDown]
    {
        for limit in [max("75"), Limit::Absent, min("0")] {
            let finding = find(row("r", "p", limit, Unit::One), &inspection(vec![missing("p", reason)]));
            assert_eq!(finding.verdict, Verdict::Inconclusive(Reason::NoValue));
            assert_eq!(finding.value, None);
            assert!(finding.rule.ends_with(&format!("no value: {reason}")), "{}", finding.rule);
        }
    }
    let finding = find(row("r", "p", max("75"), Unit::One), &inspection(Vec::new()));
    assert_eq!(finding.verdict, Verdict::Inconclusive(Reason::NotMeasured));
    assert_eq!(finding.rule, "simple, full; p was not measured");
}

#[test]
fn doubtful_values_do_not_decide() {
    let check = |quality, expected| {
        let measured = with_quality(measured("p", "10", Unit::Percent), quality);
        let finding = find(row("r", "p", max("75"), Unit::Percent), &inspection(vec![measured]));
        assert_eq!(finding.verdict, expected, "{quality:?}");
        assert_eq!(finding.value.as_deref(), Some("10 %"), "shown all the same");
    };
    check(Quality::Good, Verdict::Pass);
    check(Quality::Uncertain(Doubt::VerificationDue), Verdict::Pass);
    let undecided = Verdict::Inconclusive(Reason::Quality);
    check(Quality::Uncertain(Doubt::Unstable), undecided);
    check(Quality::Uncertain(Doubt::Stale), undecided);
    check(Quality::Bad(Flaw::OutOfVerification), undecided);
    check(Quality::Bad(Flaw::IdentityMismatch), undecided);
    check(Quality::Bad(Flaw::FunctionCheckOverdue), undecided);
    check(Quality::Bad(Flaw::Implausible), undecided);
}

#[test]
fn numbers_that_do_not_fit_are_not_decided() {
    let tonnes = measured("gross-mass", "9223372036854775807", Unit::Tonne);
    let finding = find(row("r", "gross-mass", max("49000"), Unit::Kilogram), &inspection(vec![tonnes]));
    assert_eq!(finding.verdict, Verdict::Inconclusive(Reason::Arithmetic));
    assert_eq!(finding.value.as_deref(), Some("9223372036854775807 t"));
    let rounded = Row { compare: Compare::Rounded, ..row("r", "p", max("0.5"), Unit::One) };
    assert_eq!(
        judge(rounded, measured("p", "9223372036854775807", Unit::One)),
        Verdict::Inconclusive(Reason::Arithmetic)
    );
    let edge = measured("p", "-9223372036854775808", Unit::One);
    assert_eq!(judge(row("r", "p", min("0"), Unit::One), edge), Verdict::Inconclusive(Reason::Arithmetic));
}

/// 公路 overload limits bind the mass in kilograms; a scale in tonnes gives the same verdict.
#[test]
fn units_convert_exactly_at_the_boundary() {
    let check = |value: &str, unit, expected| {
        assert_eq!(
            judge(row("axles-6", "gross-mass", max("49000"), Unit::Kilogram), measured("gross-mass", value, unit)),
            expected,
            "{value} {unit}"
        );
    };
    check("49000", Unit::Kilogram, Verdict::Pass);
    check("49020", Unit::Kilogram, Verdict::Fail);
    check("49.00", Unit::Tonne, Verdict::Pass);
    check("49.02", Unit::Tonne, Verdict::Fail);
    check("49000001", Unit::Gram, Verdict::Fail);
    check("1", Unit::Newton, Verdict::Inconclusive(Reason::Unit));
}
