//! Proofs about the centre's log that stand for themselves: with the registry, and with nothing else of the centre's.
//!
//! ```text
//! inclusion   = { 1: 1, 2: chain, 3: seq, 4: hash of the record, 5: index of its leaf, 6: [* hash], 7: head }
//! consistency = { 1: 1, 6: [* hash], 7: head, 8: later head }
//! ```
//!
//! Heads are the signed bytes. An inclusion proof says that the centre has committed to this very record; a consistency
//! proof, that of two of its heads the later one takes back nothing of the earlier.

use crate::{
    cbor::{CborError, Reader, Writer},
    head::{Head, open_head},
    id::{ChainId, Hash},
    log::{MAX_PATH, is_consistent, is_included, leaf_hash},
    receipt::ReceiptError,
    registry::Registry,
};

/// The largest proof: two heads and a path, with room.
pub const MAX_PROOF_BYTES: usize = 8 * 1024;

const VERSION: u64 = 1;

/// That a record is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The chain of the record.
    pub chain: ChainId,
    /// Its number.
    pub seq: u64,
    /// Its hash: the entry of the leaf.
    pub hash: Hash,
    /// Which leaf, from 0.
    pub index: u64,
    /// From the leaf to the root.
    pub path: Vec<Hash>,
    /// The signed head.
    pub head: Vec<u8>,
}

/// That one head goes on from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// The hashes of RFC 9162 §2.1.4.
    pub path: Vec<Hash>,
    /// The earlier signed head.
    pub earlier: Vec<u8>,
    /// The later one.
    pub later: Vec<u8>,
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Larger than any proof.
    #[error("proof: {0} bytes, a proof has at most {MAX_PROOF_BYTES}")]
    TooLarge(usize),
    /// Not the one form of a proof.
    #[error("proof: {0}")]
    Form(#[from] CborError),
    /// Another version.
    #[error("proof: version {0} is not known, this build reads {VERSION}")]
    Version(u64),
    /// The head is not the centre's word.
    #[error("proof: head: {0}")]
    Head(#[from] ReceiptError),
    /// The path does not lead to the root.
    #[error("proof: leaf {index} with this hash is not in the log of head {number} ({size} leaves)")]
    NotIncluded {
        /// The leaf.
        index: u64,
        /// Number of the head.
        number: u64,
        /// Its size.
        size: u64,
    },
    /// The two heads are of different logs, or in the wrong order.
    #[error(
        "proof: head {later} does not go on from head {earlier}: the log was rewritten, or the proof is of other heads"
    )]
    NotConsistent {
        /// Number of the earlier head.
        earlier: u64,
        /// Number of the later one.
        later: u64,
    },
    /// Heads of two centres have nothing to do with each other.
    #[error("proof: the heads are of two centres, `{0}` and `{1}`")]
    Centres(String, String),
}

impl Inclusion {
    /// Writes the proof.
    pub fn write(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.uint(VERSION));
            m.int(2, |w| w.bytes(&self.chain.0));
            m.int(3, |w| w.uint(self.seq));
            m.int(4, |w| w.bytes(&self.hash.0));
            m.int(5, |w| w.uint(self.index));
            m.int(6, |w| write_path(w, &self.path));
            m.int(7, |w| w.bytes(&self.head));
        });
        w.finish()
    }

    /// Reads a proof; nothing is proved yet.
    ///
    /// # Errors
    ///
    /// Refuses everything but the one form.
    pub fn read(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut r = reader(bytes)?;
        let mut fields = r.fields()?;
        version(fields.need(1, Reader::uint)?)?;
        let proof = Self {
            chain: ChainId(fields.need(2, Reader::fixed)?),
            seq: fields.need(3, Reader::uint)?,
            hash: Hash(fields.need(4, Reader::fixed)?),
            index: fields.need(5, Reader::uint)?,
            path: fields.need(6, read_path)?,
            head: fields.need(7, Reader::bytes)?.to_vec(),
        };
        fields.end()?;
        r.end()?;
        Ok(proof)
    }

    /// Checks the head and the path; gives the head.
    ///
    /// What is proved is that the record with this *hash* is in the log. That it is the record of this chain and number is
    /// for the reader to see in the record.
    ///
    /// # Errors
    ///
    /// Says what does not hold.
    pub fn check(&self, registry: &Registry) -> Result<Head, ProofError> {
        let head = open_head(&self.head, registry)?;
        if is_included(&leaf_hash(&self.hash.0), self.index, head.size, &self.path, &head.root) {
            Ok(head)
        } else {
            Err(ProofError::NotIncluded { index: self.index, number: head.number, size: head.size })
        }
    }
}

