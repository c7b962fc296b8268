//! Which registers to ask for together, and what that costs the line. Pure.
//!
//! One request reads one stretch of one register table. Channels are merged into as few requests as
//! the instrument's maximum allows; a gap between two channels is read along when that takes less
//! line time than another request. A value is never split over two requests, since its halves could
//! then belong to different moments.

use std::time::Duration;

use tidewaiter_config::{
    profile::RegisterProfile,
    site::{Link, Protocol, Site},
};
use tidewaiter_drivers::modbus::{MAX_READ_BITS, MAX_READ_REGISTERS, register::Table};

use super::timing;

/// On a serial line another request costs 8 characters of question, 5 of frame around the answer
/// and two silences of 3.5: 20 characters, as long as ten registers.
const GAP_REGISTERS_RTU: u16 = 10;
/// Over TCP another request costs a round trip and a server cycle, some milliseconds; registers are
/// nearly free, yet a gap may hold addresses the instrument refuses, so it stays moderate.
const GAP_REGISTERS_TCP: u16 = 32;
/// Bits that cost as much as one register.
const BITS_PER_REGISTER: u16 = 16;

/// One request of a poll plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Register table.
    pub table: Table,
    /// First wire address, 0-based.
    pub address: u16,
    /// Registers, or bits of a bit table.
    pub count: u16,
    /// The channels it answers.
    pub parts: Vec<Part>,
    /// Whether it reads addresses that no channel uses.
    pub has_gaps: bool,
}

/// One channel within a [`Block`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Index of the channel in the profile.
    pub channel: usize,
    /// First register within the block.
    pub offset: u16,
    /// Registers it takes.
    pub width: u16,
}

/// One line of the poll plan as `tidewaiter check` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLine {
    /// Port id.
    pub port: String,
    /// Instrument id.
    pub instrument: String,
    /// Modbus unit id.
    pub unit_id: u8,
    /// Function code, 1 to 4.
    pub function: u8,
    /// First wire address, 0-based.
    pub address: u16,
    /// Registers, or bits with functions 1 and 2.
    pub count: u16,
    /// Poll interval in milliseconds.
    pub poll_ms: u64,
    /// Line time of one exchange in milliseconds, rounded up, without the instrument's own delay.
    pub bus_ms_estimate: u64,
}

/// The requests of a whole site, in the order of the file. Touches no port.
///
/// # Examples
///
/// `tidewaiter check` prints these lines beside the findings of the site file.
pub fn describe(site: &Site) -> Vec<PlanLine> {
    let mut lines = Vec::new();
    for port in &site.ports {
        for instrument in site.instruments.iter().filter(|it| it.port == port.id) {
            let Protocol::Registers { profile, unit_id, poll, .. } = &instrument.protocol else { continue };
            for block in blocks(profile, gap_worth_reading(&port.link)) {
                lines.push(PlanLine {
                    port: port.id.clone(),
                    instrument: instrument.id.clone(),
                    unit_id: *unit_id,
                    function: block.table.read_function(),
                    address: block.address,
                    count: block.count,
                    poll_ms: whole_ms(*poll),
                    bus_ms_estimate: whole_ms(line_time(&port.link, &block)),
                });
            }
        }
    }
    lines
}

/// The requests for one instrument, by table and address.
///
/// `gap` is the most unused registers to read along between two channels; 0 reads none.
pub fn blocks(profile: &RegisterProfile, gap: u16) -> Vec<Block> {
    let mut order: Vec<usize> = (0..profile.channels.len()).collect();
    order.sort_by_key(|&index| profile.channels.get(index).map(|it| (it.table.read_function(), it.address)));
    let mut blocks: Vec<Block> = Vec::new();
    for index in order {
        let Some(channel) = profile.channels.get(index) else { continue };
        let bits = channel.table.is_bits();
        let width = if bits { 1 } else { channel.encoding.registers() };
        let (most, gap) = if bits {
            (MAX_READ_BITS, gap.saturating_mul(BITS_PER_REGISTER))
        } else {
            (profile.max_registers.clamp(1, MAX_READ_REGISTERS), gap)
        };
        // Wire addresses end at 65 535, so sums need a wider type.
        let first = u32::from(channel.address);
        let end = first + u32::from(width);
        if let Some(last) = blocks.last_mut().filter(|it| it.table == channel.table) {
            let start = u32::from(last.address);
            let last_end = start + u32::from(last.count);
            let merged = end.max(last_end) - start;
            if first <= last_end + u32::from(gap) && merged <= u32::from(most) {
                last.has_gaps |= first > last_end;
                last.count = u16::try_from(merged).unwrap_or(most);
                last.parts.push(Part { channel: index, offset: channel.address - last.address, width });
                continue;
            }
        }
        blocks.push(Block {
            table: channel.table,
            address: channel.address,
            count: width,
            parts: vec![Part { channel: index, offset: 0, width }],
            has_gaps: false,
        });
    }
    blocks
}

