//! One judged inspection as the rules of a plan see it.

use tidewaiter_config::{
    limits::Hazard,
    plan::{Level, Selector},
};

use crate::{Disposition, Inspection, Screening, Verdict, inspection::Declaration};

/// A judged inspection, and what is known of others like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Disposition of the inspection.
    pub disposition: Disposition,
    /// Verdict of the inspection.
    pub verdict: Verdict,
    /// Rows that were not kept, advisory ones left out, and alarms.
    pub breaches: Vec<Breach>,
    /// Results of this commodity and origin in the window that do not conform, this one included.
    pub repeats: u32,
    /// So many consignees or origins are hit that the plan calls it systemic.
    pub systemic: bool,
    /// Proposed level, once there is one.
    pub level: Option<Level>,
}

/// A row that was not kept, or an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Parameter, or the kind of an alarm.
    pub parameter: String,
    /// Limit table; empty for an alarm.
    pub table: String,
    /// Legal force of the table; empty for an alarm.
    pub legal_force: String,
    /// Kinds of hazard.
    pub hazards: Vec<Hazard>,
    /// Value and limit as the finding prints them: `8.1 [pH] / 4.0..7.5 [pH]`.
    pub told: String,
}

impl Case {
    /// A case without a history.
    pub fn of(inspection: &Inspection, screening: &Screening) -> Self {
        let rows = screening
            .findings
            .iter()
            .filter(|finding| !finding.advisory && matches!(finding.verdict, Verdict::Fail | Verdict::ConditionalFail));
        let mut breaches: Vec<Breach> = rows
            .map(|finding| Breach {
                parameter: finding.parameter.clone(),
                table: finding.table.clone(),
                legal_force: finding.legal_force.clone(),
                hazards: finding.hazards.clone(),
                told: format!("{} / {}", finding.value.as_deref().unwrap_or("-"), finding.limit),
            })
            .collect();
        for alarm in inspection.alarms.iter().filter(|alarm| alarm.by_device || alarm.recomputed) {
            breaches.push(Breach {
                parameter: alarm.kind.clone(),
                table: String::new(),
                legal_force: String::new(),
                hazards: vec![Hazard::Physical],
                told: format!("{} {}", alarm.instrument, alarm.kind),
            });
        }
        Self {
            disposition: screening.disposition,
            verdict: screening.verdict,
            breaches,
            repeats: 0,
            systemic: false,
            level: None,
        }
    }

    /// Whether the goods do not conform: `Fail`, `ConditionalFail` or an alarm.
    pub fn breached(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::ConditionalFail) || self.disposition == Disposition::Alarm
    }

    /// Whether the goods were found to conform; what could not be decided is neither.
    pub fn conforms(&self) -> bool {
        !self.breached() && matches!(self.verdict, Verdict::Pass | Verdict::ConditionalPass)
    }

    /// Whether a rule is about this case.
    pub fn fits(&self, rule: &Selector) -> bool {
        let word = |list: &[String], word: &str| list.is_empty() || list.iter().any(|it| it == word);
        let breach = |list: &[String], of: fn(&Breach) -> &str| {
            list.is_empty() || self.breaches.iter().any(|it| list.iter().any(|word| word == of(it)))
        };
        let rows = u32::try_from(self.breaches.len()).unwrap_or(u32::MAX);
        word(&rule.dispositions, self.disposition.word())
            && word(&rule.verdicts, self.verdict.word())
            && (rule.levels.is_empty() || self.level.is_some_and(|level| rule.levels.contains(&level)))
            && (rule.hazards.is_empty() || self.hazards().iter().any(|hazard| rule.hazards.contains(hazard)))
            && breach(&rule.parameters, |it| &it.parameter)
            && breach(&rule.tables, |it| &it.table)
            && breach(&rule.legal_force, |it| &it.legal_force)
            && rows >= rule.rows_at_least
            && self.repeats >= rule.repeats_at_least
            && rule.systemic.is_none_or(|systemic| systemic == self.systemic)
    }

    /// All kinds of hazard, each once, in order.
    pub fn hazards(&self) -> Vec<Hazard> {
        let mut hazards: Vec<Hazard> = self.breaches.iter().flat_map(|it| it.hazards.iter().copied()).collect();
        hazards.sort_unstable();
        hazards.dedup();
        hazards
    }
}

/// A declared fact, where there is one and it says something.
pub fn fact<'i>(inspection: &'i Inspection, name: &str) -> Option<&'i str> {
    match &inspection.subject.declaration {
        Declaration::Found(facts) => facts.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()),
        Declaration::None => None,
    }
}
