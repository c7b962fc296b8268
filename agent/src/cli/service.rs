//! What the service manager is told, and what it may rely on (`sd_notify(3)`, `systemd.service(5)`).
//!
//! | word | when |
//! |---|---|
//! | `READY=1` | the local interface answers |
//! | `STATUS=` | the sentence of the page: recording or not, and why |
//! | `RELOADING=1`, `MONOTONIC_USEC=` | SIGHUP came; `READY=1` follows whatever comes of it |
//! | `WATCHDOG=1` | half-way through `WatchdogSec=`, as long as every stage is at work |
//! | `STOPPING=1` | the end begins |
//!
//! A stage that stands still is waited for no longer than it may take, then the answers stop and the service manager ends
//! the process: what is sealed is safe. Without a service manager all this is silent, and a late stage is logged.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, LazyLock,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use sd_notify::NotifyState;
use tidewaiter_words::{Language, say};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use crate::{
    clock::Clock,
    lane::{Local, StatusReport},
    life::{Beat, Beats, poison::Abort, rim},
    outbox::Outbox,
};

/// How often stages are looked at where no watchdog asks for it.
const LOOK: Duration = Duration::from_secs(10);
/// Longest round of the keeper: what it is asked waits for a commit, and for the disk.
const KEEPER_ROUND: Duration = Duration::from_secs(60);
/// Longest round of the local interface.
const LOCAL_ROUND: Duration = Duration::from_secs(30);
/// Longest wait for one answer of it.
const ANSWER: Duration = Duration::from_secs(5);

/// Words that may wait for the service manager; further ones are dropped, it is long since late then.
const WORDS: usize = 16;

/// Tells the service manager, if there is one, and never waits for it: one that does not read its socket must not stop us.
pub(super) fn tell(words: &[NotifyState<'_>]) {
    static TELLER: LazyLock<SyncSender<String>> = LazyLock::new(|| {
        let (sender, said) = sync_channel::<String>(WORDS);
        // Ends with the process.
        thread::spawn(move || {
            for words in said {
                if let Err(why) = sd_notify::notify(&[NotifyState::Custom(&words)]) {
                    debug!(%why, "the service manager does not listen");
                }
            }
        });
        sender
    });
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let _ = TELLER.try_send(words.join("\n"));
}

/// SIGHUP came.
pub(super) fn reloading() {
    // The kernel's monotonic clock: systemd tells an answer to this reload from an older one by it.
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// The page's sentence, for `systemctl status`.
fn sentence(report: &StatusReport, language: Language) -> String {
    let refused = report.config_refused.as_ref().map(|it| {
        let faults = u64::try_from(it.faults).unwrap_or(u64::MAX);
        say(language, "config-refused-short", &[("faults", faults.into())])
    });
    let recording = match &report.not_recording {
        Some(why) => say(language, "service-not-recording", &[("why", why.into())]),
        None => say(language, "service-recording", &[("records", report.counters.sealed.into())]),
    };
    refused.map_or(recording.clone(), |refused| format!("{recording}; {refused}"))
}

/// The one that looks after the stages.
pub(super) struct Supervisor {
    pub(super) local: Local,
    pub(super) address: SocketAddr,
    pub(super) beats: Beats,
    pub(super) outbox: Outbox,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) dir: PathBuf,
}

impl Supervisor {
    /// Looks after them until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let watchdog = sd_notify::watchdog_enabled();
        let mut look = interval(watchdog.map_or(LOOK, |it| it / 2).clamp(Duration::from_millis(100), LOOK));
        look.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let keeper = self.beats.beat("keeper's answers", KEEPER_ROUND);
        let lane = self.beats.beat("local interface", LOCAL_ROUND);
        // Asked beside the loop: a stage that does not answer must not keep the others from being looked at.
        let ask = [
            tokio::spawn(stop.clone().run_until_cancelled_owned(ask_keeper(self.outbox.clone(), keeper))),
            tokio::spawn(stop.clone().run_until_cancelled_owned(ask_lane(self.address, lane))),
        ];
        let mut said = String::new();
        let mut dog = Watchdog {
            beats: self.beats.clone(),
            clock: Arc::clone(&self.clock),
            dir: self.dir.clone(),
            is_wanted: watchdog.is_some(),
            noted: false,
        };
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => {}
            }
            if dog.may_answer() {
                tell(&[NotifyState::Watchdog]);
            }
            let now = sentence(&self.local.report(), Language::from_env());
            if now != said {
                tell(&[NotifyState::Status(&now)]);
                said = now;
            }
        }
        for task in ask {
            task.abort();
        }
    }
}

