//! One line for each record that is no result.

use tidewaiter_record::{Detail, view::utc};
use tidewaiter_words::{Language, knows, quantity, say, terms};

/// What an agent lived through, in words; an event the catalogue does not know goes by its name.
pub(super) fn life(language: Language, place: &str, detail: &Detail) -> String {
    match detail {
        Detail::Stopped(it) => say(language, "kind-stopped", &[("why", (&it.reason).into())]),
        Detail::Resumed(it) => say(language, "kind-resumed", &[("refused", it.refused.into())]),
        Detail::Recovery(it) => say(language, "kind-recovery", &[("interrupted", it.interrupted.into())]),
        Detail::FollowUp(it) => say(
            language,
            "kind-follow-up",
            &[
                ("inspection", (&it.follows.id).into()),
                ("step", terms::step(language, &it.step).as_str().into()),
                ("by", (&it.by).into()),
                ("state", terms::state(language, &it.state).as_str().into()),
            ],
        ),
        Detail::Warning(it) => say(
            language,
            "kind-warning",
            &[
                ("state", terms::state(language, &it.state).as_str().into()),
                ("level", (&it.level).into()),
                ("notice", terms::notice(language, &it.notice).as_str().into()),
                ("matters", (&it.matters).into()),
            ],
        ),
        Detail::Event(it) => {
            let id = format!("event-{}", it.name);
            let operator = it.facts.get("operator").map_or("?", String::as_str);
            let parts = [
                ("operator", operator.into()),
                ("subject", it.subject.as_deref().unwrap_or("?").into()),
                ("place", place.into()),
            ];
            if knows(language, &id) { say(language, &id, &parts) } else { it.name.clone() }
        }
        Detail::Reading(it) => {
            let instrument = ("instrument", (&it.reading.instrument).into());
            match it.reading.outcome {
                Ok(shown) => {
                    let value = quantity::value(language, &format!("{} {}", shown.value, shown.unit.code()));
                    let channel = ("channel", (&it.reading.channel).into());
                    say(language, "kind-reading", &[instrument, channel, ("value", (&value).into())])
                }
                Err(missing) => {
                    let why = terms::missing(language, missing.word(), missing.code());
                    say(language, "kind-no-reading", &[instrument, ("why", (&why).into())])
                }
            }
        }
        Detail::TimeStep(it) => {
            let (before, after) = (utc(it.before_ms), utc(it.after_ms));
            say(language, "kind-time-step", &[("before", (&before).into()), ("after", (&after).into())])
        }
        Detail::InstrumentIdentity(it) => say(
            language,
            "kind-instrument-identity",
            &[("instrument", (&it.instrument).into()), ("standing", (&it.standing).into())],
        ),
        Detail::ConfigActivated(it) => {
            say(language, "kind-config-activated", &[("software", (&it.software.name).into())])
        }
        Detail::LimitsActivated(it) => {
            say(language, "kind-limits-activated", &[("count", (it.tables.len() as u64).into())])
        }
        Detail::CommandResult(it) => say(
            language,
            "kind-command-result",
            &[
                ("verb", (&it.verb).into()),
                ("number", it.number.into()),
                ("outcome", (&it.outcome).into()),
                ("text", (&it.text).into()),
            ],
        ),
        Detail::Evidence(it) => say(
            language,
            "kind-evidence",
            &[
                ("media", (&it.media).into()),
                ("size", it.size.into()),
                ("inspection", it.inspection.as_deref().unwrap_or("—").into()),
            ],
        ),
        Detail::Trimmed(it) => {
            say(language, "kind-trimmed", &[("from", it.from_seq.into()), ("upto", it.upto_seq.into())])
        }
        other => say(language, &format!("kind-{}", other.word()), &[]),
    }
}
