//! Documents that mean harm, and bytes that mean nothing.

use proptest::prelude::*;
use tidewaiter_n42::{Fault, bounds, check, read, write};

use crate::build;

fn fault(text: &str) -> Fault {
    read(text.as_bytes()).unwrap_err().fault
}

const ROOT: &str = r#"<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42">"#;

#[test]
fn document_types_and_entities_are_refused() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><RadInstrumentData>&lol2;</RadInstrumentData>"#;
    assert_eq!(fault(laughs), Fault::DocumentType);
    let external =
        r#"<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><RadInstrumentData>&xxe;</RadInstrumentData>"#;
    assert_eq!(fault(external), Fault::DocumentType);
    assert_eq!(fault(&format!("{ROOT}<Remark>&xxe;</Remark></RadInstrumentData>")), Fault::Entity("xxe".to_owned()));
    assert_eq!(fault(&format!("{ROOT}<Remark>&#0;</Remark></RadInstrumentData>")), Fault::Entity("#0".to_owned()));
    assert_eq!(fault(&format!("{ROOT}<Remark>&#8;</Remark></RadInstrumentData>")), Fault::Character(8));
    assert_eq!(fault(&format!("{ROOT}<Remark>\u{1}</Remark></RadInstrumentData>")), Fault::Character(1));
    let attribute = r#"<RadInstrumentData n42DocUUID="&xxe;"/>"#;
    assert!(matches!(fault(attribute), Fault::Syntax(_)));
}

#[test]
fn size_depth_and_number_are_bounded() {
    assert_eq!(
        read(&vec![b' '; bounds::MAX_DOCUMENT_BYTES + 1]).unwrap_err().fault,
        Fault::Large(bounds::MAX_DOCUMENT_BYTES + 1)
    );
    assert_eq!(fault(&"<a>".repeat(bounds::MAX_DEPTH + 1)), Fault::Deep);
    assert_eq!(fault(&"<a>".repeat(1_000_000)), Fault::Deep);
    let many = format!("{ROOT}{}</RadInstrumentData>", "<Remark/>".repeat(bounds::MAX_ELEMENTS));
    assert_eq!(fault(&many), Fault::Elements);
    let attributes = (0..=bounds::MAX_ATTRIBUTES).fold(String::new(), |text, index| text + &format!(" a{index}=''"));
    assert_eq!(fault(&format!("<RadInstrumentData{attributes}/>")), Fault::Attributes);
}

#[test]
fn zero_compression_is_no_bomb() {
    let text = write(&build::spectrum()).unwrap();
    let with = |channels: &str| text.replace("0 3 12 40 25 0 1 7 0 4 1", channels);
    assert_eq!(fault(&with("0 4000000000")), Fault::Channels);
    assert_eq!(fault(&with(&format!("0 {}", bounds::MAX_CHANNELS + 1))), Fault::Channels);
    assert_eq!(fault(&with(&format!("0 {} 1", bounds::MAX_CHANNELS))), Fault::Channels);
    let most = format!("0 {}", bounds::MAX_CHANNELS);
    assert!(read(with(&most).as_bytes()).is_ok());
    // Each spectrum within bounds, all of them together not.
    let one = |index: usize| {
        format!(
            r#"<Spectrum id="s{index}" energyCalibrationReference="Cal1"><LiveTimeDuration>PT1S</LiveTimeDuration>
            <ChannelData compressionCode="CountedZeroes">{most}</ChannelData></Spectrum>"#
        )
    };
    let all: String = (0..=bounds::MAX_TOTAL_CHANNELS / bounds::MAX_CHANNELS).map(one).collect();
    let start = text.find("<Spectrum").unwrap();
    let end = text.find("</Spectrum>").unwrap() + "</Spectrum>".len();
    assert_eq!(fault(&format!("{}{all}{}", &text[..start], &text[end..])), Fault::Channels);
}

