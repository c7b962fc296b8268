//! Protocols of byte streams whose codec is in the driver crate, and line profiles: their keys in a site file.
//!
//! What an instrument states itself (unit, rest, sign) is not configured; what it leaves out is needed
//! here, because a guess would look like a measurement.

use std::time::Duration;

use tidewaiter_drivers::{
    Decimal, Unit,
    identity::scan,
    lab::photometer,
    radiation::{kromek_d5, ludlum_2363},
    scale::{
        a12::Dialect,
        toledo,
        xk3190_command::{Address, Command},
        xk3190_equals::{Layout, MAX_VALUE_CHARS, MIN_VALUE_CHARS, Order},
    },
};

use super::{
    Protocol, TextEncoding,
    instruments::{MASS, encoding, hours, ms, scale_interval},
};
use crate::{
    profile::{Folder, LineProfile},
    reader::{self, Node, Value, show_duration},
};

/// A protocol with a codec of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    /// XK3190 command mode `tF = 1`.
    Xk3190Tf1 {
        /// The address set at the indicator.
        address: Address,
        /// What is asked in every poll: gross, tare, net.
        masses: Vec<Command>,
        /// Unit the indicator is set to.
        unit: Unit,
        /// How its rest is found.
        rest: Rest,
    },
    /// XK3190 `=` forms.
    Xk3190Equals {
        /// Order and width of the number.
        layout: Layout,
        /// Unit the indicator is set to.
        unit: Unit,
        /// How its rest is found.
        rest: Rest,
    },
    /// Yaohua A12 family.
    A12 {
        /// With check characters or without.
        form: Dialect,
        /// How its rest is found.
        rest: Rest,
    },
    /// Toledo continuous output.
    Toledo(toledo::Settings),
    /// MT-SICS.
    MtSics {
        /// `SIR` once, and the balance repeats by itself; otherwise `SI` at every poll.
        repeat: bool,
    },
    /// `ST,GS` lines.
    StGs {
        /// Bytes of every line, where known.
        line_bytes: Option<usize>,
    },
    /// A&D balances and scales.
    AAndD,
    /// Sartorius SBI.
    Sbi {
        /// Unit while the load moves, where the balance is known to stay in it.
        moving_unit: Option<Unit>,
    },
    /// Ohaus Defender and its kin.
    Ohaus,
    /// Shuangjie balances.
    Shuangjie {
        /// How its rest is found.
        rest: Rest,
    },
    /// Rinstrum formats 1 and 2.
    Rinstrum {
        /// Unit where the frame has none.
        unit: Option<Unit>,
    },
    /// Thermo Orion Star A meters.
    Orion,
    /// Mettler-Toledo `SevenMulti` and `SevenCompact`.
    SevenMulti,
    /// Hanna bench pH meters.
    Hanna,
    /// Horiba LAQUA and F-7x meters.
    Laqua,
    /// Anton Paar DMA density meters, by the columns the meter itself names.
    Dma,
    /// Sartorius MA moisture analysers.
    MoistureMa,
    /// Photometers that are asked for one quantity, as Jenway 6300.
    Photometer {
        /// What is asked.
        quantity: photometer::Quantity,
    },
    /// Printed lines of photometers.
    PhotometerPrints,
    /// Uster HVI records, `HVI@…`.
    UsterHvi,
    /// Quoted records of older HVI 900 lines.
    UsterHviQuoted,
    /// Lines with a colour fastness grade.
    GradeLines,
    /// Printed slip of a JIK weighing cabinet.
    JikTicket,
    /// Ludlum 375 area monitors.
    Ludlum375 {
        /// Unit of the display.
        unit: Unit,
    },
    /// Ludlum 2363 survey meters.
    Ludlum2363 {
        /// Units of the calibration.
        units: ludlum_2363::Units,
    },
    /// Kromek D5 identifiers: dose and counts.
    KromekD5 {
        /// Whether the CRC of answers is believed.
        crc: kromek_d5::Crc,
    },
    /// Daily-file lines of spectroscopic portals.
    SpectralDaily,
    /// `AxxonSoft` plate frames.
    Axxon {
        /// How the server encodes Chinese characters.
        encoding: TextEncoding,
    },
    /// Hand-held and fixed code readers, one code per line.
    CodeReader(scan::Settings),
}

