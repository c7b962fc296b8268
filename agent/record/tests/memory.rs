//! How much memory reading sets aside: for what is legal, and for what is built to make it set aside more.
//!
//! One test, so that no other thread allocates beside the measurement.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::wildcard_imports)]

mod bombs;
mod fixture;

use std::{fs, path::Path, time::Instant};

use bombs::{Bomb, bombs};
use fixture::*;
use peak_alloc::PeakAlloc;
use tidewaiter_record::*;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Beside four times the input, what reading anything may take.
const ROOM: usize = 64 * 1024;

/// What refusing a bomb may take, whatever its size: the text that says why, and the strings of a header.
const SMALL: usize = 4 * 1024;

/// Runs `read` and says how far beyond what was there before memory rose.
fn peak<T>(read: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let read = read();
    (read, MEMORY.peak_usage() - before)
}

/// Gives the bytes to everything that reads bytes of others; the largest peak.
fn read_all(bytes: &[u8], registry: &Registry) -> usize {
    let peaks = [
        peak(|| parse(bytes).is_ok()).1,
        peak(|| open_receipt(bytes, registry).is_ok()).1,
        peak(|| Statement::open(bytes).is_ok()).1,
        peak(|| open_head(bytes, registry).is_ok()).1,
        peak(|| open_resend(bytes, registry).is_ok()).1,
        peak(|| Body::decode(bytes).is_ok()).1,
        peak(|| split_sequence(bytes).count()).1,
    ];
    peaks.into_iter().max().unwrap()
}

fn hex_files(below: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for path in fs::read_dir(below).unwrap().map(|it| it.unwrap().path()) {
        if path.is_dir() {
            found.extend(hex_files(&path));
        } else if path.extension().is_some_and(|it| it == "hex") {
            let text = fs::read_to_string(&path).unwrap();
            if text.contains('#') {
                let rows = text.lines().map(|it| it.split('#').next().unwrap().split("=>").next().unwrap().trim());
                found.extend(rows.filter(|it| !it.is_empty()).map(|it| hex::decode(it.replace(' ', "")).unwrap()));
            } else if let Ok(bytes) = hex::decode(text.split_whitespace().collect::<String>()) {
                found.push(bytes);
            }
        }
    }
    found
}

fn opens(kind: ContentType, bytes: &[u8], registry: &Registry) -> bool {
    match kind {
        ContentType::Record => parse(bytes).is_ok(),
        ContentType::Receipt => open_receipt(bytes, registry).is_ok(),
        ContentType::Statement => Statement::open(bytes).is_ok(),
        ContentType::Head => open_head(bytes, registry).is_ok(),
        ContentType::Resend => open_resend(bytes, registry).is_ok(),
        ContentType::Reset => open_reset(&[bytes, bytes], registry).is_ok(),
        ContentType::Renewal => open_renewal(bytes, registry).is_ok(),
    }
}

/// Random records of the shapes that agents seal, up to the largest.
fn legal(seed: u64) -> Vec<u8> {
    // A generator of congruences: the rows have to differ, nothing more.
    let mut state = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let agent = gate();
    let detail = match below(6) {
        0 => {
            let Detail::Inspection(mut it) = inspection() else { unreachable!() };
            let (readings, findings) = (below(40), below(30));
            it.readings = it.readings.iter().cycle().take(usize::try_from(readings).unwrap()).cloned().collect();
            it.findings = it.findings.iter().cycle().take(usize::try_from(findings).unwrap()).cloned().collect();
            Detail::Inspection(it)
        }
        1 => {
            let Detail::Inspection(mut it) = judged_inspection() else { unreachable!() };
            let measured = usize::try_from(below(60)).unwrap();
            it.measured = it.measured.iter().cycle().take(measured).cloned().collect();
            Detail::Inspection(it)
        }
        2 => {
            let facts = (0..below(400)).map(|i| (format!("fact-{i}"), "x".repeat(usize::try_from(i % 37).unwrap())));
            Detail::Event(Event { name: "many".to_owned(), subject: None, facts: facts.collect() })
        }
        3 => interval(),
        4 => follow_up(),
        _ => warning(),
    };
    let body = at(below(1000), detail);
    seal(&agent.head(), &agent.claims("self"), None, &body, &agent.key).map_or_else(|_| Vec::new(), |it| it.bytes)
}

