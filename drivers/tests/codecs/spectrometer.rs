//! Spectrometers: packets of the DP5 family and messages of the Ocean Binary Protocol.

use std::collections::BTreeMap;

use proptest::{array::uniform4, collection::vec, option, prelude::*, sample::select};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Channels, Doubt, Indication, Missing, Outcome, Quality},
    spectrometer::{dp5, obp},
    wire::{Decode, Event, Refusal, single::Single},
};

use crate::{events, frame_file, only_frames};

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Every channel of an item, by name; panics when one is told twice.
pub(crate) fn channels(item: &impl Channels) -> BTreeMap<String, Outcome> {
    let mut out = BTreeMap::new();
    item.each(&mut |name, outcome| {
        let word =
            |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
        assert!(name.len() <= 32 && name.split('-').all(word), "{name}");
        assert!(out.insert(name.to_owned(), outcome).is_none(), "{name} twice");
    });
    out
}

#[expect(clippy::unnecessary_wraps, reason = "compared with outcomes, most of which may be missing")]
pub(crate) fn good(value: &str, unit: Unit) -> Outcome {
    Ok(Indication { value: d(value), unit, quality: Quality::Good })
}

/// The first frame or refusal of a stream, in the words of the frame files; `garbage` when there is
/// neither.
pub(crate) fn says<D: Decode>(decoder: &mut D, stream: &[u8], words: impl Fn(&D, &D::Item) -> String) -> String {
    for &byte in stream {
        match decoder.push(byte) {
            Some(Event::Frame(item)) => return words(decoder, &item),
            Some(Event::Refused(Refusal::Checksum)) => return "refused:checksum".into(),
            Some(Event::Refused(Refusal::Shape)) => return "refused:shape".into(),
            Some(Event::Refused(Refusal::Number)) => return "refused:number".into(),
            Some(Event::Refused(other)) => return format!("refused:{other:?}"),
            Some(Event::Garbage(_)) | None => {}
        }
    }
    "garbage".into()
}

fn dp5_words(decoder: &dp5::Decoder, packet: &dp5::Packet) -> String {
    let text = decoder.text().unwrap_or("?");
    match packet {
        dp5::Packet::Request(request) if request.carries_data() => format!("request {request:?} {text:?}"),
        dp5::Packet::Request(request) => format!("request {request:?}"),
        dp5::Packet::Status(it) => format!("status {} {}", it.fast_count, it.slow_count),
        dp5::Packet::Spectrum { channels, total, .. } => format!("spectrum {channels} {total}"),
        dp5::Packet::Settings => format!("settings {text:?}"),
        dp5::Packet::Echo => format!("echo {text:?}"),
        dp5::Packet::Acknowledgement(it) => format!("acknowledgement {it:?} {text:?}"),
        dp5::Packet::Unknown { pid1, pid2 } => format!("unknown {pid1:02X} {pid2:02X}"),
    }
}

/// What a device or the agent would send to say the same.
fn dp5_again(decoder: &dp5::Decoder, packet: &dp5::Packet) -> Option<Vec<u8>> {
    let text = decoder.text();
    Some(match packet {
        dp5::Packet::Request(request) => dp5::encode_request(*request, decoder.data()).unwrap().to_vec(),
        dp5::Packet::Status(status) => dp5::encode_status(status).to_vec(),
        dp5::Packet::Spectrum { status, .. } => {
            let counts: Vec<_> = decoder.spectrum().collect();
            dp5::encode_spectrum::<{ dp5::MAX_PACKET_BYTES }>(&counts, status.as_ref()).unwrap().to_vec()
        }
        dp5::Packet::Settings => dp5::encode_settings::<600>(text?).unwrap().to_vec(),
        dp5::Packet::Echo => dp5::encode_echo(decoder.data()).unwrap().to_vec(),
        dp5::Packet::Acknowledgement(it) => dp5::encode_acknowledgement(*it, text?).unwrap().to_vec(),
        dp5::Packet::Unknown { .. } => return None,
    })
}

#[test]
fn dp5_packets_say_and_write_back() {
    for (frame, expected) in frame_file!("dp5-computed") {
        let mut decoder = dp5::Decoder::default();
        assert_eq!(says(&mut decoder, &frame, dp5_words), expected);
        let packet = only_frames(&mut dp5::Decoder::<1024>::new(), &frame).remove(0);
        if let Some(again) = dp5_again(&decoder, &packet) {
            assert_eq!(again, frame, "{expected}");
        }
    }
}

