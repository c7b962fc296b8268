#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
extern crate std;
use std::vec::Vec;

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::{
    input::{BROKEN_US, STALE_US},
    store::PARAMETER_WORDS,
};

/// What a test changes of a plain cell: 100 codes are 1 kg, d = 20 g, Max 60 t, no mean, rests at once.
#[derive(Clone, Debug)]
struct Cell {
    zero: i32,
    span: (u32, i32),
    interval: u32,
    capacity: u32,
    band: u32,
    filter: u8,
    still: u8,
    points: Vec<(u32, i16)>,
}

impl Default for Cell {
    fn default() -> Self {
        let (span, capacity) = ((1000, 100), 60_000_000);
        Self { zero: 0, span, interval: 20, capacity, band: 10, filter: 0, still: 1, points: Vec::new() }
    }
}

impl Cell {
    fn parameters(&self) -> Parameters {
        let mut words = [0; PARAMETER_WORDS];
        let mut double = |at: usize, value: u32| {
            words[at] = (value >> 16) as u16;
            words[at + 1] = (value & 0xFFFF) as u16;
        };
        double(0, self.zero.cast_unsigned());
        double(2, self.span.0);
        double(4, self.span.1.cast_unsigned());
        double(6, self.interval);
        double(8, self.capacity);
        double(10, self.band);
        for (at, point) in self.points.iter().enumerate() {
            double(14 + 3 * at, point.0);
        }
        for (at, point) in self.points.iter().enumerate() {
            words[16 + 3 * at] = point.1.cast_unsigned();
        }
        words[12] = u16::from_be_bytes([self.filter, self.still]);
        words[13] = u16::try_from(self.points.len()).unwrap();
        words[39] = 1;
        Parameters::from_words(&words).unwrap()
    }

    fn shows(&self, codes: &[i32]) -> Sample {
        let mut cell = LoadCell::new();
        cell.configure(Some(self.parameters()));
        for (at, &code) in (0..).zip(codes) {
            cell.push(at, code);
        }
        cell.sample(codes.len() as u64)
    }
}

fn good(value: i32) -> Sample {
    Sample { state: State::Good, value }
}

#[test]
fn codes_become_what_the_scale_shows() {
    let plain = Cell::default();
    let missing = Sample::missing;
    let zeroed = Cell { zero: -1234, ..plain.clone() };
    let turned = Cell { span: (1000, -100), ..plain.clone() };
    let rows = [
        ("no load", &plain, 0, good(0)),
        ("to the nearest d", &plain, 1234, good(12_340)),
        ("the middle goes away from zero", &plain, 1, good(20)),
        ("and below zero too", &plain, -1, good(-20)),
        ("zero is taken off", &zeroed, 0, good(12_340)),
        ("a turned cell", &turned, -1234, good(12_340)),
        ("Max + 9 d is shown", &plain, 6_000_018, good(60_000_180)),
        ("and no more", &plain, 6_000_019, missing(State::Overrange)),
        ("−20 d is shown", &plain, -40, good(-400)),
        ("and no less", &plain, -41, missing(State::Underrange)),
        ("the upper rail", &plain, RAIL_HIGH, missing(State::Overrange)),
        ("beyond it", &plain, i32::MAX, missing(State::Overrange)),
        ("the lower rail", &plain, RAIL_LOW, missing(State::Underrange)),
        ("beyond it, too", &plain, i32::MIN, missing(State::Underrange)),
        ("the lower rail of a turned cell", &turned, RAIL_LOW, missing(State::Overrange)),
    ];
    for (name, cell, code, expected) in rows {
        assert_eq!(cell.shows(&[code]), expected, "{name}");
    }
}

#[test]
fn linearisation_is_straight_between_its_points_and_level_beyond() {
    let points = [(0, 0), (10_000, 100), (30_000, -300)].to_vec();
    let cell = Cell { points, interval: 1, ..Cell::default() };
    // Indicated 10 g a code, corrected by hand
    let rows = [
        (-1, -10),
        (0, 0),
        (500, 5050),
        (1000, 10_100),
        (1500, 15_000),
        (2000, 19_900),
        (3000, 29_700),
        (4000, 39_700),
    ];
    for (code, mass) in rows {
        assert_eq!(cell.shows(&[code]), good(mass), "{code}");
    }
    let one = Cell { points: [(500, 7)].to_vec(), interval: 1, ..Cell::default() };
    assert_eq!((one.shows(&[0]), one.shows(&[999])), (good(7), good(9997)));
}

#[test]
fn the_mean_loses_nothing_and_counts_as_motion_until_it_is_one() {
    let cell = Cell { filter: 2, interval: 1, band: 1_000_000, ..Cell::default() };
    assert_eq!(cell.shows(&[100, 101, 102]), Sample { state: State::Unstable, value: 1010 });
    assert_eq!(cell.shows(&[100, 101, 102, 103]), good(1015));
    // A step is half through after half of the conversions, whole after all
    assert_eq!(cell.shows(&[0, 0, 0, 0, 100, 100]), good(500));
    assert_eq!(cell.shows(&[0, 0, 0, 0, 100, 100, 100, 100]), good(1000));
    // A rail empties it: what came before tells nothing
    assert_eq!(cell.shows(&[0, 0, 0, 0, RAIL_HIGH, 100]), Sample { state: State::Unstable, value: 1000 });
}

