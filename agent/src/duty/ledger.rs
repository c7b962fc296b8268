//! The findings that need a second look: what is known of each, where it stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tidewaiter_screening::{
    Disposition, Inspection, Screening, Verdict,
    duty::{Case, transition::State},
    inspection::{Declaration, SubjectKind},
};

use super::{Outcome, parts};

/// Findings followed at most. The oldest closed one is forgotten for a new one; full of open ones, the new one is
/// refused aloud. A point refers some dozens a day.
pub(super) const MOST: usize = 10_000;
/// Parts the ledger is kept in, so that a step writes a few dozen findings and not all.
const PAGES: u64 = 160;
/// Samples of one finding at most.
const SAMPLES: usize = 16;
/// Rows of one finding that a laboratory's result must answer at most.
const ASKED: usize = 64;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// In the order they were found.
    pub(super) number: u64,
    pub(super) inspection: String,
    pub(super) seq: u64,
    #[serde(with = "hex_bytes")]
    pub(super) hash: [u8; 32],
    pub(super) procedure: String,
    pub(super) place: String,
    pub(super) opened_ms: i64,
    pub(super) subject: Option<String>,
    /// What kind of identity that is.
    pub(super) identity_kind: String,
    pub(super) subject_kind: String,
    /// What was declared; `None` where nothing was.
    pub(super) facts: Option<BTreeMap<String, String>>,
    pub(super) disposition: String,
    pub(super) verdict: String,
    /// What was not kept, as it is told.
    pub(super) breaches: Vec<String>,
    /// Table and parameter of the rows that were not passed: what a laboratory's result must answer.
    pub(super) asked: Vec<(String, String)>,
    pub(super) drill: bool,
    pub(super) simulated: bool,
    #[serde(with = "parts::state")]
    pub(super) state: State,
    pub(super) samples: Vec<String>,
    /// How many steps there were.
    pub(super) steps: u32,
    /// Newest step: what, by whom, when.
    pub(super) last: Option<(String, String, i64)>,
}

mod hex_bytes {
    pub(super) fn serialize<S: serde::Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = <String as serde::Deserialize>::deserialize(from)?;
        hex::decode(&text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| serde::de::Error::custom("not 32 bytes in hexadecimal"))
    }
}

/// All findings.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: BTreeMap<u64, Entry>,
    numbers: BTreeMap<String, u64>,
    next: u64,
    changed: BTreeSet<u64>,
}

impl Ledger {
    /// Takes in a finding that alarms or refers; answers aloud when there is no room.
    pub(super) fn open(
        &mut self,
        inspection: &Inspection,
        screening: &Screening,
        case: &Case,
        (seq, hash): (u64, [u8; 32]),
    ) -> Option<Outcome> {
        if !matches!(screening.disposition, Disposition::Alarm | Disposition::Refer)
            || self.numbers.contains_key(&inspection.id)
        {
            return None;
        }
        if self.entries.len() >= MOST {
            let Some(oldest) = self.entries.values().find(|it| it.state.is_closed()).map(|it| it.number) else {
                let facts = vec![
                    ("open", self.entries.len().to_string()),
                    (
                        "way-out",
                        "close findings with `tidewaiter follow-up`; this one is in its record only".to_owned(),
                    ),
                ];
                return Some(Outcome::event("finding-not-followed", Some(&inspection.id), facts));
            };
            self.forget(oldest);
        }
        let number = self.next;
        self.next += 1;
        let mut asked: Vec<(String, String)> = Vec::new();
        for finding in &screening.findings {
            let row = (finding.table.clone(), finding.parameter.clone());
            let kept = matches!(finding.verdict, Verdict::Pass | Verdict::NotApplicable | Verdict::ConditionalPass);
            if !finding.advisory && !kept && !asked.contains(&row) && asked.len() < ASKED {
                asked.push(row);
            }
        }
        let entry = Entry {
            number,
            inspection: inspection.id.clone(),
            seq,
            hash,
            procedure: inspection.procedure.clone(),
            place: inspection.place.clone(),
            opened_ms: inspection.opened.wall_ms,
            subject: inspection.subject.identities.first().map(|it| it.text.clone()),
            identity_kind: inspection.subject.identities.first().map_or_else(String::new, |it| it.kind.clone()),
            subject_kind: inspection.subject.kind.word().to_owned(),
            facts: match &inspection.subject.declaration {
                Declaration::Found(facts) => Some(facts.clone()),
                Declaration::None => None,
            },
            disposition: screening.disposition.word().to_owned(),
            verdict: screening.verdict.word().to_owned(),
            breaches: case.breaches.iter().map(|it| format!("{} {}", it.parameter, it.told)).take(ASKED).collect(),
            asked,
            drill: inspection.drill,
            simulated: inspection.simulated,
            state: State::Screened,
            samples: Vec::new(),
            steps: 0,
            last: None,
        };
        self.numbers.insert(entry.inspection.clone(), number);
        self.entries.insert(number, entry);
        self.changed.insert(number % PAGES);
        None
    }

