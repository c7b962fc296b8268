//! What an algorithm made of measurements: alarms, nuclides, peaks.

use tidewaiter_drivers::Decimal;

use super::{AlarmCategory, FaultReport, ResultStatus, SourceGeometry, SourcePosition};
use crate::lexical::{DateTime, Duration, Id, Ids, Name};

node! {
    /// The results of one algorithm; `AnalysisResults`. Exactly one of the three references says of what.
    Analysis {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Of measurements.
        measurements: Option<Ids> = maybe_attribute "radMeasurementReferences",
        /// Of groups of measurements.
        groups: Option<Ids> = maybe_attribute "radMeasurementGroupReferences",
        /// Of derived data.
        derived: Option<Ids> = maybe_attribute "derivedDataReferences",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// When it began.
        started: Option<DateTime> = maybe "AnalysisStartDateTime",
        /// How long it took.
        took: Option<Duration> = maybe "AnalysisComputationDuration",
        /// The algorithm.
        algorithm: Option<String> = maybe "AnalysisAlgorithmName",
        /// Who made the algorithm.
        creator: Option<String> = maybe "AnalysisAlgorithmCreatorName",
        /// The algorithm in words.
        description: Option<String> = maybe "AnalysisAlgorithmDescription",
        /// Versions of its parts.
        versions: Vec<AlgorithmVersion> = many "AnalysisAlgorithmVersion",
        /// Its settings.
        settings: Vec<AlgorithmSetting> = many "AnalysisAlgorithmSetting",
        /// Whether it succeeded.
        status: Option<ResultStatus> = maybe "AnalysisResultStatusCode",
        /// Its confidence in per cent.
        confidence: Option<Decimal> = maybe "AnalysisConfidenceValue",
        /// Its result in words.
        result: Option<String> = maybe "AnalysisResultDescription",
        /// Alarms.
        alarms: Vec<Alarm> = many "RadAlarm",
        /// Nuclides.
        nuclides: Option<NuclideAnalysis> = maybe "NuclideAnalysisResults",
        /// Peaks.
        peaks: Option<PeakAnalysis> = maybe "SpectrumPeakAnalysisResults",
        /// Count rates.
        counts: Option<CountAnalysis> = maybe "GrossCountAnalysisResults",
        /// Dose rates.
        dose: Option<DoseAnalysis> = maybe "DoseAnalysisResults",
        /// What went wrong.
        faults: Vec<FaultReport> = many "Fault",
    }
}

node! {
    /// The version of a part of an algorithm; `AnalysisAlgorithmVersion`.
    AlgorithmVersion {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// The part.
        component: Name = one "AnalysisAlgorithmComponentName",
        /// Its version.
        version: Name = one "AnalysisAlgorithmComponentVersion",
    }
}

node! {
    /// A setting of an algorithm; `AnalysisAlgorithmSetting`.
    AlgorithmSetting {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Its name.
        name: Name = one "AnalysisAlgorithmSettingName",
        /// Its value.
        value: Name = one "AnalysisAlgorithmSettingValue",
        /// Its unit.
        units: Name = one "AnalysisAlgorithmSettingUnits",
    }
}

node! {
    /// An alarm of the instrument; `RadAlarm`.
    Alarm {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// The detectors that made it.
        detectors: Ids = attribute "radDetectorInformationReferences",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// When.
        at: Option<DateTime> = maybe "RadAlarmDateTime",
        /// What it is about.
        category: AlarmCategory = one "RadAlarmCategoryCode",
        /// In words.
        description: Option<String> = maybe "RadAlarmDescription",
        /// Whether it could be heard.
        audible: Option<bool> = maybe "AlarmAudibleIndicator",
        /// The colour of its light.
        light: Option<String> = maybe "RadAlarmLightColor",
        /// The energy windows that made it, from 1.
        windows: Option<Vec<u64>> = maybe "RadAlarmEnergyWindowIndices",
    }
}

node! {
    /// Nuclides; `NuclideAnalysisResults`.
    NuclideAnalysis {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// The nuclides looked for or found.
        nuclides: Vec<Nuclide> = many "Nuclide",
        /// Reduced χ² of the fit.
        chi_square: Option<Decimal> = maybe "NuclideAnalysisReducedChiSquareValue",
    }
}

node! {
    /// One nuclide; `Nuclide`. At least one of the three kinds of confidence is stated.
    Nuclide {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Whether it was identified.
        identified: bool = one "NuclideIdentifiedIndicator",
        /// Its name, such as `Cs-137`.
        name: Name = one "NuclideName",
        /// Its activity in kilobecquerel.
        activity: Option<Decimal> = maybe "NuclideActivityValue",
        /// Standard uncertainty of the activity in kilobecquerel.
        activity_uncertainty: Option<Decimal> = maybe "NuclideActivityUncertaintyValue",
        /// The smallest activity that would have been detected, in kilobecquerel, above 0.
        detectable_activity: Option<Decimal> = maybe "NuclideMinimumDetectableActivityValue",
        /// Confidence in per cent.
        confidence: Option<Decimal> = maybe "NuclideIDConfidenceValue",
        /// Standard uncertainty of the confidence, 0 to 1.
        confidence_uncertainty: Option<Decimal> = maybe "NuclideIDConfidenceUncertaintyValue",
        /// Confidence in words.
        confidence_description: Option<String> = maybe "NuclideIDConfidenceDescription",
        /// Its category: industrial, medical, natural …
        category: Option<String> = maybe "NuclideCategoryDescription",
        /// The shape of the source.
        geometry: Option<SourceGeometry> = maybe "NuclideSourceGeometryCode",
        /// Where it is.
        position: Option<SourcePosition> = maybe "SourcePosition",
        /// Atomic number of the shielding.
        shielding_number: Option<Decimal> = maybe "NuclideShieldingAtomicNumber",
        /// Areal density of the shielding in gram per square centimetre.
        shielding_density: Option<Decimal> = maybe "NuclideShieldingArealDensityValue",
    }
}

