//! A register block that an instrument seals: read whole, or not at all.
//!
//! The layout says where each field lies, of what type it is and in which unit; a profile names fields and nothing more.
//! Every channel of such a profile is a field of its block: a value from beside it would look as well proven as
//! the others, and nothing would prove it.
//!
//! Who has no key gets the values and no proof. The bytes are kept as they came, so that the centre, which has the key of
//! each node, can check them.

use tidewaiter_drivers::{
    Decimal, Unit,
    modbus::register::{Encoding, Table, WordOrder},
    reading::{Doubt, Flaw, Indication, Missing, Outcome, Quality},
};
use tidewaiter_node::{
    block::{Block, BlockError, Channel, State},
    map::status,
};

use super::encoding::{TABLES, wire_address};
use crate::reader::{Node, Value};

/// Where the sealed block of an instrument lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Register table, [`Table::Input`] or [`Table::Holding`].
    pub table: Table,
    /// Wire address of its first register.
    pub address: u16,
    /// Registers: all of them are asked for in one request.
    pub count: u16,
    /// What they mean.
    pub layout: Layout,
}

/// A layout of sealed blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Version 1 of the instrument node's block ([`tidewaiter_node::block`]).
    TidewaiterNode1,
}

const LAYOUTS: [(&str, Layout); 1] = [("tidewaiter-node-1", Layout::TidewaiterNode1)];

/// What a channel of a sealed block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A measured quantity.
    Measured(Channel),
    /// True length of the counting interval.
    Interval,
    /// Number of the block in the life of the node.
    Sequence,
    /// Time since the node started.
    Uptime,
    /// Starts of the node.
    Starts,
    /// Changes of legally relevant parameters.
    EventCounter,
    /// A bit of its status.
    Status(u8),
}

const FIELDS: [(&str, Field); 20] = [
    ("mass", Field::Measured(Channel::Mass)),
    ("counts", Field::Measured(Channel::Counts)),
    ("current", Field::Measured(Channel::Current)),
    ("temperature", Field::Measured(Channel::Temperature)),
    ("serial-mass", Field::Measured(Channel::SerialMass)),
    ("interval", Field::Interval),
    ("sequence", Field::Sequence),
    ("uptime", Field::Uptime),
    ("starts", Field::Starts),
    ("event-counter", Field::EventCounter),
    ("self-test-failed", Field::Status(0)),
    ("no-configuration", Field::Status(1)),
    ("configuration-mended", Field::Status(2)),
    ("seal-open", Field::Status(3)),
    ("warming-up", Field::Status(4)),
    ("motion", Field::Status(5)),
    ("unexpected-reset", Field::Status(6)),
    ("store-failed", Field::Status(7)),
    ("simulated", Field::Status(8)),
    ("on-trial", Field::Status(9)),
];

impl Layout {
    /// Registers of a block.
    pub const fn words(self) -> u16 {
        match self {
            Self::TidewaiterNode1 => 47,
        }
    }
}

