//! What the inspector says of the agent itself: what it works with from here on, and which instruments.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::future::join_all;
use tidewaiter_config::site::Site;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::body::{Context, SoftwareId, Table};
use tracing::warn;

use super::{Inspector, REFRESH_MS};
use crate::{
    acquire::Arrival,
    life::{self, Activation, Cause, InForce, Instruments},
    outbox::{Draft, Refusal},
};

/// The state behind it.
#[derive(Debug)]
pub(super) struct Life {
    activation: Activation,
    instruments: Instruments,
    software: SoftwareId,
    judging: Vec<Table>,
    looked_ms: Option<u64>,
    /// Everything in force stands in the chain.
    activated: bool,
    /// The tables in force came signed: the downlink says so, with the versions behind them.
    signed: bool,
}

impl Life {
    pub(super) fn new(site: &Site, context: Context, software: SoftwareId, notes: &[(String, Vec<u8>)]) -> Self {
        Self {
            activation: Activation::restore(notes),
            instruments: Instruments::new(site, context),
            software,
            judging: life::judging(site),
            looked_ms: None,
            activated: false,
            signed: false,
        }
    }

    pub(super) const fn tables_are_signed(&mut self) {
        self.signed = true;
    }

    /// Takes over that a draft is recorded.
    pub(super) fn recorded(&mut self, draft: &Draft) {
        self.activation.recorded(draft);
    }

    pub(super) const fn is_signed(&self) -> bool {
        self.signed
    }

    /// Another site, which a record has named.
    pub(super) fn turn(&mut self, site: &Site, context: Context, redefined: &BTreeSet<String>) {
        self.software.config = context.config;
        self.instruments.turn(site, context, redefined);
        self.judging = life::judging(site);
        self.activated = true;
        // What owes a record of itself before its first reading has it at once.
        self.looked_ms = None;
    }

    /// Other tables, which a record that is not of this stage has named.
    pub(super) fn judges_by(&mut self, site: &Site, recorded: &Draft) {
        self.signed = true;
        self.judging = life::judging(site);
        self.activation.recorded(recorded);
    }

    pub(super) fn in_force(&self) -> Vec<Table> {
        self.judging.clone()
    }
}

impl Inspector {
    /// Before anything else is recorded: with what.
    pub(super) async fn begin_life(&mut self) {
        self.live_on(self.clock.now()).await;
    }

    /// Lets time pass; what was refused is tried again.
    pub(super) async fn live_on(&mut self, now: Moment) {
        if self.life.looked_ms.is_some_and(|last| now.mono_ms.saturating_sub(last) < REFRESH_MS) {
            return;
        }
        self.life.looked_ms = Some(now.mono_ms);
        self.live.set_in_force(InForce { tables: self.life.judging.clone(), plan: self.standing.plan.clone() });
        if !self.accepts() {
            return;
        }
        if !self.life.activated {
            self.life.activated = self.activate().await;
        }
        // Handed in together, so that one commit takes them all.
        let drafts = self.life.instruments.tick(now);
        let sealed = join_all(drafts.iter().map(|draft| self.outbox.seal(draft.clone()))).await;
        for (draft, _) in drafts.iter().zip(sealed).filter(|(_, sealed)| sealed.is_err()) {
            self.life.instruments.not_recorded(draft);
        }
    }

    /// Seals what differs from what the chain says; says whether the chain now says it all.
    async fn activate(&mut self) -> bool {
        let site = Arc::clone(&self.site);
        let sealed = self.activate_by(Cause::Start, &site).await;
        if let Err(refusal) = &sealed {
            warn!(%refusal, "what is in force is not recorded yet");
        }
        sealed.is_ok()
    }

    /// Seals what differs between what the chain says and this site.
    async fn activate_by(&mut self, cause: Cause, site: &Site) -> Result<(), Refusal> {
        // Handed in together, so that one commit takes them all.
        let drafts = self.activation_drafts(cause, site);
        let sealed = join_all(drafts.iter().map(|draft| self.outbox.seal(draft.clone()))).await;
        for (draft, sealed) in drafts.iter().zip(sealed) {
            sealed?;
            self.life.activation.recorded(draft);
        }
        Ok(())
    }

    pub(super) fn activation_drafts(&self, cause: Cause, site: &Site) -> Vec<Draft> {
        let plan = self.standing.plan.as_ref();
        let software = SoftwareId { config: site.digest, ..self.life.software.clone() };
        let mut drafts = Vec::new();
        drafts.extend(self.life.activation.config(cause, &software, plan));
        if !self.life.signed {
            drafts.extend(self.life.activation.limits("built-in", &life::tables(site), None, &BTreeMap::new()));
        }
        drafts
    }

    /// Records who an instrument is, and how it is decoded, before what it says.
    pub(super) async fn introduce(&mut self, arrival: &Arrival) {
        if let Some(draft) = self.life.instruments.arrival(arrival) {
            self.introduce_by(draft).await;
        }
    }

    async fn introduce_by(&mut self, draft: Draft) {
        // In a full store this would be refused with every reading, and counted as if a result had been lost.
        let recorded = self.accepts() && self.outbox.seal(draft.clone()).await.is_ok();
        if !recorded {
            self.life.instruments.not_recorded(&draft);
        }
    }

    pub(super) fn accepts(&self) -> bool {
        let status = self.outbox.status();
        let status = status.borrow();
        status.stopped_since_ms.is_none() || status.has_room()
    }
}
