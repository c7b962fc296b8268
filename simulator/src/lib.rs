//! Instruments with physics, on real ports: what an integrator tests against.
//!
//! A [`Scene`] says who comes and what goes wrong; a [`World`] knows what is true at a moment; the
//! services say it in the bytes of each instrument, on pseudo-terminals and TCP ([`Simulation`]) or on
//! any stream a test brings. Truth is a function of time and seed, so a run can be replayed, and the
//! [`Oracle`] can say beforehand what a lane that works must find.
//!
//! The services share the codecs of `tidewaiter-drivers` with the agent and therefore prove nothing
//! about them; captured frames and independent peers do.

pub mod capture;
pub mod comparing;
mod declarations;
mod export;
mod operator;
mod oracle;
mod port;
mod profile_server;
pub mod scene;
pub mod serve;
mod simulation;
mod week;
mod world;

pub use declarations::declarations_csv;
pub use export::{ExportOptions, export_config};
pub use operator::operator_commands;
pub use oracle::{Expected, ExpectedValue, Oracle};
pub use profile_server::{ProfileServer, ProfileServerError};
pub use scene::{Scene, SceneError, Span};
pub use simulation::{Address, Options, Running, Simulation, StartError};
pub use week::{Described, DescribedAlarm, DescribedValue, described, week};
pub use world::{CoilWrite, Lamps, NoSuchExtract, Passage, PlannedSpecimen, World, WorldError, WorldOptions};
