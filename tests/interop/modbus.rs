//! mbpoll (libmodbus) against the simulated drum, compared with what the agent recorded of it.
//!
//! The simulator and the agent share their codecs; a field both have wrong would go unnoticed between
//! them. mbpoll shares nothing with either. The drum is made to stand still for two seconds in the middle
//! of a stage, so that both ask about the same moment.

use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use tidewaiter_agent::outbox::Archive;
use tidewaiter_record::{
    Detail,
    body::{InspectionDetail, Reading},
    parse,
};
use tidewaiter_simulator::Address;
use tidewaiter_tests::{
    process::{Agent, alone, run, tell, until},
    tool,
};

use crate::chaos::{Row, runtime};

const SCENE: &str = r#"
title = "a drum that stands still for a moment"
seed = 3

[drum]
id = "drum-1"
rig = "drum-a"
programme = "demo"
conditioning = "300 ms"
overrun = "1 s"
dismount = "60 s"
poll = "400 ms"
timeout = "300 ms"

[[drum.run]]
at = "500 ms"
barcode = "TW2051617H9100000042"

# The programme's second stage begins 4 s after the run; five polls without a heartbeat would be a fault.
[[fault]]
instrument = "drum-1"
kind = "frozen"
at = "6500 ms"
for = "1900 ms"

# The end state stands still as well: 0.5 s, conditioning, three stages of 4 s.
[[fault]]
instrument = "drum-1"
kind = "frozen"
at = "12800 ms"
"#;

/// Middle of the time for which the drum stands still, scene milliseconds.
const STILL_MS: i64 = 7300;
/// The drum has finished by then.
const FINISHED_MS: i64 = 13_500;
/// All registers of the map.
const REGISTERS: usize = 40;

/// What mbpoll says, by reference.
struct Peer<'a> {
    binary: &'a Path,
    address: SocketAddr,
}

impl Peer<'_> {
    /// Reads `count` values from `reference` (counted from 0) in mbpoll's format `kind`.
    fn read(&self, kind: &str, reference: usize, count: usize) -> Result<Vec<String>> {
        let mut command = Command::new(self.binary);
        command.args(["-m", "tcp", "-a", "1", "-0", "-B", "-1", "-o", "1", "-t", kind, "-p"]);
        command.arg(self.address.port().to_string()).arg("-r").arg(reference.to_string());
        let ended = run(command.arg("-c").arg(count.to_string()).arg(self.address.ip().to_string()))?;
        ensure!(ended.code == 0, "mbpoll ends with {}: {}{}", ended.code, ended.stdout, ended.stderr);
        // [8]: 	118.04
        let value = |line: &str| Some(line.strip_prefix('[')?.split_once("]:")?.1.trim().to_owned());
        let values: Vec<String> = ended.stdout.lines().filter_map(value).collect();
        ensure!(values.len() == count, "mbpoll read {values:?}, {count} values were asked for:\n{}", ended.stdout);
        Ok(values)
    }

    /// All registers as bytes in wire order.
    fn image(&self) -> Result<Vec<u8>> {
        let words = self.read("3:hex", 0, REGISTERS)?;
        let word = |it: &String| Ok(u16::from_str_radix(it.trim_start_matches("0x"), 16)?.to_be_bytes());
        Ok(words.iter().map(word).collect::<Result<Vec<_>>>()?.concat())
    }
}

/// One look at the drum.
struct Look {
    wall_ms: i64,
    state: String,
    elapsed: String,
    stage: String,
    /// Speed, load, pressure, ambient.
    held: Vec<String>,
    image: Vec<u8>,
}

