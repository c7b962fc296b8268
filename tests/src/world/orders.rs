//! The centre's spool of signed orders, and what the broker keeps of it.
//!
//! Spool, schedule and shelf are the collector's own. Its service's part, from a due order to a publish, is here; commands,
//! which are repeated until their result came, are not.

use std::{collections::BTreeMap, path::Path};

use bytes::Bytes;
use tidewaiter_collector::orders::{Schedule, Shelf, Spool, SpoolError};
use tidewaiter_config::limits::LimitTable;

/// An order on its way: topic and payload.
pub(super) type Order = (String, Bytes);

/// The spool and its broker.
#[derive(Debug)]
pub(super) struct Orders {
    spool: Spool,
    schedule: Schedule,
    shelf: Shelf,
    retained: BTreeMap<String, Bytes>,
}

impl Orders {
    pub(super) fn new(spool: &Path) -> Self {
        Self {
            spool: Spool::new(spool),
            schedule: Schedule::default(),
            shelf: Shelf::default(),
            retained: BTreeMap::new(),
        }
    }

    /// Looks at the spool; gives the tables that are new.
    pub(super) fn look(&mut self) -> Result<Vec<LimitTable>, SpoolError> {
        let found = self.spool.scan()?;
        let tables = self.shelf.see(&self.spool, &found);
        self.schedule.see(found);
        Ok(tables)
    }

    /// The next order that is due, retained from now on.
    pub(super) fn due(&mut self, now_ms: u64) -> Option<Result<Order, SpoolError>> {
        let name = self.schedule.due(now_ms)?.clone();
        self.schedule.sent(&name, now_ms);
        let bytes = match self.spool.read(&name) {
            Ok(bytes) => Bytes::from(bytes),
            Err(why) => return Some(Err(why)),
        };
        let order = (name.topic(), bytes);
        if name.item.is_retained() {
            self.retained.insert(order.0.clone(), order.1.clone());
        }
        Some(Ok(order))
    }

    /// What the broker keeps, in the order of its topics: no order that an agent could build on.
    pub(super) fn retained(&self) -> Vec<Order> {
        self.retained.iter().map(|(topic, bytes)| (topic.clone(), bytes.clone())).collect()
    }
}
