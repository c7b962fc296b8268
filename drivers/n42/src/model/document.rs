//! The whole document.

use super::{
    Analysis, Derived, Detector, EfficiencyCalibration, EnergyCalibration, EnergyWindows, Group, Instrument, Item,
    Measurement, WidthCalibration,
};
use crate::lexical::{DateTime, Id, Name};

node! {
    /// A document: one instrument, its detectors, and what they measured; `RadInstrumentData`.
    Document {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Its number, 8-4-4-4-12 hexadecimal digits.
        uuid: Option<String> = maybe_attribute "n42DocUUID",
        /// When it was written.
        written: Option<DateTime> = maybe_attribute "n42DocDateTime",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// What wrote it.
        creator: Option<Name> = maybe "RadInstrumentDataCreatorName",
        /// The instrument.
        instrument: Instrument = one "RadInstrumentInformation",
        /// Its detectors, one at least.
        detectors: Vec<Detector> = many "RadDetectorInformation",
        /// What was measured.
        items: Vec<Item> = many "RadItemInformation",
        /// Energy calibrations.
        energy_calibrations: Vec<EnergyCalibration> = many "EnergyCalibration",
        /// Width calibrations.
        width_calibrations: Vec<WidthCalibration> = many "FWHMCalibration",
        /// Total efficiencies.
        total_efficiencies: Vec<EfficiencyCalibration> = many "TotalEfficiencyCalibration",
        /// Full-energy peak efficiencies.
        peak_efficiencies: Vec<EfficiencyCalibration> = many "FullEnergyPeakEfficiencyCalibration",
        /// Intrinsic full-energy peak efficiencies.
        intrinsic_peak_efficiencies: Vec<EfficiencyCalibration> = many "IntrinsicFullEnergyPeakEfficiencyCalibration",
        /// Intrinsic single escape peak efficiencies.
        intrinsic_single_escape_efficiencies: Vec<EfficiencyCalibration> =
            many "IntrinsicSingleEscapePeakEfficiencyCalibration",
        /// Intrinsic double escape peak efficiencies.
        intrinsic_double_escape_efficiencies: Vec<EfficiencyCalibration> =
            many "IntrinsicDoubleEscapePeakEfficiencyCalibration",
        /// Energy windows.
        windows: Vec<EnergyWindows> = many "EnergyWindows",
        /// Groups of measurements.
        groups: Vec<Group> = many "RadMeasurementGroup",
        /// Measurements.
        measurements: Vec<Measurement> = many "RadMeasurement",
        /// Derived data.
        derived: Vec<Derived> = many "DerivedData",
        /// Results of algorithms.
        analyses: Vec<Analysis> = many "AnalysisResults",
    }
}

impl Document {
    /// A document of an instrument and its detectors, with nothing measured yet.
    pub fn new(instrument: Instrument, detectors: Vec<Detector>) -> Self {
        Self {
            id: None,
            uuid: None,
            written: None,
            remarks: Vec::new(),
            creator: None,
            instrument,
            detectors,
            items: Vec::new(),
            energy_calibrations: Vec::new(),
            width_calibrations: Vec::new(),
            total_efficiencies: Vec::new(),
            peak_efficiencies: Vec::new(),
            intrinsic_peak_efficiencies: Vec::new(),
            intrinsic_single_escape_efficiencies: Vec::new(),
            intrinsic_double_escape_efficiencies: Vec::new(),
            windows: Vec::new(),
            groups: Vec::new(),
            measurements: Vec::new(),
            derived: Vec::new(),
            analyses: Vec::new(),
        }
    }

    /// The detector with an identifier.
    pub fn detector(&self, id: &str) -> Option<&Detector> {
        self.detectors.iter().find(|it| it.id == id)
    }

    /// The energy calibration with an identifier.
    pub fn energy_calibration(&self, id: &str) -> Option<&EnergyCalibration> {
        self.energy_calibrations.iter().find(|it| it.id == id)
    }

    /// The width calibration with an identifier.
    pub fn width_calibration(&self, id: &str) -> Option<&WidthCalibration> {
        self.width_calibrations.iter().find(|it| it.id == id)
    }
}
