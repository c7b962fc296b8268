//! What became of orders, by the records that agents sealed: which tables are in force, and the results of commands.

use std::collections::BTreeMap;

use tidewaiter_record::{ChainId, CommandResult, Detail, Hash, LimitsActivated, parse};

use crate::store::{Store, StoreError, Walk as _};

/// Results kept per agent, the newest.
const RESULTS: usize = 100;

/// One agent.
#[derive(Clone, Debug, Default)]
pub struct Reviewed {
    /// Its chains.
    pub chains: Vec<ChainId>,
    /// What it said last about the tables in force, and in which record.
    pub in_force: Option<(u64, LimitsActivated)>,
    /// Results of commands, oldest first, with their records.
    pub results: Vec<(u64, CommandResult)>,
}

impl Reviewed {
    /// The result of the command with these bytes.
    pub fn result(&self, command: Hash) -> Option<&CommandResult> {
        self.results.iter().map(|(_, it)| it).find(|it| it.command == command)
    }
}

/// Every agent by its name.
pub type Review = BTreeMap<String, Reviewed>;

/// Reads every chain of the store.
///
/// # Errors
///
/// When the store cannot be read.
pub fn review(store: &dyn Store) -> Result<Review, StoreError> {
    let mut review = Review::new();
    for outline in store.outline()? {
        let agent = review.entry(outline.agent.clone()).or_default();
        agent.chains.push(outline.chain);
        store.walk_chain(outline.chain, 0, |record| -> Result<(), StoreError> {
            match parse(&record.bytes).map(|it| it.body.detail) {
                Ok(Detail::LimitsActivated(it)) => agent.in_force = Some((record.seq, *it)),
                Ok(Detail::CommandResult(it)) => {
                    if agent.results.len() >= RESULTS {
                        agent.results.remove(0);
                    }
                    agent.results.push((record.seq, *it));
                }
                _ => {}
            }
            Ok(())
        })?;
    }
    Ok(review)
}
