//! One connection, from CONNECT to its end. An event loop lives exactly as long.
//!
//! Requests go through rumqttc's own channel, which wakes a running `poll`; so `poll` is never dropped
//! while it writes, except to end the connection. The channel has room for everything that may be
//! handed over at once, so nothing here ever waits for it.

use std::time::Duration;

use rumqttc::{
    Outgoing,
    v5::{
        AsyncClient, ConnectionError, Event as Polled, EventLoop, Request, StateError,
        mqttbytes::{
            QoS,
            v5::{DisconnectReasonCode, Filter, Packet, PubAck, Publish, SubAck},
        },
    },
};
use std::sync::Arc;
use tokio::{
    pin, select,
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    diagnosis::diagnose,
    door::{Door, Offer},
    event::{Event, NotTaken, RETAIN_NOT_SUPPORTED, TOPIC_NAME_INVALID},
    flight::{Flight, Unanswered},
    handshake::{LINGER, Limits, channel_capacity, connect, options},
    message::{Incoming, is_topic_name},
    outlet::{Acknowledge, Outlet, Settles},
    settings::{INCOMING_WINDOW, STOP_WITHIN, Settings},
    subscription::{Subscription, check_granted, subscribe_packets},
};

/// How many times within an acknowledgement timeout the timeouts are looked at.
const LOOKS_PER_TIMEOUT: u32 = 8;

/// Why a connection is over.
#[derive(Debug)]
pub(crate) enum End {
    /// Something failed; this is what to tell.
    Failed(String),
    /// The stop token was cancelled, or the owner is gone; the DISCONNECT is out if there was time.
    Stopped,
}

/// What lives as long as the link and is lent to each connection.
pub(crate) struct Link<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
    pub(crate) door: &'a Door,
    pub(crate) outlet: &'a mut Outlet,
    pub(crate) stop: &'a CancellationToken,
}

/// Connects, works until the end, and says how it ended and since when the link was usable.
pub(crate) async fn run(link: Link<'_>) -> (End, Option<Instant>) {
    let (client, mut eventloop) =
        AsyncClient::new(options(link.settings, link.tls.clone()), channel_capacity(link.settings));
    let connack = match connect(link.settings, link.stop, &mut eventloop).await {
        Ok(connack) => connack,
        Err(end) => return (end, None),
    };
    let limits = match Limits::read(&connack, link.settings) {
        Ok(limits) => limits,
        Err(why) => return (End::Failed(why), None),
    };
    if limits.server_keep_alive == Some(Duration::ZERO) {
        // "No keep-alive", which rumqttc would take for "ping all the time".
        eventloop.options.set_keep_alive(link.settings.keep_alive);
    }
    let since = Instant::now();
    let mut connection = Connection::new(link, client, limits, since);
    let end = connection.work(&mut eventloop).await;
    let usable = connection.is_subscribed().then_some(since);
    (end, usable)
}

struct Connection<'a> {
    link: Link<'a>,
    client: AsyncClient,
    limits: Limits,
    flight: Flight,
    subscription: Subscription,
    /// Taken out of the door, and its packet id is not free yet.
    held: Option<Offer>,
    /// When the event loop last gave anything.
    heard: Instant,
    keep_alive: Duration,
}

impl<'a> Connection<'a> {
    fn new(link: Link<'a>, client: AsyncClient, limits: Limits, now: Instant) -> Self {
        let keep_alive = match limits.server_keep_alive {
            Some(Duration::ZERO) | None => link.settings.keep_alive,
            Some(keep_alive) => keep_alive,
        };
        let packets = subscribe_packets(&link.settings.subscribe, limits.max_packet_bytes);
        tracing::info!(window = limits.window, max_packet_bytes = limits.max_packet_bytes, "connected");
        // Open before the owner can see the event: an owner that reads it and is refused would wait
        // for another that never comes.
        link.door.open(limits.window, limits.max_packet_bytes);
        link.outlet.push(
            Event::Connected { window: limits.window, max_packet_bytes: limits.max_packet_bytes },
            Settles::Nothing,
        );
        Self {
            link,
            client,
            limits,
            flight: Flight::new(limits.id_span, now),
            subscription: if packets.is_empty() { Subscription::Done } else { Subscription::Due(packets) },
            held: None,
            heard: now,
            keep_alive,
        }
    }

    fn is_subscribed(&self) -> bool {
        matches!(self.subscription, Subscription::Done)
    }

