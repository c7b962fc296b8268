//! The sealed record: canonical CBOR, `COSE_Sign1`, hash chain, receipts, key registry, verifier.
//!
//! A [`Body`] (what happened, and when by which clock) goes in; [`seal()`] gives bytes that carry a
//! sequence number, the hash of the record before, and a signature. Bytes go in at the other end;
//! [`parse`] and [`verify_signature`] give a [`Record`] back, and a [`Verifier`] reads a whole stream and
//! answers four questions apart: signature, chain, completeness, time.
//!
//! ```text
//! Body ─► seal ─► bytes ─► (outbox, broker, disk, years) ─► bytes ─► parse ─► Record
//!                   └─ hash ─► prev of the next record                └─► Verifier ─► Report
//! ```
//!
//! `FORMAT.md` and `record.cddl` beside this crate are the written promise; `vectors/v1` freezes its
//! bytes. What was sealed is never re-encoded: signatures and hashes are taken over stored bytes.
//!
//! Not here: IO, clocks, storage, and any judgement about the content of a record. There are no binary
//! fractions either: a number is an integer, or digits and places.

pub mod body;
pub mod cbor;
pub mod detached;
pub mod enrolment;
mod envelope;
pub mod head;
mod id;
pub mod log;
pub mod mandate;
pub mod open;
pub mod piece;
pub mod proof;
pub mod receipt;
pub mod registry;
pub mod renewal;
pub mod reset;
pub mod rotation;
pub mod seal;
pub mod sign;
pub mod stream;
pub mod verify;
pub mod view;

pub use body::{
    Alarm, Body, CommandResult, ConfigActivated, Context, Detail, Event, Evidence, Fault, Finding, Flags, FollowUp,
    Genesis, Heartbeat, Identity, InspectionDetail, InstrumentIdentity, IntervalDetail, Judging, KeyRotate,
    LimitsActivated, Link, Measured, Plan, Reading, Recovery, Required, Resumed, SingleReading, SoftwareId, Stopped,
    Subject, Table, TimeBlock, TimeQuality, TimeRepair, TimeSource, TimeStep, Trimmed, Warning,
};
pub use detached::{DetachedError, open_detached, sign_detached};
pub use enrolment::{Statement, StatementError, fingerprint};
pub use envelope::ContentType;
pub use head::{Head, Resend, issue_head, issue_resend, open_head, open_resend};
pub use id::{ChainId, Hash, IdError, Kid};
pub use open::{Header, ParseError, Record, SignatureError, parse, verify_signature};
pub use piece::{Piece, PieceError};
pub use proof::{Consistency, Inclusion, ProofError};
pub use receipt::{Receipt, ReceiptError, issue, open_receipt};
pub use registry::{Follows, RegisteredKey, Registry, RegistryClass, RegistryError, Role};
pub use renewal::{Renewal, RenewalError, issue_renewal, open_renewal};
pub use reset::{Reset, ResetError, SignedReset, open_reset};
pub use rotation::{Keyring, Rotation, RotationError};
pub use seal::{Anchor, ChainHead, Claims, SealError, Sealed, seal};
#[cfg(feature = "gm")]
pub use sign::Sm2Signer;
pub use sign::{Algorithm, Ed25519Signer, Esp256Signer, PublicKey, SignError, Signer, SoftwareKey, kid_of};
pub use stream::{SequenceBuffer, split_sequence};
pub use verify::{Report, Verdict, Verifier};

/// The largest record, and the largest item of a stream, in bytes.
///
/// A record travels in one MQTT publish and is held in memory whole by every reader, so it has a bound
/// that every broker accepts; spectra and traces travel as evidence beside it.
pub const MAX_RECORD_BYTES: usize = 32 * 1024;
