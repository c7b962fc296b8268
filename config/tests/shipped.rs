//! Every file this crate ships is loaded, and the numbers people rely on are what the documents say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::{collections::BTreeSet, fs, path::Path};

use tidewaiter_config::{
    limits::{self, Limit, LimitTable, Tolerance},
    load_site, profile,
    site::{Link, Protocol, RigProcedure, TextEncoding, hours_held},
};

fn folder(name: &str) -> Vec<std::path::PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut files: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn text(path: &Path) -> (String, String) {
    (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
}

/// Ids of a folder, each the name of its file; of a limit table also with its edition behind it.
fn ids(name: &str, load: impl Fn(&str, &str) -> String) -> BTreeSet<String> {
    folder(name)
        .iter()
        .map(|path| {
            let (file, content) = text(path);
            let id = load(&file, &content);
            let stem = file.strip_suffix(".toml").unwrap();
            let behind = stem.strip_prefix(id.as_str()).unwrap_or_else(|| panic!("{file} is not named after {id}"));
            assert!(behind.is_empty() || behind.starts_with('-'), "{file} is not named after {id}");
            id
        })
        .collect()
}

#[test]
fn every_file_of_the_folders_is_embedded() {
    let tables =
        ids("limits", |file, text| limits::load_str(file, text).unwrap_or_else(|report| panic!("{report}")).id);
    assert_eq!(tables, limits::builtin().into_iter().map(|it| it.id).collect());
    assert_eq!(folder("limits").len(), limits::builtin().len(), "every edition is embedded");
    let programmes = ids("programmes", |file, text| {
        limits::load_programme_str(file, text).unwrap_or_else(|report| panic!("{report}")).id
    });
    assert_eq!(programmes, limits::builtin_programmes().into_iter().map(|it| it.id).collect());
    let profiles =
        ids("profiles", |file, text| profile::load_str(file, text).unwrap_or_else(|report| panic!("{report}")).id);
    assert_eq!(profiles, profile::builtin().into_iter().map(|it| it.id).collect());
    assert_eq!(limits::clash(&limits::builtin()), None);
}

fn table(id: &str) -> LimitTable {
    limits::builtin().into_iter().find(|table| table.id == id).unwrap()
}

fn shown(limit: &Limit) -> String {
    match limit {
        Limit::Max { limit, inclusive: true } => format!("<= {limit}"),
        Limit::Range { low, high, .. } => format!("{low}..{high}"),
        Limit::GradeAtLeast { half_steps } => format!("half steps >= {half_steps}"),
        Limit::Absent => "absent".to_owned(),
        Limit::AboveBackground { margin } => format!("background + {margin}"),
        Limit::Sigma { k } => format!("{k} sigma"),
        Limit::Deviation { declared, tolerance: Tolerance::Smaller { percent, absolute } } => {
            format!("{declared}: {percent} % or {absolute}")
        }
        other => panic!("unexpected {other:?}"),
    }
}

/// GB 18401-2010, Table 1, retyped from a public copy apart from the shipped file.
#[test]
fn textile_table_is_the_published_one() {
    const TABLE: [(&str, &str, [&str; 3]); 9] = [
        ("formaldehyde", "mg/kg", ["<= 20", "<= 75", "<= 300"]),
        ("ph", "[pH]", ["4.0..7.5", "4.0..8.5", "4.0..9.0"]),
        ("fastness-water", "{grade}", ["half steps >= 7", "half steps >= 6", "half steps >= 6"]),
        ("fastness-acid-perspiration", "{grade}", ["half steps >= 7", "half steps >= 6", "half steps >= 6"]),
        ("fastness-alkaline-perspiration", "{grade}", ["half steps >= 7", "half steps >= 6", "half steps >= 6"]),
        ("fastness-dry-rubbing", "{grade}", ["half steps >= 8", "half steps >= 6", "half steps >= 6"]),
        ("fastness-saliva", "{grade}", ["half steps >= 8", "", ""]),
        ("odour", "1", ["absent", "absent", "absent"]),
        ("azo-amine", "mg/kg", ["<= 20", "<= 20", "<= 20"]),
    ];
    let table = table("gb18401-2010-t1");
    assert_eq!(table.effective_from.to_string(), "2011-08-01");
    assert_eq!(table.legal_force, "mandatory");
    let mut seen = 0;
    for (parameter, unit, by_category) in TABLE {
        for (category, expected) in ["A", "B", "C"].into_iter().zip(by_category) {
            let rows: Vec<_> = table
                .rows
                .iter()
                .filter(|row| {
                    row.parameter == parameter
                        && row.when.iter().any(|it| it.fact == "category" && it.one_of == [category])
                })
                .collect();
            if expected.is_empty() {
                assert!(rows.is_empty(), "{parameter} {category}");
                continue;
            }
            assert_eq!(rows.len(), 1, "{parameter} {category}");
            assert_eq!(
                (shown(&rows[0].limit).as_str(), rows[0].unit.code()),
                (expected, unit),
                "{parameter} {category}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, table.rows.len(), "no row beyond the document's");
}

/// Order No. 62 of 2016, article 3 (4) to (8).
#[test]
fn gross_mass_table_is_the_published_one() {
    const TABLE: [(&str, &str, &str); 8] = [
        ("2", "", "<= 18000"),
        ("3", "truck", "<= 25000"),
        ("3", "combination", "<= 27000"),
        ("4", "truck", "<= 31000"),
        ("4", "combination", "<= 36000"),
        ("5", "", "<= 43000"),
        ("6", "double", "<= 49000"),
        ("7", "single", "<= 46000"),
    ];
    let table = table("gross-mass-cn-2016");
    assert_eq!(table.rows.len(), TABLE.len());
    for (axles, kind, expected) in TABLE {
        let matching: Vec<_> = table
            .rows
            .iter()
            .filter(|row| {
                row.when.iter().all(|it| match it.fact.as_str() {
                    "axles" => it.one_of.iter().any(|one| one == axles),
                    _ => it.one_of.iter().any(|one| one == kind),
                })
            })
            .collect();
        assert_eq!(matching.len(), 1, "{axles} {kind}");
        assert_eq!(shown(&matching[0].limit), expected, "{axles} {kind}");
        assert!(!matching[0].alarms, "an overload refers");
    }
}

#[test]
fn other_tables_say_what_they_cite() {
    let rows = |id: &str| {
        table(id)
            .rows
            .iter()
            .map(|row| (row.parameter.clone(), shown(&row.limit), row.unit.code().to_owned(), row.alarms))
            .collect::<Vec<_>>()
    };
    let row = |a: &str, b: &str, c: &str, d| (a.to_owned(), b.to_owned(), c.to_owned(), d);
    assert_eq!(rows("portal-sigma"), [row("gamma-counts", "7 sigma", "{sigma}", true)]);
    assert_eq!(
        rows("scrap-radiation"),
        [
            row("dose-rate", "background + 0.25", "uGy/h", true),
            row("surface-alpha", "<= 0.04", "Bq/cm2", true),
            row("surface-beta", "<= 0.4", "Bq/cm2", true)
        ]
    );
    assert_eq!(rows("vgm-cn"), [row("gross-mass", "mass: 5 % or 1000", "kg", false)]);
    assert_eq!(table("portal-sigma").legal_force, "site");
}

/// Rows that state a quality of goods and no danger.
const NO_HAZARD: [(&str, &str); 2] = [("gb1103.1", "micronaire"), ("cotton-grades", "micronaire")];

#[test]
fn every_table_says_what_it_is_and_who_saw_its_numbers() {
    for path in folder("limits") {
        let (file, content) = text(&path);
        let table = limits::load_str(&file, &content).unwrap();
        let header: String = content.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(header.len() > 100, "{file} begins with what it is");
        if table.legal_force == "site" {
            assert!(header.contains("A rule of the site"), "{file}");
        } else {
            let words: Vec<&str> = header.split(['#', ' ']).filter(|word| !word.is_empty()).collect();
            assert!(words.join(" ").contains("Compare with the official text before any legal use"), "{file}");
            assert!(table.source.contains("seen at "), "{file} says where its numbers were seen");
        }
        let han = |text: &str| text.chars().any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it));
        assert!(han(&table.title.zh) && !han(&table.title.en) && !table.title.en.is_empty(), "{file}");
        for row in &table.rows {
            let place = format!("{file} {}", row.id);
            assert!(["C2", "C1", "site"].contains(&row.confidence.as_str()), "{place}");
            assert_eq!(row.confidence == "site", table.legal_force == "site", "{place}");
            // A faulty instrument is no hazard of the goods.
            let harmless = table.id == "function-check" || NO_HAZARD.contains(&(table.id.as_str(), row.id.as_str()));
            assert_eq!(row.hazards.is_empty(), harmless, "{place}");
            for condition in &row.when {
                assert!(header.contains(&condition.fact), "{place}: {} is not in the header", condition.fact);
            }
        }
        for (fact, meaning) in &table.facts {
            assert!(header.contains(fact.as_str()) && meaning.len() > 10, "{file} {fact}");
            assert!(content.matches(fact.as_str()).count() > 2, "{file}: no row asks for {fact}");
        }
    }
}

/// The manual lists every table with what it judges and asks for, and every programme.
#[test]
fn the_manual_lists_what_is_shipped() {
    let manual = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for table in limits::builtin() {
        let line = manual
            .lines()
            .find(|line| line.starts_with(&format!("| `{}`", table.id)))
            .unwrap_or_else(|| panic!("{} is not listed", table.id));
        if limits::builtin().iter().filter(|it| it.id == table.id).count() > 1 {
            assert!(line.contains(&format!(" {}", table.edition)), "{} {}", table.id, table.edition);
        }
        // These repeat the line above them.
        if !["gross-mass-cn-2016-tyres", "vgm-uk", "un-class-3"].contains(&table.id.as_str()) {
            for row in &table.rows {
                assert!(line.contains(&format!("`{}`", row.parameter)), "{} {}", table.id, row.parameter);
                for condition in &row.when {
                    assert!(line.contains(&format!("`{}`", condition.fact)), "{} {}", table.id, condition.fact);
                }
            }
        }
        for fact in table.facts.keys() {
            assert!(line.contains(&format!("`{fact}`")), "{} {fact}", table.id);
        }
    }
    for programme in limits::builtin_programmes() {
        assert!(manual.contains(&format!("| `{}` |", programme.id)), "{}", programme.id);
    }
}

/// Editions of one table follow each other without a gap, and only one of them is open-ended.
#[test]
fn editions_of_one_table_follow_each_other() {
    for id in limits::builtin().into_iter().map(|it| it.id).collect::<BTreeSet<_>>() {
        let mut editions: Vec<LimitTable> = limits::builtin().into_iter().filter(|it| it.id == id).collect();
        editions.sort_by_key(|it| it.effective_from);
        for pair in editions.windows(2) {
            assert_ne!(pair[0].edition, pair[1].edition);
            assert_eq!(pair[0].effective_to, pair[1].effective_from.yesterday().ok(), "{id}");
        }
    }
}

/// 49 CFR 571.139: 120 km/h under 85, 90 and 100 % of the load for 4, 6 and 24 h; 140, 150, 160 km/h for 30 min each.
#[test]
fn fmvss_programmes_hold_the_published_set_points() {
    let drum = profile::builtin().into_iter().find(|it| it.id == "tyre-drum-proposed").unwrap();
    let programmes = limits::builtin_programmes();
    for (id, stages) in [
        ("fmvss139-endurance-6000n", [(4 * 3_600, 120, 5_100), (6 * 3_600, 120, 5_400), (24 * 3_600, 120, 6_000)]),
        ("fmvss139-high-speed-6000n", [(1_800, 140, 5_100), (1_800, 150, 5_100), (1_800, 160, 5_100)]),
    ] {
        let programme = programmes.iter().find(|it| it.id == id).unwrap();
        assert!(programme.source.contains("bands are own"), "{id}");
        assert_eq!(programme.stages.len(), stages.len());
        for (stage, (seconds, speed, load)) in programme.stages.iter().zip(stages) {
            assert_eq!(stage.duration_s, seconds, "{id}");
            let middles: Vec<(&str, i64)> = stage
                .hold
                .iter()
                .map(|hold| {
                    assert_eq!(drum.channel(&hold.channel).unwrap().unit, hold.unit, "{id} {}", hold.channel);
                    (hold.channel.as_str(), i64::midpoint(hold.low.digits(), hold.high.digits()))
                })
                .collect();
            assert_eq!(middles, [("speed", speed), ("load", load), ("ambient", 38)], "{id}");
        }
    }
}

#[test]
fn demo_programme_lasts_seconds_and_fits_the_drum() {
    let programmes = limits::builtin_programmes();
    let demo = &programmes[0];
    assert_eq!(demo.stages.iter().map(|stage| stage.duration_s).collect::<Vec<_>>(), [3, 3, 3]);
    let drum = profile::builtin().into_iter().find(|it| it.id == "tyre-drum-proposed").unwrap();
    let speeds: Vec<String> =
        demo.stages.iter().map(|stage| format!("{}..{}", stage.hold[0].low, stage.hold[0].high)).collect();
    assert_eq!(speeds, ["78..82", "118..122", "138..142"]);
    for hold in demo.stages.iter().flat_map(|stage| &stage.hold) {
        assert_eq!(drum.channel(&hold.channel).unwrap().unit, hold.unit, "{}", hold.channel);
    }
}

#[test]
fn every_channel_of_a_shipped_profile_has_a_vector() {
    for profile in profile::builtin() {
        for channel in &profile.channels {
            assert!(profile.vectors.iter().any(|it| it.channel == channel.name), "{} {}", profile.id, channel.name);
        }
    }
}

#[test]
fn example_sites_load_without_a_word() {
    for path in folder("sites") {
        let (site, warnings) = load_site(&path).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(warnings, [], "{}", path.display());
        assert!(hours_held(&site) >= 72, "{}: {}", path.display(), hours_held(&site));
        assert_ne!(site.digest, [0; 32]);
    }
}

#[test]
fn the_lane_example_means_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sites/lane.toml");
    let (site, _) = load_site(&path).unwrap();
    assert_eq!(
        (site.id.as_str(), site.agent.as_str(), site.name.as_str()),
        ("example-port", "gate-07", "示例港 7 号闸口")
    );
    assert_eq!(site.store.budget_bytes, 512 * 1024 * 1024);
    assert_eq!(site.store.keep.as_secs(), 30 * 86_400);
    assert_eq!(site.store.dir, path.parent().unwrap().join("data"));
    let uplink = site.uplink.as_ref().unwrap();
    assert_eq!((uplink.host.as_str(), uplink.port, uplink.window), ("broker.example", 8883, 64));
    assert_eq!(uplink.tls.as_ref().unwrap().key, path.parent().unwrap().join("agent.key"));
    let Link::Serial(line) = &site.port("scale-line").unwrap().link else { panic!() };
    assert_eq!((line.baud, line.data_bits, line.stop_bits), (9_600, 8, 1));
    assert_eq!(site.port("portal-line").unwrap().link, Link::Tcp { host: "192.168.7.20".into(), port: 1600 });
    let Protocol::Xk3190Tf0 { scale_interval, settle, .. } = &site.instrument("scale-1").unwrap().protocol else {
        panic!()
    };
    assert_eq!((scale_interval.to_string().as_str(), settle.as_millis()), ("20", 1_000));
    assert_eq!(site.instrument("lpr-1").unwrap().protocol, Protocol::PlateLines { encoding: TextEncoding::Utf8 });
    let gate = &site.lanes[0].gate;
    assert_eq!(gate.dose_rate, Some(("gamma-1".into(), "dose-rate".into())));
    assert_eq!(gate.judge.len(), 3);
    assert_eq!(gate.judge[1].parameters, ["gamma-counts"]);
    assert_eq!((site.watches[0].period.as_secs(), site.watches[0].slots), (60, 60));

    let (textile, _) = load_site(&path.with_file_name("textile-lab.toml")).unwrap();
    let RigProcedure::TextilePh { parallels, drift, .. } = &textile.rigs[0].procedure else { panic!() };
    assert_eq!((*parallels, drift.to_string().as_str()), (3, "0.02"));
    assert!(textile.uplink.is_none());
}
