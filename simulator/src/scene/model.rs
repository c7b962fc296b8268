//! A scene as written: who comes, what the instruments are like, what goes wrong.

use serde::Deserialize;
use tidewaiter_drivers::Decimal;

use super::span::Span;

/// A whole scene. Sections left out are instruments that do not exist.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// One line on what the scene shows.
    pub title: String,
    /// All chance comes from here: same seed, same bytes.
    pub seed: u64,
    /// Scene seconds per real second.
    #[serde(default = "one")]
    pub time_scale: f64,
    /// The lane the lorries pass.
    #[serde(default)]
    pub lane: LaneSetup,
    /// The lorries.
    pub traffic: Option<Traffic>,
    /// The weighbridge.
    pub weighbridge: Option<Weighbridge>,
    /// The radiation portal.
    pub portal: Option<Portal>,
    /// The gamma dose-rate monitor.
    pub gamma: Option<Gamma>,
    /// The plate reader.
    pub plate_reader: Option<PlateReader>,
    /// The laboratory's pH meter.
    pub ph_meter: Option<PhMeter>,
    /// The tyre drum.
    pub drum: Option<Drum>,
    /// What goes wrong.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
}

const fn one() -> f64 {
    1.0
}

/// What the exported site file says about the lane.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LaneSetup {
    /// Lane id.
    pub id: String,
    /// Mass in kilograms above which a lorry is on the scale.
    pub threshold_kg: u32,
    /// Longest time from opening to completion.
    pub time_limit: Span,
    /// How far before opening and after closing a plate still belongs to the passage.
    pub identity_window: Span,
}

impl Default for LaneSetup {
    fn default() -> Self {
        Self {
            id: "lane-7".to_owned(),
            threshold_kg: 500,
            time_limit: Span::from_ms(60_000),
            identity_window: Span::from_ms(10_000),
        }
    }
}

/// The lorries: a written list, which may repeat, or a generator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// When the first front wheel breaks the portal's beam.
    pub first: Span,
    /// From one arrival to the next.
    pub headway: Span,
    /// An arrival comes up to this much later than the headway says.
    #[serde(default)]
    pub jitter: Span,
    /// No more lorries than this; without it a list is passed once unless it cycles, and a generator never ends.
    pub count: Option<u64>,
    /// The list starts again at its end.
    #[serde(default)]
    pub cycle: bool,
    /// The list.
    #[serde(default, rename = "lorry")]
    pub lorries: Vec<Lorry>,
    /// The generator, used when there is no list.
    pub generator: Option<Generator>,
}

/// One lorry as it really is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lorry {
    /// Its true plate.
    pub plate: String,
    /// Number of axles.
    pub axles: u8,
    /// Its true mass in kilograms.
    pub mass_kg: u32,
    /// One vehicle, or with trailer or semi-trailer: limits differ for 3 and 4 axles.
    #[serde(default)]
    pub vehicle: Vehicle,
    /// Whether the tractor has one drive axle or two: limits differ from 6 axles on.
    #[serde(default)]
    pub drive_axle: DriveAxle,
    /// What is declared about it; without it the lorry is undeclared.
    pub declared: Option<Declared>,
    /// Container number.
    pub container: Option<String>,
    /// Length in metres.
    #[serde(default = "length")]
    pub length_m: f64,
    /// Speed through the portal.
    #[serde(default = "speed")]
    pub speed_kmh: f64,
    /// Speed off the scale.
    #[serde(default = "exit_speed")]
    pub exit_kmh: f64,
    /// How long it stands on the scale.
    #[serde(default = "stand")]
    pub stand: Span,
    /// Net gamma count rate of its source at the portal when closest, all detectors together; 0 is no source.
    #[serde(default)]
    pub source_cps: f64,
    /// Net neutron count rate when closest, all detectors together.
    #[serde(default)]
    pub neutron_cps: f64,
    /// Where the source lies: 0 is the front, 1 the tail.
    #[serde(default = "half")]
    pub source_at: f64,
    /// What the plate reader makes of its plate.
    #[serde(default)]
    pub plate_read: PlateRead,
}

