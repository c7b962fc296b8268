//! ANSI N42.42 documents read and written, and what their spectra say.
//!
//! Handheld identifiers, spectroscopic portals and laboratory spectrometers exchange what they measured
//! as XML documents of ANSI/IEEE N42.42-2011. A document comes in as bytes and leaves as a typed
//! [`Document`]; or the other way round, in the element order the standard's schema asks for:
//!
//! ```text
//! bytes ── read ──► Document, Notices ── check ──► Breaches        (what the schema cannot see)
//! bytes ◄── write ── Document
//!                    Document ── reading ──► channels: counts, dose rate, as every driver has them
//!                    Spectrum ── analysis ──► areas, decision limits, peak candidates near known lines
//! ```
//!
//! From the bottom up: `xml` (a bounded tree; no document type, no entity), [`lexical`] (numbers, durations,
//! times, compressed channels), [`model`] (the schema, written down once for both directions), [`mod@check`],
//! [`reading`], and [`analysis`], which alone computes with binary fractions.
//!
//! Counts are integers, times and displayed values are [`Decimal`](tidewaiter_drivers::Decimal)s: they can be
//! put in a signed record. What [`analysis`] computes is for display and evidence, and its results go into a
//! record only through their integer or decimal forms.
//!
//! Not here: files, clocks, judging. Not read: `MultimediaData`, `ExposureAnalysisResults`, extension elements
//! and the 2006 edition of the standard; what was left out is named in the [`Notices`].

pub mod analysis;
pub mod bounds;
pub mod check;
mod error;
pub mod lexical;
pub mod model;
mod read;
pub mod reading;
mod write;
mod xml;

pub use check::{Breach, Rule, check};
pub use error::{Fault, Notice, Notices, ReadError, WriteError};
pub use model::Document;
pub use read::{Read, read};
pub use write::write;
