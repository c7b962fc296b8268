//! What signed orders change for the inspector: the tables it judges by, and the plan.

use std::sync::Arc;

use tidewaiter_config::limits::LimitTable;

use super::Inspector;
use crate::outbox::{Draft, Refusal};

impl Inspector {
    /// Judges by these tables from here on. The record that says so comes first: what it could not be written for does
    /// not judge. An inspection that is open now is judged by them at its close.
    pub(super) async fn judge_by(&mut self, tables: Vec<LimitTable>, stale: bool, draft: Draft) -> Result<(), Refusal> {
        self.outbox.seal(draft).await?;
        let mut site = (*self.site).clone();
        site.tables = tables;
        self.site = Arc::new(site);
        self.desk.set_site(&self.site);
        self.live.update(|live| live.limits_stale = stale);
        Ok(())
    }

    /// Takes up a plan that came signed, as one from a file.
    pub(super) async fn signed_plan(&mut self, name: &str, text: &str) -> Result<(), Refusal> {
        let outcomes = self.desk.offer_plan(name, text, self.clock.now());
        self.tell(outcomes).await
    }
}
