//! The state of the authority as kept across starts.
//!
//! ```text
//! kept = [1, root, floors, beacon, limits / null, assignment / null, [root_version, limits, assignment] / null]
//! ```
//!
//! Documents are kept as received and checked again when read: what a damaged disk made of them is not taken.

use super::{
    Assignment, Authority, Floors, Kind, Limits, MandateError, RoleName, Root, Signed,
    authority::{Active, Held},
};
use crate::cbor::{self, CborError, Reader, Writer};

const VERSION: u64 = 1;

struct Kept<'a> {
    root: &'a [u8],
    floors: Floors,
    beacon: u64,
    limits: Option<&'a [u8]>,
    assignment: Option<&'a [u8]>,
    active: Option<(u64, &'a [u8], &'a [u8])>,
}

impl Authority {
    /// The state as bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(7);
        w.uint(VERSION);
        w.bytes(&self.root.bytes);
        self.floors.write(&mut w);
        w.uint(self.beacon);
        nullable(&mut w, self.limits.as_ref().map(|it| it.bytes.as_slice()));
        nullable(&mut w, self.assignment.as_ref().map(|it| it.bytes.as_slice()));
        match &self.active {
            None => w.null(),
            Some(active) => {
                w.array(3);
                w.uint(active.root_version);
                w.bytes(&active.limits.bytes);
                w.bytes(&active.assignment.bytes);
            }
        }
        w.finish()
    }

    /// Goes on from a kept state. A trusted root file that is newer than the kept one replaces it; floors stay, unless
    /// it sets them.
    ///
    /// # Errors
    ///
    /// Refuses a state that cannot be read, a root file that its own threshold has not signed, and one that contradicts
    /// the kept root of the same version.
    pub fn load(agent: &str, anchor: &[u8], kept: &[u8]) -> Result<Self, MandateError> {
        let mut authority = Self::anchored(agent, anchor)?;
        cbor::check(kept).map_err(damaged)?;
        let kept = read(kept).map_err(damaged)?;
        let signed = Signed::open_as(kept.root, Kind::Root)?;
        let root = Root::read(&signed)?;
        root.need(RoleName::Root, 1, &signed)?;
        let file = &authority.root.document;
        if root.version == file.version && root != *file {
            return Err(MandateError::Conflict { kind: Kind::Root, version: root.version });
        }
        let newer = file.version > root.version;
        let floors = if newer { file.floors.unwrap_or(kept.floors) } else { kept.floors };
        if !newer {
            authority.root = Held { bytes: kept.root.to_vec(), document: root };
        }
        authority.floors = floors;
        authority.beacon = kept.beacon;
        authority.limits = kept.limits.map(limits).transpose()?;
        authority.assignment = kept.assignment.map(assignment).transpose()?;
        if let Some((root_version, of_limits, of_assignment)) = kept.active {
            let (limits, assignment) = (limits(of_limits)?, assignment(of_assignment)?);
            authority.active = Some(Active { root_version, limits, assignment, orphaned: false });
        }
        authority.review();
        Ok(authority)
    }
}

fn limits(bytes: &[u8]) -> Result<Held<Limits>, MandateError> {
    let document = Limits::read(&Signed::open_as(bytes, Kind::Limits)?)?;
    Ok(Held { bytes: bytes.to_vec(), document })
}

fn assignment(bytes: &[u8]) -> Result<Held<Assignment>, MandateError> {
    let document = Assignment::read(&Signed::open_as(bytes, Kind::Assignment)?)?;
    Ok(Held { bytes: bytes.to_vec(), document })
}

fn nullable(w: &mut Writer, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => w.bytes(bytes),
        None => w.null(),
    }
}

fn read(bytes: &[u8]) -> Result<Kept<'_>, CborError> {
    let mut r = Reader::new(bytes);
    r.array(7)?;
    if r.uint()? != VERSION {
        return Err(CborError::Expected { at: 1, expected: "version 1" });
    }
    let kept = Kept {
        root: r.bytes()?,
        floors: Floors::read(&mut r)?,
        beacon: r.uint()?,
        limits: r.nullable(Reader::bytes)?,
        assignment: r.nullable(Reader::bytes)?,
        active: r.nullable(|r| {
            r.array(3)?;
            Ok::<_, CborError>((r.uint()?, r.bytes()?, r.bytes()?))
        })?,
    };
    r.end()?;
    Ok(kept)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn damaged(why: CborError) -> MandateError {
    MandateError::Kept(why.to_string())
}
