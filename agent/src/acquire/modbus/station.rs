//! One instrument of a Modbus port, and the poll it is in the middle of. Knows nothing of other
//! instruments, of time that passes, or of where the outcome goes.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use tidewaiter_drivers::{
    modbus::register::Table,
    reading::{Flaw, Missing, Moment, Quality, Reading},
};

use super::{
    identity::{Identity, Inquiry},
    interpret::{Interpreter, Taken},
    line::{Ask, Exchange, Line, Objects, Pace},
    sealed::Seals,
};
use crate::acquire::plan::{self, Block, Estimate};

/// Exchanges between two looks at whether the plan still fits what was measured.
const REPLAN_EVERY: u32 = 16;
/// A new plan must be cheaper than the old one by this part, in per cent, as measured: a plan that
/// changes with every wind would make readings jump from moment to moment for nothing.
const WORTH_REPLANNING: u32 = 5;

/// One instrument of the port.
pub(super) struct Station {
    pub(super) instrument: Arc<str>,
    pub(super) unit: u8,
    pub(super) period: Duration,
    pub(super) pace: Pace,
    pub(super) blocks: Vec<Block>,
    pub(super) interpreter: Interpreter,
    pub(super) identity: Identity,
    /// Of an instrument that seals its block.
    pub(super) seals: Option<Seals>,
    pub(super) estimate: Estimate,
    /// The instrument refuses addresses between its channels.
    pub(super) refuses_gaps: bool,
    pub(super) poll: Option<Poll>,
}

/// A poll under way.
pub(super) struct Poll {
    /// Index of the next block to ask for.
    pub(super) next: usize,
    /// What is known of each channel of the profile.
    pub(super) taken: Vec<Option<Taken>>,
    /// The registers of the sealed block, of an instrument that has one.
    pub(super) sealed: Option<Taken>,
    /// The answers, one behind the other; each tells its own length.
    pub(super) raw: BytesMut,
    /// Nothing more is asked.
    pub(super) over: bool,
}

/// What a request was made for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// To find out whether the unit answers; its registers say nothing more.
    Probe,
    /// Registers of the poll.
    Block(Block),
    /// To learn who answers.
    Inquiry(Inquiry),
}

/// What came of a request.
pub(super) enum Answer {
    Words(Vec<u16>),
    Objects(Objects),
}

impl Station {
    /// Makes the next request of the poll under way.
    pub(super) async fn step(&mut self, line: &mut Line) -> (Exchange<Answer>, Purpose) {
        if line.owes(self.unit) {
            return self.probe(line).await;
        }
        let next = self.poll.as_ref().map_or(0, |poll| poll.next);
        if let Some(block) = self.blocks.get(next).cloned() {
            let exchange = line.ask(self.ask(&block), self.pace).await;
            if exchange.outcome.is_ok() {
                self.estimate.observe(block.table, block.count, exchange.took);
            }
            return (exchange.map(Answer::Words), Purpose::Block(block));
        }
        match self.identity.inquiry() {
            Some(inquiry @ Inquiry::Device(object)) => {
                let exchange = line.identify(self.unit, object, self.pace).await;
                (exchange.map(Answer::Objects), Purpose::Inquiry(inquiry))
            }
            Some(inquiry @ Inquiry::Registers(register)) => {
                let count = if register.table.is_bits() { 1 } else { register.encoding.registers() };
                let ask = Ask { unit: self.unit, table: register.table, address: register.address, count };
                (line.ask(ask, self.pace).await.map(Answer::Words), Purpose::Inquiry(inquiry))
            }
            // A profile without channels, and nothing to learn: nothing to ask.
            None => (Exchange::empty().map(Answer::Words), Purpose::Probe),
        }
    }

    /// Asks whether the unit answers, outside of any poll or before one.
    pub(super) async fn probe(&mut self, line: &mut Line) -> (Exchange<Answer>, Purpose) {
        let exchange = line.probe(self.probing(), self.pace).await;
        (exchange.map(Answer::Words), Purpose::Probe)
    }

