//! Laboratory instruments and identity lines: published, captured and refused frames.

use tidewaiter_drivers::{
    Unit,
    identity::{axxon, ocr, plate, scan},
    lab::{
        astm::{self, GaveUp, Received, Receiver, Sender, Step, record},
        dma,
        fastness::{self, Grade},
        hanna, hvi, laqua, moisture, orion, photometer, seven,
    },
    reading::{Channels, Missing, Outcome},
    wire::{Decode, Event, Refusal},
};

use crate::{events, frame_file, frames::says, only_frames};

/// What an item tells, as the frame files write it: `ph=7.02 [pH] unstable; temperature:not-present`.
pub(crate) fn told(item: &impl Channels) -> String {
    let mut out = Vec::new();
    item.each(&mut |name: &str, outcome: Outcome| {
        out.push(match outcome {
            Err(missing) => format!("{name}:{missing}"),
            Ok(it) if it.quality.word() == "good" => format!("{name}={} {}", it.value, it.unit),
            Ok(it) => format!("{name}={} {} {}", it.value, it.unit, it.quality.word()),
        });
    });
    out.join("; ")
}

/// Every frame alone in a decoder at the start of a line says what its row says; returns what was read.
fn check<D: Decode<Item: Channels + Clone>>(rows: &[(Vec<u8>, String)], fresh: impl Fn() -> D) -> Vec<D::Item> {
    let mut read = Vec::new();
    for (frame, expected) in rows {
        assert_eq!(&says(fresh(), frame, told), expected, "{}", String::from_utf8_lossy(frame));
        let items = events(&mut fresh(), frame)
            .into_iter()
            .filter_map(|(event, _)| if let Event::Frame(item) = event { Some(item) } else { None });
        read.extend(items);
    }
    read
}

#[test]
fn hvi_records_published_computed_and_refused() {
    let published = frame_file!("hvi-published");
    let read = check(&published, hvi::Decoder::at_line_start);
    for (record, (frame, _)) in read.iter().zip(&published) {
        assert_eq!(hvi::encode(record).unwrap().as_slice(), frame);
    }
    let hvi::Content::Observation(mean) = &read[0].content else { panic!("{:?}", read[0]) };
    assert_eq!((mean.identifier.as_slice(), mean.sample.as_slice()), (b"TEST RUN".as_slice(), b"1".as_slice()));
    assert_eq!(mean.values[0].flags, [hvi::Flag::Clear]);
    assert_eq!((read[0].instrument.as_slice(), read[0].stamp.year_near(1999)), (b"100".as_slice(), 1993));

    let computed = check(&frame_file!("hvi-computed"), hvi::Decoder::at_line_start);
    let hvi::Content::Observation(first) = &computed[0].content else { panic!("{:?}", computed[0]) };
    assert_eq!(first.repetition, Some((1, 2)));
    let hvi::Content::DataSet { code, remark } = &computed.last().unwrap().content else { panic!("a data set") };
    assert_eq!((*code, remark.as_slice()), (5, b"LOT 7@BALE0001".as_slice()));
    assert!(check(&frame_file!("hvi-refused"), hvi::Decoder::at_line_start).is_empty());
}

