//! What the inspector does for the plan's duties: hands them what was recorded, records what they give.

use futures_util::future::join_all;
use serde_json::Value;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_recompute as recall;
use tidewaiter_record::body::{Detail, Plan};
use tidewaiter_screening::{Inspection, Screening, inspection::SubjectKind};
use tracing::{error, warn};

use super::{AskError, Inspector};
use crate::{
    duty::{Desk, Enter, FollowUp, Outcome},
    outbox::{Draft, Recorded, Refusal},
    seal::{self, Standing},
};

/// Name of the note with the number of the last result handed to the duties.
pub(super) const ATTENDED_NOTE: &str = "attended";
/// Procedures of the values that a follow-up brings.
const OF_FOLLOW_UPS: [&str; 2] = ["lab-result", "handheld"];
/// Records read at once when catching up.
const PIECE: usize = 64;
/// Outcomes handed to the outbox at once: fewer than it seals in one commit.
const AT_ONCE: usize = 16;

/// What records name beside the measurement, with the plan now in force.
pub(super) fn standing(standing: Standing, desk: &Desk) -> Standing {
    let plan = desk.plan().map(|it| Plan { id: it.id, version: u64::from(it.version), sha256: it.sha256 });
    Standing { plan, origin: desk.origin().map(str::to_owned), ..standing }
}

impl Inspector {
    /// Lets time pass for the duties, and tells them what the centre has signed for.
    pub(super) async fn duties(&mut self, now: Moment) {
        let mut outcomes = self.desk.tick(now);
        let receipted = self.outbox.status().borrow().cursor.map(|cursor| cursor.upto_seq);
        if let Some(upto) = receipted
            && self.receipted != receipted
        {
            self.receipted = receipted;
            outcomes.extend(self.desk.receipted(upto));
        }
        if let Err(refusal) = self.tell(outcomes).await {
            error!(%refusal, "a duty of the plan was not recorded");
        }
    }

    /// Hands over an inspection that is recorded.
    pub(super) async fn attend(&mut self, inspection: &Inspection, screening: &Screening, recorded: Recorded) {
        let now = self.clock.now();
        let outcomes = self.desk.inspection(inspection, screening, (recorded.seq, recorded.hash.0), now);
        self.attended = Some(recorded.seq);
        if let Err(refusal) = self.tell(outcomes).await {
            error!(inspection = inspection.id, %refusal, "what follows from a result was not recorded");
        }
    }

    /// Hands over what was recorded and not handed over before the last end: a result sealed in the moment the power
    /// went, and inspections that were open then.
    pub(super) async fn catch_up(&mut self) {
        let mut from = self.attended.map_or(0, |last| last + 1);
        loop {
            let entries = match self.outbox.entries(from, PIECE).await {
                Some(Ok(entries)) => entries,
                Some(Err(failure)) => {
                    error!(%failure, "results of the last run cannot be read; the duties go on without them");
                    return;
                }
                None => return,
            };
            let Some(last) = entries.last() else { break };
            from = last.seq + 1;
            for entry in entries {
                let Ok(record) = tidewaiter_record::parse(&entry.bytes) else { continue };
                let Detail::Inspection(detail) = &record.body.detail else { continue };
                // A record of kind 16 is from before there were duties. What a laboratory found belongs to its follow-up,
                // which is kept with its own record.
                if detail.judging.is_none()
                    || OF_FOLLOW_UPS.contains(&detail.procedure.as_str())
                    || detail.subject.kind == SubjectKind::Instrument.word()
                {
                    continue;
                }
                match (recall::inspection(detail), recall::screening(detail)) {
                    (Ok(inspection), Ok(screening)) => {
                        let recorded = Recorded { seq: entry.seq, hash: entry.hash };
                        self.attend(&inspection, &screening, recorded).await;
                    }
                    (Err(why), _) | (_, Err(why)) => warn!(record = entry.seq, why, "not handed to the duties"),
                }
            }
        }
        // So that the next start need not read all this again.
        if let Some(last) = from.checked_sub(1).filter(|last| self.attended != Some(*last)) {
            self.attended = Some(last);
            let seq = last.to_be_bytes().to_vec();
            if let Err(refusal) = self.outbox.notes(vec![(ATTENDED_NOTE.to_owned(), Some(seq))]).await {
                warn!(%refusal, "how far the duties have come could not be kept");
            }
        }
    }

