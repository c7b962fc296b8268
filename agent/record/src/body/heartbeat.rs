//! The checkpoint: the agent is alive, and these are its counts.
//!
//! A chain without a tail proves nothing about what came after; a heartbeat at least every 60 s makes silence
//! visible, and its counters let a centre hold what was sampled against what was sealed.

use std::collections::BTreeMap;

use super::{Flags, Plan, Table, value::owned};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Hash,
};

/// The longest time between two records of a running agent, milliseconds: then a heartbeat is due.
pub const HEARTBEAT_MS: u64 = 60_000;

/// What the software calls itself, and what it is: the identification that OIML D 31 and WELMEC 7.2 ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftwareId {
    /// Name and version, e.g. `tidewaiter 0.1.0`.
    pub name: String,
    /// SHA-256 of the executable file; none where it could not be read.
    pub hash: Option<Hash>,
    /// SHA-256 of the configuration in force.
    pub config: [u8; 32],
}

/// A sign of life with counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Simulated, drill.
    pub flags: Flags,
    /// What only rises within one start of the agent, by name: `sampled`, `missing`, `sealed`, `sent`, `refused` …
    pub counters: BTreeMap<String, u64>,
    /// What rises and falls, by name with its unit last: `store-used-bytes`, `unreceipted-age-ms`, `backlog` …
    pub gauges: BTreeMap<String, i64>,
    /// The software that runs.
    pub software: SoftwareId,
    /// Limit tables in force.
    pub tables: Vec<Table>,
    /// The monitoring plan in force.
    pub plan: Option<Plan>,
}

impl SoftwareId {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.name));
            m.optional(2, self.hash, |w, it| w.bytes(&it.0));
            m.int(3, |w| w.bytes(&self.config));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let software = Self {
            name: fields.need(1, owned)?,
            hash: fields.optional(2, Reader::fixed)?.map(Hash),
            config: fields.need(3, Reader::fixed)?,
        };
        fields.end()?;
        Ok(software)
    }
}

impl Heartbeat {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(0, |w| self.flags.write(w));
            m.int(1, |w| w.map(|m| self.counters.iter().for_each(|(name, n)| m.text(name, |w| w.uint(*n)))));
            m.int(2, |w| w.map(|m| self.gauges.iter().for_each(|(name, n)| m.text(name, |w| w.int(*n)))));
            m.int(3, |w| self.software.write(w));
            m.int(4, |w| w.list(&self.tables, |w, it| it.write(w)));
            m.optional(5, self.plan.as_ref(), |w, it| it.write(w));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let heartbeat = Self {
            flags: fields.need(0, Flags::read)?,
            counters: fields.need(1, |r| r.text_map(Reader::uint))?,
            gauges: fields.need(2, |r| r.text_map(Reader::int))?,
            software: fields.need(3, SoftwareId::read)?,
            tables: fields.need(4, |r| r.list(Table::read))?,
            plan: fields.optional(5, Plan::read)?,
        };
        fields.end()?;
        Ok(heartbeat)
    }
}
