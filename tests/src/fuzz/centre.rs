//! The centre's words, receipt, head and request; the registry; pieces of evidence; and the verifier over streams that were
//! good until the input changed them.

use tidewaiter_record::{
    ContentType, Registry, Statement, Verifier,
    cbor::{Reader, Writer},
    open_head, open_receipt, open_resend, parse,
    piece::{MAX_MESSAGE_BYTES, PIECE_BYTES, Piece},
    split_sequence,
    verify::MAX_FINDINGS,
};

use super::record::REGISTRY;

/// The frozen chain that streams are made from.
const CHAIN: &str = include_str!("../../../agent/record/vectors/v1/chain-of-3.hex");
const RECEIPT: &str = include_str!("../../../agent/record/vectors/v1/receipt.hex");

/// Receipts and enrolment statements.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn receipt(bytes: &[u8]) {
    let opened = open_receipt(bytes, &REGISTRY);
    if let Ok(receipt) = &opened {
        assert!(bytes.len() <= ContentType::Receipt.max_bytes(), "a receipt of {} bytes", bytes.len());
        assert_eq!(open_receipt(bytes, &REGISTRY).as_ref(), Ok(receipt));
        assert_eq!(ContentType::of(bytes), Some(ContentType::Receipt));
    }
    let statement = Statement::open(bytes);
    if statement.is_ok() {
        assert!(bytes.len() <= ContentType::Statement.max_bytes(), "a statement of {} bytes", bytes.len());
    }
    assert!(opened.is_err() || statement.is_err() && parse(bytes).is_err());
    // Nothing that is merely signed by nobody passes: the same bytes with the last one changed.
    if let (Ok(_), Some((last, rest))) = (&opened, bytes.split_last()) {
        assert!(open_receipt(&[rest, &[last ^ 1]].concat(), &REGISTRY).is_err(), "a changed receipt passes");
    }
}

/// Heads of the log and requests to send again.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn head(bytes: &[u8]) {
    let (head, resend) = (open_head(bytes, &REGISTRY), open_resend(bytes, &REGISTRY));
    assert!(head.is_err() || resend.is_err(), "bytes that are a head and a request");
    if head.is_ok() || resend.is_ok() {
        assert!(bytes.len() <= ContentType::Head.max_bytes(), "{} bytes", bytes.len());
        assert!(open_receipt(bytes, &REGISTRY).is_err() && parse(bytes).is_err());
    }
    if let Ok(resend) = resend {
        assert!(resend.from_seq <= resend.upto_seq, "a request for nothing");
    }
}

/// The registry, a JSON document.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn registry(bytes: &[u8]) {
    let Some(registry) = std::str::from_utf8(bytes).ok().and_then(|text| Registry::from_json(text).ok()) else {
        return;
    };
    let written = registry.to_json();
    let again = Registry::from_json(&written).expect("own registry");
    assert_eq!(again, registry);
    assert_eq!(again.to_json(), written);
    for key in registry.keys() {
        assert_eq!(registry.key(key.kid()), Some(key), "a key that is not found by its name");
    }
    let mut merged = registry.clone();
    merged.merge(&again).expect("a registry contradicts itself");
    assert_eq!(merged, registry);
}

/// Pieces of evidence.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn pieces(bytes: &[u8]) {
    if let Ok(piece) = Piece::open(bytes) {
        assert!(bytes.len() <= MAX_MESSAGE_BYTES && piece.bytes.len() <= PIECE_BYTES);
        assert!(!piece.bytes.is_empty() && piece.offset + piece.bytes.len() as u64 <= piece.size);
        assert_eq!(piece.write(), bytes, "a piece has one spelling");
    }
    let whole: Vec<u8> = Piece::cut(bytes).flat_map(|piece| piece.bytes.to_vec()).collect();
    assert_eq!(whole, bytes);
    for piece in Piece::cut(bytes) {
        assert_eq!(Piece::open(&piece.write()), Ok(piece));
    }
}

/// Cutting streams into items.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn sequence(bytes: &[u8]) {
    super::record::sequence(bytes);
}

/// The verifier over a good stream that the input edits: items dropped, repeated, exchanged, bytes changed, inserted, cut.
///
/// The input is a list of edits of four bytes: what, two for where, one to put there.
///
/// # Panics
///
/// When the verifier breaks a promise.
pub fn verifier(bytes: &[u8]) {
    let unhex = |text: &str| hex::decode(text.split_whitespace().collect::<String>()).expect("a frozen vector");
    let mut items: Vec<Vec<u8>> =
        split_sequence(&unhex(CHAIN)).map(|it| it.expect("a frozen vector").to_vec()).collect();
    items.push(unhex(RECEIPT));
    let good = items.clone();
    for edit in bytes.chunks_exact(4).take(32) {
        let &[what, high, low, put] = edit else { return };
        let place = usize::from(u16::from_be_bytes([high, low]));
        let which = place % items.len().max(1);
        match what % 7 {
            0 => items.insert(which, good.get(usize::from(put) % good.len()).cloned().unwrap_or_default()),
            1 if !items.is_empty() => drop(items.remove(which)),
            2 if items.len() > 1 => {
                let other = (which + 1) % (place + 1).min(items.len());
                items.swap(which, other);
            }
            3 => items.push(signed_by_nobody(place, put)),
            _ => {
                let Some(item) = items.get_mut(usize::from(put) % 4) else { continue };
                let at = place % (item.len() + 1);
                match what % 7 {
                    4 => item.insert(at, put),
                    5 => item.truncate(at),
                    _ => {
                        if let Some(byte) = item.get_mut(at) {
                            *byte ^= put;
                        }
                    }
                }
            }
        }
    }
    let untouched = items == good;
    let stream = items.concat();
    let mut verifier = Verifier::new(&REGISTRY);
    let mut accepted = 0;
    for item in split_sequence(&stream) {
        match item {
            Ok(item) => {
                if verifier.push(item).is_some() {
                    assert!(good.iter().any(|it| it == item), "evidence that nobody signed");
                    accepted += 1;
                }
            }
            Err(error) => verifier.push_broken(&error),
        }
    }
    let report = verifier.finish();
    assert_eq!(report.accepted, accepted);
    assert!(report.accepted + report.duplicates <= report.records);
    assert!(report.findings.len() <= MAX_FINDINGS);
    if untouched {
        assert_eq!(accepted, 3, "{report:?}");
    }
}

/// An item of the outer shape with nothing right in it.
fn signed_by_nobody(place: usize, put: u8) -> Vec<u8> {
    let mut w = Writer::new();
    w.tag(18);
    w.array(4);
    w.bytes(&vec![put; place % 64]);
    w.map(|_| {});
    w.bytes(&[put]);
    w.bytes(&[put; 64]);
    let bytes = w.finish();
    let mut reader = Reader::new(&bytes);
    assert!(reader.tag(18).is_ok());
    bytes
}
