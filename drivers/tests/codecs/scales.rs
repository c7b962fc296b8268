//! Weighing indicators and balances: published, captured and refused statements, and whole captures.

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Channels, Missing},
    scale::{
        a_and_d, a12, dini_argeo,
        display::{Display, Kind, Motion},
        form::Form,
        mt_sics, ohaus, rinstrum, sbi, shuangjie, st_gs, ticket, toledo, xk3190, xk3190_command, xk3190_equals,
    },
    wire::{Decode, Event, Refusal},
};

use crate::{events, frame_file, frames::says, only_frames, samples::sample};

/// A display in the words of the frame files: channel, value, unit, motion.
fn words(display: &Display) -> String {
    let value = match display.shown {
        Ok(value) => value.to_string(),
        Err(missing) => missing.to_string(),
    };
    let motion = match display.motion {
        Motion::Stable => "stable",
        Motion::Moving => "moving",
        Motion::Unstated => "unstated",
    };
    format!("{} {value} {} {motion}", display.channel(), display.unit.map_or("-", Unit::code))
}

/// A frame file read with one decoder, in the words of its items.
fn check<D: Decode>(rows: Vec<(Vec<u8>, String)>, decoder: impl Fn() -> D, words: impl Fn(&D::Item) -> String) {
    for (bytes, expected) in rows {
        assert_eq!(says(decoder(), &bytes, &words), expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn st_gs_lines() {
    let decoder = st_gs::Decoder::default;
    for rows in [
        frame_file!("st-gs-captured"),
        frame_file!("st-gs-published"),
        frame_file!("st-gs-computed"),
        frame_file!("st-gs-refused"),
    ] {
        check(rows, decoder, words);
    }
    // What was captured is what would be written.
    let captured = frame_file!("st-gs-captured");
    for (index, (line, _)) in captured.iter().enumerate() {
        let shown = only_frames(&mut decoder(), line).remove(0);
        let layout = if index < 4 { st_gs::Layout::NoComma } else { st_gs::Layout::Comma };
        assert_eq!(st_gs::encode(layout, &shown).unwrap().as_slice(), line);
    }
    for (line, _) in frame_file!("st-gs-published") {
        let shown = only_frames(&mut decoder(), &line).remove(0);
        assert_eq!(st_gs::encode(st_gs::Layout::Comma, &shown).unwrap().as_slice(), line);
    }
}

#[test]
fn st_gs_with_a_known_width_sees_a_lost_digit() {
    let lost = b"ST,GS    8.5g  \r\n";
    assert_eq!(says(st_gs::Decoder::default(), lost, words), "gross 8.5 g stable", "without the width it cannot");
    let fixed = st_gs::Decoder::new(st_gs::StGs { line_bytes: Some(16) });
    assert_eq!(says(fixed, lost, words), "refused:shape");
}

#[test]
fn ohaus_lines() {
    for rows in [frame_file!("ohaus-captured"), frame_file!("ohaus-computed"), frame_file!("ohaus-refused")] {
        check(rows, ohaus::Decoder::default, words);
    }
    for (rows, layout) in [
        (frame_file!("ohaus-captured"), ohaus::Layout::Captured),
        (frame_file!("ohaus-computed"), ohaus::Layout::Documented),
    ] {
        for (line, expected) in rows.iter().filter(|(_, expected)| !expected.starts_with("refused")) {
            let shown = only_frames(&mut ohaus::Decoder::default(), line).remove(0);
            assert_eq!(ohaus::encode(layout, &shown).unwrap().as_slice(), line, "{expected}");
        }
    }
}

#[test]
fn a_and_d_lines() {
    let words = |line: &a_and_d::Line| {
        let comparison = match line.comparison {
            None => "",
            Some(a_and_d::Comparison::High) => " high",
            Some(a_and_d::Comparison::Within) => " within",
            Some(a_and_d::Comparison::Low) => " low",
            Some(a_and_d::Comparison::None) => " none",
        };
        words(&line.display) + comparison
    };
    for rows in [frame_file!("a-and-d-published"), frame_file!("a-and-d-computed"), frame_file!("a-and-d-refused")] {
        check(rows, a_and_d::Decoder::default, words);
    }
    for (bytes, expected) in frame_file!("a-and-d-published") {
        let line = only_frames(&mut a_and_d::Decoder::default(), &bytes).remove(0);
        // Out of range the unit of the nines is not kept.
        if line.display.shown.is_ok() {
            assert_eq!(a_and_d::encode(&line).unwrap().as_slice(), bytes, "{expected}");
        }
    }
}

#[test]
fn sbi_lines() {
    let decoder = || sbi::Decoder::new(sbi::Sbi { moving_unit: Some(Unit::Gram) });
    for rows in [frame_file!("sbi-published"), frame_file!("sbi-computed"), frame_file!("sbi-refused")] {
        check(rows, decoder, words);
    }
    let published = frame_file!("sbi-published");
    for (row, characters) in [(0, sbi::Characters::Sixteen), (1, sbi::Characters::TwentyTwo)] {
        let shown = only_frames(&mut decoder(), &published[row].0).remove(0);
        assert_eq!(sbi::encode(characters, &shown).unwrap().as_slice(), published[row].0);
    }
}

#[test]
fn sbi_in_motion_without_a_configured_unit_is_no_value() {
    let shown = only_frames(&mut sbi::Decoder::default(), b"+   123.56    \r\n").remove(0);
    assert_eq!((shown.unit, shown.motion, shown.outcome()), (None, Motion::Moving, Err(Missing::Refused)));
}

#[test]
fn shuangjie_lines() {
    check(frame_file!("shuangjie-computed"), shuangjie::Decoder::default, words);
}

#[test]
fn a12_lines() {
    for (line, row) in [frame_file!("a12-published"), frame_file!("a12-refused")].into_iter().flatten() {
        let (form, expected) = row.split_once(' ').unwrap();
        let form = if form == "checked" { a12::Dialect::Checked } else { a12::Dialect::Classic };
        assert_eq!(says(a12::Decoder::new(form), &line, words), expected, "{}", line.escape_ascii());
        if !expected.starts_with("refused") {
            let shown = only_frames(&mut a12::Decoder::new(form), &line).remove(0);
            let written = a12::encode(form, &shown).unwrap();
            assert_eq!(written.as_slice(), line);
        }
    }
    // An empty line answers a request that cannot be carried out.
    assert_eq!(events(&mut a12::Decoder::new(a12::Dialect::Classic), b"\r\n"), []);
}

#[test]
fn xk3190_command_requests_are_those_of_the_manual() {
    let word = |command| match command {
        xk3190_command::Command::Handshake => "handshake",
        xk3190_command::Command::Gross => "gross",
        xk3190_command::Command::Tare => "tare",
        xk3190_command::Command::Net => "net",
        xk3190_command::Command::TruckNumber => "truck-number",
        xk3190_command::Command::CargoNumber => "cargo-number",
    };
    for (frame, expected) in frame_file!("xk3190-command-published") {
        let mut decoder = xk3190_command::RequestDecoder::new(xk3190_command::Requests);
        let request = only_frames(&mut decoder, &frame).remove(0);
        assert_eq!(format!("{} {}", request.address.number(), word(request.command)), expected);
        assert_eq!(xk3190_command::encode_request(request).as_slice(), frame);
    }
}

fn command_decoder() -> xk3190_command::Decoder {
    xk3190_command::Decoder::new(xk3190_command::Answers { unit: Unit::Kilogram })
}

#[test]
fn xk3190_command_answers() {
    let words = |answer: &xk3190_command::Answer| {
        let says = match &answer.content {
            xk3190_command::Content::Handshake => "handshake".into(),
            xk3190_command::Content::Mass(display) => words(display),
            xk3190_command::Content::TruckNumber(number) => format!("truck-number {number}"),
            xk3190_command::Content::CargoNumber(number) => format!("cargo-number {number}"),
        };
        format!("{} {says}", answer.address.number())
    };
    check(frame_file!("xk3190-command-computed"), command_decoder, words);
    check(frame_file!("xk3190-command-refused"), command_decoder, words);
    for (frame, _) in frame_file!("xk3190-command-computed") {
        let answer = only_frames(&mut command_decoder(), &frame).remove(0);
        assert_eq!(xk3190_command::encode(&answer).unwrap().as_slice(), frame);
    }
}

#[test]
fn xk3190_command_answers_are_no_continuous_frames_and_the_other_way_round() {
    for (frame, _) in frame_file!("xk3190-command-computed") {
        assert!(says(xk3190::Decoder::new(), &frame, Decimal::to_string).starts_with("refused"));
    }
    for (frame, _) in frame_file!("xk3190-captured") {
        assert_eq!(says(command_decoder(), &frame, |_| "an answer".into()), "refused:shape");
    }
}

fn layout(word: &str) -> xk3190_equals::Layout {
    match word {
        "reversed" => xk3190_equals::Layout::A26_FORMAT_1,
        "forward" => xk3190_equals::Layout::A26_FORMAT_2,
        "xk315a1" => xk3190_equals::Layout::XK315A1,
        other => panic!("{other}"),
    }
}

#[test]
fn xk3190_equals_frames() {
    for (frame, row) in [frame_file!("xk3190-equals-published"), frame_file!("xk3190-equals-refused")].concat() {
        let (word, expected) = row.split_once(' ').unwrap();
        let decoder = || xk3190_equals::Decoder::new(layout(word), Unit::Kilogram);
        assert_eq!(says(decoder(), &frame, words), expected, "{}", frame.escape_ascii());
        if !expected.starts_with("refused") {
            let shown = only_frames(&mut decoder(), &frame).remove(0);
            let written = xk3190_equals::encode(layout(word), &shown).unwrap();
            assert_eq!([written.as_slice(), b"="].concat(), frame);
        }
    }
}

#[test]
fn xk3190_equals_with_a_wrong_width_never_gives_a_mass() {
    let stream = b"=000.3000".repeat(20);
    for value_chars in xk3190_equals::MIN_VALUE_CHARS..=xk3190_equals::MAX_VALUE_CHARS {
        let layout = xk3190_equals::Layout::new(xk3190_equals::Order::Reversed, value_chars).unwrap();
        let got = events(&mut xk3190_equals::Decoder::new(layout, Unit::Kilogram), &stream);
        let masses = got.iter().filter(|(event, _)| matches!(event, Event::Frame(_))).count();
        assert_eq!(masses, if value_chars == 7 { 19 } else { 0 }, "{value_chars}");
        assert!(value_chars == 7 || !got.is_empty(), "silence would hide the mistake");
    }
    assert_eq!(xk3190_equals::Layout::new(xk3190_equals::Order::Forward, 13), None);
    // The order, on the other hand, cannot be seen: that is why it is configured.
    let forward = xk3190_equals::Decoder::new(xk3190_equals::Layout::A26_FORMAT_2, Unit::Kilogram);
    assert_eq!(says(forward, b"=000.3000=", words), "mass 0.3000 kg unstated");
}

#[test]
fn xk3190_equals_takes_line_ends_behind_frames() {
    let mut decoder = xk3190_equals::Decoder::new(layout("reversed"), Unit::Kilogram);
    assert_eq!(only_frames(&mut decoder, b"=000.3000\r\n=00.1000-\r\n").len(), 2);
}

const CHECKED: toledo::Settings = toledo::Settings { check: true, dummy_zeros: toledo::DummyZeros::Apply };
const UNCHECKED: toledo::Settings = toledo::Settings { check: false, ..CHECKED };

fn toledo_words(frame: &toledo::Frame) -> String {
    let tare = words(&frame.tare);
    let tare = tare.strip_suffix(" stable").unwrap();
    let d = frame.scale_interval(toledo::DummyZeros::Apply).map_or("-".into(), |d| d.to_string());
    format!("{}, {tare}, d {d}", words(&frame.display))
}

#[test]
fn toledo_frames() {
    let decoder = || toledo::Decoder::new(CHECKED);
    check(frame_file!("toledo-computed"), decoder, toledo_words);
    check(frame_file!("toledo-refused"), decoder, toledo_words);
    for (frame, expected) in frame_file!("toledo-computed") {
        let read = only_frames(&mut decoder(), &frame).remove(0);
        // Without its check, and written again: the digits under an overload or in expanded mode are ours.
        let bare = toledo::encode(UNCHECKED, &read).unwrap();
        assert_eq!(only_frames(&mut toledo::Decoder::new(UNCHECKED), &bare), [read], "{expected}");
        let ours = read.display.shown.is_err() || frame[4..16].contains(&b' ') || !frame.is_ascii();
        let written = toledo::encode(CHECKED, &read).unwrap();
        assert!(ours || written.as_slice() == frame, "{expected}");
    }
}

#[test]
fn toledo_dummy_zeros_are_a_setting() {
    let rows = frame_file!("toledo-computed");
    let ignore = toledo::Settings { dummy_zeros: toledo::DummyZeros::Ignore, ..CHECKED };
    let read = only_frames(&mut toledo::Decoder::new(ignore), &rows[0].0).remove(0);
    assert_eq!(words(&read.display), "gross 1234 kg stable");
    assert_eq!(read.scale_interval(ignore.dummy_zeros), Some(Decimal::whole(2)));
    assert_eq!(toledo::encode(ignore, &read).unwrap().as_slice(), rows[0].0);
}

#[test]
fn toledo_keeps_the_next_frame_when_the_check_is_lost() {
    let rows = frame_file!("toledo-computed");
    let (frame, net) = (&rows[0].0, &rows[2].0);
    for cut in 1..frame.len() {
        for broken in [&frame[..cut], &frame[cut..]] {
            let stream = [broken, net, frame].concat();
            let got: Vec<_> = events(&mut toledo::Decoder::new(CHECKED), &stream)
                .into_iter()
                .filter_map(|(event, _)| if let Event::Frame(read) = event { Some(words(&read.display)) } else { None })
                .collect();
            assert_eq!(got, ["net 8.56 kg stable", "gross 12340 kg stable"], "cut at {cut}");
        }
    }
}

#[test]
fn toledo_settings_are_spotted() {
    let spot = |stream: &[u8]| {
        let mut spotter = toledo::Spotter::new();
        stream.iter().fold(None, |found, byte| found.or(spotter.push(*byte)))
    };
    let rows = frame_file!("toledo-computed");
    for (frame, expected) in &rows[..6] {
        let bare = &frame[..17];
        assert_eq!(spot(&frame.repeat(5)), Some(true), "{expected}");
        assert_eq!(spot(&bare.repeat(5)), Some(false), "{expected}");
        assert_eq!(spot(&frame.repeat(2)), None, "{expected}");
    }
    // A load at rest whose check is 02, the same as the next start.
    let mut frame = rows[0].0.clone();
    let mut read = only_frames(&mut toledo::Decoder::new(CHECKED), &frame).remove(0);
    for tens in 0..1_000_000 {
        read.display.shown = Ok(Decimal::whole(tens * 10));
        (read.not_zeroed, read.print_request) = (tens % 2 == 0, tens % 3 == 0);
        frame = toledo::encode(CHECKED, &read).unwrap().to_vec();
        if frame[17] == 0x02 {
            break;
        }
    }
    assert_eq!(frame[17], 0x02);
    assert_eq!(spot(&frame.repeat(5)), Some(true));
    assert_eq!(spot(&frame[..17].repeat(5)), Some(false));
}

fn mt_sics_words(answer: &mt_sics::Answer) -> String {
    match answer {
        mt_sics::Answer::Mass { display, .. } => return words(display),
        mt_sics::Answer::Done { .. } => return "done".into(),
        mt_sics::Answer::Text { .. } if answer.serial_number().is_some() => {
            return format!("serial {}", answer.serial_number().unwrap());
        }
        mt_sics::Answer::Text { last, .. } => return if *last { "text last" } else { "text more" }.into(),
        _ => {}
    }
    let mut told = Vec::new();
    answer.each(&mut |channel, outcome| told.push(format!("{channel} {}", outcome.unwrap_err())));
    if told.is_empty() { "tells nothing".into() } else { told.join(", ") }
}

#[test]
fn mt_sics_answers() {
    for rows in [frame_file!("mt-sics-published"), frame_file!("mt-sics-computed"), frame_file!("mt-sics-refused")] {
        check(rows, mt_sics::Decoder::default, mt_sics_words);
    }
    for (line, expected) in [frame_file!("mt-sics-published"), frame_file!("mt-sics-computed")].concat() {
        let answer = only_frames(&mut mt_sics::Decoder::default(), &line).remove(0);
        let written = mt_sics::encode(&answer).unwrap();
        assert_eq!(only_frames(&mut mt_sics::Decoder::default(), &written), [answer], "{expected}");
        // Handshake bytes and the spellings of µ are read and not written.
        let plain = line.is_ascii() && !line.contains(&0x13);
        assert!(!plain || written.as_slice() == line, "{} {}", line.escape_ascii(), written.escape_ascii());
    }
}

#[test]
fn mt_sics_commands() {
    let words = |command: &mt_sics::Command| match command {
        mt_sics::Command::OnChange(Some((value, unit))) => format!("OnChange({value} {unit})"),
        mt_sics::Command::TareMemory(Some((value, unit))) => format!("TareMemory({value} {unit})"),
        mt_sics::Command::Show(text) => format!("Show({text})"),
        other => format!("{other:?}"),
    };
    check(frame_file!("mt-sics-requests"), mt_sics::RequestDecoder::default, words);
    for (line, expected) in frame_file!("mt-sics-requests") {
        if !expected.starts_with("refused") {
            let command = only_frames(&mut mt_sics::RequestDecoder::default(), &line).remove(0);
            assert_eq!(mt_sics::encode_request(&command).unwrap().as_slice(), line);
        }
    }
    assert_eq!(mt_sics::encode_request(&mt_sics::Command::Inquire(100)), None);
    let two_lines = mt_sics::Command::Show("a\r\nZ".try_into().unwrap());
    assert_eq!(mt_sics::encode_request(&two_lines), None, "a text must not become a second command");
}

#[test]
fn fixed_requests_read_back() {
    fn each<F, R>(all: &[R], encode: impl Fn(R) -> heapless::Vec<u8, 8>)
    where
        F: Form<Item = R> + Default,
        R: Copy + PartialEq + std::fmt::Debug,
    {
        for &request in all {
            let line = encode(request);
            assert!(line.ends_with(b"\r\n"));
            let mut decoder = tidewaiter_drivers::scale::form::LineDecoder::<F>::default();
            assert_eq!(only_frames(&mut decoder, &line), [request]);
        }
    }
    each::<a_and_d::Requests, _>(a_and_d::Request::ALL, a_and_d::encode_request);
    each::<st_gs::Requests, _>(st_gs::Request::ALL, st_gs::encode_request);
    each::<sbi::Requests, _>(sbi::Request::ALL, sbi::encode_request);
    each::<ohaus::Requests, _>(ohaus::Request::ALL, ohaus::encode_request);
    each::<shuangjie::Requests, _>(shuangjie::Request::ALL, shuangjie::encode_request);
    assert_eq!(sbi::encode_request(sbi::Request::Print).as_slice(), b"\x1BP\r\n");
    for request in a12::Request::ALL {
        assert_eq!(a12::Request::from_byte(request.byte()), Some(request));
    }
    for request in toledo::Request::ALL {
        assert_eq!(toledo::Request::from_byte(request.byte()), Some(request));
    }
    assert_eq!(a12::Request::from_byte(b'X'), None);
}

#[test]
fn rinstrum_frames() {
    let decoder = || rinstrum::Decoder::new(rinstrum::Rinstrum { unit: Some(Unit::Kilogram) });
    check(frame_file!("rinstrum-computed"), decoder, words);
    let rows = frame_file!("rinstrum-computed");
    for row in [0, 1, 2] {
        let shown = only_frames(&mut decoder(), &rows[row].0).remove(0);
        assert_eq!(rinstrum::encode(rinstrum::Layout::Format1, &shown).unwrap().as_slice(), rows[row].0);
    }
    let without = rinstrum::Decoder::new(rinstrum::Rinstrum { unit: None });
    assert_eq!(says(without, &rows[0].0, |it| format!("{:?}", it.outcome())), "Err(Refused)");
}

fn ticket_words(ticket: &ticket::Ticket) -> String {
    let ticket::Ticket { date, time, tare, gross, net, unit, pieces } = ticket;
    format!("{date} {time} gross {gross} tare {tare} net {net} {unit} {pieces} pcs")
}

#[test]
fn tickets_count_whole_or_not_at_all() {
    for rows in [frame_file!("ticket-captured"), frame_file!("ticket-refused")] {
        check(rows, ticket::Decoder::new, ticket_words);
    }
    let captured = frame_file!("ticket-captured").remove(0).0;
    let read = only_frames(&mut ticket::Decoder::new(), &captured).remove(0);
    assert_eq!(ticket::encode(&read).unwrap().as_slice(), captured);
    let mut told = Vec::new();
    read.each(&mut |channel, outcome| told.push(format!("{channel} {}", outcome.unwrap().value)));
    assert_eq!(told, ["gross 1.94", "tare 0.00", "net 1.94", "pieces 0"]);
    // Every cut leaves nothing, or what is left of the slip and then the whole next one.
    for cut in 1..captured.len() - 2 {
        for broken in [&captured[..cut], &captured[cut..]] {
            let stream = [broken, b"\r\n", &captured].concat();
            let frames = events(&mut ticket::Decoder::new(), &stream);
            let frames = frames.iter().filter(|(event, _)| matches!(event, Event::Frame(_))).count();
            assert_eq!(frames, 1, "cut at {cut}");
        }
    }
}

#[test]
fn a_ticket_gives_no_value_to_any_other_line_decoder() {
    fn values<D: Decode>(mut decoder: D, stream: &[u8]) -> usize {
        events(&mut decoder, stream).iter().filter(|(event, _)| matches!(event, Event::Frame(_))).count()
    }
    let ticket = frame_file!("ticket-captured").remove(0).0;
    assert_eq!(values(st_gs::Decoder::default(), &ticket), 0);
    assert_eq!(values(ohaus::Decoder::default(), &ticket), 0);
    assert_eq!(values(a_and_d::Decoder::default(), &ticket), 0);
    assert_eq!(values(sbi::Decoder::default(), &ticket), 0);
    assert_eq!(values(shuangjie::Decoder::default(), &ticket), 0);
    assert_eq!(values(mt_sics::Decoder::default(), &ticket), 0);
    assert_eq!(values(a12::Decoder::new(a12::Dialect::Classic), &ticket), 0);
    assert_eq!(values(a12::Decoder::new(a12::Dialect::Checked), &ticket), 0);
    assert_eq!(values(xk3190::Decoder::new(), &ticket), 0);
    assert_eq!(values(toledo::Decoder::new(UNCHECKED), &ticket), 0);
}

#[test]
fn dini_argeo_registers() {
    // 01 04 0E, then: gross 12340, net 8220, stable, a tare.
    let registers = [0x0000, 0x3034, 0x0000, 0x201C, 0x0024, 0, 0];
    let weights = dini_argeo::decode(&registers, 0, Unit::Kilogram).unwrap();
    assert_eq!(words(&weights.gross), "gross 12340 kg stable");
    assert_eq!(words(&weights.net), "net 8220 kg stable");
    assert!(weights.tare_active && !weights.tare_keyed && !weights.zero_zone);
    assert_eq!(dini_argeo::encode(&weights), Some(registers));

    let negative = dini_argeo::decode(&[0, 50, 0, 120, 0x0003, 0, 0], 2, Unit::Tonne).unwrap();
    assert_eq!(words(&negative.gross), "gross -0.50 t moving");
    assert_eq!(words(&negative.net), "net -1.20 t moving");
    let over = dini_argeo::decode(&[1, 2, 3, 4, 0x0010, 0, 0], 0, Unit::Kilogram).unwrap();
    assert_eq!((over.gross.shown, over.net.shown), (Err(Missing::Overrange), Err(Missing::Overrange)));
    let under = dini_argeo::decode(&[1, 2, 3, 4, 0x0008, 0, 0], 0, Unit::Kilogram).unwrap();
    assert_eq!(under.gross.shown, Err(Missing::Underrange));
    let broken = dini_argeo::decode(&[1, 2, 3, 4, 0x0018, 0, 0], 0, Unit::Kilogram).unwrap();
    assert_eq!(broken.gross.shown, Err(Missing::InstrumentFault(0x18)));
    assert_eq!(dini_argeo::decode(&registers, 19, Unit::Kilogram), None);
}

#[test]
fn lines_survive_noise_overlong_lines_and_every_line_end() {
    let stream = [&[0x00, 0x7F, 0xFF][..], &[b'9'; 100], b"\r\nST,GS    85.5g  \rUS,GS    85.5g  \n\r"].concat();
    let got = events(&mut st_gs::Decoder::default(), &stream);
    let [
        (Event::Refused(Refusal::TooLong), _),
        (Event::Garbage(39), _),
        (Event::Frame(first), raw),
        (Event::Frame(second), _),
    ] = &got[..]
    else {
        panic!("{got:?}")
    };
    assert_eq!((first.motion, second.motion), (Motion::Stable, Motion::Moving));
    assert_eq!(raw, b"ST,GS    85.5g  ");
    // After a reset the next answer counts, whatever was there of the one before.
    let mut decoder = st_gs::Decoder::default();
    events(&mut decoder, b"ST,GS    8");
    decoder.reset();
    assert_eq!(only_frames(&mut decoder, b"ST,GS    85.5g  \r\n").len(), 1);
}

/// How many events of each kind a capture gives, and the displays in it.
fn capture<D: Decode<Item = Display>>(mut decoder: D, stream: &[u8]) -> (Vec<Display>, usize, usize) {
    let (mut shown, mut refused, mut garbage) = (Vec::new(), 0, 0);
    for (event, _) in events(&mut decoder, stream) {
        match event {
            Event::Frame(display) => shown.push(display),
            Event::Refused(_) => refused += 1,
            Event::Garbage(_) => garbage += 1,
        }
    }
    (shown, refused, garbage)
}

#[test]
fn whole_truck_bench_capture() {
    let Some(stream) = sample("serial_captures/spun_truckbench_kg.bin") else {
        return;
    };
    let lines = String::from_utf8_lossy(&stream).matches('\n').count();
    let (shown, refused, garbage) = capture(ohaus::Decoder::default(), &stream);
    assert_eq!((shown.len() + refused, garbage), (lines, 0));
    assert!(refused <= 2, "the noise before the first line and a line cut off at the end at most");
    assert!(shown.iter().all(|it| it.kind == Kind::Gross && it.unit == Some(Unit::Kilogram)));
    let count = |text: &str| shown.iter().filter(|it| words(it) == text).count();
    assert_eq!(count("gross 20.0 kg stable"), 500);
    assert_eq!(count("gross 20.0 kg moving"), 161);
    assert_eq!(count("gross 78.0 kg moving"), 104);
    let heaviest = shown.iter().map(|it| it.shown.unwrap()).max_by(|a, b| a.cmp_value(*b));
    assert!(heaviest.unwrap().cmp_value(Decimal::whole(117)).is_ge());
}

#[test]
fn whole_st_gs_capture() {
    let Some(stream) = sample("serial_captures/tscale_nhb_st_gs.bin") else {
        return;
    };
    let decoder = st_gs::Decoder::new(st_gs::StGs { line_bytes: Some(16) });
    let (shown, refused, garbage) = capture(decoder, &stream);
    assert_eq!((shown.len(), refused, garbage), (463, 0, 0));
    let count = |text: &str| shown.iter().filter(|it| words(it) == text).count();
    assert_eq!(count("gross 106.2 g moving"), 168);
    assert_eq!(count("gross 85.5 g stable"), 167);
    assert_eq!(count("gross 106.2 g stable"), 75);
    // The same bytes written again are the same bytes.
    let again: Vec<u8> =
        shown.iter().flat_map(|it| st_gs::encode(st_gs::Layout::NoComma, it).unwrap().to_vec()).collect();
    assert_eq!(again, stream);
}

#[test]
fn whole_ticket_capture() {
    let Some(stream) = sample("serial_captures/jik6cab_ticket.bin") else {
        return;
    };
    let tickets = only_frames(&mut ticket::Decoder::new(), &stream);
    assert_eq!(
        tickets.iter().map(ticket_words).collect::<Vec<_>>(),
        ["2023-11-07 17:19:26 gross 1.94 tare 0.00 net 1.94 kg 0 pcs"]
    );
}
