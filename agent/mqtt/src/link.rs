//! The task: connect, work, wait, connect again.

use std::sync::{Arc, PoisonError};

use tokio::{
    select,
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Waits,
    connection::{End, Link, run},
    dated::Calendar,
    door::{Door, Publisher},
    event::Event,
    outlet::{Outlet, Settles},
    settings::{EVENT_QUEUE, STOP_WITHIN, Settings, SettingsError},
    tls::client_config,
};

/// Starts a link: the handle to publish with, the events to read, and the task.
///
/// The task ends after `stop` is cancelled or the receiver is dropped, and for no other reason. On a
/// stop it accepts nothing more, sends what was accepted, waits at most [`STOP_WITHIN`] for the
/// answers, and sends DISCONNECT so that the will is not published. When the receiver is dropped it
/// does not wait.
///
/// # Errors
///
/// Refuses settings that could never work, and certificates or a key that cannot be read or do not
/// belong together. A broker that is not there is not an error: it is an [`Event::Disconnected`].
pub fn start(
    settings: Settings,
    stop: CancellationToken,
) -> Result<(Publisher, mpsc::Receiver<Event>, JoinHandle<()>), SettingsError> {
    start_dated(settings, None, stop)
}

/// As [`start`], with the broker's certificate judged by `calendar`: for a machine whose clock may be wrong.
///
/// # Errors
///
/// As [`start`].
pub fn start_dated(
    settings: Settings,
    calendar: Option<Arc<dyn Calendar>>,
    stop: CancellationToken,
) -> Result<(Publisher, mpsc::Receiver<Event>, JoinHandle<()>), SettingsError> {
    settings.check()?;
    let tls = settings.tls.as_ref().map(|pem| client_config(pem, calendar.clone())).transpose()?;
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| SettingsError::NoRuntime)?;
    let (channel, events) = mpsc::channel(EVENT_QUEUE);
    let door = Arc::new(Door::with(tls, calendar));
    let publisher = Publisher { door: Arc::clone(&door) };
    let outlet = Outlet::new(channel, Arc::clone(&door));
    let task = runtime.spawn(work(settings, door, outlet, stop));
    Ok((publisher, events, task))
}

async fn work(settings: Settings, door: Arc<Door>, mut outlet: Outlet, stop: CancellationToken) {
    let mut waits = Waits::new(settings.backoff);
    let owner = outlet.owner();
    while !stop.is_cancelled() && !owner.is_closed() {
        // Asked anew for each connection: certificates are renewed while the link works.
        let tls = door.tls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let link = Link { settings: &settings, tls, door: &door, outlet: &mut outlet, stop: &stop };
        let (end, usable_since) = run(link).await;
        door.void();
        let why = match end {
            End::Failed(why) => why,
            End::Stopped => "stopped on request".to_owned(),
        };
        tracing::info!(why, "disconnected");
        outlet.push(Event::Disconnected { why }, Settles::Nothing);
        if stop.is_cancelled() {
            break;
        }
        waits.lived(usable_since.map_or(std::time::Duration::ZERO, |since| Instant::now() - since));
        let wait = waits.next(getrandom::u32().unwrap_or(u32::MAX));
        tracing::debug!(?wait, "waiting before the next connection");
        let pause = async {
            // A new connection before the owner knows of the old one's end would give one token two
            // answers.
            outlet.until_taken().await;
            sleep(wait).await;
        };
        select! {
            () = pause => {}
            () = stop.cancelled() => {}
            () = owner.closed() => {}
        }
    }
    outlet.flush(STOP_WITHIN).await;
}
