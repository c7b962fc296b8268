//! `COSE_Sign1` (RFC 9052 §4.2), as strict as a record needs it.
//!
//! ```text
//! 18([ protected: bstr, unprotected: {}, payload: bstr, signature: bstr ])
//! ```
//!
//! The protected header and the payload are deterministic CBOR each. The unprotected header is empty: a
//! place that no signature covers would be a place to write into. A general COSE reader takes these bytes
//! as well; the reverse is refused on purpose.

use crate::{
    MAX_RECORD_BYTES,
    cbor::{self, Reader, Writer},
    id::Kid,
    open::{ParseError, SignatureError},
    registry::{RegisteredKey, Registry, Role},
    sign::{Algorithm, SignError, Signer},
};

/// What an item is, by its `typ` header (label 16, RFC 9596).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// A record of a chain.
    Record,
    /// A receipt of the centre.
    Receipt,
    /// An enrolment statement.
    Statement,
    /// A head of the centre's log.
    Head,
    /// A request of the centre to send records again.
    Resend,
    /// A statement of people that an agent begins a new chain.
    Reset,
    /// An agent's proof that it may have a new transport certificate.
    Renewal,
}

impl ContentType {
    const ALL: [Self; 7] =
        [Self::Record, Self::Receipt, Self::Statement, Self::Head, Self::Resend, Self::Reset, Self::Renewal];

    /// The text of the `typ` header.
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Record => "application/vnd.tidewaiter.record+cbor; v=1",
            Self::Receipt => "application/vnd.tidewaiter.receipt+cbor; v=1",
            Self::Statement => "application/vnd.tidewaiter.enrolment+cbor; v=1",
            Self::Head => "application/vnd.tidewaiter.head+cbor; v=1",
            Self::Resend => "application/vnd.tidewaiter.resend+cbor; v=1",
            Self::Reset => "application/vnd.tidewaiter.reset+cbor; v=1",
            Self::Renewal => "application/vnd.tidewaiter.renewal+cbor; v=1",
        }
    }

    /// The longest item of this type, in bytes.
    ///
    /// All but records are short by their nature. Whoever may publish on a topic of theirs must not be able to
    /// make the receiver work through more than this.
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Record => MAX_RECORD_BYTES,
            Self::Receipt => 1024,
            Self::Statement | Self::Head | Self::Resend | Self::Reset | Self::Renewal => 2048,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Receipt => "receipt",
            Self::Statement => "statement",
            Self::Head => "head",
            Self::Resend => "resend request",
            Self::Reset => "reset statement",
            Self::Renewal => "renewal proof",
        }
    }

    /// What `bytes` claim to be; nothing else is checked.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Envelope::open(bytes).ok()?.content_type()
    }
}

/// Header labels: RFC 9052 §3.1, RFC 9597, RFC 9596, and one of the private range.
pub(crate) mod label {
    /// Algorithm.
    pub(crate) const ALG: u64 = 1;
    /// Key identifier.
    pub(crate) const KID: u64 = 4;
    /// CWT claims.
    pub(crate) const CWT_CLAIMS: u64 = 15;
    /// Content type of the whole.
    pub(crate) const TYP: u64 = 16;
    /// Place in the chain.
    pub(crate) const CHAIN: i64 = -70001;
}

const TAG_SIGN1: u64 = 18;

/// How many characters of a wrong content type a message shows.
const MAX_TYP_SHOWN: usize = 80;

