//! A monitoring plan on its way: two persons of role limits sign its file, the assignment names it.
//!
//! ```text
//! plan = { 1: id, 2: version, 3: file }
//! ```

use super::{Kind, MandateError, Signed};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Hash,
};

/// Persons that must have signed a plan, whatever the threshold of their role.
pub const PLAN_SIGNERS: usize = 2;

/// A plan file with its id and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// The file, TOML.
    pub text: String,
}

impl Plan {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.text(&self.id));
            m.int(2, |w| w.uint(self.version));
            m.int(3, |w| w.text(&self.text));
        });
        w.finish()
    }

    /// Reads a plan; who signed it is not looked at, and its text is not read.
    ///
    /// # Errors
    ///
    /// Refuses another shape.
    pub fn read(signed: &Signed<'_>) -> Result<Self, MandateError> {
        fields(signed.payload()).map_err(|why| MandateError::Payload { kind: Kind::Plan, why })
    }

    /// SHA-256 of the file.
    pub fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }
}

fn fields(payload: &[u8]) -> Result<Plan, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let plan = Plan {
        id: fields.need(1, Reader::text)?.to_owned(),
        version: fields.need(2, Reader::uint)?,
        text: fields.need(3, Reader::text)?.to_owned(),
    };
    fields.end()?;
    Ok(plan)
}
