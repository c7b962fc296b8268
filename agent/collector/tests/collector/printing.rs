//! Lines for people and for programs.

use tidewaiter_collector::{print::line, view::CollectedView};
use tidewaiter_record::Detail;
use tidewaiter_words::Language;

use crate::writer::{NOW, Writer, core, event, judged, sort, textile};

#[test]
fn a_result_names_subject_disposition_verdict_reason_number_and_receipt() {
    let mut agent = Writer::new("lab-02", 1);
    let mut core = core(&[&agent]);
    agent.begin(&mut core);
    let sealed = agent.seal(Detail::Inspection(Box::new(judged(textile("7.6")))));
    let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
    let english = line(Language::En, &out.collected[0]);
    for part in
        ["lab-02 #1 S-2026-0412 REFER", "Fail (pre-screen)", "pH 7.6 outside", "gb18401-2010-t1 2010", "up to #1"]
    {
        assert!(english.contains(part), "{part:?} not in {english}");
    }
    let chinese = line(Language::ZhCn, &out.collected[0]);
    for part in ["lab-02 #1 S-2026-0412", "不合格（初筛）", "7.6", "中心已回执至 #1"] {
        assert!(chinese.contains(part), "{part:?} not in {chinese}");
    }
    let duplicate = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(line(Language::En, &duplicate.collected[0]), "lab-02 #1 came again, folded");
}

#[test]
fn what_is_against_a_record_is_said_first() {
    let mut agent = Writer::new("lab-02", 1);
    let mut core = core(&[&agent]);
    agent.begin(&mut core);
    let fork = agent.head;
    let sealed = agent.event("one");
    core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap();
    let other = agent.seal_at(&fork, event("other"));
    let out = sort(core.accept(&agent.topic(), &other.bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(line(Language::En, &out.collected[0]), "lab-02 #1 exists with two contents: kept as evidence");
    let mut drifted = judged(textile("7.6"));
    drifted.verdict = "Pass".into();
    let sealed = agent.seal(Detail::Inspection(Box::new(drifted)));
    let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
    let text = line(Language::En, &out.collected[0]);
    assert!(text.contains("recomputing gives another verdict") && text.contains("recomputed Fail"), "{text}");
}

#[test]
fn json_lines_carry_the_same() {
    let mut agent = Writer::new("lab-02", 1);
    let mut core = core(&[&agent]);
    agent.begin(&mut core);
    let sealed = agent.seal(Detail::Inspection(Box::new(judged(textile("7.6")))));
    let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
    let json = serde_json::to_value(CollectedView::of(&out.collected[0])).unwrap();
    assert_eq!(json["agent"], "lab-02");
    assert_eq!(json["hash"], sealed.hash.to_string());
    assert_eq!(json["receipted_upto"], 1);
    assert_eq!(json["recomputed"], "same");
    assert_eq!(json["detail"]["disposition"], "refer");
    assert_eq!(json["detail"]["identities"][0]["text"], "S-2026-0412");
    assert_eq!(json["time"], "2026-09-21T14:13:20Z");
}