node! {
    /// Peaks; `SpectrumPeakAnalysisResults`.
    PeakAnalysis {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// The peaks.
        peaks: Vec<Peak> = many "SpectrumPeak",
    }
}

node! {
    /// One peak; `SpectrumPeak`. Energies are in kiloelectronvolt, above 0.
    Peak {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Where it was found.
        energy: Decimal = one "SpectrumPeakEnergyValue",
        /// Where it was expected.
        expected: Option<Decimal> = maybe "SpectrumPeakExpectedEnergyValue",
        /// Its full width at half maximum.
        width: Option<Decimal> = maybe "SpectrumPeakFWHMValue",
        /// Its net counts.
        area: Option<Decimal> = maybe "SpectrumPeakNetAreaValue",
        /// Standard uncertainty of the net counts.
        area_uncertainty: Option<Decimal> = maybe "SpectrumPeakNetAreaUncertaintyValue",
    }
}

node! {
    /// Count rates over measurements, in counts per second; `GrossCountAnalysisResults`.
    CountAnalysis {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Average.
        average: Option<Decimal> = maybe "AverageCountRateValue",
        /// Standard uncertainty of the average.
        average_uncertainty: Option<Decimal> = maybe "AverageCountRateUncertaintyValue",
        /// Maximum.
        maximum: Option<Decimal> = maybe "MaximumCountRateValue",
        /// Minimum.
        minimum: Option<Decimal> = maybe "MinimumCountRateValue",
        /// All counts together.
        total: Option<Decimal> = maybe "TotalCountsValue",
        /// Background.
        background: Option<Decimal> = maybe "BackgroundCountRateValue",
        /// Standard uncertainty of the background.
        background_uncertainty: Option<Decimal> = maybe "BackgroundCountRateUncertaintyValue",
        /// Where the source is.
        position: Option<SourcePosition> = maybe "SourcePosition",
    }
}

node! {
    /// Dose rates over measurements, in microsievert per hour; `DoseAnalysisResults`. The total dose, which has an
    /// identifier of its own, is not read.
    DoseAnalysis {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Average.
        average: Option<Decimal> = maybe "AverageDoseRateValue",
        /// Standard uncertainty of the average.
        average_uncertainty: Option<Decimal> = maybe "AverageDoseRateUncertaintyValue",
        /// Maximum.
        maximum: Option<Decimal> = maybe "MaximumDoseRateValue",
        /// Minimum.
        minimum: Option<Decimal> = maybe "MinimumDoseRateValue",
        /// Background.
        background: Option<Decimal> = maybe "BackgroundDoseRateValue",
        /// Standard uncertainty of the background.
        background_uncertainty: Option<Decimal> = maybe "BackgroundDoseRateUncertaintyValue",
        /// Where the source is.
        position: Option<SourcePosition> = maybe "SourcePosition",
    }
}

impl Analysis {
    /// Results of an algorithm about measurements, empty so far.
    pub fn of_measurements(measurements: Ids) -> Self {
        Self {
            id: None,
            measurements: Some(measurements),
            groups: None,
            derived: None,
            remarks: Vec::new(),
            started: None,
            took: None,
            algorithm: None,
            creator: None,
            description: None,
            versions: Vec::new(),
            settings: Vec::new(),
            status: None,
            confidence: None,
            result: None,
            alarms: Vec::new(),
            nuclides: None,
            peaks: None,
            counts: None,
            dose: None,
            faults: Vec::new(),
        }
    }
}

impl Alarm {
    /// An alarm of detectors.
    pub fn new(detectors: Ids, category: AlarmCategory) -> Self {
        Self {
            id: None,
            detectors,
            remarks: Vec::new(),
            at: None,
            category,
            description: None,
            audible: None,
            light: None,
            windows: None,
        }
    }
}

impl Nuclide {
    /// A nuclide with a confidence in words, which the standard asks for at least.
    pub fn new(name: Name, identified: bool, confidence: impl Into<String>) -> Self {
        Self {
            id: None,
            remarks: Vec::new(),
            identified,
            name,
            activity: None,
            activity_uncertainty: None,
            detectable_activity: None,
            confidence: None,
            confidence_uncertainty: None,
            confidence_description: Some(confidence.into()),
            category: None,
            geometry: None,
            position: None,
            shielding_number: None,
            shielding_density: None,
        }
    }
}

impl Peak {
    /// A peak at an energy.
    pub fn new(energy: Decimal) -> Self {
        Self { id: None, remarks: Vec::new(), energy, expected: None, width: None, area: None, area_uncertainty: None }
    }
}
