//! Renews the transport certificate of a running agent at half of its life.
//!
//! The half is for the line: an agent that is cut off for a month still comes back with a good certificate, and one
//! that was cut off for longer renews an expired one. The moment is spread, so that a fleet that was enrolled in one
//! week does not come back in one minute.

use std::{sync::Arc, time::Duration};

use tidewaiter_record::Hash;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::transport::{State, Transport, TransportError};
use crate::clock::Clock;

/// How often the time is looked at: the clock may be set meanwhile.
const LOOK: Duration = Duration::from_secs(600);
/// First and longest wait after a refusal.
const RETRY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3_600));

/// When a certificate is renewed: half of its life, and up to a tenth later. `spread` is any number of the agent's own.
pub fn renew_at_ms(state: &State, spread: u64) -> Option<i64> {
    let life = state.not_after_ms.checked_sub(state.not_before_ms).filter(|it| *it > 0)?;
    let tenth = u64::try_from(life / 10).ok().filter(|it| *it > 0)?;
    let later = i64::try_from(spread % tenth).ok()?;
    state.not_before_ms.checked_add(life / 2)?.checked_add(later)
}

/// Works until `stop`. An agent that is not enrolled is looked at again: it may be, while it runs.
pub async fn keep(transport: Transport, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let own = Hash::of(transport.agent().as_bytes()).0;
    let spread = own.first_chunk().map_or(0, |it| u64::from_be_bytes(*it));
    let mut retry = RETRY.0;
    loop {
        let mut wait = LOOK;
        let due = transport.state().ok().and_then(|it| renew_at_ms(&it, spread));
        if due.is_some_and(|due| clock.now().wall_ms >= due) {
            let transport = transport.clone();
            let renewed = tokio::task::spawn_blocking(move || transport.renew()).await;
            match renewed {
                Ok(Ok(grant)) => {
                    info!(until_ms = grant.not_after_ms, "transport certificate renewed");
                    retry = RETRY.0;
                }
                Ok(Err(error)) => wait = said(&error, &mut retry),
                Err(_) => wait = RETRY.1,
            }
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn said(error: &TransportError, retry: &mut Duration) -> Duration {
    warn!(%error, "transport certificate not renewed; it is tried again");
    let wait = *retry;
    *retry = (wait * 2).min(RETRY.1);
    wait
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn half_of_a_life_and_a_little_more() {
        let state = |not_before_ms: i64, not_after_ms: i64| -> State {
            serde_json::from_value(serde_json::json!({
                "version": 1, "centre": "https://c", "ca": "", "pending": null,
                "not_before_ms": not_before_ms, "not_after_ms": not_after_ms,
            }))
            .unwrap()
        };
        for (from, until, spread, at) in [
            (0, 1_000, 0, Some(500)),
            (0, 1_000, 99, Some(599)),
            (0, 1_000, 100, Some(500)),
            (1_000, 3_000, 7, Some(2_007)),
            (0, 0, 7, None),
            (5, 3, 7, None),
        ] {
            assert_eq!(renew_at_ms(&state(from, until), spread), at, "{from} {until} {spread}");
        }
    }
}
