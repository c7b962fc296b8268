//! The rules between parts, one by one.

use tidewaiter_n42::{
    Document, Rule, check,
    lexical::{DateTime, Ids, Name},
    model::{
        Alarm, AlarmCategory, DetectorKind, EnergyWindows, GeographicPoint, GrossCounts, Location, Origin,
        RelativeLocation, Scale, WidthCalibration,
    },
    write,
};

use crate::build::{self, decimal, seconds, time};

fn rules(document: &Document) -> Vec<Rule> {
    check(document, None).into_iter().map(|it| it.rule).collect()
}

fn broken(change: impl FnOnce(&mut Document)) -> Vec<Rule> {
    let mut document = build::portal();
    change(&mut document);
    rules(&document)
}

fn spoilt(change: impl FnOnce(&mut Document)) -> Vec<Rule> {
    let mut document = build::spectrum();
    change(&mut document);
    rules(&document)
}

#[test]
fn sound_documents_break_none() {
    assert_eq!(broken(|_| ()), []);
    assert_eq!(spoilt(|_| ()), []);
}

#[test]
fn identifiers_and_references() {
    assert_eq!(
        broken(|it| it.measurements[1].item_states[0].item = "G1".to_owned()),
        [Rule::Target {
            attribute: "radItemInformationReference",
            id: "G1".to_owned(),
            found: "RadDetectorInformation"
        }]
    );
    assert_eq!(
        broken(|it| it.analyses[0].measurements = Some(["Bg1", "Fg2"].into_iter().collect())),
        [Rule::Dangling { attribute: "radMeasurementReferences", id: "Fg2".to_owned() }]
    );
    assert_eq!(
        broken(|it| it.analyses[0].measurements = Some(Ids(Vec::new()))),
        [Rule::Missing("radMeasurementReferences")]
    );
    assert_eq!(broken(|it| it.analyses[0].id = Some("1st".to_owned())), [Rule::Id("1st".to_owned())]);
    assert_eq!(broken(|it| it.analyses[0].id = Some("Fg1".to_owned())), [Rule::Duplicate("Fg1".to_owned())]);
    assert_eq!(broken(|it| it.measurements[1].gross_counts[0].raw = Some(Ids::one("Bg1G1"))), [Rule::Raw]);
}

#[test]
fn times() {
    let now = time(3).timestamp();
    let future: Vec<_> = check(&build::portal(), now).into_iter().map(|it| (it.element, it.id, it.rule)).collect();
    let later = |text: &str| Rule::Future(text.to_owned());
    assert_eq!(
        future,
        [
            ("StartDateTime", "Fg1".to_owned(), later("2026-01-15T00:30:10Z")),
            ("RadAlarmDateTime", "-".to_owned(), later("2026-01-15T00:30:11Z"))
        ]
    );
    // Clocks differ; nobody is kept from writing for that.
    assert!(write(&build::portal()).is_ok());
    let zero = spoilt(|it| it.measurements[0].real_time = seconds("0.000"));
    assert_eq!(
        zero,
        [
            Rule::Range { value: "0.000".to_owned(), range: "above 0" },
            Rule::LiveTime { live: "60".to_owned(), real: "0.000".to_owned() }
        ]
    );
}

#[test]
fn spectra_and_calibrations() {
    let boundaries = |values: &[f64]| {
        let values = values.to_vec();
        spoilt(|it| it.energy_calibrations[0].scale = Scale::Boundaries(values))
    };
    let ascending: Vec<f64> = (0..14).map(f64::from).collect();
    assert_eq!(boundaries(&ascending), []);
    assert_eq!(boundaries(&ascending[1..]), [Rule::Boundaries { boundaries: 13, channels: 13 }]);
    let mut level = ascending.clone();
    level[5] = level[4];
    assert_eq!(boundaries(&level), [Rule::Order]);
    let mut negative = ascending;
    negative[0] = -1.0;
    assert_eq!(boundaries(&negative), [Rule::Range { value: "-1.0".to_owned(), range: "0 or more" }]);
    assert_eq!(spoilt(|it| it.measurements[0].spectra[0].counts = Vec::new().into()), [Rule::Missing("channel")]);
    assert_eq!(
        spoilt(|it| it.energy_calibrations[0].energies = Some(vec![1.0])),
        [Rule::Alone("EnergyValues", "EnergyDeviationValues")]
    );
    assert_eq!(
        spoilt(|it| it.width_calibrations.push(WidthCalibration {
            id: "F".to_owned(),
            remarks: Vec::new(),
            energies: vec![59.0, 662.0],
            widths: vec![2.0],
            uncertainties: None,
            made: None,
        })),
        [Rule::Lengths { left: "EnergyValues", first: 2, right: "FWHMValues", second: 1 }]
    );
}

