//! What holds for all bytes and all values.

use proptest::{collection::vec, option, prelude::*, sample::select};
use tidewaiter_drivers::{
    Decimal,
    bench::ph::{self, PhLine},
    counting,
    identity::{
        iso6346::{ContainerNumber, check_digit},
        plate::{self, Plate},
    },
    modbus::{
        pdu,
        register::{self, Encoding, Table, WordOrder},
        rtu, tcp,
    },
    portal::{
        occupancy::{Happening, Recompute, Settings},
        rpm::{
            self, GammaTag, Line, NeutronTag, Setup,
            setup::{Algorithm, Gamma1, Gamma2, Gamma3, MAX_INTERVALS, Neutron1, Neutron2, Text},
        },
    },
    scale::xk3190,
    wire::{Decode, Event},
};

use crate::{events, only_frames};

fn decimal(
    digits: std::ops::RangeInclusive<i64>,
    places: std::ops::RangeInclusive<u8>,
) -> impl Strategy<Value = Decimal> {
    (digits, places).prop_map(|(digits, places)| Decimal::new(digits, places).unwrap())
}

fn positive(places: u8) -> impl Strategy<Value = Decimal> {
    decimal(1..=99_999, places..=places)
}

fn counts() -> impl Strategy<Value = [u32; 4]> {
    prop::array::uniform4(0..=rpm::MAX_COUNT)
}

fn text() -> impl Strategy<Value = Text> {
    "[A-Za-z0-9.]{1,12}".prop_map(|it| Text::try_from(it.as_str()).unwrap())
}

fn setup() -> impl Strategy<Value = Setup> {
    let gamma1 = (0..=rpm::MAX_COUNT, 0..=rpm::MAX_COUNT, 1..=MAX_INTERVALS, any::<u16>(), positive(1)).prop_map(
        |(high_fault, low_fault, intervals, hold_in, n_sigma)| {
            Setup::Gamma1(Gamma1 { high_fault, low_fault, intervals, hold_in, n_sigma })
        },
    );
    let algorithm = select(Algorithm::ALL.to_vec());
    let gamma2 = (text(), positive(3), positive(3), any::<u8>(), algorithm, text()).prop_map(
        |(detectors, master_lld, master_uld, relay, algorithm, software)| {
            Setup::Gamma2(Gamma2 { detectors, master_lld, master_uld, relay, algorithm, software })
        },
    );
    let gamma3 = (positive(3), positive(3), any::<u16>(), positive(0), text()).prop_map(
        |(slave_lld, slave_uld, background_time_s, background_sigma, firmware)| {
            Setup::Gamma3(Gamma3 { slave_lld, slave_uld, background_time_s, background_sigma, firmware })
        },
    );
    let neutron1 = (0..=rpm::MAX_COUNT, any::<u16>(), positive(4), positive(2), any::<u16>(), any::<u16>()).prop_map(
        |(high_fault, max_intervals, alpha, zmax, sequential_intervals, background_time_s)| {
            Setup::Neutron1(Neutron1 {
                high_fault,
                max_intervals,
                alpha,
                zmax,
                sequential_intervals,
                background_time_s,
            })
        },
    );
    let neutron2 = (positive(3), positive(3), positive(3), positive(3)).prop_map(
        |(master_lld, master_uld, slave_lld, slave_uld)| {
            Setup::Neutron2(Neutron2 { master_lld, master_uld, slave_lld, slave_uld })
        },
    );
    prop_oneof![gamma1, gamma2, gamma3, neutron1, neutron2]
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        8 => (select(GammaTag::ALL.to_vec()), counts()).prop_map(|(tag, counts)| Line::Gamma { tag, counts }),
        4 => (select(NeutronTag::ALL.to_vec()), counts()).prop_map(|(tag, counts)| Line::Neutron { tag, counts }),
        2 => (positive(4), positive(3), positive(2))
            .prop_map(|(foot_time, mph, kmh)| Line::Speed { foot_time, mph, kmh }),
        2 => (0..=rpm::MAX_COUNT, 0_i64..=999_999).prop_map(|(counter, thousandths)| {
            Line::End { counter, neutron_background: Decimal::new(thousandths, 3).unwrap() }
        }),
        1 => any::<bool>().prop_map(Line::Tamper),
        2 => setup().prop_map(Line::Setup),
    ]
}

