//! The Merkle log: hashes, roots and proofs (RFC 9162 §2.1), no storage.
//!
//! ```text
//! leaf hash = SHA-256(0x00 ‖ entry)          node hash = SHA-256(0x01 ‖ left ‖ right)
//! ```
//!
//! The entry of a leaf is the 32-byte hash of a record. The tree of `n` leaves is split at the largest power of two
//! below `n`, so it is a row of *complete* subtrees of falling size, folded from the right. A complete subtree
//! never changes again: it is named by its level and its position, and whoever keeps those nodes can give
//! every root and every proof with as many reads as the number of leaves has bits.
//!
//! ```text
//! level 2          (2,0)
//! level 1      (1,0)   (1,1)   (1,2)
//! level 0      0   1   2   3   4   5   6       7 leaves: root = h((2,0), h((1,2), leaf 6))
//! ```
//!
//! Not here: who appends, and who signs the root.

use sha2::{Digest as _, Sha256};

use crate::id::Hash;

/// Most hashes in a proof: one for each bit of the number of leaves, and one.
pub const MAX_PATH: usize = 65;

/// The hash of a leaf.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The hash of a node over its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root of a log without leaves: the hash of nothing.
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// A complete subtree: leaves `position << level` to `(position + 1) << level`, the last not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// 0 for a leaf; a node of level `l` has `2^l` leaves.
    pub level: u32,
    /// Among the nodes of its level, from the left.
    pub position: u64,
}

/// The right edge of a log: all that is needed to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The complete subtrees, largest first: one for each bit of `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// A log without leaves.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// The edge of a log of `size` leaves, from its complete subtrees.
    ///
    /// # Errors
    ///
    /// The first one of `node`.
    pub fn load<E>(size: u64, node: impl FnMut(Node) -> Result<Hash, E>) -> Result<Self, E> {
        Ok(Self { size, peaks: peaks(0, size).map(node).collect::<Result<_, _>>()? })
    }

    /// How many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    pub fn root(&self) -> Hash {
        fold(&self.peaks).unwrap_or_else(empty_root)
    }

    /// Appends a leaf; gives the nodes that are complete now, the leaf itself first.
    pub fn push(&mut self, entry: &[u8]) -> Vec<(Node, Hash)> {
        let mut node = Node { level: 0, position: self.size };
        let mut hash = leaf_hash(entry);
        let mut complete = vec![(node, hash)];
        while node.position % 2 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            node = Node { level: node.level + 1, position: node.position / 2 };
            complete.push((node, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        complete
    }
}

/// The root over the first `size` leaves.
///
/// # Errors
///
/// The first one of `node`.
pub fn root_at<E>(size: u64, node: impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
    Ok(Frontier::load(size, node)?.root())
}

/// The path from leaf `index` to the root over the first `size` leaves (RFC 9162 §2.1.3.1), lowest first; `None`
/// when there is no such leaf.
///
/// # Errors
///
/// The first one of `node`.
pub fn inclusion_path<E>(
    index: u64,
    size: u64,
    mut node: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if index >= size {
        return Ok(None);
    }
    let mut path = Vec::new();
    descend(index, size, &mut node, &mut path)?;
    path.reverse();
    Ok(Some(path))
}

/// From the root of the leaves before `size` towards leaf `index`, noting the other child at each step.
fn descend<E>(
    index: u64,
    size: u64,
    node: &mut impl FnMut(Node) -> Result<Hash, E>,
    path: &mut Vec<Hash>,
) -> Result<(), E> {
    let (mut from, mut upto) = (0, size);
    while upto - from > 1 {
        let middle = from + split(upto - from);
        if index < middle {
            path.push(root_of(middle, upto, node)?);
            upto = middle;
        } else {
            path.push(root_of(from, middle, node)?);
            from = middle;
        }
    }
    Ok(())
}

/// The proof that the first `old` of `new` leaves are those of the log when it had `old` (RFC 9162 §2.1.4.1); `None` when
/// `old` is 0 or more than `new`, of which there is nothing to prove.
///
/// # Errors
///
/// The first one of `node`.
pub fn consistency_path<E>(
    old: u64,
    new: u64,
    mut node: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if old == 0 || old > new {
        return Ok(None);
    }
    let mut path = Vec::new();
    let (mut from, mut upto) = (0, new);
    // Down to the subtree that ends where the old log ended.
    while upto != old {
        let middle = from + split(upto - from);
        if old <= middle {
            path.push(root_of(middle, upto, &mut node)?);
            upto = middle;
        } else {
            path.push(root_of(from, middle, &mut node)?);
            from = middle;
        }
    }
    // Whoever has the old root knows that subtree already if it is the whole old log.
    if from != 0 {
        path.push(root_of(from, upto, &mut node)?);
    }
    path.reverse();
    Ok(Some(path))
}

/// Whether the log of `size` leaves with this root has this leaf at `index` (RFC 9162 §2.1.3.2).
pub fn is_included(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut sn) = (index, size - 1);
    let mut hash = *leaf;
    for it in path {
        if sn == 0 {
            return false;
        }
        if at % 2 == 1 || at == sn {
            hash = node_hash(it, &hash);
            // A right edge without a sibling rises until it has one.
            while at % 2 == 0 && at != 0 {
                (at, sn) = (at / 2, sn / 2);
            }
        } else {
            hash = node_hash(&hash, it);
        }
        (at, sn) = (at / 2, sn / 2);
    }
    sn == 0 && hash == *root
}

