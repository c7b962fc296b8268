//! Which registers to ask for together. Pure.
//!
//! One request reads one stretch of one register table. Channels are merged into as few requests as
//! the instrument's maximum allows; a gap between two channels is read along when that takes less
//! line time than another request. What either takes is a [`Cost`]: at first by arithmetic, then as
//! measured ([`Estimate`]). A value is never split over two requests, since its halves could then
//! belong to different moments.

mod cost;
mod outlook;

use tidewaiter_config::profile::{RegisterChannel, RegisterProfile, Sealed};
use tidewaiter_drivers::modbus::{MAX_READ_BITS, MAX_READ_REGISTERS, register::Table};

pub use self::{
    cost::{Cost, Estimate},
    outlook::{Description, InstrumentLine, PlanLine, PortLine, describe},
};

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

/// Where one channel lies.
#[derive(Clone, Copy)]
struct Stretch {
    channel: usize,
    first: u16,
    width: u16,
}

impl Stretch {
    /// Wire addresses end at 65 535, so the address behind needs a wider type.
    fn end(self) -> u32 {
        u32::from(self.first) + u32::from(self.width)
    }
}

/// The cheapest requests for one instrument, by table and address.
///
/// With [`Cost::without_gaps`] no address is read that no channel uses.
pub fn blocks(profile: &RegisterProfile, cost: Cost) -> Vec<Block> {
    if let Some(sealed) = profile.sealed {
        return vec![whole(profile, sealed)];
    }
    let mut blocks = Vec::new();
    for table in [Table::Coil, Table::DiscreteInput, Table::Holding, Table::Input] {
        let bits = table.is_bits();
        let most = if bits { MAX_READ_BITS } else { profile.max_registers.clamp(1, MAX_READ_REGISTERS) };
        let mut stretches: Vec<Stretch> = profile
            .channels
            .iter()
            .enumerate()
            .filter(|(_, channel)| channel.table == table)
            .map(|(index, channel)| {
                let width = if bits { 1 } else { channel.encoding.registers() };
                Stretch { channel: index, first: channel.address, width }
            })
            .collect();
        stretches.sort_by_key(|it| (it.first, it.width));
        for group in cheapest(&stretches, most, |count| cost.cells(table, count)) {
            blocks.extend(block(table, group));
        }
    }
    blocks
}

/// A sealed block: never split, never merged with anything, whatever it costs.
fn whole(profile: &RegisterProfile, sealed: Sealed) -> Block {
    let part = |(channel, it): (usize, &RegisterChannel)| Part {
        channel,
        offset: it.address.saturating_sub(sealed.address),
        width: it.encoding.registers(),
    };
    let parts = profile.channels.iter().enumerate().map(part).collect();
    Block { table: sealed.table, address: sealed.address, count: sealed.count, parts, has_gaps: false }
}

/// Cuts neighbours into groups so that all requests together cost least; among equals, the fewest.
///
/// Every prefix has a best cut, and the best cut of a longer one ends with one group more.
fn cheapest(stretches: &[Stretch], most: u16, cost: impl Fn(u32) -> u64) -> Vec<&[Stretch]> {
    // Per prefix: its cost, its requests, and where its last group begins.
    let mut best: Vec<(u64, usize, usize)> = vec![(0, 0, 0)];
    for length in 1..=stretches.len() {
        let mut found = (u64::MAX, usize::MAX, length - 1);
        let mut end = 0;
        for begin in (0..length).rev() {
            let Some(&stretch) = stretches.get(begin) else { break };
            end = stretch.end().max(end);
            let count = end - u32::from(stretch.first);
            if count > u32::from(most) && begin + 1 < length {
                break;
            }
            let &(before, requests, _) = best.get(begin).unwrap_or(&(0, 0, 0));
            let candidate = (before.saturating_add(cost(count)), requests + 1, begin);
            if (candidate.0, candidate.1) < (found.0, found.1) {
                found = candidate;
            }
        }
        best.push(found);
    }
    let mut groups = Vec::new();
    let mut length = stretches.len();
    while let (true, Some(&(_, _, begin))) = (length > 0, best.get(length)) {
        groups.extend(stretches.get(begin..length));
        length = begin;
    }
    groups.reverse();
    groups
}

