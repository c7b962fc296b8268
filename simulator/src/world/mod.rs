//! The simulated world: what is true at a moment, and what each instrument makes of it.
//!
//! Truth is a function of scene time, seed and the calls that moved the pH electrode; nothing here
//! accumulates. Scene time runs `time_scale` times as fast as tokio's clock, so a test with a paused
//! clock drives the world by hand, and it starts `lead_in` before zero, so that whoever connects has
//! time before the first lorry.

pub(crate) mod bench;
pub(crate) mod chance;
mod dose;
mod drum;
mod fault;
pub(crate) mod io;
mod ph;
mod plate;
mod portal;
pub(crate) mod rounding;
mod scale;
mod traffic;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tidewaiter_config::{
    limits::{self, LimitTable, Programme},
    profile::{self, LineProfile, RegisterProfile},
};
use tidewaiter_drivers::{
    Decimal, Unit,
    portal::rpm::{GammaTag, Line},
};
use tokio::time::Instant;

pub(crate) use drum::Shown;
pub(crate) use fault::Wire;
pub(crate) use portal::INTERVAL_MS;
pub(crate) use traffic::LONGEST_GENERATED_MS;

pub use io::{CoilWrite, Lamps};
pub use ph::{NoSuchExtract, PlannedSpecimen};
pub use traffic::Passage;

use crate::{
    scene::{Fault, FaultKind, OperatorAction, Run, Scene, SimulatedNode, Speech},
    serve::node,
};
use chance::Chance;
use rounding::below;

/// Net counts per second of the dose-rate monitor's own detector for one microgray per hour.
const COUNTS_PER_MICROGRAY: f64 = 9_340.0;
/// Background counts of a monitor whose background line reports too much, and too little.
const FAULTY_BACKGROUND: (u32, u32) = (4, 5);

/// How a world is set up beside its scene.
#[derive(Clone, Debug, Default)]
pub struct WorldOptions {
    /// Replaces the scene's seed.
    pub seed: Option<u64>,
    /// Replaces the scene's time scale.
    pub time_scale: Option<f64>,
    /// Real time before the scene's zero.
    pub lead_in: Duration,
    /// Register profiles beside the built-in ones; one with a built-in id replaces it.
    pub profiles: Vec<RegisterProfile>,
    /// Line profiles beside the built-in ones; one with a built-in id replaces it.
    pub lines: Vec<LineProfile>,
    /// Step programmes beside the built-in ones; one with a built-in id replaces it.
    pub programmes: Vec<Programme>,
}

/// Why a scene cannot become a world.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// No register profile of this id.
    #[error("no register profile {0:?}; write one of {1}")]
    Profile(String, String),
    /// No line profile of this id.
    #[error("no line profile {0:?}; write one of {1}")]
    Line(String, String),
    /// No step programme of this id.
    #[error("no step programme {0:?}; write one of {1}")]
    Programme(String, String),
    /// A limit table of the scene is refused.
    #[error("limit table of the scene is refused: {0}")]
    Table(String),
    /// A quantity of a bench is measured by no channel of its instrument.
    #[error("quantity {parameter:?}: profile {profile:?} has no channel {channel:?}; write one of {known}")]
    NoChannel {
        /// Parameter of the quantity.
        parameter: String,
        /// Profile id.
        profile: String,
        /// Channel asked for.
        channel: String,
        /// Channels there are.
        known: String,
    },
    /// The instrument does not know a channel of its profile.
    #[error(
        "profile {profile:?} has channel {channel:?}, which {instrument} does not simulate; take it out of the profile"
    )]
    Channel {
        /// Profile id.
        profile: String,
        /// Channel name.
        channel: String,
        /// Instrument id.
        instrument: String,
    },
}

/// The world of one scene.
#[derive(Debug)]
pub struct World {
    scene: Scene,
    chance: Chance,
    origin: Instant,
    lead_in_ms: i64,
    road: Option<traffic::Road>,
    bench: Option<ph::Bench>,
    benches: bench::Benches,
    rig: Option<drum::Rig>,
    faults: fault::Faults,
    layouts: BTreeMap<String, RegisterProfile>,
    lines: BTreeMap<String, LineProfile>,
    tables: Vec<LimitTable>,
    answers: AtomicI64,
    node_life: node::Life,
    module: Option<io::Module>,
}

