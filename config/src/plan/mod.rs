//! Monitoring plans: what a point watches, how often, what it reports and what it proposes.
//!
//! A plan is issued from outside and changes while the point runs, so it is a file of its own and never part of
//! the site file. One file is one version of one plan; versions only rise. Everything an authority decides stands
//! here as data: names, rates, deadlines, scores, the wording of notices.
//!
//! Not here: which plan is active, drawing, scoring, timers. The agent does those.

mod changes;
mod items;
mod load;
mod matrix;
mod model;
mod notices;
mod rules;

pub use changes::{Change, changes, outline};
pub use load::{Known, PROCEDURES, load, load_str};
pub use matrix::{Axis, Matrix, Score, Step};
pub use model::*;
pub use notices::{FIELDS, Notice};

/// The plan that comes with the program as an example, with its name.
pub const EXAMPLE: (&str, &str) = ("plans/port.toml", include_str!("../../plans/port.toml"));
