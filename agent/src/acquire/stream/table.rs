//! Which protocol has which decoder, which questions, and whether its silence means anything.
//!
//! Everything this agent can put on a line stands here: the questions of [`Plan`]s and greetings. All
//! of them read. Nothing zeroes, tares, clears or sets an instrument.

use tidewaiter_config::{
    profile::Fact,
    site::{Codec as Protocols, Instrument, Polling, Protocol, Rest},
};
use tidewaiter_drivers::{
    Decimal, Unit,
    bench::ph,
    identity::{axxon, scan},
    lab::{dma, fastness, hanna, hvi, laqua, moisture, orion, photometer, seven},
    radiation::{kromek_d5, ludlum_375, ludlum_2363, spectral_daily},
    reading::{Doubt, Indication, Moment, Quality, Reading},
    scale::{
        a_and_d, a12,
        display::{Display, Kind},
        mt_sics, ohaus, rinstrum, sbi,
        settle::{Motion, Settle},
        shuangjie, st_gs, ticket, toledo, xk3190,
        xk3190_command::{self, Address, Command},
        xk3190_equals,
    },
    wire::{Decode, Event, Refusal},
};

use super::{
    ask::{Plan, Question},
    codec::{self, Beginning, Codec, Lines, Names, Plain, Register, Said},
    weighed::{self, Weighed},
};
use crate::acquire::{Content, Mark, channel};

/// How one instrument is read.
pub(super) struct Wiring {
    pub(super) codec: Box<dyn Codec>,
    /// What it is asked; `None` for one that speaks by itself.
    pub(super) plan: Option<Plan>,
    /// What makes it speak by itself.
    pub(super) greeting: Option<Vec<u8>>,
    /// Whether silence means that something is wrong.
    pub(super) watched: bool,
}

impl Wiring {
    fn spontaneous(codec: Box<dyn Codec>) -> Self {
        Self { codec, plan: None, greeting: None, watched: true }
    }

    /// Of an instrument that speaks when somebody presses a key or a vehicle comes.
    fn on_event(codec: Box<dyn Codec>) -> Self {
        Self { watched: false, ..Self::spontaneous(codec) }
    }

    /// Asked this at every poll, where the site says so.
    fn asked(self, polling: Option<Polling>, questions: Vec<Vec<u8>>) -> Self {
        let questions = questions.into_iter().map(|bytes| Question { bytes, frames: 1 }).collect();
        Self { plan: polling.map(|polling| plan(polling, questions)), ..self }
    }
}

fn plan(polling: Polling, questions: Vec<Question>) -> Plan {
    Plan { questions, poll: polling.poll, timeout: polling.timeout, echo: polling.echo }
}

/// How an instrument is read; `None` for a protocol that is no byte stream.
pub(super) fn wiring(instrument: &Instrument) -> Option<Wiring> {
    let register = Register::new(instrument.identity.get(&Fact::Serial).cloned());
    Some(match &instrument.protocol {
        Protocol::Registers { .. } => return None,
        Protocol::Xk3190Tf0 { unit, scale_interval, settle } => Wiring::spontaneous(Box::new(Tf0 {
            decoder: xk3190::Decoder::new(),
            settle: weighed::settle(*scale_interval, *settle),
            unit: *unit,
        })),
        Protocol::RpmLines { .. } => Wiring::spontaneous(codec::portal()),
        Protocol::PhStream => Wiring::spontaneous(Box::new(codec::Special::new(ph::Decoder::new, |event, at| {
            codec::map(event, |line: ph::PhLine| Ok(Said::new(vec![Content::Readings(ph_readings(&line, at))])))
        }))),
        Protocol::PlateLines { encoding } => Wiring::on_event(codec::plates(*encoding)),
        Protocol::Line { profile, polling } => {
            let codec = Box::new(Lines::new(profile, register));
            let plan = match (&profile.request, polling) {
                (Some(request), Some(polling)) => {
                    let question = Question { bytes: request.send.clone(), frames: request.statements };
                    Some(plan(*polling, vec![question]))
                }
                _ => None,
            };
            Wiring { codec, plan, greeting: None, watched: !profile.on_event }
        }
        Protocol::Stream { codec, polling } => stream(codec, *polling, register),
    })
}