    /// Longest time for which a probe can keep the line.
    pub(super) fn probe_time(&self, line: &Line) -> Duration {
        line.longest_probe(self.probing(), self.pace)
    }

    /// Whether the poll under way has nothing left to ask.
    pub(super) fn is_through(&self) -> bool {
        self.poll
            .as_ref()
            .is_none_or(|poll| poll.over || (poll.next >= self.blocks.len() && self.identity.inquiry().is_none()))
    }

    /// Marks values of an instrument that is not the registered one.
    pub(super) fn stamp(&self, readings: &mut [Reading]) {
        if !self.identity.mismatch() && !self.seals.as_ref().is_some_and(Seals::mismatch) {
            return;
        }
        for indication in readings.iter_mut().filter_map(|reading| reading.outcome.as_mut().ok()) {
            indication.quality = Quality::Bad(Flaw::IdentityMismatch);
        }
    }

    /// Changes to the cheapest requests as measured, where that is worth it; says what it saves.
    pub(super) fn replan(&mut self) -> Option<Duration> {
        let measured = self.estimate.measured();
        if self.refuses_gaps || measured == 0 || !measured.is_multiple_of(REPLAN_EVERY) {
            return None;
        }
        let cost = self.estimate.cost();
        let candidate = plan::blocks(self.interpreter.profile(), cost);
        let (now, then) = (cost.of_all(&self.blocks), cost.of_all(&candidate));
        if candidate == self.blocks || now * (100 - WORTH_REPLANNING) < then * 100 {
            return None;
        }
        self.blocks = candidate;
        Some(now.saturating_sub(then))
    }

    fn ask(&self, block: &Block) -> Ask {
        Ask { unit: self.unit, table: block.table, address: block.address, count: block.count }
    }

    fn probing(&self) -> Ask {
        self.blocks
            .first()
            .map_or(Ask { unit: self.unit, table: Table::Holding, address: 0, count: 1 }, |block| self.ask(block))
    }
}

impl Poll {
    /// A poll of an instrument with this many channels, nothing asked yet.
    pub(super) fn new(channels: usize) -> Self {
        Self { next: 0, taken: vec![None; channels], sealed: None, raw: BytesMut::new(), over: false }
    }

    pub(super) fn answered(&mut self, block: &Block, words: &[u16], at: Moment) {
        for part in &block.parts {
            let offset = usize::from(part.offset);
            let registers = words.get(offset..offset + usize::from(part.width)).map(<[u16]>::to_vec);
            if let Some(taken) = self.taken.get_mut(part.channel) {
                *taken = Some(Taken { at, words: registers.ok_or(Missing::Refused) });
            }
        }
        self.sealed = Some(Taken { at, words: Ok(words.to_vec()) });
        self.next += 1;
    }

    pub(super) fn missing(&mut self, block: &Block, reason: Missing, at: Moment) {
        for part in &block.parts {
            if let Some(taken) = self.taken.get_mut(part.channel) {
                *taken = Some(Taken { at, words: Err(reason) });
            }
        }
        self.next += 1;
    }

    /// Ends the poll: what has not been read stays missing for this reason.
    pub(super) fn give_up(&mut self, blocks: &[Block], reason: Missing, at: Moment) {
        for block in blocks.iter().skip(self.next) {
            for part in &block.parts {
                if let Some(taken) = self.taken.get_mut(part.channel) {
                    *taken = Some(Taken { at, words: Err(reason) });
                }
            }
        }
        self.next = blocks.len();
        self.over = true;
    }

    /// Ends the poll without values: who answered is not known.
    pub(super) fn disown(&mut self, reason: Missing, at: Moment) {
        for taken in self.taken.iter_mut().flatten() {
            if taken.words.is_ok() {
                *taken = Taken { at, words: Err(reason) };
            }
        }
        self.over = true;
    }
}
