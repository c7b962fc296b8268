//! Captured, published and refused frames decode to what the instrument showed.

use tidewaiter_drivers::{
    Decimal,
    bench::ph,
    identity::plate,
    portal::{
        occupancy::{Fault, Happening, Occupancy, Recompute, Settings},
        rpm::{self, GammaTag, Line, NeutronTag, Setup},
    },
    scale::xk3190,
    wire::{Decode, Event, Refusal},
};

use crate::{events, frame_file, only_frames};

fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Checksum => "refused:checksum",
        Refusal::Shape => "refused:shape",
        Refusal::Number => "refused:number",
        Refusal::Unit => "refused:unit",
        Refusal::TooLong => "refused:too-long",
    }
}

/// The first event of a frame alone in a fresh decoder, in the words of the frame files.
pub(crate) fn says<D: Decode>(decoder: D, frame: &[u8], words: impl Fn(&D::Item) -> String) -> String {
    let mut decoder = decoder;
    match events(&mut decoder, frame).first() {
        None => "nothing".into(),
        Some((Event::Frame(item), _)) => words(item),
        Some((Event::Refused(reason), _)) => refusal(*reason).into(),
        Some((Event::Garbage(bytes), _)) => format!("garbage:{bytes}"),
    }
}

#[test]
fn xk3190_frames_show_what_the_display_showed() {
    let files = [frame_file!("xk3190-captured"), frame_file!("xk3190-published"), frame_file!("xk3190-computed")];
    for (frame, expected) in files.iter().flatten() {
        assert_eq!(&says(xk3190::Decoder::new(), frame, Decimal::to_string), expected);
        assert_eq!(xk3190::encode(expected.parse().unwrap()).unwrap().as_slice(), frame);
    }
}

#[test]
fn xk3190_refuses() {
    for (frame, expected) in frame_file!("xk3190-refused") {
        assert_eq!(says(xk3190::Decoder::new(), &frame, Decimal::to_string), expected, "{frame:02X?}");
    }
}

#[test]
fn xk3190_finds_the_good_frame_behind_every_cut() {
    let [(first, _), (second, _), (third, _)] = &frame_file!("xk3190-captured")[..] else { panic!("three captures") };
    for cut in 1..first.len() {
        // A frame that breaks off anywhere, and one joined anywhere, each followed by two good ones.
        for broken in [&first[..cut], &first[cut..]] {
            let stream = [broken, second, third].concat();
            let got: Vec<_> = events(&mut xk3190::Decoder::new(), &stream)
                .into_iter()
                .filter_map(|(event, _)| if let Event::Frame(value) = event { Some(value) } else { None })
                .collect();
            assert_eq!(got, [Decimal::whole(1560), Decimal::whole(1650)], "cut at {cut}");
        }
    }
}

#[test]
fn xk3190_counts_what_it_drops_and_keeps_the_raw_frame() {
    let frame = &frame_file!("xk3190-captured")[1].0;
    let stream = [&[0x00, 0x00, 0x7F, 0x7F], &frame[..5], frame].concat();
    let got = events(&mut xk3190::Decoder::new(), &stream);
    let [(Event::Garbage(4), _), (Event::Garbage(5), _), (Event::Frame(value), raw)] = &got[..] else {
        panic!("{got:?}")
    };
    assert_eq!((*value, raw), (Decimal::whole(1560), frame));

    let mut decoder = xk3190::Decoder::new();
    events(&mut decoder, &frame[..6]);
    decoder.reset();
    assert_eq!(events(&mut decoder, &frame[6..]), [], "the tail of a frame says nothing");
}

fn tag(line: &Line) -> String {
    match line {
        Line::Gamma { tag, .. } => tag.text().into(),
        Line::Neutron { tag, .. } => tag.text().into(),
        Line::Speed { .. } => "SP".into(),
        Line::End { .. } => "GX".into(),
        Line::Tamper(true) => "TT".into(),
        Line::Tamper(false) => "TC".into(),
        Line::Setup(Setup::Gamma1(_)) => "SG1".into(),
        Line::Setup(Setup::Gamma2(_)) => "SG2".into(),
        Line::Setup(Setup::Gamma3(_)) => "SG3".into(),
        Line::Setup(Setup::Neutron1(_)) => "SN1".into(),
        Line::Setup(Setup::Neutron2(_)) => "SN2".into(),
        Line::Unknown => "unknown".into(),
    }
}

