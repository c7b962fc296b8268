//! The door that orders come in by: told apart by topic, bounded in size and number.

use bytes::Bytes;
use tidewaiter_record::mandate::{Kind, MAX_TABLE_BYTES};
use tokio::sync::{mpsc, watch};
use tracing::debug;

/// Orders that may wait: some tables, a chain of roots. Further ones are dropped and come again.
pub const ORDERS: usize = 64;
/// A beacon is a short item of its own.
const MAX_BEACON_BYTES: usize = 2048;

/// What an order is, by its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A root, limits or an assignment: its own bytes say which.
    Metadata(Kind),
    /// The file of a table.
    Table,
    /// A plan.
    Plan,
    /// A command.
    Command,
    /// A head of the centre's log.
    Beacon,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// What it is.
    pub what: What,
    /// Its bytes.
    pub payload: Bytes,
}

impl What {
    /// What a topic below `down/` carries.
    pub fn of_topic(rest: &str) -> Option<Self> {
        match rest.split_once('/') {
            Some(("root", version)) if !version.contains('/') => Some(Self::Metadata(Kind::Root)),
            Some(("table", hash)) if !hash.contains('/') => Some(Self::Table),
            Some(_) => None,
            None => match rest {
                "limits" => Some(Self::Metadata(Kind::Limits)),
                "assignment" => Some(Self::Metadata(Kind::Assignment)),
                "plan" => Some(Self::Plan),
                "command" => Some(Self::Command),
                "beacon" => Some(Self::Beacon),
                _ => None,
            },
        }
    }

    /// The largest message of this kind; what is larger is not kept.
    const fn max_bytes(self) -> usize {
        match self {
            Self::Metadata(kind) => kind.max_bytes(),
            Self::Table => MAX_TABLE_BYTES,
            Self::Plan => Kind::Plan.max_bytes(),
            Self::Command => Kind::Command.max_bytes(),
            Self::Beacon => MAX_BEACON_BYTES,
        }
    }
}

/// The uplink's end of the way in.
#[derive(Debug)]
pub struct Door {
    pub(super) orders: mpsc::Sender<Incoming>,
    pub(super) agrees: watch::Sender<Option<bool>>,
}

impl Door {
    /// Hands an order in; `rest` is its topic below `down/`. What is too large, of no kind, or finds no room is dropped.
    pub fn put(&self, rest: &str, payload: Bytes) {
        let Some(what) = What::of_topic(rest) else { return };
        if payload.len() > what.max_bytes() {
            debug!(topic = rest, bytes = payload.len(), "an order larger than any of its kind; it was not read");
            return;
        }
        if self.orders.try_send(Incoming { what, payload }).is_err() {
            debug!(topic = rest, "no room for an order; it will be sent again");
        }
    }

    /// A receipt of this run fits the chain, or does not.
    pub fn receipt_fits(&self, fits: bool) {
        self.agrees.send_if_modified(|it| {
            // Once it did not fit, nothing heals it.
            let next = if *it == Some(false) { Some(false) } else { Some(fits) };
            std::mem::replace(it, next) != next
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn topics_name_what_they_carry() {
        let check = |rest: &str, what: Option<What>| assert_eq!(What::of_topic(rest), what, "{rest}");
        check("root/7", Some(What::Metadata(Kind::Root)));
        check("limits", Some(What::Metadata(Kind::Limits)));
        check("assignment", Some(What::Metadata(Kind::Assignment)));
        check("table/00ff", Some(What::Table));
        check("plan", Some(What::Plan));
        check("command", Some(What::Command));
        check("beacon", Some(What::Beacon));
        for rest in ["", "root", "root/1/2", "receipt", "table", "table/a/b", "limits/1", "commands"] {
            check(rest, None);
        }
    }

    #[test]
    fn endless_data_and_a_flood_find_no_room() {
        let (orders, mut inside) = mpsc::channel(ORDERS);
        let (agrees, seen) = watch::channel(None);
        let door = Door { orders, agrees };
        door.put("command", Bytes::from(vec![0; Kind::Command.max_bytes() + 1]));
        door.put("table/0", Bytes::from(vec![0; MAX_TABLE_BYTES + 1]));
        assert!(inside.try_recv().is_err());
        for _ in 0..1000 {
            door.put("limits", Bytes::from_static(b"x"));
        }
        assert_eq!(std::iter::from_fn(|| inside.try_recv().ok()).count(), ORDERS);
        door.receipt_fits(true);
        assert_eq!(*seen.borrow(), Some(true));
        door.receipt_fits(false);
        door.receipt_fits(true);
        assert_eq!(*seen.borrow(), Some(false), "a fork does not heal");
    }
}
