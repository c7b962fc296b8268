//! Signed orders on their way to the agents: what lies in the spool is published, and commands until their result came.
//!
//! ```text
//! people sign files ─► spool folder ─► Schedule ─► broker (retained, but for commands) ─► agent
//!                            ▲                                                              │
//!                            └── command-7 becomes done-7 ◄── result record (kind 10) ◄─────┘
//! ```
//!
//! The collector signs no order and judges none: whoever may write into the spool can at most hold back, since agents
//! believe only the keys their root names. What agents judge by it must know itself, though, to recompute their verdicts: the
//! tables of the spool go to the core as well ([`Shelf`]).

mod review;
mod schedule;
mod shelf;
mod spool;

pub use review::{Review, Reviewed, review};
pub use schedule::{REPEAT_MS, Schedule};
pub use shelf::Shelf;
pub use spool::{Item, MAX_ORDERS, Name, Spool, SpoolError, Stamp};
