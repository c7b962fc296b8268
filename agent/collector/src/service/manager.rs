//! What the service manager is told (`sd_notify(3)`): ready, what goes on, still at work, stopping.
//!
//! The watchdog is answered from the loop that does the work: a loop that does not come round, because the store or a
//! task it waits for stands still, does not answer, and the service manager ends the process. What is stored is safe.

use std::{
    sync::{
        LazyLock,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often the state is looked at where no watchdog asks for it.
const LOOK: Duration = Duration::from_secs(10);

/// Words that may wait for it; further ones are dropped, it is long since late then.
const WORDS: usize = 16;

/// The way to it. Without one all is silent.
#[derive(Debug)]
pub(super) struct Manager {
    rounds: Interval,
    is_watched: bool,
    said: String,
}

impl Manager {
    pub(super) fn new() -> Self {
        let watchdog = sd_notify::watchdog_enabled();
        let mut rounds = interval(watchdog.map_or(LOOK, |it| it / 2).clamp(Duration::from_millis(100), LOOK));
        rounds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { rounds, is_watched: watchdog.is_some(), said: String::new() }
    }

    pub(super) fn ready() {
        tell(&[NotifyState::Ready]);
    }

    pub(super) fn stopping() {
        tell(&[NotifyState::Stopping]);
    }

    /// The time of the next answer.
    pub(super) async fn round(&mut self) {
        self.rounds.tick().await;
    }

    /// Answers the watchdog, and says what goes on when that has changed.
    pub(super) fn answer(&mut self, connected: bool) {
        if self.is_watched {
            tell(&[NotifyState::Watchdog]);
        }
        let now = if connected { "collecting" } else { "the broker cannot be reached; what agents have waits there" };
        if self.said != now {
            tell(&[NotifyState::Status(now)]);
            now.clone_into(&mut self.said);
        }
    }
}

/// Never waits for it: a service manager that does not read its socket must not stop the collecting.
fn tell(words: &[NotifyState<'_>]) {
    static TELLER: LazyLock<SyncSender<String>> = LazyLock::new(|| {
        let (sender, said) = sync_channel::<String>(WORDS);
        // Ends with the process.
        thread::spawn(move || {
            for words in said {
                if let Err(why) = sd_notify::notify(&[NotifyState::Custom(&words)]) {
                    tracing::debug!(%why, "the service manager does not listen");
                }
            }
        });
        sender
    });
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let _ = TELLER.try_send(words.join("\n"));
}
