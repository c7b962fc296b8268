//! Net counts of a region between two background regions (Covell's method).
//!
//! ```text
//!          m      n       m
//!        ├───┤├───────┤├───┤
//!  … . . : : . ▂ ▅ █ ▅ ▂ . : : . …      N = G − (n / 2m)·(L + R)
//!        L        G       R             u²(N) = G + (n / 2m)²·(L + R)
//! ```
//!
//! The background under the peak is a straight line between the means of both sides. Sums are integers, so that net
//! counts and uncertainty can be given as exactly rounded decimals.

use tidewaiter_drivers::Decimal;

use super::real;

/// Which channels: `first ..= last`, and `side` more on either side as background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First channel of the peak.
    pub first: usize,
    /// Last channel of the peak.
    pub last: usize,
    /// Channels on either side, at least 1.
    pub side: usize,
}

/// Why a region has no net counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// Empty, backwards or without sides.
    #[error("channels {first} to {last} with {side} on either side are no region")]
    Shape {
        /// First channel.
        first: usize,
        /// Last channel.
        last: usize,
        /// Channels on either side.
        side: usize,
    },
    /// Beyond the spectrum.
    #[error("the region with its sides does not fit the {0} channels of the spectrum")]
    Outside(usize),
    /// Sums beyond 64 bits.
    #[error("the counts are too large to be added")]
    Overflow,
}

/// Counts of a region and its sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    gross: u64,
    sides: u64,
    channels: u64,
    side: u64,
}

impl Area {
    /// Sums a region of a spectrum.
    ///
    /// # Errors
    ///
    /// A region that is none, or does not fit the spectrum.
    pub fn measure(counts: &[u64], region: Region) -> Result<Self, RegionError> {
        let Region { first, last, side } = region;
        if first > last || side == 0 {
            return Err(RegionError::Shape { first, last, side });
        }
        let outside = RegionError::Outside(counts.len());
        let from = first.checked_sub(side).ok_or(outside)?;
        let to = last.checked_add(side).ok_or(outside)?;
        let sum = |range: std::ops::RangeInclusive<usize>| {
            let channels = counts.get(range).ok_or(outside)?;
            channels.iter().try_fold(0_u64, |sum, &it| sum.checked_add(it)).ok_or(RegionError::Overflow)
        };
        // The upper side is summed first, so that the other ranges are known to fit.
        let right = sum(last + 1..=to)?;
        let left = sum(from..=first - 1)?;
        let gross = sum(first..=last)?;
        let sides = left.checked_add(right).ok_or(RegionError::Overflow)?;
        Ok(Self { gross, sides, channels: (last - first + 1) as u64, side: side as u64 })
    }

    /// Counts in the region.
    pub const fn gross(&self) -> u64 {
        self.gross
    }

    /// Counts of both sides together.
    pub const fn sides(&self) -> u64 {
        self.sides
    }

    /// Channels of the region over channels of the sides, `n / 2m`.
    pub fn ratio(&self) -> f64 {
        real(self.channels) / (2.0 * real(self.side))
    }

    /// Background under the peak.
    pub fn background(&self) -> f64 {
        self.ratio() * real(self.sides)
    }

    /// Net counts, for computing.
    pub fn net(&self) -> f64 {
        real(self.gross) - self.background()
    }

    /// Standard uncertainty of the net counts, for computing.
    pub fn uncertainty(&self) -> f64 {
        (real(self.gross) + self.ratio().powi(2) * real(self.sides)).sqrt()
    }

    /// Net counts, exactly, rounded half to even to `places`; `None` when they do not fit.
    pub fn net_decimal(&self, places: u8) -> Option<Decimal> {
        let parts = 2 * i128::from(self.side);
        let net = i128::from(self.gross) * parts - i128::from(self.channels) * i128::from(self.sides);
        let scaled = net.checked_mul(10_i128.checked_pow(places.into())?)?;
        let (whole, rest) = (scaled.div_euclid(parts), scaled.rem_euclid(parts));
        let up = match (2 * rest).cmp(&parts) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => whole.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        Decimal::new(i64::try_from(whole + up).ok()?, places)
    }

    /// Standard uncertainty of the net counts, exactly rounded to `places`; `None` when it does not fit.
    pub fn uncertainty_decimal(&self, places: u8) -> Option<Decimal> {
        // (2m)²·u² = (2m)²·G + n²·(L + R), and u in units of the last place is √(that · 10^2p) / 2m.
        let parts = 2 * u128::from(self.side);
        let variance = parts
            .checked_pow(2)?
            .checked_mul(self.gross.into())?
            .checked_add(u128::from(self.channels).checked_pow(2)?.checked_mul(self.sides.into())?)?;
        let scaled = variance.checked_mul(100_u128.checked_pow(places.into())?)?;
        let below = (scaled / parts.checked_pow(2)?).isqrt();
        // Nearest: up when (below + ½)² · (2m)² ≤ scaled; a tie cannot be told from the digit above and goes up.
        let middle = (2 * below + 1).checked_pow(2)?.checked_mul(parts.checked_pow(2)?)?;
        let nearest = below + u128::from(middle <= scaled.checked_mul(4)?);
        Decimal::new(i64::try_from(nearest).ok()?, places)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_triangle_on_a_slope() {
        // Background 10, 11, 12 …; 3 channels of peak with 100, 200, 100 on top.
        let mut counts: Vec<u64> = (10..30).collect();
        for (channel, more) in [(8, 100), (9, 200), (10, 100)] {
            *counts.get_mut(channel).unwrap() += more;
        }
        let area = Area::measure(&counts, Region { first: 7, last: 11, side: 2 }).unwrap();
        assert_eq!((area.gross(), area.sides()), (495, 76));
        assert_eq!(area.net_decimal(2).unwrap().to_string(), "400.00");
        // u² = 495 + (5/4)²·76 = 613.75
        assert_eq!(area.uncertainty_decimal(3).unwrap().to_string(), "24.774");
        assert!((area.net() - 400.0).abs() < 1e-9 && (area.uncertainty() - 613.75_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn refuses_what_is_no_region() {
        let counts = [1_u64; 10];
        let region = |first, last, side| Area::measure(&counts, Region { first, last, side });
        assert_eq!(region(5, 4, 1), Err(RegionError::Shape { first: 5, last: 4, side: 1 }));
        assert_eq!(region(4, 5, 0), Err(RegionError::Shape { first: 4, last: 5, side: 0 }));
        assert_eq!(region(1, 5, 2), Err(RegionError::Outside(10)));
        assert_eq!(region(4, 8, 2), Err(RegionError::Outside(10)));
        assert_eq!(region(4, usize::MAX, 2), Err(RegionError::Outside(10)));
        assert!(region(2, 7, 2).is_ok());
        assert_eq!(Area::measure(&[u64::MAX; 4], Region { first: 1, last: 2, side: 1 }), Err(RegionError::Overflow));
    }

    proptest! {
        #[test]
        fn decimals_agree_with_binary(
            counts in prop::collection::vec(0_u64..1_000_000, 12..60),
            first in 3_usize..5, length in 0_usize..4, side in 1_usize..4,
        ) {
            let area = Area::measure(&counts, Region { first, last: first + length, side }).unwrap();
            let number = |it: Decimal| super::super::approximate(it);
            prop_assert!((number(area.net_decimal(3).unwrap()) - area.net()).abs() <= 0.000_501);
            prop_assert!((number(area.uncertainty_decimal(3).unwrap()) - area.uncertainty()).abs() <= 0.000_501);
        }
    }
}
