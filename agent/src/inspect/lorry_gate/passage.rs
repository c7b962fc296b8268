//! One passage while it lasts, and the inspection it becomes.

use tidewaiter_config::site;
use tidewaiter_drivers::{
    Decimal,
    portal::{occupancy::Occupancy, rpm::Line},
    reading::{Indication, Missing, Moment, Quality},
};
use tidewaiter_screening::{
    Inspection,
    inspection::{
        Completion, Declaration, Evidence, Identity, IncompleteReason, Measured, ScanFault, Subject, SubjectKind,
    },
};

use super::{super::Trace, portal, scan::Scan};

/// Portal lines held while a passage lasts: ten minutes at five a second, and others between them.
const PORTAL_LINES: usize = 4_096;

/// Identities of one passage.
const IDENTITIES: usize = 8;

/// What is known of the lorry in the lane.
#[derive(Debug)]
pub(super) struct Passage {
    id: String,
    pub(super) opened: Moment,
    pub(super) on_scale: bool,
    pub(super) left_at: Option<Moment>,
    /// The lorry before it is still on the scale.
    pub(super) behind: bool,
    /// What it may share with the lorry before it.
    pub(super) shares: Shares,
    /// When it was last seen to leave the portal.
    pub(super) portal_left: Option<Moment>,
    /// What the scale showed last.
    shown: Option<Decimal>,
    heaviest: Option<(Indication, Evidence)>,
    last_moving: Option<(Indication, Evidence)>,
    pub(super) scale_missing: Option<Missing>,
    pub(super) in_portal: bool,
    pub(super) background_line: Option<Evidence>,
    lines: Vec<PortalLine>,
    intervals_seen: u32,
    scan: Scan,
    dose: Option<(Indication, Evidence)>,
    pub(super) dose_missing: Option<Missing>,
    dose_background: Option<Decimal>,
    dose_background_readings: usize,
    identities: Vec<Identity>,
    faults: Vec<ScanFault>,
}

/// What may be of this lorry or of the one before it, and so is nobody's value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shares {
    /// The lorry before it has yet to come onto the scale.
    pub(super) scale: bool,
    /// The lorry before it has yet to pass the portal.
    pub(super) portal: bool,
}

#[derive(Debug)]
struct PortalLine {
    evidence: Evidence,
    decisive: bool,
    /// Part of the strongest window of an occupancy.
    in_window: bool,
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
            behind: false,
            shares: Shares::default(),
            portal_left: None,
            shown: None,
            heaviest: None,
            last_moving: None,
            scale_missing: None,
            in_portal: false,
            background_line: None,
            lines: Vec::new(),
            intervals_seen: 0,
            scan: Scan::default(),
            dose: None,
            dose_missing: None,
            dose_background,
            dose_background_readings,
            identities: Vec::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn subject(&self) -> String {
        self.identities.first().map_or_else(String::new, |identity| identity.text.clone())
    }

    pub(super) fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// Whether the portal has asserted a gamma alarm, and a neutron alarm.
    pub(super) const fn asserted(&self) -> (bool, bool) {
        self.scan.asserted()
    }

    pub(super) fn is_weighed(&self) -> bool {
        self.heaviest.is_some()
    }

    pub(super) fn has_left(&self) -> bool {
        self.left_at.is_some() && !self.on_scale
    }

    /// Whether what the scale shows is this lorry's; `on` says that something is on the scale.
    pub(super) fn has_scale_to_itself(&mut self, on: bool) -> bool {
        self.behind &= on;
        !self.behind
    }

    /// Whether whoever enters the portal now must be the next lorry: this one has left, or is driving off
    /// and less than half of it is still on the scale, or the scale is silent and will never see it.
    pub(super) fn is_going(&self) -> bool {
        let leaving = self.heaviest.as_ref().zip(self.shown).is_some_and(|((most, _), shown)| {
            shown.checked_mul(Decimal::whole(2)).is_some_and(|twice| twice.cmp_value(most.value).is_lt())
        });
        self.has_left() || leaving || (self.shown.is_none() && self.scale_missing.is_some())
    }

    /// The portal has seen at least one whole occupancy of it.
    pub(super) fn is_through(&self) -> bool {
        self.scan.occupancies > 0
    }

    /// Whether it has an identity of this kind.
    pub(super) fn has(&self, kind: &str) -> bool {
        self.identities.iter().any(|identity| identity.kind == kind)
    }