#[test]
fn dp5_refuses() {
    for (frame, expected) in frame_file!("dp5-refused") {
        assert_eq!(says(&mut dp5::Decoder::<1024>::new(), &frame, |_, it| format!("{it:?}")), expected);
    }
}

fn dp5_statuses() -> Vec<dp5::Status> {
    let frames = frame_file!("dp5-computed").into_iter().filter(|(_, says)| says.starts_with("status "));
    frames
        .map(|(frame, _)| {
            let dp5::Packet::Status(status) = only_frames(&mut dp5::Decoder::<128>::new(), &frame).remove(0) else {
                panic!("{frame:02X?}")
            };
            status
        })
        .collect()
}

#[test]
fn dp5_status_fields_are_where_the_guide_puts_them() {
    let [first, second] = dp5_statuses().try_into().unwrap();
    assert_eq!((first.accumulation_ms, first.real_ms, first.live_ms), (60_000, 60_250, 0));
    assert_eq!((first.firmware, first.firmware_build), (dp5::Version { major: 6, minor: 7 }, 3));
    assert_eq!(
        (first.fpga, first.serial, first.device),
        (dp5::Version { major: 6, minor: 5 }, 12_345, dp5::Device::Dp5)
    );
    assert_eq!((first.half_volts, first.detector_decikelvin, first.board_celsius), (1600, 2931, 31));
    let flags = dp5::StatusFlags {
        enabled: true,
        configured: true,
        fast_clock: true,
        power_board: true,
        positive_voltage: true,
        high_supply: true,
        ..Default::default()
    };
    assert_eq!(first.flags, flags);
    assert_eq!(first.dead_time_percent(), Some(d("1.77")));

    assert_eq!((second.accumulation_ms, second.real_ms, second.live_ms), (119_304_699, 61_250, 59_000));
    assert_eq!((second.general_count, second.serial, second.device), (7, 4242, dp5::Device::Mca8000d));
    assert_eq!((second.half_volts, second.detector_decikelvin, second.board_celsius), (-1600, 0x0A5C, -10));
    assert_eq!((second.firmware_build, second.cooler_steps), (12, 0x02AB));
    let flags = dp5::StatusFlags {
        preset_real_time_reached: true,
        enabled: true,
        gated: true,
        scope_ready: true,
        configured: true,
        restarted: true,
        clock_automatic: true,
        power_board: true,
        positive_voltage: true,
        ..Default::default()
    };
    assert_eq!(second.flags, flags);
}

#[test]
fn dp5_channels_tell_when_a_count_is_none() {
    let [mut status, _] = dp5_statuses().try_into().unwrap();
    let running = channels(&status);
    let unstable = Quality::Uncertain(Doubt::Unstable);
    let counting = |value: &str, unit| Ok(Indication { value: d(value), unit, quality: unstable });
    assert_eq!(running["fast-count"], counting("120345", Unit::Count), "still counting");
    assert_eq!(running["accumulation-time"], counting("60.000", Unit::Second));
    assert_eq!(running["live-time"], Err(Missing::NotPresent), "an MCA8000D has one, a DP5 has none");
    assert_eq!(running["high-voltage"], good("800.0", Unit::Volt));
    assert_eq!(running["detector-temperature"], good("293.1", Unit::Kelvin));
    assert_eq!(running["board-temperature"], good("31", Unit::Celsius));

    status.flags.enabled = false;
    assert_eq!(channels(&status)["slow-count"], good("118220", Unit::Count), "the preset is reached");
    assert_eq!(channels(&status)["dead-time"], good("1.77", Unit::Percent));
    status.device = dp5::Device::Dp5g;
    assert_eq!(channels(&status)["high-voltage"], Err(Missing::NotPresent));
    assert_eq!(channels(&status)["detector-temperature"], Err(Missing::NotPresent));

    let fault = |status: &dp5::Status| channels(status)["slow-count"].unwrap_err();
    status.flags.restarted = true;
    assert_eq!(fault(&status), Missing::InstrumentFault(dp5::FAULT_RESTARTED));
    status.flags.restarted = false;
    status.flags.configured = false;
    assert_eq!(fault(&status), Missing::InstrumentFault(dp5::FAULT_NOT_CONFIGURED));
    (status.flags.configured, status.flags.enabled, status.flags.gated) = (true, true, true);
    assert_eq!(fault(&status), Missing::InstrumentFault(dp5::FAULT_GATED));
    (status.fast_count, status.flags.gated) = (0, false);
    assert_eq!(channels(&status)["dead-time"], Err(Missing::NotPresent));
    status.fast_count = status.slow_count - 1;
    assert_eq!(status.dead_time_percent(), Some(d("0.00")), "blind for less than no time");
}

