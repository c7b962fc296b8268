//! What came before the agent could use it: messages of a broker come in any order.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

/// Roots kept for their turn; of more the highest versions go.
pub(super) const MOST_ROOTS: usize = 32;
/// Bytes of table files kept for an assignment that names them; of more the oldest go.
pub(super) const MOST_TABLE_BYTES: usize = 4 << 20;

/// The waiting room.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    roots: BTreeMap<u64, Bytes>,
    tables: VecDeque<Bytes>,
    table_bytes: usize,
    /// The newest of each that could not be used yet.
    pub(super) limits: Option<Bytes>,
    pub(super) assignment: Option<Bytes>,
    pub(super) plan: Option<Bytes>,
}

impl Waiting {
    pub(super) fn root(&mut self, version: u64, bytes: Bytes) {
        self.roots.insert(version, bytes);
        while self.roots.len() > MOST_ROOTS {
            self.roots.pop_last();
        }
    }

    /// The root of this version; what is below it will never be wanted.
    pub(super) fn take_root(&mut self, version: u64) -> Option<Bytes> {
        self.roots = self.roots.split_off(&version);
        self.roots.remove(&version)
    }

    pub(super) fn table(&mut self, bytes: Bytes) {
        if self.tables.contains(&bytes) {
            return;
        }
        self.table_bytes += bytes.len();
        self.tables.push_back(bytes);
        while self.table_bytes > MOST_TABLE_BYTES {
            self.table_bytes -= self.tables.pop_front().map_or(self.table_bytes, |it| it.len());
        }
    }

    pub(super) fn take_tables(&mut self) -> VecDeque<Bytes> {
        self.table_bytes = 0;
        std::mem::take(&mut self.tables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_has_bounds() {
        let mut waiting = Waiting::default();
        for version in (1..=1000).rev() {
            waiting.root(version, Bytes::from_static(b"root"));
        }
        assert_eq!(waiting.roots.len(), MOST_ROOTS);
        assert!(waiting.take_root(3).is_some() && waiting.take_root(2).is_none() && waiting.take_root(4).is_some());
        for n in 0..100_u32 {
            let mut file = vec![0; 200_000];
            file.extend(n.to_be_bytes());
            waiting.table(Bytes::from(file.clone()));
            waiting.table(Bytes::from(file));
        }
        let tables = waiting.take_tables();
        assert_eq!(tables.len(), 20);
        assert!(tables.iter().map(Bytes::len).sum::<usize>() <= MOST_TABLE_BYTES);
        assert!(waiting.take_tables().is_empty());
    }
}
