//! What the inspector shows while it works: newest values, links, what is going on, recent results.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::Serialize;
use tidewaiter_drivers::reading::{Moment, Outcome};
use tidewaiter_screening::{
    Finding, Inspection, Screening, Verdict,
    inspection::{Alarm, Completion, Declaration, Identity, IncompleteReason, Measured, ScanFault},
};

use super::scene::Scene;
use crate::{inspect::DrillState, life::InForce, outputs, register};

/// What pages and interfaces may look at. Results stand here only once they are durable.
#[derive(Debug, Default)]
pub struct Live {
    inner: Mutex<Snapshot>,
    scenes: Mutex<BTreeMap<String, Arc<Scene>>>,
    in_force: Mutex<InForce>,
    /// When the inspector last moved, monotonic milliseconds and one; zero before it first did.
    beat: AtomicU64,
    /// Inspections recorded since the start, by place and disposition.
    verdicts: Mutex<Verdicts>,
}

/// Inspections by place and disposition.
type Verdicts = BTreeMap<(String, &'static str), u64>;

/// What is known of one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// An inspection is open here.
    pub busy: bool,
    /// Recorded results, oldest first: number, disposition, end in monotonic milliseconds.
    pub results: Vec<(u64, &'static str, u64)>,
    /// When the inspector last moved, monotonic milliseconds.
    pub beat_ms: Option<u64>,
}

/// One look at the live state.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// Newest outcome of every channel, by instrument and channel. Not yet recorded.
    pub instruments: BTreeMap<String, BTreeMap<String, LiveValue>>,
    /// Links that are down, by instrument.
    pub down: BTreeMap<String, bool>,
    /// How each instrument stands: verification and function checks.
    pub register: Vec<register::Line>,
    /// What each lane, rig and function check is busy with.
    pub busy: BTreeMap<String, String>,
    /// Lanes and rigs whose inspections are exercises, and who says so.
    pub drills: DrillState,
    /// The signed limit tables are no longer fresh.
    pub limits_stale: bool,
    /// Recorded results, newest last.
    pub results: VecDeque<LiveResult>,
    /// Stack lights, buzzers and barriers, by id.
    pub outputs: BTreeMap<String, outputs::Standing>,
}

/// The newest outcome of a channel.
#[derive(Clone, Debug, Serialize)]
pub struct LiveValue {
    /// Displayed digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// UCUM unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Quality word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<&'static str>,
    /// Reason word when there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// UTC milliseconds.
    pub at_ms: i64,
    /// The same moment by the clock that is never set.
    #[serde(skip)]
    pub at_mono_ms: u64,
}

/// A recorded inspection in short.
#[derive(Clone, Debug, Serialize)]
pub struct LiveResult {
    /// Record number.
    pub seq: u64,
    /// Inspection id.
    pub id: String,
    /// Lane or rig.
    pub place: String,
    /// First identity of the subject.
    pub subject: Option<String>,
    /// Verdict word.
    pub verdict: &'static str,
    /// Reason of an inconclusive verdict.
    pub reason: Option<&'static str>,
    /// Disposition word.
    pub disposition: &'static str,
    /// Findings that were not passes: table, row, value, limit.
    pub why: Vec<String>,
    /// Incomplete, and why.
    pub incomplete: Option<&'static str>,
    /// UTC milliseconds of the end.
    pub at_ms: i64,
    /// The rest of it, for pages.
    #[serde(skip)]
    pub detail: Arc<ResultDetail>,
}

/// What a page shows of a recorded inspection beside the short form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultDetail {
    /// Identities of the subject.
    pub identities: Vec<Identity>,
    /// What is declared of it.
    pub declaration: Declaration,
    /// One for each judged row.
    pub findings: Vec<Finding>,
    /// Quantities, with the uncertainty that was judged with.
    pub measured: Vec<Measured>,
    /// What instruments and our own recomputation asserted.
    pub alarms: Vec<Alarm>,
    /// What makes it void.
    pub faults: Vec<ScanFault>,
    /// Device and recomputation disagreed.
    pub alarm_mismatch: bool,
    /// At least one instrument was simulated.
    pub simulated: bool,
    /// An exercise.
    pub drill: bool,
    /// Who ran it.
    pub operator: Option<String>,
    /// End by the clock that is never set.
    pub closed_mono_ms: u64,
}

