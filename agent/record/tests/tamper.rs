//! What altering a sealed record leads to, bit by bit and byte by byte; and what other readers of the same
//! standards make of our bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::wildcard_imports)]

mod fixture;

use std::collections::BTreeMap;

use coset::{AsCborValue, TaggedCborSerializable};
use fixture::*;
use proptest::prelude::*;
use tidewaiter_record::{
    verify::{Code, Question},
    *,
};

fn verdicts(registry: &Registry, items: &[&[u8]]) -> Vec<(Code, Option<u64>)> {
    let mut verifier = Verifier::new(registry);
    for item in items {
        verifier.push(item);
    }
    let findings = verifier.finish().findings;
    findings.into_iter().filter(|it| it.question != Question::Note).map(|it| (it.code, it.seq)).collect()
}

/// Where a byte of an envelope stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Frame,
    Header,
    Payload,
    Signature,
}

fn part_of(bytes: &[u8], at: usize) -> Part {
    let sign1 = coset::CoseSign1::from_tagged_slice(bytes).unwrap();
    let within = |part: &[u8]| {
        let start = bytes.windows(part.len()).position(|it| it == part).unwrap();
        (start..start + part.len()).contains(&at)
    };
    if within(&sign1.protected.original_data.unwrap()) {
        Part::Header
    } else if within(&sign1.payload.unwrap()) {
        Part::Payload
    } else if within(&sign1.signature) {
        Part::Signature
    } else {
        Part::Frame
    }
}

#[test]
fn every_single_bit_flip_is_refused_by_name() {
    let agent = gate();
    let registry = registry(RegistryClass::Production);
    let mut counts: BTreeMap<(Part, &str), usize> = BTreeMap::new();
    for sealed in every_kind(&agent) {
        let parts: Vec<Part> = (0..sealed.bytes.len()).map(|at| part_of(&sealed.bytes, at)).collect();
        for bit in 0..sealed.bytes.len() * 8 {
            let mut bytes = sealed.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let part = parts[bit / 8];
            // By itself: the record is not accepted, and the reason names what it came to.
            let reason = match parse(&bytes) {
                Err(ParseError::Envelope(_) | ParseError::Unprotected) => "envelope",
                Err(ParseError::Header(_) | ParseError::Algorithm(_) | ParseError::ContentType { .. }) => "header",
                Err(ParseError::Body(_)) => "payload",
                Err(ParseError::SignatureLength { .. }) => "signature length",
                Err(error) => panic!("bit {bit} of record {}: {error}", sealed.seq),
                Ok(record) => match verify_signature(&record, &registry) {
                    Ok(_) => panic!("bit {bit} of record {} ({part:?}) passes", sealed.seq),
                    Err(SignatureError::BadSignature(_)) => "bad signature",
                    Err(_) => "not this key's place",
                },
            };
            assert_ne!(Hash::of(&bytes), sealed.hash);
            *counts.entry((part, reason)).or_default() += 1;
        }
    }
    println!("{counts:#?}");
    let reasons = |part| counts.keys().filter(|it| it.0 == part).map(|it| it.1).collect::<Vec<_>>();
    // A flip within the signature leaves everything else readable, so there is one reason only.
    assert_eq!(reasons(Part::Signature), ["bad signature"]);
    assert_eq!(reasons(Part::Payload), ["bad signature", "payload"]);
    assert_eq!(reasons(Part::Header), ["bad signature", "header", "not this key's place"]);
    assert!(!reasons(Part::Frame).contains(&"bad signature"));
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    let agent = gate();
    for sealed in every_kind(&agent) {
        for length in 0..sealed.bytes.len() {
            assert!(parse(&sealed.bytes[..length]).is_err(), "record {} cut to {length}", sealed.seq);
        }
        for extra in 0..=u8::MAX {
            assert!(parse(&[&sealed.bytes[..], &[extra]].concat()).is_err());
        }
    }
}

