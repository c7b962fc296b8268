//! How a channel lies in registers: its type, word order and address, none of them guessed.

use tidewaiter_drivers::modbus::register::{Encoding, Table, WordOrder};

use crate::reader::{Node, Value};

pub(super) const TABLES: [(&str, Table); 4] = [
    ("input", Table::Input),
    ("holding", Table::Holding),
    ("discrete-input", Table::DiscreteInput),
    ("coil", Table::Coil),
];
const ORDERS: [(&str, WordOrder); 4] =
    [("abcd", WordOrder::Abcd), ("cdab", WordOrder::Cdab), ("badc", WordOrder::Badc), ("dcba", WordOrder::Dcba)];

/// Types as written in a profile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bit,
    U16,
    I16,
    U32,
    I32,
    U64,
    F32,
    Ascii,
    Hex,
}

const KINDS: [(&str, Kind); 9] = [
    ("bit", Kind::Bit),
    ("u16", Kind::U16),
    ("i16", Kind::I16),
    ("u32", Kind::U32),
    ("i32", Kind::I32),
    ("u64", Kind::U64),
    ("f32", Kind::F32),
    ("ascii", Kind::Ascii),
    ("hex", Kind::Hex),
];

/// A key that this type cannot do without.
fn told<'d>(node: &Node<'d>, value: Option<Value<'d>>, what: &str, way_out: &str) -> Option<Value<'d>> {
    if value.is_none() {
        node.document().absence(node.span(), what, way_out);
    }
    value
}

pub(super) fn encoding(node: &Node<'_>, table: Option<Table>) -> Option<Encoding> {
    let kind_value = node.need("type", "\"u16\"");
    let kind = kind_value.as_ref().and_then(|value| value.word(&KINDS));
    let order = node.may("word_order");
    let bit = node.may("bit");
    let length = node.may("length");
    let kind = kind?;
    let single_bit = matches!(table, Some(Table::Coil | Table::DiscreteInput));
    if single_bit
        && kind != Kind::Bit
        && let Some(value) = &kind_value
    {
        value.fault("coils and discrete inputs are single bits", "type = \"bit\", or table = \"input\" or \"holding\"");
    }
    let wide = matches!(kind, Kind::U32 | Kind::I32 | Kind::F32);
    let stray = |value: &Option<Value<'_>>, allowed: bool, why: &str| {
        if let (Some(value), false) = (value, allowed) {
            value.fault(why, "nothing; remove it");
        }
    };
    stray(&order, wide, "`word_order` is for u32, i32 and f32 only; one register has no order");
    stray(&bit, kind == Kind::Bit && !single_bit, "`bit` is for type = \"bit\" in a register only");
    stray(&length, matches!(kind, Kind::Ascii | Kind::Hex), "`length` is for type = \"ascii\" and \"hex\" only");
    let order = || -> Option<WordOrder> {
        if let Some(value) = &order {
            return value.word(&ORDERS);
        }
        node.document().absence(
            node.span(),
            "`word_order` is missing: two registers can stand in four orders, and none is a safe guess",
            "word_order = \"abcd\"  # high word first; \"cdab\" low word first; \"badc\", \"dcba\" with bytes swapped",
        );
        None
    };
    Some(match kind {
        Kind::Bit if single_bit => Encoding::Bit(0),
        Kind::Bit => Encoding::Bit(
            told(node, bit, "`bit` is missing", "bit = 0  # 0 is the least significant of 16")?.integer(0, 15)?,
        ),
        Kind::U16 => Encoding::U16,
        Kind::I16 => Encoding::I16,
        Kind::U32 => Encoding::U32(order()?),
        Kind::I32 => Encoding::I32(order()?),
        Kind::U64 => Encoding::U64,
        Kind::F32 => Encoding::F32(order()?),
        Kind::Ascii => Encoding::Ascii(
            told(node, length, "`length` is missing: how many registers hold the text", "length = 10")?
                .integer(1, 125)?,
        ),
        Kind::Hex => Encoding::Hex(
            told(node, length, "`length` is missing: how many registers hold the bytes", "length = 16")?
                .integer(1, 16)?,
        ),
    })
}

/// From the address as the manual counts to the one on the wire.
pub(super) fn wire_address(value: &Value<'_>, base: u16, table: Table, width: u16) -> Option<u16> {
    let first_of = match table {
        Table::Coil => 1,
        Table::DiscreteInput => 10_001,
        Table::Input => 30_001,
        Table::Holding => 40_001,
    };
    if base > 1 && base != first_of {
        let word = TABLES.iter().find(|(_, it)| *it == table).map_or("", |(word, _)| word);
        value.fault(
            format!("the address base is {base}, and {word} registers count from {first_of} in that way of counting"),
            format!("address_base = {first_of} in this channel, or the table that {base} stands for"),
        );
        return None;
    }
    let address = value.integer(0_u32, 465_536)?;
    let wire = address
        .checked_sub(u32::from(base))
        .and_then(|wire| u16::try_from(wire).ok())
        .filter(|wire| wire.checked_add(width - 1).is_some());
    if wire.is_none() {
        let way_out = if address >= 300_001 {
            format!(
                "address = {}  # with address_base = 1: six-digit forms drop the leading digit that names the table",
                address % 100_000
            )
        } else if address < u32::from(base) {
            format!("address = {base} or more, or another address_base")
        } else {
            format!(
                "address = {}  # with address_base = 0 the address is the one on the wire",
                address.min(65_535) % 10_000
            )
        };
        value.fault(
            format!("address {address} with address_base {base} is no register on the wire (0 to 65535)"),
            way_out,
        );
    }
    wire
}
