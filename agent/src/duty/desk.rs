//! The duties with the world around them: the plan's file once a second, seeds when they are wanted, parts kept.

use std::sync::Arc;

use serde_json::Value;
use tidewaiter_config::site::{Judge, Site};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_screening::{Inspection, Screening};
use tracing::error;

use super::{
    Duty, Enter, Outcome, PlanRef, Refused, Warning,
    rim::{self, PlanFile},
};

/// How often the plan's file is looked at.
const REFRESH_MS: u64 = 1_000;

/// The duties of a running agent.
#[derive(Debug)]
pub struct Desk {
    duty: Duty,
    file: Option<PlanFile>,
    looked_ms: Option<u64>,
    /// What was found at the start, until someone takes it.
    first: Vec<Outcome>,
}

impl Desk {
    /// Takes up the duties where they were left; `notes` are the parts kept, among others.
    pub fn open(site: &Arc<Site>, notes: &[(String, Vec<u8>)], now: Moment) -> Self {
        let part = |name: &str| notes.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.clone());
        let (duty, first) = Duty::load(Arc::clone(site), &rim::boot(), part, now);
        let file = site.plan.as_deref().map(PlanFile::new);
        let mut desk = Self { duty, file, looked_ms: None, first };
        // Looked at before the first inspection is judged.
        let looked = desk.look(now);
        desk.first.extend(looked);
        desk
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Moment) -> Vec<Outcome> {
        let mut outcomes = std::mem::take(&mut self.first);
        outcomes.extend(self.look(now));
        outcomes.extend(self.settle(now));
        outcomes
    }

    fn look(&mut self, now: Moment) -> Vec<Outcome> {
        let due = self.looked_ms.is_none_or(|last| now.mono_ms.saturating_sub(last) >= REFRESH_MS);
        let Some(file) = self.file.as_mut().filter(|_| due) else { return Vec::new() };
        self.looked_ms = Some(now.mono_ms);
        let name = file.name();
        match file.changed() {
            Some(Ok(text)) => self.duty.offer_plan(&name, &text, now),
            Some(Err(why)) => self.duty.plan_unreadable(&name, &why, now),
            None => Vec::new(),
        }
    }

    /// Ends what is over and begins what is due, so that a candidate finds its period open.
    fn settle(&mut self, now: Moment) -> Vec<Outcome> {
        let mut outcomes = self.duty.tick(now);
        while self.duty.wants_seed() {
            match rim::seed() {
                Ok(seed) => outcomes.extend(self.duty.give_seed(seed, now)),
                Err(why) => {
                    error!(why, "no random numbers; nothing is drawn");
                    break;
                }
            }
        }
        outcomes
    }

    /// Goes on with other tables.
    pub fn set_site(&mut self, site: &Arc<Site>) {
        self.duty.set_site(Arc::clone(site));
    }

    /// Goes on with another site: other places, and perhaps another plan file, which is read at the next look.
    pub fn turn(&mut self, site: &Arc<Site>) {
        self.set_site(site);
        // One that is the same is read again too: its findings may be others now.
        self.file = site.plan.as_deref().map(PlanFile::new);
        self.looked_ms = None;
    }

    /// Takes up a plan that did not come from the file.
    pub fn offer_plan(&mut self, name: &str, text: &str, now: Moment) -> Vec<Outcome> {
        self.duty.offer_plan(name, text, now)
    }

    /// What an inspection is judged by.
    pub fn judges(&self, own: &[Judge], procedure: &str, place: &str, hs: Option<&str>) -> Vec<Judge> {
        self.duty.judges(own, procedure, place, hs)
    }

    /// The plan in force.
    pub fn plan(&self) -> Option<PlanRef> {
        self.duty.plan()
    }

    /// Takes in a recorded inspection.
    pub fn inspection(
        &mut self,
        inspection: &Inspection,
        screening: &Screening,
        recorded: (u64, [u8; 32]),
        now: Moment,
    ) -> Vec<Outcome> {
        let mut outcomes = self.settle(now);
        outcomes.extend(self.duty.on_inspection(inspection, screening, recorded, now));
        outcomes
    }

    /// Takes in what a named person enters.
    ///
    /// # Errors
    ///
    /// Why it is refused; nothing of it has changed then.
    pub fn enter(&mut self, enter: Enter, now: Moment) -> (Vec<Outcome>, Result<Value, Refused>) {
        let mut outcomes = self.settle(now);
        match self.duty.enter(enter, now) {
            Ok((more, answer)) => {
                outcomes.extend(more);
                (outcomes, Ok(answer))
            }
            Err(refused) => (outcomes, Err(refused)),
        }
    }

    /// A proposed warning stands in record `seq`.
    pub fn warning_recorded(&mut self, warning: &Warning, seq: u64) {
        self.duty.warning_recorded(warning, seq);
    }

    /// The centre signed for everything up to `upto`.
    pub fn receipted(&mut self, upto: u64) -> Vec<Outcome> {
        self.duty.receipted(upto)
    }

    /// The findings followed and the deadlines kept.
    pub fn view(&self, open: bool) -> Value {
        self.duty.view(open)
    }

    /// Whose data the results are, by the plan in force.
    pub fn origin(&self) -> Option<&'static str> {
        self.duty.origin()
    }

    /// What has changed since this was last asked, to be kept with the records it belongs to.
    pub fn changes(&mut self, now: Moment) -> Vec<(String, Option<Vec<u8>>)> {
        self.duty.save(now).into_iter().map(|(name, bytes)| (name, Some(bytes))).collect()
    }
}
