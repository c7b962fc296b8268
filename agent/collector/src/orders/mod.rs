//! Signed orders on their way to the agents: what lies in the spool is published, and commands until their result came.
//!
//! ```text
//! people sign files ─► spool folder ─► Outgoing ─► broker (retained, but for commands) ─► agent
//!                            ▲                                                              │
//!                            └── command-7 becomes done-7 ◄── result record (kind 10) ◄─────┘
//! ```
//!
//! The collector signs no order and judges none: whoever may write into the spool can at most hold back, since agents
//! believe only the keys their root names.

mod outgoing;
mod review;
mod spool;

pub use outgoing::{Outgoing, REPEAT_MS};
pub use review::{Review, Reviewed, review};
pub use spool::{Item, MAX_ORDERS, Name, Spool, SpoolError, Stamp};
