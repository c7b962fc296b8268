//! `COSE_Sign` (RFC 9052 §4.1), as strict as an order needs it.
//!
//! ```text
//! 98([ protected: bstr, {}, payload: bstr, [ + [ protected: bstr, {}, signature: bstr ] ] ])
//! ```
//!
//! The protected header of the body holds the `typ` and nothing else; that of each signature its algorithm and key.
//! A signature covers `["Signature", body protected, its own protected, h'', payload]` (§4.4), so nobody's signature
//! depends on who signed before.

use super::{Kind, MandateError};
use crate::{
    cbor::{self, CborError, Reader, Writer},
    envelope::label,
    id::{Hash, Kid},
    sign::{Algorithm, PublicKey, Signer, kid_of},
};

/// Signatures on one document at most: what a threshold of people needs, and a bound on the work of checking.
pub const MAX_SIGNATURES: usize = 16;

const TAG_SIGN: u64 = 98;

/// One signature of a document, not checked.
#[derive(Clone, Debug)]
struct Signature<'a> {
    algorithm: i64,
    kid: Kid,
    protected: &'a [u8],
    value: &'a [u8],
}

/// A document taken apart; who signed it is for [`Signed::signers`] to say.
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    bytes: &'a [u8],
    kind: Kind,
    protected: &'a [u8],
    payload: &'a [u8],
    signatures: Vec<Signature<'a>>,
}

impl<'a> Signed<'a> {
    /// Takes `bytes` apart. Every level is checked to be deterministic; the payload is not read yet.
    ///
    /// # Errors
    ///
    /// Refuses what is no order of this version, and before anything is read what is larger than any.
    pub fn open(bytes: &'a [u8]) -> Result<Self, MandateError> {
        let most = Kind::ALL.into_iter().map(Kind::max_bytes).max().unwrap_or(0);
        if bytes.len() > most {
            return Err(MandateError::TooLarge { kind: Kind::Plan, bytes: bytes.len(), most });
        }
        let mut r = Reader::new(bytes);
        r.tag(TAG_SIGN)?;
        r.array(4)?;
        let protected = r.bytes()?;
        let kind = read_typ(protected)?;
        if bytes.len() > kind.max_bytes() {
            return Err(MandateError::TooLarge { kind, bytes: bytes.len(), most: kind.max_bytes() });
        }
        empty(&mut r)?;
        let payload = r.bytes()?;
        let signatures = r.list(|r| {
            r.array(3)?;
            let protected = r.bytes()?;
            empty(r)?;
            let value = r.bytes()?;
            let (algorithm, kid) = read_signer(protected)?;
            Ok::<_, MandateError>(Signature { algorithm, kid, protected, value })
        })?;
        r.end()?;
        if signatures.is_empty() || signatures.len() > MAX_SIGNATURES {
            return Err(MandateError::Signatures(signatures.len()));
        }
        cbor::check(payload).map_err(|why| MandateError::Payload { kind, why })?;
        Ok(Self { bytes, kind, protected, payload, signatures })
    }

    /// As [`Self::open`], and one kind only.
    ///
    /// # Errors
    ///
    /// Also another kind, and bytes beyond what `kind` may have.
    pub fn open_as(bytes: &'a [u8], kind: Kind) -> Result<Self, MandateError> {
        if bytes.len() > kind.max_bytes() {
            return Err(MandateError::TooLarge { kind, bytes: bytes.len(), most: kind.max_bytes() });
        }
        let signed = Self::open(bytes)?;
        if signed.kind == kind { Ok(signed) } else { Err(MandateError::Kind { found: signed.kind, expected: kind }) }
    }

    /// What it claims to be.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The payload as it stands in the bytes.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The whole as received.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// SHA-256 over the whole.
    pub fn hash(&self) -> Hash {
        Hash::of(self.bytes)
    }

    /// The names of the keys it claims to be signed by, unchecked.
    pub fn claimed(&self) -> Vec<Kid> {
        self.signatures.iter().map(|it| it.kid).collect()
    }

    /// Those of `keys` that have signed it, each once however often it signed.
    pub fn signers(&self, keys: &[&PublicKey]) -> Vec<Kid> {
        let mut counted: Vec<Kid> = Vec::new();
        for it in &self.signatures {
            let fits = |key: &&&PublicKey| kid_of(key) == it.kid && key.algorithm().cose() == it.algorithm;
            if counted.contains(&it.kid) {
                continue;
            }
            let Some(key) = keys.iter().find(fits) else { continue };
            if key.verifies(&signed_bytes(self.protected, it.protected, self.payload), it.value) {
                counted.push(it.kid);
            }
        }
        counted
    }
}