/// How the rest of a load is found where the indicator does not state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Scale interval d, in the unit displayed.
    pub scale_interval: Decimal,
    /// How long the display must stand within one interval.
    pub settle: Duration,
}

/// How an instrument is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// Time from one question to the next.
    pub poll: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// The line brings every question back before its answer.
    pub echo: bool,
}

/// Every protocol read here, by the key of the site file.
pub(super) const STREAMS: [&str; 30] = [
    "line",
    "xk3190_tf1",
    "xk3190_equals",
    "a12",
    "toledo",
    "mt_sics",
    "st_gs",
    "a_and_d",
    "sbi",
    "ohaus",
    "shuangjie",
    "rinstrum",
    "orion",
    "seven_multi",
    "hanna",
    "laqua",
    "dma",
    "moisture_ma",
    "photometer",
    "photometer_prints",
    "uster_hvi",
    "uster_hvi_quoted",
    "grade_lines",
    "jik_ticket",
    "ludlum_375",
    "ludlum_2363",
    "kromek_d5",
    "spectral_daily",
    "axxon",
    "code_reader",
];

/// Protocols that can stand on a weighbridge: they report `mass` or `gross`.
pub(super) const SCALES: [&str; 14] = [
    "registers",
    "xk3190_tf0",
    "xk3190_tf1",
    "xk3190_equals",
    "a12",
    "toledo",
    "mt_sics",
    "st_gs",
    "a_and_d",
    "sbi",
    "ohaus",
    "shuangjie",
    "rinstrum",
    "line",
];

/// Protocols that measure a dose rate.
pub(super) const DOSE_MONITORS: [&str; 5] = ["registers", "ludlum_375", "ludlum_2363", "kromek_d5", "line"];

/// Protocols that read plates.
pub(super) const PLATE_READERS: [&str; 2] = ["plate_lines", "axxon"];

/// Protocols that read container numbers: a camera that sends a line per number, a code reader.
pub(super) const CONTAINER_READERS: [&str; 2] = ["plate_lines", "code_reader"];

/// Protocols that can measure a textile extract: they report `ph`.
pub(super) const PH_METERS: [&str; 6] = ["ph_stream", "orion", "seven_multi", "hanna", "laqua", "line"];

const SETTLE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(1);
/// The weighbridge indicators answer well within half a second at 4800 bit/s and above.
const POLL_SCALE: Duration = Duration::from_millis(500);

/// A density measurement takes minutes.
const POLL_DENSITY: Duration = Duration::from_secs(5);

/// What ends a code besides CR and LF.
const ENDS: [(&str, Option<u8>); 3] = [("line", None), ("tab", Some(b'\t')), ("etx", Some(0x03))];

const QUANTITIES: [(&str, photometer::Quantity); 3] = [
    ("absorbance", photometer::Quantity::Absorbance),
    ("transmittance", photometer::Quantity::Transmittance),
    ("light-level", photometer::Quantity::Level),
];
const CRCS: [(&str, kromek_d5::Crc); 2] = [("checked", kromek_d5::Crc::Checked), ("ignored", kromek_d5::Crc::Ignored)];
const DOSE_RATES: [Unit; 7] = [
    Unit::MicrosievertPerHour,
    Unit::NanosievertPerHour,
    Unit::MillisievertPerHour,
    Unit::MicroroentgenPerHour,
    Unit::MilliroentgenPerHour,
    Unit::PerSecond,
    Unit::PerMinute,
];
const DOSES: [Unit; 1] = [Unit::Microsievert];

const ORDERS: [(&str, Order); 2] = [("forward", Order::Forward), ("reversed", Order::Reversed)];
const ZEROS: [(&str, toledo::DummyZeros); 2] =
    [("apply", toledo::DummyZeros::Apply), ("ignore", toledo::DummyZeros::Ignore)];
const SICS: [(&str, bool); 2] = [("immediate", false), ("repeat", true)];
const MASSES: [(&str, Command); 3] = [("gross", Command::Gross), ("tare", Command::Tare), ("net", Command::Net)];