const fn length() -> f64 {
    12.0
}
const fn speed() -> f64 {
    5.0
}
const fn exit_speed() -> f64 {
    10.0
}
const fn half() -> f64 {
    0.5
}
const fn stand() -> Span {
    Span::from_ms(8_000)
}

/// Kinds of goods vehicle that limits tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vehicle {
    /// One vehicle.
    Truck,
    /// With trailer or semi-trailer.
    #[default]
    Combination,
}

/// Drive axles of the tractor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriveAxle {
    /// One.
    Single,
    /// Two.
    #[default]
    Double,
}

impl Vehicle {
    /// The word of the declared fact.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Truck => "truck",
            Self::Combination => "combination",
        }
    }
}

impl DriveAxle {
    /// The word of the declared fact.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Double => "double",
        }
    }
}

/// What is declared about a lorry.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Declared gross mass in kilograms.
    pub mass_kg: u32,
    /// Declared number of axles; the true number where left out.
    pub axles: Option<u8>,
    /// Goods in words.
    pub goods: String,
    /// Whether it is scrap, which is judged by its own dose-rate row.
    #[serde(default)]
    pub scrap: bool,
    /// Customs code of the goods.
    pub hs_code: Option<String>,
}

/// What the plate reader makes of a plate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlateRead {
    /// The plate as it is, with high confidence.
    #[default]
    Right,
    /// One character is taken for its look-alike, with low confidence.
    Wrong,
    /// Nothing is sent.
    Missing,
}

/// Traffic by chance: shares are probabilities from 0 to 1, independent of each other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Generator {
    /// Share of lorries above the limit for their axles.
    pub overloaded: f64,
    /// Share without declaration.
    pub undeclared: f64,
    /// Share carrying a source.
    pub radioactive: f64,
    /// Share declared as scrap.
    pub scrap: f64,
    /// Share whose plate is misread.
    pub plate_wrong: f64,
    /// Share whose plate is not read.
    pub plate_missing: f64,
    /// Share driving faster than the portal allows.
    pub speeding: f64,
}

impl Default for Generator {
    fn default() -> Self {
        Self {
            overloaded: 0.08,
            undeclared: 0.06,
            radioactive: 0.04,
            scrap: 0.15,
            plate_wrong: 0.02,
            plate_missing: 0.02,
            speeding: 0.02,
        }
    }
}

/// Weighbridge with a Yaohua XK3190 indicator, continuous output tF = 0.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weighbridge {
    /// Instrument id.
    pub id: String,
    /// Scale interval in kilograms, as displayed.
    #[serde(deserialize_with = "decimal")]
    pub scale_interval: Decimal,
    /// Standard deviation of the indication before rounding, kilograms.
    pub noise_kg: f64,
    /// Amplitude of the zero drift, kilograms.
    pub zero_drift_kg: f64,
    /// Period of the zero drift.
    pub zero_drift_period: Span,
    /// Natural frequency of platform and lorry.
    pub natural_hz: f64,
    /// Time in which the oscillation falls to 1/e.
    pub damping: Span,
    /// Share of the mass by which a rolling lorry shakes the platform.
    pub rolling: f64,
    /// Settling time of the exported site file.
    pub settle: Span,
    /// Beyond this the indicator falls silent.
    pub capacity_kg: f64,
}

impl Default for Weighbridge {
    fn default() -> Self {
        Self {
            id: "scale-1".to_owned(),
            scale_interval: Decimal::whole(20),
            noise_kg: 2.0,
            zero_drift_kg: 5.0,
            zero_drift_period: Span::from_ms(600_000),
            natural_hz: 2.7,
            damping: Span::from_ms(600),
            rolling: 0.012,
            settle: Span::from_ms(1_000),
            capacity_kg: 120_000.0,
        }
    }
}

