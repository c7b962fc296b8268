//! The site file as loaded and checked: ports, instruments, lanes, rigs, store, uplink.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use jiff::tz::TimeZone;
use tidewaiter_drivers::{Decimal, Unit};

use super::{
    bench::Bench,
    cameras::Camera,
    checks::Check,
    keys::Keys,
    local::{Local, Privacy},
    outputs::Output,
    register::Register,
    streams::{Codec, Polling},
};
use crate::{
    limits::{LimitTable, Programme},
    profile::{Fact, LineProfile, RegisterChannel, RegisterProfile},
};

/// Everything an agent needs, checked as a whole.
#[derive(Clone, Debug)]
pub struct Site {
    /// Topic segment of the site.
    pub id: String,
    /// Agent id: MQTT client id, certificate name and topic segment.
    pub agent: String,
    /// Name for people.
    pub name: String,
    /// Time zone that people are shown; records stay in UTC.
    pub zone: TimeZone,
    /// Store.
    pub store: Store,
    /// How far the wall clock is believed without a time service.
    pub clock: WallClock,
    /// Private keys.
    pub keys: Keys,
    /// Uplink; `None` runs without one, filling the outbox.
    pub uplink: Option<Uplink>,
    /// Local interface.
    pub local: Local,
    /// What is said of people outside the signed records.
    pub privacy: Privacy,
    /// What is recorded beside results.
    pub record: Record,
    /// Ports in the order of the file.
    pub ports: Vec<Port>,
    /// Instruments in the order of the file.
    pub instruments: Vec<Instrument>,
    /// Lanes.
    pub lanes: Vec<Lane>,
    /// Rigs.
    pub rigs: Vec<Rig>,
    /// Background watches.
    pub watches: Vec<Watch>,
    /// Function checks.
    pub checks: Vec<Check>,
    /// Stack lights, buzzers and barriers.
    pub outputs: Vec<Output>,
    /// Cameras that give stills.
    pub cameras: Vec<Camera>,
    /// Declarations files to watch.
    pub declarations: Vec<PathBuf>,
    /// Monitoring plan file to watch.
    pub plan: Option<PathBuf>,
    /// Root of the authority whose signed orders are taken; without one none are.
    pub authority: Option<PathBuf>,
    /// Folder of own limit tables and programmes, where there is one; what was in it stands below.
    pub limits: Option<PathBuf>,
    /// Limit tables loaded: the built-in ones and those of `limits`.
    pub tables: Vec<LimitTable>,
    /// Step programmes loaded.
    pub programmes: Vec<Programme>,
    /// SHA-256 of the site file as read.
    pub digest: [u8; 32],
}

/// Where records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Data directory (database, keys).
    pub dir: PathBuf,
    /// Budget in bytes.
    pub budget_bytes: u64,
    /// How long receipted records are kept.
    pub keep: Duration,
}

/// How far the wall clock is believed while no time service keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// What it drifts at worst, parts per million.
    pub drift_ppm: u32,
    /// Above this error bound, holdover is no longer claimed.
    pub holdover_limit: Duration,
}

impl Default for WallClock {
    /// A crystal of the cheapest kind, and a minute.
    fn default() -> Self {
        Self { drift_ppm: 100, holdover_limit: Duration::from_secs(60) }
    }
}

/// What is recorded beside results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Longest time between two records of a running agent: then a heartbeat is due.
    pub heartbeat: Duration,
}

impl Default for Record {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(60) }
    }
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// Host name or address; with TLS it is the name checked.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS material; `None` is plain TCP and allowed to loopback only.
    pub tls: Option<Tls>,
    /// Un-receipted records in flight at most.
    pub window: u16,
    /// JSON key registry with the centre's receipt key.
    pub registry: PathBuf,
}

/// TLS client material, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Authority that signed the broker's certificate.
    pub ca: PathBuf,
    /// This agent's certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// One port, owned by one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Id.
    pub id: String,
    /// How it is reached.
    pub link: Link,
}

/// How a port is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Serial line carrying a byte stream.
    Serial(SerialLine),
    /// TCP connection carrying a byte stream (serial server or instrument).
    Tcp {
        /// Host name or address.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// Modbus TCP server.
    ModbusTcp {
        /// Host name or address.
        host: String,
        /// TCP port, 502 by convention.
        port: u16,
    },
    /// Modbus RTU on a serial line.
    ModbusRtu(SerialLine),
    /// Modbus RTU on a serial line behind a serial server, which passes the bytes on as they are.
    ModbusRtuTcp {
        /// Host name or address of the serial server.
        host: String,
        /// TCP port that stands for the line.
        port: u16,
        /// How the serial server talks to the line: what silences and waits are reckoned from. Its path is the address.
        line: SerialLine,
    },
}

