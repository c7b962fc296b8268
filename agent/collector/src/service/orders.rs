//! The service's part in signed orders: from the spool to the broker, until the result came.

use std::path::Path;

use bytes::Bytes;
use tidewaiter_config::limits::LimitTable;
use tidewaiter_mqtt::{Message, PublishError, Qos};
use tidewaiter_record::{Detail, Hash};

use super::{RunError, work::Service};
use crate::{
    core::Collected,
    orders::{Item, Name, Schedule, Shelf, Spool, SpoolError, review},
    store::{Place, StoreError},
};

/// The spool while the service runs.
#[derive(Debug)]
pub(super) struct Orders {
    spool: Spool,
    schedule: Schedule,
    shelf: Shelf,
    /// One line until it can be read again.
    complained: bool,
    /// Results that others took in were looked for up to this arrival number; `None` while no command waits for one.
    looked: Option<u64>,
}

impl Orders {
    /// Opens the spool, with its tables. Commands whose result came before this start are finished.
    pub(super) fn open(dir: &Path, place: &Place) -> Result<(Self, Vec<LimitTable>), StoreError> {
        let spool = Spool::new(dir);
        let mut orders =
            Self { spool, schedule: Schedule::default(), shelf: Shelf::default(), complained: false, looked: None };
        let tables = orders.look();
        if let Some(store) = place.read_if_any()? {
            let review = review(store.as_ref())?;
            for (agent, reviewed) in review {
                for (_, result) in reviewed.results {
                    orders.answered(&agent, result.command);
                }
            }
        }
        Ok((orders, tables))
    }

    /// Looks at the spool again; gives the tables that are new. They are known here before an agent can judge by them.
    #[must_use]
    fn look(&mut self) -> Vec<LimitTable> {
        match self.spool.scan() {
            Ok(found) => {
                let tables = self.shelf.see(&self.spool, &found);
                self.schedule.see(found);
                self.complained = false;
                tables
            }
            Err(error) => {
                self.complain(&error);
                Vec::new()
            }
        }
    }

    pub(super) fn connected(&mut self) {
        self.schedule.connected();
    }

    /// A record that is in its chain: if it is the result of a command, that one is done.
    pub(super) fn record(&mut self, collected: &Collected) {
        if let Detail::CommandResult(result) = &collected.record.body.detail
            && collected.stored
        {
            tracing::info!(
                agent = collected.agent,
                number = result.number,
                verb = result.verb,
                outcome = result.outcome,
                text = result.text,
                "result of a command"
            );
            self.answered(&collected.agent, result.command);
        }
    }

    fn answered(&mut self, agent: &str, command: Hash) {
        let waiting: Vec<Name> = self.schedule.commands(agent).cloned().collect();
        for name in waiting {
            match self.spool.read(&name) {
                Ok(bytes) if Hash::of(&bytes) == command => {
                    if let Err(error) = self.spool.finish(&name) {
                        self.complain(&error);
                    }
                    self.schedule.forget(&name);
                }
                Ok(_) => {}
                Err(error) => self.complain(&error),
            }
        }
    }

    fn complain(&mut self, error: &SpoolError) {
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!(error = error as &dyn std::error::Error, "signed orders are held up");
        }
    }
}

impl Service {
    /// Of several collectors on one store another may take in the result of a command that lies in our spool.
    pub(super) async fn look_for_results(&mut self) -> Result<(), RunError> {
        let Some(orders) = &mut self.orders else { return Ok(()) };
        if !orders.schedule.is_waiting() {
            orders.looked = None;
            return Ok(());
        }
        let looked = orders.looked;
        let (upto, results) = self.on_core(move |core, _| Ok(core.results_after(looked)?)).await?;
        if let Some(orders) = &mut self.orders {
            orders.looked = Some(upto);
            for (agent, command) in results {
                orders.answered(&agent, command);
            }
        }
        Ok(())
    }

    /// Looks at the spool again.
    pub(super) fn look_at_orders(&mut self) {
        let tables = self.orders.as_mut().map(Orders::look).unwrap_or_default();
        self.add_tables(tables);
    }

    /// Hands orders to the link while it takes them; receipts went before.
    pub(super) fn publish_orders(&mut self) {
        let now_ms = self.now_ms();
        let Some(mut orders) = self.orders.take() else { return };
        while let Some(name) = orders.schedule.due(now_ms).cloned() {
            let bytes = match orders.spool.read(&name) {
                Ok(bytes) => bytes,
                Err(error) => {
                    orders.complain(&error);
                    // It is looked at again when its file changes.
                    orders.schedule.sent(&name, now_ms);
                    continue;
                }
            };
            let retain = name.item.is_retained();
            let message = Message { topic: name.topic(), payload: Bytes::from(bytes), qos: Qos::AtLeastOnce, retain };
            match self.hand_over(message) {
                Ok(()) => {}
                Err(PublishError::Offline | PublishError::WindowFull) => break,
                Err(error @ PublishError::TooLarge { .. }) => {
                    let (agent, order) = (name.agent.as_str(), name.item.file_name());
                    tracing::error!(agent, order, %error, "an order cannot be published; raise the broker's packet limit");
                }
            }
            if let Item::Command(number) = name.item {
                tracing::debug!(agent = name.agent, number, "command published");
            }
            orders.schedule.sent(&name, now_ms);
        }
        self.orders = Some(orders);
    }
}