#[test]
fn a_flipped_bit_in_a_stream_costs_the_signature_and_leaves_a_gap() {
    let agent = gate();
    let registry = registry(RegistryClass::Production);
    let chain = every_kind(&agent);
    let at = chain[1].bytes.len() - 70;
    let mut flipped = chain[1].bytes.clone();
    flipped[at] ^= 0x10;
    let items = [&chain[0].bytes[..], &flipped, &chain[2].bytes];
    let found = verdicts(&registry, &items);
    assert!(matches!(found[..], [(Code::BadSignature | Code::Malformed, _), (Code::Gap, Some(1))]), "{found:?}");
}

#[test]
fn a_key_signs_within_its_range_only() {
    let agent = gate();
    let chain = every_kind(&agent);
    let mut registry = Registry::new(RegistryClass::Test);
    registry.add(RegisteredKey { from_seq: 1, to_seq: Some(2), ..agent.entry() }).unwrap();
    let check = |seq: usize| {
        let record = parse(&chain[seq].bytes).unwrap();
        verify_signature(&record, &registry).map(RegisteredKey::kid)
    };
    let kid = agent.key.kid();
    assert_eq!(check(0), Err(SignatureError::OutsideRange { kid, seq: 0 }));
    assert_eq!(check(1), Ok(kid));
    assert_eq!(check(2), Ok(kid));
    assert_eq!(check(3), Err(SignatureError::OutsideRange { kid, seq: 3 }));
}

#[test]
fn an_old_key_does_not_sign_after_its_successor() {
    // The first key signs to record 2, another one from record 3 on.
    let (agent, next) = (gate(), signer(0xc0));
    let bodies: Vec<_> = (0..3).map(|i| at(i, if i == 0 { genesis(&agent) } else { event_plain("tick") })).collect();
    let first = agent.seal_from(agent.head(), &bodies);
    let head = agent.head().after(&first[2]);
    let right = seal(&head, &agent.claims("self"), None, &at(3, event_plain("tick")), &next).unwrap();
    let wrong = seal(&head, &agent.claims("self"), None, &at(3, event_plain("tick")), &agent.key).unwrap();

    let mut registry = Registry::new(RegistryClass::Production);
    registry.add(RegisteredKey { to_seq: Some(2), ..agent.entry() }).unwrap();
    let successor = RegisteredKey { public: next.public_key(), from_seq: 3, statement: None, ..agent.entry() };
    registry.add(successor).unwrap();
    let run = |last: &Sealed| {
        let items: Vec<_> = first.iter().chain([last]).map(|it| &it.bytes[..]).collect();
        verdicts(&registry, &items)
    };
    assert_eq!(run(&right), []);
    assert_eq!(run(&wrong), [(Code::OutsideRange, Some(3))]);
}

#[test]
fn excerpts_are_verified_from_where_they_are_said_to_begin() {
    let agent = gate();
    let registry = registry(RegistryClass::Production);
    let chain = every_kind(&agent);
    let run = |mut verifier: Verifier<'_>, from: usize| {
        for sealed in &chain[from..] {
            verifier.push(&sealed.bytes);
        }
        let report = verifier.finish();
        report
            .findings
            .into_iter()
            .filter(|it| it.question != Question::Note)
            .map(|it| (it.code, it.seq))
            .collect::<Vec<_>>()
    };
    let head = agent.head().after(&chain[3]);
    assert_eq!(run(Verifier::new(&registry), 4), [(Code::Gap, Some(0))]);
    assert_eq!(run(Verifier::new(&registry).from_seq(4), 4), []);
    assert_eq!(run(Verifier::new(&registry).from_seq(4), 5), [(Code::Gap, Some(4))]);
    assert_eq!(run(Verifier::new(&registry).from_head(head), 4), []);
    assert_eq!(run(Verifier::new(&registry).from_head(head), 6), [(Code::Gap, Some(4))]);
    let other = ChainHead { prev: Hash([7; 32]), ..head };
    assert_eq!(run(Verifier::new(&registry).from_head(other), 4), [(Code::PrevMismatch, Some(4))]);
}