/// How many unused registers are cheaper to read than to leave out.
pub const fn gap_worth_reading(link: &Link) -> u16 {
    match link {
        Link::Serial(_) | Link::ModbusRtu(_) => GAP_REGISTERS_RTU,
        Link::Tcp { .. } | Link::ModbusTcp { .. } => GAP_REGISTERS_TCP,
    }
}

/// Bytes of data in the answer to a request.
pub(super) fn answer_bytes(table: Table, count: u16) -> usize {
    if table.is_bits() { usize::from(count).div_ceil(8) } else { usize::from(count) * 2 }
}

/// Request, answer and the silence after each; over TCP one millisecond for the round trip.
fn line_time(link: &Link, block: &Block) -> Duration {
    match link {
        Link::Serial(settings) | Link::ModbusRtu(settings) => {
            let characters = 8 + 5 + answer_bytes(block.table, block.count);
            timing::wire_time(settings, characters) + 2 * timing::silence(settings.baud)
        }
        Link::Tcp { .. } | Link::ModbusTcp { .. } => Duration::from_millis(1),
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;
    use tidewaiter_config::profile::RegisterChannel;
    use tidewaiter_drivers::{
        Unit,
        modbus::register::{Encoding, WordOrder},
    };

    use super::*;

    fn profile(max_registers: u16, channels: &[(Table, u16, Encoding)]) -> RegisterProfile {
        let channels = channels
            .iter()
            .enumerate()
            .map(|(index, &(table, address, encoding))| RegisterChannel {
                name: format!("c{index}"),
                table,
                address,
                encoding,
                scale: 0,
                places: None,
                unit: Unit::One,
                sentinels: Vec::new(),
                plausible: None,
                heartbeat_polls: None,
            })
            .collect();
        RegisterProfile {
            id: "p".into(),
            title: String::new(),
            source: String::new(),
            address_base: 0,
            max_registers,
            channels,
            vectors: Vec::new(),
            digest: [0; 32],
        }
    }

    /// `function:address+count` of each request.
    fn check(profile: &RegisterProfile, gap: u16, expected: &[&str]) {
        let got: Vec<String> = blocks(profile, gap)
            .iter()
            .map(|it| format!("{}:{}+{}", it.table.read_function(), it.address, it.count))
            .collect();
        assert_eq!(got, expected);
    }

    const U: Encoding = Encoding::U16;
    const F: Encoding = Encoding::F32(WordOrder::Abcd);
    use Table::{Coil, DiscreteInput, Holding, Input};

    #[test]
    fn neighbours_share_a_request_whatever_their_order() {
        check(&profile(125, &[(Input, 2, F), (Input, 0, U), (Input, 1, U)]), 0, &["4:0+4"]);
        check(&profile(125, &[(Input, 0, U), (Holding, 1, U)]), 10, &["3:1+1", "4:0+1"]);
        // Two bits of one register, and a value inside a longer one.
        check(&profile(125, &[(Input, 5, Encoding::Bit(0)), (Input, 5, Encoding::Bit(3))]), 0, &["4:5+1"]);
        check(&profile(125, &[(Input, 0, Encoding::Ascii(10)), (Input, 4, U)]), 0, &["4:0+10"]);
    }

    #[test]
    fn gaps_are_read_along_up_to_their_worth() {
        let channels = [(Input, 0, U), (Input, 11, U), (Input, 30, U)];
        check(&profile(125, &channels), 10, &["4:0+12", "4:30+1"]);
        check(&profile(125, &channels), 0, &["4:0+1", "4:11+1", "4:30+1"]);
        assert!(blocks(&profile(125, &channels), 10)[0].has_gaps);
        assert!(!blocks(&profile(125, &[(Input, 0, F), (Input, 2, F)]), 10)[0].has_gaps);
        check(
            &profile(
                125,
                &[(Coil, 0, Encoding::Bit(0)), (Coil, 160, Encoding::Bit(0)), (DiscreteInput, 3, Encoding::Bit(0))],
            ),
            10,
            &["1:0+161", "2:3+1"],
        );
    }

    #[test]
    fn the_instruments_maximum_is_kept_and_no_value_is_split() {
        let channels = [(Input, 0, F), (Input, 2, F), (Input, 4, F), (Input, 6, F)];
        check(&profile(5, &channels), 10, &["4:0+4", "4:4+4"]);
        check(&profile(2, &channels), 10, &["4:0+2", "4:2+2", "4:4+2", "4:6+2"]);
        check(&profile(999, &[(Input, 0, U), (Input, 124, U), (Input, 125, U)]), 200, &["4:0+125", "4:125+1"]);
        check(&profile(125, &[(Input, 65_534, F)]), 10, &["4:65534+2"]);
    }

    /// The times are bits counted by hand: 8E1 is 11 bits a character.
    #[test]
    fn a_site_is_described_without_opening_anything() {
        use crate::acquire::tests::{instrument, ms, serial, site};

        let asks = |channels: &[(Table, u16, Encoding)], poll| Protocol::Registers {
            profile: profile(125, channels),
            unit_id: 7,
            poll: ms(poll),
            timeout: ms(500),
            function_timeout_polls: 3,
        };
        let tcp = Link::ModbusTcp { host: "h".into(), port: 502 };
        let site = site(
            vec![("rtu", Link::ModbusRtu(serial(9600))), ("tcp", tcp)],
            vec![
                instrument("drum", "tcp", asks(&[(Input, 0, U), (Input, 30, Encoding::Ascii(10))], 500)),
                instrument("gate", "rtu", asks(&[(DiscreteInput, 0, Encoding::Bit(0)), (Holding, 4, F)], 1000)),
                instrument("ph", "rtu", Protocol::PhStream),
            ],
        );
        let line = |port: &str, instrument: &str, function, address, count, poll_ms, bus_ms_estimate| PlanLine {
            port: port.into(),
            instrument: instrument.into(),
            unit_id: 7,
            function,
            address,
            count,
            poll_ms,
            bus_ms_estimate,
        };
        assert_eq!(
            describe(&site),
            [
                // 14 characters of 11 bits and two silences of 38.5 bits at 9600 Bd: 24.06 ms.
                line("rtu", "gate", 2, 0, 1, 1000, 25),
                // 17 characters: 27.5 ms.
                line("rtu", "gate", 3, 4, 2, 1000, 28),
                line("tcp", "drum", 4, 0, 40, 500, 1),
            ]
        );
    }

    proptest! {
        #[test]
        fn every_channel_is_asked_for_once_and_lies_within_its_block(
            raw in prop::collection::vec((0..4_usize, 0..300_u16, 0..3_usize), 0..40),
            most in 2..=125_u16,
            gap in 0..40_u16,
        ) {
            let tables = [Coil, DiscreteInput, Holding, Input];
            let encodings = [U, F, Encoding::Bit(7)];
            let channels: Vec<_> = raw.iter().map(|&(t, a, e)| (tables[t], a, encodings[e])).collect();
            let profile = profile(most, &channels);
            let blocks = blocks(&profile, gap);
            let mut seen = vec![0; channels.len()];
            for block in &blocks {
                prop_assert!(block.table.is_bits() || block.count <= most);
                prop_assert!(block.count <= MAX_READ_BITS);
                for part in &block.parts {
                    seen[part.channel] += 1;
                    prop_assert_eq!(channels[part.channel].0, block.table);
                    prop_assert_eq!(channels[part.channel].1, block.address + part.offset);
                    prop_assert!(part.offset + part.width <= block.count);
                }
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
        }
    }
}
