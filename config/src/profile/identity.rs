//! What an instrument says it is: facts, and the registers of a profile that hold them.

use tidewaiter_drivers::modbus::register::{Encoding, Table};

use super::encoding::{TABLES, encoding, wire_address};
use crate::reader::Node;

/// One thing an instrument says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Its maker; object 0 of Modbus device identification.
    Vendor,
    /// Its model; object 1.
    Product,
    /// Its firmware; object 2.
    Revision,
    /// The number on its type plate.
    Serial,
    /// The checksum of its software, hexadecimal.
    Software,
}

const FACTS: [(&str, Fact); 5] = [
    ("vendor", Fact::Vendor),
    ("product", Fact::Product),
    ("revision", Fact::Revision),
    ("serial", Fact::Serial),
    ("software", Fact::Software),
];

/// Registers that hold a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityRegister {
    /// What they say.
    pub fact: Fact,
    /// Which register table.
    pub table: Table,
    /// Wire address, 0-based.
    pub address: u16,
    /// Type and word order; a number is told as its digits.
    pub encoding: Encoding,
}

impl Fact {
    /// All facts, in their order.
    pub const ALL: [Self; 5] = [Self::Vendor, Self::Product, Self::Revision, Self::Serial, Self::Software];

    /// The stable spelling used in files and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Product => "product",
            Self::Revision => "revision",
            Self::Serial => "serial",
            Self::Software => "software",
        }
    }
}

/// Reads one `[[identity]]` of a profile.
pub(super) fn read(node: &Node<'_>, profile_base: Option<u16>, facts: &mut Vec<Fact>) -> Option<IdentityRegister> {
    let fact_value = node.need("fact", "\"serial\"");
    let fact = fact_value.as_ref().and_then(|value| value.word(&FACTS));
    if let (Some(fact), Some(value)) = (fact, &fact_value) {
        if facts.contains(&fact) {
            value.fault(format!("the fact \"{}\" stands in two places", fact.word()), "one of them; remove the other");
        }
        facts.push(fact);
    }
    let table = node.need("table", "\"holding\"").and_then(|value| value.word(&TABLES));
    let address = node.need("address", "0");
    let encoding = encoding(node, table);
    let width = encoding.as_ref().map(|it| it.registers());
    let address = address.and_then(|value| wire_address(&value, profile_base?, table?, width?));
    node.finish();
    Some(IdentityRegister { fact: fact?, table: table?, address: address?, encoding: encoding? })
}
