//! A number as it is judged and as it is shown.

use core::fmt;

use tidewaiter_drivers::Decimal;

use crate::{exact::Exact, finding::Reason};

/// Places of a number that does not end, where it is only shown.
const SHOWN_PLACES: u8 = 4;

/// An exact number that keeps the digits it was written with, where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    exact: Exact,
    decimal: Option<Decimal>,
}

impl Number {
    /// A decimal, shown as it is.
    pub(crate) fn of(decimal: Decimal) -> Result<Self, Reason> {
        Ok(Self { exact: Exact::of(decimal).ok_or(Reason::Arithmetic)?, decimal: Some(decimal) })
    }

    /// A ratio, shown as a decimal where it ends.
    pub(crate) fn from_exact(exact: Exact) -> Self {
        Self { exact, decimal: exact.to_decimal() }
    }

    pub(crate) const fn exact(self) -> Exact {
        self.exact
    }

    /// The difference; decimals keep their places.
    pub(crate) fn sub(self, other: Self) -> Result<Self, Reason> {
        match (self.decimal, other.decimal) {
            (Some(left), Some(right)) => left.checked_sub(right).ok_or(Reason::Arithmetic).and_then(Self::of),
            _ => self.exact.sub(other.exact).map(Self::from_exact).ok_or(Reason::Arithmetic),
        }
    }

    /// The sum; decimals keep their places.
    pub(crate) fn add(self, other: Self) -> Result<Self, Reason> {
        match (self.decimal, other.decimal) {
            (Some(left), Some(right)) => left.checked_add(right).ok_or(Reason::Arithmetic).and_then(Self::of),
            _ => self.exact.add(other.exact).map(Self::from_exact).ok_or(Reason::Arithmetic),
        }
    }

    pub(crate) fn times(self, factor: Exact) -> Result<Self, Reason> {
        self.exact.mul(factor).map(Self::from_exact).ok_or(Reason::Arithmetic)
    }

    #[must_use]
    pub(crate) fn abs(self) -> Self {
        Self { exact: self.exact.abs(), decimal: self.decimal.map(Decimal::abs) }
    }

    /// Places shown.
    pub(crate) fn places(self) -> u8 {
        self.decimal.map_or(SHOWN_PLACES, Decimal::places)
    }

    pub(crate) const fn decimal(self) -> Option<Decimal> {
        self.decimal
    }
}

/// The digits; a number that does not end is led by `~` and rounded.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decimal {
            Some(decimal) => write!(f, "{decimal}"),
            None => match Decimal::new(1, SHOWN_PLACES).and_then(|step| self.exact.rounded(step)) {
                Some(rounded) => write!(f, "~{rounded}"),
                None => f.write_str("~"),
            },
        }
    }
}
