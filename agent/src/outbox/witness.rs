//! What the agent has seen of the centre's log, and whether the next word of it can be believed.
//!
//! The centre commits to everything it holds by signed heads (RFC 9162): as beacons, and inside receipts. An agent
//! puts the newest one into its next record, so that its chain is a witness. It cannot recompute the log; what it can
//! see is a number that does not rise, a log that shrinks, and two logs of one size.
//!
//! Not here: signatures, which are checked before; where this is kept.

use serde::{Deserialize, Serialize};
use tidewaiter_record::{Anchor, Hash, Head};

/// A beacon that was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// Rises with each beacon of the centre.
    pub number: u64,
    /// How many records its log held.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// When it was signed, UTC milliseconds at the centre.
    pub at_ms: i64,
}

/// A head of the centre's log: how much it holds, and the root over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Leaves.
    pub size: u64,
    /// Root.
    pub root: Hash,
}

/// What became of a beacon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BeaconAnswer {
    /// It goes on from what was known.
    Moved,
    /// It is the one known already.
    Known,
    /// It does not go on from what was known; the old one stays.
    Refused(String),
    /// The store failed; the centre will send it again.
    Failed(String),
}

/// Everything seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) beacon: Option<Beacon>,
    pub(super) log: Option<LogHead>,
    pub(super) fork: Option<String>,
    /// What the newest record with an anchor names.
    anchored: Option<LogHead>,
}

/// How it is kept: JSON, hashes in hex.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    beacon: Option<(u64, u64, String, i64)>,
    log: Option<(u64, String)>,
    anchored: Option<(u64, String)>,
    fork: Option<String>,
}

const VERSION: u32 = 1;

impl Witness {
    /// The beacon after this one, if it can be one.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub(super) fn beacon(&mut self, head: &Head) -> Result<bool, String> {
        let log = LogHead { size: head.size, root: head.root };
        if self.log.is_some_and(|known| known.size == log.size) {
            self.log(log)?;
        }
        if let Some(known) = self.beacon {
            if (known.number, known.size, known.root) == (head.number, head.size, head.root) {
                return Ok(false);
            }
            if head.number <= known.number {
                return Err(format!(
                    "number {} after {}: an old beacon, or another centre's",
                    head.number, known.number
                ));
            }
            if head.size < known.size {
                return Err(format!("a log of {} records after one of {}: a log never shrinks", head.size, known.size));
            }
        }
        self.log(log)?;
        self.beacon = Some(Beacon { number: head.number, size: head.size, root: head.root, at_ms: head.at_ms });
        Ok(true)
    }

    /// Takes a head of the log; says whether it is news.
    ///
    /// # Errors
    ///
    /// When it is another log than the one seen before.
    pub(super) fn log(&mut self, head: LogHead) -> Result<bool, String> {
        match self.log {
            Some(known) if known.size == head.size && known.root != head.root => {
                let why = format!(
                    "two logs of {} records: root {} before, {} now; the centre, or somebody with its key, keeps two",
                    head.size, known.root, head.root
                );
                self.fork.get_or_insert_with(|| why.clone());
                Err(why)
            }
            Some(known) if head.size <= known.size => Ok(false),
            _ => {
                self.log = Some(head);
                Ok(true)
            }
        }
    }

    /// The anchor of the next record: the newest head, if no record names it yet.
    pub(super) fn due(&self) -> Option<Anchor> {
        // An empty log bounds nothing.
        let head = self.log.filter(|it| it.size > 0 && Some(*it) != self.anchored)?;
        Some(Anchor { number: head.size, hash: head.root })
    }

    /// The state after a record with this anchor.
    pub(super) fn anchored(&self, anchor: Anchor) -> Self {
        Self { anchored: Some(LogHead { size: anchor.number, root: anchor.hash }), ..self.clone() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let head = |it: LogHead| (it.size, it.root.to_string());
        let kept = Kept {
            version: VERSION,
            beacon: self.beacon.map(|it| (it.number, it.size, it.root.to_string(), it.at_ms)),
            log: self.log.map(head),
            anchored: self.anchored.map(head),
            fork: self.fork.clone(),
        };
        // Numbers and strings only: this cannot fail.
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// What [`Self::encode`] wrote; `None` for anything else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(bytes).ok().filter(|it: &Kept| it.version == VERSION)?;
        let hash = |text: &str| Some(Hash(hex::decode(text).ok()?.try_into().ok()?));
        let head = |it: Option<(u64, String)>| match it {
            Some((size, root)) => hash(&root).map(|root| Some(LogHead { size, root })),
            None => Some(None),
        };
        let beacon = match kept.beacon {
            Some((number, size, root, at_ms)) => Some(Beacon { number, size, root: hash(&root)?, at_ms }),
            None => None,
        };
        Some(Self { beacon, log: head(kept.log)?, anchored: head(kept.anchored)?, fork: kept.fork })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn head(number: u64, size: u64, root: u8) -> Head {
        Head { centre: "c".into(), number, size, root: Hash([root; 32]), at_ms: 5 }
    }

    #[test]
    fn a_beacon_goes_on_from_the_last_or_is_refused() {
        // number, size, root, then what becomes of it
        let rows = [
            (5, 10, 1, "moved"),
            (5, 10, 1, "known"),
            (4, 12, 2, "number 4 after 5"),
            (5, 10, 2, "two logs of 10 records"),
            (5, 11, 2, "number 5 after 5"),
            (6, 9, 3, "never shrinks"),
            (6, 10, 9, "two logs of 10 records"),
            (6, 10, 1, "moved"),
            (9, 40, 4, "moved"),
        ];
        let mut witness = Witness::default();
        for (number, size, root, expected) in rows {
            let before = witness.beacon;
            let is = match witness.beacon(&head(number, size, root)) {
                Ok(true) => "moved".to_owned(),
                Ok(false) => "known".to_owned(),
                Err(why) => why,
            };
            assert!(is.contains(expected), "{number} {size} {root}: {is}");
            assert!(expected == "moved" || witness.beacon == before, "the old one stays");
        }
        assert!(witness.fork.is_some(), "and a fork is not forgotten");
    }

    #[test]
    fn each_head_is_anchored_once_and_never_an_older_one() {
        let mut witness = Witness::default();
        assert_eq!(witness.due(), None);
        witness.beacon(&head(1, 0, 0)).unwrap();
        assert_eq!(witness.due(), None, "an empty log");
        witness.beacon(&head(2, 3, 1)).unwrap();
        let anchor = witness.due().unwrap();
        assert_eq!((anchor.number, anchor.hash), (3, Hash([1; 32])));
        witness = witness.anchored(anchor);
        assert_eq!(witness.due(), None);
        // A receipt may know more than the newest beacon; the beacon that comes after it then counts by its number only.
        assert_eq!(witness.log(LogHead { size: 8, root: Hash([2; 32]) }), Ok(true));
        assert_eq!(witness.log(LogHead { size: 5, root: Hash([7; 32]) }), Ok(false));
        witness.beacon(&head(3, 6, 5)).unwrap();
        assert_eq!(witness.beacon.unwrap().number, 3);
        assert_eq!(witness.due().unwrap().number, 8);
        assert_eq!(Witness::decode(&witness.encode()), Some(witness.clone()));
        assert_eq!(Witness::decode(b"{}"), None);
    }
}
