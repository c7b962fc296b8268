//! What the items of a stream say about the centre's log, held against each other.
//!
//! Heads, receipts and the anchors of records all name a size of the log and the root over it. The log only grows,
//! so at one size there is one root: two are proof that somebody was shown another history. Whether one size
//! continues another takes a consistency proof, which is not part of a stream.

use std::collections::BTreeMap;

use super::{chain::FreeRemark, report::Code};
use crate::{
    head::Head,
    id::{ChainId, Hash},
    seal::Anchor,
};

/// How many sizes of the log, and how many anchors that no head has met yet, are remembered.
pub const MAX_LOG: usize = 1 << 18;

#[derive(Debug, Default)]
pub(super) struct Logs {
    // Names of centres; the place is their number below.
    centres: Vec<String>,
    // By size and centre; several only where the registry has several centres.
    roots: BTreeMap<(u64, usize), Hash>,
    // The head of the highest number, by centre.
    newest: BTreeMap<usize, Head>,
    // Anchors that agree with nothing read so far.
    open: BTreeMap<(u64, Hash, ChainId), u64>,
    heads: u64,
}

impl Logs {
    /// Takes a valid head, signed with a key of `centre`.
    pub(super) fn head(&mut self, centre: &str, head: Head, remarks: &mut Vec<FreeRemark>) {
        self.heads += 1;
        let id = self.id_of(centre);
        if let Some(what) = self.claim(id, head.size, head.root) {
            remarks.push((Code::LogMismatch, None, what));
        } else if let Some(other) = self.newest.get(&id) {
            let order = head.number.cmp(&other.number);
            if order != head.size.cmp(&other.size) && (order.is_eq() || head.size != other.size) {
                let what = format!(
                    "head {} has size {}, head {} has size {}: the log got smaller",
                    other.number, other.size, head.number, head.size
                );
                remarks.push((Code::LogMismatch, None, what));
            }
        }
        if self.newest.get(&id).is_none_or(|it| it.number < head.number) {
            self.newest.insert(id, head);
        }
    }

    /// Takes the log that a valid receipt names.
    pub(super) fn receipt(
        &mut self,
        centre: &str,
        (size, root): (u64, Hash),
        place: (ChainId, u64),
        remarks: &mut Vec<FreeRemark>,
    ) {
        let id = self.id_of(centre);
        if let Some(what) = self.claim(id, size, root) {
            remarks.push((Code::LogMismatch, Some(place), what));
        }
    }

    /// Takes the anchor of an accepted record.
    pub(super) fn anchor(&mut self, anchor: Anchor, (chain, seq): (ChainId, u64)) {
        if !self.agrees(anchor.number, anchor.hash).unwrap_or(false) && self.open.len() < MAX_LOG {
            self.open.entry((anchor.number, anchor.hash, chain)).or_insert(seq);
        }
    }

    fn id_of(&mut self, centre: &str) -> usize {
        self.centres.iter().position(|it| it == centre).unwrap_or_else(|| {
            self.centres.push(centre.to_owned());
            self.centres.len() - 1
        })
    }

    // What speaks against one more root of a centre.
    fn claim(&mut self, centre: usize, size: u64, root: Hash) -> Option<String> {
        match self.roots.get(&(size, centre)) {
            Some(there) if *there == root => None,
            Some(there) => Some(format!("the log of size {size} has root {there} and root {root}")),
            None => {
                if self.roots.len() < MAX_LOG {
                    self.roots.insert((size, centre), root);
                }
                None
            }
        }
    }

    // Whether a centre has this root at this size; nothing where none has any.
    fn agrees(&self, size: u64, root: Hash) -> Option<bool> {
        let mut roots = self.roots.range((size, 0)..=(size, usize::MAX)).map(|(_, it)| *it).peekable();
        roots.peek()?;
        Some(roots.any(|it| it == root))
    }

    /// What can be said only at the end of the stream.
    pub(super) fn finish(&self, remarks: &mut Vec<FreeRemark>) {
        let mut unproven: BTreeMap<ChainId, (u64, u64)> = BTreeMap::new();
        for (&(size, root, chain), &seq) in &self.open {
            match self.agrees(size, root) {
                Some(true) => {}
                Some(false) => {
                    let what = format!("names root {root} at size {size}, the centre says otherwise");
                    remarks.push((Code::LogMismatch, Some((chain, seq)), what));
                }
                None => {
                    let (first, count) = unproven.entry(chain).or_insert((seq, 0));
                    (*first, *count) = ((*first).min(seq), *count + 1);
                }
            }
        }
        // Where the log was not given there is nothing to miss.
        for (chain, (first, count)) in unproven.into_iter().filter(|_| self.heads > 0) {
            let what = format!("{count} heads of the log named from here on are not in the stream");
            remarks.push((Code::AnchorUnproven, Some((chain, first)), what));
        }
    }
}
