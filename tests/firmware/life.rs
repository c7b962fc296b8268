//! What the sensors feel; resets, faults and cuts of power, and what must go on through them.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tidewaiter_tests::process::{alone, seed, tell, until};

use super::{
    board::Bus,
    client::{Client, Reply},
    rig::{Rig, double, parameters},
    seal::{self, Seen},
};

/// The value of a channel follows its sensor within this time; conversions are averaged and intervals end.
const FOLLOWS: Duration = Duration::from_secs(30);
/// States of a channel.
const GOOD: u16 = 0;
const STALE: u16 = 2;
const NOT_PRESENT: u16 = 0x81;
const UNDERRANGE: u16 = 0x84;
/// Why a node started.
const PIN: u16 = 2;
const WATCHDOG: u16 = 3;
const PANIC: u16 = 4;
const POWER_ON: u16 = 1;

/// A block, as it was sent.
fn block(client: &mut Client) -> Result<(Vec<u8>, Seen)> {
    let words = client.read(4, 0x0100, 47)?;
    let bytes: Vec<u8> = words.iter().flat_map(|it| it.to_be_bytes()).collect();
    let seen = seal::read(&bytes).with_context(|| format!("no block: {}", hex::encode(&bytes)))?;
    Ok((bytes, seen))
}

/// Waits until the channels are as `right` wants them.
fn follows(client: &mut Client, what: &str, right: impl Fn(&[(i32, u16); 5]) -> bool) -> Result<Seen> {
    let mut last = None;
    until(what, FOLLOWS, || {
        let seen = block(client).ok()?.1;
        last = Some(seen.channels);
        right(&seen.channels).then_some(seen)
    })
    .with_context(|| format!("the channels are {last:?}"))
}

pub(super) fn inputs() -> Result<()> {
    let _alone = alone();
    let dir = tempfile::tempdir()?;
    let Some(mut rig) = Rig::new(dir.path(), Bus::Tcp)? else { return Ok(()) };
    let mut client = rig.client()?;
    // 10 000 codes are 1 kg; 800 codes are 1 mA above 3200 at 4 mA; temperatures by QEMU's own control.
    let mut rows = 0;
    for (load, grams) in [(0, 0), (50_000, 5_000), (-100, -10), (119_990, 11_999), (12_345, 1_235)] {
        rig.feel(|feel| feel.load = Some(load));
        follows(&mut client, &format!("{grams} g"), |it| it[0] == (grams, GOOD))?;
        rows += 1;
    }
    for (code, ua) in [(3_200, 4_000), (16_000, 20_000), (9_600, 12_000), (6_400, 8_000)] {
        rig.feel(|feel| feel.current = Some(code));
        follows(&mut client, &format!("{ua} µA"), |it| it[2] == (ua, GOOD))?;
        rows += 1;
    }
    // A broken loop carries less than 3.6 mA (NAMUR NE 43), and no value.
    rig.feel(|feel| feel.current = Some(2_400));
    follows(&mut client, "a broken loop", |it| it[2] == (0, UNDERRANGE))?;
    for (milli, hundredths) in [(21_500, 2_150), (-5_250, -525), (0, 0), (60_000, 6_000)] {
        rig.board.temperature(milli)?;
        follows(&mut client, &format!("{milli} m°C"), |it| it[3] == (hundredths, GOOD))?;
        rows += 1;
    }
    // A hundred a second less a dead time of 100 µs each; how many fall into one second hangs on the machine.
    follows(&mut client, "a hundred pulses", |it| it[1].1 == GOOD && (80..=130).contains(&it[1].0))?;
    rig.feel(|feel| feel.rate = 0);
    follows(&mut client, "no pulses", |it| it[1] == (0, GOOD))?;
    let seen = follows(&mut client, "no serial scale", |it| it[4] == (0, NOT_PRESENT))?;
    ensure!(seen.status & 1 << 8 != 0, "a simulated board says so: {:#06x}", seen.status);
    // A cell that says nothing more is stale, and then has no value; the others go on.
    rig.feel(|feel| feel.load = None);
    follows(&mut client, "a silent cell", |it| it[0].1 == STALE || it[0].1 > 0x80)?;
    // The same as plain registers: value and state of each channel.
    let words = client.read(4, 0x0010, 15)?;
    ensure!(words[9..12] == [0, 6_000, GOOD], "the temperature's registers are {words:?}");
    tell(&format!("node: {} values set in the plant and read; {} requests without a reply", rows + 5, client.silences));
    rig.cut()
}

/// The words of the fault record: kind and code.
fn fault(client: &mut Client) -> Result<(u16, u32)> {
    let words = client.read(4, 0x0060, 8)?;
    Ok((words[0], double(&words, 1)))
}

