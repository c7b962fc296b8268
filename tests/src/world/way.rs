//! A connection between agent and centre that keeps the promises of the MQTT link, with troubles on the way.
//!
//! Every token that the door takes is answered once: acknowledged, not taken, or void with the connection. The
//! newest receipt and the signed orders are retained and come first on every connection, as a broker does it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tidewaiter_agent::uplink::Link;
use tidewaiter_collector::receipts::ReceiptDue;
use tidewaiter_mqtt::{Event, Incoming, Message, NotTaken, PublishError, Qos};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep, sleep_until},
};

use super::{
    centre::{Centre, TroubleKind},
    orders::Order,
};

/// Publishes that may wait for their answer: the window the agent's own link allows itself.
const WINDOW: usize = 32;
/// Events that may wait for the agent; the carrier waits when it is full.
const EVENTS: usize = 256;
/// How long one message travels.
const TRAVEL: Duration = Duration::from_millis(2);
/// Wait between two connections.
const RECONNECT: Duration = Duration::from_secs(1);
/// How long an unanswered publish is borne before the connection is given up, as the agent's own link does.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// The agent's side of a connection to the centre.
#[derive(Debug)]
pub struct Way {
    door: Arc<Door>,
    events: mpsc::Receiver<Event>,
}

#[derive(Debug, Default)]
struct Door {
    inside: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    open: bool,
    unanswered: usize,
    offers: VecDeque<(Message, u64)>,
}

impl Door {
    fn inside(&self) -> MutexGuard<'_, Waiting> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link for Way {
    fn publish(&self, message: Message, token: u64) -> Result<(), PublishError> {
        let mut door = self.door.inside();
        if !door.open {
            return Err(PublishError::Offline);
        }
        if door.unanswered >= WINDOW {
            return Err(PublishError::WindowFull);
        }
        door.unanswered += 1;
        door.offers.push_back((message, token));
        drop(door);
        self.door.arrived.notify_one();
        Ok(())
    }

    async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Way {
    /// A connection that keeps itself up until it is dropped.
    pub(super) fn to(centre: &Centre) -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        let door = Arc::new(Door::default());
        let carrier = Carrier { centre: centre.clone(), door: Arc::clone(&door), events: sender };
        tokio::spawn(carrier.run());
        Self { door, events }
    }
}

/// Carries messages of one agent for as long as the agent wants.
struct Carrier {
    centre: Centre,
    door: Arc<Door>,
    events: mpsc::Sender<Event>,
}

/// The agent has let go of its link.
struct Gone;

impl Carrier {
    async fn run(self) {
        // The only way out is that the agent is gone.
        let Gone = self.work().await;
    }

    async fn work(&self) -> Gone {
        loop {
            if let Some(back) = self.centre.away_until() {
                if self.tell(Event::Disconnected { why: "connection refused".to_owned() }).await.is_err() {
                    return Gone;
                }
                tokio::select! {
                    () = sleep_until(back) => {}
                    () = self.events.closed() => return Gone,
                }
                continue;
            }
            let why = match self.serve().await {
                Ok(why) => why,
                Err(gone) => return gone,
            };
            {
                let mut door = self.door.inside();
                *door = Waiting::default();
            }
            if self.tell(Event::Disconnected { why: why.to_owned() }).await.is_err() {
                return Gone;
            }
            sleep(RECONNECT).await;
        }
    }