/// Reads the table of one of [`STREAMS`].
pub(super) fn read(kind: &str, node: &Node<'_>, profiles: &Folder) -> Option<Protocol> {
    let own = |codec: Option<Codec>, polling: Option<Option<Polling>>| {
        Some(Protocol::Stream { codec: codec?, polling: polling? })
    };
    match kind {
        "line" => line(node, &profiles.lines),
        "xk3190_tf1" => {
            let polling = polling(node, Some(POLL_SCALE));
            let address = node.need("address", "1").and_then(|value| Address::new(value.integer(1_u8, 26)?));
            let masses = node.may("masses").map_or(Some(vec![Command::Gross]), |value| {
                let items = value.items("[\"gross\"]")?;
                let found: Vec<Command> = items.iter().filter_map(|item| item.word(&MASSES)).collect();
                if found.is_empty() && items.is_empty() {
                    value.fault("`masses` is an empty list, so nothing would be asked", value.assign("[\"gross\"]"));
                }
                (found.len() == items.len() && !found.is_empty()).then_some(found)
            });
            let unit = unit(node);
            let rest = rest(node, polling.flatten());
            let codec = (|| Some(Codec::Xk3190Tf1 { address: address?, masses: masses?, unit: unit?, rest: rest? }))();
            own(codec, polling)
        }
        "xk3190_equals" => {
            let order = node.need("order", "\"reversed\"  # as set at the indicator; check it with a known load");
            let order = order.and_then(|value| value.word(&ORDERS));
            let width = node.may("width").map_or(Some(7), |value| value.integer(MIN_VALUE_CHARS, MAX_VALUE_CHARS));
            let (unit, rest) = (unit(node), rest(node, None));
            let codec =
                (|| Some(Codec::Xk3190Equals { layout: Layout::new(order?, width?)?, unit: unit?, rest: rest? }))();
            own(codec, Some(None))
        }
        "a12" => {
            let checked = node.need("check", "true  # the line ends with two check characters");
            let checked = checked.and_then(|value| value.flag());
            let polling = polling(node, None);
            let rest = rest(node, polling.flatten());
            let form = checked.map(|checked| if checked { Dialect::Checked } else { Dialect::Classic });
            own((|| Some(Codec::A12 { form: form?, rest: rest? }))(), polling)
        }
        "toledo" => {
            let check = node.need("checksum", "true").and_then(|value| value.flag());
            let dummy_zeros =
                node.may("dummy_zeros").map_or(Some(toledo::DummyZeros::Apply), |value| value.word(&ZEROS));
            let codec = (|| Some(Codec::Toledo(toledo::Settings { check: check?, dummy_zeros: dummy_zeros? })))();
            own(codec, Some(None))
        }
        "mt_sics" => {
            let repeat = node.may("ask").map_or(Some(false), |value| value.word(&SICS));
            let polling = polling(node, (repeat != Some(true)).then_some(POLL_SCALE));
            if let (Some(true), Some(Some(_)), Some(value)) = (repeat, polling, node.may("poll")) {
                value.fault("a balance that repeats by itself is not polled", "ask = \"immediate\", or nothing here");
            }
            own(repeat.map(|repeat| Codec::MtSics { repeat }), polling)
        }
        "st_gs" => {
            let bytes = node
                .may("line_bytes")
                .map_or(Some(None), |value| value.integer(8_u8, 64).map(|bytes| Some(usize::from(bytes))));
            own(bytes.map(|line_bytes| Codec::StGs { line_bytes }), polling(node, None))
        }
        "a_and_d" => own(Some(Codec::AAndD), polling(node, None)),
        "sbi" => {
            let unit = node.may("unit").map_or(Some(None), |value| value.unit_of(&MASS).map(Some));
            own(unit.map(|moving_unit| Codec::Sbi { moving_unit }), polling(node, None))
        }
        "ohaus" => own(Some(Codec::Ohaus), polling(node, None)),
        "shuangjie" => {
            let polling = polling(node, None);
            own(rest(node, polling.flatten()).map(|rest| Codec::Shuangjie { rest }), polling)
        }
        "rinstrum" => {
            let unit = node.may("unit").map_or(Some(None), |value| value.unit_of(&MASS).map(Some));
            own(unit.map(|unit| Codec::Rinstrum { unit }), Some(None))
        }
        "orion" => own(Some(Codec::Orion), polling(node, Some(POLL))),
        "seven_multi" => own(Some(Codec::SevenMulti), polling(node, Some(POLL))),
        "hanna" => own(Some(Codec::Hanna), polling(node, Some(POLL))),
        "laqua" => own(Some(Codec::Laqua), Some(None)),
        "dma" => own(Some(Codec::Dma), polling(node, Some(POLL_DENSITY))),
        "moisture_ma" => own(Some(Codec::MoistureMa), polling(node, None)),
        "axxon" => own(encoding(node).map(|encoding| Codec::Axxon { encoding }), Some(None)),
        "code_reader" => own(code_reader(node), Some(None)),
        "photometer" => {
            let quantity = node.need("quantity", "\"absorbance\"").and_then(|value| value.word(&QUANTITIES));
            own(quantity.map(|quantity| Codec::Photometer { quantity }), polling(node, Some(POLL)))
        }
        "photometer_prints" => own(Some(Codec::PhotometerPrints), Some(None)),
        "uster_hvi" => own(Some(Codec::UsterHvi), Some(None)),
        "uster_hvi_quoted" => own(Some(Codec::UsterHviQuoted), Some(None)),
        "grade_lines" => own(Some(Codec::GradeLines), Some(None)),
        "jik_ticket" => own(Some(Codec::JikTicket), Some(None)),
        "ludlum_375" => {
            let unit = node.need("unit", "\"uR/h\"").and_then(|value| value.unit_of(&DOSE_RATES));
            own(unit.map(|unit| Codec::Ludlum375 { unit }), Some(None))
        }
        "ludlum_2363" => {
            let rate = node.need("rate_unit", "\"uSv/h\"").and_then(|value| value.unit_of(&DOSE_RATES));
            let dose = node.need("dose_unit", "\"uSv\"").and_then(|value| value.unit_of(&DOSES));
            let codec = (|| Some(Codec::Ludlum2363 { units: ludlum_2363::Units { rate: rate?, dose: dose? } }))();
            own(codec, polling(node, Some(POLL)))
        }
        "kromek_d5" => {
            let crc = node.may("crc").map_or(Some(kromek_d5::Crc::Checked), |value| value.word(&CRCS));
            own(crc.map(|crc| Codec::KromekD5 { crc }), polling(node, Some(POLL)))
        }
        _ => own(Some(Codec::SpectralDaily), Some(None)),
    }
}

