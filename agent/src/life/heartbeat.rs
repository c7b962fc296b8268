//! The content of a heartbeat, gathered from what the stages count.

use std::collections::BTreeMap;

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::body::{Flags, Heartbeat, SoftwareId};

use super::InForce;
use crate::{acquire::Snapshot, outbox::Status, uplink::Telemetry};

/// Where the figures come from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Counters of the ports, by instrument.
    pub instruments: &'a BTreeMap<String, Snapshot>,
    /// The outbox.
    pub status: &'a Status,
    /// The uplink.
    pub telemetry: &'a Telemetry,
    /// Temperatures, by gauge name.
    pub temperatures: BTreeMap<String, i64>,
}

/// A heartbeat at `now`.
pub fn heartbeat(
    sources: Sources<'_>,
    software: SoftwareId,
    in_force: InForce,
    simulated: bool,
    now: Moment,
) -> Heartbeat {
    let Sources { instruments, status, telemetry, temperatures } = sources;
    let sum = |count: fn(&Snapshot) -> u64| instruments.values().map(count).sum::<u64>();
    let receipted = status.cursor.map_or(0, |cursor| cursor.upto_seq + 1);
    let counters = [
        ("sampled", sum(|it| it.readings)),
        ("missing", sum(|it| it.missing.values().sum())),
        ("frames-refused", sum(|it| it.frames_refused)),
        ("garbage-bytes", sum(|it| it.garbage_bytes)),
        ("reconnects", sum(|it| it.reconnects)),
        ("late-replies", sum(|it| it.late_replies)),
        ("sealed", status.sealed),
        ("refused", status.refused_ever),
        ("sent", telemetry.sent),
        ("published", telemetry.published),
        ("receipted", receipted),
        ("uplink-refused", telemetry.refused),
        ("no-subscriber", telemetry.no_subscriber),
        ("rewinds", telemetry.rewinds),
        ("receipts-refused", telemetry.receipts_refused),
    ];
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let mut gauges = temperatures;
    let mut gauge = |name: &str, value: i64| gauges.insert(name.to_owned(), value);
    gauge("store-used-bytes", signed(status.usage.0));
    gauge("store-budget-bytes", signed(status.usage.1));
    gauge("backlog", signed(status.sealed.saturating_sub(receipted)));
    gauge("evidence-pieces", signed(status.evidence.len() as u64));
    if let Some(sealed_ms) = status.oldest_unreceipted_ms {
        gauge("unreceipted-age-ms", now.wall_ms.saturating_sub(sealed_ms).max(0));
    }
    if let Some(since) = telemetry.offline_since_mono_ms {
        gauge("uplink-down-ms", signed(now.mono_ms.saturating_sub(since)));
    }
    if let Some(beacon) = status.beacon {
        gauge("beacon-number", signed(beacon.number));
    }
    Heartbeat {
        flags: Flags { simulated, drill: false },
        counters: counters.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
        gauges,
        software,
        tables: in_force.tables,
        plan: in_force.plan,
    }
}
