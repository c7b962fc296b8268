//! All machines of a site, and which arrivals concern which.

use std::collections::BTreeMap;

use tidewaiter_config::{
    profile::Field,
    site::{Instrument, Protocol, RigProcedure, Site},
};
use tidewaiter_drivers::{modbus::register::Encoding, reading::Moment};

use super::{
    By, CheckOperation, DrillState, Event, Numbering, Operation, OperationError, Progress, Step,
    bench::{Bench, Surroundings},
    function_check::Checks,
    lorry_gate::LorryGate,
    millis,
    standing::Standing,
    textile_ph::{Figures, TextilePh},
    tyre_endurance::TyreEndurance,
    watch::Watch,
};
use crate::acquire::{Arrival, channel};

/// The machines of one site.
#[derive(Debug)]
pub struct Engine {
    pub(super) lanes: BTreeMap<String, LorryGate>,
    pub(super) rigs: BTreeMap<String, Rig>,
    pub(super) watches: Vec<Watch>,
    pub(super) checks: Checks,
    pub(super) standing: Standing,
    pub(super) boot: u64,
    /// Numbers given out in this run at places whose machine is no more.
    pub(super) spent: BTreeMap<String, u64>,
}

#[derive(Debug)]
pub(super) enum Rig {
    TextilePh(TextilePh),
    TyreEndurance(TyreEndurance),
    Bench(Box<Bench>),
}

impl Rig {
    fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        match self {
            Self::TextilePh(machine) => machine.arrival(arrival),
            Self::TyreEndurance(machine) => machine.arrival(arrival),
            Self::Bench(machine) => machine.arrival(arrival),
        }
    }

    fn tick(&mut self, now: Moment) -> Vec<Step> {
        match self {
            Self::TextilePh(machine) => machine.tick(now),
            Self::TyreEndurance(machine) => machine.tick(now),
            Self::Bench(machine) => machine.tick(now),
        }
    }

    pub(super) fn interrupt(&mut self, now: Moment) -> Vec<Step> {
        match self {
            Self::TextilePh(machine) => machine.interrupt(now),
            Self::TyreEndurance(machine) => machine.interrupt(now),
            Self::Bench(machine) => machine.interrupt(now),
        }
    }

    fn operate(&mut self, operation: &Operation, operator: &str, now: Moment) -> Result<Vec<Step>, OperationError> {
        match self {
            Self::TextilePh(machine) => machine.operate(operation, now),
            Self::TyreEndurance(machine) => machine.operate(operation, now),
            Self::Bench(machine) => machine.operate(operation, operator, now),
        }
    }

    pub(super) const fn numbering(&mut self) -> &mut Numbering {
        match self {
            Self::TextilePh(machine) => machine.numbering(),
            Self::TyreEndurance(machine) => machine.numbering(),
            Self::Bench(machine) => machine.numbering(),
        }
    }

    fn progress(&self) -> Option<Progress> {
        match self {
            Self::TextilePh(machine) => machine.progress(),
            Self::TyreEndurance(machine) => machine.progress(),
            Self::Bench(machine) => machine.progress(),
        }
    }

    /// The sample it runs, empty when not yet known.
    pub(super) fn running(&self) -> Option<&str> {
        match self {
            Self::TextilePh(machine) => machine.running(),
            Self::TyreEndurance(machine) => machine.running(),
            Self::Bench(machine) => machine.running(),
        }
    }
}

