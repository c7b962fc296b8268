//! What the inspector does for the plan's duties: hands them what was recorded, records what they give.

use serde_json::Value;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_screening::{Inspection, Screening};
use tracing::{error, warn};

use super::{AskError, Inspector};
use crate::{
    duty::{Enter, Outcome},
    outbox::{Recorded, Refusal},
    seal,
};

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

    /// Records outcomes in order, then keeps the state they belong to.
    async fn tell(&mut self, outcomes: Vec<Outcome>) -> Result<(), Refusal> {
        let mut first_refusal = None;
        for outcome in outcomes {
            let warning = match &outcome {
                Outcome::Warning(warning) => Some(warning.clone()),
                _ => None,
            };
            let event = outcome.into_event();
            if matches!(event.name.as_str(), "plan-refused" | "plan-lost" | "plan-expired" | "duty-state-lost") {
                let why = event.facts.iter().find(|(name, _)| name == "why").map_or("", |(_, why)| why);
                warn!(
                    event = event.name,
                    subject = event.subject.as_deref().unwrap_or_default(),
                    why,
                    "monitoring plan"
                );
            }
            match (self.outbox.seal(seal::event(&event)).await, warning) {
                (Ok(recorded), Some(warning)) => self.desk.warning_recorded(&warning, recorded.seq),
                (Ok(_), None) => {}
                (Err(refusal), _) => {
                    error!(event = event.name, %refusal, "event not recorded");
                    first_refusal.get_or_insert(refusal);
                }
            }
        }
        self.desk.keep(self.clock.now());
        first_refusal.map_or(Ok(()), Err)
    }
}
