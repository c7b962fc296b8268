//! What signed orders change for the inspector: the tables it judges by, and the plan.

use std::sync::Arc;

use tidewaiter_config::limits::LimitTable;
use tracing::warn;

use super::Inspector;
use crate::{
    life::{Activation, InForce},
    outbox::{Draft, Refusal},
    seal,
};

impl Inspector {
    /// The tables it begins with came signed.
    #[must_use]
    pub const fn with_signed_tables(mut self, signed: bool) -> Self {
        if signed {
            self.life.tables_are_signed();
        }
        self
    }

    /// Judges by these tables from here on. The record that says so comes first: what it could not be written for does
    /// not judge. An inspection that is open now is judged by them at its close.
    pub(super) async fn judge_by(
        &mut self,
        tables: Vec<LimitTable>,
        stale: bool,
        mut draft: Draft,
    ) -> Result<(), Refusal> {
        draft.notes.push(Activation::other_limits());
        let mut site = (*self.site).clone();
        site.tables = tables;
        let before = std::mem::replace(&mut self.site, Arc::new(site));
        self.desk.set_site(&self.site);
        // Should the power go while an inspection is open, what is kept of it becomes its record: that must not name tables
        // which the chain said before to be in force no longer. Handed in together, both become durable together.
        let open = self.open_anew();
        let (sealed, ()) = tokio::join!(self.outbox.seal(draft.clone()), self.remember(open));
        if let Err(refusal) = sealed {
            self.site = before;
            self.desk.set_site(&self.site);
            let open = self.open_anew();
            self.remember(open).await;
            return Err(refusal);
        }
        self.life.judges_by(&self.site, &draft);
        self.live.set_in_force(InForce { tables: self.life.in_force(), plan: self.standing.plan.clone() });
        self.live.update(|live| live.limits_stale = stale);
        Ok(())
    }

    /// What is kept of each open inspection, judged by the tables of now.
    fn open_anew(&self) -> Vec<(String, Vec<u8>)> {
        let judged = self.open.values().map(|inspection| {
            let (_, draft) = self.judge(&mut inspection.clone());
            (inspection.place.clone(), seal::remembered(&draft))
        });
        judged.collect()
    }

    async fn remember(&self, open: Vec<(String, Vec<u8>)>) {
        let kept = open.into_iter().map(|(place, state)| async move {
            if let Err(refusal) = self.outbox.remember(&place, state).await {
                warn!(place, %refusal, "an open inspection could not be made durable");
            }
        });
        futures_util::future::join_all(kept).await;
    }

    /// Takes up a plan that came signed, as one from a file.
    pub(super) async fn signed_plan(&mut self, name: &str, text: &str) -> Result<(), Refusal> {
        let outcomes = self.desk.offer_plan(name, text, self.clock.now());
        self.tell(outcomes).await
    }
}
