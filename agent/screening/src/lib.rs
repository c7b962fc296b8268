//! Judges an inspection against limit tables.
//!
//! In: an [`Inspection`], the limit tables at hand, which parameters of which table are required, the
//! sampling date, and the step programme of a bench run. Out: a [`Screening`], that is one
//! [`Finding`] for each row required, one [`Verdict`] and one [`Disposition`].
//!
//! Pure: it does no IO and reads no clock, so the same inputs give the same [`Screening`] at the lane
//! and at the centre, years later. Numbers are exact decimals with checked arithmetic; what does not
//! fit is `Inconclusive(Arithmetic)`, never a rounded guess.
//!
//! One row is judged in this order, and each step is named in the finding's `rule`:
//!
//! ```text
//! condition   does the row apply to what is declared?         GB 18401-2010 category, axles …
//! value       is there one, and may it be judged?             Missing, Quality
//! conversion  into the row's unit, exactly                    43.00 t = 43000 kg
//! rounding    once, where the document says so                GB/T 8170-2008, 3.2 and 4.3
//! decision    against the limit, with the uncertainty         ILAC-G8:09/2019
//! ```
//!
//! Not here: obtaining values, joining a declaration to a subject, wording for people.

pub mod conversion;
pub mod decision;
pub mod duty;
pub mod finding;
pub mod grade;
pub mod inspection;
pub mod rounding;
pub mod statistics;

mod applicability;
mod declared;
mod edition;
mod exact;
mod normal;
mod number;
mod peer;
mod programme;
mod row;
mod screen;
mod special;
mod spread;
mod step;
mod text;

pub use finding::{Disposition, Finding, Reason, Screening, Verdict};
pub use inspection::Inspection;
pub use programme::{STAGE_DURATION, screen_programme};
pub use screen::{explain, screen};
pub use step::{Lack, Part, Step, TableLack};
pub use text::stated;
