//! Lines as Modbus coils or as bits of one holding register, through the task that owns the port.

use std::time::Duration;

use tidewaiter_config::site::{BARRIER, Lines, Output, OutputUnit, Wire};
use tidewaiter_drivers::{modbus::register::Table, reading::Missing};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::faults::Fault;
use crate::acquire::orders::{Action, Carried, Order, Written};

/// An order that has not begun within this time is not carried out any more.
const ORDER_LIFE: Duration = Duration::from_millis(1_500);
/// How long the whole of an order may take once it has begun: a dozen exchanges on a slow line.
const PATIENCE: Duration = Duration::from_secs(6);

/// The lines of a Modbus unit.
#[derive(Debug)]
pub(super) struct Coils {
    layout: Layout,
    unit: OutputUnit,
    desk: mpsc::Sender<Order>,
    /// The connection over which the module's own watchdog was last set.
    set_up: Option<u64>,
}

/// Where each line is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    numbers: Vec<u16>,
    inverted: Lines,
    barrier: Option<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Coils { together: bool },
    Register { address: u16, together: bool },
}

impl Coils {
    /// The lines of `output`, written through `desk`; `None` for one that is not reached by Modbus.
    pub(super) fn new(output: &Output, desk: mpsc::Sender<Order>) -> Option<Self> {
        let kind = match &output.wire {
            Wire::Coils { together, .. } => Kind::Coils { together: *together },
            Wire::Register { address, together, .. } => Kind::Register { address: *address, together: *together },
            Wire::Gpio { .. } => return None,
        };
        let inverted =
            output.lines.iter().enumerate().fold(Lines::default(), |set, (at, line)| set.with(at, line.inverted));
        let layout = Layout {
            numbers: output.lines.iter().map(|it| it.number).collect(),
            inverted,
            barrier: output.line(BARRIER),
            kind,
        };
        Some(Self { layout, unit: output.unit()?.clone(), desk, set_up: None })
    }

    /// Writes the lines and reads them back.
    pub(super) async fn set(&mut self, lines: Lines) -> Result<(), Fault> {
        let set = self.try_set(lines).await;
        if set.is_err() {
            // It may have lost its power: the next attempt sets its watchdog again.
            self.set_up = None;
        }
        set
    }

    async fn try_set(&mut self, lines: Lines) -> Result<(), Fault> {
        let mut carried = self.order(self.actions(lines, self.set_up.is_none())).await.map_err(Fault::NoAnswer)?;
        if self.set_up != Some(carried.connection) {
            if self.set_up.is_some() {
                carried = self.order(self.actions(lines, true)).await.map_err(Fault::NoAnswer)?;
            }
            self.set_up = Some(carried.connection);
        }
        match self.layout.found(&carried.words) {
            Some(found) if found == lines => Ok(()),
            Some(found) => Err(Fault::Differs { wanted: lines, found }),
            None => Err(Fault::NoAnswer(Missing::Refused)),
        }
    }

    fn actions(&self, lines: Lines, set_up: bool) -> Vec<Action> {
        let watchdog = self.unit.watchdog.iter().filter(|_| set_up);
        let watchdog = watchdog.map(|&(address, value)| Action::Write { address, content: Written::Register(value) });
        watchdog.chain(self.layout.writes(lines)).chain([self.layout.read_back()]).collect()
    }

    async fn order(&self, actions: Vec<Action>) -> Result<Carried, Missing> {
        let (reply, answer) = oneshot::channel();
        let order = Order {
            unit: self.unit.unit_id,
            timeout: self.unit.timeout,
            actions,
            until: Instant::now() + ORDER_LIFE,
            reply,
        };
        // The desk has a place for every output, and none asks twice at once: full is a port that is not served.
        self.desk.try_send(order).map_err(|_| Missing::LineDown)?;
        match timeout(ORDER_LIFE + PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Missing::LineDown),
            Err(_) => Err(Missing::TimedOut),
        }
    }
}

impl Layout {
    /// The writes for these lines. A barrier that shuts is written first, one that opens last: what is written between
    /// them is never seen beside an open barrier that it does not belong to.
    fn writes(&self, lines: Lines) -> Vec<Action> {
        let sent = Lines(lines.0 ^ self.inverted.0);
        match self.kind {
            Kind::Coils { together: false } => {
                let mut order: Vec<usize> = (0..self.numbers.len()).collect();
                if let Some(barrier) = self.barrier {
                    let opens = lines.has(barrier);
                    order.sort_by_key(|at| (*at == barrier) == opens);
                }
                let write = |at: usize| {
                    let address = *self.numbers.get(at)?;
                    Some(Action::Write { address, content: Written::Coil(sent.has(at)) })
                };
                order.into_iter().filter_map(write).collect()
            }
            Kind::Coils { together: true } => {
                let low = self.numbers.iter().min().copied().unwrap_or_default();
                let bits = self.numbers.iter().enumerate().filter(|(at, _)| sent.has(*at));
                let bits =
                    bits.fold(0_u16, |bits, (_, number)| bits | 1_u16.checked_shl((number - low).into()).unwrap_or(0));
                let count = u8::try_from(self.numbers.len()).unwrap_or(16);
                vec![Action::Write { address: low, content: Written::Coils { bits, count } }]
            }
            Kind::Register { address, together } => {
                let word = self.word(sent);
                let content = if together { Written::Registers(word) } else { Written::Register(word) };
                vec![Action::Write { address, content }]
            }
        }
    }

