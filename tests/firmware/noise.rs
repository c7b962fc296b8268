//! A line that changes what passes over it.
//!
//! Bits flip, each for itself, with a chance that changes from one transaction to the next between 10⁻⁵ and 10⁻²; now
//! and then a byte is lost, doubled or put in, the request comes back as an echo, or the sender stops in the middle of
//! a frame for longer than any frame may.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tidewaiter_tests::process::{alone, seed, tell, until};

use super::{
    board::Bus,
    client::{Reply, frame, read, whole, words},
    rig::{Rig, parameters},
    seal,
};

/// A noisy line with its chance.
pub(super) struct Noise {
    chance: ChaCha8Rng,
    /// Chance of each bit to flip in this transaction.
    flips: f64,
}

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self { chance: ChaCha8Rng::seed_from_u64(seed), flips: 0.0 }
    }

    /// Another transaction, another line: 10⁻⁵ to 10⁻² in equal steps of the exponent.
    pub(super) fn turn(&mut self) {
        self.flips = 10_f64.powf(self.chance.random_range(-5.0..-2.0));
    }

    /// One of so many.
    pub(super) fn one_in(&mut self, many: u32) -> bool {
        self.chance.random_range(0..many) == 0
    }

    /// Where a frame of this length is broken off.
    pub(super) fn place(&mut self, length: usize) -> usize {
        self.chance.random_range(1..length.max(2))
    }

    /// What arrives of a frame, and whether it is another than was sent.
    pub(super) fn pass(&mut self, frame: &[u8]) -> (Vec<u8>, bool) {
        let mut arrives = Vec::with_capacity(frame.len() + 1);
        for byte in frame {
            let mut byte = *byte;
            for bit in 0..8 {
                if self.chance.random_bool(self.flips) {
                    byte ^= 1 << bit;
                }
            }
            match self.chance.random_range(0..60_000) {
                0..10 => {}
                10..20 => arrives.extend([byte, byte]),
                20..30 => arrives.extend([self.chance.random(), byte]),
                _ => arrives.push(byte),
            }
        }
        let changed = arrives != frame;
        (arrives, changed)
    }
}

/// Longer than a frame that stalls is waited for on the emulated board.
const ABANDONED: Duration = Duration::from_millis(170);
/// A reply takes milliseconds; what does not come within this has been lost.
const WITHIN: Duration = Duration::from_millis(60);
/// Polls after a burst until the line works again.
const RECOVERS_WITHIN: u32 = 3;

/// What is counted.
#[derive(Default, Debug)]
struct Counted {
    /// Sound replies that say what is true.
    right: u32,
    /// Replies that were refused, and requests without one.
    refused: u32,
    silent: u32,
    /// Changed replies that passed every check of a client without a key, and said something else than is true.
    escaped: u32,
    /// Exceptions: a changed request that passed the CRC.
    exceptions: u32,
}

pub(super) fn transactions(count: u32) -> Result<()> {
    let _alone = alone();
    let (seed, begun) = (seed(), Instant::now());
    tell(&format!("node noise: seed {seed}"));
    let dir = tempfile::tempdir()?;
    let Some(mut rig) = Rig::new(dir.path(), Bus::Tcp)? else { return Ok(()) };
    let mut client = rig.client()?;
    let mut noise = Noise::new(seed);
    let (mut counted, mut blocks, mut garbage) = (Counted::default(), Vec::new(), 0_u32);
    // What is certain of every true block: the mass stands still from here on.
    until("5 kg", Duration::from_secs(30), || {
        let words = client.read(4, 0x0010, 3).ok()?;
        (words == [0, 5_000, 0]).then_some(())
    })?;
    let request = frame(1, 4, &words(0x0100, 47));
    client.within = WITHIN;
    let mut accepted = 0_u64;
    for number in 0..count {
        noise.turn();
        let (sent, broken) = noise.pass(&request);
        if noise.one_in(500) {
            // The sender stops in the middle for longer than a frame may.
            let place = noise.place(sent.len());
            client.send(&sent[..place])?;
            std::thread::sleep(ABANDONED);
            client.send(&sent[place..])?;
        } else {
            client.send(&sent)?;
        }
        // The echo of a two-wire line comes back before the reply.
        let echo = if noise.one_in(300) { sent.clone() } else { Vec::new() };
        let reply = client.receive(|bytes| whole(bytes, 4))?;
        if reply.is_empty() {
            counted.silent += 1;
            // Its pieces must be gone before the next request, or they would be its head.
            std::thread::sleep(ABANDONED);
            client.drain(Duration::from_millis(1))?;
            continue;
        }
        let (arrived, changed) = noise.pass(&reply);
        let arrived = [echo, arrived].concat();
        garbage += u32::from(changed || broken);
        match read(&arrived, 1, 4) {
            Reply::Bytes(bytes) if bytes.len() == 95 && bytes[0] == 94 => {
                let block = bytes[1..].to_vec();
                if changed {
                    counted.escaped += 1;
                } else {
                    counted.right += 1;
                }
                blocks.push((number, block));
                accepted += 1;
            }
            Reply::Exception(_) => counted.exceptions += 1,
            _ => {
                counted.refused += 1;
                if client.drain(Duration::from_millis(1))? > 0 {
                    std::thread::sleep(ABANDONED);
                }
            }
        }
    }
    // A client with the key believes what carries its MAC, and nothing older than what it has.
    let bytes: Vec<Vec<u8>> = blocks.iter().map(|(_, block)| block.clone()).collect();
    let sealed = seal::sealed(&bytes)?;
    let (mut believed, mut last) = (0_u32, 0);
    for ((number, block), sealed) in blocks.iter().zip(sealed).filter(|(_, sealed)| *sealed) {
        let _ = sealed;
        let seen = seal::read(block).context("a sealed block without the shape of one")?;
        ensure!(seen.channels[0] == (5_000, 0), "transaction {number}: a wrong mass was believed: {seen:?}");
        ensure!(seen.sequence > last, "transaction {number}: block {} after {last}", seen.sequence);
        last = seen.sequence;
        believed += 1;
    }
    ensure!(believed >= counted.right, "{believed} of {} unchanged blocks carry the MAC", counted.right);
    // One in 65 536 of what is garbage passes the CRC; so few tries allow no more than a stray one or two.
    let allowed = 2 + garbage / 65_536 * 12 / 10;
    ensure!(counted.escaped <= allowed, "{} escapes of {garbage} broken transactions: {counted:?}", counted.escaped);
    // After a burst of noise the line works again.
    let mut burst = vec![0; 400];
    for byte in &mut burst {
        *byte = noise.chance.random();
    }
    client.send(&burst)?;
    std::thread::sleep(ABANDONED);
    client.drain(Duration::from_millis(20))?;
    client.within = Duration::from_secs(1);
    let recovered = (1..=RECOVERS_WITHIN).find(|_| {
        let reply = client.ask(1, 4, &words(0, 1));
        matches!(reply, Ok(Reply::Bytes(_)))
    });
    let recovered = recovered.context("no reply in three polls after a burst")?;
    // No request that noise made has changed anything.
    ensure!(client.read(3, 0x0010, 40)? == parameters(), "noise has changed the configuration");
    ensure!(client.read(3, 0, 4)? == [1, 1152, 0, 0], "noise has changed the bus");
    tell(&format!(
        "node on a noisy line: {count} transactions, {garbage} broken, {accepted} replies passed the CRC, {believed} the MAC, 0 wrong values \
         believed; {counted:?}; first reply after a burst at poll {recovered}; {:.0} s",
        begun.elapsed().as_secs_f32()
    ));
    rig.cut()
}