pub(super) fn faults() -> Result<()> {
    let _alone = alone();
    let dir = tempfile::tempdir()?;
    let Some(mut rig) = Rig::new(dir.path(), Bus::Tcp)? else { return Ok(()) };
    let mut client = rig.client()?;
    let mut blocks = Vec::new();
    let mut take = |client: &mut Client| -> Result<Seen> {
        let (bytes, seen) = block(client)?;
        blocks.push((bytes, seen.clone()));
        Ok(seen)
    };
    follows(&mut client, "5 kg", |it| it[0] == (5_000, GOOD))?;
    let mut before = take(&mut client)?;
    ensure!(client.read(4, 0x0006, 1)? == [POWER_ON], "the first start is a power-on");
    for (what, order, cause, kind) in [("watchdog", 1, WATCHDOG, 3), ("panic", 2, PANIC, 1), ("reset line", 0, PIN, 0)]
    {
        let begun = Instant::now();
        if order == 0 {
            rig.board.reset()?;
        } else {
            rig.feel(|feel| feel.order = order);
        }
        client.within = Duration::from_millis(100);
        until(&format!("a start after {what}"), FOLLOWS, || match client.ask(1, 4, &[0, 4, 0, 3]) {
            Ok(Reply::Bytes(bytes)) if bytes.len() == 7 => {
                let starts = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
                (starts > before.starts).then_some(())
            }
            _ => {
                let _ = client.drain(Duration::from_millis(200));
                None
            }
        })?;
        let took = begun.elapsed();
        client.within = Duration::from_secs(2);
        client.drain(Duration::from_millis(300))?;
        ensure!(client.read(4, 0x0006, 1)? == [cause], "{what}: the cause of the reset is another");
        let (found, code) = fault(&mut client)?;
        if kind != 0 {
            ensure!(found == kind, "{what}: fault {found}");
        }
        if what == "panic" {
            ensure!(code != 0 && code < 32 * 1024, "a panic in the image has an address in it: {code:#x}");
        }
        let now = follows(&mut client, "5 kg again", |it| it[0] == (5_000, GOOD))?;
        ensure!(now.starts == before.starts + 1, "{what}: start {} after {}", now.starts, before.starts);
        ensure!(now.sequence > before.sequence, "{what}: block {} after {}", now.sequence, before.sequence);
        ensure!((now.status & 1 << 6 != 0) == (kind != 0), "{what}: status {:#06x}", now.status);
        ensure!(client.read(3, 0x0010, 40)? == parameters(), "{what}: another configuration");
        tell(&format!("node: back {} ms after {what}, fault record {found}, code {code:#x}", took.as_millis()));
        before = take(&mut client)?;
    }
    rises(&blocks)?;
    rig.cut()
}

/// Sequences rise, and every block is the node's own.
fn rises(blocks: &[(Vec<u8>, Seen)]) -> Result<()> {
    if let Some(pair) = blocks.windows(2).find(|it| it[0].1.sequence >= it[1].1.sequence) {
        bail!("block {} comes after {}", pair[1].1.sequence, pair[0].1.sequence);
    }
    let bytes: Vec<Vec<u8>> = blocks.iter().map(|(bytes, _)| bytes.clone()).collect();
    ensure!(seal::sealed(&bytes)?.iter().all(|it| *it), "a block has another MAC than Python's");
    Ok(())
}

pub(super) fn cuts(times: u32) -> Result<()> {
    let _alone = alone();
    let seed = seed();
    tell(&format!("node cuts: seed {seed}"));
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let dir = tempfile::tempdir()?;
    let Some(mut rig) = Rig::new(dir.path(), Bus::Tcp)? else { return Ok(()) };
    let mut blocks = Vec::new();
    let mut starts = 0;
    // The span in force, in grams; a cut in the middle of a change leaves the one or the other.
    let mut span = vec![1_000_u16];
    let mut events = 1;
    rig.feel(|feel| feel.seal_open = true);
    for _ in 0..times {
        let mut client = rig.client()?;
        let legal = client.read(3, 0x0010, 40)?;
        ensure!(span.contains(&legal[3]), "a span of {} g, {span:?} are possible", legal[3]);
        let mut due = parameters();
        due[3] = legal[3];
        ensure!(legal == due, "a configuration that was never written: {legal:?}");
        let said = double(&client.read(4, 0x0008, 2)?, 0);
        ensure!(said == events || span.len() == 2 && said == events + 1, "event {said} after {events}");
        events = said;
        span = vec![legal[3]];
        let began = double(&client.read(4, 0x0004, 2)?, 0);
        ensure!(began > starts, "start {began} after {starts}");
        starts = began;
        for _ in 0..chance.random_range(1..6) {
            blocks.push(block(&mut client)?);
        }
        until("an open seal", FOLLOWS, || client.read(4, 0x0007, 1).ok().filter(|it| *it == [1]))?;
        // Somebody adjusts the node, and the plug is pulled at any moment of it.
        let next = if legal[3] == 1_000 { 1_001 } else { 1_000 };
        span.push(next);
        client.send(&super::client::frame(1, 6, &super::client::words(0x0013, next)))?;
        thread::sleep(Duration::from_micros(chance.random_range(0..12_000)));
        rig.cut()?;
        rig.power()?;
    }
    rises(&blocks)?;
    tell(&format!(
        "node: power cut {times} times while it was adjusted: {starts} starts, {} blocks rising to {}, event counter {events}",
        blocks.len(),
        blocks.last().map_or(0, |it| it.1.sequence)
    ));
    rig.cut()
}
