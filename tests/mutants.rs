//! Single-line defects of configurations: each is refused with the last good one in force, or is sound for `check` too.
//! Nothing panics, nothing half-read is in force.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tidewaiter_agent::reload::{Candidate, Change, Outcome, Request};
use tidewaiter_collector::keys as centre_keys;
use tidewaiter_config::{Files, site::load_site};
use tidewaiter_record::RegistryClass;
use tidewaiter_tests::world::{Setting, World};

/// The defects of one line that a hand or a disk makes. Those that leave it as it was are left out.
fn defects(line: &str) -> Vec<(&'static str, String)> {
    let half = (line.len() / 2..line.len()).find(|it| line.is_char_boundary(*it)).unwrap_or(line.len());
    let key = line.split_once('=').map(|(key, _)| key);
    let swapped = {
        let mut bytes: Vec<char> = line.chars().collect();
        let pair = (1..bytes.len())
            .find(|it| bytes[*it].is_ascii_digit() && bytes[it - 1].is_ascii_digit() && bytes[*it] != bytes[it - 1]);
        if let Some(at) = pair {
            bytes.swap(at - 1, at);
        }
        bytes.into_iter().collect::<String>()
    };
    let all = [
        ("dropped", String::new()),
        ("twice", format!("{line}\n{line}")),
        ("cut", line[..half].to_owned()),
        ("digits swapped", swapped),
        ("wrong type", key.map_or_else(|| line.to_owned(), |key| format!("{key}= [true]"))),
        (
            "unknown key",
            key.map_or_else(|| line.to_owned(), |key| format!("{}x{}", key.trim_end(), &line[key.len()..])),
        ),
        ("empty value", key.map_or_else(|| line.to_owned(), |key| format!("{key}= \"\""))),
        ("stray bracket", format!("{line}]")),
    ];
    all.into_iter().filter(|(_, it)| it != line).collect()
}

/// Every defect of every line that says something.
fn mutants(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut mutants = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        for (name, instead) in defects(line) {
            let mut changed: Vec<&str> = lines.clone();
            changed[number] = &instead;
            mutants.push((format!("line {} {name}: {line}", number + 1), changed.join("\n") + "\n"));
        }
    }
    mutants
}

/// A site file with everything it names beside it.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        centre_keys::init(&dir.path().join("centre"), "centre", RegistryClass::Test).unwrap();
        for folder in ["limits", "profiles", "data"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes what a site names and the bench has not: the registry under its name, declarations, plan.
    fn furnish(&self, text: &str) {
        let named = |key: &str| {
            let lines = text.lines().filter(move |it| it.trim_start().starts_with(key));
            lines.filter_map(|it| it.split('"').nth(1)).map(|it| self.dir.path().join(it)).collect::<Vec<_>>()
        };
        for path in named("registry = ") {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(self.path("centre/registry.json"), path).unwrap();
        }
        for path in named("file = ").into_iter().filter(|it| it.extension().is_some_and(|it| it == "csv")) {
            fs::write(path, "subject,goods\n粤B00001,yarn\n").unwrap();
        }
    }
}

/// Compares what a reload would make of the file at `site` with what `check` makes of it; says whether it was taken.
fn same_as_check(site: &Path, good: &Candidate, what: &str) -> bool {
    let checked = load_site(site);
    match Candidate::read_whole(site, &Files::disk()) {
        Ok(candidate) => {
            let (checked, _) = checked.unwrap_or_else(|report| panic!("{what}: check refuses it:\n{report}"));
            assert_eq!(checked.digest, candidate.site.digest, "{what}");
            // Comparing with what is in force must do for whatever is sound.
            let change = Change::between(&good.site, &candidate.site);
            assert!(!change.is_empty() || good.site.digest == candidate.site.digest, "{what}: no change");
            true
        }
        Err(faulty) => {
            let errors = faulty.report.findings().iter().filter(|it| it.severity == tidewaiter_config::Severity::Error);
            let told: Vec<_> = errors.collect();
            assert!(!told.is_empty(), "{what}: refused without a fault");
            assert!(told.iter().all(|it| !it.what.is_empty() && !it.way_out.is_empty()), "{what}: {told:?}");
            false
        }
    }
}

#[test]
fn every_single_line_defect_of_the_example_sites_is_refused_or_sound_for_check_too() {
    let sites = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/sites");
    let (mut all, mut taken, mut files) = (0, 0, 0);
    for name in ["lane", "textile-lab", "tyre-lab", "radiation-lab", "materials-lab"] {
        let bench = Bench::new();
        let text = fs::read_to_string(sites.join(format!("{name}.toml"))).unwrap();
        bench.furnish(&text);
        let site = bench.path("site.toml");
        fs::write(&site, &text).unwrap();
        let good = Candidate::read_whole(&site, &Files::disk()).unwrap_or_else(|it| panic!("{name}:\n{}", it.report));
        files += 1;
        for (what, mutant) in mutants(&text) {
            fs::write(&site, &mutant).unwrap();
            all += 1;
            taken += usize::from(same_as_check(&site, &good, &format!("{name} {what}")));
        }
    }
    eprintln!(
        "{all} single-line defects of {files} example sites: {} refused, {taken} sound for check too, 0 else",
        all - taken
    );
    assert!(all >= 500, "{all}");
    assert!(taken * 3 < all, "{taken} of {all} taken");
}

