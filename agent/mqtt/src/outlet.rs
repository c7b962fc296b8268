//! The way to the owner: a bounded channel, and in front of it what has to wait.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::timeout};

use crate::{door::Door, event::Event, settings::INCOMING_WINDOW};

/// What an event settles when it goes into the owner's channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settles {
    Nothing,
    /// A place of the window. It is given back before the owner can see the event, since an owner
    /// that reads the answer and finds no place would wait for an event that never comes.
    Place,
    /// The incoming QoS 1 message with this packet id, which can be acknowledged now.
    Message(u16),
}

/// The incoming message with this packet id is with the owner and is to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledge(pub(crate) u16);

/// More messages are waiting than the broker was allowed to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overrun;

/// The event channel and what waits for it.
///
/// `waiting` holds at most one window of answers, [`INCOMING_WINDOW`] messages, and the three events
/// that a connection has of its own.
#[derive(Debug)]
pub(crate) struct Outlet {
    channel: mpsc::Sender<Event>,
    waiting: VecDeque<(Event, Settles)>,
    door: Arc<Door>,
    /// How many of `waiting` are messages.
    messages: usize,
    /// QoS 0 messages dropped since the start.
    dropped: u64,
}

impl Outlet {
    pub(crate) fn new(channel: mpsc::Sender<Event>, door: Arc<Door>) -> Self {
        Self { channel, waiting: VecDeque::new(), door, messages: 0, dropped: 0 }
    }

    /// Passes an event on, or lets it wait; gives back what is to be acknowledged if it was passed on.
    pub(crate) fn push(&mut self, event: Event, settles: Settles) -> Option<Acknowledge> {
        if self.waiting.is_empty() {
            match self.channel.try_reserve() {
                Ok(place) => {
                    let due = self.settle(settles);
                    place.send(event);
                    return due;
                }
                // The owner is gone, and the link will end.
                Err(mpsc::error::TrySendError::Closed(())) => return self.settle(settles),
                Err(mpsc::error::TrySendError::Full(())) => {}
            }
        }
        self.messages += usize::from(matches!(event, Event::Message(_)));
        self.waiting.push_back((event, settles));
        None
    }

    /// Passes an incoming message on, within the bound.
    pub(crate) fn push_message(&mut self, event: Event, settles: Settles) -> Result<Option<Acknowledge>, Overrun> {
        if self.messages < usize::from(INCOMING_WINDOW) {
            return Ok(self.push(event, settles));
        }
        if matches!(settles, Settles::Message(_)) {
            return Err(Overrun);
        }
        self.dropped += 1;
        tracing::warn!(dropped = self.dropped, "incoming QoS 0 message dropped: the reader does not keep up");
        Ok(None)
    }

    fn settle(&self, settles: Settles) -> Option<Acknowledge> {
        match settles {
            Settles::Nothing => None,
            Settles::Place => {
                self.door.release();
                None
            }
            Settles::Message(id) => Some(Acknowledge(id)),
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits for room and passes the first waiting event on. May be cancelled without loss.
    pub(crate) async fn pass_one(&mut self) -> Option<Acknowledge> {
        // An error means that the owner is gone; then nobody is owed anything.
        let place = self.channel.reserve().await;
        let (event, settles) = self.waiting.pop_front()?;
        self.messages -= usize::from(matches!(event, Event::Message(_)));
        let due = self.settle(settles);
        if let Ok(place) = place {
            place.send(event);
        }
        due
    }

    /// Another end of the channel, to learn from it when the owner is gone.
    pub(crate) fn owner(&self) -> mpsc::Sender<Event> {
        self.channel.clone()
    }

    /// Waits until the owner has taken every event, or is gone.
    pub(crate) async fn until_taken(&mut self) {
        while self.is_waiting() {
            self.pass_one().await;
        }
        // All permits of the channel are free exactly when it is empty.
        let all = self.channel.max_capacity();
        drop(self.channel.reserve_many(all).await);
    }

    /// Passes on what waits, for at most `limit`.
    pub(crate) async fn flush(&mut self, limit: Duration) {
        let all = async {
            while self.is_waiting() {
                self.pass_one().await;
            }
        };
        if timeout(limit, all).await.is_err() {
            tracing::warn!(events = self.waiting.len(), "events not read before the stop");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::message::Incoming;
    use bytes::Bytes;

    fn message() -> Event {
        Event::Message(Incoming { topic: "t".to_owned(), payload: Bytes::new(), retained: false })
    }

    fn outlet() -> (Outlet, mpsc::Receiver<Event>, Arc<Door>) {
        let (channel, events) = mpsc::channel(1);
        let door = Arc::new(Door::default());
        (Outlet::new(channel, Arc::clone(&door)), events, door)
    }

    #[tokio::test]
    async fn a_slow_owner_holds_back_answers_and_nothing_overtakes() {
        let (mut outlet, mut events, door) = outlet();
        door.open(2, None);
        let publisher = crate::Publisher { door };
        for token in 1..=2 {
            let message = crate::Message {
                topic: "t".to_owned(),
                payload: Bytes::new(),
                qos: crate::Qos::AtLeastOnce,
                retain: false,
            };
            publisher.try_publish(message, token).unwrap();
        }
        assert_eq!(outlet.push(Event::Acked { token: 1 }, Settles::Place), None);
        assert_eq!(outlet.push(Event::Acked { token: 2 }, Settles::Place), None);
        assert_eq!(publisher.free(), 1, "the second answer waits and keeps its place");
        assert_eq!(events.recv().await, Some(Event::Acked { token: 1 }));
        outlet.push(Event::Subscribed, Settles::Nothing);
        assert!(events.try_recv().is_err(), "nothing may overtake");
        outlet.pass_one().await;
        assert_eq!(publisher.free(), 2, "given back before the owner can see the answer");
        assert_eq!(events.recv().await, Some(Event::Acked { token: 2 }));
        outlet.pass_one().await;
        assert_eq!(events.recv().await, Some(Event::Subscribed));
        outlet.until_taken().await;
    }

    #[tokio::test]
    async fn messages_above_the_bound_are_a_fault_or_a_counted_loss() {
        let (mut outlet, events, _) = outlet();
        assert_eq!(outlet.push_message(message(), Settles::Message(5)), Ok(Some(Acknowledge(5))));
        for _ in 0..INCOMING_WINDOW {
            assert_eq!(outlet.push_message(message(), Settles::Message(1)), Ok(None));
        }
        assert_eq!(outlet.push_message(message(), Settles::Message(1)), Err(Overrun));
        assert_eq!(outlet.push_message(message(), Settles::Nothing), Ok(None));
        assert_eq!(outlet.dropped, 1);
        drop(events);
        outlet.until_taken().await;
        assert!(!outlet.is_waiting() && outlet.messages == 0);
    }
}
