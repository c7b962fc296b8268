//! Radiation instruments: area monitors, survey meters, identifiers, backpacks, daily files, and the
//! portal that is read over Modbus.

use proptest::{collection::vec, prelude::*, sample::select};
use tidewaiter_drivers::{
    Decimal, Unit,
    modbus::{pdu, register::Table, tcp},
    portal::aspect::{self, DetectorStatus, Detectors, Identification, Inputs, Monitor, Outputs},
    radiation::{
        kromek_d5::{self, Crc, Radiometrics},
        ludlum_375::{self, Dump, Occasion, Printed},
        ludlum_2363, rs350,
        spectral_daily::{self, Particle},
    },
    reading::{Missing, Outcome, Quality},
    wire::{Decode, Event, Refusal, single::Single},
};

use crate::{
    events, frame_file, only_frames,
    spectrometer::{channels, good, says},
};

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn value(outcome: Outcome) -> String {
    outcome.map_or_else(|missing| missing.to_string(), |it| it.value.to_string())
}

const MONITOR: Unit = Unit::MilliroentgenPerHour;

fn ludlum_375_words(shown: &ludlum_375::Shown) -> String {
    match shown.line {
        ludlum_375::Line::Dump(it) => {
            let flags = [
                (it.audio, "audio"),
                (it.high_alarm, "high"),
                (it.low_alarm, "low"),
                (it.over_range, "over"),
                (it.monitoring, "monitoring"),
            ];
            let mut words = format!("dump {}", it.reading);
            for (_, word) in flags.into_iter().filter(|(on, _)| *on) {
                words.push(' ');
                words.push_str(word);
            }
            if it.error != ludlum_375::NO_ERROR {
                words.push_str(" error:");
                words.push(char::from(it.error));
            }
            words
        }
        ludlum_375::Line::Printed(it) => {
            let ([month, day, year], [hour, minute, second]) = (it.date, it.time);
            format!("printed {} {month}/{day}/{year} {hour}:{minute}:{second} {:?}", it.reading, it.occasion)
        }
    }
}

#[test]
fn ludlum_375_lines_say_and_write_back() {
    for (line, expected) in [frame_file!("ludlum-375-published"), frame_file!("ludlum-375-computed")].concat() {
        let mut decoder = ludlum_375::Decoder::new(MONITOR);
        assert_eq!(
            says(&mut decoder, &line, |_, it| ludlum_375_words(it)),
            expected,
            "{}",
            String::from_utf8_lossy(&line)
        );
        if !expected.starts_with("refused") {
            let shown = only_frames(&mut ludlum_375::Decoder::new(MONITOR), &line).remove(0);
            assert_eq!(ludlum_375::encode(&shown.line).unwrap().as_bytes(), line);
        }
    }
    // As another edition prints it, with one space more.
    let wide = b"0642.1    04/21/95 16:56:24 ALARM\r\n";
    assert_eq!(only_frames(&mut ludlum_375::Decoder::new(MONITOR), wide).len(), 1);
}

#[test]
fn ludlum_375_gives_no_digits_when_they_are_none() {
    let rate = |line: &str| {
        let shown = only_frames(&mut ludlum_375::Decoder::new(MONITOR), line.as_bytes()).remove(0);
        channels(&shown)["dose-rate"]
    };
    assert_eq!(rate("0642.1000010\r\n"), good("642.1", MONITOR));
    assert_eq!(rate("9999.0000110\r\n"), Err(Missing::Overrange));
    assert_eq!(rate("0001.5000013\r\n"), Err(Missing::InstrumentFault(0x33)));
    assert_eq!(rate("0001.5000000\r\n"), Err(Missing::InstrumentFault(0)), "the green light is out");
    assert_eq!(rate("0000.0   04/21/95 08:32:16  FAIL\r\n"), Err(Missing::InstrumentFault(0)));
    let shown = only_frames(&mut ludlum_375::Decoder::new(MONITOR), b"0642.1111010\r\n").remove(0);
    let told = channels(&shown);
    assert_eq!((told["high-alarm"], told["low-alarm"]), (good("1", Unit::One), good("1", Unit::One)));
}

