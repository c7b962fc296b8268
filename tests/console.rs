//! The command lines as a shell meets them: exit codes, languages, colours, pipes, manual pages, and what leaves the machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tidewaiter_tests::{
    process::{Ended, Program, binary, run, run_own, run_own_in, until},
    stand::BARE_SITE as SITE,
    tool::installed,
};

const OK: i32 = 0;
const FINDING: i32 = 1;
const USAGE: i32 = 2;
const ENVIRONMENT: i32 = 3;

fn tidewaiter(args: &[&str]) -> Ended {
    run_own("tidewaiter", args).unwrap()
}

fn file(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_situation_has_its_exit_code_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let site = file(dir.path(), "site.toml", SITE);
    let empty = file(dir.path(), "empty.toml", "");
    let binary = file(dir.path(), "binary.toml", [0xff_u8, 0xfe, 0, 1, 2, 0x80]);
    let bundle = dir.path().join("there.tar.gz");
    fs::write(&bundle, "kept").unwrap();
    let (bundle, folder) = (bundle.to_str().unwrap(), dir.path().to_str().unwrap());
    let registry = file(dir.path(), "registry.json", r#"{"version":1,"class":"test","keys":[]}"#);
    // What is called, the exit code, and what must be said.
    let rows: &[(&[&str], i32, &str)] = &[
        (&["check", &site], OK, "0 instruments"),
        (&["check", folder], USAGE, folder),
        (&["check", &empty], USAGE, "empty.toml"),
        (&["check", &binary], USAGE, "binary.toml"),
        (&["check", "/nowhere/site.toml"], USAGE, "/nowhere/site.toml"),
        (&["no-such-command"], USAGE, "no-such-command"),
        (&["check"], USAGE, "SITE"),
        (&["--lang", "de", "check", &site], USAGE, "zh-CN or en"),
        (&["status"], USAGE, "--data-dir"),
        (&["status", "--data-dir", "/nowhere"], ENVIRONMENT, "/nowhere"),
        (&["status", "--watch", "--json", "--config", &site], USAGE, "cannot be used"),
        (&["log", "--data-dir", folder], ENVIRONMENT, "outbox"),
        (&["show", "1", "--data-dir", folder], ENVIRONMENT, "outbox"),
        (&["export", "--data-dir", "/nowhere"], ENVIRONMENT, "/nowhere"),
        (&["fsck", "/nowhere"], ENVIRONMENT, "/nowhere"),
        (&["salvage", "/nowhere", "--out", "/nowhere/x"], ENVIRONMENT, "/nowhere"),
        (&["verify", "/nowhere", "--registry", &registry], ENVIRONMENT, "/nowhere"),
        (&["verify", &empty, "--registry", &empty], USAGE, "empty.toml"),
        (&["recompute", "/nowhere"], ENVIRONMENT, "/nowhere"),
        (&["run", "--config", &site], ENVIRONMENT, "keys init"),
        (&["keys", "show", "--config", &site], ENVIRONMENT, "keys init"),
        (&["read", "scale-9", "--config", &site], USAGE, "scale-9"),
        (&["try", "/nowhere.toml"], ENVIRONMENT, "/nowhere.toml"),
        (&["try", &empty], FINDING, "empty.toml"),
        (&["listen", "--file", "/nowhere"], ENVIRONMENT, "/nowhere"),
        (&["listen"], USAGE, "TARGET"),
        (&["probe", "tcp://127.0.0.1:1"], ENVIRONMENT, "127.0.0.1:1"),
        (&["probe", "ftp://x"], USAGE, "ftp"),
        (&["screen", "no-table", "ph=7"], USAGE, "limits show"),
        (&["screen", "gb18401-2010-t1", "ph=9", "category=A"], FINDING, "Fail (pre-screen)"),
        (&["limits", "show", "vgm-cm"], USAGE, "vgm-cn"),
        (&["limits", "diff", "vgm-cn", "2016"], USAGE, "vgm-cn"),
        (&["plan", "show"], USAGE, "--config SITE"),
        (&["stats", "--from", "2026-02-01", "--to", "2026-01-01", "--data-dir", folder], USAGE, "is before"),
        (&["evidence", "get", "xx", "--out", "y", "--data-dir", folder], USAGE, "xx"),
        (&["start", "bench", "--sample", "S", "--operator", "Li", "--config", &site], ENVIRONMENT, "tidewaiter run"),
        (&["new", "site", "--from", "castle"], USAGE, "textile-lab"),
        (&["new", "site", "--from", "lane", "--site", "a b"], USAGE, "a b"),
        (&["new", "site", "--from", "lane", "--out", &site], ENVIRONMENT, "exists"),
        (&["doctor", "--config", &empty], FINDING, "empty.toml"),
        (&["doctor", "--offline", "--config", &site, "--out", bundle], ENVIRONMENT, "exists"),
        (&["completions", "tcsh"], USAGE, "bash"),
        (&["man", "--out", &site], ENVIRONMENT, "site.toml"),
    ];
    for (args, code, words) in rows {
        let ended = tidewaiter(args);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, *code, "{args:?}\n{said}");
        assert!(said.contains(words), "{words:?} is not said by {args:?}\n{said}");
        assert!(!said.contains("panicked"), "{args:?}\n{said}");
    }
    assert_eq!(fs::read_to_string(bundle).unwrap(), "kept");
    for (program, args, code, words) in [
        ("tidewaiter-collector", &["status", "--store", "/nowhere.db"][..], ENVIRONMENT, "/nowhere.db"),
        ("tidewaiter-collector", &["run", "--config", &empty], USAGE, "empty.toml"),
        ("tidewaiter-collector", &["no-such"], USAGE, "no-such"),
        ("tidewaiter-sim", &["run", "no-such-scene"], USAGE, "no-such-scene"),
        ("tidewaiter-sim", &["judge", &empty, &empty], USAGE, "oracle"),
        ("tidewaiter-sim", &["judge", "/nowhere", &empty], ENVIRONMENT, "/nowhere"),
        ("tidewaiter-sim", &["replay", &empty], USAGE, "nothing to play"),
        ("tidewaiter-sim", &["record", "ftp://x", "--out", "/nowhere/x"], USAGE, "tcp://"),
        ("tidewaiter-sim", &["record", "tcp://127.0.0.1:1", "--out", "/nowhere/x"], ENVIRONMENT, "127.0.0.1:1"),
    ] {
        let ended = run_own(program, args).unwrap();
        assert_eq!(ended.code, code, "{program} {args:?}\n{}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(words), "{words:?} is not said by {program} {args:?}\n{}", ended.stderr);
    }
}

#[test]
fn a_new_site_passes_check_at_once() {
    let dir = tempfile::tempdir().unwrap();
    for kind in ["lane", "textile-lab", "tyre-lab", "radiation-lab", "materials-lab"] {
        let path = dir.path().join(format!("{kind}.toml"));
        let path = path.to_str().unwrap();
        let made = tidewaiter(&["new", "site", "--from", kind, "--site", "yantian", "--agent", "lab-2", "--out", path]);
        assert_eq!(made.code, OK, "{}", made.stderr);
        let checked = tidewaiter(&["check", path, "--offline"]);
        assert_eq!(checked.code, OK, "{kind}: {}{}", checked.stdout, checked.stderr);
        let text = fs::read_to_string(path).unwrap();
        assert!(
            text.contains("id = \"yantian\"") && text.contains("agent = \"lab-2\"") && text.contains("# "),
            "{text}"
        );
        let bench = tidewaiter(&["new", "site", "--from", kind, "--simulator"]);
        let bench_path = file(dir.path(), "bench.toml", &bench.stdout);
        assert!(bench.stdout.contains("tidewaiter-sim run") && !bench.stdout.contains("\n[uplink"), "{}", bench.stdout);
        assert_eq!(tidewaiter(&["check", &bench_path, "--offline"]).code, OK, "{kind}");
        // The scene that the notes name is one of the simulator's.
        let scene = bench.stdout.split("tidewaiter-sim run ").nth(1).and_then(|it| it.split(' ').next()).unwrap();
        let list = run_own("tidewaiter-sim", ["list"]).unwrap();
        assert!(list.stdout.lines().any(|line| line == scene), "{scene}");
    }
}

#[test]
fn the_locale_chooses_the_language_and_machines_see_none() {
    let dir = tempfile::tempdir().unwrap();
    let site = file(dir.path(), "site.toml", SITE);
    let chinese = |text: &str| text.chars().any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it));
    let say = |locale: &str, args: &[&str]| run_own_in(locale, "tidewaiter", args).unwrap();
    // A locale, what is called, whether it answers in Chinese.
    for (locale, args, expected) in [
        ("zh_CN.UTF-8", &["check", &site][..], true),
        ("C", &["check", &site], false),
        ("en_GB.UTF-8", &["check", &site], false),
        ("zh_CN.UTF-8", &["--lang", "en", "check", &site], false),
        ("C", &["check", &site, "--lang", "zh-CN"], true),
        ("zh_CN.UTF-8", &["--help"], true),
        ("C", &["--help"], false),
        ("zh_CN.UTF-8", &["keys", "init", "--help"], true),
        ("zh_CN.UTF-8", &["status"], true),
        ("zh_CN.UTF-8", &["doctor", "--offline", "--config", &site], true),
        ("C", &["doctor", "--offline", "--config", &site], false),
    ] {
        let ended = say(locale, args);
        // The site's own name is Chinese in every language.
        let said = format!("{}{}", ended.stdout, ended.stderr).replace("七号闸口", "");
        assert_eq!(chinese(&said), expected, "{locale} {args:?}\n{said}");
        assert_eq!(ended.code, say("C", args).code, "the exit code knows no language: {args:?}");
    }
    for args in [&["version", "--json"][..], &["limits", "diff", "vgm-cn", "2016", "vgm-cn", "2016", "--json"]] {
        assert_eq!(say("zh_CN.UTF-8", args).stdout, say("C", args).stdout, "{args:?}");
    }
    let sim = run_own_in("zh_CN.UTF-8", "tidewaiter-sim", ["--help"]).unwrap();
    let centre = run_own_in("zh_CN.UTF-8", "tidewaiter-collector", ["--help"]).unwrap();
    assert!(chinese(&sim.stdout) && chinese(&centre.stdout));
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    for (program, args) in [
        ("tidewaiter", "limits show --json"),
        ("tidewaiter", "--help"),
        ("tidewaiter", "completions bash"),
        ("tidewaiter", "man"),
        ("tidewaiter-collector", "completions bash"),
        ("tidewaiter-sim", "completions bash"),
    ] {
        let program = binary(program).unwrap();
        // The reader is gone before the first byte.
        let line = format!("set -o pipefail; {} {args} | true", program.display());
        let ended = run(Command::new("bash").args(["-c", &line])).unwrap();
        assert!(ended.stderr.is_empty() && ended.code == OK, "{line}: {} {}", ended.code, ended.stderr);
    }
}

