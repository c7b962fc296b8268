//! A scene as written: who comes, what the instruments are like, what goes wrong.

use serde::Deserialize;

use super::{
    instrument::{ContainerReader, Drum, Gamma, IoModule, PhMeter, PlateReader, Portal, Weighbridge},
    rig::{OperatorAction, Rig},
    span::Span,
};

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
    /// The container-number reader.
    pub container_reader: Option<ContainerReader>,
    /// The laboratory's pH meter.
    pub ph_meter: Option<PhMeter>,
    /// The tyre drum.
    pub drum: Option<Drum>,
    /// The I/O module with stack light and barrier.
    pub io_module: Option<IoModule>,
    /// Benches with instruments of their own.
    #[serde(default, rename = "rig")]
    pub rigs: Vec<Rig>,
    /// Limit tables of the site's own, each the text of a file.
    #[serde(default)]
    pub tables: Vec<String>,
    /// What a person does at the agent.
    #[serde(default)]
    pub operator: Vec<OperatorAction>,
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
    /// Arrives so much before its time, while the one before it may still stand on the scale.
    #[serde(default)]
    pub early: Span,
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
    /// What the container reader makes of its container number.
    #[serde(default)]
    pub container_read: ContainerRead,
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

/// What the container reader makes of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerRead {
    /// The number as it is.
    #[default]
    Right,
    /// A 0 is read as O: the check digit tells what it was.
    Confused,
    /// The last digit but one is another: the check digit does not hold.
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
