//! Radiation portal monitors: their lines and registers, and the occupancy recomputed from them.

pub mod aspect;
pub mod occupancy;
pub mod rpm;