/// A terminal, by `script` of util-linux.
fn on_a_terminal(line: &str, variables: &[(&str, &str)]) -> String {
    let script = installed("script", "bsdutils");
    let Some(script) = script else { return String::new() };
    let mut command = Command::new(script);
    command.args(["-qec", line, "/dev/null"]).env("TERM", "xterm").env("LC_ALL", "C").env_remove("NO_COLOR");
    command.envs(variables.iter().copied());
    run(&mut command).unwrap().stdout
}

#[test]
fn colours_are_for_terminals_and_never_the_only_sign() {
    let dir = tempfile::tempdir().unwrap();
    let site = file(dir.path(), "site.toml", SITE);
    let program = binary("tidewaiter").unwrap();
    let doctor = format!("{} doctor --offline --config {site}", program.display());
    let coloured = on_a_terminal(&doctor, &[]);
    assert!(coloured.contains("\u{1b}[") && coloured.contains("FAIL") && coloured.contains("warn"), "{coloured:?}");
    for (line, variables) in [
        (doctor.clone(), &[("NO_COLOR", "1")][..]),
        (doctor.clone(), &[("TERM", "dumb")]),
        (format!("{doctor} --color never"), &[]),
        (format!("{doctor} | cat"), &[]),
    ] {
        let plain = on_a_terminal(&line, variables);
        assert!(!plain.contains('\u{1b}') && plain.contains("FAIL"), "{line}: {plain:?}");
    }
    let forced = tidewaiter(&["doctor", "--offline", "--config", &site, "--color", "always"]);
    assert!(forced.stdout.contains("\u{1b}[31m") || forced.stdout.contains("\u{1b}[1m"), "{}", forced.stdout);
}

