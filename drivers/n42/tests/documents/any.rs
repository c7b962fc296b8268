//! Random documents that keep every rule.

use proptest::{collection::vec, option, prelude::*, sample::select};
use tidewaiter_drivers::Decimal;
use tidewaiter_n42::{
    Document,
    lexical::{DateTime, Duration, Ids, Name},
    model::*,
    read, write,
};

use crate::build;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~\t\r\n]{0,24}", "[a-z入口<>&\"'\\]\u{e9}\u{1F69A}]{0,12}"]
}

fn name() -> impl Strategy<Value = Name> {
    "[!-~入口]{1,8}( [!-~0-9]{1,5}){0,2}".prop_map(|text| Name::fitted(&text).unwrap())
}

fn decimal(digits: std::ops::Range<i64>, places: u8) -> impl Strategy<Value = Decimal> {
    (digits, 0..=places).prop_map(|(digits, places)| Decimal::new(digits, places).unwrap())
}

fn positive() -> impl Strategy<Value = Decimal> {
    decimal(1..1_000_000_000, 12)
}

fn time() -> impl Strategy<Value = DateTime> {
    (0_i64..1_700_000_000_000, select(vec![-720_i16, 0, 330, 480]))
        .prop_map(|(ms, offset)| DateTime::new(DateTime::from_unix_ms(ms).unwrap().local(), offset).unwrap())
}

fn duration() -> impl Strategy<Value = Duration> {
    positive().prop_map(|it| Duration::seconds(it).unwrap())
}

fn remarks() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..2)
}

fn characteristic() -> impl Strategy<Value = Characteristic> {
    (option::of(time()), option::of(any::<bool>()), remarks(), name(), name(), name(), select(DataClass::ALL)).prop_map(
        |(at, out_of_limits, remarks, name, value, units, class)| Characteristic {
            id: None,
            at,
            out_of_limits,
            remarks,
            name,
            value,
            units,
            class,
        },
    )
}

fn characteristics() -> impl Strategy<Value = Vec<Characteristics>> {
    let group = (name(), vec(characteristic(), 1..3)).prop_map(|(name, members)| CharacteristicGroup {
        id: None,
        out_of_limits: Some(true),
        remarks: Vec::new(),
        name,
        members,
    });
    let set = (remarks(), vec(characteristic(), 1..3), vec(group, 0..2))
        .prop_map(|(remarks, single, groups)| Characteristics { id: None, remarks, single, groups });
    vec(set, 0..2)
}

fn location() -> impl Strategy<Value = Location> {
    let point = || {
        (decimal(-90..90, 0), decimal(-1800..1800, 0), option::of(decimal(-99..9999, 3))).prop_map(
            |(latitude, longitude, elevation)| GeographicPoint {
                datum: None,
                latitude,
                longitude: longitude.scaled(-1).unwrap(),
                elevation,
                elevation_offset: elevation,
                accuracy: None,
                elevation_accuracy: None,
                elevation_offset_accuracy: None,
            },
        )
    };
    prop_oneof![
        point().prop_map(Location::Geographic),
        name().prop_map(Location::Described),
        (option::of(positive()), option::of(point()), text()).prop_map(|(distance, point, description)| {
            Location::Relative(RelativeLocation {
                azimuth: None,
                inclination: None,
                distance,
                origin: Origin { reference: Some("Inst".to_owned()), point, description: Some(description) },
            })
        }),
    ]
}

fn vector() -> impl Strategy<Value = StateVector> {
    let orientation = (decimal(-180..180, 0), option::of(decimal(-90..90, 0)))
        .prop_map(|(azimuth, inclination)| Orientation { azimuth, inclination, roll: None });
    (option::of(location()), option::of(orientation), option::of(decimal(-99..999, 3)))
        .prop_map(|(location, orientation, speed)| StateVector { location, orientation, speed })
}

