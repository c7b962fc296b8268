//! The head of the centre's log, and the request to send records again: the centre's two short words beside the
//! receipt.
//!
//! ```text
//! head   = { 1: centre, 2: number, 3: size, 4: root, 5: at_ms }
//! resend = { 1: agent, 2: chain, 3: from_seq, 4: upto_seq, 5: at_ms }
//! ```
//!
//! The centre keeps an append-only Merkle log (RFC 9162) of the hashes of records as it took them into their
//! chains. A head commits to all of it. Agents put the newest head they have verified into their next record, so
//! every chain is a witness of the log, and every record is known to be younger than the head it names. The
//! number of a head rises with each one issued, also while the log does not grow: it is the clock that signed
//! orders expire by, where no wall clock can be trusted.
//!
//! A resend request names numbers that the centre misses. Granting it is harmless: the same bytes are sent again.

use crate::{
    cbor::{CborError, Reader, Writer},
    envelope::{self, ContentType, Envelope},
    id::{ChainId, Hash},
    open::ParseError,
    receipt::{ReceiptError, centre_key},
    registry::{RegisteredKey, Registry},
    seal::SealError,
    sign::Signer,
};

/// A signed head of the centre's log; also called beacon where it is sent to agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Name of the centre.
    pub centre: String,
    /// Counts the heads of this centre; rises with each.
    pub number: u64,
    /// How many leaves the log has.
    pub size: u64,
    /// The root hash over them (RFC 9162 §2.1.1).
    pub root: Hash,
    /// UTC milliseconds since 1970 at the centre.
    pub at_ms: i64,
}

/// Asks an agent for records that have not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resend {
    /// The agent.
    pub agent: String,
    /// The chain.
    pub chain: ChainId,
    /// The first number missing.
    pub from_seq: u64,
    /// The last one, itself included.
    pub upto_seq: u64,
    /// UTC milliseconds since 1970 at the centre.
    pub at_ms: i64,
}

/// Signs a head.
///
/// # Errors
///
/// Fails when the key does not sign.
pub fn issue_head(head: &Head, signer: &dyn Signer) -> Result<Vec<u8>, SealError> {
    let mut w = Writer::new();
    w.map(|m| {
        m.int(1, |w| w.text(&head.centre));
        m.int(2, |w| w.uint(head.number));
        m.int(3, |w| w.uint(head.size));
        m.int(4, |w| w.bytes(&head.root.0));
        m.int(5, |w| w.int(head.at_ms));
    });
    Ok(envelope::issue(ContentType::Head, &w.finish(), signer)?)
}

/// Reads a head and checks that a centre's key of the registry signed it.
///
/// # Errors
///
/// Refuses everything else. Whether it goes on from an earlier head is for the reader to say.
pub fn open_head(bytes: &[u8], registry: &Registry) -> Result<Head, ReceiptError> {
    open_head_by(bytes, registry).map(|(head, _)| head)
}

// The same, with the key that signed it.
pub(crate) fn open_head_by<'r>(
    bytes: &[u8],
    registry: &'r Registry,
) -> Result<(Head, &'r RegisteredKey), ReceiptError> {
    let envelope = Envelope::open_as(ContentType::Head, bytes)?;
    let head = read_head(envelope.payload).map_err(ParseError::Body)?;
    let key = centre_key(&envelope, ContentType::Head, None, registry)?;
    Ok((head, key))
}

/// Signs a resend request.
///
/// # Errors
///
/// Fails when the key does not sign.
pub fn issue_resend(resend: &Resend, signer: &dyn Signer) -> Result<Vec<u8>, SealError> {
    let mut w = Writer::new();
    w.map(|m| {
        m.int(1, |w| w.text(&resend.agent));
        m.int(2, |w| w.bytes(&resend.chain.0));
        m.int(3, |w| w.uint(resend.from_seq));
        m.int(4, |w| w.uint(resend.upto_seq));
        m.int(5, |w| w.int(resend.at_ms));
    });
    Ok(envelope::issue(ContentType::Resend, &w.finish(), signer)?)
}

/// Reads a resend request and checks that a centre's key of the registry signed it.
///
/// # Errors
///
/// Refuses everything else, and a range that holds nothing.
pub fn open_resend(bytes: &[u8], registry: &Registry) -> Result<Resend, ReceiptError> {
    let envelope = Envelope::open_as(ContentType::Resend, bytes)?;
    let resend = read_resend(envelope.payload).map_err(ParseError::Body)?;
    centre_key(&envelope, ContentType::Resend, Some(resend.chain), registry)?;
    Ok(resend)
}

fn read_head(payload: &[u8]) -> Result<Head, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let head = Head {
        centre: fields.need(1, Reader::text)?.to_owned(),
        number: fields.need(2, Reader::uint)?,
        size: fields.need(3, Reader::uint)?,
        root: Hash(fields.need(4, Reader::fixed)?),
        at_ms: fields.need(5, Reader::int)?,
    };
    fields.end()?;
    Ok(head)
}

fn read_resend(payload: &[u8]) -> Result<Resend, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let resend = Resend {
        agent: fields.need(1, Reader::text)?.to_owned(),
        chain: ChainId(fields.need(2, Reader::fixed)?),
        from_seq: fields.need(3, Reader::uint)?,
        upto_seq: fields.need(4, Reader::uint)?,
        at_ms: fields.need(5, Reader::int)?,
    };
    fields.end()?;
    if resend.from_seq <= resend.upto_seq {
        Ok(resend)
    } else {
        Err(CborError::Expected { at: 0, expected: "a range of numbers that holds one" })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Ed25519Signer, RegisteredKey, RegistryClass};

    #[test]
    fn heads_and_requests_read_back_and_are_only_the_centres() {
        let signer = Ed25519Signer::from_seed(&[7; 32]);
        let mut registry = Registry::new(RegistryClass::Test);
        registry.add(RegisteredKey::centre("centre", signer.public_key())).unwrap();
        let head = Head { centre: "centre".into(), number: 3, size: 40, root: Hash([1; 32]), at_ms: 5 };
        let bytes = issue_head(&head, &signer).unwrap();
        assert_eq!(open_head(&bytes, &registry).unwrap(), head);
        let resend = Resend { agent: "a".into(), chain: ChainId([2; 16]), from_seq: 4, upto_seq: 9, at_ms: 5 };
        let asked = issue_resend(&resend, &signer).unwrap();
        assert_eq!(open_resend(&asked, &registry).unwrap(), resend);
        // One is not the other, and nobody else may say it.
        assert!(open_head(&asked, &registry).is_err() && open_resend(&bytes, &registry).is_err());
        let stranger = issue_head(&head, &Ed25519Signer::from_seed(&[8; 32])).unwrap();
        assert!(matches!(open_head(&stranger, &registry), Err(ReceiptError::Signature(_))));
        let nothing = issue_resend(&Resend { from_seq: 10, ..resend }, &signer).unwrap();
        assert!(open_resend(&nothing, &registry).is_err());
    }
}
