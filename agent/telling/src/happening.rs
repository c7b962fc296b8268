//! Records that are no result: what an agent lived through, what was done about a finding, what became known.

use tidewaiter_record::{Detail, body::Event, view::utc};
use tidewaiter_words::{Arg, Language, knows, quantity, say, terms};

/// Facts that sentences of events name. One that a record does not have is shown as a question mark.
const FACTS: [&str; 16] = [
    "operator", "why", "text", "from", "to", "kid", "file", "tries", "users", "role", "by", "changes", "downs",
    "span-s", "state", "reason",
];

/// What an agent lived through, in words; an event the catalogue does not know goes by its name.
pub fn life(language: Language, place: &str, detail: &Detail) -> String {
    match detail {
        Detail::Stopped(it) => {
            let known = format!("stopped-{}", it.reason.replace(' ', "-"));
            let why = if knows(language, &known) { say(language, &known, &[]) } else { it.reason.clone() };
            say(language, "kind-stopped", &[("why", (&why).into())])
        }
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
        Detail::Event(it) => event(language, place, it),
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
        Detail::InstrumentIdentity(it) => {
            let standing = terms::quality(language, &it.standing);
            say(
                language,
                "kind-instrument-identity",
                &[("instrument", (&it.instrument).into()), ("standing", (&standing).into())],
            )
        }
        Detail::ConfigActivated(it) => {
            say(language, "kind-config-activated", &[("software", (&it.software.name).into())])
        }
        Detail::LimitsActivated(it) => {
            say(language, "kind-limits-activated", &[("count", (it.tables.len() as u64).into())])
        }
        Detail::CommandResult(it) => {
            let known = format!("outcome-{}", it.outcome);
            let outcome = if knows(language, &known) { say(language, &known, &[]) } else { it.outcome.clone() };
            say(
                language,
                "kind-command-result",
                &[
                    ("verb", (&it.verb).into()),
                    ("number", it.number.into()),
                    ("outcome", (&outcome).into()),
                    ("text", (&it.text).into()),
                ],
            )
        }
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

fn event(language: Language, place: &str, it: &Event) -> String {
    let id = format!("event-{}", it.name);
    let subject = it.subject.as_deref();
    if !knows(language, &id) {
        return match subject {
            Some(subject) => format!("{} ({subject})", it.name),
            None => it.name.clone(),
        };
    }
    let facts = FACTS.map(|name| (name, Arg::from(it.facts.get(name).map_or("?", String::as_str))));
    let mut parts = vec![("subject", subject.unwrap_or("?").into()), ("place", place.into())];
    parts.extend(facts);
    say(language, &id, &parts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use tidewaiter_record::body::{Resumed, Stopped};
    use tidewaiter_words::ids;

    use super::*;

    fn event(name: &str, subject: Option<&str>, facts: &[(&str, &str)]) -> Detail {
        let facts: BTreeMap<String, String> =
            facts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Detail::Event(Event { name: name.to_owned(), subject: subject.map(str::to_owned), facts })
    }

    #[test]
    fn an_event_is_a_sentence_in_both_languages() {
        let check = |detail: &Detail, en: &str, zh: &str| {
            assert_eq!(life(Language::En, "lane-7", detail), en);
            assert_eq!(life(Language::ZhCn, "lane-7", detail), zh);
        };
        check(&event("link-down", Some("scale-1"), &[]), "no connection to scale-1", "scale-1 连接中断");
        check(
            &event("sign-in", Some("lina"), &[("operator", "Li Na"), ("role", "operator"), ("from", "10.0.0.7")]),
            "Li Na signed in from 10.0.0.7",
            "Li Na 从 10.0.0.7 登录",
        );
        check(
            &event("drill-on", Some("lane-7"), &[("operator", "Li Na")]),
            "Li Na switched lane-7 to DRILL",
            "Li Na 将 lane-7 切换为演练",
        );
        // What is younger than this build is quoted, with what it is about.
        check(&event("tide-turned", Some("berth-3"), &[]), "tide-turned (berth-3)", "tide-turned (berth-3)");
    }

    #[test]
    fn why_recording_stopped_is_no_machine_word() {
        for reason in ["budget used up", "disk full", "no inodes left"] {
            let stopped = Detail::Stopped(Stopped { reason: reason.to_owned() });
            assert!(!life(Language::ZhCn, "self", &stopped).contains(reason), "{reason}");
        }
        let other = Detail::Stopped(Stopped { reason: "the moon".to_owned() });
        assert!(life(Language::En, "self", &other).contains("the moon"));
        let now = tidewaiter_drivers::reading::Moment { mono_ms: 0, wall_ms: 0 };
        let resumed = Detail::Resumed(Resumed { refused: 3, from: now, to: now });
        assert!(life(Language::En, "self", &resumed).contains("3 results were"));
    }

    /// A sentence that names a fact which is not in the list would show its variable's name.
    #[test]
    fn no_sentence_of_an_event_asks_for_a_fact_that_is_not_given() {
        let about = ids(Language::En).filter(|id| id.starts_with("event-"));
        for id in about {
            let detail = event(id.strip_prefix("event-").unwrap(), None, &[]);
            for language in [Language::En, Language::ZhCn] {
                let said = life(language, "self", &detail);
                assert!(!said.contains("{$"), "{id}: {said}");
            }
        }
    }
}
