//! The rules of a monitoring plan, as pure functions: what an inspection is judged by, who is drawn, which level and
//! notice are proposed, what a row of results says, whose laboratory results count, which step may follow which.
//!
//! Every decision is exact: rates, intervals and products are compared as whole numbers, so the centre that repeats
//! one comes to the same answer. Nothing here issues or lifts anything.
//!
//! Not here: which plan is active, when a period ends, what is remembered. The agent's `duty` keeps that.

pub mod acceptance;
pub mod assignment;
pub mod audit;
pub mod case;
pub mod draw;
pub mod level;
pub mod notice;
pub mod transition;
pub mod trend;

pub use case::{Breach, Case};
