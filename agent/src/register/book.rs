//! What is remembered of function checks, and what has been said already.
//!
//! The blob is one JSON object of a few hundred bytes. Its size is bounded by the site file: a line for each check and
//! each instrument.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tidewaiter_config::site::Check;

const VERSION: u32 = 1;

/// Why a blob could not be taken back.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is not what this program writes.
    #[error("the kept state of the function checks cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A later version wrote it.
    #[error("the kept state of the function checks is of version {0}, and this program knows version {VERSION}")]
    Version(u32),
}

/// Everything kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Book {
    version: u32,
    checks: BTreeMap<String, History>,
    told: BTreeMap<String, Told>,
    #[serde(skip)]
    changed: bool,
}

/// One check; all moments in UTC milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    /// When the agent first knew of it.
    pub(super) first_seen: i64,
    /// When it was last passed.
    pub(super) passed: Option<i64>,
    /// When it was last failed.
    pub(super) failed: Option<i64>,
    /// The lapse that has been said.
    told_since: Option<i64>,
}

/// What has been said of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    due_on: Option<Date>,
    expired: Option<Date>,
}

/// Since when a check does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lapse {
    pub(super) since_ms: i64,
    /// It was done and failed, rather than not done.
    pub(super) failed: bool,
}

impl Book {
    pub(super) fn decode(blob: &[u8]) -> Result<Self, StateError> {
        let book: Self = serde_json::from_slice(blob)?;
        if book.version == VERSION { Ok(book) } else { Err(StateError::Version(book.version)) }
    }

    /// The blob, when something has changed since the last one.
    pub(super) fn take_changed(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.version = VERSION;
        serde_json::to_vec(self).ok()
    }

    pub(super) fn keep_only(&mut self, check: impl Fn(&str) -> bool, instrument: impl Fn(&str) -> bool) {
        self.checks.retain(|id, _| check(id));
        self.told.retain(|id, _| instrument(id));
    }

    pub(super) fn history(&self, check: &str) -> Option<&History> {
        self.checks.get(check)
    }

    /// When the next pass is due at the latest: after the period and the grace, or after the grace alone for one never
    /// done.
    pub(super) fn due_ms(&self, check: &Check) -> Option<i64> {
        let history = self.history(check.id.as_str())?;
        let ms = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Some(match history.passed {
            Some(passed) => passed.saturating_add(ms(check.every)).saturating_add(ms(check.grace)),
            None => history.first_seen.saturating_add(ms(check.grace)),
        })
    }

    pub(super) fn lapse(&self, check: &Check, wall_ms: i64) -> Option<Lapse> {
        let history = self.history(&check.id)?;
        let due = self.due_ms(check)?;
        let failed = history.failed.filter(|failed| history.passed.is_none_or(|passed| *failed > passed));
        let lapse = match failed {
            Some(failed) if failed <= due => Lapse { since_ms: failed, failed: true },
            _ => Lapse { since_ms: due, failed: false },
        };
        // A failed check binds from the moment it ended, an overdue one from the moment after.
        let holds_no_more = if lapse.failed { wall_ms >= lapse.since_ms } else { wall_ms > lapse.since_ms };
        holds_no_more.then_some(lapse)
    }

    pub(super) fn seen(&mut self, check: &str, wall_ms: i64) {
        if !self.checks.contains_key(check) {
            self.checks.insert(check.to_owned(), History { first_seen: wall_ms, ..History::default() });
            self.changed = true;
        }
    }

    pub(super) fn passed(&mut self, check: &str, wall_ms: i64) {
        self.seen(check, wall_ms);
        if let Some(history) = self.checks.get_mut(check) {
            *history = History { passed: Some(wall_ms), failed: None, told_since: None, ..*history };
            self.changed = true;
        }
    }

    pub(super) fn failed(&mut self, check: &str, wall_ms: i64) {
        self.seen(check, wall_ms);
        if let Some(history) = self.checks.get_mut(check) {
            history.failed = Some(wall_ms);
            self.changed = true;
        }
    }

    /// Whether a lapse is news.
    pub(super) fn tell_lapse(&mut self, check: &str, lapse: Lapse) -> bool {
        let Some(history) = self.checks.get_mut(check) else { return false };
        let news = history.told_since.is_none();
        if news {
            history.told_since = Some(lapse.since_ms);
            self.changed = true;
        }
        news
    }

    /// Whether it is news that the certificate of this last day has run out.
    pub(super) fn tell_expired(&mut self, instrument: &str, until: Date) -> bool {
        self.tell(instrument, |told| told.expired.replace(until) != Some(until))
    }

    /// Whether it has not been said today that a certificate runs out soon.
    pub(super) fn tell_due(&mut self, instrument: &str, today: Date) -> bool {
        self.tell(instrument, |told| told.due_on.replace(today) != Some(today))
    }

    fn tell(&mut self, instrument: &str, news: impl FnOnce(&mut Told) -> bool) -> bool {
        let news = news(self.told.entry(instrument.to_owned()).or_default());
        self.changed |= news;
        news
    }
}