    pub(super) fn find(&self, inspection: &str) -> Option<&Entry> {
        self.entries.get(self.numbers.get(inspection)?)
    }

    /// Moves a finding on.
    pub(super) fn step(&mut self, inspection: &str, to: State, sample: Option<&str>, last: (String, String, i64)) {
        let Some(entry) = self.numbers.get(inspection).and_then(|number| self.entries.get_mut(number)) else { return };
        entry.state = to;
        entry.steps = entry.steps.saturating_add(1);
        entry.last = Some(last);
        if let Some(sample) = sample
            && !entry.samples.iter().any(|it| it == sample)
        {
            if entry.samples.len() >= SAMPLES {
                entry.samples.remove(0);
            }
            entry.samples.push(sample.to_owned());
        }
        self.changed.insert(entry.number % PAGES);
    }

    /// The findings, newest last.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    fn forget(&mut self, number: u64) {
        if let Some(entry) = self.entries.remove(&number) {
            self.numbers.remove(&entry.inspection);
            self.changed.insert(number % PAGES);
        }
    }

    /// Names of all parts it may be kept in.
    pub(super) fn names() -> impl Iterator<Item = String> {
        (0..PAGES).map(name)
    }

    /// Takes in a part kept before.
    pub(super) fn resume(&mut self, bytes: &[u8]) -> Result<(), String> {
        for entry in parts::read::<Vec<Entry>>(bytes)? {
            self.next = self.next.max(entry.number + 1);
            self.numbers.insert(entry.inspection.clone(), entry.number);
            self.entries.insert(entry.number, entry);
        }
        Ok(())
    }

    /// The parts that changed since they were last taken.
    pub(super) fn save(&mut self, into: &mut Vec<(String, Vec<u8>)>) {
        for page in std::mem::take(&mut self.changed) {
            let entries: Vec<&Entry> = self.entries.values().filter(|it| it.number % PAGES == page).collect();
            into.push((name(page), parts::written(&entries)));
        }
    }
}

impl Entry {
    /// A declared fact, where there is one and it says something.
    pub(super) fn fact(&self, name: &str) -> Option<&str> {
        self.facts.as_ref()?.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    pub(super) fn kind(&self) -> SubjectKind {
        SubjectKind::from_word(&self.subject_kind).unwrap_or(SubjectKind::Lot)
    }
}

fn name(page: u64) -> String {
    format!("duty-findings-{page:03}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::duty::tests::{inspection, refer};

    fn opened(ledger: &mut Ledger, number: usize) -> Option<Outcome> {
        let (inspection, screening) = (inspection(&format!("lane-7-1-{number}")), refer());
        let case = Case::of(&inspection, &screening);
        ledger.open(&inspection, &screening, &case, (number as u64, [7; 32]))
    }

    #[test]
    fn a_full_ledger_forgets_closed_findings_and_refuses_aloud_when_all_are_open() {
        let mut ledger = Ledger::default();
        for number in 0..MOST {
            assert_eq!(opened(&mut ledger, number), None);
        }
        let Some(Outcome::Event(event)) = opened(&mut ledger, MOST) else { panic!("not said aloud") };
        assert_eq!((event.name.as_str(), event.subject.as_deref()), ("finding-not-followed", Some("lane-7-1-10000")));
        assert!(ledger.find("lane-7-1-10000").is_none());

        let last = || ("release".to_owned(), "Li Na".to_owned(), 1);
        ledger.step("lane-7-1-5", State::Released, None, last());
        ledger.step("lane-7-1-9", State::Returned, None, last());
        assert_eq!(opened(&mut ledger, MOST + 1), None);
        assert!(ledger.find("lane-7-1-5").is_none());
        assert!(ledger.find("lane-7-1-9").is_some() && ledger.find("lane-7-1-10001").is_some());
    }

    #[test]
    fn a_step_writes_one_part_and_all_parts_read_back() {
        let mut ledger = Ledger::default();
        for number in 0..500 {
            opened(&mut ledger, number);
        }
        let mut parts = Vec::new();
        ledger.save(&mut parts);
        assert_eq!(parts.len(), 160);
        ledger.step("lane-7-1-3", State::SampleSent, Some("S-1"), ("sample".to_owned(), "Li Na".to_owned(), 1));
        let mut changed = Vec::new();
        ledger.save(&mut changed);
        assert_eq!(changed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["duty-findings-003"]);
        parts.retain(|(name, _)| *name != changed[0].0);
        let mut again = Ledger::default();
        for (_, bytes) in parts.iter().chain(&changed) {
            again.resume(bytes).unwrap();
        }
        assert!(again.iter().eq(ledger.iter()));
        assert_eq!(again.next, 500);
    }
}
