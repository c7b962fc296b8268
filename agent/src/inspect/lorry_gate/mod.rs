//! Procedure lorry gate: a lorry drives onto the scale through the portal and off again.
//!
//! ```text
//! Idle ──mass ≥ threshold for a while, or the portal is occupied──► Open
//! Open ──weighed, off the scale, portal through, plate known or waited for──► complete
//!      ──off the scale without a settled mass──► incomplete(drove-off), re-scan
//!      ──time limit──► incomplete(timed-out)                    ──► Leaving until the lane is empty
//!      ──the next lorry comes first──► what there is, incomplete(overlap) if something is missing
//! ```
//!
//! Two lorries in the lane are told apart where the portal and the scale can tell: the one whose passage ends with
//! something missing is recorded as overlapped, an event `second-vehicle` names both, and what may be either one's
//! is no value of the second.
//!
//! The mass is the greatest settled one: while axles drive on and off, smaller masses settle too. A platform
//! swings when an axle rolls on or off it, far enough to cross the threshold both ways; a lorry is therefore on
//! the scale, or off it, only when the indication has stayed on that side for longer than a swing.
//! The dose-rate background is the mean of the vacant lane's readings, frozen while it is occupied,
//! because a vehicle shields the detector from the ground.

mod identity;
mod passage;
pub(super) mod portal;
mod progress;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use tidewaiter_config::site::{self, Instrument, Protocol};
use tidewaiter_drivers::{
    Decimal,
    portal::occupancy::{Happening, Recompute, Settings, SetupKind},
    reading::{Moment, Quality, Reading},
};
use tidewaiter_screening::inspection::{Evidence, Identity, IncompleteReason};

use self::passage::Passage;
use super::{Event, Numbering, Step, elapsed_ms, load::Load, mean::mean, millis};
use crate::acquire::{Arrival, Content, LinkState, channel};

/// Vacant dose-rate readings that make the background: five minutes at one a second.
const BACKGROUND_READINGS: usize = 300;
/// Fewer vacant readings than this are no background.
const BACKGROUND_LEAST: usize = 5;
/// Identities that may wait for their passage.
const WAITING_IDENTITIES: usize = 8;
/// A portal that was vacant for this long is entered by another lorry: a tractor and its trailer part the beam for
/// less, at a walking pace and with the longest drawbar.
const SECOND_VEHICLE_MS: u64 = 5000;
/// A lorry that left without a settled mass may roll back onto the scale for this long.
const DROVE_OFF_MS: u64 = 2000;

/// The machine of one lane.
#[derive(Debug)]
pub(crate) struct LorryGate {
    place: String,
    gate: site::LorryGate,
    simulated: bool,
    limit_ms: u64,
    identity_ms: u64,
    numbering: Numbering,
    portal: Option<Recompute>,
    portal_down: bool,
    vacant_dose: VecDeque<Decimal>,
    recent: VecDeque<(Moment, Identity)>,
    background_line: Option<Evidence>,
    load: Load,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    Open(Box<Passage>),
    /// Given up, and the lorry is still there.
    Leaving {
        on_scale: bool,
    },
}

impl LorryGate {
    /// `portal` is the instrument behind `gate.portal`.
    pub(crate) fn new(
        place: &str,
        boot: u64,
        gate: &site::LorryGate,
        portal: Option<&Instrument>,
        simulated: bool,
    ) -> Self {
        let portal = portal.and_then(|instrument| match instrument.protocol {
            Protocol::RpmLines { n_sigma, intervals, speed_limit_kmh } => {
                Some(Recompute::new(Settings::new(n_sigma, intervals, speed_limit_kmh)))
            }
            _ => None,
        });
        Self {
            place: place.to_owned(),
            simulated,
            limit_ms: millis(gate.time_limit),
            identity_ms: millis(gate.identity_window),
            gate: gate.clone(),
            numbering: Numbering::new(place, boot),
            portal,
            portal_down: false,
            vacant_dose: VecDeque::new(),
            recent: VecDeque::new(),
            background_line: None,
            load: Load::default(),
            state: State::Idle,
        }
    }

    pub(crate) fn running(&self) -> Option<String> {
        match &self.state {
            State::Open(passage) => Some(passage.subject()),
            _ => None,
        }
    }

