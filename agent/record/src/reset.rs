//! The reset statement: two people say that an agent begins a new chain, because the old one cannot go on.
//!
//! ```text
//! payload = { 1: agent, 2: old chain, 3: last known seq / null, 4: its hash / null,
//!             5: new chain, 6: hash of the new enrolment statement, 7: reason, 8: at_ms }
//! ```
//!
//! A disk is lost or a board replaced, and with it the key and the place in the chain. What follows is a new
//! chain, and a hole that nobody can close: so it is said aloud, by two people, and stays visible in the registry.
//! Each signs the same payload with a key of role person; the two keys belong to different names. A statement
//! with one signature, or with two of one person, says nothing.

use crate::{
    cbor::{CborError, Reader, Writer},
    envelope::{self, ContentType, Envelope},
    id::{ChainId, Hash, Kid},
    open::{ParseError, SignatureError},
    registry::{Follows, Registry, Role},
    seal::SealError,
    sign::Signer,
};

/// Longest reason, in bytes: a sentence or two.
pub const MAX_REASON_BYTES: usize = 1024;

/// How many people have to sign.
pub const SIGNATURES: usize = 2;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The agent.
    pub agent: String,
    /// The chain that ends.
    pub old_chain: ChainId,
    /// The last number of it that the centre has a receipt for; none when it never had one.
    pub last_seq: Option<u64>,
    /// The hash of that record; present exactly when `last_seq` is.
    pub hash: Option<Hash>,
    /// The chain that begins.
    pub new_chain: ChainId,
    /// SHA-256 of the enrolment statement of the new chain.
    pub statement: Hash,
    /// Why, in a sentence.
    pub reason: String,
    /// UTC milliseconds since 1970 when it was drawn up.
    pub at_ms: i64,
}

/// Why two signatures are not a reset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetError {
    /// The bytes are no reset statement.
    #[error("reset statement: {0}")]
    Parse(#[from] ParseError),
    /// Not signed by a key that may.
    #[error("reset statement: {0}")]
    Signature(#[from] SignatureError),
    /// One signature, or none, or more than two.
    #[error("reset statement: {found} signed copies; it takes {SIGNATURES}, by two people")]
    Count {
        /// How many were given.
        found: usize,
    },
    /// The copies do not say the same.
    #[error("reset statement: the signed copies differ; sign the same file twice")]
    Differ,
    /// Both signatures are of one person.
    #[error("reset statement: both copies are signed by {0:?}; it takes two people")]
    SamePerson(String),
    /// It cannot be true.
    #[error("reset statement: {0}")]
    Content(&'static str),
}

impl Reset {
    /// The payload, which is what people sign.
    ///
    /// # Errors
    ///
    /// Refuses a statement that cannot be true.
    pub fn payload(&self) -> Result<Vec<u8>, ResetError> {
        self.check()?;
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.text(&self.agent));
            m.int(2, |w| w.bytes(&self.old_chain.0));
            m.int(3, |w| match self.last_seq {
                Some(seq) => w.uint(seq),
                None => w.null(),
            });
            m.int(4, |w| match self.hash {
                Some(hash) => w.bytes(&hash.0),
                None => w.null(),
            });
            m.int(5, |w| w.bytes(&self.new_chain.0));
            m.int(6, |w| w.bytes(&self.statement.0));
            m.int(7, |w| w.text(&self.reason));
            m.int(8, |w| w.int(self.at_ms));
        });
        Ok(w.finish())
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// Refuses every spelling but the one deterministic one, and what cannot be true.
    pub fn from_payload(payload: &[u8]) -> Result<Self, ResetError> {
        crate::cbor::check(payload).map_err(ParseError::Body)?;
        let reset = read(payload).map_err(ParseError::Body)?;
        reset.check()?;
        Ok(reset)
    }

    fn check(&self) -> Result<(), ResetError> {
        if self.agent.is_empty() {
            return Err(ResetError::Content("the agent has no name"));
        }
        if self.old_chain == self.new_chain {
            return Err(ResetError::Content("the new chain is the old one"));
        }
        if self.last_seq.is_some() != self.hash.is_some() {
            return Err(ResetError::Content("the last number and its hash are both there or both absent"));
        }
        if self.reason.trim().is_empty() || self.reason.len() > MAX_REASON_BYTES {
            return Err(ResetError::Content("the reason is empty or longer than 1024 bytes"));
        }
        Ok(())
    }

    /// Signs the statement as one of the two people.
    ///
    /// # Errors
    ///
    /// Fails when the key does not sign, or when the statement cannot be true.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, ResetSignError> {
        let payload = self.payload()?;
        let protected = envelope::plain_header(ContentType::Reset, signer);
        envelope::sign(&protected, &payload, signer).map_err(|it| ResetSignError::Seal(it.into()))
    }

    /// What the registry keeps of it, at the first key of the new chain.
    ///
    /// # Errors
    ///
    /// As [`Reset::payload`].
    pub fn follows(&self) -> Result<Follows, ResetError> {
        let reset = Hash::of(&self.payload()?);
        Ok(Follows { chain: self.old_chain, last_seq: self.last_seq, hash: self.hash, reset })
    }
}

