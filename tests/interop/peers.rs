//! Modbus by pymodbus on the other end, and profiles that no driver of ours knows.
//!
//! pymodbus shares no line with us: as a server it is read by the agent over TCP and over a serial line,
//! as a client it reads what the simulator serves. A profile is tried with the real program against an
//! instrument made of its own vectors; what is printed is compared with the profile's text, not with
//! what our reader made of it.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tidewaiter_config::profile::{Profile, load_any};
use tidewaiter_simulator::{Address, Options, ProfileServer, Scene, Simulation};
use tidewaiter_tests::{
    process::{Ended, run, run_own, tell},
    tool,
};

use crate::chaos::runtime;

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/modbus_server.py");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/modbus_client.py");
const ASH: &str = include_str!("../../config/profiles/coal-ash-proposed.toml");
const GAUGE: &str = include_str!("../../config/profiles/lines/coal-gauge-csv.toml");
const DENSITY: &str = include_str!("../../config/profiles/lines/density-meter-dma.toml");

/// The registers of `modbus_server.py`, as its manual would list them.
pub(super) const PEER: &str = r#"
id = "pymodbus-peer"
title = "registers of modbus_server.py"
source = "tests/interop/modbus_server.py"
address_base = 0
channels = [
  { name = "i16", table = "input", address = 100, type = "i16", scale = -1, unit = "Cel" },
  { name = "u32", table = "input", address = 101, type = "u32", word_order = "abcd", unit = "1" },
  { name = "i32-low-first", table = "input", address = 103, type = "i32", word_order = "cdab", unit = "kg" },
  { name = "f32", table = "input", address = 105, type = "f32", word_order = "abcd", places = 2, unit = "km/h" },
  { name = "f32-low-first", table = "input", address = 107, type = "f32", word_order = "cdab", places = 3, unit = "1" },
  { name = "nan", table = "input", address = 109, type = "f32", word_order = "abcd", places = 1, unit = "1" },
  { name = "bit-0", table = "holding", address = 0, type = "bit", bit = 0, unit = "1" },
  { name = "bit-1", table = "holding", address = 0, type = "bit", bit = 1, unit = "1" },
  { name = "bit-15", table = "holding", address = 0, type = "bit", bit = 15, unit = "1" },
  { name = "none", table = "holding", address = 10, type = "u16", sentinels = [[0xFFFF]], unit = "1" },
  { name = "coil-0", table = "coil", address = 0, type = "bit", unit = "1" },
  { name = "coil-3", table = "coil", address = 3, type = "bit", unit = "1" },
  { name = "contact", table = "discrete-input", address = 16, type = "bit", unit = "1" },
  { name = "not-there", table = "input", address = 400, type = "u16", unit = "1" },
]
vectors = [{ channel = "i16", registers = [0xFF33], expect = "-20.5" }]
"#;

/// What must be read of [`PEER`]: the values that `modbus_server.py` gives pymodbus.
const PEER_SHOWS: [(&str, &str); 13] = [
    ("i16", "-20.5 Cel good"),
    ("u32", "3000000000 1 good"),
    ("i32-low-first", "-70000 kg good"),
    ("f32", "118.04 km/h good"),
    ("f32-low-first", "-0.125 1 good"),
    ("nan", "instrument-fault"),
    ("bit-0", "1 1 good"),
    ("bit-1", "0 1 good"),
    ("bit-15", "1 1 good"),
    ("none", "not-present"),
    ("coil-0", "0 1 good"),
    ("coil-3", "1 1 good"),
    ("contact", "1 1 good"),
];

/// A Python with pymodbus and pyserial.
pub(crate) fn interpreter() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-venv/bin/python");
    let candidates = env::var_os("TIDEWAITER_PYTHON").map(PathBuf::from).into_iter().chain([venv, "python3".into()]);
    let found = candidates.into_iter().find(|it| {
        let look = "import pymodbus, serial; assert pymodbus.__version__ == '3.16.1'";
        run(Command::new(it).args(["-c", look])).is_ok_and(|ended| ended.code == 0)
    });
    if found.is_none() {
        tool::missing(
            "no Python with the packages pymodbus 3.16.1 and pyserial",
            "python3 -m venv target/test-venv && target/test-venv/bin/pip install -r tests/interop/requirements.txt",
        );
    }
    found
}

