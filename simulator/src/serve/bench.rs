//! Instruments of a bench: the part of a sample's truth that each can measure, in its own words.
//!
//! Most of them speak when a sample is done, as the instrument prints it; a line profile that is not
//! spoken on an event speaks all the time, and an identifier answers when it is asked.

use std::{io, sync::Arc};

use tidewaiter_config::profile::{
    LineProfile,
    line::{Check, CheckKind, End, Line, Meaning, Part, Pattern, Place, Spelling},
};
use tidewaiter_drivers::{
    Decimal,
    lab::{
        fastness::{self, Grade, GradeLine},
        hvi::{self, Content, Flag, Module, Observation, Record, Stamp, Statistic},
        laqua, moisture, photometer,
    },
    radiation::kromek_d5::{self, Crc, Message, Radiometrics},
    wire::{Decode as _, Event, single::Single},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::sleep,
};

use super::{
    modbus::serve_registers,
    stream::{gone, ticking},
};
use crate::{
    scene::{FaultKind, Speech},
    world::{
        World,
        bench::{Said, Station, spectrum, whole},
        rounding,
    },
};

/// An instrument that speaks on an event looks for one this often.
const EVENT_GRAIN_MS: i64 = 100;
/// Wavelength of the formaldehyde reaction (GB/T 2912.1), where a photometer is read in these scenes.
const NANOMETRES: u16 = 412;
/// Room for the longest answer of an identifier: every byte escaped, and the frame bytes.
const ANSWER_BYTES: usize = kromek_d5::MAX_ESCAPED_BYTES + 2;
/// What one answer of an identifier counts over.
const LIVE_MS: u32 = 1_000;

/// Speaks as the bench instrument of this id.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_bench<S>(stream: S, world: Arc<World>, instrument: String) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(speaks) = world.station(&instrument).map(|it| it.instrument.speaks) else {
        return Ok(());
    };
    match speaks {
        Speech::Registers => serve_registers(stream, &world, &instrument).await,
        Speech::KromekD5 => gone(answer_radiometrics(stream, &world, &instrument).await),
        _ => {
            let spontaneous = world.line_profile(&instrument).is_some_and(|it| !it.on_event);
            let poll = world.station(&instrument).map_or(EVENT_GRAIN_MS, |it| it.instrument.poll.ms());
            let period = if spontaneous { poll } else { EVENT_GRAIN_MS };
            let render = |world: &World, tick: i64| {
                let Some(station) = world.station(&instrument) else {
                    return Vec::new();
                };
                match world.line_profile(&instrument) {
                    Some(profile) if spontaneous => {
                        let now = tick * period;
                        let warming = world.device_fault(&instrument, FaultKind::WarmUp, now).is_some();
                        let show = |channel: &str| {
                            station.indicated(channel, now).filter(|_| !warming).map(|it| it.to_string())
                        };
                        line(profile, &show, warming, None).into_iter().collect()
                    }
                    profile => {
                        let said = station.statements((tick - 1) * period, tick * period);
                        said.iter().flat_map(|it| statement(&station, profile, it)).collect()
                    }
                }
            };
            // A line end first: whoever listens to lines does not believe the one it came into.
            let hello = if spontaneous { Vec::new() } else { b"\r\n".to_vec() };
            ticking(stream, &world, &instrument, period, hello, render).await
        }
    }
}

