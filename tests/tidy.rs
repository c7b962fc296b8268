//! House rules that would otherwise rest on memory: who may import whom, where IO happens, what may stand in the
//! repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the project").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Files below a folder with one of these endings, without build output.
fn files(below: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).expect("folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | "__pycache__") {
                files(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

fn sources(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join(below), &[".rs"], &mut found);
    found
}

/// The part of a source file before its tests.
fn before_tests(text: &str) -> &str {
    text.find("#[cfg(test)]").map_or(text, |at| &text[..at])
}

fn is_test(path: &Path) -> bool {
    path.components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "examples" | "benches" | "tests.rs")))
}

#[test]
fn imports_run_one_way() {
    // Crate folder and what of ours it may depend on.
    let allowed: BTreeMap<&str, &[&str]> = [
        ("drivers", &[][..]),
        ("drivers/n42", &["drivers"]),
        ("drivers/node", &[]),
        ("firmware/app", &["drivers", "node"]),
        // node: fields of a sealed block, by name, for profiles.
        ("config", &["drivers", "node"]),
        ("agent/words", &[]),
        ("agent/record", &["drivers"]),
        ("agent/screening", &["drivers", "config"]),
        ("agent/console", &["words"]),
        ("agent/mqtt", &[]),
        ("agent/token", &["record"]),
        ("agent/recompute", &["config", "screening", "record"]),
        // One sentence a record, for the agent, the centre and a bundle's report alike.
        ("agent/telling", &["record", "words"]),
        ("agent/bundle", &["record", "words", "telling"]),
        (
            "agent/collector",
            // node: the centre alone can check the seal of a node's block.
            &[
                "drivers",
                "node",
                "config",
                "screening",
                "record",
                "recompute",
                "mqtt",
                "token",
                "words",
                "telling",
                "console",
                "bundle",
            ],
        ),
        // n42: the pages draw spectra that are evidence, and hand out documents; node: the shape of a sealed block.
        (
            "agent",
            &[
                "drivers",
                "n42",
                "node",
                "config",
                "screening",
                "record",
                "recompute",
                "mqtt",
                "token",
                "words",
                "telling",
                "console",
                "bundle",
            ],
        ),
        // node: a simulated node seals its blocks.
        ("simulator", &["drivers", "node", "config", "words", "console"]),
        ("firmware/boards/cortex", &["app"]),
        ("firmware/boards/mps2", &["app", "cortex", "node"]),
        ("firmware/boards/f446", &["app", "cortex", "node"]),
    ]
    .into();
    for (folder, allowed) in allowed {
        let manifest: toml::Table = read(&root().join(folder).join("Cargo.toml")).parse().expect("manifest");
        // A board depends on anything only where it runs.
        let dependencies = manifest
            .get("dependencies")
            .unwrap_or_else(|| &manifest["target"]["cfg(target_os = \"none\")"]["dependencies"]);
        let ours: BTreeSet<String> = dependencies
            .as_table()
            .expect("dependencies")
            .keys()
            .filter_map(|name| name.strip_prefix("tidewaiter-").map(str::to_owned))
            .collect();
        let more: Vec<_> = ours.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(more.is_empty(), "{folder} imports {more:?}, which runs against the floor plan");
    }
}

#[test]
fn packages_are_named_after_their_folder() {
    let mut manifests = Vec::new();
    files(&root(), &["Cargo.toml"], &mut manifests);
    for path in manifests.iter().filter(|path| path.parent() != Some(&root())) {
        let manifest: toml::Table = read(path).parse().expect("manifest");
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).expect("folder name");
        assert_eq!(
            manifest["package"]["name"].as_str(),
            Some(format!("tidewaiter-{folder}").as_str()),
            "{}",
            path.display()
        );
        for banned in ["utils", "common", "helpers"] {
            assert_ne!(folder, banned);
        }
    }
}