/// Settings of a serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialLine {
    /// Device path, preferably under `/dev/serial/by-id/`; of a line behind a serial server, the address of that.
    pub path: PathBuf,
    /// Bits per second.
    pub baud: u32,
    /// 7 or 8.
    pub data_bits: u8,
    /// Parity.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
}

/// Parity of a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// None.
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// One instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Id.
    pub id: String,
    /// Port it hangs on.
    pub port: String,
    /// Protocol and its options.
    pub protocol: Protocol,
    /// It is a simulator: every record it enters says so inside the signed bytes.
    pub simulated: bool,
    /// Serial number for the record, where known.
    pub serial_number: Option<String>,
    /// What the register of instruments says it is; what answers and says otherwise is another instrument.
    /// Empty accepts whatever answers.
    pub identity: BTreeMap<Fact, String>,
    /// What the register of instruments says of its verification and uncertainty.
    pub register: Option<Register>,
    /// Longest silence before `timed-out` is reported; streams only.
    pub silence: Duration,
}

/// Protocols of this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// XK3190 continuous output tF = 0. The frame carries no unit, so it stands here.
    Xk3190Tf0 {
        /// Unit the indicator is set to: kg, t or g.
        unit: Unit,
        /// Scale interval d, in that unit.
        scale_interval: Decimal,
        /// How long the display must stand within one interval to count as settled.
        settle: Duration,
    },
    /// RPM count lines (TSA/Rapiscan).
    RpmLines {
        /// Alarm level in standard deviations, until the portal's own SG1 line is seen.
        n_sigma: Decimal,
        /// 200 ms intervals in one sum, until SG1 is seen.
        intervals: u8,
        /// Speed above which the passage is void, km/h.
        speed_limit_kmh: Decimal,
    },
    /// pH meter stream, `4.54pH 24.7°C ATC`.
    PhStream,
    /// A line per plate, optional confidence: `PLATE[,confidence]`.
    PlateLines {
        /// How the reader encodes Chinese characters.
        encoding: TextEncoding,
    },
    /// An instrument with a codec of its own on a byte stream.
    Stream {
        /// The codec and its options.
        codec: Codec,
        /// How it is asked; `None` for one that speaks by itself.
        polling: Option<Polling>,
    },
    /// An instrument that sends text as a line profile describes it.
    Line {
        /// How its lines are read.
        profile: LineProfile,
        /// How it is asked; `None` for one that speaks by itself.
        polling: Option<Polling>,
    },
    /// Modbus register profile.
    Registers {
        /// The register map.
        profile: RegisterProfile,
        /// Modbus unit id.
        unit_id: u8,
        /// Time from one poll to the next.
        poll: Duration,
        /// Longest wait for an answer.
        timeout: Duration,
        /// Longest time after which an answer may still come. Until then the unit is not asked anything else.
        max_answer_time: Duration,
        /// Silence its line driver needs after an answer, beyond the 3.5 characters of Modbus; `None`
        /// follows the line speed.
        turnaround: Option<Duration>,
        /// Unanswered polls in a row after which the unit is asked only once per back-off period.
        function_timeout_polls: u8,
    },
}

/// Text encoding of an identity reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8.
    Utf8,
    /// GBK, as many Chinese cameras send.
    Gbk,
}

/// A physical passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Id.
    pub id: String,
    /// Procedure.
    pub gate: LorryGate,
}

/// Procedure lorry gate: what a passage needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LorryGate {
    /// Weighbridge instrument id.
    pub scale: String,
    /// Radiation portal instrument id.
    pub portal: Option<String>,
    /// Dose-rate monitor instrument id and its channel.
    pub dose_rate: Option<(String, String)>,
    /// Plate reader instrument id.
    pub plate: Option<String>,
    /// Container-number reader instrument id.
    pub container: Option<String>,
    /// Mass above which a lorry is on the scale.
    pub threshold: Decimal,
    /// Unit of the threshold.
    pub unit: Unit,
    /// Longest time from opening to completion.
    pub time_limit: Duration,
    /// How far before opening and after closing an identity still belongs to the passage.
    pub identity_window: Duration,
    /// Tables (and rows' parameters) every passage is judged by.
    pub judge: Vec<Judge>,
}

/// Which parameters of which table an inspection is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judge {
    /// Table id.
    pub table: String,
    /// Parameters required; every row for them is judged.
    pub parameters: Vec<String>,
    /// Its findings are listed beside the others and leave verdict and disposition alone: a buyer's limits, a market
    /// that is not the goods' destination.
    pub advisory: bool,
}

/// A lab bench group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rig {
    /// Id.
    pub id: String,
    /// Its procedure.
    pub procedure: RigProcedure,
    /// Tables every run is judged by.
    pub judge: Vec<Judge>,
    /// Longest time from start to completion.
    pub time_limit: Duration,
}

