//! Scenes: what happens in the simulated world, written in TOML.
//!
//! A scene comes in as text and leaves as a checked [`Scene`]. Nothing here knows how an instrument
//! speaks; see the simulator's README for every key.

mod instrument;
mod model;
mod rig;
mod span;

pub use instrument::{
    ContainerReader, Drum, Gamma, IoModule, PhMeter, PlateReader, Portal, Run, SimulatedNode, Specimen, Weighbridge,
};
pub use model::{
    ContainerRead, Declared, DriveAxle, Fault, FaultKind, Generator, LaneSetup, Lorry, PlateRead, Scene, Traffic,
    Vehicle,
};
pub use rig::{
    Act, BenchInstrument, Ending, Judged, Number, Numbers, OperatorAction, Quantity, Rig, Sample, Speech, States, Take,
    Trigger,
};
pub use span::{Span, SpanError};

use tidewaiter_drivers::Decimal;

/// Scenes that come with the program: name and text.
pub const BUILT_IN: [(&str, &str); 18] = [
    ("demo", include_str!("../../scenes/demo.toml")),
    ("lane", include_str!("../../scenes/lane.toml")),
    ("lane-lights", include_str!("../../scenes/lane-lights.toml")),
    ("node-scale", include_str!("../../scenes/node-scale.toml")),
    ("two-lorries", include_str!("../../scenes/two-lorries.toml")),
    ("containers", include_str!("../../scenes/containers.toml")),
    ("drill", include_str!("../../scenes/drill.toml")),
    ("rig", include_str!("../../scenes/rig.toml")),
    ("ph-meter", include_str!("../../scenes/ph-meter.toml")),
    ("textile-bench", include_str!("../../scenes/textile-bench.toml")),
    ("cotton", include_str!("../../scenes/cotton.toml")),
    ("tyre-uniformity", include_str!("../../scenes/tyre-uniformity.toml")),
    ("tyre-rolling-resistance", include_str!("../../scenes/tyre-rolling-resistance.toml")),
    ("concentrate", include_str!("../../scenes/concentrate.toml")),
    ("coal", include_str!("../../scenes/coal.toml")),
    ("brake-lining", include_str!("../../scenes/brake-lining.toml")),
    ("gamma-spectrum", include_str!("../../scenes/gamma-spectrum.toml")),
    ("generic-sample", include_str!("../../scenes/generic-sample.toml")),
];

/// Free time kept between two lorries, so that the scale returns to zero and the portal sees its background.
const LEAST_GAP_MS: i64 = 500;
/// From the tail of a lorry clearing the portal's beam to the next front breaking it, at the least: the hold-in and
/// a background line.
const BEAM_CLEAR_MS: i64 = 4_000;

/// Why a text is not a scene.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// It is not TOML, or a key does not belong there.
    #[error("scene: {0}")]
    Syntax(toml::de::Error),
    /// A value contradicts the world.
    #[error("scene: {key} is {found}; {remedy}")]
    Value {
        /// Key it stands at.
        key: String,
        /// What was found.
        found: String,
        /// What to write instead.
        remedy: String,
    },
}

impl Scene {
    /// Reads and checks a scene.
    ///
    /// # Errors
    ///
    /// Names the key, what stands there and what would be right.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidewaiter_simulator::Scene;
    ///
    /// let scene = Scene::from_toml("title = 'a scale'\nseed = 1\n[weighbridge]").unwrap();
    /// assert_eq!(scene.weighbridge.unwrap().id, "scale-1");
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, SceneError> {
        let scene: Self = toml::from_str(text).map_err(SceneError::Syntax)?;
        scene.check()?;
        Ok(scene)
    }

