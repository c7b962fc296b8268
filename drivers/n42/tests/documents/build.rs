//! Documents as a simulator or an agent would make them.

use tidewaiter_drivers::Decimal;
use tidewaiter_n42::{
    Document,
    lexical::{DateTime, Duration, Ids, Name},
    model::{
        Alarm, AlarmCategory, AlgorithmVersion, Analysis, Characteristic, ComponentVersion, Detector, DetectorCategory,
        DetectorKind, DoseRate, EnergyCalibration, GrossCounts, Instrument, InstrumentClass, Item, ItemState,
        Measurement, MeasurementClass, Nuclide, NuclideAnalysis, Peak, PeakAnalysis, Spectrum, StateVector,
    },
};

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn seconds(text: &str) -> Duration {
    Duration::seconds(decimal(text)).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// 2026-01-15T08:30:05+08:00 and so many seconds.
pub(crate) fn time(after: i64) -> DateTime {
    DateTime::from_unix_ms(1_768_437_005_000 + after * 1000).unwrap()
}

fn instrument(maker: &str, model: &str, class: InstrumentClass) -> Instrument {
    Instrument::new("Inst", name(maker), name(model), class, ComponentVersion::new(name("Software"), name("0.1")))
}

/// One spectrum of a laboratory spectrometer.
pub(crate) fn spectrum() -> Document {
    let detector = Detector::new("Det1", DetectorCategory::Gamma, DetectorKind::Nai);
    let mut document = Document::new(instrument("Amptek", "TB-5", InstrumentClass::Other), vec![detector]);
    document.creator = Some(name("Tidewaiter 0.1"));
    document.uuid = Some("6b0f3c1e-5a64-4c1c-9a35-0d5e9a7f2c11".to_owned());
    document.written = Some(time(60));
    document.instrument.serial = Some(name("SN012345"));
    document.energy_calibrations.push(EnergyCalibration::polynomial("Cal1", [0.0, 3.0, 0.0]));
    let mut measurement = Measurement::new("M1", MeasurementClass::Foreground, time(0), seconds("60.25"));
    let counts = vec![0, 0, 0, 12, 40, 25, 0, 7, 0, 0, 0, 0, 1];
    measurement.spectra.push(Spectrum::new("M1S1", "Det1", "Cal1", seconds("60"), counts));
    document.measurements.push(measurement);
    document
}

/// A passage through a portal with an alarm, a nuclide and a peak.
pub(crate) fn portal() -> Document {
    let gamma = Detector::new("G1", DetectorCategory::Gamma, DetectorKind::Pvt);
    let neutron = Detector::new("N1", DetectorCategory::Neutron, DetectorKind::He3);
    let mut document = Document::new(instrument("Rapiscan", "VM250", InstrumentClass::Portal), vec![gamma, neutron]);
    document.instrument.description = Some("Lane 3 entry, 入口 <north> & \"south\"".to_owned());
    document.items.push(Item::new("Item1", vec![Characteristic::text("ContainerNumber", "CSQU3054383").unwrap()]));

    let mut background = Measurement::new("Bg1", MeasurementClass::Background, time(0), seconds("5"));
    background.gross_counts.push(GrossCounts::new("Bg1G1", "G1", seconds("5"), 4670));
    background.occupied = Some(false);
    let mut foreground = Measurement::new("Fg1", MeasurementClass::Foreground, time(5), seconds("1"));
    foreground.items = Some(Ids::one("Item1"));
    foreground.gross_counts.push(GrossCounts::new("Fg1G1", "G1", seconds("1"), 1240));
    foreground.gross_counts.push(GrossCounts::new("Fg1N1", "N1", seconds("1"), 3));
    foreground.dose_rates.push(DoseRate::new("Fg1D1", "G1", decimal("0.30")));
    foreground.item_states.push(ItemState {
        id: None,
        item: "Item1".to_owned(),
        remarks: Vec::new(),
        vector: Some(StateVector { location: None, orientation: None, speed: Some(decimal("1.36")) }),
        characteristics: Vec::new(),
    });
    foreground.occupied = Some(true);
    document.measurements = vec![background, foreground];

    let mut analysis = Analysis::of_measurements(["Bg1", "Fg1"].into_iter().collect());
    analysis.algorithm = Some("N-sigma gross count".to_owned());
    analysis.versions =
        vec![AlgorithmVersion { id: None, remarks: Vec::new(), component: name("Software"), version: name("0.1") }];
    let mut alarm = Alarm::new(Ids::one("G1"), AlarmCategory::Gamma);
    alarm.at = Some(time(6));
    alarm.description = Some("10.0 sigma, threshold 7".to_owned());
    alarm.light = Some("Red".to_owned());
    analysis.alarms.push(alarm);
    let mut caesium = Nuclide::new(name("Cs-137"), true, "high");
    caesium.confidence = Some(decimal("99.5"));
    analysis.nuclides =
        Some(NuclideAnalysis { id: None, remarks: Vec::new(), nuclides: vec![caesium], chi_square: None });
    let mut peak = Peak::new(decimal("661.7"));
    peak.area = Some(decimal("1234.5"));
    peak.area_uncertainty = Some(decimal("123.4"));
    analysis.peaks = Some(PeakAnalysis { id: None, remarks: Vec::new(), peaks: vec![peak] });
    document.analyses.push(analysis);
    document
}
