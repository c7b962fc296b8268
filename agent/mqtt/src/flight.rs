//! Which publishes are unanswered, and under which packet id.
//!
//! rumqttc numbers publishes and subscriptions itself, from 1 to a span and round again, and stops
//! altogether when it comes to an id that is still unanswered. The same count is kept here, ahead of
//! it: an offer whose id is not free is not handed over yet. Each `Outgoing` event is compared with
//! the forecast, so that a change in the library shows itself as an error and not as a mix-up.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// rumqttc's count of packet ids, one step ahead.
#[derive(Debug)]
struct Ids {
    last: u16,
    span: u16,
}

impl Ids {
    fn peek(&self) -> u16 {
        self.last + 1
    }

    fn advance(&mut self) -> u16 {
        let id = self.peek();
        self.last = if id >= self.span { 0 } else { id };
        id
    }
}

/// A publish that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered {
    pub(crate) token: u64,
    /// Packet id; 0 for QoS 0.
    pub(crate) id: u16,
    /// Size of its packet.
    pub(crate) bytes: usize,
    /// The event loop has put it on the wire.
    written: bool,
}

/// The event loop wrote another id than the one that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfStep {
    pub(crate) expected: Option<u16>,
    pub(crate) found: u16,
}

/// All unanswered publishes of one connection, in the order in which they were handed over.
#[derive(Debug)]
pub(crate) struct Flight {
    ids: Ids,
    /// Bounded by the window: the door accepts no more.
    unanswered: VecDeque<Unanswered>,
    /// Since when the first of them has been the first.
    head_since: Instant,
}

impl Flight {
    /// A flight with no publishes yet; rumqttc uses the ids from 1 to `span`.
    pub(crate) fn new(span: u16, now: Instant) -> Self {
        Self { ids: Ids { last: 0, span }, unanswered: VecDeque::new(), head_since: now }
    }

    /// The id of a subscription that is being handed over.
    pub(crate) fn subscribe(&mut self) -> u16 {
        self.ids.advance()
    }

    /// Whether the id that the next QoS 1 publish would get is free.
    pub(crate) fn has_room(&self) -> bool {
        let id = self.ids.peek();
        self.unanswered.iter().all(|publish| publish.id != id)
    }

    /// Takes note of a publish that is being handed over.
    pub(crate) fn hand_over(&mut self, token: u64, bytes: usize, acknowledged: bool, now: Instant) {
        if self.unanswered.is_empty() {
            self.head_since = now;
        }
        let id = if acknowledged { self.ids.advance() } else { 0 };
        self.unanswered.push_back(Unanswered { token, id, bytes, written: false });
    }

    /// The event loop wrote a publish with this id; gives it back if that was all (QoS 0).
    pub(crate) fn written(&mut self, id: u16, now: Instant) -> Result<Option<Unanswered>, OutOfStep> {
        let due = self
            .unanswered
            .iter()
            .position(|publish| !publish.written)
            .and_then(|at| self.unanswered.get_mut(at).map(|publish| (at, publish)));
        match due {
            Some((at, publish)) if publish.id == id => {
                publish.written = true;
                Ok(if id == 0 { self.remove(at, now) } else { None })
            }
            other => Err(OutOfStep { expected: other.map(|(_, publish)| publish.id), found: id }),
        }
    }

    /// The broker answered this id; gives the publish back, or nothing if none has it.
    pub(crate) fn answered(&mut self, id: u16, now: Instant) -> Option<Unanswered> {
        let at = self.unanswered.iter().position(|publish| publish.written && publish.id == id && id != 0)?;
        self.remove(at, now)
    }

    fn remove(&mut self, at: usize, now: Instant) -> Option<Unanswered> {
        if at == 0 {
            self.head_since = now;
        }
        self.unanswered.remove(at)
    }

    /// How long the first unanswered publish has been the first.
    ///
    /// Brokers answer in order (MQTT-4.6.0-2), so on a slow line every PUBACK starts this anew, and
    /// one that was lost is seen although later ones keep coming.
    pub(crate) fn head_age(&self, now: Instant) -> Option<Duration> {
        (!self.unanswered.is_empty()).then(|| now.saturating_duration_since(self.head_since))
    }

    /// Takes out the largest of those that were written.
    pub(crate) fn take_largest(&mut self, now: Instant) -> Option<Unanswered> {
        let (at, _) = self.unanswered.iter().enumerate().max_by_key(|(_, publish)| publish.bytes)?;
        self.remove(at, now)
    }

    pub(crate) fn len(&self) -> usize {
        self.unanswered.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unanswered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ids_run_like_the_library_s() {
        // rumqttc's own rule: one more than the last, and the last becomes 0 at the span.
        for (span, expected) in [(1, vec![1, 1, 1]), (2, vec![1, 2, 1, 2]), (3, vec![1, 2, 3, 1, 2])] {
            let mut ids = Ids { last: 0, span };
            let found: Vec<u16> = expected.iter().map(|_| ids.advance()).collect();
            assert_eq!(found, expected, "span {span}");
        }
    }

    #[test]
    fn out_of_order_answers_never_collide() {
        let now = Instant::now();
        let mut flight = Flight::new(3, now);
        for token in 0..3 {
            assert!(flight.has_room());
            flight.hand_over(token, 10, true, now);
        }
        for id in 1..=3 {
            assert_eq!(flight.written(id, now), Ok(None));
        }
        assert_eq!(flight.answered(2, now).unwrap().token, 1);
        assert!(!flight.has_room(), "id 1 comes next and is unanswered");
        assert_eq!(flight.answered(2, now), None, "a second answer answers nothing");
        assert_eq!(flight.answered(1, now).unwrap().token, 0);
        assert!(flight.has_room());
    }

    #[test]
    fn the_head_age_sees_one_lost_answer_among_others() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut flight = Flight::new(100, start);
        assert_eq!(flight.head_age(at(9)), None);
        for token in 0..4 {
            flight.hand_over(token, 10, true, at(token));
            assert_eq!(flight.written(u16::try_from(token).unwrap() + 1, at(token)), Ok(None));
        }
        flight.answered(2, at(5));
        flight.answered(3, at(6));
        assert_eq!(flight.head_age(at(7)), Some(Duration::from_secs(7)));
        flight.answered(1, at(8));
        assert_eq!(flight.head_age(at(9)), Some(Duration::from_secs(1)), "in order, it starts anew");
    }

    #[test]
    fn a_write_out_of_step_is_an_error() {
        let now = Instant::now();
        let mut flight = Flight::new(10, now);
        assert_eq!(flight.written(1, now), Err(OutOfStep { expected: None, found: 1 }));
        flight.hand_over(1, 10, true, now);
        flight.hand_over(2, 30, false, now);
        assert_eq!(flight.written(2, now), Err(OutOfStep { expected: Some(1), found: 2 }));
        assert_eq!(flight.written(1, now), Ok(None));
        assert_eq!(flight.written(0, now).unwrap().unwrap().token, 2);
        assert_eq!(flight.len(), 1);
        assert_eq!(flight.take_largest(now).unwrap().token, 1);
        assert!(flight.is_empty());
    }
}
