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

#[test]
fn command_line_looks_for_evidence() {
    use std::fs;
    use tidewaiter_record::Hash;
    use tidewaiter_tests::process::run_own;

    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("registry.json"), world::production().to_json()).unwrap();
    fs::write(at("records"), world.receipted(&world.and(&[]))).unwrap();
    fs::create_dir(at("evidence")).unwrap();
    let (registry, records, evidence) = (at("registry.json"), at("records"), at("evidence"));
    let run = |more: &[&str]| {
        let plain = ["verify", "--registry", &registry, &records];
        run_own("tidewaiter", plain.iter().chain(more).map(|it| (*it).to_owned())).unwrap()
    };
    let said = |more: &[&str], code: i32, wanted: &[&str]| {
        let ended = run(more);
        assert_eq!(ended.code, code, "{more:?}: {}{}", ended.stdout, ended.stderr);
        for text in wanted {
            assert!(ended.stdout.contains(text), "{more:?}: no {text} in\n{}", ended.stdout);
        }
        // Nobody looks on, so nothing is drawn for anybody.
        assert_eq!(ended.stderr, "", "{more:?}");
    };
    let folder = ["--evidence", &*evidence];
    // Not looked for, which is worth a note; not there; another content; there.
    said(&["--json"], 0, &["\"evidence-not-given\"", "\"evidence_named\":1"]);
    said(&folder, 1, &["#5 "]);
    let content = fixture::life::spectrum();
    let name = dir.path().join("evidence").join(Hash::of(&content).to_string());
    fs::write(&name, vec![0; content.len()]).unwrap();
    said(&[&folder[..], &["--json"]].concat(), 1, &["\"evidence-missing\""]);
    fs::write(&name, &content).unwrap();
    said(&folder, 0, &[]);
    said(&[&folder[..], &["--json"]].concat(), 0, &["\"findings\":[]"]);
    let nowhere = at("nowhere");
    assert_eq!(run(&["--evidence", &nowhere]).code, 2);
}
