//! What records prove to somebody who trusts neither the agent nor our verifier: forgeries get the finding they must
//! get, clean records get none, and a second verifier says the same.

#[path = "../../agent/record/tests/fixture/mod.rs"]
mod fixture;

mod clean;
mod forgeries;
mod second;
mod world;

use std::collections::BTreeSet;

use tidewaiter_tests::process::{pass, tell};

use forgeries::Forgery;
use world::{World, against, report};

fn wrong(forgery: &Forgery) -> Option<String> {
    let found = against(&report(&forgery.registry, &forgery.stream, &forgery.evidence));
    let mut expected: Vec<_> = forgery.expected.iter().map(|it| (it.0.to_owned(), it.1)).collect();
    expected.sort();
    let Forgery { name, about, .. } = forgery;
    (found != expected).then(|| format!("{name} ({about}): found {found:?}, expected {expected:?}"))
}

#[test]
fn every_forgery_gets_its_finding() {
    let world = World::new();
    let all = forgeries::all(&world);
    let wrong: Vec<_> = all.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let names: BTreeSet<_> = all.iter().map(|it| &it.name).collect();
    assert_eq!(names.len(), all.len(), "two forgeries have one name");
    let forged = all.iter().filter(|it| !it.expected.is_empty()).count();
    assert!(forged >= 60, "only {forged} forgeries");
    tell(&format!("T16: {forged} of {forged} forgeries, {} that only look like one", all.len() - forged));
}

#[test]
fn clean_records_raise_no_alarm() {
    pass(clean::no_alarms());
}

#[test]
fn second_verifier_names_every_forgery_alike() {
    pass(second::forgeries());
}

#[test]
fn second_verifier_agrees_on_the_vectors() {
    pass(second::vectors());
}

#[test]
fn second_verifier_agrees_on_clean_records() {
    pass(second::clean());
}