    async fn work(&mut self, eventloop: &mut EventLoop) -> End {
        let mut looks = interval((self.link.settings.ack_timeout / LOOKS_PER_TIMEOUT).max(Duration::from_millis(1)));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let owner = self.link.outlet.owner();
        let stop = self.link.stop.clone();
        let mut leave_by: Option<Instant> = None;
        loop {
            if let Err(why) = self.hand_over() {
                return End::Failed(why);
            }
            if leave_by.is_some() && self.is_drained() {
                self.leave(eventloop).await;
                return End::Stopped;
            }
            let polled = {
                let poll = eventloop.poll();
                pin!(poll);
                loop {
                    select! {
                        polled = &mut poll => break Some(polled),
                        () = self.link.door.arrived.notified() => {}
                        due = self.link.outlet.pass_one(), if self.link.outlet.is_waiting() => {
                            acknowledge(&self.client, due);
                        }
                        _ = looks.tick() => {
                            if let Err(why) = self.look(Instant::now()) {
                                return End::Failed(why);
                            }
                        }
                        () = stop.cancelled(), if leave_by.is_none() => {
                            self.link.door.shut();
                            leave_by = Some(Instant::now() + STOP_WITHIN);
                        }
                        () = owner.closed(), if leave_by.is_none() => {
                            self.link.door.shut();
                            leave_by = Some(Instant::now());
                        }
                        () = sleep_until(leave_by.unwrap_or_else(Instant::now)), if leave_by.is_some() => {
                            break None;
                        }
                    }
                    if let Err(why) = self.hand_over() {
                        return End::Failed(why);
                    }
                    if leave_by.is_some() && self.is_drained() {
                        break None;
                    }
                }
            };
            match polled {
                Some(Ok(event)) => {
                    if let Err(why) = self.on_event(event) {
                        return End::Failed(why);
                    }
                }
                Some(Err(error)) => return End::Failed(self.on_error(eventloop, &error)),
                None => {
                    self.leave(eventloop).await;
                    return End::Stopped;
                }
            }
        }
    }

    fn is_drained(&self) -> bool {
        self.flight.is_empty() && self.held.is_none() && self.link.door.is_empty()
    }

    /// Gives rumqttc what it may have now: the next subscription, then publishes.
    fn hand_over(&mut self) -> Result<(), String> {
        let now = Instant::now();
        if let Subscription::Due(packets) = &mut self.subscription {
            let mut packets = std::mem::take(packets);
            let filters = if packets.is_empty() { Vec::new() } else { packets.remove(0) };
            self.client
                .try_subscribe_many(filters.iter().map(|filter| Filter::new(filter, QoS::AtLeastOnce)))
                .map_err(|error| format!("rumqttc did not take a subscription: {error}"))?;
            self.subscription = Subscription::Sent { id: self.flight.subscribe(), filters, since: now, rest: packets };
        }
        if !self.is_subscribed() {
            return Ok(());
        }
        while let Some(offer) = self.held.take().or_else(|| self.link.door.take()) {
            if let Some(code) = self.refusal(&offer) {
                self.answer(offer.token, Some(NotTaken::Refused(code)));
                continue;
            }
            let acknowledged = offer.message.qos == crate::Qos::AtLeastOnce;
            if acknowledged && !self.flight.has_room() {
                self.held = Some(offer);
                break;
            }
            let Offer { message, token, bytes } = offer;
            self.client
                .try_publish(message.topic, message.qos.into(), message.retain, message.payload)
                .map_err(|error| format!("rumqttc did not take a publish: {error}"))?;
            self.flight.hand_over(token, bytes, acknowledged, now);
        }
        Ok(())
    }

    /// What the broker would answer, where its answer would be to end the connection.
    fn refusal(&self, offer: &Offer) -> Option<u8> {
        if !is_topic_name(&offer.message.topic) {
            return Some(TOPIC_NAME_INVALID);
        }
        (offer.message.retain && !self.limits.keeps_retained).then_some(RETAIN_NOT_SUPPORTED)
    }

    fn on_event(&mut self, event: Polled) -> Result<(), String> {
        let now = Instant::now();
        self.heard = now;
        match event {
            Polled::Outgoing(Outgoing::Publish(id)) => match self.flight.written(id, now) {
                Ok(None) => {}
                Ok(Some(publish)) => self.answer(publish.token, None),
                Err(fault) => {
                    return Err(format!("packet ids out of step with rumqttc: {fault:?}"));
                }
            },
            Polled::Outgoing(Outgoing::AwaitAck(id)) => {
                return Err(format!("rumqttc found packet id {id} still open"));
            }
            Polled::Incoming(Packet::PubAck(puback)) => self.on_puback(&puback, now),
            Polled::Incoming(Packet::SubAck(suback)) => return self.on_suback(&suback),
            Polled::Incoming(Packet::Publish(publish)) => return self.on_message(publish),
            // Pings, our own acknowledgements, and a DISCONNECT, which the error after it tells better.
            Polled::Outgoing(_) | Polled::Incoming(_) => {}
        }
        Ok(())
    }

    fn on_puback(&mut self, puback: &PubAck, now: Instant) {
        let Some(Unanswered { token, .. }) = self.flight.answered(puback.pkid, now) else {
            // rumqttc ends the connection over it; only the events before that error pass here.
            return;
        };
        self.answer(token, NotTaken::from_puback(puback.reason));
    }

