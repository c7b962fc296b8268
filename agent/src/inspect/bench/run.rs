//! One run while it lasts, and the inspection it becomes.

use tidewaiter_config::site::{self, Source, Trigger};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Moment, Quality, Reading},
};
use tidewaiter_screening::{
    Inspection,
    inspection::{Alarm, Completion, Declaration, Evidence, Identity, Measured, ScanFault, Subject, SubjectKind},
};

use super::{
    super::{
        Trace,
        names::{self, READ},
        progress::{Awaits, Progress},
        stages::Stages,
    },
    follow::{self, Marks, SPECIMEN_FAILED},
    gathered::{Gathered, OPERATOR, Taken},
    quantities_of, trigger_instrument,
};
use crate::acquire::Arrival;

/// A quantity that came in two units within one run.
const UNIT_CHANGED: &str = "unit-changed";

/// How a run begins.
#[derive(Debug)]
pub(super) struct Begin {
    /// It was under way when it was first seen.
    pub(super) late: bool,
    /// The background comes first, until the operator says that the sample is in place.
    pub(super) background: bool,
    /// How long readings are left out.
    pub(super) settle_ms: u64,
    /// Channels that the programme holds, where there is one.
    pub(super) held: Option<Vec<String>>,
}

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    id: String,
    pub(super) opened: Moment,
    identities: Vec<Identity>,
    gathered: Vec<Gathered>,
    late: bool,
    background: bool,
    /// Which replicate the operator has put in place, from 1.
    round: u8,
    not_before_ms: u64,
    marks: Marks,
    /// When the bench said that it is over.
    ended: Option<Moment>,
    /// The specimen is no longer in the bench.
    unloaded: bool,
    stages: Option<Stages>,
    pub(super) lost_polls: u32,
    alarms: Vec<Alarm>,
    faults: Vec<ScanFault>,
    trace: Trace,
}

impl Run {
    pub(super) fn new(
        id: String,
        now: Moment,
        identities: Vec<Identity>,
        gathered: Vec<Gathered>,
        begin: Begin,
    ) -> Self {
        Self {
            id,
            opened: now,
            identities,
            gathered,
            late: begin.late,
            background: begin.background,
            round: 1,
            not_before_ms: now.mono_ms.saturating_add(begin.settle_ms),
            marks: Marks::default(),
            ended: None,
            unloaded: false,
            stages: begin.held.map(|held| Stages::new(held, begin.late)),
            lost_polls: 0,
            alarms: Vec::new(),
            faults: Vec::new(),
            trace: Trace::default(),
        }
    }

    pub(super) fn subject(&self) -> &str {
        self.identities.first().map_or("", |identity| identity.text.as_str())
    }

    /// How far it is; the quantities are the bench's.
    pub(super) fn progress(&self, awaits: Awaits) -> Progress {
        Progress {
            id: self.id.clone(),
            opened: self.opened,
            identities: self.identities.clone(),
            awaits,
            stage: self.marks.stage,
            elapsed: self.marks.elapsed,
            quantities: Vec::new(),
            alarms: self.alarms.iter().map(|alarm| alarm.kind.clone()).collect(),
        }
    }

    /// The background comes first, and is not whole.
    pub(super) const fn takes_background(&self) -> bool {
        self.background
    }

