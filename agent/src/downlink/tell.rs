//! What the chain says about orders: the drafts, and how often.

use std::collections::BTreeMap;

use tidewaiter_config::limits::LimitTable;
use tidewaiter_record::{
    Hash,
    body::{self, CommandResult, Detail, LimitsActivated, Table},
    mandate::Standing,
};

use crate::outbox::Draft;

/// One event per cause in this time.
const PAUSE_MS: u64 = 60_000;

fn own(detail: Detail) -> Draft {
    Draft { place: "self".to_owned(), id: None, detail, alert: false, closes: None, notes: Vec::new() }
}

/// The draft that says which tables judge from here on; `config` is the site file's hash.
pub(super) fn limits(standing: &Standing, tables: &[LimitTable], config: Hash) -> Draft {
    let mut facts = BTreeMap::new();
    let mut say = |name: &str, text: String| {
        if !text.is_empty() {
            facts.insert(name.to_owned(), text);
        }
    };
    let ids = |all: &mut dyn Iterator<Item = &tidewaiter_record::mandate::Approved>| {
        all.map(|it| format!("{} {}", it.id, it.edition)).collect::<Vec<_>>().join(", ")
    };
    say("stale", if standing.stale { "yes" } else { "" }.to_owned());
    say("refused", ids(&mut standing.refused.iter()));
    let there = |hash: Hash| tables.iter().any(|it| it.digest == hash.0);
    say("missing", ids(&mut standing.tables.iter().filter(|it| !there(it.hash))));
    if let Some(wanted) = standing.config.filter(|it| *it != config) {
        say("config-wanted", wanted.to_string());
    }
    let tables =
        tables.iter().map(|it| Table { id: it.id.clone(), edition: it.edition.clone(), sha256: it.digest }).collect();
    own(Detail::LimitsActivated(Box::new(LimitsActivated {
        cause: "signed".to_owned(),
        tables,
        versions: Some(standing.versions),
        facts,
    })))
}

/// Id of the draft of a command's result: a second one cannot be sealed.
pub(super) fn result_id(command: Hash) -> String {
    format!("command-{command}")
}

/// The draft of a command's result.
pub(super) fn result(id: [u8; 16], number: u64, verb: &str, command: Hash, outcome: &str, text: String) -> Draft {
    let detail = CommandResult { id, number, verb: verb.to_owned(), outcome: outcome.to_owned(), text, command };
    Draft { id: Some(result_id(command)), ..own(Detail::CommandResult(Box::new(detail))) }
}

/// The draft of an event of the downlink's own.
pub(super) fn event(name: &str, subject: Option<&str>, facts: &[(&str, String)]) -> Draft {
    let facts = facts.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    own(Detail::Event(body::Event { name: name.to_owned(), subject: subject.map(str::to_owned), facts }))
}

/// Lets one event per cause and minute through, and counts the others.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    // One entry per cause, and causes are words of this program.
    causes: BTreeMap<(&'static str, &'static str), (u64, u64)>,
}

impl Throttle {
    /// How many there were since the last one let through, itself included; `None` while it is too early.
    pub(super) fn pass(&mut self, kind: &'static str, cause: &'static str, now_ms: u64) -> Option<u64> {
        match self.causes.get_mut(&(kind, cause)) {
            None => {
                self.causes.insert((kind, cause), (now_ms, 0));
                Some(1)
            }
            Some((last, held)) => {
                *held += 1;
                if now_ms.saturating_sub(*last) < PAUSE_MS {
                    return None;
                }
                *last = now_ms;
                Some(std::mem::take(held))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_told_once_a_minute() {
        let mut throttle = Throttle::default();
        assert_eq!(throttle.pass("limits", "threshold", 0), Some(1));
        let passed: Vec<_> = (1..=60_000).filter_map(|at| throttle.pass("limits", "threshold", at)).collect();
        assert_eq!(passed, [60_000]);
        assert_eq!(throttle.pass("command", "threshold", 60_001), Some(1), "another kind, another cause");
        assert_eq!(throttle.pass("limits", "rollback", 60_001), Some(1));
    }
}
