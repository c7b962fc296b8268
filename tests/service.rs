//! The agent as a service: what the service manager hears of it, and what becomes of a broken site file while it runs and
//! when it starts. Real processes, and a socket in the place of systemd's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::Value;
use tidewaiter_tests::{
    process::{Ended, Program, alone, own, run, until},
    stand::BARE_SITE,
};

/// A site without instruments, with a heartbeat to change.
fn site_file() -> String {
    format!("{BARE_SITE}[record]\nheartbeat = \"60 s\"\n")
}

const WITHIN: Duration = Duration::from_secs(30);

/// A site with keys, and a socket that hears what systemd would.
struct Service {
    dir: tempfile::TempDir,
    manager: UnixDatagram,
}

impl Service {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let service = Self { dir, manager };
        service.write(&site_file());
        let site = service.site();
        let made = run(own("tidewaiter").unwrap().args(["keys", "init", "--config"]).arg(site)).unwrap();
        assert_eq!(made.code, 0, "{}", made.stderr);
        service
    }

    fn site(&self) -> PathBuf {
        self.dir.path().join("site.toml")
    }

    fn write(&self, text: &str) {
        fs::write(self.site(), text).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = own("tidewaiter").unwrap();
        command.args(["run", "--config"]).arg(self.site()).args(["--drain", "0"]);
        command
    }

    fn start(&self) -> Program {
        let mut command = self.command();
        command.env("NOTIFY_SOCKET", self.dir.path().join("notify")).env("WATCHDOG_USEC", "1000000").env("LANG", "C");
        let _ = fs::remove_file(self.address_file());
        Program::start(&mut command, &self.dir.path().join("agent.log")).unwrap()
    }

    fn address_file(&self) -> PathBuf {
        self.dir.path().join("data/local.address")
    }

    /// Everything heard until one of it contains `word`.
    fn heard(&self, word: &str) -> Vec<String> {
        let (begun, mut heard) = (Instant::now(), Vec::new());
        let mut message = [0; 4096];
        while begun.elapsed() < WITHIN {
            let Ok(length) = self.manager.recv(&mut message) else { continue };
            let text = String::from_utf8_lossy(&message[..length]).into_owned();
            let is_it = text.contains(word);
            heard.push(text);
            if is_it {
                return heard;
            }
        }
        panic!("{word} was not heard within {WITHIN:?}, only {heard:?}");
    }

    fn ask(&self, args: &[&str]) -> Ended {
        run(own("tidewaiter").unwrap().args(args).arg("--config").arg(self.site())).unwrap()
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.ask(&["status", "--json"]).stdout).unwrap()
    }

    /// How often the chain says so.
    fn events(&self, name: &str) -> usize {
        let data = self.dir.path().join("data");
        let export = ["export", "--format", "jsonl", "--data-dir"];
        let ended = run(own("tidewaiter").unwrap().args(export).arg(data)).unwrap();
        ended.stdout.lines().filter(|it| it.contains(&format!("\"{name}\""))).count()
    }
}

#[test]
fn the_service_manager_hears_ready_watchdog_reloading_and_stopping() {
    let _alone = alone();
    let service = Service::new();
    let agent = service.start();
    service.heard("READY=1");
    assert!(fs::read_to_string(service.address_file()).unwrap().contains("127.0.0.1:"), "ready means that it answers");
    let heard = service.heard("WATCHDOG=1");
    let heard: Vec<String> = heard.into_iter().chain(service.heard("WATCHDOG=1")).collect();
    assert!(heard.iter().chain(&service.heard("WATCHDOG=1")).any(|it| it.contains("WATCHDOG=1")));
    let status = heard.iter().find(|it| it.starts_with("STATUS="));
    assert!(status.is_none_or(|it| it.contains("record") || it.contains("记录")), "{status:?}");

    service.write(&site_file().replace("60 s", "30 s"));
    agent.signal(Signal::HUP).unwrap();
    let reloading = service.heard("RELOADING=1").pop().unwrap();
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    service.heard("READY=1");
    let digest = service.status()["config"].as_str().unwrap().to_owned();

    // A broken one is answered too, or systemd would wait for ever; it is not in force.
    service.write(&site_file().replace("60 s", "60 parsecs"));
    agent.signal(Signal::HUP).unwrap();
    service.heard("RELOADING=1");
    service.heard("READY=1");
    let status = service.status();
    assert_eq!(status["config"], *digest);
    assert_eq!(status["config_refused"]["faults"], 1);

    agent.signal(Signal::TERM).unwrap();
    service.heard("STOPPING=1");
    assert!(agent.terminate(WITHIN).unwrap().success());
}