/// The keys of a code reader.
fn code_reader(node: &Node<'_>) -> Option<Codec> {
    let affix = |key| {
        node.may(key).map_or_else(
            || Some(heapless::Vec::new()),
            |value| {
                let text = value.any_text()?;
                let bytes = heapless::Vec::from_slice(text.as_bytes()).ok();
                if bytes.is_none() {
                    value.fault(
                        format!("`{key}` has {} bytes, and at most {} are taken", text.len(), scan::MAX_AFFIX_BYTES),
                        "what the reader is set to send around each code",
                    );
                }
                bytes
            },
        )
    };
    let (prefix, suffix) = (affix("prefix"), affix("suffix"));
    let end = node.may("end").map_or(Some(None), |value| value.word(&ENDS));
    Some(Codec::CodeReader(scan::Settings { prefix: prefix?, suffix: suffix?, end: end? }))
}

fn unit(node: &Node<'_>) -> Option<Unit> {
    node.need("unit", "\"kg\"").and_then(|value| value.unit_of(&MASS))
}

/// The keys of the motion test. An answer that comes once a poll must not be a hole in the test.
fn rest(node: &Node<'_>, polling: Option<Polling>) -> Option<Rest> {
    let scale_interval = scale_interval(node);
    let least = polling.map_or(ms(100), |polling| polling.poll.saturating_mul(2).max(ms(100)));
    let value = node.may("settle");
    let settle = value.as_ref().map_or(Some(SETTLE.max(least)), |value| value.duration(ms(100), ms(600_000)));
    if let (Some(settle), Some(value)) = (settle, &value)
        && settle < least
    {
        value.fault(
            format!(
                "the display must stand for {}, and a poll every {} needs at least twice that interval",
                show_duration(settle),
                show_duration(least / 2)
            ),
            value.assign(format!("\"{}\"", show_duration(least))),
        );
    }
    Some(Rest { scale_interval: scale_interval?, settle: settle? })
}