const UNITS: ludlum_2363::Units = ludlum_2363::Units { rate: Unit::MicrosievertPerHour, dose: Unit::Microsievert };

#[test]
fn ludlum_2363_answers_say_and_write_back() {
    for (line, expected) in frame_file!("ludlum-2363-published") {
        let words = |it: &ludlum_2363::Readings| format!("{} {} {}", it.neutron_rate, it.gamma_rate, it.dose);
        assert_eq!(says(&mut ludlum_2363::Decoder::new(UNITS), &line, |_, it| words(it)), expected);
        if !expected.starts_with("refused") {
            let readings = only_frames(&mut ludlum_2363::Decoder::new(UNITS), &line).remove(0);
            assert_eq!(ludlum_2363::encode(&readings).unwrap().as_bytes(), line);
            let told = channels(&readings);
            assert_eq!(told["gamma-dose-rate"], good("23.05", Unit::MicrosievertPerHour));
            assert_eq!(told["neutron-dose-rate"], good("0.03", Unit::MicrosievertPerHour));
            assert_eq!(told["dose"], good("1245.6", Unit::Microsievert));
        }
    }
}

fn kromek_words(message: &kromek_d5::Message) -> String {
    match message {
        kromek_d5::Message::Request { component, report } => format!("request {component:02X} {report:02X}"),
        kromek_d5::Message::Radiometrics(it) => format!("radiometrics {}", it.sequence),
        kromek_d5::Message::Acknowledged => "acknowledged".into(),
        kromek_d5::Message::Refused => "refused".into(),
        kromek_d5::Message::Other { component, report } => format!("other {component:02X} {report:02X}"),
    }
}

#[test]
fn kromek_messages_say() {
    for (frame, expected) in frame_file!("kromek-d5-computed") {
        let mut decoder = kromek_d5::Decoder::new(Crc::Checked);
        assert_eq!(says(&mut decoder, &frame, |_, it| kromek_words(it)), expected);
        let again = match expected.as_str() {
            "request 07 C2" => kromek_d5::encode_request(kromek_d5::INTERFACE_BOARD, kromek_d5::RADIOMETRICS),
            "acknowledged" => kromek_d5::encode_acknowledgement(7, true),
            "refused" => kromek_d5::encode_acknowledgement(7, false),
            "other 07 FC" => {
                assert!(decoder.payload().eq(*b"\xC0\xDBunit"), "escapes are undone");
                continue;
            }
            // Without the CRC a damaged payload is a message; that is the price of ignoring it.
            "refused:checksum" => {
                let got = only_frames(&mut kromek_d5::Decoder::new(Crc::Ignored), &frame);
                assert_eq!(got, [kromek_d5::Message::Other { component: 7, report: 0xFC }]);
                continue;
            }
            _ => continue,
        };
        assert_eq!(again.as_slice(), frame);
    }
}

fn radiometrics() -> Radiometrics {
    Radiometrics {
        status: 0x11,
        real_ms: 60_250,
        sequence: 42,
        dose: Single::nearest(d("0.0125")).unwrap(),
        dose_rate: Single::nearest(d("0.083")).unwrap(),
        user_dose: Single(0x1E8D_ABC6),
        neutron_live_ms: 60_000,
        neutron_counts: 3,
        neutron_centicelsius: 2345,
        gamma_live_ms: 59_000,
        gamma_counts: 18_422,
        gamma_centicelsius: -512,
        channel_bits: 12,
    }
}