#[test]
fn io_and_clocks_stay_at_the_rim() {
    // Folder, and the files in it that may touch the world.
    let rules: &[(&str, &[&str])] = &[
        ("drivers/src", &[]),
        ("drivers/node/src", &[]),
        ("firmware/app/src", &[]),
        ("agent/record/src", &[]),
        ("agent/screening/src", &[]),
        ("agent/words/src", &["language.rs"]),
        ("agent/src/inspect", &["declarations.rs"]),
        ("agent/src/duty", &["rim.rs"]),
        ("agent/src/register", &[]),
        ("agent/src/life", &["rim.rs", "pulse.rs"]),
        // The copy on disk, the start, and the one task; what is compared and checked is values.
        ("agent/src/reload", &["kept.rs", "start.rs", "reloader.rs"]),
        ("agent/src/evidence", &["disk.rs", "mod.rs"]),
        ("agent/src/lane/history", &["follow.rs", "detail.rs", "evidence.rs", "proof.rs", "stats.rs"]),
        // What is said on a page depends on the look it is given; events and forms wait, and so need the runtime.
        ("agent/src/lane/page", &["events.rs", "forms.rs"]),
        // Sessions, throttle, roles and rules are given the time; doors, files and the guard touch the world.
        (
            "agent/src/lane/access",
            &["door.rs", "file.rs", "guard.rs", "key.rs", "mod.rs", "origin.rs", "own_password.rs", "sign_in.rs"],
        ),
        // Orders to the port's task, the kernel's lines, and the ticks between them; the machine is pure.
        ("agent/src/outputs", &["coils.rs", "gpio.rs", "mod.rs"]),
        // HTTP alone, and the queues before it.
        ("agent/src/camera", &["fetch.rs", "mod.rs"]),
        ("agent/recompute/src", &[]),
        ("agent/telling/src", &[]),
        ("agent/collector/src/core", &[]),
        // The listener, and the task's own clock, which the text is given; the facts are read from a store and a time.
        ("agent/collector/src/figures", &["listen.rs", "running.rs", "text.rs"]),
        // Files and their folder; rows and row groups are values and bytes.
        ("agent/collector/src/lake", &["mod.rs"]),
    ];
    let world = [
        "std::fs",
        "std::net",
        "std::process",
        "SystemTime::now",
        "Instant::now",
        "Timestamp::now",
        "tokio::",
        "rusqlite",
        "postgres::",
    ];
    for &(folder, exempt) in rules {
        for path in sources(folder) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if exempt.contains(&name) || is_test(&path) {
                continue;
            }
            let text = read(&path);
            for word in world {
                let found =
                    before_tests(&text).lines().any(|line| line.contains(word) && !line.trim_start().starts_with("//"));
                assert!(!found, "{} uses {word}; IO and time enter at the rim", path.display());
            }
        }
    }
}

#[test]
fn the_signed_path_has_no_binary_fractions() {
    for folder in ["agent/record/src", "agent/screening/src", "agent/src/inspect", "drivers/src/reading"] {
        for path in sources(folder) {
            let text = read(&path);
            let float = |line: &str| {
                line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| matches!(word, "f32" | "f64"))
            };
            let found = before_tests(&text).lines().find(|line| float(line) && !line.trim_start().starts_with("//"));
            assert!(found.is_none(), "{}: {}", path.display(), found.unwrap_or_default());
        }
    }
}

#[test]
fn nothing_is_left_open() {
    // Spelt apart, so that this file does not find itself.
    let open = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("X", "XX:"),
    ];
    for path in sources("") {
        let text = read(&path);
        for word in open {
            assert!(!text.contains(word), "{} still says {word}", path.display());
        }
        if !is_test(&path) && !path.starts_with(root().join("tests")) {
            let found = before_tests(&text)
                .lines()
                .find(|line| line.contains(".unwrap()") && !line.trim_start().starts_with("//"));
            assert!(found.is_none(), "{}: {}", path.display(), found.unwrap_or_default());
        }
    }
}

