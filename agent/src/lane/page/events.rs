//! What changes on an open page, as server-sent events.
//!
//! ```text
//! GET /events?page=/lane/lane-7&lang=en
//!
//! event: fragment      data: {"id": "stage", "html": "…"}     when it is other than what was sent last
//! event: beat          data: 1a2b3c4d5e6f7a8b                 each second: the hash of style sheet and script
//! ```
//!
//! A page that hears no beat for four seconds says by itself that the state is unknown. At most [`MOST_STREAMS`] are
//! open at once; a further one is refused with 503, and the page tries again. A stream ends when the agent stops.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::stream::{self, Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tidewaiter_words::{Language, say};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    View, assets,
    pages::{Page, fragments},
};
use crate::lane::Local;

/// Streams open at once: a dozen screens with room for those that are not closed properly.
pub(in crate::lane) const MOST_STREAMS: usize = 32;
/// How often a page is looked at for changes.
const LOOK: Duration = Duration::from_millis(500);
/// Looks from one beat to the next.
const BEAT: u8 = 2;

#[derive(Debug, Deserialize)]
pub(super) struct EventsQuery {
    page: String,
}

#[derive(Serialize)]
struct Fragment<'a> {
    id: &'a str,
    html: &'a str,
}

struct Watcher {
    local: Local,
    language: Language,
    page: Page,
    sent: BTreeMap<&'static str, String>,
    looks: u8,
    interval: Interval,
    stop: CancellationToken,
    _seat: OwnedSemaphorePermit,
}

/// `GET /events`.
pub(super) async fn events(State(local): State<Local>, view: View, Query(query): Query<EventsQuery>) -> Response {
    let language = view.language;
    let Some(page) = Page::of(&query.page) else {
        return (StatusCode::NOT_FOUND, say(language, "page-no-place", &[])).into_response();
    };
    let Ok(seat) = local.streams.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, say(language, "page-full", &[])).into_response();
    };
    if fragments(&local.look(language), &page).is_none() {
        return (StatusCode::NOT_FOUND, say(language, "page-no-place", &[])).into_response();
    }
    let mut interval = interval(LOOK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (stop, sent) = (local.stop.clone(), BTreeMap::new());
    let watcher = Watcher { local, language, page, sent, looks: 0, interval, stop, _seat: seat };
    // A proxy that holds events back would make every page say that the state is unknown.
    let headers = [(header::HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Sse::new(watch(watcher))).into_response()
}

fn watch(watcher: Watcher) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(watcher, |mut watcher| async move {
        let batch = watcher.next().await?;
        Some((stream::iter(batch.into_iter().map(Ok)), watcher))
    })
    .flatten()
}

impl Watcher {
    async fn next(&mut self) -> Option<Vec<Event>> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            _ = self.interval.tick() => {}
        }
        // A place that is no longer in the site file ends the stream; the page asks again and is told.
        let parts = fragments(&self.local.look(self.language), &self.page)?;
        let mut events = Vec::new();
        for (id, html) in &parts {
            if self.sent.get(id) != Some(html) {
                let event = Event::default().event("fragment").json_data(Fragment { id, html });
                events.extend(event.ok());
            }
        }
        self.sent = parts;
        if self.looks.is_multiple_of(BEAT) {
            events.push(Event::default().event("beat").data(&assets::names().hash));
        }
        self.looks = self.looks.wrapping_add(1);
        Some(events)
    }
}