#[test]
fn kromek_radiometrics_are_those_computed_elsewhere() {
    let spectrum: Vec<u16> = (0..4096_u32).map(|at| u16::try_from(at * 37 % 65_536).unwrap()).collect();
    let frame =
        kromek_d5::encode_radiometrics::<{ kromek_d5::MAX_ESCAPED_BYTES + 2 }>(&radiometrics(), &spectrum).unwrap();
    let head = "C03D200007C2110000005AEB00002A000000CDCC4C3CE7FBA93DC6AB8D1E60EA00000300000029090000000078E60000\
                F647000000FE000000000C00000025004A006F009400";
    assert_eq!(frame.len(), 8315, "sixty bytes escaped");
    assert_eq!((&frame[..70], &frame[8311..]), (&hex::decode(head).unwrap()[..], &[0x4F, 0x31, 0x7E, 0xC0][..]));

    let mut decoder = Box::new(kromek_d5::Decoder::new(Crc::Checked));
    assert_eq!(only_frames(&mut *decoder, &frame), [kromek_d5::Message::Radiometrics(radiometrics())]);
    assert!(decoder.spectrum().eq(spectrum));
    let told = channels(&kromek_d5::Message::Radiometrics(radiometrics()));
    assert_eq!(told["dose-rate"], good("0.083", Unit::MicrosievertPerHour));
    assert_eq!(told["dose"], good("0.0125", Unit::Microsievert));
    assert_eq!(told["user-dose"], good("0.000000000000000000", Unit::Microsievert), "1.5e-20");
    assert_eq!(told["gamma-count"], good("18422", Unit::Count));
    assert_eq!(told["gamma-live-time"], good("59.000", Unit::Second));
    assert_eq!(told["gamma-temperature"], good("-5.12", Unit::Celsius));
    let none = Radiometrics { dose_rate: Single(f32::NAN.to_bits()), ..radiometrics() };
    let told = channels(&kromek_d5::Message::Radiometrics(none));
    assert_eq!(told["dose-rate"], Err(Missing::InstrumentFault(0)));
}

#[test]
fn kromek_keeps_the_good_message_behind_every_cut() {
    let frame = kromek_d5::encode_acknowledgement(7, true);
    for cut in 0..frame.len() {
        for broken in [&frame[..cut], &frame[cut..]] {
            let stream = [broken, &frame].concat();
            let got = events(&mut kromek_d5::Decoder::new(Crc::Checked), &stream);
            assert_eq!(got.last().unwrap().0, Event::Frame(kromek_d5::Message::Acknowledged), "cut at {cut}");
        }
    }
}

#[test]
fn rs350_documents_come_whole() {
    let document = "\u{FEFF}<?xml version=\"1.0\"?>\n<RadInstrumentData/>";
    let sent: Vec<u8> = rs350::encode(document).unwrap().collect();
    let mut decoder = rs350::Decoder::<64>::new();
    let stream = [b"tail</RadInstrumentData>\x03".as_slice(), b"\x02<?xml bro", &sent].concat();
    let got: Vec<_> = events(&mut decoder, &stream).into_iter().map(|it| it.0).collect();
    // The STX of the document that broke off counts, too.
    assert_eq!(got, [Event::Garbage(25), Event::Garbage(10), Event::Frame(rs350::Document { bytes: document.len() })]);
    assert_eq!(decoder.document(), document.as_bytes());
    assert_eq!(events(&mut decoder, b"\x02not a document\x03")[0].0, Event::Refused(Refusal::Shape));
    assert_eq!(events(&mut decoder, b"\x02\x03")[0].0, Event::Refused(Refusal::Shape));
    let long = [b"\x02<".as_slice(), &[b' '; 80], b"\x03", &sent].concat();
    let got = events(&mut decoder, &long);
    assert_eq!(got[0].0, Event::Refused(Refusal::TooLong));
    assert!(matches!(got.last().unwrap().0, Event::Frame(_)));
    assert!(rs350::encode("<a>\u{3}</a>").is_none());
}