    /// A scene that comes with the program, by name.
    ///
    /// # Errors
    ///
    /// Says which names there are.
    pub fn built_in(name: &str) -> Result<Self, SceneError> {
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::from_toml(text),
            None => Err(value("scene name", &name, &format!("built in are {}", Self::built_in_names()))),
        }
    }

    /// Names of the scenes that come with the program, as a sentence has them.
    pub fn built_in_names() -> String {
        BUILT_IN.map(|(name, _)| name).join(", ")
    }

    /// Ids of the instruments of this scene, in a fixed order.
    pub fn instruments(&self) -> Vec<&str> {
        [
            self.weighbridge.as_ref().map(|it| it.id.as_str()),
            self.portal.as_ref().map(|it| it.id.as_str()),
            self.gamma.as_ref().map(|it| it.id.as_str()),
            self.plate_reader.as_ref().map(|it| it.id.as_str()),
            self.container_reader.as_ref().map(|it| it.id.as_str()),
            self.ph_meter.as_ref().map(|it| it.id.as_str()),
            self.drum.as_ref().map(|it| it.id.as_str()),
        ]
        .into_iter()
        .flatten()
        .chain(self.rigs.iter().flat_map(|rig| rig.instruments.iter().map(|it| it.id.as_str())))
        .collect()
    }

    /// Ids of everything with a cable: the instruments, and the module that is written to.
    pub fn ends(&self) -> Vec<&str> {
        self.instruments().into_iter().chain(self.io_module.as_ref().map(|it| it.id.as_str())).collect()
    }

    /// Ids of the rigs and the lane, where an operator can do something.
    pub fn places(&self) -> Vec<&str> {
        let lane = self.weighbridge.as_ref().map(|_| self.lane.id.as_str());
        let rigs =
            [self.ph_meter.as_ref().map(|it| it.rig.as_str()), self.drum.as_ref().map(|it| it.rig.as_str()), lane];
        rigs.into_iter().flatten().chain(self.rigs.iter().map(|it| it.id.as_str())).collect()
    }

    /// The bench instrument of this id, and its bench.
    pub fn bench_instrument(&self, id: &str) -> Option<(&Rig, &BenchInstrument)> {
        self.rigs.iter().flat_map(|rig| rig.instruments.iter().map(move |it| (rig, it))).find(|(_, it)| it.id == id)
    }

    /// The TCP port of an instrument, 0 where one is picked; `None` for one at the end of a serial line.
    pub fn tcp_port(&self, id: &str) -> Option<u16> {
        let own = [
            self.weighbridge.as_ref().and_then(|it| Some((it.id.as_str(), it.node.as_ref()?.port))),
            self.portal.as_ref().map(|it| (it.id.as_str(), it.port)),
            self.plate_reader.as_ref().map(|it| (it.id.as_str(), it.port)),
            self.container_reader.as_ref().map(|it| (it.id.as_str(), it.port)),
            self.gamma.as_ref().map(|it| (it.id.as_str(), it.port)),
            self.drum.as_ref().map(|it| (it.id.as_str(), it.port)),
            self.io_module.as_ref().map(|it| (it.id.as_str(), it.port)),
        ];
        let own = own.into_iter().flatten().find(|(it, _)| *it == id).map(|(_, port)| port);
        own.or_else(|| self.bench_instrument(id).map(|(_, it)| it.port))
    }

    fn check(&self) -> Result<(), SceneError> {
        if !(self.time_scale > 0.0 && self.time_scale <= 1000.0) {
            return Err(value("time_scale", &self.time_scale, "write a number above 0 and up to 1000"));
        }
        let instruments = self.ends();
        for (place, id) in instruments.iter().enumerate() {
            if id.is_empty() || id.len() > 32 {
                return Err(value("instrument id", id, "write 1 to 32 bytes"));
            }
            if instruments.iter().take(place).any(|earlier| earlier == id) {
                return Err(value("instrument id", id, "two instruments bear it; give each its own"));
            }
        }
        for fault in &self.faults {
            if !instruments.contains(&fault.instrument.as_str()) {
                let known = format!("instruments of this scene are {}", instruments.join(", "));
                return Err(value("fault.instrument", &fault.instrument, &known));
            }
            if !(0.0..=1.0).contains(&fault.chance) {
                return Err(value("fault.chance", &fault.chance, "write a probability from 0 to 1"));
            }
            if fault.every.is_some_and(|every| every.ms() == 0) {
                return Err(value("fault.every", &"0 s", "write a length above zero"));
            }
        }
        if let Some(traffic) = &self.traffic {
            traffic.check()?;
        }
        self.rigs.iter().try_for_each(Rig::check)?;
        let places = self.places();
        self.operator.iter().try_for_each(|it| it.check(&places))?;
        if let Some(scale) = &self.weighbridge
            && (scale.scale_interval.cmp_value(Decimal::ZERO).is_le() || scale.scale_interval.places() > 4)
        {
            return Err(value(
                "weighbridge.scale_interval",
                &scale.scale_interval,
                "write a positive decimal of at most 4 places",
            ));
        }
        if let Some(node) = self.weighbridge.as_ref().and_then(|it| it.node.as_ref()) {
            if node.serial.is_empty() || node.serial.len() > 8 || !node.serial.bytes().all(|it| it.is_ascii_graphic()) {
                return Err(value("weighbridge.node.serial", &node.serial, "write 1 to 8 characters"));
            }
            if node.key.len() != 64 || !node.key.bytes().all(|it| it.is_ascii_hexdigit()) {
                return Err(value("weighbridge.node.key", &"another length", "write 64 hexadecimal digits"));
            }
        }
        if let Some(portal) = &self.portal {
            if portal.intervals == 0 || portal.background_period.ms() < 200 || portal.background_time_s == 0 {
                return Err(value(
                    "portal",
                    &"intervals, background_period or background_time_s",
                    "intervals and background_time_s start at 1, background_period at 200 ms",
                ));
            }
            if portal.background_cps.iter().chain(&portal.neutron_cps).any(|rate| !(0.0..=90_000.0).contains(rate)) {
                return Err(value("portal.background_cps", &"out of range", "write 0 to 90000, a line has six digits"));
            }
        }
        if let Some(meter) = &self.ph_meter {
            if meter.period.ms() == 0 {
                return Err(value("ph_meter.period", &meter.period, "write at least 1 ms"));
            }
            if let Some(specimen) = meter.specimens.iter().find(|it| it.ph.is_empty()) {
                return Err(value("ph_meter.specimen.ph", &specimen.sample, "write the end value of each parallel"));
            }
        }
        if let Some(drum) = &self.drum
            && let Some(run) = drum.runs.iter().find(|it| it.barcode.len() > 20 || !it.barcode.is_ascii())
        {
            return Err(value("drum.run.barcode", &run.barcode, "write at most 20 ASCII characters"));
        }
        Ok(())
    }
}

