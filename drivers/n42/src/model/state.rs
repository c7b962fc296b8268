//! The state of instrument, detectors and item during a measurement.

use super::{Characteristics, InstrumentMode, Severity, StateVector};
use crate::lexical::Id;

node! {
    /// State of the instrument; `RadInstrumentState`.
    InstrumentState {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// The instrument.
        instrument: Id = attribute "radInstrumentInformationReference",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// What it was doing.
        mode: Option<InstrumentMode> = maybe "RadInstrumentModeCode",
        /// The same in words.
        mode_description: Option<String> = maybe "RadInstrumentModeDescription",
        /// Where it was.
        vector: Option<StateVector> = maybe "StateVector",
        /// What was wrong with it.
        faults: Vec<FaultReport> = many "Fault",
        /// More about it.
        characteristics: Vec<Characteristics> = many "RadInstrumentCharacteristics",
    }
}

node! {
    /// State of a detector; `RadDetectorState`.
    DetectorState {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// The detector.
        detector: Id = attribute "radDetectorInformationReference",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Where it was.
        vector: Option<StateVector> = maybe "StateVector",
        /// What was wrong with it.
        faults: Vec<FaultReport> = many "Fault",
        /// More about it.
        characteristics: Vec<Characteristics> = many "RadDetectorCharacteristics",
    }
}

node! {
    /// State of the measured item; `RadItemState`.
    ItemState {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// The item.
        item: Id = attribute "radItemInformationReference",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Where it was and how fast it went.
        vector: Option<StateVector> = maybe "StateVector",
        /// More about it.
        characteristics: Vec<Characteristics> = many "RadItemCharacteristics",
    }
}

node! {
    /// Something wrong, as the instrument tells it; `Fault`.
    FaultReport {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// The instrument's code.
        code: String = one "FaultCodeValue",
        /// In words.
        description: String = one "FaultDescription",
        /// How bad.
        severity: Severity = one "FaultSeverityCode",
    }
}
