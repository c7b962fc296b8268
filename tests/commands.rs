//! The commands as their users meet them: what they say, and with which exit code.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{fs, path::Path};

use tidewaiter_tests::{
    process::{Ended, run_own},
    stand::BARE_SITE as SITE,
};

const OK: i32 = 0;
const FINDING: i32 = 1;
const USAGE: i32 = 2;
const ENVIRONMENT: i32 = 3;

const SCALE: &str = r#"
[[ports]]
id = "scale-line"
[ports.serial]
path = "/dev/serial/by-id/usb-that-is-not-there"
baud = 9600
[[instruments]]
id = "scale-1"
port = "scale-line"
[instruments.xk3190_tf0]
unit = "kg"
scale_interval = "20"
settle = "1 s"
[[lanes]]
id = "lane-7"
[lanes.lorry_gate]
scale = "scale-1"
threshold = "500"
unit = "kg"
time_limit = "60 s"
identity_window = "10 s"
[[lanes.judge]]
table = "gross-mass-cn-2016"
parameters = ["gross-mass"]
"#;

fn tidewaiter(args: &[&str]) -> Ended {
    run_own("tidewaiter", args).unwrap()
}

fn site(dir: &Path, text: &str) -> String {
    let path = dir.join("site.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Checks `text` and wants exit code and every one of `words` in what is said.
fn check(text: &str, code: i32, words: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let path = site(dir.path(), text);
    let ended = tidewaiter(&["check", &path]);
    for word in words {
        assert!(ended.stdout.contains(word), "{word:?} is not said of\n{text}\n{}{}", ended.stdout, ended.stderr);
    }
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
}

/// The shipped example of a plan with one thing changed, in a file of its own.
fn plan(dir: &Path, name: &str, from: &str, to: &str) -> String {
    let text = tidewaiter_config::plan::EXAMPLE.1;
    assert!(text.contains(from), "{from:?}");
    let path = dir.join(name);
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_plan_is_checked_shown_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    let good = plan(dir.path(), "good.toml", "version = 1", "version = 1");
    let newer = plan(dir.path(), "newer.toml", "version = 1", "version = 2");
    let stale = plan(dir.path(), "stale.toml", "B = \"20\"", "B = \"30\"");
    let faulty = plan(dir.path(), "faulty.toml", "table = \"portal-sigma\"", "table = \"portal-sigmo\"");
    let strange = plan(dir.path(), "strange.toml", "procedures = [\"lorry-gate\"]", "places = [\"lane-8\"]");
    let site = site(dir.path(), &format!("{SITE}{SCALE}[plan]\nfile = \"faulty.toml\"\n"));
    let rows: [(&[&str], i32, &str); 9] = [
        (&["plan", "check", &good], OK, "Plan example-port, version 1, in force from 2026-01-01: 3 items, 2 deadlines"),
        (&["plan", "check", &faulty], USAGE, "faulty.toml:22:9: error: no limit table has the id \"portal-sigmo\""),
        (&["plan", "check", &strange], OK, "3 items"),
        (&["plan", "check", &strange, "--config", &site], USAGE, "the site has no lane or rig \"lane-8\""),
        (&["plan", "show", &good], OK, "items.scrap-metal.sampling.B = 20 %"),
        (&["plan", "diff", &good, &good], OK, ""),
        (&["plan", "diff", &good, &newer], FINDING, "version: 1 → 2"),
        (&["plan", "diff", &good, &stale], FINDING, "items.scrap-metal.sampling.B: 20 % → 30 %"),
        (&["check", &site, "--offline"], USAGE, "faulty.toml:22:9"),
    ];
    for (args, code, words) in rows {
        let ended = tidewaiter(args);
        assert!(ended.stdout.contains(words), "{words:?} is not said by {args:?}\n{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, code, "{args:?} {}{}", ended.stdout, ended.stderr);
    }
    let ended = tidewaiter(&["plan", "diff", &good, &stale]);
    assert!(ended.stderr.contains("only with a higher version"), "{}", ended.stderr);
}

/// The seed is 00 01 … 1f; its commitment and the number of ticket 1 of LOT-1, about 0.257 of 2^64, were computed by
/// another implementation.
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const COMMITMENT: &str = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";

#[test]
fn draws_are_audited_from_exported_records() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.jsonl");
    let audit = |lines: &[&str], code: i32, words: &str| {
        fs::write(&path, lines.join("\n")).unwrap();
        let ended = tidewaiter(&["plan", "audit", path.to_str().unwrap()]);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains(words), "{words:?} is not said\n{said}");
        assert_eq!(ended.code, code, "{said}");
    };
    let event = |seq: u64, name: &str, subject: &str, facts: &str| {
        format!(
            r#"{{"seq":{seq},"kind":"event","detail":{{"name":"{name}","subject":"{subject}","facts":{{"commitment":"{COMMITMENT}",{facts}}}}}}}"#
        )
    };
    let committed = event(
        3,
        "sampling-committed",
        "scrap",
        r#""plan":"p","version":"1","item":"scrap","rate-A":"100","rate-B":"26","rate-C":"5""#,
    );
    let drawn = |selected: &str| {
        let facts = format!(r#""ticket":"1","class":"B","rate":"26","selected":"{selected}""#);
        event(5, "sampling-drawn", "LOT-1", &facts)
    };
    let revealed = event(
        9,
        "sampling-revealed",
        "scrap",
        &format!(
            r#""seed":"{SEED}","presented-A":"0","selected-A":"0","presented-B":"1","selected-B":"1","presented-C":"0","selected-C":"0""#
        ),
    );
    audit(&[], OK, "hold no draws");
    audit(&[&committed, &drawn("yes")], OK, "not revealed yet");
    audit(&[&committed, &drawn("yes"), &revealed], OK, "every draw comes out the same again");
    audit(&[&committed, &drawn("yes"), &revealed], OK, "class B, rate 26 %: 1 of 1 selected");
    audit(&[&committed, &drawn("no"), &revealed], FINDING, "#5: ticket 1 is recorded as not selected");
    audit(&["{"], USAGE, "records.jsonl:1");
}

#[test]
fn check_accepts_a_right_site_and_says_how_long_the_store_lasts() {
    check(SITE, OK, &["0 instruments", "h without uplink"]);
}

#[test]
fn check_names_the_place_and_the_way_out() {
    let with = |from: &str, to: &str| format!("{SITE}{SCALE}").replace(from, to);
    // An unknown key, with the one that was meant.
    check(
        &with("scale_interval =", "scale_intervall ="),
        USAGE,
        &["site.toml:23:1", "scale_intervall", "scale_interval"],
    );
    // A wrong unit.
    check(&with("unit = \"kg\"\nscale_interval", "unit = \"KG\"\nscale_interval"), USAGE, &["KG", "kg"]);
    // A missing limit table, with those there are.
    check(&with("gross-mass-cn-2016", "gross-mass"), USAGE, &["gross-mass", "gross-mass-cn-2016"]);
    // A duplicate id.
    check(&format!("{SITE}{SCALE}{}", &SCALE[..SCALE.find("[[lanes]]").unwrap()]), USAGE, &["scale-1", "scale-line"]);
    // A port that does not exist: the file is right, the machine is not.
    check(&format!("{SITE}{SCALE}"), FINDING, &["/dev/serial/by-id/usb-that-is-not-there"]);
    // Two faults are told at once.
    let two = with("scale_interval =", "scale_intervall =").replace("gross-mass-cn-2016", "gross-mass");
    check(&two, USAGE, &["scale_intervall", "gross-mass-cn-2016"]);
    // Not a site file at all.
    check("<html>", USAGE, &["site.toml:1"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let ended = tidewaiter(&["check", "/nowhere/site.toml"]);
    assert_eq!(ended.code, USAGE, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("/nowhere/site.toml"), "{}", ended.stdout);
}

#[test]
fn keys_are_made_once_and_kept_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = site(dir.path(), SITE);
    let run = tidewaiter(&["run", "--config", &path]);
    assert_eq!(run.code, ENVIRONMENT, "{}", run.stderr);
    assert!(run.stderr.contains("keys init"), "{}", run.stderr);

    let made = tidewaiter(&["keys", "init", "--config", &path]);
    assert_eq!(made.code, OK, "{}", made.stderr);
    let key = dir.path().join("data/agent.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let again = tidewaiter(&["keys", "init", "--config", &path]);
    assert_eq!(again.code, ENVIRONMENT);
    assert!(again.stderr.contains("exists"), "{}", again.stderr);
    let shown = tidewaiter(&["keys", "show", "--config", &path]);
    assert!(shown.stdout.contains("kid") && !shown.stdout.contains("PRIVATE"), "{}", shown.stdout);

    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = tidewaiter(&["run", "--config", &path]);
    assert_eq!(exposed.code, ENVIRONMENT);
    assert!(exposed.stderr.contains("chmod 600"), "{}", exposed.stderr);
}

#[test]
fn commands_without_an_agent_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = site(dir.path(), SITE);
    fs::create_dir_all(dir.path().join("data")).unwrap();
    let start = tidewaiter(&["start", "bench-a", "--sample", "S-1", "--operator", "Li", "--config", &path]);
    assert_eq!(start.code, ENVIRONMENT);
    assert!(start.stderr.contains("no agent is running"), "{}", start.stderr);
    let bare = tidewaiter(&["log"]);
    assert_eq!(bare.code, USAGE);
    assert!(bare.stderr.contains("--data-dir"), "{}", bare.stderr);
}

#[test]
fn every_command_has_help_with_an_example() {
    let top = tidewaiter(&["--help"]);
    assert_eq!(top.code, OK);
    assert!(top.stdout.contains("Examples:") && top.stdout.contains("Exit codes:"), "{}", top.stdout);
    let commands = [
        "run",
        "check",
        "enrol",
        "start",
        "next",
        "stop",
        "enter",
        "drill",
        "subject",
        "draw",
        "findings",
        "follow-up",
        "report-sent",
        "register",
        "function-check",
        "status",
        "log",
        "stats",
        "show",
        "export",
        "recompute",
        "screen",
        "verify",
    ];
    for command in commands {
        let help = tidewaiter(&[command, "--help"]);
        assert!(help.stdout.contains("Example: tidewaiter"), "{command}: {}", help.stdout);
        assert!(top.stdout.contains(command), "{command} is not listed");
    }
    assert_eq!(tidewaiter(&["no-such-command"]).code, USAGE);
}

#[test]
fn screen_judges_typed_values_and_explains_itself() {
    let line = ["screen", "gb18401-2010-t1", "formaldehyde=0.0076%", "ph=7.6", "category=A", "--u", "0.0001"];
    let say = |language: &str| tidewaiter(&[line.as_slice(), &["--lang", language]].concat());
    for (language, words) in [
        ("en", ["converted: % → mg/kg (x10000)", "limit ≤ 20 mg/kg", "result: Fail (pre-screen)", "(C2)", "4.0–7.5"]),
        ("zh-CN", ["换算：% → mg/kg（x10000）", "限值 ≤ 20 mg/kg", "结果：不合格（初筛）", "（C2）", "4.0–7.5"]),
    ] {
        let ended = say(language);
        assert_eq!(ended.code, FINDING, "{}{}", ended.stdout, ended.stderr);
        for word in words {
            assert!(ended.stdout.contains(word), "{word:?} is not said in\n{}", ended.stdout);
        }
    }
    assert_eq!(tidewaiter(&["screen", "gb18401-2010-t1", "ph=7.5", "category=A"]).code, OK);
    let slip = tidewaiter(&["screen", "gb18401-2010-t1", "hp=7.5"]);
    assert_eq!(slip.code, USAGE);
    assert!(slip.stderr.contains("\"ph\" is meant perhaps"), "{}", slip.stderr);
    let json = tidewaiter(&["screen", "gb18401-2010-t1", "ph=7.6", "category=A", "--json"]);
    assert!(json.stdout.contains("\"rule\": \"simple, full\""), "{}", json.stdout);
}

#[test]
fn limit_tables_are_checked_shown_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.toml");
    fs::write(&path, "id = \"own\"\nedition = 1\n").unwrap();
    let ended = tidewaiter(&["limits", "check", path.to_str().unwrap()]);
    assert_eq!(ended.code, USAGE);
    assert!(ended.stdout.contains("bad.toml:2:11") && ended.stdout.contains("write:"), "{}", ended.stdout);
    let shown = tidewaiter(&["limits", "show", "vgm-cn", "--lang", "en"]);
    assert_eq!((shown.code, shown.stdout.contains("min(5 % of it, 1000)")), (OK, true), "{}", shown.stdout);
    let same = tidewaiter(&["limits", "diff", "vgm-cn", "2016", "vgm-cn", "2016", "--lang", "en"]);
    assert_eq!((same.code, same.stdout.trim()), (OK, "no difference"));
}

#[test]
fn verify_refuses_what_is_no_registry_and_names_a_broken_file() {
    let dir = tempfile::tempdir().unwrap();
    let registry = dir.path().join("registry.json");
    let file = dir.path().join("records");
    fs::write(&file, b"\xd2\x84 this is no record").unwrap();
    fs::write(&registry, "{}").unwrap();
    let (file, registry_path) = (file.to_str().unwrap(), registry.to_str().unwrap());
    let ended = tidewaiter(&["verify", file, "--registry", registry_path]);
    assert_eq!(ended.code, USAGE, "{}", ended.stderr);
    assert!(ended.stderr.contains("registry.json"), "{}", ended.stderr);

    fs::write(&registry, r#"{"version":1,"class":"test","keys":[]}"#).unwrap();
    let ended = tidewaiter(&["verify", file, "--registry", registry_path, "--json"]);
    assert_eq!(ended.code, FINDING, "{}{}", ended.stdout, ended.stderr);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["findings"][0]["code"], "malformed", "{report}");
}

#[test]
fn an_agent_without_instruments_runs_and_stops_in_order() {
    use std::{process::Command, time::Duration};
    use tidewaiter_tests::process::{Program, binary};
    let dir = tempfile::tempdir().unwrap();
    let path = site(dir.path(), SITE);
    assert_eq!(tidewaiter(&["keys", "init", "--config", &path]).code, OK);
    let mut agent = Program::start(
        Command::new(binary("tidewaiter").unwrap()).args(["run", "--config", &path]),
        &dir.path().join("log"),
    )
    .unwrap();
    agent.line("local interface", Duration::from_secs(20)).unwrap();
    let declared = tidewaiter(&["subject", "粤B12345", "axles=6", "--operator", "Li Na", "--config", &path]);
    assert_eq!(declared.code, OK, "{}{}", declared.stdout, declared.stderr);
    let wrong = tidewaiter(&["start", "bench-z", "--sample", "S-1", "--operator", "Li Na", "--config", &path]);
    assert_eq!(wrong.code, FINDING);
    assert!(wrong.stderr.contains("bench-z"), "{}", wrong.stderr);
    let status = tidewaiter(&["status", "--json", "--config", &path]);
    let report: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(report["not_recording"], serde_json::Value::Null);
    assert_eq!(report["counters"]["sealed"], 4, "genesis, configuration and limits in force, the subject: {report}");
    let version: serde_json::Value = serde_json::from_str(&tidewaiter(&["version", "--json"]).stdout).unwrap();
    assert_eq!((&report["software"], &report["software_hash"]), (&version["software"], &version["sha256"]));
    assert_eq!(version["sha256"].as_str().map(str::len), Some(64), "{version}");
    bring(dir.path(), &path);
    agent.terminate(Duration::from_secs(20)).unwrap();
    let log = tidewaiter(&["log", "--config", &path]);
    for sentence in ["stopped in order", "Li Na declared 粤B12345", "the chain begins"] {
        assert!(log.stdout.contains(sentence), "{sentence}: {}", log.stdout);
    }
    assert!(!log.stdout.contains("subject-posted"), "a machine word: {}", log.stdout);
    let log = tidewaiter(&["log", "--config", &path, "--json"]);
    assert!(log.stdout.contains("\"shutdown\"") && log.stdout.contains("subject-posted"), "{}", log.stdout);
}

/// A person attaches files to the running agent; some fit into a record, some do not, some are refused.
fn bring(dir: &Path, site: &str) {
    let by = |words: &[&str]| tidewaiter(&[&["evidence"], words, &["--config", site]].concat());
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let small = file("still.png", b"small enough for a record");
    let large = file("spectrum.n42", &vec![b'x'; 40_000]);
    let empty = file("empty.txt", b"");
    for (path, media, code) in [
        (&small, None, OK),
        (&large, None, OK),
        (&large, None, OK),
        (&empty, None, FINDING),
        (&small, Some("no media type"), FINDING),
    ] {
        let mut words = vec!["add", path, "--operator", "Li Na"];
        words.extend(media.into_iter().flat_map(|it| ["--media", it]));
        let ended = by(&words);
        assert_eq!(ended.code, code, "{words:?}: {}{}", ended.stdout, ended.stderr);
    }
    let nowhere = by(&["add", &small, "--operator", "Li Na", "--inspection", "lane-9-9-9"]);
    assert_eq!(nowhere.code, FINDING);
    assert!(nowhere.stderr.contains("no inspection \"lane-9-9-9\""), "{}", nowhere.stderr);
    let listed: Vec<serde_json::Value> =
        by(&["list", "--json"]).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<_> = listed.iter().map(|it| (it["media"].as_str().unwrap(), it["size"].as_u64().unwrap())).collect();
    assert_eq!(
        shown,
        [("image/png", 25), ("application/n42+xml", 40_000)],
        "attached twice, recorded once: {listed:?}"
    );
    assert_eq!(listed[1]["facts"]["operator"], "Li Na");
    for (it, content) in listed.iter().zip([&small, &large]) {
        let (sha256, out) = (it["sha256"].as_str().unwrap(), dir.join(format!("out-{}", it["seq"])));
        let got = by(&["get", sha256, "--out", out.to_str().unwrap()]);
        assert_eq!(got.code, OK, "{}", got.stderr);
        assert_eq!(fs::read(out).unwrap(), fs::read(content).unwrap());
    }
    let kept = dir.join("data/evidence").join(listed[1]["sha256"].as_str().unwrap());
    fs::write(&kept, "changed").unwrap();
    let out = dir.join("never");
    let changed = by(&["get", listed[1]["sha256"].as_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert!(changed.code == FINDING && changed.stderr.contains("has changed") && !out.exists(), "{}", changed.stderr);
}

/// A bench without any instrument: what a person reads and assesses is all there is.
const HAND: &str = r#"
[[rigs]]
id = "bench-h"
time_limit = "1 h"
[rigs.bench]
procedure = "textile-bench"
trigger = "operator"
[[rigs.bench.quantities]]
parameter = "formaldehyde"
source = "operator"
unit = "mg/kg"
replicates = 2
[[rigs.bench.quantities]]
parameter = "fastness-water"
source = "operator"
[[rigs.judge]]
table = "gb18401-2010-t1"
parameters = ["formaldehyde", "fastness-water"]
"#;

#[test]
fn values_typed_by_a_person_become_a_record_and_a_drill_is_told() {
    use std::{process::Command, time::Duration};
    use tidewaiter_tests::process::{Program, binary};
    let dir = tempfile::tempdir().unwrap();
    let path = site(dir.path(), &format!("{SITE}{HAND}"));
    assert_eq!(tidewaiter(&["keys", "init", "--config", &path]).code, OK);
    let mut agent = Program::start(
        Command::new(binary("tidewaiter").unwrap()).args(["run", "--config", &path]),
        &dir.path().join("log"),
    )
    .unwrap();
    agent.line("local interface", Duration::from_secs(20)).unwrap();
    let by =
        |words: &[&str], operator: &str| tidewaiter(&[words, &["--operator", operator, "--config", &path]].concat());
    let done = |words: &[&str]| {
        let ended = by(words, "Li Na");
        assert_eq!(ended.code, OK, "{words:?}: {}{}", ended.stdout, ended.stderr);
    };
    let refused = |words: &[&str], says: &str| {
        let ended = by(words, "Li Na");
        assert_eq!(ended.code, FINDING, "{words:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    };
    done(&["subject", "S-1", "category=B"]);
    refused(&["enter", "bench-h", "fastness-water=3-4"], "is idle");
    done(&["drill", "on", "--place", "bench-h"]);
    refused(&["drill", "on", "--place", "bench-h"], "already on");
    refused(&["drill", "on", "--place", "bench-x"], "no lane or rig");
    let status = tidewaiter(&["status", "--config", &path]);
    assert!(status.stdout.contains("DRILL at bench-h, ordered by Li Na"), "{}", status.stdout);
    done(&["start", "bench-h", "--sample", "S-1"]);
    done(&["drill", "off", "--place", "bench-h"]);
    refused(&["enter", "bench-h", "fastness-water=a lot"], "type a number");
    refused(&["enter", "bench-h", "fastness=3-4"], "typed are formaldehyde, fastness-water");
    assert_eq!(tidewaiter(&["enter", "bench-h", "3-4", "--operator", "Li Na", "--config", &path]).code, USAGE);
    done(&["enter", "bench-h", "formaldehyde=70.1", "fastness-water=3-4"]);
    done(&["enter", "bench-h", "formaldehyde=70.2 mg/kg"]);
    agent.terminate(Duration::from_secs(20)).unwrap();
    let records = tidewaiter(&["export", "--format", "jsonl", "--personal", "--config", &path]);
    let told: Vec<serde_json::Value> = records.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = records.stdout.lines().find(|line| line.contains("textile-bench")).unwrap_or_else(|| panic!("{told:?}"));
    for word in [
        "S-1",
        "70.15",
        "mean of 2: 70.1, 70.2, entered by Li Na",
        "\"drill\":true",
        "\"operator\":\"Li Na\"",
        "\"Pass\"",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}
