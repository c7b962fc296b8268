//! One passage while it lasts, and the inspection it becomes.

use tidewaiter_config::site;
use tidewaiter_drivers::{
    Decimal, Unit,
    portal::{occupancy::Occupancy, rpm::Line},
    reading::{Indication, Missing, Moment, Outcome, Quality},
};
use tidewaiter_screening::{
    Inspection,
    inspection::{
        Alarm, Completion, Declaration, Evidence, Identity, IncompleteReason, Measured, ScanFault, Subject, SubjectKind,
    },
};

use super::{super::Trace, portal};

/// Portal lines held while a passage lasts: a minute at five a second, and others between them.
const PORTAL_LINES: usize = 600;
/// Occupancies of one passage: a tractor and its trailer with a gap between them, and room.
const OCCUPANCIES: usize = 4;
/// Identities of one passage.
const IDENTITIES: usize = 8;

/// What is known of the lorry in the lane.
#[derive(Debug)]
pub(super) struct Passage {
    id: String,
    pub(super) opened: Moment,
    pub(super) on_scale: bool,
    pub(super) left_at: Option<Moment>,
    heaviest: Option<(Indication, Evidence)>,
    last_moving: Option<(Indication, Evidence)>,
    pub(super) scale_missing: Option<Missing>,
    pub(super) in_portal: bool,
    pub(super) background_line: Option<Evidence>,
    lines: Vec<PortalLine>,
    intervals_seen: u32,
    occupancies: Vec<(Occupancy, u32)>,
    dose: Option<(Indication, Evidence)>,
    pub(super) dose_missing: Option<Missing>,
    dose_background: Option<Decimal>,
    dose_background_readings: usize,
    identities: Vec<Identity>,
    faults: Vec<ScanFault>,
}

#[derive(Debug)]
struct PortalLine {
    evidence: Evidence,
    decisive: bool,
    /// Number of the gamma interval within the passage, from 0.
    interval: Option<u32>,
}

