//! The weighbridge behind an instrument node: the load cell goes to a node in place of an indicator, and the node seals
//! what it says.
//!
//! Served are the input registers of [`tidewaiter_node::map`] that a reader needs: version, status, uptime, starts, event
//! counter, the five channels, serial number, and the sealed block at 0x0100, which is read whole or not at all. The key is
//! the scene's and so public: it proves nothing to anybody but the test that knows it.
//!
//! A scene repeats its bytes, a seal must not: numbers begin above those of every earlier start, by the time of day.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use tidewaiter_drivers::Decimal;
use tidewaiter_node::{
    block::{BYTES, Block, KEY_BYTES, NodeKey, Sample, State, WORDS},
    map::{self, status},
};
use tokio::time::Instant;

use super::modbus::{ILLEGAL_ADDRESS, ILLEGAL_FUNCTION};
use crate::{scene::SimulatedNode, world::World};

/// Function that reads input registers.
const READ_INPUT: u8 = 4;
const CHANNELS: u16 = 0x0010;
const INTERVAL: u16 = 0x0020;
const SERIAL: u16 = 0x0080;
const SOFTWARE: u16 = 0x0084;
/// Seconds from the epoch to 2026-01-01: starts count from there.
const SINCE_2026: u64 = 1_767_225_600;
/// Numbers set apart for one second of starts.
const NUMBERS_PER_START: u32 = 24;
/// For how long the indication must stand to be settled.
const STANDS_MS: [i64; 3] = [0, 400, 800];
/// The register holds grams.
const GRAMS: i64 = 1000;
const INTERVAL_US: u32 = 1_000_000;

/// What a node remembers while it runs.
#[derive(Debug)]
pub(crate) struct Life {
    starts: u32,
    next: AtomicU64,
    begun: Instant,
}

impl Life {
    /// A node that is switched on now.
    pub(crate) fn start() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
        let seconds = now.saturating_sub(SINCE_2026).max(1);
        Self {
            starts: u32::try_from(seconds).unwrap_or(u32::MAX),
            next: AtomicU64::new(seconds << NUMBERS_PER_START),
            begun: Instant::now(),
        }
    }

    /// The same node with another block: its life goes on in it, and it is sealed anew.
    pub(crate) fn sealed(&self, mut block: Block, key: [u8; KEY_BYTES]) -> Vec<u16> {
        block.sequence = self.next.fetch_add(1, Ordering::Relaxed);
        (block.starts, block.uptime_ms, block.event_counter) = (self.starts, self.uptime_ms(), 1);
        words(&NodeKey::new(key).seal(&block))
    }

    fn uptime_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The cells of a node, as its map has them.
pub(super) fn cells(
    world: &World,
    node: &SimulatedNode,
    at_ms: i64,
    (function, address, count): (u8, u16, u16),
) -> Result<Vec<u16>, u8> {
    if function != READ_INPUT {
        return Err(ILLEGAL_FUNCTION);
    }
    let life = world.node_life();
    let within = |from: u16, width: usize| {
        let end = u32::from(address) + u32::from(count);
        address >= from && end <= u32::from(from) + u32::try_from(width).unwrap_or(0)
    };
    if address == map::BLOCK {
        if usize::from(count) != WORDS {
            return Err(ILLEGAL_ADDRESS);
        }
        let block = block(world, node, at_ms, life.next.fetch_add(1, Ordering::Relaxed));
        return Ok(words(&NodeKey::new(key(node)).seal(&block)));
    }
    let shown = block(world, node, at_ms, 1);
    let part = |from: u16, bytes: &[u8]| {
        let skip = usize::from(address - from);
        let all = words(bytes);
        all.get(skip..skip + usize::from(count)).map(<[u16]>::to_vec).ok_or(ILLEGAL_ADDRESS)
    };
    let uptime_s = u32::try_from(shown.uptime_ms / 1000).unwrap_or(u32::MAX);
    let head = [
        &map::VERSION.to_be_bytes()[..],
        &shown.status.to_be_bytes(),
        &uptime_s.to_be_bytes(),
        &shown.starts.to_be_bytes(),
        // The cause of the last reset, power on, and the seal, closed.
        &[0; 4],
        &shown.event_counter.to_be_bytes(),
    ]
    .concat();
    let channels: Vec<u8> = shown
        .samples
        .iter()
        .flat_map(|it| [it.value.to_be_bytes().as_slice(), &(it.state as u16).to_be_bytes()].concat())
        .collect();
    let software = [0x51; 32];
    for (from, bytes) in [
        (0, head.as_slice()),
        (CHANNELS, &channels),
        (INTERVAL, &INTERVAL_US.to_be_bytes()),
        (SERIAL, &serial(node)),
        (SOFTWARE, &software),
    ] {
        if within(from, bytes.len() / 2) {
            return part(from, bytes);
        }
    }
    Err(ILLEGAL_ADDRESS)
}

fn block(world: &World, node: &SimulatedNode, at_ms: i64, sequence: u64) -> Block {
    let life = world.node_life();
    let mass = mass(world, at_ms);
    let moves = mass.state == State::Unstable;
    Block {
        serial: serial(node),
        sequence,
        uptime_ms: life.uptime_ms(),
        starts: life.starts,
        event_counter: node.event_counter,
        status: status::SIMULATED | if moves { status::MOTION } else { 0 },
        interval_us: INTERVAL_US,
        samples: [
            mass,
            Sample::missing(State::NotPresent),
            Sample::missing(State::NotPresent),
            Sample { state: State::Good, value: 2150 },
            Sample::missing(State::NotPresent),
        ],
    }
}

fn mass(world: &World, at_ms: i64) -> Sample {
    let grams = |mass: Decimal| {
        let grams = mass.checked_mul(Decimal::whole(GRAMS))?.at_places(0)?;
        i32::try_from(grams.digits()).ok()
    };
    let Some(now) = world.mass(at_ms) else { return Sample::missing(State::Overrange) };
    let stands = STANDS_MS.iter().all(|ago| world.mass(at_ms - ago) == Some(now));
    match grams(now) {
        Some(value) => Sample { state: if stands { State::Good } else { State::Unstable }, value },
        None => Sample::missing(State::Overrange),
    }
}

fn serial(node: &SimulatedNode) -> [u8; 8] {
    let mut serial = [0; 8];
    serial.iter_mut().zip(node.serial.bytes()).for_each(|(to, from)| *to = from);
    serial
}

fn key(node: &SimulatedNode) -> [u8; KEY_BYTES] {
    let digit = |at: usize| node.key.get(at..at + 2).and_then(|it| u8::from_str_radix(it, 16).ok()).unwrap_or(0);
    core::array::from_fn(|at| digit(2 * at))
}

fn words(bytes: &[u8]) -> Vec<u16> {
    debug_assert!(bytes.len() <= BYTES);
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}