/// Radiation portal monitor speaking count lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Portal {
    /// Instrument id.
    pub id: String,
    /// TCP port; 0 picks one.
    pub port: u16,
    /// Natural gamma background of each detector, counts per second.
    pub background_cps: [f64; 4],
    /// Natural neutron background of each detector, counts per second.
    pub neutron_cps: [f64; 4],
    /// From one background line to the next while vacant.
    pub background_period: Span,
    /// Seconds over which the monitor averages its background.
    pub background_time_s: u16,
    /// Alarm threshold in standard deviations.
    #[serde(deserialize_with = "decimal")]
    pub n_sigma: Decimal,
    /// Intervals of 200 ms in the alarm window.
    pub intervals: u8,
    /// Intervals of 200 ms for which the occupancy is held after the beam clears.
    pub hold_in: u8,
    /// Neutron counts in one second from which the monitor alarms.
    pub neutron_alarm: u32,
    /// Validated speed, for the exported site file.
    #[serde(deserialize_with = "decimal")]
    pub speed_limit_kmh: Decimal,
    /// Half width of the field of view along the lane, metres (one standard deviation).
    pub view_m: f64,
    /// Least and greatest share of the background a vehicle shields.
    pub shielding: [f64; 2],
}

impl Default for Portal {
    fn default() -> Self {
        Self {
            id: "portal-1".to_owned(),
            port: 0,
            background_cps: [231.0, 238.0, 225.0, 240.0],
            neutron_cps: [1.0; 4],
            background_period: Span::from_ms(5_000),
            background_time_s: 20,
            n_sigma: Decimal::whole(7),
            intervals: 5,
            hold_in: 10,
            neutron_alarm: 17,
            speed_limit_kmh: Decimal::whole(8),
            view_m: 0.9,
            shielding: [0.05, 0.25],
        }
    }
}

/// Gamma dose-rate monitor beside the weighbridge: a Modbus TCP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gamma {
    /// Instrument id.
    pub id: String,
    /// TCP port; 0 picks one.
    pub port: u16,
    /// Register profile served.
    pub profile: String,
    /// Unit id it answers to.
    pub unit_id: u8,
    /// Natural background, microgray per hour.
    pub background: f64,
    /// Slow natural fluctuation, share of the background.
    pub fluctuation: f64,
    /// Statistical noise of one indication, share of the value.
    pub noise: f64,
    /// Poll interval of the exported site file.
    pub poll: Span,
    /// Timeout of the exported site file.
    pub timeout: Span,
    /// Period of the background watch of the exported site file.
    pub watch: Span,
}

impl Default for Gamma {
    fn default() -> Self {
        Self {
            id: "gamma-1".to_owned(),
            port: 0,
            profile: "gamma-dose-rate-generic".to_owned(),
            unit_id: 1,
            background: 0.100,
            fluctuation: 0.05,
            noise: 0.02,
            poll: Span::from_ms(1_000),
            timeout: Span::from_ms(500),
            watch: Span::from_ms(60_000),
        }
    }
}

/// Plate reader: one line per lorry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlateReader {
    /// Instrument id.
    pub id: String,
    /// TCP port; 0 picks one.
    pub port: u16,
    /// From arrival to the line.
    pub delay: Span,
}

impl Default for PlateReader {
    fn default() -> Self {
        Self { id: "lpr-1".to_owned(), port: 0, delay: Span::from_ms(400) }
    }
}

/// pH meter sending a line per period.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PhMeter {
    /// Instrument id.
    pub id: String,
    /// Rig id of the exported site file.
    pub rig: String,
    /// From one line to the next.
    pub period: Span,
    /// What the electrode shows in the rinsing water.
    pub rinse_ph: f64,
    /// Temperature of the bath.
    pub celsius: f64,
    /// Time in which the electrode covers 63 % of a step.
    pub response: Span,
    /// Standard deviation of the indication before rounding.
    pub noise: f64,
    /// How long an extract is measured when the scene's schedule runs the bench.
    pub dwell: Span,
    /// How long the electrode is rinsed between two extracts.
    pub rinse: Span,
    /// How long the value must be steady, for the exported site file.
    pub steady: Span,
    /// The specimens in order.
    #[serde(rename = "specimen")]
    pub specimens: Vec<Specimen>,
}

