//! From bytes back to a record: first its structure, then its signature.

use crate::{
    MAX_RECORD_BYTES,
    body::Body,
    cbor::{CborError, Fields, Reader},
    envelope::{ContentType, Envelope, check_typ, label, read_algorithm},
    id::{ChainId, Hash, Kid},
    registry::{RegisteredKey, Registry, Role},
    seal::{Anchor, MAX_SEQ},
    sign::Algorithm,
};

/// Why bytes are not a record, a receipt or a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Longer than any record.
    #[error("{bytes} bytes, a record has at most {MAX_RECORD_BYTES}")]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// Longer than any item of its type.
    #[error("{bytes} bytes, a {what} has at most {most}")]
    TooLong {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        most: usize,
        /// What it is.
        what: &'static str,
    },
    /// The envelope is not the one deterministic form of a `COSE_Sign1`.
    #[error("envelope: {0}")]
    Envelope(#[from] CborError),
    /// Something stands in the unprotected header.
    #[error("envelope: the unprotected header is not empty")]
    Unprotected,
    /// The protected header is not the one of this content type.
    #[error("protected header: {0}")]
    Header(#[source] CborError),
    /// The payload is not the one of this content type.
    #[error("payload: {0}")]
    Body(#[source] CborError),
    /// An algorithm this format does not have.
    #[error(
        "protected header: algorithm {0} is not one this build has (-19 Ed25519, -9 ESP256; -70002 SM2 in builds with feature gm)"
    )]
    Algorithm(i64),
    /// Another type, or another version of it.
    #[error("protected header: content type `{found}`, expected `{expected}`")]
    ContentType {
        /// What stands there.
        found: String,
        /// What is read here.
        expected: &'static str,
    },
    /// The signature has not the length of its algorithm.
    #[error("signature: {found} bytes, {algorithm} has {}", algorithm.signature_bytes())]
    SignatureLength {
        /// How many there are.
        found: usize,
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A stream that cannot be cut into items from here on.
    #[error("stream: byte {at}: no item begins here: {why}")]
    Stream {
        /// Bytes from the start of the stream.
        at: u64,
        /// What is wrong.
        why: CborError,
    },
}

/// The protected header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The signature algorithm it claims.
    pub algorithm: Algorithm,
    /// The key it claims.
    pub kid: Kid,
    /// The agent (`iss`).
    pub agent: String,
    /// Instrument or place, or `self` (`sub`).
    pub subject: String,
    /// The chain it belongs to.
    pub chain: ChainId,
    /// Its number in the chain, from 0.
    pub seq: u64,
    /// Hash of the record before; of the enrolment statement at 0.
    pub prev: Hash,
    /// The newest head of the centre that the agent had verified, where it changed.
    pub anchor: Option<Anchor>,
}

/// A record as it was sealed. Its signature may not have been checked yet, see [`verify_signature`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who, and where in which chain.
    pub header: Header,
    /// What and when.
    pub body: Body,
    hash: Hash,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Record {
    /// SHA-256 of the bytes it was parsed from.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The kind of its detail.
    pub fn kind(&self) -> u64 {
        self.body.detail.kind()
    }

    /// Whether it says of itself that an instrument behind it was simulated.
    pub fn simulated(&self) -> bool {
        self.body.detail.flags().simulated
    }
}

/// Reads the structure of a record: envelope, header, body.
///
/// # Errors
///
/// Refuses every spelling but the one deterministic one.
pub fn parse(bytes: &[u8]) -> Result<Record, ParseError> {
    read(&Envelope::open(bytes)?, bytes)
}

/// Reads a record from its opened envelope; `bytes` are the whole.
pub(crate) fn read(envelope: &Envelope<'_>, bytes: &[u8]) -> Result<Record, ParseError> {
    let header = Header::read(envelope.protected)?;
    let found = envelope.signature.len();
    if found != header.algorithm.signature_bytes() {
        return Err(ParseError::SignatureLength { found, algorithm: header.algorithm });
    }
    Ok(Record {
        body: Body::read(envelope.payload).map_err(ParseError::Body)?,
        header,
        hash: Hash::of(bytes),
        signed: envelope.signed_bytes(),
        signature: envelope.signature.to_vec(),
    })
}

impl Header {
    fn read(protected: &[u8]) -> Result<Self, ParseError> {
        // The one negative key stands last: its encoding sorts above those of the positive ones.
        let mut r = Reader::new(protected);
        let (algorithm, kid, typ, (agent, subject)) = read_labels(&mut r).map_err(ParseError::Header)?;
        let algorithm = read_algorithm(algorithm)?;
        check_typ(typ, ContentType::Record)?;
        let (chain, seq, prev, anchor) = read_place(&mut r).map_err(ParseError::Header)?;
        r.end().map_err(ParseError::Header)?;
        Ok(Self { algorithm, kid, agent, subject, chain, seq, prev, anchor })
    }
}