fn stream(codec: &Protocols, polling: Option<Polling>, register: Register) -> Wiring {
    match codec.clone() {
        Protocols::Xk3190Tf1 { address, masses, unit, rest } => command_mode(address, &masses, unit, rest, polling),
        Protocols::Xk3190Equals { layout, unit, rest } => scale(xk3190_equals::Decoder::new(layout, unit), Some(rest)),
        Protocols::A12 { form, rest } => {
            scale(a12::Decoder::new(form), Some(rest)).asked(polling, vec![vec![a12::Request::Send.byte()]])
        }
        Protocols::Toledo(settings) => {
            Wiring::spontaneous(Box::new(Plain::new(move |_| toledo::Decoder::new(settings), register)))
        }
        Protocols::MtSics { repeat } => mt_sics(repeat, polling, register),
        Protocols::StGs { line_bytes } => scale(st_gs::Decoder::new(st_gs::StGs { line_bytes }), None)
            .asked(polling, vec![st_gs::encode_request(st_gs::Request::Displayed).to_vec()]),
        Protocols::AAndD => {
            Wiring::spontaneous(Box::new(Plain::new(|_| a_and_d::Decoder::new(a_and_d::AAndD), register)))
                .asked(polling, vec![a_and_d::encode_request(a_and_d::Request::Once).to_vec()])
        }
        Protocols::Sbi { moving_unit } => scale(sbi::Decoder::new(sbi::Sbi { moving_unit }), None)
            .asked(polling, vec![sbi::encode_request(sbi::Request::Print).to_vec()]),
        Protocols::Ohaus => scale(ohaus::Decoder::new(ohaus::Ohaus), None)
            .asked(polling, vec![ohaus::encode_request(ohaus::Request::Immediate).to_vec()]),
        Protocols::Shuangjie { rest } => scale(shuangjie::Decoder::new(shuangjie::Shuangjie), Some(rest))
            .asked(polling, vec![shuangjie::encode_request(shuangjie::Request::Print).to_vec()]),
        Protocols::Rinstrum { unit } => scale(rinstrum::Decoder::new(rinstrum::Rinstrum { unit }), None),
        Protocols::Orion => {
            let codec = Plain::new(at_line_start(orion::Decoder::new, orion::Decoder::at_line_start), register);
            Wiring::spontaneous(Box::new(codec.with_names(|measurement| Names {
                serial: words(&measurement.serial),
                sample: words(&measurement.sample),
            })))
            .asked(polling, request(orion::Request::Measure.encode().as_deref()))
        }
        Protocols::SevenMulti => {
            let codec = Plain::new(at_line_start(seven::Decoder::new, seven::Decoder::at_line_start), register);
            Wiring::spontaneous(Box::new(codec)).asked(polling, vec![seven::encode_request().to_vec()])
        }
        Protocols::Hanna => {
            let codec = Plain::new(|_| hanna::Decoder::new(), register);
            // "Command unknown" and the like are answers, and say why there is no value.
            Wiring::spontaneous(Box::new(codec)).asked(polling, vec![hanna::Request::Readings.encode().to_vec()])
        }
        Protocols::Laqua => {
            let codec = Plain::new(at_line_start(laqua::Decoder::new, laqua::Decoder::at_line_start), register);
            Wiring::on_event(Box::new(codec.with_names(|record| Names { serial: None, sample: words(&record.sample) })))
        }
        Protocols::Dma => dma(polling, register),
        Protocols::MoistureMa => {
            let codec = Plain::new(at_line_start(moisture::Decoder::new, moisture::Decoder::at_line_start), register);
            // Unasked, it prints when the sample is dry.
            Wiring::on_event(Box::new(codec)).asked(polling, vec![moisture::PRINT_REQUEST.to_vec()])
        }
        Protocols::UsterHvi => {
            let codec = Plain::new(at_line_start(hvi::Decoder::new, hvi::Decoder::at_line_start), register);
            Wiring::on_event(Box::new(codec.with_names(|record| match &record.content {
                hvi::Content::Observation(observation) => Names { serial: None, sample: words(&observation.sample) },
                hvi::Content::DataSet { .. } => Names::default(),
            })))
        }
        Protocols::UsterHviQuoted => Wiring::on_event(Box::new(Plain::new(
            at_line_start(hvi::quoted::Decoder::new, hvi::quoted::Decoder::at_line_start),
            register,
        ))),
        Protocols::Photometer { quantity } => {
            let codec = Plain::new(move |_| photometer::Answers::to(quantity), register);
            let question = photometer::Request::Read(quantity).encode();
            Wiring::spontaneous(Box::new(codec)).asked(polling, request(question.as_deref()))
        }
        Protocols::PhotometerPrints => Wiring::on_event(Box::new(Plain::new(
            at_line_start(photometer::Prints::new, photometer::Prints::at_line_start),
            register,
        ))),
        Protocols::GradeLines => Wiring::on_event(Box::new(Plain::new(
            at_line_start(fastness::Decoder::new, fastness::Decoder::at_line_start),
            register,
        ))),
        Protocols::JikTicket => Wiring::on_event(Box::new(Plain::new(|_| ticket::Decoder::new(), register))),
        Protocols::Ludlum375 { unit } => {
            Wiring::spontaneous(Box::new(Plain::new(move |_| ludlum_375::Decoder::new(unit), register)))
        }
        Protocols::Ludlum2363 { units } => {
            Wiring::spontaneous(Box::new(Plain::new(move |_| ludlum_2363::Decoder::new(units), register)))
                .asked(polling, vec![ludlum_2363::REQUEST.to_vec()])
        }
        Protocols::KromekD5 { crc } => {
            let codec = Plain::new(move |_| kromek_d5::Decoder::new(crc), register)
                .answering(|message, _| matches!(message, kromek_d5::Message::Radiometrics(_)));
            let question = kromek_d5::encode_request(kromek_d5::INTERFACE_BOARD, kromek_d5::RADIOMETRICS);
            Wiring::spontaneous(Box::new(codec)).asked(polling, vec![question.to_vec()])
        }
        Protocols::SpectralDaily => {
            let make = |_| <spectral_daily::Decoder>::new();
            Wiring::on_event(Box::new(Plain::new(make, register)))
        }
        Protocols::Axxon { encoding } => {
            Wiring::on_event(Box::new(codec::Special::new(axxon::Decoder::new, move |event, _| {
                codec::map(event, |sighting: axxon::Sighting| {
                    let Some(plate) = sighting.plate else { return Ok(Said::new(Vec::new())) };
                    let text = codec::text(&plate, encoding).ok_or(Refusal::Shape)?;
                    Ok(Said::new(vec![Content::Identity(Mark { kind: "plate", text, confidence: None })]))
                })
            })))
        }
        Protocols::CodeReader(settings) => Wiring::on_event(Box::new(codec::Special::new(
            move || scan::Decoder::new(settings.clone()),
            |event, _| {
                codec::map(event, |scan: scan::Scan| {
                    let kind = match scan.meaning() {
                        scan::Meaning::Container(_) => "container",
                        scan::Meaning::Declaration(_) => "declaration",
                        scan::Meaning::Opaque => "sample",
                    };
                    let text = words(&scan.code).ok_or(Refusal::Shape)?;
                    Ok(Said::new(vec![Content::Identity(Mark { kind, text, confidence: None })]))
                })
            },
        ))),
    }
}

