//! A signature over content that lies beside it: `COSE_Sign1` with a detached payload (RFC 9052 §2 and §4.2).
//!
//! ```text
//! 18([ protected: bstr .cbor { 1: alg, 4: kid, 16: typ }, {}, null, signature: bstr ])
//! ```
//!
//! For documents of the centre that people and other programs must be able to read as they are, such as the list of an
//! archive. The signature covers `["Signature1", protected, h'', content]` as everywhere.

use crate::{
    cbor::{CborError, Reader, Writer},
    envelope::label,
    id::Kid,
    open::ParseError,
    registry::{RegisteredKey, Registry, Role},
    sign::{SignError, Signer},
};

/// The longest signature item: header and signature, with room.
pub const MAX_DETACHED_BYTES: usize = 1024;

const TAG_SIGN1: u64 = 18;

/// Why a detached signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetachedError {
    /// Not the one form of such an item.
    #[error("signature: {0}")]
    Parse(#[from] ParseError),
    /// Made for a document of another kind.
    #[error("signature: it is over {found:?}, expected {expected:?}")]
    Type {
        /// As the header says.
        found: String,
        /// As asked for.
        expected: String,
    },
    /// The registry has no such key of a centre with this algorithm.
    #[error("signature: key {0} is not registered for a centre with this algorithm")]
    Key(Kid),
    /// The signature does not fit the content.
    #[error("signature: it does not fit the content, or key {0} did not make it")]
    Signature(Kid),
}

fn signed_bytes(protected: &[u8], content: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(4);
    w.text("Signature1");
    w.bytes(protected);
    w.bytes(&[]);
    w.bytes(content);
    w.finish()
}

/// Signs `content`, a document of kind `typ` (a media type).
///
/// # Errors
///
/// Fails when the key does not sign.
pub fn sign_detached(typ: &str, content: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
    let mut header = Writer::new();
    header.map(|m| {
        m.int(label::ALG.cast_signed(), |w| w.int(signer.algorithm().cose()));
        m.int(label::KID.cast_signed(), |w| w.bytes(&signer.kid().0));
        m.int(label::TYP.cast_signed(), |w| w.text(typ));
    });
    let protected = header.finish();
    let signature = signer.sign(&signed_bytes(&protected, content))?;
    let mut w = Writer::new();
    w.tag(TAG_SIGN1);
    w.array(4);
    w.bytes(&protected);
    w.map(|_| {});
    w.null();
    w.bytes(&signature);
    Ok(w.finish())
}

/// Checks that a centre's key of the registry signed `content` as a document of kind `typ`.
///
/// # Errors
///
/// Refuses everything else.
pub fn open_detached<'r>(
    bytes: &[u8],
    typ: &str,
    content: &[u8],
    registry: &'r Registry,
) -> Result<&'r RegisteredKey, DetachedError> {
    if bytes.len() > MAX_DETACHED_BYTES {
        return Err(ParseError::TooLong { bytes: bytes.len(), most: MAX_DETACHED_BYTES, what: "signature" }.into());
    }
    let mut r = Reader::new(bytes);
    let parts = |r: &mut Reader<'_>| -> Result<(Vec<u8>, Vec<u8>), ParseError> {
        r.tag(TAG_SIGN1)?;
        r.array(4)?;
        let protected = r.bytes()?.to_vec();
        if r.fields()?.end().is_err() {
            return Err(ParseError::Unprotected);
        }
        let at = r.at();
        if r.nullable::<&[u8], CborError>(Reader::bytes)?.is_some() {
            return Err(CborError::Expected { at, expected: "null, since the content lies beside" }.into());
        }
        let signature = r.bytes()?.to_vec();
        r.end()?;
        Ok((protected, signature))
    };
    let (protected, signature) = parts(&mut r)?;
    let header = || -> Result<(i64, [u8; 8], String), CborError> {
        let mut r = Reader::new(&protected);
        let mut fields = r.fields()?;
        let algorithm = fields.need(label::ALG, Reader::int)?;
        let kid = fields.need(label::KID, Reader::fixed)?;
        let found = fields.need(label::TYP, Reader::text)?.to_owned();
        fields.end()?;
        r.end()?;
        Ok((algorithm, kid, found))
    };
    let (algorithm, kid, found) = header().map_err(ParseError::Header)?;
    let kid = Kid(kid);
    if found != typ {
        return Err(DetachedError::Type { found, expected: typ.to_owned() });
    }
    let key = registry
        .key(kid)
        .filter(|key| key.role == Role::Centre && key.public.algorithm().cose() == algorithm)
        .ok_or(DetachedError::Key(kid))?;
    if key.public.verifies(&signed_bytes(&protected, content), &signature) {
        Ok(key)
    } else {
        Err(DetachedError::Signature(kid))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::{Ed25519Signer, RegistryClass};

    const TYP: &str = "application/vnd.tidewaiter.test+json; v=1";

    #[test]
    fn a_document_is_the_one_that_was_signed_or_it_is_refused() {
        let signer = Ed25519Signer::from_seed(&[3; 32]);
        let mut registry = Registry::new(RegistryClass::Test);
        registry.add(RegisteredKey::centre("centre", signer.public_key())).unwrap();
        let bytes = sign_detached(TYP, b"content", &signer).unwrap();
        assert_eq!(open_detached(&bytes, TYP, b"content", &registry).unwrap().agent, "centre");
        let refused = |bytes: &[u8], typ: &str, content: &[u8], registry: &Registry| {
            open_detached(bytes, typ, content, registry).unwrap_err()
        };
        assert!(matches!(refused(&bytes, TYP, b"Content", &registry), DetachedError::Signature(_)));
        assert!(matches!(refused(&bytes, "text/plain", b"content", &registry), DetachedError::Type { .. }));
        let empty = Registry::new(RegistryClass::Test);
        assert!(matches!(refused(&bytes, TYP, b"content", &empty), DetachedError::Key(_)));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut spoilt = bytes.clone();
                spoilt[at] ^= 1 << bit;
                assert!(open_detached(&spoilt, TYP, b"content", &registry).is_err(), "byte {at} bit {bit}");
            }
            assert!(open_detached(&bytes[..at], TYP, b"content", &registry).is_err(), "cut at {at}");
        }
    }
}