    /// Every quantity with what there is of it, and whether that is all it needs.
    pub(super) fn standing<'r>(
        &'r self,
        bench: &'r site::Bench,
    ) -> impl Iterator<Item = (&'r site::Quantity, &'r Gathered, bool)> {
        let from = self.last_counts_from(bench);
        self.pairs(bench).map(move |(quantity, gathered)| (quantity, gathered, gathered.is_full(quantity, from)))
    }

    pub(super) fn is_nameless(&self) -> bool {
        self.identities.is_empty()
    }

    pub(super) fn is_called(&self, text: &str) -> bool {
        self.identities.iter().any(|identity| identity.text == text)
    }

    /// Whether a name that `instrument` reads can be this run's: no instrument has named it otherwise, and nothing
    /// of this instrument has entered it without the name.
    pub(super) fn may_be_called(&self, instrument: &str, bench: &site::Bench) -> bool {
        let of_it = |quantity: &site::Quantity| matches!(&quantity.source, Source::Instrument { instrument: id, .. } if id == instrument);
        !self.identities.iter().any(|identity| identity.source == READ)
            && self.pairs(bench).all(|(quantity, gathered)| !of_it(quantity) || gathered.is_empty())
    }

    pub(super) fn identify(&mut self, identity: Identity) {
        names::name(&mut self.identities, identity);
    }

    pub(super) const fn is_late(&self) -> bool {
        self.late
    }

    pub(super) const fn ended(&self) -> Option<Moment> {
        self.ended
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn is_another(&self, marks: Marks) -> bool {
        marks.is_another(self.marks)
    }

    /// The bench was out of sight; without marks nobody knows whether it is the same run afterwards.
    pub(super) fn unseen(&mut self) {
        self.late |= self.marks.elapsed.is_none() && self.marks.test_number.is_none();
    }

    /// The next replicate, or after the background the sample, is in place.
    pub(super) fn next(&mut self, now: Moment, settle_ms: u64) {
        if self.background {
            self.background = false;
        } else {
            self.round = self.round.saturating_add(1);
        }
        self.not_before_ms = now.mono_ms.saturating_add(settle_ms);
    }

    /// One poll of the running bench; true when it has entered another stage.
    pub(super) fn running(&mut self, marks: Marks, readings: &[Reading]) -> bool {
        self.marks = marks.or(self.marks);
        self.stages.as_mut().is_some_and(|stages| stages.run(marks.stage, marks.elapsed, readings))
    }

    /// The bench says that it is over.
    pub(super) fn end(&mut self, instrument: &str, now: Moment, marks: Marks, failed: bool) {
        self.ended = Some(now);
        if let Some(stages) = &mut self.stages {
            stages.end(marks.elapsed, true);
        }
        if failed {
            self.alarm(instrument, SPECIMEN_FAILED);
        }
    }

    /// What the bench asserts in a poll of this run.
    pub(super) fn alarmed(&mut self, instrument: &str, readings: &[Reading]) {
        for kind in follow::alarms(readings) {
            self.alarm(instrument, kind);
        }
    }

    fn alarm(&mut self, instrument: &str, kind: &str) {
        if !self.alarms.iter().any(|alarm| alarm.kind == kind) {
            let (instrument, kind) = (instrument.to_owned(), kind.to_owned());
            self.alarms.push(Alarm { instrument, kind, by_device: true, recomputed: false });
        }
    }

    /// The bench has stopped before the end.
    pub(super) fn end_early(&mut self, marks: Marks) {
        if let Some(stages) = &mut self.stages {
            stages.end(marks.elapsed, false);
        }
    }

    /// The specimen has left the bench: what it shows from now on is not its.
    pub(super) fn unloaded(&mut self) {
        self.unloaded = true;
    }

    /// The whole instrument has no value.
    pub(super) fn missing(&mut self, bench: &site::Bench, instrument: &str, missing: Missing) {
        if trigger_instrument(&bench.trigger) == instrument {
            self.lost_polls = self.lost_polls.saturating_add(1);
        }
        for (quantity, gathered) in bench.quantities.iter().zip(&mut self.gathered) {
            if matches!(&quantity.source, Source::Instrument { instrument: id, .. } if id == instrument) {
                gathered.miss(missing);
            }
        }
    }

    /// Whether a statement gives again what the run already has: it is of another sample.
    pub(super) fn repeats(&self, bench: &site::Bench, instrument: &str, readings: &[Reading]) -> bool {
        readings.iter().filter(|reading| reading.outcome.is_ok()).any(|reading| {
            quantities_of(bench, instrument, &reading.channel)
                .any(|(index, quantity)| self.gathered.get(index).is_some_and(|it| it.is_full(quantity, None)))
        })
    }

    /// Takes the readings of one arrival; true when something decisive was among them.
    pub(super) fn gather(&mut self, bench: &site::Bench, arrival: &Arrival, readings: &[Reading]) -> bool {
        let id: &str = &arrival.instrument;
        let (state, state_channel) = match &bench.trigger {
            Trigger::State(state) => (state.instrument == *id, state.channel.as_str()),
            _ => (false, ""),
        };
        let mut raw = arrival.raw.to_vec();
        let mut decisive = false;
        for reading in readings {
            let mut kept = state && reading.channel == state_channel;
            let mut counts = false;
            let indices: Vec<usize> = quantities_of(bench, id, &reading.channel).map(|(index, _)| index).collect();
            for index in indices {
                kept = true;
                counts |= self.take(bench, index, reading, arrival.at);
            }
            if kept {
                let evidence = Evidence {
                    instrument: id.to_owned(),
                    channel: reading.channel.to_string(),
                    at: reading.at,
                    outcome: reading.outcome,
                    raw: std::mem::take(&mut raw),
                };
                let at_end = self.ended.is_some_and(|ended| ended.mono_ms == arrival.at.mono_ms);
                self.trace.keep(evidence, counts || at_end);
            }
            decisive |= counts;
        }
        decisive
    }

    fn take(&mut self, bench: &site::Bench, index: usize, reading: &Reading, at: Moment) -> bool {
        let (Some(quantity), Some(gathered)) = (bench.quantities.get(index), self.gathered.get_mut(index)) else {
            return false;
        };
        if at.mono_ms < self.not_before_ms || self.unloaded {
            return false;
        }
        if self.background {
            return quantity.background.is_some_and(|wanted| gathered.take_background(wanted, reading.outcome));
        }
        let most = if bench.replicates_on_next { self.round.min(quantity.replicates) } else { quantity.replicates };
        match gathered.take(quantity, reading.outcome, at, usize::from(most)) {
            Taken::Decisive => true,
            Taken::Indifferent => false,
            Taken::OtherUnit => {
                let fault = ScanFault { instrument: reading_instrument(quantity), kind: UNIT_CHANGED.to_owned() };
                if !self.faults.contains(&fault) {
                    self.faults.push(fault);
                }
                true
            }
        }
    }

    /// Takes what a person typed.
    pub(super) fn enter(
        &mut self,
        bench: &site::Bench,
        index: usize,
        indication: Indication,
        text: &str,
        operator: &str,
        now: Moment,
    ) {
        let (Some(quantity), Some(gathered)) = (bench.quantities.get(index), self.gathered.get_mut(index)) else {
            return;
        };
        let evidence = Evidence {
            instrument: OPERATOR.to_owned(),
            channel: quantity.parameter.clone(),
            at: now,
            outcome: Ok(indication),
            raw: text.as_bytes().to_vec(),
        };
        self.trace.keep(evidence, true);
        if gathered.enter(quantity, indication, now, operator) == Taken::OtherUnit {
            let fault = ScanFault { instrument: OPERATOR.to_owned(), kind: UNIT_CHANGED.to_owned() };
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
        }
    }

    fn pairs<'r>(&'r self, bench: &'r site::Bench) -> impl Iterator<Item = (&'r site::Quantity, &'r Gathered)> {
        bench.quantities.iter().zip(&self.gathered)
    }

    /// Since when a value counts as the last of the run: of a bench with a state, since it said that it is over.
    fn last_counts_from(&self, bench: &site::Bench) -> Option<Moment> {
        match bench.trigger {
            Trigger::State(_) => Some(self.ended.unwrap_or(Moment { mono_ms: u64::MAX, wall_ms: i64::MAX })),
            _ => None,
        }
    }

    /// Whether every quantity is there.
    pub(super) fn has_all(&self, bench: &site::Bench) -> bool {
        let from = self.last_counts_from(bench);
        !self.background && self.pairs(bench).all(|(quantity, gathered)| gathered.is_full(quantity, from))
    }

    /// Whether every quantity is there that a complete run needs.
    pub(super) fn has_required(&self, bench: &site::Bench) -> bool {
        let from = self.last_counts_from(bench);
        let mut pairs = self.pairs(bench);
        // A run of optional quantities alone needs at least one of them.
        let any = self.pairs(bench).any(|(quantity, gathered)| gathered.is_full(quantity, from));
        any && pairs.all(|(quantity, gathered)| !quantity.required || gathered.is_full(quantity, from))
    }

    /// The inspection as it stands.
    pub(super) fn inspection(
        &self,
        place: &str,
        bench: &site::Bench,
        simulated: bool,
        now: Moment,
        completion: Completion,
    ) -> Inspection {
        let from = self.last_counts_from(bench);
        let trigger = trigger_instrument(&bench.trigger);
        let mut measured: Vec<Measured> = self
            .pairs(bench)
            .flat_map(|(quantity, gathered)| gathered.measured(quantity, gathered.is_full(quantity, from)))
            .collect();
        if let Some(stages) = &self.stages {
            measured.extend(stages.measured(trigger));
        }
        if matches!(bench.trigger, Trigger::State(_)) {
            let lost = Decimal::whole(i64::from(self.lost_polls));
            let lost = Indication { value: lost, unit: Unit::Count, quality: Quality::Good };
            measured.push(Measured::new("lost-polls", trigger, Ok(lost), "count"));
        }
        measured.extend(self.trace.left_out(bench.instruments().first().copied().unwrap_or(OPERATOR)));
        Inspection {
            id: self.id.clone(),
            procedure: bench.procedure.clone(),
            place: place.to_owned(),
            subject: Subject {
                kind: SubjectKind::Sample,
                identities: self.identities.clone(),
                declaration: Declaration::None,
            },
            opened: self.opened,
            closed: now,
            completion,
            simulated,
            drill: false,
            operator: None,
            measured,
            alarms: self.alarms.clone(),
            faults: self.faults.clone(),
            readings: self.trace.readings(),
            whole: self.trace.whole(),
        }
    }
}

fn reading_instrument(quantity: &site::Quantity) -> String {
    match &quantity.source {
        Source::Instrument { instrument, .. } => instrument.clone(),
        Source::Operator { .. } => OPERATOR.to_owned(),
    }
}
