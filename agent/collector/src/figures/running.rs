//! What only the running process knows, told by the one task each time it comes round.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// How long the task may not come round before nobody can say how things stand: three of the longest waits for a disk.
pub const STALE: Duration = Duration::from_secs(30);

/// What goes on.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// The broker is connected since then, or is not since then.
    pub connected: (bool, Instant),
    /// The store is away: nothing is taken and nothing is receipted.
    pub store_away: bool,
    /// When the task last came round.
    pub round: Instant,
    /// Receipts handed to the link since the process began.
    pub receipts_sent: u64,
    /// Results that nobody took in time, since then.
    pub announcements_dropped: u64,
    /// Messages that wait for their commit, or, where several collectors share, for what they belong to.
    pub in_hand: usize,
}

impl Running {
    /// The state before the first connection.
    pub fn at_start(now: Instant) -> Self {
        Self {
            connected: (false, now),
            store_away: false,
            round: now,
            receipts_sent: 0,
            announcements_dropped: 0,
            in_hand: 0,
        }
    }

    /// Why it is not collecting, in a line for a machine's log; none while it is.
    ///
    /// What is not known counts as bad.
    pub fn trouble(&self, now: Instant) -> Option<String> {
        let seconds = |since: Instant| now.saturating_duration_since(since).as_secs();
        if self.store_away {
            return Some("the store is away: nothing is taken and nothing is receipted".to_owned());
        }
        if now.saturating_duration_since(self.round) > STALE {
            return Some(format!("state unknown: the collector has not come round for {} s", seconds(self.round)));
        }
        match self.connected {
            (true, _) => None,
            (false, since) => Some(format!("the broker has not been connected for {} s", seconds(since))),
        }
    }
}

/// Where the task tells it.
#[derive(Debug)]
pub struct Pulse(watch::Sender<Running>);

impl Pulse {
    /// With nothing connected.
    pub fn start() -> (Self, watch::Receiver<Running>) {
        let (sender, receiver) = watch::channel(Running::at_start(Instant::now()));
        (Self(sender), receiver)
    }

    /// The task has come round; what it knows is put in by `tell`.
    pub fn round(&self, tell: impl FnOnce(&mut Running)) {
        self.0.send_modify(|it| {
            it.round = Instant::now();
            tell(it);
        });
    }

    /// Whether the broker is connected, from now on where that has changed.
    pub fn connected(&self, connected: bool) {
        self.0.send_if_modified(|it| {
            let changed = it.connected.0 != connected;
            if changed {
                it.connected = (connected, Instant::now());
            }
            changed
        });
    }

    /// Whether the store is away.
    pub fn store_away(&self, away: bool) {
        self.round(|it| it.store_away = away);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_well() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let well = Running { connected: (true, start), ..Running::at_start(start) };
        let check = |running: Running, seconds, word: Option<&str>| {
            let found = running.trouble(at(seconds));
            assert_eq!(found.is_some(), word.is_some(), "{found:?}");
            assert!(word.is_none_or(|word| found.as_deref().unwrap_or_default().contains(word)), "{found:?}");
        };
        check(Running::at_start(start), 7, Some("for 7 s"));
        check(well, 30, None);
        check(well, 31, Some("state unknown"));
        check(Running { store_away: true, ..well }, 1, Some("the store is away"));
        check(Running { connected: (false, at(20)), round: at(25), ..well }, 25, Some("for 5 s"));
    }
}