/// The frames that say one replicate of a sample.
fn statement(station: &Station<'_>, profile: Option<&LineProfile>, said: &Said<'_>) -> Vec<Vec<u8>> {
    let each = |encode: &dyn Fn(&str, Decimal) -> Option<Vec<u8>>| {
        let channels = said.values.iter().filter_map(|(it, value)| Some((it.channel.as_deref()?, *value)));
        channels.filter_map(|(channel, value)| encode(channel, value)).collect()
    };
    match station.instrument.speaks {
        Speech::UsterHvi => hvi_records(station, said),
        Speech::GradeLines => each(&|channel, value| {
            let line = GradeLine { test: channel.try_into().ok()?, grade: Grade::from_decimal(value)? };
            fastness::encode(&line).map(|it| it.into_bytes().to_vec())
        }),
        Speech::PhotometerPrints => each(&|channel, value| {
            let quantity = match channel {
                "absorbance" => photometer::Quantity::Absorbance,
                "transmittance" => photometer::Quantity::Transmittance,
                "concentration" => photometer::Quantity::MilligramPerLitre,
                _ => return None,
            };
            let reading = photometer::Reading { quantity, value, nanometres: NANOMETRES };
            photometer::encode_print(u16::from(said.replicate.0), &reading).map(|it| it.into_bytes().to_vec())
        }),
        Speech::MoistureMa => each(&|channel, value| {
            let (header, quantity) = match channel {
                "moisture" => ("Moist", moisture::Quantity::Moisture),
                "dry-substance" => ("Dry", moisture::Quantity::DrySubstance),
                "moisture-of-dry" => ("Moist", moisture::Quantity::MoistureOfDry),
                "mass" => ("N", moisture::Quantity::Mass),
                _ => return None,
            };
            let header = bounded(header.as_bytes())?;
            moisture::encode(&moisture::Line::Value { header, quantity, value }).map(|it| it.into_bytes().to_vec())
        }),
        Speech::Laqua => each(&|channel, value| (channel == "ph").then(|| ph_record(said.at_ms, value)).flatten()),
        Speech::Line => {
            let Some(profile) = profile else {
                return Vec::new();
            };
            let show = |channel: &str| {
                let value = said.values.iter().find(|(it, _)| it.channel.as_deref() == Some(channel));
                value.map(|(_, value)| value.to_string())
            };
            line(profile, &show, false, Some(&said.sample.sample)).into_iter().collect()
        }
        Speech::Registers | Speech::KromekD5 => Vec::new(),
    }
}

fn bounded<const N: usize>(bytes: &[u8]) -> Option<heapless::Vec<u8, N>> {
    heapless::Vec::from_slice(bytes).ok()
}

/// Time of day of the instruments' clocks: the scene begins at nine.
fn time_of_day(at_ms: i64) -> (u8, u8, u8) {
    let seconds = (9 * 3_600 + at_ms.div_euclid(1000)).rem_euclid(86_400);
    let part = |it: i64| u8::try_from(it).unwrap_or(0);
    (part(seconds / 3_600), part(seconds / 60 % 60), part(seconds % 60))
}

fn ph_record(at_ms: i64, value: Decimal) -> Option<Vec<u8>> {
    let (hour, minute, second) = time_of_day(at_ms);
    let number = |digits, places| Decimal::new(digits, places).map(laqua::Shown::Number);
    // 59.2 mV for each unit from neutral, at 25 degrees.
    let millivolt = rounding::displayed((7.0 - rounding::as_real(value)) * 59.2, 1);
    let record = laqua::Record {
        // Four characters are too few for a laboratory's numbers: the analyst types the number at the bench.
        sample: heapless::Vec::new(),
        mode: laqua::Mode::Ph,
        channel: 1,
        state: laqua::State::Held,
        time: [2026, 11, 21, hour.into(), minute.into(), second.into()],
        value: laqua::Shown::Number(value),
        automatic: true,
        celsius: number(250, 1)?,
        millivolt: laqua::Shown::Number(millivolt),
        alarm: 0,
    };
    laqua::encode(&record).map(|it| it.into_bytes().to_vec())
}

/// The records of one repetition, a module each, in the order of the manual.
fn hvi_records(station: &Station<'_>, said: &Said<'_>) -> Vec<Vec<u8>> {
    let records = Module::ALL.into_iter().flat_map(|module| {
        Statistic::ALL.into_iter().filter_map(move |statistic| hvi_record(station, said, module, statistic))
    });
    records.collect()
}