#[test]
fn rpm_lines_have_their_tags_and_write_back() {
    for (frame, expected) in frame_file!("rpm-session") {
        assert_eq!(says(rpm::Decoder::new(), &frame, tag), expected);
        let line = only_frames(&mut rpm::Decoder::new(), &frame).remove(0);
        assert_eq!(rpm::encode(&line).as_bytes(), frame);
    }
    for (frame, expected) in frame_file!("rpm-setup") {
        assert_eq!(says(rpm::Decoder::new(), &frame, tag), expected, "{}", String::from_utf8_lossy(&frame));
    }
    for (frame, expected) in frame_file!("rpm-refused") {
        assert_eq!(says(rpm::Decoder::new(), &frame, tag), expected, "{}", String::from_utf8_lossy(&frame));
    }
}

#[test]
fn rpm_fields_hold_their_numbers() {
    let read = |text: &str| only_frames(&mut rpm::Decoder::new(), text.as_bytes()).remove(0);
    let d = |text: &str| text.parse::<Decimal>().unwrap();
    let counts = [43, 45, 42, 45];
    assert_eq!(read("GS,000043,000045,000042,000045\r"), Line::Gamma { tag: GammaTag::GS, counts });
    assert_eq!(read("NA,000043,000045,000042,000045\n"), Line::Neutron { tag: NeutronTag::NA, counts });
    let speed = Line::Speed { foot_time: d("0.2249"), mph: d("3.032"), kmh: d("4.88") };
    assert_eq!(read("SP,0.2249,03.032,004.88,000000\r\n"), speed);
    let end = Line::End { counter: 42, neutron_background: d("4.741") };
    assert_eq!(read("GX,000042,004741,000000,000000\r\n"), end);
    let Line::Setup(Setup::Gamma1(gamma)) = read("SG1,001000,000050,10,15,6.5,000000\r\n") else { panic!("SG1") };
    assert_eq!((gamma.high_fault, gamma.low_fault, gamma.intervals, gamma.hold_in), (1000, 50, 10, 15));
    assert_eq!(gamma.n_sigma, d("6.5"));

    let mut decoder = rpm::Decoder::new();
    events(&mut decoder, b"GS,000043,000045,000042,000045,08-30-12.200\r\n");
    let time = decoder.time_of_day().unwrap();
    assert_eq!((time.hour, time.minute, time.second, time.milli), (8, 30, 12, 200));
    events(&mut decoder, b"GS,000043,000045,000042,000045\r\n");
    assert_eq!(decoder.time_of_day(), None);
}

/// The passages in a stream of lines that come 200 ms apart.
pub(crate) fn passages(stream: &[u8]) -> Vec<Occupancy> {
    let mut portal = Recompute::new(Settings::new(Decimal::whole(7), 5, Decimal::whole(8)));
    let lines = only_frames(&mut rpm::Decoder::new(), stream);
    let closed = |it| {
        if let Happening::Closed(occupancy) = it { Some(occupancy) } else { None }
    };
    (0..).zip(&lines).flat_map(|(at, line)| portal.push(at * 200, line)).filter_map(closed).collect()
}

/// The figures of the boundary session, computed apart from this crate.
pub(crate) fn check_boundary_session(passages: &[Occupancy]) {
    let [passage] = passages else { panic!("one passage, not {}", passages.len()) };
    assert_eq!((passage.counter, passage.gamma_lines, passage.windows), (Some(42), 20, 16));
    let strongest = passage.strongest.unwrap();
    assert_eq!((strongest.index, strongest.counts, strongest.sigma_milli), (6, 1219, Some(9_325)));
    assert_eq!(strongest.background, Some(Decimal::whole(934)));
    // The window before, at 6.970 standard deviations, must not alarm, and this one, at 8.802, must.
    assert_eq!((passage.first_alarm_window, passage.alarm_windows), (Some(5), 3));
    assert_eq!(passage.first_alarm_window.unwrap() + u32::from(passage.intervals) - 1, 9, "the tenth gamma line");
    assert!(passage.device_gamma_alarm && passage.own_gamma_alarm == Some(true) && !passage.gamma_disagrees());
    assert_eq!((passage.neutron_lines, passage.neutron_counts, passage.neutron_most), (4, Some(4), Some(1)));
    assert_eq!(passage.neutron_background, Decimal::new(1000, 3));
    assert_eq!(passage.max_kmh, Decimal::new(488, 2));
    assert!(passage.faults.is_empty(), "{:?}", passage.faults);
    assert!(!passage.faults.contains(Fault::Tamper), "tampering after the passage is not of the passage");
}

