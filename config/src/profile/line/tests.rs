//! The interpreter of line profiles: published frames of several protocols, and streams of anything.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use proptest::prelude::*;
use tidewaiter_drivers::{
    scale::xk3190,
    wire::{Decode, Event, Refusal},
};

use super::{Decoder, LineProfile, load_line_str, read::shown};

const HEAD: &str = "id = \"x\"\ntitle = \"x\"\nsource = \"x\"\n";

/// XK3190-A9+ manual p. 11, written as a profile.
const XK3190: &str = r#"
[framing]
start = '\x02'
end = '\x03'
longest = 10
[check]
kind = "xor"
written = "hex"
[[lines]]
columns = 8
[[lines.channels]]
name = "mass"
sign_at = [1, 1]
at = [2, 7]
places_at = [8, 8]
unit = "kg"
[[vectors]]
raw = '\x02+001560019\x03'
expect = { mass = "1560 kg" }
[[vectors]]
raw = '\x02-00012511A\x03'
expect = { mass = "-12.5 kg" }
[[vectors]]
raw = '\x02+001570019\x03'
event = "refused"
"#;

/// Uster HVI, the records printed in the manuals of HVI SPECTRUM and HVI 900.
const HVI: &str = r#"
ignore = ['HVI@@*']
[framing]
end = '\r'
[check]
kind = "xor"
written = "decimal"
tail = 1
[[lines]]
when = 'HVI@MIC@*'
split = '@'
sample_at = 7
[[lines.channels]]
name = "micronaire"
at = 9
unit = "1"
[[vectors]]
raw = 'HVI@MIC@02@100@12:00@01-DEC-93@TEST RUN@1@3.5@n@91@\r'
expect = { micronaire = "3.5 1" }
sample = "TEST RUN"
[[vectors]]
raw = 'HVI@MIC@02@100@12:00@01-DEC-93@TEST RUN@1@3.5@@53@\r'
expect = { micronaire = "3.5 1" }
"#;

/// The common text of indicators, with status and stated unit.
const ST_GS: &str = r#"
[framing]
end = 'any'
longest = 40
[[lines]]
template = "{status},{kind},{gross}{unit}"
when = '*,GS,*'
[[lines.channels]]
name = "gross"
unit_at = "unit"
units = { "kg" = "kg", "g" = "g", "t" = "t" }
sentinels = { "----" = "not-present" }
plausible = ["-100", "60000"]
[[lines.status]]
at = "status"
words = { "ST" = "good", "US" = "unstable", "OL" = "overrange" }
[[vectors]]
raw = 'ST,GS,+ 0001234kg\r\n'
expect = { gross = "1234 kg" }
[[vectors]]
raw = 'ST,GS,   245.6 g\r\n'
expect = { gross = "245.6 g" }
[[vectors]]
raw = 'US,GS,-  12.50 kg\n'
expect = { gross = "-12.50 kg unstable" }
[[vectors]]
raw = 'OL,GS,+        \r'
expect = { gross = "overrange" }
[[vectors]]
raw = 'ST,GS,----kg\r'
expect = { gross = "not-present" }
[[vectors]]
raw = 'ST,GS,+ 0099999kg\r\n'
expect = { gross = "99999 kg implausible" }
[[vectors]]
raw = 'ST,GS,+ 0001234lb\r\n'
event = "refused"
[[vectors]]
raw = 'XX,GS,+ 0001234kg\r\n'
event = "refused"
"#;

/// Fixed length with a check byte of seven bits: Toledo continuous output, as the Wildcat manual prints it.
const TOLEDO: &str = r#"
[framing]
start = '\x02'
length = 17
[check]
kind = "lrc"
written = "byte"
with_start = true
seven_bits = true
[[lines]]
columns = 16
[[lines.channels]]
name = "gross"
at = [4, 9]
scale = 1
unit = "kg"
[[lines.channels]]
name = "tare"
at = [10, 15]
scale = 1
unit = "kg"
[[vectors]]
raw = '\x0210 001234000000\x0D\x26'
expect = { gross = "12340 kg", tare = "0 kg" }
"#;

