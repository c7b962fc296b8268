//! What the inspector does for the plan's duties: hands them what was recorded, records what they give.

use futures_util::future::join_all;
use serde_json::Value;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::body::Plan;
use tidewaiter_screening::{Inspection, Screening};
use tracing::{error, warn};

use super::{AskError, Inspector};
use crate::{
    duty::{Desk, Enter, FollowUp, Outcome},
    outbox::{Draft, Recorded, Refusal},
    seal::{self, Standing},
};

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
        if let Err(refusal) = self.tell(outcomes).await {
            error!(inspection = inspection.id, %refusal, "what follows from a result was not recorded");
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
    async fn tell(&mut self, outcomes: Vec<Outcome>) -> Result<(), Refusal> {
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
        let changes = self.desk.changes(self.clock.now());
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
