//! The report for people, the notes on checking, and the excerpt of the registry.

use std::fmt::Write as _;

use serde_json::Value;
use tidewaiter_record::{
    ChainId, Detail, Record, Registry, Report, Role, Verdict,
    body::{InspectionDetail, TimeQuality},
    view::{RecordView, utc},
};
use tidewaiter_words::{Arg, Language, quantity, say, terms};

use crate::{case::Case, nodes::NodeRecord};

/// Name of a language in file names.
pub(crate) fn tag(language: Language) -> &'static str {
    match language {
        Language::ZhCn => "zh-CN",
        Language::En => "en",
    }
}

/// The keys that signed here: the chain's, and the centre's.
pub(crate) fn excerpt(registry: &Registry, chain: ChainId) -> Registry {
    let mut excerpt = Registry::new(registry.class());
    for key in registry.keys().filter(|key| key.role == Role::Centre || key.chain == Some(chain)) {
        // Each was valid in a registry already; one that is not in this smaller one is left out.
        let _ = excerpt.add(key.clone());
    }
    excerpt
}

/// How to check a bundle offline.
pub(crate) fn readme() -> String {
    "\
How to check this file / 如何检查本文件

  tidewaiter verify THIS.tar --registry YOUR-REGISTRY.json
  python3 tests/interop/bundle.py THIS.tar --registry YOUR-REGISTRY.json     (independent program)

Take the registry from the authority, not from this file: registry.json in here only shows which keys are meant.
登记表请向主管机关索取，不要使用本文件内的 registry.json。

nodes.json, where there is one, is what the centre found by the seals of instrument nodes: its word. The keys are not in here.
有 nodes.json 时，其中是中心按仪器节点封印核验的结果，系中心的陈述；密钥不在本文件内。

By hand: manifest.json lists every file with its SHA-256 (`sha256sum`). records.cborseq is a CBOR sequence (RFC 8742) of
COSE_Sign1 items (RFC 9052); any COSE tool checks their signatures. Each record names the SHA-256 of the one before it. The
format is FORMAT.md of Tidewaiter's record crate. A receipt in receipts.cborseq names the SHA-256 of the record it covers.

Exit codes of both programs: 0 nothing speaks against it, 1 something does, 2 wrong use, 3 environment.
"
    .to_owned()
}