#[test]
fn completions_and_manual_pages_are_what_shell_and_formatter_take() {
    let dir = tempfile::tempdir().unwrap();
    for (program, command) in
        [("tidewaiter", "follow-up"), ("tidewaiter-collector", "archive"), ("tidewaiter-sim", "judge")]
    {
        for shell in ["bash", "zsh", "fish"] {
            let script = run_own(program, ["completions", shell]).unwrap();
            assert!(script.code == OK && script.stdout.contains(command), "{program} {shell}");
            if shell == "bash" {
                let path = file(dir.path(), "completion.bash", &script.stdout);
                let read = run(Command::new("bash").args(["-n", &path])).unwrap();
                assert_eq!((read.code, read.stderr.as_str()), (OK, ""), "{program}");
            }
        }
        let pages = dir.path().join(format!("man-{program}"));
        let made = run_own(program, ["man", "--out", pages.to_str().unwrap()]).unwrap();
        assert_eq!(made.code, OK, "{}", made.stderr);
        for name in [program.to_owned(), format!("{program}-{command}")] {
            let page = fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
            assert!(page.contains(&format!(".TH {name} 1")) && page.contains("SYNOPSIS"), "{name}: {page}");
        }
        let files = fs::read_dir(&pages).unwrap().count();
        assert_eq!(made.stdout.lines().count(), files);
        assert!(!pages.join(format!("{program}-help.1")).exists());
    }
}

