//! What a named person enters: steps after a finding, reports sent, lots for the draw.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidewaiter_config::plan::{Item, RiskClass};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_screening::duty::{
    acceptance::{Report, accepted},
    transition::{self, LabOutcome, Step},
};

use super::{
    Duty, FollowUp, Outcome,
    laboratory::{self, Entered},
    ledger::Entry,
    sampling::Candidate,
    stopwatch::day,
};

/// What a named person enters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enter {
    /// A step after a finding.
    FollowUp(StepTaken),
    /// What was due has been sent.
    ReportSent {
        /// Deadline, as `tidewaiter findings` lists it.
        deadline: String,
        /// By whom.
        by: String,
        /// Number of the letter, or the like.
        reference: Option<String>,
    },
    /// A lot presented for the draw.
    Draw(LotPresented),
}

/// A step after a finding, as entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTaken {
    /// Inspection it follows.
    pub inspection: String,
    /// What was done.
    pub step: Step,
    /// By whom.
    pub by: String,
    /// Values by parameter, as typed.
    pub values: BTreeMap<String, String>,
    /// Sample number.
    pub sample: Option<String>,
    /// Laboratory.
    pub body: Option<String>,
    /// Number of its report.
    pub report: Option<String>,
    /// Test method.
    pub method: Option<String>,
    /// Date of the report.
    pub date: Option<String>,
    /// Remark.
    pub note: Option<String>,
}

/// A lot presented for the draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotPresented {
    /// Lot number.
    pub lot: String,
    /// HS code.
    pub hs: String,
    /// Risk class; the item's default without one.
    pub risk: Option<String>,
    /// Item of the plan; the ones for the code without one.
    pub item: Option<String>,
    /// By whom.
    pub by: String,
}

impl StepTaken {
    /// A step with neither values nor anything else.
    pub fn new(inspection: &str, step: Step, by: &str) -> Self {
        Self {
            inspection: inspection.to_owned(),
            step,
            by: by.to_owned(),
            values: BTreeMap::new(),
            sample: None,
            body: None,
            report: None,
            method: None,
            date: None,
            note: None,
        }
    }
}