fn faults() -> impl Strategy<Value = Vec<FaultReport>> {
    let fault = (text(), text(), select(Severity::ALL)).prop_map(|(code, description, severity)| FaultReport {
        id: None,
        remarks: Vec::new(),
        code,
        description,
        severity,
    });
    vec(fault, 0..2)
}

fn counts() -> impl Strategy<Value = Vec<u64>> {
    vec(prop_oneof![3 => Just(0_u64), 3 => 0_u64..5000, 1 => any::<u64>()], 1..80)
}

fn measurement(index: usize) -> impl Strategy<Value = Measurement> {
    let state = (option::of(select(InstrumentMode::ALL)), option::of(vector()), faults(), characteristics());
    (
        (select(MeasurementClass::ALL), time(), duration(), remarks(), option::of(any::<bool>())),
        (duration(), counts(), any::<u64>(), option::of(positive()), option::of(text()), positive()),
        option::of(state),
        option::of((option::of(vector().prop_map(|it| StateVector { location: None, ..it })), characteristics())),
    )
        .prop_map(move |(basics, measured, state, item)| {
            let (class, started, real_time, remarks, occupied) = basics;
            let (live_time, counts, gross, dose, level, total) = measured;
            let id = |what: &str| format!("M{index}.{what}");
            let mut it = Measurement::new(format!("M{index}"), class, started, real_time);
            it.remarks = remarks;
            it.occupied = occupied;
            it.groups = Some(Ids::one("Group1"));
            it.items = Some(Ids::one("Item1"));
            it.spectra.push(Spectrum::new(id("s"), "Det1", "Cal1", live_time, counts));
            it.gross_counts.push(GrossCounts::new(id("g"), "Det1", live_time, gross));
            it.dose_rates.push(DoseRate { value: dose, level, ..DoseRate::new(id("d"), "Det1", total) });
            it.total_doses.push(TotalDose { id: id("t"), detector: "Det1".to_owned(), raw: None, value: total });
            it.exposure_rates.push(ExposureRate {
                id: id("e"),
                detector: "Det1".to_owned(),
                raw: None,
                remarks: Vec::new(),
                value: dose,
                level: None,
            });
            it.instrument_state = state.map(|(mode, vector, faults, characteristics)| InstrumentState {
                id: Some(id("i")),
                instrument: "Inst".to_owned(),
                remarks: Vec::new(),
                mode,
                mode_description: None,
                // The instrument cannot be located relative to itself.
                vector: vector.map(|it| match it.location {
                    Some(Location::Relative(_)) => StateVector { location: None, ..it },
                    _ => it,
                }),
                faults,
                characteristics,
            });
            it.item_states.extend(item.map(|(vector, characteristics)| ItemState {
                id: None,
                item: "Item1".to_owned(),
                remarks: Vec::new(),
                vector,
                characteristics,
            }));
            it
        })
}

fn nuclide() -> impl Strategy<Value = Nuclide> {
    (
        (any::<bool>(), name(), option::of(positive()), option::of(positive()), option::of(positive())),
        (option::of(decimal(0..100, 0)), text(), option::of(text()), option::of(select(SourceGeometry::ALL))),
        option::of(location()),
    )
        .prop_map(
            |((identified, name, activity, uncertainty, least), (confidence, words, category, geometry), place)| {
                let mut it = Nuclide::new(name, identified, words);
                it.activity = activity;
                it.activity_uncertainty = uncertainty;
                it.detectable_activity = least;
                it.confidence = confidence;
                it.category = category;
                it.geometry = geometry;
                it.position =
                    place.map(|location| SourcePosition { id: None, remarks: Vec::new(), location: Some(location) });
                it
            },
        )
}

