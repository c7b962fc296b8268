//! Which energy a channel has, and the other way round.
//!
//! A channel position counts from 0.0 at the lower edge of channel 0; the middle of channel `c` is `c + 0.5`
//! (N42.42-2011, `EnergyCalibration`). Energies are in kiloelectronvolt.

use super::{calibration::Pair, real};
use crate::{
    bounds::MAX_CHANNELS,
    model::{EnergyCalibration, Scale},
};

/// An energy scale over the channels of a spectrum; energies ascend with channels.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergyScale {
    /// Energy at the lower edge of each channel, and at the upper edge of the last; at least two, ascending.
    edges: Vec<f64>,
}

/// Why there is no scale.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ScaleError {
    /// No channels, or more than a spectrum may have.
    #[error("{0} channels, 1 to {max} are needed", max = MAX_CHANNELS)]
    Channels(usize),
    /// Another number of boundaries than channels need.
    #[error("{boundaries} energy boundaries for {channels} channels; one more than channels is needed")]
    Boundaries {
        /// How many boundaries there are.
        boundaries: usize,
        /// How many channels there are.
        channels: usize,
    },
    /// Fewer than two pairs, or two at one channel.
    #[error("at least two pairs at different channels are needed")]
    Pairs,
    /// Energies that are no numbers or do not ascend.
    #[error("energies do not ascend at channel {0}; check the order and sign of the coefficients")]
    Order(usize),
}

impl EnergyScale {
    /// `E = c0 + c1·c + c2·c²`.
    ///
    /// # Errors
    ///
    /// When energies do not ascend over all channels.
    pub fn polynomial([c0, c1, c2]: [f64; 3], channels: usize) -> Result<Self, ScaleError> {
        Self::made(channels, |position| c0 + position * (c1 + position * c2))
    }

    /// The full-range fraction form `E = c0 + x·c1 + x²·c2 + x³·c3 + c4/(1 + 60x)`, `x` being the position as a
    /// fraction of all channels.
    ///
    /// # Errors
    ///
    /// When energies do not ascend over all channels.
    pub fn full_range_fraction([c0, c1, c2, c3, c4]: [f64; 5], channels: usize) -> Result<Self, ScaleError> {
        let all = real(channels as u64);
        Self::made(channels, |position| {
            let x = position / all;
            c0 + x * (c1 + x * (c2 + x * c3)) + c4 / (1.0 + 60.0 * x)
        })
    }

    /// Straight lines through pairs of position and energy, going on beyond the first and last.
    ///
    /// # Errors
    ///
    /// Fewer than two pairs, two at one channel, or energies that do not ascend.
    pub fn pairs(pairs: &[Pair], channels: usize) -> Result<Self, ScaleError> {
        let mut points: Vec<(f64, f64)> = pairs.iter().map(|pair| (pair.position, pair.energy)).collect();
        points.sort_by(|left, right| left.0.total_cmp(&right.0));
        if points.len() < 2 || !points.is_sorted_by(|left, right| left.0 < right.0) {
            return Err(ScaleError::Pairs);
        }
        Self::made(channels, |position| along(&points, position))
    }

    /// The energy at which each channel begins and the last one ends.
    ///
    /// # Errors
    ///
    /// When they do not ascend, or there are not one more than channels.
    pub fn boundaries(edges: &[f64], channels: usize) -> Result<Self, ScaleError> {
        if edges.len() != channels + 1 {
            return Err(ScaleError::Boundaries { boundaries: edges.len(), channels });
        }
        Self::checked(edges.to_vec())
    }