fn daily_words(decoder: &spectral_daily::Decoder<256>, line: &spectral_daily::Line) -> String {
    use spectral_daily::Line;
    let list: Vec<_> = decoder.list().map(String::from_utf8_lossy).collect();
    let list = format!("[{}]", list.join(" "));
    let speed = |it: &Option<Decimal>| it.map_or("-".into(), |it| it.to_string());
    match line {
        Line::Setup { detector, application, channels, algorithm } => {
            format!("setup {detector} {application} {channels} {algorithm} {list}")
        }
        Line::Deviations => format!("deviations {list}"),
        Line::GammaBackground { detector, total } => format!("background {detector} {total} {list}"),
        Line::NeutronBackground { seconds, total } => {
            format!("neutron-background {} {total} {list}", seconds.at_places(0).unwrap())
        }
        Line::BackgroundEnd(_) => "background-end".into(),
        Line::Gamma { detector, chunk, total } => format!("gamma {detector} {chunk} {total} {list}"),
        Line::Neutron { slices, chunk, total } => format!("neutron {slices} {chunk} {total} {list}"),
        Line::AnalysedBackground { particle, seconds, total } => {
            format!("analysed {particle:?} {seconds} {total} {list}")
        }
        Line::Nuclide(nuclide) => format!("nuclide {} {list}", nuclide.as_deref().unwrap_or("none")),
        Line::OccupancyEnd { light, number, entry_speed, exit_speed, .. } => {
            format!("end {light:?} {number} {} {}", speed(entry_speed), speed(exit_speed))
        }
        Line::Unknown => "unknown".into(),
    }
}

#[test]
fn daily_lines_say() {
    for (line, expected) in frame_file!("spectral-daily-computed") {
        let mut decoder = spectral_daily::Decoder::<256>::new();
        assert_eq!(says(&mut decoder, &line, daily_words), expected, "{}", String::from_utf8_lossy(&line));
        if !expected.starts_with("refused") {
            let said = only_frames(&mut spectral_daily::Decoder::<256>::new(), &line).remove(0);
            channels(&said);
            let counts: Vec<_> = decoder.counts().collect();
            if let Some(again) = spectral_daily::encode::<256>(&said, &counts) {
                assert_eq!(only_frames(&mut spectral_daily::Decoder::<256>::new(), again.as_bytes()), [said]);
            }
        }
    }
}

#[test]
fn daily_lines_tell_sums_and_the_lamp() {
    let told = |line: &str| {
        channels(&only_frames(&mut spectral_daily::Decoder::<256>::new(), format!("{line}\r\n").as_bytes())[0])
    };
    assert_eq!(told("GS,Aa1,001,0.5,1.25,3")["gamma-aa1"], good("4.75", Unit::Count));
    assert_eq!(told("GB,Da3,1,2")["gamma-background-da3"], good("3", Unit::Count));
    assert_eq!(told("NS,010,001,4,1")["neutron"], good("5", Unit::Count));
    assert_eq!(told("AB,neutron,300,23")["analysed-neutron"], good("23", Unit::Count));
    assert_eq!(told("GX,Red,42,2011-05-03T10:01:00.000Z,f")["alarm"], good("1", Unit::One));
    assert_eq!(told("GX,Green,42,2011-05-03T10:01:00.000Z,f")["alarm"], good("0", Unit::One));
    assert!(told("GX,Green,42,2011-05-03T10:01:00.000Z,f,3.1").len() == 1, "a speed without a unit is no channel");
}

#[test]
fn daily_counts_stay_in_the_decoder_and_long_lines_are_refused() {
    let counts: Vec<_> = (0..512).map(|at| Decimal::whole(at * 13 % 997)).collect();
    let total = counts.iter().fold(Decimal::ZERO, |sum, &it| sum.checked_add(it).unwrap());
    let line = spectral_daily::Line::Gamma { detector: "Aa1".try_into().unwrap(), chunk: 7, total };
    let text = spectral_daily::encode::<4096>(&line, &counts).unwrap();
    let mut decoder = spectral_daily::Decoder::<4096>::new();
    // The counts last until the next byte, which is the line feed.
    assert_eq!(only_frames(&mut decoder, text.trim_end_matches('\n').as_bytes()), [line]);
    assert!(decoder.counts().eq(counts));
    let got = events(&mut spectral_daily::Decoder::<256>::new(), text.as_bytes());
    assert_eq!(got[0].0, Event::Refused(Refusal::TooLong));
}