/// Decides whether the watchdog is answered.
struct Watchdog {
    beats: Beats,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    /// Somebody waits for the answer, and ends the process without.
    is_wanted: bool,
    /// The port whose work stands still is written down already.
    noted: bool,
}

impl Watchdog {
    fn may_answer(&mut self) -> bool {
        let late = self.beats.late();
        for it in &late {
            error!(stage = it.stage, ms = it.ms, "a stage stands still");
        }
        if late.is_empty() {
            self.noted = false;
            return self.is_wanted;
        }
        if self.is_wanted && !std::mem::replace(&mut self.noted, true) {
            // The process is going to be ended for it.
            for (it, port) in late.iter().filter_map(|it| Some((it, it.port.as_ref()?))) {
                let (port, at_ms) = (port.to_string(), self.clock.now().wall_ms);
                rim::note_abort(&self.dir, &Abort { port, at_ms, why: format!("stood still for {} ms", it.ms) });
            }
        }
        false
    }
}

/// Asks the keeper for nothing, again and again: its answer says that it and the disk are at work.
async fn ask_keeper(outbox: Outbox, beat: Beat) {
    loop {
        if outbox.entries(u64::MAX, 1).await.is_some() {
            beat.strike();
        }
        tokio::time::sleep(LOOK / 2).await;
    }
}

async fn ask_lane(address: SocketAddr, beat: Beat) {
    loop {
        if matches!(timeout(ANSWER, answers(address)).await, Ok(Ok(true))) {
            beat.strike();
        }
        tokio::time::sleep(LOOK / 2).await;
    }
}

/// Whether the local interface says anything at all. Off loopback it speaks TLS, and taking the connection must do.
async fn answers(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    if !address.ip().is_loopback() {
        return Ok(true);
    }
    stream.write_all(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
    let mut head = [0; 5];
    stream.read_exact(&mut head).await?;
    Ok(&head == b"HTTP/")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use futures_util::FutureExt as _;
    use tidewaiter_drivers::reading::Moment;

    use super::*;

    /// A clock that a test moves.
    #[derive(Debug, Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Moment {
            Moment { wall_ms: 1, mono_ms: self.0.load(Relaxed) }
        }
    }

    #[test]
    fn the_watchdog_is_answered_until_a_stage_stands_still_and_its_port_is_written_down_once() {
        let dir = tempfile::tempdir().unwrap();
        let hand = Arc::new(Hand::default());
        let clock: Arc<dyn Clock> = Arc::clone(&hand) as Arc<dyn Clock>;
        let beats = Beats::new(Arc::clone(&clock));
        let folder = dir.path().to_owned();
        let mut dog = Watchdog { beats: beats.clone(), clock, dir: folder, is_wanted: true, noted: false };
        let keeper = beats.beat("keeper", KEEPER_ROUND);
        for second in (0..600).step_by(30) {
            hand.0.store(second * 1000, Relaxed);
            keeper.strike();
            assert!(dog.may_answer(), "second {second}");
        }
        hand.0.fetch_add(61_000, Relaxed);
        assert!(!dog.may_answer(), "the keeper stands still");
        keeper.strike();
        assert!(dog.may_answer(), "and goes on");
        // A frame that its decoder does not come back from.
        let seen = beats.port("port bus-a", "bus-a", async {
            hand.0.fetch_add(11_000, Relaxed);
            (dog.may_answer(), dog.may_answer())
        });
        assert_eq!(seen.now_or_never(), Some((false, false)));
        let aborts = rim::aborts(dir.path());
        assert_eq!(aborts, [Abort { port: "bus-a".into(), at_ms: 1, why: "stood still for 11000 ms".into() }]);
    }
}