    /// Whether nothing is going on, and nothing that was given up is still in the lane.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Takes what an instrument says while it is under a function check: none of it is a passage, and the portal's
    /// counter, background, set-up and faults are followed all the same, or the next lorry would be held to have been
    /// counted wrongly.
    pub(crate) fn aside(&mut self, arrival: &Arrival) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut happenings = Vec::new();
        match (&arrival.content, &mut self.portal) {
            (Content::Portal(line), Some(portal)) if self.gate.portal.as_deref() == Some(&*arrival.instrument) => {
                self.portal_down = false;
                happenings.extend(portal.push(arrival.at.mono_ms, line));
                if portal::is_background(line) {
                    self.background_line = portal::evidence(arrival, line);
                }
            }
            (Content::Link(state), Some(portal)) if self.gate.portal.as_deref() == Some(&*arrival.instrument) => {
                self.portal_down = *state == LinkState::Down;
                if self.portal_down {
                    portal.interrupted();
                }
            }
            _ => {}
        }
        for happening in happenings {
            if !matches!(happening, Happening::Opened | Happening::Closed(_)) {
                self.happening(happening, arrival.at, &mut steps);
            }
        }
        steps
    }

    pub(crate) fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        let from = |id: &str| *arrival.instrument == *id;
        let mut steps = Vec::new();
        if from(&self.gate.scale) {
            self.scale(arrival, &mut steps);
        }
        if self.gate.portal.as_deref().is_some_and(from) {
            self.portal(arrival, &mut steps);
        }
        if self.gate.dose_rate.as_ref().is_some_and(|(id, _)| from(id)) {
            self.dose(arrival);
        }
        if self.gate.plate.as_deref().is_some_and(from)
            && let Content::Identity(mark) = &arrival.content
        {
            self.identity(arrival.at, identity::plate(mark));
        }
        if self.gate.container.as_deref().is_some_and(from)
            && let Content::Identity(mark) = &arrival.content
        {
            self.identity(arrival.at, identity::container(mark));
        }
        steps.extend(self.advance(arrival.at));
        steps
    }

    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(happening) = self.portal.as_mut().and_then(|portal| portal.tick(now.mono_ms)) {
            self.happening(happening, now, &mut steps);
        }
        steps.extend(self.advance(now));
        steps
    }

    pub(crate) fn interrupt(&mut self, now: Moment) -> Vec<Step> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Open(passage) => vec![self.done(&passage, now, Some(IncompleteReason::Interrupted))],
            _ => Vec::new(),
        }
    }

    fn scale(&mut self, arrival: &Arrival, steps: &mut Vec<Step>) {
        match &arrival.content {
            Content::Readings(readings) => {
                for reading in readings.iter().filter(|it| it.channel == channel::MASS || it.channel == channel::GROSS)
                {
                    self.mass(arrival, reading, steps);
                }
            }
            Content::Missing(missing) => {
                if let State::Open(passage) = &mut self.state {
                    passage.scale_missing = Some(*missing);
                }
            }
            _ => {}
        }
    }

    fn mass(&mut self, arrival: &Arrival, reading: &Reading, steps: &mut Vec<Step>) {
        let loaded = match reading.outcome {
            Ok(indication) => indication.value.cmp_value(self.gate.threshold).is_ge(),
            Err(missing) => {
                if let State::Open(passage) = &mut self.state {
                    passage.scale_missing = Some(missing);
                }
                return;
            }
        };
        let since = self.load.take(loaded, arrival.at);
        let on = self.load.on;
        let next_lorry =
            matches!(&self.state, State::Open(passage) if on && passage.has_left() && passage.is_weighed());
        let first = if next_lorry { self.overtaken(arrival.at, steps) } else { None };
        match &mut self.state {
            State::Idle if on && loaded => steps.extend(self.open(since)),
            State::Leaving { on_scale } => *on_scale = on,
            _ => {}
        }
        if let Some(first) = first {
            // The portal is still to see the first lorry, and what it sees next may be either one.
            let shared = !first.is_through && self.gate.portal.is_some() && !self.portal_down;
            if let State::Open(second) = &mut self.state {
                second.shares.portal |= shared;
            }
            steps.extend(self.second_vehicle(&first));
        }
        if let State::Open(passage) = &mut self.state {
            if !passage.has_scale_to_itself(on) {
                return;
            }
            let evidence = Evidence {
                instrument: arrival.instrument.to_string(),
                channel: reading.channel.to_string(),
                at: reading.at,
                outcome: reading.outcome,
                raw: arrival.raw.to_vec(),
            };
            if let Ok(indication) = reading.outcome
                && passage.weigh(indication, evidence, loaded, if on { Ok(()) } else { Err(since) })
            {
                steps.push(self.remember(arrival.at));
            }
        }
    }

    fn portal(&mut self, arrival: &Arrival, steps: &mut Vec<Step>) {
        let Some(portal) = &mut self.portal else { return };
        match &arrival.content {
            Content::Portal(line) => {
                self.portal_down = false;
                let was_occupied = portal.is_occupied();
                let happenings = portal.push(arrival.at.mono_ms, line);
                let occupied = portal.is_occupied();
                let evidence = portal::evidence(arrival, line);
                if portal::is_background(line) {
                    self.background_line.clone_from(&evidence);
                }
                if was_occupied && portal::asserts(line) != (false, false) {
                    steps.extend(self.alarmed_again(arrival.at));
                }
                let mut asserted = false;
                // The line that ends a passage belongs to it, and so does the one that begins it.
                if let (true, State::Open(passage), Some(evidence)) = (was_occupied, &mut self.state, &evidence) {
                    asserted |= passage.portal_line(evidence.clone(), line);
                }
                for happening in happenings {
                    self.happening(happening, arrival.at, steps);
                }
                if let (false, true, State::Open(passage), Some(evidence)) =
                    (was_occupied, occupied, &mut self.state, evidence)
                {
                    asserted |= passage.portal_line(evidence, line);
                }
                if asserted {
                    steps.push(self.remember(arrival.at));
                }
            }
            Content::Link(LinkState::Down) => {
                self.portal_down = true;
                if let Some(happening) = portal.interrupted() {
                    self.happening(happening, arrival.at, steps);
                }
                if let State::Open(passage) = &mut self.state {
                    // Whoever is in the portal when it comes back may have been there all the time.
                    passage.portal_left = None;
                }
            }
            Content::Link(LinkState::Up) => self.portal_down = false,
            _ => {}
        }
    }
    /// A lorry that was given up sets off an alarm on its way out: that is an examination of its own.
    fn alarmed_again(&mut self, now: Moment) -> Vec<Step> {
        let State::Leaving { on_scale } = self.state else { return Vec::new() };
        let steps = self.open(now);
        if let State::Open(passage) = &mut self.state {
            passage.in_portal = true;
            passage.behind = on_scale;
        }
        steps
    }

    /// A conveyance has entered the portal.
    fn entered(&mut self, now: Moment, steps: &mut Vec<Step>) {
        let next_lorry = matches!(&self.state, State::Open(passage) if passage.is_through()
            && (passage.is_going() || passage.portal_left.is_some_and(|left| elapsed_ms(left, now) >= SECOND_VEHICLE_MS)));
        let first = if next_lorry { self.overtaken(now, steps) } else { None };
        // One that was given up is still on the scale; what the scale shows until it is empty is not this one's.
        let behind = matches!(self.state, State::Leaving { on_scale: true });
        if !matches!(self.state, State::Open(_)) {
            steps.extend(self.open(now));
        }
        if let State::Open(passage) = &mut self.state {
            passage.in_portal = true;
            passage.behind |= behind;
            if let Some(first) = &first {
                passage.behind |= first.on_scale && !first.is_going;
                // The first lorry is between portal and scale: the next load may be either one.
                passage.shares.scale |= !first.on_scale && !first.is_weighed && !first.is_going;
            }
        }
        if let Some(first) = &first {
            steps.extend(self.second_vehicle(first));
        }
    }

    /// The event that tells of two lorries at once, when the first ended without all it needs.
    fn second_vehicle(&self, first: &First) -> Option<Step> {
        let State::Open(second) = &self.state else { return None };
        first.is_overlapped.then(|| {
            let mut facts = vec![("first".to_owned(), first.id.clone()), ("second".to_owned(), second.id().to_owned())];
            for (name, subject) in [("first-subject", first.subject.clone()), ("second-subject", second.subject())] {
                if !subject.is_empty() {
                    facts.push((name.to_owned(), subject));
                }
            }
            let (place, name) = (self.place.clone(), "second-vehicle".to_owned());
            Step::Event(Event { place, name, subject: None, facts })
        })
    }

    fn happening(&mut self, happening: Happening, now: Moment, steps: &mut Vec<Step>) {
        match happening {
            Happening::Closed(occupancy) => {
                if occupancy.lost_before > 0 {
                    let facts = vec![("passages".to_owned(), occupancy.lost_before.to_string())];
                    steps.push(self.event("portal-occupancy-lost", facts));
                }
                if let State::Open(passage) = &mut self.state {
                    passage.in_portal = false;
                    passage.portal_left = Some(now);
                    passage.occupied(occupancy);
                    steps.push(self.remember(now));
                }
            }
            Happening::SetupSeen(kind) => steps.push(self.event("portal-setup-seen", self.setup_facts(kind))),
            Happening::SetupChanged(kind) => {
                steps.push(self.event("portal-setup-changed", self.setup_facts(kind)));
            }
            Happening::FaultRaised(fault) => {
                steps.push(self.event("portal-fault-raised", vec![("fault".to_owned(), fault.word().to_owned())]));
            }
            Happening::FaultCleared(fault) => {
                steps.push(self.event("portal-fault-cleared", vec![("fault".to_owned(), fault.word().to_owned())]));
            }
            Happening::Opened => self.entered(now, steps),
        }
    }

    fn setup_facts(&self, kind: SetupKind) -> Vec<(String, String)> {
        self.portal.as_ref().map_or_else(Vec::new, |portal| portal::setup_facts(portal, kind))
    }

    fn event(&self, name: &str, facts: Vec<(String, String)>) -> Step {
        Step::Event(Event {
            place: self.place.clone(),
            name: name.to_owned(),
            subject: self.gate.portal.clone(),
            facts,
        })
    }

    fn dose(&mut self, arrival: &Arrival) {
        let Some((_, wanted)) = &self.gate.dose_rate else { return };
        match &arrival.content {
            Content::Readings(readings) => {
                for reading in readings.iter().filter(|it| it.channel == wanted.as_str()) {
                    match (&mut self.state, reading.outcome) {
                        (State::Open(passage), Ok(indication)) => {
                            let evidence = Evidence {
                                instrument: arrival.instrument.to_string(),
                                channel: reading.channel.to_string(),
                                at: reading.at,
                                outcome: reading.outcome,
                                raw: arrival.raw.to_vec(),
                            };
                            passage.dose(indication, evidence);
                        }
                        (State::Open(passage), Err(missing)) => passage.dose_missing = Some(missing),
                        (State::Idle, Ok(indication)) if indication.quality == Quality::Good => {
                            if self.vacant_dose.len() >= BACKGROUND_READINGS {
                                self.vacant_dose.pop_front();
                            }
                            self.vacant_dose.push_back(indication.value);
                        }
                        _ => {}
                    }
                }
            }
            Content::Missing(missing) => {
                if let State::Open(passage) = &mut self.state {
                    passage.dose_missing = Some(*missing);
                }
            }
            _ => {}
        }
    }

    fn identity(&mut self, at: Moment, identity: Identity) {
        match &mut self.state {
            State::Open(passage) => passage.identify(identity),
            // The plate of the lorry that is leaving has been waited for long enough.
            State::Leaving { .. } => {}
            State::Idle => {
                if self.recent.len() >= WAITING_IDENTITIES {
                    self.recent.pop_front();
                }
                self.recent.push_back((at, identity));
            }
        }
    }

    fn open(&mut self, now: Moment) -> Vec<Step> {
        let background = (self.vacant_dose.len() >= BACKGROUND_LEAST)
            .then(|| mean(&self.vacant_dose.iter().copied().collect::<Vec<_>>()))
            .flatten();
        let mut passage = Passage::new(self.numbering.take(), now, background, self.vacant_dose.len());
        for (at, identity) in self.recent.drain(..) {
            if elapsed_ms(at, now) <= self.identity_ms {
                passage.identify(identity);
            }
        }
        passage.background_line.clone_from(&self.background_line);
        self.state = State::Open(Box::new(passage));
        vec![self.remember(now)]
    }

    /// The next lorry is here: the open passage ends with what it has.
    fn overtaken(&mut self, now: Moment, steps: &mut Vec<Step>) -> Option<First> {
        let State::Open(passage) = &self.state else { return None };
        // One that is still on the scale may be half on it only: its mass counts when it drives off.
        let weighed = passage.is_weighed() && (passage.is_going() || passage.has_left());
        let whole = weighed && (self.portal.is_none() || passage.is_through());
        let first = First {
            id: passage.id().to_owned(),
            subject: passage.subject(),
            is_overlapped: !whole,
            is_weighed: passage.is_weighed(),
            is_through: passage.is_through(),
            is_going: passage.is_going(),
            on_scale: passage.on_scale,
        };
        steps.push(self.done(passage, now, (!whole).then_some(IncompleteReason::Overlap)));
        self.state = State::Idle;
        Some(first)
    }

    fn advance(&mut self, now: Moment) -> Vec<Step> {
        let in_portal = self.portal.as_ref().is_some_and(Recompute::is_occupied);
        let ending = match &self.state {
            State::Idle => return Vec::new(),
            State::Leaving { on_scale } => {
                if !on_scale && !in_portal {
                    self.state = State::Idle;
                }
                return Vec::new();
            }
            State::Open(passage) => self.ending(passage, now),
        };
        let Some(ending) = ending else { return Vec::new() };
        let State::Open(mut passage) = std::mem::replace(&mut self.state, State::Idle) else { return Vec::new() };
        if passage.on_scale || in_portal {
            self.state = State::Leaving { on_scale: passage.on_scale };
        }
        if let Some(fault) = ending.fault {
            passage.fault(
                fault,
                if fault == "scale-unstable" { &self.gate.scale } else { self.gate.portal.as_deref().unwrap_or("") },
            );
        }
        vec![self.done(&passage, now, ending.reason)]
    }

    /// Whether the passage ends now, and how.
    fn ending(&self, passage: &Passage, now: Moment) -> Option<Ending> {
        let left_ms = passage.left_at.map_or(0, |left| elapsed_ms(left, now));
        let through = self.portal.is_none()
            || (passage.is_through() && !passage.in_portal)
            || (self.portal_down && !passage.in_portal);
        let named = (self.gate.plate.is_none() || passage.has("plate"))
            && (self.gate.container.is_none() || passage.has("container"));
        let identified = named || left_ms >= self.identity_ms;
        if passage.is_weighed() && passage.has_left() && through && identified {
            return Some(Ending { reason: None, fault: None });
        }
        if passage.has_left() && !passage.is_weighed() && !passage.in_portal && left_ms >= DROVE_OFF_MS {
            return Some(Ending { reason: Some(IncompleteReason::DroveOff), fault: Some("scale-unstable") });
        }
        if passage.has_left() && passage.is_weighed() && !passage.in_portal && !through && left_ms >= self.identity_ms {
            return Some(Ending { reason: Some(IncompleteReason::TimedOut), fault: Some("incomplete-window") });
        }
        if elapsed_ms(passage.opened, now) >= self.limit_ms {
            let unstable = passage.on_scale && !passage.is_weighed();
            return Some(Ending {
                reason: Some(IncompleteReason::TimedOut),
                fault: unstable.then_some("scale-unstable"),
            });
        }
        None
    }

    fn remember(&self, now: Moment) -> Step {
        match &self.state {
            State::Open(passage) => Step::Remember(Box::new(passage.inspection(
                &self.place,
                &self.gate,
                self.portal_down,
                self.simulated,
                now,
                Some(IncompleteReason::Interrupted),
            ))),
            _ => self.event("no-passage", Vec::new()),
        }
    }

    fn done(&self, passage: &Passage, now: Moment, reason: Option<IncompleteReason>) -> Step {
        Step::Done(Box::new(passage.inspection(&self.place, &self.gate, self.portal_down, self.simulated, now, reason)))
    }
}

/// A lorry whose passage the next one ended.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "five facts of one moment, none of which follows from another")]
struct First {
    id: String,
    subject: String,
    is_overlapped: bool,
    is_weighed: bool,
    is_through: bool,
    is_going: bool,
    on_scale: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ending {
    reason: Option<IncompleteReason>,
    fault: Option<&'static str>,
}