/// What must never leave the machine: planted wherever a secret may stand.
const PLANTED: [&str; 12] = [
    "hunter2-note",
    "hunter2-broker",
    "hunter2-camera",
    "hunter2-token",
    "hunter2-key",
    "hunter2-users",
    "hunter2-local",
    "hunter2-enrol",
    "hunter2-evidence",
    "B12345",
    "D99999",
    "Wang Xiaoming",
];

#[test]
fn what_goes_to_support_holds_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let site = file(dir.path(), "site.toml", SITE);
    assert_eq!(tidewaiter(&["keys", "init", "--config", &site]).code, OK);
    let data = dir.path().join("data");
    for (name, text) in [
        ("users.toml", "[[users]]\nname = \"Wang Xiaoming\"\npassword = \"hunter2-users\"\n"),
        ("local.key", "hunter2-local"),
        ("enrol.json", "{\"pending\":\"hunter2-enrol\"}"),
        ("粤B12345.hold", "hunter2-evidence"),
    ] {
        fs::write(data.join(name), text).unwrap();
    }
    let mut agent = Program::start(
        Command::new(binary("tidewaiter").unwrap()).args(["run", "--config", &site]),
        &dir.path().join("log"),
    )
    .unwrap();
    agent.line("local interface", Duration::from_secs(30)).unwrap();
    let declared =
        tidewaiter(&["subject", "粤B12345", "trailer=粤D99999", "--operator", "Wang Xiaoming", "--config", &site]);
    assert_eq!(declared.code, OK, "{}", declared.stderr);
    let out = dir.path().join("support.tar.gz");
    let ended = tidewaiter(&["doctor", "--config", &site, "--out", out.to_str().unwrap()]);
    assert!(ended.stderr.contains("support.tar.gz"), "{}{}", ended.stdout, ended.stderr);
    let unpacked = unpacked(&out, &dir.path().join("first"));
    for name in ["doctor.json", "site.toml", "status.json", "records.txt", "files.txt", "system.txt", "version.json"] {
        assert!(unpacked.join(name).is_file(), "{name} is not in the bundle");
    }
    clean(&unpacked);
    let records = fs::read_to_string(unpacked.join("records.txt")).unwrap();
    assert!(records.contains("genesis") && records.contains("subject-posted"), "{records}");
    let told = fs::read_to_string(unpacked.join("site.toml")).unwrap();
    assert!(told.contains("gate-07") && told.contains("64 MiB"), "the bundle still tells what is configured: {told}");
    agent.terminate(Duration::from_secs(20)).unwrap();

    // A file that the agent refuses goes through the same sieve: keys of a later version, of a typing error, of a paste.
    let key = fs::read_to_string(data.join("agent.key")).unwrap_or_default();
    let bad = format!(
        "{SITE}# wifi: hunter2-note\n[uplink]\nbroker = \"mqtts://gate:hunter2-broker@broker.example:8883\"\n\
         [[cameras]]\nurl = \"rtsp://admin:hunter2-camera@10.0.0.9/1\"\napi_token = \"hunter2-token\"\n\
         pasted = \"\"\"-----BEGIN PRIVATE KEY-----\nhunter2-key\n-----END PRIVATE KEY-----\n{key}\"\"\"\n"
    );
    let bad = file(dir.path(), "bad.toml", bad);
    let out = dir.path().join("second.tar.gz");
    let ended = tidewaiter(&["doctor", "--offline", "--config", &bad, "--out", out.to_str().unwrap()]);
    assert_eq!(ended.code, FINDING, "{}", ended.stdout);
    clean(&self::unpacked(&out, &dir.path().join("second")));
    // No TOML at all: nobody can say what in it is secret.
    let torn = file(dir.path(), "torn.toml", "password = hunter2-note\n\"unclosed");
    let out = dir.path().join("third.tar.gz");
    tidewaiter(&["doctor", "--offline", "--config", &torn, "--out", out.to_str().unwrap()]);
    clean(&self::unpacked(&out, &dir.path().join("third")));
}

