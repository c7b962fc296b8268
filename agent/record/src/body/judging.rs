//! What an inspection of kind 18 says beyond one of kind 16: under which plan, by whom, and what was asked for.

use super::value::owned;
use crate::cbor::{CborError, Reader, Writer};

/// The circumstances of a judgement. Present in records of kind 18, absent in those of kind 16.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judging {
    /// The monitoring plan in force; none at a site that has no plan.
    pub plan: Option<Plan>,
    /// Who ran it, where a person did.
    pub operator: Option<String>,
    /// Whose data it is: `regulator`, `accredited-lab`, `enterprise-self-check`, `third-party`.
    pub origin: Option<String>,
    /// What was required to be judged, so that a reader need not infer it from the findings.
    pub required: Vec<Required>,
}

/// One version of a monitoring plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Id.
    pub id: String,
    /// Version; rises with every change.
    pub version: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// Parameters of one limit table that had to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Limit table id.
    pub table: String,
    /// Parameters.
    pub parameters: Vec<String>,
    /// Its findings leave verdict and disposition alone.
    pub advisory: bool,
}

impl Plan {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.id));
            m.int(2, |w| w.uint(self.version));
            m.int(3, |w| w.bytes(&self.sha256));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let plan = Self {
            id: fields.need(1, owned)?,
            version: fields.need(2, Reader::uint)?,
            sha256: fields.need(3, Reader::fixed)?,
        };
        fields.end()?;
        Ok(plan)
    }
}

impl Required {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.table));
            m.int(2, |w| w.list(&self.parameters, |w, it| w.text(it)));
            m.int(3, |w| w.bool(self.advisory));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let required = Self {
            table: fields.need(1, owned)?,
            parameters: fields.need(2, |r| r.list(owned))?,
            advisory: fields.need(3, Reader::bool)?,
        };
        fields.end()?;
        Ok(required)
    }
}