/// Procedures of a rig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RigProcedure {
    /// Textile pH with parallels (GB/T 7573): each accepted when the meter has drifted less than `drift`
    /// for `steady`; the result is the mean of the parallels from the second on.
    TextilePh {
        /// pH meter instrument id.
        meter: String,
        /// Extracts measured one after another.
        parallels: u8,
        /// Greatest change during `steady`, in pH.
        drift: Decimal,
        /// How long the meter must hold still.
        steady: Duration,
        /// Greatest difference between the parallels that count, in pH.
        spread: Decimal,
    },
    /// Tyre endurance on a drum, driven by the bench's own state register.
    TyreEndurance {
        /// Drum instrument id.
        drum: String,
        /// Step programme id.
        programme: String,
    },
    /// Any other procedure, by its list of quantities.
    Bench(Bench),
}

/// A background watch: one interval record per period for each channel watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Id.
    pub id: String,
    /// Instrument watched.
    pub instrument: String,
    /// Period of one interval record.
    pub period: Duration,
    /// Expected readings per period and channel.
    pub slots: u32,
}

impl RigProcedure {
    /// The step programme it follows, where it follows one.
    pub fn programme(&self) -> Option<&str> {
        match self {
            Self::TextilePh { .. } => None,
            Self::TyreEndurance { programme, .. } => Some(programme),
            Self::Bench(bench) => bench.programme.as_deref(),
        }
    }
}

impl Site {
    /// The port of this id.
    pub fn port(&self, id: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.id == id)
    }

    /// The instrument of this id.
    pub fn instrument(&self, id: &str) -> Option<&Instrument> {
        self.instruments.iter().find(|instrument| instrument.id == id)
    }

    /// The lanes and rigs whose results rest on this instrument, identity readers left out.
    pub fn places_judging_by<'s>(&'s self, instrument: &'s str) -> impl Iterator<Item = &'s str> {
        let lanes = self.lanes.iter().filter(move |lane| lane.gate.measures_by(instrument)).map(|lane| &lane.id);
        let rigs = self.rigs.iter().filter(move |rig| rig.procedure.measures_by(instrument)).map(|rig| &rig.id);
        lanes.chain(rigs).map(String::as_str)
    }

    /// The function check of this id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// The step programme of this id.
    pub fn programme(&self, id: &str) -> Option<&Programme> {
        self.programmes.iter().find(|programme| programme.id == id)
    }
}

impl LorryGate {
    /// Whether a passage is judged by readings of this instrument.
    pub fn measures_by(&self, instrument: &str) -> bool {
        self.scale == instrument
            || self.portal.as_deref() == Some(instrument)
            || self.dose_rate.as_ref().is_some_and(|(id, _)| id == instrument)
    }
}

impl RigProcedure {
    /// Whether a run is judged by readings of this instrument.
    pub fn measures_by(&self, instrument: &str) -> bool {
        match self {
            Self::TextilePh { meter, .. } => meter == instrument,
            Self::TyreEndurance { drum, .. } => drum == instrument,
            Self::Bench(bench) => bench.instruments().contains(&instrument),
        }
    }
}

impl Link {
    /// Whether it carries a byte stream, as against Modbus requests.
    pub const fn is_byte_stream(&self) -> bool {
        matches!(self, Self::Serial(_) | Self::Tcp { .. })
    }

    /// The key of the site file that says so.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Serial(_) => "serial",
            Self::Tcp { .. } => "tcp",
            Self::ModbusTcp { .. } => "modbus_tcp",
            Self::ModbusRtu(_) => "modbus_rtu",
            Self::ModbusRtuTcp { .. } => "modbus_rtu_tcp",
        }
    }
}

impl Protocol {
    /// The key of the site file that says so.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Xk3190Tf0 { .. } => "xk3190_tf0",
            Self::RpmLines { .. } => "rpm_lines",
            Self::PhStream => "ph_stream",
            Self::PlateLines { .. } => "plate_lines",
            Self::Stream { codec, .. } => codec.word(),
            Self::Line { .. } => "line",
            Self::Registers { .. } => "registers",
        }
    }

    /// How it is asked; `None` for one that speaks by itself, and for register profiles.
    pub const fn polling(&self) -> Option<Polling> {
        match self {
            Self::Stream { polling, .. } | Self::Line { polling, .. } => *polling,
            _ => None,
        }
    }

    /// The unit of mass that a scale tells, where the site file or its profile states one.
    pub fn unit(&self) -> Option<Unit> {
        match self {
            Self::Registers { profile, .. } => {
                let mass = |it: &&RegisterChannel| matches!(it.name.as_str(), "mass" | "gross");
                profile.channels.iter().find(mass).map(|it| it.unit)
            }
            Self::Xk3190Tf0 { unit, .. } => Some(*unit),
            Self::Stream { codec, .. } => codec.unit(),
            _ => None,
        }
    }
}
