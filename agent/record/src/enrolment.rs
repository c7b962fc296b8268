//! The enrolment statement: an agent presents its key and its chain.
//!
//! ```text
//! payload = { 1: agent, 2: chain, 3: algorithm, 4: public key, 5: created_ms, 6: simulated }
//! ```
//!
//! It is signed with the very key it presents. That proves possession of the key and nothing else: whether
//! to trust it is decided by people, and the decision is an entry of the registry. The hash of the
//! statement is `prev` of record 0, so a chain cannot be moved to another enrolment.

use crate::{
    cbor::{CborError, Reader, Writer},
    envelope::{self, ContentType, Envelope},
    id::{ChainId, Hash},
    open::{ParseError, SignatureError},
    registry::{RegisteredKey, Role},
    seal::SealError,
    sign::{PublicKey, Signer, kid_of},
};

/// What an agent says of itself when it is enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The agent.
    pub agent: String,
    /// The chain it will write.
    pub chain: ChainId,
    /// The key it will sign with.
    pub public: PublicKey,
    /// UTC milliseconds since 1970, by its own clock.
    pub created_ms: i64,
    /// All its instruments are simulated.
    pub simulated: bool,
}

/// Why a statement is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The bytes are no statement.
    #[error("enrolment statement: {0}")]
    Parse(#[from] ParseError),
    /// The public key in it is none.
    #[error("enrolment statement: public key {0} is not usable")]
    PublicKey(String),
    /// It is not signed with the key it presents.
    #[error("enrolment statement: {0}")]
    Signature(#[from] SignatureError),
}

impl Statement {
    /// Signs the statement; `signer` holds the private half of `public`.
    ///
    /// # Errors
    ///
    /// Fails when the key does not sign.
    pub fn issue(&self, signer: &dyn Signer) -> Result<Vec<u8>, SealError> {
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.text(&self.agent));
            m.int(2, |w| w.bytes(&self.chain.0));
            m.int(3, |w| w.int(self.public.algorithm().cose()));
            m.int(4, |w| w.bytes(&self.public.to_bytes()));
            m.int(5, |w| w.int(self.created_ms));
            m.int(6, |w| w.bool(self.simulated));
        });
        let protected = envelope::plain_header(ContentType::Statement, signer);
        Ok(envelope::sign(&protected, &w.finish(), signer)?)
    }

    /// Reads a statement and checks that it is signed with the key it presents.
    ///
    /// # Errors
    ///
    /// Refuses everything else.
    pub fn open(bytes: &[u8]) -> Result<Self, StatementError> {
        let envelope = Envelope::open_as(ContentType::Statement, bytes)?;
        let (algorithm, kid) = envelope::read_plain_header(envelope.protected, ContentType::Statement)?;
        let fields = Fields::read(envelope.payload).map_err(ParseError::Body)?;
        let presented = envelope::read_algorithm(fields.algorithm)?;
        let public = PublicKey::from_bytes(presented, &fields.public)
            .map_err(|_| StatementError::PublicKey(hex::encode(fields.public)))?;
        if presented != algorithm {
            return Err(SignatureError::WrongAlgorithm { kid, found: algorithm, registered: presented }.into());
        }
        if kid_of(&public) != kid {
            return Err(SignatureError::UnknownKey(kid).into());
        }
        if !public.verifies(&envelope.signed_bytes(), envelope.signature) {
            return Err(SignatureError::BadSignature(kid).into());
        }
        let Fields { agent, chain, created_ms, simulated, .. } = fields;
        Ok(Self { agent, chain, public, created_ms, simulated })
    }

    /// The registry entry that accepts the statement whose bytes have this hash, from record 0 on.
    pub fn register(&self, hash: Hash) -> RegisteredKey {
        RegisteredKey {
            public: self.public,
            role: Role::Agent,
            agent: self.agent.clone(),
            chain: Some(self.chain),
            from_seq: 0,
            to_seq: None,
            simulated: self.simulated,
            statement: Some(hash),
            follows: None,
            note: None,
        }
    }
}

/// What two people compare before a key is trusted: eight groups of four hexadecimal digits over the statement and
/// the request for a transport certificate, so that neither can be exchanged on the way.
pub fn fingerprint(statement: &[u8], request_pem: &str) -> String {
    let mut w = Writer::new();
    w.array(3);
    w.text("tidewaiter enrolment 1");
    w.bytes(statement);
    w.text(request_pem);
    let hash = Hash::of(&w.finish()).to_string();
    let groups: Vec<_> = hash.as_bytes().chunks(4).take(8).map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

struct Fields {
    agent: String,
    chain: ChainId,
    algorithm: i64,
    public: Vec<u8>,
    created_ms: i64,
    simulated: bool,
}

impl Fields {
    fn read(payload: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(payload);
        let mut fields = r.fields()?;
        let read = Self {
            agent: fields.need(1, Reader::text)?.to_owned(),
            chain: ChainId(fields.need(2, Reader::fixed)?),
            algorithm: fields.need(3, Reader::int)?,
            public: fields.need(4, Reader::bytes)?.to_vec(),
            created_ms: fields.need(5, Reader::int)?,
            simulated: fields.need(6, Reader::bool)?,
        };
        fields.end()?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_covers_both_and_can_be_read_aloud() {
        let one = fingerprint(b"statement", "request");
        assert_eq!(one.len(), 39);
        assert!(one.split(' ').all(|it| it.len() == 4 && it.bytes().all(|it| it.is_ascii_hexdigit())), "{one}");
        assert_eq!(one, fingerprint(b"statement", "request"));
        assert_ne!(one, fingerprint(b"statemen", "trequest"));
        assert_ne!(one, fingerprint(b"statement", "requesT"));
    }
}