#[test]
fn nothing_is_answered_about_nothing() {
    let registry = registry(RegistryClass::Production);
    let report = Verifier::new(&registry).finish();
    for verdict in [&report.signature, &report.chain, &report.completeness, &report.time] {
        assert_eq!(*verdict, Verdict::NotChecked { why: "no records were given".to_owned() });
    }
    let mut verifier = Verifier::new(&registry);
    verifier.push(b"garbage");
    let report = verifier.finish();
    assert_eq!(report.signature, Verdict::Bad { count: 1 });
    assert_eq!(report.chain, Verdict::NotChecked { why: "no record has a valid signature".to_owned() });
    assert!(report.is_bad());
}

#[test]
fn a_flood_of_garbage_makes_a_bounded_report() {
    let registry = registry(RegistryClass::Production);
    let mut verifier = Verifier::new(&registry);
    for _ in 0..1500 {
        verifier.push(&[0xff]);
    }
    let report = verifier.finish();
    assert_eq!(report.signature, Verdict::Bad { count: 1500 });
    assert_eq!((report.findings.len(), report.findings_left_out), (1000, 500));
}

#[test]
fn the_report_is_json_with_stable_words() {
    let agent = gate();
    let registry = registry(RegistryClass::Production);
    let chain = every_kind(&agent);
    let mut verifier = Verifier::new(&registry);
    verifier.push(&chain[0].bytes);
    verifier.push(&chain[2].bytes);
    let report = serde_json::to_value(verifier.finish()).unwrap();
    assert_eq!(report["signature"], serde_json::json!({ "answer": "ok" }));
    assert_eq!(report["completeness"], serde_json::json!({ "answer": "bad", "count": 1 }));
    assert_eq!(report["simulated"], serde_json::json!(false));
    let finding = report["findings"].as_array().unwrap().iter().find(|it| it["code"] == "gap").unwrap();
    assert_eq!(finding["question"], "completeness");
    assert_eq!(finding["seq"], 1);
    assert_eq!(finding["what"], "records 1 to 1 are missing");
    assert_eq!(report["chains"][0]["head"], chain[2].hash.to_string());
}

/// A key that is away, or gives signatures of a wrong length.
struct BrokenKey {
    gives: Option<usize>,
}

impl Signer for BrokenKey {
    fn kid(&self) -> Kid {
        Kid([0; 8])
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        let away = SignError::Unavailable { kid: self.kid(), why: "token removed".to_owned() };
        self.gives.map(|length| vec![0; length]).ok_or(away)
    }
}

#[test]
fn what_cannot_be_sealed_is_said() {
    let agent = gate();
    let sealing = |claims: &Claims, body: &Body| seal(&agent.head(), claims, None, body, &agent.key);
    let claims = agent.claims("self");
    let large = at(0, event_plain(&"x".repeat(MAX_RECORD_BYTES)));
    let error = sealing(&claims, &large).unwrap_err();
    assert!(matches!(error, SealError::TooLarge { bytes } if bytes > MAX_RECORD_BYTES), "{error}");
    let unknown = at(0, Detail::Unknown { kind: 99, cbor: vec![0xa0] });
    assert!(matches!(sealing(&claims, &unknown), Err(SealError::UnknownContent(99))));
    let nameless = Claims { agent: String::new(), ..claims.clone() };
    assert!(matches!(sealing(&nameless, &large), Err(SealError::EmptyClaim("agent"))));
    let full = ChainHead { next_seq: i64::MAX as u64, ..agent.head() };
    let end = at(0, Detail::Shutdown);
    assert!(matches!(seal(&full, &claims, None, &end, &agent.key), Err(SealError::ChainFull(_))));

    let error = seal(&agent.head(), &claims, None, &end, &BrokenKey { gives: None }).unwrap_err().to_string();
    assert_eq!(error, "record not signed: the key 0000000000000000 cannot be used: token removed");

    assert!(matches!(
        seal(&agent.head(), &claims, None, &end, &BrokenKey { gives: Some(63) }),
        Err(SealError::Unreadable(_))
    ));
}

