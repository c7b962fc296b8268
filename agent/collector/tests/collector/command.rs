//! The program as a process: exit codes, and what is printed where.

use std::{
    path::Path,
    process::{Command, Output},
};

use tidewaiter_collector::SqliteStore;

use tidewaiter_record::RegistryClass;

use crate::writer::{NOW, Writer, core_on, event, registry};

pub(crate) fn collector(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidewaiter-collector"))
        .current_dir(folder)
        .args(line.split_whitespace())
        .env_remove("TIDEWAITER_COLLECTOR_CONFIG")
        .env("RUST_LOG", "off")
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn exit_codes_tell_usage_finding_and_environment_apart() {
    let folder = tempfile::tempdir().unwrap();
    let check = |line: &str, code: i32, word: &str| {
        let output = collector(folder.path(), line);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(word), "{line}: {said}");
    };
    check("--help", 0, "Examples:");
    check("--help", 0, "Exit codes: 0 ok");
    check("dance", 2, "dance");
    check("status", 2, "--config");
    check("run --config none.toml", 2, "none.toml");
    check("status --store none.db", 3, "none.db");
    std::fs::write(folder.path().join("bad.toml"), "version = 1\nbroker = 3\n").unwrap();
    check("run --config bad.toml", 2, "bad.toml:2:10");
    std::fs::write(folder.path().join("text.db"), "no database, but long enough to be taken for one").unwrap();
    check("status --store text.db", 3, "store");

    let path = folder.path().join("collector.db");
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(SqliteStore::open(&path).unwrap(), &[&agent]);
    agent.begin(&mut core);
    let fork = agent.head;
    for sealed in agent.events(3) {
        core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap();
    }
    check("status --store collector.db", 0, "gate-07");
    core.accept(&agent.topic(), &agent.seal_at(&fork, event("other")).bytes, NOW).unwrap();
    // While a collector has it open.
    check("status --store collector.db", 1, "bad: equivocation");
    let output = collector(folder.path(), "status --store collector.db --json");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["chains"][0]["receipted_upto"], &json["summary"]["equivocations"]), (&3.into(), &1.into()));
    let incident = &json["incidents"][0];
    assert_eq!(
        (&incident["kind"], incident["what"].as_str().map(|it| it.starts_with("two boxes sign as "))),
        (&"fork".into(), Some(true))
    );
    check("export --store collector.db --format csv", 0, "gate-07");
    check("export --store collector.db --format cborseq --out out.cborseq", 0, "");
    assert!(folder.path().join("out.cborseq").metadata().unwrap().len() > 300);
    check("export --store collector.db --format parquet", 2, "cborseq");
    // Events alone: nothing was presented, and nothing of nothing is a rate.
    check("stats --store collector.db --language en", 0, "– 0/0");
    check("stats --store collector.db --by weather", 2, "hazard");
    let output = collector(folder.path(), "stats --store collector.db --by place --json");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["total"]["presented"], &json["by"]), (&0.into(), &"place".into()));
}

#[test]
fn keys_are_made_once_and_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let made = collector(folder.path(), "keys init --out centre --class test --json");
    let json: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let key = folder.path().join("centre/centre.key");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let registry = std::fs::read_to_string(folder.path().join("centre/registry.json")).unwrap();
    assert!(registry.contains(json["kid"].as_str().unwrap()) && registry.contains("\"test\""));
    let before = std::fs::read(&key).unwrap();
    assert_eq!(collector(folder.path(), "keys init --out centre").status.code(), Some(2));
    assert_eq!(std::fs::read(&key).unwrap(), before);
    std::fs::write(folder.path().join("broken.json"), "{").unwrap();
    assert_eq!(collector(folder.path(), "keys add --registry centre/registry.json broken.json").status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(folder.path().join("centre/registry.json")).unwrap(), registry);
}

