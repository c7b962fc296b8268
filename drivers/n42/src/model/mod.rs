//! The document, typed: each element of the schema that this crate knows, written down once.
//!
//! A type's fields stand in the schema's order, each with the name of its element or attribute, and both directions
//! follow that list. Names are the standard's without the prefix `Rad`; identifiers are plain text and join the parts
//! as in the document, so that what was read can be written again.
//!
//! Values with a physical meaning are exact [`Decimal`](tidewaiter_drivers::Decimal)s in the unit the standard fixes
//! (stated at each field), counts are `u64`. Calibrations are binary fractions: nothing is displayed or signed from
//! them.

#[macro_use]
mod node;

mod analysis;
mod calibration;
mod channels;
mod characteristic;
mod code;
mod document;
mod instrument;
mod item;
mod measurement;
mod place;
mod state;

pub use analysis::{
    Alarm, AlgorithmSetting, AlgorithmVersion, Analysis, CountAnalysis, DoseAnalysis, Nuclide, NuclideAnalysis, Peak,
    PeakAnalysis,
};
pub use calibration::{EfficiencyCalibration, EnergyCalibration, EnergyWindows, Scale, WidthCalibration};
pub use channels::ChannelCounts;
pub use characteristic::{Characteristic, CharacteristicGroup, Characteristics};
pub use code::{
    AlarmCategory, DataClass, DetectorCategory, DetectorKind, InstrumentClass, InstrumentMode, MeasurementClass,
    ResultStatus, Severity, SourceGeometry,
};
pub use document::Document;
pub use instrument::{ComponentVersion, Detector, Instrument, QualityControl};
pub use item::{Item, ItemQuantity};
pub use measurement::{
    Derived, DoseRate, ExposureRate, GrossCounts, Group, Measurement, Spectrum, TotalDose, TotalExposure,
};
pub use place::{GeographicPoint, Location, Orientation, Origin, RelativeLocation, SourcePosition, StateVector};
pub use state::{DetectorState, FaultReport, InstrumentState, ItemState};

pub(crate) use node::{Content, Reading};