type Labels<'a> = (i64, Kid, &'a str, (String, String));

fn read_labels<'a>(r: &mut Reader<'a>) -> Result<Labels<'a>, CborError> {
    let mut fields: Fields<'_, 'a> = r.fields_of(5)?;
    let algorithm = fields.need(label::ALG, Reader::int)?;
    let kid = Kid(fields.need(label::KID, Reader::fixed)?);
    let claims = fields.need(label::CWT_CLAIMS, read_claims)?;
    let typ = fields.need(label::TYP, Reader::text)?;
    Ok((algorithm, kid, typ, claims))
}

fn read_claims(r: &mut Reader<'_>) -> Result<(String, String), CborError> {
    let mut fields = r.fields()?;
    let agent = fields.need(1, Reader::text)?.to_owned();
    let subject = fields.need(2, Reader::text)?.to_owned();
    fields.end()?;
    Ok((agent, subject))
}

type Place = (ChainId, u64, Hash, Option<Anchor>);

fn read_place(r: &mut Reader<'_>) -> Result<Place, CborError> {
    let at = r.at();
    if r.int()? != label::CHAIN {
        return Err(CborError::Expected { at, expected: "the label -70001 of the chain" });
    }
    r.array(4)?;
    let chain = ChainId(r.fixed()?);
    let at = r.at();
    let seq = r.uint()?;
    if seq > MAX_SEQ {
        return Err(CborError::Expected { at, expected: "a sequence number below 2^63" });
    }
    let prev = Hash(r.fixed()?);
    let anchor = r.nullable(|r| {
        r.array(2)?;
        Ok::<_, CborError>(Anchor { number: r.uint()?, hash: Hash(r.fixed()?) })
    })?;
    Ok((chain, seq, prev, anchor))
}

/// Why a record, a receipt or a statement is not signed by a key that may sign it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The registry has no such key.
    #[error("key {0} is not in the registry")]
    UnknownKey(Kid),
    /// The key is registered for something else.
    #[error("key {kid} is registered for role {found}, not {expected}")]
    WrongRole {
        /// The key.
        kid: Kid,
        /// Its role.
        found: Role,
        /// The role needed.
        expected: Role,
    },
    /// The header names another algorithm than the registry.
    #[error("key {kid} is registered for {registered}, the header says {found}")]
    WrongAlgorithm {
        /// The key.
        kid: Kid,
        /// What the header says.
        found: Algorithm,
        /// What the registry says.
        registered: Algorithm,
    },
    /// The key belongs to another agent.
    #[error("key {kid} belongs to agent `{registered}`, the record says `{found}`")]
    WrongAgent {
        /// The key.
        kid: Kid,
        /// What the record says.
        found: String,
        /// What the registry says.
        registered: String,
    },
    /// The key belongs to another chain.
    #[error("key {kid} does not sign on chain {found}")]
    ForeignChain {
        /// The key.
        kid: Kid,
        /// What the record says.
        found: ChainId,
    },
    /// The key does not sign at this place of the chain.
    #[error("key {kid} does not sign at sequence number {seq}")]
    OutsideRange {
        /// The key.
        kid: Kid,
        /// What the record says.
        seq: u64,
    },
    /// The signature is not that of the key over these bytes.
    #[error("the signature is not that of key {0} over these bytes")]
    BadSignature(Kid),
}

/// Checks that the record is signed by a key that the registry allows at its place of its chain.
///
/// A chain may have handed itself to a key that the registry does not know; a [`Verifier`](crate::Verifier) follows it.
///
/// # Errors
///
/// Says which of the conditions does not hold; the signature itself is judged last.
pub fn verify_signature<'r>(record: &Record, registry: &'r Registry) -> Result<&'r RegisteredKey, SignatureError> {
    let kid = record.header.kid;
    let key = registry.key(kid).ok_or(SignatureError::UnknownKey(kid))?;
    check_key(record, key, None)?;
    Ok(key)
}

// Whether `key`, which has the name in the header, may sign this record and did. `ended` is the last number it may
// sign by what its chain says.
pub(crate) fn check_key(record: &Record, key: &RegisteredKey, ended: Option<u64>) -> Result<(), SignatureError> {
    let Header { kid, chain, seq, algorithm, .. } = record.header;
    key.usable_for(kid, algorithm, Role::Agent)?;
    if key.agent != record.header.agent {
        let found = record.header.agent.clone();
        return Err(SignatureError::WrongAgent { kid, found, registered: key.agent.clone() });
    }
    if key.chain != Some(chain) {
        return Err(SignatureError::ForeignChain { kid, found: chain });
    }
    if seq < key.from_seq || [key.to_seq, ended].into_iter().flatten().any(|last| seq > last) {
        return Err(SignatureError::OutsideRange { kid, seq });
    }
    if !key.public.verifies(&record.signed, &record.signature) {
        return Err(SignatureError::BadSignature(kid));
    }
    Ok(())
}
