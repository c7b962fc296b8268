//! Site file, instrument profiles, limit tables: read whole, every fault reported with its place.
//!
//! In come TOML and CSV texts, out come checked plain types, or a [`Report`] that lists every fault
//! with file, line, column and what to write instead:
//!
//! - [`site`]: ports, instruments, lanes, rigs, watches, store and uplink of one agent;
//! - [`limits`]: limit tables and step programmes, shipped and site-owned;
//! - [`plan`]: what a monitoring point watches, how often, and what it reports;
//! - [`profile`]: Modbus register maps, each with its own test vectors;
//! - [`declarations`]: what is declared about a conveyance, container or sample;
//! - [`users`]: who may sign in at the local interface.
//!
//! Reading happens at start and on request, in one go; nothing here watches files, opens ports or
//! judges values. Whether the world outside fits the file (devices, host names, certificates) is
//! asked apart, by [`site::check_environment`].

pub mod declarations;
pub mod limits;
pub mod plan;
pub mod profile;
mod reader;
pub mod report;
pub mod site;
pub mod users;

pub use reader::{nearest, unit_meant};
pub use report::{Finding, Report, Severity};
pub use site::{check_environment, check_environment_in, load_site, site_from_str};