impl World {
    /// Makes the world; its time starts now, `lead_in` before the scene's zero.
    ///
    /// # Errors
    ///
    /// Names a profile, programme or channel that does not exist.
    pub fn new(mut scene: Scene, options: &WorldOptions) -> Result<Arc<Self>, WorldError> {
        scene.seed = options.seed.unwrap_or(scene.seed);
        scene.time_scale = options.time_scale.unwrap_or(scene.time_scale);
        let chance = Chance::new(scene.seed);
        let rig = scene
            .drum
            .clone()
            .map(|drum| programme(&drum.programme, options).map(|it| drum::Rig::new(drum, it, chance)));
        let lead_in = options.lead_in.as_secs_f64() * 1000.0 * scene.time_scale;
        let mut layouts = BTreeMap::new();
        if let Some(gamma) = &scene.gamma {
            layouts.insert(gamma.id.clone(), layout(&gamma.profile, options)?);
        }
        if let Some(drum) = &scene.drum {
            layouts.insert(drum.id.clone(), layout(&drum.profile, options)?);
        }
        let mut lines = BTreeMap::new();
        for it in scene.rigs.iter().flat_map(|rig| &rig.instruments) {
            match (&it.profile, it.speaks) {
                (Some(profile), Speech::Registers) => {
                    layouts.insert(it.id.clone(), layout(profile, options)?);
                }
                (Some(profile), Speech::Line) => {
                    lines.insert(it.id.clone(), line(profile, options)?);
                }
                _ => {}
            }
        }
        let mut tables = Vec::new();
        for (place, text) in (1..).zip(&scene.tables) {
            let name = format!("scene table {place}");
            tables.push(limits::load_str(&name, text).map_err(|report| WorldError::Table(report.to_string()))?);
        }
        let world = Self {
            chance,
            origin: Instant::now(),
            lead_in_ms: rounding::nearest(lead_in),
            road: scene.traffic.clone().map(|it| traffic::Road::new(it, chance)),
            bench: scene.ph_meter.clone().map(|it| ph::Bench::new(it, chance)),
            benches: bench::Benches::new(scene.rigs.clone(), chance),
            rig: rig.transpose()?,
            faults: fault::Faults::new(scene.faults.clone(), chance),
            layouts,
            lines,
            tables: limits::builtin().into_iter().chain(tables).collect(),
            answers: AtomicI64::new(0),
            node_life: node::Life::start(),
            module: scene.io_module.clone().map(io::Module::new),
            scene,
        };
        world.check_channels()?;
        Ok(Arc::new(world))
    }

