//! The instrument node: its bus, its plant link, and its sealed block as a reader takes it.

use embedded_storage::{ReadStorage, Storage};
use tidewaiter_app::{
    node::{Boot, Node, Reset},
    plant::{FRAME_BYTES, Frame, Plant},
};
use tidewaiter_config::profile::Field;
use tidewaiter_drivers::{modbus::rtu, reading::Missing};
use tidewaiter_node::{
    block::{BYTES, Block, NodeKey, SEALED_BYTES},
    map,
};

const KEY: [u8; 32] = [0x5A; 32];
const UNIT: u8 = 1;
/// Fields of a block, as profiles spell them.
const FIELDS: [&str; 13] = [
    "mass",
    "counts",
    "current",
    "temperature",
    "serial-mass",
    "interval",
    "sequence",
    "uptime",
    "starts",
    "event-counter",
    "seal-open",
    "warming-up",
    "simulated",
];

struct Memory([u8; 4096]);

impl ReadStorage for Memory {
    type Error = ();

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), ()> {
        let at = usize::try_from(offset).map_err(drop)?;
        bytes.copy_from_slice(self.0.get(at..at + bytes.len()).ok_or(())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl Storage for Memory {
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), ()> {
        let at = usize::try_from(offset).map_err(drop)?;
        self.0.get_mut(at..at + bytes.len()).ok_or(())?.copy_from_slice(bytes);
        Ok(())
    }
}

/// A node on a line, and the greatest sequence number it has sealed.
struct Bus {
    node: Node<Memory>,
    key: NodeKey,
    now: u64,
    sequence: u64,
}

impl Bus {
    fn new() -> Self {
        let boot = Boot {
            reset: Reset::PowerOn,
            fault: None,
            software: "fuzz",
            hash: [0; 32],
            simulated: true,
            seal_open: true,
            on_trial: false,
        };
        let node = Node::start(Memory([0xFF; 4096]), boot, 0);
        let mut bus = Self { node, key: NodeKey::new(KEY), now: 0, sequence: 0 };
        let made = [&[16, 0x01, 0xC0, 0, 20, 40][..], b"TWFUZZ01", &KEY].concat();
        assert_eq!(bus.ask(&made), Some(vec![16, 0x01, 0xC0, 0, 20]));
        bus
    }

    /// Bytes at the speed of the line, an error of the UART among them, and the silence behind them.
    fn hear(&mut self, bytes: &[u8], error_at: Option<usize>) -> Option<Vec<u8>> {
        for (at, &byte) in bytes.iter().enumerate() {
            self.now += 573;
            assert!(self.node.bus_poll(self.now - 1).is_none(), "an answer into a request");
            self.node.bus_byte(self.now, byte);
            if error_at == Some(at) {
                self.node.bus_error();
            }
        }
        self.now += 2006;
        let reply = self.node.bus_poll(self.now).map(<[u8]>::to_vec);
        if reply.is_some() {
            self.node.bus_answered(self.now);
        }
        let orders = self.node.tick(self.now);
        assert!(orders.feed_watchdog || self.now > 5_000_000, "starved while it was polled");
        reply
    }

    /// A sound request to the node; the PDU of its answer.
    fn ask(&mut self, pdu: &[u8]) -> Option<Vec<u8>> {
        let frame = rtu::build(UNIT, pdu)?;
        let reply = self.hear(&frame, None)?;
        let adu = rtu::parse(&reply).expect("an answer whose CRC holds");
        assert_eq!(adu.unit_id, UNIT);
        let function = pdu.first().copied().unwrap_or_default();
        let answered = adu.pdu.first().copied().unwrap_or_default();
        assert!(answered == function || answered == function | 0x80, "function {function:#x} answered {answered:#x}");
        let whole_block = [4, 1, 0, 0, 47];
        if pdu == whole_block
            && let Some(bytes) = adu.pdu.get(2..).and_then(|it| <&[u8; BYTES]>::try_from(it).ok())
        {
            assert!(self.key.has_sealed(bytes), "a block under another key");
            let block = Block::parse(bytes).expect("a block of the node's");
            assert!(block.sequence > self.sequence, "number {} after {}", block.sequence, self.sequence);
            self.sequence = block.sequence;
        }
        Some(adu.pdu.to_vec())
    }
}

/// Raw bytes, sound requests, requests to others, sensors and waiting, as the input says; then the node still answers.
///
/// # Panics
///
/// When an answer is none, or does not come.
pub fn node_bus(bytes: &[u8]) {
    let mut bus = Bus::new();
    let mut rest = bytes;
    while let Some((&[kind, length], after)) = rest.split_first_chunk::<2>() {
        let (data, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        let word = data.first_chunk::<4>().map_or(0, |it| u32::from_be_bytes(*it));
        match kind % 8 {
            0 | 1 => {
                let error_at = (kind & 0x80 != 0).then_some(usize::from(kind & 0x7F));
                if let Some(reply) = bus.hear(data, error_at) {
                    assert!(rtu::parse(&reply).is_ok(), "an answer whose CRC does not hold");
                }
            }
            2..=4 => {
                // Commands may restart a node; here nobody does.
                let _ = bus.ask(data);
            }
            5 => {
                let Some((&unit, pdu)) = data.split_first() else { continue };
                if let Some(frame) = rtu::build(unit, pdu) {
                    let reply = bus.hear(&frame, None);
                    assert!(reply.is_none() || unit == UNIT, "an answer for unit {unit}");
                }
            }
            6 => {
                bus.node.load_cell(bus.now, word.cast_signed());
                bus.node.pulses(bus.now, word);
                bus.node.loop_current(bus.now, data.first().map(|it| i16::from(*it) << 7));
                bus.node.temperature(bus.now, data.get(1).map(|it| i16::from(*it) << 4));
                for &byte in data {
                    bus.node.scale_byte(bus.now, byte);
                }
                bus.node.seal_switch(kind & 0x80 == 0);
            }
            _ => bus.now += u64::from(word >> 12),
        }
    }
    // Whatever came last is silence by now.
    bus.now += 400_000;
    let _ = bus.node.bus_poll(bus.now);
    assert_eq!(bus.ask(&[4, 0, 0, 0, 1]), Some(vec![4, 2, 0, 1]), "the version, after all that");
    assert!(bus.ask(&[4, 1, 0, 0, 47]).is_some_and(|it| it.len() == BYTES + 2), "a block");
    assert_eq!(map::VERSION, 1);
}

/// The plant link: nothing is lost from sight, and after any noise it reads.
///
/// # Panics
///
/// When it does not.
pub fn node_plant(bytes: &[u8]) {
    let mut plant = Plant::new();
    let read: Vec<Frame> = bytes.iter().filter_map(|&byte| plant.push(byte)).collect();
    let frames = usize::try_from(plant.frames).expect("a count");
    assert_eq!(read.len(), frames);
    let seen = frames * FRAME_BYTES + usize::try_from(plant.garbage).expect("a count");
    assert!(seen <= bytes.len() && bytes.len() - seen < FRAME_BYTES, "{seen} of {} bytes", bytes.len());
    for frame in &read {
        let written = frame.encode();
        // A field that is not there may have held anything.
        assert_eq!(Frame::parse(&written).as_ref(), Some(frame));
    }
    let again = Frame { sequence: 7, load_cell: Some(-1), ..Frame::default() };
    let after: Vec<Frame> =
        [again.encode(), again.encode()].concat().iter().filter_map(|&byte| plant.push(byte)).collect();
    assert_eq!(after.last(), Some(&again));
}

/// What an agent's profile makes of a field: the digits that were sent, or no value for a reason that was sent.
fn field_of(block: &Block, field: Field) {
    match field.of(block) {
        Ok(read) => {
            let text = read.value.to_string();
            assert_eq!(text.parse(), Ok(read.value), "{} is {text}", field.word());
            assert_eq!(read.unit, field.unit());
        }
        Err(reason) => assert!(
            if field.is_measured() { reason != Missing::Refused } else { reason == Missing::Refused },
            "{}: {reason:?}",
            field.word()
        ),
    }
}

/// A block as a reader takes it: what parses is what a node would have sealed.
///
/// # Panics
///
/// When it is not.
pub fn node_block(bytes: &[u8]) {
    let Ok(block) = Block::parse(bytes) else { return };
    assert_eq!(Some(&block.sealed_bytes()[..]), bytes.get(..SEALED_BYTES));
    let key = NodeKey::new(KEY);
    let mut sealed = key.seal(&block);
    assert!(key.has_sealed(&sealed));
    assert_eq!(Block::parse(&sealed), Ok(block));
    for field in FIELDS.iter().filter_map(|it| Field::from_word(it)) {
        field_of(&block, field);
    }
    let bit = bytes.iter().fold(0_usize, |sum, &byte| sum * 31 % 4096 + usize::from(byte)) % (BYTES * 8);
    if let Some(byte) = sealed.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    assert!(!key.has_sealed(&sealed), "flipped bit {bit} goes unseen");
}
