//! What a request costs the line: by arithmetic first, then as measured.

use std::time::Duration;

use tidewaiter_config::site::Link;
use tidewaiter_drivers::modbus::register::Table;

use super::Block;
use crate::acquire::timing;

/// Characters of a read request on RTU, and of the frame around its answer.
const REQUEST_CHARACTERS: usize = 8 + 5;
/// Before anything is measured, another request over TCP is taken to cost a round trip on the site's
/// own network and a cycle of the server.
const TCP_REQUEST: Duration = Duration::from_millis(1);
/// Registers are nearly free over TCP, yet a gap may hold addresses the instrument refuses, so the
/// first plan reads no more than 32 of them along.
const TCP_REGISTER: Duration = Duration::from_micros(31);
/// Bits that travel in one register's place.
const BITS_PER_REGISTER: u32 = 16;

/// Weight of the arithmetic at the start, in measurements: a handful of slow answers while an
/// instrument starts must not turn the plan over.
const TRUST_IN_ARITHMETIC: u32 = 8;
/// Measurements after which an old one has faded to about a third.
const MEMORY: u32 = 64;
/// Spread of request lengths, in registers squared, at which slope and arithmetic weigh the same. Below
/// it the lengths are too alike to tell what one register takes.
const SPREAD: f64 = 25.0;

/// What asking takes: so much for a request, and so much for each register in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// One request without its registers: question, frame, silences, the instrument's own time.
    pub request: Duration,
    /// One register more.
    pub register: Duration,
}

/// A running estimate of the [`Cost`] of one instrument.
///
/// A straight line through the exchanges measured, older ones fading. Where lengths hardly differ the
/// slope cannot be seen, and that of the arithmetic stands in.
#[derive(Clone, Debug)]
pub struct Estimate {
    start: Cost,
    measured: u32,
    mean_registers: f64,
    mean_seconds: f64,
    variance: f64,
    covariance: f64,
}

impl Cost {
    /// What the line alone takes: characters, the silence before and after the answer, the turnaround.
    pub fn arithmetic(link: &Link, turnaround: Option<Duration>) -> Self {
        match link {
            Link::Serial(line) | Link::ModbusRtu(line) | Link::ModbusRtuTcp { line, .. } => Self {
                request: timing::wire_time(line, REQUEST_CHARACTERS)
                    + 2 * timing::silence(line.baud)
                    + timing::turnaround(line, turnaround),
                register: timing::wire_time(line, 2),
            },
            Link::Tcp { .. } | Link::ModbusTcp { .. } => Self { request: TCP_REQUEST, register: TCP_REGISTER },
        }
    }

    /// The cost under which a gap is never worth reading.
    #[must_use]
    pub const fn without_gaps(self) -> Self {
        Self { request: Duration::ZERO, register: self.register }
    }

    /// What one request takes.
    pub fn of(&self, block: &Block) -> Duration {
        Duration::from_nanos(self.cells(block.table, u32::from(block.count)))
    }

    /// What several requests take.
    pub fn of_all(&self, blocks: &[Block]) -> Duration {
        blocks.iter().map(|block| self.of(block)).sum()
    }