impl Field {
    /// The spelling used in profiles.
    pub fn word(self) -> &'static str {
        FIELDS.iter().find(|(_, field)| *field == self).map_or("", |(word, _)| word)
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        FIELDS.iter().find(|(known, _)| *known == word).map(|(_, field)| *field)
    }

    /// Whether it is a quantity that is measured, and not what the node says of itself.
    pub const fn is_measured(self) -> bool {
        matches!(self, Self::Measured(_))
    }

    /// Its first register, counted from that of the block.
    pub const fn offset(self) -> u16 {
        match self {
            Self::Measured(channel) => 22 + 3 * channel as u16,
            Self::Interval => 19,
            Self::Sequence => 6,
            Self::Uptime => 10,
            Self::Starts => 14,
            Self::EventCounter => 16,
            Self::Status(_) => 18,
        }
    }

    /// Its type.
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Measured(_) => Encoding::I32(WordOrder::Abcd),
            Self::Interval | Self::Starts | Self::EventCounter => Encoding::U32(WordOrder::Abcd),
            Self::Sequence | Self::Uptime => Encoding::U64,
            Self::Status(bit) => Encoding::Bit(bit),
        }
    }

    /// Power of ten between its number and its unit.
    pub const fn scale(self) -> i8 {
        match self {
            Self::Measured(Channel::Current) => -3,
            Self::Measured(Channel::Temperature) => -2,
            _ => 0,
        }
    }

    /// Its unit.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Measured(Channel::Mass | Channel::SerialMass) => Unit::Gram,
            Self::Measured(Channel::Counts) => Unit::Count,
            Self::Measured(Channel::Current) => Unit::Milliampere,
            Self::Measured(Channel::Temperature) => Unit::Celsius,
            Self::Interval => Unit::Microsecond,
            Self::Uptime => Unit::Millisecond,
            Self::Sequence | Self::Starts | Self::EventCounter | Self::Status(_) => Unit::One,
        }
    }

    /// What a block says of it. Its state words decide whether there is a value; a node whose self-test failed, or that
    /// has no configuration, measures nothing, and one whose seal is open is not verified.
    ///
    /// # Errors
    ///
    /// The reason why there is no value.
    pub fn of(self, block: &Block) -> Outcome {
        let number = match self {
            Self::Measured(channel) => i64::from(measured(block, channel)?),
            Self::Interval => block.interval_us.into(),
            Self::Starts => block.starts.into(),
            Self::EventCounter => block.event_counter.into(),
            Self::Sequence => i64::try_from(block.sequence).map_err(|_| Missing::Refused)?,
            Self::Uptime => i64::try_from(block.uptime_ms).map_err(|_| Missing::Refused)?,
            Self::Status(bit) => i64::from(u32::from(block.status).checked_shr(bit.into()).unwrap_or(0) & 1),
        };
        let value = Decimal::whole(number).scaled(self.scale()).ok_or(Missing::Refused)?;
        let quality = match self {
            Self::Measured(channel) => quality(block, channel),
            _ => Quality::Good,
        };
        Ok(Indication { value, unit: self.unit(), quality })
    }
}

fn measured(block: &Block, channel: Channel) -> Result<i32, Missing> {
    let sample = block.sample(channel);
    match sample.state {
        State::NotPresent => return Err(Missing::NotPresent),
        State::WarmingUp => return Err(Missing::WarmingUp),
        State::Overrange => return Err(Missing::Overrange),
        State::Underrange => return Err(Missing::Underrange),
        State::Fault => return Err(Missing::InstrumentFault(0)),
        State::Good | State::Unstable | State::Stale => {}
    }
    match block.status & (status::SELF_TEST_FAILED | status::NO_CONFIGURATION) {
        0 => Ok(sample.value),
        bits => Err(Missing::InstrumentFault(bits)),
    }
}

fn quality(block: &Block, channel: Channel) -> Quality {
    if block.status & status::SEAL_OPEN != 0 {
        return Quality::Bad(Flaw::OutOfVerification);
    }
    match block.sample(channel).state {
        State::Unstable => Quality::Uncertain(Doubt::Unstable),
        State::Stale => Quality::Uncertain(Doubt::Stale),
        _ => Quality::Good,
    }
}

/// The block in these registers, as on the wire.
///
/// # Errors
///
/// As [`Block::parse`].
pub fn block_of(words: &[u16]) -> Result<Block, BlockError> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    Block::parse(&bytes)
}

/// Reads `[sealed]`.
pub(super) fn read(value: &Value<'_>, base: Option<u16>, max_registers: Option<u16>) -> Option<Sealed> {
    let node = value.table()?;
    let table_value = node.need("table", "\"input\"");
    let table = table_value.as_ref().and_then(|value| value.word(&TABLES));
    let address = node.need("address", "256");
    let count_value = node.need("count", "47");
    let count = count_value.as_ref().and_then(|value| value.integer(1_u16, 125));
    let layout = node.need("layout", "\"tidewaiter-node-1\"").and_then(|value| value.word(&LAYOUTS));
    node.finish();
    let (table, count, layout) = (table?, count?, layout?);
    if table.is_bits() {
        table_value?.fault("a sealed block lies in registers", "table = \"input\"");
        return None;
    }
    if count != layout.words() {
        count_value?.fault(
            format!("{count} registers are not the block: its seal is over all {} together", layout.words()),
            format!("count = {}", layout.words()),
        );
        return None;
    }
    if max_registers? < count {
        count_value?.fault(
            format!(
                "the block has {count} registers and is read in one request, and max_registers is {}",
                max_registers?
            ),
            format!("max_registers = {count} or more: two requests would bring two halves of no block"),
        );
        return None;
    }
    let address = wire_address(&address?, base?, table, count)?;
    Some(Sealed { table, address, count, layout })
}

