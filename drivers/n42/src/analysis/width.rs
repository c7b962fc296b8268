//! How wide a line is.

use super::scale::held;
use crate::model::WidthCalibration;

/// Full width at half maximum as a function of energy, both in kiloelectronvolt.
#[derive(Clone, Debug, PartialEq)]
pub enum Width {
    /// One known width; others go with the square root of the energy, as counting the light of a scintillator does.
    Root {
        /// The energy at which it is known.
        at: f64,
        /// The width there.
        width: f64,
    },
    /// Known at several energies, ascending; between them by straight lines, beyond them level.
    Table(Vec<(f64, f64)>),
}

impl Width {
    /// A scintillator of sodium iodide: 7 % at 661.66 keV, a usual value when nothing is known of the detector.
    pub const SODIUM_IODIDE: Self = Self::Root { at: 661.66, width: 46.3 };

    /// The calibration of a document; `None` when it has no usable values.
    pub fn of(calibration: &WidthCalibration) -> Option<Self> {
        let points = calibration.energies.iter().copied().zip(calibration.widths.iter().copied());
        let mut points: Vec<_> = points.filter(|(energy, width)| *energy >= 0.0 && *width > 0.0).collect();
        points.sort_by(|left, right| left.0.total_cmp(&right.0));
        points.dedup_by(|right, left| right.0 <= left.0);
        (!points.is_empty()).then_some(Self::Table(points))
    }

    /// The width at an energy.
    pub fn at(&self, energy: f64) -> f64 {
        match self {
            Self::Root { at, width } => width * (energy.max(0.0) / at).sqrt(),
            Self::Table(points) => held(points, energy),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn widths_between_and_beyond() {
        let nai = Width::SODIUM_IODIDE;
        assert!((nai.at(661.66) - 46.3).abs() < 1e-9);
        assert!((nai.at(4.0 * 661.66) - 92.6).abs() < 1e-9);
        let calibration = WidthCalibration {
            id: "f".to_owned(),
            remarks: Vec::new(),
            energies: vec![59.0, 661.65, 1460.8],
            widths: vec![2.0, 2.2, 2.4],
            uncertainties: None,
            made: None,
        };
        let width = Width::of(&calibration).unwrap();
        for (energy, expected) in [(0.0, 2.0), (59.0, 2.0), (360.325, 2.1), (1460.8, 2.4), (3000.0, 2.4)] {
            assert!((width.at(energy) - expected).abs() < 1e-9, "{energy}");
        }
        let empty = WidthCalibration { widths: Vec::new(), ..calibration };
        assert_eq!(Width::of(&empty), None);
    }
}
