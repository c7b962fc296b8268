//! What a poll plan asks of its lines: how long they are busy, and how old a value can get.
//!
//! Everything here is arithmetic on the site file: no port is touched. The instruments' own time to
//! answer is not in it, since no file states it; it comes on top, once per request.

use std::time::Duration;

use tidewaiter_config::site::{Instrument, Port, Protocol, Site};

use super::{Block, Cost, blocks};

/// What `tidewaiter check` prints of the poll plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Every request, by port and instrument.
    pub requests: Vec<PlanLine>,
    /// Every polled instrument.
    pub instruments: Vec<InstrumentLine>,
    /// Every port with a polled instrument.
    pub ports: Vec<PortLine>,
}

/// One request.
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

/// One instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentLine {
    /// Port id.
    pub port: String,
    /// Instrument id.
    pub instrument: String,
    /// Requests of one poll.
    pub requests: usize,
    /// Registers of one poll, those of gaps included; 16 bits count as one.
    pub registers: u32,
    /// Line time of one poll in milliseconds, rounded up.
    pub bus_ms: u64,
    /// Poll interval in milliseconds.
    pub poll_ms: u64,
    /// Oldest a value gets before the next one replaces it, while every unit answers; `None` when the line
    /// cannot keep its poll intervals.
    pub worst_age_ms: Option<u64>,
}

/// One port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortLine {
    /// Port id.
    pub port: String,
    /// Time for one poll of each of its instruments in milliseconds, rounded up.
    pub cycle_ms: u64,
    /// Share of its time for which it is busy, in per cent, rounded up; above 100 polls are skipped.
    pub utilisation_percent: u32,
}

/// One instrument's demand on its line.
struct Demand {
    poll: Duration,
    work: Duration,
    /// Its longest request: nobody else speaks until that is answered.
    longest: Duration,
}

/// The poll plans of a whole site, in the order of the file. Touches no port.
pub fn describe(site: &Site) -> Description {
    let mut description = Description::default();
    for port in &site.ports {
        let mut demands = Vec::new();
        let first = description.instruments.len();
        for instrument in site.instruments.iter().filter(|it| it.port == port.id) {
            demands.extend(describe_instrument(port, instrument, &mut description));
        }
        if demands.is_empty() {
            continue;
        }
        for (index, line) in description.instruments.iter_mut().skip(first).enumerate() {
            line.worst_age_ms = worst_age(&demands, index).map(whole_ms);
        }
        description.ports.push(PortLine {
            port: port.id.clone(),
            cycle_ms: whole_ms(demands.iter().map(|it| it.work).sum()),
            utilisation_percent: percent(&demands),
        });
    }
    description
}

fn describe_instrument(port: &Port, instrument: &Instrument, description: &mut Description) -> Option<Demand> {
    let Protocol::Registers { profile, unit_id, poll, turnaround, .. } = &instrument.protocol else { return None };
    let cost = Cost::arithmetic(&port.link, *turnaround);
    let plan = blocks(profile, cost);
    for block in &plan {
        description.requests.push(PlanLine {
            port: port.id.clone(),
            instrument: instrument.id.clone(),
            unit_id: *unit_id,
            function: block.table.read_function(),
            address: block.address,
            count: block.count,
            poll_ms: whole_ms(*poll),
            bus_ms_estimate: whole_ms(cost.of(block)),
        });
    }
    let work = cost.of_all(&plan);
    description.instruments.push(InstrumentLine {
        port: port.id.clone(),
        instrument: instrument.id.clone(),
        requests: plan.len(),
        registers: plan.iter().map(registers).sum(),
        bus_ms: whole_ms(work),
        poll_ms: whole_ms(*poll),
        worst_age_ms: None,
    });
    let longest = plan.iter().map(|block| cost.of(block)).max().unwrap_or_default();
    Some(Demand { poll: *poll, work, longest })
}

fn registers(block: &Block) -> u32 {
    let count = u32::from(block.count);
    if block.table.is_bits() { count.div_ceil(16) } else { count }
}

/// Interval, plus the longest a poll can take from falling due to its last answer.
///
/// Two bounds hold for that, and the smaller one counts. Whoever is due first could find every other
/// instrument waiting: then all their work, as often as they fall due meanwhile, comes first. And
/// earliest deadline first keeps every deadline on a line that is not asked for more than it has, up to
/// one request that cannot be interrupted (Liu and Layland 1973, for work that can).
fn worst_age(demands: &[Demand], index: usize) -> Option<Duration> {
    let own = demands.get(index)?;
    if busy_billionths(demands) > 1_000_000_000 {
        return None;
    }
    let blocked = demands.iter().map(|it| it.longest).max().unwrap_or_default();
    let by_deadline = own.poll + blocked;
    let mut response = own.work;
    // Each round either settles or grows by at least one request, and the deadline bounds it.
    while response < by_deadline {
        let others: Duration = demands
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .map(|(_, it)| {
                it.work * u32::try_from(response.as_nanos().div_ceil(it.poll.as_nanos().max(1))).unwrap_or(u32::MAX)
            })
            .fold(Duration::ZERO, Duration::saturating_add);
        let next = own.work + others;
        if next == response {
            break;
        }
        response = next;
    }
    Some(own.poll + response.min(by_deadline))
}

fn busy_billionths(demands: &[Demand]) -> u128 {
    demands.iter().map(|it| it.work.as_nanos() * 1_000_000_000 / it.poll.as_nanos().max(1)).sum()
}

fn percent(demands: &[Demand]) -> u32 {
    u32::try_from(busy_billionths(demands).div_ceil(10_000_000)).unwrap_or(u32::MAX)
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}
