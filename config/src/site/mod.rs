//! The site file: one agent's ports, instruments, lanes, rigs and watches, and where results go.
//!
//! It is read whole and checked as a whole: ids, references, units, protocols against ports, polls
//! against periods, the store's budget against the site's own rate. Paths in it are relative to the
//! file. What the file cannot know (is the device plugged in, does the host name resolve) is asked by
//! [`check_environment`].

mod bench;
mod benches;
mod cameras;
mod checks;
mod environment;
mod estimate;
mod identity;
mod instruments;
mod keys;
mod load;
mod local;
mod model;
mod outputs;
mod places;
mod ports;
mod register;
mod rigs;
mod streams;
mod zone;

pub use bench::{BENCH_PROCEDURES, Bench, MOST_QUANTITIES, MassTrigger, Quantity, Source, StateTrigger, Take, Trigger};
pub use cameras::{Camera, Moment as StillMoment};
pub use checks::{Buffer, Check, CheckProcedure, Radiation, Service, reference_parameter};
pub use environment::{check_environment, check_environment_in};
pub use estimate::{LEAST_OUTAGE_HOURS, estimated_bytes_per_hour, hours_held};
pub use keys::{Keys, TokenPlace};
pub use load::{load_site, load_site_from, site_from_str};
pub use local::{Disclosure, Local, LocalTls, Privacy};
pub use model::*;
pub use outputs::{BARRIER, BUZZER, Bias, Lines, MOST_LINES, Output, OutputLine, OutputUnit, PULSE, State, Wire};
pub use register::{Control, Expanded, Measurand, Register, ScaleClass, ScaleRange, Uncertainty, unregistered};
pub use streams::{Codec, Polling, Rest};
pub use zone::{usual_zone, zone_name};
