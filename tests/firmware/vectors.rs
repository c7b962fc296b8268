//! The vectors of the profile `tidewaiter-node`: blocks that the firmware served, kept in `node-vectors.txt`.
//!
//! Three things must agree, and each is held against the file: what the firmware of today serves for the same feelings of
//! its sensors, what the shipped profile carries, and what the written layout says that they mean.

use std::{collections::BTreeMap, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tidewaiter_config::profile;
use tidewaiter_tests::process::{alone, tell, until};

use super::{
    board::Bus,
    client::Client,
    rig::{Feel, Rig, to_words},
    seal::{self, Seen},
};

const FILE: &str = include_str!("node-vectors.txt");
/// The channels follow their sensors within this time.
const FOLLOWS: Duration = Duration::from_secs(40);
/// What a block says that no two blocks, or no two machines, have alike: number, uptime and starts, true interval, seal.
const OWN: [std::ops::Range<usize>; 3] = [12..32, 38..42, 78..94];
/// Low byte of the status, and what is a busy machine's own in it: a watchdog that had to wait.
const STATUS_AT: usize = 37;
const UNEXPECTED_RESET: u8 = 1 << 6;
const MOTION: u16 = 1 << 5;
const SEAL_OPEN: u16 = 1 << 3;

/// What the sensors feel, and the channels it leads to.
struct Scene {
    name: &'static str,
    feel: fn(&mut Feel),
    milli: i32,
    channels: [(i32, u16); 5],
    status: u16,
}

/// In this order: a board remembers what it was.
const SCENES: [Scene; 5] = [
    Scene {
        name: "usual",
        feel: |it| (it.load, it.current, it.rate) = (Some(50_000), Some(9_600), 0),
        milli: 21_500,
        channels: [(5_000, 0), (0, 0), (12_000, 0), (2_150, 0), (0, 0x81)],
        status: 0,
    },
    Scene {
        name: "light-and-cold",
        feel: |it| (it.load, it.current) = (Some(-100), Some(16_000)),
        milli: -5_250,
        channels: [(-10, 0), (0, 0), (20_000, 0), (-525, 0), (0, 0x81)],
        status: 0,
    },
    Scene {
        name: "beyond",
        feel: |it| (it.load, it.current) = (Some(200_000), Some(2_400)),
        milli: 60_000,
        channels: [(0, 0x83), (0, 0), (0, 0x84), (6_000, 0), (0, 0x81)],
        status: 0,
    },
    Scene {
        name: "open",
        feel: |it| (it.load, it.current, it.seal_open) = (Some(12_345), Some(17_000), true),
        milli: 0,
        channels: [(1_235, 0), (0, 0), (0, 0x83), (0, 0), (0, 0x81)],
        status: SEAL_OPEN,
    },
    Scene {
        name: "silent-cell",
        feel: |it| (it.load, it.current, it.seal_open) = (None, Some(6_400), false),
        milli: 21_500,
        channels: [(1_235, 2), (0, 0), (8_000, 0), (2_150, 0), (0, 0x81)],
        status: 0,
    },
];

/// The blocks of the file, by name; the first one has none.
fn kept() -> Result<BTreeMap<&'static str, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for line in FILE.lines() {
        let (name, hex) = match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["block", "0x0100", hex] => ("made", *hex),
            ["block", name, "0x0100", hex] => (*name, *hex),
            _ => continue,
        };
        ensure!(found.insert(name, hex::decode(hex)?).is_none(), "{name} is there twice");
    }
    Ok(found)
}

/// A block without what is its own.
fn masked(block: &[u8]) -> Vec<u8> {
    let own = |at: &usize| OWN.iter().any(|it| it.contains(at));
    let mask = |(at, byte): (usize, &u8)| match at {
        _ if own(&at) => 0,
        STATUS_AT => byte & !UNEXPECTED_RESET,
        _ => *byte,
    };
    block.iter().enumerate().map(mask).collect()
}

fn block(client: &mut Client) -> Result<Vec<u8>> {
    Ok(client.read(4, 0x0100, 47)?.iter().flat_map(|it| it.to_be_bytes()).collect())
}