/// The report.
pub(crate) fn text(language: Language, case: &Case, asked: &[&Record], verified: &Report, absent: &[String]) -> String {
    let mut out = String::new();
    let mut line = |id: &str, parts: &[(&str, Arg<'_>)]| {
        let _ = writeln!(out, "{}", say(language, id, parts));
    };
    line("bundle-title", &[]);
    if let Some(chain) = verified.chains.first() {
        line(
            "bundle-head",
            &[
                ("agent", (&chain.agent).into()),
                ("chain", (&chain.chain.to_string()).into()),
                ("first", chain.first_seq.into()),
                ("last", chain.last_seq.into()),
                ("made", (&utc(case.made_at_ms)).into()),
                ("by", (&case.made_by).into()),
            ],
        );
    }
    line("bundle-pre-screen", &[]);
    for record in asked {
        out.push('\n');
        out.push_str(&one(language, record));
    }
    if !case.nodes.is_empty() {
        out.push('\n');
        out.push_str(&nodes(language, case));
    }
    out.push('\n');
    out.push_str(&answers(language, verified, absent));
    out
}

/// What the centre found by the seals of nodes: of the records asked for, and whatever speaks against another.
fn nodes(language: Language, case: &Case) -> String {
    let mut out = String::new();
    let mut line = |id: &str, parts: &[(&str, Arg<'_>)]| {
        let _ = writeln!(out, "{}", say(language, id, parts));
    };
    line("bundle-nodes", &[]);
    for record in case.nodes.iter().filter(|it| case.asked.contains(&it.seq) || !it.findings.is_empty()) {
        for sentence in node_lines(language, record) {
            line("bundle-node-line", &[("said", (&sentence).into())]);
        }
    }
    out
}

/// What is said of one record and its nodes, a sentence each.
pub fn node_lines(language: Language, record: &NodeRecord) -> Vec<String> {
    let number = record.seq;
    let mut lines = Vec::new();
    for node in &record.nodes {
        let parts =
            [("number", number.into()), ("instrument", (&node.instrument).into()), ("serial", (&node.serial).into())];
        lines.push(say(language, "bundle-node-held", &parts));
    }
    for finding in &record.findings {
        let known = matches!(
            finding.reason.as_str(),
            "node-mac" | "node-serial" | "node-sequence" | "node-value" | "node-block-missing"
        );
        let what =
            if known { say(language, &format!("bundle-{}", finding.reason), &[]) } else { finding.reason.clone() };
        let parts = [("number", number.into()), ("what", (&what).into()), ("detail", (&finding.detail).into())];
        lines.push(say(language, "bundle-node-found", &parts));
    }
    if record.findings.is_empty() {
        lines.push(say(language, "bundle-node-nothing", &[("number", number.into())]));
    }
    lines
}

fn one(language: Language, record: &Record) -> String {
    let mut out = String::new();
    let mut line = |id: &str, parts: &[(&str, Arg<'_>)]| {
        let _ = writeln!(out, "{}", say(language, id, parts));
    };
    let view = serde_json::to_value(RecordView::of(record)).unwrap_or_default();
    let time = &record.body.time;
    let seq = record.header.seq;
    let kind = record.body.detail.word();
    line("bundle-record", &[("number", seq.into()), ("kind", kind.into())]);
    line("bundle-hash", &[("hash", (&record.hash().to_string()).into())]);
    let error = if time.quality == TimeQuality::U { 0 } else { time.err_ms };
    let clock = terms::clock(language, time.quality.word(), &terms::clock_error(error));
    line("bundle-when", &[("time", (&utc(time.wall_ms)).into()), ("clock", (&clock).into())]);
    let flags = record.body.detail.flags();
    if flags.simulated {
        line("bundle-simulated", &[]);
    }
    if flags.drill {
        line("bundle-drill", &[]);
    }
    match &record.body.detail {
        Detail::Inspection(detail) => out.push_str(&inspection(language, detail, &view)),
        _ => {
            let said = tidewaiter_telling::sentence(language, &record.header.subject, &record.body.detail);
            let json = view.get("detail").map(Value::to_string).unwrap_or_default();
            line("bundle-other", &[("said", (&said).into()), ("json", (&json).into())]);
        }
    }
    out
}

fn inspection(language: Language, detail: &InspectionDetail, view: &Value) -> String {
    let mut out = String::new();
    let mut line = |id: &str, parts: &[(&str, Arg<'_>)]| {
        let _ = writeln!(out, "{}", say(language, id, parts));
    };
    let identities = detail.subject.identities.iter();
    let subject: Vec<String> =
        identities.map(|it| format!("{} {}", terms::identity(language, &it.kind), it.text)).collect();
    let what = format!("{} · {} · {}", terms::procedure(language, &detail.procedure), subject.join(", "), detail.id);
    line("bundle-what", &[("what", (&what).into())]);
    line("bundle-where", &[("place", (&detail.place).into())]);
    for measured in view.pointer("/detail/measured").and_then(Value::as_array).into_iter().flatten() {
        let word = |key: &str| measured.get(key).and_then(Value::as_str).unwrap_or_default();
        let value = match measured.get("value").and_then(Value::as_str) {
            Some(value) => quantity::value(language, &format!("{value} {}", word("unit"))),
            None => terms::missing(language, word("missing"), None),
        };
        line(
            "bundle-measured",
            &[
                ("parameter", (&terms::parameter(language, word("parameter"))).into()),
                ("value", (&value).into()),
                ("instrument", word("instrument").into()),
            ],
        );
    }
    for finding in &detail.findings {
        let sentence = tidewaiter_telling::finding(language, finding);
        line("bundle-finding", &[("finding", (&sentence).into())]);
    }
    let verdict = terms::verdict(language, &detail.verdict);
    let disposition = terms::disposition(language, &detail.disposition);
    line("bundle-verdict", &[("verdict", (&verdict).into()), ("disposition", (&disposition).into())]);
    let operator = detail.judging.as_ref().and_then(|judging| judging.operator.clone());
    let who = operator.unwrap_or_else(|| say(language, "bundle-who-nobody", &[]));
    line("bundle-who", &[("who", (&who).into())]);
    out
}

fn answers(language: Language, verified: &Report, absent: &[String]) -> String {
    let mut out = String::new();
    let mut line = |id: &str, parts: &[(&str, Arg<'_>)]| {
        let _ = writeln!(out, "{}", say(language, id, parts));
    };
    line("bundle-answers", &[]);
    let first = verified.chains.iter().map(|chain| chain.first_seq).min().unwrap_or(0);
    let last = verified.chains.iter().map(|chain| chain.last_seq).max().unwrap_or(0);
    for (question, verdict) in [
        ("signature", &verified.signature),
        ("chain", &verified.chain),
        ("completeness", &verified.completeness),
        ("time", &verified.time),
    ] {
        let answer = match verdict {
            Verdict::Ok => {
                let numbers = [("records", verified.records.into()), ("first", first.into()), ("last", last.into())];
                say(language, &format!("answer-{question}-ok"), &numbers)
            }
            Verdict::Bad { count } => say(language, &format!("answer-{question}-bad"), &[("bad", (*count).into())]),
            Verdict::NotChecked { why } => say(language, "answer-not-checked", &[("why", why.into())]),
        };
        let question = say(language, &format!("question-{question}"), &[]);
        line("bundle-answer", &[("question", (&question).into()), ("answer", (&answer).into())]);
    }
    match verified.chains.first().and_then(|chain| chain.receipted_upto) {
        Some(upto) => line("bundle-receipted", &[("upto", upto.into())]),
        None => line("bundle-not-receipted", &[]),
    }
    if !absent.is_empty() {
        line("bundle-absent", &[("count", (absent.len() as u64).into())]);
    }
    line("bundle-limits-title", &[]);
    for id in ["bundle-limits-sample", "bundle-limits-key", "bundle-limits-registry"] {
        line(id, &[]);
    }
    out
}
