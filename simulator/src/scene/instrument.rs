//! The instruments of a scene, one section each; every key has a default.

use serde::Deserialize;
use tidewaiter_drivers::Decimal;

use super::span::Span;

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
    /// The load cell goes to an instrument node instead, which speaks Modbus TCP and seals what it says.
    pub node: Option<SimulatedNode>,
}

/// The node that a load cell goes to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimulatedNode {
    /// TCP port; 0 picks one.
    pub port: u16,
    /// Unit id it answers to.
    pub unit_id: u8,
    /// Serial number, up to 8 characters.
    pub serial: String,
    /// Its key, 64 hexadecimal digits. It stands in the scene, so it proves nothing outside of a test.
    pub key: String,
    /// Accepted changes of its parameters.
    pub event_counter: u32,
    /// Poll interval of the exported site file.
    pub poll: Span,
    /// Timeout of the exported site file.
    pub timeout: Span,
}

impl Default for SimulatedNode {
    fn default() -> Self {
        Self {
            port: 0,
            unit_id: 1,
            serial: "TWN-SIM".to_owned(),
            key: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".to_owned(),
            event_counter: 1,
            poll: Span::from_ms(500),
            timeout: Span::from_ms(500),
        }
    }
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
            node: None,
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

/// I/O module with stack light, buzzer and barrier: a Modbus TCP server whose coils are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IoModule {
    /// Instrument id, and id of the output in the exported site file.
    pub id: String,
    /// TCP port; 0 picks one.
    pub port: u16,
    /// Unit id it answers to.
    pub unit_id: u8,
    /// What hangs on its coils, from coil 0 on; names with `spare` are nobody's.
    pub coils: Vec<String>,
    /// Lamps on the resting contacts, in the exported site file.
    pub inverted: Vec<String>,
    /// Time without a write after which it puts everything off; 0 is never.
    pub watchdog: Span,
    /// Holding register of that time, in tenths of a second.
    pub watchdog_register: u16,
    /// All coils in one request, in the exported site file.
    pub together: bool,
}

impl Default for IoModule {
    fn default() -> Self {
        Self {
            id: "io-1".to_owned(),
            port: 0,
            unit_id: 1,
            coils: ["green", "amber", "red", "buzzer", "barrier"].map(str::to_owned).into(),
            inverted: Vec::new(),
            watchdog: Span::from_ms(3_000),
            watchdog_register: 4096,
            together: false,
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

/// Container-number reader: one line per container.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContainerReader {
    /// Instrument id.
    pub id: String,
    /// TCP port; 0 picks one.
    pub port: u16,
    /// From arrival to the line.
    pub delay: Span,
}

impl Default for ContainerReader {
    fn default() -> Self {
        Self { id: "ocr-1".to_owned(), port: 0, delay: Span::from_ms(900) }
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
    /// After this time the electrode goes the same way again, for whoever comes later; the oracle counts the first round.
    pub again: Option<Span>,
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
            again: None,
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

fn decimal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
