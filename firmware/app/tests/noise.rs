//! A noisy RS-485 line between a client with the agent's rules and the node.
//!
//! The client empties the line, asks, looks for a frame with the unit, function, length and CRC it waits for, and after
//! anything else keeps silent until no late answer can come any more. What it believes is then held against what the
//! node really had: registers by their CRC alone, as of an instrument that is not ours, and sealed blocks by CRC, MAC,
//! serial number and rising sequence, as the centre checks them.
//!
//! Noise: flipped bits from 10⁻⁵ to 10⁻², bytes dropped, inserted and doubled, breaks, gaps beyond 1.5 and 3.5
//! characters, the client's own echo, a second unit that answers at the same time or just before, answers late by a half
//! to three time-outs, a line stuck low, wrong parity, wrong speed. On top of that one block in fifty comes altered under a
//! right CRC, or is one believed before sent again: what noise does once in 65 536 garbled frames, and a forger when he
//! likes. (A block that somebody holds back and delivers later is genuine: its uptime says how old it is.)
//! Time is counted, not waited for.
//!
//! `TIDEWAITER_NOISE_TRANSACTIONS` sets how many transactions each run makes; 100 000 where it is not set.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use embedded_storage::{ReadStorage, Storage};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use tidewaiter_app::node::{Boot, Node, Reset};
use tidewaiter_drivers::modbus::rtu;
use tidewaiter_node::{
    block::{BYTES as BLOCK_BYTES, Block, Channel, NodeKey, Sample, State},
    map,
};

/// One character at 19 200 Bd, µs.
const CHARACTER: u64 = 573;
const SILENCE: u64 = 2006;
const TIMEOUT: u64 = 100_000;
/// The latest an answer comes: three time-outs, and its own length on the line.
const LATEST: u64 = 3 * TIMEOUT + 400 * CHARACTER;
const UNIT: u8 = 1;
const KEY: [u8; 32] = [0x3C; 32];
const SERIAL: [u8; 8] = *b"TWN00021";

struct Memory(Vec<u8>);

impl ReadStorage for Memory {
    type Error = ();

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), ()> {
        let at = offset as usize;
        bytes.copy_from_slice(self.0.get(at..at + bytes.len()).ok_or(())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl Storage for Memory {
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), ()> {
        let at = offset as usize;
        self.0.get_mut(at..at + bytes.len()).ok_or(())?.copy_from_slice(bytes);
        Ok(())
    }
}

/// A byte on its way: when it arrives, and what. The UART at the other end may see that it is broken.
#[derive(Clone, Copy)]
struct Byte {
    at: u64,
    value: u8,
    broken: bool,
}

/// What goes wrong with one transaction beside flipped bits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    Drop,
    Insert,
    Double,
    Break,
    Gap,
    Echo,
    Second,
    Before,
    Late,
    StuckLow,
    Parity,
    Speed,
}

const TROUBLES: [Trouble; 12] = [
    Trouble::Drop,
    Trouble::Insert,
    Trouble::Double,
    Trouble::Break,
    Trouble::Gap,
    Trouble::Echo,
    Trouble::Second,
    Trouble::Before,
    Trouble::Late,
    Trouble::StuckLow,
    Trouble::Parity,
    Trouble::Speed,
];

/// The line: what it does to a frame that starts at a time.
struct Noise {
    random: SmallRng,
    quiet: bool,
}

impl Noise {
    fn carry(&mut self, frame: &[u8], start: u64, trouble: Trouble, flips: f64) -> Vec<Byte> {
        let mut bytes: Vec<Byte> = Vec::with_capacity(frame.len() + 8);
        let mut at = start;
        for &value in frame {
            at += CHARACTER;
            bytes.push(Byte { at, value, broken: false });
        }
        if self.quiet || bytes.is_empty() {
            return bytes;
        }
        // The next flipped bit by its distance: as many draws as flips.
        let mut bit = self.distance(flips);
        while bit < bytes.len() * 8 {
            bytes[bit / 8].value ^= 1 << (bit % 8);
            bit += 1 + self.distance(flips);
        }
        let place = self.random.random_range(0..bytes.len());
        match trouble {
            Trouble::Drop => {
                bytes.remove(place);
            }
            Trouble::Insert => {
                let Byte { at, .. } = bytes[place];
                let value = self.random.random();
                bytes.insert(place, Byte { at, value, broken: false });
            }
            Trouble::Double => bytes.insert(place, bytes[place]),
            Trouble::Break => {
                bytes.iter_mut().skip(place).take(3).for_each(|byte| (byte.value, byte.broken) = (0, true));
            }
            Trouble::Gap => {
                let gap = self.random.random_range(CHARACTER..20 * CHARACTER);
                bytes.iter_mut().skip(place).for_each(|byte| byte.at += gap);
            }
            Trouble::StuckLow => bytes.iter_mut().skip(place).for_each(|byte| (byte.value, byte.broken) = (0, true)),
            Trouble::Parity => bytes[place].broken = true,
            Trouble::Speed => {
                for byte in &mut bytes {
                    byte.value = (byte.value << 1) ^ self.random.random::<u8>() & 0x81;
                    byte.broken = self.random.random_bool(0.3);
                }
            }
            Trouble::Second => {
                // Two drivers at once: where they disagree, the stronger wins.
                let other = answer_of_another(&mut self.random, frame.len());
                bytes.iter_mut().zip(other).skip(place).for_each(|(byte, other)| byte.value &= other);
            }
            Trouble::None | Trouble::Echo | Trouble::Before | Trouble::Late => {}
        }
        bytes
    }

