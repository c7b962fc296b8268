//! An agent that may not ask the kernel about its clock, by the same means as its unit: a seccomp filter. Real processes; the
//! filter is `refuse.py`.

use std::{
    fs,
    io::Write as _,
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener},
    },
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use tidewaiter_tests::{
    process::{Ended, Program, alone, own, run, until},
    stand::BARE_SITE,
};

const REFUSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/refuse.py");
const WITHIN: Duration = Duration::from_secs(60);

/// `program` of ours with both calls refused.
fn refused(args: &[&str]) -> Result<Command> {
    let ours = own("tidewaiter")?;
    let mut command = Command::new("python3");
    command.arg(REFUSE).arg(ours.get_program()).args(args).env("LC_ALL", "C").env_remove("TIDEWAITER_CONFIG");
    Ok(command)
}

/// The real clock service, started as its unit starts it.
struct Service(Child);

impl Service {
    fn start(listener: &UnixListener, manager: &Path) -> Result<Self> {
        let socket = OwnedFd::from(listener.try_clone()?);
        let mut command = own("tidewaiter")?;
        command.args(["clock", "serve"]).stdin(socket).env("NOTIFY_SOCKET", manager);
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn show(command: &mut Command, socket: &Path) -> Result<(Ended, Value)> {
    let ended = run(command.arg("--clock").arg(socket))?;
    let said = serde_json::from_str(&ended.stdout).unwrap_or_default();
    Ok((ended, said))
}

#[test]
fn the_clock_service_says_in_the_sandbox_what_the_kernel_says_outside() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (socket, manager) = (dir.path().join("socket"), dir.path().join("notify"));
    let notified = UnixDatagram::bind(&manager)?;
    notified.set_read_timeout(Some(WITHIN))?;
    let heard = || -> Result<String> {
        let mut message = [0; 256];
        let length = notified.recv(&mut message)?;
        Ok(String::from_utf8_lossy(&message[..length]).into_owned())
    };
    let args = ["clock", "show", "--json"];

    let (none, _) = show(&mut refused(&args)?, &socket)?;
    ensure!(none.code == 3 && none.stderr.contains("socket"), "without a service: {none:?}");

    let listener = UnixListener::bind(&socket)?;
    let service = Service::start(&listener, &manager)?;
    let ready = heard()?;
    ensure!(ready.trim() == "READY=1", "ready when it serves: {ready}");
    let (outside, own_word) = show(own("tidewaiter")?.args(args), &socket)?;
    let (inside, word) = show(&mut refused(&args)?, &socket)?;
    ensure!(own_word["source"] == "kernel" && word["source"] == "service", "{own_word} {word} {inside:?}");
    ensure!(outside.code == inside.code, "{outside:?} {inside:?}");
    for key in ["kept", "leap", "slewing"] {
        ensure!(own_word[key] == word[key], "{key}: {own_word} {word}");
    }
    let at_work = heard()?;
    ensure!(at_work.trim() == "WATCHDOG=1", "and at work, asked or not: {at_work}");
    drop(service);

    // In the queue of the socket, but nobody takes it: late is never.
    let (late, _) = show(&mut refused(&args)?, &socket)?;
    ensure!(late.code == 3, "{late:?}");
    // What the service is given must be what its unit gives.
    let wrong = run(own("tidewaiter")?.args(["clock", "serve"]))?;
    ensure!(wrong.code == 2 && wrong.stderr.contains("StandardInput=socket"), "{wrong:?}");
    Ok(())
}

/// Answers as the clock service of a machine with a time service does, as long as `serves`.
fn kept(path: &Path, serves: &Arc<AtomicBool>) -> Result<()> {
    let (listener, serves) = (UnixListener::bind(path)?, Arc::clone(serves));
    // Ends with the tests.
    thread::spawn(move || {
        for mut asked in listener.incoming().flatten() {
            if serves.load(Relaxed) {
                let now = clock_gettime(ClockId::Boottime);
                let mono_ms = now.tv_sec * 1000 + now.tv_nsec / 1_000_000;
                let _ = writeln!(
                    asked,
                    r#"{{"v":1,"mono_ms":{mono_ms},"state":0,"status":8193,"maxerror_us":41500,"offset":-250000,"tick_us":10000}}"#
                );
            }
        }
    });
    Ok(())
}

/// Quality of time and bound on its error of the newest record.
fn newest(data: &Path) -> Result<(String, Option<u64>)> {
    let data = data.to_str().context("path")?;
    let said = run(own("tidewaiter")?.args(["export", "--format", "jsonl", "--data-dir", data]))?;
    let last = said.stdout.lines().last().with_context(|| said.stderr.clone())?;
    let record: Value = serde_json::from_str(last)?;
    Ok((record["clock"].as_str().unwrap_or_default().to_owned(), record["clock_err_ms"].as_u64()))
}

#[test]
fn a_sandboxed_agent_s_records_know_the_time_as_well_as_ever() -> Result<()> {
    let _alone = alone();
    let dir = tempfile::tempdir()?;
    let path = |name: &str| -> PathBuf { dir.path().join(name) };
    fs::write(path("site.toml"), format!("{BARE_SITE}[record]\nheartbeat = \"5 s\"\n"))?;
    let made = run(own("tidewaiter")?.args(["keys", "init", "--config"]).arg(path("site.toml")))?;
    ensure!(made.code == 0, "{}", made.stderr);
    let serves = Arc::new(AtomicBool::new(true));
    kept(&path("socket"), &serves)?;

    let mut command = refused(&["run", "--drain", "0", "--config"])?;
    command.arg(path("site.toml")).arg("--clock").arg(path("socket")).env("NO_COLOR", "1");
    let mut agent = Program::start(&mut command, &path("agent.log"))?;
    agent.line("the clock service is asked", WITHIN)?;
    agent.line("local interface", WITHIN)?;
    let quality = |wanted: &'static str| -> Result<u64> {
        let (_, error_ms) = until(&format!("a record of quality {wanted}"), WITHIN, || {
            newest(&path("data")).ok().filter(|(quality, _)| quality == wanted)
        })?;
        error_ms.with_context(|| format!("no bound on the error at quality {wanted}"))
    };
    // 41.75 ms by the service, and 10 ms that are always added: two clocks are read one after the other.
    let good_ms = quality("S")?;
    ensure!((52..=55).contains(&good_ms), "{good_ms} ms");
    // Nobody there any more: what was known is held over, with a bound that grows, and recording goes on.
    serves.store(false, Relaxed);
    let held_ms = quality("H")?;
    ensure!(held_ms >= good_ms, "{held_ms} ms after {good_ms} ms");
    agent.line("nobody vouches", WITHIN)?;
    serves.store(true, Relaxed);
    quality("S")?;
    ensure!(agent.terminate(WITHIN)?.success());
    Ok(())
}