#[test]
fn every_crate_forbids_unsafe_code_and_asks_for_docs() {
    let workspace: toml::Table = read(&root().join("Cargo.toml")).parse().expect("manifest");
    let lints = &workspace["workspace"]["lints"]["rust"];
    assert_eq!(lints["unsafe_code"].as_str(), Some("forbid"));
    assert!(lints.get("missing_docs").is_some());
    for member in workspace["workspace"]["members"].as_array().expect("members") {
        let folder = member.as_str().expect("member");
        let manifest: toml::Table = read(&root().join(folder).join("Cargo.toml")).parse().expect("manifest");
        if folder.starts_with("firmware/boards/") {
            // Registers of a chip are addresses. Everything else is as everywhere, and the places are listed below.
            let own = &manifest["lints"];
            assert_eq!(own["rust"]["unsafe_code"].as_str(), Some("deny"), "{folder}");
            for (group, rules) in workspace["workspace"]["lints"].as_table().expect("lints") {
                for (rule, level) in rules.as_table().expect("rules").iter().filter(|(rule, _)| *rule != "unsafe_code")
                {
                    assert_eq!(own[group].get(rule), Some(level), "{folder}: {group}.{rule}");
                }
            }
            continue;
        }
        assert_eq!(
            manifest["lints"]["workspace"].as_bool(),
            Some(true),
            "{folder} does not take the workspace's lints"
        );
    }
}

#[test]
fn boards_are_unsafe_where_the_chip_is_and_nowhere_else() {
    // File, and what of the chip or of the linker it touches.
    let allowed = [
        ("firmware/boards/cortex/src/image.rs", "the linker's symbols, the stack"),
        ("firmware/boards/cortex/src/memory.rs", "names that belong to the compiler"),
        ("firmware/boards/cortex/src/start.rs", "another program begins"),
        ("firmware/boards/cortex/src/past.rs", "a section no start clears, the fault of the core"),
        ("firmware/boards/mps2/src/flash.rs", "memory that plays a flash"),
        ("firmware/boards/mps2/src/loader/life.rs", "the table of vectors"),
        ("firmware/boards/mps2/src/mmio.rs", "registers"),
        ("firmware/boards/mps2/src/vectors.rs", "the table of vectors, the interrupt controller"),
        ("firmware/boards/mps2/src/watchdog.rs", "the interrupt that nothing masks"),
        ("firmware/boards/f446/src/flash.rs", "the flash and its registers, code in RAM"),
        ("firmware/boards/f446/src/chip.rs", "registers that an interrupt shares, the interrupt controller"),
    ];
    let mut found: Vec<String> = Vec::new();
    for path in sources("firmware").into_iter().filter(|path| !is_test(path)) {
        if read(&path).lines().any(|line| line.contains("unsafe_code")) {
            found.push(path.strip_prefix(root()).expect("below the project").display().to_string());
        }
    }
    let expected: BTreeSet<String> = allowed.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn files_hold_one_idea() {
    // Lines before the tests. A file that outgrows this is two files.
    const MOST: usize = 650;
    for path in sources("") {
        if is_test(&path) {
            continue;
        }
        let lines = before_tests(&read(&path)).lines().count();
        assert!(lines <= MOST, "{} has {lines} lines before its tests, {MOST} at most", path.display());
    }
}

#[test]
fn both_readmes_name_both_commands_and_every_folder() {
    for name in ["README.md", "README.zh-CN.md"] {
        let text = read(&root().join(name));
        for needed in ["cargo demo", "tests/run", "agent/", "config/", "drivers/", "simulator/", "tests/"] {
            assert!(text.contains(needed), "{name} does not name `{needed}`");
        }
    }
    assert!(read(&root().join(".ci/run")).contains("tests/run"));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = Vec::new();
    files(&root(), &[".md"], &mut documents);
    for path in documents {
        let text = read(&path);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') || target.contains('<') {
                continue;
            }
            let there = path.parent().expect("folder").join(target);
            assert!(there.exists(), "{} links to {target}, which is not there", path.display());
        }
    }
}
