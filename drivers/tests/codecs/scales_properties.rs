//! Weighing indicators and balances against all bytes, and against themselves.

use proptest::{collection::vec, option, prelude::*, sample::select};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::Missing,
    scale::{
        a_and_d, a12, dini_argeo,
        display::{Display, Kind, Motion},
        mt_sics, ohaus, rinstrum, sbi, shuangjie, st_gs, ticket, toledo, xk3190_command, xk3190_equals,
    },
    wire::{Decode, Event},
};

use crate::{events, only_frames};

fn value(digits: i64, places: u8) -> impl Strategy<Value = Decimal> {
    (-digits..=digits, 0..=places).prop_map(|(digits, places)| Decimal::new(digits, places).unwrap())
}

fn motion() -> impl Strategy<Value = Motion> {
    select(vec![Motion::Stable, Motion::Moving])
}

fn range() -> impl Strategy<Value = Missing> {
    select(vec![Missing::Overrange, Missing::Underrange])
}

fn mass_unit() -> impl Strategy<Value = Unit> {
    select(vec![Unit::Kilogram, Unit::Gram, Unit::Tonne, Unit::Milligram, Unit::Pound, Unit::Ounce, Unit::TroyOunce])
}

fn settings() -> impl Strategy<Value = toledo::Settings> {
    (any::<bool>(), select(vec![toledo::DummyZeros::Apply, toledo::DummyZeros::Ignore]))
        .prop_map(|(check, dummy_zeros)| toledo::Settings { check, dummy_zeros })
}

prop_compose! {
    fn toledo_frame()(
        digits in prop_oneof![8 => (-999_999_i64..=999_999).prop_map(Ok), 1 => range().prop_map(Err), 1 => Just(Err(Missing::NotPresent))],
        tare in 0_i64..=999_999,
        point_code in 0_u8..=7,
        step in option::of(select(vec![toledo::Step::One, toledo::Step::Two, toledo::Step::Five])),
        unit in select(vec![Unit::Kilogram, Unit::Pound, Unit::Gram, Unit::Tonne, Unit::Ounce, Unit::ShortTon]),
        kind in select(vec![Kind::Gross, Kind::Net]),
        motion in motion(),
        bits: [bool; 3],
        settings in settings(),
    ) -> (toledo::Settings, toledo::Frame) {
        let factor = match (point_code, settings.dummy_zeros) {
            (0, toledo::DummyZeros::Apply) => 100,
            (1, toledo::DummyZeros::Apply) => 10,
            _ => 1,
        };
        let shown = |digits: i64| Decimal::new(digits * factor, point_code.saturating_sub(2)).unwrap();
        let [not_zeroed, print_request, keyboard_tare] = bits;
        let frame = toledo::Frame {
            display: Display { kind, shown: digits.map(shown), unit: Some(unit), motion },
            tare: Display::value(Kind::Tare, shown(tare), unit, Motion::Stable),
            point_code,
            step,
            not_zeroed,
            print_request,
            expanded: false,
            keyboard_tare,
        };
        (settings, frame)
    }
}

fn mt_sics_answer() -> impl Strategy<Value = mt_sics::Answer> {
    use mt_sics::{Answer, Id};
    let massive = select(vec![Id::S, Id::T, Id::Ti, Id::Ta]);
    let plain = select(vec![Id::Z, Id::Zi, Id::Tac, Id::D, Id::Dw, Id::K, Id::I(0), Id::I(4), Id::I(11), Id::I(99)]);
    let any_id = prop_oneof![massive.clone(), plain.clone()];
    let motions = select(vec![Motion::Stable, Motion::Moving, Motion::Unstated]);
    let mass = (massive.clone(), value(i64::MAX - 1, 18), mass_unit(), motions.clone()).prop_map(
        |(id, shown, unit, motion)| Answer::Mass {
            id,
            display: Display::value(id.mass().unwrap(), shown, unit, motion),
        },
    );
    prop_oneof![
        4 => mass,
        1 => (massive, any::<u16>(), option::of(b'a'..=b'z')).prop_map(|(id, code, letter)| Answer::Fault { id, code, letter }),
        1 => (plain.clone(), motions).prop_map(|(id, motion)| Answer::Done { id, motion }),
        1 => any_id.clone().prop_map(Answer::NotNow),
        1 => any_id.clone().prop_map(Answer::Over),
        1 => any_id.clone().prop_map(Answer::Under),
        1 => any_id.prop_map(Answer::BadParameter),
        1 => (plain, any::<bool>(), "[!-~]([ -~]{0,60}[!-~])?").prop_map(|(id, last, text)| {
            Answer::Text { id, last, text: text.as_str().try_into().unwrap() }
        }),
        1 => select(vec![Answer::SyntaxError, Answer::TransmissionError, Answer::LogicalError]),
    ]
}