/// A meter of the seven-bit age, with a decimal comma and a prompt, that is asked.
const ASKED: &str = r#"
ignore = ['>*', 'DATA']
[framing]
end = 'any'
seven_bits = true
[request]
send = 'DATA\r'
poll = "1 s"
[[lines]]
split = "blanks"
fields = 3
serial_at = 1
[[lines.channels]]
name = "moisture"
at = 2
decimal_mark = ","
unit_at = 3
units = { "%" = "%" }
[[vectors]]
raw = 'M7-22   9,60  %\r\n'
expect = { moisture = "9.60 %" }
serial = "M7-22"
[[vectors]]
raw = '>\r'
event = "ignored"
"#;

const ALL: [&str; 5] = [XK3190, HVI, ST_GS, TOLEDO, ASKED];

fn profile(text: &str) -> Arc<LineProfile> {
    // `ignore` is a key of the top level and stands before the first table.
    Arc::new(load_line_str("x.toml", &format!("{HEAD}{text}")).unwrap_or_else(|report| panic!("{report}")))
}

fn events(decoder: &mut Decoder, bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for &byte in bytes {
        match decoder.push(byte) {
            None => {}
            Some(Event::Frame(statement)) => {
                let told: Vec<String> =
                    statement.channels.iter().map(|(name, outcome)| format!("{name}={}", shown(outcome))).collect();
                all.push(told.join(" "));
            }
            Some(Event::Refused(refusal)) => all.push(format!("{refusal:?}")),
            Some(Event::Garbage(count)) => all.push(format!("garbage {count}")),
        }
    }
    all
}

#[test]
fn published_frames_of_five_protocols_read_as_printed() {
    for text in ALL {
        assert!(!profile(text).vectors.is_empty());
    }
}

/// The profile against the driver written from the same manual, by another hand.
#[test]
fn the_indicator_profile_agrees_with_the_driver() {
    let profile = profile(XK3190);
    for digits in [0, 1, -1, 20, 1_560, 1_650, -999_999, 999_999, 49_800, 123_456] {
        for places in 0..=4 {
            let value = tidewaiter_drivers::Decimal::new(digits, places).unwrap();
            let frame = xk3190::encode(value).unwrap();
            let got = events(&mut Decoder::at_frame_start(profile.clone()), &frame);
            assert_eq!(got, [format!("mass={value} kg")]);
        }
    }
}

#[test]
fn a_stream_joined_anywhere_gives_no_half_values() {
    let stream = b"ST,GS,+ 0001234kg\r\nST,GS,+ 0001235kg\r\n";
    for cut in 1..stream.len() {
        let got = events(&mut Decoder::new(profile(ST_GS)), &stream[cut..]);
        let values: Vec<&String> = got.iter().filter(|it| it.starts_with("gross")).collect();
        assert!(values.iter().all(|it| *it == "gross=1235 kg"), "{cut}: {got:?}");
    }
    let frame = b"\x02+001560019\x03";
    for cut in 1..frame.len() {
        let mut bytes = frame[cut..].to_vec();
        bytes.extend_from_slice(frame);
        let got = events(&mut Decoder::new(profile(XK3190)), &bytes);
        assert_eq!(got.last().unwrap(), "mass=1560 kg", "{cut}: {got:?}");
    }
}

#[test]
fn a_frame_cut_short_costs_only_itself() {
    let got = events(&mut Decoder::new(profile(XK3190)), b"\x02+0015\x02+001560019\x03");
    assert_eq!(got, ["garbage 6", "mass=1560 kg"]);
    // A check byte may look like the start of a frame: digits for which the sum comes to 02.
    let text = profile(TOLEDO);
    let mut seen = 0;
    for kilograms in (0..1_000_000_u32).step_by(331) {
        let mut frame = format!("\x0210 {kilograms:06}000000\r").into_bytes();
        let sum: u32 = frame.iter().map(|&byte| u32::from(byte)).sum();
        let check = u8::try_from((128 - sum % 128) % 128).unwrap();
        frame.push(check);
        seen += u32::from(check == 2 || check == b'\r');
        let got = events(&mut Decoder::new(text.clone()), &frame);
        assert_eq!(got, [format!("gross={} kg tare=0 kg", kilograms * 10)], "check {check:#04x}");
    }
    assert!(seen > 100, "{seen} frames with such a check");
}

