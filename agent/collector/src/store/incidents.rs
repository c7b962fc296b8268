//! What the store holds that a person has to look into, and that stays so.

use tidewaiter_record::ChainId;

/// Two boxes sign as one agent: other records, validly signed, under numbers that are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The agent.
    pub agent: String,
    /// The chain.
    pub chain: ChainId,
    /// The first number with two records.
    pub first_seq: u64,
    /// How many other records are kept.
    pub records: u64,
    /// When the first of them came, UTC milliseconds.
    pub since_ms: i64,
}
