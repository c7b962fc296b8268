//! How rumqttc is used so that nothing is lost: one task, one window, a new event loop per connection.
//!
//! What comes in is [`Message`]s offered by an owner that remembers them elsewhere (the agent's
//! outbox, the collector's store). What goes out is one [`Event`] per thing that happened. This
//! crate remembers nothing: after [`Event::Disconnected`] every token without an answer is void and
//! the owner offers it again. That is the whole contract, and it makes QoS 1 what it should be:
//! at least once, with the count of copies decided by the owner and not by a client library.
//!
//! # The rules, and why
//!
//! rumqttc 0.25.1 is a good codec and connector around a session store that loses or wedges. The
//! rules keep to the first and stay out of the second; each answers a failure that was measured.
//!
//! | rule | what happens without it |
//! |---|---|
//! | clean start, session expiry 0, and a new `EventLoop` for every connection | after a reconnect with `session present = 0` queued and unacknowledged publishes vanish without an event; with `= 1` one packet the broker cannot take is sent for ever |
//! | an event loop that gave an error is never polled again | it reconnects by itself, with its old tables |
//! | one task owns the event loop, and a `poll` once begun is finished or the connection dies | a `poll` dropped in mid-write loses the packet it was writing, and nobody learns of it |
//! | a window of our own, `min(settings, CONNACK receive maximum)` | above the broker's figure it may disconnect with reason 0x93; lowered on reconnect, rumqttc indexes past its table |
//! | no publish is handed over whose packet id is still unacknowledged | rumqttc parks it as a collision and stops taking anything |
//! | the oldest publish is answered within `ack_timeout`, or the connection is given up | one lost PUBACK wedges the client for ever |
//! | nothing larger than the CONNACK's maximum packet size is offered to the wire | the broker disconnects, the packet is resent, the broker disconnects |
//! | PUBACK 0x10 (no matching subscribers) is not success | the broker has accepted the record and thrown it away |
//! | subscriptions are made anew after each CONNACK, and the first publish waits for the SUBACK | a clean start has none; the answer to the first record could be missed |
//! | incoming messages are acknowledged only when the owner's channel has them | they would be lost between the broker's forgetting and the owner's reading |
//!
//! # When the owner is slow
//!
//! The event channel is bounded and nothing in it is ever dropped silently. When it is full, events
//! wait in a second queue inside the task, and `poll` goes on, so PUBACKs and pings are still
//! processed. That second queue is bounded by the protocol: an answer keeps its place in the window
//! until the owner's channel has it (so at most `window` answers wait and then
//! [`Publisher::try_publish`] says [`PublishError::WindowFull`]), and an incoming QoS 1 message is not
//! acknowledged until then (so the broker stops at our receive maximum, [`INCOMING_WINDOW`]).
//! Incoming QoS 0 messages have no flow control; those above [`INCOMING_WINDOW`] are dropped,
//! counted and logged, as "at most once" allows. No new connection is opened before the owner has
//! taken every event of the one before, so a token never has two answers.
//!
//! # What is not here
//!
//! No order between records, no retries, no decision that a record is done: the owner has those.
//! No WebSocket, no QoS 2, no topic aliases, no user names: a client is its certificate.
//!
//! Names and codes follow *MQTT Version 5.0*, OASIS Standard, 7 March 2019.

// "QoS" is the standard's word, not code.
#![allow(clippy::doc_markdown)]

mod backoff;
mod connection;
mod dated;
mod diagnosis;
mod door;
mod event;
mod flight;
mod handshake;
mod link;
mod message;
mod outlet;
mod settings;
mod subscription;
mod tls;

pub use dated::{Calendar, Date};
pub use door::{PublishError, Publisher};
pub use event::{Event, NotTaken};
pub use link::{start, start_dated};
pub use message::{Incoming, Message, Qos};
pub use settings::{
    Backoff, EVENT_QUEUE, INCOMING_WINDOW, LONGEST_KEEP_ALIVE, MAX_WINDOW, SHORTEST_KEEP_ALIVE, SMALLEST_INCOMING,
    STOP_WITHIN, Settings, SettingsError, TlsPem,
};
pub use tls::client_config;
