//! Reports and answers that are due: started at detection, kept across restarts and steps of the clock.

use serde::{Deserialize, Serialize};
use tidewaiter_config::plan::{Deadline, DeadlineKind};

use super::{Outcome, parts};
use crate::inspect::millis;

/// Deadlines kept at most. The oldest that has ended is forgotten for a new one; full of running ones, the new one is
/// refused aloud.
pub(super) const MOST: usize = 1_000;

/// Where a deadline stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeadlineState {
    /// There is time.
    Due,
    /// There is little time.
    AtRisk,
    /// It was kept.
    Met,
    /// It was not kept.
    Missed,
    /// It was not kept, and what was due has been done since.
    Late,
}

impl DeadlineState {
    const ALL: [Self; 5] = [Self::Due, Self::AtRisk, Self::Met, Self::Missed, Self::Late];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::AtRisk => "at-risk",
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Late => "late",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// Whether nothing more is expected.
    const fn is_over(self) -> bool {
        matches!(self, Self::Met | Self::Late)
    }
}

/// One deadline of one inspection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Timer {
    /// Deadline and inspection: `report-2h/lane-7-1-4`.
    pub(super) id: String,
    pub(super) inspection: String,
    pub(super) seq: u64,
    #[serde(with = "parts::deadline_kind")]
    pub(super) kind: DeadlineKind,
    /// Stopwatch readings.
    pub(super) risk_ms: u64,
    pub(super) due_ms: u64,
    /// When it is due by the wall clock of its start: for people.
    pub(super) due_wall_ms: i64,
    #[serde(with = "parts::deadline_state")]
    pub(super) state: DeadlineState,
    /// Record whose receipt proves that the warning arrived.
    pub(super) warning_seq: Option<u64>,
}

/// All deadlines, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Deadlines(Vec<Timer>);

impl Deadlines {
    /// Starts a deadline `ago_ms` in the past.
    pub(super) fn start(
        &mut self,
        deadline: &Deadline,
        (inspection, seq): (&str, u64),
        clock_ms: u64,
        ago_ms: u64,
        detected_wall_ms: i64,
    ) -> Outcome {
        let id = format!("{}/{inspection}", deadline.id);
        if self.0.len() >= MOST {
            let ended = self.0.iter().position(|it| it.state.is_over());
            match ended.or_else(|| self.0.iter().position(|it| it.state == DeadlineState::Missed)) {
                Some(oldest) => drop(self.0.remove(oldest)),
                None => {
                    let facts = vec![("running", self.0.len().to_string())];
                    return Outcome::event("deadline-not-kept", Some(&id), facts);
                }
            }
        }
        let started = clock_ms.saturating_sub(ago_ms);
        let (within, at_risk) = (millis(deadline.within), millis(deadline.at_risk));
        let due_wall_ms = detected_wall_ms.saturating_add_unsigned(within);
        let facts = vec![
            ("kind", deadline.kind.word().to_owned()),
            ("inspection", inspection.to_owned()),
            ("within-s", deadline.within.as_secs().to_string()),
            ("due-ms", due_wall_ms.to_string()),
        ];
        let event = Outcome::event("deadline-started", Some(&id), facts);
        self.0.push(Timer {
            id,
            inspection: inspection.to_owned(),
            seq,
            kind: deadline.kind,
            risk_ms: started.saturating_add(within.saturating_sub(at_risk)),
            due_ms: started.saturating_add(within),
            due_wall_ms,
            state: DeadlineState::Due,
            warning_seq: None,
        });
        event
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, clock_ms: u64) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for timer in &mut self.0 {
            let next = match timer.state {
                DeadlineState::Due | DeadlineState::AtRisk if clock_ms >= timer.due_ms => DeadlineState::Missed,
                DeadlineState::Due if clock_ms >= timer.risk_ms => DeadlineState::AtRisk,
                _ => continue,
            };
            timer.state = next;
            outcomes.push(timer.event(&format!("deadline-{}", next.word()), Vec::new()));
        }
        outcomes
    }

    /// Someone did what was due.
    pub(super) fn sent(
        &mut self,
        id: &str,
        by: &str,
        reference: Option<&str>,
    ) -> Result<Outcome, Option<DeadlineState>> {
        let timer = self.0.iter_mut().find(|it| it.id == id).ok_or(None)?;
        timer.state = match timer.state {
            DeadlineState::Due | DeadlineState::AtRisk => DeadlineState::Met,
            DeadlineState::Missed => DeadlineState::Late,
            over @ (DeadlineState::Met | DeadlineState::Late) => return Err(Some(over)),
        };
        let mut facts = vec![("by", by.to_owned())];
        facts.extend(reference.map(|it| ("ref", it.to_owned())));
        Ok(timer.event(&format!("deadline-{}", timer.state.word()), facts))
    }

    /// The warning on an inspection stands in this record.
    pub(super) fn warned(&mut self, inspection: &str, seq: u64) -> bool {
        let mut any = false;
        for timer in self.0.iter_mut().filter(|it| it.inspection == inspection && it.kind == DeadlineKind::Report) {
            timer.warning_seq = Some(seq);
            any = true;
        }
        any
    }

    /// The centre signed for everything up to `upto`: a warning among it has arrived.
    pub(super) fn receipted(&mut self, upto: u64) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for timer in &mut self.0 {
            let running = matches!(timer.state, DeadlineState::Due | DeadlineState::AtRisk);
            if let (true, Some(seq)) = (running, timer.warning_seq)
                && seq <= upto
            {
                timer.state = DeadlineState::Met;
                let facts = vec![("by", "receipt".to_owned()), ("record", seq.to_string())];
                outcomes.push(timer.event("deadline-met", facts));
            }
        }
        outcomes
    }

    /// Whether any is running: then the time must be kept even when nothing happens.
    pub(super) fn running(&self) -> bool {
        self.0.iter().any(|it| matches!(it.state, DeadlineState::Due | DeadlineState::AtRisk))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Timer> {
        self.0.iter()
    }

    /// Ids of those for which something is still expected.
    pub(super) fn open(&self) -> Vec<&str> {
        self.0.iter().filter(|it| !it.state.is_over()).map(|it| it.id.as_str()).collect()
    }
}

impl Timer {
    fn event(&self, name: &str, more: Vec<(&str, String)>) -> Outcome {
        let mut facts = vec![("kind", self.kind.word().to_owned()), ("inspection", self.inspection.clone())];
        facts.extend(more);
        Outcome::event(name, Some(&self.id), facts)
    }
}
