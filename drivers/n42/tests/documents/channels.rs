//! Measurements as channels.

use tidewaiter_drivers::reading::{Channels, Missing, Outcome};
use tidewaiter_n42::{
    Document,
    model::{
        Detector, DetectorCategory, DetectorKind, DoseRate, FaultReport, GrossCounts, InstrumentState, QualityControl,
        Severity,
    },
    reading::Measured,
};

use crate::build::{self, decimal, seconds, time};

fn told(document: &Document, index: usize) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let spell = |outcome: Outcome| match outcome {
        Ok(it) => format!("{} {} {}", it.value, it.unit, it.quality.word()),
        Err(missing) => missing.to_string(),
    };
    Measured::new(document, &document.measurements[index])
        .each(&mut |name, outcome| all.push((name.to_owned(), spell(outcome))));
    all
}

fn check(document: &Document, index: usize, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
    assert_eq!(told(document, index), expected);
}

#[test]
fn a_passage() {
    check(
        &build::portal(),
        1,
        &[
            ("gamma-counts", "1240 {count} good"),
            ("neutron-counts", "3 {count} good"),
            ("dose-rate", "0.30 uSv/h good"),
            ("speed", "1.36 m/s good"),
            ("real-time", "1 s good"),
        ],
    );
    check(&build::spectrum(), 0, &[("spectrum-counts", "85 {count} good"), ("real-time", "60.25 s good")]);
}

#[test]
fn several_detectors_and_their_faults() {
    let mut document = build::portal();
    document.detectors.push(Detector::new("G2", DetectorCategory::Gamma, DetectorKind::Pvt));
    let it = &mut document.measurements[1];
    it.gross_counts.push(GrossCounts::new("Fg1G2", "G2", seconds("1"), 60));
    it.dose_rates.push(DoseRate { value: None, ..DoseRate::new("Fg1D2", "G2", decimal("0.5")) });
    check(
        &document,
        1,
        &[
            ("gamma-counts", "1300 {count} good"),
            ("gamma-counts-1", "1240 {count} good"),
            ("gamma-counts-2", "60 {count} good"),
            ("neutron-counts", "3 {count} good"),
            ("dose-rate", "not-present"),
            ("dose-rate-1", "0.30 uSv/h good"),
            ("dose-rate-2", "not-present"),
            ("speed", "1.36 m/s good"),
            ("real-time", "1 s good"),
        ],
    );
}

#[test]
fn what_the_instrument_says_of_itself() {
    let mut document = build::spectrum();
    document.instrument.quality_control =
        Some(QualityControl { id: None, remarks: Vec::new(), inspected: time(0), in_calibration: false });
    let overdue =
        [("spectrum-counts", "85 {count} function-check-overdue"), ("real-time", "60.25 s function-check-overdue")];
    check(&document, 0, &overdue);
    let fault = FaultReport {
        id: None,
        remarks: Vec::new(),
        code: "17".to_owned(),
        description: "high voltage".to_owned(),
        severity: Severity::Fatal,
    };
    document.measurements[0].instrument_state = Some(InstrumentState {
        id: None,
        instrument: "Inst".to_owned(),
        remarks: Vec::new(),
        mode: None,
        mode_description: None,
        vector: None,
        faults: vec![fault],
        characteristics: Vec::new(),
    });
    let fault = Missing::InstrumentFault(17).to_string();
    check(&document, 0, &[("spectrum-counts", &fault), ("real-time", &fault)]);
}