/// Why something entered was refused, with the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The ledger has no such finding.
    #[error("no finding of inspection {0:?} is followed; `tidewaiter findings` lists them")]
    NoFinding(String),
    /// The step may not follow.
    #[error(transparent)]
    Step(#[from] transition::Refused),
    /// The step needs more.
    #[error("--step {step} needs {what}")]
    Needs {
        /// Step.
        step: &'static str,
        /// What is missing, as it is given.
        what: &'static str,
    },
    /// The step takes no values.
    #[error("--step {0} takes no values; --step handheld and --step lab-result do")]
    NoValues(&'static str),
    /// No such sample was sent.
    #[error("sample {sample:?} was not sent for this finding; it has {known}")]
    NoSuchSample {
        /// Sample given.
        sample: String,
        /// Samples sent.
        known: String,
    },
    /// A value cannot be read.
    #[error("{parameter}={text:?}: {why}")]
    Value {
        /// Parameter.
        parameter: String,
        /// As typed.
        text: String,
        /// Why.
        why: String,
    },
    /// A date cannot be read.
    #[error("--date {0:?} is not a day of the calendar, for example 2026-05-02")]
    Date(String),
    /// No such deadline.
    #[error("no deadline has the id {id:?}; open are {open}")]
    NoDeadline {
        /// Id given.
        id: String,
        /// Ids there are.
        open: String,
    },
    /// The deadline is over.
    #[error("deadline {id:?} is {state} already")]
    Over {
        /// Id.
        id: String,
        /// State.
        state: &'static str,
    },
    /// There is no plan to draw by.
    #[error("no plan is in force, so nothing is drawn; `tidewaiter plan show` says which file is watched")]
    NoPlan,
    /// No item of the plan draws such lots.
    #[error("no item of the plan draws lots of HS code {hs:?}; it has {items}")]
    NotDrawn {
        /// Code given.
        hs: String,
        /// Items that draw.
        items: String,
    },
    /// No such class.
    #[error("risk class {0:?} is not one of A, B, C")]
    Risk(String),
}

impl Duty {
    /// Takes in what a named person enters; the value is the answer to them.
    ///
    /// # Errors
    ///
    /// Why it is refused, with the way out; nothing has changed then.
    pub fn enter(&mut self, enter: Enter, now: Moment) -> Result<(Vec<Outcome>, Value), Refused> {
        match enter {
            Enter::FollowUp(taken) => self.follow_up(taken, now),
            Enter::ReportSent { deadline, by, reference } => {
                match self.deadlines.sent(&deadline, &by, reference.as_deref()) {
                    Ok(outcome) => {
                        self.core_changed = true;
                        Ok((vec![outcome], json!({ "deadline": deadline })))
                    }
                    Err(Some(over)) => Err(Refused::Over { id: deadline, state: over.word() }),
                    Err(None) => {
                        let open = self.deadlines.open().join(", ");
                        let open = if open.is_empty() { "none".to_owned() } else { open };
                        Err(Refused::NoDeadline { id: deadline, open })
                    }
                }
            }
            Enter::Draw(presented) => self.present(presented),
        }
    }

    fn present(&mut self, presented: LotPresented) -> Result<(Vec<Outcome>, Value), Refused> {
        let LotPresented { lot, hs, risk, item, by } = presented;
        if let Some(class) = &risk
            && RiskClass::from_word(&class.trim().to_uppercase()).is_none()
        {
            return Err(Refused::Risk(class.clone()));
        }
        let plan = self.active.rules().ok_or(Refused::NoPlan)?;
        let sampled: Vec<&Item> = plan.items.iter().filter(|it| it.sampling.is_some()).collect();
        let digits = |it: &Item| it.hs_match(Some(&hs));
        let most = sampled.iter().filter_map(|it| digits(it)).max();
        let chosen: Vec<Item> = sampled
            .iter()
            .filter(|it| digits(it).is_some() && item.as_ref().map_or(digits(it) == most, |id| it.id == *id))
            .map(|it| (*it).clone())
            .collect();
        if chosen.is_empty() {
            let items: Vec<String> = sampled.iter().map(|it| format!("{} ({})", it.id, it.hs.join(", "))).collect();
            let items = if items.is_empty() { "none".to_owned() } else { items.join("; ") };
            return Err(Refused::NotDrawn { hs, items });
        }
        let (mut outcomes, mut drawn) = (Vec::new(), Vec::new());
        for item in &chosen {
            let Some(sampling) = &item.sampling else { continue };
            let candidate = Candidate { subject: &lot, risk: risk.as_deref(), inspection: None, operator: Some(&by) };
            let (outcome, ticket) = self.draws.draw(&item.id, sampling, candidate);
            outcomes.push(outcome);
            drawn.extend(ticket.map(|it| {
                json!({ "item": item.id, "ticket": it.ticket, "class": it.class.word(),
                        "rate": it.rate.to_string(), "selected": it.selected })
            }));
        }
        self.core_changed = true;
        Ok((outcomes, json!({ "lot": lot, "drawn": drawn })))
    }

    fn follow_up(&mut self, taken: StepTaken, now: Moment) -> Result<(Vec<Outcome>, Value), Refused> {
        let StepTaken { inspection, step, by, values, sample, body, report, method, date, note } = taken;
        let entry = self.ledger.find(&inspection).cloned().ok_or(Refused::NoFinding(inspection))?;
        entry.state.after(step, LabOutcome::Open)?;
        let needs = |what| Refused::Needs { step: step.word(), what };
        let takes_values = matches!(step, Step::Handheld | Step::LabResult);
        if takes_values && values.is_empty() {
            return Err(needs("at least one value, for example formaldehyde='82 mg/kg'"));
        }
        if !takes_values && !values.is_empty() {
            return Err(Refused::NoValues(step.word()));
        }
        let values = values
            .iter()
            .map(|(parameter, text)| laboratory::value(parameter, text, &self.site))
            .collect::<Result<Vec<_>, _>>()?;
        let sample = match step {
            Step::Sample => Some(sample.ok_or_else(|| needs("--sample NUMBER"))?),
            Step::LabResult => Some(
                sent_sample(&entry, sample)
                    .map_err(|why| why.unwrap_or_else(|| needs("--sample NUMBER, one of several")))?,
            ),
            _ => sample,
        };
        let plan = self.active.rules();
        let mut rejected = None;
        if step == Step::LabResult {
            let body = body.as_deref().ok_or_else(|| needs("--body ID, as the plan's acceptance list names it"))?;
            report.as_ref().ok_or_else(|| needs("--report NUMBER"))?;
            let method = method.as_deref().ok_or_else(|| needs("--method STANDARD"))?;
            let written = date.as_deref().ok_or_else(|| needs("--date DAY of the report"))?;
            let date = written.parse().map_err(|_| Refused::Date(written.to_owned()))?;
            let parameters: Vec<&str> = values.iter().map(|(name, _, _)| name.as_str()).collect();
            let report = Report { body, method, date, hs: entry.fact("hs-code"), parameters: &parameters };
            rejected = accepted(plan.map_or(&[], |it| &it.acceptance), &report, day(now.wall_ms)).err();
        } else if let Some(written) = &date
            && written.parse::<jiff::civil::Date>().is_err()
        {
            return Err(Refused::Date(written.clone()));
        }
        let id = format!("{}-f{}", entry.inspection, entry.steps.saturating_add(1));
        // A result that does not count is recorded as it was entered, and not judged.
        let judged = (takes_values && rejected.is_none()).then(|| {
            let entered = Entered {
                id: &id,
                procedure: if step == Step::LabResult { laboratory::PROCEDURE } else { step.word() },
                source: body.as_deref().unwrap_or("handheld"),
                sample: sample.as_deref(),
                by: &by,
                at: now,
            };
            laboratory::judged(
                &entry,
                entered,
                &values,
                laboratory::asked(&entry, &values, plan, &self.site),
                &self.site,
            )
        });
        let lab = judged.as_ref().map_or(LabOutcome::Open, |it| laboratory::outcome(&it.screening));
        let to = entry.state.after(step, lab)?;
        let sent = if step == Step::Sample { sample.as_deref() } else { None };
        self.ledger.step(&entry.inspection, to, sent, (step.word().to_owned(), by.clone(), now.wall_ms));
        let answer = json!({
            "inspection": entry.inspection,
            "from": entry.state.word(),
            "to": to.word(),
            "verdict": judged.as_ref().map(|it| it.screening.verdict.word()),
            "rejected": rejected.as_ref().map(|it| json!({ "reason": it.word(), "why": it.to_string() })),
        });
        let follow_up = FollowUp {
            id,
            inspection: entry.inspection,
            seq: entry.seq,
            hash: entry.hash,
            place: entry.place,
            subject: entry.subject,
            step,
            by,
            from: entry.state,
            to,
            values,
            sample,
            body,
            report,
            method,
            date,
            note,
            rejected,
            judged,
            drill: entry.drill,
            simulated: entry.simulated,
            at: now,
            plan: self.active.reference(),
        };
        Ok((vec![Outcome::FollowUp(Box::new(follow_up))], answer))
    }
}

/// The sample a laboratory's result is of: the one named, else the only one. `Err(None)` when several were sent and
/// none is named.
fn sent_sample(entry: &Entry, named: Option<String>) -> Result<String, Option<Refused>> {
    match (named, entry.samples.as_slice()) {
        (Some(sample), known) if known.contains(&sample) => Ok(sample),
        (Some(sample), known) => Err(Some(Refused::NoSuchSample { sample, known: known.join(", ") })),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(None),
    }
}