fn command() -> impl Strategy<Value = mt_sics::Command> {
    use mt_sics::Command;
    let mass = || (value(999_999_999, 6), mass_unit());
    prop_oneof![
        select(vec![
            Command::Cancel,
            Command::Stable,
            Command::Immediate,
            Command::Repeat,
            Command::OnChange(None),
            Command::Zero,
            Command::ZeroNow,
            Command::Tare,
            Command::TareNow,
            Command::TareMemory(None),
            Command::TareClear,
            Command::ShowMass,
        ]),
        (0_u8..=99).prop_map(Command::Inquire),
        any::<u8>().prop_map(Command::Keys),
        mass().prop_map(|it| Command::OnChange(Some(it))),
        mass().prop_map(|it| Command::TareMemory(Some(it))),
        "[ -~]{0,40}".prop_map(|text| Command::Show(text.as_str().try_into().unwrap())),
    ]
}

/// Bytes that look like some scale more often than chance would have it.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let likely = select(b"\x02\x03\r\n=,+-.0123456789 STUOLGNSWwnEDIA?kgtPCQ[]\"~^".to_vec());
    let words = select(vec![
        b"ST,GS,".to_vec(),
        b"ST,+".to_vec(),
        b"S S ".to_vec(),
        b" kg    G\r\n".to_vec(),
        b"\r\n".to_vec(),
        b"^KJIK000\r\n".to_vec(),
        b"~P1\r\n".to_vec(),
        b"\x0210 00".to_vec(),
        b"Stat  ".to_vec(),
    ]);
    let piece = prop_oneof![6 => likely.prop_map(|it| vec![it]), 2 => any::<u8>().prop_map(|it| vec![it]), 1 => words];
    vec(piece, 0..300).prop_map(|pieces| pieces.concat())
}

fn each_decoder(stream: &[u8], mut look: impl FnMut(&str, Vec<(Event<()>, Vec<u8>)>)) {
    fn run<D: Decode>(mut decoder: D, stream: &[u8]) -> Vec<(Event<()>, Vec<u8>)> {
        let plain = |event| match event {
            Event::Frame(_) => Event::Frame(()),
            Event::Refused(refusal) => Event::Refused(refusal),
            Event::Garbage(bytes) => Event::Garbage(bytes),
        };
        events(&mut decoder, stream).into_iter().map(|(event, raw)| (plain(event), raw)).collect()
    }
    let set = |check| toledo::Settings { check, dummy_zeros: toledo::DummyZeros::Apply };
    look("a12 checked", run(a12::Decoder::new(a12::Dialect::Checked), stream));
    look("a12 classic", run(a12::Decoder::new(a12::Dialect::Classic), stream));
    look("a&d", run(a_and_d::Decoder::default(), stream));
    look("ohaus", run(ohaus::Decoder::default(), stream));
    look("sbi", run(sbi::Decoder::default(), stream));
    look("shuangjie", run(shuangjie::Decoder::default(), stream));
    look("st,gs", run(st_gs::Decoder::default(), stream));
    look("toledo, check", run(toledo::Decoder::new(set(true)), stream));
    look("toledo", run(toledo::Decoder::new(set(false)), stream));
    let answers = xk3190_command::Answers { unit: Unit::Kilogram };
    look("xk3190 answers", run(xk3190_command::Decoder::new(answers), stream));
    look("xk3190 requests", run(xk3190_command::RequestDecoder::default(), stream));
    for layout in [xk3190_equals::Layout::A26_FORMAT_1, xk3190_equals::Layout::A26_FORMAT_2] {
        look("xk3190 =", run(xk3190_equals::Decoder::new(layout, Unit::Kilogram), stream));
    }
    look("rinstrum", run(rinstrum::Decoder::new(rinstrum::Rinstrum { unit: None }), stream));
    look("mt-sics", run(mt_sics::Decoder::default(), stream));
    look("mt-sics commands", run(mt_sics::RequestDecoder::default(), stream));
    look("ticket", run(ticket::Decoder::new(), stream));
}

