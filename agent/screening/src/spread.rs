//! An expanded uncertainty (k = 2), as it is or as the root of a sum of squares.
//!
//! The uncertainty of a net value is `√(U² + U_b²)`. A root seldom ends, so it is never drawn in a
//! decision: a distance is compared with it through their squares.

use core::cmp::Ordering;

use tidewaiter_drivers::Decimal;

use crate::exact::Exact;

/// Further places in which a root is shown.
const MORE_PLACES: u8 = 2;

/// A width that is never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// This wide.
    Plain(Exact),
    /// The square root of this wide.
    Root(Exact),
}

impl Spread {
    /// What two independent uncertainties make together.
    pub(crate) fn with(self, other: Self) -> Option<Self> {
        if other.is_zero() {
            return Some(self);
        }
        Some(Self::Root(self.squared()?.add(other.squared()?)?))
    }

    /// This many times as wide; `factor` is not negative.
    pub(crate) fn times(self, factor: Exact) -> Option<Self> {
        Some(match self {
            Self::Plain(width) => Self::Plain(width.mul(factor)?),
            Self::Root(square) => Self::Root(square.mul(factor.squared()?)?),
        })
    }

    fn squared(self) -> Option<Exact> {
        match self {
            Self::Plain(width) => width.squared(),
            Self::Root(square) => Some(square),
        }
    }

    /// Whether there is no width at all.
    pub(crate) fn is_zero(self) -> bool {
        match self {
            Self::Plain(it) | Self::Root(it) => it.signum() == 0,
        }
    }

    /// How `distance` stands to the width; `None` where a square does not fit.
    pub(crate) fn compare_distance(self, distance: Exact) -> Option<Ordering> {
        match self {
            Self::Plain(width) => Some(distance.compare(width)),
            Self::Root(_) if distance.signum() < 0 => Some(Ordering::Less),
            Self::Root(square) => Some(distance.squared()?.compare(square)),
        }
    }

    /// How it is shown beside a value with so many places: as it is, or rounded up.
    pub(crate) fn shown(self, places: u8) -> Option<Decimal> {
        match self {
            Self::Plain(width) => {
                width.to_decimal().or_else(|| width.squared()?.root_above(places.checked_add(MORE_PLACES)?))
            }
            Self::Root(square) => square.root_above(places.checked_add(MORE_PLACES)?),
        }
    }
}
