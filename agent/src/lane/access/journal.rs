//! Failed sign-ins, summed up: one record at first, then one each ten minutes, however many there are.
//!
//! What was typed as a name stands in no record unless it is a user's name: people type their password there.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// How long failures gather before the first record, so that a burst is one.
const GATHER_MS: u64 = 5_000;
/// Between two records.
const PAUSE_MS: u64 = 600_000;
/// Addresses told apart, at most.
const MOST_ADDRESSES: usize = 32;

/// Failed sign-ins not yet recorded.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    first_ms: Option<u64>,
    told_ms: Option<u64>,
    tries: u64,
    names: BTreeMap<String, u64>,
    unknown: u64,
    addresses: BTreeSet<IpAddr>,
}

impl Journal {
    /// Counts one. `name` is that of a user, if it was one's. The users' names are bounded by their file.
    pub(crate) fn failed(&mut self, name: Option<&str>, from: IpAddr, now_ms: u64) {
        self.first_ms.get_or_insert(now_ms);
        self.tries = self.tries.saturating_add(1);
        match name {
            Some(name) => *self.names.entry(name.to_owned()).or_default() += 1,
            None => self.unknown += 1,
        }
        if self.addresses.len() < MOST_ADDRESSES {
            self.addresses.insert(from);
        }
    }

    /// The facts of the record that is due.
    pub(crate) fn due(&mut self, now_ms: u64) -> Option<Vec<(String, String)>> {
        let gathered = now_ms.saturating_sub(self.first_ms?) >= GATHER_MS;
        let paused = self.told_ms.is_none_or(|it| now_ms.saturating_sub(it) >= PAUSE_MS);
        if !gathered || !paused {
            return None;
        }
        let told = std::mem::replace(self, Self { told_ms: Some(now_ms), ..Self::default() });
        // A fact has a bound, and a file of 500 users would not fit in.
        let names: Vec<String> = told.names.iter().take(8).map(|(name, count)| format!("{name} {count}")).collect();
        let addresses: Vec<String> = told.addresses.iter().take(4).map(ToString::to_string).collect();
        let facts = [
            ("tries", told.tries.to_string()),
            ("users", names.join(", ")),
            ("unknown-names", told.unknown.to_string()),
            ("addresses", told.addresses.len().to_string()),
            ("from", addresses.join(", ")),
        ];
        Some(facts.into_iter().filter(|(_, it)| !it.is_empty()).map(|(name, it)| (name.to_owned(), it)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_records_with_the_right_count() {
        let mut journal = Journal::default();
        let mut told = Vec::new();
        for second in 0..3_600_u64 {
            for number in 0..10_u8 {
                journal.failed((number == 0).then_some("lina"), IpAddr::from([10, 0, 0, number]), second * 1_000);
            }
            told.extend(journal.due(second * 1_000));
        }
        told.extend(journal.due(8_000_000));
        assert!(told.len() <= 8, "{}", told.len());
        let count = |name: &str| {
            let values = told.iter().flatten().filter(|(key, _)| key == name);
            values.map(|(_, it)| it.parse::<u64>().expect("a count")).sum::<u64>()
        };
        assert_eq!((count("tries"), count("unknown-names")), (36_000, 32_400));
        assert!(journal.due(9_000_000).is_none());
    }
}
