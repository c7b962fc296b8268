//! The four answers about one record, from its neighbours on this disk and the keys this machine believes.
//!
//! An agent that answers for itself proves little: it could believe a key that nobody enrolled. So each answer says
//! what it was held against, and what a yes does not mean; the centre's registry and `tidewaiter verify` say more.

use std::path::{Path, PathBuf};

use tidewaiter_record::{Registry, Report, Verdict, Verifier, verify::Question};
use tidewaiter_words::{Language, say};

use super::block::{Cell, Section};
use crate::{keys::believed, outbox::Entry};

/// Records before and after one that it is held against.
pub(super) const AROUND: u64 = 1;
/// Findings told.
const MOST: usize = 10;

/// Reads what this machine believes of keys, off the async threads.
pub(super) async fn registry(dir: PathBuf, centre: Option<PathBuf>) -> Result<Registry, String> {
    let read = move || believed(&dir, centre.as_deref().map(Path::new)).map_err(|why| why.to_string());
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|failure| Err(failure.to_string()))
}

/// The answers for `seq` as a section; `entries` are a run of records around it.
pub(super) fn section(seq: u64, entries: &[Entry], registry: &Result<Registry, String>, language: Language) -> Section {
    let mut section = Section::new("proof", say(language, "proof-title", &[]));
    let registry = match registry {
        Ok(registry) => registry,
        Err(why) => {
            section.said(say(language, "answer-not-checked", &[("why", why.into())]), "warn");
            return section;
        }
    };
    let run = run(seq, entries);
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return section };
    let mut verifier = Verifier::new(registry).from_seq(first.seq);
    for entry in run {
        verifier.push(&entry.bytes);
    }
    let report = verifier.finish();
    section.facts(answers(&report, language));
    let findings = report.findings.iter().filter(|it| it.question != Question::Note).take(MOST);
    let rows = findings.map(|it| {
        let number = it.seq.map_or_else(|| "?".to_owned(), |seq| format!("#{seq}"));
        vec![Cell::text(number), Cell::text(&it.what).with("bad"), Cell::text(it.way)]
    });
    section.table(super::heads(language, "proof", &["number", "found", "way"]), rows.collect());
    let range = [("first", first.seq.to_string()), ("last", last.seq.to_string())];
    let range: Vec<_> = range.iter().map(|(name, seq)| (*name, seq.into())).collect();
    section.said(say(language, "proof-held-against", &range), "quiet");
    section.said(say(language, "proof-does-not-mean", &[]), "quiet");
    section
}

/// The records without a gap around `seq`.
fn run(seq: u64, entries: &[Entry]) -> &[Entry] {
    let place = entries.iter().position(|it| it.seq == seq).unwrap_or_default();
    let follows = |pair: &[Entry]| matches!(pair, [one, next] if one.seq + 1 == next.seq);
    let before = entries.get(..=place).unwrap_or_default().windows(2).rev().take_while(|it| follows(it)).count();
    let after = entries.get(place..).unwrap_or_default().windows(2).take_while(|it| follows(it)).count();
    entries.get(place - before..=place + after).unwrap_or_default()
}

fn answers(report: &Report, language: Language) -> Vec<(String, Cell)> {
    let first = report.chains.iter().map(|it| it.first_seq).min().unwrap_or_default();
    let last = report.chains.iter().map(|it| it.last_seq).max().unwrap_or_default();
    let questions = [
        ("signature", &report.signature),
        ("chain", &report.chain),
        ("completeness", &report.completeness),
        ("time", &report.time),
    ];
    let mut facts: Vec<(String, Cell)> = questions
        .into_iter()
        .map(|(question, verdict)| {
            let cell = match verdict {
                Verdict::Ok => {
                    let numbers = [("records", report.records.into()), ("first", first.into()), ("last", last.into())];
                    Cell::text(say(language, &format!("answer-{question}-ok"), &numbers)).with("good")
                }
                Verdict::Bad { count } => {
                    Cell::text(say(language, &format!("answer-{question}-bad"), &[("bad", (*count).into())]))
                        .with("bad")
                }
                Verdict::NotChecked { why } => {
                    Cell::text(say(language, "answer-not-checked", &[("why", why.into())])).with("warn")
                }
            };
            (say(language, &format!("question-{question}"), &[]), cell)
        })
        .collect();
    let simulated = if report.simulated {
        Cell::text(say(language, "answer-simulated-yes", &[("records", report.accepted.into())])).with("warn")
    } else {
        Cell::text(say(language, "answer-simulated-no", &[]))
    };
    facts.push((say(language, "question-simulated", &[]), simulated));
    facts
}

#[cfg(test)]
mod tests {
    use tidewaiter_record::Hash;

    use super::*;

    #[test]
    fn a_gap_ends_the_run() {
        let entry = |seq| Entry {
            seq,
            bytes: Vec::new(),
            hash: Hash([0; 32]),
            alert: false,
            sealed_ms: 0,
            place: String::new(),
            draft: None,
        };
        let check = |seq, stored: &[u64], expected: &[u64]| {
            let entries: Vec<Entry> = stored.iter().copied().map(entry).collect();
            let found: Vec<u64> = run(seq, &entries).iter().map(|it| it.seq).collect();
            assert_eq!(found, expected);
        };
        check(5, &[4, 5, 6], &[4, 5, 6]);
        check(5, &[5, 6], &[5, 6]);
        check(5, &[3, 5, 7], &[5]);
        check(0, &[0], &[0]);
        check(5, &[4, 5], &[4, 5]);
        check(5, &[], &[]);
    }
}