/// Whether the log of `new.0` leaves with root `new.1` goes on from the one of `old.0` leaves with root `old.1`
/// (RFC 9162 §2.1.4.2). Every log goes on from the empty one, and one of the same size has the same root; the path
/// is empty in both cases.
pub fn is_consistent(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return false;
    }
    if old_size == 0 {
        return path.is_empty() && *old_root == empty_root() && (new_size > 0 || *new_root == empty_root());
    }
    if old_size == new_size {
        return path.is_empty() && old_root == new_root;
    }
    let mut rest = path.iter();
    let first = if old_size.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let (mut at, mut sn) = (old_size - 1, new_size - 1);
    while at % 2 == 1 {
        (at, sn) = (at / 2, sn / 2);
    }
    let (mut of_old, mut of_new) = (*first, *first);
    for it in rest {
        if sn == 0 {
            return false;
        }
        if at % 2 == 1 || at == sn {
            of_old = node_hash(it, &of_old);
            of_new = node_hash(it, &of_new);
            while at % 2 == 0 && at != 0 {
                (at, sn) = (at / 2, sn / 2);
            }
        } else {
            of_new = node_hash(&of_new, it);
        }
        (at, sn) = (at / 2, sn / 2);
    }
    sn == 0 && of_old == *old_root && of_new == *new_root
}

/// The largest power of two below `leaves`, which is at least 2.
const fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The root over leaves `from` to `upto`, a subtree of the log.
fn root_of<E>(from: u64, upto: u64, node: &mut impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
    let peaks = peaks(from, upto).map(node).collect::<Result<Vec<_>, _>>()?;
    Ok(fold(&peaks).unwrap_or_else(empty_root))
}

/// The complete subtrees of the leaves `from` to `upto`, largest first. `from` is a multiple of the largest one's size,
/// as in every subtree of a log.
fn peaks(from: u64, upto: u64) -> impl Iterator<Item = Node> {
    let mut at = from;
    std::iter::from_fn(move || {
        let level = (upto - at).checked_ilog2()?;
        let node = Node { level, position: at >> level };
        at += 1 << level;
        Some(node)
    })
}

/// Folds complete subtrees into one root, from the right.
fn fold(peaks: &[Hash]) -> Option<Hash> {
    let (last, rest) = peaks.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

#[cfg(test)]
mod tests;
