//! What holds for any value, limit and uncertainty, whatever the row's rule.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use fixture::*;
use proptest::prelude::*;
use tidewaiter_config::limits::{
    Basis, Class, Compare, DecisionRule, Limit, LimitTable, MeasuredCondition, Relation, Row, Tolerance, Wanted,
};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Quality},
};
use tidewaiter_screening::{Verdict, conversion::Conversion, inspection::Measured, screen};

/// Units of a mass fraction, each a power of ten from the others.
const FRACTIONS: [Unit; 5] =
    [Unit::MilligramPerKilogram, Unit::MicrogramPerGram, Unit::GramPerKilogram, Unit::Percent, Unit::One];
const BASES: [Option<Basis>; 3] = [None, Some(Basis::Dry), Some(Basis::AsReceived)];

fn of(parameter: &str, value: Decimal, unit: Unit) -> Measured {
    Measured::new(parameter, "instrument-1", Ok(Indication { value, unit, quality: Quality::Good }), "last")
}

fn verdict(row: &Row, measured: Vec<Measured>) -> Verdict {
    let table = table("t", vec![row.clone()]);
    let judge = judge_all(&table);
    screen(&inspection(measured), std::slice::from_ref(&table), &judge, day(), None).findings[0].verdict
}

fn rank(verdict: Verdict) -> usize {
    [Verdict::Pass, Verdict::ConditionalPass, Verdict::ConditionalFail, Verdict::Fail]
        .iter()
        .position(|&it| it == verdict)
        .unwrap_or_else(|| panic!("{verdict:?}"))
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (-9_999_i64..99_999, 0_u8..5).prop_map(|(digits, places)| Decimal::new(digits, places).unwrap())
}

fn positive() -> impl Strategy<Value = Decimal> {
    (1_i64..9_999, 0_u8..4).prop_map(|(digits, places)| Decimal::new(digits, places).unwrap())
}

prop_compose! {
    /// A one-sided row whose limit itself is allowed; `true` for an upper one.
    fn one_sided()(
        limit in decimal(),
        upper in any::<bool>(),
        rounded in any::<bool>(),
        decision in prop_oneof![Just(DecisionRule::Simple), Just(DecisionRule::Guarded), Just(DecisionRule::NonBinary)],
        z in proptest::option::of(prop_oneof![Just("1.6449"), Just("1.96"), Just("2.3263")]),
    ) -> (Row, bool) {
        let kind = if upper { Limit::Max { limit, inclusive: true } } else { Limit::Min { limit, inclusive: true } };
        let compare = if rounded { Compare::Rounded } else { Compare::Full };
        let row = row("r", "p", kind, Unit::Percent);
        (Row { compare, decision, guard_z: z.map(d), ..row }, upper)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Further from the allowed side never gives a milder verdict.
    #[test]
    fn the_verdict_is_monotone_in_the_value((row, upper) in one_sided(), a in decimal(), b in decimal(), uncertainty in positive()) {
        let (better, worse) = if a.cmp_value(b).is_lt() == upper { (a, b) } else { (b, a) };
        let judged = |value| {
            let measured = Measured { uncertainty: Some(uncertainty), ..of("p", value, Unit::Percent) };
            rank(verdict(&row, vec![measured]))
        };
        prop_assert!(judged(better) <= judged(worse), "{:?}: {} and {}", row.limit, better, worse);
    }

    /// By the simple rule, what passes with all its digits passes rounded too: the limit is a multiple of the
    /// interval and rounding keeps order, so no value crosses it inwards. (With an end that is itself outside, or a
    /// guard band, whose edge is no such multiple, rounding may be the stricter method.)
    #[test]
    fn full_comparison_is_never_more_lenient((row, _) in one_sided(), value in decimal(), high in positive()) {
        let limits = match row.limit {
            Limit::Max { limit, .. } | Limit::Min { limit, .. } => {
                vec![row.limit.clone(), range(&limit.to_string(), &limit.checked_add(high).unwrap().to_string())]
            }
            _ => unreachable!("one-sided rows only"),
        };
        for limit in limits {
            let judged = |compare| {
                let row = Row { compare, decision: DecisionRule::Simple, limit: limit.clone(), ..row.clone() };
                rank(verdict(&row, vec![of("p", value, Unit::Percent)]))
            };
            prop_assert!(judged(Compare::Full) >= judged(Compare::Rounded), "{} against {:?}", value, limit);
        }
    }

    /// Value, uncertainty and moisture in any other unit of the same quantity: the same verdict.
    #[test]
    fn an_exact_unit_conversion_changes_nothing(
        (row, _) in one_sided(),
        value in decimal(),
        uncertainty in proptest::option::of(positive()),
        moisture in 0_i64..100,
        from in 0..FRACTIONS.len(),
        to in 0..FRACTIONS.len(),
        own in 0..FRACTIONS.len(),
        bases in (0..BASES.len(), 0..BASES.len()),
    ) {
        let row = Row { unit: FRACTIONS[own], basis: BASES[bases.0], ..row };
        let judged = |unit: Unit| {
            let convert = |it| Conversion::between(FRACTIONS[from], unit).unwrap().apply(it).unwrap();
            let value = Measured {
                uncertainty: uncertainty.map(convert),
                basis: BASES[bases.1],
                ..of("p", convert(value), unit)
            };
            let moisture = Conversion::between(Unit::Percent, unit).unwrap().apply(Decimal::whole(moisture)).unwrap();
            let moisture = Measured { basis: Some(Basis::AsReceived), ..of("moisture", moisture, unit) };
            verdict(&row, vec![value, moisture])
        };
        prop_assert_eq!(judged(FRACTIONS[from]), judged(FRACTIONS[to]));
    }

    /// Replicates, terms of a sum and quantities of a condition come in any order.
    #[test]
    fn the_order_of_readings_plays_no_part(
        (measured, shuffled) in proptest::collection::vec(any_measured(), 0..12)
            .prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle()))
    ) {
        let table = composite();
        let facts = [("category", "B"), ("mass", "20"), ("energy-class", "B"), ("scale-interval", "0.5")];
        let run = |measured| {
            let inspection = declare(inspection(measured), &facts);
            screen(&inspection, std::slice::from_ref(&table), &judge_all(&table), day(), None)
        };
        prop_assert_eq!(run(measured), run(shuffled));
    }

    /// Dividing the mass in two and adding up again is the mass: sums are exact.
    #[test]
    fn a_sum_is_what_it_is_made_of(a in positive(), b in positive(), limit in positive()) {
        let sum = Limit::Sum { of: vec!["a".to_owned(), "b".to_owned()], max: limit };
        let parts = vec![of("a", a, Unit::Percent), of("b", b, Unit::Percent)];
        let whole = a.checked_add(b).unwrap();
        prop_assert_eq!(
            verdict(&row("r", "s", sum, Unit::Percent), parts),
            verdict(&row("r", "s", Limit::Max { limit, inclusive: true }, Unit::Percent), vec![of("s", whole, Unit::Percent)])
        );
    }
}

