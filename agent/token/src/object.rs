//! How keys look as objects of PKCS#11: templates to make them, and the way back from a public object to a key.

use cryptoki::{
    mechanism::{
        Mechanism,
        eddsa::{EddsaParams, EddsaSignatureScheme},
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use sha2::{Digest as _, Sha256};
use tidewaiter_record::{Algorithm, PublicKey};

/// DER of the object identifier 1.3.101.112, Ed25519 (RFC 8410 §3).
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
/// DER of the object identifier 1.2.840.10045.3.1.7, P-256 (RFC 5480 §2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Mechanism and curve by which a token makes keys of an algorithm, if tokens have it at all.
pub(crate) fn generation(algorithm: Algorithm) -> Option<(Mechanism<'static>, &'static [u8])> {
    match algorithm {
        Algorithm::Ed25519 => Some((Mechanism::EccEdwardsKeyPairGen, &ED25519)),
        Algorithm::Esp256 => Some((Mechanism::EccKeyPairGen, &P256)),
        #[allow(unreachable_patterns, reason = "there are more algorithms in builds with the feature gm")]
        _ => None,
    }
}

/// What `C_Sign` is asked to do for a message: mechanism and bytes.
pub(crate) fn request(algorithm: Algorithm, message: &[u8]) -> Option<(Mechanism<'static>, Vec<u8>)> {
    match algorithm {
        Algorithm::Ed25519 => Some((Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)), message.to_vec())),
        Algorithm::Esp256 => Some((Mechanism::Ecdsa, Sha256::digest(message).to_vec())),
        #[allow(unreachable_patterns, reason = "there are more algorithms in builds with the feature gm")]
        _ => None,
    }
}

/// Attributes of the two halves of a new key. The private one never leaves the token, not even encrypted.
pub(crate) fn templates(label: &str, id: &[u8], curve: &[u8]) -> (Vec<Attribute>, Vec<Attribute>) {
    let both = |private: bool| {
        vec![
            Attribute::Token(true),
            Attribute::Private(private),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Id(id.to_vec()),
        ]
    };
    let mut public = both(false);
    public.extend([Attribute::Verify(true), Attribute::EcParams(curve.to_vec())]);
    let mut private = both(true);
    private.extend([Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Sign(true)]);
    (public, private)
}

/// What one half of a key is found by.
pub(crate) fn by_id(class: ObjectClass, id: &[u8]) -> [Attribute; 3] {
    [Attribute::Token(true), Attribute::Class(class), Attribute::Id(id.to_vec())]
}

/// The key of a public object, or nothing if it is none of ours.
pub(crate) fn public_key(session: &Session, object: ObjectHandle) -> cryptoki::error::Result<Option<PublicKey>> {
    let (mut kind, mut point) = (None, Vec::new());
    for attribute in session.get_attributes(object, &[AttributeType::KeyType, AttributeType::EcPoint])? {
        match attribute {
            Attribute::KeyType(it) => kind = Some(it),
            Attribute::EcPoint(it) => point = it,
            _ => {}
        }
    }
    let algorithm = match kind {
        Some(KeyType::EC_EDWARDS) => Algorithm::Ed25519,
        Some(KeyType::EC) => Algorithm::Esp256,
        _ => return Ok(None),
    };
    Ok(raw_point(algorithm, &point).and_then(|raw| PublicKey::from_bytes(algorithm, raw).ok()))
}

// The standard asks for the point as a DER octet string; some tokens give it bare. A point of P-256 begins with 04,
// uncompressed, which is also the tag of an octet string: only the lengths tell them apart.
fn raw_point(algorithm: Algorithm, point: &[u8]) -> Option<&[u8]> {
    match (algorithm, point) {
        (Algorithm::Ed25519, [0x04, 0x20, raw @ ..] | raw) if raw.len() == 32 => Some(raw),
        (Algorithm::Esp256, [0x04, 0x41, 0x04, raw @ ..] | [0x04, raw @ ..]) if raw.len() == 64 => Some(raw),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_in_both_of_its_wrappings() {
        let check = |algorithm, point: &[u8], expected: Option<usize>| {
            assert_eq!(raw_point(algorithm, point).map(<[u8]>::len), expected, "{algorithm} {point:02x?}");
        };
        // The coordinate begins with the two bytes that a wrapping begins with.
        let edwards = [&[0x04, 0x20][..], &[7; 30]].concat();
        check(Algorithm::Ed25519, &edwards, Some(32));
        check(Algorithm::Ed25519, &[&[0x04, 0x20][..], &edwards].concat(), Some(32));
        check(Algorithm::Ed25519, &[0; 31], None);
        check(Algorithm::Ed25519, &[], None);
        let weierstrass = [&[0x41, 0x04][..], &[7; 62]].concat();
        check(Algorithm::Esp256, &[&[0x04][..], &weierstrass].concat(), Some(64));
        check(Algorithm::Esp256, &[&[0x04, 0x41, 0x04][..], &weierstrass].concat(), Some(64));
        check(Algorithm::Esp256, &weierstrass, None);
        check(Algorithm::Esp256, &[&[0x02][..], &[7; 32]].concat(), None);
    }
}
