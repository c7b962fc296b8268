//! The edge agent: reads instruments, screens what it read, seals the result and publishes it.
//!
//! One row of stages, each of which may name the type it consumes and nothing else of its
//! neighbour; [`app`] alone knows the row:
//!
//! ```text
//! acquire ─► inspect ─► (screening) ─► seal ─► outbox ─► uplink ─► broker
//!                                                 ▲         │
//!                                                 └ downlink◄┘
//! ```
//!
//! IO lives in `acquire::system` (ports), `reload` (site file, last good configuration), `outbox::sqlite` and
//! `evidence::disk` (disk), `uplink` (MQTT), `lane` (local interface), `keys` (key files), `life::rim` (own executable,
//! temperatures), `outputs::gpio`, `camera::fetch`, declarations and `clock`; everything else
//! takes values and instants.

pub mod acquire;
pub mod app;
pub mod camera;
#[allow(clippy::doc_markdown, reason = "doc comments there are the help text that users read, addresses included")]
pub mod cli;
pub mod clock;
pub mod downlink;
pub mod duty;
pub mod evidence;
mod explained;
pub mod inspect;
pub mod inspector;
pub mod keys;
pub mod lane;
pub mod life;
pub mod outbox;
pub mod outputs;
pub mod privacy;
pub mod register;
pub mod reload;
pub mod seal;
pub mod uplink;
pub mod wiring;
