//! What a monitoring plan asks of the agent beside judging: drawing, following findings up, proposing warnings, keeping
//! deadlines.
//!
//! In come finished inspections with their screening and place in the chain, what named persons enter, plan texts,
//! seeds and the passing of time. Out come [`Outcome`]s, each worth a record, and [`Duty::save`]: the parts of the
//! state that changed, to be kept durably with those records.
//!
//! ```text
//! plan text ──► active plan ──► judge lists ──► (screening) ──► inspection ─┬─► tickets: drawn or not
//!                                                                           ├─► trend ──► level ──► warning, deadlines
//!                                                                           └─► ledger ──► follow-up by a named person
//! ```
//!
//! The agent proposes. It never issues a notice, never lifts one, never releases goods.
//!
//! Bounds, each with its policy: 10 000 findings (the oldest closed one is forgotten; full of open ones, a new one is
//! refused aloud), 1 000 deadlines (the oldest that has ended is forgotten; else aloud), 500 commodities by origin
//! (the one longest unseen is forgotten).
//!
//! Files, random numbers and the name of the boot stay in `rim.rs`; [`Desk`] joins them with the pure [`Duty`].

mod active;
mod deadlines;
mod desk;
mod enter;
mod laboratory;
mod ledger;
mod machine;
mod outcome;
mod parts;
mod rim;
mod sampling;
mod stopwatch;
#[cfg(test)]
mod tests;
mod trends;
mod warnings;

pub use desk::Desk;
pub use enter::{Enter, LotPresented, Refused, StepTaken};
pub(crate) use laboratory::measured;
pub use machine::Duty;
pub use outcome::{ControlRequest, FollowUp, Judged, Outcome, PlanRef, Warning, WarningState};
