//! What the agent says of itself: counters and sentences from durable state only.

use std::collections::BTreeMap;

use serde::Serialize;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{Hash, body::TimeQuality, view::utc};
use tidewaiter_words::{Language, say};

use crate::{
    acquire::Counters,
    clock::Claim,
    inspector::Snapshot,
    life,
    outbox::{Status, StopCause},
    reload::Refused,
    uplink::Telemetry,
};

/// The answer to `GET /api/v1/status`.
#[derive(Clone, Debug, Serialize)]
pub struct StatusReport {
    /// Version of this answer.
    pub version: u32,
    /// Program name and version.
    pub software: &'static str,
    /// Site id.
    pub site: String,
    /// Agent id.
    pub agent: String,
    /// The zone in which times are shown at the site, as the IANA database names it, or its offset.
    pub time_zone: String,
    /// Why nothing is recorded, since when (ISO 8601, UTC) and what helps, in English; absent while records are accepted.
    pub not_recording: Option<String>,
    /// The same for programs and for the fixed sentences: which of the reasons, and since when.
    pub stopped: Option<Stopped>,
    /// How long ago the keeper last looked at its store and was answered, milliseconds. Beyond
    /// [`STALE_MS`] nobody knows whether the durable figures here still hold.
    pub looked_ago_ms: u64,
    /// Four counters: sampled, sealed, sent, receipted.
    pub counters: FourCounters,
    /// Age of the oldest record without a receipt, milliseconds.
    pub oldest_unreceipted_age_ms: Option<i64>,
    /// Drafts refused since recording stopped.
    pub refused: u64,
    /// Bytes of the store in use.
    pub store_used_bytes: u64,
    /// Its budget.
    pub store_budget_bytes: u64,
    /// The centre signed for bytes that are not ours.
    pub fork: Option<String>,
    /// How far the wall clock can be believed.
    pub clock: ClockReport,
    /// State of the uplink.
    pub uplink: Telemetry,
    /// How long the uplink has been down, milliseconds.
    pub uplink_down_ms: Option<u64>,
    /// Counters of each instrument's port.
    pub instruments: BTreeMap<String, serde_json::Value>,
    /// Live values, what is busy, recent results. Live values are not recorded.
    pub live: Snapshot,
    /// SHA-256 of the executable file, where it could be read.
    pub software_hash: Option<Hash>,
    /// The newest beacon of the centre that was believed.
    pub beacon: Option<BeaconLine>,
    /// The centre has shown two different logs of one size.
    pub log_fork: Option<String>,
    /// SHA-256 of the site file in force, hex.
    pub config: String,
    /// The configuration on disk has faults: the last good one stays in force.
    pub config_refused: Option<Refused>,
    /// Pieces of evidence kept beside the records.
    pub evidence: u64,
    /// What judges now.
    pub in_force: InForce,
}

/// Limit tables and plan that judge now, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// The limit tables and programmes that something of the site is judged by.
    pub tables: Vec<TableLine>,
    /// The monitoring plan.
    pub plan: Option<PlanLine>,
}

/// A limit table by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableLine {
    /// Id.
    pub id: String,
    /// Edition.
    pub edition: String,
}

/// A monitoring plan by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanLine {
    /// Id.
    pub id: String,
    /// Version.
    pub version: u64,
}

impl From<life::InForce> for InForce {
    fn from(it: life::InForce) -> Self {
        Self {
            tables: it.tables.into_iter().map(|it| TableLine { id: it.id, edition: it.edition }).collect(),
            plan: it.plan.map(|it| PlanLine { id: it.id, version: it.version }),
        }
    }
}

/// Older durable state than this is no state: the keeper looks each second.
pub const STALE_MS: u64 = 5000;

/// Why nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// Which of the reasons.
    pub cause: StopReason,
    /// Since when, UTC milliseconds, where it is known.
    pub since_ms: Option<i64>,
}

/// Reasons why nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The agent is stopping.
    Stopping,
    /// The centre signed for bytes that are not ours.
    Fork,
    /// The key does not sign.
    KeyUnavailable,
    /// The budget is used up.
    StorageFull,
    /// The disk is used up, within the budget.
    DiskFull,
    /// The file system takes no more files.
    DiskInodes,
    /// The store could not be written.
    StorageError,
}

impl StopReason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Stopping,
        Self::Fork,
        Self::KeyUnavailable,
        Self::StorageFull,
        Self::DiskFull,
        Self::DiskInodes,
        Self::StorageError,
    ];

    /// The spelling of JSON and of the message catalogue.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Fork => "fork",
            Self::KeyUnavailable => "key-unavailable",
            Self::StorageFull => "storage-full",
            Self::DiskFull => "disk-full",
            Self::DiskInodes => "disk-inodes",
            Self::StorageError => "storage-error",
        }
    }
}

impl StopReason {
    /// What lets recording go on, as a sentence; an agent that is stopping needs nothing.
    pub fn way_out(self, language: Language) -> Option<String> {
        (self != Self::Stopping).then(|| say(language, &format!("way-out-{}", self.word()), &[]))
    }
}