#[test]
fn a_run_without_its_broker_ends_cleanly_on_sigterm() {
    use std::{
        io::{BufRead as _, BufReader, Read as _},
        os::unix::fs::PermissionsExt as _,
    };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(collector(folder.path(), "keys init --out . --class test").status.code(), Some(0));
    let config = "version = 1\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[store]\npath = \"collector.db\"\n\
                  [centre]\nkey = \"centre.key\"\nregistry = \"registry.json\"\n[output]\nlanguage = \"en\"\n";
    std::fs::write(folder.path().join("collector.toml"), config).unwrap();
    let mode = |mode| {
        let rights = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join("centre.key"), rights).unwrap();
    };
    mode(0o640);
    let exposed = collector(folder.path(), "run --config collector.toml");
    assert_eq!(exposed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&exposed.stderr).contains("chmod 600"));
    mode(0o600);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidewaiter-collector"))
        .current_dir(folder.path())
        .args(["run", "--config", "collector.toml"])
        .env("RUST_LOG", "info")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The first failed attempt to connect shows that it is at work, its signal handlers included.
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.next().unwrap().contains("127.0.0.1:1"));
    assert!(log.by_ref().any(|it| it.contains("disconnected")));
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(said.contains("receipted 0, bad 0, gaps 0"), "{said}");
}

#[test]
fn a_proof_is_written_and_checked_and_the_log_answers() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let path = at.join("collector.db");
    let said = |line: &str, code: i32| {
        let output = collector(at, line);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        said
    };
    let check = |line: &str, code: i32, word: &str| {
        let said = said(line, code);
        assert!(said.contains(word), "{line}: {said}");
    };
    let mut agent = Writer::new("gate-07", 1);
    let chain = agent.chain();
    std::fs::write(at.join("registry.json"), registry(RegistryClass::Test, &[&agent]).to_json()).unwrap();
    let mut core = core_on(SqliteStore::open(&path).unwrap(), &[&agent]);
    let sealed = agent.events(7);
    for (n, it) in (0..).zip(&sealed[..6]) {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
        core.issue_head(0, NOW + n).unwrap();
    }
    core.accept(&agent.topic(), &sealed[6].bytes, NOW).unwrap();
    std::fs::write(at.join("3.record"), &sealed[3].bytes).unwrap();
    check(&format!("prove --store collector.db --chain {chain} --seq 3 --out proof.cbor"), 0, "");
    check(
        "prove --check proof.cbor --registry registry.json --record 3.record",
        0,
        "is leaf 3 of the log of centre centre: head 5",
    );
    check("prove --check proof.cbor --registry registry.json --json", 0, "\"included\":true");
    check(&format!("prove --store collector.db --chain {chain} --seq 3 --json"), 0, "\"index\":3");
    check(&format!("prove --store collector.db --chain {chain} --seq 6 --json"), 1, "no signed head covers it yet");
    check(&format!("prove --store collector.db --chain {chain} --seq 9 --json"), 1, "is not in the log");
    check(&format!("prove --store collector.db --chain {chain} --seq 3"), 2, "--out");
    check(&format!("prove --chain {chain} --seq 3 --json"), 2, "--store");
    check("prove --check proof.cbor", 2, "--registry");
    check("prove --check 3.record --registry registry.json", 1, "proof");
    std::fs::write(at.join("other.record"), &sealed[2].bytes).unwrap();
    check("prove --check proof.cbor --registry registry.json --record other.record", 1, "the proof is about");
    let mut changed = std::fs::read(at.join("proof.cbor")).unwrap();
    changed[40] ^= 1;
    std::fs::write(at.join("changed.cbor"), changed).unwrap();
    check("prove --check changed.cbor --registry registry.json", 1, "is not in the log of head 5");

    check("log heads --store collector.db", 0, "number");
    assert_eq!(said("log heads --store collector.db --json --last 2", 0).lines().count(), 2);
    check("log check --store collector.db", 0, "everything agrees");
    check("log check --store collector.db --registry registry.json --json", 0, "\"bad\":0");
    check("log consistency 1 4 --store collector.db --out consistency.cbor", 0, "");
    check("log consistency 4 1 --store collector.db --out other.cbor", 2, "write the earlier one first");
    check("log consistency 1 40 --store collector.db --out other.cbor", 2, "no head 40");
    check("status --store collector.db", 0, "log: 7 leaves, head 5 over 6 of them");
    let proof = tidewaiter_record::Consistency::read(&std::fs::read(at.join("consistency.cbor")).unwrap()).unwrap();
    proof.check(&registry(RegistryClass::Test, &[&agent])).unwrap();

    // A gap and evidence that has not come are told of.
    let mut far = agent.head;
    far.next_seq += 3;
    core.accept(&agent.topic(), &agent.seal_at(&far, event("far")).bytes, NOW).unwrap();
    check("status --store collector.db", 1, "gap: gate-07: records 7 to 9 are missing");
    check("log --help", 0, "Exit codes");
    drop(core);

    // After a backup was restored, numbers go on above what was seen.
    let pem = crate::writer::centre_signer().to_pkcs8_pem().unwrap();
    std::fs::write(at.join("centre.key"), pem.as_bytes()).unwrap();
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(at.join("centre.key"), owner_only).unwrap();
    let config = "version = 1\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[store]\npath = \"collector.db\"\n[centre]\nkey = \"centre.key\"\nregistry = \"registry.json\"\n";
    std::fs::write(at.join("collector.toml"), config).unwrap();
    check("log raise --config collector.toml --above 4711", 0, "head 4712 issued over 7 leaves");
    check("log check --config collector.toml", 0, "the newest has number 4712\n");
    check("keys export --config collector.toml", 0, "\"class\": \"test\"");
    check("export --store collector.db --evidence evidence", 0, "");
    check("export --store collector.db", 2, "--format");
}

