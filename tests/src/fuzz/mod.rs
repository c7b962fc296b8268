//! Every reader of bytes from outside, held to its promises over arbitrary bytes.
//!
//! One function per family takes any bytes and panics when a promise is broken. The targets in `tests/fuzz`
//! hand them what libFuzzer invents; the test `corpus` hands them the committed corpus, so that a stable
//! toolchain repeats every finding.
//!
//! Asserted are laws and no expected values: a decoder's events do not depend on how its bytes were cut, a frame
//! read again says the same, what is written reads back, a bound that is stated holds. What a frame means is
//! checked by the tests of the crate that reads it.

mod benches;
mod centre;
mod config;
mod modbus;
mod n42;
mod node;
mod orders;
mod portals;
mod radiation_and_spectrometers;
mod record;
mod scales;
mod stream;

pub use benches::benches;
pub use centre::{head, pieces, receipt, registry, sequence, verifier};
pub use config::config;
pub use modbus::modbus;
pub use n42::n42;
pub use node::{node_block, node_bus, node_plant};
pub use orders::{commands, orders};
pub use portals::portals;
pub use radiation_and_spectrometers::radiation_and_spectrometers;
pub use record::record;
pub use scales::scales;

/// A function that holds one family to its promises.
pub type Target = fn(&[u8]);

/// The families, each by the name of its target and of its corpus folder.
pub const TARGETS: [(&str, Target); 19] = [
    ("scales", scales),
    ("portals", portals),
    ("radiation_and_spectrometers", radiation_and_spectrometers),
    ("benches", benches),
    ("modbus", modbus),
    ("record", record),
    ("n42", n42),
    ("config", config),
    ("receipt", receipt),
    ("head", head),
    ("registry", registry),
    ("sequence", sequence),
    ("pieces", pieces),
    ("verifier", verifier),
    ("orders", orders),
    ("commands", commands),
    ("node_bus", node_bus),
    ("node_plant", node_plant),
    ("node_block", node_block),
];
