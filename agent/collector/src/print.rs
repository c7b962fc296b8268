//! Records for people: one line each, in zh-CN or en, with the words of the catalogue.
//!
//! ```text
//! gate-07 #412 粤B12345 放行 · 合格（初筛） · 总质量 43000 kg，在 ≤ 49000 kg 以内（…） · 中心已回执至 #412
//! ```
//!
//! Facts stand in the record's own order: number, subject, disposition, verdict, why, receipt. What is
//! against a record comes first: it is what must not be overlooked.

use tidewaiter_words::{Language, say};

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
    let record = &it.record;
    format!("#{} {}", it.seq, tidewaiter_telling::sentence(language, &record.header.subject, &record.body.detail))
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