#[test]
fn a_load_rests_within_the_band_for_as_many_conversions() {
    let cell = Cell { still: 3, band: 20, interval: 10, ..Cell::default() };
    let unstable = |value| Sample { state: State::Unstable, value };
    assert_eq!(cell.shows(&[100, 101]), unstable(1010));
    assert_eq!(cell.shows(&[100, 101, 102]), good(1020));
    assert_eq!(cell.shows(&[100, 101, 103]), unstable(1030));
    assert_eq!(cell.shows(&[100, 101, 103, 103]), unstable(1030));
    assert_eq!(cell.shows(&[100, 101, 103, 103, 102]), good(1020));
    assert_eq!(cell.shows(&[100, 100, 100, 100, 500]), unstable(5000));
}

#[test]
fn a_silent_cell_turns_stale_and_then_broken() {
    let mut cell = LoadCell::new();
    cell.push(0, 5);
    assert_eq!(cell.sample(0), Sample::missing(State::NotPresent));
    cell.configure(Some(Cell::default().parameters()));
    assert_eq!(cell.sample(1), Sample::missing(State::WarmingUp));
    assert_eq!(cell.sample(BROKEN_US), Sample::missing(State::Fault));
    cell.push(BROKEN_US, 2);
    assert_eq!(cell.sample(BROKEN_US + STALE_US - 1), good(20));
    assert_eq!(cell.sample(BROKEN_US + STALE_US), Sample { state: State::Stale, value: 20 });
    assert_eq!(cell.sample(2 * BROKEN_US), Sample::missing(State::Fault));
}

/// To the nearest, from the middle away from zero, of big numbers.
fn rounded(numerator: &BigInt, denominator: &BigInt) -> BigInt {
    let (numerator, denominator) =
        if *denominator < BigInt::ZERO { (-numerator, -denominator) } else { (numerator.clone(), denominator.clone()) };
    let size = BigInt::from(numerator.magnitude().clone());
    let away = (BigInt::from(2) * size + &denominator) / (BigInt::from(2) * &denominator);
    if numerator < BigInt::ZERO { -away } else { away }
}

/// What a cell shows, by fractions of any size.
fn expected(cell: &Cell, codes: &[i32]) -> Sample {
    let last: Vec<i32> = codes.iter().rev().take(1 << cell.filter).copied().collect();
    let sum: BigInt = last.iter().map(|&code| BigInt::from(code)).sum();
    let (mut n, mut d) =
        ((sum - BigInt::from(last.len()) * cell.zero) * cell.span.0, BigInt::from(last.len()) * cell.span.1);
    if d < BigInt::ZERO {
        (n, d) = (-n, -d);
    }
    let above = |mass: u32| n >= BigInt::from(mass) * &d;
    let low = cell.points.iter().rev().find(|point| above(point.0));
    let high = cell.points.iter().find(|point| !above(point.0));
    let (n, d) = match (low, high) {
        (None, None) => (n, d),
        (Some(&(_, c)), None) | (None, Some(&(_, c))) => (n + BigInt::from(c) * &d, d),
        (Some(&(x0, c0)), Some(&(x1, c1))) => {
            // n/d + c0 + (n/d − x0)(c1 − c0)/(x1 − x0)
            let run = BigInt::from(x1) - x0;
            let rise = BigInt::from(c1) - c0;
            let whole = &n * &run + BigInt::from(c0) * &d * &run + (&n - BigInt::from(x0) * &d) * rise;
            (whole, d * run)
        }
    };
    let shown = rounded(&n, &(d * cell.interval));
    let grams = &shown * cell.interval;
    if grams > BigInt::from(cell.capacity) + 9 * BigInt::from(cell.interval) {
        return Sample::missing(State::Overrange);
    }
    if shown < BigInt::from(-20) {
        return Sample::missing(State::Underrange);
    }
    match i32::try_from(grams) {
        Ok(value) => Sample { state: State::Good, value },
        Err(_) => Sample::missing(State::Overrange),
    }
}

fn wide(bits: u32) -> impl Strategy<Value = u32> {
    (any::<u32>(), 0..bits).prop_map(move |(value, shift)| (value >> (32 - bits) >> shift).max(1))
}

prop_compose! {
    fn cells()(
        zero in RAIL_LOW..=RAIL_HIGH,
        mass in wide(31),
        codes in wide(31),
        turned: bool,
        mantissa in prop::sample::select(&[1_u32, 2, 5][..]),
        power in 0..6_u32,
        capacity in wide(31),
        filter in 0..=6_u8,
        points in prop::collection::btree_map(wide(31), any::<i16>(), 0..=6),
    ) -> Cell {
        let interval = mantissa * 10_u32.pow(power);
        let codes = i32::try_from(codes).unwrap();
        Cell {
            zero,
            span: (mass, if turned { -codes } else { codes }),
            interval,
            capacity: capacity.max(interval),
            band: u32::MAX,
            filter,
            still: 1,
            points: points.into_iter().collect(),
        }
    }
}

proptest! {
    #[test]
    fn mass_is_that_of_big_fractions(
        cell in cells(),
        codes in prop::collection::vec(RAIL_LOW + 1..RAIL_HIGH, 1..70),
        near: bool,
    ) {
        // Loads near zero as well as anywhere
        let codes: Vec<i32> = codes
            .iter()
            .map(|code| if near { (cell.zero + code % 5000).clamp(RAIL_LOW + 1, RAIL_HIGH - 1) } else { *code })
            .collect();
        let mut got = cell.shows(&codes);
        if got.state == State::Unstable {
            got.state = State::Good;
        }
        prop_assert_eq!(got, expected(&cell, &codes));
    }

    #[test]
    fn any_codes_and_parameters_give_a_sample(cell in cells(), codes in prop::collection::vec(any::<i32>(), 0..80)) {
        let sample = cell.shows(&codes);
        prop_assert!(sample.state.has_value() || sample.value == 0);
    }
}
