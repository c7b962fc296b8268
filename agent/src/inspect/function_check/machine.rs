//! The machine of one function check.
//!
//! ```text
//! Idle ──start──► Running ──all shown──► done ─┐
//!                    ├──time limit, stop────────┤
//!                    └──────────────────────────┴──► Clearing ──portal empty, scale unloaded──► Idle
//! ```
//!
//! From start to the end of clearing the instrument belongs to the check: a test mass is no lorry, and what is left of
//! the source in the portal is no passage. Clearing ends by itself after a while; what then still stands on the scale is
//! examined like anything else.

use std::collections::BTreeMap;

use tidewaiter_config::site::{self, CheckProcedure, Instrument, Protocol};
use tidewaiter_drivers::{
    Decimal, Unit,
    portal::{occupancy::Settings, rpm::Line},
    reading::{Missing, Moment},
};
use tidewaiter_screening::{
    Inspection,
    conversion::Conversion,
    inspection::{Completion, Declaration, Evidence, Identity, IncompleteReason, Subject, SubjectKind},
};

use super::{
    super::{Numbering, OperationError, Step, Trace, elapsed_ms, lorry_gate::portal, millis},
    source::Source,
    steady::{Average, Steady},
};
use crate::acquire::{Arrival, Content, LinkState, channel};

/// Longest wait for an instrument to be clear after its check.
const CLEARING_MS: u64 = 600_000;

/// What an operator asks of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOperation {
    /// Begin.
    Start,
    /// The next buffer is in place.
    Next,
    /// End it with what there is.
    Stop,
}

/// One check.
#[derive(Debug)]
pub(super) struct Machine {
    check: site::Check,
    instrument: Instrument,
    /// Lanes and rigs that judge by the instrument.
    pub(super) places: Vec<String>,
    /// Other instruments that the check disturbs.
    disturbs: Vec<String>,
    /// Below this the scale is unloaded.
    unloaded: Option<(Decimal, Unit)>,
    numbering: Numbering,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    Running(Box<Run>),
    Clearing { since: Moment, work: Box<Work> },
}

#[derive(Debug)]
struct Run {
    id: String,
    operator: String,
    opened: Moment,
    work: Work,
    last_missing: Option<Missing>,
    trace: Trace,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it for each running check")]
enum Work {
    Source(Source),
    Steady(Steady),
    Average(Average),
}

impl Machine {
    pub(super) const fn numbering(&mut self) -> &mut Numbering {
        &mut self.numbering
    }

    pub(super) fn new(site: &site::Site, check: &site::Check, instrument: &Instrument, boot: u64) -> Self {
        let lanes = || site.lanes.iter().filter(|lane| lane.gate.measures_by(&instrument.id));
        // The source is near the dose-rate monitor too; its readings must not become the background of the lane.
        let by_source = matches!(check.procedure, CheckProcedure::PortalSource { .. });
        let monitors = lanes().filter_map(|lane| Some(lane.gate.dose_rate.as_ref()?.0.clone()));
        Self {
            check: check.clone(),
            instrument: instrument.clone(),
            places: site.places_judging_by(&instrument.id).map(str::to_owned).collect(),
            disturbs: monitors.filter(|_| by_source).collect(),
            unloaded: lanes().next().map(|lane| (lane.gate.threshold, lane.gate.unit)),
            numbering: Numbering::new(&check.id, boot),
            state: State::Idle,
        }
    }

    /// Whether the readings of this instrument belong to the check now.
    pub(super) fn holds(&self, instrument: &str) -> bool {
        !matches!(self.state, State::Idle)
            && (self.check.instrument == instrument || self.disturbs.iter().any(|it| it == instrument))
    }

    /// Instruments it would hold.
    pub(super) fn wants(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.check.instrument).chain(&self.disturbs).map(String::as_str)
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    pub(super) fn instrument(&self) -> &str {
        &self.check.instrument
    }

    pub(super) fn operate(
        &mut self,
        operation: CheckOperation,
        operator: &str,
        now: Moment,
    ) -> Result<Vec<Step>, OperationError> {
        match (operation, &mut self.state) {
            (CheckOperation::Start, State::Idle) => {
                let id = self.numbering.take();
                let (operator, work) = (operator.to_owned(), Work::of(&self.check, &self.instrument));
                let (last_missing, trace) = (None, Trace::default());
                let run = Run { id, operator, opened: now, work, last_missing, trace };
                let remembered = self.remember(&run, now);
                self.state = State::Running(Box::new(run));
                Ok(vec![remembered])
            }
            (CheckOperation::Start, _) => Err(OperationError::CheckRunning(self.check.id.clone())),
            (CheckOperation::Next, State::Running(run)) => {
                if let Work::Steady(steady) = &mut run.work {
                    steady.next();
                }
                Ok(Vec::new())
            }
            (CheckOperation::Stop, State::Running(_)) => {
                Ok(self.finish(now, Completion::Incomplete(IncompleteReason::Stopped)))
            }
            (CheckOperation::Next | CheckOperation::Stop, _) => Err(OperationError::CheckIdle(self.check.id.clone())),
        }
    }

