//! What is taken, what is folded, what is refused, and what a receipt never covers.

use tidewaiter_collector::{SqliteStore, store::ReadStore as _};
use tidewaiter_record::{ChainHead, Hash, RegistryClass};

use crate::writer::{NOW, SITE, Writer, core, core_on, event, genesis, judged, registry, sort, textile};

#[test]
fn records_in_order_are_receipted_with_their_own_hash() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    for sealed in agent.events(5) {
        let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
        assert_eq!(out.receipts, [(sealed.seq, sealed.hash)]);
        let [collected] = out.collected.as_slice() else { panic!("{out:?}") };
        assert!(collected.stored && !collected.duplicate && collected.is_receipted());
        assert_eq!((collected.seq, collected.receipted_upto), (sealed.seq, Some(sealed.seq)));
    }
    let summary = core.summary().unwrap();
    assert_eq!((summary.received, summary.records, summary.verified, summary.receipted), (5, 5, 5, 5));
    assert!(summary.is_clean());
}

#[test]
fn a_duplicate_is_folded_and_answered_with_the_current_receipt() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    let sealed = agent.events(3);
    for it in &sealed {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    let out = sort(core.accept(&agent.topic(), &sealed[0].bytes, NOW + 1).unwrap(), &[&agent]);
    assert_eq!(out.receipts, [(2, sealed[2].hash)]);
    assert!(out.collected[0].duplicate && out.collected[0].is_receipted());
    let summary = core.summary().unwrap();
    assert_eq!((summary.received, summary.records, summary.duplicates_folded), (4, 3, 1));
    assert!(summary.is_clean());
}