impl Stopped {
    fn of(status: &Status) -> Option<Self> {
        let since_ms = status.stopped_since_ms;
        let stopped = |cause| Some(Self { cause, since_ms });
        if status.ending {
            return stopped(StopReason::Stopping);
        }
        if status.fork.is_some() {
            return stopped(StopReason::Fork);
        }
        if status.key_away.is_some() {
            return stopped(StopReason::KeyUnavailable);
        }
        since_ms?;
        match status.stopped_by {
            Some(StopCause::Failed) => stopped(StopReason::StorageError),
            Some(StopCause::Disk) => stopped(StopReason::DiskFull),
            Some(StopCause::Inodes) => stopped(StopReason::DiskInodes),
            // Found at the start: it stopped in the run before this one, whose log has the reason.
            None if status.has_room() => stopped(StopReason::StorageError),
            Some(StopCause::Full) | None => stopped(StopReason::StorageFull),
        }
    }
}

impl Stopped {
    /// The reason with its moment and the way out, for programs that show it to somebody: in English, in UTC.
    fn in_full(self) -> String {
        let cause = say(Language::En, &format!("cause-{}", self.cause.word()), &[]);
        let since = self.since_ms.map(|it| format!(" since {}", utc(it))).unwrap_or_default();
        match self.cause.way_out(Language::En) {
            Some(way) => format!("{cause}{since}. {way} Use the paper procedure until then."),
            None => format!("{cause}{since}"),
        }
    }
}

/// A beacon of the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BeaconLine {
    /// Rises with each; signed orders expire by it.
    pub number: u64,
    /// Records in the centre's log.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// When it was signed, UTC milliseconds.
    pub at_ms: i64,
}

/// What is claimed of the wall clock, as in the time block of the newest record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClockReport {
    /// Quality: `S`, `H`, `I` or `U`.
    pub quality: &'static str,
    /// Bound on its error, milliseconds; absent at `U`.
    pub err_ms: Option<u64>,
    /// What set it.
    pub source: &'static str,
    /// Seconds since it did.
    pub age_s: u64,
}

impl ClockReport {
    fn of(claim: &Claim) -> Self {
        Self {
            quality: claim.quality.word(),
            err_ms: (claim.quality != TimeQuality::U).then_some(claim.err_ms),
            source: claim.src.word(),
            age_s: claim.age_s,
        }
    }
}

/// Where the readings are on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FourCounters {
    /// Readings taken since the start of the process.
    pub sampled: u64,
    /// Records sealed since the chain began.
    pub sealed: u64,
    /// Of these, at least once acknowledged by a broker since the start of the process.
    pub sent: u64,
    /// Of these, signed for by the centre.
    pub receipted: u64,
}

impl StatusReport {
    #[allow(clippy::too_many_arguments, reason = "each is one stage's word, put together once")]
    pub(in crate::lane) fn new(
        site: &str,
        agent: &str,
        status: &Status,
        telemetry: &Telemetry,
        counters: &Counters,
        live: Snapshot,
        in_force: life::InForce,
        software_hash: Option<Hash>,
        looked_mono_ms: u64,
        now: Moment,
    ) -> Self {
        let instruments = counters.snapshot();
        let receipted = status.cursor.map_or(0, |cursor| cursor.upto_seq + 1);
        let not_recording = if let Some(fork) = &status.fork {
            Some(fork.clone())
        } else if let Some(why) = &status.key_away {
            Some(format!("{why}; use the paper procedure until the key is back"))
        } else {
            Stopped::of(status).map(Stopped::in_full)
        };
        Self {
            version: 1,
            software: crate::app::SOFTWARE,
            site: site.to_owned(),
            agent: agent.to_owned(),
            time_zone: String::new(),
            not_recording,
            stopped: Stopped::of(status),
            looked_ago_ms: now.mono_ms.saturating_sub(looked_mono_ms),
            counters: FourCounters {
                sampled: instruments.values().map(|it| it.readings).sum(),
                sealed: status.sealed,
                sent: telemetry.sent_upto.map_or(receipted, |upto| receipted.max(upto + 1)),
                receipted,
            },
            oldest_unreceipted_age_ms: status
                .oldest_unreceipted_ms
                .map(|sealed| now.wall_ms.saturating_sub(sealed).max(0)),
            refused: status.refused,
            store_used_bytes: status.usage.0,
            store_budget_bytes: status.usage.1,
            fork: status.fork.clone(),
            clock: ClockReport::of(&status.clock),
            uplink_down_ms: telemetry.offline_since_mono_ms.map(|since| now.mono_ms.saturating_sub(since)),
            uplink: telemetry.clone(),
            instruments: instruments
                .into_iter()
                .map(|(id, counts)| (id, serde_json::to_value(counts).unwrap_or_default()))
                .collect(),
            live,
            software_hash,
            beacon: status.beacon.map(|it| BeaconLine {
                number: it.number,
                size: it.size,
                root: it.root,
                at_ms: it.at_ms,
            }),
            log_fork: status.log_fork.clone(),
            config: String::new(),
            config_refused: None,
            evidence: status.evidence.len() as u64,
            in_force: in_force.into(),
        }
    }
}
