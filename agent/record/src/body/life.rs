//! The small kinds: how a chain begins, what the agent lived through, how it ends.

use std::collections::BTreeMap;

use tidewaiter_drivers::reading::Moment;

use super::value::{owned, read_moment, write_moment};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Hash,
};

/// The first record of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Name and version of the software that began the chain.
    pub software: String,
    /// SHA-256 of the configuration in force.
    pub config: [u8; 32],
    /// SHA-256 of the enrolment statement; the same as `prev` in the header.
    pub statement: Hash,
}

/// Something that happened and is neither a measurement nor part of the agent's own life cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What, as a stable word: `config-activated`, `clock-step`, `instrument-exchanged` …
    pub name: String,
    /// To what: an instrument, place or document id.
    pub subject: Option<String>,
    /// The rest, by name.
    pub facts: BTreeMap<String, String>,
}

/// Recording stops here; what comes is refused and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Why, as a stable word: `outbox-full` …
    pub reason: String,
}

/// Recording goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// How many records were refused meanwhile.
    pub refused: u64,
    /// When recording stopped.
    pub from: Moment,
    /// When it went on.
    pub to: Moment,
}

/// The agent started after an end that was not clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// What was found in the store.
    pub found: String,
    /// The last sequence number found good; none in an empty store.
    pub last_seq: Option<u64>,
    /// How many open inspections are recorded as interrupted.
    pub interrupted: u32,
}

impl Genesis {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.software));
            m.int(2, |w| w.bytes(&self.config));
            m.int(3, |w| w.bytes(&self.statement.0));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let genesis = Self {
            software: fields.need(1, owned)?,
            config: fields.need(2, Reader::fixed)?,
            statement: Hash(fields.need(3, Reader::fixed)?),
        };
        fields.end()?;
        Ok(genesis)
    }
}

impl Event {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.name));
            m.optional(2, self.subject.as_ref(), |w, it| w.text(it));
            m.int(3, |w| write_facts(w, &self.facts));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let event = Self {
            name: fields.need(1, owned)?,
            subject: fields.optional(2, owned)?,
            facts: fields.need(3, |r| r.text_map(owned))?,
        };
        fields.end()?;
        Ok(event)
    }
}

pub(super) fn write_facts(w: &mut Writer, facts: &BTreeMap<String, String>) {
    w.map(|m| facts.iter().for_each(|(name, fact)| m.text(name, |w| w.text(fact))));
}

impl Stopped {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| m.int(1, |w| w.text(&self.reason)));
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let stopped = Self { reason: fields.need(1, owned)? };
        fields.end()?;
        Ok(stopped)
    }
}

impl Resumed {
    pub(super) fn write(self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.uint(self.refused));
            m.int(2, |w| write_moment(w, self.from));
            m.int(3, |w| write_moment(w, self.to));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let resumed = Self {
            refused: fields.need(1, Reader::uint)?,
            from: fields.need(2, read_moment)?,
            to: fields.need(3, read_moment)?,
        };
        fields.end()?;
        Ok(resumed)
    }
}

impl Recovery {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.found));
            m.optional(2, self.last_seq, Writer::uint);
            m.int(3, |w| w.uint(u64::from(self.interrupted)));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let recovery = Self {
            found: fields.need(1, owned)?,
            last_seq: fields.optional(2, Reader::uint)?,
            interrupted: fields.need(3, Reader::small)?,
        };
        fields.end()?;
        Ok(recovery)
    }
}
