//! Rules of the instrument, its calibrations and the analyses.

use super::{Breaches, Rule};
use crate::{
    Document,
    model::{
        AlarmCategory, Analysis, Characteristics, DetectorCategory, DetectorKind, EfficiencyCalibration,
        EnergyCalibration, EnergyWindows, WidthCalibration,
    },
};

pub(super) fn check(document: &Document, breaches: &mut Breaches) {
    let instrument = &document.instrument;
    if instrument.versions.is_empty() {
        breaches.tell("RadInstrumentInformation", Some(&instrument.id), Rule::Missing("RadInstrumentVersion"));
    }
    if document.detectors.is_empty() {
        breaches.tell("RadInstrumentData", None, Rule::Missing("RadDetectorInformation"));
    }
    characteristics("RadInstrumentCharacteristics", &instrument.id, &instrument.characteristics, breaches);
    for detector in &document.detectors {
        let other = detector.category == DetectorCategory::Other || detector.kind == DetectorKind::Other;
        if other && detector.description.is_none() {
            breaches.tell("RadDetectorInformation", Some(&detector.id), Rule::Other);
        }
        characteristics("RadDetectorCharacteristics", &detector.id, &detector.characteristics, breaches);
    }
    for item in &document.items {
        characteristics("RadItemCharacteristics", &item.id, &item.characteristics, breaches);
    }
    document.energy_calibrations.iter().for_each(|it| energy(it, breaches));
    document.width_calibrations.iter().for_each(|it| width(it, breaches));
    for (name, all) in [
        ("TotalEfficiencyCalibration", &document.total_efficiencies),
        ("FullEnergyPeakEfficiencyCalibration", &document.peak_efficiencies),
        ("IntrinsicFullEnergyPeakEfficiencyCalibration", &document.intrinsic_peak_efficiencies),
        ("IntrinsicSingleEscapePeakEfficiencyCalibration", &document.intrinsic_single_escape_efficiencies),
        ("IntrinsicDoubleEscapePeakEfficiencyCalibration", &document.intrinsic_double_escape_efficiencies),
    ] {
        for it in all {
            efficiency(name, it, breaches);
        }
    }
    document.windows.iter().for_each(|it| windows(it, breaches));
    document.analyses.iter().for_each(|it| analysis(it, breaches));
}

/// A group and each set must have members, and a group within limits only such.
pub(super) fn characteristics(element: &'static str, owner: &str, all: &[Characteristics], breaches: &mut Breaches) {
    for set in all {
        for group in &set.groups {
            if group.members.is_empty() {
                breaches.tell(element, Some(owner), Rule::Missing("Characteristic"));
            }
            if group.out_of_limits == Some(false) && group.members.iter().any(|it| it.out_of_limits == Some(true)) {
                breaches.tell(element, Some(owner), Rule::GroupLimits);
            }
        }
    }
}

/// Two lists that go together.
fn lengths(
    (element, id): (&'static str, &str),
    (left, first): (&'static str, usize),
    (right, second): (&'static str, usize),
    breaches: &mut Breaches,
) {
    if first != second {
        breaches.tell(element, Some(id), Rule::Lengths { left, first, right, second });
    }
}

fn energy(calibration: &EnergyCalibration, breaches: &mut Breaches) {
    const ENERGIES: &str = "EnergyValues";
    const DEVIATIONS: &str = "EnergyDeviationValues";
    let at = ("EnergyCalibration", calibration.id.as_str());
    match (&calibration.energies, &calibration.deviations) {
        (None, None) => {}
        (Some(_), None) => breaches.tell(at.0, Some(at.1), Rule::Alone(ENERGIES, DEVIATIONS)),
        (None, Some(_)) => breaches.tell(at.0, Some(at.1), Rule::Alone(DEVIATIONS, ENERGIES)),
        (Some(energies), Some(deviations)) => {
            lengths(at, (ENERGIES, energies.len()), (DEVIATIONS, deviations.len()), breaches);
        }
    }
}

fn width(calibration: &WidthCalibration, breaches: &mut Breaches) {
    let at = ("FWHMCalibration", calibration.id.as_str());
    let widths = ("FWHMValues", calibration.widths.len());
    lengths(at, ("EnergyValues", calibration.energies.len()), widths, breaches);
    if let Some(uncertainties) = &calibration.uncertainties {
        lengths(at, widths, ("FWHMUncertaintyValues", uncertainties.len()), breaches);
    }
}

fn efficiency(element: &'static str, calibration: &EfficiencyCalibration, breaches: &mut Breaches) {
    let at = (element, calibration.id.as_str());
    let efficiencies = ("EfficiencyValues", calibration.efficiencies.len());
    lengths(at, ("EnergyValues", calibration.energies.len()), efficiencies, breaches);
    if let Some(uncertainties) = &calibration.uncertainties {
        lengths(at, efficiencies, ("EfficiencyUncertaintyValues", uncertainties.len()), breaches);
    }
}

fn windows(windows: &EnergyWindows, breaches: &mut Breaches) {
    let at = ("EnergyWindows", windows.id.as_str());
    let starts = ("WindowStartEnergyValues", windows.starts.len());
    lengths(at, starts, ("WindowEndEnergyValues", windows.ends.len()), breaches);
    if windows.starts.iter().zip(&windows.ends).any(|(start, end)| start >= end) {
        breaches.tell(at.0, Some(at.1), Rule::Window);
    }
}

fn analysis(analysis: &Analysis, breaches: &mut Breaches) {
    let id = analysis.id.as_deref();
    let subjects =
        [&analysis.measurements, &analysis.groups, &analysis.derived].iter().filter(|it| it.is_some()).count();
    if subjects != 1 {
        breaches.tell("AnalysisResults", id, Rule::Subject(subjects));
    }
    for alarm in &analysis.alarms {
        if alarm.category == AlarmCategory::Other && alarm.description.is_none() {
            breaches.tell("RadAlarm", alarm.id.as_deref().or(id), Rule::Other);
        }
    }
    for nuclide in analysis.nuclides.iter().flat_map(|it| &it.nuclides) {
        let stated = nuclide.confidence.is_some()
            || nuclide.confidence_uncertainty.is_some()
            || nuclide.confidence_description.is_some();
        if !stated {
            breaches.tell("Nuclide", nuclide.id.as_deref().or(id), Rule::Confidence);
        }
    }
}