#[test]
fn an_alert_ahead_of_the_backlog_waits_for_the_gap_and_counts_once() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    let sealed = agent.events(4);
    let alert = format!("tw/1/{SITE}/gate-07/alert");
    let out = sort(core.accept(&alert, &sealed[3].bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(out.receipts, []);
    assert!(out.collected[0].alert && out.collected[0].stored && !out.collected[0].is_receipted());
    assert_eq!(core.summary().unwrap().gaps, 3);
    for it in &sealed {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    let summary = core.summary().unwrap();
    assert_eq!(
        (summary.records, summary.receipted, summary.gaps, summary.duplicates_folded, summary.alerts),
        (4, 4, 0, 1, 1)
    );
}

#[test]
fn a_record_beyond_a_gap_repeats_the_last_receipt() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    let sealed = agent.events(4);
    core.accept(&agent.topic(), &sealed[0].bytes, NOW).unwrap();
    let out = sort(core.accept(&agent.topic(), &sealed[2].bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(out.receipts, [(0, sealed[0].hash)]);
    let out = sort(core.accept(&agent.topic(), &sealed[1].bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(out.receipts, [(2, sealed[2].hash)]);
}

#[test]
fn every_flipped_bit_is_named_bad_and_never_receipted() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    let sealed = agent.event("true");
    let mut causes = std::collections::BTreeMap::<_, u64>::new();
    for byte in 0..sealed.bytes.len() {
        // One bit per byte, another one each time.
        let mut forged = sealed.bytes.clone();
        forged[byte] ^= 1 << (byte % 8);
        let out = sort(core.accept(&agent.topic(), &forged, NOW).unwrap(), &[&agent]);
        assert_eq!((out.receipts.len(), out.collected.len(), out.refused.len()), (0, 0, 1), "byte {byte}");
        *causes.entry(out.refused[0].to_owned()).or_default() += 1;
    }
    let summary = core.summary().unwrap();
    assert_eq!(summary.bad, causes);
    assert_eq!((summary.records, summary.receipted), (0, 0));
    assert!(summary.bad["signature"] >= 64, "{causes:?}");
    // The true one is still welcome.
    let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(out.receipts, [(0, sealed.hash)]);
}

#[test]
fn a_bad_record_in_the_middle_holds_the_receipt_back() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    let sealed = agent.events(5);
    for (index, it) in sealed.iter().enumerate() {
        let mut bytes = it.bytes.clone();
        if index == 2 {
            *bytes.last_mut().unwrap() ^= 0x40;
        }
        core.accept(&agent.topic(), &bytes, NOW).unwrap();
    }
    let summary = core.summary().unwrap();
    assert_eq!((summary.receipted, summary.gaps, summary.bad["signature"]), (2, 1, 1));
    let out = sort(core.accept(&agent.topic(), &sealed[2].bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(out.receipts, [(4, sealed[4].hash)]);
}

#[test]
fn topics_that_do_not_fit_the_issuer_are_refused() {
    let mut agent = Writer::new("gate-07", 1);
    let other = Writer::new("gate-08", 2);
    let mut core = core(&[&agent, &other]);
    let sealed = agent.event("one");
    let mut check = |topic: &str, cause: &str| {
        let out = sort(core.accept(topic, &sealed.bytes, NOW).unwrap(), &[&agent]);
        assert_eq!((out.refused.as_slice(), out.receipts.len()), ([cause].as_slice(), 0), "{topic}");
    };
    check("tw/1/yantian/gate-08/record", "topic-mismatch");
    check("tw/1/yantian/gate-07x/alert", "topic-mismatch");
    check("tw/1/yantian/gate-07/view/scale-1", "topic");
    check("tw/2/yantian/gate-07/record", "topic");
    check("tw/1/yantian/gate-07", "topic");
    let summary = core.summary().unwrap();
    assert_eq!((summary.bad["topic-mismatch"], summary.bad["topic"], summary.records), (2, 3, 0));
}

#[test]
fn an_agent_is_taken_as_soon_as_it_is_registered() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[]);
    let sealed = agent.event("one");
    let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[]);
    assert_eq!(out.refused, ["unknown-key"]);
    core.set_registry(registry(RegistryClass::Test, &[&agent])).unwrap();
    let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
    assert_eq!(out.receipts, [(0, sealed.hash)]);
}

#[test]
fn a_key_beyond_its_range_or_on_another_chain_does_not_sign() {
    let mut agent = Writer::new("gate-07", 1);
    agent.key.to_seq = Some(1);
    let mut core = core(&[&agent]);
    let sealed = agent.events(3);
    for it in &sealed {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    let foreign = ChainHead::new(tidewaiter_record::ChainId([9; 16]), Hash([0; 32]));
    core.accept(&agent.topic(), &agent.seal_at(&foreign, event("elsewhere")).bytes, NOW).unwrap();
    let summary = core.summary().unwrap();
    assert_eq!((summary.receipted, summary.bad["key-not-for"]), (2, 2));
}

#[test]
fn a_second_record_under_one_number_is_evidence_and_not_receipted() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    agent.begin(&mut core);
    let fork = agent.head;
    let first = agent.event("first");
    let second = agent.seal_at(&fork, event("second"));
    core.accept(&agent.topic(), &first.bytes, NOW).unwrap();
    let out = sort(core.accept(&agent.topic(), &second.bytes, NOW).unwrap(), &[&agent]);
    assert_eq!((out.equivocations, out.receipts.as_slice()), (1, [(1, first.hash)].as_slice()));
    assert!(!out.collected[0].stored && !out.collected[0].is_receipted());
    // The forked branch goes on, and is refused from there.
    let branch = agent.seal_at(&fork.after(&second), event("third"));
    let out = sort(core.accept(&agent.topic(), &branch.bytes, NOW).unwrap(), &[&agent]);
    assert_eq!((out.collected[0].findings[0].bad.word(), out.receipts[0].0), ("chain-link", 1));
    // Repeating either is folded; the incident is counted once.
    core.accept(&agent.topic(), &second.bytes, NOW).unwrap();
    let summary = core.summary().unwrap();
    assert_eq!((summary.equivocations, summary.bad["chain-link"], summary.duplicates_folded), (1, 1, 1));
    assert_eq!((summary.records, summary.receipted), (2, 2));
}

#[test]
fn a_record_with_a_false_predecessor_is_never_receipted_whenever_it_comes() {
    // Positions of the false record 1 among the true 0, 1, 2, 3; the true ones come in every rotation.
    for rotation in 0..4 {
        for position in 0..=4 {
            let mut agent = Writer::new("gate-07", 1);
            let mut core = core(&[&agent]);
            let sealed = agent.events(4);
            let lie = ChainHead { prev: Hash([0xbb; 32]), next_seq: 1, chain: agent.chain() };
            let forged = agent.seal_at(&lie, event("forged"));
            let mut order: Vec<_> = sealed.iter().collect();
            order.rotate_left(rotation);
            order.insert(position, &forged);
            let mut last = None;
            for it in order {
                let out = sort(core.accept(&agent.topic(), &it.bytes, NOW).unwrap(), &[&agent]);
                last = out.receipts.last().copied().or(last);
            }
            let place = format!("rotation {rotation}, position {position}");
            // What an agent does when its receipt does not move: it offers again what has none.
            for it in &sealed {
                let out = sort(core.accept(&agent.topic(), &it.bytes, NOW).unwrap(), &[&agent]);
                last = out.receipts.last().copied().or(last);
            }
            assert_eq!(last, Some((3, sealed[3].hash)), "{place}");
            let summary = core.summary().unwrap();
            assert_eq!((summary.records, summary.receipted, summary.gaps), (4, 4, 0), "{place}");
            assert!(summary.bad_total() >= 1, "{place}: {:?}", summary.bad);
            let out = sort(core.accept(&agent.topic(), &forged.bytes, NOW).unwrap(), &[&agent]);
            assert!(out.collected[0].duplicate && !out.collected[0].is_receipted(), "{place}");
        }
    }
}

#[test]
fn a_chain_begins_once_with_a_genesis_that_names_the_registered_statement() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    let true_start = agent.head;
    let other = Hash([0; 32]);
    let lie = ChainHead::new(agent.chain(), other);
    let wrong = [
        ("another statement", agent.seal_at(&lie, genesis(other))),
        ("not what it hangs on", agent.seal_at(&true_start, genesis(other))),
        ("no genesis", agent.seal_at(&true_start, event("x"))),
    ];
    for (what, sealed) in wrong {
        let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
        assert_eq!((out.collected[0].findings[0].bad.word(), out.receipts.len()), ("chain-link", 0), "{what}");
    }
    agent.begin(&mut core);
    let again = agent.seal_at(&agent.head, genesis(agent.head.prev));
    let out = sort(core.accept(&agent.topic(), &again.bytes, NOW).unwrap(), &[&agent]);
    assert_eq!((out.collected[0].findings[0].bad.word(), out.receipts[0].0), ("chain-link", 0));
    assert_eq!(core.summary().unwrap().bad["chain-link"], 4);
}

#[test]
fn simulated_records_are_findings_in_production_only_and_kept_in_both() {
    for (class, findings) in [(RegistryClass::Test, 0), (RegistryClass::Production, 1)] {
        let mut agent = Writer::new("gate-07", 1);
        let mut core = core(&[&agent]);
        core.set_registry(registry(class, &[&agent])).unwrap();
        agent.begin(&mut core);
        let mut detail = judged(textile("6.5"));
        detail.flags.simulated = true;
        let sealed = agent.seal(tidewaiter_record::Detail::Inspection(Box::new(detail)));
        let out = sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]);
        assert_eq!(out.receipts, [(1, sealed.hash)]);
        assert_eq!(out.collected[0].findings.len(), findings);
        let summary = core.summary().unwrap();
        assert_eq!((summary.records, summary.verified), (2, 2 - findings as u64));
        assert_eq!(summary.verdicts["Pass"], 1);
    }
}