fn hvi_record(station: &Station<'_>, said: &Said<'_>, module: Module, statistic: Statistic) -> Option<Vec<u8>> {
    let suffix = match statistic {
        Statistic::Individual => "",
        Statistic::Mean => "-mean",
        Statistic::Deviation => "-sd",
        Statistic::Variation => "-cv",
    };
    let (replicate, of) = said.replicate;
    let numbers = module.names().iter().map(|name| {
        let channel = format!("{name}{suffix}");
        let measured = said.values.iter().find(|(it, _)| it.channel.as_deref() == Some(channel.as_str()));
        measured.map(|(_, value)| *value).or_else(|| station.instrument.held.get(&channel).map(|it| it.0))
    });
    // A module whose values the scene does not have is not fitted to this instrument.
    let numbers: Vec<Decimal> = numbers.collect::<Option<_>>()?;
    let measures = |it: &str| {
        let channel = format!("{it}{suffix}");
        station.quantities().any(|it| it.channel.as_deref() == Some(channel.as_str()))
    };
    module.names().iter().find(|it| measures(it))?;
    let mut values = heapless::Vec::new();
    for number in numbers {
        let flags = heapless::Vec::from_slice(&[Flag::Clear]).ok()?;
        values.push(hvi::Value { number, flags }).ok()?;
    }
    let (hour, minute, _) = time_of_day(said.at_ms);
    let record = Record {
        instrument: bounded(b"100")?,
        stamp: Stamp { hour, minute, day: 21, month: 11, year: 26 },
        content: Content::Observation(Observation {
            module,
            statistic,
            identifier: bounded(b"LOT")?,
            sample: bounded(said.sample.sample.as_bytes())?,
            repetition: (statistic == Statistic::Individual).then_some((replicate, of)),
            values,
        }),
    };
    hvi::encode(&record).map(|it| it.to_vec())
}

/// A line of a profile with a template; `None` for a profile that cuts its lines another way, and where
/// neither a value nor a text in place of one is known.
fn line(
    profile: &LineProfile,
    show: &dyn Fn(&str) -> Option<String>,
    warming: bool,
    sample: Option<&str>,
) -> Option<Vec<u8>> {
    let line = profile.lines.first()?;
    let Pattern::Template(parts) = &line.pattern else {
        return None;
    };
    let mut body = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => body.extend_from_slice(text),
            Part::Blanks => body.push(b' '),
            Part::Skip => body.push(b'0'),
            Part::Slot(slot) => body.extend_from_slice(&slot_text(line, slot, show, warming, sample)?),
        }
    }
    let framing = &profile.framing;
    let check = profile.check.map_or_else(Vec::new, |it| check_characters(it, &framing.start, &body));
    let end: &[u8] = match &framing.end {
        End::Absent => b"",
        End::AnyLineEnd => b"\r\n",
        End::Bytes(bytes) => bytes,
    };
    Some([framing.start.as_slice(), &body, &check, end].concat())
}

/// What stands in a named place of a template.
fn slot_text(
    line: &Line,
    slot: &str,
    show: &dyn Fn(&str) -> Option<String>,
    warming: bool,
    sample: Option<&str>,
) -> Option<Vec<u8>> {
    let here = |place: &Place| matches!(place, Place::Slot(name) if name == slot);
    if let Some(channel) = line.channels.iter().find(|it| here(&it.at)) {
        let without = || channel.sentinels.first().map(|(text, _)| text.clone());
        return show(&channel.name).map(String::into_bytes).or_else(without).or_else(|| Some(b"0.0".to_vec()));
    }
    if let Some(status) = line.statuses.iter().find(|it| here(&it.at)) {
        let fits =
            |it: &Meaning| if warming { matches!(it, Meaning::Missing(_)) } else { matches!(it, Meaning::Value(_)) };
        return status.words.iter().find(|(_, meaning)| fits(meaning)).map(|(text, _)| text.clone());
    }
    line.sample.as_ref().filter(|it| here(it)).and(sample).map(|it| it.as_bytes().to_vec())
}

