//! Instruments as seen from the cable: each `serve_*` speaks on one stream until the other end goes.
//!
//! A service takes any `AsyncRead + AsyncWrite`: a pseudo-terminal, a TCP connection, or one half of
//! `tokio::io::duplex` in a test with a paused clock. What it says is a function of scene time, so two
//! clients of one instrument hear the same, each from the moment it connected.

pub(crate) mod modbus;
pub(crate) mod registers;
pub(crate) mod stream;

pub use modbus::{serve_drum, serve_gamma};
pub use stream::{serve_ph_meter, serve_plate_reader, serve_portal, serve_weighbridge};