/// The legal records with the most parts per byte: lists and maps of the shortest items there are.
fn densest() -> Vec<(&'static str, Vec<u8>)> {
    let agent = gate();
    let short = |n: u32| char::from_u32(0x100 + n).unwrap().to_string();
    let Detail::Inspection(blank) = inspection_interrupted(Flags::default()) else { unreachable!() };
    let Detail::Inspection(judged) = judged_inspection() else { unreachable!() };
    let mut rows: Vec<(&'static str, Detail)> = Vec::new();
    let mut hazards = judged.clone();
    hazards.findings.truncate(1);
    hazards.findings[0].hazards = vec![String::new(); 30_000];
    rows.push(("texts of nothing", Detail::Inspection(hazards)));
    let mut faults = blank.clone();
    faults.faults = vec![Fault { instrument: String::new(), kind: String::new() }; 6_000];
    rows.push(("faults without names", Detail::Inspection(faults)));
    let facts = (0..5_000).map(|n| (short(n), String::new())).collect();
    rows.push(("facts without texts", Detail::Event(Event { name: String::new(), subject: None, facts })));
    rows.into_iter()
        .map(|(name, detail)| {
            let sealed = seal(&agent.head(), &agent.claims("self"), None, &at(0, detail), &agent.key).unwrap();
            (name, sealed.bytes)
        })
        .collect()
}

#[test]
fn memory_follows_the_input_and_bombs_do_not_go_off() {
    let registry = registry(RegistryClass::Test);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));

    // What is legal, and what was once found by chance.
    let mut inputs = hex_files(&root.join("vectors"));
    let vectors = inputs.len();
    inputs.extend(hex_files(&root.join("../../tests/fuzz/corpus")));
    let corpus = inputs.len() - vectors;
    inputs.extend((0..2_000).map(legal));
    let mut tightest = 0;
    for bytes in &inputs {
        let taken = read_all(bytes, &registry);
        assert!(taken <= 4 * bytes.len() + ROOM, "{taken} bytes for an input of {}", bytes.len());
        let ((), stream) = peak(|| {
            let mut verifier = Verifier::new(&registry);
            for item in split_sequence(bytes).filter_map(Result::ok) {
                verifier.push(item);
            }
            verifier.finish();
        });
        assert!(stream <= 8 * bytes.len() + ROOM, "{stream} bytes for a stream of {}", bytes.len());
        tightest = tightest.max(taken * 100 / (4 * bytes.len() + ROOM));
    }
    println!(
        "{vectors} vectors, {corpus} of the fuzz corpus, 2000 random records: at most {tightest} % of 4 × input + 64 KiB"
    );

    for (name, bytes) in densest() {
        let taken = read_all(&bytes, &registry);
        println!("densest legal record, {name}: {} bytes, {taken} to read ({} ×)", bytes.len(), taken / bytes.len());
        assert!(taken <= 4 * bytes.len() + ROOM, "{name}: {taken}");
    }

    // What stands around a bomb is good by itself.
    let plain = parse(&bombs::honest(ContentType::Record)).unwrap();
    assert_eq!(plain.body.detail.word(), "event");

    let (mut count, mut largest, mut longest) = (0, 0, 0);
    for Bomb { name, kind, bytes } in bombs() {
        let begun = Instant::now();
        let (opened, taken) = peak(|| opens(kind, &bytes, &registry));
        let took = begun.elapsed().as_micros();
        assert!(!opened, "{name} ({kind:?}) is taken for good");
        assert!(taken <= SMALL, "{name} ({kind:?}): {taken} bytes for an input of {}", bytes.len());
        let everywhere = read_all(&bytes, &registry);
        assert!(everywhere <= SMALL, "{name} ({kind:?}): {everywhere} bytes for an input of {}", bytes.len());
        let (count_of, buffered) = peak(|| {
            let mut buffer = SequenceBuffer::new();
            buffer.feed(&bytes);
            std::iter::from_fn(|| buffer.next_item().ok().flatten().map(<[u8]>::len)).count()
        });
        assert!(count_of <= 1 && buffered <= bytes.len() + SMALL, "{name}: {buffered} bytes buffered");
        (count, largest, longest) = (count + 1, largest.max(taken.max(everywhere)), longest.max(took));
    }
    println!("{count} bombs, each refused, at most {largest} bytes set aside, {longest} µs for the slowest");
    assert!(count >= 200, "only {count} bombs");
}
