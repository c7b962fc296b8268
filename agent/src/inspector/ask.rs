//! What the inspector may be asked while it works, and why it may refuse.

use std::collections::BTreeMap;

use tidewaiter_config::limits::LimitTable;
use tidewaiter_record::Hash;
use tokio::sync::oneshot;

use crate::{
    duty::{Enter, Refused},
    inspect::{CheckOperation, Event, Operation, OperationError},
    outbox::{Draft, Refusal},
};

/// Something asked through the local interface.
#[derive(Debug)]
pub enum Ask {
    /// An operator's action on a rig.
    Operate {
        /// Rig id.
        rig: String,
        /// Action.
        operation: Operation,
        /// Who.
        operator: String,
        /// The run it begins is an exercise.
        drill: bool,
        /// Answer, once it is recorded.
        reply: oneshot::Sender<Result<(), AskError>>,
    },
    /// What opens at a place is an exercise from now on, or no longer.
    Drill {
        /// Lane or rig.
        place: String,
        /// On or off.
        on: bool,
        /// Who.
        operator: String,
        /// Answer, once it is recorded.
        reply: oneshot::Sender<Result<(), AskError>>,
    },
    /// An operator's action on a function check.
    Check {
        /// Check id.
        check: String,
        /// Action.
        operation: CheckOperation,
        /// Who.
        operator: String,
        /// Answer, once it is recorded.
        reply: oneshot::Sender<Result<(), AskError>>,
    },
    /// Facts about a subject.
    Post {
        /// Plate, container or sample number.
        subject: String,
        /// Declared facts.
        facts: BTreeMap<String, String>,
        /// Who.
        operator: String,
        /// Answer, once they are kept.
        reply: oneshot::Sender<Result<(), AskError>>,
    },
    /// Something a named person enters about a finding, a deadline or a draw.
    Enter {
        /// What.
        enter: Enter,
        /// Answer, once it is recorded.
        reply: oneshot::Sender<Result<serde_json::Value, AskError>>,
    },
    /// The next reading of an instrument, as a record of its own.
    Read {
        /// What is read.
        shot: Shot,
        /// Answer, once it is recorded.
        reply: oneshot::Sender<Result<serde_json::Value, AskError>>,
    },
    /// Something happened at the door of the local interface.
    Happened {
        /// What.
        event: Event,
        /// Answer, once it is recorded.
        reply: oneshot::Sender<Result<(), AskError>>,
    },
    /// Any of the others, by somebody of this role; it joins the operator in the event.
    Acting {
        /// The role, or `console`.
        role: &'static str,
        /// What is asked.
        ask: Box<Ask>,
    },
    /// The findings followed and the deadlines kept.
    Findings {
        /// Without those that are over.
        open: bool,
        /// Answer.
        reply: oneshot::Sender<serde_json::Value>,
    },
    /// Judge by these tables from now on, once the record that says so is durable.
    Tables {
        /// All of them.
        tables: Vec<LimitTable>,
        /// They are no longer fresh.
        stale: bool,
        /// The record.
        draft: Box<Draft>,
        /// Answer, once it is recorded.
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// The hashes of the tables that judge now.
    InForce {
        /// Answer.
        reply: oneshot::Sender<Vec<Hash>>,
    },
    /// A plan that came signed.
    Plan {
        /// What events call it.
        name: String,
        /// Its file.
        text: String,
        /// Answer, once what came of it is recorded.
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
}

impl Ask {
    /// The same, asked by somebody of this role.
    pub fn acting(role: &'static str, ask: Self) -> Self {
        Self::Acting { role, ask: Box::new(ask) }
    }
}

/// A single reading asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Instrument.
    pub instrument: String,
    /// Channel; every channel of the next reading without it.
    pub channel: Option<String>,
    /// Sample it is taken of.
    pub sample: Option<String>,
    /// Who asks.
    pub operator: String,
}

/// Why an ask was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The rig is not in a state for it.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The entry does not fit what it is about.
    #[error(transparent)]
    Entry(#[from] Refused),
    /// A single reading that cannot be taken.
    #[error("{0}")]
    Shot(String),
    /// It could not be recorded.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be kept on disk.
    #[error("the subject's facts could not be kept: {0}")]
    Disk(#[from] std::io::Error),
}