impl Consistency {
    /// Writes the proof.
    pub fn write(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.uint(VERSION));
            m.int(6, |w| write_path(w, &self.path));
            m.int(7, |w| w.bytes(&self.earlier));
            m.int(8, |w| w.bytes(&self.later));
        });
        w.finish()
    }

    /// Reads a proof; nothing is proved yet.
    ///
    /// # Errors
    ///
    /// Refuses everything but the one form.
    pub fn read(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut r = reader(bytes)?;
        let mut fields = r.fields()?;
        version(fields.need(1, Reader::uint)?)?;
        let proof = Self {
            path: fields.need(6, read_path)?,
            earlier: fields.need(7, Reader::bytes)?.to_vec(),
            later: fields.need(8, Reader::bytes)?.to_vec(),
        };
        fields.end()?;
        r.end()?;
        Ok(proof)
    }

    /// Checks both heads and the path between them; gives the heads, the earlier one first.
    ///
    /// # Errors
    ///
    /// Says what does not hold.
    pub fn check(&self, registry: &Registry) -> Result<(Head, Head), ProofError> {
        let (earlier, later) = (open_head(&self.earlier, registry)?, open_head(&self.later, registry)?);
        if earlier.centre != later.centre {
            return Err(ProofError::Centres(earlier.centre, later.centre));
        }
        let goes_on = is_consistent((earlier.size, &earlier.root), (later.size, &later.root), &self.path);
        if goes_on && earlier.number <= later.number {
            Ok((earlier, later))
        } else {
            Err(ProofError::NotConsistent { earlier: earlier.number, later: later.number })
        }
    }
}

fn reader(bytes: &[u8]) -> Result<Reader<'_>, ProofError> {
    if bytes.len() > MAX_PROOF_BYTES {
        return Err(ProofError::TooLarge(bytes.len()));
    }
    Ok(Reader::new(bytes))
}

fn version(found: u64) -> Result<(), ProofError> {
    if found == VERSION { Ok(()) } else { Err(ProofError::Version(found)) }
}

fn write_path(w: &mut Writer, path: &[Hash]) {
    w.list(path, |w, it| w.bytes(&it.0));
}

