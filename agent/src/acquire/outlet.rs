//! The one way out of a port task: counts what passes, then hands it on.

use std::sync::Arc;

use bytes::Bytes;
use tidewaiter_drivers::{
    portal::rpm::Line,
    reading::{Missing, Moment},
};
use tokio::sync::mpsc;

use super::{Arrival, Content, Counters, LinkState, counters::Tally};
use crate::clock::Clock;

/// Nobody listens any more: the task has nothing left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed;

#[derive(Clone, Debug)]
pub(super) struct Outlet {
    out: mpsc::Sender<Arrival>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
}

impl Outlet {
    pub(super) fn new(out: mpsc::Sender<Arrival>, clock: Arc<dyn Clock>, counters: Arc<Counters>) -> Self {
        Self { out, clock, counters }
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(super) fn count(&self, instrument: &str, count: impl FnOnce(&Tally)) {
        self.counters.at(instrument, count);
    }

    /// Counts and sends, waiting while the receiver is behind.
    pub(super) async fn send(
        &self,
        instrument: &Arc<str>,
        at: Moment,
        raw: Bytes,
        content: Content,
    ) -> Result<(), Closed> {
        self.count(instrument, |tally| match &content {
            Content::Readings(readings) => {
                for reading in readings {
                    match reading.outcome {
                        Ok(_) => tally.reading(),
                        Err(reason) => tally.missing(reason),
                    }
                }
            }
            // A line of no known kind is no fault, and there is nothing in it to read.
            Content::Portal(Line::Unknown) | Content::Link(_) | Content::Event(_) => {}
            Content::Portal(_) | Content::Identity(_) => tally.reading(),
            Content::Missing(reason) => tally.missing(*reason),
        });
        let arrival = Arrival { instrument: Arc::clone(instrument), at, raw, content };
        self.out.send(arrival).await.map_err(|_| Closed)
    }

    /// Says that the whole instrument has no value.
    pub(super) async fn missing(&self, instrument: &Arc<str>, reason: Missing, raw: Bytes) -> Result<(), Closed> {
        self.send(instrument, self.now(), raw, Content::Missing(reason)).await
    }

    /// Says that the port came or went; a port that went leaves its instrument without a value.
    pub(super) async fn link(&self, instrument: &Arc<str>, state: LinkState) -> Result<(), Closed> {
        self.send(instrument, self.now(), Bytes::new(), Content::Link(state)).await?;
        match state {
            LinkState::Up => Ok(()),
            LinkState::Down => self.missing(instrument, Missing::LineDown, Bytes::new()).await,
        }
    }
}
