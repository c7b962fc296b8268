//! What an agent works with from here on: instruments as they identified themselves, configuration, limit tables;
//! and what became of a command.

use std::collections::BTreeMap;

use super::{Context, Flags, Plan, SoftwareId, Table, life::write_facts, value::owned};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Hash,
};

/// An instrument as it identified itself, and how its bytes are decoded from here on.
///
/// Together with the raw bytes of a reading the decode rule lets anyone decode again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentIdentity {
    /// Simulated, drill.
    pub flags: Flags,
    /// Id in the site file.
    pub instrument: String,
    /// What it said of itself, by name: `vendor`, `model`, `serial`, `firmware`, `calibration` …
    pub facts: BTreeMap<String, String>,
    /// Against the register of instruments: `as-registered`, `mismatch`, `unregistered`, `silent`.
    pub standing: String,
    /// The protocol as the site file names it.
    pub driver: String,
    /// The profile that decodes it: id and SHA-256 of its file; none where the codec is part of the software.
    pub profile: Option<(String, Hash)>,
    /// Software and configuration.
    pub context: Context,
}

/// From here on this software works with this configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigActivated {
    /// Why now, as a stable word: `start`, `reload`, `downlink`.
    pub cause: String,
    /// The software that runs, and its configuration.
    pub software: SoftwareId,
    /// The monitoring plan in force.
    pub plan: Option<Plan>,
}

/// From here on these limit tables judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsActivated {
    /// Where they come from, as a stable word: `built-in` (with those of the site's folder), `signed`.
    pub cause: String,
    /// Every table in force.
    pub tables: Vec<Table>,
    /// Versions of the signed metadata behind them: root, limits, assignment.
    pub versions: Option<(u64, u64, u64)>,
    /// The rest, by name: `stale` …
    pub facts: BTreeMap<String, String>,
}

/// What became of a command of the centre. There is one for each command that was addressed to this agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandResult {
    /// The command's own random id.
    pub id: [u8; 16],
    /// Its number; numbers rise strictly.
    pub number: u64,
    /// What was asked for.
    pub verb: String,
    /// As a stable word: `done`, `refused`, `failed`, `interrupted`.
    pub outcome: String,
    /// Why, or what came of it.
    pub text: String,
    /// SHA-256 of the command's bytes.
    pub command: Hash,
}

impl InstrumentIdentity {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(0, |w| self.flags.write(w));
            m.int(1, |w| w.text(&self.instrument));
            m.int(2, |w| write_facts(w, &self.facts));
            m.int(3, |w| w.text(&self.standing));
            m.int(4, |w| w.text(&self.driver));
            m.optional(5, self.profile.as_ref(), |w, (id, hash)| {
                w.array(2);
                w.text(id);
                w.bytes(&hash.0);
            });
            m.int(6, |w| self.context.write(w));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let identity = Self {
            flags: fields.need(0, Flags::read)?,
            instrument: fields.need(1, owned)?,
            facts: fields.need(2, |r| r.text_map(owned))?,
            standing: fields.need(3, owned)?,
            driver: fields.need(4, owned)?,
            profile: fields.optional(5, |r| {
                r.array(2)?;
                Ok::<_, CborError>((owned(r)?, Hash(r.fixed()?)))
            })?,
            context: fields.need(6, Context::read)?,
        };
        fields.end()?;
        Ok(identity)
    }
}

impl ConfigActivated {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.cause));
            m.int(2, |w| self.software.write(w));
            m.optional(3, self.plan.as_ref(), |w, it| it.write(w));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let activated = Self {
            cause: fields.need(1, owned)?,
            software: fields.need(2, SoftwareId::read)?,
            plan: fields.optional(3, Plan::read)?,
        };
        fields.end()?;
        Ok(activated)
    }
}

impl LimitsActivated {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.cause));
            m.int(2, |w| w.list(&self.tables, |w, it| it.write(w)));
            m.optional(3, self.versions, |w, (root, limits, assignment)| {
                w.array(3);
                w.uint(root);
                w.uint(limits);
                w.uint(assignment);
            });
            m.int(4, |w| write_facts(w, &self.facts));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let activated = Self {
            cause: fields.need(1, owned)?,
            tables: fields.need(2, |r| r.list(Table::read))?,
            versions: fields.optional(3, |r| {
                r.array(3)?;
                Ok::<_, CborError>((r.uint()?, r.uint()?, r.uint()?))
            })?,
            facts: fields.need(4, |r| r.text_map(owned))?,
        };
        fields.end()?;
        Ok(activated)
    }
}

impl CommandResult {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.bytes(&self.id));
            m.int(2, |w| w.uint(self.number));
            m.int(3, |w| w.text(&self.verb));
            m.int(4, |w| w.text(&self.outcome));
            m.int(5, |w| w.text(&self.text));
            m.int(6, |w| w.bytes(&self.command.0));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let result = Self {
            id: fields.need(1, Reader::fixed)?,
            number: fields.need(2, Reader::uint)?,
            verb: fields.need(3, owned)?,
            outcome: fields.need(4, owned)?,
            text: fields.need(5, owned)?,
            command: Hash(fields.need(6, Reader::fixed)?),
        };
        fields.end()?;
        Ok(result)
    }
}
