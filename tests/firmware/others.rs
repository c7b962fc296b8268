//! mbpoll and pymodbus, on a terminal and on TCP.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidewaiter_tests::{
    process::{Ended, alone, run, tell},
    tool,
};

use super::{
    board::Bus,
    rig::{Rig, double, parameters},
    turnaround,
};
use crate::interop::peers::interpreter;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/firmware/poll.py");
/// Polls of the long run, each on TCP and on a terminal.
const POLLS: u32 = 5_000;

/// mbpoll on a terminal; addresses count from 0.
fn mbpoll(binary: &Path, terminal: &Path, arguments: &[&str], values: &[&str]) -> Result<Ended> {
    let mut command = Command::new(binary);
    command.args(["-m", "rtu", "-a", "1", "-b", "115200", "-P", "none", "-0", "-B", "-1", "-o", "2"]);
    run(command.args(arguments).arg(terminal).args(values))
}

/// What pymodbus says to each request.
fn ask(python: &Path, target: &str, requests: &[&str]) -> Result<Vec<Value>> {
    let ended = run(Command::new(python).args([SCRIPT, target, "ask"]).args(requests))?;
    ensure!(ended.code == 0, "pymodbus ends with {}: {}", ended.code, ended.stderr);
    let said: Vec<Value> = ended.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(said.len() == requests.len(), "{said:?}");
    Ok(said)
}

/// Requests and what every client must be told; the node stands still as far as these go.
fn requests() -> Vec<(&'static str, Value)> {
    let legal = parameters();
    vec![
        ("1 holding 0x10 8", json!(legal[..8])),
        ("1 holding 0x10 40", json!(legal[..])),
        ("1 read 0x80 4", json!([0x5457, 0x3030, 0x3030, 0x3031])),
        ("1 read 0 1", json!([1])),
        // Bus settings are written by 16 and by 06, and read back.
        ("1 write 0 1 1152 0 0", json!({ "written": 0 })),
        ("1 one 3 0", json!({ "written": 3 })),
        ("1 holding 0 4", json!([1, 1152, 0, 0])),
        // A unit id of 0 and of 248 is none, 400 000 Bd is no speed.
        ("1 one 0 0", json!({ "exception": 3 })),
        ("1 one 0 248", json!({ "exception": 3 })),
        ("1 one 1 4000", json!({ "exception": 3 })),
        // Nothing is there; half a block; the key; legally relevant parameters under a closed seal.
        ("1 read 0x0a 1", json!({ "exception": 2 })),
        ("1 read 0x100 46", json!({ "exception": 2 })),
        ("1 holding 0x1c0 20", json!({ "exception": 2 })),
        ("1 write 0x10 0 5", json!({ "exception": 2 })),
        ("1 holding 0x10 8", json!(legal[..8])),
        ("1 coils 0 1", json!({ "exception": 1 })),
        // Another unit, and a broadcast that is not obeyed.
        ("2 read 0 1", json!("silence")),
        ("1 read 0 1", json!([1])),
    ]
}

/// Where somebody else's client finds the bus, once the board answers.
fn target(rig: &mut Rig, bus: Bus) -> Result<String> {
    Ok(match bus {
        Bus::Tcp => {
            drop(rig.client()?);
            rig.board.port.to_string()
        }
        Bus::Terminal => rig.board.terminal()?.display().to_string(),
    })
}

