//! Brokers killed, and a broker away for half a minute.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tidewaiter_tests::{
    broker::Broker,
    mosquitto::Mosquitto,
    process::{Agent, Collector, alone, number, seed, tell},
};

use super::{
    BUSY, Row,
    audit::{Promises, audit, end},
    killed::{report, settle},
    row::{Poster, runtime},
    witness::{RECEIPTS, RECORDS, Witness},
};

/// How long the broker is away in [`away`].
const AWAY: Duration = Duration::from_secs(30);

/// Mosquitto killed with whatever was under way; it keeps nothing on disk.
pub(super) fn killed(times: u32) -> Result<()> {
    let _alone = alone();
    let (seed, begun) = (seed(), Instant::now());
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let broker_dir = tempfile::tempdir()?;
    let Some(mut broker) = Mosquitto::start(broker_dir.path(), None)? else { return Ok(()) };
    tell(&format!("broker killed: seed {seed}"));
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let row = Row::new(runtime()?, BUSY, &url)?;
    let address = SocketAddr::from(([127, 0, 0, 1], broker.port));
    let witness = Witness::start(&row.runtime, address, &[RECORDS[0], RECORDS[1], RECEIPTS])?;
    let config = Collector::configure(&row.stand, &url, "")?;
    let collector = Collector::start(&row.stand, &config)?;
    let poster = Poster::start(&row.stand, Duration::from_millis(15));
    let mut agent = Agent::start(&row.stand, Duration::from_secs(20))?;
    agent.ready()?;
    for _ in 0..times {
        // Short lives hit the handshake, long ones the middle of the flow.
        thread::sleep(Duration::from_millis(chance.random_range(100..=2500)));
        broker.kill()?;
        thread::sleep(Duration::from_millis(chance.random_range(0..=800)));
        broker.up()?;
    }
    let promises = Promises::of_posts(poster.stop()?);
    settle(agent)?;
    end(collector)?;
    let figures = audit(&row, &promises, Some(&witness))?;
    ensure!(figures.received > 0 && figures.heard > 0, "nothing passed the broker");
    report("broker", times, &figures, begun);
    Ok(())
}

/// Half a minute without a broker: the agent says so, keeps everything, and sends it afterwards.
pub(super) fn away() -> Result<()> {
    let _alone = alone();
    let begun = Instant::now();
    let runtime = runtime()?;
    let broker = runtime.block_on(Broker::start())?;
    let address = broker.address;
    let url = format!("mqtt://{address}");
    let row = Row::new(runtime, BUSY, &url)?;
    let config = Collector::configure(&row.stand, &url, "")?;
    let collector = Collector::start(&row.stand, &config)?;
    let mut agent = Agent::start(&row.stand, Duration::from_secs(20))?;
    agent.ready()?;
    let before = agent.receipted(5, Duration::from_secs(30))?;

    row.runtime.block_on(broker.stop());
    let gone = Instant::now();
    let mut seen = Vec::new();
    while gone.elapsed() < AWAY {
        thread::sleep(AWAY / 6);
        let status = agent.status()?;
        seen.push(Outage::of(&status).with_context(|| format!("{status:#}"))?);
    }
    for pair in seen.windows(2) {
        ensure!(pair[0].backlog < pair[1].backlog, "the backlog does not grow: {seen:?}");
        ensure!(pair[0].down_ms + 4000 < pair[1].down_ms, "the time without uplink does not grow: {seen:?}");
    }
    let backlog = seen.last().context("no look")?.backlog;

    let broker = row.runtime.block_on(Broker::start_at(address))?;
    let back = Instant::now();
    let receipted = agent.receipted(before + backlog, Duration::from_secs(90))?;
    let caught_up = back.elapsed();
    let status = agent.status()?;
    ensure!(status.pointer("/uplink/online") == Some(&Value::Bool(true)), "{status:#}");
    ensure!(status.pointer("/uplink_down_ms").is_none_or(Value::is_null), "{status:#}");
    settle(agent)?;
    end(collector)?;
    let figures = audit(&row, &Promises::default(), None)?;
    ensure!(figures.records >= receipted, "{figures:?}");
    row.runtime.block_on(broker.stop());
    tell(&format!(
        "broker away {} s: {backlog} records waited, all receipted {:.1} s after its return; {} records, {} duplicates folded; {:.1} s",
        AWAY.as_secs(),
        caught_up.as_secs_f32(),
        figures.records,
        figures.duplicates,
        begun.elapsed().as_secs_f32()
    ));
    Ok(())
}

/// What the agent says of an outage.
#[derive(Debug)]
struct Outage {
    backlog: u64,
    down_ms: u64,
}

impl Outage {
    fn of(status: &Value) -> Result<Self> {
        ensure!(status.pointer("/uplink/online") == Some(&Value::Bool(false)), "the uplink is not down");
        let why = status.pointer("/uplink/last_failure").and_then(Value::as_str).context("no reason is given")?;
        ensure!(!why.is_empty(), "the reason is empty");
        // The lane goes on: nothing refused, and no claim that it is not recording.
        ensure!(status.pointer("/not_recording").is_none_or(Value::is_null), "it says it does not record");
        ensure!(number(status, "/refused") == 0, "records were refused");
        let backlog = number(status, "/counters/sealed") - number(status, "/counters/receipted");
        Ok(Self { backlog, down_ms: number(status, "/uplink_down_ms") })
    }
}
