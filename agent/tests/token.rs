//! The agent with its key in a PKCS#11 token, as processes on `SoftHSM` 2 (Debian package `softhsm2`).

#![cfg(feature = "pkcs11")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tidewaiter_record::{Algorithm, Registry};

const MODULES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];

/// Start, store, and a clean stop of a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Gate {
    dir: tempfile::TempDir,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Gate {
    fn new(keys: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("tokens")).unwrap();
        let gate = Self { dir };
        let config = format!("directories.tokendir = {}\nlog.level = ERROR\n", gate.path("tokens").display());
        fs::write(gate.path("softhsm2.conf"), config).unwrap();
        let made = Command::new("softhsm2-util")
            .env("SOFTHSM2_CONF", gate.path("softhsm2.conf"))
            .args(["--init-token", "--free", "--label", "gate", "--pin", "pin4711", "--so-pin", "5678"])
            .output()
            .expect("softhsm2-util is missing: apt-get install softhsm2");
        assert!(made.status.success(), "{made:?}");
        gate.pin("pin4711\n", 0o600);
        gate.site(keys);
        gate
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn pin(&self, text: &str, mode: u32) {
        let path = self.path("token.pin");
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn site(&self, keys: bool) {
        let module =
            MODULES.iter().find(|it| fs::exists(it).unwrap()).expect("libsofthsm2.so: apt-get install softhsm2");
        let keys = if keys {
            format!("[keys]\nkind = \"pkcs11\"\nmodule = \"{module}\"\ntoken = \"gate\"\npin_file = \"token.pin\"\n")
        } else {
            String::new()
        };
        let site = format!(
            "version = 1\n[site]\nid = \"yard\"\nagent = \"gate-7\"\nname = \"gate\"\n[store]\ndir = \"data\"\n{keys}\
             [local]\nlisten = \"127.0.0.1:0\"\n"
        );
        fs::write(self.path("site.toml"), site).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidewaiter"));
        command
            .current_dir(self.dir.path())
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .env_remove("CREDENTIALS_DIRECTORY")
            .args(line.split_whitespace());
        command
    }

    fn tidewaiter(&self, line: &str) -> Said {
        let done = self.command(line).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said = Said { code: done.status.code().unwrap(), out: text(done.stdout), err: text(done.stderr) };
        assert!(!said.out.contains("pin4711") && !said.err.contains("pin4711"), "{line} tells the PIN");
        said
    }

    /// Runs a command that has to succeed.
    fn done(&self, line: &str) -> String {
        let said = self.tidewaiter(line);
        assert_eq!(said.code, 0, "{line}: {}{}", said.out, said.err);
        said.out
    }

    fn registry(&self) -> Registry {
        Registry::from_json(&fs::read_to_string(self.path("data/agent.registry.json")).unwrap()).unwrap()
    }

    /// Keeps what a centre is given when the agent is enrolled: the first key alone.
    fn enrolled(&self) {
        fs::copy(self.path("data/agent.registry.json"), self.path("first.json")).unwrap();
    }

    /// Exports the whole chain and puts it to both verifiers: with what the agent says of its keys now, and with the
    /// first key alone, from which the later ones follow.
    fn verified(&self) {
        self.done("export --config site.toml --out chain.cborseq");
        let python = python();
        let second = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/verify.py");
        for registry in ["data/agent.registry.json", "first.json"] {
            self.done(&format!("verify chain.cborseq --registry {registry}"));
            let said = Command::new(&python)
                .arg(&second)
                .current_dir(self.dir.path())
                .args(["--registry", registry, "chain.cborseq"])
                .output()
                .unwrap();
            assert!(said.status.success(), "{registry}: {}", String::from_utf8_lossy(&said.stdout));
        }
    }

    fn run(&self) -> Agent {
        let _ = fs::remove_file(self.path("data/local.address"));
        let log = fs::File::create(self.path("log")).unwrap();
        let child = self.command("run --config site.toml --log-filter debug --drain 0").stderr(log).spawn().unwrap();
        let mut agent = Agent { child, address: String::new() };
        let begun = Instant::now();
        while agent.address.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "{}", fs::read_to_string(self.path("log")).unwrap());
            std::thread::sleep(Duration::from_millis(50));
            // The name is there before what stands in the file.
            let text = fs::read_to_string(self.path("data/local.address")).unwrap_or_default();
            if text.ends_with('\n') {
                text.trim().clone_into(&mut agent.address);
            }
        }
        agent
    }
}

/// A Python that has what the second verifier needs.
fn python() -> PathBuf {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-venv/bin/python");
    std::env::var_os("TIDEWAITER_PYTHON")
        .map(PathBuf::from)
        .into_iter()
        .chain([venv, "python3".into()])
        .find(|it| Command::new(it).args(["-c", "import cryptography"]).output().is_ok_and(|it| it.status.success()))
        .expect("no Python with `cryptography`: pip install -r tests/interop/requirements.txt")
}

struct Agent {
    child: Child,
    address: String,
}