pub(super) fn clients() -> Result<()> {
    let (Some(python), Some(binary)) = (interpreter(), tool::installed("mbpoll", "mbpoll")) else { return Ok(()) };
    let _alone = alone();
    let dir = tempfile::tempdir()?;
    let rows = requests();
    let (asked, due): (Vec<&str>, Vec<&Value>) = rows.iter().map(|(request, due)| (*request, due)).unzip();
    for bus in [Bus::Tcp, Bus::Terminal] {
        let Some(mut rig) = Rig::new(&dir.path().join(format!("{bus:?}")), bus)? else { return Ok(()) };
        let target = target(&mut rig, bus)?;
        for ((request, due), said) in asked.iter().zip(&due).zip(ask(&python, &target, &asked)?) {
            ensure!(said == **due, "{bus:?}: {request} gives {said}, {due} is right");
        }
        let identity = &ask(&python, &target, &["1 identity 1 0", "1 identity 3 0", "1 identity 4 2"])?;
        let text = |answer: &Value, key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        ensure!(text(&identity[0], "0") == "Tidewaiter" && text(&identity[0], "2").contains("0.1.0"), "{identity:?}");
        ensure!(identity[2].as_object().is_some_and(|it| it.len() == 1), "one object alone: {identity:?}");
        if bus == Bus::Terminal {
            let terminal = rig.board.terminal()?;
            let read = mbpoll(&binary, &terminal, &["-1", "-t", "4:hex", "-r", "16", "-c", "8"], &[])?;
            let due = parameters()[..8].iter().map(|it| format!("0x{it:04X}")).collect::<Vec<_>>();
            let shown: Vec<&str> =
                read.stdout.lines().filter_map(|it| Some(it.strip_prefix('[')?.split_once("]:")?.1.trim())).collect();
            ensure!(read.code == 0 && shown == due, "mbpoll reads {shown:?}, {due:?} are right: {}", read.stderr);
            let written = mbpoll(&binary, &terminal, &["-t", "4", "-r", "0"], &["1", "1152", "0", "0"])?;
            ensure!(
                written.code == 0 && written.stdout.contains("Written 4 references"),
                "{}{}",
                written.stdout,
                written.stderr
            );
            let refused = mbpoll(&binary, &terminal, &["-1", "-t", "3", "-r", "10", "-c", "1"], &[])?;
            ensure!(
                refused.code != 0 && refused.stderr.contains("Illegal data address"),
                "{}{}",
                refused.stdout,
                refused.stderr
            );
        }
        rig.cut()?;
    }
    tell(&format!("node: pymodbus agrees on {} requests over TCP and over a terminal, mbpoll on three", rows.len()));
    Ok(())
}

pub(super) fn polls() -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let _alone = alone();
    let dir = tempfile::tempdir()?;
    for bus in [Bus::Tcp, Bus::Terminal] {
        let Some(mut rig) = Rig::new(&dir.path().join(format!("{bus:?}")), bus)? else { return Ok(()) };
        let target = target(&mut rig, bus)?;
        let ended = run(Command::new(&python).args([SCRIPT, &target, "polls", &POLLS.to_string()]))?;
        ensure!(ended.code == 0, "{}", ended.stderr);
        let said: Value = serde_json::from_str(ended.stdout.trim()).context(ended.stdout)?;
        let count = |key: &str| said[key].as_u64().unwrap_or(u64::MAX);
        ensure!(said["errors"].as_array().is_some_and(Vec::is_empty), "{bus:?}: {said}");
        ensure!(count("ok") + count("timeouts") == u64::from(POLLS), "{bus:?}: {said}");
        // A machine that stands still for a second now and then is no fault of the node; one that always does shows none.
        ensure!(count("timeouts") <= u64::from(POLLS / 100), "{bus:?}: {said}");
        tell(&format!("node polled over {bus:?} by pymodbus: {said}"));
        if bus == Bus::Tcp {
            let mut client = rig.client()?;
            let counters = client.read(4, 0x0050, 16)?;
            let counted = |at: usize| double(&counters, 2 * at);
            ensure!(counted(3) == 0 && counted(4) == 0, "broken frames were counted: {counters:?}");
            ensure!(counted(1) >= POLLS, "{} replies counted", counted(1));
        }
        let report = rig.board.report(u64::from(POLLS / 2))?;
        tell(&format!("node says: {}", report.line));
        turnaround::as_the_host_lets_it(&report)?;
        rig.cut()?;
    }
    Ok(())
}
