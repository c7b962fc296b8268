//! What a record says: the time block, a kind, and the detail of that kind.
//!
//! ```text
//! body = [ kind: uint, time: [7 items], detail: map ]
//! ```
//!
//! The detail of each kind is a map with small integer keys; key 0, in every kind that ever will be, is
//! reserved for [`Flags`], so a reader finds the `simulated` bit in kinds it does not know.
//!
//! A detail is read in one of three ways. It is known; or it is *content unknown*, because the kind or a
//! word in it is younger than the reader; or it is malformed, which refuses the record.

mod clock;
mod detail;
mod evidence;
mod follow_up;
mod heartbeat;
mod in_force;
mod inspection;
mod inspection_cbor;
mod interval;
mod judging;
mod life;
mod reading;
mod rotation;
mod time;
mod value;
mod warning;

pub use clock::{TimeRepair, TimeStep};
pub use detail::{Body, Detail};
pub use evidence::{Evidence, INLINE_BYTES, MAX_EVIDENCE_BYTES, Trimmed};
pub use follow_up::{FollowUp, Link};
pub use heartbeat::{HEARTBEAT_MS, Heartbeat, SoftwareId};
pub use in_force::{CommandResult, ConfigActivated, InstrumentIdentity, LimitsActivated};
pub use inspection::{Alarm, Fault, Finding, Identity, InspectionDetail, Measured, Reading, Subject, Table};
pub use interval::IntervalDetail;
pub use judging::{Judging, Plan, Required};
pub use life::{Event, Genesis, Recovery, Resumed, Stopped};
pub use reading::{READINGS_MEDIA, SingleReading, decode_readings, encode_readings};
pub use rotation::{KeyRotate, proof_bytes};
pub use time::{TimeBlock, TimeQuality, TimeSource};
pub use value::{Context, Flags};
pub use warning::Warning;