/// Reads the `field` of a channel.
pub(super) fn field(node: &Node<'_>) -> Option<Field> {
    node.need("field", "\"mass\"").and_then(|value| value.word(&FIELDS))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use tidewaiter_drivers::modbus::register;
    use tidewaiter_node::block::{BYTES, SEALED_BYTES, Sample, WORDS};

    use super::*;

    fn block() -> Block {
        Block {
            serial: *b"TWN00001",
            sequence: 0x0102_0304_0506_0708,
            uptime_ms: 86_400_123,
            starts: 7,
            event_counter: 3,
            status: 0,
            interval_us: 1_000_013,
            samples: [
                Sample { state: State::Good, value: 12_340_000 },
                Sample { state: State::Unstable, value: 4711 },
                Sample { state: State::Stale, value: 12_345 },
                Sample { state: State::Good, value: -525 },
                Sample { state: State::Good, value: -3 },
            ],
        }
    }

    fn words(block: &Block) -> Vec<u16> {
        let mut bytes = [0; BYTES];
        bytes[..SEALED_BYTES].copy_from_slice(&block.sealed_bytes());
        bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
    }

    /// Place, type and scale of each field against the block as it is parsed: two ways to the same number.
    #[test]
    fn every_field_lies_where_the_layout_has_it() {
        for status in [0, 0x03FF & !(status::SELF_TEST_FAILED | status::NO_CONFIGURATION)] {
            let block = Block { status, ..block() };
            let words = words(&block);
            assert_eq!(block_of(&words), Ok(block));
            assert_eq!(usize::from(Layout::TidewaiterNode1.words()), WORDS);
            for (word, field) in FIELDS {
                assert_eq!((Field::from_word(word), field.word()), (Some(field), word));
                let at = usize::from(field.offset());
                let registers = &words[at..at + usize::from(field.encoding().registers())];
                let read = register::decode(&field.encoding(), registers, field.scale(), None).unwrap();
                assert_eq!(field.of(&block).unwrap().value, read, "{word}");
            }
        }
    }

    #[test]
    fn states_and_status_say_whether_there_is_a_value_and_how_good_it_is() {
        let show = |outcome: Outcome| match outcome {
            Ok(it) => format!("{} {} {}", it.value, it.unit, it.quality.word()),
            Err(missing) => missing.to_string(),
        };
        let says = |block: &Block| Channel::ALL.map(|it| show(Field::Measured(it).of(block)));
        let good = block();
        assert_eq!(
            says(&good),
            ["12340000 g good", "4711 {count} unstable", "12.345 mA stale", "-5.25 Cel good", "-3 g good"]
        );
        let open = Block { status: status::SEAL_OPEN, ..good };
        assert_eq!(show(Field::Measured(Channel::Mass).of(&open)), "12340000 g out-of-verification");
        let failed = Block { status: status::SELF_TEST_FAILED, ..good };
        assert!(says(&failed).iter().all(|it| it == "instrument-fault(1)"));
        let states = [
            (State::NotPresent, "not-present"),
            (State::WarmingUp, "warming-up"),
            (State::Overrange, "overrange"),
            (State::Underrange, "underrange"),
            (State::Fault, "instrument-fault(0)"),
        ];
        for (state, word) in states {
            let block = Block { samples: [Sample::missing(state); 5], status: status::NO_CONFIGURATION, ..good };
            assert!(says(&block).iter().all(|it| it == word), "a reason of its own stands: {word}");
        }
    }
}