fn empty(r: &mut Reader<'_>) -> Result<(), MandateError> {
    r.fields()?.end().map_err(|_| MandateError::Unprotected)
}

fn read_typ(protected: &[u8]) -> Result<Kind, MandateError> {
    cbor::check(protected)?;
    let mut r = Reader::new(protected);
    let mut fields = r.fields()?;
    let typ = fields.need::<_, CborError>(label::TYP, Reader::text)?.to_owned();
    fields.end()?;
    Kind::from_typ(&typ).ok_or(MandateError::ContentType(typ))
}

fn read_signer(protected: &[u8]) -> Result<(i64, Kid), MandateError> {
    cbor::check(protected)?;
    let mut r = Reader::new(protected);
    let mut fields = r.fields()?;
    let algorithm = fields.need::<_, CborError>(label::ALG, Reader::int)?;
    let kid = Kid(fields.need::<_, CborError>(label::KID, Reader::fixed)?);
    fields.end()?;
    Ok((algorithm, kid))
}

fn signed_bytes(body: &[u8], own: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(5);
    w.text("Signature");
    w.bytes(body);
    w.bytes(own);
    w.bytes(&[]);
    w.bytes(payload);
    w.finish()
}

fn typ_header(kind: Kind) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(|m| m.int(label::TYP.cast_signed(), |w| w.text(kind.typ())));
    w.finish()
}

/// Signs `payload` as a document of `kind` with every one of `signers`.
///
/// # Errors
///
/// Fails when a key does not sign, or when the result would be too large.
pub fn draft(kind: Kind, payload: &[u8], signers: &[&dyn Signer]) -> Result<Vec<u8>, MandateError> {
    let body = typ_header(kind);
    let mut signatures = Vec::new();
    for signer in signers {
        signatures.push(sign(&body, payload, *signer)?);
    }
    write(kind, &body, payload, &signatures)
}

/// Adds a signature to a document; those before it stay as they are.
///
/// # Errors
///
/// Refuses bytes that are no document, and a key that has signed it already.
pub fn add_signature(bytes: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, MandateError> {
    let signed = Signed::open(bytes)?;
    if signed.signatures.iter().any(|it| it.kid == signer.kid()) {
        return Err(MandateError::SignedAlready(signer.kid()));
    }
    let mut signatures: Vec<_> =
        signed.signatures.iter().map(|it| (it.protected.to_vec(), it.value.to_vec())).collect();
    signatures.push(sign(signed.protected, signed.payload, signer)?);
    write(signed.kind, signed.protected, signed.payload, &signatures)
}

fn sign(body: &[u8], payload: &[u8], signer: &dyn Signer) -> Result<(Vec<u8>, Vec<u8>), MandateError> {
    let mut w = Writer::new();
    w.map(|m| {
        m.int(label::ALG.cast_signed(), |w| w.int(signer.algorithm().cose()));
        m.int(label::KID.cast_signed(), |w| w.bytes(&signer.kid().0));
    });
    let own = w.finish();
    let signature = signer.sign(&signed_bytes(body, &own, payload))?;
    Ok((own, signature))
}

fn write(kind: Kind, body: &[u8], payload: &[u8], signatures: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<u8>, MandateError> {
    if signatures.is_empty() || signatures.len() > MAX_SIGNATURES {
        return Err(MandateError::Signatures(signatures.len()));
    }
    let mut w = Writer::new();
    w.tag(TAG_SIGN);
    w.array(4);
    w.bytes(body);
    w.map(|_| {});
    w.bytes(payload);
    w.list(signatures, |w, (own, signature)| {
        w.array(3);
        w.bytes(own);
        w.map(|_| {});
        w.bytes(signature);
    });
    let bytes = w.finish();
    if bytes.len() > kind.max_bytes() {
        return Err(MandateError::TooLarge { kind, bytes: bytes.len(), most: kind.max_bytes() });
    }
    Ok(bytes)
}

/// Reads an algorithm of a key in a document.
pub(super) fn algorithm(id: i64) -> Result<Algorithm, MandateError> {
    Algorithm::from_cose(id).ok_or(MandateError::Algorithm(id))
}