/// A token of its own for one test, and what `keys init` needs to use it.
#[cfg(feature = "pkcs11")]
fn token(folder: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let module = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"]
        .into_iter()
        .find(|it| Path::new(it).exists())
        .expect("libsofthsm2.so is missing: apt-get install softhsm2");
    std::fs::create_dir(folder.join("tokens")).unwrap();
    let config = format!("directories.tokendir = {}\n", folder.join("tokens").display());
    std::fs::write(folder.join("softhsm2.conf"), config).unwrap();
    let made = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .args(["--init-token", "--free", "--label", "centre", "--pin", "4711", "--so-pin", "5678"])
        .output()
        .expect("softhsm2-util is missing: apt-get install softhsm2");
    assert!(made.status.success(), "{made:?}");
    std::fs::write(folder.join("token.pin"), "4711\n").unwrap();
    std::fs::set_permissions(folder.join("token.pin"), std::fs::Permissions::from_mode(0o600)).unwrap();
    format!("--pkcs11 {module} --token centre --pin-file token.pin")
}

#[cfg(feature = "pkcs11")]
#[test]
fn the_centre_starts_with_its_key_in_a_token() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let options = token(folder.path());
    let run = |line: &str| {
        Command::new(env!("CARGO_BIN_EXE_tidewaiter-collector"))
            .current_dir(folder.path())
            .env("SOFTHSM2_CONF", folder.path().join("softhsm2.conf"))
            .args(line.split_whitespace())
            .output()
            .unwrap()
    };
    let made = run(&format!("keys init --out . --class test --algorithm es256 {options}"));
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(!folder.path().join("centre.key").exists() && !said.contains("4711"), "{said}");
    let (_, table) = said.split_once('\n').unwrap();
    let config = format!(
        "version = 1\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[store]\npath = \"collector.db\"\n\
         [centre]\nregistry = \"registry.json\"\n{table}"
    );
    std::fs::write(folder.path().join("collector.toml"), &config).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidewaiter-collector"))
        .current_dir(folder.path())
        .env("SOFTHSM2_CONF", folder.path().join("softhsm2.conf"))
        .env("RUST_LOG", "info")
        .args(["run", "--config", "collector.toml"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.by_ref().any(|it| it.contains("disconnected")));
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));

    // Another key than the registry's is refused, and so is a PIN that others may read.
    std::fs::write(folder.path().join("collector.toml"), config.replace("kid = \"", "kid = \"00000000")).unwrap();
    assert_eq!(run("run --config collector.toml").status.code(), Some(2));
}
