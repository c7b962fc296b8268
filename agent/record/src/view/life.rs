//! The kinds that speak of the agent itself, as JSON.

use serde_json::{Value, json};
use tidewaiter_drivers::reading::Outcome;

use super::{moment, utc};
use crate::{
    Detail,
    body::{Plan, SoftwareId, Table},
};

/// The detail of one of these kinds; none for every other.
pub(super) fn detail(detail: &Detail) -> Option<Value> {
    Some(match detail {
        Detail::Reading(it) => json!({
            "instrument": it.reading.instrument,
            "channel": it.reading.channel,
            "at": moment(it.reading.at),
            "outcome": outcome(it.reading.outcome),
            "raw": hex::encode(&it.reading.raw),
            "operator": it.operator,
            "sample": it.sample,
        }),
        Detail::Heartbeat(it) => json!({
            "counters": it.counters,
            "gauges": it.gauges,
            "software": software(&it.software),
            "tables": it.tables.iter().map(table).collect::<Vec<_>>(),
            "plan": it.plan.as_ref().map(plan),
        }),
        Detail::TimeStep(it) => json!({
            "before": utc(it.before_ms),
            "after": utc(it.after_ms),
            "mono_ms": it.mono_ms,
        }),
        Detail::TimeRepair(it) => json!({
            "from_boot": it.from_boot,
            "to_boot": it.to_boot,
            "offset_ms": it.offset_ms,
            "err_ms": it.err_ms,
            "src": it.src.word(),
        }),
        Detail::InstrumentIdentity(it) => json!({
            "instrument": it.instrument,
            "facts": it.facts,
            "standing": it.standing,
            "driver": it.driver,
            "profile": it.profile.as_ref().map(|(id, hash)| json!({ "id": id, "sha256": hash })),
        }),
        Detail::ConfigActivated(it) => json!({
            "cause": it.cause,
            "software": software(&it.software),
            "plan": it.plan.as_ref().map(plan),
        }),
        Detail::LimitsActivated(it) => json!({
            "cause": it.cause,
            "tables": it.tables.iter().map(table).collect::<Vec<_>>(),
            "versions": it.versions.map(|(root, limits, assignment)| json!({
                "root": root, "limits": limits, "assignment": assignment,
            })),
            "facts": it.facts,
        }),
        Detail::CommandResult(it) => json!({
            "id": hex::encode(it.id),
            "number": it.number,
            "verb": it.verb,
            "outcome": it.outcome,
            "text": it.text,
            "command": it.command,
        }),
        Detail::KeyRotate(it) => json!({
            "algorithm": it.algorithm,
            "public": hex::encode(&it.public),
        }),
        Detail::Evidence(it) => json!({
            "inspection": it.inspection,
            "instrument": it.instrument,
            "at": moment(it.at),
            "media": it.media,
            "sha256": it.hash,
            "size": it.size,
            "inline": it.content.is_some(),
            "facts": it.facts,
        }),
        Detail::Trimmed(it) => json!({
            "from_seq": it.from_seq,
            "upto_seq": it.upto_seq,
            "hash": it.hash,
            "receipted_upto": it.receipted_upto,
        }),
        _ => return None,
    })
}

fn software(it: &SoftwareId) -> Value {
    json!({ "name": it.name, "sha256": it.hash, "config": hex::encode(it.config) })
}

fn table(it: &Table) -> Value {
    json!({ "id": it.id, "edition": it.edition, "sha256": hex::encode(it.sha256) })
}

fn plan(it: &Plan) -> Value {
    json!({ "id": it.id, "version": it.version, "sha256": hex::encode(it.sha256) })
}

fn outcome(it: Outcome) -> Value {
    match it {
        Ok(shown) => json!({
            "value": shown.value.to_string(),
            "unit": shown.unit.code(),
            "quality": shown.quality.word(),
        }),
        Err(missing) => json!({ "missing": missing.word(), "code": missing.code() }),
    }
}