/// A `COSE_Sign1` taken apart, its parts as they stand in the bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes the bytes of an item of a known type apart, once they are short enough for it.
    pub(crate) fn open_as(kind: ContentType, bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() > kind.max_bytes() {
            return Err(ParseError::TooLong { bytes: bytes.len(), most: kind.max_bytes(), what: kind.word() });
        }
        Self::open(bytes)
    }

    /// What the header says it is.
    pub(crate) fn content_type(&self) -> Option<ContentType> {
        let mut r = Reader::new(self.protected);
        let typ = r.fields().ok()?.find(label::TYP, Reader::text).ok()??;
        ContentType::ALL.into_iter().find(|it| it.typ() == typ)
    }

    /// Takes `bytes` apart; header and payload are checked to be deterministic, and not read yet.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(ParseError::TooLarge { bytes: bytes.len() });
        }
        let mut r = Reader::new(bytes);
        r.tag(TAG_SIGN1)?;
        r.array(4)?;
        let protected = r.bytes()?;
        if r.fields()?.end().is_err() {
            return Err(ParseError::Unprotected);
        }
        let payload = r.bytes()?;
        let signature = r.bytes()?;
        r.end()?;
        cbor::check(protected).map_err(ParseError::Header)?;
        cbor::check(payload).map_err(ParseError::Body)?;
        Ok(Self { protected, payload, signature })
    }

    /// What the signature covers (RFC 9052 §4.4), with empty external data.
    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(4);
        w.text("Signature1");
        w.bytes(self.protected);
        w.bytes(&[]);
        w.bytes(self.payload);
        w.finish()
    }

    fn write(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.tag(TAG_SIGN1);
        w.array(4);
        w.bytes(self.protected);
        w.map(|_| {});
        w.bytes(self.payload);
        w.bytes(self.signature);
        w.finish()
    }
}

/// Signs `payload` under `protected`.
pub(crate) fn sign(protected: &[u8], payload: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
    let unsigned = Envelope { protected, payload, signature: &[] };
    let signature = signer.sign(&unsigned.signed_bytes())?;
    Ok(Envelope { signature: &signature, ..unsigned }.write())
}

/// The protected header of everything that is not a record: algorithm, key, type.
pub(crate) fn plain_header(kind: ContentType, signer: &dyn Signer) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(|m| {
        m.int(label::ALG.cast_signed(), |w| w.int(signer.algorithm().cose()));
        m.int(label::KID.cast_signed(), |w| w.bytes(&signer.kid().0));
        m.int(label::TYP.cast_signed(), |w| w.text(kind.typ()));
    });
    w.finish()
}

/// Signs the payload of something that is not a record.
pub(crate) fn issue(kind: ContentType, payload: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
    sign(&plain_header(kind, signer), payload, signer)
}

/// The key that signed something that is not a record: registered, of the algorithm that the header names, of this
/// role, and as `may` says of it; then the signature itself.
pub(crate) fn signed_by<'r, E: From<ParseError> + From<SignatureError>>(
    envelope: &Envelope<'_>,
    kind: ContentType,
    role: Role,
    registry: &'r Registry,
    may: impl FnOnce(Kid, &RegisteredKey) -> Result<(), SignatureError>,
) -> Result<&'r RegisteredKey, E> {
    let (algorithm, kid) = read_plain_header(envelope.protected, kind)?;
    let key = registry.usable_key(kid, algorithm, role)?;
    may(kid, key)?;
    if !key.public.verifies(&envelope.signed_bytes(), envelope.signature) {
        return Err(SignatureError::BadSignature(kid).into());
    }
    Ok(key)
}

/// Reads [`plain_header`] back.
pub(crate) fn read_plain_header(protected: &[u8], expected: ContentType) -> Result<(Algorithm, Kid), ParseError> {
    let mut r = Reader::new(protected);
    let mut fields = r.fields().map_err(ParseError::Header)?;
    let algorithm = read_algorithm(fields.need(label::ALG, Reader::int).map_err(ParseError::Header)?)?;
    let kid = fields.need(label::KID, Reader::fixed).map_err(ParseError::Header)?;
    check_typ(fields.need(label::TYP, Reader::text).map_err(ParseError::Header)?, expected)?;
    fields.end().map_err(ParseError::Header)?;
    Ok((algorithm, Kid(kid)))
}

pub(crate) fn read_algorithm(id: i64) -> Result<Algorithm, ParseError> {
    Algorithm::from_cose(id).ok_or(ParseError::Algorithm(id))
}

pub(crate) fn check_typ(found: &str, kind: ContentType) -> Result<(), ParseError> {
    if found == kind.typ() {
        return Ok(());
    }
    // Whoever wrote it chose its length; a message needs its beginning.
    Err(ParseError::ContentType { found: found.chars().take(MAX_TYP_SHOWN).collect(), expected: kind.typ() })
}