fn aspect_frames() -> [Vec<u8>; 3] {
    let frames: Vec<_> = frame_file!("aspect-computed").into_iter().map(|(frame, _)| frame).collect();
    frames.try_into().unwrap()
}

fn answer() -> Monitor {
    let [_, _, answer] = aspect_frames();
    let (adu, _) = tcp::split(&answer).unwrap().unwrap();
    let registers = pdu::registers(adu.pdu, Table::Holding, aspect::MONITOR_REGISTERS).unwrap();
    let monitor = Monitor::from_registers(&registers).unwrap();
    assert_eq!(monitor.to_registers(), registers.as_slice(), "written back as read");
    monitor
}

#[test]
fn aspect_asks_for_both_blocks() {
    let [identification, monitor, _] = aspect_frames();
    let adu = |pdu: [u8; 5], transaction| tcp::build(transaction, 1, &pdu).unwrap().to_vec();
    assert_eq!(adu(Identification::request().unwrap(), 2), identification);
    let block = [0xA5A5, 8, 3, aspect::USUAL_MONITOR_ADDRESS, aspect::MONITOR_REGISTERS, 0, 0, 0];
    let portal = Identification::from_registers(&block).unwrap();
    assert_eq!(portal.to_registers(), block);
    assert_eq!(adu(portal.monitor_request().unwrap(), 1), monitor);

    let other = Identification { monitor_registers: 20, ..portal };
    assert_eq!(other.monitor_request(), Err(aspect::BlockError::Length(20).into()));
    let beyond = Identification { monitor_address: 65_530, ..portal };
    assert!(matches!(beyond.monitor_request(), Err(aspect::MonitorRequestError::Frame(_))));
    let error = Identification::from_registers(&block[..4]);
    assert_eq!(error, Err(aspect::BlockError::Count { found: 4, expected: 5 }));
    assert_eq!(Monitor::from_registers(&[0; 22]), Err(aspect::BlockError::Count { found: 22, expected: 21 }));
}

#[test]
fn aspect_answer_says_what_was_computed() {
    let it = answer();
    assert_eq!((it.elapsed, it.object, it.axles, it.speed_mm_s), (123_456, 42, 3, 2200));
    assert_eq!((it.inputs.occupancy(), it.inputs.is_occupied()), (0b11, true));
    assert!(it.gamma.status.contains(DetectorStatus::READY) && it.gamma.status.is_alarm());
    assert!(it.neutron.status.contains(DetectorStatus::READY) && !it.neutron.status.is_alarm());
    assert_eq!(it.outputs, Outputs::ALARM.with(Outputs::BUSY));
    assert_eq!(it.gamma.sigma_milli(), Some(247_500));
    // (4 − 2.25) / √1.5 = 1.42887
    assert_eq!(it.neutron.sigma_milli(), Some(1429));
    let told: Vec<_> = channels(&it).into_iter().map(|(name, outcome)| format!("{name} {}", value(outcome))).collect();
    assert_eq!(
        told,
        [
            "axles 3",
            "fault 0",
            "gamma 1850",
            "gamma-alarm 1",
            "gamma-background 612.5",
            "gamma-variance 25",
            "neutron 4",
            "neutron-alarm 0",
            "neutron-background 2.25",
            "neutron-variance 1.5",
            "object 42",
            "occupied 1",
            "speed 2.200",
            "tamper 0"
        ]
    );
}

