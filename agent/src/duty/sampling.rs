//! Draws of the plan's items: a seed committed to, tickets drawn with it, the seed revealed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidewaiter_config::plan::{Plan, RiskClass, Sampling};
use tidewaiter_drivers::Decimal;
use tidewaiter_screening::duty::{
    audit::{COMMITTED, DRAWN, REVEALED},
    draw::Seed,
};

use super::Outcome;

/// The period of one item.
#[derive(Clone, Serialize, Deserialize)]
struct Period {
    plan: String,
    version: u32,
    /// Hexadecimal, as all numbers of 32 bytes here.
    seed: String,
    commitment: String,
    /// Stopwatch reading at its end.
    until_ms: u64,
    next_ticket: u64,
    presented: [u64; 3],
    selected: [u64; 3],
}

impl std::fmt::Debug for Period {
    /// Without the seed: it must not reach a log before it is revealed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Period({} {}, {} tickets)", self.plan, self.commitment, self.next_ticket.saturating_sub(1))
    }
}

/// The periods under way, by item.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Draws(BTreeMap<String, Period>);

/// A candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'c> {
    pub(super) subject: &'c str,
    /// Declared class, where there is one.
    pub(super) risk: Option<&'c str>,
    /// Inspection it comes from.
    pub(super) inspection: Option<&'c str>,
    /// Who presented it by hand.
    pub(super) operator: Option<&'c str>,
}

/// What a ticket drew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) ticket: u64,
    pub(super) class: RiskClass,
    pub(super) rate: Decimal,
    pub(super) selected: bool,
}

impl Draws {
    /// Ends the periods whose time is over or whose plan is no longer in force.
    pub(super) fn turn(&mut self, plan: Option<&Plan>, clock_ms: u64) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        self.0.retain(|item, period| {
            let wanted = plan.is_some_and(|plan| {
                plan.id == period.plan
                    && plan.version == period.version
                    && plan.items.iter().any(|it| it.id == *item && it.sampling.is_some())
            });
            let goes_on = wanted && clock_ms < period.until_ms;
            if !goes_on {
                outcomes.push(period.reveal(item));
            }
            goes_on
        });
        outcomes
    }

    /// Whether an item waits for a seed.
    pub(super) fn wants_seed(&self, plan: &Plan) -> bool {
        self.next(plan).is_some()
    }

    /// Begins the period of the item that waits, if one does.
    pub(super) fn begin(&mut self, plan: &Plan, seed: Seed, clock_ms: u64) -> Option<Outcome> {
        let (item, sampling) = self.next(plan)?;
        let period = Period {
            plan: plan.id.clone(),
            version: plan.version,
            seed: hex::encode(seed.0),
            commitment: hex::encode(seed.commitment()),
            until_ms: clock_ms.saturating_add(crate::inspect::millis(sampling.period)),
            next_ticket: 1,
            presented: [0; 3],
            selected: [0; 3],
        };
        let rates = RiskClass::ALL.map(|class| (rate_name(class), sampling.rate(class).to_string()));
        let mut facts = vec![
            ("commitment", period.commitment.clone()),
            ("plan", plan.id.clone()),
            ("version", plan.version.to_string()),
            ("item", item.to_owned()),
            ("period-s", sampling.period.as_secs().to_string()),
        ];
        facts.extend(rates);
        let event = Outcome::event(COMMITTED, Some(item), facts);
        let item = item.to_owned();
        self.0.insert(item, period);
        Some(event)
    }

    fn next<'p>(&self, plan: &'p Plan) -> Option<(&'p str, &'p Sampling)> {
        let sampled = plan.items.iter().filter_map(|item| Some((item.id.as_str(), item.sampling.as_ref()?)));
        sampled.into_iter().find(|(item, _)| !self.0.contains_key(*item))
    }

    /// Draws for a candidate of an item.
    pub(super) fn draw(
        &mut self,
        item: &str,
        sampling: &Sampling,
        candidate: Candidate<'_>,
    ) -> (Outcome, Option<Drawn>) {
        let class = candidate.risk.and_then(class_of).unwrap_or(sampling.default);
        let rate = sampling.rate(class);
        let missed = |why: &str| {
            let mut facts = vec![("item", item.to_owned()), ("why", why.to_owned())];
            facts.extend(candidate.inspection.map(|it| ("inspection", it.to_owned())));
            (Outcome::event("sampling-missed", Some(candidate.subject), facts), None)
        };
        let Some(period) = self.0.get_mut(item) else { return missed("no seed is committed to") };
        let Some(seed) = period.seed() else { return missed("the seed is damaged") };
        let ticket = period.next_ticket;
        let Some(selected) = seed.selects(ticket, candidate.subject, rate) else {
            return missed("the rate does not fit exact arithmetic");
        };
        period.next_ticket += 1;
        for ((of, presented), chosen) in RiskClass::ALL.into_iter().zip(&mut period.presented).zip(&mut period.selected)
        {
            if of == class {
                *presented += 1;
                *chosen += u64::from(selected);
            }
        }
        let mut facts = vec![
            ("commitment", period.commitment.clone()),
            ("plan", period.plan.clone()),
            ("item", item.to_owned()),
            ("ticket", ticket.to_string()),
            ("class", class.word().to_owned()),
            ("rate", rate.to_string()),
            ("selected", if selected { "yes" } else { "no" }.to_owned()),
        ];
        if candidate.risk.and_then(class_of).is_none() {
            facts.push(("class-from", "default".to_owned()));
        }
        facts.extend(candidate.inspection.map(|it| ("inspection", it.to_owned())));
        facts.extend(candidate.operator.map(|it| ("operator", it.to_owned())));
        (Outcome::event(DRAWN, Some(candidate.subject), facts), Some(Drawn { ticket, class, rate, selected }))
    }
}

impl Period {
    fn seed(&self) -> Option<Seed> {
        hex::decode(&self.seed).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(Seed)
    }

    fn reveal(&self, item: &str) -> Outcome {
        let mut facts = vec![
            ("commitment", self.commitment.clone()),
            ("plan", self.plan.clone()),
            ("item", item.to_owned()),
            ("seed", self.seed.clone()),
        ];
        let names = [("presented-A", "selected-A"), ("presented-B", "selected-B"), ("presented-C", "selected-C")];
        for (((presented, selected), counted), chosen) in names.into_iter().zip(self.presented).zip(self.selected) {
            facts.push((presented, counted.to_string()));
            facts.push((selected, chosen.to_string()));
        }
        Outcome::event(REVEALED, Some(item), facts)
    }
}

/// A declared class, in either case.
fn class_of(text: &str) -> Option<RiskClass> {
    RiskClass::from_word(&text.trim().to_uppercase())
}

const fn rate_name(class: RiskClass) -> &'static str {
    match class {
        RiskClass::A => "rate-A",
        RiskClass::B => "rate-B",
        RiskClass::C => "rate-C",
    }
}
