//! The duties of one agent as one machine.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidewaiter_config::site::{Judge, Site};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_screening::{
    Inspection, Screening,
    duty::{Case, assignment, case::fact, draw::Seed, level},
    inspection::SubjectKind,
};

use super::{
    Outcome, PlanRef, Warning,
    active::{Active, Answer},
    deadlines::Deadlines,
    ledger::Ledger,
    parts,
    sampling::{Candidate, Draws},
    stopwatch::{Stopwatch, day},
    trends::Trends,
    warnings::{self, Ground},
};

/// Part that holds what changes with every draw and deadline.
const CORE: &str = "duty";
/// Part that holds the text of the plan in force.
const PLAN: &str = "duty-plan";

/// The duties of one agent.
#[derive(Debug)]
pub struct Duty {
    pub(super) site: Arc<Site>,
    pub(super) clock: Stopwatch,
    pub(super) active: Active,
    pub(super) draws: Draws,
    pub(super) ledger: Ledger,
    trends: Trends,
    pub(super) deadlines: Deadlines,
    pub(super) core_changed: bool,
    plan_changed: bool,
    /// Stopwatch reading when the core was last kept.
    kept_ms: u64,
}

/// What changes with every draw and deadline.
#[derive(Serialize, Deserialize)]
struct Core {
    version: u32,
    clock: Stopwatch,
    refused: Option<String>,
    draws: Draws,
    deadlines: Deadlines,
}

const VERSION: u32 = 1;
/// While a deadline runs, the time is kept so often: what a power cut and a wrong wall clock can add to it or take
/// from it is no more than the time the machine was off.
const KEEP_MS: u64 = 60_000;

impl Duty {
    /// Takes up what was kept; `part` gives a part by its name, `boot` names this boot of the machine.
    ///
    /// A part that cannot be read is left out, and the outcomes say so.
    pub fn load(
        site: Arc<Site>,
        boot: &str,
        part: impl Fn(&str) -> Option<Vec<u8>>,
        now: Moment,
    ) -> (Self, Vec<Outcome>) {
        let mut outcomes = Vec::new();
        let mut lost = |name: &str, why: String| {
            outcomes.push(Outcome::event("duty-state-lost", Some(name), vec![("why", why)]));
        };
        let core = part(CORE).map(|bytes| {
            parts::read::<Core>(&bytes).and_then(|core| {
                if core.version == VERSION { Ok(core) } else { Err(format!("version {} is not known", core.version)) }
            })
        });
        let core = match core {
            Some(Ok(core)) => Some(core),
            Some(Err(why)) => {
                lost(CORE, why);
                None
            }
            None => None,
        };
        let (mut ledger, mut trends) = (Ledger::default(), Trends::default());
        for name in Ledger::names() {
            if let Some(Err(why)) = part(&name).map(|bytes| ledger.resume(&bytes)) {
                lost(&name, why);
            }
        }
        for name in Trends::names() {
            if let Some(Err(why)) = part(&name).map(|bytes| trends.resume(&bytes)) {
                lost(&name, why);
            }
        }
        let text = match part(PLAN).map(String::from_utf8) {
            Some(Ok(text)) => text,
            Some(Err(why)) => {
                lost(PLAN, why.to_string());
                String::new()
            }
            None => String::new(),
        };
        let (clock, refused, draws, deadlines) = match core {
            Some(core) => (core.clock.resumed(boot, now), core.refused, core.draws, core.deadlines),
            None => (Stopwatch::start(boot, now), None, Draws::default(), Deadlines::default()),
        };
        let mut active = Active::default();
        outcomes.extend(active.resume(text, refused, &site, day(now.wall_ms)));
        let duty = Self {
            site,
            clock,
            active,
            draws,
            ledger,
            trends,
            deadlines,
            core_changed: true,
            plan_changed: false,
            kept_ms: 0,
        };
        (duty, outcomes)
    }

    /// The parts that changed since this was last asked, to be kept with the outcomes they belong to.
    pub fn save(&mut self, now: Moment) -> Vec<(String, Vec<u8>)> {
        let mut changed = Vec::new();
        self.ledger.save(&mut changed);
        self.trends.save(&mut changed);
        if std::mem::take(&mut self.plan_changed) {
            changed.push((PLAN.to_owned(), self.active.text().unwrap_or_default().as_bytes().to_vec()));
        }
        if std::mem::take(&mut self.core_changed) || !changed.is_empty() {
            let core = Core {
                version: VERSION,
                clock: self.clock.kept(now),
                refused: self.active.refused().map(str::to_owned),
                draws: self.draws.clone(),
                deadlines: self.deadlines.clone(),
            };
            self.kept_ms = self.clock.at(now);
            changed.push((CORE.to_owned(), parts::written(&core)));
        }
        changed
    }

