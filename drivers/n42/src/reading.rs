//! A measurement as channels, like every driver's statement.
//!
//! | channel | unit | from |
//! |---|---|---|
//! | `gamma-counts`, `neutron-counts`, `alpha-counts`, `beta-counts` | counts | gross counts of all detectors of the category |
//! | `spectrum-counts` | counts | all channels of all gamma spectra |
//! | `dose-rate` | µSv/h | ambient dose-equivalent rate |
//! | `exposure-rate` | mR/h | exposure rate |
//! | `dose` | µSv | ambient dose equivalent since the last reset |
//! | `speed` | m/s | speed of the measured item |
//! | `real-time` | s | how long the measurement took |
//!
//! Where more than one detector states a quantity, each has a channel of its own as well, numbered from 1 in the
//! order of the document: `dose-rate-1`, `dose-rate-2`. Dose rates are not added up: the first channel is then the
//! highest of them.

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Channels, Flaw, Indication, Missing, Outcome, Quality},
};

use crate::{
    Document,
    model::{DetectorCategory, FaultReport, Measurement, Severity},
};

/// Most numbered channels of one quantity: a portal has a few dozen detectors at most.
const MAX_NUMBERED: usize = 99;

/// A measurement with the document it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    document: &'a Document,
    measurement: &'a Measurement,
}

impl<'a> Measured<'a> {
    /// Sees a measurement of a document as channels.
    pub const fn new(document: &'a Document, measurement: &'a Measurement) -> Self {
        Self { document, measurement }
    }

    /// What the instrument says about itself: a fatal fault takes every value, a failed check their credit.
    fn quality(&self) -> Result<Quality, Missing> {
        if let Some(state) = &self.measurement.instrument_state {
            fatal(&state.faults)?;
        }
        match &self.document.instrument.quality_control {
            Some(control) if !control.in_calibration => Ok(Quality::Bad(Flaw::FunctionCheckOverdue)),
            _ => Ok(Quality::Good),
        }
    }

    fn detector(&self, id: &str) -> Result<Quality, Missing> {
        for state in self.measurement.detector_states.iter().filter(|state| state.detector == id) {
            fatal(&state.faults)?;
        }
        self.quality()
    }

    fn category(&self, id: &str) -> Option<DetectorCategory> {
        self.document.detector(id).map(|it| it.category)
    }

    fn outcome(&self, detector: &str, value: Option<Decimal>, unit: Unit) -> Outcome {
        let quality = self.detector(detector)?;
        value.map(|value| Indication { value, unit, quality }).ok_or(Missing::NotPresent)
    }

    fn counted(&self, detector: &str, count: Option<u64>) -> Outcome {
        let count = count.and_then(|it| i64::try_from(it).ok()).ok_or(Missing::Overrange)?;
        self.outcome(detector, Some(Decimal::whole(count)), Unit::Count)
    }
}

impl Channels for Measured<'_> {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let it = self.measurement;
        for (name, category) in [
            ("gamma-counts", DetectorCategory::Gamma),
            ("neutron-counts", DetectorCategory::Neutron),
            ("alpha-counts", DetectorCategory::Alpha),
            ("beta-counts", DetectorCategory::Beta),
        ] {
            let of_category = it.gross_counts.iter().filter(|gross| self.category(&gross.detector) == Some(category));
            let all: Vec<_> = of_category.map(|gross| self.counted(&gross.detector, gross.total())).collect();
            numbered(name, &all, sum, tell);
        }
        let spectra: Vec<_> = it
            .spectra
            .iter()
            .map(|it| self.counted(it.detector.as_deref().unwrap_or_default(), it.counts.total()))
            .collect();
        numbered("spectrum-counts", &spectra, sum, tell);
        let all: Vec<_> =
            it.dose_rates.iter().map(|it| self.outcome(&it.detector, it.value, Unit::MicrosievertPerHour)).collect();
        numbered("dose-rate", &all, highest, tell);
        let all: Vec<_> = it
            .exposure_rates
            .iter()
            .map(|it| self.outcome(&it.detector, it.value, Unit::MilliroentgenPerHour))
            .collect();
        numbered("exposure-rate", &all, highest, tell);
        let all: Vec<_> =
            it.total_doses.iter().map(|it| self.outcome(&it.detector, Some(it.value), Unit::Microsievert)).collect();
        numbered("dose", &all, highest, tell);
        let speed = it.item_states.iter().find_map(|state| state.vector.as_ref()?.speed);
        if let Some(value) = speed {
            tell("speed", self.quality().map(|quality| Indication { value, unit: Unit::MetrePerSecond, quality }));
        }
        let value = it.real_time.as_seconds();
        tell("real-time", self.quality().map(|quality| Indication { value, unit: Unit::Second, quality }));
    }
}

fn fatal(faults: &[FaultReport]) -> Result<(), Missing> {
    match faults.iter().find(|fault| fault.severity == Severity::Fatal) {
        // Codes are free text; those that are numbers are carried.
        Some(fault) => Err(Missing::InstrumentFault(fault.code.trim().parse().unwrap_or(0))),
        None => Ok(()),
    }
}

/// One channel for all, and one each where there are several.
fn numbered(
    name: &str,
    all: &[Outcome],
    together: fn(Indication, Indication) -> Outcome,
    tell: &mut dyn FnMut(&str, Outcome),
) {
    let Some(&first) = all.first() else { return };
    // One detector without a value leaves no honest value for all.
    let whole = all.iter().skip(1).fold(first, |sum, &next| together(sum?, next?));
    tell(name, whole);
    if all.len() > 1 {
        for (index, &outcome) in all.iter().take(MAX_NUMBERED).enumerate() {
            tell(&format!("{name}-{}", index + 1), outcome);
        }
    }
}

fn sum(left: Indication, right: Indication) -> Outcome {
    let value = left.value.checked_add(right.value).ok_or(Missing::Overrange)?;
    Ok(Indication { value, ..left })
}

// Its shape is that of the other way to put two together.
#[allow(clippy::unnecessary_wraps)]
fn highest(left: Indication, right: Indication) -> Outcome {
    Ok(if right.value.cmp_value(left.value).is_gt() { right } else { left })
}
