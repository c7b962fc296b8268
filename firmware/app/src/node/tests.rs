#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
extern crate std;
use std::{vec, vec::Vec};

use embedded_storage::ReadStorage;
use tidewaiter_drivers::modbus::rtu;
use tidewaiter_node::{
    block::{Block, Channel, Sample, State},
    map::status,
};

use super::*;
use crate::update::{Order, Progress, Stage, Step, UpdateError, WINDOW};

/// An EEPROM that can be told to refuse writes.
#[derive(Clone)]
struct Memory {
    bytes: Vec<u8>,
    refuses: bool,
}

impl Memory {
    fn blank() -> Self {
        Self { bytes: vec![0xFF; 4096], refuses: false }
    }
}

impl ReadStorage for Memory {
    type Error = ();

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), ()> {
        let at = usize::try_from(offset).unwrap();
        bytes.copy_from_slice(self.bytes.get(at..at + bytes.len()).ok_or(())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl Storage for Memory {
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), ()> {
        let at = usize::try_from(offset).unwrap();
        if self.refuses {
            return Err(());
        }
        self.bytes.get_mut(at..at + bytes.len()).ok_or(())?.copy_from_slice(bytes);
        Ok(())
    }
}

const KEY: [u8; 32] = [7; 32];
const S: u64 = 1_000_000;

fn boot(reset: Reset) -> Boot {
    Boot {
        reset,
        fault: None,
        software: "tidewaiter-app 0.1.0",
        hash: core::array::from_fn(|at| u8::try_from(at).unwrap()),
        simulated: true,
        seal_open: true,
        on_trial: false,
    }
}

/// A node and its clock; a request takes its time on the line.
struct Bench<U: Updates = NoUpdates> {
    node: Node<Memory, U>,
    now: u64,
}

impl Bench {
    fn start(memory: Memory, boot: Boot) -> Self {
        Self { node: Node::start(memory, boot, 0), now: 0 }
    }

    /// A node with identity and parameters.
    fn made() -> Self {
        let mut bench = Self::start(Memory::blank(), boot(Reset::PowerOn));
        assert_eq!(bench.write(map::MANUFACTURE, &manufacture()), None);
        assert_eq!(bench.write(map::LEGAL, &parameters()), None);
        bench
    }

    fn again(self, boot: Boot) -> Self {
        Self::start(self.node.stop(), boot)
    }
}

impl<U: Updates> Bench<U> {
    fn send(&mut self, unit: u8, pdu: &[u8]) -> Option<Vec<u8>> {
        let mut frame = vec![unit];
        frame.extend(pdu);
        frame.extend(rtu::crc16(&frame).to_le_bytes());
        for byte in frame {
            self.now += 573;
            self.node.bus_byte(self.now, byte);
            assert!(self.node.bus_poll(self.now).is_none());
        }
        self.now += 2006;
        self.node.bus_poll(self.now).map(|reply| rtu::parse(reply).unwrap().pdu.to_vec())
    }

    fn input(&mut self, address: u16, count: u16) -> Result<Vec<u16>, u8> {
        self.read(4, address, count)
    }

    fn read(&mut self, function: u8, address: u16, count: u16) -> Result<Vec<u16>, u8> {
        let pdu = [&[function][..], &address.to_be_bytes(), &count.to_be_bytes()].concat();
        let reply = self.send(1, &pdu).unwrap();
        if reply[0] & 0x80 != 0 {
            return Err(reply[1]);
        }
        assert_eq!(usize::from(reply[1]), 2 * usize::from(count));
        Ok(reply[2..].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
    }

    /// The exception, if there was one.
    fn write(&mut self, address: u16, words: &[u16]) -> Option<u8> {
        let count = u16::try_from(words.len()).unwrap();
        let mut pdu = [&[16][..], &address.to_be_bytes(), &count.to_be_bytes(), &[count.to_be_bytes()[1] * 2]].concat();
        pdu.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        let reply = self.send(1, &pdu).unwrap();
        (reply[0] & 0x80 != 0).then(|| reply[1])
    }

    fn block(&mut self) -> Block {
        let words = self.input(map::BLOCK, 47).unwrap();
        let bytes: Vec<u8> = words.into_iter().flat_map(u16::to_be_bytes).collect();
        assert!(NodeKey::new(KEY).has_sealed(bytes.as_slice().try_into().unwrap()));
        Block::parse(&bytes).unwrap()
    }

    fn double(&mut self, address: u16) -> u32 {
        let words = self.input(address, 2).unwrap();
        u32::from(words[0]) << 16 | u32::from(words[1])
    }
}

fn manufacture() -> Vec<u16> {
    let bytes = [&b"TWN00001"[..], &KEY].concat();
    bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

/// 1000 codes are 1 kg, in steps of 10 g up to 60 t; all inputs fitted; no filter, rest at the second conversion.
fn parameters() -> Vec<u16> {
    let mut words = vec![0; 40];
    words[3] = 1000; // span, 1 kg …
    words[5] = 1000; // … in so many codes
    words[7] = 10; // d
    (words[8], words[9]) = (0x0393, 0x8700); // Max 60 t
    words[11] = 5; // motion band
    words[12] = 0x0002; // no mean, rests at the second conversion
    words[13] = 0x0400; // ST,GS
    (words[34], words[35]) = (5333, 26_667);
    words[37] = 1000; // counting interval
    words[39] = 0x1F;
    words
}

fn good(value: i32) -> Sample {
    Sample { state: State::Good, value }
}

#[test]
fn a_bare_node_answers_and_measures_nothing() {
    let mut bench = Bench::start(Memory::blank(), boot(Reset::PowerOn));
    bench.node.load_cell(0, 1000);
    assert_eq!(bench.input(0, 10).unwrap(), [1, 0x010A, 0, 0, 0, 1, 1, 1, 0, 0]);
    let missing = [0, 0, State::NotPresent as u16];
    assert_eq!(bench.input(0x10, 15).unwrap(), missing.repeat(5));
    assert_eq!(bench.input(map::BLOCK, 47), Err(4), "there is no key to seal with");
    assert_eq!(bench.read(3, 0, 4).unwrap(), [1, 192, 1, 0]);
    assert_eq!(bench.read(3, map::LEGAL, 40).unwrap(), [0; 40]);
    assert_eq!(bench.write(map::LEGAL, &parameters()[..39]), Some(2), "the first time as a whole");
    assert_eq!(bench.input(map::SERIAL, 4).unwrap(), [0; 4]);
}

#[test]
fn every_input_arrives_in_registers_and_in_the_block() {
    let mut bench = Bench::made();
    for at in [S, S + 1] {
        bench.node.load_cell(at, 12_344);
    }
    for (at, total) in [(S, u32::MAX), (2 * S + 13, 499)] {
        bench.node.pulses(at, total);
    }
    bench.node.loop_current(2 * S, Some(16_000));
    bench.node.temperature(2 * S, Some(-84));
    b"ST,GS,   245.6kg\r\n".iter().for_each(|&byte| bench.node.scale_byte(2 * S, byte));
    bench.now = 2 * S + 100;
    let expected = [good(12_340), good(500), good(12_000), good(-525), good(245_600)];
    let block = bench.block();
    assert_eq!(block.samples, expected);
    assert_eq!((block.sequence, block.starts, block.event_counter, block.interval_us), (1, 1, 1, 1_000_013));
    assert_eq!((block.serial, block.status), (*b"TWN00001", status::SIMULATED | status::SEAL_OPEN));
    assert_eq!(block.uptime_ms, bench.now / 1000);
    let words = bench.input(0x10, 15).unwrap();
    assert_eq!(words[..6], [0, 12_340, 0, 0, 500, 0]);
    assert_eq!(words[9..12], [0xFFFF, 0xFDF3, 0]);
    assert_eq!(bench.double(0x20), 1_000_013);
    assert_eq!(bench.block().sequence, 2);
    assert_eq!(bench.block().sample(Channel::SerialMass), good(245_600));
}

#[test]
fn the_block_is_read_as_a_whole_or_not_at_all() {
    let mut bench = Bench::made();
    for (address, count) in [(0x100, 46), (0x101, 46), (0x100, 48), (0xFF, 48), (0x12E, 1), (0x100, 1)] {
        assert_eq!(bench.input(address, count), Err(2), "{count} from {address:#x}");
    }
    assert_eq!(bench.read(3, 0x100, 47), Err(2));
    assert_eq!(bench.block().sequence, 1, "a refused read takes no number");
}

#[test]
fn addresses_that_are_not_named_are_not_there() {
    let mut bench = Bench::made();
    for (address, count) in [(0x0A, 1), (0x09, 2), (0x1F, 1), (0x22, 1), (0x44, 1), (0x68, 1), (0xA4, 1), (0xFFFF, 2)] {
        assert_eq!(bench.input(address, count), Err(2), "{address:#x}");
    }
    for (address, count) in [(4, 1), (3, 2), (0x38, 1), (map::MANUFACTURE, 20), (map::UPDATE_WINDOW, 1), (0x1F1, 1)] {
        assert_eq!(bench.read(3, address, count), Err(2), "{address:#x}");
    }
    // Areas that touch are read in one go, wherever one begins.
    assert_eq!(bench.input(0x5E, 9).unwrap().len(), 9);
    assert_eq!(bench.input(0x85, 31).unwrap()[..2], [0x0203, 0x0405]);
}

#[test]
fn extremes_are_kept_until_they_are_read_as_a_whole() {
    let mut bench = Bench::made();
    for (at, code) in [(1, 5000), (2, -100), (3, 9000), (4, i32::MAX)] {
        bench.node.load_cell(at, code);
    }
    assert_eq!(bench.double(0x32), 9000);
    let words = bench.input(0x30, 20).unwrap();
    assert_eq!(words[..8], [0xFFFF, 0xFF9C, 0, 9000, 0x7FFF, 0xFFFF, 0x8000, 0]);
    assert_eq!(bench.input(0x30, 4).unwrap(), [0x7FFF, 0xFFFF, 0x8000, 0]);
}

#[test]
fn legal_parameters_change_under_an_open_seal_alone() {
    let mut bench = Bench::made();
    assert_eq!(bench.write(map::LEGAL + 7, &[20]), None);
    assert_eq!(bench.double(8), 2);
    assert_eq!(bench.write(map::LEGAL + 7, &[20]), None, "the same again is no event");
    assert_eq!(bench.write(map::LEGAL + 7, &[30]), Some(3), "3 times ten is no scale interval");
    assert_eq!(bench.write(map::LEGAL + 13, &[0x0500]), Some(3), "no such codec");
    assert_eq!(bench.write(map::LEGAL + 39, &[0, 0]), Some(2));
    bench.node.seal_switch(false);
    assert_eq!(bench.write(map::LEGAL + 7, &[50]), Some(2));
    assert_eq!(bench.write(map::MANUFACTURE, &manufacture()), Some(2));
    assert_eq!((bench.double(8), bench.read(3, map::LEGAL + 7, 1).unwrap()[0]), (2, 20));
    let mut bench = bench.again(boot(Reset::PowerOn));
    assert_eq!((bench.double(8), bench.read(3, map::LEGAL + 7, 1).unwrap()[0]), (2, 20));
    assert_eq!(bench.write(map::MANUFACTURE, &manufacture()), Some(2), "set once");
}

#[test]
fn sequence_and_starts_go_on_over_a_restart() {
    let mut bench = Bench::made();
    let first = bench.block();
    let mut bench = bench.again(boot(Reset::Watchdog));
    let second = bench.block();
    assert!(second.sequence > first.sequence);
    assert_eq!((first.starts, second.starts), (1, 2));
    assert_ne!(second.status & status::UNEXPECTED_RESET, 0);
    // The watchdog bit a node that could not say why
    assert_eq!(bench.input(0x60, 8).unwrap(), [3, 0, 0, 0xFFFF, 0xFFFF, 0, 1, 0]);
    assert_eq!(bench.write(map::COMMAND, &[map::command::CLEAR_FAULT]), None);
    let mut bench = bench.again(boot(Reset::PowerOn));
    assert_eq!(bench.input(0x60, 8).unwrap(), [0; 8]);
}

#[test]
fn a_panic_leaves_its_record_with_the_start_it_happened_in() {
    let fault = Fault { kind: map::fault::PANIC, code: 0xDEAD_BEEF, uptime_s: 77, start: 0 };
    let mut bench = Bench::made().again(Boot { fault: Some(fault), ..boot(Reset::Panic) });
    assert_eq!(bench.input(0x60, 8).unwrap(), [1, 0xDEAD, 0xBEEF, 0, 77, 0, 1, 0]);
    let mut bench = bench.again(boot(Reset::PowerOn));
    assert_eq!(bench.input(0x60, 2).unwrap(), [1, 0xDEAD]);
}

#[test]
fn bus_settings_are_in_force_from_the_next_start_on() {
    let mut bench = Bench::made();
    assert_eq!(bench.write(0, &[9, 96, 2]), None);
    for (at, word) in [(0, 0), (0, 248), (1, 11), (2, 3), (3, 2)] {
        assert_eq!(bench.write(at, &[word]), Some(3), "{word} at {at}");
    }
    assert_eq!(bench.read(3, 0, 4).unwrap(), [9, 96, 2, 0]);
    assert_eq!(bench.node.bus().unit, 1);
    let bench = bench.again(boot(Reset::PowerOn));
    assert_eq!(bench.node.bus().to_words(), [9, 96, 2, 0]);
}

#[test]
fn a_command_restarts_after_its_reply_has_gone_out() {
    let mut bench = Bench::made();
    assert_eq!(bench.write(map::COMMAND, &[9]), Some(3));
    assert_eq!(bench.write(map::COMMAND, &[map::command::RESTART]), None);
    assert_eq!(bench.node.tick(bench.now + 1000).restart, None);
    assert_eq!(bench.node.tick(bench.now + 300_000).restart, Some(Restart::Command));
}

#[test]
fn counters_count_and_are_cleared_by_command() {
    let mut bench = Bench::made();
    assert_eq!(bench.input(0x0A, 1), Err(2));
    assert_eq!(bench.send(7, &[4, 0, 0, 0, 1]), None);
    bench.node.bus_byte(bench.now + 200_000, 1);
    bench.now += 400_000;
    bench.node.bus_poll(bench.now);
    bench.node.bus_answered(bench.now);
    let words = bench.input(0x50, 16).unwrap();
    // Two writes, one exception, one for another; one lone byte
    assert_eq!(words, [0, 3, 0, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, words[14], words[15]]);
    assert_eq!(bench.write(map::COMMAND, &[map::command::CLEAR_COUNTERS]), None);
    assert_eq!(bench.input(0x50, 16).unwrap(), [0; 16]);
}

#[test]
fn the_watchdog_is_fed_while_every_part_runs() {
    let mut bench = Bench::made();
    let mut fed = |now: u64, poll: bool, sample: bool| {
        if poll {
            bench.node.bus_poll(now);
        }
        if sample {
            bench.node.temperature(now, None);
        }
        bench.node.tick(now).feed_watchdog
    };
    assert!(fed(S, true, true));
    assert!(!fed(2 * S, false, true));
    assert!(fed(6 * S, true, false));
    assert!(!fed(7 * S, true, false));
    bench.now = 7 * S;
    assert_eq!(bench.input(0x60, 8).unwrap(), [3, 0, 2, 0, 7, 0, 1, 0], "on record before the watchdog bites");
}

#[test]
fn reserved_numbers_are_used_up_when_the_store_refuses_and_then_blocks_end() {
    let mut bench = Bench::made();
    let first = bench.block().sequence;
    let mut memory = bench.node.stop();
    memory.refuses = true;
    // A start without a store reserves nothing.
    let mut bench = Bench::start(memory.clone(), boot(Reset::PowerOn));
    assert_eq!(bench.input(map::BLOCK, 47), Err(4));
    let status = bench.input(1, 1).unwrap()[0];
    assert_eq!(status & (status::STORE_FAILED | status::SELF_TEST_FAILED), 0x81);
    assert_eq!(bench.write(map::LEGAL + 7, &[20]), Some(4));
    assert_eq!(bench.read(3, map::LEGAL + 7, 1).unwrap(), [10]);
    memory.refuses = false;
    let mut bench = Bench::start(memory, boot(Reset::PowerOn));
    assert!(bench.block().sequence > first);
}

#[test]
fn mass_is_withheld_while_the_cell_warms_up() {
    let mut bench = Bench::made();
    assert_eq!(bench.write(map::LEGAL + 36, &[60]), None);
    bench.node.load_cell(58 * S, 1000);
    bench.node.load_cell(59 * S, 1000);
    bench.now = 59 * S;
    let block = bench.block();
    assert_eq!(block.sample(Channel::Mass), Sample::missing(State::WarmingUp));
    assert_ne!(block.status & status::WARMING_UP, 0);
    bench.now = 60 * S;
    let block = bench.block();
    assert_eq!((block.sample(Channel::Mass), block.status & status::WARMING_UP), (good(1000), 0));
}

/// Takes everything and says what it took.
#[derive(Default)]
struct Taking {
    stage: Option<Stage>,
    windows: Vec<(u32, u8)>,
    order: Option<Order>,
    confirmed: bool,
}

impl Updates for Taking {
    fn begin(&mut self) -> Result<(), UpdateError> {
        self.stage = Some(Stage::Receiving);
        Ok(())
    }

    fn window(&mut self, offset: u32, data: &[u8; WINDOW]) -> Result<(), UpdateError> {
        if offset == 256 {
            return Err(UpdateError::Busy);
        }
        self.stage.ok_or(UpdateError::Stage)?;
        if !offset.is_multiple_of(128) {
            return Err(UpdateError::Offset { at: offset, received: 0 });
        }
        self.windows.push((offset, data[127]));
        Ok(())
    }

    fn order<S: Storage>(&mut self, _: &Store<S>, order: Order) -> Result<(), UpdateError> {
        self.order = Some(order);
        Ok(())
    }

    fn step<S: Storage>(&mut self, _: &mut Store<S>, who: Option<(&[u8; 8], &NodeKey)>) -> Step {
        if self.order.is_some() && who.is_some() { Step::Restart } else { Step::Idle }
    }

    fn confirm<S: Storage>(&mut self, _: &mut Store<S>) -> Result<(), UpdateError> {
        self.confirmed = true;
        self.stage = None;
        Ok(())
    }

    fn progress(&self) -> Progress {
        Progress { stage: self.stage.unwrap_or(Stage::Idle), received: 0x0001_0203, offered: 9 }
    }
}

#[test]
fn an_update_comes_in_windows_and_ends_with_its_order() {
    let made = Bench::made().node.stop();
    let mut bench = Bench { node: Node::start_with(made, boot(Reset::PowerOn), 0, |_| Taking::default()), now: 0 };
    let window = |offset: u16| [&[0, offset][..], &[0x1111; 64]].concat();
    assert_eq!(bench.write(map::UPDATE_WINDOW, &window(0)), Some(4), "none has begun");
    assert_eq!(bench.write(map::COMMAND, &[map::command::BEGIN_UPDATE]), None);
    assert_eq!(bench.write(map::UPDATE_WINDOW, &window(0)), None);
    assert_eq!(bench.write(map::UPDATE_WINDOW, &window(128)), None);
    assert_eq!(bench.write(map::UPDATE_WINDOW, &window(256)), Some(6));
    assert_eq!(bench.write(map::UPDATE_WINDOW, &window(100)), Some(3));
    assert_eq!(bench.write(map::UPDATE_WINDOW, &window(0)[..65]), Some(2));
    assert_eq!(bench.input(0x70, 8).unwrap(), [2, 1, 0x0203, 0, 0, 0, 9, 0]);
    assert_eq!(bench.node.served.updates.windows, [(0, 0x11), (128, 0x11)]);
    let order = [0, 300, 0, 7, 0x0102, 0x0304, 0, 0, 0, 0, 0, 0x0F10];
    assert_eq!(bench.write(map::UPDATE_ORDER, &order[..11]), Some(2));
    assert_eq!(bench.write(map::UPDATE_ORDER, &order), None);
    let mac = [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 16];
    assert_eq!(bench.node.served.updates.order, Some(Order { length: 300, security_counter: 7, mac }));
    assert_eq!(bench.node.tick(bench.now).restart, None);
    assert_eq!(bench.node.tick(bench.now + RESTART_AFTER_US).restart, Some(Restart::Update));
}

#[test]
fn an_image_on_trial_is_kept_once_it_has_answered_and_given_up_otherwise() {
    let on_trial = |_: &mut Store<Memory>| Taking { stage: Some(Stage::OnTrial), ..Taking::default() };
    let memory = Bench::made().node.stop();
    let start = |memory: Memory| Node::start_with(memory, boot(Reset::Software), 0, on_trial);
    let mut bench = Bench { node: start(memory.clone()), now: 0 };
    bench.node.tick(S);
    assert!(!bench.node.served.updates.confirmed);
    assert_ne!(bench.input(1, 1).unwrap()[0] & status::ON_TRIAL, 0);
    bench.node.tick(2 * S);
    assert!(bench.node.served.updates.confirmed);
    assert_eq!(bench.input(1, 1).unwrap()[0] & status::ON_TRIAL, 0);
    let mut silent = start(memory);
    assert_eq!(silent.tick(TRIAL_US).restart, None);
    assert_eq!(silent.tick(TRIAL_US + RESTART_AFTER_US).restart, Some(Restart::Update));
}
