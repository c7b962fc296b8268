//! What holds for all values and all bytes of the laboratory and identity codecs.

use proptest::{collection::vec, option, prelude::*, sample::select};
use tidewaiter_drivers::{
    Decimal,
    identity::{axxon, declaration::DeclarationNumber, scan},
    lab::{
        astm::{self, Received, Receiver},
        dma,
        fastness::{self, Grade, GradeLine},
        hanna, hvi, laqua, moisture, orion, photometer, seven,
    },
    reading::Channels,
    wire::{Decode, Event, Refusal},
};

use crate::{events, lab::told, only_frames};

fn decimal(digits: std::ops::RangeInclusive<i64>, places: u8) -> impl Strategy<Value = Decimal> {
    digits.prop_map(move |digits| Decimal::new(digits, places).unwrap())
}

fn bytes<const N: usize>(pattern: &'static str) -> impl Strategy<Value = heapless::Vec<u8, N>> {
    pattern.prop_map(|text| heapless::Vec::from_slice(text.as_bytes()).unwrap())
}

/// Bytes that look like one of the protocols more often than chance would have it.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let likely = select(b"\x02\x03\x04\x05\x06\x15\x17\r\n@|^;,>\t \"+-.0123456789ABCEHIMNRSVpg%".to_vec());
    vec(prop_oneof![4 => likely, 1 => any::<u8>()], 0..400)
}

fn record() -> impl Strategy<Value = hvi::Record> {
    let flags = vec(select(vec![hvi::Flag::Retest, hvi::Flag::LotLimit, hvi::Flag::Clear, hvi::Flag::Blank]), 0..=2);
    let flags = flags.prop_map(|it| heapless::Vec::from_slice(&it).unwrap());
    let values = vec((decimal(0..=9_999, 2), flags), 1..=hvi::MAX_VALUES);
    let stamp = (0_u8..24, 0_u8..60, 1_u8..=31, 1_u8..=12, 0_u8..100)
        .prop_map(|(hour, minute, day, month, year)| hvi::Stamp { hour, minute, day, month, year });
    let texts = (bytes("[A-Z0-9]{0,3}"), bytes("([A-Z0-9][A-Z0-9 ]{0,38}[A-Z0-9])?"), bytes("[A-Z0-9]{0,12}"));
    let module = select(hvi::Module::ALL.to_vec());
    let statistic = select(hvi::Statistic::ALL.to_vec());
    (texts, stamp, module, statistic, (0_u8..=99, 0_u8..=99), values).prop_map(
        |((instrument, identifier, sample), stamp, module, statistic, repetition, mut values)| {
            if let Some(count) = module.count() {
                values.resize(count, (Decimal::new(2845, 2).unwrap(), heapless::Vec::new()));
            }
            let values = values.into_iter().map(|(number, flags)| hvi::Value { number, flags }).collect();
            let repetition = (statistic == hvi::Statistic::Individual).then_some(repetition);
            let observation = hvi::Observation { module, statistic, identifier, sample, repetition, values };
            hvi::Record { instrument, stamp, content: hvi::Content::Observation(observation) }
        },
    )
}

fn shown() -> impl Strategy<Value = laqua::Shown> {
    prop_oneof![
        6 => decimal(-9_999..=9_999, 1).prop_map(laqua::Shown::Number),
        1 => Just(laqua::Shown::Over),
        1 => Just(laqua::Shown::Under),
    ]
}

fn ranged() -> impl Strategy<Value = hanna::Ranged> {
    prop_oneof![
        6 => decimal(-9_999..=9_999, 1).prop_map(hanna::Ranged::In),
        1 => Just(hanna::Ranged::Over),
        1 => Just(hanna::Ranged::Under),
    ]
}

/// The same stream gives the same events however it was cut, accounts for what it drops, keeps what it refuses, and
/// takes up the next good frame.
fn sound<D>(fresh: impl Fn() -> D, stream: &[u8], cut: usize, good: &[u8], most: usize) -> Result<(), TestCaseError>
where
    D: Decode<Item: Channels + Clone + PartialEq + std::fmt::Debug>,
{
    let mut whole = fresh();
    let all = events(&mut whole, stream);
    let mut parts = fresh();
    let (head, tail) = stream.split_at(cut.min(stream.len()));
    let mut pieces = events(&mut parts, head);
    pieces.extend(events(&mut parts, tail));
    prop_assert_eq!(&all, &pieces);
    for (event, raw) in &all {
        match event {
            Event::Garbage(bytes) => prop_assert!((1..=256).contains(bytes)),
            Event::Refused(_) => prop_assert!(raw.len() <= most),
            Event::Frame(item) => {
                prop_assert!(raw.len() <= most);
                item.each(&mut |name, _| assert!(!name.is_empty() && name.len() <= 32, "{name}"));
            }
        }
    }
    // A line end and a good frame behind the noise.
    events(&mut whole, b"\r\n");
    let got = events(&mut whole, good);
    prop_assert!(got.iter().any(|(event, _)| matches!(event, Event::Frame(_))), "{got:?}");
    Ok(())
}

