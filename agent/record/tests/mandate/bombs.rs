//! Bytes made to cost much: they are refused, and cost little.

use std::time::Instant;

use tidewaiter_record::{
    cbor::Writer,
    mandate::{Kind, Signed, draft},
};

use super::{cases::documents, people::*};

fn wrapped(payload: &[u8]) -> Vec<u8> {
    sign(Kind::Limits, payload, &[11, 12])
}

fn envelope(signatures: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let good = signed_limits(&limits(1, &[1]), &[11]);
    let at = good.windows(2).rposition(|it| it == [0x81, 0x83]).unwrap();
    let mut w = Writer::new();
    signatures(&mut w);
    [&good[..at], &w.finish()].concat()
}

#[test]
fn bombs_are_refused_at_once() {
    let nested = |n: usize| [vec![0x81; n], vec![0x00]].concat();
    let claims = |head: [u8; 9]| [&[0xa3, 0x01, 0x01, 0x02][..], &head].concat();
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("arrays in arrays", wrapped(&nested(60_000))),
        ("a list that claims 2^64 items", wrapped(&claims([0x9b, 255, 255, 255, 255, 255, 255, 255, 255]))),
        ("a text that claims 2^64 bytes", wrapped(&claims([0x7b, 255, 255, 255, 255, 255, 255, 255, 255]))),
        ("a map that claims 2^64 entries", wrapped(&claims([0xbb, 255, 255, 255, 255, 255, 255, 255, 255]))),
        ("2^64 signatures", envelope(|w| w.encoded(&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255]))),
        ("no signature", envelope(|w| w.array(0))),
        (
            "a thousand signatures",
            envelope(|w| {
                let own = [0xa2, 0x01, 0x32, 0x04, 0x48, 1, 2, 3, 4, 5, 6, 7, 8];
                w.array(1000);
                for _ in 0..1000 {
                    w.array(3);
                    w.bytes(&own);
                    w.map(|_| {});
                    w.bytes(&[0; 1]);
                }
            }),
        ),
        ("floating point", wrapped(&[0xfb, 0x40, 9, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18])),
        ("an open length", wrapped(&[0x9f, 0xff])),
        ("a tag inside", wrapped(&[0xc1, 0x00])),
    ];
    let began = Instant::now();
    for (name, bytes) in &rows {
        let mut agent = super::cases::Agent::new();
        assert!(agent.authority.offer(bytes).is_err(), "{name}");
    }
    println!("{} bombs in {} ms", rows.len(), began.elapsed().as_millis());
    assert!(draft(Kind::Command, &[0; 9000], &[&key(21)]).is_err(), "too large to be written");
}

#[test]
fn no_byte_of_a_document_can_change() {
    for (name, bytes) in documents() {
        let root = root(1);
        let keys: Vec<_> = root.keys.iter().collect();
        let before = Signed::open(&bytes).unwrap().signers(&keys).len();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let fewer = Signed::open(&changed).map_or(0, |it| it.signers(&keys).len());
            assert!(fewer < before, "{name}: byte {at}");
        }
        for cut in 0..bytes.len() {
            assert!(Signed::open(&bytes[..cut]).is_err(), "{name}: cut at {cut}");
        }
    }
}