impl Default for PhMeter {
    fn default() -> Self {
        Self {
            id: "ph-1".to_owned(),
            rig: "bench-a".to_owned(),
            period: Span::from_ms(1_000),
            rinse_ph: 6.10,
            celsius: 24.7,
            response: Span::from_ms(5_000),
            noise: 0.002,
            dwell: Span::from_ms(60_000),
            rinse: Span::from_ms(15_000),
            steady: Span::from_ms(10_000),
            specimens: Vec::new(),
        }
    }
}

/// One textile specimen and the true pH of its parallel extracts (GB/T 7573).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specimen {
    /// Sample number.
    pub sample: String,
    /// Category A, B or C of GB 18401.
    pub category: String,
    /// Goods in words.
    pub goods: String,
    /// End values, one per parallel.
    pub ph: Vec<f64>,
    /// When the first extract is measured on the scene's schedule; without it an operator decides.
    pub at: Option<Span>,
}

/// Tyre drum: a Modbus TCP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drum {
    /// Instrument id.
    pub id: String,
    /// Rig id of the exported site file.
    pub rig: String,
    /// TCP port; 0 picks one.
    pub port: u16,
    /// Register profile served.
    pub profile: String,
    /// Unit id it answers to.
    pub unit_id: u8,
    /// Step programme it runs.
    pub programme: String,
    /// How much longer than its least duration a stage runs.
    pub overrun: Span,
    /// How long the drum comes up to speed before a run.
    pub conditioning: Span,
    /// How long the end state stands before the drum is idle again.
    pub dismount: Span,
    /// Poll interval of the exported site file.
    pub poll: Span,
    /// Timeout of the exported site file.
    pub timeout: Span,
    /// The whole list of runs starts again after this.
    pub every: Option<Span>,
    /// The runs in order.
    #[serde(rename = "run")]
    pub runs: Vec<Run>,
}

impl Default for Drum {
    fn default() -> Self {
        Self {
            id: "drum-1".to_owned(),
            rig: "drum-a".to_owned(),
            port: 0,
            profile: "tyre-drum-proposed".to_owned(),
            unit_id: 1,
            programme: "demo".to_owned(),
            overrun: Span::from_ms(1_000),
            conditioning: Span::from_ms(1_000),
            dismount: Span::from_ms(3_000),
            poll: Span::from_ms(500),
            timeout: Span::from_ms(500),
            every: None,
            runs: Vec::new(),
        }
    }
}

/// One run of the drum.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// When the tyre is mounted and the drum starts.
    pub at: Span,
    /// Barcode of the tyre, ASCII, at most 20 characters.
    pub barcode: String,
    /// The tyre fails after this much running time; without it the run finishes well.
    pub fails_after: Option<Span>,
}

/// One thing that goes wrong with one instrument.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Instrument id.
    pub instrument: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// When it begins.
    #[serde(default)]
    pub at: Span,
    /// How long it lasts; without it to the end.
    #[serde(rename = "for")]
    pub lasts: Option<Span>,
    /// It comes again after this.
    pub every: Option<Span>,
    /// Chance that one frame or answer within the time is hit.
    #[serde(default = "one")]
    pub chance: f64,
    /// How late, for `late`.
    #[serde(default)]
    pub delay: Span,
    /// Exception code, for `exception`.
    #[serde(default = "device_failure")]
    pub code: u8,
}

const fn device_failure() -> u8 {
    4
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Wire: nothing is sent.
    Silence,
    /// Wire: sent after `delay`.
    Late,
    /// Wire: one bit of the frame is turned.
    BitFlip,
    /// Wire: the second half of the frame is lost.
    HalfFrame,
    /// Wire: the connection is closed.
    Hangup,
    /// Device: every request is refused with exception `code`; Modbus only.
    Exception,
    /// Device: switched on a moment ago, no value yet; Modbus only.
    WarmUp,
    /// Device: answers, and nothing in it moves, heartbeat included; Modbus only.
    Frozen,
    /// Device: the portal reports its gamma background as too high.
    BackgroundHigh,
    /// Device: the portal reports its gamma background as too low.
    BackgroundLow,
    /// Device: the portal's cabinet is open.
    Tamper,
}

fn decimal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