/// What came of each channel, each different thing once, in order; without a unit for what is missing.
fn shown(ended: &Ended) -> Result<BTreeMap<String, Vec<String>>> {
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in ended.stdout.lines() {
        let said: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let Some(channel) = said["channel"].as_str() else { continue };
        let text = |key: &str| said[key].as_str().map(str::to_owned);
        let outcome = match text("missing") {
            // A reason may carry the instrument's own code.
            Some(reason) => reason.split([' ', '(']).next().unwrap_or_default().to_owned(),
            None => [text("value"), text("unit"), text("quality")].map(Option::unwrap_or_default).join(" "),
        };
        let all = shown.entry(channel.to_owned()).or_default();
        if !all.contains(&outcome) {
            all.push(outcome);
        }
    }
    Ok(shown)
}

/// `tidewaiter try` of a profile text on a port, three seconds.
fn tried(dir: &Path, text: &str, port: Option<&str>, unit_id: u8) -> Result<Ended> {
    let path = dir.join("tried.toml");
    fs::write(&path, text)?;
    let (path, unit) = (path.display().to_string(), unit_id.to_string());
    let mut args = vec!["try", &path, "--unit-id", &unit, "--for", "3", "--json"];
    args.extend(port.iter().flat_map(|it| ["--port", it]));
    run_own("tidewaiter", args)
}

/// Serves the profile's vectors and tries the profile on them.
fn tried_on_its_vectors(text: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let dir = tempfile::tempdir()?;
    let profile = loaded(text)?;
    let runtime = runtime()?;
    let server = runtime.block_on(ProfileServer::start(profile, ([127, 0, 0, 1], 0).into(), None))?;
    ensure!(server.hidden().is_empty(), "without a vector: {:?}", server.hidden());
    let ended = tried(dir.path(), text, Some(&format!("tcp://{}", server.address())), 1)?;
    ensure!(ended.code == 0, "tidewaiter try ends with {}: {}", ended.code, ended.stderr);
    shown(&ended)
}

fn loaded(text: &str) -> Result<Profile> {
    match load_any("tried.toml", text) {
        Ok((profile, _)) => Ok(profile),
        Err(report) => bail!("{report}"),
    }
}

/// A shipped profile under another id: a site has every id once.
fn renamed(text: &str, id: &str) -> String {
    text.replacen(&format!("id = \"{id}\""), &format!("id = \"{id}-tried\""), 1)
}

pub(super) fn register_profile() -> Result<()> {
    let text = renamed(ASH, "coal-ash-proposed");
    let shown = tried_on_its_vectors(&text)?;
    let written: toml::Table = text.parse()?;
    let rows = |key: &str| written[key].as_array().cloned().unwrap_or_default();
    let of = |row: &toml::Value, key: &str| row.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let held_back = "instrument-fault".to_owned();
    let mut compared = 0;
    for channel in rows("channels") {
        let (name, unit) = (of(&channel, "name"), of(&channel, "unit"));
        let expected: Vec<String> =
            rows("vectors").iter().filter(|it| of(it, "channel") == name).map(|it| of(it, "expect")).collect();
        let came = shown.get(&name).with_context(|| format!("{name} was not read"))?;
        if channel.get("heartbeat_polls").is_some() {
            // It counts on from its vector, once a second.
            let first: u64 = expected.concat().parse()?;
            let mut beats: Vec<String> = (first..first + 60).map(|it| format!("{it} {unit} good")).collect();
            beats.push(held_back.clone());
            ensure!(came.len() > 2 && came.iter().all(|it| beats.contains(it)), "{name} showed {came:?}");
            continue;
        }
        let displayed =
            |it: &String| if it.as_bytes()[0].is_ascii_digit() { format!("{it} {unit} good") } else { it.clone() };
        let mut due: Vec<String> = expected.iter().map(displayed).collect();
        let mut came = came.clone();
        compared += due.len();
        if name == "fault" {
            // It is raised in a turn of its own, in which everything else is held back.
            ensure!(came == ["0 1 good", "1 1 good"] && due == ["1 1 good"], "{name} showed {came:?}");
            continue;
        }
        // Bits are believed all the same: they say what is wrong.
        let believed = of(&channel, "type") == "bit";
        ensure!(believed || came.contains(&held_back), "{name} showed {came:?} beside a fault");
        ensure!(name != "ash" || due.contains(&held_back), "the vectors of {name} are {due:?}");
        due.retain(|it| *it != held_back);
        came.retain(|it| *it != held_back);
        due.sort();
        came.sort();
        ensure!(came == due, "{name} showed {came:?}, its vectors say {due:?}");
    }
    ensure!(compared == 14, "{compared} vectors compared");
    tell(&format!("profile server: {compared} register vectors tried, all shown"));
    Ok(())
}