/// The check characters of a body, as the profile defines them.
fn check_characters(check: Check, start: &[u8], body: &[u8]) -> Vec<u8> {
    let summed = body.get(check.skip..body.len().saturating_sub(check.gap)).unwrap_or_default();
    let start = if check.with_start { start } else { &[] };
    let bytes = start.iter().chain(summed).map(|&it| u16::from(if check.seven_bits { it & 0x7F } else { it }));
    let value = match check.kind {
        CheckKind::Xor => bytes.fold(0, |all, it| all ^ it),
        CheckKind::Sum => bytes.fold(0, u16::wrapping_add),
        CheckKind::Lrc => bytes.fold(0, u16::wrapping_sub),
    };
    let wide = check.width == Some(4);
    let value = match (check.seven_bits, check.spelling) {
        (true, _) => value & 0x7F,
        (false, Spelling::Hex) if wide => value,
        (false, _) => value & 0xFF,
    };
    match check.spelling {
        Spelling::Hex if wide => format!("{value:04X}").into_bytes(),
        Spelling::Hex => format!("{value:02X}").into_bytes(),
        Spelling::Decimal => check.width.map_or(value.to_string(), |width| format!("{value:0width$}")).into_bytes(),
        Spelling::Byte => vec![u8::try_from(value).unwrap_or(u8::MAX)],
    }
}

/// Answers every question for radiometrics; another question gets the refusal.
async fn answer_radiometrics<S>(mut stream: S, world: &World, instrument: &str) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut decoder = Box::new(kromek_d5::Decoder::new(Crc::Ignored));
    let mut heard = [0; 64];
    loop {
        let count = stream.read(&mut heard).await?;
        if count == 0 {
            return Ok(());
        }
        for &byte in heard.iter().take(count) {
            let Some(Event::Frame(Message::Request { component, report })) = decoder.push(byte) else {
                continue;
            };
            let now_ms = world.now_ms();
            let wire = world.wire(instrument, world.next_answer(), now_ms);
            if wire.hangup {
                return Ok(());
            }
            sleep(world.real(wire.delay_ms)).await;
            let answer = if (component, report) == (kromek_d5::INTERFACE_BOARD, kromek_d5::RADIOMETRICS) {
                radiometrics(world, instrument, now_ms)
            } else {
                kromek_d5::encode_acknowledgement(component, false).to_vec()
            };
            stream.write_all(&wire.carry(answer)).await?;
            stream.flush().await?;
        }
    }
}

fn radiometrics(world: &World, instrument: &str, now_ms: i64) -> Vec<u8> {
    let Some(station) = world.station(instrument) else {
        return Vec::new();
    };
    // A frozen or warming identifier is silent: its protocol has no word for either.
    if [FaultKind::Frozen, FaultKind::WarmUp].iter().any(|it| world.device_fault(instrument, *it, now_ms).is_some()) {
        return Vec::new();
    }
    let single = |channel| {
        let value = station.indicated(channel, now_ms).unwrap_or(Decimal::ZERO);
        Single::nearest(value).unwrap_or_default()
    };
    let natural = station.instrument.held.get("gamma-count").map_or(0.0, |it| rounding::as_real(it.0));
    let gamma = station.counts("gamma-count", now_ms);
    let count = |it: i64| u32::try_from(it).unwrap_or(0);
    let elapsed = now_ms - world.begins_ms();
    let it = Radiometrics {
        real_ms: u32::try_from(elapsed).unwrap_or(u32::MAX),
        sequence: count(elapsed / i64::from(LIVE_MS)),
        dose: single("dose"),
        dose_rate: single("dose-rate"),
        user_dose: single("user-dose"),
        neutron_live_ms: LIVE_MS,
        neutron_counts: station.indicated("neutron-count", now_ms).map_or(0, whole),
        neutron_centicelsius: 2_150,
        gamma_live_ms: LIVE_MS,
        gamma_counts: count(gamma),
        gamma_centicelsius: 2_210,
        channel_bits: 12,
        ..Radiometrics::default()
    };
    let spectrum = spectrum(&station, gamma, natural, now_ms);
    kromek_d5::encode_radiometrics::<ANSWER_BYTES>(&it, &spectrum).map(|it| it.to_vec()).unwrap_or_default()
}
