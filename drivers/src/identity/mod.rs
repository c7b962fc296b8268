//! What says which subject it was: number plates and container numbers.

pub mod axxon;
pub mod declaration;
pub mod iso6346;
pub mod ocr;
pub mod plate;
pub mod scan;
