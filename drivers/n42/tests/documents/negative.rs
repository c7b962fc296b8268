//! What must be refused, by the reader or by the rules, though part of it is valid by the schema.

use tidewaiter_n42::{Fault, ReadError, Rule, check, read, write};

use crate::{build, samples};

fn text() -> String {
    write(&build::spectrum()).unwrap()
}

fn portal() -> String {
    write(&build::portal()).unwrap()
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

fn fault(text: &str) -> ReadError {
    read(text.as_bytes()).unwrap_err()
}

fn rules(text: &str) -> Vec<Rule> {
    check(&read(text.as_bytes()).unwrap().document, None).into_iter().map(|it| it.rule).collect()
}

#[test]
fn the_reader_refuses_what_the_schema_refuses() {
    for (from, to, expected) in [
        ("<LiveTimeDuration>PT60S</LiveTimeDuration>", "", "element LiveTimeDuration is missing"),
        (r#" energyCalibrationReference="Cal1""#, "", "attribute energyCalibrationReference is missing"),
        ("PT60.25S", "60", "`60` is not a duration of days to seconds, such as PT60.25S"),
        (
            ">Foreground<",
            ">foreground<",
            "`foreground` is not Foreground, Background, Calibration, IntrinsicActivity or NotSpecified",
        ),
        ("0.0 3.0 0.0", "0.0 3.0", "`0.0 3.0` is not exactly three coefficients; write 0 for the ones there are not"),
        (
            "0.0 3.0 0.0",
            "0.0 3.0 0.0 0.0",
            "`0.0 3.0 0.0 0.0` is not exactly three coefficients; write 0 for the ones there are not",
        ),
    ] {
        let document = changed(&text(), from, to);
        if let Some(said) = samples::invalid(&document) {
            assert!(said.is_err(), "the schema takes {to}");
        }
        let error = fault(&document);
        assert_eq!(error.fault.to_string(), expected);
        let line = document.lines().nth(error.line - 1).unwrap();
        assert!(line.contains(&format!("<{}", error.element)), "{error} does not stand in `{line}`");
    }
    for (from, name) in [
        (r#" radDetectorInformationReference="N1""#, "radDetectorInformationReference"),
        (r#" radDetectorInformationReferences="G1""#, "radDetectorInformationReferences"),
    ] {
        assert_eq!(fault(&changed(&portal(), from, "")).fault, Fault::MissingAttribute(name));
    }
}

#[test]
fn the_rules_find_what_only_the_schema_refuses() {
    let version = {
        let text = text();
        let start = text.find("<RadInstrumentVersion>").unwrap();
        let end = text.find("</RadInstrumentVersion>").unwrap() + "</RadInstrumentVersion>".len();
        format!("{}{}", &text[..start], &text[end..])
    };
    let uuid = changed(&text(), "n42DocUUID=\"", "n42DocUUID=\"urn:uuid:");
    let duplicate = changed(&text(), r#"id="M1S1""#, r#"id="M1""#);
    let name = changed(&text(), ">TB-5<", ">VM-250 v1.10<");
    for (document, expected) in [
        (version, Rule::Missing("RadInstrumentVersion")),
        (uuid, Rule::Uuid("urn:uuid:6b0f3c1e-5a64-4c1c-9a35-0d5e9a7f2c11".to_owned())),
        (duplicate, Rule::Duplicate("M1".to_owned())),
        (name, Rule::Name("VM-250 v1.10".to_owned())),
    ] {
        if let Some(said) = samples::invalid(&document) {
            assert!(said.is_err(), "the schema takes {document}");
        }
        assert_eq!(rules(&document), [expected]);
        assert!(write(&read(document.as_bytes()).unwrap().document).is_err());
    }
}

#[test]
fn what_the_schema_takes_is_refused_here() {
    for (from, to, expected) in [
        ("0 3 12 40 25 0 1 7 0 4 1", "0 3 12 -40 25", Fault::Count { found: "-40".to_owned(), place: 4 }),
        ("0 3 12 40 25 0 1 7 0 4 1", "0 3 12 40.5 25", Fault::Count { found: "40.5".to_owned(), place: 4 }),
        ("0 3 12 40 25 0 1 7 0 4 1", "0 3 12 0", Fault::Zeroes { place: 4 }),
    ] {
        let document = changed(&text(), from, to);
        if let Some(said) = samples::invalid(&document) {
            assert_eq!(said, Ok(()));
        }
        let error = fault(&document);
        assert_eq!((error.element.as_str(), error.fault), ("ChannelData", expected));
    }
    for (document, expected) in [
        (
            changed(&text(), r#"energyCalibrationReference="Cal1""#, r#"energyCalibrationReference="Inst""#),
            Rule::Target {
                attribute: "energyCalibrationReference",
                id: "Inst".to_owned(),
                found: "RadInstrumentInformation",
            },
        ),
        (changed(&text(), "00:30:05Z", "00:30:05"), Rule::Offset("2026-01-15T00:30:05".to_owned())),
        (changed(&portal(), ">3</CountData>", ">3 4</CountData>"), Rule::Counts { found: 2, expected: 1 }),
        (changed(&portal(), r#" radMeasurementReferences="Bg1 Fg1""#, ""), Rule::Subject(0)),
    ] {
        if let Some(said) = samples::invalid(&document) {
            assert_eq!(said, Ok(()), "{document}");
        }
        assert_eq!(rules(&document), [expected]);
    }
    // A reference to nothing: the schema of the standard does not resolve references with every validator.
    let dangling = changed(&text(), r#"energyCalibrationReference="Cal1""#, r#"energyCalibrationReference="Cal9""#);
    assert_eq!(rules(&dangling), [Rule::Dangling { attribute: "energyCalibrationReference", id: "Cal9".to_owned() }]);
}