proptest! {
    #[test]
    fn hvi_reads_what_it_wrote(record in record()) {
        // A variation of the length need not be in a unit; any other must show two or three decimals, as here.
        let written = hvi::encode(&record).unwrap();
        prop_assert_eq!(only_frames(&mut hvi::Decoder::at_line_start(), &written), [record]);
    }

    #[test]
    fn meters_read_what_they_wrote(
        ph in decimal(-200..=1_999, 2),
        celsius in decimal(-300..=1_300, 1),
        stable: bool,
        automatic: bool,
        potential: bool,
        value in option::of(decimal(-200..=1_999, 2)),
        slope in option::of(decimal(0..=1_200, 1)),
    ) {
        let quantity = if potential { seven::Quantity::Potential } else { seven::Quantity::Ph };
        let answer = seven::Answer::Measurement { value: ph, quantity, stable, celsius, automatic };
        let written = seven::encode(&answer).unwrap();
        prop_assert_eq!(only_frames(&mut seven::Decoder::at_line_start(), written.as_bytes()), [answer]);
        let field = |text: &str| orion::Field::from_slice(text.as_bytes()).unwrap();
        let measurement = orion::Measurement {
            model: field("A215 pH"), serial: field("X1"), software: field("3.04"), user: field("u"),
            time: field("12/07/23 09:30:40"), sample: field("S-1"), channel: field("CH-2"),
            mode: if potential { orion::Mode::Millivolt } else { orion::Mode::Ph },
            value, millivolt: Some(ph), celsius: Some(celsius), slope, method: field("M100"), log_number: field("#1"),
        };
        let written = orion::encode(&measurement).unwrap();
        prop_assert_eq!(only_frames(&mut orion::Decoder::at_line_start(), &written), [measurement]);
    }

    #[test]
    fn laqua_reads_what_it_wrote(value in shown(), celsius in shown(), millivolt in shown(), automatic: bool, alarm in 0_u8..=2, state in 0_usize..3, mode in 0_usize..3) {
        use laqua::{Mode, State};
        let record = laqua::Record {
            sample: heapless::Vec::from_slice(b"0001").unwrap(),
            mode: [Mode::Ph, Mode::Potential, Mode::RelativePotential][mode],
            channel: 1,
            state: [State::Instantaneous, State::Held, State::Following][state],
            time: [2026, 11, 21, 9, 30, 40],
            value, automatic, celsius, millivolt, alarm,
        };
        let written = laqua::encode(&record).unwrap();
        prop_assert_eq!(only_frames(&mut laqua::Decoder::at_line_start(), written.as_bytes()), [record]);
    }

    #[test]
    fn hanna_reads_what_it_wrote(calculated in ranged(), millivolt in ranged(), celsius in decimal(-999..=9_999, 2), status: u8, mode in 0_usize..5, error in 0_u8..=9) {
        use hanna::Mode;
        let mode = [Mode::PhThousandths, Mode::PhHundredths, Mode::PhTenths, Mode::Millivolt, Mode::RelativeMillivolt][mode];
        let calculated = (mode != Mode::Millivolt).then_some(calculated);
        let readings = hanna::Readings { mode, status, calculated, millivolt, celsius };
        for answer in [hanna::Answer::Readings(readings), hanna::Answer::Error(error), hanna::Answer::Done, hanna::Answer::Unknown, hanna::Answer::Damaged] {
            let written = hanna::encode(&answer).unwrap();
            prop_assert_eq!(only_frames(&mut hanna::Decoder::new(), &written), [answer]);
        }
    }

    #[test]
    fn photometer_reads_what_it_wrote(value in decimal(-3_000..=3_000, 3), nanometres in 190_u16..=1_100, number in 1_u16..=999) {
        use photometer::{Quantity, Reading};
        for quantity in [Quantity::Absorbance, Quantity::Transmittance, Quantity::MilligramPerLitre, Quantity::Level] {
            let reading = Reading { quantity, value, nanometres };
            let written = photometer::encode_answer(&reading).unwrap();
            prop_assert_eq!(only_frames(&mut photometer::Answers::to(quantity), written.as_bytes()), [reading]);
            if let Some(written) = photometer::encode_print(number, &reading) {
                let printed = only_frames(&mut photometer::Prints::at_line_start(), written.as_bytes());
                prop_assert_eq!(printed, [photometer::Printed(reading)]);
            }
        }
    }

    #[test]
    fn moisture_reads_what_it_wrote(value in decimal(-99_999..=99_999, 2), at in 0_usize..4, header in bytes("[A-Z][a-z]{0,5}|[0-9]{2}:[0-9]{2}"), code in 0_u16..=9_999) {
        use moisture::{Line, Quantity, Status};
        let quantity = [Quantity::Moisture, Quantity::DrySubstance, Quantity::MoistureOfDry, Quantity::Mass][at];
        prop_assume!(!header.starts_with(b"Stat"));
        for line in [Line::Value { header: header.clone(), quantity, value }, Line::Status(Status::Error(code)), Line::Status(Status::Overload)] {
            let written = moisture::encode(&line).unwrap();
            prop_assert_eq!(only_frames(&mut moisture::Decoder::at_line_start(), written.as_bytes()), [line]);
        }
    }

    #[test]
    fn grades_read_what_they_wrote(half_steps in 2_u8..=10, test in "([a-z][a-z0-9-]{0,20})?") {
        let line = GradeLine { test: test.as_str().try_into().unwrap(), grade: Grade::from_half_steps(half_steps).unwrap() };
        let written = fastness::encode(&line).unwrap();
        prop_assert_eq!(only_frames(&mut fastness::Decoder::at_line_start(), written.as_bytes()), [line]);
    }

    #[test]
    fn dma_reads_what_it_wrote(density in decimal(0..=3_000_000, 6), celsius in decimal(0..=95_000, 3), word in bytes("valid|filling error")) {
        let field = |text: &str| dma::Field::from_slice(text.as_bytes()).unwrap();
        let unit = dma::ColumnUnit::Known;
        let units = [unit(tidewaiter_drivers::Unit::GramPerCubicCentimetre), unit(tidewaiter_drivers::Unit::Celsius), dma::ColumnUnit::None];
        let names = [field("Density"), field("Density Temperature"), field("Density Condition")];
        let contents = [dma::CellContent::Number(density), dma::CellContent::Number(celsius), dma::CellContent::Word(word)];
        let cells = names.iter().zip(units).zip(contents).map(|((name, unit), content)| dma::Cell { name: name.clone(), unit, content }).collect();
        let session = [
            dma::Answer::Head(names.iter().cloned().collect()),
            dma::Answer::Units(units.into_iter().collect()),
            dma::Answer::Data(cells),
        ];
        let stream: Vec<u8> = session.iter().flat_map(|it| dma::encode(it).unwrap()).collect();
        prop_assert_eq!(only_frames(&mut dma::Decoder::at_line_start(), &stream), session);
    }

    #[test]
    fn identity_reads_what_it_wrote(
        plate in option::of(bytes("[A-Z]{1,2}[0-9]{4,6}")), camera in 0_u8..=99,
        code in bytes("[A-Z0-9]{1,40}"), kind in option::of(select(b"ACEILQde".to_vec())),
        prefix in bytes("[<>!]{0,4}"), suffix in bytes("[<>!]{0,4}"), end in option::of(select(vec![b'\t', 0x03])),
        number in "[0-9]{4}20[0-9]{2}[01IE][0-9]{9}",
    ) {
        let sighting = axxon::Sighting { time: [2026, 11, 21, 9, 30, 40], camera, plate };
        let written = axxon::encode(&sighting).unwrap();
        prop_assert_eq!(only_frames(&mut axxon::Decoder::new(), &written), [sighting]);
        let settings = scan::Settings { prefix, suffix, end };
        let scanned = scan::Scan { aim: kind.map(|kind| scan::Aim { kind, modifier: b'0' }), code };
        let written = scan::encode(&scanned, &settings).unwrap();
        prop_assert_eq!(only_frames(&mut scan::Decoder::new(settings), &written), [scanned]);
        let parsed = DeclarationNumber::parse(&number).unwrap();
        prop_assert_eq!(parsed.as_str(), number);
    }

    #[test]
    fn decoders_are_sound_in_any_noise(stream in noise(), cut in 0_usize..400) {
        let hvi_good = b"HVI@MIC@02@100@12:00@01-DEC-93@TEST RUN@1@3.5@n@91@\r";
        sound(hvi::Decoder::new, &stream, cut, hvi_good, hvi::MAX_RECORD_BYTES)?;
        sound(hvi::quoted::Decoder::new, &stream, cut, b"\"a\" \"b\" 1.0\r\n", hvi::quoted::MAX_LINE_BYTES)?;
        sound(orion::Decoder::new, &stream, cut, b"A215 pH,X5,3.04,AB,t,---,CH-1,pH,4.61,pH,1.2, mV,25.0,C,89.1,%,M1,#1\r", orion::MAX_LINE_BYTES)?;
        sound(seven::Decoder::new, &stream, cut, b"MF06 A D 7.02 pH 25.2 0 0\r\n", seven::MAX_LINE_BYTES)?;
        sound(hanna::Decoder::new, &stream, cut, b"\x02Err6\x03", hanna::MAX_TEXT_BYTES)?;
        sound(laqua::Decoder::new, &stream, cut, b"RMD,1,01,1,0,1, ,2026,11,21,09,30,40,7.02,0,0,0,25.1,-1.2,0\r\n", laqua::MAX_LINE_BYTES)?;
        sound(photometer::Prints::new, &stream, cut, b"2 0.001 ABS 670 nm\r\n", photometer::MAX_LINE_BYTES)?;
        sound(|| photometer::Answers::to(photometer::Quantity::Absorbance), &stream, cut, b"0.001\t540\r", photometer::MAX_LINE_BYTES)?;
        sound(moisture::Decoder::new, &stream, cut, b"Moist +       22 %M \r\n", moisture::MAX_LINE_BYTES)?;
        sound(fastness::Decoder::new, &stream, cut, b"fastness-water 3-4\r\n", fastness::MAX_LINE_BYTES)?;
        sound(dma::Decoder::new, &stream, cut, b"no new data available\r", dma::MAX_LINE_BYTES)?;
        sound(axxon::Decoder::new, &stream, cut, b"\x022026011508301201B12345\x03", axxon::MAX_TEXT_BYTES)?;
        sound(|| scan::Decoder::new(scan::Settings::default()), &stream, cut, b"CSQU3054383\r", scan::MAX_LINE_BYTES)?;
        sound(Receiver::new, &stream, cut, &[astm::ENQ], astm::MAX_FRAME_TEXT_BYTES + 2)?;
    }

    /// Noise becomes a record only by bytes whose check holds.
    #[test]
    fn garbage_is_never_a_checked_record(stream in noise()) {
        for (event, raw) in events(&mut hvi::Decoder::new(), &stream) {
            if let Event::Frame(record) = event {
                prop_assert!(hvi::encode(&record).is_some(), "{raw:02X?}");
            }
        }
        for (event, raw) in events(&mut Receiver::new(), &stream) {
            if let Event::Frame(Received::Message(message)) = event {
                prop_assert!(raw.len() >= 2 && message.bytes().ends_with(&raw[1..raw.len() - 1]));
            }
        }
    }

    /// One changed byte inside a frame never makes another message.
    #[test]
    fn astm_damage_is_seen(text in "[A-Z|^0-9 ]{1,100}", at in 0_usize..103, with: u8) {
        let frame = astm::encode_frame(1, text.as_bytes(), true).unwrap();
        let at = 1 + at % (frame.len() - 5);
        let mut damaged = frame.to_vec();
        prop_assume!(damaged[at] != with && with != astm::ENQ);
        damaged[at] = with;
        let mut receiver = Receiver::new();
        receiver.push(astm::ENQ);
        let messages = events(&mut receiver, &damaged).into_iter().filter_map(|(event, _)| match event {
            Event::Frame(Received::Message(message)) => Some(message),
            _ => None,
        });
        prop_assert_eq!(messages.count(), 0);
    }
}

#[test]
fn a_tail_after_a_reset_is_dropped() {
    let mut decoder = moisture::Decoder::at_line_start();
    events(&mut decoder, b"Moist +    1");
    decoder.reset();
    let got = events(&mut decoder, b"2.34 %M \r\nMoist +       22 %M \r\n");
    assert!(matches!(got[..], [(Event::Garbage(8), _), (Event::Frame(_), _)]), "{got:?}");
    let long = vec![b'x'; 100];
    assert_eq!(events(&mut moisture::Decoder::at_line_start(), &long)[0].0, Event::Refused(Refusal::TooLong));
    assert_eq!(told(&moisture::Line::Status(moisture::Status::Overload)), "moisture:overrange");
}
