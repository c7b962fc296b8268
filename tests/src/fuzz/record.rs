//! Sealed records, receipts, statements, streams of them, and the registry.

use std::sync::LazyLock;

use tidewaiter_record::{
    Body, Keyring, MAX_RECORD_BYTES, Registry, SequenceBuffer, Statement, Verifier,
    cbor::{self, Reader},
    open_receipt, parse,
    rotation::rotation,
    split_sequence,
    verify::MAX_FINDINGS,
    verify_signature,
};

/// The keys behind the committed vectors, so that good input goes all the way.
pub(super) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::from_json(include_str!("../../../agent/record/vectors/v1/registry-test.json")).expect("frozen registry")
});

/// Everything of the record crate that reads bytes.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn record(bytes: &[u8]) {
    one(bytes);
    sequence(bytes);
    verify(bytes);
    if let Some(registry) = std::str::from_utf8(bytes).ok().and_then(|text| Registry::from_json(text).ok()) {
        let written = registry.to_json();
        let again = Registry::from_json(&written).expect("own registry");
        assert_eq!(again.to_json(), written);
    }
}

fn one(bytes: &[u8]) {
    // A well-formed item is read to its end, and a body has one spelling.
    if cbor::check(bytes).is_ok() {
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.skip().map(<[u8]>::len), Ok(bytes.len()));
        assert_eq!(reader.end(), Ok(()));
    }
    if let Ok(body) = Body::decode(bytes) {
        assert_eq!(Body::decode(&body.encode()).as_ref(), Ok(&body));
    }
    if let Ok(record) = parse(bytes) {
        assert!(bytes.len() <= MAX_RECORD_BYTES, "a record of {} bytes", bytes.len());
        assert_eq!(Body::decode(&record.body.encode()).as_ref(), Ok(&record.body));
        assert_eq!(parse(bytes).map(|it| it.hash()), Ok(record.hash()));
        let _ = verify_signature(&record, &REGISTRY);
    }
    let receipt = open_receipt(bytes, &REGISTRY);
    let statement = Statement::open(bytes);
    let kinds = usize::from(parse(bytes).is_ok()) + usize::from(receipt.is_ok()) + usize::from(statement.is_ok());
    assert!(kinds <= 1, "bytes that are two kinds of item at once");
}

/// A stream cut into pieces gives the items of the stream cut in one go.
pub(super) fn sequence(bytes: &[u8]) {
    let whole: Vec<_> = split_sequence(bytes).collect();
    let good: Vec<&[u8]> = whole.iter().filter_map(|it| it.as_ref().ok().copied()).collect();
    let taken: usize = good.iter().map(|it| it.len()).sum();
    assert_eq!(bytes.get(..taken), Some(good.concat().as_slice()), "items are the bytes of the stream");
    assert!(good.iter().all(|it| !it.is_empty() && it.len() <= MAX_RECORD_BYTES), "an item out of bounds");
    assert_eq!(whole.iter().all(Result::is_ok), taken == bytes.len(), "what is left over is an error");

    for piece in [1, 7, 1 + bytes.len() / 2] {
        let (mut buffer, mut items, mut failed) = (SequenceBuffer::new(), Vec::new(), false);
        for piece in bytes.chunks(piece) {
            buffer.feed(piece);
            loop {
                match buffer.next_item() {
                    Ok(Some(item)) => items.push(item.to_vec()),
                    Ok(None) => break,
                    Err(error) => {
                        assert_eq!(buffer.next_item(), Err(error), "the error stays");
                        failed = true;
                        break;
                    }
                }
            }
            if failed {
                break;
            }
        }
        assert_eq!(items, good, "pieces of {piece}");
        assert_eq!(failed || buffer.finish().is_err(), taken < bytes.len(), "pieces of {piece}");
    }
}

fn verify(bytes: &[u8]) {
    let mut verifier = Verifier::new(&REGISTRY);
    // A chain may hand itself to keys that the registry does not name.
    let mut keys = Keyring::new(REGISTRY.clone());
    let mut accepted = 0;
    for item in split_sequence(bytes) {
        match item {
            Ok(item) => {
                if let Some(record) = verifier.push(item) {
                    assert!(verify_signature(&record, keys.in_force()).is_ok(), "evidence without a signature");
                    if let Ok(Some(handed)) = rotation(&record) {
                        keys.learn(handed).expect("fewer keys than a registry holds");
                    }
                    accepted += 1;
                }
            }
            Err(error) => verifier.push_broken(&error),
        }
    }
    verifier.push_receipt(bytes);
    let report = verifier.finish();
    assert_eq!(report.accepted, accepted);
    assert!(report.accepted + report.duplicates <= report.records);
    assert!(report.findings.len() <= MAX_FINDINGS);
}
