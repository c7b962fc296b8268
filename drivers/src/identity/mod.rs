//! What says which subject it was: number plates and container numbers.

pub mod iso6346;
pub mod plate;
