#![allow(clippy::unwrap_used)]

use super::{
    tail::{gaussian, tests::poisson},
    *,
};

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The least foreground that exceeds, found by trying.
fn threshold(exceeds: impl Fn(u64) -> bool) -> u64 {
    (0..20_000).find(|&foreground| exceeds(foreground)).unwrap()
}

#[test]
fn sigma_thresholds_of_common_backgrounds() {
    // background, then background + k·√background for k = 4 … 8, cut to whole counts, plus one.
    let rows = [
        (200, [257, 271, 285, 299, 314]),
        (400, [481, 501, 521, 541, 561]),
        (800, [914, 942, 970, 998, 1027]),
        (934, [1057, 1087, 1118, 1148, 1179]),
        (1000, [1127, 1159, 1190, 1222, 1253]),
    ];
    for (background, expected) in rows {
        for (k, expected) in (4..).zip(expected) {
            let found = threshold(|it| exceeds_sigma(it, background, Decimal::whole(k)));
            assert_eq!(found, expected, "background {background}, k {k}");
        }
    }
}

#[test]
fn the_boundary_itself_does_not_exceed() {
    // 400 + 5·20 = 500 exactly.
    assert!(!exceeds_sigma(500, 400, d("5")));
    assert!(exceeds_sigma(501, 400, d("5")));
    assert!(exceeds_sigma(500, 400, d("4.999999999999999999")) && !exceeds_sigma(500, 400, d("5.000000000000000000")));
    assert!(!exceeds_sigma(1147, 934, d("7")) && exceeds_sigma(1203, 934, d("7")));
}

#[test]
fn no_background_no_counts_and_negative_k() {
    assert!(!exceeds_sigma(0, 0, d("7")) && exceeds_sigma(1, 0, d("7")));
    // 400 − 1·20 = 380.
    assert!(!exceeds_sigma(380, 400, d("-1")) && exceeds_sigma(381, 400, d("-1")));
    assert!(exceeds_sigma(400, 400, d("-1")) && !exceeds_sigma(0, 0, d("-1")));
}

#[test]
fn numbers_at_the_ends_of_their_types_do_not_overflow() {
    assert!(exceeds_sigma(u64::MAX, 0, d("9.223372036854775807")));
    assert!(!exceeds_sigma(u64::MAX, u64::MAX, d("0")));
    assert!(!exceeds_sigma(u64::MAX, u64::MAX - 1, d("1")));
    assert!(!exceeds_sigma(0, u64::MAX, Decimal::whole(i64::MAX)));
    assert_eq!(sigma_milli(u64::MAX, 1), i64::MAX);
    assert_eq!(exceeds(5, d("-1"), d("3")), None);
    assert_eq!(exceeds(5, d("1.0000001"), d("3")), None);
    assert_eq!(exceeds(u64::MAX, d("100.000001"), d("0.000000000000000001")), None);
    assert_eq!(exceeds(1 << 43, d("100.000001"), d("0.000000000000000001")), Some(true));
}

#[test]
fn sigmas_round_to_the_nearest_thousandth() {
    let check = |foreground, background, expected| {
        assert_eq!(sigma_milli(foreground, background), expected);
    };
    check(1147, 934, 6_970);
    check(1203, 934, 8_802);
    check(1219, 934, 9_325);
    check(1187, 934, 8_278);
    check(1119, 934, 6_053);
    check(934, 934, 0);
    check(903, 934, -1_014);
    check(0, 0, 0);
    check(1, 0, i64::MAX);
    // A window of four intervals: 747.2 expected.
    assert_eq!(sigma_milli_above(900, d("747.2")), Some(5_590));
}

#[test]
fn backgrounds_with_places_are_exact() {
    // 40.96 + 5·6.4 = 72.96.
    assert_eq!(exceeds(72, d("40.96"), d("5")), Some(false));
    assert_eq!(exceeds(73, d("40.96"), d("5")), Some(true));
    assert_eq!(exceeds(73, d("40.960000"), d("5.000")), Some(true));
}