    /// Whose data the results are, by the plan in force.
    pub fn origin(&self) -> Option<&'static str> {
        self.active.rules().map(|plan| plan.origin.word())
    }

    /// The plan in force.
    pub fn plan(&self) -> Option<PlanRef> {
        self.active.reference()
    }

    /// What an inspection is judged by: its place's `own` list and what the plan in force adds.
    pub fn judges(&self, own: &[Judge], procedure: &str, place: &str, hs: Option<&str>) -> Vec<Judge> {
        assignment::judges(own, self.active.rules(), procedure, place, hs)
    }

    /// Goes on with other tables.
    pub fn set_site(&mut self, site: Arc<Site>) {
        self.site = site;
    }

    /// Looks at a text offered as plan; `name` is what faults call it.
    pub fn offer_plan(&mut self, name: &str, text: &str, now: Moment) -> Vec<Outcome> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let answer = self.active.offer(name, text, &self.site, day(now.wall_ms));
        self.take(answer, now)
    }

    /// The plan's file could not be read.
    pub fn plan_unreadable(&mut self, name: &str, why: &str, now: Moment) -> Vec<Outcome> {
        let answer = self.active.unreadable(name, why);
        self.take(answer, now)
    }

    fn take(&mut self, answer: Answer, now: Moment) -> Vec<Outcome> {
        let mut outcomes = answer.outcomes;
        self.core_changed |= answer.keep;
        if answer.changed {
            self.plan_changed = true;
            outcomes.extend(self.draws.turn(self.active.rules(), self.clock.at(now)));
        }
        outcomes
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Moment) -> Vec<Outcome> {
        let answer = self.active.tick(&self.site, day(now.wall_ms));
        let mut outcomes = self.take(answer, now);
        outcomes.extend(self.draws.turn(self.active.rules(), self.clock.at(now)));
        outcomes.extend(self.deadlines.tick(self.clock.at(now)));
        let kept_ago_ms = self.clock.at(now).saturating_sub(self.kept_ms);
        self.core_changed |= !outcomes.is_empty() || (kept_ago_ms >= KEEP_MS && self.deadlines.running());
        outcomes
    }

    /// Whether a period waits for its seed.
    pub fn wants_seed(&self) -> bool {
        self.active.rules().is_some_and(|plan| self.draws.wants_seed(plan))
    }

    /// Begins a period with a seed from outside.
    pub fn give_seed(&mut self, seed: [u8; 32], now: Moment) -> Vec<Outcome> {
        let Some(plan) = self.active.rules() else { return Vec::new() };
        self.core_changed = true;
        self.draws.begin(plan, Seed(seed), self.clock.at(now)).into_iter().collect()
    }

    /// Takes in a recorded inspection: draws, trend, warning, deadlines, ledger.
    ///
    /// An exercise may be followed up and counts for nothing else; a function check is no finding at all.
    pub fn on_inspection(
        &mut self,
        inspection: &Inspection,
        screening: &Screening,
        recorded: (u64, [u8; 32]),
        now: Moment,
    ) -> Vec<Outcome> {
        if inspection.subject.kind == SubjectKind::Instrument {
            return Vec::new();
        }
        let mut case = Case::of(inspection, screening);
        let mut outcomes = Vec::new();
        if !inspection.drill {
            self.draw_for(inspection, &mut outcomes);
            self.weigh(inspection, &mut case, &mut outcomes);
            let warning = self.warn(inspection, &mut case, recorded, &mut outcomes);
            let due = self.start_deadlines(inspection, &case, recorded.0, now, &mut outcomes);
            outcomes.extend(warning.map(|it| Outcome::Warning(Box::new(Warning { deadlines: due, ..it }))));
        }
        outcomes.extend(self.ledger.open(inspection, screening, &case, recorded));
        self.core_changed |= !outcomes.is_empty();
        outcomes
    }

    fn draw_for(&mut self, inspection: &Inspection, outcomes: &mut Vec<Outcome>) {
        let Some(plan) = self.active.rules() else { return };
        let subject =
            inspection.subject.identities.first().map_or(inspection.id.as_str(), |identity| identity.text.as_str());
        let hs = fact(inspection, "hs-code");
        for item in assignment::items(plan, &inspection.procedure, &inspection.place, hs) {
            let Some(sampling) = &item.sampling else { continue };
            let candidate =
                Candidate { subject, risk: fact(inspection, "risk"), inspection: Some(&inspection.id), operator: None };
            outcomes.push(self.draws.draw(&item.id, sampling, candidate).0);
        }
    }

    fn weigh(&mut self, inspection: &Inspection, case: &mut Case, outcomes: &mut Vec<Outcome>) {
        case.repeats = u32::from(case.breached());
        let Some((plan, rule)) = self.active.rules().and_then(|plan| Some((plan, plan.trend.as_ref()?))) else {
            return;
        };
        if !case.breached() && !case.conforms() {
            return;
        }
        let seen = self.trends.result(rule, inspection, case.conforms());
        case.repeats = seen.repeats;
        case.systemic = seen.systemic;
        outcomes.extend(seen.outcomes);
        for (open, evidence) in seen.lift {
            outcomes.push(Outcome::Warning(Box::new(warnings::lift(open, evidence, plan))));
        }
    }

    fn warn(
        &mut self,
        inspection: &Inspection,
        case: &mut Case,
        (seq, hash): (u64, [u8; 32]),
        outcomes: &mut Vec<Outcome>,
    ) -> Option<Warning> {
        let plan = self.active.rules()?;
        let proposal = level::propose(plan.matrix.as_ref()?, case)?;
        case.level = Some(proposal.level);
        match warnings::propose(&Ground { plan, inspection, case, proposal, seq, hash }) {
            Ok(warning) => {
                if plan.trend.is_some() {
                    self.trends.warned(inspection, warnings::open(&warning));
                }
                Some(warning)
            }
            Err(incomplete) => {
                outcomes.push(incomplete);
                None
            }
        }
    }

    fn start_deadlines(
        &mut self,
        inspection: &Inspection,
        case: &Case,
        seq: u64,
        now: Moment,
        outcomes: &mut Vec<Outcome>,
    ) -> Vec<(String, i64)> {
        let Some(plan) = self.active.rules() else { return Vec::new() };
        let mut due = Vec::new();
        // Detection is the end of the inspection, not the moment its record was safe.
        let ago_ms = now.mono_ms.saturating_sub(inspection.closed.mono_ms);
        for deadline in plan.deadlines.iter().filter(|it| case.fits(&it.on)) {
            let (clock_ms, wall_ms) = (self.clock.at(now), inspection.closed.wall_ms);
            due.push((deadline.id.clone(), wall_ms.saturating_add_unsigned(crate::inspect::millis(deadline.within))));
            outcomes.push(self.deadlines.start(deadline, (&inspection.id, seq), clock_ms, ago_ms, wall_ms));
        }
        due
    }

    /// A proposed warning stands in record `seq`; the receipt for it will meet the report's deadline.
    pub fn warning_recorded(&mut self, warning: &Warning, seq: u64) {
        self.core_changed |= self.deadlines.warned(&warning.inspection, seq);
    }

    /// The centre signed for everything up to `upto`.
    pub fn receipted(&mut self, upto: u64) -> Vec<Outcome> {
        let outcomes = self.deadlines.receipted(upto);
        self.core_changed |= !outcomes.is_empty();
        outcomes
    }

    /// The findings followed and the deadlines kept, for people and programs; `open` leaves out what is over.
    pub fn view(&self, open: bool) -> Value {
        let findings: Vec<Value> = self
            .ledger
            .iter()
            .filter(|it| !open || !it.state.is_closed())
            .map(|it| {
                json!({
                    "inspection": it.inspection,
                    "record": it.seq,
                    "place": it.place,
                    "subject": it.subject,
                    "opened_ms": it.opened_ms,
                    "disposition": it.disposition,
                    "verdict": it.verdict,
                    "state": it.state.word(),
                    "breaches": it.breaches,
                    "samples": it.samples,
                    "drill": it.drill,
                    "last": it.last.as_ref().map(|(step, by, at)| json!({ "step": step, "by": by, "at_ms": at })),
                })
            })
            .collect();
        let open_deadlines = self.deadlines.open();
        let deadlines: Vec<Value> = self
            .deadlines
            .iter()
            .filter(|it| !open || open_deadlines.contains(&it.id.as_str()))
            .map(|it| {
                json!({
                    "id": it.id,
                    "kind": it.kind.word(),
                    "inspection": it.inspection,
                    "record": it.seq,
                    "state": it.state.word(),
                    "due_ms": it.due_wall_ms,
                })
            })
            .collect();
        let plan =
            self.plan().map(|it| json!({ "id": it.id, "version": it.version, "sha256": hex::encode(it.sha256) }));
        json!({ "plan": plan, "findings": findings, "deadlines": deadlines })
    }
}