impl Traffic {
    fn check(&self) -> Result<(), SceneError> {
        if self.lorries.is_empty() == self.generator.is_none() {
            return Err(value(
                "traffic",
                &"list and generator",
                "write either [[traffic.lorry]] or [traffic.generator]",
            ));
        }
        let room = self.headway.ms() - self.jitter.ms() - LEAST_GAP_MS;
        for (place, lorry) in self.lorries.iter().enumerate() {
            if !(2..=12).contains(&lorry.axles) {
                return Err(value("traffic.lorry.axles", &lorry.axles, "write 2 to 12"));
            }
            if !(lorry.length_m > 0.0 && lorry.speed_kmh > 0.0 && lorry.exit_kmh > 0.0) {
                return Err(value("traffic.lorry", &lorry.plate, "length and speeds must be above zero"));
            }
            let whole = lorry.drive_on_ms() + lorry.stand.ms() + lorry.drive_off_ms();
            // One that comes too early is meant to meet the one before it, but not in the portal's beam.
            let next = self.lorries.get(place + 1).map_or(0, |it| it.early.ms());
            if next > 0 && lorry.drive_on_ms() + BEAM_CLEAR_MS > self.headway.ms() - self.jitter.ms() - next {
                let remedy = format!("lorry {} would still break the beam; write less", lorry.plate);
                return Err(value("traffic.lorry.early", &Span::from_ms(next), &remedy));
            }
            if whole > room {
                let remedy = format!(
                    "the passage takes {whole} ms; raise headway to at least {} ms",
                    whole + self.jitter.ms() + LEAST_GAP_MS
                );
                return Err(value("traffic.headway", &self.headway, &remedy));
            }
        }
        if self.generator.is_some() && room < crate::world::LONGEST_GENERATED_MS {
            let remedy = format!("generated passages take up to {} ms and a gap", crate::world::LONGEST_GENERATED_MS);
            return Err(value("traffic.headway", &self.headway, &remedy));
        }
        Ok(())
    }
}

fn value(key: &str, found: &dyn std::fmt::Display, remedy: &str) -> SceneError {
    SceneError::Value { key: key.to_owned(), found: found.to_string(), remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn every_scene_that_comes_with_the_program_loads() {
        for (name, _) in BUILT_IN {
            let scene = Scene::built_in(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!scene.places().is_empty(), "{name}");
        }
    }

    #[test]
    fn a_wrong_scene_says_what_to_write() {
        let check = |text: &str, part: &str| {
            let error = Scene::from_toml(&format!("title = 't'\nseed = 1\n{text}")).unwrap_err().to_string();
            assert!(error.contains(part), "{text} gave {error}");
        };
        check("time_scale = 0.0", "above 0");
        check("[portal]\nid = 'scale-1'\n[weighbridge]", "two instruments");
        check("[[fault]]\ninstrument = 'x'\nkind = 'silence'", "fault.instrument is x");
        check("[portal]\nbackground_perid = '5 s'", "background_perid");
        check("[traffic]\nfirst = '1 s'\nheadway = '5 s'", "either");
        check(
            "[traffic]\nfirst = '1 s'\nheadway = '5 s'\n[[traffic.lorry]]\nplate = 'A'\naxles = 2\nmass_kg = 1",
            "raise headway",
        );
    }
}