impl Agent {
    fn healthy(&self) -> (u16, String) {
        let http: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut answer = http.get(format!("http://{}/healthz", self.address)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).stderr(Stdio::null()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_chain_lives_in_a_token_under_both_algorithms() {
    let gate = Gate::new(true);
    gate.done("keys init --config site.toml --algorithm es256");
    gate.enrolled();
    assert!(!gate.path("data/agent.key").exists(), "the key is in the token alone");
    let shown = gate.done("keys show --config site.toml");
    assert!(shown.contains("ESP256") && shown.contains("token") && !shown.contains("before"), "{shown}");
    let again = gate.tidewaiter("keys init --config site.toml");
    assert!(again.code == 3 && again.err.contains("exists"), "{}", again.err);

    let said = gate.done("keys rotate --config site.toml --operator Li --algorithm ed25519");
    assert!(said.contains("hands the chain over"), "{said}");
    gate.done("keys rotate --config site.toml --operator Li");
    let keys: Vec<_> = gate.registry().keys().map(|it| it.public.algorithm()).collect();
    assert_eq!(keys.iter().filter(|it| **it == Algorithm::Ed25519).count(), 2);
    assert_eq!(keys.len(), 3);
    gate.verified();
    let shown = gate.done("keys show --config site.toml");
    assert_eq!(shown.matches("before").count(), 2, "{shown}");
}

/// Whether the line `place` of `keys show` begins with this word.
fn is_in(shown: &str, place: &str) -> bool {
    shown.lines().any(|line| {
        let mut words = line.split(|it: char| it.is_whitespace() || it == '│').filter(|it| !it.is_empty());
        words.next() == Some("place") && words.next() == Some(place)
    })
}

#[test]
fn a_chain_moves_from_a_file_into_a_token() {
    let gate = Gate::new(false);
    gate.done("keys init --config site.toml");
    gate.enrolled();
    assert!(is_in(&gate.done("keys show --config site.toml"), "file"));
    // The site file names the token; the file still signs until the chain is handed over.
    gate.site(true);
    assert!(is_in(&gate.done("keys show --config site.toml"), "file"));
    gate.done("keys rotate --config site.toml --operator Li --algorithm es256");
    let shown = gate.done("keys show --config site.toml");
    assert!(is_in(&shown, "token") && shown.contains("kept until"), "{shown}");
    assert!(gate.path("data/agent.key").exists(), "no receipt covers the hand-over yet");
    gate.verified();
}

#[test]
fn without_token_or_pin_nothing_is_signed_and_the_pin_is_never_told() {
    let gate = Gate::new(true);
    let check = |line: &str, expected: &str| {
        let said = gate.tidewaiter(line);
        assert!(said.code == 3 && said.err.contains(expected), "{line}: {} {}", said.code, said.err);
    };
    let init = "keys init --config site.toml";
    gate.pin("pin4711\n", 0o644);
    check(init, "chmod 600");
    gate.pin("", 0o600);
    check(init, "no PIN in its first line");
    gate.pin("1234\n", 0o600);
    check(init, "refuses the PIN");
    assert!(!gate.path("data/enrolment.cbor").exists(), "nothing is enrolled without a key");
    gate.pin("pin4711\r\nsecond line\n", 0o400);
    gate.done(init);
    fs::rename(gate.path("tokens"), gate.path("away")).unwrap();
    fs::create_dir(gate.path("tokens")).unwrap();
    check("run --config site.toml", "no token \"gate\" is there");
    check("keys show --config site.toml", "no token \"gate\" is there");
}

#[test]
fn a_running_agent_stops_recording_without_its_token_and_goes_on_when_it_is_back() {
    let gate = Gate::new(true);
    gate.done("keys init --config site.toml --algorithm es256");
    gate.enrolled();
    let agent = gate.run();
    let declare = "subject AB123 axles=6 --operator Li --config site.toml";
    gate.done(declare);
    assert_eq!(agent.healthy().0, 200);

    fs::rename(gate.path("tokens"), gate.path("away")).unwrap();
    fs::create_dir(gate.path("tokens")).unwrap();
    let refused = gate.tidewaiter(declare);
    assert!(refused.code == 1 && refused.err.contains("not recorded"), "{} {}", refused.code, refused.err);
    let (code, why) = agent.healthy();
    assert!(code == 503 && why.contains("cannot be used"), "{code} {why}");
    let refused = gate.tidewaiter("keys rotate --config site.toml --operator Li");
    assert_eq!(refused.code, 1, "{}", refused.err);

    fs::remove_dir(gate.path("tokens")).unwrap();
    fs::rename(gate.path("away"), gate.path("tokens")).unwrap();
    gate.done(declare);
    assert_eq!(agent.healthy().0, 200);
    let said = gate.done("keys rotate --config site.toml --operator Li");
    assert!(said.contains("hands the chain over"), "{said}");
    gate.done(declare);
    agent.stop();
    gate.verified();
    assert_eq!(gate.registry().keys().count(), 2);
    let log = fs::read_to_string(gate.path("log")).unwrap();
    assert!(log.contains("not recording") && !log.contains("pin4711"), "{log}");
}
