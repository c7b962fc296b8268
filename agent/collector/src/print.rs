//! Records for people: one line each, in zh-CN or en, with the words of the catalogue.
//!
//! ```text
//! gate-07 #412 粤B12345 放行 · 合格（初筛） · 总质量 43000 kg，在 ≤ 49000 kg 以内（…） · 中心已回执至 #412
//! ```
//!
//! Facts stand in the record's own order: number, subject, disposition, verdict, why, receipt. What is
//! against a record comes first: it is what must not be overlooked.

mod life;

use tidewaiter_record::{Detail, InspectionDetail, IntervalDetail};
use tidewaiter_words::{Language, quantity, say, terms};

use crate::{
    core::Collected,
    finding::{Bad, Finding},
    summary::Summary,
};

/// The line of one record.
pub fn line(language: Language, it: &Collected) -> String {
    let number = ("number", it.seq.into());
    let agent = ("agent", (&it.agent).into());
    if it.duplicate {
        return say(language, "collector-duplicate", &[agent, number]);
    }
    if let Some(finding) = it.findings.iter().find(|it| it.bad.keeps_out()) {
        return match finding.bad {
            Bad::Equivocation => say(language, "collector-fork", &[agent, number]),
            _ => say(language, "collector-bad", &[agent, number, ("why", (&finding.detail).into())]),
        };
    }
    let mut parts = vec![format!("{} {}", it.agent, content(language, it))];
    let flags = it.record.body.detail.flags();
    for (flag, id) in [(flags.simulated, "simulated"), (flags.drill, "drill")] {
        if flag {
            parts.push(say(language, id, &[]));
        }
    }
    parts.push(receipt(language, it));
    let mut text = parts.join(" · ");
    for finding in &it.findings {
        text.push('\n');
        text.push_str(&doubt(language, it, finding));
    }
    text
}

/// The counts at the end of a run.
pub fn summary(language: Language, it: &Summary) -> String {
    // The sentence begins with the agent's side, which only the agent knows.
    let counts = [
        ("sealed", "—".into()),
        ("published", "—".into()),
        ("received", it.received.into()),
        ("verified", it.verified.into()),
        ("receipted", it.receipted.into()),
        ("bad", it.bad_total().into()),
        ("gaps", it.gaps.into()),
    ];
    say(language, "demo-summary", &counts)
}

fn content(language: Language, it: &Collected) -> String {
    match &it.record.body.detail {
        Detail::Inspection(detail) => inspection(language, it.seq, detail),
        Detail::Interval(detail) => interval(language, it.seq, detail),
        other => format!("#{} {}", it.seq, life::life(language, &it.record.header.subject, other)),
    }
}

fn inspection(language: Language, seq: u64, it: &InspectionDetail) -> String {
    let subject = subject(language, it);
    let disposition = terms::disposition(language, &it.disposition);
    let verdict = terms::verdict(language, &it.verdict);
    let why = why(language, it);
    say(
        language,
        "result-line",
        &[
            ("number", seq.into()),
            ("subject", (&subject).into()),
            ("disposition", (&disposition).into()),
            ("verdict", (&verdict).into()),
            ("why", (&why).into()),
        ],
    )
}

/// The identities as read, or what kind of thing it was.
fn subject(language: Language, it: &InspectionDetail) -> String {
    let known: Vec<&str> = it.subject.identities.iter().map(|it| it.text.as_str()).collect();
    if known.is_empty() {
        format!("{} ({})", terms::subject(language, &it.subject.kind), say(language, "not-identified", &[]))
    } else {
        known.join(" ")
    }
}

/// What decided: alarms, then what makes the passage void, then the strictest findings.
fn why(language: Language, it: &InspectionDetail) -> String {
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
    causes.extend(decisive.into_iter().map(|it| {
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
    }));
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

fn interval(language: Language, seq: u64, it: &IntervalDetail) -> String {
    let clock = |wall_ms: i64| {
        let text = crate::view::utc(wall_ms);
        // `2026-11-21T08:00:00Z` → `08:00:00Z`: the day stands in the record.
        text.split_once('T').map_or(text.clone(), |(_, time)| time.to_owned())
    };
    let (from, to) = (clock(it.from.wall_ms), clock(it.to.wall_ms));
    let mut text = say(
        language,
        "interval-line",
        &[
            ("number", seq.into()),
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

fn receipt(language: Language, it: &Collected) -> String {
    match it.receipted_upto {
        Some(upto) if it.is_receipted() => say(language, "receipt-line", &[("number", upto.into())]),
        _ => say(language, "receipt-waiting", &[]),
    }
}

fn doubt(language: Language, it: &Collected, finding: &Finding) -> String {
    match finding.bad {
        Bad::VerdictDrift => {
            let words =
                say(language, "collector-mismatch", &[("agent", (&it.agent).into()), ("number", it.seq.into())]);
            format!("{words} ({})", finding.detail)
        }
        _ => format!("{} #{}: {finding}", it.agent, it.seq),
    }
}
