//! A record as the centre has it, as JSON for downstream use: a copy to read, never the evidence.
//!
//! The record itself is shown as [`tidewaiter_record::view`] shows it; what is added here is what the
//! centre alone knows.

use serde::Serialize;
use tidewaiter_record::Record;
pub use tidewaiter_record::view::{DetailView, RecordView, utc, verdict_word};

use tidewaiter_recompute::Recomputed;

use crate::core::Collected;

/// One line of `--json` output.
#[derive(Clone, Debug, Serialize)]
pub struct CollectedView<'a> {
    /// Site segment of the topic.
    pub site: &'a str,
    /// The record, and when it came in.
    #[serde(flatten)]
    pub record: StoredView<'a>,
    /// The same bytes were here before.
    pub duplicate: bool,
    /// It came on the alert topic.
    pub alert: bool,
    /// It stands in its chain.
    pub stored: bool,
    /// What speaks against it.
    pub findings_against: &'a [crate::finding::Finding],
    /// `same`, `drift`, `not-done` or `not-asked`.
    pub recomputed: &'static str,
    /// Why not, or what differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recomputed_detail: Option<&'a str>,
    /// The sequence number up to which the chain is receipted.
    pub receipted_upto: Option<u64>,
}

/// A stored record: one line of a JSON Lines export.
#[derive(Clone, Debug, Serialize)]
pub struct StoredView<'a> {
    /// The record.
    #[serde(flatten)]
    pub record: RecordView<'a>,
    /// When it came in.
    pub received: String,
}

impl<'a> StoredView<'a> {
    /// A record that came in at `received_ms`, UTC.
    pub fn of(record: &'a Record, received_ms: i64) -> Self {
        Self { record: RecordView::of(record), received: utc(received_ms) }
    }
}

impl<'a> CollectedView<'a> {
    /// A collected record for a JSON line.
    pub fn of(collected: &'a Collected) -> Self {
        let (recomputed, recomputed_detail) = match &collected.recomputed {
            Recomputed::NotAsked => ("not-asked", None),
            Recomputed::Same => ("same", None),
            Recomputed::Drift(detail) => ("drift", Some(detail.as_str())),
            Recomputed::NotDone(why) => ("not-done", Some(why.as_str())),
        };
        Self {
            site: &collected.site,
            record: StoredView::of(&collected.record, collected.received_ms),
            duplicate: collected.duplicate,
            alert: collected.alert,
            stored: collected.stored,
            findings_against: &collected.findings,
            recomputed,
            recomputed_detail,
            receipted_upto: collected.receipted_upto,
        }
    }
}
