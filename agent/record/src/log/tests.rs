#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeMap, convert::Infallible};

use proptest::prelude::*;

use super::*;

/// The entries that Certificate Transparency logs are tested with, and the roots over the first one, two … of them.
const ENTRIES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[derive(Default)]
struct Kept {
    frontier: Frontier,
    nodes: BTreeMap<Node, Hash>,
}

impl Kept {
    fn of<B: AsRef<[u8]>>(entries: impl IntoIterator<Item = B>) -> Self {
        let mut kept = Self::default();
        for entry in entries {
            kept.nodes.extend(kept.frontier.push(entry.as_ref()));
        }
        kept
    }

    fn numbered(n: u64) -> Self {
        Self::of((0..n).map(u64::to_be_bytes))
    }

    fn root(&self, size: u64) -> Hash {
        root_at(size, |it| Ok::<_, Infallible>(self.nodes[&it])).unwrap()
    }

    fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        inclusion_path(index, size, |it| Ok::<_, Infallible>(self.nodes[&it])).unwrap()
    }

    fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        consistency_path(old, new, |it| Ok::<_, Infallible>(self.nodes[&it])).unwrap()
    }
}

fn hashes(path: &[&str]) -> Vec<Hash> {
    path.iter().map(|it| it.parse().unwrap()).collect()
}

/// The root as the standard defines it, by recursion over all leaves.
fn by_definition(entries: &[[u8; 8]]) -> Hash {
    match entries {
        [] => empty_root(),
        [one] => leaf_hash(one),
        _ => {
            let (left, right) = entries.split_at(entries.len().next_power_of_two() / 2);
            node_hash(&by_definition(left), &by_definition(right))
        }
    }
}

#[test]
fn roots_are_those_of_certificate_transparency() {
    assert_eq!(empty_root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut frontier = Frontier::new();
    for (entry, root) in ENTRIES.iter().zip(ROOTS) {
        frontier.push(&hex::decode(entry).unwrap());
        assert_eq!(frontier.root().to_string(), root, "{} leaves", frontier.size());
    }
}

#[test]
fn proofs_are_those_of_certificate_transparency() {
    let kept = Kept::of(ENTRIES.map(|it| hex::decode(it).unwrap()));
    let inclusion = |index, size, path: &[&str]| assert_eq!(kept.inclusion(index, size), Some(hashes(path)));
    inclusion(0, 1, &[]);
    inclusion(
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    );
    inclusion(
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
    inclusion(2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]);
    inclusion(
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    );
    let consistency = |old, new, path: &[&str]| assert_eq!(kept.consistency(old, new), Some(hashes(path)));
    consistency(1, 1, &[]);
    consistency(
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    );
    consistency(
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
    consistency(
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    );
}

#[test]
fn what_is_not_there_has_no_proof() {
    let kept = Kept::numbered(5);
    assert_eq!((kept.inclusion(5, 5), kept.inclusion(0, 0)), (None, None));
    assert_eq!((kept.consistency(0, 5), kept.consistency(5, 4)), (None, None));
    let (root, empty) = (kept.root(5), empty_root());
    assert!(is_consistent((0, &empty), (5, &root), &[]) && is_consistent((0, &empty), (0, &empty), &[]));
    assert!(!is_consistent((0, &root), (5, &root), &[]) && !is_consistent((0, &empty), (0, &root), &[]));
    assert!(!is_consistent((5, &root), (4, &root), &[]) && !is_consistent((3, &kept.root(3)), (5, &root), &[]));
    assert!(!is_included(&root, 0, 0, &[], &root) && !is_included(&root, 5, 5, &[], &root));
}

#[test]
fn every_proof_up_to_64_leaves_holds_and_every_changed_one_does_not() {
    let kept = Kept::numbered(64);
    let entries: Vec<_> = (0_u64..64).map(u64::to_be_bytes).collect();
    for size in 1..=64 {
        let root = kept.root(size);
        assert_eq!(root, by_definition(&entries[..usize::try_from(size).unwrap()]), "{size}");
        let mut fresh = Frontier::load(size, |it| Ok::<_, Infallible>(kept.nodes[&it])).unwrap();
        assert_eq!(fresh.root(), root);
        fresh.push(b"next");
        assert_eq!(fresh.size(), size + 1);
        for index in 0..size {
            let path = kept.inclusion(index, size).unwrap();
            let leaf = leaf_hash(&index.to_be_bytes());
            assert!(is_included(&leaf, index, size, &path, &root), "{index} of {size}");
            for other in (0..size).filter(|it| *it != index) {
                assert!(!is_included(&leaf, other, size, &path, &root), "{index} as {other} of {size}");
            }
            let longer: Vec<_> = path.iter().copied().chain([root]).collect();
            assert!(!is_included(&leaf, index, size, &longer, &root));
            if let Some((_, shorter)) = path.split_last() {
                assert!(!is_included(&leaf, index, size, shorter, &root));
            }
        }
        for old in 1..=size {
            let path = kept.consistency(old, size).unwrap();
            let old_root = kept.root(old);
            assert!(is_consistent((old, &old_root), (size, &root), &path), "{old} to {size}");
            for other in (1..=size).filter(|it| *it != old) {
                assert!(!is_consistent((other, &old_root), (size, &root), &path), "{old} as {other} to {size}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_flipped_bit_anywhere_is_seen(size in 1_u64..=64, part in any::<prop::sample::Index>(), bit in 0_usize..256, at in any::<prop::sample::Index>()) {
        let kept = Kept::numbered(size);
        let flip = |hash: &mut Hash| hash.0[bit / 8] ^= 1 << (bit % 8);
        let index = u64::try_from(at.index(usize::try_from(size).unwrap())).unwrap();
        let mut parts = kept.inclusion(index, size).unwrap();
        parts.extend([leaf_hash(&index.to_be_bytes()), kept.root(size)]);
        flip(&mut parts[part.index(kept.inclusion(index, size).unwrap().len() + 2)]);
        let (root, leaf) = (parts.pop().unwrap(), parts.pop().unwrap());
        prop_assert!(!is_included(&leaf, index, size, &parts, &root));

        let old = index + 1;
        let mut parts = kept.consistency(old, size).unwrap();
        parts.extend([kept.root(old), kept.root(size)]);
        let length = parts.len();
        flip(&mut parts[part.index(length)]);
        let (new_root, old_root) = (parts.pop().unwrap(), parts.pop().unwrap());
        prop_assert!(!is_consistent((old, &old_root), (size, &new_root), &parts));
    }

    #[test]
    fn whatever_comes_is_no_panic(index: u64, old: u64, size: u64, path in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let path: Vec<_> = path.into_iter().map(Hash).collect();
        let hash = empty_root();
        prop_assert!(!is_included(&hash, index, size, &path, &hash));
        let _ = is_consistent((old, &hash), (size, &hash), &path);
    }
}
