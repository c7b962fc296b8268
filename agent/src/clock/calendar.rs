//! The date by which a broker's certificate is judged.

use std::sync::Arc;

use tidewaiter_mqtt::{Calendar, Date};
use tokio::sync::watch;

use super::{Claim, Clock};

/// Clock and claim, as the keeper last made it.
#[derive(Clone, Debug)]
pub struct ClaimedDate {
    clock: Arc<dyn Clock>,
    claim: watch::Receiver<Claim>,
}

impl ClaimedDate {
    /// A date that follows `claim`.
    pub fn new(clock: Arc<dyn Clock>, claim: watch::Receiver<Claim>) -> Self {
        Self { clock, claim }
    }
}

impl Calendar for ClaimedDate {
    fn date(&self) -> Date {
        let claim = *self.claim.borrow();
        Date { now_ms: self.clock.now().wall_ms, floor_ms: claim.floor_ms, vouched: claim.is_vouched() }
    }
}