    /// The scale of a document's calibration, its deviations added.
    ///
    /// # Errors
    ///
    /// When it does not fit the channels, or energies do not ascend.
    pub fn of(calibration: &EnergyCalibration, channels: usize) -> Result<Self, ScaleError> {
        let scale = match &calibration.scale {
            Scale::Polynomial(coefficients) => Self::polynomial(*coefficients, channels)?,
            Scale::Boundaries(boundaries) => Self::boundaries(boundaries, channels)?,
        };
        let (Some(energies), Some(deviations)) = (&calibration.energies, &calibration.deviations) else {
            return Ok(scale);
        };
        let mut points: Vec<(f64, f64)> = energies.iter().copied().zip(deviations.iter().copied()).collect();
        points.sort_by(|left, right| left.0.total_cmp(&right.0));
        // Beyond the stated energies the nearest deviation holds: a line drawn on would leave what was measured.
        let corrected = scale.edges.iter().map(|&energy| energy + held(&points, energy));
        Self::checked(corrected.collect())
    }

    /// How many channels it covers.
    pub fn channels(&self) -> usize {
        self.edges.len() - 1
    }

    /// Lower end of the first and upper end of the last channel.
    pub fn range(&self) -> (f64, f64) {
        // There are two edges at least.
        let end = |edge: Option<&f64>| edge.copied().unwrap_or(f64::NAN);
        (end(self.edges.first()), end(self.edges.last()))
    }

    /// The energy at a position; `None` outside the channels.
    pub fn energy(&self, position: f64) -> Option<f64> {
        if !(0.0..=real(self.channels() as u64)).contains(&position) {
            return None;
        }
        // In range, so that flooring gives an index.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let channel = (position.floor() as usize).min(self.channels() - 1);
        let (low, high) = (self.edges.get(channel)?, self.edges.get(channel + 1)?);
        Some(low + (high - low) * (position - real(channel as u64)))
    }

    /// The position of an energy; `None` outside the range.
    pub fn position(&self, energy: f64) -> Option<f64> {
        let (low, high) = self.range();
        if !(low..=high).contains(&energy) {
            return None;
        }
        let channel = self.edges.partition_point(|&edge| edge <= energy).saturating_sub(1).min(self.channels() - 1);
        let (low, high) = (self.edges.get(channel)?, self.edges.get(channel + 1)?);
        Some(real(channel as u64) + (energy - low) / (high - low))
    }

    /// The channel an energy falls into; `None` outside the range.
    pub fn channel(&self, energy: f64) -> Option<usize> {
        let position = self.position(energy)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let channel = position.floor() as usize;
        Some(channel.min(self.channels() - 1))
    }

    fn made(channels: usize, energy: impl Fn(f64) -> f64) -> Result<Self, ScaleError> {
        if channels > MAX_CHANNELS {
            return Err(ScaleError::Channels(channels));
        }
        Self::checked((0..=channels).map(|edge| energy(real(edge as u64))).collect())
    }

    fn checked(edges: Vec<f64>) -> Result<Self, ScaleError> {
        if !(2..=MAX_CHANNELS + 1).contains(&edges.len()) {
            return Err(ScaleError::Channels(edges.len().saturating_sub(1)));
        }
        let rising = |(low, high): (&f64, &f64)| low.is_finite() && high.is_finite() && low < high;
        match edges.iter().zip(edges.iter().skip(1)).position(|pair| !rising(pair)) {
            Some(channel) => Err(ScaleError::Order(channel)),
            None => Ok(Self { edges }),
        }
    }
}