impl Engine {
    /// Machines for every lane, rig and watch of `site`. `boot` numbers this start.
    pub fn new(site: &Site, boot: u64, now: Moment) -> Self {
        let simulated = |ids: &[&str]| {
            site.instruments.iter().any(|instrument| instrument.simulated && ids.contains(&instrument.id.as_str()))
        };
        let lanes = site
            .lanes
            .iter()
            .map(|lane| {
                let gate = &lane.gate;
                let mut used = vec![gate.scale.as_str()];
                used.extend(gate.portal.as_deref());
                used.extend(gate.plate.as_deref());
                used.extend(gate.container.as_deref());
                used.extend(gate.dose_rate.as_ref().map(|(instrument, _)| instrument.as_str()));
                let portal = gate.portal.as_ref().and_then(|id| site.instruments.iter().find(|it| it.id == *id));
                (lane.id.clone(), LorryGate::new(&lane.id, boot, gate, portal, simulated(&used)))
            })
            .collect();
        let rigs = site
            .rigs
            .iter()
            .map(|rig| {
                let machine = match &rig.procedure {
                    RigProcedure::TextilePh { meter, parallels, drift, steady, spread } => {
                        let figures = Figures {
                            meter: meter.clone(),
                            parallels: *parallels,
                            drift: *drift,
                            steady: *steady,
                            spread: *spread,
                            time_limit: rig.time_limit,
                        };
                        Rig::TextilePh(TextilePh::new(&rig.id, boot, figures, simulated(&[meter])))
                    }
                    RigProcedure::TyreEndurance { drum, programme } => {
                        let held = held_channels(site, programme);
                        let limit = millis(rig.time_limit);
                        let poll = poll_ms(site, drum);
                        Rig::TyreEndurance(TyreEndurance::new(
                            &rig.id,
                            boot,
                            drum,
                            held,
                            limit,
                            poll,
                            simulated(&[drum]),
                        ))
                    }
                    RigProcedure::Bench(bench) => {
                        let ids = bench.instruments();
                        let on_event = |id: &&str| site.instrument(id).is_some_and(|it| it.protocol.speaks_on_event());
                        let around = Surroundings {
                            limit_ms: millis(rig.time_limit),
                            on_event: ids.iter().copied().filter(on_event).map(str::to_owned).collect(),
                            held: bench.programme.as_deref().map_or_else(Vec::new, |id| held_channels(site, id)),
                            poll_ms: ids.first().map_or(0, |id| poll_ms(site, id)),
                            simulated: simulated(&ids),
                        };
                        Rig::Bench(Box::new(Bench::new(&rig.id, boot, bench, around)))
                    }
                };
                (rig.id.clone(), machine)
            })
            .collect();
        let watches = site
            .watches
            .iter()
            .filter_map(|watch| {
                let instrument = site.instruments.iter().find(|it| it.id == watch.instrument)?;
                let channels = channels_of(instrument);
                let period = millis(watch.period);
                Some(Watch::new(&watch.id, &instrument.id, &channels, period, watch.slots, instrument.simulated, now))
            })
            .collect();
        let (checks, standing, spent) = (Checks::new(site, boot), Standing::default(), BTreeMap::new());
        Self { lanes, rigs, watches, checks, standing, boot, spent }
    }

