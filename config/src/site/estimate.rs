//! How fast a site fills its store, and how long an outage it can bridge.
//!
//! The estimate is for a full day's traffic without a pause, so that the hours it gives are the least
//! the site will have.

use super::{Bench, Protocol, RigProcedure, Site, Trigger};

/// The outage a store must bridge: a long weekend without anyone to call.
pub const LEAST_OUTAGE_HOURS: u64 = 72;

/// Lorries through one gate in an hour when the queue never ends: one each minute.
const PASSAGES_PER_HOUR: u64 = 60;

/// Stored bytes of one passage: some 40 readings of portal and scale with raw bytes, findings, signature.
const PASSAGE_BYTES: u64 = 12 * 1024;

/// Runs of a manual bench in an hour.
const BENCH_RUNS_PER_HOUR: u64 = 6;

/// Samples an hour through a tester that is fed without a pause: a cotton line does about one a minute.
const TESTER_RUNS_PER_HOUR: u64 = 60;

/// Stored bytes of one bench run: the size limit of a record, because a run may bring that many readings.
const RUN_BYTES: u64 = 32 * 1024;

/// Stored bytes of one interval record of one channel.
const INTERVAL_BYTES: u64 = 768;

/// Stored bytes of a heartbeat: counters, gauges, and the limit tables that judge.
const HEARTBEAT_BYTES: u64 = 1_536;

/// Index, state and pages not full: half as much again.
const OVERHEAD_PERCENT: u64 = 150;

/// Events, clock and link changes, whatever the site has.
const EVENT_BYTES_PER_HOUR: u64 = 16 * 1024;

/// Bytes an hour of full traffic adds to the store.
pub fn estimated_bytes_per_hour(site: &Site) -> u64 {
    let lanes = u64::try_from(site.lanes.len()).unwrap_or(u64::MAX).saturating_mul(PASSAGES_PER_HOUR * PASSAGE_BYTES);
    let rigs: u64 = site.rigs.iter().map(|rig| runs_per_hour(site, &rig.procedure).saturating_mul(RUN_BYTES)).sum();
    let watches: u64 = site
        .watches
        .iter()
        .map(|watch| {
            let channels = match site.instrument(&watch.instrument).map(|it| &it.protocol) {
                Some(Protocol::Registers { profile, .. }) => profile.channels.len(),
                Some(Protocol::RpmLines { .. } | Protocol::PhStream) => 2,
                Some(Protocol::Line { profile, .. }) => profile.channel_names().len(),
                Some(Protocol::Stream { codec, .. }) => codec.channels().len().max(1),
                _ => 1,
            };
            let records = 3_600_000 / u64::try_from(watch.period.as_millis()).unwrap_or(u64::MAX).max(1);
            records.saturating_mul(u64::try_from(channels).unwrap_or(u64::MAX)).saturating_mul(INTERVAL_BYTES)
        })
        .sum();
    // As many as there are where nothing else is recorded.
    let heartbeats = 3_600 / site.record.heartbeat.as_secs().max(1) * HEARTBEAT_BYTES;
    (lanes + rigs + watches + heartbeats + EVENT_BYTES_PER_HOUR).saturating_mul(OVERHEAD_PERCENT) / 100
}

fn runs_per_hour(site: &Site, procedure: &RigProcedure) -> u64 {
    match procedure {
        RigProcedure::Bench(Bench { trigger: Trigger::Mass(_), .. }) => PASSAGES_PER_HOUR,
        RigProcedure::Bench(Bench { trigger: Trigger::Record, .. }) => TESTER_RUNS_PER_HOUR,
        other => {
            // Mounting a tyre takes minutes, however short the programme.
            let seconds: u64 = other
                .programme()
                .and_then(|programme| site.programme(programme))
                .map_or(0, |programme| programme.stages.iter().map(|stage| u64::from(stage.duration_s)).sum());
            (3_600 / seconds.max(1)).clamp(1, BENCH_RUNS_PER_HOUR)
        }
    }
}

/// Hours of full traffic the store holds with nobody receiving.
pub fn hours_held(site: &Site) -> u64 {
    site.store.budget_bytes / estimated_bytes_per_hour(site).max(1)
}