#[test]
fn dp5_spectra_have_the_checksums_computed_elsewhere() {
    let mut counts = vec![0; 256];
    let zero = dp5::encode_spectrum::<776>(&counts, None).unwrap();
    assert_eq!((zero.len(), &zero[..6], &zero[774..]), (776, &[0xF5, 0xFA, 0x81, 0x01, 3, 0][..], &[0xFD, 0x8C][..]));
    (counts[10], counts[221]) = (1000, 70_000);
    let packet = dp5::encode_spectrum::<776>(&counts, None).unwrap();
    assert_eq!(&packet[774..], [0xFC, 0x1F]);
    let status = dp5_statuses().remove(0);
    let packet = dp5::encode_spectrum::<840>(&counts, Some(&status)).unwrap();
    assert_eq!((packet.len(), &packet[838..]), (840, &[0xF4, 0x8E][..]));

    let mut decoder = dp5::Decoder::<840>::new();
    let dp5::Packet::Spectrum { channels: 256, total: 71_000, status: Some(read) } =
        only_frames(&mut decoder, &packet).remove(0)
    else {
        panic!("a spectrum with its status")
    };
    assert_eq!((read, decoder.spectrum().len()), (status, 256));
    assert!(decoder.spectrum().eq(counts));
}

#[test]
fn dp5_reads_the_longest_packet_and_refuses_it_without_room() {
    let counts: Vec<u32> = (0..8192).map(|at| at * 7919 % 0x0100_0000).collect();
    let status = dp5_statuses().remove(0);
    let packet = dp5::encode_spectrum::<{ dp5::MAX_PACKET_BYTES }>(&counts, Some(&status)).unwrap();
    assert_eq!((packet.len(), &packet[24_646..]), (24_648, &[0xA1, 0x62][..]));
    let mut decoder = Box::new(dp5::Decoder::<{ dp5::MAX_PACKET_BYTES }>::new());
    let got = only_frames(&mut *decoder, &packet).remove(0);
    assert!(matches!(got, dp5::Packet::Spectrum { channels: 8192, total: 66_656_997_376, .. }), "{got:?}");
    assert_eq!(channels(&got)["channel-total"].unwrap().value, d("66656997376"));
    assert!(decoder.spectrum().eq(counts));

    let got = events(&mut dp5::Decoder::<840>::new(), &packet);
    assert_eq!(got[0].0, Event::Refused(Refusal::TooLong));
    assert!(got[1..].iter().all(|(event, _)| matches!(event, Event::Garbage(_))), "its rest is garbage");
}

#[test]
fn dp5_does_not_write_what_it_cannot_say() {
    assert_eq!(dp5::encode_spectrum::<2048>(&[0; 300], None), Err(dp5::EncodeError::Channels(300)));
    let mut counts = [0; 256];
    counts[7] = 0x0100_0000;
    assert_eq!(dp5::encode_spectrum::<2048>(&counts, None), Err(dp5::EncodeError::Count(0x0100_0000)));
    assert_eq!(dp5::encode_request(dp5::Request::Status, b"x"), Err(dp5::EncodeError::NoData(1)));
    let error = dp5::encode_request(dp5::Request::Configure, &[b'A'; 513]);
    assert_eq!(error, Err(dp5::EncodeError::TooLong { found: 513, most: 512 }));
    let error = dp5::encode_spectrum::<775>(&[0; 256], None);
    assert_eq!(error, Err(dp5::EncodeError::TooLong { found: 768, most: 767 }));
}

