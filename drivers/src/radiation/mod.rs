//! Radiation instruments besides portals: area monitors, survey meters, identifiers, backpacks, and the
//! daily files of spectroscopic portals.
//!
//! Values stay as shown, with the unit the instrument states or, where it states none, the one its
//! configuration gives. Not here: what a spectrum contains, and reading N42 documents.

pub mod kromek_d5;
pub mod ludlum_2363;
pub mod ludlum_375;
pub mod rs350;
pub mod spectral_daily;