/// Why a statement was not signed.
#[derive(Debug, thiserror::Error)]
pub enum ResetSignError {
    /// It cannot be true.
    #[error(transparent)]
    Reset(#[from] ResetError),
    /// The key does not sign.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Two people's signatures over one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedReset {
    /// What they say.
    pub reset: Reset,
    /// Who they are, by the names in the registry.
    pub people: [String; SIGNATURES],
}

/// Reads one signed copy without asking who signed: the statement, and the key that claims to have.
///
/// # Errors
///
/// Refuses bytes that are no signed copy.
pub fn peek(bytes: &[u8]) -> Result<(Reset, Kid), ResetError> {
    let envelope = Envelope::open_as(ContentType::Reset, bytes)?;
    let (_, kid) = envelope::read_plain_header(envelope.protected, ContentType::Reset)?;
    Ok((Reset::from_payload(envelope.payload)?, kid))
}

/// Reads the signed copies and checks that two different people of the registry have signed the same.
///
/// # Errors
///
/// Refuses everything else.
pub fn open_reset(copies: &[&[u8]], registry: &Registry) -> Result<SignedReset, ResetError> {
    let &[one, two] = copies else { return Err(ResetError::Count { found: copies.len() }) };
    let (first, by) = open_one(one, registry)?;
    let (second, also_by) = open_one(two, registry)?;
    if first != second {
        return Err(ResetError::Differ);
    }
    if by == also_by {
        return Err(ResetError::SamePerson(by));
    }
    Ok(SignedReset { reset: Reset::from_payload(first)?, people: [by, also_by] })
}

fn open_one<'a>(bytes: &'a [u8], registry: &Registry) -> Result<(&'a [u8], String), ResetError> {
    let envelope = Envelope::open_as(ContentType::Reset, bytes)?;
    let key = envelope::signed_by::<ResetError>(&envelope, ContentType::Reset, Role::Person, registry, |_, _| Ok(()))?;
    Ok((envelope.payload, key.agent.clone()))
}

fn read(payload: &[u8]) -> Result<Reset, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let reset = Reset {
        agent: fields.need(1, Reader::text)?.to_owned(),
        old_chain: ChainId(fields.need(2, Reader::fixed)?),
        last_seq: fields.need(3, |r| r.nullable(Reader::uint))?,
        hash: fields.need(4, |r| r.nullable(Reader::fixed))?.map(Hash),
        new_chain: ChainId(fields.need(5, Reader::fixed)?),
        statement: Hash(fields.need(6, Reader::fixed)?),
        reason: fields.need(7, Reader::text)?.to_owned(),
        at_ms: fields.need(8, Reader::int)?,
    };
    fields.end()?;
    Ok(reset)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::{Ed25519Signer, RegisteredKey, RegistryClass};

    fn reset() -> Reset {
        Reset {
            agent: "gate-07".into(),
            old_chain: ChainId([1; 16]),
            last_seq: Some(41),
            hash: Some(Hash([2; 32])),
            new_chain: ChainId([3; 16]),
            statement: Hash([4; 32]),
            reason: "板卡更换 / board replaced".into(),
            at_ms: 1_795_300_000_000,
        }
    }

    fn person(seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed(&[seed; 32])
    }

    fn registry() -> Registry {
        let mut registry = Registry::new(RegistryClass::Test);
        for (name, seed) in [("Li Na", 1), ("Wang Wei", 2), ("Li Na", 3)] {
            registry.add(RegisteredKey::person(name, person(seed).public_key())).unwrap();
        }
        registry.add(RegisteredKey::centre("centre", person(9).public_key())).unwrap();
        registry
    }

    #[test]
    fn two_people_say_the_same_or_nothing_is_said() {
        let registry = registry();
        let signed = |seed: u8, reset: &Reset| reset.sign(&person(seed)).unwrap();
        let (one, two) = (signed(1, &reset()), signed(2, &reset()));
        let opened = open_reset(&[&one, &two], &registry).unwrap();
        assert_eq!(opened.reset, reset());
        assert_eq!(opened.people, ["Li Na".to_owned(), "Wang Wei".to_owned()]);
        let follows = opened.reset.follows().unwrap();
        assert_eq!((follows.chain, follows.last_seq), (ChainId([1; 16]), Some(41)));
        assert_eq!(peek(&one).unwrap(), (reset(), person(1).kid()));

        let other = Reset { last_seq: Some(40), ..reset() };
        let check = |copies: &[&[u8]], expected: &str| {
            let error = open_reset(copies, &registry).unwrap_err().to_string();
            assert!(error.contains(expected), "`{error}` does not say `{expected}`");
        };
        check(&[&one], "1 signed copies");
        check(&[&one, &two, &one], "3 signed copies");
        check(&[&one, &one], "two people");
        check(&[&one, &signed(3, &reset())], "both copies are signed by \"Li Na\"");
        check(&[&one, &signed(2, &other)], "differ");
        check(&[&one, &signed(9, &reset())], "role");
        check(&[&one, &signed(8, &reset())], "not in the registry");
        let mut bent = two.clone();
        *bent.last_mut().unwrap() ^= 1;
        check(&[&one, &bent], "signature");
        // Garbage and cuts are refused, whole.
        for cut in 0..one.len() {
            assert!(open_reset(&[&one[..cut], &two], &registry).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_cannot_be_true_is_not_signed() {
        let check = |reset: Reset| assert!(reset.sign(&person(1)).is_err(), "{reset:?}");
        check(Reset { new_chain: ChainId([1; 16]), ..reset() });
        check(Reset { hash: None, ..reset() });
        check(Reset { last_seq: None, ..reset() });
        check(Reset { reason: " ".into(), ..reset() });
        check(Reset { reason: "x".repeat(MAX_REASON_BYTES + 1), ..reset() });
        check(Reset { agent: String::new(), ..reset() });
        let none = Reset { last_seq: None, hash: None, ..reset() };
        assert_eq!(Reset::from_payload(&none.payload().unwrap()).unwrap(), none);
    }
}