#[test]
fn receipts_and_statements_read_back_and_are_not_taken_for_each_other() {
    let agent = gate();
    let registry = registry(RegistryClass::Production);
    let chain = every_kind(&agent);
    let issued = receipt(&agent, &chain[2]);
    let bytes = issue(&issued, &centre()).unwrap();
    assert_eq!(open_receipt(&bytes, &registry), Ok(issued.clone()));
    let plain = Receipt { log: None, received_at_ms: -1, ..issued };
    assert_eq!(open_receipt(&issue(&plain, &centre()).unwrap(), &registry), Ok(plain));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open_receipt(&flipped, &registry).is_err(), "bit {bit}");
    }

    let statement = Statement::open(&agent.statement).unwrap();
    assert_eq!((statement.agent.as_str(), statement.chain), ("gate-1", agent.chain));
    assert_eq!(statement.public, agent.key.public_key());
    for bit in 0..agent.statement.len() * 8 {
        let mut flipped = agent.statement.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Statement::open(&flipped).is_err(), "bit {bit}");
    }
    // Somebody else's key presented as one's own.
    let stolen = Statement { public: lab().key.public_key(), ..statement };
    assert!(Statement::open(&stolen.issue(&agent.key).unwrap()).is_err());

    assert_eq!(ContentType::of(&chain[0].bytes), Some(ContentType::Record));
    assert_eq!(ContentType::of(&bytes), Some(ContentType::Receipt));
    assert_eq!(ContentType::of(&agent.statement), Some(ContentType::Statement));
    assert!(parse(&bytes).is_err());
    assert!(open_receipt(&chain[0].bytes, &registry).is_err());
    assert!(open_receipt(&agent.statement, &registry).is_err());
    assert!(Statement::open(&bytes).is_err());
}

#[test]
fn another_cose_library_reads_and_verifies_our_records() {
    let agent = gate();
    let public = agent.key.public_key();
    for sealed in every_kind(&agent) {
        let sign1 = coset::CoseSign1::from_tagged_slice(&sealed.bytes).unwrap();
        sign1
            .verify_signature(
                b"",
                |signature, signed| {
                    if public.verifies(signed, signature) { Ok(()) } else { Err("signature") }
                },
            )
            .unwrap();
        let header = &sign1.protected.header;
        // Younger than the library's own registry of algorithms, so it shows up as a bare number.
        let alg = header.alg.clone().unwrap().to_cbor_value().unwrap();
        assert_eq!(alg, coset::cbor::value::Value::from(-19));
        assert_eq!(header.key_id, agent.key.kid().0);
        let labels: Vec<_> = header.rest.iter().map(|(label, _)| label.clone()).collect();
        assert_eq!(labels, [15, 16, -70001].map(coset::Label::Int));
        assert!(sign1.unprotected.is_empty());
        assert_eq!(sign1.to_tagged_vec().unwrap(), sealed.bytes);
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z-]{0,12}", "\\PC{0,8}"]
}

fn any_decimal() -> impl Strategy<Value = tidewaiter_drivers::Decimal> {
    (any::<i64>(), 0_u8..=18).prop_map(|(digits, places)| tidewaiter_drivers::Decimal::new(digits, places).unwrap())
}

fn any_outcome() -> impl Strategy<Value = tidewaiter_drivers::reading::Outcome> {
    use tidewaiter_drivers::{Unit, reading::*};
    let quality = prop::sample::select(vec![
        Quality::Good,
        Quality::Uncertain(Doubt::Stale),
        Quality::Bad(Flaw::IdentityMismatch),
    ]);
    let value = (any_decimal(), prop::sample::select(Unit::ALL), quality)
        .prop_map(|(value, unit, quality)| Ok(Indication { value, unit, quality }));
    let missing = prop_oneof![
        Just(Missing::TimedOut),
        any::<u8>().prop_map(Missing::Exception),
        any::<u16>().prop_map(Missing::InstrumentFault),
    ];
    prop_oneof![value, missing.prop_map(Err)]
}

fn any_time() -> impl Strategy<Value = TimeBlock> {
    let quality = prop::sample::select(TimeQuality::ALL);
    let src = prop::sample::select(TimeSource::ALL);
    (any::<i64>(), any::<u64>(), any::<u64>(), quality, any::<u64>(), src, any::<u64>()).prop_map(
        |(wall_ms, mono_ms, boot, quality, err_ms, src, age_s)| TimeBlock {
            wall_ms,
            mono_ms,
            boot,
            quality,
            err_ms,
            src,
            age_s,
        },
    )
}

