//! Agent and collector killed at random moments, many times, with records flowing.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tidewaiter_tests::{
    broker::Broker,
    process::{Agent, Collector, alone, seed, tell},
};

use super::{
    BUSY, Row,
    audit::{CentreHead, Figures, Promises, audit, centre_head, end},
    row::{Poster, runtime},
    witness::{RECEIPTS, RECORDS, Witness},
};

/// Life of a program that is killed soon, milliseconds.
const SHORT: std::ops::RangeInclusive<u64> = 20..=400;
/// Life of one that gets somewhere, milliseconds: a lorry is weighed in three seconds.
const LONG: std::ops::RangeInclusive<u64> = 1000..=3500;
/// How long everything left may take to be receipted. A rewind after lost publishes waits 10 s, a
/// connection refused in between up to as long again.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
/// What the agent may take to stop, receipts included.
const STOPPED_WITHIN: Duration = Duration::from_secs(40);
/// The agent's own limit for that.
const DRAIN: Duration = Duration::from_secs(20);

pub(super) fn agent(times: u32) -> Result<()> {
    let _alone = alone();
    let (seed, begun) = (seed(), Instant::now());
    tell(&format!("agent killed: seed {seed}"));
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let runtime = runtime()?;
    let broker = runtime.block_on(Broker::start())?;
    let row = Row::new(runtime, BUSY, &format!("mqtt://{}", broker.address))?;
    let filters = [RECORDS[0], RECORDS[1], RECEIPTS];
    let witness = Witness::start(&row.runtime, broker.address, &filters)?;
    let config = Collector::configure(&row.stand, &format!("mqtt://{}", broker.address), "")?;
    let collector = Collector::start(&row.stand, &config)?;
    let poster = Poster::start(&row.stand, Duration::from_millis(15));
    let mut promises = Promises::default();
    for kill in 0..times {
        let mut agent = Agent::start(&row.stand, Duration::ZERO)?;
        // Every fourth life is counted from the start of the process, so that opening the store is hit too.
        if kill % 4 != 0 {
            agent.ready()?;
        }
        let life = if kill % 10 == 9 { chance.random_range(LONG) } else { chance.random_range(SHORT) };
        thread::sleep(Duration::from_millis(life));
        let log = agent.program.log();
        agent.program.kill()?;
        promises.look(&row.stand, &log)?;
    }
    // One whole life at the end: what was left open is closed, and everything is receipted.
    let mut agent = Agent::start(&row.stand, DRAIN)?;
    agent.ready()?;
    thread::sleep(Duration::from_secs(5));
    promises.posted = poster.stop()?;
    settle(agent)?;
    end(collector)?;
    let figures = audit(&row, &promises, Some(&witness))?;
    // Three of four lives got through opening the store; what the one before left open was found there.
    ensure!(figures.recoveries >= times / 4 * 3, "{} recoveries after {times} kills", figures.recoveries);
    ensure!(figures.interrupted > 0, "no inspection was ever interrupted: the kills missed the lane");
    ensure!(promises.posted.len() > times as usize, "only {} posts were answered", promises.posted.len());
    row.runtime.block_on(broker.stop());
    report("agent", times, &figures, begun);
    Ok(())
}

pub(super) fn collector(times: u32) -> Result<()> {
    let _alone = alone();
    let (seed, begun) = (seed(), Instant::now());
    tell(&format!("collector killed: seed {seed}"));
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let runtime = runtime()?;
    let broker = runtime.block_on(Broker::start())?;
    let row = Row::new(runtime, BUSY, &format!("mqtt://{}", broker.address))?;
    // Receipts only: a second subscriber for records would hide from the agent that the centre is away.
    let witness = Witness::start(&row.runtime, broker.address, &[RECEIPTS])?;
    let config = Collector::configure(&row.stand, &format!("mqtt://{}", broker.address), "")?;
    // A window of 64 records lies between two repetitions, ten seconds; posts must not use it up in one.
    let poster = Poster::start(&row.stand, Duration::from_millis(250));
    let mut agent = Agent::start(&row.stand, DRAIN)?;
    agent.ready()?;
    let (mut fruitful, mut before) = (0, CentreHead::default());
    for kill in 0..times {
        let collector = Collector::start(&row.stand, &config)?;
        let life = if kill % 3 == 0 { chance.random_range(SHORT) } else { chance.random_range(LONG) };
        thread::sleep(Duration::from_millis(life));
        collector.program.kill()?;
        // A receipt is a promise of the centre: what it covers is in the centre's store.
        let promised = witness.receipts(&row.registry)?.into_iter().max();
        let head = centre_head(&row.stand)?;
        ensure!(head.upto >= promised.map(|it| it.0), "receipted up to {promised:?}, stored {head:?}");
        ensure!(
            head.upto >= before.upto && head.stored >= before.stored,
            "the centre's store went back from {before:?} to {head:?}"
        );
        fruitful += u32::from(head.stored > before.stored);
        before = head;
        thread::sleep(Duration::from_millis(chance.random_range(0..=200)));
    }
    let collector = Collector::start(&row.stand, &config)?;
    let promises = Promises::of_posts(poster.stop()?);
    settle(agent)?;
    end(collector)?;
    let figures = audit(&row, &promises, Some(&witness))?;
    ensure!(fruitful >= times / 2, "only {fruitful} of {times} lives stored anything");
    row.runtime.block_on(broker.stop());
    report(&format!("collector ({fruitful} lives stored records)"), times, &figures, begun);
    Ok(())
}

/// Waits for every receipt, then stops the agent as a service manager does.
pub(super) fn settle(agent: Agent) -> Result<()> {
    agent.receipted(1, SETTLED_WITHIN)?;
    let status = agent.program.terminate(STOPPED_WITHIN)?;
    ensure!(status.success(), "the agent ends with {status}");
    Ok(())
}

pub(super) fn report(what: &str, times: u32, it: &Figures, begun: Instant) {
    tell(&format!(
        "{what}: {times} kills, {} records ({} inspections, {} of them interrupted, {} recoveries), {} received, \
         {} duplicates folded, {} promises kept, {} publishes and {} receipts witnessed; nothing lost, no gap, no fork; {:.1} s",
        it.records,
        it.inspections,
        it.interrupted,
        it.recoveries,
        it.received,
        it.duplicates,
        it.promised,
        it.heard,
        it.receipts,
        begun.elapsed().as_secs_f32()
    ));
}