/// The firmware that is built now serves these blocks for the same feelings of its sensors.
pub(super) fn served() -> Result<()> {
    let _alone = alone();
    let dir = tempfile::tempdir()?;
    let Some(mut rig) = Rig::new(dir.path(), Bus::Tcp)? else { return Ok(()) };
    let mut client = rig.client()?;
    let kept = kept()?;
    let (mut lines, mut others) = (Vec::new(), Vec::new());
    for scene in SCENES {
        rig.board.temperature(scene.milli)?;
        rig.feel(scene.feel);
        let settled = |seen: &Seen| {
            seen.channels == scene.channels && seen.status & (MOTION | SEAL_OPEN) == scene.status & SEAL_OPEN
        };
        let mut last = None;
        let served = until(scene.name, FOLLOWS, || {
            thread::sleep(Duration::from_millis(20));
            let bytes = block(&mut client).ok()?;
            let seen = seal::read(&bytes)?;
            let is_settled = settled(&seen);
            last = Some(seen);
            is_settled.then_some(bytes)
        })
        .with_context(|| format!("{last:?}"))?;
        if kept.get(scene.name).is_none_or(|it| masked(it) != masked(&served)) {
            others.push(scene.name);
        }
        lines.push(format!("block {} 0x0100 {}", scene.name, hex::encode(&served)));
    }
    ensure!(
        others.is_empty(),
        "the firmware serves other blocks than node-vectors.txt has for {others:?}. If that is meant, put these there and \
         into the profile:\n{}",
        lines.join("\n")
    );
    tell(&format!("{} blocks of the profile's vectors served again by the firmware", SCENES.len()));
    rig.cut()
}

/// What a channel of a block shows, by the written layout.
fn shown(seen: &Seen, channel: usize, places: usize) -> String {
    let (value, state) = seen.channels[channel];
    match state {
        0x81 => "not-present".to_owned(),
        0x82 => "warming-up".to_owned(),
        0x83 => "overrange".to_owned(),
        0x84 => "underrange".to_owned(),
        0x85 => "instrument-fault".to_owned(),
        // A failed self-test and a lost configuration are faults of whatever would have a value.
        _ if seen.status & 0b11 != 0 => "instrument-fault".to_owned(),
        _ if places == 0 => value.to_string(),
        _ => {
            let (sign, digits) = (if value < 0 { "-" } else { "" }, format!("{:0>1$}", value.abs(), places + 1));
            let (whole, fraction) = digits.split_at(digits.len() - places);
            format!("{sign}{whole}.{fraction}")
        }
    }
}

/// The shipped profile carries these blocks, with what the layout says that they mean; the rig's node has sealed them.
pub(super) fn carried() -> Result<()> {
    let kept = kept()?;
    for scene in SCENES {
        ensure!(kept.contains_key(scene.name), "node-vectors.txt has no block {}", scene.name);
    }
    let blocks: Vec<Vec<u8>> = kept.values().cloned().collect();
    ensure!(seal::sealed(&blocks)?.iter().all(|it| *it), "a block of node-vectors.txt has another seal");
    let profiles = profile::builtin();
    let profile = profiles.iter().find(|it| it.id == "tidewaiter-node").context("no profile of the node")?;
    let mut rows = 0;
    for (name, bytes) in &kept {
        let (words, seen) = (to_words(bytes), seal::read(bytes).with_context(|| format!("{name} is no block"))?);
        let expected = |channel: &str| -> Result<String> {
            Ok(match channel {
                "mass" => shown(&seen, 0, 0),
                "counts" => shown(&seen, 1, 0),
                "current" => shown(&seen, 2, 3),
                "temperature" => shown(&seen, 3, 2),
                "serial-mass" => shown(&seen, 4, 0),
                "starts" => seen.starts.to_string(),
                "sequence" => seen.sequence.to_string(),
                "simulated" => u16::from(seen.status & 1 << 8 != 0).to_string(),
                "seal-open" => u16::from(seen.status & SEAL_OPEN != 0).to_string(),
                other => anyhow::bail!("{name}: {other} is not read here"),
            })
        };
        let of_it: Vec<_> = profile.vectors.iter().filter(|it| it.registers == words).collect();
        for channel in ["mass", "counts", "current", "temperature", "serial-mass"] {
            ensure!(of_it.iter().any(|it| it.channel == channel), "no vector for {channel} out of block {name}");
        }
        for vector in of_it {
            let ought = expected(&vector.channel)?;
            ensure!(vector.expect == ought, "{name}: {} is {}, the block says {ought}", vector.channel, vector.expect);
            rows += 1;
        }
    }
    tell(&format!("{rows} vectors of the profile out of {} blocks that the firmware served", kept.len()));
    Ok(())
}
