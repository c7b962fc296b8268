//! Calibrations and energy windows. Energies are in kiloelectronvolt.

use super::node::{Content, Part, Reading, Take};
use crate::{
    error::{Fault, ReadError},
    lexical::{DateTime, Id},
    xml::Sink,
};

node! {
    /// Which energy a channel has; `EnergyCalibration`.
    EnergyCalibration {
        /// Identifier.
        id: Id = attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// The scale.
        scale: Scale = part,
        /// Energies as the scale gives them, at which deviations are stated; ascending.
        energies: Option<Vec<f64>> = maybe "EnergyValues",
        /// True energy minus the scale's, at those energies; between them by interpolation.
        deviations: Option<Vec<f64>> = maybe "EnergyDeviationValues",
        /// When it was made.
        made: Option<DateTime> = maybe "CalibrationDateTime",
    }
}

/// The two ways to state an energy scale.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// `E = t0 + t1·c + t2·c²`; channel `c` begins at `c` and ends at `c + 1`.
    Polynomial([f64; 3]),
    /// The energy at which each channel begins and, as the last value, the last one ends; ascending.
    Boundaries(Vec<f64>),
}

impl Part for Scale {
    fn take(take: &mut Take<'_>, reading: &mut Reading<'_>) -> Result<Self, ReadError> {
        const BOTH: &str = "CoefficientValues and EnergyBoundaryValues";
        let coefficients = take.optional("CoefficientValues", reading)?;
        let boundaries = take.optional("EnergyBoundaryValues", reading)?;
        match (coefficients, boundaries) {
            (Some(coefficients), None) => Ok(Self::Polynomial(coefficients)),
            (None, Some(boundaries)) => Ok(Self::Boundaries(boundaries)),
            (None, None) => Err(take.error(reading, Fault::Missing("CoefficientValues or EnergyBoundaryValues"))),
            (Some(_), Some(_)) => Err(take.error(reading, Fault::Together(BOTH))),
        }
    }

    fn put(&self, out: &mut dyn Sink) {
        match self {
            Self::Polynomial(coefficients) => coefficients.write("CoefficientValues", out),
            Self::Boundaries(boundaries) => boundaries.write("EnergyBoundaryValues", out),
        }
    }
}

node! {
    /// How wide a line is at an energy; `FWHMCalibration`.
    WidthCalibration {
        /// Identifier.
        id: Id = attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Energies, ascending.
        energies: Vec<f64> = one "EnergyValues",
        /// Full width at half maximum at each, above 0.
        widths: Vec<f64> = one "FWHMValues",
        /// Uncertainty of each.
        uncertainties: Option<Vec<f64>> = maybe "FWHMUncertaintyValues",
        /// When it was made.
        made: Option<DateTime> = maybe "CalibrationDateTime",
    }
}

node! {
    /// Which part of the photons of an energy is counted; one of the five efficiency calibrations.
    EfficiencyCalibration {
        /// Identifier.
        id: Id = attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Energies, ascending.
        energies: Vec<f64> = one "EnergyValues",
        /// Efficiency at each, as a fraction.
        efficiencies: Vec<f64> = one "EfficiencyValues",
        /// Standard uncertainty of each.
        uncertainties: Option<Vec<f64>> = maybe "EfficiencyUncertaintyValues",
        /// When it was made.
        made: Option<DateTime> = maybe "CalibrationDateTime",
    }
}

node! {
    /// Energy windows that gross counts are counted in; `EnergyWindows`.
    EnergyWindows {
        /// Identifier.
        id: Id = attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Where each begins.
        starts: Vec<f64> = one "WindowStartEnergyValues",
        /// Where each ends.
        ends: Vec<f64> = one "WindowEndEnergyValues",
    }
}

impl EnergyCalibration {
    /// A calibration by polynomial.
    pub fn polynomial(id: impl Into<Id>, coefficients: [f64; 3]) -> Self {
        Self {
            id: id.into(),
            remarks: Vec::new(),
            scale: Scale::Polynomial(coefficients),
            energies: None,
            deviations: None,
            made: None,
        }
    }
}
