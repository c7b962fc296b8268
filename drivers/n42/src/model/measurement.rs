//! Measurements: spectra, counts, dose rates.

use tidewaiter_drivers::Decimal;

use super::{ChannelCounts, DetectorState, InstrumentState, ItemState, MeasurementClass};
use crate::lexical::{DateTime, Duration, Id, Ids};

node! {
    /// One measurement, or one time slice of a passage; `RadMeasurement`.
    Measurement {
        /// Identifier.
        id: Id = attribute "id",
        /// Groups it belongs to.
        groups: Option<Ids> = maybe_attribute "radMeasurementGroupReferences",
        /// Items that were measured.
        items: Option<Ids> = maybe_attribute "radItemInformationReferences",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// What it is of.
        class: MeasurementClass = one "MeasurementClassCode",
        /// When it began, by the instrument's clock.
        started: DateTime = one "StartDateTime",
        /// How long it took.
        real_time: Duration = one "RealTimeDuration",
        /// Spectra, at most one of each detector.
        spectra: Vec<Spectrum> = many "Spectrum",
        /// Gross counts, at most one of each detector.
        gross_counts: Vec<GrossCounts> = many "GrossCounts",
        /// Dose rates.
        dose_rates: Vec<DoseRate> = many "DoseRate",
        /// Accumulated doses.
        total_doses: Vec<TotalDose> = many "TotalDose",
        /// Exposure rates.
        exposure_rates: Vec<ExposureRate> = many "ExposureRate",
        /// Accumulated exposures.
        total_exposures: Vec<TotalExposure> = many "TotalExposure",
        /// State of the instrument.
        instrument_state: Option<InstrumentState> = maybe "RadInstrumentState",
        /// States of detectors.
        detector_states: Vec<DetectorState> = many "RadDetectorState",
        /// States of items.
        item_states: Vec<ItemState> = many "RadItemState",
        /// Whether an item was in the field of view.
        occupied: Option<bool> = maybe "OccupancyIndicator",
    }
}

node! {
    /// Data computed from measurements; `DerivedData`. Spectra with fractions of counts are not read.
    Derived {
        /// Identifier.
        id: Id = attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// What it is of.
        class: MeasurementClass = one "MeasurementClassCode",
        /// When it began.
        started: DateTime = one "StartDateTime",
        /// How long it took.
        real_time: Duration = one "RealTimeDuration",
        /// Spectra.
        spectra: Vec<Spectrum> = counted "Spectrum",
        /// Gross counts.
        gross_counts: Vec<GrossCounts> = counted "GrossCounts",
        /// Dose rates.
        dose_rates: Vec<DoseRate> = many "DoseRate",
        /// Accumulated doses.
        total_doses: Vec<TotalDose> = many "TotalDose",
        /// Exposure rates.
        exposure_rates: Vec<ExposureRate> = many "ExposureRate",
        /// Accumulated exposures.
        total_exposures: Vec<TotalExposure> = many "TotalExposure",
    }
}

node! {
    /// A group of measurements; `RadMeasurementGroup`.
    Group {
        /// Identifier.
        id: Id = attribute "id",
        /// Its number across documents.
        uuid: Option<String> = maybe_attribute "radMeasurementGroupUUID",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// What it is.
        description: Option<String> = maybe "RadMeasurementGroupDescription",
    }
}

node! {
    /// Counts per channel; `Spectrum`.
    Spectrum {
        /// Identifier.
        id: Id = attribute "id",
        /// The detector.
        detector: Option<Id> = maybe_attribute "radDetectorInformationReference",
        /// Its energy calibration.
        energy_calibration: Id = attribute "energyCalibrationReference",
        /// Its width calibration.
        width_calibration: Option<Id> = maybe_attribute "FWHMCalibrationReference",
        /// Total efficiency.
        total_efficiency: Option<Id> = maybe_attribute "totalEfficiencyCalibrationReference",
        /// Full-energy peak efficiency.
        peak_efficiency: Option<Id> = maybe_attribute "fullEnergyPeakEfficiencyCalibrationReference",
        /// Intrinsic full-energy peak efficiency.
        intrinsic_peak_efficiency: Option<Id> = maybe_attribute "intrinsicFullEnergyPeakEfficiencyCalibrationReference",
        /// Intrinsic single escape peak efficiency.
        intrinsic_single_escape_efficiency: Option<Id> =
            maybe_attribute "intrinsicSingleEscapePeakEfficiencyCalibrationReference",
        /// Intrinsic double escape peak efficiency.
        intrinsic_double_escape_efficiency: Option<Id> =
            maybe_attribute "intrinsicDoubleEscapePeakEfficiencyCalibrationReference",
        /// In derived data, the spectra it was made of.
        raw: Option<Ids> = maybe_attribute "radRawSpectrumReferences",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// How long the detector could count.
        live_time: Duration = one "LiveTimeDuration",
        /// The counts.
        counts: ChannelCounts = one "ChannelData",
    }
}

