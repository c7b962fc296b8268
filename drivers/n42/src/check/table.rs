//! Which element or attribute has which rule, as the schema and its Schematron state them.

/// Reference attributes and the elements they may name.
pub(super) const TARGETS: &[(&str, &[&str])] = &[
    ("radInstrumentInformationReference", &["RadInstrumentInformation"]),
    ("radDetectorInformationReference", &["RadDetectorInformation"]),
    ("radDetectorInformationReferences", &["RadDetectorInformation"]),
    ("radItemInformationReference", &["RadItemInformation"]),
    ("radItemInformationReferences", &["RadItemInformation"]),
    ("radMeasurementReferences", &["RadMeasurement"]),
    ("radMeasurementGroupReferences", &["RadMeasurementGroup"]),
    ("derivedDataReferences", &["DerivedData"]),
    ("energyCalibrationReference", &["EnergyCalibration"]),
    ("energyWindowsReference", &["EnergyWindows"]),
    ("FWHMCalibrationReference", &["FWHMCalibration"]),
    ("totalEfficiencyCalibrationReference", &["TotalEfficiencyCalibration"]),
    ("fullEnergyPeakEfficiencyCalibrationReference", &["FullEnergyPeakEfficiencyCalibration"]),
    ("intrinsicFullEnergyPeakEfficiencyCalibrationReference", &["IntrinsicFullEnergyPeakEfficiencyCalibration"]),
    ("intrinsicSingleEscapePeakEfficiencyCalibrationReference", &["IntrinsicSingleEscapePeakEfficiencyCalibration"]),
    ("intrinsicDoubleEscapePeakEfficiencyCalibrationReference", &["IntrinsicDoubleEscapePeakEfficiencyCalibration"]),
    ("radRawSpectrumReferences", &["Spectrum"]),
    ("radRawGrossCountsReferences", &["GrossCounts"]),
    ("radRawDoseRateReferences", &["DoseRate"]),
    ("radRawTotalDoseReferences", &["TotalDose"]),
    ("radRawExposureRateReferences", &["ExposureRate"]),
    ("radRawTotalExposureReferences", &["TotalExposure"]),
    ("originReference", &["RadInstrumentInformation", "RadDetectorInformation", "RadItemInformation"]),
];

/// Elements whose text is a name.
pub(super) const NAMES: &[&str] = &[
    "RadInstrumentDataCreatorName",
    "RadInstrumentManufacturerName",
    "RadInstrumentIdentifier",
    "RadInstrumentModelName",
    "RadInstrumentComponentName",
    "RadInstrumentComponentVersion",
    "RadItemQuantityUnits",
    "CharacteristicGroupName",
    "CharacteristicName",
    "CharacteristicValue",
    "CharacteristicValueUnits",
    "AnalysisAlgorithmComponentName",
    "AnalysisAlgorithmComponentVersion",
    "AnalysisAlgorithmSettingName",
    "AnalysisAlgorithmSettingValue",
    "AnalysisAlgorithmSettingUnits",
    "LocationDescription",
    "NuclideName",
];

/// Elements and attributes that are times; all of them must lie in the past.
pub(super) const TIMES: &[&str] = &[
    "n42DocDateTime",
    "valueDateTime",
    "StartDateTime",
    "InspectionDateTime",
    "CalibrationDateTime",
    "AnalysisStartDateTime",
    "RadAlarmDateTime",
];

