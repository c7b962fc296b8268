//! How fast a stream is verified, beside what its signatures alone cost.
//!
//! `cargo bench -p tidewaiter-record --bench verify` seals a chain of 100 000 records, mostly intervals with an inspection
//! among ten of them, and verifies it. In turns with it, the same signatures over the same bytes are checked by
//! `ed25519-dalek` alone. The ratio of the two is the figure: it says how much everything else costs, parsing, hashing,
//! chain, clocks; goal 0.8 or more. `RECORDS=` sets another length.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, VerifyingKey};
use fixture::{at, event, gate, genesis, inspection, interval, registry};
use tidewaiter_record::{RegistryClass, Verdict, Verifier, cbor::Writer, parse, seal};

/// Turns that the two take; a neighbour on the machine then slows both.
const TURNS: usize = 20;

/// What a signature of `COSE_Sign1` covers.
fn signed(item: &[u8]) -> (Vec<u8>, Signature) {
    let sign1 = <coset::CoseSign1 as coset::TaggedCborSerializable>::from_tagged_slice(item).unwrap();
    let mut w = Writer::new();
    w.array(4);
    w.text("Signature1");
    w.bytes(&sign1.protected.original_data.unwrap());
    w.bytes(&[]);
    w.bytes(&sign1.payload.unwrap());
    (w.finish(), Signature::from_slice(&sign1.signature).unwrap())
}

fn main() {
    let records: usize = std::env::var("RECORDS").ok().and_then(|it| it.parse().ok()).unwrap_or(100_000);
    let agent = gate();
    let registry = registry(RegistryClass::Test);
    let mut head = agent.head();
    let mut chain = Vec::with_capacity(records);
    for step in 0..records {
        let detail = match step % 10 {
            _ if step == 0 => genesis(&agent),
            4 => inspection(),
            9 => event(),
            _ => interval(),
        };
        let sealed =
            seal(&head, &agent.claims("lane-1"), None, &at(u64::try_from(step).unwrap(), detail), &agent.key).unwrap();
        head = head.after(&sealed);
        chain.push(sealed.bytes);
    }
    let alone: Vec<_> = chain.iter().map(|it| signed(it)).collect();
    let key = VerifyingKey::from_bytes(agent.key.public_key().to_bytes().as_slice().try_into().unwrap()).unwrap();
    let bytes: usize = chain.iter().map(Vec::len).sum();

    let mut verifier = Verifier::new(&registry);
    let (mut ours, mut theirs, mut parsing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let turn = records.div_ceil(TURNS);
    for (items, alone) in chain.chunks(turn).zip(alone.chunks(turn)) {
        let begun = Instant::now();
        for item in items {
            assert!(verifier.push(item).is_some());
        }
        ours += begun.elapsed();
        let begun = Instant::now();
        for (message, signature) in alone {
            key.verify_strict(message, signature).unwrap();
        }
        theirs += begun.elapsed();
        let begun = Instant::now();
        for item in items {
            std::hint::black_box(parse(item).unwrap());
        }
        parsing += begun.elapsed();
    }
    let report = verifier.finish();
    assert_eq!(report.accepted, records as u64);
    assert_eq!((&report.signature, &report.chain), (&Verdict::Ok, &Verdict::Ok));
    let rate = |took: Duration| records as f64 / took.as_secs_f64();
    println!("{records} records of {} bytes on average", bytes / records);
    println!("verified in full       {:>9.0} records/s", rate(ours));
    println!("signatures alone       {:>9.0} records/s (ed25519-dalek, verify_strict)", rate(theirs));
    println!("parsed only            {:>9.0} records/s", rate(parsing));
    println!("ratio                  {:>9.2}", theirs.as_secs_f64() / ours.as_secs_f64());
}