#[test]
fn dp5_settings_are_written_and_read() {
    let text = dp5::command_text(&[("RESC", Some("Y")), ("PRET", Some("60")), ("AUO1", None)]).unwrap();
    assert_eq!(text.as_str(), "RESC=Y;PRET=60;AUO1;");
    let read: Vec<_> = dp5::settings("PRET=60.00;ABCD=??;RESC=?;broken;GAIN=50.000;").collect();
    let setting = |name, value| Ok(dp5::Setting { name, value });
    assert_eq!(
        read,
        [
            setting("PRET", Some("60.00")),
            setting("ABCD", None),
            setting("RESC", None),
            Err(Refusal::Shape),
            setting("GAIN", Some("50.000")),
        ]
    );
    assert_eq!(dp5::command_text(&[("PRET", Some("6 0"))]), Err(dp5::EncodeError::Value(0)));
    assert_eq!(dp5::command_text(&[("PRET", Some("12345678901"))]), Err(dp5::EncodeError::Value(0)));
    assert_eq!(dp5::command_text(&[("PRET", Some("1;GAIN=2"))]), Err(dp5::EncodeError::Value(0)));
    assert_eq!(dp5::command_text(&[("PRET", None), ("pret", None)]), Err(dp5::EncodeError::Name(1)));
    let long = [("PRET", Some("1234567890")); 33];
    assert!(matches!(dp5::command_text(&long), Err(dp5::EncodeError::TooLong { found: 528, most: 512 })));
}

#[test]
fn dp5_acknowledgements_say_what_follows() {
    assert_eq!(dp5::Acknowledgement::Done.missing(), None);
    assert_eq!(dp5::Acknowledgement::Checksum.missing(), Some(Missing::CrcError));
    assert_eq!(dp5::Acknowledgement::NotInitialised.missing(), Some(Missing::InstrumentFault(8)));
    for &answer in dp5::Acknowledgement::ALL {
        assert_eq!(dp5::Acknowledgement::from_code(answer.code()), answer);
    }
}

#[test]
fn dp5_keeps_the_good_packet_behind_every_cut() {
    let status = dp5::encode_status(&dp5_statuses()[0]);
    let done = dp5::encode_acknowledgement(dp5::Acknowledgement::Done, "").unwrap();
    for cut in 1..status.len() {
        for broken in [&status[..cut], &status[cut..]] {
            let stream = [broken, &status, &done, &status].concat();
            let mut decoder = dp5::Decoder::<128>::new();
            let mut frames = 0;
            // One byte more: what stood whole in the backlog comes with it.
            for (event, _) in events(&mut decoder, &[&stream[..], &[0; 3]].concat()) {
                frames += usize::from(matches!(event, Event::Frame(_)));
            }
            assert_eq!(frames, 3, "cut at {cut}");
        }
    }
}

fn obp_words<const N: usize>(decoder: &obp::Decoder<N>, message: &obp::Message) -> String {
    if let Some(request) = message.request() {
        return format!("request {request:?}");
    }
    if let Some(failure) = message.failure {
        return format!("{:?} failure {failure:?}", message.kind);
    }
    let numbers: Vec<_> = match decoder.number() {
        Some(single) => vec![single.decimal().unwrap().to_string()],
        None => decoder.pixels().map(|it| it.to_string()).collect(),
    };
    format!("{:?} {}", message.kind, numbers.join(" "))
}

#[test]
fn obp_messages_say_and_write_back() {
    for (frame, expected) in frame_file!("obp-computed") {
        let mut decoder = obp::Decoder::<256>::new();
        assert_eq!(says(&mut decoder, &frame, obp_words), expected);
        let message = only_frames(&mut obp::Decoder::<256>::new(), &frame).remove(0);
        let again = match message.request() {
            Some(request) => {
                let wanted = message.flags.contains(obp::Flags::WANTED);
                obp::encode_request(request, wanted, message.regarding, message.checksum).to_vec()
            }
            None => {
                let data = message.failure.map_or(Ok(decoder.data()), Err);
                obp::encode_answer::<256>(message.kind, message.regarding, message.checksum, data).unwrap().to_vec()
            }
        };
        assert_eq!(again, frame, "{expected}");
    }
}

#[test]
fn obp_refuses() {
    for (frame, expected) in frame_file!("obp-refused") {
        assert_eq!(says(&mut obp::Decoder::<256>::new(), &frame, obp_words), expected);
    }
}

