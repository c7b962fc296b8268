//! One instrument of a Modbus port, and the poll it is in the middle of. Knows nothing of other
//! instruments, of time that passes, or of where the outcome goes.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use tidewaiter_drivers::reading::{Missing, Moment};

use super::{
    interpret::{Interpreter, Taken},
    line::{Ask, Exchange, Line},
};
use crate::acquire::plan::Block;

/// One instrument of the port.
pub(super) struct Station {
    pub(super) instrument: Arc<str>,
    pub(super) unit: u8,
    pub(super) period: Duration,
    pub(super) timeout: Duration,
    pub(super) blocks: Vec<Block>,
    pub(super) interpreter: Interpreter,
    pub(super) poll: Option<Poll>,
}

/// A poll under way.
pub(super) struct Poll {
    /// Index of the next block to ask for.
    pub(super) next: usize,
    /// What is known of each channel of the profile.
    pub(super) taken: Vec<Option<Taken>>,
    /// The answers, one behind the other; each tells its own length.
    pub(super) raw: BytesMut,
}

impl Station {
    /// Makes the next request of the poll under way; `None` beside it marks a probe.
    pub(super) async fn step(&mut self, line: &mut Line) -> (Exchange, Option<Block>) {
        let next = self.poll.as_ref().map_or(0, |poll| poll.next);
        let Some(block) = self.blocks.get(next) else {
            // A profile without channels has nothing to ask.
            return (Exchange::empty(), None);
        };
        let ask = Ask { unit: self.unit, table: block.table, address: block.address, count: block.count };
        if line.owes(self.unit) {
            return (line.probe(ask, self.timeout).await, None);
        }
        let exchange = line.ask(ask, self.timeout).await;
        (exchange, Some(block.clone()))
    }
}

impl Poll {
    /// A poll of an instrument with this many channels, nothing asked yet.
    pub(super) fn new(channels: usize) -> Self {
        Self { next: 0, taken: vec![None; channels], raw: BytesMut::new() }
    }

    pub(super) fn answered(&mut self, block: &Block, words: &[u16], at: Moment) {
        for part in &block.parts {
            let offset = usize::from(part.offset);
            let registers = words.get(offset..offset + usize::from(part.width)).map(<[u16]>::to_vec);
            if let Some(taken) = self.taken.get_mut(part.channel) {
                *taken = Some(Taken { at, words: registers.ok_or(Missing::Refused) });
            }
        }
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
    }
}