impl Passage {
    pub(super) fn new(
        id: String,
        opened: Moment,
        dose_background: Option<Decimal>,
        dose_background_readings: usize,
    ) -> Self {
        Self {
            id,
            opened,
            on_scale: false,
            left_at: None,
            heaviest: None,
            last_moving: None,
            scale_missing: None,
            in_portal: false,
            background_line: None,
            lines: Vec::new(),
            intervals_seen: 0,
            occupancies: Vec::new(),
            dose: None,
            dose_missing: None,
            dose_background,
            dose_background_readings,
            identities: Vec::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn subject(&self) -> String {
        self.identities.first().map_or_else(String::new, |identity| identity.text.clone())
    }

    pub(super) fn is_weighed(&self) -> bool {
        self.heaviest.is_some()
    }

    pub(super) fn has_left(&self) -> bool {
        self.left_at.is_some() && !self.on_scale
    }

    /// The portal has seen at least one whole occupancy of it.
    pub(super) fn is_through(&self) -> bool {
        !self.occupancies.is_empty()
    }

    pub(super) fn has_plate(&self) -> bool {
        self.identities.iter().any(|identity| identity.kind == "plate")
    }

    /// Takes a mass; true when it is the first settled one.
    pub(super) fn weigh(&mut self, indication: Indication, evidence: Evidence, loaded: bool) -> bool {
        if self.on_scale && !loaded {
            self.left_at = Some(evidence.at);
        }
        if loaded {
            self.left_at = None;
        }
        self.on_scale = loaded;
        let heavier = |than: &Option<(Indication, Evidence)>| {
            than.as_ref().is_none_or(|(most, _)| indication.value.cmp_value(most.value).is_gt())
        };
        if !loaded {
            return false;
        }
        if indication.quality == Quality::Good {
            let first = self.heaviest.is_none();
            if heavier(&self.heaviest) {
                self.heaviest = Some((indication, evidence));
            }
            first
        } else {
            if heavier(&self.last_moving) {
                self.last_moving = Some((indication, evidence));
            }
            false
        }
    }

    pub(super) fn dose(&mut self, indication: Indication, evidence: Evidence) {
        let higher = self.dose.as_ref().is_none_or(|(most, _)| indication.value.cmp_value(most.value).is_gt());
        if higher {
            self.dose = Some((indication, evidence));
        }
    }

    pub(super) fn portal_line(&mut self, evidence: Evidence, line: &Line) {
        let interval = portal::is_interval(line).then_some(self.intervals_seen);
        self.intervals_seen += u32::from(interval.is_some());
        if self.lines.len() < PORTAL_LINES {
            self.lines.push(PortalLine { evidence, decisive: portal::is_decisive(line), interval });
        }
    }

    /// One occupancy has ended.
    pub(super) fn occupied(&mut self, occupancy: Occupancy) {
        let before = self.intervals_seen.saturating_sub(occupancy.gamma_lines);
        if let Some(window) = occupancy.strongest {
            let first = before + window.index;
            let last = first + u32::from(occupancy.intervals);
            for line in &mut self.lines {
                line.decisive |= line.interval.is_some_and(|number| (first..last).contains(&number));
            }
        }
        if self.occupancies.len() < OCCUPANCIES {
            self.occupancies.push((occupancy, before));
        }
    }

    /// Adds an identity; the same text twice is one, two different ones of a kind are both kept as ambiguous.
    pub(super) fn identify(&mut self, mut identity: Identity) {
        if let Some(known) = self.identities.iter_mut().find(|it| it.kind == identity.kind && it.text == identity.text)
        {
            known.confidence = known.confidence.max(identity.confidence);
            return;
        }
        for other in self.identities.iter_mut().filter(|it| it.kind == identity.kind) {
            "ambiguous".clone_into(&mut other.source);
            "ambiguous".clone_into(&mut identity.source);
        }
        if self.identities.len() < IDENTITIES {
            self.identities.push(identity);
        }
    }

    pub(super) fn fault(&mut self, kind: &str, instrument: &str) {
        if !self.faults.iter().any(|fault| fault.kind == kind && fault.instrument == instrument) {
            self.faults.push(ScanFault { instrument: instrument.to_owned(), kind: kind.to_owned() });
        }
    }

    /// The inspection as it stands.
    pub(super) fn inspection(
        &self,
        place: &str,
        gate: &site::LorryGate,
        portal_down: bool,
        simulated: bool,
        now: Moment,
        incomplete: Option<IncompleteReason>,
    ) -> Inspection {
        let mut measured = vec![self.mass(gate)];
        let mut faults = self.faults.clone();
        let mut alarms = Vec::new();
        if let Some(portal) = &gate.portal {
            self.portal_part(portal, portal_down, &mut measured, &mut alarms, &mut faults);
        }
        if let Some((instrument, _)) = &gate.dose_rate {
            measured.push(self.dose_rate(instrument));
        }
        let trace = self.evidence();
        measured.extend(trace.left_out(gate.portal.as_deref().unwrap_or(&gate.scale)));
        let mut readings = trace.readings();
        readings.sort_by_key(|evidence| evidence.at.mono_ms);
        Inspection {
            id: self.id.clone(),
            procedure: "lorry-gate".to_owned(),
            place: place.to_owned(),
            subject: Subject {
                kind: SubjectKind::Conveyance,
                identities: self.identities.clone(),
                declaration: Declaration::None,
            },
            opened: self.opened,
            closed: now,
            completion: incomplete.map_or(Completion::Complete, Completion::Incomplete),
            simulated,
            drill: false,
            measured,
            alarms,
            faults,
            readings,
        }
    }

    fn mass(&self, gate: &site::LorryGate) -> Measured {
        let (outcome, derivation) = match (&self.heaviest, &self.last_moving) {
            (Some((indication, _)), _) => (Ok(*indication), "greatest settled"),
            // Shown with its quality, so that a reader sees what was there; it is never judged as settled.
            (None, Some((indication, _))) => (Ok(*indication), "greatest, not settled"),
            (None, None) => (Err(self.scale_missing.unwrap_or(Missing::TimedOut)), "none"),
        };
        measured("gross-mass", &gate.scale, outcome, derivation)
    }

    fn dose_rate(&self, instrument: &str) -> Measured {
        let outcome = match &self.dose {
            Some((indication, _)) => Ok(*indication),
            None => Err(self.dose_missing.unwrap_or(Missing::TimedOut)),
        };
        let derivation = format!("max; background mean of {} vacant readings", self.dose_background_readings);
        Measured { background: self.dose_background, ..measured("dose-rate", instrument, outcome, &derivation) }
    }

    fn portal_part(
        &self,
        portal: &str,
        portal_down: bool,
        measured_out: &mut Vec<Measured>,
        alarms: &mut Vec<Alarm>,
        faults: &mut Vec<ScanFault>,
    ) {
        let count = |value: u64| i64::try_from(value).ok().map(Decimal::whole);
        let worst = self
            .occupancies
            .iter()
            .filter_map(|(occupancy, _)| Some((occupancy, occupancy.strongest?)))
            .max_by_key(|(_, window)| (window.sigma_milli, window.counts));
        match worst {
            Some((occupancy, window)) => {
                let outcome = match count(window.counts) {
                    Some(value) => Ok(Indication { value, unit: Unit::Count, quality: Quality::Good }),
                    None => Err(Missing::Overrange),
                };
                let derivation = format!(
                    "{} of {} intervals, window {} of {}",
                    occupancy.algorithm.text(),
                    occupancy.intervals,
                    window.index + 1,
                    occupancy.windows
                );
                measured_out.push(Measured {
                    background: window.background,
                    ..measured("gamma-counts", portal, outcome, &derivation)
                });
                if let Some(sigma) = window.sigma_milli.and_then(|milli| Decimal::new(milli, 3)) {
                    let outcome = Ok(Indication { value: sigma, unit: Unit::Sigma, quality: Quality::Good });
                    let derivation = format!("device rule N = {}", occupancy.n_sigma);
                    measured_out.push(measured("gamma-sigma", portal, outcome, &derivation));
                }
            }
            None => {
                let missing = if portal_down { Missing::LineDown } else { Missing::NotPresent };
                measured_out.push(measured("gamma-counts", portal, Err(missing), "no full window"));
            }
        }
        let least = self.occupancies.iter().filter_map(|(occupancy, _)| occupancy.least_per_mille).min();
        if let Some(share) = least.and_then(|per_mille| Decimal::new(i64::from(per_mille), 1)) {
            let outcome = Ok(Indication { value: share, unit: Unit::Percent, quality: Quality::Good });
            measured_out.push(measured("gamma-least", portal, outcome, "least window / background"));
        }
        let neutrons = self.occupancies.iter().filter_map(|(occupancy, _)| occupancy.neutron_most).max();
        if let Some(value) = neutrons.and_then(count) {
            let outcome = Ok(Indication { value, unit: Unit::Count, quality: Quality::Good });
            measured_out.push(measured("neutron-counts", portal, outcome, "most in one line"));
        }
        let speed =
            self.occupancies.iter().filter_map(|(occupancy, _)| occupancy.max_kmh).max_by(|a, b| a.cmp_value(*b));
        if let Some(value) = speed {
            let outcome = Ok(Indication { value, unit: Unit::KilometrePerHour, quality: Quality::Good });
            measured_out.push(measured("speed", portal, outcome, "max"));
        }
        let any = |test: fn(&Occupancy) -> bool| self.occupancies.iter().any(|(occupancy, _)| test(occupancy));
        let gamma = Alarm {
            instrument: portal.to_owned(),
            kind: "gamma".to_owned(),
            by_device: any(|it| it.device_gamma_alarm),
            recomputed: any(|it| it.own_gamma_alarm == Some(true)),
        };
        let neutron = Alarm {
            instrument: portal.to_owned(),
            kind: "neutron".to_owned(),
            by_device: any(|it| it.device_neutron_alarm),
            recomputed: false,
        };
        alarms.extend([gamma, neutron].into_iter().filter(|alarm| alarm.by_device || alarm.recomputed));
        for fault in self.occupancies.iter().flat_map(|(occupancy, _)| occupancy.faults.iter()) {
            let kind = fault.word();
            if !faults.iter().any(|known| known.kind == kind && known.instrument == portal) {
                faults.push(ScanFault { instrument: portal.to_owned(), kind: kind.to_owned() });
            }
        }
        if portal_down && self.occupancies.is_empty() {
            faults.push(ScanFault { instrument: portal.to_owned(), kind: "line-down".to_owned() });
        }
    }

    fn evidence(&self) -> Trace {
        let mut trace = Trace::default();
        for (_, evidence) in self.heaviest.iter().chain(&self.dose) {
            trace.keep(evidence.clone(), true);
        }
        if self.heaviest.is_none()
            && let Some((_, evidence)) = &self.last_moving
        {
            trace.keep(evidence.clone(), true);
        }
        if let Some(background) = &self.background_line {
            trace.keep(background.clone(), true);
        }
        for line in self.lines.iter().filter(|line| line.decisive) {
            trace.keep(line.evidence.clone(), true);
        }
        for line in self.lines.iter().filter(|line| !line.decisive) {
            trace.keep(line.evidence.clone(), false);
        }
        trace
    }
}

fn measured(parameter: &str, instrument: &str, outcome: Outcome, derivation: &str) -> Measured {
    Measured {
        parameter: parameter.to_owned(),
        instrument: instrument.to_owned(),
        outcome,
        background: None,
        uncertainty: None,
        derivation: derivation.to_owned(),
        stage: None,
    }
}