    fn read_back(&self) -> Action {
        match self.kind {
            Kind::Coils { .. } => {
                let low = self.numbers.iter().min().copied().unwrap_or_default();
                let high = self.numbers.iter().max().copied().unwrap_or_default();
                Action::Read { table: Table::Coil, address: low, count: high - low + 1 }
            }
            Kind::Register { address, .. } => Action::Read { table: Table::Holding, address, count: 1 },
        }
    }

    /// The lines that were read back; `None` when the answer does not hold them all.
    fn found(&self, words: &[u16]) -> Option<Lines> {
        let low = self.numbers.iter().min().copied().unwrap_or_default();
        let mut found = Lines::default();
        for (at, number) in self.numbers.iter().enumerate() {
            let on = match self.kind {
                Kind::Coils { .. } => *words.get(usize::from(number - low))? != 0,
                Kind::Register { .. } => words.first()? >> (number & 15) & 1 == 1,
            };
            found = found.with(at, on);
        }
        Some(Lines(found.0 ^ self.inverted.0))
    }

    fn word(&self, sent: Lines) -> u16 {
        let on = self.numbers.iter().enumerate().filter(|(at, _)| sent.has(*at));
        on.fold(0, |word, (_, bit)| word | 1 << (bit & 15))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    fn layout(numbers: &[u16], inverted: u16, kind: Kind) -> Layout {
        Layout { numbers: numbers.to_vec(), inverted: Lines(inverted), barrier: Some(numbers.len() - 1), kind }
    }

    fn coil(address: u16, on: bool) -> Action {
        Action::Write { address, content: Written::Coil(on) }
    }

    #[test]
    fn a_barrier_shuts_first_and_opens_last() {
        let layout = layout(&[0, 1, 9], 0, Kind::Coils { together: false });
        assert_eq!(layout.writes(Lines(0b001)), [coil(9, false), coil(0, true), coil(1, false)]);
        assert_eq!(layout.writes(Lines(0b101)), [coil(0, true), coil(1, false), coil(9, true)]);
    }

    #[test]
    fn a_lamp_on_the_resting_contact_is_lit_by_a_coil_that_is_off() {
        let single = layout(&[3, 4], 0b10, Kind::Coils { together: false });
        assert_eq!(single.writes(Lines(0b10)), [coil(3, false), coil(4, false)]);
        assert_eq!(single.found(&[0, 0]), Some(Lines(0b10)), "all power gone: it is lit");
    }

    #[test]
    fn registers_hold_the_bits_of_their_lines_alone() {
        let register = layout(&[0, 15], 0, Kind::Register { address: 7, together: true });
        assert_eq!(register.writes(Lines(0b11)), [Action::Write { address: 7, content: Written::Registers(0x8001) }]);
        assert_eq!(register.found(&[0xFFFE]), Some(Lines(0b10)));
        assert_eq!(register.found(&[]), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read_back(lines in 0..32_u16, inverted in 0..32_u16, base in 0..60_000_u16) {
            let numbers: Vec<u16> = [4, 0, 2, 1, 3].map(|it| base + it).to_vec();
            let together = layout(&numbers, inverted, Kind::Coils { together: true });
            let [Action::Write { address, content: Written::Coils { bits, count } }] = together.writes(Lines(lines))[..] else {
                panic!("one request");
            };
            prop_assert_eq!((address, count), (base, 5));
            let words: Vec<u16> = (0..count).map(|at| bits >> at & 1).collect();
            prop_assert_eq!(together.found(&words), Some(Lines(lines)));
            let single = layout(&numbers, inverted, Kind::Coils { together: false });
            let mut cells = vec![0; 5];
            for action in single.writes(Lines(lines)) {
                let Action::Write { address, content: Written::Coil(on) } = action else { panic!("coils alone") };
                cells[usize::from(address - base)] = u16::from(on);
            }
            prop_assert_eq!(single.found(&cells), Some(Lines(lines)));
        }
    }
}
