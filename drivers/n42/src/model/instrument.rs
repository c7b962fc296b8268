//! The instrument and its detectors.

use tidewaiter_drivers::Decimal;

use super::{Characteristics, DetectorCategory, DetectorKind, InstrumentClass};
use crate::lexical::{DateTime, Id, Name};

node! {
    /// The instrument; `RadInstrumentInformation`.
    Instrument {
        /// Identifier.
        id: Id = attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Who made it.
        manufacturer: Name = one "RadInstrumentManufacturerName",
        /// Its serial number.
        serial: Option<Name> = maybe "RadInstrumentIdentifier",
        /// Its model.
        model: Name = one "RadInstrumentModelName",
        /// Where it stands, what it is for.
        description: Option<String> = maybe "RadInstrumentDescription",
        /// What kind it is.
        class: InstrumentClass = one "RadInstrumentClassCode",
        /// Versions of its parts, one at least.
        versions: Vec<ComponentVersion> = many "RadInstrumentVersion",
        /// Its last calibration check.
        quality_control: Option<QualityControl> = maybe "RadInstrumentQualityControl",
        /// More about it.
        characteristics: Vec<Characteristics> = many "RadInstrumentCharacteristics",
    }
}

node! {
    /// The version of a part; `RadInstrumentVersion`.
    ComponentVersion {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// The part: `Hardware`, `Software` …
        component: Name = one "RadInstrumentComponentName",
        /// Its version.
        version: Name = one "RadInstrumentComponentVersion",
    }
}

node! {
    /// A calibration check; `RadInstrumentQualityControl`.
    QualityControl {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// When.
        inspected: DateTime = one "InspectionDateTime",
        /// Whether the instrument was found in calibration.
        in_calibration: bool = one "InCalibrationIndicator",
    }
}

node! {
    /// A detector; `RadDetectorInformation`. Lengths are in centimetres, the volume in cubic centimetres.
    Detector {
        /// Identifier.
        id: Id = attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Its name.
        name: Option<String> = maybe "RadDetectorName",
        /// What it detects.
        category: DetectorCategory = one "RadDetectorCategoryCode",
        /// What it is made of.
        kind: DetectorKind = one "RadDetectorKindCode",
        /// In words.
        description: Option<String> = maybe "RadDetectorDescription",
        /// Length.
        length: Option<Decimal> = maybe "RadDetectorLengthValue",
        /// Width.
        width: Option<Decimal> = maybe "RadDetectorWidthValue",
        /// Depth.
        depth: Option<Decimal> = maybe "RadDetectorDepthValue",
        /// Diameter.
        diameter: Option<Decimal> = maybe "RadDetectorDiameterValue",
        /// Volume.
        volume: Option<Decimal> = maybe "RadDetectorVolumeValue",
        /// More about it.
        characteristics: Vec<Characteristics> = many "RadDetectorCharacteristics",
    }
}

impl Instrument {
    /// An instrument with what the standard requires.
    pub fn new(
        id: impl Into<Id>,
        manufacturer: Name,
        model: Name,
        class: InstrumentClass,
        version: ComponentVersion,
    ) -> Self {
        Self {
            id: id.into(),
            remarks: Vec::new(),
            manufacturer,
            serial: None,
            model,
            description: None,
            class,
            versions: vec![version],
            quality_control: None,
            characteristics: Vec::new(),
        }
    }
}

impl ComponentVersion {
    /// The version of a part.
    pub fn new(component: Name, version: Name) -> Self {
        Self { id: None, remarks: Vec::new(), component, version }
    }
}

impl Detector {
    /// A detector with what the standard requires.
    pub fn new(id: impl Into<Id>, category: DetectorCategory, kind: DetectorKind) -> Self {
        Self {
            id: id.into(),
            remarks: Vec::new(),
            name: None,
            category,
            kind,
            description: None,
            length: None,
            width: None,
            depth: None,
            diameter: None,
            volume: None,
            characteristics: Vec::new(),
        }
    }
}