const PARAMETERS: [&str; 4] = ["a", "b", "moisture", "s"];

prop_compose! {
    fn any_measured()(
        parameter in 0..PARAMETERS.len(),
        value in 0_i64..60,
        places in 0_u8..2,
        basis in 0..BASES.len(),
        uncertainty in proptest::option::of(1_i64..5),
        replicate in 0_u8..3,
    ) -> Measured {
        Measured {
            basis: BASES[basis],
            uncertainty: uncertainty.map(Decimal::whole),
            derivation: format!("each({replicate},3)"),
            ..of(PARAMETERS[parameter], Decimal::new(value, places).unwrap(), Unit::Percent)
        }
    }
}

/// Rows that look at more than one quantity.
fn composite() -> LimitTable {
    let percent = |id: &str, parameter: &str, limit| row(id, parameter, limit, Unit::Percent);
    let class =
        |name: &str, min: &str, max: &str| Class { name: name.to_owned(), min: Some(d(min)), max: Some(d(max)) };
    let condition = MeasuredCondition {
        parameter: "b".to_owned(),
        relation: Relation::AtLeast,
        limit: d("3"),
        unit: Unit::Percent,
    };
    let of = || vec!["a".to_owned(), "b".to_owned()];
    table(
        "composite",
        vec![
            Row { basis: Some(Basis::Dry), ..percent("dry", "a", max("5")) },
            Row { basis: Some(Basis::AsReceived), decision: DecisionRule::NonBinary, ..percent("ar", "a", max("5")) },
            percent("sum", "s", Limit::Sum { of: of(), max: d("8") }),
            Row { basis: Some(Basis::Dry), ..percent("sum-dry", "s2", Limit::Sum { of: of(), max: d("8") }) },
            row(
                "ratios",
                "s3",
                Limit::SumOfRatios {
                    of: vec![("a".to_owned(), d("7")), ("b".to_owned(), d("3"))],
                    unit: Unit::Percent,
                    max: d("1"),
                },
                Unit::One,
            ),
            percent("share", "a", Limit::Share { of: "moisture".to_owned(), share: d("0.9"), inclusive: false }),
            Row {
                compare: Compare::Rounded,
                round_to: Some(d("1")),
                ..percent(
                    "class",
                    "b",
                    Limit::Classes {
                        order: vec![class("A", "0", "2"), class("B", "3", "5")],
                        wanted: Wanted::OrBetter("energy-class".to_owned()),
                    },
                )
            },
            Row { when_measured: vec![condition], ..percent("when", "a", max("4")) },
            percent(
                "deviation",
                "b",
                Limit::Deviation {
                    declared: "mass".to_owned(),
                    tolerance: Tolerance::Greater { percent: d("5"), absolute: d("2") },
                },
            ),
        ],
    )
}
