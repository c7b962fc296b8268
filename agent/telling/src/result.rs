//! Inspections and watch periods: who, what was made of it, and what decided.

use tidewaiter_record::{InspectionDetail, IntervalDetail, body, view::utc};
use tidewaiter_words::{Language, quantity, say, terms};

/// Subject, disposition, verdict and what decided, in the record's own order.
pub(super) fn inspection(language: Language, it: &InspectionDetail) -> String {
    let subject = subject(language, it);
    let disposition = terms::disposition(language, &it.disposition);
    let verdict = terms::verdict(language, &it.verdict);
    let why = why(language, it);
    say(
        language,
        "result-said",
        &[
            ("subject", (&subject).into()),
            ("disposition", (&disposition).into()),
            ("verdict", (&verdict).into()),
            ("why", (&why).into()),
        ],
    )
}

/// The identities as read, or what kind of thing it was.
pub fn subject(language: Language, it: &InspectionDetail) -> String {
    let known: Vec<&str> = it.subject.identities.iter().map(|it| it.text.as_str()).collect();
    if known.is_empty() {
        format!("{} ({})", terms::subject(language, &it.subject.kind), say(language, "not-identified", &[]))
    } else {
        known.join(" ")
    }
}

/// What decided: alarms, then what makes the passage void, then the strictest findings.
pub fn why(language: Language, it: &InspectionDetail) -> String {
    let mut causes: Vec<String> = it
        .alarms
        .iter()
        .filter(|it| it.by_device || it.recomputed)
        .map(|it| terms::alarm_by(language, &it.kind, it.by_device, it.recomputed))
        .collect();
    causes.extend(it.faults.iter().map(|it| terms::fault(language, &it.kind)));
    causes.extend(it.incomplete.iter().map(|it| terms::incomplete(language, it)));
    // Sorting by strictness is stable, so findings of one verdict keep the order of the table.
    let mut decisive: Vec<_> = it.findings.iter().filter(|it| strictness(&it.verdict) > 0).collect();
    decisive.sort_by_key(|it| std::cmp::Reverse(strictness(&it.verdict)));
    causes.extend(decisive.into_iter().map(|it| finding(language, it)));
    match causes.as_slice() {
        [] if it.findings.is_empty() => say(language, "nothing-required", &[]),
        [] => say(language, "all-within", &[]),
        [only] => only.clone(),
        [first, more @ ..] => say(language, "why-more", &[("first", first.into()), ("more", more.len().into())]),
    }
}

/// How much a verdict explains: nothing when it passes.
fn strictness(verdict: &str) -> u8 {
    match verdict {
        "Pass" | "NotApplicable" => 0,
        "ConditionalPass" => 1,
        "Inconclusive" => 2,
        "ConditionalFail" => 3,
        // `Fail`, and any word younger than this build: not to be overlooked.
        _ => 4,
    }
}

/// One judged row: parameter, value, limit, table with its edition where it has one.
pub fn finding(language: Language, it: &body::Finding) -> String {
    let table = format!("{} {}", it.table, it.edition);
    terms::finding(
        language,
        &terms::Finding {
            parameter: &it.parameter,
            verdict: &it.verdict,
            reason: it.reason.as_deref(),
            value: it.value.as_deref(),
            limit: &it.limit,
            table: table.trim_end(),
            row: &it.row,
            stage: it.stage,
        },
    )
}

/// A watch period: how much of what was expected came, and the last value.
pub(super) fn interval(language: Language, it: &IntervalDetail) -> String {
    let clock = |wall_ms: i64| {
        let text = utc(wall_ms);
        // `2026-11-21T08:00:00Z` → `08:00:00Z`: the day stands in the record.
        text.split_once('T').map_or(text.clone(), |(_, time)| time.to_owned())
    };
    let (from, to) = (clock(it.from.wall_ms), clock(it.to.wall_ms));
    let mut text = say(
        language,
        "interval-said",
        &[
            ("watch", (&it.watch).into()),
            ("from", (&from).into()),
            ("to", (&to).into()),
            ("received", it.received.into()),
            ("expected", it.slots_expected.into()),
        ],
    );
    if let (Some(last), Some(unit)) = (it.last, it.unit) {
        text.push_str(" · ");
        text.push_str(&quantity::value(language, &format!("{last} {unit}")));
    }
    text
}