/// A scale whose frames are displays.
fn scale<D>(decoder: D, rest: Option<Rest>) -> Wiring
where
    D: Decode<Item = Display> + Send + 'static,
{
    Wiring::spontaneous(Box::new(Weighed::new(decoder, rest)))
}

/// Decoders of lines throw away a first half line, except at the start of an answer.
fn at_line_start<D>(unknown: fn() -> D, start: fn() -> D) -> impl Fn(Beginning) -> D {
    move |beginning| match beginning {
        Beginning::Unknown => unknown(),
        Beginning::Answer(_) => start(),
    }
}

/// XK3190 command mode. An answer counts when address and command are the ones asked.
fn command_mode(address: Address, masses: &[Command], unit: Unit, rest: Rest, polling: Option<Polling>) -> Wiring {
    let questions = masses
        .iter()
        .map(|&command| xk3190_command::encode_request(xk3190_command::Request { address, command }).to_vec())
        .collect();
    let decoder = Addressed { inner: xk3190_command::Decoder::new(xk3190_command::Answers { unit }), address };
    let kinds: Vec<Kind> = masses
        .iter()
        .map(|command| match command {
            Command::Tare => Kind::Tare,
            Command::Net => Kind::Net,
            _ => Kind::Gross,
        })
        .collect();
    let codec = Weighed::asking(decoder, Some(rest), kinds);
    Wiring::spontaneous(Box::new(codec)).asked(polling, questions)
}

