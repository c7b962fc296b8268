//! Which key signs where: what a chain remembers of its rotations.
//!
//! The first key is the one of the enrolment statement. Every later one stands in a note of the store that is written
//! in one transaction with the record that hands the chain over, so that record and note are there together or not at
//! all. Files and tokens are only where keys are found; this says which of them signs.

use serde::{Deserialize, Serialize};
use tidewaiter_record::{Algorithm, Hash, Kid, PublicKey, RegisteredKey, Registry, RegistryClass, Statement};

/// Name of the note.
pub const NOTE: &str = "key";

/// Most rotations of one chain: with one a month twenty years. Beyond it the agent is enrolled anew.
pub const MOST_ROTATIONS: usize = 256;

const VERSION: u32 = 1;

/// The rotations of a chain, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyNote {
    version: u32,
    rotations: Vec<Rotation>,
}

/// One rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Number of the record that hands over; the new key signs from the next one on.
    pub seq: u64,
    /// The key that signed up to and including it.
    pub old: Kid,
    /// Whether the old key has been erased, or found to be out of reach.
    pub old_erased: bool,
    /// Algorithm of the new key.
    pub algorithm: Algorithm,
    /// The new public key, raw, in hexadecimal.
    pub public: String,
}

/// Why a note is of no use.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// Not the JSON of a note.
    #[error("note `{NOTE}` of the store: {0}; it was written by another version, or the store is damaged")]
    Json(#[from] serde_json::Error),
    /// Another version of it.
    #[error("note `{NOTE}` of the store: version {0} is not known; use the program version that wrote it")]
    Version(u32),
    /// A key in it is none.
    #[error("note `{NOTE}` of the store: {0}")]
    Key(#[from] tidewaiter_record::SignError),
}

impl Default for KeyNote {
    fn default() -> Self {
        Self { version: VERSION, rotations: Vec::new() }
    }
}

impl Rotation {
    /// The new key.
    ///
    /// # Errors
    ///
    /// When it is none, or of an algorithm that this build lacks.
    pub fn key(&self) -> Result<PublicKey, NoteError> {
        let raw = hex::decode(&self.public).unwrap_or_default();
        Ok(PublicKey::from_bytes(self.algorithm, &raw)?)
    }
}

impl KeyNote {
    /// Finds and reads the note among those of a store; without one there was no rotation.
    ///
    /// # Errors
    ///
    /// When it cannot be understood: then nobody knows which key signs, and nothing is signed.
    pub fn among(notes: &[(String, Vec<u8>)]) -> Result<Self, NoteError> {
        let Some((_, bytes)) = notes.iter().find(|(name, _)| name == NOTE) else { return Ok(Self::default()) };
        let note: Self = serde_json::from_slice(bytes)?;
        if note.version != VERSION {
            return Err(NoteError::Version(note.version));
        }
        note.rotations.iter().try_for_each(|it| it.key().map(drop))?;
        Ok(note)
    }

    /// As it stands in the store.
    ///
    /// # Panics
    ///
    /// Never: numbers, booleans and text are always JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers, booleans and text are always JSON")
    }

    /// The rotations, oldest first.
    pub fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// The key that signs now, if it is not the first one.
    ///
    /// # Errors
    ///
    /// As [`Rotation::key`].
    pub fn current(&self) -> Result<Option<PublicKey>, NoteError> {
        self.rotations.last().map(Rotation::key).transpose()
    }

    /// The note after a rotation at `seq` from `old` to `new`.
    #[must_use]
    pub fn with(&self, seq: u64, old: Kid, new: &PublicKey) -> Self {
        let mut next = self.clone();
        next.rotations.push(Rotation {
            seq,
            old,
            old_erased: false,
            algorithm: new.algorithm(),
            public: hex::encode(new.to_bytes()),
        });
        next
    }

    /// The note after `old` was erased.
    #[must_use]
    pub fn erased(&self, old: Kid) -> Self {
        let mut next = self.clone();
        next.rotations.iter_mut().filter(|it| it.old == old).for_each(|it| it.old_erased = true);
        next
    }

    /// Rotations whose old key is to be erased once the centre has all that it signed.
    pub fn to_erase(&self, receipted_upto: u64) -> impl Iterator<Item = &Rotation> {
        self.rotations.iter().filter(move |it| !it.old_erased && it.seq <= receipted_upto)
    }

    /// What a verifier is to believe of this chain: each key with its range.
    ///
    /// # Errors
    ///
    /// As [`Rotation::key`].
    pub fn registry(&self, statement: &Statement, hash: Hash) -> Result<Registry, NoteError> {
        let class = if statement.simulated { RegistryClass::Test } else { RegistryClass::Production };
        let mut registry = Registry::new(class);
        let mut entries = vec![statement.register(hash)];
        for rotation in &self.rotations {
            if let Some(last) = entries.last_mut() {
                last.to_seq = Some(rotation.seq);
            }
            entries.push(RegisteredKey {
                public: rotation.key()?,
                from_seq: rotation.seq + 1,
                ..statement.register(hash)
            });
        }
        for entry in entries {
            // Only the same key twice could be refused, and no rotation makes that.
            let _ = registry.add(entry);
        }
        Ok(registry)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tidewaiter_record::{ChainId, Ed25519Signer, Esp256Signer, Signer};

    use super::*;

    #[test]
    fn a_note_reads_back_and_names_every_range() {
        let (a, b) = (Ed25519Signer::from_seed(&[1; 32]), Esp256Signer::from_secret(&[2; 32]).unwrap());
        let c = Ed25519Signer::from_seed(&[3; 32]);
        let note = KeyNote::default().with(10, a.kid(), &b.public_key()).with(20, b.kid(), &c.public_key());
        let stored = [("other".to_owned(), vec![1]), (NOTE.to_owned(), note.to_bytes())];
        assert_eq!(KeyNote::among(&stored).unwrap(), note);
        assert_eq!(note.current().unwrap(), Some(c.public_key()));
        assert_eq!(KeyNote::among(&[]).unwrap().current().unwrap(), None);

        let statement = Statement {
            agent: "gate".to_owned(),
            chain: ChainId([7; 16]),
            public: a.public_key(),
            created_ms: 0,
            simulated: false,
        };
        let registry = note.registry(&statement, Hash([9; 32])).unwrap();
        let range = |kid| registry.key(kid).map(|it| (it.from_seq, it.to_seq));
        assert_eq!(range(a.kid()), Some((0, Some(10))));
        assert_eq!(range(b.kid()), Some((11, Some(20))));
        assert_eq!(range(c.kid()), Some((21, None)));

        let due = |note: &KeyNote, upto| note.to_erase(upto).map(|it| it.old).collect::<Vec<_>>();
        assert_eq!(due(&note, 9), []);
        assert_eq!(due(&note, 10), [a.kid()]);
        assert_eq!(due(&note, 99), [a.kid(), b.kid()]);
        assert_eq!(due(&note.erased(a.kid()), 99), [b.kid()]);
    }

    #[test]
    fn a_note_that_is_not_understood_names_no_key() {
        let check = |text: &str, expected: &str| {
            let why = KeyNote::among(&[(NOTE.to_owned(), text.as_bytes().to_vec())]).unwrap_err().to_string();
            assert!(why.contains(expected), "`{why}` does not say `{expected}`");
        };
        check("", "note `key`");
        check(r#"{"version":2,"rotations":[]}"#, "version 2 is not known");
        check(r#"{"version":1,"rotations":[],"more":1}"#, "unknown field");
        let one = |public: &str| {
            format!(
                r#"{{"version":1,"rotations":[{{"seq":1,"old":"0707070707070707","old_erased":false,"algorithm":"Ed25519","public":"{public}"}}]}}"#
            )
        };
        check(&one("00"), "not a usable Ed25519 key");
        check(&one("xx"), "not a usable Ed25519 key");
    }
}