/// How it is asked; `usual` is the poll of an instrument that must be asked. Others are when `poll` is there.
#[allow(clippy::option_option)]
fn polling(node: &Node<'_>, usual: Option<Duration>) -> Option<Option<Polling>> {
    let poll = node.may("poll").map_or(Some(usual), |value| value.duration(ms(50), hours(1)).map(Some));
    let timeout_value = node.may("timeout");
    let timeout = timeout_value.as_ref().map_or(Some(TIMEOUT), |value| value.duration(ms(20), ms(60_000)));
    let echo_value = node.may("echo");
    let echo = echo_value.as_ref().map_or(Some(false), Value::flag);
    if poll == Some(None) {
        for value in [&timeout_value, &echo_value].into_iter().flatten() {
            value.fault(
                "this is for an instrument that is asked, and `poll` is missing",
                "poll = \"500 ms\", or nothing here",
            );
        }
        return Some(None);
    }
    Some(Some(Polling { poll: poll??, timeout: timeout?, echo: echo? }))
}

fn line(node: &Node<'_>, profiles: &[LineProfile]) -> Option<Protocol> {
    let profile = node.need("profile", "\"density-meter-dma\"").and_then(|value| {
        let id = value.text()?;
        let found = profiles.iter().find(|profile| profile.id == id);
        if found.is_none() {
            let ids = profiles.iter().map(|profile| profile.id.as_str());
            let way_out = reader::nearest(id, ids.clone()).map_or_else(
                || format!("one of {}, or a file of your own in the folder of [profiles]", reader::list(ids)),
                |meant| value.assign(format!("\"{meant}\"")),
            );
            value.dangling(format!("no line profile has the id {id:?}"), way_out);
        }
        found
    });
    let (poll, timeout, echo) = (node.may("poll"), node.may("timeout"), node.may("echo"));
    let profile = profile?;
    let Some(request) = &profile.request else {
        for value in [poll, timeout, echo].into_iter().flatten() {
            value.fault(
                format!("the profile {:?} has no [request], so the instrument speaks by itself", profile.id),
                "nothing; remove it",
            );
        }
        return Some(Protocol::Line { profile: profile.clone(), polling: None });
    };
    let polling = Polling {
        poll: poll.map_or(Some(request.poll), |value| value.duration(ms(50), hours(1)))?,
        timeout: timeout.map_or(Some(request.timeout), |value| value.duration(ms(20), ms(60_000)))?,
        echo: echo.map_or(Some(request.echo), |value| value.flag())?,
    };
    Some(Protocol::Line { profile: profile.clone(), polling: Some(polling) })
}

