//! The frozen bytes of version 1.
//!
//! **If a test here fails, the change under test is wrong, not the vectors.** Records with these bytes exist
//! outside; what reads them has to go on reading them, and what seals has to go on sealing so. New vectors
//! may be added, written by the example `vectors`; none may change or go.
//!
//! The second verifier, in `tests/interop`, reads the same files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use std::{collections::BTreeMap, fs, path::Path};

use fixture::{
    cases::{Case, all},
    files::{answers, files},
};
use tidewaiter_record::{
    Verdict,
    verify::{Code, Question},
};

fn check(case: &Case) {
    let report = answers(case);
    let name = case.name;

    let mut found: Vec<_> =
        report.findings.iter().filter(|it| it.question != Question::Note).map(|it| (it.code.word(), it.seq)).collect();
    let mut expected = case.bad.clone();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{name}: {}\n{report:#?}", case.about);

    let count = |question| {
        let codes = Code::ALL.iter().filter(|it| it.question() == question);
        let words: Vec<_> = codes.map(|it| it.word()).collect();
        expected.iter().filter(|(word, _)| words.contains(word)).count() as u64
    };
    let answer = |question, verdict: &Verdict| match count(question) {
        0 => assert!(!matches!(verdict, Verdict::Bad { .. }), "{name}: {question:?} is {verdict:?}"),
        count => assert_eq!(*verdict, Verdict::Bad { count }, "{name}: {question:?}"),
    };
    answer(Question::Signature, &report.signature);
    answer(Question::Chain, &report.chain);
    answer(Question::Completeness, &report.completeness);
    answer(Question::Time, &report.time);
    if count(Question::Time) == 0 && report.accepted > 0 {
        assert_eq!(report.time == Verdict::Ok, case.time_known, "{name}: {:?}", report.time);
    }
    assert_eq!(report.simulated, case.simulated, "{name}");
    assert_eq!(report.is_bad(), !case.bad.is_empty(), "{name}");
}

#[test]
fn every_case_gets_its_answers() {
    let cases = all();
    for case in &cases {
        check(case);
    }
    println!("{} cases", cases.len());
    assert!(cases.len() >= 90, "the corpus only grows: {}", cases.len());
}

#[test]
fn every_code_that_speaks_against_records_has_a_case() {
    let met: std::collections::BTreeSet<_> = all().iter().flat_map(|it| it.bad.clone()).map(|it| it.0).collect();
    // Chains that replace each other need another registry, evidence a place where it is kept.
    let elsewhere = [Code::ResetUnproven, Code::EvidenceMissing];
    for code in Code::ALL.iter().filter(|it| it.question() != Question::Note && !elsewhere.contains(it)) {
        assert!(met.contains(code.word()), "no case for {}", code.word());
    }
}

#[test]
fn vectors_on_disk_are_the_bytes_sealed_now() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1");
    let mut on_disk = BTreeMap::new();
    for part in [folder.clone(), folder.join("cases")] {
        for entry in fs::read_dir(&part).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && path.extension().is_some_and(|it| it != "md") {
                let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                on_disk.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let made = files();
    assert!(on_disk.keys().eq(made.keys()), "files come or go: {:?} {:?}", on_disk.keys(), made.keys());
    for (name, text) in made {
        assert!(on_disk[&name] == text, "vectors/v1/{name} is frozen: the change under test is wrong");
    }
}