#[test]
fn gross_counts_and_windows() {
    let windows = |ends: &[f64], counts: Vec<u64>| {
        let ends = ends.to_vec();
        broken(move |it| {
            it.windows.push(EnergyWindows { id: "W".to_owned(), remarks: Vec::new(), starts: vec![0.0, 50.0], ends });
            let gross = &mut it.measurements[1].gross_counts[0];
            gross.windows = Some("W".to_owned());
            gross.counts = counts;
        })
    };
    assert_eq!(windows(&[50.0, 90.0], vec![1, 2]), []);
    assert_eq!(windows(&[50.0, 90.0], vec![1]), [Rule::Counts { found: 1, expected: 2 }]);
    assert_eq!(windows(&[50.0, 50.0], vec![1, 2]), [Rule::Window]);
    assert_eq!(
        broken(|it| it.measurements[1].gross_counts.push(GrossCounts::new("x", "G1", seconds("1"), 1))),
        [Rule::SameDetector("G1".to_owned(), "GrossCounts")]
    );
}

#[test]
fn analyses() {
    assert_eq!(broken(|it| it.analyses[0].groups = it.analyses[0].measurements.take()).len(), 2);
    assert_eq!(broken(|it| it.analyses[0].derived = Some(Ids::one("Fg1")))[1..], [Rule::Subject(2)]);
    assert_eq!(
        broken(|it| it.analyses[0].alarms = vec![Alarm::new(Ids::one("G1"), AlarmCategory::Other)]),
        [Rule::Other]
    );
    assert_eq!(broken(|it| it.detectors[0].kind = DetectorKind::Other), [Rule::Other]);
    let nuclide = |it: &mut Document, change: fn(&mut tidewaiter_n42::model::Nuclide)| {
        change(&mut it.analyses[0].nuclides.as_mut().unwrap().nuclides[0]);
    };
    assert_eq!(
        broken(|it| nuclide(it, |it| (it.confidence, it.confidence_description) = (None, None))),
        [Rule::Confidence]
    );
    assert_eq!(
        broken(|it| nuclide(it, |it| it.confidence = Some(decimal("100.1")))),
        [Rule::Range { value: "100.1".to_owned(), range: "0 to 100" }]
    );
    assert_eq!(
        broken(|it| nuclide(it, |it| it.detectable_activity = Some(decimal("0")))),
        [Rule::Range { value: "0".to_owned(), range: "above 0" }]
    );
}

#[test]
fn places() {
    let located = |location: Location| {
        broken(|it| it.measurements[1].item_states[0].vector.as_mut().unwrap().location = Some(location))
    };
    let point = |latitude: &str| GeographicPoint {
        datum: None,
        latitude: decimal(latitude),
        longitude: decimal("121.47"),
        elevation: None,
        elevation_offset: None,
        accuracy: None,
        elevation_accuracy: None,
        elevation_offset_accuracy: None,
    };
    assert_eq!(located(Location::Geographic(point("31.23"))), []);
    assert_eq!(
        located(Location::Geographic(point("131.23"))),
        [Rule::Range { value: "131.23".to_owned(), range: "-90 to 90" }]
    );
    let relative = |reference: &str, description: Option<&str>| {
        Location::Relative(RelativeLocation {
            azimuth: None,
            inclination: None,
            distance: Some(decimal("2.0")),
            origin: Origin {
                reference: Some(reference.to_owned()),
                point: None,
                description: description.map(str::to_owned),
            },
        })
    };
    assert_eq!(located(relative("Inst", Some("front"))), []);
    assert_eq!(located(relative("Inst", None)), [Rule::Origin]);
    assert_eq!(located(relative("Item1", Some("front"))), [Rule::Circle]);
    assert_eq!(located(Location::Described(Name::new("gate 3").unwrap())), []);
}

#[test]
fn breaches_are_bounded_and_say_where() {
    let mut document = build::portal();
    for index in 0..200 {
        document.measurements.push(document.measurements[0].clone());
        document.measurements.last_mut().unwrap().id = format!("m{index}");
    }
    let breaches = check(&document, None);
    assert_eq!(breaches.len(), tidewaiter_n42::bounds::MAX_BREACHES);
    assert_eq!(breaches[0].to_string(), "GrossCounts Bg1G1: identifier `Bg1G1` stands more than once");
    let error = write(&document).unwrap_err();
    assert_eq!(error.to_string(), breaches[0].to_string());
    let mut document = build::portal();
    document.instrument.description = Some("a\u{0}b".to_owned());
    assert_eq!(
        write(&document).unwrap_err().to_string(),
        "RadInstrumentDescription: character U+0000 cannot be written in XML; remove it"
    );
    assert!(DateTime::from_unix_ms(i64::MAX).is_none());
}
