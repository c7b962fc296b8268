//! Signed orders: what an agent takes from above, and from whom.
//!
//! ```text
//! root        who may sign what: keys and roles; version N+1 is signed by the thresholds of N and of N+1
//! limits      which limit tables are approved                         role limits, its threshold
//! assignment  which of them one agent works with, and by which plan   role director
//! plan        a monitoring plan                                       two persons of role limits, and named by the assignment
//! command     one thing to do, once                                   role director; dangerous verbs: and one root key
//! ```
//!
//! Each is a `COSE_Sign` (RFC 9052 §4.1, tag 98), so that several persons sign one document, each alone. Bytes and
//! what is known go in, a decision comes out: [`Authority`] keeps what was accepted and the floors below which no
//! version may fall, [`Docket`] sees to it that a command is carried out once or never. An error leaves both as
//! they were.
//!
//! `MANDATE.md` and `mandate.cddl` beside this crate are the written promise; `vectors/mandate1` freezes its bytes.
//!
//! Not here: IO, clocks, and what an order does. Freshness is counted in beacon numbers (see [`crate::head`]),
//! because the clock of an agent is not trusted.

mod assignment;
mod authority;
mod command;
mod docket;
mod envelope;
mod error;
mod kept;
mod kind;
mod limits;
mod plan;
mod root;

pub use assignment::{Assigned, AssignedPlan, Assignment, MAX_DENIED_BYTES};
pub use authority::{Authority, Candidate, Outcome, Standing};
pub use command::{After, Command, MAX_ARGUMENTS, Verb};
pub use docket::{ANSWERED, Circumstances, Decision, Docket, Running, WaitFor};
pub use envelope::{MAX_SIGNATURES, Signed, add_signature, draft};
pub use error::MandateError;
pub use kind::Kind;
pub use limits::{Approved, Limits, MAX_TABLE_BYTES, OnExpiry};
pub use plan::{PLAN_SIGNERS, Plan};
pub use root::{Floors, Role, RoleName, Root};