    /// Takes in what a named person enters; the answer is given once it is recorded.
    pub(super) async fn enter(&mut self, enter: Enter) -> Result<Value, AskError> {
        let (outcomes, answer) = self.desk.enter(enter, self.clock.now());
        self.tell(outcomes).await?;
        Ok(answer?)
    }

    /// Records outcomes in order. The state they leave becomes durable with the last of them, which is in the same
    /// commit as the others: a ticket drawn and not counted would be drawn again.
    pub(super) async fn tell(&mut self, outcomes: Vec<Outcome>) -> Result<(), Refusal> {
        self.standing = standing(self.standing.clone(), &self.desk);
        let mut drafts = Vec::new();
        let mut warned = Vec::new();
        let mut refused = None;
        for outcome in outcomes {
            let draft = match outcome {
                Outcome::Event(event) => {
                    aloud(&event);
                    self.event(&event)
                }
                Outcome::FollowUp(step) => match self.judged(&step).await {
                    Ok(judged) => seal::follow_up(&step, judged, &self.standing),
                    Err(refusal) => {
                        refused.get_or_insert(refusal);
                        seal::follow_up(&step, None, &self.standing)
                    }
                },
                Outcome::Warning(warning) => {
                    let draft = seal::warning(&warning, &self.standing);
                    warned.push((drafts.len(), warning));
                    draft
                }
            };
            drafts.push(draft);
        }
        let mut changes = self.desk.changes(self.clock.now());
        // Without a change it may be handed over once more: nothing came of it.
        if let Some(seq) = self.attended.filter(|_| !changes.is_empty()) {
            changes.push((ATTENDED_NOTE.to_owned(), Some(seq.to_be_bytes().to_vec())));
        }
        match drafts.last_mut() {
            Some(last) => last.notes = changes,
            None if changes.is_empty() => return Ok(()),
            None => return self.outbox.notes(changes).await,
        }
        let mut recorded = Vec::new();
        for group in drafts.chunks(AT_ONCE) {
            recorded.extend(join_all(group.iter().map(|draft: &Draft| self.outbox.seal(draft.clone()))).await);
        }
        for (index, warning) in warned {
            if let Some(Ok(recorded)) = recorded.get(index) {
                self.desk.warning_recorded(&warning, recorded.seq);
            }
        }
        for refusal in recorded.into_iter().filter_map(Result::err) {
            error!(%refusal, "an outcome of the plan was not recorded");
            refused.get_or_insert(refusal);
        }
        let changes = self.desk.changes(self.clock.now());
        if !changes.is_empty() {
            self.outbox.notes(changes).await?;
        }
        refused.map_or(Ok(()), Err)
    }

    /// Records the values of a step as an inspection of their own, for the step to point at.
    async fn judged(&self, step: &FollowUp) -> Result<Option<(String, Recorded)>, Refusal> {
        let Some(judged) = &step.judged else { return Ok(None) };
        let tables = self.tables_of(&judged.screening);
        let draft = seal::inspection(&judged.inspection, &judged.screening, &judged.judge, tables, &self.standing);
        // It closes nothing: the place may be busy with another subject.
        let recorded = self.outbox.seal(Draft { closes: None, ..draft }).await?;
        Ok(Some((judged.inspection.id.clone(), recorded)))
    }
}

/// Says in the log what someone should look at.
fn aloud(event: &crate::inspect::Event) {
    if matches!(event.name.as_str(), "plan-refused" | "plan-lost" | "plan-expired" | "duty-state-lost") {
        let why = event.facts.iter().find(|(name, _)| name == "why").map_or("", |(_, why)| why);
        warn!(event = event.name, subject = event.subject.as_deref().unwrap_or_default(), why, "monitoring plan");
    }
}
