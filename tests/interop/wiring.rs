//! The wiring tools on live ports, as somebody with a cable meets them.

use std::{collections::BTreeMap, fs, net::TcpListener, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidewaiter_config::profile::load_any;
use tidewaiter_simulator::{Options, ProfileServer, Scene, Simulation};
use tidewaiter_tests::{
    process::{Ended, run, run_own, tell},
    tool,
};

use crate::chaos::runtime;

/// Two registers that stand still, for a client of another author on a serial line.
const TWO_REGISTERS: &str = r#"
id = "two-registers"
title = "two registers that stand still"
source = "made for this test"
address_base = 0
channels = [
  { name = "one", table = "input", address = 3, type = "u16", unit = "1" },
  { name = "two", table = "input", address = 4, type = "u16", unit = "1" },
]
vectors = [
  { channel = "one", registers = [0x1234], expect = "4660" },
  { channel = "two", registers = [0x0BCD], expect = "3021" },
]
"#;

fn lines(ended: &Ended) -> Result<Vec<Value>> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn protocols(line: &Value, key: &str) -> Vec<String> {
    let named = |it: &Value| match it {
        Value::String(text) => Some(text.clone()),
        it => (it["fits"] == true).then(|| it["protocol"].as_str().unwrap_or("?").to_owned()),
    };
    line[key].as_array().into_iter().flatten().filter_map(named).collect()
}

/// `probe` and `listen` on everything the simulator has.
pub(super) fn simulated_ports() -> Result<()> {
    let runtime = runtime()?;
    let _entered = runtime.enter();
    let dir = tempfile::tempdir()?;
    let options = Options { dir: Some(dir.path().to_owned()), ..Options::default() };
    let simulation = runtime.block_on(Simulation::start(Scene::built_in("demo")?, options))?;
    let addresses: BTreeMap<String, String> =
        simulation.addresses.iter().map(|(id, address)| (id.clone(), address.to_string())).collect();

    for (instrument, protocol) in [("gamma-1", "modbus_tcp"), ("drum-1", "modbus_tcp")] {
        let ended = run_own("tidewaiter", ["probe", &addresses[instrument], "--json", "--listen-ms", "300"])?;
        let found = lines(&ended)?;
        ensure!(ended.code == 0, "{instrument}: {}{}", ended.stdout, ended.stderr);
        let unit = found.iter().find(|it| it["unit_id"] == 1).with_context(|| format!("no unit 1 in {found:?}"))?;
        ensure!(unit["protocol"] == protocol, "{unit}");
        ensure!(unit["identity"]["0"].is_string(), "{instrument} says who made it: {unit}");
    }
    for (instrument, protocol) in [("portal-1", "rpm_lines"), ("ph-1", "ph_stream"), ("scale-1", "xk3190_tf0")] {
        let ended =
            run_own("tidewaiter", ["probe", &addresses[instrument], "--json", "--quiet", "--listen-ms", "4000"])?;
        let found = lines(&ended)?;
        ensure!(ended.code == 0, "{instrument}: {}{}", ended.stdout, ended.stderr);
        let named = protocols(found.last().context("nothing")?, "candidates");
        ensure!(named == [protocol], "{instrument} is {named:?}");

        let ended = run_own("tidewaiter", ["listen", &addresses[instrument], "--json", "--for", "4"])?;
        let heard = lines(&ended)?;
        let named = protocols(heard.last().context("nothing")?, "protocols");
        ensure!(named == [protocol], "{instrument} sounds like {named:?}");
        ensure!(
            heard.iter().any(|it| it["value"].is_string() && it["raw"].is_string()),
            "{instrument} showed no value"
        );
    }
    runtime.block_on(simulation.stop());
    tell("probe and listen name five simulated instruments");
    Ok(())
}

/// Silence, a closed port, and bytes that mean nothing.
pub(super) fn nothing_there() -> Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("tcp://{}", silent.local_addr()?);
    let ended =
        run_own("tidewaiter", ["probe", &address, "--listen-ms", "200", "--answer-ms", "50", "--units", "1-3"])?;
    ensure!(ended.code == 1 && ended.stdout.contains("silent"), "{}{}", ended.stdout, ended.stderr);
    drop(silent);
    let ended = run_own("tidewaiter", ["probe", &address])?;
    ensure!(ended.code == 3, "a closed port: {}{}", ended.stdout, ended.stderr);

    let dir = tempfile::tempdir()?;
    let file = dir.path().join("noise.bin");
    let noise: Vec<u8> = (0..200_000_u32).map(|it| it.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for (what, bytes) in [("noise", noise.as_slice()), ("zeros", &[0; 5000]), ("nothing", &[])] {
        fs::write(&file, bytes)?;
        let ended = run_own("tidewaiter", ["listen", "--json", "--file", &file.display().to_string()])?;
        let heard = lines(&ended)?;
        ensure!(ended.code == 1, "{what}: {}{}", ended.stdout, ended.stderr);
        ensure!(heard.len() == 1 && heard[0]["protocols"] == serde_json::json!([]), "{what} gave {heard:?}");
        ensure!(heard[0]["bytes"] == bytes.len(), "{what}");
    }
    Ok(())
}

/// A client of another author, and `probe`, on Modbus RTU over a pseudo-terminal.
pub(super) fn serial_modbus() -> Result<()> {
    let Some(mbpoll) = tool::installed("mbpoll", "mbpoll") else { return Ok(()) };
    let runtime = runtime()?;
    let _entered = runtime.enter();
    let dir = tempfile::tempdir()?;
    let (profile, _) = load_any("two-registers.toml", TWO_REGISTERS).map_err(|report| anyhow::anyhow!("{report}"))?;
    let server = runtime.block_on(ProfileServer::start(profile, "127.0.0.1:0".parse()?, Some(dir.path())))?;
    let terminal = server.terminal().context("no serial line")?.display().to_string();
    let ended = run(Command::new(&mbpoll).args([
        "-m", "rtu", "-b", "9600", "-P", "none", "-a", "5", "-t", "3:hex", "-0", "-r", "3", "-c", "2", "-1", &terminal,
    ]))?;
    ensure!(ended.code == 0, "{}{}", ended.stdout, ended.stderr);
    let said = ended.stdout.to_uppercase();
    ensure!(said.contains("0X1234") && said.contains("0X0BCD"), "{}", ended.stdout);

    let target = format!("serial://{terminal}?baud=9600&format=8N1");
    let ended = run_own("tidewaiter", ["probe", &target, "--json", "--units", "7", "--listen-ms", "300"])?;
    let found = lines(&ended)?;
    ensure!(ended.code == 0, "{}{}", ended.stdout, ended.stderr);
    ensure!(found.iter().any(|it| it["protocol"] == "modbus_rtu" && it["unit_id"] == 7), "{found:?}");
    Ok(())
}
