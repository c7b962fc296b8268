//! Rules of measurements and derived data.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breaches, Rule, parts::characteristics};
use crate::{
    Document,
    lexical::Duration,
    model::{GrossCounts, Location, Origin, Scale, SourcePosition, Spectrum, StateVector},
};

/// How long the lists are that spectra and gross counts must fit, by identifier.
struct Lengths<'a> {
    boundaries: BTreeMap<&'a str, usize>,
    windows: BTreeMap<&'a str, usize>,
}

impl<'a> Lengths<'a> {
    fn of(document: &'a Document) -> Self {
        let boundaries = document.energy_calibrations.iter().filter_map(|it| match &it.scale {
            Scale::Boundaries(boundaries) => Some((it.id.as_str(), boundaries.len())),
            Scale::Polynomial(_) => None,
        });
        let windows = document.windows.iter().map(|it| (it.id.as_str(), it.starts.len()));
        Self { boundaries: boundaries.collect(), windows: windows.collect() }
    }
}

pub(super) fn check(document: &Document, breaches: &mut Breaches) {
    let lengths = Lengths::of(document);
    for it in &document.measurements {
        real_time("RadMeasurement", &it.id, it.real_time, breaches);
        it.spectra.iter().for_each(|one| spectrum(&lengths, one, Some(it.real_time), breaches));
        it.gross_counts.iter().for_each(|one| gross_counts(&lengths, one, Some(it.real_time), breaches));
        let spectra = it.spectra.iter().map(|one| one.detector.as_deref().unwrap_or_default());
        detectors(&it.id, "Spectrum", spectra, breaches);
        detectors(&it.id, "GrossCounts", it.gross_counts.iter().map(|one| one.detector.as_str()), breaches);
        detectors(&it.id, "DoseRate", it.dose_rates.iter().map(|one| one.detector.as_str()), breaches);
        detectors(&it.id, "TotalDose", it.total_doses.iter().map(|one| one.detector.as_str()), breaches);
        detectors(&it.id, "ExposureRate", it.exposure_rates.iter().map(|one| one.detector.as_str()), breaches);
        detectors(&it.id, "TotalExposure", it.total_exposures.iter().map(|one| one.detector.as_str()), breaches);
        if let Some(state) = &it.instrument_state {
            vector("RadInstrumentState", &it.id, &state.instrument, state.vector.as_ref(), breaches);
            characteristics("RadInstrumentState", &it.id, &state.characteristics, breaches);
        }
        for state in &it.detector_states {
            vector("RadDetectorState", &it.id, &state.detector, state.vector.as_ref(), breaches);
            characteristics("RadDetectorState", &it.id, &state.characteristics, breaches);
        }
        for state in &it.item_states {
            vector("RadItemState", &it.id, &state.item, state.vector.as_ref(), breaches);
            characteristics("RadItemState", &it.id, &state.characteristics, breaches);
        }
    }
    for it in &document.derived {
        real_time("DerivedData", &it.id, it.real_time, breaches);
        it.spectra.iter().for_each(|one| spectrum(&lengths, one, None, breaches));
        it.gross_counts.iter().for_each(|one| gross_counts(&lengths, one, None, breaches));
    }
    for analysis in &document.analyses {
        let nuclides = analysis.nuclides.iter().flat_map(|it| &it.nuclides).filter_map(|it| it.position.as_ref());
        let counts = analysis.counts.iter().filter_map(|it| it.position.as_ref());
        let dose = analysis.dose.iter().filter_map(|it| it.position.as_ref());
        for position in nuclides.chain(counts).chain(dose) {
            source(analysis.id.as_deref(), position, breaches);
        }
    }
}

fn real_time(element: &'static str, id: &str, time: Duration, breaches: &mut Breaches) {
    if time.is_zero() {
        let rule = Rule::Range { value: time.as_seconds().to_string(), range: "above 0" };
        breaches.tell(element, Some(id), rule);
    }
}

fn live_time(element: &'static str, id: &str, live: Duration, real: Option<Duration>, breaches: &mut Breaches) {
    if let Some(real) = real
        && live.as_seconds().cmp_value(real.as_seconds()).is_gt()
    {
        let rule = Rule::LiveTime { live: live.as_seconds().to_string(), real: real.as_seconds().to_string() };
        breaches.tell(element, Some(id), rule);
    }
}

fn spectrum(lengths: &Lengths<'_>, spectrum: &Spectrum, real: Option<Duration>, breaches: &mut Breaches) {
    live_time("Spectrum", &spectrum.id, spectrum.live_time, real, breaches);
    let channels = spectrum.counts.as_slice().len();
    if channels == 0 {
        breaches.tell("Spectrum", Some(&spectrum.id), Rule::Missing("channel"));
    }
    // A calibration that is not there is told with the references.
    if let Some(&boundaries) = lengths.boundaries.get(spectrum.energy_calibration.as_str())
        && boundaries != channels + 1
    {
        let rule = Rule::Boundaries { boundaries, channels };
        breaches.tell("Spectrum", Some(&spectrum.id), rule);
    }
}

fn gross_counts(lengths: &Lengths<'_>, gross: &GrossCounts, real: Option<Duration>, breaches: &mut Breaches) {
    live_time("GrossCounts", &gross.id, gross.live_time, real, breaches);
    let expected = match &gross.windows {
        None => Some(1),
        Some(id) => lengths.windows.get(id.as_str()).copied(),
    };
    let found = gross.counts.len();
    if let Some(expected) = expected.filter(|&expected| expected != found) {
        breaches.tell("GrossCounts", Some(&gross.id), Rule::Counts { found, expected });
    }
}

fn detectors<'a>(
    measurement: &str,
    element: &'static str,
    all: impl Iterator<Item = &'a str>,
    breaches: &mut Breaches,
) {
    let mut seen = BTreeSet::new();
    for detector in all {
        if !seen.insert(detector) {
            breaches.tell("RadMeasurement", Some(measurement), Rule::SameDetector(detector.to_owned(), element));
        }
    }
}

fn vector(element: &'static str, id: &str, what: &str, vector: Option<&StateVector>, breaches: &mut Breaches) {
    if let Some(Location::Relative(relative)) = vector.and_then(|it| it.location.as_ref()) {
        origin(element, Some(id), &relative.origin, breaches);
        // The instrument is the root of all places: nothing places it relative to itself.
        if relative.origin.reference.as_deref() == Some(what) {
            breaches.tell(element, Some(id), Rule::Circle);
        }
    }
}

fn source(id: Option<&str>, position: &SourcePosition, breaches: &mut Breaches) {
    if let Some(Location::Relative(relative)) = &position.location {
        origin("SourcePosition", id, &relative.origin, breaches);
    }
}

fn origin(element: &'static str, id: Option<&str>, origin: &Origin, breaches: &mut Breaches) {
    if origin.reference.is_some() && origin.description.is_none() {
        breaches.tell(element, id, Rule::Origin);
    }
}