    /// Feeds one arrival to every machine it concerns.
    pub fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.checks.hold(&arrival.instrument) {
            steps.extend(self.checks.arrival(arrival));
            steps.extend(self.lanes.values_mut().flat_map(|lane| lane.aside(arrival)));
            steps.extend(self.watches.iter_mut().flat_map(|watch| watch.arrival(arrival)));
            return steps;
        }
        for lane in self.lanes.values_mut() {
            steps.extend(lane.arrival(arrival));
        }
        for rig in self.rigs.values_mut() {
            steps.extend(rig.arrival(arrival));
        }
        for watch in &mut self.watches {
            steps.extend(watch.arrival(arrival));
        }
        self.standing.stamp(&mut steps);
        steps
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        for lane in self.lanes.values_mut() {
            steps.extend(lane.tick(now));
        }
        for rig in self.rigs.values_mut() {
            steps.extend(rig.tick(now));
        }
        for watch in &mut self.watches {
            steps.extend(watch.tick(now));
        }
        self.standing.stamp(&mut steps);
        // A check has named its operator itself, and is never an exercise.
        steps.extend(self.checks.tick(now));
        steps
    }

    /// Ends everything that is open: the agent is stopping.
    pub fn interrupt(&mut self, now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        for lane in self.lanes.values_mut() {
            steps.extend(lane.interrupt(now));
        }
        for rig in self.rigs.values_mut() {
            steps.extend(rig.interrupt(now));
        }
        for watch in &mut self.watches {
            steps.extend(watch.interrupt(now));
        }
        self.standing.stamp(&mut steps);
        steps.extend(self.checks.interrupt(now));
        steps
    }

    /// Carries out what an operator asks of a rig.
    ///
    /// # Errors
    ///
    /// When there is no such rig, or it is not in a state for it.
    pub fn operate(
        &mut self,
        rig: &str,
        operation: &Operation,
        by: By<'_>,
        now: Moment,
    ) -> Result<Vec<Step>, OperationError> {
        let machine = self.rigs.get_mut(rig).ok_or_else(|| OperationError::NoSuchRig(rig.to_owned()))?;
        if let (Operation::Start { .. }, Some(check)) = (operation, self.checks.at(rig)) {
            return Err(OperationError::UnderCheck { rig: rig.to_owned(), check: check.to_owned() });
        }
        let mut steps = machine.operate(operation, by.operator, now)?;
        self.standing.operated(rig, operation, by, &mut steps);
        Ok(steps)
    }

    /// Switches a lane or a rig to drill, or back: what opens there from now on is an exercise, or is not. The event
    /// for the chain says who switched.
    ///
    /// # Errors
    ///
    /// When there is no such place, or it is so already.
    pub fn set_drill(&mut self, place: &str, on: bool, operator: &str, now: Moment) -> Result<Event, OperationError> {
        if !self.lanes.contains_key(place) && !self.rigs.contains_key(place) {
            return Err(OperationError::NoSuchPlace(place.to_owned()));
        }
        if !self.standing.switch(place, on, operator, now.wall_ms) {
            return Err(OperationError::DrillAlready { place: place.to_owned(), state: if on { "on" } else { "off" } });
        }
        Ok(Event {
            place: place.to_owned(),
            name: if on { "drill-on" } else { "drill-off" }.to_owned(),
            subject: None,
            facts: vec![("operator".to_owned(), operator.to_owned())],
        })
    }

    /// The places at drill, to be kept across a restart.
    pub const fn drill_state(&self) -> &DrillState {
        self.standing.drills()
    }

    /// Takes up the drills of before a restart. Places that are no longer there are forgotten.
    pub fn restore_drills(&mut self, drills: DrillState) {
        let known = |place: &String| self.lanes.contains_key(place) || self.rigs.contains_key(place);
        let drills = drills.into_iter().filter(|(place, _)| known(place)).collect();
        self.standing.restore(drills);
    }

    /// Carries out what an operator asks of a function check.
    ///
    /// # Errors
    ///
    /// When there is no such check, it is not in a state for it, or a lane or rig is using its instrument.
    pub fn check(
        &mut self,
        check: &str,
        operation: CheckOperation,
        operator: &str,
        now: Moment,
    ) -> Result<Vec<Step>, OperationError> {
        let busy = self.busy();
        let lanes = &self.lanes;
        let using = |place: &str| busy.contains_key(place) || lanes.get(place).is_some_and(|lane| !lane.is_idle());
        self.checks.operate(check, operation, operator, using, now)
    }

    /// How far the open inspection of each lane and rig is.
    pub fn progress(&self) -> BTreeMap<String, Progress> {
        let lanes = self.lanes.iter().filter_map(|(id, lane)| Some((id.clone(), lane.progress()?)));
        let rigs = self.rigs.iter().filter_map(|(id, rig)| Some((id.clone(), rig.progress()?)));
        lanes.chain(rigs).collect()
    }

    /// What each lane, rig and function check is busy with: the subject's name, empty when not yet known.
    pub fn busy(&self) -> BTreeMap<String, String> {
        let lanes = self.lanes.iter().filter_map(|(id, lane)| Some((id.clone(), lane.running()?)));
        let rigs = self.rigs.iter().filter_map(|(id, rig)| Some((id.clone(), rig.running()?.to_owned())));
        lanes.chain(rigs).chain(self.checks.busy()).collect()
    }
}

/// Time from one poll of an instrument to the next, where it is polled by registers.
fn poll_ms(site: &Site, id: &str) -> u64 {
    site.instrument(id).map_or(0, |it| match it.protocol {
        Protocol::Registers { poll, .. } => millis(poll),
        _ => 0,
    })
}

/// Channels a programme holds within tolerances, each once.
pub(crate) fn held_channels(site: &Site, programme: &str) -> Vec<String> {
    let mut held: Vec<String> = Vec::new();
    for stage in site.programmes.iter().filter(|it| it.id == programme).flat_map(|it| &it.stages) {
        for hold in &stage.hold {
            if !held.contains(&hold.channel) {
                held.push(hold.channel.clone());
            }
        }
    }
    held
}

/// Channels with a number that an instrument is known to have.
fn channels_of(instrument: &Instrument) -> Vec<String> {
    let names: &[&str] = match &instrument.protocol {
        Protocol::Xk3190Tf0 { .. } => &[channel::MASS],
        Protocol::RpmLines { .. } => &["gamma-background", "neutron-background"],
        Protocol::PhStream => &[channel::PH, channel::TEMPERATURE],
        Protocol::PlateLines { .. } => &[],
        Protocol::Stream { codec, .. } => return codec.channels().into_iter().map(str::to_owned).collect(),
        Protocol::Line { profile, .. } => return profile.channel_names().into_iter().map(str::to_owned).collect(),
        Protocol::Registers { profile, .. } => {
            return profile
                .channels
                .iter()
                .filter(|it| {
                    !matches!(it.encoding, Encoding::Bit(_) | Encoding::Ascii(_))
                        && it.heartbeat_polls.is_none()
                        // What a node says of itself is in every block, and no quantity to be summed up.
                        && it.field.is_none_or(Field::is_measured)
                })
                .map(|it| it.name.clone())
                .collect();
        }
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests;
