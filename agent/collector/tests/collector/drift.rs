//! Recomputing recorded verdicts.

use tidewaiter_collector::{Recomputed, Tables};
use tidewaiter_recompute::recompute_inspection;
use tidewaiter_record::{Detail, InspectionDetail, Judging, Required};

use crate::writer::{NOW, Writer, core, judged, sort, textile};

fn recompute(detail: &InspectionDetail) -> Recomputed {
    recompute_inspection(detail, &Tables::builtin())
}

#[test]
fn an_honest_verdict_is_the_same_on_both_sides_of_each_limit() {
    // GB 18401-2010 Table 1, category A: pH 4.0 to 7.5.
    for (ph, verdict) in [("3.9", "Fail"), ("4.0", "Pass"), ("7.5", "Pass"), ("7.6", "Fail")] {
        let detail = judged(textile(ph));
        assert_eq!(detail.verdict, verdict, "pH {ph}");
        assert_eq!(recompute(&detail), Recomputed::Same, "pH {ph}");
    }
    let mut undeclared = textile("6.0");
    undeclared.subject.declared = None;
    let undeclared = judged(undeclared);
    assert_eq!((undeclared.verdict.as_str(), undeclared.reason.as_deref()), ("Inconclusive", Some("no-declaration")));
    assert_eq!(recompute(&undeclared), Recomputed::Same);
}

#[test]
fn another_verdict_value_or_finding_is_drift() {
    let check = |what: &str, change: fn(&mut InspectionDetail)| {
        let mut detail = judged(textile("7.6"));
        change(&mut detail);
        let recomputed = recompute(&detail);
        assert!(matches!(recomputed, Recomputed::Drift(_)), "{what}: {recomputed:?}");
    };
    check("verdict", |it| it.verdict = "Pass".into());
    check("disposition", |it| it.disposition = "clear".into());
    check("mismatch", |it| it.alarm_mismatch = true);
    check("value", |it| {
        it.measured[0].outcome = textile("7.0").measured[0].outcome;
    });
    check("finding", |it| {
        it.findings[0].verdict = if it.findings[0].verdict == "Fail" { "Pass" } else { "Fail" }.into();
    });
    check("declaration", |it| {
        it.subject.declared.as_mut().unwrap().insert("category".into(), "C".into());
    });
}

#[test]
fn what_cannot_be_repeated_is_neither_same_nor_drift() {
    let check = |what: &str, word: &str, change: fn(&mut InspectionDetail)| {
        let mut detail = judged(textile("6.5"));
        change(&mut detail);
        let Recomputed::NotDone(why) = recompute(&detail) else { panic!("{what}") };
        assert!(why.contains(word), "{what}: {why}");
    };
    check("another digest", "another digest", |it| {
        it.tables[0].sha256 = [0; 32];
    });
    check("unknown table", "is not here", |it| {
        it.tables[0].id = "house-rules".into();
    });
    check("table not named", "does not name", |it| it.tables.clear());
    check("younger word", "not known to this build", |it| {
        it.subject.kind = "drone".into();
    });
    check("younger verdict", "not known to this build", |it| {
        it.verdict = "Perhaps".into();
    });
    check("no edition at the lane", "had no edition", |it| {
        it.findings[0].edition.clear();
    });
    check("impossible time", "no date", |it| {
        it.opened.wall_ms = i64::MAX;
    });
}

/// A record of kind 18 says itself what was asked for.
#[test]
fn what_was_required_is_taken_from_the_record_that_says_it() {
    let asked = |advisory, parameters: &[&str]| {
        let mut detail = judged(textile("9.6"));
        let required = Required {
            table: detail.tables[0].id.clone(),
            parameters: parameters.iter().map(|&it| it.to_owned()).collect(),
            advisory,
        };
        detail.judging = Some(Judging { required: vec![required], ..Judging::default() });
        detail
    };
    assert_eq!(recompute(&asked(false, &["ph"])), Recomputed::Same);
    // An advisory row may not decide, one that was not asked for may not be judged, one that was may not be left out.
    for (advisory, parameters) in [(true, &["ph"][..]), (false, &[]), (false, &["ph", "odour"])] {
        let found = recompute(&asked(advisory, parameters));
        assert!(matches!(found, Recomputed::Drift(_)), "{advisory} {parameters:?}: {found:?}");
    }
    // No edition was in force: found again where the centre has none either, not repeatable where it has one.
    let mut before = asked(false, &["ph"]);
    let finding = &mut before.findings[0];
    (finding.edition, finding.row, finding.verdict) = (String::new(), "*".into(), "Inconclusive".into());
    (finding.reason, finding.value) = (Some("no-edition".into()), None);
    before.findings.truncate(1);
    before.tables.clear();
    (before.verdict, before.reason, before.disposition) =
        ("Inconclusive".into(), Some("no-edition".into()), "refer".into());
    assert!(matches!(recompute(&before), Recomputed::NotDone(_)));
    (before.opened.wall_ms, before.closed.wall_ms) = (1_262_304_000_000, 1_262_304_060_000);
    assert_eq!(recompute(&before), Recomputed::Same, "GB 18401-2010 is in force since August 2011");
}

#[test]
fn a_drifted_record_is_kept_receipted_and_counted_bad() {
    let mut agent = Writer::new("lab-02", 1);
    let mut core = core(&[&agent]);
    agent.begin(&mut core);
    let mut detail = judged(textile("7.6"));
    detail.verdict = "Pass".into();
    detail.disposition = "clear".into();
    let sealed = agent.seal(Detail::Inspection(Box::new(detail)));
    let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(out.collected[0].findings[0].bad.word(), "verdict-drift");
    // Authentic, so it is safe here; what it says is what is in doubt.
    assert_eq!(out.receipts, [(1, sealed.hash)]);
    let summary = core.summary().unwrap();
    assert_eq!((summary.records, summary.verified, summary.recomputed, summary.verdict_drift), (2, 1, 1, 1));
    assert!(!summary.is_clean());
}