fn any_inspection() -> impl Strategy<Value = Detail> {
    let measured = (any_text(), any_outcome(), prop::option::of(any_decimal()), prop::option::of(any::<u16>()));
    let readings = (any_text(), any_outcome(), prop::collection::vec(any::<u8>(), 0..40), any::<u64>(), any::<i64>());
    let declared = prop::option::of(prop::collection::btree_map(any_text(), any_text(), 0..5));
    (
        prop::collection::vec(measured, 0..4),
        prop::collection::vec(readings, 0..4),
        declared,
        any_text(),
        any::<(bool, bool, Option<u8>)>(),
    )
        .prop_map(|(measured, readings, declared, text, (simulated, drill, confidence))| {
            let Detail::Inspection(mut it) = inspection() else { unreachable!() };
            it.flags = Flags { simulated, drill };
            it.measured = measured
                .into_iter()
                .map(|(parameter, outcome, background, stage)| Measured {
                    parameter,
                    outcome,
                    background,
                    stage,
                    ..it.measured[0].clone()
                })
                .collect();
            it.readings = readings
                .into_iter()
                .map(|(channel, outcome, raw, mono_ms, wall_ms)| Reading {
                    instrument: text.clone(),
                    channel,
                    at: tidewaiter_drivers::reading::Moment { mono_ms, wall_ms },
                    outcome,
                    raw,
                })
                .collect();
            it.subject.declared = declared;
            it.subject.identities[0].confidence = confidence;
            it.reason = simulated.then(|| text.clone());
            Detail::Inspection(it)
        })
}

proptest! {
    #[test]
    fn what_is_sealed_reads_back_equal(
        detail in any_inspection(),
        time in any_time(),
        seq in 0..i64::MAX.cast_unsigned(),
        anchor in prop::option::of((any::<u64>(), any::<[u8; 32]>())),
        subject in "[a-z0-9-]{1,20}",
    ) {
        let agent = gate();
        let body = Body { time, detail };
        prop_assert_eq!(Body::decode(&body.encode()), Ok(body.clone()));
        let head = ChainHead { next_seq: seq, ..agent.head() };
        let anchor = anchor.map(|(number, hash)| Anchor { number, hash: Hash(hash) });
        let sealed = seal(&head, &agent.claims(&subject), anchor, &body, &agent.key).unwrap();
        let record = parse(&sealed.bytes).unwrap();
        prop_assert_eq!(&record.body, &body);
        prop_assert_eq!(record.hash(), sealed.hash);
        let header = record.header.clone();
        prop_assert_eq!((header.chain, header.seq, header.prev, header.anchor), (head.chain, seq, head.prev, anchor));
        prop_assert_eq!((header.agent.as_str(), header.subject), ("gate-1", subject));
        prop_assert!(verify_signature(&record, &registry(RegistryClass::Test)).is_ok());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let registry = registry(RegistryClass::Test);
        prop_assert!(parse(&bytes).is_err());
        prop_assert!(open_receipt(&bytes, &registry).is_err());
        prop_assert!(Statement::open(&bytes).is_err());
        let mut verifier = Verifier::new(&registry);
        verifier.push(&bytes);
        prop_assert!(verifier.finish().is_bad());
    }

    #[test]
    fn damaged_records_never_panic_and_never_pass(
        which in 0_usize..11,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let good = every_kind(&gate()).swap_remove(which).bytes;
        let mut bytes = good.clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let accepted = parse(&bytes).is_ok_and(|it| verify_signature(&it, &registry(RegistryClass::Test)).is_ok());
        prop_assert_eq!(accepted, bytes == good);
    }

    #[test]
    fn a_body_that_decodes_encodes_to_the_same_bytes(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = at(3, inspection()).encode();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(body) = Body::decode(&bytes) {
            prop_assert_eq!(body.encode(), bytes);
        }
    }
}