impl Live {
    /// A copy of the state.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is known of one place.
    pub fn look(&self, place: &str) -> Look {
        let beat_ms = self.beat.load(Relaxed).checked_sub(1);
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let of_place = inner.results.iter().filter(|it| it.place == place);
        let results = of_place.map(|it| (it.seq, it.disposition, it.detail.closed_mono_ms)).collect();
        Look { busy: inner.busy.contains_key(place), results, beat_ms }
    }

    /// Links by instrument: whether each is down.
    pub fn links(&self) -> BTreeMap<String, bool> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).down.clone()
    }

    /// Outputs by id.
    pub fn outputs(&self) -> BTreeMap<String, outputs::Standing> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).outputs.clone()
    }

    /// Inspections recorded since the start, by place and disposition.
    pub fn verdicts(&self) -> BTreeMap<(String, &'static str), u64> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn count(&self, place: &str, disposition: &'static str) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        *verdicts.entry((place.to_owned(), disposition)).or_default() += 1;
    }

    /// The inspector has moved.
    pub(super) fn beat(&self, now_ms: u64) {
        self.beat.store(now_ms.saturating_add(1), Relaxed);
    }

    /// Says from the start on whether the signed limit tables are fresh.
    pub fn set_limits_stale(&self, stale: bool) {
        self.update(|live| live.limits_stale = stale);
    }

    /// What judges now: limit tables and plan.
    pub fn in_force(&self) -> InForce {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What goes on at a lane or a rig, or went on last.
    pub fn scene(&self, place: &str) -> Option<Arc<Scene>> {
        self.scenes.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }

    pub(super) fn set_scenes(&self, changed: Vec<(String, Arc<Scene>)>) {
        self.scenes.lock().unwrap_or_else(PoisonError::into_inner).extend(changed);
    }

    pub(super) fn set_in_force(&self, in_force: InForce) {
        *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = in_force;
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl LiveValue {
    pub(super) fn of(outcome: Outcome, at: Moment) -> Self {
        match outcome {
            Ok(indication) => Self {
                value: Some(indication.value.to_string()),
                unit: Some(indication.unit.code()),
                quality: Some(indication.quality.word()),
                missing: None,
                at_ms: at.wall_ms,
                at_mono_ms: at.mono_ms,
            },
            Err(missing) => Self {
                value: None,
                unit: None,
                quality: None,
                missing: Some(missing.to_string()),
                at_ms: at.wall_ms,
                at_mono_ms: at.mono_ms,
            },
        }
    }
}

impl LiveResult {
    pub(super) fn of(inspection: &Inspection, screening: &Screening, seq: u64) -> Self {
        Self {
            seq,
            id: inspection.id.clone(),
            place: inspection.place.clone(),
            subject: inspection.subject.identities.first().map(|identity| identity.text.clone()),
            verdict: screening.verdict.word(),
            reason: screening.verdict.reason().map(tidewaiter_screening::Reason::word),
            disposition: screening.disposition.word(),
            why: screening
                .findings
                .iter()
                .filter(|finding| !matches!(finding.verdict, Verdict::Pass | Verdict::NotApplicable))
                .map(|finding| {
                    let value = finding.value.as_deref().unwrap_or("–");
                    format!("{} {value} / {} ({} {})", finding.parameter, finding.limit, finding.table, finding.row)
                })
                .collect(),
            incomplete: match inspection.completion {
                Completion::Complete => None,
                Completion::Incomplete(reason) => Some(IncompleteReason::word(reason)),
            },
            at_ms: inspection.closed.wall_ms,
            detail: Arc::new(ResultDetail {
                identities: inspection.subject.identities.clone(),
                declaration: inspection.subject.declaration.clone(),
                findings: screening.findings.clone(),
                measured: inspection.measured.clone(),
                alarms: inspection.alarms.clone(),
                faults: inspection.faults.clone(),
                alarm_mismatch: screening.alarm_mismatch,
                simulated: inspection.simulated,
                drill: inspection.drill,
                operator: inspection.operator.clone(),
                closed_mono_ms: inspection.closed.mono_ms,
            }),
        }
    }
}
