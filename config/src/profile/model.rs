//! An instrument profile as loaded: a Modbus register map with its own test vectors.

use std::time::Duration;

use tidewaiter_drivers::{
    Decimal, Unit,
    modbus::register::{Encoding, Table},
};

use super::{Field, IdentityRegister, Sealed};

/// A register map for one model of instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterProfile {
    /// Id, e.g. `gamma-monitor-generic`.
    pub id: String,
    /// Maker and model in words.
    pub title: String,
    /// Document and revision it was written from; `computed only` where none is public.
    pub source: String,
    /// First address as the document counts: the wire address is `address - address_base`.
    pub address_base: u16,
    /// Most registers the instrument answers at once, `1..=125`.
    pub max_registers: u16,
    /// Silence its line driver needs after an answer, beyond the 3.5 characters of Modbus; `None` follows
    /// the line speed.
    pub turnaround: Option<Duration>,
    /// Longest time after which an answer may still come; `None` is three time-outs.
    pub max_answer_time: Option<Duration>,
    /// Whether it is asked who it is by function 43/14. A few old instruments stumble over functions they
    /// do not know.
    pub device_identification: bool,
    /// Registers that say who it is.
    pub identity: Vec<IdentityRegister>,
    /// The block it seals; then every channel is a field of it.
    pub sealed: Option<Sealed>,
    /// Channels in the order of the file.
    pub channels: Vec<RegisterChannel>,
    /// Raw registers → displayed values, checked at load.
    pub vectors: Vec<Vector>,
    /// SHA-256 of the file it was loaded from.
    pub digest: [u8; 32],
}

/// One channel of a register profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterChannel {
    /// Channel name.
    pub name: String,
    /// Which register table.
    pub table: Table,
    /// Wire address, 0-based (base already subtracted).
    pub address: u16,
    /// Type and word order.
    pub encoding: Encoding,
    /// Power of ten applied to the integer: a register of tenths has `-1`.
    pub scale: i8,
    /// Decimals kept of a floating-point register, which has no resolution of its own.
    pub places: Option<u8>,
    /// Unit.
    pub unit: Unit,
    /// Raw register words that mean "no value", compared before decoding.
    pub sentinels: Vec<Vec<u16>>,
    /// Least and greatest plausible value; outside is `Implausible`.
    pub plausible: Option<(Decimal, Decimal)>,
    /// When set, every one of these must stand unchanged no longer than this many polls (heartbeat).
    pub heartbeat_polls: Option<u16>,
    /// Which field of the sealed block it is: then table, address, type, scale and unit are the layout's.
    pub field: Option<Field>,
}

/// One test vector of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector {
    /// Channel it exercises.
    pub channel: String,
    /// Register words as on the wire: of the channel, or of the whole block that it is a field of.
    pub registers: Vec<u16>,
    /// Decimal text, or a `Missing` word.
    pub expect: String,
}

impl RegisterProfile {
    /// The channel of this name.
    pub fn channel(&self, name: &str) -> Option<&RegisterChannel> {
        self.channels.iter().find(|channel| channel.name == name)
    }
}