#[test]
fn aspect_counts_are_none_without_a_sound_background() {
    let mut it = answer();
    let mut told = |status: DetectorStatus| {
        it.gamma.status = status;
        (channels(&it)["gamma"], value(channels(&it)["gamma-alarm"]))
    };
    let ready = DetectorStatus::READY;
    assert_eq!(told(ready.with(DetectorStatus::OVERLOAD)), (Err(Missing::Overrange), "0".into()));
    assert_eq!(told(ready.with(DetectorStatus::LOW_COUNT)), (Err(Missing::InstrumentFault(0x10)), "0".into()));
    assert_eq!(told(ready.with(DetectorStatus::HIGH_COUNT)), (Err(Missing::InstrumentFault(0x20)), "0".into()));
    assert_eq!(told(DetectorStatus::default()), (Err(Missing::WarmingUp), "0".into()));
    let alarm = DetectorStatus::ALARM_2.with(DetectorStatus::OVERLOAD);
    assert_eq!(told(alarm), (Err(Missing::Overrange), "1".into()), "an alarm is told without a count");
    assert_eq!(DetectorStatus(0x8180).detectors(), 0x81);

    let mut it = answer();
    it.gamma.variance = Single(f32::INFINITY.to_bits());
    assert_eq!(channels(&it)["gamma-variance"], Err(Missing::InstrumentFault(0)));
    assert_eq!(it.gamma.sigma_milli(), None);
    it.neutron.variance = Single(0);
    assert_eq!(it.neutron.sigma_milli(), None);
    it.inputs = it.inputs.with(Inputs::OPEN).with(Inputs::POWER_FAIL);
    assert_eq!((channels(&it)["tamper"], channels(&it)["fault"]), (good("1", Unit::One), good("1", Unit::One)));
}

fn decimal(most: i64, places: u8) -> impl Strategy<Value = Decimal> {
    (0..=most).prop_map(move |digits| Decimal::new(digits, places).unwrap())
}

fn dump() -> impl Strategy<Value = Dump> {
    (decimal(99_999, 1), prop::array::uniform5(any::<bool>()), b'!'..=b'~').prop_map(
        |(reading, [audio, high_alarm, low_alarm, over_range, monitoring], error)| Dump {
            reading,
            audio,
            high_alarm,
            low_alarm,
            over_range,
            monitoring,
            error,
        },
    )
}

fn printed() -> impl Strategy<Value = Printed> {
    let date = (1_u8..=12, 1_u8..=31, 0_u8..=99);
    let time = (0_u8..=23, 0_u8..=59, 0_u8..=59);
    let occasion = select(vec![Occasion::Alarm, Occasion::Fail]);
    (decimal(99_999, 1), date, time, occasion).prop_map(|(reading, date, time, occasion)| Printed {
        reading,
        date: date.into(),
        time: time.into(),
        occasion,
    })
}

/// Bytes that look like these protocols more often than chance would have it.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let likely = select(b"\xC0\xDB\xDC\xDD\x07\x00\x02\x03\r\n,+-./:<0123456789 ALRMFIGBNSX".to_vec());
    vec(prop_oneof![4 => likely, 1 => any::<u8>()], 0..500)
}