    /// One connection; says why it ended.
    async fn serve(&self) -> Result<&'static str, Gone> {
        self.door.inside().open = true;
        self.tell(Event::Connected { window: u16::try_from(WINDOW).unwrap_or(u16::MAX), max_packet_bytes: None })
            .await?;
        self.tell(Event::Subscribed).await?;
        let retained = self.centre.retained();
        if let Some(due) = retained {
            self.tell(receipt(&due, true)).await?;
        }
        for order in self.centre.retained_orders() {
            self.tell(ordered(order, true)).await?;
        }
        // Set by the first publish whose answer got lost.
        let mut patience: Option<Instant> = None;
        loop {
            if self.centre.away_until().is_some() {
                return Ok("connection reset");
            }
            if patience.is_some_and(|until| Instant::now() >= until) {
                return Ok("no PUBACK in time");
            }
            self.centre.deliver_late();
            while let Some(due) = self.centre.receipt_due() {
                if self.centre.trouble(|kind| kind == TroubleKind::LostReceipt).is_none() {
                    self.tell(receipt(&due, false)).await?;
                }
            }
            while let Some(order) = self.centre.order_due() {
                self.tell(ordered(order, false)).await?;
            }
            self.centre.look_at_gaps();
            while let Some(due) = self.centre.resend_due() {
                let (topic, payload) = (due.topic(), Bytes::from(due.bytes));
                self.tell(Event::Message(Incoming { topic, payload, retained: false })).await?;
            }
            let offer = self.door.inside().offers.pop_front();
            if let Some((message, token)) = offer {
                sleep(TRAVEL).await;
                match self.carry(message) {
                    Some(Ok(())) => self.answer(Event::Acked { token }).await?,
                    Some(Err(reason)) => self.answer(Event::NotTaken { token, reason }).await?,
                    None => patience = patience.or(Some(Instant::now() + ACK_TIMEOUT)),
                }
                continue;
            }
            let next = [self.centre.next(), patience].into_iter().flatten().min();
            let by_itself = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.door.arrived.notified() => {}
                () = self.centre.ordered() => {}
                () = by_itself => {}
                () = self.events.closed() => return Err(Gone),
            }
        }
    }

    /// Carries one message; gives its answer, if that gets back.
    fn carry(&self, message: Message) -> Option<Result<(), NotTaken>> {
        let Message { topic, payload, qos, .. } = message;
        if qos == Qos::AtMostOnce {
            return Some(Ok(()));
        }
        if topic.contains("/evidence/") {
            self.centre.take_piece(&topic, &payload);
        }
        let is_record = topic.ends_with("/record") || topic.ends_with("/alert");
        let concerns = |kind| !matches!(kind, TroubleKind::Offline | TroubleKind::LostReceipt);
        match self.centre.trouble(concerns).filter(|_| is_record) {
            Some(TroubleKind::LostPublish) => Some(Ok(())),
            Some(TroubleKind::LostPuback) => {
                self.centre.deliver(&topic, &payload);
                None
            }
            Some(TroubleKind::Duplicate) => {
                self.centre.deliver(&topic, &payload);
                self.centre.deliver(&topic, &payload);
                Some(Ok(()))
            }
            Some(TroubleKind::Delayed(ms)) => {
                self.centre.deliver_at(Instant::now() + Duration::from_millis(ms), topic, payload);
                Some(Ok(()))
            }
            Some(TroubleKind::NoSubscriber) => Some(Err(NotTaken::NoSubscriber)),
            Some(TroubleKind::Offline | TroubleKind::LostReceipt) | None => {
                self.centre.deliver(&topic, &payload);
                Some(Ok(()))
            }
        }
    }

    /// An answer, with the place it frees in the window given back first.
    async fn answer(&self, event: Event) -> Result<(), Gone> {
        {
            let mut door = self.door.inside();
            door.unanswered = door.unanswered.saturating_sub(1);
        }
        self.tell(event).await
    }

    async fn tell(&self, event: Event) -> Result<(), Gone> {
        self.events.send(event).await.map_err(|_| Gone)
    }
}

fn receipt(due: &ReceiptDue, retained: bool) -> Event {
    Event::Message(Incoming { topic: due.topic(), payload: Bytes::from(due.bytes.clone()), retained })
}

fn ordered((topic, payload): Order, retained: bool) -> Event {
    Event::Message(Incoming { topic, payload, retained })
}
