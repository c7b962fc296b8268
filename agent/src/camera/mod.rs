//! Stills of what passes: fetched when an inspection opens, ends or alarms, and kept as evidence of it.
//!
//! What comes in: [`Cue`]s of the inspector, which never waits for a camera. What goes out: a record of kind *evidence*
//! that names the inspection, the camera, its address without credentials and how long after the cue the still came; or an
//! event `camera-missed` with the reason. There is no third outcome, and no second attempt: a still taken later shows
//! somebody else.
//!
//! ```text
//! inspector ─ cue ─► queue per camera ([`QUEUE`]) ─► fetch (a blocking thread) ─► JPEG or PNG? ─► outbox
//!                        │ full, too old                 │ status, size, time        │ no
//!                        └──────────────► event `camera-missed` ◄────────────────────┘
//! ```
//!
//! IO is in `fetch.rs` alone. Not here: what a camera sees. A still is personal data where it shows faces and plates; the
//! lane is to be signed accordingly, and `[store] keep` says for how long it is held after the centre has it.

mod fetch;
mod still;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use tidewaiter_config::site::{Camera, Site, StillMoment};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Hash,
    body::{Context, Flags},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tracing::{info, warn};

pub use self::{
    fetch::fetch,
    still::{Missed, Still},
};
use crate::{
    clock::Clock,
    evidence::{self, Attachment},
    inspect::Event,
    outbox::Outbox,
    seal,
};

/// Cues that may wait for one camera: more than that pass within its time-out only when something is wrong.
pub const QUEUE: usize = 4;
/// A cue that has waited for so long is not followed: what is before the camera by then is something else.
const STALE_MS: u64 = 15_000;
/// Missed cues that may wait to be recorded; further ones are logged alone.
const TELLS: usize = 64;

/// A still is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// Why.
    pub moment: StillMoment,
    /// The inspection it belongs to.
    pub inspection: String,
    /// Its marks.
    pub flags: Flags,
    /// When that came up.
    pub at: Moment,
}

/// A camera and the way to it.
type Seat = (Arc<Camera>, mpsc::Sender<Cue>);

/// The way to the cameras of a site.
#[derive(Clone, Debug, Default)]
pub struct Cameras {
    by_place: BTreeMap<String, Vec<Seat>>,
    tell: Option<mpsc::Sender<Event>>,
}

/// What the cameras need of a running agent.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// Takes stills and events.
    pub outbox: Outbox,
    /// The program, as records name it.
    pub software: String,
    /// The site file in force, whose digest every record of a measurement names.
    pub site: watch::Receiver<Arc<Site>>,
}

impl Parts {
    fn context(&self) -> Context {
        Context { software: self.software.clone(), config: self.site.borrow().digest }
    }
}

impl Cameras {
    /// Starts one task per camera. They end when every copy of the handle is gone and the queues are empty.
    #[must_use = "dropping the set aborts its tasks"]
    pub fn spawn(site: &Site, parts: &Parts) -> (Self, JoinSet<()>) {
        let mut tasks = JoinSet::new();
        if site.cameras.is_empty() {
            return (Self::default(), tasks);
        }
        let (tell, told) = mpsc::channel(TELLS);
        let mut by_place: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for camera in &site.cameras {
            let camera = Arc::new(camera.clone());
            let (cue, cues) = mpsc::channel(QUEUE);
            tasks.spawn(work(Arc::clone(&camera), cues, parts.clone(), tell.clone()));
            by_place.entry(camera.place.clone()).or_default().push((camera, cue));
        }
        tasks.spawn(record(told, parts.outbox.clone()));
        (Self { by_place, tell: Some(tell) }, tasks)
    }

    /// Asks the cameras of a place for a still, without waiting.
    pub fn cue(&self, place: &str, cue: &Cue) {
        for (camera, queue) in self.by_place.get(place).into_iter().flatten() {
            if camera.on.contains(&cue.moment) && queue.try_send(cue.clone()).is_err() {
                let event = missed(camera, cue, &Missed::Busy);
                if self.tell.as_ref().is_none_or(|tell| tell.try_send(event).is_err()) {
                    warn!(camera = camera.id, inspection = cue.inspection, "still missed, and not recorded as such");
                }
            }
        }
    }
}

async fn work(camera: Arc<Camera>, mut cues: mpsc::Receiver<Cue>, parts: Parts, tell: mpsc::Sender<Event>) {
    while let Some(cue) = cues.recv().await {
        if let Err(why) = follow(&camera, &cue, &parts).await {
            warn!(camera = camera.id, inspection = cue.inspection, %why, "still missed");
            if tell.try_send(missed(&camera, &cue, &why)).is_err() {
                warn!(camera = camera.id, "and not recorded as such: too many wait");
            }
        }
    }
}

async fn follow(camera: &Arc<Camera>, cue: &Cue, parts: &Parts) -> Result<(), Missed> {
    let waited = parts.clock.now().mono_ms.saturating_sub(cue.at.mono_ms);
    if waited > STALE_MS {
        return Err(Missed::Late);
    }
    let fetching = Arc::clone(camera);
    let Still { media, content } = tokio::task::spawn_blocking(move || fetch(&fetching))
        .await
        .unwrap_or_else(|failure| Err(Missed::Unreachable(failure.to_string())))?;
    let at = parts.clock.now();
    let offset_ms = at.mono_ms.saturating_sub(cue.at.mono_ms);
    let (hash, bytes) = (Hash::of(&content), content.len());
    let facts: BTreeMap<String, String> = [
        ("camera", camera.id.clone()),
        ("moment", cue.moment.word().to_owned()),
        ("url", camera.shown_url().to_owned()),
        ("offset-ms", offset_ms.to_string()),
    ]
    .map(|(name, fact)| (name.to_owned(), fact))
    .into();
    let attachment = Attachment {
        inspection: Some(cue.inspection.clone()),
        instrument: Some(camera.id.clone()),
        media: media.to_owned(),
        facts,
        content: Arc::from(content),
    };
    let id = format!("still-{}-{}-{}", camera.id, cue.inspection, cue.moment.word());
    let draft = evidence::draft(&attachment, &camera.place, id, at, cue.flags, parts.context());
    let recorded = evidence::seal(&parts.outbox, draft, attachment.content)
        .await
        .map_err(|refusal| Missed::NotRecorded(refusal.to_string()))?;
    info!(record = recorded.seq, camera = camera.id, inspection = cue.inspection, bytes, offset_ms, sha256 = %hash, "still recorded");
    Ok(())
}

fn missed(camera: &Camera, cue: &Cue, why: &Missed) -> Event {
    let facts = [
        ("inspection", cue.inspection.clone()),
        ("moment", cue.moment.word().to_owned()),
        ("reason", why.word().to_owned()),
        ("why", why.to_string()),
        ("url", camera.shown_url().to_owned()),
    ];
    Event {
        place: camera.place.clone(),
        name: "camera-missed".to_owned(),
        subject: Some(camera.id.clone()),
        facts: facts.map(|(name, fact)| (name.to_owned(), fact)).into(),
    }
}

/// Records what was missed. Ends with the last camera.
async fn record(mut told: mpsc::Receiver<Event>, outbox: Outbox) {
    while let Some(event) = told.recv().await {
        if let Err(refusal) = outbox.seal(seal::event(&event, None)).await {
            warn!(event = event.name, %refusal, "event not recorded");
        }
    }
}
