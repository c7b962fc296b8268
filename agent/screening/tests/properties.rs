//! What holds for any inspection: generated ones, against rows of every kind.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use fixture::*;
use proptest::prelude::*;
use tidewaiter_config::limits::{Compare, DecisionRule, Limit, LimitTable, Row};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Doubt, Flaw, Indication, Missing, Moment, Quality},
};
use tidewaiter_screening::{
    Disposition, Finding, Inspection, Screening, Verdict,
    inspection::{Alarm, Completion, Evidence, IncompleteReason, Measured, ScanFault},
    rounding::{Interval, round},
    screen,
};

const UNITS: [Unit; 9] = [
    Unit::Kilogram,
    Unit::Tonne,
    Unit::MicrograyPerHour,
    Unit::NanograyPerHour,
    Unit::Count,
    Unit::PH,
    Unit::FastnessGrade,
    Unit::Percent,
    Unit::One,
];
const PARAMETERS: [&str; 6] = ["mass", "dose", "counts", "ph", "grade", "odour"];

/// A row of every kind, comparison and decision rule, some with conditions.
fn every_kind() -> LimitTable {
    let with = |compare, decision, alarms, row: Row| Row { compare, decision, alarms, ..row };
    let (full, rounded) = (Compare::Full, Compare::Rounded);
    let (simple, guarded, non_binary) = (DecisionRule::Simple, DecisionRule::Guarded, DecisionRule::NonBinary);
    let deviation = smaller("mass", "5", "1000");
    let above = Limit::AboveBackground { margin: d("0.25") };
    table(
        "every",
        vec![
            with(full, simple, false, when(row("mass-2", "mass", max("18000"), Unit::Kilogram), "axles", &["2"])),
            with(full, guarded, false, when(row("mass-3", "mass", max("25000"), Unit::Kilogram), "axles", &["3", "4"])),
            with(
                full,
                simple,
                false,
                row("mass-least", "mass", Limit::Min { limit: d("0.1"), inclusive: false }, Unit::Tonne),
            ),
            with(full, simple, false, row("vgm", "mass", deviation, Unit::Kilogram)),
            with(rounded, simple, true, row("dose", "dose", above.clone(), Unit::MicrograyPerHour)),
            with(full, non_binary, true, row("dose-2", "dose", above, Unit::NanograyPerHour)),
            with(full, simple, true, row("counts", "counts", Limit::Sigma { k: d("7") }, Unit::Sigma)),
            with(full, non_binary, false, row("ph", "ph", range("4.0", "7.5"), Unit::PH)),
            with(rounded, guarded, false, row("ph-2", "ph", range("4.0", "8.5"), Unit::PH)),
            with(
                full,
                simple,
                false,
                row("grade", "grade", Limit::GradeAtLeast { half_steps: 7 }, Unit::FastnessGrade),
            ),
            with(full, simple, false, row("odour", "odour", Limit::Absent, Unit::One)),
        ],
    )
}

fn decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        4 => (-20_i64..40_000, 0_u8..4),
        1 => (any::<i64>(), 0_u8..=18),
    ]
    .prop_map(|(digits, places)| Decimal::new(digits, places).unwrap())
}

fn quality() -> impl Strategy<Value = Quality> {
    prop_oneof![
        6 => Just(Quality::Good),
        1 => Just(Quality::Uncertain(Doubt::VerificationDue)),
        1 => Just(Quality::Uncertain(Doubt::Unstable)),
        1 => Just(Quality::Bad(Flaw::OutOfVerification)),
        1 => Just(Quality::Bad(Flaw::Implausible)),
    ]
}

prop_compose! {
    fn any_measured()(
        parameter in 0..PARAMETERS.len(),
        unit in 0..UNITS.len(),
        value in decimal(),
        quality in quality(),
        absent in proptest::option::weighted(0.15, prop_oneof![Just(Missing::TimedOut), Just(Missing::Exception(2)), Just(Missing::Overrange)]),
        background in proptest::option::of(decimal()),
        uncertainty in proptest::option::of(decimal()),
        instrument in 0..3,
    ) -> Measured {
        Measured {
            parameter: PARAMETERS[parameter].to_owned(),
            instrument: format!("instrument-{instrument}"),
            outcome: absent.map_or(Ok(Indication { value, unit: UNITS[unit], quality }), Err),
            background,
            uncertainty,
            background_uncertainty: None,
            basis: None,
            derivation: "last".to_owned(),
            stage: None,
        }
    }
}