#[test]
fn every_single_line_defect_of_tables_and_profiles_is_refused_or_sound_for_check_too() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let bench = Bench::new();
    let text = "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"s\"\n[store]\ndir = \"data\"\n[limits]\ndir = \"limits\"\n[profiles]\ndir = \"profiles\"\n";
    let site = bench.path("site.toml");
    fs::write(&site, text).unwrap();
    let (mut all, mut taken) = (0, 0);
    for (from, to) in [("limits", "limits"), ("profiles", "profiles")] {
        let mut shipped: Vec<PathBuf> = fs::read_dir(config.join(from))
            .unwrap()
            .map(|it| it.unwrap().path())
            .filter(|it| it.extension().is_some_and(|it| it == "toml"))
            .collect();
        shipped.sort();
        // Of each fourth file every thirteenth defect: a hundred or two, spread over all kinds.
        for path in shipped.iter().step_by(4) {
            let text = fs::read_to_string(path).unwrap();
            // A name of its own: the shipped ones are built in.
            let text: String = text
                .lines()
                .map(|it| if it.starts_with("id = \"") { it.replacen("id = \"", "id = \"my-", 1) } else { it.to_owned() } + "\n")
                .collect();
            let at = bench.path(to).join("own.toml");
            fs::write(&at, &text).unwrap();
            let Ok(good) = Candidate::read_whole(&site, &Files::disk()) else {
                fs::remove_file(&at).unwrap();
                continue;
            };
            for (what, mutant) in mutants(&text).into_iter().step_by(13) {
                fs::write(&at, &mutant).unwrap();
                all += 1;
                match Candidate::read_whole(&site, &Files::disk()) {
                    Ok(candidate) => {
                        let what = format!("{} {what}", path.display());
                        assert!(load_site(&site).is_ok(), "{what}");
                        let change = Change::between(&good.site, &candidate.site);
                        assert!(from == "profiles" || change.tables, "{what}: another table, and no change");
                        taken += 1;
                    }
                    Err(faulty) => assert!(faulty.report.has_errors()),
                }
            }
            fs::remove_file(&at).unwrap();
        }
    }
    eprintln!(
        "{all} single-line defects of tables and profiles: {} refused, {taken} sound for check too, 0 else",
        all - taken
    );
    assert!(all >= 80, "{all}");
}

/// A running agent, reloaded with every defect of its own site file.
#[test]
fn a_running_agent_takes_what_is_sound_and_keeps_the_last_good_one_otherwise() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let scene = "title = \"one meter\"\nseed = 5\n[ph_meter]\n";
        let mut world = World::start(Setting::of(scene)).await.unwrap();
        let path = world.stand.site_path();
        let reloader = world.agent().reloader(path.clone(), |_| Ok(())).await;
        let request = || Request { dry_run: false, wait: Duration::ZERO, interrupt: true, operator: None };
        let good = fs::read_to_string(&path).unwrap();
        let (mut all, mut taken) = (0, 0);
        for (what, mutant) in mutants(&good) {
            let before = world.agent().site.borrow().digest;
            fs::write(&path, &mutant).unwrap();
            let answer = reloader.reload(request()).await;
            let in_force = world.agent().site.borrow().digest;
            all += 1;
            match answer.outcome {
                Outcome::Activated => {
                    taken += 1;
                    assert_eq!(load_site(&path).unwrap().0.digest, in_force, "{what}");
                    fs::write(&path, &good).unwrap();
                    let back = reloader.reload(request()).await;
                    assert_eq!(back.outcome, Outcome::Activated, "{what}: {back:?}");
                }
                Outcome::Refused => {
                    assert_eq!(in_force, before, "{what}");
                    assert!(!answer.findings.is_empty(), "{what}");
                    assert!(world.agent().refused.borrow().is_some(), "{what}");
                }
                other => panic!("{what}: {other:?} {answer:?}"),
            }
        }
        fs::write(&path, &good).unwrap();
        assert!(matches!(reloader.reload(request()).await.outcome, Outcome::Activated | Outcome::Unchanged));
        tokio::time::sleep(Duration::from_secs(30)).await;
        let counts = world.agent().counters.snapshot();
        assert!(counts.values().all(|it| it.readings > 0), "it reads on: {counts:?}");
        let status = world.stop().await.unwrap();
        let report = world.centre.verify().unwrap();
        assert_eq!(report.chain, tidewaiter_record::Verdict::Ok);
        eprintln!(
            "{all} defects given to a running agent: {} refused, {taken} in force and back, {} records",
            all - taken,
            status.sealed
        );
        assert!(all >= 100, "{all}");
    });
}