#[test]
fn obp_reads_the_older_protocol_and_the_metadata() {
    let mut question = obp::encode_request(obp::Request::CoolerEnable(true), true, 5, obp::Checksum::None);
    question[3] = 0x10;
    let message = only_frames(&mut obp::Decoder::<64>::new(), &question).remove(0);
    assert_eq!((message.version, message.regarding), (0x1000, 5));
    assert_eq!(message.request(), Some(obp::Request::CoolerEnable(true)));

    let (frame, _) = frame_file!("obp-computed").remove(7);
    let mut decoder = obp::Decoder::<256>::new();
    only_frames(&mut decoder, &frame);
    assert!(decoder.metadata().iter().copied().eq(0..32));
}

#[test]
fn obp_tells_the_temperature_or_why_not() {
    let answer = |data: Result<&[u8], obp::Failure>| {
        let frame = obp::encode_answer::<64>(obp::Kind::DetectorTemperature, 1, obp::Checksum::Md5, data).unwrap();
        channels(&only_frames(&mut obp::Decoder::<64>::new(), &frame).remove(0))["detector-temperature"]
    };
    assert_eq!(answer(Ok(&Single::nearest(d("-9.8")).unwrap().to_le_bytes())), good("-9.8", Unit::Celsius));
    assert_eq!(answer(Ok(&f32::NAN.to_le_bytes())), Err(Missing::InstrumentFault(0)));
    assert_eq!(answer(Ok(&[1, 2])), Err(Missing::Refused));
    assert_eq!(answer(Err(obp::Failure::NotReady)), Err(Missing::WarmingUp));
    assert_eq!(answer(Err(obp::Failure::Internal)), Err(Missing::InstrumentFault(13)));
    let question = obp::encode_request(obp::Request::DetectorTemperature, false, 1, obp::Checksum::None);
    assert!(channels(&only_frames(&mut obp::Decoder::<64>::new(), &question)[0]).is_empty(), "a question has no value");
}

#[test]
fn obp_does_not_write_what_does_not_fit() {
    let error = obp::encode_answer::<100>(obp::Kind::RawSpectrum, 0, obp::Checksum::None, Ok(&[0; 40]));
    assert_eq!(error, Err(obp::EncodeError { found: 104, most: 100 }));
}

fn status() -> impl Strategy<Value = dp5::Status> {
    let version = || (0_u8..16, 0_u8..16).prop_map(|(major, minor)| dp5::Version { major, minor });
    let counters = (uniform4(any::<u32>()), 0_u32..=1_677_721_599, any::<u32>());
    let rest = (any::<i16>(), 0_u16..4096, any::<i8>(), 0_u16..4096, 0_u8..=255, 0_u8..16);
    let flags = vec(any::<bool>(), 15).prop_map(|f| dp5::StatusFlags {
        preset_real_time_reached: f[0],
        threshold_locked: f[1],
        enabled: f[2],
        preset_count_reached: f[3],
        gated: f[4],
        scope_ready: f[5],
        configured: f[6],
        searching_offset: f[7],
        scaler_finished: f[8],
        restarted: f[9],
        fast_clock: f[10],
        clock_automatic: f[11],
        power_board: f[12],
        positive_voltage: f[13],
        high_supply: f[14],
    });
    (counters, version(), version(), flags, rest).prop_map(|(counters, firmware, fpga, flags, rest)| {
        let ([fast_count, slow_count, general_count, live_ms], accumulation_ms, real_ms) = counters;
        let (half_volts, detector_decikelvin, board_celsius, cooler_steps, device, firmware_build) = rest;
        dp5::Status {
            fast_count,
            slow_count,
            general_count,
            accumulation_ms,
            live_ms,
            real_ms,
            firmware,
            firmware_build,
            fpga,
            serial: fast_count ^ real_ms,
            half_volts,
            detector_decikelvin,
            board_celsius,
            cooler_steps,
            flags,
            device: dp5::Device::from_code(device),
        }
    })
}

fn obp_request() -> impl Strategy<Value = obp::Request> {
    prop_oneof![
        select(vec![
            obp::Request::BufferedSpectrum,
            obp::Request::RawSpectrum,
            obp::Request::WavelengthCount,
            obp::Request::NonlinearityCount,
            obp::Request::DetectorTemperature,
        ]),
        any::<u32>().prop_map(obp::Request::IntegrationTime),
        any::<u8>().prop_map(obp::Request::TriggerMode),
        any::<u8>().prop_map(obp::Request::Wavelength),
        any::<u8>().prop_map(obp::Request::Nonlinearity),
        any::<bool>().prop_map(obp::Request::CoolerEnable),
        any::<u32>().prop_map(|bits| obp::Request::CoolerSetPoint(Single(bits))),
    ]
}