node! {
    /// Counts over the whole range or per energy window; `GrossCounts`.
    GrossCounts {
        /// Identifier.
        id: Id = attribute "id",
        /// The detector.
        detector: Id = attribute "radDetectorInformationReference",
        /// The windows, where counted in such.
        windows: Option<Id> = maybe_attribute "energyWindowsReference",
        /// In derived data, the gross counts it was made of.
        raw: Option<Ids> = maybe_attribute "radRawGrossCountsReferences",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// How long the detector could count.
        live_time: Duration = one "LiveTimeDuration",
        /// One value, or one for each window.
        counts: Vec<u64> = one "CountData",
        /// The same since the instrument was reset.
        totals: Option<Vec<u64>> = maybe "TotalCountData",
    }
}

node! {
    /// Ambient dose-equivalent rate; `DoseRate`.
    DoseRate {
        /// Identifier.
        id: Id = attribute "id",
        /// The detector.
        detector: Id = attribute "radDetectorInformationReference",
        /// In derived data, the dose rates it was made of.
        raw: Option<Ids> = maybe_attribute "radRawDoseRateReferences",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Its value in microsievert per hour.
        value: Option<Decimal> = maybe "DoseRateValue",
        /// Its level in words.
        level: Option<String> = maybe "DoseRateLevelDescription",
    }
}

node! {
    /// Exposure rate; `ExposureRate`.
    ExposureRate {
        /// Identifier.
        id: Id = attribute "id",
        /// The detector.
        detector: Id = attribute "radDetectorInformationReference",
        /// In derived data, the exposure rates it was made of.
        raw: Option<Ids> = maybe_attribute "radRawExposureRateReferences",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Its value in milliroentgen per hour.
        value: Option<Decimal> = maybe "ExposureRateValue",
        /// Its level in words.
        level: Option<String> = maybe "ExposureRateLevelDescription",
    }
}

node! {
    /// Ambient dose equivalent since the last reset; `TotalDose`.
    TotalDose {
        /// Identifier.
        id: Id = attribute "id",
        /// The detector.
        detector: Id = attribute "radDetectorInformationReference",
        /// In derived data, the doses it was made of.
        raw: Option<Ids> = maybe_attribute "radRawTotalDoseReferences",
        /// Its value in microsievert.
        value: Decimal = text,
    }
}

node! {
    /// Exposure since the last reset; `TotalExposure`.
    TotalExposure {
        /// Identifier.
        id: Id = attribute "id",
        /// The detector.
        detector: Id = attribute "radDetectorInformationReference",
        /// In derived data, the exposures it was made of.
        raw: Option<Ids> = maybe_attribute "radRawTotalExposureReferences",
        /// Its value in milliroentgen.
        value: Decimal = text,
    }
}

impl Measurement {
    /// A measurement with nothing measured yet.
    pub fn new(id: impl Into<Id>, class: MeasurementClass, started: DateTime, real_time: Duration) -> Self {
        Self {
            id: id.into(),
            groups: None,
            items: None,
            remarks: Vec::new(),
            class,
            started,
            real_time,
            spectra: Vec::new(),
            gross_counts: Vec::new(),
            dose_rates: Vec::new(),
            total_doses: Vec::new(),
            exposure_rates: Vec::new(),
            total_exposures: Vec::new(),
            instrument_state: None,
            detector_states: Vec::new(),
            item_states: Vec::new(),
            occupied: None,
        }
    }
}

impl Spectrum {
    /// A spectrum of a detector.
    pub fn new(
        id: impl Into<Id>,
        detector: impl Into<Id>,
        energy_calibration: impl Into<Id>,
        live_time: Duration,
        counts: Vec<u64>,
    ) -> Self {
        Self {
            id: id.into(),
            detector: Some(detector.into()),
            energy_calibration: energy_calibration.into(),
            width_calibration: None,
            total_efficiency: None,
            peak_efficiency: None,
            intrinsic_peak_efficiency: None,
            intrinsic_single_escape_efficiency: None,
            intrinsic_double_escape_efficiency: None,
            raw: None,
            remarks: Vec::new(),
            live_time,
            counts: counts.into(),
        }
    }
}

impl GrossCounts {
    /// Gross counts of a detector over its whole range.
    pub fn new(id: impl Into<Id>, detector: impl Into<Id>, live_time: Duration, count: u64) -> Self {
        Self {
            id: id.into(),
            detector: detector.into(),
            windows: None,
            raw: None,
            remarks: Vec::new(),
            live_time,
            counts: vec![count],
            totals: None,
        }
    }

    /// All windows together; `None` beyond 64 bits.
    pub fn total(&self) -> Option<u64> {
        self.counts.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count))
    }
}

impl DoseRate {
    /// A dose rate in microsievert per hour.
    pub fn new(id: impl Into<Id>, detector: impl Into<Id>, microsievert_per_hour: Decimal) -> Self {
        Self {
            id: id.into(),
            detector: detector.into(),
            raw: None,
            remarks: Vec::new(),
            value: Some(microsievert_per_hour),
            level: None,
        }
    }
}
