//! The assignment: what one agent works with, said by the director.
//!
//! ```text
//! assignment = { 1: agent, 2: version, 3: limits_version, 4: [* [id, edition, sha256]], ? 5: [id, version, sha256],
//!                ? 6: config, 7: beacon, 8: expires_at_beacon, 9: [* denied] }
//! ```

use super::{Kind, MandateError, Signed};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Hash,
};

/// The names on a deny list together, in bytes.
pub const MAX_DENIED_BYTES: usize = 1024;

/// A table the agent judges by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Table.
    pub id: String,
    /// Edition.
    pub edition: String,
    /// SHA-256 of the file.
    pub hash: Hash,
}

/// The plan the agent works by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedPlan {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// SHA-256 of its file.
    pub hash: Hash,
}

/// What one agent works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The agent.
    pub agent: String,
    /// Rises with each change.
    pub version: u64,
    /// Limits of at least this version must be there.
    pub limits_version: u64,
    /// These tables judge, and no others.
    pub tables: Vec<Assigned>,
    /// This plan; without one the plan stays as it is.
    pub plan: Option<AssignedPlan>,
    /// SHA-256 the site file should have; a difference is told, and stops nothing.
    pub config: Option<Hash>,
    /// The newest beacon when it was made; for people.
    pub beacon: u64,
    /// The last beacon at which this is fresh.
    pub expires_at_beacon: u64,
    /// Names of certificates that are not to be talked to.
    pub deny: Vec<String>,
}

impl Assignment {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.text(&self.agent));
            m.int(2, |w| w.uint(self.version));
            m.int(3, |w| w.uint(self.limits_version));
            m.int(4, |w| {
                w.list(&self.tables, |w, it| {
                    w.array(3);
                    w.text(&it.id);
                    w.text(&it.edition);
                    w.bytes(&it.hash.0);
                });
            });
            m.optional(5, self.plan.as_ref(), |w, it| {
                w.array(3);
                w.text(&it.id);
                w.uint(it.version);
                w.bytes(&it.hash.0);
            });
            m.optional(6, self.config, |w, it| w.bytes(&it.0));
            m.int(7, |w| w.uint(self.beacon));
            m.int(8, |w| w.uint(self.expires_at_beacon));
            m.int(9, |w| w.list(&self.deny, |w, it| w.text(it)));
        });
        w.finish()
    }

    /// Reads an assignment; who signed it is not looked at.
    ///
    /// # Errors
    ///
    /// Refuses another shape, a table twice, and a deny list beyond its bound.
    pub fn read(signed: &Signed<'_>) -> Result<Self, MandateError> {
        let assignment =
            fields(signed.payload()).map_err(|why| MandateError::Payload { kind: Kind::Assignment, why })?;
        let unsound = |why: String| MandateError::Unsound { kind: Kind::Assignment, why };
        for (at, it) in assignment.tables.iter().enumerate() {
            if assignment.tables.iter().take(at).any(|other| other.id == it.id && other.edition == it.edition) {
                return Err(unsound(format!("table {} {} is there twice", it.id, it.edition)));
            }
        }
        let denied: usize = assignment.deny.iter().map(String::len).sum();
        if denied > MAX_DENIED_BYTES {
            return Err(unsound(format!("{denied} bytes of denied names, {MAX_DENIED_BYTES} at most")));
        }
        Ok(assignment)
    }
}

fn fields(payload: &[u8]) -> Result<Assignment, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let assignment = Assignment {
        agent: fields.need(1, Reader::text)?.to_owned(),
        version: fields.need(2, Reader::uint)?,
        limits_version: fields.need(3, Reader::uint)?,
        tables: fields.need(4, |r| {
            r.list(|r| {
                r.array(3)?;
                let (id, edition) = (r.text()?.to_owned(), r.text()?.to_owned());
                Ok::<_, CborError>(Assigned { id, edition, hash: Hash(r.fixed()?) })
            })
        })?,
        plan: fields.optional(5, |r| {
            r.array(3)?;
            Ok::<_, CborError>(AssignedPlan { id: r.text()?.to_owned(), version: r.uint()?, hash: Hash(r.fixed()?) })
        })?,
        config: fields.optional(6, |r| Ok::<_, CborError>(Hash(r.fixed()?)))?,
        beacon: fields.need(7, Reader::uint)?,
        expires_at_beacon: fields.need(8, Reader::uint)?,
        deny: fields.need(9, |r| r.list(|r| Ok::<_, CborError>(r.text()?.to_owned())))?,
    };
    fields.end()?;
    Ok(assignment)
}