/// Bytes that look like the protocol more often than chance would have it.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let likely = select(b"\x02\x03\r\n,+-.0123456789ABGNSXTPpHC \xF8\xB0".to_vec());
    vec(prop_oneof![3 => likely, 1 => any::<u8>()], 0..400)
}

fn check_accounting<D: Decode>(decoder: &mut D, stream: &[u8], most: usize) -> Result<(), TestCaseError> {
    for (event, raw) in events(decoder, stream) {
        if let Event::Garbage(bytes) = event {
            prop_assert!(bytes > 0 && usize::from(bytes) <= 256);
        } else {
            prop_assert!(!raw.is_empty() && raw.len() <= most);
            // What was reported is what arrived.
            prop_assert!(stream.windows(raw.len()).any(|it| it == raw));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn xk3190_reads_what_it_wrote(shown in decimal(-999_999..=999_999, 0..=4)) {
        let frame = xk3190::encode(shown).unwrap();
        prop_assert_eq!(only_frames(&mut xk3190::Decoder::new(), &frame), [shown]);
    }

    #[test]
    fn xk3190_does_not_write_what_it_cannot_read(shown in decimal(i64::MIN..=i64::MAX, 0..=18)) {
        let fits = shown.digits().unsigned_abs() <= 999_999 && shown.places() <= 4;
        prop_assert_eq!(xk3190::encode(shown).is_some(), fits);
    }

    /// Noise becomes a mass only by bytes that have STX, ETX, digits and the right XOR.
    #[test]
    fn xk3190_garbage_is_never_a_reading_but_by_its_check(stream in noise()) {
        for (event, raw) in events(&mut xk3190::Decoder::new(), &stream) {
            if let Event::Frame(shown) = event {
                let xor = raw[1..9].iter().fold(0, |xor, byte| xor ^ byte);
                prop_assert_eq!(format!("{xor:02X}").into_bytes(), &raw[9..11]);
                let again = xk3190::encode(shown).unwrap();
                prop_assert_eq!(&again[2..9], &raw[2..9]);
            }
        }
    }

    #[test]
    fn xk3190_recovers_at_once_after_any_noise(stream in noise(), shown in decimal(-999_999..=999_999, 0..=4)) {
        let mut decoder = xk3190::Decoder::new();
        events(&mut decoder, &stream);
        let got = events(&mut decoder, &xk3190::encode(shown).unwrap());
        prop_assert_eq!(&got.last().unwrap().0, &Event::Frame(shown));
    }

    #[test]
    fn xk3190_starts_afresh_after_a_reset(stream in noise(), shown in decimal(-999_999..=999_999, 0..=4)) {
        let mut decoder = xk3190::Decoder::new();
        events(&mut decoder, &stream);
        decoder.reset();
        prop_assert_eq!(only_frames(&mut decoder, &xk3190::encode(shown).unwrap()), [shown]);
    }

    #[test]
    fn decoders_account_for_what_they_take(stream in noise()) {
        check_accounting(&mut xk3190::Decoder::new(), &stream, xk3190::FRAME_BYTES)?;
        check_accounting(&mut rpm::Decoder::new(), &stream, rpm::MAX_LINE_BYTES)?;
        check_accounting(&mut ph::Decoder::new(), &stream, ph::MAX_LINE_BYTES)?;
        check_accounting(&mut plate::Decoder::new(), &stream, plate::MAX_LINE_BYTES)?;
    }

    #[test]
    fn rpm_reads_what_it_wrote(line in line()) {
        let text = rpm::encode(&line);
        prop_assert!(text.ends_with("\r\n"));
        prop_assert_eq!(only_frames(&mut rpm::Decoder::new(), text.as_bytes()), std::slice::from_ref(&line));
        let daily = text.replace("\r\n", ",23-59-59.999\r\n");
        prop_assert_eq!(only_frames(&mut rpm::Decoder::new(), daily.as_bytes()), [line]);
    }

    /// One lost or changed byte in a count line never makes another count line, unless a digit became
    /// another digit, or the tag another tag, which nothing in the protocol could show.
    #[test]
    fn rpm_damage_that_can_be_seen_is_seen(tag in select(GammaTag::ALL.to_vec()), counts in counts(), at in 0_usize..30, with in option::of(any::<u8>())) {
        let line = Line::Gamma { tag, counts };
        let mut text = rpm::encode(&line).into_bytes().to_vec();
        let was = text[at];
        match with {
            Some(byte) => text[at] = byte,
            None => drop(text.remove(at)),
        }
        let hidden = with.is_some_and(|byte| byte == was || (was.is_ascii_digit() && byte.is_ascii_digit()) || at < 2);
        let frames = events(&mut rpm::Decoder::new(), &text).into_iter().filter(|(event, _)| {
            matches!(event, Event::Frame(Line::Gamma { .. } | Line::Neutron { .. }))
        });
        prop_assert!(hidden || frames.count() == 0);
    }

    #[test]
    fn line_decoders_recover_at_the_next_line(stream in noise(), line in line()) {
        let mut decoder = rpm::Decoder::new();
        events(&mut decoder, &stream);
        let text = format!("\r\n{}", rpm::encode(&line));
        let got = events(&mut decoder, text.as_bytes());
        prop_assert_eq!(&got.last().unwrap().0, &Event::Frame(line.clone()));
        // After a reset the rest of the line under way is dropped, and no more than that.
        events(&mut decoder, b"GS,0000");
        decoder.reset();
        let got = events(&mut decoder, format!("43,000045\r\n{}", rpm::encode(&line)).as_bytes());
        prop_assert_eq!(got.into_iter().map(|it| it.0).collect::<Vec<_>>(), [Event::Garbage(9), Event::Frame(line)]);
    }

    #[test]
    fn ph_reads_what_it_wrote(ph in decimal(-999..=9_999, 2..=2), celsius in option::of(decimal(-999..=9_999, 1..=1)), compensated: bool) {
        let line = PhLine { ph, celsius, compensated: compensated && celsius.is_some() };
        let bytes = ph::encode(&line).unwrap();
        prop_assert_eq!(only_frames(&mut ph::Decoder::at_line_start(), &bytes), [line]);
    }

    #[test]
    fn ph_writes_only_what_it_reads(ph in decimal(i64::MIN..=i64::MAX, 0..=18)) {
        let line = PhLine { ph, celsius: None, compensated: false };
        if let Some(bytes) = ph::encode(&line) {
            prop_assert_eq!(only_frames(&mut ph::Decoder::at_line_start(), &bytes), [line]);
        }
    }

    #[test]
    fn plate_reads_what_it_wrote(text in "[京粤沪][A-Z][A-Z0-9]{5,6}", confidence in option::of(0_u8..=100)) {
        let plate = Plate::new(&text, confidence).unwrap();
        let bytes = plate::encode(&plate);
        let got = only_frames(&mut plate::Decoder::new(), &bytes);
        prop_assert_eq!(got[0].text(), Some(text.as_str()));
        prop_assert_eq!(got, [plate]);
    }

    #[test]
    fn container_check_digits_find_every_wrong_digit(owner in "[A-Z]{3}[UJZ]", serial in "[0-9]{6}", at in 4_usize..10, by in 1_u8..10) {
        let body: [u8; 10] = format!("{owner}{serial}").into_bytes().try_into().unwrap();
        let check = check_digit(&body).unwrap();
        let number = format!("{owner}{serial}{check}");
        let read = ContainerNumber::parse(&number).unwrap();
        prop_assert_eq!(read.as_str(), number.as_str());
        let mut wrong = body;
        wrong[at] = b'0' + (wrong[at] - b'0' + by) % 10;
        // Remainders 0 and 10 share the digit 0, the one gap the standard leaves.
        prop_assert!(check == 0 || check_digit(&wrong) != Some(check));
    }

    #[test]
    fn modbus_survives_all_bytes(bytes in vec(any::<u8>(), 0..300), count in 0_u16..130) {
        let _ = rtu::parse(&bytes);
        let _ = rtu::response_length(&bytes);
        let _ = pdu::registers(&bytes, Table::Input, count);
        let _ = pdu::bit(&bytes, Table::Coil, count, count / 2);
        if let Ok(Some((adu, rest))) = tcp::split(&bytes) {
            prop_assert_eq!(adu.pdu.len() + rest.len() + tcp::HEADER_BYTES, bytes.len());
        }
    }

    #[test]
    fn modbus_frames_read_back(transaction: u16, unit_id: u8, pdu in vec(any::<u8>(), 1..=253)) {
        let frame = rtu::build(unit_id, &pdu).unwrap();
        prop_assert_eq!(rtu::parse(&frame), Ok(rtu::Adu { unit_id, pdu: &pdu }));
        let frame = tcp::build(transaction, unit_id, &pdu).unwrap();
        let expected = tcp::Adu { transaction, unit_id, pdu: &pdu };
        prop_assert_eq!(tcp::split(&frame), Ok(Some((expected, [].as_slice()))));
    }

    #[test]
    fn registers_read_back(first: u16, second: u16, scale in -6_i8..=0, order in select(vec![WordOrder::Abcd, WordOrder::Cdab, WordOrder::Badc, WordOrder::Dcba])) {
        for encoding in [Encoding::U16, Encoding::I16, Encoding::U32(order), Encoding::I32(order)] {
            let registers = &[first, second][..usize::from(encoding.registers())];
            let shown = register::decode(&encoding, registers, scale, None).unwrap();
            prop_assert_eq!(register::encode(&encoding, shown, scale).unwrap(), registers);
        }
    }

    /// A float that fits a decimal at all reads back as the same bits.
    #[test]
    fn floats_read_back(bits: u32, scale in -3_i8..=3) {
        let [a, b, c, d] = bits.to_be_bytes();
        let registers = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
        let encoding = Encoding::F32(WordOrder::Abcd);
        if let Ok(shown) = register::decode(&encoding, &registers, scale, None) {
            let again = register::encode(&encoding, shown, scale).unwrap();
            prop_assert!(again == registers || bits == 0x8000_0000);
        }
    }

    /// The integer rule against an independent one: exact squares in 128 bits for whole `k`.
    #[test]
    fn sigma_rule_by_squares(foreground in 0_u64..100_000, background in 0_u64..100_000, k in 0_u64..20) {
        let above = foreground.saturating_sub(background);
        let expected = above * above > k * k * background;
        let found = counting::exceeds_sigma(foreground, background, Decimal::whole(i64::try_from(k).unwrap()));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn more_counts_never_exceed_less(foreground in 0_u64..200, background in decimal(0..=400, 1..=1), k in decimal(0..=80, 1..=1)) {
        let exceeds = |foreground| counting::exceeds(foreground, background, k).unwrap();
        prop_assert!(!exceeds(foreground) || exceeds(foreground + 1));
    }

    /// Whatever lines come, windows, alarms and ends add up, and a passage without a fault is complete.
    #[test]
    fn any_lines_make_sound_passages(lines in vec((line(), 0_u64..4_000), 0..200)) {
        let mut portal = Recompute::new(Settings::new(Decimal::whole(7), 5, Decimal::whole(8)));
        let mut now = 0;
        let mut opened = 0_i32;
        for (line, pause) in &lines {
            now += pause;
            for happening in portal.push(now, line) {
                match happening {
                    Happening::Opened => opened += 1,
                    Happening::Closed(it) => {
                        opened = 0;
                        prop_assert!(it.windows == (it.gamma_lines + 1).saturating_sub(u32::from(it.intervals)));
                        prop_assert!(it.alarm_windows <= it.windows);
                        prop_assert_eq!(it.first_alarm_window.is_some(), it.own_gamma_alarm == Some(true));
                        prop_assert_eq!(it.strongest.is_some(), it.windows > 0);
                        prop_assert_eq!(it.neutron_counts.is_some(), it.neutron_lines > 0);
                        if it.faults.is_empty() {
                            prop_assert!(it.windows > 0 && it.counter.is_some() && it.own_gamma_alarm.is_some());
                        }
                    }
                    _ => {}
                }
                prop_assert!(opened <= 1);
            }
        }
        prop_assert_eq!(portal.interrupted().is_some(), opened == 1);
        prop_assert!(!portal.is_occupied());
    }
}