#[test]
fn hvi_records_with_any_changed_byte_are_refused() {
    let (frame, _) = &frame_file!("hvi-published")[0];
    for at in 0..frame.len() - 1 {
        for bit in 0..7 {
            let mut damaged = frame.clone();
            damaged[at] ^= 1 << bit;
            let frames = events(&mut hvi::Decoder::at_line_start(), &damaged);
            assert!(!frames.iter().any(|(event, _)| matches!(event, Event::Frame(_))), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn hvi_quoted_record_keeps_its_columns() {
    let rows = frame_file!("hvi-quoted-published");
    let text = |it: &hvi::quoted::QuotedRecord| {
        let texts: Vec<_> = it.texts.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect();
        let numbers: Vec<_> = it.numbers.iter().map(ToString::to_string).collect();
        format!("{}: {}", texts.join("|"), numbers.join(" "))
    };
    for (frame, expected) in &rows {
        assert_eq!(&says(hvi::quoted::Decoder::at_line_start(), frame, text), expected);
    }
    let record = only_frames(&mut hvi::quoted::Decoder::at_line_start(), &rows[0].0).remove(0);
    assert!(told(&record).starts_with("number-1=0 1; number-2=2.5 1; number-3=74 1"), "{}", told(&record));
    for damaged in ["\"LOT\" \"1\"", "\"LOT\" 1.0", "\"LOT 1\" 2", "LOT 1 2", "\"LOT\"\"1\" 2", "\"LOT\" \"1\" 2x"] {
        let got = events(&mut hvi::quoted::Decoder::at_line_start(), format!("{damaged}\r").as_bytes());
        assert!(matches!(got[0].0, Event::Refused(_)), "{damaged}");
    }
}

#[test]
fn orion_answers_captured_and_refused() {
    let rows = frame_file!("orion-captured");
    let read = check(&rows, orion::Decoder::at_line_start);
    assert_eq!(orion::encode(&read[0]).unwrap().as_slice(), rows[0].0);
    assert_eq!(
        (read[0].serial.as_slice(), read[0].time.as_slice()),
        (b"X51250".as_slice(), b"12/07/23 09:30:40".as_slice())
    );
    check(&frame_file!("orion-refused"), orion::Decoder::at_line_start);
    // The prompt of one answer stands before the echo of the next.
    let twice = rows[0].0.repeat(2);
    assert_eq!(only_frames(&mut orion::Decoder::at_line_start(), &twice).len(), 2);
    let dashes = String::from_utf8(rows[0].0.clone()).unwrap().replace("4.61", "---");
    let shown = only_frames(&mut orion::Decoder::at_line_start(), dashes.as_bytes()).remove(0);
    assert!(told(&shown).starts_with("ph:not-present; potential=111.2 mV"));
}

#[test]
fn requests_write_and_read_back() {
    use dma::Request as Density;
    use orion::Request as Orion;
    use photometer::{Quantity, Request as Light};

    assert_eq!(Orion::Measure.encode().unwrap(), "GETMEAS\r");
    for request in [Orion::Measure, Orion::MeasureChannel(2), Orion::Mode, Orion::System, Orion::Help] {
        let text = request.encode().unwrap();
        assert_eq!(Orion::decode(text.trim_end().as_bytes()), Some(request));
    }
    assert_eq!((Orion::MeasureChannel(0).encode(), Orion::decode(b"getmeas")), (None, None));

    assert_eq!(Density::Data.encode().unwrap(), "getdata\r");
    let warm = Density::SetTemperature("20.000".parse().unwrap());
    assert_eq!(warm.encode().unwrap(), "set temperature 20.000\r");
    for request in [
        Density::Start,
        Density::StartMethod(3),
        Density::Abort,
        Density::Head,
        Density::Units,
        Density::Data,
        Density::Finished,
        Density::Identity,
        Density::MethodName,
        warm,
    ] {
        let text = request.encode().unwrap();
        assert_eq!(Density::decode(text.trim_end().as_bytes()), Some(request));
    }
    assert_eq!(Density::SetTemperature("20.0001".parse().unwrap()).encode(), None);

    assert_eq!(Light::Read(Quantity::Absorbance).encode().unwrap(), "A\r");
    for request in [
        Light::Read(Quantity::Absorbance),
        Light::Read(Quantity::Transmittance),
        Light::Read(Quantity::Concentration),
        Light::Read(Quantity::Level),
        Light::Zero,
        Light::CloseShutter,
        Light::OpenShutter,
        Light::GoTo(412),
    ] {
        let text = request.encode().unwrap();
        assert_eq!(Light::decode(text.trim_end().as_bytes()), Some(request));
    }
    assert_eq!((Light::GoTo(99).encode(), Light::decode(b"G41")), (None, None));

    assert_eq!(hanna::Request::Readings.encode(), *b"\x10RAS\r");
    for request in [hanna::Request::Readings, hanna::Request::Model, hanna::Request::Calibration] {
        assert_eq!(hanna::Request::decode(&request.encode()), Some(request));
    }
    assert!(seven::is_request(seven::encode_request()) && !seven::is_request(b"MF07\r\n"));
}

#[test]
fn meters_say_what_their_lines_say() {
    let rows = frame_file!("seven-answers");
    let read = check(&rows, seven::Decoder::at_line_start);
    for (answer, (frame, _)) in read.iter().zip(&rows) {
        assert_eq!(seven::encode(answer).unwrap().as_bytes(), frame);
    }
    check(&frame_file!("laqua-computed"), laqua::Decoder::at_line_start);
    check(&frame_file!("hanna-computed"), hanna::Decoder::new);
    check(&frame_file!("grade-lines"), fastness::Decoder::at_line_start);
}

#[test]
fn a_hanna_frame_that_breaks_off_costs_only_itself() {
    let rows = frame_file!("hanna-computed");
    let (frame, expected) = &rows[0];
    for cut in 1..frame.len() {
        let stream = [&frame[..cut], frame].concat();
        let got = events(&mut hanna::Decoder::new(), &stream);
        let Event::Frame(answer) = &got.last().unwrap().0 else { panic!("cut at {cut}: {got:?}") };
        assert_eq!(&told(answer), expected);
    }
}

#[test]
fn photometer_answers_need_the_question() {
    for (quantity, expected) in [
        (photometer::Quantity::Absorbance, "absorbance=0.001 {absorbance}; wavelength=540 nm"),
        (photometer::Quantity::Transmittance, "transmittance=0.001 %; wavelength=540 nm"),
        (photometer::Quantity::Concentration, "concentration=0.001 1; wavelength=540 nm"),
    ] {
        // The example of the manual.
        let mut decoder = photometer::Answers::to(quantity);
        let reading = only_frames(&mut decoder, b"0.001\t540\r\n").remove(0);
        assert_eq!(told(&reading), expected);
        assert_eq!(photometer::encode_answer(&reading).unwrap(), "0.001\t540\r\n");
    }
    let mut decoder = photometer::Answers::to(photometer::Quantity::Absorbance);
    for (line, refusal) in [
        ("0.001 540\r", Refusal::Shape),
        ("0.001\t54\r", Refusal::Number),
        ("\t540\r", Refusal::Number),
        ("0.001\t540 nm\r", Refusal::Number),
    ] {
        assert_eq!(events(&mut decoder, line.as_bytes())[0].0, Event::Refused(refusal), "{line}");
    }
    let rows = frame_file!("photometer-prints");
    for (frame, expected) in &rows {
        assert_eq!(
            &says(photometer::Prints::at_line_start(), frame, told),
            expected,
            "{}",
            String::from_utf8_lossy(frame)
        );
    }
    let printed = only_frames(&mut photometer::Prints::at_line_start(), &rows[1].0).remove(0);
    assert_eq!(photometer::encode_print(2, &printed.0).unwrap().as_bytes(), rows[1].0);
}

#[test]
fn moisture_lines_say_what_is_printed() {
    for (frame, expected) in frame_file!("moisture-lines") {
        let mut decoder = moisture::Decoder::at_line_start();
        assert_eq!(says(decoder.clone(), &frame, told), expected, "{}", String::from_utf8_lossy(&frame));
        for (event, raw) in events(&mut decoder, &frame) {
            let Event::Frame(line) = event else { continue };
            let written = moisture::encode(&line).unwrap();
            assert_eq!(written.trim_end(), String::from_utf8(raw).unwrap().trim_end());
            assert_eq!(written.len(), 22, "20 columns and the line end");
        }
    }
}

#[test]
fn dma_session_reads_in_order() {
    let words = |answer: &dma::Answer| match answer {
        dma::Answer::Head(columns) => format!("head {}", columns.len()),
        dma::Answer::Units(units) => format!("units {}", units.len()),
        dma::Answer::Data(_) => told(answer),
        dma::Answer::Status(status) => format!("{status:?}"),
        dma::Answer::About(_) => "about".into(),
    };
    let mut decoder = dma::Decoder::at_line_start();
    for (frame, expected) in frame_file!("dma-session") {
        let got = match events(&mut decoder, &frame).pop() {
            Some((Event::Frame(answer), _)) => {
                // Status texts differ in their capitals between answers; all else is written as it was read.
                let written = dma::encode(&answer).unwrap();
                assert!(written.eq_ignore_ascii_case(&frame), "{}", String::from_utf8_lossy(&frame));
                words(&answer)
            }
            Some((Event::Refused(Refusal::Shape), _)) => "refused:shape".into(),
            other => panic!("{other:?}"),
        };
        assert_eq!(got, expected, "{}", String::from_utf8_lossy(&frame));
    }
}

#[test]
fn grades_are_ranks() {
    for (half_steps, grade) in (2..).zip(Grade::ALL) {
        assert_eq!((grade.half_steps(), Grade::from_half_steps(half_steps)), (half_steps, Some(grade)));
        assert_eq!((Grade::parse(grade.text()), Grade::from_decimal(grade.decimal())), (Some(grade), Some(grade)));
        assert_eq!(Grade::parse(&grade.decimal().to_string()), Some(grade));
    }
    assert!(Grade::ALL.is_sorted() && Grade::TwoToThree < Grade::Three);
    for text in ["3-4", "3/4", "3~4", "3.5", " 3-4 "] {
        assert_eq!(Grade::parse(text), Some(Grade::ThreeToFour), "{text}");
    }
    for text in ["", "0", "6", "3.2", "3.50", "-1", "4-3", "3-5", "5-6", "3–4", "three", "1.25"] {
        assert_eq!(Grade::parse(text), None, "{text}");
    }
    assert_eq!(Grade::from_decimal("3.2".parse().unwrap()), None);
    assert_eq!(Grade::from_decimal("5.5".parse().unwrap()), None);
    // ISO 105-A02: nominal differences, and a gap between two tolerances.
    let nominal = ["13.6", "9.6", "6.8", "4.8", "3.4", "2.5", "1.7", "0.8", "0.0"];
    for (difference, grade) in nominal.into_iter().zip(Grade::ALL) {
        assert_eq!(Grade::from_difference(difference.parse().unwrap()), Some(grade), "{difference}");
    }
    for (difference, expected) in [
        ("0.2", Some(Grade::Five)),
        ("0.21", None),
        ("0.6", Some(Grade::FourToFive)),
        ("2.85", Some(Grade::ThreeToFour)),
        ("2.9", None),
        ("99", Some(Grade::One)),
        ("-0.1", None),
    ] {
        assert_eq!(Grade::from_difference(difference.parse().unwrap()), expected, "{difference}");
    }
    assert_eq!(fastness::graded(b"2.9"), Err(Missing::Refused));
    let shown = fastness::graded(b"2.5").unwrap();
    assert_eq!((shown.value.to_string().as_str(), shown.unit), ("3.5", Unit::FastnessGrade));
}

/// A frame with another number, its check put right.
fn renumbered(frame: &[u8], number: u8) -> Vec<u8> {
    let end = frame.iter().rposition(|byte| matches!(byte, 0x03 | 0x17)).unwrap();
    let mut body = frame[1..=end].to_vec();
    body[0] = b'0' + number;
    let tail = &frame[end + 3..];
    [&[2], body.as_slice(), format!("{:02X}", astm::checksum(&body)).as_bytes(), tail].concat()
}

#[test]
fn astm_frames_of_others_are_taken() {
    let files = [frame_file!("astm-captured"), frame_file!("astm-published"), frame_file!("astm-computed")];
    for (frame, level) in files.iter().flatten() {
        // Their own check first: a receiver that has taken as many frames as the number says.
        let number = frame[1] - b'0';
        let mut receiver = Receiver::new();
        assert_eq!(only_frames(&mut receiver, &[astm::ENQ]), [Received::Opened]);
        assert_eq!((receiver.reply(), receiver.reply()), (Some(astm::ACK), None));
        for before in 1..number {
            only_frames(&mut receiver, &renumbered(frame, before));
        }
        let got = only_frames(&mut receiver, frame);
        let [Received::Message(message)] = &got[..] else { panic!("{got:?}") };
        assert_eq!(receiver.reply(), Some(astm::ACK));
        let record = message.records().next().unwrap();
        assert_eq!(record.field(1), level.as_bytes());
        // And our own frame is theirs, but for the line end some leave out.
        let ours = astm::encode_frame(number, message.bytes(), true).unwrap();
        let theirs: Vec<u8> = frame.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        let ours: Vec<u8> = ours.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn astm_results_are_channels() {
    let frames = [frame_file!("astm-published"), frame_file!("astm-computed")];
    let mut receiver = Receiver::new();
    let mut said = Vec::new();
    only_frames(&mut receiver, &[astm::ENQ]);
    for (number, (frame, _)) in (1..).zip(frames.iter().flatten()) {
        said.extend(only_frames(&mut receiver, &renumbered(frame, number % 8)).iter().map(told));
    }
    // Sodium, potassium and chloride come in mmol/L, which no inspection here uses: refused, not guessed.
    assert_eq!(said, ["na:refused", "k:refused", "cl:refused", "", "", "mic=4.32 1"]);
}

#[test]
fn astm_receiver_asks_again_and_takes_nothing_twice() {
    let first = astm::encode_frame(1, b"R|1|^^^MIC|4.32\r", true).unwrap();
    let second = astm::encode_frame(2, b"L|1|N\r", true).unwrap();
    let mut damaged = first.clone();
    damaged[12] ^= 1;
    let mut receiver = Receiver::new();
    let mut answers = |bytes: &[u8]| {
        let mut out = Vec::new();
        for &byte in bytes {
            if let Some(event) = receiver.push(byte) {
                let what = match event {
                    Event::Frame(Received::Opened) => "opened",
                    Event::Frame(Received::Part) => "part",
                    Event::Frame(Received::Message(_)) => "message",
                    Event::Frame(Received::Repeated) => "repeated",
                    Event::Frame(Received::Closed) => "closed",
                    Event::Refused(Refusal::Checksum) => "checksum",
                    Event::Refused(Refusal::Shape) => "shape",
                    Event::Refused(_) => "refused",
                    Event::Garbage(_) => "garbage",
                };
                let reply = receiver.reply().map_or("-", |it| if it == astm::ACK { "ack" } else { "nak" });
                out.push(format!("{what} {reply}"));
            }
        }
        out.join(", ")
    };
    assert_eq!(answers(&first), "", "a frame without ENQ is nobody's");
    assert_eq!(answers(&[astm::ENQ]), "opened ack");
    assert_eq!(answers(&damaged), "checksum nak");
    assert_eq!(answers(&first), "message ack");
    assert_eq!(answers(&first), "repeated ack", "our ACK was lost");
    assert_eq!(answers(&astm::encode_frame(4, b"L|1|N\r", true).unwrap()), "shape nak", "two frames are missing");
    assert_eq!(answers(&[&first[..5], &second].concat()), "garbage -, message ack", "broken off and sent again");
    assert_eq!(answers(&[astm::EOT]), "closed -");
    // A text in two frames is one message; one that is never ended is none.
    assert_eq!(answers(&[astm::ENQ]), "opened ack");
    assert_eq!(answers(&astm::encode_frame(1, b"C|1|long ", false).unwrap()), "part ack");
    assert_eq!(answers(&[astm::EOT]), "closed -");
    assert_eq!(answers(&[astm::ENQ]), "opened ack");
    assert_eq!(answers(&astm::encode_frame(1, b"C|1|long ", false).unwrap()), "part ack");
    assert_eq!(answers(&[astm::ENQ]), "opened ack", "the sender starts over");
    assert_eq!(answers(&first), "message ack");
    let endless = [&[2, b'2'], vec![b'x'; 3_000].as_slice(), b"\x0300\r\n"].concat();
    assert_eq!(answers(&endless), "refused nak");
    assert_eq!(answers(&second), "message ack");
}

/// Runs a sender against a receiver; `spoil` may change what goes over the line, by count of frames sent.
fn transmit(records: &[&[u8]], mut spoil: impl FnMut(usize, &mut Vec<u8>)) -> (Result<(), GaveUp>, Vec<Vec<u8>>) {
    let mut sender = Sender::new(records).unwrap();
    let mut receiver = Receiver::new();
    let mut messages = Vec::new();
    let mut step = sender.start();
    for count in 0.. {
        assert!(count < 500, "it ends");
        let mut bytes = match step {
            Step::Finish(end) => return (end, messages),
            Step::Pause => panic!("nobody is busy"),
            Step::Send(bytes) => bytes.to_vec(),
        };
        spoil(count, &mut bytes);
        let mut reply = None;
        for byte in bytes {
            if let Some(Event::Frame(Received::Message(message))) = receiver.push(byte) {
                messages.push(message.bytes().to_vec());
            }
            reply = receiver.reply().or(reply);
        }
        step = match reply {
            Some(reply) => sender.answered(reply).unwrap(),
            None => sender.timed_out(),
        };
    }
    unreachable!()
}

#[test]
fn astm_sender_and_receiver_agree() {
    let long = vec![b'x'; 700];
    let records: [&[u8]; 11] =
        [b"H|\\^&", b"P|1", b"O|1", b"R|1", b"R|2", b"R|3", b"R|4", b"R|5", b"R|6", &long, b"L|1|N"];
    let expected: Vec<Vec<u8>> = records.iter().map(|it| [it, b"\r".as_slice()].concat()).collect();
    assert_eq!(transmit(&records, |_, _| ()), (Ok(()), expected.clone()));
    // Every third frame is damaged on its way, and every text arrives once all the same.
    let damage = |count: usize, bytes: &mut Vec<u8>| {
        if count % 3 == 2 {
            bytes[1] ^= 0x40;
        }
    };
    assert_eq!(transmit(&records, damage), (Ok(()), expected));
    let always = |count: usize, bytes: &mut Vec<u8>| {
        if count > 0 {
            bytes[2] ^= 1;
        }
    };
    assert_eq!(transmit(&records, always), (Err(GaveUp::Refused(1)), vec![]));
    assert_eq!(transmit(&records, |_, bytes| bytes.clear()).0, Err(GaveUp::Silence));
    assert!(Sender::new(&[b"R|1\x03"]).is_none() && Sender::new(&[b"R|1\r"]).is_none());
    let mut sender = Sender::new(&[b"L|1"]).unwrap();
    sender.start();
    assert_eq!(sender.answered(b'x'), None);
    assert_eq!(sender.answered(astm::NAK), Some(Step::Pause));
    sender.start();
    assert_eq!(sender.answered(astm::ENQ), Some(Step::Finish(Err(GaveUp::Contention))));
}

#[test]
fn astm_records_split_by_their_own_separators() {
    let text = b"H|\\^&|||HVI1000\rP|1\rO|1|S-1||^^^ALL\rR|1|^^^UHM\\x^^^UI|28.45^mean|mm||||P\rQ|1\rzz\rL|1|N\r";
    let records: Vec<_> = record::Records::new(text).collect();
    let levels: Vec<_> = records.iter().map(|it| it.field(1)[0]).collect();
    assert_eq!(levels, b"HPORQL");
    assert_eq!((records[0].field(5), records[0].field(2)), (b"HVI1000".as_slice(), b"\\^&".as_slice()));
    let result = &records[3];
    assert_eq!((result.component(3, 4), result.component(4, 2)), (b"UHM".as_slice(), b"mean".as_slice()));
    assert_eq!(
        (result.field(99), result.field(0), result.component(3, 0)),
        (b"".as_slice(), b"".as_slice(), b"".as_slice())
    );
    let (name, outcome) = record::result_outcome(result).unwrap();
    let shown = outcome.unwrap();
    assert_eq!((name.as_str(), shown.value.to_string().as_str(), shown.unit), ("uhm", "28.45", Unit::Millimetre));
    assert_eq!(shown.quality.word(), "unstable", "a preliminary result");
    assert_eq!(record::result_outcome(&records[0]), None);
    // Another maker, other separators, until the next header.
    let other = b"H!~*%\rR!1!***MIC!4.32!1\r";
    let records: Vec<_> = record::Records::new(other).collect();
    assert_eq!(told_of(&records[1]), "mic=4.32 1");
    assert_eq!(records[1].unescaped::<16>(b"a%F%b%S%%R%%E%"), Some(heapless_vec(b"a!b*~%")));
    assert_eq!(records[1].unescaped::<16>(b"a%X%"), None);
    assert_eq!(records[1].unescaped::<2>(b"abc"), None);
    assert_eq!(record::Separators::of_header(b"H|||&"), None, "two alike");
    for (text, expected) in [
        (b"R|1|^^^PH|<4|pH||||F".as_slice(), Err(Missing::Refused)),
        (b"R|1|^^^PH|4.2|furlong||||F", Err(Missing::Refused)),
        (b"R|1|^^^PH|4.2|pH||||X", Err(Missing::NotPresent)),
    ] {
        let record = record::Records::new(text).next().unwrap();
        assert_eq!(record::result_outcome(&record).unwrap().1, expected);
    }
}

fn told_of(record: &record::Record<'_>) -> String {
    let (name, outcome) = record::result_outcome(record).unwrap();
    let shown = outcome.unwrap();
    format!("{name}={} {}", shown.value, shown.unit)
}

fn heapless_vec(bytes: &[u8]) -> heapless::Vec<u8, 16> {
    heapless::Vec::from_slice(bytes).unwrap()
}

#[test]
fn plate_frames_of_axxon() {
    let words = |it: &axxon::Sighting| {
        let [year, month, day, hour, minute, second] = it.time;
        let plate = it.plate.as_ref().map_or("-".into(), |it| String::from_utf8_lossy(it).into_owned());
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} camera {} {plate}", it.camera)
    };
    for (frame, expected) in frame_file!("axxon-computed") {
        assert_eq!(says(axxon::Decoder::new(), &frame, words), expected, "{frame:02X?}");
        for (event, _) in events(&mut axxon::Decoder::new(), &frame) {
            let Event::Frame(sighting) = event else { continue };
            assert_eq!(axxon::encode(&sighting).unwrap().as_slice(), frame);
            assert_eq!(told(&sighting), "");
        }
    }
    assert_eq!(told(&plate::Plate::new("粤B12345", None).unwrap()), "");
}

#[test]
fn scans_have_what_the_reader_was_told_to_send() {
    let settings = |prefix: &[u8], suffix: &[u8], end| scan::Settings {
        prefix: heapless::Vec::from_slice(prefix).unwrap(),
        suffix: heapless::Vec::from_slice(suffix).unwrap(),
        end,
    };
    let read = |settings: &scan::Settings, stream: &[u8]| {
        events(&mut scan::Decoder::new(settings.clone()), stream)
            .into_iter()
            .map(|(event, _)| match event {
                Event::Frame(it) => {
                    let aim = it
                        .aim
                        .map_or(String::new(), |it| format!("]{}{} ", char::from(it.kind), char::from(it.modifier)));
                    let meaning = match it.meaning() {
                        scan::Meaning::Container(_) => "container",
                        scan::Meaning::Declaration(_) => "declaration",
                        scan::Meaning::Opaque => "opaque",
                    };
                    format!("{aim}{} {meaning}", String::from_utf8_lossy(&it.code))
                }
                other => format!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let plain = settings(b"", b"", None);
    assert_eq!(read(&plain, b"]C0CSQU3054383\r\n"), ["]C0 CSQU3054383 container"]);
    assert_eq!(read(&plain, b"CSQU3054384\r"), ["CSQU3054384 opaque"]);
    assert_eq!(read(&plain, b"020220080525641690\n]Q3LOT 7\n"), ["020220080525641690 declaration", "]Q3 LOT 7 opaque"]);
    assert_eq!(read(&plain, b"]\r]C0\r"), ["] opaque", "Refused(Shape)"]);
    assert_eq!(read(&plain, b"01\x1D02\r"), ["01\u{1d}02 opaque"]);
    assert_eq!(read(&plain, b"01\x0202\r"), ["Refused(Shape)"]);
    let framed = settings(b"<S1>", b"#", Some(b'\t'));
    assert_eq!(
        read(&framed, b"<S1>]C0A-1#\t<S1>B#\r\nC#\t<S1>D\t"),
        ["]C0 A-1 opaque", "B opaque", "Refused(Shape)", "Refused(Shape)"]
    );
    let cut = ocr::container("CSQU 3O54383").unwrap();
    assert_eq!((cut.number.as_str(), cut.corrected), ("CSQU3054383", 1));
}