    /// Bits until the next flip.
    fn distance(&mut self, rate: f64) -> usize {
        let chance: f64 = self.random.random_range(f64::MIN_POSITIVE..1.0);
        (chance.ln() / (1.0 - rate).ln()) as usize
    }
}

fn answer_of_another(random: &mut SmallRng, length: usize) -> Vec<u8> {
    let mut pdu = vec![0; length.max(5) - 3];
    random.fill(&mut pdu[..]);
    (pdu[0], pdu[1]) = (4, (pdu.len() - 2) as u8);
    rtu::build(UNIT + 1, &pdu).unwrap().to_vec()
}

/// What a run counts.
#[derive(Debug, Default)]
struct Tally {
    transactions: u64,
    accepted: u64,
    /// Frames of the right unit, function and length that were not what the node had sent.
    garbage: u64,
    /// Of those, the ones whose CRC held.
    crc_held: u64,
    /// Wrong values believed in the end.
    wrong: u64,
    /// Right values of an earlier question.
    misattributed: u64,
    refused_by_seal: u64,
    forged: u64,
    worst_recovery: u64,
}

struct Bench {
    node: Node<Memory>,
    noise: Noise,
    now: u64,
    /// Bytes on their way to the client.
    coming: Vec<Byte>,
    /// What the node has sent as answers, the newest last.
    sent: Vec<Vec<u8>>,
    tally: Tally,
    last_sequence: u64,
    key: NodeKey,
    /// A block that was believed, and whether this run forges.
    old: Vec<u8>,
    forges: bool,
}

fn framed(pdu: &[u8]) -> Vec<u8> {
    rtu::build(UNIT, pdu).unwrap().to_vec()
}

impl Bench {
    fn new(seed: u64) -> Self {
        let boot = Boot {
            reset: Reset::PowerOn,
            fault: None,
            software: "noise",
            hash: [0; 32],
            simulated: false,
            seal_open: true,
            on_trial: false,
        };
        let node = Node::start(Memory(vec![0xFF; 4096]), boot, 0);
        let noise = Noise { random: SmallRng::seed_from_u64(seed), quiet: true };
        let mut bench = Self {
            node,
            noise,
            now: 0,
            coming: Vec::new(),
            sent: Vec::new(),
            tally: Tally::default(),
            last_sequence: 0,
            key: NodeKey::new(KEY),
            old: Vec::new(),
            forges: false,
        };
        let manufacture = [&SERIAL[..], &KEY].concat();
        let mut legal = [0_u16; 40];
        (legal[3], legal[5], legal[7], legal[11], legal[12]) = (1, 1, 1, 1, 1);
        (legal[8], legal[34], legal[35], legal[37], legal[39]) = (0x7000, 0, 16_000, 1000, 0b101);
        let legal: Vec<u8> = legal.iter().flat_map(|word| word.to_be_bytes()).collect();
        for (address, bytes) in [(map::MANUFACTURE, manufacture), (map::LEGAL, legal)] {
            let words = (bytes.len() / 2) as u16;
            let pdu = [&[16][..], &address.to_be_bytes(), &words.to_be_bytes(), &[bytes.len() as u8], &bytes].concat();
            bench.send(&framed(&pdu), Trouble::None, 0.0);
            assert_eq!(bench.sent.pop().unwrap()[1], 16);
        }
        bench.coming.clear();
        bench
    }