fn check_accounting<D: Decode>(decoder: &mut D, stream: &[u8], most: usize) -> Result<(), TestCaseError> {
    for (event, raw) in events(decoder, stream) {
        match event {
            Event::Garbage(bytes) => prop_assert!(bytes > 0 && usize::from(bytes) <= stream.len()),
            _ => prop_assert!(raw.len() <= most && (raw.is_empty() || stream.windows(raw.len()).any(|it| it == raw))),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn ludlum_375_reads_what_it_wrote(dump in dump(), printed in printed()) {
        for line in [ludlum_375::Line::Dump(dump), ludlum_375::Line::Printed(printed)] {
            let text = ludlum_375::encode(&line).unwrap();
            let shown = ludlum_375::Shown { line, unit: MONITOR };
            prop_assert_eq!(only_frames(&mut ludlum_375::Decoder::new(MONITOR), text.as_bytes()), [shown]);
            channels(&shown);
        }
        let missing = dump.over_range || !dump.monitoring || dump.error != ludlum_375::NO_ERROR;
        prop_assert_eq!(dump.missing().is_some(), missing);
    }

    #[test]
    fn ludlum_2363_reads_what_it_wrote(neutron_rate in decimal(999_999, 2), gamma_rate in decimal(999_999, 2), dose in decimal(999_999, 1)) {
        let readings = ludlum_2363::Readings { neutron_rate, gamma_rate, dose, units: UNITS };
        let text = ludlum_2363::encode(&readings).unwrap();
        prop_assert_eq!(only_frames(&mut ludlum_2363::Decoder::new(UNITS), text.as_bytes()), [readings]);
    }

    #[test]
    fn kromek_reads_what_it_wrote(words in prop::array::uniform10(any::<u32>()), temperatures: [i16; 2], channel_bits: u8, spectrum in vec(any::<u16>(), 0..64)) {
        let it = Radiometrics {
            status: words[0],
            real_ms: words[1],
            sequence: words[2],
            dose: Single(words[3]),
            dose_rate: Single(words[4]),
            user_dose: Single(words[5]),
            neutron_live_ms: words[6],
            neutron_counts: words[7],
            neutron_centicelsius: temperatures[0],
            gamma_live_ms: words[8],
            gamma_counts: words[9],
            gamma_centicelsius: temperatures[1],
            channel_bits,
        };
        let frame = kromek_d5::encode_radiometrics::<{ kromek_d5::MAX_ESCAPED_BYTES + 2 }>(&it, &spectrum).unwrap();
        let mut decoder = Box::new(kromek_d5::Decoder::new(Crc::Checked));
        prop_assert_eq!(only_frames(&mut *decoder, &frame), [kromek_d5::Message::Radiometrics(it)]);
        prop_assert_eq!(decoder.spectrum().count(), kromek_d5::CHANNELS);
        prop_assert!(decoder.spectrum().zip(&spectrum).all(|(read, &written)| read == written));
    }

    #[test]
    fn kromek_questions_read_back(component: u8, report in 0_u8..0xFE) {
        let frame = kromek_d5::encode_request(component, report);
        let got = only_frames(&mut kromek_d5::Decoder::new(Crc::Checked), &frame);
        prop_assert_eq!(got, [kromek_d5::Message::Request { component, report }]);
    }

    #[test]
    fn daily_lines_read_back(detector in "[A-D][a-d][1-4]", chunk in 1_u32..1000, digits in vec(0_i64..100_000, 1..60), places in 0_u8..4) {
        let counts: Vec<_> = digits.iter().map(|&it| Decimal::new(it, places).unwrap()).collect();
        let total = Decimal::new(digits.iter().sum(), places).unwrap();
        let detector = spectral_daily::Word::try_from(detector.as_str()).unwrap();
        let lines = [
            spectral_daily::Line::Gamma { detector: detector.clone(), chunk, total },
            spectral_daily::Line::GammaBackground { detector, total },
            spectral_daily::Line::Neutron { slices: 10, chunk, total },
            spectral_daily::Line::AnalysedBackground { particle: Particle::Gamma, seconds: d("300"), total },
        ];
        for line in lines {
            let text = spectral_daily::encode::<1024>(&line, &counts).unwrap();
            let mut decoder = spectral_daily::Decoder::<1024>::new();
            prop_assert_eq!(only_frames(&mut decoder, text.trim_end_matches('\n').as_bytes()), [line]);
            prop_assert!(decoder.counts().eq(counts.iter().copied()));
        }
    }

    #[test]
    fn aspect_registers_read_back(words in prop::array::uniform21(any::<u16>())) {
        let monitor = Monitor::from_registers(&words).unwrap();
        prop_assert_eq!(monitor.to_registers(), words);
        // Nothing here panics, whatever the floats say.
        let told = channels(&monitor);
        let overloaded = monitor.gamma.status.contains(DetectorStatus::OVERLOAD);
        prop_assert!(!overloaded || told["gamma"] == Err(Missing::Overrange));
        let _ = (monitor.gamma.sigma_milli(), monitor.neutron.sigma_milli());
    }

    /// Against squares in whole numbers: a variance that is a square, and a count that is a multiple.
    #[test]
    fn aspect_sigma_by_squares(root in 1_u32..100, times in -5_i32..1000, background in 500_u32..1000) {
        let Ok(count) = u32::try_from(i64::from(background) + i64::from(times) * i64::from(root)) else { return Ok(()) };
        let single = |value: u32| Single::nearest(Decimal::whole(value.into())).unwrap();
        let detectors = Detectors { status: DetectorStatus::READY, count, background: single(background), variance: single(root * root) };
        prop_assert_eq!(detectors.sigma_milli(), Some(i64::from(times) * 1000));
    }

    #[test]
    fn decoders_account_for_what_they_take(stream in noise()) {
        check_accounting(&mut ludlum_375::Decoder::new(MONITOR), &stream, ludlum_375::MAX_LINE_BYTES)?;
        check_accounting(&mut ludlum_2363::Decoder::new(UNITS), &stream, ludlum_2363::MAX_LINE_BYTES)?;
        check_accounting(&mut kromek_d5::Decoder::new(Crc::Checked), &stream, kromek_d5::MAX_ESCAPED_BYTES)?;
        check_accounting(&mut kromek_d5::Decoder::new(Crc::Ignored), &stream, kromek_d5::MAX_ESCAPED_BYTES)?;
        check_accounting(&mut rs350::Decoder::<64>::new(), &stream, 64)?;
        check_accounting(&mut spectral_daily::Decoder::<128>::new(), &stream, 128)?;
    }

    #[test]
    fn decoders_find_the_next_good_frame_after_noise(stream in noise(), printed in printed()) {
        let line = ludlum_375::Line::Printed(printed);
        let mut decoder = ludlum_375::Decoder::new(MONITOR);
        events(&mut decoder, &stream);
        let text = format!("\r\n{}", ludlum_375::encode(&line).unwrap());
        let got = events(&mut decoder, text.as_bytes());
        prop_assert_eq!(&got.last().unwrap().0, &Event::Frame(ludlum_375::Shown { line, unit: MONITOR }));

        let mut decoder = kromek_d5::Decoder::new(Crc::Checked);
        events(&mut decoder, &stream);
        let got = events(&mut decoder, &kromek_d5::encode_acknowledgement(7, true));
        prop_assert_eq!(&got.last().unwrap().0, &Event::Frame(kromek_d5::Message::Acknowledged));

        let mut decoder = rs350::Decoder::<64>::new();
        events(&mut decoder, &stream);
        let sent: Vec<u8> = rs350::encode("<a/>").unwrap().collect();
        let got = events(&mut decoder, &sent);
        prop_assert_eq!(&got.last().unwrap().0, &Event::Frame(rs350::Document { bytes: 4 }));
    }
}

#[test]
fn values_that_do_not_fit_are_not_written() {
    let dump = Dump {
        reading: d("10000.0"),
        audio: false,
        high_alarm: false,
        low_alarm: false,
        over_range: false,
        monitoring: true,
        error: ludlum_375::NO_ERROR,
    };
    assert!(ludlum_375::encode(&ludlum_375::Line::Dump(dump)).is_none());
    assert!(ludlum_375::encode(&ludlum_375::Line::Dump(Dump { reading: d("1.25"), ..dump })).is_none());
    assert!(ludlum_375::encode(&ludlum_375::Line::Dump(Dump { reading: d("1.5"), error: b'\n', ..dump })).is_none());
    let readings = ludlum_2363::Readings { neutron_rate: d("-1"), gamma_rate: d("1"), dose: d("1"), units: UNITS };
    assert!(ludlum_2363::encode(&readings).is_none());
    assert!(ludlum_2363::encode(&ludlum_2363::Readings { neutron_rate: d("10000"), ..readings }).is_none());
    assert!(kromek_d5::encode_radiometrics::<100>(&radiometrics(), &[]).is_none());
    let total = d("3");
    let line = spectral_daily::Line::GammaBackground { detector: "Aa1".try_into().unwrap(), total };
    assert!(spectral_daily::encode::<64>(&line, &[d("1"), d("1")]).is_none(), "the list must add up to the total");
    assert!(matches!(good("1", Unit::One), Ok(it) if it.quality == Quality::Good));
}