impl Codec {
    /// The key of the site file that says so.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Xk3190Tf1 { .. } => "xk3190_tf1",
            Self::Xk3190Equals { .. } => "xk3190_equals",
            Self::A12 { .. } => "a12",
            Self::Toledo(_) => "toledo",
            Self::MtSics { .. } => "mt_sics",
            Self::StGs { .. } => "st_gs",
            Self::AAndD => "a_and_d",
            Self::Sbi { .. } => "sbi",
            Self::Ohaus => "ohaus",
            Self::Shuangjie { .. } => "shuangjie",
            Self::Rinstrum { .. } => "rinstrum",
            Self::Orion => "orion",
            Self::SevenMulti => "seven_multi",
            Self::Hanna => "hanna",
            Self::Laqua => "laqua",
            Self::Dma => "dma",
            Self::MoistureMa => "moisture_ma",
            Self::Photometer { .. } => "photometer",
            Self::PhotometerPrints => "photometer_prints",
            Self::UsterHvi => "uster_hvi",
            Self::UsterHviQuoted => "uster_hvi_quoted",
            Self::GradeLines => "grade_lines",
            Self::JikTicket => "jik_ticket",
            Self::Ludlum375 { .. } => "ludlum_375",
            Self::Ludlum2363 { .. } => "ludlum_2363",
            Self::KromekD5 { .. } => "kromek_d5",
            Self::SpectralDaily => "spectral_daily",
            Self::Axxon { .. } => "axxon",
            Self::CodeReader(_) => "code_reader",
        }
    }

    /// The unit of mass the site file states for the display, where it states one.
    pub const fn unit(&self) -> Option<Unit> {
        match self {
            Self::Xk3190Tf1 { unit, .. } | Self::Xk3190Equals { unit, .. } => Some(*unit),
            Self::Sbi { moving_unit: unit } | Self::Rinstrum { unit } => *unit,
            _ => None,
        }
    }

    /// Channels that every statement has; others come and go with what the instrument shows.
    pub fn channels(&self) -> Vec<&'static str> {
        match self {
            Self::Xk3190Tf1 { masses, .. } => {
                MASSES.iter().filter(|(_, command)| masses.contains(command)).map(|(word, _)| *word).collect()
            }
            Self::Xk3190Equals { .. }
            | Self::MtSics { .. }
            | Self::AAndD
            | Self::Sbi { .. }
            | Self::Shuangjie { .. } => {
                vec!["mass"]
            }
            // Gross or net, as the operator switches.
            Self::A12 { .. } | Self::Toledo(_) | Self::StGs { .. } | Self::Ohaus | Self::Rinstrum { .. } => {
                vec!["gross"]
            }
            Self::Orion | Self::SevenMulti | Self::Hanna | Self::Laqua => vec!["ph", "temperature"],
            Self::MoistureMa => vec!["moisture"],
            Self::Dma => vec!["density"],
            Self::Photometer { quantity: photometer::Quantity::Absorbance } => vec!["absorbance"],
            Self::Photometer { quantity: photometer::Quantity::Transmittance } => vec!["transmittance"],
            Self::Photometer { quantity: photometer::Quantity::Level } => vec!["light-level"],
            Self::Photometer { .. } => vec!["concentration"],
            Self::JikTicket => vec!["gross", "tare", "net"],
            Self::Ludlum375 { .. } => vec!["dose-rate"],
            Self::Ludlum2363 { .. } => vec!["neutron-dose-rate", "gamma-dose-rate", "dose"],
            Self::KromekD5 { .. } => vec!["dose-rate", "gamma-count", "neutron-count"],
            Self::PhotometerPrints
            | Self::UsterHvi
            | Self::UsterHviQuoted
            | Self::GradeLines
            | Self::SpectralDaily
            | Self::Axxon { .. }
            | Self::CodeReader(_) => Vec::new(),
        }
    }

    /// Channels that come and go with what the instrument is set to show, beside [`Codec::channels`].
    pub const fn passing_channels(&self) -> &'static [&'static str] {
        match self {
            Self::A12 { .. }
            | Self::Toledo(_)
            | Self::StGs { .. }
            | Self::Ohaus
            | Self::Rinstrum { .. }
            | Self::MtSics { .. }
            | Self::AAndD
            | Self::Sbi { .. }
            | Self::Shuangjie { .. } => &["mass", "gross", "net", "tare", "pieces", "share", "force"],
            Self::Orion => &["potential", "slope"],
            Self::SevenMulti => &["potential"],
            Self::Hanna | Self::Laqua => &["potential", "relative-potential"],
            Self::Photometer { .. } => &["wavelength"],
            Self::PhotometerPrints => &["absorbance", "transmittance", "concentration", "light-level", "wavelength"],
            Self::MoistureMa => &["dry-substance", "moisture-of-dry", "mass"],
            Self::Ludlum375 { .. } => &["high-alarm", "low-alarm"],
            Self::KromekD5 { .. } => &[
                "dose",
                "user-dose",
                "real-time",
                "gamma-live-time",
                "neutron-live-time",
                "gamma-temperature",
                "neutron-temperature",
            ],
            _ => &[],
        }
    }
}
