//! The renewal proof: an agent asks for a new transport certificate with its record key.
//!
//! ```text
//! payload = { 1: agent, 2: chain, 3: nonce (32 bytes), 4: SHA-256 of the certificate request,
//!             5: SHA-256 of the certificate it had }
//! ```
//!
//! A transport certificate lives for weeks, and an agent may be cut off for longer than that. So the request is not
//! proved by the certificate, which may have expired, but by the record key, which is closed by people and by
//! nothing else. The nonce is the centre's and serves once; the hashes bind the proof to one request.

use crate::{
    cbor::{CborError, Reader, Writer},
    envelope::{self, ContentType, Envelope},
    id::{ChainId, Hash},
    open::{ParseError, SignatureError},
    registry::{RegisteredKey, Registry, Role},
    seal::SealError,
    sign::Signer,
};

/// What an agent asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The agent.
    pub agent: String,
    /// Its chain.
    pub chain: ChainId,
    /// The centre's, for this request.
    pub nonce: [u8; 32],
    /// SHA-256 of the certificate request (PKCS #10, DER).
    pub request: Hash,
    /// SHA-256 of the certificate it had (DER).
    pub certificate: Hash,
}

/// Why bytes are no renewal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewalError {
    /// The bytes are no renewal.
    #[error("renewal: {0}")]
    Parse(#[from] ParseError),
    /// Not signed by the registered key of that agent and chain.
    #[error("renewal: {0}")]
    Signature(#[from] SignatureError),
}

/// Signs a renewal with the record key.
///
/// # Errors
///
/// Fails when the key does not sign.
pub fn issue_renewal(renewal: &Renewal, signer: &dyn Signer) -> Result<Vec<u8>, SealError> {
    let mut w = Writer::new();
    w.map(|m| {
        m.int(1, |w| w.text(&renewal.agent));
        m.int(2, |w| w.bytes(&renewal.chain.0));
        m.int(3, |w| w.bytes(&renewal.nonce));
        m.int(4, |w| w.bytes(&renewal.request.0));
        m.int(5, |w| w.bytes(&renewal.certificate.0));
    });
    Ok(envelope::issue(ContentType::Renewal, &w.finish(), signer)?)
}

/// Reads a renewal and checks that the registered key of that agent and chain signed it.
///
/// Gives the registered key too: whether it is still open is for the caller to ask.
///
/// # Errors
///
/// Refuses everything else.
pub fn open_renewal<'a>(bytes: &[u8], registry: &'a Registry) -> Result<(Renewal, &'a RegisteredKey), RenewalError> {
    let envelope = Envelope::open_as(ContentType::Renewal, bytes)?;
    let renewal = read(envelope.payload).map_err(ParseError::Body)?;
    let key =
        envelope::signed_by::<RenewalError>(&envelope, ContentType::Renewal, Role::Agent, registry, |kid, key| {
            if key.agent != renewal.agent {
                let (found, registered) = (renewal.agent.clone(), key.agent.clone());
                return Err(SignatureError::WrongAgent { kid, found, registered });
            }
            if key.chain != Some(renewal.chain) {
                return Err(SignatureError::ForeignChain { kid, found: renewal.chain });
            }
            Ok(())
        })?;
    Ok((renewal, key))
}

fn read(payload: &[u8]) -> Result<Renewal, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let renewal = Renewal {
        agent: fields.need(1, Reader::text)?.to_owned(),
        chain: ChainId(fields.need(2, Reader::fixed)?),
        nonce: fields.need(3, Reader::fixed)?,
        request: Hash(fields.need(4, Reader::fixed)?),
        certificate: Hash(fields.need(5, Reader::fixed)?),
    };
    fields.end()?;
    Ok(renewal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Ed25519Signer, RegistryClass, Statement};

    #[test]
    fn only_the_registered_key_of_the_agent_and_chain_asks() {
        let (own, other) = (Ed25519Signer::from_seed(&[1; 32]), Ed25519Signer::from_seed(&[2; 32]));
        let mut registry = Registry::new(RegistryClass::Test);
        for (agent, chain, signer) in [("a", 1, &own), ("b", 2, &other)] {
            let public = signer.public_key();
            let statement =
                Statement { agent: agent.into(), chain: ChainId([chain; 16]), public, created_ms: 0, simulated: false };
            registry.add(statement.register(Hash([0; 32]))).unwrap();
        }
        let renewal = Renewal {
            agent: "a".into(),
            chain: ChainId([1; 16]),
            nonce: [5; 32],
            request: Hash([6; 32]),
            certificate: Hash([7; 32]),
        };
        let bytes = issue_renewal(&renewal, &own).unwrap();
        let (read, key) = open_renewal(&bytes, &registry).unwrap();
        assert_eq!((read, key.kid()), (renewal.clone(), own.kid()));

        let check = |bytes: &[u8], expected: &str| {
            let error = open_renewal(bytes, &registry).unwrap_err().to_string();
            assert!(error.contains(expected), "`{error}` does not say `{expected}`");
        };
        check(&issue_renewal(&renewal, &other).unwrap(), "belongs to agent `b`");
        check(&issue_renewal(&Renewal { chain: ChainId([2; 16]), ..renewal.clone() }, &own).unwrap(), "chain");
        check(&issue_renewal(&renewal, &Ed25519Signer::from_seed(&[3; 32])).unwrap(), "not in the registry");
        let mut bent = bytes.clone();
        *bent.last_mut().unwrap() ^= 1;
        check(&bent, "signature");
        for cut in 0..bytes.len() {
            assert!(open_renewal(bytes.get(..cut).unwrap(), &registry).is_err(), "{cut}");
        }
    }
}