prop_compose! {
    fn any_inspection()(
        measured in proptest::collection::vec(any_measured(), 0..10),
        axles in proptest::option::of(prop_oneof![Just("2"), Just("3"), Just("4.0"), Just("9"), Just("")]),
        mass in proptest::option::of(prop_oneof![Just("20000"), Just("20.5 t"), Just("heavy"), Just("9223372036854775807")]),
        alarms in proptest::collection::vec(("gamma|neutron|door", any::<bool>(), any::<bool>()), 0..3),
        faulty in any::<bool>(),
        complete in any::<bool>(),
    ) -> Inspection {
        let facts = [("axles", axles), ("mass", mass)].into_iter().filter_map(|(name, value)| Some((name, value?))).collect::<Vec<_>>();
        let alarms = alarms
            .into_iter()
            .map(|(kind, by_device, recomputed)| Alarm { instrument: "portal".to_owned(), kind, by_device, recomputed })
            .collect();
        Inspection {
            alarms,
            faults: if faulty { vec![ScanFault { instrument: "portal".to_owned(), kind: "tamper".to_owned() }] } else { Vec::new() },
            completion: if complete { Completion::Complete } else { Completion::Incomplete(IncompleteReason::TimedOut) },
            ..declare(inspection(measured), &facts)
        }
    }
}

fn run(inspection: &Inspection) -> Screening {
    let table = every_kind();
    screen(inspection, std::slice::from_ref(&table), &judge_all(&table), day(), None)
}

fn within(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::NotApplicable)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_order_of_what_was_measured_plays_no_part(
        (inspection, shuffled) in any_inspection().prop_flat_map(|it| {
            let measured = it.measured.clone();
            (Just(it), Just(measured).prop_shuffle())
        })
    ) {
        let screening = run(&inspection);
        prop_assert_eq!(&screening, &run(&inspection), "twice the same");
        let inspection = Inspection { measured: shuffled, ..inspection };
        prop_assert_eq!(screening, run(&inspection));
    }

    /// The collector rebuilds an inspection without the readings' raw bytes and with its own bookkeeping.
    #[test]
    fn what_is_not_judged_plays_no_part(inspection in any_inspection(), mono_ms in any::<u64>(), wall_ms in any::<i64>(), drill in any::<bool>()) {
        let at = Moment { mono_ms, wall_ms };
        let evidence = Evidence {
            instrument: "x".to_owned(),
            channel: "y".to_owned(),
            at,
            outcome: Err(Missing::LineDown),
            raw: vec![1, 2, 3],
        };
        let other = Inspection {
            id: "another".to_owned(),
            place: "elsewhere".to_owned(),
            opened: at,
            closed: at,
            drill,
            simulated: !inspection.simulated,
            readings: vec![evidence],
            ..inspection.clone()
        };
        prop_assert_eq!(run(&inspection), run(&other));
    }

    #[test]
    fn nothing_passes_without_a_value(inspection in any_inspection()) {
        let screening = run(&inspection);
        for finding in &screening.findings {
            if matches!(finding.verdict, Verdict::Pass | Verdict::ConditionalPass) {
                prop_assert!(finding.value.is_some(), "{:?}", finding);
                let decisive = |it: Indication| {
                    matches!(it.quality, Quality::Good | Quality::Uncertain(Doubt::VerificationDue))
                };
                let measured = inspection
                    .measured
                    .iter()
                    .any(|it| it.parameter == finding.parameter && it.outcome.is_ok_and(decisive));
                prop_assert!(measured, "{:?}", finding);
            }
        }
        // Every row required has its finding.
        for row in &every_kind().rows {
            prop_assert!(screening.findings.iter().any(|it| it.row == row.id), "{}", row.id);
        }
    }

    #[test]
    fn clear_means_that_nothing_stands_against_it(inspection in any_inspection()) {
        let screening = run(&inspection);
        let asserted = inspection.alarms.iter().any(|it| it.by_device || it.recomputed);
        let clear = screening.findings.iter().all(|it| within(it.verdict))
            && inspection.completion == Completion::Complete
            && inspection.faults.is_empty()
            && !asserted;
        prop_assert_eq!(screening.disposition == Disposition::Clear, clear);
        prop_assert_eq!(screening.disposition == Disposition::Clear, within(screening.verdict) && inspection.faults.is_empty());
        if asserted {
            prop_assert_eq!((screening.verdict, screening.disposition), (Verdict::Fail, Disposition::Alarm));
        }
    }

    /// More trouble never makes a passage milder.
    #[test]
    fn dispositions_only_get_stricter(inspection in any_inspection()) {
        let before = run(&inspection).disposition;
        let mut alarmed = inspection.clone();
        alarmed.alarms.push(Alarm { instrument: "p".to_owned(), kind: "neutron".to_owned(), by_device: true, recomputed: true });
        prop_assert!(run(&alarmed).disposition >= before);
        let mut void = inspection.clone();
        void.faults.push(ScanFault { instrument: "p".to_owned(), kind: "over-speed".to_owned() });
        prop_assert!(run(&void).disposition >= before);
        let mut broken_off = inspection.clone();
        broken_off.completion = Completion::Incomplete(IncompleteReason::Interrupted);
        prop_assert!(run(&broken_off).disposition >= before);
    }

    /// A mass in grams, kilograms or tonnes has one verdict.
    #[test]
    fn the_unit_of_the_display_plays_no_part(kilograms in 0_i64..60_000) {
        let verdict = |value: Decimal, unit| {
            let mut measured = measured("mass", "0", unit);
            measured.outcome = Ok(Indication { value, unit, quality: Quality::Good });
            let found = run(&declare(inspection(vec![measured]), &[("axles", "2"), ("mass", "17000")]));
            found.findings.iter().filter(|it| it.parameter == "mass").map(|it| it.verdict).collect::<Vec<_>>()
        };
        let in_kilograms = verdict(Decimal::whole(kilograms), Unit::Kilogram);
        prop_assert_eq!(&in_kilograms, &verdict(Decimal::new(kilograms, 3).unwrap(), Unit::Tonne));
        prop_assert_eq!(&in_kilograms, &verdict(Decimal::whole(kilograms * 1000), Unit::Gram));
    }

    /// The texts of a finding are enough to come to its verdict again, by other arithmetic than ours.
    #[test]
    fn a_finding_is_recomputed_from_its_texts(inspection in any_inspection()) {
        for finding in run(&inspection).findings {
            if let Some(again) = recompute(&finding) {
                prop_assert_eq!(again, finding.verdict, "{:?}", finding);
            }
        }
    }
}