/// Unpacks with the system's own tools, as support would.
fn unpacked(bundle: &Path, to: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(fs::metadata(bundle).unwrap().permissions().mode() & 0o777, 0o600);
    fs::create_dir(to).unwrap();
    let ended = run(Command::new("tar").arg("-xzf").arg(bundle).arg("-C").arg(to)).unwrap();
    assert_eq!(ended.code, OK, "{}", ended.stderr);
    to.join("tidewaiter-support")
}

fn clean(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
        for secret in PLANTED {
            assert!(!text.contains(secret), "{secret} stands in {}:\n{text}", entry.path().display());
        }
        assert!(!text.contains("PRIVATE KEY"), "{}", entry.path().display());
    }
}

#[test]
fn a_capture_made_from_a_port_names_its_protocol_and_is_played_again() {
    let dir = tempfile::tempdir().unwrap();
    let capture = file(dir.path(), "scale.bin", "ST,GS,+0012.50kg\r\n".repeat(40));
    let player = Program::start(
        Command::new(binary("tidewaiter-sim").unwrap()).args(["replay", &capture, "--baud", "115200", "--for", "120s"]),
        &dir.path().join("replay.log"),
    )
    .unwrap();
    let told = || fs::read_to_string(dir.path().join("replay.out")).ok()?.lines().next().map(str::to_owned);
    let address = until("the address of the player", Duration::from_secs(60), told).unwrap();
    let copy = dir.path().join("copy.bin");
    let copy = copy.to_str().unwrap();
    let recorded = run_own("tidewaiter-sim", ["record", address.trim(), "--out", copy, "--for", "20s"]).unwrap();
    assert_eq!(recorded.code, OK, "{}", recorded.stderr);
    assert_eq!(fs::read(copy).unwrap(), fs::read(&capture).unwrap());
    let named = tidewaiter(&["listen", "--file", copy]);
    assert_eq!(named.code, OK, "{}{}", named.stdout, named.stderr);
    player.terminate(Duration::from_secs(10)).unwrap();
}
