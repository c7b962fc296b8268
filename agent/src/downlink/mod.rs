//! What comes back from the centre: receipts, heads of its log, requests to send again, and signed orders.
//!
//! ```text
//! broker ─► uplink's link ─► receipt ─► outbox (cursor)
//!                      └───► Door ─► Downlink ─► vault (table files) ─► Ask::Tables, Ask::Plan ─► inspector
//!                                       └─► commands ─► Ask::…, outbox (result record)
//! ```
//!
//! An agent takes orders only where its site file names a root (`[authority]`); what is believed is decided in
//! [`tidewaiter_record::mandate`], what is done here. Three rules:
//!
//! - *Floors first.* What was accepted is kept before anything follows from it.
//! - *One switch.* The record that says which tables judge, and the state that says the same, are one commit; the
//!   inspector judges by them from the next inspection that closes. One that is open then is judged by the tables at its
//!   close.
//! - *An error changes nothing.* What was in force stays; the chain says what was refused, at most once a minute and cause.
//!
//! Bounds: [`ORDERS`] messages wait here, further ones are dropped, because the broker keeps what is retained and the centre
//! repeats commands; the waiting room holds `MOST_ROOTS` roots and `MOST_TABLE_BYTES` of tables (`waiting.rs`).

mod begin;
mod commands;
mod door;
mod orders;
mod receipt;
mod tell;
#[cfg(test)]
mod tests;
mod vault;
mod waiting;

pub use begin::{Begin, anchor};
pub use door::{Door, Incoming, ORDERS, What};
pub use orders::{Downlink, Seat};
pub use receipt::{DownlinkError, beacon, receipt, resend};
pub use vault::TABLES_DIR;

/// Note with the state of the authority.
const AUTHORITY_NOTE: &str = "authority";
/// Note with the state of the commands.
const DOCKET_NOTE: &str = "docket";
