//! From the plant of an emulated node to a verified record at the centre: agent, broker and collector are the real programs.
//!
//! The gateway's word is not taken: a program in Python, with the node's key and the written layouts, finds every block
//! again in the stored records and compares it with what they say.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;
use tidewaiter_record::{Detail, parse, split_sequence};
use tidewaiter_tests::{
    mosquitto::Mosquitto,
    process::{Agent, Collector, alone, number, own, run, run_own, tell, until},
    stand::{AGENT, BARE_SITE, SITE, Stand},
};

use super::{
    board::Bus,
    rig::{KEY, Rig, SERIAL},
};

/// An answer of the node with its block: unit id, function, length, 47 registers, CRC.
const FRAME_BYTES: usize = 99;
/// A value follows its sensor, is recorded, sent and receipted within this time on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);
const CHECKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/node.py");

/// Loads and loop currents that the plant is given, and what the node shows: 10 000 codes are 1 kg, 800 codes 1 mA.
const FELT: [(i32, &str, i16, &str); 3] =
    [(50_000, "5000", 9_600, "12.000"), (12_345, "1235", 3_200, "4.000"), (-100, "-10", 16_000, "20.000")];

fn serial() -> String {
    SERIAL.iter().copied().map(char::from).collect()
}

/// The site of an agent that reads one node.
fn site(stand: &Stand, rig: &mut Rig, bus: Bus, broker: u16) -> Result<String> {
    let port = match bus {
        Bus::Tcp => {
            format!("[ports.modbus_rtu_tcp]\naddress = \"127.0.0.1:{}\"\nbaud = 115200", rig.board.port)
        }
        Bus::Terminal => format!("[ports.modbus_rtu]\npath = \"{}\"\nbaud = 115200", rig.board.terminal()?.display()),
    };
    let data = format!("dir = \"{}\"", stand.agent_dir().display());
    Ok(format!(
        "{}[uplink]\nbroker = \"mqtt://127.0.0.1:{broker}\"\nregistry = \"{}\"\n[[ports]]\nid = \"line\"\n{port}\n\
         [[instruments]]\nid = \"node-1\"\nport = \"line\"\nsimulated = true\nserial_number = \"{}\"\n\
         [instruments.registers]\nprofile = \"tidewaiter-node\"\nunit_id = 1\npoll = \"500 ms\"\ntimeout = \"2 s\"\n",
        BARE_SITE.replace("dir = \"data\"", &data),
        stand.registry_path().display(),
        serial()
    ))
}

/// Enters the node at the centre, and gives the configuration of its collector.
fn centre(stand: &Stand, broker: u16) -> Result<std::path::PathBuf> {
    let config = Collector::configure(stand, &format!("mqtt://127.0.0.1:{broker}"), "")?;
    let text = fs::read_to_string(&config)?;
    fs::write(&config, text + "[nodes]\nfile = \"nodes.toml\"\n[listen]\naddress = \"127.0.0.1:0\"\n")?;
    let key = stand.dir.join("node.key");
    fs::write(&key, hex::encode(KEY))?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let mut command = own("tidewaiter-collector")?;
    command.args(["nodes", "add", "--site", SITE, "--agent", AGENT, "--instrument", "node-1", "--serial", &serial()]);
    let ended = run(command.arg("--key").arg(&key).arg("--config").arg(&config))?;
    ensure!(ended.code == 0, "nodes add: {}{}", ended.stdout, ended.stderr);
    ensure!(!ended.stdout.contains(&hex::encode(KEY)), "a key is never printed");
    Ok(config)
}

/// Waits until the agent shows this value, and has it recorded.
fn recorded(agent: &Agent, site: &str, channel: &str, digits: &str) -> Result<()> {
    let mut last = Value::Null;
    until(&format!("{channel} {digits} at the agent"), WITHIN, || {
        thread::sleep(Duration::from_millis(100));
        last = agent.status().ok()?.pointer(&format!("/live/instruments/node-1/{channel}"))?.clone();
        last.to_string().contains(&format!("\"{digits}\"")).then_some(())
    })
    .with_context(|| format!("it shows {last}; its log ends\n{}", agent.program.tail()))?;
    let ended = run_own(
        "tidewaiter",
        [
            "read",
            "node-1",
            "--record",
            "--channel",
            channel,
            "--sample",
            "S-1",
            "--operator",
            "Li Na",
            "--config",
            site,
        ],
    )?;
    ensure!(ended.code == 0, "read --record: {}{}", ended.stdout, ended.stderr);
    Ok(())
}