/// Answers of one address on a line with several.
struct Addressed {
    inner: xk3190_command::Decoder,
    address: Address,
}

impl Decode for Addressed {
    type Item = Option<Display>;

    fn push(&mut self, byte: u8) -> Option<Event<Option<Display>>> {
        Some(match self.inner.push(byte)? {
            Event::Frame(answer) => Event::Frame(match answer.content {
                xk3190_command::Content::Mass(display) if answer.address == self.address => Some(display),
                _ => None,
            }),
            Event::Refused(refusal) => Event::Refused(refusal),
            Event::Garbage(bytes) => Event::Garbage(bytes),
        })
    }

    fn raw(&self) -> &[u8] {
        self.inner.raw()
    }

    fn reset(&mut self) {
        self.inner.reset();
    }
}

fn mt_sics(repeat: bool, polling: Option<Polling>, register: Register) -> Wiring {
    let command = if repeat { mt_sics::Command::Repeat } else { mt_sics::Command::Immediate };
    let bytes = mt_sics::encode_request(&command).map(|bytes| bytes.to_vec()).unwrap_or_default();
    // Answers to taring and zeroing at the balance's own keys are no answers to us.
    let codec = Plain::new(|_| mt_sics::Decoder::new(), register).answering(|answer, _| {
        matches!(answer, mt_sics::Answer::Mass { id: mt_sics::Id::S, .. }) || answer.missing().is_some()
    });
    let wiring = Wiring::spontaneous(Box::new(codec));
    if repeat { Wiring { greeting: Some(bytes), ..wiring } } else { wiring.asked(polling, vec![bytes]) }
}

/// The columns of a density meter are what its user put on the page, so they are asked for in every poll.
fn dma(polling: Option<Polling>, register: Register) -> Wiring {
    let questions = [dma::Request::Head, dma::Request::Units, dma::Request::Data];
    let bytes = questions.iter().flat_map(|question| request(question.encode().as_deref())).collect();
    let make = |beginning| match beginning {
        Beginning::Unknown => dma::Decoder::new(),
        Beginning::Answer(_) => dma::Decoder::at_line_start(),
    };
    let codec = Plain::new(make, register).keeping().answering(|answer, question| {
        matches!(
            (question, answer),
            (0, dma::Answer::Head(_)) | (1, dma::Answer::Units(_)) | (2, dma::Answer::Data(_) | dma::Answer::Status(_))
        )
    });
    Wiring::spontaneous(Box::new(codec)).asked(polling, bytes)
}

fn request(text: Option<&str>) -> Vec<Vec<u8>> {
    text.map(|text| text.as_bytes().to_vec()).into_iter().collect()
}

/// A name as text: not blank, not only dashes, as meters fill empty fields.
fn words(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    (!text.trim_matches('-').is_empty()).then(|| text.to_owned())
}

fn ph_readings(line: &ph::PhLine, at: Moment) -> Vec<Reading> {
    let good = |name, value: Decimal, unit| Reading {
        channel: channel::name(name),
        at,
        outcome: Ok(Indication { value, unit, quality: Quality::Good }),
    };
    let mut readings = vec![good(channel::PH, line.ph, Unit::PH)];
    readings.extend(line.celsius.map(|celsius| good(channel::TEMPERATURE, celsius, Unit::Celsius)));
    readings
}

