//! Which order is to be published when.

use std::collections::BTreeMap;

use super::{Item, Name, Stamp};

/// A command without a result is published again after this long.
pub const REPEAT_MS: u64 = 30_000;

#[derive(Clone, Copy, Debug)]
struct Entry {
    stamp: Stamp,
    /// Published at this time or later; `None` when it is out and stays out.
    due_ms: Option<u64>,
}

/// The orders of the spool and their times.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: BTreeMap<Name, Entry>,
}

impl Schedule {
    /// Takes in what the spool holds now. What is new or has changed is due at once.
    pub fn see(&mut self, found: Vec<(Name, Stamp)>) {
        let mut before = std::mem::take(&mut self.entries);
        for (name, stamp) in found {
            let known = before.remove(&name).filter(|it| it.stamp == stamp);
            self.entries.insert(name, known.unwrap_or(Entry { stamp, due_ms: Some(0) }));
        }
    }

    /// A broker that lost its memory has no retained orders, and agents may have missed a command.
    pub fn connected(&mut self) {
        for entry in self.entries.values_mut() {
            entry.due_ms = Some(0);
        }
    }

    /// An order that is due, roots first.
    pub fn due(&self, now_ms: u64) -> Option<&Name> {
        let due = |entry: &Entry| entry.due_ms.is_some_and(|at| at <= now_ms);
        self.entries.iter().filter(|(_, it)| due(it)).min_by_key(|(name, _)| name.item).map(|(name, _)| name)
    }

    /// It was handed to the broker.
    pub fn sent(&mut self, name: &Name, now_ms: u64) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.due_ms = matches!(name.item, Item::Command(_)).then(|| now_ms.saturating_add(REPEAT_MS));
        }
    }

    /// The commands of an agent that wait for their result.
    pub fn commands<'o>(&'o self, agent: &'o str) -> impl Iterator<Item = &'o Name> {
        self.entries.keys().filter(move |it| it.agent == agent && matches!(it.item, Item::Command(_)))
    }

    /// Whether any command waits for its result.
    pub fn is_waiting(&self) -> bool {
        self.entries.keys().any(|it| matches!(it.item, Item::Command(_)))
    }

    /// It is not published any more.
    pub fn forget(&mut self, name: &Name) {
        self.entries.remove(name);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn orders_go_out_once_and_commands_again() {
        let name = |item| Name { site: "s".into(), agent: "a".into(), item };
        let stamp = |n| (n, 0, 0, 0);
        let mut schedule = Schedule::default();
        schedule.see(vec![
            (name(Item::Limits), stamp(1)),
            (name(Item::Root(2)), stamp(1)),
            (name(Item::Command(1)), stamp(1)),
        ]);
        let drain = |schedule: &mut Schedule, now| {
            let mut out = Vec::new();
            while let Some(name) = schedule.due(now).cloned() {
                schedule.sent(&name, now);
                out.push(name.item);
            }
            out
        };
        assert_eq!(drain(&mut schedule, 5), [Item::Root(2), Item::Limits, Item::Command(1)]);
        assert_eq!(drain(&mut schedule, 6), []);
        assert_eq!(drain(&mut schedule, 5 + REPEAT_MS), [Item::Command(1)]);
        schedule.see(vec![(name(Item::Limits), stamp(2)), (name(Item::Command(1)), stamp(1))]);
        assert_eq!(drain(&mut schedule, 40_000), [Item::Limits], "changed, and one is gone");
        schedule.connected();
        assert_eq!(drain(&mut schedule, 40_000), [Item::Limits, Item::Command(1)]);
        assert_eq!(schedule.commands("a").count(), 1);
        schedule.forget(&name(Item::Command(1)));
        assert_eq!((drain(&mut schedule, 1 << 40), schedule.commands("a").count()), (vec![], 0));
    }
}
