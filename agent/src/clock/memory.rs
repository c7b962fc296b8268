//! What the judgement of the clock must not forget when the agent ends: one small note in the outbox.

use serde::{Deserialize, Serialize};

/// When and how a time service last kept the clock, in this uptime of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names, reason = "the unit stands last in every name")]
pub(super) struct Anchor {
    /// Monotonic clock then.
    pub(super) mono_ms: u64,
    /// Wall clock less monotonic clock then.
    pub(super) offset_ms: i64,
    /// Bound on the error then.
    pub(super) err_ms: u64,
}

/// Starts of the agent whose records nobody vouches for yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unvouched {
    /// The first of them.
    pub(super) from_boot: u64,
    /// Monotonic clock when it began.
    pub(super) from_mono_ms: u64,
}

/// What is kept in the note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The uptime that the next three belong to.
    pub(super) host: Option<String>,
    /// Last time a service kept the clock.
    pub(super) anchor: Option<Anchor>,
    /// Where the two clocks stood when they were last looked at: monotonic, and wall less monotonic.
    pub(super) seen: Option<(u64, i64)>,
    /// What a repair would have to cover.
    pub(super) unvouched: Option<Unvouched>,
    /// Newest wall clock that a service vouched for, in any uptime; UTC milliseconds.
    pub(super) vouched_ms: i64,
    /// Newest time the centre has signed for, UTC milliseconds.
    pub(super) centre_ms: i64,
}

/// Name of the note.
pub(crate) const NOTE: &str = "clock";

/// How much any of the rising times may rise before the note is written again: after a power cut an error bound is then
/// too wide by what a clock drifts in so long, and never too narrow.
const STALE_MS: u64 = 60_000;

impl Memory {
    /// Reads a note; what cannot be read is forgotten, which costs quality and never claims any.
    pub fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The note.
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether so much has changed since `saved` that it must be written.
    pub(super) fn differs(&self, saved: &Self) -> bool {
        let far = |a: u64, b: u64| a.abs_diff(b) >= STALE_MS;
        let far_wall = |a: i64, b: i64| a.abs_diff(b) >= STALE_MS;
        let anchor = match (self.anchor, saved.anchor) {
            (Some(a), Some(b)) => far(a.mono_ms, b.mono_ms) || far_wall(a.offset_ms, b.offset_ms),
            (a, b) => a.is_some() != b.is_some(),
        };
        let seen = match (self.seen, saved.seen) {
            (Some(a), Some(b)) => far(a.0, b.0) || a.1.abs_diff(b.1) > 100,
            (a, b) => a.is_some() != b.is_some(),
        };
        // Who cannot tell one uptime from the next has no use for what belongs to one.
        let uptime = self.host.is_some() && (self.unvouched != saved.unvouched || anchor || seen);
        self.host != saved.host
            || uptime
            || far_wall(self.vouched_ms, saved.vouched_ms)
            || far_wall(self.centre_ms, saved.centre_ms)
    }
}