/// What a number, or each number of a list, must be.
#[derive(Clone, Copy)]
pub(super) enum Range {
    /// 0 or more.
    NotNegative,
    /// Above 0.
    Positive,
    /// From the first to the second, both allowed.
    Between(i16, i16, &'static str),
}

const PERCENT: Range = Range::Between(0, 100, "0 to 100");
const QUARTER: Range = Range::Between(-90, 90, "-90 to 90");
const HALF: Range = Range::Between(-180, 180, "-180 to 180");

/// Elements with a range.
pub(super) const RANGES: &[(&str, Range)] = &[
    ("RadDetectorLengthValue", Range::Positive),
    ("RadDetectorWidthValue", Range::Positive),
    ("RadDetectorDepthValue", Range::Positive),
    ("RadDetectorDiameterValue", Range::Positive),
    ("RadDetectorVolumeValue", Range::Positive),
    ("RadItemQuantityValue", Range::Positive),
    ("RadItemQuantityUncertaintyValue", Range::Positive),
    ("EnergyBoundaryValues", Range::NotNegative),
    ("EnergyValues", Range::NotNegative),
    ("FWHMValues", Range::Positive),
    ("FWHMUncertaintyValues", Range::NotNegative),
    ("EfficiencyValues", Range::NotNegative),
    ("EfficiencyUncertaintyValues", Range::NotNegative),
    ("WindowStartEnergyValues", Range::NotNegative),
    ("WindowEndEnergyValues", Range::NotNegative),
    ("DoseRateValue", Range::NotNegative),
    ("ExposureRateValue", Range::NotNegative),
    ("TotalDose", Range::NotNegative),
    ("TotalExposure", Range::NotNegative),
    ("AnalysisConfidenceValue", PERCENT),
    ("RadAlarmEnergyWindowIndices", Range::Positive),
    ("NuclideActivityUncertaintyValue", Range::NotNegative),
    ("NuclideMinimumDetectableActivityValue", Range::Positive),
    ("NuclideIDConfidenceValue", PERCENT),
    ("NuclideIDConfidenceUncertaintyValue", Range::Between(0, 1, "0 to 1")),
    ("NuclideShieldingAtomicNumber", Range::Positive),
    ("NuclideShieldingArealDensityValue", Range::NotNegative),
    ("NuclideAnalysisReducedChiSquareValue", Range::NotNegative),
    ("SpectrumPeakEnergyValue", Range::Positive),
    ("SpectrumPeakExpectedEnergyValue", Range::Positive),
    ("SpectrumPeakFWHMValue", Range::Positive),
    ("SpectrumPeakNetAreaUncertaintyValue", Range::NotNegative),
    ("AverageCountRateValue", Range::NotNegative),
    ("AverageCountRateUncertaintyValue", Range::NotNegative),
    ("MaximumCountRateValue", Range::NotNegative),
    ("MinimumCountRateValue", Range::NotNegative),
    ("TotalCountsValue", Range::NotNegative),
    ("BackgroundCountRateValue", Range::NotNegative),
    ("BackgroundCountRateUncertaintyValue", Range::NotNegative),
    ("AverageDoseRateValue", Range::NotNegative),
    ("AverageDoseRateUncertaintyValue", Range::NotNegative),
    ("MaximumDoseRateValue", Range::NotNegative),
    ("MinimumDoseRateValue", Range::NotNegative),
    ("BackgroundDoseRateValue", Range::NotNegative),
    ("BackgroundDoseRateUncertaintyValue", Range::NotNegative),
    ("LatitudeValue", QUARTER),
    ("LongitudeValue", HALF),
    ("GeoPointAccuracyValue", Range::NotNegative),
    ("ElevationAccuracyValue", Range::NotNegative),
    ("ElevationOffsetAccuracyValue", Range::Positive),
    ("AzimuthValue", HALF),
    ("InclinationValue", QUARTER),
    ("RollValue", HALF),
    ("RelativeLocationAzimuthValue", HALF),
    ("RelativeLocationInclinationValue", QUARTER),
    ("DistanceValue", Range::NotNegative),
];

/// Lists that ascend strictly.
pub(super) const ASCENDING: &[&str] = &["EnergyBoundaryValues", "EnergyValues"];

/// Lists that do not descend.
pub(super) const NOT_DESCENDING: &[&str] = &["WindowStartEnergyValues"];

/// Attributes that are document or group numbers.
pub(super) const UUIDS: &[&str] = &["n42DocUUID", "radMeasurementGroupUUID"];
