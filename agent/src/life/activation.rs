//! Which software, configuration, plan and limit tables work from here on, said once until one of them changes.

use std::collections::BTreeMap;

use tidewaiter_record::{
    Hash,
    body::{
        Body, ConfigActivated, Detail, LimitsActivated, Plan, SoftwareId, Table, TimeBlock, TimeQuality, TimeSource,
    },
};

use super::own;
use crate::outbox::Draft;

/// Names of the notes with the digest of what was last recorded.
const CONFIG_NOTE: &str = "config-activated";
const LIMITS_NOTE: &str = "limits-activated";
/// Tables named by one record: at most 100 bytes each, this leaves it well below 32 KiB.
const TABLES_AT_ONCE: usize = 200;

/// Why something is activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The agent started with it.
    Start,
    /// The site file was read again.
    Reload,
    /// The centre sent it, signed.
    Downlink,
}

impl Cause {
    /// The word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Reload => "reload",
            Self::Downlink => "downlink",
        }
    }
}

/// What the chain says is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activation {
    config: Option<Vec<u8>>,
    limits: Option<Vec<u8>>,
}

impl Activation {
    /// Takes back what an earlier run has recorded.
    pub fn restore(notes: &[(String, Vec<u8>)]) -> Self {
        let kept = |wanted: &str| notes.iter().find(|(name, _)| name == wanted).map(|(_, bytes)| bytes.clone());
        Self { config: kept(CONFIG_NOTE), limits: kept(LIMITS_NOTE) }
    }

    /// The record of this software with this plan, unless the chain says so already. It takes its note along.
    pub fn config(&self, cause: Cause, software: &SoftwareId, plan: Option<&Plan>) -> Option<Draft> {
        let detail = |cause: &str| {
            let it = ConfigActivated { cause: cause.to_owned(), software: software.clone(), plan: plan.cloned() };
            Detail::ConfigActivated(Box::new(it))
        };
        let digest = digest(detail(""));
        (self.config.as_ref() != Some(&digest))
            .then(|| Draft { notes: vec![(CONFIG_NOTE.to_owned(), Some(digest))], ..own(detail(cause.word())) })
    }

    /// The records of these tables, unless the chain says so already; `source` is `built-in` or `signed`. Their note goes
    /// with the last of them.
    pub fn limits(
        &self,
        source: &str,
        tables: &[Table],
        versions: Option<(u64, u64, u64)>,
        facts: &BTreeMap<String, String>,
    ) -> Vec<Draft> {
        let detail = |tables: &[Table], facts: BTreeMap<String, String>| {
            let it = LimitsActivated { cause: source.to_owned(), tables: tables.to_vec(), versions, facts };
            Detail::LimitsActivated(Box::new(it))
        };
        let digest = digest(detail(tables, facts.clone()));
        if self.limits.as_ref() == Some(&digest) {
            return Vec::new();
        }
        let parts = tables.chunks(TABLES_AT_ONCE).count().max(1);
        let mut drafts: Vec<Draft> = (0..parts)
            .map(|part| {
                let from = part * TABLES_AT_ONCE;
                let some = tables.get(from..(from + TABLES_AT_ONCE).min(tables.len())).unwrap_or_default();
                let mut facts = facts.clone();
                if parts > 1 {
                    facts.insert("part".to_owned(), format!("{}/{parts}", part + 1));
                }
                own(detail(some, facts))
            })
            .collect();
        if let Some(last) = drafts.last_mut() {
            last.notes.push((LIMITS_NOTE.to_owned(), Some(digest)));
        }
        drafts
    }

    /// Takes over that a draft of this is recorded.
    pub fn recorded(&mut self, draft: &Draft) {
        for (name, bytes) in &draft.notes {
            match name.as_str() {
                CONFIG_NOTE => self.config.clone_from(bytes),
                LIMITS_NOTE => self.limits.clone_from(bytes),
                _ => {}
            }
        }
    }
}

fn digest(detail: Detail) -> Vec<u8> {
    let time = TimeBlock {
        wall_ms: 0,
        mono_ms: 0,
        boot: 0,
        quality: TimeQuality::U,
        err_ms: 0,
        src: TimeSource::None,
        age_s: 0,
    };
    Hash::of(&Body { time, detail }.encode()).0.to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn software(hash: u8, config: u8) -> SoftwareId {
        SoftwareId { name: "tidewaiter 0".into(), hash: Some(Hash([hash; 32])), config: [config; 32] }
    }

    #[test]
    fn each_change_is_said_once() {
        let plan = Plan { id: "p".into(), version: 1, sha256: [1; 32] };
        let mut chain = Activation::default();
        // software, configuration, plan, whether it is news
        let rows = [
            (1, 1, None, true),
            (1, 1, None, false),
            (2, 1, None, true),
            (2, 2, None, true),
            (2, 2, Some(&plan), true),
            (2, 2, Some(&plan), false),
            (2, 2, None, true),
        ];
        for (hash, config, plan, news) in rows {
            let draft = chain.config(Cause::Start, &software(hash, config), plan);
            assert_eq!(draft.is_some(), news, "{hash} {config} {plan:?}");
            // Another cause alone is no news, and neither is a new start.
            if let Some(draft) = draft {
                chain.recorded(&draft);
                let kept: Vec<_> =
                    draft.notes.iter().map(|(name, bytes)| (name.clone(), bytes.clone().unwrap())).collect();
                assert_eq!(Activation::restore(&kept).config, chain.config);
            }
            assert!(chain.config(Cause::Reload, &software(hash, config), plan).is_none());
        }
    }

    #[test]
    fn many_tables_fit_into_records() {
        let table =
            |number: usize| Table { id: format!("{number:0>60}"), edition: "2026-01-01".into(), sha256: [7; 32] };
        let mut chain = Activation::default();
        for (count, records) in [(0, 1), (1, 1), (200, 1), (201, 2), (450, 3)] {
            let tables: Vec<Table> = (0..count).map(table).collect();
            let drafts = chain.limits("built-in", &tables, None, &BTreeMap::new());
            assert_eq!(drafts.len(), records, "{count} tables");
            let mut named = Vec::new();
            for (place, draft) in drafts.iter().enumerate() {
                let Detail::LimitsActivated(it) = &draft.detail else { panic!("{draft:?}") };
                named.extend(it.tables.clone());
                assert_eq!(draft.notes.is_empty(), place + 1 < records, "the note is with the last");
                chain.recorded(draft);
            }
            assert_eq!(named, tables);
            assert!(chain.limits("built-in", &tables, None, &BTreeMap::new()).is_empty());
        }
    }
}
