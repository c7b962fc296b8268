//! What signed orders change for the inspector: the tables it judges by, and the plan.

use std::sync::Arc;

use tidewaiter_config::limits::LimitTable;

use super::Inspector;
use crate::{
    life::{Activation, InForce},
    outbox::{Draft, Refusal},
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
        self.outbox.seal(draft.clone()).await?;
        let mut site = (*self.site).clone();
        site.tables = tables;
        self.site = Arc::new(site);
        self.desk.set_site(&self.site);
        self.life.judges_by(&self.site, &draft);
        self.live.set_in_force(InForce { tables: self.life.in_force(), plan: self.standing.plan.clone() });
        self.live.update(|live| live.limits_stale = stale);
        Ok(())
    }

    /// Takes up a plan that came signed, as one from a file.
    pub(super) async fn signed_plan(&mut self, name: &str, text: &str) -> Result<(), Refusal> {
        let outcomes = self.desk.offer_plan(name, text, self.clock.now());
        self.tell(outcomes).await
    }
}
