//! Where the owner hands messages in.
//!
//! Open only while a connection stands. What is inside is at most one window: a place is taken by
//! [`Publisher::try_publish`] and given back when the answer is in the owner's event channel.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    dated::Calendar,
    message::{LARGEST_PACKET, Message},
    settings::{SettingsError, TlsPem},
    tls::client_config,
};

/// The owner's handle: offers messages to the link. Clones share one window.
#[derive(Clone, Debug)]
pub struct Publisher {
    pub(crate) door: Arc<Door>,
}

/// Why a message was not accepted. Nothing has been kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// There is no connection; wait for [`crate::Event::Connected`].
    #[error("the broker is not connected; offer the message again after the next connection")]
    Offline,
    /// The window is full; wait for an answer.
    #[error("the window is full; offer the message again after the next answer")]
    WindowFull,
    /// The broker does not take packets of this size: this message will never pass on this
    /// connection, so it is to be set aside and reported.
    #[error(
        "the packet of {bytes} bytes is above the broker's limit of {limit}; set it aside or raise the broker's maximum packet size"
    )]
    TooLarge {
        /// Size of the packet.
        bytes: usize,
        /// The CONNACK's maximum packet size, or the protocol's.
        limit: usize,
    },
}

impl Publisher {
    /// Offers a message under a token of the owner's choosing.
    ///
    /// Acceptance means that exactly one answer will follow: [`crate::Event::Acked`],
    /// [`crate::Event::NotTaken`], or [`crate::Event::Disconnected`] for all that are open. Messages are
    /// sent in the order of acceptance.
    ///
    /// # Errors
    ///
    /// Refuses when there is no connection, when the window is full, and when the broker's maximum
    /// packet size is exceeded.
    pub fn try_publish(&self, message: Message, token: u64) -> Result<(), PublishError> {
        let bytes = message.packet_bytes();
        {
            let mut inside = self.door.inside();
            if !inside.open {
                return Err(PublishError::Offline);
            }
            if bytes > inside.largest {
                return Err(PublishError::TooLarge { bytes, limit: inside.largest });
            }
            if inside.taken >= inside.window {
                return Err(PublishError::WindowFull);
            }
            inside.taken += 1;
            inside.queue.push_back(Offer { message, token, bytes });
        }
        self.door.arrived.notify_one();
        Ok(())
    }

    /// Takes another TLS identity, which the next connection uses; the one that stands goes on.
    ///
    /// # Errors
    ///
    /// Refuses certificates or a key that cannot be read or do not belong together, and an identity for a link
    /// that was started without TLS; the old one stays in use then.
    pub fn renew_identity(&self, pem: &TlsPem) -> Result<(), SettingsError> {
        let renewed = client_config(pem, self.door.calendar.clone())?;
        let mut tls = self.door.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if tls.is_none() {
            return Err(SettingsError::Tls("this link was started without TLS".to_owned()));
        }
        *tls = Some(renewed);
        Ok(())
    }

    /// How many messages would be accepted now; zero without a connection.
    pub fn free(&self) -> usize {
        let inside = self.door.inside();
        if inside.open { inside.window.saturating_sub(inside.taken) } else { 0 }
    }
}

/// A message on its way to the wire.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) message: Message,
    pub(crate) token: u64,
    /// Size of its packet.
    pub(crate) bytes: usize,
}

/// What the publishers and the link's task share.
#[derive(Debug, Default)]
pub(crate) struct Door {
    inside: Mutex<Inside>,
    /// What the next connection shows and trusts.
    pub(crate) tls: Mutex<Option<Arc<rustls::ClientConfig>>>,
    /// What a renewed identity judges the broker's certificate by.
    calendar: Option<Arc<dyn Calendar>>,
    /// Rung when something was put in the queue.
    pub(crate) arrived: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    open: bool,
    /// Places on this connection.
    window: usize,
    /// Places taken, from acceptance to the delivery of the answer.
    taken: usize,
    /// Largest packet, in bytes.
    largest: usize,
    /// Accepted and not yet taken by the connection; at most `taken`.
    queue: VecDeque<Offer>,
}

impl Door {
    /// With what the first connection shows and trusts.
    pub(crate) fn with(tls: Option<Arc<rustls::ClientConfig>>, calendar: Option<Arc<dyn Calendar>>) -> Self {
        Self { tls: Mutex::new(tls), calendar, ..Self::default() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // No code that could panic runs under the lock, so a poisoned one is still whole.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open(&self, window: u16, max_packet_bytes: Option<u32>) {
        let mut inside = self.inside();
        inside.open = true;
        inside.window = usize::from(window);
        inside.taken = 0;
        inside.largest = max_packet_bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(LARGEST_PACKET);
        inside.queue.clear();
    }

    /// Accepts nothing more; what was accepted can still be taken.
    pub(crate) fn shut(&self) {
        self.inside().open = false;
    }

    /// Accepts nothing more and forgets what was accepted: the connection is gone.
    pub(crate) fn void(&self) {
        let mut inside = self.inside();
        inside.open = false;
        inside.taken = 0;
        inside.queue.clear();
    }

    pub(crate) fn take(&self) -> Option<Offer> {
        self.inside().queue.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inside().queue.is_empty()
    }

    /// Gives one place back: an answer has been delivered.
    pub(crate) fn release(&self) {
        let mut inside = self.inside();
        inside.taken = inside.taken.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Qos;
    use bytes::Bytes;

    fn message(payload: usize) -> Message {
        Message { topic: "t".to_owned(), payload: Bytes::from(vec![0; payload]), qos: Qos::AtLeastOnce, retain: false }
    }

    #[test]
    fn a_link_without_tls_takes_no_identity() {
        let publisher = Publisher { door: Arc::new(Door::default()) };
        let pem = TlsPem { ca: Vec::new(), certificate: Vec::new(), key: Vec::new() };
        assert!(publisher.renew_identity(&pem).is_err());
    }

    #[test]
    fn accepts_one_window_and_only_while_open() {
        let door = Arc::new(Door::default());
        let publisher = Publisher { door: Arc::clone(&door) };
        assert_eq!(publisher.try_publish(message(1), 1), Err(PublishError::Offline));
        door.open(2, Some(64));
        assert_eq!(publisher.free(), 2);
        assert_eq!(publisher.try_publish(message(1), 1), Ok(()));
        assert_eq!(publisher.try_publish(message(1), 2), Ok(()));
        assert_eq!(publisher.try_publish(message(1), 3), Err(PublishError::WindowFull));
        assert_eq!(publisher.try_publish(message(57), 3), Err(PublishError::TooLarge { bytes: 65, limit: 64 }));
        assert_eq!(door.take().map(|offer| offer.token), Some(1));
        assert_eq!(publisher.free(), 0, "a place is kept until the answer is delivered");
        door.release();
        assert_eq!(publisher.free(), 1);
        door.shut();
        assert_eq!(publisher.try_publish(message(1), 3), Err(PublishError::Offline));
        assert_eq!(door.take().map(|offer| offer.token), Some(2), "a shut door still drains");
        door.open(2, None);
        assert_eq!(publisher.try_publish(message(57), 3), Ok(()));
        door.void();
        assert!(door.is_empty());
        door.release();
        assert_eq!(publisher.free(), 0);
    }
}