    fn answer(&mut self, token: u64, not_taken: Option<NotTaken>) {
        let event = match not_taken {
            None => Event::Acked { token },
            Some(reason) => Event::NotTaken { token, reason },
        };
        self.link.outlet.push(event, Settles::Place);
    }

    fn on_suback(&mut self, suback: &SubAck) -> Result<(), String> {
        let Subscription::Sent { id, filters, rest, .. } = &mut self.subscription else {
            return Ok(());
        };
        if suback.pkid != *id {
            return Err(format!("the broker answered subscription {}, and {id} was asked", suback.pkid));
        }
        check_granted(filters, suback)?;
        let rest = std::mem::take(rest);
        if rest.is_empty() {
            self.subscription = Subscription::Done;
            self.link.outlet.push(Event::Subscribed, Settles::Nothing);
        } else {
            self.subscription = Subscription::Due(rest);
        }
        Ok(())
    }

    fn on_message(&mut self, publish: Publish) -> Result<(), String> {
        let settles = match publish.qos {
            QoS::AtMostOnce => Settles::Nothing,
            QoS::AtLeastOnce => Settles::Message(publish.pkid),
            QoS::ExactlyOnce => {
                return Err("the broker sent a QoS 2 message to a QoS 1 subscription".to_owned());
            }
        };
        let topic = String::from_utf8(publish.topic.to_vec()).unwrap_or_default();
        if topic.is_empty() {
            return Err("the broker sent a message without a readable topic name".to_owned());
        }
        let message = Event::Message(Incoming { topic, payload: publish.payload, retained: publish.retain });
        match self.link.outlet.push_message(message, settles) {
            Ok(due) => acknowledge(&self.client, due),
            Err(_) => {
                return Err(format!(
                    "the broker sent more than {INCOMING_WINDOW} unacknowledged messages, above our receive maximum"
                ));
            }
        }
        Ok(())
    }

    /// Looks at the timeouts.
    fn look(&self, now: Instant) -> Result<(), String> {
        let limit = self.link.settings.ack_timeout;
        if let Some(age) = self.flight.head_age(now)
            && age > limit
        {
            return Err(format!(
                "no answer to the oldest of {} publishes for {age:?}; the line is dead, or slower than the acknowledgement timeout of {limit:?}",
                self.flight.len()
            ));
        }
        if let Subscription::Sent { since, .. } = &self.subscription
            && now.saturating_duration_since(*since) > limit
        {
            return Err(format!("no answer to the subscription for {limit:?}"));
        }
        // A healthy event loop gives a ping per keep-alive. While a write is stuck it gives none, and
        // its own ping timeout does not run either.
        let quiet = self.keep_alive.saturating_mul(2).saturating_add(limit);
        if now.saturating_duration_since(self.heard) > quiet {
            return Err(format!("nothing written or read for {quiet:?}"));
        }
        Ok(())
    }

    /// Saves what had come in before the error, and says what the error was.
    ///
    /// rumqttc reads up to ten packets at once and reports an error before the good ones that came
    /// with it.
    fn on_error(&mut self, eventloop: &mut EventLoop, error: &ConnectionError) -> String {
        while let Some(event) = eventloop.state.events.pop_front() {
            if self.on_event(event).is_err() {
                break;
            }
        }
        let too_large = matches!(
            error,
            ConnectionError::MqttState(StateError::ServerDisconnect {
                reason_code: DisconnectReasonCode::PacketTooLarge,
                ..
            })
        );
        if too_large && let Some(publish) = self.flight.take_largest(Instant::now()) {
            self.answer(publish.token, Some(NotTaken::TooLarge { bytes: publish.bytes, limit: publish.bytes - 1 }));
        }
        diagnose(error, &self.link.settings.host, self.link.settings.port)
    }

    /// Sends DISCONNECT, so that the will is discarded (MQTT 5.0, 3.14.4), and waits for the close.
    async fn leave(&mut self, eventloop: &mut EventLoop) {
        // `pending` comes before the channel and is served even when the window is full.
        eventloop.pending.clear();
        eventloop.pending.push_back(Request::Disconnect);
        let closed = timeout(LINGER, async {
            // What still comes in is passed on; the close itself is an error.
            while let Ok(event) = eventloop.poll().await {
                if self.on_event(event).is_err() {
                    break;
                }
            }
        });
        if closed.await.is_err() {
            tracing::debug!("the broker did not close after DISCONNECT");
        }
    }
}

/// Acknowledges an incoming message.
fn acknowledge(client: &AsyncClient, due: Option<Acknowledge>) {
    let Some(Acknowledge(id)) = due else { return };
    let publish = Publish { qos: QoS::AtLeastOnce, pkid: id, ..Publish::default() };
    // The channel has room for every message that may be open. If it has none, the broker holds one
    // message more against our receive maximum until this connection ends.
    if let Err(error) = client.try_ack(&publish) {
        tracing::warn!(%error, id, "incoming message not acknowledged");
    }
}