    fn check_channels(&self) -> Result<(), WorldError> {
        for rig in &self.scene.rigs {
            for (it, instrument, channel) in
                rig.quantities.iter().filter_map(|it| Some((it, it.instrument.as_deref()?, it.channel.as_deref()?)))
            {
                let (profile, known) = match (self.layout(instrument), self.line_profile(instrument)) {
                    (Some(it), _) => (&it.id, it.channels.iter().map(|it| it.name.as_str()).collect::<Vec<_>>()),
                    (None, Some(it)) => (&it.id, it.channel_names()),
                    (None, None) => continue,
                };
                if !known.contains(&channel) {
                    return Err(WorldError::NoChannel {
                        parameter: it.parameter.clone(),
                        profile: profile.clone(),
                        channel: channel.to_owned(),
                        known: known.join(", "),
                    });
                }
            }
        }
        for (instrument, layout) in &self.layouts {
            for channel in &layout.channels {
                if self.shown(instrument, &channel.name, 0).is_none() {
                    return Err(WorldError::Channel {
                        profile: layout.id.clone(),
                        channel: channel.name.clone(),
                        instrument: instrument.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The scene, with seed and time scale as they are used.
    pub const fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Scene time now, in milliseconds; negative during the lead-in.
    pub fn now_ms(&self) -> i64 {
        let real = Instant::now().saturating_duration_since(self.origin).as_secs_f64() * 1000.0;
        below(real * self.scene.time_scale + TICK_GRAIN_MS) - self.lead_in_ms
    }

    /// How the I/O module stands, where the scene has one.
    pub fn lamps(&self) -> Option<Lamps> {
        Some(self.module.as_ref()?.lamps(self.now_ms()))
    }

    pub(crate) fn module(&self) -> Option<&io::Module> {
        self.module.as_ref()
    }

    /// When this scene time comes, or came.
    pub fn instant(&self, scene_ms: i64) -> Instant {
        self.origin + self.real(scene_ms + self.lead_in_ms)
    }

    /// Real time that so much scene time takes.
    pub fn real(&self, scene_ms: i64) -> Duration {
        Duration::from_secs_f64((rounding::real(scene_ms) / 1000.0 / self.scene.time_scale).max(0.0))
    }

    /// Scene time at which the world began.
    pub const fn begins_ms(&self) -> i64 {
        -self.lead_in_ms
    }

    /// Passages whose scale is empty again by `until_ms`, in order.
    pub fn passages(&self, until_ms: i64) -> Vec<Passage> {
        self.road.as_ref().map_or_else(Vec::new, |road| road.finished(until_ms).collect())
    }

    /// Passages to declare: each lorry of a list once, of a generator the first `most`.
    pub(crate) fn declared_passages(&self, most: u64) -> Vec<Passage> {
        let Some(road) = &self.road else {
            return Vec::new();
        };
        (0..road.distinct().unwrap_or(most).min(most)).map_while(|number| road.passage(number)).collect()
    }

    /// Passage of this number, from 0, if there will be so many.
    pub(crate) fn passage(&self, number: u64) -> Option<Passage> {
        self.road.as_ref()?.passage(number)
    }

    fn passing(&self, at_ms: i64) -> Option<Passage> {
        self.road.as_ref()?.latest(at_ms)
    }

    /// The node behind an instrument, where it has one.
    pub(crate) fn node(&self, instrument: &str) -> Option<&SimulatedNode> {
        self.scene.weighbridge.as_ref().filter(|it| it.id == instrument)?.node.as_ref()
    }

    pub(crate) const fn node_life(&self) -> &node::Life {
        &self.node_life
    }

    /// What the weighbridge indicator displays, in kilograms; `None` when it is silent or does not exist.
    pub fn mass(&self, at_ms: i64) -> Option<Decimal> {
        let scale = self.scene.weighbridge.as_ref()?;
        let present = self.road.iter().flat_map(|it| it.present(at_ms));
        scale::indicated(scale, present, self.chance, at_ms)
    }

    /// What the indicator displays once this lorry has settled, give or take one scale interval.
    pub fn settled_mass(&self, passage: &Passage) -> Option<Decimal> {
        self.scene.weighbridge.as_ref().map(|scale| scale::settled(scale, passage))
    }

    fn portal_view(&self) -> Option<portal::View<'_>> {
        let portal = self.scene.portal.as_ref()?;
        let began = self.begins_ms().div_euclid(INTERVAL_MS);
        Some(portal::View { portal, road: self.road.as_ref(), chance: self.chance, began })
    }

    /// Lines the portal sends at the end of this interval of 200 ms.
    pub fn portal_lines(&self, interval: i64) -> Vec<Line> {
        let (Some(view), Some(portal)) = (self.portal_view(), &self.scene.portal) else {
            return Vec::new();
        };
        let at = |interval: i64, kind| self.faults.device(&portal.id, kind, interval * INTERVAL_MS).is_some();
        let mut lines = view.lines(interval);
        let (more, less) = FAULTY_BACKGROUND;
        for line in &mut lines {
            if let Line::Gamma { tag: tag @ GammaTag::GB, counts } = line {
                if at(interval, FaultKind::BackgroundHigh) {
                    (*tag, *counts) = (GammaTag::GH, counts.map(|it| (it * more).min(999_999)));
                } else if at(interval, FaultKind::BackgroundLow) {
                    (*tag, *counts) = (GammaTag::GL, counts.map(|it| it / less));
                }
            }
        }
        let open = at(interval, FaultKind::Tamper);
        if open != at(interval - 1, FaultKind::Tamper) {
            lines.push(Line::Tamper(open));
        }
        lines
    }

    /// What the portal asserts over the occupancy of this passage: gamma, neutron.
    pub fn portal_alarms(&self, passage: &Passage) -> (bool, bool) {
        self.portal_view().map_or((false, false), |view| view.alarms(passage.clone()))
    }

    /// What makes the portal's statement on this passage void, in the words of the lane.
    pub(crate) fn portal_faults(&self, passage: &Passage) -> Vec<&'static str> {
        let (Some(portal), Some(view)) = (&self.scene.portal, self.portal_view()) else {
            return Vec::new();
        };
        let occupancy = view.occupancy(passage.clone());
        let (first, end) = (occupancy.first * INTERVAL_MS, occupancy.end * INTERVAL_MS);
        // The monitor's state at its last background line before the occupancy is the one that counts.
        let background = first - portal.background_period.ms().min(1_000);
        let active = |kind, at_ms| self.faults.device(&portal.id, kind, at_ms).is_some();
        let mut faults = Vec::new();
        if active(FaultKind::BackgroundHigh, background) {
            faults.push("background-high");
        }
        if active(FaultKind::BackgroundLow, background) {
            faults.push("background-low");
        }
        if (first..=end).step_by(200).any(|at| active(FaultKind::Tamper, at)) {
            faults.push("tamper");
        }
        if passage.lorry.speed_kmh > rounding::as_real(portal.speed_limit_kmh) {
            faults.push("over-speed");
        }
        if occupancy.end - occupancy.first < i64::from(portal.intervals) {
            faults.push("incomplete-window");
        }
        faults
    }

    /// Air dose rate beside the weighbridge in microgray per hour, before the display rounds it.
    pub fn dose_rate(&self, at_ms: i64) -> Option<f64> {
        let gamma = self.scene.gamma.as_ref()?;
        Some(dose::rate(gamma, self.scene.portal.as_ref(), self.passing(at_ms).as_ref(), self.chance, at_ms))
    }

    /// Background and what this lorry adds to it while standing, microgray per hour.
    pub(crate) fn dose_of(&self, passage: &Passage) -> Option<(f64, f64)> {
        let gamma = self.scene.gamma.as_ref()?;
        Some((gamma.background, dose::source(gamma, self.scene.portal.as_ref(), passage)))
    }

    /// What the plate reader makes of this passage, and when it says so.
    pub fn plate_read(&self, passage: &Passage) -> Option<(i64, String, u8)> {
        let reader = self.scene.plate_reader.as_ref()?;
        let (text, confidence) = plate::read(passage, self.chance)?;
        Some((passage.arrives_ms + reader.delay.ms(), text, confidence))
    }

    /// Plates read in `after..=until`.
    pub(crate) fn plates(&self, after_ms: i64, until_ms: i64) -> Option<(String, u8)> {
        let delay = self.scene.plate_reader.as_ref()?.delay.ms();
        let (at, text, confidence) = self.plate_read(&self.passing(until_ms - delay)?)?;
        (after_ms < at && at <= until_ms).then_some((text, confidence))
    }

    /// Container numbers read in `after..=until`.
    pub(crate) fn containers(&self, after_ms: i64, until_ms: i64) -> Option<String> {
        let delay = self.scene.container_reader.as_ref()?.delay.ms();
        let passage = self.passing(until_ms - delay)?;
        let at = passage.arrives_ms + delay;
        if after_ms < at && at <= until_ms { plate::container(&passage) } else { None }
    }

    /// Indicated pH and temperature.
    pub fn ph(&self, at_ms: i64) -> Option<(Decimal, Decimal)> {
        self.bench.as_ref().map(|it| it.indicated(at_ms))
    }

    /// The specimens and when the schedule measures them.
    pub fn specimens(&self) -> Vec<PlannedSpecimen> {
        self.bench.as_ref().map_or_else(Vec::new, ph::Bench::plan)
    }

    /// Puts the electrode into a parallel (from 1) of a sample now, or, when it is in another extract,
    /// after rinsing it for the scene's time; the scene's schedule ends with the first call.
    ///
    /// # Errors
    ///
    /// Says which samples the scene has.
    pub fn immerse(&self, sample: &str, parallel: usize) -> Result<(), NoSuchExtract> {
        self.bench.as_ref().map_or(Ok(()), |it| it.immerse(self.now_ms(), Some((sample, parallel))))
    }

    /// Puts the electrode into the rinsing water now.
    pub fn rinse(&self) {
        if let Some(bench) = &self.bench {
            // Rinsing needs no extract, so there is none to be missing.
            let _ = bench.immerse(self.now_ms(), None);
        }
    }

    /// Drum runs finished by `until_ms`: run, start, end, and whether the tyre failed.
    pub(crate) fn drum_runs(&self, until_ms: i64) -> Vec<(&Run, i64, i64, bool)> {
        self.rig.as_ref().map_or_else(Vec::new, |rig| {
            rig.finished(until_ms).into_iter().map(|(run, start, end)| (run, start, end, rig.fails(run))).collect()
        })
    }

    /// How long the drum's programme runs, milliseconds of running time.
    pub fn programme_ms(&self) -> Option<i64> {
        self.rig.as_ref().map(drum::Rig::programme_ms)
    }

    /// A bench instrument and the bench it belongs to.
    pub(crate) fn station(&self, instrument: &str) -> Option<bench::Station<'_>> {
        self.benches.station(instrument)
    }

    /// The line profile a bench instrument speaks.
    pub(crate) fn line_profile(&self, instrument: &str) -> Option<&LineProfile> {
        self.lines.get(instrument)
    }

    /// What a person does at the agent, in the order of time.
    pub fn operator_script(&self) -> Vec<OperatorAction> {
        let mut script = self.scene.operator.clone();
        script.sort_by_key(|it| it.at);
        script
    }

    pub(crate) fn layout(&self, instrument: &str) -> Option<&RegisterProfile> {
        self.layouts.get(instrument)
    }

    pub(crate) fn tables(&self) -> &[LimitTable] {
        &self.tables
    }

    /// What a register channel shows; `None` for one this instrument does not know.
    pub(crate) fn shown(&self, instrument: &str, channel: &str, at_ms: i64) -> Option<Shown> {
        if self.scene.drum.as_ref().is_some_and(|it| it.id == instrument) {
            return self.rig.as_ref()?.shown(channel, at_ms);
        }
        let warming = self.device_fault(instrument, FaultKind::WarmUp, at_ms).is_some();
        if let Some(station) = self.station(instrument) {
            return Some(station.shown(self.layout(instrument)?.channel(channel)?, warming, at_ms));
        }
        Some(match channel {
            "dose-rate" | "count-rate" if warming => Shown::Absent,
            "dose-rate" => Shown::Real(self.dose_rate(at_ms)?, Unit::MicrograyPerHour),
            "count-rate" => Shown::Real(self.dose_rate(at_ms)? * COUNTS_PER_MICROGRAY, Unit::PerSecond),
            "warming-up" => Shown::Whole(i64::from(warming)),
            "fault" => Shown::Whole(0),
            "heartbeat" => Shown::Whole(at_ms.div_euclid(1000).rem_euclid(65_536)),
            _ => return None,
        })
    }

    /// Since when a device fault of this kind has been active, and the fault.
    pub(crate) fn device_fault(&self, instrument: &str, kind: FaultKind, at_ms: i64) -> Option<(i64, &Fault)> {
        self.faults.device(instrument, kind, at_ms)
    }

    pub(crate) fn wire(&self, instrument: &str, frame: i64, at_ms: i64) -> Wire {
        self.faults.wire(instrument, frame, at_ms)
    }

    /// The next number of an answer, over all request-and-answer instruments.
    pub(crate) fn next_answer(&self) -> i64 {
        self.answers.fetch_add(1, Ordering::Relaxed)
    }
}

/// Added before rounding scene time down, so that waking exactly at a tick belongs to it in spite of
/// the nanosecond that a conversion through real numbers may lose.
const TICK_GRAIN_MS: f64 = 0.001;

fn layout(id: &str, options: &WorldOptions) -> Result<RegisterProfile, WorldError> {
    let known: Vec<_> = options.profiles.iter().cloned().chain(profile::builtin()).collect();
    let names = known.iter().map(|it| it.id.clone()).collect::<Vec<_>>().join(", ");
    known.into_iter().find(|it| it.id == id).ok_or_else(|| WorldError::Profile(id.to_owned(), names))
}

fn line(id: &str, options: &WorldOptions) -> Result<LineProfile, WorldError> {
    let known: Vec<_> = options.lines.iter().cloned().chain(profile::builtin_lines()).collect();
    let names = known.iter().map(|it| it.id.clone()).collect::<Vec<_>>().join(", ");
    known.into_iter().find(|it| it.id == id).ok_or_else(|| WorldError::Line(id.to_owned(), names))
}

fn programme(id: &str, options: &WorldOptions) -> Result<Programme, WorldError> {
    let known: Vec<_> = options.programmes.iter().cloned().chain(limits::builtin_programmes()).collect();
    let names = known.iter().map(|it| it.id.clone()).collect::<Vec<_>>().join(", ");
    known.into_iter().find(|it| it.id == id).ok_or_else(|| WorldError::Programme(id.to_owned(), names))
}