impl Look {
    fn take(peer: &Peer<'_>) -> Result<Self> {
        Ok(Self {
            wall_ms: i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_millis())?,
            state: peer.read("3", 0, 1)?.concat(),
            elapsed: peer.read("3:int", 4, 1)?.concat(),
            stage: peer.read("3", 20, 1)?.concat(),
            held: peer.read("3:float", 8, 4)?,
            image: peer.image()?,
        })
    }

    /// Compares with the poll the agent recorded closest to this moment.
    fn compare(&self, record: &InspectionDetail) -> Result<usize> {
        let nearest =
            record.readings.iter().min_by_key(|it| (it.at.wall_ms - self.wall_ms).abs()).context("no readings")?;
        let apart = nearest.at.wall_ms - self.wall_ms;
        let poll: Vec<&Reading> = record.readings.iter().filter(|it| it.at == nearest.at).collect();
        let mut compared = 0;
        let values = ["state", "elapsed", "stage", "speed", "load", "pressure", "ambient"];
        let asked = [&self.state, &self.elapsed, &self.stage].into_iter().chain(&self.held);
        for (channel, asked) in values.into_iter().zip(asked) {
            let reading =
                poll.iter().find(|it| it.channel == channel).with_context(|| format!("{channel} was not recorded"))?;
            let recorded =
                reading.outcome.map_err(|missing| anyhow::anyhow!("{channel}: {missing} recorded, {asked} read"))?;
            // mbpoll prints six significant digits and drops zeros; the record keeps what is displayed.
            let (recorded, asked): (f64, f64) = (recorded.value.to_string().parse()?, asked.parse()?);
            ensure!(
                (recorded - asked).abs() < 1e-9,
                "{channel}: {recorded} recorded, {asked} read by mbpoll, {apart} ms apart"
            );
            compared += 1;
        }
        // The verbatim answer is kept with the first reading of a poll; its payload is mbpoll's registers.
        let raw = poll.iter().map(|it| &it.raw).find(|it| !it.is_empty()).context("no raw bytes were recorded")?;
        ensure!(raw.ends_with(&self.image), "recorded {}, read {}", hex::encode(raw), hex::encode(&self.image));
        Ok(compared + REGISTERS)
    }
}

pub(super) fn mbpoll() -> Result<()> {
    let Some(binary) = tool::installed("mbpoll", "mbpoll") else { return Ok(()) };
    let _alone = alone();
    let begun = Instant::now();
    // No broker is needed, and none is there.
    let row = Row::new(runtime()?, SCENE, "mqtt://127.0.0.1:9")?;
    let Some(Address::Tcp(address)) = row.simulation.addresses.get("drum-1").cloned() else { anyhow::bail!("no drum") };
    let peer = Peer { binary: &binary, address };
    let mut agent = Agent::start(&row.stand, Duration::ZERO)?;
    agent.ready()?;
    thread::sleep(row.simulation.until(STILL_MS));
    let running = Look::take(&peer)?;
    thread::sleep(row.simulation.until(FINISHED_MS));
    let finished = Look::take(&peer)?;
    let barcode = String::from_utf8(finished.image[60..80].to_vec())?;

    let archive = Archive::open(&row.stand.agent_dir())?;
    let record = until("the record of the run", Duration::from_secs(15), || {
        archive.entries(0, usize::MAX).ok()?.iter().find_map(|it| match parse(&it.bytes).ok()?.body.detail {
            Detail::Inspection(detail) => Some(detail),
            _ => None,
        })
    })?;
    ensure!(running.state == "3" && finished.state == "5", "states {} and {}", running.state, finished.state);
    ensure!(running.stage == "2", "stage {} while it stood still", running.stage);
    let compared = running.compare(&record)? + finished.compare(&record)?;
    let named: Vec<&str> = record.subject.identities.iter().map(|it| it.text.as_str()).collect();
    ensure!(named == [barcode.trim_end_matches('\0')], "{named:?} recorded, {barcode:?} read");
    let ended = agent.program.terminate(Duration::from_secs(20))?;
    ensure!(ended.success(), "the agent ends with {ended}");
    tell(&format!(
        "mbpoll: {compared} values and registers agree with the record, {:?} among them; {:.1} s",
        running.held,
        begun.elapsed().as_secs_f32()
    ));
    Ok(())
}