    pub(super) fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        if *arrival.instrument != *self.check.instrument {
            return Vec::new();
        }
        match &mut self.state {
            State::Idle => Vec::new(),
            State::Clearing { work, .. } => {
                work.follow(arrival);
                if work.is_clear(arrival, self.unloaded) {
                    self.state = State::Idle;
                }
                Vec::new()
            }
            State::Running(run) => {
                let decisive = run.take(arrival);
                if run.work.is_done() {
                    return self.finish(arrival.at, Completion::Complete);
                }
                match &self.state {
                    State::Running(run) if decisive => vec![self.remember(run, arrival.at)],
                    _ => Vec::new(),
                }
            }
        }
    }

    pub(super) fn tick(&mut self, now: Moment) -> Vec<Step> {
        match &mut self.state {
            State::Running(run) => {
                if let Work::Source(source) = &mut run.work {
                    source.tick(now.mono_ms);
                }
                if elapsed_ms(run.opened, now) > millis(self.check.time_limit) {
                    return self.finish(now, Completion::Incomplete(IncompleteReason::TimedOut));
                }
            }
            State::Clearing { since, .. } if elapsed_ms(*since, now) > CLEARING_MS => self.state = State::Idle,
            State::Clearing { work, .. } => {
                if let Work::Source(source) = &mut **work {
                    source.tick(now.mono_ms);
                }
            }
            State::Idle => {}
        }
        Vec::new()
    }

    pub(super) fn interrupt(&mut self, now: Moment) -> Vec<Step> {
        self.finish(now, Completion::Incomplete(IncompleteReason::Interrupted))
    }

    fn remember(&self, run: &Run, now: Moment) -> Step {
        let interrupted = Completion::Incomplete(IncompleteReason::Interrupted);
        Step::Remember(Box::new(self.inspection(run, now, interrupted)))
    }

    fn finish(&mut self, now: Moment, completion: Completion) -> Vec<Step> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Running(run) => {
                let done = Step::Done(Box::new(self.inspection(&run, now, completion)));
                // An instrument that serves no lane has nothing to clear.
                if run.work.leaves_something() && self.unloaded.is_some() {
                    self.state = State::Clearing { since: now, work: Box::new(run.work) };
                }
                vec![done]
            }
            other => {
                self.state = other;
                Vec::new()
            }
        }
    }

    fn inspection(&self, run: &Run, now: Moment, completion: Completion) -> Inspection {
        let missing = run.last_missing.unwrap_or(Missing::TimedOut);
        let mut measured = run.work.measured(&self.check.instrument, missing);
        measured.extend(run.trace.left_out(&self.check.instrument));
        Inspection {
            id: run.id.clone(),
            procedure: self.check.procedure.procedure().to_owned(),
            place: self.check.id.clone(),
            subject: Subject {
                kind: SubjectKind::Instrument,
                identities: vec![Identity {
                    kind: "instrument".to_owned(),
                    text: self.check.instrument.clone(),
                    source: "manual".to_owned(),
                    confidence: None,
                }],
                declaration: Declaration::Found(self.facts()),
            },
            opened: run.opened,
            closed: now,
            completion,
            simulated: self.instrument.simulated,
            drill: false,
            operator: Some(run.operator.clone()),
            measured,
            alarms: Vec::new(),
            faults: Vec::new(),
            readings: run.trace.readings(),
            whole: run.trace.whole(),
        }
    }

    /// What the site file states of the check and the register of the scale, for rows that ask for it.
    fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::from([("check".to_owned(), self.check.id.clone())]);
        let mut tell = |name: &str, text: String| facts.insert(name.to_owned(), text);
        match &self.check.procedure {
            CheckProcedure::PortalSource { sigma, .. } => _ = tell("tolerance", format!("{sigma} {}", Unit::Sigma)),
            CheckProcedure::ScaleZero { tolerance, unit, .. }
            | CheckProcedure::ScaleMass { tolerance, unit, .. }
            | CheckProcedure::Reference { tolerance, unit, .. } => _ = tell("tolerance", format!("{tolerance} {unit}")),
            CheckProcedure::PhBuffers { buffers, .. } => {
                let each: Vec<String> = buffers.iter().map(|it| format!("{} +- {}", it.ph, it.tolerance)).collect();
                _ = tell("tolerance", each.join(", "));
            }
        }
        if let Some(range) = self.instrument.register.as_ref().and_then(|it| it.scale) {
            tell("class", range.class.word().to_owned());
            let e = Conversion::between(range.unit, Unit::Kilogram).and_then(|it| it.apply(range.e));
            if let Some(e) = e {
                tell("scale-interval", e.to_string());
            }
        }
        if let CheckProcedure::ScaleMass { service: Some(service), .. } = &self.check.procedure {
            tell("service", service.word().to_owned());
        }
        facts
    }
}

