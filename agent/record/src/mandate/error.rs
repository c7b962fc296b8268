//! Why an order is not taken.

use super::Kind;
use crate::{
    cbor::CborError,
    id::{Hash, Kid},
    sign::SignError,
};

/// Why an order is not taken. What was in force before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum MandateError {
    /// Larger than any document of its kind; it was not read.
    #[error("{bytes} bytes are more than the {most} that a {kind} may have; it was not read")]
    TooLarge {
        /// What it was taken for.
        kind: Kind,
        /// Its size.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// Not a `COSE_Sign` of this version.
    #[error("no signed order: {0}")]
    Cbor(#[from] CborError),
    /// Its payload has not the shape of its kind.
    #[error("{kind}: {why}")]
    Payload {
        /// The document.
        kind: Kind,
        /// What is wrong.
        #[source]
        why: CborError,
    },
    /// Something unsigned beside the signed.
    #[error("no signed order: an unprotected header is not empty")]
    Unprotected,
    /// Another `typ`.
    #[error("no signed order: typ {0:?} is not one of this version")]
    ContentType(String),
    /// One kind where another is due.
    #[error("a {found} where a {expected} is due")]
    Kind {
        /// What it is.
        found: Kind,
        /// What was asked for.
        expected: Kind,
    },
    /// No signature, or too many to look at.
    #[error("{0} signatures; a signed order has 1 to 16")]
    Signatures(usize),
    /// An algorithm this build does not have.
    #[error("algorithm {0} is not known to this build")]
    Algorithm(i64),
    /// A key that is none.
    #[error("{kind}: {why}")]
    Key {
        /// The document.
        kind: Kind,
        /// What is wrong.
        #[source]
        why: SignError,
    },
    /// The document contradicts itself.
    #[error("{kind}: {why}")]
    Unsound {
        /// The document.
        kind: Kind,
        /// What is wrong.
        why: String,
    },
    /// Too few of those who may sign it have signed it.
    #[error("{kind}: {found} of {needed} signatures needed from role {role}; each key counts once")]
    Threshold {
        /// The document.
        kind: Kind,
        /// Of which role.
        role: &'static str,
        /// Distinct keys of that role with a good signature.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// A version below one that was accepted before.
    #[error("{kind} version {found} is below {floor}, which was accepted before")]
    Rollback {
        /// The document.
        kind: Kind,
        /// Its version.
        found: u64,
        /// The floor.
        floor: u64,
    },
    /// Roots are taken one by one.
    #[error("root version {found}: version {needed} comes next, and none may be left out")]
    MissingRoot {
        /// Its version.
        found: u64,
        /// The one needed.
        needed: u64,
    },
    /// Two documents of one version.
    #[error("{kind} version {version} is there already, with other content")]
    Conflict {
        /// The document.
        kind: Kind,
        /// The version of both.
        version: u64,
    },
    /// Its time is over.
    #[error("{kind} has expired at beacon {expired}; the newest is {beacon}")]
    Expired {
        /// The document.
        kind: Kind,
        /// The last beacon it was good for.
        expired: u64,
        /// The newest beacon known.
        beacon: u64,
    },
    /// For somebody else.
    #[error("{kind} is for agent {found:?}")]
    NotOurs {
        /// The document.
        kind: Kind,
        /// Whom it names.
        found: String,
    },
    /// The assignment asks for newer limits than there are.
    #[error("the assignment needs limits of version {needed} or above; there is {}", found.map_or_else(|| "none".to_owned(), |it| it.to_string()))]
    LimitsTooOld {
        /// At least this one.
        needed: u64,
        /// What is there.
        found: Option<u64>,
    },
    /// The director assigns a table that the authority has not approved so.
    #[error("table {id} {edition} is assigned with hash {hash}, and the limits do not approve it so")]
    NotApproved {
        /// Table.
        id: String,
        /// Edition.
        edition: String,
        /// As assigned.
        hash: Hash,
    },
    /// A file that is not the one approved.
    #[error("a table of {bytes} bytes with hash {hash} was not asked for")]
    NotWanted {
        /// Its hash.
        hash: Hash,
        /// Its size.
        bytes: usize,
    },
    /// A file of another length than approved.
    #[error("table {hash} has {found} bytes; {approved} are approved")]
    Length {
        /// Its hash.
        hash: Hash,
        /// Its size.
        found: usize,
        /// As the limits say.
        approved: u64,
    },
    /// A plan that the assignment does not name.
    #[error("plan {id} version {version} ({hash}) is not the one assigned")]
    PlanNotAssigned {
        /// Its id.
        id: String,
        /// Its version.
        version: u64,
        /// SHA-256 of its text.
        hash: Hash,
    },
    /// The saved state cannot be read.
    #[error("the kept state of the authority cannot be read: {0}; restore the data directory, or start a new one")]
    Kept(String),
    /// A signature is there already.
    #[error("key {0} has signed this document already")]
    SignedAlready(Kid),
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl MandateError {
    /// A short stable word for counters and events.
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::Cbor(_) | Self::Payload { .. } | Self::Unprotected | Self::ContentType(_) | Self::Kind { .. } => {
                "malformed"
            }
            Self::Signatures(_) | Self::Algorithm(_) | Self::Key { .. } | Self::Unsound { .. } => "unsound",
            Self::Threshold { .. } => "threshold",
            Self::Rollback { .. } => "rollback",
            Self::MissingRoot { .. } => "missing-root",
            Self::Conflict { .. } => "conflict",
            Self::Expired { .. } => "expired",
            Self::NotOurs { .. } => "not-ours",
            Self::LimitsTooOld { .. } => "limits-too-old",
            Self::NotApproved { .. } => "not-approved",
            Self::NotWanted { .. } => "not-wanted",
            Self::Length { .. } => "length",
            Self::PlanNotAssigned { .. } => "plan-not-assigned",
            Self::Kept(_) => "state",
            Self::SignedAlready(_) | Self::Sign(_) => "sign",
        }
    }
}