/// Bytes that look like either protocol more often than chance would have it.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let heads: Vec<&[u8]> = vec![
        b"\xF5\xFA",
        b"\xF5",
        b"\xF5\xFA\x80\x01\x00\x40",
        b"\xF5\xFA\xFF\x00\x00\x00\xFD\x12",
        b"\xF5\xFA\x81\x01\x03\x00",
        b"\xF5\xFA\x82\x07\x00\x05",
        b"\xC1",
        b"\xC1\xC0\x00\x11",
        b"\xC5\xC4\xC3\xC2",
    ];
    let piece = prop_oneof![2 => select(heads).prop_map(<[u8]>::to_vec), 3 => vec(any::<u8>(), 0..40)];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn dp5_status_reads_back(status in status()) {
        let got = only_frames(&mut dp5::Decoder::<72>::new(), &dp5::encode_status(&status));
        prop_assert_eq!(got, [dp5::Packet::Status(status)]);
        channels(&status);
    }

    #[test]
    fn dp5_spectra_read_back(sizes in select(vec![256, 512, 1024]), seed: u32, status in option::of(status())) {
        let counts: Vec<u32> = (0..sizes).map(|at: u32| (at.wrapping_mul(seed) >> 3) & 0x00FF_FFFF).collect();
        let packet = dp5::encode_spectrum::<3144>(&counts, status.as_ref()).unwrap();
        let mut decoder = dp5::Decoder::<3144>::new();
        let got = only_frames(&mut decoder, &packet);
        let total = counts.iter().map(|&it| u64::from(it)).sum();
        let channels = u16::try_from(sizes).unwrap();
        prop_assert_eq!(got, [dp5::Packet::Spectrum { channels, total, status }]);
        prop_assert!(decoder.spectrum().eq(counts));
        prop_assert_eq!(decoder.raw(), packet.as_slice());
    }

    #[test]
    fn dp5_requests_read_back(request in select(dp5::Request::ALL.to_vec()), data in vec(any::<u8>(), 0..512)) {
        let data: &[u8] = if request.carries_data() { &data } else { &[] };
        let mut decoder = dp5::Decoder::<600>::new();
        let got = only_frames(&mut decoder, &dp5::encode_request(request, data).unwrap());
        prop_assert_eq!(got, [dp5::Packet::Request(request)]);
        prop_assert_eq!(decoder.data(), data);
    }

    /// Only bytes whose sum is zero become a packet, and what is reported is what arrived.
    #[test]
    fn dp5_noise_is_never_a_packet_but_by_its_checksum(stream in noise()) {
        for (event, raw) in events(&mut dp5::Decoder::<1024>::new(), &stream) {
            match event {
                Event::Garbage(bytes) => prop_assert!((1..=256).contains(&bytes)),
                Event::Refused(_) => prop_assert!(stream.windows(raw.len()).any(|it| it == raw)),
                Event::Frame(_) => {
                    prop_assert!(stream.windows(raw.len()).any(|it| it == raw));
                    let (body, check) = raw.split_at(raw.len() - 2);
                    let sum = body.iter().fold(0_u16, |sum, &it| sum.wrapping_add(it.into()));
                    prop_assert_eq!(sum.wrapping_add(u16::from_be_bytes([check[0], check[1]])), 0);
                }
            }
        }
    }

    /// Frames, refused ones once each, and garbage: no byte is counted twice.
    #[test]
    fn streams_account_for_what_they_take(stream in noise()) {
        let mut garbage = 0;
        let mut frames = 0;
        for (event, raw) in events(&mut dp5::Decoder::<1024>::new(), &stream) {
            match event {
                Event::Garbage(bytes) => garbage += usize::from(bytes),
                Event::Frame(_) => frames += raw.len(),
                Event::Refused(_) => {}
            }
        }
        prop_assert!(garbage + frames <= stream.len());
    }

    #[test]
    fn dp5_recovers_after_any_noise(stream in noise(), status in status()) {
        let mut decoder = dp5::Decoder::<1024>::new();
        events(&mut decoder, &stream);
        // The head of a packet that never came may hold back as much as it announced, and no more.
        let good = dp5::encode_status(&status);
        let mut seen = 0;
        for _ in 0..=(1024 / good.len() + 1) {
            seen += events(&mut decoder, &good).iter().filter(|(it, _)| *it == Event::Frame(dp5::Packet::Status(status))).count();
        }
        prop_assert!(seen >= 1);
        decoder.reset();
        prop_assert_eq!(only_frames(&mut decoder, &good), [dp5::Packet::Status(status)]);
    }

    #[test]
    fn dp5_settings_read_back(names in vec("[A-Z]{4}", 1..20), values in vec("[!-:<>-~]{1,10}", 20)) {
        let pairs: Vec<_> = names.iter().zip(&values).map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
        let text = dp5::command_text(&pairs).unwrap();
        for (setting, (name, value)) in dp5::settings(&text).zip(&pairs) {
            let setting = setting.unwrap();
            prop_assert_eq!(setting.name, *name);
            prop_assert!(setting.value == *value || value.unwrap().bytes().all(|it| it == b'?'));
        }
    }

    #[test]
    fn dp5_text_never_panics(text in "\\PC{0,60}") {
        prop_assert!(dp5::settings(&text).count() <= text.len() + 1);
    }

    #[test]
    fn obp_requests_read_back(request in obp_request(), wanted: bool, regarding: u32, md5: bool) {
        let checksum = if md5 { obp::Checksum::Md5 } else { obp::Checksum::None };
        let frame = obp::encode_request(request, wanted, regarding, checksum);
        let message = only_frames(&mut obp::Decoder::<64>::new(), &frame).remove(0);
        prop_assert_eq!((message.request(), message.regarding, message.checksum), (Some(request), regarding, checksum));
    }

    #[test]
    fn obp_answers_read_back(pixels in vec(any::<u16>(), 9..200), regarding: u32, md5: bool) {
        let checksum = if md5 { obp::Checksum::Md5 } else { obp::Checksum::None };
        let data: Vec<u8> = pixels.iter().flat_map(|it| it.to_le_bytes()).collect();
        let frame = obp::encode_answer::<512>(obp::Kind::RawSpectrum, regarding, checksum, Ok(&data)).unwrap();
        let mut decoder = obp::Decoder::<512>::new();
        let message = only_frames(&mut decoder, &frame).remove(0);
        prop_assert_eq!((message.regarding, message.payload_bytes), (regarding, data.len()));
        prop_assert!(decoder.pixels().eq(pixels.into_iter().map(u32::from)));
    }

    /// With a digest no flipped bit of what it covers goes unseen; without one the frame still holds.
    #[test]
    fn obp_damage_is_seen(at in 0_usize..84, bit in 0_u8..8) {
        let data = [7_u8; 20];
        let mut frame = obp::encode_answer::<84>(obp::Kind::RawSpectrum, 1, obp::Checksum::Md5, Ok(&data)).unwrap();
        frame[at] ^= 1 << bit;
        let frames = events(&mut obp::Decoder::<256>::new(), &frame).into_iter().filter(|(it, _)| matches!(it, Event::Frame(_)));
        // Checksum type 1 becomes 0 by one bit; then nothing guards the digits, as in a message without.
        prop_assert!(frames.count() == 0 || (at, bit) == (22, 0));
    }

    #[test]
    fn obp_survives_noise_and_starts_afresh(stream in noise(), request in obp_request()) {
        let mut decoder = obp::Decoder::<256>::new();
        for (event, raw) in events(&mut decoder, &stream) {
            let arrived = stream.windows(raw.len().max(1)).any(|it| it == raw);
            prop_assert!(arrived || matches!(event, Event::Garbage(_)));
        }
        decoder.reset();
        let frame = obp::encode_request(request, true, 1, obp::Checksum::None);
        let got = only_frames(&mut decoder, &frame);
        prop_assert_eq!(got[0].request(), Some(request));
    }

    /// A single reads back as the same bits through its decimal, while nothing was cut at the last place.
    #[test]
    fn singles_read_back(bits: u32) {
        let single = Single(bits);
        if let (Ok(shown), Ok(whole)) = (single.decimal(), single.scientific()) {
            let again = Single::nearest(shown).unwrap();
            prop_assert!(again == single || whole.exponent < -18 || bits == 0x8000_0000);
        }
    }
}