/// How many frames a stream gives.
fn masses<D: Decode>(mut decoder: D, stream: &[u8]) -> usize {
    events(&mut decoder, stream).iter().filter(|(event, _)| matches!(event, Event::Frame(_))).count()
}

proptest! {
    /// No bytes panic, every event has its bytes, and nothing is reported twice.
    #[test]
    fn decoders_account_for_what_they_take(stream in noise()) {
        let mut wrong = None;
        each_decoder(&stream, |name, got| {
            let mut bytes = 0;
            for (event, raw) in got {
                match event {
                    Event::Garbage(dropped) => bytes += usize::from(dropped),
                    Event::Frame(()) | Event::Refused(_) => {
                        bytes += raw.len();
                        // Slips join their lines with LF, and MT-SICS leaves out XON and XOFF.
                        let there = name == "ticket" || name.starts_with("mt-sics") || stream.windows(raw.len()).any(|it| it == raw);
                        if raw.is_empty() || !there {
                            wrong = Some(format!("{name}: {event:?} at {raw:02X?}"));
                        }
                    }
                }
            }
            // A line that outgrows the buffer, and a byte that ends one frame and starts the next, count once
            // more.
            if bytes > stream.len() * 2 {
                wrong = Some(format!("{name}: {bytes} bytes of {}", stream.len()));
            }
        });
        prop_assert_eq!(wrong, None);
    }

    #[test]
    fn st_gs_reads_what_it_wrote(shown in prop_oneof![4 => value(999_999, 4).prop_map(Ok), 1 => range().prop_map(Err)], kind in select(vec![Kind::Gross, Kind::Net, Kind::Tare]), motion in motion(), unit in select(vec![Unit::Kilogram, Unit::Gram, Unit::Tonne]), layout in select(vec![st_gs::Layout::Comma, st_gs::Layout::NoComma, st_gs::Layout::Zeros])) {
        let display = match shown {
            Ok(value) => Display::value(kind, value, unit, motion),
            Err(why) => Display::missing(kind, why),
        };
        let line = st_gs::encode(layout, &display).unwrap();
        prop_assert_eq!(only_frames(&mut st_gs::Decoder::default(), &line), [display]);
        // Every line of a layout is as wide as the others, so the width can be configured.
        let width = if layout == st_gs::Layout::Zeros { 19 } else { 18 };
        prop_assert_eq!(line.len(), width);
    }

    #[test]
    fn ohaus_reads_what_it_wrote(value in value(999_999, 4), kind in select(vec![Kind::Gross, Kind::Net, Kind::Tare]), motion in motion(), unit in mass_unit(), layout in select(vec![ohaus::Layout::Captured, ohaus::Layout::Documented])) {
        let display = Display::value(kind, value, unit, motion);
        let line = ohaus::encode(layout, &display).unwrap();
        prop_assert_eq!(only_frames(&mut ohaus::Decoder::default(), &line), [display]);
    }

    #[test]
    fn a_and_d_reads_what_it_wrote(shown in prop_oneof![4 => value(9_999_999, 5).prop_map(Ok), 1 => range().prop_map(Err)], motion in motion(), unit in select(vec![Unit::Kilogram, Unit::Gram, Unit::One, Unit::Percent, Unit::Carat, Unit::Newton]), comparison in option::of(select(vec![a_and_d::Comparison::High, a_and_d::Comparison::Within, a_and_d::Comparison::Low, a_and_d::Comparison::None]))) {
        let display = match shown {
            Ok(value) => Display::value(Kind::Displayed, value, unit, motion),
            Err(why) => Display::missing(Kind::Displayed, why),
        };
        let line = a_and_d::Line { display, comparison };
        let bytes = a_and_d::encode(&line).unwrap();
        prop_assert_eq!(only_frames(&mut a_and_d::Decoder::default(), &bytes), [line]);
    }

    #[test]
    fn sbi_reads_what_it_wrote(shown in prop_oneof![4 => value(9_999_999, 5).prop_map(Ok), 1 => range().prop_map(Err), 1 => (0_u16..=999).prop_map(|it| Err(Missing::InstrumentFault(it))), 1 => Just(Err(Missing::NotPresent))], kind in select(Kind::ALL.to_vec()), motion in motion(), unit in select(vec![Unit::Kilogram, Unit::Gram, Unit::Milligram]), long: bool) {
        let display = match shown {
            Ok(value) => Display::value(if long { kind } else { Kind::Displayed }, value, unit, motion),
            Err(why) => Display::missing(Kind::Displayed, why),
        };
        let characters = if long { sbi::Characters::TwentyTwo } else { sbi::Characters::Sixteen };
        let line = sbi::encode(characters, &display).unwrap();
        prop_assert_eq!(line.len(), if long { 22 } else { 16 });
        let mut decoder = sbi::Decoder::new(sbi::Sbi { moving_unit: Some(unit) });
        prop_assert_eq!(only_frames(&mut decoder, &line), [display]);
    }

    /// A line of fixed width that lost any byte, or was joined behind any byte, is no mass.
    #[test]
    fn a_lost_byte_is_seen_where_the_width_is_fixed(value in value(999_999, 4), unit in select(vec![Unit::Kilogram, Unit::Gram]), at in 0_usize..22, joined: bool) {
        let displayed = Display::value(Kind::Displayed, value, unit, Motion::Stable);
        let gross = Display { kind: Kind::Gross, ..displayed };
        let damaged = |line: &[u8]| {
            let mut line = line.to_vec();
            let at = at % (line.len() - 2);
            line.drain(if joined { 0 } else { at }..=at);
            line
        };
        let line = damaged(&a_and_d::encode(&a_and_d::Line { display: displayed, comparison: None }).unwrap());
        prop_assert_eq!(masses(a_and_d::Decoder::default(), &line), 0);
        let line = damaged(&sbi::encode(sbi::Characters::Sixteen, &displayed).unwrap());
        prop_assert_eq!(masses(sbi::Decoder::default(), &line), 0);
        for layout in [ohaus::Layout::Captured, ohaus::Layout::Documented] {
            let line = damaged(&ohaus::encode(layout, &gross).unwrap());
            prop_assert_eq!(masses(ohaus::Decoder::default(), &line), 0);
        }
        let line = damaged(&shuangjie::encode(&Display { motion: Motion::Unstated, ..displayed }).unwrap());
        prop_assert_eq!(masses(shuangjie::Decoder::default(), &line), 0);
        for layout in [st_gs::Layout::Comma, st_gs::Layout::NoComma] {
            let line = damaged(&st_gs::encode(layout, &gross).unwrap());
            let fixed = st_gs::Decoder::new(st_gs::StGs { line_bytes: Some(16) });
            prop_assert_eq!(masses(fixed, &line), 0);
        }
    }

    /// Lines without a fixed width begin with a mark, so one joined behind any byte is no mass.
    #[test]
    fn a_line_joined_in_the_middle_is_no_mass(answer in mt_sics_answer(), at in 1_usize..60) {
        let line = mt_sics::encode(&answer).unwrap();
        let tail = &line[at.min(line.len() - 2)..];
        let got = events(&mut mt_sics::Decoder::default(), tail);
        let mass = got.iter().any(|(event, _)| matches!(event, Event::Frame(mt_sics::Answer::Mass { .. })));
        prop_assert!(!mass || matches!(answer, mt_sics::Answer::Text { .. }), "{}", tail.escape_ascii());
    }

    #[test]
    fn shuangjie_reads_what_it_wrote(value in value(9_999_999, 5), unit in mass_unit()) {
        let display = Display::value(Kind::Displayed, value, unit, Motion::Unstated);
        let line = shuangjie::encode(&display).unwrap();
        prop_assert_eq!(only_frames(&mut shuangjie::Decoder::default(), &line), [display]);
    }

    #[test]
    fn a12_reads_what_it_wrote(shown in prop_oneof![4 => value(99_999, 4).prop_map(Ok), 1 => range().prop_map(Err)], kind in select(vec![Kind::Gross, Kind::Net]), unit in select(vec![Unit::Kilogram, Unit::Pound]), form in select(vec![a12::Dialect::Checked, a12::Dialect::Classic])) {
        let display = match shown {
            Ok(value) => Display::value(kind, value, unit, Motion::Unstated),
            Err(why) => Display::missing(Kind::Displayed, why),
        };
        let line = a12::encode(form, &display).unwrap();
        prop_assert_eq!(only_frames(&mut a12::Decoder::new(form), &line), [display]);
    }

    #[test]
    fn xk3190_answers_read_back(value in value(999_999, 4), kind in select(vec![Kind::Gross, Kind::Tare, Kind::Net]), address in 1_u8..=26, truck in "[0-9]{5}", cargo in "[0-9]{1,8}", which in 0..4, noise in noise()) {
        let content = match which {
            0 => xk3190_command::Content::Handshake,
            1 => xk3190_command::Content::TruckNumber(truck.as_str().try_into().unwrap()),
            2 => xk3190_command::Content::CargoNumber(cargo.as_str().try_into().unwrap()),
            _ => xk3190_command::Content::Mass(Display::value(kind, value, Unit::Kilogram, Motion::Unstated)),
        };
        let answer = xk3190_command::Answer { address: xk3190_command::Address::new(address).unwrap(), content };
        let frame = xk3190_command::encode(&answer).unwrap();
        let mut decoder = xk3190_command::Decoder::new(xk3190_command::Answers { unit: Unit::Kilogram });
        prop_assert_eq!(only_frames(&mut decoder, &frame), std::slice::from_ref(&answer));
        // After any noise the next frame counts.
        events(&mut decoder, &noise);
        let got = events(&mut decoder, &frame);
        prop_assert_eq!(&got.last().unwrap().0, &Event::Frame(answer));
    }

    #[test]
    fn xk3190_requests_read_back(address in 1_u8..=26, command in select(xk3190_command::Command::ALL.to_vec())) {
        let request = xk3190_command::Request { address: xk3190_command::Address::new(address).unwrap(), command };
        let frame = xk3190_command::encode_request(request);
        prop_assert_eq!(only_frames(&mut xk3190_command::RequestDecoder::default(), &frame), [request]);
    }

    #[test]
    fn xk3190_equals_reads_what_it_wrote(values in vec(value(99_999, 4), 1..6), forward: bool, value_chars in 6_u8..=12, noise in noise()) {
        let order = if forward { xk3190_equals::Order::Forward } else { xk3190_equals::Order::Reversed };
        let layout = xk3190_equals::Layout::new(order, value_chars).unwrap();
        let shown: Vec<_> = values.iter().map(|it| Display::value(Kind::Displayed, *it, Unit::Tonne, Motion::Unstated)).collect();
        let mut stream: Vec<u8> = shown.iter().flat_map(|it| xk3190_equals::encode(layout, it).unwrap().to_vec()).collect();
        stream.push(b'=');
        let mut decoder = xk3190_equals::Decoder::new(layout, Unit::Tonne);
        prop_assert_eq!(only_frames(&mut decoder, &stream), shown.clone());
        decoder.reset();
        events(&mut decoder, &noise);
        let got: Vec<_> = events(&mut decoder, &stream).into_iter().filter_map(|(event, _)| if let Event::Frame(it) = event { Some(it) } else { None }).collect();
        prop_assert!(got.ends_with(&shown), "{got:?} {shown:?}");
    }

    #[test]
    fn toledo_reads_what_it_wrote((settings, frame) in toledo_frame(), noise in noise()) {
        let bytes = toledo::encode(settings, &frame).unwrap();
        let mut decoder = toledo::Decoder::new(settings);
        prop_assert_eq!(only_frames(&mut decoder, &bytes), [frame]);
        // With parity in the eighth bit it says the same.
        let parity: Vec<u8> = bytes.iter().map(|it| it | u8::try_from(it.count_ones() % 2).unwrap() << 7).collect();
        prop_assert_eq!(only_frames(&mut decoder, &parity), [frame]);
        events(&mut decoder, &noise);
        let got = events(&mut decoder, &[bytes.as_slice(), &bytes].concat());
        prop_assert_eq!(&got.last().unwrap().0, &Event::Frame(frame));
    }

    /// The check sees any one bit that changes, the eighth apart, which it leaves to parity.
    #[test]
    fn toledo_check_sees_every_bit((settings, frame) in toledo_frame(), at in 1_usize..18, bit in 0_u8..7) {
        let settings = toledo::Settings { check: true, ..settings };
        let mut bytes = toledo::encode(settings, &frame).unwrap();
        bytes[at] ^= 1 << bit;
        let got = events(&mut toledo::Decoder::new(settings), &bytes);
        prop_assert!(!got.iter().any(|(event, _)| matches!(event, Event::Frame(_))), "{got:?}");
    }

    #[test]
    fn rinstrum_reads_what_it_wrote(shown in prop_oneof![4 => value(999_999, 4).prop_map(Ok), 1 => range().prop_map(Err)], kind in select(vec![Kind::Gross, Kind::Net]), motion in motion(), second: bool) {
        let layout = if second { rinstrum::Layout::Format2 } else { rinstrum::Layout::Format1 };
        let kind = if !second && motion == Motion::Moving { Kind::Displayed } else { kind };
        let display = match shown {
            Ok(value) => Display::value(kind, value, Unit::Kilogram, motion),
            Err(why) => Display::missing(Kind::Displayed, why),
        };
        let frame = rinstrum::encode(layout, &display).unwrap();
        let mut decoder = rinstrum::Decoder::new(rinstrum::Rinstrum { unit: Some(Unit::Kilogram) });
        prop_assert_eq!(only_frames(&mut decoder, &frame), [display]);
    }

    #[test]
    fn mt_sics_reads_what_it_wrote(answer in mt_sics_answer(), noise in noise()) {
        let line = mt_sics::encode(&answer).unwrap();
        let mut decoder = mt_sics::Decoder::default();
        prop_assert_eq!(only_frames(&mut decoder, &line), std::slice::from_ref(&answer));
        // Who asks for masses alone hears everything but texts.
        let heard = only_frames(&mut mt_sics::MassDecoder::default(), &line);
        let text = matches!(answer, mt_sics::Answer::Text { .. });
        prop_assert_eq!(heard, if text { vec![] } else { vec![answer.clone()] });
        events(&mut decoder, &noise);
        events(&mut decoder, b"\r\n");
        let got = events(&mut decoder, &line);
        prop_assert_eq!(&got.last().unwrap().0, &Event::Frame(answer));
    }

    #[test]
    fn mt_sics_commands_read_back(command in command()) {
        let line = mt_sics::encode_request(&command).unwrap();
        prop_assert_eq!(only_frames(&mut mt_sics::RequestDecoder::default(), &line), [command]);
    }

    #[test]
    fn tickets_read_back(tare in 0_i64..99_999, net in 0_i64..99_999, places in 0_u8..=3, pieces in 0_i64..99_999) {
        let mass = |digits| Decimal::new(digits, places).unwrap();
        let ticket = ticket::Ticket {
            date: "2026-01-15".try_into().unwrap(),
            time: "08:30:12".try_into().unwrap(),
            tare: mass(tare),
            gross: mass(tare + net),
            net: mass(net),
            unit: Unit::Kilogram,
            pieces: Decimal::whole(pieces),
        };
        if let Some(bytes) = ticket::encode(&ticket) {
            prop_assert_eq!(only_frames(&mut ticket::Decoder::new(), &bytes), [ticket]);
        } else {
            // Six columns for a mass, five for the pieces.
            prop_assert!(mass(tare + net).to_string().len() > 6);
        }
    }

    #[test]
    fn dini_argeo_registers_read_back(registers: [u16; 7], places in 0_u8..=5) {
        let weights = dini_argeo::decode(&registers, places, Unit::Kilogram).unwrap();
        if let Some(again) = dini_argeo::encode(&weights) {
            let read = dini_argeo::decode(&again, places, Unit::Kilogram).unwrap();
            prop_assert_eq!(read, weights);
        } else {
            // Overload and underload at once.
            prop_assert_eq!(registers[4] & 0x18, 0x18);
        }
    }
}