fn block(table: Table, group: &[Stretch]) -> Option<Block> {
    let address = group.first()?.first;
    let mut end = u32::from(address);
    let mut has_gaps = false;
    let mut parts = Vec::with_capacity(group.len());
    for stretch in group {
        has_gaps |= u32::from(stretch.first) > end;
        end = end.max(stretch.end());
        parts.push(Part { channel: stretch.channel, offset: stretch.first - address, width: stretch.width });
    }
    let count = u16::try_from(end - u32::from(address)).ok()?;
    Some(Block { table, address, count, parts, has_gaps })
}

/// Bytes of data in the answer to a request.
pub(super) fn answer_bytes(table: Table, count: u16) -> usize {
    if table.is_bits() { usize::from(count).div_ceil(8) } else { usize::from(count) * 2 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::time::Duration;

    use proptest::prelude::*;
    use tidewaiter_config::site::{Link, Protocol};
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
                field: None,
            })
            .collect();
        RegisterProfile {
            id: "p".into(),
            title: String::new(),
            source: String::new(),
            address_base: 0,
            max_registers,
            turnaround: None,
            max_answer_time: None,
            device_identification: false,
            identity: Vec::new(),
            sealed: None,
            channels,
            vectors: Vec::new(),
            digest: [0; 32],
        }
    }

    /// A request that costs as much as so many registers.
    fn worth(gap: u16) -> Cost {
        let register = Duration::from_millis(1);
        Cost { request: register * u32::from(gap), register }
    }

    /// `function:address+count` of each request, where a gap of so many registers is worth reading.
    fn check(profile: &RegisterProfile, gap: u16, expected: &[&str]) {
        let got: Vec<String> = blocks(profile, worth(gap))
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
        assert!(blocks(&profile(125, &channels), worth(10))[0].has_gaps);
        assert!(!blocks(&profile(125, &[(Input, 0, F), (Input, 2, F)]), worth(10))[0].has_gaps);
        check(
            &profile(
                125,
                &[(Coil, 0, Encoding::Bit(0)), (Coil, 160, Encoding::Bit(0)), (DiscreteInput, 3, Encoding::Bit(0))],
            ),
            10,
            &["1:0+161", "2:3+1"],
        );
    }

    /// The shipped profile of the node, whatever a gap costs.
    #[test]
    fn a_sealed_block_is_one_request() {
        let profiles = tidewaiter_config::profile::builtin();
        let node = profiles.iter().find(|it| it.id == "tidewaiter-node").unwrap();
        for gap in [0, 10, 200] {
            check(node, gap, &["4:256+47"]);
        }
        let blocks = blocks(node, worth(0));
        assert_eq!(blocks[0].parts.len(), node.channels.len());
        assert!(!blocks[0].has_gaps, "a refused address would be no reason to ask for less of it");
    }

    #[test]
    fn the_instruments_maximum_is_kept_and_no_value_is_split() {
        let channels = [(Input, 0, F), (Input, 2, F), (Input, 4, F), (Input, 6, F)];
        check(&profile(5, &channels), 10, &["4:0+4", "4:4+4"]);
        check(&profile(2, &channels), 10, &["4:0+2", "4:2+2", "4:4+2", "4:6+2"]);
        check(&profile(999, &[(Input, 0, U), (Input, 124, U)]), 200, &["4:0+125"]);
        check(&profile(999, &[(Input, 0, U), (Input, 125, U)]), 200, &["4:0+1", "4:125+1"]);
        // Of the two ways to cut after 125 registers, the one that reads no gap.
        check(&profile(999, &[(Input, 0, U), (Input, 124, U), (Input, 125, U)]), 200, &["4:0+1", "4:124+2"]);
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
            max_answer_time: ms(1500),
            turnaround: Some(ms(0)),
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
            describe(&site).requests,
            [
                // 14 characters of 11 bits and two silences of 38.5 bits at 9600 Bd: 24.06 ms.
                line("rtu", "gate", 2, 0, 1, 1000, 25),
                // 17 characters: 27.5 ms.
                line("rtu", "gate", 3, 4, 2, 1000, 28),
                line("tcp", "drum", 4, 0, 40, 500, 3),
            ]
        );
        let instrument = |port: &str, instrument: &str, requests, registers, bus_ms, poll_ms, age| InstrumentLine {
            port: port.into(),
            instrument: instrument.into(),
            requests,
            registers,
            bus_ms,
            poll_ms,
            worst_age_ms: Some(age),
        };
        assert_eq!(
            describe(&site).instruments,
            // 24.06 + 27.5 ms of line time; a poll is a period and that long old at most.
            [instrument("rtu", "gate", 2, 3, 52, 1000, 1052), instrument("tcp", "drum", 1, 40, 3, 500, 503)]
        );
        let port =
            |port: &str, cycle_ms, utilisation_percent| PortLine { port: port.into(), cycle_ms, utilisation_percent };
        assert_eq!(describe(&site).ports, [port("rtu", 52, 6), port("tcp", 3, 1)]);
    }

    /// Ten units of 24.06 ms each on one line, polled every 300 ms: 240 ms of 300. A line asked for more than
    /// it has keeps no promise about age.
    #[test]
    fn a_busy_line_says_how_old_values_get() {
        use crate::acquire::tests::{instrument, ms, serial, site};

        let line = |count: u8, poll| {
            let asks = |unit_id| Protocol::Registers {
                profile: profile(125, &[(DiscreteInput, 0, Encoding::Bit(0))]),
                unit_id,
                poll: ms(poll),
                timeout: ms(500),
                max_answer_time: ms(1500),
                turnaround: Some(ms(0)),
                function_timeout_polls: 3,
            };
            let units = (1..=count).map(|unit| instrument(&format!("u{unit}"), "p", asks(unit))).collect();
            describe(&site(vec![("p", Link::ModbusRtu(serial(9600)))], units))
        };
        let busy = line(10, 300);
        assert_eq!((busy.ports[0].cycle_ms, busy.ports[0].utilisation_percent), (241, 81));
        assert!(busy.instruments.iter().all(|it| it.worst_age_ms == Some(541)), "{:?}", busy.instruments);
        let overloaded = line(13, 300);
        assert_eq!(overloaded.ports[0].utilisation_percent, 105);
        assert!(overloaded.instruments.iter().all(|it| it.worst_age_ms.is_none()));
    }

    /// What all cuts of a list of neighbours cost, the cheapest.
    fn by_trying_all(channels: &[(u16, u16)], most: u16, cost: Cost) -> Duration {
        let Some(count) = channels.len().checked_sub(1) else { return Duration::ZERO };
        let group = |group: &[(u16, u16)]| {
            let end = group.iter().map(|(first, width)| first + width).max().unwrap();
            let span = end - group[0].0;
            (span <= most || group.len() == 1).then(|| cost.request + cost.register * u32::from(span))
        };
        (0..1_u32 << count)
            .filter_map(|cuts| {
                let mut total = Duration::ZERO;
                let mut from = 0;
                for at in 1..=channels.len() {
                    if at == channels.len() || cuts >> (at - 1) & 1 == 1 {
                        total += group(&channels[from..at])?;
                        from = at;
                    }
                }
                Some(total)
            })
            .min()
            .unwrap()
    }

    proptest! {
        #[test]
        fn no_other_cut_is_cheaper(
            raw in prop::collection::vec((0..60_u16, 1..4_u16), 1..9),
            most in 4..=40_u16,
            gap in 0..30_u16,
        ) {
            let encodings = [U, F, Encoding::Ascii(3)];
            let channels: Vec<_> = raw.iter().map(|&(at, w)| (Input, at, encodings[usize::from(w) - 1])).collect();
            let mut sorted = raw.clone();
            sorted.sort_unstable();
            let plan = blocks(&profile(most, &channels), worth(gap));
            prop_assert_eq!(worth(gap).of_all(&plan), by_trying_all(&sorted, most, worth(gap)));
        }

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
            let blocks = blocks(&profile, worth(gap));
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