#[test]
fn an_overlong_line_is_refused_once_and_the_next_is_read() {
    let mut bytes = vec![b'9'; 60];
    bytes.extend_from_slice(b"\r\nST,GS,+ 0001234kg\r\n");
    let got = events(&mut Decoder::at_frame_start(profile(ST_GS)), &bytes);
    assert_eq!(got, ["TooLong", "garbage 19", "gross=1234 kg"]);
}

#[test]
fn seven_bits_leave_parity_out() {
    let parity = |text: &[u8]| -> Vec<u8> {
        text.iter().map(|&byte| byte | if byte.count_ones() % 2 == 1 { 0x80 } else { 0 }).collect()
    };
    let got = events(&mut Decoder::at_frame_start(profile(ASKED)), &parity(b"M7-22 9,60 %\r\n"));
    assert_eq!(got, ["moisture=9.60 %"]);
}

#[test]
fn refusals_say_what_is_wrong() {
    let refusal = |text: &str, bytes: &[u8]| events(&mut Decoder::at_frame_start(profile(text)), bytes);
    assert_eq!(refusal(XK3190, b"\x02+001570019\x03"), [format!("{:?}", Refusal::Checksum)]);
    assert_eq!(refusal(ST_GS, b"ST,GS,+ 0001234lb\r"), [format!("{:?}", Refusal::Unit)]);
    assert_eq!(refusal(ST_GS, b"ST,GS,+ 1e3kg\r"), [format!("{:?}", Refusal::Unit)]);
    assert_eq!(refusal(ASKED, b"M7 9.60 %\r"), [format!("{:?}", Refusal::Number)]);
    assert_eq!(refusal(ASKED, b"M7 9,60\r"), [format!("{:?}", Refusal::Shape)]);
}

proptest! {
    #[test]
    fn anything_may_come(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        for text in ALL {
            let mut decoder = Decoder::new(profile(text));
            events(&mut decoder, &bytes);
            prop_assert!(decoder.raw().len() <= 160, "the buffer stays bounded");
        }
    }

    /// Bytes that the protocols are made of, which get further than noise does.
    #[test]
    fn scraps_of_the_protocol_never_stop_the_next_frame(
        scraps in "[\u{2}\u{3}\r\n0-9+\\-., A-Z@kg%>]{0,200}",
        digits in 0_u32..60_000,
    ) {
        let mut decoder = Decoder::new(profile(ST_GS));
        let mut bytes = scraps.into_bytes();
        bytes.extend_from_slice(b"\r\n");
        events(&mut decoder, &bytes);
        let got = events(&mut decoder, format!("ST,GS,+ {digits:07}kg\r\n").as_bytes());
        prop_assert_eq!(got, [format!("gross={digits} kg")]);
    }

    /// A digit more or less is another number or none, and never the same one with other decimals.
    #[test]
    fn displayed_digits_are_kept(digits in -99_999_i64..99_999, places in 0_u8..4) {
        let value = tidewaiter_drivers::Decimal::new(digits, places).unwrap();
        let sign = if digits < 0 { "-" } else { "+" };
        let line = format!("US,GS,{sign} {}t\n", value.abs());
        let got = events(&mut Decoder::at_frame_start(profile(ST_GS)), line.as_bytes());
        let plausible = value.cmp_value("-100".parse().unwrap()).is_ge() && value.cmp_value("60000".parse().unwrap()).is_le();
        let quality = if plausible { "unstable" } else { "implausible" };
        prop_assert_eq!(got, [format!("gross={value} t {quality}")]);
    }
}