pub(super) fn line_profile() -> Result<()> {
    // Asked more often than the real meter may be, so that every vector has its turn.
    let asked =
        DENSITY.replace("poll = \"5 s\"", "poll = \"400 ms\"").replace("timeout = \"2 s\"", "timeout = \"300 ms\"");
    for (text, id) in [(GAUGE, "coal-gauge-csv"), (&asked, "density-meter-dma")] {
        let text = renamed(text, id);
        let shown = tried_on_its_vectors(&text)?;
        let written: toml::Table = text.parse()?;
        let mut due: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for vector in written["vectors"].as_array().context("vectors")? {
            for (channel, expect) in vector.get("expect").and_then(toml::Value::as_table).into_iter().flatten() {
                let expect = expect.as_str().context("a text")?;
                // Only what is not good is written with its quality.
                let good = expect.split(' ').count() == 2;
                let all = due.entry(channel.clone()).or_default();
                all.push(if good { format!("{expect} good") } else { expect.to_owned() });
            }
        }
        ensure!(due.keys().eq(shown.keys()), "{id}: {:?} shown", shown.keys());
        for (channel, mut due) in due {
            let mut came = shown[&channel].clone();
            due.sort();
            came.sort();
            due.dedup();
            ensure!(came == due, "{id}: {channel} showed {came:?}, its vectors say {due:?}");
        }
    }
    Ok(())
}

pub(super) fn wrong_vector() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let wrong = renamed(ASH, "coal-ash-proposed").replace("expect = \"12.84\"", "expect = \"12.85\"");
    let place = wrong.lines().position(|it| it == "expect = \"12.85\"").context("the vector")? + 1;
    // Refused before the port is opened: nothing listens there.
    let ended = tried(dir.path(), &wrong, Some("tcp://127.0.0.1:9"), 1)?;
    ensure!(ended.code == 1, "exit code {}: {}", ended.code, ended.stderr);
    for word in [&format!("tried.toml:{place}:"), "the vector of \"ash\" fails", "414D 70A4 give 12.84"] {
        ensure!(ended.stderr.contains(word), "{word:?} is not said: {}", ended.stderr);
    }
    let wrong = renamed(GAUGE, "coal-gauge-csv").replacen("ash = \"12.84 %\"", "ash = \"12.85 %\"", 1);
    let ended = tried(dir.path(), &wrong, None, 1)?;
    ensure!(ended.code == 1, "exit code {}: {}", ended.code, ended.stderr);
    for word in ["$RUN,812.5,12.84,9.6*45", "12.85 %", "12.84 %"] {
        ensure!(ended.stderr.contains(word), "{word:?} is not said: {}", ended.stderr);
    }
    Ok(())
}

/// `modbus_server.py`; ends with its handle.
pub(super) struct Peer {
    child: Child,
    pub(super) place: String,
}