    /// Takes a mass; true when it is the first settled one. `loaded` is the indication's own side of the
    /// threshold, `on` whether the lorry is on the scale, or since when the scale is empty.
    pub(super) fn weigh(
        &mut self,
        indication: Indication,
        evidence: Evidence,
        loaded: bool,
        on: Result<(), Moment>,
    ) -> bool {
        self.shown = Some(indication.value);
        if let (true, Err(since)) = (self.on_scale, on) {
            self.left_at = Some(since);
        }
        self.on_scale = on.is_ok();
        if self.on_scale {
            self.left_at = None;
        }
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

    /// Takes a line of the portal; true when it is the first to assert an alarm of its kind.
    pub(super) fn portal_line(&mut self, evidence: Evidence, line: &Line) -> bool {
        let interval = portal::is_interval(line).then_some(self.intervals_seen);
        self.intervals_seen += u32::from(interval.is_some());
        let decisive = portal::is_decisive(line);
        if self.lines.len() >= PORTAL_LINES {
            let indifferent = self.lines.iter().position(|line| !line.decisive && !line.in_window);
            if let Some(oldest) = indifferent.filter(|_| decisive) {
                self.lines.remove(oldest);
            }
        }
        if self.lines.len() < PORTAL_LINES {
            self.lines.push(PortalLine { evidence, decisive, in_window: false, interval });
        }
        self.scan.assert(portal::asserts(line))
    }

    /// One occupancy has ended.
    pub(super) fn occupied(&mut self, occupancy: Occupancy) {
        // Negative when the occupancy began before this passage did.
        let before = i64::from(self.intervals_seen) - i64::from(occupancy.gamma_lines);
        if let Some(window) = occupancy.strongest {
            let first = before + i64::from(window.index);
            let last = first + i64::from(occupancy.intervals);
            for line in &mut self.lines {
                line.in_window |= line.interval.is_some_and(|number| (first..last).contains(&i64::from(number)));
            }
        }
        self.scan.add(occupancy);
    }

    /// Adds an identity; the same text twice is one, two different ones of a kind are both kept as ambiguous. Of
    /// containers a lorry may carry two, and the check digit has told them from misreadings.
    pub(super) fn identify(&mut self, mut identity: Identity) {
        if let Some(known) = self.identities.iter_mut().find(|it| it.kind == identity.kind && it.text == identity.text)
        {
            known.confidence = known.confidence.max(identity.confidence);
            if known.source == "corrected" {
                known.source = identity.source;
            }
            return;
        }
        let kind = identity.kind.clone();
        for other in self.identities.iter_mut().filter(|it| it.kind == kind && kind != "container") {
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
            let mut told = self.scan.told(portal, portal_down);
            if self.shares.portal {
                // Alarms stand: whoever set them off is in the lane. The counts are nobody's.
                let why = "two vehicles in the lane";
                told.measured = vec![Measured::new("gamma-counts", portal, Err(Missing::NotPresent), why)];
            }
            measured.append(&mut told.measured);
            alarms.append(&mut told.alarms);
            told.faults.retain(|fault| !faults.contains(fault));
            faults.append(&mut told.faults);
        }
        if let Some((instrument, _)) = &gate.dose_rate {
            measured.push(self.dose_rate(instrument));
        }
        let trace = self.evidence();
        measured.extend(trace.left_out(gate.portal.as_deref().unwrap_or(&gate.scale)));
        let (mut readings, mut whole) = (trace.readings(), trace.whole());
        for readings in [&mut readings, &mut whole] {
            readings.sort_by_key(|evidence| evidence.at.mono_ms);
        }
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
            completion: match incomplete {
                None if self.shares.scale || self.shares.portal => Completion::Incomplete(IncompleteReason::Overlap),
                None => Completion::Complete,
                Some(reason) => Completion::Incomplete(reason),
            },
            simulated,
            drill: false,
            operator: None,
            measured,
            alarms,
            faults,
            readings,
            whole,
        }
    }

    fn mass(&self, gate: &site::LorryGate) -> Measured {
        let (outcome, derivation) = match (&self.heaviest, &self.last_moving) {
            (Some(_), _) | (None, Some(_)) if self.shares.scale => {
                (Err(Missing::NotPresent), "two vehicles in the lane")
            }
            (Some((indication, _)), _) => (Ok(*indication), "greatest settled"),
            // Shown with its quality, so that a reader sees what was there; it is never judged as settled.
            (None, Some((indication, _))) => (Ok(*indication), "greatest, not settled"),
            (None, None) => (Err(self.scale_missing.unwrap_or(Missing::TimedOut)), "none"),
        };
        Measured::new("gross-mass", &gate.scale, outcome, derivation)
    }

    fn dose_rate(&self, instrument: &str) -> Measured {
        let outcome = match &self.dose {
            Some((indication, _)) => Ok(*indication),
            None => Err(self.dose_missing.unwrap_or(Missing::TimedOut)),
        };
        let derivation = format!("max; background mean of {} vacant readings", self.dose_background_readings);
        Measured { background: self.dose_background, ..Measured::new("dose-rate", instrument, outcome, &derivation) }
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
        // What the result was taken from first, what else was asserted next, and the rest as far as there is room.
        for line in self.lines.iter().filter(|line| line.in_window) {
            trace.keep(line.evidence.clone(), true);
        }
        for line in self.lines.iter().filter(|line| line.decisive && !line.in_window) {
            trace.keep(line.evidence.clone(), true);
        }
        for line in self.lines.iter().filter(|line| !line.decisive && !line.in_window) {
            trace.keep(line.evidence.clone(), false);
        }
        trace
    }
}
