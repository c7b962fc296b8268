//! What the service manager is told, and what it may rely on (sd_notify(3), systemd.service(5)).
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

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

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

/// Tells the service manager, if there is one.
pub(super) fn tell(words: &[NotifyState<'_>]) {
    if let Err(why) = sd_notify::notify(words) {
        debug!(%why, "the service manager does not listen");
    }
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
        let (mut said, mut noted) = (String::new(), false);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => {}
            }
            let late = self.beats.late();
            for it in &late {
                error!(stage = it.stage, ms = it.ms, "a stage stands still");
            }
            if late.is_empty() {
                noted = false;
                if watchdog.is_some() {
                    tell(&[NotifyState::Watchdog]);
                }
            } else if watchdog.is_some() && !std::mem::replace(&mut noted, true) {
                // The process is going to be ended for it.
                for (it, port) in late.iter().filter_map(|it| Some((it, it.port.as_ref()?))) {
                    let (port, at_ms) = (port.to_string(), self.clock.now().wall_ms);
                    rim::note_abort(&self.dir, &Abort { port, at_ms, why: format!("stood still for {} ms", it.ms) });
                }
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