    /// Puts a request on the line; what the node answers is on its way afterwards.
    fn send(&mut self, request: &[u8], trouble: Trouble, flips: f64) {
        let at_request = self.noise.random.random_bool(0.5);
        let here = |wanted: bool| if at_request == wanted { trouble } else { Trouble::None };
        let arriving = self.noise.carry(request, self.now, here(true), flips);
        if trouble == Trouble::Echo && !self.noise.quiet {
            let echo = self.noise.carry(request, self.now, Trouble::None, flips);
            self.coming.extend(echo);
        }
        let mut end = self.now + CHARACTER * request.len() as u64;
        let mut answers = Vec::new();
        let mut poll = |node: &mut Node<Memory>, at: u64| {
            if let Some(reply) = node.bus_poll(at) {
                answers.push((at, reply.to_vec()));
            }
        };
        for byte in &arriving {
            // The main loop runs all the time; what matters is that it has, before the next byte.
            poll(&mut self.node, byte.at - 1);
            if byte.broken {
                self.node.bus_error();
            } else {
                self.node.bus_byte(byte.at, byte.value);
            }
            end = end.max(byte.at);
        }
        for wait in [SILENCE, 2 * SILENCE] {
            poll(&mut self.node, end + wait);
        }
        self.now = end;
        for (at, reply) in answers {
            let mut start = at;
            if trouble == Trouble::Before && !self.noise.quiet {
                let other = answer_of_another(&mut self.noise.random, reply.len());
                let other = self.noise.carry(&other, start, Trouble::None, flips);
                start = other.last().map_or(start, |byte| byte.at);
                self.coming.extend(other);
            }
            if trouble == Trouble::Late && !self.noise.quiet {
                start += self.noise.random.random_range(TIMEOUT / 2..3 * TIMEOUT);
            }
            let onto_line = self.forge(&reply);
            let carried = self.noise.carry(&onto_line, start, here(false), flips);
            self.coming.extend(carried);
            self.sent.push(reply);
        }
        self.coming.sort_by_key(|byte| byte.at);
    }

    /// What a forger between node and client makes of a reply: mostly nothing.
    fn forge(&mut self, reply: &[u8]) -> Vec<u8> {
        let mut bytes = reply.to_vec();
        let random = &mut self.noise.random;
        if !self.forges || self.noise.quiet || !random.random_bool(0.02) {
            return bytes;
        }
        self.tally.forged += 1;
        if random.random_bool(0.5) && self.old.len() == bytes.len() {
            return self.old.clone();
        }
        let body = bytes.len() - 2;
        for _ in 0..random.random_range(1..4) {
            bytes[random.random_range(3..body)] ^= 1 << random.random_range(0..8);
        }
        let crc = rtu::crc16(&bytes[..body]).to_le_bytes();
        bytes[body..].copy_from_slice(&crc);
        bytes
    }

    /// The frame the client believes by unit, function, length and CRC; waits no longer than its time-out.
    fn receive(&mut self, data_bytes: usize) -> Option<Vec<u8>> {
        let wanted = data_bytes + 5;
        let deadline = self.now + SILENCE + CHARACTER * wanted as u64 + TIMEOUT;
        let mut input: Vec<u8> = Vec::new();
        while let Some(byte) = self.coming.first().copied().filter(|byte| byte.at <= deadline) {
            self.coming.remove(0);
            self.now = self.now.max(byte.at);
            // What the UART marks as broken is lost to the client.
            if byte.broken {
                continue;
            }
            input.push(byte.value);
            let Some(at) = input.len().checked_sub(wanted) else { continue };
            let frame = &input[at..];
            if frame[..3] != [UNIT, 4, data_bytes as u8] {
                continue;
            }
            let sent = self.sent.iter().any(|sent| sent == frame);
            self.tally.garbage += u64::from(!sent);
            if rtu::parse(frame).is_ok() {
                self.tally.crc_held += u64::from(!sent);
                return Some(frame.to_vec());
            }
        }
        self.now = self.now.max(deadline);
        None
    }

    /// One poll; says whether a value was believed.
    fn poll(&mut self, sealed: bool) -> bool {
        let flips = [1e-5, 1e-4, 1e-3, 1e-2][self.noise.random.random_range(0..4)];
        let trouble = if self.noise.random.random_bool(0.3) {
            TROUBLES[self.noise.random.random_range(0..TROUBLES.len())]
        } else {
            Trouble::None
        };
        let (mass, current) = (self.noise.random.random_range(0..4_000_000), self.noise.random.random_range(0..16_000));
        self.node.load_cell(self.now, mass);
        self.node.loop_current(self.now, Some(current));
        let absent = Sample::missing(State::NotPresent);
        let good = |value| Sample { state: State::Good, value };
        let truth = [good(mass), absent, good(4000 + i32::from(current)), absent, absent];
        let asked = self.now;
        self.coming.retain(|byte| byte.at > asked);
        self.sent.clear();
        let (address, words) = if sealed { (map::BLOCK, 47) } else { (map::CHANNELS, 15_u16) };
        let request = framed(&[&[4][..], &address.to_be_bytes(), &words.to_be_bytes()].concat());
        self.send(&request, trouble, flips);
        let answer = self.receive(usize::from(words) * 2);
        self.tally.transactions += 1;
        let believed = match answer {
            Some(frame) if sealed => self.believe_block(&frame, truth),
            Some(frame) => {
                let values: Vec<u8> = truth
                    .iter()
                    .flat_map(|sample| [&sample.value.to_be_bytes()[..], &(sample.state as u16).to_be_bytes()].concat())
                    .collect();
                let right = frame[3..frame.len() - 2] == values;
                self.tally.wrong += u64::from(!right && !self.sent.contains(&frame));
                self.tally.misattributed += u64::from(!right && self.sent.contains(&frame));
                true
            }
            None => false,
        };
        self.tally.accepted += u64::from(believed);
        // After a failure nobody asks before the latest answer must have come.
        self.now = if believed { self.now + 2 * SILENCE } else { self.now.max(asked + LATEST) };
        believed
    }