    /// What one request of so many registers or bits takes, in nanoseconds.
    pub(super) fn cells(&self, table: Table, count: u32) -> u64 {
        // Bits travel in whole bytes, two of which are a register.
        let cells = if table.is_bits() {
            self.register.saturating_mul(count.div_ceil(BITS_PER_REGISTER / 2)) / 2
        } else {
            self.register.saturating_mul(count)
        };
        u64::try_from((self.request + cells).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Estimate {
    /// Starts from what the line alone takes.
    pub const fn new(start: Cost) -> Self {
        Self { start, measured: 0, mean_registers: 0.0, mean_seconds: 0.0, variance: 0.0, covariance: 0.0 }
    }

    /// Takes one exchange into account: `took` is from the first byte of the question until the line was
    /// free again.
    pub fn observe(&mut self, table: Table, count: u16, took: Duration) {
        let registers =
            if table.is_bits() { f64::from(count) / f64::from(BITS_PER_REGISTER) } else { f64::from(count) };
        if self.measured == 0 {
            self.mean_registers = registers;
            self.mean_seconds = self.start.request.as_secs_f64() + self.start.register.as_secs_f64() * registers;
        }
        self.measured = self.measured.saturating_add(1);
        let weight = 1.0 / f64::from((self.measured + TRUST_IN_ARITHMETIC).min(MEMORY));
        let (beside, late) = (registers - self.mean_registers, took.as_secs_f64() - self.mean_seconds);
        self.mean_registers += weight * beside;
        self.mean_seconds += weight * late;
        // Exponentially weighted, as West's recurrence for a running variance.
        self.variance = (1.0 - weight) * (self.variance + weight * beside * beside);
        self.covariance = (1.0 - weight) * (self.covariance + weight * beside * late);
    }

    /// What asking takes as far as is known.
    pub fn cost(&self) -> Cost {
        if self.measured == 0 {
            return self.start;
        }
        let assumed = self.start.register.as_secs_f64();
        let slope = assumed + (self.covariance - assumed * self.variance) / (self.variance + SPREAD);
        // No register is free, or a request would read the whole table along.
        let slope = slope.max(assumed / 16.0);
        let request = (self.mean_seconds - slope * self.mean_registers).max(0.0);
        Cost { request: Duration::from_secs_f64(request), register: Duration::from_secs_f64(slope) }
    }

    /// Exchanges measured so far.
    pub const fn measured(&self) -> u32 {
        self.measured
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::acquire::tests::serial;

    fn near(found: Duration, expected: Duration, percent: u32) {
        assert!(found.abs_diff(expected) <= expected * percent / 100, "{found:?}, expected {expected:?}");
    }

    /// 9600 Bd, 11 bits: 13 characters 14.896 ms, two silences 8.021 ms, one character 1.146 ms.
    #[test]
    fn arithmetic_counts_what_the_line_must_carry() {
        let cost = Cost::arithmetic(&Link::ModbusRtu(serial(9600)), None);
        assert_eq!((cost.request.as_micros(), cost.register.as_micros()), (24_062, 2291));
        let declared = Cost::arithmetic(&Link::ModbusRtu(serial(9600)), Some(Duration::from_millis(10)));
        assert_eq!(declared.request.as_micros(), 32_916);
    }

    /// An instrument that thinks for 80 ms and then sends at the line's own speed.
    #[test]
    fn a_slow_instrument_is_measured() {
        let start = Cost::arithmetic(&Link::ModbusRtu(serial(9600)), None);
        let thinks = Duration::from_millis(80);
        let mut estimate = Estimate::new(start);
        for round in 0..200_u16 {
            let count = if round % 2 == 0 { 2 } else { 40 };
            let took = start.request + thinks + start.register * u32::from(count);
            estimate.observe(Table::Input, count, took);
        }
        near(estimate.cost().request, start.request + thinks, 5);
        near(estimate.cost().register, start.register, 5);
    }

    /// A gateway that takes 0.4 ms a register where the arithmetic took 31 µs.
    #[test]
    fn what_a_register_takes_is_seen_when_lengths_differ() {
        let start = Cost::arithmetic(&Link::ModbusTcp { host: "h".into(), port: 502 }, None);
        let took = |count: u16| Duration::from_micros(5000 + 400 * u64::from(count));
        let mut estimate = Estimate::new(start);
        let mut alike = Estimate::new(start);
        for round in 0..400_u16 {
            let count = [10, 50, 90][usize::from(round % 3)];
            estimate.observe(Table::Holding, count, took(count));
            alike.observe(Table::Holding, 10, took(10));
        }
        near(estimate.cost().register, Duration::from_micros(400), 5);
        near(estimate.cost().request, Duration::from_millis(5), 10);
        // With one length only, all that is known is what that length takes.
        assert_eq!(alike.cost().register, start.register);
        near(alike.cost().request + 10 * alike.cost().register, took(10), 1);
    }

    #[test]
    fn one_slow_answer_changes_little_and_old_ones_fade() {
        let start = Cost::arithmetic(&Link::ModbusRtu(serial(9600)), None);
        let usual = start.request + 10 * start.register;
        let mut estimate = Estimate::new(start);
        estimate.observe(Table::Input, 10, usual + Duration::from_millis(300));
        assert!(estimate.cost().request < start.request + Duration::from_millis(35));
        for _ in 0..400 {
            estimate.observe(Table::Input, 10, usual);
        }
        near(estimate.cost().request, start.request, 2);
    }
}