/// A line through ascending points, drawn on beyond the ends.
fn along(points: &[(f64, f64)], x: f64) -> f64 {
    let last = points.len().saturating_sub(2);
    let from = points.partition_point(|point| point.0 <= x).saturating_sub(1).min(last);
    match (points.get(from), points.get(from + 1)) {
        (Some(&(x0, y0)), Some(&(x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        (Some(&(_, y)), None) => y,
        _ => 0.0,
    }
}

/// A line through ascending points, held level beyond the ends.
pub(super) fn held(points: &[(f64, f64)], x: f64) -> f64 {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => along(points, x.clamp(first.0, last.0.max(first.0))),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_and_energies_are_inverse() {
        let scale = EnergyScale::polynomial([-21.8, 12.1, 6.55e-3], 232).unwrap();
        assert_eq!(scale.channels(), 232);
        assert!((scale.energy(0.0).unwrap() + 21.8).abs() < 1e-9);
        assert!((scale.energy(100.0).unwrap() - (-21.8 + 1210.0 + 65.5)).abs() < 1e-9);
        let position = scale.position(1460.83).unwrap();
        assert!((scale.energy(position).unwrap() - 1460.83).abs() < 1e-9);
        assert_eq!(scale.channel(1460.83), Some(115));
        assert_eq!(scale.energy(-0.1), None);
        assert_eq!(scale.position(1e6), None);
        assert_eq!(scale.position(f64::NAN), None);
    }

    #[test]
    fn forms_agree() {
        let polynomial = EnergyScale::polynomial([3.0, 2.5, 0.0], 64).unwrap();
        let fraction = EnergyScale::full_range_fraction([3.0, 160.0, 0.0, 0.0, 0.0], 64).unwrap();
        let pairs = [Pair { position: 50.0, energy: 128.0 }, Pair { position: 10.0, energy: 28.0 }];
        let pairs = EnergyScale::pairs(&pairs, 64).unwrap();
        let edges: Vec<f64> = (0_u32..=64).map(|edge| 3.0 + 2.5 * f64::from(edge)).collect();
        let edges = EnergyScale::boundaries(&edges, 64).unwrap();
        for position in [0.0, 0.5, 31.25, 64.0] {
            let expected = polynomial.energy(position).unwrap();
            for scale in [&fraction, &pairs, &edges] {
                assert!((scale.energy(position).unwrap() - expected).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn deviations_are_added() {
        let mut calibration = EnergyCalibration::polynomial("c", [0.0, 1.0, 0.0]);
        calibration.energies = Some(vec![20.0, 40.0]);
        calibration.deviations = Some(vec![1.0, 3.0]);
        let scale = EnergyScale::of(&calibration, 100).unwrap();
        for (position, energy) in [(0.0, 1.0), (20.0, 21.0), (30.0, 32.0), (40.0, 43.0), (100.0, 103.0)] {
            assert!((scale.energy(position).unwrap() - energy).abs() < 1e-9);
        }
    }

    #[test]
    fn refuses_what_does_not_ascend() {
        assert_eq!(EnergyScale::polynomial([0.0, -1.0, 0.0], 10), Err(ScaleError::Order(0)));
        assert_eq!(EnergyScale::polynomial([0.0, 1.0, -0.05], 20), Err(ScaleError::Order(10)));
        assert_eq!(EnergyScale::polynomial([f64::NAN, 1.0, 0.0], 20), Err(ScaleError::Order(0)));
        assert_eq!(EnergyScale::polynomial([0.0, 1.0, 0.0], 0), Err(ScaleError::Channels(0)));
        assert_eq!(EnergyScale::polynomial([0.0, 1.0, 0.0], usize::MAX), Err(ScaleError::Channels(usize::MAX)));
        assert_eq!(EnergyScale::boundaries(&[0.0, 1.0], 2), Err(ScaleError::Boundaries { boundaries: 2, channels: 2 }));
        assert_eq!(EnergyScale::pairs(&[Pair { position: 1.0, energy: 2.0 }], 9), Err(ScaleError::Pairs));
    }

    proptest! {
        #[test]
        fn any_scale_inverts(c0 in -50.0..50.0_f64, c1 in 0.1..20.0_f64, c2 in 0.0..0.01_f64, at in 0.0..1.0_f64) {
            let scale = EnergyScale::polynomial([c0, c1, c2], 500).unwrap();
            let position = at * 500.0;
            let back = scale.position(scale.energy(position).unwrap()).unwrap();
            prop_assert!((back - position).abs() < 1e-6);
        }
    }
}