/// XK3190 continuous output: a number without unit and rest.
struct Tf0 {
    decoder: xk3190::Decoder,
    settle: Settle,
    unit: Unit,
}

impl Codec for Tf0 {
    fn push(&mut self, byte: u8, at: Moment) -> Option<Event<Said>> {
        let event = self.decoder.push(byte)?;
        if matches!(event, Event::Refused(_)) {
            self.settle.reset();
        }
        Some(codec::map(event, |shown| {
            let (value, quality) = match self.settle.push(at.mono_ms, shown) {
                Motion::Moving => (shown, Quality::Uncertain(Doubt::Unstable)),
                Motion::Stable(value) => (value, Quality::Good),
            };
            let outcome = Ok(Indication { value, unit: self.unit, quality });
            let reading = Reading { channel: channel::name(channel::MASS), at, outcome };
            Ok(Said::new(vec![Content::Readings(vec![reading])]))
        }))
    }

    fn raw(&self) -> &[u8] {
        self.decoder.raw()
    }

    fn begin(&mut self, _: Beginning) {
        self.decoder = xk3190::Decoder::new();
        self.settle.reset();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::time::Duration;

    use tidewaiter_config::site_from_str;

    use super::*;

    /// Every question of every protocol, as bytes: what this agent may ever put on a byte stream.
    const QUESTIONS: [(&str, &str, &[&str]); 16] = [
        (
            "xk3190_tf1",
            "address = 1\nmasses = [\"gross\", \"tare\", \"net\"]\nunit = \"kg\"\nscale_interval = \"20\"",
            &["\u{2}AB03\u{3}", "\u{2}AC02\u{3}", "\u{2}AD05\u{3}"],
        ),
        ("a12", "check = false\nscale_interval = \"1\"\npoll = \"1 s\"", &["R"]),
        ("mt_sics", "", &["SI\r\n"]),
        ("mt_sics", "ask = \"repeat\"", &["SIR\r\n"]),
        ("st_gs", "poll = \"1 s\"", &["RW\r\n"]),
        ("a_and_d", "poll = \"1 s\"", &["Q\r\n"]),
        ("sbi", "poll = \"1 s\"", &["\u{1B}P\r\n"]),
        ("ohaus", "poll = \"1 s\"", &["IP\r\n"]),
        ("shuangjie", "scale_interval = \"1\"\npoll = \"1 s\"", &["\u{1B}p\r\n"]),
        ("orion", "", &["GETMEAS\r"]),
        ("seven_multi", "", &["MF06\r\n"]),
        ("hanna", "", &["\u{10}RAS\r"]),
        ("dma", "", &["getdatahead\r", "getdataunit\r", "getdata\r"]),
        ("moisture_ma", "poll = \"10 s\"", &["\u{1B}P\r\n"]),
        ("photometer", "quantity = \"absorbance\"", &["A\r"]),
        ("ludlum_2363", "rate_unit = \"uSv/h\"\ndose_unit = \"uSv\"", &["RR\r"]),
    ];

    /// Protocols that are only ever listened to.
    const LISTENED: [(&str, &str); 12] = [
        ("xk3190_tf0", "unit = \"kg\"\nscale_interval = \"20\""),
        ("xk3190_equals", "order = \"reversed\"\nunit = \"kg\"\nscale_interval = \"20\""),
        ("toledo", "checksum = true"),
        ("rinstrum", ""),
        ("laqua", ""),
        ("uster_hvi", ""),
        ("uster_hvi_quoted", ""),
        ("grade_lines", ""),
        ("jik_ticket", ""),
        ("ludlum_375", "unit = \"uR/h\""),
        ("axxon", ""),
        ("code_reader", ""),
    ];

    fn wired(protocol: &str, keys: &str) -> Wiring {
        let text = format!(
            "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"n\"\n[store]\ndir = \"d\"\n[[ports]]\nid = \"p\"\n\
             [ports.tcp]\naddress = \"h:1\"\n[[instruments]]\nid = \"i\"\nport = \"p\"\n[instruments.{protocol}]\n{keys}\n"
        );
        let (site, _) = site_from_str(&text, std::path::Path::new("/")).unwrap_or_else(|report| panic!("{report}"));
        wiring(&site.instruments[0]).unwrap()
    }

    #[test]
    fn the_questions_are_these_and_no_others() {
        for (protocol, keys, expected) in QUESTIONS {
            let wiring = wired(protocol, keys);
            let mut sent: Vec<Vec<u8>> = wiring.greeting.into_iter().collect();
            sent.extend(wiring.plan.into_iter().flat_map(|plan| plan.questions).map(|question| question.bytes));
            let sent: Vec<String> = sent.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
            assert_eq!(sent, expected, "{protocol}");
        }
        for (protocol, keys) in LISTENED {
            let wiring = wired(protocol, keys);
            assert!(wiring.plan.is_none() && wiring.greeting.is_none(), "{protocol}");
        }
    }

    /// The question published with the open driver of the D5.
    #[test]
    fn an_identifier_is_asked_for_radiometrics() {
        let plan = wired("kromek_d5", "poll = \"2 s\"\ntimeout = \"1500 ms\"").plan.unwrap();
        assert_eq!(plan.questions[0].bytes, [0xC0, 0x07, 0x00, 0x00, 0x07, 0xC2, 0x00, 0x00, 0xC0]);
        assert_eq!((plan.poll, plan.timeout), (Duration::from_secs(2), Duration::from_millis(1500)));
    }

    /// Published and captured frames, from the protocol's name to its channels.
    #[test]
    fn every_listened_protocol_reads_a_known_frame() {
        const FRAMES: [(&str, &str, &[u8], &str); 14] = [
            ("xk3190_tf0", LISTENED[0].1, b"\x02+001560019\x03", "mass=1560 kg"),
            ("xk3190_equals", LISTENED[1].1, b"=000.3000=", "mass=3.000 kg"),
            ("a12", "check = true\nscale_interval = \"0.001\"", b"WG004.139kg3D\r\n", "gross=4.139 kg"),
            ("toledo", "checksum = true", b"\x0210 001234000000\x0D\x26", "gross=12340 kg"),
            ("mt_sics", "ask = \"repeat\"", b"S S     100.00 g\r\n", "mass=100.00 g"),
            ("st_gs", "", b"ST,GS,   245.6 g\r\n", "gross=245.6 g"),
            ("a_and_d", "", b"ST,+001234.5  g\r\n", "mass=1234.5 g"),
            ("sbi", "", b"+   123.56 g  \r\n", "mass=123.56 g"),
            ("ohaus", "", b"   0.360 kg    G\r\n", "gross=0.360 kg"),
            ("rinstrum", "unit = \"kg\"", b"\x02   12340G\x03", "gross=12340 kg"),
            (
                "laqua",
                "",
                b"\r\nRMD,0001,01,1,0,1, ,2026,11,21,09,30,40,   7.02,0,0,0,  25.1,  -1.2,0\r\n",
                "ph=7.02 [pH]",
            ),
            ("uster_hvi", "", b"\rHVI@MIC@02@100@12:00@01-DEC-93@TEST RUN@1@3.5@n@91@\r", "=3.5 1"),
            ("ludlum_375", "unit = \"uR/h\"", b"\r\n0642.1000010\r\n", "dose-rate=642.1 uR/h"),
            ("grade_lines", "", b"\r\nfastness-water 3-4\r\n", "fastness-water=3.5 {grade}"),
        ];
        for (protocol, keys, bytes, expected) in FRAMES {
            let mut codec = wired(protocol, keys).codec;
            let mut told = Vec::new();
            for &byte in bytes {
                if let Some(Event::Frame(said)) = codec.push(byte, Moment { mono_ms: 0, wall_ms: 0 }) {
                    for content in said.contents {
                        let Content::Readings(readings) = content else { continue };
                        told.extend(readings.iter().map(|it| match it.outcome {
                            Ok(shown) => format!("{}={} {}", it.channel, shown.value, shown.unit),
                            Err(reason) => format!("{}={reason}", it.channel),
                        }));
                    }
                }
            }
            assert!(told.iter().any(|it| it.contains(expected)), "{protocol}: {told:?}");
        }
    }
}