impl Run {
    /// Takes what came; whether something decisive was in it.
    fn take(&mut self, arrival: &Arrival) -> bool {
        let mut decisive = false;
        match &arrival.content {
            Content::Readings(readings) => {
                let mut raw = arrival.raw.to_vec();
                for reading in readings {
                    if !self.work.reads(&reading.channel) {
                        continue;
                    }
                    let accepted = match &mut self.work {
                        Work::Steady(steady) => steady.take(reading),
                        Work::Average(average) => {
                            average.take(reading);
                            true
                        }
                        Work::Source(_) => false,
                    };
                    if let Err(missing) = reading.outcome {
                        self.last_missing = Some(missing);
                    }
                    let evidence = Evidence {
                        instrument: arrival.instrument.to_string(),
                        channel: reading.channel.to_string(),
                        at: reading.at,
                        outcome: reading.outcome,
                        raw: std::mem::take(&mut raw),
                    };
                    self.trace.keep(evidence, accepted);
                    decisive |= accepted && matches!(self.work, Work::Steady(_));
                }
            }
            Content::Portal(line) => {
                if let Some(evidence) = portal::evidence(arrival, line) {
                    self.trace.keep(evidence, portal::is_decisive(line));
                }
                decisive = self.work.follow(arrival);
            }
            Content::Missing(missing) => {
                self.last_missing = Some(*missing);
                self.work.broken();
            }
            Content::Link(LinkState::Down) => {
                self.last_missing = Some(Missing::LineDown);
                self.work.broken();
            }
            _ => {}
        }
        decisive
    }
}

impl Work {
    fn of(check: &site::Check, instrument: &Instrument) -> Self {
        match &check.procedure {
            CheckProcedure::PortalSource { radiation, sigma } => {
                let settings = match instrument.protocol {
                    Protocol::RpmLines { n_sigma, intervals, speed_limit_kmh } => {
                        Settings::new(n_sigma, intervals, speed_limit_kmh)
                    }
                    _ => Settings::new(Decimal::whole(7), 5, Decimal::whole(8)),
                };
                Self::Source(Source::new(*radiation, *sigma, settings))
            }
            CheckProcedure::ScaleZero { tolerance, unit, steady } => {
                Self::Steady(Steady::zero(*tolerance, *unit, *steady))
            }
            CheckProcedure::ScaleMass { mass, tolerance, unit, steady, .. } => {
                Self::Steady(Steady::mass(*mass, *tolerance, *unit, *steady))
            }
            CheckProcedure::PhBuffers { buffers, drift, steady } => {
                Self::Steady(Steady::buffers(buffers, *drift, *steady))
            }
            CheckProcedure::Reference { channel, value, tolerance, unit, readings } => {
                Self::Average(Average::new(channel, *value, *tolerance, *unit, *readings))
            }
        }
    }

    fn reads(&self, channel: &str) -> bool {
        match self {
            Self::Source(_) => false,
            Self::Steady(steady) => steady.reads(channel),
            Self::Average(average) => average.reads(channel),
        }
    }

    /// Lets a portal line count, during the check and while clearing.
    fn follow(&mut self, arrival: &Arrival) -> bool {
        match (self, &arrival.content) {
            (Self::Source(source), Content::Portal(line)) => source.take(arrival.at.mono_ms, line),
            (Self::Source(source), Content::Link(LinkState::Down)) => {
                source.broken();
                false
            }
            _ => false,
        }
    }

    fn broken(&mut self) {
        match self {
            Self::Source(source) => source.broken(),
            Self::Steady(steady) => steady.broken(),
            Self::Average(_) => {}
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Self::Source(source) => source.is_done(),
            Self::Steady(steady) => steady.is_done(),
            Self::Average(average) => average.is_done(),
        }
    }

    /// Whether a source may still be in the portal, or a test mass on the scale.
    fn leaves_something(&self) -> bool {
        match self {
            Self::Source(source) => source.is_occupied(),
            Self::Steady(steady) => steady.reads(channel::MASS),
            Self::Average(_) => false,
        }
    }

    fn is_clear(&self, arrival: &Arrival, unloaded: Option<(Decimal, Unit)>) -> bool {
        match (self, &arrival.content) {
            (Self::Source(source), Content::Portal(line)) => {
                !source.is_occupied() && matches!(line, Line::Gamma { .. } | Line::End { .. })
            }
            (Self::Steady(_), Content::Readings(readings)) => readings.iter().any(|reading| {
                let shown = reading.outcome.ok().filter(|_| self.reads(&reading.channel));
                let bound = unloaded.and_then(|(bound, unit)| Conversion::between(unit, shown?.unit)?.apply(bound));
                shown.zip(bound).is_some_and(|(shown, bound)| shown.value.cmp_value(bound).is_lt())
            }),
            (Self::Average(_), _) => true,
            _ => false,
        }
    }

    fn measured(&self, instrument: &str, missing: Missing) -> Vec<tidewaiter_screening::inspection::Measured> {
        match self {
            Self::Source(source) => source.measured(instrument, missing),
            Self::Steady(steady) => steady.measured(instrument, missing),
            Self::Average(average) => average.measured(instrument, missing),
        }
    }
}
