//! What commands say, as the crate `tidewaiter-console` says it.

pub(super) use tidewaiter_console::{give_up, outln, said};