impl Peer {
    pub(super) fn start(python: &Path, kind: &str) -> Result<Self> {
        let mut child =
            Command::new(python).args([SERVER, kind]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("its output")?;
        let mut peer = Self { child, place: String::new() };
        // The one line it prints, or the end of its output when it fails.
        BufReader::new(stdout).read_line(&mut peer.place)?;
        peer.place.truncate(peer.place.trim_end().len());
        ensure!(!peer.place.is_empty(), "modbus_server.py {kind} does not start");
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agrees(ended: &Ended) -> Result<()> {
    let mut shown = shown(ended)?;
    for (channel, due) in PEER_SHOWS {
        let came = shown.remove(channel);
        ensure!(
            came.as_deref() == Some(&[due.to_owned()]),
            "{channel}: {came:?} read, {due} served\n{}{}",
            ended.stdout,
            ended.stderr
        );
    }
    // pymodbus refuses the address with exception 2, and only this channel may suffer.
    let refused = shown.remove("not-there").unwrap_or_default();
    ensure!(refused.len() == 1 && !refused[0].contains(' '), "not-there showed {refused:?}\n{}", ended.stdout);
    Ok(())
}

pub(super) fn server_on_tcp() -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let peer = Peer::start(&python, "tcp")?;
    let dir = tempfile::tempdir()?;
    let ended = tried(dir.path(), PEER, Some(&format!("tcp://127.0.0.1:{}", peer.place)), 17)?;
    ensure!(ended.code == 0, "exit code {}: {}", ended.code, ended.stderr);
    agrees(&ended)
}

pub(super) fn server_on_a_serial_line() -> Result<()> {
    on_a_line("rtu", |place| format!("[ports.modbus_rtu]\npath = {place:?}\nbaud = 38400\nparity = \"none\""))
}

pub(super) fn server_behind_a_serial_server() -> Result<()> {
    on_a_line("rtu-tcp", |place| format!("[ports.modbus_rtu_tcp]\naddress = \"127.0.0.1:{place}\"\nbaud = 38400"))
}

/// The agent reads the peer through a port described by `port`, given the peer's place.
fn on_a_line(kind: &str, port: impl Fn(&str) -> String) -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let peer = Peer::start(&python, kind)?;
    let dir = tempfile::tempdir()?;
    fs::create_dir(dir.path().join("profiles"))?;
    fs::write(dir.path().join("profiles/peer.toml"), PEER)?;
    let site = dir.path().join("site.toml");
    let text = format!(
        "version = 1\n[site]\nid = \"yantian\"\nagent = \"bench\"\nname = \"bench\"\n\
         [store]\ndir = \"data\"\nbudget = \"64 MiB\"\nkeep = \"1 d\"\n[local]\nlisten = \"127.0.0.1:0\"\n\
         [profiles]\ndir = \"profiles\"\n\
         [[ports]]\nid = \"line\"\n{}\n\
         [[instruments]]\nid = \"peer\"\nport = \"line\"\n[instruments.registers]\nprofile = \"pymodbus-peer\"\n\
         unit_id = 17\npoll = \"1 s\"\ntimeout = \"500 ms\"\n",
        port(&peer.place)
    );
    fs::write(&site, text)?;
    let site = site.display().to_string();
    let ended = run_own("tidewaiter", ["read", "peer", "--config", &site, "--for", "4", "--json"])?;
    ensure!(ended.code == 0, "exit code {}: {}", ended.code, ended.stderr);
    agrees(&ended)
}

/// What pymodbus reads, an answer per request.
fn asked(python: &Path, address: SocketAddr, requests: &[&str]) -> Result<Vec<Value>> {
    let ended = run(Command::new(python).arg(CLIENT).arg(address.port().to_string()).args(requests))?;
    ensure!(ended.code == 0, "modbus_client.py ends with {}: {}", ended.code, ended.stderr);
    let answers: Vec<Value> = ended.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(answers.len() == requests.len(), "{} requests, answers {answers:?}", requests.len());
    Ok(answers)
}

pub(super) fn client() -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let runtime = runtime()?;
    let scene = Scene::from_toml("title = \"a monitor alone\"\nseed = 5\n[gamma]\nid = \"gamma-1\"\nunit_id = 4\n")?;
    let running = runtime.block_on(Simulation::start(scene, Options::default()))?;
    let Some(Address::Tcp(address)) = running.addresses.get("gamma-1").cloned() else { bail!("no monitor") };
    let answers = asked(
        &python,
        address,
        &[
            "4 input 0 6",
            "4 input 5 1",
            "4 input 6 1",
            "4 input 65535 1",
            "4 holding 0 1",
            "4 input 0 17",
            "4 write 0 1",
            "9 input 0 1",
            "4 identity",
        ],
    )?;
    let words: Vec<u64> = answers[0].as_array().context("registers")?.iter().filter_map(Value::as_u64).collect();
    // Natural background of the scene in whole nGy/h, both alarm bits clear, a heartbeat that goes on.
    ensure!(words.len() == 6 && words[0] == 0 && (20..500).contains(&words[1]) && words[4] == 0, "{words:?}");
    let beat = answers[1][0].as_u64().context("a heartbeat")?;
    ensure!((words[5]..=words[5] + 5).contains(&beat), "heartbeat {} and then {beat}", words[5]);
    // Illegal address, illegal address at the very end, no such table, more than the monitor answers at
    // once, writing, a unit that is not there: V1.1b3 section 7.
    for (answer, code) in answers[2..8].iter().zip([2, 2, 2, 3, 1, 11]) {
        ensure!(*answer == json!({ "exception": code }), "{answer} where exception {code} is due: {answers:?}");
    }
    ensure!(answers[8]["1"] == "gamma monitor", "identity {}", answers[8]);
    drop(running);

    let server = runtime.block_on(ProfileServer::start(loaded(ASH)?, ([127, 0, 0, 1], 0).into(), None))?;
    let answers = asked(&python, server.address(), &["1 input 0 4", "1 input 10 4", "1 input 15 2", "247 identity"])?;
    ensure!(answers[0] == json!([1, 3, 0x444B, 0x2000]), "{}", answers[0]);
    ensure!(answers[1] == json!([0, 0x474A, 1, 0x7890]), "{}", answers[1]);
    ensure!(answers[2] == json!({ "exception": 2 }), "{}", answers[2]);
    ensure!(answers[3]["1"] == "coal-ash-proposed", "{}", answers[3]);
    Ok(())
}