#[test]
fn what_is_no_document_is_named() {
    assert!(matches!(fault(""), Fault::Syntax(_)));
    assert!(matches!(fault("RPM,000001"), Fault::Syntax(_)));
    assert_eq!(fault("<N42InstrumentData/>"), Fault::Edition2006);
    assert_eq!(fault("<html></html>"), Fault::Root("html".to_owned()));
    assert_eq!(fault(r#"<RadInstrumentData xmlns="urn:other"/>"#), Fault::Root("RadInstrumentData".to_owned()));
    assert!(matches!(fault("<RadInstrumentData/><RadInstrumentData/>"), Fault::Syntax(_)));
    assert!(matches!(fault(&format!("{ROOT}<Remark>")), Fault::Syntax(_)));
    assert!(matches!(fault(&format!("{ROOT}</Remark>")), Fault::Syntax(_)));
    assert_eq!(read(b"\xFF\xFE<").unwrap_err().fault, Fault::NotUtf8);
    assert_eq!(read(b"<a>\xE9</a>").unwrap_err().fault, Fault::NotUtf8);
    let declared = "<?xml version=\"1.0\" encoding=\"GB2312\"?><RadInstrumentData>\u{5165}</RadInstrumentData>";
    assert_eq!(fault(declared), Fault::Encoding("gb2312".to_owned()));
}

#[test]
fn errors_stand_where_they_are() {
    let text = write(&build::spectrum()).unwrap().replace("PT60S", "PT60X");
    let error = read(text.as_bytes()).unwrap_err();
    let line = text.lines().position(|line| line.contains("PT60X")).unwrap() + 1;
    assert_eq!((error.line, error.element.as_str()), (line, "LiveTimeDuration"));
    assert_eq!(error.column, 7);
    assert!(error.to_string().starts_with(&format!("line {line}, column 7, LiveTimeDuration: `PT60X` is not")));
}

#[test]
fn forgiven_spellings() {
    let document = build::portal();
    let text = write(&document).unwrap();
    let check = |bytes: &[u8], notices: usize| {
        let read = read(bytes).unwrap();
        assert_eq!(read.document, document);
        assert_eq!(read.notices.kept.len(), notices, "{:?}", read.notices);
    };
    check(format!("\u{FEFF}{text}").as_bytes(), 0);
    let wide: Vec<u8> = text.replace("UTF-8", "UTF-16").encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&[&[0xFF, 0xFE][..], &wide].concat(), 0);
    let wide: Vec<u8> = text.replace("UTF-8", "UTF-16").encode_utf16().flat_map(u16::to_be_bytes).collect();
    check(&[&[0xFE, 0xFF][..], &wide].concat(), 0);
    check(text.replace("UTF-8", "utf-16").as_bytes(), 0);
    check(text.replace('\n', "\r\n").as_bytes(), 0);
    let prefixed = text.replace("</", "</n42:").replace("<Rad", "<n42:Rad").replace("xmlns=", "xmlns:n42=");
    let prefixed = regexless_prefix(&prefixed);
    check(prefixed.as_bytes(), 0);
    check(text.replace("http://physics.nist.gov/N42/2011/N42", "HTTP://physics.nist.gov/N42/2011/n42/").as_bytes(), 1);
    check(text.replace(" xmlns=\"http://physics.nist.gov/N42/2011/N42\"", "").as_bytes(), 1);
    check(text.replace("<CountData>3<", "<CountData><!-- three -->3.0<").as_bytes(), 0);
    check(text.replace("<CountData>3<", "<CountData><![CDATA[3]]><").as_bytes(), 0);
    check(text.replace("<CountData>3<", "<CountData>\n &#x33; <").as_bytes(), 0);
    check(text.replace("<SpeedValue>", "<SpeedValue units=\"m/s\">").as_bytes(), 0);
    check(text.replace("<SpeedValue>", "<SpeedValue mood=\"good\">").as_bytes(), 1);
    check(text.replace("</RadInstrumentData>", "<MultimediaData/></RadInstrumentData>").as_bytes(), 1);
}

/// Puts the prefix before the names of elements that have none yet.
fn regexless_prefix(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if rest.starts_with(|first: char| first.is_ascii_alphabetic()) && !rest.starts_with("n42:") {
            out.push_str("n42:");
        }
    }
    out + rest
}

#[test]
fn order_does_not_matter_to_the_reader() {
    let text = write(&build::spectrum()).unwrap();
    let calibration = "\n  <EnergyCalibration id=\"Cal1\">\n    <CoefficientValues>0.0 3.0 0.0</CoefficientValues>\n  </EnergyCalibration>";
    assert!(text.contains(calibration));
    let moved = text
        .replace(calibration, "")
        .replace("\n</RadInstrumentData>", &format!("{calibration}\n</RadInstrumentData>"));
    assert_eq!(read(moved.as_bytes()).unwrap().document, build::spectrum());
    let twice = text.replace(
        "<RealTimeDuration>PT60.25S</RealTimeDuration>",
        "<RealTimeDuration>PT60.25S</RealTimeDuration><RealTimeDuration>PT1S</RealTimeDuration>",
    );
    assert_eq!(fault(&twice), Fault::Repeated("RealTimeDuration"));
}

#[test]
fn derived_fractions_are_left_out_and_said() {
    let text = write(&build::spectrum()).unwrap();
    let derived = r#"<DerivedData id="D1"><MeasurementClassCode>Foreground</MeasurementClassCode>
        <StartDateTime>2026-01-15T00:30:05Z</StartDateTime><RealTimeDuration>PT60S</RealTimeDuration>
        <Spectrum id="D1S1" energyCalibrationReference="Cal1"><LiveTimeDuration>PT60S</LiveTimeDuration>
        <ChannelData>1.5 2 3</ChannelData></Spectrum>
        <Spectrum id="D1S2" energyCalibrationReference="Cal1"><LiveTimeDuration>PT60S</LiveTimeDuration>
        <ChannelData>1 2 3</ChannelData></Spectrum></DerivedData></RadInstrumentData>"#;
    let read = read(text.replace("</RadInstrumentData>", derived).as_bytes()).unwrap();
    assert_eq!(read.document.derived[0].spectra.len(), 1);
    assert!(read.notices.kept[0].text.starts_with("Spectrum left out: value 1 is `1.5`"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_markup_is_read_or_refused(text in "(<[/!?]?[a-z:]{0,3}( [a-z:]{1,2}=\"[&;#a-z0-9]{0,4}\")?[/?]?>|[ -~]|&#x?[0-9]{0,7};|<!\\[CDATA\\[|\\]\\]>|<!--|-->){0,40}") {
        let _ = read(text.as_bytes());
    }

    #[test]
    fn a_spoilt_document_is_read_or_refused(
        at in any::<prop::sample::Index>(), length in 0_usize..12, with in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let mut bytes = write(&build::portal()).unwrap().into_bytes();
        let start = at.index(bytes.len());
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, with);
        if let Ok(read) = read(&bytes) {
            let _ = check(&read.document, None);
            if let Ok(text) = write(&read.document) {
                prop_assert_eq!(tidewaiter_n42::read(text.as_bytes()).unwrap().document, read.document);
            }
        }
    }
}