pub(super) fn from_plant_to_centre(bus: Bus) -> Result<()> {
    let _alone = alone();
    let begun = Instant::now();
    let dir = tempfile::tempdir()?;
    let Some(mut rig) = Rig::new(&dir.path().join("board"), bus)? else { return Ok(()) };
    let Some(broker) = Mosquitto::start(&dir.path().join("broker"), None)? else { return Ok(()) };
    let stand = Stand::new(dir.path())?;
    stand.enrol()?;
    fs::write(stand.site_path(), site(&stand, &mut rig, bus, broker.port)?)?;
    stand.load_site()?;
    let config = centre(&stand, broker.port)?;
    let collector = Collector::start(&stand, &config)?;
    let mut agent = Agent::start(&stand, Duration::from_secs(10))?;
    agent.ready()?;

    let path = stand.site_path().display().to_string();
    for (load, grams, current, milliamperes) in FELT {
        rig.feel(|feel| (feel.load, feel.current) = (Some(load), Some(current)));
        recorded(&agent, &path, "mass", grams)?;
        recorded(&agent, &path, "current", milliamperes)?;
    }
    let sealed = agent.receipted(2 * FELT.len() as u64, WITHIN)?;
    agent.program.terminate(Duration::from_secs(30))?;
    collector.program.terminate(Duration::from_secs(30))?;
    rig.cut()?;

    let status = run(own("tidewaiter-collector")?.args(["status", "--json", "--config"]).arg(&config))?;
    let said: Value = serde_json::from_str(&status.stdout).with_context(|| status.stderr.clone())?;
    ensure!(status.code == 0, "the centre is not content: {said:#}");
    let blocks = number(&said, "/summary/node_blocks");
    ensure!(blocks >= 2 * FELT.len() as u64 && blocks == number(&said, "/summary/node_sealed"), "{said:#}");

    let records = stand.dir.join("records.cborseq");
    let ended = run(own("tidewaiter-collector")?
        .args(["export", "--format", "cborseq", "--config"])
        .arg(&config)
        .arg("--out")
        .arg(&records))?;
    ensure!(ended.code == 0, "export: {}", ended.stderr);
    arrived(&records)?;
    checked(&records, blocks)?;
    tell(&format!(
        "plant to centre over {bus:?}: {} values set and verified, {sealed} records, {blocks} blocks rightly sealed; {:.1} s",
        2 * FELT.len(),
        begun.elapsed().as_secs_f32()
    ));
    Ok(())
}

/// Every value that was set stands in a record, with the node's answer as it came.
fn arrived(records: &std::path::Path) -> Result<()> {
    let bytes = fs::read(records)?;
    let mut due: Vec<(&str, &str)> =
        FELT.iter().flat_map(|(_, grams, _, ma)| [("mass", *grams), ("current", *ma)]).collect();
    for item in split_sequence(&bytes) {
        // Receipts and heads stand between the records.
        let Ok(record) = parse(item?) else { continue };
        let Detail::Reading(single) = record.body.detail else { continue };
        let reading = &single.reading;
        ensure!(reading.raw.len() == FRAME_BYTES && reading.raw[..3] == [1, 4, 94], "the answer as it came");
        let value = reading.outcome.map_err(|why| anyhow!("{}: no value, {why:?}", reading.channel))?.value.to_string();
        let at = due.iter().position(|it| *it == (reading.channel.as_str(), value.as_str()));
        due.remove(at.with_context(|| format!("{} = {value} was never set", reading.channel))?);
    }
    ensure!(due.is_empty(), "not recorded: {due:?}");
    Ok(())
}

/// What a program says that knows nothing of ours.
fn checked(records: &std::path::Path, blocks: u64) -> Result<()> {
    let ask = |key: &str| -> Result<(i32, Value)> {
        let mut command = Command::new("python3");
        command.args([CHECKER, "--key", key, "--serial", &serial(), "--instrument", "node-1"]).arg(records);
        let ended = run(&mut command)?;
        Ok((ended.code, serde_json::from_str(&ended.stdout).with_context(|| ended.stderr.clone())?))
    };
    let (code, said) = ask(&hex::encode(KEY))?;
    ensure!(code == 0 && number(&said, "/sealed") == blocks, "{code}: {said:#}");
    let (code, said) = ask(&hex::encode([7; 32]))?;
    ensure!(code == 1 && number(&said, "/sealed") == 0, "another key has sealed them: {said:#}");
    Ok(())
}