#[test]
fn states_are_kept_for_registered_agents_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.db");
    let agent = Writer::new("gate-07", 1);
    let mut core = core_on(SqliteStore::open(&path).unwrap(), &[&agent]);
    let state = |agent: &str| format!("tw/1/{SITE}/{agent}/state");
    core.accept(&state("gate-07"), br#"{"online":true}"#, NOW).unwrap();
    core.accept(&state("gate-07"), br#"{"online":false}"#, NOW + 1).unwrap();
    core.accept(&state("gate-07"), b"[]", NOW + 2).unwrap();
    core.accept(&state("intruder"), br#"{"online":true}"#, NOW + 3).unwrap();
    let states = SqliteStore::open_read_only(&path).unwrap().states().unwrap();
    assert_eq!(states, [(SITE.to_owned(), "gate-07".to_owned(), r#"{"online":false}"#.to_owned(), NOW + 1)]);
    assert_eq!(core.summary().unwrap().received, 0);
}

#[test]
fn a_batch_is_one_commit_and_one_receipt_per_chain() {
    let (mut one, mut two) = (Writer::new("gate-07", 1), Writer::new("gate-08", 2));
    let mut core = core(&[&one, &two]);
    let mut batch = Vec::new();
    for _ in 0..10 {
        for agent in [&mut one, &mut two] {
            let bytes = agent.event("x").bytes;
            batch.push(tidewaiter_collector::Incoming { topic: agent.topic(), bytes, received_ms: NOW });
        }
    }
    let out = sort(core.accept_batch(&batch).unwrap(), &[&one, &two]);
    assert_eq!(out.receipts.iter().map(|it| it.0).collect::<Vec<_>>(), [9, 9]);
    assert_eq!(out.collected.len(), 20);
    assert!(out.collected.iter().all(|it| it.receipted_upto == Some(9)));
}
