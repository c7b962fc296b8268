//! Counts, and rates that name their denominator.

use std::collections::BTreeMap;

use tidewaiter_drivers::Decimal;

use super::lot::Lot;
use crate::{finding::Verdict, inspection::Completion};

/// Places of a percentage.
const PLACES: u8 = 2;

/// Counts of lots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Inspections recorded, re-tests included.
    pub examinations: u64,
    /// Lots: examinations without re-tests.
    pub presented: u64,
    /// Examinations that were re-tests of a lot already presented.
    pub retests: u64,
    /// Lots never examined validly, because the examination was void.
    pub void: u64,
    /// Lots never examined to the end, by reason.
    pub incomplete: BTreeMap<&'static str, u64>,
    /// Lots examined to the end.
    pub tested: u64,
    /// Within limits.
    pub pass: u64,
    /// Within the limit, inside the guard band.
    pub conditional_pass: u64,
    /// Beyond the limit, inside the guard band.
    pub conditional_fail: u64,
    /// Beyond the limit.
    pub fail: u64,
    /// Not decided, by reason.
    pub inconclusive: BTreeMap<&'static str, u64>,
    /// Nothing was required of them.
    pub not_applicable: u64,
    /// Lots with a simulated instrument in them; they are in all counts above.
    pub simulated: u64,
    /// Lots that failed, conditionally or not, by hazard class of the rows they failed.
    pub failed_by_hazard: BTreeMap<String, u64>,
}

/// A share with both its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Stable name.
    pub name: &'static str,
    /// How many.
    pub numerator: u64,
    /// Of how many.
    pub denominator: u64,
    /// What those are: a name of [`Tally::figures`].
    pub of: &'static str,
    /// Per cent with two places, rounded half to even; none of nothing.
    pub percent: Option<Decimal>,
}

impl Tally {
    pub(super) fn count(&mut self, lot: &Lot<'_>, verdict: Verdict) {
        let result = lot.result();
        self.presented += 1;
        self.retests += lot.retests();
        self.examinations += 1 + lot.retests();
        self.simulated += u64::from(lot.is_simulated());
        if !result.is_valid() {
            match result.completion {
                Completion::Incomplete(reason) => *self.incomplete.entry(reason.word()).or_default() += 1,
                Completion::Complete => self.void += 1,
            }
            return;
        }
        self.tested += 1;
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::ConditionalPass => self.conditional_pass += 1,
            Verdict::ConditionalFail => self.conditional_fail += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::Inconclusive(reason) => *self.inconclusive.entry(reason.word()).or_default() += 1,
            Verdict::NotApplicable => self.not_applicable += 1,
        }
        let failed = result.findings.iter().filter(|it| !it.advisory && is_fail(it.verdict));
        let hazards: std::collections::BTreeSet<&String> = failed.flat_map(|it| &it.hazards).collect();
        for hazard in hazards {
            *self.failed_by_hazard.entry(hazard.clone()).or_default() += 1;
        }
    }

    /// Lots without a valid examination.
    pub fn invalid(&self) -> u64 {
        self.void + self.incomplete.values().sum::<u64>()
    }

    /// Lots not decided.
    pub fn undecided(&self) -> u64 {
        self.inconclusive.values().sum()
    }

    /// Lots with a verdict on limits.
    pub const fn judged(&self) -> u64 {
        self.pass + self.conditional_pass + self.conditional_fail + self.fail
    }

    /// The counts that stand in the columns of a group; [`Tally::figures`] has all.
    pub const COLUMNS: [&str; 9] = [
        "presented",
        "invalid",
        "tested",
        "pass",
        "conditional-pass",
        "conditional-fail",
        "fail",
        "inconclusive",
        "not-applicable",
    ];

    /// Every count by its stable name, in the order to read them.
    pub fn figures(&self) -> [(&'static str, u64); 13] {
        [
            ("examinations", self.examinations),
            ("retests", self.retests),
            ("presented", self.presented),
            ("invalid", self.invalid()),
            ("tested", self.tested),
            ("judged", self.judged()),
            ("pass", self.pass),
            ("conditional-pass", self.conditional_pass),
            ("conditional-fail", self.conditional_fail),
            ("fail", self.fail),
            ("inconclusive", self.undecided()),
            ("not-applicable", self.not_applicable),
            ("simulated", self.simulated),
        ]
    }

    /// The rates, each with its denominator.
    pub fn rates(&self) -> [Rate; 5] {
        let rate = |name, numerator, of, denominator| Rate {
            name,
            numerator,
            denominator,
            of,
            percent: percent(numerator, denominator),
        };
        [
            rate("coverage", self.tested, "presented", self.presented),
            rate("pass-rate", self.pass + self.conditional_pass, "judged", self.judged()),
            rate("fail-rate", self.conditional_fail + self.fail, "judged", self.judged()),
            rate("inconclusive-rate", self.undecided(), "tested", self.tested),
            rate("invalid-rate", self.invalid(), "presented", self.presented),
        ]
    }
}

const fn is_fail(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::ConditionalFail)
}

/// `numerator` of `denominator` in per cent with two places, rounded half to even (GB/T 8170-2008, 3.2).
pub fn percent(numerator: u64, denominator: u64) -> Option<Decimal> {
    let (numerator, denominator) = (u128::from(numerator).checked_mul(10_000)?, u128::from(denominator));
    let (whole, rest) = (numerator.checked_div(denominator)?, numerator.checked_rem(denominator)?);
    let up = match (rest * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => whole % 2 == 1,
    };
    Decimal::new(i64::try_from(whole + u128::from(up)).ok()?, PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_are_exact_and_half_goes_to_even() {
        for (numerator, denominator, expected) in [
            (1, 3, "33.33"),
            (2, 3, "66.67"),
            (3, 3, "100.00"),
            (0, 7, "0.00"),
            (1, 800, "0.12"),    // 0.125
            (3, 800, "0.38"),    // 0.375
            (5, 800, "0.62"),    // 0.625
            (1, 20_000, "0.00"), // 0.005
            (3, 20_000, "0.02"), // 0.015
            (u64::MAX, u64::MAX, "100.00"),
        ] {
            let found = percent(numerator, denominator).map(|it| it.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{numerator} of {denominator}");
        }
        assert_eq!(percent(0, 0), None);
    }
}