/// Judges by nothing but the three texts; `None` where no limit was compared.
fn recompute(finding: &Finding) -> Option<Verdict> {
    let parts = finding.rule.split("; ").collect::<Vec<_>>();
    let decided = !matches!(finding.verdict, Verdict::Inconclusive(_) | Verdict::NotApplicable);
    if !decided || parts[0] == "counting" {
        return None;
    }
    let number = |text: &str| text.split(' ').next().unwrap().parse::<Decimal>().unwrap();
    let rounded = parts.iter().find_map(|part| Some(number(part.split_once(" rounded to ")?.1)));
    let named = |name: &str| parts.iter().find_map(|part| Some(number(part.strip_prefix(name)?)));
    let shown = finding.value.as_deref()?;
    if finding.limit == "absent" {
        return Some(if number(shown).digits() == 0 { Verdict::Pass } else { Verdict::Fail });
    }
    if parts[0] == "ordinal" {
        let steps = |text: &str| {
            let grade = text.split(' ').next().unwrap();
            grade.split('-').map(|it| it.parse::<u8>().unwrap()).sum::<u8>() * if grade.contains('-') { 1 } else { 2 }
        };
        let reached = steps(shown) >= steps(finding.limit.strip_prefix(">= ")?);
        return Some(if reached { Verdict::Pass } else { Verdict::Fail });
    }
    let compared = rounded.or(named("net ")).or(named("deviation ").map(Decimal::abs)).unwrap_or_else(|| number(shown));
    let ends: Vec<(Decimal, bool, bool)> = if let Some((low, high)) = finding.limit.split_once("..") {
        vec![(number(low), true, true), (number(high), false, true)]
    } else if let Some((_, tolerance)) = finding.limit.rsplit_once(" = ") {
        vec![(number(tolerance), false, true)]
    } else if let Some((_, margin)) = finding.limit.split_once(" + ") {
        vec![(number(margin), false, true)]
    } else if let Some(limit) = finding.limit.strip_prefix("<= ") {
        vec![(number(limit), false, true)]
    } else {
        vec![(number(finding.limit.strip_prefix("> ")?), true, false)]
    };
    // How far inside, in units of 10^-24, over all ends: an i128 holds what a Decimal can and more.
    let fine = |it: Decimal| i128::from(it.digits()).checked_mul(10_i128.checked_pow(18 - u32::from(it.places()))?);
    // Without an uncertainty only the guarded rule decides, and then only what is beyond the limit itself.
    let guard = named("U = ").map_or(Some(0), fine)?;
    let mut verdict = Verdict::Pass;
    for (limit, lower, inclusive) in ends {
        let inside = if lower { fine(compared)? - fine(limit)? } else { fine(limit)? - fine(compared)? };
        let holds = |margin: i128| margin > 0 || (inclusive && margin == 0);
        let this = if holds(inside - guard) {
            Verdict::Pass
        } else if !parts[0].starts_with("non-binary") {
            Verdict::Fail
        } else if holds(inside) {
            Verdict::ConditionalPass
        } else if holds(inside + guard) {
            Verdict::ConditionalFail
        } else {
            Verdict::Fail
        };
        verdict = verdict.stricter(this);
    }
    Some(verdict)
}

/// The hundred of "14 x 100" is no decimal of a row; the arithmetic holds all the same.
#[test]
fn limits_in_hundreds() {
    use tidewaiter_screening::decision::{Bound, lower};
    let check = |value: &str, full, rounded: &str, verdict| {
        let bound = Bound { limit: d("1400"), inclusive: true };
        assert_eq!(lower(d(value), bound, DecisionRule::Simple, None), full, "{value}");
        let once = round(d(value), Interval::unit(2)).unwrap();
        assert_eq!(once.to_string(), rounded);
        assert_eq!(lower(once, bound, DecisionRule::Simple, None), verdict, "{value}");
    };
    check("1351", Verdict::Fail, "1400", Verdict::Pass);
    check("1349", Verdict::Fail, "1300", Verdict::Fail);
}