#[test]
fn a_broken_site_file_is_refused_while_it_runs_and_the_last_good_one_starts() {
    let _alone = alone();
    let service = Service::new();
    let mut agent = service.start();
    agent.line("local interface", WITHIN).unwrap();
    until("the address", WITHIN, || fs::read_to_string(service.address_file()).ok()).unwrap();

    service.write(&site_file().replace("60 s", "20 s"));
    let dry = service.ask(&["reload", "--dry-run"]);
    assert_eq!((dry.code, dry.stdout.contains("[record]")), (0, true), "{}{}", dry.stdout, dry.stderr);
    let done = service.ask(&["reload", "--operator", "Li Na"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let good = service.status()["config"].clone();

    // What is wrong is said as `check` says it: with place and way out.
    service.write(&site_file().replace("[record]", "[recrod]").replace("64 MiB", "64 MoB"));
    let refused = service.ask(&["reload", "--operator", "Li Na"]);
    assert_eq!(refused.code, 2, "{}{}", refused.stdout, refused.stderr);
    for said in ["site.toml:8:", "site.toml:12:", "write:"] {
        assert!(refused.stdout.contains(said), "{said} in\n{}", refused.stdout);
    }
    assert_eq!(service.status()["config"], good);
    agent.kill().unwrap();

    // Not to start at all is for who says so.
    let strict = run(service.command().arg("--strict")).unwrap();
    assert_eq!((strict.code, strict.stderr.contains("site.toml:8:")), (2, true), "{}", strict.stderr);
    let mut agent = service.start();
    agent.line("the last good configuration", WITHIN).unwrap();
    agent.line("local interface", WITHIN).unwrap();
    until("the address", WITHIN, || fs::read_to_string(service.address_file()).ok()).unwrap();
    let status = service.status();
    assert_eq!((&status["config"], &status["config_refused"]["at_start"]), (&good, &Value::Bool(true)));
    assert!(status["config_refused"]["first"].as_str().unwrap().contains("site.toml:8:"), "{status}");

    // Even a file that is no TOML at all, or that is gone.
    agent.terminate(WITHIN).unwrap();
    fs::write(service.site(), [0xFF; 300]).unwrap();
    let mut agent = service.start();
    agent.line("local interface", WITHIN).unwrap();
    agent.terminate(WITHIN).unwrap();
    fs::remove_file(service.site()).unwrap();
    let mut agent = service.start();
    agent.line("local interface", WITHIN).unwrap();
    agent.terminate(WITHIN).unwrap();

    // Mended, it is forgotten.
    service.write(&site_file().replace("60 s", "20 s"));
    let mut agent = service.start();
    agent.line("local interface", WITHIN).unwrap();
    until("the address", WITHIN, || fs::read_to_string(service.address_file()).ok()).unwrap();
    assert_eq!(service.status()["config_refused"], Value::Null);
    agent.terminate(WITHIN).unwrap();
    assert_eq!(service.events("config-refused"), 3, "each state once: misspelt, no TOML, gone");
}

#[test]
fn a_first_start_with_a_broken_site_file_is_refused() {
    let _alone = alone();
    let service = Service::new();
    service.write(&site_file().replace("[record]", "[recrod]"));
    let ended = run(&mut service.command()).unwrap();
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    // A last good one of another site file is none of ours.
    assert!(!Path::new(&service.dir.path().join("data/config")).exists());
}

#[test]
fn a_port_that_aborted_three_times_is_held_off_and_the_others_are_not() {
    let _alone = alone();
    let service = Service::new();
    let ports = [("bus-a", 9), ("bus-b", 10)].map(|(id, port)| {
        format!(
            "[[ports]]\nid = \"{id}\"\n[ports.tcp]\naddress = \"127.0.0.1:{port}\"\n[[instruments]]\nid = \"meter-{id}\"\n\
             port = \"{id}\"\nsimulated = true\n[instruments.ph_stream]\n"
        )
    });
    service.write(&(site_file() + &ports.concat()));
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let lines =
        (0..3).map(|it| format!("{{\"port\":\"bus-a\",\"at_ms\":{},\"why\":\"x.rs:1\"}}\n", now_ms - it * 1000));
    fs::write(service.dir.path().join("data/aborts.jsonl"), lines.collect::<String>()).unwrap();
    let mut agent = service.start();
    agent.line("held off", WITHIN).unwrap();
    agent.line("port does not open", WITHIN).unwrap();
    assert!(agent.log().lines().all(|it| !it.contains("does not open") || it.contains("bus-b")), "{}", agent.log());
    until("the missing values of bus-a", WITHIN, || {
        service
            .status()
            .pointer("/instruments/meter-bus-a/missing/line-down")
            .and_then(Value::as_u64)
            .filter(|it| *it > 0)
    })
    .unwrap();
    agent.terminate(WITHIN).unwrap();
    assert_eq!(service.events("port-held-off"), 1);
}
