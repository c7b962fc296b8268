//! Signed orders: attacks on tables, replays of commands, bombs, frozen bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod bombs;
mod cases;
mod files;
mod people;
mod replay;

use std::{fs, path::Path};

use cases::{Agent, KINDS, all, documents};
use tidewaiter_record::mandate::{Authority, Signed};

#[test]
fn t18_attacks_on_limit_tables() {
    let cases = all();
    let total = cases.len();
    let mut names: Vec<_> = cases.iter().map(|it| it.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), total, "each case has its own name");
    let mut held = 0;
    for case in &cases {
        let mut agent = Agent::new();
        for (at, step) in case.steps.iter().enumerate() {
            let (found, want) = agent.step(step);
            assert_eq!(found, want, "{} ({}), step {at}", case.name, case.about);
        }
        assert_eq!(agent.ends(), case.ends, "{} ({})", case.name, case.about);
        held += 1;
    }
    println!("T18: {held} of {total}");
    assert!(held >= 30);
}

#[test]
fn the_vectors_are_those_of_the_repository() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/mandate1");
    for (name, text) in files::files() {
        let there = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(there == text, "{name}: frozen bytes differ from what is written now");
    }
    for ((name, bytes), kind) in documents().iter().zip(KINDS) {
        assert_eq!(Signed::open(bytes).unwrap().kind(), kind, "{name}");
    }
}

#[test]
fn a_kept_state_that_is_damaged_is_refused_and_a_swapped_anchor_too() {
    let mut agent = Agent::new();
    for step in &all()[2].steps {
        agent.step(step);
    }
    let kept = agent.authority.save();
    let anchor = people::anchor();
    for cut in [0, 1, kept.len() / 2, kept.len() - 1] {
        assert!(Authority::load(people::AGENT, &anchor, &kept[..cut]).is_err(), "cut at {cut}");
    }
    // Another root of the same version in the file: somebody has exchanged it.
    let other = people::signed_root(&people::root_of(1, &[4, 5, 6], &[14, 15], &[24]), &[4, 5]);
    assert_eq!(Authority::load(people::AGENT, &other, &kept).unwrap_err().cause(), "conflict");
    // A newer one that its own people signed: put there on purpose, floors stay.
    let newer = people::signed_root(&people::root(3), &[1, 2]);
    let loaded = Authority::load(people::AGENT, &newer, &kept).unwrap();
    assert_eq!((loaded.root_version(), loaded.floors()), (3, agent.authority.floors()));
    // What nobody signed is no anchor.
    let alone = people::signed_root(&people::root(1), &[1]);
    assert_eq!(Authority::anchored(people::AGENT, &alone).unwrap_err().cause(), "threshold");
}