fn analysis() -> impl Strategy<Value = Analysis> {
    let alarm = (select(AlarmCategory::ALL), option::of(time()), text(), option::of(any::<bool>())).prop_map(
        |(category, at, description, audible)| {
            let mut it = Alarm::new(Ids::one("Det1"), category);
            it.at = at;
            it.description = Some(description);
            it.audible = audible;
            it.windows = Some(vec![1, 3]);
            it
        },
    );
    let peak =
        (positive(), option::of(positive()), option::of(decimal(-9999..9999, 2))).prop_map(|(energy, width, area)| {
            let mut it = Peak::new(energy);
            it.width = width;
            it.area = area;
            it
        });
    (
        (option::of(time()), option::of(duration()), option::of(text()), vec((name(), name(), name()), 0..2)),
        (
            vec(alarm, 0..3),
            option::of(vec(nuclide(), 0..3)),
            option::of(vec(peak, 0..3)),
            option::of(positive()),
            faults(),
        ),
    )
        .prop_map(|((started, took, algorithm, settings), (alarms, nuclides, peaks, average, faults))| {
            let mut it = Analysis::of_measurements(Ids::one("M0"));
            it.started = started;
            it.took = took;
            it.algorithm = algorithm;
            it.settings = settings
                .into_iter()
                .map(|(name, value, units)| AlgorithmSetting { id: None, remarks: Vec::new(), name, value, units })
                .collect();
            it.alarms = alarms;
            it.nuclides = nuclides.map(|nuclides| NuclideAnalysis {
                id: None,
                remarks: Vec::new(),
                nuclides,
                chi_square: average,
            });
            it.peaks = peaks.map(|peaks| PeakAnalysis { id: None, remarks: Vec::new(), peaks });
            it.counts = average.map(|average| CountAnalysis {
                id: None,
                remarks: Vec::new(),
                average: Some(average),
                average_uncertainty: None,
                maximum: Some(average),
                minimum: None,
                total: None,
                background: None,
                background_uncertainty: None,
                position: None,
            });
            it.faults = faults;
            it
        })
}

/// A document that breaks no rule.
pub(crate) fn document() -> impl Strategy<Value = Document> {
    let head = (select(InstrumentClass::ALL), name(), name(), option::of(text()), characteristics());
    let detector = (select(DetectorCategory::ALL), select(DetectorKind::ALL), text(), option::of(positive()));
    let calibration = (any::<[f64; 3]>(), option::of(time()));
    let measurements = (measurement(0), measurement(1)).prop_map(<[Measurement; 2]>::from);
    (head, detector, calibration, measurements, analysis(), characteristics()).prop_map(
        |(head, detector, (coefficients, made), measurements, analysis, about_item)| {
            let (class, model, version, description, characteristics) = head;
            let mut document = build::spectrum();
            document.instrument.class = class;
            document.instrument.model = model;
            document.instrument.versions[0].version = version;
            document.instrument.description = description;
            document.instrument.characteristics = characteristics;
            let (category, kind, words, volume) = detector;
            let it = &mut document.detectors[0];
            (it.category, it.kind, it.description, it.volume) = (category, kind, Some(words), volume);
            let coefficients = coefficients.map(|it| if it.is_finite() { it } else { 0.5 });
            document.energy_calibrations[0] = EnergyCalibration::polynomial("Cal1", coefficients);
            document.energy_calibrations[0].made = made;
            document.width_calibrations.push(WidthCalibration {
                id: "Width1".to_owned(),
                remarks: Vec::new(),
                energies: vec![59.541, 661.657],
                widths: vec![1e-300, 1.5e3],
                uncertainties: None,
                made,
            });
            document.items.push(Item {
                id: "Item1".to_owned(),
                remarks: Vec::new(),
                description: None,
                quantity: None,
                geometry: None,
                characteristics: about_item,
            });
            document.groups.push(Group { id: "Group1".to_owned(), uuid: None, remarks: Vec::new(), description: None });
            document.measurements = measurements.to_vec();
            document.analyses.push(analysis);
            document
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_is_written_reads_back(document in document()) {
        let text = write(&document).unwrap();
        let back = read(text.as_bytes()).unwrap();
        prop_assert!(back.notices.is_empty(), "{:?}", back.notices);
        prop_assert_eq!(back.document, document);
    }
}