fn read_path(r: &mut Reader<'_>) -> Result<Vec<Hash>, CborError> {
    let at = r.at();
    let path = r.list(|r| Ok::<_, CborError>(Hash(r.fixed()?)))?;
    if path.len() > MAX_PATH {
        return Err(CborError::Expected { at, expected: "a path of at most 65 hashes" });
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::{collections::BTreeMap, convert::Infallible};

    use super::*;
    use crate::{
        Ed25519Signer, RegisteredKey, RegistryClass, issue_head,
        log::{Frontier, Node, consistency_path, inclusion_path},
    };

    struct Centre {
        nodes: BTreeMap<Node, Hash>,
        heads: Vec<Vec<u8>>,
        registry: Registry,
    }

    /// A log of 20 records, with a head after each.
    fn centre() -> Centre {
        let signer = Ed25519Signer::from_seed(&[7; 32]);
        let mut registry = Registry::new(RegistryClass::Test);
        registry.add(RegisteredKey::centre("centre", signer.public_key())).unwrap();
        let (mut frontier, mut nodes, mut heads) = (Frontier::new(), BTreeMap::new(), Vec::new());
        for number in 0..=20_u64 {
            let (size, root) = (frontier.size(), frontier.root());
            let head = Head { centre: "centre".into(), number, size, root, at_ms: 5 };
            heads.push(issue_head(&head, &signer).unwrap());
            nodes.extend(frontier.push(&Hash([u8::try_from(number).unwrap(); 32]).0));
        }
        Centre { nodes, heads, registry }
    }

    impl Centre {
        fn inclusion(&self, index: u8, size: usize) -> Inclusion {
            let path = inclusion_path(index.into(), size as u64, |it| Ok::<_, Infallible>(self.nodes[&it]));
            Inclusion {
                chain: ChainId([1; 16]),
                seq: 4,
                hash: Hash([index; 32]),
                index: index.into(),
                path: path.unwrap().unwrap(),
                head: self.heads[size].clone(),
            }
        }

        fn consistency(&self, earlier: usize, later: usize) -> Consistency {
            let path = consistency_path(earlier as u64, later as u64, |it| Ok::<_, Infallible>(self.nodes[&it]));
            Consistency {
                path: path.unwrap().unwrap_or_default(),
                earlier: self.heads[earlier].clone(),
                later: self.heads[later].clone(),
            }
        }
    }

    #[test]
    fn a_proof_stands_for_itself_and_one_changed_byte_breaks_it() {
        let centre = centre();
        let bytes = centre.inclusion(11, 19).write();
        let proof = Inclusion::read(&bytes).unwrap();
        assert_eq!((proof.write(), proof.check(&centre.registry).unwrap().number), (bytes.clone(), 19));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let Ok(read) = Inclusion::read(&changed) else { continue };
            // Chain and number are labels; the hash of the record is what is proved.
            if (read.chain, read.seq) == (proof.chain, proof.seq) {
                assert!(read.check(&centre.registry).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn every_head_goes_on_from_those_before_it_and_from_no_other() {
        let centre = centre();
        for later in 0..=20 {
            for earlier in 0..=later {
                let proof = centre.consistency(earlier, later);
                assert_eq!(Consistency::read(&proof.write()).unwrap(), proof);
                let (first, second) = proof.check(&centre.registry).unwrap();
                assert_eq!((first.number, second.number), (earlier as u64, later as u64));
                let back = Consistency { earlier: proof.later, later: proof.earlier, path: proof.path };
                assert_eq!(back.check(&centre.registry).is_ok(), earlier == later);
            }
        }
        let mut wrong = centre.consistency(5, 20);
        wrong.path.swap(0, 1);
        assert_eq!(wrong.check(&centre.registry), Err(ProofError::NotConsistent { earlier: 5, later: 20 }));
        let strangers = Registry::new(RegistryClass::Test);
        assert!(matches!(centre.consistency(5, 20).check(&strangers), Err(ProofError::Head(_))));
    }

    #[test]
    fn what_is_no_proof_is_refused_with_a_reason() {
        let centre = centre();
        let proof = centre.inclusion(3, 9);
        assert_eq!(Inclusion::read(&vec![0; MAX_PROOF_BYTES + 1]), Err(ProofError::TooLarge(MAX_PROOF_BYTES + 1)));
        let long = Inclusion { path: vec![Hash([0; 32]); MAX_PATH + 1], ..proof.clone() };
        assert!(Inclusion::read(&long.write()).unwrap_err().to_string().contains("at most 65 hashes"));
        let other = Inclusion { index: 4, ..proof.clone() };
        assert_eq!(other.check(&centre.registry), Err(ProofError::NotIncluded { index: 4, number: 9, size: 9 }));
        let bytes = proof.write();
        assert!(Inclusion::read(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(Consistency::read(&bytes).is_err());
        // The version stands right behind the map's head and its key.
        let mut next = bytes;
        next[2] = 2;
        assert_eq!(Inclusion::read(&next), Err(ProofError::Version(2)));
    }
}