    /// What the centre makes of a block.
    fn believe_block(&mut self, frame: &[u8], truth: [Sample; 5]) -> bool {
        let bytes: &[u8; BLOCK_BYTES] = frame[3..frame.len() - 2].try_into().unwrap();
        let block = Block::parse(bytes).ok().filter(|block| {
            self.key.has_sealed(bytes) && block.serial == SERIAL && block.sequence > self.last_sequence
        });
        let Some(block) = block else {
            self.tally.refused_by_seal += 1;
            return false;
        };
        self.last_sequence = block.sequence;
        self.old = frame.to_vec();
        let right = block.samples == truth && block.sample(Channel::Mass) == truth[0];
        self.tally.wrong += u64::from(!right && !self.sent.iter().any(|sent| sent == frame));
        self.tally.misattributed += u64::from(!right && self.sent.iter().any(|sent| sent == frame));
        true
    }

    /// Noise in bursts of fifty polls, with quiet in between until a value comes.
    fn run(&mut self, transactions: u64, sealed: bool) {
        while self.tally.transactions < transactions {
            self.noise.quiet = false;
            for _ in 0..50 {
                self.poll(sealed);
            }
            self.noise.quiet = true;
            let recovery = (1..=10).find(|_| self.poll(sealed)).unwrap_or(u64::MAX);
            self.tally.worst_recovery = self.tally.worst_recovery.max(recovery);
        }
    }
}

fn transactions() -> u64 {
    std::env::var("TIDEWAITER_NOISE_TRANSACTIONS").ok().map_or(100_000, |it| it.parse().expect("a number"))
}

fn run(seed: u64, sealed: bool) -> Tally {
    println!("seed {seed}");
    let mut bench = Bench::new(seed);
    bench.forges = sealed;
    bench.run(transactions(), sealed);
    println!("{:?}", bench.tally);
    bench.tally
}

#[test]
fn of_an_own_node_no_wrong_value_is_believed() {
    let tally = run(21, true);
    assert_eq!((tally.wrong, tally.misattributed), (0, 0));
    assert!(tally.worst_recovery <= 3);
    assert!(tally.accepted * 3 > tally.transactions, "the noise leaves something over");
    assert!(tally.refused_by_seal * 4 > tally.forged && tally.forged > 0, "and the seal has something to refuse");
    assert!(tally.garbage * 20 > tally.transactions, "and is noise");
}

#[test]
fn of_other_instruments_wrong_values_come_at_the_rate_of_their_crc() {
    let tally = run(22, false);
    let expected = tally.garbage as f64 / 65_536.0;
    println!("wrong {} where the CRC lets {expected:.2} through", tally.wrong);
    // Beside the rate itself, three standard deviations of so rare a count.
    assert!(tally.wrong as f64 <= 1.2 * expected + 3.0 * expected.sqrt().max(1.0));
    assert_eq!(tally.misattributed, 0);
    assert!(tally.worst_recovery <= 3);
}

#[test]
fn random_frames_of_the_right_shape_pass_a_crc_once_in_65536() {
    let frames = 20 * transactions();
    println!("seed 23");
    let mut random = SmallRng::seed_from_u64(23);
    let mut frame = [0; 35];
    let held = (0..frames)
        .filter(|_| {
            random.fill(&mut frame[3..]);
            frame[..3].copy_from_slice(&[UNIT, 4, 30]);
            rtu::parse(&frame).is_ok()
        })
        .count();
    let expected = frames as f64 / 65_536.0;
    println!("{held} of {frames}, expected {expected:.1}");
    assert!((held as f64 - expected).abs() <= 0.2 * expected + 3.0 * expected.sqrt());
}