#[test]
fn rpm_session_alarms_where_it_was_computed_to() {
    let stream: Vec<u8> = frame_file!("rpm-session").into_iter().flat_map(|(frame, _)| frame).collect();
    check_boundary_session(&passages(&stream));
}

fn ph_words(line: &ph::PhLine) -> String {
    format!("{} {}", line.ph, line.celsius.unwrap())
}

#[test]
fn ph_capture_gives_the_stream_and_not_the_report() {
    let rows = frame_file!("ph-captured");
    let mut decoder = ph::Decoder::at_line_start();
    for (line, expected) in &rows {
        let got = match events(&mut decoder, line).pop() {
            None => "nothing".into(),
            Some((Event::Frame(shown), raw)) => {
                assert_eq!([&raw, b"\r\n".as_slice()].concat(), *line);
                assert_eq!(ph::encode(&shown).unwrap().as_slice(), line);
                ph_words(&shown)
            }
            Some((other, _)) => panic!("{other:?} at {line:02X?}"),
        };
        assert_eq!(&got, expected);
    }
    // The stream goes on after the report.
    assert_eq!(only_frames(&mut decoder, &rows[0].0).len(), 1);
}

#[test]
fn ph_refuses() {
    for (line, expected) in frame_file!("ph-refused") {
        assert_eq!(says(ph::Decoder::at_line_start(), &line, ph_words), expected, "{}", String::from_utf8_lossy(&line));
    }
}

#[test]
fn ph_joined_in_mid_line_never_reads_a_tail() {
    let stream = b"0.54pH 24.7\xF8C ATC\r\n10.55pH 24.7\xF8C ATC\r\n";
    let got = events(&mut ph::Decoder::new(), stream);
    let [(Event::Garbage(17), _), (Event::Frame(shown), _)] = &got[..] else { panic!("{got:?}") };
    assert_eq!(shown.ph.to_string(), "10.55");
}

#[test]
fn ph_accepts_every_spelling_of_the_degree_sign_and_no_temperature() {
    let spellings: [&[u8]; 4] = [b"\xF8C", b"\xB0C", "°C".as_bytes(), b"C"];
    for spelling in spellings {
        let line = [b"7.01pH -5.2".as_slice(), spelling, b"\n"].concat();
        let shown = only_frames(&mut ph::Decoder::at_line_start(), &line).remove(0);
        assert_eq!((ph_words(&shown).as_str(), shown.compensated), ("7.01 -5.2", false));
    }
    let alone = only_frames(&mut ph::Decoder::at_line_start(), b"7.01pH\r\n").remove(0);
    assert_eq!((alone.ph.to_string().as_str(), alone.celsius), ("7.01", None));
}

#[test]
fn a_report_without_end_becomes_refusals() {
    let mut decoder = ph::Decoder::at_line_start();
    let words = "words\r\n".repeat(20);
    let got = events(&mut decoder, format!("20-Feb-2023\r\n{words}").as_bytes());
    assert_eq!(got.len(), 20 - usize::from(ph::MAX_REPORT_LINES));
    assert!(got.iter().all(|(event, _)| *event == Event::Refused(Refusal::Shape)));
}

#[test]
fn plate_lines_keep_their_bytes() {
    for (line, expected) in frame_file!("plate-lines") {
        let words = |plate: &plate::Plate| {
            let text = plate.text().map_or_else(|| format!("bytes {}", spaced(&plate.bytes)), str::to_owned);
            format!("{text} {}", plate.confidence.map_or("-".into(), |it| it.to_string()))
        };
        assert_eq!(says(plate::Decoder::new(), &line, words), expected, "{line:02X?}");
    }
    let plate = plate::Plate::new("粤B12345", Some(7)).unwrap();
    assert_eq!(plate::encode(&plate), "粤B12345,7\r\n".as_bytes());
    assert_eq!(plate::Plate::new("粤B12345", Some(101)), None);
    assert_eq!(plate::Plate::new(" ", None), None);
}

fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn chinese_plates_are_recognised_by_form() {
    for plate in ["粤B12345", "京A8888W", "粤BD12345", "沪A0123挂", "粤Z1234港", "粤Z123A澳", "川A123B学"] {
        assert!(plate::looks_chinese(plate), "{plate}");
    }
    for plate in [
        "B12345",
        "粤B1234",
        "粤B1234567",
        "粤b12345",
        "粤B1234I",
        "粤BO2345",
        "粤B挂2345",
        "粤BD1234挂",
        "AB12 CDE",
        "粤",
        "",
    ] {
        assert!(!plate::looks_chinese(plate), "{plate}");
    }
}
