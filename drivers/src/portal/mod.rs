//! Radiation portal monitors: their lines, and the occupancy recomputed from them.

pub mod occupancy;
pub mod rpm;