/// Whether a probability rounds to `mantissa × 10^-exponent`, given as 7.0e-6 → (70, 7).
fn rounds_to(probability: scaled::Scaled, mantissa: u128, exponent: u32) -> bool {
    let unit = scaled::Scaled::ratio(1, 10_u128.pow(exponent + 1));
    let low = unit.times(scaled::Scaled::whole(mantissa * 10 - 5));
    let high = unit.times(scaled::Scaled::whole(mantissa * 10 + 5));
    probability.cmp(low) == Ordering::Greater && probability.cmp(high) == Ordering::Less
}

#[test]
fn poisson_false_alarms_of_the_sigma_rule() {
    // P(X ≥ ⌈B + k√B⌉), computed elsewhere in floating point and rounded to two digits.
    let rows = [
        (25, [(40, 34, 4), (45, 20, 5), (50, 70, 7)]),
        (100, [(130, 23, 4), (140, 92, 6), (150, 19, 7)]),
        (400, [(460, 18, 4), (480, 56, 6), (500, 81, 8)]),
    ];
    for (mean, points) in rows {
        for (n, mantissa, exponent) in points {
            assert!(rounds_to(poisson(n, mean), mantissa, exponent), "P(X >= {n} | {mean})");
        }
    }
}

#[test]
fn gaussian_tails_of_tables() {
    let check = |k: &str, mantissa, exponent| assert!(rounds_to(gaussian(d(k)), mantissa, exponent), "{k}");
    check("0", 5_000, 4);
    check("1", 1_587, 4);
    check("1.645", 4_998, 5);
    check("2.999999", 135, 5);
    check("3", 135, 5);
    check("4", 317, 7);
    check("5", 287, 9);
    check("6", 987, 12);
    check("7", 128, 14);
    check("8", 622, 18);
    check("-1", 8_413, 4);
}

#[test]
fn series_and_fraction_meet() {
    // The two ways to the same tail join at 3 without a step that a count could notice.
    let (below, above) = (gaussian(d("2.999999999")), gaussian(d("3")));
    let step = below.minus(above).over(above);
    assert!(above.cmp(below) == Ordering::Less);
    assert!(step.cmp(scaled::Scaled::ratio(4, 1_000_000_000)) == Ordering::Less);
}

/// Background, k, and the least n with P(X ≥ n | background) below the Gaussian probability of k:
/// computed with 80 decimal digits by summing the distribution from below.
const LOW_COUNT_ROWS: &[(&str, &str, u64)] = &[
    ("0.2", "3", 3),
    ("0.2", "5", 6),
    ("0.2", "7", 9),
    ("1", "3", 6),
    ("1", "4", 8),
    ("1", "5", 10),
    ("1", "7", 15),
    ("4.741", "3", 13),
    ("4.741", "4.5", 18),
    ("4.741", "7", 28),
    ("9", "3", 20),
    ("9", "4", 24),
    ("9", "5", 29),
    ("9", "6", 33),
    ("9", "7", 38),
    ("9", "8", 43),
    ("24.8", "1", 31),
    ("24.8", "3", 42),
    ("24.8", "5", 54),
    ("24.8", "7", 68),
];

#[test]
fn low_counts_use_the_poisson_tail() {
    for &(background, k, expected) in LOW_COUNT_ROWS {
        let found = threshold(|it| exceeds(it, d(background), d(k)).unwrap());
        assert_eq!(found, expected, "background {background}, k {k}");
        assert_eq!(poisson_exceeds(expected, d(background), d(k)), Some(true));
    }
    // At 25 the rule changes.
    assert_eq!(threshold(|it| exceeds(it, d("25"), d("3")).unwrap()), 41);
    assert_eq!(threshold(|it| poisson_exceeds(it, d("25"), d("3")).unwrap()), 42);
}

#[test]
fn an_absurd_count_is_decided_at_once() {
    assert_eq!(exceeds(u64::MAX, d("24.9"), d("50")), Some(true));
    assert_eq!(exceeds(u64::MAX, d("0"), d("7")), Some(true));
    assert_eq!(exceeds(0, d("0"), d("7")), Some(false));
    assert_eq!(poisson_exceeds(u64::MAX, d("999"), Decimal::whole(i64::MAX)), Some(true));
}
