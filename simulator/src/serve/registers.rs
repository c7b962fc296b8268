//! What the register tables of an instrument hold at one moment, laid out by its profile.
//!
//! The profile is the only description of the layout: channel names are matched with what the world
//! shows, values are encoded by the profile's own encoding. A register no channel covers does not
//! exist inside the profile's gaps: it reads as zero, as padding does; outside it is refused.

use std::collections::BTreeMap;

use tidewaiter_config::profile::{RegisterChannel, RegisterProfile};
use tidewaiter_drivers::modbus::register::{Encoding, Table, encode, encode_ascii};

use crate::world::{Shown, World, rounding};

/// Registers and contacts of one instrument at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    words: BTreeMap<(u8, u16), u16>,
}

/// Tables by the function code that reads them.
pub(crate) const fn read_function(table: Table) -> u8 {
    match table {
        Table::Coil => 1,
        Table::DiscreteInput => 2,
        Table::Holding => 3,
        Table::Input => 4,
    }
}

impl Image {
    /// The tables of an instrument at this scene time; all registers are of the same moment.
    pub(super) fn at(world: &World, instrument: &str, layout: &RegisterProfile, at_ms: i64) -> Self {
        let mut image = Self::default();
        for channel in &layout.channels {
            let function = read_function(channel.table);
            let words = words(world, instrument, channel, at_ms);
            for (address, word) in (channel.address..).zip(words) {
                // Bits of one register come from several channels.
                image.set(function, address, word);
            }
        }
        image
    }

    /// The word in a cell, when there is one.
    pub(crate) fn word(&self, function: u8, address: u16) -> Option<u16> {
        self.words.get(&(function, address)).copied()
    }

    /// Sets these bits of a cell, which exists from then on.
    pub(crate) fn set(&mut self, function: u8, address: u16, bits: u16) {
        *self.words.entry((function, address)).or_default() |= bits;
    }

    /// `count` cells from `address` of the table this function reads; `None` beyond the last cell.
    pub(crate) fn read(&self, function: u8, address: u16, count: u16) -> Option<Vec<u16>> {
        let last = self.words.range((function, 0)..=(function, u16::MAX)).next_back()?.0.1;
        let end = u32::from(address) + u32::from(count);
        if end > u32::from(last) + 1 {
            return None;
        }
        Some((0..count).map(|it| self.words.get(&(function, address + it)).copied().unwrap_or(0)).collect())
    }
}

fn words(world: &World, instrument: &str, channel: &RegisterChannel, at_ms: i64) -> Vec<u16> {
    let size = usize::from(channel.encoding.registers());
    let encoded = match world.shown(instrument, &channel.name, at_ms) {
        Some(Shown::Whole(value)) => {
            let places = u8::try_from(-channel.scale.min(0)).unwrap_or(0);
            number(channel, rounding::displayed(rounding::real(value), places))
        }
        Some(Shown::Real(value, unit)) if unit == channel.unit => {
            let places = channel.places.unwrap_or_else(|| u8::try_from(-channel.scale.min(0)).unwrap_or(0));
            number(channel, rounding::displayed(value, places))
        }
        Some(Shown::Number(value)) => number(channel, value),
        Some(Shown::Text(text)) => match channel.encoding {
            Encoding::Ascii(count) => encode_ascii(&text, count).map(|it| it.to_vec()).ok(),
            _ => None,
        },
        Some(Shown::Real(..) | Shown::Absent) | None => None,
    };
    encoded.unwrap_or_else(|| no_value(channel, size))
}

fn number(channel: &RegisterChannel, value: tidewaiter_drivers::Decimal) -> Option<Vec<u16>> {
    encode(&channel.encoding, value, channel.scale).map(|it| it.to_vec()).ok()
}

/// How this channel says that it has no value: its first sentinel, a quiet NaN, or all ones.
fn no_value(channel: &RegisterChannel, size: usize) -> Vec<u16> {
    if let Some(sentinel) = channel.sentinels.first() {
        return sentinel.clone();
    }
    match channel.encoding {
        Encoding::F32(order) => {
            let quiet_nan = tidewaiter_drivers::modbus::register::WordOrder::Abcd == order;
            if quiet_nan { vec![0x7FC0, 0] } else { vec![0xFFFF; size] }
        }
        Encoding::Ascii(_) | Encoding::Bit(_) => vec![0; size],
        _ => vec![0xFFFF; size],
    }
}
