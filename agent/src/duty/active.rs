//! Which plan is in force: the newest sound one, whatever happens to the file afterwards.

use jiff::civil::Date;
use sha2::{Digest, Sha256};
use tidewaiter_config::{
    plan::{self, Known, Plan},
    site::Site,
};

use super::{Outcome, PlanRef};

/// The plan in force, and which texts were already answered.
#[derive(Debug, Default)]
pub(super) struct Active {
    plan: Option<Plan>,
    text: String,
    /// Whether its days include the present one.
    in_force: bool,
    /// SHA-256 of the last text refused, so that each content is refused once.
    refused: Option<String>,
    /// A sound newer text whose first day has not come.
    waiting: Option<(String, String)>,
}

/// What became of an offered text.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) outcomes: Vec<Outcome>,
    /// Another plan is in force now.
    pub(super) changed: bool,
    /// Something has to be kept.
    pub(super) keep: bool,
}

impl Active {
    /// The plan, on the days it is in force.
    pub(super) fn rules(&self) -> Option<&Plan> {
        self.plan.as_ref().filter(|_| self.in_force)
    }

    pub(super) fn reference(&self) -> Option<PlanRef> {
        self.rules().map(reference)
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.plan.is_some().then_some(self.text.as_str())
    }

    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Takes up the plan kept before a restart, as it was: it was sound then. A site that no longer has what it
    /// names says so.
    pub(super) fn resume(&mut self, text: String, refused: Option<String>, site: &Site, today: Date) -> Vec<Outcome> {
        self.refused = refused;
        if text.is_empty() {
            return Vec::new();
        }
        match plan::load_str("the plan in force", &text, &Known::of(site)) {
            Ok((plan, _)) => {
                self.in_force = plan.in_force(today);
                self.plan = Some(plan);
                self.text = text;
                Vec::new()
            }
            Err(report) => {
                let why = first(&report);
                vec![Outcome::event("plan-lost", None, vec![("why", why), ("sha256", digest(&text))])]
            }
        }
    }

    /// Looks at a text offered as plan.
    pub(super) fn offer(&mut self, name: &str, text: &str, site: &Site, today: Date) -> Answer {
        let digest = digest(text);
        let same = self.plan.as_ref().is_some_and(|plan| hex::encode(plan.digest) == digest);
        let waits = self.waiting.as_ref().is_some_and(|(_, known)| *known == digest);
        if same || waits || self.refused.as_deref() == Some(&digest) {
            return Answer::default();
        }
        let plan = match plan::load_str(name, text, &Known::of(site)) {
            Ok((plan, _)) => plan,
            Err(report) => return self.refuse(name, digest, first(&report)),
        };
        if let Some(current) = &self.plan
            && plan.version <= current.version
        {
            let why = format!(
                "version {} is not above version {} of {:?}; raise `version` with every change",
                plan.version, current.version, current.id
            );
            return self.refuse(name, digest, why);
        }
        if plan.effective_to.is_some_and(|last| last < today) {
            let why = format!("it ended on {}", plan.effective_to.unwrap_or(today));
            return self.refuse(name, digest, why);
        }
        if today < plan.effective_from {
            self.waiting = Some((text.to_owned(), digest.clone()));
            let from = plan.effective_from.to_string();
            let facts = vec![("version", plan.version.to_string()), ("sha256", digest), ("effective-from", from)];
            return Answer {
                outcomes: vec![Outcome::event("plan-waiting", Some(&plan.id), facts)],
                ..Answer::default()
            };
        }
        self.activate(plan, text)
    }

    /// A text that could not even be read.
    pub(super) fn unreadable(&mut self, name: &str, why: &str) -> Answer {
        let digest = digest(why);
        if self.refused.as_deref() == Some(&digest) {
            Answer::default()
        } else {
            self.refuse(name, digest, why.to_owned())
        }
    }

    /// Lets the days pass.
    pub(super) fn tick(&mut self, site: &Site, today: Date) -> Answer {
        if let Some((text, digest)) = self.waiting.take() {
            match plan::load_str("the waiting plan", &text, &Known::of(site)) {
                Ok((plan, _)) if plan.in_force(today) => return self.activate(plan, &text),
                _ => self.waiting = Some((text, digest)),
            }
        }
        let Some(plan) = &self.plan else { return Answer::default() };
        let in_force = plan.in_force(today);
        if in_force == self.in_force {
            return Answer::default();
        }
        self.in_force = in_force;
        let name = if in_force { "plan-resumed" } else { "plan-expired" };
        let facts = vec![("version", plan.version.to_string()), ("sha256", hex::encode(plan.digest))];
        Answer { outcomes: vec![Outcome::event(name, Some(&plan.id), facts)], changed: true, keep: true }
    }

    fn activate(&mut self, plan: Plan, text: &str) -> Answer {
        let mut facts = vec![
            ("version", plan.version.to_string()),
            ("sha256", hex::encode(plan.digest)),
            ("issuer", plan.issuer.clone()),
            ("effective-from", plan.effective_from.to_string()),
            ("origin", plan.origin.word().to_owned()),
        ];
        if let Some(old) = &self.plan {
            facts.push(("old-id", old.id.clone()));
            facts.push(("old-version", old.version.to_string()));
            facts.push(("old-sha256", hex::encode(old.digest)));
        }
        let event = Outcome::event("plan-activated", Some(&plan.id), facts);
        text.clone_into(&mut self.text);
        (self.plan, self.in_force, self.refused, self.waiting) = (Some(plan), true, None, None);
        Answer { outcomes: vec![event], changed: true, keep: true }
    }

    fn refuse(&mut self, name: &str, digest: String, why: String) -> Answer {
        let mut facts = vec![("why", why), ("sha256", digest.clone())];
        if let Some(current) = &self.plan {
            facts.push(("stays-in-force", format!("{} {}", current.id, current.version)));
        }
        self.refused = Some(digest);
        Answer { outcomes: vec![Outcome::event("plan-refused", Some(name), facts)], changed: false, keep: true }
    }
}

pub(super) fn reference(plan: &Plan) -> PlanRef {
    PlanRef { id: plan.id.clone(), version: plan.version, sha256: plan.digest }
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The first fault on one line, and how many more there are.
fn first(report: &tidewaiter_config::Report) -> String {
    let faults = report.findings().iter().filter(|it| it.severity == tidewaiter_config::Severity::Error);
    let mut texts = faults.map(|it| it.to_string().replace("\n  ", "; "));
    let first = texts.next().unwrap_or_else(|| "it cannot be read".to_owned());
    match texts.count() {
        0 => first,
        more => format!("{first} (and {more} more)"),
    }
}
